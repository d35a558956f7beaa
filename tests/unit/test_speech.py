"""Speech at run time: a program that may fail, hang or lie, a bounded queue, a cache with an end."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from dialer import speech as module
from dialer.speech import BROKEN_AFTER, PATIENCE_S, QUEUE, Kind, Speech, SpeechSettings, spoken
from dialer.voice import NOTHING, Voice, name, note
from esl.errors import CommandError
from freeswitch.sounds.catalog import Prompts
from freeswitch.sounds.wav import read_info

PROGRAM = """
import os, struct, sys, time
text = sys.stdin.buffer.read()
with open(sys.argv[1] + ".log", "a") as log:
    log.write(repr((sys.argv[3:], text.decode())) + "\\n")
if b"fail" in text:
    print("no voice for", text.decode(), "13812345678", file=sys.stderr)
    sys.exit(3)
if b"hang" in text:
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)
seconds = 20 if b"long" in text else 1
level = 0 if b"silent" in text else 9000
sound = struct.pack("<2h", level, -level) * 4000 * seconds
head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data",
                   0x7fffffff)
out = head + sound
if b"rubbish" in text:
    out = b"not a sound"
if sys.argv[2] == "-":
    sys.stdout.buffer.write(out)
else:
    open(sys.argv[2], "wb").write(out)
"""


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def _note(self, event: str, **values: Any) -> None:
        self.lines.append((event, values))

    info = warning = error = _note


class Bench:
    """Speech with a program of the test's own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.script = place / "speak.py"
        self.script.write_text(PROGRAM)
        self.cache = place / "cache"
        self.clock = 1000.0
        self.log = Log()
        self._started: list[Speech] = []

    def speech(self, output: str = "{output}", *, limit_s: float = 10.0, start: bool = True, **changes: Any) -> Speech:
        command = (sys.executable, "-I", str(self.script), str(self.script), output, "{language}", "{voice}")
        settings = SpeechSettings(self.cache, command, **changes)
        made = Speech(settings, now=lambda: self.clock, wall=time.time, time_limit_s=limit_s, log=self.log)
        if start:
            made.start()
        self._started.append(made)
        return made

    def calls(self) -> list[str]:
        log = Path(f"{self.script}.log")
        return log.read_text().splitlines() if log.exists() else []

    def close(self) -> None:
        for made in self._started:
            made.stop()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def say(speech: Speech, text: str, language: str = "en", kind: Kind = Kind.NAME) -> Path | None:
    speech.prepare(text, language, kind)
    assert speech.wait_idle(30.0)
    return speech.ready(text, language, kind)


