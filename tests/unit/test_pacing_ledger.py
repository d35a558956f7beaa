"""The abandon ledger: counts exact to the call, and what each window allows the answers to come."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pacing_kit import DAY_S, HOUR_S, START, Book, start_of

from pacing.abandonment import STEEPEST, Budget, Ledger
from pacing.windows import DAY, MONTH, PERIOD, SHIFT, TRAILING, AbandonWindow

TRAILING_DAY = AbandonWindow(0.03, TRAILING, DAY_S)
PERIOD_30 = AbandonWindow(0.03, PERIOD, 30 * DAY_S, START)


def judged(windows: Iterable[AbandonWindow], answered: int, abandoned: int, at: float = START) -> Ledger:
    ledger = Ledger(tuple(windows))
    for number in range(answered):
        ledger.judge(at + number * 1e-3, abandoned=number < abandoned)
    return ledger


def budgets(
    ledger: Ledger,
    now: float,
    rate: float = 0.5,
    in_flight: float = 0.0,
    aim: float = 0.9833,
    ends_at: float = math.inf,
) -> tuple[Budget, ...]:
    return ledger.budgets(now, answers_per_s=rate, in_flight=in_flight, aim=aim, ends_at=ends_at)


def counted(ledger: Ledger, now: float) -> list[tuple[float, float]]:
    return [(b.answered, b.abandoned) for b in budgets(ledger, now)]


def first(ledger: Ledger, now: float, **more: float) -> Budget:
    return budgets(ledger, now, **more)[0]


# ---- counting ----------------------------------------------------------------------------------------------


def test_all_kinds_of_windows_count_the_same_calls_by_their_own_bounds() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 9, 1, 9, 0, tzinfo=berlin).timestamp()
    windows = (
        AbandonWindow(0.03, TRAILING, DAY_S),
        AbandonWindow(0.03, TRAILING, HOUR_S),
        AbandonWindow(0.03, PERIOD, 30 * DAY_S, now - 40 * DAY_S),
        AbandonWindow(0.05, MONTH, zone="Europe/Berlin"),
        AbandonWindow(0.03, DAY, zone="Europe/Berlin"),
        AbandonWindow(0.03, SHIFT, starts_at=now - 1800),
    )
    ledger = Ledger(windows)
    for ago, gone in [(20 * DAY_S, True), (8 * DAY_S, False), (23 * HOUR_S, True), (8 * HOUR_S, False), (60, True)]:
        ledger.judge(now - ago, abandoned=gone)
    assert counted(ledger, now) == [(3, 2), (1, 1), (4, 2), (2, 1), (2, 1), (1, 1)]


@pytest.mark.parametrize(("now", "there"), [(0.0, 1), (DAY_S, 1), (DAY_S + 1e-3, 0), (DAY_S - 1e-3, 1)])
def test_a_trailing_window_holds_a_call_to_its_very_edge(now: float, there: int) -> None:
    ledger = judged([TRAILING_DAY], 1, 1)
    assert counted(ledger, START + now) == [(there, there)]


def test_a_fixed_period_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    ledger = Ledger((PERIOD_30,))
    end = START + 30 * DAY_S
    for at in (START - 1e-3, START, end - 1e-3):
        ledger.judge(at, abandoned=False)
    assert counted(ledger, end - 1e-3) == [(2, 0)]
    ledger.judge(end, abandoned=True)
    assert counted(ledger, end) == [(1, 1)]


def test_calls_judged_late_and_out_of_order_count_where_they_were_answered() -> None:
    ledger = Ledger((TRAILING_DAY, PERIOD_30))
    for at in (500.0, 100.0, 300.0, 100.0, 700.0):
        ledger.judge(START + at, abandoned=at == 100.0)
        counted(ledger, START + 700)
    assert ledger.since(START + 100.0) == (5, 2)
    assert ledger.since(START + 100.1) == (3, 0)
    assert counted(ledger, START + 700) == [(5, 2), (5, 2)]


def test_a_machine_is_taken_back_once() -> None:
    ledger = judged([TRAILING_DAY, PERIOD_30], 3, 1)
    assert counted(ledger, START + 9) == [(3, 1), (3, 1)]
    assert ledger.take_back(START, abandoned=True)
    assert counted(ledger, START + 9) == [(2, 0), (2, 0)]
    assert not ledger.take_back(START, abandoned=True)
    assert not ledger.take_back(START + 77, abandoned=False)
    assert counted(ledger, START + 9) == [(2, 0), (2, 0)]


def test_what_is_old_is_folded_into_hours_and_stays_exact_in_this_run() -> None:
    ledger = Ledger((PERIOD_30, TRAILING_DAY))
    book = Book()
    for number in range(72 * 4):
        at = START + number * 900.0
        ledger.judge(at, abandoned=number % 5 == 0)
        book.rows.append((at, number % 5 == 0))
        ledger.forget(at)
        assert counted(ledger, at) == [book.since(START), book.since(at - DAY_S)]
    assert len(ledger._answers) <= 27 * 4


def test_a_call_that_was_folded_cannot_be_taken_back_any_more() -> None:
    ledger = judged([PERIOD_30], 2, 1)
    ledger.judge(START + 3 * DAY_S, abandoned=False)
    ledger.forget(START + 3 * DAY_S)
    assert not ledger.take_back(START, abandoned=True)
    assert counted(ledger, START + 3 * DAY_S) == [(3, 1)]


def test_hours_before_every_period_are_forgotten_for_good() -> None:
    window = AbandonWindow(0.03, PERIOD, 2 * DAY_S, START)
    ledger = Ledger((window,))
    for day in range(30):
        ledger.judge(START + day * DAY_S + 60, abandoned=False)
        ledger.forget(START + day * DAY_S + 60)
    assert len(ledger._old) + len(ledger._answers) <= 5


def test_a_shift_counts_from_where_it_begins_again() -> None:
    ledger = Ledger((AbandonWindow(0.03, SHIFT), TRAILING_DAY))
    ledger.begin_shift(START)
    ledger.judge(START + 10, abandoned=True)
    assert counted(ledger, START + 20) == [(1, 1), (1, 1)]
    ledger.begin_shift(START + 15)
    ledger.judge(START + 16, abandoned=False)
    assert counted(ledger, START + 20) == [(1, 0), (2, 1)]
    ledger.begin_shift(START + 5)
    assert counted(ledger, START + 20) == [(2, 1), (2, 1)]


def test_a_shift_that_begins_again_where_one_began_before_counts_what_came_since() -> None:
    ledger = Ledger((AbandonWindow(0.03, SHIFT),))
    ledger.begin_shift(START)
    counted(ledger, START + 20)
    ledger.begin_shift(START + 15)
    ledger.judge(START + 16, abandoned=False)
    ledger.begin_shift(START)
    assert counted(ledger, START + 20) == [(1, 0)]


def test_nothing_of_another_ledger_is_left_after_loading() -> None:
    ledger = judged([TRAILING_DAY, PERIOD_30], 9, 9)
    counted(ledger, START + 10)
    ledger.load([(START + 1, True), (START, False)], [(START // HOUR_S * HOUR_S - 26 * HOUR_S, 50, 2)])
    assert counted(ledger, START + 10) == [(2, 1), (2, 1)]
    ledger.load([], [])
    assert counted(ledger, START + 10) == [(0, 0), (0, 0)]


def test_an_hour_in_which_a_period_begins_counts_as_a_whole_after_a_restart() -> None:
    hour = START // HOUR_S * HOUR_S
    window = AbandonWindow(0.03, PERIOD, 30 * DAY_S, hour + 1800)
    ledger = Ledger((window,))
    ledger.load([], [(hour, 10, 1), (hour - HOUR_S, 40, 4), (hour + HOUR_S, 5, 0)])
    assert counted(ledger, hour + 3 * DAY_S) == [(15, 1)]


def test_a_restart_knows_what_the_former_run_counted() -> None:
    windows = (PERIOD_30, TRAILING_DAY, AbandonWindow(0.03, MONTH), AbandonWindow(0.03, DAY))
    live, book = Ledger(windows), Book()
    now = START + 5 * DAY_S + 1234.5
    for number in range(2000):
        at = START + (now - START) * number / 2000
        live.judge(at, abandoned=number % 29 == 0)
        book.rows.append((at, number % 29 == 0))
        live.forget(at)
    again = Ledger(windows)
    again.load(*book.restart((now - 25 * HOUR_S) // HOUR_S * HOUR_S))
    assert counted(again, now) == counted(live, now)


@pytest.mark.parametrize(
    "windows",
    [
        (AbandonWindow(0.03, DAY), AbandonWindow(0.05, DAY)),
        (AbandonWindow(0.03, PERIOD, 30 * DAY_S, START), AbandonWindow(0.05, PERIOD, 30 * DAY_S, START)),
    ],
)
def test_two_presets_with_a_window_of_the_same_kind(windows: tuple[AbandonWindow, ...]) -> None:
    ledger = Ledger(windows)
    counted(ledger, START + 1)
    ledger.judge(START + 2, abandoned=False)
    assert counted(ledger, START + 3) == [(1, 0), (1, 0)]


def test_a_time_that_is_no_number_does_not_spoil_the_order_of_the_others() -> None:
    ledger = Ledger((TRAILING_DAY,))
    ledger.load([(START + 50, False), (math.nan, True), (START, True)], [])
    assert ledger.since(START + 10) == (1, 0)


def test_answers_of_a_later_period_are_not_of_this_one() -> None:
    ledger = Ledger((AbandonWindow(0.03, DAY),))
    today = START // DAY_S * DAY_S
    ledger.load([(today + 60, False), (today + DAY_S + 60, True)], [])
    assert counted(ledger, today + 120) == [(1, 0)]


def test_a_period_that_began_while_the_campaign_was_paused_is_exact() -> None:
    begun = START // HOUR_S * HOUR_S + 1800
    ledger = Ledger((AbandonWindow(0.03, PERIOD, 30 * DAY_S, begun),))
    counted(ledger, begun - 100)
    ledger.judge(begun - 60, abandoned=False)
    ledger.judge(begun + 60, abandoned=True)  # settled by the store, not by a decision: the campaign is paused
    now = begun + 3 * DAY_S
    ledger.forget(now)
    assert counted(ledger, now) == [(1, 1)]


# ---- what a window allows ----------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [TRAILING_DAY, PERIOD_30, AbandonWindow(0.03, MONTH), AbandonWindow(0.03, SHIFT)])
@pytest.mark.parametrize("answered", [0, 1, 10, 32])
def test_below_34_answers_it_dials_one_to_one_at_three_percent(window: AbandonWindow, answered: int) -> None:
    budget = first(judged([window], answered, 0), START + 60)
    assert budget.ease == 0.0
    assert budget.answered == answered


def test_the_34th_answer_is_the_first_that_may_be_risked() -> None:
    assert first(judged([PERIOD_30], 33, 0), START + 60).ease > 0.0


@pytest.mark.parametrize(("limit", "enough"), [(0.05, 19), (0.01, 99), (0.5, 1), (0.02, 49)])
def test_other_limits_need_as_many_answers_as_bear_one_abandoned(limit: float, enough: int) -> None:
    window = AbandonWindow(limit, PERIOD, 30 * DAY_S, START)
    assert first(judged([window], enough - 1, 0), START + 60).ease == 0.0
    assert first(judged([window], enough, 0), START + 60).ease > 0.0


@pytest.mark.parametrize("window", [TRAILING_DAY, PERIOD_30, AbandonWindow(0.03, SHIFT, starts_at=START)])
@pytest.mark.parametrize("rate", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("in_flight", [0.0, 12.0])
def test_the_more_were_abandoned_the_less_is_allowed(window: AbandonWindow, rate: float, in_flight: float) -> None:
    rows = [first(judged([window], 600, a), START + 60, rate=rate, in_flight=in_flight) for a in range(80)]
    for less, more in itertools.pairwise(rows):
        assert more.target <= less.target and more.ease <= less.ease
        assert more.left == pytest.approx(less.left - 1.0)
        assert more.rate > less.rate and more.projected >= less.projected
    assert rows[0].ease == 1.0 and rows[-1].ease == 0.0
    assert rows[0].target <= STEEPEST * 0.03 and rows[-1].target == 0.0


def test_risks_are_eased_off_smoothly() -> None:
    ends_at = START + 120
    eases = [first(judged([PERIOD_30], 1000, a), START + 60, ends_at=ends_at).ease for a in range(20, 34)]
    assert eases[0] == 1.0 and eases[-1] == 0.0
    assert max(a - b for a, b in itertools.pairwise(eases)) <= 0.5 + 1e-9


@pytest.mark.parametrize(("answered", "abandoned"), [(100, 3), (1000, 30), (34, 1), (2000, 60)])
@pytest.mark.parametrize("window", [PERIOD_30, AbandonWindow(0.03, DAY)])
def test_at_the_limit_with_nothing_to_come_no_risk_is_taken(
    answered: int, abandoned: int, window: AbandonWindow
) -> None:
    budget = first(judged([window], answered, abandoned), START + 60, ends_at=START + 60)
    assert budget.ease == 0.0 and budget.target < 0.03 - abandoned / (answered + 1.0) + 0.003
    assert budget.left == pytest.approx(0.03 * answered - abandoned)


def test_calls_that_ring_when_the_budget_ends_are_kept_back() -> None:
    ledger = judged([PERIOD_30], 1000, 26)
    eases = [first(ledger, START + 60, in_flight=n, ends_at=START + 70).ease for n in (0.0, 10.0, 30.0, 90.0)]
    assert eases == sorted(eases, reverse=True) and eases[0] > eases[-1] == 0.0


def test_the_target_leads_to_the_aim_at_the_end_of_the_period() -> None:
    ledger = judged([PERIOD_30], 1000, 10)
    budget = first(ledger, START + 60, rate=1.0, aim=0.9833, ends_at=START + 1060)
    assert (10 + budget.target * 1000) / 2000 == pytest.approx(0.03 * 0.9833, rel=0.02) or (
        budget.target == pytest.approx(STEEPEST * 0.03)
    )
    assert budget.projected == pytest.approx(10 / 2000)


def test_false_positives_of_the_answering_machine_detection_count_as_abandoned() -> None:
    plain = judged([PERIOD_30], 500, 5)
    careful = Ledger((PERIOD_30,), amd_false_positive=0.01)
    for number in range(500):
        careful.judge(START + number * 1e-3, abandoned=number < 5)
    a, b = first(plain, START + 60), first(careful, START + 60)
    assert (a.abandoned, b.abandoned) == (5.0, 10.0)
    assert b.rate == pytest.approx(0.02) and b.left == pytest.approx(5.0)
    assert b.target <= a.target and b.ease <= a.ease


def test_calls_of_which_nobody_knows_count_as_abandoned() -> None:
    ledger = judged([PERIOD_30, TRAILING_DAY], 200, 2)
    for chance in (0.5, 1.0, 2.0):
        ledger.unsee(START, chance)
    for budget in budgets(ledger, START + 60):
        assert budget.abandoned == 5.5 and budget.answered == 200
        assert budget.left == pytest.approx(0.5)


def test_calls_of_which_nobody_knows_leave_the_windows_like_all_others() -> None:
    ledger = Ledger((TRAILING_DAY, PERIOD_30, AbandonWindow(0.03, SHIFT, starts_at=START + 60)))
    for at, chance in [(50.0, 0.25), (0.0, 0.5), (70.0, 1.0)]:
        ledger.unsee(START + at, chance)

    def lost(now: float) -> list[float]:
        ledger.forget(START + now)
        return [budget.abandoned for budget in budgets(ledger, START + now)]

    assert lost(80.0) == [1.75, 1.75, 1.0]
    assert lost(DAY_S) == [1.75, 1.75, 1.0]
    assert lost(DAY_S + 0.1) == [1.25, 1.75, 1.0]
    assert lost(DAY_S + 70.1) == [0.0, 1.75, 1.0]
    assert lost(30 * DAY_S - 1) == [0.0, 1.75, 1.0]
    assert lost(30 * DAY_S) == [0.0, 0.0, 1.0]


def test_when_calls_of_which_nobody_knows_will_leave_is_seen_ahead() -> None:
    ledger = judged([TRAILING_DAY], 1000, 10)
    ledger.unsee(START - DAY_S + 600, 20.0)
    soon = first(ledger, START, rate=0.1)
    assert soon.abandoned == 30.0 and soon.projected == pytest.approx(10 / 1720)


def test_calls_of_which_nobody_knows_are_loaded_with_their_times_and_forgotten_at_last() -> None:
    ledger = Ledger((TRAILING_DAY,))
    ledger.unsee(START, 9.0)
    ledger.load([], [], [(START + 30, 0.5), (math.nan, 4.0), (START, 0.25)])
    assert ledger.unknown == 0.75 and first(ledger, START + DAY_S + 1).abandoned == 0.5
    ledger.forget(START + 2 * DAY_S)
    assert ledger.unknown == 0.0 and not ledger._unseen
    ledger.load([], [])
    assert ledger.unknown == 0.0


def test_of_several_windows_each_has_its_own_say() -> None:
    yesterday = START - 20 * HOUR_S
    windows = (TRAILING_DAY, AbandonWindow(0.03, DAY), AbandonWindow(0.05, PERIOD, 30 * DAY_S, START - 10 * DAY_S))
    ledger = Ledger(windows)
    for number in range(400):
        ledger.judge(yesterday + number, abandoned=number < 16)
    for number in range(400):
        ledger.judge(START - 500 + number, abandoned=False)
    trailing, day, period = budgets(ledger, START)
    assert (trailing.answered, day.answered, period.answered) == (800, 400, 800)
    assert trailing.target < min(day.target, period.target)
    assert trailing.ease <= period.ease and day.abandoned == 0


def test_good_hours_that_fall_out_of_a_trailing_window_are_seen_ahead() -> None:
    """Ten hours ago all were served, lately none was left over: what is good today is gone soon."""
    now = START + DAY_S
    good_soon_gone, good_that_stays = Ledger((TRAILING_DAY,)), Ledger((TRAILING_DAY,))
    for number in range(1500):
        good_soon_gone.judge(now - DAY_S + 300 + number * 0.2, abandoned=False)
        good_that_stays.judge(now - HOUR_S + number * 0.2, abandoned=False)
    for number in range(500):
        for ledger in (good_soon_gone, good_that_stays):
            ledger.judge(now - 2 * HOUR_S + number, abandoned=number < 40)
    gone, stays = first(good_soon_gone, now, rate=0.1), first(good_that_stays, now, rate=0.1)
    assert gone.rate == stays.rate == pytest.approx(0.02)
    assert gone.target < stays.target
    assert gone.projected > stays.projected


def test_an_empty_ledger_without_windows_has_no_budget() -> None:
    assert budgets(Ledger(()), START) == ()


@pytest.mark.parametrize("rate", [0.0, 1e9])
def test_figures_stay_in_bounds_at_the_extremes(rate: float) -> None:
    for answered, abandoned in [(0, 0), (1, 1), (100_000, 0), (3000, 3000)]:
        for budget in budgets(judged([TRAILING_DAY, PERIOD_30], answered, abandoned), START + 60, rate=rate):
            assert 0.0 <= budget.target <= STEEPEST * 0.03
            assert 0.0 <= budget.ease <= 1.0
            assert 0.0 <= budget.rate <= 1.0 and math.isfinite(budget.projected)
    assert start_of(TRAILING_DAY, 5.0) == 5.0 - DAY_S
