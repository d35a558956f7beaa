"""Comparing what we believe with what a switch lists: after every reconnect, every gap, and now and then.

Owns the reading of a SwitchSnapshot. The switch is the truth about channels. A contradiction is acted on only when
two snapshots in a row show it, because an event that explains it may still be on its way; what a former run left
is adopted at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import RINGING_STATES, CallState
from dialer.domain.commands import HangUp, TakeSnapshot
from dialer.domain.events import ChannelFact, LegAnswered, LegsBridged, Recovered, SwitchSnapshot
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.engine.live import Agent, Call, Live, Node, Watch
from dialer.engine.party_records import Party, PartyState
from dialer.engine.phone_records import Session

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.asides import AsideDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.holds import HoldDesk
    from dialer.engine.party_legs import PartyLegs
    from dialer.engine.phones import PhoneDesk
    from dialer.engine.supervision import SupervisionDesk

ADOPTABLE = frozenset({AgentState.CONNECTING, AgentState.PAUSED, AgentState.READY})
SETTLE_S = 3.0
"""A channel may be missing from a list that was asked for this soon after its originate was sent."""
UNTAKEN_S = 10.0
"""Older than this, a phone's leg that is parked and unknown is nobody's: its event would long be read."""
BOUNDED_S = 30.0
"""A phone's leg that nobody takes waits, hears that we are not available, and ends, all sooner than this."""
LOOK_AGAIN_S = 2.0
LIST_LAG_S = 1.0
"""The switch writes its list of channels up to 0.3 s behind its events (measured live)."""
APART_S = 1.0
"""Lists asked for closer together than this count as one: the second gives no late event time to arrive."""
UNJOINED_S = 0.35
"""The same for a bridge that does not stand: its customer hears nothing meanwhile."""


