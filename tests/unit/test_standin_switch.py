"""The virtual switch by its commands: the fail-safe, limits, bridges and their races, views, restart and
shutdown.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from dialer.switch.originate import bounded_wait, early_media
from esl.commands import Originate
from freeswitch.standin.switch import Limits, Switch, SwitchError, SwitchEvent, Timing
from freeswitch.standin.world import CallPlan, PhonePlan, World, WorldSpec

FAIL_SAFE = "'m:^:playback:silence_stream://2000^playback:/sounds/sorry.wav^hangup:NORMAL_CLEARING' inline"
RINGING = "00000000-0000-4000-8000-000000000001"
STAYS = CallPlan(ring_s=0.02, final_s=1.0)
SURE = Timing(limbo_probability=1.0, agent_lost_probability=1.0)


def build(
    scripted: Mapping[str, CallPlan] | None = None,
    *,
    phones: Mapping[str, PhonePlan] | None = None,
    limits: Limits | None = None,
    timing: Timing = SURE,
    **spec: Any,
) -> Switch:
    world = WorldSpec(scripted=scripted or {}, scripted_phones=phones or {}, default_file_s=4.0, **spec)
    return Switch(
        World(world, random.Random(1)),
        random.Random(2),
        limits=limits or Limits(0, 0),
        timing=timing,
        epoch_s=1_795_308_000.0,
        heartbeat_s=None,
    )


def dial(
    switch: Switch, uuid: str, number: str, then: str = FAIL_SAFE, extra: str = "", now: float = 0.0
) -> None:
    line = (
        f"originate {{origination_uuid={uuid},ignore_early_media=true{extra}}}sofia/gateway/g/{number} {then}"
    )
    switch.bgapi(line, f"job-{uuid}", now)


def agent(switch: Switch, uuid: str = "agent", now: float = 0.0) -> None:
    line = f"originate {{origination_uuid={uuid},park_after_bridge=true}}user/1000 &park()"
    switch.bgapi(line, f"job-{uuid}", now)


def run(switch: Switch, until: float) -> list[SwitchEvent]:
    switch.advance(until)
    return switch.take_events()


def names(events: list[SwitchEvent], uuid: str) -> list[str]:
    return [event.name for event in events if event.get("Unique-ID") == uuid]


def job(events: list[SwitchEvent], uuid: str) -> str | None:
    return next((event.body for event in events if event.get("Job-UUID") == uuid), None)


def legs(switch: Switch) -> dict[str, dict[str, Any]]:
    report = json.loads(switch.api("standin_audit", switch.clock.now))
    return {leg["uuid"]: leg for leg in report["legs"]}


def test_an_answered_leg_that_nobody_bridges_hears_the_message_and_is_hung_up() -> None:
    switch = build({"1": STAYS})
    dial(switch, "c", "1")
    events = run(switch, 30.0)
    seen = names(events, "c")
    first, last = seen.index("PLAYBACK_START"), seen.index("CHANNEL_HANGUP_COMPLETE")
    assert seen[first:last].count("PLAYBACK_START") == 2
    assert "CHANNEL_PARK" not in seen
    done = next(event for event in events if event.name == "CHANNEL_HANGUP_COMPLETE")
    assert done.get("Hangup-Cause") == "NORMAL_CLEARING"
    assert done.get("variable_sip_hangup_disposition") == "send_bye"
    record = legs(switch)["c"]
    assert record["message_started_at"] - record["answered_at"] == pytest.approx(2.0, abs=0.05)
    assert record["message_s"] == pytest.approx(4.0, abs=0.05)
    assert record["hangup_by"] == "dialplan"
    assert record["bridged_at"] is None


def test_a_bridge_interrupts_the_wait_and_abandons_the_rest() -> None:
    switch = build({"1": CallPlan(ring_s=0.02, final_s=1.0, talk_s=10.0)})
    agent(switch)
    dial(switch, "c", "1")
    run(switch, 2.0)
    switch.bgapi("uuid_bridge c agent", "b", 2.0)
    events = run(switch, 11.0)
    assert job(events, "b") == "+OK agent\n"
    order = [event.name for event in events]
    assert order.index("BACKGROUND_JOB") < order.index("CHANNEL_BRIDGE")
    assert "PLAYBACK_START" not in order
    stop = next(event for event in events if event.name == "PLAYBACK_STOP")
    assert stop.get("Playback-Status") == "done"
    events = run(switch, 13.0)
    assert names(events, "agent")[-1] == "CHANNEL_PARK"
    assert "CHANNEL_HANGUP_COMPLETE" in names(events, "c")
    record = legs(switch)["c"]
    assert record["bridged_s"] == pytest.approx(10.0, abs=0.05)
    assert record["hangup_by"] == "callee"
    assert record["message_started_at"] is None


def test_a_bridge_takes_43_to_64_ms() -> None:
    for seed in range(30):
        switch = build({"1": STAYS}, timing=Timing())
        switch.rng = random.Random(seed)
        agent(switch)
        dial(switch, "c", "1")
        run(switch, 2.0)
        switch.bgapi("uuid_bridge c agent", "b", 2.0)
        while not any(event.name == "CHANNEL_BRIDGE" for event in switch.take_events()):
            due = switch.next_due()
            assert due is not None
            switch.advance(due)
        assert 0.043 <= switch.clock.now - 2.0 <= 0.066


def test_the_originate_limit_runs_on_whole_seconds() -> None:
    for fraction, expected in ((0.3, 3.7), (0.7, 3.3)):
        switch = build({"1": CallPlan(sip_status=0)})
        dial(switch, "c", "1", extra=",originate_timeout=4", now=fraction)
        events = run(switch, 20.0)
        done = next(event for event in events if event.name == "CHANNEL_HANGUP_COMPLETE")
        assert done.get("Hangup-Cause") == "NO_ANSWER"
        assert done.get("variable_sip_term_status") is None
        assert int(done.get("variable_mduration") or 0) == pytest.approx(expected * 1000, abs=30)
        assert job(events, "job-c") == "-ERR NO_ANSWER\n"


def test_a_silent_carrier_meets_the_progress_limit() -> None:
    switch = build({"1": CallPlan(sip_status=0, ring_s=None), "2": CallPlan(sip_status=0, ring_s=0.5)})
    for uuid, number in (("c", "1"), ("d", "2")):
        dial(switch, uuid, number, extra=",progress_timeout=3,originate_timeout=8")
    events = run(switch, 20.0)
    causes = {
        e.get("Unique-ID"): e.get("Hangup-Cause") for e in events if e.name == "CHANNEL_HANGUP_COMPLETE"
    }
    assert causes == {"c": "PROGRESS_TIMEOUT", "d": "NO_ANSWER"}


def test_refusals_without_any_channel_event() -> None:
    switch = build(
        {"1": STAYS}, limits=Limits(sessions_per_second=3, max_sessions=3), phones_unregistered=("9",)
    )
    switch.bgapi("originate user/9 &park()", "u", 0.0)
    for number in range(4):
        dial(switch, f"c{number}", "1", now=0.1)
    dial(switch, "c0", "1", now=0.2)
    events = run(switch, 0.5)
    refused = "-ERR DESTINATION_OUT_OF_ORDER\n"
    assert job(events, "u") == "-ERR USER_NOT_REGISTERED\n"
    assert [job(events, f"job-c{number}") for number in (2, 3)] == [refused, refused]
    assert {event.get("Unique-ID") for event in events} == {None, "c0", "c1"}
    duplicate = [e for e in events if e.name == "BACKGROUND_JOB" and e.get("Job-UUID") == "job-c0"]
    assert [event.body for event in duplicate] == [refused]
    dial(switch, "d0", "1", now=1.1)
    dial(switch, "d1", "1", now=1.1)
    assert job(run(switch, 1.2), "job-d1") == refused
    assert switch.channels == 3
    summary = json.loads(switch.api("standin_audit summary", 1.2))
    assert summary["invites"] == 3
    assert summary["refused"] == {
        "unregistered": 1,
        "sessions-per-second": 2,
        "duplicate-uuid": 1,
        "max-sessions": 1,
    }


def test_paused_outbound_refuses() -> None:
    switch = build({"1": STAYS})
    assert switch.api("fsctl pause", 0.0) == "+OK\n"
    dial(switch, "c", "1")
    assert job(run(switch, 1.0), "job-c") == "-ERR DESTINATION_OUT_OF_ORDER\n"
    switch.api("fsctl resume", 1.0)
    dial(switch, "c", "1", now=1.0)
    assert "CHANNEL_CREATE" in names(run(switch, 2.0), "c")


def test_bridge_errors() -> None:
    switch = build({"1": STAYS})
    agent(switch)
    dial(switch, "c", "1")
    run(switch, 2.0)
    for line in ("uuid_bridge c nobody", "uuid_bridge nobody agent", "uuid_bridge c c"):
        assert switch.api(line, 2.0) == "-ERR Invalid uuid\n"
    assert switch.api("uuid_kill c", 2.0) == "+OK\n"
    assert switch.api("uuid_bridge c agent", 2.0) == "-ERR Invalid uuid\n"
    assert switch.api("uuid_kill c", 2.0) == "-ERR No such channel!\n"


@pytest.mark.parametrize(("limbo", "state"), [(1.0, "CS_SOFT_EXECUTE"), (0.0, "CS_PARK")])
def test_a_customer_who_dies_before_the_bridge_leaves_the_agent_in_limbo_or_parked(
    limbo: float, state: str
) -> None:
    switch = build({"1": STAYS}, timing=Timing(limbo_probability=limbo))
    agent(switch)
    dial(switch, "c", "1")
    run(switch, 2.0)
    switch.api("uuid_bridge c agent", 2.0)
    switch.api("uuid_kill c", 2.03)
    events = run(switch, 3.0)
    assert ("CHANNEL_PARK" in names(events, "agent")) is (limbo == 0.0)
    rows = json.loads(switch.api("show channels as json", 3.0))["rows"]
    assert [(row["uuid"], row["state"], row["application"]) for row in rows] == [("agent", state, "park")]


def test_uuid_park_cures_limbo_and_is_harmless_on_a_parked_leg() -> None:
    switch = build({"1": STAYS})
    agent(switch)
    dial(switch, "c", "1")
    run(switch, 2.0)
    switch.api("uuid_park agent", 2.0)
    assert names(run(switch, 2.1), "agent") == []
    switch.api("uuid_bridge c agent", 2.1)
    switch.api("uuid_kill c", 2.13)
    run(switch, 3.0)
    assert switch.api("uuid_park agent", 3.0) == "+OK\n"
    assert names(run(switch, 3.1), "agent") == ["CHANNEL_STATE", "CHANNEL_PARK"]


def test_agent_named_first_dies_with_the_customer() -> None:
    switch = build({"1": STAYS})
    agent(switch)
    dial(switch, "c", "1")
    run(switch, 2.0)
    switch.api("uuid_bridge agent c", 2.0)
    switch.api("uuid_kill c", 2.03)
    events = run(switch, 3.0)
    done = {e.get("Unique-ID"): e.get("Hangup-Cause") for e in events if e.name == "CHANNEL_HANGUP_COMPLETE"}
    assert done == {"c": "NORMAL_CLEARING", "agent": "ORIGINATOR_CANCEL"}


def test_a_bridge_to_a_busy_agent_steals_it_and_drops_the_first_customer() -> None:
    switch = build({"1": STAYS, "2": STAYS})
    agent(switch)
    dial(switch, "c", "1")
    dial(switch, "d", "2")
    run(switch, 2.0)
    switch.api("uuid_bridge c agent", 2.0)
    run(switch, 2.5)
    assert switch.api("uuid_bridge d agent", 2.5) == "+OK agent\n"
    events = run(switch, 3.0)
    assert "CHANNEL_HANGUP_COMPLETE" in names(events, "c")
    assert any(e.name == "CHANNEL_BRIDGE" and e.get("Unique-ID") == "d" for e in events)
    calls = json.loads(switch.api("show calls as json", 3.0))
    assert [(row["uuid"], row["b_uuid"]) for row in calls["rows"]] == [("d", "agent")]


def test_a_newer_bridge_wins_over_one_that_does_not_stand_yet() -> None:
    switch = build({"1": STAYS, "2": STAYS})
    agent(switch)
    dial(switch, "c", "1")
    dial(switch, "d", "2")
    run(switch, 2.0)
    switch.api("uuid_bridge c agent", 2.0)
    switch.api("uuid_bridge d agent", 2.03)
    events = run(switch, 3.0)
    assert [e.get("Unique-ID") for e in events if e.name == "CHANNEL_BRIDGE"] == ["d"]
    assert "CHANNEL_HANGUP_COMPLETE" in names(events, "c")


def test_a_bridge_right_on_the_answer_stands() -> None:
    timing = Timing(answer_to_reply=(0.02, 0.02), bridge_leave=(0.001, 0.001))
    switch = build({"1": STAYS}, timing=timing)
    agent(switch)
    dial(switch, "c", "1")
    while not any(e.name == "CHANNEL_ANSWER" and e.get("Unique-ID") == "c" for e in switch.take_events()):
        switch.advance(switch.next_due() or 0.0)
    switch.bgapi("uuid_bridge c agent", "b", switch.clock.now)
    events = run(switch, 2.0)
    assert job(events, "job-c") == "+OK c\n"
    assert "CHANNEL_BRIDGE" in names(events, "c")
    assert "PLAYBACK_START" not in names(events, "c")


@pytest.mark.parametrize(
    ("variables", "last"),
    [
        (",park_after_bridge=true,hangup_after_bridge=true", "CHANNEL_PARK"),
        (",transfer_after_bridge=playback:/sounds/sorry.wav:inline", "PLAYBACK_START"),
        (",hangup_after_bridge=true", "CHANNEL_STATE"),
        ("", "CHANNEL_STATE"),
    ],
)
def test_where_a_customer_goes_when_the_agents_leg_dies(variables: str, last: str) -> None:
    switch = build({"1": STAYS})
    agent(switch)
    dial(switch, "c", "1", extra=variables)
    run(switch, 2.0)
    switch.api("uuid_bridge c agent", 2.0)
    run(switch, 3.0)
    switch.api("uuid_kill agent", 3.0)
    assert names(run(switch, 3.1), "c")[-1] == last
    assert (switch.api("uuid_exists c", 3.1) == "true") is (last != "CHANNEL_STATE")


def test_a_transfer_replaces_the_wait() -> None:
    switch = build({"1": STAYS})
    dial(switch, "c", "1")
    run(switch, 1.5)
    assert switch.api("uuid_transfer c 'm:^:playback:silence_stream://9000^hangup' inline", 1.5) == "+OK\n"
    events = run(switch, 9.0)
    states = [e.get("Channel-State") for e in events if e.name == "CHANNEL_STATE"]
    assert states == ["CS_ROUTING", "CS_EXECUTE"]
    assert "CHANNEL_HANGUP_COMPLETE" in names(run(switch, 12.0), "c")


def test_a_broadcast_plays_over_a_parked_leg() -> None:
    switch = build({})
    agent(switch)
    run(switch, 1.0)
    assert switch.api("uuid_broadcast agent /sounds/beep.wav aleg", 1.0) == "+OK Message sent\n"
    seen = names(run(switch, 8.0), "agent")
    assert seen == ["CHANNEL_EXECUTE", "PLAYBACK_START", "PLAYBACK_STOP", "CHANNEL_EXECUTE_COMPLETE"]
    assert legs(switch)["agent"]["message_s"] == pytest.approx(4.0, abs=0.01)


def test_variables_are_kept_shown_and_changed() -> None:
    switch = build({"1": STAYS})
    dial(
        switch,
        "c",
        "1",
        then="&park()",
        extra=",presence_data=dialer/call/7,dialer_attempt=c,accountcode=camp",
    )
    run(switch, 2.0)
    assert switch.api("uuid_getvar c dialer_attempt", 2.0) == "c"
    assert switch.api("uuid_getvar c nothing", 2.0) == "_undef_"
    assert switch.api("uuid_setvar_multi c dialer_x=1;dialer_y=two words", 2.0) == "+OK\n"
    assert switch.api("uuid_setvar c presence_data dialer/call/8", 2.0) == "+OK\n"
    switch.api("uuid_kill c", 2.0)
    done = next(e for e in run(switch, 3.0) if e.name == "CHANNEL_HANGUP_COMPLETE")
    assert done.get("variable_dialer_y") == "two words"
    assert done.get("Channel-Presence-Data") == "dialer/call/8"


def test_show_channels_has_the_keys_of_a_real_one_and_the_first_presence_data() -> None:
    switch = build({"1": STAYS})
    dial(switch, "c", "1", extra=",presence_data=dialer/call/7,accountcode=camp")
    run(switch, 2.0)
    switch.api("uuid_setvar c presence_data other", 2.0)
    row = json.loads(switch.api("show channels as json", 2.0))["rows"][0]
    assert row["presence_data"] == "dialer/call/7"
    assert row["accountcode"] == "camp"
    assert (row["uuid"], row["state"], row["application"]) == ("c", "CS_EXECUTE", "playback")
    assert {
        "callstate",
        "read_codec",
        "initial_dest",
        "sent_callee_num",
        "created_epoch",
        "hostname",
    } <= row.keys()
    assert len(row) == 38
    assert switch.api("show channels count", 2.0) == "\n1 total.\n"
    dump = json.loads(switch.api("uuid_dump c json", 2.0))
    assert dump["Event-Name"] == "CHANNEL_DATA" and dump["variable_accountcode"] == "camp"
    assert "Unique-ID: c\n" in switch.api("uuid_dump c", 2.0)


def test_an_event_keeps_what_was_true_when_it_happened() -> None:
    switch = build({"1": STAYS})
    dial(switch, "c", "1", then="&park()")
    events = run(switch, 2.0)
    switch.api("uuid_setvar c late 1", 2.0)
    switch.api("uuid_kill c", 2.0)
    run(switch, 3.0)
    answer = next(event for event in events if event.name == "CHANNEL_ANSWER")
    assert answer.get("variable_late") is None
    assert answer.get("Answer-State") == "answered"
    assert int(answer.headers["Event-Date-Timestamp"]) % 20_000 == 0


def test_unknown_commands_and_usage() -> None:
    switch = build({})
    assert switch.api("nonsense 1 2", 0.0) == "-ERR nonsense Command not found!\n"
    assert switch.api("uuid_bridge x", 0.0).startswith("-USAGE")
    assert switch.api("originate", 0.0).startswith("-USAGE")
    assert switch.api("hostname", 0.0) == "standin"
    assert "ready" in switch.api("status", 0.0)
    assert switch.api("show channels as json", 0.0) == '{"row_count":0}'
    assert switch.api("sofia status gateway g", 0.0).endswith("Status  \tUP\n")
    assert len(switch.api("create_uuid", 0.0)) == 36


def test_an_api_originate_answers_late_by_submit() -> None:
    switch = build({"1": STAYS})
    replies: list[str] = []
    switch.submit("originate {origination_uuid=c}sofia/gateway/g/1 &park()", 0.0, replies.append)
    assert replies == []
    switch.advance(2.0)
    assert replies == ["+OK c\n"]


def test_sendmsg_and_keys() -> None:
    switch = build({"1": STAYS})
    dial(switch, "c", "1", then="&park()")
    run(switch, 2.0)
    assert switch.press("c", "12#", 2.0) and not switch.press("nobody", "1", 2.0)
    assert [e.get("DTMF-Digit") for e in switch.take_events() if e.name == "DTMF"] == ["1", "2", "#"]
    assert switch.sendmsg("nobody", {}, 2.0).startswith("-ERR invalid session id")
    message = {"call-command": "hangup", "hangup-cause": "USER_BUSY"}
    assert switch.sendmsg("c", message, 2.0) == "+OK"
    done = next(e for e in run(switch, 3.0) if e.name == "CHANNEL_HANGUP_COMPLETE")
    assert done.get("Hangup-Cause") == "USER_BUSY"


def test_a_crash_leaves_no_event_and_no_channel() -> None:
    switch = build({"1": STAYS})
    agent(switch)
    dial(switch, "c", "1")
    run(switch, 2.0)
    core = switch.node.core_uuid
    switch.restart(2.0)
    assert switch.channels == 0 and switch.take_events() == []
    assert switch.node.core_uuid != core
    assert run(switch, 60.0) == []
    assert legs(switch)["c"]["hangup_by"] == "crash"
    dial(switch, "c", "1", now=60.0)
    assert "CHANNEL_ANSWER" in names(run(switch, 62.0), "c")


def test_a_shutdown_ends_every_channel_by_name() -> None:
    switch = build({"1": STAYS, "2": CallPlan(sip_status=0)})
    agent(switch)
    dial(switch, "c", "1")
    dial(switch, "d", "2")
    run(switch, 2.0)
    switch.shutdown(2.0)
    events = switch.take_events()
    assert events[0].name == "SHUTDOWN"
    done = {e.get("Unique-ID"): e.get("Hangup-Cause") for e in events if e.name == "CHANNEL_HANGUP_COMPLETE"}
    assert done == dict.fromkeys(("agent", "c", "d"), "SYSTEM_SHUTDOWN")
    dial(switch, "e", "1", now=2.0)
    assert job(run(switch, 3.0), "job-e") == "-ERR DESTINATION_OUT_OF_ORDER\n"


def test_heartbeats_come_every_20_s_and_only_wanted_events_are_built() -> None:
    world = World(WorldSpec(scripted={"1": STAYS}), random.Random(1))
    switch = Switch(world, random.Random(1), emit={"HEARTBEAT", "CHANNEL_ANSWER"})
    dial(switch, "c", "1")
    events = run(switch, 61.0)
    assert [event.name for event in events] == ["CHANNEL_ANSWER", "HEARTBEAT", "HEARTBEAT", "HEARTBEAT"]
    assert events[1].get("Session-Count") == "0" and events[1].get("Session-Since-Startup") == "1"
    with pytest.raises(SwitchError, match="heartbeat_s"):
        Switch(world, random.Random(1), heartbeat_s=0)


def test_a_callee_without_patience_hangs_up_in_silence() -> None:
    switch = build({"1": CallPlan(ring_s=0.02, final_s=1.0, patience_s=0.5)})
    dial(switch, "c", "1")
    run(switch, 5.0)
    record = legs(switch)["c"]
    assert record["hangup_by"] == "callee"
    assert record["silence_s"] == pytest.approx(0.5, abs=0.03)


def test_without_ignoring_early_media_the_originate_succeeds_before_the_answer() -> None:
    switch = build({"1": CallPlan(ring_s=None, early_media_s=0.2, final_s=2.0)})
    switch.bgapi("originate {origination_uuid=c}sofia/gateway/g/1 &park()", "j", 0.0)
    events = run(switch, 1.0)
    assert job(events, "j") == "+OK c\n"
    assert names(events, "c")[-1] == "CHANNEL_PARK"
    assert "CHANNEL_ANSWER" in names(run(switch, 3.0), "c")
    switch = build({"1": CallPlan(ring_s=None, early_media_s=0.2, final_s=2.0)})
    dial(switch, "c", "1", then="&park()")
    events = run(switch, 1.0)
    assert job(events, "job-c") is None
    assert names(events, "c")[-1] == "CODEC"


def ring(early_s: float | None, answer_s: float) -> list[SwitchEvent]:
    """A leg as the dialer originates it where it listens to what is played while it rings."""
    switch = build({"1": CallPlan(ring_s=None if early_s else 0.1, early_media_s=early_s, final_s=answer_s)})
    more, rings = early_media(RINGING, 30)
    variables = {"origination_uuid": RINGING, "ignore_early_media": False, **more}
    waits = [*rings, *bounded_wait(1900, "/s/safe.wav")]
    switch.bgapi(Originate("sofia/gateway/g/1", variables, waits).line(), "j", 0.0)
    return run(switch, 10.0)


@pytest.mark.parametrize("early_s", [None, 0.2])
@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.05, 3.0])
def test_a_ring_that_is_listened_to_ends_with_the_answer_and_the_wait_follows(
    early_s: float | None, after_s: float
) -> None:
    mine = [event for event in ring(early_s, 0.2 + after_s) if event.get("Unique-ID") == RINGING]
    (answered,) = [event for event in mine if event.name == "CHANNEL_ANSWER"]
    plays = [event for event in mine if event.name == "PLAYBACK_START"]
    begun, *times = (int(each.get("Event-Date-Timestamp") or 0) / 1e6 for each in (answered, *plays))
    assert [event.get("Playback-File-Path") for event in plays] == ["silence_stream://1900", "/s/safe.wav"]
    assert 0.0 <= times[0] - begun <= 0.15 and times[1] - times[0] == pytest.approx(1.9, abs=0.01)
    apps = [event.get("Application") for event in mine if event.name == "CHANNEL_EXECUTE"]
    assert ("multiset" in apps) is (early_s is not None and after_s > 0.0)


def test_the_same_seeds_give_the_same_story() -> None:
    def story(seed: int) -> list[tuple[str, str | None, str | None]]:
        world = World(WorldSpec(), random.Random(seed))
        switch = Switch(world, random.Random(seed), limits=Limits(0, 0))
        for number in range(40):
            dial(switch, f"c{number}", str(number), now=number * 0.3)
        events = run(switch, 300.0)
        return [(e.name, e.get("Unique-ID"), e.get("Event-Date-Timestamp")) for e in events]

    assert story(1) == story(1)
    assert story(1) != story(2)
