from __future__ import annotations

import pytest

from dialer.domain.commands import CloseAttempt
from dialer.domain.outcomes import Outcome
from dialer.store import wire
from dialer.store.errors import FrameError

FRAMES = [
    wire.Do(1, CloseAttempt("a", 1, 2, Outcome.BUSY, "busy", 3.0)),
    wire.Flush(2),
    wire.Answers(((1, None),)),
    wire.Failed("locked"),
]


@pytest.mark.parametrize("piece", [1, 3, 7, 1 << 16])
def test_frames_survive_any_cut(piece: int) -> None:
    data = b"".join(wire.encode(frame) for frame in FRAMES)
    decoder = wire.Decoder()
    read = [frame for at in range(0, len(data), piece) for frame in decoder.feed(data[at : at + piece])]
    assert read == FRAMES


def test_nonsense_is_an_error() -> None:
    with pytest.raises(FrameError, match="at most"):
        wire.Decoder().feed(b"\xff\xff\xff\xff")
    with pytest.raises(FrameError, match="not a frame"):
        wire.Decoder().feed(b"\x00\x00\x00\x03abc")
