"""Screening on the floor: who is offered to an agent, when, and what becomes of machines and dead numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.desk_records import FAILED, GOING, WRITTEN, SaveRecording
from dialer.domain.hearing import (
    Announcement,
    AnnouncementHeard,
    BeepHeard,
    CalleeRecorded,
    Clock,
    Heard,
    Listen,
    ListenKind,
    MachinePolicy,
    QuietHeard,
    ScreeningSettings,
    StopListening,
    TapLeg,
    UntapLeg,
    Verdict,
    WordsHeard,
)
from dialer.domain.outcomes import Outcome
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.domain.settings import Mode
from dialer.engine import screenings as screenings_module
from dialer.engine.calls import PLACED_BY_S
from dialer.engine.recordings import _draw

HANG_UP = ScreeningSettings(MachinePolicy.HANG_UP, Clock.GREETING_END)
MESSAGE = ScreeningSettings(MachinePolicy.MESSAGE, Clock.GREETING_END, message="/voicemail.wav")
DEAD = ScreeningSettings(dead_numbers=True)


def floor(screening: ScreeningSettings = HANG_UP, people: int = 1, *, deaf: bool = False, **more: object) -> Floor:
    config = settings(campaign(screening=screening, **more), people=agents(people))  # type: ignore[arg-type]
    return Floor(replace(config, hearing=frozenset() if deaf else frozenset({NODE}))).up()


def answered(f: Floor) -> str:
    """The one call is answered now."""
    uuid = f.dialed()[-1]
    f.ring(uuid)
    f.step(5)
    none(f.answer(uuid), cmd.Bridge)
    return uuid


def human(f: Floor, uuid: str, greeting_end: float) -> list[cmd.Command]:
    return f.send(Heard(uuid, Verdict.HUMAN, "human: greeting 0.8 s", f.now, greeting_end))


def speaks(f: Floor, uuid: str, seconds: float) -> None:
    """Whoever answered speaks for so long."""
    for _ in range(round(seconds / 0.5)):
        f.step(0.5)
        f.send(WordsHeard(uuid, f.now))


def of_call(out: list[cmd.Command], uuid: str) -> list[cmd.Command]:
    """The orders about this call's leg."""
    return [c for c in out if getattr(c, "uuid", "") == uuid]


def machine(f: Floor, uuid: str) -> list[cmd.Command]:
    return f.send(Heard(uuid, Verdict.MACHINE, "machine: greeting 2.8 s", f.now))


def test_a_person_is_offered_when_the_verdict_is_there_and_not_before() -> None:
    f = floor()
    uuid = answered(f)
    listen = one(f.log, Listen)
    assert listen == Listen(NODE, uuid, ListenKind.ANSWERED, f.now)
    assert f.call(uuid).state.value == "screening" and f.state() == "ready"
    f.step(1.2)
    out = human(f, uuid, f.now - 0.4)
    bridge = one(out, cmd.Bridge)
    note = one(out, cmd.NoteHeard)
    assert (note.verdict, note.reason) == ("human", "human: greeting 0.8 s")
    assert note.clock_at == pytest.approx(f.now - 0.4)
    f.step(0.06)
    f.bridged(uuid, bridge.agent_uuid)
    f.step(20)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "connected"
    assert not f.of(cmd.WaitAgain)


# ---- machines for people to listen to ----------------------------------------------------------------------

KEPT = RecordingPolicy(RecordingMode.SHARE, 0.0, "/srv/here", "/srv/there", "{campaign}/{attempt}")
"""No conversation is recorded, so every recording is a machine's."""


def recorded(f: Floor) -> list[SaveRecording]:
    return [command for command in f.log if isinstance(command, SaveRecording)]


