"""The launch threshold θ: follows the budget at once and its own calibration slowly, and stays within bounds."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from pacing.threshold import ETA_FIRST, ETA_LAST, HIGHEST, LOWEST, START, Threshold


def theta(highest: float = 0.3) -> Threshold:
    return Threshold(highest)


def served(threshold: Threshold, answers: int, target: float = 0.03) -> Threshold:
    for _ in range(answers):
        threshold.judged(target, abandoned=False)
    return threshold


def test_at_first_it_is_about_what_the_budget_allows() -> None:
    assert theta().theta(0.0295, 1.0) == pytest.approx(START * 0.0295)


@pytest.mark.parametrize(("target", "ease", "share"), [(0.03, 1.0, 1.0), (0.03, 0.5, 0.5), (0.015, 1.0, 0.5)])
def test_it_follows_the_budget_at_once_and_in_proportion(target: float, ease: float, share: float) -> None:
    threshold = served(theta(), 40)
    assert threshold.theta(target, ease) == pytest.approx(share * threshold.theta(0.03, 1.0))


@pytest.mark.parametrize(("target", "ease"), [(0.0, 1.0), (0.03, 0.0), (0.0, 0.0)])
def test_without_a_budget_it_is_nought(target: float, ease: float) -> None:
    assert theta().theta(target, ease) == 0.0


def test_it_is_never_above_its_cap() -> None:
    threshold = served(theta(0.05), 5000, target=0.2)
    assert threshold.factor > 2.0
    assert threshold.theta(0.045, 1.0) == 0.05


def test_an_abandoned_call_lowers_it_and_a_served_one_raises_it() -> None:
    threshold = theta()
    before = threshold.factor
    threshold.judged(0.03, abandoned=True)
    lower = threshold.factor
    threshold.judged(0.03, abandoned=False)
    assert lower < before and lower < threshold.factor < before


@pytest.mark.parametrize("answers", [0, 50, 500, 5000])
def test_no_single_call_moves_it_by_more_than_the_largest_step(answers: int) -> None:
    threshold = served(theta(), answers, target=0.0)
    before = math.log(threshold.factor)
    threshold.judged(0.03, abandoned=True)
    step = before - math.log(threshold.factor)
    assert 0.0 < step <= ETA_FIRST * 0.97 + 1e-9
    if answers >= 5000:
        assert step == pytest.approx(ETA_LAST * 0.97, rel=0.05)


def test_steps_become_smaller() -> None:
    threshold, steps = theta(), []
    for _ in range(6):
        before = math.log(threshold.factor)
        threshold.judged(0.03, abandoned=True)
        steps.append(before - math.log(threshold.factor))
        served(threshold, 100, target=0.0)
    assert steps == sorted(steps, reverse=True)


def test_it_stays_within_its_bounds_whatever_happens() -> None:
    assert served(theta(), 20_000, target=1.0).factor == pytest.approx(HIGHEST)
    threshold = theta()
    for _ in range(20_000):
        threshold.judged(0.0, abandoned=True)
    assert threshold.factor == pytest.approx(LOWEST)


def test_a_bound_is_left_at_once_when_the_wind_turns() -> None:
    threshold = served(theta(), 20_000, target=1.0)
    threshold.judged(0.03, abandoned=True)
    assert threshold.factor < HIGHEST


def shift(seed: int, yields: float, answers: int, target: float = 0.0295) -> tuple[float, float]:
    """(abandoned share of the second half, last factor) where θ brings ``yields`` × θ of abandoned answers."""
    rng, threshold, lost = random.Random(seed), theta(), 0
    for number in range(answers):
        gone = rng.random() < min(1.0, yields * threshold.theta(target, 1.0))
        threshold.judged(target, abandoned=gone)
        lost += gone and number >= answers // 2
    return lost / (answers - answers // 2), threshold.factor


@pytest.mark.parametrize("yields", [0.4, 0.9, 2.0])
def test_the_abandonment_that_happens_meets_the_one_that_is_allowed(yields: float) -> None:
    runs = [shift(seed, yields, 16_000) for seed in range(10)]
    assert sum(rate for rate, _ in runs) / 10 == pytest.approx(0.0295, abs=0.004)
    assert sum(factor for _, factor in runs) / 10 == pytest.approx(1.0 / yields, rel=0.3)


# ---- memory ------------------------------------------------------------------------------------------------


def test_it_comes_back_as_it_was() -> None:
    threshold = served(theta(), 77, target=0.2)
    saved = json.loads(json.dumps(threshold.state(), allow_nan=False))
    again = theta()
    again.restore(saved)
    assert again.state() == saved
    assert again.theta(0.03, 0.7) == threshold.theta(0.03, 0.7)


def test_after_a_long_life_it_may_still_learn() -> None:
    again = theta()
    again.restore({"log": math.log(HIGHEST), "answers": 1e9})
    assert again.factor == pytest.approx(HIGHEST)
    assert again.answers < 1e9
    again.restore({"log": math.log(LOWEST), "answers": 0.0})
    assert again.factor == pytest.approx(LOWEST)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"log": 0.1},
        {"answers": 3},
        {"log": math.nan, "answers": 1.0},
        {"log": math.inf, "answers": 1.0},
        {"log": 0.0, "answers": math.nan},
        {"log": 0.0, "answers": -1.0},
        {"log": 99.0, "answers": 1.0},
        {"log": -1e308, "answers": 1.0},
        {"log": "up", "answers": 1.0},
        {"log": None, "answers": 1.0},
        {"log": [0.1], "answers": 1.0},
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state: dict[str, Any]) -> None:
    threshold = served(theta(), 5)
    before = threshold.state()
    with pytest.raises((ValueError, KeyError, TypeError)):
        threshold.restore(state)
    assert threshold.state() == before
