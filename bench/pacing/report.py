"""What a run found, as bench/results/pacing.json and docs/pacing-results.md.

Owns the files' shapes. What reaches what, the judge says; shifts that are missing are told, not guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.pacing.cells import BASELINES, BURSTS, CELLS, HARD_KINDS, PAGE, TUNED, Cell, Policy
from bench.pacing.judge import BURST_AIM, RIVALS, Book, Figures, Verdict, ahead_by, rivals, slack
from bench.pacing.picture import NAMES
from bench.pacing.short import judged_costs
from bench.pacing.tuning import Choice

Choices = Mapping[tuple[str, Policy], Choice]
PICTURES: Final = {
    "busy": "pacing-busy.svg",
    "timeline": "pacing-timeline.svg",
    "burst": "pacing-burst.svg",
}
_NONE: Final = "–"


def write_json(
    file: Path,
    book: Book,
    verdicts: Sequence[Verdict],
    choices: Choices,
    costs: Mapping[int, Mapping[str, float]],
    missing: Mapping[str, int],
    keys: Mapping[Policy, str],
) -> None:
    """Everything, for machines."""
    told: dict[str, Any] = {
        "keys": dict(keys),
        "reached": all(v.ok or v.aim for v in verdicts) and not missing,
        "missing_shifts": dict(missing),
        "missed": [{"cell": v.cell, "what": v.what, "told": v.told} for v in verdicts if not v.ok and not v.aim],
        "aims_missed": [{"cell": v.cell, "what": v.what, "told": v.told} for v in verdicts if not v.ok and v.aim],
        "decision_cost": {str(agents): dict(cost) for agents, cost in costs.items()},
        "tuned": {
            f"{cell} {policy}": {"options": made.options, "rate": round(made.rate, 5), "busy": round(made.busy, 4)}
            for (cell, policy), made in choices.items()
        },
        "cells": book.as_json(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def markdown(
    book: Book,
    verdicts: Sequence[Verdict],
    choices: Choices,
    costs: Mapping[int, Mapping[str, float]],
    missing: Mapping[str, int],
    pictures: Sequence[str],
) -> str:
    """Everything, for people."""
    parts = [
        "# What the pacing benchmark found\n",
        "Written by `make bench-pacing`; do not edit. Busy share is (talk + wrap-up) ÷ logged-in time; abandoned is of "
        "all answered calls, limit 3.00 % over the shift; 8-hour shifts from a cold start, 4 hours at 300 agents. Talk "
        "lognormal, mean 120 s, cv 1; wrap-up 20 s; 10 % of dials fail at once; 2 s of patience. How it is judged: "
        "[the end](#how-to-read-it).\n",
        *_summary(verdicts, missing),
        "## The table\n",
        *([f"![Busy share by team size]({PICTURES['busy']})\n"] if "busy" in pictures else []),
        *_table(book),
        "## Beside the baselines\n",
        *_beside(book),
        "## Ahead of whom\n",
        *_ahead(book),
        "## Hard cases\n",
        *([f"![The burst when the answer rate doubles]({PICTURES['burst']})\n"] if "burst" in pictures else []),
        *_hard(book),
        *(["## One shift\n"] if "timeline" in pictures else []),
        *([f"![A shift whose answer rate doubles]({PICTURES['timeline']})\n"] if "timeline" in pictures else []),
        "## What a decision costs\n",
        *[f"- {line}" for line in judged_costs({n: dict(c) for n, c in costs.items()})[0]],
        *_speed(book),
        "\n## What the baselines were set to\n",
        *_tuned(choices),
        _READ,
    ]
    return "\n".join(parts).rstrip() + "\n"


def _summary(verdicts: Sequence[Verdict], missing: Mapping[str, int]) -> Iterator[str]:
    kinds = dict.fromkeys(v.what for v in sorted(verdicts, key=lambda v: v.aim))
    rows = []
    for kind in kinds:
        own = [v for v in verdicts if v.what == kind]
        missed = [v.cell for v in own if not v.ok]
        kind = f"{kind} (wished for)" if own[0].aim else kind
        rows.append((kind, f"{len(own) - len(missed)} of {len(own)}", ", ".join(missed) or _NONE))
    yield from _rows(("asked", "cells that reach it", "cells that do not"), rows)
    if missing:
        listed = ", ".join(f"{name} {count}" for name, count in missing.items())
        yield f"**Not complete**: {sum(missing.values())} shifts have not been run ({listed}).\n"


def _table(book: Book) -> Iterator[str]:
    yield (
        "Busy share in %, mean over the seeds ± standard error. *May be*: how far below the floor the mean may lie by "
        "the rule below (How to read it). *Worst*: the shift that abandoned most.\n"
    )
    rows = []
    for (agents, p), page in PAGE.items():
        cell = next(c for c in CELLS.values() if c.kind == "table" and (c.agents, c.p) == (agents, p))
        own = book.get(cell.name, "predictive")
        if own is None:
            rows.append((agents, p, page[4], page[5], *[_NONE] * 9))
            continue
        met = "yes" if own.busy >= page[4] else "within" if own.busy >= page[4] - slack(cell, own.busy_se) else "**no**"
        rows.append(
            (
                agents, p, page[4], page[5], f"{own.busy:.2f} ± {own.busy_se:.2f}", f"{own.busy - page[4]:+.2f}",
                f"-{slack(cell, own.busy_se):.2f}", met, f"{own.busy - page[5]:+.2f}", own.seeds,
                f"{own.abandoned:.2f}", _worst(own), f"{own.hung_up:.1f}",
            )
        )  # fmt: skip
    head = (
        "agents", "p", "floor", "aim", "predictive", "to floor", "may be", "met", "to aim", "seeds", "abandoned %",
        "worst %", "hung up %",
    )  # fmt: skip
    yield from _rows(head, rows)


def _worst(own: Figures) -> str:
    return f"**{own.worst_shift:.2f}** ({own.above})" if own.above else f"{own.worst_shift:.2f}"


def _beside(book: Book) -> Iterator[str]:
    yield "Busy share in % / abandoned in % (seeds); bold is the best.\n"
    policies: tuple[Policy, ...] = ("predictive", *BASELINES)
    rows = []
    for cell in _cells("table"):
        found = {policy: book.get(cell.name, policy) for policy in policies}
        best = max((f.busy for f in found.values() if f is not None), default=0.0)
        rows.append((cell.name, *[_busy(f, best) for f in found.values()]))
    yield from _rows(("agents/p", *(NAMES[p] for p in policies)), rows)
    yield "Dials per answer / connected calls per agent-hour.\n"
    rows = [(cell.name, *[_spent(book.get(cell.name, policy)) for policy in policies]) for cell in _cells("table")]
    yield from _rows(("agents/p", *(NAMES[p] for p in policies)), rows)


def _ahead(book: Book) -> Iterator[str]:
    rows, led, measured = [], 0, 0
    over: dict[str, list[float]] = {}
    for cell in CELLS.values():
        own, others = book.get(cell.name, "predictive"), rivals(cell, book)
        if own is None or not others:
            continue
        lawful = {policy: other for policy, other in others.items() if other.lawful}
        measured += 1
        led += all(other.busy < own.busy for other in lawful.values())
        best = next(iter(lawful), None)
        out = []
        for policy, other in others.items():
            if not other.lawful:
                busier = other.busy >= own.busy
                if busier:
                    over.setdefault(cell.name, []).append(other.abandoned)
                busy = f"**{other.busy:.2f}**" if busier else f"{other.busy:.2f}"
                out.append(f"{NAMES[policy]} {busy} / {other.abandoned:.2f}")
        first = [_NONE] * 4
        if best is not None:
            by, se = ahead_by(own, lawful[best])
            told = f"{lawful[best].busy:.2f} / {lawful[best].abandoned:.2f}"
            first = [NAMES[best], told, f"{own.busy - lawful[best].busy:+.2f}", f"{by:+.2f} ± {se:.2f}"]
        rows.append((cell.name, f"{own.busy:.2f} / {own.abandoned:.2f}", *first, ", ".join(out) or _NONE))
    yield (
        f"Of {', '.join(NAMES[p] for p in RIVALS)}: **ahead of every lawful baseline in {led} of {measured} cells**; "
        f"{_over(over)}. Busy share in % / abandoned in %; *same seeds*: the difference shift by shift on the seeds "
        "that both dialed, ± its standard error; bold: busier than ours.\n"
    )
    head = ("cell", "predictive", "busiest lawful", "its busy / abandoned", "ahead by", "same seeds", "not lawful here")
    yield from _rows(head, rows)


def _over(cells: Mapping[str, Sequence[float]]) -> str:
    if not cells:
        return "in none of them was a baseline busier by abandoning more than the limit"
    rates = [rate for each in cells.values() for rate in each]
    return (
        f"in {len(cells)} of them a baseline was busier by abandoning {min(rates):.1f} to {max(rates):.1f} % "
        f"({', '.join(cells)}), which is out of competition"
    )


def _busy(figures: Figures | None, best: float) -> str:
    if figures is None:
        return _NONE
    busy = f"**{figures.busy:.1f}**" if figures.busy == best else f"{figures.busy:.1f}"
    return f"{busy} / {figures.abandoned:.2f} ({figures.seeds})"


def _spent(figures: Figures | None) -> str:
    return _NONE if figures is None else f"{figures.dials_per_answer:.2f} / {figures.connected_per_hour:.2f}"


def _hard(book: Book) -> Iterator[str]:
    for kind in HARD_KINDS:
        cells = _cells(kind)
        yield f"### {kind}: {cells[0].title}{' and the like' if kind == 'doubles' else ''}\n"
        rows = []
        for cell in cells:
            policies: tuple[Policy, ...] = ("predictive", "predictive_known", *BASELINES)
            for policy in policies:
                own = book.get(cell.name, policy)
                if own is not None:
                    rows.append((cell.name.split("/", 1)[1], NAMES[policy], *_hard_row(cell, policy, own)))
        if not rows:
            yield "Not measured yet.\n"
            continue
        head = ["agents", "rule", "busy %", "abandoned %", "worst shift % (above)", "dials/answer", "calls/agent-h"]
        if "changes" in cells[0].scenario:
            head += ["5 min after %", "best known %", "back after", "running +30 min"]
        yield from _rows(head, rows)
    yield "### cold start: the first half hour, pooled, %\n"
    rows = []
    for agents in (10, 20, 100):
        for p in (".15", ".3", ".5"):
            own = book.get(f"{agents}/{p}", "predictive")
            other = book.get(f"{agents}/{p}", "mean_matching")
            best = {10: "3.4", 20: "4.8", 100: "5.3"}[agents] if p == ".3" else _NONE
            rows.append(
                (
                    f"{agents}/{p}",
                    _NONE if own is None else f"{own.first_30min:.2f}",
                    best,
                    _NONE if other is None else f"{other.first_30min:.2f}",
                )
            )
    yield from _rows(("agents/p", "predictive", "best known", "mean matching"), rows)


def _hard_row(cell: Cell, policy: Policy, own: Figures) -> Iterator[str]:
    yield f"{own.busy:.2f} ± {own.busy_se:.2f} ({own.seeds})"
    yield f"{own.abandoned:.2f}"
    yield f"{own.worst_shift:.2f} ({own.above})"
    yield f"{own.dials_per_answer:.2f}"
    yield f"{own.connected_per_hour:.2f}"
    if own.change is None:
        return
    best = BURSTS.get(cell.name)
    yield f"{own.change.burst:.2f}"
    yield _NONE if best is None or policy != "predictive" else f"{best:.1f}"
    yield _NONE if own.change.back_after_min is None else f"{own.change.back_after_min} min"
    yield f"{own.change.running_at_30:.2f} ({own.change.shifts_above_at_30} above)"


def _speed(book: Book) -> Iterator[str]:
    own = book.get("100/.3", "predictive")
    if own is not None:
        yield f"- an 8-hour shift of 100 agents simulates in {own.cpu_s:.0f} s of CPU (at most 120, aim 60)"


def _tuned(choices: Choices) -> Iterator[str]:
    rows = []
    for cell in _cells("table"):
        row = [cell.name]
        for policy in TUNED:
            choice = choices.get((cell.name, policy))
            if choice is None or choice.options is None:
                row.append(_NONE)
                continue
            options = ", ".join(f"{key} {value}" for key, value in choice.options.items()) or "out of the box"
            row.append(f"{options} ({100 * choice.busy:.1f} / {100 * choice.rate:.2f} %)")
        rows.append(row)
    yield "In brackets what the tuning seeds gave: busy share / abandoned.\n"
    yield from _rows(("agents/p", *(NAMES[p] for p in TUNED)), rows)


def _cells(kind: str) -> list[Cell]:
    return [cell for cell in CELLS.values() if cell.kind == kind]


def _rows(head: Sequence[object], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(str(each) for each in head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(each) for each in row) + " |"
    yield ""


_READ: Final = f"""## How to read it