@pytest.mark.parametrize("policy", [HANG_UP, MESSAGE])
def test_a_share_of_machines_is_recorded_from_the_answer_on(policy: ScreeningSettings) -> None:
    f = floor(replace(policy, record_share=1.0), recording=KEPT)
    uuid = answered(f)
    at = f.now
    assert one(f.log, Listen).record == f"/srv/here/c1/{uuid}.wav"
    speaks(f, uuid, 3.0)
    out = machine(f, uuid)
    begun = one(out, SaveRecording)
    assert (begun.state, begun.path, begun.agent, begun.started_at) == (GOING, f"/srv/there/c1/{uuid}.wav", "", at)
    if policy is MESSAGE:
        f.send(BeepHeard(uuid, f.now, "a beep"))
        f.step(1.0)
    stop = one(f.log, StopListening) if policy is MESSAGE else None
    if stop is None:
        f.hang_up(uuid)
        stop = one(f.log, StopListening)
    assert stop.keep
    f.send(CalleeRecorded(uuid, 3.4))
    assert [(each.state, each.duration_s) for each in recorded(f)] == [(GOING, 0.0), (WRITTEN, 3.4)]
    if policy is MESSAGE:
        f.hang_up(uuid)
    f.step(30)
    assert len(recorded(f)) == 2 and not f.engine.status(f.now).counters.get("illegal_callee_recorded")


def test_persons_are_never_recorded_so() -> None:
    f = floor(replace(HANG_UP, record_share=1.0), recording=KEPT)
    uuid = answered(f)
    f.step(1.0)
    human(f, uuid, f.now - 0.4)
    assert not recorded(f) and not any(stop.keep for stop in f.of(StopListening))
    f.step(0.1)
    f.bridged(uuid, f.agent().leg)
    f.send(CalleeRecorded(uuid, 1.0))  # cannot be
    f.step(3)
    f.hang_up(uuid)
    assert not recorded(f)


def test_a_verdict_that_comes_too_late_keeps_nothing() -> None:
    f = floor(replace(HANG_UP, record_share=1.0), recording=KEPT)
    uuid = answered(f)
    f.step(1.7)
    assert not one(f.log, StopListening).keep  # unsure, and to an agent
    machine(f, uuid)
    assert not recorded(f)


def test_a_file_that_could_not_be_written_is_a_failed_recording() -> None:
    f = floor(replace(HANG_UP, record_share=1.0), recording=KEPT)
    uuid = answered(f)
    speaks(f, uuid, 3.0)
    machine(f, uuid)
    f.hang_up(uuid)
    f.send(CalleeRecorded(uuid, 0.0, "/srv/here: no room"))
    last = recorded(f)[-1]
    assert last.state == FAILED and last.problem == "not written: /srv/here: no room"


def test_listeners_that_died_leave_a_recording_that_is_looked_for() -> None:
    f = floor(replace(HANG_UP, record_share=1.0), recording=KEPT)
    uuid = answered(f)
    speaks(f, uuid, 3.0)
    machine(f, uuid)
    f.hang_up(uuid)
    f.step(30)
    assert recorded(f)[-1].state == WRITTEN  # and `dialer recordings index` finds it missing


def test_only_the_share_is_recorded() -> None:
    f = floor(replace(HANG_UP, record_share=0.0), recording=KEPT)
    answered(f)
    assert one(f.log, Listen).record == ""
    drawn = [_draw(f"machine/{n}") < 0.02 for n in range(10_000)]
    assert 150 <= sum(drawn) <= 250


def test_the_clock_runs_from_the_end_of_the_greeting() -> None:
    f = floor()
    uuid = answered(f)
    at = f.now
    f.send(ev.AgentPause(1, "a1", "tea"))
    f.step(1.0)
    f.send(WordsHeard(uuid, f.now))
    f.step(0.6)
    human(f, uuid, at + 1.3)
    f.step(3.05 - 1.6)
    assert f.call(uuid).state.value == "waiting"
    assert one(f.send(ev.AgentReady(2, "a1")), cmd.Bridge).call_uuid == uuid
    f.step(0.1)
    f.bridged(uuid, f.agent().leg)
    f.step(9)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "connected"  # 3.15 s after the answer, 1.85 s after the greeting


