"""What the engine shows of itself: frozen views for the live view, the API and the metrics.

Owns shapes only. Built by ``Engine.status(now)``; holds no phone number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. ``since_s`` is how long in this state; ``attempt_id`` the call at hand or the last one."""

    agent: str
    name: str
    seat: str
    state: str
    reason: str
    line: str
    since_s: float
    calls: int
    attempt_id: str | None = None
    lead: Mapping[str, str] | None = None  # a preview's lead: id, name, fields; numbers masked


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign with its counters since this process started; ``abandon_rate`` is a ratio 0–1 of answers."""

    campaign: str
    mode: str
    state: str
    hopper: int
    exhausted: bool
    calls: Mapping[str, int]  # by call state
    attempts: int
    answered: int
    connected: int
    abandoned: int
    abandon_rate: float
    outcomes: Mapping[str, int]
    decision_lines: int
    decision_reason: str
    decided_ago_s: float | None
    refusals: Mapping[str, int]  # gate refusals by rule
    last_refusal: str = ""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One switch."""

    node: str
    up: bool
    synced: bool  # compared with the switch since the connection came up
    detail: str
    legs: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Status:
    """The whole engine at one moment."""

    at: float
    uptime_s: float
    draining: bool
    store_ok: bool
    store_detail: str
    agents: tuple[AgentView, ...]
    campaigns: tuple[CampaignView, ...]
    nodes: tuple[NodeView, ...]
    counters: Mapping[str, int]  # illegal events, resyncs, duplicates, ... by name
    busy_share: float  # (talk + wrap-up) / logged-in time of all agents since start, 0–1
