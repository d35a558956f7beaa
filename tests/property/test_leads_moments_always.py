"""Whatever time a customer names in whatever zone: it comes, it is the one that their clock shows, and no other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dialer.leads.moments import in_days, instant, next_time, parse

ZONES = ("UTC", "America/New_York", "America/Sao_Paulo", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "Africa/Casablanca", "Asia/Shanghai", "Antarctica/Troll")  # fmt: skip
zones = st.sampled_from(ZONES).map(ZoneInfo)
clocks = st.tuples(st.integers(0, 23), st.integers(0, 59))
presents = st.floats(1_790_000_000, 1_900_000_000)
days = st.dates(date(2026, 9, 1), date(2030, 3, 1))


def shown(at: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)


@given(days, clocks, zones, presents)
def test_the_clock_shows_it_or_has_skipped_it(day: date, clock: tuple[int, int], zone: ZoneInfo, now: float) -> None:
    at = instant(day, *clock, zone, now)
    wished = datetime(day.year, day.month, day.day, *clock)
    if shown(at, zone) != wished:
        # Skipped: nobody's clock ever shows it, and what is shown is later, by no more than the clock was put on.
        for offset_min in range(-26 * 60, 26 * 60, 15):
            instant_ = (wished - timedelta(minutes=offset_min)).replace(tzinfo=UTC).timestamp()
            assert shown(instant_, zone) != wished
        assert timedelta(0) < shown(at, zone) - wished <= timedelta(hours=24)


@given(clocks, zones, presents)
def test_the_next_time_is_to_come_and_within_a_day_or_so(clock: tuple[int, int], zone: ZoneInfo, now: float) -> None:
    at = next_time(*clock, zone, now)
    assert now < at <= now + 50 * 3600
    assert parse(f"{clock[0]}:{clock[1]:02d}", zone, now) == at


@given(st.integers(1, 90), clocks, zones, presents)
def test_days_from_today_follow_each_other(count: int, clock: tuple[int, int], zone: ZoneInfo, now: float) -> None:
    first, second = in_days(count, *clock, zone, now), in_days(count + 1, *clock, zone, now)
    assert now - 86_400 < first < second and second - first <= 50 * 3600
