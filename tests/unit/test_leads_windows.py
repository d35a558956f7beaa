from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialer.domain.settings import CallWindows
from dialer.leads.windows import OpeningTimes, find_zone, open_in_all, shift_ends_at

BERLIN, NEW_YORK, LA = "Europe/Berlin", "America/New_York", "America/Los_Angeles"


def daily(*windows: tuple[int, int], zone: str = "UTC") -> CallWindows:
    return CallWindows(days=(windows,) * 7, default_zone=zone)


def at(zone: str, text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


OFFICE = daily((8 * 60, 20 * 60))


def test_start_is_inside_and_end_is_outside() -> None:
    assert open_in_all(OFFICE, [BERLIN], at(BERLIN, "2026-09-21T08:00:00")).open
    assert not open_in_all(OFFICE, [BERLIN], at(BERLIN, "2026-09-21T07:59:59")).open
    assert open_in_all(OFFICE, [BERLIN], at(BERLIN, "2026-09-21T19:59:59.9")).open
    assert not open_in_all(OFFICE, [BERLIN], at(BERLIN, "2026-09-21T20:00:00")).open


def test_all_zones_must_be_open() -> None:
    now = at(NEW_YORK, "2026-09-21T09:00:00")
    assert open_in_all(OFFICE, [NEW_YORK], now).open
    verdict = open_in_all(OFFICE, [NEW_YORK, LA], now)
    assert not verdict.open
    assert verdict.next_open_at == at(LA, "2026-09-21T08:00:00")
    assert "Mon 06:00 in America/Los_Angeles" in verdict.reason


def test_the_day_of_the_week_is_the_callees() -> None:
    weekdays = CallWindows(days=(((480, 1200),),) * 5 + ((), ()), default_zone="UTC")
    friday_evening = at(BERLIN, "2026-09-25T21:00:00")
    verdict = open_in_all(weekdays, [BERLIN], friday_evening)
    assert not verdict.open and verdict.next_open_at == at(BERLIN, "2026-09-28T08:00:00")


def test_zones_that_are_never_open_together() -> None:
    hour = daily((9 * 60, 10 * 60))
    verdict = open_in_all(hour, [BERLIN, NEW_YORK], at(BERLIN, "2026-09-21T09:30:00"))
    assert not verdict.open and verdict.next_open_at is None and "never open" in verdict.reason


def test_no_windows_at_all_is_closed() -> None:
    verdict = open_in_all(daily(), [BERLIN], 1_790_000_000.0)
    assert not verdict.open and verdict.next_open_at is None


def test_no_zone_is_judged_by_the_default_zone_and_says_so() -> None:
    windows = daily((480, 1200), zone=LA)
    morning = at(BERLIN, "2026-09-21T09:00:00")
    verdict = open_in_all(windows, [], morning)
    assert not verdict.open and "default zone America/Los_Angeles" in verdict.reason
    assert open_in_all(windows, [], at(LA, "2026-09-21T09:00:00")).open


def test_an_unknown_zone_is_judged_by_the_default_zone_too() -> None:
    windows = daily((480, 1200), zone=LA)
    berlin_morning = at(BERLIN, "2026-09-21T09:00:00")
    verdict = open_in_all(windows, ["Mars/Phobos", BERLIN], berlin_morning)
    assert not verdict.open and "'Mars/Phobos' is not known" in verdict.reason
    assert open_in_all(windows, ["Mars/Phobos"], at(LA, "2026-09-21T09:00:00")).open


def test_an_unknown_zone_without_a_known_default_is_closed() -> None:
    always = daily((0, 1440), zone="Nowhere/Land")
    for zones in ([], ["Mars/Phobos"]):
        verdict = open_in_all(always, zones, 1_790_000_000.0)
        assert not verdict.open and "Nowhere/Land" in verdict.reason


def test_the_hour_that_comes_twice_counts_twice() -> None:
    """Berlin, 25 October 2026: at 03:00 the clock goes back to 02:00."""
    night = daily((2 * 60, 2 * 60 + 30))
    first = at(BERLIN, "2026-10-25T02:10:00", fold=0)
    between = at(BERLIN, "2026-10-25T02:40:00", fold=0)
    second = at(BERLIN, "2026-10-25T02:10:00", fold=1)
    assert open_in_all(night, [BERLIN], first).open
    assert open_in_all(night, [BERLIN], second).open
    verdict = open_in_all(night, [BERLIN], between)
    assert not verdict.open and verdict.next_open_at == at(BERLIN, "2026-10-25T02:00:00", fold=1)


def test_the_clock_going_back_may_open_a_window_that_has_ended() -> None:
    until = daily((0, 2 * 60 + 15))
    after = at(BERLIN, "2026-10-25T02:20:00", fold=0)
    verdict = open_in_all(until, [BERLIN], after)
    assert not verdict.open and verdict.next_open_at == at(BERLIN, "2026-10-25T02:00:00", fold=1)


def test_a_window_in_the_hour_that_does_not_come() -> None:
    """Berlin, 29 March 2026: after 01:59:59 comes 03:00."""
    night = daily((2 * 60, 2 * 60 + 30))
    verdict = open_in_all(night, [BERLIN], at(BERLIN, "2026-03-29T01:00:00"))
    assert not verdict.open and verdict.next_open_at == at(BERLIN, "2026-03-30T02:00:00")
    wide = daily((2 * 60 + 30, 5 * 60))
    verdict = open_in_all(wide, [BERLIN], at(BERLIN, "2026-03-29T01:00:00"))
    assert verdict.next_open_at == at(BERLIN, "2026-03-29T03:00:00")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "", "Europe", "Mars/Phobos", "a\0b"])
