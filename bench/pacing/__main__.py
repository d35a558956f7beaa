"""`make bench-pacing`: the command line, and the order of a run: freeze, run, judge, write.

Owns arguments and exit codes: 0 everything asked is reached, 1 something is not, 2 usage, 3 stopped before it was
complete, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.pacing import code, picture, report, short
from bench.pacing.agenda import Agenda, tuning_shifts
from bench.pacing.cache import Cache, Shift, job
from bench.pacing.cells import CELLS, POLICIES, ROOT, TUNED, Cell, Policy
from bench.pacing.crew import Crew, WorkFailed
from bench.pacing.judge import Book, Verdict, verdicts
from bench.pacing.run import run
from bench.pacing.tuning import choose

RESULTS = ROOT / "bench" / "results" / "pacing.json"
DOCS = ROOT / "docs"
COST_SEED = 7
TIMELINE = "doubles/20/.15"
INCOMPLETE, INTERRUPTED = 3, 130


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.pacing", description="The pacing benchmark.")
    parser.add_argument("--only", nargs="+", metavar="CELLS", help="cells by name or pattern: 10/.3 '*/.15' 'doubles*'")
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES), metavar="POLICY")
    parser.add_argument("--seeds", type=int, metavar="N", help="no more than N seeds a cell")
    parser.add_argument("--budget-minutes", type=float, metavar="M", help="stop when M minutes are over")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--short", action="store_true", help="the gate of CI")
    parser.add_argument("--report", action="store_true", help="run nothing, write what is there")
    parser.add_argument("--list", action="store_true", help="what there is to run, and the CPU time that is left")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """The command; its exit code."""
    asked = _arguments(given)
    cells = [c for c in CELLS.values() if not asked.only or any(fnmatch.fnmatch(c.name, each) for each in asked.only)]
    if not cells:
        named = " ".join(asked.only)
        print(f"no cell matches {named}; expected names or patterns of {', '.join(CELLS)}", file=sys.stderr)
        return 2
    frozen = code.freeze()
    keys: dict[Policy, str] = {policy: code.key(policy, frozen) for policy in POLICIES}
    cache = Cache(code.CACHE, keys)
    until = None if asked.budget_minutes is None else time.monotonic() + 60.0 * asked.budget_minutes
    if asked.short:
        return _short(cache, frozen, asked.workers, keys)
    agenda = Agenda(cache, cells, asked.policies, asked.seeds)
    if asked.list:
        _list(agenda, cells, asked.policies)
        return 0
    interrupted = False
    costs: dict[int, dict[str, float]] = {}
    try:
        costs = _costs(frozen, keys["predictive"], measure=not asked.report)
        if not asked.report:
            run(agenda, cache, frozen, asked.workers, until)
    except KeyboardInterrupt:
        interrupted = True
        print("\nstopped; what is finished is kept", file=sys.stderr)
    except WorkFailed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    everything = Agenda(cache, list(CELLS.values()), POLICIES)
    found = _write(cache, everything, costs, keys)
    left = agenda.left()
    missed = [v for v in found if not v.ok and not v.aim and any(v.cell == cell.name for cell in cells)]
    for verdict in missed:
        print(f"missed: {verdict.cell}: {verdict.what}: {verdict.told}")
    if left:
        print(f"{len(left)} of {agenda.shifts()} shifts are missing: {_counted(left)}")
    print(f"written: {RESULTS.relative_to(ROOT)}, docs/pacing-results.md")
    if interrupted:
        return INTERRUPTED
    return 1 if missed else INCOMPLETE if left else 0


def _counted(left: Sequence[tuple[Cell, Policy, int]]) -> str:
    counts: dict[str, int] = {}
    for cell, policy, _ in left:
        name = f"{cell.name} {policy}"
        counts[name] = counts.get(name, 0) + 1
    listed = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:40])
    return listed + (", …" if len(counts) > 40 else "")


def _list(agenda: Agenda, cells: Sequence[Cell], policies: Sequence[Policy]) -> None:
    left = agenda.left()
    for policy in policies:
        wanted = sum(len(cell.seeds(policy)) for cell in cells if policy in cell.policies())
        missing = [(cell, seed) for cell, each, seed in left if each == policy]
        tuned = {cell.tuned_as for cell in cells} if policy in TUNED else set()
        tuning = sum(tuning_shifts(CELLS[name], policy) for name in tuned)
        minutes = sum(agenda.pace.expect_s(policy, cell) for cell, _ in missing) / 60.0
        extra = sum(tuning_shifts(CELLS[n], policy) * agenda.pace.expect_s(policy, CELLS[n]) for n in tuned) / 60.0
        print(
            f"{policy}: {wanted} shifts, {len(missing)} missing, about {minutes:.0f} min of CPU"
            + (f"; tuning {tuning} shifts, about {extra:.0f} min in all" if tuning else "")
        )
    print(f"left in all: about {agenda.left_s() / 60.0:.0f} min of CPU")


# ---- costs -------------------------------------------------------------------------------------------------


def _costs(frozen: Path, key: str, *, measure: bool) -> dict[int, dict[str, float]]:
    """What a decision costs, measured once for this code while nothing else of ours runs."""
    file = code.CACHE / f"predictive-{key}" / "cost.json"
    try:
        return {int(agents): cost for agents, cost in json.loads(file.read_text()).items()}
    except (OSError, ValueError):
        pass
    if not measure:
        return {}
    costs: dict[int, dict[str, float]] = {}
    with Crew(frozen, 1) as crew:
        for agents, hours in short.COST_HOURS.items():
            order = {"do": "cost", "agents": agents, "hours": hours, "seed": COST_SEED}
            crew.workers[0].ask(f"cost at {agents}", order)
            while agents not in costs:
                for _, answer in crew.answers(1.0):
                    costs[agents] = answer
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(costs))
    return costs


# ---- the short form ----------------------------------------------------------------------------------------


def _short(cache: Cache, frozen: Path, workers: int, keys: dict[Policy, str]) -> int:
    began = time.monotonic()
    try:
        costs = _costs(frozen, keys["predictive"], measure=True)
        run(short.GateAgenda(cache), cache, frozen, workers)
    except WorkFailed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    lines, faults = short.judged(cache, costs)
    for line in lines:
        print(line)
    for fault in faults:
        print(f"FAILED: {fault}")
    print(f"pacing gate: {'failed' if faults else 'passed'} in {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


# ---- writing -----------------------------------------------------------------------------------------------


def _write(cache: Cache, agenda: Agenda, costs: dict[int, dict[str, float]], keys: dict[Policy, str]) -> list[Verdict]:
    book = Book()
    shifts: dict[tuple[str, Policy], list[Shift]] = {}
    choices = {
        (cell.name, policy): choose(policy, cell, cache.get)
        for cell in CELLS.values()
        if cell.kind == "table"
        for policy in TUNED
    }
    for cell in CELLS.values():
        for policy in cell.policies():
            options = agenda.choice(cell, policy).options
            if options is not None:
                found = [cache.get(job(cell, policy, options, seed)) for seed in cell.seeds(policy)]
                shifts[cell.name, policy] = [each for each in found if each is not None]
                book.put(cell, policy, shifts[cell.name, policy])
    found_verdicts = [v for cell in CELLS.values() for v in verdicts(cell, book)]
    missing: dict[str, int] = {}
    for cell, policy, _ in agenda.left():
        name = f"{cell.kind} {policy}"
        missing[name] = missing.get(name, 0) + 1
    report.write_json(RESULTS, book, found_verdicts, choices, costs, missing, keys)
    DOCS.mkdir(exist_ok=True)
    drawn = _draw(book, shifts)
    text = report.markdown(book, found_verdicts, choices, costs, missing, drawn)
    (DOCS / "pacing-results.md").write_text(text)
    return found_verdicts


def _draw(book: Book, shifts: dict[tuple[str, Policy], list[Shift]]) -> list[str]:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("no pictures: matplotlib is not installed (pip install 'dialer[plots]')", file=sys.stderr)
        return []
    drawn = ["busy"]
    picture.busy(book, DOCS / report.PICTURES["busy"])
    doubles: dict[tuple[str, Policy], Any] = {k: v for k, v in shifts.items() if CELLS[k[0]].kind == "doubles" and v}
    if doubles:
        picture.burst(doubles, DOCS / report.PICTURES["burst"])
        drawn.append("burst")
    own = shifts.get((TIMELINE, "predictive"))
    if own:
        cell = CELLS[TIMELINE]
        picture.timeline(own[0], f"{cell.agents} agents: {cell.title}", DOCS / report.PICTURES["timeline"])
        drawn.append("timeline")
    return drawn


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
