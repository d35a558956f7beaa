"""Frames between the daemon's store client and its worker process, over a socket pair that only they hold.

Owns the frame types and their encoding: four bytes of length, then a pickle. Pickle is safe here and nowhere else:
both ends are this program, one started by the other, and no other process can reach the pair.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dialer.domain.commands import StoreCommand
from dialer.domain.events import Recovered, StoreEvent
from dialer.domain.settings import CampaignSettings
from dialer.store.errors import FrameError
from routing.intake import Rules

MAX_FRAME_BYTES: Final = 64 << 20
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame to a worker: everything that it must know."""

    url: str
    owner: str
    epoch: str
    campaigns: Mapping[str, CampaignSettings]
    busy_timeout_s: float
    rules: Rules


@dataclass(frozen=True, slots=True)
class Do:
    """Execute a command; answered by its ``seq`` once durable, or at once when it cannot wait."""

    seq: int
    command: StoreCommand


@dataclass(frozen=True, slots=True)
class Flush:
    """Answer when everything before this is durable."""

    seq: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Answer at once."""

    seq: int


@dataclass(frozen=True, slots=True)
class Recover:
    """Take over from the former runs."""

    seq: int


@dataclass(frozen=True, slots=True)
class Answers:
    """Commands that are done with, by their ``seq``, each with its event or None."""

    items: tuple[tuple[int, StoreEvent | None], ...]


@dataclass(frozen=True, slots=True)
class Flushed:
    """To Flush."""

    seq: int


@dataclass(frozen=True, slots=True)
class Pong:
    """To Ping."""

    seq: int


@dataclass(frozen=True, slots=True)
class RecoverDone:
    """To Recover."""

    seq: int
    recovered: Recovered


@dataclass(frozen=True, slots=True)
class Failed:
    """The database cannot be written; said once until Healthy."""

    error: str


@dataclass(frozen=True, slots=True)
class Healthy:
    """The database is written: the first time, and after each Failed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something is lost or left out, and nothing can be done about it."""

    text: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """No retry helps; the worker ends."""

    error: str


ToWorker = Hello | Do | Flush | Ping | Recover
FromWorker = Answers | Flushed | Pong | RecoverDone | Failed | Healthy | Fault | Fatal


def encode(frame: ToWorker | FromWorker) -> bytes:
    """A frame's bytes."""
    body = pickle.dumps(frame, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Bytes in, frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The frames that are complete with ``data``. Raises FrameError."""
        self._buffer += data
        frames = []
        at = 0
        while len(self._buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, at)
            if length > MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {length} bytes; expected at most {MAX_FRAME_BYTES}")
            end = at + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            try:
                frames.append(pickle.loads(memoryview(self._buffer)[at + _LENGTH.size : end]))
            except Exception as error:
                raise FrameError(f"not a frame: {type(error).__name__}") from error
            at = end
        del self._buffer[:at]
        return frames
