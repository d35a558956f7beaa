"""Which number a call shows: local presence, daily caps, reputation, and what the law allots.

Owns the choice among a pool's numbers and the judgement of a number against its peers. Must not choose lines.

Reputation: a number's share of answered calls beside that of all other numbers of its pool (score test of two
proportions). It is judged in whole blocks of calls only, so that looking often does not find by chance what looking
once would not: at 3.1 standard errors, one healthy number in a thousand blocks is rested in vain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

_AREA_CODE_ENDS: Final = 4
"""Digits of a North American number until its area code is whole: 1 and three."""


class Standing(StrEnum):
    """Whether a number may be shown."""

    GOOD = "good"
    RESTING = "resting"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ShownNumber:
    """A number of a pool, and its recent life. ``dialed``/``answered``: since its last judgement, which was made for a
    ``reason``."""

    number: str
    standing: Standing = Standing.GOOD
    today: int = 0
    daily_cap: int | None = None
    dialed: int = 0
    answered: int = 0
    rests: int = 0
    rests_until: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReputationPolicy:
    """``block``: calls between judgements. ``ratio``: only numbers answered so much less than their peers are bad."""

    block: int = 200
    standard_errors: float = 3.1
    ratio: float = 0.75
    rest_s: float = 7 * 86_400.0
    rests: int = 2


@dataclass(frozen=True, slots=True)
class CallerIdChoice:
    """The number to show, or None, with the reason; and why not the others."""

    number: str | None
    reason: str
    why_nots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A number's new standing."""

    standing: Standing
    until: float
    reason: str


def choose(
    pool: Sequence[ShownNumber], callee: str, now: float, allotted: frozenset[str] | None = None
) -> CallerIdChoice:
    """The number nearest to the callee, then the one shown least today, then the smaller.

    ``allotted``: the numbers that the carrier allots; with ``cli_allotted_only`` no other may be shown on its line.
    """
    why_nots: list[tuple[str, str]] = []
    best: tuple[int, float, str] | None = None
    for shown in sorted(pool, key=lambda shown: shown.number):
        why = _why_not(shown, now, allotted)
        if why is not None:
            why_nots.append((shown.number, why))
            continue
        used = shown.today / shown.daily_cap if shown.daily_cap else shown.today / 1e6
        key = (-common(shown.number, callee), used, shown.number)
        if best is None or key < best:
            best = key
    if best is None:
        return CallerIdChoice(None, "no number may be shown" if pool else "the pool is empty", tuple(why_nots))
    near = f"{-best[0]} digits in common with the callee"
    others = ((n.number, "farther from the callee, or shown more today") for n in pool if n.number != best[2])
    passed = dict(others) | dict(why_nots)
    return CallerIdChoice(best[2], near, tuple(sorted(passed.items())))


def common(number: str, callee: str) -> int:
    """How many digits two numbers share from the start, the country's included: in most countries places near each
    other begin alike. Not so in North America, where a part of an area code in common counts for nothing."""
    count = 0
    for one, other in zip(number.removeprefix("+"), callee.removeprefix("+"), strict=False):
        if one != other:
            break
        count += 1
    return 1 if number.startswith("+1") and 1 < count < _AREA_CODE_ENDS else count


def judge(
    shown: ShownNumber, peers: Iterable[ShownNumber], now: float, policy: ReputationPolicy
) -> Judgement | None:
    """What a number's answers say once it has a whole block of them; None: not enough calls, or nothing to change."""
    if shown.standing is not Standing.GOOD or shown.dialed < policy.block:
        return None
    others = [peer for peer in peers if peer.number != shown.number]
    dialed = sum(peer.dialed for peer in others)
    answered = sum(peer.answered for peer in others)
    if dialed < policy.block:
        return None
    own, theirs = shown.answered / shown.dialed, answered / dialed
    pooled = (shown.answered + answered) / (shown.dialed + dialed)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / shown.dialed + 1.0 / dialed))
    if error == 0 or own >= policy.ratio * theirs or (theirs - own) / error < policy.standard_errors:
        return None
    reason = f"{own:.1%} of its calls are answered, {theirs:.1%} of its peers'"
    if shown.rests >= policy.rests:
        return Judgement(Standing.RETIRED, math.inf, f"{reason}; rested {shown.rests} times in vain")
    return Judgement(Standing.RESTING, now + policy.rest_s, reason)


def left_today(pool: Sequence[ShownNumber], now: float, allotted: frozenset[str] | None = None) -> float:
    """How many more calls may show a number of the pool today; infinity where one of them has no cap."""
    left = 0.0
    for shown in pool:
        if _why_not(shown, now, allotted) is None:
            left += math.inf if shown.daily_cap is None else shown.daily_cap - shown.today
    return left


def judged(
    pool: Sequence[ShownNumber], now: float, policy: ReputationPolicy
) -> list[tuple[ShownNumber, Judgement | None]]:
    """The numbers of a pool that have a whole block of calls, as they go on from here, with what was found.

    All are judged beside the same peers, and begin a new block afterwards: being judged often must not make a number
    bad by chance.
    """
    whole = [shown for shown in pool if shown.standing is Standing.GOOD and shown.dialed >= policy.block]
    dialed = sum(shown.dialed for shown in pool)
    found: list[tuple[ShownNumber, Judgement | None]] = []
    for shown in whole:
        if dialed - shown.dialed < policy.block:
            continue
        verdict = judge(shown, pool, now, policy)
        new = replace(shown, dialed=0, answered=0)
        if verdict is not None:
            rests = shown.rests + (verdict.standing is Standing.RESTING)
            new = replace(
                new, standing=verdict.standing, rests=rests, rests_until=verdict.until, reason=verdict.reason
            )
        found.append((new, verdict))
    return found


def restored(shown: ShownNumber, reason: str) -> ShownNumber:
    """The number as if it had never been judged, because somebody says so."""
    return replace(
        shown, standing=Standing.GOOD, dialed=0, answered=0, rests=0, rests_until=0.0, reason=reason
    )


def rested(shown: ShownNumber, now: float) -> ShownNumber:
    """The number as it is now: a rest that is over is over."""
    if shown.standing is Standing.RESTING and now >= shown.rests_until:
        return replace(shown, standing=Standing.GOOD)
    return shown


def _why_not(shown: ShownNumber, now: float, allotted: frozenset[str] | None) -> str | None:
    if allotted is not None and shown.number not in allotted:
        return "is not allotted by this carrier"
    if shown.standing is Standing.RETIRED:
        return "is retired"
    if shown.standing is Standing.RESTING and now < shown.rests_until:
        return f"rests for {(shown.rests_until - now) / 3600:.0f} h more"
    if shown.daily_cap is not None and shown.today >= shown.daily_cap:
        return f"was shown {shown.today} times today, its cap"
    return None
