"""A blended day under one routing rule: events in order, one settling after each, and what became of everybody."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Any

from bench.routing.rules import Rule
from bench.routing.world import Chance, Day, Pacer
from routing.affinity import own_limit_s
from routing.facts import VIP_SEAT, AgentFacts, AgentState, Direction, RoutingPolicy, WaitingCall

TICK_S = 0.5
NO_WAIT_S = 1e-6


@dataclass(slots=True)
class Agent:
    """An agent, and how long they have worked."""

    facts: AgentFacts
    talking: bool = False
    work_s: float = 0.0


@dataclass(slots=True)
class Caller:
    """Somebody on the line. ``could``: their own agent was free, or came free within their limit."""

    call: WaitingCall
    own: str | None = None
    limit_s: float = 0.0
    could: bool = False
    held: bool = False


@dataclass
class Tally:
    """What became of everybody."""

    vips: int = 0
    vips_waited: int = 0
    busy: int = 0
    vips_busy: int = 0
    callers: int = 0
    lost: int = 0
    waits: list[float] = field(default_factory=list)
    in_20_s: int = 0
    of_tier: dict[str, list[bool]] = field(default_factory=dict)
    own_could: int = 0
    own_reached: int = 0
    own_all: int = 0
    answered: int = 0
    abandoned: int = 0
    dialed: int = 0
    lines_peak: int = 0


class Shift:
    """One run. Time is seconds since the shift began."""

    def __init__(self, day: Day, rule: Rule, seats_apart: bool, seed: int) -> None:
        self.day, self.rule = day, rule
        self.chance = Chance(day, seed)
        self.pacer = Pacer(day)
        self.tally = Tally()
        self.policy = RoutingPolicy()
        self.now = 0.0
        self._events: list[tuple[float, int, str, Any]] = []
        self._count = itertools.count()
        self.waiting: dict[str, Caller] = {}
        self.ringing: dict[int, float] = {}
        self.lines = 0
        self.agents: dict[str, Agent] = {}
        apart = frozenset({VIP_SEAT}) if seats_apart else frozenset[str]()
        for n in range(day.agents):
            seat = n >= day.agents - day.vip_seats
            facts = AgentFacts(f"a{n:03d}", AgentState.FREE, 0.0, dedicated=apart if seat else frozenset())
            self.agents[facts.id] = Agent(facts)
            rule.put_agent(facts)
        self.blended = [name for name, agent in self.agents.items() if not agent.facts.dedicated]
        self.everyday = [f"a{n:03d}" for n in range(day.agents - day.vip_seats)]

    def at(self, when: float, what: str, about: Any = None) -> None:
        heapq.heappush(self._events, (when, next(self._count), what, about))

    def run(self) -> dict[str, float]:
        """The whole day; figures in shares and seconds."""
        self.at(self.chance.next_caller_s(0.0), "caller")
        self.at(0.0, "tick")
        end = self.day.hours * 3600.0
        while self._events[0][0] < end:
            self.now, _, what, about = heapq.heappop(self._events)
            getattr(self, f"_{what}")(about)
            self._settle()
            change = self.rule.next_change()
            if change is not None and change > self.now:
                self.at(change, "nothing")
        return self.figures()

    def _nothing(self, _: Any) -> None:
        """Only a settling."""

    def _caller(self, _: Any) -> None:
        self.at(self.now + self.chance.next_caller_s(self.now), "caller")
        rng = self.chance.rng
        vip, repeat = rng.random() < self.day.vip_share, rng.random() < self.day.repeat_share
        tier, target_s = self.chance.tier()
        own, patience_s = rng.choice(self.everyday), self.chance.patience_s()
        self.tally.vips += vip
        if self.lines >= self.day.lines:
            self.tally.busy += 1
            self.tally.vips_busy += vip
            return
        self._line(1)
        limit_s = own_limit_s(target_s, vip, self.policy)
        known = own if repeat else None
        call = WaitingCall(
            f"in{next(self._count)}", self.now, tier="red" if vip else tier, vip=vip, target_s=5.0 if vip else target_s,
            own_agent=known, own_until=self.now + limit_s,
        )  # fmt: skip
        caller = Caller(call, known, limit_s)
        if known is not None and not vip:
            caller.could = self.agents[known].facts.available
            caller.held = not caller.could
        self._wait(caller, patience_s)

    def _wait(self, caller: Caller, patience_s: float) -> None:
        self.waiting[caller.call.id] = caller
        self.rule.put_call(caller.call)
        self.at(self.now + patience_s, "leave", caller.call.id)

    def _leave(self, call: str) -> None:
        caller = self.waiting.pop(call, None)
        if caller is None:
            return
        self.rule.remove_call(call)
        self._line(-1)
        if caller.call.direction is Direction.OUTBOUND:
            self.tally.answered += 1
            self.tally.abandoned += 1
            self.pacer.judged(True)
        else:
            self.tally.lost += 1
            self._served(caller, None)

    def _dialed(self, about: tuple[int, bool]) -> None:
        dial, answered = about
        del self.ringing[dial]
        if not answered:
            self._line(-1)
            return
        call = WaitingCall(f"out{dial}", self.now, Direction.OUTBOUND, target_s=2.0)
        self._wait(Caller(call), self.day.outbound_patience_s)

    def _tick(self, _: Any) -> None:
        self.at(self.now + TICK_S, "tick")
        free = talking = wrapping = 0
        for name in self.blended:
            agent = self.agents[name]
            free += agent.facts.state is AgentState.FREE
            talking += agent.talking
            wrapping += agent.facts.state is AgentState.WRAP_UP
        ages = [min(30, int(self.now - since)) for since in self.ringing.values()]
        room = min(8, self.day.lines - self.day.reserved_inbound - self.lines)
        waiting = sum(1 for caller in self.waiting.values() if not caller.held)
        for _ in range(self.pacer.start(free, waiting, talking, wrapping, ages, room)):
            dial = next(self._count)
            answered, after_s = self.chance.dial()
            self.ringing[dial] = self.now
            self.tally.dialed += 1
            self._line(1)
            self.at(self.now + after_s, "dialed", (dial, answered))

    def _settle(self) -> None:
        for call, name in self.rule.settle(self.now):
            caller, agent = self.waiting.pop(call), self.agents[name]
            if caller.call.direction is Direction.OUTBOUND:
                self.tally.answered += 1
                self.pacer.judged(False)
            else:
                self._served(caller, name)
            self._state(agent, AgentState.BUSY)
            agent.talking = True
            self.at(self.now + self.chance.talk_s(), "hangup", name)

    def _hangup(self, name: str) -> None:
        agent = self.agents[name]
        agent.talking = False
        agent.work_s += self.now - agent.facts.since
        self._line(-1)
        self._state(agent, AgentState.WRAP_UP)
        self.at(self.now + self.chance.wrap_s(), "ready", name)

    def _ready(self, name: str) -> None:
        agent = self.agents[name]
        agent.work_s += self.now - agent.facts.since
        self._state(agent, AgentState.FREE)
        for caller in self.waiting.values():
            if caller.own == name and self.now <= caller.call.since + caller.limit_s:
                caller.could = True

    def _state(self, agent: Agent, state: AgentState) -> None:
        agent.facts = AgentFacts(agent.facts.id, state, self.now, dedicated=agent.facts.dedicated)
        self.rule.put_agent(agent.facts)

    def _line(self, more: int) -> None:
        self.lines += more
        self.tally.lines_peak = max(self.tally.lines_peak, self.lines)

    def _served(self, caller: Caller, agent: str | None) -> None:
        tally, call = self.tally, caller.call
        waited = self.now - call.since
        tally.callers += 1
        if call.vip:
            tally.vips_waited += waited > NO_WAIT_S
            return
        if caller.own is not None:
            tally.own_all += 1
            tally.own_could += caller.could
            tally.own_reached += caller.could and agent == caller.own
        if agent is not None:
            tally.waits.append(waited)
            tally.in_20_s += waited <= 20.0
        if not caller.held:
            good = agent is not None and waited <= call.target_s
            tally.of_tier.setdefault(call.tier, []).append(good)

    def figures(self) -> dict[str, float]:
        tally, hours = self.tally, self.day.hours
        waits = sorted(tally.waits)
        work = sum(agent.work_s for agent in self.agents.values())
        everyday = sum(self.agents[name].work_s for name in self.everyday)
        result = {
            "vip_calls": float(tally.vips),
            "vip_no_wait": 1.0 - tally.vips_waited / max(1, tally.vips - tally.vips_busy),
            "vip_busy": tally.vips_busy / max(1, tally.vips),
            "own_agent_reached": tally.own_reached / max(1, tally.own_could),
            "own_agent_could": tally.own_could / max(1, tally.own_all),
            "inbound_lost": tally.lost / max(1, tally.callers),
            "inbound_busy": tally.busy / max(1, tally.callers + tally.busy),
            "in_20_s_all": tally.in_20_s / max(1, tally.callers - tally.vips + tally.vips_busy),
            "inbound_wait_p95_s": waits[int(len(waits) * 0.95)] if waits else 0.0,
            "outbound_abandoned": tally.abandoned / max(1, tally.answered),
            "agents_busy": work / (hours * 3600 * len(self.agents)),
            "blended_busy": everyday / (hours * 3600 * len(self.everyday)),
            "connected": float(tally.answered - tally.abandoned),
            "inbound_share": tally.callers / max(1, tally.callers + tally.answered - tally.abandoned),
            "lines_peak": float(tally.lines_peak),
        }
        for name, _, _ in self.day.tiers:
            good = tally.of_tier.get(name, [])
            result[f"in_target_{name}"] = sum(good) / max(1, len(good))
        return result