def test_nobody_free_until_the_limit_after_the_greeting_is_abandoned() -> None:
    f = floor()
    uuid = answered(f)
    at = f.now
    f.send(ev.AgentPause(1, "a1", "tea"))
    f.step(1.2)
    human(f, uuid, at + 0.8)
    out = f.step(0.5)  # the leg's wait, made for an answer without words, is set anew to end with the limit
    again = one(out, cmd.WaitAgain)
    assert again.message == "safe.wav"
    sent_at = f.times[f.log.index(again)]
    assert sent_at + again.wait_ms / 1000 == pytest.approx(at + 0.8 + 2.0 - 0.1, abs=0.01)
    assert f.call(uuid).state.value == "waiting"
    f.step(1.0)
    assert f.call(uuid).state.value == "abandoning"
    f.step(6)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned"


def test_no_bridge_overtakes_a_leg_that_is_sent_into_another_wait() -> None:
    f = floor()
    uuid = answered(f)
    at = f.now
    f.send(ev.AgentPause(1, "a1", "tea"))
    f.step(1.2)
    human(f, uuid, at + 0.8)
    f.step(at + 1.4 + 0.001 - f.now)
    assert one(f.log, cmd.WaitAgain)
    none(f.send(ev.AgentReady(2, "a1")), cmd.Bridge)
    assert one(f.step(screenings_module.APART_S + 0.01), cmd.Bridge).call_uuid == uuid


def test_the_legs_wait_follows_whoever_speaks_on_and_stays_bounded_without_us() -> None:
    f = floor()
    uuid = answered(f)
    at = f.now
    originate = f.of(cmd.OriginateCall)[-1]
    assert originate.wait_ms == 1900  # as strict as without screening: nobody knows if we live
    ends_at, seen = at + 1.9, len(f.log)
    for _ in range(40):
        f.step(0.1)
        if f.now < at + 3.9:
            f.send(WordsHeard(uuid, f.now))
        new, seen = list(zip(f.log[seen:], f.times[seen:], strict=True)), len(f.log)
        for again, sent_at in new:
            if not isinstance(again, cmd.WaitAgain):
                continue
            assert ends_at - sent_at >= 0.3, "the message was about to play"
            ends_at = sent_at + again.wait_ms / 1000
            assert ends_at <= sent_at + 2.0
        assert f.now < ends_at
    assert 1 <= len(f.of(cmd.WaitAgain)) <= 4
    f.step(0.3)
    assert one(f.log, cmd.Bridge).call_uuid == uuid  # the time bound: unsure is a person
    assert f.of(cmd.NoteHeard)[-1].verdict == "unsure"


@pytest.mark.parametrize("clock", list(Clock))
def test_a_verdict_that_never_comes_sends_the_customer_to_an_agent_within_the_limit(clock: Clock) -> None:
    f = floor(replace(HANG_UP, clock=clock))
    uuid = answered(f)
    out = f.step(1.61)
    assert one(out, cmd.Bridge).call_uuid == uuid
    assert one(out, StopListening).uuid == uuid
    assert "no verdict within 1.6 s" in one(out, cmd.NoteHeard).reason
    assert f.counter("answers_unsure") == 1


def test_on_a_switch_that_cannot_be_listened_to_everybody_is_a_person_at_once() -> None:
    f = floor(deaf=True)
    uuid = f.dialed()[0]
    f.ring(uuid)
    f.step(3)
    out = f.answer(uuid)
    assert one(out, cmd.Bridge).call_uuid == uuid
    none(out, Listen)
    assert f.counter("answers_unsure") == 1


def test_a_tap_that_is_refused_sends_the_customer_to_an_agent_at_once() -> None:
    f = floor()
    uuid = answered(f)
    out = f.send(ev.CommandRefused(uuid, TapLeg.__name__, "-ERR Cannot record session!"))
    assert one(out, cmd.Bridge).call_uuid == uuid
    none(out, cmd.TakeSnapshot)
    none(f.send(ev.CommandRefused("x", UntapLeg.__name__, "-ERR Cannot locate session!")), cmd.TakeSnapshot)


def test_an_unsure_verdict_of_a_dead_worker_is_a_person() -> None:
    f = floor()
    uuid = answered(f)
    f.step(0.5)
    out = f.send(Heard(uuid, Verdict.UNSURE, "unsure: the listeners' process ended", f.now))
    assert one(out, cmd.Bridge).call_uuid == uuid and f.call(uuid).clock_at is None


