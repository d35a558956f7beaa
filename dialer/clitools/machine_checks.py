"""``dialer qc machine`` and ``dialer qc machines``: what people hear in calls taken for machines', and the share.

Owns what is printed. The arithmetic is ``dialer.domain.machine_checks``, the tables ``dialer.store.machine_checks``.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from dialer.clitools import quality, running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.clitools.output import say, table
from dialer.masking import mask_record

if TYPE_CHECKING:
    from config.schema import Config


def judge(where: running.Where, ident: int, who: str, note: str, reviewer: str) -> None:
    """``dialer qc machine``. Raises CliError."""
    from dialer.domain.machine_checks import WHO
    from dialer.settings import build
    from dialer.store import machine_checks

    if who not in WHO:
        raise CliError(f"--who: expected one of {', '.join(WHO)}", EXIT_USAGE)
    name = quality.named(reviewer)
    loaded = running.load(where)
    quality.check_reviewer(build(loaded, "").engine, name, "")
    with database(loaded) as url:
        done = machine_checks.judge(url, ident, who, name, note)
    if done is None:
        raise CliError(f"no sample {ident} of a machine: expected an id of `dialer qc list` with machine under why")
    say(f"sample {ident}: {done['state']}: {who}")


def report(where: running.Where, since_s: float | None, campaign: str | None, *, as_json: bool) -> None:
    """``dialer qc machines``. Raises CliError."""
    from dialer.store import machine_checks
    from dialer.store.desk_jobs import MEASURED_S

    loaded = running.load(where)
    configured = configured_in(loaded.config)
    since = time.time() - (MEASURED_S if since_s is None else since_s)
    with database(loaded) as url:
        checks = machine_checks.measured(url, since, quality.agents_words(loaded.config))
    told = [machine_checks.told(c, configured.get(c.campaign)) for c in checks if campaign in (None, c.campaign)]
    if as_json:
        print(json.dumps(mask_record(told), indent=2))
        return
    names = ("judged", "recorded", "listened", "persons", "unsure", "passed")
    shares = ("of_machines", "false_positive", "false_positive_at_most", "configured")
    titles = ("persons of them", "false positive", "at most (95 %)", "configured")
    columns = [("campaign", "left"), *((name, "right") for name in (*names, *titles))]
    rows = [
        [each["campaign"], *(f"{each[name]:,}" for name in names), *(_percent(each[name]) for name in shares)]
        for each in told
    ]
    table(columns, rows)


def configured_in(config: Config) -> dict[str, float]:
    """What the configuration says of each campaign."""
    return {campaign.name: campaign.pacing.amd_false_positive for campaign in config.campaigns}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"
