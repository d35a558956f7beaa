"""Calls that come in: the numbers that are called, menus, queues, and what is told of a caller between the rooms.

Owns these facts, orders and settings, and the names of how such a call ends (a contract with reports and API: exactly
one for each call that came in). A call that came in is no attempt: it is in no abandon rate and in no lead's count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dialer.domain.follow_me import FollowSettings
from dialer.domain.spoken import Spoken as Spoken
from dialer.domain.spoken import Words as Words
from dialer.domain.spoken import spoken as spoken
from routing.calendars import Calendar
from routing.facts import ANYONE, Choice, Need, Step
from routing.intake import Queue
from routing.outbound import NOT_RANKED, Rank
from routing.vip import Asked


class Ending(StrEnum):
    """How a call that came in ended. Exactly one for each."""

    SERVED = "served"  # spoke with an agent
    CALLBACK = "callback"  # hung up to be called back
    VOICEMAIL = "voicemail"  # left a message
    LOST = "lost"  # hung up while waiting in a queue
    LEFT = "left"  # hung up before: while it rang, in the greeting or in a menu
    CLOSED = "closed"  # called outside of the hours and was told so
    TURNED_AWAY = "turned_away"  # nobody had time, and the caller was told so
    REFUSED = "refused"  # before it was answered
    FALLBACK = "fallback"  # the switch sent it where calls go that no dialer takes
    INTERRUPTED = "interrupted"  # nobody saw how it ended
    SHUTDOWN = "shutdown"


UNSERVED_IN_QUEUE: Final = frozenset({Ending.LOST, Ending.TURNED_AWAY, Ending.FALLBACK, Ending.INTERRUPTED})
"""Endings by which a caller who waited in a queue was lost to it; a message or a wish to be called back is none."""


# ---- settings ----------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """Where a caller may be sent."""

    QUEUE = "queue"
    MENU = "menu"
    EXTENSION = "extension"  # keyed in by the caller: the agent at it
    AGENT = "agent"  # by their plan, or waited for in the queue
    FOLLOW = "follow"  # the phones of a plan
    MESSAGE = "message"
    VOICEMAIL = "voicemail"
    CALLBACK = "callback"
    REPEAT = "repeat"  # of a menu


@dataclass(frozen=True, slots=True)
class Way:
    """Where a caller is sent. ``name`` is the queue's, the menu's, the agent's or the plan's; ``words`` are said first,
    or are the message.

    With a ``language`` everything is said in that one from then on.
    """

    kind: Kind
    name: str = ""
    words: Words = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """Keys and where they lead. Who presses none within ``timeout_s`` after the words hears them again, ``repeats``
    times, and then goes ``otherwise``."""

    name: str
    words: Words
    keys: Mapping[str, Way]
    otherwise: Way
    timeout_s: float = 5.0
    repeats: int = 1
    unknown: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overflow:
    """After ``after_s`` of waiting, or when ``waiting`` others wait already, the caller goes ``way``."""

    way: Way
    after_s: float | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class CallbackOffer:
    """``key`` asks to be called back, offered by ``words`` once the wait has lasted ``after_s``; then ``noted`` is
    said. They are to be called ``due_s`` after they began to wait."""

    key: str
    words: Words
    noted: Words
    after_s: float = 20.0
    due_s: float = 0.0


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How callers wait. ``steps``, ``needs`` and ``choice`` are routing's.

    Words and place are told every ``announce_every_s``, when the switch is also told to let them wait on; without a
    dialer that tells it so the caller goes to the fallback. Who waits for their own agent hears ``own_words``, if there
    are some, in place of ``comfort``. A caller waits ``max_wait_s`` at most, then goes
    ``nobody``.
    ``handling_s`` is what a call is taken to cost an agent until it is known, ``target_s`` is the wait of the service
    level. ``callback_campaign`` dials callbacks of its callers; empty: they are only listed.
    """

    steps: tuple[Step, ...] = ANYONE
    needs: tuple[Need, ...] = ()
    choice: Choice | None = None
    music: str = ""
    announce_every_s: float = 30.0
    tells_place: bool = True
    tells_wait: bool = True
    comfort: Words = field(default_factory=dict)
    own_words: Words = field(default_factory=dict)
    callback: CallbackOffer | None = None
    overflow: tuple[Overflow, ...] = ()
    max_wait_s: float = 600.0
    nobody: Way = field(default_factory=lambda: Way(Kind.MESSAGE))
    target_s: float = 20.0
    handling_s: float = 180.0
    callback_campaign: str = ""


@dataclass(frozen=True, slots=True)
class NumberSettings:
    """A number that is called. ``regions`` are prefixes of callers, longest first, and the queue that is theirs.

    ``region`` is the country of callers whose numbers come without one. ``trunk`` is the line that it comes in by.
    """

    number: str
    way: Way
    queue: str
    calendar: Calendar | None = None
    closed: Way = field(default_factory=lambda: Way(Kind.MESSAGE))
    greeting: Words = field(default_factory=dict)
    regions: tuple[tuple[str, str], ...] = ()
    region: str = ""
    trunk: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class InboundSettings:
    """All of it. ``blacklist`` are numbers, or prefixes that end with ``*``. ``voicemail`` is where messages are kept,
    as the switch sees it; ``voicemail_s`` is the longest. Without an answer in ``judged_within_s`` a caller is taken as
    unknown. ``vip_within_s``: how long the business system is waited for; None: it is not asked. ``tier_words``: said
    to callers of a tier while they wait. ``plans`` are the follow-me plans, ``persons`` the plan of each agent who has
    one.
    """

    numbers: Mapping[str, NumberSettings] = field(default_factory=dict)
    menus: Mapping[str, Menu] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    blacklist: tuple[str, ...] = ()
    voicemail: str = ""
    voicemail_s: float = 120.0
    voicemail_thanks: Words = field(default_factory=dict)
    tier_words: Mapping[str, Words] = field(default_factory=dict)
    judged_within_s: float = 1.0
    vip_within_s: float | None = None
    plans: Mapping[str, FollowSettings] = field(default_factory=dict)
    persons: Mapping[str, str] = field(default_factory=dict)


