"""How likely a dialed lead is to answer: a level that follows the day, and what is known of the lead itself.

Owns a logistic score (level + list + hour + attempt + line type + last outcome), learnt call by call with a variance
for each effect (assumed-density filtering: a diagonal Laplace step), and the watch over its level: a fast look at the
newest 150 dials beside the slow score. Calls that still ring, or that we cut off, count by their posterior chance.
Where the newest dials contradict the score by more than ``ALARM`` standard errors, the level is set anew from them;
a milder contradiction upwards is half believed at once, because a rate that is believed too low costs abandoned
people, and one believed too high only a little idle time. Must read no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pacing.board import Ints
from pacing.leads import LeadFacts
from pacing.ring import BIN_S, BINS, Array, RingShape

RECENT = 160
LOOKS = (16, 24, 36, 54, 80, 115, 150)
"""How many of the newest dials are looked at together."""
ALARM = 4.5
DOUBT_UP, DOUBT_DOWN = 2.5, 3.2
"""From so many standard errors on, an unproven change of the level is believed in part."""
SLOW_CALLS = 3000.0
TYPICAL_DIALS = 300
LEVEL_SD = 0.7
FEARED, FEARED_COLD = 2.0, 1.5
"""Standard errors above the level that are feared: so many when it is known well, and so many more when nothing is."""
EFFECT_SD = {"list": 0.5, "hour": 0.15, "attempt": 0.3, "line": 0.3, "last": 0.5}
FORGET_EFFECTS = 30_000.0
MOST_EFFECTS = 400
LOGIT_MAX = 5.0
SCORE_MAX = len(EFFECT_SD) * LOGIT_MAX
"""No lead's own part of the logit is beyond this, neither up nor down."""

OLDEST_RING_S = 150.0
NOTHING_NEW_VAR = 0.003
SURE_OF_SCORE = 1.0

RINGING, ANSWERED, NOT_ANSWERED, CUT = 0, 1, 2, 3


def logit(p: float) -> float:
    """ln(p ÷ (1 − p)), with p kept away from 0 and 1."""
    p = min(max(p, 0.005), 0.995)
    return math.log(p / (1.0 - p))


def sigmoid(x: float) -> float:
    """The chance that belongs to a logit."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, x))))


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the level that was found: ``z`` standard errors over the newest ``calls`` dials."""

    at: float
    z: float
    calls: int
    before: float
    after: float


@dataclass(slots=True, eq=False)
class _Dial:
    at: float
    lead: LeadFacts
    score: float
    seen: float | None = None


