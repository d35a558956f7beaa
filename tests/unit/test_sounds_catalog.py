"""The spoken prompts: table and recordings agree, every recording is fit for a telephone, own ones replace ours."""

from __future__ import annotations

import ast
import shutil
import wave
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from esl.errors import CommandError
from freeswitch.sounds import make, table, words
from freeswitch.sounds.catalog import JOIN_S, MAX_PARTS, PromptError, Prompts
from freeswitch.sounds.table import HERE, SHIPPED
from freeswitch.sounds.wav import ALAW, WavError, read_info

ROOT = HERE.parents[1]
NO_TOOLS = shutil.which("espeak-ng") is None or shutil.which("sox") is None
IDS = sorted(table.prompts())
KEYS = [f"{language}/{ident}" for language in SHIPPED for ident in IDS]


def write_wav(path: Path, seconds: float = 1.0, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"\x00\x10" * int(seconds * rate))
    return path


def alaw(byte: int) -> int:
    """One sample of G.711 A-law as 16 bit (ITU-T G.711)."""
    byte ^= 0x55
    exponent, mantissa = byte >> 4 & 7, byte & 15
    level = mantissa << 4 | 8 if exponent == 0 else (mantissa << 4 | 0x108) << exponent - 1
    return level if byte & 0x80 else -level


LEVELS = [abs(alaw(byte)) for byte in range(256)]


# ---- what ships ---------------------------------------------------------------------------------------------------


def test_recordings_are_what_the_table_says() -> None:
    assert make.stale() == [], "the table or a recording was changed: run `make sounds`"
    assert sorted(table.digests()) == sorted(KEYS)
    files = {str(path.relative_to(HERE).with_suffix("")) for path in HERE.glob("*/*.wav")}
    assert files == set(KEYS)


def test_every_recording_is_fit_for_a_telephone() -> None:
    faults = []
    for key in KEYS:
        path = HERE / f"{key}.wav"
        info = read_info(path)
        sound = path.read_bytes()[info.data : info.data + info.size]
        peak = max(LEVELS[byte] for byte in set(sound))
        loud = sum(LEVELS[byte] > 500 for byte in sound) / len(sound)
        if (info.coding, info.rate, info.channels) != (ALAW, 8000, 1):
            faults.append(f"{key}: {info}")
        if not 0.3 <= info.seconds <= 12:
            faults.append(f"{key}: {info.seconds:.2f} s")
        if not 10_000 < peak < 30_000 or loud < 0.2:
            faults.append(f"{key}: peak {peak}, {loud:.0%} loud")
    assert faults == []


def test_what_ships_is_small() -> None:
    assert sum(path.stat().st_size for path in HERE.glob("*/*.wav")) < 6_000_000


def test_chinese_texts_are_chinese() -> None:
    """The voice reads Latin letters as pinyin."""
    latin = [i for i in IDS if not table.prompts()[i]["zh"].startswith("tone:") and table.prompts()[i]["zh"].isascii()]
    assert latin == []
    assert not [i for i in IDS if any("a" <= c.lower() <= "z" for c in table.prompts()[i]["zh"].split("tone:")[0])]


def _literals(node: ast.AST) -> set[str]:
    """Whole texts; not the pieces of an f-string."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.JoinedStr):
        return set()
    return {text for child in ast.iter_child_nodes(node) for text in _literals(child)}


def _spoken_in_code() -> set[tuple[str, str]]:
    """(file, literal) of everything that our code says to a leg by name."""
    found = set()
    for path in sorted((ROOT / "dialer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ""
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if isinstance(node, ast.Call) and name in ("Say", "Murmur"):
                parts = [k.value for k in node.keywords if k.arg == "prompts"] or node.args[2:3]
                found |= {(str(path), text) for part in parts for text in _literals(part)}
            elif isinstance(node, ast.Call) and name == "_say" and "engine" in path.parts:
                parts = node.args
                found |= {(str(path), text) for part in parts for text in _literals(part)}
    return found


def test_whatever_the_code_says_is_in_the_table() -> None:
    unknown = [(file, text) for file, text in _spoken_in_code() if ":" not in text and text not in table.prompts()]
    assert unknown == []


FAMILIES = (
    *("reason-", "disposition-", "tier-", "day-", "month-", "date-", "digit-"),
    *("time-hour-", "time-minute-", "wait-minutes-"),
)
"""Put together from what somebody is called, from a day, a time or a number."""
FOR_CONFIGURATIONS = {
    "safe-harbour", "welcome", "please-wait", "back-in-a-moment", "press-1-unknown", "voicemail-drop",
    "inbound-welcome",
}  # fmt: skip
"""Said to customers where a campaign's configuration names them."""


