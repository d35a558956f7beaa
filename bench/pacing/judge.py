"""The judgement: figures of a cell under a policy, and whether they reach what the table of cells asks.

Owns the statistics and the words of each verdict; pure. The readings:

- Floor: mean busy share ≥ floor − (0.5 points, 1.0 at 5 agents) − 2 × √(s.e.² + 0.4²), 0.4 being the table's own
  standard error.
- Limit: of every single shift, abandoned ÷ answered ≤ 3.00 %, exactly.
- Lawful: what a baseline abandoned in the cell, pooled over its shifts, is at 3.00 % or less, or above it by no more
  than its standard error. Generous: of the rule of the product no single shift may be above.
- Ahead: the mean busy share is above that of each baseline that is lawful in the cell. A baseline that is not is out of
  competition there: settings are chosen within the limit, and nobody may dial so. Being busier than it all the same is
  an aim, so that every cell where it was busier is named with what it abandoned.
- Cost: dials per answer at most 1.1 × mean matching's, connected calls per agent-hour at least 0.9 × its.
- Burst: abandoned ÷ answered in the 300 s after the change, pooled over the seeds, against the best known.
- Back under 3 % within 30 minutes: like the burst, the rate of five minutes, pooled over the seeds: those that end by
  then come down to 3 % or less. An aim beyond that: the rate since the shift's start, 30 minutes after the change, is
  at 3 % or less too. A rule that uses its budget stands at 2.95 % before the change, so that half an hour can hardly
  pay for a burst; the shift's end is judged, by the limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any, Final

from bench.pacing.cache import Shift
from bench.pacing.cells import BURSTS, CHANGE_HOUR, COLD_STARTS, LIMIT, Cell, Policy

TABLE_SE: Final = 0.4
BURST_AIM: Final = 10.0
BACK_WITHIN_MIN: Final = 30
FIVE: Final = 5
FIRST_MIN: Final = 30
COST_MARGIN: Final = 0.10
RIVALS: Final[tuple[Policy, ...]] = ("mean_matching", "vicidial", "ratio")
_EXACT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Figures:
    """A cell under a policy. Shares and rates in %, means over shifts unless pooled is said."""

    seeds: int
    busy: float
    busy_se: float
    abandoned: float  # pooled
    worst_shift: float
    above: int
    dials_per_answer: float
    connected_per_hour: float
    hung_up: float  # of dials, pooled
    worst_5min: float
    first_30min: float  # pooled
    first_30min_shifts_above: int
    lines_peak: int
    cpu_s: float
    busy_by_seed: tuple[float, ...]
    abandoned_by_seed: tuple[float, ...]
    change: Change | None = None

    @property
    def abandoned_se(self) -> float:
        """Standard error of what was abandoned, in points."""
        return standard_error(self.abandoned_by_seed)

    @property
    def lawful(self) -> bool:
        """Whether the limit was kept, as far as these shifts can tell."""
        return self.abandoned - self.abandoned_se <= 100.0 * LIMIT + _EXACT


@dataclass(frozen=True, slots=True)
class Change:
    """The time after a change, pooled over the seeds, in %."""

    burst: float
    answered: int
    abandoned: int
    back_after_min: int | None  # the end of the first five minutes after the burst at 3 % or below
    running_at_30: float
    shifts_above_at_30: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was asked of the predictive rule; an ``aim`` is wished for, and missing it fails nothing."""

    cell: str
    what: str
    ok: bool
    told: str
    aim: bool = False


@dataclass(slots=True)
class Book:
    """All figures of a run: by cell, by policy."""

    figures: dict[str, dict[Policy, Figures]] = field(default_factory=dict)

    def put(self, cell: Cell, policy: Policy, shifts: Sequence[Shift]) -> None:
        """The shifts of a cell under a policy; none is no figure."""
        if shifts:
            self.figures.setdefault(cell.name, {})[policy] = figures_of(cell, shifts)

    def get(self, cell: str, policy: Policy) -> Figures | None:
        """What was measured."""
        return self.figures.get(cell, {}).get(policy)

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return {cell: {policy: asdict(f) for policy, f in rows.items()} for cell, rows in self.figures.items()}


# ---- figures -----------------------------------------------------------------------------------------------