class Reconciler:
    """Makes the live state agree with the switches."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self._strays: set[str] = set()  # third parties' legs that the list at hand has and we have not
        self._lines: set[str] = set()  # agents' legs that it has
        self.calls: CallDesk
        self.agents: AgentDesk
        self.phones: PhoneDesk
        self.asides: AsideDesk
        self.party_legs: PartyLegs
        self.holds: HoldDesk
        self.supervision: SupervisionDesk
        self.on_first: list[Callable[[str], None]] = []  # told of a switch whose channels are known again

    def recovered(self, event: Recovered) -> None:
        """Attempts of a former run: they stay in doubt until their switch has been asked."""
        live = self.live
        for fact in event.attempts:
            if fact.attempt_id in live.calls:
                continue
            campaign = live.campaign_or_retired(fact.campaign)
            lead = ClaimedLead(
                fact.lead_id,
                fact.campaign,
                fact.number_id,
                fact.number,
                fact.person,
                fact.attempts,
                live.now,
                zones=fact.zones,
                callback=fact.callback,
            )
            call = Call(
                id=fact.attempt_id,
                campaign=campaign,
                lead=lead,
                node=fact.node,
                trunk=fact.trunk,
                state=CallState.RECOVERING,
                since=live.now,
                opened_at=fact.opened_at,
                dialed_at=fact.opened_at,
                rang_at=fact.rang_at,
                ring_heard_at=fact.rang_at,
                noted_answer=fact.answered_at,
                noted_bridge=fact.bridged_at,
                clock_at=fact.clock_at,
                heard=fact.heard,
            )
            campaign.attempts += 1
            self.calls.adopt(call)
            if fact.node not in live.nodes:
                self.calls.lost(call, f"switch {fact.node} is no longer configured")
        if event.attempts:
            live.note("info", "recovered", f"{len(event.attempts)} attempts of a former run to settle")

    def ask(self, node: Node) -> None:
        """Ask for a list unless one is on its way."""
        if node.up and not node.asking:
            node.asking = True
            self.live.emit(TakeSnapshot(node.name))
            self.live.timers.set(("node", "asked", node.name), self.live.now + 10.0)

    def compare(self, node: Node, snapshot: SwitchSnapshot) -> None:
        """Settle every difference between this node's channels and our calls and agents."""
        live = self.live
        first, node.fresh = node.fresh, False
        listed = {fact.uuid: fact for fact in snapshot.channels}
        doubts = 0
        self._strays = {
            fact.uuid
            for fact in snapshot.channels
            if fact.kind == "party" and not (fact.uuid in live.parties or fact.uuid in live.watches)
        }
        self._lines = {fact.uuid for fact in snapshot.channels if fact.kind in ("agent", "seat")}
        for fact in snapshot.channels:
            if fact.kind == "agent":
                self._agent_channel(node, fact, snapshot)
            elif fact.kind == "seat":
                self._seat_channel(node, fact, snapshot)
        for session in [each for each in live.sessions.values() if each.node == node.name and each.uuid not in listed]:
            young = session.since > snapshot.asked_at - SETTLE_S and not first
            if not young and (_again(session, snapshot) or first):
                self.phones.gone(session)
            else:
                doubts += 1
        # Calls that are gone come first: an agent's line that went with them must not look like the cause.
        calls = [c for c in live.calls.values() if c.node == node.name and c.state is not CallState.RESERVED]
        for call in [call for call in calls if call.id not in listed]:
            doubts += self._call(call, None, listed, snapshot, first)
        for agent in list(live.agents.values()):
            if agent.leg is not None and agent.node == node.name:
                doubts += self._agent(agent, listed.get(agent.leg), snapshot, first)
        for call in [call for call in calls if call.id in listed and call.id in live.calls]:
            doubts += self._call(call, listed[call.id], listed, snapshot, first)
        doubts += self._parties(node, listed, snapshot, first) + self._watches(node, listed, snapshot, first)
        for fact in snapshot.channels:
            if fact.kind == "inbound" and fact.uuid not in live.calls:
                self.calls.inbound.arrivals.found(node.name, fact, snapshot.asked_at)
            elif fact.kind == "call" and fact.uuid not in live.calls and fact.uuid.startswith(live.mark):
                # Not an open attempt of ours: its own bounded wait ends it, and it may belong to a talk going on.
                live.counters["orphan_calls_seen"] += 1
        node.synced = True
        node.detail = f"{len(snapshot.channels)} channels of ours"
        if doubts:
            live.timers.set(("node", "look", node.name), live.now + LOOK_AGAIN_S)
        if first:
            self.agents.ring_waiting()
            live.note("info", "synced", f"switch {node.name}: compared, {node.detail}")
            for told in self.on_first:
                told(node.name)
        self.calls.route()

    # ---- agents --------------------------------------------------------------------------------------------

    def _agent_channel(self, node: Node, fact: ChannelFact, snapshot: SwitchSnapshot) -> None:
        live = self.live
        if fact.uuid in live.legs or fact.uuid in live.sessions:
            return
        if not fact.uuid.startswith(live.mark):
            # Another dialer works on this switch, perhaps with the same agents' ids: not ours to take or to end.
            live.counters["others_agent_legs_seen"] += 1
            return
        agent = live.agents.get(fact.ident)
        if agent is not None and agent.leg is None and fact.answered:
            waits = agent.nailed_up and agent.state is AgentState.CONNECTING and self._alone(fact)
            talks = fact.peer in live.calls and agent.state in ADOPTABLE
            if waits or talks:
                self._adopt_line(agent, node, fact, parked=fact.parked and waits)
                return
        if self._alone(fact) and fact.created_at < snapshot.asked_at - SETTLE_S:
            live.counters["orphan_agent_legs"] += 1
            live.note("info", "orphan_leg", f"hanging up a leg of agent {fact.ident}: nobody is logged in on it")
            live.emit(HangUp(node.name, fact.uuid, "NORMAL_CLEARING"))

    def _seat_channel(self, node: Node, fact: ChannelFact, snapshot: SwitchSnapshot) -> None:
        """A leg by which a phone called: talked to, an agent's line, one of a former run, or nobody's."""
        live = self.live
        session = live.sessions.get(fact.uuid)
        if session is not None:
            session.misses = 0
            if fact.parked:
                self.phones.seen_parked(session)
            return
        if fact.uuid in live.legs or fact.uuid in live.watches:
            return
        if live.others(fact.ident.partition("@")[2]):
            live.counters["others_seat_legs_seen"] += 1
            return
        agent = next((each for each in live.agents.values() if each.expected == fact.uuid), None)
        if agent is not None and agent.leg is None and fact.answered:
            waits = agent.state is AgentState.CONNECTING and self._alone(fact)
            talks = fact.peer in live.calls and agent.state in ADOPTABLE
            if waits or talks:
                agent.dialed_in = True
                self.phones.keep(node.name, fact.uuid)  # the former run may have ended before it could say so
                self._adopt_line(agent, node, fact, parked=fact.parked and waits)
                return
        age_s = snapshot.asked_at - fact.created_at
        if (fact.parked and age_s > UNTAKEN_S) or (fact.answered and self._alone(fact) and age_s > BOUNDED_S):
            # Parked means taken: by a former run of ours, or given up while the switch was away. What was never taken
            # ends by the switch's own bounded wait. After words or a hold the list does not say that a leg is parked.
            live.counters["orphan_seat_legs"] += 1
            live.note("info", "orphan_leg", "hanging up a phone's leg: nobody is logged in on it")
            live.emit(HangUp(node.name, fact.uuid, "NORMAL_CLEARING"))

    def _adopt_line(self, agent: Agent, node: Node, fact: ChannelFact, *, parked: bool) -> None:
        self.agents.adopt_leg(agent, fact.uuid, node.name, parked=parked, colleague=fact.peer in self._lines)
        if fact.held:
            self.holds.found(agent, talks=fact.peer is not None)

    def _agent(self, agent: Agent, fact: ChannelFact | None, snapshot: SwitchSnapshot, first: bool) -> int:
        if fact is None:
            if agent.line is Line.DIALING and agent.line_since > snapshot.asked_at - SETTLE_S and not first:
                return 0
            if not _again(agent, snapshot) and not first:
                return 1
            agent.misses = 0
            self.agents.line_lost(agent, "the switch no longer lists the line")
            return 0
        agent.misses = 0
        if first and not agent.held:
            self.holds.ask(agent)  # a hold, and an end of it that was none, may have gone by unheard
        self._held(agent, fact, snapshot)
        parked = fact.parked and fact.peer is None
        if parked and (first or agent.line_since < snapshot.asked_at - LIST_LAG_S):
            doubtful = agent.line is Line.UNSURE or (agent.line is Line.DIALING and fact.answered)
            alone = agent.call is None and agent.lent is None and agent.own is None
            alone = alone and agent.leg not in self.live.watches
            if doubtful or (agent.line is Line.BRIDGING and alone):
                self.agents.line_seen_parked(agent)
        return 0

    def _held(self, agent: Agent, fact: ChannelFact, snapshot: SwitchSnapshot) -> None:
        """A hold, or its end, that was not heard: believed when two lists say so."""
        if agent.held is fact.held:
            agent.held_doubts = 0.0
        elif not agent.held_doubts:
            agent.held_doubts = snapshot.asked_at
        elif snapshot.asked_at - agent.held_doubts >= APART_S:
            agent.held_doubts = 0.0
            self.holds.told(agent, fact.held, snapshot.asked_at)

    def _alone(self, fact: ChannelFact) -> bool:
        """Whether nobody is on an agent's line but a third party of a former run, who is going to be hung up, or a
        colleague, from whom it is parted.
        """
        return fact.peer is None or fact.peer in self._strays or fact.peer in self._lines

    # ---- third parties -------------------------------------------------------------------------------------

    def _parties(self, node: Node, listed: dict[str, ChannelFact], snapshot: SwitchSnapshot, first: bool) -> int:
        live, doubts = self.live, 0
        for party in [party for party in live.parties.values() if party.node == node.name]:
            fact = listed.get(party.uuid)
            young = party.state is PartyState.RINGING and party.since > snapshot.asked_at - SETTLE_S
            if fact is None and party.guest is None and not young:
                if first or _again(party, snapshot):
                    self.party_legs.gone(party, "LOST")
                else:
                    doubts += 1
            elif fact is not None and fact.parked and party.state in (PartyState.RINGING, PartyState.TALKING):
                doubts += self._party_alone(party, snapshot)
            else:
                party.misses = 0
        for uuid, (where, since) in list(live.dropped.items()):
            if where == node.name and uuid not in listed and since < snapshot.asked_at - SETTLE_S:
                del live.dropped[uuid]
        for fact in snapshot.channels:
            if fact.uuid in self._strays and fact.uuid.startswith(live.mark):
                self._stray_party(node, fact, snapshot)
        return doubts

    def _watches(self, node: Node, listed: dict[str, ChannelFact], snapshot: SwitchSnapshot, first: bool) -> int:
        """Supervisors' legs. One that is an agent's line is gone when that is."""
        doubts = 0
        for watch in [watch for watch in self.live.watches.values() if watch.node == node.name]:
            fact = listed.get(watch.uuid)
            young = watch.since > snapshot.asked_at - SETTLE_S
            fresh = watch.since > snapshot.asked_at - LIST_LAG_S
            parted = fact is not None and fact.parked and not watch.parked and not fresh
            if not parted and (fact is not None or watch.own_line or (watch.ringing and young)):
                watch.misses = 0
            elif not _again(watch, snapshot) and not first:
                doubts += 1
            elif fact is None:
                self.supervision.gone(watch)
            else:
                watch.misses = 0
                self.supervision.seen_parked(watch)
        return doubts

    def _party_alone(self, party: Party, snapshot: SwitchSnapshot) -> int:
        """It is parked, and we believe that it rings or talks: what happened was not heard."""
        if not _again(party, snapshot):
            return 1
        party.misses = 0
        if party.state is PartyState.RINGING:
            self.party_legs.arrived(party)
        else:
            self.party_legs.lost(party)
        return 0

    def _stray_party(self, node: Node, fact: ChannelFact, snapshot: SwitchSnapshot) -> None:
        live = self.live
        call = live.calls.get(fact.peer or "")
        if call is not None and call.state is CallState.CONNECTED and call.agent is None and call.party is None:
            self.party_legs.adopt(fact.uuid, node.name, call)
        elif fact.created_at < snapshot.asked_at - SETTLE_S:
            live.counters["orphan_party_legs"] += 1
            live.note("info", "orphan_leg", "hanging up the leg of a third party whom nobody knows")
            live.emit(HangUp(node.name, fact.uuid, "NORMAL_CLEARING"))

    # ---- calls ---------------------------------------------------------------------------------------------

    def _call(
        self,
        call: Call,
        fact: ChannelFact | None,
        listed: Mapping[str, ChannelFact],
        snapshot: SwitchSnapshot,
        first: bool,
    ) -> int:
        live = self.live
        if fact is None:
            young = call.dialed_at is not None and call.dialed_at > snapshot.asked_at - SETTLE_S
            if young and call.state is CallState.DIALING:  # any later state has seen its channel
                return int(first)
            if not _again(call, snapshot) and not first:
                return 1
            self.calls.lost(call, "the switch no longer lists the call")
            return 0
        if fact.kind == "fallback" and call.arrival is not None:
            self.calls.inbound.gone_to_fallback(call, live.now)
            return 0
        if call.state is CallState.RECOVERING:
            self._adopt(call, fact)
            return 0
        unjoined = self._unjoined(call, fact, listed, snapshot)
        if not unjoined and not self._contradicts(call, fact):
            call.misses = 0
            return 0
        if not _again(call, snapshot, UNJOINED_S if unjoined else APART_S):
            return 1
        call.misses = 0
        if call.state is CallState.ARRIVED:
            self.calls.answered(call, LegAnswered(call.id, snapshot.asked_at))
        elif call.state in RINGING_STATES:
            # Its ANSWER was lost. Nobody knows when it came: the limit counts from the last list without it.
            known = max(call.rang_at or 0.0, call.dialed_at or 0.0, snapshot.asked_at - 2 * LOOK_AGAIN_S)
            self.calls.answered(call, LegAnswered(call.id, known))
        elif unjoined:
            live.counters["bridges_never_stood"] += 1
            live.note("info", "bridge_lost", f"attempt {call.id}: both legs are there, apart")
            self.calls.bridge_failed(call)
        elif call.state is CallState.CONNECTING:
            agent = live.legs.get(fact.peer or "")
            if agent is not None and agent is call.agent:
                self.calls.bridged(call, agent, LegsBridged(call.id, fact.peer or "", snapshot.asked_at))
        elif call.party is not None or call.supervised:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, "nobody was with the customer any more")
        else:
            self.asides.alone(call)
        return 0

    @staticmethod
    def _unjoined(
        call: Call, fact: ChannelFact, listed: Mapping[str, ChannelFact], snapshot: SwitchSnapshot
    ) -> bool:
        """Whether the customer and the agent, who were to be bridged some time ago, are both there and alone."""
        if call.state is not CallState.CONNECTING or fact.peer is not None or call.agent is None:
            return False
        if not call.bridge_taken:
            return False  # the switch has not come to it yet
        line = listed.get(call.agent.leg or "")
        alone = line is not None and line.parked and line.peer is None
        return alone and snapshot.asked_at - call.since >= UNJOINED_S

    @staticmethod
    def _contradicts(call: Call, fact: ChannelFact) -> bool:
        if call.state in RINGING_STATES or call.state is CallState.ARRIVED:
            return fact.answered
        if call.state is CallState.CONNECTING:
            return fact.peer is not None
        waits = bool(call.aside) or call.kill_as is not None
        return call.state is CallState.CONNECTED and fact.peer is None and not waits

    def _adopt(self, call: Call, fact: ChannelFact) -> None:
        live = self.live
        live.counters["calls_adopted"] += 1
        agent = live.legs.get(fact.peer or "")
        alone = call.noted_bridge is None and fact.peer is None
        if call.arrival is not None and (alone or not fact.answered):
            self.calls.inbound.adopt(call, fact)
        elif not fact.answered:
            self.calls.adopted_unanswered(call)
            settings = call.campaign.settings
            live.timers.set(("call", "guard", call.id), live.now + settings.ring_timeout_s + SETTLE_S)
        elif agent is not None and agent.call is None and fact.peer is not None:
            call.agent = agent
            call.agent_id = agent.settings.agent
            self.agents.adopt_call(agent, call)
            call.answered_at = call.noted_answer
            at = call.noted_answer if call.noted_bridge is None else call.noted_bridge
            call.bridge_seen = at is not None
            self.calls.bridged(call, agent, LegsBridged(call.id, fact.peer, live.now if at is None else at))
        elif fact.peer is not None:
            # It talks to somebody who is not logged in here: it ends by itself, and was connected.
            call.answered_at = fact.created_at if call.noted_answer is None else call.noted_answer
            self.calls.bridged_elsewhere(call)
        elif call.noted_bridge is not None:
            # Set aside by the former run, or their agent is gone: they had one, and get the next.
            call.answered_at = call.noted_bridge if call.noted_answer is None else call.noted_answer
            self.calls.bridged_elsewhere(call)
            self.asides.queue_again(call, "found alone after a restart")
        else:
            at = call.noted_answer
            self.calls.answered(call, LegAnswered(call.id, live.now if at is None else at))


def _again(item: Call | Agent | Session | Party | Watch, snapshot: SwitchSnapshot, apart_s: float = APART_S) -> bool:
    """Count one more list that contradicts ``item``; whether it is the second in a row, ``apart_s`` after the first."""
    if item.misses == 0 or snapshot.asked_at - item.missed_at >= apart_s:
        item.misses += 1
        item.missed_at = snapshot.asked_at
    return item.misses >= 2
