"""Everything the engine can ask of the world, as frozen orders.

Owns the outbox vocabulary: what the switch driver sends, what the store writes, what operators are told. The
engine never sees how an order is carried out; each order that can fail comes back as an event.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.domain.callbacks import CallbackOrder
from dialer.domain.desk_records import DeskRecord
from dialer.domain.hearing import HearingCommand, TapLeg, UntapLeg
from dialer.domain.inbound import AskVip, InboundCommand, InboundRecord
from dialer.domain.lines import SaveShownNumber
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import CheckNumber, CheckPin, PhoneCommand, PrepareSpeech

# ---- to the switch -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OriginateCall:
    """Dial a customer under ``uuid`` (the attempt id). Only for an attempt that the gate has committed.

    Answered, the leg waits ``wait_ms`` in silence, hears ``message`` and is hung up by the switch itself, unless a
    bridge comes first; with a ``script`` it hears those sounds instead. With ``early_media`` what a carrier plays while
    it rings can be recorded.
    """

    node: str
    uuid: str
    campaign: str
    number: str
    gateway: str
    caller_id: str
    ring_timeout_s: float
    wait_ms: int
    message: str
    epoch: str
    early_media: bool = False
    script: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OriginateAgent:
    """Ring an agent's phone under ``uuid`` and park the leg, again after each conversation."""

    node: str
    uuid: str
    agent: str
    address: str
    profile: str
    ring_timeout_s: float
    auto_answer: bool
    media_timeout_s: float
    caller_id: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """Join a waiting customer and a parked agent. ``answered_at`` is when the ANSWER was read (engine clock)."""

    node: str
    call_uuid: str
    agent_uuid: str
    answered_at: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a leg. For a ringing customer the engine has checked the minimum ring."""

    node: str
    uuid: str
    cause: str


@dataclass(frozen=True, slots=True)
class ParkLeg:
    """Put an agent's leg back to park (cures the limbo after a customer who left too early)."""

    node: str
    uuid: str


@dataclass(frozen=True, slots=True)
class WaitAgain:
    """Put an answered customer whose bridge failed back into the bounded wait, then the message."""

    node: str
    uuid: str
    wait_ms: int
    message: str


@dataclass(frozen=True, slots=True)
class Recite:
    """Say ``sounds`` to an answered customer from now on, one after the other; then the switch hangs up by itself."""

    node: str
    uuid: str
    sounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """List the channels of a node."""

    node: str


# ---- to the store ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimLeads:
    """Claim up to ``count`` due leads of a campaign's lists for ``lease_s``."""

    campaign: str
    count: int
    lease_s: float


@dataclass(frozen=True, slots=True)
class ReleaseLeads:
    """Give claimed leads back, due again after ``after_s`` seconds."""

    campaign: str
    lead_ids: tuple[int, ...]
    reason: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """Ask the gate, and write the attempt if it lets it through. ``opened_at`` on the engine clock.

    ``shown`` is the number that the callee sees. ``retries``: so many attempts on this lead have just failed on other
    lines before anything rang; the cap of attempts leaves them out.
    """

    attempt_id: str
    campaign: str
    lead_id: int
    number_id: int
    number: str
    person: str
    node: str
    trunk: str
    agent: str | None
    opened_at: float
    shown: str = ""
    retries: int = 0
    callback: int = 0  # dialed for this one, which this run has claimed
    tier: str = ""  # the customer's, for reports


@dataclass(frozen=True, slots=True)
class NoteAnswer:
    """Write that a call was answered, while it is open: the answer must survive a crash of this process.

    Times on the engine clock. May be written behind and repeated; an unknown or ended attempt is left alone.
    """

    attempt_id: str
    rang_at: float | None
    answered_at: float


@dataclass(frozen=True, slots=True)
class NoteBridge:
    """Write that a customer and an agent hear each other; otherwise like NoteAnswer."""

    attempt_id: str
    bridged_at: float
    agent: str


@dataclass(frozen=True, slots=True)
class NoteHeard:
    """Write what was heard on a call; otherwise like NoteAnswer.

    ``verdict`` is a Verdict's value, or an Announcement's while it rang. ``clock_at`` is where the abandon clock
    started if that was later than the answer.
    """

    attempt_id: str
    verdict: str
    reason: str
    clock_at: float | None = None


@dataclass(frozen=True, slots=True)
class CloseAttempt:
    """Write how an attempt ended and where its lead goes. Idempotent by ``attempt_id``.

    Times on the engine clock; None leaves what NoteAnswer and NoteBridge have written. ``lead_done`` with
    ``lead_reason``, or due again after ``recycle_after_s``.
    ``number_dead`` marks the number so that it is not dialed again. With ``again`` the lead stays claimed instead: it
    is tried on another line at once, as an attempt of its own.
    """

    attempt_id: str
    lead_id: int
    number_id: int
    outcome: Outcome
    reason: str
    ended_at: float
    rang_at: float | None = None
    answered_at: float | None = None
    bridged_at: float | None = None
    agent: str | None = None
    cause: str = ""
    sip_status: str = ""
    lead_done: bool = False
    lead_reason: str = ""
    recycle_after_s: float = 0.0
    number_dead: bool = False
    again: bool = False
    callback: int = 0


@dataclass(frozen=True, slots=True)
class LogAgentState:
    """One line of the agent state log; may be written behind.

    ``line`` is the leg by which the agent called us; empty where we ring the seat.
    """

    agent: str
    seat: str
    state: str
    reason: str
    at: float
    attempt_id: str | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class SaveCampaignState:
    """Remember what operators ordered, for the next start."""

    campaign: str
    state: str
    at: float


@dataclass(frozen=True, slots=True)
class SavePacing:
    """Remember what pacing learned of a campaign, as JSON; the newest is kept, for each dialer its own."""

    campaign: str
    value: str
    at: float


@dataclass(frozen=True, slots=True)
class SaveDisposition:
    """The agent's word on an attempt."""

    attempt_id: str
    agent: str
    code: str
    note: str
    at: float


# ---- to people ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an operator's order."""

    request_id: int
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a log line: ``topic`` is a short constant, ``text`` a sentence, no full phone numbers."""

    level: str  # debug | info | warning | error
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Drained:
    """Shutdown is complete: no call and no agent leg is left."""

    calls_hung_up: int


SwitchCommand = (
    OriginateCall
    | OriginateAgent
    | Bridge
    | HangUp
    | ParkLeg
    | WaitAgain
    | Recite
    | TakeSnapshot
    | TapLeg
    | UntapLeg
    | PhoneCommand
    | InboundCommand
)
StoreCommand = (
    ClaimLeads
    | ReleaseLeads
    | OpenAttempt
    | NoteAnswer
    | NoteBridge
    | NoteHeard
    | CloseAttempt
    | LogAgentState
    | SaveCampaignState
    | SavePacing
    | SaveShownNumber
    | SaveDisposition
    | DeskRecord
    | CheckPin
    | CheckNumber
    | InboundRecord
    | CallbackOrder
)
Command = SwitchCommand | StoreCommand | HearingCommand | PrepareSpeech | AskVip | Reply | Note | Drained