def figures_of(cell: Cell, shifts: Sequence[Shift]) -> Figures:
    """The figures of one or more shifts."""
    rows = [shift["result"] for shift in shifts]
    busy = [100.0 * row["busy_share"] for row in rows]
    rates = [100.0 * row["abandoned"] / row["answered"] if row["answered"] else 0.0 for row in rows]
    first = [_between(shift, 0, FIRST_MIN) for shift in shifts]
    changed = any("at_hour" in change for change in cell.scenario.get("changes", ()))
    return Figures(
        seeds=len(rows),
        busy=round(fmean(busy), 3),
        busy_se=round(standard_error(busy), 3),
        abandoned=_percent(sum(r["abandoned"] for r in rows), sum(r["answered"] for r in rows)),
        worst_shift=round(max(rates), 3),
        above=sum(r["abandoned"] > LIMIT * r["answered"] + _EXACT for r in rows),
        dials_per_answer=round(fmean(r["dials_per_answer"] for r in rows), 4),
        connected_per_hour=round(fmean(r["connected_per_agent_hour"] for r in rows), 4),
        hung_up=_percent(sum(r["hung_up_ringing"] for r in rows), sum(r["dialed"] for r in rows)),
        worst_5min=round(100.0 * max(r["worst_5min_abandon_rate"] for r in rows), 2),
        first_30min=_percent(sum(lost for lost, _ in first), sum(answered for _, answered in first)),
        first_30min_shifts_above=sum(lost > LIMIT * answered + _EXACT for lost, answered in first),
        lines_peak=max(r["lines_peak"] for r in rows),
        cpu_s=round(fmean(shift["cpu_s"] for shift in shifts), 2),
        busy_by_seed=tuple(round(each, 2) for each in busy),
        abandoned_by_seed=tuple(round(each, 3) for each in rates),
        change=_after_change(shifts) if changed else None,
    )


def standard_error(values: Sequence[float]) -> float:
    """Of the mean; 0 for a single value, which tells nothing of its own error."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _percent(part: float, whole: float) -> float:
    return round(100.0 * part / whole, 3) if whole else 0.0


def _between(shift: Shift, begin_min: int, end_min: int) -> tuple[int, int]:
    """(abandoned, answered) between two minutes of a shift."""
    answered, abandoned = shift["series"]["answered"], shift["series"]["abandoned"]

    def at(column: Sequence[int], minute: int) -> int:
        return int(column[min(minute, len(column)) - 1]) if minute > 0 and column else 0

    return (
        at(abandoned, end_min) - at(abandoned, begin_min),
        at(answered, end_min) - at(answered, begin_min),
    )


def pooled(shifts: Sequence[Shift], begin_min: int, end_min: int) -> tuple[int, int]:
    """(abandoned, answered) between two minutes, over all shifts."""
    parts = [_between(shift, begin_min, end_min) for shift in shifts]
    return sum(lost for lost, _ in parts), sum(answered for _, answered in parts)


def _after_change(shifts: Sequence[Shift]) -> Change:
    at = int(60 * CHANGE_HOUR)
    lost, answered = pooled(shifts, at, at + FIVE)
    back = None
    for end in range(at + FIVE, at + 4 * 60 + 1):
        late_lost, late_answered = pooled(shifts, end - FIVE, end)
        if late_lost <= LIMIT * late_answered + _EXACT:
            back = end - at
            break
    running = [_between(shift, 0, at + BACK_WITHIN_MIN) for shift in shifts]
    return Change(
        burst=_percent(lost, answered),
        answered=answered,
        abandoned=lost,
        back_after_min=back,
        running_at_30=_percent(sum(r[0] for r in running), sum(r[1] for r in running)),
        shifts_above_at_30=sum(r[0] > LIMIT * r[1] + _EXACT for r in running),
    )


# ---- verdicts ----------------------------------------------------------------------------------------------


def slack(cell: Cell, se: float) -> float:
    """How far below the table's number a mean may lie, in points."""
    return (1.0 if cell.agents <= 5 else 0.5) + 2.0 * math.hypot(se, TABLE_SE)


def verdicts(cell: Cell, book: Book, ours: Policy = "predictive") -> list[Verdict]:
    """Everything that is asked of this cell and that was measured."""
    own = book.get(cell.name, ours)
    if own is None:
        return []
    found = [_limit(cell, own)]
    if cell.floor is not None:
        found.append(_floor(cell, own))
        found.append(_aim(cell, own))
    found += _ahead(cell, own, book)
    found += _cost(cell, own, book)
    if own.change is not None:
        found += _burst(cell, own.change)
    if cell.name in COLD_STARTS:
        best = COLD_STARTS[cell.name]
        told = f"first half hour {own.first_30min:.2f} % pooled, best known {best:.1f} %"
        found.append(Verdict(cell.name, "cold start", own.first_30min <= best, told))
    return found


def _limit(cell: Cell, own: Figures) -> Verdict:
    told = f"{own.above} of {own.seeds} shifts above 3.00 %, the worst {own.worst_shift:.3f} %"
    return Verdict(cell.name, "limit", own.above == 0, told)


