"""Early media: intercept tones, rhythms, learnt announcements, and all that says nothing about a number."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hearing_kit import Signal, joined, played, quiet, tone, with_noise, words

from dialer.domain.hearing import Announcement, AnnouncementHeard, ListenKind
from dialer.hearing.announcements import EarlySettings
from dialer.hearing.errors import HearingError, PrintsError, SoundFileError
from dialer.hearing.listener import HearingSettings, Listener
from dialer.hearing.prints import EMPTY, MatchSettings, Prints, learn
from dialer.hearing.printsfile import load, save
from dialer.hearing.wavefile import read_8k


def speech(seed: int, seconds: float = 5.0) -> Signal:
    """Words of their own: pitch, rhythm and formants drawn anew every 0.2 s."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(round(seconds / 0.2)):
        t = np.arange(1600) / 8000
        sound = sum(
            rng.uniform(0.1, 1) * np.sin(2 * np.pi * hz * t + rng.uniform(0, 6))
            for hz in rng.uniform(250, 3200, size=5)
        )
        parts.append(rng.uniform(0.05, 1) * np.asarray(sound))
    signal = np.concatenate(parts)
    return (0.5 * signal / np.abs(signal).max()).astype(np.float32)


def taught() -> Prints:
    new = [("dead.wav", Announcement.DEAD_NUMBER, speech(1)), ("off.wav", Announcement.SWITCHED_OFF, speech(2))]
    prints, faults = learn(EMPTY, new, MatchSettings())
    assert not faults
    return prints


def judged(signal: Signal, prints: Prints = EMPTY, early: EarlySettings | None = None) -> AnnouncementHeard | None:
    settings = HearingSettings(early=early or EarlySettings())
    listener = Listener("leg", ListenKind.EARLY, 0.0, 0.0, settings, prints)
    events = played(listener, signal)
    assert len(events) <= 1 and listener.done == bool(events)
    return events[0] if events else None  # type: ignore[return-value]


@pytest.mark.parametrize("hiss", [0.0, 0.02])
@pytest.mark.parametrize("start", [0.0, 0.33, 1.71])
@pytest.mark.parametrize(("seed", "what"), [(1, Announcement.DEAD_NUMBER), (2, Announcement.SWITCHED_OFF)])
def test_a_taught_announcement_is_known_again(seed: int, what: Announcement, start: float, hiss: float) -> None:
    signal = joined(quiet(start), speech(seed) * np.float32(0.4), quiet(1.0))
    event = judged(with_noise(signal, hiss), taught())
    assert event is not None and event.what is what
    assert "alike over 2.8 s" in event.reason


@pytest.mark.parametrize("seed", range(10, 22))
def test_a_strange_announcement_says_nothing(seed: int) -> None:
    assert judged(speech(seed, 9.0), taught()) is None


def test_half_of_a_taught_announcement_says_nothing() -> None:
    assert judged(joined(speech(1)[: 8000 * 2], quiet(1.0), speech(30, 4.0)), taught()) is None


def test_parts_that_meanings_share_are_not_used() -> None:
    prefix = speech(5, 2.6)
    new = [
        ("dead", Announcement.DEAD_NUMBER, joined(prefix, speech(6))),
        ("busy", Announcement.BUSY, joined(prefix, speech(7))),
    ]
    prints, faults = learn(EMPTY, new, MatchSettings())
    assert len(faults) == 2 and "also in recordings of other meaning" in faults[0]
    assert judged(joined(prefix, speech(8)), prints) is None
    event = judged(joined(prefix, speech(7)), prints)
    assert event is not None and event.what is Announcement.BUSY


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(PrintsError, match="which means dead_number"):
        learn(taught(), [("again.wav", Announcement.BUSY, speech(1))], MatchSettings())
    with pytest.raises(PrintsError, match=r"less than 2\.8 s"):
        learn(EMPTY, [("short.wav", Announcement.BUSY, speech(1, 1.0))], MatchSettings())
    with pytest.raises(PrintsError, match="cannot be taught"):
        learn(EMPTY, [("x.wav", Announcement.UNKNOWN, speech(1))], MatchSettings())
    with pytest.raises(PrintsError, match="same name"):
        learn(EMPTY, [("x", Announcement.BUSY, speech(1)), ("x", Announcement.BUSY, speech(2))], MatchSettings())


def test_a_name_replaces_its_former_self() -> None:
    prints, _ = learn(taught(), [("dead.wav", Announcement.DEAD_NUMBER, speech(9))], MatchSettings())
    assert [one.name for one in prints.recordings] == ["off.wav", "dead.wav"]
    assert judged(speech(1), prints) is None
    assert judged(speech(9), prints) is not None


def test_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "announcements.npz"
    save(taught(), path)
    prints = load(path)
    assert prints.recordings == taught().recordings
    event = judged(speech(1), prints)
    assert event is not None and event.what is Announcement.DEAD_NUMBER
    assert [one.name for one in tmp_path.iterdir()] == ["announcements.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"\x93NUMPY\x01\x00", b"x" * 5000])
def test_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "announcements.npz"
    path.write_bytes(content)
    with pytest.raises(HearingError, match="announcements"):
        load(path)
    with pytest.raises(HearingError, match="WAV"):
        read_8k(path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(PrintsError, match="No such file"):
        load(tmp_path / "none.npz")
    with pytest.raises(SoundFileError, match="No such file"):
        read_8k(tmp_path / "none.wav")
    with pytest.raises(PrintsError, match="No such file"):
        save(EMPTY, tmp_path / "none" / "x.npz")


@pytest.mark.parametrize(("rate", "channels", "width"), [(8000, 1, 2), (16000, 1, 2), (44100, 2, 2), (8000, 1, 1)])
def test_recordings_of_any_rate(tmp_path: Path, rate: int, channels: int, width: int) -> None:
    t = np.arange(rate) / rate
    sound = 0.5 * np.sin(2 * np.pi * 1000 * t)
    scaled = (sound * 32767).astype("<i2") if width == 2 else (sound * 127 + 128).astype(np.uint8)
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.repeat(scaled, channels).tobytes())
    signal = read_8k(tmp_path / "x.wav")
    assert len(signal) == 8000
    spectrum = np.abs(np.fft.rfft(signal))
    assert int(spectrum.argmax()) == 1000
    assert 0.45 < float(np.abs(signal).max()) < 0.55


def test_intercept_tones_mean_a_dead_number() -> None:
    sit = joined(quiet(0.5), tone(913.8, 0.274), tone(1370.6, 0.274), tone(1776.7, 0.38), quiet(0.5))
    event = judged(sit)
    assert event is not None and event.what is Announcement.DEAD_NUMBER
    assert "intercept" in event.reason


def test_the_generic_tones_mean_what_the_operator_says() -> None:
    sit = joined(quiet(0.5), tone(950, 0.33), tone(1400, 0.33), tone(1800, 0.33), quiet(0.5))
    assert judged(sit) is None
    event = judged(sit, early=EarlySettings(generic_sit=Announcement.DEAD_NUMBER))
    assert event is not None and event.what is Announcement.DEAD_NUMBER


def test_ringback_and_music_say_nothing_about_the_number() -> None:
    ring = joined(*[joined(tone(425, 1.0), quiet(4.0))] * 6)
    assert judged(ring, taught()) is None
    event = judged(words(14.0), taught())
    assert event is not None and event.what is Announcement.UNKNOWN


def test_a_busy_tone() -> None:
    event = judged(joined(*[joined(tone(425, 0.5), quiet(0.5))] * 6))
    assert event is not None and event.what is Announcement.BUSY
