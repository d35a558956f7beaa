"""`python -m bench.routing [--seeds N] [--only decisions|days]`: prints the tables, writes bench/results/routing.json.

Exits 1 when a target of the stated day, or of a decision's cost, is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.routing import decisions
from bench.routing.day import Shift
from bench.routing.rules import RULES
from bench.routing.world import Day

RESULTS = Path(__file__).parent.parent / "results" / "routing.json"
DAYS = {
    "stated": Day(),
    "vips 3 % of all calls": Day(vip_share=0.15),
    "surge": Day(hours=4.0, surge=(2.0, 3.0, 4.0)),
}
"""3 % VIPs may be meant of callers or of all calls: both are run. In the surge, four times the callers for an hour."""
TARGETS = {
    "vip_no_wait": (">=", 0.995),
    "own_agent_reached": (">=", 0.98),
    "in_target_ordinary": (">=", 0.80),
    "outbound_abandoned": ("<=", 0.03),
    "agents_busy": (">=", 0.85),
    "inbound_busy": ("<=", 0.0),
}
"""Of the stated day, under our rule. ``in_target_ordinary``: within 20 s, callers who held for their agent apart."""


def one(job: tuple[str, str, int]) -> tuple[str, str, dict[str, float]]:
    """One shift."""
    day, rule, seed = job
    return day, rule, Shift(DAYS[day], RULES[rule](), rule == "ours", seed).run()


def days(seeds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Every day under every rule: means over the seeds."""
    jobs = [(day, rule, seed) for day in DAYS for rule in RULES for seed in range(1, seeds + 1)]
    gathered: dict[tuple[str, str], list[dict[str, float]]] = {}
    with multiprocessing.Pool() as pool:
        for day, rule, figures in pool.imap_unordered(one, jobs):
            gathered.setdefault((day, rule), []).append(figures)
    result: dict[str, dict[str, dict[str, float]]] = {}
    for day in DAYS:
        for rule in RULES:
            runs = gathered[day, rule]
            mean = {key: round(sum(run[key] for run in runs) / len(runs), 4) for key in runs[0]}
            result.setdefault(day, {})[rule] = mean
    return result


def missed(result: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """Targets of the stated day that our rule misses."""
    ours = result["stated"]["ours"]
    return [
        f"{key} {ours[key]} {sign} {limit}"
        for key, (sign, limit) in TARGETS.items()
        if (ours[key] < limit if sign == ">=" else ours[key] > limit)
    ]


def show(name: str, rules: dict[str, dict[str, float]], console: Console) -> None:
    """One day, the rules side by side."""
    table = Table(title=name)
    table.add_column("figure")
    for rule in rules:
        table.add_column(rule, justify="right")
    for key in next(iter(rules.values())):
        target = f" {TARGETS[key][0]} {TARGETS[key][1]}" if name == "stated" and key in TARGETS else ""
        table.add_row(key + target, *(f"{figures[key]:g}" for figures in rules.values()))
    console.print(table)


def main(arguments: list[str]) -> int:
    """Run, print, keep, judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.routing")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--only", choices=("decisions", "days"))
    options = parser.parse_args(arguments)
    console = Console()
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results |= {"python": platform.python_version(), "machine": platform.machine()}
    faults: list[str] = []
    if options.only != "days":
        results["decisions"] = decisions.run()
        console.print_json(json.dumps(results["decisions"]))
        if not results["decisions"]["reached"]:
            faults.append(f"a decision within {decisions.TARGET_MS} ms")
    if options.only != "decisions":
        results["seeds"], results["days"] = options.seeds, days(options.seeds)
        for name, rules in results["days"].items():
            show(name, rules, console)
        faults += missed(results["days"])
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"written: {RESULTS}")
    if faults:
        console.print(f"missed: {'; '.join(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
