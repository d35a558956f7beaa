"""``dialer report``: what happened, in tables, from the store's records.

Owns the span that is asked about and what is printed. The counting is the store's.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.clitools.output import say, table

if TYPE_CHECKING:
    from dialer.domain.tiers import TierCount

DAY_S: Final = 86_400.0
NOT_RANKED: Final = "(not ranked)"
"""Calls of which nobody has said a tier: callers who were gone or refused before, attempts of older versions."""


def tiers(where: running.Where, day: str | None, since_s: float | None, *, as_json: bool) -> None:
    """``dialer report tiers``. Raises CliError."""
    from dialer.routing_settings import rules
    from dialer.store.tier_report import tiers as counted

    if day is not None and since_s is not None:
        raise CliError("--day and --since: expected one of them", EXIT_USAGE)
    loaded = running.load(where)
    since, until = _span(day, since_s)
    targets = {tier.name: tier.target_s for tier in rules(loaded.config).tiers}
    with database(loaded, dry_run=True) as url:
        found = counted(url, since, until, targets)
    if as_json:
        print(json.dumps({"since": since, "until": until, "tiers": [told(each) for each in found]}, indent=2))
        return
    begin, end = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") for at in (since, until))
    say(f"{begin} to {end} UTC")
    names = ("calls", "offered", "connected", "connect rate", "lost", "loss rate", "in target")
    columns = [("tier", "left"), ("direction", "left"), *((name, "right") for name in names)]
    table(columns, [_row(each) for each in found])


def told(count: TierCount) -> dict[str, Any]:
    """One tier and direction for programs."""
    return {**asdict(count), "connect_rate": count.connect_rate, "loss_rate": count.loss_rate}


def _row(count: TierCount) -> list[str]:
    in_target = "" if count.in_target is None or not count.offered else f"{count.in_target / count.offered:.1%}"
    return [
        count.tier or NOT_RANKED,
        count.direction,
        f"{count.calls:,}",
        f"{count.offered:,}",
        f"{count.connected:,}",
        _percent(count.connect_rate),
        f"{count.lost:,}",
        _percent(count.loss_rate),
        in_target,
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _span(day: str | None, since_s: float | None) -> tuple[float, float]:
    now = time.time()
    if since_s is not None:
        return max(0.0, now - since_s), now
    if day is None:
        return now // DAY_S * DAY_S, now
    try:
        begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError):
        raise CliError(f"--day {day[:40]!r}: expected a day (UTC) such as 2026-11-26", EXIT_USAGE) from None
