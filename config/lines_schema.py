"""The shape of what chooses lines out: cost tables, pools of numbers to show, and when a line is taken for sick.

Owns keys, limits and defaults, the way from them to ``routing``'s facts, and the faults between them. Trunks themselves
are ``config.schema``'s, what must fit together with them ``config.lines_checks``'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from config.section import DAY, HOUR, Section
from config.values import DayKey, Name, Prefix, Share, Window, Zone, duration, expand_days, matching, number, whole
from routing.caller_ids import ReputationPolicy
from routing.costs import CostRow, CostTable, faults
from routing.errors import RoutingError
from routing.health import HealthPolicy

LinesFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

HEALTH = HealthPolicy()
REPUTATION = ReputationPolicy()
CostPrefix = Annotated[str, matching(r"\+[0-9]{0,15}", "how numbers begin, with +; + alone for all, in quotes", 16)]
Price = Annotated[float, number(0, 10_000)]
Shown = Annotated[str, matching(r"\+[1-9][0-9]{4,14}", "a number with + and country, in quotes", 16)]


class RewriteConfig(Section):
    """Numbers that begin with ``prefix`` lose ``strip`` characters and get ``put`` in front. The longest one counts."""

    prefix: CostPrefix
    strip: Annotated[int, whole(0, 16)]
    put: Prefix = ""


class CostRowConfig(Section):
    """The price of numbers that begin with ``prefix``, on these days and hours; without: always."""

    prefix: CostPrefix
    per_minute: Price
    fee: Price = 0.0
    minimum_s: Annotated[float, duration(0, HOUR)] = 0.0
    step_s: Annotated[float, duration(0.1, HOUR)] = 1.0
    days: DayKey = "daily"
    hours: Window = (0, 1440)


class CostTableConfig(Section):
    """What calls cost on ``trunks``, in the time of ``zone``."""

    name: Name
    zone: Zone
    trunks: tuple[Name, ...] = Field(min_length=1)
    rows: tuple[CostRowConfig, ...] = Field(min_length=1)


class PoolConfig(Section):
    """Numbers to show, each at most ``daily_cap`` times a day; without: as often as you like."""

    name: Name
    numbers: tuple[Shown, ...] = Field(min_length=1)
    daily_cap: Annotated[int, whole(1, 1_000_000)] | None = None


class ReputationConfig(Section):
    """When a number rests: answered less than ``ratio`` of its peers' share, beyond ``standard_errors`` of doubt."""

    block: Annotated[int, whole(50, 100_000)] = REPUTATION.block
    standard_errors: Annotated[float, number(2, 10)] = REPUTATION.standard_errors
    ratio: Share = REPUTATION.ratio
    rest: Annotated[float, duration(HOUR, 366 * DAY)] = REPUTATION.rest_s
    rests: Annotated[int, whole(0, 100)] = REPUTATION.rests


class HealthConfig(Section):
    """When a trunk is sick: ``routing.health``. ``usual`` and ``sick`` are shares of calls that the carrier fails."""

    usual: Share = HEALTH.usual
    sick: Share = HEALTH.sick
    false_alarm_calls: Annotated[float, number(100, 1e9)] = HEALTH.false_alarm_calls
    cool_down: Annotated[float, duration(1, DAY)] = HEALTH.cool_down_s
    longest_cool_down: Annotated[float, duration(1, 7 * DAY)] = HEALTH.longest_cool_down_s
    probes: Annotated[int, whole(1, 100)] = HEALTH.probes


class LinesConfig(Section):
    """How lines out are chosen. A day of ``daily_cap`` begins at midnight in ``zone``."""

    zone: Zone = "UTC"
    costs: tuple[CostTableConfig, ...] = ()
    pools: tuple[PoolConfig, ...] = ()
    reputation: ReputationConfig = ReputationConfig()
    health: HealthConfig = HealthConfig()


def cost_table(config: CostTableConfig) -> CostTable:
    """A table as ``routing`` has it."""
    rows = tuple(
        CostRow(
            row.prefix, row.per_minute, row.fee, row.minimum_s, row.step_s, frozenset(expand_days(row.days)), row.hours
        )
        for row in config.rows
    )
    return CostTable(config.name, config.zone, rows)


def health_policy(config: HealthConfig) -> HealthPolicy:
    """The test for sick trunks."""
    return HealthPolicy(
        config.usual,
        config.sick,
        config.false_alarm_calls,
        config.cool_down,
        config.longest_cool_down,
        config.probes,
    )


def reputation_policy(config: ReputationConfig) -> ReputationPolicy:
    """The judgement of numbers."""
    return ReputationPolicy(config.block, config.standard_errors, config.ratio, config.rest, config.rests)


def lines_faults(config: LinesConfig) -> Iterator[LinesFault]:
    """Every fault of the section."""
    owner: dict[str, str] = {}
    for index, table in enumerate(config.costs):
        for place, trunk in enumerate(table.trunks):
            if owner.setdefault(trunk, table.name) != table.name:
                yield ("costs", index, "trunks", place), trunk, f"a trunk of one table; {owner[trunk]} has it too"
        yield from _table(index, table)
    pools: dict[str, str] = {}
    names: set[str] = set()
    for index, pool in enumerate(config.pools):
        if pool.name in names:
            yield ("pools", index, "name"), pool.name, "a pool's name of its own"
        names.add(pool.name)
        for place, shown in enumerate(pool.numbers):
            if shown in pools:
                yield ("pools", index, "numbers", place), "(a number)", f"each number once; {pools[shown]} has it too"
            pools.setdefault(shown, pool.name)
    health = config.health
    if not 0 < health.usual < health.sick < 1:
        yield ("health", "sick"), health.sick, f"above usual ({health.usual:g}), both above 0 and below 1"
    if health.longest_cool_down < health.cool_down:
        expected = f"at least cool_down, which is {health.cool_down:g}"
        yield ("health", "longest_cool_down"), health.longest_cool_down, expected


def rewrite_faults(rules: Sequence[RewriteConfig]) -> Iterator[LinesFault]:
    """Faults of a trunk's rules, with paths under the trunk."""
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.strip > len(rule.prefix):
            expected = f"at most {len(rule.prefix)}, the length of the prefix, its + included"
            yield ("rewrite", index, "strip"), rule.strip, expected
        if rule.prefix in seen:
            yield ("rewrite", index, "prefix"), rule.prefix, "each prefix once"
        seen.add(rule.prefix)


def digits(shown: str) -> str:
    """A number to show without its plus sign: carriers want it with or without."""
    return shown.removeprefix("+")


def _table(index: int, table: CostTableConfig) -> Iterator[LinesFault]:
    try:
        built = cost_table(table)
    except RoutingError as fault:
        yield ("costs", index, "rows"), table.name, str(fault)
        return
    first = {row.prefix: place for place, row in reversed(list(enumerate(table.rows)))}
    for wrong in faults(built):
        yield ("costs", index, "rows", first[wrong.prefix], "prefix"), wrong.prefix, wrong.expected
