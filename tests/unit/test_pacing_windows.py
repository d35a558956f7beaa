"""The windows over which abandonment is judged: where each kind begins and ends, in any zone and any year."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from pacing.windows import DAY, MONTH, PERIOD, SHIFT, TRAILING, AbandonWindow

HOUR_S, DAY_S = 3600.0, 86_400.0
BERLIN, NEW_YORK, KOLKATA = "Europe/Berlin", "America/New_York", "Asia/Kolkata"


def at(text: str, zone: str = "UTC", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def window(kind: str, length_s: float = 0.0, starts_at: float = 0.0, zone: str = "UTC") -> AbandonWindow:
    return AbandonWindow(0.03, kind, length_s, starts_at, zone)


# ---- days --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "start", "end", "hours"),
    [
        ("UTC", "2026-09-21T13:45:10.5", "2026-09-21T00:00", "2026-09-22T00:00", 24),
        (BERLIN, "2026-09-21T00:00", "2026-09-21T00:00", "2026-09-22T00:00", 24),
        (BERLIN, "2026-09-21T23:59:59.999", "2026-09-21T00:00", "2026-09-22T00:00", 24),
        (KOLKATA, "2026-09-21T03:00", "2026-09-21T00:00", "2026-09-22T00:00", 24),
        (BERLIN, "2026-03-29T12:00", "2026-03-29T00:00", "2026-03-30T00:00", 23),
        (BERLIN, "2026-03-29T01:00", "2026-03-29T00:00", "2026-03-30T00:00", 23),
        (BERLIN, "2026-10-25T12:00", "2026-10-25T00:00", "2026-10-26T00:00", 25),
        (NEW_YORK, "2026-03-08T05:00", "2026-03-08T00:00", "2026-03-09T00:00", 23),
        (NEW_YORK, "2026-11-01T23:00", "2026-11-01T00:00", "2026-11-02T00:00", 25),
        ("Australia/Lord_Howe", "2026-04-05T12:00", "2026-04-05T00:00", "2026-04-06T00:00", 24.5),
        ("UTC", "2028-02-28T12:00", "2028-02-28T00:00", "2028-02-29T00:00", 24),
        ("UTC", "2027-12-31T12:00", "2027-12-31T00:00", "2028-01-01T00:00", 24),
    ],
)
def test_a_day_is_the_zones_own_day(zone: str, now: str, start: str, end: str, hours: float) -> None:
    bounds = window(DAY, zone=zone).bounds(at(now, zone))
    assert bounds == (at(start, zone), at(end, zone))
    assert bounds[1] - bounds[0] == hours * HOUR_S


def test_the_hour_that_comes_twice_lies_in_the_same_day_both_times() -> None:
    first, second = at("2026-10-25T02:30", BERLIN), at("2026-10-25T02:30", BERLIN, fold=1)
    assert second - first == HOUR_S
    assert window(DAY, zone=BERLIN).bounds(first) == window(DAY, zone=BERLIN).bounds(second)


@pytest.mark.parametrize(
    ("zone", "inside", "first"),
    [
        ("America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04T01:00"),  # midnight did not exist
        ("America/Havana", "2026-03-08T12:00", "2026-03-08T01:00"),
        ("America/Havana", "2026-11-01T12:00", "2026-11-01T00:00"),  # midnight came twice: the first one
        ("America/Sao_Paulo", "2018-02-18T12:00", "2018-02-18T00:00"),  # 23 h came twice the evening before
    ],
)
def test_a_clock_that_changes_at_midnight(zone: str, inside: str, first: str) -> None:
    day = window(DAY, zone=zone)
    start, end = day.bounds(at(inside, zone))
    assert start == at(first, zone)
    assert day.bounds(start)[0] == start and day.bounds(start - 1.0)[1] == start
    assert day.bounds(end)[0] == end and day.bounds(end - 1.0) == (start, end)


def test_a_day_that_an_island_skipped() -> None:
    day = window(DAY, zone="Pacific/Apia")
    thursday = day.bounds(at("2011-12-29T12:00", "Pacific/Apia"))
    assert thursday[1] - thursday[0] == DAY_S
    assert day.bounds(thursday[1])[0] == thursday[1] == at("2011-12-31T00:00", "Pacific/Apia")


# ---- months ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "start", "end", "days"),
    [
        ("UTC", "2026-01-31T23:59:59", "2026-01-01", "2026-02-01", 31),
        ("UTC", "2026-02-28T23:59:59", "2026-02-01", "2026-03-01", 28),
        ("UTC", "2028-02-29T12:00", "2028-02-01", "2028-03-01", 29),
        ("UTC", "2000-02-29T12:00", "2000-02-01", "2000-03-01", 29),
        ("UTC", "2100-02-15T12:00", "2100-02-01", "2100-03-01", 28),
        ("UTC", "2026-04-01T00:00", "2026-04-01", "2026-05-01", 30),
        ("UTC", "2026-12-31T23:59:59.9", "2026-12-01", "2027-01-01", 31),
        (BERLIN, "2026-01-01T00:30", "2026-01-01", "2026-02-01", 31),
        (BERLIN, "2026-03-10T09:00", "2026-03-01", "2026-04-01", 31 - 1 / 24),
        (NEW_YORK, "2026-11-30T23:00", "2026-11-01", "2026-12-01", 30 + 1 / 24),
        (KOLKATA, "2026-07-31T23:59", "2026-07-01", "2026-08-01", 31),
    ],
)
def test_a_month_is_the_zones_own_month(zone: str, now: str, start: str, end: str, days: float) -> None:
    bounds = window(MONTH, zone=zone).bounds(at(now, zone))
    assert bounds == (at(start, zone), at(end, zone))
    assert bounds[1] - bounds[0] == pytest.approx(days * DAY_S)


def test_one_moment_may_lie_in_different_months() -> None:
    now = at("2026-08-31T22:30")
    assert window(MONTH).bounds(now)[0] == at("2026-08-01")
    assert window(MONTH, zone=BERLIN).bounds(now)[0] == at("2026-09-01", BERLIN)


@pytest.mark.parametrize("zone", ["UTC", BERLIN, NEW_YORK, KOLKATA, "Australia/Lord_Howe", "America/Havana"])
@pytest.mark.parametrize("kind", [DAY, MONTH])
def test_calendar_periods_follow_each_other_without_gap_or_overlap(kind: str, zone: str) -> None:
    calendar = window(kind, zone=zone)
    start, end = calendar.bounds(at("2027-01-01T00:00", zone))
    count = 0
    while end < at("2028-03-02T00:00", zone):
        following = calendar.bounds(end)
        assert following[0] == end
        assert calendar.bounds(end - 0.001) == (start, end)
        start, end = following
        count += 1
    assert count == (425 if kind == DAY else 14)


# ---- successive periods, shifts, trailing ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset_days", "number"),
    [(0, 0), (29.999, 0), (30, 1), (60, 2), (365, 12), (-0.001, -1), (-30, -1), (-30.001, -2), (-365, -13)],
)
def test_successive_periods_are_counted_from_the_campaigns_start_both_ways(offset_days: float, number: int) -> None:
    begun = at("2026-05-11T09:30", NEW_YORK)
    successive = window(PERIOD, 30 * DAY_S, begun)
    start = begun + number * 30 * DAY_S
    assert successive.bounds(begun + offset_days * DAY_S) == (start, start + 30 * DAY_S)


def test_a_period_takes_no_notice_of_clock_changes() -> None:
    start, end = window(PERIOD, 30 * DAY_S, at("2026-03-15T00:00", BERLIN)).bounds(at("2026-04-01T00:00", BERLIN))
    assert end - start == 30 * DAY_S


def test_a_shift_begins_when_it_is_told_and_has_no_known_end() -> None:
    assert window(SHIFT, starts_at=500.0).bounds(9_000.0) == (500.0, math.inf)
    assert window(SHIFT, starts_at=500.0).bounds(100.0) == (500.0, math.inf)


def test_a_trailing_window_moves_with_the_clock() -> None:
    trailing = window(TRAILING, DAY_S)
    assert trailing.bounds(1_000_000.25) == (1_000_000.25 - DAY_S, 1_000_000.25)
    assert not trailing.fixed
    assert all(window(kind, 5.0).fixed for kind in (PERIOD, MONTH, DAY, SHIFT))


# ---- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "length_s", "name"),
    [
        (PERIOD, 30 * DAY_S, "30d"),
        (PERIOD, 2 * DAY_S, "2d"),
        (PERIOD, DAY_S, "24h"),
        (PERIOD, 36 * HOUR_S, "36h"),
        (TRAILING, DAY_S, "24h trailing"),
        (TRAILING, 7 * DAY_S, "7d trailing"),
        (TRAILING, HOUR_S, "1h trailing"),
        (TRAILING, 90 * 60.0, "90min trailing"),
        (TRAILING, 60.0, "1min trailing"),
        (TRAILING, 61.5, "61.5s trailing"),
        (MONTH, 0.0, "month"),
        (DAY, 0.0, "day"),
        (SHIFT, 0.0, "shift"),
    ],
)
def test_names_are_short_and_stable(kind: str, length_s: float, name: str) -> None:
    assert window(kind, length_s).name == name
    assert window(kind, length_s, starts_at=77.0).name == name


# ---- impossible values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"kind": "week"}, "one of trailing, period, month, day, shift was expected"),
        ({"kind": ""}, "one of"),
        ({"limit": 0.0}, "above 0 and below 1"),
        ({"limit": 1.0}, "above 0 and below 1"),
        ({"limit": 3.0}, "above 0 and below 1"),
        ({"limit": -0.03}, "above 0 and below 1"),
        ({"limit": math.nan}, "above 0 and below 1"),
        ({"kind": TRAILING, "length_s": 0.0}, "needs a length above 0"),
        ({"kind": PERIOD, "length_s": -1.0}, "needs a length above 0"),
        ({"kind": PERIOD, "length_s": math.nan}, "needs a length above 0"),
    ],
)
def test_a_window_that_cannot_be_is_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        AbandonWindow(**({"limit": 0.03, "kind": DAY} | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        {"kind": DAY, "zone": "Mars/Olympus"},
        {"kind": MONTH, "zone": ""},
        {"kind": PERIOD, "length_s": math.inf},
        {"kind": PERIOD, "length_s": DAY_S, "starts_at": math.nan},
    ],
)
def test_a_window_whose_bounds_nobody_can_tell_is_refused_too(values: dict[str, object]) -> None:
    with pytest.raises((ValueError, ZoneInfoNotFoundError)):
        AbandonWindow(**({"limit": 0.03} | values))  # type: ignore[arg-type]


def test_the_zone_of_a_day_is_no_matter_of_the_machines_own() -> None:
    assert window(DAY).bounds(at("2026-09-21T12:00"))[0] == datetime(2026, 9, 21, tzinfo=UTC).timestamp()
