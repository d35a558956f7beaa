"""Secrets that stand in files of their own: ``password_file`` and its kin put into the tree as ``password``.

Owns reading them and noticing who else may. Must never let a secret's text into a fault.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from config.errors import SECRET_KEYS, Fault, Source
from config.tree import Entry, Mapping, Node, Scalar, Sequence

MAX_SECRET_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One file that was read. ``open_to_all``: every user of this machine may read it."""

    source: Source
    path: str
    file: str
    open_to_all: bool


def read_secret_files(tree: Mapping, faults: list[Fault]) -> list[SecretFile]:
    """Put the content of every ``*_file`` of a secret beside it.

    Returns the files read; faults are appended.
    """
    found: list[SecretFile] = []
    _read_under(tree, (), found, faults)
    return found


def _read_under(node: Node, path: tuple[str, ...], found: list[SecretFile], faults: list[Fault]) -> None:
    if isinstance(node, Sequence):
        for label, item in zip(node.labels, node.items, strict=True):
            _read_under(item, (*path, label), found, faults)
    elif isinstance(node, Mapping):
        for key, entry in list(node.entries.items()):
            base = key.removesuffix("_file")
            if key != base and base in SECRET_KEYS and isinstance(entry.node, Scalar) and entry.node.value:
                _read_one(node, base, entry, (*path, key), found, faults)
            else:
                _read_under(entry.node, (*path, key), found, faults)


def _read_one(
    mapping: Mapping,
    base: str,
    entry: Entry,
    path: tuple[str, ...],
    found: list[SecretFile],
    faults: list[Fault],
) -> None:
    assert isinstance(entry.node, Scalar)
    source, file, dotted = entry.node.source, str(entry.node.value), ".".join(path)
    other = mapping.entries.get(base)
    if other is not None:
        faults.append(Fault(source, dotted, file, f"either {base} or {base}_file, not both"))
        return
    try:
        with open(file, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            raw = stream.read(MAX_SECRET_BYTES + 1)
        text = raw.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not text in UTF-8"
        faults.append(Fault(source, dotted, file, f"a readable file that holds the secret ({reason})"))
        return
    found.append(SecretFile(source, dotted, file, bool(mode & stat.S_IROTH)))
    if base == "secrets":
        node = _table(text, Source(file), source, dotted, faults)
        if node is not None:
            mapping.entries[base] = Entry(source, node)
        return
    secret = text.rstrip("\r\n")
    if not secret or "\n" in secret or len(raw) > MAX_SECRET_BYTES:
        faults.append(Fault(source, dotted, file, "a file that holds the secret on its only line"))
        return
    mapping.entries[base] = Entry(source, Scalar(source, secret))


def _table(text: str, file: Source, source: Source, dotted: str, faults: list[Fault]) -> Mapping | None:
    result = Mapping(source)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = re.split(r"[ \t]+", line.strip(), maxsplit=1)
        here = Source(file.file, number)
        if len(parts) != 2 or parts[0] in result.entries:
            faults.append(Fault(here, dotted, "(secret)", "lines of a seat's id, a space and its secret, each id once"))
            return None
        result.entries[parts[0]] = Entry(here, Scalar(here, parts[1]))
    return result
