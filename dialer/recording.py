"""A recorded run: every event an engine handled, when, and what it decided and ordered, as JSON lines.

Owns the file's form (one frozen fact a line, exact floats) and the engine that writes it; ``dialer.simulate.replay``
reads it. Off unless asked for. Must never hold a telephone number, a PIN, a person's name or a note (which keys are
blanked is ``hushing``'s), nor disturb the run: a full disk or a file of ``MAX_BYTES`` ends the recording, not the
dialing. What is decided by numbers is therefore not repeated: which of several lines is cheapest for a lead, and which
number it shows.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TextIO

from dialer import __version__
from dialer.domain import (
    acts,
    agentless,
    callbacks,
    commands,
    desk_records,
    events,
    follow_me,
    hearing,
    inbound,
    lead,
    outcomes,
    phones,
    recordings,
)
from dialer.domain import lines as lines_module
from dialer.domain import routing as routing_module
from dialer.domain import settings as settings_module
from dialer.domain.settings import EngineSettings
from dialer.engine import Engine
from dialer.hushing import blanked, hushed
from pacing import settings as pacing_settings
from pacing import windows as pacing_windows
from routing import caller_ids, costs, health, trunks
from routing.calendars import Calendar, Holiday
from routing.callers import CallerKind, read
from routing.facts import Choice, Need, Step
from routing.followme import FollowMePlan, Phone
from routing.intake import Queue
from routing.outbound import Rank

MAX_BYTES: Final = 512 * 1024 * 1024
FORMAT: Final = 1
_MODULES: Final[tuple[ModuleType, ...]] = (
    acts, agentless, callbacks, events, commands, phones, hearing, desk_records, recordings, lead, lines_module,
    outcomes, settings_module, pacing_settings, pacing_windows, routing_module, costs, health, caller_ids, trunks,
    inbound, follow_me,
)  # fmt: skip
_PRIVATE: Final = frozenset({"number", "person", "note", "caller_id", "caller", "address", "pin", "shown"})
"""Fields that are hidden wherever they stand: the engine hands them through and decides by nothing in them but whether
there is anything."""
_SAID: Final = frozenset({"prompts", "parts"})
"""Fields of what is said: free texts in them, a person's name or a note, are left out."""
_OUR_NUMBERS: Final = frozenset({"numbers", "allotted", "cli_allotted_only"})
"""A pool's numbers have stand-ins; which of them a carrier allots is not kept."""
_NOT_ALLOTTED: Final[Mapping[str, Any]] = {"allotted": {"s": []}, "cli_allotted_only": False}
_CALLER: Final = "+10000000000"
"""Stands for every caller whose number is known."""
_PRIVATE_OF_A_LEAD: Final = frozenset({"name", "fields"})
_OF_PEOPLE: Final = (lead.ClaimedLead, phones.Display, inbound.ArrivalJudged)


_SPOKEN: Final = (phones.Murmur, phones.Say, phones.PrepareSpeech, phones.SendKeys)


class BadRecording(Exception):
    """A recording that cannot be read. ``str`` says in which line and why."""


# ---- facts as JSON -----------------------------------------------------------------------------------------


def _classes() -> dict[str, type[Any]]:
    known = [kind for module in _MODULES for kind in vars(module).values() if isinstance(kind, type)]
    known += [Choice, Need, Step, Queue, Rank, Calendar, Holiday, FollowMePlan, Phone]
    return {kind.__name__: kind for kind in known if dataclasses.is_dataclass(kind) or issubclass(kind, Enum)}


_KINDS: Final = _classes()


