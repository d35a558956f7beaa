"""Call windows: may somebody be called at this instant, and if not, when next.

Owns the answer for one campaign's windows in a set of zones. Local time is wall-clock time, so days with a
daylight-saving change are right by construction: an hour that comes twice counts twice, one that is skipped does
not come. Must not know leads or databases; the time is passed in.

Rule (product.md L4): a number with several possible zones is called only when all of them are open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dialer.domain.settings import CallWindows

HORIZON_DAYS: Final = 8
"""A week repeats; one day more for the hours by which zones differ."""
LONGEST_SHIFT_S: Final = 12 * 3600.0
"""An end that is farther away is not today's shift's."""
_DAY_S: Final = 86_400
_NO_PLACE: Final = frozenset({"localtime", "posixrules", "Factory"})
_BISECT_TO_S: Final = 1


@dataclass(frozen=True, slots=True)
class WindowVerdict:
    """``next_open_at`` (UTC epoch seconds) is ``now`` when open, None when it does not open within HORIZON_DAYS."""

    open: bool
    reason: str
    next_open_at: float | None


def find_zone(name: str) -> ZoneInfo | None:
    """The zone called ``name``, or None. Names are never taken as file paths, nor as this machine's own clock."""
    if name in _NO_PLACE:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def open_in_all(windows: CallWindows, zones: Iterable[str], now: float) -> WindowVerdict:
    """Whether all of ``zones`` are within ``windows`` at ``now`` (UTC epoch seconds).

    No zone at all, or one that is not known, is judged by the campaign's default zone, and the reason says so.
    When that is not known either, the verdict is closed: a call is never made at an unknown hour.
    """
    known, doubts = _resolve(windows, zones)
    if known is None:
        return WindowVerdict(False, f"{doubts}; the default zone {windows.default_zone!r} is not known either", None)
    closed = [zone for zone in known if not _is_open(windows, zone, now)]
    if not closed:
        names = ", ".join(zone.key for zone in known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")
        return WindowVerdict(True, _join(f"open in {names}", doubts), now)
    next_open = _next_open(windows, known, now)
    local = datetime.fromtimestamp(now, closed[0])
    more = f" and {len(closed) - 1} more zones" if len(closed) > 1 else ""
    when = "" if next_open is not None else f"; never open in all zones within {HORIZON_DAYS} days"
    return WindowVerdict(
        False, _join(f"outside calling hours: {local:%a %H:%M} in {closed[0].key}{more}{when}", doubts), next_open
    )


def closes_at(windows: CallWindows, now: float) -> float | None:
    """When calling hours in the default zone end that are open now; ``now`` when they are closed, None: no end known.

    Numbers in other zones may be called earlier or later: it is for plans, not for judging a call.
    """
    zone = find_zone(windows.default_zone)
    if zone is None:
        return None
    at = now
    for _ in range(HORIZON_DAYS):
        local = datetime.fromtimestamp(at, zone)
        minute = local.hour * 60 + local.minute
        ends = [end for start, end in windows.days[local.weekday()] if start <= minute < end]
        if not ends:
            return at
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        end = max(ends)
        at = (midnight + timedelta(days=end // 1440, minutes=end % 1440)).timestamp()
    return None


def shift_ends_at(zone_name: str, minute: int, now: float) -> float | None:
    """When it is ``minute`` of the day in this zone next, if that may be the end of a shift that goes on at ``now``.

    None when it is farther away than any shift is long: today's has ended, and nobody said when those leave who are
    there yet.
    """
    zone = find_zone(zone_name)
    if zone is None:
        return None
    today = datetime.fromtimestamp(now, zone).date()
    for days in (0, 1):
        day = today + timedelta(days=days + minute // 1440)
        at = datetime(day.year, day.month, day.day, minute // 60 % 24, minute % 60, tzinfo=zone).timestamp()
        if at > now:
            return at if at - now <= LONGEST_SHIFT_S else None
    return None


def _resolve(windows: CallWindows, zones: Iterable[str]) -> tuple[list[ZoneInfo] | None, str]:
    """The zones to check, without doubles, and what was not known; None when nothing can be checked."""
    found: dict[str, ZoneInfo] = {}
    unknown: list[str] = []
    for name in zones:
        zone = find_zone(name)
        if zone is None:
            unknown.append(name)
        else:
            found[zone.key] = zone
    if found and not unknown:
        return list(found.values()), ""
    doubts = f"zone {unknown[0]!r} is not known" if unknown else "the number's zone is not known"
    default = find_zone(windows.default_zone)
    if default is None:
        return None, doubts
    found[default.key] = default
    return list(found.values()), f"{doubts}, judged by the default zone {default.key}"


def _join(reason: str, doubts: str) -> str:
    return f"{reason} ({doubts})" if doubts else reason


def _is_open(windows: CallWindows, zone: ZoneInfo, at: float) -> bool:
    local = datetime.fromtimestamp(at, zone)
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in windows.days[local.weekday()])


def _next_open(windows: CallWindows, zones: list[ZoneInfo], now: float) -> float | None:
    """The first instant from ``now`` on at which all zones are open.

    Each zone's open time is a union of stretches that begin at a window's start or at a clock change, so the first
    common instant is one of those.
    """
    starts: set[float] = set()
    for zone in zones:
        starts.update(at for at in _window_starts(windows, zone, now) if at > now)
        starts.update(at for at in _clock_changes(zone, now) if at > now)
    for at in sorted(starts):
        if all(_is_open(windows, zone, at) for zone in zones):
            return at
    return None


def _window_starts(windows: CallWindows, zone: ZoneInfo, now: float) -> Iterator[float]:
    today: date = datetime.fromtimestamp(now, zone).date()
    for days in range(-1, HORIZON_DAYS + 1):
        day = today + timedelta(days=days)
        for start, _end in windows.days[day.weekday()]:
            if start >= 1440:
                continue
            for fold in (0, 1):
                local = datetime(day.year, day.month, day.day, start // 60, start % 60, fold=fold, tzinfo=zone)
                yield local.timestamp()


def _clock_changes(zone: ZoneInfo, now: float) -> Iterator[float]:
    """Instants within the horizon at which the zone's offset changes, exact to the second."""
    left = int(now) - _DAY_S
    offset = _offset(zone, left)
    for right in range(left + _DAY_S, int(now) + (HORIZON_DAYS + 1) * _DAY_S, _DAY_S):
        new = _offset(zone, right)
        if new != offset:
            low, high = left, right
            while high - low > _BISECT_TO_S:
                middle = (low + high) // 2
                if _offset(zone, middle) == offset:
                    low = middle
                else:
                    high = middle
            yield float(high)
        left, offset = right, new


def _offset(zone: ZoneInfo, at: int) -> timedelta | None:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()


class OpeningTimes:
    """When sets of zones open next under one campaign's windows, remembered while a set stays closed.

    A claim asks for every set of zones that a list has, many times a minute; only closed answers are costly, and
    they hold until the moment that they name.
    """

    __slots__ = ("_closed", "_windows")

    def __init__(self, windows: CallWindows) -> None:
        self._windows = windows
        self._closed: dict[tuple[str, ...], tuple[float, float]] = {}

    def opens_at(self, zones: tuple[str, ...], now: float, never_s: float) -> float:
        """``now`` when open, else the instant of opening.

        When it does not open at all, the next multiple of ``never_s``: the same for all who ask until then.
        """
        asked, until = self._closed.get(zones, (0.0, 0.0))
        if asked <= now < until:
            return until
        verdict = open_in_all(self._windows, zones, now)
        if verdict.open:
            return now
        until = (now // never_s + 1) * never_s if verdict.next_open_at is None else verdict.next_open_at
        self._closed[zones] = (now, until)
        return until
