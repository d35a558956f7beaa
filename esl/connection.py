"""greenswitch's API on our codec: `InboundESL` and what it shares with the outbound session.

Same names and the same behaviour where it was sound. What is different, on purpose: headers are split before
they are decoded; sends are whole and in order; every command has a deadline; a command that waits when the
connection ends gets NotConnectedError; one bad frame is logged and skipped; a handler's fault does not stop
the others; and at most `max_queued_events` events wait for the handlers (more are dropped and counted).
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import gevent
import gevent.event

from esl import frames
from esl.errors import ESLError
from esl.headers import Event, HeaderBlock
from esl.protocol import ApiResponse, DisconnectNotice, LogData, Malformed
from esl.transport import Transport, open_socket
from esl.transport_errors import NotConnectedError

_log = logging.getLogger(__name__)


class ESLEvent:
    """What handlers and `send` get: `headers`, a mapping, and `data`, the body or the reply's text."""

    __slots__ = ("_headers", "_source", "content_type", "data")

    def __init__(self, source: Event | HeaderBlock, content_type: str, data: str | None) -> None:
        self._source = source
        self._headers: Mapping[str, str] | None = None
        self.content_type = content_type
        self.data = data

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers, decoded; `Content-Type` is the frame's, as with greenswitch."""
        if self._headers is None:
            self._headers = {"Content-Type": self.content_type, **self._source.headers}
        return self._headers

    def get(self, name: str) -> str | None:
        """One header, without decoding the others."""
        return self._source.get(name)


Handler = Callable[[ESLEvent], Any]


