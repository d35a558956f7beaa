"""The lab's part of docs/hearing.md.

Owns the tables and their words; the rest of the page is written by hand and left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bench.hearing.acoustics import NOISES
from bench.hearing.judge import Score, upper_bound

BEGIN: Final = "<!-- lab: written by make bench-hearing -->"
END: Final = "<!-- /lab -->"


def write(page: Path, body: str) -> None:
    """Put ``body`` between the marks of ``page``."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    page.write_text(f"{before}{BEGIN}\n{body.strip()}\n{END}{after}", encoding="utf-8")


def body(
    runs: Mapping[str, Score], detail: Score, early: Counter[tuple[str, str]], costs: Mapping[str, float], cases: int
) -> str:
    """All tables."""
    return "\n\n".join(
        [_confusion(runs, cases), _delays(runs), _by_noise(detail), _beeps(detail), _early(early), _costs(costs)]
    )


def _confusion(runs: Mapping[str, Score], cases: int) -> str:
    lines = [
        f"{cases} people and {cases} machines for each row pair.",
        "",
        "| corpus, setting | who answered | called human | unsure (to an agent) | called machine |",
        "|---|---|---|---|---|",
    ]
    for name, score in runs.items():
        for machine in (False, True):
            total = sum(count for (is_machine, _), count in score.table.items() if is_machine is machine)
            cells = [f"{score.share(machine, verdict):.1%}" for verdict in ("human", "unsure", "machine")]
            if not machine:
                hits = score.table[False, "machine"]
                cells[2] = f"**{hits / total:.2%}** ({hits} of {total}; 95 % bound {upper_bound(hits, total):.2%})"
            lines.append(f"| {name} | {'machine' if machine else 'person'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _delays(runs: Mapping[str, Score]) -> str:
    lines = [
        "Verdict after the end of a person's greeting (before it, when the person paused or the greeting was long):",
        "",
        "| corpus, setting | median | 90 % | 95 % | within 0.4 s | latest verdict after the answer |",
        "|---|---|---|---|---|---|",
    ]
    for name, score in runs.items():
        delays = np.asarray(score.delays)
        p50, p90, p95 = np.percentile(delays, [50, 90, 95])
        quick = f"{(delays <= 0.4).mean():.1%}"
        lines.append(f"| {name} | {p50:.2f} s | {p90:.2f} s | {p95:.2f} s | {quick} | {score.latest:.2f} s |")
    return "\n".join(lines)


def _by_noise(score: Score) -> str:
    lines = [
        "The judging corpus by what else is on the line (noise 10 to 28 dB below the words):",
        "",
        "| noise | people called machine | verdict within 0.4 s | machines called machine |",
        "|---|---|---|---|",
    ]
    for noise in dict.fromkeys(NOISES):
        people = sum(n for (kind, machine, _), n in score.by_noise.items() if kind == noise and not machine)
        machines = sum(n for (kind, machine, _), n in score.by_noise.items() if kind == noise and machine)
        if people and machines:
            wrong = score.by_noise[noise, False, "machine"]
            right = score.by_noise[noise, True, "machine"] / machines
            quick = score.quick_by_noise[noise, True] / people
            lines.append(f"| {noise} | {wrong} of {people} | {quick:.0%} | {right:.0%} |")
    return "\n".join(lines)


def _beeps(score: Score) -> str:
    total = score.beeps["heard"] + score.beeps["missed"]
    return (
        f"Beeps (440 to 1700 Hz, 0.18 to 0.9 s) after a machine was recognised: {score.beeps['heard']} of {total} "
        f"heard within 0.15 s of their end; {score.beeps['elsewhere']} more heard where there was none."
    )


def _early(table: Counter[tuple[str, str]]) -> str:
    heard = ["dead_number", "switched_off", "busy", "congestion", "unknown", "nothing"]
    lines = [
        "While it rings (rows: what was played; columns: what was judged):",
        "",
        f"| played | {' | '.join(heard)} |",
        f"|---|{'---|' * len(heard)}",
    ]
    for played in dict.fromkeys(played for played, _ in table):
        cells = [str(table[played, one] or "") for one in heard]
        name = f"taught: {played}" if played in heard else played
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _costs(costs: Mapping[str, float]) -> str:
    words = "; ".join(f"{name} {value:.0f} µs" for name, value in costs.items())
    return f"Cost of a frame of 20 ms on the lab's machine, one core: {words}."
