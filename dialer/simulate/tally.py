"""What a planned shift counts, and the result that is made of it.

Owns the counters and the definitions of the contract's result keys. Times are seconds since the shift's start.

- Agents' time counts within the shift: ``busy_share`` is (talk + wrap) ÷ logged in; who is on a pause is logged in.
- Calls count whole: an answer belongs to the shift also when it comes after the end, from a call that rang then.
- ``worst_5min_abandon_rate`` looks at every five minutes (a window of 300 s moved by 10 s) with at least 20 answers;
  where the shift has no such window, at those with the most answers.
- A rate of nothing is 0.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.domain.commands import CloseAttempt
from dialer.domain.outcomes import Outcome

WINDOW_S = 300.0
STEP_S = 10.0
ANSWERS_OF_A_WINDOW = 20
FIRST_S = 1800.0
RESULT_KEYS = (
    "agents", "hours", "dialed", "answered", "connected", "abandoned", "abandon_rate", "busy_share", "talk_share",
    "worst_5min_abandon_rate", "first_30min_abandon_rate", "after_change_5min_abandon_rate", "hung_up_ringing",
    "dials_per_answer", "connected_per_agent_hour", "lines_peak", "leads_unaccounted", "scenario", "policy", "seed",
    "version", "wall_s",
)  # fmt: skip
"""The contract's keys, and after them what tells runs apart."""


class Series(NamedTuple):
    """The shift in steps of 10 s. ``answered`` and ``abandoned`` count from its start, the others are of the moment."""

    at_s: NDArray[np.float64]
    logged_in: NDArray[np.int32]
    busy: NDArray[np.int32]
    ringing: NDArray[np.int32]
    waiting: NDArray[np.int32]
    answered: NDArray[np.int32]
    abandoned: NDArray[np.int32]


@dataclass(slots=True)
class Tally:
    """The counters of one shift."""

    dialed: int = 0
    hung_up_ringing: int = 0
    lines_peak: int = 0
    talk_s: float = 0.0
    wrap_s: float = 0.0
    logged_in_s: float = 0.0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    _answered_at: array[float] = field(default_factory=lambda: array("d"))
    _closed: list[tuple[float, bool]] = field(default_factory=list)
    _samples: list[tuple[float, int, int, int, int]] = field(default_factory=list)
    _changes: dict[int, float] = field(default_factory=dict)

    # ---- counting ------------------------------------------------------------------------------------------

    def launched(self, lines: int) -> None:
        """A call went out; ``lines`` are in use with it."""
        self.dialed += 1
        if lines > self.lines_peak:
            self.lines_peak = lines

    def answered(self, at_s: float) -> int:
        """A person answered; the answer's number."""
        self._answered_at.append(at_s)
        return len(self._answered_at) - 1

    def closed(self, order: CloseAttempt, epoch_s: float) -> None:
        """The engine's word on how a call ended."""
        self.outcomes[order.outcome] += 1
        if order.answered_at is not None:
            self._closed.append((order.answered_at - epoch_s, order.outcome is Outcome.ABANDONED))

    def spent(self, seconds: float, *, talk: bool, wrap: bool) -> None:
        """An agent's time."""
        self.logged_in_s += seconds
        if talk:
            self.talk_s += seconds
        elif wrap:
            self.wrap_s += seconds

    def sample(self, at_s: float, logged_in: int, busy: int, ringing: int, waiting: int) -> None:
        """What is going on now."""
        self._samples.append((at_s, logged_in, busy, ringing, waiting))

    def changed(self, index: int, at_s: float) -> None:
        """A change of the scenario takes effect."""
        self._changes[index] = at_s

    # ---- the result ----------------------------------------------------------------------------------------

    def result(self, agents: int, hours: float, unaccounted: int) -> dict[str, Any]:
        """The contract's keys, without those that name the run. Shares and rates are rounded to a millionth."""
        at, gone = self._answers()
        answers, abandoned = len(at), int(gone.sum())
        connected = self.outcomes[Outcome.CONNECTED]
        hours_in = self.logged_in_s / 3600.0
        return {
            "agents": agents,
            "hours": hours,
            "dialed": self.dialed,
            "answered": answers,
            "connected": connected,
            "abandoned": abandoned,
            "abandon_rate": _ratio(abandoned, answers),
            "busy_share": _ratio(self.talk_s + self.wrap_s, self.logged_in_s),
            "talk_share": _ratio(self.talk_s, self.logged_in_s),
            "worst_5min_abandon_rate": worst_window(at, gone, hours * 3600.0),
            "first_30min_abandon_rate": _rate_between(at, gone, 0.0, FIRST_S)["rate"],
            "after_change_5min_abandon_rate": [
                {"at_hour": round(start / 3600.0, 6), **_rate_between(at, gone, start, start + WINDOW_S)}
                for _, start in sorted(self._changes.items())
            ],
            "hung_up_ringing": self.hung_up_ringing,
            "dials_per_answer": _ratio(self.dialed, answers),
            "connected_per_agent_hour": _ratio(connected, hours_in),
            "lines_peak": self.lines_peak,
            "leads_unaccounted": unaccounted,
        }

    def series(self) -> Series:
        """The shift in steps, for pictures."""
        at, gone = self._answers()
        rows = np.asarray(self._samples, dtype=np.float64).reshape(-1, 5)
        until = np.searchsorted(at, rows[:, 0], side="right")
        lost = np.concatenate(([0], np.cumsum(gone)))
        logged_in, busy, ringing, waiting = rows[:, 1:].astype(np.int32).T
        answered, abandoned = until.astype(np.int32), lost[until].astype(np.int32)
        return Series(rows[:, 0], logged_in, busy, ringing, waiting, answered, abandoned)

    def _answers(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """When each answer came, in order, and whether it was abandoned."""
        rows = sorted(self._closed)
        return (
            np.asarray([at for at, _ in rows], dtype=np.float64),
            np.asarray([gone for _, gone in rows], dtype=np.int64),
        )


def _ratio(part: float, whole: float) -> float:
    return round(part / whole, 6) if whole else 0.0


def _rate_between(at: NDArray[np.float64], gone: NDArray[np.int64], begin: float, end: float) -> dict[str, float]:
    first, last = np.searchsorted(at, (begin, end))
    lost = int(gone[first:last].sum())
    return {"answered": int(last - first), "abandoned": lost, "rate": _ratio(lost, int(last - first))}


def worst_window(at: NDArray[np.float64], gone: NDArray[np.int64], until_s: float) -> float:
    """The highest abandon rate of any five minutes of the shift that have answers enough to speak of a rate."""
    if not len(at):
        return 0.0
    starts = np.arange(0.0, max(STEP_S, until_s - WINDOW_S + STEP_S), STEP_S)
    first = np.searchsorted(at, starts)
    last = np.searchsorted(at, starts + WINDOW_S)
    answers = last - first
    lost = np.concatenate(([0], np.cumsum(gone)))
    enough = answers >= max(1, min(ANSWERS_OF_A_WINDOW, int(answers.max())))
    if not enough.any():
        return 0.0
    rates = (lost[last] - lost[first])[enough] / answers[enough]
    return round(float(rates.max()), 6)
