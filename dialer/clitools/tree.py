"""The commands of ``dialer``: their names, flags and help.

Owns what can be typed. Each command hands over to a module that does the work and is imported only then.
Raises CliError and typer's exits; ``dialer.cli`` turns both into exit codes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.clitools import desk_tree
from dialer.clitools.explain_tree import explain_app
from dialer.clitools.flags import Config
from dialer.clitools.flags import Seconds as _Seconds
from dialer.clitools.flags import where_of as _where
from dialer.clitools.hearing import hearing_app
from dialer.clitools.numbers import numbers_app
from dialer.clitools.options import RunOptions
from dialer.clitools.report_tree import report_app

if TYPE_CHECKING:
    from dialer.clitools.service import Service

app = typer.Typer(
    name="dialer",
    help="A predictive dialer service for call centres, driving FreeSWITCH.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
leads_app = typer.Typer(help="Lead lists and numbers that must not be called.", no_args_is_help=True)
dnc_app = typer.Typer(help="Numbers that must not be called.", no_args_is_help=True)
agents_app = typer.Typer(help="Agents of the running service.", no_args_is_help=True)
campaigns_app = typer.Typer(help="Campaigns of the running service.", no_args_is_help=True)
freeswitch_app = typer.Typer(help="FreeSWITCH's side of the configuration.", no_args_is_help=True)
app.add_typer(leads_app, name="leads")
leads_app.add_typer(dnc_app, name="dnc")
app.add_typer(agents_app, name="agents")
app.add_typer(campaigns_app, name="campaigns")
app.add_typer(explain_app, name="explain")
app.add_typer(report_app, name="report")
app.add_typer(freeswitch_app, name="freeswitch")
app.add_typer(hearing_app, name="hearing")
app.add_typer(numbers_app, name="numbers")
desk_tree.add_to(app, agents_app)

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override one value, e.g. http.port=0 (repeatable)"),
]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Ask the service at this address, without a configuration")
]
TokenFile = Annotated[Path | None, typer.Option("--token-file", metavar="FILE", help="The service's token, for --url")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="AGENT...", show_default=False)]
Names = Annotated[list[str] | None, typer.Argument(metavar="CAMPAIGN...", show_default=False)]
One = Annotated[str, typer.Argument(metavar="AGENT")]
Everyone = Annotated[bool, typer.Option("--all", help="All of them")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON")]


@app.callback()
def main(ctx: typer.Context, config: Config = None, url: Url = None, token_file: TokenFile = None) -> None:
    """A predictive dialer service for call centres, driving FreeSWITCH."""
    from dialer.clitools.running import Where

    ctx.obj = Where(config=config, url=url, token_file=token_file)


def _service(ctx: typer.Context, config: Path | None) -> Service:
    from dialer.clitools import running

    return running.service(_where(ctx, config))


@app.command()
def run(
    ctx: typer.Context,
    config: Config = None,
    for_: Annotated[
        _Seconds | None,
        typer.Option("--for", metavar="DURATION", parser=_Seconds, help="End the shift after this, e.g. 60s or 8h"),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", metavar="FILE", help="Write the shift's summary here, as JSON"),
    ] = None,
    drain: Annotated[
        _Seconds | None,
        typer.Option(
            "--drain",
            metavar="DURATION",
            parser=_Seconds,
            help="How long calls may take to end by themselves [default: drain_seconds of the configuration]",
        ),
    ] = None,
    top: Annotated[
        bool | None, typer.Option("--top/--no-top", help="Show the live view [default: on a terminal]")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget all leads and attempts of earlier runs (embedded switch only)")
    ] = False,
    switch: Annotated[
        str | None,
        typer.Option("--switch", metavar="embedded|HOST:PORT", help="Dial through this switch instead"),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", hidden=True, help="Write what the engine hears and decides here"),
    ] = None,
    settings: Settings = None,
) -> None:
    """Run the service: dial, until told to stop (Ctrl-C or SIGTERM drains; a second one ends at once)."""
    from dialer.clitools import running

    options = RunOptions(
        for_s=for_.value if for_ else None,
        summary=summary,
        drain_s=drain.value if drain else None,
        top=top,
        fresh=fresh,
        switch=switch,
        record=record,
    )
    raise typer.Exit(running.run(_where(ctx, config, settings), options))


@app.command()
def check(ctx: typer.Context, config: Config = None, settings: Settings = None) -> None:
    """Check the configuration: every fault on a line of its own, exit code 78 when there are any."""
    from dialer.clitools import running

    raise typer.Exit(running.check(_where(ctx, config, settings)))


@app.command()
def top(
    ctx: typer.Context,
    config: Config = None,
    once: Annotated[bool, typer.Option("--once", help="Print one frame as plain text and end")] = False,
    every: Annotated[float, typer.Option("--every", min=0.2, max=60.0, help="Seconds between frames")] = 1.0,
    limit: Annotated[
        float,
        typer.Option("--abandon-limit", min=0.0, max=100.0, help="Percent of answers that may be abandoned"),
    ] = 3.0,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Watch the running service: agents, calls, answers, abandoned ones, the last decision and its reason."""
    from dialer import top as view
    from dialer.clitools import running

    settings = view.Settings(every_s=every, abandon_limit=limit / 100.0, attached=attached)
    where = _where(ctx, config)
    find = running.locator(replace(where, url=url or where.url, token_file=token_file or where.token_file))
    raise typer.Exit(view.once(find, settings) if once else view.watch(find, settings))


