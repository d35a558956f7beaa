"""Agents' own calls in the store: may a number be called, and the record; on all stores alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from pg import require_server
from sqlalchemy import select
from stores import NOW, Bench, MemoryBench, SqlBench

from dialer.domain.desk_records import SaveOwnCall
from dialer.domain.phones import CheckNumber, NumberChecked
from dialer.store.answers import failed_answer
from dialer.store.own_calls import OWN_CALLS

HOUR = 3600.0
NEW_YORK = "+12125550101"
ANGELES = "+12135550101"
CALL = SaveOwnCall("own-1", "anna", "s1", "an outside number", NEW_YORK, "t1", NOW, None, NOW + 20, "NO_ANSWER")


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "memory":
        return MemoryBench()
    return SqlBench(f"sqlite:///{tmp_path}/s.db" if request.param == "sqlite" else require_server().new_database())


def asked(bench: Bench, number: str, campaign: str = "sales", now: float = NOW) -> NumberChecked:
    (answer,) = bench.execute([CheckNumber("s", campaign, number, now)], now)
    assert isinstance(answer, NumberChecked) and answer.session == "s"
    return answer


def test_a_number_may_be_called(bench: Bench) -> None:
    assert asked(bench, NEW_YORK).ok


def test_do_not_call_lists_hold_for_agents_too(bench: Bench) -> None:
    bench.block(NEW_YORK, campaign="office")
    assert asked(bench, NEW_YORK).ok, "another campaign's list"
    bench.block(NEW_YORK, expires_at=NOW + HOUR)
    refused = asked(bench, NEW_YORK)
    assert (refused.ok, refused.rule) == (False, "dnc") and NEW_YORK not in refused.reason
    assert asked(bench, NEW_YORK, now=NOW + 2 * HOUR).ok
    bench.block("+1213", by_prefix=True)
    assert asked(bench, ANGELES).rule == "dnc"


def test_calling_hours_hold_where_the_number_is(bench: Bench) -> None:
    assert asked(bench, NEW_YORK, "office").ok
    closed = asked(bench, ANGELES, "office")  # 7 in the morning there
    assert (closed.ok, closed.rule) == (False, "window") and "Los_Angeles" in closed.reason
    assert asked(bench, NEW_YORK, "gone").rule == "campaign"


def test_a_store_that_cannot_look_says_no() -> None:
    answer = failed_answer(CheckNumber("s", "sales", NEW_YORK, NOW), "disk full", keep=True)
    assert answer == NumberChecked("s", False, "store", "disk full")


def test_a_call_is_kept_once(bench: Bench) -> None:
    bench.execute([CALL, CALL])
    if isinstance(bench, MemoryBench):
        assert bench.store.desk.own_calls == {"own-1": CALL}
    elif isinstance(bench, SqlBench):
        with bench.engine.connect() as conn:
            (row,) = conn.execute(select(OWN_CALLS))
        assert (row.id, row.agent, row.number, row.answered_at, row.reason) == (
            "own-1", "anna", NEW_YORK, None, "NO_ANSWER",
        )  # fmt: skip
