"""Calls of ours that customers return, in the store: whose they are, what it does to the lead; and who knows whom, by
any number and in both directions. On all stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pg import require_server
from stores import CAMPAIGNS, NOW, ROUTING, Bench, MemoryBench, SqlBench, attempt, campaign, closing

from dialer.domain.callbacks import CallbackSettings, CallbacksSeen, LookCallbacks
from dialer.domain.commands import NoteBridge
from dialer.domain.desk_records import RequestCallback, SaveOwnCall
from dialer.domain.events import AttemptOpened, AttemptRefused
from dialer.domain.inbound import ArrivalJudged, CloseInbound, Ending, JudgeArrival, NoteInbound, OpenInbound
from dialer.domain.lines import ShownFact
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import RecycleRule
from routing.intake import Queue

ANNA, ANNAS_OTHER, BORIS, DID = "+12125550101", "+12125550102", "+12125550103", "+12025550111"
RULES = replace(ROUTING, own_age_s=90 * 86_400.0, campaign_groups={"sales": frozenset({"campaign sales"})},
                written={"12025550111": DID, "2025550111": DID})  # fmt: skip


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    again = campaign("again", recycle={Outcome.CONNECTED: RecycleRule(86_400.0)}, callbacks=CallbackSettings())
    campaigns = {**CAMPAIGNS, "again": again}
    if request.param == "memory":
        return MemoryBench(campaigns, RULES)
    url = f"sqlite:///{tmp_path}/s.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url, campaigns=campaigns, rules=RULES)


def asked(bench: Bench, number: str = ANNA, at: float = NOW + 100, dialed: str = DID) -> ArrivalJudged:
    (answer,) = bench.execute([JudgeArrival("call-9", number, "number", "why", dialed, Queue("desk", ()), at)], at)
    assert isinstance(answer, ArrivalJudged)
    return answer


def missed(bench: Bench, numbers: list[str], name: str = "sales", *, agent: str | None = None, **more: object) -> int:
    """A lead whose phone rang in vain; its id."""
    lead_id = bench.add_lead(numbers, **more)  # type: ignore[arg-type]
    (lead,) = bench.claim(1, name).leads
    out = attempt(lead, shown="12025550111", agent=agent)
    bench.execute([out, closing(out, recycle_after_s=7200.0, at=NOW + 30)], NOW + 30)
    return lead_id


def called_in(bench: Bench, campaign: str = "", lead_id: int = 0, person: str = "", number: str = ANNA) -> None:
    bench.execute(
        [
            OpenInbound("call-1", "n1", "t1", number, DID, "desk", NOW + 100),
            NoteInbound("call-1", tier="ordinary", campaign=campaign, lead_id=lead_id, person=person, reason="r"),
            NoteBridge("call-1", NOW + 110, "anna"),
        ],
        NOW + 110,
    )


def ended(bench: Bench, ending: Ending = Ending.SERVED) -> None:
    bench.execute([CloseInbound("call-1", ending, "spoke", NOW + 200, bridged_at=NOW + 110, agent="anna")], NOW + 200)


# ---- whose call is returned --------------------------------------------------------------------------------


def test_who_missed_our_call_and_calls_back_gets_campaign_lead_and_agent(bench: Bench) -> None:
    """Also where the call showed our number without its plus, as its carrier wants it."""
    lead_id = missed(bench, [ANNA], agent="carla")
    bench.add_lead([ANNA], list_name="second")  # newer, in another list
    known = asked(bench)
    assert (known.campaign, known.lead_id, known.rank.agent) == ("sales", lead_id, "carla")
    assert known.rank.groups[-1] == frozenset({"campaign sales"})
    assert any("returns the call that sales made" in reason for reason in known.rank.reasons)
    elsewhere = asked(bench, dialed="+12025550199")
    assert (elsewhere.campaign, elsewhere.rank.agent) == ("", None)


def test_it_is_returned_from_any_number_of_the_person(bench: Bench) -> None:
    """The lead has both; or two lists have one number each of a person whom both know by one name."""
    lead_id = missed(bench, [ANNA, ANNAS_OTHER])
    assert asked(bench, ANNAS_OTHER).lead_id == lead_id and asked(bench, ANNAS_OTHER).campaign == "sales"
    other = missed(bench, [BORIS], person="crm-7")
    bench.add_lead(["+12125550104"], list_name="second", person="crm-7")
    bench.add_lead(["+12125550104"], list_name="third")  # newest, and without a name
    known = asked(bench, "+12125550104")
    assert (known.campaign, known.lead_id, known.person) == ("sales", other, "crm-7")


def test_an_agents_own_call_is_returned_to_the_agent(bench: Bench) -> None:
    own = SaveOwnCall("own-1", "dora", "s1", "an outside number", ANNA, "t1", NOW, None, NOW + 30, "NO_ANSWER",
                      shown="2025550111")  # fmt: skip
    bench.execute([own], NOW + 30)
    known = asked(bench)
    assert (known.rank.agent, known.campaign, known.lead_id) == ("dora", "", 0)
    bench.execute([replace(own, ident="own-2", began_at=NOW + 40, answered_at=NOW + 45)], NOW + 60)
    assert any("talked with this number" in reason for reason in asked(bench).rank.reasons)


def test_once_returned_and_served_it_is_the_one_who_served_them(bench: Bench) -> None:
    lead_id = missed(bench, [ANNA], agent="carla")
    called_in(bench, "sales", lead_id, ANNA)
    ended(bench)
    known = asked(bench, at=NOW + 300)
    assert (known.rank.agent, known.campaign, known.lead_id) == ("anna", "", lead_id)


# ---- what becomes of the lead ------------------------------------------------------------------------------


def test_the_lead_of_who_returned_a_call_and_was_served_is_done(bench: Bench) -> None:
    lead_id = missed(bench, [ANNA])
    assert bench.lead(lead_id).state == "ready"
    called_in(bench, "sales", lead_id, ANNA)
    ended(bench)
    assert (bench.lead(lead_id).state, bench.lead(lead_id).reason) == ("done", "returned our call")
    ended(bench)  # the same again has no second effect
    assert bench.claim(5, now=NOW + 9000).leads == ()


def test_by_the_campaigns_own_rule_it_rests_for_a_day(bench: Bench) -> None:
    lead_id = missed(bench, [ANNA], "again")
    called_in(bench, "again", lead_id, ANNA)
    ended(bench)
    now = bench.lead(lead_id)
    assert (now.state, now.due_at) == ("ready", NOW + 200 + 86_400.0)


def test_a_lead_in_a_hopper_is_refused_by_the_gate(bench: Bench) -> None:
    lead_id = missed(bench, [ANNA])
    (lead,) = bench.claim(1, now=NOW + 8000, lease_s=9000.0).leads
    called_in(bench, "sales", lead_id, ANNA)
    ended(bench)
    (answer,) = bench.execute([attempt(lead, at=NOW + 8010)], NOW + 8010)
    assert isinstance(answer, AttemptRefused) and not answer.keep
    assert bench.lead(lead_id).state == "done"


@pytest.mark.parametrize("ending", [Ending.LOST, Ending.VOICEMAIL, Ending.CALLBACK])
def test_a_lead_whose_customer_was_not_served_is_dialed_on(bench: Bench, ending: Ending) -> None:
    lead_id = missed(bench, [ANNA])
    bench.execute([OpenInbound("call-1", "n1", "t1", ANNA, DID, "desk", NOW + 100)], NOW)
    bench.execute([NoteInbound("call-1", campaign="sales", lead_id=lead_id)], NOW)
    bench.execute([CloseInbound("call-1", ending, "why", NOW + 200)], NOW + 200)
    assert bench.lead(lead_id).state == "ready"


def test_a_call_that_returns_none_changes_no_lead(bench: Bench) -> None:
    lead_id = missed(bench, [ANNA])
    called_in(bench, "", lead_id, ANNA)
    ended(bench)
    assert bench.lead(lead_id).state == "ready"


def test_a_lead_that_is_being_dialed_is_left_alone(bench: Bench) -> None:
    """We ring them while they call: their attempt says what becomes of it."""
    bench.add_lead([ANNAS_OTHER, ANNA])
    (lead,) = bench.claim(1).leads
    out = attempt(lead)
    (opened,) = bench.execute([out], NOW)
    assert isinstance(opened, AttemptOpened)
    called_in(bench, "sales", lead.lead_id, number=BORIS)
    ended(bench)
    assert bench.lead(lead.lead_id).state == "dialing"


def test_their_wishes_are_the_campaigns_that_called(bench: Bench) -> None:
    """An agent promises another call: it is dialed by the campaign whose call they returned; a talk settles it."""
    lead_id = missed(bench, [ANNA], "again")
    called_in(bench, "again", lead_id, ANNA)
    bench.execute([RequestCallback("call-1", "anna", NOW + 900, NOW + 150, "anna")], NOW + 150)
    (seen,) = bench.execute([LookCallbacks(("again",), NOW + 1000, 10)], NOW + 160)
    assert isinstance(seen, CallbacksSeen)
    assert [(fact.campaign, fact.lead_id, fact.agent) for fact in seen.callbacks] == [("again", lead_id, "anna")]
    bench.execute([OpenInbound("call-2", "n1", "t1", ANNA, DID, "desk", NOW + 300)], NOW + 300)
    bench.execute([NoteInbound("call-2", campaign="again", lead_id=lead_id, person=ANNA)], NOW + 300)
    bench.execute([NoteBridge("call-2", NOW + 310, "anna")], NOW + 310)
    (seen,) = bench.execute([LookCallbacks(("again",), NOW + 1000, 10)], NOW + 320)
    assert isinstance(seen, CallbacksSeen) and seen.callbacks == ()


# ---- who knows whom, when we call --------------------------------------------------------------------------


def test_whom_a_lead_talked_to_last_counts_in_both_directions(bench: Bench) -> None:
    """An attempt, a call that came in, an agent's own call: whichever was last is who is tried first."""
    bench.add_lead([ANNA])

    def known(now: float) -> str | None:
        (lead,) = bench.claim(1, now=now, lease_s=1.0).leads
        return lead.rank.agent

    (lead,) = bench.claim(1, lease_s=1.0).leads
    assert lead.rank.agent is None
    called_in(bench)
    ended(bench)
    assert known(NOW + 210) == "anna"
    own = SaveOwnCall("own-1", "dora", "s1", "an outside number", ANNA, "t1", NOW + 300, NOW + 310, NOW + 330, "ok")
    bench.execute([own], NOW + 330)
    assert known(NOW + 340) == "dora"


