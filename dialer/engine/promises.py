"""Whose turn a callback is: its agent's, their team's, anyone's, or nobody's any more for now.

Owns the rule for agents who are away, as a pure function; who of those has time is ``callbacks``'. Reasons are for
people: they name agents and times, never numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dialer.domain.callbacks import Away, CallbackFact, CallbackSettings
from dialer.domain.settings import AgentSettings
from dialer.leads.moments import utc


@dataclass(frozen=True, slots=True)
class Turn:
    """``who`` may take it now, None: anyone of the campaign; ``first`` rather than the others. ``until`` is when that
    changes; ``later``: nobody now, it is put off.
    """

    who: tuple[str, ...] | None
    reason: str
    until: float | None = None
    first: str = ""
    later: bool = False


def mates(agents: Mapping[str, AgentSettings], agent: str, campaign: str) -> tuple[str, ...]:
    """Who else serves the campaign and is of the agent's team, or in a group with the agent; by name."""
    own = agents.get(agent)
    if own is None:
        return ()
    return tuple(sorted(name for name, each in agents.items() if name != agent and campaign in each.campaigns
                        and ((own.team and each.team == own.team) or own.groups & each.groups)))  # fmt: skip


def whose_turn(
    fact: CallbackFact, rules: CallbackSettings, known: Collection[str], team: Iterable[str], now: float
) -> Turn:
    """``known`` are the agents of the configuration, ``team`` the mates of the callback's agent."""
    own = fact.agent
    if not own:
        return Turn(None, "anyone may take it")
    if own not in known:
        return Turn(None, f"agent {own} is not configured any more: anyone may take it")
    own_until = fact.due_at + rules.own_s
    if now < own_until:
        return Turn((own,), f"agent {own} promised it: nobody else may take it before {utc(own_until)}", own_until)
    both = (own, *team)
    team_until = own_until + (rules.team_s if len(both) > 1 else 0.0)
    if now < team_until:
        until = f"nobody but {own}'s team may take it before {utc(team_until)}"
        return Turn(both, f"agent {own} had no time for {rules.own_s / 60:g} min: {until}", team_until)
    if rules.away is Away.LATER:
        late = f"neither agent {own} nor their team had time: again at {utc(now + rules.later_s)}"
        return Turn((), late, later=True)
    if rules.away is Away.WAIT:
        return Turn(both, f"agent {own} and their team have had no time so far")
    return Turn(None, f"neither agent {own} nor their team had time: anyone may take it", first=own)
