"""Which line a call goes out on, as which number, and why no other.

Owns the choice: who may (capacity, kept lines, speed, health, a number to show), then the cheapest. A line without a
price for a number comes after those with one. Must not count calls itself: what is in use is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from routing.caller_ids import CallerIdChoice, ShownNumber, choose
from routing.causes import may_fail_over
from routing.costs import CostTable
from routing.errors import PlanError
from routing.facts import Direction
from routing.health import NEW, Health, may_dial


class Why(StrEnum):
    """Why a line does not get a call: one word for each kind, for counters."""

    SICK = "sick"
    FULL = "full"
    KEPT = "kept_for_callers"
    SPEED = "calls_per_second"
    NO_NUMBER = "no_number_to_show"
    FAILED = "failed_there"
    DEARER = "dearer"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Numbers that begin with ``prefix`` lose ``strip`` characters and get ``put`` in front. The longest counts."""

    prefix: str
    strip: int
    put: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.strip <= len(self.prefix):
            raise PlanError(f"rewriting {self.prefix!r}: strips {self.strip}, expected at most its own length")


@dataclass(frozen=True, slots=True)
class TrunkFacts:
    """A line as it is now. ``tokens``: calls that its speed allows at this moment. ``pool``: numbers it may show."""

    name: str
    channels: int
    in_use: int
    tokens: float
    reserved_inbound: int = 0
    health: Health = NEW
    rewrites: tuple[Rewrite, ...] = ()
    costs: CostTable | None = None
    pool: tuple[ShownNumber, ...] = ()
    allotted: frozenset[str] | None = None
    cli_allotted_only: bool = False
    order: int = 0
    """Among equally cheap lines the smaller goes first."""


@dataclass(frozen=True, slots=True)
class TrunkChoice:
    """The line, the number as the carrier wants it, the number to show and what the call is expected to cost."""

    trunk: str | None
    dial: str
    shown: str | None
    cost: float | None
    reason: str
    why_nots: tuple[tuple[str, str], ...] = ()
    passed: tuple[tuple[str, Why], ...] = ()
    """The same in one word each."""


def choose_trunk(
    number: str,
    trunks: Iterable[TrunkFacts],
    now: float,
    *,
    direction: Direction = Direction.OUTBOUND,
    talk_s: float = 120.0,
    not_on: frozenset[str] = frozenset(),
    show: str | None = None,
) -> TrunkChoice:
    """The best line for a call to ``number``. ``not_on``: where it has failed already. ``show``: a number that must be
    shown, as a campaign with one of its own has it; without: the best of the line's pool."""
    fit: list[tuple[tuple[int, float, int, str], TrunkFacts, CallerIdChoice]] = []
    passed: list[tuple[str, Why, str]] = []
    for trunk in sorted(trunks, key=lambda trunk: trunk.name):
        failed = (Why.FAILED, "the call failed there already") if trunk.name in not_on else None
        why = failed or why_not(trunk, direction, now)
        if why is None:
            caller_id = _caller_id(trunk, number, now, show)
            if caller_id.number is None:
                why = Why.NO_NUMBER, f"no number to show: {caller_id.reason}"
        if why is not None:
            passed.append((trunk.name, *why))
            continue
        row = trunk.costs.row(number, now) if trunk.costs is not None else None
        cost = row.price(talk_s) if row is not None else None
        key = (0, cost, trunk.order, trunk.name) if cost is not None else (1, 0.0, trunk.order, trunk.name)
        fit.append((key, trunk, caller_id))
    if not fit:
        return TrunkChoice(None, "", None, None, "no line may take it", *_told(passed))
    key, trunk, caller_id = min(fit, key=lambda one: one[0])
    cost = key[1] if key[0] == 0 else None
    passed += [(dear.name, Why.DEARER, _dearer(other, key)) for other, dear, _ in fit if dear is not trunk]
    price = f"cheapest of {len(fit)}, {cost:.4f}" if cost is not None else f"first of {len(fit)}, no price known"
    reason = f"{price} for {talk_s:.0f} s; shown number: {caller_id.reason}"
    return TrunkChoice(
        trunk.name, rewritten(number, trunk.rewrites), caller_id.number, cost, reason, *_told(sorted(passed))
    )


def _told(passed: Sequence[tuple[str, Why, str]]) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, Why], ...]]:
    return tuple((name, text) for name, _, text in passed), tuple((name, why) for name, why, _ in passed)


def why_not(trunk: TrunkFacts, direction: Direction, now: float) -> tuple[Why, str] | None:
    """Why a line takes no call of this direction now, in a word and in words; None when it may. Kept lines are for who
    calls us, or for a call that a customer asked for."""
    sick = may_dial(trunk.health, now)
    if sick is not None:
        return Why.SICK, sick
    kept = trunk.reserved_inbound if direction is Direction.OUTBOUND else 0
    if trunk.in_use >= trunk.channels:
        return Why.FULL, f"all {trunk.channels} channels are in use"
    if trunk.in_use >= trunk.channels - kept:
        return Why.KEPT, f"{trunk.in_use} of {trunk.channels} channels are in use, and {kept} are kept for callers"
    if trunk.tokens < 1.0:
        return Why.SPEED, "its calls per second are used up"
    return None


def rewritten(number: str, rewrites: Sequence[Rewrite]) -> str:
    """The number as a carrier wants it."""
    fitting = [rule for rule in rewrites if number.startswith(rule.prefix)]
    if not fitting:
        return number
    rule = max(fitting, key=lambda rule: len(rule.prefix))
    return rule.put + number[rule.strip :]


def next_trunk(
    number: str, trunks: Iterable[TrunkFacts], cause: str, rang: bool, tried: frozenset[str], now: float
) -> TrunkChoice | None:
    """Another line after a failure; None when the cause is no reason to try another one."""
    if not may_fail_over(cause, rang):
        return None
    return choose_trunk(number, trunks, now, not_on=tried)


def _caller_id(trunk: TrunkFacts, number: str, now: float, show: str | None) -> CallerIdChoice:
    allotted = (trunk.allotted or frozenset()) if trunk.cli_allotted_only else None
    if show is None:
        return choose(trunk.pool, number, now, allotted)
    if allotted is not None and show not in allotted:
        return CallerIdChoice(None, "the campaign's number is not allotted by this carrier")
    return CallerIdChoice(show, "the campaign's own number")


def _dearer(other: tuple[int, float, int, str], chosen: tuple[int, float, int, str]) -> str:
    if other[0] != chosen[0]:
        return "has no price for this number"
    return f"costs {other[1]:.4f}" if other[1] != chosen[1] else "equal, and later in order"