class AnswerModel:
    """The score of one campaign."""

    def __init__(self, prior: float) -> None:
        self.level = logit(prior)
        self._level_var = LEVEL_SD**2
        self._effects: dict[str, tuple[float, float]] = {}
        self.calls = 0.0
        self.changes: list[Change] = []
        self.changes_found = 0
        self.shift = 0.0
        """The part of an unproven change that is believed now (logit)."""
        self.doubt = 0.0
        """Standard errors by which the newest dials contradict the score."""
        self.typical = 0.0
        """The mean score of the leads dialed lately: what ``level`` is to be read with."""
        self._score = np.zeros(RECENT)
        self._state = np.zeros(RECENT, dtype=np.int64)
        self._launched = np.zeros(RECENT)
        self._age = np.zeros(RECENT)
        self._next = 0
        self._watched = 0  # how many of the newest entries belong to the present level
        self._learnt_upto = 0  # entries before this one have had their say on the level
        self._unripe: dict[int, _Dial] = {}

    # ---- before a call -------------------------------------------------------------------------------------

    def score(self, lead: LeadFacts) -> float:
        """The lead's own part of the logit: add ``level`` (and ``shift``)."""
        if lead.given is not None:
            return logit(lead.given) - self.level
        return sum(self._effects[name][0] for name in lead.features() if name in self._effects)

    def chance(self, score: float) -> float:
        """P(answer) of a lead with this score now."""
        return sigmoid(self.level + self.shift + score)

    def chances(self, scores: Array, feared: float = 0.0) -> Array:
        """``chance`` of many scores at once, with the level taken for higher by ``feared`` (logit)."""
        chances: Array = 1.0 / (1.0 + np.exp(-(self.level + self.shift + feared + scores)))
        return chances

    @property
    def usual(self) -> float:
        """P(answer) of the leads that are dialed these days."""
        return self.chance(self.typical)

    @property
    def settled(self) -> float:
        """``usual`` without changes that are not proven: to plan hours with, while those come and go in seconds."""
        return sigmoid(self.level + self.typical)

    @property
    def level_sd(self) -> float:
        """Standard error of the level (logit)."""
        return math.sqrt(self._level_var)

    @property
    def feared(self) -> float:
        """How far above the level (logit) the answers may be, to the careful.

        A prior may be wrong by more than what was learnt, and a cold team finds out only when all its calls are out.
        """
        return (FEARED + FEARED_COLD * self.level_sd / LEVEL_SD) * self.level_sd

    def low_high(self) -> tuple[float, float]:
        """``usual``, two standard errors of the level down and up."""
        two = 2.0 * self.level_sd
        middle = self.level + self.shift + self.typical
        return sigmoid(middle - two), sigmoid(middle + two)

    # ---- a call --------------------------------------------------------------------------------------------

    def dialed(self, at: float, lead: LeadFacts, score: float) -> int:
        """Note a launch; the returned entry goes into ``over``."""
        entry = self._next
        self.typical += (score - self.typical) / min(entry + 1, TYPICAL_DIALS)
        slot = entry % RECENT
        self._score[slot], self._state[slot], self._launched[slot] = score, RINGING, at
        self._age[slot] = 0.0
        self._next += 1
        self._watched = min(self._watched + 1, RECENT)
        self._unripe[entry] = _Dial(at, lead, score)
        return entry

    def over(self, entry: int, age_s: float, state: int, seen: float) -> None:
        """The call of ``entry`` was answered, ended or was cut off at ``age_s``.

        ``seen`` is what it says of an answer: 1, 0, or the posterior chance of a call that was cut off.
        """
        if entry > self._next - RECENT - 1:
            slot = entry % RECENT
            self._state[slot], self._age[slot] = state, age_s
        if (dial := self._unripe.get(entry)) is not None:
            dial.seen = seen

    def void(self, entry: int) -> None:
        """The call of ``entry`` told nothing (never sent, or interrupted)."""
        if entry > self._next - RECENT - 1:
            slot = entry % RECENT
            self._state[slot], self._age[slot] = CUT, 0.0
        self._unripe.pop(entry, None)

    def learn(self, lead: LeadFacts, score: float, seen: float, *, level: bool = True) -> None:
        """What one call that is settled says (``seen``: 1, 0, or a chance) of its lead's kind, and of the level."""
        names = () if lead.given is not None else lead.features()
        known = [(name, self._effects.get(name) or (0.0, _prior_var(name))) for name in names]
        if len(self._effects) >= MOST_EFFECTS:
            known = [(name, effect) for name, effect in known if name in self._effects]
        p = sigmoid(self.level + score)
        error, info = seen - p, max(p * (1.0 - p), 0.01)
        # One step of the extended Kalman filter with a diagonal covariance.
        spread = 1.0 + info * (self._level_var + sum(var for _, (_, var) in known))
        if level:
            variance = self._level_var
            self.level = max(-LOGIT_MAX, min(LOGIT_MAX, self.level + variance / spread * error))
            self._level_var = max(variance - variance * variance * info / spread, 1.0 / (SLOW_CALLS * info))
        self.calls += 1.0
        for name, (weight, var) in known:
            prior = _prior_var(name)
            less = var - var * var * info / spread + prior / FORGET_EFFECTS
            self._effects[name] = (weight + var / spread * error, min(less, prior))

    def _ripen(self, now: float, ring: RingShape) -> None:
        """Learn from dials old enough to be settled whichever way they went.

        Answers come sooner than failures: learning each as it comes would believe in too many answers whenever
        dialing begins or grows.
        """
        while self._unripe:
            entry, dial = next(iter(self._unripe.items()))
            age = now - dial.at
            if age < ring.ripe_s or (dial.seen is None and age < OLDEST_RING_S):
                return
            del self._unripe[entry]
            if dial.seen is not None:
                self.learn(dial.lead, dial.score, dial.seen, level=entry >= self._learnt_upto)

    # ---- the watch -----------------------------------------------------------------------------------------

    def watch(self, now: float, ring: RingShape) -> Change | None:
        """Learn from dials that are ripe, and compare the newest with the score; returns a change that was found."""
        self._ripen(now, ring)
        count = min(self._watched, RECENT)
        self.doubt = self.shift = 0.0
        if not count:
            return None
        order = (self._next - 1 - np.arange(count)) % RECENT
        state, base = self._state[order], self._score[order] + self.level
        since = np.maximum(now - self._launched[order], 0.0)
        ages = np.where(state == CUT, self._age[order], since)
        bins = np.minimum((ages / BIN_S).astype(np.int64), BINS - 1)
        looks = [n for n in LOOKS if n <= count]
        if looks:
            at = np.array(looks) - 1
            p, seen, told = _evidence(base, state, bins, ages, ring)
            surprise = np.cumsum(seen - p)[at]
            known = np.cumsum(told)[at] + SURE_OF_SCORE * np.square(np.cumsum(told)[at]) * self._level_var
            z = np.where(known > 1.0, surprise / np.sqrt(np.maximum(known, 1e-9)), 0.0)
            widest = int(np.argmax(np.abs(z)))
            self.doubt = float(z[widest])
            threshold = DOUBT_UP if self.doubt > 0 else DOUBT_DOWN
            if abs(self.doubt) > threshold:
                newest = looks[widest]
                delta, var = _fit(base[:newest], state[:newest], bins[:newest], ages[:newest], ring, LEVEL_SD**2)
                if abs(self.doubt) >= ALARM:
                    return self._changed(now, delta, var, newest)
                self.shift = delta * (abs(self.doubt) - threshold) / (ALARM - threshold)
                return None
        self.shift = self._unripe_shift(base, state, bins, ages, since, ring)
        return None

    def _unripe_shift(self, base: Array, state: Ints, bins: Ints, ages: Array, since: Array, ring: RingShape) -> float:
        """What the dials that are not ripe yet say already: much while little is known, next to nothing later."""
        young = (since < ring.ripe_s) & (np.arange(len(base)) < self._next - self._learnt_upto)
        if self._level_var < NOTHING_NEW_VAR or not np.any(young):
            return 0.0
        return _fit(base[young], state[young], bins[young], ages[young], ring, self._level_var)[0]

    def _changed(self, now: float, delta: float, var: float, newest: int) -> Change:
        before = sigmoid(self.level + self.typical)
        self.level = max(-LOGIT_MAX, min(LOGIT_MAX, self.level + delta))
        self._level_var = min(LEVEL_SD**2, max(var, self._level_var))
        self._watched = newest
        self._learnt_upto = self._next
        self.changes_found += 1
        change = Change(now, self.doubt, newest, before, sigmoid(self.level + self.typical))
        self.changes = [*self.changes[-9:], change]
        return change

    # ---- memory --------------------------------------------------------------------------------------------

    def state(self) -> dict[str, object]:
        """What was learnt, for ``restore``."""
        return {
            "level": self.level,
            "level_var": self._level_var,
            "calls": self.calls,
            "typical": self.typical,
            "effects": {name: [round(w, 5), round(v, 6)] for name, (w, v) in self._effects.items()},
        }

    def restore(self, state: dict[str, object], *, trust_var: float) -> None:
        """Take over what ``state`` said, its level as uncertain as ``trust_var`` (logit²) at least.

        Raises ValueError, KeyError, TypeError when it does not fit.
        """
        level, var, effects = float(state["level"]), float(state["level_var"]), state["effects"]  # type: ignore[arg-type]
        typical = float(state["typical"])  # type: ignore[arg-type]
        if not (abs(level) <= LOGIT_MAX and 0.0 < var <= LEVEL_SD**2 + 1e-9 and abs(typical) <= SCORE_MAX):
            raise ValueError("an answer score with impossible values")
        if not isinstance(effects, dict):
            raise ValueError("an answer score without its effects")
        self.level = level
        self._level_var = var
        self.loosen(trust_var)
        calls = float(state["calls"])  # type: ignore[arg-type]
        self.calls = calls if 0.0 <= calls < math.inf else 0.0
        self.typical = typical
        kept = {str(n): (float(w), float(v)) for n, (w, v) in effects.items()}
        self._effects = {n: wv for n, wv in kept.items() if n.partition("=")[0] in EFFECT_SD and _sound(wv)}

    def loosen(self, var: float) -> None:
        """The level may have moved since it was learnt: it is as uncertain as ``var`` (logit²) at least."""
        self._level_var = min(LEVEL_SD**2, max(var, self._level_var))

    def effects(self) -> Sequence[tuple[str, float, float]]:
        """(name, effect, standard error), strongest first, in logits."""
        rows = [(name, w, math.sqrt(v)) for name, (w, v) in self._effects.items()]
        return sorted(rows, key=lambda row: -abs(row[1]))