@app.command()
def simulate(
    ctx: typer.Context,
    scenarios: Annotated[
        list[Path] | None, typer.Argument(metavar="SCENARIO.yaml...", show_default=False, help="Shifts to simulate")
    ] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seed", metavar="N", min=0, max=2**63 - 1, help="Chance's seed (repeatable) [default: 1]"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as a JSON object; of several shifts, a list of them")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw agents, ringing calls and abandon rate: FILE.png or .svg"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=256, help="Processes at a time [default: one a processor]")
    ] = None,
    from_campaign: Annotated[
        str | None,
        typer.Option("--from-campaign", metavar="NAME", help="Build the scenario from this campaign's own history"),
    ] = None,
    since: Annotated[
        _Seconds | None,
        typer.Option("--since", metavar="DURATION", parser=_Seconds, help="How far back to look [default: 30d]"),
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep the scenario that was built here")
    ] = None,
    config: Config = None,
) -> None:
    """Simulate whole shifts with the production engine on a virtual clock."""
    from dialer.clitools import simulate as planner

    options = planner.SimulateOptions(
        scenarios=tuple(scenarios or ()),
        seeds=tuple(dict.fromkeys(seeds or (1,))),
        as_json=as_json,
        plot=plot,
        jobs=jobs,
        from_campaign=from_campaign,
        since_s=since.value if since else 30 * 86_400.0,
        save=save,
    )
    raise typer.Exit(planner.simulate(_where(ctx, config), options))


@app.command()
def version() -> None:
    """Print the version."""
    import platform

    from dialer import __version__

    typer.echo(f"dialer {__version__} (Python {platform.python_version()})")


@leads_app.command("import")
def leads_import(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header line; the column phone is required")],
    list_: Annotated[str, typer.Option("--list", metavar="NAME", help="The list that the leads go to")],
    region: Annotated[
        str | None, typer.Option("--region", metavar="US", help="Where numbers without a country code are")
    ] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="The file's encoding [default: found out]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report, but store nothing")] = False,
    config: Config = None,
) -> None:
    """Import a lead list; rows that cannot be used are reported with their line, the others are imported."""
    from dialer.clitools import leads

    raise typer.Exit(leads.import_file(_where(ctx, config), file, list_, region, encoding, dry_run=dry_run))


@dnc_app.command("add")
def dnc_add(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="With its country code, or with --region")],
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="Only for this campaign [default: for all]")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", metavar="US", help="Where a number without a country code is")
    ] = None,
    config: Config = None,
) -> None:
    """Never call this number again."""
    from dialer.clitools import leads

    raise typer.Exit(leads.add_do_not_call(_where(ctx, config), number, campaign, region))


