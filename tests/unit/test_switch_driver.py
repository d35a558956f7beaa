"""Commands out, answers in: originate lines, the driver's pairing, the reading of channel lists."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.hearing import TapLeg, UntapLeg
from dialer.switch.driver import Driver
from dialer.switch.originate import to_esl
from dialer.switch.resync import SnapshotError, parse
from esl.errors import CommandError
from esl.jobs import JobReply
from freeswitch.standin.dialstring import parse_originate

U, A = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
CALL = cmd.OriginateCall("fs1", U, "c1", "4930123", "gw1", "4930999", 29.2, 1900, "/s/safe.wav", "e1")
AGENT = cmd.OriginateAgent("fs1", A, "a1", "user/1001", "internal", 20.0, False, 5.0, "dialer", "e1")
BRIDGE = cmd.Bridge("fs1", U, A, 10.0)


NOT_SENT = ev.OriginateReplied(U, False, "NOT_SENT")


def line(command: cmd.SwitchCommand) -> str:
    return to_esl(command).line()


def test_a_customers_leg_waits_hears_the_message_and_is_hung_up_by_the_switch() -> None:
    text = line(CALL)
    assert text.startswith("originate {") and "sofia/gateway/gw1/4930123 " in text
    assert text.endswith("'m:^:playback:silence_stream://1900^playback:/s/safe.wav^hangup:NORMAL_CLEARING' inline")
    for part in (f"origination_uuid={U}", f"presence_data=dialer/call/{U}", "ignore_early_media=true",
                 f"dialer_attempt={U}", "dialer_campaign=c1", "dialer_epoch=e1", "originate_timeout=30"):  # fmt: skip
        assert part in text
    assert "transfer_after_bridge=dialer_rescue:XML:dialer" in text and "dialer_message=/s/safe.wav" in text


def test_what_a_carrier_plays_while_it_rings_can_be_recorded_and_the_ring_ends_by_the_switch_itself() -> None:
    """The ring is a sleep that a 183 begins and the answer ends; without a 183 nothing sleeps, and nothing is ended."""
    read = parse_originate(line(replace(CALL, early_media=True)).removeprefix("originate "))
    variables = read.variables
    assert variables["ignore_early_media"] == "false" and variables["api_on_answer"] == f"sched_del {U}"
    assert variables["execute_on_media"] == "sched_hangup +30 NO_ANSWER"
    assert variables["dialer_ring_ms"] == variables["dialer_settle_ms"] == "0"
    assert variables["execute_on_pre_answer"] == (
        f"multiset ^^;dialer_settle_ms=40;api_on_answer_ring=uuid_break {U};dialer_ring_ms=40000"
    )
    assert variables["execute_on_answer"] == "set dialer_ring_ms=0"
    assert read.steps == (
        ("sleep", "${dialer_ring_ms}"), ("wait_for_answer", ""), ("sleep", "${dialer_settle_ms}"),
        ("playback", "silence_stream://1800"), ("playback", "/s/safe.wav"), ("hangup", "NORMAL_CLEARING"),
    )  # fmt: skip


def test_a_callee_is_tapped_with_a_recording_that_grows() -> None:
    assert to_esl(TapLeg("fs1", U, "/dev/shm/x/a.1.raw")).line() == (
        f"uuid_record {U} start /dev/shm/x/a.1.raw 0 "
        "{RECORD_READ_ONLY=true,RECORD_STEREO=false,enable_file_write_buffering=false,dialer_tap=true}"
    )
    assert to_esl(UntapLeg("fs1", U, "/dev/shm/x/a.1.raw")).line() == f"uuid_record {U} stop /dev/shm/x/a.1.raw"
    for path in ("/dev/shm/a b.raw", "/dev/shm/a.wav", "", "/x/{a}.raw'"):
        with pytest.raises(CommandError):
            to_esl(TapLeg("fs1", U, path)).line()


def test_an_agents_leg_is_parked_and_parked_again() -> None:
    text = line(AGENT)
    assert text.endswith("user/1001 &park()") and "park_after_bridge=true" in text
    assert f"presence_data=dialer/agent/a1" in text and "media_timeout=5000" in text  # noqa: F541
    on_call = line(replace(AGENT, auto_answer=True, address="sip:1001@10.0.0.9:5070"))
    assert "sofia/internal/sip:1001@10.0.0.9:5070" in on_call and "sip_auto_answer=true" in on_call
    assert "alert-autoanswer" in on_call and "sip_h_Answer-Mode=Auto" in on_call and "alert" not in text


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (BRIDGE, f"uuid_bridge {U} {A}"),
        (cmd.HangUp("fs1", U, "NORMAL_CLEARING"), f"uuid_kill {U} NORMAL_CLEARING"),
        (cmd.ParkLeg("fs1", A), f"uuid_transfer {A} 'm:^:park' inline"),
        (cmd.WaitAgain("fs1", U, 0, "/s/m"), f"uuid_transfer {U} 'm:^:playback:/s/m^hangup:NORMAL_CLEARING' inline"),
        (cmd.TakeSnapshot("fs1"), "show channels as json"),
    ],
)  # fmt: skip
def test_other_commands(command: cmd.SwitchCommand, expected: str) -> None:
    assert line(command) == expected


HOSTILE: list[dict[str, Any]] = [
    {"number": "123 &bridge(x)"},
    {"number": "12\nbgapi shutdown"},
    {"number": ""},
    {"gateway": "gw/../x"},
    {"uuid": "all"},
    {"campaign": "a{b}"},
    {"campaign": "a\nb"},
    {"caller_id": "${system(rm)}"},
    {"message": "/s/a^hangup"},
    {"message": "/s/a\n"},
    {"epoch": "x:_:y"},
]


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_hostile_values_are_refused_not_sent(change: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        line(replace(CALL, **change))


class Wire:
    """A sender that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, float]] = []

    def bgapi(self, command: Any, on_reply: Any, deadline_s: float = 30.0) -> str:
        self.sent.append((command.line(), on_reply, deadline_s))
        return "job"


