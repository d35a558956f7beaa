"""A list that ends before the shift does even at 1:1 is dialed 1:1: when that begins, when it ends, and its words."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from engine_kit import START as ENGINE_START
from engine_kit import Floor, agents, campaign, settings
from pacing_kit import NO_LIMIT, Desk, memory, pacing, rich

from dialer.domain.settings import CampaignSettings, Mode
from dialer.simulate.planner import simulate
from dialer.simulate.scenario_file import load
from pacing.board import Phase
from pacing.sparing import AGAIN_AFTER_S, AGENTS_FADE_S, SURE_AFTER_S, Rest, Sparing

HOUR_S = 3600.0
REST = Rest(dials=400.0, left_s=8 * HOUR_S, agents=1.0, ring_s=20.0, chance=0.3, hold_s=140.0, doubt=0.0)
"""Each call takes 20 + 42 s of an agent's time: 86 % of the shift."""


def looked(*rests: Rest, apart_s: float = 60.0) -> Sparing:
    sparing = Sparing()
    for number, rest in enumerate(rests):
        sparing.look(1000.0 + number * apart_s, rest)
    return sparing


# ---- the question ------------------------------------------------------------------------------------------


def test_the_share_is_what_one_call_after_the_other_takes() -> None:
    assert REST.share(1.0) == pytest.approx(400 * 62 / 28_800)
    assert REST.share(2.0) == pytest.approx(200 * 62 / 28_800)
    assert replace(REST, doubt=0.1).share(1.0, 1.0) == pytest.approx(400 * (62 + 4.2) / 28_800)
    assert REST.share(0.0) == replace(REST, left_s=-5.0).share(1.0) == math.inf


@pytest.mark.parametrize(
    ("more", "on"),
    [
        ({}, True),
        ({"dials": 450.0}, True),  # .969
        ({"dials": 452.0}, False),  # .973
        ({"dials": 0.0}, True),
        ({"dials": math.inf}, False),
        ({"left_s": math.inf}, False),
        ({"left_s": 0.0}, False),
        ({"left_s": -math.inf}, False),
        ({"agents": 0.0}, False),
        ({"doubt": 0.1}, True),  # .92 with one standard error
        ({"doubt": 0.2}, False),  # .98
        ({"dials": 200.0, "doubt": 0.7}, True),
    ],
)
def test_when_it_begins(more: dict[str, float], on: bool) -> None:
    assert looked(replace(REST, **more)).on is on


def test_it_goes_on_until_the_list_takes_more_than_the_shift() -> None:
    assert looked(REST, replace(REST, dials=460.0)).on  # .990: not enough to begin, enough to go on
    assert looked(REST, replace(REST, dials=460.0, doubt=0.9)).on
    long, short = replace(REST, dials=465.0), replace(REST, dials=440.0)  # 1.001, .947
    sparing = looked(REST, *[long] * 5)
    assert sparing.on, "a moment is no change"
    sparing.look(1300.0, short)
    for at in range(1360, 1360 + int(SURE_AFTER_S), 60):
        sparing.look(at, long)
        assert sparing.on
    ended_at = 1360.0 + SURE_AFTER_S
    sparing.look(ended_at, long)
    assert not sparing.on
    sparing.look(ended_at + 60.0, short)
    sparing.look(ended_at + AGAIN_AFTER_S - 1, short)
    assert not sparing.on
    sparing.look(ended_at + AGAIN_AFTER_S, short)
    assert sparing.on
    sparing.look(ended_at + AGAIN_AFTER_S + 1, replace(REST, dials=math.inf))
    assert not sparing.on and sparing.words() == ""


def test_late_in_a_shift_it_ends_sooner_and_with_the_shift_at_once() -> None:
    late = replace(REST, dials=10.0, left_s=720.0)
    more = replace(late, dials=13.0)
    assert looked(late, more, more).on and not looked(late, more, more, more).on  # a tenth of 12 min
    assert not looked(late, replace(late, left_s=0.0)).on
    assert not looked(late, replace(late, left_s=-3.0, dials=0.0)).on


def test_a_break_is_not_taken_for_going_home_and_going_home_is_noticed() -> None:
    some = replace(REST, dials=4000.0, agents=10.0)
    fewer = replace(some, agents=8.0)  # a fifth at lunch: 1.076 of their time
    assert looked(some, *[fewer] * 9).on
    assert not looked(some, *[fewer] * 60).on
    assert not looked(fewer).on


def test_agents_who_come_are_believed_when_they_have_stayed_a_while() -> None:
    few, all_there = replace(REST, dials=4000.0, agents=5.0), replace(REST, dials=4000.0, agents=10.0)
    assert not looked(few, all_there).on
    assert looked(few, *[all_there] * 90).on
    assert looked(few, all_there, apart_s=AGENTS_FADE_S + 1).on  # what was before a gap tells nothing
    assert looked(few, all_there, apart_s=-1.0).on


