"""Recordings as files: valid WAV files of the right length, full of silence; and bare sound that grows.

The only part of the stand-in that writes sound; must not decide when or what.  Files are sparse: an hour costs no
disk.
"""

from __future__ import annotations

import logging
import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from freeswitch.standin.recording import RATE_HZ, WAV_HEADER_BYTES

LOG = logging.getLogger("freeswitch.standin")


class SilentFiles:
    """A `Recorder` on a real disk.  Bare sound (`.raw`) is real and written as it comes; WAV files are kept only with
    `records`.
    """

    def __init__(self, records: bool = True) -> None:
        self._records = records
        self._growing: dict[str, BinaryIO] = {}

    def begin(self, path: str) -> bool:
        """As the real one: a missing folder is made, an existing file is written anew."""
        bare = path.endswith(".raw")
        if not bare and not self._records:
            return True
        try:
            file = Path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            if bare:
                self._growing[path] = file.open("wb", buffering=0)
            else:
                file.write_bytes(_header(1, 0))
        except (OSError, ValueError) as error:
            LOG.warning("recording %s refused: %s", path, error)
            return False
        return True

    def append(self, path: str, sound: bytes) -> None:
        """Into the file that was made, even if its name is gone."""
        if (file := self._growing.get(path)) is not None:
            with suppress(OSError):
                file.write(sound)

    def finish(self, path: str, channels: int, seconds: float) -> None:
        if (file := self._growing.pop(path, None)) is not None:
            file.close()
            return
        if not self._records:
            return
        size = round(seconds * RATE_HZ) * 2 * channels
        try:
            with open(path, "wb") as file:
                file.write(_header(channels, size))
                file.truncate(WAV_HEADER_BYTES + size)
        except (OSError, ValueError) as error:
            LOG.warning("recording %s not written: %s", path, error)


def _header(channels: int, size: int) -> bytes:
    """The 44 bytes before 16-bit samples at 8 kHz."""
    frame = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, RATE_HZ, RATE_HZ * frame, frame, 16)
    riff = struct.pack("<4sI4s4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", len(form))
    return riff + form + struct.pack("<4sI", b"data", size)
