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
At = Annotated[
    str, typer.Option("--at", metavar="TIME", help="Judge as of then; UTC unless it says: 2026-11-26T14:30+01:00")
]
OfNumber = Annotated[
    str, typer.Option("--did", metavar="OURS", help="They call this number of ours, instead of answering a call")
]
OfQueue = Annotated[str, typer.Option("--queue", metavar="NAME", help="With --did: the one chosen in the menu")]
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


@explain_app.command("callback")
def callback(
    ctx: typer.Context,
    ident: Annotated[int, typer.Argument(metavar="ID", min=1)],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say when a callback is due, who may do it, and why it is not dialed now."""
    from dialer.clitools import callbacks, running

    callbacks.explain(running.service(where_of(ctx, config)), ident, as_json=as_json)


@explain_app.command("route")
def route(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER")],
    did: OfNumber = "",
    campaign: OfCampaign = "",
    queue: OfQueue = "",
    at: At = "",
    snapshot: Snapshot = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say who would get this customer, whom we called or who calls us (--did), and why, and why nobody else."""
    from dialer.clitools import explain_caller, explain_route
    from dialer.clitools.options import EXIT_USAGE, CliError

    if did and campaign:
        raise CliError("--did and --campaign: expected one of them: a call comes in, or a campaign made it", EXIT_USAGE)
    if queue and not did:
        raise CliError("--queue: expected --did with it, only callers choose in a menu", EXIT_USAGE)
    asked = explain_route.Question(number, campaign, at, did, queue, snapshot)
    explain = explain_caller.caller if did else explain_route.route
    explain(where_of(ctx, config), asked, as_json=as_json)


@explain_app.command("trunk")
def trunk(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="With its country code, or with --region")],
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="NAME", help="Whose lines [default: all there are]")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="By the prices and rests of then; UTC unless it says")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="US", help="Where a number without a country code is")
    ] = None,
    snapshot: Annotated[
        Path | None,
        typer.Option("--snapshot", metavar="FILE", help="On a saved answer of /v1/trunks, without the service"),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say which line out a call would take, as which number and at what price, and why no other."""
    from dialer.clitools import explain_trunk

    explain_trunk.trunk(where_of(ctx, config), number, campaign, at, region, snapshot, as_json=as_json)
