"""The shape of ``routing``, whom calls go to: choice, tiers and their rules, VIPs, seats, calendars, follow-me plans.

Owns keys, limits and defaults, the way from them to ``routing``'s facts, and the faults between them: rules that
contradict or leave gaps, plans that name what is not there. What a rule means is ``routing``'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.follow_me_schema import FollowMeConfig, follow_me_faults, follow_me_referred
from config.section import DAY, HOUR, Section
from config.spoken_schema import Spoken
from config.values import (
    Date,
    DayKey,
    FilePath,
    Flag,
    HttpUrl,
    Ids,
    Label,
    Name,
    Secret,
    Windows,
    Zone,
    duration,
    expand_days,
    expand_ids,
    matching,
    number,
)
from routing.boxes import Condition, Numbers, Words, word_of
from routing.calendars import Calendar, Holiday
from routing.errors import PlanError, RoutingError
from routing.facts import VIP_SEAT, Choice, RoutingPolicy
from routing.tiers import DEFAULT_TIERS, ORDINARY, TierPlan, TierRule
from routing.tiers import faults as tier_faults
from routing.vip import VipRule, overlaps

RoutingFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

DEFAULTS = RoutingPolicy()
FieldName = Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9_. -]{0,63}", "the name of a lead's field", 64)]
Number = Annotated[str, matching(r"\+[1-9][0-9]{2,14}", "a number with + and country, in quotes", 16)]
Seconds = Annotated[float, duration(0, HOUR)]


def _list(value: object) -> object:
    return [value] if isinstance(value, str | int | float) else value


WordsOf = Annotated[tuple[Label, ...], BeforeValidator(_list)]


class ConditionConfig(Section):
    """Of a lead's field: a number ``from`` … to ``below`` …, ``missing``: or none; or one of some words, or ``not``.

    A word, or a list of words, by itself means one of them.
    """

    from_: Annotated[float | None, number(-1e15, 1e15)] = Field(default=None, alias="from")
    below: Annotated[float | None, number(-1e15, 1e15)] = None
    missing: Flag = False
    words: WordsOf = ()
    not_: WordsOf = Field(default=(), alias="not")


def _plain(value: object) -> object:
    return {"words": value} if isinstance(value, str | int | float | list | tuple) else value


When = dict[FieldName, Annotated[ConditionConfig, BeforeValidator(_plain)]]


class OwnAgentConfig(Section):
    """Callers go back to the agent whom they talked to within ``age``, and wait for that one so long at most.

    ``limit_targets``: and so many times the target of their tier at most. ``missed_call_age``: how long a call of ours
    may be returned to its campaign.
    """

    age: Annotated[float, duration(0, 3660 * DAY)] = 90 * DAY
    limit_s: Seconds = DEFAULTS.own_limit_s
    limit_targets: Annotated[float, number(0, 100)] = DEFAULTS.own_limit_targets
    missed_call_age: Annotated[float, duration(0, 366 * DAY)] = 7 * DAY


class TierConfig(Section):
    """How a tier is served; see ``routing.tiers.Tier``. ``message`` is said to its callers while they wait, in place
    of the queue's words; ``tag`` is for the agent: an offer, a script."""

    name: Name
    target_s: Annotated[float, duration(1, HOUR)]
    groups: tuple[Name, ...] = ()
    message: Spoken | None = None
    tag: Label | None = None
    refused: Flag = False


class TierRuleConfig(Section):
    """Who meets all of ``when`` is of this tier."""

    tier: Name
    when: When = Field(min_length=1)


class TierRulesConfig(Section):
    """Which tier a lead is of. ``otherwise``: whom no rule names; ``ordered``: that the first rule wins is meant."""

    rules: tuple[TierRuleConfig, ...] = ()
    otherwise: Name | None = None
    ordered: Flag = False


class RangeConfig(Section):
    """Numbers from ``first`` to ``last``."""

    first: Number
    last: Number


class VipConfig(Section):
    """VIPs by number, range, company or fields; ``agent`` is their personal agent, ``group`` their people."""

    name: Name
    numbers: tuple[Number, ...] = ()
    ranges: tuple[RangeConfig, ...] = ()
    companies: tuple[Label, ...] = ()
    when: When = Field(default={})
    agent: Name | None = None
    group: Name | None = None


class HolidayConfig(Section):
    """A day with hours of its own; without: closed."""

    day: Date
    name: Label
    hours: Windows = ()


class CalendarConfig(Section):
    """Opening hours in the time of ``zone``. A day that is not named is closed."""

    name: Name
    zone: Zone
    hours: dict[DayKey, Windows]
    holidays: tuple[HolidayConfig, ...] = ()


