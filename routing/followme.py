"""Follow-me: desk phone, mobile, the leader's mobile, voicemail, a task to call back; one step after each event.

Owns the plan's way as a table-driven machine without a clock: what happened and when goes in, what to do comes out.
An outside phone must be accepted by pressing 1: a mailbox that answers presses nothing, and the customer goes on to the
next step. The customer is never hung up on here. Must not place calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from routing.errors import PlanError

AGENT: Final = "agent/"
SEAT: Final = "seat/"
"""How the number of a phone begins that is the line of an agent, or the phone of a seat; the id follows."""


class Stage(StrEnum):
    """Where a plan is."""

    CALLING = "calling"
    """A phone is called; it rings, or does not yet."""
    ASKING = "asking"
    """An outside phone was answered, and asked to press 1."""
    JOINING = "joining"
    """The phone wants the call, and the two are being joined."""
    CONNECTED = "connected"
    VOICEMAIL = "voicemail"
    GONE = "gone"
    """Over: the customer left, or everything has been tried."""


class Happening(StrEnum):
    """What can happen to a plan."""

    ANSWERED = "answered"
    ACCEPTED = "accepted"
    """1 was pressed."""
    DECLINED = "declined"
    """Another key, or the phone refused."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    JOINED = "joined"
    """Customer and phone hear each other."""
    RECORDED = "recorded"
    """Voicemail took a message."""
    LEFT = "left"
    """The customer hung up."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone to try, at ``number``: one outside through ``trunk``, or ``AGENT`` or ``SEAT`` and an id.

    ``calendar``: only while that is open. ``outside``: must be accepted by a key.
    """

    name: str
    number: str
    ring_s: float
    outside: bool = False
    calendar: str | None = None
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class FollowMePlan:
    """Phones in turn, then voicemail, then a task for ``task_for``. ``accept_s``: time to press 1."""

    phones: tuple[Phone, ...]
    voicemail: bool = True
    task_for: str | None = None
    accept_s: float = 8.0

    def __post_init__(self) -> None:
        for phone in self.phones:
            if phone.ring_s <= 0:
                raise PlanError(f"{phone.name}: rings {phone.ring_s:g} s, expected more than 0")
        numbers = [phone.number for phone in self.phones]
        for number in numbers:
            if numbers.count(number) > 1:
                names = " and ".join(phone.name for phone in self.phones if phone.number == number)
                raise PlanError(f"{names}: expected each number once")


@dataclass(frozen=True, slots=True)
class Ring:
    """Call this phone; if it answers and is outside, ask for a 1."""

    phone: Phone
    reason: str


@dataclass(frozen=True, slots=True)
class AskAccept:
    """Say who calls and ask to press 1."""

    phone: Phone


@dataclass(frozen=True, slots=True)
class StopRinging:
    """Hang up this phone's leg, whether it rings or was answered."""

    phone: Phone


