"""Callbacks in the store: claimed, dialed through the gate, ended exactly once; the same on all stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from stores import ALWAYS, NOW, OFFICE, Bench, MemoryBench, SqlBench, attempt, bench_on, campaign, closing

from dialer.domain.callbacks import (
    CallbackClaimed,
    CallbackGone,
    CallbackSettings,
    CallbacksSeen,
    ClaimCallback,
    LookCallbacks,
    PutBackCallback,
)
from dialer.domain.commands import OpenAttempt
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.events import AttemptOpened, AttemptRefused, LeadsClaimed
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.store.statements import CALLBACKS

HOUR, DAY = 3600.0, 86_400.0
RULES = CallbackSettings(tries=2, retry_s=1800.0, expires_s=DAY)
CAMPAIGNS: Mapping[str, CampaignSettings] = {
    "sales": campaign(callbacks=RULES),
    "office": campaign("office", windows=OFFICE, lists=("second",), callbacks=RULES),
    "silent": campaign("silent", lists=("third",)),
}


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return bench_on(request.param, tmp_path, CAMPAIGNS)


@dataclass(frozen=True)
class Now:
    """What a test may ask of a callback."""

    state: str
    due_at: float
    wanted_at: float
    tries: int
    reason: str
    agent: str
    zone: str


def now_of(bench: Bench, ident: int = 1) -> Now:
    if isinstance(bench, MemoryBench):
        r = bench.store.callbacks.rows[ident]
        return Now(r.state.value, r.due_at, r.wanted_at, r.tries, r.reason, r.agent, r.zone)
    assert isinstance(bench, SqlBench)
    with bench.engine.connect() as conn:
        row = conn.execute(select(CALLBACKS).where(CALLBACKS.c.id == ident)).one()
    return Now(row.state, row.due_at, row.wanted_at, row.tries, row.reason, row.agent, row.zone)


def number(n: int) -> str:
    return f"+1212555{n:04d}"


def talked(bench: Bench, n: int = 1, *, name: str = "sales", person: str | None = None, at: float = NOW) -> OpenAttempt:
    """A customer who was spoken with; their lead rests."""
    lists = {"sales": "main", "office": "second", "silent": "third"}
    bench.add_lead([number(n)], list_name=lists[name], person=person)
    (lead,) = bench.claim(1, name, now=at).leads
    made = attempt(lead, at=at)
    assert bench.execute([made], at) == [AttemptOpened(made.attempt_id)]
    bench.execute([closing(made, Outcome.CONNECTED, at=at + 60, lead_done=True, bridged_at=at + 5, agent="anna")], at)
    return made


def wished(bench: Bench, n: int = 1, *, due: float = NOW + HOUR, name: str = "sales", person: str | None = None,
           agent: str = "anna") -> OpenAttempt:  # fmt: skip
    made = talked(bench, n, name=name, person=person)
    bench.execute([RequestCallback(made.attempt_id, "anna", due, NOW + 70, agent, zone="America/New_York")])
    return made


def look(bench: Bench, until: float, now: float | None = None, name: str = "sales") -> CallbacksSeen:
    (seen,) = bench.execute([LookCallbacks((name,), until)], until if now is None else now)
    assert isinstance(seen, CallbacksSeen)
    return seen


def claim(bench: Bench, ident: int = 1, now: float = NOW + HOUR, name: str = "sales", lease_s: float = 60.0):  # type: ignore[no-untyped-def]
    (answer,) = bench.execute([ClaimCallback(ident, name, "anna", lease_s)], now)
    return answer


def claimed(bench: Bench, ident: int = 1, now: float = NOW + HOUR, name: str = "sales") -> ClaimedLead:
    answer = claim(bench, ident, now, name)
    assert isinstance(answer, CallbackClaimed), answer
    return answer.lead


def dial(bench: Bench, lead: ClaimedLead, now: float = NOW + HOUR, **changes: object) -> OpenAttempt:
    made = attempt(lead, at=now, agent="anna", callback=lead.callback, **changes)
    (answer,) = bench.execute([made], now)
    assert answer == AttemptOpened(made.attempt_id), answer
    return made


def end(bench: Bench, made: OpenAttempt, outcome: Outcome, at: float = NOW + HOUR + 30, **more: object) -> None:
    bench.execute([closing(made, outcome, at=at, callback=made.callback, **more)], at)


def test_a_wish_is_told_claimed_dialed_and_done(bench: Bench) -> None:
    made = wished(bench)
    assert look(bench, NOW + HOUR - 1).callbacks == ()
    seen = look(bench, NOW + HOUR, now=NOW + HOUR - 20)
    (fact,) = seen.callbacks
    assert (fact.callback, fact.agent, fact.due_at, fact.wanted_at) == (1, "anna", NOW + HOUR, NOW + HOUR)
    assert seen.counts == (("sales", 1),) and now_of(bench).zone == "America/New_York"
    lead = claimed(bench)
    assert (lead.lead_id, lead.number, lead.callback) == (made.lead_id, number(1), 1)
    assert lead.zones == ("America/New_York",) and lead.attempts == 1
    assert now_of(bench).state == "claimed" and not look(bench, NOW + HOUR).callbacks
    call = dial(bench, lead)
    assert (now_of(bench).state, now_of(bench).tries) == ("dialing", 1)
    assert bench.lead(made.lead_id).state == "dialing" and bench.lead(made.lead_id).attempts == 2
    end(bench, call, Outcome.CONNECTED, lead_done=True)
    assert (now_of(bench).state, bench.lead(made.lead_id).state) == ("done", "done")
    end(bench, call, Outcome.NO_ANSWER)  # told twice: no second effect
    assert now_of(bench).state == "done"


def test_nobody_answers_and_it_is_tried_again_and_given_up(bench: Bench) -> None:
    made = wished(bench)
    end(bench, dial(bench, claimed(bench)), Outcome.NO_ANSWER, recycle_after_s=60.0)
    later = NOW + HOUR + 30 + 1800
    told = now_of(bench)
    assert (told.state, told.due_at, told.tries) == ("open", later, 1) and told.reason == "try 1 of 2: nobody answered"
    assert (bench.lead(made.lead_id).state, bench.lead(made.lead_id).reason) == ("done", "connected"), "it rests again"
    assert isinstance(claim(bench, now=later - 5), CallbackGone)
    end(bench, dial(bench, claimed(bench, now=later), later), Outcome.BUSY, later + 5)
    assert (now_of(bench).state, now_of(bench).reason) == ("failed", "try 2 of 2: busy")
    assert bench.lead(made.lead_id).attempts == 3


def test_what_ended_by_our_own_fault_is_no_try(bench: Bench) -> None:
    wished(bench)
    end(bench, dial(bench, claimed(bench)), Outcome.INTERRUPTED)
    assert (now_of(bench).state, now_of(bench).tries, now_of(bench).due_at) == ("open", 0, NOW + HOUR + 30 + 60)


def test_the_campaign_leaves_a_lead_alone_that_is_promised_a_call(bench: Bench) -> None:
    made = talked(bench)
    end(bench, made, Outcome.CONNECTED)
    bench.add_lead([number(2)])
    (lead,) = bench.claim(1).leads
    first = attempt(lead)
    bench.execute([first])
    bench.execute([RequestCallback(first.attempt_id, "", NOW + HOUR, NOW + 1)])
    bench.execute([closing(first, Outcome.HUNG_UP_EARLY, at=NOW + 5, recycle_after_s=60.0)])
    assert bench.lead(lead.lead_id).state == "ready"
    assert not bench.claim(5, now=NOW + 2 * HOUR).leads
    call = dial(bench, claimed(bench))
    end(bench, call, Outcome.NO_ANSWER, recycle_after_s=60.0)
    assert bench.lead(lead.lead_id).state == "ready", "it had not rested"
    assert not bench.claim(5, now=NOW + 3 * HOUR).leads
    end(bench, dial(bench, claimed(bench, now=NOW + 3 * HOUR), NOW + 3 * HOUR), Outcome.NO_ANSWER, NOW + 3 * HOUR + 9)
    assert now_of(bench).state == "failed"
    assert [each.lead_id for each in bench.claim(5, now=NOW + 9 * HOUR).leads] == [lead.lead_id]


def test_a_lead_that_lies_in_a_hopper_is_not_dialed_before_its_time(bench: Bench) -> None:
    """The wish is about a lead that the campaign has claimed already: the gate sees it, the callback has it all the
    same, and nothing is doubled."""
    bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    first = attempt(lead)
    bench.execute([first])
    bench.execute([closing(first, Outcome.HUNG_UP_EARLY, at=NOW)])
    (again,) = bench.claim(1, lease_s=9 * HOUR).leads
    bench.execute([RequestCallback(first.attempt_id, "", NOW + HOUR, NOW + 1)])
    call = dial(bench, claimed(bench))
    (lost,) = bench.execute([attempt(again, at=NOW + HOUR)], NOW + HOUR)
    assert isinstance(lost, AttemptRefused) and lost.rule == "claim_lost"
    end(bench, call, Outcome.NO_ANSWER, recycle_after_s=1.0)
    assert bench.lead(again.lead_id).state == "ready"
    assert isinstance(bench.execute([attempt(again, at=NOW + HOUR)], NOW + HOUR)[0], AttemptRefused)


def test_the_gate_refuses_the_campaigns_own_call(bench: Bench) -> None:
    bench.add_lead([number(1)])
    (lead,) = bench.claim(1).leads
    first = attempt(lead)
    bench.execute([first])
    bench.execute([closing(first, Outcome.HUNG_UP_EARLY, at=NOW)])
    (again,) = bench.claim(1).leads
    bench.execute([RequestCallback(first.attempt_id, "", NOW + HOUR, NOW + 1)])
    (no,) = bench.execute([attempt(again, at=NOW)])
    assert isinstance(no, AttemptRefused) and no.rule == "promised"
    assert bench.lead(lead.lead_id).state == "ready" and now_of(bench).state == "open"


def test_where_callbacks_are_not_dialed_all_is_as_it_was(bench: Bench) -> None:
    bench.add_lead([number(1)], list_name="third")
    (lead,) = bench.claim(1, "silent").leads
    first = attempt(lead)
    bench.execute([first])
    bench.execute([RequestCallback(first.attempt_id, "", NOW + HOUR, NOW + 1)])
    bench.execute([closing(first, Outcome.BUSY, at=NOW)])
    assert len(bench.claim(5, "silent").leads) == 1 and now_of(bench).state == "open"


def test_do_not_call_wins_over_any_wish(bench: Bench) -> None:
    made = wished(bench)
    bench.execute([AddDoNotCall(made.attempt_id, "anna", NOW + 100)])
    assert now_of(bench).state == "cancelled" and "do not call" in now_of(bench).reason
    wished(bench, 2)
    lead = claimed(bench, 2)
    bench.block(number(2))
    (no,) = bench.execute([attempt(lead, at=NOW + HOUR, callback=2)], NOW + HOUR)
    assert isinstance(no, AttemptRefused) and no.rule == "dnc"
    assert now_of(bench, 2).state == "cancelled" and bench.lead(lead.lead_id).state == "done"
    wished(bench, 3)
    bench.block(number(3), expires_at=NOW + 2 * DAY)
    (no,) = bench.execute([attempt(claimed(bench, 3), at=NOW + HOUR, callback=3)], NOW + HOUR)
    assert (now_of(bench, 3).state, now_of(bench, 3).due_at) == ("open", NOW + 2 * DAY)
    assert now_of(bench, 3).wanted_at == NOW + 2 * DAY, "it is not given up for that"


def test_the_gate_holds_calling_hours_and_moves_the_wish(bench: Bench) -> None:
    """22:00 in New York: the customer's own wish does not open the window."""
    night = NOW - (NOW % DAY) + DAY + 2 * HOUR
    wished(bench, name="office", due=night)
    lead = claimed(bench, now=night, name="office")
    (no,) = bench.execute([attempt(lead, at=night, callback=1)], night)
    assert isinstance(no, AttemptRefused) and no.rule == "window"
    morning = night + 10 * HOUR
    assert (now_of(bench).state, now_of(bench).due_at, now_of(bench).wanted_at) == ("open", morning, morning)
    assert "outside calling hours" in now_of(bench).reason and now_of(bench).tries == 0
    call = dial(bench, claimed(bench, now=morning, name="office"), morning)
    end(bench, call, Outcome.CONNECTED, morning + 60, lead_done=True)
    assert now_of(bench).state == "done"


