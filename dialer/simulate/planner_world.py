"""The world of a planned shift: carrier, people and agents around the production engine, on a virtual clock.

Owns time and what happens outside the dialer; speaks events and commands with the engine, without a wire. Counts into
a ``Tally``, judges nothing. Everything follows from the plan and the seed. What is simpler than life: a phone rings at
once (also one that will fail: ringing tells nothing), the store answers at once, a bridge takes 1 ms, a cancelled
ring ends 20 ms later (an answer in between crosses the hang-up), who finds no agent leaves at the limit.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.engine import Engine
from dialer.simulate.people import ANSWERS, People
from dialer.simulate.planner_leads import Leads
from dialer.simulate.planner_settings import CAMPAIGN, NODE, agent_names, most_agents
from dialer.simulate.scenario import Change
from dialer.simulate.scenario_file import Plan
from dialer.simulate.tally import Tally

START_S = 1_800_000_000.0
"""When every planned shift begins: a Friday, 08:00 UTC."""
LOGIN_S = 0.06
"""Phones are rung one after another; so long each, and a moment, before the shift."""
BRIDGE_S = 0.001
CANCEL_S = 0.020
SAMPLE_S = 10.0
NO_END_S = 60 * 86_400.0
"""A shift that has not drained so long after its end is broken."""

RINGING, WAITING, TALKING, OVER = range(4)
OUT, IDLE, TALK, WRAP, PAUSED = range(5)
TICK = ev.Tick()


class Broken(Exception):
    """The simulated shift cannot go on: a fault of the planner or the engine, not of the scenario."""


@dataclass(slots=True, eq=False)
class _Leg:
    """A customer's channel."""

    uuid: str
    lead: int
    state: int = RINGING
    answer: int = -1  # which answer of the tally
    agent: _Agent | None = None
    killed: bool = False


@dataclass(slots=True, eq=False)
class _Agent:
    """An agent with a phone. ``wish`` is what follows the customer at hand."""

    name: str
    leg: str = ""
    state: int = OUT
    since: float = 0.0
    wish: str = ""
    back_at: float = 0.0
    back_no: int = 0


