"""Third parties' legs: ringing them, the bridge with the agent who asked for them, their end.

Owns the leg of every ``Party`` and the accounting of its trunk and switch. What a third party is there for is told to
the desk of the conversation (``PartyOwner``): ``parties`` for a customer's, ``own_calls`` for an agent's own. Must not
touch customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from dialer.domain.commands import HangUp
from dialer.domain.events import LegHungUp, LegParked, LegsBridged, OriginateReplied
from dialer.domain.phones import Join, OriginateParty
from dialer.engine.asides import JOIN_CHECK_S, JOINS, PARK_S
from dialer.engine.live import Agent, Call, Live
from dialer.engine.party_records import Party, PartyState
from dialer.engine.targets import Target

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.speaking import Voice
    from dialer.engine.trunks import TrunkDesk

RING_S: Final = 30.0
RING_GRACE_S: Final = 5.0
STALE_PARK_S: Final = 1.0
"""So long after a third party was joined to others its CHANNEL_PARK may be one from before."""


class PartyOwner(Protocol):
    """The desk that a third party was rung for."""

    def party_talks(self, party: Party) -> None:
        """Third party and agent hear each other."""

    def party_failed(self, party: Party, cause: str) -> None:
        """The third party did not come, or left; its leg is forgotten already. ``cause`` is the switch's word."""


class Follower(PartyOwner, Protocol):
    """The desk of follow-me."""

    def party_there(self, party: Party) -> None:
        """A phone of a plan has been answered."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A phone of a follow-me plan: how long it rings, what it is asked, and how long it then waits at the switch."""

    ring_s: float
    ask: str
    wait_s: float


