"""Times as customers say them: clock changes, days, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dialer.leads.moments import MomentError, in_days, instant, next_time, parse, zone_for

NEW_YORK = ZoneInfo("America/New_York")
LONDON = ZoneInfo("Europe/London")


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type]


SPRING, AUTUMN = date(2027, 3, 14), date(2027, 11, 7)  # New York's clock changes at 02:00
BEFORE = utc(2027, 1, 1)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "expected"),
    [
        (SPRING, 1, 59, utc(2027, 3, 14, 6, 59)),
        (SPRING, 2, 0, utc(2027, 3, 14, 7, 0)),  # skipped: 03:00
        (SPRING, 2, 30, utc(2027, 3, 14, 7, 30)),  # skipped: 03:30
        (SPRING, 3, 0, utc(2027, 3, 14, 7, 0)),
        (SPRING, 15, 0, utc(2027, 3, 14, 19, 0)),
        (AUTUMN, 0, 59, utc(2027, 11, 7, 4, 59)),
        (AUTUMN, 1, 30, utc(2027, 11, 7, 5, 30)),  # twice: the first
        (AUTUMN, 2, 0, utc(2027, 11, 7, 7, 0)),
    ],
)
def test_clock_changes(day: date, hour: int, minute: int, expected: float) -> None:
    assert instant(day, hour, minute, NEW_YORK, BEFORE) == expected


def test_a_time_that_comes_twice_and_is_over_once() -> None:
    first, second = utc(2027, 11, 7, 5, 30), utc(2027, 11, 7, 6, 30)
    assert next_time(1, 30, NEW_YORK, first - 1) == first
    assert next_time(1, 30, NEW_YORK, first) == second
    assert next_time(1, 30, NEW_YORK, second) == utc(2027, 11, 8, 6, 30)


def test_days_are_the_customers() -> None:
    evening = utc(2027, 6, 2, 1, 0)  # the 1st in New York, the 2nd in London
    assert in_days(1, 9, 0, NEW_YORK, evening) == utc(2027, 6, 2, 13, 0)
    assert in_days(1, 9, 0, LONDON, evening) == utc(2027, 6, 3, 8, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15:00", utc(2027, 3, 13, 20, 0)),
        ("+1 15:00", utc(2027, 3, 14, 19, 0)),
        ("+1d 2:30", utc(2027, 3, 14, 7, 30)),
        ("2027-03-15 09:05", utc(2027, 3, 15, 13, 5)),
        ("2027-03-15T09:05:00", utc(2027, 3, 15, 13, 5)),
        ("+90m", utc(2027, 3, 13, 18, 30)),
        (" +2h ", utc(2027, 3, 13, 19, 0)),
    ],
)
def test_what_may_be_written(text: str, expected: float) -> None:
    assert parse(text, NEW_YORK, utc(2027, 3, 13, 17, 0)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "25:00", "12:60", "+0 11:00", "2027-03-13 11:59", "2027-02-30 10:00", "2027-09-01 10:00", "+200 10:00",
     "9999-12-31 23:59", "0001-01-01 00:00", "+999999h", "2027-03-15 09:05Z", "١٢:٣٠x"],
)  # fmt: skip
def test_what_is_refused_says_what_was_expected(text: str) -> None:
    with pytest.raises(MomentError, match="expected"):
        parse(text, NEW_YORK, utc(2027, 3, 13, 17, 0))


@pytest.mark.parametrize(
    ("zones", "default", "expected"),
    [
        (("America/New_York",), "UTC", "America/New_York"),
        (("America/Chicago", "America/New_York"), "America/New_York", "America/New_York"),
        (("America/Chicago", "America/New_York"), "Europe/London", "America/Chicago"),
        ((), "Europe/London", "Europe/London"),
        (("Nowhere/Land",), "Europe/London", "Europe/London"),
        ((), "Nowhere/Land", "UTC"),
    ],
)
def test_whose_clock(zones: tuple[str, ...], default: str, expected: str) -> None:
    assert zone_for(zones, default).key == expected
