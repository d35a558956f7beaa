"""The decoder against bytes: every message type, every fault and its price."""

from __future__ import annotations

from pathlib import Path

import pytest

from esl.errors import ProtocolError
from esl.headers import Event, HeaderSet
from esl.protocol import (
    ApiResponse,
    AuthRequest,
    CommandReply,
    Decoder,
    DisconnectNotice,
    Limits,
    LogData,
    Malformed,
    Message,
    RudeRejection,
)
from esl.testing import captured_streams, captures_folder, plain_event

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "esl"
STREAMS = captured_streams(FIXTURES, captures_folder(REPOSITORY))
GOOD = plain_event("HEARTBEAT", {"Up-Time": "1"})


def frame(content_type: str, body: bytes) -> bytes:
    return b"Content-Length: %d\nContent-Type: %b\n\n" % (len(body), content_type.encode()) + body


def only(data: bytes, limits: Limits | None = None) -> Message:
    (message,) = Decoder(limits).feed(data)
    return message


def test_each_type_of_message() -> None:
    stream = (
        b"Content-Type: auth/request\n\n"
        b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
        b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n"
        b"Content-Type: api/response\nContent-Length: 5\n\ntrue\n"
        b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 4\n\nabc"
        b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n"
        b"Content-Type: text/disconnect-notice\nContent-Length: 4\n\nbye\n"
        b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    )
    auth, good, bad, api, log, linger, bye, rude = Decoder().feed(stream)
    assert isinstance(auth, AuthRequest)
    assert isinstance(good, CommandReply) and good.ok and good.text == "+OK accepted"
    assert isinstance(bad, CommandReply) and not bad.ok
    assert isinstance(api, ApiResponse) and api.text == "true\n" and api.ok
    assert isinstance(log, LogData) and log.text == "abc" and log.headers["Log-Level"] == "4"
    assert isinstance(linger, DisconnectNotice) and linger.linger
    assert isinstance(bye, DisconnectNotice) and not bye.linger and bye.text == "bye\n"
    assert isinstance(rude, RudeRejection) and rude.text.startswith("Access Denied")


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name.removesuffix(".raw.txt"))
def test_captured_streams_decode_whole(path: Path) -> None:
    stream = path.read_bytes()
    decoder = Decoder()
    messages = decoder.feed(stream)
    assert decoder.buffered_bytes == 0
    assert not [message for message in messages if isinstance(message, Malformed)]
    assert sum(isinstance(message, Event) for message in messages) == stream.count(b"Content-Type: text/event-")


def test_an_event_read_by_name() -> None:
    event = only(plain_event("CHANNEL_ANSWER", {"Unique-ID": "u1", "variable_note": "a b\nc: d", "Empty": ""}))
    assert isinstance(event, Event)
    assert (event.name, event.uuid, event.body) == ("CHANNEL_ANSWER", "u1", None)
    assert event["variable_note"] == "a b\nc: d" and event["Empty"] == ""
    assert event.get("Absent") is None and event.get("Absent", "x") == "x" and "Absent" not in event
    assert dict(event.headers) == {
        "Event-Name": "CHANNEL_ANSWER",
        "Unique-ID": "u1",
        "variable_note": "a b\nc: d",
        "Empty": "",
    }
    with pytest.raises(KeyError):
        event["Absent"]


def test_a_value_can_not_forge_a_header() -> None:
    hostile = "x\nUnique-ID: forged\nHangup-Cause: forged\n\nEvent-Name: FORGED"
    event = only(plain_event("CHANNEL_HANGUP", {"variable_sip_h_X": hostile, "Unique-ID": "real"}))
    assert isinstance(event, Event)
    assert event.uuid == "real" and event.name == "CHANNEL_HANGUP" and event.get("Hangup-Cause") is None
    assert event["variable_sip_h_X"] == hostile


