"""What a pacing policy may look at, and what it returns.

Owns the frozen inputs and outputs of all policies. Ages and durations are seconds at the moment of the snapshot,
chances and shares 0–1. ``Snapshot`` serves the rules that count free agents only (progressive, ratio, preview),
``Counts`` the published rules that the benchmark compares with, ``Ask`` the predictive one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pacing.leads import LeadFacts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One campaign at one moment.

    ``free`` counts ready agents with an open line that no call of another campaign is going to need, ``pending`` the
    calls started that may still ask for an agent. ``lines_per_agent`` is the campaign's setting.
    """

    campaign: str
    at: float
    free: int
    pending: int
    lines_per_agent: float = 1.0


@dataclass(frozen=True, slots=True)
class Ask:
    """What a campaign of the pool could start now: ``room`` calls at most, these leads next in its hopper.

    ``limited_by`` says in words what leaves no more room.
    """

    campaign: str
    room: int
    leads: tuple[LeadFacts, ...]
    limited_by: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """One campaign in numbers, for rules that look at no more than these.

    ``ringing`` counts calls that are not answered yet, ``in_existence`` all calls, conversations included.
    ``answered_today`` and ``abandoned_today`` count since midnight UTC. ``answer_probability``, ``ring_mean_s`` (a
    dial's mean life without an agent) and ``hold_mean_s`` (talk and wrap-up) are long-run means.
    """

    at: float
    campaign: str
    ready: int
    talking: int
    wrap: int
    reserved: int
    away: int
    waiting: int
    ringing: int
    in_existence: int
    dialed: int
    answered_today: int
    abandoned_today: int
    answer_probability: float
    ring_mean_s: float
    hold_mean_s: float
    closing_at: float = float("inf")

    @property
    def logged_in(self) -> int:
        """Agents at work; a paused one is logged in but not here."""
        return self.ready + self.talking + self.wrap + self.reserved


@dataclass(frozen=True, slots=True)
class Decision:
    """How many calls to start now (never negative), and why, for a person to read.

    ``picks`` are indexes into the ``leads`` of the ``Ask``, as many as ``lines``, when the policy chose among them.
    ``hang_up`` names ringing calls to end: each has rung at least the campaign's minimum.
    """

    lines: int
    reason: str
    hang_up: tuple[str, ...] = ()
    picks: tuple[int, ...] = ()


def counted(count: int, thing: str) -> str:
    """``1 free agent``, ``2 free agents``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def limited(started: int, limits: Sequence[str], reason: str) -> str:
    """What was started and what kept it to that, before the rule's own ``reason`` and what it wanted."""
    if not limits:
        return reason
    own = re.match(r"start (\d+)(?:: |\Z)", reason)
    if own is None:
        wanted = reason
    elif int(own[1]) == started:
        wanted = reason[own.end() :]
    else:
        wanted = f"wanted {reason.removeprefix('start ')}"
    return "; ".join([f"start {started}: {limits[0]}", *limits[1:], *([wanted] if wanted else [])])


class Policy(Protocol):
    """A rule that decides from counts alone, for one campaign; may keep a memory of its own."""

    def decide(self, counts: Counts) -> Decision:
        """How many calls to start now."""
        ...
