"""Everything that can reach the engine, as frozen facts.

Owns the inbox vocabulary: what the switch reports, what the store answers, what operators ask. What the switch reports
of a leg carries when it happened (``at``, engine clock): after a standstill that is long before it is read and handled.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.domain.callbacks import CallbackAnswer
from dialer.domain.hearing import CalleeRecorded, HearingEvent
from dialer.domain.inbound import InboundAnswer, InboundEvent, OpenInboundFact
from dialer.domain.lead import ClaimedLead
from dialer.domain.lines import ShownFact
from dialer.domain.phones import PhoneAnswer, PhoneEvent, PhoneOrder


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: due timers fire."""


# ---- from the switch ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SwitchUp:
    """The event socket to ``node`` is authenticated and subscribed."""

    node: str


@dataclass(frozen=True, slots=True)
class SwitchDown:
    """The event socket to ``node`` is gone; its calls may well go on."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class SwitchGap:
    """Events of ``node`` were lost: the state must be compared with the switch."""

    node: str
    dropped: int


@dataclass(frozen=True, slots=True)
class LegRinging:
    """180 or 183 on a leg."""

    uuid: str
    at: float
    early_media: bool = False


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The far end answered. ``read_at`` is when the event was read from the socket; None: at once."""

    uuid: str
    at: float
    read_at: float | None = None


@dataclass(frozen=True, slots=True)
class LegsBridged:
    """Two legs hear each other."""

    a_uuid: str
    b_uuid: str
    at: float


@dataclass(frozen=True, slots=True)
class LegUnbridged:
    """A bridge ended on this leg."""

    uuid: str
    at: float


@dataclass(frozen=True, slots=True)
class LegParked:
    """CHANNEL_PARK: an agent's leg waits for a customer."""

    uuid: str
    at: float


@dataclass(frozen=True, slots=True)
class LegHungUp:
    """A leg is gone, with the switch's words for why."""

    uuid: str
    at: float
    cause: str
    q850: int | None = None
    sip_status: str | None = None
    hangup_disposition: str | None = None
    billsec: float | None = None


@dataclass(frozen=True, slots=True)
class OriginateReplied:
    """The answer to an originate: ``cause`` is the switch's word when not ``ok``."""

    uuid: str
    ok: bool
    cause: str = ""


@dataclass(frozen=True, slots=True)
class BridgeReplied:
    """The answer to a uuid_bridge; ``ok`` only says that it was accepted."""

    call_uuid: str
    agent_uuid: str
    ok: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """Any other command on a leg was refused or could not be sent."""

    uuid: str
    command: str
    error: str


@dataclass(frozen=True, slots=True)
class ChannelFact:
    """One channel of ours as the switch lists it.

    ``kind`` is ``call``, ``agent``, ``inbound`` or ``fallback`` for a caller's leg (``ident`` is the number that was
    called, ``caller`` what its network said), or ``seat`` for a leg by which a phone called us; ``ident`` is the
    attempt, agent or seat of its presence data.
    ``answered`` and ``peer`` (the other leg's UUID when bridged) come from the channel's state. ``held``: by the
    phone's own hold button.
    """

    uuid: str
    kind: str
    ident: str
    answered: bool
    peer: str | None
    created_at: float
    parked: bool = False
    held: bool = False
    caller: str = ""


@dataclass(frozen=True, slots=True)
class SwitchSnapshot:
    """All our channels on ``node``; ``asked_at`` is the engine clock when the question was sent."""

    node: str
    asked_at: float
    channels: tuple[ChannelFact, ...]
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class SnapshotFailed:
    """The switch could not be asked."""

    node: str
    error: str


# ---- from the store ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeadsClaimed:
    """The answer to ClaimLeads. ``next_due_at`` (engine clock) is when more may be due, None when nothing is."""

    campaign: str
    leads: tuple[ClaimedLead, ...]
    asked: int
    next_due_at: float | None = None
    left: int = 0


@dataclass(frozen=True, slots=True)
class AttemptOpened:
    """The gate let this attempt through and it is committed."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class AttemptRefused:
    """The gate said no. ``rule`` is a short name (metrics), ``reason`` a sentence (people).

    ``keep`` is true when nothing is wrong with the lead itself (the store is in trouble).
    """

    attempt_id: str
    rule: str
    reason: str
    keep: bool = False


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store cannot write: dialing stops until StoreRecovered."""

    error: str


@dataclass(frozen=True, slots=True)
class StoreRecovered:
    """The store writes again."""


@dataclass(frozen=True, slots=True)
class OpenAttemptFact:
    """An attempt that a former run left open, with what that run had written of it; None: it had not happened yet,
    or its writing was lost with the process."""

    attempt_id: str
    campaign: str
    lead_id: int
    number_id: int
    number: str
    person: str
    node: str
    opened_at: float
    attempts: int
    trunk: str = ""
    rang_at: float | None = None
    answered_at: float | None = None
    bridged_at: float | None = None
    clock_at: float | None = None  # where the abandon clock started, if later than the answer
    heard: str = ""  # the verdict on who answered
    zones: tuple[str, ...] = ()
    callback: int = 0


