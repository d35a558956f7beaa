"""Shapes of ringing: learnt from whole and from cut-off calls, forgotten, saved and restored."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from pacing_kit import Array, lognormal, ring

from pacing.ring import BINS, HORIZONS, RingShape, lognormal_cdf, normal_cdf

EDGES = np.arange(BINS + 1) * 0.5
TRUTH = np.minimum(lognormal_cdf(EDGES, 12.0, 6.0) / lognormal_cdf(np.array([30.0]), 12.0, 6.0)[0], 1.0)
"""F of the target table: lognormal, mean 12 s, sd 6 s, at most 30 s."""


def learnt(seed: int, calls: int, p: float = 0.3, cut_at: float = math.inf, cut_share: float = 1.0) -> RingShape:
    rng, shape = random.Random(seed), RingShape(30.0, 0.25)
    for _ in range(calls):
        age, answered = ring(rng, p)
        if age > cut_at and rng.random() < cut_share:
            shape.learn(cut_at, answered=False, cut=True)
        else:
            shape.learn(age, answered=answered)
    shape.rebuild()
    return shape


def mean_shape(seeds: int, **more: Any) -> Array:
    return np.mean([learnt(seed, **more).answered_by for seed in range(seeds)], axis=0)


def off(by: Array) -> float:
    return float(np.abs(by - TRUTH).max())


# ---- the arithmetic ----------------------------------------------------------------------------------------


def test_the_normal_distribution_to_seven_digits() -> None:
    z = np.linspace(-8.0, 8.0, 400)
    exact = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in z])
    assert np.abs(normal_cdf(z) - exact).max() < 1e-7


def test_the_lognormal_has_the_mean_and_deviation_that_were_asked() -> None:
    x = np.linspace(0.0, 400.0, 400_001)
    pdf = np.diff(lognormal_cdf(x, 12.0, 6.0))
    middle = 0.5 * (x[1:] + x[:-1])
    mean = float((pdf * middle).sum())
    assert mean == pytest.approx(12.0, abs=0.01)
    assert math.sqrt(float((pdf * (middle - mean) ** 2).sum())) == pytest.approx(6.0, abs=0.01)


# ---- learning ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("calls", "bound"), [(200, 0.17), (1000, 0.08), (4000, 0.045)])
def test_the_shape_of_answers_nears_the_truth(calls: int, bound: float) -> None:
    assert max(off(learnt(seed, calls).answered_by) for seed in range(4)) < bound


def test_the_means_are_learnt() -> None:
    shape = learnt(1, 5000)
    assert shape.mean_answer_s == pytest.approx(11.8, abs=0.5)
    life = sum(age for age, _ in (ring(random.Random(n), 0.3) for n in range(4000))) / 4000
    assert shape.mean_life_s(0.3) == pytest.approx(life, rel=0.03)


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_calls_cut_off_at_15_s_do_not_bend_the_shape(share: float) -> None:
    """Averaged over seeds nothing is left but the bias. Without the censoring F(15 s) would be 1."""
    by = mean_shape(8, calls=2500, cut_at=15.0, cut_share=share)
    assert off(by) < 0.04
    assert by[30] == pytest.approx(TRUTH[30], abs=0.02)


def test_if_every_call_is_cut_off_the_first_15_s_are_known_all_the_same() -> None:
    shape = learnt(3, 3000, cut_at=15.0)
    share = shape.answered_by[:31] / shape.answered_by[30]
    assert np.abs(share - TRUTH[:31] / TRUTH[30]).max() < 0.03
    assert shape.answered_by[-1] == pytest.approx(1.0)


def test_calls_that_still_ring_count_with_the_time_they_have_rung() -> None:
    """At a cold start the quick answers are known first: the ringing calls say that the others take longer."""
    rng, blind, seeing = random.Random(5), RingShape(30.0, 0.25), RingShape(30.0, 0.25)
    ringing = []
    for _ in range(400):
        launched = rng.uniform(0.0, 12.0)
        age, answered = ring(rng, 0.3)
        if launched + age <= 12.0:
            blind.learn(age, answered=answered)
            seeing.learn(age, answered=answered)
        else:
            ringing.append(12.0 - launched)
    blind.rebuild()
    seeing.rebuild(np.array(ringing))
    assert off(seeing.answered_by) < 0.2 and off(blind.answered_by) > 0.35
    assert seeing.mean_answer_s == pytest.approx(11.8, abs=1.2) and blind.mean_answer_s < 9.0


def test_old_calls_are_forgotten() -> None:
    rng, shape = random.Random(9), learnt(2, 3000)
    for _ in range(30_000):
        shape.learn(lognormal(rng, 5.0, 1.0), answered=rng.random() < 0.5)
    shape.rebuild()
    assert shape.mean_answer_s == pytest.approx(5.0, abs=0.5)
    assert shape.calls == pytest.approx(6000.0, rel=0.02)


def test_the_prior_is_given_up_within_dozens_of_calls() -> None:
    rng, shape = random.Random(4), RingShape(30.0, 0.25)
    before = shape.mean_answer_s
    for _ in range(80):
        shape.learn(rng.uniform(3.0, 5.0), answered=True)
    shape.rebuild()
    assert before > 10.0 and shape.mean_answer_s < 6.0


@pytest.mark.parametrize("age", [0.0, 0.4999999, 0.5, 79.99, 80.0, 81.0, 3600.0, 1e9])
@pytest.mark.parametrize("ending", ["answered", "ended", "cut"])
def test_any_age_is_borne(age: float, ending: str) -> None:
    shape = RingShape(30.0, 0.25)
    for _ in range(50):
        shape.learn(age, answered=ending == "answered", cut=ending == "cut")
    shape.rebuild(np.array([0.0, age]))
    sound(shape)


# ---- tables ------------------------------------------------------------------------------------------------


def sound(shape: RingShape) -> None:
    for by in (shape.answered_by, shape.ended_by):
        assert by[0] == 0.0 and by[-1] == pytest.approx(1.0) and np.all(np.diff(by) >= 0)
    assert shape.horizons.shape == (HORIZONS,) and np.all(np.diff(shape.horizons) >= 0)
    assert np.all((shape.by_horizon >= 0) & (shape.by_horizon <= 1))
    assert np.all(np.diff(shape.by_horizon, axis=1) >= 0)
    assert np.all((shape.fresh >= 0) & (shape.fresh <= 1))
    assert math.isfinite(shape.mean_answer_s)


def test_horizons_are_quantiles_of_the_time_to_answer() -> None:
    shape = learnt(1, 3000)
    sound(shape)
    assert shape.fresh == pytest.approx((np.arange(HORIZONS) + 0.5) / HORIZONS, abs=1e-6)
    assert 1.0 < shape.horizons[0] < 7.0 and 20.0 < shape.horizons[-1] < 28.0


def test_a_call_that_rings_on_is_less_and_less_likely_to_answer_until_the_others_have_gone() -> None:
    shape = learnt(1, 4000)
    chance = shape.posterior(np.array([0, 20, 40, 48, 56]), np.full(5, 0.3))
    assert chance[0] == pytest.approx(0.3, abs=0.01)
    assert chance[0] > chance[1] > chance[2] > chance[3]
    rng = random.Random(77)
    dials = [ring(rng, 0.3) for _ in range(20_000)]
    for age in (5.0, 10.0, 15.0, 20.0):
        left = [answered for whole, answered in dials if whole > age]
        believed = float(shape.posterior(np.array([int(age / 0.5)]), np.array([0.3]))[0])
        assert believed == pytest.approx(sum(left) / len(left), abs=0.025)


# ---- memory ------------------------------------------------------------------------------------------------


def test_a_saved_shape_comes_back_as_it_was() -> None:
    shape = learnt(6, 700, cut_at=15.0, cut_share=0.5)
    saved = json.loads(json.dumps(shape.state(), allow_nan=False))
    again = RingShape(30.0, 0.25)
    again.restore(saved)
    assert again.state() == saved
    for name in ("answered_by", "ended_by", "horizons", "fresh", "to_answer", "to_end", "by_horizon"):
        assert getattr(again, name) == pytest.approx(getattr(shape, name), abs=2e-4), name
    assert again.calls == pytest.approx(shape.calls, abs=0.01)
    again.learn(5.0, answered=True)
    assert again.state() != saved


@pytest.mark.parametrize(
    "change",
    [
        {"exposure": [1.0]},
        {"answers": [1.0] * (BINS + 1)},
        {"ends": [[1.0] * BINS]},
        {"exposure": [math.nan] * BINS},
        {"answers": [math.inf] * BINS},
        {"ends": [-1.0] * BINS},
        {"exposure": ["x"] * BINS},
        {"exposure": None},
        {"answers": {}},
        {"calls": []},
        {"calls": ["many"]},
        {"calls": None},
    ],
)
def test_a_state_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    state = RingShape(30.0, 0.25).state() | change
    with pytest.raises((ValueError, KeyError, TypeError, IndexError)):
        RingShape(30.0, 0.25).restore(state)


@pytest.mark.parametrize("missing", ["exposure", "answers", "ends", "calls"])
def test_a_state_with_a_part_missing_is_refused(missing: str) -> None:
    state = RingShape(30.0, 0.25).state()
    del state[missing]
    with pytest.raises(KeyError):
        RingShape(30.0, 0.25).restore(state)


@pytest.mark.parametrize(
    "change",
    [
        {"exposure": [1e308] * BINS},
        {"exposure": [60.0] * BINS},  # more than a hundred dials can have rung in half a second
        {"exposure": [10.0] + [30.0] * (BINS - 1)},  # more ring on than have rung
        {"answers": [1e308] + [0.0] * (BINS - 1)},
        {"answers": [90.0] + [0.0] * (BINS - 1), "ends": [90.0] + [0.0] * (BINS - 1)},
        {"ends": [0.0] * 40 + [30.0] + [0.0] * (BINS - 41)},  # nobody had rung so long
        {"calls": [1e308]},
        {"calls": [7000.0]},
    ],
)
def test_what_no_calls_can_have_left_is_refused(change: dict[str, Any]) -> None:
    shape = RingShape(30.0, 0.25)
    for number in range(100):
        shape.learn(5.0 if number % 4 == 0 else 12.0, answered=number % 4 == 0)
    fine = shape.state()
    RingShape(30.0, 0.25).restore(fine)
    with pytest.raises(ValueError):
        RingShape(30.0, 0.25).restore(fine | change)


@pytest.mark.parametrize("calls", [3, 700, 20_000])
def test_whatever_was_learnt_is_believed_again_restart_after_restart(calls: int) -> None:
    rng, shape = random.Random(calls), RingShape(30.0, 0.25)
    for number in range(calls):
        age, answered = ring(rng, 0.3)
        shape.learn(min(age, 15.0) if number % 3 == 0 else age * rng.choice((1, 1, 5)), answered=answered)
        if number % 97 == 0:
            again = RingShape(30.0, 0.25)
            again.restore(json.loads(json.dumps(shape.state())))
            shape = again
    RingShape(30.0, 0.25).restore(shape.state())


@pytest.mark.parametrize("calls", [math.nan, math.inf, -5.0])
def test_an_impossible_number_of_calls_is_refused(calls: float) -> None:
    with pytest.raises(ValueError):
        RingShape(30.0, 0.25).restore(RingShape(30.0, 0.25).state() | {"calls": [calls]})
