"""`make bench-pacing-short`: the regression gate of CI. A few shifts with fixed seeds against pinned floors.

Owns the shifts and the floors of the gate. A change that lowers a figure for a good reason moves its floor here, in
the same commit, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bench.pacing.agenda import Pace, guess_s
from bench.pacing.cache import Cache, Job, Shift, job
from bench.pacing.cells import CELLS, FIRST_SEED
from bench.pacing.judge import figures_of

TOLERANCE: Final = 0.7
"""Points that a mean may lie below its pin: the same code gives the same figures, another numpy may not."""
COST_LIMITS_MS: Final[dict[int, float]] = {300: 2.0, 1000: 5.0}
COST_HOURS: Final[dict[int, float]] = {300: 0.35, 1000: 0.3}


@dataclass(frozen=True, slots=True)
class Gate:
    """One cell of the gate. ``pin``: the mean busy share in % that these seeds gave when it was set."""

    cell: str
    seeds: int
    hours: float
    pin: float

    def jobs(self) -> list[Job]:
        """The shifts, the longest-running cells' first seeds."""
        cell = CELLS[self.cell]
        seeds = range(FIRST_SEED, FIRST_SEED + self.seeds)
        return [job(cell, "predictive", {}, seed, self.hours) for seed in seeds]


GATES: Final = (
    Gate("10/.3", 4, 8.0, 84.4),
    Gate("20/.15", 2, 8.0, 88.4),
    Gate("50/.3", 2, 4.0, 94.1),
    Gate("doubles/20/.15", 4, 8.0, 88.6),
)


class GateAgenda:
    """The gate's shifts in the way in which ``run`` asks for them; the longest first, so that no worker waits."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._jobs = sorted((j for gate in GATES for j in gate.jobs()), key=lambda j: -CELLS[j.cell].agents)
        self.pace = Pace({})

    def next(self, at_work: set[Job]) -> Job | None:
        """The next one that is not there."""
        return next((j for j in self._jobs if j not in at_work and self._cache.get(j) is None), None)

    def left(self) -> list[Job]:
        """Those that are not there."""
        return [j for j in self._jobs if self._cache.get(j) is None]

    def left_s(self) -> float:
        """CPU seconds of those that are not there, about."""
        return sum(guess_s(j.policy, CELLS[j.cell]) for j in self.left())

    def shifts(self) -> int:
        """How many there are."""
        return len(self._jobs)


def judged(cache: Cache, costs: dict[int, dict[str, float]]) -> tuple[list[str], list[str]]:
    """(lines to print, sentences that say what fails)."""
    lines, faults = [], []
    for gate in GATES:
        shifts: list[Shift] = [s for s in map(cache.get, gate.jobs()) if s is not None]
        if len(shifts) < gate.seeds:
            faults.append(f"{gate.cell}: {gate.seeds - len(shifts)} of {gate.seeds} shifts were not run")
            continue
        figures = figures_of(CELLS[gate.cell], shifts)
        line = (
            f"{gate.cell}: busy {figures.busy:.2f} % (pinned {gate.pin:.1f} - {TOLERANCE}), "
            f"abandoned {figures.abandoned:.2f} %, worst shift {figures.worst_shift:.3f} %"
        )
        if figures.change is not None:
            line += f", after the change {figures.change.burst:.1f} %"
        lines.append(line)
        if figures.busy < gate.pin - TOLERANCE:
            faults.append(
                f"{gate.cell}: agents are busy {figures.busy:.2f} % of their time, below the pinned floor "
                f"{gate.pin - TOLERANCE:.2f} %"
            )
        if figures.above:
            faults.append(
                f"{gate.cell}: {figures.above} of {gate.seeds} shifts abandon more than 3.00 % "
                f"(the worst {figures.worst_shift:.3f} %)"
            )
    cost_lines, cost_faults = judged_costs(costs)
    return lines + cost_lines, faults + cost_faults


def judged_costs(costs: dict[int, dict[str, float]]) -> tuple[list[str], list[str]]:
    """The same for what a decision costs."""
    lines, faults = [], []
    for agents, limit in COST_LIMITS_MS.items():
        cost: dict[str, Any] | None = costs.get(agents)
        if cost is None:
            faults.append(f"a decision at {agents} agents was not measured")
            continue
        lines.append(
            f"a decision at {agents} agents, {cost['ringing']:.0f} calls ringing: median {cost['median_ms']:.2f} ms of "
            f"CPU (at most {limit:g}), mean {cost['mean_ms']:.2f}, 99 % {cost['p99_ms']:.2f}"
        )
        if cost["median_ms"] > limit:
            faults.append(
                f"a decision at {agents} agents costs {cost['median_ms']:.2f} ms of CPU, more than {limit:g} ms"
            )
    return lines, faults
