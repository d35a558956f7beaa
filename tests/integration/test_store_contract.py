"""The same cases against the store in memory, on SQLite and on PostgreSQL: one behaviour, three stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import NOW, Bench, attempt, bench_on, closing

from dialer.domain.commands import (
    ClaimLeads,
    LogAgentState,
    NoteAnswer,
    NoteBridge,
    NoteHeard,
    ReleaseLeads,
    SaveCampaignState,
    SaveDisposition,
)
from dialer.domain.events import AgentFact, AttemptOpened, AttemptRefused
from dialer.domain.outcomes import Outcome

HOUR = 3600.0
LA = ("America/Los_Angeles",)
BOTH = ("America/New_York", "America/Los_Angeles")


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return bench_on(request.param, tmp_path)


def number(n: int) -> str:
    return f"+1212555{n:04d}"


# ---- ranks -------------------------------------------------------------------------------------------------


def test_a_claimed_lead_is_ranked_by_its_fields(bench: Bench) -> None:
    bench.add_lead([number(1)], priority=3, fields={"value": "2500"})
    bench.add_lead([number(2)], priority=2, fields={"company": "ACME "})
    bench.add_lead([number(3)], priority=1)
    high, vip, plain = (lead.rank for lead in bench.claim(3).leads)
    assert (high.tier, high.vip, high.agent) == ("high", False, None)
    assert (vip.vip, vip.agent, vip.groups) == (True, "7", (frozenset({"gold"}),))
    assert (plain.tier, plain.vip, plain.agent) == ("ordinary", False, None)
    assert high.reasons == ("tier high: rule 1: value from 1000",)


def test_whoever_talked_to_the_person_last_knows_them_whichever_number_it_was(bench: Bench) -> None:
    bench.add_lead([number(1)], person="ann")
    bench.add_lead([number(2)], person="bob")
    first, second = bench.claim(2).leads
    for lead, talks in ((first, (("3", NOW + 10), ("4", NOW + 50))), (second, ())):
        for agent, at in talks:
            opened = attempt(lead)
            bench.execute([opened, NoteAnswer(opened.attempt_id, None, at), NoteBridge(opened.attempt_id, at, agent)])
            bench.execute([closing(opened, Outcome.CONNECTED, at + 5, answered_at=at, bridged_at=at, agent=agent,
                                   recycle_after_s=0.0)])  # fmt: skip
            claimed = bench.claim(9, now=at + 6).leads
            lead = next((each for each in claimed if each.person == lead.person), lead)
    bench.add_lead([number(3)], person="ann")
    ranks = {lead.number: lead.rank for lead in bench.claim(9, now=NOW + 1_000).leads}
    assert ranks[number(3)].agent == "4" and ranks[number(3)].reasons[-1] == "4 talked to them last"
    bench.add_lead([number(4)], person="ann")
    (late,) = (lead.rank for lead in bench.claim(9, now=NOW + 1_051).leads if lead.number == number(4))
    assert late.agent is None, "older than rules say"


# ---- claims ------------------------------------------------------------------------------------------------


def test_claims_in_order_of_priority_then_due_time_then_id(bench: Bench) -> None:
    late = bench.add_lead([number(1)], due_at=NOW - 1)
    early = bench.add_lead([number(2)], due_at=NOW - 100)
    urgent = bench.add_lead([number(3)], priority=5, due_at=NOW - 1)
    same = bench.add_lead([number(4)], due_at=NOW - 1)
    bench.add_lead([number(5)], due_at=NOW + 50, priority=9)
    claimed = bench.claim(10)
    assert [lead.lead_id for lead in claimed.leads] == [urgent, early, late, same]
    assert claimed.asked == 10
    assert claimed.next_due_at == NOW + 50
    assert claimed.left == 5


def test_a_claimed_lead_carries_what_the_engine_needs(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1), number(2)], person="p1", priority=3, fields={"city": "Köln"})
    (lead,) = bench.claim(1, lease_s=120.0).leads
    assert (lead.lead_id, lead.campaign, lead.number, lead.person) == (lead_id, "sales", number(1), "p1")
    assert (lead.attempts, lead.lease_until, lead.priority, dict(lead.fields)) == (0, NOW + 120, 3, {"city": "Köln"})
    assert bench.lead(lead_id).state == "claimed"


def test_a_claimed_lead_is_not_claimed_again_before_its_lease_ends(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    assert len(bench.claim(1, lease_s=60.0).leads) == 1
    again = bench.claim(1, now=NOW + 59)
    assert again.leads == () and again.next_due_at == NOW + 60
    assert [lead.lead_id for lead in bench.claim(1, now=NOW + 60).leads] == [lead_id]


def test_leads_of_closed_zones_are_not_claimed_and_the_opening_is_told(bench: Bench) -> None:
    closed = bench.add_lead([number(1)], zones=LA, priority=9)
    either = bench.add_lead([number(2)], zones=BOTH, priority=9)
    is_open = bench.add_lead([number(3)], zones=("America/New_York",))
    claimed = bench.claim(5, "office", lease_s=2 * HOUR)
    assert [lead.lead_id for lead in claimed.leads] == [is_open]
    opens = NOW - NOW % HOUR + HOUR  # 15:00 UTC is 08:00 in Los Angeles
    assert claimed.next_due_at == opens
    assert {lead.lead_id for lead in bench.claim(5, "office", now=opens).leads} == {closed, either}


def test_claims_from_all_lists_of_the_campaign_and_from_no_other(bench: Bench) -> None:
    second = bench.add_lead([number(1)], list_name="second", priority=1)
    first = bench.add_lead([number(2)])
    bench.add_lead([number(3)], list_name="third")
    assert [lead.lead_id for lead in bench.claim(9, "office").leads] == [second, first]


def test_a_person_in_a_call_is_not_claimed(bench: Bench) -> None:
    bench.add_lead([number(1)], person="p", priority=1)
    bench.add_lead([number(2)], person="p")
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    bench.execute([opened])
    short = bench.claim(1)
    assert short.leads == () and short.next_due_at is not None and NOW < short.next_due_at <= NOW + 60
    bench.execute([closing(opened, lead_done=True, lead_reason="connected")])
    assert len(bench.claim(1).leads) == 1


def test_nothing_left_is_told_by_no_next_due_time(bench: Bench) -> None:
    assert bench.claim(5).next_due_at is None
    bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    bench.execute([opened])
    dialing = bench.claim(1)
    assert dialing.next_due_at is not None and dialing.left == 1
    bench.execute([closing(opened, lead_done=True, lead_reason="connected")])
    done = bench.claim(1)
    assert done.next_due_at is None and done.left == 0


def test_an_unknown_campaign_claims_nothing(bench: Bench) -> None:
    bench.add_lead([number(1)])
    claimed = bench.claim(1, "nobody")
    assert claimed.leads == () and claimed.next_due_at is None


# ---- the gate ----------------------------------------------------------------------------------------------


def test_an_attempt_is_opened_and_the_lead_is_dialing(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    assert bench.execute([attempt(lead, "a1")]) == [AttemptOpened("a1")]
    assert bench.lead(lead_id).state == "dialing" and bench.lead(lead_id).attempts == 1


def test_the_same_attempt_asked_twice_is_opened_once(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    asked = attempt(lead, "a1")
    assert bench.execute([asked, asked]) == [AttemptOpened("a1"), AttemptOpened("a1")]
    assert bench.lead(lead_id).attempts == 1


def test_two_attempts_on_one_lead_are_refused(bench: Bench) -> None:
    bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    first, second = bench.execute([attempt(lead, "a1"), attempt(lead, "a2")])
    assert first == AttemptOpened("a1")
    assert isinstance(second, AttemptRefused) and second.rule == "claim_lost" and not second.keep


def test_a_lead_that_is_not_claimed_or_whose_lease_is_over_is_refused(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    (lead,) = bench.claim(1, lease_s=60.0).leads
    (late,) = bench.execute([attempt(lead, "a1")], NOW + 61)
    assert isinstance(late, AttemptRefused) and late.rule == "claim_lost"
    bench.execute([ReleaseLeads("sales", (lead_id,), "test")])
    (free,) = bench.execute([attempt(lead, "a2")])
    assert isinstance(free, AttemptRefused) and free.rule == "claim_lost"
    (ghost,) = bench.execute([attempt(lead, "a3", lead_id=999_999)])
    assert isinstance(ghost, AttemptRefused) and ghost.rule == "claim_lost"


def test_a_claim_for_another_campaign_does_not_count(bench: Bench) -> None:
    bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    (event,) = bench.execute([attempt(lead, campaign="office")])
    assert isinstance(event, AttemptRefused) and event.rule == "claim_lost"


def test_one_live_attempt_per_person_also_within_a_batch(bench: Bench) -> None:
    bench.add_lead([number(1)], person="p")
    other = bench.add_lead([number(2)], person="p")
    one, two = bench.claim(2).leads
    first, second = bench.execute([attempt(one), attempt(two)])
    assert isinstance(first, AttemptOpened)
    assert isinstance(second, AttemptRefused) and second.rule == "person_busy"
    assert bench.lead(other).state == "ready" and bench.lead(other).due_at == NOW + 60
    assert bench.lead(other).attempts == 0


def test_one_live_attempt_per_phone_also_for_two_persons(bench: Bench) -> None:
    bench.add_lead([number(1)], person="anna")
    bench.add_lead([number(1)], person="ben")
    one, two = bench.claim(2).leads
    first, second = bench.execute([attempt(one), attempt(two)])
    assert isinstance(first, AttemptOpened)
    assert isinstance(second, AttemptRefused) and second.rule == "person_busy"


@pytest.mark.parametrize(
    ("value", "by_prefix", "campaign"),
    [
        (number(1), False, ""),
        (number(2), False, ""),  # another number of the same lead
        (number(1), False, "sales"),
        ("+1212", True, ""),
        (number(1), True, ""),
    ],
)
def test_do_not_call_ends_the_lead_for_good(bench: Bench, value: str, by_prefix: bool, campaign: str) -> None:
    lead_id = bench.add_lead([number(1), number(2)])
    bench.block(value, by_prefix=by_prefix, campaign=campaign)
    (lead,) = bench.claim(1).leads
    (event,) = bench.execute([attempt(lead)])
    assert isinstance(event, AttemptRefused) and event.rule == "dnc"
    assert number(1) not in event.reason
    assert (bench.lead(lead_id).state, bench.lead(lead_id).reason) == ("done", "dnc")


@pytest.mark.parametrize(
    ("value", "by_prefix", "campaign", "expires_at"),
    [
        (number(1), False, "office", None),  # another campaign's
        (number(1), False, "", NOW),  # over
        (number(9), False, "", None),
        ("+1213", True, "", None),
        ("+1212", False, "", None),  # a number, not a prefix
    ],
)
def test_entries_that_do_not_bind(
    bench: Bench, value: str, by_prefix: bool, campaign: str, expires_at: float | None
) -> None:
    bench.add_lead([number(1)])
    bench.block(value, by_prefix=by_prefix, campaign=campaign, expires_at=expires_at)
    (lead,) = bench.claim(1).leads
    assert isinstance(bench.execute([attempt(lead)])[0], AttemptOpened)


def test_an_entry_with_an_end_puts_the_lead_off_until_then(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    bench.block(number(1), expires_at=NOW + 5000)
    (lead,) = bench.claim(1).leads
    (event,) = bench.execute([attempt(lead)])
    assert isinstance(event, AttemptRefused) and event.rule == "dnc"
    assert (bench.lead(lead_id).state, bench.lead(lead_id).due_at) == ("ready", NOW + 5000)


def test_the_window_is_judged_at_the_gate_again(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    evening = NOW - NOW % HOUR + 10 * HOUR - 1  # 19:59:59 in New York
    (lead,) = bench.claim(1, "office", now=evening - 10).leads
    (event,) = bench.execute([attempt(lead)], evening + 1)
    assert isinstance(event, AttemptRefused) and event.rule == "window"
    assert bench.lead(lead_id).state == "ready"
    assert bench.lead(lead_id).due_at == evening + 1 + 12 * HOUR


def test_the_attempt_cap_ends_the_lead(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    for _ in range(3):
        (lead,) = bench.claim(1).leads
        opened = attempt(lead)
        bench.execute([opened, closing(opened, Outcome.CANCELLED)])
    (lead,) = bench.claim(1).leads
    assert lead.attempts == 3
    (event,) = bench.execute([attempt(lead)])
    assert isinstance(event, AttemptRefused) and event.rule == "attempts"
    assert (bench.lead(lead_id).state, bench.lead(lead_id).reason) == ("done", "attempts")


# ---- the end of an attempt ---------------------------------------------------------------------------------


def test_a_lead_comes_back_after_its_pause(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    bench.execute([opened])
    bench.execute([closing(opened, at=NOW + 30, recycle_after_s=7200.0)], NOW + 31)
    assert (bench.lead(lead_id).state, bench.lead(lead_id).due_at) == ("ready", NOW + 7230)
    assert bench.claim(1, now=NOW + 7229).leads == ()
    assert bench.claim(1, now=NOW + 7230).leads[0].attempts == 1


def test_a_second_close_changes_nothing(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    bench.execute([opened, closing(opened, lead_done=True, lead_reason="connected")])
    bench.execute([closing(opened, Outcome.BUSY, recycle_after_s=5.0)])
    assert (bench.lead(lead_id).state, bench.lead(lead_id).reason) == ("done", "connected")
    bench.execute([closing(attempt(lead, "never-opened"))])
    assert bench.lead(lead_id).state == "done"


def test_a_late_close_does_not_touch_the_next_attempt(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    first = attempt(lead)
    bench.execute([first, closing(first)])
    (lead,) = bench.claim(1).leads
    second = attempt(lead)
    bench.execute([second, closing(first)])
    assert bench.lead(lead_id).state == "dialing"


def test_a_dead_number_makes_way_for_the_next_one_at_once(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1), number(2)])
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    dead = closing(opened, Outcome.INVALID_NUMBER, number_dead=True, lead_reason="invalid_number")
    bench.execute([opened, dead])
    (lead,) = bench.claim(1).leads
    assert (lead.lead_id, lead.number) == (lead_id, number(2))
    opened = attempt(lead)
    dead = closing(opened, Outcome.INVALID_NUMBER, number_dead=True, lead_reason="invalid_number")
    bench.execute([opened, dead])
    assert (bench.lead(lead_id).state, bench.lead(lead_id).reason) == ("done", "invalid_number")


def test_a_rule_with_a_limit_of_its_own_ends_the_lead(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1)])
    for expected in ("ready", "done"):
        (lead,) = bench.claim(1).leads
        opened = attempt(lead)
        bench.execute([opened, closing(opened, Outcome.BUSY, lead_reason="busy")])
        assert bench.lead(lead_id).state == expected
    assert bench.lead(lead_id).reason == "busy"


# ---- what is noted while a call lasts, and what a lead carries ----------------------------------------------


def test_answer_and_bridge_are_told_after_a_crash(bench: Bench) -> None:
    bench.add_lead([number(1)], priority=1)
    bench.add_lead([number(2)])
    one, two = (attempt(lead, f"a{n}") for n, lead in enumerate(bench.claim(2).leads, 1))
    answer, bridge = NoteAnswer("a1", NOW + 2, NOW + 9), NoteBridge("a1", NOW + 10, "anna")
    bench.execute([one, two, answer, bridge])
    bench.execute([answer, bridge, NoteAnswer("a1", None, NOW + 9), NoteAnswer("unknown", None, NOW)])
    first, second = bench.restart().attempts
    assert (first.rang_at, first.answered_at, first.bridged_at) == (NOW + 2, NOW + 9, NOW + 10)
    assert (second.rang_at, second.answered_at, second.bridged_at) == (None, None, None)


def test_what_was_heard_outlives_a_restart_and_moves_the_clock(bench: Bench) -> None:
    bench.add_lead([number(1)], priority=1)
    bench.add_lead([number(2)])
    one, two = (attempt(lead, f"a{n}") for n, lead in enumerate(bench.claim(2).leads, 1))
    bench.execute([one, two, NoteAnswer("a1", NOW + 2, NOW + 9), NoteHeard("a1", "human", "human: said", NOW + 10.5)])
    bench.execute([NoteHeard("a1", "machine", "later", None), NoteHeard("unknown", "human", "x", NOW)])
    first, second = bench.restart().attempts
    assert (first.heard, first.clock_at, first.answered_at) == ("machine", NOW + 10.5, NOW + 9)
    assert (second.heard, second.clock_at) == ("", None)


def test_an_agent_in_time_after_the_greeting_is_in_time_for_the_ledger(bench: Bench) -> None:
    bench.add_lead([number(1)], priority=1)
    (lead,) = bench.claim(1).leads
    opened = attempt(lead, "a1")
    heard = NoteHeard("a1", "human", "human: said", NOW + 11)
    bench.execute([opened, NoteAnswer("a1", NOW + 2, NOW + 9), heard, NoteBridge("a1", NOW + 12.5, "anna")])
    bench.execute([closing(opened, Outcome.INTERRUPTED, at=NOW + 30)])
    (fact,) = [f for f in bench.restart(NOW + 60).pacing if f.campaign == "sales"]
    assert fact.answers_recent == ((NOW + 9, "connected"),)


def test_a_close_that_knows_no_times_leaves_those_that_were_noted(bench: Bench) -> None:
    for n in range(3):
        bench.add_lead([number(n)], priority=9 - n)
    noted, corrected, late = (attempt(lead, f"a{n}") for n, lead in enumerate(bench.claim(3).leads))
    bench.execute([noted, corrected, late])
    bench.execute([n for a in ("a0", "a1") for n in (NoteAnswer(a, NOW + 2, NOW + 9), NoteBridge(a, NOW + 10, "anna"))])
    bench.execute(
        [
            closing(noted, Outcome.CONNECTED, at=NOW + 30),
            closing(
                corrected, Outcome.CONNECTED, rang_at=NOW + 1, answered_at=NOW + 3, bridged_at=NOW + 4, at=NOW + 30
            ),
            closing(late, Outcome.NO_ANSWER, at=NOW + 30),
            NoteAnswer("a2", NOW + 2, NOW + 9),  # arrives after the end: the end has said that nobody answered
            NoteBridge("a0", NOW + 99, "ben"),
        ]
    )
    (fact,) = [f for f in bench.restart().pacing if f.campaign == "sales"]
    assert [(row.rang_at, row.answered_at, row.bridged_at) for row in fact.history] == [
        (NOW + 2, NOW + 9, NOW + 10),
        (NOW + 1, NOW + 3, NOW + 4),
        (None, None, None),
    ]


def test_a_claimed_lead_carries_what_tells_whether_it_will_answer(bench: Bench) -> None:
    bench.add_lead([number(1)], list_name="second", line_type="mobile")
    (lead,) = bench.claim(1, "office").leads
    assert (lead.list_name, lead.line_type, lead.last_outcome) == ("second", "mobile", "")
    first = attempt(lead)
    bench.execute([first, closing(first, Outcome.BUSY)])
    (lead,) = bench.claim(1, "office").leads
    assert (lead.attempts, lead.last_outcome) == (1, "busy")
    second = attempt(lead)
    bench.execute([second, closing(first, Outcome.REJECTED)])  # sent again, late: nothing of it counts
    bench.execute([closing(second, Outcome.NO_ANSWER)])
    assert bench.claim(1, "office").leads[0].last_outcome == "no_answer"


# ---- release, records, restart -----------------------------------------------------------------------------


def test_released_leads_are_free_again_and_only_those(bench: Bench) -> None:
    one = bench.add_lead([number(1)])
    two = bench.add_lead([number(2)])
    leads = bench.claim(2).leads
    bench.execute([attempt(leads[1])])
    bench.execute([ReleaseLeads("sales", (one, two, 999_999), "shutdown", after_s=10.0)])
    assert (bench.lead(one).state, bench.lead(one).due_at) == ("ready", NOW + 10)
    assert bench.lead(two).state == "dialing"


def test_a_restart_tells_open_attempts_and_releases_claims(bench: Bench) -> None:
    dialing = bench.add_lead([number(1)], person="p1", priority=1)
    claimed = bench.add_lead([number(2)])
    leads = bench.claim(2).leads
    opened = attempt(leads[0], "a1", at=NOW - 5)
    bench.execute([opened])
    recovered = bench.restart()
    (fact,) = recovered.attempts
    assert (fact.attempt_id, fact.campaign, fact.lead_id, fact.number_id) == ("a1", "sales", dialing, opened.number_id)
    assert (fact.number, fact.person, fact.node, fact.trunk) == (number(1), "p1", "n1", "t1")
    assert (fact.opened_at, fact.attempts) == (NOW - 5, 0)
    assert bench.lead(dialing).state == "dialing"
    assert bench.lead(claimed).state == "ready"
    (event,) = bench.execute([attempt(leads[1])])
    assert isinstance(event, AttemptRefused) and event.rule == "claim_lost"
    bench.execute([closing(opened, Outcome.INTERRUPTED, recycle_after_s=60.0)])
    assert bench.restart().attempts == ()
    assert bench.lead(dialing).state == "ready"


def test_a_restart_tells_agents_and_campaigns(bench: Bench) -> None:
    bench.execute(
        [
            LogAgentState("anna", "s1", "connecting", "", NOW),
            LogAgentState("anna", "s1", "paused", "lunch", NOW + 1),
            LogAgentState("ben", "s2", "paused", "", NOW),
            LogAgentState("ben", "s2", "ready", "", NOW + 1),
            LogAgentState("ben", "s2", "talking", "", NOW + 2, "a1"),
            LogAgentState("cleo", "s3", "ready", "", NOW),
            LogAgentState("cleo", "s3", "logged_out", "", NOW + 1),
            LogAgentState("dora", "s4", "connecting", "", NOW),
            SaveCampaignState("sales", "running", NOW),
            SaveCampaignState("sales", "paused", NOW + 1),
            SaveCampaignState("office", "running", NOW),
        ]
    )
    recovered = bench.restart()
    assert recovered.agents == (
        AgentFact("anna", "paused", "lunch", "s1"),
        AgentFact("ben", "ready", "", "s2"),
        AgentFact("dora", "paused", "", "s4"),
    )
    assert recovered.campaigns == (("office", "running"), ("sales", "paused"))


def test_records_that_are_sent_again_after_newer_ones_change_nothing(bench: Bench) -> None:
    first = [LogAgentState("anna", "s1", "ready", "", NOW), SaveCampaignState("sales", "running", NOW)]
    then = [LogAgentState("anna", "s1", "paused", "", NOW + 1), SaveCampaignState("sales", "stopped", NOW + 1)]
    word = SaveDisposition("a1", "anna", "SALE", "two boxes", NOW)
    bench.execute([*first, *then, word])
    bench.execute([*first, word])
    recovered = bench.restart()
    assert recovered.agents == (AgentFact("anna", "paused", "", "s1"),)
    assert recovered.campaigns == (("sales", "stopped"),)


def test_answers_come_in_the_order_of_the_commands(bench: Bench) -> None:
    bench.add_lead([number(1)])
    bench.add_lead([number(2)])
    (lead,) = bench.claim(1).leads
    events = bench.execute(
        [attempt(lead, "a1"), SaveCampaignState("sales", "running", NOW), ClaimLeads("sales", 1, 60.0)]
    )
    assert [type(event).__name__ for event in events] == ["AttemptOpened", "LeadsClaimed"]
    assert bench.execute([]) == []
