"""What the engine works from: campaigns, trunks, agents and seats as frozen settings.

Built from the checked configuration by ``dialer.settings``. Owns no file format and no defaults that an operator
could change: those are in ``config.schema``. All durations in seconds, ratios 0–1, windows in minutes of the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dialer.domain.acts import PhoneSettings
from dialer.domain.agentless import AgentlessSettings
from dialer.domain.callbacks import CallbackSettings
from dialer.domain.hearing import NOT_SCREENED, ScreeningSettings
from dialer.domain.inbound import InboundSettings, QueueSettings
from dialer.domain.outcomes import Outcome
from dialer.domain.recordings import NOT_RECORDED, RecordingPolicy
from dialer.domain.routing import RoutingSettings
from pacing.settings import CampaignPacing
from routing.caller_ids import ReputationPolicy
from routing.costs import CostTable
from routing.health import HealthPolicy
from routing.trunks import Rewrite

MACHINE_DISPOSITIONS = ("machine", "answering_machine")
"""An agent's words, unless a campaign names others, that say that no person answered."""


class Mode(StrEnum):
    """How a campaign starts its calls. A queue of callers is one that starts none."""

    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    RATIO = "ratio"
    PREDICTIVE = "predictive"
    AGENTLESS = "agentless"
    INBOUND = "inbound"


class SeatMode(StrEnum):
    """How an agent's phone is reached."""

    NAILED_UP = "nailed_up"  # the line stays open between customers
    ON_CALL = "on_call"  # the phone is rung for each customer


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """One gateway of the switch. ``channels`` caps legs at a time, ``calls_per_second`` new ones.

    Our calls leave ``reserved_inbound`` of the channels alone. ``rewrite`` comes before ``prefix`` and ``strip_plus``,
    ``pool`` (a name among the engine's) before ``caller_id``; with ``cli_allotted_only`` only ``allotted`` are shown.
    """

    name: str
    gateway: str
    channels: int
    calls_per_second: float
    caller_id: str
    prefix: str = ""
    strip_plus: bool = True
    reserved_inbound: int = 0
    rewrite: tuple[Rewrite, ...] = ()
    costs: CostTable | None = None
    pool: str = ""
    allotted: frozenset[str] = frozenset()
    cli_allotted_only: bool = False

    @property
    def outbound(self) -> int:
        """How many channels calls of ours may take."""
        return max(0, self.channels - self.reserved_inbound)

    @property
    def rewrites(self) -> tuple[Rewrite, ...]:
        """All rules: of equally long prefixes the first counts, so what was written for all numbers is heeded."""
        plain = (Rewrite("", 0, self.prefix), *((Rewrite("+", 1, self.prefix),) if self.strip_plus else ()))
        return (*self.rewrite, *plain)


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Numbers to show, each at most ``daily_cap`` times a day (None: without end)."""

    name: str
    numbers: tuple[str, ...]
    daily_cap: int | None = None


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How lines out are chosen. ``zone`` says when a day of the pools' caps begins: at its midnight."""

    pools: Mapping[str, PoolSettings] = field(default_factory=dict)
    zone: str = "UTC"
    health: HealthPolicy = field(default_factory=HealthPolicy)
    reputation: ReputationPolicy = field(default_factory=ReputationPolicy)


@dataclass(frozen=True, slots=True)
class SeatSettings:
    """A place with a phone. ``address`` is ``user/1001`` or ``sip:1001@host:port``."""

    seat: str
    address: str
    mode: SeatMode
    profile: str = "internal"
    ring_timeout_s: float = 20.0
    media_timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """A person who may log in. ``campaigns`` are the names this agent serves, ``role`` says what they may dial and do.

    A supervisor with a ``team`` supervises that team only. ``groups`` and ``skills`` (name and level) are what calls
    are routed by.
    """

    agent: str
    name: str
    seat: str
    campaigns: frozenset[str]
    login_at_start: bool = False
    role: str = "agent"
    team: str = ""
    groups: frozenset[str] = frozenset()
    skills: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RecycleRule:
    """What happens to a lead after an outcome: again after ``after_s``, at most ``max_times``, or done (None)."""

    after_s: float | None
    max_times: int = 1_000_000


