"""The client and its worker process: nothing lost, nothing twice, whatever happens to the worker or its database."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from stores import CAMPAIGNS, Bench, SqlBench, attempt, campaign, closing

from dialer.domain.commands import (
    ClaimLeads,
    LogAgentState,
    NoteAnswer,
    NoteBridge,
    ReleaseLeads,
    SaveCampaignState,
    SavePacing,
)
from dialer.domain.events import (
    AttemptOpened,
    AttemptRefused,
    LeadsClaimed,
    StoreEvent,
    StoreFailed,
    StoreRecovered,
)
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.store import queries
from dialer.store.client import StoreClient
from dialer.store.errors import StoreError
from dialer.store.imports import import_leads

MANY = {"sales": campaign(max_attempts=1000)}


class Daemon:
    """A client with its events kept, as the daemon would."""

    def __init__(self, url: str, epoch: str = "run1", owner: str = "alpha", busy_timeout_s: float = 0.3) -> None:
        self.events: list[StoreEvent] = []
        self.faults: list[str] = []
        self.on_event: Callable[[StoreEvent], None] = self.events.append
        self.client = StoreClient(
            url,
            owner,
            MANY,
            lambda event: self.on_event(event),
            epoch=epoch,
            on_fault=self.faults.append,
            busy_timeout_s=busy_timeout_s,
        )
        self.client.start()

    def wait(self, kind: type[StoreEvent], count: int = 1, timeout_s: float = 20.0) -> list[StoreEvent]:
        """The events of a kind, once there are ``count``."""
        with gevent.Timeout(timeout_s, AssertionError(f"no {count} {kind.__name__} in {self.events[-5:]}")):
            while True:
                found = [event for event in self.events if isinstance(event, kind)]
                if len(found) >= count:
                    return found
                gevent.sleep(0.005)

    def claim(self, count: int) -> tuple[ClaimedLead, ...]:
        before = len([event for event in self.events if isinstance(event, LeadsClaimed)])
        self.client.submit(ClaimLeads("sales", count, 300.0))
        event = self.wait(LeadsClaimed, before + 1)[-1]
        assert isinstance(event, LeadsClaimed)
        return event.leads


@pytest.fixture
def bench(tmp_path: Path) -> SqlBench:
    made = SqlBench(f"sqlite:///{tmp_path}/store.db", owner="fill")
    made.service.close()
    return made


@pytest.fixture
def daemon(bench: SqlBench) -> Iterator[Daemon]:
    made = Daemon(bench.url)
    yield made
    made.client.stop()


def fill(bench: Bench, count: int) -> list[int]:
    return [bench.add_lead([f"+1212555{n:04d}"]) for n in range(count)]


def running(pid: int) -> bool:
    """Neither gone nor waiting for somebody to ask for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def now_attempt(lead: ClaimedLead, attempt_id: str | None = None):  # type: ignore[no-untyped-def]
    return attempt(lead, attempt_id, at=time.time())


def test_claim_open_close_flush(bench: SqlBench, daemon: Daemon) -> None:
    fill(bench, 3)
    assert daemon.client.recover(20.0).attempts == ()
    leads = daemon.claim(2)
    assert len(leads) == 2
    opened = [now_attempt(lead) for lead in leads]
    for command in opened:
        daemon.client.submit(command)
    daemon.wait(AttemptOpened, 2)
    for command in opened:
        daemon.client.submit(closing(command, Outcome.BUSY, at=time.time(), recycle_after_s=60.0))
    daemon.client.submit(LogAgentState("anna", "s1", "ready", "", time.time()))
    assert daemon.client.flush(20.0)
    assert daemon.client.backlog == 0
    summary = queries.summary(bench.url)
    assert (summary["attempts"], summary["outcomes"]["busy"], summary["leads_unaccounted"]) == (2, 2, 0)
    assert not any(isinstance(event, StoreFailed) for event in daemon.events)


def test_answers_and_what_was_learned_survive_the_dialer(bench: SqlBench, daemon: Daemon) -> None:
    fill(bench, 1)
    (lead,) = daemon.claim(1)
    opened = now_attempt(lead)
    daemon.client.submit(opened)
    daemon.client.submit(NoteAnswer(opened.attempt_id, 1.0, 2.0))
    daemon.client.submit(NoteBridge(opened.attempt_id, 3.0, "anna"))
    for n in range(5):
        daemon.client.submit(SavePacing("sales", f"{n}", float(n)))
    assert daemon.client.backlog <= 5  # older words of pacing are not kept for a worker that has to be told again
    assert daemon.client.flush(20.0)
    daemon.client.stop()
    again = Daemon(bench.url, epoch="run2")
    try:
        recovered = again.client.recover(20.0)
    finally:
        again.client.stop()
    (fact,) = recovered.attempts
    assert (fact.rang_at, fact.answered_at, fact.bridged_at) == (1.0, 2.0, 3.0)
    (learned,) = recovered.pacing
    assert (learned.campaign, learned.state, learned.state_at) == ("sales", "4", 4.0)


