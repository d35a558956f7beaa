"""Screening at work: which calls are listened to, and what is done with what is heard of them.

Owns a call's ``Screening`` and its two timers: when a verdict is no longer waited for, and when the leg's bounded wait
must be made longer because whoever answered speaks still. The rule is ``screening``'s; routing, hanging up and outcomes
are the call desk's. Whatever goes wrong here sends the customer to an agent. Must not judge sound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dialer.domain.call import RINGING_STATES, CallState, CallTrigger
from dialer.domain.commands import NoteHeard
from dialer.domain.events import LegRinging
from dialer.domain.hearing import (
    AnnouncementHeard,
    BeepHeard,
    Heard,
    Listen,
    ListenKind,
    MachinePolicy,
    QuietHeard,
    StopListening,
    Verdict,
    WordsHeard,
)
from dialer.domain.outcomes import Outcome
from dialer.engine.live import Call, Live
from dialer.engine.records import APART_S, MESSAGE_MARGIN_S
from dialer.engine.screening import ANNOUNCED, EndMachine, Hold, Phase, PlayMessage, Route, Screening, Step

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed
    from dialer.engine.recordings import RecordingDesk

RENEW_S: Final = 0.5
"""So long before the leg's bounded wait is over it is made longer."""
AFTER_BEEP_S: Final = 0.3
"""A machine's beep may go on for a moment when a packet of it was lost; and machines need one to begin."""
VOICEMAIL_MAX_S: Final = 180.0
"""No message is longer: a machine's leg that is still there then is hung up."""
RING_GRACE_S: Final = 10.0


