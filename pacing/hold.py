"""How long an agent who talks or wraps up stays so: hazards by elapsed time, learnt from exposure.

Owns the two life tables (talk, wrap-up), the agents' own speeds, and the table "P(free within v | phase, elapsed)".
Phases that still go on count with the time they have lasted, or at a cold start only the short calls would be known.
Must read no clock.
"""

from __future__ import annotations

import numpy as np

from pacing.ring import Array, lognormal_cdf

FINE_S = 60
LONG_S = 4 * 3600.0
LONGEST_S = 12 * 3600.0
"""No phase lasts longer: what seems to comes from a broken clock."""
GROWTH = 1.06
PRIOR_PHASES = 8.0
"""The prior weighs as much as this many calls."""
MEMORY_PHASES = 4000.0
ROUNDED_PHASES = 1.0
"""By so many phases the sums of a saved state may disagree: they are saved rounded, restart after restart."""
MEMORY_OWN = 500.0
"""An agent's own talks are forgotten sooner."""
SPEEDS = np.array([0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0])
"""Agents are told apart in these steps: how long their talks last against the campaign's mean."""
SPEED_PRIOR = 40.0
"""An agent's own mean counts fully only after many calls more than this."""
RESIDUAL_STEP_S = 1.0
NOBODY_LEFT = 1e-30


def _edges() -> Array:
    edges = [float(i) for i in range(FINE_S + 1)]
    while edges[-1] < LONG_S:
        edges.append(edges[-1] * GROWTH)
    return np.array(edges)


EDGES = _edges()
WIDTHS = np.diff(EDGES)
MIDDLES = EDGES[:-1] + 0.5 * WIDTHS
PHASE_BINS = len(WIDTHS)


class LifeTable:
    """The hazard of one phase by elapsed time."""

    def __init__(self, prior_mean_s: float, prior_cv: float) -> None:
        self._exposure = np.zeros(PHASE_BINS)
        self._ends = np.zeros(PHASE_BINS)
        self.phases = 0.0
        by = lognormal_cdf(EDGES, prior_mean_s, prior_mean_s * prior_cv)
        by[-1] = 1.0
        self._prior_ends = PRIOR_PHASES * np.diff(by)
        self._prior_exposure = PRIOR_PHASES * WIDTHS * (1.0 - 0.5 * (by[1:] + by[:-1]))
        self.sum_s = 0.0
        self.alive: Array
        self.rebuild(None)

    def learn(self, duration_s: float) -> None:
        """One phase that ended by itself after ``duration_s``."""
        fade = 1.0 - 1.0 / MEMORY_PHASES
        self._exposure *= fade
        self._ends *= fade
        self.phases = self.phases * fade + 1.0
        self.sum_s = self.sum_s * fade + duration_s
        last = min(int(np.searchsorted(EDGES, duration_s, side="right")) - 1, PHASE_BINS - 1)
        self._exposure[:last] += WIDTHS[:last]
        self._exposure[last] += min(duration_s - EDGES[last], WIDTHS[last])
        self._ends[last] += 1.0

    def rebuild(self, running_s: Array | None) -> None:
        """Make ``alive`` (the survival at ``EDGES``) anew; phases that still go on count as exposure."""
        exposure = self._exposure + self._prior_exposure
        if running_s is not None and len(running_s):
            bins = np.clip(np.searchsorted(EDGES, running_s, side="right") - 1, 0, PHASE_BINS - 1)
            counts = np.bincount(bins, minlength=PHASE_BINS).astype(np.float64)
            older = np.cumsum(counts[::-1])[::-1] - counts
            exposure = exposure + older * WIDTHS
            np.add.at(exposure, bins, np.minimum(running_s - EDGES[bins], WIDTHS[bins]))
        hazard = (self._ends + self._prior_ends) / np.maximum(exposure, 1e-9)
        self.alive = np.concatenate(([1.0], np.exp(-np.minimum(np.cumsum(hazard * WIDTHS), 60.0))))

    def survival(self, at_s: Array) -> Array:
        """P(lasts longer than ``at_s``)."""
        return np.interp(at_s, EDGES, self.alive)

    @property
    def mean_s(self) -> float:
        """The mean duration."""
        return float(np.sum(WIDTHS * 0.5 * (self.alive[1:] + self.alive[:-1])))

    def state(self) -> dict[str, list[float]]:
        """What was learnt, for ``restore``."""
        return {
            "exposure": [round(float(x), 3) for x in self._exposure],
            "ends": [round(float(x), 4) for x in self._ends],
            "phases": [round(self.phases, 2), round(self.sum_s, 2)],
        }

    def restore(self, state: dict[str, list[float]]) -> None:
        """Take over what ``state`` said. Raises ValueError when it does not fit."""
        arrays = [np.asarray(state[name], dtype=np.float64) for name in ("exposure", "ends")]
        phases, sum_s = (float(x) for x in state["phases"])
        most = phases + ROUNDED_PHASES
        if not (0.0 <= phases <= MEMORY_PHASES + ROUNDED_PHASES and 0.0 <= sum_s <= most * LONGEST_S):
            raise ValueError("a life table of an impossible number of phases")
        if any(a.shape != (PHASE_BINS,) or not np.all((a >= 0) & (a <= most * WIDTHS)) for a in arrays):
            raise ValueError("a life table of another size or with impossible values")
        exposure, ends = (a.copy() for a in arrays)
        # Who ends in a bin was there in all bins before it, and nobody was there who had not begun.
        ended = np.cumsum(ends[::-1])[::-1]
        there = np.concatenate(([phases], exposure / WIDTHS)) + ROUNDED_PHASES
        if np.any(ended > there[:-1]) or np.any(there[1:] > there[:-1] + ROUNDED_PHASES):
            raise ValueError("a life table that no phases can have left")
        self._exposure, self._ends = exposure, ends
        self.phases, self.sum_s = phases, sum_s
        self.rebuild(None)


