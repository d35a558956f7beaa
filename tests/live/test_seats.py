"""Agents' phones: registered ones called as user/ID, one that does not answer, one that hangs up."""

from __future__ import annotations

from conftest import Stage, Stages
from harness.plays import numbers
from harness.scenarios import seats as seats_scenario
from harness.waiting import until

SECRET = "a-seat-secret"


def test_registered_phones_are_called_by_their_name(stages: Stages) -> None:
    """REGISTER with digest at the rendered profile, then user/1001 as a nailed-up line, then customers."""
    stage = stages.build(numbers([10, 11], 6), agents=3, seat_address="user/{id}", seat_secret=SECRET)
    stage.seats.register(["1001", "1002", "1003"], stage.switch.domain, SECRET, stage.switch.seats_port)
    dialer = stage.floor.run()
    until(lambda: stage.floor.ended_attempts() == 6, 40.0, "all calls to end", 0.2)
    summary = dialer.stop()
    assert summary["outcomes"] == {"connected": 6}
    assert summary["agents"] == 3
    assert summary["channels_left"] == 0
    called = {step.number for step in stage.seats.steps() if step.step == "answered"}
    assert called == {"1001", "1002", "1003"}


def test_a_phone_that_is_not_registered_is_tried_again(stages: Stages) -> None:
    """The agent is unavailable, nobody is dialed for it; once the phone registers, the line is opened."""
    stage = stages.build(numbers([10], 2), agents=1, seat_address="user/{id}", seat_secret=SECRET)
    dialer = stage.floor.run()
    lost = until(lambda: dialer.lines("agent_line_lost"), 20.0, "the first try to fail", 0.2)
    assert "not reached" in lost[0]["text"] or "hung up" in lost[0]["text"], lost[0]
    assert stage.floor.ended_attempts() == 0 and not stage.carrier.steps()
    stage.seats.register(["1001"], stage.switch.domain, SECRET, stage.switch.seats_port)
    until(lambda: stage.floor.ended_attempts() == 2, 40.0, "the calls, after the phone registered", 0.2)
    summary = dialer.stop()
    assert summary["outcomes"] == {"connected": 2}


def test_a_phone_that_rings_in_vain(stages: Stages) -> None:
    """No customer is called while the only agent's phone is not answered."""
    stage = stages.build(numbers([10], 2), agents=1, seats=seats_scenario(answers=False))
    stage.floor.tree["seats"][0]["ring_timeout_s"] = 3
    stage.floor.write()
    dialer = stage.floor.run()
    lost = until(lambda: dialer.lines("agent_line_lost"), 20.0, "the first try to fail", 0.2)
    assert "NO_ANSWER" in lost[0]["text"], lost[0]
    until(lambda: stage.seats.now_in("cancelled") >= 1, 5.0, "the phone to stop ringing", 0.1)
    summary = dialer.stop()
    assert summary["attempts"] == 0
    assert summary["channels_left"] == 0


def test_a_phone_that_hangs_up_in_a_talk(stages: Stages) -> None:
    """The phone is rung again and gets its customer back, who stays to their own end: one connected call."""
    stage = stages.build(numbers([16], 1), agents=1, seats=seats_scenario(hang_up_after_s=12))
    dialer = stage.floor.run()
    until(lambda: _rings(stage) >= 2, 30.0, "the phone to ring again", 0.2)
    until(lambda: stage.floor.ended_attempts() == 1, 45.0, "the customer to hang up", 0.2)
    summary = dialer.stop()
    assert summary["outcomes"] == {"connected": 1}
    assert summary["counters"]["agent_lines_lost"] >= 1
    steps = [step.step for step in stage.carrier.steps()]
    assert "hung-up" not in steps, steps
    assert summary["channels_left"] == 0


def _rings(stage: Stage) -> int:
    return sum(step.step == "invite" for step in stage.seats.steps())
