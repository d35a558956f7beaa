"""Whom a shift dials: whether each lead answers, when, and how long they talk, from the seed and the lead's number.

Owns all chance of a simulated shift but who goes to lunch. Everything about a lead follows from the seed and its
place in the list, so policies compared on one seed dial the same people; numbers are drawn in blocks. Knows no time:
``World`` says when something of the scenario changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.simulate.scenario import FAST_FAILURE_S, AnswerProbability, mean_and_cv
from dialer.simulate.scenario_file import Plan

BLOCK = 4096
GRID = 4001
REDRAWS = 60
ANSWERS, RINGS_OUT, FAILS = 0, 1, 2
BUSY_SHARE = 0.6
"""Of the dials that fail at once: the rest are the carrier's. Both are told within seconds."""

LISTS = ("gold", "silver", "bronze", "iron", "lead")
LINES = ("fixed", "mixed", "mobile", "voip")
LASTS = ("hung_up_early", "busy", "no_answer", "carrier_failure")
_LIST_R, _ATTEMPT_R, _LINE_R, _LAST_R = 0.70, 0.50, 0.40, 0.40
"""How closely each feature of a lead follows its true answer probability (correlation of ranks): together they tell
about two thirds of it, none of them much alone."""

Floats = NDArray[np.float64]


class Fate(NamedTuple):
    """What happens when a lead is dialed now: ``how`` is ANSWERS, RINGS_OUT or FAILS after ``after_s``."""

    how: int
    after_s: float
    cause: str


@dataclass(frozen=True, slots=True)
class Features:
    """What the dialer may know of a lead beforehand. ``given`` is its true answer probability."""

    list_name: str
    attempt: int
    line_type: str
    last_outcome: str
    given: float


@dataclass(slots=True)
class _Block:
    """Everything drawn for 4096 leads, as plain lists: one look-up a lead costs least so."""

    answer_u: list[float]
    fail_u: list[float]
    answer_s: list[float]
    silent_s: list[float]
    fail_at: list[float]
    busy_u: list[float]
    rank: list[float]
    marks: list[list[float]]
    talk_s: list[float]
    wrap_s: list[float]


