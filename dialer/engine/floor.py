"""Customers and agents as routing sees them: what each call and each agent is at this moment.

Owns the translation from the engine's records to ``routing``'s facts, and nothing else: no state, no rule.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dialer.domain.agent import AgentState, Line
from dialer.domain.inbound import ArrivalJudged, QueueSettings
from dialer.domain.routing import team_of
from dialer.domain.settings import AgentSettings, CampaignSettings
from dialer.engine.agents import worked_share
from dialer.engine.inbound_records import Arrival
from dialer.engine.live import Agent, Call, Live
from routing import outbound
from routing.facts import AgentFacts, Direction, Step, WaitingCall
from routing.facts import AgentState as Seen
from routing.outbound import Rank

_STATES: Final = {
    AgentState.READY: Seen.BUSY,
    AgentState.RESERVED: Seen.BUSY,
    AgentState.PREVIEWING: Seen.BUSY,
    AgentState.TALKING: Seen.BUSY,
    AgentState.WRAP_UP: Seen.WRAP_UP,
    AgentState.PAUSED: Seen.PAUSED,
}
"""What is not here is away. READY is busy as long as the line cannot take a customer."""


def groups_of(settings: AgentSettings) -> frozenset[str]:
    """All groups that an agent is in: those who serve a campaign, their team, and the configured ones."""
    teams = {settings.team} if settings.team else frozenset()
    return frozenset(map(team_of, settings.campaigns)) | settings.groups | teams


def kept_for(agent: Agent) -> Call | None:
    """The customer of the lead that the agent previewed, when the agent's line can take them."""
    call = agent.call
    waits = call is not None and call.bound_agent == agent.settings.agent
    return call if waits and agent.line is Line.PARKED and not agent.held else None


def agent_facts(live: Live, agent: Agent, groups: frozenset[str]) -> AgentFacts:
    """An agent as they are now; ``groups`` as ``groups_of`` says."""
    settings = agent.settings
    node = live.nodes.get(agent.node)
    state, since, kept = _STATES.get(agent.state, Seen.AWAY), agent.since, kept_for(agent)
    if kept is not None and node is not None and node.up:
        state, since = Seen.FREE, agent.idle_since
    elif agent.after_call is not None and state is not Seen.AWAY:
        state = Seen.PAUSED
    elif agent.state is AgentState.READY and agent.line in (Line.NONE, Line.DIALING):
        state = Seen.AWAY
    elif agent.free and node is not None and node.usable:
        state, since = Seen.FREE, agent.idle_since
    return AgentFacts(
        settings.agent,
        state,
        since,
        groups,
        settings.skills,
        live.dedicated(agent),
        kept.id if kept is not None else None,
        worked_share([agent.time_in]) if state is Seen.FREE else 0.0,
        agent.node,
    )


def waiting_call(call: Call) -> WaitingCall:
    """An answered customer without an agent. Its clock is that of the abandon rate, or of the loss of an agent."""
    started = call.queued_at if call.queued_again else call.clock_from
    assert started is not None
    if call.arrival is not None:
        return _caller(call, call.arrival, started)
    return outbound.waiting_call(
        call.id,
        call.lead.rank,
        since=started,
        target_s=call.campaign.settings.wait_limit_s,
        campaign=call.campaign.name,
        team=team_of(call.campaign.name),
        number=call.lead.number,
        person=call.lead.person,
        node=call.node,
        asked=call.lead.callback > 0 or (call.told is not None and call.told.asked),
        owed=call.queued_again,
    )


def _caller(call: Call, arrival: Arrival, started: float) -> WaitingCall:
    """Somebody who called, with what their lead and their wait say."""
    since = arrival.queued_at if arrival.queued_at is not None else started
    own_until, rank = since + arrival.own_limit_s, call.lead.rank
    facts = caller(call.id, call.campaign.settings, rank, arrival.judged, since=started, own_until=own_until)
    who = call.lead
    facts = replace(facts, number=who.number, person=who.person, campaign=arrival.campaign)
    return replace(facts, owed=call.queued_again, node=call.node)


def caller(
    ident: str,
    campaign: CampaignSettings,
    rank: Rank,
    judged: ArrivalJudged | None,
    *,
    since: float,
    own_until: float,
) -> WaitingCall:
    """Somebody who waits in a queue: their own agent is waited for, the queue's groups come after their own people."""
    queue = campaign.queue or QueueSettings()
    return WaitingCall(
        ident,
        since,
        Direction.INBOUND,
        queue=campaign.name,
        campaign=judged.campaign if judged is not None else "",
        tier=rank.tier,
        vip=rank.vip,
        target_s=queue.target_s if judged is None or judged.problem else judged.target_s,
        needs=queue.needs,
        steps=(*(Step(0.0, groups) for groups in rank.groups), *queue.steps),
        own_agent=rank.agent,
        own_until=own_until if rank.agent is not None else 0.0,
        choice=queue.choice,
    )
