"""Where a value stands: from a path of keys and indexes to the source of the nearest thing written."""

from __future__ import annotations

from config.errors import Source
from config.tree import Mapping, Node, Scalar, Sequence


def source_of(tree: Mapping, *path: str | int) -> Source:
    """The source of the value at ``path``, or of its nearest ancestor that was written."""
    node: Node = tree
    source = tree.source
    for part in path:
        if isinstance(node, Mapping) and str(part) in node.entries:
            entry = node.entries[str(part)]
            node = entry.node
            source = node.source if isinstance(node, Scalar) else entry.source
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            source = node.source
        else:
            break
    return source


def path_of(tree: Mapping, *path: str | int) -> str:
    """The path as faults print it: items of lists by their label."""
    node: Node | None = tree
    parts: list[str] = []
    for part in path:
        label = str(part)
        if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            label = node.labels[part]
            node = node.items[part]
        elif isinstance(node, Mapping) and str(part) in node.entries:
            node = node.entries[str(part)].node
        else:
            node = None
        parts.append(label)
    return ".".join(parts)
