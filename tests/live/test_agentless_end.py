"""A key that ends a call without agents, on a real switch: within the message, thanks, a hang-up by the switch."""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Stages
from harness.phone import Room
from harness.phone_media import sine
from harness.waiting import until
from test_phones_together import Hall

MESSAGE, BYE = 1300.0, 1500.0


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def tone(path: Path, hz: float, seconds: float) -> str:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(np.asarray(sine(hz, seconds)).astype("<i2").tobytes())
    path.chmod(0o644)
    return str(path)


def test_enough_is_said_by_key(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The rest of ten seconds is not said; a key without a meaning, `*` among them, cuts nothing short."""
    sounds = {"message": tone(tmp_path / "message.wav", MESSAGE, 10.0), "goodbye": tone(tmp_path / "bye.wav", BYE, 1.0)}

    def change(tree: dict[str, Any]) -> None:
        notice = tree["campaigns"][0]
        for key in ("wait_limit_s", "lines_per_agent"):
            notice.pop(key, None)
        notice["mode"] = "agentless"
        notice["agentless"] = {"prerecorded_allowed": True, "keys": {"5": "end"}, "max_lines": 1, **sounds}

    hall = Hall(stages, room, change=change)
    call = hall.carrier.next_call(30.0, 0).wait("up")
    until(lambda: call.media.first_heard(MESSAGE, call.times["up"]) is not None, 10.0, "the message to be heard", 0.05)
    room.sleep(1.0)
    call.press("*")
    room.sleep(1.5)
    assert call.hears((MESSAGE, BYE)) == {MESSAGE}
    pressed = time.monotonic()
    call.press("5")
    call.until(lambda: call.state == "ended", 10.0, "ended")
    thanked = call.media.first_heard(BYE, pressed)
    assert thanked is not None
    lasts = call.times["ended"] - pressed
    print(f"thanks heard {(thanked - pressed) * 1000:.0f} ms after the key was begun, hang-up {lasts:.2f} s")
    assert lasts < 3.0
    until(lambda: hall.stage.floor.ended_attempts() == 1, 30.0, "the record", 0.1)
    outcome, reason = hall.stage.floor.query("SELECT outcome, reason FROM attempts")[0]
    assert outcome == "message_played" and "pressed the key for end" in str(reason)
    assert hall.stage.floor.query("SELECT code FROM dispositions") == []
    assert hall.dialer.stop()["outcomes"] == {"message_played": 1}
