"""Whatever bytes come, in whatever pieces: same messages, only typed faults, no quadratic cost."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from esl.errors import ProtocolError
from esl.headers import CompactEvent, Event, HeaderSet
from esl.protocol import CommandReply, Decoder, Limits, Malformed, Message
from esl.testing import capture_frames, plain_event

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "esl"
FRAMES = [frame for path in sorted(FIXTURES.glob("*.raw.txt")) for frame in capture_frames(path.read_bytes())]
LIMITS = Limits(block_bytes=4096, header_lines=500, line_bytes=2048, body_bytes=64 << 10, skip_bytes=1 << 20)


def decode(pieces: list[bytes], limits: Limits | None = None) -> tuple[list[Message], str | None]:
    decoder = Decoder(limits)
    got: list[Message] = []
    for piece in pieces:
        try:
            got += decoder.feed(piece)
        except ProtocolError as fault:
            got += [message for message in fault.messages if isinstance(message, Message)]
            return got, fault.reason
    return got, None


def shown(message: Message) -> object:
    if isinstance(message, Event):
        return (type(message).__name__, message.name, dict(message.headers), message.body)
    if isinstance(message, CommandReply):
        return dict(message.headers.headers)
    return type(message).__name__ if not isinstance(message, Malformed) else message


def cut(stream: bytes, marks: list[int]) -> list[bytes]:
    at = sorted({0, len(stream), *(mark % (len(stream) + 1) for mark in marks)})
    return [stream[a:b] for a, b in itertools.pairwise(at)]


@given(
    st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4).map(b"".join),
    st.lists(st.integers(0, 1 << 20), max_size=12),
)
def test_pieces_make_no_difference(stream: bytes, marks: list[int]) -> None:
    whole, fault = decode([stream])
    assert fault is None
    pieces, fault = decode(cut(stream, marks))
    assert fault is None
    assert [shown(message) for message in pieces] == [shown(message) for message in whole]


edits = st.tuples(st.integers(0, 1 << 20), st.integers(0, 40), st.binary(max_size=30))


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(FRAMES), min_size=1, max_size=3).map(b"".join),
    st.lists(edits, min_size=1, max_size=4),
    st.lists(st.integers(0, 1 << 20), max_size=4),
)
def test_damaged_streams_raise_only_typed_faults(
    stream: bytes, damage: list[tuple[int, int, bytes]], marks: list[int]
) -> None:
    for at, length, replacement in damage:
        at %= len(stream) + 1
        stream = stream[:at] + replacement + stream[at + length :]
    for limits in (None, LIMITS):
        whole, fault = decode([stream], limits)
        pieces, other = decode(cut(stream, marks), limits)
        assert [shown(message) for message in whole] == [shown(message) for message in pieces]
        assert fault == other


@settings(max_examples=300)
@given(st.binary(max_size=400))
@example(b"\n" * 300)
@example(b"Content-Length: 0\nContent-Type: text/event-plain\n\n")
@example(b"Content-Type: auth/request\n\n\n\nContent-Type")
def test_any_bytes_raise_only_typed_faults(data: bytes) -> None:
    for message in decode([data], LIMITS)[0]:
        shown(message)


@given(st.binary(max_size=300))
def test_any_event_body_costs_at_most_its_frame(body: bytes) -> None:
    for kind in (b"plain", b"json"):
        head = b"Content-Length: %d\nContent-Type: text/event-%b\n\n" % (len(body), kind)
        got, fault = decode([head + body + plain_event("HEARTBEAT")])
        assert fault is None and len(got) == 2
        last = got[1]
        assert isinstance(last, Event) and last.name == "HEARTBEAT"
        shown(got[0])


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,15}", fullmatch=True).filter(
    lambda name: name not in ("Event-Name", "Content-Length")
)


@given(st.dictionaries(names, st.text(max_size=30), max_size=8), st.text(max_size=60))
def test_values_come_back_whole_and_compact_events_agree(headers: dict[str, str], body: str) -> None:
    (event,) = Decoder().feed(plain_event("X", headers, body))
    assert isinstance(event, Event)
    # The word that stands for an empty value can't be told from it on the wire.
    headers = {name: "" if value == "_undef_" else value for name, value in headers.items()}
    for name, value in headers.items():
        assert event[name] == value
    assert (event.body or "") == body
    compact = event.pick(HeaderSet([*headers, "Never-Sent"]))
    assert isinstance(compact, CompactEvent)
    for name, value in headers.items():
        assert compact.get(name) == value
    assert compact.get("Never-Sent") is None and compact.name == "X"


def test_byte_by_byte_is_looked_at_once() -> None:
    """What is held is decoded when it is whole and not before: counted, not timed."""

    class Counting(Decoder):
        decoded = 0

        def _decode(self, text: str, at: int, messages: list[Message]) -> int:
            Counting.decoded += len(text)
            return super()._decode(text, at, messages)

    stream = b"Content-Type: command/reply\nReply-Text: " + b"x" * 20_000 + b"\n\n"
    stream += plain_event("X", {"h": "v" * 20_000})
    decoder = Counting()
    got = [message for at in range(len(stream)) for message in decoder.feed(stream[at : at + 1])]
    assert len(got) == 2
    assert Counting.decoded < 2 * len(stream)
