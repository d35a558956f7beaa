"""What is heard of a callee, and what is asked of the listeners: facts and orders of the hearing room.

Owns the vocabulary only. How sound is judged is ``dialer.hearing``'s; what the engine makes of it is
``dialer.engine.screening``'s. All times are of the engine clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ListenKind(StrEnum):
    """What is listened for."""

    EARLY = "early"  # while it rings, with early media: announcements and tones of the network
    ANSWERED = "answered"  # after the answer: who greets, and the beep


class Verdict(StrEnum):
    """Who answered. UNSURE is always treated as a person."""

    HUMAN = "human"
    MACHINE = "machine"
    UNSURE = "unsure"


class Announcement(StrEnum):
    """What the network says instead of a callee."""

    DEAD_NUMBER = "dead_number"  # does not exist, is not in service: not to be dialed again
    SWITCHED_OFF = "switched_off"  # out of reach for now
    BUSY = "busy"
    CONGESTION = "congestion"  # the network is full or refuses: says nothing about the number
    UNKNOWN = "unknown"  # something was announced that nobody has taught us


class MachinePolicy(StrEnum):
    """What a campaign does with answering machines."""

    OFF = "off"  # nobody listens; every answer goes to an agent
    AGENT = "agent"  # every answer goes to an agent at once; who answered is written down
    HANG_UP = "hang_up"
    MESSAGE = "message"  # wait for the beep and leave the campaign's message


class Clock(StrEnum):
    """Where the time starts within which an agent must be there."""

    ANSWER = "answer"
    GREETING_END = "greeting_end"


GRACE_S: Final = 0.25
"""How much later than its bound a verdict may arrive: 0.1 s of silence put in for missing sound, and the way here."""


@dataclass(frozen=True, slots=True)
class ScreeningSettings:
    """One campaign's. ``limit_s`` is the abandon limit, ``margin_s`` what finding an agent and the bridge need of it.

    A verdict is waited for ``decide_within_s``, but never so long that the limit of the clock could be missed. A
    machine's beep is waited for ``beep_within_s``, and one that is quiet without a beep is left ``message``, too,
    unless ``message_after_quiet`` is off. ``dead_numbers``: calls that ring are listened to for announcements.
    ``record_share`` (0–1) of the machines are recorded.
    """

    policy: MachinePolicy = MachinePolicy.OFF
    clock: Clock = Clock.ANSWER
    limit_s: float = 2.0
    margin_s: float = 0.4
    decide_within_s: float = 4.0
    beep_within_s: float = 45.0
    message: str = ""
    message_after_quiet: bool = True
    dead_numbers: bool = False
    record_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.margin_s < self.limit_s:
            raise ValueError("margin_s must be above 0 and below limit_s")

    @property
    def screens(self) -> bool:
        """Whether anything is decided by what is heard of who answered."""
        return self.policy in (MachinePolicy.HANG_UP, MachinePolicy.MESSAGE)

    @property
    def listens(self) -> bool:
        """Whether answered calls are listened to at all."""
        return self.policy is not MachinePolicy.OFF


NOT_SCREENED: Final = ScreeningSettings()

# ---- facts -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """The one verdict on who answered ``call`` (the customer leg's UUID). Comes for every Listen to an answered leg
    that is not stopped before, within the time bound; UNSURE when nobody can listen.

    ``greeting_end_at``: when the person's greeting was over (the start of the 2-second clock), or ``at`` when they
    still spoke; None when no words were heard, and then the clock starts at the answer.
    """

    call: str
    verdict: Verdict
    reason: str
    at: float
    greeting_end_at: float | None = None


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """Whoever answered ``call`` speaks still, and nothing is judged yet: their greeting has not ended before ``at``."""

    call: str
    at: float


@dataclass(frozen=True, slots=True)
class BeepHeard:
    """A machine's beep is over: it records from here on."""

    call: str
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QuietHeard:
    """A machine's greeting is over and no beep was heard: it probably records, or the line is dead."""

    call: str
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnnouncementHeard:
    """The network's announcement on a call that rings. At most one for each call."""

    call: str
    what: Announcement
    reason: str
    at: float


HearingEvent = Heard | WordsHeard | BeepHeard | QuietHeard | AnnouncementHeard


@dataclass(frozen=True, slots=True)
class CalleeRecorded:
    """What a machine said on ``call`` is in a file of ``duration_s``, or why it is not (``problem``)."""

    call: str
    duration_s: float
    problem: str = ""

# ---- orders ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listen:
    """Listen to a leg: the switch is told to record what the callee says to where the listeners read it.

    Only when the leg has media (183 or answered). One that is listened to while it rings is listened to over the same
    recording when it is answered.

    ``since`` is the answer (or the first ring, for EARLY): the time bound of the verdict counts from it. ``record`` is
    a file of this machine (empty: none): what the callee said goes there if they are judged a machine, unless the end
    of listening takes that back.
    """

    node: str
    uuid: str
    kind: ListenKind
    since: float
    record: str = ""


@dataclass(frozen=True, slots=True)
class StopListening:
    """End the tap on a leg and forget what was heard, unless ``keep``: what a machine said then goes into the file that
    was named. Harmless when nobody listens.
    """

    node: str
    uuid: str
    keep: bool = False


HearingCommand = Listen | StopListening

# ---- to the switch, by the listeners' client ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TapLeg:
    """Record what the party on a leg says to ``path``, where the listeners read it while it grows."""

    node: str
    uuid: str
    path: str


@dataclass(frozen=True, slots=True)
class UntapLeg:
    """End that recording."""

    node: str
    uuid: str
    path: str
