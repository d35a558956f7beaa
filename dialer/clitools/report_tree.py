"""The commands of ``dialer report``: names, flags, help.

Owns what can be typed, as ``tree`` does for the rest. Each command hands over to a module that does the work.
"""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.clitools.flags import Config, Seconds, where_of

report_app = typer.Typer(help="What happened, in tables, from the records.", no_args_is_help=True)


@report_app.command("tiers")
def tiers(
    ctx: typer.Context,
    day: Annotated[
        str | None, typer.Option("--day", metavar="2026-11-26", help="That day, UTC [default: today]")
    ] = None,
    since: Annotated[
        Seconds | None,
        typer.Option("--since", metavar="DURATION", parser=Seconds, help="Instead: how far back, e.g. 24h"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
    config: Config = None,
) -> None:
    """Show who was offered to agents, connected and lost, by the customer's tier and direction."""
    from dialer.clitools import reports

    reports.tiers(where_of(ctx, config), day, since.value if since else None, as_json=as_json)
