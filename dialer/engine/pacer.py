"""When calls start: asks each campaign's pacing policy, trims by what the trunks carry.

Owns the decision's moment (after changes, at least once a second, at most every ``decide_every_s``) and its reason,
for the campaigns that are decided one by one; those that pace as a pool are ``dialer.engine.predictive``'s. The rule
itself is ``pacing``'s. Must not dial anything that the gate has not let through.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dialer.domain.agent import AgentState, Line
from dialer.domain.campaign import CampaignState
from dialer.domain.settings import Mode
from dialer.engine.live import Agent, Campaign, Live, Node
from dialer.engine.predictive import DECIDE_AT_LEAST_EVERY_S, ROUNDING_S, Predictive
from pacing import preview, progressive, ratio
from pacing.snapshot import Decision, Snapshot, counted, limited

if TYPE_CHECKING:
    from dialer.engine.agentless import AgentlessDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.hoppers import HopperDesk
    from dialer.engine.previews import PreviewDesk
    from dialer.engine.trunks import TrunkDesk

POLICIES = {Mode.PROGRESSIVE: progressive.decide, Mode.RATIO: ratio.decide, Mode.PREVIEW: preview.decide}


class Pacer:
    """Decides for each running campaign how many calls to start now."""

    def __init__(self, live: Live, hoppers: HopperDesk, pool: Predictive, trunks: TrunkDesk) -> None:
        self.live = live
        self.trunks = trunks
        self.hoppers = hoppers
        self.pool = pool
        self.calls: CallDesk
        self.previews: PreviewDesk
        self.agentless: AgentlessDesk

    # ---- decisions -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Decide for every campaign that changed, or whose last decision is a second old."""
        live = self.live
        if live.draining:
            return
        self.pool.run()
        for campaign in live.campaigns.values():
            if campaign.state is not CampaignState.RUNNING or campaign.name in self.pool.names:
                continue
            if campaign.settings.mode is Mode.INBOUND:
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
        stopped = live.stopped_by()
        if stopped:
            campaign.decision = Decision(0, f"start 0: {stopped}")
            return
        self.hoppers.refill(campaign)
        if campaign.settings.mode is Mode.PREVIEW:
            self._show_leads(campaign)
            return
        node, decision = self._best(campaign)
        campaign.decision = self._start(campaign, node, decision)
        self.agentless.started(campaign, campaign.decision.lines)

    def _start(self, campaign: Campaign, node: Node, decision: Decision) -> Decision:
        """Start what the decision asks for, as far as trunk, switch and hopper allow."""
        live = self.live
        lines = decision.lines
        limits: list[str] = []
        if lines == 0:
            return decision
        room = self.trunks.room(campaign)
        for cap, name in (
            (room.calls, room.by),
            (node.capacity - node.legs, f"switch {node.name}: capacity {node.capacity} legs"),
            (room.tokens, room.tokens_by),
        ):
            if lines > max(0, cap):
                lines = max(0, cap)
                limits.append(f"trimmed to {lines} by {name}")
        started = 0
        while started < lines:
            lead = self.hoppers.take(campaign)
            if lead is None:
                break
            if self.calls.open(campaign, lead, node.name) is None:
                campaign.hopper.put_back(lead)
                lines = started
                limits.insert(0, self.trunks.room(campaign).by)
                break
            started += 1
        if started < lines:
            limits.insert(0, self.hoppers.why_empty(campaign))
        if started < decision.lines and room.tokens <= lines:
            # More calls are wanted than the trunk takes at once: decide again when it takes the next one.
            pause = max(self.trunks.wait_s(campaign), live.settings.decide_every_s / 2)
            live.timers.set(("campaign", "pace", campaign.name), live.now + pause)
            campaign.dirty = True
        self.hoppers.refill(campaign)
        return Decision(started, limited(started, limits, decision.reason))

    def _show_leads(self, campaign: Campaign) -> None:
        live = self.live
        free = [agent for agent in live.agents.values() if self._may_preview(agent, campaign)]
        # An agent who serves other campaigns too stays free for as many as their calls are going to need.
        open_lines = {agent.settings.agent for agent in free if agent.line is Line.PARKED}
        count = len(free) - min(len(open_lines), self._spoken_for(campaign, open_lines, None))
        decision = preview.decide(Snapshot(campaign.name, live.now, count, 0))
        shown = 0
        for agent in sorted(free, key=lambda a: (a.line is Line.PARKED, a.idle_since, a.settings.agent))[:count]:
            lead = self.hoppers.take(campaign)
            if lead is None:
                break
            self.previews.show(agent, campaign, lead)
            shown += 1
        why = decision.reason
        if shown < decision.lines:
            why = f"show {shown}: {self.hoppers.why_empty(campaign)}; {counted(count, 'free agent')} without a lead"
        campaign.decision = Decision(shown, why)
        campaign.dirty = False
        self.hoppers.refill(campaign)

    def _may_preview(self, agent: Agent, campaign: Campaign) -> bool:
        if agent.state is not AgentState.READY or campaign.name not in self.live.calls_out_for(agent) or agent.kept:
            return False
        return agent.line is Line.PARKED or (not agent.nailed_up and agent.leg is None)

    def _best(self, campaign: Campaign) -> tuple[Node, Decision]:
        """The decision for the usable switch that wants most calls now; the others' turn comes with the next one.

        A bridge cannot leave its switch, so each switch's calls are counted against its own agents only.
        """
        usable = [node for node in self.live.nodes.values() if node.usable]
        decisions = [(node, self._decision(campaign, self._snapshot(campaign, node), node)) for node in usable]
        if sum(decision.lines > 0 for _, decision in decisions) > 1:
            campaign.dirty = True
            soon = self.live.now + self.live.settings.decide_every_s
            self.live.timers.set_by(("campaign", "pace", campaign.name), soon)
        return max(decisions, key=lambda pair: (pair[1].lines, pair[0].capacity - pair[0].legs))

    def _decision(self, campaign: Campaign, snapshot: Snapshot, node: Node) -> Decision:
        if campaign.settings.mode is Mode.AGENTLESS:
            return self.agentless.decide(campaign, node, snapshot.free)
        return POLICIES[campaign.settings.mode](snapshot)

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
                asking = sum(call.told is not None and call.told.asked for call in pending)
                needed = asking + math.ceil((len(pending) - asking) * self._needs(other))
                spoken_for += min(shared, needed)
        return spoken_for

    def _needs(self, campaign: Campaign) -> float:
        """How many agents each of its calls on their way is going to need."""
        if campaign.settings.agentless is not None:
            return self.agentless.share(campaign)
        if campaign.name in self.pool.names:
            return self.pool.answer_probability(campaign)
        return 1.0 / max(1.0, campaign.settings.lines_per_agent)

    def _snapshot(self, campaign: Campaign, node: Node) -> Snapshot:
        live = self.live
        ready = {agent.settings.agent for agent in live.free_agents(campaign, node.name)}
        spoken_for = self._spoken_for(campaign, ready, node.name)
        # A call whose bridge is sent has its agent, who is no longer counted as free.
        pending = sum(
            1
            for call in campaign.pending()
            if call.agent is None and call.bound_agent is None and call.node == node.name
        )
        free = max(0, len(ready) - spoken_for)
        return Snapshot(campaign.name, live.now, free, pending, campaign.settings.lines_per_agent)
