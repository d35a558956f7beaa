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


def test_the_level_and_the_means_are_learnt() -> None:
    shape = learnt(1, 5000)
    assert shape.level == pytest.approx(0.3, abs=0.02)
    assert shape.mean_answer_s == pytest.approx(11.8, abs=0.5)
    life = sum(age for age, _ in (ring(random.Random(n), 0.3) for n in range(4000))) / 4000
    assert shape.mean_life_s(0.3) == pytest.approx(life, rel=0.03)


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_calls_cut_off_at_15_s_do_not_bend_the_shape(share: float) -> None:
    """Averaged over seeds nothing is left but the bias. Without the censoring F(15 s) would be 1."""
    by = mean_shape(8, calls=2500, cut_at=15.0, cut_share=share)
    assert off(by) < 0.04
    assert by[30] == pytest.approx(TRUTH[30], abs=0.02)


def test_calls_cut_off_do_not_move_the_level() -> None:
    levels = [learnt(seed, 2500, cut_at=15.0, cut_share=0.9).level for seed in range(8)]
    assert sum(levels) / 8 == pytest.approx(0.3, abs=0.02)


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
    # Within 12 s F is known up to a factor; what is told apart is how many are left.
    true_hazard = (TRUTH[16] - TRUTH[8]) * 0.3
    seen, unseen = ((s.answered_by[16] - s.answered_by[8]) * s.level for s in (seeing, blind))
    assert abs(seen - true_hazard) < 0.35 * true_hazard
    assert unseen > 1.5 * true_hazard


def test_old_calls_are_forgotten() -> None:
    rng, shape = random.Random(9), learnt(2, 3000)
    for _ in range(30_000):
        shape.learn(lognormal(rng, 5.0, 1.0), answered=rng.random() < 0.5)
    shape.rebuild()
    assert shape.mean_answer_s == pytest.approx(5.0, abs=0.5)
    assert shape.level == pytest.approx(0.5, abs=0.04)
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
    assert 0.0 <= shape.level <= 1.0 and math.isfinite(shape.mean_answer_s)


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


@pytest.mark.parametrize("calls", [math.nan, math.inf, -5.0])
def test_an_impossible_number_of_calls_is_refused(calls: float) -> None:
    with pytest.raises(ValueError):
        RingShape(30.0, 0.25).restore(RingShape(30.0, 0.25).state() | {"calls": [calls]})