def test_the_cap_of_attempts_holds_for_calls_that_nobody_asked_for(bench: Bench) -> None:
    made = wished(bench)
    for round_ in range(2):
        bench.execute([RequestCallback(made.attempt_id, "anna", NOW, NOW + 71 + round_, "anna")])
        call = dial(bench, claimed(bench))
        end(bench, call, Outcome.BUSY, recycle_after_s=0.0)
        bench.execute([PutBackCallback(1, "at once", NOW)], NOW + HOUR)
    assert bench.lead(made.lead_id).attempts == 3, "as many as the campaign allows"
    dial(bench, claimed(bench))
    assert bench.lead(made.lead_id).attempts == 4


def test_a_call_to_the_person_under_way_puts_it_off_for_a_moment(bench: Bench) -> None:
    wished(bench, person="p")
    lead = claimed(bench)
    bench.add_lead([number(2)], person="p")
    (other,) = bench.claim(1, now=NOW + HOUR).leads
    busy = attempt(other, at=NOW + HOUR)
    bench.execute([busy], NOW + HOUR)
    (no,) = bench.execute([attempt(lead, at=NOW + HOUR, callback=1)], NOW + HOUR)
    assert isinstance(no, AttemptRefused) and no.rule == "person_busy"
    assert (now_of(bench).state, now_of(bench).due_at, now_of(bench).wanted_at) == (
        "open", NOW + HOUR + 60, NOW + HOUR)  # fmt: skip
    end(bench, busy, Outcome.CONNECTED, NOW + HOUR + 50, lead_done=True)
    assert now_of(bench).state == "done" and "spoken with meanwhile" in now_of(bench).reason
    assert isinstance(claim(bench, now=NOW + HOUR + 60), CallbackGone)


