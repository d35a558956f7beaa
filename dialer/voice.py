"""What is said to a leg: prompts of the catalogue, and between them names and notes spoken at run time.

Owns the one way in which an order to speak (``Say``, ``Murmur``) may hold a free text: ``name(…)`` and ``note(…)`` make
a part of it that no prompt's id can be mistaken for. ``playable`` is what ``dialer.switch.phones`` asks. A text that is
not spoken yet is left out rather than waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from config.schema import Config
from dialer.speech import Kind, Speech, SpeechSettings
from freeswitch.sounds.catalog import Prompts
from freeswitch.sounds.table import SHIPPED

_MARKS: Final = {f"{kind.value}:": kind for kind in Kind}
NOTHING: Final = "silence_stream://20"
"""Played where every part was left out."""


def name(text: str) -> str:
    """A person's or campaign's name as a part of what is said."""
    return f"{Kind.NAME.value}:{text}"


def note(text: str) -> str:
    """A note as a part of what is said."""
    return f"{Kind.NOTE.value}:{text}"


def configured_prompts(config: Config) -> Prompts:
    """The prompts that a configuration asks for. Raises freeswitch.sounds.catalog.PromptError."""
    wanted = config.prompts
    return Prompts(
        tuple(dict.fromkeys((wanted.language, *SHIPPED))),
        directory=wanted.directory,
        switch_directory=wanted.switch_directory,
    )


def configured_speech(config: Config) -> SpeechSettings:
    """How a configuration has names and notes spoken."""
    wanted = config.speech
    place = Path(wanted.cache_dir) if wanted.cache_dir else config.data_path / "speech"
    return SpeechSettings(place, wanted.command, wanted.max_seconds)


class Voice:
    """Prompts and speech together. Without ``speech``: free texts are left out."""

    def __init__(self, prompts: Prompts, speech: Speech | None = None) -> None:
        self._prompts = prompts
        self._speech = speech

    def prepare(self, parts: Iterable[str], language: str = "") -> None:
        """Have the free texts among ``parts`` spoken, to be said soon. Returns at once."""
        if self._speech is not None:
            for part in parts:
                if (free := _free(part)) is not None:
                    self._speech.prepare(free[1], self._prompts.language(language), free[0])

    def playable(self, parts: Iterable[str], language: str = "") -> str:
        """What the switch's playback takes. Raises esl.errors.CommandError for an unknown prompt."""
        found = list(self._resolve(parts, language))
        return self._prompts.playable(found, language) if found else NOTHING

    def seconds(self, parts: Iterable[str], language: str = "") -> float:
        """How long ``playable`` of the same parts lasts now. Raises esl.errors.CommandError."""
        return self._prompts.seconds(self._resolve(parts, language), language)

    def _resolve(self, parts: Iterable[str], language: str) -> Iterator[str | Path]:
        for part in parts:
            free = _free(part)
            if free is None:
                yield part
            elif self._speech is not None:
                recording = self._speech.ready(free[1], self._prompts.language(language), free[0])
                if recording is not None:
                    yield recording


def _free(part: str) -> tuple[Kind, str] | None:
    mark, colon, text = part.partition(":")
    kind = _MARKS.get(mark + colon)
    return None if kind is None else (kind, text)
