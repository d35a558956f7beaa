"""Campaigns that share agents, switches that do not, and inbound customers who come first."""

from __future__ import annotations

import numpy as np
import pytest
from pacing_kit import DAY, DAY_S, desk, memory, rich, two

from pacing.beliefs import PastCall
from pacing.board import Phase
from pacing.callers import Callers
from pacing.leads import LeadFacts
from pacing.pool import Ending
from pacing.windows import AbandonWindow

# ---- campaigns that share agents ---------------------------------------------------------------------------


@pytest.mark.parametrize("min_agents", [1, 99])
def test_two_campaigns_do_not_count_the_same_free_agent_twice(min_agents: int) -> None:
    d = two(min_agents=min_agents).agents(8, "c1", "c2")
    started = 0
    for _ in range(6):
        made = d.decide()
        for name, decision in made.items():
            started += decision.lines
            for _ in range(decision.lines):
                d.dial(name)
        d.step(0.1)
    assert started == 8


def test_with_a_budget_two_campaigns_start_about_as_many_as_one_would() -> None:
    alone = rich(12)
    both = two(windows=(AbandonWindow(0.5, "trailing", DAY_S),)).agents(12, "c1", "c2")
    for name in ("c1", "c2"):
        both.judge(400, campaign=name)
    counts = []
    for d in (alone, both):
        total = 0
        for _ in range(20):
            for name, decision in d.decide().items():
                total += decision.lines
                for _ in range(decision.lines):
                    d.dial(name)
            d.step(0.1)
        counts.append(total)
    assert counts[1] == pytest.approx(counts[0], rel=0.15)


@pytest.mark.parametrize(("both_serve", "most"), [(0, 12), (3, 9), (6, 6)])
def test_agents_who_are_shared_in_part(both_serve: int, most: int) -> None:
    """Six agents for each campaign, some of them the same."""
    d = two(min_agents=1)
    for number in range(6 - both_serve):
        d.agent(f"x{number}", Phase.IDLE, "c1")
        d.agent(f"y{number}", Phase.IDLE, "c2")
    for number in range(both_serve):
        d.agent(f"z{number}", Phase.IDLE, "c1", "c2")
    started = dict.fromkeys(d.settings, 0)
    for _ in range(8):
        for name, decision in d.decide().items():
            started[name] += decision.lines
            for _ in range(decision.lines):
                d.dial(name)
        d.step(0.1)
    assert max(started.values()) <= 6
    assert most - 1 <= sum(started.values()) <= most + (both_serve and 1)


def test_a_waiting_customer_of_one_campaign_takes_an_agent_of_the_other() -> None:
    d = two(min_agents=1).agents(4, "c1", "c2")
    d.answer(d.dial("c2"))
    assert d.one("c1").lines == 3


def test_a_campaign_without_shared_agents_is_not_concerned() -> None:
    d = two(min_agents=1).agents(4, "c1")
    d.agents(4, "c2", first=11)
    for _ in range(9):
        d.dial("c2")
    assert d.one("c1").lines == 4


@pytest.mark.parametrize("cautious", [False, True])
def test_a_ring_is_as_near_its_answer_to_every_campaign_that_may_lose_an_agent_to_it(cautious: bool) -> None:
    """What c1 sees of its own calls and what c2 sees of them is the same; c2's horizons change with what it learns."""
    d = two(windows=(DAY,) if cautious else (AbandonWindow(0.9, "day"),)).agents(6, "c1", "c2")
    for name in ("c1", "c2"):
        d.judge(40 * (not cautious), campaign=name)
    for _ in range(9):
        d.dial("c1")
        d.step(3.3)
    for learnt in (0, 200):
        d.pool.warm("c2", [PastCall(LeadFacts(), 4.0, True, False)] * learnt)
        for name in ("c1", "c2"):
            d.one(name, room=0)
        decider, first, second = d.pool._decider, memory(d, "c1"), memory(d, "c2")
        board, ring = d.pool._state.agents["n1"], first.beliefs.ring
        _, (count, rows), _ = decider._others(d.now, "n1", board, second, board.of("c2"), {})
        horizons = second.beliefs.ring.horizons
        rings = d.pool._state.ringing("n1", "c1")
        p = first.beliefs.answer.chances(rings.score, first.beliefs.answer.feared if cautious else 0.0)
        bins = ((d.now - rings.launched) / 0.5).astype(np.int64)
        middle = bins * 0.5 + 0.25
        later = np.interp(middle[:, None] + horizons, ring.edges, ring.answered_by)
        now = np.interp(middle, ring.edges, ring.answered_by)[:, None]
        assert count == 9
        assert rows == pytest.approx(ring.posterior(bins, p)[:, None] * (later - now) / (1.0 - now), abs=1e-6)


@pytest.mark.parametrize(("weights", "share"), [((1.0, 1.0), 0.5), ((3.0, 1.0), 0.75), ((1.0, 4.0), 0.2)])
def test_free_agents_go_to_the_campaigns_by_their_weight(weights: tuple[float, float], share: float) -> None:
    d = two(weights, min_agents=99).agents(1, "c1", "c2")
    dials = {"c1": 0, "c2": 0}
    for _ in range(120):
        for name, decision in d.decide().items():
            for _ in range(decision.lines):
                call = d.dial(name)
                dials[name] += 1
        d.step(3.0).end(call, Ending.FAILED)
    assert sum(dials.values()) == 120
    assert dials["c1"] / 120 == pytest.approx(share, abs=0.02)


