"""The event socket's framing: bytes in, typed messages out. No socket, no clock, no logging.

A frame is a block of `Name: value` lines, a blank line, and a body where `Content-Length` says so. What can
go wrong has one of two prices:

* **one frame**: its framing is sound, its content is not (an event without a name, JSON that is none, a body
  over the limit, an unknown content type). A `Malformed` message says so and decoding goes on behind it;
* **the connection**: framing is lost (a line without a colon, no Content-Type, a Content-Length that is no
  sane number, a block over the limit). `feed` raises ProtocolError, now and at each later call. Reading on
  would be guessing where the next frame starts, and a value could be taken for a frame.

Nothing is dropped silently, and a stream cut short anywhere only ever waits for more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from esl.errors import MalformedFrame, ProtocolError
from esl.headers import Event, HeaderBlock, PlainEvent, utf8
from esl.json_event import JsonEvent


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may make us hold. Sizes in bytes.

    `header_lines` and `line_bytes` count for a frame's own block and for the headers of an event inside it. A
    body over `body_bytes` is skipped unread and costs its frame; one over `skip_bytes` costs the connection.
    """

    block_bytes: int = 1 << 20
    header_lines: int = 10_000
    line_bytes: int = 256 << 10
    body_bytes: int = 16 << 20
    skip_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """The server asks for a password."""


@dataclass(frozen=True, slots=True)
class CommandReply:
    """The reply to every command but `api`; in the order of the commands."""

    headers: HeaderBlock

    @property
    def text(self) -> str:
        return self.headers.get("Reply-Text", "")

    @property
    def ok(self) -> bool:
        return self.text.startswith("+OK")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The reply to `api`."""

    headers: HeaderBlock
    text: str

    @property
    def ok(self) -> bool:
        return not self.text.startswith("-")


@dataclass(frozen=True, slots=True)
class DisconnectNotice:
    """The server is about to close; with `linger` only the call is over and events still come."""

    headers: HeaderBlock
    text: str

    @property
    def linger(self) -> bool:
        return self.headers.get("Content-Disposition", "") == "linger"


@dataclass(frozen=True, slots=True)
class RudeRejection:
    """The server's access list refuses us; it closes next."""

    text: str


@dataclass(frozen=True, slots=True)
class LogData:
    """One line of the server's log."""

    headers: HeaderBlock
    text: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """One frame that could not be used. `reason` says why, without any of its content; `size` in bytes of its
    body.
    """

    reason: str
    content_type: str
    size: int

    @property
    def is_reply(self) -> bool:
        """Whether a command was waiting for this frame."""
        return self.content_type in ("command/reply", "api/response")


Message: TypeAlias = (
    AuthRequest | CommandReply | ApiResponse | Event | DisconnectNotice | RudeRejection | LogData | Malformed
)

_EVENT_HEADER: Final = re.compile(r"Content-Length: ([0-9]{1,9})\nContent-Type: text/event-(plain|json)\n\n")
_LENGTH: Final = re.compile(r"[0-9]{1,12}")


