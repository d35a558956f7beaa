"""Recordings as files: valid WAV files of the right length, full of silence.

The only part of the stand-in that writes sound; must not decide when or what.  Files are sparse: an hour costs no
disk.
"""

from __future__ import annotations

import logging
import struct
from pathlib import Path

from freeswitch.standin.recording import RATE_HZ, WAV_HEADER_BYTES

LOG = logging.getLogger("freeswitch.standin")


class SilentFiles:
    """A `Recorder` on a real disk."""

    def begin(self, path: str) -> bool:
        """As the real one: a missing folder is made, an existing file is written anew."""
        try:
            file = Path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_header(1, 0))
        except (OSError, ValueError) as error:
            LOG.warning("recording %s refused: %s", path, error)
            return False
        return True

    def finish(self, path: str, channels: int, seconds: float) -> None:
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