def test_by_person_too(bench: Bench) -> None:
    bench.add_lead([ANNA], person="crm-7")
    called_in(bench, lead_id=99, person="crm-7", number=BORIS)
    ended(bench)
    (lead,) = bench.claim(1, now=NOW + 210).leads
    assert lead.rank.agent == "anna"


# ---- who is on the line ------------------------------------------------------------------------------------


def dial(bench: Bench, now: float) -> AttemptOpened | AttemptRefused:
    (lead,) = bench.claim(1, now=now).leads
    (answer,) = bench.execute([attempt(lead, at=now)], now)
    assert isinstance(answer, AttemptOpened | AttemptRefused)
    return answer


def test_nobody_is_dialed_at_another_number_while_they_talk_to_us(bench: Bench) -> None:
    bench.add_lead([ANNA], person="crm-7")
    called_in(bench, lead_id=99, person="crm-7", number=BORIS)
    refused = dial(bench, NOW + 120)
    assert isinstance(refused, AttemptRefused) and refused.rule == "person_busy"
    ended(bench)
    assert isinstance(dial(bench, NOW + 400), AttemptOpened)


def test_a_call_of_a_dialer_that_died_for_good_keeps_nobody_from_being_dialed(tmp_path: Path) -> None:
    """For an hour it does: who knows how long they talk. A day later any dialer's start ends it."""
    dead = SqlBench(f"sqlite:///{tmp_path}/s.db", owner="dead", campaigns=CAMPAIGNS, rules=RULES)
    dead.execute([OpenInbound("call-1", "n1", "t1", ANNA, DID, "desk", NOW)], NOW)
    alive = SqlBench(f"sqlite:///{tmp_path}/s.db", owner="alive", campaigns=CAMPAIGNS, rules=RULES)
    alive.add_lead([ANNA])
    assert isinstance(dial(alive, NOW + 3000), AttemptRefused)
    assert isinstance(dial(alive, NOW + 3700), AttemptOpened)
    assert alive.restart(NOW + 3700).inbound == (), "another's are not ours to settle"
    alive.restart(NOW + 86_500)
    with alive.engine.connect() as conn:
        ((ending, reason),) = conn.exec_driver_sql("SELECT ending, reason FROM inbound_calls").all()
    assert (ending, reason) == ("interrupted", "its dialer is gone")
    assert isinstance(dial_own(dead), AttemptOpened | AttemptRefused)