@pytest.mark.parametrize("output", ["{output}", "-"])
def test_a_text_becomes_a_recording(bench: Bench, output: str) -> None:
    speech = bench.speech(output)
    assert speech.ready("Li Lei", "en") is None
    path = say(speech, "Li Lei")
    assert path is not None and path.parent == bench.cache
    assert read_info(path).seconds == pytest.approx(1.0, abs=0.05)
    assert bench.calls() == ["(['en', 'en'], 'Li Lei')"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(bench.cache.stat().st_mode) & 0o007 == 0
    assert [p.name for p in bench.cache.iterdir()] == [path.name], "no scratch left"


def test_it_is_made_once(bench: Bench) -> None:
    speech = bench.speech()
    for _ in range(3):
        speech.prepare("Li Lei", "en")
    first = say(speech, " Li\tLei\n")
    again = bench.speech()
    assert again.ready("Li Lei", "en") == first, "the next run has it at once"
    again.prepare("Li Lei", "en")
    assert len(bench.calls()) == 1 and speech.counts["made"] == 1


def test_the_text_is_never_an_argument(bench: Bench) -> None:
    say(bench.speech(), "-w /etc/passwd; $(reboot) `id` {output} --help")
    (call,) = bench.calls()
    arguments, text = call.split("], ")
    assert "passwd" not in arguments and "help" not in arguments
    assert "-w /etc/passwd; (reboot) id output --help" in text


@pytest.mark.parametrize(
    ("text", "language", "voice"),
    [("李雷", "en", "cmn-latn-pinyin"), ("Li Lei", "zh", "en"), ("李雷", "zh", "cmn-latn-pinyin"), ("Li", "de", "de")],
)
def test_a_name_is_read_by_the_voice_that_can(bench: Bench, text: str, language: str, voice: str) -> None:
    say(bench.speech(), text, language)
    assert f"'{voice}']" in bench.calls()[0]


def test_names_are_short_and_notes_have_an_end(bench: Bench) -> None:
    speech = bench.speech()
    short, longer = say(speech, "long"), say(speech, "long", kind=Kind.NOTE)
    assert short is not None and read_info(short).seconds == pytest.approx(2.0, abs=0.01)
    assert longer is not None and read_info(longer).seconds == pytest.approx(15.0, abs=0.01)
    path = say(bench.speech(max_seconds=1.5), "long")
    assert path is not None and read_info(path).seconds == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("language", ["", "EN", "../x", "e n", "en\0", "-x"])
def test_a_strange_language_says_nothing(bench: Bench, language: str) -> None:
    assert say(bench.speech(), "Li Lei", language) is None
    assert bench.calls() == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [("fail", "ended with code 3"), ("silent", "wrote silence"), ("rubbish", "did not write a WAV file")],
)
def test_a_failure_is_counted_logged_without_the_text_and_not_tried_again_at_once(
    bench: Bench, text: str, reason: str
) -> None:
    speech = bench.speech()
    assert say(speech, f"{text} Lei") is None
    assert say(speech, f"{text} Lei") is None
    assert len(bench.calls()) == 1 and speech.counts["failed"] == 1
    ((_, values),) = bench.log.lines
    assert reason in values["reason"]
    assert "Lei" not in str(values) and "13812345678" not in str(values)
    bench.clock += PATIENCE_S + 1
    say(speech, f"{text} Lei")
    assert len(bench.calls()) == 2


def test_a_program_that_hangs_is_ended_with_its_children(bench: Bench) -> None:
    speech = bench.speech(limit_s=1.0)
    turns: list[int] = []
    ticker = gevent.spawn(lambda: [turns.append(gevent.sleep(0.02) or n) for n in range(10_000)])
    assert say(speech, "hang") is None
    ticker.kill()
    assert len(turns) > 20, "the hub went on"
    assert "more than 1 s" in bench.log.lines[0][1]["reason"]
    assert not _running(str(bench.script))


