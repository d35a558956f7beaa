"""`make bench`: every benchmark in one run, as tables and as bench/results.json (not committed).

Owns order, printing and the results file. Exits 1 when a target is missed, so that a regression is seen.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import esl_decode, esl_stall, load
from bench.routing.__main__ import short as blended_day

RESULTS = Path(__file__).with_name("results.json")
BENCHES = {
    "esl_decode": esl_decode.run,
    "esl_stall": esl_stall.run,
    "answer_to_agent": load.run,
    "blended_day": blended_day,
}


def show(name: str, result: dict[str, Any], console: Console) -> None:
    """One benchmark's figures as a table."""
    table = Table(title=name)
    table.add_column("what")
    table.add_column("figure")
    for key, value in result.items():
        table.add_row(key, json.dumps(value) if isinstance(value, dict | list) else str(value))
    console.print(table)


def main(arguments: list[str]) -> int:
    """Run all benchmarks, or those named."""
    console = Console()
    unknown = [name for name in arguments if name not in BENCHES]
    if unknown:
        console.print(f"unknown benchmark {', '.join(unknown)}; expected {', '.join(BENCHES)}")
        return 2
    results: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    for name, bench in BENCHES.items():
        if arguments and name not in arguments:
            continue
        console.print(f"==> {name}")
        results[name] = bench()
        show(name, results[name], console)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"written: {RESULTS}")
    missed = [name for name in BENCHES if name in results and results[name].get("reached") is False]
    if missed:
        console.print(f"targets missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
