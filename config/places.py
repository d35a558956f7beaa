"""From a schema's errors back to the file: where in the tree an error lies, and what was expected there, in words.

Owns reading a file's text and what every reader of a marked tree (``config.tree``) needs to tell a fault. Knows no
section and no key.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import ErrorDetails

from config.errors import Fault, Source
from config.tree import Mapping, Node, Sequence

MANY_KEYS = 14


@dataclass(slots=True)
class Place:
    """The deepest node of the tree on an error's way, with where it hangs."""

    node: Node
    source: Source
    path: tuple[str, ...]
    hangs: tuple[Mapping | Sequence, str | int] | None


def walk(tree: Mapping, location: AbstractSequence[str | int]) -> Place:
    """Follow an error's location as far as the tree goes."""
    place = Place(tree, tree.source, (), None)
    for part in location:
        node = place.node
        if part == "[key]":
            return place
        if isinstance(node, Mapping) and str(part) in node.entries:
            entry = node.entries[str(part)]
            place = Place(entry.node, entry.source, (*place.path, str(part)), (node, str(part)))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            item = node.items[part]
            place = Place(item, item.source, (*place.path, node.labels[part]), (node, part))
        else:
            return place
    return place


def take_out(removals: AbstractMapping[tuple[int, str | int], Mapping | Sequence]) -> None:
    """Take faulty values out of the tree: ``(id of the parent, key)`` to the parent."""
    # Higher indexes first, so that the lower ones of the same list still hold.
    for (_, key), parent in sorted(
        removals.items(), key=lambda r: r[0][1] if isinstance(r[0][1], int) else -1, reverse=True
    ):
        if isinstance(parent, Mapping):
            parent.entries.pop(str(key), None)
        elif isinstance(key, int) and key < len(parent.items):
            del parent.items[key]
            del parent.labels[key]


def expected(detail: ErrorDetails) -> str:
    """What a schema's error says was expected."""
    kind = detail["type"]
    if kind == "expected":
        return detail["msg"]
    if kind == "literal_error":
        return "one of " + str(detail.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
    if kind in ("model_type", "model_attributes_type", "dict_type", "mapping_type"):
        return "a mapping (key: value)"
    if kind in ("tuple_type", "list_type"):
        return "a list"
    if kind == "too_short":
        least = int(detail.get("ctx", {}).get("min_length", 1))
        return f"a list of at least {least} entr{'y' if least == 1 else 'ies'}"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def did_you_mean(key: str, known: list[str]) -> str:
    """What was expected in the place of an unknown key."""
    close = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
    if close:
        return f"a known key; did you mean {close[0]}?"
    listed = ", ".join(known[:MANY_KEYS]) + (", …" if len(known) > MANY_KEYS else "")
    return f"one of the keys {listed}"


def read_text(path: Path, most_bytes: int, faults: list[Fault]) -> str | None:
    """A file's text; None, and a fault, when it cannot be read, is too large or is not UTF-8."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(most_bytes + 1)
    except OSError as error:
        faults.append(Fault(Source(str(path)), "", "", f"a readable file ({error.strerror or 'not readable'})"))
        return None
    if len(raw) > most_bytes:
        faults.append(Fault(Source(str(path)), "", "", f"a file of at most {most_bytes} bytes"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        faults.append(Fault(Source(str(path), line), "", f"byte 0x{raw[error.start]:02x}", "text in UTF-8"))
        return None
