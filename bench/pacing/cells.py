"""What is measured: the table of cells and the hard cases, as scenarios, with their seeds.

Owns the goals (floors, aims, best known bursts: what an independent simulator reached in the same cells) and which
seeds judge and which tune. Runs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

ROOT: Final = Path(__file__).resolve().parents[2]
Policy = Literal["predictive", "predictive_known", "mean_matching", "vicidial", "ratio", "progressive"]
POLICIES: Final[tuple[Policy, ...]] = (
    "predictive", "predictive_known", "mean_matching", "vicidial", "ratio", "progressive"
)  # fmt: skip
BASELINES: Final[tuple[Policy, ...]] = ("mean_matching", "vicidial", "ratio", "progressive")
TUNED: Final[tuple[Policy, ...]] = ("mean_matching", "vicidial", "ratio")

LIMIT: Final = 0.03
FIRST_SEED, TUNING_SEED = 101, 9001
"""Judged are seeds 101, 102, …: nobody tuned anything on them. Baselines are tuned on 9001 and following."""
CHANGE_HOUR: Final = 4.0
LEADS_PER_AGENT: Final = 400
"""A list of this length runs out in the fifth or sixth hour."""
TALK_TIMES: Final = (
    ROOT.parent / "shared" / "data" / "bank-full.csv",
    ROOT / "config" / "examples" / "leads" / "bank-sample.csv",
)
"""The first that is there."""

# The table of cells.
# agents, p: 1:1, VICIdial default, VICIdial best of 20, mean matching, learnt + hang-up (the floor), known + hang-up
# (the aim), agents' future known. Busy share in %.
PAGE: Final[dict[tuple[int, float], tuple[float, float, float | None, float, float, float, float]]] = {
    (5, 0.15): (48.4, 49.5, None, 70.1, 75.1, 77.3, 76.8),
    (5, 0.3): (68.2, 68.1, None, 75.5, 79.7, 81.2, 81.3),
    (5, 0.5): (80.4, 80.7, None, 83.4, 84.2, 85.5, 86.9),
    (10, 0.15): (48.5, 50.4, None, 76.2, 83.1, 83.9, 83.9),
    (10, 0.3): (67.9, 68.3, 81.5, 78.7, 85.1, 85.7, 85.8),
    (10, 0.5): (80.7, 80.8, None, 81.4, 87.2, 88.2, 89.1),
    (20, 0.15): (48.3, 50.6, None, 83.8, 88.5, 88.4, 89.5),
    (20, 0.3): (67.3, 68.7, None, 85.3, 89.4, 89.9, 90.5),
    (20, 0.5): (80.6, 81.1, None, 86.2, 90.4, 91.1, 92.0),
    (50, 0.15): (48.1, 50.9, None, 90.7, 93.5, 93.6, 94.3),
    (50, 0.3): (67.7, 68.8, 90.8, 91.9, 93.9, 94.5, 95.0),
    (50, 0.5): (80.3, 81.2, None, 92.6, 94.2, 95.0, 95.6),
    (100, 0.15): (48.3, 52.3, None, 93.7, 96.1, 96.4, 96.8),
    (100, 0.3): (67.2, 68.6, 90.6, 95.0, 96.5, 96.7, 97.1),
    (100, 0.5): (80.4, 81.3, None, 95.6, 96.4, 97.0, 97.5),
    (300, 0.15): (48.5, 51.8, None, 96.1, 98.5, 98.7, 99.1),
    (300, 0.3): (67.4, 68.8, None, 97.8, 98.4, 99.0, 99.1),
    (300, 0.5): (80.4, 81.2, None, 98.2, 98.3, 98.9, 99.2),
}
BURSTS: Final[dict[str, float]] = {
    "doubles/10/.15": 7.7, "doubles/20/.15": 14.0, "doubles/100/.15": 13.8,
    "doubles/10/.3": 12.5, "doubles/20/.3": 10.9, "doubles/100/.3": 15.1,
    "lunch/10": 4.1, "lunch/20": 3.5, "lunch/100": 6.8,
}  # fmt: skip
"""What the best known policy abandons in the five minutes after the change, in %."""
COLD_STARTS: Final[dict[str, float]] = {"10/.3": 3.4, "20/.3": 4.8, "100/.3": 5.3}
"""What it abandons in the first half hour, in %; the shifts are the table's own."""

