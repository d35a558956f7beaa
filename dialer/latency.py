"""Latencies of the running service: exact percentiles over the recent past and cumulative buckets since the start.

Owns the arithmetic only; what is measured is the caller's. Milliseconds throughout.
"""

from __future__ import annotations

import bisect
from collections import deque

from dialer.ports import LatencyView

BUCKETS_MS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
RECENT = 20_000


class Latency:
    """One kind of latency. Percentiles are of the last ``RECENT`` observations."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._counts = [0] * (len(BUCKETS_MS) + 1)
        self._count = 0
        self._total = 0.0

    def add(self, value_ms: float) -> None:
        """One observation; a negative one (a clock's doing) counts as 0."""
        value_ms = max(0.0, value_ms)
        self._recent.append(value_ms)
        self._counts[bisect.bisect_left(BUCKETS_MS, value_ms)] += 1
        self._count += 1
        self._total += value_ms

    def view(self) -> LatencyView:
        """What is known now; percentiles are 0 without an observation."""
        ordered = sorted(self._recent)
        cumulative, running = {}, 0
        for bound, count in zip(BUCKETS_MS, self._counts, strict=False):
            running += count
            cumulative[bound] = running
        return LatencyView(
            count=self._count,
            p50=percentile(ordered, 0.50),
            p95=percentile(ordered, 0.95),
            p99=percentile(ordered, 0.99),
            total_ms=self._total,
            buckets=cumulative,
        )


def percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile of sorted values; 0 for none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
