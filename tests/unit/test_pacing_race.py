"""The chance that one more answered call finds nobody: exact sums, their approximation, and where they meet."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from pacing_kit import Array, nobody

from pacing.race import EXACT_UP_TO, Race

NONE = np.zeros((0, 3))
DOCUMENTED = {6.0: 0.003, 2.0: 0.02}
"""By so much the approximation and the exact sum differ at the switch-over where the balance varies so much (variance)
or more, says ``pacing.race``."""


def rows(*chances: float) -> Array:
    """The same chance at each of three horizons."""
    return np.repeat(np.array(chances)[:, None], 3, axis=1) if chances else NONE


def spread(rng: random.Random, count: int, low: float, high: float) -> Array:
    """Chances that grow with the horizon."""
    last = [rng.uniform(low, high) for _ in range(count)]
    return np.array([[0.3 * c, 0.7 * c, c] for c in last]) if count else NONE


# ---- small pools are exact ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lead", "agents", "calls", "expected"),
    [
        (0, (), (), 1.0),
        (1, (), (), 0.0),
        (-1, (), (), 1.0),
        (1, (), (0.3,), 0.3),
        (1, (), (0.3, 0.4), 1.0 - 0.7 * 0.6),
        (2, (), (0.3, 0.4), 0.3 * 0.4),
        (0, (0.3,), (), 0.7),
        (0, (0.3,), (0.5,), 1.0 - 0.3 * 0.5),
        (-1, (1.0, 1.0), (), 0.0),
        (3, (), (1.0, 1.0, 1.0), 1.0),
        (3, (), (1.0, 1.0, 0.0), 0.0),
    ],
)
def test_by_hand(lead: int, agents: tuple[float, ...], calls: tuple[float, ...], expected: float) -> None:
    race = Race(lead, rows(*agents), rows(*calls))
    assert race.exact
    assert race.nobody() == pytest.approx(np.full(3, expected), abs=1e-9)


def test_each_way_that_a_few_coins_may_fall() -> None:
    agents, calls, lead = (0.2, 0.9, 0.55), (0.35, 0.5, 0.07, 0.99), 1
    total = 0.0
    for fall in itertools.product((0, 1), repeat=7):
        chance = 1.0
        for p, side in zip(agents + calls, fall, strict=True):
            chance *= p if side else 1.0 - p
        if lead + sum(fall[:3]) - sum(fall[3:]) <= 0:
            total += chance
    assert Race(lead, rows(*agents), rows(*calls)).nobody()[0] == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("n_calls", [0, 10, 22, 34, EXACT_UP_TO])
@pytest.mark.parametrize("lead", [-3, 0, 3])
def test_the_largest_pool_that_is_summed_exactly(n_calls: int, lead: int) -> None:
    rng = random.Random(n_calls)
    agents, calls = spread(rng, EXACT_UP_TO - n_calls, 0.0, 0.9), spread(rng, n_calls, 0.0, 0.9)
    race = Race(lead, agents, calls)
    assert race.exact
    assert race.nobody() == pytest.approx(nobody(lead, agents, calls), abs=1e-9)


@pytest.mark.parametrize(
    ("lead", "agents", "calls", "expected"),
    [(23, (0.95,) * 30, (), 0.0), (-20, (0.0,) * 3, (0.75,) * 41, 1.0), (-23, (), (0.9,) * 40, 1.0)],
)
def test_a_pool_called_exact_that_leans_far_to_one_side(
    lead: int, agents: tuple[float, ...], calls: tuple[float, ...], expected: float
) -> None:
    assert Race(lead, rows(*agents), rows(*calls)).nobody() == pytest.approx(np.full(3, expected), abs=0.003)


def test_a_pool_called_exact_to_which_many_calls_are_added() -> None:
    race = Race(-10, NONE, rows(*[0.9] * 30))
    for _ in range(24):
        race.add(np.full(3, 0.9))
    assert race.nobody() == pytest.approx(np.ones(3), abs=0.003)


# ---- larger ones are approximated --------------------------------------------------------------------------


def worst(least_var: float, most_var: float, size: int = EXACT_UP_TO + 1) -> float:
    """The largest difference over many pools of one size whose balance varies so much; leads near the middle."""
    rng = random.Random(f"{least_var} {most_var} {size}")
    found, left = 0.0, 60
    while left:
        high = rng.choice((0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0))
        low, n_calls = rng.uniform(0.0, high), rng.randint(0, size)
        agents, calls = spread(rng, size - n_calls, low, high)[:, 2:], spread(rng, n_calls, low, high)[:, 2:]
        var = float((agents * (1 - agents)).sum() + (calls * (1 - calls)).sum())
        if not least_var <= var < most_var:
            continue
        lead = round(float(calls.sum() - agents.sum())) + rng.randint(-1, 5)
        race = Race(lead, agents.reshape(-1, 1), calls.reshape(-1, 1))
        assert not race.exact
        exact = nobody(lead, agents.reshape(-1, 1), calls.reshape(-1, 1))
        found, left = max(found, float(np.abs(race.nobody() - exact).max())), left - 1
    return found


@pytest.mark.parametrize("least_var", DOCUMENTED)
def test_at_the_switch_over_the_approximation_is_as_near_as_it_says(least_var: float) -> None:
    assert worst(least_var, math.inf) < DOCUMENTED[least_var]
    assert worst(least_var, 1.5 * least_var) < DOCUMENTED[least_var]


@pytest.mark.parametrize(
    ("least_var", "most_var", "bound"), [(0.0, 1.0, 0.08), (1.0, 2.0, 0.045), (2.0, 4.0, 0.02), (4.0, 6.0, 0.008)]
)
def test_how_far_off_it_is_at_the_switch_over(least_var: float, most_var: float, bound: float) -> None:
    assert worst(least_var, most_var) < bound


@pytest.mark.parametrize(("size", "bound"), [(100, 0.0015), (200, 0.0013)])
def test_it_is_closer_in_larger_pools(size: int, bound: float) -> None:
    assert worst(size / 12, math.inf, size) < bound


def test_a_thousand_agents_and_calls() -> None:
    rng = random.Random(1)
    agents, calls = spread(rng, 1000, 0.0, 0.3), spread(rng, 600, 0.0, 0.6)
    middle = Race(0, agents, calls)
    lead = round(float((middle.to_answer - middle.to_free)[-1])) + 8
    assert Race(lead, agents, calls).nobody() == pytest.approx(nobody(lead, agents, calls), abs=0.001)
    assert Race(5000, agents, calls).nobody() == pytest.approx(np.zeros(3), abs=1e-6)
    assert Race(-5000, agents, calls).nobody() == pytest.approx(np.ones(3), abs=1e-6)


def test_an_uncertain_level_makes_extremes_likelier() -> None:
    agents, calls = rows(*[0.3] * 100), rows(*[0.3] * 100)
    sure, unsure = Race(8, agents, calls), Race(8, agents, calls, doubt=0.3)
    assert unsure.nobody()[0] > sure.nobody()[0] + 0.02


# ---- adding and removing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [12, 90])
def test_a_call_added_and_removed_again_leaves_no_trace(size: int) -> None:
    rng = random.Random(size)
    agents, calls = spread(rng, size // 2, 0.0, 0.4), spread(rng, size // 2, 0.0, 0.4)
    race = Race(2, agents, calls)
    before, to_answer = race.nobody(), race.to_answer
    added = [spread(rng, 1, 0.05, 0.45)[0] for _ in range(5)]
    for call in added:
        race.add(call)
    assert np.all(race.nobody() > before)
    for call in reversed(added):
        race.remove(call)
    assert race.nobody() == pytest.approx(before, abs=1e-8)
    assert race.to_answer == pytest.approx(to_answer)


@pytest.mark.parametrize("size", [12, 90])
def test_a_race_with_a_call_added_is_the_race_that_began_with_it(size: int) -> None:
    rng = random.Random(size)
    agents, calls = spread(rng, size // 2, 0.0, 0.9), spread(rng, size // 2, 0.0, 0.9)
    race = Race(3, agents, calls[:-1])
    race.add(calls[-1])
    assert race.nobody() == pytest.approx(Race(3, agents, calls).nobody(), abs=1e-9)
    if size == 12:
        race.remove(calls[0] * 0.5)  # not the same call: it must stay a chance
        assert np.all((race.nobody() >= 0.0) & (race.nobody() <= 1.0))


@pytest.mark.parametrize("chance", [0.0, 0.2, 0.45, 0.49])
def test_an_unlikely_call_is_removed_exactly(chance: float) -> None:
    race = Race(1, rows(0.3, 0.4), rows(0.4, chance))
    race.remove(np.full(3, chance))
    assert race.nobody() == pytest.approx(Race(1, rows(0.3, 0.4), rows(0.4)).nobody(), abs=1e-9)


@pytest.mark.parametrize("chance", [0.6, 0.75, 0.9, 1.0])
def test_a_likely_call_is_removed_exactly_too(chance: float) -> None:
    race = Race(1, rows(0.3, 0.4), rows(0.4, chance))
    race.remove(np.full(3, chance))
    assert race.nobody() == pytest.approx(Race(1, rows(0.3, 0.4), rows(0.4)).nobody(), abs=0.003)


@pytest.mark.parametrize("chance", [0.5, 0.6, 0.75, 0.9, 1.0])
def test_removing_a_likely_call_never_promises_more_than_there_is(chance: float) -> None:
    race = Race(1, rows(0.3, 0.4), rows(0.4, chance))
    with_it = race.nobody()
    race.remove(np.full(3, chance))
    without = Race(1, rows(0.3, 0.4), rows(0.4)).nobody()
    assert np.all(race.nobody() <= with_it + 1e-9) and np.all(race.nobody() >= without - 0.02)


def test_what_comes_before_each_of_many_new_calls() -> None:
    rng = random.Random(7)
    agents, calls = spread(rng, 50, 0.0, 0.4), spread(rng, 40, 0.0, 0.5)
    chances, fresh = np.array([0.3, 0.6, 0.02, 1.0, 0.0, 0.25]), np.array([0.1, 0.5, 0.95])
    race = Race(9, agents, calls, doubt=0.1)
    table = race.nobody_after(chances, fresh)
    for row, chance in zip(table, chances, strict=True):
        assert row == pytest.approx(race.nobody(), abs=1e-12)
        race.add(chance * fresh)


def test_a_longer_look_ahead_never_changes_a_horizon() -> None:
    agents, calls = spread(random.Random(2), 10, 0.1, 0.5), spread(random.Random(3), 10, 0.1, 0.5)
    every = Race(1, agents, calls).nobody()
    for h in range(3):
        assert Race(1, agents[:, h : h + 1], calls[:, h : h + 1]).nobody()[0] == pytest.approx(every[h])