class ESLProtocol:
    """A connection with handlers by event name: `*` for the rest, `log` for log lines, `DISCONNECT` for the
    end.

    A subclass may define `before_handle(event)` and `after_handle(event)`.
    """

    def __init__(self, *, command_timeout_s: float | None = 30.0, max_queued_events: int = 100_000) -> None:
        self.event_handlers: dict[str, list[Handler]] = {}
        self.connected = False
        self.command_timeout_s = command_timeout_s
        self.handler_errors = 0
        self.dropped_events = 0
        self.malformed_frames = 0
        self._max_queued_events = max_queued_events
        self._lingering = False
        self._transport: Transport | None = None
        self._queue: deque[tuple[str, ESLEvent]] = deque()
        self._queue_filled = gevent.event.Event()
        self._ended = False
        self._dispatcher: Any = None

    # -- handlers --------------------------------------------------------------------------------------------

    def register_handle(self, name: str, handler: Handler) -> None:
        """Has `handler` called for each event of that name (of that subclass, for CUSTOM)."""
        handlers = self.event_handlers.setdefault(name, [])
        if handler not in handlers:
            handlers.append(handler)

    def unregister_handle(self, name: str, handler: Handler) -> None:
        """Raises ValueError when it is not registered."""
        if name not in self.event_handlers:
            raise ValueError(f"No handlers found for event: {name}")
        self.event_handlers[name].remove(handler)
        if not self.event_handlers[name]:
            del self.event_handlers[name]

    # -- commands --------------------------------------------------------------------------------------------

    def send(self, data: str, timeout_s: float | None = None) -> ESLEvent:
        """Sends a command and waits for its reply. `data`: a line, then `Name: value` lines for sendmsg.

        Raises NotConnectedError without a connection, or when it ends before the reply comes; CommandTimeout
        at the deadline (`timeout_s`, or the connection's `command_timeout_s`); CommandError for a text that
        is no command.
        """
        return self._request(frames.raw(data), data.split("\n", 1)[0].split(" ", 1)[0], timeout_s)

    def _request(self, frame: bytes, what: str, timeout_s: float | None = None) -> ESLEvent:
        transport = self._transport
        if transport is None or not self.connected:
            raise self._gone()
        try:
            reply = transport.request(
                frame, timeout_s if timeout_s is not None else self.command_timeout_s, what=what
            )
        except NotConnectedError as error:
            if transport.is_open:
                raise
            raise self._gone() from error
        content_type = "api/response" if isinstance(reply, ApiResponse) else "command/reply"
        return ESLEvent(reply.headers, content_type, reply.text)

    def stop(self) -> None:
        """Says goodbye, closes, and waits until the handlers are through with what is queued."""
        transport = self._transport
        if transport is not None:
            if self.connected and transport.is_open:
                with contextlib.suppress(ESLError):
                    transport.request(frames.leave(), 1.0, what="exit")
            transport.close(NotConnectedError("stopped"))
            transport.join()
        self.connected = False
        self._finish()
        if self._dispatcher is not None and self._dispatcher is not gevent.getcurrent():
            self._dispatcher.join()

    def _gone(self) -> NotConnectedError:
        reason = self._transport.close_reason if self._transport is not None else None
        return NotConnectedError(str(reason) if reason is not None else "not connected")

    # -- from the socket -------------------------------------------------------------------------------------

    def _run_on(self, sock: Any) -> Transport:
        """Starts reading from a connected socket."""
        self._ended = False
        self._transport = transport = Transport(
            sock, clock=time.monotonic, on_message=self._take_message, on_closed=self._closed
        )
        self.connected = True
        if self._dispatcher is None or self._dispatcher.dead:
            self._dispatcher = gevent.spawn(self._dispatch)
        return transport

    def _take_message(self, message: Event | DisconnectNotice | LogData | Malformed, now: float) -> None:
        if isinstance(message, Event):
            name = (message.subclass or "CUSTOM") if message.name == "CUSTOM" else message.name
            self._queue_event(name, ESLEvent(message, message.content_type, message.body))
        elif isinstance(message, LogData):
            self._queue_event("log", ESLEvent(message.headers, "log/data", message.text))
        elif isinstance(message, DisconnectNotice):
            if message.linger:
                self._lingering = True
            else:
                self.connected = False
            self._queue_event("DISCONNECT", ESLEvent(message.headers, "text/disconnect-notice", message.text))
        else:
            self.malformed_frames += 1
            _log.warning("event socket: a frame was unusable: %s", message.reason)

    def _queue_event(self, name: str, event: ESLEvent) -> None:
        if len(self._queue) >= self._max_queued_events and name != "DISCONNECT":
            self.dropped_events += 1
            return
        self._queue.append((name, event))
        self._queue_filled.set()

    def _closed(self, reason: ESLError) -> None:
        self.connected = False
        self._finish()

    def _finish(self) -> None:
        self._ended = True
        self._queue_filled.set()

    def _dispatch(self) -> None:
        while True:
            if not self._queue:
                if self._ended:
                    return
                self._queue_filled.clear()
                self._queue_filled.wait()
                continue
            name, event = self._queue.popleft()
            handlers = self.event_handlers.get(name) or self.event_handlers.get("*")
            if not handlers:
                continue
            hooks = (getattr(self, "before_handle", None), *handlers, getattr(self, "after_handle", None))
            for handler in hooks:
                if handler is not None:
                    self._handle(handler, event)
            gevent.sleep(0)

    def _handle(self, handler: Handler, event: ESLEvent) -> None:
        try:
            handler(event)
        except Exception:  # one handler's fault must not keep events from the others
            self.handler_errors += 1
            _log.exception("event socket: handler %s failed", getattr(handler, "__name__", "?"))


class InboundESL(ESLProtocol):
    """A connection that we open. `timeout` in seconds is for connecting and logging in."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        timeout: float = 5,
        *,
        command_timeout_s: float | None = 30.0,
        max_queued_events: int = 100_000,
    ) -> None:
        super().__init__(command_timeout_s=command_timeout_s, max_queued_events=max_queued_events)
        self.host = host
        self.port = port
        self.password = password
        self.timeout = timeout

    def connect(self) -> None:
        """Connects and logs in.

        Raises NotConnectedError (ConnectTimeout, AccessDenied), or AuthenticationError, which is a ValueError
        too.
        """
        transport = self._run_on(open_socket(self.host, self.port, self.timeout))
        try:
            self.authenticate()
        except ESLError as error:
            self.connected = False
            transport.close(error if isinstance(error, NotConnectedError) else NotConnectedError(str(error)))
            transport.join()
            raise

    def authenticate(self) -> None:
        """Part of `connect`."""
        if self._transport is None:
            raise NotConnectedError("not connected")
        self._transport.authenticate(self.password, self.timeout)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


