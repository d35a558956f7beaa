"""Times as customers say them: a wall clock's in their own zone, as an instant.

Owns how a day and a time in a zone become UTC epoch seconds, also where a clock change skips an hour or has it twice.
Pure; the present is passed in.

A time that is skipped is the one as much later on the new clock: 02:30 is 03:30. Of a time that comes twice the first
one counts, unless that is over. Zones' rules are those known when the time is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from dialer.leads.windows import find_zone

LATEST_DAYS: Final = 90
"""Nobody is promised a call for later than in so many days."""
EXPECTED: Final = (
    "HH:MM (the next time that it is so late), +DAYS HH:MM, YYYY-MM-DD HH:MM, or +90m or +2h from now; "
    f"within {LATEST_DAYS} days"
)

_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})"
_CLOCK: Final = re.compile(_TIME)
_IN_DAYS: Final = re.compile(rf"\+(?P<days>\d{{1,3}})d?\s+{_TIME}")
_ON_DAY: Final = re.compile(rf"(?P<day>\d{{4}}-\d{{2}}-\d{{2}})[T\s]+{_TIME}(?::00)?")
_FROM_NOW: Final = re.compile(r"\+(?P<count>\d{1,6})\s*(?P<unit>[mh])")


class MomentError(ValueError):
    """No time, or none that can be promised; the text says what was expected."""


def instant(day: date, hour: int, minute: int, zone: tzinfo, now: float) -> float:
    """When it is so late on ``day`` in ``zone``; of two such times the first that is not over at ``now``."""
    times = [
        datetime(day.year, day.month, day.day, hour, minute, fold=fold, tzinfo=zone).timestamp() for fold in (0, 1)
    ]
    first, second = times
    # In a gap the later fold reads the clock that is over already, and comes out earlier.
    return second if first <= now < second else first


def next_time(hour: int, minute: int, zone: tzinfo, now: float) -> float:
    """When it is so late in ``zone`` for the next time."""
    today = datetime.fromtimestamp(now, zone).date()
    at = instant(today, hour, minute, zone, now)
    return at if at > now else instant(today + timedelta(days=1), hour, minute, zone, now)


def in_days(days: int, hour: int, minute: int, zone: tzinfo, now: float) -> float:
    """When it is so late ``days`` days after today in ``zone``."""
    return instant(datetime.fromtimestamp(now, zone).date() + timedelta(days=days), hour, minute, zone, now)


def parse(text: str, zone: ZoneInfo, now: float) -> float:
    """The instant that ``text`` names in ``zone``. Raises MomentError."""
    wanted = text.strip()
    if match := _FROM_NOW.fullmatch(wanted):
        at = now + int(match["count"]) * (60.0 if match["unit"] == "m" else 3600.0)
    elif match := _CLOCK.fullmatch(wanted):
        at = next_time(*_clock(match), zone, now)
    elif match := _IN_DAYS.fullmatch(wanted):
        at = in_days(int(match["days"]), *_clock(match), zone, now)
    elif match := _ON_DAY.fullmatch(wanted):
        try:
            day = date.fromisoformat(match["day"])
        except ValueError:
            raise MomentError(f"{text!r} is no day of the calendar: expected {EXPECTED}") from None
        if not abs(day - datetime.fromtimestamp(now, zone).date()) <= timedelta(days=LATEST_DAYS + 1):
            raise MomentError(f"{text!r}: expected a time within {LATEST_DAYS} days")
        at = instant(day, *_clock(match), zone, now)
    else:
        raise MomentError(f"{text!r} is no time: expected {EXPECTED}")
    if at <= now:
        raise MomentError(f"{text!r} is over in {zone.key}: expected a time to come")
    if at > now + (LATEST_DAYS + 1) * 86_400:
        raise MomentError(f"{text!r}: expected a time within {LATEST_DAYS} days")
    return at


def zone_for(zones: Sequence[str], default: str) -> ZoneInfo:
    """The zone by which a customer means a time: theirs; with several the campaign's if it is one of them, else the
    first; with none, or unknown ones, the campaign's.
    """
    known = [name for name in zones if find_zone(name) is not None]
    name = default if not known or default in known else known[0]
    return find_zone(name) or ZoneInfo("UTC")


def local(at: float, zone: ZoneInfo) -> str:
    """The instant as the customer's clock shows it, with the zone."""
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M} {zone.key}"


def utc(at: float) -> str:
    """For reasons: an instant without a zone to speak of."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _clock(match: re.Match[str]) -> tuple[int, int]:
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 23 or minute > 59:
        raise MomentError(f"{match[0]!r}: expected a time from 00:00 to 23:59")
    return hour, minute
