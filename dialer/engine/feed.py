"""What happens on the floor, told to the pacing pool: the one place that knows both the engine's states and the pool's.

Owns the translation (call and agent states, endings, what counts as abandoned) and which calls the pool knows. Each
desk says in one line what it did; a call ends here exactly once. Must decide nothing and change no state of a call or
agent but the marks of this translation (``fed``, ``counted``, ``machine``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dialer.domain.agent import AgentState
from dialer.domain.call import CallState
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import EngineSettings, Mode
from dialer.engine.judge import counts_as_abandoned, late
from dialer.engine.live import Agent, Call, Live
from pacing.board import Phase
from pacing.leads import LeadFacts
from pacing.pool import Ending, Pool
from pacing.settings import CampaignPacing

_ENDINGS: Final = {
    Outcome.NO_ANSWER: Ending.NO_ANSWER,
    Outcome.CANCELLED: Ending.CUT,
    Outcome.SHUTDOWN: Ending.CUT,
    Outcome.INTERRUPTED: Ending.UNSEEN,
    Outcome.BUSY: Ending.FAILED,
    Outcome.REJECTED: Ending.FAILED,
    Outcome.INVALID_NUMBER: Ending.FAILED,
    Outcome.DEAD_NUMBER: Ending.FAILED,
    Outcome.CARRIER_FAILURE: Ending.FAILED,
}
"""How an unanswered call ended."""

_PHASES: Final = {
    AgentState.RESERVED: Phase.RESERVED,
    AgentState.TALKING: Phase.TALKING,
    AgentState.WRAP_UP: Phase.WRAP,
}
_IN_TALK: Final = frozenset({Phase.TALKING, Phase.LEAVING})
_UNFED: Final = frozenset({Mode.PREVIEW, Mode.AGENTLESS, Mode.INBOUND})
"""Whose calls need no agent, or have theirs."""
_COMING: Final = frozenset({CallState.ARRIVED, CallState.MESSAGE, CallState.WAITING})
"""Callers who may ask for an agent (again); what is not here, a recovered call say, is told of when it waits."""
HOUR_S = 3600.0


class Feed:
    """Feeds ``pool``. ``dirty``: something changed since the last decision."""

    def __init__(self, live: Live, pool: Pool, given: Mapping[int, float]) -> None:
        self.live = live
        self.pool = pool
        self._given = given
        self.dirty = True
        self.changes = 0  # calls ended and answers judged: what is worth saving again
        self._known = frozenset(live.settings.campaigns)

    # ---- calls ---------------------------------------------------------------------------------------------

    def facts(self, lead: ClaimedLead, at: float) -> LeadFacts:
        """What the pool may know of a lead dialed at ``at``."""
        hour, given = int(at // HOUR_S) % 24, self._given.get(lead.lead_id)
        return LeadFacts(lead.list_name, hour, lead.attempts, lead.line_type, lead.last_outcome, given)

    def opened(self, call: Call) -> None:
        """The gate is asked, or a former run's call is taken over with what is known of it.

        A preview or a callback has its agent already, and is none of the pool's business.
        """
        name, at = call.campaign.name, call.opened_at
        if call.arrival is not None:
            self.coming(call, at)
            return
        alone = call.bound_agent is None and not call.lead.callback
        if alone and name in self._known and call.campaign.settings.mode not in _UNFED:
            call.fed = self.dirty = True
            self.pool.dialed(call.id, name, call.node, at, self.facts(call.lead, at))
            self.sent(call)
            self.rang(call)

    def coming(self, call: Call, at: float) -> None:
        """A caller is on the line: it rings, they hear a greeting, or are in a menu, and may ask for an agent."""
        if call.campaign.name in self._known and call.state in _COMING and not call.fed:
            call.fed = self.dirty = True
            self.pool.called(call.id, call.campaign.name, call.node, at)

    def asked(self, call: Call) -> None:
        """A customer who only heard a message, or a caller, asks for an agent and competes for one from now on."""
        name, at, now = call.campaign.name, call.clock_from, self.live.now
        if at is None or name not in self._known:
            return
        if call.arrival is not None:
            self.coming(call, now)
            self.pool.asked(call.id, now)
        elif not call.fed:
            call.fed = True
            self.pool.dialed(call.id, name, call.node, at)
            self.pool.sent(call.id, at)
            self.pool.answered(call.id, at)
        self.dirty = True

    def left(self, call: Call) -> None:
        """A caller competes no longer, in this queue at least."""
        if call.fed:
            call.fed, self.dirty = False, True
            self.pool.ended(call.id, self.live.now, Ending.OVER)

    def sent(self, call: Call) -> None:
        """The originate is sent, at ``call.dialed_at``."""
        if call.fed and call.dialed_at is not None:
            self.dirty = True
            self.pool.sent(call.id, call.dialed_at)

    def rang(self, call: Call) -> None:
        """The first 180 or 183 came."""
        if call.fed and call.rang_at is not None:
            self.dirty = True
            self.pool.rang(call.id, call.rang_at)

    def answered(self, call: Call) -> None:
        """Answered; it waits for an agent unless ``missed`` or ``bridged`` follows."""
        if call.fed and call.answered_at is not None:
            self.dirty = True
            self.pool.answered(call.id, call.answered_at)

    def screened(self, call: Call) -> None:
        """Answered, and who did is being found out: ``answered`` or ``machine`` follows, or its end."""
        if call.fed and call.answered_at is not None:
            self.dirty = True
            self.pool.screened(call.id, call.answered_at)

    def machine(self, call: Call) -> None:
        """A machine answered: it asks for no agent."""
        if call.fed:
            self.dirty = True
            self.pool.machine(call.id)

    def taken(self, call: Call, agent: Agent) -> None:
        """The bridge to this agent is sent."""
        if call.fed:
            self.dirty = True
            self.pool.taken(call.id, agent.settings.agent, self.live.now)

    def untaken(self, call: Call) -> None:
        """The bridge failed: it waits again."""
        if call.fed:
            self.dirty = True
            self.pool.untaken(call.id)

    def bridged(self, call: Call) -> None:
        """Customer and agent hear each other: in time or too late, that is known now."""
        if call.fed and call.bridged_at is not None:
            self.dirty = True
            self.pool.bridged(call.id, call.bridged_at)
        self._count(call, abandoned=late(call))

    def missed(self, call: Call, *, abandoned: bool) -> None:
        """It waits no longer, and nobody came; ``abandoned`` when that is how it is going to count."""
        if call.fed:
            self.dirty = True
            self.pool.limit_passed(call.id, self.live.now)
        if abandoned:
            self._count(call, abandoned=True)

    def ended(self, call: Call, outcome: Outcome) -> None:
        """The call is over: forgotten by the pool, and in the ledger exactly as its outcome says."""
        self.changes += 1
        answered = call.answered_at is not None or call.bridged_at is not None
        if call.fed:
            call.fed, self.dirty = False, True
            ending = Ending.OVER if answered else _ENDINGS.get(outcome, Ending.VOID)
            if call.arrival is not None and call.arrival.first_queued_at is None:
                self.pool.machine(call.id)  # a caller who asked for nobody
            if call.dialed_at is None or call.line_failed:
                ending = Ending.VOID  # another line would have got through: nothing is learnt of who answers
            self.pool.ended(call.id, self.live.now if call.ended_at is None else call.ended_at, ending)
        abandoned = None if call.arrival is not None else counts_as_abandoned(call, outcome)
        if call.counted is not None and call.counted[1] is not abandoned:
            self._take_back(call)
        if abandoned is not None:
            self._count(call, abandoned=abandoned)

    def refused(self, call: Call) -> None:
        """The gate said no."""
        self.ended(call, Outcome.INTERRUPTED)

    # ---- the abandon ledger --------------------------------------------------------------------------------

    def _count(self, call: Call, *, abandoned: bool) -> None:
        if call.answered_at is None or call.machine or call.counted is not None or call.arrival is not None:
            return
        if call.campaign.name in self._known:
            self.changes += 1
            call.counted = (call.answered_at, abandoned)
            self.pool.judged(call.campaign.name, call.answered_at, abandoned=abandoned)

    def _take_back(self, call: Call) -> None:
        if call.counted is not None:
            (answered_at, abandoned), call.counted = call.counted, None
            self.pool.unjudged(call.campaign.name, answered_at, abandoned=abandoned)

    def disposed(self, call: Call, code: str) -> None:
        """The agent's word on a customer: a machine is nobody whom we could have left alone."""
        machine = code in call.campaign.settings.machine_dispositions
        if machine is call.machine:
            return
        call.machine = machine
        if machine:
            self._take_back(call)
        else:
            self._count(call, abandoned=late(call))

    # ---- agents --------------------------------------------------------------------------------------------

    def agent(self, agent: Agent) -> None:
        """The agent's state, line, node or wish may have changed."""
        phase = self._phase(agent)
        if agent.fed is None and phase is Phase.AWAY:
            return  # the pool need not hear of agents who were never there
        if agent.fed != (phase, agent.node):
            was, agent.fed = agent.fed, (phase, agent.node)
            self.dirty = True
            from_talk = was is not None and was[0] in _IN_TALK
            name, at = agent.settings.agent, self._since(agent, phase, from_talk)
            campaigns = self.live.calls_out_for(agent)
            talk_over = from_talk and phase not in _IN_TALK
            if talk_over and agent.last_call is not None and not agent.last_call.bridge_seen:
                # Only its end was seen: as a whole talk it would be far too short. Who goes away teaches nothing.
                self.pool.agent(name, Phase.AWAY, at, agent.node, campaigns)
            self.pool.agent(name, phase, at, agent.node, campaigns)

    def _since(self, agent: Agent, phase: Phase, from_talk: bool) -> float:
        """When the phase began: a talk and its end when they happened, however late that was heard."""
        if phase is Phase.TALKING and agent.call is not None and agent.call.bridged_at is not None:
            joined_at = agent.call.joined_at
            return min(self.live.now, agent.call.bridged_at if joined_at is None else joined_at)
        if phase is Phase.WRAP and from_talk and agent.last_call is not None and agent.last_call.ended_at is not None:
            return agent.last_call.ended_at
        return self.live.now

    def node(self, name: str) -> None:
        """A switch became usable, or ceased to be: its free agents are free no more."""
        for agent in self.live.agents.values():
            if agent.node == name:
                self.agent(agent)

    def _phase(self, agent: Agent) -> Phase:
        if agent.state is AgentState.READY:
            free = agent.free and agent.after_call is None and self.live.nodes[agent.node].usable
            return Phase.IDLE if free and not agent.kept else Phase.AWAY
        phase = _PHASES.get(agent.state, Phase.AWAY)
        leaves = agent.after_call is not None or agent.kept  # nobody's next customer is theirs
        return Phase.LEAVING if leaves and phase is not Phase.AWAY else phase


def pacing_of(settings: EngineSettings, name: str) -> CampaignPacing:
    """What the pool works from for one campaign."""
    campaign = settings.campaigns[name]
    if campaign.pacing is not None:
        return campaign.pacing
    if campaign.mode is Mode.INBOUND:
        # Nothing is decided for it: tables that look as far ahead as callers wait would cost 0.1 s each, for nobody.
        return CampaignPacing(name, wait_limit_s=0.0, prior_wrap_s=max(0.5, campaign.wrap_up_s))
    return CampaignPacing(
        name,
        wait_limit_s=campaign.wait_limit_s,
        min_ring_s=campaign.min_ring_s,
        ring_timeout_s=campaign.ring_timeout_s,
        prior_wrap_s=max(0.5, campaign.wrap_up_s),
    )