- **Seeds**: judged are seeds 101, 102, …; baselines get the first ones of the same list (8 up to 20 agents, 4 up to
  100, 2 at 300), and dial the same people. They are tuned on seeds 9001, … (3 up to 10 agents, 2 at 20, 1 above), in
  the table's cell with the same agents and answer rate.
- **Where the goals come from**: they are our own. The table of cells (`bench/pacing/cells.py`) holds what an
  independent simulator reached in the same cells, sampling error about 0.4 points.
- **Floor**: its column *learnt + hang-up*: a rule that learns all it knows. The mean may lie below it by 0.5 points
  (1.0 at 5 agents) plus two standard errors of both sides, √(s.e.² + 0.4²), 0.4 being the table's own. *yes*: not below
  at all, *within*: below, but no further than that.
- **Aim**: the same distance, from the table's column *known + hang-up*: a rule that is told the rates beforehand.
- **Limit**: no single shift above 3.00 %, exactly.
- **Baselines' settings**: VICIdial: the best busy share among 22 to 26 settings that keep 3 % on the tuning seeds;
  where none does, the one that abandons least. Mean matching and the fixed ratio: the largest value that keeps 3 %
  there; where none does, the smallest there is (a factor of 0.05; one line an agent, which is 1:1). The table above
  says what each came to. Hard cases get the settings of the table's cell, made for the day before: there all of them
  may break the limit, and none is made anew.
