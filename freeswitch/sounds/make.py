"""``make sounds``: a recording of every prompt in the table, in every language, by espeak-ng and sox.

Owns voices, speeds and the way from text to a recording. What is made depends on the table, the recipe below and
espeak-ng's version, on nothing else; only what changed in the table or the recipe is made anew. The service needs
none of this at run time.

What comes out is A-law in WAV: half the size of 16 bit, and what most carriers outside North America speak anyway.
"""

from __future__ import annotations

import argparse
import math
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from freeswitch.sounds.table import (
    DIGESTS,
    HERE,
    SHIPPED,
    TONE,
    Made,
    TableError,
    digest,
    digests,
    prompts,
    write_digests,
)

RATE: Final = 8000
# Debian's voice "cmn" names each Chinese character it meets in English; its "pinyin" sister reads them.
VOICES: Final = {"en": ("en", 200, 160, 6), "zh": ("cmn-latn-pinyin", 240, 140, 3)}
"""Voice, words a minute, and how slowly a text of so few characters is said: alone, a digit would be a mere blip."""

_SHAPE: Final = (
    # Telephone band; no silence at either end; a pause within is at most 0.35 s; a breath around, for joining.
    "highpass 250 silence 1 0.05 0.5% reverse silence 1 0.05 0.5% reverse silence 1 0 0.1% -1 0.35 0.5%"
    f" rate {RATE} gain -n -3 pad 0.02 0.06"
)
_TONE_SHAPE: Final = "gain -n -9"


class MakeError(Exception):
    """A tool is missing or failed."""


def recipe(language: str, text: str) -> str:
    """The digest of all that makes a recording what it is."""
    how = ("tone", _TONE_SHAPE) if text.startswith(TONE) else (*_voice(language, text), _SHAPE)
    return digest("\n".join((*how, text)).encode())


def _voice(language: str, text: str) -> tuple[str, str]:
    voice, speed, slow, short = VOICES[language]
    return voice, str(slow if len(text.rstrip("。.")) <= short else speed)


def stale(directory: Path = HERE) -> list[str]:
    """``language/id`` of every recording that is missing, was changed, or is not what the table says now."""
    noted = digests(directory / DIGESTS.name)
    return [
        key
        for key, text in _wanted().items()
        if key not in noted
        or noted[key].recipe != recipe(key.partition("/")[0], text)
        or _digest_of(directory / f"{key}.wav") != noted[key].sound
    ]


def make(directory: Path = HERE, everything: bool = False) -> list[str]:
    """Make what is stale, remove what the table has no more; the list of what was made. Raises MakeError."""
    wanted = _wanted()
    todo = list(wanted) if everything else stale(directory)
    noted = digests(directory / DIGESTS.name)
    for key in [key for key in noted if key not in wanted]:
        (directory / f"{key}.wav").unlink(missing_ok=True)
        del noted[key]
    if todo:
        for tool in ("espeak-ng", "sox"):
            if shutil.which(tool) is None:
                raise MakeError(f"{tool} is missing: install espeak-ng and sox (Debian: apt install espeak-ng sox)")
    for language in SHIPPED:
        (directory / language).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        for key, sound in zip(todo, pool.map(lambda key: _make_one(directory, key, wanted[key]), todo), strict=True):
            noted[key] = Made(recipe(key.partition("/")[0], wanted[key]), sound)
    write_digests(noted, directory / DIGESTS.name)
    return todo


def _wanted() -> dict[str, str]:
    return {f"{language}/{ident}": text[language] for language in SHIPPED for ident, text in prompts().items()}


def _digest_of(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""


def _make_one(directory: Path, key: str, text: str) -> str:
    target = directory / f"{key}.wav"
    with tempfile.TemporaryDirectory() as scratch:
        raw, done = Path(scratch, "raw.wav"), Path(scratch, "done.wav")
        if text.startswith(TONE):
            _write_tone(raw, text.removeprefix(TONE))
            shape = _TONE_SHAPE
        else:
            voice, speed = _voice(key.partition("/")[0], text)
            _run(["espeak-ng", "-v", voice, "-s", speed, "--stdin", "-w", str(raw)], text)
            shape = _SHAPE
        # -D: no dither, which is random.
        _run(["sox", "-D", str(raw), "-r", str(RATE), "-c", "1", "-e", "a-law", "-b", "8", str(done), *shape.split()])
        sound = done.read_bytes()
    target.write_bytes(sound)
    return digest(sound)


def _run(command: Sequence[str], text: str = "") -> None:
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        raise MakeError(f"{command[0]} failed on {text!r}: {done.stderr.decode(errors='replace').strip()}")


def _write_tone(path: Path, score: str) -> None:
    samples: list[int] = []
    for part in score.split():
        hertz, _, ms = part.partition("/")
        count = RATE * int(ms) // 1000
        edge = min(40, count // 2)  # 5 ms in and out, so that it does not click
        for n in range(count):
            level = min(1.0, n / edge, (count - 1 - n) / edge)
            samples.append(round(16000 * level * math.sin(2 * math.pi * int(hertz) * n / RATE)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make sounds", description="Make the spoken prompts from prompts.csv.")
    parser.add_argument("--check", action="store_true", help="only say what is not as the table says; needs no tools")
    parser.add_argument("--all", action="store_true", help="make everything anew")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            wrong = stale()
            print("\n".join(wrong) if wrong else "all prompts are as the table says")
            return 1 if wrong else 0
        made = make(everything=options.all)
    except (MakeError, TableError, OSError) as error:
        print(f"make sounds: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for language in SHIPPED for path in (HERE / language).glob("*.wav"))
    print(f"{len(made)} made, {len(_wanted()) - len(made)} unchanged; {size / 1e6:.1f} MB in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
