"""The engine's view of itself, as frozen facts for people and metrics. Owns no state and shows no phone number."""

from __future__ import annotations

from collections import Counter

from dialer.domain.outcomes import Outcome
from dialer.domain.status import AgentView, CampaignView, NodeView, Status
from dialer.engine.agents import BUSY_STATES, LOGGED_IN_STATES
from dialer.engine.live import Agent, Campaign, Live


def busy_share(live: Live) -> float:
    """(talk + wrap-up) ÷ logged-in time of all agents since the start, 0–1."""
    busy = logged_in = 0.0
    for agent in live.agents.values():
        spent = dict(agent.time_in)
        spent[agent.state] = spent.get(agent.state, 0.0) + live.now - agent.since
        busy += sum(spent.get(state, 0.0) for state in BUSY_STATES)
        logged_in += sum(spent.get(state, 0.0) for state in LOGGED_IN_STATES)
    return busy / logged_in if logged_in > 0 else 0.0


def build(live: Live) -> Status:
    """Everything at ``live.now``."""
    return Status(
        at=live.now,
        uptime_s=live.now - live.started_at,
        draining=live.draining,
        store_ok=live.store_ok,
        store_detail=live.store_detail,
        agents=tuple(_agent(live, agent) for agent in live.agents.values()),
        campaigns=tuple(_campaign(live, campaign) for campaign in live.campaigns.values()),
        nodes=tuple(
            NodeView(node.name, node.up, node.synced, node.detail, node.legs, node.capacity)
            for node in live.nodes.values()
        ),
        counters=dict(live.counters),
        busy_share=busy_share(live) if live.busy_share_at_close is None else live.busy_share_at_close,
    )


def _agent(live: Live, agent: Agent) -> AgentView:
    lead = None
    if agent.preview is not None:
        shown = agent.preview[1]
        own = {"id": str(shown.lead_id), "name": shown.name, "campaign": shown.campaign}
        lead = own | {f"lead_{key}" if key in own else key: value for key, value in shown.fields.items()}
    attempt = agent.call.id if agent.call is not None else agent.last_attempt
    return AgentView(
        agent=agent.settings.agent,
        name=agent.settings.name,
        seat=agent.seat.seat,
        state=agent.state.value,
        reason=agent.reason,
        line=agent.line.value,
        since_s=live.now - agent.since,
        calls=agent.calls,
        attempt_id=attempt,
        lead=lead,
    )


def _campaign(live: Live, campaign: Campaign) -> CampaignView:
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
    )
