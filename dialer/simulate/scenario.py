"""What a scenario of the planner may say: every key, its limits and its default.

Owns the contract's keys and the rules between two of them (``contradictions``). Reads no file: that is
``dialer.simulate.scenario_file``'s. Durations are plain numbers of seconds, shares 0–1 once read (written ``0.03`` or
``3%``, as in a configuration), ``at_hour`` hours and ``for_minutes`` minutes from the shift's start. A scenario
without any key is the study's: 20 agents, 30 % answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from config.section import Section
from config.values import Flag, Share, number, refuse, share, whole

DAY_S = 86_400.0
ROUNDING = 1e-9
Policy = Literal["predictive", "progressive", "ratio", "vicidial", "mean_matching"]
Path = tuple[str | int, ...]


def _pair(low: float, high: float) -> BeforeValidator:
    what = f"a list of two numbers [low, high], each from {low:g} to {high:g}"

    def check(value: object) -> tuple[float, float]:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise refuse(what)
        try:
            first, second = (float(str(each)) for each in value)
        except ValueError:
            raise refuse(what) from None
        if not (low <= first <= high and low <= second <= high):
            raise refuse(what)
        if first > second:
            raise refuse("a list [low, high] whose first number is not above the second")
        return first, second

    return BeforeValidator(check)


def _or_unlimited(kind: BeforeValidator, what: str) -> BeforeValidator:
    def check(value: object) -> Any:
        if value is None or str(value).strip().lower() == "unlimited":
            return None
        try:
            return kind.func(value)  # type: ignore[call-arg]
        except PydanticCustomError:
            raise refuse(what) from None

    return BeforeValidator(check)


def _chance(value: object) -> object:
    """A plain number is a mean without spread."""
    return value if isinstance(value, dict | AnswerProbability) else {"mean": value}


class AnswerProbability(Section):
    """The share of dials that a person answers. ``sd`` above 0: each lead has its own, Beta-distributed."""

    mean: Share = 0.3
    sd: Annotated[float, share(0, 0.5)] = 0.0


Chance = Annotated[AnswerProbability, BeforeValidator(_chance)]


class Durations(Section):
    """A distribution of durations. None: not written. ``empirical`` reads the numbers in ``column`` of ``file``."""

    distribution: Literal["exponential", "lognormal", "gamma", "empirical"] = "lognormal"
    mean_s: Annotated[float | None, number(0, 36_000)] = None
    cv: Annotated[float | None, number(0, 20)] = None
    file: str | None = None
    column: str | None = None


class RingToAnswer(Section):
    """Launch to answer, of the dials that are answered: lognormal, drawn again above ``max_s``."""

    mean_s: Annotated[float, number(0.1, 600)] = 12.0
    sd_s: Annotated[float, number(0, 600)] = 6.0
    max_s: Annotated[float, number(0.1, 600)] = 30.0


class FastFailure(Section):
    """Dials that the carrier or the line turns away at once: their share of all dials, and after how long."""

    share: Share = 0.10
    seconds: Annotated[tuple[float, float] | None, _pair(0, 600)] = None


FAST_FAILURE_S: Final = (1.0, 3.0)


class Abandon(Section):
    """How many of the answered calls may find nobody (0–1), and over which window this is judged."""

    limit: Annotated[float, share(0.0001, 0.9999)] = 0.03
    window: Literal["shift", "day", "month", "30d", "24h"] = "shift"


class Change(Section):
    """Something that happens in the shift; only what is written changes."""

    at_hour: Annotated[float, number(0, 1000)]
    answer_probability: Chance | None = None
    agents: Annotated[int | None, whole(0, 5000)] = None
    pause_share: Share | None = None
    for_minutes: Annotated[float | None, number(0.01, 60_000)] = None
    fast_failure: FastFailure | None = None


class Progressive(Section):
    """One call for each free agent: nothing to choose."""


class Ratio(Section):
    """A fixed number of lines for each free agent."""

    lines: Annotated[float | None, number(1, 20)] = None


class Vicidial(Section):
    """VICIdial's adaptive rule; without a key its own default holds."""

    max: Annotated[float | None, number(1, 100)] = None
    target: Annotated[float | None, number(-1000, 1000)] = None
    adapt: Literal["HARD_LIMIT", "AVERAGE", "TAPERED"] | None = None
    available_only: Flag | None = None
    conversations: Flag | None = None
    limit: Annotated[float, share(0.0001, 0.9999)] | None = None


class MeanMatching(Section):
    """The published mean-matching rule."""

    factor: Annotated[float | None, number(0.01, 100)] = None


class Predictive(Section):
    """The product's own rule; ``known_leads`` tells it each lead's true answer probability."""

    aim: Annotated[float, share(0.01, 1)] | None = None
    min_agents: Annotated[int | None, whole(1, 10_000)] = None
    hang_up_over: Share | None = None
    hang_up_share: Share | None = None
    max_theta: Share | None = None
    spare_list: Flag | None = None
    prior_answer: Annotated[float, share(0.001, 0.999)] | None = None
    prior_talk_s: Annotated[float | None, number(0.1, 36_000)] = None
    prior_wrap_s: Annotated[float | None, number(0, 36_000)] = None
    known_leads: Flag = False


OPTIONS: Final[Mapping[str, type[Section]]] = MappingProxyType(
    {
        "progressive": Progressive,
        "ratio": Ratio,
        "vicidial": Vicidial,
        "mean_matching": MeanMatching,
        "predictive": Predictive,
    }
)