def test_the_schema_is_made_by_the_worker(tmp_path: Path) -> None:
    daemon = Daemon(f"sqlite:///{tmp_path}/new.db")
    assert daemon.client.recover(20.0).campaigns == ()
    daemon.client.stop()


def test_answers_larger_than_the_sockets_buffer_arrive(bench: SqlBench, daemon: Daemon) -> None:
    sample = Path(__file__).parents[2] / "config" / "examples" / "leads" / "bank-sample.csv"
    import_leads(bench.url, "main", sample, region=None)
    daemon.client.recover(20.0)
    assert len(daemon.claim(4000)) == 4000
    assert daemon.client.restarts == 0


def test_stop_finishes_what_was_submitted(bench: SqlBench) -> None:
    daemon = Daemon(bench.url)
    daemon.client.recover(20.0)
    for n in range(500):
        daemon.client.submit(LogAgentState("anna", "s1", "ready", "", float(n)))
    pid = daemon.client.worker_pid
    daemon.client.stop()
    with sqlite3.connect(bench.engine.url.database or "") as connection:
        assert connection.execute("SELECT count(*) FROM agent_state_log").fetchone() == (500,)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_killed_in_mid_stream_loses_nothing_and_doubles_nothing(bench: SqlBench, daemon: Daemon) -> None:
    fill(bench, 400)
    daemon.client.recover(20.0)
    commands = {}
    refused: list[str] = []

    def engine(event: StoreEvent) -> None:
        """Dials every lead once and ends each call at once; a kept refusal is asked again, as the engine does."""
        daemon.events.append(event)
        if isinstance(event, LeadsClaimed):
            for lead in event.leads:
                command = now_attempt(lead)
                commands[command.attempt_id] = command
                daemon.client.submit(command)
        elif isinstance(event, AttemptOpened):
            command = commands[event.attempt_id]
            daemon.client.submit(
                closing(command, Outcome.CONNECTED, at=time.time(), lead_done=True, lead_reason="connected")
            )
        elif isinstance(event, AttemptRefused) and event.keep:
            refused.append(event.attempt_id)

    daemon.on_event = engine
    for _ in range(20):
        daemon.client.submit(ClaimLeads("sales", 20, 300.0))
    daemon.wait(LeadsClaimed, 20)  # a claim whose answer is lost is given back by its lease only
    kills = 0
    while kills < 3:
        gevent.sleep(0.02)
        pid = daemon.client.worker_pid
        if pid is not None and len(daemon.events) > 60 * kills:
            os.kill(pid, signal.SIGKILL)
            kills += 1
            daemon.wait(StoreRecovered, kills)
    assert daemon.client.restarts >= 3
    answers: list[str] = []
    with gevent.Timeout(20, AssertionError("not every attempt was answered")):
        while True:
            answers = [e.attempt_id for e in daemon.events if isinstance(e, AttemptOpened | AttemptRefused)]
            if len(answers) >= len(commands):
                break
            gevent.sleep(0.01)
    assert daemon.client.flush(20.0)
    assert len(answers) == len(set(answers)) == len(commands)
    opened = {event.attempt_id for event in daemon.events if isinstance(event, AttemptOpened)}
    rows = queries.attempts(bench.url)
    assert {row["id"] for row in rows} == opened
    assert all(row["outcome"] == "connected" for row in rows)
    assert len({row["lead_id"] for row in rows}) == len(rows)


def test_a_committed_attempt_whose_answer_was_lost_is_opened_when_asked_again(bench: SqlBench) -> None:
    """The worker dies after the commit and before the answer: the row is there, the daemon does not know."""
    fill(bench, 1)
    daemon = Daemon(bench.url)
    daemon.client.recover(20.0)
    (lead,) = daemon.claim(1)
    pid = daemon.client.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    command = now_attempt(lead)
    daemon.client.submit(command)
    gevent.sleep(0.05)
    # What the worker would have committed, by a worker with the same identity.
    bench.owner, bench.epoch = "alpha", 1
    assert bench.open("alpha").execute([command], time.time()) == [AttemptOpened(command.attempt_id)]
    os.kill(pid, signal.SIGKILL)
    assert daemon.wait(AttemptOpened) == [AttemptOpened(command.attempt_id)]
    daemon.client.submit(closing(command, at=time.time()))
    assert daemon.client.flush(20.0)
    assert len(queries.attempts(bench.url)) == 1
    daemon.client.stop()


