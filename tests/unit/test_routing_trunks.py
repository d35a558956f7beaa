"""Lines out: the choice, costs, causes, sickness, numbers to show."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from routing.caller_ids import ReputationPolicy, ShownNumber, Standing, choose, judge
from routing.causes import Blame, blame, may_fail_over
from routing.costs import CostRow, CostTable, faults
from routing.errors import PlanError, UnknownZoneError
from routing.facts import Direction
from routing.health import NEW, Condition, Health, HealthPolicy, dialed, ended, may_dial
from routing.trunks import Rewrite, TrunkChoice, TrunkFacts, choose_trunk, next_trunk, rewritten

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=BERLIN).timestamp()
NIGHT = datetime(2026, 11, 26, 22, 0, tzinfo=BERLIN).timestamp()
TABLE = CostTable(
    "a",
    "Europe/Berlin",
    (
        CostRow("+", 0.50),
        CostRow("+49", 0.02, minutes=(480, 1200)),
        CostRow("+49", 0.01, minutes=(0, 480)),
        CostRow("+49", 0.01, minutes=(1200, 1440)),
        CostRow("+4917", 0.10, fee=0.05, minimum_s=60, step_s=60, minutes=(480, 1200)),
    ),
)
POOL = (ShownNumber("+4930100"), ShownNumber("+4989100"))


def test_the_longest_prefix_with_a_row_for_the_hour_says_the_price() -> None:
    for number, now, price in (
        ("+1212", NOON, 0.50),
        ("+4930", NOON, 0.02),
        ("+4930", NIGHT, 0.01),
        ("+49171", NOON, 0.10),
        ("+49171", NIGHT, 0.01),  # the longer prefix has no row for the night
    ):
        row = TABLE.row(number, now)
        assert row is not None and row.per_minute == price
    mobile = TABLE.by_prefix["+4917"][0]
    assert [round(mobile.price(s), 4) for s in (0, 1, 60, 61)] == [0.15, 0.15, 0.15, 0.25]
    assert round(CostRow("+", 0.6, step_s=6).price(7.0), 6) == 0.12
    assert CostTable("empty", "UTC", ()).row("+1", NOON) is None


def test_gaps_and_contradictions_of_a_cost_table_are_found() -> None:
    assert list(faults(TABLE)) == []
    holes = CostTable("b", "UTC", (CostRow("+49", 1, minutes=(0, 600)), CostRow("+49", 2, minutes=(660, 1440))))
    (fault,) = faults(holes)
    assert fault.prefix == "+49" and fault.expected.endswith("none from Monday 10:00 to Monday 11:00")
    workdays = CostTable("c", "UTC", (CostRow("+", 1, days=frozenset(range(5))),))
    (fault,) = faults(workdays)
    assert fault.expected.endswith("none from Saturday 00:00 to the end of the week")
    double = CostTable("d", "UTC", (CostRow("+", 1), CostRow("+", 2, days=frozenset({6}), minutes=(60, 90))))
    (fault,) = faults(double)
    assert fault.expected == "one row for each hour; two hold on Sunday 01:00"


@pytest.mark.parametrize(
    "row",
    [CostRow("49", 1), CostRow("+4x", 1), CostRow("+", -1), CostRow("+", 1, step_s=0), CostRow("+", 1, minutes=(9, 9)),
     CostRow("+", 1, days=frozenset())],
)  # fmt: skip
def test_rows_that_can_not_be_read_are_refused(row: CostRow) -> None:
    with pytest.raises(PlanError, match=r"row 1.*expected"):
        CostTable("x", "UTC", (row,))
    with pytest.raises(UnknownZoneError):
        CostTable("x", "Nowhere/City", ())


def test_whose_fault_and_what_may_be_tried_again() -> None:
    for cause, whose, again in (
        ("NORMAL_TEMPORARY_FAILURE", Blame.CARRIER, True),
        ("NO_ROUTE_DESTINATION", Blame.ROUTE, True),
        ("UNALLOCATED_NUMBER", Blame.NUMBER, False),
        ("USER_BUSY", Blame.CALLEE, False),
        ("ORIGINATOR_CANCEL", Blame.OURS, False),
        ("SOMETHING_NEW", Blame.UNKNOWN, False),
    ):
        assert blame(cause, rang=False) is whose
        assert may_fail_over(cause, rang=False) is again
        assert not may_fail_over(cause, rang=True)
    assert blame("NORMAL_TEMPORARY_FAILURE", rang=True) is Blame.CALLEE


POLICY = HealthPolicy()


def run(health: Health, outcomes: list[Blame], now: float = 0.0) -> Health:
    for number, whose in enumerate(outcomes):
        health = ended(dialed(health, now), whose, f"+{number}", now, now, POLICY)
    return health


def test_runs_of_busy_and_missing_numbers_never_make_a_line_sick() -> None:
    health = run(NEW, [Blame.CALLEE, Blame.NUMBER, Blame.ROUTE, Blame.OURS, Blame.UNKNOWN] * 2000)
    assert health.condition is Condition.HEALTHY and health.evidence == 0


def test_one_number_that_always_fails_counts_once() -> None:
    health = NEW
    for _ in range(50):
        health = ended(health, Blame.CARRIER, "+1", 0.0, 0.0, POLICY)
    assert health.condition is Condition.HEALTHY
    assert run(NEW, [Blame.CARRIER] * 5).condition is Condition.COOLING


def test_a_dead_line_is_found_in_five_calls_one_that_fails_half_in_about_eleven() -> None:
    assert run(NEW, [Blame.CARRIER] * 4).condition is Condition.HEALTHY
    rng = random.Random(1)
    needed = []
    for _ in range(500):
        health, calls = NEW, 0
        while health.condition is Condition.HEALTHY:
            calls += 1
            whose = Blame.CARRIER if rng.random() < 0.5 else Blame.CALLEE
            health = ended(health, whose, f"+{calls}", 0.0, 0.0, POLICY)
        needed.append(calls)
    assert 8 < sum(needed) / len(needed) < 14


def test_a_healthy_line_is_taken_for_sick_less_than_once_in_so_many_calls() -> None:
    rng = random.Random(2)
    alarms, calls, health = 0, 400_000, NEW
    for number in range(calls):
        whose = Blame.CARRIER if rng.random() < POLICY.usual else Blame.CALLEE
        health = ended(health, whose, f"+{number}", 0.0, 0.0, POLICY)
        if health.condition is not Condition.HEALTHY:
            alarms, health = alarms + 1, NEW
    assert alarms <= calls / POLICY.false_alarm_calls


def test_cool_down_probe_relapse_and_recovery() -> None:
    health = run(NEW, [Blame.CARRIER] * 5)
    assert health.condition is Condition.COOLING and health.until == 60.0
    assert may_dial(health, 59.0) == "fails too many calls; cools down for 1 s more"
    assert ended(health, Blame.CALLEE, "+9", 0.0, 30.0, POLICY) == health  # a call from before
    assert may_dial(health, 60.0) is None
    probing = dialed(health, 60.0)
    assert may_dial(probing, 61.0) == "fails too many calls; a probe is out"
    assert ended(probing, Blame.CARRIER, "+9", 0.0, 61.0, POLICY) == probing  # from before
    unclear = ended(probing, Blame.OURS, "+9", 60.0, 61.0, POLICY)
    assert may_dial(unclear, 61.0) is None and unclear.condition is Condition.PROBING
    again = ended(probing, Blame.CARRIER, "+9", 60.0, 62.0, POLICY)
    assert again.condition is Condition.COOLING and again.until == 62.0 + 120.0
    health = again
    for good in range(3):
        now = 200.0 + good
        assert may_dial(health, now) is None
        health = ended(dialed(health, now), Blame.NUMBER, "+9", now, now, POLICY)
    assert health.condition is Condition.HEALTHY and health.relapses == 2
    assert run(health, [Blame.CARRIER] * 5, 300.0).until == 300.0 + 240.0  # a flapping line cools down longer
    steady = run(health, [Blame.CALLEE] * 100, 300.0)
    assert run(steady, [Blame.CARRIER] * 5, 400.0).until == 400.0 + 60.0


def test_local_presence_then_evenly_within_the_caps() -> None:
    pool = (ShownNumber("+4930100", today=9, daily_cap=10), ShownNumber("+4930200", today=2, daily_cap=10),
            ShownNumber("+4989100"))  # fmt: skip
    assert choose(pool, "+49305555", NOON).number == "+4930200"
    assert choose(pool, "+49895555", NOON).number == "+4989100"
    full = (replace(pool[0], today=10), replace(pool[1], standing=Standing.RESTING, rests_until=NOON + 7200), pool[2])
    choice = choose(full, "+49305555", NOON)
    assert choice.number == "+4989100"
    assert dict(choice.why_nots) == {"+4930100": "was shown 10 times today, its cap", "+4930200": "rests for 2 h more"}
    assert choose((replace(pool[0], standing=Standing.RETIRED),), "+49", NOON).reason == "no number may be shown"
    allotted = choose(pool, "+49305555", NOON, frozenset({"+4989100"}))
    assert allotted.number == "+4989100"
    assert dict(allotted.why_nots)["+4930100"] == "is not allotted by this carrier"
    assert choose((), "+49", NOON).number is None


def test_a_north_american_area_code_is_the_callees_or_another_one() -> None:
    """212 is New York, 213 Los Angeles: half an area code in common says nothing of where somebody is."""
    new_york, angeles, chicago = (ShownNumber(f"+1{area}5550100", today=n) for n, area in enumerate((212, 213, 312)))
    assert choose((angeles, new_york), "+12125559999", NOON).number == new_york.number
    assert choose((angeles, chicago), "+12125559999", NOON).number == angeles.number  # shown less today
    assert choose((replace(angeles, today=9), chicago), "+12125559999", NOON).number == chicago.number
    assert choose((ShownNumber("+13125550100"), ShownNumber("+4930100")), "+12125559999", NOON).reason.startswith("1 ")


def test_a_number_that_is_answered_much_less_than_its_peers_rests_and_at_last_retires() -> None:
    rules = ReputationPolicy()
    peers = [ShownNumber(f"+{n}", dialed=1000, answered=300) for n in range(5)]
    bad = ShownNumber("+99", dialed=200, answered=30)
    verdict = judge(bad, [*peers, bad], NOON, rules)
    assert verdict is not None and verdict.standing is Standing.RESTING and verdict.until == NOON + rules.rest_s
    assert verdict.reason == "15.0% of its calls are answered, 30.0% of its peers'"
    again = judge(replace(bad, rests=2), peers, NOON, rules)
    assert again is not None and again.standing is Standing.RETIRED
    for fine in (
        replace(bad, dialed=199),  # no whole block
        replace(bad, answered=50),  # worse, within chance
        replace(bad, dialed=100_000, answered=27_000),  # certainly worse, hardly
    ):
        assert judge(fine, peers, NOON, rules) is None
    assert judge(bad, [], NOON, rules) is None


def trunk(name: str, **facts: object) -> TrunkFacts:
    given = {"channels": 10, "in_use": 0, "tokens": 5.0, "pool": POOL, "costs": TABLE} | facts
    return TrunkFacts(name, **given)  # type: ignore[arg-type]


CHEAP = CostTable("cheap", "UTC", (CostRow("+49", 0.005),))


def pick(*trunks: TrunkFacts, number: str = "+49305555", **how: object) -> TrunkChoice:
    return choose_trunk(number, trunks, NOON, **how)  # type: ignore[arg-type]


def test_the_cheapest_line_that_may_takes_the_call_and_the_others_hear_why_not() -> None:
    cooling = run(NEW, [Blame.CARRIER] * 5, NOON)
    choice = pick(
        trunk("dear"),
        trunk("cheap", costs=CHEAP, rewrites=(Rewrite("+", 1), Rewrite("+49", 3, "0"))),
        trunk("equal", costs=CHEAP, order=1),
        trunk("full", in_use=10),
        trunk("kept", in_use=8, reserved_inbound=2),
        trunk("fast", tokens=0.9),
        trunk("sick", health=cooling),
        trunk("mute", pool=()),
        trunk("foreign", cli_allotted_only=True, allotted=frozenset({"+4940"})),
        trunk("unpriced", costs=None),
    )
    assert (choice.trunk, choice.dial, choice.shown, choice.cost) == ("cheap", "0305555", "+4930100", 0.01)
    assert choice.reason == "cheapest of 4, 0.0100 for 120 s; shown number: 4 digits in common with the callee"
    assert dict(choice.why_nots) == {
        "dear": "costs 0.0400",
        "equal": "equal, and later in order",
        "full": "all 10 channels are in use",
        "kept": "8 of 10 channels are in use, and 2 are kept for callers",
        "fast": "its calls per second are used up",
        "sick": "fails too many calls; cools down for 60 s more",
        "mute": "no number to show: the pool is empty",
        "foreign": "no number to show: no number may be shown",
        "unpriced": "has no price for this number",
    }


def test_kept_lines_serve_callbacks_and_the_price_may_be_unknown() -> None:
    kept = trunk("kept", in_use=8, reserved_inbound=2)
    assert pick(kept).trunk is None and pick(kept).reason == "no line may take it"
    assert pick(kept, direction=Direction.CALLBACK).trunk == "kept"
    unpriced = pick(trunk("b", costs=CHEAP), trunk("a", costs=CHEAP), number="+1212")
    assert (unpriced.trunk, unpriced.cost) == ("a", None)
    own = pick(trunk("strict", cli_allotted_only=True, allotted=frozenset({"+4930100"})), show="+4930999")
    assert own.trunk is None
    assert dict(own.why_nots)["strict"] == "no number to show: the campaign's number is not allotted by this carrier"
    assert pick(trunk("a"), show="+4930999").shown == "+4930999"


def test_failover_leaves_out_where_it_failed_and_is_not_for_numbers_that_do_not_exist() -> None:
    lines = (trunk("a", costs=CHEAP), trunk("b"))
    tried = frozenset({"a"})
    choice = next_trunk("+49305555", lines, "NORMAL_TEMPORARY_FAILURE", False, tried, NOON)
    assert choice is not None and choice.trunk == "b"
    assert dict(choice.why_nots) == {"a": "the call failed there already"}
    assert next_trunk("+49305555", lines, "UNALLOCATED_NUMBER", False, tried, NOON) is None
    assert next_trunk("+49305555", lines, "NORMAL_TEMPORARY_FAILURE", True, tried, NOON) is None


def test_numbers_are_rewritten_by_the_longest_prefix() -> None:
    rules = (Rewrite("+", 1, "00"), Rewrite("+49", 3, "0"))
    assert rewritten("+4930", rules) == "030"
    assert rewritten("+4330", rules) == "004330"
    assert rewritten("112", rules) == "112"
    with pytest.raises(PlanError):
        Rewrite("+", 2)
