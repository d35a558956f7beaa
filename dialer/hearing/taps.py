"""The taps: recordings of a leg that the switch writes and this process reads while they grow.

Owns the files in one folder (memory, not a disk: ``/dev/shm``): their names, reading what is new, and that none is left
behind, because they hold what people say. FreeSWITCH's ``uuid_record`` with ``RECORD_READ_ONLY`` writes what the callee
says as bare L16 at 8 kHz while a leg waits, rings with early media or talks; its unicast tap does none of this and
crashes the switch on a leg without media. Must not judge.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

MOST_READ: Final = 1 << 16
_CALL: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}\.[0-9]+\.raw")
_FOLDER_MODE: Final = 0o2770


class NoTap(Exception):
    """A leg cannot be tapped; the text says why."""


class Tap:
    """One growing file."""

    __slots__ = ("_descriptor", "path", "size")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self.size = 0
        """How many bytes were read."""

    def read(self) -> bytes:
        """What is new; nothing while the switch has not begun."""
        if self._descriptor < 0 and not self._open():
            return b""
        try:
            data = os.read(self._descriptor, MOST_READ)
        except OSError:
            return b""
        self.size += len(data)
        return data

    def close(self) -> None:
        """Forget the file and remove it; a switch that still writes to it does so without a trace."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            self.path.unlink()

    def _open(self) -> bool:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True


class Folder:
    """The folder of all taps of one process. Made when it is missing; the switch's user must be able to write there."""

    def __init__(self, path: Path) -> None:
        """Raises NoTap when the folder cannot be used."""
        self._path = path
        self._mine: set[str] = set()
        try:
            if not path.exists():
                path.mkdir(parents=True)
                path.chmod(_FOLDER_MODE)
            if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                raise NoTap(f"{path}: no folder that this process may write in")
        except OSError as error:
            raise NoTap(f"{path}: {error.strerror or error}") from None

    def open(self, call: str, number: int) -> Tap:
        """A tap of ``call`` under a name that was never used before. Raises NoTap."""
        if not _CALL.fullmatch(call):
            raise NoTap("the leg's UUID is none")
        name = f"{call}.{number}.raw"
        with suppress(OSError):
            (self._path / name).unlink()  # of a former process with the same number
        self._mine.add(name)
        return Tap(self._path / name)

    def close(self, tap: Tap) -> None:
        """Give a tap back and remove its file."""
        self._mine.discard(tap.path.name)
        tap.close()

    def sweep(self) -> int:
        """Remove recordings that nobody reads: of a former process, or begun after their tap was closed.

        The folder is this process's alone; the switch goes on writing into a removed file until its leg ends.
        """
        removed = 0
        with suppress(OSError):
            for entry in os.scandir(self._path):
                if entry.name not in self._mine and _NAME.fullmatch(entry.name):
                    with suppress(OSError):
                        os.unlink(entry.path)
                        removed += 1
        return removed