def encode(value: Any) -> Any:
    """A frozen fact as what JSON can hold; private fields are blank."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return {"e": type(value).__name__, "v": value.value}
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return {"t": value.isoformat()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, frozenset | set):
        return {"s": sorted(encode(item) for item in value)}
    if isinstance(value, Mapping):
        return {"m": [[encode(key), encode(item)] for key, item in value.items()]}
    name = type(value).__name__
    if name not in _KINDS:
        raise TypeError(f"a {name} cannot be recorded")
    private = _PRIVATE
    if isinstance(value, _OF_PEOPLE):
        private |= _PRIVATE_OF_A_LEAD
    elif isinstance(value, settings_module.PoolSettings | settings_module.TrunkSettings):
        private |= _OUR_NUMBERS
    elif isinstance(value, inbound.NumberSettings):
        private -= {"number"}  # one of ours, which each arrival names
    fields = [each.name for each in dataclasses.fields(value) if each.init]
    hidden = private | _SAID | {"keys"} if isinstance(value, _SPOKEN) else private
    return {"d": name, "v": {f: _hidden(f, value) if f in hidden else encode(getattr(value, f)) for f in fields}}


def written(commands_given: Iterable[Any]) -> list[Any]:
    """Commands as they are written down; what says nothing but free texts is left out."""
    silent = (phones.Murmur, phones.Say, phones.PrepareSpeech)
    made = ((command, encode(command)) for command in commands_given)
    return [
        line
        for command, line in made
        if not (isinstance(command, silent) and not any(line["v"].get(field) for field in _SAID))
    ]


def _hidden(name: str, fact: Any) -> Any:
    if name in _SAID:
        return [part for part in getattr(fact, name) if ":" not in part]
    if name == "keys":
        return blanked(fact.keys)
    if isinstance(fact, inbound.CallerArrived):
        return _CALLER if read(fact.caller).kind is CallerKind.NUMBER else "-"
    if isinstance(fact, Phone):
        return f"-{fact.name}" if fact.trunk else fact.number  # else it says whose phone it is
    if name == "fields":
        return {"m": []}
    if name in _OUR_NUMBERS:
        return [f"-{n}" for n, _ in enumerate(fact.numbers)] if name == "numbers" else _NOT_ALLOTTED[name]
    return "-" if getattr(fact, name) else ""


def decode(value: Any) -> Any:
    """What ``encode`` made, as it was: lists as tuples. Raises KeyError, TypeError, ValueError for anything else."""
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "s" in value:
        return frozenset(decode(item) for item in value["s"])
    if "m" in value:
        return {decode(key): decode(item) for key, item in value["m"]}
    if "t" in value:
        return date.fromisoformat(value["t"])
    if "e" in value:
        return _KINDS[value["e"]](value["v"])
    return _KINDS[value["d"]](**{name: decode(item) for name, item in value["v"].items()})


# ---- writing -----------------------------------------------------------------------------------------------


def decisions(engine: Engine, before: Mapping[str, float | None]) -> list[list[Any]]:
    """The campaigns' decisions that are newer than ``before``: name, lines, calls to hang up, reason."""
    return [
        [name, campaign.decision.lines, list(campaign.decision.hang_up), campaign.decision.reason]
        for name, campaign in engine._live.campaigns.items()
        if campaign.decided_at != before.get(name)
    ]


def decided_at(engine: Engine) -> dict[str, float | None]:
    """When each campaign was last decided for."""
    return {name: campaign.decided_at for name, campaign in engine._live.campaigns.items()}


class Ids:
    """Hands identifiers through and remembers those of one turn."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._given: list[str] = []

    def __call__(self) -> str:
        given = self._new_id()
        self._given.append(given)
        return given

    def taken(self) -> list[str]:
        """Those handed out since the last question."""
        given, self._given = self._given, []
        return given


class RecordingEngine(Engine):
    """The engine, and a line in ``stream`` for each of its turns."""

    def __init__(
        self,
        settings: EngineSettings,
        now: float,
        new_id: Callable[[], str],
        stream: TextIO,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._ids = Ids(new_id)
        self._stream: TextIO | None = stream
        self._left = max_bytes
        super().__init__(settings, now, self._ids)
        head = {"format": FORMAT, "version": __version__, "now": now, "settings": encode(settings)}
        self._write(head | {"ids": self._ids.taken()})

    def handle(self, event: events.Event, now: float) -> list[commands.Command]:
        """See ``Engine.handle``."""
        before, told = decided_at(self), hushed(event, self._live)
        out = super().handle(event, now)
        ids = self._ids.taken()
        if self._stream is not None:
            self._write(
                {
                    "at": now,
                    "event": encode(told),
                    "ids": ids,
                    "decisions": decisions(self, before),
                    "commands": written(out),
                }
            )
            if any(isinstance(command, commands.Drained) for command in out):
                self._flush()
        return out

    @property
    def recording(self) -> bool:
        """Whether lines are still being written."""
        return self._stream is not None

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")) + "\n"
        self._left -= len(text)
        full = self._left < 0
        self._try(lambda stream: stream.write('{"full":true}\n' if full else text))
        if full:
            self._flush()
            self._stream = None

    def _flush(self) -> None:
        self._try(lambda stream: stream.flush())

    def _try(self, act: Callable[[TextIO], object]) -> None:
        if self._stream is not None:
            try:
                act(self._stream)
            except (OSError, ValueError) as error:
                self._stream = None
                self._live.note("warning", "recording_ended", f"the recording ends here: {error}")


def make_engine(file: Path | None, settings: EngineSettings, now: float, new_id: Callable[[], str]) -> Engine:
    """The production engine; with ``file``, one that records itself there (readable for its owner only).

    Raises OSError when the file cannot be made.
    """
    if file is None:
        return Engine(settings, now, new_id)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return RecordingEngine(settings, now, new_id, open(handle, "w", encoding="ascii", buffering=1 << 16))


# ---- reading -----------------------------------------------------------------------------------------------


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a recording, the head first; a last line that was cut off by a kill is left out.

    Raises BadRecording, OSError.
    """
    with file.open(encoding="ascii") as stream:
        for number, text in enumerate(stream, 1):
            if not text.endswith("\n"):
                return
            try:
                line = json.loads(text)
            except ValueError as error:
                raise BadRecording(f"{file}:{number}: not a line of a recording: {error}") from error
            if number == 1 and line.get("format") != FORMAT:
                raise BadRecording(f"{file}:1: format {line.get('format')!r}, expected {FORMAT}")
            yield line
