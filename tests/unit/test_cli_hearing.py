"""`dialer hearing`: learning, listing and judging recordings, and what is wrong with them in words."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hearing_kit import Signal, joined, quiet, words
from test_hearing_announcements import speech
from typer.testing import CliRunner, Result

from dialer.clitools.hearing import hearing_app


def wav(path: Path, signal: Signal) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes())
    return str(path)


def run(*args: str) -> Result:
    return CliRunner().invoke(hearing_app, list(args))


def test_learn_list_and_judge(tmp_path: Path) -> None:
    prints = str(tmp_path / "a.npz")
    dead, off = wav(tmp_path / "dead.wav", speech(1)), wav(tmp_path / "off.wav", speech(2))
    assert "1 announcements, 1 of them new" in run("learn", "--as", "dead_number", "-p", prints, dead).output
    assert "2 announcements, 1 of them new" in run("learn", "--as", "switched_off", "-p", prints, off).output
    listed = run("list", "-p", prints).output
    assert "dead_number" in listed and "off.wav" in listed
    call = wav(tmp_path / "call.wav", joined(quiet(0.5), speech(1)))
    assert "sounds like dead.wav" in run("judge", "--early", "-p", prints, call).output
    greeting = wav(tmp_path / "greeting.wav", joined(quiet(0.5), words(0.5)))
    assert "human: greeting 0.5 s" in run("judge", greeting).output
    assert "nothing" in run("judge", "--early", "-p", prints, greeting).output


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("learn", "--as", "lost", "x.wav"), "--as lost: expected dead_number, switched_off, busy, congestion"),
        (("learn", "--as", "busy", "-p", "none.npz", "none.wav"), "none.wav: No such file"),
        (("list", "-p", "none.npz"), "none.npz: No such file"),
        (("judge", "none.wav"), "none.wav: No such file"),
        (("judge", "--early", "-p", "none.npz", "none.wav"), "none.npz: No such file"),
    ],
)
def test_what_is_wrong_is_said(args: tuple[str, ...], text: str) -> None:
    result = run(*args)
    assert result.exit_code != 0
    assert text in str(result.exception)
