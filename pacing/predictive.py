"""Predictive dialing: start calls while the next one to be answered would probably find an agent.

Owns the rule, for one campaign at one moment: how many calls to start, which leads, which overdue rings to end, and
the sentence that says why. It works on a ``Race`` (chances from ring ages and agents' elapsed times) and a threshold;
where these come from is ``pacing.pool``'s matter. Pure; keeps nothing.

The rule (pacing page, points 2 and 4): start calls while P(the next call, weighted by when it would answer, finds
nobody) ≤ θ. Where the next answers are in danger all the same (P above ``hang_up_over``), the oldest rings past the
legal minimum are ended, down to that chance and never more than the campaign's share of dials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pacing.board import Ints
from pacing.race import Race
from pacing.ring import Array
from pacing.snapshot import Decision

NEAR_S = 15.0
"""Danger is judged over the answers of so many seconds."""
MOST_CUTS = 3
"""Rings ended by one decision: the next one is 0.1 s away, and knows more."""
MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class View:
    """One campaign's moment.

    ``chances`` gives the answer probabilities of the leads at hand, in hopper order (asked only when a call may
    start), ``room`` how many calls may start.
    ``horizons`` (s) and ``fresh`` (share answered by each) describe a call launched now; ``overdue`` are indexes of
    rings past the minimum, oldest first, ``rings`` (n, horizons) the chances of the campaign's own ringing calls.
    ``sure``: free agents for whom no call is on its way. One for each of them is progressive dialing, whatever θ says.
    """

    theta: float
    room: int
    chances: Callable[[], Array]
    horizons: Array
    fresh: Array
    rings: Array
    overdue: tuple[int, ...]
    may_cut: int
    hang_up_over: float
    sure: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``picks`` index ``View.chances``, ``cuts`` index ``View.rings``; chances before any of it is done."""

    picks: tuple[int, ...]
    cuts: tuple[int, ...]
    p_next: float
    p_near: float
    p_after: float


def plan(race: Race, view: View) -> Plan:
    """What to do now. ``race`` is changed: calls started are in it afterwards, those hung up are not."""
    miss = race.nobody()
    p_next = float(miss.mean())
    near = _near(miss, view)
    cuts = _cut(race, view, near) if near > view.hang_up_over and view.overdue and view.may_cut > 0 else ()
    p_now = float(race.nobody().mean()) if cuts else p_next
    sure = min(view.sure, view.room)
    if (p_now > view.theta and sure <= 0) or view.room <= 0:
        return Plan((), cuts, p_next, near, p_now)
    every = view.chances()
    order = _order(every)[: min(view.room, MOST_AT_ONCE)]
    if race.exact:
        picks = _start_exactly(race, view, every, order, sure)
    else:
        chances = every[order]
        before = race.nobody_after(chances, view.fresh).mean(axis=1)
        over = np.nonzero(before > view.theta)[0]
        count = max(sure, int(over[0])) if len(over) else len(order)
        picks = tuple(int(i) for i in order[:count])
        if picks:
            for index in picks:
                race.add(every[index] * view.fresh)
    return Plan(picks, cuts, p_next, near, float(race.nobody().mean()) if picks else p_now)


def _start_exactly(race: Race, view: View, every: Array, order: Ints, sure: int) -> tuple[int, ...]:
    picks: list[int] = []
    for index in order:
        if len(picks) >= sure and float(race.nobody().mean()) > view.theta:
            break
        race.add(every[index] * view.fresh)
        picks.append(int(index))
    return tuple(picks)


def _order(chances: Array) -> Ints:
    """The likeliest to answer first: the same answers from fewer calls vary less; equal ones in hopper order."""
    return np.argsort(-np.round(chances, 3), kind="stable")


def _near(miss: Array, view: View) -> float:
    """P(an answer of the calls that ring now finds nobody), over the answers of the next seconds."""
    if not len(view.rings):
        return 0.0
    by = view.rings.sum(axis=0)
    weight = by.copy()
    weight[1:] -= by[:-1]
    weight *= view.horizons <= NEAR_S
    total = float(weight.sum())
    return float((weight * miss).sum() / total) if total > 1e-9 else 0.0


def _cut(race: Race, view: View, near: float) -> tuple[int, ...]:
    cuts: list[int] = []
    for index in view.overdue[: min(MOST_CUTS, view.may_cut)]:
        if near <= view.hang_up_over:
            break
        race.remove(view.rings[index])
        cuts.append(index)
        near = _near(race.nobody(), view)
    return tuple(cuts)


def decision(plan: Plan, *, reason: str, ids: tuple[str, ...]) -> Decision:
    """The plan as the engine takes it: ``ids`` are the calls behind the indexes in ``cuts``."""
    return Decision(len(plan.picks), reason, ids, plan.picks)
