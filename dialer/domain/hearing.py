"""What is heard of a callee, and what is asked of the listeners: facts and orders of the hearing room.

Owns the vocabulary only. How sound is judged is ``dialer.hearing``'s; what the engine makes of it is
``dialer.engine.screening``'s. All times are of the engine clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


HearingEvent = Heard | BeepHeard | QuietHeard | AnnouncementHeard

# ---- orders ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listen:
    """Listen to a leg: the switch is told to record what the callee says to where the listeners read it.

    Only when the leg has media (183 or answered). One that is listened to while it rings is listened to over the same
    recording when it is answered.

    ``since`` is the answer (or the first ring, for EARLY): the time bound of the verdict counts from it.
    """

    node: str
    uuid: str
    kind: ListenKind
    since: float


@dataclass(frozen=True, slots=True)
class StopListening:
    """End the tap on a leg and forget what was heard. Harmless when nobody listens."""

    node: str
    uuid: str


HearingCommand = Listen | StopListening
