"""A queue of things to do at virtual times. Owns order (time, then insertion) and nothing else."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Agenda:
    """Calls to make at virtual times."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._seq = 0

    def at(self, due: float, act: Callable[[], None]) -> None:
        """Call ``act`` at ``due``; equal times in the order given."""
        self._seq += 1
        heapq.heappush(self._heap, (due, self._seq, act))

    def next_due(self) -> float | None:
        """The earliest time, or None."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> Callable[[], None] | None:
        """The first thing due at ``now``, taken off."""
        if self._heap and self._heap[0][0] <= now:
            return heapq.heappop(self._heap)[2]
        return None

    def __len__(self) -> int:
        return len(self._heap)
