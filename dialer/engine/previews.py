"""Preview: a lead is shown to an agent, who has it dialed or passes it over.

Owns what happens between the two. The dialing is the call desk's, the agent's state the agent desk's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.domain.agent import AgentState, AgentTrigger, Line
from dialer.domain.lead import ClaimedLead
from dialer.engine.agents import SKIPPED
from dialer.engine.lines import NO_LINE
from dialer.engine.live import Agent, Campaign, Live

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.announcing import Announcer
    from dialer.engine.calls import CallDesk
    from dialer.engine.speaking import Voice


class PreviewDesk:
    """Shows leads and takes the agents' answers."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.agents: AgentDesk
        self.calls: CallDesk
        self.announcer: Announcer
        self.voice: Voice

    def show(self, agent: Agent, campaign: Campaign, lead: ClaimedLead) -> None:
        """Show a lead to a free agent."""
        self.agents.move(agent, AgentTrigger.PREVIEW, f"lead {lead.lead_id} of {campaign.name}")
        agent.preview = (campaign, lead)
        if agent.nailed_up or agent.line is Line.PARKED or not campaign.settings.preview_rings:
            self.begin(agent)
        else:
            self.agents.ring(agent)

    def begin(self, agent: Agent) -> None:
        """The agent hears of the lead, or may read of it: the time to choose runs."""
        if agent.preview is None:
            return
        settings, timers = agent.preview[0].settings, self.live.timers
        timers.cancel(("agent", "put_down", agent.settings.agent))
        timers.set(("agent", "preview", agent.settings.agent), self.live.now + settings.preview_timeout_s)
        self.announcer.shown(agent)

    def accept(self, agent: Agent) -> str | None:
        """Dial the lead shown; returns what is wrong, or None."""
        if agent.state is not AgentState.PREVIEWING or agent.preview is None:
            return "no lead is shown to this agent"
        live = self.live
        if live.draining:
            return "the dialer is shutting down"
        if not live.store_ok:
            return "the store is in trouble: nothing is dialed"
        if agent.held:
            return "the agent's phone is on hold: who answers would find nobody"
        node = next((n for n in live.nodes.values() if n.usable), None)
        if agent.leg is not None:
            node = live.nodes[agent.node] if live.nodes[agent.node].usable else None
        if node is None:
            return "the switch is not ready"
        problem = self.calls.no_room(agent.preview[0], node)
        if problem is not None:
            return problem
        agent.previews_missed = 0
        live.timers.cancel(("agent", "preview", agent.settings.agent))
        self.agents.move(agent, AgentTrigger.RESERVE, "")
        if agent.nailed_up or agent.line is Line.PARKED:
            campaign, lead = agent.preview
            if self.calls.open(campaign, lead, agent.node, agent) is None:
                self.agents.release(agent, NO_LINE)
                return NO_LINE
            agent.preview = None
        elif agent.leg is None:
            self.agents.ring(agent)
        return None

    def skip(self, agent: Agent) -> str | None:
        """Give the lead shown back; returns what is wrong, or None."""
        if agent.state is not AgentState.PREVIEWING:
            return "no lead is shown to this agent"
        agent.previews_missed = 0
        self.agents.release(agent, SKIPPED, keeps=True)
        return None

    def over(self, agent: Agent) -> None:
        """The agent did not choose in time: the campaign's rule does, and the agent is told.

        Who has let several pass by is not there: paused, or no lead would ever come to somebody who is.
        """
        if agent.preview is None or agent.state is not AgentState.PREVIEWING:
            return
        settings, missed = agent.preview[0].settings, agent.previews_missed + 1
        if settings.preview_on_timeout == "dial" and self.accept(agent) is None:
            self.voice.tell(agent, "dialing")
            return
        agent.previews_missed = missed
        away = 0 < settings.preview_misses <= missed
        if settings.preview_on_timeout == "pause" or away:
            agent.previews_missed = 0
            self.agents.give_back_preview(agent, "preview timeout")
            self.agents.move(agent, AgentTrigger.PAUSE, "preview timeout")
            self.voice.tell(agent, "preview-timeout", "paused")
            self.agents.keep_a_while(agent)
        else:
            self.agents.release(agent, "preview timeout", keeps=True)
            if agent.call is None:
                self.voice.tell(agent, "preview-timeout")
