"""A world, its switch's limits and its timing as a JSON file, so that a parent can describe them to the
process.

The file holds the fields of `WorldSpec` under `world`, of `Limits` under `limits` and of `Timing` under
`timing`, all optional.  `world.talk_times_csv` = {"path", "column", "delimiter"} reads talk times (seconds)
out of a CSV column. Unknown keys and wrong kinds of value are refused with the place they stand at.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freeswitch.standin.dialplan import Dialplan, DialplanError
from freeswitch.standin.kernel import Limits, Timing
from freeswitch.standin.world import CallPlan, PhonePlan, WorldError, WorldSpec


class SpecError(ValueError):
    """A world file cannot be used: the message says where, what stood there and what was expected."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a world file can say."""

    world: WorldSpec = field(default_factory=WorldSpec)
    limits: Limits = field(default_factory=Limits)
    timing: Timing = field(default_factory=Timing)

    def to_json(self) -> str:
        """The text of a world file that loads to an equal setup."""
        return json.dumps(dataclasses.asdict(self), indent=1)


def load(path: Path) -> Setup:
    """Read a world file; raises SpecError, or OSError when it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SpecError(f"{path}: not JSON: {error}") from error
    return parse(data, str(path), path.parent)


def parse(data: Any, where: str, base: Path) -> Setup:
    """Turn decoded JSON into a setup; `base` is the folder that relative CSV paths start from."""
    sections = _object(data, where)
    _known(sections, ("world", "limits", "timing"), where)
    world = dict(_object(sections.get("world", {}), f"{where}: world"))
    source = world.pop("talk_times_csv", None)
    if source is not None:
        world["talk_times_s"] = _column(_object(source, f"{where}: world.talk_times_csv"), where, base)
    for name, kind in (("scripted", CallPlan), ("scripted_phones", PhonePlan)):
        plans = _object(world.get(name, {}), f"{where}: world.{name}")
        world[name] = {key: _fill(kind, plan, f"{where}: world.{name}.{key}") for key, plan in plans.items()}
    _readable(world.get("dialplan", ""), f"{where}: world.dialplan")
    return Setup(
        _fill(WorldSpec, world, f"{where}: world"),
        _fill(Limits, sections.get("limits", {}), f"{where}: limits"),
        _fill(Timing, sections.get("timing", {}), f"{where}: timing"),
    )


def _readable(dialplan: Any, where: str) -> None:
    try:
        Dialplan.read(dialplan if isinstance(dialplan, str) else "")
    except DialplanError as error:
        raise SpecError(f"{where}: {error}") from error


def _fill(kind: type[Any], data: Any, where: str) -> Any:
    values = _object(data, where)
    _known(values, tuple(each.name for each in dataclasses.fields(kind)), where)
    default = kind()
    checked = {
        name: _value(value, getattr(default, name), f"{where}.{name}") for name, value in values.items()
    }
    try:
        return kind(**checked)
    except WorldError as error:
        raise SpecError(f"{where}: {error}") from error


def _value(value: Any, default: Any, where: str) -> Any:
    if isinstance(default, bool):
        expected, good = "true or false", isinstance(value, bool)
    elif isinstance(default, tuple):
        expected, good = "a list", isinstance(value, (list, tuple))
        if good:
            return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    elif isinstance(default, str):
        expected, good = "text", isinstance(value, str)
    elif isinstance(default, dict):
        expected, good = "an object", isinstance(value, dict)
    elif default is None or isinstance(default, float):
        expected, good = "a number or null", value is None or _number(value)
    else:
        expected, good = "a whole number", isinstance(value, int) and not isinstance(value, bool)
    if not good:
        raise SpecError(f"{where}: {value!r}: {expected} was expected")
    return value


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _object(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise SpecError(f"{where}: {data!r}: an object was expected")
    return data


def _known(data: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in data:
        if name not in names:
            raise SpecError(f"{where}: {name!r} is not known; expected one of {', '.join(sorted(names))}")


def _column(source: dict[str, Any], where: str, base: Path) -> tuple[float, ...]:
    place = f"{where}: world.talk_times_csv"
    _known(source, ("path", "column", "delimiter"), place)
    path = base / str(source.get("path", ""))
    column = str(source.get("column", "duration"))
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter=str(source.get("delimiter", ",")))
            if column not in (rows.fieldnames or ()):
                raise SpecError(f"{place}: {path}: no column {column!r}; it has {rows.fieldnames}")
            return tuple(float(row[column]) for row in rows if row[column])
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"{place}: {path}: {error}") from error
