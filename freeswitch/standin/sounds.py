"""How long a thing to be played lasts, and whether it is anything but silence.

Knows `silence_stream://`, `tone_stream://`, `file_string://`, `{loops=N}` and plain files (whose length the
world tells).  Must not touch a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_TONE: Final = re.compile(r"%\(\s*(\d+)\s*,\s*(\d+)")
_LOOPS: Final = re.compile(r"loops=(-?\d+)")
# A millisecond count beyond this is as good as endless, and would overflow a float of seconds.
_LONGEST_MS: Final = 10**10


@dataclass(frozen=True, slots=True)
class Sound:
    """`seconds` None: it never ends by itself."""

    seconds: float | None
    silent: bool


def measure(path: str, file_seconds: Callable[[str], float]) -> Sound:
    """Read what `playback` was given; an unreadable stream lasts 0 s."""
    loops = 1
    text = path
    if text.startswith("{"):
        options, _, text = text[1:].partition("}")
        found = _LOOPS.search(options)
        if found:
            loops = int(found.group(1))
    if text.startswith("silence_stream://"):
        number = text.removeprefix("silence_stream://").partition(",")[0].strip()
        if number == "-1" or loops < 0:
            return Sound(None, True)
        return Sound(min(int(number), _LONGEST_MS) / 1000 * loops if number.isdecimal() else 0.0, True)
    if text.startswith("tone_stream://"):
        found = _LOOPS.search(text)
        if found:
            loops = int(found.group(1))
        each = sum(min(int(on) + int(off), _LONGEST_MS) / 1000 for on, off in _TONE.findall(text))
        return Sound(None if loops < 0 else each * loops, False)
    if text.startswith("file_string://"):
        parts = [
            measure(part, file_seconds) for part in text.removeprefix("file_string://").split("!") if part
        ]
        endless = loops < 0 or any(part.seconds is None for part in parts)
        total = None if endless else sum(part.seconds or 0.0 for part in parts) * loops
        return Sound(total, all(part.silent for part in parts))
    return Sound(None if loops < 0 else file_seconds(text) * loops, False)


def is_silent(path: str) -> bool:
    """Whether nobody hears anything of it."""
    return "silence_stream://" in path and measure(path, lambda _: 0.0).silent
