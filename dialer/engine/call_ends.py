"""How calls end: hanging up, the guards of states that last too long, the outcome, the record.

Owns the one place where a customer is hung up (``hang_up``), which refuses before the minimum ring: no other code may
emit HangUp for a customer's leg. How a call came so far is ``calls``', which is built on this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from dialer.domain.call import CALL_TABLE, RINGING_STATES, CallState, CallTrigger
from dialer.domain.campaign import CampaignState
from dialer.domain.commands import HangUp
from dialer.domain.events import LegHungUp
from dialer.domain.outcomes import ANSWERED_OUTCOMES, Outcome, unanswered_outcome
from dialer.engine import records
from dialer.engine.judge import CROSSED, from_notes, heard, judge, machine
from dialer.engine.live import Call, Live
from dialer.engine.router import BRIDGE_CHECK_S, BRIDGE_SOON_S

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.feed import Feed
    from dialer.engine.inbound import InboundDesk
    from dialer.engine.trunks import TrunkDesk

BRIDGE_GIVE_UP_S = 15.0
HANGUP_CHECK_S = 5.0


class CallEnds:
    """Ends calls. ``on_ended`` are told of each, when its record is written and before its agent is free."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.agents: AgentDesk
        self.inbound: InboundDesk
        self.trunks: TrunkDesk
        self.on_ended: list[Callable[[Call], None]] = []
        self.on_outcome: list[Callable[[Call, Outcome], None]] = []

    def hung_up(self, call: Call, event: LegHungUp) -> None:
        """CHANNEL_HANGUP_COMPLETE of the customer's leg."""
        if call.arrival is not None:
            self.inbound.hung_up(call, event)
            return
        sip = event.sip_status or ""
        at = max(event.at, call.bridged_at or call.answered_at or call.dialed_at or event.at)
        outcome, reason = judge(call, at, event.cause, sip, event.hangup_disposition or "")
        self._end(call, CallTrigger.HANGUP, outcome, reason, at=at, cause=event.cause, sip=sip)

    def lost(self, call: Call, why: str) -> None:
        """The channel is gone and no event will tell how it ended."""
        if call.arrival is not None:
            self._end(call, CallTrigger.LOST, call.kill_as or Outcome.INTERRUPTED, why)
        elif call.bridged_at is not None and (call.state is CallState.CONNECTED or call.queued_again):
            outcome, _ = judge(call, self.live.now, "")
            self._end(call, CallTrigger.LOST, outcome, why)
        elif call.state is CallState.MACHINE:
            self._end(call, CallTrigger.LOST, *machine(call, played=False))
        elif call.state is CallState.MESSAGE:
            self._end(call, CallTrigger.LOST, Outcome.MESSAGE_PLAYED, f"{why}; {heard(call)}")
        elif call.announced is not None and call.answered_at is None:
            self._end(call, CallTrigger.LOST, *call.announced)
        elif call.state is CallState.ABANDONING:
            self._end(call, CallTrigger.LOST, Outcome.ABANDONED, why)
        elif call.killed_ringing and call.answered_at is not None:
            self._end(call, CallTrigger.LOST, Outcome.ABANDONED, CROSSED)
        elif call.state is CallState.RECOVERING and call.kill_as is None:
            self._end(call, CallTrigger.LOST, from_notes(call)[0], why)
        else:
            self._end(call, CallTrigger.LOST, call.kill_as or Outcome.INTERRUPTED, why)

    # ---- hanging up ----------------------------------------------------------------------------------------

    def guard(self, call: Call) -> None:
        """A state lasted longer than it can: ask the switch, then give up."""
        live = self.live
        if call.failed_cause is not None and call.state in RINGING_STATES:
            outcome = call.kill_as or unanswered_outcome(call.failed_cause, rang=call.rang_at is not None)
            ended = call.announced or (outcome, call.failed_cause)
            self._end(call, CallTrigger.FAILED, *ended, cause=call.failed_cause)
        elif call.kill_as is not None and live.now < self.rings_until(call):
            # Our hangup was lost while nothing rang, and now it does.
            live.timers.set(("call", "guard", call.id), self.rings_until(call))
        elif call.kill_as is not None and live.nodes[call.node].up:
            live.emit(HangUp(call.node, call.id, "NORMAL_CLEARING"))
            self._look(call.node)
            live.timers.set(("call", "guard", call.id), live.now + HANGUP_CHECK_S)
        elif not live.nodes[call.node].up:
            live.timers.set(("call", "guard", call.id), live.now + BRIDGE_CHECK_S)
        elif call.arrival is not None and not (
            call.state is CallState.CONNECTING and live.now - call.since < BRIDGE_GIVE_UP_S
        ):
            self.inbound.stuck(call)
        elif call.state is CallState.CONNECTING and live.now - call.since < BRIDGE_GIVE_UP_S:
            self._look(call.node)
            again_s = BRIDGE_SOON_S if live.now - call.since < 2 * BRIDGE_SOON_S else BRIDGE_CHECK_S
            live.timers.set(("call", "guard", call.id), live.now + again_s)
        else:
            live.counters["calls_overdue"] += 1
            live.note("warning", "call_overdue", f"attempt {call.id} overdue in {call.state.value}: hanging up")
            outcome = Outcome.ABANDONED if call.answered_at is not None else Outcome.CANCELLED
            if call.state is CallState.MACHINE:
                outcome = Outcome.MACHINE
            if call.queued_again:
                outcome = Outcome.CONNECTED
            self.hang_up(call, "NORMAL_CLEARING", outcome, f"overdue in {call.state.value}")

    def _look(self, node: str) -> None:
        self.live.timers.set_by(("node", "look", node), self.live.now)

    def rings_until(self, call: Call) -> float:
        """Until when a customer who has not answered must be left to ring; the past for everybody else."""
        if call.answered_at is not None or call.bridged_at is not None:
            return self.live.now
        rang_since = call.ring_heard_at if call.ring_heard_at is not None else call.dialed_at
        return (self.live.now if rang_since is None else rang_since) + call.campaign.settings.min_ring_s

    def hang_up(self, call: Call, cause: str, outcome: Outcome, reason: str) -> None:
        """End a customer's leg; a ringing one not before the campaign's minimum ring: then as soon as it is over."""
        live = self.live
        if call.state is CallState.RESERVED or call.kill_as is not None:
            return
        if call.answered_at is None and call.bridged_at is None:
            earliest = self.rings_until(call)
            if live.now < earliest:
                call.kill_later = (cause, outcome, reason)
                live.timers.set(("call", "minring", call.id), earliest)
                return
            call.killed_ringing = True
        if call.state is CallState.MESSAGE and call.bridged_at is None:
            outcome, reason = Outcome.MESSAGE_PLAYED, f"{reason}; {heard(call)}"
        call.kill_as = outcome
        call.kill_reason = reason
        if live.waiting.pop(call.id, None) is not None and not call.queued_again:
            self.feed.missed(call, abandoned=False)
        live.counters["calls_hung_up"] += 1
        live.timers.set(("call", "guard", call.id), live.now + HANGUP_CHECK_S)
        if live.nodes[call.node].up:
            live.emit(HangUp(call.node, call.id, cause))

    def min_ring_over(self, call: Call) -> None:
        """The minimum ring is over: hang up as was asked, unless the call was answered meanwhile."""
        if call.kill_later is not None and (call.answered_at is None or self.live.drain_over):
            self.hang_up(call, *call.kill_later)

    # ---- the end -------------------------------------------------------------------------------------------

    def arrival_over(self, call: Call, outcome: Outcome, reason: str, at: float, cause: str = "") -> None:
        """A call that came in is over, or no longer ours."""
        self._end(call, CallTrigger.HANGUP, outcome, reason, at=at, cause=cause)

    def _end(
        self,
        call: Call,
        trigger: CallTrigger,
        outcome: Outcome,
        reason: str,
        *,
        at: float | None = None,
        cause: str = "",
        sip: str = "",
    ) -> None:
        unopened = call.state is CallState.RESERVED
        if not self.move(call, trigger):
            return
        live = self.live
        if call.arrival is not None:
            call.ended_at = live.now if at is None else at
            self.inbound.close(call, outcome, reason, cause)
            self._gone(call, outcome)
            return
        if outcome in ANSWERED_OUTCOMES and call.answered_at is None:
            if call.bridged_at is None and (call.noted_answer or call.noted_bridge) is not None:
                call.campaign.answered += 1
                call.answered_at, call.bridged_at = call.noted_answer or call.noted_bridge, call.noted_bridge
            else:
                call.answered_at = call.bridged_at
        call.ended_at = live.now if at is None else at
        campaign = call.campaign
        if unopened:
            campaign.attempts += 1  # the store never said; outcomes sum to attempts all the same
        campaign.outcomes[outcome] += 1
        self.trunks.ended(call, outcome, cause, sip)
        again = self._goes_on(call, outcome, cause, sip)
        live.tiers.setdefault(call.lead.rank.tier, Counter())[outcome] += 1
        live.emit(records.close_attempt(call, outcome, reason, call.ended_at, cause, sip, again=again))
        self._gone(call, outcome, again=again)

    def _gone(self, call: Call, outcome: Outcome, *, again: bool = False) -> None:
        live = self.live
        self.feed.ended(call, outcome)
        self._forget(call)
        for told in self.on_ended:
            told(call)
        for learns in self.on_outcome:
            learns(call, outcome)
        if again:
            self.go_on(call)
        agent = call.agent or (live.agents.get(call.bound_agent) if call.bound_agent else None)
        if agent is not None and agent.call is call:
            self.agents.customer_gone(agent, call)

    def _goes_on(self, call: Call, outcome: Outcome, cause: str, sip: str) -> bool:
        """Whether the line failed, nothing rang, nobody wanted it ended, and another line takes the call at once."""
        live, campaign = self.live, call.campaign
        if outcome is not Outcome.CARRIER_FAILURE or call.kill_as is not None or call.kill_later is not None:
            return False
        if campaign.state is not CampaignState.RUNNING or live.draining or not live.store_ok:
            return False
        agent = live.agents.get(call.bound_agent or "")
        if call.bound_agent is not None and (agent is None or agent.call is not call):
            return False
        return live.nodes[call.node].usable and self.trunks.goes_on(call, cause, sip)

    def go_on(self, former: Call) -> None:
        """The same lead on another line."""
        raise NotImplementedError

    def _forget(self, call: Call) -> None:
        live = self.live
        live.calls.pop(call.id, None)
        live.waiting.pop(call.id, None)
        call.campaign.calls.pop(call.id, None)
        call.campaign.dirty = True
        for name in ("guard", "limit", "minring", "placed", "aside", "screen", "renew", "turn"):
            live.timers.cancel(("call", name, call.id))
        for name in ("judge", "turn", "cycle", "overflow", "go"):
            live.timers.cancel(("arrival", name, call.id))
        if (trunk := live.trunks.get(call.trunk)) is not None:
            trunk.give_back(caller=call.arrival is not None)
        if (node := live.nodes.get(call.node)) is not None:
            node.legs -= 1

    def move(self, call: Call, trigger: CallTrigger) -> bool:
        target = CALL_TABLE.next(call.state, trigger)
        if target is None:
            self.live.odd(f"call_{trigger.value}", f"attempt {call.id}: {trigger.value} while {call.state.value}")
            return False
        if target is not call.state:
            call.state = target
            call.since = self.live.now
        call.campaign.dirty = True
        return True
