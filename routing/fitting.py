"""May this agent take this call at this moment, how well do they fit, and if not, why not.

Owns eligibility, and the one rule by which a call holds for its own agent. Calls that stand alike and agents of one
kind are judged once for all of them: ``Standing`` and ``Kind`` are what eligibility depends on, and nothing else.
Must not order calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from routing.facts import VIP_SEAT, AgentFacts, AgentState, Choice, RoutingPolicy, WaitingCall
from routing.skills import Demand, lacking, met, preferred, required_now, score

Fit = tuple[int, int, int, int]
"""Smaller is better: a seat for such calls only, an earlier step, more preferences met, more skill (where asked)."""

COMES_BACK = frozenset({AgentState.FREE, AgentState.BUSY, AgentState.WRAP_UP})
"""States in which an agent is worth waiting for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All of a waiting call that eligibility and fit depend on, at one moment."""

    node: str
    words: frozenset[str]
    vip: bool
    steps: tuple[frozenset[str], ...]
    demand: Demand
    wanted: Demand
    choice: Choice


@dataclass(frozen=True, slots=True)
class Kind:
    """All of an agent that eligibility and fit depend on, except whether they are free."""

    node: str
    groups: frozenset[str]
    skills: frozenset[tuple[str, int]]
    dedicated: frozenset[str]


def standing(call: WaitingCall, policy: RoutingPolicy, now: float) -> Standing:
    """How a call stands at ``now``. A VIP's steps are open from the beginning."""
    return Standing(
        call.node,
        frozenset({call.tier, VIP_SEAT}) if call.vip else frozenset({call.tier}),
        call.vip,
        tuple(step.groups for step in call.steps if call.vip or now >= call.since + step.after_s),
        required_now(call.needs, call.since, now),
        preferred(call.needs),
        call.choice or policy.choice,
    )


def kind_of(agent: AgentFacts) -> Kind:
    """An agent's kind."""
    return Kind(agent.node, agent.groups, frozenset(agent.skills), agent.dedicated)


def why_barred(stands: Standing, kind: Kind) -> str | None:
    """Why such an agent may not take such a call even if they are kept for it; None when they may."""
    if stands.node and kind.node and stands.node != kind.node:
        return f"is on switch {kind.node}, the call on {stands.node}"
    if kind.dedicated and kind.dedicated.isdisjoint(stands.words):
        return f"the seat serves {', '.join(sorted(kind.dedicated))} only"
    return None


def why_never(stands: Standing, kind: Kind) -> str | None:
    """Why such an agent may not take such a call even if it is their own caller; None when they may."""
    why = why_barred(stands, kind)
    return lacking(stands.demand, dict(kind.skills)) if why is None and stands.demand else why


def why_not_yet(stands: Standing, kind: Kind) -> str | None:
    """Why such an agent may not take such a call as one of many; None when they may."""
    why = why_never(stands, kind)
    if why is None and _step(stands, kind) is None:
        groups = sorted({group for step in stands.steps for group in step})
        return f"is in none of the groups {', '.join(groups)}" if groups else "no group may take it yet"
    return why


def fit(stands: Standing, kind: Kind) -> Fit | None:
    """How well such an agent fits such a call; None when they may not take it."""
    step = _step(stands, kind)
    if step is None or why_never(stands, kind) is not None:
        return None
    special = 0 if kind.dedicated else 1
    if not stands.wanted:
        return (special, step, 0, 0)
    has = dict(kind.skills)
    skilled = -score(stands.wanted, has) if stands.choice is Choice.MOST_SKILLED else 0
    return (special, step, -met(stands.wanted, has), skilled)


def _step(stands: Standing, kind: Kind) -> int | None:
    for index, groups in enumerate(stands.steps):
        if not groups or not groups.isdisjoint(kind.groups):
            return index
    return None


def holds_for_own(call: WaitingCall, stands: Standing, own: AgentFacts | None, now: float) -> bool:
    """Whether a call goes to its own agent only, for now. A VIP takes anyone at once."""
    if own is None or call.vip or now >= call.own_until:
        return False
    return own.state in COMES_BACK and why_never(stands, kind_of(own)) is None


def next_change(call: WaitingCall, now: float) -> float | None:
    """When the call's own rules change next: a step opens, a need relaxes, the wait for its own agent ends."""
    times = [call.since + step.after_s for step in call.steps] if not call.vip else []
    times += [call.since + after_s for need in call.needs if need.required for after_s, _ in need.relax]
    if call.own_agent is not None and not call.vip:
        times.append(call.own_until)
    return min((at for at in times if at > now), default=None)
