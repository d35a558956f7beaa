"""What is believed of one campaign: rings, answers, talk and wrap-up, with the tables that a decision looks up.

Owns when the tables are made anew (after enough news, or a while) and the start from history or from a saved state.
Nonsense from a broken clock (negative or absurd durations) is refused and counted by the caller. Must read no clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pacing.answer import ANSWERED, CUT, NOT_ANSWERED, AnswerModel
from pacing.hold import LONGEST_S, Holding
from pacing.leads import LeadFacts
from pacing.ring import Array, RingShape
from pacing.settings import CampaignPacing

REBUILD_SHARE = 0.03
REBUILD_AT_LEAST = 4.0
REBUILD_AFTER_S = 60.0
OFFER_MARGIN_S = 0.25
"""No agent is offered this close to the limit."""
RESTORED_VAR = 0.04
"""How far a level may have moved since it was saved (logit², a factor of 1.2)."""
YESTERDAY_VAR = 0.12


@dataclass(frozen=True, slots=True)
class PastCall:
    """A settled attempt of the store's history; ages and durations in seconds, None where it did not come so far."""

    lead: LeadFacts
    ring_s: float | None  # from launch to answer or end
    answered: bool
    cut: bool
    talk_s: float | None = None
    wrap_s: float | None = None


class Beliefs:
    """Learnt values of one campaign."""

    def __init__(self, settings: CampaignPacing) -> None:
        self.settings = settings
        self.ring = RingShape(settings.ring_timeout_s, settings.prior_answer)
        self.hold = Holding(settings.prior_talk_s, settings.prior_wrap_s)
        self.answer = AnswerModel(settings.prior_answer)
        self.origin = "cold: priors only"
        self._news = 0.0
        self.built_at = -math.inf
        self.talk_free: Array
        self.wrap_free: Array
        self.make_tables()

    # ---- learning ------------------------------------------------------------------------------------------

    def call_over(self, entry: int, score: float, age_s: float, *, answered: bool, cut: bool) -> None:
        """A ringing call was answered, ended or was cut off after ``age_s``."""
        if answered:
            seen, state = 1.0, ANSWERED
        elif cut:
            seen, state = self.still_will(score, age_s), CUT
        else:
            seen, state = 0.0, NOT_ANSWERED
        self.ring.learn(age_s, answered=answered, cut=cut)
        self.answer.over(entry, age_s, state, seen)
        self._news += 1.0

    def still_will(self, score: float, age_s: float) -> float:
        """P(would answer yet) of one call that has rung ``age_s``."""
        p = self.answer.chance(score)
        index = min(int(age_s / 0.5), len(self.ring.to_answer) - 1)
        will = p * float(self.ring.to_answer[index])
        return will / (will + (1.0 - p) * float(self.ring.to_end[index]))

    def talked(self, agent: str, duration_s: float) -> None:
        """A conversation ended."""
        self.hold.talked(agent, duration_s)
        self._news += 1.0

    def wrapped(self, duration_s: float) -> None:
        """A wrap-up ended."""
        self.hold.wrap.learn(duration_s)
        self._news += 1.0

    @property
    def known(self) -> float:
        """Observations behind the beliefs, forgotten ones taken off."""
        return self.ring.calls + self.hold.talk.phases + self.hold.wrap.phases

    def stale(self, now: float) -> bool:
        """Whether the tables should be made anew: enough news, or a while gone by."""
        fresh = 0.0 <= now - self.built_at <= REBUILD_AFTER_S
        return not fresh or self._news >= max(REBUILD_AT_LEAST, REBUILD_SHARE * self.known)

    def rebuild(self, now: float, ringing_s: Array, talking_s: Array, wrapping_s: Array) -> None:
        """Make shapes and tables anew, with what is still going on."""
        self._news, self.built_at = 0.0, now
        self.ring.rebuild(ringing_s)
        self.hold.rebuild(talking_s, wrapping_s)
        self.make_tables()

    def make_tables(self) -> None:
        """The chances to be free at each of this campaign's horizons."""
        self.within = self.ring.horizons + max(0.0, self.settings.wait_limit_s - OFFER_MARGIN_S)
        self.talk_free, self.wrap_free = self.hold.free_tables(self.within)

    # ---- starts --------------------------------------------------------------------------------------------

    def warm(self, past: Iterable[PastCall]) -> tuple[int, int]:
        """Learn from history; returns (rows used, rows dropped as impossible)."""
        used = dropped = 0
        for row in past:
            if row.ring_s is None or not 0.0 <= row.ring_s < LONGEST_S:
                dropped += 1
                continue
            score = self.answer.score(row.lead)
            self.call_over(-1, score, row.ring_s, answered=row.answered, cut=row.cut)
            seen = 1.0 if row.answered else self.still_will(score, row.ring_s) if row.cut else 0.0
            self.answer.learn(row.lead, score, seen)
            for length, learn in ((row.talk_s, self.hold.talk.learn), (row.wrap_s, self.hold.wrap.learn)):
                if length is not None:
                    if 0.0 <= length < LONGEST_S:
                        learn(length)
                    else:
                        dropped += 1
            used += 1
        if used:
            self.answer.loosen(YESTERDAY_VAR)
            self.origin = f"warm: the last {used} calls of its history"
            if dropped:
                self.origin += f" ({dropped} impossible durations dropped)"
            self.rebuild(self.built_at, *([_NONE] * 3))
        elif dropped:
            self.origin = f"cold: priors only, {dropped} rows of its history were impossible"
        return used, dropped

    def state(self) -> dict[str, object]:
        """Everything learnt, JSON-able."""
        return {"ring": self.ring.state(), "hold": self.hold.state(), "answer": self.answer.state()}

    def restore(self, state: dict[str, object]) -> None:
        """Take over a saved state. Raises ValueError, KeyError, TypeError when it does not fit."""
        ring, hold, answer = state["ring"], state["hold"], state["answer"]
        if not (isinstance(ring, dict) and isinstance(hold, dict) and isinstance(answer, dict)):
            raise ValueError("a part of the saved state is missing")
        self.ring.restore(ring)
        self.hold.restore(hold)
        self.answer.restore(answer, trust_var=RESTORED_VAR)
        self.make_tables()


_NONE: Array = np.zeros(0)
