"""What the pool decides for one campaign, with the reason: calls to start, one to one, rings to hang up."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pacing_kit import DAY, DAY_S, NO_LIMIT, START, Desk, desk, memory, pacing, rich, two

from pacing.beliefs import PastCall
from pacing.board import Phase
from pacing.leads import LeadFacts
from pacing.pool import Ending
from pacing.snapshot import Ask
from pacing.windows import AbandonWindow

# ---- decisions ---------------------------------------------------------------------------------------------


def test_nobody_logged_in() -> None:
    d = Desk()
    assert d.one().lines == 0 and "no agent has logged in" in d.one().reason
    d.agents(3, phase=Phase.AWAY)
    assert d.one().lines == 0


def test_a_campaign_that_pacing_does_not_know() -> None:
    d = desk()
    out = d.decide(Ask("nope", 5, ()), d.ask())
    assert out["nope"].lines == 0 and "does not know" in out["nope"].reason
    assert set(out) == {"nope", "c1"}


NUMBERS = re.compile(
    r"^start (\d+): (\d+) ready and ([\d.]+) freeing within (\d+) s, (\d+) waiting, (\d+) ringing expected to give "
    r"([\d.]+) answers, P\(next finds nobody\) ([\d.]+) (≤|>) θ ([\d.]+)(.*)$"
)


def test_the_reason_has_its_numbers() -> None:
    d = rich(10)
    for number in range(1, 4):
        d.connect(d.dial(), f"a{number}")
    d.step(60.0).answer(d.dial())
    for _ in range(5):
        d.dial()
    made = d.step(12.0).one()
    found = NUMBERS.match(made.reason)
    assert found is not None, made.reason
    lines, ready, freeing, within, waiting, ringing, answers, p_next, sign, theta, rest = found.groups()
    assert (int(lines), int(ready), int(waiting), int(ringing)) == (made.lines, 7, 1, 5)
    assert 0.0 < float(freeing) < 3.0 and 15 <= int(within) <= 30
    assert 0.0 < float(answers) <= 5.0
    assert (float(p_next) <= float(theta)) is (sign == "≤")
    assert ", 24h trailing budget 200.0 of 200.0 left" in rest
    told: Any = d.pool.explain("c1", d.now)["decision"]
    assert told["reason"] == made.reason and told["lines"] == made.lines
    assert (told["idle"], told["waiting"], told["ringing"], told["busy"]) == (7, 1, 5, 3)
    assert told["p_next"] == pytest.approx(float(p_next), abs=6e-4)
    json.dumps(d.pool.explain("c1", d.now), allow_nan=False)


@pytest.mark.parametrize(("room", "leads", "word"), [(2, 24, "no room for more"), (50, 2, "the hopper gives no more")])
def test_the_reason_names_what_stopped_it(room: int, leads: int, word: str) -> None:
    made = rich(10).one(room=room, leads=leads)
    assert made.lines == 2 and made.reason.endswith(word)


def test_the_budget_at_the_tightest_window_is_named() -> None:
    loose, tight = AbandonWindow(0.5, "trailing", DAY_S), AbandonWindow(0.03, "shift", starts_at=START - DAY_S)
    d = desk(10, windows=(loose, tight)).judge(1000, 20)
    assert "shift budget 10.0 of 30.0 left" in d.one().reason
    while memory(d).ease == 1.0:
        d.judge(1, 1).one()
    assert 0.0 < memory(d).ease < 1.0
    eased = re.search(r"shift budget (-?[\d.]+) of ([\d.]+) left, risks eased to (\d+)%", d.one().reason)
    assert eased is not None and float(eased[3]) / 100 == pytest.approx(memory(d).ease, abs=0.006)


# ---- one to one --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agents", "ringing", "waiting", "room", "leads", "lines"),
    [
        (2, 0, 0, 9, 9, 2),
        (2, 1, 0, 9, 9, 1),
        (2, 2, 0, 9, 9, 0),
        (2, 0, 1, 9, 9, 1),
        (2, 5, 5, 9, 9, 0),
        (2, 0, 0, 1, 9, 1),
        (2, 0, 0, 0, 9, 0),
        (2, 0, 0, -3, 9, 0),
        (2, 0, 0, 9, 1, 1),
        (2, 0, 0, 9, 0, 0),
    ],
)
def test_below_min_agents_it_dials_one_to_one_and_says_so(
    agents: int, ringing: int, waiting: int, room: int, leads: int, lines: int
) -> None:
    d = rich(agents)
    for number in range(ringing + waiting):
        call = d.dial()
        if number < waiting:
            d.answer(call)
    made = d.one(room=room, leads=leads)
    assert made.lines == lines and made.picks == tuple(range(lines))
    assert f"{agents} agents are fewer than min_agents 3" in made.reason
    assert not made.hang_up


def test_agents_who_leave_or_are_busy_count_for_min_agents_and_those_away_do_not() -> None:
    d = rich(1)
    d.agent("a2", Phase.LEAVING)
    d.agent("a3", Phase.AWAY)
    assert "2 agents are fewer than min_agents 3" in d.one().reason
    d.agent("a3", Phase.TALKING)
    assert "fewer than" not in d.one().reason


@pytest.mark.parametrize("agents", [3, 8, 30, 120])
@pytest.mark.parametrize("answered", [0, 20, 32])
def test_without_a_budget_it_dials_about_one_to_one(agents: int, answered: int) -> None:
    d = desk(agents, windows=(DAY,)).judge(answered)
    total = 0
    for _ in range(40):
        made = d.one(room=200)
        assert made.lines == len(made.picks)
        total += made.lines
        for _ in range(made.lines):
            d.dial()
        d.step(0.1)
    assert agents <= total <= (agents if agents <= 8 else 1.5 * agents)
    made = d.one()
    assert f" (at most 0.001, or one call for each free agent: day window bears no risk with 0.0 of {answered} " in (
        made.reason
    )
    assert memory(d).last["p_next"] > 0.001 or made.lines


def test_with_the_budget_used_up_it_dials_one_to_one_and_what_is_safe() -> None:
    d = desk(20, windows=(AbandonWindow(0.03, "shift", starts_at=START - DAY_S),)).judge(1000, 34)
    d.pool.closes("c1", d.now + 60)
    likely = Ask("c1", 200, (LeadFacts(given=0.9),) * 64)
    assert d.decide(likely)["c1"].lines == 20
    made = d.one(room=200, leads=64)
    assert 20 <= made.lines <= 30
    assert "shift window bears no risk with 34.0 of 1000 answers abandoned)" in made.reason
    for _ in range(made.lines):
        d.dial()
    assert d.step(0.1).one(room=200).lines == 0


def test_sure_calls_are_started_although_theta_forbids_risks() -> None:
    d = desk(12, windows=(DAY,)).judge(32)
    likely = LeadFacts(given=0.95)
    ask = Ask("c1", 50, (likely,) * 24)
    for _ in range(7):
        d.dial(lead=likely)
    assert d.decide(ask)["c1"].lines == 5
    d.answer(d.dial(lead=likely))
    assert d.step(0.2).decide(ask)["c1"].lines == 4


@pytest.mark.parametrize("agents", [5, 15, 40, 100])
def test_with_a_budget_it_dials_more_than_it_has_agents(agents: int) -> None:
    d, total = rich(agents), 0
    for _ in range(30):
        made = d.one(room=500)
        total += made.lines
        for _ in range(made.lines):
            d.dial()
        d.step(0.1)
    assert agents < total < 8 * agents


def test_the_likeliest_leads_are_picked_first_and_equal_ones_in_hopper_order() -> None:
    d = rich(4)
    leads = tuple(LeadFacts(given=p) for p in (0.2, 0.6, 0.2, 0.6, 0.9, 0.2))
    made = d.decide(Ask("c1", 4, leads))["c1"]
    assert made.picks == (4, 1, 3, 0)[: len(made.picks)] and len(made.picks) >= 3


def test_leads_likelier_to_answer_need_fewer_calls() -> None:
    lines = []
    for p in (0.1, 0.5):
        leads = tuple(LeadFacts(given=p) for _ in range(64))
        lines.append(rich(10).decide(Ask("c1", 64, leads))["c1"].lines)
    assert lines[0] > 1.5 * lines[1]


def test_waiting_customers_take_the_agents_first() -> None:
    d = rich(10)
    before = d.one().lines
    for _ in range(6):
        d.answer(d.dial())
    assert d.step(0.1).one().lines < before
    for _ in range(6):
        d.answer(d.dial())
    assert d.step(0.1).one().lines == 0


def test_agents_about_to_be_free_are_counted_on() -> None:
    steady = [PastCall(LeadFacts(), 10.0, True, False, 60.0, 5.0)] * 300 + [
        PastCall(LeadFacts(), 28.0, False, False)
    ] * 300
    lines = []
    for age in (1.0, 62.0):
        d = rich(20)
        d.pool.warm("c1", steady)
        for number in range(1, 21):
            d.connect(d.dial(), f"a{number}")
        lines.append(d.step(age).one().lines)
    assert lines[0] == 0 and lines[1] > 5


def test_it_decides_for_agents_whose_customers_it_does_not_know_too() -> None:
    """One of twenty talks to somebody whom the pool was never told of (a call taken over, a preview)."""
    d = rich(20)
    d.agent("a1", Phase.TALKING)
    for number in range(2, 21):
        d.connect(d.dial(), f"a{number}")
    d.step(120.0).one()
    known = memory(d).last["to_free"]
    assert known > 0.5


def test_a_thousand_agents() -> None:
    d = rich(1000)
    for number in range(1, 801):
        d.connect(d.dial(), f"a{number}")
    for _ in range(300):
        d.dial()
    made = d.step(30.0).one(room=64, leads=64)
    assert made.lines <= 64 and "200 ready" in made.reason


# ---- hanging up --------------------------------------------------------------------------------------------


def overdue(rang_for: float = 20.0, **more: Any) -> Desk:
    """Nobody is free and forty calls ring: the next answers find nobody."""
    d = Desk(pacing(**({"windows": NO_LIMIT, "hang_up_share": 0.25} | more))).agents(4, phase=Phase.TALKING)
    for _ in range(40):
        d.dial()
    return d.step(rang_for)


def test_overdue_rings_are_hung_up_oldest_first_a_few_at_a_time() -> None:
    d = overdue()
    d.step(-3.0)
    late = [d.dial() for _ in range(3)]
    made = d.step(3.0).one()
    assert made.hang_up and len(made.hang_up) <= 3
    assert not set(made.hang_up) & set(late)
    assert f"hang up {len(made.hang_up)} overdue: P(the next answers find nobody)" in made.reason
    assert made.lines == 0


def test_the_minimum_ring_counts_from_the_first_sign_of_ringing() -> None:
    d = Desk(pacing(windows=NO_LIMIT, hang_up_share=1.0, ring_timeout_s=60.0)).agents(4, phase=Phase.TALKING)
    calls = [d.dial(rang=False) for _ in range(30)]
    assert not d.step(25.0).one().hang_up  # no sign at all
    for call in calls[:20]:
        d.pool.rang(call, d.now)
    for call in calls[:10]:
        d.pool.rang(call, d.now + 5.0)  # a second sign changes nothing
    assert not d.step(14.999).one().hang_up
    assert set(d.step(0.001).one().hang_up) <= set(calls[:20])
    assert d.one().hang_up


@pytest.mark.parametrize("minimum", [6.0, 15.0, 24.0])
def test_the_campaigns_own_minimum_is_kept(minimum: float) -> None:
    for rang_for, any_hung_up in ((minimum - 0.01, False), (minimum, True)):
        assert bool(overdue(rang_for, min_ring_s=minimum).one().hang_up) is any_hung_up


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25])
def test_never_more_than_the_share_of_dials(share: float) -> None:
    d = overdue(hang_up_share=share)
    gone = 0
    for _ in range(400):
        made = d.step(0.1).one()
        for call in made.hang_up:
            d.end(call, Ending.CUT)
            gone += 1
        if d.calls()[0] < 40:
            d.dial()
    dials = memory(d).dialed
    assert share * 40 - 1 <= gone <= share * dials + 1e-9
    assert memory(d).cut_share <= share + 1e-9


def test_nothing_is_hung_up_while_the_next_answers_find_somebody() -> None:
    d = Desk(pacing(windows=NO_LIMIT)).agents(60)
    for _ in range(40):
        d.dial()
    assert not d.step(20.0).one().hang_up


def test_nothing_is_hung_up_below_min_agents() -> None:
    d = Desk(pacing(windows=NO_LIMIT)).agents(2, phase=Phase.TALKING)
    for _ in range(40):
        d.dial()
    assert not d.step(20.0).one().hang_up


@pytest.mark.parametrize(("free", "ringing", "may_go"), [(1, 1, 0), (3, 3, 0), (3, 4, 1), (2, 12, 3), (0, 3, 2)])
def test_one_to_one_no_ring_is_hung_up_that_has_its_free_agent(free: int, ringing: int, may_go: int) -> None:
    d = desk(10, windows=(DAY,), hang_up_share=1.0, hang_up_over=0.01, prior_answer=0.9, ring_timeout_s=60.0)
    for number in range(free + 1, 11):
        d.agent(f"a{number}", Phase.TALKING)
    for _ in range(ringing):
        d.dial()
    made = d.step(20.0).one(room=0)
    assert memory(d).ease == 0.0
    assert len(made.hang_up) == may_go


def test_a_free_agent_whom_another_campaigns_ring_needs_keeps_no_ring_alive() -> None:
    d = two(windows=(DAY,), hang_up_share=1.0, hang_up_over=0.01, prior_answer=0.9, ring_timeout_s=60.0)
    d.agents(2, "c1", "c2").agents(3, "c1", "c2", first=3, phase=Phase.TALKING)
    calls = [d.dial("c1"), d.dial("c1")]
    assert not d.step(20.0).decide(d.ask("c1", room=0))["c1"].hang_up
    d.dial("c2")
    made = d.decide(d.ask("c1", room=0))["c1"].hang_up
    assert len(made) == 1 and set(made) <= set(calls)


def test_a_threshold_of_one_hangs_up_nothing() -> None:
    assert not overdue(hang_up_over=1.0).one().hang_up


@pytest.mark.parametrize("age", [32.0, 40.0, 60.0])
def test_a_call_that_rings_longer_than_any_is_not_taken_for_a_sure_answer(age: float) -> None:
    d = rich(10)
    for _ in range(5):
        d.dial()
    d.step(age).one()
    assert memory(d).last["to_answer"] < 2.5


def test_what_is_hung_up_rings_here() -> None:
    d = overdue()
    answered = sorted(d.pool.calls)[:10]
    for call in answered:
        d.answer(call)
    for _ in range(10):
        made = d.step(0.2).one()
        assert set(made.hang_up) <= d.pool.calls - set(answered)
        for call in made.hang_up:
            d.end(call, Ending.CUT)


# ---- judging -----------------------------------------------------------------------------------------------


def test_judged_calls_count_at_once_and_machines_are_taken_out() -> None:
    d = desk(5, windows=(DAY,)).judge(50, 2)
    counts = d.pool.counts("c1", d.now)
    assert (counts.answered_today, counts.abandoned_today) == (50, 2)
    d.pool.unjudged("c1", d.now - 1.0, abandoned=True)
    told = d.pool.explain("c1", d.now)
    assert told["windows"][0]["answered"] == 49 and told["windows"][0]["abandoned"] == 1  # type: ignore[index]
    assert told["machines_taken_out"] == 1


def test_abandoned_calls_lower_theta_and_the_next_decision_knows() -> None:
    d = rich(30, windows=(AbandonWindow(0.03, "trailing", DAY_S),)).judge(600)
    before = d.one()
    d.judge(20, 20)
    after = d.one()
    theta = [float(NUMBERS.match(made.reason).group(10)) for made in (before, after)]  # type: ignore[union-attr]
    assert theta[1] < theta[0]


def test_the_strictest_of_several_windows_rules() -> None:
    loose = rich(10, windows=(AbandonWindow(0.2, "trailing", DAY_S),)).judge(600)
    both = rich(10, windows=(AbandonWindow(0.2, "trailing", DAY_S), DAY)).judge(600)
    for d in (loose, both):
        d.judge(40, 40)
        d.one()
    assert memory(both).target < memory(loose).target
    assert memory(both).ease <= memory(loose).ease


def test_calls_of_which_nobody_knows_are_reckoned_with_the_answer_rate() -> None:
    d = desk(5)
    d.pool.ledger("c1", [(d.now - 5, False)] * 100, unseen=[d.now - 5 - n for n in range(8)])
    assert d.pool.explain("c1", d.now)["unknown"] == pytest.approx(8.0 * 0.25)