def _running(word: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def test_a_program_that_always_fails_is_left_alone(bench: Bench) -> None:
    speech = bench.speech()
    for n in range(BROKEN_AFTER + 10):
        speech.prepare(f"fail {n}", "en")
    assert speech.wait_idle(30.0)
    assert BROKEN_AFTER <= len(bench.calls()) <= BROKEN_AFTER + 1
    speech.prepare("Li Lei", "en")
    assert speech.wait_idle(1.0) and speech.ready("Li Lei", "en") is None
    assert speech.counts["refused"] > 0
    bench.clock += PATIENCE_S + 1
    assert say(speech, "Li Lei") is not None
    assert speech.counts["made"] == 1


def test_the_queue_is_bounded(bench: Bench) -> None:
    speech = bench.speech()
    for n in range(QUEUE + 50):
        speech.prepare(f"name {n}", "en")
    assert speech.counts["refused"] == 50
    speech.stop()


def test_the_cache_has_a_size(bench: Bench) -> None:
    speech = bench.speech(cache_bytes=50_000)  # three names of 16 kB
    made = []
    for n in range(5):
        made.append(say(speech, f"name {n}"))
        bench.clock += PATIENCE_S + 1
        if made[0] is not None and n < 3:
            assert speech.ready("name 0", "en") == made[0], "used: stays"
    assert speech.ready("name 0", "en") == made[0]
    assert speech.ready("name 1", "en") is None and speech.ready("name 4", "en") == made[4]
    assert sum(p.stat().st_size for p in bench.cache.iterdir()) <= 50_000
    assert speech.counts["evicted"] == 2


def test_a_file_just_used_is_not_thrown_away(bench: Bench) -> None:
    speech = bench.speech(cache_bytes=20_000)
    first = say(speech, "one")
    assert say(speech, "two") is None
    assert speech.ready("one", "en") == first and speech.counts["refused"] == 1


def test_old_files_and_scratch_go_at_the_start(bench: Bench) -> None:
    path = say(bench.speech(), "Li Lei")
    assert path is not None
    past = time.time() - 31 * 86400
    os.utime(path, (past, past))
    (bench.cache / ".making-x").mkdir()
    (bench.cache / "README").write_text("not ours")
    assert bench.speech().ready("Li Lei", "en") is None
    assert [p.name for p in bench.cache.iterdir()] == ["README"]


def test_a_file_that_somebody_removed_is_made_again(bench: Bench) -> None:
    speech = bench.speech()
    path = say(speech, "Li Lei")
    assert path is not None
    path.unlink()
    bench.clock += 2
    assert speech.ready("Li Lei", "en") is None
    assert say(speech, "Li Lei") == path and path.exists()


def test_without_a_program_nothing_is_said(bench: Bench) -> None:
    for command in ((), ("/no/such/program",)):
        speech = Speech(SpeechSettings(bench.cache, command), log=bench.log)
        speech.start()
        assert not speech.on and say(speech, "Li Lei") is None
    assert [event for event, _ in bench.log.lines] == ["speech is off"] * 2


def test_a_cache_that_cannot_be_made_turns_speech_off(bench: Bench) -> None:
    bench.cache.write_text("a file")
    speech = bench.speech()
    assert not speech.on and say(speech, "Li Lei") is None
    assert bench.log.lines[0][0] == "speech is off"


def test_a_full_disk_is_a_failure_like_any_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> float:
        raise OSError(28, "No space left on device")

    speech = bench.speech()
    monkeypatch.setattr(module, "write_trimmed", full)
    assert say(speech, "Li Lei") is None
    assert bench.log.lines[0][1]["reason"] == "No space left on device"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  Li\u200b \x07Lei\r\n", "Li Lei"),
        ("[[fo:n]] <voice name=x> {y} \\z|", "fo:n voice name x y z"),
        ("call +86 138 1234 1111 now", "call now"),
        ("call 13812341111", "call"),
        ("owes 250 on 2026-01-05", "owes 250 on 2026-01-05"),
        ("😀 ok ", "ok"),
        ("\ud800x", "x"),
        ("...", ""),
        ("", ""),
        ("李雷", "李雷"),
    ],
)
def test_what_is_said_of_a_text(text: str, said: str) -> None:
    assert spoken(text, Kind.NOTE) == said


def test_a_text_is_cut_between_words() -> None:
    assert len(spoken("word " * 500, Kind.NOTE)) <= 400
    assert spoken("word " * 500, Kind.NAME).endswith(" word")
    assert len(spoken("字" * 9999, Kind.NAME)) == 60


# ---- together with prompts ----------------------------------------------------------------------------------------


def test_names_are_said_between_prompts_when_they_are_ready(bench: Bench) -> None:
    prompts, speech = Prompts(), bench.speech()
    voice = Voice(prompts, speech)
    parts = ("next-customer", name("Li Lei"), note("from June"))
    ours = prompts.path("next-customer")
    assert voice.playable(parts) == ours
    voice.prepare(parts)
    assert speech.wait_idle(30.0)
    paths = [speech.ready("Li Lei", "en"), speech.ready("from June", "en", Kind.NOTE)]
    assert voice.playable(parts) == f"file_string://{ours}!{paths[0]}!{paths[1]}"
    assert voice.seconds(parts) == pytest.approx(prompts.seconds(["next-customer"]) + 2.25, abs=0.1)
    assert Voice(prompts).playable(parts) == ours
    assert Voice(prompts).playable((name("Li Lei"),)) == NOTHING
    with pytest.raises(CommandError, match="not in the table"):
        voice.playable(("name",))


# ---- the real one -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
@pytest.mark.parametrize(("text", "language"), [("Mr Li, gold", "en"), ("李雷先生", "zh"), ("-h --version", "en")])
def test_espeak_speaks(tmp_path: Path, text: str, language: str) -> None:
    speech = Speech(SpeechSettings(tmp_path / "cache"))
    speech.start()
    try:
        path = say(speech, text, language)
        assert path is not None and 0.3 < read_info(path).seconds <= 2.0
    finally:
        speech.stop()
