"""Bytes and subscriptions of the stand-in's event socket, against what captured streams show."""

from __future__ import annotations

import json
import random
from pathlib import Path
from urllib.parse import unquote

import pytest

from freeswitch.standin import specfile, wire
from freeswitch.standin.events import Node, SwitchEvent
from freeswitch.standin.kernel import Limits, Timing
from freeswitch.standin.session import Subscription
from freeswitch.standin.switch import Switch
from freeswitch.standin.world import CallPlan, World, WorldSpec

NODE = Node("core", "vm", "192.0.2.2", "fd00::2")


def event(name: str = "CHANNEL_ANSWER", body: str | None = None, **headers: str) -> SwitchEvent:
    extra = {key.replace("_", "-"): value for key, value in headers.items()}
    return SwitchEvent(name, NODE, 7, 1_795_308_751_299_137, extra=extra, body=body)


def payload(data: bytes) -> bytes:
    head, _, rest = data.partition(b"\n\n")
    lengths = [line for line in head.split(b"\n") if line.startswith(b"Content-Length: ")]
    assert int(lengths[0].split(b": ")[1]) == len(rest)
    return rest


def test_a_plain_event_is_encoded_as_captured() -> None:
    value = "<sip:138@127.0.0.1:5080;transport=udp>\r\nX: {a|b}^[c]\\ %25 #\"?&+'()*,-./_~!$ ä"
    text = payload(wire.plain_event(event(Value=value, Empty=""))).decode()
    assert text.endswith("\n\n")
    lines = dict(line.split(": ", 1) for line in text.rstrip("\n").split("\n"))
    assert lines["Value"] == (
        "%3Csip%3A138%40127.0.0.1%3A5080%3Btransport%3Dudp%3E%0D%0AX%3A%20%7Ba%7Cb%7D%5E%5Bc%5D%5C%20%2525%20%23%22%3F"
        "%26%2B'()*,-./_~!$%20%C3%A4"
    )
    assert unquote(lines["Value"]) == value
    assert lines["Empty"] == "_undef_"
    assert lines["Event-Date-Local"] == "2026-11-22%2000%3A52%3A31"
    assert lines["Event-Date-GMT"] == "Sun,%2022%20Nov%202026%2000%3A52%3A31%20GMT"
    assert lines["FreeSWITCH-IPv6"] == "fd00%3A%3A2"


def test_a_body_has_its_own_length() -> None:
    text = payload(wire.plain_event(event("BACKGROUND_JOB", body="-ERR USER_BUSY\n"))).decode()
    assert text.endswith("\nContent-Length: 15\n\n-ERR USER_BUSY\n")


def test_a_json_event_has_string_values_and_its_body_inside() -> None:
    data = json.loads(payload(wire.json_event(event("BACKGROUND_JOB", body="+OK x\n", Job_UUID="j ä"))))
    assert data["_body"] == "+OK x\n" and data["Job-UUID"] == "j ä" and data["Event-Sequence"] == "7"
    assert all(isinstance(value, str) for value in data.values())


def test_hangup_complete_shows_its_cause_twice() -> None:
    world = World(
        WorldSpec(scripted={"1": CallPlan(sip_status=486, ring_s=None, final_s=0.1)}), random.Random(1)
    )
    switch = Switch(world, random.Random(1))
    switch.bgapi("originate sofia/gateway/g/1 &park()", "j", 0.0)
    switch.advance(1.0)
    done = next(item for item in switch.take_events() if item.name == "CHANNEL_HANGUP_COMPLETE")
    assert wire.plain_event(done).count(b"\nHangup-Cause: USER_BUSY\n") == 2
    assert wire.json_event(done).count(b'"Hangup-Cause":"USER_BUSY"') == 2


def test_commands_are_cut_out_of_any_pieces() -> None:
    data = b"auth x\n\nbgapi status\nJob-UUID: j1\n\n"
    data += b"sendmsg u\r\ncall-command: execute\r\nContent-Length: 4\r\n\r\na\n\nbexit\n\n"
    reader = wire.RequestReader()
    whole = reader.feed(data)
    assert [request.line for request in whole] == ["auth x", "bgapi status", "sendmsg u", "exit"]
    assert whole[1].headers == {"Job-UUID": "j1"}
    assert whole[2].body == "a\n\nb"
    reader = wire.RequestReader()
    pieces = [request for byte in data for request in reader.feed(bytes([byte]))]
    assert pieces == whole


