"""The benchmark's pictures, small enough to be committed.

Owns the drawing. Computes nothing but pooled five-minute rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.pacing.cache import Shift
from bench.pacing.cells import CELLS, CHANGE_HOUR, PAGE, Policy, short_p
from bench.pacing.judge import FIVE, Book, pooled

COLOURS: Final[Mapping[Policy, str]] = {
    "predictive": "#2b6cb0",
    "predictive_known": "#63b3ed",
    "mean_matching": "#dd6b20",
    "vicidial": "#c53030",
    "ratio": "#805ad5",
    "progressive": "#718096",
}
NAMES: Final[Mapping[Policy, str]] = {
    "predictive": "predictive",
    "predictive_known": "predictive, leads known",
    "mean_matching": "mean matching",
    "vicidial": "VICIdial, best setting",
    "ratio": "best fixed ratio",
    "progressive": "1:1",
}

_BURST: Final[tuple[Policy, ...]] = ("vicidial", "mean_matching", "predictive")


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "dialer"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    return pyplot


def _save(figure: Any, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None})
    _pyplot().close(figure)


def busy(book: Book, file: Path) -> None:
    """Busy share by team size, one panel for each answer rate."""
    pyplot = _pyplot()
    rates = sorted({p for _, p in PAGE})
    teams = sorted({agents for agents, _ in PAGE})
    figure, panels = pyplot.subplots(1, len(rates), figsize=(12, 4.6), sharey=True, constrained_layout=True)
    for panel, p in zip(panels, rates, strict=True):
        at = range(len(teams))
        panel.plot(at, [PAGE[n, p][4] for n in teams], "_", color="black", ms=18, mew=1.5, label="floor")
        panel.plot(at, [PAGE[n, p][5] for n in teams], "_", color="#38a169", ms=18, mew=1.5, label="aim")
        for policy, colour in COLOURS.items():
            rows = [(i, book.get(f"{n}/{short_p(p)}", policy)) for i, n in enumerate(teams)]
            points = [(i, row.busy, row.busy_se) for i, row in rows if row is not None]
            if points:
                x, y, e = zip(*points, strict=True)
                panel.errorbar(x, y, yerr=e, color=colour, marker="o", ms=4, lw=1.2, capsize=2, label=NAMES[policy])
        panel.set_xticks(list(at), [str(n) for n in teams])
        panel.set_title(f"{p:.0%} of dials answered")
        panel.set_xlabel("agents")
        panel.grid(axis="y", color="#dddddd", lw=0.5)
    panels[0].set_ylabel("talk and wrap-up, % of logged-in time")
    panels[-1].legend(loc="lower right", fontsize=8, frameon=False)
    _save(figure, file)


def timeline(shift: Shift, title: str, file: Path) -> None:
    """One shift: agents busy, calls ringing, abandoned."""
    pyplot = _pyplot()
    series = shift["series"]
    hours = [at / 3600.0 for at in series["at_s"]]
    figure, (top, middle, bottom) = pyplot.subplots(3, 1, figsize=(11, 7), sharex=True, constrained_layout=True)
    top.plot(hours, series["logged_in"], color="#888888", lw=1, label="logged in")
    top.fill_between(hours, series["busy"], color=COLOURS["predictive"], alpha=0.4, lw=0, label="talk and wrap-up")
    top.set_ylabel("agents busy")
    middle.plot(hours, series["ringing"], color="#dd6b20", lw=0.8)
    middle.set_ylabel("calls ringing")
    total = [100.0 * a / max(1, n) for a, n in zip(series["abandoned"], series["answered"], strict=True)]
    minutes = range(1, len(hours) + 1)
    five = [100.0 * lost / max(1, n) for lost, n in (pooled([shift], max(0, m - FIVE), m) for m in minutes)]
    bottom.plot(hours, five, color="#c53030", lw=0.8, alpha=0.6, label="last 5 minutes")
    bottom.plot(hours, total, color="#c53030", lw=1.6, label="since the start")
    bottom.axhline(3.0, color="#444444", lw=0.8, ls="--", label="limit")
    bottom.set_ylabel("abandoned, % of answers")
    bottom.set_xlabel("hours")
    for panel in (top, middle, bottom):
        panel.set_ylim(bottom=0)
        panel.margins(x=0)
        panel.grid(color="#dddddd", lw=0.5)
    top.legend(loc="lower left", fontsize=8, frameon=False)
    bottom.legend(loc="upper right", fontsize=8, frameon=False)
    top.set_title(title)
    _save(figure, file)


def burst(shifts: Mapping[tuple[str, Policy], Sequence[Shift]], file: Path) -> None:
    """The five-minute abandon rate around the moment when the answer rate doubles, pooled over the seeds."""
    pyplot = _pyplot()
    names = [name for name, cell in CELLS.items() if cell.kind == "doubles"]
    names.sort(key=lambda name: (CELLS[name].p, CELLS[name].agents))
    figure, panels = pyplot.subplots(2, len(names) // 2, figsize=(12, 6.5), sharex=True, constrained_layout=True)
    at = int(60 * CHANGE_HOUR)
    minutes = range(-30, 61)
    for panel, name in zip(panels.flat, names, strict=True):
        for policy in _BURST:
            if not (own := shifts.get((name, policy), ())):
                continue
            rates = [100.0 * lost / max(1, n) for lost, n in (pooled(own, at + m - FIVE, at + m) for m in minutes)]
            panel.plot(minutes, rates, color=COLOURS[policy], lw=1.3, label=f"{NAMES[policy]} ({len(own)} shifts)")
        panel.axhline(3.0, color="#444444", lw=0.8, ls="--")
        panel.axvline(0.0, color="#444444", lw=0.6)
        panel.set_title(f"{CELLS[name].agents} agents, {CELLS[name].p:.0%} → {2 * CELLS[name].p:.0%}", fontsize=10)
        panel.set_ylim(bottom=0)
        panel.grid(color="#dddddd", lw=0.5)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="upper right", fontsize=7, frameon=False)
    for panel in panels[-1]:
        panel.set_xlabel("minutes from the change")
    for row in panels:
        row[0].set_ylabel("abandoned in 5 minutes, %")
    _save(figure, file)
