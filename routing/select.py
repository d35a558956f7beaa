"""The choice of an agent for an answered call: longest idle first, in a stable, explained order.

Owns the order only, kept up as agents come and go, so that nobody walks over a whole floor for one call. Who is
eligible is the caller's fact; affinity, tiers and skills have rooms of their own.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Match:
    """The agent chosen and why."""

    agent: str
    reason: str


class IdleLine:
    """Free agents, longest idle first; ties go to the smaller agent id."""

    __slots__ = ("_order",)

    def __init__(self) -> None:
        self._order: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._order)

    def agents(self) -> tuple[str, ...]:
        """Their ids, longest idle first."""
        return tuple(agent for _, agent in self._order)

    def add(self, agent: str, idle_since: float) -> None:
        """Put an agent in line; ``idle_since`` on the caller's clock."""
        bisect.insort(self._order, (idle_since, agent))

    def remove(self, agent: str, idle_since: float) -> None:
        """Take out an agent who was put in with this ``idle_since``; fine when not there."""
        place = bisect.bisect_left(self._order, (idle_since, agent))
        if place < len(self._order) and self._order[place] == (idle_since, agent):
            del self._order[place]

    def first(self, now: float) -> Match | None:
        """The agent who has been idle longest, and why; None when there is no one."""
        if not self._order:
            return None
        idle_since, agent = self._order[0]
        return Match(agent, f"longest idle of {len(self._order)} free agents ({max(0.0, now - idle_since):.1f} s)")
