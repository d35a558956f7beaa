"""How a dialed call's ringing goes on: when people answer, when calls fail or give up.

Owns the two hazards by ring age (answered; ended unanswered), learnt from exposure, so that calls which we hung up or
which still ring count for what they showed and no more (competing risks, the life-table estimate). From them the
shapes: F(a), how many of those who will answer have done so by age a; R(a), the same for calls that will not.
The *level*, how many people answer at all, changes by the hour and by the list: that is ``pacing.answer``'s.
Must read no clock.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

BIN_S = 0.5
BINS = 160
MIDDLES: Array = np.arange(BINS, dtype=np.float64) * BIN_S + 0.5 * BIN_S
HORIZONS = 10
RIPE = 0.98
PRIOR_CALLS = 15.0
"""The prior weighs as much as this many dials."""
MEMORY_CALLS = 6000.0
"""Shapes forget: a dial's weight is down to 1/e after this many more."""
ROUNDED_CALLS = 1.0
"""By so many dials the sums of a saved state may disagree: they are saved rounded, restart after restart."""
PRIOR_MEAN_S, PRIOR_SD_S = 12.0, 7.0
PRIOR_FAILED = 0.08
PRIOR_FAILED_BY_S = 4.0


def normal_cdf(z: Array) -> Array:
    """Φ(z), to 1e-7 (Abramowitz and Stegun 26.2.17)."""
    x = np.abs(z)
    t = 1.0 / (1.0 + 0.2316419 * x)
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = np.exp(-0.5 * x * x) * 0.3989422804014327 * poly
    return np.where(z >= 0, 1.0 - tail, tail)


def lognormal_cdf(x: Array, mean: float, sd: float) -> Array:
    """P(X ≤ x) of the lognormal with this mean and standard deviation."""
    sigma2 = math.log(1.0 + (sd / mean) ** 2)
    mu = math.log(mean) - sigma2 / 2.0
    with np.errstate(divide="ignore"):
        return normal_cdf((np.log(np.maximum(x, 1e-9)) - mu) / math.sqrt(sigma2))


