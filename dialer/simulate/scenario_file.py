"""A scenario's file into a checked ``Plan``: every fault at once, with file and line.

Owns reading: the YAML, the options of the policy that it names, the columns of durations that it points at. Writes
nothing. Must not know what a key means beyond ``dialer.simulate.scenario``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.errors import ConfigError, Fault, Source, shown
from config.layers import Shape
from config.places import Place, did_you_mean, expected, read_text, take_out, walk
from config.section import Section
from config.tree import Mapping, Scalar, Sequence, parse, plain
from dialer.simulate.scenario import OPTIONS, Durations, Scenario, contradictions

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_SAMPLES = 2_000_000
LONGEST_S = 36_000.0
FAULTS_OF_A_COLUMN = 20
"""A column of the wrong kind is wrong in every line; so many are told."""
_MAX_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario that passed every check: its policy's options, and the durations that it points at, in seconds."""

    name: str
    scenario: Scenario
    options: Section
    talk_s: tuple[float, ...] = ()
    wrap_s: tuple[float, ...] = ()


def load(path: Path) -> Plan:
    """Read one scenario. Raises ConfigError with every fault found."""
    faults: list[Fault] = []
    raw = read_text(path, MAX_FILE_BYTES, faults)
    tree = None if raw is None else parse(raw, str(path), faults)
    if tree is None:
        raise ConfigError(faults)
    return build(tree, path.stem, path.parent, faults)


def build(tree: Mapping, name: str, folder: Path, faults: list[Fault]) -> Plan:
    """The plan of a scenario's tree; files are looked for from ``folder``. Raises ConfigError."""
    _options_are_keys(tree, faults)
    scenario, faulted = _validate(tree, Scenario, (), faults)
    assert isinstance(scenario, Scenario)
    options: Section = OPTIONS[scenario.policy]()
    where = tree.entries.get("policy_options")
    if where is not None and isinstance(where.node, Mapping) and "policy" not in faulted:
        options, _ = _validate(where.node, OPTIONS[scenario.policy], ("policy_options",), faults)
    for location, wanted in contradictions(scenario):
        place = walk(tree, location)
        if not any(_related(".".join(place.path), path) for path in faulted):
            # A default that contradicts stands nowhere: the fault is told where its section would be.
            missing = [str(part) for part in location[len(place.path) :]]
            value = "(not written)" if missing else _value(place)
            faults.append(Fault(place.source, ".".join((*place.path, *missing)), value, wanted))
    samples = {which: _samples(tree, which, getattr(scenario, which), folder, faults) for which in ("talk", "wrap")}
    if faults:
        raise ConfigError(faults)
    return Plan(name, scenario, options, samples["talk"], samples["wrap"])


def _related(one: str, other: str) -> bool:
    """Whether one path lies on the way to the other: what follows from a fault is not told as another."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


# ---- the schema --------------------------------------------------------------------------------------------


def _options_are_keys(tree: Mapping, faults: list[Fault]) -> None:
    """The schema takes any mapping of options here; each policy's own keys are looked at later."""
    entry = tree.entries.get("policy_options")
    if entry is None or (isinstance(entry.node, Scalar) and entry.node.value is None):
        return
    if not isinstance(entry.node, Mapping):
        faults.append(Fault(entry.source, "policy_options", "(no mapping)", "a mapping (key: value)"))
        del tree.entries["policy_options"]


def _validate(
    tree: Mapping, model: type[Section], prefix: tuple[str, ...], faults: list[Fault]
) -> tuple[Section, frozenset[str]]:
    """The section without what is faulty, and the faulty paths; the faults of the first round are reported."""
    faulted: set[str] = set()
    report: list[Fault] = faults
    for _ in range(_MAX_ROUNDS):
        try:
            return model.model_validate(plain(tree)), frozenset(faulted)
        except ValidationError as error:
            removals: dict[tuple[int, str | int], Mapping | Sequence] = {}
            for detail in error.errors(include_url=False):
                place = walk(tree, detail["loc"])
                fault = _fault(place, model, prefix, detail)
                report.append(fault)
                faulted.add(fault.path)
                parent, key = place.hangs or (tree, str(detail["loc"][0]))
                removals[id(parent), key] = parent
            take_out(removals)
        report = []
    return model(), frozenset(faulted)


