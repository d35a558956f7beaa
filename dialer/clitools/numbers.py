"""``dialer numbers list|restore``: the numbers that our calls show, how each is liked, and bringing one back.

Owns the wording. The running service decides; it masks every number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from dialer.clitools.flags import Config, where_of
from dialer.clitools.output import duration, say, table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
numbers_app = typer.Typer(help="Numbers that our calls show.", no_args_is_help=True)


@numbers_app.command("list")
def numbers_list(ctx: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """List the numbers of all pools: whether each may be shown, how often it was today, who answered."""
    from dialer.clitools import running

    told = running.service(where_of(ctx, config)).get("v1", "numbers")["numbers"]
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    columns = [
        ("pool", "left"),
        ("place", "right"),
        ("number", "left"),
        ("standing", "left"),
        ("today", "right"),
        ("of", "right"),
        ("dialed", "right"),
        ("answered", "right"),
        ("rests", "right"),
        ("why", "left"),
    ]
    table(columns, [_row(number) for number in told])


def _row(number: Mapping[str, Any]) -> list[object]:
    left = f" for {duration(float(number['rests_s']))} more" if number["standing"] == "resting" else ""
    return [
        number["pool"],
        number["place"],
        number["number"],
        f"{number['standing']}{left}",
        number["today"],
        "-" if number["daily_cap"] is None else number["daily_cap"],
        number["dialed"],
        number["answered"],
        number["rests"],
        number["reason"],
    ]


@numbers_app.command("restore")
def numbers_restore(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As it stands in its pool")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the log and the record")],
    config: Config = None,
) -> None:
    """Show a number again that rests or is retired, as if it had never been judged."""
    from dialer.clitools import running

    done = running.service(where_of(ctx, config)).post(
        "v1", "numbers", "restore", body={"number": number, "reason": reason}
    )
    say(str(done["text"]))
