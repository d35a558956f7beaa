"""Listening to callees: who greets, when the greeting ends, beeps, and what networks announce.

``sound`` (what a frame sounds like), ``cadence``, ``tones``, ``announcements``, ``prints`` and ``listener`` are pure:
sound and its time go in, verdicts come out. ``worker`` is the process that reads the taps (``taps``), ``client`` the
daemon's side of it, ``wire`` what they say to each other. ``wavefile`` and ``printsfile`` read and write files.
"""
