"""The sections ``prompts`` and ``speech``: what phones are told, in which language, and who speaks names and notes.

Owns their keys, limits and the rules between them. Must not know which prompts there are: that is
``freeswitch.sounds``. Of the world it asks only whether a directory and a program are there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator

from config.section import Section
from config.values import SwitchPath, duration, matching, printable, refuse

SHIPPED_LANGUAGES = ("en", "zh")
"""The languages with a recording of every prompt."""

_MARKS = frozenset({"{voice}", "{language}", "{speed}", "{output}"})

SoundsFault = tuple[tuple[str | int, ...], object, str]
"""Path, the value at fault, what was expected."""

Language = Annotated[str, matching(r"[a-z]{2,8}", "a language's code of small letters, such as en or zh")]


def _argument(text: str) -> str:
    if set(re.findall(r"\{[a-z_]*\}", text)) - _MARKS:
        raise refuse(f"only {', '.join(sorted(_MARKS))} in braces; the text comes on standard input")
    return text


Argument = Annotated[str, printable(400), AfterValidator(_argument)]


class PromptsConfig(Section):
    """What phones are told. ``directory`` holds own recordings, ``<language>/<id>.wav``, that replace ours.

    ``switch_directory`` is where a switch on another host has a copy of all of them (``dialer freeswitch sounds``).
    """

    language: Language = "en"
    directory: SwitchPath | None = None
    switch_directory: SwitchPath | None = None


class SpeechConfig(Section):
    """Who speaks what no recording can hold: names and notes. Without a ``command``: espeak-ng, where installed.

    The command reads the text from standard input and writes WAV to ``{output}``, or to standard output; an empty one
    never speaks. Without a ``cache_dir``: ``speech`` in ``data_dir``; the switch reads it at the same path.
    """

    command: tuple[Argument, ...] | None = None
    cache_dir: SwitchPath | None = None
    max_seconds: Annotated[float, duration(0.5, 60)] = 15.0


def sounds_faults(prompts: PromptsConfig, speech: SpeechConfig) -> Iterator[SoundsFault]:
    """Every fault of the two sections."""
    own = prompts.directory
    if own is not None and not os.path.isdir(own):
        yield ("prompts", "directory"), own, "a directory that exists"
    elif own is not None and not os.access(own, os.R_OK | os.X_OK):
        yield ("prompts", "directory"), own, "a directory that this user may read"
    elif prompts.language not in SHIPPED_LANGUAGES and (
        own is None or not os.path.isdir(os.path.join(own, prompts.language))
    ):
        shipped = " or ".join(SHIPPED_LANGUAGES)
        expected = f"{shipped}, or a language whose recordings are in prompts.directory/{prompts.language}"
        yield ("prompts", "language"), prompts.language, expected
    if speech.command and shutil.which(speech.command[0]) is None:
        yield ("speech", "command", 0), speech.command[0], "a program that is installed"
