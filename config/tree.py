"""YAML text into a tree that remembers the file and line of every key and value.

Owns the reading of one YAML document. A scalar stays the text that was written (``0100`` is not 64, ``+86…``
is not a number, ``no`` is not false): the schema gives it a type. Must not know any key's meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from config.errors import Fault, Source

MAX_NODES = 200_000
"""Aliases can make a small file huge ("billion laughs"): a larger tree is refused."""

MAX_DEPTH = 50

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "map", "seq", "merge")
)


@dataclass(slots=True)
class Scalar:
    """One value as text; None for an empty one."""

    source: Source
    value: str | None


@dataclass(slots=True)
class Entry:
    """One key of a mapping: where the key stands and what it holds."""

    source: Source
    node: Node


@dataclass(slots=True)
class Mapping:
    """Keys in the order they were written."""

    source: Source
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class Sequence:
    """A list. ``labels`` names its items in paths; kept beside them so that a path survives removals."""

    source: Source
    items: list[Node] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


Node: TypeAlias = Scalar | Mapping | Sequence
Plain: TypeAlias = "str | dict[str, Plain] | list[Plain] | None"


def parse(text: str, file: str, faults: list[Fault]) -> Mapping | None:
    """The document's top mapping; None where it cannot be read at all. Faults are appended."""
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        deep = _too_deep(text, loader)
        if deep is not None:
            faults.append(Fault(Source(file, deep), "", "", f"values nested at most {MAX_DEPTH} deep"))
            return None
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        column = f" (column {mark.column + 1})" if mark else ""
        # What PyYAML quotes may be a piece of a password that begins with *, & or !.
        problem = re.sub(r"(['\"]).{2,}\1", "…", " ".join(filter(None, (error.context, error.problem))))
        if "alias" in problem:
            problem += "; a value that begins with * needs quotes, as in login_code: '*10'"
        faults.append(Fault(Source(file, line), "", "", f"not valid YAML{column}: {problem}"))
        return None
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0) or 0) + 1
        reason = getattr(error, "reason", "unreadable")
        faults.append(Fault(Source(file, line), "", "", f"not valid YAML: {reason}"))
        return None
    if root is None:
        return Mapping(Source(file, 1))
    try:
        node = _Builder(file, faults).build(root, ())
    except (_TooLarge, RecursionError):
        faults.append(Fault(Source(file, 1), "", "", f"a file of at most {MAX_NODES} values, aliases included"))
        return None
    if isinstance(node, Mapping):
        return node
    if isinstance(node, Scalar) and node.value is None:
        return Mapping(node.source)
    faults.append(Fault(node.source, "", "", "a mapping (key: value) at the top of the file"))
    return None


def _too_deep(text: str, loader: type) -> int | None:
    """The line where the document is nested too deeply, found without recursion: composing it kills the process."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return event.start_mark.line + 1 if event.start_mark else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _is_plain(node: yaml.ScalarNode) -> bool:
    """Whether it was written without quotes: libyaml's loader gives such a scalar the style ``""``, Python's None."""
    return node.style in (None, "")


class _TooLarge(Exception):
    pass


class _Builder:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, file: str, faults: list[Fault]) -> None:
        self.file = file
        self.faults = faults
        self.count = 0
        self.open: set[int] = set()

    def build(self, node: yaml.Node, path: tuple[str, ...]) -> Node:
        """One node; faults for what a configuration may not use (tags, repeated keys, keys that are no text)."""
        self.count += 1
        if self.count > MAX_NODES:
            raise _TooLarge
        source = self._source(node)
        if node.tag not in _PLAIN_TAGS:
            self._fault(source, path, "", "a plain value, without a tag (!…); quote a text that begins with !")
        if isinstance(node, yaml.ScalarNode):
            plain_null = _is_plain(node) and node.value in _NULLS
            return Scalar(source, None if plain_null else str(node.value))
        if id(node) in self.open:
            self._fault(source, path, "", "an alias that does not contain itself")
            return Scalar(source, None)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                items = [self.build(item, (*path, str(i))) for i, item in enumerate(node.value)]
                return Sequence(source, items, [str(i) for i in range(len(items))])
            assert isinstance(node, yaml.MappingNode)
            return self._mapping(node, path, source)
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...], source: Source) -> Mapping:
        result = Mapping(source)
        merged: list[Mapping] = []
        for key_node, value_node in node.value:
            key_source = self._source(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_source, path, "", "a key that is plain text")
                continue
            key = str(key_node.value)
            if key == "<<" and _is_plain(key_node):
                merged.extend(self._merged(value_node, path))
                continue
            earlier = result.entries.get(key)
            if earlier is not None:
                where = f"a key that is given once; it stands in line {earlier.source.line} too"
                self._fault(key_source, (*path, key), "(repeated key)", where)
                continue
            result.entries[key] = Entry(key_source, self.build(value_node, (*path, key)))
        for mapping in merged:
            for key, entry in mapping.entries.items():
                result.entries.setdefault(key, entry)
        return result

    def _merged(self, node: yaml.Node, path: tuple[str, ...]) -> Iterator[Mapping]:
        candidates = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for candidate in candidates:
            built = self.build(candidate, path)
            if isinstance(built, Mapping):
                yield built
            else:
                self._fault(built.source, (*path, "<<"), "", "an alias of a mapping")

    def _source(self, node: yaml.Node) -> Source:
        return Source(self.file, node.start_mark.line + 1)

    def _fault(self, source: Source, path: tuple[str, ...], value: str, text: str) -> None:
        self.faults.append(Fault(source, ".".join(path), value, text))


def plain(node: Node) -> Plain:
    """The tree as dicts, lists and text.

    Empty values are left out: the default holds, or the key is missing.
    """
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {
        key: plain(entry.node)
        for key, entry in node.entries.items()
        if not (isinstance(entry.node, Scalar) and entry.node.value is None)
    }