class Decoder:
    """Turns a byte stream into messages; one for each connection.

    Bytes of a frame that is not whole wait in a buffer of their own and are looked at once: a stream that
    comes byte by byte costs time in proportion to its length. Whole frames are cut out of what `feed` was
    given.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits if limits is not None else Limits()
        # Smaller events can't break a limit on lines (a line takes two bytes), so that most are never
        # counted.
        self._free_size = min(2 * self._limits.header_lines, self._limits.line_bytes)
        self._pending = bytearray()
        # How many bytes the waiting frame has; 0 while its block's end has not come.
        self._need = 0
        # Bytes still to skip of a body over the limit, and what to report at its end.
        self._skip = 0
        self._skipped: Malformed | None = None
        self._fault: ProtocolError | None = None

    @property
    def buffered_bytes(self) -> int:
        """How much of an unfinished frame is held."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, in order.

        Raises ProtocolError, with the messages before the fault in `.messages`, when framing is lost; the
        decoder is of no use afterwards and every later call raises again.
        """
        if self._fault is not None:
            raise ProtocolError(self._fault.reason)
        messages: list[Message] = []
        try:
            at = 0
            while at < len(data):
                if self._skip:
                    at += self._skip_some(len(data) - at, messages)
                elif self._pending:
                    at = self._complete(data, at, messages)
                else:
                    # One character a byte, in one go: cutting values out of a str is the faster way.
                    rest = self._decode(data.decode("latin-1"), at, messages)
                    self._pending += data[rest:]
                    at = len(data)
        except ProtocolError as fault:
            self._pending.clear()
            self._fault = fault
            raise ProtocolError(fault.reason, messages) from None
        return messages

    def _skip_some(self, available: int, messages: list[Message]) -> int:
        taken = min(self._skip, available)
        self._skip -= taken
        if not self._skip and self._skipped is not None:
            messages.append(self._skipped)
            self._skipped = None
        return taken

    def _complete(self, data: bytes, at: int, messages: list[Message]) -> int:
        """Adds to the waiting frame what belongs to it, and decodes it when it is whole. Returns where `data`
        goes on.

        A frame comes here twice: once for its block, and again for its body if it has one.
        """
        pending = self._pending
        if self._need:
            stop = at + self._need - len(pending)
            pending += data[at:stop]
            if stop > len(data):
                return len(data)
        else:
            # The blank line's two line feeds may have come apart.
            if pending.endswith(b"\n") and data.startswith(b"\n", at):
                stop = at + 1
            elif (end := data.find(b"\n\n", at)) >= 0:
                stop = end + 2
            else:
                pending += data[at:]
                self._check_block_size(len(pending))
                return len(data)
            pending += data[at:stop]
        text = pending.decode("latin-1")
        self._need = 0
        if self._decode(text, 0, messages) == len(text):
            pending.clear()
        return stop

    def _check_block_size(self, size: int) -> None:
        if size > self._limits.block_bytes:
            raise ProtocolError(f"header block over {self._limits.block_bytes} bytes")

    def _decode(self, text: str, at: int, messages: list[Message]) -> int:
        """Decodes whole frames from `at` on. Returns where the first that is not whole starts, or the text's
        end.
        """
        size = len(text)
        match_event = _EVENT_HEADER.match
        while at < size:
            head = match_event(text, at)
            if head is None:
                at = self._decode_other(text, at, messages)
                if at < 0:
                    return ~at
                continue
            length, form = head.groups()
            start = head.end()
            stop = start + int(length)
            if stop - start > self._limits.body_bytes:
                at = self._start_skip(size, start, stop, f"text/event-{form}", messages)
                continue
            if stop > size:
                self._need = stop - at
                return at
            # PlainEvent wants the line feed in front.
            messages.append(
                self._plain_event(text[start - 1 : stop]) if form == "plain" else self._json_event(text[start:stop])
            )
            at = stop
        return size

    def _decode_other(self, text: str, at: int, messages: list[Message]) -> int:
        """Decodes one frame of any kind at `at`. Returns where the next starts; ~start when it is not
        whole.
        """
        size = len(text)
        while text.startswith("\n", at):
            at += 1
        end = text.find("\n\n", at)
        if end < 0:
            self._check_block_size(size - at)
            return ~at
        self._check_block_size(end - at)
        start = end + 2
        headers = HeaderBlock("\n" + text[at : start - 1], start - at)
        length = self._check_block(headers)
        content_type = headers.get("Content-Type")
        if content_type is None:
            raise ProtocolError("frame without Content-Type")
        stop = start + length
        if length > self._limits.body_bytes:
            return self._start_skip(size, start, stop, content_type, messages)
        if stop > size:
            self._need = stop - at
            return ~at
        messages.append(self._make(content_type, headers, text[start:stop]))
        return stop

    def _make(self, content_type: str, headers: HeaderBlock, body: str) -> Message:
        match content_type:
            case "command/reply":
                return CommandReply(headers)
            case "api/response":
                return ApiResponse(headers, utf8(body))
            case "text/event-plain":
                return self._plain_event("\n" + body)
            case "text/event-json":
                return self._json_event(body)
            case "auth/request":
                return AuthRequest()
            case "text/disconnect-notice":
                return DisconnectNotice(headers, utf8(body))
            case "text/rude-rejection":
                return RudeRejection(utf8(body))
            case "log/data":
                return LogData(headers, utf8(body))
            case _:
                return Malformed("content type that is not known", content_type, len(body))

    def _plain_event(self, text: str) -> Message:
        if len(text) > self._free_size and (reason := self._broken_limit(text)):
            return Malformed(reason, PlainEvent.content_type, len(text) - 1)
        try:
            return PlainEvent(text)
        except MalformedFrame as fault:
            return Malformed(str(fault), PlainEvent.content_type, len(text) - 1)

    def _json_event(self, body: str) -> Message:
        try:
            event = JsonEvent(body.encode("latin-1"))
        except MalformedFrame as fault:
            return Malformed(str(fault), JsonEvent.content_type, len(body))
        if event.header_count > self._limits.header_lines:
            return Malformed(f"more than {self._limits.header_lines} headers", JsonEvent.content_type, len(body))
        return event

    def _check_block(self, headers: HeaderBlock) -> int:
        """The body's length by the headers of one frame. Raises ProtocolError when they can't be trusted."""
        lengths: set[str] = set()
        lines = 0
        for name, raw in headers.raw_items():
            lines += 1
            if len(name) + len(raw) > self._limits.line_bytes:
                raise ProtocolError(f"header line over {self._limits.line_bytes} bytes")
            if name == "Content-Length":
                lengths.add(raw)
        if lines != headers.line_count:
            raise ProtocolError("header line without a colon")
        if lines > self._limits.header_lines:
            raise ProtocolError(f"more than {self._limits.header_lines} header lines")
        if not lengths:
            return 0
        stated = lengths.pop()
        if lengths or not _LENGTH.fullmatch(stated) or int(stated) > self._limits.skip_bytes:
            raise ProtocolError(f"Content-Length is not one number up to {self._limits.skip_bytes}")
        return int(stated)

    def _broken_limit(self, text: str) -> str | None:
        """Which limit the headers of a plain event break, in words. `text` starts with a line feed."""
        limits = self._limits
        end = text.find("\n\n")
        lines = text[1 : end if end >= 0 else len(text)].split("\n")
        if len(lines) > limits.header_lines:
            return f"more than {limits.header_lines} header lines"
        if max(map(len, lines)) > limits.line_bytes:
            return f"header line over {limits.line_bytes} bytes"
        return None

    def _start_skip(self, size: int, start: int, stop: int, content_type: str, messages: list[Message]) -> int:
        """A body over the limit is not kept; it is reported when its last byte has passed. Returns where to
        go on.
        """
        if stop - start > self._limits.skip_bytes:
            raise ProtocolError(f"Content-Length is not one number up to {self._limits.skip_bytes}")
        report = Malformed(f"body over {self._limits.body_bytes} bytes", content_type, stop - start)
        if stop <= size:
            messages.append(report)
            return stop
        self._skip = stop - size
        self._skipped = report
        return size
