"""A blended day under one routing rule: the production engine and pacing on the planner's world, with callers in it.

Owns the caller's side of that world (who calls, waits, talks, hangs up), the switch's answers to orders about callers,
and the count of what became of everybody. Outbound is the planner's, unchanged: the same gate, leads, agents, trunk.
What is simpler than life: a caller is answered 20 ms after the order, and the store says at once who calls.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bench.routing.rules import OURS, RULES
from bench.routing.world import VIP, Day, Person, callers
from config.errors import Fault
from config.tree import parse
from dialer.domain import events as ev
from dialer.domain.inbound import (
    CallerArrived,
    DismissCaller,
    HoldCaller,
    InboundSettings,
    JudgeArrival,
    Kind,
    NumberSettings,
    QueueSettings,
    SendToFallback,
    Way,
)
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import Join
from dialer.domain.routing import RoutingSettings
from dialer.domain.settings import CampaignSettings, EngineSettings, Mode
from dialer.engine import Engine
from dialer.simulate import scenario_file
from dialer.simulate.people import People
from dialer.simulate.planner_leads import Leads
from dialer.simulate.planner_settings import ANY_TIME, CAMPAIGN, NEVER_S, NODE, TRUNK, agent_names, engine_settings
from dialer.simulate.planner_world import IDLE, RINGING, START_S, TALK, WAITING, WRAP, World, _Agent, _Leg
from dialer.simulate.tally import Tally
from dialer.store.judging import KnownLead, judged
from routing.affinity import Conversation
from routing.boxes import Words
from routing.facts import VIP_SEAT
from routing.intake import Rules
from routing.tiers import DEFAULT_TIERS, TierPlan, TierRule
from routing.vip import VipRule

QUEUE, DID = "callers", "+19990000000"
ANSWER_S = 0.02
NO_WAIT_S = 0.5
"""The engine's own bound (``QueueDesk.NO_WAIT_S``): the bridge itself takes a moment. Here it takes 1 ms."""
IN_TIME_S = 20.0
FIRST_CALLER = 4_000_000_000
"""Callers talk as long as leads with such numbers would: the same talk for the same caller under every rule."""
DAY_AGO_S = 86_400.0
LONGEST_WAIT_S = 600.0


def rules_of(day: Day) -> Rules:
    """By which the store judges who calls: the tier and the VIP stand in the caller's record."""
    targets = {name: target_s for name, _, target_s in day.tiers}
    tiers = tuple(replace(tier, target_s=targets.get(tier.name, tier.target_s)) for tier in DEFAULT_TIERS)
    plan = TierPlan(tuple(TierRule(name, {"tier": Words(frozenset({name}))}) for name in targets), "ordinary")
    vips = (VipRule("marked", fields={VIP: Words(frozenset({"yes"}))}),)
    return Rules(day.policy, tiers, plan, vips)


def settings_of(day: Day, plan: scenario_file.Plan, seats_apart: bool) -> EngineSettings:
    """The planner's settings, with a queue that everybody serves, a number that is called, and seats for VIPs."""
    made = engine_settings(plan, START_S)
    names = agent_names(day.agents)
    queue = CampaignSettings(
        QUEUE, Mode.INBOUND, (), "", "", ANY_TIME, min_ring_s=0.0, wait_limit_s=LONGEST_WAIT_S,
        wrap_up_s=NEVER_S, queue=QueueSettings(max_wait_s=LONGEST_WAIT_S, announce_every_s=NEVER_S),
    )  # fmt: skip
    number = NumberSettings(DID, Way(Kind.QUEUE, QUEUE), QUEUE, trunk=TRUNK)
    kept = names[len(names) - day.vip_seats :] if seats_apart else []
    return replace(
        made,
        agents={n: replace(a, campaigns=frozenset({CAMPAIGN, QUEUE})) for n, a in made.agents.items()},
        campaigns=dict(made.campaigns) | {QUEUE: queue},
        trunks={TRUNK: replace(made.trunks[TRUNK], reserved_inbound=day.reserved_inbound)},
        inbound=InboundSettings({DID: number}),
        routing=RoutingSettings(day.policy, {f"s-{name}": frozenset({VIP_SEAT}) for name in kept}),
    )


@dataclass(slots=True, eq=False)
class _Caller(_Leg):
    """A caller's channel. ``could``: their own agent was free, or came free within their limit; ``held``: was busy when
    they came, and they waited. ``served_by``: with whom they spoke, after ``waited_s``."""

    person: Person = field(default_factory=lambda: Person(0, 0.0, False, "", -1, 0.0))
    own: str = ""
    limit_s: float = 0.0
    since: float = -1.0
    ordered: bool = False
    could: bool = False
    held: bool = False
    served_by: str = ""
    waited_s: float = 0.0


