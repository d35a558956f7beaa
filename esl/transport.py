"""One TCP connection to an event socket, on gevent: bytes in and out, replies matched to commands. No policy.

Two greenlets: the reader always drains the socket and hands messages on at once, whatever else the process
does; the writer sends whole frames in order, so that nobody who queues one can block. The first fault closes
the connection, and closing fails every command that still waits; `on_closed` is called once, last, with the
reason.

Callbacks run in the reader: they must not block. What they raise is logged and counted, and reading goes on.
"""

from __future__ import annotations

import contextlib
import logging
import socket as stdlib_socket
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import gevent
import gevent.event
import gevent.socket

from esl import frames
from esl.errors import ESLError, MalformedFrame, ProtocolError
from esl.headers import Event
from esl.protocol import (
    ApiResponse,
    AuthRequest,
    CommandReply,
    Decoder,
    DisconnectNotice,
    Limits,
    LogData,
    Malformed,
    Message,
    RudeRejection,
)
from esl.transport_errors import (
    AccessDenied,
    AuthenticationError,
    CommandRefused,
    CommandTimeout,
    ConnectTimeout,
    NotConnectedError,
    SendStalled,
)

_log = logging.getLogger(__name__)

Reply: TypeAlias = CommandReply | ApiResponse
# Called once, with the reply or with what prevented it.
ReplyCallback: TypeAlias = Callable[[Reply | ESLError], object]
MessageCallback: TypeAlias = Callable[[Event | DisconnectNotice | LogData | Malformed, float], object]

_READ_BYTES: Final = 256 << 10
# After so many reads in a row the reader lets others run: a socket that is never empty would keep the hub for
# itself.
_READS_IN_A_ROW: Final = 4
_MAX_UNSENT_BYTES: Final = 16 << 20


def open_socket(host: str, port: int, timeout_s: float) -> Any:
    """A connected TCP socket. Raises ConnectTimeout or NotConnectedError."""
    try:
        sock = gevent.socket.create_connection((host, port), timeout=timeout_s)
    except TimeoutError as error:
        raise ConnectTimeout(f"{host}:{port} did not accept within {timeout_s:g} s") from error
    except OSError as error:
        raise NotConnectedError(f"can't connect to {host}:{port}: {error.strerror or error}") from error
    sock.settimeout(None)
    sock.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_NODELAY, 1)
    return sock


