"""Call windows against a slow and obvious reading of the rule, around clock changes too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.settings import CallWindows
from dialer.leads.windows import HORIZON_DAYS, open_in_all

ZONES = [
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",  # half hours
    "Europe/Berlin",
    "Asia/Shanghai",
    "Asia/Kathmandu",  # quarter hours
    "Australia/Lord_Howe",  # changes by half an hour
    "Africa/Casablanca",  # changes with Ramadan
    "Pacific/Apia",
    "UTC",
]
CHANGES = [
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 2, 15, 2, tzinfo=UTC),
]

window = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda w: w[0] < w[1])
day = st.lists(window, max_size=2).map(tuple)
windows = st.builds(
    lambda days, zone: CallWindows(days=tuple(days), default_zone=zone),
    st.lists(day, min_size=7, max_size=7),
    st.sampled_from(ZONES),
)
instants = st.one_of(
    st.builds(
        lambda change, minutes: (change + timedelta(minutes=minutes)).timestamp(),
        st.sampled_from(CHANGES),
        st.integers(-2880, 2880),
    ),
    st.integers(1_700_000_000, 1_900_000_000).map(float),
)


def obviously_open(rules: CallWindows, zones: list[str], now: float) -> bool:
    for zone in zones:
        local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        if not any(start <= minute < end for start, end in rules.days[local.weekday()]):
            return False
    return True


@given(windows, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3), instants)
@settings(max_examples=150, deadline=None)
def test_open_means_open_everywhere_and_the_next_opening_is_one_and_the_first(
    rules: CallWindows, zones: list[str], now: float
) -> None:
    verdict = open_in_all(rules, zones, now)
    assert verdict.open == obviously_open(rules, zones, now)
    assert verdict.reason
    end = now + HORIZON_DAYS * 86_400 if verdict.next_open_at is None else verdict.next_open_at
    if verdict.next_open_at is not None:
        assert verdict.next_open_at >= now
        assert obviously_open(rules, zones, verdict.next_open_at)
    # Not open at any minute before: windows and clock changes fall on whole minutes.
    probe = now - now % 60 + 60
    while probe < end:
        assert not obviously_open(rules, zones, probe)
        probe += 420
    if verdict.next_open_at is not None and verdict.next_open_at > now:
        assert not obviously_open(rules, zones, verdict.next_open_at - 1)


@given(windows, st.lists(st.sampled_from([*ZONES, "Mars/Phobos", "../x", ""]), max_size=3), instants)
@settings(max_examples=150, deadline=None)
def test_an_unknown_zone_never_opens_anything_by_itself(rules: CallWindows, zones: list[str], now: float) -> None:
    known = [zone for zone in zones if zone in ZONES]
    verdict = open_in_all(rules, zones, now)
    if len(known) < len(zones) or not zones:
        assert verdict.open == obviously_open(rules, [*known, rules.default_zone], now)
        assert "default zone" in verdict.reason
    nowhere = CallWindows(days=rules.days, default_zone="Nowhere/Land")
    if len(known) < len(zones) or not zones:
        assert not open_in_all(nowhere, zones, now).open


@given(windows, st.lists(st.sampled_from(ZONES), min_size=1, max_size=2), st.sampled_from(ZONES), instants)
@settings(max_examples=100, deadline=None)
def test_one_more_zone_never_opens_what_was_closed(
    rules: CallWindows, zones: list[str], more: str, now: float
) -> None:
    if not open_in_all(rules, zones, now).open:
        assert not open_in_all(rules, [*zones, more], now).open
