"""The catalogue of prompts: from an id and a language to the recording that the switch plays, and how long it is.

Owns which recording holds (the centre's own replaces ours), where it is *on the switch*, and how several are said in
one go. Everything is read once, when it is built: a recording that is missing or unfit is an error then, not in a
call. Must not make sound and must not talk to the switch.

An own recording is ``<directory>/<language>/<id>.wav``. A switch on another host sees ``<switch_directory>/<language>/
<id>.wav`` for every prompt: ``export`` fills such a directory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from esl.errors import CommandError
from freeswitch.sounds.table import HERE, SHIPPED, is_id, prompts
from freeswitch.sounds.wav import WavError, read_info

MAX_PARTS: Final = 100
"""FreeSWITCH's file_string takes 128."""
JOIN_S: Final = 0.25
"""FreeSWITCH begins a file_string with a quarter of a second of silence (mod_dptools.c, next_file)."""
SHORTEST_S, LONGEST_S = 0.1, 120.0

_LANGUAGE: Final = re.compile(r"[a-z]{2,8}")
# What may stand in an argument of playback, displace and an inline dialplan without a meaning of its own.
_PATH: Final = re.compile(r"/[A-Za-z0-9._/+-]{1,400}")


class PromptError(CommandError):
    """A prompt that cannot be said: names the id or the file, and what was expected."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One prompt in one language. ``source`` is on this machine, ``path`` is what the switch plays."""

    source: Path
    path: str
    seconds: float
    own: bool


class Prompts:
    """All prompts in ``languages``; the first is spoken where no other is asked for.

    Raises PromptError, naming the file, when a recording is missing or unfit. A language that does not ship needs an
    own recording of every prompt.
    """

    def __init__(
        self, languages: Sequence[str] = SHIPPED, *, directory: str | None = None, switch_directory: str | None = None
    ) -> None:
        if not languages:
            raise PromptError("languages", "expected at least one")
        for base in filter(None, (directory, switch_directory)):
            check_path(base)
        self._directory = None if directory is None else Path(directory)
        if self._directory is not None and not self._directory.is_dir():
            raise PromptError(str(directory), "expected a directory with own recordings")
        self._switch_directory = None if switch_directory is None else switch_directory.rstrip("/")
        self._default = languages[0]
        self._recordings: dict[str, Mapping[str, Recording]] = {
            language: {ident: self._find(language, ident) for ident in prompts()} for language in languages
        }

    # ---- asking --------------------------------------------------------------------------------------------

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that there are, the default one first."""
        return tuple(self._recordings)

    def __contains__(self, ident: object) -> bool:
        """Whether there is such a prompt."""
        return ident in self._recordings[self._default]

    def __iter__(self) -> Iterator[str]:
        """The ids of all prompts."""
        return iter(self._recordings[self._default])

    def language(self, wanted: str) -> str:
        """The language to speak: ``wanted`` or what it is a kind of (zh-CN is zh), else the default."""
        for language in (wanted, re.split("[-_]", wanted.lower(), maxsplit=1)[0]):
            if language in self._recordings:
                return language
        return self._default

    def recording(self, ident: str, language: str = "") -> Recording:
        """One prompt. Raises PromptError for an unknown id."""
        known = self._recordings[self.language(language)]
        if ident not in known:
            raise PromptError("prompt", f"{ident[:80]!r} is not in the table of prompts")
        return known[ident]

    def path(self, ident: str, language: str = "") -> str:
        """The absolute path on the switch. Raises PromptError."""
        return self.recording(ident, language).path

    def playable(self, parts: Iterable[str | Path], language: str = "") -> str:
        """What playback and displace take to say ``parts`` one after the other.

        A part is a prompt's id, or the Path of a recording made at run time. Raises PromptError.
        """
        paths = [check_path(str(part)) if isinstance(part, Path) else self.path(part, language) for part in parts]
        if not 0 < len(paths) <= MAX_PARTS:
            raise PromptError("prompts", f"expected 1 to {MAX_PARTS}, not {len(paths)}")
        return paths[0] if len(paths) == 1 else "file_string://" + "!".join(paths)

    def seconds(self, parts: Iterable[str | Path], language: str = "") -> float:
        """How long ``playable`` of the same parts lasts: a wait for a key begins after it. Raises PromptError."""
        lengths = [
            _seconds(part) if isinstance(part, Path) else self.recording(part, language).seconds for part in parts
        ]
        return sum(lengths) + (JOIN_S if len(lengths) > 1 else 0.0)

    def durations(self) -> dict[str, float]:
        """Seconds of every recording by its path on the switch (a modelled switch cannot look)."""
        return {sound.path: sound.seconds for sounds in self._recordings.values() for sound in sounds.values()}

    # ---- keeping house -------------------------------------------------------------------------------------

    def strays(self) -> list[str]:
        """Files in the directory of own recordings that replace nothing: a name misspelt, a language not spoken."""
        if self._directory is None:
            return []
        files = (path for path in self._directory.glob("*/*") if path.is_file())
        return sorted(str(path) for path in files if not self._replaces(path))

    def export(self, target: Path) -> int:
        """Copy the recording of every prompt to ``target/<language>/<id>.wav``, for a switch on another host.

        Returns how many there are. Raises OSError.
        """
        count = 0
        for language, ident, sound in self._all():
            place = target / language / f"{ident}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sound.source, place)
            count += 1
        return count

    def _all(self) -> Iterator[tuple[str, str, Recording]]:
        for language, sounds in self._recordings.items():
            for ident, sound in sounds.items():
                yield language, ident, sound

    def _replaces(self, path: Path) -> bool:
        return path.suffix == ".wav" and path.stem in self and path.parent.name in self._recordings

    def _find(self, language: str, ident: str) -> Recording:
        if not _LANGUAGE.fullmatch(language) or not is_id(ident):
            raise PromptError(f"{language[:80]!r}/{ident[:80]!r}", "expected a language such as en, and a prompt's id")
        name = f"{language}/{ident}.wav"
        source = HERE / name
        own = self._directory is not None and (self._directory / name).exists()
        if self._directory is not None and (own or language not in SHIPPED):
            source = self._directory / name
        elif language not in SHIPPED:
            raise PromptError(language, f"expected one of {', '.join(SHIPPED)}, or a directory of own recordings")
        path = f"{self._switch_directory}/{name}" if self._switch_directory else check_path(str(source))
        return Recording(source, path, _seconds(source), own)


def _seconds(path: Path) -> float:
    try:
        seconds = read_info(path).seconds
    except WavError as error:
        raise PromptError(str(path), f"expected {error.expected}") from None
    except OSError as error:
        raise PromptError(str(path), f"expected a readable recording ({error.strerror or 'no such file'})") from None
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise PromptError(str(path), f"expected a recording of {SHORTEST_S:g} to {LONGEST_S:g} s, not {seconds:.2f} s")
    return seconds


def check_path(path: str) -> str:
    """A path that FreeSWITCH's commands take as it is. Raises PromptError."""
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise PromptError(
            repr(path[:200]),
            "expected an absolute path of letters, digits and . _ - + only: FreeSWITCH's commands cut others; "
            "prompts.switch_directory may name another place",
        )
    return path
