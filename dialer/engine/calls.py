"""The life of a call: gate, ring, answer, agent.

Owns how a call comes to its agent; how it ends is ``call_ends``'. Who takes a call is the router's, the number of calls
is the pacer's, a customer who is for a while without their agent is ``asides``'.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dialer.domain.call import RINGING_STATES, CallState, CallTrigger
from dialer.domain.callbacks import AGAIN_SOON_S, PutBackCallback
from dialer.domain.campaign import CampaignState
from dialer.domain.commands import NoteAnswer, NoteBridge, ReleaseLeads, WaitAgain
from dialer.domain.events import (
    AttemptOpened,
    AttemptRefused,
    BridgeReplied,
    LegAnswered,
    LegRinging,
    LegsBridged,
    LegUnbridged,
    OriginateReplied,
)
from dialer.domain.hearing import Verdict
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.engine import records
from dialer.engine.call_ends import CallEnds
from dialer.engine.lines import NO_LINE
from dialer.engine.live import Agent, Call, Campaign, Live, Node
from dialer.engine.router import Router

if TYPE_CHECKING:
    from dialer.engine.agentless import AgentlessDesk
    from dialer.engine.asides import AsideDesk
    from dialer.engine.feed import Feed
    from dialer.engine.screenings import ScreeningDesk

OFFER_MARGIN_S = 0.2
"""No agent is offered this close to the limit: the bridge itself takes 43–64 ms on a real switch."""
PLACED_BY_S = 0.15
"""A bridge sent between ANSWER and the originate's own reply breaks one leg in two hundred: the switch still moves the
customer into its dialplan (measured live). The reply comes within 25 ms; a lost one, or an adopted call's, is not
waited for longer than this."""
FAILED_GRACE_S = 2.0
"""An originate that failed may still have a CHANNEL_HANGUP_COMPLETE with more detail on its way."""
GATE_VALID_S = 30.0
"""How long a gate's yes may be dialed on: claim, calling hours and do-not-call list are those of its moment."""
RING_GRACE_S = 10.0
"""How long past its ring timeout a silent call is believed before the switch is asked."""
MESSAGE_MAX_S = 60.0
NOT_SENT = "NOT_SENT"
"""The driver's word for an originate that never left this process."""


