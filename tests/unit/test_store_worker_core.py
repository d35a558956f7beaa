"""The worker's patience: what is answered now, what is kept, in which order, and when it is well again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dialer.domain.commands import (
    ClaimLeads,
    CloseAttempt,
    LogAgentState,
    OpenAttempt,
    SaveCampaignState,
    SavePacing,
    StoreCommand,
)
from dialer.domain.events import AttemptOpened, AttemptRefused, LeadsClaimed, Recovered, StoreEvent
from dialer.domain.outcomes import Outcome
from dialer.store import wire
from dialer.store import worker_core as module
from dialer.store.errors import StoreDoubtful, StoreUnavailable
from dialer.store.worker_core import MAX_BATCH, WorkerCore

LOCKED = StoreUnavailable("OperationalError: database is locked")


class FakeService:
    """Fails as told: ``trouble`` is raised by every call until it is None."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.batches: list[list[StoreCommand]] = []
        self.exists: set[str] = set()
        self.faults: list[str] = []
        self.probes = 0

    def _check(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    def execute(self, commands: Sequence[StoreCommand], now: float) -> list[StoreEvent]:
        self._check()
        self.batches.append(list(commands))
        events: list[StoreEvent] = []
        for command in commands:
            if isinstance(command, OpenAttempt):
                events.append(AttemptOpened(command.attempt_id))
            elif isinstance(command, ClaimLeads):
                events.append(LeadsClaimed(command.campaign, (), command.count, now))
        return events

    def resolve(self, opens: Sequence[OpenAttempt], now: float) -> list[StoreEvent]:
        self._check()
        return [
            AttemptOpened(o.attempt_id)
            if o.attempt_id in self.exists
            else AttemptRefused(o.attempt_id, "store", "", keep=True)
            for o in opens
        ]

    def recover(self, now: float) -> Recovered:
        self._check()
        return Recovered(campaigns=(("c", "running"),))

    def probe(self, now: float) -> None:
        self._check()
        self.probes += 1


class Bench:
    def __init__(self) -> None:
        self.service = FakeService()
        self.sent: list[wire.FromWorker] = []
        self.monotonic = 100.0
        self.prepared = 0
        self.prepare_trouble: Exception | None = None
        self.core = WorkerCore(self.service, self.prepare, self.sent.append, lambda: 1e9, lambda: self.monotonic)

    def prepare(self) -> None:
        if self.prepare_trouble is not None:
            raise self.prepare_trouble
        self.prepared += 1

    def start(self) -> Bench:
        self.core.retry()
        assert self.take_sent() == [wire.Healthy()]
        return self

    def take_sent(self) -> list[wire.FromWorker]:
        sent, self.sent[:] = list(self.sent), []
        return sent

    def wait_and_retry(self) -> list[wire.FromWorker]:
        self.monotonic += self.core.retry_in() or 0.0
        self.core.retry()
        return self.take_sent()


@pytest.fixture
def bench() -> Bench:
    return Bench().start()


def opening(name: str) -> OpenAttempt:
    return OpenAttempt(name, "c", 1, 1, "+12125550100", "p", "n", "t", None, 0.0)


def closing(name: str) -> CloseAttempt:
    return CloseAttempt(name, 1, 1, Outcome.BUSY, "busy", 0.0)


def line(n: int) -> LogAgentState:
    return LogAgentState("anna", "s", "ready", "", float(n))


def do(*commands: StoreCommand, first: int = 1) -> list[wire.Do]:
    return [wire.Do(first + n, command) for n, command in enumerate(commands)]


def answered(frames: Sequence[wire.FromWorker]) -> dict[int, StoreEvent | None]:
    return {seq: event for frame in frames if isinstance(frame, wire.Answers) for seq, event in frame.items}


def test_all_that_came_is_one_batch_with_an_answer_each(bench: Bench) -> None:
    claim = ClaimLeads("c", 5, 60.0)
    bench.core.take(do(opening("a"), closing("b"), claim))
    assert len(bench.service.batches) == 1
    assert answered(bench.take_sent()) == {1: AttemptOpened("a"), 2: None, 3: LeadsClaimed("c", (), 5, 1e9)}


def test_batches_have_a_limit(bench: Bench) -> None:
    bench.core.take(do(*(line(n) for n in range(MAX_BATCH + 1))))
    assert [len(batch) for batch in bench.service.batches] == [MAX_BATCH, 1]


def test_flush_recover_and_ping_are_answered_in_their_place(bench: Bench) -> None:
    bench.core.take([*do(closing("a")), wire.Flush(2), wire.Ping(3), wire.Recover(4), *do(closing("b"), first=5)])
    kinds = [type(frame).__name__ for frame in bench.take_sent()]
    assert kinds == ["Answers", "Flushed", "Pong", "RecoverDone", "Answers"]


def test_trouble_is_told_once_and_what_cannot_wait_is_refused_at_once(bench: Bench) -> None:
    bench.service.trouble = LOCKED
    bench.core.take(do(opening("a"), closing("b"), ClaimLeads("c", 5, 60.0)))
    sent = bench.take_sent()
    assert sent[0] == wire.Failed(str(LOCKED))
    answers = answered(sent)
    assert set(answers) == {1, 3}
    refused = answers[1]
    assert isinstance(refused, AttemptRefused) and refused.keep and refused.rule == "store"
    assert "locked" in refused.reason
    assert answers[3] == LeadsClaimed("c", (), 5)
    bench.core.take(do(opening("d"), first=9))
    assert [type(frame).__name__ for frame in bench.take_sent()] == ["Answers"]


def test_records_are_kept_in_order_and_written_before_anything_new(bench: Bench) -> None:
    bench.service.trouble = LOCKED
    bench.core.take([*do(closing("a")), wire.Flush(2)])
    bench.core.take(do(line(1), closing("b"), first=3))
    assert answered(bench.take_sent()) == {}
    assert bench.wait_and_retry() == []
    bench.service.trouble = None
    sent = bench.wait_and_retry()
    assert bench.service.batches == [[closing("a"), line(1), closing("b")]]
    assert sent == [wire.Answers(((1, None), (3, None), (4, None))), wire.Healthy(), wire.Flushed(2)]
    assert bench.core.retry_in() is None


def test_with_nothing_to_write_a_probe_finds_out(bench: Bench) -> None:
    bench.service.trouble = LOCKED
    bench.core.take(do(opening("a")))
    bench.take_sent()
    bench.service.trouble = None
    assert bench.wait_and_retry() == [wire.Healthy()]
    assert bench.service.probes == 2


def test_retries_wait_longer_each_time_up_to_a_limit(bench: Bench) -> None:
    bench.service.trouble = LOCKED
    bench.core.take(do(closing("a")))
    waits = []
    for _ in range(9):
        waits.append(bench.core.retry_in())
        bench.wait_and_retry()
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])
    bench.service.trouble = None
    bench.wait_and_retry()
    bench.service.trouble = LOCKED
    bench.core.take(do(closing("b"), first=9))
    assert bench.core.retry_in() == pytest.approx(0.1)


