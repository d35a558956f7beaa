"""How commands show things: tables, plain lines, errors.

Owns the two consoles and the cleaning of text that came from elsewhere. Must not decide what is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 240


def printable(text: object) -> str:
    """``text`` with control characters escaped: nothing that we print may steer a terminal."""
    raw = str(text)
    if raw.isprintable():
        return raw
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in raw)


def console(*, error: bool = False) -> Console:
    """A console on stdout or stderr. Into a pipe it neither colours nor cuts."""
    stream = sys.stderr if error else sys.stdout
    terminal = stream.isatty()
    return Console(file=stream, width=None if terminal else _PIPE_WIDTH, highlight=False, markup=False, emoji=False)


def say(text: object) -> None:
    """One line to stdout, as it is but for control characters."""
    print(printable(text))


def complain(text: object) -> None:
    """One line (or several) to stderr."""
    for line in str(text).splitlines() or [""]:
        print(printable(line), file=sys.stderr)


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout. ``columns`` are (heading, ``left`` or ``right``)."""
    grid = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for heading, side in columns:
        grid.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(printable(cell)) for cell in row))
    console().print(grid)


def stamp(at: float | None) -> str:
    """A time (UTC epoch seconds) as ``2026-09-21 14:13:20Z``; empty for None."""
    if at is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (ValueError, OverflowError, OSError):
        return "out of range"


def duration(seconds: float) -> str:
    """``0:42``, ``12:05`` or ``3:07:09``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