def test_a_campaign_that_begins_later_does_not_take_all_agents_for_an_hour() -> None:
    d = two(min_agents=99).agents(1, "c1", "c2")
    dials = {"c1": 0, "c2": 0}
    for turn in range(700):
        for name, decision in d.decide(*(d.ask(name) for name in ("c1", "c2")[: 1 + (turn >= 600)])).items():
            for _ in range(decision.lines):
                call = d.dial(name)
                dials[name] += turn >= 600
        d.step(3.0).end(call, Ending.FAILED)
    assert sum(dials.values()) == 100
    assert 30 <= dials["c2"] <= 70


def test_agents_busy_with_the_other_campaigns_customers_come_free_by_its_talk_times() -> None:
    lines = []
    for talk in (20.0, 900.0):
        d = two(windows=(AbandonWindow(0.5, "trailing", DAY_S),)).agents(20, "c1", "c2")
        d.judge(400, campaign="c1")
        d.pool.warm("c2", [PastCall(LeadFacts(), 10.0, True, False, talk + n % 10, 2.0) for n in range(300)])
        for number in range(1, 21):
            d.connect(d.dial("c2"), f"a{number}", "c1", "c2")
        d.step(15.0).one("c1")
        lines.append(memory(d).last["to_free"])
    assert lines[0] > 15.0 and lines[1] < 1.0


def test_two_switches_have_their_own_agents_and_calls_and_one_budget() -> None:
    d = desk(5, windows=(DAY,))
    d.agents(7, first=11, node="n2")
    assert d.one(node="n1").lines == 5
    for _ in range(5):
        d.dial(node="n1")
    assert d.one(node="n1").lines == 0
    assert d.one(node="n2").lines == 7
    assert d.pool.counts("c1", d.now).ready == 12 and d.calls() == (5, 0)


def test_callers_who_wait_and_who_are_on_the_line_are_left_an_agent_each() -> None:
    """c2 is the queue: one of its callers waits, one hears the greeting, and both are gone in the end."""
    d = two(min_agents=99).agents(5, "c1", "c2")
    d.pool.called("in1", "c2", "n1", d.now)
    d.pool.asked("in1", d.now)
    assert d.one("c1").lines == 4
    d.pool.called("in2", "c2", "n1", d.now)
    assert d.one("c1").lines == 3
    d.pool.asked("in2", d.now)
    d.pool.asked("in2", d.now)
    assert d.one("c1").lines == 3
    d.pool.limit_passed("in2", d.now)  # sent into a menu
    assert d.one("c1").lines == 4
    d.pool.asked("in2", d.now)  # and back
    assert d.one("c1").lines == 3
    for call in ("in1", "in2"):
        d.pool.ended(call, d.now, Ending.OVER)
    assert d.one("c1").lines == 5 and not d.pool.dropped


def test_callers_who_are_still_to_come_are_foreseen() -> None:
    """One every ten seconds, who takes an agent at once: fewer calls start than with nobody to come."""
    lines = []
    for callers in (0, 30):
        d = two(windows=(AbandonWindow(0.5, "trailing", DAY_S),)).agents(4, "c1", "c2")
        d.judge(400, campaign="c1")
        for number in range(callers):
            d.pool.called(f"in{number}", "c2", "n1", d.now)
            d.pool.asked(f"in{number}", d.now)
            d.pool.ended(f"in{number}", d.now, Ending.OVER)
            d.step(10.0)
        made = d.one("c1")
        lines.append(made.lines)
        assert ("callers to come" in made.reason) is bool(callers), made.reason
    assert 2 <= lines[0] - lines[1] <= 12


def test_how_many_callers_are_still_to_come() -> None:
    stream = Callers()
    within = np.array([5.0, 10.0, 25.0])
    assert stream.expected(0.0, within).shape == (0, 3) and stream.per_s(0.0) == 0.0
    for number in range(200):
        stream.asked(10.0 * number, 5.0)
    coins = stream.expected(1990.0, within)
    assert stream.per_s(1990.0) == pytest.approx(0.1, rel=0.05) and stream.lead_s == pytest.approx(5.0)
    assert coins.sum(axis=0) == pytest.approx([0.0, 0.5, 2.0], rel=0.05) and coins.max() <= 0.3
    assert stream.per_s(1990.0 + 3000.0) < 1e-4
    assert stream.per_s(0.0) >= 0.0  # a clock that went back


def test_a_campaign_that_other_rules_dial_for_is_learnt_all_the_same() -> None:
    """Progressive campaigns are fed and never asked: they neither learn nor forget their dials."""
    d = two(min_agents=1).agents(4, "c1", "c2")
    for _ in range(600):
        call = d.dial("c2")
        d.step(3.0).answer(call)
        d.step(1.0).end(call)
        d.one("c1")
    d.step(300.0).one("c1")
    assert d.pool.chance("c2", LeadFacts()) > 0.6
    assert len(memory(d, "c2").beliefs.answer._unripe) < 200