def test_a_commit_in_doubt_is_answered_only_when_the_database_can_be_asked(bench: Bench) -> None:
    bench.service.trouble = StoreDoubtful("connection lost at commit")
    bench.core.take(do(opening("there"), opening("lost"), closing("c"), ClaimLeads("c", 1, 60.0)))
    sent = bench.take_sent()
    assert isinstance(sent[0], wire.Failed) and set(answered(sent)) == {4}
    bench.service.trouble = LOCKED
    assert bench.wait_and_retry() == []
    bench.service.trouble = None
    bench.service.exists = {"there"}
    answers = answered(bench.wait_and_retry())
    assert answers[1] == AttemptOpened("there")
    lost = answers[2]
    assert isinstance(lost, AttemptRefused) and lost.keep
    assert answers[3] is None
    assert bench.service.batches == [[closing("c")]]


def test_agent_lines_are_dropped_before_memory_is_full_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_AGENT_LINES", 10)
    bench.service.trouble = LOCKED
    bench.core.take(do(closing("a"), *(line(n) for n in range(11)), SaveCampaignState("c", "running", 0.0)))
    sent = bench.take_sent()
    assert any(isinstance(frame, wire.Fault) for frame in sent)
    assert sorted(answered(sent)) == [2, 3, 4, 5, 6]
    bench.service.trouble = None
    bench.wait_and_retry()
    (batch,) = bench.service.batches
    assert batch == [closing("a"), *(line(n) for n in range(5, 11)), SaveCampaignState("c", "running", 0.0)]


def test_faults_of_the_service_are_told(bench: Bench) -> None:
    bench.service.faults = ["CloseAttempt cannot be stored"]
    bench.core.take(do(closing("a")))
    assert wire.Fault("CloseAttempt cannot be stored") in bench.take_sent()
    assert bench.service.faults == []


def test_the_schema_comes_first_and_is_tried_until_it_works() -> None:
    bench = Bench()
    bench.prepare_trouble = StoreUnavailable("connection refused")
    bench.core.retry()
    assert bench.take_sent() == [wire.Failed("connection refused")]
    bench.core.take([wire.Recover(1), *do(opening("a"), closing("b"), first=2)])
    assert set(answered(bench.take_sent())) == {2}
    bench.prepare_trouble = None
    sent = bench.wait_and_retry()
    assert bench.prepared == 1
    assert [type(frame).__name__ for frame in sent] == ["Answers", "Healthy", "RecoverDone"]


def test_a_recovery_that_fails_is_tried_again(bench: Bench) -> None:
    bench.service.trouble = LOCKED
    bench.core.take([wire.Recover(1)])
    assert bench.take_sent() == [wire.Failed(str(LOCKED))]
    bench.service.trouble = None
    assert bench.wait_and_retry() == [wire.Healthy(), wire.RecoverDone(1, Recovered(campaigns=(("c", "running"),)))]


def test_of_what_pacing_learned_only_the_newest_waits_for_the_database(bench: Bench) -> None:
    bench.service.trouble = LOCKED
    learned = [SavePacing(name, "{}", float(n)) for n, name in enumerate(["a", "b", "a", "a"])]
    bench.core.take(do(learned[0], closing("x"), *learned[1:]))
    assert answered(bench.take_sent()) == {1: None, 4: None}
    bench.service.trouble = None
    sent = bench.wait_and_retry()
    assert bench.service.batches == [[closing("x"), learned[1], learned[3]]]
    assert answered(sent) == {2: None, 3: None, 5: None}
