"""Token bucket and policies on their own."""

from __future__ import annotations

import pytest

from pacing import preview, progressive, ratio
from pacing.limits import TokenBucket
from pacing.snapshot import Snapshot, limited


def snapshot(free: int, pending: int, lines: float = 1.0) -> Snapshot:
    return Snapshot("c", 0.0, free, pending, lines)


@pytest.mark.parametrize(("free", "pending", "lines"), [(0, 0, 0), (3, 0, 3), (3, 2, 1), (3, 5, 0)])
def test_progressive_keeps_one_call_for_each_free_agent(free: int, pending: int, lines: int) -> None:
    assert progressive.decide(snapshot(free, pending, 9.0)).lines == lines


@pytest.mark.parametrize(
    ("free", "pending", "per_agent", "lines"),
    [(0, 0, 3.0, 0), (2, 0, 1.5, 3), (3, 0, 1.1, 3), (10, 0, 1.1, 11), (2, 5, 2.0, 0), (1, 0, 0.5, 1)],
)
def test_ratio_rounds_down_but_never_below_one_line_an_agent(
    free: int, pending: int, per_agent: float, lines: int
) -> None:
    decision = ratio.decide(snapshot(free, pending, per_agent))
    assert decision.lines == lines and decision.reason.startswith(f"start {lines}:")


@pytest.mark.parametrize(
    ("started", "limits", "reason", "told"),
    [
        (3, [], "start 3: 3 free agents", "start 3: 3 free agents"),
        (0, ["the hopper is empty"], "start 3: 3 free agents", "start 0: the hopper is empty; wanted 3: 3 free agents"),
        (0, ["the hopper is empty"], "start 0: nobody rings", "start 0: the hopper is empty; nobody rings"),
        (1, ["no lead", "trimmed to 2 by x"], "start 3", "start 1: no lead; trimmed to 2 by x; wanted 3"),
        (1, ["no lead"], "two at a time", "start 1: no lead; two at a time"),
        (0, ["no lead"], "start 0", "start 0: no lead"),
    ],
)
def test_a_reason_begins_with_what_was_started_and_why(
    started: int, limits: list[str], reason: str, told: str
) -> None:
    assert limited(started, limits, reason) == told


def test_one_free_agent_is_one() -> None:
    assert progressive.decide(snapshot(1, 2)).reason.startswith("start 0: 1 free agent, 1 line each, 2 calls already")
    assert preview.decide(snapshot(1, 0)).reason == "show 1: 1 free agent without a lead"


def test_preview_shows_one_lead_to_each_free_agent() -> None:
    assert preview.decide(snapshot(4, 2)).lines == 4


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.5)])
def test_a_bucket_that_could_never_give_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        TokenBucket(rate, burst, 0.0)


def test_taking_more_than_is_there_is_refused() -> None:
    bucket = TokenBucket(2.0, 2.0, 0.0)
    bucket.take(2, 0.0)
    with pytest.raises(ValueError, match="asked"):
        bucket.take(1, 0.0)
    assert bucket.wait_s(0.0) == pytest.approx(0.5)
    assert bucket.available(0.5) == 1
