"""The baselines' best settings, found on seeds that judge nobody.

Owns the settings that are tried and the choice among them; pure: results are looked up, what is missing is named.
VICIdial gets the best busy share of its settings that keep 3 % on the tuning seeds, mean matching and the fixed ratio
the largest value that does (by bisection: more lines abandon more). All are tuned in the table's own cell, so hard
cases find the rule as it was set for the day before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bench.pacing.cache import Job, Options, Shift, job
from bench.pacing.cells import LIMIT, TUNED, Cell, Policy

Look = Callable[[Job], Shift | None]

FACTORS: Final = tuple(round(0.05 * 1.0253**step, 4) for step in range(127))
"""0.05 … 1.16"""
RATIOS: Final = tuple(round(1.0 + 0.1 * step, 1) for step in range(91))
EVALUATIONS: Final = 7
_SHARES: Final = (0.3, 0.55, 0.7, 0.85, 1.0)
_BUSY: Final = (0.6, 0.68, 0.73, 0.77, 0.8, 0.83, 0.86, 0.88, 0.9, 0.92, 0.94, 0.955)
_OCCUPANCY, _HOLD_S, _TALK_S, _WRAP_S = 0.9, 140.0, 120.0, 20.0


class Measured(NamedTuple):
    """A setting on the tuning seeds: abandon rate and busy share (0–1)."""

    rate: float
    busy: float


@dataclass(frozen=True, slots=True)
class Choice:
    """``options`` once everything is known, else the shifts that are still ``missing`` for the next step."""

    options: Options | None
    missing: tuple[Job, ...] = ()
    rate: float = 0.0
    busy: float = 0.0


def choose(policy: Policy, cell: Cell, look: Look) -> Choice:
    """The settings of ``policy`` for a cell of the table."""
    if policy not in TUNED:
        return Choice({})
    if policy == "vicidial":
        return _best(cell, vicidial_settings(cell), look)
    if policy == "mean_matching":
        return _bisect(cell, policy, [{"factor": each} for each in FACTORS], look)
    return _bisect(cell, policy, [{"lines": each} for each in RATIOS], look)


def vicidial_settings(cell: Cell) -> list[dict[str, Any]]:
    """What an able VICIdial operator would try, 22 settings or more.

    The way it comes out of the box, some agents kept ready, and the level's cap around what the floor needs: counted
    on all agents; on ready agents only, whom the calls in existence outnumber; and on these without conversations.
    """
    ring_s = 12.0 * cell.p + 2.0 * 0.1 + 27.5 * max(0.0, 0.9 - cell.p)
    calls = (_TALK_S + ring_s / cell.p) / _HOLD_S  # in existence, for each agent who is busy
    most = _OCCUPANCY * calls / (1.0 - _OCCUPANCY * _WRAP_S / _HOLD_S)
    found: list[dict[str, Any]] = [{}, {"adapt": "TAPERED"}]
    found += [{"target": -round(0.1 * cell.agents, 2)}]
    found += [{"max": round(1.0 + (most - 1.0) * share, 3)} for share in _SHARES]
    for busy in _BUSY[::2]:
        found.append({"max": max(1.0, round(calls * busy / (1.0 - busy), 2)), "available_only": True})
    ringing = ring_s / cell.p / _HOLD_S
    for busy in _BUSY:
        cap = max(1.0, round(ringing * busy / (1.0 - busy), 2))
        found.append({"max": cap, "available_only": True, "conversations": False})
    return [each for i, each in enumerate(found) if each not in found[:i]]


def _jobs(cell: Cell, policy: Policy, options: Options) -> list[Job]:
    return [job(cell, policy, options, seed) for seed in cell.tuning_seeds()]


def _measured(cell: Cell, policy: Policy, options: Options, look: Look) -> Measured | tuple[Job, ...]:
    """Pooled over the tuning seeds, or the shifts that are missing for it."""
    jobs = _jobs(cell, policy, options)
    shifts = [look(each) for each in jobs]
    missing = tuple(each for each, shift in zip(jobs, shifts, strict=True) if shift is None)
    if missing:
        return missing
    results = [shift["result"] for shift in shifts if shift is not None]
    answered = sum(result["answered"] for result in results)
    rate = sum(result["abandoned"] for result in results) / max(1, answered)
    return Measured(rate, sum(result["busy_share"] for result in results) / len(results))


def _bisect(cell: Cell, policy: Policy, grid: Sequence[Options], look: Look) -> Choice:
    low, high = 0, len(grid) - 1
    kept = Measured(0.0, 0.0)
    while low < high:
        middle = (low + high + 1) // 2
        found = _measured(cell, policy, grid[middle], look)
        if not isinstance(found, Measured):
            return Choice(None, found)
        if found.rate <= LIMIT:
            low, kept = middle, found
        else:
            high = middle - 1
    return Choice(grid[low], (), kept.rate, kept.busy)


def _best(cell: Cell, settings: Sequence[Options], look: Look) -> Choice:
    rows: list[tuple[Measured, Options]] = []
    missing: list[Job] = []
    for options in settings:
        found = _measured(cell, "vicidial", options, look)
        if isinstance(found, Measured):
            rows.append((found, options))
        else:
            missing += found
    if missing:
        return Choice(None, tuple(missing))
    keeping = [row for row in rows if row[0].rate <= LIMIT]
    kept, options = max(keeping, key=lambda row: row[0].busy) if keeping else min(rows, key=lambda row: row[0].rate)
    return Choice(options, (), kept.rate, kept.busy)
