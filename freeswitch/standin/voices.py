"""What modelled callees and carriers sound like: bare L16 at 8 kHz, made once for each voice.

Owns the sounds and their names; who has which voice is the world's.  A voice begins with the answer, an announcement
with the first early media; afterwards there is the hiss of a line.  People say a short word, machines go on and beep,
carriers play the tones for a number that does not exist.  Must not know legs or time.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 8000
SAMPLE_BYTES: Final = 2
Signal = NDArray[np.float64]

PERSONS: Final = ("person-0.5", "person-0.8", "person-1.1")
MACHINES: Final = ("machine-beep", "machine-quiet")
DEAD: Final = "dead-number"
NAMES: Final = frozenset({*PERSONS, *MACHINES, DEAD})
_VACANT: Final = ((985.2, 0.38), (1370.6, 0.276), (1776.7, 0.38))


def voice_bytes(name: str, first: int, count: int) -> bytes:
    """Samples `first` to `first + count` of a voice; hiss before, after and for a name that is none."""
    voice = _voice(name) if name in NAMES else np.zeros(0)
    sound = _HISS[np.arange(first, first + count) % len(_HISS)].copy()
    begin, end = max(first, 0), min(first + count, len(voice))
    if begin < end:
        sound[begin - first : end - first] += voice[begin:end]
    return np.clip(sound * 32767.0, -32768, 32767).astype("<i2").tobytes()


def seconds_of(name: str) -> float:
    """How long a voice lasts."""
    return len(_voice(name)) / RATE_HZ if name in NAMES else 0.0


@cache
def _voice(name: str) -> Signal:
    kind, _, rest = name.partition("-")
    if kind == "person":
        return np.concatenate([_quiet(0.3), _words(float(rest))])
    if name == DEAD:
        tones = [_tone(hz, seconds) for hz, seconds in _VACANT]
        return np.concatenate([_quiet(0.5), *tones, _quiet(0.3), _words(4.0), _quiet(1.0), *tones])
    greeting = [_quiet(0.5), _words(5.0)]
    return np.concatenate([*greeting, _quiet(0.3), _tone(1000.0, 0.4)] if rest == "beep" else greeting)


def _quiet(seconds: float) -> Signal:
    return np.zeros(round(seconds * RATE_HZ))


def _tone(hz: float, seconds: float) -> Signal:
    sound: Signal = 0.25 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return sound


def _words(seconds: float) -> Signal:
    """Harmonics of a gliding pitch under two formants, in five syllables a second."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = 130.0
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.08 * np.sin(2 * np.pi * 0.9 * t))) / RATE_HZ
    sound = np.zeros(len(t))
    for n in range(1, 24):
        hz = n * pitch
        weight = np.exp(-(((hz - 600) / 350) ** 2)) + 0.5 * np.exp(-(((hz - 1500) / 500) ** 2)) + 0.02
        sound += weight * np.sin(n * phase + n * n)
    sound *= 0.04 + np.abs(np.sin(np.pi * 5.0 * t)) ** 0.8
    spoken: Signal = 0.3 * sound / np.abs(sound).max()
    return spoken


_HISS: Final = np.random.default_rng(1).normal(0.0, 0.0008, 4 * RATE_HZ)