class People:
    """All leads of one shift."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        scenario = plan.scenario
        self._blocks: dict[int, _Block] = {}
        self._p_of_rank: list[float] | None = None
        self._p = 0.0
        self._fail_share = scenario.fast_failure.share
        self._fail_s = scenario.fast_failure.seconds or FAST_FAILURE_S
        self.mixed = False
        self.set_answers(scenario.answer_probability)

    # ---- what changes --------------------------------------------------------------------------------------

    def set_answers(self, spec: AnswerProbability) -> None:
        """From now on leads answer like this: with one probability, or each with its own of the same rank."""
        self._p = spec.mean
        self._p_of_rank = _beta_quantiles(spec) if spec.sd > 0 else None
        self.mixed = self.mixed or self._p_of_rank is not None

    def set_failures(self, share: float, seconds: tuple[float, float] | None, *, answers_too: bool) -> None:
        """From now on this share of dials fails at once.

        ``answers_too``: nobody said how many are answered from now on, so those that fail are missing among the
        answered ones, too.
        """
        if answers_too and self._fail_share < 1:
            through = (1.0 - share) / (1.0 - self._fail_share)
            self._p *= through
            if self._p_of_rank is not None:
                self._p_of_rank = [min(1.0, p * through) for p in self._p_of_rank]
        self._fail_share = share
        self._fail_s = seconds or self._fail_s

    # ---- one lead ------------------------------------------------------------------------------------------

    def probability(self, lead: int) -> float:
        """The chance that lead ``lead`` (from 0) answers, as things stand now."""
        table = self._p_of_rank
        if table is None:
            return self._p
        return table[int(self._block(lead).rank[lead % BLOCK] * (GRID - 1) + 0.5)]

    def fate(self, lead: int) -> Fate:
        """What a dial of this lead comes to, launched now."""
        block, i = self._block(lead), lead % BLOCK
        p = self._p if self._p_of_rank is None else self.probability(lead)
        if block.answer_u[i] < p:
            return Fate(ANSWERS, block.answer_s[i], "")
        # Of those who do not answer, so many that the share of all dials comes out right.
        if block.fail_u[i] * (1.0 - p) < self._fail_share:
            low, high = self._fail_s
            cause = "USER_BUSY" if block.busy_u[i] < BUSY_SHARE else "NORMAL_TEMPORARY_FAILURE"
            return Fate(FAILS, low + block.fail_at[i] * (high - low), cause)
        return Fate(RINGS_OUT, block.silent_s[i], "NO_ANSWER")

    def talk_s(self, lead: int) -> float:
        """How long this lead talks to an agent."""
        return self._block(lead).talk_s[lead % BLOCK]

    def wrap_s(self, lead: int) -> float:
        """How long the agent writes after talking to this lead."""
        return self._block(lead).wrap_s[lead % BLOCK]

    def features(self, lead: int) -> Features:
        """What is known of this lead beforehand; of leads that are all alike, nothing."""
        p = self.probability(lead)
        if not self.mixed:
            return Features("list", 0, "", "", p)
        marks = self._block(lead).marks[lead % BLOCK]
        best = [1.0 - mark for mark in marks]
        attempt = min(4, int(best[1] * 5))
        last = LASTS[min(len(LASTS) - 1, int(best[3] * len(LASTS)))] if attempt else ""
        return Features(
            LISTS[min(len(LISTS) - 1, int(best[0] * len(LISTS)))],
            attempt,
            LINES[min(len(LINES) - 1, int(best[2] * len(LINES)))],
            last,
            p,
        )

    # ---- blocks --------------------------------------------------------------------------------------------

    def _block(self, lead: int) -> _Block:
        number = lead // BLOCK
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._draw(number)
        return block

    def _stream(self, what: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, what, number])

    def _draw(self, number: int) -> _Block:
        scenario = self._plan.scenario
        silent = scenario.ring_no_answer_s
        normal = self._stream(5, number).standard_normal((5, BLOCK))
        marks = np.empty((BLOCK, 4))
        for column, r in enumerate((_LIST_R, _ATTEMPT_R, _LINE_R, _LAST_R)):
            marks[:, column] = _phi(r * normal[0] + math.sqrt(1.0 - r * r) * normal[column + 1])
        return _Block(
            answer_u=self._stream(1, number).random(BLOCK).tolist(),
            fail_u=self._stream(2, number).random(BLOCK).tolist(),
            answer_s=_at_most(
                self._stream(3, number),
                scenario.ring_to_answer.mean_s,
                scenario.ring_to_answer.sd_s,
                scenario.ring_to_answer.max_s,
            ).tolist(),
            silent_s=self._stream(4, number).uniform(silent[0], silent[1], BLOCK).tolist(),
            fail_at=self._stream(6, number).random(BLOCK).tolist(),
            busy_u=self._stream(7, number).random(BLOCK).tolist(),
            rank=_phi(normal[0]).tolist(),
            marks=marks.tolist(),
            talk_s=self._durations("talk", self._stream(8, number)).tolist(),
            wrap_s=self._durations("wrap", self._stream(9, number)).tolist(),
        )

    def _durations(self, which: str, rng: np.random.Generator) -> Floats:
        spec = getattr(self._plan.scenario, which)
        mean, cv = mean_and_cv(self._plan.scenario, which)
        if spec.distribution == "empirical":
            seen = np.asarray(self._plan.talk_s if which == "talk" else self._plan.wrap_s)
            scale = 1.0 if spec.mean_s is None else spec.mean_s / float(seen.mean())
            return np.asarray(rng.choice(seen, BLOCK) * scale)
        return _positive(rng, spec.distribution, mean, cv)


def _positive(rng: np.random.Generator, distribution: str, mean: float, cv: float) -> Floats:
    if mean <= 0 or cv <= 0:
        return np.full(BLOCK, max(0.0, mean))
    if distribution == "exponential":
        return rng.exponential(mean, BLOCK)
    if distribution == "gamma":
        shape = 1.0 / (cv * cv)
        return rng.gamma(shape, mean / shape, BLOCK)
    sigma = math.sqrt(math.log1p(cv * cv))
    return rng.lognormal(math.log(mean) - sigma * sigma / 2, sigma, BLOCK)


def _at_most(rng: np.random.Generator, mean: float, sd: float, most: float) -> Floats:
    """Lognormal with this mean and sd; what lies above ``most`` is drawn again."""
    drawn = _positive(rng, "lognormal", mean, sd / mean)
    for _ in range(REDRAWS):
        above = drawn > most
        if not above.any():
            break
        drawn[above] = _positive(rng, "lognormal", mean, sd / mean)[above]
    return np.minimum(drawn, most)


def _phi(x: Any) -> Floats:
    """The normal distribution function, element by element (numpy has none)."""
    return np.asarray([0.5 * math.erfc(-each * math.sqrt(0.5)) for each in x.tolist()])


def _beta_quantiles(spec: AnswerProbability) -> list[float]:
    """Answer probabilities by rank: a Beta distribution with this mean and standard deviation, on a grid.

    From a sorted sample of fixed seed; the grid's mean is moved to the mean that was asked for.
    """
    mean, variance = spec.mean, spec.sd * spec.sd
    size = mean * (1.0 - mean) / variance - 1.0
    sample = np.sort(np.random.default_rng(20_270_115).beta(mean * size, (1.0 - mean) * size, 400_000))
    grid = np.quantile(sample, (np.arange(GRID) + 0.5) / GRID)
    return np.clip(grid * (mean / grid.mean()), 0.0, 1.0).tolist()  # type: ignore[no-any-return]
