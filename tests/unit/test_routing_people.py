"""Who calls, who knows them, who is a VIP and of which tier."""

from __future__ import annotations

import pytest

from routing.affinity import Attempt, Conversation, last_agent, returned_call
from routing.boxes import Numbers, Words
from routing.callers import CallerKind, read
from routing.errors import PlanError
from routing.facts import Direction
from routing.tiers import TierPlan, TierRule, faults, judge
from routing.vip import Asked, Customer, VipRule, overlaps
from routing.vip import judge as judge_vip

NOW = 1_700_000_000.0
DAY = 86_400.0
TIERS = ("red", "high", "middle", "ordinary", "grey", "black")


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("+4930123456", CallerKind.NUMBER, "+4930123456"),
        ("0049 30 123456", CallerKind.NUMBER, "+4930123456"),
        ("sip:+8613812345678@carrier.example;user=phone", CallerKind.NUMBER, "+8613812345678"),
        ("tel:+1-212-555-0100", CallerKind.NUMBER, "+12125550100"),
        ("030123456", CallerKind.LOCAL, ""),
        ("anonymous", CallerKind.HIDDEN, ""),
        ("sip:Anonymous@anonymous.invalid", CallerKind.HIDDEN, ""),
        ("", CallerKind.HIDDEN, ""),
        ("BANKINFO", CallerKind.WORDS, ""),
        ("王先生", CallerKind.WORDS, ""),
        ("+0123456789", CallerKind.MALFORMED, ""),
        ("+4912345678901234567", CallerKind.MALFORMED, ""),
        ("+49٣٠١٢٣٤٥٦", CallerKind.MALFORMED, ""),
        ("+49\r\n30", CallerKind.MALFORMED, ""),
        ("9" * 5000, CallerKind.MALFORMED, ""),
    ],
)
def test_caller_ids(text: str, kind: CallerKind, number: str) -> None:
    caller = read(text)
    assert (caller.kind, caller.number) == (kind, number)
    assert caller.reason


def talk(agent: str, days: float, number: str = "+1", person: str = "p", **more: object) -> Conversation:
    return Conversation(agent, NOW - days * DAY, number, person, **more)  # type: ignore[arg-type]


def test_the_last_agent_is_found_by_number_and_by_person_across_campaigns_and_directions() -> None:
    history = [
        talk("old", 9, campaign="spring"),
        talk("new", 2, number="+2", campaign="autumn", direction=Direction.INBOUND),
        talk("stranger", 1, number="+3", person="q"),
    ]
    found = last_agent(history, "+1", ("p",), NOW, 30 * DAY)
    assert found is not None and found.agent == "new"
    assert found.reason == "talked with the same person at another number in autumn (inbound) 2 days ago"
    by_number = last_agent(history, "+1", (), NOW, 30 * DAY)
    assert by_number is not None and by_number.agent == "old"
    assert last_agent(history, "+1", (), NOW, 5 * DAY) is None
    assert last_agent(history, "", (), NOW, 30 * DAY) is None  # a hidden number is nobody's
    assert last_agent([talk("future", -1)], "+1", ("p",), NOW, DAY) is None


def test_at_the_same_moment_the_number_counts_more_than_the_person() -> None:
    for history in ([talk("a", 1, number="+2"), talk("b", 1)], [talk("b", 1), talk("a", 1, number="+2")]):
        found = last_agent(history, "+1", ("p",), NOW, 30 * DAY)
        assert found is not None and found.agent == "b"


def attempt(minutes: float, **more: object) -> Attempt:
    facts = {"number": "+1", "shown": "+9", "campaign": "spring", "lead": "7", "agent": "a"} | more
    return Attempt(NOW - minutes * 60, **facts)  # type: ignore[arg-type]


def test_a_missed_call_returned_gets_campaign_lead_and_agent() -> None:
    found = returned_call([attempt(90), attempt(30, lead="8", agent=None)], "+1", (), "+9", NOW, DAY)
    assert found is not None and (found.campaign, found.lead, found.agent) == ("spring", "8", None)
    assert found.reason == "returns the call that spring made 30 minutes ago"
    for calls, dialed in (([attempt(30)], "+8"), ([attempt(30, answered=True), attempt(90)], "+9"), ([], "+9")):
        assert returned_call(calls, "+1", (), dialed, NOW, DAY) is None
    assert returned_call([attempt(30)], "", (), "+9", NOW, DAY) is None
    assert returned_call([attempt(2 * 24 * 60)], "+1", (), "+9", NOW, DAY) is None


def test_a_missed_call_is_returned_from_any_number_of_the_person() -> None:
    """Lists name persons each in its own way: a number has as many persons as it has leads."""
    call = attempt(30, number="+2", person="crm-7")
    assert returned_call([call], "+1", ("+1", "crm-7"), "+9", NOW, DAY) is not None
    assert returned_call([call], "+1", ("+1",), "+9", NOW, DAY) is None
    assert returned_call([attempt(30, number="+2", person="")], "+1", ("",), "+9", NOW, DAY) is None


def test_an_agents_own_call_that_was_missed_is_returned_to_the_agent() -> None:
    found = returned_call([attempt(30, campaign="", lead="")], "+1", (), "+9", NOW, DAY)
    assert found is not None and (found.campaign, found.lead, found.agent) == ("", "", "a")
    assert found.reason == "returns the call that a made 30 minutes ago"


