"""Commands around PINs, acts, supervision, recordings, quality control and callbacks: names, flags, help.

Owns what can be typed, as ``tree`` does for the rest. Each command hands over to a module that does the work.
"""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.clitools.flags import Config, Seconds, where_of
from dialer.domain.acts import ACTS, SUPERVISOR_ACTS

recordings_app = typer.Typer(help="Recordings: what there is, checksums, retention.", no_args_is_help=True)
qc_app = typer.Typer(help="Quality control: samples, score cards.", no_args_is_help=True)
callbacks_app = typer.Typer(help="Customers who are to be called again.", no_args_is_help=True)

Agent = Annotated[str, typer.Argument(metavar="AGENT")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, but do nothing")]
OfCampaign = Annotated[str | None, typer.Option("--campaign", metavar="NAME")]
OfAgent = Annotated[str | None, typer.Option("--agent", metavar="AGENT")]


def add_to(app: typer.Typer, agents_app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    agents_app.command("set-pin")(set_pin)
    agents_app.command("unlock")(unlock)
    agents_app.command("act")(act)
    app.command("supervise")(supervise)
    app.add_typer(recordings_app, name="recordings")
    app.add_typer(qc_app, name="qc")
    app.add_typer(callbacks_app, name="callbacks")


# ---- PINs --------------------------------------------------------------------------------------------------


def set_pin(
    ctx: typer.Context,
    agent: Agent,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from the first line of standard input")] = False,
    generate: Annotated[bool, typer.Option("--generate", help="Make one up and print it, once")] = False,
    config: Config = None,
) -> None:
    """Set the PIN by which an agent logs in at a phone; asks for it twice. Ends a lock-out."""
    from dialer.clitools import pins

    pins.set_pin(where_of(ctx, config), agent, stdin=stdin, generate=generate)


def unlock(
    ctx: typer.Context,
    agents: Annotated[list[str], typer.Argument(metavar="AGENT...")],
    config: Config = None,
) -> None:
    """Let agents try their PIN again who were locked out after wrong ones."""
    from dialer.clitools import pins

    pins.unlock(where_of(ctx, config), agents)


# ---- what phones' keys do, without a phone -----------------------------------------------------------------


def act(
    ctx: typer.Context,
    agent: Agent,
    name: Annotated[str, typer.Argument(metavar="ACT", help=f"One of {', '.join(ACTS)}")],
    argument: Annotated[
        str, typer.Argument(metavar="ARGUMENT", help="What would be keyed in: a number, a reason, a code, a time")
    ] = "",
    config: Config = None,
) -> None:
    """Do what an agent could do by key: hold, transfer 1002, pause 1, dispose 2, …"""
    from dialer.clitools import floor, running

    raise typer.Exit(floor.act(running.service(where_of(ctx, config)), agent, name, argument))


def supervise(
    ctx: typer.Context,
    supervisor: Annotated[str, typer.Argument(metavar="SUPERVISOR", help="Whose line it is; rung when there is none")],
    name: Annotated[str, typer.Argument(metavar="ACT", help=f"One of {', '.join(SUPERVISOR_ACTS)}")],
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="[default: the one who is listened to]")] = "",
    config: Config = None,
) -> None:
    """Listen to an agent's calls, whisper, barge in, take the customer over, as a supervisor could by key."""
    from dialer.clitools import floor, running

    raise typer.Exit(floor.supervise(running.service(where_of(ctx, config)), supervisor, name, agent))


# ---- recordings --------------------------------------------------------------------------------------------


