"""From a waiting customer to a free agent: whom, and the bridge that joins them.

Owns the moment of routing and the offer. The choice among free agents is ``routing``'s; whether a call may still be
offered is the call table's. Must not end calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.domain.agent import Line
from dialer.domain.call import CallTrigger
from dialer.domain.commands import Bridge
from dialer.domain.phones import Join
from dialer.engine.live import Agent, Call, Live

if TYPE_CHECKING:
    from dialer.engine.announcing import Announcer
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed

BRIDGE_CHECK_S = 3.0


class Router:
    """Gives waiting customers agents."""

    def __init__(self, live: Live, feed: Feed, calls: CallDesk) -> None:
        self.live = live
        self.feed = feed
        self.calls = calls
        self.announcer: Announcer

    def route(self) -> None:
        """Give every waiting customer an agent while there is one: who has lost one first, then in order of answer."""
        if not self.live.waiting:
            return
        for call in [call for call in self.live.waiting.values() if call.placed]:
            agent, reason = self._choose(call)
            if agent is not None and not self._too_late(call):
                self._offer(call, agent, reason)

    def _too_late(self, call: Call) -> bool:
        """After a standstill timers fire in order: an agent may come free before the limit is told to be over."""
        if call.queued_again:
            return False  # they had their agent in time; how long they wait for another is ``asides``'
        return call.clock_from is None or self.live.now > call.clock_from + call.campaign.settings.wait_limit_s

    def _choose(self, call: Call) -> tuple[Agent | None, str]:
        live = self.live
        if not live.nodes[call.node].up:
            return None, ""
        if call.bound_agent is not None:
            bound = live.agents[call.bound_agent]
            if bound.call is call and bound.line is Line.PARKED and bound.node == call.node and not bound.held:
                return bound, "the agent who previewed this lead"
        match = live.longest_idle(call.campaign, call.node)
        return (None, "") if match is None else (live.agents[match.agent], match.reason)

    def _offer(self, call: Call, agent: Agent, reason: str) -> None:
        live = self.live
        timed = call.answer_read_at is not None or call.queued_again
        if agent.leg is None or not timed or not self.calls.move(call, CallTrigger.OFFER):
            return
        live.waiting.pop(call.id, None)
        agents = self.calls.agents
        if call.bound_agent is not None and call.bound_agent != agent.settings.agent:
            bound = live.agents[call.bound_agent]
            if bound.call is call:
                agents.release(bound, "the customer went to another agent")
        agents.reserve_for(agent, call)
        agents.voice.bridging(agent, *self.announcer.whisper(call, agent))
        call.agent = agent
        live.timers.set(("call", "guard", call.id), live.now + BRIDGE_CHECK_S)
        if call.queued_again or call.answer_read_at is None:
            # Neither a record of who was first nor a latency of the answer.
            live.emit(Join(call.node, call.id, agent.leg))
        else:
            call.agent_id = agent.settings.agent
            self.feed.taken(call, agent)
            live.emit(Bridge(call.node, call.id, agent.leg, call.answer_read_at))
        live.note("debug", "agent_chosen", f"attempt {call.id}: agent {agent.settings.agent}: {reason}")
