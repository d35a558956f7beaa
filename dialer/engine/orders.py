"""What operators ask: each order is carried out or refused with a sentence, and answered.

Owns the checks of an order (known agent, free seat, allowed transition) and its Reply. What an order does is the
desks'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dialer.domain import events as ev
from dialer.domain.agent import AgentState
from dialer.domain.campaign import CAMPAIGN_TABLE, CampaignState, CampaignTrigger
from dialer.domain.commands import Reply, SaveCampaignState, SaveDisposition
from dialer.engine.live import Agent, Live

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.feed import Feed
    from dialer.engine.hoppers import HopperDesk


class OrderDesk:
    """Takes operators' orders."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.agents: AgentDesk
        self.hoppers: HopperDesk

    def _reply(self, request_id: int, problem: str | None, text: str) -> None:
        self.live.emit(Reply(request_id, problem is None, problem or text))

    def login(self, event: ev.AgentLogin) -> None:
        """Log an agent in, paused, at a free seat."""
        live = self.live
        agent = live.agents.get(event.agent)
        problem = None
        if agent is None:
            problem = f"no agent {event.agent} in the configuration"
        elif live.draining:
            problem = "the dialer is shutting down"
        elif agent.state is not AgentState.LOGGED_OUT:
            problem = f"agent {event.agent} is already logged in at seat {agent.seat.seat} ({agent.state.value})"
        else:
            problem = self.take_seat(agent, event.seat)
        if agent is not None and problem is None:
            self.agents.login(agent, ready=False)
        self._reply(event.request_id, problem, f"agent {event.agent}: the line is being opened")

    def take_seat(self, agent: Agent, wanted: str | None) -> str | None:
        """Seat the agent at ``wanted`` or at their own; returns what is wrong, or None."""
        live = self.live
        name = wanted or agent.settings.seat
        seat = live.settings.seats.get(name)
        if seat is None:
            return f"no seat {name} in the configuration"
        for other in live.agents.values():
            if other is not agent and other.seat.seat == name and other.state is not AgentState.LOGGED_OUT:
                return f"seat {name} is taken by agent {other.settings.agent}"
        agent.seat = seat
        return None

    def of_agent(self, event: Any, act: Callable[[Agent], str | None]) -> None:
        """Carry an order on an agent out; ``act`` says what is wrong, or None."""
        agent = self.live.agents.get(event.agent)
        if agent is None:
            self._reply(event.request_id, f"no agent {event.agent} in the configuration", "")
            return
        problem = act(agent)
        after = f", then {agent.after_call[0]}" if agent.after_call else ""
        self._reply(event.request_id, problem, f"agent {event.agent}: {agent.state.value}{after}")

    def dispose(self, event: ev.AgentDispose) -> None:
        """Keep the agent's word on the last customer."""
        agent = self.live.agents.get(event.agent)
        if agent is None:
            problem: str | None = f"no agent {event.agent} in the configuration"
        else:
            problem = self.keep_disposition(agent, event.code, event.note)
        self._reply(event.request_id, problem, f"disposition {event.code} kept")

    def keep_disposition(self, agent: Agent, code: str, note: str = "") -> str | None:
        """Keep the agent's word on the last customer; returns what is wrong, or None."""
        live, name = self.live, agent.settings.agent
        if agent.last_attempt is None:
            return f"agent {name} has had no customer yet"
        codes = live.dispositions(agent.last_call)
        if codes and code not in codes:
            return f"disposition {code!r}: expected one of {', '.join(codes)}"
        live.emit(SaveDisposition(agent.last_attempt, name, code, note, live.now))
        if agent.last_call is not None:
            self.feed.disposed(agent.last_call, code)
        return None

    def of_campaign(self, event: ev.CampaignOrder) -> None:
        """Start, pause or stop a campaign, and remember it."""
        live = self.live
        campaign = live.campaigns.get(event.campaign)
        queue = campaign is not None and campaign.settings.queue is not None
        if campaign is None or queue or event.campaign not in live.settings.campaigns:
            self._reply(event.request_id, f"no campaign {event.campaign} in the configuration", "")
            return
        if event.order not in {trigger.value for trigger in CampaignTrigger}:
            self._reply(event.request_id, f"order {event.order!r}: expected start, pause or stop", "")
            return
        target = CAMPAIGN_TABLE.next(campaign.state, CampaignTrigger(event.order))
        problem = None
        if target is None:
            problem = f"cannot {event.order} a campaign that is {campaign.state.value}"
        elif live.draining and target is CampaignState.RUNNING:
            problem = "the dialer is shutting down"
        else:
            campaign.state = target
            campaign.dirty = True
            if target is CampaignState.STOPPED:
                self.hoppers.release(campaign, "the campaign was stopped")
                self.end_previews(event.campaign)
            live.emit(SaveCampaignState(event.campaign, target.value, live.now))
        self._reply(event.request_id, problem, f"campaign {event.campaign}: {campaign.state.value}")

    def end_previews(self, campaign: str) -> None:
        """Take back the leads of a campaign that agents are shown."""
        for agent in self.live.agents.values():
            if agent.preview is not None and agent.preview[0].name == campaign:
                self.agents.release(agent, "the campaign was stopped")
