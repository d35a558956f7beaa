"""The engine's mutable records of third parties and of agents' own calls.

Owns the records only; they are kept in ``Live`` and written by the desks of parties, asides and own calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.domain.agent import AgentState

if TYPE_CHECKING:
    from dialer.engine.live import Agent, Call
    from dialer.engine.targets import Target


class PartyState(StrEnum):
    """Where a third party is."""

    RINGING = "ringing"
    ANSWERED = "answered"  # waits for the agent's line
    ASKED = "asked"  # whether it takes the caller
    TALKING = "talking"  # with the agent
    JOINING = "joining"  # waits for agent and customer, to make three
    THREE = "three"
    MOVING = "moving"  # waits for the customer
    MOVED = "moved"  # has the customer, without the agent


@dataclass(slots=True, eq=False)
class Party:
    """A third party's leg. ``guest``: it is the open line of another agent, not a leg of its own. Without a ``call``
    it is whom an agent called of their own.

    ``lent``: the agent who is kept from customers meanwhile: the guest, or an on-call agent whose phone is rung.
    ``follow``: it is a phone of a follow-me plan, and has no caller yet.
    """

    uuid: str
    node: str
    call: Call | None
    agent: Agent | None
    text: str
    state: PartyState
    trunk: str
    since: float
    guest: Agent | None = None
    lent: Agent | None = None
    follow: bool = False
    joins: int = 0  # how often it was joined with whom it is to talk to
    held: bool = False  # by the phone's own button
    hold_told: bool = False  # the switch knows, and plays music to whom it talks with
    hold_again: bool = False  # nobody answered, and it was asked once more
    misses: int = 0
    missed_at: float = 0.0


@dataclass(slots=True, eq=False)
class OwnCall:
    """A call of an agent's own. ``back``, ``reason`` and ``wrap_left``: what the agent did before and will do after."""

    ident: str
    target: Target
    began_at: float
    back: AgentState
    reason: str
    wrap_left: float = 0.0
    allowed: bool = False  # there is nothing against it: it may be rung
    party: Party | None = None
    answered_at: float | None = None
