"""``dialer qc`` and ``dialer callbacks``: drawing samples, showing them, filing score cards, who is to be called again.

Owns days and what is printed; what is drawn is ``dialer.domain.quality``'s, what is kept ``dialer.store.quality``'s.
Prints no whole phone number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.clitools.output import duration, say, stamp, table
from dialer.masking import mask_number, mask_record, mask_text

if TYPE_CHECKING:
    from config.qc_schema import QcConfig
    from config.schema import Config
    from dialer.domain.quality import SampleRules
    from dialer.domain.settings import EngineSettings

_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})


def rules_of(qc: QcConfig) -> SampleRules:
    """The configuration's words as the drawing takes them."""
    from dialer.domain.quality import SampleRules

    return SampleRules(
        share=qc.share,
        at_least=qc.at_least,
        at_most=qc.at_most,
        short_sales=frozenset(qc.short_sale.dispositions),
        short_sale_under_s=qc.short_sale.under_s,
        long_over_s=qc.long_over_s,
        complaints=frozenset(qc.complaint_dispositions),
        seed=qc.seed,
    )


def day_of(text: str | None, zone: ZoneInfo) -> Date:
    """A day that is written as 2026-09-21; without one, yesterday. Raises CliError (usage)."""
    if text is None:
        return (datetime.now(zone) - timedelta(days=1)).date()
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise CliError("--date: expected a day such as 2026-09-21", EXIT_USAGE) from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise CliError(f"--date: {day}: expected a day between {_FIRST_YEAR} and {_LAST_YEAR}", EXIT_USAGE)
    return day


def span_of(day: Date, zone: ZoneInfo) -> tuple[float, float]:
    """When a day begins and ends there (UTC epoch seconds); 23 or 25 hours where clocks are changed."""
    start = datetime.combine(day, time(), zone)
    return start.timestamp(), datetime.combine(day + timedelta(days=1), time(), zone).timestamp()


def sample(where: running.Where, text: str | None, *, dry_run: bool) -> None:
    """``dialer qc sample``. Raises CliError."""
    from dialer.domain import machine_checks
    from dialer.domain.quality import RANDOM, draw
    from dialer.store import machine_checks as stored_machines
    from dialer.store import quality

    loaded = running.load(where)
    qc = loaded.config.qc
    zone = ZoneInfo(qc.zone)
    day = day_of(text, zone)
    machines = agents_words(loaded.config)
    with database(loaded, dry_run=dry_run) as url:
        talks = quality.conversations(url, *span_of(day, zone), machines)
        drawn = draw(day.isoformat(), talks, rules_of(qc), quality.drawn(url, day.isoformat(), RANDOM))
        taken = stored_machines.recorded(url, *span_of(day, zone))
        kept = quality.drawn(url, day.isoformat(), machine_checks.MACHINE)
        drawn += machine_checks.draw(day.isoformat(), taken, qc.machines_at_most, qc.seed, kept)
        new = 0 if dry_run else quality.save_samples(url, day.isoformat(), drawn)
    if dry_run:
        columns = [("agent", "left"), ("campaign", "left"), ("talk", "right"), ("disposition", "left")]
        rows = [
            [talk.agent, talk.campaign, duration(talk.talk_s), talk.disposition, ", ".join(each.rules), talk.attempt_id]
            for each in drawn
            for talk in (each.conversation,)
        ]
        table([*columns, ("why", "left"), ("attempt", "left")], rows)
    agents = len({talk.agent for talk in talks})
    recorded = f" and {len(taken):,} recorded machines" if taken else ""
    said = f"{day}: {len(talks):,} conversations of {agents:,} agents{recorded}, {len(drawn):,} drawn"
    say(f"{said}; nothing is kept" if dry_run else f"{said}, {new:,} of them new")


def show_list(
    where: running.Where, day: str | None, agent: str | None, state: str | None, limit: int, *, as_json: bool
) -> None:
    """A line for each sample. Raises CliError."""
    from dialer.store import quality

    if state is not None and state not in quality.STATES:
        raise CliError(f"--state: expected one of {', '.join(quality.STATES)}", EXIT_USAGE)
    wanted = None if day is None else day_of(day, ZoneInfo("UTC")).isoformat()
    with database(running.load(where)) as url:
        found = quality.samples(url, day=wanted, agent=agent, state=state, limit=limit)
    if as_json:
        print(json.dumps(mask_record(found), indent=2))
        return
    columns = [
        ("id", "right"),
        ("day", "left"),
        ("agent", "left"),
        ("campaign", "left"),
        ("talk", "right"),
        ("disposition", "left"),
        ("why", "left"),
        ("state", "left"),
        ("reviewer", "left"),
    ]
    table(columns, [_row(each) for each in found])


def _row(each: Mapping[str, Any]) -> list[object]:
    card = each["card"] or {}
    talk, why = duration(each["talk_s"]), ", ".join(each["rules"])
    keys = [each["id"], each["day"], each["agent"], each["campaign"]]
    return [*keys, talk, each["disposition"], why, each["state"], card.get("reviewer", "")]


