"""How long to wait before the next try to connect. Pure: the random generator is passed in."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with jitter: `initial_s` doubled at every failure up to `cap_s`, then cut by a
    random part.

    `jitter` 0–1 is the largest part that is cut, so that many clients do not come back all at once after a
    restart of the server (its listen backlog is 5).
    """

    initial_s: float = 0.25
    cap_s: float = 10.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.initial_s <= self.cap_s or not 0 <= self.jitter <= 1:
            raise ValueError("backoff: expected 0 < initial_s <= cap_s and jitter 0 to 1")

    def delay_s(self, failures: int, rng: random.Random) -> float:
        """The wait after `failures` failures in a row (1 or more)."""
        # Past the cap the exponent does not matter; unbounded it would overflow.
        full = min(self.cap_s, self.initial_s * 2.0 ** min(max(failures, 1) - 1, 60))
        return full * (1.0 - self.jitter * rng.random())