def test_every_prompt_of_the_table_is_said_somewhere() -> None:
    named = {
        text
        for room in ("dialer", "config", "freeswitch")
        for path in (ROOT / room).rglob("*.py")
        for text in _literals(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert [i for i in IDS if i not in named | FOR_CONFIGURATIONS and not i.startswith(FAMILIES)] == []


# ---- the catalogue ------------------------------------------------------------------------------------------------


def test_a_prompt_is_a_path_and_several_are_one_string() -> None:
    prompts = Prompts()
    assert prompts.path("paused") == f"{HERE}/en/paused.wav"
    assert prompts.path("paused", "zh") == f"{HERE}/zh/paused.wav"
    assert prompts.playable(["paused"]) == f"{HERE}/en/paused.wav"
    assert prompts.playable(words.digits("10"), "zh") == f"file_string://{HERE}/zh/digit-1.wav!{HERE}/zh/digit-0.wav"
    assert prompts.seconds(["paused"]) == read_info(HERE / "en/paused.wav").seconds
    both = prompts.seconds(["paused"]) + prompts.seconds(["ready"])
    assert prompts.seconds(["paused", "ready"]) == pytest.approx(both + JOIN_S)
    assert prompts.durations()[f"{HERE}/zh/paused.wav"] == prompts.seconds(["paused"], "zh")


@pytest.mark.parametrize("language", ["zh-CN", "zh_TW", "ZH", "zh"])
def test_a_kind_of_a_language_is_that_language(language: str) -> None:
    assert Prompts().language(language) == "zh"


def test_a_language_without_recordings_hears_the_first() -> None:
    assert Prompts(("zh", "en")).path("paused", "sw") == f"{HERE}/zh/paused.wav"


@pytest.mark.parametrize(
    "ident", ["", "no-such", "../en/paused", "paused.wav", "/etc/passwd", "paused!/etc/passwd", "a b", "Paused", "x\n"]
)
def test_an_unknown_prompt_is_an_error(ident: str) -> None:
    for ask in (Prompts().playable, Prompts().seconds):
        with pytest.raises(PromptError, match="not in the table"):
            ask([ident])
    with pytest.raises(CommandError):
        Prompts().path(ident)


@pytest.mark.parametrize(
    "path", ["relative.wav", "/tmp/a b.wav", "/tmp/a!b.wav", "/tmp/a'b.wav", "/a/../b.wav", "/a@@1.wav"]
)
def test_a_path_that_a_command_would_cut_is_refused(path: str) -> None:
    with pytest.raises(PromptError, match="absolute path"):
        Prompts().playable([Path(path)])
    with pytest.raises(PromptError, match="absolute path"):
        Prompts(switch_directory=path)


def test_the_number_of_parts_is_bounded() -> None:
    for count in (0, MAX_PARTS + 1):
        with pytest.raises(PromptError, match="1 to 100"):
            Prompts().playable(["paused"] * count)
    assert Prompts().playable(["paused"] * MAX_PARTS).count("!") == MAX_PARTS - 1


def test_a_language_that_does_not_ship_needs_recordings() -> None:
    with pytest.raises(PromptError, match="de: expected one of en, zh"):
        Prompts(("de",))
    for language in ("../en", "EN", "e", ""):
        with pytest.raises(PromptError, match="a language such as en"):
            Prompts((language,))
    with pytest.raises(PromptError, match="at least one"):
        Prompts(())


# ---- the centre's own ---------------------------------------------------------------------------------------------


def test_an_own_recording_replaces_ours(tmp_path: Path) -> None:
    own = write_wav(tmp_path / "en" / "paused.wav", 2.5)
    prompts = Prompts(directory=str(tmp_path))
    assert prompts.path("paused") == str(own)
    assert prompts.seconds(["paused"]) == 2.5
    assert prompts.recording("paused").own
    assert prompts.path("paused", "zh") == f"{HERE}/zh/paused.wav"
    assert prompts.path("ready") == f"{HERE}/en/ready.wav"


def test_what_replaces_nothing_is_told(tmp_path: Path) -> None:
    for name in ("en/paused.wav", "en/pausd.wav", "en/ready.mp3", "fr/ready.wav"):
        write_wav(tmp_path / name)
    strays = Prompts(directory=str(tmp_path)).strays()
    assert strays == [f"{tmp_path}/en/pausd.wav", f"{tmp_path}/en/ready.mp3", f"{tmp_path}/fr/ready.wav"]
    assert Prompts().strays() == []


def test_an_own_language_is_spoken_when_it_is_complete(tmp_path: Path) -> None:
    for ident in IDS:
        write_wav(tmp_path / "de" / f"{ident}.wav", 0.5)
    prompts = Prompts(("de", "en"), directory=str(tmp_path))
    assert prompts.languages == ("de", "en")
    assert prompts.path("paused") == f"{tmp_path}/de/paused.wav"
    (tmp_path / "de" / "paused.wav").unlink()
    with pytest.raises(PromptError, match=rf"{tmp_path}/de/paused.wav: expected a readable recording"):
        Prompts(("de",), directory=str(tmp_path))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "a WAV file"),
        (b"ID3\x03" + bytes(200), "a WAV file"),
        (b"RIFF\x00\x00\x00\x00WAVE", "header is whole"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd", "a format and a sound"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(16), "PCM or G.711"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff\x01\x00", "header is whole"),
        (b"RIFF\x00\x00\x00\x00WAVE" + b"junk\x00\x00\x00\x00" * 200, "a format and a sound"),
    ],
)
def test_an_unfit_own_recording_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "en" / "paused.wav"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(PromptError, match=rf"{path}: expected .*{expected}"):
        Prompts(directory=str(tmp_path))
    with pytest.raises(WavError):
        read_info(path)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 121.0])
