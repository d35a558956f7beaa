"""Slow and obvious twins of what pacing computes, and a floor of calls and agents for its pool."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pacing.board import Phase
from pacing.leads import UNKNOWN_LEAD, LeadFacts
from pacing.memory import Memory
from pacing.pool import Ending, Pool
from pacing.settings import CampaignPacing
from pacing.snapshot import Ask, Decision
from pacing.windows import TRAILING, AbandonWindow

Array = npt.NDArray[np.float64]
HOUR_S, DAY_S = 3600.0, 86_400.0
START = 1_790_000_000.0


# ---- the abandon ledger by brute force ---------------------------------------------------------------------


class Book:
    """Judged calls, one row each: (answered_at, abandoned). Rows that a restart knows by the hour only are ``old``."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, bool]] = []
        self.old: list[tuple[float, bool]] = []  # (start of the hour, abandoned)

    def since(self, start: float) -> tuple[int, int]:
        young = [gone for at, gone in self.rows if at >= start]
        old = [gone for hour, gone in self.old if hour + HOUR_S > start]
        return len(young) + len(old), sum(young) + sum(old)

    def restart(self, exact_from: float) -> tuple[list[tuple[float, bool]], list[tuple[float, int, int]]]:
        """What the store would tell: younger calls one by one, older ones by the hour."""
        self.old += [(at // HOUR_S * HOUR_S, gone) for at, gone in self.rows if at < exact_from]
        self.rows = [row for row in self.rows if row[0] >= exact_from]
        hours: dict[float, list[int]] = {}
        for hour, gone in self.old:
            counts = hours.setdefault(hour, [0, 0])
            counts[0] += 1
            counts[1] += gone
        return list(self.rows), [(hour, n, a) for hour, (n, a) in hours.items()]


def start_of(window: AbandonWindow, now: float) -> float:
    return now - window.length_s if window.kind == TRAILING else window.bounds(now)[0]


# ---- sums of unlike coins ----------------------------------------------------------------------------------


def nobody(lead: int, agents: Array, calls: Array) -> Array:
    """P(lead + agents who come − calls that answer ≤ 0) at each horizon, one Bernoulli variable after the other."""
    width = agents.shape[1]
    out = np.empty(width)
    reach = abs(lead) + len(agents) + len(calls) + 1
    for h in range(width):
        pmf = np.zeros(2 * reach + 1)
        pmf[reach + lead] = 1.0
        for chance in agents[:, h]:
            pmf = pmf * (1.0 - chance) + np.roll(pmf, 1) * chance
        for chance in calls[:, h]:
            pmf = pmf * (1.0 - chance) + np.roll(pmf, -1) * chance
        out[h] = pmf[: reach + 1].sum()
    return out


# ---- rings as the target table has them --------------------------------------------------------------------


def lognormal(rng: random.Random, mean: float, sd: float) -> float:
    sigma2 = math.log(1.0 + (sd / mean) ** 2)
    return rng.lognormvariate(math.log(mean) - sigma2 / 2.0, math.sqrt(sigma2))


def ring(rng: random.Random, p: float, failed: float = 0.10) -> tuple[float, bool]:
    """(age at the end of ringing, answered): one dial of the target table."""
    if rng.random() < p:
        while (age := lognormal(rng, 12.0, 6.0)) > 30.0:
            pass
        return age, True
    if rng.random() < failed / (1.0 - p):
        return rng.uniform(1.0, 3.0), False
    return rng.uniform(25.0, 30.0), False


# ---- a floor -----------------------------------------------------------------------------------------------

NO_LIMIT = (AbandonWindow(limit=0.9, kind="trailing", length_s=DAY_S),)
"""A budget that never binds."""


def pacing(name: str = "c1", **more: Any) -> CampaignPacing:
    return CampaignPacing(name, **more)


class Desk:
    """A pool with a clock, and one line for each thing that may happen on the floor."""

    def __init__(self, *campaigns: CampaignPacing, now: float = START) -> None:
        campaigns = campaigns or (pacing(),)
        self.pool = Pool({c.campaign: c for c in campaigns})
        self.settings: Mapping[str, CampaignPacing] = {c.campaign: c for c in campaigns}
        self.now = now
        self.made = 0

    def step(self, seconds: float) -> Desk:
        self.now += seconds
        return self

    def agents(self, count: int, *campaigns: str, first: int = 1, node: str = "n1", phase: Phase = Phase.IDLE) -> Desk:
        for number in range(first, first + count):
            self.agent(f"a{number}", phase, *campaigns, node=node)
        return self

    def agent(self, name: str, phase: Phase, *campaigns: str, node: str = "n1") -> None:
        self.pool.agent(name, phase, self.now, node, frozenset(campaigns or ("c1",)))

    def dial(self, campaign: str = "c1", node: str = "n1", lead: LeadFacts = UNKNOWN_LEAD, *, rang: bool = True) -> str:
        self.made += 1
        call = f"k{self.made}"
        self.pool.dialed(call, campaign, node, self.now, lead)
        self.pool.sent(call, self.now)
        if rang:
            self.pool.rang(call, self.now)
        return call

    def answer(self, call: str) -> None:
        self.pool.answered(call, self.now)

    def connect(self, call: str, agent: str, *campaigns: str) -> None:
        self.pool.taken(call, agent, self.now)
        self.agent(agent, Phase.RESERVED, *campaigns)
        self.pool.bridged(call, self.now)
        self.agent(agent, Phase.TALKING, *campaigns)

    def end(self, call: str, ending: Ending = Ending.OVER) -> None:
        self.pool.ended(call, self.now, ending)

    def judge(self, count: int, abandoned: int = 0, campaign: str = "c1", ago: float = 1.0) -> Desk:
        for number in range(count):
            self.pool.judged(campaign, self.now - ago, abandoned=number < abandoned)
        return self

    def ask(self, campaign: str = "c1", room: int = 50, leads: int = 24) -> Ask:
        return Ask(campaign, room, (UNKNOWN_LEAD,) * leads)

    def decide(self, *asks: Ask, node: str = "n1") -> dict[str, Decision]:
        return self.pool.decide(self.now, node, asks or tuple(self.ask(name) for name in self.settings))

    def one(self, campaign: str = "c1", node: str = "n1", **more: Any) -> Decision:
        return self.decide(self.ask(campaign, **more), node=node)[campaign]

    def calls(self, campaign: str = "c1") -> tuple[int, int]:
        counts = self.pool.counts(campaign, self.now)
        return counts.ringing, counts.waiting


DAY = AbandonWindow(0.03, "day")


def desk(agents: int = 5, **more: Any) -> Desk:
    return Desk(pacing(**more)).agents(agents)


def memory(d: Desk, name: str = "c1") -> Memory:
    return d.pool._state.memories[name]


def rich(agents: int = 10, **more: Any) -> Desk:
    """A floor with a budget in hand."""
    d = desk(agents, **({"windows": (AbandonWindow(0.5, "trailing", DAY_S),)} | more))
    return d.judge(400)


def two(weights: tuple[float, float] = (1.0, 1.0), **more: Any) -> Desk:
    """Two campaigns, ``c1`` and ``c2``."""
    windows = more.pop("windows", (DAY,))
    return Desk(*(pacing(f"c{n}", weight=w, windows=windows, **more) for n, w in enumerate(weights, 1)))