@agents_app.command("list")
def agents_list(ctx: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """List the agents and what they do."""
    from dialer.clitools import floor

    floor.list_agents(_service(ctx, config), as_json=as_json)


def _order_agents(
    ctx: typer.Context,
    config: Path | None,
    order: str,
    agents: list[str] | None,
    everyone: bool,
    body: dict[str, object] | None = None,
) -> None:
    from dialer.clitools import floor

    floor.need("agents", agents or [], everyone)
    raise typer.Exit(floor.order_agents(_service(ctx, config), order, agents or [], everyone, body))


@agents_app.command()
def login(
    ctx: typer.Context,
    agents: Ids = None,
    everyone: Everyone = False,
    seat: Annotated[str | None, typer.Option("--seat", help="Where the agent sits [default: the own seat]")] = None,
    config: Config = None,
) -> None:
    """Log agents in: their phones are rung and stay connected."""
    _order_agents(ctx, config, "login", agents, everyone, {"seat": seat} if seat is not None else None)


@agents_app.command()
def logout(ctx: typer.Context, agents: Ids = None, everyone: Everyone = False, config: Config = None) -> None:
    """Log agents out; a conversation is left to end by itself."""
    _order_agents(ctx, config, "logout", agents, everyone)


@agents_app.command()
def pause(
    ctx: typer.Context,
    agents: Ids = None,
    everyone: Everyone = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log and the reports")] = "",
    config: Config = None,
) -> None:
    """Give agents no further customers."""
    _order_agents(ctx, config, "pause", agents, everyone, {"reason": reason} if reason else None)


@agents_app.command()
def ready(ctx: typer.Context, agents: Ids = None, everyone: Everyone = False, config: Config = None) -> None:
    """Give agents customers; ends their wrap-up."""
    _order_agents(ctx, config, "ready", agents, everyone)


@agents_app.command()
def accept(ctx: typer.Context, agent: One, config: Config = None) -> None:
    """Call the lead that the agent is shown (preview)."""
    _order_agents(ctx, config, "accept", [agent], False)


@agents_app.command()
def skip(ctx: typer.Context, agent: One, config: Config = None) -> None:
    """Leave the lead that the agent is shown (preview)."""
    _order_agents(ctx, config, "skip", [agent], False)


@agents_app.command()
def dispose(
    ctx: typer.Context,
    agent: One,
    code: Annotated[str, typer.Argument(metavar="CODE", help="One of the campaign's dispositions")],
    note: Annotated[str, typer.Option("--note")] = "",
    config: Config = None,
) -> None:
    """Say how the agent's last call went."""
    _order_agents(ctx, config, "dispose", [agent], False, {"code": code, "note": note} if note else {"code": code})


@campaigns_app.command("list")
def campaigns_list(ctx: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """List the campaigns and how they do."""
    from dialer.clitools import floor

    floor.list_campaigns(_service(ctx, config), as_json=as_json)


def _order_campaigns(
    ctx: typer.Context, config: Path | None, order: str, campaigns: list[str] | None, everyone: bool
) -> None:
    from dialer.clitools import floor

    floor.need("campaigns", campaigns or [], everyone)
    raise typer.Exit(floor.order_campaigns(_service(ctx, config), order, campaigns or [], everyone))


@campaigns_app.command("start")
def campaigns_start(
    ctx: typer.Context, campaigns: Names = None, everyone: Everyone = False, config: Config = None
) -> None:
    """Start calls."""
    _order_campaigns(ctx, config, "start", campaigns, everyone)


@campaigns_app.command("pause")
def campaigns_pause(
    ctx: typer.Context, campaigns: Names = None, everyone: Everyone = False, config: Config = None
) -> None:
    """Start no calls, but keep the hopper."""
    _order_campaigns(ctx, config, "pause", campaigns, everyone)


@campaigns_app.command("stop")
def campaigns_stop(
    ctx: typer.Context, campaigns: Names = None, everyone: Everyone = False, config: Config = None
) -> None:
    """Start no calls, and give the hopper's leads back."""
    _order_campaigns(ctx, config, "stop", campaigns, everyone)


@freeswitch_app.command("render")
def freeswitch_render(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the XML goes")],
    node: Annotated[
        str | None, typer.Option("--node", metavar="NAME", help="Which switch, where there are several")
    ] = None,
    config: Config = None,
) -> None:
    """Write the XML that a FreeSWITCH needs for this configuration."""
    from dialer.clitools import running

    running.render(_where(ctx, config), out, node)


@freeswitch_app.command("sounds")
def freeswitch_sounds(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the recordings go")],
    config: Config = None,
) -> None:
    """Copy all spoken prompts, own ones in place of ours: for a switch on another host (prompts.switch_directory)."""
    from dialer.clitools import running

    running.sounds(_where(ctx, config), out)
