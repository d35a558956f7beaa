"""The choice of an agent for an answered call: longest idle first, in a stable, explained order.

Owns the order only. Who is eligible is the caller's fact; affinity, tiers and skills have rooms of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A free agent: ``idle_since`` on the engine clock."""

    agent: str
    idle_since: float


@dataclass(frozen=True, slots=True)
class Match:
    """The agent chosen and why."""

    agent: str
    reason: str


def longest_idle(candidates: Iterable[Candidate], now: float) -> Match | None:
    """The candidate who has been idle longest; ties go to the smaller agent id. None when there is no one."""
    pool = list(candidates)
    if not pool:
        return None
    best = min(pool, key=lambda c: (c.idle_since, c.agent))
    return Match(best.agent, f"longest idle of {len(pool)} free agents ({max(0.0, now - best.idle_since):.1f} s)")
