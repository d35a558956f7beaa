"""What may be written under ``routing`` and for lines out, what is refused and where, and what routing gets of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from config.follow_me_schema import follow_me
from config.lines_schema import LinesConfig, cost_table, health_policy, lines_faults, reputation_policy
from config.routing_schema import (
    RoutingConfig,
    calendar,
    dedicated,
    policy,
    routing_faults,
    tier_plan,
    vip_rule,
)
from routing.caller_ids import ReputationPolicy
from routing.facts import RoutingPolicy
from routing.health import HealthPolicy
from routing.tiers import judge
from routing.vip import Customer
from routing.vip import judge as judge_vip


def faults(**written: Any) -> list[str]:
    config = RoutingConfig.model_validate(written)
    return [f"{'.'.join(map(str, path))}: {expected}" for path, _, expected in routing_faults(config)]


def line_faults(**written: Any) -> list[str]:
    config = LinesConfig.model_validate(written)
    return [f"{'.'.join(map(str, path))}: {expected}" for path, _, expected in lines_faults(config)]


def test_defaults_are_routings_own_and_without_faults() -> None:
    assert policy(RoutingConfig()) == RoutingPolicy()
    assert health_policy(LinesConfig().health) == HealthPolicy()
    assert reputation_policy(LinesConfig().reputation) == ReputationPolicy()
    assert faults() == line_faults() == []


WRITTEN: dict[str, Any] = {
    "choice": "most_skilled",
    "own_agent": {"age": "30d", "limit_s": "45s", "limit_targets": 2},
    "tier_rules": {
        "otherwise": "ordinary",
        "rules": [
            {"tier": "red", "when": {"value": {"from": 10000}, "blocked": {"not": "yes"}}},
            {"tier": "black", "when": {"blocked": "yes"}},
            {"tier": "high", "when": {"value": {"from": 1000, "below": 10000}, "blocked": {"not": ["yes"]}}},
        ],
    },
    "vips": [
        {"name": "board", "numbers": ["+4930111"], "agent": "1001"},
        {"name": "acme", "ranges": [{"first": "+4930200", "last": "+4930299"}], "companies": ["ACME"]},
    ],
    "seat_groups": [
        {"name": "front", "seats": ["1001-1003"], "serves": ["vip", "red"]},
        {"name": "hall", "seats": [1004]},
    ],
    "calendars": [
        {
            "name": "office",
            "zone": "Europe/Berlin",
            "hours": {"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat": "10:00-14:00"},
            "holidays": [{"day": "2026-12-25", "name": "Christmas"}],
        }
    ],
    "follow_me": [
        {
            "name": "1001",
            "phones": [
                {"name": "desk", "agent": "1001"},
                {"name": "mobile", "number": "+491701", "trunk": "t", "calendar": "office", "ring_s": "25s"},
                {"name": "lobby", "number": "+491702", "trunk": "t", "outside": False},
                {"name": "office", "seat": "7"},
            ],
        }
    ],
}


def test_what_is_written_reaches_routing() -> None:
    config = RoutingConfig.model_validate(WRITTEN)
    assert list(routing_faults(config)) == []
    got = policy(config)
    assert (got.choice, got.own_limit_s, got.own_limit_targets) == ("most_skilled", 45.0, 2.0)
    plan = tier_plan(config.tier_rules)
    for fields, tier in (({"value": 20000}, "red"), ({"value": 20000, "blocked": "Yes"}, "black"), ({}, "ordinary")):
        assert judge(plan, fields).tier == tier
    rules = [vip_rule(each) for each in config.vips]
    assert judge_vip(rules, Customer("+4930255")).rule == "acme"
    assert dedicated(config) == dict.fromkeys(("1001", "1002", "1003"), frozenset({"vip", "red"}))
    place = calendar(config.calendars[0])
    assert place.week[0] == ((540, 720), (780, 1080)) and place.week[5] == ((600, 840),) and place.week[6] == ()
    assert place.holidays[date(2026, 12, 25)].hours == ()
    plan = follow_me(config.follow_me[0])
    assert [phone.outside for phone in plan.phones] == [False, True, False, False]
    assert [phone.number for phone in plan.phones] == ["agent/1001", "+491701", "+491702", "seat/7"]
    assert (plan.phones[1].trunk, plan.phones[1].ring_s, plan.phones[1].calendar) == ("t", 25.0, "office")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"vips": [{"name": "x", "numbers": ["+1234"]}, {"name": "x", "numbers": ["+1235"]}]},
         "vips.1.name: a name of its own; number 1 has it too"),
        (
            {"tier_rules": {"rules": [{"tier": "purple", "when": {"v": "x"}}], "otherwise": "grey"}},
            "tier_rules.rules.0: a tier: one of red, high, middle, ordinary, grey, black",
        ),
        (
            {"tier_rules": {"rules": [{"tier": "red", "when": {"v": {"from": 1}}}]}},
            "tier_rules: rules that cover everybody, or otherwise: a tier (v below 1 is of none)",
        ),
        (
            {"tier_rules": {"rules": [{"tier": "red", "when": {"v": {"from": 2, "below": 2}}}], "otherwise": "grey"}},
            "tier_rules.rules.0.when.v.below: more than from, which is 2",
        ),
        (
            {"tier_rules": {"rules": [{"tier": "red", "when": {"v": {}}}], "otherwise": "grey"}},
            "tier_rules.rules.0.when.v: one of: from and below (a number), words, not",
        ),
        ({"vips": [{"name": "x"}]}, "vips.0: numbers, ranges, companies or when"),
        (
            {"vips": [{"name": "x", "ranges": [{"first": "+4920", "last": "+4910"}]}]},
            "vips.0.ranges.0.last: a number as long as first, and not before it",
        ),
        (
            {"vips": [{"name": "x", "numbers": ["+4930111"]}, {"name": "y", "numbers": ["+4930111"]}]},
            "vips.1: customers whom no other rule names; x has the number …0111 too",
        ),
        (
            {"seat_groups": [{"name": "a", "seats": ["1001-1003"]}, {"name": "b", "seats": ["1002"]}]},
            "seat_groups.1.seats.0: seats of one group only; a has 1002 too",
        ),
        (
            {"seat_groups": [{"name": "a", "seats": ["1001"], "serves": ["gold"]}]},
            "seat_groups.0.serves.0: one of vip, red, high, middle, ordinary, grey, black",
        ),
        (
            {"calendars": [{"name": "x", "zone": "UTC", "hours": {"mon-fri": "09:00-10:00", "fri": "11:00-12:00"}}]},
            "calendars.0.hours: fri: expected each day once",
        ),
        (
            {"calendars": [{"name": "x", "zone": "UTC", "hours": {"mon": ["09:00-12:00", "11:00-13:00"]}}]},
            "calendars.0.hours: calendar x, Monday: 11:00-13:00, expected spans in order within a day",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "seat": "10"}, {"name": "b", "seat": "10"}]}]},
            "follow_me.0.phones: a and b: expected each number once",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "seat": "10", "calendar": "night"}]}]},
            "follow_me.0.phones.0.calendar: a configured calendar: none is configured",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "seat": "10"}, {"name": "a", "seat": "11"}]}]},
            "follow_me.0.phones.1.name: a name of its own",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "seat": "10", "agent": "10"}]}]},
            "follow_me.0.phones.0: one of number, agent, seat",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a"}]}]},
            "follow_me.0.phones.0: one of number, agent, seat",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "number": "+49170"}]}]},
            "follow_me.0.phones.0.trunk: the trunk by which number is called",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "seat": "10", "trunk": "t"}]}]},
            "follow_me.0.phones.0.trunk: no such key with seat: it is for a number",
        ),
        (
            {"follow_me": [{"name": "x", "phones": [{"name": "a", "agent": "10", "outside": True}]}]},
            "follow_me.0.phones.0.outside: no such key with agent: it is for a number",
        ),
    ],
)
def test_what_contradicts_is_refused_where_it_stands(written: dict[str, Any], expected: str) -> None:
    assert faults(**written) == [expected]


@pytest.mark.parametrize(
    "written",
    [
        {"calendars": [{"name": "x", "zone": "Mars/Olympus", "hours": {}}]},
        {"vips": [{"name": "x", "numbers": ["anonymous"]}]},
        {"follow_me": [{"name": "x", "phones": [{"name": "a", "seat": "10", "ring_s": 0}]}]},
        {"follow_me": [{"name": "x", "phones": []}]},
        {"follow_me": [{"name": "x", "phones": [{"name": "a", "number": "0170123", "trunk": "t"}]}]},
        {"follow_me": [{"name": "x", "phones": [{"name": "a", "number": "user/1001"}]}]},
        {"tiers": [{"name": "red", "target_s": 0}]},
        {"surprise": 1},
    ],
)
def test_values_that_are_none_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RoutingConfig.model_validate(written)


ROW = {"prefix": "+49", "per_minute": 0.02}


def test_cost_tables_pools_and_health() -> None:
    table = {"name": "a", "zone": "UTC", "trunks": ["one"], "rows": [ROW, {**ROW, "prefix": "+4917", "per_minute": 1}]}
    config = LinesConfig.model_validate({"costs": [table], "pools": [{"name": "p", "numbers": ["+4930100"]}]})
    assert list(lines_faults(config)) == []
    row = cost_table(config.costs[0]).row("+49171", 0.0)
    assert row is not None and row.per_minute == 1.0
    holes = {**table, "rows": [{**ROW, "hours": "08:00-20:00"}]}
    assert line_faults(costs=[holes, table]) == [
        "costs.0.rows.0.prefix: a row for every hour, its own or of a shorter prefix; "
        "none from Monday 00:00 to Monday 08:00"
    ]
    assert line_faults(costs=[table, {**table, "name": "b"}]) == [
        "costs.1.trunks.0: a trunk of one table; a has it too"
    ]
    twice = [{"name": "p", "numbers": ["+4930100", "+4930101"]}, {"name": "q", "numbers": ["+4930101"]}]
    assert line_faults(pools=twice) == ["pools.1.numbers.0: each number once; p has it too"]
    assert line_faults(health={"usual": 0.3, "sick": "30%", "cool_down": "1h"}) == [
        "health.sick: above usual (0.3), both above 0 and below 1",
        "health.longest_cool_down: at least cool_down, which is 3600",
    ]
