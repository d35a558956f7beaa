"""WAV files in: 8 kHz mono signals out, for learning announcements and for trying the judges on recordings.

Owns the reading and the resampling, with faults in words. Offline only: a file is read whole. Must not judge.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.hearing.errors import SoundFileError
from dialer.hearing.sound import FRAME_BYTES, RATE

MOST_SECONDS: Final = 600.0


def read_8k(path: Path) -> NDArray[np.float32]:
    """The first channel of a PCM file of 8 to 48 kHz as floats of -1 … 1. Raises SoundFileError."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, channels, count = (
                file.getframerate(),
                file.getsampwidth(),
                file.getnchannels(),
                file.getnframes(),
            )
            if not 8000 <= rate <= 48000:
                raise SoundFileError(f"{path}: {rate} samples a second; expected 8000 to 48000")
            if count > MOST_SECONDS * rate:
                raise SoundFileError(f"{path}: {count / rate:.0f} s long; expected at most {MOST_SECONDS:.0f} s")
            data = file.readframes(count)
    except (wave.Error, EOFError) as error:
        raise SoundFileError(f"{path}: no PCM WAV file: {error or 'it ends too early'}") from None
    except OSError as error:
        raise SoundFileError(f"{path}: {error.strerror or error}") from None
    data = data[: len(data) - len(data) % (width * channels)]
    if width == 1:
        samples = (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    elif width == 2:
        samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768.0
    else:
        raise SoundFileError(f"{path}: {8 * width} bits a sample; expected 8 or 16")
    mono = samples[::channels]
    if not len(mono):
        raise SoundFileError(f"{path}: empty")
    return resample(mono, rate)


def resample(signal: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """To 8 kHz, without what 8 kHz can't carry."""
    if rate == RATE:
        return signal
    spectrum = np.fft.rfft(signal)
    count = max(1, round(len(signal) * RATE / rate))
    kept = spectrum[: count // 2 + 1]
    return (np.fft.irfft(kept, count) * (count / len(signal))).astype(np.float32)


def frames(signal: NDArray[np.float32]) -> list[bytes]:
    """A signal as the frames that a switch would send; the last one is filled up with silence."""
    data = (np.clip(signal, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
    data += b"\0" * (-len(data) % FRAME_BYTES)
    return [data[at : at + FRAME_BYTES] for at in range(0, len(data), FRAME_BYTES)]
