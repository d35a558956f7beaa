"""The embedded switch as a process of its own: a real event-socket TCP server around the model, on the real
clock.

Owns sockets, the loop and the state file.  One thread, stdlib asyncio; events leave within 1-2 ms of their
moment (a real idle listener polls every 20 ms).  A client that does not read is kept 100,000 events, then
loses some, and is cut off after more than 500 lost ones.

Left out: the outbound socket application, ACLs (`text/rude-rejection`), `log/data`, and the 18 s stall of all
clients that a real FreeSWITCH shows when it kills a slow one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from freeswitch.standin import wire
from freeswitch.standin.callers import Callers
from freeswitch.standin.events import SwitchEvent
from freeswitch.standin.kernel import ALL
from freeswitch.standin.session import Subscription
from freeswitch.standin.switch import Switch

AUTH_SECONDS: Final = 25.0
QUEUE_EVENTS: Final = 100_000
LOST_EVENTS: Final = 500
LOG: Final = logging.getLogger("freeswitch.standin")


@dataclass(slots=True)
class Rendered:
    """An event on its way to several clients: each format is written once."""

    event: SwitchEvent
    _bytes: dict[str, bytes] = field(default_factory=dict)

    def bytes(self, form: str) -> bytes:
        data = self._bytes.get(form)
        if data is None:
            data = wire.json_event(self.event) if form == "json" else wire.plain_event(self.event)
            self._bytes[form] = data
        return data


class Client(asyncio.Protocol):
    """One connection.  While an `api` command is unanswered, its events and further commands wait."""

    def __init__(self, server: EventSocketServer) -> None:
        self.server = server
        self.subscription = Subscription()
        self.authed = False
        self._reader = wire.RequestReader()
        self._requests: deque[wire.Request] = deque()
        self._waiting: deque[Rendered] = deque()
        self._lost = 0
        self._blocked = False
        self._stalled = False
        self._transport: asyncio.Transport | None = None
        self._auth_timer: asyncio.TimerHandle | None = None

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.server.clients.add(self)
        self.server.note_clients()
        self._auth_timer = asyncio.get_running_loop().call_later(self.server.auth_seconds, self.close)
        self.write(wire.AUTH_REQUEST)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._waiting.clear()
        self._requests.clear()
        if self._auth_timer is not None:
            self._auth_timer.cancel()
        self.server.clients.discard(self)
        self.server.note_clients()

    def data_received(self, data: bytes) -> None:
        try:
            self._requests.extend(self._reader.feed(data))
        except wire.WireError as error:
            LOG.warning("client closed: %s", error)
            self.close()
            return
        self._work()
        self.server.pump()

    def pause_writing(self) -> None:
        self._stalled = True

    def resume_writing(self) -> None:
        self._stalled = False
        self._flush()

    # -- out

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self, notice: str = "") -> None:
        if self._transport is not None:
            if notice:
                self.write(wire.disconnect_notice(notice))
            self._transport.close()

    def deliver(self, rendered: Rendered) -> None:
        """Send an event, or keep it while the client does not read or its `api` runs."""
        if self._stalled or self._blocked or self._waiting:
            if len(self._waiting) < QUEUE_EVENTS:
                self._waiting.append(rendered)
                return
            self._lost += 1
            if self._lost > LOST_EVENTS and self._transport is not None:
                LOG.warning("client killed: %d events lost", self._lost)
                self._transport.abort()
            return
        self.write(rendered.bytes(self.subscription.format))

    def _flush(self) -> None:
        while self._waiting and not self._stalled and not self._blocked:
            self.write(self._waiting.popleft().bytes(self.subscription.format))

    # -- in

    def _work(self) -> None:
        while self._requests and not self._blocked and self._transport is not None:
            self._handle(self._requests.popleft())

    def _handle(self, request: wire.Request) -> None:
        command, _, argument = request.line.partition(" ")
        command, argument = command.lower(), argument.strip()
        if command == "exit":
            self.write(wire.command_reply("+OK bye"))
            self.close(wire.GOODBYE)
        elif command == "auth":
            self._auth(argument)
        elif not self.authed:
            self.write(wire.command_reply("-ERR command not found"))
        elif command == "api":
            self._api(argument)
        elif command == "bgapi":
            self._bgapi(request, argument)
        elif command == "sendmsg":
            # The data of an execute may come in the body instead of a header.
            headers = dict(request.headers)
            if request.body:
                headers.setdefault("execute-app-arg", request.body)
            self.write(wire.command_reply(self.server.switch.sendmsg(argument, headers, self.server.now())))
        else:
            self._subscribe(command, argument)

    def _auth(self, password: str) -> None:
        if password == self.server.password:
            self.authed = True
            if self._auth_timer is not None:
                self._auth_timer.cancel()
            self.write(wire.command_reply("+OK accepted"))
        else:
            self.write(wire.command_reply("-ERR invalid"))
            self.close(wire.GOODBYE)

    def _api(self, line: str) -> None:
        self._blocked = True

        def answered(text: str) -> None:
            self._blocked = False
            self.write(wire.api_response(text))
            self._flush()
            # What came in meanwhile is worked off by the loop: this may run deep inside the switch.
            if self._requests:
                asyncio.get_running_loop().call_soon(self._resume)

        self.server.switch.submit(line, self.server.now(), answered)

    def _resume(self) -> None:
        self._work()
        self.server.pump()

    def _bgapi(self, request: wire.Request, line: str) -> None:
        wanted = next((value for name, value in request.headers.items() if name.lower() == "job-uuid"), "")
        job = wanted or self.server.switch.new_uuid()
        self.write(wire.command_reply(f"+OK Job-UUID: {job}", Job_UUID=job))
        self.server.switch.bgapi(line, job, self.server.now())

    def _subscribe(self, command: str, argument: str) -> None:
        subscription, words = self.subscription, argument.split()
        if command == "event":
            reply = subscription.event(words)
        elif command == "nixevent":
            reply = subscription.nixevent(words)
        elif command == "noevents":
            reply = subscription.noevents()
        elif command == "filter":
            reply = subscription.filter(argument)
        else:
            reply = {
                "linger": "+OK will linger",
                "nolinger": "+OK will not linger",
                "log": "+OK log level debug [7]",
                "nolog": "+OK no longer logging",
            }.get(command, "-ERR command not found")
        if command == "noevents":
            self._waiting.clear()
        self.write(wire.command_reply(reply))
        self.server.resubscribe()


class EventSocketServer:
    """The TCP server and the loop that moves the model's clock along the real one.

    `linger_s`: the server ends by itself when it had no client for so long and no carrier's call is left
    (agents' parked phones do not keep it alive); None: never.
    """

    def __init__(
        self,
        switch: Switch,
        password: str,
        *,
        linger_s: float | None = None,
        auth_seconds: float = AUTH_SECONDS,
    ) -> None:
        self.switch = switch
        self.password = password
        self.auth_seconds = auth_seconds
        self.clients: set[Client] = set()
        self.finished: asyncio.Event = asyncio.Event()
        self._callers = Callers(switch)
        self._linger_s = linger_s
        self._alone_since: float | None = None
        self._origin = time.monotonic() - switch.clock.now
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._listener: asyncio.Server | None = None
        self.resubscribe()

    def now(self) -> float:
        """Model time that corresponds to this moment."""
        return time.monotonic() - self._origin

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port (useful with port 0)."""
        loop = asyncio.get_running_loop()
        # The real one listens with a backlog of 5; a burst of test clients would meet refused connections.
        self._listener = await loop.create_server(lambda: Client(self), host, port, backlog=64)
        bound: int = self._listener.sockets[0].getsockname()[1]
        self.note_clients()
        self.pump()
        return bound

    async def stop(self) -> None:
        """Clean shutdown: every call ends with SYSTEM_SHUTDOWN, clients get the notice, the port closes."""
        self.switch.shutdown(self.now())
        self._deliver()
        if self._timer is not None:
            self._timer.cancel()
        if self._listener is not None:
            self._listener.close()
        for client in list(self.clients):
            client.close(wire.SHUTTING_DOWN)
        # Give the transports their turn to write what is buffered; a client that does not read is not waited
        # for.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_gone(), 1.0)
        for client in list(self.clients):
            if client._transport is not None:
                client._transport.abort()
        self.finished.set()

    async def _all_gone(self) -> None:
        while self.clients:
            await asyncio.sleep(0.01)

    def resubscribe(self) -> None:
        """The clients want other events now: the switch builds what at least one of them asked for."""
        needed: set[str] = set()
        for client in self.clients:
            needed |= client.subscription.needed()
        self.switch.set_emit(ALL if ALL in needed else needed)

    def note_clients(self) -> None:
        """A client came or went."""
        self._alone_since = None if self.clients else self.now()
        self._callers.let_in(bool(self.clients))
        self.resubscribe()
        if self._linger_s is not None and not self.clients:
            asyncio.get_running_loop().call_later(self._linger_s, self._check_alone)

    def _check_alone(self) -> None:
        if self._alone_since is None or self._linger_s is None or self.finished.is_set():
            return
        left = self._alone_since + self._linger_s - self.now()
        calls = any(leg.plan is not None for leg in self.switch.legs.values())
        if left > 0 or calls:
            asyncio.get_running_loop().call_later(max(left, 0.25), self._check_alone)
            return
        LOG.info("no client for %.0f s and no call left: ending", self._linger_s)
        self.finished.set()

    def pump(self) -> None:
        """Let the model catch up with the clock, send what happened, and sleep until something is due."""
        if self.finished.is_set():
            return
        self.switch.advance(self.now())
        self._deliver()
        if self.switch.down:
            self.finished.set()
            return
        due = self.switch.next_due()
        if self._timer is not None:
            if due is not None and due >= self._timer_due and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer_due = due
            self._timer = asyncio.get_running_loop().call_at(due + self._origin, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.pump()

    def _deliver(self) -> None:
        for event in self.switch.take_events():
            rendered = Rendered(event)
            for client in self.clients:
                if client.authed and client.subscription.wants(event):
                    client.deliver(rendered)


def write_state(path: Path, *, host: str, port: int, node: str) -> None:
    """Tell a parent where this process listens: JSON, readable by the owner only, never seen half-written."""
    data = json.dumps({"pid": os.getpid(), "host": host, "port": port, "node": node, "started": time.time()})
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(data + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def remove_state(path: Path) -> None:
    """Remove our own state file; another process's is left alone."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text(encoding="utf-8")).get("pid") == os.getpid():
            path.unlink()
