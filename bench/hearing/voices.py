"""The synthesisers: words in, clean 8 kHz speech out, kept in a folder so that a text is spoken once.

Owns the commands of espeak-ng (for tuning), flite and festival (for judgement), their voices and the cache. Fails with
a sentence when one is not installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / "var" / "hearing-voices"


class LabError(Exception):
    """The lab can't work: a synthesiser is missing or said no."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker. ``speed`` is words a minute for espeak-ng, else a stretch of the durations."""

    engine: str  # espeak | flite | festival
    name: str
    language: str
    speed: float = 1.0
    pitch: int = 50

    def __str__(self) -> str:
        return f"{self.engine} {self.name} {self.speed:g}"


_LANGUAGES: Final = {
    "en": ("en-us", "en-gb", "en-gb-scotland"),
    "cmn": ("cmn",),
    "de": ("de",),
    "fr": ("fr-fr",),
    "es": ("es",),
}
_VARIANTS: Final = ("", "+f2", "+m3", "+f4", "+klatt2", "+m7", "+Annie", "+Mike", "+linda", "+Andy")


def tuning_voices(language: str) -> list[Voice]:
    """espeak-ng's: different persons, speeds and pitches."""
    names = _LANGUAGES[language]
    return [
        Voice("espeak", names[n % len(names)] + variant, language, (150, 175, 205)[n % 3], (35, 50, 65)[n % 3])
        for n, variant in enumerate(_VARIANTS)
    ]


_JUDGES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "en": (
        ("flite", "kal"),
        ("flite", "kal16"),
        ("flite", "awb"),
        ("flite", "rms"),
        ("flite", "slt"),
        ("festival", "kal_diphone"),
        ("festival", "ked_diphone"),
        ("festival", "cmu_us_slt_arctic_hts"),
    ),
    "cs": tuple(("festival", f"czech_{name}") for name in ("dita", "krb", "machac", "ph")),
    "it": (("festival", "lp_diphone"), ("festival", "pc_diphone")),
    "fi": (("festival", "hy_fi_mv_diphone"), ("festival", "suo_fi_lj_diphone")),
    "ca": (("festival", "upc_ca_ona_hts"),),
}
_ENCODINGS: Final = {"cs": "iso-8859-2", "it": "iso-8859-1", "fi": "iso-8859-1", "ca": "iso-8859-15", "en": "ascii"}


def judging_voices(language: str) -> list[Voice]:
    """flite's and festival's; tuning never hears them."""
    return [Voice(engine, name, language, speed) for engine, name in _JUDGES[language] for speed in (0.85, 1.0, 1.15)]


def speak(wanted: Iterable[tuple[Voice, str]]) -> dict[tuple[Voice, str], Signal]:
    """Each text by its voice. ``|`` in a text is a pause of half a second."""
    wanted = list(dict.fromkeys(wanted))
    parts = list(dict.fromkeys((voice, part) for voice, text in wanted for part in _parts(text)))
    _make([pair for pair in parts if not _path(*pair).exists()])
    spoken = {pair: trimmed(read_wave(_path(*pair))) for pair in parts}
    pause = np.zeros(4000, np.float32)
    joined: dict[tuple[Voice, str], Signal] = {}
    for voice, text in wanted:
        pieces: list[Signal] = []
        for part in _parts(text):
            pieces += [pause, spoken[voice, part]] if pieces else [spoken[voice, part]]
        joined[voice, text] = np.concatenate(pieces)
    return joined


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


def _path(voice: Voice, text: str) -> Path:
    name = hashlib.sha256(f"{voice}/{voice.pitch}/{text}".encode()).hexdigest()[:24]
    return CACHE / voice.engine / f"{name}.wav"


def _make(missing: list[tuple[Voice, str]]) -> None:
    for engine in ("espeak", "flite", "festival"):
        mine = [(voice, text) for voice, text in missing if voice.engine == engine]
        if not mine:
            continue
        command = "espeak-ng" if engine == "espeak" else engine
        if shutil.which(command) is None:
            raise LabError(f"{command} is not installed: apt-get install {' '.join(PACKAGES)}")
        (CACHE / engine).mkdir(parents=True, exist_ok=True)
        if engine == "festival":
            for voice in dict.fromkeys(voice for voice, _ in mine):
                _festival(voice, [text for one, text in mine if one == voice])
            continue
        for voice, text in mine:
            path = str(_path(voice, text))
            if engine == "espeak":
                how = ["-v", voice.name, "-s", f"{voice.speed:g}", "-p", str(voice.pitch)]
                words = ["espeak-ng", *how, "-w", path, text]
            else:
                how = ["-voice", voice.name, "--setf", f"duration_stretch={voice.speed:g}"]
                words = ["flite", *how, "-t", text, "-o", path]
            _run(words)


def _festival(voice: Voice, texts: list[str]) -> None:
    """One process for all texts of a voice: it takes a second to start."""
    lines = [f"(voice_{voice.name})", f"(Parameter.set 'Duration_Stretch {voice.speed:g})"]
    for text in texts:
        words = text.replace("\\", "").replace('"', "")
        lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{words}")) "{_path(voice, text)}" \'riff)')
    encoding = _ENCODINGS[voice.language]
    with tempfile.NamedTemporaryFile("wb", suffix=".scm") as script:
        script.write("\n".join(lines).encode(encoding, "replace"))
        script.flush()
        _run(["festival", "-b", script.name])


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=600, check=False)
    if done.returncode != 0:
        raise LabError(f"{words[0]} failed: {done.stderr.strip()[-300:]}")


PACKAGES: Final = tuple(
    "espeak-ng flite festival sox libsox-fmt-base festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts "
    "festvox-czech-dita festvox-czech-krb festvox-czech-machac festvox-czech-ph festvox-italp16k festvox-itapc16k "
    "festvox-suopuhe-lj festvox-suopuhe-mv festvox-ca-ona-hts".split()
)


def read_wave(path: Path) -> Signal:
    """A mono 16-bit file as 8 kHz floats of -1 … 1."""
    from dialer.hearing.wavefile import read_8k

    return read_8k(path)


def trimmed(signal: Signal) -> Signal:
    """Without the silence before the first and after the last word; both ends at 40 dB below the peak."""
    peak = float(np.abs(signal).max(initial=0.0))
    if peak <= 0:
        raise LabError("a synthesiser said nothing")
    loud = np.flatnonzero(np.abs(signal) > peak * 0.01)
    return (signal[loud[0] : loud[-1] + 1] / peak).astype(np.float32)


def write_wave(path: Path, signal: Signal) -> None:
    """8 kHz, 16 bit, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes())
