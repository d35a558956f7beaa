"""The queue between socket and consumer: events bounded, calls never dropped, one gap at a time. Pure.

At the bound events are dropped, and from the first drop on none is queued until the consumer has taken
everything out. So a gap is one contiguous hole with known ends: what was queued before it is complete,
`take_gap` closes it, and what comes after is complete again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from esl.headers import CompactEvent, Event

QueuedEvent: TypeAlias = tuple[CompactEvent | Event, float]
Call: TypeAlias = Callable[[], object]


class Backlog:
    """Events with the time at which they were received, and calls, in order."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._queue: deque[QueuedEvent | Call] = deque()
        self._bytes = 0
        self._gap = 0
        self.events = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Whether the next event will be dropped."""
        return self._gap > 0 or self.events >= self._max_events or self._bytes >= self._max_bytes

    def drop(self) -> None:
        """Counts an event that was not queued because the backlog is full."""
        self._gap += 1
        self.dropped += 1

    def put_event(self, event: CompactEvent | Event, received_at: float) -> None:
        """Queues an event. Ask `is_full` first."""
        self.events += 1
        self._bytes += event.size
        self._queue.append((event, received_at))

    def put_call(self, call: Call) -> None:
        """Queues something that must not get lost."""
        self._queue.append(call)

    def pop(self) -> QueuedEvent | Call:
        """Takes the oldest out. Raises IndexError when there is nothing."""
        item = self._queue.popleft()
        if isinstance(item, tuple):
            self.events -= 1
            self._bytes -= item[0].size
        return item

    def take_gap(self) -> int:
        """How many events were dropped, once everything before them has been taken out; 0 otherwise. Ends the
        gap.
        """
        if self._queue:
            return 0
        gap, self._gap = self._gap, 0
        return gap
