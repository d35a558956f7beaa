"""From clean words to a telephone line: delays, rooms, noise, codecs, losses, clicks and beeps.

Owns the modelled line. Every choice is drawn from a generator that is passed in, so a seed makes the same corpus
again. Knows nothing of judges.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
RATE: Final = 8000
TAIL_S: Final = 3.0
NOISES: Final = ("none", "none", "comfort", "white", "pink", "hum", "street", "babble", "music")
CODECS: Final = ("pcm", "pcm", "narrow", "gsm")


@dataclass(frozen=True, slots=True)
class Take:
    """One call as it is heard, with what is true of it. Seconds after the answer."""

    signal: Signal
    begins: float
    ends: float
    noise: str
    codec: str
    beep: tuple[float, float, float] | None = None  # (hz, start, end)


def take(words: Signal, rng: np.random.Generator, *, machine: bool, others: Sequence[Signal]) -> Take:
    """Put ``words`` on a line."""
    noise = str(rng.choice(NOISES))
    codec = str(rng.choice(CODECS))
    delay = float(np.clip(rng.lognormal(-0.9 if not machine else -0.6, 0.6), 0.04, 2.5))
    beep: tuple[float, float, float] | None = None
    ends = delay + len(words) / RATE
    length = max(5.0, ends + TAIL_S)  # to the time bound of any verdict
    if machine:
        at = ends + float(rng.uniform(0.25, 1.3))
        beep = (float(rng.uniform(440, 1700)), at, at + float(rng.uniform(0.18, 0.9)))
        length = beep[2] + 1.5
    line = np.zeros(int(length * RATE), np.float32)
    start = int(delay * RATE)
    level = 10 ** (float(rng.uniform(-30, -14)) / 20) / max(1e-6, _loudness(words))
    if rng.random() < 0.35:
        words = _room(words, rng)[: len(line) - start]
    line[start : start + len(words)] += words * level
    loud = 10 ** (-20 / 20) if level <= 0 else _loudness(words) * level
    line += _noise(noise, len(line), loud, rng, others)
    if beep is not None:
        _add_tone(line, beep, float(rng.uniform(0.05, 0.3)), harmonic=rng.random() < 0.25)
    if rng.random() < 0.1:
        _add_tone(line, (425.0, 0.0, float(rng.uniform(0.05, 0.45))), 0.1)  # ringback that ends late
    if rng.random() < 0.2:
        _click(line, int(rng.uniform(0, max(0.01, delay)) * RATE), rng)  # the receiver is lifted
    line = _codec(codec, np.clip(line, -1, 1), rng)
    if rng.random() < 0.2:
        _lose(line, rng)
    return Take(line, delay, ends, noise, codec, beep)


def tone(hz: float, seconds: float, level: float = 0.2) -> Signal:
    """A steady tone."""
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def _loudness(words: Signal) -> float:
    """The level of the words themselves: the mean power of the louder half of all frames."""
    frames = words[: len(words) // 160 * 160].reshape(-1, 160)
    if not len(frames):
        return float(np.sqrt((words**2).mean()))
    power = np.sort((frames**2).mean(axis=1))
    return float(np.sqrt(power[len(power) // 2 :].mean()))


def _room(words: Signal, rng: np.random.Generator) -> Signal:
    rt60 = float(rng.uniform(0.12, 0.4))
    count = int(rt60 * RATE)
    echo = rng.normal(0, 1, count) * np.exp(-6.9 * np.arange(count) / count)
    echo *= float(rng.uniform(0.1, 0.4)) / np.sqrt((echo**2).sum())
    echo[0] += 1.0
    return np.convolve(words, echo)[: len(words) + int(0.25 * RATE)].astype(np.float32)


def _noise(kind: str, count: int, loud: float, rng: np.random.Generator, others: Sequence[Signal]) -> Signal:
    """Noise at 10 to 28 dB below the words."""
    if kind == "none":
        return np.zeros(count, np.float32)
    if kind == "comfort":
        return (rng.normal(0, 10 ** (float(rng.uniform(-72, -58)) / 20), count)).astype(np.float32)
    seconds = np.arange(count) / RATE
    if kind == "white":
        sound = rng.normal(0, 1, count)
    elif kind == "pink":
        sound = _pink(count, rng)
    elif kind == "street":
        sound = _pink(count, rng) * (1 + 0.7 * np.sin(2 * np.pi * float(rng.uniform(0.2, 0.7)) * seconds))
    elif kind == "hum":
        sound = sum(np.sin(2 * np.pi * 50 * n * seconds + n) / n for n in (1, 2, 3, 4, 5, 7)) + 0.2 * rng.normal(
            0, 1, count
        )
    elif kind == "babble":
        sound = np.zeros(count)
        for _ in range(int(rng.integers(3, 7))):
            other = others[int(rng.integers(len(others)))]
            sound += np.roll(np.resize(np.concatenate([other, np.zeros(2000)]), count), int(rng.integers(count)))
    else:
        sound = _music(seconds, rng)
    bed: Signal = np.asarray(sound, np.float32)
    bed *= loud * 10 ** (-float(rng.uniform(10, 28)) / 20) / max(1e-9, float(np.sqrt((bed**2).mean())))
    return bed


def _pink(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    return np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 20.0), count)


def _music(seconds: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chords with attacks, four beats in two seconds."""
    beat = 0.5
    out = np.zeros(len(seconds))
    for number in range(int(seconds[-1] / beat) + 1):
        here = (seconds >= number * beat) & (seconds < (number + 1) * beat)
        since = seconds[here] - number * beat
        root = 220 * 2 ** (int(rng.integers(0, 12)) / 12)
        phases = [2 * np.pi * root * ratio * since for ratio in (1, 1.26, 1.5)]
        chord = sum(np.sin(phase) + 0.3 * np.sin(2 * phase) for phase in phases)
        out[here] = chord * np.exp(-2 * since)
    return out