def test_its_words() -> None:
    assert looked(replace(REST, dials=4000.0, agents=10.0)).words() == (
        "the list of 4000 more calls ends before the shift does at 1:1 (62 s of an agent's time each: 6.9 h of the "
        "8.0 h that are left with 10 agents)"
    )
    assert "13 min of the 100 min that are left with 10 agents" in looked(
        replace(REST, dials=125.0, agents=10.0, left_s=6000.0)
    ).words()


# ---- in the pool -------------------------------------------------------------------------------------------


def overdue_floor(dials: float, left_s: float = 8 * HOUR_S, **more: bool) -> tuple[Desk, list[str]]:
    """Ten agents who talk, and calls that have rung for 20 s: a predictive rule hangs some of them up."""
    d = Desk(pacing(windows=NO_LIMIT, hang_up_share=1.0, hang_up_over=0.01, **more)).agents(10).judge(400)
    for number in range(1, 11):
        d.connect(d.dial(), f"a{number}")
    calls = [d.dial() for _ in range(12)]
    d.pool.closes("c1", d.now + left_s, dials, dials)
    return d.step(20.0), calls


def test_a_list_that_ends_is_dialed_one_to_one_without_hang_ups_and_says_so() -> None:
    d, calls = overdue_floor(100.0)
    made = d.one()
    assert made.lines == 0 and made.hang_up == () and made.picks == ()
    assert made.reason.startswith("start 0: the list of 100 more calls ends before the shift does at 1:1 (")
    assert made.reason.endswith("so one call for each free agent, and no ring is hung up: 0 free, 12 ringing")
    for call in calls:
        d.end(call)
    for number in range(1, 5):
        d.agent(f"a{number}", Phase.IDLE)
    made = d.step(0.1).one()
    assert made.lines == 4 and made.picks == (0, 1, 2, 3)
    assert d.one(room=2).lines == 2 and d.one(leads=3).lines == 3
    d.dial()
    assert d.step(0.1).one().lines == 3
    json.dumps(d.pool.explain("c1", d.now), allow_nan=False)


@pytest.mark.parametrize(
    ("dials", "left_s", "more"),
    [
        (1e9, 8 * HOUR_S, {}),
        (math.inf, 8 * HOUR_S, {}),
        (100.0, math.inf, {}),
        (100.0, 300.0, {}),
        (100.0, -1.0, {}),
        (100.0, 8 * HOUR_S, {"spare_list": False}),
    ],
)
def test_where_the_list_does_not_end_nothing_changes(dials: float, left_s: float, more: dict[str, bool]) -> None:
    d, _ = overdue_floor(dials, left_s, **more)
    unasked, _ = overdue_floor(math.inf, left_s, **more)
    unasked.pool.closes("c1", unasked.now - 20.0 + left_s, dials)
    made = d.one()
    assert made.hang_up and "P(next finds nobody)" in made.reason
    assert made == unasked.one()


def test_theta_learns_nothing_from_one_to_one() -> None:
    """Nobody is abandoned then: believed, it would rise without end and risk too much as soon as sparing ends."""
    d = rich(10)
    d.pool.closes("c1", d.now + 8 * HOUR_S, 100.0, 100.0)
    d.one()
    before = memory(d).threshold.factor
    d.judge(2000)
    assert memory(d).threshold.factor == before
    d.pool.closes("c1", d.now + 8 * HOUR_S, 1e9, 1e9)
    d.step(1.5).one()
    d.step(SURE_AFTER_S).one()
    d.judge(10)
    assert memory(d).threshold.factor > before


def test_agents_who_serve_others_too_have_no_time_to_give_away() -> None:
    d = Desk(pacing("c1", windows=NO_LIMIT), pacing("c2", windows=NO_LIMIT)).agents(10, "c1", "c2")
    d.pool.closes("c1", d.now + 8 * HOUR_S, 100.0, 100.0)
    assert "P(next finds nobody)" in d.one("c1").reason
    d.agents(4, "c1", first=11)
    assert "ends before the shift does at 1:1" in d.step(2.0 * AGENTS_FADE_S).one("c1").reason
    assert "with 4 agents" in d.one("c1").reason
    d.agents(4, "c1", first=11, phase=Phase.LEAVING)
    d.step(2.0 * AGENTS_FADE_S).one("c1")
    assert "P(next finds nobody)" in d.step(SURE_AFTER_S).one("c1").reason


def test_a_small_team_dials_one_to_one_for_its_own_reason() -> None:
    d = rich(2)
    d.pool.closes("c1", d.now + 8 * HOUR_S, 10.0, 10.0)
    assert "fewer than min_agents" in d.one().reason


