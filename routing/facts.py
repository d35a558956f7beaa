"""What a routing decision may look at, and what it says.

Owns the frozen facts of calls and agents, the policy and the decisions; no rule. Times are seconds since 1970, on
whatever clock the caller keeps, and never read here. Groups are all there is of "who serves what": a queue's team, the
agents of a campaign and a tier's own people are groups, named by whoever builds the facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Skills = tuple[tuple[str, int], ...]
"""What an agent can do: skill and level, from 1. In any order, each skill once."""

VIP_SEAT: Final = "vip"
"""The word in ``AgentFacts.dedicated`` of a seat that serves VIPs; any other word there is a tier's name."""


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    CALLBACK = "callback"
    """A call that the customer asked for, at a time that was agreed."""


class AgentState(StrEnum):
    """What routing must know of an agent's state."""

    FREE = "free"
    BUSY = "busy"
    """Being connected, talking, or holding somebody: comes back soon."""
    WRAP_UP = "wrap_up"
    PAUSED = "paused"
    AWAY = "away"
    """Logged out, or the phone is gone."""


class Choice(StrEnum):
    """Among agents who fit equally well, who is first."""

    LONGEST_IDLE = "longest_idle"
    MOST_SKILLED = "most_skilled"
    LEAST_OCCUPIED = "least_occupied"


@dataclass(frozen=True, slots=True)
class Need:
    """A skill that a call asks for. ``relax``: after so many seconds of waiting, this level will do (0: none).

    A need that is not ``required`` is a preference: it never keeps a call waiting.
    """

    skill: str
    level: int = 1
    required: bool = True
    relax: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """After so many seconds these groups may take the call too. No group: anyone may."""

    after_s: float = 0.0
    groups: frozenset[str] = frozenset()


ANYONE: Final = (Step(),)


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A customer on the line whom nobody serves yet.

    ``since``: when the wait began. ``target_s``: the wait that their tier may expect at most; for an outbound call
    the legal limit. ``steps``: who may take it, wider with time. ``own_agent`` is waited for until ``own_until``,
    unless they are paused or gone. ``owed``: had an agent already and lost them through no fault of theirs.
    ``node``: the switch that holds the call, empty where it does not matter.
    """

    id: str
    since: float
    direction: Direction = Direction.INBOUND
    number: str = ""
    person: str = ""
    queue: str = ""
    campaign: str = ""
    tier: str = "ordinary"
    vip: bool = False
    target_s: float = 20.0
    needs: tuple[Need, ...] = ()
    steps: tuple[Step, ...] = ANYONE
    own_agent: str | None = None
    own_until: float = 0.0
    owed: bool = False
    choice: Choice | None = None
    node: str = ""


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent as they are now.

    ``since``: when this state began. ``dedicated``: the seat serves only these: ``vip``, or names of tiers; empty
    for everybody's seat. ``reserved_for``: the id of the one call that may have them. ``occupancy``: the share of
    their recent time that was work, as it was when the state began; it must not move while they are free.
    """

    id: str
    state: AgentState
    since: float
    groups: frozenset[str] = frozenset()
    skills: Skills = ()
    dedicated: frozenset[str] = frozenset()
    reserved_for: str | None = None
    occupancy: float = 0.0
    node: str = ""

    @property
    def available(self) -> bool:
        """Free, and kept for nobody."""
        return self.state is AgentState.FREE and self.reserved_for is None


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """The knobs. Every advantage is a head start in seconds, so each of them is outweighed by waiting long enough.

    A call is due ``target_s`` after it began to wait, less its head starts; the earliest due is served first. Only
    VIPs stand outside: they are always first. ``own_limit_s`` and ``own_limit_targets``: a caller waits for their
    own agent for so many seconds at most, and so many times the target of their tier at most.
    """

    choice: Choice = Choice.LONGEST_IDLE
    own_limit_s: float = 60.0
    own_limit_targets: float = 3.0
    own_head_start_s: float = 120.0
    """For the pair of a caller and their own agent: who waits for somebody is not overtaken there."""
    outbound_head_start_s: float = 20.0
    """People whom we called have a legal limit of some two seconds, and did not choose to wait."""
    callback_head_start_s: float = 60.0
    owed_head_start_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Match:
    """This agent takes this call, and why. ``routing.waiting.why_nots`` says why nobody else does."""

    call: str
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """This call waits, and why. ``until``: when its own rules change next; None: until an agent comes free."""

    call: str
    reason: str
    until: float | None