class SeatGroupConfig(Section):
    """Seats that belong together. With ``serves`` they are kept for these, ``vip`` or tiers, and take no other call."""

    name: Name
    seats: Annotated[tuple[Ids, ...], Field(min_length=1)]
    serves: tuple[Name, ...] = ()


class VipLookupConfig(Section):
    """The business system that is asked, when a call comes in, whether the caller is a VIP: ``{"number": "+49…"}`` by
    POST, ``{"vip": true, "agent": "1001"}`` back. It has ``deadline_s`` for it. It is not asked again for ``keep``, and
    what it said last counts for ``stale`` where it does not answer.
    """

    url: HttpUrl
    url_file: FilePath | None = None
    token: Secret | None = None
    token_file: FilePath | None = None
    deadline_s: Annotated[float, duration(0.05, 2)] = 0.3
    keep: Annotated[float, duration(0, 30 * DAY)] = HOUR
    stale: Annotated[float, duration(0, 366 * DAY)] = 7 * DAY


class RoutingConfig(Section):
    """Whom calls go to."""

    choice: Literal["longest_idle", "most_skilled", "least_occupied"] = "longest_idle"
    own_agent: OwnAgentConfig = OwnAgentConfig()
    tiers: tuple[TierConfig, ...] = tuple(
        TierConfig(name=tier.name, target_s=tier.target_s, refused=tier.refused) for tier in DEFAULT_TIERS
    )
    tier_rules: TierRulesConfig = TierRulesConfig(otherwise=ORDINARY)
    vips: tuple[VipConfig, ...] = ()
    vip_lookup: VipLookupConfig | None = None
    seat_groups: tuple[SeatGroupConfig, ...] = ()
    calendars: tuple[CalendarConfig, ...] = ()
    follow_me: tuple[FollowMeConfig, ...] = ()


def policy(config: RoutingConfig) -> RoutingPolicy:
    """The policy that this section describes."""
    own = config.own_agent
    return RoutingPolicy(Choice(config.choice), own_limit_s=own.limit_s, own_limit_targets=own.limit_targets)


def dedicated(config: RoutingConfig) -> dict[str, frozenset[str]]:
    """Each seat that is kept for some calls, and for which."""
    return {
        seat: frozenset(group.serves)
        for group in config.seat_groups
        if group.serves
        for ids in group.seats
        for seat in expand_ids(ids)
    }


def tier_plan(config: TierRulesConfig) -> TierPlan:
    """The tier rules as ``routing`` has them."""
    rules = tuple(TierRule(rule.tier, box(rule.when)) for rule in config.rules)
    return TierPlan(rules, config.otherwise, config.ordered)


def vip_rule(config: VipConfig) -> VipRule:
    """A VIP rule as ``routing`` has it. Raises PlanError for a range that is none."""
    return VipRule(
        config.name,
        frozenset(config.numbers),
        tuple((span.first, span.last) for span in config.ranges),
        frozenset(config.companies),
        box(config.when) if config.when else None,
        config.agent,
        config.group,
    )


def calendar(config: CalendarConfig) -> Calendar:
    """A calendar as ``routing`` has it. Raises RoutingError for hours that contradict."""
    week: list[tuple[tuple[int, int], ...]] = [()] * 7
    named: set[int] = set()
    for key, windows in config.hours.items():
        for day in expand_days(key):
            if day in named:
                raise PlanError(f"{key}: expected each day once")
            named.add(day)
            week[day] = tuple(sorted(windows))
    holidays = {holiday.day: Holiday(holiday.name, tuple(sorted(holiday.hours))) for holiday in config.holidays}
    return Calendar(config.name, config.zone, tuple(week), holidays)


def box(when: Mapping[str, ConditionConfig]) -> dict[str, Condition]:
    """Conditions as ``routing`` has them."""
    return {name: _condition(condition) for name, condition in when.items()}


def routing_faults(config: RoutingConfig) -> Iterator[RoutingFault]:
    """Every fault of the section."""
    for section in ("tiers", "vips", "seat_groups", "calendars", "follow_me"):
        yield from _doubles(section, [item.name for item in getattr(config, section)])
    yield from _seat_faults(config)
    empty = [*_empty(config)]
    yield from empty
    if not empty:
        yield from _tier_faults(config)
        yield from _vip_faults(config.vips)
    for index, place in enumerate(config.calendars):
        days = [holiday.day for holiday in place.holidays]
        for number_, holiday in enumerate(place.holidays):
            if holiday.day in days[:number_]:
                yield ("calendars", index, "holidays", number_, "day"), holiday.day, "each day once"
        try:
            calendar(place)
        except RoutingError as fault:
            yield ("calendars", index, "hours"), place.name, str(fault)
    known = [place.name for place in config.calendars]
    for path, value, expected in follow_me_faults(config.follow_me, known):
        yield ("follow_me", *path), value, expected


