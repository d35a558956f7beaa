"""A call that arrives: what it is to us, with one sentence for each answer."""

from __future__ import annotations

from dataclasses import replace

from routing.affinity import Attempt, Conversation
from routing.boxes import Numbers, Words
from routing.callers import read
from routing.facts import Direction, Step
from routing.intake import Arrival, Queue, Rules, judge
from routing.tiers import DEFAULT_TIERS, TierPlan, TierRule
from routing.vip import Asked, VipRule

NOW = 1_700_000_000.0
SALES = frozenset({"sales"})
GOLD = frozenset({"gold"})
RULES = Rules(
    tiers=(*(replace(tier, groups=GOLD) if tier.name == "red" else tier for tier in DEFAULT_TIERS),),
    tier_plan=TierPlan(
        (TierRule("black", {"blocked": Words(frozenset({"yes"}))}), TierRule("red", {"value": Numbers(low=1000)})),
        otherwise="ordinary",
        ordered=True,
    ),
    vips=(VipRule("board", numbers=frozenset({"+4930111"}), agent="1001", group="front"),),
    campaign_groups={"spring": frozenset({"spring"})},
)
HISTORY = (Conversation("1002", NOW - 3 * 86_400, "+4930222", campaign="autumn"),)
MISSED = (Attempt(NOW - 3600, "+4930222", "+4930900", "spring", "77", agent="1003"),)


def arrival(number: str = "+4930222", **more: object) -> Arrival:
    facts = {"dialed": "+4930900", "queue": Queue("main", (Step(0, SALES), Step(30)))} | more
    return Arrival("c1", NOW, read(number), **facts)  # type: ignore[arg-type]


def test_a_caller_of_whom_nothing_is_known_is_an_ordinary_one_of_their_queue() -> None:
    for text in ("anonymous", "BANKINFO", "+0", "030123", "+4930333"):
        got = judge(arrival(text), RULES, HISTORY, MISSED)
        assert got.call is not None and got.lead == ""
        assert (got.call.tier, got.call.vip, got.call.own_agent, got.call.target_s) == ("ordinary", False, None, 20.0)
        assert got.call.steps == (Step(0, SALES), Step(30)) and got.call.queue == "main"
    assert judge(arrival("anonymous"), RULES).reasons == (
        "the caller hides their number: known by nothing but the queue",
        "no VIP: in no rule",
        "tier ordinary, to be served in 20 s: no rule holds: the tier of all others",
    )


def test_back_to_who_called_else_to_who_talked_last() -> None:
    got = judge(arrival(), RULES, HISTORY, MISSED)
    assert got.call is not None
    assert (got.call.own_agent, got.call.own_until, got.call.campaign, got.lead) == ("1003", NOW + 60, "spring", "77")
    assert got.call.steps[0] == Step(0, frozenset({"spring"}))
    assert "returns the call that spring made 60 minutes ago, 1003 called" in got.reasons
    nobody_called = judge(arrival(), RULES, HISTORY, (replace(MISSED[0], agent=None),))
    assert nobody_called.call is not None
    assert (nobody_called.call.own_agent, nobody_called.call.campaign) == ("1002", "spring")
    other_number = judge(arrival(dialed="+4930800"), RULES, HISTORY, MISSED)
    assert other_number.call is not None and (other_number.call.own_agent, other_number.call.campaign) == ("1002", "")
    assert "1002 talked with this number in autumn (outbound) 3 days ago" in other_number.reasons


def test_who_has_talked_since_returns_no_missed_call() -> None:
    """They returned it an hour ago and were served: now they are the one's who served them."""
    since = (*HISTORY, Conversation("1004", NOW - 1800, "+4930222", campaign="main", direction=Direction.INBOUND))
    got = judge(arrival(), RULES, since, MISSED)
    assert got.call is not None and (got.call.own_agent, got.call.campaign, got.lead) == ("1004", "", "")


def test_our_numbers_are_known_however_they_are_shown() -> None:
    rules = Rules(written={"4930900": "+4930900", "030900": "+4930900"})
    assert {rules.ours(each) for each in ("+4930900", "4930900", "030900")} == {"+4930900"}
    assert rules.ours("+4930111") == "+4930111" and rules.ours("") == ""


def test_the_group_of_who_knows_them_stands_in() -> None:
    rules = replace(RULES, agent_groups={"1002": frozenset({"north"})})
    got = judge(arrival(), rules, HISTORY)
    assert got.call is not None and got.call.steps == (Step(0, frozenset({"north"})), Step(0, SALES), Step(30))


def test_a_vip_has_a_personal_agent_and_waits_for_nobody() -> None:
    got = judge(arrival("+4930111"), RULES)
    assert got.call is not None and got.call.vip
    assert (got.call.own_agent, got.call.own_until) == ("1001", NOW)
    assert got.call.steps[0] == Step(0, frozenset({"front"}))
    assert got.reasons[-2:] == ("personal agent 1001", "1001 first, waits for nobody")
    asked = judge(arrival(asked=Asked(True, NOW - 5)), RULES)
    assert asked.call is not None and asked.call.vip


def test_tiers_bring_their_groups_and_black_ones_are_refused_unless_vips() -> None:
    red = judge(arrival(fields={"value": "5000"}), RULES)
    assert red.call is not None and red.call.target_s == 5.0 and red.call.steps[0] == Step(0, GOLD)
    black = judge(arrival(fields={"value": "5000", "blocked": "yes"}), RULES)
    assert black.call is None and black.reasons[-1] == "refused: tier black"
    assert judge(arrival("+4930111", fields={"blocked": "yes"}), RULES).call is not None
    unknown = judge(arrival(), replace(RULES, tier_plan=TierPlan(otherwise="purple")))
    assert unknown.call is not None and unknown.call.tier == "ordinary"
