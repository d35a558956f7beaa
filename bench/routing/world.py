"""The blended day's world: what callers, callees and agents do, and a simple outbound pacer. Seeded, no clock.

All distributions are stated here. The pacer is a rough one (normal approximation at three horizons, memoryless agents,
its threshold calibrated to the abandon target): the same for every routing rule, so that rules are compared at the
same abandonment.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

HORIZONS = ((5.0, 0.25), (11.0, 0.45), (17.0, 0.30))
"""Seconds until a call launched now answers, and how likely each is."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day. Shares are of inbound calls unless they say otherwise."""

    hours: float = 8.0
    agents: int = 100
    vip_seats: int = 8
    inbound_share: float = 0.20
    """Of all conversations."""
    vip_share: float = 0.03
    repeat_share: float = 0.30
    """Callers who talked to one of the agents before; who that is, is evenly drawn."""
    talk_mean_s: float = 120.0
    talk_cv: float = 1.0
    wrap_mean_s: float = 20.0
    wrap_cv: float = 0.5
    answer_probability: float = 0.40
    ring_mean_s: float = 12.0
    ring_sd_s: float = 6.0
    ring_no_answer_s: tuple[float, float] = (25.0, 30.0)
    fast_failure: float = 0.10
    outbound_patience_s: float = 2.0
    patience_mean_s: float = 180.0
    """Inbound callers hang up after a Weibull time of shape 2: few in the first seconds, half by 170 s."""
    lines: int = 120
    reserved_inbound: int = 6
    """In the surge too no caller meets busy: outbound stops below it, and calls end sooner than callers come."""
    abandon_target: float = 0.0275
    tiers: tuple[tuple[str, float, float], ...] = (
        ("red", 0.02, 5.0),
        ("high", 0.10, 10.0),
        ("middle", 0.20, 15.0),
        ("ordinary", 0.60, 20.0),
        ("grey", 0.08, 60.0),
    )
    """Name, share and target."""

    surge: tuple[float, float, float] | None = None
    """From hour, to hour, so many times the callers."""

    @property
    def inbound_rate(self) -> float:
        """Callers a second: the share of what the blended agents can do at 93 % busy."""
        conversations = (self.agents - self.vip_seats) * 0.93 / (self.talk_mean_s + self.wrap_mean_s)
        return self.inbound_share * conversations


class Chance:
    """All draws of a day."""

    def __init__(self, day: Day, seed: int) -> None:
        self.day = day
        self.rng = random.Random(seed)

    def lognormal(self, mean: float, cv: float) -> float:
        sigma = math.sqrt(math.log(1.0 + cv * cv))
        return self.rng.lognormvariate(math.log(mean) - sigma * sigma / 2.0, sigma)

    def talk_s(self) -> float:
        return self.lognormal(self.day.talk_mean_s, self.day.talk_cv)

    def wrap_s(self) -> float:
        return self.lognormal(self.day.wrap_mean_s, self.day.wrap_cv)

    def patience_s(self) -> float:
        return self.rng.weibullvariate(self.day.patience_mean_s / math.gamma(1.5), 2.0)

    def next_caller_s(self, now: float) -> float:
        rate = self.day.inbound_rate
        if self.day.surge is not None and self.day.surge[0] * 3600 <= now < self.day.surge[1] * 3600:
            rate *= self.day.surge[2]
        return self.rng.expovariate(rate)

    def tier(self) -> tuple[str, float]:
        at = self.rng.random()
        for name, share, target_s in self.day.tiers:
            at -= share
            if at < 0:
                return name, target_s
        return "ordinary", 20.0

    def dial(self) -> tuple[bool, float]:
        """Whether a call out is answered, and after how long it is, or ends."""
        day = self.day
        at = self.rng.random()
        if at < day.fast_failure:
            return False, self.rng.uniform(1.0, 3.0)
        if at < day.fast_failure + day.answer_probability:
            cv = day.ring_sd_s / day.ring_mean_s
            return True, min(30.0, self.lognormal(day.ring_mean_s, cv))
        return False, self.rng.uniform(*day.ring_no_answer_s)


class Pacer:
    """How many calls to start: while the next answer finds nobody with at most θ."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.theta = 0.03
        self.answered = self.abandoned = 0
        self._answers = [[self._answer_by(age, u) for age in range(31)] for u, _ in HORIZONS]

    def judged(self, abandoned: bool) -> None:
        """Somebody answered and was connected, or not."""
        self.answered += 1
        self.abandoned += abandoned
        self.theta *= math.exp(0.04 * (self.day.abandon_target - abandoned))
        budget = self.day.abandon_target * (self.answered + 300) - self.abandoned
        self.theta = min(max(self.theta, 1e-4), 0.2)
        if budget < 0:
            self.theta = min(self.theta, 0.005)

    def start(self, free: int, waiting: int, talking: int, wrapping: int, ages: list[int], room: int) -> int:
        """Calls to launch now. ``waiting``: customers on the line, callers and called; ``room``: lines."""
        day = self.day
        sums = []
        for (u, weight), table in zip(HORIZONS, self._answers, strict=True):
            soon = u + day.outbound_patience_s
            done = 1.0 - math.exp(-soon / (day.talk_mean_s + day.wrap_mean_s))
            ready = 1.0 - math.exp(-soon / day.wrap_mean_s)
            answers = sum(table[age] for age in ages)
            spread = sum(table[age] * (1 - table[age]) for age in ages)
            callers = day.inbound_rate * u
            mean = free - waiting + talking * done + wrapping * ready - answers - callers
            var = talking * done * (1 - done) + wrapping * ready * (1 - ready) + spread + callers
            sums.append((weight, mean, var, table[0]))
        launched = 0
        while launched < room:
            nobody = sum(
                weight * _below((0.5 - mean + launched * fresh) / math.sqrt(max(var + launched * fresh, 0.05)))
                for weight, mean, var, fresh in sums
            )
            if nobody > self.theta:
                break
            launched += 1
        return launched

    def _answer_by(self, age: int, u: float) -> float:
        """The chance that a call that has rung so long is answered within ``u``."""
        day = self.day

        def cdf(seconds: float) -> float:
            cv = day.ring_sd_s / day.ring_mean_s
            sigma = math.sqrt(math.log(1 + cv * cv))
            mu = math.log(day.ring_mean_s) - sigma * sigma / 2
            return 1.0 if seconds >= 30 else _below((math.log(max(seconds, 1e-9)) - mu) / sigma)

        alive_answer = day.answer_probability * (1 - cdf(age))
        others = 1 - day.answer_probability - (day.fast_failure if age >= 2 else 0.0)
        gone = max(0.0, (age - 25) / 5)
        total = alive_answer + others * (1 - gone)
        return day.answer_probability * (cdf(age + u) - cdf(age)) / total if total > 0 else 0.0


def _below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