class PartyLegs:
    """Rings third parties and keeps their legs. ``move`` joins one that has answered with the customer."""

    def __init__(self, live: Live, voice: Voice, trunks: TrunkDesk) -> None:
        self.live = live
        self.trunks = trunks
        self.voice = voice
        self.agents: AgentDesk
        self.owners: dict[bool, PartyOwner] = {}  # by whether there is a customer
        self.follower: Follower

    def _owner(self, party: Party) -> PartyOwner:
        return self.follower if party.follow else self.owners[party.call is not None]

    # ---- a leg begins --------------------------------------------------------------------------------------

    def ask(self, agent: Agent, call: Call | None, target: Target) -> Party:
        """Get the third party for ``agent``: over an agent's open line, or by ringing a phone."""
        if target.agent is None or target.agent.leg is None:
            return self.ring(agent, call, target)
        guest, live = target.agent, self.live
        assert guest.leg is not None
        party = Party(guest.leg, guest.node, call, agent, target.text, PartyState.ANSWERED, "", live.now, guest, guest)
        live.parties[party.uuid] = party
        self.agents.lend(guest, party)
        self.voice.bridging(guest)
        self._answered(party)
        return party

    def ring(
        self, agent: Agent | None, call: Call | None, target: Target, follow: Bounded | None = None
    ) -> Party:
        """Ring a phone for ``agent``, or for the customer when there is none."""
        assert target.cleared or not target.e164, "an outside number that nobody has asked the store about"
        live, uuid, lent = self.live, self.live.new_id(), target.rings
        node = call.node if call is not None else agent.node if agent is not None else ""
        party = Party(uuid, node, call, agent, target.text, PartyState.RINGING, target.trunk, live.now, None, lent)
        party.follow, ring_s = follow is not None, RING_S if follow is None else follow.ring_s
        live.parties[uuid] = party
        live.nodes[node].legs += 1
        if (trunk := live.trunks.get(target.trunk)) is not None:
            trunk.take()
            trunk.bucket.take(1, live.now)
            self.trunks.show(target.caller_id, 1)
        if lent is not None:
            self.agents.lend(lent, party)
        live.timers.set(("party", "ring", uuid), live.now + ring_s + RING_GRACE_S)
        live.emit(
            OriginateParty(
                node=node,
                uuid=uuid,
                ident=call.id if call is not None else "own",
                ring_timeout_s=ring_s,
                caller_id=target.caller_id,
                epoch=live.settings.epoch,
                address=target.address,
                profile=target.profile,
                media_timeout_s=target.media_timeout_s,
                hold_sound=live.settings.phones.hold_sound,
                gateway=target.gateway,
                number=target.number,
                ask="" if follow is None else follow.ask,
                bounded_ms=0 if follow is None else round(follow.wait_s * 1000),
            )
        )
        return party

    def adopt(self, uuid: str, node: str, call: Call) -> None:
        """A leg of a former run that talks with a customer: its hangup ends the call, and the customer's ends it."""
        party = Party(uuid, node, call, None, "a third party", PartyState.MOVED, "", self.live.now)
        self.live.parties[uuid] = call.party = party
        self.live.nodes[node].legs += 1

    # ---- a leg ends ----------------------------------------------------------------------------------------

    def forget(self, party: Party) -> bool:
        """The leg is gone, or no longer a third party's; False when that was known."""
        live = self.live
        if live.parties.pop(party.uuid, None) is None:
            return False
        live.timers.cancel(("party", "ring", party.uuid))
        live.timers.cancel(("party", "hold", party.uuid))
        if party.guest is None:
            live.nodes[party.node].legs -= 1
        if (trunk := live.trunks.get(party.trunk)) is not None:
            trunk.give_back()
        if party.agent is not None and party.agent.party is party:
            party.agent.party = None
        if party.call is not None and party.call.party is party:
            party.call.party = None
        return True

    def drop(self, party: Party) -> None:
        """Hang the third party up; its hangup event will find nobody."""
        if not self.forget(party):
            return
        live = self.live
        if party.guest is None:
            if party.state is PartyState.RINGING:
                live.give_up(party.uuid, party.node)
            if live.nodes[party.node].up:
                live.emit(HangUp(party.node, party.uuid, "NORMAL_CLEARING"))
        self._give_back(party)

    def _give_back(self, party: Party) -> None:
        lent = party.lent
        if lent is not None and lent.lent is party:
            self.agents.give_back(lent)

    def hand_over(self, party: Party) -> None:
        """The guest is going to be the customer's agent: no third party any more, and not free either."""
        self.forget(party)
        if party.lent is not None:
            party.lent.lent = None

    def gone(self, party: Party, cause: str) -> None:
        """The leg is not on the switch any more."""
        if self.forget(party):
            self._give_back(party)
            self._owner(party).party_failed(party, cause)

    def lost(self, party: Party) -> None:
        """The third party is to leave, or nobody is with them any more and it was not heard how that came."""
        self.drop(party)
        self._owner(party).party_failed(party, "NORMAL_CLEARING")

    def overdue(self, uuid: str) -> None:
        """An originate that neither answered nor failed, or a bridge that does not stand."""
        live = self.live
        party = live.parties.get(uuid)
        if party is None:
            return
        if not live.nodes[party.node].up:
            live.timers.set(("party", "ring", uuid), live.now + JOIN_CHECK_S)
        elif party.state is PartyState.RINGING or party.joins >= JOINS:
            self.drop(party)
            self._owner(party).party_failed(party, "NO_ANSWER")
        else:
            self.join(party)

    # ---- bridges -------------------------------------------------------------------------------------------

    def _answered(self, party: Party) -> None:
        """There, and to be joined with the agent as soon as the agent's line is free."""
        party.state, party.joins = PartyState.ANSWERED, 0
        self.live.timers.set(("party", "ring", party.uuid), self.live.now + PARK_S)
        if party.agent is not None:
            self.agents.occupy(party.agent)
            self.line_parked(party.agent, party)

    def line_parked(self, agent: Agent, party: Party | None) -> None:
        """The agent's line is free for the third party."""
        if party is not None and party.state is PartyState.ANSWERED and not party.joins and agent.parked_seen:
            self.join(party)

    def move(self, party: Party) -> None:
        """Join the third party with the customer, without any agent."""
        party.agent, party.state, party.joins = None, PartyState.MOVING, 0
        self.join(party)

    def join(self, party: Party) -> None:
        """Send the bridge that this third party waits for, again if need be."""
        live, agent, call = self.live, party.agent, party.call
        party.joins += 1
        live.timers.set(("party", "ring", party.uuid), live.now + JOIN_CHECK_S)
        if not live.nodes[party.node].up:
            return
        if agent is not None and agent.leg is not None:
            agent.parked_seen = False
            self.voice.cut(agent.leg)
            live.emit(Join(party.node, party.uuid, agent.leg))
        elif call is not None:
            party.hold_told = False  # a bridge makes the switch forget
            live.emit(Join(party.node, call.id, party.uuid))

    def stands(self, party: Party, state: PartyState) -> None:
        """The bridge that was waited for."""
        party.state, party.joins, party.since = state, 0, self.live.now
        self.live.timers.cancel(("party", "ring", party.uuid))

    # ---- what the switch says ------------------------------------------------------------------------------

    def replied(self, event: OriginateReplied) -> bool:
        """The answer to a third party's originate; False when it is none of ours."""
        party = self.live.parties.get(event.uuid)
        if party is None or party.guest is not None:
            return self._late(event.uuid, event.ok)
        if not event.ok:
            self.gone(party, event.cause)
        elif party.state is PartyState.RINGING:
            self.arrived(party)
        return True

    def _late(self, uuid: str, there: bool) -> bool:
        """A leg that was given up while it rang: it is gone, or it has to be hung up now that it is there."""
        live = self.live
        node, _ = live.dropped.pop(uuid, ("", 0.0))
        if node and there and live.nodes[node].up:
            live.emit(HangUp(node, uuid, "NORMAL_CLEARING"))
        return bool(node)

    def arrived(self, party: Party) -> None:
        """The third party has answered."""
        if party.follow:
            party.state = PartyState.ASKED
            self.live.timers.cancel(("party", "ring", party.uuid))
            self.follower.party_there(party)
        elif party.agent is None:
            self.move(party)
        else:
            self._answered(party)

    def parked(self, event: LegParked) -> bool:
        """CHANNEL_PARK of a third party's leg; False when it is none of ours."""
        party = self.live.parties.get(event.uuid)
        if party is None or party.guest is not None:
            return party is None and self._late(event.uuid, True)
        if party.state is PartyState.RINGING:
            self.arrived(party)
        elif party.state is PartyState.THREE and event.at > party.since + STALE_PARK_S:
            self.lost(party)  # it has fallen out of the conversation, and would stay in silence
        return True

    def hung_up(self, event: LegHungUp) -> bool:
        """The third party is gone; False when the leg is none of ours, or its own desk has to hear of it too."""
        party = self.live.parties.get(event.uuid)
        if party is None:
            return self._late(event.uuid, False)
        if party.guest is not None:
            return False  # the agents' desk tells us
        self.gone(party, event.cause)
        return True

    def bridged(self, event: LegsBridged) -> bool:
        """A bridge between a third party and the agent who asked for them; False when it is none."""
        live = self.live
        for a, b in ((event.a_uuid, event.b_uuid), (event.b_uuid, event.a_uuid)):
            party = live.parties.get(a)
            if party is not None and party.agent is not None and party.agent.leg == b:
                if party.state is PartyState.ANSWERED:
                    self.stands(party, PartyState.TALKING)
                    self._owner(party).party_talks(party)
                return True
        return False
