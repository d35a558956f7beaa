"""greenswitch's outbound socket server on our codec: FreeSWITCH connects to us, one connection a call.

Same names as greenswitch's `OutboundESLServer` and `OutboundSession`. Faults of the original that are mended:
a server at its limit hangs the surplus call up instead of leaving it silent; a session that fails never ends
the server; `listen` raises when it can't bind, instead of ending the process; commands have deadlines.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, ParamSpec, Protocol, Self, TypeVar

import gevent
import gevent.event
import gevent.server
import gevent.socket

from esl import frames
from esl.commands import check_cause
from esl.connection import ESLEvent, ESLProtocol
from esl.errors import ESLError
from esl.transport_errors import NotConnectedError, OutboundSessionHasGoneAway

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_R = TypeVar("_R")

_BACKLOG: Final = 100


class OutboundSession(ESLProtocol):
    """One call whose control FreeSWITCH gave to us."""

    def __init__(self, client_address: Any, sock: Any, *, command_timeout_s: float | None = 30.0) -> None:
        super().__init__(command_timeout_s=command_timeout_s)
        self.client_address = client_address
        self.session_data: Mapping[str, str] | None = None
        self._expected: dict[str, list[tuple[str, str, Any]]] = {}
        self._outbound_connected = False
        self.register_handle("*", self.on_event)
        self.register_handle("CHANNEL_HANGUP", self.on_hangup)
        self.register_handle("DISCONNECT", self.on_disconnect)
        self._run_on(sock)

    # -- the call --------------------------------------------------------------------------------------------

    @property
    def uuid(self) -> str | None:
        return self._data("variable_uuid") or self._data("Unique-ID")

    @property
    def call_uuid(self) -> str | None:
        return self._data("variable_call_uuid")

    @property
    def caller_id_number(self) -> str | None:
        return self._data("Caller-Caller-ID-Number")

    def _data(self, name: str) -> str | None:
        return self.session_data.get(name) if self.session_data is not None else None

    def connect(self) -> Mapping[str, str]:
        """Asks for the call's data. Raises OutboundSessionHasGoneAway when the caller has hung up
        meanwhile.
        """
        if self._outbound_connected and self.session_data is not None:
            return self.session_data
        try:
            reply = self.send("connect")
        except NotConnectedError:
            self.stop()
            raise
        self.session_data = reply.headers
        self._outbound_connected = True
        return self.session_data

    def raise_if_disconnected(self) -> None:
        """Raises OutboundSessionHasGoneAway when the caller has hung up."""
        if not self._outbound_connected:
            raise OutboundSessionHasGoneAway("the caller has hung up")

    def while_connected(self) -> WhileConnected:
        """A context manager, or decorator, that raises OutboundSessionHasGoneAway before and behind its
        code.
        """
        return WhileConnected(self)

    # -- commands --------------------------------------------------------------------------------------------

    def call_command(
        self,
        app_name: str,
        app_args: str | None = None,
        block: bool = False,
        response_timeout: float | None = None,
    ) -> ESLEvent:
        """Runs an application on the call; with `block`, waits for its CHANNEL_EXECUTE_COMPLETE.

        Raises OutboundSessionHasGoneAway when the call is over, gevent.Timeout after `response_timeout`
        seconds.
        """
        if not block:
            return self._execute(app_name, app_args)
        result = gevent.event.AsyncResult()
        self.register_expected_event("CHANNEL_EXECUTE_COMPLETE", "current_application", app_name, result)
        try:
            self._execute(app_name, app_args)
            event: ESLEvent = result.get(timeout=response_timeout)
        finally:
            self._forget(result)
        return event

    def _execute(self, app_name: str, app_args: str | None) -> ESLEvent:
        if self._lingering:
            raise OutboundSessionHasGoneAway("the caller has hung up")
        headers = {"call-command": "execute", "execute-app-name": app_name}
        if app_args:
            headers["execute-app-arg"] = app_args
        # As with greenswitch, an argument may hold variables for FreeSWITCH to expand, but no second line.
        return self._request(frames.sendmsg("", headers, expand=True), "sendmsg")

    def myevents(self) -> None:
        self.send("myevents")

    def answer(self) -> str | None:
        return self.call_command("answer").data

    def park(self) -> None:
        self.call_command("park")

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        self.call_command("hangup", check_cause("cause", cause))

    def linger(self, timeout: int | None = None) -> None:
        self.send("linger" if timeout is None else f"linger {int(timeout)}")

    def bridge(self, args: str, block: bool = True, response_timeout: float | None = None) -> ESLEvent:
        return self.call_command("bridge", args, block, response_timeout)

    def playback(self, path: str, block: bool = True) -> ESLEvent:
        return self.call_command("playback", path, block)

    def play_and_get_digits(
        self,
        min_digits: Any = None,
        max_digits: Any = None,
        max_attempts: Any = None,
        timeout: Any = None,
        terminators: Any = None,
        prompt_file: Any = None,
        error_file: Any = None,
        variable: Any = None,
        digits_regex: Any = None,
        digit_timeout: Any = None,
        transfer_on_fail: Any = None,
        block: bool = True,
        response_timeout: float | None = 30,
    ) -> str | None:
        """The digits that were pressed; None when none were, or without `block`."""
        words = (
            min_digits, max_digits, max_attempts, timeout, terminators, prompt_file, error_file, variable,
            digits_regex, digit_timeout, transfer_on_fail,
        )  # fmt: skip
        event = self.call_command("play_and_get_digits", " ".join(map(str, words)), block, response_timeout)
        return event.get(f"variable_{variable}") if block else None

    def say(
        self,
        module_name: str = "en",
        lang: str | None = None,
        say_type: str = "NUMBER",
        say_method: str = "pronounced",
        gender: str = "FEMININE",
        text: str | None = None,
        block: bool = True,
        response_timeout: float | None = 30,
    ) -> ESLEvent:
        voice = f"{module_name}:{lang}" if lang else module_name
        words = f"{voice} {say_type} {say_method} {gender} {text}"
        return self.call_command("say", words, block, response_timeout)

    def uuid_break(self) -> None:
        if self._lingering:
            raise OutboundSessionHasGoneAway("the caller has hung up")
        self.send(f"api uuid_break {self.uuid}")

    # -- events ----------------------------------------------------------------------------------------------

    def register_expected_event(
        self, expected_event: str, expected_variable: str, expected_value: str, async_response: Any
    ) -> None:
        """Has `async_response` set to the next event of that name whose variable has that value."""
        self._expected.setdefault(expected_event, []).append((expected_variable, expected_value, async_response))

    def on_event(self, event: ESLEvent) -> None:
        waiting = self._expected.get(event.get("Event-Name") or "", [])
        for entry in list(waiting):
            variable, value, result = entry
            if event.get(f"variable_{variable}") == value:
                waiting.remove(entry)
                result.set(event)
                return

    def on_hangup(self, event: ESLEvent) -> None:
        self._outbound_connected = False

    def on_disconnect(self, event: ESLEvent) -> None:
        self._give_up_waiting()

    def _closed(self, reason: ESLError) -> None:
        self._give_up_waiting()
        super()._closed(reason)

    def _give_up_waiting(self) -> None:
        self._outbound_connected = False
        for entries in self._expected.values():
            for _, _, result in entries:
                result.set_exception(OutboundSessionHasGoneAway("the caller has hung up"))
        self._expected.clear()

    def _forget(self, result: Any) -> None:
        for entries in self._expected.values():
            entries[:] = [entry for entry in entries if entry[2] is not result]

    def _gone(self) -> NotConnectedError:
        return OutboundSessionHasGoneAway("the caller has hung up")


class WhileConnected:
    """See `OutboundSession.while_connected`."""

    def __init__(self, outbound_session: OutboundSession) -> None:
        self.outbound_session = outbound_session

    def __enter__(self) -> Self:
        self.outbound_session.raise_if_disconnected()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.outbound_session.raise_if_disconnected()

    def __call__(self, func: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(func)
        def decorator(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with self:
                return func(*args, **kwargs)

        return decorator


class Application(Protocol):
    """What answers a call: made with the session, then `run`."""

    def run(self) -> object: ...


class OutboundESLServer:
    """Listens for calls and runs `application(session).run()` for each. `bind_port`: one port or several to
    try.
    """

    def __init__(
        self,
        bind_address: str = "127.0.0.1",
        bind_port: int | Sequence[int] = 8000,
        application: Callable[[OutboundSession], Application] | None = None,
        max_connections: int = 100,
    ) -> None:
        if application is None:
            raise ValueError("You need an Application to control your calls.")
        self.bind_address = bind_address
        self.bind_port = [bind_port] if isinstance(bind_port, int) else list(bind_port)
        if not self.bind_port:
            raise ValueError("bind_port must be a port number or a list with port numbers")
        self.application = application
        self.max_connections = max_connections
        self.connection_count = 0
        self.bound_port: int | None = None
        self.listening = gevent.event.Event()
        self._server: Any = None
        self._stopped = gevent.event.Event()
        self._sessions: set[Any] = set()

    def listen(self) -> None:
        """Serves until `stop`, then waits for the calls that go on. Raises NotConnectedError when no port is
        free.
        """
        self._server = self._bind()
        self.bound_port = self._server.server_port
        self._server.start()
        self.listening.set()
        self._stopped.wait()
        self._server.stop()
        gevent.joinall(list(self._sessions))

    def stop(self) -> None:
        """Takes no more calls; `listen` returns when those under way are over."""
        self._stopped.set()

    def _bind(self) -> Any:
        for port in self.bind_port:
            server = gevent.server.StreamServer((self.bind_address, port), self._accept, backlog=_BACKLOG)
            try:
                server.init_socket()
            except OSError:
                continue
            return server
        ports = ", ".join(map(str, self.bind_port))
        raise NotConnectedError(f"can't listen on {self.bind_address}: no free port among {ports}")

    def _accept(self, sock: Any, address: Any) -> None:
        greenlet = gevent.getcurrent()
        self._sessions.add(greenlet)
        session = OutboundSession(address, sock)
        self.connection_count += 1
        try:
            if self.connection_count > self.max_connections:
                _log.warning("outbound socket: %d calls already, one more is refused", self.max_connections)
                session.connect()
                session.hangup("SWITCH_CONGESTION")
                return
            session.connect()
            self.application(session).run()
        except ESLError as error:
            _log.info("outbound socket: a call ended early: %s", error)
        except Exception:  # one call's fault must not end the server
            _log.exception("outbound socket: an application failed")
        finally:
            self.connection_count -= 1
            self._sessions.discard(greenlet)
            session.stop()
