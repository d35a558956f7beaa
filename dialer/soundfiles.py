"""Recordings as files: what one holds, its checksum, deleting it, and those that nobody knows.

Owns the disk's side of recordings. Knows no database and no policy. Files are read once, in parts, and never changed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from freeswitch.sounds.wav import WavError, read_info

_PART: Final = 1 << 20
_LOST_S: Final = 1.0
_LOST_SHARE: Final = 0.02
"""A file that is so much shorter than what the switch said has lost its end: a full disk, or a switch that died."""


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A file that is there. ``seconds`` None: not a recording. ``problem`` in words, empty when all is well."""

    size: int
    sha256: str
    seconds: float | None
    problem: str = ""


def inspect(path: Path, told_s: float) -> SoundFile | None:
    """What the file holds, against the ``told_s`` seconds that the switch recorded (0: not known); None: no file there.

    Raises OSError when it is there and cannot be read.
    """
    try:
        digest, size = checksum(path)
    except FileNotFoundError:
        return None
    try:
        info = read_info(path)
    except WavError as error:
        return SoundFile(size, digest, None, f"expected {error.expected}")
    seconds = info.seconds
    if told_s > 0.0 and seconds < told_s - max(_LOST_S, _LOST_SHARE * told_s):
        return SoundFile(size, digest, seconds, f"holds {seconds:.1f} s of the {told_s:.1f} s that were recorded")
    if seconds <= 0.0:
        return SoundFile(size, digest, seconds, "holds no sound")
    return SoundFile(size, digest, seconds)


def checksum(path: Path) -> tuple[str, int]:
    """SHA-256 in hex, and the size. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would be waited for for ever
    with open(descriptor, "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PermissionError(1, "is no regular file", str(path))
        while part := stream.read(_PART):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size


def delete(directory: Path, path: Path) -> bool:
    """Delete a file below ``directory``, and folders that are empty then; False when it was not there.

    Raises OSError; PermissionError for what is no file of ours: outside by a link, or not a file at all.
    """
    home = directory.resolve()
    if not path.parent.resolve().is_relative_to(home):
        raise PermissionError(1, f"leads out of {directory}", str(path))
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise PermissionError(1, "is no regular file", str(path))
        path.unlink()
    except FileNotFoundError:
        return False
    folder = path.parent.resolve()
    with suppress(OSError):  # not empty
        while folder != home:
            folder.rmdir()
            folder = folder.parent
    return True


def strangers(directory: Path, known: Collection[str], suffix: str) -> Iterator[Path]:
    """Files below ``directory`` that end in ``suffix`` and are not among the ``known`` paths, by name."""
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(suffix) and path not in known:
                yield Path(path)