class World:
    """One shift. ``run`` lets it pass from the first login to the last call's end."""

    def __init__(
        self, plan: Plan, seed: int, engine: Callable[[float], Engine], people: People, leads: Leads, tally: Tally
    ) -> None:
        scenario = plan.scenario
        self.scenario = scenario
        self.people, self.leads, self.tally = people, leads, tally
        self._seed = seed
        names = agent_names(most_agents(scenario))
        self.ends_at = START_S + scenario.shift_hours * 3600.0
        self.now = START_S - LOGIN_S * scenario.agents - 1.0
        self.engine = engine(self.now)
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._seq = 0
        self._inbox: deque[ev.Event] = deque()
        self._legs: dict[str, _Leg] = {}
        self._agents = {name: _Agent(name) for name in names}
        self._by_leg: dict[str, _Agent] = {}
        self._drained = False
        self._ringing = self._waiting = 0
        self._patience_s = scenario.patience_s
        self._on: dict[type[Any], Callable[[Any], None]] = {
            cmd.OpenAttempt: lambda order: self._inbox.append(leads.open(order)),
            cmd.OriginateCall: self._launch,
            cmd.CloseAttempt: self._closed,
            cmd.ClaimLeads: lambda order: self._inbox.append(leads.claim(order, self.now)),
            cmd.ReleaseLeads: leads.release,
            cmd.Bridge: self._bridge,
            cmd.HangUp: self._hang_up,
            cmd.OriginateAgent: self._ring_agent,
            cmd.ParkLeg: lambda order: self._inbox.append(ev.LegParked(order.uuid, self.now)),
            cmd.TakeSnapshot: self._list,
            cmd.Drained: self._over,
        }

    # ---- time ----------------------------------------------------------------------------------------------

    def run(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """The whole shift. ``progress`` hears now and then which share of it has passed. Raises Broken."""
        self._open()
        heap, next_due, feed = self._heap, self.engine.next_due, self._feed
        told = START_S
        last = self.ends_at + NO_END_S
        while not self._drained:
            due = next_due()
            if heap and (due is None or heap[0][0] <= due):
                at, _, act, what = heapq.heappop(heap)
                if at > self.now:
                    self.now = at
                act(what)
            elif due is None or due > last:
                raise Broken(f"the shift did not drain: {len(self._legs)} calls are left, the next turn is {due}")
            else:
                if due > self.now:
                    self.now = due
                feed(TICK)
            if self.now - told > 300.0:
                told = self.now
                progress(min(1.0, (told - START_S) / (self.ends_at - START_S)))
        progress(1.0)

    def _at(self, due: float, act: Callable[[Any], None], what: Any = None) -> None:
        self._seq += 1
        heapq.heappush(self._heap, (due, self._seq, act, what))

    def _feed(self, event: ev.Event) -> None:
        """One event into the engine, and whatever the world answers at once."""
        inbox, on, handle = self._inbox, self._on, self.engine.handle
        while True:
            for command in handle(event, self.now):
                act = on.get(type(command))
                if act is not None:
                    act(command)
            if not inbox:
                return
            event = inbox.popleft()

    # ---- the shift -----------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Everybody logs in before the shift, so that it begins with all of them ready at once."""
        self._feed(ev.Recovered())
        self._feed(ev.SwitchUp(NODE))
        for name in list(self._agents)[: self.scenario.agents]:
            self._feed(ev.AgentLogin(0, name))
        self._at(START_S, self._begin)
        for index, change in enumerate(self.scenario.changes):
            self._at(START_S + change.at_hour * 3600.0, self._change, (index, change))
        self._at(START_S + SAMPLE_S, self._sample)
        self._at(self.ends_at, self._end)

    def _begin(self, _: Any) -> None:
        for name in list(self._agents)[: self.scenario.agents]:
            self._to(self._agents[name], IDLE)
            self._feed(ev.AgentReady(0, name))
        self._feed(ev.CampaignOrder(0, CAMPAIGN, "start"))

    def _end(self, _: Any) -> None:
        """No more calls; what rings may still answer and is served, and every conversation goes on to its end."""
        self._feed(ev.Shutdown(NO_END_S))

    def _over(self, _: cmd.Drained) -> None:
        self._drained = True
        for agent in self._agents.values():
            self._to(agent, OUT)

    def _sample(self, _: Any) -> None:
        states = [agent.state for agent in self._agents.values()]
        busy = states.count(TALK) + states.count(WRAP)
        logged_in = len(states) - states.count(OUT)
        self.tally.sample(self.now - START_S, logged_in, busy, self._ringing, self._waiting)
        if self.now + SAMPLE_S <= self.ends_at + 1e-6:
            self._at(self.now + SAMPLE_S, self._sample)

    def _list(self, order: cmd.TakeSnapshot) -> None:
        found = [
            ev.ChannelFact(
                leg.uuid, "call", leg.uuid, leg.state != RINGING, leg.agent.leg if leg.agent else None, self.now
            )
            for leg in self._legs.values()
        ]
        peers = {leg.agent.leg: leg.uuid for leg in self._legs.values() if leg.agent is not None}
        for uuid, agent in self._by_leg.items():
            peer = peers.get(uuid)
            found.append(ev.ChannelFact(uuid, "agent", agent.name, True, peer, self.now, peer is None))
        self._inbox.append(ev.SwitchSnapshot(order.node, self.now, tuple(found)))

    # ---- customers -----------------------------------------------------------------------------------------

    def _launch(self, order: cmd.OriginateCall) -> None:
        lead = int(order.number) % 10_000_000_000 - 1
        leg = _Leg(order.uuid, lead)
        self._legs[order.uuid] = leg
        self._ringing += 1
        self.tally.launched(len(self._legs))
        fate = self.people.fate(lead)
        if fate.how == ANSWERS:
            self._at(self.now + fate.after_s, self._answer, leg)
        else:
            self._at(self.now + fate.after_s, self._unanswered, (leg, fate.cause))
        self._inbox.append(ev.LegRinging(order.uuid, self.now))

    def _answer(self, leg: _Leg) -> None:
        if leg.state != RINGING:
            return
        leg.state = WAITING
        self._ringing -= 1
        self._waiting += 1
        leg.answer = self.tally.answered(self.now - START_S)
        self._at(self.now + self._patience_s, self._gives_up, leg)
        self._feed(ev.OriginateReplied(leg.uuid, True))
        self._feed(ev.LegAnswered(leg.uuid, self.now))

    def _unanswered(self, what: tuple[_Leg, str]) -> None:
        leg, cause = what
        if leg.state == RINGING:
            self._gone(leg, cause, "")

    def _gives_up(self, leg: _Leg) -> None:
        if leg.state == WAITING:
            self._gone(leg, "NORMAL_CLEARING", "recv_bye")

    def _gone(self, leg: _Leg, cause: str, disposition: str) -> None:
        """The leg ends, whatever it did; the engine is told."""
        if leg.state == RINGING:
            self._ringing -= 1
        elif leg.state == WAITING:
            self._waiting -= 1
        leg.state = OVER
        del self._legs[leg.uuid]
        self._feed(ev.LegHungUp(leg.uuid, self.now, cause, hangup_disposition=disposition))

    def _hang_up(self, order: cmd.HangUp) -> None:
        leg = self._legs.get(order.uuid)
        if leg is not None and not leg.killed:
            leg.killed = True
            self._at(self.now + CANCEL_S, self._killed, (leg, order.cause))
        elif (agent := self._by_leg.pop(order.uuid, None)) is not None:
            agent.leg = ""

    def _killed(self, what: tuple[_Leg, str]) -> None:
        leg, cause = what
        if leg.state == OVER:
            return
        if leg.state == RINGING:
            self.tally.hung_up_ringing += 1
        if leg.state == TALKING:
            self._talk_over(leg)
        else:
            self._gone(leg, cause, "send_bye")

    def _closed(self, order: cmd.CloseAttempt) -> None:
        self.leads.close(order)
        self.tally.closed(order, START_S)

    # ---- conversations -------------------------------------------------------------------------------------

    def _bridge(self, order: cmd.Bridge) -> None:
        leg, agent = self._legs.get(order.call_uuid), self._by_leg.get(order.agent_uuid)
        if leg is None or leg.state != WAITING or agent is None:
            self._inbox.append(ev.BridgeReplied(order.call_uuid, order.agent_uuid, False, "-ERR no such channel"))
            return
        self._at(self.now + BRIDGE_S, self._bridged, (leg, agent))

    def _bridged(self, what: tuple[_Leg, _Agent]) -> None:
        leg, agent = what
        if leg.state != WAITING:
            self._feed(ev.BridgeReplied(leg.uuid, agent.leg, False, "-ERR the customer is gone"))
            return
        leg.state = TALKING
        leg.agent = agent
        self._waiting -= 1
        self._to(agent, TALK)
        self._at(self.now + self.people.talk_s(leg.lead), self._talk_over, leg)
        self._feed(ev.BridgeReplied(leg.uuid, agent.leg, True))
        self._feed(ev.LegsBridged(leg.uuid, agent.leg, self.now))

    def _talk_over(self, leg: _Leg) -> None:
        agent = leg.agent
        if leg.state != TALKING or agent is None:
            return
        self._to(agent, WRAP)
        self._at(self.now + self.people.wrap_s(leg.lead), self._wrapped, agent)
        self._feed(ev.LegParked(agent.leg, self.now))
        self._gone(leg, "NORMAL_CLEARING", "recv_bye")

    def _wrapped(self, agent: _Agent) -> None:
        if agent.state != WRAP:
            return
        wish, agent.wish = agent.wish, ""
        if wish == "logout":
            self._leave(agent)
        elif wish == "pause" and agent.back_at > self.now:
            self._pause(agent)
        else:
            self._to(agent, IDLE)
            self._feed(ev.AgentReady(0, agent.name))

    # ---- agents --------------------------------------------------------------------------------------------

    def _to(self, agent: _Agent, state: int) -> None:
        """A new state; the time in the old one is counted, as far as it lies in the shift."""
        begin, end = max(agent.since, START_S), min(self.now, self.ends_at)
        if end > begin and agent.state != OUT:
            self.tally.spent(end - begin, talk=agent.state == TALK, wrap=agent.state == WRAP)
        agent.state = state
        agent.since = self.now

    def _ring_agent(self, order: cmd.OriginateAgent) -> None:
        agent = self._agents[order.agent]
        agent.leg = order.uuid
        self._by_leg[order.uuid] = agent
        self._inbox.append(ev.OriginateReplied(order.uuid, True))
        self._inbox.append(ev.LegParked(order.uuid, self.now))
        if self.now > START_S:
            self._to(agent, IDLE)
            self._inbox.append(ev.AgentReady(0, agent.name))

    def _leave(self, agent: _Agent) -> None:
        self._to(agent, OUT)
        self._feed(ev.AgentLogout(0, agent.name))

    def _pause(self, agent: _Agent) -> None:
        self._to(agent, PAUSED)
        self._feed(ev.AgentPause(0, agent.name, "pause"))

    def _back(self, what: tuple[_Agent, int]) -> None:
        agent, number = what
        if number != agent.back_no:
            return  # a later pause holds
        if agent.wish == "pause":
            agent.wish = ""  # the pause is over before the conversation was
        if agent.state == PAUSED:
            self._to(agent, IDLE)
            self._feed(ev.AgentReady(0, agent.name))

    # ---- what changes in the shift -------------------------------------------------------------------------

    def _change(self, what: tuple[int, Change]) -> None:
        index, change = what
        self.tally.changed(index, change.at_hour * 3600.0)
        if change.fast_failure is not None:
            self.people.set_failures(
                change.fast_failure.share,
                change.fast_failure.seconds,
                answers_too=change.answer_probability is None,
            )
        if change.answer_probability is not None:
            self.people.set_answers(change.answer_probability)
        if change.agents is not None:
            self._staff(change.agents)
        if change.pause_share is not None and change.for_minutes is not None:
            self._lunch(index, change.pause_share, change.for_minutes * 60.0)

    def _staff(self, count: int) -> None:
        """So many agents from now on: the last ones leave, after the customer at hand."""
        for position, agent in enumerate(self._agents.values()):
            if position < count and agent.state == OUT:
                self._feed(ev.AgentLogin(0, agent.name))
            elif position < count and agent.wish == "logout":
                agent.wish = ""
            elif position >= count and agent.state in (TALK, WRAP):
                agent.wish = "logout"
            elif position >= count and agent.state != OUT:
                self._leave(agent)

    def _lunch(self, index: int, share: float, seconds: float) -> None:
        """So many of those at work go at once; who talks or writes goes after that, and all come back together."""
        present = [a for a in self._agents.values() if a.state in (IDLE, TALK, WRAP) and a.wish != "logout"]
        going = random.Random(f"lunch {self._seed} {index}").sample(present, round(share * len(present)))
        for agent in going:
            agent.back_at = self.now + seconds
            agent.back_no += 1
            self._at(agent.back_at, self._back, (agent, agent.back_no))
            if agent.state == IDLE:
                self._pause(agent)
            else:
                agent.wish = "pause"