def test_a_body_can_not_forge_a_header() -> None:
    body = "+OK\nUnique-ID: forged\nContent-Length: 3\n\nEvent-Name: FORGED\n\n"
    event = only(plain_event("BACKGROUND_JOB", {"Job-UUID": "j"}, body))
    assert isinstance(event, Event)
    assert event.uuid is None and event.name == "BACKGROUND_JOB" and event.body == body
    assert event["Content-Length"] == str(len(body))


def test_first_of_a_repeated_header_counts_and_last_event_name() -> None:
    twice = (
        b"Event-Name: COMMAND\nHangup-Cause: A\nEvent-Name: PRIVATE_COMMAND\nHangup-Cause: B\n\n"
    )
    plain = only(frame("text/event-plain", twice))
    json = only(
        frame(
            "text/event-json",
            b'{"Event-Name":"COMMAND","Hangup-Cause":"A","Event-Name":"PRIVATE_COMMAND","Hangup-Cause":"B"}',
        )
    )
    for event in (plain, json):
        assert isinstance(event, Event)
        assert event.name == "PRIVATE_COMMAND" and event["Hangup-Cause"] == "A"
        assert event.headers == {"Event-Name": "PRIVATE_COMMAND", "Hangup-Cause": "A"}


def test_json_reads_as_plain_does() -> None:
    json = only(
        frame(
            "text/event-json",
            b'{"Event-Name":"X","Unique-ID":"u","variable_history":["a","b"],"variable_one":["a"],"Empty":"",'
            b'"Content-Length":"3","_body":"+OK"}',
        )
    )
    plain = only(
        plain_event(
            "X",
            {"Unique-ID": "u", "variable_history": "ARRAY::a|:b", "variable_one": "a", "Empty": ""},
            "+OK",
        )
    )
    assert isinstance(json, Event) and isinstance(plain, Event)
    assert dict(json.headers) == dict(plain.headers)
    assert json.body == plain.body == "+OK"
    assert json.get_list("variable_history") == plain.get_list("variable_history") == ("a", "b")
    assert json.get_list("variable_one") == ("a",) and json.get_list("Absent") == ()
    kept = HeaderSet(["variable_history", "Empty", "Absent"])
    for compact in (json.pick(kept), plain.pick(kept)):
        assert (compact.name, compact.uuid) == ("X", "u")
        assert compact["variable_history"] == "ARRAY::a|:b"
        assert compact.get("Empty") == "" and compact.get("Absent") is None


def test_bytes_that_are_not_utf8_are_read_as_replacement_characters() -> None:
    event = only(frame("text/event-plain", b"Event-Name: X\nraw: a\xffb\nescaped: a%FFb\nbroken: 100%\n\n"))
    assert isinstance(event, Event)
    assert event["raw"] == event["escaped"] == "a\ufffdb" and event["broken"] == "100%"
    assert isinstance(only(frame("text/event-json", b'{"Event-Name":"X","a":"\xff","b":"\\ud800"}')), Event)


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("text/event-plain", b"", "cut short"),
        ("text/event-plain", b"\n\n", "without Event-Name"),
        ("text/event-plain", b"Event-Name: X\n", "cut short"),
        ("text/event-plain", b"Unique-ID: u\n\n", "without Event-Name"),
        ("text/event-plain", b"Event-Name: X\nContent-Length: 9\n\nabc", "does not match"),
        ("text/event-plain", b"Event-Name: X\nContent-Length: -3\n\nabc", "does not match"),
        ("text/event-plain", b"Event-Name: X\nContent-Length: 3", "cut short"),
        ("text/event-json", b"", "not JSON"),
        ("text/event-json", b'{"Event-Name":"X"', "not JSON"),
        ("text/event-json", b"[" * 100_000, "not JSON"),
        ("text/event-json", b"[]", "not a JSON object"),
        ("text/event-json", b"{}", "without Event-Name"),
        ("text/event-json", b'{"Event-Name":["X"]}', "without Event-Name"),
        ("text/event-xml", b"<event/>", "not known"),
        ("something/else", b"abc", "not known"),
    ],
)
def test_bad_content_costs_one_frame(content_type: str, body: bytes, reason: str) -> None:
    bad, good = Decoder().feed(frame(content_type, body) + GOOD)
    assert isinstance(bad, Malformed) and reason in bad.reason and bad.content_type == content_type
    assert bad.size == len(body)
    assert isinstance(good, Event) and good.name == "HEARTBEAT"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello\n\n", "without a colon"),
        (b"Event-Name: X\nUnique-ID: u\n\n", "without Content-Type"),
        (b"Content-Type: command/reply\nno colon\n\n", "without a colon"),
        (b"Content-Length: x\nContent-Type: text/event-plain\n\n", "not one number"),
        (b"Content-Length: -1\nContent-Type: text/event-plain\n\n", "not one number"),
        (b"Content-Length: 1e3\nContent-Type: text/event-plain\n\n", "not one number"),
        (b"Content-Length: 99999999999\nContent-Type: text/event-plain\n\n", "not one number"),
        (b"Content-Length: 3\nContent-Length: 4\nContent-Type: api/response\n\nabc", "not one number"),
        ("Content-Length: ٣\nContent-Type: api/response\n\nabc".encode(), "not one number"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * (2 << 20), "over 1048576 bytes"),
    ],
)
def test_lost_framing_costs_the_connection_and_keeps_what_was_sound(data: bytes, reason: str) -> None:
    decoder = Decoder()
    with pytest.raises(ProtocolError, match=reason) as fault:
        decoder.feed(GOOD + data + GOOD)
    assert [type(message).__name__ for message in fault.value.messages] == ["PlainEvent"]
    with pytest.raises(ProtocolError, match=reason):
        decoder.feed(GOOD)


