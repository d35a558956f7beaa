"""Finished recordings on a switch's host that are to be brought here by a command that runs there.

Owns the tries: few at a time, again after growing pauses, counted. What is not brought here stays noted in the store,
and the next run tries it again. Must not know what the command does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dialer.domain.desk_records import WRITTEN, SaveRecording
from dialer.domain.phones import Upload, UploadReplied
from dialer.engine.live import Live, Uploading

AT_ONCE: Final = 4
"""So many run on one switch at a time: each holds a thread and a process there."""
LONGEST_S: Final = 660.0
"""A command that says nothing for so long is taken to have failed; the driver waits for 600 s."""
RETRY_S: Final = (10.0, 60.0, 300.0, 900.0, 3600.0)
TRIES: Final = 30
"""A day, about: then it waits for the next run, or for a person."""
TEXT: Final = 300


class UploadDesk:
    """Has files brought here."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def add(self, saved: SaveRecording, command: str) -> None:
        """A file is ready on its switch's host."""
        key = _key(saved.node, saved.path)
        if saved.node in self.live.nodes and key not in self.live.uploads:
            self.live.uploads[key] = Uploading(saved, command)
            self._next(saved.node)

    def _next(self, node: str) -> None:
        """Start what may run now."""
        live = self.live
        running = sum(each.running for each in live.uploads.values() if each.saved.node == node)
        for key, each in live.uploads.items():
            if running >= AT_ONCE:
                return
            waits = each.running or live.timers.due(("upload", "again", key)) is not None
            if each.saved.node == node and not waits and live.nodes[node].up:
                running += 1
                each.running = True
                each.tries += 1
                live.timers.set(("upload", "over", key), live.now + LONGEST_S)
                live.emit(Upload(node, each.saved.attempt_id, each.saved.path, each.command))

    def replied(self, event: UploadReplied) -> None:
        """The command ended, or could not be run."""
        live, key = self.live, _key(event.node, event.path)
        each = live.uploads.get(key)
        if each is None or not each.running:
            live.odd("upload_replied", f"the end of an upload that nobody waits for: {event.path}")
            return
        each.running = False
        live.timers.cancel(("upload", "over", key))
        if event.ok:
            del live.uploads[key]
            live.counters["recordings_uploaded"] += 1
            live.emit(replace(each.saved, state=WRITTEN))
        else:
            self._failed(key, each, event.text)
        self._next(event.node)

    def _failed(self, key: str, each: Uploading, why: str) -> None:
        live = self.live
        live.counters["recording_uploads_failed"] += 1
        what = f"attempt {each.saved.attempt_id}: {each.saved.path}: try {each.tries}: {why.strip()[-TEXT:]}"
        if each.tries >= TRIES:
            del live.uploads[key]
            live.note("error", "upload_given_up", f"{what}; not tried again before the next start")
            return
        live.note("warning", "upload_failed", what)
        live.timers.set(("upload", "again", key), live.now + RETRY_S[min(each.tries, len(RETRY_S)) - 1])

    def overdue(self, key: str) -> None:
        """No answer came."""
        each = self.live.uploads.get(key)
        if each is not None and each.running:
            each.running = False
            self._failed(key, each, f"no answer for {LONGEST_S:g} s")
            self._next(each.saved.node)

    def again(self, key: str) -> None:
        """The pause is over."""
        each = self.live.uploads.get(key)
        if each is not None:
            self._next(each.saved.node)

    def compared(self, node: str) -> None:
        """The switch is connected: what could not be sent is sent now. Answers of the former connection are lost."""
        for key, each in self.live.uploads.items():
            if each.running and each.saved.node == node:
                each.running = False
                each.tries -= 1
                self.live.timers.cancel(("upload", "over", key))
        self._next(node)


def _key(node: str, path: str) -> str:
    return f"{node} {path}"
