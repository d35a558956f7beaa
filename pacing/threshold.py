"""The launch threshold θ: how likely the next call may be to find nobody.

Owns the controller that makes the abandonment that happens meet the one that the budget allows. θ = κ × target ×
ease: what the budget allows acts at once and in proportion; κ, how θ relates to the abandonment that comes of it,
follows slowly: log κ += η (target − abandoned) at each answered call (pacing page, point 3, with the target taken out
of the integral: a fast integral alone swings by a quarter and costs a point of the agents' time). Smooth: a budget
that runs out lowers θ step by step. Must not count calls.
"""

from __future__ import annotations

import math

START = 1.1
LOWEST, HIGHEST = 0.15, 8.0
ETA_FIRST, ETA_LAST, ETA_ANSWERS = 0.06, 0.015, 150.0
"""The step is large at first and small after some hundred answers."""


class Threshold:
    """One campaign's θ (0–1)."""

    def __init__(self, highest: float) -> None:
        self._highest = highest
        self._log = math.log(START)
        self.answers = 0.0

    @property
    def factor(self) -> float:
        """κ: θ per abandonment aimed at."""
        return math.exp(self._log)

    def theta(self, target: float, ease: float) -> float:
        """The threshold while the budget allows ``target`` of the answers to be abandoned, risks eased to ``ease``."""
        return min(self._highest, self.factor * target * ease)

    def judged(self, target: float, *, abandoned: bool) -> None:
        """An answered call was settled while the budget allowed ``target`` (0–1) of them to be abandoned."""
        eta = ETA_LAST + (ETA_FIRST - ETA_LAST) / (1.0 + self.answers / ETA_ANSWERS) ** 2
        self.answers += 1.0
        step = eta * (target - (1.0 if abandoned else 0.0))
        self._log = max(math.log(LOWEST), min(math.log(HIGHEST), self._log + step))

    def state(self) -> dict[str, float]:
        """For ``restore``."""
        return {"log": self._log, "answers": self.answers}

    def restore(self, state: dict[str, float]) -> None:
        """Take over what ``state`` said. Raises ValueError, KeyError, TypeError when it does not fit."""
        log, answers = float(state["log"]), float(state["answers"])
        if not (math.log(LOWEST) - 1e-9 <= log <= math.log(HIGHEST) + 1e-9 and 0.0 <= answers < math.inf):
            raise ValueError("a threshold with impossible values")
        self._log = log
        self.answers = min(answers, 10 * ETA_ANSWERS)
