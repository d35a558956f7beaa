"""What a carrier plays while it rings, on a real FreeSWITCH: heard whole, and no leg worse off for being listened to.

The first tests originate as the dialer does, and nobody is there to bridge anything: what a leg does by itself. The
last one teaches announcements as an operator would, from recordings, and lets a carrier play them.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from harness.phone import Habit
from harness.phone_media import RATE, Samples, sine
from harness.phone_stage import AGENT, CUSTOMER, EVENTS, Director, PhoneStage
from harness.ports import Ports
from test_hearing import Stage, joined, quiet, speech

from dialer.domain.commands import OriginateCall
from dialer.switch.originate import to_esl

NUMBER = "12025550113"
MESSAGE_HZ = 1200.0
WAIT_MS = 2000
TAP = "{RECORD_READ_ONLY=true,RECORD_STEREO=false,enable_file_write_buffering=false}"
DEAD = (
    "We are sorry. You have reached a number that has been disconnected, or is no longer in service.",
    "Your call cannot be completed as dialed. Please check the number and dial again.",
    "The subscriber you have called does not exist. This is a recording.",
)
OFF = "The mobile telephone of your party is switched off at the moment. Try again later, please."
UNTAUGHT = "Welcome to the service line of the city council. One moment, please, while your call is being connected."


@pytest.fixture
def phones(ports: Ports, tmp_path: Path) -> Iterator[PhoneStage]:
    kept = ports.given()
    with PhoneStage(tmp_path / "phones", ports) as stage:
        yield stage
    ports.release_all_but(kept)


@pytest.fixture
def play(phones: PhoneStage) -> Iterator[Director]:
    with phones.switch.witness() as witness:
        witness.subscribe(EVENTS)
        yield Director(phones, witness)
    assert phones.switch.running


def written(file: Path, sound: Samples, rate: int = RATE) -> str:
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(sound.tobytes())
    return str(file)


def originate(number: str, message: str) -> tuple[str, str]:
    """A leg, and the dialer's order for it where dead numbers are listened for."""
    leg = str(uuid.uuid4())
    order = OriginateCall("fs1", leg, "live", number, "carrier", "12025550100", 30.0, WAIT_MS, message, "e", True)
    return leg, to_esl(order).line()


def test_what_a_carrier_plays_while_it_rings_is_recorded_whole(
    play: Director, phones: PhoneStage, tmp_path: Path
) -> None:
    """No frame but those at the record's begin is lost; wait_for_answer lost 35 % of them."""
    phones.carrier.habit = Habit(tone=CUSTOMER, early=True, ring_s=0.1, answer_s=6.0)
    file, start = tmp_path / "heard.raw", play.witness.mark()
    leg, line = originate(NUMBER, written(tmp_path / "message.wav", sine(MESSAGE_HZ, 0.5)))
    play.witness.bgapi(line)
    play.witness.wait_for("CHANNEL_PROGRESS_MEDIA", leg, 5.0, start)
    assert play.tell(f"uuid_record {leg} start {file} 0 {TAP}").startswith("+OK")
    call = phones.carrier.next_call(5.0)
    call.wait("up")
    sound = np.fromfile(file, dtype="<i2")
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)[10:]
    lost = int((np.abs(frames.astype(np.int32)).max(axis=1) <= 16).sum())
    print(f"{lost} of {len(frames)} frames lost")
    assert len(frames) > 270 and lost <= len(frames) * 0.03


def test_the_wait_after_an_answer_is_the_same_however_soon_after_a_183_it_comes(
    play: Director, phones: PhoneStage, tmp_path: Path
) -> None:
    """Nobody bridges: silence, the message within the limit, the end. With an answer at once, one later, no 183."""
    message = written(tmp_path / "message.wav", sine(MESSAGE_HZ, 0.4))
    gaps = [*np.linspace(0.0, 0.06, 70), *np.linspace(0.1, 2.0, 10)]
    habits = {
        f"1202556{n:04d}": Habit(early=n % 8 != 7, ring_s=0.05, answer_s=0.05 + float(gap))
        for n, gap in enumerate(gaps)
    }
    phones.carrier.choose = lambda number: habits[number.lstrip("+")]
    for number in habits:
        play.witness.bgapi(originate(number, message)[1])
        play.room.sleep(0.08)
    phones.room.wait(
        lambda: len(phones.carrier.calls) == len(habits) and not phones.carrier.live, 20.0, "all calls to end"
    )
    waits: dict[bool, list[float]] = {True: [], False: []}
    for call in phones.carrier.calls:
        begun = call.media.first_heard(MESSAGE_HZ, call.times["up"])
        assert begun is not None and not call.ended_by_us, call
        waits[habits[call.number.lstrip("+")].early].append(begun - call.times["up"])
        assert 0.3 < call.times["ended"] - begun < 0.8
    for early, found in waits.items():
        print(f"{'183' if early else '180'}: message {min(found):.3f} to {max(found):.3f} s after the answer")
        assert min(found) >= 1.85 and max(found) <= 2.15


