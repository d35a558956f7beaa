"""Lines out as the engine knows them: trunks with their rules, costs and numbers to show, from the configuration.

Owns that translation only; ``dialer.settings`` has the rest. Decides nothing.
"""

from __future__ import annotations

from config.lines_schema import cost_table, digits, health_policy, reputation_policy
from config.schema import Config
from dialer.domain.settings import LineSettings, PoolSettings, TrunkSettings
from routing.trunks import Rewrite


def trunk_settings(config: Config) -> dict[str, TrunkSettings]:
    """All trunks, by name, in the order written."""
    costs = {trunk: cost_table(table) for table in config.lines.costs for trunk in table.trunks}
    return {
        trunk.name: TrunkSettings(
            name=trunk.name,
            gateway=trunk.gateway_name,
            channels=trunk.channels,
            calls_per_second=trunk.cps,
            reserved_inbound=trunk.reserved_inbound,
            caller_id=trunk.caller_id,
            prefix=trunk.prefix,
            strip_plus=trunk.strip_plus,
            rewrite=tuple(Rewrite(rule.prefix, rule.strip, rule.put) for rule in trunk.rewrite),
            costs=costs.get(trunk.name),
            pool=trunk.pool or "",
            # An own number may be written without its plus sign, as the carrier wants it.
            allotted=frozenset(form for number in trunk.allotted for form in (number, digits(number))),
            cli_allotted_only=trunk.cli_allotted_only,
        )
        for trunk in config.trunks
    }


def line_settings(config: Config) -> LineSettings:
    """What holds for all of them."""
    lines = config.lines
    return LineSettings(
        pools={pool.name: PoolSettings(pool.name, pool.numbers, pool.daily_cap) for pool in lines.pools},
        zone=lines.zone,
        health=health_policy(lines.health),
        reputation=reputation_policy(lines.reputation),
    )