def test_a_machine_is_hung_up_and_asks_for_no_agent() -> None:
    f = floor()
    uuid = answered(f)
    speaks(f, uuid, 3.0)
    out = machine(f, uuid)
    assert one(out, cmd.HangUp).uuid == uuid
    assert f.state() == "ready"
    f.step(0.05)
    out = f.hang_up(uuid, "NORMAL_CLEARING", hangup_disposition="send_bye")
    assert f.outcome(uuid) == "machine" and f.closed(uuid).reason == "machine: greeting 2.8 s"
    assert one(out, StopListening).uuid == uuid
    assert f.engine._feed.pool.counts("c1", f.now).answered_today == 0  # nobody whom we could have left alone


@pytest.mark.parametrize("how", ["beep", "quiet"])
def test_a_machine_is_left_the_message_after_its_beep(how: str) -> None:
    f = floor(MESSAGE)
    uuid = answered(f)
    speaks(f, uuid, 3.0)
    machine(f, uuid)
    assert f.call(uuid).state.value == "machine"
    f.step(8)
    hold = f.of(cmd.WaitAgain)[-1]
    assert hold.wait_ms > 30_000 and hold.message == "safe.wav"
    none(f.log, cmd.HangUp, cmd.Bridge)
    f.send(BeepHeard(uuid, f.now, "b") if how == "beep" else QuietHeard(uuid, f.now, "q"))
    out = f.step(screenings_module.AFTER_BEEP_S + 0.001)
    played = one(out, cmd.WaitAgain)
    assert (played.wait_ms, played.message) == (0, "/voicemail.wav")
    assert one(out, StopListening)
    f.step(12)
    f.hang_up(uuid, "NORMAL_CLEARING", hangup_disposition="send_bye")
    assert f.outcome(uuid) == "message_played"


def test_a_beep_right_behind_the_verdict_does_not_lose_the_message_to_another_order() -> None:
    f = floor(MESSAGE)
    uuid = answered(f)
    f.step(1.0)
    f.send(WordsHeard(uuid, f.now))
    f.step(0.45)  # the leg's wait was just set anew
    (wait,) = f.of(cmd.WaitAgain)
    machine(f, uuid)
    none(f.send(BeepHeard(uuid, f.now, "b")), cmd.WaitAgain)
    out = f.step(0.4)
    played = one(out, cmd.WaitAgain)
    assert played.message == "/voicemail.wav"
    apart = f.times[f.log.index(played)] - f.times[f.log.index(wait)]
    assert apart >= screenings_module.APART_S
    none(of_call(f.step(30), uuid), cmd.WaitAgain)


def test_a_machine_that_hangs_up_within_the_message_got_none() -> None:
    f = floor(MESSAGE)
    uuid = answered(f)
    machine(f, uuid)
    f.send(BeepHeard(uuid, f.now, "b"))
    f.step(1)
    f.hang_up(uuid, "NORMAL_CLEARING", hangup_disposition="recv_bye")
    assert f.outcome(uuid) == "machine"


def test_a_machine_without_an_end_is_hung_up() -> None:
    f = floor(MESSAGE)
    uuid = answered(f)
    machine(f, uuid)
    assert one(of_call(f.step(46), uuid), cmd.HangUp)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "machine" and "no beep within 45 s" in f.closed(uuid).reason


def test_a_message_whose_end_nobody_tells_is_hung_up() -> None:
    f = floor(MESSAGE)
    uuid = answered(f)
    machine(f, uuid)
    f.send(BeepHeard(uuid, f.now, "b"))
    assert one(of_call(f.step(screenings_module.VOICEMAIL_MAX_S + 1), uuid), cmd.HangUp)


def test_who_leaves_while_listened_to_hung_up_early() -> None:
    f = floor()
    uuid = answered(f)
    f.step(0.7)
    f.hang_up(uuid, hangup_disposition="recv_bye")
    assert f.outcome(uuid) == "hung_up_early"
    assert f.closed(uuid).answered_at is not None
    none(f.send(Heard(uuid, Verdict.MACHINE, "late", f.now)), cmd.HangUp, cmd.NoteHeard)


