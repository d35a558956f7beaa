"""How long agents stay busy: learnt from finished and from running phases, each agent's speed, saved and restored."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from pacing_kit import Array, lognormal

from pacing.hold import EDGES, MIDDLES, PHASE_BINS, SPEEDS, Holding, LifeTable
from pacing.ring import lognormal_cdf

TALK_S = 120.0
TRUTH = 1.0 - lognormal_cdf(EDGES, TALK_S, TALK_S)
"""Talk of the target table: lognormal, mean 120 s, cv 1."""


def learnt(durations: list[float], running: list[float] | None = None, prior: float = 150.0) -> LifeTable:
    table = LifeTable(prior, 1.0)
    for duration in durations:
        table.learn(duration)
    table.rebuild(np.array(running) if running else None)
    return table


def talks(seed: int, count: int) -> list[float]:
    rng = random.Random(seed)
    return [lognormal(rng, TALK_S, TALK_S) for _ in range(count)]


def first_minute(seed: int, agents: int) -> tuple[list[float], list[float]]:
    """(finished, running) talks of agents who all began a minute ago, one talk after the other."""
    rng, finished, running = random.Random(seed), [], []
    for _ in range(agents):
        clock = 0.0
        while clock + (duration := lognormal(rng, TALK_S, TALK_S)) <= 60.0:
            finished.append(duration)
            clock += duration
        running.append(60.0 - clock)
    return finished, running


# ---- learning ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "bound"), [(100, 0.14), (1000, 0.05), (4000, 0.03)])
def test_survival_nears_the_truth(count: int, bound: float) -> None:
    for seed in range(3):
        assert np.abs(learnt(talks(seed, count)).alive - TRUTH).max() < bound


def test_the_mean_is_learnt() -> None:
    means = [learnt(talks(seed, 1500)).mean_s for seed in range(6)]
    assert sum(means) / 6 == pytest.approx(TALK_S, rel=0.04)


def test_at_a_cold_start_short_calls_alone_do_not_pass_for_all_calls() -> None:
    """After a minute only talks under a minute are known; those that go on say that most are longer."""
    blind, seeing, survived = [], [], []
    for seed in range(8):
        finished, running = first_minute(seed, 80)
        blind.append(learnt(finished).mean_s)
        table = learnt(finished, running)
        seeing.append(table.mean_s)
        survived.append(float(table.survival(np.array([60.0]))[0]))
    assert max(blind) < 80.0
    assert sum(seeing) / 8 == pytest.approx(140.0, abs=25.0)  # between the truth (120) and the prior (150)
    assert sum(survived) / 8 == pytest.approx(float(np.interp(60.0, EDGES, TRUTH)), abs=0.05)


def test_running_phases_are_looked_at_and_not_learnt() -> None:
    table = learnt(talks(1, 50))
    before = table.state()
    table.rebuild(np.array([500.0] * 50))
    longer = table.mean_s
    assert table.state() == before
    table.rebuild(None)
    assert table.mean_s < longer


def test_only_unfinished_phases_are_known_yet() -> None:
    table = learnt([], [30.0] * 200)
    assert float(table.survival(np.array([30.0]))[0]) > 0.95
    assert table.mean_s > 150.0


def test_a_long_life_forgets_what_it_knew_first() -> None:
    table = learnt([600.0] * 500 + [60.0] * 24_000)
    assert table.mean_s == pytest.approx(60.0, rel=0.05)
    assert table.phases == pytest.approx(4000.0, rel=0.01)


def test_the_prior_is_given_up_within_dozens_of_calls() -> None:
    assert learnt([]).mean_s == pytest.approx(150.0, rel=0.06)
    assert learnt([20.0] * 60).mean_s < 45.0


@pytest.mark.parametrize("duration", [0.0, 1e-9, 0.999, 1.0, 60.0, 4 * 3600.0, 40_000.0, 1e12])
def test_any_duration_is_borne(duration: float) -> None:
    table = learnt([duration] * 30, [duration] * 3)
    assert np.all(np.diff(table.alive) <= 0) and table.alive[0] == 1.0
    assert np.all((table.alive >= 0) & (table.alive <= 1)) and math.isfinite(table.mean_s)


def test_talk_that_is_not_memoryless_is_told_apart_by_its_age() -> None:
    rng = random.Random(3)
    steady = learnt([lognormal(rng, 60.0, 6.0) for _ in range(1500)])
    young, ripe = steady.survival(np.array([30.0, 40.0])), steady.survival(np.array([60.0, 70.0]))
    assert 1.0 - young[1] / young[0] < 0.03
    assert 1.0 - ripe[1] / ripe[0] > 0.8


# ---- tables ------------------------------------------------------------------------------------------------


def holding(talk: list[float], wrap: list[float]) -> Holding:
    hold = Holding(150.0, 20.0)
    for duration in talk:
        hold.talk.learn(duration)
    for duration in wrap:
        hold.wrap.learn(duration)
    hold.rebuild(None, None)
    return hold


def at(table: Array, elapsed: float) -> Array:
    return table[..., int(np.searchsorted(EDGES, elapsed, side="right")) - 1, :]  # type: ignore[no-any-return]


def test_free_within_counts_what_the_lives_of_many_agents_give() -> None:
    rng = random.Random(8)
    lives = [(lognormal(rng, TALK_S, TALK_S), lognormal(rng, 20.0, 10.0)) for _ in range(4000)]
    within = np.array([3.0, 8.0, 15.0, 28.0])
    talk, wrap = holding([t for t, _ in lives], [w for _, w in lives]).free_tables(within)
    usual = int(np.argmin(np.abs(SPEEDS - 1.0)))
    for elapsed in (0.5, 30.5, 120.0, 300.0):
        going_on = [(t, w) for t, w in lives if t > elapsed]
        true = [sum(t + w <= elapsed + v for t, w in going_on) / len(going_on) for v in within]
        assert at(talk[usual], elapsed) == pytest.approx(true, abs=0.03)
    for elapsed in (0.5, 10.5, 25.5):
        going_on = [w for _, w in lives if w > elapsed]
        true = [sum(w <= elapsed + v for w in going_on) / len(going_on) for v in within]
        assert at(wrap, elapsed) == pytest.approx(true, abs=0.04)


def test_tables_are_chances_that_grow_with_the_horizon_and_with_the_agents_speed() -> None:
    talk, wrap = holding(talks(1, 400), [5.0, 10.0, 20.0] * 50).free_tables(np.array([0.0, 1.0, 5.0, 20.0, 60.0]))
    assert talk.shape == (len(SPEEDS), PHASE_BINS, 5) and wrap.shape == (PHASE_BINS, 5)
    for table in (talk, wrap):
        assert np.all((table >= 0) & (table <= 1)) and np.all(np.diff(table, axis=-1) >= -1e-12)
    assert np.all(wrap[:25, 0] < 1e-9) and np.all(talk[..., 0] < 1e-9)
    young = talk[:, int(np.searchsorted(MIDDLES, 30.0)), -1]
    assert young[0] > young[3] > young[-1]  # quick agents are free sooner


@pytest.mark.parametrize("elapsed", [60.0, 120.0, 600.0, 3000.0])
def test_an_agent_who_wraps_up_longer_than_anybody_ever_did_is_not_taken_for_free(elapsed: float) -> None:
    """Wrap-ups that a timer ends all last as long; then one agent forgets to come back."""
    hold = holding([], [5.0, 10.0, 20.0] * 200)
    hold.rebuild(None, np.array([elapsed]))
    _, wrap = hold.free_tables(np.array([0.0, 2.0]))
    assert at(wrap, elapsed)[0] < 1e-6
    assert at(wrap, elapsed)[1] < 0.5


# ---- speeds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "index"), [(0.5, 0), (0.8, 2), (1.0, 3), (1.25, 4), (2.0, 6)])
def test_an_agents_own_speed_is_found_within_some_hundred_calls(factor: float, index: int) -> None:
    known, found = holding(talks(2, 1500), []), []
    for seed in range(12):
        hold, rng = Holding(150.0, 20.0), random.Random(seed)
        hold.restore(known.state())
        for _ in range(400):
            hold.talked("a1", factor * lognormal(rng, TALK_S, 60.0))
        found.append(hold.speed_class("a1"))
    assert all(abs(f - index) <= 1 for f in found)


def test_a_few_calls_say_little_of_an_agent() -> None:
    hold = holding(talks(2, 1500), [])
    assert hold.speed_class("new") == 3
    for _ in range(5):
        hold.talked("new", 20.0)
    assert hold.speed_class("new") == 3


# ---- memory ------------------------------------------------------------------------------------------------


def test_what_was_learnt_comes_back_as_it_was() -> None:
    hold = holding(talks(5, 300), [8.0, 12.0, 30.0] * 40)
    for duration in talks(6, 60):
        hold.talked("a1", 2 * duration)
    hold.rebuild(None, None)
    saved = json.loads(json.dumps(hold.state(), allow_nan=False))
    again = Holding(150.0, 20.0)
    again.restore(saved)
    assert again.state() == saved
    assert again.talk.alive == pytest.approx(hold.talk.alive, abs=1e-3)
    assert again.wrap.alive == pytest.approx(hold.wrap.alive, abs=1e-3)
    assert again.speed_class("a1") == hold.speed_class("a1")


def bad(change: Any, where: str = "talk") -> dict[str, Any]:
    state: dict[str, Any] = json.loads(json.dumps(Holding(150.0, 20.0).state()))
    if isinstance(change, dict) and where in ("talk", "wrap"):
        state[where] |= change
    else:
        state[where] = change
    return state


@pytest.mark.parametrize(
    "state",
    [
        {},
        bad(None),
        bad([], "wrap"),
        bad(None, "agents"),
        bad({"exposure": [1.0]}),
        bad({"exposure": [-1.0] * PHASE_BINS}),
        bad({"ends": [math.nan] * PHASE_BINS}, "wrap"),
        bad({"ends": ["x"] * PHASE_BINS}),
        bad({"phases": [1.0]}),
        bad({"phases": None}),
        bad({"a1": [1.0]}, "agents"),
        bad({"a1": "fast"}, "agents"),
        bad({"a1": None}, "agents"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Holding(150.0, 20.0).restore(state)


@pytest.mark.parametrize(
    "state",
    [
        bad({"phases": [math.nan, 1.0]}),
        bad({"phases": [-4.0, 1.0]}),
        bad({"a1": [math.nan, 1.0]}, "agents"),
        bad({"a1": [1.0, -41.0]}, "agents"),
        bad({"a1": [-300.0, 1.0]}, "agents"),
        bad({"a1": [1e308, 1.0]}, "agents"),
        bad({"a1": [1.0, 1e308]}, "agents"),
        bad({"phases": [1e308, 1e308]}),
        bad({"phases": [4.0, 1e308]}),
        bad({"exposure": [1e308] * PHASE_BINS}),
        bad({"exposure": [5.0] * PHASE_BINS}),  # of no phase at all
        bad({"ends": [1.0] * PHASE_BINS, "phases": [200.0, 2e4]}, "wrap"),  # nobody was there to end
        bad({"exposure": [0.0] * 3 + [50.0] * (PHASE_BINS - 3), "phases": [90.0, 9e3]}),  # back from the dead
    ],
)
def test_impossible_numbers_are_refused(state: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Holding(150.0, 20.0).restore(state)
