"""Messages between the daemon's hearing client and its worker: JSON lines over a socket pair.

Owns the message types and their encoding. Strict: a line that is no message raises MessageError, whatever is in it.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, Final

from dialer.domain.hearing import CalleeRecorded, HearingEvent, ListenKind
from dialer.hearing.errors import MessageError
from dialer.hearing.listener import HearingSettings

MOST_BYTES: Final = 1 << 20


# ---- to the worker -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message. ``folder`` is where the switch records to; ``prints`` is a file, or empty."""

    settings: HearingSettings
    folder: str
    most: int
    prints: str


@dataclass(frozen=True, slots=True)
class Open:
    """Listen to ``call``; answered by Opened or Refused. ``since`` in the machine's monotonic seconds.

    ``number`` names this listening for good; another one of the same call takes its tap over. ``record`` is the file
    for what a machine says, or empty.
    """

    number: int
    call: str
    kind: ListenKind
    since: float
    record: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """End a listening. ``keep`` what a machine said, where a file for it was named."""

    number: int
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Ping:
    """Answer at once."""

    number: int


# ---- from the worker ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker listens. ``fault``: why the learnt announcements could not be used, else empty."""

    recordings: int
    fault: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The switch must record to ``path``. Not ``fresh``: it does so already."""

    number: int
    path: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody can listen."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something was heard; times in the machine's monotonic seconds."""

    number: int
    event: HearingEvent


@dataclass(frozen=True, slots=True)
class Closed:
    """Nobody listens any more, and the file at ``path`` is gone. ``unused``: no sound ever came."""

    number: int
    path: str
    unused: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a machine said is in its file, or is not; comes some time after the listening was closed."""

    event: CalleeRecorded


@dataclass(frozen=True, slots=True)
class Pong:
    """To Ping, with what the worker counted: listeners, frames, and the worst lateness of its loop since the last."""

    number: int
    open: int
    frames: int
    late_ms: float


ToWorker = Hello | Open | Close | Ping
FromWorker = Ready | Opened | Refused | Told | Closed | Recorded | Pong
Message = ToWorker | FromWorker

_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in (Hello, Open, Close, Ping, Ready, Opened, Refused, Told, Closed, Recorded, Pong)
}
_EVENTS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in typing.get_args(HearingEvent)}


def encode(message: Message) -> bytes:
    """A message's line."""
    body: dict[str, Any] = {"": type(message).__name__, **asdict(message)}
    if isinstance(message, Told):
        body["event"] = {"": type(message.event).__name__, **body["event"]}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


class Decoder:
    """Bytes in, messages out."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with ``data``. Raises MessageError."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > MOST_BYTES:
            raise MessageError(f"a message of more than {MOST_BYTES} bytes")
        return [_message(line) for line in lines]


def _message(line: bytes) -> Message:
    try:
        body = json.loads(line)
        kind = _KINDS[body.pop("")]
        if kind is Told:
            event = body["event"]
            return Told(_build(int, body["number"]), _build(_EVENTS[event.pop("")], event))
        message: Message = _build(kind, body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MessageError(f"not a message: {type(error).__name__}: {error}") from None
    return message


def _build(kind: Any, value: Any) -> Any:
    """``value`` as ``kind``: dataclasses, enumerations and plain values, checked."""
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        names = {field.name for field in fields(kind)}
        if not isinstance(value, dict) or set(value) != names:
            raise TypeError(f"{kind} from {value!r:.80}")
        return typing.cast(Any, kind)(**{name: _build(hints[name], value[name]) for name in names})
    if isinstance(kind, types.UnionType):
        options = typing.get_args(kind)
        if value is None and type(None) in options:
            return None
        (inner,) = (option for option in options if option is not type(None))
        return _build(inner, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{kind.__name__} from {value!r:.80}")
    return value