def show(where: running.Where, ident: int, *, as_json: bool) -> None:
    """A sample with its recordings and cards. Raises CliError."""
    from dialer.domain.quality import CRITERIA
    from dialer.store import quality

    with database(running.load(where)) as url:
        found = quality.sample(url, ident)
    if found is None:
        raise _no_sample(ident)
    if as_json:
        print(json.dumps(mask_record(found), indent=2))
        return
    for name in ("id", "day", "attempt_id", "agent", "campaign", "disposition", "state"):
        say(f"{name + ':':<14}{found[name]}")
    say(f"{'talk:':<14}{duration(found['talk_s'])}")
    say(f"{'why:':<14}{', '.join(found['rules'])}")
    for file in found["recordings"]:
        length = duration(file["duration_s"])
        say(f"{'recording:':<14}{file['id']}, {file['state']}, {length}, {file['path']}")
    for card in found["cards"]:
        marks = ", ".join(f"{words}: {'yes' if card[name] else 'no'}" for name, words in CRITERIA.items())
        note = f"; {mask_text(card['note'])}" if card["note"] else ""
        say(f"{'card:':<14}{stamp(card['at'])} {card['reviewer']}: {marks}{note}")
    for word in found["verdicts"]:
        note = f"; {mask_text(word['note'])}" if word["note"] else ""
        say(f"{'listened:':<14}{stamp(word['at'])} {word['reviewer']}: {word['who']}{note}")


def score(where: running.Where, ident: int, answers: Mapping[str, str], note: str, reviewer: str) -> None:
    """``dialer qc score``. Raises CliError."""
    from dialer.settings import build
    from dialer.store import quality

    marks = {name: _yes_or_no(name, answer) for name, answer in answers.items()}
    card = quality.Card(named(reviewer), marks, note)
    loaded = running.load(where)
    engine = build(loaded, "").engine
    with database(loaded) as url:
        found = quality.sample(url, ident)
        if found is None:
            raise _no_sample(ident)
        check_reviewer(engine, card.reviewer, found["agent"])
        done = quality.score(
            url,
            ident,
            card,
            recontact_after_s=loaded.config.qc.recontact_after_s,
            most_attempts={name: campaign.max_attempts for name, campaign in engine.campaigns.items()},
        )
    if done is None:
        raise _no_sample(ident)
    why = f": not fulfilled: {', '.join(done['failed'])}" if done["failed"] else ""
    task = f"; task {done['recontact']}: contact the customer again" if done["recontact"] is not None else ""
    if task:
        task += ", who is going to be dialed" if done["dialed"] else "; not dialed by itself: dialer callbacks shows it"
    say(f"sample {ident}: {done['state']}{why}{task}")


def agents_words(config: Config) -> set[str]:
    """The agents' words for machines."""
    return {code for campaign in config.campaigns for code in campaign.machine_dispositions}


def named(reviewer: str) -> str:
    """The reviewer's name. Raises CliError for none."""
    name = reviewer.strip()
    if not name:
        raise CliError("--reviewer: expected a name", EXIT_USAGE)
    return name


def check_reviewer(engine: EngineSettings, reviewer: str, agent: str) -> None:
    """Raises CliError for who may not review a call of ``agent`` (empty: of nobody)."""
    from dialer.domain.quality import may_not_score

    roles = {name: each.role for name, each in engine.agents.items()}
    if refused := may_not_score(reviewer, agent, roles, engine.phones.supervisor_roles):
        raise CliError(f"--reviewer: {refused}")


def _yes_or_no(name: str, answer: str) -> bool:
    word = answer.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise CliError(f"--{name.replace('_', '-')}: expected y or n", EXIT_USAGE)


def _no_sample(ident: int) -> CliError:
    return CliError(f"no sample {ident}: expected an id of `dialer qc list`")


def show_callbacks(
    where: running.Where, kind: str | None, agent: str | None, state: str, limit: int, *, as_json: bool
) -> None:
    """A line for each customer to be called again. Raises CliError."""
    from dialer.domain.callbacks import RECONTACT, CallbackState
    from dialer.store import quality
    from dialer.store.desk_records import CALLBACK

    kinds = (CALLBACK, RECONTACT)
    states = [each.value for each in CallbackState]
    if kind is not None and kind not in kinds:
        raise CliError(f"--kind: expected one of {', '.join(kinds)}", EXIT_USAGE)
    if state not in (*states, "all"):
        raise CliError(f"--state: expected one of {', '.join(states)}, all", EXIT_USAGE)
    with database(running.load(where)) as url:
        wanted = None if state == "all" else state
        found = quality.callbacks(url, kind=kind, agent=agent, state=wanted, limit=limit)
    if as_json:
        print(json.dumps(mask_record(found), indent=2))
        return
    columns = [
        ("id", "right"),
        ("due", "left"),
        ("kind", "left"),
        ("campaign", "left"),
        ("number", "left"),
        ("agent", "left"),
        ("state", "left"),
        ("by", "left"),
        ("note", "left"),
        ("reason", "left"),
    ]
    rows = [
        [
            each["id"],
            stamp(each["due_at"]),
            each["kind"],
            each["campaign"],
            mask_number(each["number"]),
            each["agent"] or "anyone",
            each["state"],
            each["created_by"],
            mask_text(each["note"]),
            mask_text(each["reason"]),
        ]
        for each in found
    ]
    table(columns, rows)

