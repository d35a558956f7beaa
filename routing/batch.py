"""All matches of one moment, from facts alone: the routing rule written down plainly.

Owns the definition: of all pairs that may be joined, the first in the order is joined, then the first of what is left.
``queue`` gives the same answer event by event; this one serves ``explain``, saved snapshots and the tests. It looks at
every pair, so it is not for the live floor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from routing.facts import AgentFacts, AgentState, Match, RoutingPolicy, WaitingCall
from routing.fitting import Fit, fit, holds_for_own, kind_of, standing, why_barred, why_never
from routing.order import AgentKey, CallKey, agent_key, call_key, kept_key, own_key, words

NO_FIT: Fit = (0, 0, 0, 0)


class _Pair(NamedTuple):
    key: CallKey
    then: AgentKey
    call: WaitingCall
    agent: AgentFacts
    fit: Fit | None


def match_all(
    calls: Iterable[WaitingCall], agents: Iterable[AgentFacts], policy: RoutingPolicy, now: float
) -> tuple[Match, ...]:
    """Who takes whom at ``now``, in the order in which they are joined."""
    everyone = {agent.id: agent for agent in agents}
    pairs = [pair for call in calls for pair in _pairs(call, everyone, policy, now)]
    pairs.sort(key=lambda pair: (pair.key, pair.then))
    matches: list[Match] = []
    served: set[str] = set()
    taken: set[str] = set()
    for pair in pairs:
        if pair.call.id not in served and pair.agent.id not in taken:
            served.add(pair.call.id)
            taken.add(pair.agent.id)
            reason = words(pair.call, pair.agent, pair.fit, policy, now)
            matches.append(Match(pair.call.id, pair.agent.id, reason))
    return tuple(matches)


def _pairs(call: WaitingCall, everyone: dict[str, AgentFacts], policy: RoutingPolicy, now: float) -> list[_Pair]:
    stands = standing(call, policy, now)
    own = everyone.get(call.own_agent) if call.own_agent is not None else None
    holds = holds_for_own(call, stands, own, now)
    found = []
    for agent in everyone.values():
        if agent.state is not AgentState.FREE:
            continue
        kind = kind_of(agent)
        if agent.reserved_for is not None:
            if agent.reserved_for == call.id and why_barred(stands, kind) is None:
                then = agent_key(NO_FIT, stands.choice, agent)
                found.append(_Pair(kept_key(call), then, call, agent, None))
            continue
        if agent is own and why_never(stands, kind) is None:
            found.append(_Pair(own_key(call, policy), agent_key(NO_FIT, stands.choice, agent), call, agent, None))
        elif not holds and (fits := fit(stands, kind)) is not None:
            found.append(_Pair(call_key(call, policy), agent_key(fits, stands.choice, agent), call, agent, fits))
    return found
