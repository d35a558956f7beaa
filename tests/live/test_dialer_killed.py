"""kill -9 of the dialer: no answered call stays silent, conversations go on, the next start settles every attempt."""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import Stage, Stages
from harness.floor import Dialer
from harness.plays import numbers
from harness.waiting import until
from harness.witness import ALL_CHANNEL_EVENTS, Seen, Witness

from freeswitch.sounds import safe_harbour_path

MESSAGE = str(safe_harbour_path())
TALKS_LONG = 16  # answers after 0.5 s, talks 30 s
RINGS_LONG = 14  # rings 8 s, then answers and waits for a BYE
RINGS_THEN_TALKS = 15  # rings 9 s, talks 3 s
AGENTS = 14
TALKING = 6
RINGING = 56


def _until_ringing(stage: Stage, dialer: Dialer) -> None:
    """Some agents talk, and at least 50 customers ring."""
    until(
        lambda: stage.carrier.now_in("ringing") >= 50 and stage.carrier.now_in("answered") == TALKING,
        30.0,
        "50 ringing calls beside the conversations",
        0.02,
    )
    assert dialer.process.running


def _stage(stages: Stages, rings: int) -> Stage:
    return stages.build(
        [*numbers([TALKS_LONG], TALKING), *numbers([rings], RINGING)],
        agents=AGENTS,
        campaign={"mode": "ratio", "lines_per_agent": 10, "hopper_size": 100},
        trunk={"cps": 40, "channels": 200},
    )


def _by_leg(witness: Witness, name: str) -> dict[str, Seen]:
    return {event.uuid: event for event in witness.events if event.name == name}


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_no_answered_call_stays_silent(stages: Stages) -> None:
    """56 customers answer after the dialer's death: each hears the message in time and is hung up by the switch.

    The conversations are left alone until the customers end them. The next start finds every attempt ended by then
    and settles all of them.
    """
    stage = _stage(stages, RINGS_LONG)
    witness = stage.switch.witness(ALL_CHANNEL_EVENTS)
    dialer = stage.floor.run()
    _until_ringing(stage, dialer)
    killed_at = witness.mark()
    dialer.kill()
    ringing = stage.carrier.now_in("ringing")
    assert ringing >= 50
    until(lambda: stage.carrier.now_in("ringing") == 0, 20.0, "every ringing customer to answer", 0.2)
    until(lambda: stage.carrier.now_in("answered") <= TALKING, 30.0, "the switch to end the unbridged calls", 0.2)

    answers = {e.uuid: e for e in witness.events[killed_at:] if e.name == "CHANNEL_ANSWER"}
    ends = _by_leg(witness, "CHANNEL_HANGUP_COMPLETE")
    bridged = {e.uuid for e in witness.events if e.name == "CHANNEL_BRIDGE"}
    heard = {e.uuid: e for e in witness.events if e.name == "PLAYBACK_START" and e["Playback-File-Path"] == MESSAGE}
    silent = set(answers) - set(heard) - bridged
    assert len(answers) >= 50
    assert not silent
    waits = sorted(heard[leg].at - answers[leg].at for leg in answers if leg in heard)
    lengths = sorted(ends[leg].at - heard[leg].at for leg in answers if leg in heard)
    packets = sorted(int(ends[leg]["variable_rtp_audio_out_packet_count"] or 0) for leg in answers if leg in heard)
    print(
        f"\n{ringing} rang at the kill, {len(answers)} answered after it, {len(heard)} heard the message "
        f"{waits[0]:.2f} to {waits[-1]:.2f} s after the answer, for {lengths[0]:.1f} to {lengths[-1]:.1f} s; "
        f"RTP packets sent {packets[0]} to {packets[-1]}"
    )
    assert waits[-1] <= 2.05
    assert lengths[0] > 3.0, "the message was cut short"
    assert packets[0] > 150
    assert {ends[leg]["variable_sip_hangup_disposition"] for leg in heard} == {"send_bye"}
    assert {ends[leg]["Hangup-Cause"] for leg in heard} == {"NORMAL_CLEARING"}

    talking = [leg for leg in bridged if leg not in ends or ends[leg].at > answers[min(answers)].at]
    assert len(talking) == TALKING
    until(lambda: all(leg in _by_leg(witness, "CHANNEL_HANGUP_COMPLETE") for leg in talking), 40.0, "the talks to end")
    ends = _by_leg(witness, "CHANNEL_HANGUP_COMPLETE")
    assert {ends[leg]["variable_sip_hangup_disposition"] for leg in talking} == {"recv_bye"}

    assert stage.floor.open_attempts() > 0, "nothing was left to settle"
    summary = stage.floor.run("--for", "8s", "--drain", "3s").finish(60.0)
    _settled(stage, summary)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_next_start_adopts_what_is_left(stages: Stages) -> None:
    """A restart while customers ring and talk: attempts and agents' lines are taken over, everything is settled."""
    stage = _stage(stages, RINGS_THEN_TALKS)
    witness = stage.switch.witness(ALL_CHANNEL_EVENTS)
    dialer = stage.floor.run()
    _until_ringing(stage, dialer)
    dialer.kill()
    again = stage.floor.run("--for", "45s", "--drain", "20s")
    again.until_ready()
    adopted = again.lines("recovered")
    summary = again.finish(120.0)
    outcomes = Counter(outcome for each in stage.floor.outcomes().values() for outcome in each)
    print(f"\n{adopted}\n{dict(outcomes)}\ncounters {summary['counters']}")
    assert summary["counters"].get("calls_adopted", 0) >= 50
    customers = set(_by_leg(witness, "CHANNEL_ANSWER")) - set(_by_leg(witness, "CHANNEL_PARK"))
    ends = _by_leg(witness, "CHANNEL_HANGUP_COMPLETE")
    left_early = {leg for leg in customers if ends[leg]["variable_sip_hangup_disposition"] == "recv_bye"}
    heard = {e.uuid for e in witness.events if e.name == "PLAYBACK_START" and e["Playback-File-Path"] == MESSAGE}
    assert not customers - heard - set(_by_leg(witness, "CHANNEL_BRIDGE")) - left_early
    talked = [
        outcome
        for number, each in stage.floor.outcomes().items()
        for outcome in each
        if number.endswith(f"{TALKS_LONG:02d}")
    ]
    assert talked.count("connected") == TALKING, talked
    _settled(stage, summary)


def _settled(stage: Stage, summary: dict[str, object]) -> None:
    outcomes = stage.floor.outcomes()
    print(f"after the next start: {Counter(o for each in outcomes.values() for o in each)}")
    assert stage.floor.open_attempts() == 0
    assert summary["leads_unaccounted"] == 0
    assert summary["channels_left"] == 0
    assert stage.carrier.invites() == stage.floor.attempts_by_number()
    assert stage.carrier.running and stage.seats.running