@dataclass
class Met:
    """What callers met."""

    callers: int = 0
    busy: int = 0
    vips_busy: int = 0
    vips: int = 0
    vips_waited: int = 0
    lost: int = 0
    turned_away: int = 0
    waits: list[float] = field(default_factory=list)
    in_20_s: int = 0
    apart: int = 0
    apart_in_20_s: int = 0
    of_tier: dict[str, list[bool]] = field(default_factory=dict)
    own_all: int = 0
    own_could: int = 0
    own_reached: int = 0
    everyday_s: float = 0.0


class BlendedWorld(World):
    """One day. ``apart``: the last seats are kept for VIPs."""

    def __init__(self, day: Day, rule: str, seed: int) -> None:
        faults: list[Fault] = []
        tree = parse(yaml.safe_dump(day.scenario), "day", faults)
        assert tree is not None, faults
        plan = scenario_file.build(tree, "day", Path(), faults)
        numbers, settings = itertools.count(1), settings_of(day, plan, rule == OURS)
        people, tally = People(plan, seed), Tally()

        def engine(now: float) -> Engine:
            return Engine(settings, now, lambda: f"{next(numbers):032x}")

        super().__init__(plan, seed, engine, people, Leads(people, None), tally)
        swapped = RULES[rule]
        if swapped is not None:
            self.engine._desks.calls.router.queue = swapped()
        self.day, self.met, self.rules = day, Met(), rules_of(day)
        self._names = agent_names(day.agents)
        self._everyday = frozenset(self._names[: day.agents - day.vip_seats])
        self._coming: Iterator[Person] = iter(callers(day, seed))
        self._known: dict[str, Person] = {}
        self._on |= {
            JudgeArrival: self._judge,
            HoldCaller: self._hold,
            DismissCaller: self._dismiss,
            SendToFallback: self._dismiss,
            Join: self._join,
        }

    # ---- who calls -----------------------------------------------------------------------------------------

    def _begin(self, what: Any) -> None:
        super()._begin(what)
        self._next()

    def _next(self) -> None:
        person = next(self._coming, None)
        if person is not None:
            self._at(START_S + person.at_s, self._calls, person)

    def _calls(self, person: Person) -> None:
        self._next()
        self.met.vips += person.vip
        if len(self._legs) >= self.day.lines:
            self.met.busy += 1
            self.met.vips_busy += person.vip
            return
        uuid = f"c{person.place:031x}"
        own = self._names[person.own] if person.own >= 0 else ""
        leg = _Caller(uuid, FIRST_CALLER + person.place, person=person, own=own)
        self._legs[uuid] = leg
        self.tally.lines_peak = max(self.tally.lines_peak, len(self._legs))
        self._known[person.number] = person
        self._feed(CallerArrived(NODE, uuid, DID, person.number, self.now))

    def _judge(self, order: JudgeArrival) -> None:
        """The store: the production judgement of what it has on record."""
        person, leg = self._known[order.number], self._legs.get(order.call_id)
        lead = KnownLead(person.place + 1, order.number, "", {"tier": person.tier, VIP: "yes" if person.vip else "no"})
        own = leg.own if isinstance(leg, _Caller) else ""
        talks = [Conversation(own, order.at - DAY_AGO_S, order.number)] if own else []
        told = judged(order, self.rules, [lead], talks, [])
        if isinstance(leg, _Caller):
            leg.limit_s = told.own_limit_s
        self._inbox.append(told)

    def _hold(self, order: HoldCaller) -> None:
        leg = self._legs.get(order.uuid)
        if isinstance(leg, _Caller) and not leg.ordered:
            leg.ordered = True
            self._at(self.now + ANSWER_S, self._up, leg)

    def _up(self, leg: _Caller) -> None:
        """Answered: the caller waits from now on."""
        if leg.state != RINGING:
            return
        leg.state, leg.since = WAITING, self.now
        if leg.own and not leg.person.vip:
            leg.could = self._agents[leg.own].state == IDLE
            leg.held = not leg.could
        self._at(self.now + leg.person.patience_s, self._gives_up, leg)
        self._feed(ev.LegAnswered(leg.uuid, self.now))

    def _dismiss(self, order: DismissCaller | SendToFallback) -> None:
        leg = self._legs.get(order.uuid)
        if isinstance(leg, _Caller):
            self.met.turned_away += leg.state == WAITING
            self._at(self.now + ANSWER_S, self._killed, (leg, "NORMAL_CLEARING"))

    # ---- conversations -------------------------------------------------------------------------------------

    def _join(self, order: Join) -> None:
        leg, agent = self._legs.get(order.a_uuid), self._by_leg.get(order.b_uuid)
        if isinstance(leg, _Caller) and leg.state == WAITING and agent is not None:
            self._at(self.now + 0.001, self._joined, (leg, agent))
        else:
            self._inbox.append(ev.BridgeReplied(order.a_uuid, order.b_uuid, False, "-ERR no such channel"))

    def _joined(self, what: tuple[_Caller, _Agent]) -> None:
        leg, agent = what
        self._waiting += leg.state == WAITING  # the planner counts whom we called
        if leg.state == WAITING:
            leg.served_by, leg.waited_s = agent.name, self.now - leg.since
        self._bridged((leg, agent))

    def _gone(self, leg: _Leg, cause: str, disposition: str) -> None:
        if isinstance(leg, _Caller):
            self._count(leg)
            self._ringing += leg.state == RINGING
            self._waiting += leg.state == WAITING
        super()._gone(leg, cause, disposition)

    def _to(self, agent: _Agent, state: int) -> None:
        begin, end = max(agent.since, START_S), min(self.now, self.ends_at)
        if end > begin and agent.state in (TALK, WRAP) and agent.name in self._everyday:
            self.met.everyday_s += end - begin
        super()._to(agent, state)
        if state == IDLE:
            for leg in self._legs.values():
                if isinstance(leg, _Caller) and leg.own == agent.name and leg.state == WAITING:
                    leg.could = leg.could or self.now <= leg.since + leg.limit_s

    # ---- the count -----------------------------------------------------------------------------------------

    def _count(self, leg: _Caller) -> None:
        met, person = self.met, leg.person
        waited_s = leg.waited_s if leg.served_by else self.now - leg.since
        met.callers += 1
        met.lost += not leg.served_by
        if person.vip:
            met.vips_waited += waited_s > NO_WAIT_S
            return
        if leg.own:
            met.own_all += 1
            met.own_could += leg.could
            met.own_reached += leg.could and leg.served_by == leg.own
        in_time = bool(leg.served_by) and waited_s <= IN_TIME_S
        met.in_20_s += in_time
        if leg.served_by:
            met.waits.append(waited_s)
        if not leg.held:
            target_s = next((t for name, _, t in self.day.tiers if name == person.tier), IN_TIME_S)
            met.of_tier.setdefault(person.tier, []).append(bool(leg.served_by) and waited_s <= target_s)
            met.apart += 1
            met.apart_in_20_s += in_time

    def figures(self) -> dict[str, float]:
        """The day in shares and seconds."""
        day, met = self.day, self.met
        told = self.tally.result(day.agents, day.hours, self.leads.unaccounted())
        waits, ordinary = sorted(met.waits), met.callers - met.vips + met.vips_busy
        found = {
            "vip_calls": float(met.vips),
            "vip_no_wait": 1.0 - (met.vips_waited + met.vips_busy) / max(1, met.vips),
            "vip_busy": met.vips_busy / max(1, met.vips),
            "own_agent_reached": met.own_reached / max(1, met.own_could),
            "own_agent_could": met.own_could / max(1, met.own_all),
            "in_20_s": met.apart_in_20_s / max(1, met.apart),
            "in_20_s_all": met.in_20_s / max(1, ordinary),
            "inbound_lost": met.lost / max(1, met.callers),
            "inbound_turned_away": met.turned_away / max(1, met.callers),
            "inbound_busy": met.busy / max(1, met.callers + met.busy),
            "inbound_wait_p95_s": waits[int(len(waits) * 0.95)] if waits else 0.0,
            "outbound_abandoned": float(told["abandon_rate"]),
            "worst_5min_abandoned": float(told["worst_5min_abandon_rate"]),
            "agents_busy": float(told["busy_share"]),
            "blended_busy": met.everyday_s / (day.hours * 3600 * len(self._everyday)),
            "connected": float(self.tally.outcomes[Outcome.CONNECTED]),
            "inbound_share": met.callers / max(1, met.callers + self.tally.outcomes[Outcome.CONNECTED]),
            "lines_peak": float(told["lines_peak"]),
            "leads_unaccounted": float(told["leads_unaccounted"]),
        }
        for name, _, _ in day.tiers:
            good = met.of_tier.get(name, [])
            found[f"in_target_{name}"] = sum(good) / max(1, len(good))
        return found


def run(day: Day, rule: str, seed: int) -> dict[str, float]:
    """One whole day."""
    world = BlendedWorld(day, rule, seed)
    world.run()
    return world.figures()