class Scenario(Section):
    """One shift to simulate. ``policy_options`` hold what was written; ``OPTIONS`` says what may be."""

    agents: Annotated[int, whole(1, 5000)] = 20
    shift_hours: Annotated[float, number(0.01, 168)] = 8.0
    policy: Policy = "predictive"
    policy_options: Mapping[str, Any] = Field(default_factory=dict)
    talk: Durations = Durations()
    wrap: Durations = Durations()
    answer_probability: Chance = AnswerProbability()
    ring_to_answer: RingToAnswer = RingToAnswer()
    ring_no_answer_s: Annotated[tuple[float, float], _pair(0.1, 600)] = (25.0, 30.0)
    fast_failure: FastFailure = FastFailure()
    patience_s: Annotated[float, number(0, 600)] = 2.0
    abandon: Abandon = Abandon()
    min_ring_s: Annotated[float, number(0, 600)] = 15.0
    leads: Annotated[
        int | None, _or_unlimited(whole(0, 1_000_000_000), "a whole number from 0 to 1000000000, or unlimited")
    ] = None
    lines: Annotated[
        int | None, _or_unlimited(whole(1, 1_000_000), "a whole number from 1 to 1000000, or unlimited")
    ] = None
    cps: Annotated[float | None, _or_unlimited(number(0.01, 100_000), "a number from 0.01 to 100000, or unlimited")] = (
        None
    )
    changes: tuple[Change, ...] = ()


DEFAULT_MEAN_CV: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"talk": (120.0, 1.0), "wrap": (20.0, 0.5)}
)


def mean_and_cv(scenario: Scenario, which: str) -> tuple[float, float]:
    """Mean (seconds) and coefficient of variation of ``talk`` or ``wrap``; an exponential one's is 1."""
    spec: Durations = getattr(scenario, which)
    mean, cv = DEFAULT_MEAN_CV[which]
    mean = mean if spec.mean_s is None else spec.mean_s
    cv = cv if spec.cv is None else spec.cv
    return mean, 1.0 if spec.distribution == "exponential" else cv


def contradictions(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Where two keys do not go together: the path to point at, and what was expected there."""
    for which in ("talk", "wrap"):
        yield from _durations(which, getattr(scenario, which))
    ring = scenario.ring_to_answer
    if ring.max_s < ring.mean_s:
        yield ("ring_to_answer", "max_s"), f"at least the mean, which is {ring.mean_s:g}"
    yield from _chances(scenario)
    for index, change in enumerate(scenario.changes):
        yield from _change(scenario, ("changes", index), change)


def _durations(which: str, spec: Durations) -> Iterator[tuple[Path, str]]:
    if spec.distribution == "empirical":
        for key in ("file", "column"):
            if getattr(spec, key) is None:
                yield (which,), f"the key {key} too, which an empirical distribution is read from"
        if spec.cv is not None:
            yield (which, "cv"), "no cv: an empirical distribution has the file's"
        return
    for key in ("file", "column"):
        if getattr(spec, key) is not None:
            yield (which, key), f"no {key}: only an empirical distribution has one, not a {spec.distribution} one"
    if spec.distribution == "exponential" and spec.cv not in (None, 1.0):
        yield (which, "cv"), "1 or nothing: an exponential distribution has no other"


def _spread(spec: AnswerProbability) -> str:
    """What is wrong with the standard deviation, or nothing."""
    most = math.sqrt(spec.mean * (1.0 - spec.mean))
    if spec.sd and spec.sd >= most:
        return f"less than {most:.4g}, the most that probabilities with mean {spec.mean:g} can have"
    return ""


def _chances(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """The first values, and those that each change leaves in force.

    A share of failures that nobody wrote gives way to the answers; one that was written has to fit.
    """
    chance, share = scenario.answer_probability, scenario.fast_failure.share
    written = "fast_failure" in scenario.model_fields_set
    if problem := _spread(chance):
        yield ("answer_probability", "sd"), problem
    if written and chance.mean + share > 1.0 + ROUNDING:
        yield ("fast_failure", "share"), f"at most {1 - chance.mean:g}: with the answered ones not above 1"
    for index, change in sorted(enumerate(scenario.changes), key=lambda pair: pair[1].at_hour):
        if change.fast_failure is not None:
            share, written = change.fast_failure.share, True
        if change.answer_probability is None:
            continue
        chance = change.answer_probability
        if problem := _spread(chance):
            yield ("changes", index, "answer_probability", "sd"), problem
        if written and chance.mean + share > 1.0 + ROUNDING:
            text = f"at most {1 - share:g}: with the dials that fail at once ({share:g}) not above 1"
            yield ("changes", index, "answer_probability"), text


def _change(scenario: Scenario, where: Path, change: Change) -> Iterator[tuple[Path, str]]:
    if change.at_hour >= scenario.shift_hours:
        yield (*where, "at_hour"), f"before the end of the shift, which is at {scenario.shift_hours:g}"
    for given, missing in (("pause_share", "for_minutes"), ("for_minutes", "pause_share")):
        if getattr(change, given) is not None and getattr(change, missing) is None:
            yield (*where, given), f"the key {missing} beside it"
    what = (change.answer_probability, change.agents, change.pause_share, change.for_minutes, change.fast_failure)
    if all(each is None for each in what):
        yield where, "at least one of answer_probability, agents, pause_share with for_minutes, fast_failure"
