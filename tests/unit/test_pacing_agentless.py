"""How many calls a campaign without agents starts: its lines, its calls a second, and who may ask for an agent."""

from __future__ import annotations

import pytest

from pacing.agentless import LEAST_SHARE, Lines, decide, share


@pytest.mark.parametrize(
    ("lines", "start", "why"),
    [
        (Lines(in_flight=0, here=0, most=10), 10, "0 of 10 lines in use"),
        (Lines(in_flight=12, here=12, most=10), 0, "12 of 10 lines in use"),
        (Lines(in_flight=2, here=2, most=10, per_second=3), 3, "the campaign's own calls a second leave 3"),
        (Lines(in_flight=0, here=0, most=100, free=2, share=0.1), 20, "2 free agents for 0 who ask"),
        (Lines(in_flight=15, here=15, most=100, free=2, share=0.1), 5, "15 calls of which 10.0% may"),
        (Lines(in_flight=16, here=15, most=100, free=2, asking=1, share=0.1), 0, "for 1 who ask"),
        (Lines(in_flight=0, here=0, most=100, free=0, share=0.01), 0, "0 free agents"),
        (Lines(in_flight=0, here=0, most=5, free=1, asking=3, share=0.01), 0, "1 free agent for 3 who ask"),
        (Lines(in_flight=0, here=0, most=7, free=50, share=0.5), 7, "0 of 7 lines in use"),
    ],
)
def test_what_is_started(lines: Lines, start: int, why: str) -> None:
    decision = decide(lines)
    assert decision.lines == start
    assert decision.reason.startswith(f"start {start}: ") and why in decision.reason


@pytest.mark.parametrize(
    ("asked", "ended", "expected", "wanted"),
    [(0, 0, 0.1, 0.1), (10, 80, 0.1, 0.12), (0, 100_000, 0.1, LEAST_SHARE), (500, 400, 1.0, 1.0)],
)
def test_the_share_is_learnt(asked: int, ended: int, expected: float, wanted: float) -> None:
    assert share(asked, ended, expected) == pytest.approx(wanted)
