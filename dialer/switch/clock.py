"""When a thing happened: from the switch's own timestamp on an event to the engine clock.

Owns the mapping for one event socket and what it stands on: an estimate how far the switch's clock is from ours. Pure:
the time of reading is passed in. Must not know what an event means.

The time of reading is never too early, but after a standstill of this process, or of the network, everything that
happened meanwhile is read at once. A timestamp tells when; only its clock is another one. ``read - stamp`` is the
distance of the clocks plus the delay of this event, so the smallest one lately is the distance plus the usual delay.
"""

from __future__ import annotations

import math
from collections import deque

HEADER = "Event-Date-Timestamp"
"""Microseconds since 1970 by the switch's clock, in every event."""
AS_READ_S = 0.05
"""Ages up to this are no ages: timestamps tick at 20 ms, and the switch looks for a listener's events every 20 ms."""
STEP_S = 1.0
"""Events come in the order of their timestamps but for a tick or two. Further back, it was the clock that went back."""
WINDOW_SECONDS = 5
"""The smallest distance of so many seconds *in which events were read* counts. A standstill has no such seconds, so
what was known before it stays; a clock that lost time on a quiet line is found out after as many."""


class SwitchClock:
    """The mapping for one connection. ``unstamped`` and ``steps`` count what could not be used, and clocks set back."""

    __slots__ = ("_began", "_latest_stamp", "_nearest", "steps", "unstamped")

    def __init__(self) -> None:
        self._nearest: deque[tuple[int, float]] = deque(maxlen=WINDOW_SECONDS)  # (second of reading, smallest distance)
        self._latest_stamp = -math.inf
        self._began = -math.inf
        self.unstamped = 0
        self.steps = 0

    def restart(self) -> None:
        """A new connection: perhaps to a switch that started anew, with another clock."""
        self._nearest.clear()
        self._latest_stamp = self._began = -math.inf

    def happened_at(self, stamp: str | None, read_at: float) -> float:
        """When an event stamped ``stamp`` and read at ``read_at`` happened (engine clock).

        Never after ``read_at``, nor before the first event of the connection was read; ``read_at`` when nothing better
        is known.
        """
        micros = int(stamp) if stamp and stamp.isascii() and stamp.isdigit() and len(stamp) < 18 else 0
        if micros == 0:
            self.unstamped += 1
            return read_at
        stamped = micros / 1e6
        nearest = self._nearest
        if stamped < self._latest_stamp - STEP_S:
            self.steps += 1
            nearest.clear()
            self._latest_stamp = stamped
        elif stamped > self._latest_stamp:
            self._latest_stamp = stamped
        if self._began == -math.inf:
            self._began = read_at
        distance, second = read_at - stamped, int(read_at)
        if not nearest or nearest[-1][0] != second:
            nearest.append((second, distance))
        elif distance < nearest[-1][1]:
            nearest[-1] = (second, distance)
        at = max(stamped + min(smallest for _, smallest in nearest), self._began)
        return at if at < read_at - AS_READ_S else read_at