@dataclass(frozen=True, slots=True)
class AgentFact:
    """An agent whom a former run left logged in. ``state`` is paused or ready.

    ``seat`` and ``line`` are as the last LogAgentState said; a seat that is not configured is an outside phone's.
    """

    agent: str
    state: str
    reason: str = ""
    seat: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """An attempt that ended. ``attempt_no`` counts its lead's earlier ones, ``prior_outcome`` is the last of them's.

    Names are empty when unknown; times are as the dialers wrote them and may be nonsense after a clock stepped.
    """

    opened_at: float
    rang_at: float | None
    answered_at: float | None
    bridged_at: float | None
    ended_at: float
    outcome: str
    list_name: str
    attempt_no: int
    line_type: str
    prior_outcome: str


@dataclass(frozen=True, slots=True)
class PacingFact:
    """What the store knows for the pacing of one campaign, of all dialers that ran it.

    ``state`` is the last SavePacing of this dialer (empty when none), ``state_at`` its time. Every attempt that a
    person answered, from a whole hour ``ledger_days`` ago on, is in exactly one of ``answers_recent`` (``(answered_at,
    outcome)`` of at least the last 25 h, by time; outcome connected, abandoned or hung_up_early) and
    ``answers_hourly`` (``(start of a whole UTC hour, answered, abandoned)``). ``unknown``: when attempts ended
    since then of which nobody knows whether a person answered (their dialer was dead); the newest 5,000, oldest first.
    ``history``: the last ended attempts, oldest first.
    """

    campaign: str
    state: str = ""
    state_at: float = 0.0
    answers_recent: tuple[tuple[float, str], ...] = ()
    answers_hourly: tuple[tuple[float, int, int], ...] = ()
    unknown: tuple[float, ...] = ()
    history: tuple[HistoryRow, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordingFact:
    """A recording that went on when the former run ended, or whose file is still to be brought here (``to_upload``).

    As SaveRecording told it: ``masked_at`` is where a silence begins that nobody has ended.
    """

    attempt_id: str
    campaign: str
    agent: str
    node: str
    path: str
    started_at: float
    duration_s: float
    masked: tuple[tuple[float, float], ...]
    masked_at: float | None
    to_upload: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the store knows of the former run; sent once, before the first SwitchUp.

    ``mark`` is how the UUIDs of this instance's legs begin (hexadecimal digits), the same over restarts: two dialers
    on one switch know their legs by it. Empty: every leg is ours. ``pacing`` has a fact for each configured campaign
    that is not a preview, by name.
    """

    attempts: tuple[OpenAttemptFact, ...] = ()
    agents: tuple[AgentFact, ...] = ()
    campaigns: tuple[tuple[str, str], ...] = ()  # (name, state) as operators left them
    mark: str = ""
    pacing: tuple[PacingFact, ...] = ()
    recordings: tuple[RecordingFact, ...] = ()
    inbound: tuple[OpenInboundFact, ...] = ()
    shown: tuple[ShownFact, ...] = ()


# ---- from operators ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentLogin:
    """Log an agent in, at ``seat`` or at the agent's own."""

    request_id: int
    agent: str
    seat: str | None = None


@dataclass(frozen=True, slots=True)
class AgentLogout:
    """Log an agent out; a conversation is ended first by the parties, not by us."""

    request_id: int
    agent: str


@dataclass(frozen=True, slots=True)
class AgentPause:
    """Take no further customers, with a reason."""

    request_id: int
    agent: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentReady:
    """Take customers; ends wrap-up early."""

    request_id: int
    agent: str


@dataclass(frozen=True, slots=True)
class PreviewAccept:
    """The agent wants to call the lead shown."""

    request_id: int
    agent: str


@dataclass(frozen=True, slots=True)
class PreviewSkip:
    """The agent does not want to call the lead shown."""

    request_id: int
    agent: str


@dataclass(frozen=True, slots=True)
class AgentDispose:
    """The agent's word on the last call."""

    request_id: int
    agent: str
    code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CampaignOrder:
    """START, PAUSE or STOP a campaign (a CampaignTrigger value)."""

    request_id: int
    campaign: str
    order: str


@dataclass(frozen=True, slots=True)
class RestoreNumber:
    """Show one of our numbers again that rests or is retired, as if it had never been judged; ``reason`` says why."""

    request_id: int
    number: str
    reason: str

    def __repr__(self) -> str:
        """Without the number: reprs end up in logs."""
        return f"RestoreNumber(request_id={self.request_id!r})"


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Start no more calls; after ``drain_s`` hang up what is left, with outcome shutdown."""

    drain_s: float


SwitchEvent = (
    SwitchUp
    | SwitchDown
    | SwitchGap
    | LegRinging
    | LegAnswered
    | LegsBridged
    | LegUnbridged
    | LegParked
    | LegHungUp
    | OriginateReplied
    | BridgeReplied
    | CommandRefused
    | SwitchSnapshot
    | SnapshotFailed
    | PhoneEvent
    | InboundEvent
)
StoreEvent = (
    LeadsClaimed
    | AttemptOpened
    | AttemptRefused
    | StoreFailed
    | StoreRecovered
    | Recovered
    | PhoneAnswer
    | CallbackAnswer
    | InboundAnswer
)
OperatorEvent = (
    AgentLogin
    | AgentLogout
    | AgentPause
    | AgentReady
    | PreviewAccept
    | PreviewSkip
    | AgentDispose
    | CampaignOrder
    | RestoreNumber
    | Shutdown
    | PhoneOrder
)
Event = Tick | SwitchEvent | StoreEvent | HearingEvent | CalleeRecorded | OperatorEvent
