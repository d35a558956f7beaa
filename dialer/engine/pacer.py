"""When calls start: keeps hoppers filled, asks the campaign's pacing policy, trims by what the trunks carry.

Owns the decision's moment (after changes, at least once a second, at most every ``decide_every_s``) and its reason.
The rule itself is ``pacing``'s. Must not dial anything that the gate has not let through.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dialer.domain.agent import AgentState, Line
from dialer.domain.campaign import CampaignState
from dialer.domain.commands import ClaimLeads, ReleaseLeads
from dialer.domain.events import LeadsClaimed
from dialer.domain.settings import Mode
from dialer.engine.live import Agent, Call, Campaign, Live, Node
from pacing import preview, progressive, ratio
from pacing.snapshot import AgentPhase, CallPhase, Decision, Snapshot

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.previews import PreviewDesk

DECIDE_AT_LEAST_EVERY_S = 1.0
ASK_AGAIN_S = 30.0
"""A list with nothing due is asked again this often, so that imported leads are noticed."""
CLAIM_TIMEOUT_S = 30.0
TELL_AGAIN_S = 300.0
ROUNDING_S = 1e-6
"""A timer set for a moment may find a sum of floats just short of it; without this it would be set anew for ever."""

POLICIES = {Mode.PROGRESSIVE: progressive.decide, Mode.RATIO: ratio.decide, Mode.PREVIEW: preview.decide}


class Pacer:
    """Decides for each running campaign how many calls to start now."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.calls: CallDesk
        self.previews: PreviewDesk

    # ---- hopper --------------------------------------------------------------------------------------------

    def claimed(self, event: LeadsClaimed) -> None:
        """Leads from the store, under a lease."""
        live = self.live
        campaign = live.campaigns.get(event.campaign)
        if campaign is None or campaign.state is CampaignState.STOPPED or live.draining:
            if event.leads:
                ids = tuple(lead.lead_id for lead in event.leads)
                live.emit(ReleaseLeads(event.campaign, ids, "the campaign is not running"))
            if campaign is not None:
                campaign.hopper.asking = False
                live.timers.cancel(("campaign", "claim", campaign.name))
            return
        hopper = campaign.hopper
        hopper.asking = False
        hopper.left = event.left
        live.timers.cancel(("campaign", "claim", campaign.name))
        # The store's clock is the wall's, which may have been stepped since ours started: count the lease on ours.
        lease_until = hopper.asked_at + campaign.settings.lease_s
        doubles = hopper.add(replace(lead, lease_until=lease_until) for lead in event.leads)
        if doubles:
            live.counters["leads_claimed_twice"] += len(doubles)
        if len(event.leads) < event.asked:
            again = live.now + ASK_AGAIN_S
            if event.next_due_at is not None:
                again = min(again, max(event.next_due_at, live.now + 1.0))
            hopper.ask_again_at = again
            live.timers.set_by(("campaign", "pace", campaign.name), again)
        hopper.exhausted = len(event.leads) < event.asked
        if hopper.exhausted and not len(hopper):
            self._tell_nothing_due(campaign, event)
        campaign.dirty = True

    def _tell_nothing_due(self, campaign: Campaign, event: LeadsClaimed) -> None:
        """Say why a running campaign dials nothing, now and then: nobody can see it from the outside."""
        live = self.live
        if live.now - campaign.nothing_due_told_at < TELL_AGAIN_S:
            return
        campaign.nothing_due_told_at = live.now
        if event.left == 0:
            why = "its lists have none left: import more, or start with --fresh to forget former attempts"
        elif event.next_due_at is None:
            why = f"{event.left} leads are left and none of them comes due"
        else:
            # Also what a closed calling window looks like: the leads are due when it opens.
            due = datetime.fromtimestamp(event.next_due_at, UTC)
            why = f"{event.left} leads are left, the next is due at {due:%Y-%m-%d %H:%M:%S} UTC"
        live.note("info", "nothing_due", f"campaign {campaign.name}: no lead may be dialed now: {why}")

    def claim_overdue(self, campaign: Campaign) -> None:
        """The store never answered a claim: ask anew."""
        campaign.hopper.asking = False
        campaign.dirty = True
        self.live.counters["claims_overdue"] += 1

    def release(self, campaign: Campaign, reason: str) -> None:
        """Give the whole hopper back to the store."""
        leads = campaign.hopper.clear()
        if leads:
            self.live.emit(ReleaseLeads(campaign.name, tuple(lead.lead_id for lead in leads), reason))
        campaign.hopper.ask_again_at = 0.0

    def _refill(self, campaign: Campaign) -> None:
        live = self.live
        count = campaign.hopper.wants(live.now)
        if count:
            campaign.hopper.asking = True
            campaign.hopper.asked_at = live.now
            live.timers.set(("campaign", "claim", campaign.name), live.now + CLAIM_TIMEOUT_S)
            live.emit(ClaimLeads(campaign.name, count, campaign.settings.lease_s))

    # ---- decisions -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Decide for every campaign that changed, or whose last decision is a second old."""
        live = self.live
        if live.draining:
            return
        for campaign in live.campaigns.values():
            if campaign.state is not CampaignState.RUNNING:
                continue
            age = math.inf if campaign.decided_at is None else live.now - campaign.decided_at
            if age < live.settings.decide_every_s - ROUNDING_S:
                if campaign.dirty:
                    due = live.now - age + live.settings.decide_every_s
                    live.timers.set_by(("campaign", "pace", campaign.name), due)
            elif campaign.dirty or age >= DECIDE_AT_LEAST_EVERY_S:
                self._decide(campaign)

    def _decide(self, campaign: Campaign) -> None:
        live = self.live
        campaign.decided_at = live.now
        campaign.dirty = False
        live.timers.set(("campaign", "pace", campaign.name), live.now + DECIDE_AT_LEAST_EVERY_S)
        stopped = self._stopped_by()
        if stopped:
            campaign.decision = Decision(0, f"start 0: {stopped}")
            return
        self._refill(campaign)
        if campaign.settings.mode is Mode.PREVIEW:
            self._show_leads(campaign)
            return
        node, decision = self._best(campaign)
        campaign.decision = self._start(campaign, node, decision)

    def _stopped_by(self) -> str:
        live = self.live
        if not live.store_ok:
            return f"the store is in trouble ({live.store_detail})"
        if not any(node.usable for node in live.nodes.values()):
            return "no switch is connected and compared"
        return ""

    def _start(self, campaign: Campaign, node: Node, decision: Decision) -> Decision:
        """Start what the decision asks for, as far as trunk, switch and hopper allow."""
        live = self.live
        lines, why = decision.lines, decision.reason
        if lines == 0:
            return decision
        trunk = live.trunks[campaign.settings.trunk]
        by_rate = trunk.bucket.available(live.now)
        for cap, name in (
            (trunk.settings.channels - trunk.legs, f"trunk {trunk.settings.name}: {trunk.settings.channels} channels"),
            (node.capacity - node.legs, f"switch {node.name}: capacity {node.capacity} legs"),
            (by_rate, f"trunk {trunk.settings.name}: {trunk.settings.calls_per_second:g} calls a second"),
        ):
            if lines > max(0, cap):
                lines = max(0, cap)
                why += f"; trimmed to {lines} by {name}"
        started = 0
        while started < lines:
            lead, stale = campaign.hopper.take(live.now)
            if stale:
                live.emit(ReleaseLeads(campaign.name, tuple(s.lead_id for s in stale), "the lease is about to end"))
            if lead is None:
                break
            trunk.bucket.take(1, live.now)
            self.calls.open(campaign, lead, node.name)
            started += 1
        if started < lines:
            state = "nothing is due in its lists" if campaign.hopper.exhausted else "leads are being claimed"
            why += f"; started {started}: the hopper is empty, {state}"
        if started < decision.lines and by_rate <= lines:
            # More calls are wanted than the trunk takes at once: decide again when it takes the next one.
            pause = max(trunk.bucket.wait_s(live.now), live.settings.decide_every_s / 2)
            live.timers.set(("campaign", "pace", campaign.name), live.now + pause)
            campaign.dirty = True
        self._refill(campaign)
        return Decision(started, why)

    def _show_leads(self, campaign: Campaign) -> None:
        live = self.live
        free = [agent for agent in live.agents.values() if self._may_preview(agent, campaign)]
        # An agent who serves other campaigns too stays free for as many as their calls are going to need.
        open_lines = {agent.settings.agent for agent in free if agent.line is Line.PARKED}
        count = len(free) - min(len(open_lines), self._spoken_for(campaign, open_lines, None))
        decision = preview.decide(Snapshot(campaign.name, live.now, count, (), ()))
        shown = 0
        for agent in sorted(free, key=lambda a: (a.line is Line.PARKED, a.idle_since, a.settings.agent))[:count]:
            lead, stale = campaign.hopper.take(live.now)
            if stale:
                live.emit(ReleaseLeads(campaign.name, tuple(s.lead_id for s in stale), "the lease is about to end"))
            if lead is None:
                break
            self.previews.show(agent, campaign, lead)
            shown += 1
        why = decision.reason if shown == decision.lines else f"{decision.reason}; shown {shown}: the hopper is empty"
        campaign.decision = Decision(shown, why)
        campaign.dirty = False
        self._refill(campaign)

    @staticmethod
    def _may_preview(agent: Agent, campaign: Campaign) -> bool:
        if agent.state is not AgentState.READY or campaign.name not in agent.settings.campaigns:
            return False
        return agent.line is Line.PARKED if agent.nailed_up else agent.leg is None

    def _best(self, campaign: Campaign) -> tuple[Node, Decision]:
        """The decision for the usable switch that wants most calls now; the others' turn comes with the next one.

        A bridge cannot leave its switch, so each switch's calls are counted against its own agents only.
        """
        decide = POLICIES[campaign.settings.mode]
        usable = [node for node in self.live.nodes.values() if node.usable]
        decisions = [(node, decide(self._snapshot(campaign, node))) for node in usable]
        if sum(decision.lines > 0 for _, decision in decisions) > 1:
            campaign.dirty = True
            soon = self.live.now + self.live.settings.decide_every_s
            self.live.timers.set_by(("campaign", "pace", campaign.name), soon)
        return max(decisions, key=lambda pair: (pair[1].lines, pair[0].capacity - pair[0].legs))

    def _spoken_for(self, campaign: Campaign, ready: set[str], node: str | None) -> int:
        """How many of the agents ``ready`` the other campaigns' calls (on ``node``) are going to need."""
        live = self.live
        spoken_for = 0
        for other in live.campaigns.values():
            if other is campaign or not other.calls:
                continue
            shared = sum(1 for name in ready if other.name in live.agents[name].settings.campaigns)
            if shared:
                pending = [
                    call
                    for call in other.pending()
                    if call.agent is None and call.bound_agent is None and node in (None, call.node)
                ]
                spoken_for += min(shared, math.ceil(len(pending) / max(1.0, other.settings.lines_per_agent)))
        return spoken_for

    def _snapshot(self, campaign: Campaign, node: Node) -> Snapshot:
        live = self.live
        ready = {agent.settings.agent for agent in live.free_agents(campaign) if agent.node == node.name}
        spoken_for = self._spoken_for(campaign, ready, node.name)
        agents = tuple(
            AgentPhase(agent.state.value, live.now - agent.since)
            for agent in live.agents.values()
            if campaign.name in agent.settings.campaigns and agent.state is not AgentState.LOGGED_OUT
        )
        # A call whose bridge is sent has its agent, who is no longer counted as free.
        calls = tuple(
            _phase(call, live.now) for call in campaign.pending() if call.agent is None and call.node == node.name
        )
        return Snapshot(
            campaign.name,
            live.now,
            max(0, len(ready) - spoken_for),
            agents,
            calls,
            campaign.settings.lines_per_agent,
        )


def _phase(call: Call, now: float) -> CallPhase:
    return CallPhase(call.state.value, now - call.since)
