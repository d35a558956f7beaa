"""Rules, calendars, costs, plans and lines under anything that can be written: exact where they claim to be."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.boxes import Box, Numbers, Words, holds, left_out, meet
from routing.calendars import Calendar, is_open
from routing.caller_ids import ShownNumber
from routing.callers import CallerKind, read
from routing.causes import Blame
from routing.costs import CostRow, CostTable, faults
from routing.facts import Direction
from routing.followme import Connect, FollowMePlan, Happening, MissedCallTask, Phone, Stage, happened, longest_s, start
from routing.health import NEW, Condition, HealthPolicy, dialed, ended, may_dial
from routing.trunks import TrunkFacts, choose_trunk

EDGES = (0, 1, 2, 3)
numbers = st.builds(
    lambda a, b, missing: Numbers(min(a, b), max(a, b) + 1, missing),
    st.sampled_from((-float("inf"), *EDGES)),
    st.sampled_from((*EDGES, float("inf"))),
    st.booleans(),
)
words = st.builds(Words, st.frozensets(st.sampled_from(("", "x", "y")), min_size=1), st.booleans()).filter(
    lambda each: each.others or each.among
)
boxes = st.fixed_dictionaries({}, optional={"n": numbers, "m": numbers, "w": words})
POINTS = [
    {"n": n, "m": m, "w": w}
    for n, m in itertools.product((None, -1, 0, 0.5, 1, 2, 3, 4, 9), (None, -1, 0, 1, 2, 3, 4, 9))
    for w in ("", "x", "y", "z")
]
"""One of each cell that edges 0 … 4 and the words can make."""


@settings(max_examples=150, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=5))
def test_overlaps_and_gaps_are_exact(some: list[Box]) -> None:
    one, other = some[0], some[-1]
    both = meet(one, other)
    together = [point for point in POINTS if holds(one, point) and holds(other, point)]
    assert (both is not None) == bool(together)
    if both is not None:
        assert all(holds(both, point) == (point in together) for point in POINTS)
    gap = left_out(some)
    outside = [point for point in POINTS if not any(holds(box, point) for box in some)]
    assert (gap is not None) == bool(outside)
    if gap is not None:
        inside = [point for point in POINTS if holds(gap, point)]
        assert inside and all(point in outside for point in inside)


hours = st.lists(st.integers(0, 24), max_size=4, unique=True).map(
    lambda edges: tuple((a * 60, b * 60) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC")
CHANGES = ("2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-07-15")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.lists(hours, min_size=7, max_size=7), st.sampled_from(CHANGES), st.integers(-36, 36))
def test_a_calendar_holds_until_it_says_and_not_longer(zone: str, week: list[object], day: str, hour: int) -> None:
    calendar = Calendar("x", zone, tuple(week))  # type: ignore[arg-type]
    now = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() + hour * 3600
    verdict = is_open(calendar, now)
    stepped = next(
        (at for at in range(int(now), int(now) + 8 * 86400, 900) if is_now(calendar, at) is not verdict.open), None
    )
    if verdict.until is None:
        assert stepped is None
    else:
        assert stepped is None or verdict.until <= stepped
        assert stepped is None or verdict.until > stepped - 900
        assert is_now(calendar, verdict.until) is not verdict.open


def is_now(calendar: Calendar, at: float) -> bool:
    local = datetime.fromtimestamp(at, ZoneInfo(calendar.zone))
    return any(start <= local.hour * 60 + local.minute < end for start, end in calendar.week[local.weekday()])


rows = st.builds(
    CostRow,
    st.sampled_from(("+", "+4", "+49", "+491")),
    st.floats(0, 1),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    minutes=st.sampled_from(((0, 1440), (0, 720), (720, 1440), (600, 700))),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(rows, max_size=6))
def test_a_cost_table_without_faults_has_one_price_for_every_hour(some: list[CostRow]) -> None:
    table = CostTable("x", "UTC", tuple(some))
    wrong = {fault.prefix for fault in faults(table)}
    monday = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    for prefix in table.by_prefix:
        prices = [table.row(f"{prefix}0", monday + hour * 3600 + 1800) for hour in range(168)]
        if prefix not in wrong:
            assert all(row is not None for row in prices)
    if not wrong and some:
        for hour in range(168):
            fitting = [r for r in table.by_prefix.get("+", ()) if r.at(hour // 24, hour % 24 * 60)]
            assert len(fitting) <= 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([b for b in Blame if b is not Blame.CARRIER]), max_size=200))
def test_whatever_is_not_the_carriers_fault_leaves_a_line_healthy(outcomes: list[Blame]) -> None:
    health = NEW
    for number, whose in enumerate(outcomes):
        health = ended(dialed(health, 0.0), whose, str(number), 0.0, 0.0, HealthPolicy())
    assert health.condition is Condition.HEALTHY and may_dial(health, 0.0) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Blame), st.integers(0, 400), st.booleans()), max_size=120))
def test_a_sick_line_always_gets_its_probe_and_one_only(story: list[tuple[Blame, int, bool]]) -> None:
    policy, health, now, out = HealthPolicy(), NEW, 0.0, 0
    for number, (whose, wait, at_once) in enumerate(story):
        now += wait
        if may_dial(health, now) is None:
            health, out = dialed(health, now), out + 1
            if at_once or health.condition is not Condition.HEALTHY:
                health, out = ended(health, whose, str(number), now, now, policy), out - 1
        if health.condition is Condition.COOLING:
            assert now < health.until <= now + policy.longest_cool_down_s
        assert health.condition is Condition.HEALTHY or may_dial(health, now + policy.longest_cool_down_s) is None


LEADER = Phone("leader", "3", 25.0, outside=True, calendar="office")
PHONES = (Phone("desk", "1", 20.0), Phone("mobile", "2", 25.0, outside=True), LEADER)
story = st.lists(st.tuples(st.sampled_from(Happening), st.integers(-1, 3), st.integers(0, 30)), max_size=40)


@settings(max_examples=200, deadline=None)
@given(story, st.integers(0, 3), st.booleans(), st.booleans())
def test_a_plan_never_forgets_the_customer(
    events: list[tuple[Happening, int, int]], count: int, voicemail: bool, office: bool
) -> None:
    plan = FollowMePlan(PHONES[:count], voicemail)
    calendars = frozenset({"office"}) if office else frozenset[str]()
    state, orders = start(plan, calendars, 0.0)
    given, now = list(orders), 0.0
    for what, phone, wait in events:
        now += wait
        state, orders = happened(state, what, phone, calendars, now)
        given += orders
        assert (state.until is None) == (state.stage in (Stage.CONNECTED, Stage.VOICEMAIL, Stage.GONE))
    while state.until is not None:  # nothing more happens but time
        now = max(now, state.until)
        state, orders = happened(state, Happening.TIMED_OUT, state.phone, calendars, now)
        given += orders
    if state.stage is Stage.VOICEMAIL:
        state, orders = happened(state, Happening.RECORDED, -1, calendars, now)
        given += orders
    tasks = [order for order in given if isinstance(order, MissedCallTask)]
    assert len(tasks) == (state.stage is Stage.GONE) and state.stage in (Stage.CONNECTED, Stage.GONE)
    for order in given:
        if isinstance(order, Connect) and order.phone.outside:
            assert any(what is Happening.ACCEPTED for what, _, _ in events)
    if not events:
        assert now <= longest_s(plan)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"(\+|00|sip:)?[0-9]{0,16}(@x)?", fullmatch=True))
def test_any_caller_id_is_read(text: str) -> None:
    caller = read(text)
    assert bool(caller.number) == (caller.kind is CallerKind.NUMBER)
    assert caller.reason
    if caller.number:
        assert caller.number[0] == "+" and caller.number[1:].isdecimal() and caller.number.isascii()


shown = st.builds(ShownNumber, st.sampled_from(("+1", "+2")), today=st.integers(0, 3), daily_cap=st.just(2))
trunks = st.builds(
    TrunkFacts,
    st.sampled_from(("a", "b", "c")),
    st.integers(1, 10),
    st.integers(0, 12),
    st.floats(0, 3),
    reserved_inbound=st.integers(0, 3),
    pool=st.lists(shown, max_size=2).map(tuple),
    allotted=st.none() | st.frozensets(st.sampled_from(("+1", "+2"))),
    cli_allotted_only=st.booleans(),
    order=st.integers(0, 1),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(trunks, max_size=4, unique_by=lambda each: each.name), st.sampled_from(Direction))
def test_a_line_is_chosen_whenever_one_may_and_never_beyond_its_limits(some: list[TrunkFacts], way: Direction) -> None:
    choice = choose_trunk("+15", some, 0.0, direction=way)
    assert choice == choose_trunk("+15", reversed(some), 0.0, direction=way)
    may = []
    for each in some:
        kept = each.reserved_inbound if way is Direction.OUTBOUND else 0
        usable = [n.number for n in each.pool if n.today < 2]
        if each.cli_allotted_only:
            usable = [n for n in usable if n in (each.allotted or ())]
        if each.in_use < each.channels - kept and each.tokens >= 1 and usable:
            may.append(each.name)
    assert (choice.trunk in may) if may else choice.trunk is None
    assert {name for name, _ in choice.why_nots} == {each.name for each in some} - {choice.trunk}