def _fault(place: Place, model: type[Section], prefix: tuple[str, ...], detail: ErrorDetails) -> Fault:
    location, kind = detail["loc"], detail["type"]
    path = (*prefix, *place.path)
    if kind == "missing":
        missing = ".".join((*path, str(location[-1])))
        return Fault(place.source, missing, "(missing)", "this key, which has no default")
    if kind == "extra_forbidden":
        return Fault(place.source, ".".join(path), "(unknown key)", _did_you_mean(model, location))
    return Fault(place.source, ".".join(path), _value(place), expected(detail))


def _value(place: Place) -> str:
    if isinstance(place.node, Scalar):
        return shown(place.node.value, place.path)
    if isinstance(place.node, Sequence):
        items = [shown(i.value, ()) if isinstance(i, Scalar) else "…" for i in place.node.items[:4]]
        return f"[{', '.join(items)}{', …' if len(place.node.items) > 4 else ''}]"
    return ""


def _did_you_mean(model: type[Section], location: AbstractSequence[str | int]) -> str:
    shape = Shape(model)
    for part in location[:-1]:
        shape = shape.item() if isinstance(part, int) else shape.child(part)
    known = list(shape.section.model_fields) if shape.section else []
    if not known:
        return "no key here: this policy has no options"
    return did_you_mean(str(location[-1]), known)


# ---- columns of durations ----------------------------------------------------------------------------------


def _samples(tree: Mapping, which: str, spec: Durations, folder: Path, faults: list[Fault]) -> tuple[float, ...]:
    if spec.distribution != "empirical" or spec.file is None or spec.column is None:
        return ()
    place, named = walk(tree, (which, "file")), walk(tree, (which, "column"))
    path = (folder / Path(spec.file).expanduser()).resolve()
    path_text = f"{which}.file"
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return _column(stream, path, spec.column, named.source, which, faults)
    except OSError as error:
        expected = f"a readable CSV file ({error.strerror or 'not readable'})"
    except UnicodeDecodeError:
        expected = "a CSV file in UTF-8"
    except csv.Error as error:
        expected = f"a CSV file ({error})"
    faults.append(Fault(place.source, path_text, shown(spec.file, ()), expected))
    return ()


def _column(
    stream: TextIO, path: Path, column: str, named_at: Source, which: str, faults: list[Fault]
) -> tuple[float, ...]:
    first = stream.readline(65_536)
    delimiter = max(",;\t|", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    if column not in header:
        listed = ", ".join(shown(each, ()) for each in header[:20]) or "none"
        faults.append(Fault(named_at, f"{which}.column", shown(column, ()), f"a column of {path.name}: {listed}"))
        return ()
    index = header.index(column)
    reader = csv.reader(stream, delimiter=delimiter)
    found: list[float] = []
    wrong = 0
    for row in reader:
        text = row[index].strip() if index < len(row) else ""
        if not row:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if 0 <= value <= LONGEST_S:
            found.append(value)
        else:
            wrong += 1
            if wrong <= FAULTS_OF_A_COLUMN:
                expected = f"a number of seconds from 0 to {LONGEST_S:g}"
                faults.append(Fault(Source(str(path), reader.line_num + 1), column, shown(text, ()), expected))
        if len(found) > MAX_SAMPLES:
            faults.append(Fault(named_at, f"{which}.file", path.name, f"a file of at most {MAX_SAMPLES} rows"))
            return ()
    if not wrong and not sum(found) > 0:
        faults.append(Fault(named_at, f"{which}.column", shown(column, ()), "a column with a duration above 0"))
    return tuple(found)
