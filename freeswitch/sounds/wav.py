"""WAV headers: how a recording is coded and how long it lasts, G.711 included (which Python's ``wave`` cannot read).

Owns the walk over the chunks. Reads headers, never the sound itself.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

PCM, FLOAT, ALAW, MULAW = 1, 3, 6, 7
_EXTENSIBLE: Final = 0xFFFE
_NAMES: Final = {PCM: "PCM", FLOAT: "float", ALAW: "A-law", MULAW: "µ-law"}
_MAX_CHUNKS: Final = 100


class WavError(ValueError):
    """A file that is not a recording that FreeSWITCH plays; names the file and what was expected."""

    def __init__(self, path: Path, expected: str) -> None:
        super().__init__(f"{path}: expected {expected}")
        self.path = path
        self.expected = expected


@dataclass(frozen=True, slots=True)
class WavInfo:
    """What a header says. ``data`` is where the sound begins in the file, ``size`` its bytes."""

    coding: int
    channels: int
    rate: int
    bits: int
    data: int
    size: int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.size / (self.rate * self.channels * self.bits // 8)

    def __str__(self) -> str:
        return f"{_NAMES[self.coding]}, {self.bits} bit, {self.rate} Hz, {self.channels} channel(s)"


def read_info(path: Path) -> WavInfo:
    """The header of a recording. Raises WavError, FileNotFoundError and other OSErrors."""
    with path.open("rb") as stream:
        total = os.fstat(stream.fileno()).st_size
        head = stream.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise WavError(path, "a WAV file")
        try:
            return _walk(path, stream, total)
        except struct.error:
            raise WavError(path, "a WAV file whose header is whole") from None


def _walk(path: Path, stream: BinaryIO, total: int) -> WavInfo:
    form: tuple[int, int, int, int] | None = None
    for _ in range(_MAX_CHUNKS):
        name, size = struct.unpack("<4sI", stream.read(8))
        at = stream.tell()
        if name == b"fmt ":
            form = _form(path, stream.read(min(size, 64)))
        elif name == b"data":
            if form is None:
                break
            # A program that writes to a pipe cannot know the length and writes a huge one: the file's end counts.
            return WavInfo(*form, at, min(size, total - at))
        stream.seek(at + size + size % 2)
    raise WavError(path, "a WAV file with a format and a sound, in this order")


def _form(path: Path, chunk: bytes) -> tuple[int, int, int, int]:
    coding, channels, rate, _bytes, _align, bits = struct.unpack("<HHIIHH", chunk[:16])
    if coding == _EXTENSIBLE:
        (coding,) = struct.unpack("<H", chunk[24:26])
    wanted = {PCM: (8, 16, 24, 32), FLOAT: (32,), ALAW: (8,), MULAW: (8,)}.get(coding, ())
    if bits not in wanted or channels not in (1, 2) or not 8000 <= rate <= 48000:
        raise WavError(path, "PCM or G.711, one or two channels, 8000 to 48000 Hz")
    return coding, channels, rate, bits
