"""Files, environment and flags into one checked ``Config``; every fault in one go.

Owns the order of the work: read, lay over each other, resolve paths and secret files, validate, compare
sections. Reads files; writes none. Must not print.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Set
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config import checks, notices, secrets
from config.errors import SECRET_KEYS, ConfigError, Fault, Notice, shown
from config.layers import Shape, apply_environment, apply_overrides, label_items, read_files
from config.places import did_you_mean, expected, take_out, walk
from config.schema import Config
from config.tree import Entry, Mapping, Node, Scalar, Sequence, plain

_MAX_ROUNDS = 1000
_REQUIRED = {"switch": "embedded"}
"""Keys of the top level without a default, and what stands in for a faulty one while the rest is compared."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that passed every check.

    ``files`` are those read, main file first; ``hash`` is the sha256 (hex) of the effective configuration
    without its secrets; ``warnings`` are for the operator's eyes.
    """

    config: Config
    warnings: tuple[Notice, ...]
    files: tuple[Path, ...]
    hash: str


def load(
    path: Path | str,
    env: AbstractMapping[str, str] | None = None,
    overrides: AbstractMapping[str, str] | None = None,
    prompts: Set[str] | None = None,
) -> LoadedConfig:
    """Read the main file and what lies beside it, lay environment and flags over it, check everything.

    ``env`` is usually ``os.environ``; None takes nothing from it. ``overrides`` maps dotted paths to values
    (``{"http.port": "0", "campaigns.bank.wrap_up_s": "5s"}``). ``prompts``: the ids of the prompts that there are, if
    they are to be checked. Raises ConfigError with every fault found.
    """
    faults: list[Fault] = []
    tree, files, complete = read_files(Path(path), faults)
    apply_environment(tree, env or {}, faults)
    apply_overrides(tree, overrides or {}, faults)
    label_items(tree)
    _resolve_paths(tree, (), {str(file): file.parent for file in files})
    found = secrets.read_secret_files(tree, faults)
    declared = checks.declared(tree)
    if not complete:
        for key, value in _REQUIRED.items():
            tree.entries.setdefault(key, Entry(tree.source, Scalar(tree.source, value)))
    config, faulted = _validate(tree, faults)
    if config is not None:
        faults.extend(checks.Checker(config, tree, declared, faulted, complete, prompts).check())
    if faults or config is None:
        raise ConfigError(faults)
    return LoadedConfig(config, tuple(notices.notices(config, tree, files, found)), tuple(files), config_hash(config))


def config_hash(config: Config) -> str:
    """sha256 in hex of the effective configuration as canonical JSON, without secrets and the files they are
    in.
    """
    canonical = json.dumps(
        _without_secrets(config.model_dump(mode="json")),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
    )
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_secrets(inner)
            for key, inner in value.items()
            if key not in SECRET_KEYS and key.removesuffix("_file") not in SECRET_KEYS
        }
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value


def _resolve_paths(node: Node, path: tuple[str, ...], bases: AbstractMapping[str, Path]) -> None:
    """Make relative paths absolute: from the folder of the file that names them; elsewhere from where we run."""
    if isinstance(node, Scalar):
        key = path[-1] if path else ""
        names_file = key in ("file", "data_dir") or key.endswith("_file") or path[-2:-1] == ("files",)
        if names_file and node.value:
            base = bases.get(node.source.file, Path())
            node.value = os.path.abspath(base / Path(node.value).expanduser())
    elif isinstance(node, Sequence):
        for label, item in zip(node.labels, node.items, strict=True):
            _resolve_paths(item, (*path, label), bases)
    else:
        for key, entry in node.entries.items():
            _resolve_paths(entry.node, (*path, key), bases)


def _validate(tree: Mapping, faults: list[Fault]) -> tuple[Config | None, frozenset[str]]:
    """The config, without what is faulty; and the paths that are.

    Faulty values are taken out one round after another until the rest is sound, so that sections can still be
    compared with each other. Only the first round's faults are reported: later ones follow from taking out.
    """
    faulted: set[str] = {fault.path for fault in faults}
    report = faults
    for _ in range(_MAX_ROUNDS):
        try:
            return Config.model_validate(plain(tree)), frozenset(faulted)
        except ValidationError as error:
            removals: dict[tuple[int, str | int], Mapping | Sequence] = {}
            details = error.errors(include_url=False)
            for detail in details:
                fault, parent, key = _fault(tree, detail)
                if not _follows(detail, details):
                    report.append(fault)
                faulted.add(fault.path)
                removals[id(parent), key] = parent
            take_out(removals)
            for key in _REQUIRED:
                if key not in tree.entries:
                    tree.entries[key] = Entry(tree.source, Scalar(tree.source, _REQUIRED[key]))
        report = []
    return None, frozenset(faulted)


def _follows(detail: ErrorDetails, others: Iterable[ErrorDetails]) -> bool:
    """Whether a list is too short only because what stands in it is faulty itself."""
    here = detail["loc"]
    inside = (other["loc"] for other in others if len(other["loc"]) > len(here))
    return detail["type"] == "too_short" and any(loc[: len(here)] == here for loc in inside)


def _fault(tree: Mapping, detail: ErrorDetails) -> tuple[Fault, Mapping | Sequence, str | int]:
    """One error of the schema as a fault, and what to take out of the tree to go on: (parent, key)."""
    location = detail["loc"]
    place = walk(tree, location)
    kind = detail["type"]
    parent, key = place.hangs or (tree, str(location[0]))
    path = place.path
    if kind == "missing":
        missing = ".".join((*path, str(location[-1])))
        return Fault(place.source, missing, "(missing)", "this key, which has no default"), parent, key
    if kind == "extra_forbidden":
        known = did_you_mean(str(location[-1]), _known_keys(location[:-1]))
        return Fault(place.source, ".".join(path), "(unknown key)", known), parent, key
    source = place.source
    if location[-1] == "[key]":
        value = path[-1]
    elif isinstance(place.node, Scalar):
        source = place.node.source
        value = shown(place.node.value, path) if _takes_text(detail) else "(text)"
    else:
        value = "(list)" if isinstance(place.node, Sequence) else "(mapping)"
    return Fault(source, ".".join(path), value, expected(detail)), parent, key


def _takes_text(detail: ErrorDetails) -> bool:
    """Whether a single value stands where one belongs; elsewhere it may be a misplaced secret, so it is not
    shown.
    """
    return detail["type"] not in ("model_type", "model_attributes_type", "dict_type")


def _known_keys(location: AbstractSequence[str | int]) -> list[str]:
    shape = Shape(Config)
    for part in location:
        shape = shape.item() if isinstance(part, int) else shape.child(part)
    return list(shape.section.model_fields) if shape.section else []
