"""From a call that arrives to a call that waits: who calls, what they are to us, whom they may go to, and why.

Owns the order of the questions: is it refused, does it return a call of ours, is it a VIP, which tier, who knows them,
which groups in which order. Each answer is one sentence in ``reasons``, for the log and ``dialer explain route``. What
is known of the caller is given. Must not match anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from routing import tiers as tiering
from routing import vip
from routing.affinity import Attempt, Conversation, last_agent, own_limit_s, returned_call
from routing.callers import CallerId
from routing.facts import ANYONE, Direction, Need, RoutingPolicy, Step, WaitingCall

UNNAMED: Final = tiering.Tier(tiering.ORDINARY, 20.0)
ALL_ORDINARY: Final = tiering.TierPlan(otherwise=tiering.ORDINARY)
DEFAULTS: Final = RoutingPolicy()


@dataclass(frozen=True, slots=True)
class Queue:
    """Where the dialed number, or the menu, has sent the caller."""

    name: str
    steps: tuple[Step, ...] = ANYONE
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Rules:
    """All rules that an arrival is judged by."""

    policy: RoutingPolicy = DEFAULTS
    tiers: tuple[tiering.Tier, ...] = tiering.DEFAULT_TIERS
    tier_plan: tiering.TierPlan = ALL_ORDINARY
    vips: tuple[vip.VipRule, ...] = ()
    own_age_s: float = 90 * 86_400.0
    missed_age_s: float = 7 * 86_400.0
    asked_keep_s: float = 86_400.0
    campaign_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    agent_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Who stands in for an agent who is away: the others of their groups, before anybody else."""
    written: Mapping[str, str] = field(default_factory=dict)
    """Our numbers that take calls, by their digits as a carrier, or a call of ours that shows one, may write them."""

    def tier(self, name: str) -> tiering.Tier:
        """A tier by its name; served as ordinary when there is none."""
        return next((tier for tier in self.tiers if tier.name == name), UNNAMED)

    def ours(self, shown: str) -> str:
        """The number of ours that a call showed, as it is called when somebody calls back."""
        return self.written.get(shown.removeprefix("+"), shown)


EVERYBODY_ORDINARY: Final = Rules()
"""No rules: nobody is a VIP or of a tier, and callers go back to whom they know."""


@dataclass(frozen=True)
class Arrival:
    """A call that has come in, and what is known of who calls. ``number`` is normalised, empty where it is none.

    ``persons``: whose number it is in any list; several names may be one person's, or a line may be shared.
    """

    id: str
    at: float
    caller: CallerId
    dialed: str
    queue: Queue
    person: str = ""
    company: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    asked: vip.Asked | None = None
    node: str = ""
    persons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Intake:
    """What the call is to us. No ``call``: it is refused before it is answered."""

    call: WaitingCall | None
    tier: tiering.Tier
    lead: str
    reasons: tuple[str, ...]


def judge(
    arrival: Arrival, rules: Rules, history: Iterable[Conversation] = (), attempts: Iterable[Attempt] = ()
) -> Intake:
    """What a call is to us. Never fails: whoever nothing is known of is an ordinary caller of their queue."""
    number, now = arrival.caller.number, arrival.at
    reasons = [] if number else [f"{arrival.caller.reason}: known by nothing but the queue"]
    verdict = vip.judge(
        rules.vips, vip.Customer(number, arrival.company, arrival.fields), arrival.asked, now, rules.asked_keep_s
    )
    ranked = tiering.judge(rules.tier_plan, arrival.fields)
    tier = rules.tier(ranked.tier)
    reasons += [f"VIP: {verdict.reason}" if verdict.vip else f"no VIP: {verdict.reason}"]
    reasons += [f"tier {tier.name}, to be served in {tier.target_s:g} s: {ranked.reason}"]
    if tier.refused and not verdict.vip:
        return Intake(None, tier, "", (*reasons, f"refused: tier {tier.name}"))
    persons = arrival.persons | {arrival.person}
    known = last_agent(history, number, persons, now, rules.own_age_s)
    returned = returned_call(attempts, number, persons, arrival.dialed, now, rules.missed_age_s)
    if returned is not None and known is not None and known.at > returned.at:
        returned = None  # they have talked since: it is not missed any more
    if returned is not None:
        reasons.append(returned.reason)
    own = verdict.agent
    if own is not None:
        reasons.append(f"personal agent {own}")
    elif returned is not None and returned.agent is not None:
        own = returned.agent
    elif known is not None:
        own = known.agent
        reasons.append(f"{known.agent} {known.reason}")
    limit_s = own_limit_s(tier.target_s, verdict.vip, rules.policy)
    if own is not None:
        reasons.append(f"waits for {own} up to {limit_s:g} s" if limit_s else f"{own} first, waits for nobody")
    first = [frozenset({verdict.group})] if verdict.group else []
    first += [tier.groups] if tier.groups else []
    if own is not None and rules.agent_groups.get(own):
        first.append(rules.agent_groups[own])
    if returned is not None and returned.campaign in rules.campaign_groups:
        first.append(rules.campaign_groups[returned.campaign])
    call = WaitingCall(
        arrival.id,
        now,
        Direction.INBOUND,
        number,
        arrival.person,
        arrival.queue.name,
        returned.campaign if returned is not None else "",
        tier.name,
        verdict.vip,
        tier.target_s,
        arrival.queue.needs,
        (*(Step(0.0, groups) for groups in first), *arrival.queue.steps),
        own,
        now + limit_s if own is not None else 0.0,
        node=arrival.node,
    )
    return Intake(call, tier, returned.lead if returned is not None else "", tuple(reasons))
