"""A picture of planned shifts: agents busy, calls ringing, abandon rate over time.

Owns the drawing. matplotlib comes with the extra ``plots`` and is imported here only; without it ``NoPictures`` says
how to get it. Draws what the series hold and computes nothing new but five-minute rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from dialer.simulate.tally import WINDOW_S, Series

KINDS: Final = (".png", ".svg")
MOST_CURVES: Final = 12
_BUSY, _RINGING, _RATE = "#2b6cb0", "#dd6b20", "#c53030"


class NoPictures(Exception):
    """matplotlib is not there. ``str`` says how to get it."""


def need_matplotlib() -> None:
    """Raises NoPictures before hours are spent on what cannot be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise NoPictures(
            "--plot draws with matplotlib, which is not installed; expected: pip install 'dialer[plots]'"
        ) from error


def draw(shifts: Sequence[tuple[str, float, Series]], file: Path) -> None:
    """Three panels of ``(title, abandon limit, series)``; a single shift fills them, several are laid over each other.

    Raises NoPictures, OSError.
    """
    need_matplotlib()
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "dialer"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(3, 1, figsize=(11, 8.5), sharex=True, constrained_layout=True)
    try:
        alone = len(shifts) == 1
        for title, _, series in shifts[:MOST_CURVES]:
            _curves(panels, title, series, alone=alone)
        busy, ringing, rate = panels
        busy.set_ylabel("agents busy")
        ringing.set_ylabel("calls ringing")
        rate.set_ylabel("abandoned, % of answers")
        rate.set_xlabel("hours")
        for limit in sorted({limit for _, limit, _ in shifts}):
            rate.axhline(100 * limit, color="#444444", linewidth=0.8, linestyle="--", label=f"limit {100 * limit:g} %")
        for panel in panels:
            panel.grid(visible=True, color="#dddddd", linewidth=0.5)
            panel.set_ylim(bottom=0)
            panel.margins(x=0)
            if panel.get_legend_handles_labels()[0]:
                panel.legend(loc="lower left" if panel is busy else "upper right", fontsize=8, frameon=False)
        busy.set_title(shifts[0][0] if alone else f"{min(len(shifts), MOST_CURVES)} of {len(shifts)} shifts")
        figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else None)
    finally:
        pyplot.close(figure)


def _curves(panels: Any, title: str, series: Series, *, alone: bool) -> None:
    busy, ringing, rate = panels
    hours = series.at_s / 3600.0
    five = _five_minute_rate(series)
    total = series.abandoned / np.maximum(1, series.answered)
    if alone:
        busy.plot(hours, series.logged_in, color="#888888", linewidth=1.0, label="logged in")
        busy.fill_between(hours, series.busy, color=_BUSY, alpha=0.35, linewidth=0, label="talk and wrap-up")
        ringing.plot(hours, series.ringing, color=_RINGING, linewidth=0.6, label="ringing")
        rate.plot(hours, 100 * five, color=_RATE, linewidth=0.6, alpha=0.6, label="last 5 minutes")
        rate.plot(hours, 100 * total, color=_RATE, linewidth=1.6, label="since the start")
    else:
        busy.plot(hours, _smooth(series.busy), linewidth=1.0, label=title)
        ringing.plot(hours, _smooth(series.ringing), linewidth=1.0)
        rate.plot(hours, 100 * total, linewidth=1.2)


def _five_minute_rate(series: Series) -> Any:
    """Of each moment, what was abandoned of the answers of the last five minutes."""
    before = np.searchsorted(series.at_s, series.at_s - WINDOW_S, side="right") - 1
    inside = before >= 0
    answered = series.answered - np.where(inside, series.answered[before], 0)
    abandoned = series.abandoned - np.where(inside, series.abandoned[before], 0)
    return abandoned / np.maximum(1, answered)


def _smooth(values: Any, steps: int = 30) -> Any:
    """A running mean of five minutes, so that several curves can be told apart."""
    kernel = np.ones(min(steps, max(1, len(values))))
    weight = np.convolve(np.ones(len(values)), kernel, mode="same")
    return np.convolve(values, kernel, mode="same") / weight
