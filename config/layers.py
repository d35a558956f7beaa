"""How files, environment and flags become one tree: later layers win, lists grow, every value keeps its
source.

Owns the order (flags > environment > campaigns/*.yaml > conf.d/*.yaml > main file) and the addressing of one
value by a path. Must not judge values: a wrong path simply becomes an unknown key, which the schema reports.
"""

from __future__ import annotations

import re
import types
from collections import Counter
from collections.abc import Mapping as AbstractMapping
from pathlib import Path
from typing import Union, get_args, get_origin

from config.errors import SECRET_KEYS, Fault, Source, shown
from config.places import read_text
from config.schema import Config, Section
from config.tree import Entry, Mapping, Node, Scalar, Sequence, parse

ENVIRONMENT_PREFIX = "DIALER__"
MAX_FILE_BYTES = 8 * 1024 * 1024


def read_files(path: Path, faults: list[Fault]) -> tuple[Mapping, list[Path], bool]:
    """The main file, ``conf.d/*.yaml`` and ``campaigns/*.yaml`` beside it, as one tree, and the files read.

    Last, whether every file could be read: else nothing can be said about what is missing.
    """
    files = [path]
    layers = [_read(path, faults)]
    tree = layers[0] or Mapping(Source(str(path), 1))
    for extra in sorted((path.parent / "conf.d").glob("*.yaml")):
        files.append(extra)
        layers.append(layer := _read(extra, faults, found=True))
        if layer is not None:
            merge(tree, layer)
    for extra in sorted((path.parent / "campaigns").glob("*.yaml")):
        files.append(extra)
        layers.append(campaign := _read(extra, faults, found=True))
        if campaign is None:
            continue
        first = Source(str(extra), 1)
        campaign.entries.setdefault("name", Entry(first, Scalar(first, extra.stem)))
        layer = Mapping(first, {"campaigns": Entry(first, Sequence(first, [campaign], ["0"]))})
        merge(tree, layer)
    return tree, files, None not in layers


def _read(path: Path, faults: list[Fault], *, found: bool = False) -> Mapping | None:
    """One file's tree. Whoever names a pipe means it; one that is merely ``found`` would be waited for for ever."""
    if found and path.is_fifo():
        faults.append(Fault(Source(str(path)), "", "", "a regular file"))
        return None
    text = read_text(path, MAX_FILE_BYTES, faults)
    return None if text is None else parse(text, str(path), faults)


def merge(base: Mapping, layer: Mapping) -> None:
    """Lay ``layer`` over ``base`` in place: mappings merge, lists grow at their end, the rest is replaced.

    A secret given directly replaces its ``_file`` below, and the other way round.
    """
    for key in layer.entries:
        _drop_twin(base, key)
    for key, entry in layer.entries.items():
        below = base.entries.get(key)
        if below is not None and isinstance(below.node, Mapping) and isinstance(entry.node, Mapping):
            merge(below.node, entry.node)
        elif below is not None and isinstance(below.node, Sequence) and isinstance(entry.node, Sequence):
            below.node.items.extend(entry.node.items)
            below.node.labels = [str(i) for i in range(len(below.node.items))]
        else:
            base.entries[key] = entry


def _drop_twin(mapping: Mapping, key: str) -> None:
    if key in SECRET_KEYS:
        mapping.entries.pop(f"{key}_file", None)
    elif key.removesuffix("_file") in SECRET_KEYS:
        mapping.entries.pop(key.removesuffix("_file"), None)


def apply_environment(tree: Mapping, env: AbstractMapping[str, str], faults: list[Fault]) -> None:
    """Lay ``DIALER__SECTION__KEY=value`` over the tree; list items by index or by name."""
    for name in sorted(env):
        if name.startswith(ENVIRONMENT_PREFIX):
            parts = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
            _assign(tree, parts, env[name], Source(f"environment {name}"), faults)


def apply_overrides(tree: Mapping, overrides: AbstractMapping[str, str], faults: list[Fault]) -> None:
    """Lay flags over the tree: dotted path → value, e.g. ``{"http.port": "0"}``."""
    for path in overrides:
        _assign(tree, path.split("."), overrides[path], Source(f"flag {path}"), faults)


def _assign(tree: Mapping, parts: list[str], text: str, source: Source, faults: list[Fault]) -> None:
    if not all(parts):
        faults.append(Fault(source, "", "", "a path of keys, such as DIALER__HTTP__PORT or http.port"))
        return
    node: Mapping | Sequence = tree
    shape = Shape(Config)
    walked: list[str] = []
    for part in parts[:-1]:
        place = _place(node, shape, part)
        if place is None:
            break
        walked.append(place[0])
        shape = place[1]
        node = _descend(node, place[0], shape, source)
    else:
        place = _place(node, shape, parts[-1])
        if place is not None:
            walked.append(place[0])
            _set(node, place[0], _value(text, place[1], source, walked, faults), source)
            return
    assert isinstance(node, Sequence)
    wanted = parts[len(walked)]
    faults.append(Fault(source, ".".join([*walked, wanted]), shown(text, [*walked, *parts]), _known_items(node)))


def _place(node: Mapping | Sequence, shape: Shape, part: str) -> tuple[str, Shape] | None:
    """The key (or index) that a part of a path means here, and the shape under it; None for no such item."""
    if isinstance(node, Mapping):
        key = _same_key(node, part)
        return key, shape.child(key)
    index = _index(node, part)
    return None if index is None else (str(index), shape.item())


