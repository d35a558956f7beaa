"""The order in which pairs of calls and agents are joined, and the words for it.

Owns the one total order: first calls, then agents within a call, ties by id, so that the same state always gives the
same match. A pair's key has two parts: the call's, which does not depend on the time, and the agent's.

A call's part: kept for this agent; VIP; when it is due. Due is target after the wait began, less head starts. So nobody
is overtaken for ever: a call is passed only by calls that began to wait at most ``overtaken_for_s`` later.
"""

from __future__ import annotations

from routing.facts import AgentFacts, Choice, Direction, RoutingPolicy, WaitingCall
from routing.fitting import Fit

CallKey = tuple[int, float, float, str, int]
"""Rank, due, since, id, and 0 for the call's own agent."""
AgentKey = tuple[Fit, float, float, str]
"""Fit, occupancy where it counts, since, id."""

KEPT, VIP, REST = 0, 1, 2


def head_start_s(call: WaitingCall, policy: RoutingPolicy) -> float:
    """By how much a call is due earlier than its tier's target says."""
    start = policy.owed_head_start_s if call.owed else 0.0
    if call.direction is Direction.OUTBOUND:
        start += policy.outbound_head_start_s
    elif call.direction is Direction.CALLBACK:
        start += policy.callback_head_start_s
    return start


def due_at(call: WaitingCall, policy: RoutingPolicy) -> float:
    """When a call is due with any agent."""
    return call.since + call.target_s - head_start_s(call, policy)


def call_key(call: WaitingCall, policy: RoutingPolicy) -> CallKey:
    """The key of a call with any agent."""
    return (VIP if call.vip else REST, due_at(call, policy), call.since, call.id, 1)


def own_key(call: WaitingCall, policy: RoutingPolicy) -> CallKey:
    """The key of a call with its own agent."""
    due = due_at(call, policy) - policy.own_head_start_s
    return (VIP if call.vip else REST, due, call.since, call.id, 0)


def kept_key(call: WaitingCall) -> CallKey:
    """The key of a call with the agent who is kept for it."""
    return (KEPT, 0.0, call.since, call.id, 0)


def agent_key(fit: Fit, choice: Choice, agent: AgentFacts) -> AgentKey:
    """The key of a free agent within one call."""
    return (fit, agent.occupancy if choice is Choice.LEAST_OCCUPIED else 0.0, agent.since, agent.id)


def overtaken_for_s(call: WaitingCall, smallest_target_s: float, policy: RoutingPolicy) -> float:
    """A call may be passed by those alone that are VIPs, are kept for an agent, or came less than so much later."""
    longest = max(policy.outbound_head_start_s, policy.callback_head_start_s)
    longest += policy.owed_head_start_s + policy.own_head_start_s
    return max(0.0, call.target_s - head_start_s(call, policy) - smallest_target_s + longest)


def words(call: WaitingCall, agent: AgentFacts, fit: Fit | None, policy: RoutingPolicy, now: float) -> str:
    """Why this pair: why this call, then why this agent. ``fit`` is None where the agent is the call's own."""
    waited = max(0.0, now - call.since)
    first = f"due {_after(due_at(call, policy) - now)}"
    if call.direction is Direction.OUTBOUND:
        first = "called by us"
    if call.vip:
        first = "a VIP, ahead of all"
    if agent.reserved_for == call.id:
        return f"{agent.id} was kept for this call"
    if fit is None:
        return f"their own agent; waited {waited:.1f} s" if not call.vip else "a VIP's own agent"
    special, step, met, _ = fit
    parts = [f"{first}, waited {waited:.1f} s"]
    if not special:
        parts.append("a seat for such calls")
    if len(call.steps) > 1:
        groups = call.steps[step].groups
        parts.append(f"of {', '.join(sorted(groups))}" if groups else "anyone by now")
    if call.needs:
        parts.append(f"{-met} of {len(call.needs)} skills at the level asked for")
    return "; ".join((*parts, _choice(call.choice or policy.choice, agent, now)))


def _after(seconds: float) -> str:
    return f"in {seconds:.1f} s" if seconds >= 0 else f"{-seconds:.1f} s ago"


def _choice(choice: Choice, agent: AgentFacts, now: float) -> str:
    idle = f"{max(0.0, now - agent.since):.1f} s"
    if choice is Choice.LEAST_OCCUPIED:
        return f"least occupied ({agent.occupancy:.0%})"
    if choice is Choice.MOST_SKILLED:
        return f"most skilled, then longest idle ({idle})"
    return f"longest idle ({idle})"
