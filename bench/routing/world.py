"""The blended day's people who call: when, who they are, whom they know, how long they wait. Seeded, no clock.

All distributions of the day are stated here; what people whom we call do is the planner's own (``dialer.simulate``),
from the scenario that ``Day.scenario`` gives. Every rule that is compared meets the same callers and the same leads.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

from routing.facts import RoutingPolicy
from routing.intake import DEFAULTS

VIP = "vip"
"""A field of a caller's record."""


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
    fast_failure: float = 0.10
    outbound_patience_s: float = 2.0
    patience_mean_s: float = 180.0
    """Inbound callers hang up after a Weibull time of shape 2: few in the first seconds, half by 170 s."""
    lines: int = 120
    reserved_inbound: int = 28
    abandon_limit: float = 0.03
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

    policy: RoutingPolicy = DEFAULTS
    """Our rule's knobs."""

    @property
    def inbound_rate(self) -> float:
        """Callers a second: the share of what the blended agents can do at 93 % busy."""
        conversations = (self.agents - self.vip_seats) * 0.93 / (self.talk_mean_s + self.wrap_mean_s)
        return self.inbound_share * conversations

    @property
    def scenario(self) -> dict[str, Any]:
        """The outbound side as the planner's scenario: ring times and the rest are its defaults."""
        return {
            "agents": self.agents,
            "shift_hours": self.hours,
            "talk": {"distribution": "lognormal", "mean_s": self.talk_mean_s, "cv": self.talk_cv},
            "wrap": {"distribution": "lognormal", "mean_s": self.wrap_mean_s, "cv": self.wrap_cv},
            "answer_probability": self.answer_probability,
            "fast_failure": {"share": self.fast_failure, "seconds": [1, 3]},
            "patience_s": self.outbound_patience_s,
            "abandon": {"limit": self.abandon_limit, "window": "shift"},
            "lines": self.lines,
        }


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who calls ``at_s`` after the shift's begin. ``own``: the agent who knows them, by place; -1: nobody."""

    place: int
    at_s: float
    vip: bool
    tier: str
    own: int
    patience_s: float

    @property
    def number(self) -> str:
        """Whom nobody else has: the planner's leads begin with +10."""
        return f"+1{9_000_000_000 + self.place}"


def callers(day: Day, seed: int) -> list[Person]:
    """Everybody who calls on this day, in order."""
    rng = random.Random(f"callers {seed}")
    found: list[Person] = []
    at_s = 0.0
    while True:
        rate = day.inbound_rate
        if day.surge is not None and day.surge[0] * 3600 <= at_s < day.surge[1] * 3600:
            rate *= day.surge[2]
        at_s += rng.expovariate(rate)
        vip, repeat, tier = rng.random() < day.vip_share, rng.random() < day.repeat_share, _tier(day, rng.random())
        own, patience_s = rng.randrange(day.agents - day.vip_seats), _patience_s(day, rng)
        if at_s >= day.hours * 3600.0:
            return found
        found.append(Person(len(found), at_s, vip, tier, own if repeat else -1, patience_s))


def _patience_s(day: Day, rng: random.Random) -> float:
    return rng.weibullvariate(day.patience_mean_s / math.gamma(1.5), 2.0)


def _tier(day: Day, at: float) -> str:
    for name, share, _ in day.tiers:
        at -= share
        if at < 0:
            return name
    return "ordinary"