def test_an_endless_command_is_refused() -> None:
    reader = wire.RequestReader()
    with pytest.raises(wire.WireError):
        for _ in range(20):
            reader.feed(b"x" * 100_000)


def test_replies() -> None:
    assert wire.command_reply("+OK Job-UUID: j", Job_UUID="j") == (
        b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: j\nJob-UUID: j\n\n"
    )
    assert wire.api_response("true") == b"Content-Type: api/response\nContent-Length: 4\n\ntrue"


def test_event_commands_add_up_and_nixevent_takes_away() -> None:
    subscription = Subscription()
    assert not subscription.wants(event())
    assert subscription.event(["plain", "CHANNEL_ANSWER"]) == "+OK event listener enabled plain"
    assert subscription.event(["json", "heartbeat", "CUSTOM", "sofia::register", "DTMF"]) == (
        "+OK event listener enabled json"
    )
    assert subscription.format == "json"
    assert subscription.needed() == {"CHANNEL_ANSWER", "HEARTBEAT"}
    assert subscription.custom == {"sofia::register", "DTMF"}
    subscription.nixevent(["HEARTBEAT"])
    assert subscription.needed() == {"CHANNEL_ANSWER"}
    subscription.event(["plain", "ALL"])
    subscription.nixevent(["CHANNEL_STATE"])
    assert subscription.wants(event("CHANNEL_HANGUP")) and not subscription.wants(event("CHANNEL_STATE"))
    assert subscription.noevents().startswith("+OK")
    assert subscription.needed() == set()
    assert subscription.event([]).startswith("-ERR") and subscription.event(["plain"]).startswith("-ERR")


def test_filters_follow_the_measured_rules() -> None:
    subscription = Subscription(everything=True)
    one, two = event(A="x", B="1"), event(A="Y", B="2")
    job = event("BACKGROUND_JOB")
    assert subscription.filter("A X") == "+OK filter added. [A]=[X]"
    assert subscription.wants(one) and not subscription.wants(two)
    assert not subscription.wants(job), "an event without the header is dropped"
    subscription.filter("B 2")
    assert subscription.wants(one) and subscription.wants(two), "different headers are OR-ed"
    subscription.filter("B -1")
    assert not subscription.wants(one), "a matching exclude vetoes"
    subscription.filter("delete B")
    assert subscription.filters == [("A", "X")]
    subscription.filter("delete all")
    assert subscription.wants(job)
    subscription.filter("A -x")
    assert not subscription.wants(two), "exclude-only filters pass nothing"
    subscription.filter("A /^[xy]$/")
    subscription.filter("A /(/")
    assert not subscription.wants(two) and not subscription.wants(one)
    subscription.filter("B /^2/")
    assert subscription.wants(two)
    assert subscription.filter("lonely").startswith("-ERR")


def test_a_world_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    setup = specfile.Setup(
        WorldSpec(
            talk_times_s=(1.0, 2.0),
            answer_groups=((0.5, 1.0), (0.5, 0.2)),
            scripted={"1": CallPlan(486, 1.0)},
        ),
        Limits(10, 20),
        Timing(limbo_probability=0.1),
    )
    path = tmp_path / "world.json"
    path.write_text(setup.to_json(), encoding="utf-8")
    assert specfile.load(path) == setup


def test_talk_times_come_out_of_a_csv_column(tmp_path: Path) -> None:
    (tmp_path / "bank.csv").write_text("age;duration\n58;261\n44;151\n", encoding="utf-8")
    source = {"path": "bank.csv", "column": "duration", "delimiter": ";"}
    data = {"world": {"talk_times_csv": source, "talk_scale": 0.1}}
    assert specfile.parse(data, "w", tmp_path).world.talk_times_s == (261.0, 151.0)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "w: "),
        ({"wrld": {}}, "wrld"),
        ({"world": {"answer_probability": "x"}}, "world.answer_probability"),
        ({"world": {"answer_probability": 2}}, "answer_probability"),
        ({"world": {"scripted": {"1": {"sip": 1}}}}, "world.scripted.1"),
        ({"world": {"talk_times_csv": {"path": "none.csv"}}}, "none.csv"),
        ({"limits": {"max_sessions": 1.5}}, "limits.max_sessions"),
    ],
)
def test_a_wrong_world_file_says_where(data: object, place: str, tmp_path: Path) -> None:
    with pytest.raises(specfile.SpecError, match=place):
        specfile.parse(data, "w", tmp_path)