@dataclass(frozen=True, slots=True)
class Connect:
    """Join the customer and this phone."""

    phone: Phone
    reason: str


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Voicemail."""

    reason: str


@dataclass(frozen=True, slots=True)
class MissedCallTask:
    """Somebody must call back. ``message``: there is a voice message."""

    owner: str | None
    message: bool
    reason: str


Order = Ring | AskAccept | StopRinging | Connect | TakeMessage | MissedCallTask


@dataclass(frozen=True, slots=True)
class FollowMe:
    """A plan under way. ``phone`` is the one tried now, ``until`` when ``TIMED_OUT`` is due; ``tried``: what came.

    How long a message may be, and its end, are the voicemail's.
    """

    plan: FollowMePlan
    stage: Stage
    phone: int = -1
    until: float | None = None
    tried: tuple[str, ...] = ()


_NEXT: Final = "next"
_TABLE: Final[Mapping[tuple[Stage, Happening], str]] = MappingProxyType(
    {
        (Stage.CALLING, Happening.ANSWERED): Stage.ASKING,  # a phone of the house: JOINING
        (Stage.CALLING, Happening.DECLINED): _NEXT,
        (Stage.CALLING, Happening.NO_ANSWER): _NEXT,
        (Stage.CALLING, Happening.BUSY): _NEXT,
        (Stage.CALLING, Happening.FAILED): _NEXT,
        (Stage.CALLING, Happening.TIMED_OUT): _NEXT,
        (Stage.CALLING, Happening.LEFT): Stage.GONE,
        (Stage.ASKING, Happening.ACCEPTED): Stage.JOINING,
        (Stage.ASKING, Happening.DECLINED): _NEXT,
        (Stage.ASKING, Happening.NO_ANSWER): _NEXT,
        (Stage.ASKING, Happening.FAILED): _NEXT,
        (Stage.ASKING, Happening.TIMED_OUT): _NEXT,
        (Stage.ASKING, Happening.LEFT): Stage.GONE,
        (Stage.JOINING, Happening.JOINED): Stage.CONNECTED,
        (Stage.JOINING, Happening.NO_ANSWER): _NEXT,
        (Stage.JOINING, Happening.FAILED): _NEXT,
        (Stage.JOINING, Happening.TIMED_OUT): _NEXT,
        (Stage.JOINING, Happening.LEFT): Stage.GONE,
        (Stage.VOICEMAIL, Happening.RECORDED): Stage.GONE,
        (Stage.VOICEMAIL, Happening.LEFT): Stage.GONE,
    }
)
"""Anything else changes nothing: late news of a leg that was given up."""
_OVER: Final = frozenset({Happening.NO_ANSWER, Happening.BUSY, Happening.FAILED})
"""The leg is gone already: nothing to hang up."""
JOIN_S: Final = 12.0
"""A bridge that does not stand after so long has failed."""


def start(plan: FollowMePlan, open_calendars: frozenset[str], now: float) -> tuple[FollowMe, tuple[Order, ...]]:
    """Begin. ``open_calendars``: those that are open now."""
    return _advance(FollowMe(plan, Stage.CALLING), open_calendars, now)


def happened(
    state: FollowMe, what: Happening, phone: int, open_calendars: frozenset[str], now: float, why: str = ""
) -> tuple[FollowMe, tuple[Order, ...]]:
    """What follows from an event of the leg of ``phone`` (its place in the plan; of no matter for other events).

    ``why`` says in words what came of this phone, where more is known than the event.
    """
    to = _TABLE.get((state.stage, what))
    if to is None or (what not in _OF_NO_PHONE and phone != state.phone):
        return state, ()
    if what is Happening.TIMED_OUT and (state.until is None or now < state.until):
        return state, ()  # the timer of an earlier step
    if state.stage is Stage.VOICEMAIL:
        message = what is Happening.RECORDED
        said = "left a message" if message else "hung up in voicemail"
        return _over(state, (MissedCallTask(state.plan.task_for, message, _reason(state, said)),))
    current = state.plan.phones[state.phone]
    if to == Stage.GONE:
        doing = "rang" if state.stage is Stage.CALLING else "was asked"
        left = f"hung up while {current.name} {doing}"
        return _over(state, (StopRinging(current), MissedCallTask(state.plan.task_for, False, _reason(state, left))))
    if to == Stage.CONNECTED:
        return replace(state, stage=Stage.CONNECTED, until=None), ()
    if to == Stage.ASKING and current.outside:
        return replace(state, stage=Stage.ASKING, until=now + state.plan.accept_s), (AskAccept(current),)
    if to in (Stage.ASKING, Stage.JOINING):
        how = "accepted by key" if current.outside else "answered"
        joining = replace(state, stage=Stage.JOINING, until=now + JOIN_S)
        return joining, (Connect(current, _reason(state, f"{current.name} {how}")),)
    came = why or _WORDS.get((state.stage, what), what.value.replace("_", " "))
    tried = (*state.tried, f"{current.name}: {came}")
    stop: tuple[Order, ...] = () if what in _OVER else (StopRinging(current),)
    next_state, orders = _advance(replace(state, stage=Stage.CALLING, tried=tried), open_calendars, now)
    return next_state, (*stop, *orders)


_OF_NO_PHONE: Final = frozenset({Happening.LEFT, Happening.RECORDED, Happening.TIMED_OUT})
_WORDS: Final[Mapping[tuple[Stage, Happening], str]] = MappingProxyType(
    {
        (Stage.CALLING, Happening.TIMED_OUT): "not answered",
        (Stage.CALLING, Happening.NO_ANSWER): "not answered",
        (Stage.ASKING, Happening.TIMED_OUT): "answered, nobody pressed 1",
        (Stage.ASKING, Happening.NO_ANSWER): "answered and hung up",
        (Stage.ASKING, Happening.DECLINED): "did not want the call",
        (Stage.JOINING, Happening.TIMED_OUT): "answered, and could not be joined",
        (Stage.JOINING, Happening.FAILED): "answered, and could not be joined",
        (Stage.JOINING, Happening.NO_ANSWER): "answered and hung up",
    }
)


def _advance(state: FollowMe, open_calendars: frozenset[str], now: float) -> tuple[FollowMe, tuple[Order, ...]]:
    """To the next phone that may be tried now, or past the last one."""
    tried = state.tried
    for place, phone in enumerate(state.plan.phones):
        if place <= state.phone:
            continue
        if phone.calendar is not None and phone.calendar not in open_calendars:
            tried = (*tried, f"{phone.name}: outside {phone.calendar}")
            continue
        state = replace(state, stage=Stage.CALLING, phone=place, until=now + phone.ring_s, tried=tried)
        return state, (Ring(phone, _reason(state, f"{phone.name}, {phone.ring_s:g} s")),)
    state = replace(state, phone=len(state.plan.phones), tried=tried)
    if state.plan.voicemail:
        return replace(state, stage=Stage.VOICEMAIL, until=None), (TakeMessage(_reason(state, "voicemail")),)
    return _over(state, (MissedCallTask(state.plan.task_for, False, _reason(state, "nobody was reached")),))


def _over(state: FollowMe, orders: tuple[Order, ...]) -> tuple[FollowMe, tuple[Order, ...]]:
    return replace(state, stage=Stage.GONE, until=None), orders


def _reason(state: FollowMe, now_what: str) -> str:
    return f"{now_what} (before: {'; '.join(state.tried)})" if state.tried else now_what


def longest_s(plan: FollowMePlan) -> float:
    """How long a customer may hear ringing at most, before voicemail or the end."""
    return sum(_lengths(plan))


def _lengths(plan: FollowMePlan) -> Iterator[float]:
    for phone in plan.phones:
        yield phone.ring_s + (plan.accept_s if phone.outside else 0.0)
