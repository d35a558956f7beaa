"""Campaigns without agents on a real switch: every sound is a tone of its own, and what each party hears is judged.

Keys of a customer come through while the switch plays to them, `*` cuts nothing short, and what is said ends as the
engine expects it: by a hang-up of the switch.
"""

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
from harness.phone_call import Call
from harness.phone_media import sine
from harness.waiting import until
from test_phones import becomes
from test_phones_together import CUSTOMER, FIRST, Hall

MESSAGE, BYE, REMOVED, NOBODY, CONNECTING, MUSIC = 1300.0, 1500.0, 1700.0, 1900.0, 2100.0, 2300.0
SOUNDS = {"message": (MESSAGE, 4.0), "goodbye": (BYE, 1.0), "removed": (REMOVED, 1.5), "nobody": (NOBODY, 1.5),
          "connecting": (CONNECTING, 1.0)}  # fmt: skip
ALL = (MESSAGE, BYE, REMOVED, NOBODY, CONNECTING, MUSIC, FIRST)


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def recording(folder: Path, name: str) -> str:
    hz, seconds = SOUNDS[name]
    path = folder / f"{name}.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(np.asarray(sine(hz, seconds)).astype("<i2").tobytes())
    path.chmod(0o644)
    return str(path)


def street(stages: Stages, room: Room, folder: Path, keys: dict[str, str], **agentless: Any) -> Hall:
    """A hall whose one campaign says a message to the one customer."""

    def change(tree: dict[str, Any]) -> None:
        notice = tree["campaigns"][0]
        notice.pop("wait_limit_s", None)
        notice.pop("lines_per_agent", None)
        notice["mode"] = "agentless"
        notice["agentless"] = {
            "prerecorded_allowed": True, "keys": keys, "answer_s": 2, "wait_s": 5, "max_lines": 1, "expected_share": 1,
            "music": f"tone_stream://%(1000,0,{MUSIC:.0f});loops=-1",
            **{name: recording(folder, name) for name in SOUNDS},
            **agentless,
        }  # fmt: skip

    folder.mkdir(parents=True, exist_ok=True)
    return Hall(stages, room, change=change)


def called(hall: Hall) -> Call:
    """The customer, who has answered."""
    call = hall.carrier.next_call(30.0, 0)
    return call.wait("up")


def first_heard(call: Call, hz: float, within_s: float = 15.0) -> float:
    """Seconds from the answer to the first sound of a tone."""

    def found() -> bool:
        return call.media.first_heard(hz, call.times["up"]) is not None

    until(found, within_s, f"{hz:.0f} Hz to be heard", 0.05)
    at = call.media.first_heard(hz, call.times["up"])
    assert at is not None
    return at - call.times["up"]


def ended(hall: Hall) -> tuple[str, str]:
    """Outcome and reason of the only attempt."""
    until(lambda: hall.stage.floor.ended_attempts() == 1, 30.0, "the call to end", 0.1)
    return hall.stage.floor.query("SELECT outcome, reason FROM attempts")[0]  # type: ignore[return-value]


