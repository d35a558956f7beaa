"""The table of prompts, ``prompts.csv``: what is said, by id and language, and the digests of what was made of it.

Owns both files' form and what a valid id is. Must not make sound (``make``) nor look for recordings (``catalog``).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from config.sounds_schema import SHIPPED_LANGUAGES

HERE: Final = Path(__file__).resolve().parent
TABLE: Final = HERE / "prompts.csv"
DIGESTS: Final = HERE / "digests.json"
SHIPPED: Final = SHIPPED_LANGUAGES
"""The languages with a recording of every prompt."""

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TONE: Final = "tone:"
"""A text ``tone:1000/300 0/80`` is no speech: 1000 Hz for 300 ms, then silence for 80 ms."""


class TableError(ValueError):
    """The table or the digests cannot be used; names file and line."""


@dataclass(frozen=True, slots=True)
class Made:
    """What ``make`` noted of one recording: of which recipe it was made, and what came out."""

    recipe: str
    sound: str


def is_id(text: str) -> bool:
    """Whether this could be a prompt's id: lower-case words and digits joined by hyphens, at most 64 characters."""
    return len(text) <= 64 and _ID.fullmatch(text) is not None


@cache
def prompts(path: Path = TABLE) -> Mapping[str, Mapping[str, str]]:
    """Text by id and language. Raises TableError."""
    result: dict[str, Mapping[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        if next(rows, None) != ["id", *SHIPPED]:
            raise TableError(f"{path}:1: expected the columns id, {', '.join(SHIPPED)}")
        for row in rows:
            where = f"{path}:{rows.line_num}"
            if len(row) != 1 + len(SHIPPED) or not all(text.strip() for text in row):
                raise TableError(f"{where}: expected an id and a text in each language")
            if not is_id(row[0]) or row[0] in result:
                raise TableError(f"{where}: {row[0]!r}: expected an id of its own of a-z, 0-9 and '-'")
            result[row[0]] = dict(zip(SHIPPED, row[1:], strict=True))
    return result


def digests(path: Path = DIGESTS) -> dict[str, Made]:
    """What ``make`` noted, by ``language/id``; nothing where there is no such file. Raises TableError."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return {key: Made(*pair) for key, pair in noted.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        raise TableError(f"{path}: expected pairs of digests by language/id; `make sounds` writes it anew") from None


def write_digests(made: Mapping[str, Made], path: Path = DIGESTS) -> None:
    """Note what was made, sorted, one recording a line."""
    lines = [f"{json.dumps(key)}: {json.dumps([made[key].recipe, made[key].sound])}" for key in sorted(made)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def digest(content: bytes) -> str:
    """A short name for a content."""
    return hashlib.sha256(content).hexdigest()[:16]
