"""The account of a run: what it understands of a decision's sentence, and what it calls impossible."""

from __future__ import annotations

import pytest
from pacing_kit import DAY, NO_LIMIT, Desk, desk, pacing, rich

from bench.account import Bounds, impossible_reason, reason_of, samples_of_reasons
from pacing.board import Phase

BOUNDS = Bounds(agents=20, channels=100, min_ring_s=15.0, hang_up_share=0.25, max_theta=0.30)
HEAD = "start {}: {} ready and 0.0 freeing within 23 s, 0 waiting, {} ringing expected to give 1.0 answers, "
SAFE = (
    "P(next finds nobody) {} (at most 0.001, or one call for each free agent: 24h trailing window bears no risk with "
    "0.0 of 12 answers abandoned)"
)


def test_a_sentence_without_a_budget_is_read() -> None:
    d = desk(20, windows=(DAY,)).judge(12)
    found = reason_of(d.one().reason)
    assert found.parts is not None and not impossible_reason(found, BOUNDS)
    assert found.started == d.one().lines
    assert (found.number("ready"), found.number("safe")) == (20, 0.001)
    assert "single" in found.parts and "sign" not in found.parts
    assert samples_of_reasons([found]) == [found.text]


def test_a_sentence_with_a_budget_is_read() -> None:
    found = reason_of(rich(10).one().reason)
    assert found.parts is not None and not impossible_reason(found, BOUNDS)
    assert found.parts["sign"] == "≤" and "single" not in found.parts
    assert found.number("allowed") == 200.0


def test_a_hang_up_and_what_left_no_more_room_are_read() -> None:
    d = Desk(pacing(windows=NO_LIMIT)).agents(4, phase=Phase.TALKING)
    for _ in range(40):
        d.dial()
    found = reason_of(d.step(20.0).one().reason)
    assert found.cuts == 3 and not impossible_reason(found, BOUNDS)
    found = reason_of(rich(10).one(room=2).reason)
    assert found.text.endswith("; no room for more") and not impossible_reason(found, BOUNDS)


@pytest.mark.parametrize("why", ["the hopper is empty, nothing is due", "trimmed to 2 by trunks a (sick; rests), b"])
def test_what_was_started_comes_before_what_was_wanted(why: str) -> None:
    rule = HEAD.format(5, 10, 2).removeprefix("start ") + SAFE.format("0.000")
    found = reason_of(f"start 2: {why}; wanted {rule}")
    assert found.started == 2 and found.number("lines") == 5 and not impossible_reason(found, BOUNDS)
    empty = reason_of("start 0: the hopper is empty, nothing is due in its lists; " + rule.partition(": ")[2])
    assert empty.started == 0 and empty.number("ready") == 10


@pytest.mark.parametrize(
    ("lines", "ready", "ringing", "p", "more", "fits"),
    [
        (2, 10, 8, "0.300", "", True),
        (3, 10, 8, "0.001", "", True),
        (3, 10, 8, "0.002", "", False),
        (1, 0, 8, "0.900", "", False),
        (1, 1, 1, "0.362", "; hang up 1 overdue: P(the next answers find nobody) 0.36", True),
    ],
)
def test_beyond_one_to_one_only_what_is_safe_may_start(
    lines: int, ready: int, ringing: int, p: str, more: str, fits: bool
) -> None:
    found = reason_of(HEAD.format(lines, ready, ringing) + SAFE.format(p) + more)
    assert (not impossible_reason(found, BOUNDS)) is fits


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("start 1: 2 agents are fewer than min_agents 3, so one call for each free agent: 1 free, 0 ringing", True),
        ("start 1: the list of 420 more calls ends before the shift does at 1:1 (62 s of an", True),
        ("start 0: no agent has logged in here", True),
        ("start 0: the clock tells an impossible time", True),
        ("start 0: the hopper is empty; wanted 1: 2 agents are fewer than min_agents 3, so one call", True),
        ("start 0: the hopper is empty; no agent has logged in here", True),
        ("start 4: because", False),
        (HEAD.format(1, 5, 1) + "P(next finds nobody) 0.100", False),
        (HEAD.format(1, 5, 1) + "P(next finds nobody) 0.100 but one call for each free agent", False),
    ],
)
def test_other_sentences(text: str, understood: bool) -> None:
    assert (not impossible_reason(reason_of(text), BOUNDS)) is understood