- **Lawful**: what a baseline abandoned in this very cell, pooled over its shifts, is at most 3.00 %, or above it by no
  more than its standard error. One that abandoned more is out of competition in that cell, because nobody may dial so:
  anybody's agents are busier if one customer in ten is left alone. This is generous to the baselines: of *predictive*
  no single shift may be above 3.00 %. All their figures are printed, lawful or not.
- **Ahead**: mean busy share, over all seeds of each, above that of each of these three that is lawful in the cell.
  *Busier …, lawful or not* is wished for, and names the cells where one was busier by abandoning more.
- **1:1** abandons nobody and is no rival: predictive dialing falls back to it. It is the best there is where a list
  ends before the shift does even so (list-runs-out), and predictive dials like it there.
- **Dials per answer** at most 10 % more than mean matching's, **connected calls per agent-hour** at most 10 % fewer.
- **Burst**: abandoned ÷ answered in the 300 s after the change, pooled over the seeds; better than the best known, the
  aim is below {BURST_AIM:g} %.
- **Back within 30 minutes**: like the burst, five minutes pooled over the seeds: some that end by then are at 3 % or
  less. An aim beyond it: the rate since the shift's start is at 3 % or less 30 minutes after the change. A rule that
  uses its budget stands close below 3 % before, so that only the rest of the shift can pay for a burst.
- **Cold start**: pooled over the table's own shifts.
- **A decision's cost**: CPU time of `Pool.decide` inside a simulated shift after its first ten minutes, the median;
  the mean has the estimators' regular renewal in it.
"""