def test_policy_agent_only_writes_down() -> None:
    f = floor(ScreeningSettings(MachinePolicy.AGENT))
    uuid = f.dialed()[0]
    f.ring(uuid)
    f.step(3)
    out = f.answer(uuid)
    assert one(out, Listen).uuid == uuid
    bridge = one(out, cmd.Bridge)
    f.step(0.06)
    f.bridged(uuid, bridge.agent_uuid)
    f.step(3)
    out = machine(f, uuid)
    assert one(out, cmd.NoteHeard).verdict == "machine"
    none(out, cmd.HangUp, cmd.WaitAgain)
    none(f.send(BeepHeard(uuid, f.now, "b")), cmd.WaitAgain, cmd.HangUp)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "connected"


def test_a_preview_is_not_screened() -> None:
    config = settings(campaign(mode=Mode.PREVIEW, screening=MESSAGE), people=agents(1))
    f = Floor(replace(config, hearing=frozenset({NODE}))).up()
    f.step(1)
    f.send(ev.PreviewAccept(1, "a1"))
    uuid = f.dialed()[0]
    f.ring(uuid)
    assert one(f.answer(uuid), cmd.Bridge)
    none(machine(f, uuid), cmd.HangUp, cmd.WaitAgain)


def test_drain_ends_a_screened_call() -> None:
    f = floor()
    uuid = answered(f)
    f.send(ev.Shutdown(0.5))
    assert one(f.step(0.6), cmd.HangUp).uuid == uuid
    none(f.step(4), cmd.Bridge)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "shutdown"


def test_the_switch_lists_a_machine_no_longer() -> None:
    f = floor(MESSAGE)
    uuid = answered(f)
    machine(f, uuid)
    f.step(4)
    f.channels[NODE] = [ev.ChannelFact(f.agent().leg, "agent", "a1", True, None, 1000.0, True)]
    f.step(70)
    assert f.outcome(uuid) == "machine"


def test_a_machine_of_a_former_run_is_no_abandoned_person() -> None:
    f = floor(MESSAGE, people=1)
    fact = ev.OpenAttemptFact("r1", "c1", 5, 5, "+491", "p", NODE, 990.0, 1, "t1", 991.0, 999.0, None, None, "machine")
    f = Floor(f.config)
    f.send(ev.Recovered((fact,)))
    f.channels[NODE] = [f.call_fact("r1", answered=True)]
    f.up()
    f.step(1)
    f.hang_up("r1", hangup_disposition="send_bye")
    assert f.outcome("r1") == "machine"


def test_a_talk_of_a_former_run_is_judged_by_the_clock_that_it_had() -> None:
    f = floor()
    fact = ev.OpenAttemptFact("r1", "c1", 5, 5, "+491", "p", NODE, 990.0, 1, "t1", 991.0, 995.0, 998.4, 996.5, "human")
    f = Floor(f.config)
    f.send(ev.Recovered((fact,)))
    f.channels[NODE] = []
    f.up()
    assert f.outcome("r1") == "connected"


# ---- dead numbers ------------------------------------------------------------------------------------------


def early(f: Floor) -> str:
    uuid = f.dialed()[-1]
    f.send(ev.LegRinging(uuid, f.now, early_media=True))
    return uuid


def announce(f: Floor, uuid: str, what: Announcement) -> list[cmd.Command]:
    return f.send(AnnouncementHeard(uuid, what, "taught: dead.wav", f.now))


def test_a_dead_number_is_hung_up_after_the_minimum_ring_and_never_dialed_again() -> None:
    f = floor(DEAD)
    assert f.of(cmd.OriginateCall)[0].early_media
    uuid = early(f)
    assert one(f.log, Listen) == Listen(NODE, uuid, ListenKind.EARLY, f.now)
    f.send(ev.OriginateReplied(uuid, True))  # with early media the originate is over before the answer
    f.step(4)
    none(announce(f, uuid, Announcement.DEAD_NUMBER), cmd.HangUp)
    none(f.step(10.9), cmd.HangUp)
    assert one(f.step(0.2), cmd.HangUp).uuid == uuid
    f.hang_up(uuid, "ORIGINATOR_CANCEL")
    closed = f.closed(uuid)
    assert closed.outcome is Outcome.DEAD_NUMBER and closed.number_dead and "taught: dead.wav" in closed.reason
    assert one(f.log, cmd.NoteHeard).verdict == "dead_number"


