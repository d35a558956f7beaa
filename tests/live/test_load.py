"""A minute of a full floor: 50 seats, 1,200 leads, 20 calls a second, talks of 5 to 20 s; all accounted."""

from __future__ import annotations

import pytest
from conftest import Stages
from harness.plays import busy_floor, play_of
from harness.waiting import until

LEADS = 1200
SEATS = 50
CALLS_PER_SECOND = 20


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_full_floor_for_a_minute(stages: Stages) -> None:
    """Every attempt is accounted, INVITEs equal attempts, outcomes are what was played."""
    stage = stages.build(
        busy_floor(LEADS),
        agents=SEATS,
        campaign={"mode": "ratio", "lines_per_agent": 10, "hopper_size": 400, "wrap_up_s": 1},
        trunk={"channels": 400, "cps": CALLS_PER_SECOND},
    )
    dialer = stage.floor.run("--for", "200s", "--drain", "30s")
    until(lambda: stage.floor.ended_attempts() >= LEADS, 150.0, "all attempts to end", 1.0)
    summary = dialer.stop(60.0)

    opened = sorted(at for (at,) in stage.floor.query("SELECT opened_at FROM attempts"))
    fastest = max(sum(1 for at in opened if start <= at < start + 10.0) for start in opened) / 10.0
    print(
        f"\n{summary['attempts']} attempts in {opened[-1] - opened[0]:.1f} s (fastest 10 s: {fastest:.1f} a second)"
        f"\noutcomes {summary['outcomes']}"
        f"\nabandon rate {summary['abandon_rate']:.2%}, busy {summary['busy_share']:.0%}"
        f"\nanswer to agent {summary['answer_to_agent_ms']} ms\nanswer to bridge {summary['answer_to_bridge_ms']} ms"
        f"\ncounters {summary['counters']}"
    )
    assert summary["attempts"] == LEADS == sum(summary["outcomes"].values())
    assert summary["leads_total"] == LEADS
    assert summary["leads_unaccounted"] == 0
    assert summary["channels_left"] == 0
    assert summary["agents"] == SEATS
    assert stage.carrier.running and stage.seats.running, stage.carrier.errors()
    assert stage.carrier.invites() == stage.floor.attempts_by_number()
    assert fastest > 0.9 * CALLS_PER_SECOND
    wrong = {}
    for number, outcomes in stage.floor.outcomes().items():
        allowed = {play_of(number).outcome}
        if allowed == {"connected"}:
            allowed |= {"abandoned"}
        if len(outcomes) != 1 or outcomes[0] not in allowed:
            wrong[number] = (play_of(number), outcomes)
    assert not wrong
    assert summary["answer_to_agent_ms"]["p99"] <= 40.0
    assert summary["counters"].get("agent_lines_lost", 0) == 0
    assert not stage.switch.errors(), stage.switch.errors()[:5]