@dataclass(frozen=True, slots=True)
class CallWindows:
    """When a campaign may dial, in the callee's local time.

    ``days`` holds seven tuples (Monday first) of ``(start_minute, end_minute)``, end exclusive, 0–1440.
    """

    days: tuple[tuple[tuple[int, int], ...], ...]
    default_zone: str


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """One campaign. ``wait_limit_s`` is the abandon clock, from the answer to the agent; with ``agentless`` (given in
    that mode, and only then) from the key that asks for one.

    An attempt whose last disposition is one of ``machine_dispositions`` was not answered by a person. ``ledger_days``
    is how far back the store tells answers at a start: as long as the longest window of the abandon rate. Without
    ``pacing`` its defaults hold. ``trunk`` is the first of its lines out, ``further_trunks`` are the others, in order
    of preference; without ``caller_id`` the line's own is shown. ``shift_ends`` is the minute of the day, in the
    windows' zone, when its agents go home, if somebody said so. ``whisper`` is what an agent hears of a customer who
    comes: name, tier, campaign.

    A ``queue`` (mode inbound, and only then) has no lists, and ``wait_limit_s`` is how long a caller may wait in it.
    """

    name: str
    mode: Mode
    lists: tuple[str, ...]
    trunk: str
    message: str
    windows: CallWindows
    caller_id: str = ""
    lines_per_agent: float = 1.0
    ring_timeout_s: float = 30.0
    min_ring_s: float = 15.0
    wait_limit_s: float = 2.0
    wrap_up_s: float = 30.0
    preview_timeout_s: float = 30.0
    preview_on_timeout: str = "skip"  # skip | dial | pause
    preview_misses: int = 3  # so many leads in a row without an answer pause the agent; 0: never
    preview_rings: bool = True  # an on-call phone is rung when the lead is shown, not only once it was accepted
    max_attempts: int = 5
    hopper_size: int = 100
    lease_s: float = 300.0
    autostart: bool = True
    recycle: Mapping[Outcome, RecycleRule] = field(default_factory=dict)
    dispositions: tuple[str, ...] = ()
    machine_dispositions: tuple[str, ...] = MACHINE_DISPOSITIONS
    ledger_days: float = 31.0
    pacing: CampaignPacing | None = None
    shift_ends: int | None = None
    recording: RecordingPolicy = NOT_RECORDED
    whisper: tuple[str, ...] = ()
    screening: ScreeningSettings = NOT_SCREENED
    agentless: AgentlessSettings | None = None
    queue: QueueSettings | None = None
    callbacks: CallbackSettings | None = None  # None: kept, and dialed by nobody
    further_trunks: tuple[str, ...] = ()

    @property
    def trunks(self) -> tuple[str, ...]:
        """All its lines out."""
        return (self.trunk, *self.further_trunks)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Everything the engine needs to know before the first event.

    ``epoch`` names this run of this dialer, ``instance`` the dialer itself (empty: there is but one); ``nodes`` are the
    switches, with the legs each may carry. ``ends_at`` (engine clock) is when dialing is going to end, if somebody said
    so. ``hearing`` names the nodes whose callees can be listened to.
    """

    epoch: str
    nodes: Mapping[str, int]
    trunks: Mapping[str, TrunkSettings]
    seats: Mapping[str, SeatSettings]
    agents: Mapping[str, AgentSettings]
    campaigns: Mapping[str, CampaignSettings]
    resync_interval_s: float = 30.0
    decide_every_s: float = 0.1
    ends_at: float | None = None
    phones: PhoneSettings = field(default_factory=PhoneSettings)
    hearing: frozenset[str] = frozenset()
    lines: LineSettings = field(default_factory=LineSettings)
    routing: RoutingSettings = field(default_factory=RoutingSettings)
    inbound: InboundSettings = field(default_factory=InboundSettings)
    instance: str = ""


def callers_dialed_by(campaigns: Mapping[str, CampaignSettings], queue: str, returned: str) -> str:
    """The campaign that dials a caller's callback; empty: none. The one whose call they ``returned``, if it calls
    anybody back, else their queue's."""
    own, here = campaigns.get(returned), campaigns.get(queue)
    if own is not None and own.callbacks is not None:
        return returned
    return here.queue.callback_campaign if here is not None and here.queue is not None else ""
