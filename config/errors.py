"""Faults and notices of a configuration, and the one exception that carries them.

Owns how a fault reads: ``file:line: path: value: what was expected``. Must never hold a secret's value:
whoever makes a Fault masks it first with ``shown``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SECRET_KEYS = frozenset({"password", "token", "secret", "secrets", "url"})
"""Keys whose values are secrets wherever they stand (a database's url may hold a password)."""

_CREDENTIALS = re.compile(r":[^:@/\s]+@")
_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where a key or value was written.

    ``line`` counts from 1; 0 where there is no line (environment, flags).
    """

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``value`` is already fit to print; empty where there is none to show."""

    source: Source
    path: str
    value: str
    expected: str

    def __str__(self) -> str:
        parts = [str(self.source), self.path, self.value, self.expected]
        return _on_one_line(": ".join(part for part in parts if part))


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that works and that an operator should know about."""

    source: Source
    path: str
    text: str

    def __str__(self) -> str:
        return _on_one_line(": ".join(part for part in (str(self.source), self.path, self.text) if part))


class ConfigError(Exception):
    """The configuration cannot be used. ``faults`` holds every fault, in the order of files and lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults), key=lambda f: (f.source, f.path, f.expected)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def is_secret(path: Iterable[str]) -> bool:
    """Whether the value at this path must never be printed."""
    return any(key.lower() in SECRET_KEYS for key in path)


def shown(value: str | None, path: Iterable[str]) -> str:
    """A scalar as a fault may print it: secrets hidden, control characters escaped, long ones cut."""
    if is_secret(path):
        return "(secret)"
    if value is None:
        return "(empty)"
    if value == "":
        return '""'
    text = _CREDENTIALS.sub(":***@", _on_one_line(value))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _on_one_line(text: str) -> str:
    """Control characters, which a key or value may hold, written as escapes: a terminal must not obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
