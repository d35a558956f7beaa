"""Who may be kept and reserved for a callback at this moment, and why nobody is.

Owns the choice among those whose turn it is (``promises``), and whom pacing counts on no longer. Reserves nobody and
dials nothing: that is ``callbacks``'.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState
from dialer.domain.call import PENDING_STATES
from dialer.domain.callbacks import CallbackFact
from dialer.engine.agents import LOGGED_IN_STATES
from dialer.engine.live import Agent, Call, Live
from dialer.engine.promises import Turn, mates

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk

_SOON_FREE: Final = (AgentState.WRAP_UP, AgentState.TALKING)
"""In the order in which somebody in it is likely to be free."""
Kept = dict[str, tuple[int, float]]
"""Agents by name: for which callback, and since when."""


@dataclass(slots=True)
class Bench:
    """The agents of a campaign, or of the queue that its customers had called, for one look at all these callbacks:
    ``size`` are at work; those who may be taken, who is ready first, then who is free soonest, each in order.
    """

    size: int
    ready: deque[Agent]
    soon: deque[Agent]


class CallbackAgents:
    """Chooses agents for callbacks."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.agents: AgentDesk
        self.kept: Kept = {}
        self.asked_in: dict[int, str] = {}
        """Callbacks that are claimed or dialed, and the queue in which the customer asked for it."""
        self._before: dict[int, str] = {}  # the same by callback
        self._mates: dict[tuple[str, str], tuple[str, ...]] = {}

    def serving(self, campaign: str, queue: str) -> list[Agent]:
        """Who is at work for it, those first who have been idle longest: for a caller the people of their ``queue``,
        and while none of them is there, or for whom we had called, those of the campaign."""
        here = [a for a in self.live.agents.values() if a.state in LOGGED_IN_STATES]
        theirs = [a for a in here if queue and queue in self.live.calls_out_for(a)]
        theirs = theirs or [a for a in here if campaign in self.live.calls_out_for(a)]
        return sorted(theirs, key=lambda a: (a.idle_since, a.settings.agent))

    def team(self, fact: CallbackFact) -> tuple[str, ...]:
        """Who takes it when its agent has no time."""
        key = fact.agent, fact.campaign
        if key not in self._mates:
            self._mates[key] = mates(self.live.settings.agents, *key)
        return self._mates[key]

    def bench(self, campaign: str, queue: str) -> Bench:
        """Who may be taken for a campaign's callbacks now, of customers who had called in ``queue``, or whom we had."""
        serving = self.serving(campaign, queue)
        able = [agent for agent in serving if self.able(agent, {})]
        ready = deque(agent for agent in able if self.ready(agent))
        soon = sorted((agent for agent in able if not self.ready(agent)), key=_soonest)
        return Bench(len(serving), ready, deque(soon))

    def choose(self, fact: CallbackFact, turn: Turn, bench: Bench, kept: Kept) -> tuple[Agent | None, str]:
        """Somebody ready, the first choice if they are; else who was chosen before, else who may be free soonest."""
        agents = self.live.agents
        first = agents.get(fact.agent if turn.who is not None else turn.first)
        before = agents.get(self._before.get(fact.callback, ""))
        if turn.who is None:
            among: Iterable[Agent] = self._next(bench, kept)
            if before is not None:
                among = (before, *among)
        else:
            among = (agents[name] for name in turn.who)
        if first is not None:
            among = (first, *among)
        able = [agent for agent in among if self.able(agent, kept)]
        if not able:
            return None, self.nobody(fact, turn)
        ready = [agent for agent in able if self.ready(agent)]
        for wanted in (first, before):
            if wanted in ready:
                return wanted, ""
        if ready:
            return ready[0], ""
        return (before if before in able else min(able, key=_soonest)), ""

    def _next(self, bench: Bench, kept: Kept) -> tuple[Agent, ...]:
        """The next who is ready, and the next of the others; whoever was taken meanwhile leaves the bench."""
        for line in (bench.ready, bench.soon):
            while line and not self.able(line[0], kept):
                line.popleft()
        return tuple(line[0] for line in (bench.ready, bench.soon) if line)

    def instead(self, call: Call) -> Agent | None:
        """Who takes the place of an agent who is lost while the customer's phone rings: that one again at best."""
        serving = self.serving(call.campaign.name, self.asked_in.get(call.lead.callback, ""))
        able = [a for a in serving if a.nailed_up and a.node == call.node]
        able.sort(key=lambda agent: agent.settings.agent != call.agent_id)
        return next((a for a in able if self.ready(a) and self.safe(a, self.live.now)), None)

    def able(self, agent: Agent, kept: Kept) -> bool:
        """Whether the agent is going to be ready by themself, and is nobody else's then."""
        busy = agent.lent is not None or agent.own is not None or agent.held
        at_work = agent.state is AgentState.READY or agent.state in _SOON_FREE
        taken = agent.settings.agent in kept
        return at_work and not busy and not taken and agent.after_call is None and not self.live.dedicated(agent)

    def ready(self, agent: Agent) -> bool:
        """Whether the agent may be reserved this instant."""
        if agent.state is not AgentState.READY or agent.after_call is not None or agent.call is not None:
            return False
        if agent.nailed_up:
            return agent.free and self.live.nodes[agent.node].usable
        return agent.leg is None and any(node.usable for node in self.live.nodes.values())

    def nobody(self, fact: CallbackFact, turn: Turn) -> str:
        """Why none of those whose turn it is is able."""
        if turn.who is None:
            whose = f"queue {fact.queue}, or else of " if fact.queue else ""
            return f"no agent of {whose}the campaign is at work and free for it"
        own = self.live.agents[fact.agent]
        if self.live.dedicated(own):
            return f"agent {fact.agent} sits at a seat that is kept for others"
        return f"agent {fact.agent} {doing(own)}"

    def safe(self, agent: Agent, since: float) -> bool:
        """Whether every call that was dialed while the agent was counted on has another one, or is over."""
        if not agent.nailed_up:
            return True
        live = self.live
        for name in live.calls_out_for(agent):
            campaign = live.campaigns.get(name)
            if campaign is None:
                continue
            need = sum(
                1
                for call in campaign.calls.values()
                if call.state in PENDING_STATES and call.opened_at < since and call.node == agent.node
                and call.agent is None and call.bound_agent is None
                and (campaign.settings.agentless is None or (call.told is not None and call.told.asked))
            )  # fmt: skip
            if need > len(live.free_agents(campaign, agent.node)):
                return False
        return True

    def keep(self, kept: Kept) -> None:
        """Let pacing count on these agents no longer, and again on who is not kept any more."""
        changed = [name for name in self.kept.keys() ^ kept.keys() if name in self.live.agents]
        self.kept = kept
        self._before = {callback: name for name, (callback, _) in kept.items()}
        for name in sorted(changed):
            agent = self.live.agents[name]
            agent.kept = name in kept
            self.agents.changed(agent)
        self.live.floor_changed = False


def _soonest(agent: Agent) -> tuple[int, float, str]:
    """Who is in wrap-up before who talks, and of those who has been longest."""
    rank = _SOON_FREE.index(agent.state) if agent.state in _SOON_FREE else len(_SOON_FREE)
    return rank, agent.since, agent.settings.agent


def doing(agent: Agent) -> str:
    """What an agent does, in words that follow a name."""
    words = {
        AgentState.LOGGED_OUT: "is not logged in",
        AgentState.UNAVAILABLE: "cannot be reached: the phone was lost",
        AgentState.CONNECTING: "is being connected",
        AgentState.WRAP_UP: "is in wrap-up",
    }
    if agent.state is AgentState.READY and agent.after_call is None and (agent.nailed_up and not agent.free):
        return "is ready, but their line is not free yet"
    return words.get(agent.state, f"is {agent.state.value.replace('_', ' ')}")
