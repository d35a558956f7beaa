"""Person or machine: greetings of many shapes, made of synthetic syllables."""

from __future__ import annotations

import pytest
from hearing_kit import joined, judged, noise, quiet, tone, with_noise, words

from dialer.domain.hearing import Verdict
from dialer.hearing.cadence import CadenceSettings


@pytest.mark.parametrize("delay", [0.1, 0.6, 1.2])
@pytest.mark.parametrize("length", [0.3, 0.6, 1.2])
@pytest.mark.parametrize("hiss", [0.0, 0.001, 0.008])
def test_a_short_greeting_and_quiet_is_a_person(delay: float, length: float, hiss: float) -> None:
    signal = joined(quiet(delay), words(length), quiet(3.0))
    verdict = judged(with_noise(signal, hiss) if hiss else signal)
    end = delay + length
    assert verdict.verdict is Verdict.HUMAN
    assert verdict.reason.startswith("human: greeting ")
    assert verdict.at - end <= 0.4
    assert verdict.greeting_end is not None and abs(verdict.greeting_end - end) <= 0.1


def test_two_words_with_a_breath_between_are_one_greeting() -> None:
    verdict = judged(joined(quiet(0.4), words(0.4), quiet(0.2), words(0.7)))
    assert verdict.verdict is Verdict.HUMAN
    assert verdict.greeting_end is not None and verdict.greeting_end > 1.6


def test_a_long_greeting_is_a_machines_and_says_why() -> None:
    verdict = judged(joined(quiet(0.5), words(1.5), quiet(0.2), words(6.0)))
    assert verdict.verdict is Verdict.MACHINE
    assert verdict.reason.startswith("machine: greeting 2.8 s in ")
    assert "no pause over 0.2 s" in verdict.reason
    assert verdict.at <= 3.5


def test_a_greeting_between_short_and_long_is_unsure() -> None:
    verdict = judged(joined(quiet(0.4), words(2.3)))
    assert verdict.verdict is Verdict.UNSURE
    assert verdict.greeting_end is not None
    assert verdict.at - 2.7 <= 0.4


def test_silence_is_unsure_before_the_strictest_clock_is_over() -> None:
    verdict = judged(quiet(5.0))
    assert (verdict.verdict, verdict.greeting_end) == (Verdict.UNSURE, None)
    assert verdict.at == pytest.approx(1.8)
    assert verdict.reason == "unsure: no words in 1.8 s"


@pytest.mark.parametrize("level", [0.003, 0.02, 0.08])
def test_steady_noise_is_nobody(level: float) -> None:
    assert judged(noise(6.0, level)).verdict is Verdict.UNSURE


def test_a_hum_is_nobody() -> None:
    assert judged(tone(150, 6.0, 0.1)).verdict is Verdict.UNSURE


def test_one_word_before_a_noisy_room_is_no_machine() -> None:
    room = words(6.0, level=0.05, pitch=180.0, rate=4.0)
    start = joined(quiet(0.5), words(0.4, level=0.6), quiet(5.1))
    assert judged(start + room[: len(start)]).verdict is not Verdict.MACHINE


def test_lost_packets_in_noise_do_not_make_a_machine() -> None:
    signal = joined(quiet(0.6), words(0.5), quiet(4.0))
    line = with_noise(signal, 0.03)
    for at in range(320, len(line) - 160, 3200):
        line[at : at + 160] = 0
    assert judged(line).verdict is Verdict.HUMAN


def test_a_click_delays_no_verdict_for_long() -> None:
    click = noise(0.04, 0.3)
    verdict = judged(joined(quiet(0.4), words(0.5), quiet(0.15), click, quiet(2.0)))
    assert verdict.verdict is Verdict.HUMAN
    assert verdict.at <= 0.9 + 0.5


def test_ringback_that_ends_late_is_no_greeting() -> None:
    verdict = judged(joined(tone(425, 0.5), quiet(0.3), words(0.5)))
    assert verdict.verdict is Verdict.HUMAN
    assert verdict.greeting_end is not None and verdict.greeting_end > 1.2


def test_a_beep_is_a_machine() -> None:
    verdict = judged(joined(quiet(0.6), tone(1000, 0.4), quiet(1.0)))
    assert verdict.verdict is Verdict.MACHINE
    assert "a beep: 1000 Hz for 0.4" in verdict.reason


@pytest.mark.parametrize("hz", [1100, 2100])
def test_a_fax_is_a_machine(hz: float) -> None:
    verdict = judged(joined(quiet(0.4), tone(hz, 3.0)))
    assert verdict.verdict is Verdict.MACHINE
    assert "fax" in verdict.reason
    assert verdict.at < 1.1


def test_a_keypad_digit_is_no_machine() -> None:
    verdict = judged(joined(quiet(0.4), tone(770, 0.3, hz2=1336), quiet(0.3), words(0.5)))
    assert verdict.verdict is Verdict.HUMAN


def test_words_that_go_on_at_the_time_bound() -> None:
    settings = CadenceSettings(decide_within_s=2.0)
    verdict = judged(joined(quiet(0.5), words(5.0)), settings)
    assert verdict.verdict is Verdict.UNSURE
    assert verdict.at == pytest.approx(2.0)
    assert verdict.greeting_end == verdict.at  # the clock starts no earlier: they still speak


@pytest.mark.parametrize(
    "bad",
    [
        {"human_greeting_s": 3.0},
        {"human_greeting_s": 0.0},
        {"human_pause_s": 0.0},
        {"human_pause_s": 9.0},
        {"decide_within_s": 0.1},
        {"decide_within_s": 99.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        CadenceSettings(**bad)  # type: ignore[arg-type]