class RingShape:
    """Learnt shapes of ringing. ``edges`` of the age bins are 0, 0.5 … 80 s; the last bin takes everything older."""

    def __init__(self, ring_timeout_s: float, prior_answer: float) -> None:
        self.edges: Array = np.arange(BINS + 1, dtype=np.float64) * BIN_S
        self._exposure = np.zeros(BINS)
        self._answers = np.zeros(BINS)
        self._ends = np.zeros(BINS)
        self.calls = 0.0
        """Dials behind it, forgotten ones taken off."""
        self._prior(ring_timeout_s, prior_answer)
        self.answered_by: Array
        self.ended_by: Array
        self.horizons: Array
        self.rebuild()

    def _prior(self, ring_timeout_s: float, p: float) -> None:
        answered = lognormal_cdf(self.edges, PRIOR_MEAN_S, PRIOR_SD_S)
        # Nobody answers a phone that rings no more.
        answered = np.minimum(1.0, answered / np.interp(min(ring_timeout_s, self.edges[-1]), self.edges, answered))
        early = PRIOR_FAILED * np.minimum(1.0, self.edges / PRIOR_FAILED_BY_S)
        last = ring_timeout_s * 0.8, ring_timeout_s * 1.02
        late = (1.0 - PRIOR_FAILED) * np.clip((self.edges - last[0]) / (last[1] - last[0]), 0.0, 1.0)
        ended = early + late
        ended /= ended[-1]
        alive = p * (1.0 - answered) + (1.0 - p) * (1.0 - ended)
        self._prior_answers = PRIOR_CALLS * p * np.diff(answered)
        self._prior_ends = PRIOR_CALLS * (1.0 - p) * np.diff(ended)
        self._prior_exposure = PRIOR_CALLS * BIN_S * 0.5 * (alive[1:] + alive[:-1])

    # ---- learning ------------------------------------------------------------------------------------------

    def learn(self, age_s: float, *, answered: bool, cut: bool = False) -> None:
        """One call that was answered, ended unanswered, or was cut off by us at ``age_s`` (seconds since launch)."""
        fade = 1.0 - 1.0 / MEMORY_CALLS
        self._exposure *= fade
        self._answers *= fade
        self._ends *= fade
        self.calls = self.calls * fade + 1.0
        last = min(int(age_s / BIN_S), BINS - 1)
        self._exposure[:last] += BIN_S
        self._exposure[last] += min(age_s - last * BIN_S, BIN_S)
        if answered:
            self._answers[last] += 1.0
        elif not cut:
            self._ends[last] += 1.0

    def rebuild(self, ringing_ages_s: Array | None = None) -> None:
        """Make the shapes anew; calls that still ring count with the time they have rung."""
        exposure = self._exposure + self._prior_exposure
        if ringing_ages_s is not None and len(ringing_ages_s):
            bins = np.minimum((ringing_ages_s / BIN_S).astype(np.int64), BINS - 1)
            counts = np.bincount(bins, minlength=BINS).astype(np.float64)
            older = np.cumsum(counts[::-1])[::-1] - counts
            exposure = exposure + (older + 0.5 * counts) * BIN_S
        answers, ends = self._answers + self._prior_answers, self._ends + self._prior_ends
        width = np.maximum(exposure, 1e-9)
        both = (answers + ends) * BIN_S / width
        alive = np.exp(-np.minimum(np.cumsum(both), 60.0))
        before = np.concatenate(([1.0], alive[:-1]))
        lost = before - alive
        share = answers / np.maximum(answers + ends, 1e-12)
        by_answer = np.concatenate(([0.0], np.cumsum(lost * share)))
        by_end = np.concatenate(([0.0], np.cumsum(lost * (1.0 - share))))
        self.answered_by = by_answer / max(by_answer[-1], 1e-12)
        self.ended_by = by_end / max(by_end[-1], 1e-12)
        self._tables()

    def _tables(self) -> None:
        quantiles = (np.arange(HORIZONS) + 0.5) / HORIZONS
        # np.interp needs rising x: flat stretches get a slope too small to matter.
        rising = self.answered_by + np.arange(BINS + 1) * 1e-9
        self.horizons = np.interp(quantiles, rising, self.edges)
        self._at_age = np.interp(MIDDLES, self.edges, self.answered_by)
        self.to_answer = np.maximum(1.0 - self._at_age, 1e-6)
        """By age bin: how many of those who will answer have not done so yet."""
        self.to_end = np.maximum(1.0 - np.interp(MIDDLES, self.edges, self.ended_by), 1e-6)
        self.by_horizon = self.within(self.horizons)
        settled = np.minimum(self.answered_by, self.ended_by)
        self.ripe_s = float(self.edges[min(int(np.searchsorted(settled, RIPE)), BINS)])
        """By this age nearly every call is settled."""
        self.fresh = np.interp(self.horizons, self.edges, self.answered_by)
        """The same for a call launched now."""

    def within(self, horizons_s: Array) -> Array:
        """By age bin and horizon: P(answered by then | will answer, has not yet)."""
        later = np.interp(MIDDLES[:, None] + horizons_s[None, :], self.edges, self.answered_by)
        by: Array = np.clip((later - self._at_age[:, None]) / self.to_answer[:, None], 0.0, 1.0)
        return by

    @property
    def mean_answer_s(self) -> float:
        """Mean ring time of those who answer."""
        return float(np.sum(1.0 - self.answered_by[:-1]) * BIN_S)

    def mean_life_s(self, p: float) -> float:
        """Mean time from launch to answer or end, when a share ``p`` answers."""
        return p * self.mean_answer_s + (1.0 - p) * float(np.sum(1.0 - self.ended_by[:-1]) * BIN_S)

    def posterior(self, bins: npt.NDArray[np.int64], p: Array) -> Array:
        """P(will answer | rings since as many bins, and was believed to answer with chance ``p`` at launch)."""
        will: Array = p * self.to_answer[bins]
        return will / (will + (1.0 - p) * self.to_end[bins])

    # ---- memory --------------------------------------------------------------------------------------------

    def state(self) -> dict[str, list[float]]:
        """What was learnt, for ``restore``."""
        return {
            "exposure": [round(float(x), 4) for x in self._exposure],
            "answers": [round(float(x), 4) for x in self._answers],
            "ends": [round(float(x), 4) for x in self._ends],
            "calls": [round(self.calls, 2)],
        }

    def restore(self, state: dict[str, list[float]]) -> None:
        """Take over what ``state`` said. Raises ValueError when it does not fit."""
        arrays = [np.asarray(state[name], dtype=np.float64) for name in ("exposure", "answers", "ends")]
        calls = float(state["calls"][0])
        if not 0.0 <= calls <= MEMORY_CALLS + ROUNDED_CALLS:
            raise ValueError("ring shapes of an impossible number of calls")
        if any(a.shape != (BINS,) or not np.all((a >= 0) & (a <= calls + ROUNDED_CALLS)) for a in arrays):
            raise ValueError("ring shapes of another size or with impossible values")
        exposure, answers, ends = (a.copy() for a in arrays)
        # Who is settled in a bin was exposed in all bins before it, and nobody was who was not dialed.
        settled = np.cumsum((answers + ends)[::-1])[::-1]
        exposed = np.concatenate(([calls], exposure / BIN_S)) + ROUNDED_CALLS
        if np.any(settled > exposed[:-1]) or np.any(exposed[1:] > exposed[:-1] + ROUNDED_CALLS):
            raise ValueError("ring shapes that no calls can have left")
        self._exposure, self._answers, self._ends = exposure, answers, ends
        self.calls = calls
        self.rebuild()
