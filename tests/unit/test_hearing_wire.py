"""Messages between client and worker: there and back, and nonsense refused."""

from __future__ import annotations

import json
import typing

import pytest

from dialer.domain.hearing import (
    Announcement,
    AnnouncementHeard,
    BeepHeard,
    CalleeRecorded,
    Heard,
    HearingEvent,
    ListenKind,
    QuietHeard,
    Verdict,
    WordsHeard,
)
from dialer.hearing import wire
from dialer.hearing.cadence import CadenceSettings
from dialer.hearing.errors import MessageError
from dialer.hearing.listener import HearingSettings

MESSAGES: list[wire.Message] = [
    wire.Hello(HearingSettings(cadence=CadenceSettings(human_pause_s=0.5)), "/dev/shm/x", 9, ""),
    wire.Open(1, "leg", ListenKind.EARLY, 12.5),
    wire.Open(2, "leg", ListenKind.ANSWERED, 12.5, "/srv/recordings/a.wav"),
    wire.Close(1),
    wire.Close(2, True),
    wire.Recorded(CalleeRecorded("leg", 3.5)),
    wire.Recorded(CalleeRecorded("leg", 0.0, "no room")),
    wire.Ping(3),
    wire.Ready(0, "why"),
    wire.Opened(1, "/x/y.raw", True),
    wire.Refused(1, "no"),
    wire.Told(1, Heard("leg", Verdict.MACHINE, "machine: ünd so", 1.0, None)),
    wire.Told(1, Heard("leg", Verdict.HUMAN, "human", 1.0, 0.5)),
    wire.Told(1, WordsHeard("leg", 1.0)),
    wire.Told(1, BeepHeard("leg", 1.0, "")),
    wire.Told(1, QuietHeard("leg", 1.0, "")),
    wire.Told(1, AnnouncementHeard("leg", Announcement.BUSY, "b", 2.0)),
    wire.Closed(1, "/x/y.raw", False),
    wire.Pong(3, 1, 200, 0.5),
]


def test_there_and_back_in_any_pieces() -> None:
    data = b"".join(wire.encode(message) for message in MESSAGES)
    decoder = wire.Decoder()
    found: list[wire.Message] = []
    for at in range(0, len(data), 7):
        found += decoder.feed(data[at : at + 7])
    assert found == MESSAGES


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"":"Nothing"}',
        b'{"":"Ping"}',
        b'{"":"Ping","number":"1"}',
        b'{"":"Ping","number":true}',
        b'{"":"Ping","number":1,"more":2}',
        b'{"":"Open","number":1,"call":"x","kind":"loud","since":1}',
        b'{"":"Told","number":1,"event":{"":"Ping","number":1}}',
        b'{"":"Told","number":"1","event":{"":"BeepHeard","call":"x","at":1,"reason":""}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_nonsense_is_refused(line: bytes) -> None:
    with pytest.raises(MessageError):
        wire.Decoder().feed(line + b"\n")


def test_settings_are_checked_on_arrival() -> None:
    body = json.loads(wire.encode(MESSAGES[0]))
    body["settings"]["cadence"]["human_pause_s"] = -1.0
    with pytest.raises(MessageError, match="human_pause_s"):
        wire.Decoder().feed(json.dumps(body).encode() + b"\n")


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(MessageError, match="bytes"):
        wire.Decoder().feed(b"x" * (wire.MOST_BYTES + 1))


def test_every_event_of_the_room_can_be_told() -> None:
    told = {type(message.event) for message in MESSAGES if isinstance(message, wire.Told)}
    assert told == set(typing.get_args(HearingEvent))
