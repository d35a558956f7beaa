"""One small class for all state tables: which trigger moves which state where.

Owns lookup and the listing used by tests and documentation. It never raises on an unknown trigger: the caller
counts and logs it, because an event that a table does not know must not stop the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Table(Generic[S, T]):
    """An immutable transition table: ``{state: {trigger: next_state}}``."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Mapping[S, Mapping[T, S]]) -> None:
        self._rows = {state: dict(row) for state, row in rows.items()}

    def next(self, state: S, trigger: T) -> S | None:
        """The state after ``trigger``, or None when the table does not allow it in ``state``."""
        row = self._rows.get(state)
        return None if row is None else row.get(trigger)

    def __iter__(self) -> Iterator[tuple[S, T, S]]:
        for state, row in self._rows.items():
            for trigger, target in row.items():
                yield state, trigger, target
