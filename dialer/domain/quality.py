"""Quality control: which of a day's conversations are listened to, and when a score card is a failure.

Owns the drawing and the four criteria. Pure: the same day, agents and conversations give the same samples, on any
machine and in any order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

CRITERIA: Final[Mapping[str, str]] = {
    "right_person": "the right person",
    "understood": "the customer understood",
    "script": "the script was followed",
    "consent": "clear consent",
}
"""The four questions of a score card; all must be answered with yes."""

RANDOM: Final = "random"
SHORT_SALE: Final = "short_sale"
LONG_CALL: Final = "long_call"
COMPLAINT: Final = "complaint"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A customer and an agent talked for ``talk_s``; ``disposition`` is the agent's last word on it, or empty."""

    attempt_id: str
    agent: str
    campaign: str
    talk_s: float
    disposition: str


@dataclass(frozen=True, slots=True)
class SampleRules:
    """What is drawn for each agent: see ``config.qc_schema.QcConfig``, whose words these are."""

    share: float
    at_least: int
    at_most: int
    short_sales: frozenset[str]
    short_sale_under_s: float
    long_over_s: float | None
    complaints: frozenset[str]
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A conversation to listen to, and why: names of rules, in order."""

    conversation: Conversation
    rules: tuple[str, ...]


def draw(
    day: str, conversations: Iterable[Conversation], rules: SampleRules, kept: Collection[str] = ()
) -> list[Drawn]:
    """The samples of a day (``2026-09-21``), by agent.

    ``kept`` are attempts that chance has drawn for this day already: a day drawn again, when more of it is known, adds
    what is missing and no more.
    """
    by_agent: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        by_agent.setdefault(conversation.agent, []).append(conversation)
    drawn: list[Drawn] = []
    for agent, theirs in sorted(by_agent.items()):
        chance = _by_chance(day, agent, theirs, rules, kept)
        for each in theirs:
            why = (*_by_rule(each, rules), *((RANDOM,) if each.attempt_id in chance else ()))
            if why:
                drawn.append(Drawn(each, why))
    return drawn


def _by_chance(
    day: str, agent: str, theirs: Iterable[Conversation], rules: SampleRules, kept: Collection[str]
) -> frozenset[str]:
    def turn(ident: str) -> tuple[bool, bytes]:
        drawn = f"{rules.seed}{day}|{agent}|{ident}".encode()
        return ident not in kept, hashlib.sha256(drawn).digest()

    idents = sorted((each.attempt_id for each in theirs), key=turn)
    count = min(max(math.ceil(rules.share * len(idents)), rules.at_least), rules.at_most)
    return frozenset(idents[:count])


def _by_rule(each: Conversation, rules: SampleRules) -> Iterable[str]:
    if each.disposition in rules.short_sales and each.talk_s < rules.short_sale_under_s:
        yield SHORT_SALE
    if rules.long_over_s is not None and each.talk_s > rules.long_over_s:
        yield LONG_CALL
    if each.disposition in rules.complaints:
        yield COMPLAINT


def may_not_score(reviewer: str, agent: str, roles: Mapping[str, str], allowed: Collection[str]) -> str:
    """Why ``reviewer`` may not score a conversation of ``agent``; empty when they may.

    ``roles`` are those of the agents: one of them needs a role of ``allowed``, and nobody judges their own work.
    Others, whom the configuration does not know, are whoever may use the command line or the API.
    """
    if reviewer == agent:
        return "nobody scores a conversation of their own"
    role = roles.get(reviewer)
    if role is not None and role not in allowed:
        return f"agent {reviewer} is {role}: expected one of {', '.join(sorted(allowed)) or '(none)'}"
    return ""


def failures(marks: Mapping[str, bool]) -> tuple[str, ...]:
    """The criteria that a card says no to, in words."""
    return tuple(words for name, words in CRITERIA.items() if not marks[name])
