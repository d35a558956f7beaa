"""``dialer explain route``: who would get this call now and why, and who would not and why.

Owns the order of the questions and what is printed. What the customer is to us is judged by ``routing.outbound`` from
our own records; who would get them by ``routing.snapshot`` on the running floor, or on a saved one. Numbers are masked.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_USAGE, CliError, no_campaign
from dialer.clitools.output import say
from dialer.masking import mask_number

if TYPE_CHECKING:
    from config.campaign_schema import CampaignConfig
    from config.loader import LoadedConfig
    from routing.outbound import Rank
    from routing.snapshot import Answer, Floor

SHOWN: Final = 12
"""So many agents are named for each reason; ``--json`` names all."""


@dataclass(frozen=True, slots=True)
class Question:
    """``at``: ISO time, empty for now. ``snapshot``: a saved answer of /v1/routing, instead of the running floor."""

    number: str
    campaign: str
    at: str = ""
    snapshot: Path | None = None


def route(where: running.Where, question: Question, *, as_json: bool) -> None:
    """Print who would get the call."""
    loaded = running.load(where)
    campaign = _campaign(loaded, question.campaign)
    number = _number(loaded, campaign, question.number)
    now = _moment(question.at)
    rank, known_by = _rank(loaded, campaign, number, now)
    floor = _floor(where, question.snapshot)
    answer = _ask(floor, campaign, rank)
    if as_json:
        told = {
            "number": mask_number(number),
            "campaign": campaign.name,
            "rank": asdict(replace(rank, groups=())) | {"groups": [sorted(group) for group in rank.groups]},
            "records": known_by,
            "match": None if answer.match is None else asdict(answer.match),
            "wait": None if answer.wait is None else asdict(answer.wait),
            "agents": dict(answer.why_nots),
        }
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in _text(number, campaign.name, rank, known_by, answer):
        say(line)


def _text(number: str, campaign: str, rank: Rank, known_by: str, answer: Answer) -> Iterator[str]:
    yield f"{mask_number(number)} answers a call of campaign {campaign}"
    yield f"  {known_by}"
    yield from (f"  {reason}" for reason in rank.reasons)
    if answer.match is not None:
        yield f"goes to agent {answer.match.agent}: {answer.match.reason}"
    elif answer.wait is not None:
        yield f"waits at place {answer.place}: {answer.wait.reason}"
    could = [agent for agent, why in answer.why_nots if why is None]
    taken = answer.match.agent if answer.match is not None else ""
    others = [agent for agent in could if agent != taken]
    if others:
        yield f"could take it too, and come later in the order: {_few(others)}"
    for why, count in Counter(why for _, why in answer.why_nots if why is not None).most_common():
        yield f"{count} not: {why} ({_few([agent for agent, each in answer.why_nots if each == why])})"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _campaign(loaded: LoadedConfig, name: str) -> CampaignConfig:
    found = {campaign.name: campaign for campaign in loaded.config.campaigns}
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if not name:
        raise CliError(f"--campaign: expected one of {', '.join(sorted(found)) or '(none is configured)'}", EXIT_USAGE)
    if name not in found:
        raise CliError(no_campaign(name, sorted(found)), EXIT_USAGE)
    return found[name]


def _number(loaded: LoadedConfig, campaign: CampaignConfig, text: str) -> str:
    from dialer.leads.errors import LeadsError
    from dialer.leads.numbers import normalise

    regions = [each.region for each in loaded.config.lists if each.name in campaign.lists and each.region]
    try:
        return normalise(text, regions[0] if regions else None)
    except LeadsError as error:
        raise CliError(f"NUMBER: {error}", EXIT_USAGE) from error


def _moment(text: str) -> float:
    if not text:
        return time.time()
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise CliError(f"--at {text}: expected a time such as 2026-11-26T14:30", EXIT_USAGE) from None


def _rank(loaded: LoadedConfig, campaign: CampaignConfig, number: str, now: float) -> tuple[Rank, str]:
    from dialer.routing_settings import rules
    from dialer.store.customers import known
    from routing.outbound import rank

    judged_by = rules(loaded.config)
    with database(loaded, dry_run=True) as url:
        found = known(url, number, campaign.lists, now - judged_by.own_age_s)
    told = f"a lead of list {found.list_name}" if found.list_name else "in none of the campaign's lists"
    if found.leads > 1:
        told += f", the newest of {found.leads}"
    return rank(judged_by, number, found.fields or {}, found.last_agent, found.last_talk_at, now), told


def _floor(where: running.Where, snapshot: Path | None) -> Floor:
    from routing.errors import RoutingError
    from routing.snapshot import load

    source = str(snapshot) if snapshot is not None else "the running service"
    data: Any
    try:
        data = json.loads(snapshot.read_text("utf-8")) if snapshot else running.service(where).get("v1", "routing")
        return load(data)
    except OSError as error:
        raise CliError(f"--snapshot {snapshot}: {error.strerror or error}", EXIT_USAGE) from error
    except (ValueError, RoutingError) as error:
        raise CliError(f"{source}: {error}", EXIT_USAGE) from error


def _ask(floor: Floor, campaign: CampaignConfig, rank: Rank) -> Answer:
    from dialer.domain.routing import team_of
    from routing.outbound import waiting_call
    from routing.snapshot import ask

    call = waiting_call(
        "this call",
        rank,
        since=floor.at,
        target_s=campaign.wait_limit_s,
        campaign=campaign.name,
        team=team_of(campaign.name),
    )
    return ask(floor, call)
