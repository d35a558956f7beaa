"""Where a phone of a follow-me plan is at this moment: an agent's free line, a phone to ring, or why it is neither.

Owns that answer and its words. Pure: starts nothing, changes nothing. Numbers come from the configuration, never from a
caller; the trunk's channels, those kept for callers, its speed and the numbers that it may show hold as for any call of
ours. Do-not-call lists and calling hours do not: these are our own people.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.domain.agent import AgentState
from dialer.engine.live import Agent, Call, Live, Node
from dialer.engine.targets import Target, of_seat
from dialer.engine.trunks import TrunkDesk
from routing.facts import VIP_SEAT
from routing.followme import AGENT, SEAT, Phone
from routing.outbound import Rank
from routing.trunks import Why


@dataclass(frozen=True, slots=True)
class Away:
    """It cannot be rung now, and why; ``soon``: it may be in a moment."""

    why: str
    soon: bool = False


def find(trunks: TrunkDesk, call: Call, phone: Phone) -> Agent | Target | Away:
    """Where the phone is for this caller."""
    live = trunks.live
    node = live.nodes[call.node]
    if not node.usable:
        return Away("the switch is not ready", soon=True)
    if phone.number.startswith(AGENT):
        return _agent(live, call, node, phone.number.removeprefix(AGENT))
    if phone.number.startswith(SEAT):
        return _seat(live, call, node, phone.number.removeprefix(SEAT))
    if phone.number == call.lead.number:
        return Away("it is the phone that calls")
    return _full(node) or _outside(trunks, phone)


def _full(node: Node) -> Away | None:
    return Away(f"switch {node.name} is full: {node.capacity} legs") if node.legs >= node.capacity else None


def _agent(live: Live, call: Call, node: Node, name: str) -> Agent | Target | Away:
    agent = live.agents[name]
    if agent.state is not AgentState.LOGGED_OUT:
        return _logged_in(live, call, node, agent)
    seat = live.settings.seats[agent.settings.seat]
    sitting = _sitting(live, seat.seat)
    if sitting is not None:
        return Away(f"agent {name} is not logged in, and agent {sitting.settings.agent} has their seat")
    return _rung(node, seat.seat, live)


def _seat(live: Live, call: Call, node: Node, seat: str) -> Agent | Target | Away:
    sitting = _sitting(live, seat)
    return _rung(node, seat, live) if sitting is None else _logged_in(live, call, node, sitting)


def _sitting(live: Live, seat: str) -> Agent | None:
    there = (a for a in live.agents.values() if a.seat.seat == seat and a.state is not AgentState.LOGGED_OUT)
    return next(there, None)


def _rung(node: Node, seat: str, live: Live) -> Target | Away:
    settings = live.settings.seats[seat]
    if not settings.address:
        return Away(f"seat {seat} has no address at which it could be rung")
    return _full(node) or of_seat(f"seat {seat}", settings)


def _logged_in(live: Live, call: Call, node: Node, agent: Agent) -> Agent | Target | Away:
    """Who is logged in is given the caller on their open line, or rung at their phone; or is not, and why."""
    name, rank = agent.settings.agent, call.lead.rank
    kept = live.dedicated(agent)
    if kept_from(kept, rank):
        return Away(f"the seat of agent {name} is kept for {', '.join(sorted(kept))}")
    if agent.state is not AgentState.READY or agent.after_call is not None:
        return Away(f"agent {name} is {agent.state.value.replace('_', ' ')}")
    if agent.free:
        return agent if agent.node == call.node else Away(f"agent {name} is on another switch")
    if agent.nailed_up:
        return Away(f"the line of agent {name} is not free")
    if agent.leg is not None or agent.own is not None or not agent.seat.address:
        return Away(f"agent {name} is in a call")
    return _full(node) or of_seat(f"agent {name}", agent.seat, agent)


def kept_from(kept: frozenset[str], rank: Rank) -> bool:
    """Whether a seat that is kept for some is not for this caller."""
    return bool(kept) and rank.tier not in kept and not (rank.vip and VIP_SEAT in kept)


def _outside(trunks: TrunkDesk, phone: Phone) -> Target | Away:
    trunk = trunks.live.trunks[phone.trunk]
    choice = trunks.choice([trunk], phone.number, None)
    if choice.trunk is None:
        soon = any(why is Why.SPEED for _, why in choice.passed)
        return Away("; ".join(f"trunk {name}: {why}" for name, why in choice.why_nots), soon)
    return Target(
        phone.name,
        trunk=choice.trunk,
        gateway=trunk.settings.gateway,
        number=choice.dial,
        caller_id=choice.shown or "",
    )