class Holding:
    """Talk and wrap-up of a campaign's customers, and the agents' speeds."""

    def __init__(self, prior_talk_s: float, prior_wrap_s: float) -> None:
        self.talk = LifeTable(prior_talk_s, 1.0)
        self.wrap = LifeTable(max(prior_wrap_s, 0.5), 0.7)
        self._own: dict[str, tuple[float, float]] = {}  # agent: (sum of talk ÷ mean, calls)

    def talked(self, agent: str, duration_s: float) -> None:
        """A conversation of ``agent`` ended."""
        self.talk.learn(duration_s)
        total, calls = self._own.get(agent, (0.0, 0.0))
        fade = 1.0 - 1.0 / MEMORY_OWN
        self._own[agent] = total * fade + duration_s / max(self.talk.mean_s, 1.0), calls * fade + 1.0

    def speed_class(self, agent: str) -> int:
        """Index into ``SPEEDS``: the agent's own talk time, drawn towards the mean while little is known."""
        total, calls = self._own.get(agent, (0.0, 0.0))
        ratio = (total + SPEED_PRIOR) / (calls + SPEED_PRIOR)
        return int(np.argmin(np.abs(np.log(SPEEDS / ratio))))

    def rebuild(self, talking_s: Array | None, wrapping_s: Array | None) -> None:
        """Make the survival curves anew."""
        self.talk.rebuild(talking_s)
        self.wrap.rebuild(wrapping_s)

    def free_tables(self, within_s: Array) -> tuple[Array, Array]:
        """(talk[speed, bin, horizon], wrap[bin, horizon]): P(free within ``within_s`` | elapsed bin)."""
        wrap_alive = self.wrap.survival(MIDDLES)
        later = self.wrap.survival(MIDDLES[:, None] + within_s[None, :])
        wrap = 1.0 - later / np.maximum(wrap_alive[:, None], NOBODY_LEFT)
        # Talk ends in step k, then the wrap-up must fit into what is left.
        steps = np.arange(0.0, float(np.max(within_s)) + RESIDUAL_STEP_S, RESIDUAL_STEP_S)
        middle = steps[:-1] + 0.5 * RESIDUAL_STEP_S
        left = within_s[None, :] - middle[:, None]
        done = np.where(left > 0, 1.0 - self.wrap.survival(np.maximum(left, 0.0)), 0.0)
        talk = np.empty((len(SPEEDS), PHASE_BINS, len(within_s)))
        for index, speed in enumerate(SPEEDS):
            alive = self.talk.survival((MIDDLES[:, None] + steps[None, :]) / speed)
            ends = -np.diff(alive, axis=1) / np.maximum(alive[:, :1], NOBODY_LEFT)
            talk[index] = ends @ done
        return np.clip(talk, 0.0, 1.0), np.clip(wrap, 0.0, 1.0)

    def state(self) -> dict[str, object]:
        """What was learnt, for ``restore``."""
        return {
            "talk": self.talk.state(),
            "wrap": self.wrap.state(),
            "agents": {name: [round(t, 4), round(n, 2)] for name, (t, n) in self._own.items()},
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take over what ``state`` said. Raises ValueError, KeyError, TypeError when it does not fit."""
        talk, wrap, agents = state["talk"], state["wrap"], state["agents"]
        if not (isinstance(talk, dict) and isinstance(wrap, dict) and isinstance(agents, dict)):
            raise ValueError("a life table is missing")
        own = {str(name): (float(t), float(n)) for name, (t, n) in agents.items()}
        most = MEMORY_OWN + ROUNDED_PHASES
        if not all(0.0 <= n <= most and 0.0 <= t <= (n + ROUNDED_PHASES) * LONGEST_S for t, n in own.values()):
            raise ValueError("an agent with impossible talk times")
        self.talk.restore(talk)
        self.wrap.restore(wrap)
        self._own = own