def _prior_var(name: str) -> float:
    return EFFECT_SD[name.partition("=")[0]] ** 2


def _sound(pair: tuple[float, float]) -> bool:
    return all(math.isfinite(x) for x in pair) and abs(pair[0]) < LOGIT_MAX and pair[1] > 0


def _evidence(base: Array, state: Ints, bins: Ints, ages: Array, ring: RingShape) -> tuple[Array, Array, Array]:
    """(chance, what was seen of an answer, how much could have been seen by this age) of each dial."""
    p = 1.0 / (1.0 + np.exp(-base))
    will, wont = p * ring.to_answer[bins], (1.0 - p) * ring.to_end[bins]
    open_ = will + wont
    q = will / open_
    seen = np.where(state == ANSWERED, 1.0, np.where(state == NOT_ANSWERED, 0.0, q))
    # Var(E[answers | seen by this age]): counting whole calls at once would overrate those that have just begun.
    told = np.maximum(p * (1.0 - p) - open_ * q * (1.0 - q), 0.0)
    return p, seen, np.where((state == CUT) & (ages <= 0.0), 0.0, told)


def _fit(base: Array, state: Ints, bins: Ints, ages: Array, ring: RingShape, prior_var: float) -> tuple[float, float]:
    """(shift, variance) of the level that fits these dials best: Fisher scoring from nought, under a prior."""
    delta, var = 0.0, prior_var
    for _ in range(4):
        p, seen, told = _evidence(base + delta, state, bins, ages, ring)
        info = float(np.sum(told)) + 1.0 / prior_var
        delta += (float(np.sum(seen - p)) - delta / prior_var) / info
        delta = max(-2.5, min(2.5, delta))
        var = 1.0 / info
    return delta, var
