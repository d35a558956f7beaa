"""What one frame of telephone sound is like: level, strongest partials, purity, flatness.

Owns the signal processing of a frame (L16, 8 kHz, 20 ms) and nothing that lasts longer; the judges see only
``Sound``. Constant time for each frame, any bytes are sound, and equal bytes give equal results.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE: Final = 8000
FRAME: Final = 160
FRAME_BYTES: Final = 2 * FRAME
FRAME_S: Final = FRAME / RATE

_FFT: Final = 256
_OVERLAP: Final = _FFT - FRAME
_BIN_HZ: Final = RATE / _FFT
_LOW, _HIGH = 6, 120  # bins of 190–3750 Hz: what a telephone carries
_REACH: Final = 2  # a Hann window spreads a partial over two bins on each side
FLOOR_DB: Final = -96.0
HEARABLE_DB: Final = -52.0
"""Below this level nobody looks at the spectrum."""
SECOND_FROM, SECOND_TO = 0.25, 0.93
"""A second partial is looked for when the first holds such a share of the power."""


class Sound(NamedTuple):
    """One frame. Shares are of the power in the telephone band; levels in dB below full scale."""

    level: float
    hz: float = 0.0  # the strongest partial, 0 when nothing was looked for
    purity: float = 0.0  # its share
    hz2: float = 0.0  # the second one
    purity2: float = 0.0  # both shares together
    flatness: float = 1.0  # 0 a pure tone … 1 white noise


SILENCE: Final = Sound(FLOOR_DB)


class Ear:
    """Frames in, ``Sound`` out. Remembers the last 12 ms, because a spectrum looks back."""

    __slots__ = ("_buffer",)

    _window: NDArray[np.float32] = np.hanning(_FFT + 1)[:-1].astype(np.float32)
    _alone: NDArray[np.float32] = np.hanning(FRAME + 1)[:-1].astype(np.float32)

    def __init__(self) -> None:
        self._buffer: NDArray[np.float32] = np.zeros(_FFT, np.float32)

    def hear(self, frame: bytes) -> Sound:
        """What ``frame`` sounds like; a short one is filled up with silence, a long one cut."""
        if len(frame) != FRAME_BYTES:
            frame = frame[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
        buffer = self._buffer
        buffer[:_OVERLAP] = buffer[FRAME:]
        new = buffer[_OVERLAP:]
        new[:] = np.frombuffer(frame, "<i2")
        mean = float(new.sum()) / FRAME
        power = float(np.dot(new, new)) / FRAME - mean * mean  # a constant offset is no sound
        level = 10.0 * math.log10(power) - 90.309 if power > 1.0 else FLOOR_DB
        if level < HEARABLE_DB:
            return Sound(level)
        return self._look(level, self._buffer * self._window)

    def hear_after_gap(self, frame: bytes) -> Sound:
        """The same for a frame before which sound was lost: nothing before it is looked at."""
        heard = self.hear(frame)
        alone = np.zeros(_FFT, np.float32)
        alone[:FRAME] = np.frombuffer(frame, "<i2") * self._alone
        return heard if heard.level < HEARABLE_DB else self._look(heard.level, alone)

    def _look(self, level: float, windowed: NDArray[np.float32]) -> Sound:
        spectrum = np.fft.rfft(windowed)[_LOW:_HIGH]
        power: NDArray[np.float32] = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        total = float(power.sum())
        if total <= 0.0:
            return Sound(level)
        flatness = math.exp(float(np.log(power + 1e-3).mean())) * len(power) / total
        hz, purity, low, high = _peak(power, total)
        if not SECOND_FROM < purity < SECOND_TO:
            return Sound(level, hz, purity, 0.0, purity, flatness)
        power[low:high] = 0.0
        hz2, second, _, _ = _peak(power, total)
        return Sound(level, hz, purity, hz2, purity + second, flatness)


def _peak(power: NDArray[np.float32], total: float) -> tuple[float, float, int, int]:
    """The strongest partial: its frequency, its share, and the bins that it lies in."""
    at = int(power.argmax())
    low, high = max(0, at - _REACH), at + _REACH + 1
    share = float(power[low:high].sum()) / total
    offset = 0.0
    if 0 < at < len(power) - 1:
        left, middle, right = (math.log(float(value) + 1e-3) for value in power[at - 1 : at + 2])
        bend = left - 2 * middle + right
        if bend < -1e-9:
            offset = 0.5 * (left - right) / bend
    return (at + _LOW + offset) * _BIN_HZ, share, low, high
