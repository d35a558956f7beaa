"""What a call costs on a line: longest prefix, time of day, billing steps; and where a table has gaps.

Owns the reading of a cost table. A row is asked by the longest prefix that has a row for this time; shorter prefixes
serve where the longer one has no row for the hour. Must not choose lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from routing.calendars import WEEK, clock, find_zone
from routing.errors import PlanError

DAY_MINUTES: Final = 1440
WEEK_MINUTES: Final = 7 * DAY_MINUTES
EVERY_DAY: Final = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class CostRow:
    """The price of numbers that begin with ``prefix`` (+ and digits, or + for all), on these days and minutes.

    A call is billed for at least ``minimum_s``, then in steps of ``step_s``, plus ``fee`` once.
    """

    prefix: str
    per_minute: float
    fee: float = 0.0
    minimum_s: float = 0.0
    step_s: float = 1.0
    days: frozenset[int] = EVERY_DAY
    minutes: tuple[int, int] = (0, DAY_MINUTES)

    def at(self, day: int, minute: int) -> bool:
        """Whether the row holds then."""
        return day in self.days and self.minutes[0] <= minute < self.minutes[1]

    def price(self, seconds: float) -> float:
        """What a conversation of this length costs."""
        billed = max(self.minimum_s, math.ceil(round(seconds / self.step_s, 9)) * self.step_s)
        return self.fee + self.per_minute * billed / 60.0


@dataclass(frozen=True)
class CostTable:
    """Rows in the time of ``zone``. Raises at the making for what can not be read."""

    name: str
    zone: str
    rows: tuple[CostRow, ...]
    by_prefix: Mapping[str, tuple[CostRow, ...]] = field(init=False, repr=False, compare=False)
    longest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        find_zone(self.zone)
        index: dict[str, tuple[CostRow, ...]] = {}
        for number, row in enumerate(self.rows, 1):
            start, end = row.minutes
            if not row.prefix.startswith("+") or not (row.prefix[1:] or "0").isdecimal():
                raise PlanError(f"{self.name}, row {number}: prefix {row.prefix!r}, expected + and digits")
            if not 0 <= start < end <= DAY_MINUTES or not row.days:
                raise PlanError(f"{self.name}, row {number}: expected a span within a day, on some day")
            if row.step_s <= 0 or min(row.per_minute, row.fee, row.minimum_s) < 0:
                raise PlanError(f"{self.name}, row {number}: expected a step above 0, and nothing below 0")
            index[row.prefix] = (*index.get(row.prefix, ()), row)
        object.__setattr__(self, "by_prefix", index)
        object.__setattr__(self, "longest", max(map(len, index), default=0))

    def row(self, number: str, now: float) -> CostRow | None:
        """The row for a call to ``number`` at ``now``; None: the table does not say."""
        local = datetime.fromtimestamp(now, find_zone(self.zone))
        day, minute = local.weekday(), local.hour * 60 + local.minute
        for length in range(min(self.longest, len(number)), 0, -1):
            for row in self.by_prefix.get(number[:length], ()):
                if row.at(day, minute):
                    return row
        return None


@dataclass(frozen=True, slots=True)
class CostFault:
    """A hole in a table, or two rows for the same hour with different prices."""

    prefix: str
    expected: str


def faults(table: CostTable) -> Iterator[CostFault]:
    """Every prefix with hours for which no row holds, its own or a shorter one's; and every contradiction."""
    for prefix in sorted(table.by_prefix):
        covered = bytearray(WEEK_MINUTES)
        for length in range(1, len(prefix) + 1):
            for row in table.by_prefix.get(prefix[:length], ()):
                _cover(covered, row)
        hole = covered.find(0)
        if hole >= 0:
            end = covered.find(1, hole)
            span = f"from {_when(hole)} to {_when(end) if end >= 0 else 'the end of the week'}"
            yield CostFault(prefix, f"a row for every hour, its own or of a shorter prefix; none {span}")
        rows = table.by_prefix[prefix]
        for place, later in enumerate(rows):
            for earlier in rows[:place]:
                both = max(earlier.minutes[0], later.minutes[0]), min(earlier.minutes[1], later.minutes[1])
                days = sorted(earlier.days & later.days)
                if days and both[0] < both[1]:
                    when = f"{WEEK[days[0]]} {clock(both[0])}"
                    yield CostFault(prefix, f"one row for each hour; two hold on {when}")


def _cover(covered: bytearray, row: CostRow) -> None:
    start, end = row.minutes
    for day in row.days:
        covered[day * DAY_MINUTES + start : day * DAY_MINUTES + end] = b"\1" * (end - start)


def _when(minute: int) -> str:
    return f"{WEEK[minute // DAY_MINUTES % 7]} {clock(minute % DAY_MINUTES)}"