class Transport:
    """A running connection. `clock` gives monotonic seconds."""

    def __init__(
        self,
        sock: Any,
        *,
        clock: Callable[[], float],
        on_message: MessageCallback,
        on_closed: Callable[[ESLError], object],
        limits: Limits | None = None,
        send_timeout_s: float = 10.0,
    ) -> None:
        self._sock = sock
        self._clock = clock
        self._on_message = on_message
        self._on_closed = on_closed
        self._decoder = Decoder(limits)
        self._send_timeout_s = send_timeout_s
        self._waiting: deque[ReplyCallback] = deque()
        self._outbox: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._outbox_filled = gevent.event.Event()
        self._greeted = gevent.event.AsyncResult()
        self._closed_by: ESLError | None = None
        self._announced = False
        self.closed = gevent.event.Event()
        self.last_read_at = clock()
        self.callback_errors = 0
        self._reader = gevent.spawn(self._read)
        self._writer = gevent.spawn(self._write)
        for greenlet in (self._reader, self._writer):
            greenlet.link_exception(self._crashed)

    @property
    def is_open(self) -> bool:
        return self._closed_by is None

    @property
    def close_reason(self) -> ESLError | None:
        """What closed the connection."""
        return self._closed_by

    def authenticate(self, password: str, timeout_s: float) -> None:
        """Waits for the server's greeting and logs in.

        Raises AccessDenied, AuthenticationError, ConnectTimeout or what closed the connection meanwhile.
        """
        try:
            self._greeted.get(timeout=timeout_s)
        except gevent.Timeout as error:
            raise ConnectTimeout(f"no greeting within {timeout_s:g} s: is this an event socket?") from error
        refused = AuthenticationError("the password was refused")

        def judge(reply: Reply | ESLError) -> None:
            # Before the reader goes on: who refuses closes right behind it, and that end would pass for the reason.
            if not isinstance(reply, ESLError) and not _accepted(reply):
                self.close(refused)

        if not _accepted(self.request(frames.auth(password), timeout_s, what="auth", heard=judge)):
            raise refused

    def request(
        self, frame: bytes, timeout_s: float | None, *, what: str = "command", heard: ReplyCallback | None = None
    ) -> Reply:
        """Sends a command and waits for its reply. `what` names it in errors; `heard` gets the reply first, from the
        reader, which does not read on meanwhile.

        Raises CommandTimeout at the deadline (a reply that comes later is thrown away), MalformedFrame for a
        reply that can't be read, NotConnectedError when the connection is or gets closed.
        """
        result = gevent.event.AsyncResult()

        def take(reply: Reply | ESLError) -> None:
            if heard is not None:
                heard(reply)
            result.set(reply)

        self.send(frame, take)
        try:
            reply: Reply | ESLError = result.get(timeout=timeout_s)
        except gevent.Timeout as error:
            raise CommandTimeout(f"no reply to {what} within {timeout_s:g} s") from error
        if isinstance(reply, ESLError):
            raise reply
        return reply

    def command(self, frame: bytes, timeout_s: float | None, *, what: str) -> Reply:
        """As `request`, but raises CommandRefused when the reply is an error."""
        reply = self.request(frame, timeout_s, what=what)
        if not reply.ok:
            raise CommandRefused(what, reply.text.strip())
        return reply

    def send(self, frame: bytes, on_reply: ReplyCallback) -> None:
        """Queues a command; never blocks. `on_reply` is called once, later, from the reader.

        Raises NotConnectedError when the connection is closed already (`on_reply` is not called then).
        """
        if self._closed_by is not None:
            raise _as_not_connected(self._closed_by)
        if self._unsent_bytes + len(frame) > _MAX_UNSENT_BYTES:
            self.close(SendStalled(f"{self._unsent_bytes} bytes wait to be sent"))
            raise SendStalled(f"{_MAX_UNSENT_BYTES} bytes wait to be sent already")
        self._waiting.append(on_reply)
        self._outbox.append(frame)
        self._unsent_bytes += len(frame)
        self._outbox_filled.set()

    def close(self, reason: ESLError) -> None:
        """Closes now; every waiting command fails with `reason`. May be called from anywhere, any number of
        times.
        """
        if self._closed_by is not None:
            return
        self._closed_by = reason
        self._outbox.clear()
        self._outbox_filled.set()
        # Wakes the reader out of its recv; it then announces the end from its own greenlet.
        with contextlib.suppress(OSError):
            self._sock.shutdown(stdlib_socket.SHUT_RDWR)
        if not self._greeted.ready():
            self._greeted.set_exception(_as_not_connected(reason))
        gevent.spawn(self._announce)

    def join(self, timeout_s: float | None = None) -> None:
        """Waits until the connection is closed and `on_closed` has returned."""
        self.closed.wait(timeout=timeout_s)

    def _announce(self) -> None:
        if self._announced:
            return
        self._announced = True
        reason = self._closed_by if self._closed_by is not None else NotConnectedError("closed")
        failure = _as_not_connected(reason)
        while self._waiting:
            self._call(self._waiting.popleft(), failure)
        self._call(self._on_closed, reason)
        gevent.killall([self._reader, self._writer])
        self._sock.close()
        self.closed.set()

    def _crashed(self, greenlet: Any) -> None:
        # A fault of ours; without this the connection would stay open with nobody reading it.
        self.close(NotConnectedError(f"internal error: {type(greenlet.exception).__name__}"))

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        try:
            callback(*args)
        except Exception:  # a callback's fault must not end the reader
            self.callback_errors += 1
            _log.exception("event socket: a callback failed")

    def _write(self) -> None:
        while self._closed_by is None:
            self._outbox_filled.wait()
            self._outbox_filled.clear()
            if self._closed_by is not None:
                return
            data = b"".join(self._outbox)
            self._outbox.clear()
            try:
                with gevent.Timeout(self._send_timeout_s, SendStalled("the server takes no more bytes")):
                    self._sock.sendall(data)
            except SendStalled as stalled:
                self.close(stalled)
                return
            except OSError as error:
                self.close(NotConnectedError(f"sending failed: {error.strerror or error}"))
                return
            self._unsent_bytes -= len(data)

    def _read(self) -> None:
        reads = 0
        while self._closed_by is None:
            try:
                data = self._sock.recv(_READ_BYTES)
            except OSError as error:
                self.close(NotConnectedError(f"reading failed: {error.strerror or error}"))
                return
            if self._closed_by is not None:
                return
            if not data:
                rest = self._decoder.buffered_bytes
                cut = f" in the middle of a frame ({rest} bytes of it came)" if rest else ""
                self.close(NotConnectedError(f"the server closed the connection{cut}"))
                return
            self.last_read_at = now = self._clock()
            try:
                self._take(self._decoder.feed(data), now)
            except ProtocolError as fault:
                # What was sound before the fault still counts.
                self._take([message for message in fault.messages if isinstance(message, Message)], now)
                self.close(fault)
                return
            reads += 1
            if reads >= _READS_IN_A_ROW:
                reads = 0
                gevent.sleep(0)

    def _take(self, messages: list[Message], now: float) -> None:
        for message in messages:
            if isinstance(message, Event):
                self._call(self._on_message, message, now)
            elif isinstance(message, CommandReply | ApiResponse):
                self._answer(message)
            elif isinstance(message, AuthRequest):
                if not self._greeted.ready():
                    self._greeted.set(None)
            elif isinstance(message, RudeRejection):
                self.close(AccessDenied(f"the server refuses this address: {message.text.strip()}"))
                return
            elif isinstance(message, Malformed) and message.is_reply:
                self._answer(MalformedFrame(f"unreadable reply: {message.reason}"))
                self._call(self._on_message, message, now)
            else:
                self._call(self._on_message, message, now)

    def _answer(self, reply: Reply | MalformedFrame) -> None:
        if self._waiting:
            self._call(self._waiting.popleft(), reply)
        else:
            # Replies are matched by their order alone: one too many means that the order is lost.
            self.close(ProtocolError("a reply came that no command waits for"))


def _accepted(reply: Reply) -> bool:
    return isinstance(reply, CommandReply) and reply.ok


def _as_not_connected(reason: ESLError) -> NotConnectedError:
    return reason if isinstance(reason, NotConnectedError) else NotConnectedError(str(reason))
