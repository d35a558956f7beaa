"""The windows over which abandonment is judged: which calls belong together, and when a fixed period began.

Owns the definition of a window and its calendar. Counts nothing (``pacing.abandonment`` does) and reads no clock.
The kinds follow the rules of the compliance page: successive 30-day periods per campaign (US TSR), a calendar month
(CRTC), a day, a shift: fixed, with a budget; the last 24 hours (Ofcom): trailing, with a rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TRAILING, PERIOD, MONTH, DAY, SHIFT = "trailing", "period", "month", "day", "shift"
KINDS = (TRAILING, PERIOD, MONTH, DAY, SHIFT)


@dataclass(frozen=True, slots=True)
class AbandonWindow:
    """At most ``limit`` (0–1) of the calls answered by a person may be abandoned in this window.

    ``length_s`` belongs to ``trailing`` and ``period``; ``starts_at`` (epoch seconds) is where a period is counted
    from, and where a shift began; ``zone`` is the calendar of ``month`` and ``day``.
    Raises ValueError for a window that cannot be.
    """

    limit: float
    kind: str
    length_s: float = 0.0
    starts_at: float = 0.0
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: one of {', '.join(KINDS)} was expected")
        if not 0.0 < self.limit < 1.0:
            raise ValueError(f"limit {self.limit}: a share above 0 and below 1 was expected")
        if self.kind in (TRAILING, PERIOD) and not self.length_s > 0:
            raise ValueError(f"length_s {self.length_s}: a {self.kind} window needs a length above 0")
        if not (math.isfinite(self.length_s) and math.isfinite(self.starts_at)):
            raise ValueError(f"length_s {self.length_s}, starts_at {self.starts_at}: finite times were expected")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"zone {self.zone!r}: the name of a time zone was expected") from error

    @property
    def fixed(self) -> bool:
        """Whether it is a fixed period with a budget (else trailing, with a rate)."""
        return self.kind != TRAILING

    @property
    def name(self) -> str:
        """A short name, stable over restarts: ``30d``, ``24h trailing``, ``month``, ``day``, ``shift``."""
        if self.kind == PERIOD:
            return _length(self.length_s)
        if self.kind == TRAILING:
            return f"{_length(self.length_s)} trailing"
        return self.kind

    def bounds(self, now: float) -> tuple[float, float]:
        """(start, end) in epoch seconds of the period that ``now`` lies in; for a trailing window (now − length, now).

        A shift has no known end: infinity.
        """
        if self.kind == TRAILING:
            return now - self.length_s, now
        if self.kind == SHIFT:
            return self.starts_at, float("inf")
        if self.kind == PERIOD:
            number = (now - self.starts_at) // self.length_s
            start = self.starts_at + number * self.length_s
            return start, start + self.length_s
        zone: tzinfo = UTC if self.zone == "UTC" else ZoneInfo(self.zone)
        local = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self.kind == DAY:
            return local.timestamp(), (local + timedelta(days=1)).timestamp()
        first = local.replace(day=1)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return first.timestamp(), following.timestamp()


def _length(seconds: float) -> str:
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if (seconds >= 2 * size or (unit != "d" and seconds >= size)) and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
