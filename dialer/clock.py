"""The engine clock: UTC seconds that never step.

Owns the one reading of clocks in the daemon. It starts at the wall clock and then follows the monotonic one, so that
an NTP step or a suspended machine cannot fire timers in a burst. Calling hours are not judged on it: the gate reads
the wall clock itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class EngineClock:
    """Callable: the engine's ``now``."""

    __slots__ = ("_monotonic", "_offset")

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def __call__(self) -> float:
        return self._offset + self._monotonic()