def test_an_own_recording_has_a_sane_length(tmp_path: Path, seconds: float) -> None:
    write_wav(tmp_path / "en" / "paused.wav", seconds, 8000)
    with pytest.raises(PromptError, match=r"paused.wav: expected a recording of 0.1 to 120 s"):
        Prompts(directory=str(tmp_path))


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=rf"{tmp_path}/no: expected a directory"):
        Prompts(directory=f"{tmp_path}/no")


def test_a_length_that_a_pipe_could_not_know(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", 1.0, 8000)
    content = bytearray(path.read_bytes())
    content[40:44] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    assert read_info(path).seconds == 1.0


def test_another_host_gets_a_copy_of_all(tmp_path: Path) -> None:
    write_wav(tmp_path / "own" / "en" / "paused.wav", 2.0)
    prompts = Prompts(directory=str(tmp_path / "own"), switch_directory="/srv/prompts/")
    assert prompts.path("paused") == "/srv/prompts/en/paused.wav"
    assert prompts.seconds(["paused"]) == 2.0
    assert prompts.export(tmp_path / "out") == len(KEYS)
    assert read_info(tmp_path / "out" / "en" / "paused.wav").seconds == 2.0
    assert (tmp_path / "out" / "zh" / "ready.wav").read_bytes() == (HERE / "zh" / "ready.wav").read_bytes()


# ---- words --------------------------------------------------------------------------------------------------------


def test_everything_put_together_is_in_the_table() -> None:
    today = date(2026, 12, 30)
    parts = {*words.digits("0123456789*#"), *words.choice("paused", "1"), *words.agent("1"), *words.help_call("1")}
    for minutes in range(1, 200):
        parts |= {*words.wait(minutes * 60.0), *words.locked_out(minutes * 60.0)}
    for ahead in range(-40, 400):
        parts |= {*words.day(today + timedelta(days=ahead), today)}
    for minute in range(24 * 60):
        parts |= {*words.clock(*divmod(minute, 60))}
    assert parts - set(IDS) == set()


def test_days_and_times() -> None:
    today = date(2026, 11, 25)  # a Wednesday
    assert words.day(today, today) == ("day-today",)
    assert words.day(date(2026, 11, 27), today) == ("day-after-tomorrow",)
    assert words.day(date(2026, 11, 28), today) == ("day-saturday",)
    assert words.day(date(2026, 12, 2), today) == ("month-12", "date-2")
    assert words.day(date(2026, 11, 24), today) == ("month-11", "date-24")
    assert words.callback_set(datetime(2026, 11, 26, 14, 5), today) == (
        "callback-set",
        "day-tomorrow",
        "time-hour-14",
        "time-minute-5",
    )
    for hour, minute in ((24, 0), (-1, 0), (0, 60), (0, -1)):
        with pytest.raises(ValueError, match="time of day"):
            words.clock(hour, minute)


@pytest.mark.parametrize(
    ("seconds", "prompt"),
    [(0, "1"), (60, "1"), (61, "2"), (601, "15"), (1801, "45"), (3600, "60"), (3601, "more"), (1e9, "more")],
)
def test_a_wait_is_never_said_shorter_than_it_is(seconds: float, prompt: str) -> None:
    assert words.wait(seconds) == (f"wait-minutes-{prompt}",)


def test_letters_of_an_agents_id_are_not_spoken() -> None:
    assert words.agent("a-12") == ("agent", "digit-1", "digit-2")
    assert words.agent("anna") == ("agent",)


# ---- the table and its maker --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id,en\n", r":1: expected the columns id, en, zh"),
        ("id,en,zh\na,b\n", r":2: expected an id and a text in each language"),
        ("id,en,zh\na,b, \n", r":2: expected an id and a text"),
        ("id,en,zh\na,b,c\na,b,c\n", r":3: 'a': expected an id of its own"),
        ("id,en,zh\n../a,b,c\n", r":2: '../a': expected an id"),
        ("id,en,zh\na--b,b,c\n", r":2: 'a--b': expected an id"),
        ("id,en,zh\nA,b,c\n", r":2: 'A': expected an id"),
    ],
)
def test_a_fault_in_the_table_is_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "prompts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(table.TableError, match=fault):
        table.prompts(path)


