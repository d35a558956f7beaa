"""What a speaking program wrote, made fit for a call: one channel of 16 bit, no silence at the ends, not too long.

Owns the reading of foreign WAV files with a bound on their size. Keeps the sampling rate: the switch converts it.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np

from freeswitch.sounds.wav import PCM, WavError, read_info

MAX_BYTES: Final = 8 * 1024 * 1024
_SILENCE: Final = 0.005
"""Share of full scale."""
_PEAK: Final = 0.7
_MARGIN_S: Final = 0.03
_FADE_S: Final = 0.02


class SpeechError(Exception):
    """The program did not do what it is for."""


def write_trimmed(raw: Path, done: Path, longest_s: float) -> float:
    """Write ``raw`` to ``done``, trimmed, at -3 dB, cut with a short fade at ``longest_s``; returns its seconds.

    Raises SpeechError when there is nothing to hear in it.
    """
    try:
        info = read_info(raw)
    except WavError as error:
        raise SpeechError(f"did not write {error.expected}") from None
    if info.coding != PCM or info.bits != 16:
        raise SpeechError("did not write PCM of 16 bit")
    with raw.open("rb") as stream:
        stream.seek(info.data)
        content = stream.read(min(info.size, MAX_BYTES))
    width = 2 * info.channels
    sound = np.frombuffer(content[: len(content) // width * width], dtype="<i2").reshape(-1, info.channels)[:, 0]
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > _SILENCE * 32768)
    if loud.size == 0:
        raise SpeechError("wrote silence")
    margin = int(_MARGIN_S * info.rate)
    sound = sound[max(0, int(loud[0]) - margin) : int(loud[-1]) + margin]
    longest = int(longest_s * info.rate)
    level = sound[:longest].astype(np.float32)
    level *= _PEAK * 32767 / float(np.max(np.abs(level)))
    if len(sound) > longest:
        fade = min(longest, int(_FADE_S * info.rate))
        level[longest - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    with wave.open(str(done), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(info.rate)
        out.writeframes(level.astype("<i2").tobytes())
    return len(level) / info.rate