def test_a_call_that_a_dead_runs_worker_writes_late_is_over(tmp_path: Path) -> None:
    """It had kept the record while the disk was full; the next run has recovered meanwhile, and was not told of it."""
    bench = SqlBench(f"sqlite:///{tmp_path}/s.db", campaigns=CAMPAIGNS, rules=RULES)
    dead = bench.service
    bench.restart()
    dead.execute([OpenInbound("call-1", "n1", "t1", ANNA, DID, "desk", NOW)], NOW + 5)
    bench.execute([OpenInbound("call-2", "n1", "t1", BORIS, DID, "desk", NOW)], NOW + 5)
    with bench.engine.connect() as conn:
        rows = conn.exec_driver_sql("SELECT id, ending, ended_at IS NULL FROM inbound_calls ORDER BY id").all()
    assert [tuple(row) for row in rows] == [("call-1", "interrupted", 0), ("call-2", "", 1)]
    bench.add_lead([ANNA])
    assert isinstance(dial(bench, NOW + 60), AttemptOpened)


def dial_own(bench: SqlBench) -> AttemptOpened | AttemptRefused:
    """The dead one comes back: its own call is over, and settles nothing anew."""
    bench.execute([CloseInbound("call-1", Ending.SERVED, "late", NOW + 90_000)], NOW + 90_000)
    with bench.engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT ending FROM inbound_calls").scalar_one() == "interrupted"
    bench.add_lead([BORIS])
    return dial(bench, NOW + 90_010)


# ---- what was shown today ----------------------------------------------------------------------------------


def test_agents_own_calls_are_counted_as_shown_at_a_start(bench: Bench) -> None:
    missed(bench, [ANNA])
    for index, (number, shown) in enumerate(((BORIS, "12025550111"), (BORIS, ""), ("", ""), (ANNA, "12025550199"))):
        own = SaveOwnCall(f"own-{index}", "dora", "s1", "t", number, "t1", NOW - 60, None, NOW - 30, "x", shown=shown)
        bench.execute([own], NOW)
    bench.execute([SaveOwnCall("old", "dora", "s1", "t", BORIS, "t1", NOW - 2 * 86_400, None, NOW, "x", "12025550111")])
    facts: dict[str, ShownFact] = {fact.number: fact for fact in bench.restart(NOW + 60).shown}
    assert {name: sum(calls for _, calls in fact.quarters) for name, fact in facts.items()} == {
        "12025550111": 2, "12025550199": 1,
    }  # fmt: skip
    assert facts["12025550111"].dialed == 1, "nobody judges a number by whom agents call themselves"