class CallDesk(CallEnds):
    """Moves calls through their table."""

    def __init__(self, live: Live, feed: Feed) -> None:
        super().__init__(live, feed)
        self.router = Router(live, feed, self)
        self.agentless: AgentlessDesk
        self.asides: AsideDesk
        self.screenings: ScreeningDesk
        self.on_dialed: list[Callable[[Call], None]] = []
        self.on_connected: list[Callable[[Call, Agent], None]] = []

    # ---- start ---------------------------------------------------------------------------------------------

    def open(
        self, campaign: Campaign, lead: ClaimedLead, node: str, agent: Agent | None = None, *, elsewhere: bool = False
    ) -> Call | None:
        """Ask the gate for an attempt on ``lead``, on the best line; ``agent`` waits for this customer (preview).

        ``elsewhere``: only on a line that has not failed it. None: no line may take it, the lead is still claimed.
        """
        live = self.live
        choice = self.trunks.take(campaign, lead.number, frozenset(lead.failed_on))
        if choice is None and lead.failed_on and not elsewhere:
            choice = self.trunks.take(campaign, lead.number)  # rather than keep the leads behind it waiting
        if choice is None or choice.trunk is None:
            return None
        call = Call(
            id=live.new_id(),
            campaign=campaign,
            lead=lead,
            node=node,
            trunk=choice.trunk,
            state=CallState.RESERVED,
            since=live.now,
            opened_at=live.now,
            choice=choice,
        )
        if agent is not None:
            call.bound_agent = agent.settings.agent
            call.agent_id = agent.settings.agent
            agent.call = call
            self.router.agent(agent)
        if choice.why_nots:
            passed = "; ".join(f"not {name}: {why}" for name, why in choice.why_nots)
            live.note("debug", "line_chosen", f"attempt {call.id}: trunk {choice.trunk}, {choice.reason}; {passed}")
        self.adopt(call)
        live.emit(records.open_attempt(call))
        return call

    def go_on(self, former: Call) -> None:
        """The line failed before anything rang: the same lead on another line, as an attempt of its own.

        Where none has room this instant, it is the next lead of its campaign; a callback waits a minute.
        """
        live, campaign = self.live, former.campaign
        live.trunks[former.trunk].gone_on += 1
        before = former.lead
        lead = replace(before, attempts=before.attempts + 1, failed_on=(*before.failed_on, former.trunk))
        agent = live.agents.get(former.bound_agent or "")
        if self.open(campaign, lead, former.node, agent, elsewhere=True) is None:
            if lead.callback:
                live.emit(PutBackCallback(lead.callback, NO_LINE, live.now + AGAIN_SOON_S))
            else:
                campaign.hopper.put_back(lead)

    def no_room(self, campaign: Campaign, node: Node) -> str | None:
        """Why ``campaign`` can't start one call on ``node`` now, in words, or None."""
        if campaign.state is not CampaignState.RUNNING:
            return f"campaign {campaign.name} is {campaign.state.value}"
        if node.legs >= node.capacity:
            return f"switch {node.name} is full: {node.capacity} legs"
        return self.trunks.full(campaign)

    def adopt(self, call: Call) -> None:
        """Take a call into the live state and count its leg."""
        live = self.live
        live.calls[call.id] = call
        call.campaign.calls[call.id] = call
        if (trunk := live.trunks.get(call.trunk)) is not None:
            trunk.take(caller=call.arrival is not None)
        if (node := live.nodes.get(call.node)) is not None:
            node.legs += 1
        self.feed.opened(call)

    def opened(self, event: AttemptOpened) -> None:
        """The gate let it through: dial."""
        live = self.live
        call = live.calls.get(event.attempt_id)
        if call is None or not self.move(call, CallTrigger.OPENED):
            return
        campaign = call.campaign
        campaign.attempts += 1
        node = live.nodes[call.node]
        if not node.up:
            self._end(call, CallTrigger.LOST, Outcome.INTERRUPTED, "the switch went away before the call was sent")
            return
        if live.now - call.opened_at > GATE_VALID_S:
            # We stood still, or the answer did: the calling hours that it was judged by may be over.
            self._end(call, CallTrigger.LOST, Outcome.INTERRUPTED, "the gate's answer came too late to dial on it")
            return
        if live.drain_over:
            self._end(call, CallTrigger.LOST, Outcome.SHUTDOWN, "shut down before the call was sent")
            return
        call.dialed_at = live.now
        self.feed.sent(call)
        live.timers.set(("call", "guard", call.id), live.now + campaign.settings.ring_timeout_s + RING_GRACE_S)
        assert call.choice is not None  # a call that asked the gate
        live.emit(records.originate(call, call.choice, live.trunks[call.trunk].settings, live.settings.epoch))
        for told in self.on_dialed:
            told(call)

    def refused(self, event: AttemptRefused) -> None:
        """The gate said no: the lead is the store's again, unless the store itself is in trouble."""
        live = self.live
        call = live.calls.get(event.attempt_id)
        if call is None or not self.move(call, CallTrigger.REFUSED):
            return
        campaign = call.campaign
        campaign.refusals[event.rule] += 1
        campaign.last_refusal = event.reason
        live.note("info", "lead_refused", f"lead {call.lead.lead_id} of {campaign.name}: {event.rule}: {event.reason}")
        self.trunks.withdrawn(call)
        self.feed.refused(call)
        self._forget(call)
        if event.keep and call.lead.callback:
            live.emit(records.give_back(call.lead, event.reason))
        elif event.keep and (live.draining or campaign.state is CampaignState.STOPPED):
            live.emit(ReleaseLeads(campaign.name, (call.lead.lead_id,), "the campaign is not running"))
        elif event.keep:
            campaign.hopper.put_back(call.lead)
        bound = live.agents.get(call.bound_agent or "")
        if bound is not None and bound.call is call:
            self.agents.release(bound, f"lead refused: {event.rule}")

    # ---- what the switch says ------------------------------------------------------------------------------

    def originate_replied(self, call: Call, event: OriginateReplied) -> None:
        """A failed originate ends the call, after a grace for its hangup event if it had a channel."""
        if event.ok:
            if not call.campaign.settings.screening.dead_numbers:  # else early media made it return
                call.up_at = min(call.up_at, self.live.now)
            if call.moved_at == -math.inf:  # a later order has a time of its own by which it is carried out
                self.placed(call)
            return
        if call.state not in RINGING_STATES:
            return
        if event.cause == NOT_SENT:
            self._end(call, CallTrigger.FAILED, Outcome.INTERRUPTED, "the switch went away before the call was sent")
            return
        call.failed_cause = event.cause
        self.live.timers.set(("call", "guard", call.id), self.live.now + FAILED_GRACE_S)

    def ringing(self, call: Call, event: LegRinging) -> None:
        if self.move(call, CallTrigger.RING) and call.rang_at is None:
            call.rang_at = max(event.at, call.dialed_at or event.at)
            call.ring_heard_at = self.live.now
            self.feed.rang(call)
        self.screenings.ringing(call, event)

    def adopted_unanswered(self, call: Call) -> None:
        """A call of a former run that is not answered yet; whether it rings, and since when, nobody knows."""
        self.move(call, CallTrigger.RING)

    def answered(self, call: Call, event: LegAnswered) -> None:
        if call.arrival is not None:
            self.inbound.answered(call, event)
            return
        message = call.campaign.settings.agentless is not None and not call.lead.callback
        screened = self.screenings.wanted(call)
        trigger = CallTrigger.PLAY if message else CallTrigger.SCREEN if screened else CallTrigger.ANSWER
        if call.answered_at is not None or not self.move(call, trigger):
            return
        live = self.live
        if call.kill_as is None:
            live.timers.cancel(("call", "guard", call.id))
        call.answered_at = at = max(min(event.at, call.up_at), call.dialed_at or event.at)
        call.answer_read_at = at if event.read_at is None else event.read_at
        call.waits_until = at + call.campaign.settings.wait_limit_s
        call.campaign.answered += 1
        self.trunks.answered(call)
        if message:
            pass  # none of the pool's business until they ask for an agent
        elif screened:
            self.feed.screened(call)
        else:
            self.feed.answered(call)
        live.emit(NoteAnswer(call.id, call.rang_at, at))
        if call.state is CallState.ABANDONING:
            # Only a recovered call gets here: nobody knows when it was answered, so the limit counts as passed.
            self.feed.missed(call, abandoned=call.heard != Verdict.MACHINE)
            live.timers.set(("call", "guard", call.id), live.now + MESSAGE_MAX_S)
            return
        if call.kill_as is not None:
            self.feed.missed(call, abandoned=call.killed_ringing)
            return  # our hangup is on its way: no agent is spent on this customer
        if not call.placed:
            live.timers.set(("call", "placed", call.id), at + PLACED_BY_S)
        if message:
            self.agentless.begin(call)
            self.screenings.beside(call)
            return
        if screened:
            self.screenings.begin(call)
            return
        self.queue(call)
        self.screenings.beside(call)

    def queue(self, call: Call) -> None:
        """The customer waits for an agent from now on, as long as the abandon clock allows."""
        live = self.live
        assert call.clock_from is not None
        live.waiting[call.id] = call
        offer_until = call.clock_from + max(0.0, call.campaign.settings.wait_limit_s - OFFER_MARGIN_S)
        if live.now > offer_until:
            self.limit(call)  # read, or found out, too late
            return
        live.timers.set(("call", "limit", call.id), offer_until)
        if call.placed:
            self.route()

    def placed(self, call: Call) -> None:
        """The originate returned, or its word is overdue: the leg may be bridged."""
        call.placed = True
        self.live.timers.cancel(("call", "placed", call.id))
        if call.id in self.live.waiting:
            self.route()

    def displaced(self, call: Call, seconds: float) -> None:
        """The leg is sent somewhere else: no bridge for so long, because it could overtake that order."""
        call.placed = False
        self.live.timers.set(("call", "placed", call.id), self.live.now + seconds)

    def route(self) -> None:
        """Give every waiting customer an agent while there is one."""
        self.router.route()

    def bridged(self, call: Call, agent: Agent, event: LegsBridged) -> None:
        """CHANNEL_BRIDGE of this customer and this agent."""
        live, adopted = self.live, call.state is CallState.RECOVERING
        if call.agent is not agent or not self.move(call, CallTrigger.BRIDGED):
            live.odd("bridged", f"bridge of attempt {call.id} ({call.state.value}) with agent {agent.settings.agent}")
            return
        if call.kill_as is None:
            live.timers.cancel(("call", "guard", call.id))
        live.timers.cancel(("call", "limit", call.id))
        if call.queued_again and call.bridged_at is not None:
            self._bridged_again(call, agent, event.at)
            return
        call.bridged_at = at = max(event.at, call.answered_at or event.at)
        if call.answered_at is None:
            # A recovered conversation: its answer was the former run's, and in time as far as anyone can tell.
            call.answered_at = at
        if adopted:
            call.campaign.answered += 1
            self.feed.answered(call)
        self.feed.bridged(call)
        live.emit(NoteBridge(call.id, at, agent.settings.agent))
        self.agents.talking(agent, call)
        for told in self.on_connected:
            told(call, agent)
        if adopted:
            self.feed.taken(call, agent)  # whose customer: pacing knew nothing of this agent before

    def _bridged_again(self, call: Call, agent: Agent, at: float) -> None:
        """Another agent after the first was lost: for the record and for pacing they were connected long ago."""
        assert call.bridged_at is not None
        call.agent_id, call.joined_at, call.apart = agent.settings.agent, at, False
        self.live.emit(NoteBridge(call.id, call.bridged_at, agent.settings.agent))
        self.agents.talking(agent, call)

    def bridged_elsewhere(self, call: Call) -> None:
        """A recovered conversation whose agent is not logged in here: it goes on, and counts as connected."""
        if self.move(call, CallTrigger.BRIDGED):
            call.campaign.answered += 1
            call.bridged_at = call.answered_at if call.noted_bridge is None else call.noted_bridge
            self.feed.answered(call)
            self.feed.bridged(call)

    def bridge_replied(self, event: BridgeReplied) -> None:
        call = self.live.calls.get(event.call_uuid)
        if call is None or call.agent is None or call.agent.leg != event.agent_uuid:
            return
        if event.ok:
            call.bridge_taken = True
            return
        self.live.note("info", "bridge_refused", f"attempt {call.id}: {event.error}")
        self.bridge_failed(call)

    def bridge_failed(self, call: Call) -> None:
        """The customer is (perhaps) still there: back to waiting, another agent, or the message."""
        live = self.live
        agent = call.agent
        if not self.move(call, CallTrigger.BRIDGE_FAILED):
            return
        call.agent = None
        call.bound_agent = None
        if call.kill_as is None:
            live.timers.cancel(("call", "guard", call.id))
        if agent is not None and agent.call is call:
            self.agents.bridge_failed(agent)
        if call.queued_again:
            if call.kill_as is None:
                self.asides.wait(call)
            return
        if call.kill_as is not None:
            self.feed.missed(call, abandoned=False)
            return
        self.feed.untaken(call)
        live.waiting[call.id] = call
        if call.arrival is not None:
            self.inbound.queues.back(call)
            return
        settings = call.campaign.settings
        assert call.clock_from is not None
        left_s = call.clock_from + settings.wait_limit_s - live.now
        if left_s <= OFFER_MARGIN_S:
            self.limit(call)
        else:
            self.route()
        if call.state in (CallState.WAITING, CallState.ABANDONING) and live.nodes[call.node].up:
            # The half-made bridge may have taken the leg out of its bounded wait: put it back, or it stays silent.
            self.wait_again(call, left_s)

    def wait_again(self, call: Call, left_s: float, message: str | None = None) -> None:
        """Send the leg into a bounded wait of ``left_s``, then ``message`` (or the campaign's)."""
        live = self.live
        if call.arrival is not None:
            self.inbound.queues.hold(call)
            return
        if self.agentless.wait_again(call):
            return
        message = call.campaign.settings.message if message is None else message
        live.emit(WaitAgain(call.node, call.id, records.wait_ms(left_s), message))
        call.waits_until, call.moved_at = live.now + max(0.0, left_s), live.now

    def unbridged(self, call: Call, event: LegUnbridged) -> None:
        """CHANNEL_UNBRIDGE of the customer's leg."""
        if self.move(call, CallTrigger.UNBRIDGED):
            self.asides.parted(call)

    # ---- what time says ------------------------------------------------------------------------------------

    def limit(self, call: Call) -> None:
        """The abandon clock ran out: nobody is offered any more, the switch plays the message by itself."""
        if call.queued_again:
            self.asides.nobody(call)
            return
        if call.arrival is not None:
            self.inbound.queues.limit(call)
            return
        if not self.move(call, CallTrigger.LIMIT):
            return
        live = self.live
        live.timers.cancel(("call", "limit", call.id))
        if call.state is CallState.ABANDONING:
            live.waiting.pop(call.id, None)
            self.feed.missed(call, abandoned=True)
            live.timers.set(("call", "guard", call.id), live.now + MESSAGE_MAX_S)
            live.note("info", "abandoned", f"attempt {call.id} of {call.campaign.name}: no agent within the limit")
            self.agentless.nobody(call)