def test_a_locked_database_refuses_at_once_and_keeps_the_records(bench: SqlBench, daemon: Daemon) -> None:
    fill(bench, 2)
    daemon.client.recover(20.0)
    one, two = daemon.claim(2)
    first, second = now_attempt(one), now_attempt(two)
    daemon.client.submit(first)
    daemon.wait(AttemptOpened)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\n"
            "print('held',flush=True)\nsys.stdin.readline()\nc.execute('ROLLBACK')\n",
            bench.engine.url.database or "",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    daemon.client.submit(closing(first, Outcome.BUSY, at=time.time()))
    daemon.client.submit(second)
    (failed,) = daemon.wait(StoreFailed)
    assert isinstance(failed, StoreFailed) and "locked" in failed.error
    (refused,) = daemon.wait(AttemptRefused)
    assert isinstance(refused, AttemptRefused) and refused.keep and refused.rule == "store"
    daemon.client.submit(SaveCampaignState("sales", "paused", time.time()))
    daemon.client.submit(ClaimLeads("sales", 1, 60.0))
    assert daemon.wait(LeadsClaimed, 2)[-1] == LeadsClaimed("sales", (), 1)
    assert not daemon.client.flush(0.2)
    holder.stdin.write("\n")
    holder.stdin.close()
    assert holder.wait(10) == 0
    daemon.wait(StoreRecovered)
    assert daemon.client.flush(20.0)
    (row,) = queries.attempts(bench.url)
    assert (row["id"], row["outcome"]) == (first.attempt_id, "busy")
    daemon.client.submit(now_attempt(two))
    daemon.wait(AttemptOpened, 2)
    assert len(daemon.wait(StoreFailed)) == 1


def test_a_full_disk_is_told_and_over_when_there_is_room(bench: SqlBench, daemon: Daemon) -> None:
    """The worker may not write files longer than they are: to SQLite, a disk that takes nothing more."""
    fill(bench, 1)
    daemon.client.recover(20.0)
    (lead,) = daemon.claim(1)
    command = now_attempt(lead)
    daemon.client.submit(command)
    daemon.wait(AttemptOpened)
    pid = daemon.client.worker_pid
    assert pid is not None
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    daemon.client.submit(closing(command, Outcome.NO_ANSWER, at=time.time(), recycle_after_s=60.0))
    (failed,) = daemon.wait(StoreFailed)
    assert isinstance(failed, StoreFailed) and ("disk" in failed.error or "full" in failed.error)
    assert daemon.claim(1) == ()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    daemon.wait(StoreRecovered)
    assert daemon.client.flush(20.0)
    (row,) = queries.attempts(bench.url)
    assert row["outcome"] == "no_answer"
    assert queries.summary(bench.url)["leads_unaccounted"] == 0


def test_a_killed_daemon_leaves_a_complete_record_and_the_next_one_takes_over(bench: SqlBench) -> None:
    fill(bench, 3)
    script = (
        "import sys,time,gevent\n"
        "sys.path[:0]=sys.argv[2:]\n"
        "from test_store_client import Daemon, now_attempt\n"
        "d=Daemon(sys.argv[1]); d.client.recover(20.0)\n"
        "leads=d.claim(3)\n"
        "d.client.submit(now_attempt(leads[0],'a1'))\n"
        "from dialer.domain.events import AttemptOpened\n"
        "d.wait(AttemptOpened)\n"
        "print(d.client.worker_pid, flush=True)\n"
        "gevent.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, bench.url, str(Path(__file__).parent), str(Path(__file__).parents[2])],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    worker_pid = int(child.stdout.readline())
    child.kill()
    child.wait(10)
    with gevent.Timeout(20, AssertionError("the worker outlives its daemon")):
        while running(worker_pid):
            gevent.sleep(0.01)
    daemon = Daemon(bench.url, epoch="run2")
    recovered = daemon.client.recover(20.0)
    assert [fact.attempt_id for fact in recovered.attempts] == ["a1"]
    fact = recovered.attempts[0]
    lead = ClaimedLead(fact.lead_id, fact.campaign, fact.number_id, fact.number, fact.person, 0, 0.0)
    daemon.client.submit(closing(attempt(lead, "a1"), Outcome.INTERRUPTED, at=time.time(), recycle_after_s=60.0))
    assert daemon.client.flush(20.0)
    assert len(daemon.claim(3)) == 2
    daemon.client.submit(ReleaseLeads("sales", (1, 2, 3), "end"))
    assert daemon.client.flush(20.0)
    assert queries.summary(bench.url)["leads_unaccounted"] == 0
    daemon.client.stop()


def test_a_worker_that_cannot_be_started_is_failed_and_answers_come_at_once(tmp_path: Path) -> None:
    events: list[StoreEvent] = []

    def spawn(_descriptor: int) -> object:
        raise FileNotFoundError("no python here")

    client = StoreClient(f"sqlite:///{tmp_path}/x.db", "alpha", CAMPAIGNS, events.append, spawn=spawn)
    client.start()
    with gevent.Timeout(10):
        while not events:
            gevent.sleep(0.01)
    client.submit(ClaimLeads("sales", 5, 60.0))
    with gevent.Timeout(10):
        while len(events) < 2:
            gevent.sleep(0.01)
    assert isinstance(events[0], StoreFailed) and "cannot be started" in events[0].error
    assert events[1] == LeadsClaimed("sales", (), 5)
    assert not client.flush(0.05)
    client.stop(timeout_s=0.1)


def test_a_database_of_a_newer_program_is_refused_for_good(bench: SqlBench) -> None:
    with sqlite3.connect(bench.engine.url.database or "") as connection:
        connection.execute("UPDATE alembic_version SET version_num='9999'")
    daemon = Daemon(bench.url)
    with pytest.raises(StoreError, match="newer"):
        daemon.client.recover(20.0)
    assert len(daemon.wait(StoreFailed)) == 1
    daemon.client.stop()
