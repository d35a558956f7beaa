"""The configuration's ``routing`` section → what the engine and the store's process work from.

Owns the translation only: what may be written is ``config.routing_schema``'s, what a rule means is ``routing``'s.
"""

from __future__ import annotations

from config import routing_schema
from config.schema import Config
from dialer.domain.routing import LookupSettings, RoutingSettings, team_of
from routing.intake import Rules
from routing.tiers import Tier


def routing_settings(config: Config) -> RoutingSettings:
    """The queue's knobs and the seats that are kept."""
    return RoutingSettings(routing_schema.policy(config.routing), routing_schema.dedicated(config.routing))


def vip_lookup(config: Config) -> LookupSettings | None:
    """How the business system is asked, if it is."""
    section = config.routing.vip_lookup
    if section is None:
        return None
    token = section.token.get_secret_value() if section.token is not None else None
    return LookupSettings(section.url, token, section.deadline_s, section.keep)


def rules(config: Config) -> Rules:
    """All rules by which it is judged what a customer is to us."""
    section = config.routing
    groups = {
        agent: frozenset(entry.groups if entry.team is None else (*entry.groups, entry.team))
        for entry in config.agents
        for agent, _ in entry.expand()
    }
    return Rules(
        policy=routing_schema.policy(section),
        tiers=tuple(
            Tier(tier.name, tier.target_s, frozenset(tier.groups), tier.tag, tier.refused)
            for tier in section.tiers
        ),
        tier_plan=routing_schema.tier_plan(section.tier_rules),
        vips=tuple(routing_schema.vip_rule(each) for each in section.vips),
        own_age_s=section.own_agent.age,
        missed_age_s=section.own_agent.missed_call_age,
        asked_keep_s=section.vip_lookup.stale if section.vip_lookup is not None else 0.0,
        campaign_groups={campaign.name: frozenset({team_of(campaign.name)}) for campaign in config.campaigns},
        agent_groups={agent: names for agent, names in groups.items() if names},
        written={
            way.removeprefix("+"): entry.number
            for entry in config.inbound.numbers
            for way in (entry.number, *entry.also)
        },
    )
