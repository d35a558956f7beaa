"""The engine's view of itself, as frozen facts for people and metrics. Owns no state and shows no phone number.

What pacing tells of itself (``Pool.explain``) is read here, and nowhere else in the dialer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from typing import Any

from dialer.domain.agent import AgentState, Line
from dialer.domain.outcomes import Outcome
from dialer.domain.status import AbandonView, AgentView, CampaignView, NodeView, PacingView, QueueView, Status
from dialer.engine import trunk_views
from dialer.engine.agents import worked_share
from dialer.engine.live import Agent, Campaign, Live
from dialer.engine.trunks import TrunkDesk
from dialer.masking import mask_text
from pacing.pool import Pool
from routing.outbound import NOT_RANKED


def busy_share(live: Live) -> float:
    """(talk + wrap-up) ÷ logged-in time of all agents since the start, 0–1."""
    return worked_share(
        {**agent.time_in, agent.state: agent.time_in.get(agent.state, 0.0) + live.now - agent.since}
        for agent in live.agents.values()
    )


def build(
    live: Live,
    pool: Pool,
    predictive: Container[str],
    desk: TrunkDesk,
    callbacks: Callable[[str], Mapping[str, int]],
    queues: tuple[QueueView, ...] = (),
) -> Status:
    """Everything at ``live.now``; ``predictive`` names the campaigns that ``pool`` decides."""
    return Status(
        at=live.now,
        uptime_s=live.now - live.started_at,
        draining=live.draining,
        store_ok=live.store_ok,
        store_detail=live.store_detail,
        agents=tuple(_agent(live, agent) for agent in live.agents.values()),
        campaigns=tuple(
            _campaign(live, campaign, pool if name in predictive else None, callbacks(name))
            for name, campaign in live.campaigns.items()
            if campaign.settings.queue is None
        ),
        nodes=tuple(
            NodeView(node.name, node.up, node.synced, node.detail, node.legs, node.capacity)
            for node in live.nodes.values()
        ),
        counters=dict(live.counters),
        busy_share=busy_share(live) if live.busy_share_at_close is None else live.busy_share_at_close,
        pacing_dropped=dict(pool.dropped),
        queues=queues,
        trunks=trunk_views.trunks(live),
        shown=trunk_views.shown(desk),
        tiers={tier: {each.value: count for each, count in ended.items()} for tier, ended in live.tiers.items()},
    )


def _agent(live: Live, agent: Agent) -> AgentView:
    lead = None
    if agent.preview is not None:
        shown = agent.preview[1]
        own = {"id": str(shown.lead_id), "name": shown.name, "campaign": shown.campaign}
        own["name"] = mask_text(shown.name)  # no role that this is shown to may see numbers
        fields = {key: mask_text(value) for key, value in shown.fields.items()}
        lead = own | {f"lead_{key}" if key in own else key: value for key, value in fields.items()}
    attempt = agent.call.id if agent.call is not None else agent.last_attempt
    at_hand = agent.call.lead if agent.call is not None else agent.preview[1] if agent.preview is not None else None
    rank = NOT_RANKED if at_hand is None else at_hand.rank
    return AgentView(
        agent=agent.settings.agent,
        name=agent.settings.name,
        seat=agent.seat.seat,
        state=agent.state.value,
        reason=agent.reason,
        line=_line(agent),
        since_s=live.now - agent.since,
        calls=agent.calls,
        attempt_id=attempt,
        lead=lead,
        tier=rank.tier if at_hand is not None else None,
        vip=rank.vip,
        tag=mask_text(rank.tag) or None,
    )


def _line(agent: Agent) -> str:
    """The line as people are told of it: ``bridged`` once a conversation stands, ``held`` by the phone's own button."""
    if agent.held:
        return "held"
    return "bridged" if agent.state is AgentState.TALKING and agent.line is Line.BRIDGING else agent.line.value


def _campaign(
    live: Live, campaign: Campaign, pool: Pool | None, callbacks: Mapping[str, int]
) -> CampaignView:
    states: Counter[str] = Counter(call.state.value for call in campaign.calls.values())
    outcomes = {outcome.value: count for outcome, count in campaign.outcomes.items()}
    abandoned = campaign.outcomes[Outcome.ABANDONED]
    return CampaignView(
        campaign=campaign.name,
        mode=campaign.settings.mode.value,
        state=campaign.state.value,
        hopper=len(campaign.hopper),
        exhausted=campaign.hopper.exhausted and not len(campaign.hopper),
        calls=dict(states),
        attempts=campaign.attempts,
        answered=campaign.answered,
        connected=campaign.outcomes[Outcome.CONNECTED],
        abandoned=abandoned,
        abandon_rate=abandoned / campaign.answered if campaign.answered else 0.0,
        outcomes=outcomes,
        decision_lines=campaign.decision.lines,
        decision_reason=campaign.decision.reason,
        decided_ago_s=None if campaign.decided_at is None else live.now - campaign.decided_at,
        refusals=dict(campaign.refusals),
        last_refusal=campaign.last_refusal,
        pacing=None if pool is None else _pacing(pool.explain(campaign.name, live.now), campaign),
        callbacks=callbacks,
    )


def _pacing(told: Mapping[str, Any], campaign: Campaign) -> PacingView:
    decision, learnt = told["decision"], told["learnt"]
    names = ("window", "limit", "answered", "abandoned", "rate", "projected", "left")
    return PacingView(
        theta=decision.get("theta", told["theta"]),
        p_next=decision.get("p_next", 0.0),
        answer_probability=learnt["answer_probability"],
        hung_up_ringing=campaign.hung_up_ringing,
        hung_up_share=told["hung_up_share"],
        decisions=campaign.decisions,
        origin=learnt["origin"],
        windows=tuple(AbandonView(*(window[name] for name in names)) for window in told["windows"]),
    )


def explain(
    live: Live, pool: Pool, campaign: Campaign, agentless: Mapping[str, object] | None = None
) -> dict[str, object]:
    """All that stands behind a campaign's last decision: the pool's words, in the frame of what the engine did."""
    told: dict[str, Any] = dict(pool.explain(campaign.name, live.now))
    decided = campaign.decision
    return told | {
        "mode": campaign.settings.mode.value,
        "state": campaign.state.value,
        "decision": told["decision"]
        | {
            "lines": decided.lines,
            "reason": decided.reason,
            "ago_s": None if campaign.decided_at is None else live.now - campaign.decided_at,
        },
        "hopper": len(campaign.hopper),
        "decisions": campaign.decisions,
        "hung_up_ringing": campaign.hung_up_ringing,
        "agentless": agentless,
    }