def test_the_message_begins_at_once_and_ends_by_itself(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Message, a pause for a key, goodbye, a hang-up: by the switch, without a word of the dialer's."""
    hall = street(stages, room, tmp_path / "sounds", {"9": "do_not_call"})
    call = called(hall)
    begins = first_heard(call, MESSAGE)
    says_bye = first_heard(call, BYE)
    call.until(lambda: call.state == "ended", 10.0, "ended")
    lasts = call.times["ended"] - call.times["up"]
    print(f"message heard {begins * 1000:.0f} ms after the answer, goodbye {says_bye:.2f} s, hang-up {lasts:.2f} s")
    assert begins < 2.0
    assert says_bye == pytest.approx(0.3 + 4.0 + 2.0, abs=0.6)
    assert lasts == pytest.approx(0.3 + 4.0 + 2.0 + 1.0, abs=0.8)
    outcome, reason = ended(hall)
    assert outcome == "message_played" and "heard to the end" in reason
    assert hall.dialer.stop()["outcomes"] == {"message_played": 1}


def test_keys_while_the_message_is_said(stages: Stages, room: Room, tmp_path: Path) -> None:
    """`*` says it again, from its beginning and only once for two; 9 is written down at once, and said."""
    hall = street(stages, room, tmp_path / "sounds", {"9": "do_not_call", "*": "repeat"}, repeats=1)
    call = called(hall)
    first_heard(call, MESSAGE)
    room.sleep(2.0)
    call.press("#*")
    room.sleep(1.0)
    call.press("*")
    room.sleep(2.5)  # the first one would have ended by now
    assert call.hears(ALL) == {MESSAGE}
    pressed = time.monotonic()
    call.press("9")
    first_heard(call, REMOVED)
    answered_in = call.media.first_heard(REMOVED, pressed)
    assert answered_in is not None
    print(f"removed is heard {(answered_in - pressed) * 1000:.0f} ms after the key was begun")
    assert hall.stage.floor.query("SELECT code FROM dispositions") == [("do_not_call",)]
    assert len(hall.stage.floor.query("SELECT value FROM do_not_call")) == 1
    call.until(lambda: call.state == "ended", 10.0, "ended")
    assert ended(hall)[0] == "message_played"
    assert hall.dialer.stop()["outcomes"] == {"message_played": 1}


def test_who_asks_speaks_with_the_free_agent(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Over the middle of the message; keys of neither reach the other's acts."""
    hall = street(stages, room, tmp_path / "sounds", {"1": "transfer", "9": "do_not_call"})
    agent = hall.log_in("1001", FIRST)
    agent.press("*1")
    call = called(hall)
    first_heard(call, MESSAGE)
    pressed = time.monotonic()
    call.press("1")
    becomes(hall.dialer, "1001", "talking")
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    heard = call.media.first_heard(FIRST, pressed)
    assert heard is not None
    print(f"the agent is heard {(heard - pressed) * 1000:.0f} ms after the key was begun")
    call.press("9")
    room.sleep(1.0)
    assert hall.stage.floor.query("SELECT value FROM do_not_call") == []
    agent.press("*#")
    assert ended(hall)[0] == "connected"
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_who_asks_and_finds_nobody(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Words, music for the bound that is said, a sentence, a hang-up; a callback is noted down."""
    hall = street(stages, room, tmp_path / "sounds", {"1": "transfer"})
    agent = hall.log_in("1001", FIRST)
    agent.press("*1")
    call = called(hall)
    first_heard(call, MESSAGE)
    agent.press("*2")
    becomes(hall.dialer, "1001", "paused")
    pressed = time.monotonic() - call.times["up"]
    call.press("1")
    said, music, nobody = (first_heard(call, hz) - pressed for hz in (CONNECTING, MUSIC, NOBODY))
    print(f"after the key: words {said:.2f} s, music {music:.2f} s, nobody {nobody:.2f} s")
    assert said < 1.0 and music == pytest.approx(said + 1.0, abs=0.6) and nobody == pytest.approx(5.0, abs=1.0)
    call.until(lambda: call.state == "ended", 10.0, "ended")
    assert ended(hall)[0] == "abandoned"
    assert hall.stage.floor.query("SELECT kind, agent FROM callbacks") == [("callback", "")]
    assert hall.dialer.stop()["outcomes"] == {"abandoned": 1}


def test_an_agent_comes_while_the_music_plays(stages: Stages, room: Room, tmp_path: Path) -> None:
    hall = street(stages, room, tmp_path / "sounds", {"1": "transfer"}, wait_s=30)
    agent = hall.log_in("1001", FIRST)
    agent.press("*1")
    call = called(hall)
    first_heard(call, MESSAGE)
    agent.press("*2")
    becomes(hall.dialer, "1001", "paused")
    call.press("1")
    first_heard(call, MUSIC)
    agent.press("*1")
    becomes(hall.dialer, "1001", "talking")
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    call.hang_up()
    assert ended(hall)[0] == "connected"
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_the_dialer_dies_in_the_message(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The switch says it to its end; the next start knows what became of the call."""
    hall = street(stages, room, tmp_path / "sounds", {"9": "do_not_call"})
    call = called(hall)
    first_heard(call, MESSAGE)
    hall.dialer.kill()
    first_heard(call, BYE)
    call.until(lambda: call.state == "ended", 10.0, "ended")
    second = hall.stage.floor.run()
    second.until_ready()
    assert ended(hall)[0] == "message_played"
    second.stop()
