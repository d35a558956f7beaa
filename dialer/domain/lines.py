"""What the store keeps of the numbers that our calls show, and tells at a start.

Owns shapes only. A number here is ours, not a customer's; it is masked in logs all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

QUARTER_S: Final = 900.0
"""Every zone's midnight begins a quarter of an hour: calls by the quarter are exact for a day anywhere."""

DAY_S: Final = 26 * 3600.0
"""The longest day there is, and some."""
LOOK_BACK_S: Final = 30 * 86_400.0
"""Calls before that say nothing of how a number is liked now."""


@dataclass(frozen=True, slots=True)
class SaveShownNumber:
    """Write how a number was judged, and why. ``standing``: good, resting or retired. Times on the engine clock; 0:
    none."""

    number: str
    standing: str
    rests: int
    rests_until: float
    judged_at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShownFact:
    """What the store knows of a number that calls of ours have shown.

    ``dialed`` and ``answered`` are calls since ``judged_at`` that say something of the number; ``quarters`` are calls
    of the last 26 hours, with the start of their quarter of an hour.
    """

    number: str
    standing: str = "good"
    rests: int = 0
    rests_until: float = 0.0
    judged_at: float = 0.0
    dialed: int = 0
    answered: int = 0
    quarters: tuple[tuple[float, int], ...] = ()
    reason: str = ""
