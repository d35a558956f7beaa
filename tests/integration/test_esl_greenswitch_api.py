"""The connection and the outbound server behave as users of greenswitch expect, without its faults."""

from __future__ import annotations

import socket as stdlib_socket
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.event
import gevent.queue
import gevent.socket
import greenswitch.esl
import pytest

from esl.connection import ESLEvent, InboundESL
from esl.outbound import OutboundESLServer, OutboundSession
from esl.testing import PeerConnection, ScriptedPeer, background_job, plain_event, reply
from esl.transport_errors import CommandTimeout, ConnectTimeout, OutboundSessionHasGoneAway

UUID = "0d7d1c3c-3f3b-4c3f-9d51-6a6f2f1f8a10"


def test_connects_sends_and_hands_events_to_handlers() -> None:
    got: gevent.queue.Queue[tuple[str, ESLEvent]] = gevent.queue.Queue()

    def broken(event: ESLEvent) -> None:
        raise RuntimeError("a handler's fault")

    with ScriptedPeer() as peer, InboundESL("127.0.0.1", peer.port, "secret") as esl:
        for name in ("CHANNEL_ANSWER", "sofia::register", "*", "log", "BACKGROUND_JOB", "DISCONNECT"):
            esl.register_handle(name, broken)
            esl.register_handle(name, lambda event, name=name: got.put((name, event)))  # type: ignore[misc]
        sent = esl.send("event plain ALL")
        assert sent.data == "+OK" and sent.headers["Content-Type"] == "command/reply"
        assert esl.send("api status").data == "+OK\n"
        connection = peer.next_connection()
        connection.send(
            plain_event("CHANNEL_ANSWER", {"Unique-ID": "u", "variable_x": "a\nUnique-ID: forged"})
            + plain_event("CUSTOM", {"Event-Subclass": "sofia::register"})
            + plain_event("OTHER")
            + b"Content-Type: log/data\nContent-Length: 3\n\nabc"
            + background_job("j", "+OK x\n")
            + b"Content-Type: text/disconnect-notice\nContent-Length: 4\n\nbye\n"
        )
        events = [got.get(timeout=5) for _ in range(6)]
        assert [name for name, _ in events] == [
            "CHANNEL_ANSWER", "sofia::register", "*", "log", "BACKGROUND_JOB", "DISCONNECT",
        ]  # fmt: skip
        answer = events[0][1]
        assert answer.headers["Unique-ID"] == "u" and answer.headers["variable_x"] == "a\nUnique-ID: forged"
        assert events[3][1].data == "abc" and events[4][1].data == "+OK x\n"
        assert esl.handler_errors == 6
        assert not esl.connected
        with pytest.raises(greenswitch.esl.NotConnectedError):
            esl.send("api status")


def test_wrong_password_refusal_and_silence() -> None:
    with ScriptedPeer() as peer:
        with pytest.raises(ValueError, match="password"):
            InboundESL("127.0.0.1", peer.port, "wrong").connect()
    rude = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    with ScriptedPeer(greeting=rude) as peer:
        with pytest.raises(greenswitch.esl.NotConnectedError, match="refuses this address"):
            InboundESL("127.0.0.1", peer.port, "secret").connect()
    with ScriptedPeer(greeting=b"") as peer:
        with pytest.raises(ConnectTimeout):
            InboundESL("127.0.0.1", peer.port, "secret", timeout=0.02).connect()
    with stdlib_socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(greenswitch.esl.NotConnectedError, match="can't connect"):
        InboundESL("127.0.0.1", port, "secret").connect()


def test_waiting_commands_fail_when_the_connection_ends_and_at_their_deadline() -> None:
    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        if lines[0] == "api die":
            connection.close()
        return b"" if lines[0] == "api never" else None

    with ScriptedPeer(script=script) as peer, InboundESL("127.0.0.1", peer.port, "secret") as esl:
        with pytest.raises(CommandTimeout):
            esl.send("api never", timeout_s=0.02)
        waiting = [gevent.spawn(esl.send, "api never") for _ in range(3)]
        peer.wait_for("api never")
        killer = gevent.spawn(esl.send, "api die")
        gevent.joinall([*waiting, killer], timeout=5)
        for greenlet in (*waiting, killer):
            assert isinstance(greenlet.exception, greenswitch.esl.NotConnectedError)


