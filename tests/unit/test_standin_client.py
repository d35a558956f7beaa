"""One connection of the stand-in's server with a transport that does not write: queues, losses, the login
limit.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from freeswitch.standin import server
from freeswitch.standin.server import Client, EventSocketServer
from freeswitch.standin.switch import Switch
from freeswitch.standin.world import World, WorldSpec


class Transport(asyncio.Transport):
    """Keeps what is written and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self.closed = ""

    def write(self, data: Any) -> None:
        self.data += bytes(data)

    def close(self) -> None:
        self.closed = self.closed or "closed"

    def abort(self) -> None:
        self.closed = "aborted"


def build(auth_seconds: float = 25.0) -> tuple[EventSocketServer, Client, Transport]:
    switch = Switch(World(WorldSpec(), random.Random(1)), random.Random(1), heartbeat_s=None)
    listener = EventSocketServer(switch, "secret", auth_seconds=auth_seconds)
    client, transport = Client(listener), Transport()
    client.connection_made(transport)
    return listener, client, transport


def test_a_client_that_does_not_read_is_kept_events_then_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "QUEUE_EVENTS", 10)
    monkeypatch.setattr(server, "LOST_EVENTS", 3)

    async def story() -> tuple[bytes, str, str]:
        listener, client, transport = build()
        client.data_received(b"auth secret\n\nevent plain API\n\n")
        client.pause_writing()
        for _ in range(10):
            listener.switch.api("status", 0.0)
        listener.pump()
        stalled = transport.data
        client.resume_writing()
        assert transport.data.count(b"Event-Name: API") == 10
        client.pause_writing()
        for _ in range(13):
            listener.switch.api("status", 0.0)
        listener.pump()
        before = transport.closed
        listener.switch.api("status", 0.0)
        listener.pump()
        return stalled, before, transport.closed

    stalled, before, after = asyncio.run(story())
    assert stalled.count(b"Event-Name") == 0
    assert (before, after) == ("", "aborted")


def test_who_does_not_log_in_is_closed() -> None:
    async def story() -> tuple[str, str]:
        _, _, silent = build(auth_seconds=0.01)
        _, client, known = build(auth_seconds=0.01)
        client.data_received(b"auth secret\n\n")
        closed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.05, closed.set_result, None)
        await closed
        return silent.closed, known.closed

    assert asyncio.run(story()) == ("closed", "")


def test_the_switch_builds_only_what_some_client_asked_for() -> None:
    async def story() -> list[tuple[bool, frozenset[str]]]:
        listener, one, _ = build()
        two = Client(listener)
        two.connection_made(Transport())
        switch = listener.switch
        states = [(switch._emit_all, switch._emit)]
        for client, line in (
            (one, b"event plain API\n\n"),
            (two, b"event json DTMF\n\n"),
            (two, b"event plain ALL\n\n"),
        ):
            client.data_received(b"auth secret\n\n" + line)
            states.append((switch._emit_all, switch._emit))
        two.connection_lost(None)
        states.append((switch._emit_all, switch._emit))
        return states

    states = asyncio.run(story())
    assert states[0] == (False, frozenset())
    assert states[1] == (False, frozenset({"API"}))
    assert states[2] == (False, frozenset({"API", "DTMF"}))
    assert states[3][0]
    assert states[4] == (False, frozenset({"API"}))