def test_a_talk_settles_only_older_wishes_of_its_own_campaign(bench: Bench) -> None:
    wished(bench, person="p")
    talked(bench, 2, name="office", person="p", at=NOW + 100)
    assert now_of(bench).state == "open", "another campaign's talk is about something else"
    bench.add_lead([number(3)], person="p")  # spoken with about something new
    (lead,) = bench.claim(1, now=NOW + 200).leads
    mine = attempt(lead, at=NOW + 200)
    bench.execute([mine], NOW + 200)
    bench.execute([RequestCallback(mine.attempt_id, "ben", NOW + DAY, NOW + 210, "ben")], NOW + 210)
    end(bench, mine, Outcome.CONNECTED, NOW + 260, lead_done=True)
    assert (now_of(bench, 1).state, now_of(bench, 2).state) == ("cancelled", "open"), "the newer wish is not settled"


def test_the_newest_wish_of_a_customer_counts(bench: Bench) -> None:
    """Two callbacks to one customer would be two calls where one was asked for."""
    wished(bench, person="p")
    wished(bench, 2, name="office", person="p")
    bench.add_lead([number(3)], person="p")
    (lead,) = bench.claim(1, now=NOW + 200).leads
    mine = attempt(lead, at=NOW + 200)
    bench.execute([mine], NOW + 200)
    bench.execute([RequestCallback(mine.attempt_id, "", NOW + DAY, NOW + 210)], NOW + 210)
    end(bench, mine, Outcome.HUNG_UP_EARLY, NOW + 220)
    states = [now_of(bench, ident).state for ident in (1, 2, 3)]
    assert states == ["cancelled", "open", "open"], "another campaign's is about something else"
    assert "newer" in now_of(bench, 1).reason
    assert [fact.callback for fact in look(bench, NOW + 2 * DAY, now=NOW + 300).callbacks] == [3]


