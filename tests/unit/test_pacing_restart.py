"""What the pool keeps over a restart, and what it makes of history and of broken states."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import pytest
from pacing_kit import DAY, Desk, desk, pacing, two

from pacing.beliefs import PastCall
from pacing.board import Phase
from pacing.leads import LeadFacts
from pacing.pool import Ending

# ---- memory ------------------------------------------------------------------------------------------------


def worked() -> Desk:
    d = desk(6, windows=(DAY,))
    for number in range(200):
        lead = LeadFacts("l", number % 24, number % 4, "mobile", "busy")
        call = d.dial(lead=lead)
        d.step(8.0 + number % 7)
        if number % 3 == 0:
            d.answer(call)
            d.connect(call, f"a{1 + number % 6}")
            d.step(20.0 + number % 50).agent(f"a{1 + number % 6}", Phase.WRAP)
            d.step(5.0).agent(f"a{1 + number % 6}", Phase.IDLE)
            d.pool.judged("c1", d.now, abandoned=False)
            d.end(call)
        else:
            d.end(call, Ending.CUT if number % 3 == 1 else Ending.NO_ANSWER)
        d.one()
    d.step(300.0).one()
    return d


@functools.cache
def saved() -> str:
    return json.dumps(worked().pool.state("c1"), allow_nan=False)


def test_a_restart_goes_on_with_what_was_learnt() -> None:
    d = worked()
    known = json.loads(saved())
    again = Desk(pacing(windows=(DAY,)), now=d.now).agents(6)
    assert again.pool.restore("c1", known)
    for part in (known, kept := again.pool.state("c1")):
        part["beliefs"]["answer"].pop("level_var")  # less sure: it may have moved since
    assert kept == known
    lead = LeadFacts("l", 3, 1, "mobile", "busy")
    assert again.pool.chance("c1", lead) == pytest.approx(d.pool.chance("c1", lead), abs=0.02)
    told = again.pool.explain("c1", again.now)["learnt"]
    assert "before the restart" in told["origin"]  # type: ignore[index]
    assert again.one().lines >= 6


BAD_STATES: list[Any] = [
    {},
    {"version": 1},
    {"version": 2},
    {"version": 1, "beliefs": {}, "threshold": {}},
    {"version": 1, "beliefs": [], "threshold": None},
    {"beliefs": 1e999},
]


@pytest.mark.parametrize("state", BAD_STATES)
def test_a_state_that_does_not_fit_leaves_it_as_fresh(state: dict[str, Any]) -> None:
    d, fresh = desk(6), desk(6).pool.state("c1")
    assert d.pool.restore("c1", json.loads(saved())) and d.pool.state("c1") != fresh
    assert not d.pool.restore("c1", state)
    assert d.pool.dropped["state"] == 1
    assert d.pool.state("c1") == fresh
    assert d.one().lines >= 0


@pytest.mark.parametrize("path", ["beliefs", "beliefs.ring", "beliefs.hold", "beliefs.answer", "threshold"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 7, math.nan, [[1]], {"talk": {}, "wrap": {}, "agents": {}}])
def test_any_part_may_be_broken(path: str, value: Any) -> None:
    d, state = desk(6), json.loads(saved())
    *way, last = path.split(".")
    inner = state
    for step in way:
        inner = inner[step]
    inner[last] = value
    assert not d.pool.restore("c1", state)
    assert d.one().lines >= 0


@pytest.mark.parametrize("value", [1e308, -1e308, -1.0])
@pytest.mark.parametrize(
    "path",
    [
        "beliefs.ring.exposure.7",
        "beliefs.ring.answers.7",
        "beliefs.ring.ends.7",
        "beliefs.ring.calls.0",
        "beliefs.hold.talk.exposure.7",
        "beliefs.hold.wrap.ends.7",
        "beliefs.hold.talk.phases.0",
        "beliefs.hold.wrap.phases.1",
        "beliefs.hold.agents.a1.0",
        "beliefs.hold.agents.a1.1",
        "beliefs.answer.level_var",
    ],
)
def test_a_number_that_is_finite_but_absurd_is_not_believed(path: str, value: float) -> None:
    d, fresh = desk(6), desk(6).pool.state("c1")
    state = inner = json.loads(saved())
    *way, last = path.split(".")
    for step in way:
        inner = inner[step]
    inner[int(last) if isinstance(inner, list) else last] = value
    assert not d.pool.restore("c1", state)
    assert d.pool.state("c1") == fresh and d.pool.dropped["state"] == 1


def test_calls_in_flight_survive_a_state_that_does_not_fit() -> None:
    d = desk(3)
    call = d.dial()
    d.pool.restore("c1", {})
    d.step(9.0).answer(call)
    d.end(call)
    assert d.pool.calls == frozenset() and d.one().lines >= 0


ANSWERED = PastCall(LeadFacts("l"), 9.0, True, False, 60.0, 10.0)
MISSED = PastCall(LeadFacts("l"), 27.0, False, False)


@pytest.mark.parametrize(
    ("past", "origin", "dropped"),
    [
        ([], "cold: priors only", 0),
        ([MISSED], "warm: the last 1 calls of its history", 0),
        ([ANSWERED, MISSED] * 50, "warm: the last 100 calls of its history", 0),
        ([PastCall(LeadFacts(), None, True, False)], "cold: priors only, 1 rows of its history were impossible", 1),
        ([PastCall(LeadFacts(), -1.0, True, False)] * 2, "cold: priors only, 2 rows of its history were impossible", 2),
        ([PastCall(LeadFacts(), math.nan, True, False)], "cold: priors only, 1 rows", 1),
        ([PastCall(LeadFacts(), math.inf, False, True)], "cold: priors only, 1 rows", 1),
        ([PastCall(LeadFacts(), 5.0, True, False, -60.0, math.nan)], "warm: the last 1 calls", 2),
        ([ANSWERED, PastCall(LeadFacts(), 1e9, True, False)], "warm: the last 1 calls", 1),
    ],
)
def test_a_start_from_history(past: list[PastCall], origin: str, dropped: int) -> None:
    d = desk(5)
    assert d.pool.warm("c1", past).startswith(origin)
    assert d.pool.dropped["history"] == dropped
    d.one()
    json.dumps(d.pool.state("c1"), allow_nan=False)


def test_history_says_how_many_answer_how_soon_and_how_long_they_talk() -> None:
    d = desk(5)
    d.pool.warm("c1", [ANSWERED, MISSED, MISSED, MISSED] * 200)
    learnt: Any = d.pool.explain("c1", d.now)["learnt"]
    assert learnt["answer_probability"] == pytest.approx(0.25, abs=0.05)
    assert learnt["time_to_answer_s"] == pytest.approx(9.3, abs=0.8)
    assert learnt["talk_s"] == pytest.approx(62.0, abs=6.0) and learnt["wrap_s"] == pytest.approx(10.5, abs=2.0)


def test_what_is_known_of_one_campaign_says_nothing_of_another() -> None:
    d = two().agents(4, "c1", "c2")
    d.pool.warm("c1", [ANSWERED] * 300)
    assert d.pool.chance("c1", LeadFacts("l")) > 0.7
    assert d.pool.chance("c2", LeadFacts("l")) == pytest.approx(0.25)
