"""Every behaviour of a carrier, dialed end to end: the store's outcome is what was played, and the counts agree."""

from __future__ import annotations

from collections import Counter

from conftest import Stages
from harness.plays import BY_CODE, numbers, play_of
from harness.waiting import until

CODES = (10, 11, 12, 15, 17, 20, 21, 30, 40, 50, 60, 70, 80, 90)
STAYS = 91
EACH = 3


def test_each_outcome_is_what_the_carrier_played(stages: Stages) -> None:
    """Answer, busy, no answer, 404, 503, 603, early media, far-end hangup, slow, silent; one is left at the end."""
    dialed = [*numbers(CODES, EACH * len(CODES)), *numbers([STAYS], 1)]
    stage = stages.build(dialed, agents=8)
    dialer = stage.floor.run("--for", "180s", "--drain", "2s")
    until(lambda: stage.floor.ended_attempts() >= len(dialed) - 1, 90.0, "all but one attempt to end", 0.5)
    until(lambda: stage.floor.open_attempts() == 1, 10.0, "the last attempt", 0.5)
    summary = dialer.stop()

    outcomes = stage.floor.outcomes()
    wrong = {
        number: (play_of(number).kind, play_of(number).status, outcomes.get(number))
        for number in dialed
        if outcomes.get(number) != [_expected(number)]
    }
    assert not wrong
    assert stage.carrier.running and stage.seats.running, stage.carrier.errors()
    assert stage.carrier.invites() == stage.floor.attempts_by_number()
    assert summary["attempts"] == len(dialed) == sum(summary["outcomes"].values())
    assert summary["outcomes"] == Counter(_expected(number) for number in dialed)
    assert summary["leads_total"] == len(dialed)
    assert summary["leads_unaccounted"] == 0
    assert summary["channels_left"] == 0
    assert summary["agents"] == 8
    assert summary["switch"] == "fs1"
    assert len(summary["config_hash"]) >= 12
    assert stage.switch.api("show channels count").strip().startswith("0 total")
    causes = dict(stage.floor.query("SELECT substr(number, -2), cause || '/' || sip_status FROM attempts"))
    print(f"\n{summary['outcomes']}\ncause/status by play: {causes}")
    print(f"answer to agent {summary['answer_to_agent_ms']}, to bridge {summary['answer_to_bridge_ms']}")


def _expected(number: str) -> str:
    play = play_of(number)
    return "shutdown" if play.code == STAYS else BY_CODE[play.code].outcome