def test_a_call_in_vain_settles_nothing(bench: Bench) -> None:
    wished(bench, person="p")
    bench.add_lead([number(3)], person="p")
    (lead,) = bench.claim(1).leads
    other = attempt(lead)
    bench.execute([other])
    end(bench, other, Outcome.NO_ANSWER, NOW + 30)
    assert now_of(bench).state == "open"


def test_a_claim_is_repeated_but_not_stolen_and_ends_with_its_lease(bench: Bench) -> None:
    wished(bench)
    assert claimed(bench) == claimed(bench)
    bench.execute([PutBackCallback(1, "the agent's phone was lost")], NOW + HOUR)
    assert (now_of(bench).state, now_of(bench).reason) == ("open", "the agent's phone was lost")
    claimed(bench)
    assert not look(bench, NOW + HOUR + 59).callbacks
    (fact,) = look(bench, NOW + HOUR + 61).callbacks
    assert fact.callback == 1 and now_of(bench).state == "open"
    lead = claimed(bench)
    (no,) = bench.execute([attempt(lead, at=NOW + HOUR + 99, callback=1)], NOW + HOUR + 99)
    assert isinstance(no, AttemptRefused) and no.rule == "claim_lost" and "lease" in no.reason


def test_the_same_gate_question_twice_is_one_call(bench: Bench) -> None:
    wished(bench)
    lead = claimed(bench)
    call = dial(bench, lead)
    assert bench.execute([call], NOW + HOUR) == [AttemptOpened(call.attempt_id)]
    assert (now_of(bench).state, now_of(bench).tries) == ("dialing", 1)


