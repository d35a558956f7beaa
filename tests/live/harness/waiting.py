"""Waiting for a condition with a deadline. The only place of the live tests that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TooLate(AssertionError):
    """A condition did not come true in time."""


def until(condition: Callable[[], T], timeout_s: float, what: str, every_s: float = 0.05) -> T:
    """The first true result of ``condition``. Raises TooLate, which says what was waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TooLate(f"waited {timeout_s:g} s in vain for {what}; last: {result!r}")
        time.sleep(every_s)
