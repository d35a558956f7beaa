"""Who is a VIP: by number, range of numbers, company or fields of the lead, or because the business system says so.

Owns the rules' meaning and the search for rules that meet. A closer rule decides before a wider one: number, range,
company, fields; among equals the first. Asking the business system is somebody else's; its answer, in time or kept, is
a fact here. It can make a VIP, and never takes the rank from one of our own list. Must not know calls or agents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from routing.boxes import Box, holds, meet, told, word_of
from routing.errors import PlanError

Range = tuple[str, str]
"""First and last number, of the same length, both included."""


@dataclass(frozen=True, slots=True)
class VipRule:
    """Whoever is named in any way is a VIP. ``agent`` is their personal agent, ``group`` their people."""

    name: str
    numbers: frozenset[str] = frozenset()
    ranges: tuple[Range, ...] = ()
    companies: frozenset[str] = frozenset()
    fields: Box | None = None
    agent: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        for first, last in self.ranges:
            _digits_of(first), _digits_of(last)
            if len(first) != len(last) or first > last:
                raise PlanError(f"range {first}-{last} of {self.name}: expected two numbers of one length in order")

    @property
    def outcome(self) -> tuple[str | None, str | None]:
        """What comes of the rule."""
        return self.agent, self.group


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of who calls."""

    number: str = ""
    company: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer of the business system, and when it came."""

    vip: bool
    at: float
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class VipVerdict:
    """Whether somebody is a VIP, and by what."""

    vip: bool
    reason: str
    rule: str | None = None
    agent: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class VipOverlap:
    """Two rules, by number from 0, that name the same customers. ``differs``: with different outcomes."""

    first: int
    second: int
    what: str
    differs: bool


def judge(
    rules: Sequence[VipRule], customer: Customer, asked: Asked | None = None, now: float = 0.0, keep_s: float = 0.0
) -> VipVerdict:
    """Whether a customer is a VIP. ``asked``: what the business system said, now or at most ``keep_s`` ago."""
    for how, test in _TESTS:
        for rule in rules:
            if test(rule, customer):
                return VipVerdict(True, f"{rule.name}: by {how}", rule.name, rule.agent, rule.group)
    if asked is not None and asked.vip and 0 <= now - asked.at <= keep_s:
        age = f", {now - asked.at:.0f} s ago" if now - asked.at >= 1 else ""
        return VipVerdict(True, f"the business system says so{age}", None, asked.agent)
    if asked is None:
        return VipVerdict(False, "in no rule")
    if asked.vip:
        return VipVerdict(False, "in no rule; what the business system said is too old")
    return VipVerdict(False, "in no rule, and the business system says no")


def overlaps(rules: Sequence[VipRule]) -> Iterator[VipOverlap]:
    """Every pair of rules that can name the same customer in the same way, or by a number within a range."""
    for second, later in enumerate(rules):
        for first, earlier in enumerate(rules[:second]):
            what = _common(earlier, later)
            if what is not None:
                yield VipOverlap(first, second, what, earlier.outcome != later.outcome)


def _common(first: VipRule, second: VipRule) -> str | None:
    """What two rules both name. Numbers are given by their last digits only: the text goes to logs."""
    for number in sorted(first.numbers & second.numbers):
        return f"the number …{number[-4:]}"
    for one, other in ((first, second), (second, first)):
        for number in sorted(one.numbers):
            if _in_ranges(other, number):
                return f"the number …{number[-4:]} in a range"
    for low, high in first.ranges:
        for other_low, other_high in second.ranges:
            if len(low) == len(other_low) and max(low, other_low) <= min(high, other_high):
                return f"numbers …{max(low, other_low)[-4:]} to …{min(high, other_high)[-4:]}"
    companies = {word_of(name) for name in first.companies} & {word_of(name) for name in second.companies}
    for company in sorted(companies):
        return f"the company {company}"
    if first.fields is not None and second.fields is not None and _same_sorts(first.fields, second.fields):
        both = meet(first.fields, second.fields)
        if both is not None:
            return f"customers with {told(both)}"
    return None


def _same_sorts(first: Box, second: Box) -> bool:
    return all(type(first[name]) is type(second[name]) for name in set(first) & set(second))


def _digits_of(number: str) -> str:
    digits = number.removeprefix("+")
    if not digits.isdecimal() or not digits.isascii():
        raise PlanError(f"{number!r}: expected a number of + and digits")
    return digits


def _in_ranges(rule: VipRule, number: str) -> bool:
    return any(len(number) == len(first) and first <= number <= last for first, last in rule.ranges)


def _by_number(rule: VipRule, customer: Customer) -> bool:
    return bool(customer.number) and customer.number in rule.numbers


def _by_range(rule: VipRule, customer: Customer) -> bool:
    return bool(customer.number) and _in_ranges(rule, customer.number)


def _by_company(rule: VipRule, customer: Customer) -> bool:
    company = word_of(customer.company)
    return bool(company) and any(word_of(name) == company for name in rule.companies)


def _by_fields(rule: VipRule, customer: Customer) -> bool:
    return bool(rule.fields) and holds(rule.fields or {}, customer.fields)


_TESTS = (
    ("number", _by_number),
    ("range of numbers", _by_range),
    ("company", _by_company),
    ("the lead's fields", _by_fields),
)
