"""Conditions on fields as sets, and whether such sets meet or leave something out.

Owns the algebra of one condition (numbers from … to below …, or one of some words, or the field is missing) and of
boxes (a condition for each of several fields). Exact: nothing is sampled. Must not know what a box stands for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_PIECES: Final = 20_000
"""More pieces than this and the question is given up: nobody could read such rules either."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """``low`` ≤ number < ``high``. ``missing``: or there is no number in the field."""

    low: float = -math.inf
    high: float = math.inf
    missing: bool = False

    def holds(self, value: object) -> bool:
        """Whether a field with this value is in the set."""
        number = number_of(value)
        return self.missing if number is None else self.low <= number < self.high

    def and_(self, other: Condition) -> Numbers | None:
        """What is in both sets; None: nothing."""
        assert isinstance(other, Numbers)
        both = Numbers(max(self.low, other.low), min(self.high, other.high), self.missing and other.missing)
        return both if both.missing or both.low < both.high else None

    def without(self, other: Condition) -> Iterator[Numbers]:
        """What is in this set and not in the other, in pieces."""
        assert isinstance(other, Numbers)
        for low, high in ((self.low, min(self.high, other.low)), (max(self.low, other.high), self.high)):
            if low < high:
                yield Numbers(low, high)
        if self.missing and not other.missing:
            yield Numbers(0.0, 0.0, True)

    def __str__(self) -> str:
        if self.low >= self.high:
            return "missing"
        if self.low == -math.inf:
            return "any number" if self.high == math.inf else f"below {self.high:g}"
        return f"from {self.low:g}" if self.high == math.inf else f"from {self.low:g} to below {self.high:g}"


@dataclass(frozen=True, slots=True)
class Words:
    """One of ``among``, or, ``others``, anything but one of them; a missing field is the empty word."""

    among: frozenset[str]
    others: bool = False

    def holds(self, value: object) -> bool:
        """Whether a field with this value is in the set."""
        return (word_of(value) in self.among) is not self.others

    def and_(self, other: Condition) -> Words | None:
        """What is in both sets; None: nothing."""
        assert isinstance(other, Words)
        if self.others and other.others:
            return Words(self.among | other.among, True)
        if self.others or other.others:
            inside, outside = (other, self) if self.others else (self, other)
            both = inside.among - outside.among
        else:
            both = self.among & other.among
        return Words(both) if both else None

    def without(self, other: Condition) -> Iterator[Words]:
        """What is in this set and not in the other, in pieces."""
        assert isinstance(other, Words)
        rest = self.and_(Words(other.among, not other.others))
        if rest is not None:
            yield rest

    def __str__(self) -> str:
        words = ", ".join(sorted(word or "(missing)" for word in self.among))
        return f"anything but {words}" if self.others and words else words or "anything"


Condition = Numbers | Words
Box = Mapping[str, Condition]
"""A condition for each of some fields; fields that are not named may be anything."""


def number_of(value: object) -> float | None:
    """A field's value as a number; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(str(value).strip().replace(" ", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def word_of(value: object) -> str:
    """A field's value as a word, whatever its case."""
    return "" if value is None else " ".join(str(value).split()).casefold()


def everything(condition: Condition) -> Condition:
    """The set of all values of such a field."""
    return Numbers(missing=True) if isinstance(condition, Numbers) else Words(frozenset(), True)


def meet(first: Box, second: Box) -> Box | None:
    """What is in both boxes; None: nothing. A field must be of one sort in both."""
    both = dict(first)
    for name, condition in second.items():
        there = both.get(name)
        common = condition if there is None else there.and_(condition)
        if common is None:
            return None
        both[name] = common
    return both


def left_out(boxes: Sequence[Box]) -> Box | None:
    """Some box that none of these covers; None: they cover everything.

    Raises OverflowError where that takes too many pieces to find out.
    """
    whole: dict[str, Condition] = {}
    for box in boxes:
        for name, condition in box.items():
            whole.setdefault(name, everything(condition))
    pieces: list[Box] = [whole]
    for box in boxes:
        pieces = [rest for piece in pieces for rest in _minus(piece, box)]
        if len(pieces) > MOST_PIECES:
            raise OverflowError("too many pieces")
    return pieces[0] if pieces else None


def _minus(piece: Box, box: Box) -> Iterator[Box]:
    if meet(piece, box) is None:
        yield piece
        return
    rest = dict(piece)
    for name, condition in box.items():
        for part in rest[name].without(condition):
            yield {**rest, name: part}
        inside = rest[name].and_(condition)
        assert inside is not None
        rest[name] = inside


def told(box: Box) -> str:
    """A box in words."""
    return ", ".join(f"{name} {condition}" for name, condition in sorted(box.items())) or "anybody"


def holds(box: Box, fields: Mapping[str, object]) -> bool:
    """Whether somebody with these fields is in the box."""
    return all(condition.holds(fields.get(name)) for name, condition in box.items())
