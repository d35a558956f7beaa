"""What is put together from several prompts: numbers, times, days, waits, keys to press.

Owns the order of the parts, which is the same in every language that ships. Pure: it gives ids of the catalogue and
knows no file.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Final

_KEYS: Final = {**{str(n): f"digit-{n}" for n in range(10)}, "*": "digit-star", "#": "digit-hash"}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NEAR_DAYS: Final = ("day-today", "day-tomorrow", "day-after-tomorrow")
WAITS_MIN: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 45, 60)
"""The whole minutes that have a prompt."""


def digits(text: str) -> tuple[str, ...]:
    """A number digit by digit, with star and hash; whatever else stands in ``text`` is not spoken."""
    return tuple(_KEYS[key] for key in text if key in _KEYS)


def choice(prompt: str, key: str) -> tuple[str, ...]:
    """ "Lunch: press one"."""
    return (prompt, "press", *digits(key))


def agent(number: str) -> tuple[str, ...]:
    """ "Agent one zero zero one"; of an id without digits just "Agent"."""
    return ("agent", *digits(number))


def clock(hour: int, minute: int) -> tuple[str, ...]:
    """A time of day on the 24-hour clock. Raises ValueError for one that there is not."""
    if not 0 <= hour < 24 or not 0 <= minute < 60:
        raise ValueError(f"{hour}:{minute}: expected a time of day from 0:00 to 23:59")
    return (f"time-hour-{hour}", f"time-minute-{minute}")


def day(when: date, today: date) -> tuple[str, ...]:
    """Today, tomorrow, the day after, a weekday within the week; any other as month and day."""
    ahead = (when - today).days
    if 0 <= ahead < len(_NEAR_DAYS):
        return (_NEAR_DAYS[ahead],)
    if 0 < ahead < 7:
        return (f"day-{_WEEKDAYS[when.weekday()]}",)
    return (f"month-{when.month}", f"date-{when.day}")


def moment(when: datetime, today: date) -> tuple[str, ...]:
    """A day and a time of day, both as ``when``'s own zone has them."""
    return (*day(when.date(), today), *clock(when.hour, when.minute))


def wait(seconds: float) -> tuple[str, ...]:
    """A wait in whole minutes, never shorter than the true one: rounded up to the next that has a prompt."""
    minutes = max(1, math.ceil(seconds / 60))
    return (next((f"wait-minutes-{n}" for n in WAITS_MIN if n >= minutes), "wait-minutes-more"),)


def locked_out(seconds: float) -> tuple[str, ...]:
    """ "Too many wrong attempts. Please wait five minutes"."""
    return ("locked-out", *wait(seconds))


def callback_set(when: datetime, today: date) -> tuple[str, ...]:
    """ "Call back set for tomorrow, fourteen thirty"."""
    return ("callback-set", *moment(when, today))


def help_call(number: str) -> tuple[str, ...]:
    """ "Help call from agent one zero zero one", and what to press."""
    return ("help-call", *digits(number), "help-keys")


def queue_place(place: int) -> tuple[str, ...]:
    """ "Your place in the queue is three"; beyond nine only that there are more."""
    if place <= 1:
        return ("queue-next",)
    return ("queue-place", *digits(str(place))) if place < 10 else ("queue-place-more",)
