"""Caps that trim a decision: calls per second and channels.

Owns the token bucket. Time is passed in; a clock that steps back or far forward never yields a burst larger than
the bucket.
"""

from __future__ import annotations

import math

MARGIN = 1e-9
"""Waiting is told longer by so many tokens, and by two steps of the clock's floats: nobody comes a rounding too early,
and no token is given that is not there."""


class TokenBucket:
    """``rate`` tokens a second, at most ``burst`` at once. Not thread-safe: one owner."""

    __slots__ = ("burst", "rate", "_level", "_at")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"rate {rate} must be above 0 and burst {burst} at least 1")
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now

    def available(self, now: float) -> int:
        """Whole tokens that may be taken now."""
        self._refill(now)
        return int(self._level)

    def take(self, count: int, now: float) -> None:
        """Take ``count`` tokens; raises ValueError when that many are not there."""
        self._refill(now)
        if count > self._level:
            raise ValueError(f"{count} tokens asked, {self._level:.3f} there")
        self._level -= count

    def wait_s(self, now: float) -> float:
        """Seconds until one whole token is there (0 when there is one)."""
        self._refill(now)
        if self._level >= 1.0:
            return 0.0
        wait = (1.0 + MARGIN - self._level) / self.rate
        return wait + 2.0 * math.ulp(now + wait)

    def _refill(self, now: float) -> None:
        elapsed = now - self._at
        self._at = now
        if elapsed > 0:
            self._level = min(self.burst, self._level + elapsed * self.rate)
