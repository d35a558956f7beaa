"""What callers are told: a sound and how long it takes, by language. Owns these facts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the switch plays, and how long that takes."""

    sound: str
    seconds: float


Words = Mapping[str, Spoken]
"""By language; the first one where a language has none. Empty: nothing is said."""


def spoken(words: Words, language: str) -> Spoken | None:
    """What is said in a language."""
    return words.get(language) or next(iter(words.values()), None)
