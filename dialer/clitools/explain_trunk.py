"""``dialer explain trunk``: which line out a call to a number would take, as which number, and why no other.

Owns the reading of what was typed and the wording. The running service is asked; where none runs, the same function is
asked here, on the configuration alone or on a saved answer of /v1/trunks or /v1/status. Numbers are printed masked.
"""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dialer.clitools import running
from dialer.clitools.floor import ask_campaign
from dialer.clitools.options import EXIT_USAGE, CliError, moment, no_campaign
from dialer.clitools.output import complain, duration, say
from dialer.clitools.service import Service, ServiceDown
from dialer.http.shapes import plain
from dialer.leads.errors import NumberError
from dialer.leads.numbers import normalise
from dialer.masking import mask_text

WIDTH: Final = 100


def trunk(
    where: running.Where,
    number: str,
    campaign: str | None,
    at: str | None,
    region: str | None,
    snapshot: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print it. Raises CliError."""
    try:
        e164 = normalise(number, region)
    except NumberError as error:
        raise CliError(f"NUMBER: {error}; expected one with its country code, or --region", EXIT_USAGE) from error
    as_of = None if at is None else moment(at)
    told = _offline(where, e164, campaign, as_of, snapshot) if snapshot is not None else None
    if told is None:
        try:
            told = _ask(running.service(where), e164, campaign, as_of)
        except ServiceDown as error:
            if where.url is not None:
                raise
            complain(f"{error}: answered from the configuration, as if every line were idle and well")
            told = _offline(where, e164, campaign, as_of, None)
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in text(told):
        say(line)


def _ask(service: Service, number: str, campaign: str | None, at: float | None) -> Mapping[str, Any]:
    wanted: dict[str, object] = {"number": number, "campaign": campaign, "at": at}
    body = {name: value for name, value in wanted.items() if value is not None}

    def ask() -> Any:
        return service.post("v1", "trunks", "explain", body=body)

    told: Mapping[str, Any] = ask() if campaign is None else ask_campaign(service, campaign, ask)
    return told


def _offline(
    where: running.Where, number: str, campaign: str | None, at: float | None, snapshot: Path | None
) -> Mapping[str, Any]:
    from dialer.engine import trunk_views
    from dialer.settings import SettingsError, engine_settings

    config = running.load(where).config
    try:
        settings = engine_settings(config, "explain")
    except SettingsError as error:
        raise CliError(str(error)) from error
    try:
        saved = None if snapshot is None else json.loads(snapshot.read_text(encoding="utf-8"))
        desk = trunk_views.offline(settings, time.time(), saved)
    except OSError as error:
        raise CliError(f"--snapshot: {snapshot}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        what = f"{snapshot}: {type(error).__name__}: {error}"
        raise CliError(f"--snapshot: {what}; expected a saved answer of /v1/trunks or /v1/status") from error
    told = trunk_views.explain(desk, number, campaign, at)
    if told is None:
        raise CliError(no_campaign(campaign or "", sorted(settings.campaigns)), EXIT_USAGE)
    found: Mapping[str, Any] = plain(told)
    return found


def text(told: Mapping[str, Any]) -> Iterator[str]:
    """The answer as lines for a person."""
    at = datetime.fromtimestamp(float(told["at"]), UTC)
    whose = "any line" if told["campaign"] is None else f"campaign {told['campaign']}"
    yield f"a call to {told['number']}, {whose}, at {at:%Y-%m-%d %H:%M:%S} UTC"
    if told["trunk"] is None:
        yield f"  goes out on no line: {mask_text(str(told['reason']))}"
    else:
        cost = "no price is known" if told["cost"] is None else f"expected cost {told['cost']:.4f}"
        yield f"  goes out on {told['trunk']} as {told['dial']}, shows {told['shown'] or 'no number'}, {cost}"
        yield from (f"  {line}" for line in textwrap.wrap(mask_text(str(told["reason"])), WIDTH))
    for passed in told["not"]:
        yield f"  not {passed['trunk']}: {mask_text(str(passed['text']))}"
    if told["campaign"] is not None and len(told["lines"]) == 1:
        yield "  it is the campaign's only line, which is dialed on whatever its health"
    yield "lines"
    for trunk in told["trunks"]:
        yield f"  {_trunk(trunk)}"


def _trunk(trunk: Mapping[str, Any]) -> str:
    kept = f", {trunk['reserved_inbound']} kept for callers" if trunk["reserved_inbound"] else ""
    rests = f" for {duration(float(trunk['rests_s']))} more" if trunk["condition"] == "cooling" else ""
    ends = ", ".join(f"{whose} {count:,}" for whose, count in sorted(trunk["ends"].items()) if count)
    health = mask_text(str(trunk["health"]))
    return (
        f"{trunk['trunk']}: {trunk['in_use']} of {trunk['channels']} channels{kept}, {trunk['calls_per_second']:g} "
        f"calls a second, {trunk['condition']}{rests} ({health}); {trunk['chosen']:,} calls given to it, "
        f"{trunk['gone_on']:,} went on elsewhere; ended by: {ends or 'none yet'}"
    )
