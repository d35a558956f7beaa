"""The race between answers and agents against one coin after the other."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from pacing_kit import Array, nobody

from pacing.race import EXACT_UP_TO, POINTS, Race

chance = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.5, 1e-9, 1 - 1e-9]))
chances = st.lists(chance, max_size=EXACT_UP_TO // 2)


def column(values: list[float]) -> Array:
    return np.array(values).reshape(len(values), 1)


@settings(max_examples=250, deadline=None)
@given(st.integers(-POINTS // 4 + 1, POINTS // 4 - 1), chances, chances)
def test_small_pools_are_exact(lead: int, agents: list[float], calls: list[float]) -> None:
    assume(lead + len(agents) < POINTS // 2 and len(calls) - lead < POINTS // 2)
    race = Race(lead, column(agents), column(calls))
    assert race.exact
    assert abs(float(race.nobody()[0]) - float(nobody(lead, column(agents), column(calls))[0])) < 1e-9


@settings(max_examples=150, deadline=None)
@given(st.integers(-200, 200), st.lists(chance, max_size=150), st.lists(chance, max_size=150), st.floats(0, 1))
def test_it_is_always_a_chance(lead: int, agents: list[float], calls: list[float], doubt: float) -> None:
    race = Race(lead, column(agents), column(calls), doubt)
    assert np.all(np.isfinite(race.nobody()))
    assert 0.0 <= float(race.nobody()[0]) <= 1.0
    if not race.exact and calls:
        after = race.nobody_after(np.array(calls), np.array([0.7]))
        assert after.shape == (len(calls), 1)
        assert np.all((after >= 0.0) & (after <= 1.0))
    for call in calls[:20]:
        race.remove(np.array([call]))
        assert 0.0 <= float(race.nobody()[0]) <= 1.0


@settings(max_examples=120, deadline=None)
@given(st.integers(-5, 15), chances, chances, st.lists(chance, min_size=1, max_size=12))
def test_each_call_added_makes_it_likelier_that_the_next_finds_nobody(
    lead: int, agents: list[float], calls: list[float], more: list[float]
) -> None:
    race = Race(lead, column(agents), column(calls))
    before = float(race.nobody()[0])
    for number, call in enumerate(more, 1):
        race.add(np.array([call]))
        after = float(race.nobody()[0])
        assert after >= before - 1e-9
        both = column([*calls, *more[:number]])
        assert abs(after - float(nobody(lead, column(agents), both)[0])) < 1e-9
        before = after


@settings(max_examples=120, deadline=None)
@given(st.integers(-5, 15), chances, chances, st.lists(st.floats(0, 0.45), min_size=1, max_size=6))
def test_calls_added_and_removed_leave_no_trace(
    lead: int, agents: list[float], calls: list[float], more: list[float]
) -> None:
    race = Race(lead, column(agents), column(calls))
    before = float(race.nobody()[0])
    for call in more:
        race.add(np.array([call]))
    for call in more:
        race.remove(np.array([call]))
    assert abs(float(race.nobody()[0]) - before) < 1e-6


@settings(max_examples=80, deadline=None)
@given(
    st.integers(-10, 40),
    st.lists(chance, min_size=EXACT_UP_TO + 1, max_size=120),
    st.lists(chance, min_size=1, max_size=60),
    st.lists(chance, min_size=1, max_size=30),
    st.floats(0, 0.5),
)
def test_many_new_calls_at_once_are_the_same_as_one_by_one(
    lead: int, agents: list[float], calls: list[float], new: list[float], doubt: float
) -> None:
    race = Race(lead, column(agents), column(calls), doubt)
    table = race.nobody_after(np.array(new), np.array([0.8]))
    for row, call in zip(table, new, strict=True):
        assert abs(float(row[0]) - float(race.nobody()[0])) < 1e-9
        race.add(np.array([call * 0.8]))