@recordings_app.command("list")
def recordings_list(
    ctx: typer.Context,
    campaign: OfCampaign = None,
    agent: OfAgent = None,
    state: Annotated[
        str | None, typer.Option("--state", help="written, indexed, damaged, missing, changed or deleted")
    ] = None,
    since: Annotated[
        Seconds | None, typer.Option("--since", metavar="DURATION", parser=Seconds, help="How far back, e.g. 8h or 7d")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List recordings, the newest first."""
    from dialer.clitools import recordings

    wanted = recordings.Wanted(campaign, agent, state, since.value if since else None, limit)
    recordings.show_list(where_of(ctx, config), wanted, as_json=as_json)


@recordings_app.command("show")
def recordings_show(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="ID|ATTEMPT")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show all that is known of a recording, or of all recordings of an attempt."""
    from dialer.clitools import recordings

    recordings.show(where_of(ctx, config), which, as_json=as_json)


@recordings_app.command("index")
def recordings_index(ctx: typer.Context, config: Config = None) -> None:
    """Look at files that are new: note size and checksum, and say which are damaged or missing."""
    from dialer.clitools import recordings

    raise typer.Exit(recordings.index(where_of(ctx, config)))


@recordings_app.command("check")
def recordings_check(ctx: typer.Context, config: Config = None) -> None:
    """Compare all files with their checksums, and name files that nobody knows. Exit code 1 for any trouble."""
    from dialer.clitools import recordings

    raise typer.Exit(recordings.check(where_of(ctx, config)))


@recordings_app.command("prune")
def recordings_prune(ctx: typer.Context, dry_run: DryRun = False, config: Config = None) -> None:
    """Delete files that are older than their campaign's retention_days; what is known of them stays."""
    from dialer.clitools import recordings

    raise typer.Exit(recordings.prune(where_of(ctx, config), dry_run=dry_run))


# ---- quality control ---------------------------------------------------------------------------------------

YesNo = Annotated[str, typer.Option(metavar="y|n")]


@qc_app.command("sample")
def qc_sample(
    ctx: typer.Context,
    date: Annotated[str | None, typer.Option("--date", metavar="DAY", help="[default: yesterday]")] = None,
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Draw a day's conversations to listen to, for each agent by chance and by rule. May be repeated."""
    from dialer.clitools import quality

    quality.sample(where_of(ctx, config), date, dry_run=dry_run)


@qc_app.command("list")
def qc_list(
    ctx: typer.Context,
    date: Annotated[str | None, typer.Option("--date", metavar="DAY")] = None,
    agent: OfAgent = None,
    state: Annotated[str | None, typer.Option("--state", help="open, passed or failed")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List samples, the newest first."""
    from dialer.clitools import quality

    quality.show_list(where_of(ctx, config), date, agent, state, limit, as_json=as_json)


@qc_app.command("show")
def qc_show(
    ctx: typer.Context,
    sample: Annotated[int, typer.Argument(metavar="SAMPLE", min=1)],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show a sample: the conversation, its recordings, its score cards."""
    from dialer.clitools import quality

    quality.show(where_of(ctx, config), sample, as_json=as_json)


@qc_app.command("score")
def qc_score(
    ctx: typer.Context,
    sample: Annotated[int, typer.Argument(metavar="SAMPLE", min=1)],
    reviewer: Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who listened")],
    right_person: YesNo,
    understood: YesNo,
    script: YesNo,
    consent: YesNo,
    note: Annotated[str, typer.Option("--note")] = "",
    config: Config = None,
) -> None:
    """File a score card. A no to any question makes a task to contact the customer again."""
    from dialer.clitools import quality

    marks = {"right_person": right_person, "understood": understood, "script": script, "consent": consent}
    quality.score(where_of(ctx, config), sample, marks, note, reviewer)


@qc_app.command("machine")
def qc_machine(
    ctx: typer.Context,
    sample: Annotated[int, typer.Argument(metavar="SAMPLE", min=1)],
    reviewer: Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who listened")],
    who: Annotated[str, typer.Option("--who", help="person, machine, or unsure, which counts as a person")],
    note: Annotated[str, typer.Option("--note")] = "",
    config: Config = None,
) -> None:
    """Say who is to be heard in a sample that was taken for a machine."""
    from dialer.clitools import machine_checks

    machine_checks.judge(where_of(ctx, config), sample, who, note, reviewer)


@qc_app.command("machines")
def qc_machines(
    ctx: typer.Context,
    since: Annotated[
        Seconds | None,
        typer.Option("--since", metavar="DURATION", parser=Seconds, help="How far back, e.g. 7d [default: 30d]"),
    ] = None,
    campaign: OfCampaign = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show how many calls taken for machines' were persons' by the word of those who listened."""
    from dialer.clitools import machine_checks

    machine_checks.report(where_of(ctx, config), since.value if since else None, campaign, as_json=as_json)


# ---- callbacks ---------------------------------------------------------------------------------------------


@callbacks_app.command("list")
def callbacks_list(
    ctx: typer.Context,
    kind: Annotated[
        str | None, typer.Option("--kind", help="callback (the customer's wish) or recontact (a failed check)")
    ] = None,
    agent: OfAgent = None,
    state: Annotated[
        str, typer.Option("--state", help="open, claimed, dialing, done, failed, cancelled or all")
    ] = "open",
    limit: Limit = 100,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List customers who are to be called again, the most urgent first."""
    from dialer.clitools import quality

    quality.show_callbacks(where_of(ctx, config), kind, agent, state, limit, as_json=as_json)


Ident = Annotated[int, typer.Argument(metavar="ID", min=1, help="Its number in dialer callbacks list")]
At = Annotated[
    str,
    typer.Option("--at", metavar="WHEN", help="HH:MM, '+DAYS HH:MM', 'YYYY-MM-DD HH:MM' of the customer's clock, +90m"),
]
Zone = Annotated[str, typer.Option("--zone", metavar="NAME", help="Another clock than the customer's own")]


@callbacks_app.command("add")
def callbacks_add(
    ctx: typer.Context,
    at: At,
    attempt: Annotated[str, typer.Option("--attempt", metavar="ID", help="The customer of this call")] = "",
    lead: Annotated[int | None, typer.Option("--lead", metavar="N", min=1, help="A lead, with --campaign")] = None,
    campaign: Annotated[str, typer.Option("--campaign", metavar="NAME", help="Whose callback it is")] = "",
    zone: Zone = "",
    agent: Annotated[str, typer.Option("--agent", help="Who must do it [default: anyone]")] = "",
    note: Annotated[str, typer.Option("--note", help="What the agent is told")] = "",
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Write down that a customer is to be called again."""
    from dialer.clitools import callbacks

    order = {"attempt": attempt, "lead": lead, "campaign": campaign, "zone": zone, "agent": agent, "note": note}
    callbacks.add(where_of(ctx, config), {"at": at, **order}, as_json=as_json)


@callbacks_app.command("reschedule")
def callbacks_reschedule(
    ctx: typer.Context,
    ident: Ident,
    at: At,
    zone: Zone = "",
    agent: Annotated[str | None, typer.Option("--agent", help="Somebody else must do it; '' for anyone")] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Give an open callback another time."""
    from dialer.clitools import callbacks

    callbacks.reschedule(where_of(ctx, config), ident, {"at": at, "zone": zone, "agent": agent}, as_json=as_json)


@callbacks_app.command("cancel")
def callbacks_cancel(
    ctx: typer.Context,
    ident: Ident,
    reason: Annotated[str, typer.Option("--reason", help="Why")] = "",
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Call an open callback off."""
    from dialer.clitools import callbacks

    callbacks.cancel(where_of(ctx, config), ident, reason, as_json=as_json)
