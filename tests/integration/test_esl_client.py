"""The supervised client against a scripted server on TCP."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import gevent.event
import gevent.queue
import pytest

from esl.backoff import Backoff
from esl.client import Client
from esl.commands import Status, UuidKill
from esl.errors import CommandError, MalformedFrame
from esl.headers import EventLike
from esl.jobs import JobReply
from esl.protocol import Limits
from esl.testing import PeerConnection, ScriptedPeer, background_job, job_uuid_of, plain_event, reply
from esl.transport_errors import CommandRefused, CommandTimeout, NotConnectedError

UUID = "0d7d1c3c-3f3b-4c3f-9d51-6a6f2f1f8a10"
QUICK = Backoff(0.01, 0.02, 0.0)
HEADERS = frozenset({"Unique-ID", "Number"})


class Owner:
    """Takes every callback down in order; `gate` closed, it stalls in `on_event`."""

    def __init__(self) -> None:
        self.log: gevent.queue.Queue[tuple[Any, ...]] = gevent.queue.Queue()
        self.gate = gevent.event.Event()
        self.gate.set()

    def on_event(self, event: EventLike, received_at: float) -> None:
        self.gate.wait()
        self.log.put(("event", event.name, event.get("Number")))

    def on_up(self, client: Client) -> None:
        self.log.put(("up",))

    def on_down(self, reason: str) -> None:
        self.log.put(("down", reason))

    def on_gap(self, count: int) -> None:
        self.log.put(("gap", count))

    def on_reply(self, answer: JobReply) -> None:
        self.log.put(("job", answer))

    def next(self, timeout_s: float = 5.0) -> tuple[Any, ...]:
        entry: tuple[Any, ...] = self.log.get(timeout=timeout_s)
        return entry

    def up_to(self, kind: str) -> list[tuple[Any, ...]]:
        got = [self.next()]
        while got[-1][0] != kind:
            got.append(self.next())
        return got


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def start(owner: Owner) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def make(port: int, password: str = "secret", **options: Any) -> Client:
        settings: dict[str, Any] = {
            "events": ["HEARTBEAT", "X"],
            "headers": HEADERS,
            "backoff": QUICK,
            "auth_backoff": QUICK,
            "on_event": owner.on_event,
            "on_up": owner.on_up,
            "on_down": owner.on_down,
            "on_gap": owner.on_gap,
        }
        client = Client("127.0.0.1", port, password, name="test", rng=random.Random(1), **(settings | options))
        clients.append(client)
        client.start()
        return client

    yield make
    owner.gate.set()
    for client in clients:
        client.stop()


def test_logs_in_subscribes_and_hands_events_on(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port, filters=[("Number", "1")])
        assert owner.next() == ("up",) and client.is_up
        connection = peer.next_connection()
        assert [lines[0] for lines in connection.commands] == [
            "auth secret",
            "filter Number 1",
            "filter Event-Name BACKGROUND_JOB",
            "filter Event-Name HEARTBEAT",
            "event plain HEARTBEAT X BACKGROUND_JOB",
        ]
        connection.send(plain_event("X", {"Number": "1", "Other": "2"}))
        assert owner.next() == ("event", "X", "1")
        assert client.stats.events == 1


def test_a_job_gets_its_output_once_even_if_it_comes_twice(owner: Owner, start: Callable[..., Client]) -> None:
    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        if not lines[0].startswith("bgapi"):
            return None
        job = job_uuid_of(lines)
        # The event may come before the reply to the command itself.
        done = background_job(job, "+OK done\n")
        return done + reply(f"+OK Job-UUID: {job}", Job_UUID=job) + done

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port)
        owner.up_to("up")
        job = client.bgapi(UuidKill(UUID), owner.on_reply)
        assert owner.next() == ("job", JobReply(job, True, "+OK done\n", "reply"))
        assert owner.next()[:2] == ("event", "BACKGROUND_JOB")
        assert peer.wait_for("bgapi")[0] == f"bgapi uuid_kill {UUID} NORMAL_CLEARING"
        assert client.pending_jobs == 0 and client.stats.late_jobs == 1


def test_jobs_are_pipelined(owner: Owner, start: Callable[..., Client]) -> None:
    waiting: list[str] = []

    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        if not lines[0].startswith("bgapi"):
            return None
        waiting.append(job_uuid_of(lines))
        answer = reply("+OK Job-UUID: x")
        if len(waiting) == 200:
            answer += b"".join(background_job(job, f"+OK {job}") for job in reversed(waiting))
        return answer

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port)
        owner.up_to("up")
        jobs = [client.bgapi(Status(), owner.on_reply) for _ in range(200)]
        answers = [owner.next()[1] for _ in jobs]
        assert [answer.job_uuid for answer in answers] == list(reversed(jobs))
        assert all(answer.text == f"+OK {answer.job_uuid}" for answer in answers)


def test_a_refused_job_ends_at_once(owner: Owner, start: Callable[..., Client]) -> None:
    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        return reply("-ERR permission denied") if lines[0].startswith("bgapi") else None

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port)
        owner.up_to("up")
        job = client.bgapi(Status(), owner.on_reply)
        assert owner.next() == ("job", JobReply(job, False, "-ERR permission denied", "refused"))


def test_a_job_without_an_answer_times_out_once(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port)
        owner.up_to("up")
        job = client.bgapi(Status(), owner.on_reply, deadline_s=0.02)
        kind, answer = owner.next()
        assert kind == "job" and (answer.job_uuid, answer.ok, answer.kind) == (job, False, "timeout")
        assert answer.text.startswith("-TIMEOUT")
        # The late answer is nobody's any more.
        peer.next_connection().send(background_job(job, "+OK late"))
        assert owner.next()[:2] == ("event", "BACKGROUND_JOB")
        assert client.stats.job_timeouts == 1 and client.stats.late_jobs == 1


def test_a_lost_connection_ends_every_job_once_and_comes_back(
    owner: Owner, start: Callable[..., Client]
) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port)
        owner.up_to("up")
        jobs = [client.bgapi(Status(), owner.on_reply) for _ in range(3)]
        for _ in jobs:
            peer.wait_for("bgapi")
        peer.next_connection().close()
        *ended, down, up = owner.up_to("up")
        assert [entry[1] for entry in ended] == [
            JobReply(job, False, "-ERR connection lost before the answer", "disconnected") for job in jobs
        ]
        assert down[0] == "down" and "closed the connection" in down[1] and up == ("up",)
        assert client.pending_jobs == 0 and client.stats.connects == 2


def test_a_job_without_a_connection_is_not_sent(owner: Owner, start: Callable[..., Client]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = start(port)
    kind, reason = owner.next()
    assert kind == "down" and "can't connect" in reason
    job = client.bgapi(Status(), owner.on_reply)
    answer = owner.up_to("job")[-1][1]
    assert (answer.job_uuid, answer.kind, answer.ok) == (job, "not_sent", False)
    with pytest.raises(NotConnectedError):
        client.api(Status())
    with pytest.raises(CommandError):
        client.bgapi("status\nexit", owner.on_reply)


def test_a_wrong_password_is_said_each_time_and_never_shown(
    owner: Owner, start: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedPeer() as peer:
        start(peer.port, password="hunter2")
        for _ in range(3):
            assert owner.next() == ("down", "authentication refused: the password was refused")
    assert "the password was refused" in caplog.text and "hunter2" not in caplog.text


def test_a_server_that_closes_behind_its_refusal_has_still_refused(owner: Owner, start: Callable[..., Client]) -> None:
    """As FreeSWITCH does. The end that is read in the same moment is not the reason, nor does it say how to wait."""

    def script(connection: PeerConnection, lines: list[str]) -> bytes:
        connection.send(reply("-ERR invalid"))
        connection.close()
        return b""

    asked: gevent.queue.Queue[tuple[str, int]] = gevent.queue.Queue()
    with ScriptedPeer(script=script) as peer:
        start(peer.port, backoff=Waits("gone", asked), auth_backoff=Waits("refused", asked))
        for failures in (1, 2, 3):
            assert owner.next() == ("down", "authentication refused: the password was refused")
            assert asked.get(timeout=5) == ("refused", failures)


class Waits:
    """A backoff that notes of which kind it is and how many failures in a row it was asked about; the wait is short."""

    cap_s = 10.0

    def __init__(self, kind: str, asked: gevent.queue.Queue[tuple[str, int]]) -> None:
        self.kind = kind
        self.asked = asked

    def delay_s(self, failures: int, rng: random.Random) -> float:
        self.asked.put((self.kind, failures))
        return 0.001


def test_refusals_and_lost_connections_are_counted_apart(owner: Owner, start: Callable[..., Client]) -> None:
    """A switch that was away for long and then refuses is not first waited for as after many refusals."""
    kinds = iter(["gone", "gone", "gone", "refused", "refused", "gone", "refused"])

    def script(connection: PeerConnection, lines: list[str]) -> bytes:
        if next(kinds, "gone") == "refused":
            return reply("-ERR invalid")
        connection.close()
        return b""

    asked: gevent.queue.Queue[tuple[str, int]] = gevent.queue.Queue()
    with ScriptedPeer(script=script) as peer:
        start(peer.port, backoff=Waits("gone", asked), auth_backoff=Waits("refused", asked))
        heard = [asked.get(timeout=5) for _ in range(7)]
    lost, refusals = [("gone", n) for n in (1, 2, 3)], [("refused", n) for n in (1, 2)]
    assert heard == [*lost, *refusals, ("gone", 1), ("refused", 1)]


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n", "refuses this address"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * (2 << 20), "header block over"),
        (b"Content-Type: command/reply\nReply-Text: +OK\n\n", "no command waits"),
    ],
)
def test_a_strange_greeting_is_named(
    greeting: bytes, reason: str, owner: Owner, start: Callable[..., Client]
) -> None:
    with ScriptedPeer(greeting=greeting) as peer:
        start(peer.port)
        kind, text = owner.next()
        assert kind == "down" and reason in text


def test_a_silent_server_is_named(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer(greeting=b"") as peer:
        start(peer.port, connect_timeout_s=0.02)
        kind, text = owner.next()
        assert kind == "down" and "no greeting within" in text


def test_a_refused_subscription_is_named(owner: Owner, start: Callable[..., Client]) -> None:
    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        return reply("-ERR permission denied") if lines[0].startswith("event") else None

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port)
        assert owner.next() == ("down", "event was refused: -ERR permission denied")
        assert not client.is_up


def test_lost_framing_reconnects_and_a_bad_frame_does_not(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port)
        owner.up_to("up")
        connection = peer.next_connection()
        bad = b"Content-Length: 3\nContent-Type: text/event-plain\n\nabc"
        connection.send(bad + plain_event("X", {"Number": "1"}))
        assert owner.next() == ("event", "X", "1")
        assert client.stats.malformed_frames == 1
        connection.send(plain_event("X", {"Number": "2"}) + b"garbage\n\n")
        assert owner.next() == ("event", "X", "2")
        assert owner.next() == ("down", "header line without a colon")
        assert owner.next() == ("up",)


def test_api_waits_for_its_answer_even_inside_a_callback(owner: Owner, start: Callable[..., Client]) -> None:
    answers: list[str] = []

    def on_up(client: Client) -> None:
        answers.append(client.api(Status()))
        owner.on_up(client)

    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        return {
            "api none": reply("-ERR permission denied"),
            "api bad": b"Content-Length: 2000\nContent-Type: api/response\n\n" + b"x" * 2000,
            "api never": b"",
        }.get(lines[0])

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port, on_up=on_up, limits=Limits(body_bytes=1000))
        owner.up_to("up")
        assert answers == ["+OK\n"]
        with pytest.raises(CommandRefused, match="permission"):
            client.api("none")
        with pytest.raises(MalformedFrame):
            client.api("bad")
        with pytest.raises(CommandTimeout):
            client.api("never", timeout_s=0.02)


def test_api_fails_when_the_connection_is_lost(owner: Owner, start: Callable[..., Client]) -> None:
    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        if lines[0] == "api die":
            connection.close()
        return None

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port)
        owner.up_to("up")
        with pytest.raises(NotConnectedError):
            client.api("die")


def test_a_stalled_consumer_gets_one_gap_and_every_reply(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port, max_backlog=10)
        owner.up_to("up")
        connection = peer.next_connection()
        job = client.bgapi(Status(), owner.on_reply)
        peer.wait_for("bgapi")
        owner.gate.clear()
        # One is in the consumer's hands, ten wait, nine are dropped; the job's end is not.
        connection.send(plain_event("X", {"Number": "0"}))
        while client.backlog or client.stats.events < 1:
            gevent.sleep(0)
        connection.send(b"".join(plain_event("X", {"Number": str(n)}) for n in range(1, 20)))
        connection.send(background_job(job, "+OK"))
        while client.pending_jobs:
            gevent.sleep(0)
        assert client.backlog == 10 and client.stats.dropped_events == 9
        owner.gate.set()
        got = owner.up_to("gap")
        assert got[:11] == [("event", "X", str(n)) for n in range(11)]
        assert got[11] == ("job", JobReply(job, True, "+OK", "reply"))
        assert got[12] == ("gap", 9)
        connection.send(plain_event("X", {"Number": "20"}))
        assert owner.next() == ("event", "X", "20")


def test_a_callback_that_fails_is_counted_and_survived(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        def on_event(event: EventLike, received_at: float) -> None:
            # "Missing" is not among the headers that this client keeps.
            event.get("Missing" if event.name == "HEARTBEAT" else "Number")
            owner.on_event(event, received_at)

        client = start(peer.port, on_event=on_event)
        owner.up_to("up")
        peer.next_connection().send(plain_event("HEARTBEAT") * 3 + plain_event("X", {"Number": "1"}))
        assert owner.next() == ("event", "X", "1")
        assert client.stats.callback_errors == 3


def test_silence_is_probed_and_then_ends_the_connection(owner: Owner, start: Callable[..., Client]) -> None:
    answering = True

    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        return b"" if lines[0] == "api status" and not answering else None

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port, heartbeat_timeout_s=0.02, command_timeout_s=0.2)
        owner.up_to("up")
        for _ in range(3):
            peer.wait_for("api status")
        assert client.is_up and client.stats.failures == 0
        answering = False
        kind, reason = owner.next()
        assert kind == "down" and "a probe went unanswered" in reason
        answering = True
        assert owner.next() == ("up",)


def test_a_server_that_takes_no_bytes_does_not_block_the_caller(
    owner: Owner, start: Callable[..., Client]
) -> None:
    stuck = gevent.event.Event()

    def script(connection: PeerConnection, lines: list[str]) -> bytes | None:
        if lines[0].startswith("bgapi"):
            stuck.wait()
        return None

    with ScriptedPeer(script=script) as peer:
        client = start(peer.port, command_timeout_s=0.1)
        owner.up_to("up")
        count = 0
        with gevent.Timeout(5):
            while client.is_up:
                client.bgapi("echo " + "x" * 60_000, owner.on_reply)
                count += 1
                gevent.sleep(0)
        kinds = [owner.next() for _ in range(count + 1)]
        assert {entry[1].kind for entry in kinds if entry[0] == "job"} <= {"disconnected", "not_sent"}
        assert sum(entry[0] == "job" for entry in kinds) == count
        stuck.set()


def test_stop_ends_jobs_and_greenlets(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port)
        owner.up_to("up")
        client.bgapi(Status(), owner.on_reply)
        peer.wait_for("bgapi")
        client.stop()
        assert peer.wait_for("exit") == ["exit"]
        got = [owner.log.get_nowait() for _ in range(owner.log.qsize())]
        assert [entry[0] for entry in got] == ["job", "down"] and got[1][1] == "stopped"
        assert all(greenlet.dead for greenlet in client.greenlets)


def test_stop_from_a_callback(owner: Owner, start: Callable[..., Client]) -> None:
    with ScriptedPeer() as peer:
        client = start(peer.port, on_event=lambda event, received_at: client.stop())
        owner.up_to("up")
        peer.next_connection().send(plain_event("X"))
        gevent.joinall(client.greenlets, timeout=5)
        assert all(greenlet.dead for greenlet in client.greenlets)
