"""The sections ``prompts`` and ``speech``: every fault with its line, and what comes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load
from config.schema import Config
from config.sounds_schema import SHIPPED_LANGUAGES
from dialer.clitools import running
from dialer.speech import ESPEAK
from dialer.voice import configured_prompts, configured_speech
from freeswitch.sounds.table import HERE, SHIPPED, prompts
from freeswitch.sounds.wav import read_info

HEAD = """\
data_dir: data
switch: embedded
trunks: [{name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}]
seats: [{id: 1001}]
agents: [{id: 1001}]
"""


def write(tmp_path: Path, more: str) -> Path:
    file = tmp_path / "dialer.yaml"
    file.write_text(HEAD + more, encoding="utf-8")
    return file


def read(tmp_path: Path, more: str = "") -> Config:
    return load(write(tmp_path, more)).config


def faults(tmp_path: Path, more: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, more)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]


def test_the_languages_are_those_that_ship() -> None:
    assert SHIPPED_LANGUAGES == SHIPPED


def test_without_a_word_ours_are_spoken_in_english(tmp_path: Path) -> None:
    config = read(tmp_path)
    prompts, speech = configured_prompts(config), configured_speech(config)
    assert prompts.languages == ("en", "zh")
    assert prompts.path("paused") == f"{HERE}/en/paused.wav"
    assert (speech.command, speech.cache_dir, speech.max_seconds) == (None, tmp_path / "data" / "speech", 15.0)


def test_all_keys(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "zh").mkdir(parents=True)
    (own / "zh" / "paused.wav").write_bytes((HERE / "zh" / "ready.wav").read_bytes())
    config = read(
        tmp_path,
        f"prompts: {{language: zh, directory: {own}, switch_directory: /srv/prompts}}\n"
        'speech: {command: [sh, -c, "cat > {output}"], cache_dir: /var/cache/names, max_seconds: 8s}\n',
    )
    prompts, speech = configured_prompts(config), configured_speech(config)
    assert prompts.languages == ("zh", "en")
    assert prompts.path("paused") == "/srv/prompts/zh/paused.wav"
    assert prompts.seconds(["paused"]) == read_info(HERE / "zh" / "ready.wav").seconds
    assert speech.command == ("sh", "-c", "cat > {output}")
    assert (speech.cache_dir, speech.max_seconds) == (Path("/var/cache/names"), 8.0)


def test_an_empty_command_never_speaks(tmp_path: Path) -> None:
    assert configured_speech(read(tmp_path, "speech: {command: []}\n")).program() == ()


def test_the_default_command_takes_no_text() -> None:
    assert "--stdin" in ESPEAK and not any("text" in part for part in ESPEAK)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prompts: {langauge: en}", "prompts.langauge"),
        ("prompts: {language: EN}", "prompts.language: EN: a language's code"),
        ("prompts: {language: ../en}", "prompts.language: ../en: a language's code"),
        ("prompts: {language: de}", "prompts.language: de: en or zh, or a language whose recordings are in"),
        ("prompts: {directory: /no/such}", "prompts.directory: /no/such: a directory that exists"),
        ("prompts: {directory: own}", "prompts.directory: own: an absolute path as the switch sees it"),
        ("prompts: {directory: /a b}", "prompts.directory: /a b: an absolute path as the switch sees it"),
        ("prompts: {switch_directory: /a!b}", "prompts.switch_directory: /a!b: an absolute path"),
        ("speech: {command: [no-such-program]}", "speech.command.0: no-such-program: a program that is installed"),
        ('speech: {command: [sh, "{text}"]}', "speech.command.1: {text}: only {language}, {output}"),
        ("speech: {command: espeak-ng}", "speech.command"),
        ("speech: {cache_dir: names}", "speech.cache_dir: names: an absolute path"),
        ("speech: {max_seconds: 10m}", "speech.max_seconds: 10m:"),
    ],
)
def test_faults(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text + "\n")
    assert found.startswith("dialer.yaml:6: ")
    assert fault in found


def test_the_command_copies_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own" / "en"
    own.mkdir(parents=True)
    for name in ("paused", "pausd"):
        (own / f"{name}.wav").write_bytes((HERE / "en" / "ready.wav").read_bytes())
    config = write(tmp_path, f"prompts: {{directory: {own.parent}}}\n")
    running.sounds(running.Where(config=config), tmp_path / "out")
    told = capsys.readouterr()
    assert f"{2 * len(prompts())} recordings, 1 of your own" in told.out
    assert f"replaces nothing: {own}/pausd.wav" in told.err
    assert (tmp_path / "out/en/paused.wav").read_bytes() == (HERE / "en/ready.wav").read_bytes()
