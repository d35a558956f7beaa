"""Recordings: begun with the conversation by the campaign's policy, masked and unmasked, written down when they end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.desk_records import FAILED, GOING, TO_UPLOAD, WRITTEN, SaveRecording
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.engine import uploads
from dialer.engine.recordings import REMIND_S, STOP_S

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


def stop(f: Floor, uuid: str, seconds: float, path: str = "", kept_s: float | None = None) -> list[cmd.Command]:
    return f.send(ph.RecordingStopped(uuid, path or f"/rec/c1/{uuid}.wav", seconds, f.now, kept_s))


def ended(f: Floor) -> list[SaveRecording]:
    """What the store is told last of each recording."""
    return list({saved.path: saved for saved in f.of(SaveRecording) if saved.state != GOING}.values())


def refuse(f: Floor, uuid: str, what: str) -> list[cmd.Command]:
    return f.send(ev.CommandRefused(uuid, f"Record {what}", "-ERR Cannot record session!"))


def test_a_recording_from_the_first_word_to_the_last() -> None:
    f, uuid = talking()
    assert one(f.log, ph.Record) == ph.Record(NODE, uuid, "start", f"/rec/c1/{uuid}.wav")
    assert one(f.log, SaveRecording).state == GOING, "a later run must know of it"
    began = f.now
    f.step(30)
    out = stop(f, uuid, 30.1, kept_s=30.1)
    out += f.hang_up(uuid)
    saved = one(out, SaveRecording)
    assert (saved.attempt_id, saved.leg, saved.campaign, saved.agent) == (uuid, uuid, "c1", "a1")
    assert (saved.started_at, saved.duration_s, saved.masked, saved.state) == (began, 30.1, (), WRITTEN)
    f.step(STOP_S + 1)
    assert len(ended(f)) == 1 and not f.live.recordings and f.counter("recordings_made") == 1


@pytest.mark.parametrize("mode", list(RecordingMode))
def test_policy(mode: RecordingMode) -> None:
    f, _ = talking(replace(ALL, mode=mode, share=0.0))
    assert bool(f.of(ph.Record)) == (mode is RecordingMode.ALL)
    assert mask(f).ok == (mode is RecordingMode.ALL)


@pytest.mark.parametrize("mode", list(RecordingMode))
def test_on_demand_the_agent_says_so(mode: RecordingMode) -> None:
    f, uuid = talking(replace(ALL, mode=mode, share=0.0))
    f.step(7)
    reply = f.reply(lambda n: ph.AgentAct(n, "a1", "record"))
    assert reply.ok == (mode is not RecordingMode.OFF) and len(f.of(ph.Record)) == int(reply.ok)
    assert f.reply(lambda n: ph.AgentAct(n, "a1", "record")).ok == reply.ok
    assert len(f.of(ph.Record)) == int(reply.ok), "it goes on already"
    f.hang_up(uuid)
    assert not f.reply(lambda n: ph.AgentAct(n, "a1", "record")).ok


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


def test_both_hear_the_announcement_before_anything_is_kept() -> None:
    f, uuid = talking(replace(ALL, consent="consent"))
    told = [m.uuid for m in f.of(ph.Murmur) if m.prompts == ("consent",)]
    assert told == [uuid, f.agent().leg] and not f.of(ph.Record) and not f.of(SaveRecording)
    assert f.state() == "talking", "nobody waits for it"
    said_by = f.now + f.engine._desks.voice.lasts(("consent",))
    f.step(said_by - f.now - 0.1)
    assert not f.of(ph.Record)
    f.step(0.2)
    assert whats(f) == ["start"] and one(f.log, SaveRecording).started_at >= said_by


def test_a_customer_who_leaves_during_the_announcement_is_not_recorded() -> None:
    f, uuid = talking(replace(ALL, consent="consent"))
    f.hang_up(uuid)
    f.step(60)
    assert not f.of(ph.Record) and not f.of(SaveRecording) and not f.live.recordings


def test_without_the_announcement_nothing_is_recorded() -> None:
    f, uuid = talking(replace(ALL, consent="consent"))
    f.send(ev.CommandRefused(uuid, "Murmur", "-ERR Cannot displace session!"))
    f.step(60)
    assert not f.of(ph.Record) and f.counter("recordings_failed") == 1 and f.state() == "talking"


def test_masked_during_the_announcement_nothing_is_kept_before_the_mask_ends() -> None:
    f, _uuid = talking(replace(ALL, consent="consent"))
    assert mask(f).ok
    f.step(30)
    assert not f.of(ph.Record)
    assert mask(f).ok and whats(f) == ["start"]
    (going,) = f.of(SaveRecording)
    assert going.masked == () and going.masked_at is None


def test_a_mask_that_came_and_went_during_the_announcement_changes_nothing() -> None:
    f, _uuid = talking(replace(ALL, consent="consent"))
    assert mask(f).ok and mask(f).ok
    assert not f.of(ph.Record)
    f.step(30)
    assert whats(f) == ["start"]


def test_mask_and_unmask_are_in_the_record() -> None:
    f, uuid = talking()
    f.step(10)
    assert mask(f).ok and whats(f) == ["start", "mask"]
    assert f.of(SaveRecording)[-1].masked_at == pytest.approx(10, abs=0.1), "should we die now, it is known"
    f.step(5)
    assert mask(f).ok and whats(f) == ["start", "mask", "unmask"]
    f.step(10)
    f.hang_up(uuid)
    stop(f, uuid, 25)
    ((begin, end),) = ended(f)[0].masked
    assert begin == pytest.approx(10, abs=0.1) and end == pytest.approx(15, abs=0.1)


def test_a_mask_stays_and_the_agent_is_reminded() -> None:
    f, uuid = talking()
    mask(f)
    f.step(3 * REMIND_S + 1)
    assert whats(f) == ["start", "mask"], "what is spoken may still be a card number"
    assert said(f).count("recording-paused") == 3
    assert f.live.recordings[uuid].masked_at is not None


def test_a_mask_is_asked_for_again_when_the_switch_is_back() -> None:
    f, uuid = talking()
    mask(f)
    leg = f.agent().leg
    f.send(ev.SwitchDown(NODE, "gone"))
    assert not mask(f).ok
    line = ev.ChannelFact(leg, "agent", "a1", True, uuid, 900.0)
    f.channels = {NODE: [line, f.call_fact(uuid, answered=True, peer=leg)]}
    f.up()
    assert whats(f) == ["start", "mask", "mask"]
    mask(f)
    f.send(ev.SwitchDown(NODE, "gone"))
    f.up()
    assert whats(f)[3:] == ["unmask", "unmask"]


def test_masked_until_the_end() -> None:
    f, uuid = talking()
    f.step(10)
    mask(f)
    f.step(5)
    f.hang_up(uuid)
    f.step(1)
    stop(f, uuid, 15.0)
    f.step(REMIND_S + 1)
    ((begin, end),) = ended(f)[0].masked
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
    assert len(ended(f)) == 1 and f.counter("illegal_recording_stopped") == 1


def test_a_refused_recording_is_told_and_the_call_goes_on() -> None:
    f, uuid = talking()
    refuse(f, uuid, "start")
    assert said(f)[-1] == "recording-failed" and f.counter("recordings_failed") == 1
    assert f.state() == "talking" and not f.live.recordings
    assert mask(f).text == "this call is not recorded"
    f.hang_up(uuid)
    f.step(STOP_S + 1)
    (failed,) = ended(f)
    assert failed.state == FAILED and "Cannot record session" in failed.problem
    assert f.outcome(uuid) == "connected"


def test_a_recording_that_cannot_be_masked_is_ended() -> None:
    f, uuid = talking()
    f.step(5)
    mask(f)
    refuse(f, uuid, "mask")
    assert said(f)[-1] == "recording-failed" and whats(f) == ["start", "mask", "stop"]
    stop(f, uuid, 5)
    (saved,) = ended(f)
    assert saved.state == WRITTEN and "a mask failed" in saved.problem
    assert f.state() == "talking" and not f.live.recordings


def test_a_refused_unmask_leaves_it_masked() -> None:
    f, uuid = talking()
    f.step(5)
    mask(f)
    f.step(5)
    mask(f)
    refuse(f, uuid, "unmask")
    assert said(f)[-1] == "recording-failed"
    f.step(5)
    f.hang_up(uuid)
    stop(f, uuid, 15.0)
    ((begin, end),) = ended(f)[0].masked
    assert begin == pytest.approx(5, abs=0.1) and end == 15.0


def test_a_full_disk_is_told_by_the_end_alone() -> None:
    f, uuid = talking()
    f.step(30)
    f.hang_up(uuid)
    out = stop(f, uuid, 30.0, kept_s=2.0)
    assert "is the disk of the switch full" in one(out, SaveRecording).problem
    assert f.counter("recordings_cut_short") == 1
    assert [n.level for n in out if isinstance(n, cmd.Note) and n.topic == "recording_cut_short"] == ["error"]


def test_a_recording_that_is_none_of_ours() -> None:
    f, uuid = talking()
    stop(f, uuid, 3, "/other.wav")
    stop(f, "nobody", 3)
    assert not ended(f)
    assert f.counter("illegal_recording_stopped") == 2 and uuid in f.live.recordings


# ---- after a restart -------------------------------------------------------------------------------------------


def again(f: Floor, uuid: str, *facts: ev.RecordingFact, there: bool = True) -> Floor:
    """A new run that finds the call of ``f``, or hears that it is gone."""
    leg, number = f.agent().leg, f.call(uuid).lead.number
    g = Floor(f.config)
    g.channels = {NODE: []}
    if there:
        g.channels = {
            NODE: [ev.ChannelFact(leg, "agent", "a1", True, uuid, 900.0), g.call_fact(uuid, answered=True, peer=leg)]
        }
    times = {"opened_at": 990.0, "answered_at": 995.0, "bridged_at": 996.0}
    fact = ev.OpenAttemptFact(uuid, "c1", 1, 1, number, "p1", node=NODE, attempts=0, trunk="t1", **times)
    g.send(ev.Recovered((fact,), recordings=facts))
    g.up()
    return g


def fact_of(f: Floor) -> ev.RecordingFact:
    saved = f.of(SaveRecording)[-1]
    return ev.RecordingFact(
        saved.attempt_id, saved.campaign, saved.agent, saved.node, saved.path, saved.started_at, saved.duration_s,
        saved.masked, saved.masked_at, saved.state == TO_UPLOAD, saved.problem,
    )  # fmt: skip


def test_after_a_restart_a_masked_recording_is_ours_again() -> None:
    f, uuid = talking()
    f.step(5)
    mask(f)
    g = again(f, uuid, fact_of(f))
    assert g.state() == "talking" and whats(g) == ["mask"]
    assert said(g).count("recording-paused") == 1, "whoever comes back must know"
    assert mask(g).ok and whats(g) == ["mask", "unmask"]
    g.hang_up(uuid)
    stop(g, uuid, 50.0)
    (saved,) = ended(g)
    assert saved.masked[0][0] == pytest.approx(5, abs=0.1) and saved.state == WRITTEN


def test_a_recording_whose_call_ended_while_nobody_looked_is_written_down() -> None:
    f, uuid = talking()
    f.step(5)
    g = again(f, uuid, fact_of(f), there=False)
    g.step(STOP_S + 5)
    (saved,) = ended(g)
    assert (saved.path, saved.duration_s, saved.state) == (f"/rec/c1/{uuid}.wav", 0.0, WRITTEN)
    assert not g.live.recordings


@pytest.mark.parametrize("heard", [True, False])
def test_after_a_restart_a_recording_of_which_the_store_does_not_know(heard: bool) -> None:
    f, uuid = talking()
    g = again(f, uuid)
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


# ---- files on the switch's host --------------------------------------------------------------------------------

FAR = replace(ALL, directory="/here", switch_directory="/rec", upload="/opt/bring")


def done(f: Floor, uuid: str, *, ok: bool, text: str = "") -> list[cmd.Command]:
    return f.send(ph.UploadReplied(NODE, f"/rec/c1/{uuid}.wav", ok, text))


def finished(policy: RecordingPolicy = FAR) -> tuple[Floor, str]:
    f, uuid = talking(policy)
    f.step(5)
    f.hang_up(uuid)
    stop(f, uuid, 5.0)
    return f, uuid


def test_a_file_is_brought_here_when_it_is_finished() -> None:
    f, uuid = finished()
    assert one(f.log, ph.Upload) == ph.Upload(NODE, uuid, f"/rec/c1/{uuid}.wav", "/opt/bring")
    assert f.of(SaveRecording)[-1].state == TO_UPLOAD
    saved = one(done(f, uuid, ok=True), SaveRecording)
    assert saved.state == WRITTEN and f.counter("recordings_uploaded") == 1 and not f.live.uploads


def test_a_failed_upload_is_told_and_tried_again() -> None:
    f, uuid = finished()
    for tries, pause_s in enumerate((10, 60, 300, 900, 3600, 3600), 1):
        out = done(f, uuid, ok=False, text="No space left on device")
        assert "No space left" in next(n.text for n in out if isinstance(n, cmd.Note))
        assert f.counter("recording_uploads_failed") == tries
        none(f.step(pause_s - 1), ph.Upload)
        one(f.step(2), ph.Upload)
    assert done(f, uuid, ok=True) and not f.live.uploads


def test_an_upload_that_never_works_is_left_to_the_next_run() -> None:
    f, uuid = finished()
    for _ in range(uploads.TRIES):
        done(f, uuid, ok=False, text="no")
        f.step(3601)
    assert not f.live.uploads and f.of(SaveRecording)[-1].state == TO_UPLOAD
    g = Floor(f.config)
    g.send(ev.Recovered((), recordings=(fact_of(f),)))
    g.up()
    assert len(g.of(ph.Upload)) == 1


def test_uploads_wait_for_a_switch_that_is_away_and_are_few_at_a_time() -> None:
    f, _ = talking(FAR)
    for n in range(uploads.AT_ONCE + 3):
        saved = replace(f.of(SaveRecording)[0], path=f"/rec/{n}.wav", attempt_id=f"n{n}")
        f.engine._desks.recordings.uploads.add(saved, "/opt/bring")
    f.send(ev.Tick())
    assert len(f.of(ph.Upload)) == uploads.AT_ONCE
    f.send(ev.SwitchDown(NODE, "gone"))
    f.send(ph.UploadReplied(NODE, "/rec/0.wav", False, "disconnected"))
    f.up()
    asked = [each.path for each in f.of(ph.Upload)[uploads.AT_ONCE :]]
    assert len(asked) == uploads.AT_ONCE and "/rec/0.wav" not in asked
    f.send(ph.UploadReplied(NODE, "/rec/9.wav", True))
    assert f.counter("illegal_upload_replied") == 1


def test_an_upload_that_says_nothing() -> None:
    f, _uuid = finished()
    f.step(uploads.LONGEST_S + 1)
    assert f.counter("recording_uploads_failed") == 1
    one(f.step(11), ph.Upload)
