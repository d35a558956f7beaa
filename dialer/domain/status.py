"""What the engine shows of itself: frozen views for the live view, the API and the metrics.

Owns shapes only. Built by ``Engine.status(now)``; holds no phone number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. ``since_s`` is how long in this state; ``attempt_id`` the call at hand or the last one.

    ``line``: none, dialing, parked (open and waiting), bridging (being joined), bridged (in a conversation), held by
    the phone's own button, or unsure (the conversation is over, the switch has not said what the line does).

    ``tier``, ``vip`` and ``tag`` are the customer's at hand, or those of the lead that is shown: a screen pops them up.
    """

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
    tier: str | None = None
    vip: bool = False
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class AbandonView:
    """One abandon window. ``left``: so many more calls may be abandoned at the answers so far (negative: too many).

    ``rate`` is now, ``projected`` at the period's end if everybody were served from now on; ratios 0–1.
    """

    window: str
    limit: float
    answered: float
    abandoned: float
    rate: float
    projected: float
    left: float


@dataclass(frozen=True, slots=True)
class PacingView:
    """What the last decision of a predictive campaign stood on; chances and shares 0–1.

    ``theta`` is the chance of finding nobody at which a call is still started, ``p_next`` that of the next one.
    ``hung_up_ringing`` counts since the start, ``hung_up_share`` is of the newest dials. ``origin``: from what pacing
    started.
    """

    theta: float
    p_next: float
    answer_probability: float
    hung_up_ringing: int
    hung_up_share: float
    decisions: int
    origin: str
    windows: tuple[AbandonView, ...]


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
    pacing: PacingView | None = None  # mode predictive only
    callbacks: Mapping[str, int] = field(default_factory=dict)  # open, due, late, dialing; empty: it dials none


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue of callers, with its counters since this process started.

    ``by_tier`` counts by tier: ``offered`` to the queue, then how each ended, ``in_target`` of those served, ``vip``,
    ``vip_waited``, ``unserved``, and those of no queue (``dialer.domain.tiers``). ``service_level`` is the share of the
    offered, but those who wait still, who were served within their tier's target, 0–1; who gave up was not. ``serving``
    agents are at work who may take its calls, ``free`` of them now.
    """

    queue: str
    waiting: int
    vips_waiting: int
    longest_wait_s: float
    serving: int
    free: int
    handling_s: float
    offered: int
    served: int
    lost: int
    service_level: float
    by_tier: Mapping[str, Mapping[str, int]]


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
class TrunkView:
    """One line out. ``legs`` take from what our calls may have, ``in_use`` are all channels in use: callers' too, of
    whom there are ``callers``. ``calls_now``: so many its speed takes at this moment; ``health`` says why it is in
    ``condition``.

    Counts since the start: ``chosen`` calls, ``gone_on`` that failed here and were tried elsewhere, ``ends`` by whose
    doing they were, ``passed`` calls that went elsewhere or waited, by why.
    """

    trunk: str
    legs: int
    channels: int
    reserved_inbound: int
    calls_per_second: float
    calls_now: int
    condition: str
    health: str
    rests_s: float
    probe_out: bool
    chosen: int
    gone_on: int
    ends: Mapping[str, int]
    passed: Mapping[str, int]
    in_use: int = 0
    callers: int = 0


@dataclass(frozen=True, slots=True)
class ShownView:
    """One number of a pool, masked; ``place`` counts from 1. ``dialed`` and ``answered``: since it was judged, for a
    ``reason``."""

    pool: str
    place: int
    number: str
    standing: str
    today: int
    daily_cap: int | None
    dialed: int
    answered: int
    rests: int
    rests_s: float
    reason: str = ""


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
    pacing_dropped: Mapping[str, int] = field(default_factory=dict)  # observations pacing could not believe, by kind
    queues: tuple[QueueView, ...] = ()
    trunks: tuple[TrunkView, ...] = ()
    shown: tuple[ShownView, ...] = ()
    tiers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # ended attempts by tier and outcome
