"""What a recording holds, by its tones: left the customer, right all that they heard; and what a disk or a death does.

Every party says a tone of its own, so that a stretch of the file tells who was in it.
"""

from __future__ import annotations

import json
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Stages
from harness.phone import Habit, Room
from harness.phone_media import RATE, Samples, heard_tones, loudness
from harness.waiting import until
from test_phones import PIN, becomes, state
from test_phones_together import BOSS, CUSTOMER, FIRST, MOBILE, OUTSIDE, SECOND, TONES, Hall

EDGE_S = 0.35
"""So long after a step somebody may still be heard, or not yet."""


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def recorded(folder: Path, **more: Any) -> Callable[[dict[str, Any]], None]:
    """Every call of the campaign is recorded there."""

    def change(tree: dict[str, Any]) -> None:
        tree["campaigns"][0]["recording"] = {"mode": "all", "directory": str(folder), **more}

    return change


class Tape:
    """The one recording of a hall, with the moments at which something was about to change."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.steps: list[float] = []
        until(lambda: self.row is not None, 10.0, "a recording to be noted", 0.05)

    @property
    def row(self) -> dict[str, Any] | None:
        names = ("path", "started_at", "duration_s", "masked", "state", "problem", "agent", "attempt_id")
        rows = self.hall.stage.floor.query(f"SELECT {', '.join(names)} FROM recordings ORDER BY id")
        return dict(zip(names, rows[-1], strict=True)) if rows else None

    def stretch(self, seconds: float = 1.5) -> None:
        """A stretch in which nothing changes."""
        self.steps.append(time.time())
        self.hall.room.sleep(seconds)
        self.steps.append(time.time())

    def ends(self, state: str = "written") -> dict[str, Any]:
        """Its record once it is over."""
        until(lambda: (self.row or {})["state"] == state, 30.0, f"the recording to be {state}", 0.1)
        assert self.row is not None
        return self.row

    def heard(self) -> list[tuple[set[float], set[float]]]:
        """Who is left and who is right in each stretch."""
        row = self.ends()
        left, right = sides(Path(row["path"]))
        found = []
        for begin, end in zip(self.steps[::2], self.steps[1::2], strict=True):
            part = slice(*(round((at - row["started_at"]) * RATE) for at in (begin + EDGE_S, end - 0.1)))
            found.append((heard_tones(left[part], TONES), heard_tones(right[part], TONES)))
        return found


def sides(file: Path) -> tuple[Samples, Samples]:
    with wave.open(str(file)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, RATE, 2)
        both = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
    return both[0::2], both[1::2]


def over(hall: Hall) -> dict[str, Any]:
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    summary = hall.dialer.stop()
    assert summary["outcomes"] == {"connected": 1} and summary["channels_left"] == 0
    return summary


def log_lines(hall: Hall, topic: str) -> list[dict[str, Any]]:
    return [line for line in hall.dialer.lines() if line.get("event") == topic or line.get("topic") == topic]


def test_from_the_first_word_with_hold_mask_and_transfer(stages: Stages, room: Room, tmp_path: Path) -> None:
    """A mask stays through hold and transfer, until whoever has the customer then ends it."""
    hall = Hall(stages, room, change=recorded(tmp_path / "rec"))
    first, second = hall.log_in("1001", FIRST), hall.log_in("1002", SECOND)
    hall.customer()
    tape = Tape(hall)
    tape.stretch()
    first.press("*6")
    tape.stretch(3.0)
    first.press("*3")
    tape.stretch()
    first.press("*3")
    hall.hear(customer={FIRST})
    tape.stretch()
    second.press("*1")
    becomes(hall.dialer, "1002", "ready")
    first.press("*41002#")
    becomes(hall.dialer, "1002", "talking")
    hall.hear(customer={SECOND})
    tape.stretch()
    second.press("*6")
    hall.room.sleep(0.5)
    tape.stretch()
    second.press("*#")
    over(hall)
    nobody: set[float] = set()
    silent = (nobody, nobody)
    assert tape.heard() == [({CUSTOMER}, {FIRST}), *[silent] * 4, ({CUSTOMER}, {SECOND})]
    row = tape.ends()
    left, right = sides(Path(row["path"]))
    (span,) = json.loads(row["masked"])
    masked = slice(round((span[0] + 0.2) * RATE), round((span[1] - 0.2) * RATE))
    assert loudness(left[masked]) == loudness(right[masked]) == 0.0 and span[1] - span[0] > 8
    assert row["agent"] == "1001" and "12025550110" not in row["path"]
    at = np.flatnonzero(np.abs(right) > 600)[0] / RATE
    print(f"the agent is in it from {at * 1000:.0f} ms on, the customer from "
          f"{np.flatnonzero(np.abs(left) > 600)[0] / RATE * 1000:.0f} ms on")  # fmt: skip
    assert at < 0.06


def test_supervisors_are_in_it_only_where_the_customer_hears_them(
    stages: Stages, room: Room, tmp_path: Path
) -> None:
    hall = Hall(stages, room, change=recorded(tmp_path / "rec"))
    hall.log_in("1001", FIRST)
    hall.customer()
    tape = Tape(hall)
    boss = hall.phones["1003"].call("*201003", BOSS).wait("up")
    hall.lines["1003"] = boss
    room.sleep(1.0)
    boss.press(f"{PIN}#")
    room.sleep(2.0)
    boss.press("1001#")
    hall.hear(a1003={FIRST, CUSTOMER})
    tape.stretch()
    boss.press("2")
    hall.hear(a1001={CUSTOMER, BOSS})
    tape.stretch()
    boss.press("3")
    hall.hear(customer={FIRST, BOSS})
    tape.stretch()
    boss.press("4")
    hall.hear(a1003={CUSTOMER}, customer={BOSS})
    tape.stretch()
    hall.carrier.calls[0].hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    boss.hang_up()
    over(hall)
    assert tape.heard() == [
        ({CUSTOMER}, {FIRST}),  # listening
        ({CUSTOMER}, {FIRST}),  # whispering
        ({CUSTOMER}, {FIRST, BOSS}),  # barging in
        ({CUSTOMER}, {BOSS}),  # taken over
    ]


def test_third_parties_are_in_it_where_the_customer_hears_them(stages: Stages, room: Room, tmp_path: Path) -> None:
    hall = Hall(stages, room, change=recorded(tmp_path / "rec"))
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    tape = Tape(hall)
    hall.carrier.habit = Habit(answer_s=0.5, tone=OUTSIDE)
    agent.press(f"*7{MOBILE}#")
    until(lambda: len(hall.carrier.calls) == 2, 15.0, "the mobile to be rung", 0.1)
    mobile = hall.lines["mobile"] = hall.carrier.calls[1]
    hall.hear(a1001={OUTSIDE}, customer=set())
    tape.stretch()
    agent.press("*2")
    hall.hear(customer={FIRST, OUTSIDE})
    tape.stretch()
    agent.press("*1")
    hall.hear(customer={OUTSIDE})
    tape.stretch()
    mobile.hang_up()
    over(hall)
    assert tape.heard() == [
        ({CUSTOMER}, set()),  # what they say while they wait is kept: it is their leg
        ({CUSTOMER}, {FIRST, OUTSIDE}),
        ({CUSTOMER}, {OUTSIDE}),
    ]


def test_the_announcement_comes_first(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The customer hears it at once, with the agent; nothing is kept before it is said; the bridge does not wait."""
    hall = Hall(stages, room, change=recorded(tmp_path / "rec", consent_prompt="consent"))
    hall.log_in("1001", FIRST)
    hall.customer()
    customer, began = hall.carrier.calls[0], time.monotonic()
    assert not hall.stage.floor.query("SELECT 1 FROM recordings"), "not yet"
    room.sleep(1.0)
    words = customer.media.heard(began)
    assert FIRST in heard_tones(words, TONES) and loudness(words) > loudness(sine_of(FIRST))
    tape = Tape(hall)
    tape.stretch()
    customer.hang_up()
    over(hall)
    assert tape.heard() == [({CUSTOMER}, {FIRST})]
    (bridged,), = hall.stage.floor.query("SELECT bridged_at FROM attempts")
    begun_s = tape.ends()["started_at"] - bridged
    print(f"recorded from {begun_s:.2f} s after the bridge on")
    assert 1.0 < begun_s < 4.0


