"""A recorded run handed to a fresh engine, event by event: does it decide the same?

Owns the comparison. The engine of a simulated shift and that of a real floor are the same code; this shows that they
decide the same for the same events and times, whatever machine they run on. Reads what ``dialer.recording`` wrote.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.engine import Engine
from dialer.recording import BadRecording, decided_at, decisions, decode, lines, written

DIFFERENCES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the replayed engine said something else: the line of the recording, what is compared, both sides."""

    line: int
    what: str
    recorded: Any
    replayed: Any

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: recorded {self.recorded!r}, replayed {self.replayed!r}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared. ``full``: the recording ended before the run did."""

    events: int
    decisions: int
    started: int
    commands: int
    differences: tuple[Difference, ...]
    different: int
    full: bool

    @property
    def same(self) -> bool:
        """Whether every decision and every command was the same."""
        return self.different == 0


class _RecordedIds:
    """The identifiers of the recorded run, in its order; an engine that wants more than it did gets its own."""

    def __init__(self) -> None:
        self._ids: deque[str] = deque()
        self._extra = 0

    def add(self, ids: list[str]) -> None:
        self._ids.extend(ids)

    def __call__(self) -> str:
        if self._ids:
            return self._ids.popleft()
        self._extra += 1
        return f"ffffffff-0000-4000-8000-{self._extra:012d}"


def replay(file: Path, make: Callable[..., Engine] = Engine) -> Comparison:
    """Hand every recorded event to a new engine and compare. Raises BadRecording, OSError."""
    source = enumerate(lines(file), 1)
    _, head = next(source, (0, None))
    if head is None:
        raise BadRecording(f"{file}: empty")
    ids = _RecordedIds()
    ids.add(head["ids"])
    try:
        engine = make(decode(head["settings"]), head["now"], ids)
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecording(f"{file}:1: settings of another version: {error!r}") from error
    events = decided = started = commands = different = 0
    found: list[Difference] = []
    full = False
    for number, line in source:
        if line.get("full"):
            full = True
            break
        ids.add(line["ids"])
        try:
            event = decode(line["event"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadRecording(f"{file}:{number}: an event of another version: {error!r}") from error
        before = decided_at(engine)
        out = written(engine.handle(event, line["at"]))
        made = decisions(engine, before)
        events += 1
        decided += len(made)
        started += sum(each[1] for each in made)
        commands += len(out)
        for what, recorded, replayed in (("decisions", line["decisions"], made), ("commands", line["commands"], out)):
            if recorded != replayed:
                different += 1
                if len(found) < DIFFERENCES_KEPT:
                    found.append(_first(number, what, recorded, replayed))
    return Comparison(events, decided, started, commands, tuple(found), different, full)


def _first(line: int, what: str, recorded: list[Any], replayed: list[Any]) -> Difference:
    """The first item of two lists that differs."""
    for one, other in zip(recorded, replayed, strict=False):
        if one != other:
            return Difference(line, what, one, other)
    shorter = min(len(recorded), len(replayed))
    return Difference(line, what, recorded[shorter:], replayed[shorter:])
