"""A worker process: shifts in, results out, one JSON line each, from the frozen copy of the code that it runs in.

Owns the run of one shift and the measure of a decision's cost. Writes nothing but its answers.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

EVERY = 6
"""The planner samples each 10 s; kept is every minute."""
SETTLED_S = 600.0


def plan_of(scenario: dict[str, Any], name: str) -> Any:
    """The planner's plan, through all its checks."""
    import yaml

    from config.errors import Fault
    from config.tree import parse
    from dialer.simulate import scenario_file

    faults: list[Fault] = []
    tree = parse(yaml.safe_dump(scenario), name, faults)
    assert tree is not None, faults
    return scenario_file.build(tree, name, Path("/"), faults)


def shift(scenario: dict[str, Any], name: str, seed: int) -> dict[str, Any]:
    """One shift's result, its course by the minute, and what it cost."""
    from dialer.simulate.planner import simulate

    began = time.process_time()
    outcome = simulate(plan_of(scenario, name), seed)
    series = {
        key: [round(float(value)) for value in column[EVERY - 1 :: EVERY]]
        for key, column in outcome.series._asdict().items()
    }
    return {"result": dict(outcome.result), "series": series, "cpu_s": round(time.process_time() - began, 3)}


def cost(agents: int, hours: float, seed: int) -> dict[str, float]:
    """CPU milliseconds of single decisions of the pool, in a shift that has settled."""
    from dialer.simulate.planner import simulate
    from dialer.simulate.planner_settings import CAMPAIGN
    from dialer.simulate.planner_world import START_S
    from pacing.pool import Pool

    spent: list[float] = []
    ringing: list[int] = []
    decide = Pool.decide

    def timed(pool: Pool, now: float, node: str, asks: Any) -> Any:
        began = time.process_time()
        made = decide(pool, now, node, asks)
        took = time.process_time() - began
        if now - START_S > SETTLED_S:
            spent.append(1000.0 * took)
            ringing.append(pool.counts(CAMPAIGN, now).ringing)
        return made

    Pool.decide = timed  # type: ignore[method-assign,assignment]
    try:
        simulate(plan_of({"agents": agents, "shift_hours": hours}, "cost"), seed)
    finally:
        Pool.decide = decide  # type: ignore[method-assign]
    return {
        "agents": agents,
        "decisions": len(spent),
        "ringing": round(statistics.fmean(ringing), 1),
        "median_ms": round(statistics.median(spent), 3),
        "mean_ms": round(statistics.fmean(spent), 3),
        "p99_ms": round(float(np.quantile(spent, 0.99)), 3),
    }


def main() -> int:
    """Answer until the input ends."""
    import dialer

    if Path.cwd() not in Path(dialer.__file__).resolve().parents:
        print(json.dumps({"failed": f"runs {dialer.__file__}, not the frozen copy"}), flush=True)
        return 1
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["do"] == "cost":
                answer: dict[str, Any] = {"done": cost(order["agents"], order["hours"], order["seed"])}
            else:
                answer = {"done": shift(order["scenario"], order["name"], order["seed"])}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
