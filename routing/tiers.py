"""Tiers: of which tier a customer is, by rules on the fields of their lead, and what each tier is served like.

Owns the rules' meaning and the search for gaps and contradictions, which is exact. The first rule that holds decides;
that several could hold with different tiers is a fault unless the plan says that their order is meant. Must not know
calls or agents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from routing.boxes import Box, Numbers, holds, left_out, meet, told

ORDINARY: Final = "ordinary"


@dataclass(frozen=True, slots=True)
class Tier:
    """How a tier is served. ``target_s``: the wait that it may expect at most, in 80 of 100 calls.

    ``refused``: the call is rejected before it is answered. ``tag`` goes to the agent (an offer, a retention script).
    """

    name: str
    target_s: float
    groups: frozenset[str] = frozenset()
    tag: str | None = None
    refused: bool = False


DEFAULT_TIERS: Final = (
    Tier("red", 5.0),
    Tier("high", 10.0),
    Tier("middle", 15.0),
    Tier(ORDINARY, 20.0),
    Tier("grey", 60.0),
    Tier("black", 60.0, refused=True),
)


@dataclass(frozen=True, slots=True)
class TierRule:
    """Who meets all conditions of ``box`` is of this tier."""

    tier: str
    box: Box


@dataclass(frozen=True, slots=True)
class TierPlan:
    """All rules. ``otherwise``: the tier of those whom none names. ``ordered``: that the first one wins is meant."""

    rules: tuple[TierRule, ...] = ()
    otherwise: str | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class TierVerdict:
    """A customer's tier and why."""

    tier: str
    reason: str


@dataclass(frozen=True, slots=True)
class TierFault:
    """What is wrong with a plan. ``rules``: whose fault it is, by number from 0; none: of the plan as a whole."""

    rules: tuple[int, ...]
    expected: str


def judge(plan: TierPlan, fields: Mapping[str, object]) -> TierVerdict:
    """The tier of a customer with these fields. Never fails: who is of no tier is ordinary."""
    holding = [index for index, rule in enumerate(plan.rules) if holds(rule.box, fields)]
    if holding:
        rule = plan.rules[holding[0]]
        more = f"; {len(holding) - 1} more rules hold, the first decides" if len(holding) > 1 else ""
        return TierVerdict(rule.tier, f"rule {holding[0] + 1}: {told(rule.box)}{more}")
    if plan.otherwise is not None:
        return TierVerdict(plan.otherwise, "no rule holds: the tier of all others")
    return TierVerdict(ORDINARY, "no rule holds" if plan.rules else "there are no rules")


def faults(plan: TierPlan, tiers: Sequence[str]) -> Iterator[TierFault]:
    """Everything wrong with a plan: unknown tiers, mixed fields, rules that contradict, never hold, or leave gaps."""
    known = ", ".join(tiers)
    for index, rule in enumerate(plan.rules):
        if rule.tier not in tiers:
            yield TierFault((index,), f"a tier: one of {known}")
    if plan.otherwise is not None and plan.otherwise not in tiers:
        yield TierFault((), f"otherwise: one of {known}")
    sorts: dict[str, tuple[bool, int]] = {}
    mixed = False
    for index, rule in enumerate(plan.rules):
        for name, condition in rule.box.items():
            numbers, first = sorts.setdefault(name, (isinstance(condition, Numbers), index))
            if numbers is not isinstance(condition, Numbers):
                mixed = True
                yield TierFault((first, index), f"{name} as a number in all rules, or as a word in all")
    if mixed:
        return
    yield from _never(plan)
    if not plan.ordered:
        yield from _overlaps(plan)
    if plan.otherwise is None and plan.rules:
        yield from _gap(plan)


def _overlaps(plan: TierPlan) -> Iterator[TierFault]:
    for second, later in enumerate(plan.rules):
        for first, earlier in enumerate(plan.rules[:second]):
            both = meet(earlier.box, later.box)
            if both is not None and earlier.tier != later.tier:
                expected = f"rules that no customer meets together ({earlier.tier} and {later.tier}: {told(both)})"
                yield TierFault((first, second), f"{expected}, or ordered: true where the first is meant to win")


def _never(plan: TierPlan) -> Iterator[TierFault]:
    for second, later in enumerate(plan.rules):
        for first, earlier in enumerate(plan.rules[:second]):
            if set(earlier.box) <= set(later.box) and all(
                not any(later.box[name].without(condition)) for name, condition in earlier.box.items()
            ):
                yield TierFault((first, second), f"a rule that can hold: rule {first + 1} takes all of its customers")
                break


def _gap(plan: TierPlan) -> Iterator[TierFault]:
    try:
        gap = left_out([rule.box for rule in plan.rules])
    except OverflowError:
        yield TierFault((), "otherwise: a tier for all others; the rules are too many to see whether they cover all")
        return
    if gap is not None:
        yield TierFault((), f"rules that cover everybody, or otherwise: a tier ({told(gap)} is of none)")