class Call:
    """FreeSWITCH's side of an outbound connection."""

    def __init__(self, port: int) -> None:
        self.sock = gevent.socket.create_connection(("127.0.0.1", port))
        self.buffer = b""

    def command(self) -> list[str]:
        while b"\n\n" not in self.buffer:
            data = self.sock.recv(4096)
            assert data, "the session closed"
            self.buffer += data
        block, _, self.buffer = self.buffer.partition(b"\n\n")
        return block.decode().split("\n")

    def answer(self, expected: str, data: bytes = reply("+OK")) -> list[str]:
        lines = self.command()
        assert lines[0] == expected
        self.sock.sendall(data)
        return lines


CALL_DATA = (
    f"Content-Type: command/reply\nReply-Text: %2BOK%0A\nvariable_uuid: {UUID}\nvariable_call_uuid: {UUID}\n"
    "Caller-Caller-ID-Number: 1001\nSocket-Mode: async\nControl: full\n\n"
).encode()


@pytest.fixture
def served() -> Iterator[Any]:
    """Starts an outbound server whose application runs the given function; gives (server, results)."""
    servers: list[tuple[OutboundESLServer, Any]] = []
    results: gevent.queue.Queue[Any] = gevent.queue.Queue()

    def start(run: Any, max_connections: int = 10) -> tuple[OutboundESLServer, Any]:
        class Application:
            def __init__(self, session: OutboundSession) -> None:
                self.session = session

            def run(self) -> None:
                results.put(run(self.session))

        server = OutboundESLServer("127.0.0.1", 0, Application, max_connections)
        servers.append((server, gevent.spawn(server.listen)))
        assert server.listening.wait(timeout=5)
        return server, results

    yield start
    for server, greenlet in servers:
        server.stop()
        greenlet.join(timeout=5)
        assert greenlet.dead


def test_outbound_call_is_answered_and_plays(served: Any) -> None:
    def run(session: OutboundSession) -> Any:
        session.myevents()
        with session.while_connected():
            session.answer()
            session.playback("/a.wav")
        session.hangup()
        return session.uuid, session.call_uuid, session.caller_id_number

    server, results = served(run)
    call = Call(server.bound_port)
    call.answer("connect", CALL_DATA)
    call.answer("myevents")
    assert call.answer("sendmsg") == ["sendmsg", "call-command: execute", "execute-app-name: answer"]
    done = plain_event("CHANNEL_EXECUTE_COMPLETE", {"variable_current_application": "playback"})
    assert call.answer("sendmsg", reply("+OK") + done)[-1] == "execute-app-arg: /a.wav"
    assert call.answer("sendmsg")[-1] == "execute-app-arg: NORMAL_CLEARING"
    assert results.get(timeout=5) == (UUID, UUID, "1001")
    call.answer("exit", reply("+OK bye"))
    call.sock.close()


def test_outbound_caller_who_goes_away_ends_what_waits(served: Any) -> None:
    def run(session: OutboundSession) -> Any:
        with pytest.raises(greenswitch.esl.OutboundSessionHasGoneAway):
            session.playback("/a.wav")
        with pytest.raises(OutboundSessionHasGoneAway):
            session.raise_if_disconnected()
        with pytest.raises(greenswitch.esl.OutboundSessionHasGoneAway):
            session.answer()
        return "ended"

    server, results = served(run)
    call = Call(server.bound_port)
    call.answer("connect", CALL_DATA)
    call.answer("sendmsg")
    call.sock.close()
    assert results.get(timeout=5) == "ended"


def test_outbound_arguments_can_not_inject(served: Any) -> None:
    def run(session: OutboundSession) -> Any:
        for argument in ("/a.wav\n\napi shutdown", "/a.wav\nexecute-app-name: system", "/a.wav\rx"):
            with pytest.raises(ValueError, match="line feed"):
                session.call_command("playback", argument)
        return "refused"

    server, results = served(run)
    call = Call(server.bound_port)
    call.answer("connect", CALL_DATA)
    assert results.get(timeout=5) == "refused"
    call.answer("exit")
    call.sock.close()


def test_outbound_server_at_its_limit_hangs_the_surplus_call_up(served: Any) -> None:
    release = gevent.event.Event()
    server, results = served(lambda session: release.wait(), max_connections=1)
    first = Call(server.bound_port)
    first.answer("connect", CALL_DATA)
    second = Call(server.bound_port)
    second.answer("connect", CALL_DATA)
    assert second.answer("sendmsg")[-2:] == ["execute-app-name: hangup", "execute-app-arg: SWITCH_CONGESTION"]
    second.answer("exit")
    second.sock.close()
    release.set()
    assert results.get(timeout=5) is True
    first.answer("exit")
    first.sock.close()
