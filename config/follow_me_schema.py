"""The shape of ``routing.follow_me``: the phones at which somebody is tried, one after the other, and what follows.

Owns keys, limits and defaults, the way from them to ``routing.followme``'s plan, and a plan's own faults. Who names a
plan, and whether what it names is there, is compared elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from config.section import Section
from config.values import Flag, Name, duration, matching
from routing.errors import PlanError
from routing.followme import AGENT, SEAT, FollowMePlan, Phone

FollowMeFault = tuple[tuple[str | int, ...], object, str]
"""Path under the list of plans, the value at fault, what was expected."""

PhoneNumber = Annotated[
    str,
    matching(r"\+[1-9][0-9]{2,14}", "a number with + and country, in quotes (phones of the house: agent, seat)", 16),
]


class FollowMePhoneConfig(Section):
    """A phone to try: a ``number`` over ``trunk``, the line of an ``agent`` wherever they are logged in (else the phone
    of their seat is rung), or the phone of a ``seat``.

    ``outside``: who answers must press 1; a number unless that is denied. Only while ``calendar`` is open, if named.
    """

    name: Name
    number: PhoneNumber | None = None
    trunk: Name | None = None
    agent: Name | None = None
    seat: Name | None = None
    ring_s: Annotated[float, duration(3, 120)] = 20.0
    outside: Flag | None = None
    calendar: Name | None = None

    @property
    def place(self) -> str:
        """Where it is, in one word."""
        if self.number is not None:
            return self.number
        return f"{AGENT}{self.agent}" if self.agent is not None else f"{SEAT}{self.seat}"


class FollowMeConfig(Section):
    """Phones in turn, then voicemail, then a task to call back for ``task_for``: an agent, or a group."""

    name: Name
    phones: Annotated[tuple[FollowMePhoneConfig, ...], Field(min_length=1, max_length=20)]
    voicemail: Flag = True
    task_for: Name | None = None
    accept_s: Annotated[float, duration(5, 30)] = 12.0


def follow_me(config: FollowMeConfig) -> FollowMePlan:
    """A follow-me plan as ``routing`` has it. Raises PlanError for one that contradicts itself."""
    phones = tuple(
        Phone(
            phone.name,
            phone.place,
            phone.ring_s,
            phone.number is not None if phone.outside is None else phone.outside,
            phone.calendar,
            phone.trunk or "",
        )
        for phone in config.phones
    )
    return FollowMePlan(phones, config.voicemail, config.task_for, config.accept_s)


def follow_me_faults(plans: Sequence[FollowMeConfig], calendars: Sequence[str]) -> Iterator[FollowMeFault]:
    """Every fault within the plans."""
    for index, plan in enumerate(plans):
        names = [phone.name for phone in plan.phones]
        sound = True
        for place, phone in enumerate(plan.phones):
            here = (index, "phones", place)
            given = [name for name in ("number", "agent", "seat") if getattr(phone, name) is not None]
            if len(given) != 1:
                sound = False
                yield here, ", ".join(given) or "none of these", "one of number, agent, seat"
            elif phone.number is not None and phone.trunk is None:
                yield (*here, "trunk"), "(missing)", "the trunk by which number is called"
            elif phone.number is None and (phone.trunk is not None or phone.outside):
                key = "trunk" if phone.trunk is not None else "outside"
                yield (*here, key), phone.trunk or True, f"no such key with {given[0]}: it is for a number"
            if phone.name in names[:place]:
                yield (*here, "name"), phone.name, "a name of its own"
            if phone.calendar is not None and phone.calendar not in calendars:
                expected = f"a configured calendar: {', '.join(calendars) or 'none is configured'}"
                yield (*here, "calendar"), phone.calendar, expected
        try:
            if sound:
                follow_me(plan)
        except PlanError as fault:
            yield (index, "phones"), plan.name, str(fault)


def follow_me_referred(plans: Sequence[FollowMeConfig]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Everything that plans name and that is written elsewhere: path under them, section, name."""
    for index, plan in enumerate(plans):
        if plan.task_for is not None:
            yield (index, "task_for"), "agents or groups", plan.task_for
        for place, phone in enumerate(plan.phones):
            named = (("trunk", "trunks", phone.trunk), ("agent", "agents", phone.agent), ("seat", "seats", phone.seat))
            yield from (
                ((index, "phones", place, key), section, name) for key, section, name in named if name is not None
            )
