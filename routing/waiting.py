"""Why a call waits, who could take it and who could not, its place, and the wait that it may expect.

Owns the words for those who ask (the caller, a supervisor, ``dialer explain route``); walks over everybody, so it is
asked for single calls. The rules are ``fitting``'s and ``order``'s. Must not match anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from routing.facts import AgentFacts, AgentState, RoutingPolicy, Wait, WaitingCall
from routing.fitting import (
    COMES_BACK,
    holds_for_own,
    kind_of,
    next_change,
    standing,
    why_barred,
    why_never,
    why_not_yet,
)
from routing.order import call_key

_STATES: Mapping[AgentState, str] = {
    AgentState.FREE: "is free",
    AgentState.BUSY: "is busy",
    AgentState.WRAP_UP: "is in wrap-up",
    AgentState.PAUSED: "is paused",
    AgentState.AWAY: "is not logged in",
}


def why_not(
    call: WaitingCall, agent: AgentFacts, own: AgentFacts | None, policy: RoutingPolicy, now: float
) -> str | None:
    """Why this agent does not get this call now, being free or not; None when they may. ``own``: the call's own agent.

    Of several reasons the lasting one is told: that somebody is busy says little if they may never take the call.
    """
    stands, kind = standing(call, policy, now), kind_of(agent)
    if agent.reserved_for == call.id:
        why = why_barred(stands, kind)
    elif own is not None and agent.id == own.id:
        why = why_never(stands, kind)
    else:
        why = why_not_yet(stands, kind)
        if why is None and holds_for_own(call, stands, own, now):
            why = f"the caller waits for {call.own_agent}, {call.own_until - now:.0f} s more"
    if why is None and agent.reserved_for not in (None, call.id):
        why = "is kept for another call"
    if why is None and agent.state is not AgentState.FREE:
        why = _STATES[agent.state]
    return why


def why_nots(
    call: WaitingCall, agents: Iterable[AgentFacts], policy: RoutingPolicy, now: float
) -> tuple[tuple[str, str | None], ...]:
    """Every agent, by id, and why they do not get the call; None: they may have it."""
    everyone = {agent.id: agent for agent in agents}
    own = everyone.get(call.own_agent) if call.own_agent is not None else None
    return tuple((name, why_not(call, everyone[name], own, policy, now)) for name in sorted(everyone))


def wait(call: WaitingCall, agents: Iterable[AgentFacts], policy: RoutingPolicy, now: float) -> Wait:
    """Why a call waits. Meant for a call that is not matched; for one that could be, the reason says that."""
    everyone = {agent.id: agent for agent in agents}
    until = next_change(call, now)
    own = everyone.get(call.own_agent) if call.own_agent is not None else None
    stands = standing(call, policy, now)
    if own is not None and holds_for_own(call, stands, own, now):
        state = "is kept for another call" if own.reserved_for not in (None, call.id) else _STATES[own.state]
        return Wait(call.id, f"for their own agent {own.id}, who {state}, {call.own_until - now:.0f} s more", until)
    told = why_nots(call, everyone.values(), policy, now)
    prefix = f"{_own_gone(call, own, policy, now)}; " if call.own_agent is not None else ""
    free = sum(1 for _, why in told if why is None)
    if free:
        return Wait(call.id, f"{prefix}{free} free agents may take it at once", now)
    reasons = Counter(why for _, why in told if why is not None)
    busy = sum(reasons[_STATES[state]] for state in (AgentState.BUSY, AgentState.WRAP_UP))
    if busy:
        return Wait(call.id, f"{prefix}all {busy} who may take it are busy or in wrap-up", until)
    common = "; ".join(f"{count}: {why}" for why, count in reasons.most_common(3))
    return Wait(call.id, f"{prefix}nobody here may take it" + (f" ({common})" if common else ""), until)


def _own_gone(call: WaitingCall, own: AgentFacts | None, policy: RoutingPolicy, now: float) -> str:
    if own is None:
        return f"their own agent {call.own_agent} is not known here"
    never = why_never(standing(call, policy, now), kind_of(own))
    if never is not None:
        return f"their own agent {own.id} may not take it: {never}"
    if own.state not in COMES_BACK:
        return f"their own agent {own.id} {_STATES[own.state]}"
    return "a VIP waits for nobody in particular" if call.vip else f"waited long enough for {own.id}"


def place(call: WaitingCall, calls: Iterable[WaitingCall], policy: RoutingPolicy) -> int:
    """The call's place among those of its queue, from 1: how many there are who are due before it, and itself."""
    key = call_key(call, policy)
    return 1 + sum(1 for other in calls if other.queue == call.queue and call_key(other, policy) < key)


def expected_wait_s(place: int, serving: int, handling_s: float) -> float | None:
    """The wait of who is at ``place`` while ``serving`` agents need ``handling_s`` a call; None: nobody serves.

    With everybody busy, agents come free at ``serving / handling_s`` a second, and ``place`` of them must.
    """
    return place * handling_s / serving if serving > 0 else None
