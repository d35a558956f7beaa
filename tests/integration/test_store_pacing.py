"""What pacing finds at a start: its own words, the abandon ledger to the call, and the last attempts; in all stores."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pg import require_server
from sqlalchemy import event
from stores import NOW, Bench, MemoryBench, SqlBench, attempt, campaign, closing

from dialer.domain.commands import NoteAnswer, NoteBridge, OpenAttempt, SaveDisposition, SavePacing
from dialer.domain.events import HistoryRow, PacingFact
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import Mode
from dialer.store import ledger, queries
from dialer.store.database import make_engine
from dialer.store.migrations import config, upgrade
from dialer.store.service import StoreService

HOUR, DAY = 3600.0, 86_400.0
RULES = {
    "sales": campaign(max_attempts=1000),
    "shown": campaign("shown", mode=Mode.PREVIEW),
    "office": campaign("office", lists=("main", "second"), max_attempts=1000, ledger_days=3.0),
}


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "memory":
        return MemoryBench(RULES)
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url, campaigns=RULES)


def call(
    bench: Bench, outcome: Outcome, at: float, *, name: str = "sales", answered: float | None = None, **more: Any
) -> OpenAttempt:
    """One attempt from ``at`` on, ended after 30 s; ``answered`` seconds after its start. Its lead is due again."""
    (lead,) = bench.claim(1, name, now=at).leads
    opened = attempt(lead, at=at)
    times = {} if answered is None else {"answered_at": at + answered}
    ends = closing(opened, outcome, at=at + 30.0, **{"recycle_after_s": -DAY, **times, **more})
    bench.execute([opened, ends], at)
    return opened


def fact(bench: Bench, name: str = "sales", now: float = NOW) -> PacingFact:
    return next(found for found in bench.restart(now).pacing if found.campaign == name)


def test_there_is_a_fact_for_each_campaign_that_calls_by_itself(bench: Bench) -> None:
    assert bench.restart().pacing == (PacingFact("office"), PacingFact("sales"))


def test_what_was_learned_is_told_and_the_newest_wins(bench: Bench) -> None:
    bench.execute([SavePacing("sales", '{"p": 0.3}', NOW), SavePacing("office", "{}", NOW)])
    bench.execute([SavePacing("sales", '{"p": 0.4}', NOW + 60), SavePacing("sales", '{"p": 0.3}', NOW)])
    found = fact(bench)
    assert (found.state, found.state_at) == ('{"p": 0.4}', NOW + 60)


def test_each_answer_is_told_once_young_ones_to_the_call_and_old_ones_by_the_hour(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    cut = ledger.exact_from(NOW)
    assert cut % HOUR == 0 and 25 * HOUR <= NOW - cut < 26 * HOUR
    first = ledger.counted_from(NOW, 31.0)
    for answered_at, outcome in [
        (first - 1, Outcome.ABANDONED),  # forgotten
        (first, Outcome.ABANDONED),
        (cut - 7200, Outcome.CONNECTED),
        (cut - 3601, Outcome.HUNG_UP_EARLY),
        (cut - 1, Outcome.CONNECTED),
        (cut - 0.5, Outcome.ABANDONED),
        (cut, Outcome.ABANDONED),
        (NOW - 60, Outcome.HUNG_UP_EARLY),
        (NOW - 29, Outcome.CONNECTED),
    ]:
        bridge = {"bridged_at": answered_at} if outcome is Outcome.CONNECTED else {}
        call(bench, outcome, answered_at - 10.0, answered=10.0, **bridge)
    call(bench, Outcome.NO_ANSWER, NOW - 5)
    call(bench, Outcome.CONNECTED, NOW - 5, answered=5.0, name="office")
    found = fact(bench)
    assert found.answers_hourly == ((first, 1, 1), (cut - 7200, 2, 0), (cut - 3600, 2, 1))
    assert found.answers_recent == ((cut, "abandoned"), (NOW - 60, "hung_up_early"), (NOW - 29, "connected"))
    assert fact(bench, "office").answers_recent == ((NOW, "connected"),)


def test_a_short_ledger_still_tells_a_day_and_an_hour(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    assert ledger.counted_from(NOW, 0.5) == ledger.exact_from(NOW)
    for days in (4, 2, 1):
        call(bench, Outcome.ABANDONED, NOW - days * DAY, answered=0.0, name="office")
    found = fact(bench, "office")
    assert found.answers_recent == ((NOW - DAY, "abandoned"),)
    assert found.answers_hourly == ((ledger.hour_of(NOW - 2 * DAY), 1, 1),)


def test_machines_are_no_people_whoever_says_so(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    old = NOW - 3 * DAY
    for at in (old, NOW - 600):
        call(bench, Outcome.MACHINE, at, answered=1.0)
        call(bench, Outcome.MESSAGE_PLAYED, at, answered=1.0)
        said = call(bench, Outcome.CONNECTED, at, answered=1.0, bridged_at=at + 2)
        taken_back = call(bench, Outcome.CONNECTED, at, answered=2.0, bridged_at=at + 3)
        came_late = call(bench, Outcome.ABANDONED, at, answered=3.0, bridged_at=at + 9)
        bench.execute(
            [
                SaveDisposition(said.attempt_id, "anna", "sale", "", at + 40),
                SaveDisposition(said.attempt_id, "anna", "machine", "", at + 50),
                SaveDisposition(taken_back.attempt_id, "anna", "answering_machine", "", at + 40),
                SaveDisposition(taken_back.attempt_id, "anna", "sale", "", at + 50),
                SaveDisposition(came_late.attempt_id, "ben", "machine", "", at + 40),
            ]
        )
    found = fact(bench)
    assert found.answers_recent == ((NOW - 598, "connected"),)
    assert found.answers_hourly == ((ledger.hour_of(old), 1, 0),)


def test_calls_that_ended_with_the_dialer_count_against_it_unless_an_agent_was_there_in_time(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    call(bench, Outcome.SHUTDOWN, NOW - 500, answered=1.0)
    call(bench, Outcome.INTERRUPTED, NOW - 400, answered=1.0, bridged_at=NOW - 398)
    call(bench, Outcome.INTERRUPTED, NOW - 300, answered=1.0, bridged_at=NOW - 296)
    (lead,) = bench.claim(1, now=NOW - 200).leads
    opened = attempt(lead, at=NOW - 200)
    bench.execute([opened, NoteAnswer(opened.attempt_id, None, NOW - 190)], NOW - 200)
    bench.execute([closing(opened, Outcome.INTERRUPTED, at=NOW - 100)], NOW - 100)
    assert fact(bench).answers_recent == (
        (NOW - 499, "abandoned"),
        (NOW - 399, "connected"),
        (NOW - 299, "abandoned"),
        (NOW - 190, "abandoned"),
    )
    assert fact(bench).unknown == ()


def test_when_calls_ended_of_which_nobody_knows_whether_they_were_answered_is_told(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    call(bench, Outcome.INTERRUPTED, NOW - 40 * DAY)  # long ago
    call(bench, Outcome.INTERRUPTED, NOW - 2 * DAY)
    call(bench, Outcome.INTERRUPTED, NOW - 60)
    call(bench, Outcome.SHUTDOWN, NOW - 50)  # we hung up ourselves, and know
    call(bench, Outcome.INTERRUPTED, NOW - 40, name="office")
    assert fact(bench).unknown == (NOW - 2 * DAY + 30, NOW - 30) and fact(bench).answers_recent == ()
    assert fact(bench, "office").unknown == (NOW - 10,)


def test_of_very_many_calls_of_which_nobody_knows_the_newest_are_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "UNKNOWN_ROWS", 2)
    bench.add_lead(["+12125550001"])
    for n in (1, 0, 3, 2):
        call(bench, Outcome.INTERRUPTED, NOW - 400 + 50 * n)
    assert fact(bench).unknown == (NOW - 270, NOW - 220)


def test_an_attempt_that_is_open_is_in_the_attempts_and_not_in_the_ledger(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    bench.execute([opened, NoteAnswer(opened.attempt_id, NOW, NOW + 1), NoteBridge(opened.attempt_id, NOW + 2, "a")])
    recovered = bench.restart()
    assert [found.answered_at for found in recovered.attempts] == [NOW + 1]
    assert all(found.answers_recent == found.history == () for found in recovered.pacing)


def test_history_tells_what_was_known_before_each_attempt(bench: Bench) -> None:
    bench.add_lead(["+12125550001"], list_name="second", line_type="fixed")
    call(bench, Outcome.BUSY, NOW - 300, name="office")
    call(bench, Outcome.CONNECTED, NOW - 200, name="office", answered=5.0, rang_at=NOW - 198, bridged_at=NOW - 194)
    call(bench, Outcome.NO_ANSWER, NOW - 100, name="office")
    start = {"list_name": "second", "line_type": "fixed"}
    assert fact(bench, "office").history == (
        HistoryRow(NOW - 300, None, None, None, NOW - 270, "busy", attempt_no=0, prior_outcome="", **start),
        HistoryRow(
            NOW - 200, NOW - 198, NOW - 195, NOW - 194, NOW - 170, "connected",
            attempt_no=1, prior_outcome="busy", **start,
        ),
        HistoryRow(
            NOW - 100, None, None, None, NOW - 70, "no_answer", attempt_no=2, prior_outcome="connected", **start
        ),
    )  # fmt: skip


def test_history_counts_the_leads_attempts_of_other_campaigns(bench: Bench) -> None:
    bench.add_lead(["+12125550001"])
    call(bench, Outcome.REJECTED, NOW - 300, name="office")
    call(bench, Outcome.NO_ANSWER, NOW - 200)
    (row,) = fact(bench).history
    assert (row.attempt_no, row.prior_outcome, row.outcome) == (1, "rejected", "no_answer")


def test_only_the_last_attempts_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "HISTORY_ROWS", 2)
    bench.add_lead(["+12125550001"])
    for n in range(4):
        call(bench, Outcome.NO_ANSWER, NOW - 400 + 50 * n)
    assert [row.opened_at for row in fact(bench).history] == [NOW - 300, NOW - 250]


# ---- SQL only ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url, campaigns=RULES)


def test_two_dialers_learn_apart_and_answer_for_each_other(sql: SqlBench) -> None:
    sql.add_lead(["+12125550001"])
    call(sql, Outcome.ABANDONED, NOW - 60, answered=5.0)
    sql.execute([SavePacing("sales", "alpha's", NOW)])
    beta = sql.open("beta")
    beta.execute([SavePacing("sales", "beta's", NOW + 1)], NOW)
    found = {one.campaign: one for one in beta.recover(NOW).pacing}["sales"]
    assert (found.state, found.answers_recent) == ("beta's", ((NOW - 55, "abandoned"),))
    assert fact(sql).state == "alpha's"
    beta.close()


def test_a_fresh_start_forgets_what_was_learned(sql: SqlBench) -> None:
    sql.execute([SavePacing("sales", "{}", NOW)])
    queries.wipe(sql.url)
    assert fact(sql) == PacingFact("sales")


def test_an_older_database_knows_the_last_outcome_of_its_leads(sql: SqlBench) -> None:
    from alembic import command

    for n in range(3):
        sql.add_lead([f"+1212555000{n}"], priority=9 - n)
    call(sql, Outcome.BUSY, NOW - 90, recycle_after_s=1.0)
    call(sql, Outcome.REJECTED, NOW - 50, recycle_after_s=1.0)
    (lead,) = sql.claim(1, lease_s=1.0, now=NOW - 10).leads
    sql.execute([attempt(lead, at=NOW - 10)], NOW - 10)
    sql.service.close()
    with sql.engine.begin() as conn:
        command.downgrade(config(conn), "0001")
    upgrade(sql.url)
    (fact_of_open,) = sql.restart().attempts
    assert fact_of_open.lead_id == lead.lead_id
    assert [found.last_outcome for found in sql.claim(5).leads] == ["", ""]
    sql.execute([closing(attempt(lead, fact_of_open.attempt_id), Outcome.BUSY)])
    assert sorted(found.last_outcome for found in sql.claim(5).leads) == ["busy"]


def test_a_months_answers_are_read_from_their_indexes_and_without_the_write_lock(tmp_path: Path) -> None:
    bench = SqlBench(f"sqlite:///{tmp_path}/store.db", campaigns=RULES)
    bench.add_lead(["+12125550001"])
    call(bench, Outcome.CONNECTED, NOW - 60, answered=5.0)
    seen: list[tuple[str, Any]] = []
    begun: list[int] = []
    engine = make_engine(bench.url)
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append((a[2], a[3])))
    service = StoreService(engine, owner="a", epoch="e", campaigns={"sales": RULES["sales"]})
    service.probe(NOW)
    seen.clear()
    service.recover(NOW)
    service.close()
    begun = [n for n, (query, _) in enumerate(seen) if query.startswith("BEGIN")]
    assert [seen[n][0] for n in begun] == ["BEGIN IMMEDIATE", "BEGIN", "BEGIN"], "the last for numbers that were shown"
    questions = [entry for entry in seen[begun[1] + 1 : begun[2]] if "FROM attempts" in entry[0]]
    assert len(questions) == 4
    with sqlite3.connect(bench.engine.url.database or "") as connection:
        plans = [
            " | ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + query, values))
            for query, values in questions
        ]
    for index, plan in zip(["answered", "answered", "unknown", "campaign_opened_at"], plans, strict=True):
        assert f"ix_attempts_{index} (campaign=?" in plan, plan
        assert "SCAN attempts" not in plan and "SCAN d" not in plan, plan
    assert all("LIST SUBQUERY" in plan and "ix_dispositions_code (code=? AND at>?)" in plan for plan in plans[:2])