def _floor(cell: Cell, own: Figures) -> Verdict:
    assert cell.floor is not None
    least = cell.floor - slack(cell, own.busy_se)
    told = (
        f"busy {own.busy:.2f} ± {own.busy_se:.2f} %, {own.busy - cell.floor:+.2f} from the floor {cell.floor:.1f} % "
        f"(may be {least - cell.floor:+.2f})"
    )
    return Verdict(cell.name, "floor", own.busy >= least, told)


def _aim(cell: Cell, own: Figures) -> Verdict:
    assert cell.aim is not None
    told = f"busy {own.busy:.2f} ± {own.busy_se:.2f} %, {own.busy - cell.aim:+.2f} from the aim {cell.aim:.1f} %"
    return Verdict(cell.name, "aim", own.busy >= cell.aim - slack(cell, own.busy_se), told, aim=True)


def rivals(cell: Cell, book: Book) -> dict[Policy, Figures]:
    """The baselines that were measured in a cell, the busiest first."""
    found = {policy: other for policy in RIVALS if (other := book.get(cell.name, policy)) is not None}
    return dict(sorted(found.items(), key=lambda each: -each[1].busy))


def ahead_by(own: Figures, other: Figures) -> tuple[float, float]:
    """(mean, standard error) of how much busier ``own`` was, shift by shift on the seeds that both dialed.

    The mean over all seeds judges; this says how much of a difference is the seeds'.
    """
    both = [a - b for a, b in zip(own.busy_by_seed, other.busy_by_seed, strict=False)]
    return fmean(both), standard_error(both)


def _ahead(cell: Cell, own: Figures, book: Book) -> list[Verdict]:
    found = []
    others = rivals(cell, book)
    for policy in RIVALS:
        if policy in others:
            other = others[policy]
            told = f"busy {own.busy:.2f} %, {policy} {other.busy:.2f} % (it abandoned {other.abandoned:.2f} %)"
            busier = own.busy > other.busy
            if other.lawful:
                found.append(Verdict(cell.name, f"ahead of {policy} where it is lawful", busier, told))
            found.append(Verdict(cell.name, f"busier than {policy}, lawful or not", busier, told, aim=True))
    lawful = {policy: other for policy, other in others.items() if other.lawful}
    if others:
        told = ", ".join(f"{policy} {other.busy:.2f} %" for policy, other in lawful.items()) or "none is lawful"
        behind = all(other.busy < own.busy for other in lawful.values())
        found.append(Verdict(cell.name, "ahead of every lawful baseline", behind, f"busy {own.busy:.2f} %; {told}"))
    return found


def _cost(cell: Cell, own: Figures, book: Book) -> list[Verdict]:
    other = book.get(cell.name, "mean_matching")
    if other is None:
        return []
    dials = f"{own.dials_per_answer:.2f} dials an answer, mean matching {other.dials_per_answer:.2f}"
    calls = f"{own.connected_per_hour:.2f} calls an agent-hour, mean matching {other.connected_per_hour:.2f}"
    return [
        Verdict(
            cell.name,
            "dials per answer",
            own.dials_per_answer <= (1.0 + COST_MARGIN) * other.dials_per_answer,
            dials,
        ),
        Verdict(
            cell.name,
            "connected per agent-hour",
            own.connected_per_hour >= (1.0 - COST_MARGIN) * other.connected_per_hour,
            calls,
        ),
    ]


def _burst(cell: Cell, change: Change) -> list[Verdict]:
    found = []
    best = BURSTS.get(cell.name)
    if best is not None:
        told = f"{change.burst:.2f} % of {change.answered} answers in the five minutes after, best known {best:.1f} %"
        found.append(Verdict(cell.name, "burst", change.burst < best, told))
        told = f"{change.burst:.2f} %, aim below {BURST_AIM:g} %"
        found.append(Verdict(cell.name, "burst below 10 %", change.burst < BURST_AIM, told, aim=True))
    if cell.kind == "doubles":
        in_time = change.back_after_min is not None and change.back_after_min <= BACK_WITHIN_MIN
        back = "never" if change.back_after_min is None else f"{change.back_after_min} min after the change"
        told = f"five minutes at 3 % or less: {back}"
        found.append(Verdict(cell.name, "back within 30 minutes", in_time, told))
        told = f"{change.running_at_30:.2f} % since the start at +30 min, {change.shifts_above_at_30} shifts above 3 %"
        paid = change.running_at_30 <= 100.0 * LIMIT + _EXACT
        found.append(Verdict(cell.name, "burst paid for within 30 minutes", paid, told, aim=True))
    return found
