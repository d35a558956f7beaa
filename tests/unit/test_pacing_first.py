"""The first answers of a campaign, before a window bears a risk: whom pacing's choice could lose."""

from __future__ import annotations

import heapq
import random
from typing import Any

import pytest
from pacing_kit import DAY, Desk, desk, memory, pacing, ring

from pacing.beliefs import PastCall
from pacing.board import Phase
from pacing.leads import LeadFacts
from pacing.pool import Ending

FIRST = 34
"""Answers that a 3 % window needs before it bears one abandonment."""
TICK_S = 0.2


class Floor:
    """Agents who take what answers, on a clock that ticks: customers wait two seconds, then they are lost."""

    def __init__(self, agents: int, p: float, seed: int, prior: float = 0.25) -> None:
        self.rng, self.p = random.Random(seed), p
        self.desk = Desk(pacing(windows=(DAY,), prior_answer=prior)).agents(agents)
        self.free = [f"a{number}" for number in range(1, agents + 1)]
        self.waiting: list[tuple[float, str]] = []
        self.due: list[tuple[float, int, str, str, str]] = []  # (at, number, what, call, agent)
        self.number = self.judged = self.lost = self.started = 0

    def later(self, seconds: float, what: str, call: str, agent: str = "") -> None:
        self.number += 1
        heapq.heappush(self.due, (self.desk.now + seconds, self.number, what, call, agent))

    def happen(self) -> None:
        d = self.desk
        while self.due and self.due[0][0] <= d.now:
            _, _, what, call, agent = heapq.heappop(self.due)
            if what == "answer":
                d.answer(call)
                self.waiting.append((d.now, call))
            elif what == "no answer":
                d.end(call, Ending.NO_ANSWER)
            elif what == "talk over":
                d.end(call)
                d.agent(agent, Phase.WRAP)
                self.later(self.rng.expovariate(1 / 20), "ready", call, agent)
            else:
                d.agent(agent, Phase.IDLE)
                self.free.append(agent)
        while self.waiting and self.free:
            at, call = self.waiting.pop(0)
            agent = self.free.pop(0)
            d.connect(call, agent)
            self.judge(at, abandoned=False)
            self.later(self.rng.expovariate(1 / 150), "talk over", call, agent)
        while self.waiting and d.now - self.waiting[0][0] >= 2.0:
            at, call = self.waiting.pop(0)
            d.end(call)
            self.judge(at, abandoned=True)

    def judge(self, at: float, *, abandoned: bool) -> None:
        self.desk.pool.judged("c1", at, abandoned=abandoned)
        self.judged += 1
        self.lost += abandoned

    def choose(self) -> None:
        made = self.desk.one(room=200, leads=64)
        for call in made.hang_up:
            self.desk.end(call, Ending.CUT)
            self.due = [each for each in self.due if each[3] != call]
            heapq.heapify(self.due)
        for _ in range(made.lines):
            self.started += 1
            call = self.desk.dial()
            age, answered = ring(self.rng, self.p)
            self.later(age, "answer" if answered else "no answer", call)

    def run(self) -> Floor:
        while self.judged < FIRST:
            self.happen()
            self.choose()
            self.desk.step(TICK_S)
        return self


@pytest.mark.parametrize("agents", [3, 5, 8, 12])
@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_lost_when_many_more_answer_than_was_believed(agents: int, seed: int) -> None:
    assert Floor(agents, 0.8, seed).run().lost == 0


@pytest.mark.parametrize(("agents", "p"), [(5, 0.25), (30, 0.25), (30, 0.5)])
def test_nobody_is_lost_when_as_many_answer_as_is_feared_or_fewer(agents: int, p: float) -> None:
    for seed in range(3):
        assert Floor(agents, p, seed).run().lost == 0


@pytest.mark.parametrize("agents", [20, 30, 45])
def test_nobody_is_lost_by_a_larger_team_either(agents: int) -> None:
    assert sum(Floor(agents, 0.8, seed).run().lost for seed in range(6)) == 0


# ---- how many, before anything is known --------------------------------------------------------------------


def opening(d: Desk, lead: LeadFacts | None = None) -> int:
    """Calls of the first two seconds, of which none is answered."""
    total = 0
    for _ in range(20):
        made = d.one(room=500, leads=64)
        total += made.lines
        for _ in range(made.lines):
            d.dial(**({} if lead is None else {"lead": lead}))
        d.step(0.1)
    return total


@pytest.mark.parametrize(
    ("agents", "most"), [(3, 3), (5, 5), (8, 8), (12, 14), (20, 27), (40, 60), (60, 90), (120, 150), (300, 330)]
)
def test_with_an_unknown_answer_rate_it_stays_close_to_one_to_one(agents: int, most: int) -> None:
    assert agents <= opening(desk(agents, windows=(DAY,))) <= most


def test_the_campaigns_own_cap_holds_before_a_window_bears_a_risk_too() -> None:
    capped = desk(40, windows=(DAY,), max_theta=1e-12)
    assert "(at most 1e-12, or one call for each free agent" in capped.one().reason
    assert opening(capped) == 40 < opening(desk(40, windows=(DAY,)))


@pytest.mark.parametrize("agents", [5, 20, 40])
def test_the_likelier_an_answer_was_said_to_be_the_closer_it_stays(agents: int) -> None:
    sizes = [opening(desk(agents, windows=(DAY,), prior_answer=prior)) for prior in (0.1, 0.25, 0.5, 0.7)]
    assert sizes == sorted(sizes, reverse=True)
    assert agents <= sizes[-1] <= 1.15 * agents


def test_what_is_known_well_lets_it_start_more() -> None:
    def after(dials: int) -> Any:
        d = desk(20, windows=(DAY,))
        for number in range(dials):
            answered = number % 4 == 0
            d.pool.warm("c1", [PastCall(LeadFacts(), 12.0 if answered else 28.0, answered, cut=False)])
        return opening(d), memory(d).beliefs.answer.level_sd

    (cold, unsure), (warm, sure) = after(0), after(800)
    assert sure < unsure and 20 <= cold < warm < 60
