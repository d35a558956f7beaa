"""Customers who are for a while without their agent: on hold, during a consultation, or because the agent's phone died.

Owns the hold, the way back to an agent, and the way back into the queue, ahead of everybody. A customer set aside
hears the hold sound for a bounded time, then the message, then the switch hangs up: a dead dialer strands nobody.
Must not choose agents (``routing``) and must not ring third parties (``parties``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState, CallTrigger
from dialer.domain.commands import NoteBridge, WaitAgain
from dialer.domain.events import LegsBridged
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import Join, PutAside
from dialer.engine.live import Agent, Call, Live
from dialer.engine.records import SPARE_S

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.parties import PartyDesk
    from dialer.engine.speaking import Voice

HOLD, CONSULT, TRANSFER, JOINING = "hold", "consult", "transfer", "joining"
ASIDE_S: Final = 900.0
"""A customer is set aside no longer than this; then the agent has them again."""
PARK_S: Final = 0.5
"""How long the agent's line is waited for before the customer is brought back all the same: the switch carries
commands out in no certain order, and one that is still with the customer would be parted again."""
JOIN_CHECK_S: Final = 3.0
JOINS: Final = 3
SETTLE_S: Final = 0.3
"""How long after the switch parted a conversation its hangup may still come: whoever hung up needs no other agent."""
QUEUE_S: Final = 120.0
"""How long a customer who has lost their agent waits for another."""
LAST_WORDS_S: Final = 60.0
AGAIN_S: Final = 0.3
"""How soon an order is given again that the switch refused."""


class AsideDesk:
    """Sets customers aside and brings them back."""

    def __init__(self, live: Live, voice: Voice) -> None:
        self.live = live
        self.voice = voice
        self.agents: AgentDesk
        self.calls: CallDesk
        self.parties: PartyDesk
        self.on_back: list[Callable[[Agent, Call], None]] = []  # told when an agent has their customer again

    # ---- away and back -------------------------------------------------------------------------------------

    def put(self, call: Call, why: str) -> None:
        """Take the customer out of the conversation; the agent's line parks."""
        was, call.aside = call.aside, why
        if was:
            return  # they are aside already, and so is the bound
        if call.agent is not None:
            call.agent.parked_seen = False
        self._bound(call)
        self._music(call, ASIDE_S)

    def moves(self, call: Call) -> None:
        """The customer is on the way from one conversation straight into another, and hears no music."""
        call.aside = TRANSFER
        self._bound(call)

    def _bound(self, call: Call) -> None:
        self.live.timers.set(("call", "aside", call.id), self.live.now + ASIDE_S)

    def _music(self, call: Call, for_s: float) -> None:
        live = self.live
        if live.nodes[call.node].up:
            if call.arrival is not None:
                self.calls.inbound.aside(call, live.settings.phones.hold_sound, for_s)
                return
            sound, message = live.settings.phones.hold_sound, call.campaign.settings.message
            live.emit(PutAside(call.node, call.id, sound, round((for_s + SPARE_S) * 1000), message))

    def not_put(self, call: Call) -> None:
        """The switch did not take a customer aside: they may be left with a phone that holds, and hear nothing; or let
        a caller wait on: they would fall to the fallback."""
        self.live.timers.set(("call", "music", call.id), self.live.now + AGAIN_S)

    def music_again(self, call: Call) -> None:
        """Once more, if they are aside, or wait, still."""
        if call.kill_as is not None:
            return
        joining = call.joins > 0 and not (call.agent is not None and call.agent.held)
        if call.state is CallState.CONNECTED and call.aside and not joining:
            self._music(call, ASIDE_S)
        elif call.state is CallState.WAITING and call.queued_again:
            self._music(call, self._left(call))
        elif call.state is CallState.WAITING and call.arrival is not None:
            self.calls.inbound.queues.hold(call)
        elif call.state is CallState.FOLLOWING:
            self.calls.inbound.follow.hold(call)

    def rejoin(self, call: Call, after_s: float = 0.0) -> None:
        """Bring the customer back to their agent, as soon as the agent's line is free and has been told all."""
        agent = call.agent
        if agent is None or agent.leg is None:
            self.queue_again(call, "the agent is gone")
            return
        call.aside, call.joins = JOINING, 0
        self.live.timers.set(("call", "aside", call.id), self.live.now + max(PARK_S, after_s))
        if after_s <= 0:
            self.line_parked(agent)

    def hand_to(self, call: Call, agent: Agent) -> None:
        """Give the customer to another agent, whose line is free or in this call's consultation."""
        self.agents.reserve_for(agent, call)
        call.agent = agent
        call.aside, call.joins = JOINING, 0
        self.voice.bridging(agent)
        self._join(call, agent)

    def line_parked(self, agent: Agent) -> None:
        """The agent's line is free for the customer who is to come back."""
        call = agent.call
        if call is not None and call.agent is agent and call.aside == JOINING and not call.joins and agent.parked_seen:
            self._join(call, agent)

    def _join(self, call: Call, agent: Agent) -> None:
        live = self.live
        call.joins += 1
        live.timers.set(("call", "aside", call.id), live.now + JOIN_CHECK_S)
        if agent.held:
            return  # neither would hear the other: later, and if the phone still holds then, to somebody else
        agent.parked_seen = agent.hold_told = False
        if agent.leg is not None and live.nodes[call.node].up:
            if agent.nailed_up:
                self.voice.cut(agent.leg)
            live.emit(Join(call.node, call.id, agent.leg))

    def refused(self, call: Call) -> None:
        """The switch did not join them: once more soon, or not at all."""
        self.live.timers.set(("call", "aside", call.id), self.live.now + PARK_S)

    def bridged(self, call: Call, agent: Agent, event: LegsBridged) -> None:
        """Customer and agent hear each other, again or for the first time."""
        live, name = self.live, agent.settings.agent
        self.joined(call)
        if agent.state is not AgentState.TALKING:
            call.agent_id, call.joined_at = name, event.at
            self.agents.talking(agent, call)
            live.emit(NoteBridge(call.id, event.at if call.bridged_at is None else call.bridged_at, name))
        for told in self.on_back:
            told(agent, call)

    def joined(self, call: Call) -> None:
        """Nobody needs to wait for this customer any more."""
        call.aside, call.apart = "", False
        self.live.timers.cancel(("call", "aside", call.id))

    def unheard(self, call: Call, agent: Agent) -> None:
        """Bridged, but the agent's phone turns out to hold: music, until it no longer does, or to somebody else."""
        if call.agent is not agent or call.state is not CallState.CONNECTED or call.kill_as is not None:
            return
        if call.aside or agent.party is not None or not self.live.nodes[call.node].up:
            return
        self.live.counters["customers_unheard"] += 1
        self.live.note("info", "unheard", f"attempt {call.id}: the phone of agent {agent.settings.agent} is on hold")
        self.put(call, HOLD)
        self.rejoin(call)

    def hears_again(self, agent: Agent) -> None:
        """The agent's phone is back from hold: so may be the customer who waits for that."""
        call = agent.call
        if call is not None and call.agent is agent and call.aside == JOINING and agent.parked_seen:
            self._join(call, agent)

    # ---- what time and the switch say ----------------------------------------------------------------------

    def overdue(self, call: Call) -> None:
        """Nobody came back for the customer, the way back failed, or a conversation was parted and nobody hung up."""
        live = self.live
        if call.state is not CallState.CONNECTED or call.kill_as is not None:
            return
        agent = call.agent
        if not live.nodes[call.node].up:
            live.timers.set(("call", "aside", call.id), live.now + JOIN_CHECK_S)
        elif call.aside == JOINING and call.joins >= JOINS:
            self.queue_again(call, "the agent's line did not take the customer")
        elif call.aside == JOINING and agent is not None:
            self._join(call, agent)
        elif call.aside and agent is not None and agent.party is not None:
            self.parties.back(agent, "")
        elif call.aside:
            self.rejoin(call)
        elif call.apart and agent is None:
            self.queue_again(call, "the agent's phone was lost")

    def parted(self, call: Call) -> None:
        """CHANNEL_UNBRIDGE in a conversation that we did not interrupt: somebody hung up, and who will be told."""
        if call.aside or call.supervised or call.party is not None:
            return
        call.apart = True
        if call.agent is None:
            self._settle(call)

    def agent_lost(self, call: Call) -> None:
        """The phone of the customer's agent died; whether the customer is still there, the switch will tell."""
        call.agent = None
        if call.aside:
            self.queue_again(call, "the agent's phone was lost")
        elif call.apart:
            self._settle(call)

    def _settle(self, call: Call) -> None:
        self.live.timers.set(("call", "aside", call.id), self.live.now + SETTLE_S)

    def alone(self, call: Call) -> None:
        """The switch lists the customer of a conversation without anybody: their events were lost."""
        agent = call.agent
        theirs = agent if agent is not None and agent.call is call and not agent.held else None
        if theirs is not None and theirs.leg is not None and theirs.line is Line.BRIDGING:
            self.rejoin(call)
        else:
            self.queue_again(call, "nobody was with them any more")

    # ---- the queue -----------------------------------------------------------------------------------------

    def queue_again(self, call: Call, why: str) -> None:
        """Back into the queue, ahead of all others; with nobody free in time the call ends."""
        live, agent = self.live, call.agent
        if call.kill_as is not None or not self.calls.move(call, CallTrigger.QUEUE_AGAIN):
            return
        call.agent = call.bound_agent = None
        call.placed = call.queued_again = True
        call.queued_at = live.now
        self.joined(call)
        live.counters["customers_queued_again"] += 1
        live.note("info", "queued_again", f"attempt {call.id}: {why}: to the next free agent")
        self.parties.call_ended(call)
        if agent is not None and agent.call is call:
            self.agents.customer_gone(agent, call)
        self.wait(call)

    def wait(self, call: Call) -> None:
        """Ahead of all others; those who have waited longer among them first."""
        live = self.live
        if not self._left(call) > 0:
            self.nobody(call)
            return
        live.waiting[call.id] = call
        live.timers.set(("call", "limit", call.id), live.now + self._left(call))
        self.calls.route()
        if call.state is CallState.WAITING:  # music and a bridge at once would overtake each other
            self._music(call, self._left(call))

    def _left(self, call: Call) -> float:
        return call.queued_at + QUEUE_S - self.live.now

    def nobody(self, call: Call) -> None:
        """No agent in time for a customer who had one already: they hear the message, and the switch hangs up."""
        live = self.live
        if call.state is not CallState.WAITING:
            return  # a bridge is on its way; if it fails, ``wait`` comes here again
        live.waiting.pop(call.id, None)
        live.note("info", "queued_in_vain", f"attempt {call.id}: nobody was free within {QUEUE_S:g} s")
        if call.arrival is not None:
            self.calls.inbound.queues.nobody(call)
            return
        message = call.campaign.settings.message
        if message and live.nodes[call.node].up:
            live.emit(WaitAgain(call.node, call.id, 0, message))
            live.timers.set(("call", "guard", call.id), live.now + LAST_WORDS_S)
        else:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, "lost their agent, and nobody else was free")
