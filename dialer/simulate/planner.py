"""``simulate(plan, seed)``: one planned shift from its scenario to its result.

Owns the composition: people, leads, engine, world, tally. The result follows from the plan and the seed, but for
``wall_s``, the seconds of real time that it took.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dialer import __version__
from dialer.engine import Engine
from dialer.simulate.people import People
from dialer.simulate.planner_leads import Leads
from dialer.simulate.planner_settings import CAMPAIGN, baseline, engine_settings
from dialer.simulate.planner_world import START_S, World
from dialer.simulate.scenario import Predictive
from dialer.simulate.scenario_file import Plan
from dialer.simulate.tally import RESULT_KEYS, Series, Tally

MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A simulated shift: the contract's keys, and its course for pictures."""

    result: Mapping[str, Any]
    series: Series
    outcomes: Mapping[str, int]


def simulate(plan: Plan, seed: int, progress: Callable[[float], None] = lambda share: None) -> Outcome:
    """Run one shift; ``progress`` hears which share of it has passed. Raises ``planner_world.Broken``."""
    began = time.perf_counter()
    scenario = plan.scenario
    people, tally = People(plan, seed), Tally()
    leads = Leads(people, scenario.leads)
    settings = engine_settings(plan, START_S)
    numbers = itertools.count(1)
    policy = baseline(plan, START_S + scenario.shift_hours * 3600.0)

    def engine(now: float) -> Engine:
        policies = {} if policy is None else {CAMPAIGN: policy}
        known = isinstance(plan.options, Predictive) and plan.options.known_leads
        return Engine(settings, now, lambda: f"{next(numbers):032x}", policies, leads.given if known else None)

    World(plan, seed, engine, people, leads, tally).run(progress)
    found = tally.result(scenario.agents, scenario.shift_hours, leads.unaccounted())
    found |= {"scenario": plan.name, "policy": scenario.policy, "seed": seed, "version": __version__}
    found["wall_s"] = round(time.perf_counter() - began, 3)
    outcomes = {outcome.value: count for outcome, count in sorted(tally.outcomes.items())}
    return Outcome({key: found[key] for key in RESULT_KEYS}, tally.series(), outcomes)
