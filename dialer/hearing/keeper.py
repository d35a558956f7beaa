"""What machines said, written to files: whole or not at all, and never in the way of whoever listens.

Owns one thread that writes, because a disk may be slow and verdicts may not. Knows no judge and no tap.
"""

from __future__ import annotations

import os
import queue
import threading
import wave
from contextlib import suppress
from pathlib import Path
from typing import Final

from dialer.domain.hearing import CalleeRecorded
from dialer.hearing.sound import RATE

MOST_WAITING: Final = 50
"""More files than that are not written: the disk is stuck, and what waits is in memory."""
CLOSE_S: Final = 3.0


class Keeper:
    """Files in, one ``CalleeRecorded`` each out."""

    def __init__(self) -> None:
        self._orders: queue.Queue[tuple[str, str, bytes] | None] = queue.Queue()
        self._done: queue.SimpleQueue[CalleeRecorded] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._owed = 0

    @property
    def busy(self) -> bool:
        """Whether some file's ``CalleeRecorded`` is still to be had from ``done``."""
        return self._owed > 0

    def keep(self, call: str, path: str, sound: bytes) -> None:
        """Write ``sound`` (L16 at 8 kHz) as a WAV file. Never blocks."""
        self._owed += 1
        if self._orders.qsize() >= MOST_WAITING:
            self._done.put(CalleeRecorded(call, 0.0, f"{MOST_WAITING} recordings wait for the disk already"))
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, daemon=True)
            self._thread.start()
        self._orders.put((call, path, sound))

    def done(self) -> list[CalleeRecorded]:
        """What was finished since the last time."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._done.get_nowait())
        self._owed -= len(found)
        return found

    def close(self) -> None:
        """Wait for the files that are being written, though not for ever."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(CLOSE_S)

    def _write_all(self) -> None:
        while (order := self._orders.get()) is not None:
            call, path, sound = order
            try:
                write(Path(path), sound)
            except OSError as error:
                self._done.put(CalleeRecorded(call, 0.0, f"{path}: {error.strerror or error}"))
            else:
                self._done.put(CalleeRecorded(call, len(sound) / 2 / RATE))


def write(path: Path, sound: bytes) -> None:
    """A WAV file of L16 at 8 kHz, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        with wave.open(str(beside), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(sound[: len(sound) // 2 * 2])
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
