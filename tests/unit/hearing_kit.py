"""Sounds for the hearing tests, made with numpy: bursts that rise and fall like syllables, tones, noise, silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dialer.domain.hearing import HearingEvent, WordsHeard
from dialer.hearing.cadence import Cadence, CadenceSettings, Judgement
from dialer.hearing.listener import Listener
from dialer.hearing.sound import FRAME_S, RATE, Ear
from dialer.hearing.wavefile import frames

Signal = NDArray[np.float32]


def quiet(seconds: float) -> Signal:
    return np.zeros(round(seconds * RATE), np.float32)


def tone(hz: float, seconds: float, level: float = 0.2, hz2: float = 0.0) -> Signal:
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.sin(2 * np.pi * hz * t)
    if hz2:
        sound = 0.5 * (sound + np.sin(2 * np.pi * hz2 * t))
    return (level * sound).astype(np.float32)


def noise(seconds: float, level: float = 0.01, seed: int = 1) -> Signal:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE)).astype(np.float32)


def words(seconds: float, level: float = 0.3, pitch: float = 130.0, rate: float = 5.0) -> Signal:
    """A voice: harmonics of a gliding pitch under two formants, in syllables, ``rate`` a second."""
    t = np.arange(round(seconds * RATE)) / RATE
    glide = pitch * (1 + 0.08 * np.sin(2 * np.pi * 0.9 * t))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    sound = np.zeros(len(t))
    for n in range(1, 24):
        hz = n * pitch
        weight = np.exp(-(((hz - 600) / 350) ** 2)) + 0.5 * np.exp(-(((hz - 1500) / 500) ** 2)) + 0.02
        sound += weight * np.sin(n * phase + n * n)
    syllables = np.abs(np.sin(np.pi * rate * t)) ** 0.8
    sound *= 0.04 + syllables
    return (level * sound / np.abs(sound).max()).astype(np.float32)


def joined(*parts: Signal) -> Signal:
    return np.concatenate(parts)


def with_noise(signal: Signal, level: float, seed: int = 2) -> Signal:
    return (signal + noise(len(signal) / RATE, level, seed)[: len(signal)]).astype(np.float32)


def judged(signal: Signal, settings: CadenceSettings | None = None) -> Judgement:
    """The one verdict on ``signal`` and then silence."""
    cadence = Cadence(settings or CadenceSettings())
    ear = Ear()
    verdicts = []
    pieces = frames(joined(signal, quiet(6.0)))
    for number, piece in enumerate(pieces):
        verdict = cadence.feed(ear.hear(piece), (number + 1) * FRAME_S)
        if verdict is not None:
            verdicts.append(verdict)
    assert len(verdicts) == 1
    return verdicts[0]


def without_words(events: list[HearingEvent]) -> list[HearingEvent]:
    """What is told but that somebody speaks still."""
    return [event for event in events if not isinstance(event, WordsHeard)]


def played(listener: Listener, signal: Signal, start: float = 0.0) -> list[HearingEvent]:
    """What a listener tells when ``signal`` comes in real time, but that somebody speaks still."""
    return without_words(everything(listener, signal, start))


def everything(listener: Listener, signal: Signal, start: float = 0.0) -> list[HearingEvent]:
    """What a listener tells when ``signal`` comes in real time."""
    now = start
    events: list[HearingEvent] = []
    for piece in frames(signal):
        now += FRAME_S
        events += listener.packet(piece, now)
        events += listener.tick(now)
    return events