def test_a_dead_number_that_the_carrier_hangs_up_first_is_dead() -> None:
    f = floor(DEAD)
    uuid = early(f)
    f.step(4)
    announce(f, uuid, Announcement.DEAD_NUMBER)
    f.hang_up(uuid, "NORMAL_UNSPECIFIED", sip_status="480")
    assert f.outcome(uuid) == "dead_number"


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        (Announcement.BUSY, "busy"),
        (Announcement.SWITCHED_OFF, "no_answer"),
        (Announcement.CONGESTION, "carrier_failure"),
    ],
)
def test_other_announcements_say_nothing_about_the_number(what: Announcement, outcome: str) -> None:
    f = floor(DEAD)
    uuid = early(f)
    announce(f, uuid, what)
    f.hang_up(uuid, "NO_ANSWER")
    assert f.outcome(uuid) == outcome and not f.closed(uuid).number_dead


def test_unknown_words_change_nothing() -> None:
    f = floor(DEAD)
    uuid = early(f)
    announce(f, uuid, Announcement.UNKNOWN)
    none(f.step(29), cmd.HangUp)
    assert one(f.answer(uuid), cmd.Bridge)


def test_whoever_answers_after_an_announcement_is_a_customer() -> None:
    f = floor(DEAD)
    uuid = early(f)
    announce(f, uuid, Announcement.DEAD_NUMBER)
    f.step(3)
    out = f.answer(uuid)
    bridge = one(out, cmd.Bridge)
    assert one(out, StopListening)
    f.step(0.06)
    f.bridged(uuid, bridge.agent_uuid)
    none(f.step(30), cmd.HangUp)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "connected" and not f.closed(uuid).number_dead


def test_a_183_makes_the_switch_count_the_ring_anew_and_so_does_the_guard() -> None:
    f = floor(DEAD)
    uuid = f.dialed()[0]
    f.ring(uuid)
    f.step(25)
    early(f)
    none(f.step(30 + screenings_module.RING_GRACE_S - 1), cmd.HangUp)
    assert one(f.step(2), cmd.HangUp).uuid == uuid


def test_without_dead_numbers_nobody_listens_while_it_rings() -> None:
    f = floor(HANG_UP)
    early(f)
    none(f.log, Listen)
    assert not f.of(cmd.OriginateCall)[0].early_media


def test_a_ringing_leg_that_is_answered_is_listened_to_on() -> None:
    f = floor(replace(HANG_UP, dead_numbers=True))
    uuid = early(f)
    f.send(ev.OriginateReplied(uuid, True))
    f.step(2)
    out = f.send(ev.LegAnswered(uuid, f.now))
    none(out, StopListening, cmd.Bridge)
    assert one(out, Listen).kind is ListenKind.ANSWERED
    assert f.call(uuid).placed and PLACED_BY_S > 0


# ---- pacing ------------------------------------------------------------------------------------------------


def test_pacing_counts_a_screened_answer_as_no_waiting_customer_and_a_machine_as_nobody() -> None:
    f = floor(HANG_UP, people=2, mode=Mode.RATIO, lines_per_agent=1.0)
    first, second = f.dialed()
    for uuid in (first, second):
        f.ring(uuid)
    f.step(5)
    f.answer(first)
    f.answer(second)
    counts = f.engine._feed.pool.counts("c1", f.now)
    assert (counts.waiting, counts.ringing) == (0, 2)
    f.step(1)
    f.send(ev.AgentPause(1, "a1", "tea"), ev.AgentPause(1, "a2", "tea"))
    human(f, first, f.now - 0.4)
    machine(f, second)
    counts = f.engine._feed.pool.counts("c1", f.now)
    assert (counts.waiting, counts.ringing) == (1, 0)
