"""What is said to callers, as sounds by language: the shape that ``inbound`` and the tiers of ``routing`` share.

Owns the shape only; what a sound may be is ``agentless_schema``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from config.agentless_schema import SAY, Sounds
from config.sounds_schema import Language

ALL: Final = ""
"""The key of words that are the same in every language: prompts speak all that ship."""


def _words(value: object) -> object:
    return value if isinstance(value, dict) and set(value) != {"say"} else {ALL: value}


Spoken = Annotated[dict[Literal[""] | Language, Sounds], BeforeValidator(_words)]
"""What is said: sounds as of a campaign without agents, or such by language."""


def spoken_texts(said: Iterable[Mapping[str, tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
    """Language (empty: the usual one) and text of all that is to be spoken."""
    for words in said:
        for language, parts in words.items():
            yield from ((language, part) for part in parts if part.startswith(SAY))