def test_a_line_that_fails_leaves_it_claimed_for_another_one(bench: Bench) -> None:
    made = wished(bench)
    lead = claimed(bench)
    first = dial(bench, lead)
    end(bench, first, Outcome.CARRIER_FAILURE, NOW + HOUR + 1, again=True)
    assert (now_of(bench).state, now_of(bench).tries) == ("claimed", 0)
    assert (bench.lead(made.lead_id).state, bench.lead(made.lead_id).reason) == ("done", "connected")
    call = dial(bench, lead, retries=1)
    assert (now_of(bench).state, now_of(bench).tries, bench.lead(made.lead_id).attempts) == ("dialing", 1, 3)
    end(bench, first, Outcome.CARRIER_FAILURE, NOW + HOUR + 2, again=True)  # told twice
    assert now_of(bench).state == "dialing"
    end(bench, call, Outcome.NO_ANSWER)
    assert (now_of(bench).state, bench.lead(made.lead_id).reason) == ("open", "connected")


def test_a_line_that_failed_under_a_dialer_that_died_leaves_it_open(bench: Bench) -> None:
    wished(bench)
    call = dial(bench, claimed(bench))
    bench.restart(NOW + HOUR + 1)
    end(bench, call, Outcome.CARRIER_FAILURE, NOW + HOUR + 2, again=True)
    assert (now_of(bench).state, now_of(bench).tries) == ("open", 1)


def test_a_dialer_killed_while_it_is_claimed_loses_nothing(bench: Bench) -> None:
    wished(bench)
    claimed(bench)
    assert not bench.restart(NOW + HOUR).attempts
    assert now_of(bench).state == "open"
    dial(bench, claimed(bench))


def test_a_dialer_killed_while_it_rings_or_talks_accounts_for_it_once(bench: Bench) -> None:
    wished(bench)
    call = dial(bench, claimed(bench))
    (fact,) = bench.restart(NOW + HOUR + 10).attempts
    assert (fact.attempt_id, fact.callback, fact.zones) == (call.attempt_id, 1, ("America/New_York",))
    assert now_of(bench).state == "dialing", "whether it was answered nobody knows yet"
    assert not look(bench, NOW + HOUR + 20).callbacks and isinstance(claim(bench), CallbackGone)
    end(bench, call, Outcome.CONNECTED, lead_done=True)
    assert now_of(bench).state == "done"


def test_one_that_nobody_could_dial_is_given_up(bench: Bench) -> None:
    wished(bench)
    assert look(bench, NOW + HOUR + DAY - 1).callbacks
    assert not look(bench, NOW + HOUR + DAY + 1).callbacks
    assert now_of(bench).state == "failed" and "24 h" in now_of(bench).reason


def test_a_dead_number_gives_way_to_another_and_a_lead_without_one_fails(bench: Bench) -> None:
    lead_id = bench.add_lead([number(1), number(2)])
    (lead,) = bench.claim(1).leads
    made = attempt(lead)
    bench.execute([made])
    bench.execute([RequestCallback(made.attempt_id, "", NOW + HOUR, NOW + 1)])
    end(bench, made, Outcome.INVALID_NUMBER, NOW + 2, number_dead=True)
    other = claimed(bench)
    assert other.number == number(2) and other.lead_id == lead_id
    end(bench, dial(bench, other), Outcome.INVALID_NUMBER, number_dead=True)
    assert (now_of(bench).state, now_of(bench).reason) == ("failed", "the number does not exist")


def test_oldest_first_and_no_more_than_asked(bench: Bench) -> None:
    for n, due in ((1, 300.0), (2, 100.0), (3, 200.0)):
        wished(bench, n, due=NOW + due)
    (seen,) = bench.execute([LookCallbacks(("sales", "office"), NOW + HOUR, 2)], NOW + HOUR)
    assert isinstance(seen, CallbacksSeen)
    assert [fact.callback for fact in seen.callbacks] == [2, 3] and seen.counts == (("sales", 3),)
    assert bench.execute([LookCallbacks((), NOW + HOUR)], NOW + HOUR) == [CallbacksSeen(())]


def test_leads_know_their_zones(bench: Bench) -> None:
    bench.add_lead([number(1)], zones=("America/New_York", "America/Los_Angeles"))
    claimed_ = bench.claim(1)
    assert isinstance(claimed_, LeadsClaimed)
    assert claimed_.leads[0].zones == ("America/Los_Angeles", "America/New_York")
    assert ALWAYS.default_zone == "UTC"
