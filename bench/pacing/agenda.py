"""What is run next: the order of the work, what is left of it, and how long that will take.

Owns the order, the most informative first: the rule of the product on a few seeds everywhere, then the baselines on
a few, then more seeds. Pure but for the cache's look-ups; starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.pacing.cache import Cache, Job, job
from bench.pacing.cells import BASELINES, CELLS, TUNED, Cell, Policy
from bench.pacing.tuning import EVALUATIONS, Choice, choose, vicidial_settings

OWN: Final[tuple[Policy, ...]] = ("predictive", "predictive_known")
_ROUNDS: Final[tuple[tuple[tuple[Policy, ...], int], ...]] = (
    (OWN, 2),
    (("progressive", "mean_matching"), 2),
    (OWN, 4),
    (("ratio", "vicidial"), 2),
    (OWN, 8),
    (BASELINES, 1_000),
    (OWN, 20),
    (OWN, 1_000),
)
"""Policies, and up to how many seeds."""

_COST: Final[dict[Policy, tuple[float, float]]] = {
    "predictive": (0.75, 0.043),
    "predictive_known": (0.75, 0.043),
    "mean_matching": (0.20, 0.016),
    "vicidial": (0.20, 0.012),
    "ratio": (0.05, 0.010),
    "progressive": (0.03, 0.008),
}
"""CPU seconds of a simulated hour: so many, and so many more for each agent (measured on one core of 2026)."""


def guess_s(policy: Policy, cell: Cell) -> float:
    """CPU seconds that a shift is going to take, before anything was measured here. Low answer rates dial more."""
    fixed, each = _COST[policy]
    return cell.hours * (fixed + each * cell.agents) * (0.85 + 0.045 / cell.p)


@dataclass(slots=True)
class Pace:
    """How far measured times lie from the guesses, by policy; the newest count most."""

    factors: dict[Policy, float]

    def learn(self, policy: Policy, guessed_s: float, took_s: float) -> None:
        """A shift took so long."""
        if guessed_s > 0:
            self.factors[policy] = 0.8 * self.factors.get(policy, 1.0) + 0.2 * took_s / guessed_s

    def expect_s(self, policy: Policy, cell: Cell) -> float:
        """What a shift is going to take."""
        return guess_s(policy, cell) * self.factors.get(policy, 1.0)


class Agenda:
    """Which shifts there are to run. ``cells`` and ``policies`` limit it, ``most_seeds`` too."""

    def __init__(
        self, cache: Cache, cells: Sequence[Cell], policies: Sequence[Policy], most_seeds: int | None = None
    ) -> None:
        self._cache = cache
        self._most = most_seeds or 1_000
        self._wishes = list(self._ordered(cells, policies))
        self._choices: dict[tuple[str, Policy], Choice] = {}
        self.pace = Pace({})

    def _ordered(self, cells: Sequence[Cell], policies: Sequence[Policy]) -> Iterator[tuple[Cell, Policy, int]]:
        told: set[tuple[str, Policy, int]] = set()
        for group, limit in _ROUNDS:
            wishes = [
                (cell, policy, seed)
                for cell in cells
                for policy in group
                if policy in policies and policy in cell.policies()
                for seed in cell.seeds(policy)[: min(limit, self._most)]
            ]
            for cell, policy, seed in sorted(wishes, key=lambda wish: guess_s(wish[1], wish[0])):
                if (cell.name, policy, seed) not in told:
                    told.add((cell.name, policy, seed))
                    yield cell, policy, seed

    def choice(self, cell: Cell, policy: Policy) -> Choice:
        """The policy's settings for a cell, as far as they are known."""
        key = (cell.tuned_as, policy)
        known = self._choices.get(key)
        if known is None or known.options is None:
            known = self._choices[key] = choose(policy, CELLS[cell.tuned_as], self._cache.get)
        return known

    def next(self, at_work: set[Job]) -> Job | None:
        """The next shift to start beside those at work; None when there is nothing to start now."""
        done = 0
        for cell, policy, seed in self._wishes:
            choice = self.choice(cell, policy)
            if choice.options is None:
                for needed in choice.missing:
                    if needed not in at_work:
                        return needed
                continue
            wanted = job(cell, policy, choice.options, seed)
            if wanted not in at_work and self._cache.get(wanted) is None:
                return wanted
            done += 1
        return None

    def left(self) -> list[tuple[Cell, Policy, int]]:
        """The shifts that judge and are not there."""
        found = []
        for cell, policy, seed in self._wishes:
            options = self.choice(cell, policy).options
            if options is None or self._cache.get(job(cell, policy, options, seed)) is None:
                found.append((cell, policy, seed))
        return found

    def left_s(self) -> float:
        """CPU seconds of what is left, tuning included."""
        total = sum(self.pace.expect_s(policy, cell) for cell, policy, _ in self.left())
        wished = {(cell.tuned_as, policy) for cell, policy, _ in self._wishes if policy in TUNED}
        for name, policy in sorted(wished):
            cell = CELLS[name]
            choice = self.choice(cell, policy)
            if choice.options is not None:
                continue
            shifts = len(choice.missing)
            if policy != "vicidial":
                shifts = EVALUATIONS * len(cell.tuning_seeds())  # at most: some of them are there already
            total += shifts * self.pace.expect_s(policy, cell)
        return total

    def shifts(self) -> int:
        """How many shifts are judged in all."""
        return len(self._wishes)


def tuning_shifts(cell: Cell, policy: Policy) -> int:
    """How many shifts the tuning of a cell takes."""
    if policy not in TUNED:
        return 0
    settings = len(vicidial_settings(cell)) if policy == "vicidial" else EVALUATIONS
    return settings * len(cell.tuning_seeds())