def referred(config: RoutingConfig) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Everything that is named here and written elsewhere: path, section (``groups`` are agents' groups), name."""
    for index, tier in enumerate(config.tiers):
        yield from ((("tiers", index, "groups", place), "groups", name) for place, name in enumerate(tier.groups))
    for index, each in enumerate(config.vips):
        if each.agent is not None:
            yield ("vips", index, "agent"), "agents", each.agent
        if each.group is not None:
            yield ("vips", index, "group"), "groups", each.group
    for index, group in enumerate(config.seat_groups):
        for place, ids in enumerate(group.seats):
            yield from ((("seat_groups", index, "seats", place), "seats", seat) for seat in expand_ids(ids))
    for path, section, name in follow_me_referred(config.follow_me):
        yield ("follow_me", *path), section, name


def _condition(config: ConditionConfig) -> Condition:
    if config.words:
        return Words(frozenset(map(word_of, config.words)))
    if config.not_:
        return Words(frozenset(map(word_of, config.not_)), True)
    low = -float("inf") if config.from_ is None else config.from_
    high = float("inf") if config.below is None else config.below
    return Numbers(low, high, config.missing)


def _doubles(section: str, names: Sequence[str]) -> Iterator[RoutingFault]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (section, index, "name"), name, f"a name of its own; number {names.index(name) + 1} has it too"


def _seat_faults(config: RoutingConfig) -> Iterator[RoutingFault]:
    served = [VIP_SEAT, *(tier.name for tier in config.tiers)]
    owner: dict[str, str] = {}
    for index, group in enumerate(config.seat_groups):
        for place, word in enumerate(group.serves):
            if word not in served:
                yield ("seat_groups", index, "serves", place), word, f"one of {', '.join(served)}"
        for place, ids in enumerate(group.seats):
            twice = [seat for seat in expand_ids(ids) if owner.setdefault(seat, group.name) != group.name]
            if twice:
                expected = f"seats of one group only; {owner[twice[0]]} has {twice[0]} too"
                yield ("seat_groups", index, "seats", place), ids, expected


def _empty(config: RoutingConfig) -> Iterator[RoutingFault]:
    """Conditions that nothing meets, and VIP rules that name nobody."""
    for index, rule in enumerate(config.tier_rules.rules):
        yield from _turned(("tier_rules", "rules", index, "when"), rule.when)
    for index, each in enumerate(config.vips):
        yield from _turned(("vips", index, "when"), each.when)
        if not (each.numbers or each.ranges or each.companies or each.when):
            yield ("vips", index), each.name, "numbers, ranges, companies or when"
        for place, span in enumerate(each.ranges):
            try:
                VipRule(each.name, ranges=((span.first, span.last),))
            except PlanError:
                expected = "a number as long as first, and not before it"
                yield ("vips", index, "ranges", place, "last"), "(a number)", expected


def _turned(path: tuple[str | int, ...], when: When) -> Iterator[RoutingFault]:
    for name, condition in when.items():
        kinds = [bool(condition.words), bool(condition.not_), _is_number(condition)]
        if sum(kinds) != 1:
            yield (*path, name), name, "one of: from and below (a number), words, not"
        elif condition.from_ is not None and condition.below is not None and condition.from_ >= condition.below:
            yield (*path, name, "below"), condition.below, f"more than from, which is {condition.from_:g}"


def _is_number(condition: ConditionConfig) -> bool:
    return condition.missing or condition.from_ is not None or condition.below is not None


def _tier_faults(config: RoutingConfig) -> Iterator[RoutingFault]:
    rules = config.tier_rules.rules
    for fault in tier_faults(tier_plan(config.tier_rules), [tier.name for tier in config.tiers]):
        if not fault.rules:
            yield ("tier_rules",), f"{len(rules)} rules", fault.expected
            continue
        last = fault.rules[-1]
        numbers = " and ".join(str(index + 1) for index in fault.rules)
        yield ("tier_rules", "rules", last), f"{rules[last].tier} (rule {numbers})", fault.expected


def _vip_faults(vips: Sequence[VipConfig]) -> Iterator[RoutingFault]:
    for overlap in overlaps([vip_rule(each) for each in vips]):
        first = vips[overlap.first].name
        expected = f"customers whom no other rule names; {first} has {overlap.what} too"
        yield ("vips", overlap.second), vips[overlap.second].name, expected
