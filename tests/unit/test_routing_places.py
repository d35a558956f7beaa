"""Calendars and follow-me plans."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from routing.calendars import Calendar, Holiday, is_open
from routing.errors import PlanError, UnknownZoneError
from routing.followme import (
    AskAccept,
    Connect,
    FollowMe,
    FollowMePlan,
    Happening,
    MissedCallTask,
    Order,
    Phone,
    Ring,
    Stage,
    StopRinging,
    TakeMessage,
    happened,
    longest_s,
    start,
)

DAILY = ((9 * 60, 18 * 60),)
OFFICE = Calendar(
    "office", "Europe/Berlin", (DAILY,) * 5 + ((), ()), {date(2026, 12, 24): Holiday("Christmas Eve", ((540, 720),))}
)


def at(zone: str, *when: int) -> float:
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type, misc]


def berlin(*when: int) -> float:
    return at("Europe/Berlin", *when)


@pytest.mark.parametrize(
    ("now", "opens", "until"),
    [
        (berlin(2026, 11, 26, 8, 59), False, berlin(2026, 11, 26, 9)),
        (berlin(2026, 11, 26, 9), True, berlin(2026, 11, 26, 18)),
        (berlin(2026, 11, 27, 18), False, berlin(2026, 11, 30, 9)),
        (berlin(2026, 12, 24, 11), True, berlin(2026, 12, 24, 12)),
        (berlin(2026, 12, 24, 12), False, berlin(2026, 12, 25, 9)),
    ],
)
def test_hours_and_holidays(now: float, opens: bool, until: float) -> None:
    verdict = is_open(OFFICE, now)
    assert (verdict.open, verdict.until) == (opens, until)
    assert is_open(OFFICE, until).open is not opens and is_open(OFFICE, until - 1).open is opens


def test_days_on_which_the_clock_is_changed() -> None:
    night = Calendar("night", "Europe/Berlin", (((2 * 60 + 15, 2 * 60 + 45),),) * 7)
    spring = berlin(2026, 3, 29, 1, 0)  # 2:00–3:00 does not come
    verdict = is_open(night, spring)
    assert not verdict.open and verdict.until == berlin(2026, 3, 30, 2, 15)
    autumn = datetime(2026, 10, 25, 0, 0, tzinfo=UTC).timestamp()  # 2:00 summer time; the hour comes twice
    spans = []
    moment = autumn
    for _ in range(4):
        verdict = is_open(night, moment)
        assert verdict.until is not None
        moment = verdict.until
        spans.append((moment - autumn) / 60)
    assert spans == [15, 45, 75, 105]


def test_a_calendar_that_never_changes_says_so() -> None:
    always = Calendar("always", "Asia/Shanghai", (((0, 1440),),) * 7)
    assert is_open(always, berlin(2026, 1, 1)).until is None and is_open(always, berlin(2026, 1, 1)).open
    never = Calendar("never", "Asia/Shanghai", ((),) * 7)
    assert is_open(never, berlin(2026, 1, 1)).until is None and not is_open(never, berlin(2026, 1, 1)).open
    once = Calendar("once", "Asia/Shanghai", ((),) * 7, {date(2027, 5, 1): Holiday("fair", ((600, 660),))})
    assert is_open(once, berlin(2026, 1, 1)).until == at("Asia/Shanghai", 2027, 5, 1, 10)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "localtime", "/etc/passwd", "../x", "Europe/", "a\0b"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UnknownZoneError, match="IANA"):
        Calendar("x", zone, (DAILY,) * 7)


@pytest.mark.parametrize("hours", [((60, 60),), ((0, 1441),), ((-1, 5),), ((600, 660), (630, 700))])
def test_hours_that_contradict_are_refused(hours: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(PlanError, match="expected spans"):
        Calendar("x", "UTC", (hours,) + (DAILY,) * 6)
    with pytest.raises(PlanError, match="of 7"):
        Calendar("x", "UTC", (DAILY,) * 6)


DESK = Phone("desk", "1001", 20.0)
MOBILE = Phone("mobile", "+491701", 25.0, outside=True)
LEADER = Phone("leader", "+491702", 25.0, outside=True, calendar="office")
PLAN = FollowMePlan((DESK, MOBILE, LEADER), task_for="1001")
OPEN = frozenset({"office"})


class Story:
    """A plan under way."""

    def __init__(self, plan: FollowMePlan = PLAN, calendars: frozenset[str] = OPEN) -> None:
        self.calendars = calendars
        self.now = 0.0
        self.state: FollowMe
        self.state, self.orders = start(plan, calendars, 0.0)

    def then(self, what: Happening, after: float = 1.0, phone: int | None = None) -> tuple[Order, ...]:
        self.now += after
        place = self.state.phone if phone is None else phone
        self.state, orders = happened(self.state, what, place, self.calendars, self.now)
        return orders

    def wait_out(self) -> tuple[Order, ...]:
        assert self.state.until is not None
        return self.then(Happening.TIMED_OUT, self.state.until - self.now)


def test_desk_mobile_leader_voicemail_task() -> None:
    story = Story()
    assert story.orders == (Ring(DESK, "desk, 20 s"),)
    assert story.wait_out() == (StopRinging(DESK), Ring(MOBILE, "mobile, 25 s (before: desk: not answered)"))
    busy = "before: desk: not answered; mobile: busy"
    assert story.then(Happening.BUSY) == (Ring(LEADER, f"leader, 25 s ({busy})"),)
    stop, message = story.wait_out()
    assert stop == StopRinging(LEADER) and isinstance(message, TakeMessage)
    assert story.state.until is None
    (task,) = story.then(Happening.RECORDED)
    assert isinstance(task, MissedCallTask) and task.message and task.owner == "1001"
    assert task.reason == f"left a message ({busy}; leader: not answered)"
    assert story.state.stage is Stage.GONE and story.then(Happening.ANSWERED) == ()
    assert longest_s(PLAN) == 86.0


def test_a_desk_phone_that_answers_is_connected_at_once_an_outside_one_after_a_key() -> None:
    story = Story()
    assert story.then(Happening.ANSWERED) == (Connect(DESK, "desk answered"),)
    story = Story()
    story.wait_out()
    assert story.then(Happening.ANSWERED) == (AskAccept(MOBILE),)
    assert story.state.stage is Stage.ASKING
    (connect,) = story.then(Happening.ACCEPTED)
    assert isinstance(connect, Connect) and connect.reason == "mobile accepted by key (before: desk: not answered)"
    assert story.state.stage is Stage.JOINING
    assert story.then(Happening.JOINED) == () and story.state.stage is Stage.CONNECTED and story.state.until is None
    assert story.then(Happening.LEFT) == ()


@pytest.mark.parametrize("what", [Happening.TIMED_OUT, Happening.FAILED, Happening.NO_ANSWER])
def test_a_bridge_that_fails_is_followed_by_the_next_phone(what: Happening) -> None:
    story = Story()
    story.then(Happening.ANSWERED)
    orders = story.wait_out() if what is Happening.TIMED_OUT else story.then(what)
    assert isinstance(orders[-1], Ring) and orders[-1].phone is MOBILE
    assert (StopRinging(DESK) in orders) is (what is Happening.TIMED_OUT)


def test_what_came_of_a_phone_may_be_said_in_words() -> None:
    state, _ = start(PLAN, OPEN, 0.0)
    _, (ring,) = happened(state, Happening.BUSY, 0, OPEN, 1.0, "agent 1001 is talking")
    assert isinstance(ring, Ring) and ring.reason == "mobile, 25 s (before: desk: agent 1001 is talking)"


@pytest.mark.parametrize("what", [Happening.TIMED_OUT, Happening.DECLINED])
def test_a_mailbox_or_a_refusal_never_swallows_the_customer(what: Happening) -> None:
    story = Story()
    story.wait_out()
    story.then(Happening.ANSWERED)
    assert story.state.until == story.now + PLAN.accept_s
    orders = story.wait_out() if what is Happening.TIMED_OUT else story.then(what)
    assert orders[0] == StopRinging(MOBILE) and isinstance(orders[1], Ring) and orders[1].phone is LEADER


def test_phones_outside_their_calendar_are_left_out_and_without_any_there_is_voicemail() -> None:
    story = Story(calendars=frozenset())
    story.wait_out()
    (orders) = story.then(Happening.FAILED)
    assert orders == (
        TakeMessage("voicemail (before: desk: not answered; mobile: failed; leader: outside office)"),
    )
    empty = Story(FollowMePlan((), voicemail=False))
    assert empty.orders == (MissedCallTask(None, False, "nobody was reached"),)
    assert empty.state.stage is Stage.GONE


def test_the_customer_leaves_and_late_news_changes_nothing() -> None:
    story = Story()
    story.wait_out()
    assert story.then(Happening.ANSWERED, phone=0) == ()  # the desk phone, given up already
    assert story.then(Happening.TIMED_OUT) == ()  # the desk phone's timer
    orders = story.then(Happening.LEFT)
    assert orders[0] == StopRinging(MOBILE) and isinstance(orders[1], MissedCallTask) and not orders[1].message
    in_voicemail = Story(FollowMePlan((), voicemail=True))
    (task,) = in_voicemail.then(Happening.LEFT)
    assert task == MissedCallTask(None, False, "hung up in voicemail")


def test_a_plan_that_calls_a_number_twice_or_for_no_time_is_refused() -> None:
    with pytest.raises(PlanError, match="a and b: expected each number once"):
        FollowMePlan((Phone("a", "1", 5), Phone("b", "1", 5)))
    with pytest.raises(PlanError, match="expected more than 0"):
        FollowMePlan((Phone("a", "1", 0),))
