"""What an answered call of ours is: of which tier, a VIP or not, who knows the customer, and who may take it.

Owns the way from a lead's facts to a waiting call. Nobody waits for their own agent here: the legal limit is some two
seconds, so an own agent who is free comes first and nobody is waited for. Must not match anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from routing import tiers as tiering
from routing import vip
from routing.facts import Direction, Step, WaitingCall
from routing.intake import Rules

COMPANY = "company"
"""The lead's field that names the customer's company."""


@dataclass(frozen=True, slots=True)
class Rank:
    """What a customer is to us, and by which rules, in words."""

    tier: str
    vip: bool
    agent: str | None
    groups: tuple[frozenset[str], ...]
    """Whose customer it is before anybody else's: the VIP's people, then the tier's."""
    reasons: tuple[str, ...]
    tag: str = ""
    """What their tier has for the agent: an offer, a script."""


NOT_RANKED: Final = Rank(tiering.ORDINARY, False, None, (), ())


def rank(rules: Rules, number: str, fields: Mapping[str, object], known: str, known_at: float, now: float) -> Rank:
    """What a customer is. ``known``: the agent whom they, or another number of the same person, talked to last, in any
    campaign, at ``known_at``; empty for nobody."""
    verdict = vip.judge(rules.vips, vip.Customer(number, str(fields.get(COMPANY, "")), fields))
    ranked = tiering.judge(rules.tier_plan, fields)
    tier = rules.tier(ranked.tier)
    reasons = [f"VIP: {verdict.reason}"] if verdict.vip else []
    reasons.append(f"tier {tier.name}: {ranked.reason}")
    agent = verdict.agent
    if agent is not None:
        reasons.append(f"personal agent {agent}")
    elif known and 0 <= now - known_at <= rules.own_age_s:
        agent = known
        reasons.append(f"{known} talked to them last")
    groups = [frozenset({verdict.group})] if verdict.group else []
    groups += [tier.groups] if tier.groups else []
    return Rank(tier.name, verdict.vip, agent, tuple(groups), tuple(reasons), tier.tag or "")


def waiting_call(
    ident: str,
    ranked: Rank,
    *,
    since: float,
    target_s: float,
    campaign: str,
    team: str,
    number: str = "",
    person: str = "",
    node: str = "",
    asked: bool = False,
    owed: bool = False,
) -> WaitingCall:
    """A customer of ours who waits. ``team`` is the group of those who serve the campaign.

    ``asked``: they pressed a key for an agent, or wished this call. ``owed``: they had an agent, who was lost.
    """
    steps = (*(Step(0.0, groups) for groups in ranked.groups), Step(0.0, frozenset({team})))
    return WaitingCall(
        ident,
        since,
        Direction.CALLBACK if asked else Direction.OUTBOUND,
        number,
        person,
        campaign,
        campaign,
        ranked.tier,
        ranked.vip,
        target_s,
        (),
        steps,
        ranked.agent,
        since,
        owed,
        node=node,
    )
