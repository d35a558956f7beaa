"""A campaign's own past, as a scenario is built from it: what is counted, what is left out, and nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pg import require_server
from sqlalchemy import text
from stores import NOW, SqlBench, attempt, campaign, closing

from dialer.domain.commands import LogAgentState, OpenAttempt, SaveDisposition
from dialer.domain.outcomes import Outcome
from dialer.store import history
from dialer.store.errors import StoreUnavailable
from dialer.store.history import CampaignHistory, ListHour, answer_probability, campaign_history

RULES = {
    "sales": campaign(lists=("main", "second"), max_attempts=1000),
    "office": campaign("office", max_attempts=1000),
}
CUT, OTHER, PERSON = 0, 1, 2


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url, campaigns=RULES)


def call(
    bench: SqlBench, outcome: Outcome, *, at: float = NOW, ended: float = 30.0, name: str = "sales", **times: Any
) -> OpenAttempt:
    """An attempt whose ``times`` are seconds after its start."""
    (lead,) = bench.claim(1, name, now=at).leads
    opened = attempt(lead, at=at)
    agent = {"agent": times.pop("agent")} if "agent" in times else {}
    ends = closing(
        opened, outcome, at=at + ended, recycle_after_s=-1e6, **agent, **{k: at + v for k, v in times.items()}
    )
    bench.execute([opened, ends], at)
    return opened


def test_an_empty_history_is_empty(bench: SqlBench) -> None:
    assert campaign_history(bench.url, "sales", 0.0) == CampaignHistory("sales", 0.0)
    assert campaign_history(bench.url, "sales", 0.0, lists=("main",)).lists == ("main",)


def test_calls_become_counts_and_samples(bench: SqlBench) -> None:
    bench.add_lead(["+12125550001"])
    call(bench, Outcome.CONNECTED, rang_at=2.0, answered_at=12.0, bridged_at=13.0, ended=73.0)
    call(bench, Outcome.ABANDONED, answered_at=8.0, ended=15.0)
    call(bench, Outcome.HUNG_UP_EARLY, at=NOW + 3600, rang_at=1.0, answered_at=5.0)
    call(bench, Outcome.NO_ANSWER, rang_at=3.0)
    call(bench, Outcome.NO_ANSWER, ended=31.0)
    call(bench, Outcome.BUSY, ended=2.0)
    call(bench, Outcome.CARRIER_FAILURE, ended=1.0)
    call(bench, Outcome.MACHINE, answered_at=9.0)
    said = call(bench, Outcome.CONNECTED, rang_at=1.0, answered_at=9.0, bridged_at=10.0)
    bench.execute([SaveDisposition(said.attempt_id, "anna", "machine", "", NOW + 40)])
    call(bench, Outcome.CONNECTED, name="office", answered_at=9.0)  # another campaign's
    call(bench, Outcome.CONNECTED, at=NOW - 1, answered_at=9.0)  # too old
    bench.add_lead(["+12125550002"])
    found = campaign_history(bench.url, "sales", NOW)
    assert (found.dials, found.answered, found.cut_short, found.dropped) == (9, 3, 0, 0)
    assert found.answer_probability == pytest.approx(3 / 9)
    assert found.by_list_hour == (ListHour("main", 14, 8, 2), ListHour("main", 15, 1, 1))
    assert sorted(found.time_to_answer_s) == [4.0, 8.0, 10.0]
    assert sorted(found.no_answer_ring_s) == [27.0, 31.0]
    assert (found.fast_failures, sorted(found.fast_failure_s)) == (2, [1.0, 2.0])
    assert found.fast_failure_share == pytest.approx(2 / 9)
    assert sorted(found.talk_s) == [20.0, 60.0]
    assert (found.lists, found.leads_left) == (("main",), 2)
    assert campaign_history(bench.url, "sales", NOW, machine_dispositions=()).answered == 4


def test_leads_are_counted_in_the_campaigns_own_lists(bench: SqlBench) -> None:
    for n, name in enumerate(["main", "second", "second", "third"]):
        bench.add_lead([f"+1212555000{n}"], list_name=name)
    assert campaign_history(bench.url, "sales", 0.0).leads_left == 0  # nothing was dialed: no list is known
    assert campaign_history(bench.url, "sales", 0.0, lists=("main", "second", "none")).leads_left == 3


def test_rows_of_a_broken_clock_are_left_out_and_counted(bench: SqlBench) -> None:
    bench.add_lead(["+12125550001"])
    call(bench, Outcome.NO_ANSWER)
    call(bench, Outcome.NO_ANSWER, ended=-1.0)
    call(bench, Outcome.CONNECTED, answered_at=9.0, bridged_at=8.0)
    call(bench, Outcome.CONNECTED, rang_at=10.0, answered_at=9.0, bridged_at=11.0)
    call(bench, Outcome.CONNECTED, answered_at=9.0, bridged_at=10.0, ended=90_000.0)
    infinite = call(bench, Outcome.CONNECTED, answered_at=9.0, bridged_at=10.0)
    with bench.engine.begin() as conn:
        conn.execute(
            text("UPDATE attempts SET ended_at = :at WHERE id = :id"), {"at": float("inf"), "id": infinite.attempt_id}
        )
    found = campaign_history(bench.url, "sales", 0.0)
    assert (found.dials, found.answered, found.dropped) == (1, 0, 5)
    assert (found.talk_s, found.no_answer_ring_s) == ((), (30.0,))


def test_only_the_latest_samples_are_kept(bench: SqlBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SAMPLES_KEPT", 2)
    bench.add_lead(["+12125550001"])
    for n in range(3):
        call(bench, Outcome.BUSY, at=NOW + n, ended=1.0 + n)
    found = campaign_history(bench.url, "sales", 0.0)
    assert (found.fast_failures, found.fast_failure_s) == (3, (2.0, 3.0))


def test_agents_and_their_wrap_up(bench: SqlBench) -> None:
    bench.add_lead(["+12125550001"])
    mine = [
        call(bench, Outcome.CONNECTED, answered_at=1.0, bridged_at=2.0, agent=name).attempt_id
        for name in ("anna", "ben", "cleo")
    ]
    other = call(bench, Outcome.CONNECTED, name="office", answered_at=1.0, bridged_at=2.0, agent="anna").attempt_id
    call(bench, Outcome.CONNECTED, name="office", answered_at=1.0, bridged_at=2.0, agent="dora")

    def day(agent: str, *lines: tuple[str, float, str | None]) -> list[LogAgentState]:
        return [LogAgentState(agent, "s", state, "", NOW + at, attempt) for state, at, attempt in lines]

    bench.execute(
        [
            *day(
                "anna",
                ("ready", 0, None), ("talking", 100, mine[0]), ("wrap_up", 200, mine[0]), ("ready", 215, None),
                ("talking", 300, other), ("wrap_up", 400, other), ("ready", 500, None),  # for another campaign
                ("wrap_up", 600, None), ("paused", 607, None), ("paused", 610, None), ("logged_out", 1000, None),
            ),
            *day("ben", ("ready", 100, None), ("wrap_up", 300, mine[1]), ("unavailable", 310, None),
                 ("ready", 320, None), ("logged_out", 900, None)),
            *day("cleo", ("ready", 0, None), ("wrap_up", 50, mine[2]), ("ready", 20, None),  # the clock stepped back
                 ("logged_out", 10_000, None), ("ready", 20_000, None), ("connecting", 90_000, None)),  # was killed
            *day("dora", ("wrap_up", 0, None), ("ready", 99, None)),  # never took one of our calls
        ]
    )  # fmt: skip
    found = campaign_history(bench.url, "sales", 0.0)
    assert sorted(found.wrap_s) == [7.0, 15.0]
    assert found.dropped == 2
    assert found.agents == 1  # cleo alone for most of the time
    with bench.engine.begin() as conn:
        conn.execute(text("DELETE FROM agent_state_log WHERE agent = 'cleo'"))
    assert campaign_history(bench.url, "sales", 0.0).agents == 2


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        campaign_history(f"sqlite:///{tmp_path}/no/store.db", "sales", 0.0)


def test_a_dial_that_we_cut_short_says_nothing_of_what_came_after() -> None:
    assert answer_probability([]) is None
    ends = [(10.0, PERSON)] * 3 + [(30.0, OTHER)] * 7
    assert answer_probability(ends) == pytest.approx(0.3)
    # Half of those that still ring at 20 s are hung up: as many answers come from the others at 25 s.
    late = [(10.0, PERSON)] * 20 + [(25.0, PERSON)] * 10 + [(30.0, OTHER)] * 70
    cut = [(10.0, PERSON)] * 20 + [(20.0, CUT)] * 40 + [(25.0, PERSON)] * 5 + [(30.0, OTHER)] * 35
    assert answer_probability(late) == pytest.approx(0.3)
    assert answer_probability(cut) == pytest.approx(0.3)
    assert answer_probability([(5.0, CUT)] * 4) == 0.0