def test_damaged_digests_are_named(tmp_path: Path) -> None:
    path = tmp_path / "digests.json"
    for text in ("{", "[]", '{"en/a": 3}', '{"en/a": ["x"]}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(table.TableError, match="expected pairs of digests"):
            table.digests(path)


def test_another_text_voice_or_recording_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(HERE, tmp_path / "sounds", ignore=shutil.ignore_patterns("__pycache__"))
    place = tmp_path / "sounds"
    assert make.stale(place) == []
    (place / "en/paused.wav").write_bytes(b"other")
    (place / "zh/paused.wav").unlink()
    assert make.stale(place) == ["en/paused", "zh/paused"]
    monkeypatch.setitem(make.VOICES, "zh", ("cmn", 200, 200, 0))
    assert len(make.stale(place)) > len(IDS) * 0.9


@pytest.mark.skipif(NO_TOOLS, reason="needs espeak-ng and sox")
def test_what_is_made_anew_is_the_same(tmp_path: Path) -> None:
    """Only what changed is made, and the same text makes the same sound."""
    place = tmp_path / "sounds"
    shutil.copytree(HERE, place, ignore=shutil.ignore_patterns("__pycache__"))
    lost = ["en/beep", "en/paused", "zh/digit-2"]
    for key in lost:
        (place / f"{key}.wav").unlink()
    assert sorted(make.make(place)) == lost
    first = [(place / f"{key}.wav").read_bytes() for key in lost]
    assert make.make(place) == []
    for key in lost:
        (place / f"{key}.wav").unlink()
    make.make(place)
    assert [(place / f"{key}.wav").read_bytes() for key in lost] == first


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(make.MakeError, match="espeak-ng is missing"):
        make.make(tmp_path)
    assert not list(tmp_path.rglob("*.wav"))


def test_check_needs_no_tools(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make.main(["--check"]) == 0
    assert "as the table says" in capsys.readouterr().out
