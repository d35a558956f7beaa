"""Callbacks: an agent is kept and reserved first, then the customer is dialed for that agent, through the gate.

Owns the moment, and why a callback waits; whose turn it is is ``promises``', who of those has time
``callback_agents``', what became of it the store's. Must not interrupt anybody: only agents who are ready are
reserved, at most the campaign's share of them at once. Answered customers come first: a kept agent may still be given
one who waits.

From ``ahead_s`` before the time an agent is *kept*: pacing does not count on them. They are *reserved* when it is due,
they are ready, and no call is left ringing that was dialed while they were counted on and could find nobody now.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dialer.domain.agent import AgentState, AgentTrigger, Line
from dialer.domain.call import RINGING_STATES
from dialer.domain.callbacks import (
    CallbackClaimed,
    CallbackFact,
    CallbackGone,
    CallbackSettings,
    CallbacksSeen,
    ClaimCallback,
    LookCallbacks,
    PutBackCallback,
)
from dialer.domain.campaign import CampaignState
from dialer.domain.outcomes import Outcome
from dialer.engine.callback_agents import Bench, CallbackAgents, Kept, doing
from dialer.engine.lines import NO_LINE
from dialer.engine.live import Agent, Call, Campaign, Live
from dialer.engine.promises import whose_turn
from dialer.leads.moments import utc

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.announcing import Announcer
    from dialer.engine.calls import CallDesk

LOOK_EVERY_S: Final = 5.0
"""The store is asked so often: others write callbacks down, too."""
MARGIN_S: Final = 2.0 * LOOK_EVERY_S
"""So much sooner than an agent is kept for it a callback is known."""
LEASE_S: Final = 60.0
CLAIM_OVERDUE_S: Final = 20.0
AGAIN_S: Final = 1.0
"""A callback that waits for what no agent does, such as a trunk's channel, is looked at so often."""
LATE_S: Final = 60.0
"""Waiting longer than this past its time is late."""
ALONE_S: Final = 5.0
"""A call whose agent is gone rings on for so long: the phone is rung again meanwhile, or somebody becomes free."""
SERVE_EVERY_S: Final = 0.1
"""At most so often, however much changes: kept agents are nobody else's meanwhile."""