VIPS = (
    VipRule("board", numbers=frozenset({"+4930111"}), agent="1001"),
    VipRule("acme", ranges=(("+4930200", "+4930299"),), companies=frozenset({"ACME  Ltd"})),
    VipRule("rich", fields={"value": Numbers(low=10_000)}, group="gold"),
)


def test_vips_by_number_range_company_and_fields() -> None:
    for customer, rule, agent in (
        (Customer("+4930111"), "board", "1001"),
        (Customer("+4930250"), "acme", None),
        (Customer("", "acme ltd"), "acme", None),
        (Customer("", "", {"value": "10 000"}), "rich", None),
        (Customer("+4930111", "Acme Ltd", {"value": 99_999}), "board", "1001"),  # the closest rule
    ):
        verdict = judge_vip(VIPS, customer)
        assert (verdict.vip, verdict.rule, verdict.agent) == (True, rule, agent)
    for customer in (Customer(), Customer("+49302500"), Customer("", "acme"), Customer("", "", {"value": "much"})):
        assert not judge_vip(VIPS, customer).vip


def test_the_business_system_makes_vips_and_unmakes_none() -> None:
    nobody = Customer("+1")
    assert judge_vip(VIPS, nobody, Asked(True, NOW), NOW, 60.0).vip
    assert judge_vip(VIPS, nobody, Asked(True, NOW - 30), NOW, 60.0).reason == "the business system says so, 30 s ago"
    assert judge_vip(VIPS, nobody, Asked(True, NOW - 90), NOW, 60.0).reason.endswith("is too old")
    assert not judge_vip(VIPS, nobody, Asked(False, NOW), NOW, 60.0).vip
    assert judge_vip(VIPS, Customer("+4930111"), Asked(False, NOW), NOW, 60.0).vip


def test_overlapping_vip_rules_are_found() -> None:
    assert list(overlaps(VIPS)) == []
    other = VipRule(
        "other",
        numbers=frozenset({"+4930111", "+4930205"}),
        ranges=(("+4930290", "+4930400"),),
        companies=frozenset({"acme ltd"}),
        fields={"value": Numbers(high=10_001), "region": Words(frozenset({"north"}))},
    )
    found = [(each.first, each.what, each.differs) for each in overlaps((*VIPS, other))]
    assert found == [
        (0, "the number …0111", True),
        (1, "the number …0205 in a range", False),
        (2, "customers with region north, value from 10000 to below 10001", True),
    ]


@pytest.mark.parametrize("span", [("+2", "+1"), ("+1", "+12"), ("+1x", "+2x"), ("+", "+"), ("+١", "+٢")])
def test_ranges_that_are_none_are_refused(span: tuple[str, str]) -> None:
    with pytest.raises(PlanError, match="expected"):
        VipRule("x", ranges=(span,))


def rule(tier: str, **box: object) -> TierRule:
    return TierRule(tier, box)  # type: ignore[arg-type]


WHOLE = TierPlan(
    (
        rule("black", blocked=Words(frozenset({"yes"}))),
        rule("red", value=Numbers(low=10_000), blocked=Words(frozenset({"yes"}), True)),
        rule("high", value=Numbers(1_000, 10_000), blocked=Words(frozenset({"yes"}), True)),
    ),
    otherwise="ordinary",
)


def test_tiers_by_fields() -> None:
    for fields, tier in (
        ({"value": "10000"}, "red"),
        ({"value": 9_999.5}, "high"),
        ({"value": "10000", "blocked": "YES"}, "black"),
        ({"value": "n/a"}, "ordinary"),
        ({}, "ordinary"),
    ):
        assert judge(WHOLE, fields).tier == tier
    assert judge(WHOLE, {"value": 1}).reason == "no rule holds: the tier of all others"
    assert judge(TierPlan(), {}) .tier == "ordinary"


def test_a_plan_without_gaps_and_contradictions_has_no_faults() -> None:
    assert list(faults(WHOLE, TIERS)) == []
    covering = TierPlan((rule("red", value=Numbers(low=10)), rule("grey", value=Numbers(high=10, missing=True))))
    assert list(faults(covering, TIERS)) == []


def test_gaps_overlaps_unknown_tiers_and_mixed_fields_are_found() -> None:
    gap = TierPlan((rule("red", value=Numbers(low=10)), rule("grey", value=Numbers(high=10))))
    (fault,) = faults(gap, TIERS)
    assert fault.expected == "rules that cover everybody, or otherwise: a tier (value missing is of none)"
    both = TierPlan((rule("red", value=Numbers(low=10)), rule("grey", age=Numbers(high=20))), otherwise="ordinary")
    (fault,) = faults(both, TIERS)
    assert fault.rules == (0, 1) and "age below 20, value from 10" in fault.expected
    assert list(faults(TierPlan(both.rules, "ordinary", ordered=True), TIERS)) == []
    (fault,) = faults(TierPlan((rule("purple"),), "red"), TIERS)
    assert fault.expected.startswith("a tier: one of red")
    mixed = TierPlan((rule("red", value=Numbers(low=10)), rule("grey", value=Words(frozenset({"x"})))), "red")
    (fault,) = faults(mixed, TIERS)
    assert fault.expected == "value as a number in all rules, or as a word in all"
    hidden = TierPlan(
        (rule("red", value=Numbers(low=10)), rule("high", value=Numbers(20, 30), age=Numbers(high=5))),
        otherwise="ordinary",
        ordered=True,
    )
    (fault,) = faults(hidden, TIERS)
    assert fault.rules == (0, 1) and "rule 1 takes all of its customers" in fault.expected
