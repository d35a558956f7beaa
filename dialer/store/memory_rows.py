"""Rows of the store in memory.

Owns what a lead, a number, an attempt and a do-not-call entry hold there; ``memory`` alone changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialer.domain.commands import CloseAttempt, OpenAttempt
from dialer.domain.lead import LeadState


@dataclass(slots=True, eq=False)
class MemoryNumber:
    """A number of a lead."""

    number_id: int
    e164: str
    zones: tuple[str, ...]
    dead: bool = False
    line_type: str = ""


@dataclass(slots=True, eq=False)
class MemoryLead:
    """A lead as the store sees it. ``current`` indexes ``numbers``."""

    lead_id: int
    list_name: str
    person: str
    numbers: list[MemoryNumber]
    name: str = ""
    priority: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    state: LeadState = LeadState.READY
    reason: str = ""
    due_at: float = 0.0
    attempts: int = 0
    current: int = 0
    claim_epoch: int = 0
    claim_campaign: str = ""
    lease_until: float = 0.0
    last_outcome: str = ""


@dataclass(slots=True, eq=False)
class MemoryAttempt:
    """An attempt; open while ``closed`` is None. ``epoch`` is the run that opened it."""

    opened: OpenAttempt
    epoch: int
    rang_at: float | None = None
    answered_at: float | None = None
    bridged_at: float | None = None
    agent: str | None = None  # whom NoteBridge named
    clock_at: float | None = None
    heard: str = ""
    heard_reason: str = ""
    closed: CloseAttempt | None = None  # with what was noted before, where it said nothing itself


@dataclass(frozen=True, slots=True)
class MemoryDoNotCall:
    """An entry; ``campaign`` empty for all, ``expires_at`` None for ever."""

    value: str
    by_prefix: bool = False
    campaign: str = ""
    expires_at: float | None = None