def _add_tone(line: Signal, beep: tuple[float, float, float], level: float, *, harmonic: bool = False) -> None:
    hz, start, end = beep
    at = int(start * RATE)
    sound = tone(hz, end - start, level)
    if harmonic:
        sound = sound + tone(2 * hz, end - start, level * 0.3)
    sound = sound[: max(0, len(line) - at)]
    ramp = min(40, len(sound) // 2)
    if ramp:
        sound[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
        sound[-ramp:] *= np.linspace(1, 0, ramp, dtype=np.float32)
    line[at : at + len(sound)] += sound


def _click(line: Signal, at: int, rng: np.random.Generator) -> None:
    count = min(int(rng.uniform(0.01, 0.09) * RATE), len(line) - at)
    line[at : at + count] += (rng.normal(0, float(rng.uniform(0.02, 0.15)), count) * np.linspace(1, 0, count)).astype(
        np.float32
    )


def _codec(kind: str, line: Signal, rng: np.random.Generator) -> Signal:
    if kind == "gsm":
        return gsm(line)
    if kind == "narrow":
        spectrum = np.fft.rfft(line)
        hz = np.fft.rfftfreq(len(line), 1 / RATE)
        spectrum[(hz < 300) | (hz > 3400)] = 0
        line = np.fft.irfft(spectrum, len(line)).astype(np.float32)
    # mu-law, as on most trunks
    pressed = np.sign(line) * np.log1p(255 * np.abs(line)) / np.log(256)
    pressed = np.round(pressed * 127) / 127
    return np.asarray(np.sign(pressed) * (256 ** np.abs(pressed) - 1) / 255, np.float32)


def gsm(line: Signal) -> Signal:
    """Through the full-rate GSM codec, there and back."""
    raw = (line * 32767).astype("<i2").tobytes()
    pcm = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-"]
    coded = subprocess.run(["sox", "-D", *pcm, "-t", "gsm", "-"], input=raw, capture_output=True, check=True).stdout
    back = subprocess.run(
        ["sox", "-D", "-t", "gsm", "-r", "8000", "-c", "1", "-", *pcm], input=coded, capture_output=True, check=True
    ).stdout
    heard: Signal = np.frombuffer(back, "<i2").astype(np.float32) / np.float32(32768)
    return heard[: len(line)] if len(heard) >= len(line) else np.pad(heard, (0, len(line) - len(heard)))


def _lose(line: Signal, rng: np.random.Generator) -> None:
    """Packets are lost: up to 3 of 100."""
    share = float(rng.uniform(0, 0.03))
    for at in range(0, len(line) - 160, 160):
        if rng.random() < share:
            line[at : at + 160] = 0


def line_for(signal: Signal, rng: np.random.Generator) -> Signal:
    """What a network plays, twice, from somewhere within the first seconds, over some line."""
    quiet = np.zeros(int(float(rng.uniform(0, 3)) * RATE), np.float32)
    line = np.concatenate([quiet, signal, np.zeros(6000, np.float32), signal, np.zeros(2 * RATE, np.float32)])
    line *= 10 ** (float(rng.uniform(-14, 0)) / 20) * 0.6 / max(1e-6, float(np.abs(signal).max()))
    noise = str(rng.choice(("none", "none", "comfort", "white", "pink", "hum")))
    line = line + _noise(noise, len(line), float(np.sqrt((line**2).mean())), rng, [signal])
    return _codec(str(rng.choice(CODECS)), np.clip(line, -1, 1), rng)