class ScreeningDesk:
    """Listens to callees and acts on it."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.calls: CallDesk
        self.recordings: RecordingDesk

    # ---- while it rings ------------------------------------------------------------------------------------

    def ringing(self, call: Call, event: LegRinging) -> None:
        """180 or 183; with a 183 there is something to hear."""
        live, settings = self.live, call.campaign.settings
        rings = call.state in RINGING_STATES and call.kill_as is None
        if not (settings.screening.dead_numbers and event.early_media and rings) or call.tapped:
            return
        # After a 183 the switch counts the ring's limit anew (measured): so does the guard.
        live.timers.set(("call", "guard", call.id), live.now + settings.ring_timeout_s + RING_GRACE_S)
        if call.node not in live.settings.hearing:
            live.counters["rings_not_heard"] += 1
            return
        call.tapped = True
        live.emit(Listen(call.node, call.id, ListenKind.EARLY, live.now))

    def announced(self, event: AnnouncementHeard) -> None:
        """The network told about a number that rings: it is hung up, though not before the minimum ring."""
        call = self.live.calls.get(event.call)
        if call is None or call.state not in RINGING_STATES or call.announced is not None:
            return
        self.live.counters[f"announced_{event.what.value}"] += 1
        self._write(call, event.what.value, event.reason)
        outcome = ANNOUNCED.get(event.what)
        if outcome is not None:
            call.announced = (outcome, f"announced: {event.what.value}: {event.reason}")
            self.calls.hang_up(call, "ORIGINATOR_CANCEL", *call.announced)

    # ---- the answer ----------------------------------------------------------------------------------------

    def wanted(self, call: Call) -> bool:
        """Whether who answers decides what becomes of this call."""
        return call.campaign.settings.screening.screens and call.bound_agent is None and call.state in RINGING_STATES

    def beside(self, call: Call) -> None:
        """An answered call that goes to an agent whoever answered: it is listened to only to be written down."""
        settings = call.campaign.settings.screening
        if settings.listens and call.id in self.live.calls and call.node in self.live.settings.hearing:
            assert call.answered_at is not None
            call.screening = Screening(replace(settings, policy=MachinePolicy.AGENT), call.answered_at)
            call.screening.begin()
            self._listen(call)
        elif call.tapped:
            self._stop(call)

    def begin(self, call: Call) -> None:
        """It is answered, and who did is to be found out."""
        live = self.live
        assert call.answered_at is not None
        call.screening = one = Screening(call.campaign.settings.screening, call.answered_at)
        if call.node not in live.settings.hearing:
            self._do(call, one.unheard(f"callees of switch {call.node} cannot be listened to"))
            return
        self._do(call, one.begin())
        self._listen(call)

    def _listen(self, call: Call) -> None:
        assert call.answered_at is not None
        call.tapped = True
        self.live.counters["answers_listened_to"] += 1
        record = self.recordings.for_a_machine(call) if call.screening is not None and call.screening.screens else ""
        self.live.emit(Listen(call.node, call.id, ListenKind.ANSWERED, call.answered_at, record))

    def _stop(self, call: Call) -> None:
        if call.tapped:
            call.tapped = False
            self.live.emit(StopListening(call.node, call.id, self.recordings.of_a_machine(call.id)))

    # ---- what is heard -------------------------------------------------------------------------------------

    def _of(self, call_id: str) -> tuple[Call, Screening] | None:
        call = self.live.calls.get(call_id)
        return None if call is None or call.screening is None or call.kill_as is not None else (call, call.screening)

    def heard(self, event: Heard) -> None:
        """The verdict. It may come after its call, or after its customer went to an agent."""
        if (found := self._of(event.call)) is not None:
            call, one = found
            first = one.verdict is None
            step = one.heard(event)
            if first and step is None:
                self._note(call, event.verdict, event.reason)
            self._do(call, step)

    def words(self, event: WordsHeard) -> None:
        """They speak still."""
        if (found := self._of(event.call)) is not None:
            found[1].words(event)
            self._arm(*found)

    def beep(self, event: BeepHeard) -> None:
        """A machine's beep."""
        if (found := self._of(event.call)) is not None:
            self._do(found[0], found[1].beep(event))

    def quiet(self, event: QuietHeard) -> None:
        """A machine's greeting is over."""
        if (found := self._of(event.call)) is not None:
            self._do(found[0], found[1].quiet(event))

    def deaf(self, call_id: str, error: str) -> None:
        """The switch does not record this leg for us."""
        self.live.counters["taps_refused"] += 1
        if (found := self._of(call_id)) is not None:
            self._do(found[0], found[1].unheard(f"the switch cannot be listened with: {error}"))

    def due(self, call: Call) -> None:
        """A verdict, or a beep, is no longer waited for."""
        if call.screening is not None and call.kill_as is None:
            self._do(call, call.screening.due(self.live.now))

    def call_ended(self, call: Call) -> None:
        """Nobody is there to be listened to any more."""
        self._stop(call)

    # ---- what is done --------------------------------------------------------------------------------------

    def _do(self, call: Call, step: Step | None) -> None:
        live, one = self.live, call.screening
        assert one is not None
        match step:
            case Route():
                self._route(call, one, step)
            case EndMachine():
                if call.state is CallState.SCREENING:
                    self._machine(call, step.reason)
                self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.MACHINE, step.reason)
            case Hold():
                self._machine(call, step.reason)
            case PlayMessage():
                live.timers.set(("call", "renew", call.id), max(live.now + AFTER_BEEP_S, call.moved_at + APART_S))
                live.note("info", "voicemail", f"attempt {call.id} of {call.campaign.name}: message: {step.reason}")
        self._arm(call, one)

    def _route(self, call: Call, one: Screening, step: Route) -> None:
        """To an agent: a person, as far as anyone can tell."""
        verdict = one.verdict.verdict if one.verdict is not None else Verdict.UNSURE
        assert call.answered_at is not None
        if step.clock_at > call.answered_at:
            call.clock_at = step.clock_at
        self._note(call, verdict, step.reason)
        if self.calls.move(call, CallTrigger.PERSON):
            self.feed.answered(call)
            self.calls.queue(call)
        if one.verdict is None:
            self._stop(call)

    def _machine(self, call: Call, reason: str) -> None:
        live = self.live
        self._note(call, Verdict.MACHINE, reason)
        if self.calls.move(call, CallTrigger.MACHINE):
            self.feed.machine(call)
            self.recordings.machine(call)
            live.timers.cancel(("call", "placed", call.id))
            live.timers.set(("call", "guard", call.id), live.now + VOICEMAIL_MAX_S)
            live.note("debug", "machine", f"attempt {call.id} of {call.campaign.name}: {reason}")

    def _play(self, call: Call) -> None:
        """The campaign's message to a machine."""
        self.calls.wait_again(call, 0.0, call.campaign.settings.screening.message)
        self.live.timers.set(("call", "guard", call.id), self.live.now + VOICEMAIL_MAX_S)
        self._stop(call)

    def _note(self, call: Call, verdict: Verdict, reason: str) -> None:
        self.live.counters[f"answers_{verdict.value}"] += 1
        call.heard = verdict.value
        self._write(call, verdict.value, reason)

    def _write(self, call: Call, verdict: str, reason: str) -> None:
        self.live.emit(NoteHeard(call.id, verdict, reason, call.clock_at))

    # ---- the leg's own wait --------------------------------------------------------------------------------

    def _arm(self, call: Call, one: Screening) -> None:
        """Set both timers for what is known now."""
        live = self.live
        if call.id not in live.calls:
            return
        key = ("call", "screen", call.id)
        if one.due_at is None:
            live.timers.cancel(key)
        else:
            live.timers.set(key, one.due_at)
        if one.phase is not Phase.PLAYING and self._wanted_until(call) > call.waits_until + MESSAGE_MARGIN_S:
            at = max(live.now, call.waits_until - MESSAGE_MARGIN_S - RENEW_S, call.moved_at + APART_S)
            live.timers.set(("call", "renew", call.id), at)

    def _wanted_until(self, call: Call) -> float:
        """Until when the leg should be silent."""
        one, limit_s = call.screening, call.campaign.settings.wait_limit_s
        assert one is not None
        if call.state is CallState.SCREENING:
            return one.clock_at + limit_s
        if call.state is CallState.WAITING and call.clock_from is not None and not call.queued_again:
            return call.clock_from + limit_s
        if call.state is CallState.MACHINE and one.phase is Phase.HOLDING and one.due_at is not None:
            return one.due_at
        return 0.0

    def renew(self, call: Call) -> None:
        """The leg's bounded wait ends soon: it goes on, or the message follows."""
        live, one = self.live, call.screening
        if one is None or call.kill_as is not None or not live.nodes[call.node].up:
            return
        if one.phase is Phase.PLAYING and call.state is CallState.MACHINE:
            self._play(call)
            return
        until = self._wanted_until(call)
        if until > call.waits_until + MESSAGE_MARGIN_S:
            if call.placed:
                self.calls.displaced(call, APART_S)
            self.calls.wait_again(call, until - live.now)
            self._arm(call, one)

