"""Two carriers, one of which begins to fail half of its calls: it is found out, traffic moves, pacing is not fooled."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.engine import Engine
from dialer.simulate.people import People
from dialer.simulate.planner_leads import Leads
from dialer.simulate.planner_settings import CAMPAIGN, TRUNK, engine_settings
from dialer.simulate.planner_world import START_S, World
from dialer.simulate.scenario import Predictive, Scenario
from dialer.simulate.scenario_file import Plan
from dialer.simulate.tally import Tally
from routing.health import Condition

OTHER = "other"
HOURS = 2.0
FAILS_FROM_S = START_S + 1800.0
AFTER_S = 0.3
CAUSE = "NORMAL_TEMPORARY_FAILURE"


class TwoCarriers(World):
    """Calls over ``TRUNK`` fail by chance from a moment on, before anything rings."""

    def __init__(
        self, share: float, seed: int, plan: Plan, engine: Callable[[float], Engine], people: People, tally: Tally
    ) -> None:
        super().__init__(plan, seed, engine, people, Leads(people, plan.scenario.leads), tally)
        self.share = share
        self.luck = random.Random(f"carrier {seed}")
        self.by: list[tuple[float, str, bool]] = []  # when a call went out, on which line, whether that failed
        self.until_sick = 0
        self._on[cmd.OriginateCall] = self._dial

    def _dial(self, order: cmd.OriginateCall) -> None:
        failing = order.gateway == TRUNK and self.now >= FAILS_FROM_S
        fails = failing and self.luck.random() < self.share
        self.by.append((self.now, order.gateway, fails))
        sick = self.engine._live.trunks[TRUNK].health.condition is not Condition.HEALTHY
        if failing and not sick and not self.engine._live.counters["trunks_found_sick"]:
            self.until_sick += 1
        if fails:
            at = self.now + AFTER_S
            self._at(at, self._feed, ev.LegHungUp(order.uuid, at, CAUSE, sip_status="503"))
        else:
            self._launch(order)


@dataclass
class Shift:
    world: TwoCarriers
    found: dict[str, Any]
    learnt: float
    unaccounted: int


def shift(share: float, seed: int = 1, lines: int = 60) -> Shift:
    scenario = Scenario(agents=20, shift_hours=HOURS, lines=lines)
    plan = Plan("two carriers", scenario, Predictive(), Path())
    people, tally, numbers = People(plan, seed), Tally(), itertools.count(1)
    settings = engine_settings(plan, START_S)
    carrier, campaign = settings.trunks[TRUNK], settings.campaigns[CAMPAIGN]
    settings = replace(
        settings,
        trunks={TRUNK: carrier, OTHER: replace(carrier, name=OTHER, gateway=OTHER)},
        campaigns={CAMPAIGN: replace(campaign, further_trunks=(OTHER,), max_attempts=1)},
    )

    def engine(now: float) -> Engine:
        return Engine(settings, now, lambda: f"{next(numbers):032x}")

    world = TwoCarriers(share, seed, plan, engine, people, tally)
    world.run()
    found = tally.result(scenario.agents, HOURS, world.leads.unaccounted())
    learnt = world.engine._feed.pool.counts(CAMPAIGN, world.now).answer_probability
    return Shift(world, found, learnt, world.leads.unaccounted())


def test_a_carrier_that_fails_half_of_its_calls_is_left_and_pacing_is_not_fooled() -> None:
    well = shift(0.0)
    for seed in (1, 2, 3):
        ill = shift(0.5, seed)
        world, found = ill.world, ill.found
        trunks = world.engine._live.trunks
        after = [(line, fails) for at, line, fails in world.by if at >= FAILS_FROM_S]
        failed = sum(fails for _, fails in after)
        told = {
            "calls until found sick": world.until_sick,
            "failed of all after it": f"{failed} of {len(after)}",
            "on the failing line": f"{sum(line == TRUNK for line, _ in after) / len(after):.1%}",
            "gone on": trunks[TRUNK].gone_on,
            "abandoned": f"{found['abandon_rate']:.2%} (well: {well.found['abandon_rate']:.2%})",
            "busy": f"{found['busy_share']:.1%} (well: {well.found['busy_share']:.1%})",
            "answers believed": f"{ill.learnt:.3f} (well: {well.learnt:.3f})",
        }
        print(f"\nseed {seed}: {told}")
        assert all(line == TRUNK for at, line, _ in world.by if at < FAILS_FROM_S)  # equal lines: the first one
        assert world.until_sick <= 30
        assert sum(line == TRUNK for line, _ in after) <= 0.1 * len(after)
        assert trunks[TRUNK].gone_on == failed and trunks[OTHER].ends.keys() <= {"callee", "carrier", "number", "ours"}
        assert found["abandon_rate"] <= 0.03
        assert found["busy_share"] >= well.found["busy_share"] - 0.02
        assert abs(ill.learnt - well.learnt) < 0.05
        assert ill.unaccounted == well.unaccounted == 0
