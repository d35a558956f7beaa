"""Callers who wish to be called back: whose wish it is, which campaign dials it, what settles it; on all stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from stores import NOW, Bench, MemoryBench, SqlBench, attempt, bench_on, campaign, closing

from dialer.domain.callbacks import CallbackClaimed, CallbackSettings, CallbacksSeen, ClaimCallback, LookCallbacks
from dialer.domain.commands import NoteBridge
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.events import AttemptOpened, AttemptRefused
from dialer.domain.inbound import CloseInbound, Ending, NoteInbound, OpenInbound, QueueSettings
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings, Mode
from dialer.store.statements import CALLBACKS

ANNA, BORIS, DID = "+12125550101", "+12125550102", "+12025550111"


def queue(name: str, dials: str = "") -> CampaignSettings:
    return campaign(name, mode=Mode.INBOUND, lists=(), queue=QueueSettings(callback_campaign=dials))


CAMPAIGNS: Mapping[str, CampaignSettings] = {
    "spring": campaign("spring", callbacks=CallbackSettings()),
    "hotline": queue("hotline", "spring"),
    "desk": queue("desk"),
}


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return bench_on(request.param, tmp_path, CAMPAIGNS)


@dataclass(frozen=True)
class Wish:
    call: str
    campaign: str
    lead: int
    number: str
    state: str
    reason: str


def wishes(bench: Bench) -> list[Wish]:
    if isinstance(bench, MemoryBench):
        rows = bench.store.callbacks.rows.values()
        return [Wish(r.attempt_id, r.campaign, r.lead_id, r.number, r.state.value, r.reason) for r in rows]
    assert isinstance(bench, SqlBench)
    with bench.engine.connect() as conn:
        found = conn.execute(select(CALLBACKS).order_by(CALLBACKS.c.id))
        return [Wish(r.attempt_id, r.campaign, r.lead_id, r.number, r.state, r.reason) for r in found]


def calls(bench: Bench, call: str, number: str = ANNA, name: str = "hotline", at: float = NOW) -> None:
    bench.execute([OpenInbound(call, "n1", "t1", number, DID, name, at)], at)


def wants(bench: Bench, call: str, number: str = ANNA, name: str = "hotline", at: float = NOW) -> None:
    """A call, the wish, and its end."""
    calls(bench, call, number, name, at)
    wish = RequestCallback(call, "", at, at + 5, note="asked to be called back")
    bench.execute([wish, CloseInbound(call, Ending.CALLBACK, "asked", at + 9)], at + 9)


def claimed(bench: Bench, ident: int = 1, at: float = NOW + 20) -> CallbackClaimed:
    (answer,) = bench.execute([ClaimCallback(ident, "spring", "anna", 60.0)], at)
    assert isinstance(answer, CallbackClaimed)
    return answer


def test_a_stranger_is_dialed_by_the_campaign_of_the_queue(bench: Bench) -> None:
    """Through the gate, like any callback; and nobody else dials them."""
    wants(bench, "call-1")
    (wish,) = wishes(bench)
    assert (wish.campaign, wish.number, wish.state, wish.lead > 0) == ("spring", ANNA, "open", True)
    assert (bench.lead(wish.lead).state, bench.lead(wish.lead).reason) == ("done", "called_in")
    assert bench.claim(9, "spring").leads == ()
    (seen,) = bench.execute([LookCallbacks(("spring",), NOW + 20)], NOW + 20)
    assert isinstance(seen, CallbacksSeen) and [fact.due_at for fact in seen.callbacks] == [NOW]
    lead = claimed(bench).lead
    assert (lead.number, lead.line_type != "", lead.zones) == (ANNA, True, ("America/New_York",))
    call = attempt(lead, at=NOW + 20, callback=1)
    assert bench.execute([call], NOW + 20) == [AttemptOpened(call.attempt_id)]
    bench.execute([closing(call, Outcome.CONNECTED, NOW + 90, callback=1)], NOW + 90)
    assert [each.state for each in wishes(bench)] == ["done"]


def test_the_same_stranger_is_one_lead_and_has_one_wish(bench: Bench) -> None:
    wants(bench, "call-1")
    wants(bench, "call-2", at=NOW + 100)
    wants(bench, "call-3", BORIS, at=NOW + 200)
    first, second, other = wishes(bench)
    assert (first.state, second.state, other.state) == ("cancelled", "open", "open")
    assert first.lead == second.lead != other.lead


def test_a_caller_who_is_a_lead_is_called_as_that_lead(bench: Bench) -> None:
    """Told by the call's record or not; meanwhile no campaign dials the lead otherwise."""
    known, second = bench.add_lead([ANNA], person="p-1"), bench.add_lead([BORIS])
    calls(bench, "call-1")
    bench.execute([NoteInbound("call-1", tier="high", lead_id=known, person="p-1")], NOW)
    bench.execute([RequestCallback("call-1", "", NOW, NOW + 5), CloseInbound("call-1", Ending.CALLBACK, "", NOW + 9)])
    wants(bench, "call-2", BORIS)
    assert [each.lead for each in wishes(bench)] == [known, second]
    assert bench.claim(9, "spring", NOW + 10).leads == ()


def test_a_queue_without_a_campaign_keeps_the_wish_and_says_why(bench: Bench) -> None:
    wants(bench, "call-1", name="desk")
    assert wishes(bench) == [
        Wish("call-1", "desk", 0, ANNA, "open", "nobody dials it: queue desk has no callback_campaign")
    ]


def test_do_not_call_of_one_stranger_is_not_another_s(bench: Bench) -> None:
    """Neither is a lead: what they have in common is the number 0."""
    wants(bench, "call-1", name="desk")
    wants(bench, "call-2", BORIS, name="desk")
    bench.execute([AddDoNotCall("call-2", "anna", NOW + 20)], NOW + 20)
    assert [each.state for each in wishes(bench)] == ["open", "cancelled"]


@pytest.mark.parametrize("name", ["hotline", "desk"])
def test_who_calls_again_and_is_served_is_not_called(bench: Bench, name: str) -> None:
    wants(bench, "call-1", name=name)
    wants(bench, "call-2", BORIS, name=name)
    calls(bench, "call-3", name=name, at=NOW + 60)
    bench.execute([NoteBridge("call-3", NOW + 70, "anna")], NOW + 70)
    assert [each.state for each in wishes(bench)] == ["done", "open"]
    bench.execute([RequestCallback("call-3", "anna", NOW + 3600, NOW + 80)], NOW + 80)  # what they then agree on holds
    assert [each.state for each in wishes(bench)] == ["done", "open", "open"]


def test_nobody_is_called_who_is_on_the_line(bench: Bench) -> None:
    """Whoever calls in: their callback, and any other call, waits for the end of it."""
    bench.add_lead([BORIS])
    wants(bench, "call-1")
    calls(bench, "call-2", at=NOW + 15)
    calls(bench, "call-3", BORIS, at=NOW + 15)
    back = attempt(claimed(bench).lead, at=NOW + 20, callback=1)
    (lead,) = bench.claim(1, "spring", NOW + 20).leads
    out = attempt(lead, at=NOW + 20)
    for refused in bench.execute([back, out], NOW + 20):
        assert isinstance(refused, AttemptRefused) and refused.rule == "person_busy"
    bench.execute([CloseInbound(call, Ending.LOST, "", NOW + 30) for call in ("call-2", "call-3")], NOW + 30)
    again = attempt(claimed(bench, at=NOW + 90).lead, at=NOW + 90, callback=1)
    assert bench.execute([again], NOW + 90) == [AttemptOpened(again.attempt_id)]
