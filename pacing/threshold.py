"""The launch threshold θ: how likely the next call may be to find nobody.

Owns the controller that makes the abandonment that happens meet the one that the budget allows: log θ moves by
η (target − abandoned) at each answered call (pacing page, point 3). Smooth: a budget that runs out lowers θ step by
step; what must not happen at all is ``ease``'s matter, applied where θ is used. Must not count calls.
"""

from __future__ import annotations

import math

START = 0.03
LOWEST = 0.0005
ETA_FIRST, ETA_LAST, ETA_CALLS = 0.35, 0.08, 150.0
"""The step is large at first and small after some hundred answers."""


class Threshold:
    """One campaign's θ (0–1)."""

    def __init__(self, highest: float) -> None:
        self._highest = highest
        self._log = math.log(min(START, highest))
        self.answers = 0.0

    @property
    def theta(self) -> float:
        """The threshold now."""
        return math.exp(self._log)

    def judged(self, target: float, *, abandoned: bool) -> None:
        """An answered call was settled while the budget allowed ``target`` (0–1) of them to be abandoned."""
        eta = ETA_LAST + (ETA_FIRST - ETA_LAST) / (1.0 + self.answers / ETA_CALLS)
        self.answers += 1.0
        step = eta * (target - (1.0 if abandoned else 0.0))
        self._log = max(math.log(LOWEST), min(math.log(self._highest), self._log + step))

    def state(self) -> dict[str, float]:
        """For ``restore``."""
        return {"log": self._log, "answers": self.answers}

    def restore(self, state: dict[str, float]) -> None:
        """Take over what ``state`` said. Raises ValueError, KeyError, TypeError when it does not fit."""
        log, answers = float(state["log"]), float(state["answers"])
        if not (math.isfinite(log) and math.isfinite(answers) and answers >= 0):
            raise ValueError("a threshold with impossible values")
        self._log = max(math.log(LOWEST), min(math.log(self._highest), log))
        self.answers = min(answers, 10 * ETA_CALLS)