def driver() -> tuple[Driver, Wire, list[ev.SwitchEvent], list[float]]:
    wire, fed, sent = Wire(), [], []  # type: ignore[var-annotated]
    return Driver("fs1", wire, fed.append, lambda: 10.005, sent.append), wire, fed, sent


@pytest.mark.parametrize(
    ("command", "kind", "ok", "text", "expected"),
    [
        (CALL, "reply", True, f"+OK {U}\n", [ev.OriginateReplied(U, True)]),
        (CALL, "reply", False, "-ERR USER_BUSY\n", [ev.OriginateReplied(U, False, "USER_BUSY")]),
        (CALL, "disconnected", False, "-ERR", []),
        (CALL, "timeout", False, "-ERR", [ev.CommandRefused(U, "originate", "no answer from the switch")]),
        (CALL, "not_sent", False, "gone", [ev.CommandRefused(U, "originate", "gone"), NOT_SENT]),
        (BRIDGE, "reply", False, "-ERR Invalid uuid", [ev.BridgeReplied(U, A, False, "-ERR Invalid uuid")]),
        (BRIDGE, "not_sent", False, "gone", [ev.BridgeReplied(U, A, False, "gone")]),
        (BRIDGE, "disconnected", False, "", []),
        (cmd.ParkLeg("fs1", A), "reply", False, "-ERR", [ev.CommandRefused(A, "ParkLeg", "-ERR")]),
        (cmd.TakeSnapshot("fs1"), "reply", True, '{"row_count":0}', [ev.SwitchSnapshot("fs1", 10.005, (), 0)]),
        (cmd.TakeSnapshot("fs1"), "disconnected", False, "lost", [ev.SnapshotFailed("fs1", "lost")]),
    ],
)  # fmt: skip
def test_answers(command: cmd.SwitchCommand, kind: Any, ok: bool, text: str, expected: list[ev.SwitchEvent]) -> None:
    drive, wire, fed, _ = driver()
    drive.execute(command)
    wire.sent[0][1](JobReply("job", ok, text, kind))
    assert fed == expected


def test_the_time_from_answer_to_bridge_is_told_and_an_originate_waits_longer_than_it_rings() -> None:
    drive, wire, _, sent = driver()
    drive.execute(BRIDGE)
    drive.execute(CALL)
    assert sent == [pytest.approx(-0.0, abs=0.006)] and wire.sent[1][2] > CALL.ring_timeout_s


@pytest.mark.parametrize(
    ("change", "cause"), [({"number": "12 34"}, "INVALID_NUMBER_FORMAT"), ({"gateway": "a b"}, "INVALID_URL")]
)
def test_a_call_that_cannot_be_written_down_comes_back_with_a_cause(change: dict[str, Any], cause: str) -> None:
    drive, wire, fed, _ = driver()
    drive._sender = Strict(wire)
    drive.execute(replace(CALL, **change))
    assert not wire.sent and fed[-1] == ev.OriginateReplied(U, False, cause)


