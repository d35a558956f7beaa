"""The corpora: who speaks what over which line, from a fixed seed.

Owns the mixing of texts, voices and lines. ``tuning`` and ``judging`` share no voice, no engine and no list of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.hearing import texts
from bench.hearing.acoustics import Signal, Take, take
from bench.hearing.voices import Voice, judging_voices, speak, tuning_voices


@dataclass(frozen=True, slots=True)
class Case:
    """One answered call."""

    machine: bool
    voice: Voice
    text: str
    take: Take


def tuning(cases: int, seed: int = 1) -> Iterator[Case]:
    """espeak-ng's voices: ``cases`` people, then as many machines."""
    return _cases(cases, seed, texts.TUNE_HUMAN, texts.TUNE_MACHINE, tuning_voices)


def judging(cases: int, seed: int = 2) -> Iterator[Case]:
    """flite's and festival's voices."""
    return _cases(cases, seed, texts.JUDGE_HUMAN, texts.JUDGE_MACHINE, judging_voices)


def _cases(
    cases: int, seed: int, human: texts.Texts, machine: texts.Texts, voices: Callable[[str], list[Voice]]
) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    for is_machine, said in ((False, human), (True, machine)):
        pairs = [(voice, text) for language, words in said.items() for voice, text in product(voices(language), words)]
        spoken = speak(pairs)
        others: list[Signal] = list(spoken.values())
        for number in rng.permutation(max(cases, len(pairs)))[:cases]:
            voice, text = pair = pairs[int(number) % len(pairs)]
            yield Case(is_machine, voice, text, take(spoken[pair], rng, machine=is_machine, others=others))
