"""What can go wrong in the hearing room: one exception tree."""

from __future__ import annotations


class HearingError(Exception):
    """Base of everything that this package raises."""


class SoundFileError(HearingError):
    """A sound file cannot be used."""


class PrintsError(HearingError):
    """A file of learnt announcements cannot be used, or recordings cannot be told apart."""


class MessageError(HearingError):
    """Bytes between client and worker that are no message."""
