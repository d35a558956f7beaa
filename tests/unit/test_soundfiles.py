"""Recordings on the disk: what is sound, what has lost its end, what may be deleted."""

from __future__ import annotations

import hashlib
import os
import wave
from pathlib import Path

import pytest

from dialer import soundfiles
from dialer.soundfiles import checksum, delete, inspect, strangers


def record(path: Path, seconds: float = 3.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\x01\x02\x03\x04" * int(8000 * seconds))
    return path


def test_a_sound_file(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wav")
    found = inspect(path, 3.2)
    assert found is not None and (found.problem, found.seconds) == ("", 3.0)
    assert (found.sha256, found.size) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    assert checksum(path) == (found.sha256, found.size)
    assert inspect(path, 0.0) == found


def test_a_full_disk_cuts_the_end_off(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wav", 100.0)
    os.truncate(path, 44 + 4 * 8000 * 12)
    found = inspect(path, 100.0)
    assert found is not None and found.problem == "holds 12.0 s of the 100.0 s that were recorded"


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "expected a WAV file"), (b"not a recording", "expected a WAV file"), (b"RIFF\0\0\0\0WAVE", "expected")],
)
def test_what_is_no_recording(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    found = inspect(tmp_path / "a.wav", 5.0)
    assert found is not None and found.seconds is None and problem in found.problem


def test_silence_of_no_length(tmp_path: Path) -> None:
    found = inspect(record(tmp_path / "a.wav", 0.0), 0.0)
    assert found is not None and found.problem == "holds no sound"


def test_nothing_there_and_nothing_that_could_be_read(tmp_path: Path) -> None:
    assert inspect(tmp_path / "none.wav", 1.0) is None
    os.mkfifo(tmp_path / "pipe.wav")
    for name in ("pipe.wav", ""):
        with pytest.raises(OSError):
            inspect(tmp_path / name, 1.0)


def test_deleting_takes_empty_folders_along(tmp_path: Path) -> None:
    home = tmp_path / "rec"
    a, b = record(home / "2026-09-21/bank/a.wav"), record(home / "2026-09-21/bank/b.wav")
    assert delete(home, a) and b.exists()
    assert delete(home, b) and home.exists() and not (home / "2026-09-21").exists()
    assert not delete(home, b)


def test_nothing_outside_is_deleted(tmp_path: Path) -> None:
    home, outside = tmp_path / "rec", record(tmp_path / "outside/a.wav")
    home.mkdir()
    (home / "link").symlink_to(tmp_path / "outside")
    (home / "b.wav").symlink_to(outside)
    (home / "folder.wav").mkdir()
    for path in (home / "link/a.wav", home / "../outside/a.wav", home / "b.wav", home / "folder.wav"):
        with pytest.raises(PermissionError):
            delete(home, path)
    assert outside.exists()


def test_strangers(tmp_path: Path) -> None:
    known, unknown = record(tmp_path / "b/known.wav"), record(tmp_path / "a/unknown.wav")
    (tmp_path / "readme.txt").write_text("x")
    assert list(strangers(tmp_path, {str(known)}, ".wav")) == [unknown]
    assert list(soundfiles.strangers(tmp_path / "none", set(), ".wav")) == []
