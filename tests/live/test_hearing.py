"""Who answers, told by a real FreeSWITCH's recordings while they grow: persons reach an agent, machines do not.

Callees are phones of ours that speak with espeak-ng's voice; every time is the phones' own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness.floor import Dialer
from harness.phone import Habit
from harness.phone_call import Call
from harness.phone_media import RATE, Samples, heard_tones, sine
from harness.phone_stage import AGENT, PhoneStage
from harness.ports import Ports
from harness.waiting import until

from dialer.hearing.wavefile import read_8k

MESSAGE_HZ = 1200.0
MESSAGE_S = 3.0
BEEP_HZ = 1000.0
VACANT = ((985.2, 0.38), (1370.6, 0.276), (1776.7, 0.38))
LONG = (
    "You have reached the voice mail of the Miller family and nobody can come to the telephone right now so please "
    "leave your name and your number and a short message after the tone and we will call you back"
)


TALKER = (
    "Now listen I have told your people many times that nobody in this house wants another telephone contract so will "
    "you please stop ringing me"
)
"""A person who talks like a machine."""


def speech(folder: Path, text: str) -> Samples:
    """espeak-ng's words, without the silence around them."""
    file = folder / f"{abs(hash(text))}.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(file), text], check=True)
    sound = read_8k(file)
    loud = np.nonzero(np.abs(sound) > 0.02)[0]
    return (sound[loud[0] : loud[-1] + 1] * 20000).astype(np.int16)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