class CallbackDesk:
    """Dials callbacks of the campaigns that do."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.who = CallbackAgents(live)
        self.agents: AgentDesk
        self.calls: CallDesk
        self.announcer: Announcer
        self.rules: dict[str, CallbackSettings] = {
            name: each.callbacks for name, each in live.settings.campaigns.items() if each.callbacks is not None
        }
        self._known: dict[int, CallbackFact] = {}  # due, or soon
        self._why: dict[int, str] = {}
        self._open: dict[str, int] = {}
        self._claiming: dict[int, tuple[CallbackFact, Agent]] = {}
        self._calls: dict[str, Call] = {}
        self._alone: dict[str, float] = {}  # of those, who has no agent any more, since when
        self._served_at = -math.inf
        self._look_at = -math.inf
        self._wake_at = -math.inf
        self._ahead_s = max((rules.ahead_s for rules in self.rules.values()), default=0.0)

    # ---- the turn ------------------------------------------------------------------------------------------

    def run(self) -> None:
        """After every step of the engine, when waiting customers have been given their agents."""
        live = self.live
        if not self.rules:
            return
        if live.now >= self._look_at:
            self._look()
        if live.floor_changed:
            live.floor_changed = False
            self._wake_by(self._served_at + SERVE_EVERY_S)
        if live.now >= self._wake_at:
            self._served_at = live.now
            self._serve_all()

    def _wake_by(self, at: float) -> None:
        self._wake_at = min(self._wake_at, at)
        if self._wake_at < math.inf:
            self.live.timers.set_by(("callback", "wake"), self._wake_at)

    def _look(self) -> None:
        live = self.live
        self._look_at = live.now + LOOK_EVERY_S
        live.timers.set(("callback", "look"), self._look_at)
        if live.store_ok and not live.draining:
            live.emit(LookCallbacks(tuple(self.rules), live.now + self._ahead_s + MARGIN_S))

    def seen(self, event: CallbacksSeen) -> None:
        """What the store has."""
        ours = {call.lead.callback for call in self._calls.values()} | self._claiming.keys()
        self._known = {
            fact.callback: fact
            for fact in event.callbacks
            if fact.campaign in self.rules and fact.callback not in ours
        }
        self._why = {ident: self._why[ident] for ident in self._known.keys() & self._why.keys()}
        self._open = dict(event.counts)
        if event.expired:
            self.live.counters["callbacks_expired"] += event.expired
            text = f"{event.expired} callbacks could not be dialed for too long and were given up"
            self.live.note("warning", "callbacks_expired", text)
        self._wake_by(self.live.now)

    def _serve_all(self) -> None:
        """Each callback whose time it is, the oldest first."""
        live = self.live
        self._wake_at = math.inf
        if not (self._known or self.who.kept or self._calls):
            return
        self._replace_lost_agents()
        kept: Kept = {}
        used = Counter(name for agent in live.agents.values() if (name := self._waits_for(agent)))
        benches: dict[tuple[str, str], Bench] = {}
        for fact in sorted(self._known.values(), key=lambda each: (each.due_at, each.callback)):
            begins = fact.due_at - self.rules[fact.campaign].ahead_s
            if begins > live.now:
                self._wake_by(begins)
                continue
            whose = fact.campaign, fact.queue
            if whose not in benches:
                benches[whose] = self.who.bench(*whose)
            self._why[fact.callback] = self._serve(fact, benches[whose], kept, used)
            # Whatever it waits for: a rule that changes with time, a trunk, a switch.
            self._wake_by(live.now + AGAIN_S)
        self.who.keep(kept)

    def _waits_for(self, agent: Agent) -> str:
        """The campaign for whose callback the agent is reserved."""
        if agent.state is not AgentState.RESERVED:
            return ""
        if agent.call is not None:
            return agent.call.campaign.name if agent.call.lead.callback else ""
        if agent.preview is not None:
            return agent.preview[0].name if agent.preview[1].callback else ""
        return next((fact.campaign for fact, each in self._claiming.values() if each is agent), "")

    def _serve(self, fact: CallbackFact, bench: Bench, kept: Kept, used: Counter[str]) -> str:
        """Keep an agent for it, reserve them if it is time; why it waits."""
        live, rules, campaign = self.live, self.rules[fact.campaign], self.live.campaigns[fact.campaign]
        stopped = self._stopped(campaign)
        if stopped:
            return stopped
        turn = whose_turn(fact, rules, live.settings.agents, self.who.team(fact), live.now)
        if turn.later:
            self._put_back(fact.callback, turn.reason, live.now + rules.later_s)
            self._known.pop(fact.callback)
            return turn.reason
        most = max(1, math.floor(rules.share * bench.size))
        if used[fact.campaign] >= most:
            return f"it waits for its turn: {used[fact.campaign]} agents are kept for callbacks, {most} may be at once"
        agent, why = self.who.choose(fact, turn, bench, kept)
        if agent is None:
            return f"{why}; {turn.reason}"
        used[fact.campaign] += 1
        name = agent.settings.agent
        since = self.who.kept.get(name, (0, live.now))[1]
        kept[name] = fact.callback, since
        if live.now < fact.due_at:
            self._wake_by(fact.due_at)
            return f"due at {utc(fact.due_at)}: agent {name} is kept for it"
        if not self.who.ready(agent):
            return f"agent {name} is kept for it, and {doing(agent)}"
        if not self.who.safe(agent, since):
            return f"agent {name} is kept for it, but calls are ringing that were dialed when they were free"
        problem = self._reserve(fact, campaign, agent)
        if problem is None:
            del kept[name]
        return problem or f"agent {name} is reserved for it"

    def _stopped(self, campaign: Campaign) -> str:
        if self.live.draining:
            return "the dialer is shutting down"
        if campaign.state is not CampaignState.RUNNING:
            return f"campaign {campaign.name} is {campaign.state.value}"
        return self.live.stopped_by()

    # ---- the call ------------------------------------------------------------------------------------------

    def _reserve(self, fact: CallbackFact, campaign: Campaign, agent: Agent) -> str | None:
        """Reserve the agent and ask for the callback; what is in the way, or None."""
        live = self.live
        node = live.nodes[agent.node] if agent.nailed_up else next(n for n in live.nodes.values() if n.usable)
        problem = self.calls.no_room(campaign, node)
        if problem is not None:
            return problem
        self._known.pop(fact.callback)
        self._claiming[fact.callback] = fact, agent
        self.who.asked_in[fact.callback] = fact.queue
        self.agents.move(agent, AgentTrigger.RESERVE, f"callback {fact.callback}")
        live.timers.set(("callback", "claim", str(fact.callback)), live.now + CLAIM_OVERDUE_S)
        live.emit(ClaimCallback(fact.callback, campaign.name, agent.settings.agent, self._lease_s(agent)))
        return None

    @staticmethod
    def _lease_s(agent: Agent) -> float:
        return LEASE_S if agent.nailed_up else LEASE_S + agent.seat.ring_timeout_s

    def claimed(self, event: CallbackClaimed) -> None:
        """It is ours: dial it for the agent who is reserved, or ring the agent's phone first."""
        live, agent = self.live, self._reserved(event.callback)
        if agent is None:
            self._put_back(event.callback, "the agent who was reserved for it was gone")
            return
        campaign = live.campaigns[event.lead.campaign]
        stopped = self._stopped(campaign)
        if stopped:
            self._put_back(event.callback, stopped)
            self.agents.release(agent, stopped)
            return
        fields = {**event.lead.fields, "note": event.note} if event.note else event.lead.fields
        # The store's clock is the wall's: count the lease on ours.
        lead = replace(event.lead, fields=fields, lease_until=live.now + self._lease_s(agent))
        if agent.nailed_up:
            call = self.calls.open(campaign, lead, agent.node, agent)
            if call is None:
                self._put_back(event.callback, NO_LINE)
                self.agents.release(agent, NO_LINE)
            else:
                self.dialed(call)
        else:
            agent.preview = campaign, lead
            self.agents.ring(agent)

    def gone(self, event: CallbackGone) -> None:
        """It is not ours to dial."""
        agent = self._reserved(event.callback)
        if agent is not None:
            self.agents.release(agent, f"callback {event.callback}: {event.reason}")
        self._look_at = min(self._look_at, self.live.now + AGAIN_S)

    def overdue(self, ident: str) -> None:
        """The store did not answer: the agent is not kept waiting. A claim that comes yet is given back."""
        agent = self._reserved(int(ident))
        if agent is not None:
            self.live.counters["callback_claims_overdue"] += 1
            self.agents.release(agent, "the store did not answer")

    def _reserved(self, ident: int) -> Agent | None:
        """The agent who waits for this claim, if they still do."""
        self.live.timers.cancel(("callback", "claim", str(ident)))
        _, agent = self._claiming.pop(ident, (None, None))
        if agent is None or agent.state is not AgentState.RESERVED or agent.call is not None:
            return None
        if agent.preview is not None or agent.lent is not None or agent.own is not None:
            return None
        there = agent.line is Line.PARKED and not agent.held if agent.nailed_up else agent.leg is None
        if not there:
            self.agents.release(agent, "the line was not free")
            return None
        return agent

    def _put_back(self, ident: int, reason: str, due_at: float | None = None) -> None:
        self.live.emit(PutBackCallback(ident, reason, due_at))

    def dialed(self, call: Call) -> None:
        """A call is opened, or sent."""
        if call.lead.callback:
            self._calls[call.id] = call
            self.live.counters["callbacks_dialed"] += call.dialed_at is not None

    def ended(self, call: Call, outcome: Outcome) -> None:
        """A call is over; what that makes of its callback is the store's to say."""
        if call.lead.callback:
            self._calls.pop(call.id, None)
            spoken = outcome is Outcome.CONNECTED
            self.live.counters["callbacks_done" if spoken else "callbacks_in_vain"] += 1
            self._look_at = min(self._look_at, self.live.now + AGAIN_S)

    def compared(self, node: str) -> None:
        """A switch's channels are known: those of a former run that are ours to look after."""
        for call in self.live.calls.values():
            if call.node == node and call.lead.callback:
                self._calls[call.id] = call
        self._wake_by(self.live.now)

    def _replace_lost_agents(self) -> None:
        """A customer is being called back whose agent's line was lost: the next who is ready waits for them."""
        self._calls = {ident: call for ident, call in self._calls.items() if ident in self.live.calls}
        under_way = self._claiming.keys() | {call.lead.callback for call in self._calls.values()}
        self.who.asked_in = {ident: queue for ident, queue in self.who.asked_in.items() if ident in under_way}
        alone, self._alone = self._alone, {}
        for call in self._calls.values():
            if call.bound_agent is None and call.agent is None and call.state in RINGING_STATES and not call.kill_as:
                agent = self.who.instead(call)
                if agent is not None:
                    self._reserve_instead(call, agent)
                else:
                    self._alone[call.id] = alone.get(call.id, self.live.now)
                    self._leave(call)

    def _reserve_instead(self, call: Call, agent: Agent) -> None:
        # Routing is told with the move: it must see whom the agent waits for.
        agent.call, call.bound_agent, call.agent_id = call, agent.settings.agent, agent.settings.agent
        self.agents.move(agent, AgentTrigger.RESERVE, f"callback {call.lead.callback}")
        self.announcer.opened(call)

    def _leave(self, call: Call) -> None:
        """Nobody is there for a customer who is being called: no call is better than one that finds nobody."""
        over = max(self._alone[call.id] + ALONE_S, self.calls.rings_until(call))
        if self.live.now >= over:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CANCELLED, "no agent was left for the callback")
        else:
            self._wake_by(over)

    # ---- for people ----------------------------------------------------------------------------------------

    def counts(self, campaign: str) -> dict[str, int]:
        """How a campaign's callbacks stand."""
        if campaign not in self.rules:
            return {}
        now = self.live.now
        mine = [fact for fact in self._known.values() if fact.campaign == campaign]
        calls = [call for call in self._calls.values() if call.campaign.name == campaign]
        return {
            "open": self._open.get(campaign, 0),
            "due": sum(fact.due_at <= now for fact in mine),
            "late": sum(fact.due_at < now - LATE_S for fact in mine),
            "dialing": len(calls) + sum(fact.campaign == campaign for fact, _ in self._claiming.values()),
        }

    def explain(self) -> list[dict[str, Any]]:
        """Every callback that is due soon, or at hand, and why it waits."""
        told = [(fact, self._why.get(fact.callback, f"due at {utc(fact.due_at)}")) for fact in self._known.values()]
        told += [(fact, f"agent {agent.settings.agent} is reserved for it") for fact, agent in self._claiming.values()]
        rows = [
            {"callback": fact.callback, "campaign": fact.campaign, "agent": fact.agent, "due_at": fact.due_at,
             "waits": why}
            for fact, why in sorted(told, key=lambda each: (each[0].due_at, each[0].callback))
        ]  # fmt: skip
        rows += [
            {"callback": call.lead.callback, "campaign": call.campaign.name, "agent": call.bound_agent or "",
             "due_at": call.opened_at, "waits": f"it is {call.state.value}, attempt {call.id}"}
            for call in self._calls.values()
        ]  # fmt: skip
        return rows
