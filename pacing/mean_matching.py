"""Mean matching, the published rule that balances averages: a baseline.

Owns this rule and its own long-run rates: start calls while the answers expected within 12 s are no more than
``factor`` × (agents idle now and expected to be free within 12 s). For comparison in the planner and the benchmark: no
mode of production.

Long-run rates only, so a ringing call's age and a conversation's length so far do not enter. The readings:

- Ringing calls answer at the rate p ÷ (mean life of a ring) each: n of them are expected to give
  n × p × min(1, 12 s ÷ mean life) answers within 12 s, a new call as many as any other.
- A caller who waits for an agent already is an answer for sure.
- Of the busy agents (reserved, talking, in wrap-up) a share of min(1, 12 s ÷ mean hold time) is free within 12 s.
- A call is started when the answers with it do not exceed what the agents bear.
- The rates are those of everything since the start, looked at once a minute: p = answered ÷ dials that are over,
  mean life and hold time by Little's law. It does not borrow the predictive rule's estimates, which follow changes.
  Until the first minute is over cautious guesses hold, and they go on to count as a few dials.
"""

from __future__ import annotations

import math

from pacing.snapshot import Counts, Decision

HORIZON_S = 12.0
LOOK_EVERY_S = 60.0
GUESS_P, GUESS_DIALS = 0.5, 20.0
GUESS_RING_S = 20.0
GUESS_HOLD_S, GUESS_HOLDS = 150.0, 5.0
ROUNDING = 1e-9


class MeanMatching:
    """``factor`` corrects what averages overlook; the benchmark tunes it to 3 % of abandoned calls."""

    def __init__(self, *, factor: float = 1.0) -> None:
        self._factor = factor
        self._rates = LongRun()

    def decide(self, counts: Counts) -> Decision:
        """See ``pacing.snapshot.Policy``."""
        rates = self._rates
        rates.see(counts)
        each = rates.p * min(1.0, HORIZON_S / rates.ring_s)
        busy = counts.talking + counts.wrap + counts.reserved
        free = counts.ready + busy * min(1.0, HORIZON_S / rates.hold_s)
        bear = self._factor * free
        expected = counts.waiting + counts.ringing * each
        lines = max(0, math.floor((bear - expected) / each + ROUNDING))
        return Decision(
            lines,
            f"start {lines}: {expected:.2f} answers expected within 12 s of {counts.ringing} ringing and "
            f"{counts.waiting} waiting, {free:.2f} agents ready or freeing x {self._factor:g} = {bear:.2f}",
        )


class LongRun:
    """The rates of everything since the first look. All of them stay above 0."""

    def __init__(self) -> None:
        self.p = GUESS_P
        self.ring_s = GUESS_RING_S
        self.hold_s = GUESS_HOLD_S
        self._at: float | None = None
        self._due = math.inf
        self._ringing = self._busy = 0
        self._rung_s = GUESS_RING_S * GUESS_DIALS
        self._held_s = GUESS_HOLD_S * GUESS_HOLDS
        self._answered = self._abandoned = 0
        self._today = (0, 0)

    def see(self, counts: Counts) -> None:
        """Count what has passed since the last look; once a minute the rates are made anew."""
        if self._at is None:
            self._due = counts.at + LOOK_EVERY_S
        else:
            passed = max(0.0, counts.at - self._at)
            self._rung_s += passed * self._ringing
            self._held_s += passed * self._busy
        self._at = counts.at
        self._ringing = counts.ringing
        self._busy = counts.talking + counts.wrap + counts.reserved
        self._count(counts)
        if counts.at >= self._due:
            self._due = counts.at + LOOK_EVERY_S
            self._renew(counts)

    def _count(self, counts: Counts) -> None:
        before = self._today if counts.answered_today >= self._today[0] else (0, 0)  # midnight
        self._today = (counts.answered_today, counts.abandoned_today)
        self._answered += self._today[0] - before[0]
        self._abandoned += self._today[1] - before[1]

    def _renew(self, counts: Counts) -> None:
        over = GUESS_DIALS + max(0, counts.dialed - counts.ringing)
        held = GUESS_HOLDS + max(0, self._answered - self._abandoned - self._busy)
        self.p = min(1.0, (GUESS_P * GUESS_DIALS + self._answered) / over)
        self.ring_s = max(0.1, self._rung_s / over)
        self.hold_s = max(0.1, self._held_s / held)
