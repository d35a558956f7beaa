"""Back to the agent who knows them: last agent, missed calls returned, and how long somebody waits for their agent.

Owns these rules, over what happened before, which is given: conversations and attempts of any campaign and direction.
Whether the agent is there is a matter of the moment and belongs to ``fitting``. Must not read a store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from routing.facts import Direction, RoutingPolicy

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Conversation:
    """An agent and a customer talked. ``number`` is normalised, or empty where it was not known."""

    agent: str
    at: float
    number: str = ""
    person: str = ""
    campaign: str = ""
    direction: Direction = Direction.OUTBOUND


@dataclass(frozen=True, slots=True)
class Attempt:
    """We called, and showed a number. ``agent``: who would have talked, where that was settled beforehand. An agent's
    own call is of no ``campaign`` and no ``lead``."""

    at: float
    number: str
    shown: str
    campaign: str
    lead: str
    person: str = ""
    agent: str | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class OwnAgent:
    """The agent who knows the customer, and when they talked."""

    agent: str
    reason: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Returned:
    """The missed call that a customer returns, and when it was. No agent: nobody in particular called."""

    campaign: str
    lead: str
    agent: str | None
    reason: str
    at: float = 0.0


def last_agent(
    history: Iterable[Conversation], number: str, persons: Collection[str], now: float, age_limit_s: float
) -> OwnAgent | None:
    """Who talked to this customer last: by this number, or by another number of the same person; newest first.
    ``persons``: whose number it is, by whatever name each list of leads has for them.

    At the same moment, the same number counts more than the same person, then the smaller agent id.
    """
    best: tuple[float, int, str] | None = None
    chosen: Conversation | None = None
    for talk in history:
        same_number = bool(number) and talk.number == number
        if not same_number and not (talk.person and talk.person in persons):
            continue
        if not 0 <= now - talk.at <= age_limit_s:
            continue
        key = (-talk.at, 0 if same_number else 1, talk.agent)
        if best is None or key < best:
            best, chosen = key, talk
    if best is None or chosen is None:
        return None
    how = "with this number" if best[1] == 0 else "with the same person at another number"
    where = f" in {chosen.campaign}" if chosen.campaign else ""
    return OwnAgent(chosen.agent, f"talked {how}{where} ({chosen.direction}) {_ago(now - chosen.at)}", chosen.at)


def returned_call(
    attempts: Iterable[Attempt],
    number: str,
    persons: Collection[str],
    dialed: str,
    now: float,
    age_limit_s: float,
) -> Returned | None:
    """The newest call of ours to this customer that showed the number now dialed, if they had missed it."""
    newest: Attempt | None = None
    for attempt in attempts:
        theirs = (bool(number) and attempt.number == number) or (bool(attempt.person) and attempt.person in persons)
        if not theirs or attempt.shown != dialed or not 0 <= now - attempt.at <= age_limit_s:
            continue
        if newest is None or (attempt.at, attempt.lead) > (newest.at, newest.lead):
            newest = attempt
    if newest is None or newest.answered:
        return None
    who = f", {newest.agent} called" if newest.agent and newest.campaign else ""
    by = newest.campaign or newest.agent
    reason = f"returns the call that {by} made {_ago(now - newest.at)}{who}"
    return Returned(newest.campaign, newest.lead, newest.agent, reason, newest.at)


def own_limit_s(target_s: float, vip: bool, policy: RoutingPolicy) -> float:
    """How long a caller waits for their own agent: shorter the sooner their tier must be served; a VIP not at all."""
    return 0.0 if vip else max(0.0, min(policy.own_limit_s, policy.own_limit_targets * target_s))


def _ago(seconds: float) -> str:
    if seconds >= 2 * DAY_S:
        return f"{seconds / DAY_S:.0f} days ago"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} hours ago"
    return f"{seconds / 60:.0f} minutes ago"
