"""Hours and holidays of one place: open or closed now, why, and when that changes.

Owns local time. Opening hours are wall-clock time, so days on which the clock is changed are right by construction: an
hour that comes twice is open twice, one that is skipped does not come. A zone that is not of the IANA list is refused
when the calendar is made. (Zone rules are read from the zone database, once a zone.) Must not know calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from routing.errors import PlanError, UnknownZoneError

Hours = tuple[tuple[int, int], ...]
"""Open from … to below …, in minutes since midnight; 1440 is the end of the day."""
WEEK: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HORIZON_DAYS: Final = 9
"""A week repeats, holidays apart; the days more are for changes of the clock."""
_NO_PLACE: Final = frozenset({"localtime", "posixrules", "Factory"})
_DAY_MINUTES: Final = 1440


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day with hours of its own; none: closed."""

    name: str
    hours: Hours = ()


@dataclass(frozen=True)
class Calendar:
    """``week``: hours of Monday to Sunday, in the time of ``zone``. ``holidays`` replace a day's hours."""

    name: str
    zone: str
    week: tuple[Hours, ...]
    holidays: Mapping[date, Holiday] = field(default_factory=dict)

    def __post_init__(self) -> None:
        find_zone(self.zone)
        if len(self.week) != len(WEEK):
            raise PlanError(f"calendar {self.name}: {len(self.week)} days, expected the hours of 7, Monday first")
        for day, hours in (*zip(WEEK, self.week, strict=True), *((h.name, h.hours) for h in self.holidays.values())):
            last = 0
            for start, end in hours:
                if not last <= start < end <= _DAY_MINUTES:
                    span = f"{clock(start)}-{clock(end)}"
                    raise PlanError(f"calendar {self.name}, {day}: {span}, expected spans in order within a day")
                last = end


@dataclass(frozen=True, slots=True)
class OpenVerdict:
    """``until``: when it changes next (UTC seconds); None: never, as far as the calendar goes."""

    open: bool
    reason: str
    until: float | None


def find_zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises UnknownZoneError; a name is never taken as a file path."""
    if name in _NO_PLACE or name.startswith(("/", ".")):
        raise UnknownZoneError(f"{name!r}: expected a time zone of the IANA list, such as Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise UnknownZoneError(f"{name!r}: expected a time zone of the IANA list, such as Europe/Berlin") from fault


def is_open(calendar: Calendar, now: float) -> OpenVerdict:
    """Whether the place is open at ``now`` (UTC seconds), and until when that holds."""
    zone = find_zone(calendar.zone)
    local = datetime.fromtimestamp(now, zone)
    open_now = _open_at(calendar, local)
    holiday = calendar.holidays.get(local.date())
    day = holiday.name if holiday is not None else WEEK[local.weekday()]
    reason = f"{'open' if open_now else 'closed'}: {day} {local:%H:%M} in {calendar.zone}"
    return OpenVerdict(open_now, reason, _changes_at(calendar, zone, now, open_now))


def clock(minutes: int) -> str:
    """Minutes since midnight as people write them."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _hours(calendar: Calendar, day: date) -> Hours:
    holiday = calendar.holidays.get(day)
    return holiday.hours if holiday is not None else calendar.week[day.weekday()]


def _open_at(calendar: Calendar, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in _hours(calendar, local.date()))


def _changes_at(calendar: Calendar, zone: ZoneInfo, now: float, open_now: bool) -> float | None:
    """The first edge of hours, midnight or change of the clock after ``now`` at which it is not as it is now."""
    today = datetime.fromtimestamp(now, zone).date()
    ahead = max((day - today for day in calendar.holidays), default=timedelta(0))
    for days in range(-1, max(0, ahead.days) + HORIZON_DAYS):
        day = today + timedelta(days=days)
        minutes = {0, _DAY_MINUTES, *(edge for span in _hours(calendar, day) for edge in span)}
        edges = {at for minute in minutes for at in _instants(day, minute, zone)}
        if _offset(day, zone) != _offset(day + timedelta(days=1), zone):
            edges |= _clock_changes(day, zone)
        for at in sorted(edges):
            if at > now and _open_at(calendar, datetime.fromtimestamp(at, zone)) is not open_now:
                return at
    return None


def _instants(day: date, minute: int, zone: ZoneInfo) -> tuple[float, float]:
    """A wall-clock time as instants: one, or two where it comes twice (or not at all: then the edges around it)."""
    day = day + timedelta(days=minute // _DAY_MINUTES)
    minute %= _DAY_MINUTES
    at = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return at.timestamp(), at.replace(fold=1).timestamp()


def _offset(day: date, zone: ZoneInfo) -> timedelta | None:
    return datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset()


def _clock_changes(day: date, zone: ZoneInfo) -> set[float]:
    """The instants around a day at which the zone's offset changes, to the minute."""
    start = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) // 60 * 60
    offsets = [
        (at, datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()) for at in range(start, start + 90_060, 60)
    ]
    return {float(at) for (_, before), (at, after) in pairwise(offsets) if before != after}