TEAMS: Final = (10, 20, 100)


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the benchmark. ``scenario`` has no policy; ``tuned_as`` is the cell whose tuning baselines use."""

    name: str
    kind: str
    agents: int
    p: float
    scenario: dict[str, Any] = field(hash=False)
    tuned_as: str
    own_seeds: int
    title: str
    floor: float | None = None
    aim: float | None = None

    @property
    def hours(self) -> float:
        """How long the shift is."""
        return float(self.scenario["shift_hours"])

    def seeds(self, policy: Policy) -> tuple[int, ...]:
        """The seeds that judge: baselines get the first ones of the same list."""
        count = self.own_seeds
        if policy in BASELINES:
            count = min(count, 8 if self.agents <= 20 else 4 if self.agents <= 100 else 2)
        return tuple(range(FIRST_SEED, FIRST_SEED + count))

    def tuning_seeds(self) -> tuple[int, ...]:
        """Small teams answer few calls in a shift: three of theirs tell as much as one of a large one."""
        count = 3 if self.agents <= 10 else 2 if self.agents <= 20 else 1
        return tuple(range(TUNING_SEED, TUNING_SEED + count))

    def policies(self) -> tuple[Policy, ...]:
        """Who is measured here; only where leads differ can somebody know them."""
        return tuple(p for p in POLICIES if p != "predictive_known" or self.kind == "mixed-leads")


def short_p(p: float) -> str:
    """0.15 as the names have it: .15"""
    return f"{p:g}".lstrip("0")


@cache
def talk_times() -> Path:
    """The file of recorded talk times."""
    return next((path for path in TALK_TIMES if path.is_file()), TALK_TIMES[-1])


@cache
def digest_of(path: Path) -> str:
    """What is in a data file, for the cache's key."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _table() -> Iterator[Cell]:
    for (agents, p), row in PAGE.items():
        seeds = 20 if agents <= 20 else 8 if agents <= 100 else 4
        hours = 4 if agents >= 300 else 8
        name = f"{agents}/{short_p(p)}"
        scenario = {"agents": agents, "shift_hours": hours, "answer_probability": p}
        yield Cell(name, "table", agents, p, scenario, name, seeds, f"{agents} agents, {p:.0%} answer", row[4], row[5])


def _hard() -> Iterator[Cell]:
    for agents in TEAMS:
        usual = 20 if agents <= 20 else 8

        def cell(
            kind: str, title: str, seeds: int, p: float = 0.3, suffix: str = "", *, agents: int = agents, **more: Any
        ) -> Cell:
            scenario = {"agents": agents, "shift_hours": 8, "answer_probability": p, **more}
            name = f"{kind}/{agents}{suffix}"
            return Cell(name, kind, agents, p, scenario, f"{agents}/{short_p(p)}", seeds, title)

        for p in (0.15, 0.3):
            change = {"at_hour": CHANGE_HOUR, "answer_probability": 2 * p}
            title = f"{p:.0%} answer, from hour 4 on {2 * p:.0%}"
            yield cell("doubles", title, 40, p, f"/{short_p(p)}", changes=[change])
        yield cell(
            "halves", "30% answer, from hour 4 on 15%", usual,
            changes=[{"at_hour": CHANGE_HOUR, "answer_probability": 0.15}],
        )  # fmt: skip
        yield cell(
            "lunch", "at hour 4 a fifth of the agents goes for half an hour", usual,
            changes=[{"at_hour": CHANGE_HOUR, "pause_share": 0.2, "for_minutes": 30}],
        )  # fmt: skip
        long = {"distribution": "lognormal", "mean_s": 120, "cv": 3}
        yield cell("long-talks", "talk times with cv 3", usual, talk=long)
        yield cell(
            "real-talks", "talk times of a bank's outbound centre", usual,
            talk={"distribution": "empirical", "file": str(talk_times()), "column": "duration"},
        )  # fmt: skip
        mixed = cell("mixed-leads", "leads answer with .3 ± .2", usual)
        mixed.scenario["answer_probability"] = {"mean": 0.3, "sd": 0.2}
        yield mixed
        yield cell(
            "failing-carrier", "from hour 4 on the carrier fails half of all calls", usual,
            changes=[{"at_hour": CHANGE_HOUR, "fast_failure": {"share": 0.5}}],
        )  # fmt: skip
        yield cell("list-runs-out", f"{LEADS_PER_AGENT} leads an agent", usual, leads=LEADS_PER_AGENT * agents)


CELLS: Final[dict[str, Cell]] = {cell.name: cell for cell in (*_table(), *_hard())}
HARD_KINDS: Final = tuple(dict.fromkeys(cell.kind for cell in CELLS.values() if cell.kind != "table"))
