"""Screening of one answered call: what to do with what is heard of the callee.

Owns the rule from a campaign's policy, the verdict, beeps and time to the next step, and what an announcement makes of
a ringing call. Pure, and without the engine's records: whoever holds a ``Screening`` carries its steps out, and calls
``due`` when its time comes. Whatever is missing or doubtful sends the customer to an agent; only a clear machine is
hung up or left a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dialer.domain.hearing import (
    GRACE_S,
    Announcement,
    BeepHeard,
    Clock,
    Heard,
    MachinePolicy,
    QuietHeard,
    ScreeningSettings,
    Verdict,
    WordsHeard,
)
from dialer.domain.outcomes import Outcome

# ---- steps -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """Give the customer to an agent, by the limit from ``clock_at``; then the call is abandoned."""

    reason: str
    clock_at: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the leg silent until ``until``: a machine is speaking."""

    reason: str
    until: float


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """Play the campaign's message to the machine and hang up after it."""

    reason: str


@dataclass(frozen=True, slots=True)
class EndMachine:
    """Hang up: outcome machine."""

    reason: str


Step = Route | Hold | PlayMessage | EndMachine


class Phase(StrEnum):
    """Where a screening is."""

    LISTENING = "listening"
    HOLDING = "holding"  # for the beep
    PLAYING = "playing"
    ROUTED = "routed"
    ENDED = "ended"


class Screening:
    """One answered call. Each method returns the step to take now, or None."""

    __slots__ = ("_answered_at", "_settings", "clock_at", "due_at", "phase", "verdict")

    def __init__(self, settings: ScreeningSettings, answered_at: float) -> None:
        self._settings = settings
        self._answered_at = answered_at
        self.phase = Phase.LISTENING
        self.verdict: Heard | None = None
        """What was heard; with policy ``agent`` it comes after the customer was routed and is only written down."""
        self.due_at: float | None = None
        """When ``due`` must be called."""
        self.clock_at = answered_at
        """Where the clock starts at the earliest, as far as is known."""

    @property
    def screens(self) -> bool:
        """Whether anything is decided by who answered."""
        return self._settings.screens

    def begin(self) -> Step | None:
        """The call is answered."""
        settings = self._settings
        if not settings.screens:
            return self._route("no screening", None)
        self._wait()
        return None

    def unheard(self, reason: str) -> Step | None:
        """Nobody can listen, or not any more."""
        return self._route(f"unsure: {reason}", None) if self.phase is Phase.LISTENING else None

    def words(self, event: WordsHeard) -> None:
        """They speak still: with the clock from the greeting's end there is as much more time to listen."""
        if self.phase is Phase.LISTENING and self._settings.clock is Clock.GREETING_END:
            self.clock_at = max(self.clock_at, event.at)
            self._wait()

    def heard(self, event: Heard) -> Step | None:
        """The verdict."""
        if self.verdict is None:
            self.verdict = event
        if self.phase is not Phase.LISTENING:
            return None
        if event.verdict is not Verdict.MACHINE:
            return self._route(event.reason, event.greeting_end_at)
        if self._settings.policy is MachinePolicy.HANG_UP:
            return self._end(event.reason)
        self.phase = Phase.HOLDING
        self.due_at = event.at + self._settings.beep_within_s
        return Hold(event.reason, self.due_at)

    def _wait(self) -> None:
        """For the verdict: never so long that an agent could not be there within the limit, if nothing comes."""
        settings = self._settings
        longest = self._answered_at + settings.decide_within_s + GRACE_S
        self.due_at = min(longest, self.clock_at + settings.limit_s - settings.margin_s)

    def beep(self, event: BeepHeard) -> Step | None:
        """The machine records now."""
        return self._play(event.reason) if self.phase is Phase.HOLDING else None

    def quiet(self, event: QuietHeard) -> Step | None:
        """The machine's greeting is over, without a beep."""
        if self.phase is not Phase.HOLDING or not self._settings.message_after_quiet:
            return None
        return self._play(event.reason)

    def due(self, now: float) -> Step | None:
        """``due_at`` has come."""
        if self.due_at is None or now < self.due_at:
            return None
        if self.phase is Phase.LISTENING:
            return self._route(f"unsure: no verdict within {now - self._answered_at:.1f} s", None)
        if self.phase is Phase.HOLDING:
            return self._end(f"machine: no beep within {self._settings.beep_within_s:g} s")
        return None

    def outcome(self, switch_ended: bool) -> Outcome | None:
        """The outcome of a call that ended here, or None when it is not screening's to say.

        ``switch_ended``: our side hung up, so a message that was begun was played to its end.
        """
        if self.phase is Phase.PLAYING:
            return Outcome.MESSAGE_PLAYED if switch_ended else Outcome.MACHINE
        return Outcome.MACHINE if self.phase in (Phase.HOLDING, Phase.ENDED) else None

    # ---- steps -----------------------------------------------------------------------------------------

    def _route(self, reason: str, greeting_end_at: float | None) -> Route:
        self.phase = Phase.ROUTED
        self.due_at = None
        if self._settings.screens and self._settings.clock is Clock.GREETING_END and greeting_end_at is not None:
            self.clock_at = max(self._answered_at, greeting_end_at)
        return Route(reason, self.clock_at)

    def _play(self, reason: str) -> PlayMessage:
        self.phase = Phase.PLAYING
        self.due_at = None
        return PlayMessage(reason)

    def _end(self, reason: str) -> EndMachine:
        self.phase = Phase.ENDED
        self.due_at = None
        return EndMachine(reason)


ANNOUNCED: Final = {
    Announcement.DEAD_NUMBER: Outcome.DEAD_NUMBER,
    Announcement.SWITCHED_OFF: Outcome.NO_ANSWER,
    Announcement.BUSY: Outcome.BUSY,
    Announcement.CONGESTION: Outcome.CARRIER_FAILURE,
}
"""What a ringing call that is announced away is hung up as (after the minimum ring). UNKNOWN changes nothing."""