# ---- what the engine tells ---------------------------------------------------------------------------------


def told_dials(f: Floor) -> float:
    return f.engine._feed.pool._state.memories["c1"].dials_left


def predictive(**more: object) -> CampaignSettings:
    return campaign("c1", Mode.PREDICTIVE, **{"hopper_size": 40, **more})


def floor(ends_in_s: float | None, leads: int = 1000, **more: object) -> Floor:
    config = replace(
        settings(predictive(**more), people=agents(10)),
        ends_at=None if ends_in_s is None else ENGINE_START + ends_in_s,
    )
    f = Floor(config, leads=leads).up()
    for _ in range(25):
        f.step(1)
    return f


def test_the_engine_tells_how_many_calls_the_list_can_take_where_the_shifts_end_is_known() -> None:
    f = floor(None)
    assert told_dials(f) == math.inf
    f = floor(8 * HOUR_S, recycle={})
    hopper = f.live.campaigns["c1"].hopper
    # Every two hours, five times at most: three times more in what is left of eight hours.
    assert told_dials(f) == 4 * hopper.left > 0
    f = floor(8 * HOUR_S, max_attempts=1)
    assert told_dials(f) == f.live.campaigns["c1"].hopper.left


def test_the_shifts_end_of_the_campaign_is_the_plans_end() -> None:
    when = int(ENGINE_START // 60 % 1440)  # the windows' zone is UTC
    f = floor(None, shift_ends=(when + 90) % 1440, max_attempts=1)
    known = f.engine._feed.pool._state.memories["c1"]
    assert known.closing_at == (ENGINE_START // 60 + 90) * 60
    assert known.dials_left < math.inf
    over = floor(None, shift_ends=(when - 5) % 1440, max_attempts=1)
    assert told_dials(over) == math.inf


def test_a_list_that_ends_is_dialed_one_to_one_by_the_engine() -> None:
    f = floor(8 * HOUR_S, leads=150, max_attempts=1)
    assert "ends before the shift does at 1:1" in f.live.campaigns["c1"].decision.reason
    assert len(f.dialed()) == 10
    f = floor(8 * HOUR_S, leads=150, max_attempts=1, recycle={}, pacing=pacing("c1", spare_list=False))
    assert "ends before the shift does" not in f.live.campaigns["c1"].decision.reason


def test_before_the_store_has_told_nobody_knows() -> None:
    config = replace(settings(predictive(), people=agents(10)), ends_at=ENGINE_START + 8 * HOUR_S)
    f = Floor(config)
    f.store = False
    f.up()
    for _ in range(12):
        f.step(1)
    assert told_dials(f) == math.inf


# ---- a shift -----------------------------------------------------------------------------------------------


def shift(folder: Path, text: str) -> dict[str, object]:
    file = folder / "s.yaml"
    file.write_text(text)
    return simulate(load(file), 1).result


def test_a_shift_whose_list_ends_wastes_no_lead(tmp_path: Path) -> None:
    text = "agents: 12\nshift_hours: 2\nleads: 1000\n"
    spared = shift(tmp_path, text)
    fast = shift(tmp_path, text + "policy_options: {spare_list: false}\n")
    single = shift(tmp_path, text + "policy: progressive\n")
    assert spared["dialed"] == fast["dialed"] == single["dialed"] == 1000
    assert spared["abandoned"] == 0 and int(str(fast["abandoned"])) > 0
    assert spared["busy_share"] == pytest.approx(single["busy_share"], abs=0.002)
    assert float(str(spared["busy_share"])) > float(str(fast["busy_share"])) + 0.005


def test_a_list_too_long_for_one_to_one_is_dialed_whole_all_the_same(tmp_path: Path) -> None:
    text = "agents: 12\nshift_hours: 2\nleads: 1500\n"  # 108 % of the shift at 1:1
    spared = shift(tmp_path, text)
    fast = shift(tmp_path, text + "policy_options: {spare_list: false}\n")
    assert fast["dialed"] == 1500 and int(str(spared["dialed"])) >= 1495
    assert float(str(spared["busy_share"])) >= float(str(fast["busy_share"]))


def test_a_shift_whose_list_does_not_end_is_the_same_with_and_without(tmp_path: Path) -> None:
    for leads in ("", "leads: 4000\n"):
        text = f"agents: 12\nshift_hours: 1\n{leads}"
        spared, fast = shift(tmp_path, text), shift(tmp_path, text + "policy_options: {spare_list: false}\n")
        assert {k: v for k, v in spared.items() if k != "wall_s"} == {k: v for k, v in fast.items() if k != "wall_s"}