class Stage:
    """A campaign that screens, its agents' phones, and callees by number."""

    def __init__(
        self, folder: Path, ports: Ports, habits: list[Habit], hearing: Mapping[str, Any] = {}, **campaign: Any
    ) -> None:
        self.numbers = [f"+1202555{100 + index:04d}" for index in range(len(habits))]
        by_number = {number.lstrip("+"): habit for number, habit in zip(self.numbers, habits, strict=True)}
        message = folder / "voicemail.wav"
        with wave.open(str(message), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            out.writeframes(sine(MESSAGE_HZ, MESSAGE_S).tobytes())
        for value in campaign.values():
            if isinstance(value, dict) and value.get("policy") == "message":
                value["message"] = str(message)
        self.taps = folder / "taps"
        heard = {"hearing": {"folder": str(self.taps), **hearing}}
        self.phones = PhoneStage(folder, ports, self.numbers, agents=2, campaign=campaign, extra=heard)
        self.phones.carrier.habit = Habit()
        self.phones.carrier.choose = lambda number: by_number[number.lstrip("+")]

    def run(self) -> Dialer:
        """Switch, agents and dialer."""
        self.phones.start()
        for seat in (1001, 1002):
            self.phones.seat(seat)
        dialer = self.phones.floor.run()
        dialer.until_ready()
        return dialer

    def call(self, index: int) -> Call:
        """The call to a callee; waits for it."""
        carrier, number = self.phones.carrier, self.numbers[index].lstrip("+")

        def found() -> Call | None:
            return next((call for call in carrier.calls if call.number.lstrip("+") == number), None)

        call = until(found, 30.0, f"a call to {number[-4:]}", 0.02)
        assert call is not None
        return call

    def row(self, index: int) -> dict[str, Any]:
        names = ("outcome", "heard", "heard_reason", "answered_at", "clock_at", "bridged_at", "reason")
        sql = f"SELECT {', '.join(names)} FROM attempts WHERE number = ?"
        (found,) = self.phones.floor.query(sql, self.numbers[index])
        return dict(zip(names, found, strict=True))

    def ended(self, count: int, timeout_s: float = 60.0) -> None:
        until(lambda: self.phones.floor.ended_attempts() >= count, timeout_s, f"{count} attempts to end", 0.1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    ports, made = Ports(), []

    def make(habits: list[Habit], **campaign: Any) -> Stage:
        one = Stage(tmp_path, ports, habits, **campaign)
        made.append(one)
        return one

    yield make
    for one in made:
        one.phones.close()


SCREENS = {"policy": "message", "clock": "greeting_end"}


def test_persons_reach_an_agent_at_once_after_their_greeting(stage: Callable[..., Stage], tmp_path: Path) -> None:
    texts = ["Hello?", "Hello, Miller speaking", "Yes?", "Good morning, this is Anna", "Hello, who is there?", "Hi"]
    words = [joined(quiet(0.3 + 0.1 * n), speech(tmp_path, text)) for n, text in enumerate(texts)]
    habits = [Habit(greeting=sound, ring_s=0.1, answer_s=1.0, hang_up_s=len(sound) / RATE + 4.0) for sound in words]
    floor = stage(habits, answering_machines=dict(SCREENS))
    dialer = floor.run()
    floor.ended(len(habits))
    waits = []
    for index, sound in enumerate(words):
        call = floor.call(index)
        over = call.times["up"] + len(sound) / RATE
        heard = call.media.first_heard(AGENT, call.times["up"])
        row = floor.row(index)
        print(f"{texts[index]!r}: {row['heard']} ({row['heard_reason']}), agent heard "
              f"{None if heard is None else round(1000 * (heard - over))} ms after the greeting")
        assert (row["outcome"], row["heard"]) == ("connected", "human") and heard is not None, row
        assert call.media.first_heard(MESSAGE_HZ, call.times["up"]) is None
        waits.append(heard - over)
    assert max(waits) <= 0.4 + 0.25  # the verdict; the bridge and the first packets
    summary = dialer.stop()
    assert summary["channels_left"] == 0 and summary["abandoned"] == 0
    assert list(floor.taps.iterdir()) == []


@pytest.mark.parametrize("policy", ["message", "hang_up"])
def test_a_machine_is_left_the_message_after_its_beep_or_hung_up(
    stage: Callable[..., Stage], tmp_path: Path, policy: str
) -> None:
    greeting = joined(quiet(0.5), speech(tmp_path, LONG), quiet(0.4), sine(BEEP_HZ, 0.4))
    habits = [Habit(greeting=greeting, ring_s=0.1, answer_s=1.0)]
    floor = stage(habits, answering_machines={"policy": policy, "clock": "greeting_end"})
    dialer = floor.run()
    floor.ended(1)
    call, row = floor.call(0), floor.row(0)
    up, length = call.times["up"], call.times["ended"] - call.times["up"]
    print(f"{policy}: {row}; the call was {length:.2f} s, the greeting {len(greeting) / RATE:.2f} s")
    assert row["heard"] == "machine" and call.media.first_heard(AGENT, up) is None
    if policy == "hang_up":
        assert row["outcome"] == "machine" and length < len(greeting) / RATE
    else:
        begun = call.media.first_heard(MESSAGE_HZ, up)
        assert row["outcome"] == "message_played" and begun is not None
        print(f"message heard {1000 * (begun - up - len(greeting) / RATE):.0f} ms after the beep's end")
        assert 0.0 < begun - up - len(greeting) / RATE < 0.6
        said = call.media.heard(begun)
        assert MESSAGE_S - 0.3 < len(said) / RATE < MESSAGE_S + 0.6
    assert not call.ended_by_us
    summary = dialer.stop()
    assert summary["channels_left"] == 0 and list(floor.taps.iterdir()) == []


def test_an_announced_dead_number_is_never_dialed_again(stage: Callable[..., Stage], tmp_path: Path) -> None:
    tones = [sine(hz, seconds) for hz, seconds in VACANT]
    once = joined(quiet(0.4), *tones, quiet(0.2), speech(tmp_path, "The number is not in service"))
    told = np.tile(once, 3)  # as carriers do; of each a third of the frames is lost while it rings
    hello = joined(quiet(0.3), speech(tmp_path, "Hello?"))
    rings = np.tile(joined(sine(425.0, 1.0), quiet(2.0)), 2)
    habits = [
        Habit(early=True, ring_s=0.3, answer_s=None, announcement=told),
        Habit(early=True, ring_s=0.3, answer_s=3.0, announcement=rings, greeting=hello, hang_up_s=4.0),
        Habit(ring_s=0.3, answer_s=1.5, greeting=hello, hang_up_s=4.0),
    ]
    floor = stage(habits, answering_machines=dict(SCREENS), dead_numbers=True)
    dialer = floor.run()
    floor.ended(3)
    rows = [floor.row(index) for index in range(3)]
    print(*rows, sep="\n")
    assert [row["outcome"] for row in rows] == ["dead_number", "connected", "connected"]
    call = floor.call(0)
    rang_s = call.times["ended"] - call.times["early"]
    assert rang_s >= 5.0, "before the minimum ring"
    dead = floor.phones.floor.query("SELECT e164 FROM numbers WHERE dead_at IS NOT NULL")
    assert dead == [(floor.numbers[0],)]
    for index in (1, 2):
        call = floor.call(index)
        heard = call.media.first_heard(AGENT, call.times["up"])
        print(f"agent heard {heard - call.times['up'] if heard else None} s after the answer")
        assert heard is not None
    time.sleep(3.0)  # longer than a free agent waits for the next lead
    assert [call.number for call in floor.phones.carrier.calls].count(floor.numbers[0].lstrip("+")) == 1
    assert dialer.stop()["channels_left"] == 0


def test_a_ring_that_a_183_began_ends_by_the_switch_itself(stage: Callable[..., Stage]) -> None:
    floor = stage([Habit(early=True, ring_s=0.3, answer_s=None)], dead_numbers=True, ring_timeout_s=6, min_ring_s=5)
    dialer = floor.run()
    call = floor.call(0)
    call.until(lambda: "early" in call.times, 5.0, "in early media")
    dialer.kill()  # nobody but the switch can end it
    call.wait("ended", 12.0)
    rang_s = call.times["ended"] - call.times["early"]
    print(f"rang for {rang_s:.2f} s")
    assert 5.0 <= rang_s <= 7.5


def worker_of(dialer: Dialer) -> int:
    """The listeners' process."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"dialer.hearing.worker" in command and int(status.rpartition(")")[2].split()[1]) == dialer.process.pid:
            return int(entry.name)
    raise AssertionError("the listeners' process is not there")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_the_listeners_agents_get_the_call_in_time(
    stage: Callable[..., Stage], tmp_path: Path, how: signal.Signals
) -> None:
    """Killed, or hanging, while a callee speaks: everybody is a person, within the limit from the answer."""
    greeting = joined(quiet(0.5), speech(tmp_path, LONG))
    count = 1 if how is signal.SIGKILL else 2  # one that was killed is back in a moment
    habits = [Habit(greeting=greeting, ring_s=0.1, answer_s=1.0 + 0.5 * n, hang_up_s=6.0) for n in range(count)]
    floor = stage(habits, answering_machines={"policy": "hang_up", "clock": "greeting_end"})
    dialer = floor.run()
    pid = worker_of(dialer)
    call = floor.call(0)
    call.until(lambda: "up" in call.times, 10.0, "answered")
    time.sleep(0.3)
    os.kill(pid, how)
    floor.ended(count)
    for index in range(count):
        call, row = floor.call(index), floor.row(index)
        heard = call.media.first_heard(AGENT, call.times["up"])
        after = None if heard is None else round(heard - call.times["up"], 2)
        print(f"{row['heard_reason']}; agent heard {after} s after the answer")
        assert row["outcome"] == "connected" and heard is not None and heard - call.times["up"] <= 2.0
        assert row["heard"] == "unsure"
    metrics = dialer.get("/metrics")[1]
    assert f"dialer_engine_answers_unsure_total {count}.0" in metrics
    assert dialer.stop()["channels_left"] == 0


# ---- people listen to machines ---------------------------------------------------------------------------------


def cli(floor: Stage, *words: str) -> str:
    """What a command says."""
    command = [sys.executable, "-m", "dialer.cli", "--config", str(floor.phones.floor.config_file), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    print(f"dialer {' '.join(words)}\n{done.stdout}")
    return done.stdout


@pytest.mark.parametrize("policy", ["message", "hang_up"])
def test_calls_taken_for_machines_can_be_listened_to_and_the_persons_among_them_are_counted(
    stage: Callable[..., Stage], tmp_path: Path, policy: str
) -> None:
    """A machine, a person who talks like one, and a person: the first two are kept from the answer on."""
    greeting = joined(quiet(0.5), speech(tmp_path, LONG), quiet(0.4), sine(BEEP_HZ, 0.4))
    talker = joined(quiet(0.4), speech(tmp_path, TALKER))
    hello = joined(quiet(0.3), speech(tmp_path, "Hello?"))
    habits = [
        Habit(greeting=greeting, ring_s=0.1, answer_s=1.0),
        Habit(greeting=talker, ring_s=0.1, answer_s=1.5, hang_up_s=len(talker) / RATE + 1.5),
        Habit(greeting=hello, ring_s=0.1, answer_s=1.0, hang_up_s=4.0),
    ]
    files = tmp_path / "recordings"
    machines = {"policy": policy, "clock": "greeting_end", "record_share": 1}
    kept = {"mode": "all", "directory": str(files), "name": "{campaign}/{attempt}", "retention_days": 30}
    floor = stage(habits, answering_machines=machines, recording=kept)
    dialer = floor.run()
    floor.ended(3, 90.0)
    names = "a.number, r.agent, r.state, r.path, r.duration_s, a.heard, a.outcome"
    sql = f"SELECT {names} FROM recordings r JOIN attempts a ON a.id = r.attempt_id"
    rows = until(
        lambda: (found := floor.phones.floor.query(sql)) and all(r[2] == "written" for r in found) and len(found) == 3
        and found, 30.0, "three recordings to be written", 0.2,
    )  # fmt: skip
    print(*rows, sep="\n")
    by_number = {row[0]: row[1:] for row in rows}
    for index, said in enumerate((greeting, talker)):
        agent, _, path, lasts, heard, _ = by_number[floor.numbers[index]]
        assert (agent, heard) == ("", "machine") and floor.numbers[index].lstrip("+") not in path
        sound = read_8k(Path(path))
        assert len(sound) / RATE == pytest.approx(lasts, abs=0.01)
        begin = int(np.argmax(np.abs(sound) > 0.05)) / RATE
        assert begin == pytest.approx(float(np.argmax(np.abs(said) > 1600)) / RATE, abs=0.15), "from the answer on"
        if policy == "hang_up":
            assert 3.0 < lasts < 4.5
        elif index == 0:
            whole_s = len(greeting) / RATE
            assert whole_s - 0.1 < lasts < whole_s + 1.0, "up to the message"
            beep = (sound[round((whole_s - 0.4) * RATE) :][: RATE // 4] * 32767).astype(np.int16)
            assert heard_tones(beep, (BEEP_HZ, MESSAGE_HZ)) == {BEEP_HZ}
    assert by_number[floor.numbers[2]][0] in ("1001", "1002")
    assert sorted(files.rglob("*.wav")) == sorted(Path(row[3]) for row in rows)
    summary = dialer.stop()
    assert summary["channels_left"] == 0 and list(floor.taps.iterdir()) == []

    cli(floor, "recordings", "index")
    cli(floor, "recordings", "check")
    today = datetime.now(UTC).date().isoformat()
    assert "2 recorded machines" in cli(floor, "qc", "sample", "--date", today)
    samples = json.loads(cli(floor, "qc", "list", "--json"))
    attempts = dict(floor.phones.floor.query("SELECT id, number FROM attempts"))
    of_machines = {attempts[s["attempt_id"]]: s["id"] for s in samples if s["rules"] == ["machine"]}
    assert set(of_machines) == set(floor.numbers[:2])
    for number, who in zip(floor.numbers, ("machine", "person"), strict=False):
        ident = str(of_machines[number])
        assert "recording:" in cli(floor, "qc", "show", ident)
        cli(floor, "qc", "machine", ident, "--reviewer", "mia", "--who", who)
    (told,) = json.loads(cli(floor, "qc", "machines", "--json"))
    cli(floor, "qc", "machines")
    counted = {name: told[name] for name in ("judged", "recorded", "listened", "persons", "unsure", "passed")}
    assert counted == {"judged": 2, "recorded": 2, "listened": 2, "persons": 1, "unsure": 0, "passed": 1}
    assert (told["of_machines"], told["false_positive"]) == (0.5, 1.0)
    said = cli(floor, "explain", "call", floor.numbers[1])
    assert "who answered: machine: " in said and "recording " in said and floor.numbers[1].lstrip("+") not in said
