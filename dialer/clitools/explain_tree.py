"""The commands of ``dialer explain``: names, flags, help.

Owns what can be typed, as ``tree`` does for the rest. Each command hands over to a module that does the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dialer.clitools.flags import Config, where_of

explain_app = typer.Typer(help="Why the running service does what it does.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
At = Annotated[str, typer.Option("--at", metavar="TIME", help="Judge as of then, such as 2026-11-26T14:30")]
OfCampaign = Annotated[str, typer.Option("--campaign", metavar="NAME", help="Whose call they answer")]
Snapshot = Annotated[
    Path | None, typer.Option("--snapshot", metavar="FILE", help="A saved /v1/routing, not the running floor")
]


@explain_app.command("pacing")
def pacing(
    ctx: typer.Context,
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say what a campaign's last pacing decision stood on: agents, calls, what was learnt, budgets."""
    from dialer.clitools import explain, running

    explain.pacing(running.service(where_of(ctx, config)), campaign, as_json=as_json)


@explain_app.command("call")
def call(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="ATTEMPT|NUMBER", help="An id, its beginning, or a number as +49…")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="At most so many calls to a number")] = 1,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say what became of a call, step by step: who answered and how that was heard, its end, its recordings."""
    from dialer.clitools import explain_call

    explain_call.call(where_of(ctx, config), which, limit, as_json=as_json)


@explain_app.command("route")
def route(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER")],
    campaign: OfCampaign = "",
    at: At = "",
    snapshot: Snapshot = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say who would get this customer now and why, and who would not and why."""
    from dialer.clitools import explain_route

    asked = explain_route.Question(number, campaign, at, snapshot)
    explain_route.route(where_of(ctx, config), asked, as_json=as_json)