def test_zone_names_are_not_paths(name: str) -> None:
    assert find_zone(name) is None


def test_opening_times_remember_only_while_it_holds() -> None:
    opening = OpeningTimes(OFFICE)
    night = at(BERLIN, "2026-09-21T02:00:00")
    opens = at(BERLIN, "2026-09-21T08:00:00")
    assert opening.opens_at((BERLIN,), night, 1.0) == opens
    assert opening.opens_at((BERLIN,), opens - 1, 1.0) == opens
    assert opening.opens_at((BERLIN,), opens, 1.0) == opens
    assert opening.opens_at((BERLIN,), opens + 5, 1.0) == opens + 5
    evening_before = at(BERLIN, "2026-09-20T19:00:00")  # a clock that was set back
    assert opening.opens_at((BERLIN,), evening_before, 1.0) == evening_before
    never = OpeningTimes(daily())
    assert never.opens_at((BERLIN,), 250.0, 100.0) == never.opens_at((BERLIN,), 260.0, 100.0) == 300.0


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory"])
def test_this_machines_own_clock_is_nobodys_zone(name: str) -> None:
    assert find_zone(name) is None


@pytest.mark.parametrize(
    ("now", "minute", "ends"),
    [
        ("2026-09-21T09:00:00", 17 * 60 + 30, "2026-09-21T17:30:00"),
        ("2026-09-21T17:29:59", 17 * 60 + 30, "2026-09-21T17:30:00"),
        ("2026-09-21T17:30:00", 17 * 60 + 30, None),  # who is there yet leaves nobody knows when
        ("2026-09-21T20:00:00", 17 * 60 + 30, None),
        ("2026-09-21T05:29:00", 17 * 60 + 30, None),  # no shift is that long
        ("2026-09-21T05:30:00", 17 * 60 + 30, "2026-09-21T17:30:00"),
        ("2026-09-21T22:00:00", 2 * 60, "2026-09-22T02:00:00"),  # a night shift
        ("2026-09-21T22:00:00", 24 * 60, "2026-09-22T00:00:00"),
        ("2026-09-21T22:00:00", 0, "2026-09-22T00:00:00"),
        ("2026-10-24T22:00:00", 5 * 60, "2026-10-25T05:00:00"),  # an hour comes twice
    ],
)
def test_when_a_shift_ends(now: str, minute: int, ends: str | None) -> None:
    assert shift_ends_at(BERLIN, minute, at(BERLIN, now)) == (None if ends is None else at(BERLIN, ends))
    assert shift_ends_at("Nowhere/Town", minute, at(BERLIN, now)) is None