class Strict:
    """Renders before it keeps, as the client does."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def bgapi(self, command: Any, on_reply: Any, deadline_s: float = 30.0) -> str:
        command.line()
        return self._wire.bgapi(command, on_reply, deadline_s)


# ---- channel lists -------------------------------------------------------------------------------------------

CAPTURED = Path(__file__).parents[1] / "fixtures" / "show_channels.json"


def test_a_captured_conversation_is_read_with_both_its_legs() -> None:
    facts, foreign = parse(CAPTURED.read_text())
    assert foreign == 0 and [(f.kind, f.ident, f.answered, f.parked) for f in facts] == [
        ("agent", "a1", True, False),
        ("call", "c1", True, False),
    ]
    assert facts[0].peer == facts[1].uuid and facts[1].peer == facts[0].uuid


def row(**more: str) -> dict[str, str]:
    return {"uuid": U, "presence_data": "dialer/agent/a1", "state": "CS_EXECUTE", "callstate": "ACTIVE",
            "application": "park", "application_data": "", "created_epoch": "1000"} | more  # fmt: skip


@pytest.mark.parametrize(
    ("more", "answered", "bridged", "parked"),
    [
        ({}, True, False, True),
        ({"state": "CS_PARK", "application": "uuid_bridge", "application_data": A}, True, False, True),
        ({"state": "CS_SOFT_EXECUTE"}, True, False, False),  # limbo
        ({"state": "CS_SOFT_EXECUTE", "application": "uuid_bridge", "application_data": A}, True, True, False),
        ({"state": "CS_CONSUME_MEDIA", "callstate": "RINGING", "application": ""}, False, False, False),
        ({"application": "playback"}, True, False, False),
        ({"created_epoch": "9" * 400}, True, False, True),
    ],
)
def test_a_leg_is_judged_by_its_state(more: dict[str, str], answered: bool, bridged: bool, parked: bool) -> None:
    ((fact,), _) = parse(json.dumps({"row_count": 1, "rows": [row(**more)]}))
    assert (fact.answered, fact.peer is not None, fact.parked) == (answered, bridged, parked)


@pytest.mark.parametrize(
    ("agent", "state", "joined"),
    [
        ("HELD", "CS_EXCHANGE_MEDIA", True),
        ("ACTIVE", "CS_EXCHANGE_MEDIA", False),  # stale: it says so only for a while after a bridge
        ("HELD", "CS_PARK", False),
    ],
)
def test_a_conversation_in_which_a_phone_holds_is_still_one(agent: str, state: str, joined: bool) -> None:
    """Neither leg's application tells the other then (measured)."""
    rows = [
        row(uuid=A, state=state, callstate=agent, application="", call_uuid=U),
        row(presence_data="dialer/call/c1", state="CS_SOFT_EXECUTE", application="playback", call_uuid=U),
    ]
    facts, _ = parse(json.dumps({"row_count": 2, "rows": rows}))
    assert [fact.peer for fact in facts] == ([U, A] if joined else [None, None])


@pytest.mark.parametrize("kind", ["call", "agent", "seat", "party"])
def test_every_kind_of_leg_of_ours_is_told(kind: str) -> None:
    ((fact,), _) = parse(json.dumps({"row_count": 1, "rows": [row(presence_data=f"dialer/{kind}/x")]}))
    assert (fact.kind, fact.ident) == (kind, "x")


def test_strangers_and_dying_channels_are_left_out() -> None:
    rows = [row(presence_data=""), row(presence_data="dialer/x/y"), row(state="CS_HANGUP"), row(uuid=""), row()]
    facts, foreign = parse(json.dumps({"row_count": 5, "rows": rows}))
    assert len(facts) == 1 and foreign == 4


@pytest.mark.parametrize(
    "text",
    ["", "-ERR no", "[]", "{}", '{"row_count": 2, "rows": [{}]}', '{"row_count": 1}', '{"row_count":1,"rows":[1]}'],
)
def test_a_list_that_is_broken_or_not_whole_is_an_error_never_an_empty_switch(text: str) -> None:
    with pytest.raises(SnapshotError):
        parse(text)
