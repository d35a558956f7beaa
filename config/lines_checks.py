"""What must fit together for lines out: trunks, their cost tables and pools, and the campaigns that use them.

Owns faults between sections and the notices beside them; what is wrong within ``lines`` alone is ``lines_schema``'s.
Numbers are never printed: a caller ID may be somebody's telephone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from config.campaign_schema import CampaignConfig
from config.lines_schema import LinesFault, digits, rewrite_faults
from config.schema import Config, TrunkConfig

Known = Callable[[str, str], str | None]
"""None where a trunk or pool of this name is configured; else what was expected."""
_HIDDEN = "(a number)"
_NAMED = 5


def trunk_faults(config: Config, trunk: TrunkConfig) -> Iterator[LinesFault]:
    """Faults of one trunk, with paths under it."""
    yield from rewrite_faults(trunk.rewrite)
    pools = {pool.name: pool for pool in config.lines.pools}
    pool = pools.get(trunk.pool or "")
    if trunk.pool is not None and pool is None:
        listed = ", ".join(sorted(pools)) or "none is configured"
        yield ("pool",), trunk.pool, f"a pool of lines.pools: {listed}"
    if not trunk.cli_allotted_only:
        return
    allotted = {digits(number) for number in trunk.allotted}
    if not allotted:
        yield ("allotted",), "(missing)", "the numbers that the carrier allots: cli_allotted_only shows no other"
    elif pool is not None and not any(digits(number) in allotted for number in pool.numbers):
        yield ("pool",), pool.name, "a pool with a number that the carrier allots: cli_allotted_only shows no other"
    elif trunk.pool is None and digits(trunk.caller_id) not in allotted:
        yield ("caller_id",), _HIDDEN, "a number that the carrier allots: cli_allotted_only shows no other"


def table_faults(config: Config, known: Known) -> Iterator[LinesFault]:
    """Cost tables of trunks that are none, with paths under ``lines``."""
    for index, table in enumerate(config.lines.costs):
        for place, name in enumerate(table.trunks):
            if (expected := known("trunks", name)) is not None:
                yield ("costs", index, "trunks", place), name, expected


def campaign_faults(config: Config, campaign: CampaignConfig, known: Known) -> Iterator[LinesFault]:
    """Which lines a campaign names, with paths under it."""
    if campaign.trunk is None and not campaign.trunks:
        yield ("trunk",), "(missing)", "this key, or trunks: [one, another]"
    if campaign.trunk is not None and campaign.trunks:
        yield ("trunks",), "(given)", "either trunk or trunks, not both"
    if campaign.trunk is not None and (expected := known("trunks", campaign.trunk)) is not None:
        yield ("trunk",), campaign.trunk, expected
    seen: set[str] = set()
    for place, name in enumerate(campaign.trunks):
        expected = "each trunk once" if name in seen else known("trunks", name)
        seen.add(name)
        if expected is not None:
            yield ("trunks", place), name, expected
    barred = list(_barred(config, campaign))
    if barred and len(barred) == len(campaign.lines):
        yield ("caller_id",), _HIDDEN, f"a number that a carrier allots: {', '.join(barred)} has cli_allotted_only"


def table_notices(config: Config) -> Iterator[tuple[int, str]]:
    """(which table, what deserves attention)."""
    for index, table in enumerate(config.lines.costs):
        prefixes = sorted({row.prefix for row in table.rows})
        if "+" not in prefixes:
            who = ", ".join(table.trunks)
            named = ", ".join(prefixes[:_NAMED]) + (" …" if len(prefixes) > _NAMED else "")
            rest = f"{who} takes them only after trunks with one; a row with prefix \"+\" is for all numbers"
            yield index, f"other numbers than {named} have no price: {rest}"


def campaign_notices(config: Config, campaign: CampaignConfig) -> Iterator[tuple[str, str]]:
    """(key, what deserves attention)."""
    barred = list(_barred(config, campaign))
    if barred:
        text = f"never goes out on {', '.join(barred)}: this number is not allotted there, and cli_allotted_only is on"
        yield "caller_id", text


def _barred(config: Config, campaign: CampaignConfig) -> Iterator[str]:
    """The lines on which the campaign's own number may not be shown."""
    if campaign.caller_id is None:
        return
    for trunk in config.trunks:
        strict = trunk.name in campaign.lines and trunk.cli_allotted_only and trunk.allotted
        if strict and digits(campaign.caller_id) not in {digits(number) for number in trunk.allotted}:
            yield trunk.name
