"""Third parties in a customer's call: somebody whom an agent asks, hands the customer over to, or talks with as three.

Owns the acts hold, consult, complete, conference, back, transfer and hang_up, and who has the customer after anybody
hung up. The third party's leg is ``party_legs``', where the customer waits meanwhile ``asides``', which numbers may be
rung ``targets``' and ``number_checks``'. Must not ring leads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dialer.domain.call import CallState
from dialer.domain.events import BridgeReplied, LegHungUp, LegParked, LegsBridged, OriginateReplied
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import JoinThree
from dialer.engine.acts import SAID, Problem, connected
from dialer.engine.asides import CONSULT, HOLD, JOINING, TRANSFER, AsideDesk
from dialer.engine.live import Agent, Call, Live
from dialer.engine.number_checks import STORE_TROUBLE, Asked, NumberDesk, Refusal
from dialer.engine.party_legs import PartyLegs
from dialer.engine.party_records import Party, PartyState
from dialer.engine.targets import Target, by_line, find

if TYPE_CHECKING:
    from dialer.engine.acts import ActDesk
    from dialer.engine.agents import AgentDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.holds import HoldDesk
    from dialer.engine.own_calls import OwnCallDesk
    from dialer.engine.speaking import Voice

NO_CUSTOMER: Final = "no customer is on the line"
NOBODY_RUNG: Final = "no third party is on the line"
NOT_ANSWERED: Final = "the third party has not answered yet"
WHY: Final = {
    "USER_BUSY": "party-busy",
    "NO_ANSWER": "party-no-answer",
    "NO_USER_RESPONSE": "party-no-answer",
    "ALLOTTED_TIMEOUT": "party-no-answer",
    "ORIGINATOR_CANCEL": "party-no-answer",
    "CALL_REJECTED": "party-refused",
    "NORMAL_CLEARING": "party-left",
}
"""What an agent is told of a third party that did not come, or left, by the switch's word for it."""


