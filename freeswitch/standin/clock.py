"""The timers of the virtual switch: a heap of due moments on a clock that the caller advances.

Must not read any real clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Final

# Event timestamps of a FreeSWITCH tick at 20 ms.
TICK_US: Final = 20_000


class Timer:
    """One pending callback; `cancel()` is idempotent."""

    __slots__ = ("args", "callback", "due", "order")

    def __init__(self, due: float, order: int, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.due = due
        self.order = order
        self.callback: Callable[..., object] | None = callback
        self.args = args

    def cancel(self) -> None:
        self.callback = None
        self.args = ()


class Clock:
    """Model time in seconds, never going back, and what is due on it.

    `epoch_s` is the wall-clock second (since 1970) of model time 0.
    """

    def __init__(self, epoch_s: float) -> None:
        self.epoch_s = epoch_s
        self.now = 0.0
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = 0

    def at(self, due: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call `callback(*args)` at `due` (never earlier than now); equal moments keep their order of
        asking.
        """
        self._order += 1
        timer = Timer(max(due, self.now), self._order, callback, args)
        heapq.heappush(self._heap, (timer.due, timer.order, timer))
        return timer

    def next_due(self) -> float | None:
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def advance(self, now: float) -> None:
        """Fire everything due until `now`, each at its own moment."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            due, _, timer = heapq.heappop(heap)
            callback, args = timer.callback, timer.args
            if callback is None:
                continue
            timer.cancel()
            if due > self.now:
                self.now = due
            callback(*args)
        if now > self.now:
            self.now = now

    def clear(self) -> None:
        self._heap.clear()

    def wall_s(self) -> float:
        """Seconds since 1970, not ticked."""
        return self.epoch_s + self.now

    def micros(self) -> int:
        """Microseconds since 1970 as events show them, on the 20 ms tick."""
        return round((self.epoch_s + self.now) * 1_000_000) // TICK_US * TICK_US