def test_a_key_pressed_while_it_rings_costs_nothing_but_sound(
    play: Director, phones: PhoneStage, tmp_path: Path
) -> None:
    """It ends the leg's sleep; the answer is noticed all the same, and the wait is whole."""
    phones.carrier.habit = Habit(tone=CUSTOMER, early=True, ring_s=0.1, answer_s=2.0)
    play.witness.bgapi(originate(NUMBER, written(tmp_path / "message.wav", sine(MESSAGE_HZ, 0.4)))[1])
    call = phones.carrier.next_call(5.0)
    call.until(lambda: "early" in call.times, 5.0, "in early media")
    play.room.sleep(0.6)
    call.press("5")
    call.wait("up")
    call.wait("ended", 8.0)
    begun = call.media.first_heard(MESSAGE_HZ, call.times["up"])
    assert begun is not None and 1.85 <= begun - call.times["up"] <= 2.15


# ---- taught announcements --------------------------------------------------------------------------------------


def said(folder: Path, text: str) -> Samples:
    """flite's words: a voice as carriers have them, with the room's noise as ours records it."""
    file = folder / f"flite-{abs(hash(text))}.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(file)], check=True)
    with wave.open(str(file)) as sound:
        rate = sound.getframerate()
        words = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float64)
    steps = np.arange(round(len(words) * RATE / rate)) * rate / RATE
    return np.interp(steps, np.arange(len(words)), words).astype(np.int16)


def noisy(sound: Samples, seed: int, gain: float = 1.0, below_db: float = 22.0) -> Samples:
    """The same on another day: another loudness, other noise."""
    words = sound.astype(np.float64) * gain
    level = float(np.sqrt(np.mean(words**2))) * 10 ** (-below_db / 20)
    noise = np.random.default_rng(seed).normal(0.0, level, len(words))
    return np.clip(words + noise, -32000, 32000).astype(np.int16)


def teach(prints: Path, meaning: str, *files: str) -> None:
    """As an operator does."""
    command = [sys.executable, "-m", "dialer.cli", "hearing", "learn", "--as", meaning, "--prints", str(prints), *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout.strip())


@pytest.fixture
def stage(ports: Ports, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(habits: list[Habit], hearing: dict[str, str], **campaign: object) -> Stage:
        made.append(Stage(tmp_path, Ports(), habits, hearing=hearing, **campaign))
        return made[0]

    yield make
    for one in made:
        one.phones.close()


def test_a_taught_announcement_is_a_dead_number_and_what_nobody_taught_is_none(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    announced = [said(tmp_path, text) for text in (*DEAD, OFF)]
    files = [
        written(tmp_path / f"announced-{n}.wav", noisy(sound, n, 0.7)) for n, sound in enumerate(announced)
    ]
    prints = tmp_path / "announcements.npz"
    teach(prints, "dead_number", *files[:3])
    teach(prints, "switched_off", files[3])

    def carrier_plays(sound: Samples, seed: int) -> Samples:
        """Over and over, begun somewhere within, in other noise and louder."""
        whole = np.tile(joined(sound, quiet(0.8)), 4)
        return noisy(whole[(seed * 7919) % len(sound) :][: 16 * RATE], 100 + seed, 1.1)

    hello = joined(quiet(0.3), speech(tmp_path, "Hello?"))
    rings = np.tile(joined(sine(425.0, 1.0), quiet(2.0)), 3)
    talks = said(tmp_path, UNTAUGHT)
    habits = [
        *(
            Habit(early=True, ring_s=0.3, answer_s=None, announcement=carrier_plays(sound, seed))
            for seed, sound in enumerate(announced, 1)
        ),
        Habit(early=True, ring_s=0.3, answer_s=7.0, announcement=rings, greeting=hello, hang_up_s=4.0),
        Habit(early=True, ring_s=0.3, answer_s=7.0, announcement=talks, greeting=hello, hang_up_s=4.0),
    ]
    floor = stage(habits, {"prints_file": str(prints)}, answering_machines={"policy": "hang_up"}, dead_numbers=True)
    dialer = floor.run()
    floor.ended(len(habits))
    rows = [floor.row(index) for index in range(len(habits))]
    for index, row in enumerate(rows):
        times = floor.call(index).times
        print(f"rang {times.get('up', times['ended']) - times['early']:.2f} s: {row['outcome']}: {row['heard_reason']}")
    assert [row["outcome"] for row in rows] == ["dead_number"] * 3 + ["no_answer", "connected", "connected"]
    assert all(f"announced-{index}.wav" in row["heard_reason"] for index, row in enumerate(rows[:4]))
    for index in range(4):
        times = floor.call(index).times
        assert 5.0 <= times["ended"] - times["early"] < 9.0, "from the minimum ring on, and before the ring's limit"
    dead = floor.phones.floor.query("SELECT e164 FROM numbers WHERE dead_at IS NOT NULL")
    assert sorted(dead) == [(number,) for number in floor.numbers[:3]]
    for index in (4, 5):
        call = floor.call(index)
        heard = call.media.first_heard(AGENT, call.times["up"])
        assert heard is not None
    time.sleep(3.0)  # longer than a free agent waits for the next lead
    numbers = [call.number for call in floor.phones.carrier.calls]
    assert [numbers.count(number.lstrip("+")) for number in floor.numbers[:3]] == [1, 1, 1]
    assert dialer.stop()["channels_left"] == 0