def sine_of(hz: float) -> Samples:
    from harness.phone_media import sine

    return sine(hz, 1.0)


def test_a_dialer_that_dies_while_masked(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The switch goes on masking; the next run knows, the agent is told, and ends the mask by key."""
    hall = Hall(stages, room, change=recorded(tmp_path / "rec"))
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    tape = Tape(hall)
    tape.stretch()
    agent.press("*6")
    until(lambda: "null" in (tape.row or {})["masked"], 5.0, "the mask to be noted", 0.05)
    hall.dialer.kill()
    tape.stretch(3.0)
    hall.dialer = hall.stage.floor.run()
    hall.dialer.until_ready()
    becomes(hall.dialer, "1001", "talking", 20.0)
    room.sleep(2.0)  # "recording paused", once more
    tape.stretch()
    agent.press("*6")
    room.sleep(0.5)
    tape.stretch()
    hall.carrier.calls[0].hang_up()
    tape.ends()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    hall.dialer.stop()
    nobody: set[float] = set()
    assert tape.heard() == [({CUSTOMER}, {FIRST}), (nobody, nobody), (nobody, nobody), ({CUSTOMER}, {FIRST})]


# ---- disks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB: two seconds of a recording fit, and a bit."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def counter(hall: Hall, name: str) -> float:
    text = str(hall.dialer.get("/metrics")[1])
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


def test_a_disk_that_fills_up_in_a_call(stages: Stages, room: Room, small: Path) -> None:
    hall = Hall(stages, room, change=recorded(small))
    hall.log_in("1001", FIRST)
    hall.customer()
    tape = Tape(hall)
    room.sleep(9.0)
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    hall.carrier.calls[0].hang_up()
    row = tape.ends()
    assert "disk of the switch full" in row["problem"] and row["duration_s"] > 8
    until(lambda: counter(hall, "dialer_engine_recordings_cut_short_total") == 1, 5.0, "the metric", 0.2)
    assert any(line.get("level") == "error" for line in log_lines(hall, "recording_cut_short"))
    over(hall)


@pytest.mark.parametrize("where", ["full", "unwritable"])
def test_a_recording_that_cannot_begin(stages: Stages, room: Room, small: Path, where: str) -> None:
    """The agent is told, the call goes on, and operators find it in the log, the metrics and the list."""
    (small / "fill").write_bytes(b"")
    with (small / "fill").open("ab", buffering=0) as fill:
        try:
            while fill.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass
    hall = Hall(stages, room, change=recorded(small if where == "full" else Path("/proc/recordings")))
    hall.log_in("1001", FIRST)
    hall.customer()
    tape = Tape(hall)
    row = tape.ends("failed")
    assert "did not record" in row["problem"]
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    until(lambda: counter(hall, "dialer_engine_recordings_failed_total") == 1, 5.0, "the metric", 0.2)
    assert any(line.get("level") == "error" for line in log_lines(hall, "recording_failed"))
    hall.carrier.calls[0].hang_up()
    over(hall)


def test_a_file_is_brought_here_at_the_second_try(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The command that runs on the switch's host fails at first: told, counted, tried again."""
    spool, home, script = tmp_path / "spool", tmp_path / "home", tmp_path / "bring-home"
    script.write_text(
        "#!/bin/sh\n"
        f'target="{home}${{1#{spool}}}"\n'
        f"test -e {tmp_path}/tried || {{ touch {tmp_path}/tried; echo no route to {home} >&2; exit 7; }}\n"
        'mkdir -p "$(dirname "$target")" && cp "$1" "$target.part" && mv "$target.part" "$target"\n'
    )
    script.chmod(0o755)
    far = recorded(home, switch_directory=str(spool), upload_command=str(script))
    hall = Hall(stages, room, change=far)
    hall.log_in("1001", FIRST)
    hall.customer()
    tape = Tape(hall)
    tape.stretch()
    hall.carrier.calls[0].hang_up()
    tape.ends("to_upload")
    until(lambda: log_lines(hall, "upload_failed"), 10.0, "the failure to be told", 0.1)
    told = str(log_lines(hall, "upload_failed"))
    assert "no route to" in told and "failed 7" in told
    row = tape.ends("written")
    found = Path(str(home) + row["path"].removeprefix(str(spool)))
    assert found.read_bytes() == Path(row["path"]).read_bytes()
    assert counter(hall, "dialer_engine_recordings_uploaded_total") == 1
    over(hall)


# ---- the phone's own hold button -------------------------------------------------------------------------------

MUSIC_HZ = 1300.0


def line_of(hall: Hall, agent: str) -> str:
    return next(str(each["line"]) for each in hall.dialer.get("/v1/agents")[1]["agents"] if each["agent"] == agent)


def with_music(tree: dict[str, Any]) -> None:
    tree["phones"]["hold_sound"] = f"tone_stream://%(1000,0,{MUSIC_HZ:.0f});loops=-1"


def hears_music(hall: Hall) -> bool:
    start = time.monotonic()
    hall.room.sleep(0.4)
    return heard_tones(hall.carrier.calls[0].media.heard(start), (*TONES, MUSIC_HZ)) == {MUSIC_HZ}


@pytest.mark.slow
def test_the_phones_own_hold_button(stages: Stages, room: Room) -> None:
    """Music, the state, back; a phone that is silent on hold is not cut off, one that dies after it is noticed."""
    hall = Hall(stages, room, change=with_music)
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    agent.hold()
    agent.media.sends = False
    until(lambda: line_of(hall, "1001") == "held", 5.0, "the hold to be shown", 0.1)
    until(lambda: hears_music(hall), 5.0, "the customer to hear music", 0.0)
    room.sleep(14.0)  # more than the dialplan's media timeout
    assert agent.state == "up" and state(hall.dialer, "1001") == "talking"
    agent.resume()
    agent.media.sends = True
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    until(lambda: line_of(hall, "1001") == "bridged", 5.0, "the line to be back", 0.1)
    hall.phones["1001"].vanish()
    lost = time.monotonic()
    until(lambda: state(hall.dialer, "1001") not in ("talking", "wrap_up"), 20.0, "the dead phone to be noticed", 0.1)
    assert 8.0 < time.monotonic() - lost < 14.0
    hall.carrier.calls[0].hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    hall.dialer.stop()


def test_no_customer_for_a_phone_that_still_holds(stages: Stages, room: Room) -> None:
    """The customer leaves a phone on hold: the next one comes when the phone is back, and is heard."""
    hall = Hall(stages, room, leads=("+12025550110", "+12025550120"), change=with_music)
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    agent.hold()
    until(lambda: line_of(hall, "1001") == "held", 5.0, "the hold to be shown", 0.1)
    hall.carrier.calls[0].hang_up()
    becomes(hall.dialer, "1001", "ready", 20.0)
    room.sleep(3.0)
    assert line_of(hall, "1001") == "held" and len(hall.carrier.calls) == 1
    agent.resume()
    becomes(hall.dialer, "1001", "talking", 20.0)
    start = time.monotonic()
    room.sleep(1.0)
    assert heard_tones(hall.carrier.calls[1].media.heard(start), TONES) == {FIRST}
    hall.carrier.calls[1].hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 2, 20.0, "the calls to end", 0.1)
    assert hall.dialer.stop()["outcomes"] == {"connected": 2}