LIMITS = Limits(block_bytes=200, header_lines=5, line_bytes=60, body_bytes=300, skip_bytes=1000)


def test_limits_inside_an_event_cost_one_frame() -> None:
    many = plain_event("X", {f"h{i}": "v" for i in range(5)})
    long = plain_event("X", {"h": "v" * 60})
    big = frame("text/event-plain", b"Event-Name: X\n" + b"x" * 400)
    stream = plain_event("X", {f"h{i}": "v" for i in range(4)}) + many + long + big + GOOD
    for size in (len(stream), 7):
        decoder = Decoder(LIMITS)
        got = [m for at in range(0, len(stream), size) for m in decoder.feed(stream[at : at + size])]
        assert isinstance(got[0], Event) and isinstance(got[-1], Event) and len(got) == 5
        reasons = [message.reason for message in got if isinstance(message, Malformed)]
        assert reasons == ["more than 5 header lines", "header line over 60 bytes", "body over 300 bytes"]
        assert decoder.buffered_bytes == 0


def test_a_skipped_body_is_not_held() -> None:
    decoder = Decoder(Limits(body_bytes=1000, skip_bytes=1 << 30))
    assert decoder.feed(b"Content-Type: api/response\nContent-Length: 10000000\n\n") == []
    for _ in range(10):
        assert decoder.buffered_bytes == 0
        got = decoder.feed(b"x" * 1_000_000)
    (report,) = got
    assert isinstance(report, Malformed) and report.is_reply and report.size == 10_000_000
    assert isinstance(only(GOOD), Event)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Content-Type: x/y\n" + b"a: b\n" * 5 + b"\n", "more than 5 header lines"),
        (b"Content-Type: " + b"x" * 80 + b"\n\n", "header line over 60 bytes"),
        (b"a: b\n" * 60, "header block over 200 bytes"),
        (b"Content-Length: 5000\nContent-Type: text/event-plain\n\n", "not one number up to 1000"),
    ],
)
def test_limits_of_the_frame_itself_cost_the_connection(data: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        Decoder(LIMITS).feed(data)
    decoder = Decoder(LIMITS)
    with pytest.raises(ProtocolError, match=reason):
        for at in range(len(data)):
            decoder.feed(data[at : at + 1])


def test_blank_lines_between_frames_are_passed_over() -> None:
    got = Decoder().feed(b"\n\n" + GOOD + b"\n" + GOOD + b"\n\n\n")
    assert [type(message).__name__ for message in got] == ["PlainEvent", "PlainEvent"]
