"""Calls that come in, in the store: written once, judged by what was before, told to the next run; on all stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from pg import require_server
from sqlalchemy import select
from stores import NOW, Bench, MemoryBench, SqlBench, attempt, closing

from dialer.domain.commands import NoteBridge
from dialer.domain.desk_records import RequestCallback
from dialer.domain.inbound import (
    ArrivalJudged,
    CloseInbound,
    Ending,
    JudgeArrival,
    NoteInbound,
    OpenInbound,
    OpenInboundFact,
)
from dialer.domain.outcomes import Outcome
from dialer.store.answers import failed_answer
from dialer.store.database import make_engine
from dialer.store.statements import CALLBACKS
from routing.intake import Queue

ANNA, DID = "+12125550101", "+12025550111"


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "memory":
        return MemoryBench()
    return SqlBench(f"sqlite:///{tmp_path}/s.db" if request.param == "sqlite" else require_server().new_database())


def opened(ident: str = "call-1", number: str = ANNA, at: float = NOW) -> OpenInbound:
    return OpenInbound(ident, "n1", "t1", number, DID, "sales", at)


def asked(bench: Bench, number: str = ANNA, at: float = NOW, kind: str = "number") -> ArrivalJudged:
    (answer,) = bench.execute([JudgeArrival("call-9", number, kind, "why", DID, Queue("sales", ()), at)], at)
    assert isinstance(answer, ArrivalJudged) and answer.call_id == "call-9"
    return answer


def test_a_stranger_is_ordinary(bench: Bench) -> None:
    for answer in (asked(bench), asked(bench, "", kind="hidden")):
        assert (answer.rank.tier, answer.rank.vip, answer.rank.agent, answer.lead_id) == ("ordinary", False, None, 0)


def test_who_talked_to_them_last_is_theirs_by_whichever_way(bench: Bench) -> None:
    """An attempt first, then a call that came in."""
    lead_id = bench.add_lead([ANNA])
    (lead,) = bench.claim(1).leads
    out = attempt(lead)
    bench.execute([out], NOW)
    bench.execute([NoteBridge(out.attempt_id, NOW + 5, "anna"), closing(out, Outcome.CONNECTED, NOW + 60)], NOW + 60)
    known = asked(bench, at=NOW + 100)
    assert (known.rank.agent, known.lead_id) == ("anna", lead_id) and known.own_limit_s == 60
    bench.execute([opened(at=NOW + 200), NoteBridge("call-1", NOW + 210, "boris")], NOW + 210)
    assert asked(bench, at=NOW + 300).rank.agent == "boris"
    assert asked(bench, at=NOW + 400 * 86400).rank.agent is None


def test_the_next_run_is_told_what_is_open_and_only_that(bench: Bench) -> None:
    bench.execute(
        [
            opened(),
            opened(),  # the same again has no second effect
            NoteInbound("call-1", answered_at=NOW + 1),
            NoteInbound("call-1", queue="support", queued_at=NOW + 2, tier="red", vip=True, lead_id=7, person="p"),
            opened("call-2"),
            CloseInbound("call-2", Ending.LOST, "hung up", NOW + 3, waited_s=2.0, queue="sales"),
            CloseInbound("call-2", Ending.SERVED, "twice", NOW + 4),
        ],
        NOW,
    )
    facts = bench.restart().inbound
    assert facts == (
        OpenInboundFact(
            "call-1", ANNA, DID, "support", "n1", NOW, NOW + 1, NOW + 2, None, "", 7, "p", "red", True
        ),
    )


def test_a_callback_is_written_for_a_caller(bench: Bench) -> None:
    """Without a lead, too; not for who hides their number."""
    wishes = [RequestCallback(call, "", NOW, NOW + 5, note="asked") for call in ("call-1", "call-2", "gone")]
    bench.execute([opened(), opened("call-2", ""), *wishes], NOW)
    if isinstance(bench, MemoryBench):
        kept = [(c.attempt_id, c.number, c.campaign, c.due_at) for c in bench.store.desk.callbacks.values()]
    else:
        assert isinstance(bench, SqlBench)
        with make_engine(bench.url).connect() as conn:
            kept = [(c.attempt_id, c.number, c.campaign, c.due_at) for c in conn.execute(select(CALLBACKS))]
    assert kept == [("call-1", ANNA, "sales", NOW)]


def test_a_store_that_cannot_look_says_so() -> None:
    command = JudgeArrival("c", ANNA, "number", "", DID, Queue("sales", ()), NOW)
    assert failed_answer(command, "disk full", keep=True) == ArrivalJudged("c", problem="disk full")