def _descend(node: Mapping | Sequence, key: str, shape: Shape, source: Source) -> Mapping | Sequence:
    """The mapping or list under a key, made (or put in place of a single value) where it is not there."""
    kind = Sequence if shape.is_list else Mapping
    child = _get(node, key)
    if not isinstance(child, kind):
        child = kind(source)
        _set(node, key, child, source)
    return child


def _get(node: Mapping | Sequence, key: str) -> Node | None:
    if isinstance(node, Mapping):
        entry = node.entries.get(key)
        return entry.node if entry else None
    return node.items[int(key)] if int(key) < len(node.items) else None


def _set(node: Mapping | Sequence, key: str, child: Node, source: Source) -> None:
    if isinstance(node, Mapping):
        _drop_twin(node, key)
        node.entries[key] = Entry(source, child)
    elif int(key) < len(node.items):
        node.items[int(key)] = child
    else:
        node.items.append(child)
        node.labels.append(key)


def _plainly(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", text.lower())


def _same_key(mapping: Mapping, part: str) -> str:
    for key in mapping.entries:
        if _plainly(key) == _plainly(part):
            return key
    return part


def _index(sequence: Sequence, part: str) -> int | None:
    names = [_plainly(item_name(item) or "") for item in sequence.items]
    if _plainly(part) in names:
        return names.index(_plainly(part))
    if part.isdecimal() and len(part) < 7 and int(part) <= len(sequence.items):
        return int(part)
    return None


def _known_items(sequence: Sequence) -> str:
    names = [name for name in map(item_name, sequence.items) if name]
    known = f" or the name of one: {', '.join(names)}" if names else ""
    return f"an index from 0 to {len(sequence.items)}{known}"


def item_name(node: Node) -> str | None:
    """The id or name by which an item of a list is known; an agent has both, and only ids are unique."""
    if isinstance(node, Mapping):
        entry = node.entries.get("id") or node.entries.get("name")
        if entry is not None and isinstance(entry.node, Scalar):
            return entry.node.value
    return None


def label_items(node: Node) -> None:
    """Give every list item its name (or id) as label in paths, where that is unique; else its index."""
    if isinstance(node, Mapping):
        for entry in node.entries.values():
            label_items(entry.node)
    elif isinstance(node, Sequence):
        names = [item_name(item) for item in node.items]
        count = Counter(names)
        node.labels = [name if name and count[name] == 1 else str(i) for i, name in enumerate(names)]
        for item in node.items:
            label_items(item)


def _value(text: str, shape: Shape, source: Source, walked: list[str], faults: list[Fault]) -> Node:
    stripped = text.strip()
    structured = (shape.is_list and stripped.startswith("[")) or (
        (shape.is_mapping or shape.is_list) and stripped.startswith("{")
    )
    if structured:
        problems: list[Fault] = []
        wrapped = parse(f"value: {stripped}", str(source), problems)
        if problems or wrapped is None or "value" not in wrapped.entries:
            expected = "a list such as [a, b], or a mapping such as {a: 1}, in YAML"
            faults.append(Fault(source, ".".join(walked), shown(text, walked), expected))
            return Scalar(source, None)
        node = wrapped.entries["value"].node
        _relocate(node, source)
        return node
    if shape.is_list:
        items: list[Node] = [Scalar(source, part.strip()) for part in text.split(",") if part.strip()]
        return Sequence(source, items, [str(i) for i in range(len(items))])
    return Scalar(source, text)


def _relocate(node: Node, source: Source) -> None:
    node.source = source
    if isinstance(node, Mapping):
        for entry in node.entries.values():
            entry.source = source
            _relocate(entry.node, source)
    elif isinstance(node, Sequence):
        for item in node.items:
            _relocate(item, source)


class Shape:
    """What the schema expects at a place: only as much as addressing needs."""

    __slots__ = ("annotation",)

    def __init__(self, annotation: object) -> None:
        self.annotation = _bare(annotation)

    @property
    def section(self) -> type[Section] | None:
        """The section's class, where a section stands here."""
        bare = self.annotation
        return bare if isinstance(bare, type) and issubclass(bare, Section) else None

    @property
    def is_list(self) -> bool:
        """Whether a list of any length stands here."""
        args = get_args(self.annotation)
        return get_origin(self.annotation) is tuple and len(args) == 2 and args[1] is Ellipsis

    @property
    def is_mapping(self) -> bool:
        """Whether keys stand here."""
        return self.section is not None or get_origin(self.annotation) is dict

    def item(self) -> Shape:
        """What an item of this list is."""
        return Shape(get_args(self.annotation)[0] if self.is_list else str)

    def child(self, key: str) -> Shape:
        """What stands under a key; anything goes under an unknown one."""
        section = self.section
        if section is not None and key in section.model_fields:
            return Shape(section.model_fields[key].annotation)
        if get_origin(self.annotation) is dict:
            return Shape(get_args(self.annotation)[1])
        return Shape(str)


def _bare(annotation: object) -> object:
    """Without ``Annotated`` and ``| None``."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = get_args(annotation)[0]
            continue
        if get_origin(annotation) in (Union, types.UnionType):
            rest = [arg for arg in get_args(annotation) if arg is not type(None)]
            if len(rest) == 1:
                annotation = rest[0]
                continue
        return annotation