class PartyDesk:
    """Carries out what agents want with third parties."""

    def __init__(self, live: Live, legs: PartyLegs, numbers: NumberDesk, asides: AsideDesk, voice: Voice) -> None:
        self.live = live
        self.legs = legs
        self.numbers = numbers
        self.asides = asides
        self.voice = voice
        self.agents: AgentDesk
        self.calls: CallDesk
        self.own_calls: OwnCallDesk
        self.holds: HoldDesk
        self._acts: ActDesk
        legs.owners[True] = self

    def register(self, acts: ActDesk) -> None:
        """Offer the acts to keypads and the API."""
        self._acts = acts
        for name in ("hold", "consult", "complete", "conference", "back", "transfer", "hang_up"):
            acts.register(name, getattr(self, name))

    # ---- acts ----------------------------------------------------------------------------------------------

    def _customer(self, agent: Agent) -> Call | str:
        """The customer whom the agent has for themselves, or what is wrong."""
        call = connected(agent)
        if call is None or call.kill_as is not None:
            return Problem(NO_CUSTOMER)
        if agent.party is not None:
            return Problem("a third party is on the line: complete the transfer, or go back")
        if self.numbers.asking(agent):
            return Problem("a number is being asked about")
        if call.aside == JOINING:
            return Problem("the customer is being brought back")
        if not self.live.nodes[call.node].up:
            return Problem("the switch is not connected")
        return call

    def hold(self, agent: Agent, argument: str) -> str | None:
        """Put the customer on hold, or take them back."""
        call = self._customer(agent)
        if isinstance(call, str):
            return call
        if call.aside == HOLD:
            self._acts.done()
            self.asides.rejoin(call)
        else:
            self._acts.done("hold-on")
            self.asides.put(call, HOLD)
        return None

    def consult(self, agent: Agent, argument: str) -> str | None:
        """Ring ``argument`` and speak with them while the customer waits."""
        return self._reach(agent, argument, self._consult)

    def _consult(self, agent: Agent, call: Call, target: Target) -> None:
        if target.cleared:
            self.voice.tell(agent, *SAID["consult"])
        elif target.agent is not None:
            self._acts.done()
        self.asides.put(call, CONSULT)
        agent.party = self.legs.ask(agent, call, target)

    def transfer(self, agent: Agent, argument: str) -> str | None:
        """Hand the customer over to ``argument``, unasked: the agent is free at once."""
        return self._reach(agent, argument, self._transfer)

    def _transfer(self, agent: Agent, call: Call, target: Target) -> None:
        if not target.cleared:
            self._acts.done()
        if target.agent is not None:
            self._hand_to_agent(call, agent, target.agent)
            return
        self.asides.put(call, TRANSFER)
        call.party = self.legs.ring(None, call, target)
        self._release(agent, call)

    def _reach(self, agent: Agent, argument: str, reach: Callable[[Agent, Call, Target], None]) -> str | None:
        """Find out whom ``argument`` means, and whether they may be rung: then ``reach`` them. The conversation goes on
        until the store has told of an outside number.
        """
        call = self._customer(agent)
        if isinstance(call, str):
            return call
        target = find(self.legs.trunks, agent, argument, call)
        if isinstance(target, str):
            return target
        if not target.e164:
            reach(agent, call, target)
            return None
        if not self.live.store_ok:
            return STORE_TROUBLE
        self._acts.done()

        def cleared(target: Target) -> None:
            if self._customer(agent) is call:  # else the conversation has ended, and the wish with it
                chosen = by_line(self.legs.trunks, target, call)
                if isinstance(chosen, Problem):
                    self.voice.tell(agent, *chosen.prompts)
                else:
                    reach(agent, call, chosen)

        def refused(refusal: Refusal) -> None:
            if agent.call is call:
                self.voice.tell(agent, refusal.prompt)

        self.numbers.ask(self.live.new_id(), Asked(agent, target, cleared, refused))
        return None

    def complete(self, agent: Agent, argument: str) -> str | None:
        """Leave the customer with the third party."""
        call, party = connected(agent), agent.party
        if call is None or party is None:
            return Problem(NOBODY_RUNG)
        if party.state not in (PartyState.TALKING, PartyState.THREE):
            return Problem(NOT_ANSWERED, "party-no-answer")
        self._acts.done()
        if party.guest is not None:
            self.legs.hand_over(party)
            self._hand_to_agent(call, agent, party.guest)
        else:
            self._give_customer(call, party)
            self._release(agent, call)
        return None

    def conference(self, agent: Agent, argument: str) -> str | None:
        """Agent, customer and third party together."""
        call, party = connected(agent), agent.party
        if call is None or party is None:
            return Problem(NOBODY_RUNG)
        if party.state is not PartyState.TALKING:
            return Problem(NOT_ANSWERED, "party-no-answer")
        self.legs.stands(party, PartyState.JOINING)
        self.asides.hand_to(call, agent)  # the third party parks, and is joined when that bridge stands
        return None

    def back(self, agent: Agent, argument: str) -> str | None:
        """Drop the third party and return to the customer."""
        call, party = connected(agent), agent.party
        if call is None or party is None:
            return Problem(NOBODY_RUNG)
        self.legs.drop(party)
        if call.aside and call.aside != JOINING:
            self.asides.rejoin(call)
        return None

    def hang_up(self, agent: Agent, argument: str) -> str | None:
        """End the conversation at hand: with the customer, with an agent who asked, or of the agent's own."""
        if agent.own is not None:
            self.own_calls.end(agent)
            return None
        if agent.lent is not None:
            self.legs.lost(agent.lent)
            return None
        call = connected(agent)
        if call is None:
            return Problem(NO_CUSTOMER)
        self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, "hung up by the agent")
        return None

    # ---- who has the customer ------------------------------------------------------------------------------

    def _give_customer(self, call: Call, party: Party) -> None:
        """The third party has the customer from now on, without any agent."""
        if party.agent is not None and party.agent.party is party:
            party.agent.party = None
        call.party = party
        self.asides.moves(call)
        self.legs.move(party)

    def _release(self, agent: Agent, call: Call) -> None:
        """The agent's part in this call is over."""
        call.agent = None
        self.agents.customer_gone(agent, call)

    def _hand_to_agent(self, call: Call, agent: Agent, other: Agent) -> None:
        self.asides.hand_to(call, other)  # first of all, or the other may be given somebody else
        self.agents.customer_gone(agent, call)

    def unheard(self, party: Party) -> None:
        """Bridged, but the third party's phone turns out to hold: the customer hears music until it no longer does."""
        live, call = self.live, party.call
        if call is None or party.state is not PartyState.MOVED or call.aside or call.kill_as is not None:
            return
        if call.id not in live.calls or call.state is not CallState.CONNECTED or not live.nodes[call.node].up:
            return
        live.counters["customers_unheard"] += 1
        live.note("info", "unheard", f"attempt {call.id}: the phone of the third party is on hold")
        party.state, party.joins = PartyState.MOVING, 0
        self.asides.put(call, TRANSFER)

    def party_talks(self, party: Party) -> None:
        """Third party and agent hear each other: nothing more to do."""

    def party_failed(self, party: Party, cause: str) -> None:
        """The third party did not come, or left: the customer goes back to whoever brought them."""
        call, agent = party.call, party.agent
        if call is None or call.id not in self.live.calls or call.state is not CallState.CONNECTED:
            return
        if party.state is PartyState.MOVED:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, "the third party hung up")
        elif agent is None:
            self.asides.queue_again(call, "the transfer was not answered")
        else:
            rang = party.state in (PartyState.RINGING, PartyState.ANSWERED)
            lasts = 0.0
            if rang or party.state is PartyState.THREE:  # else the agent has heard it
                lasts = self.voice.tell(agent, WHY.get(cause, "party-unreachable"))
            if call.agent is agent and call.aside and call.aside != JOINING:
                self.asides.rejoin(call, lasts)

    # ---- what the switch says ------------------------------------------------------------------------------

    def bridged(self, event: LegsBridged) -> bool:
        """A bridge that has to do with a third party, a hold or a transfer; False when it has not."""
        live = self.live
        for a, b in ((event.a_uuid, event.b_uuid), (event.b_uuid, event.a_uuid)):
            call, agent = live.calls.get(a), live.legs.get(b)
            if call is None or call.state is not CallState.CONNECTED:
                continue
            if call.party is not None and call.party.uuid == b:
                self.legs.stands(call.party, PartyState.MOVED)
                self.asides.joined(call)
                self.holds.party_talks(call.party)
                return True
            if agent is not None and call.agent is agent and (call.aside or call.apart):
                self.asides.bridged(call, agent, event)
                self._three(call, agent)
                return True
        return self.legs.bridged(event)

    def _three(self, call: Call, agent: Agent) -> None:
        party = agent.party
        if party is None or party.state is not PartyState.JOINING or agent.leg is None:
            return
        self.legs.stands(party, PartyState.THREE)
        if party.guest is not None:
            party.guest.parked_seen = False
        self.live.emit(JoinThree(call.node, party.uuid, agent.leg))

    def bridge_replied(self, event: BridgeReplied) -> bool:
        """The answer to a Join; False when it is a waiting customer's bridge."""
        live = self.live
        if event.call_uuid in live.parties:
            if not event.ok:
                self._refused(live.parties[event.call_uuid], event)
            return True
        call = live.calls.get(event.call_uuid)
        if call is None or call.state is not CallState.CONNECTED:
            return False
        if not event.ok and call.party is not None and call.party.uuid == event.agent_uuid:
            self._refused(call.party, event)
        elif not event.ok and call.aside == JOINING and call.agent is not None and call.agent.leg == event.agent_uuid:
            live.note("info", "bridge_refused", f"attempt {call.id}: {event.error}")
            self.asides.refused(call)
        return True

    def _refused(self, party: Party, event: BridgeReplied) -> None:
        self.live.note("info", "bridge_refused", f"third party: {event.error}")
        if party.joins:
            self.live.timers.set(("party", "ring", party.uuid), self.live.now + 1.0)

    def parked(self, event: LegParked) -> bool:
        """CHANNEL_PARK of a third party's leg; False when it is none of ours."""
        return self.legs.parked(event)

    def replied(self, event: OriginateReplied) -> bool:
        """The answer to a third party's originate; False when it is none of ours."""
        return self.legs.replied(event)

    def hung_up(self, event: LegHungUp) -> bool:
        """A third party is gone; False when the leg is none of ours, or an agent's own."""
        return self.legs.hung_up(event)

    def line_parked(self, agent: Agent) -> None:
        """CHANNEL_PARK of an agent's line that is not free: somebody may wait for it."""
        self.asides.line_parked(agent)
        self.legs.line_parked(agent, agent.party)

    # ---- ends ----------------------------------------------------------------------------------------------

    def call_ended(self, call: Call) -> None:
        """The customer is gone, or back in the queue: whoever was rung for them is hung up."""
        for party in [party for party in self.live.parties.values() if party.call is call]:
            self.legs.drop(party)

    def agent_gone(self, agent: Agent) -> None:
        """The agent's phone was lost, or they leave: a third party who talks takes the customer, another is hung up."""
        party, call = agent.party, agent.call
        if party is not None:
            talks = party.state in (PartyState.TALKING, PartyState.JOINING, PartyState.THREE)
            if talks and call is not None and call.state is CallState.CONNECTED:
                self._third_takes(call, agent, party)
            else:
                self.legs.drop(party)
        self._borrowed_gone(agent)

    def _third_takes(self, call: Call, agent: Agent, party: Party) -> None:
        if party.guest is None:
            self._give_customer(call, party)
            self._release(agent, call)
        else:
            self.legs.hand_over(party)
            self._hand_to_agent(call, agent, party.guest)

    def _borrowed_gone(self, agent: Agent) -> None:
        party, agent.lent = agent.lent, None
        if party is not None and party.guest is agent and self.legs.forget(party):
            self.legs.owners[party.call is not None].party_failed(party, "NORMAL_CLEARING")
