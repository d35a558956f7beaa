"""Recordings: begun with the conversation by the campaign's policy, masked and unmasked, written down when they end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.desk_records import SaveRecording
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.engine.recordings import AGAIN_S, LONGEST_MASK_S, STOP_S

ALL = RecordingPolicy(RecordingMode.ALL, directory="/rec", switch_directory="/rec", name="{campaign}/{attempt}")


def talking(policy: RecordingPolicy = ALL) -> tuple[Floor, str]:
    f = Floor(settings(campaign(recording=policy), people=agents(1)))
    f.up()
    uuid = f.dialed()[0]
    f.talk(uuid)
    return f, uuid


def mask(f: Floor) -> cmd.Reply:
    return f.reply(lambda n: ph.AgentAct(n, "a1", "mask"))


def whats(f: Floor) -> list[str]:
    return [command.what for command in f.of(ph.Record)]


def said(f: Floor) -> list[str]:
    return [p for c in f.of(ph.Murmur) + f.of(ph.Say) for p in c.prompts]  # type: ignore[operator]


def stop(f: Floor, uuid: str, seconds: float, path: str = "") -> list[cmd.Command]:
    return f.send(ph.RecordingStopped(uuid, path or f"/rec/c1/{uuid}.wav", seconds, f.now))


def test_a_recording_from_the_first_word_to_the_last() -> None:
    f, uuid = talking()
    assert one(f.log, ph.Record) == ph.Record(NODE, uuid, "start", f"/rec/c1/{uuid}.wav")
    assert ("RECORD_STEREO", "true") in one(f.log, ph.SetVariables).variables
    began = f.now
    f.step(30)
    out = stop(f, uuid, 30.1)
    out += f.hang_up(uuid)
    saved = one(out, SaveRecording)
    assert (saved.attempt_id, saved.leg, saved.campaign, saved.agent) == (uuid, uuid, "c1", "a1")
    assert (saved.started_at, saved.duration_s, saved.masked) == (began, 30.1, ())
    f.step(STOP_S + 1)
    assert len(f.of(SaveRecording)) == 1 and not f.live.recordings and f.counter("recordings_made") == 1


@pytest.mark.parametrize("mode", list(RecordingMode))
def test_policy(mode: RecordingMode) -> None:
    f, _ = talking(replace(ALL, mode=mode, share=0.0))
    assert bool(f.of(ph.Record)) == (mode is RecordingMode.ALL)
    assert mask(f).ok == (mode is RecordingMode.ALL)


def test_a_share_is_chosen_by_the_attempt() -> None:
    policy = replace(ALL, mode=RecordingMode.SHARE, share=0.3)
    f = Floor(settings(campaign(recording=policy, wrap_up_s=0.0), people=agents(1)), 400)
    f.up()
    for _ in range(200):
        uuid = f.dialed()[-1]
        leg = f.talk(uuid)
        f.hang_up(uuid)
        f.park(leg)
        f.step(1)
    assert 35 <= len(f.of(ph.Record)) <= 85


def test_consent_is_said_to_the_customer() -> None:
    f, uuid = talking(replace(ALL, consent="consent"))
    assert [(m.uuid, m.prompts) for m in f.of(ph.Murmur) if m.uuid == uuid] == [(uuid, ("consent",))]


def test_mask_and_unmask_are_in_the_record() -> None:
    f, uuid = talking()
    f.step(10)
    assert mask(f).ok and whats(f) == ["start", "mask"]
    f.step(5)
    assert mask(f).ok and whats(f) == ["start", "mask", "unmask"]
    f.step(10)
    f.hang_up(uuid)
    stop(f, uuid, 25)
    ((begin, end),) = one(f.log, SaveRecording).masked
    assert begin == pytest.approx(10, abs=0.1) and end == pytest.approx(15, abs=0.1)


def test_a_forgotten_mask_ends_by_itself_and_the_agent_is_told() -> None:
    f, uuid = talking()
    mask(f)
    f.step(LONGEST_MASK_S + 1)
    assert whats(f) == ["start", "mask", "unmask"] and said(f)[-1] == "recording-resumed"
    assert f.live.recordings[uuid].masked_at is None


def test_a_mask_that_ends_while_the_switch_is_away_ends_when_it_is_back() -> None:
    f, _uuid = talking()
    mask(f)
    f.send(ev.SwitchDown(NODE, "gone"))
    assert not mask(f).ok
    f.step(LONGEST_MASK_S + 1)
    assert whats(f) == ["start", "mask"]
    f.send(ev.SwitchUp(NODE))
    f.step(AGAIN_S + 1)
    assert whats(f)[-1] == "unmask"


def test_masked_until_the_end() -> None:
    f, uuid = talking()
    f.step(10)
    mask(f)
    f.step(5)
    f.hang_up(uuid)
    f.step(1)
    stop(f, uuid, 15.0)
    f.step(LONGEST_MASK_S + 1)
    ((begin, end),) = one(f.log, SaveRecording).masked
    assert begin == pytest.approx(10, abs=0.1) and end == 15.0
    assert whats(f) == ["start", "mask"], "nothing is asked of a leg that is gone"


def test_without_a_record_stop_it_is_written_down_all_the_same() -> None:
    f, uuid = talking()
    f.step(30)
    f.hang_up(uuid)
    none(f.step(STOP_S - 1), SaveRecording)
    saved = one(f.step(2), SaveRecording)
    assert saved.duration_s == pytest.approx(30, abs=0.1)
    stop(f, uuid, 30)
    assert len(f.of(SaveRecording)) == 1 and f.counter("illegal_recording_stopped") == 1


def test_a_refused_recording_is_told_and_the_call_goes_on() -> None:
    f, uuid = talking()
    f.send(ev.CommandRefused(uuid, "Record", "-ERR Cannot record session!"))
    assert said(f)[-1] == "recording-failed" and f.counter("recordings_failed") == 1
    assert f.state() == "talking" and not f.live.recordings
    assert mask(f).text == "this call is not recorded"
    f.hang_up(uuid)
    f.step(STOP_S + 1)
    none(f.log, SaveRecording)
    assert f.outcome(uuid) == "connected"


def test_a_refused_mask_is_told_and_the_recording_goes_on() -> None:
    f, uuid = talking()
    mask(f)
    f.send(ev.CommandRefused(uuid, "Record", "-ERR"))
    assert said(f)[-1] == "recording-failed" and uuid in f.live.recordings
    stop(f, uuid, 9)
    assert one(f.log, SaveRecording).masked == ()


def test_a_recording_that_is_none_of_ours() -> None:
    f, uuid = talking()
    stop(f, uuid, 3, "/other.wav")
    stop(f, "nobody", 3)
    none(f.log, SaveRecording)
    assert f.counter("illegal_recording_stopped") == 2 and uuid in f.live.recordings


@pytest.mark.parametrize("heard", [True, False])
def test_after_a_restart_the_former_runs_recording_is_written_down(heard: bool) -> None:
    f, uuid = talking()
    leg, number = f.agent().leg, f.call(uuid).lead.number
    g = Floor(f.config)
    facts = [ev.ChannelFact(leg, "agent", "a1", True, uuid, 900.0), g.call_fact(uuid, answered=True, peer=leg)]
    g.channels = {NODE: facts}
    times = {"opened_at": 990.0, "answered_at": 995.0, "bridged_at": 996.0}
    fact = ev.OpenAttemptFact(uuid, "c1", 1, 1, number, "p1", node=NODE, attempts=0, trunk="t1", **times)
    g.send(ev.Recovered((fact,)))
    g.up()
    assert g.state() == "talking"
    none(g.log, ph.Record)
    assert "restart" in mask(g).text
    if heard:
        stop(g, uuid, 50)
    g.channels = {}
    g.hang_up(uuid)
    g.step(STOP_S + 1)
    assert [saved.path for saved in g.of(SaveRecording)] == ([f"/rec/c1/{uuid}.wav"] if heard else [])
    assert not g.live.recordings
