"""From a waiting customer to a free agent: whom, and the bridge that joins them.

Owns the moment of routing and the offer. Who gets whom is ``routing.queue``'s, which is kept told of every agent and
every waiting customer here; whether a call may still be offered is the call table's. Must not end calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.domain.call import CallTrigger
from dialer.domain.commands import Bridge
from dialer.domain.phones import Join
from dialer.engine import floor
from dialer.engine.live import Agent, Call, Live
from routing.facts import AgentFacts, Match
from routing.fitting import holds_for_own, standing
from routing.queue import RoutingQueue
from routing.snapshot import Floor

if TYPE_CHECKING:
    from dialer.engine.announcing import Announcer
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed

BRIDGE_CHECK_S = 3.0
BRIDGE_SOON_S = 0.4
"""A bridge stands after 43–64 ms on a real switch. One that does not leaves the customer in silence: the switch is
asked this soon, and again after as long."""


class Router:
    """Gives waiting customers agents."""

    def __init__(self, live: Live, feed: Feed, calls: CallDesk) -> None:
        self.live = live
        self.feed = feed
        self.calls = calls
        self.queue = RoutingQueue(live.settings.routing.policy)
        self.announcer: Announcer
        self._queued: set[str] = set()
        """Calls that ``queue`` knows; each lies in ``live.waiting`` too, or has just left it."""
        self._groups = {name: floor.groups_of(settings) for name, settings in live.settings.agents.items()}
        self._routing = self._again = False

    def agent(self, agent: Agent) -> None:
        """The agent's state, line, switch or seat may have changed."""
        facts = self._facts(agent)
        if facts != self.queue.agent(facts.id):
            self.queue.put_agent(facts)

    def node(self, name: str) -> None:
        """A switch became usable, or ceased to be: so did its agents."""
        for agent in self.live.agents.values():
            if agent.node == name and agent.leg is not None:
                self.agent(agent)

    def _facts(self, agent: Agent) -> AgentFacts:
        return floor.agent_facts(self.live, agent, self._groups[agent.settings.agent])

    def floor(self) -> Floor:
        """Everybody, for those who ask who would get a call."""
        everyone = tuple(map(self._facts, self.live.agents.values()))
        return Floor(self.live.now, self.queue.policy, everyone, self.queue.calls())

    def holds(self, call: Call) -> bool:
        """Whether a caller waits for the agent who knows them, and takes nobody else for now."""
        own = self.live.agents.get(call.lead.rank.agent or "")
        if own is None or call.id not in self.live.waiting:
            return False
        waiting, now = floor.waiting_call(call), self.live.now
        return holds_for_own(waiting, standing(waiting, self.queue.policy, now), self._facts(own), now)

    def route(self) -> None:
        """Join every waiting customer and free agent whom the rules join. Called after every step, and by desks that
        go on to do something else with a customer who still waits."""
        if self._routing:
            self._again = True  # an offer had consequences: settled when it is through
            return
        self._routing = True
        try:
            self._again = True
            while self._again:
                self._again = False
                self._settle()
        finally:
            self._routing = False

    def _settle(self) -> None:
        live = self.live
        if not live.waiting and not self._queued:
            return
        placed = {call.id: call for call in live.waiting.values() if call.placed}
        for gone in self._queued - placed.keys():
            self._forget(gone)
        for call in placed.values():
            if call.id not in self._queued and not self.too_late(call):
                self._queued.add(call.id)
                self.queue.put_call(floor.waiting_call(call))
        for match in self.queue.settle(live.now):
            self._matched(match)
        changes_at = self.queue.next_change()
        if changes_at is not None:
            live.timers.set_by(("engine", "route"), changes_at)

    def _forget(self, call_id: str) -> None:
        self._queued.discard(call_id)
        self.queue.remove_call(call_id)

    def _matched(self, match: Match) -> None:
        self._queued.discard(match.call)
        call, agent = self.live.waiting.get(match.call), self.live.agents[match.agent]
        takes = agent.free or floor.kept_for(agent) is call
        if call is None or not takes or self.too_late(call):
            self.agent(agent)  # is not taken after all: whoever is next
            self._again = True
        elif not self._offer(call, agent, match.reason):
            self.agent(agent)

    def too_late(self, call: Call) -> bool:
        """Whether a customer is offered to nobody any more. After a standstill timers fire in order: an agent may come
        free before the limit is told to be over."""
        if call.queued_again or call.arrival is not None:
            return False  # how long they wait is ``asides``' and ``queueing``'s
        return call.clock_from is None or self.live.now > call.clock_from + call.campaign.settings.wait_limit_s

    def _offer(self, call: Call, agent: Agent, reason: str) -> bool:
        live = self.live
        timed = call.answer_read_at is not None or call.queued_again
        if agent.leg is None or not timed or not self.calls.move(call, CallTrigger.OFFER):
            return False
        live.waiting.pop(call.id, None)
        agents = self.calls.agents
        if call.bound_agent is not None and call.bound_agent != agent.settings.agent:
            bound = live.agents[call.bound_agent]
            if bound.call is call:
                agents.release(bound, "the customer went to another agent")
        agents.reserve_for(agent, call)
        agents.voice.bridging(agent, *self.announcer.whisper(call, agent))
        call.agent, call.bridge_taken = agent, False
        live.timers.set(("call", "guard", call.id), live.now + BRIDGE_SOON_S)
        if not call.queued_again and call.answer_read_at is not None:
            call.agent_id = agent.settings.agent
            self.feed.taken(call, agent)
        if call.queued_again or call.answer_read_at is None or call.arrival is not None:
            # Neither a record of who was first nor a latency of the answer.
            live.emit(Join(call.node, call.id, agent.leg))
        else:
            live.emit(Bridge(call.node, call.id, agent.leg, call.answer_read_at))
        live.note("debug", "agent_chosen", f"attempt {call.id}: agent {agent.settings.agent}: {reason}")
        return True
