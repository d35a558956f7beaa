"""The published rules that the benchmark compares with, number by number as worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pacing.mean_matching import LongRun, MeanMatching
from pacing.snapshot import Counts
from pacing.vicidial import Vicidial

MORNING = 1_800_000_000.0  # 08:00 UTC
HOUR = 3600.0


def counts(at: float = 0.0, **more: Any) -> Counts:
    """Nothing going on at ``at`` seconds past eight, but for what is said."""
    usual: dict[str, Any] = dict.fromkeys(
        "ready talking wrap reserved away waiting ringing in_existence dialed answered_today abandoned_today".split(), 0
    )
    usual |= {"campaign": "c", "answer_probability": 0.3, "ring_mean_s": 20.0, "hold_mean_s": 140.0}
    return Counts(at=MORNING + at, **(usual | more))


def passing(rule: Vicidial, seconds: float, begin: float = 0.0, **more: Any) -> list[int]:
    """Ask once a second, ``seconds`` long, both ends included; what was started each time."""
    return [rule.decide(counts(begin + i, **more)).lines for i in range(int(seconds) + 1)]


# ---- VICIdial: placing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "floor", "lines"),
    [
        # level 1: one call for each of the 4 ready and 5 busy agents, 7 there already
        ({}, {"ready": 4, "talking": 4, "reserved": 1, "in_existence": 7}, 2),
        # wrap-up is no part of the base: 4 + 4 - 7
        ({}, {"ready": 4, "talking": 4, "wrap": 2, "in_existence": 7}, 1),
        # who is away is not there at all
        ({}, {"ready": 4, "away": 9, "in_existence": 1}, 3),
        # never less than nothing
        ({}, {"ready": 1, "talking": 2, "in_existence": 9}, 0),
        # ready ones only, while conversations count among the calls: 4 - 7
        ({"available_only": True}, {"ready": 4, "talking": 4, "ringing": 3, "in_existence": 7}, 0),
        # and where they do not: 4 - (2 ringing + 1 waiting)
        (
            {"available_only": True, "conversations": False},
            {"ready": 4, "talking": 4, "ringing": 2, "waiting": 1, "in_existence": 7},
            1,
        ),
    ],
)
def test_vicidial_places_level_times_base_less_what_is_there(
    options: dict[str, Any], floor: dict[str, Any], lines: int
) -> None:
    assert Vicidial(**options).decide(counts(**floor)).lines == lines


def test_vicidial_places_every_two_and_a_half_seconds_however_often_it_is_asked() -> None:
    rule = Vicidial()
    placed = [i / 10 for i in range(101) if rule.decide(counts(i / 10, ready=3)).lines]
    assert placed == [0.0, 2.5, 5.0, 7.5, 10.0]


def test_vicidial_asked_once_a_second_places_at_the_next_chance() -> None:
    rule = Vicidial()
    placed = [i for i in range(11) if rule.decide(counts(i, ready=3)).lines]
    assert placed == [0, 3, 5, 8, 10]


# ---- VICIdial: the level ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "floor", "level"),
    [
        # 4 ready of 10: 1 × (1 + 4/10)
        ({}, {"ready": 4, "talking": 6}, 1.4),
        # 1 waiting: (4 - 1) / 10
        ({}, {"ready": 4, "talking": 6, "waiting": 1}, 1.3),
        # those in wrap-up are logged in: 4 / 12, rounded to three places
        ({}, {"ready": 4, "talking": 6, "wrap": 2}, 1.333),
        # one agent is to stay ready: (4 - 1) / 10
        ({"target": -1}, {"ready": 4, "talking": 6}, 1.3),
        # one caller is to wait: (4 + 1) / 10
        ({"target": 1}, {"ready": 4, "talking": 6}, 1.5),
        # the cap
        ({"max": 1.2}, {"ready": 4, "talking": 6}, 1.2),
        # nobody ready, three wait: 1 - 3/10 is below one
        ({}, {"talking": 10, "waiting": 3}, 1.0),
        # nobody there
        ({}, {}, 1.0),
    ],
)  # fmt: skip
def test_vicidial_level_after_fifteen_seconds(options: dict[str, Any], floor: dict[str, Any], level: float) -> None:
    rule = Vicidial(**options)
    passing(rule, 14, **floor)
    assert rule.level == 1.0
    rule.decide(counts(15, **floor))
    assert rule.level == pytest.approx(level, abs=1e-9)


def test_vicidial_level_is_multiplied_every_fifteen_seconds_up_to_its_default_cap() -> None:
    rule = Vicidial()
    levels = []
    for i in range(76):
        rule.decide(counts(i, ready=5, talking=5))
        levels.append(rule.level)
    # × 1.5 each time: 1.5, 2.25, 3.375 → 3, 3 × 1.5 → 3
    assert [levels[i] for i in (14, 15, 29, 30, 45, 60, 75)] == [1.0, 1.5, 1.5, 2.25, 3.0, 3.0, 3.0]


def test_vicidial_takes_the_mean_of_the_last_fifteen_samples() -> None:
    rule = Vicidial()
    passing(rule, 5, ready=9, talking=1)  # seconds 0 to 5; second 0 has dropped out at second 15
    passing(rule, 9, 6, ready=3, talking=7)  # seconds 6 to 15
    # (5 × 9 + 10 × 3) / 15 = 5 ready of 10
    assert rule.level == 1.5


def test_vicidial_samples_once_a_second_also_when_asked_ten_times() -> None:
    rule = Vicidial()
    for i in range(151):
        at = i / 10
        # ready only in the first half of each second, which is when it looks
        rule.decide(counts(at, ready=5 if at % 1 < 0.05 else 0, talking=5))
    assert rule.level == pytest.approx(1.5)


# ---- VICIdial: drops -------------------------------------------------------------------------------------------

GROWN = {"ready": 10, "talking": 0}  # doubles the level each time


def _adapted(options: dict[str, Any], answered: int, dropped: int, hour: float = 0.0, closing: float = 8.0) -> float:
    """The level after two adaptations from 1 with everybody ready: 2, then 4 less what the drops take."""
    rule = Vicidial(**({"max": 10.0} | options))
    at = hour * HOUR
    more: dict[str, Any] = dict(GROWN, closing_at=MORNING + closing * HOUR)
    passing(rule, 29, at, answered_today=0, abandoned_today=0, **more)
    assert rule.level == 2.0
    # All of the day's calls an hour ago, as far as the last minute is concerned.
    rule._minute.clear()
    rule._minute.append((MORNING + at, answered, dropped))
    rule.decide(counts(at + 30, answered_today=answered, abandoned_today=dropped, **more))
    return rule.level


@pytest.mark.parametrize(
    ("options", "answered", "dropped", "level"),
    [
        ({}, 51, 1, 4.0),  # 1.96 %
        ({}, 50, 50, 4.0),  # not more than 50 calls yet
        ({}, 100, 3, 4.0),  # at the limit is not above it
        ({}, 100, 4, 1.0),  # HARD_LIMIT
        ({"limit": 0.05}, 100, 4, 4.0),
        ({"limit": 0.05}, 100, 6, 1.0),
        ({"adapt": "AVERAGE"}, 100, 4, 2.0),
        ({"adapt": "TAPERED"}, 100, 4, 3.2),  # 1600 - 0800 = 800 thousandths of 4
    ],
)
def test_vicidial_lowers_its_level_when_too_many_were_dropped_today(
    options: dict[str, Any], answered: int, dropped: int, level: float
) -> None:
    assert _adapted(options, answered, dropped) == pytest.approx(level)


@pytest.mark.parametrize(
    ("hour", "closing", "level"),
    [
        (0.0, 8.0, 3.2),  # 1600 - 0800 = 800
        (0.0, 12.0, 4.0),  # 2000 - 0800 = 1200: no more than the whole level
        (0.5, 8.0, 3.08),  # 1600 - 0830 = 770, not seven and a half hours
        (4.0, 8.0, 1.6),  # 1600 - 1200 = 400
        (7.5, 8.0, 1.0),  # 1600 - 1530 = 70: 0.28 is raised to 1
        (9.0, 8.0, 1.0),  # an hour past closing
        (15.0, 20.0, 2.0),  # 23:00, closing at 04:00: 0400 + 2400 - 2300 = 500
    ],
)
def test_vicidial_tapers_with_hours_and_minutes_written_as_one_number(
    hour: float, closing: float, level: float
) -> None:
    assert _adapted({"adapt": "TAPERED"}, 100, 4, hour, closing) == pytest.approx(level)


@pytest.mark.parametrize(
    ("calls", "drops", "level"),
    [
        (30, 16, 2.0),  # 4, halved
        (30, 15, 4.0),  # half is not above half
        (20, 20, 4.0),  # not more than 20 calls
        (21, 11, 2.0),
    ],
)
def test_vicidial_halves_its_level_after_a_minute_of_drops(calls: int, drops: int, level: float) -> None:
    rule = Vicidial(max=10.0, limit=0.9)
    # 1000 calls of this morning, 100 dropped: within 90 %. They are older than the minute.
    passing(rule, 29, 0, answered_today=1000, abandoned_today=100, **GROWN)
    rule.decide(counts(30, answered_today=1000 + calls, abandoned_today=100 + drops, **GROWN))
    assert rule.level == level


def test_vicidial_forgets_drops_that_are_more_than_a_minute_old() -> None:
    rule = Vicidial(max=1000.0, limit=0.9)
    levels = []
    for i in range(121):
        # 30 calls, all dropped, at second 20
        past = i >= 20
        rule.decide(counts(i, answered_today=1000 + 30 * past, abandoned_today=30 * past, **GROWN))
        levels.append(rule.level)
    # 2; at 30, 45, 60 and 75 (the minute from 15) doubled and halved; then free again
    assert [levels[i] for i in (15, 30, 45, 60, 75, 90, 105)] == [2.0, 2.0, 2.0, 2.0, 2.0, 4.0, 8.0]


def test_vicidial_starts_the_day_anew_at_midnight() -> None:
    rule = Vicidial(max=10.0)
    midnight = 16 * HOUR  # 24:00
    passing(rule, 29, midnight - 29.5, answered_today=1000, abandoned_today=500, **GROWN)
    assert rule.level == 1.0
    passing(rule, 1, midnight + 0.5, answered_today=3, abandoned_today=0, **GROWN)
    assert rule.level == 2.0


def test_vicidial_says_why() -> None:
    rule = Vicidial()
    passing(rule, 15, ready=4, talking=6)
    said = rule.decide(counts(18, ready=4, talking=6, in_existence=6)).reason
    assert said == (
        "start 8: 10 ready or talking agents = 14 calls wanted, 6 there; "
        "level 1.400 (4.0 ready - 0.0 waiting of 10.0)"
    )  # fmt: skip


# ---- mean matching ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "floor", "lines"),
    [
        # The first minute: p ½, rings live 20 s, so a call gives ½ × 12/20 = 0.3 answers within 12 s; of the busy
        # ones 12/150 = 0.08 are free by then.
        (1.0, {"ready": 3}, 10),  # 3 / 0.3
        (1.0, {"ready": 3, "ringing": 4}, 6),  # (3 - 1.2) / 0.3
        (1.0, {"ready": 3, "ringing": 4, "waiting": 1}, 2),  # (3 - 1.2 - 1) / 0.3 = 2.67
        (1.0, {"talking": 20, "wrap": 4, "reserved": 1}, 6),  # 25 × 0.08 = 2, / 0.3 = 6.67
        (0.5, {"ready": 3}, 5),
        (0.5, {"ready": 3, "ringing": 5}, 0),  # 1.5 - 1.5
        (1.0, {"ringing": 9}, 0),
        (1.0, {}, 0),
        (1.0, {"away": 9}, 0),
    ],
)
def test_mean_matching_balances_answers_and_agents(factor: float, floor: dict[str, Any], lines: int) -> None:
    assert MeanMatching(factor=factor).decide(counts(**floor)).lines == lines


def test_mean_matching_learns_its_rates_by_littles_law_once_a_minute() -> None:
    rates = LongRun()
    # For 60 s: 10 ring, 20 are busy.
    for i in range(60):
        rates.see(counts(i, ringing=10, talking=20))
    assert (rates.p, rates.ring_s, rates.hold_s) == (0.5, 20.0, 150.0)
    rates.see(counts(60, ringing=10, talking=20, dialed=90, answered_today=46, abandoned_today=1))
    # 80 of 90 dials are over, and the guess counts as 20: (½ × 20 + 46) / 100
    assert rates.p == pytest.approx(0.56)
    # (20 × 20 + 60 × 10) / 100
    assert rates.ring_s == pytest.approx(10.0)
    # (150 × 5 + 60 × 20) / (5 + 46 - 1 - 20 still busy)
    assert rates.hold_s == pytest.approx(1950 / 30)


def test_mean_matching_goes_on_over_midnight() -> None:
    rates = LongRun()
    rates.see(counts(0, answered_today=100, abandoned_today=2))
    rates.see(counts(30, answered_today=110, abandoned_today=3))
    rates.see(counts(60, dialed=380, answered_today=0, abandoned_today=0))
    rates.see(counts(90, dialed=380, answered_today=5, abandoned_today=0))
    rates.see(counts(120, dialed=380, answered_today=5, abandoned_today=0))
    assert rates.p == pytest.approx((10 + 115) / 400)


def test_mean_matching_survives_silence_and_a_clock_that_steps_back() -> None:
    rule = MeanMatching()
    for at in (0, 100, 50, 7000, 7100):
        made = rule.decide(counts(at, ready=2, dialed=10_000))
        assert made.lines >= 0
    assert rule._rates.p > 0


def test_mean_matching_says_why() -> None:
    assert MeanMatching(factor=0.5).decide(counts(ready=3, talking=25, ringing=4)).reason == (
        "start 4: 1.20 answers expected within 12 s of 4 ringing and 0 waiting, "
        "5.00 agents ready or freeing x 0.5 = 2.50"
    )
