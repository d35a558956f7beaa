"""A timer heap on given time: named timers, at most one per name.

Owns ordering and cancellation. Reads no clock: the caller says what time it is.
"""

from __future__ import annotations

import heapq

TimerKey = tuple[str, ...]


class Timers:
    """Timers by key; setting a key again replaces its former due time."""

    __slots__ = ("_due", "_heap", "_live", "_seq")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TimerKey]] = []
        self._live: dict[TimerKey, int] = {}
        self._due: dict[TimerKey, float] = {}
        self._seq = 0

    def set(self, key: TimerKey, due: float) -> None:
        """Fire ``key`` at ``due`` (engine clock, seconds)."""
        self._seq += 1
        self._live[key] = self._seq
        self._due[key] = due
        heapq.heappush(self._heap, (due, self._seq, key))
        # Cancelled and replaced timers stay in the heap until they come up; a long one set over and over would pile up.
        if len(self._heap) > 64 + 4 * len(self._live):
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def set_by(self, key: TimerKey, due: float) -> None:
        """Fire ``key`` at ``due`` at the latest: an earlier due time stays."""
        if key not in self._live or due < self._due[key]:
            self.set(key, due)

    def due(self, key: TimerKey) -> float | None:
        """When ``key`` fires, or None when it is not set."""
        return self._due.get(key)

    def cancel(self, key: TimerKey) -> None:
        """Forget ``key``; fine when it is not set."""
        self._live.pop(key, None)
        self._due.pop(key, None)

    def next_due(self) -> float | None:
        """The earliest due time, or None."""
        while self._heap and self._live.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> TimerKey | None:
        """The earliest key due at ``now``, taken off, or None."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._live[key], self._due[key]
        return key

    def __len__(self) -> int:
        return len(self._live)
