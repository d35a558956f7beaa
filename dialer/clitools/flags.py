"""Flags that many commands share, and what they say together about the configuration.

Owns their names and help. Must do no work.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.clitools.options import parse_duration

if TYPE_CHECKING:
    from dialer.clitools.running import Where

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration [default: $DIALER_CONFIG, ./dialer.yaml, /etc/dialer/dialer.yaml]",
    ),
]


class Seconds:
    """A duration on the command line, in seconds."""

    def __init__(self, text: str) -> None:
        try:
            self.value = parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error


def where_of(ctx: typer.Context, config: Path | None, settings: list[str] | None = None) -> Where:
    """What the flags before and after the command's name say together; those after it win."""
    where: Where = ctx.obj
    return replace(where, config=config or where.config, settings=tuple(settings or ()))
