"""Callers who are still to come: how many of them will ask for an agent within the next seconds.

Owns the rate at which a queue's callers ask, learnt from the last minutes, and how long they are on the line before
they do. They come independently of each other and of us (a Poisson stream whose rate moves slowly); who is on the line
already is in flight and no part of this. Pure; reads no clock.
"""

from __future__ import annotations

import math

import numpy as np

from pacing.ring import Array

FADES_S = 180.0
"""A caller's weight in the rate is down to 1/e after so long: a surge is believed by half within two minutes."""
LEAD_WEIGHT = 0.05
PARTS = 4.0
"""A Poisson number of mean m is taken as the sum of 4 m coins: its variance then is within a quarter."""
MOST_PARTS = 64


class Callers:
    """What one queue's callers have been doing lately."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._at = -math.inf
        self._since = math.inf
        self.lead_s = 0.0
        """From a caller's arrival until they ask for an agent: greeting and menu."""

    def asked(self, at: float, after_s: float) -> None:
        """A caller asks for an agent at ``at``, having come in ``after_s`` before."""
        if self._since > at:
            self._since, self.lead_s = at, max(0.0, after_s)
        self._sum = self._faded(at) + 1.0
        self._at = max(self._at, at)
        self.lead_s += LEAD_WEIGHT * (max(0.0, after_s) - self.lead_s)

    def per_s(self, now: float) -> float:
        """Callers a second who ask, as of now."""
        watched_s = now - self._since
        if not watched_s > 0.0:
            return 0.0
        # A stream that is young has not had the time to add up; one that is very young is not yet believed whole.
        return self._faded(now) / max(FADES_S * -math.expm1(-watched_s / FADES_S), 60.0)

    def expected(self, now: float, within_s: Array) -> Array:
        """(n, horizons): coins whose sum is how many callers not here yet will have asked within each horizon."""
        mean = self.per_s(now) * np.maximum(within_s - self.lead_s, 0.0)
        most = float(mean.max(initial=0.0))
        parts = min(math.ceil(PARTS * most), MOST_PARTS)
        if parts == 0:
            return np.zeros((0, len(within_s)))
        return np.tile(np.minimum(mean / parts, 1.0), (parts, 1))

    def _faded(self, now: float) -> float:
        gone_s = max(0.0, now - self._at)
        return self._sum * math.exp(-gone_s / FADES_S) if self._sum else 0.0
