"""``dialer explain route NUMBER --did OURS``: what becomes of a call that comes in, step by step, and who gets it.

Owns the order of the steps, which is the engine's (``engine.arrivals``), and their wording. Every step is decided by
the functions that real calls meet; nothing is answered, written or asked of the business system. Numbers are masked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.explain_route import Question, floor_of, lines, plain
from dialer.clitools.options import EXIT_USAGE, CliError, moment
from dialer.clitools.output import duration, say
from dialer.clitools.service import ServiceDown
from dialer.masking import mask_number, mask_text

if TYPE_CHECKING:
    from config.loader import LoadedConfig
    from dialer.domain.inbound import ArrivalJudged, NumberSettings, QueueSettings, Way
    from dialer.domain.settings import EngineSettings
    from routing.callers import CallerId
    from routing.facts import WaitingCall
    from routing.snapshot import Answer, Floor
    from routing.vip import Asked

NAMED: Final = 8
THIS: Final = "this call"
NOT_ASKED: Final = "  the business system, which a real call asks, is not asked"


@dataclass(slots=True)
class _Told:
    """What was found so far: the steps in words, and the same for programs."""

    steps: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def caller(where: running.Where, question: Question, *, as_json: bool) -> None:
    """Print it. Raises CliError."""
    from dialer.domain.inbound import Kind, Way
    from dialer.engine.arrivals import home_of, listed, read_caller
    from dialer.settings import SettingsError, engine_settings

    loaded = running.load(where)
    try:
        settings = engine_settings(loaded.config, "explain")
    except SettingsError as error:
        raise CliError(str(error)) from error
    number = _number(loaded, settings, question.did)
    now = moment(question.at) if question.at else time.time()
    who = read_caller(question.number, number)
    told = _Told()
    shown = mask_number(who.number) if who.number else "(no number)"
    told.facts |= {"number": shown, "did": number.number, "at": now}
    told.facts["caller"] = {"kind": who.kind.value, "why": who.reason}
    told.facts |= {"ending": None, "queue": None, "match": None, "wait": None, "place": None, "agents": {}}
    told.steps.append(f"{shown} calls {number.number} at {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC")
    told.steps.append(f"  caller ID: {who.reason}")
    answer = None
    if listed(who.number, settings.inbound.blacklist):
        _ends(told, "refused", "on the blacklist: refused before it is answered (603)")
    else:
        told.steps.append("  not on the blacklist" if who.number else "  without a number nobody is on the blacklist")
        judged = _judged(where, loaded, settings, number, who, now, told)
        floor = partial(floor_of, where, loaded, question.snapshot)
        way = _way(settings, number, who, judged, now, told, floor)
        if way is not None and way.kind is Kind.AGENT:
            rank = replace(judged.rank, agent=way.name)
            judged = replace(judged, rank=rank, own_limit_s=settings.routing.policy.own_limit_s)
            way = Way(Kind.QUEUE, home_of(who.number, number))
        if way is not None:
            answer = _queue(where, loaded, settings, question, way, number, judged, told)
    if as_json:
        print(json.dumps(told.facts | ({} if answer is None else plain(answer)), indent=2, ensure_ascii=False))
        return
    for line in (*told.steps, *(lines(answer) if answer is not None else ())):
        say(line)


def _ends(told: _Told, ending: str, why: str) -> None:
    told.facts |= {"ending": ending, "reason": why}
    told.steps.append(f"  {why}")


def _number(loaded: LoadedConfig, settings: EngineSettings, did: str) -> NumberSettings:
    """The number of ours that is meant, in any of the ways in which the carrier may write it."""
    plain_ = "".join(sign for sign in did if sign not in " ()-./")
    for entry in loaded.config.inbound.numbers:
        if plain_.lstrip("+") in {each.lstrip("+") for each in (entry.number, *entry.also)}:
            return settings.inbound.numbers[entry.number]
    ours = [entry.number for entry in loaded.config.inbound.numbers]
    more = f" and {len(ours) - NAMED} more" if len(ours) > NAMED else ""
    wanted = "one of inbound.numbers, where there is none"
    if ours:
        wanted = f"one of {', '.join(ours[:NAMED])}{more}, or what the `also` of one of them says"
    raise CliError(f"--did {mask_text(did[:40])!r}: no number of ours; expected {wanted}", EXIT_USAGE)


# ---- who calls ---------------------------------------------------------------------------------------------


def _judged(
    where: running.Where,
    loaded: LoadedConfig,
    settings: EngineSettings,
    number: NumberSettings,
    who: CallerId,
    now: float,
    told: _Told,
) -> ArrivalJudged:
    from dialer.domain.inbound import JudgeArrival
    from dialer.routing_settings import rules
    from dialer.store.customers import arriving
    from routing.intake import Queue

    asked = _asked(where, settings, who, told)
    order = JudgeArrival(
        THIS, who.number, who.kind.value, who.reason, number.number, Queue(number.queue, ()), now, asked
    )
    with database(loaded, dry_run=True) as url:
        judged = arriving(url, order, settings.campaigns, rules(loaded.config))
    told.steps += [f"  {reason}" for reason in judged.rank.reasons if reason != who.reason]
    if judged.rank.tag:
        told.steps.append(f"  the agent is told: {judged.rank.tag}")
    rank = asdict(replace(judged.rank, groups=()))
    told.facts["rank"] = rank | {"groups": [sorted(group) for group in judged.rank.groups]}
    told.facts |= {"target_s": judged.target_s, "own_limit_s": judged.own_limit_s}
    returns = {"campaign": judged.campaign, "lead": judged.lead_id} if judged.campaign else None
    told.facts["returns"] = returns
    if returns is not None:
        told.steps.append(f"  treated as lead {judged.lead_id} of campaign {judged.campaign}, whose call they return")
    return judged


def _asked(where: running.Where, settings: EngineSettings, who: CallerId, told: _Told) -> Asked | None:
    """What the business system said last, which is all that is asked for."""
    from routing.vip import Asked

    told.facts["business_system"] = None
    if settings.inbound.vip_within_s is None:
        told.steps.append("  no business system is configured")
        return None
    if not who.number:
        told.steps.append("  the business system is not asked about callers without a number")
        return None
    try:
        told_so: Mapping[str, Any] = running.service(where).post("v1", "routing", "vip", body={"number": who.number})
    except ServiceDown:
        told.steps.append(f"{NOT_ASKED}: what it said last, a running service would know")
        return None
    found = told_so["said"]
    if found is None:
        told.steps.append(f"{NOT_ASKED}: it has said nothing of them since the service's start")
        return None
    age = duration(max(0.0, time.time() - float(found["at"])))
    words = "a VIP" if found["vip"] else "no VIP"
    words += f", agent {found['agent']}" if found["agent"] else ""
    told.steps.append(f"{NOT_ASKED}: {age} ago it said {words}, which counts for routing.vip_lookup.stale")
    told.facts["business_system"] = dict(found)
    return Asked(bool(found["vip"]), float(found["at"]), found["agent"])


# ---- where to ----------------------------------------------------------------------------------------------


def _way(
    settings: EngineSettings,
    number: NumberSettings,
    who: CallerId,
    judged: ArrivalJudged,
    now: float,
    told: _Told,
    floor: Callable[[], Floor],
) -> Way | None:
    """The way to a queue, perhaps through a menu, or to an agent who is waited for; None when the call ends before."""
    from dialer.clitools.explain_plan import plan_steps
    from dialer.domain.inbound import Kind
    from dialer.engine.arrivals import way_of
    from routing.calendars import is_open

    if judged.refused:
        _ends(told, "refused", f"tier {judged.rank.tier} is refused before it is answered (603)")
        return None
    way = way_of(who.number, number)
    if number.calendar is None:
        told.steps.append("  open at any hour: the number has no calendar")
    else:
        verdict = is_open(number.calendar, now)
        changes_at = None if verdict.until is None else datetime.fromtimestamp(verdict.until, UTC)
        until = "" if changes_at is None else f", until {changes_at:%Y-%m-%d %H:%M} UTC"
        told.facts["hours"] = asdict(verdict)
        told.steps.append(f"  {'open' if verdict.open else 'closed'} ({number.calendar.name}): {verdict.reason}{until}")
        if not verdict.open:
            way = number.closed
    if way.kind in (Kind.QUEUE, Kind.MENU):
        if way.kind is Kind.QUEUE and way.name != number.queue and way is not number.closed:
            told.steps.append(f"  the region of their number: queue {way.name}")
        return way
    plan = settings.inbound.persons.get(way.name) if way.kind is Kind.AGENT else way.name
    if way.kind is Kind.AGENT and plan is None:
        told.steps.append(f"  asks for agent {way.name}, who has no follow-me plan: waited for, then anybody's")
        return way
    if way.kind in (Kind.AGENT, Kind.FOLLOW):
        whose = f"agent {way.name}: " if way.kind is Kind.AGENT else ""
        _ends(told, "follow_me", f"{whose}the phones of plan {plan}, one after the other")
        told.facts["phones"] = plan_steps(settings.inbound.plans[plan or ""], now, floor(), judged.rank, who.number)
        told.steps += told.facts["phones"]
        return None
    _ends(told, "closed", f"goes to {words_of(way)}, and to no agent")
    return None


def words_of(way: Way) -> str:
    """Where a way leads, in words."""
    named = {"queue": f"queue {way.name}", "menu": f"menu {way.name}", "extension": "an agent by extension"}
    named |= {"agent": f"agent {way.name}", "follow": f"plan {way.name}"}
    others = {"message": "a message", "voicemail": "the mailbox", "callback": "a callback", "repeat": "the menu again"}
    return (named | others)[way.kind.value]


def _menu(settings: EngineSettings, way: Way, told: _Told) -> list[str]:
    """The queues that a menu leads to, menus behind it included."""
    from dialer.domain.inbound import Kind

    found: list[str] = []
    seen: set[str] = set()
    ahead = [way]
    while ahead:
        here = ahead.pop(0)
        if here.kind is Kind.QUEUE and here.name not in found:
            found.append(here.name)
        if here.kind is Kind.MENU and here.name not in seen:
            seen.add(here.name)
            menu = settings.inbound.menus[here.name]
            keys = ", ".join(f"{key}: {words_of(each)}" for key, each in menu.keys.items())
            told.steps.append(f"  menu {here.name}: {keys}; without a key: {words_of(menu.otherwise)}")
            ahead += [*menu.keys.values(), menu.otherwise]
    return found


# ---- the queue ---------------------------------------------------------------------------------------------


def _queue(
    where: running.Where,
    loaded: LoadedConfig,
    settings: EngineSettings,
    question: Question,
    way: Way,
    number: NumberSettings,
    judged: ArrivalJudged,
    told: _Told,
) -> Answer | None:
    from dialer.domain.inbound import Kind, QueueSettings
    from routing.snapshot import ask

    reached = _menu(settings, way, told) if way.kind is Kind.MENU else [way.name]
    name = question.queue or (number.queue if number.queue in reached else next(iter(reached), number.queue))
    if question.queue and question.queue not in reached:
        raise CliError(f"--queue {question.queue}: expected one of {', '.join(reached) or '(none)'}", EXIT_USAGE)
    if way.kind is Kind.MENU:
        others = [each for each in reached if each != name]
        told.steps.append(f"  taken to choose queue {name}" + (f" (--queue: {', '.join(others)})" if others else ""))
    campaign = settings.campaigns[name]
    queue = campaign.queue or QueueSettings()
    floor = floor_of(where, loaded, question.snapshot)
    waiting = sum(call.queue == name for call in floor.calls)
    told.facts |= {"queue": name, "waiting": waiting}
    told.steps.append(f"queue {name}: {waiting} wait in it" + _further(queue))
    full = next((each for each in queue.overflow if each.waiting is not None and waiting >= each.waiting), None)
    if full is not None:
        _ends(told, "overflow", f"it is full: goes to {words_of(full.way)} at once")
        return None
    return ask(floor, _call(floor, settings, name, judged))


def _call(floor: Floor, settings: EngineSettings, queue: str, judged: ArrivalJudged) -> WaitingCall:
    from dialer.engine.floor import caller as waiting_call

    until = floor.at + judged.own_limit_s
    return waiting_call(THIS, settings.campaigns[queue], judged.rank, judged, since=floor.at, own_until=until)


def _further(queue: QueueSettings) -> str:
    parts = [
        f"after {each.after_s:g} s {words_of(each.way)}"
        if each.after_s is not None
        else f"with {each.waiting} waiting {words_of(each.way)}"
        for each in queue.overflow
    ]
    if queue.callback is not None:
        parts.append(f"a callback by key {queue.callback.key} after {queue.callback.after_s:g} s")
    parts.append(f"after {queue.max_wait_s:g} s {words_of(queue.nobody)}")
    return f"; {', '.join(parts)}"