# ---- from the switch ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerArrived:
    """A call came in, is not answered, and waits for a bounded time to be taken. ``caller`` is whatever its network
    said, of one line; the switch's dialplan says which of our numbers (``dialed``) was called, and which dialer is to
    take it: ``instance``, empty where it does not say.
    """

    node: str
    uuid: str
    dialed: str
    caller: str
    at: float
    instance: str = ""

    def __repr__(self) -> str:
        """Without the caller: reprs end up in logs."""
        return f"CallerArrived(node={self.node!r}, uuid={self.uuid!r}, dialed={self.dialed!r})"


@dataclass(frozen=True, slots=True)
class CallerFellBack:
    """The switch has sent a caller to where calls go that no dialer takes: they are not ours any more."""

    uuid: str
    at: float


# ---- from the business system ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VipTold:
    """The answer to AskVip: what the business system says, or said not long ago; None with ``problem``: nothing."""

    call_id: str
    asked: Asked | None
    problem: str = ""


# ---- from the store ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArrivalJudged:
    """The answer to JudgeArrival: what the caller is to us. ``problem``: why nobody could look; then they are unknown.

    ``own_limit_s`` is how long they wait for their own agent. ``campaign`` and ``lead_id`` (0: none) are those of the
    call of ours that they return, else the lead is the one that has their number.
    """

    call_id: str
    rank: Rank = NOT_RANKED
    target_s: float = 20.0
    own_limit_s: float = 0.0
    refused: bool = False
    lead_id: int = 0
    campaign: str = ""
    person: str = ""
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def __repr__(self) -> str:
        """Without the person: reprs end up in logs."""
        return f"ArrivalJudged(call_id={self.call_id!r}, rank={self.rank!r})"


@dataclass(frozen=True, slots=True)
class OpenInboundFact:
    """A call that came in and that a former run left open, with what that run had written of it."""

    call_id: str
    number: str
    dialed: str
    queue: str
    node: str
    arrived_at: float
    answered_at: float | None = None
    queued_at: float | None = None
    bridged_at: float | None = None
    agent: str = ""
    lead_id: int = 0
    person: str = ""
    tier: str = ""
    vip: bool = False
    campaign: str = ""


# ---- to the switch -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HoldCaller:
    """Answer a caller if that is not done yet, play ``sounds``, say ``prompts``, then ``music`` (empty: silence) for at
    most ``limit_ms``; whom nobody has taken or told anything by then, the switch sends to the fallback by itself.
    """

    node: str
    uuid: str
    sounds: tuple[str, ...]
    music: str
    limit_ms: int
    prompts: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class DismissCaller:
    """Answer a caller if that is not done yet, play ``sounds``, and hang up; with a ``path`` what they say is recorded
    to it before ``thanks`` is played, for at most ``limit_s``.
    """

    node: str
    uuid: str
    sounds: tuple[str, ...]
    path: str = ""
    limit_s: int = 0
    thanks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendToFallback:
    """Send a caller where calls go that no dialer takes."""

    node: str
    uuid: str


# ---- to the store ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenInbound:
    """Write that a call came in; the same again has no second effect. ``number`` is normalised, or empty."""

    call_id: str
    node: str
    trunk: str
    number: str
    dialed: str
    queue: str
    arrived_at: float


@dataclass(frozen=True, slots=True)
class AskVip:
    """Ask the business system whether the caller with this number is a VIP. Answered by ``VipTold``, if at all."""

    call_id: str
    number: str

    def __repr__(self) -> str:
        """Without the number: reprs end up in logs."""
        return f"AskVip(call_id={self.call_id!r})"


@dataclass(frozen=True, slots=True)
class JudgeArrival:
    """What is this caller to us? Answered at once, if only by a problem. ``kind`` and ``why`` are
    ``routing.callers``'s. ``asked``: what the business system said of them."""

    call_id: str
    number: str
    kind: str
    why: str
    dialed: str
    queue: Queue
    at: float
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class NoteInbound:
    """Write what is known of an open call that came in; None and empty leave what is there. ``campaign``: whose call of
    ours they return."""

    call_id: str
    answered_at: float | None = None
    queue: str = ""
    queued_at: float | None = None
    tier: str = ""
    vip: bool = False
    lead_id: int = 0
    person: str = ""
    reason: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class CloseInbound:
    """Write how a call that came in ended. Idempotent by ``call_id``. ``waited_s``: in queues, without an agent."""

    call_id: str
    ending: Ending
    reason: str
    ended_at: float
    answered_at: float | None = None
    bridged_at: float | None = None
    waited_s: float = 0.0
    agent: str = ""
    queue: str = ""
    voicemail: str = ""
    cause: str = ""


InboundEvent = CallerArrived | CallerFellBack
InboundAnswer = ArrivalJudged | VipTold
InboundCommand = HoldCaller | DismissCaller | SendToFallback
InboundRecord = OpenInbound | JudgeArrival | NoteInbound | CloseInbound
