"""Lines out in every store: a lead that goes on on another line, and the numbers that calls show over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import NOW, Bench, attempt, bench_on, closing

from dialer.domain.commands import CloseAttempt, OpenAttempt
from dialer.domain.events import AttemptOpened, AttemptRefused
from dialer.domain.lines import SaveShownNumber, ShownFact
from dialer.domain.outcomes import Outcome


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return bench_on(request.param, tmp_path)


def failed(opened: OpenAttempt) -> CloseAttempt:
    return closing(opened, Outcome.CARRIER_FAILURE, again=True)


def test_a_lead_whose_line_failed_is_tried_on_another_one_in_the_same_transaction(bench: Bench) -> None:
    lead_id = bench.add_lead(["+12125550001"])
    (lead,) = bench.claim(1).leads
    first, second = attempt(lead, trunk="a"), attempt(lead, trunk="b", retries=1)
    assert bench.execute([first]) == [AttemptOpened(first.attempt_id)]
    assert bench.execute([failed(first), second]) == [AttemptOpened(second.attempt_id)]
    assert (bench.lead(lead_id).state, bench.lead(lead_id).attempts) == ("dialing", 2)
    bench.execute([closing(second, Outcome.NO_ANSWER, recycle_after_s=60.0)])
    assert (bench.lead(lead_id).state, bench.lead(lead_id).due_at) == ("ready", NOW + 60.0)


def test_the_cap_of_attempts_leaves_out_what_just_failed_on_another_line_and_nothing_else(bench: Bench) -> None:
    lead_id = bench.add_lead(["+12125550001"])
    lead = bench.claim(1).leads[0]
    for retries in range(3):  # the cap is 3
        made = attempt(lead, retries=retries)
        bench.execute([made, failed(made)])
    one_more = attempt(lead, retries=1)
    (answer,) = bench.execute([one_more])
    assert isinstance(answer, AttemptOpened)  # two were there before the line failed
    bench.execute([failed(one_more)])
    (answer,) = bench.execute([attempt(lead, retries=1)])
    assert isinstance(answer, AttemptRefused) and answer.rule == "attempts"
    assert bench.lead(lead_id).state == "done"


def test_a_lead_that_nobody_tries_again_is_free_after_a_restart(bench: Bench) -> None:
    lead_id = bench.add_lead(["+12125550001"])
    made = attempt(bench.claim(1).leads[0])
    bench.execute([made, failed(made)])
    assert bench.lead(lead_id).state == "claimed"
    assert bench.claim(1).leads == ()
    bench.restart()
    assert bench.lead(lead_id).state == "ready"
    (lead,) = bench.claim(1).leads  # killed between the failure and the next attempt: due at once, and dialed once
    assert (lead.lead_id, lead.attempts, lead.failed_on) == (lead_id, 1, ())
    second = attempt(lead, trunk="b")
    assert bench.execute([second]) == [AttemptOpened(second.attempt_id)]
    assert bench.claim(1).leads == ()


def test_a_failure_that_is_told_to_the_next_run_only_leaves_the_lead_to_its_pause(bench: Bench) -> None:
    lead_id = bench.add_lead(["+12125550001"])
    made = attempt(bench.claim(1).leads[0])
    bench.execute([made])
    (left_open,) = bench.restart().attempts
    assert left_open.attempt_id == made.attempt_id
    bench.execute([failed(made)])  # nobody holds the lead any more: it is recycled like any other failure
    assert (bench.lead(lead_id).state, bench.lead(lead_id).attempts) == ("ready", 1)


def test_numbers_are_told_with_their_calls_by_the_quarter_and_since_they_were_judged(bench: Bench) -> None:
    for n in range(6):
        bench.add_lead([f"+1212555000{n}"])
    leads = bench.claim(6).leads
    times = [NOW - 30 * 3600.0, NOW - 7200.0, NOW - 7300.0, NOW - 60.0, NOW - 60.0, NOW - 60.0]
    ends = [Outcome.CONNECTED, Outcome.NO_ANSWER, Outcome.CONNECTED, Outcome.BUSY, Outcome.CARRIER_FAILURE, None]
    for lead, at, outcome in zip(leads, times, ends, strict=True):
        made = attempt(lead, at=at, shown="+13015550100")
        bench.execute([made] if outcome is None else [made, closing(made, outcome)])

    def quarter(at: float) -> float:
        return at // 900.0 * 900.0

    then, now = quarter(NOW - 7200.0), quarter(NOW - 60.0)
    assert quarter(NOW - 7300.0) == then
    by_quarter = ((then, 2), (now, 3))
    (fact,) = bench.restart().shown
    assert fact == ShownFact("+13015550100", dialed=4, answered=2, quarters=by_quarter)
    rests = SaveShownNumber("+13015550100", "resting", 1, NOW + 600.0, NOW - 3600.0)
    other = SaveShownNumber("+13015550199", "retired", 3, 0.0, NOW)
    bench.execute([rests, SaveShownNumber("+13015550100", "good", 0, 0.0, NOW - 9000.0), other])
    first, second = bench.restart().shown
    assert first == ShownFact("+13015550100", "resting", 1, NOW + 600.0, NOW - 3600.0, 1, 0, by_quarter)
    assert second == ShownFact("+13015550199", "retired", 3, 0.0, NOW)
