"""PostgreSQL going away and coming back under a working daemon, and two daemons in each other's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from pg import Server, require_server
from stores import NOW, SqlBench, attempt, closing
from test_store_client import Daemon, fill, now_attempt

from dialer.domain.commands import SaveCampaignState
from dialer.domain.events import AttemptOpened, AttemptRefused, StoreFailed, StoreRecovered
from dialer.domain.outcomes import Outcome
from dialer.store import queries

pytestmark = pytest.mark.postgres


@pytest.fixture
def server() -> Server:
    return require_server()


@pytest.fixture
def bench(server: Server) -> Iterator[SqlBench]:
    made = SqlBench(server.new_database(), owner="fill")
    made.service.close()
    yield made
    made.service.close()


def test_a_server_that_restarts_loses_nothing(server: Server, bench: SqlBench) -> None:
    fill(bench, 3)
    daemon = Daemon(bench.url)
    daemon.client.recover(20.0)
    leads = daemon.claim(3)
    first = now_attempt(leads[0])
    daemon.client.submit(first)
    daemon.wait(AttemptOpened)
    server.stop()
    try:
        daemon.client.submit(closing(first, Outcome.BUSY, at=time.time(), recycle_after_s=60.0))
        daemon.client.submit(now_attempt(leads[1]))
        (failed,) = daemon.wait(StoreFailed)
        assert isinstance(failed, StoreFailed) and failed.error
        (refused,) = daemon.wait(AttemptRefused)
        assert isinstance(refused, AttemptRefused) and refused.keep
        daemon.client.submit(SaveCampaignState("sales", "paused", time.time()))
        assert not daemon.client.flush(0.1)
    finally:
        server.start()
    daemon.wait(StoreRecovered)
    assert daemon.client.flush(20.0)
    daemon.client.submit(now_attempt(leads[2]))
    daemon.wait(AttemptOpened, 2)
    daemon.client.stop()
    outcomes = [row["outcome"] for row in queries.attempts(bench.url)]
    assert outcomes == ["busy", None]


def test_a_connection_that_is_cut_is_opened_again(bench: SqlBench) -> None:
    fill(bench, 2)
    daemon = Daemon(bench.url)
    daemon.client.recover(20.0)
    one, two = daemon.claim(2)
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dialer'")
    daemon.client.submit(now_attempt(one))
    daemon.wait(StoreFailed)
    daemon.wait(AttemptRefused)
    daemon.wait(StoreRecovered)
    daemon.client.submit(now_attempt(two))
    daemon.wait(AttemptOpened)
    daemon.client.stop()


def test_a_server_that_is_not_there_at_the_start_is_waited_for(server: Server, bench: SqlBench) -> None:
    bench.engine.dispose()
    server.stop()
    try:
        daemon = Daemon(bench.url)
        daemon.wait(StoreFailed)
    finally:
        server.start()
    assert daemon.client.recover(20.0).attempts == ()
    assert [type(event) for event in daemon.events] == [StoreFailed, StoreRecovered]
    daemon.client.stop()


def test_two_dialers_with_the_same_persons_in_opposite_order(bench: SqlBench) -> None:
    """Each batch locks two persons; crossing orders deadlock, and the loser tries again by itself."""
    rounds = 4
    for n in range(rounds):
        for person in ("a", "b"):
            for copy in range(2):
                number = f"+1212555{n:02d}{'ab'.index(person)}{copy}"
                bench.add_lead([number], person=f"{person}{n}", priority=rounds - n)
    alpha, beta = bench.open("alpha", 20.0), bench.open("beta", 20.0)
    failures: list[BaseException] = []
    meet = threading.Barrier(2)
    opened: list[str] = []

    def dial(service, mine, order):  # type: ignore[no-untyped-def]
        try:
            for n in range(rounds):
                asked = [attempt(mine[n, person]) for person in order]
                meet.wait(20)
                for command, answer in zip(asked, service.execute(asked, NOW), strict=True):
                    if isinstance(answer, AttemptOpened):
                        opened.append(command.person)
                    else:
                        assert answer.rule == "person_busy"
        except BaseException as error:
            failures.append(error)
            meet.abort()

    def claim(service):  # type: ignore[no-untyped-def]
        from dialer.domain.commands import ClaimLeads

        (event,) = service.execute([ClaimLeads("sales", 4 * rounds, 3000.0)], NOW)
        return {lead.number: lead for lead in event.leads}

    everything = claim(alpha)
    assert len(everything) == 4 * rounds
    # Half of the claims change hands: one lead of each person for each dialer.
    half = {number: lead for number, lead in everything.items() if number.endswith("1")}
    with bench.engine.begin() as conn:
        conn.exec_driver_sql(
            "UPDATE leads SET claimed_by = 'beta' WHERE id = ANY(%s)", ([lead.lead_id for lead in half.values()],)
        )
    sides = [
        {(int(lead.person[1:]), lead.person[0]): lead for number, lead in everything.items() if number.endswith(end)}
        for end in "01"
    ]
    threads = [
        threading.Thread(target=dial, args=(alpha, sides[0], "ab")),
        threading.Thread(target=dial, args=(beta, sides[1], "ba")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert sorted(opened) == sorted(f"{person}{n}" for person in "ab" for n in range(rounds))
    alpha.close()
    beta.close()
