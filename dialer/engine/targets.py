"""Whom an agent may ring: another agent, a seat, or an outside number, and by which rules.

Owns the meaning of the digits that an agent keys in as a number, and the dial rules of the agent's role. Pure: starts
nothing, changes nothing. What it says is wrong is said to the agent too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dialer.domain.acts import DialRule
from dialer.domain.agent import AgentState, Line
from dialer.domain.settings import SeatSettings
from dialer.engine.acts import Problem
from dialer.engine.live import Agent, Call, Live
from dialer.engine.trunks import TrunkDesk
from dialer.leads.errors import NumberError
from dialer.leads.numbers import normalise
from routing.trunks import Why


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ring: an ``agent`` with an open line, an ``address`` of a seat, or ``number`` through ``gateway``.

    ``rings``: the on-call agent whose phone that is. ``e164`` is an outside number as do-not-call lists know it, and
    ``verbatim`` one that is dialed as it was keyed in; one of the two is empty. ``cleared``: do-not-call lists and
    calling hours have nothing against it.
    """

    text: str
    agent: Agent | None = None
    rings: Agent | None = None
    address: str = ""
    profile: str = "internal"
    media_timeout_s: float = 0.0
    trunk: str = ""
    gateway: str = ""
    number: str = ""
    e164: str = ""
    verbatim: str = ""
    caller_id: str = ""
    campaign: str = ""
    cleared: bool = False

    @property
    def outside(self) -> bool:
        """Whether it costs anything."""
        return bool(self.gateway)


def find(trunks: TrunkDesk, agent: Agent, digits: str, call: Call | None = None) -> Target | str:
    """The target that ``digits`` mean to ``agent``, for the customer ``call`` or a call of their own; or what is wrong,
    in words.
    """
    live = trunks.live
    node = agent.node if call is None else call.node
    other = live.agents.get(digits)
    if other is not None:
        return _of_agent(agent, other, node)
    seat = live.settings.seats.get(digits)
    if seat is not None:
        sitting = next(
            (a for a in live.agents.values() if a.seat is seat and a.state is not AgentState.LOGGED_OUT), None
        )
        if sitting is not None:
            return _of_agent(agent, sitting, node)
        return of_seat(f"seat {digits}", seat)
    if not digits:
        return Problem("no number was given", "no-input")
    return _outside(trunks, agent, digits, call)


def _of_agent(agent: Agent, other: Agent, node: str) -> Target | str:
    name, there = other.settings.agent, other.node
    if other is agent:
        return Problem("this is the agent's own number", "number-invalid")
    if other.state is AgentState.LOGGED_OUT:
        return Problem(f"agent {name} is not logged in", "agent-not-logged-in")
    if other.state is not AgentState.READY or other.after_call is not None:
        return Problem(f"agent {name} is {other.state.value}", "party-busy")
    if not other.nailed_up:
        if other.leg is not None:
            return Problem(f"agent {name} is in a call", "party-busy")
        return of_seat(f"agent {name}", other.seat, rings=other)
    if other.line is not Line.PARKED or other.held:
        return Problem(f"agent {name} is in a call", "party-busy")
    if node and there != node:
        return Problem(f"agent {name} is on another switch", "party-unreachable")
    return Target(f"agent {name}", agent=other)


def of_seat(text: str, seat: SeatSettings, rings: Agent | None = None) -> Target:
    """The phone of a seat; ``rings``: that of this on-call agent."""
    return Target(
        text,
        rings=rings,
        address=seat.address,
        profile=seat.profile,
        media_timeout_s=seat.media_timeout_s,
        caller_id="dialer",
    )


def _outside(trunks: TrunkDesk, agent: Agent, digits: str, call: Call | None) -> Target | str:
    live = trunks.live
    rule = live.settings.phones.dial_rules.get(agent.settings.role)
    if rule is None:
        return Problem("no rule lets this role dial outside numbers", "number-not-allowed")
    known = _number(digits, rule)
    if isinstance(known, Problem):
        return known
    verbatim, e164 = known
    refused = rule.refuses(e164) if e164 else ""
    if refused:
        return Problem(refused, "number-not-allowed")
    target = Target(
        "an outside number", e164=e164, verbatim=verbatim, campaign=_campaign(live, agent, call)
    )
    return by_line(trunks, target, call)


def by_line(trunks: TrunkDesk, target: Target, call: Call | None = None) -> Target | Problem:
    """An outside target by the line that takes it at this moment, or why none does; another target as it is. Asked when
    the digits are keyed in, and again when the store has let the number pass: a line may be full or sick by then."""
    if not (target.e164 or target.verbatim):
        return target
    live, own = trunks.live, trunks.live.campaigns.get(target.campaign)
    lines = [] if own is None else trunks.lines(own)
    if call is not None and not lines:
        lines = [trunk for trunk in (live.trunks.get(call.trunk),) if trunk is not None]
    if not lines:
        return Problem("no trunk for outside numbers", "party-unreachable")
    choice = trunks.choice(lines, target.e164 or target.verbatim, own)
    if choice.trunk is None:
        busy = any(why is Why.SPEED for _, why in choice.passed)
        told = "; ".join(f"trunk {name}: {why}" for name, why in choice.why_nots)
        return Problem(told, "try-again" if busy else "party-unreachable")
    return replace(
        target,
        trunk=choice.trunk,
        gateway=live.trunks[choice.trunk].settings.gateway,
        number=target.verbatim or choice.dial,
        caller_id=choice.shown or "",
    )


def _number(digits: str, rule: DialRule) -> tuple[str, str] | Problem:
    """What is dialed as it is keyed in, or the number in E.164; one of the two is empty."""
    if digits in rule.short:
        return digits, ""
    plus = digits.startswith(("+", "00"))
    raw = digits if not plus else f"+{digits.lstrip('+').removeprefix('00')}"
    try:
        return "", normalise(raw if plus or rule.region else f"+{digits}", rule.region or None)
    except NumberError as error:
        return Problem(f"not a number that can be dialed: {error}", "number-invalid")


def _campaign(live: Live, agent: Agent, call: Call | None) -> str:
    """Whose trunk, caller ID and calling hours hold: the customer's campaign, or the agent's last or first one."""
    if call is not None:
        return call.campaign.name
    calls_out = {name for name, each in live.settings.campaigns.items() if each.queue is None}
    if agent.last_campaign in calls_out:
        return agent.last_campaign or ""
    return min(agent.settings.campaigns & calls_out, default="")
