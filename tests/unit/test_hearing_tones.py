"""Beeps, keypad digits, call progress, special information tones."""

from __future__ import annotations

import pytest
from hearing_kit import Signal, joined, noise, quiet, tone, with_noise, words

from dialer.hearing import tones
from dialer.hearing.sound import FRAME_S, Ear
from dialer.hearing.tones import Rhythm, Tone, ToneSettings, ToneTracker, is_beep, is_fax, is_key, is_progress, sit_of
from dialer.hearing.wavefile import frames


def heard(signal: Signal) -> list[Tone]:
    ear, tracker = Ear(), ToneTracker(ToneSettings())
    found = []
    for number, piece in enumerate(frames(joined(signal, quiet(0.2)))):
        if (one := tracker.feed(ear.hear(piece), (number + 1) * FRAME_S)) is not None:
            found.append(one)
    return found


@pytest.mark.parametrize("hz", [440, 620, 1000, 1400, 1900])
@pytest.mark.parametrize("length", [0.25, 0.6, 1.5])
@pytest.mark.parametrize("hiss", [0.0, 0.01])
def test_a_tone_is_measured(hz: float, length: float, hiss: float) -> None:
    (one,) = heard(with_noise(joined(quiet(0.5), tone(hz, length), quiet(0.3)), hiss))
    assert abs(one.hz - hz) < 6 and one.hz2 == 0
    assert abs(one.length - length) <= 0.05
    assert abs(one.start - 0.5) <= 0.04
    assert is_beep(one, ToneSettings())


def test_a_beep_of_two_tones() -> None:
    (one,) = heard(joined(quiet(0.3), tone(900, 0.4, hz2=1350), quiet(0.3)))
    assert abs(one.hz - 900) < 8 and abs(one.hz2 - 1350) < 8
    assert is_beep(one, ToneSettings()) and not is_key(one)


@pytest.mark.parametrize("low", [697, 770, 852, 941])
@pytest.mark.parametrize("high", [1209, 1336, 1477])
def test_keypad_digits_are_no_beeps(low: float, high: float) -> None:
    (one,) = heard(joined(quiet(0.3), tone(low, 0.3, hz2=high), quiet(0.3)))
    assert is_key(one) and not is_beep(one, ToneSettings())


@pytest.mark.parametrize(("hz", "length"), [(1000, 0.08), (1000, 3.5), (300, 0.5), (2400, 0.5), (500, 0.18)])
def test_what_is_no_beep(hz: float, length: float) -> None:
    assert not any(is_beep(one, ToneSettings()) for one in heard(joined(quiet(0.3), tone(hz, length))))


def test_words_and_noise_hold_no_beep() -> None:
    for signal in (words(5.0), words(5.0, pitch=220), words(4.0, pitch=95, rate=3), noise(5.0, 0.1)):
        assert not any(is_beep(one, ToneSettings()) for one in heard(signal))


def test_call_progress_and_fax() -> None:
    assert is_progress(Tone(425, 0, 0, 1)) and is_progress(Tone(480, 620, 0, 1)) and is_progress(Tone(460, 0, 0, 1))
    assert not is_progress(Tone(1000, 0, 0, 1)) and not is_progress(Tone(697, 1209, 0, 1))
    assert is_fax(Tone(2100, 0, 0, 0.6), 0.5) and not is_fax(Tone(2100, 0, 0, 0.3), 0.5)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.38)), tones.INTERCEPT),
        (((985.2, 0.38), (1370.6, 0.274), (1776.7, 0.38)), tones.VACANT),
        (((913.8, 0.274), (1428.5, 0.38), (1776.7, 0.38)), tones.REORDER),
        (((985.2, 0.38), (1428.5, 0.38), (1776.7, 0.38)), tones.NO_CIRCUIT),
        (((950.0, 0.33), (1400.0, 0.33), (1800.0, 0.33)), tones.GENERIC),
        (((950.0, 0.33), (1400.0, 0.33), (1600.0, 0.33)), None),
        (((1800.0, 0.33), (1400.0, 0.33), (950.0, 0.33)), None),
        (((950.0, 0.1), (1400.0, 0.1), (1800.0, 0.1)), None),
    ],
)
def test_special_information_tones(parts: tuple[tuple[float, float], ...], name: str | None) -> None:
    found = heard(joined(quiet(0.4), *(tone(hz, length) for hz, length in parts), quiet(0.3)))
    assert sit_of(found) == name


@pytest.mark.parametrize(
    ("on", "off", "word"),
    [
        (0.5, 0.5, tones.BUSY),
        (0.35, 0.35, tones.BUSY),
        (0.25, 0.25, tones.CONGESTION),
        (1.0, 4.0, None),
        (0.5, 2.0, None),
    ],
)
def test_rhythms(on: float, off: float, word: str | None) -> None:
    rhythm = Rhythm()
    found = heard(joined(*(joined(tone(425, on), quiet(off)) for _ in range(6))))
    assert {rhythm.feed(one) for one in found} - {None} == ({word} if word else set())


def test_british_ringback_is_not_busy() -> None:
    rhythm = Rhythm()
    pair = joined(tone(425, 0.4), quiet(0.2), tone(425, 0.4), quiet(2.0))
    assert all(rhythm.feed(one) is None for one in heard(joined(*[pair] * 4)))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError):
        ToneSettings(beep_least_s=0.0)
    with pytest.raises(ValueError):
        ToneSettings(purity=0.2)
