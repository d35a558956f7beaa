"""Recordings of conversations: begun when an agent is on the line, silenced while a card number is spoken, kept.

Owns which call is recorded under which name, the announcement before it, the mask, and what becomes of its record. The
sound itself is the switch's, bringing the file here ``uploads``'. Of calls that are judged machines a share is kept for
people to listen to: that sound is the listeners', who hear the callee anyway. A recording that cannot be made is said,
counted, and never ends a call; one that cannot be silenced is ended. Must not read files.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from dialer.domain.desk_records import FAILED, GOING, TO_UPLOAD, WRITTEN, SaveRecording
from dialer.domain.events import RecordingFact
from dialer.domain.hearing import CalleeRecorded
from dialer.domain.phones import Murmur, Record, RecordingStopped
from dialer.domain.recordings import NOT_RECORDED, RecordingMode, RecordingPolicy
from dialer.engine.acts import Problem, connected
from dialer.engine.live import Agent, Call, Live, Recording
from dialer.engine.uploads import UploadDesk

if TYPE_CHECKING:
    from dialer.engine.acts import ActDesk
    from dialer.engine.speaking import Voice

STOP_S: Final = 20.0
"""How long after a call's end its RECORD_STOP may take; then it is written down with what we know."""
AGAIN_S: Final = 5.0
REMIND_S: Final = 120.0
"""A mask stays until the agent ends it or the call is over: what is spoken meanwhile may be what must not be kept. The
agent is reminded of it so often."""
CUT_S: Final = 1.0
CUT_SHARE: Final = 0.02
"""A file that is so much shorter than what was recorded has lost its end."""


class RecordingDesk:
    """Records calls by their campaign's policy."""

    def __init__(self, live: Live, voice: Voice) -> None:
        self.live = live
        self.voice = voice
        self.uploads = UploadDesk(live)

    def register(self, acts: ActDesk) -> None:
        """Offer ``mask`` and ``record`` to keypads and the API."""
        acts.register("mask", lambda agent, _: self._mask(agent, acts))
        acts.register("record", lambda agent, _: self._on_demand(agent, acts))

    def _policy(self, campaign: str) -> RecordingPolicy:
        known = self.live.campaigns.get(campaign)
        return NOT_RECORDED if known is None else known.settings.recording

    # ---- beginning -----------------------------------------------------------------------------------------

    def connected(self, call: Call, agent: Agent) -> None:
        """An agent and a customer hear each other for the first time: the recording begins, if there is to be one."""
        live, policy = self.live, call.campaign.settings.recording
        known = live.recordings.get(call.id)
        if known is not None:  # a former run began it
            if known.masked_at is not None:
                live.timers.set(("recording", "mask", call.id), live.now)
        elif not policy.wants(_draw(call.id)):
            return
        elif call.noted_answer is not None or call.noted_bridge is not None:
            # The former run's recording may go on, though the store does not know it: only its end will tell its name.
            at = call.bridged_at or live.now
            live.recordings[call.id] = Recording(
                call.id, call.campaign.name, agent.settings.agent, call.node, "", at, recovered=True
            )
        else:
            self._announce(call, agent, policy)

    def _announce(self, call: Call, agent: Agent, policy: RecordingPolicy) -> None:
        """Both hear that they are going to be recorded; nothing is until that is said."""
        live = self.live
        live.recordings[call.id] = Recording(
            call.id, call.campaign.name, agent.settings.agent, call.node, "", live.now, pending=True
        )
        if not policy.consent or not live.nodes[call.node].up:
            self.begin(call.id)
            return
        for leg in (call.id, agent.leg):
            if leg is not None:
                live.emit(Murmur(call.node, leg, (policy.consent,), live.settings.phones.language))
        live.timers.set(("recording", "begin", call.id), live.now + self.voice.lasts((policy.consent,)))

    def unannounced(self, uuid: str, error: str) -> None:
        """The customer did not hear that they are going to be recorded: so they are not."""
        live = self.live
        recording = live.recordings.get(uuid)
        if recording is not None and recording.pending:
            del live.recordings[uuid]
            self._forget(uuid)
            live.counters["recordings_failed"] += 1
            live.note("error", "recording_failed", f"attempt {uuid}: no announcement, so no recording: {error}")

    def begin(self, uuid: str) -> None:
        """Nothing is left to be said: sound is kept from now on, unless it is masked already."""
        live = self.live
        recording, call = live.recordings.get(uuid), live.calls.get(uuid)
        if recording is None or call is None or not recording.pending or recording.masked_at is not None:
            return
        if not live.nodes[recording.node].up:
            live.timers.set(("recording", "begin", uuid), live.now + AGAIN_S)
            return
        recording.pending, recording.started_at = False, live.now
        former = call.recorded + (call.noted_bridge is not None)  # a former run may have recorded it
        recording.path = self._policy(recording.campaign).path(
            live.now,
            campaign=recording.campaign,
            attempt=uuid,
            agent=recording.agent,
            node=recording.node,
            again=former,
        )
        call.recorded += 1
        live.emit(Record(recording.node, uuid, "start", recording.path))
        self._tell(recording, GOING)

    def _on_demand(self, agent: Agent, acts: ActDesk) -> str | None:
        """Record this call from now on."""
        call = connected(agent)
        policy = NOT_RECORDED if call is None else call.campaign.settings.recording
        if call is None or policy.mode is RecordingMode.OFF:
            return Problem("calls of this campaign are not recorded", "recording-off")
        if not self.live.nodes[call.node].up:
            return Problem("the switch is not connected")
        acts.done(*(() if policy.consent else ("recording-resumed",)))
        if call.id not in self.live.recordings:
            self._announce(call, agent, policy)
        return None

    # ---- machines ------------------------------------------------------------------------------------------

    def for_a_machine(self, call: Call) -> str:
        """Where on this machine the listeners keep what this callee says if it is a machine; empty: nowhere.

        Drawn before anybody knows who it is, and apart from the draw of conversations.
        """
        settings = call.campaign.settings
        if _draw(f"machine/{call.id}") >= settings.screening.record_share:
            return ""
        call.record_to = settings.recording.path(
            self.live.now, campaign=call.campaign.name, attempt=call.id, agent="", node=call.node
        )
        return settings.recording.ours(call.record_to) or ""

    def machine(self, call: Call) -> None:
        """It is one: what it says is recorded, from the answer on."""
        if call.record_to and call.id not in self.live.recordings:
            assert call.answered_at is not None
            recording = Recording(call.id, call.campaign.name, "", call.node, call.record_to, call.answered_at)
            recording.callee = True
            self.live.recordings[call.id] = recording
            self._tell(recording, GOING)

    def of_a_machine(self, uuid: str) -> bool:
        """Whether this call's recording is what a machine says."""
        recording = self.live.recordings.get(uuid)
        return recording is not None and recording.callee

    def callee_recorded(self, event: CalleeRecorded) -> None:
        """The listeners have written what a machine said, or could not."""
        live = self.live
        recording = live.recordings.get(event.call)
        if recording is None or not recording.callee:
            live.odd("callee_recorded", f"the end of a recording that is none of ours, of {event.call}")
        elif not event.problem:
            self._save(recording, event.duration_s)
        else:
            self._nothing_kept(recording, f"not written: {event.problem}")
            live.counters["recordings_failed"] += 1
            live.note("error", "recording_failed", f"attempt {event.call}: {recording.problem}")

    def refused(self, uuid: str, what: str, error: str) -> None:
        """The switch did not begin, silence or end a recording: the call goes on, and the agent is told."""
        live = self.live
        recording, call = live.recordings.get(uuid), live.calls.get(uuid)
        if recording is None or call is None or recording.pending:
            return
        said = f"no recording in {recording.path}"
        if what == "start":
            self._nothing_kept(recording, f"the switch did not record: {error}")
        elif what == "mask":
            # What must not be kept may be spoken any moment: no recording rather than that.
            said = f"the recording in {recording.path} could not be masked and is ended"
            recording.problem = "a mask failed: it was ended; what was said before that is in it"
            live.emit(Record(recording.node, uuid, "stop", recording.path))
        elif what == "unmask" and recording.masked:
            said = f"the recording in {recording.path} is still masked"
            *before, (recording.masked_at, _) = recording.masked
            recording.masked = tuple(before)
            self._remind(recording)
            self._tell(recording, GOING)
        else:
            said = f"the recording in {recording.path} could not be ended"
        live.counters["recordings_failed"] += 1
        live.note("error", "recording_failed", f"attempt {uuid}: {said}: {error}")
        if call.agent is not None:
            self.voice.tell(call.agent, "recording-failed")

    def _nothing_kept(self, recording: Recording, problem: str) -> None:
        del self.live.recordings[recording.uuid]
        self._forget(recording.uuid)
        recording.problem = problem
        self._tell(recording, FAILED)

    # ---- its end -------------------------------------------------------------------------------------------

    def stopped(self, event: RecordingStopped) -> None:
        """RECORD_STOP: it is written down."""
        recording = self.live.recordings.get(event.uuid)
        if recording is None or recording.pending or recording.path not in ("", event.path):
            self.live.odd("recording_stopped", f"the end of a recording that is none of ours, on {event.uuid}")
            return
        recording.path = event.path
        lost_s = 0.0 if event.kept_s is None else event.duration_s - event.kept_s
        if lost_s > max(CUT_S, CUT_SHARE * event.duration_s):
            recording.problem = (
                f"holds {event.kept_s:.1f} s of the {event.duration_s:.1f} s that were recorded: "
                "is the disk of the switch full?"
            )
            self.live.counters["recordings_cut_short"] += 1
            self.live.note("error", "recording_cut_short", f"attempt {event.uuid}: {event.path} {recording.problem}")
        self._save(recording, event.duration_s)

    def call_ended(self, call: Call) -> None:
        """The customer's leg is gone, and with it the recording."""
        recording = self.live.recordings.get(call.id)
        if recording is None:
            return
        self._forget(call.id)
        if recording.pending:
            del self.live.recordings[call.id]
        else:
            self.live.timers.set(("recording", "stop", call.id), self.live.now + STOP_S)

    def overdue(self, uuid: str) -> None:
        """No RECORD_STOP came: the switch died, perhaps. The file may be there all the same."""
        recording = self.live.recordings.get(uuid)
        if recording is not None and not recording.path:
            del self.live.recordings[uuid]
            self.live.note("warning", "recording_unknown", f"attempt {uuid}: a former run's recording, or none")
        elif recording is not None:
            known_s = max(0.0, self.live.now - STOP_S - recording.started_at)
            only_the_file_tells = recording.recovered or recording.callee
            self._save(recording, 0.0 if only_the_file_tells else known_s)

    def _save(self, recording: Recording, duration_s: float) -> None:
        live = self.live
        self._forget(recording.uuid)
        live.recordings.pop(recording.uuid, None)
        if recording.masked_at is not None:
            until = max(recording.masked_at, duration_s)
            recording.masked, recording.masked_at = (*recording.masked, (recording.masked_at, until)), None
        live.counters["recordings_made"] += 1
        self._written(recording, duration_s)

    def _written(self, recording: Recording, duration_s: float) -> None:
        """The file is whole on its switch's host: noted, and brought here where the policy says so."""
        upload = self._policy(recording.campaign).upload
        saved = self._tell(recording, TO_UPLOAD if upload else WRITTEN, duration_s)
        if upload:
            self.uploads.add(saved, upload)

    def _tell(self, recording: Recording, state: str, duration_s: float = 0.0) -> SaveRecording:
        """Let the store know what there is."""
        saved = SaveRecording(
            attempt_id=recording.uuid,
            campaign=recording.campaign,
            agent=recording.agent,
            node=recording.node,
            leg=recording.uuid,
            path=recording.path,
            started_at=recording.started_at,
            duration_s=duration_s,
            masked=recording.masked,
            masked_at=recording.masked_at,
            state=state,
            problem=recording.problem,
        )
        self.live.emit(saved)
        return saved

    def _forget(self, uuid: str) -> None:
        for name in ("stop", "mask", "begin"):
            self.live.timers.cancel(("recording", name, uuid))

    # ---- after a restart, or a lost connection -------------------------------------------------------------

    def recovered(self, facts: Iterable[RecordingFact]) -> None:
        """What the former run left: recordings that go on, or went on when it died, and files to bring here."""
        live = self.live
        for fact in facts:
            recording = Recording(
                fact.attempt_id,
                fact.campaign,
                fact.agent,
                fact.node,
                fact.path,
                fact.started_at,
                fact.masked,
                fact.masked_at,
                recovered=True,
                problem=fact.problem,
            )
            if fact.to_upload:
                self._written(recording, fact.duration_s)
                continue
            live.recordings[fact.attempt_id] = recording
            if fact.attempt_id not in live.calls:
                live.timers.set(("recording", "stop", fact.attempt_id), live.now + STOP_S)

    def compared(self, node: str) -> None:
        """The switch is connected anew and its calls are known: an order to it may have been lost with the former
        connection, so what is to be silent is silenced again, and the other way round.
        """
        for recording in self.live.recordings.values():
            ours = recording.node == node and recording.path and recording.uuid in self.live.calls
            if ours and not recording.pending and (recording.masked or recording.masked_at is not None):
                what = "unmask" if recording.masked_at is None else "mask"
                self.live.emit(Record(node, recording.uuid, what, recording.path))

    # ---- masking -------------------------------------------------------------------------------------------

    def _mask(self, agent: Agent, acts: ActDesk) -> str | None:
        problem, said = self.toggle(connected(agent))
        if problem is None:
            acts.done(said)
        return problem

    def toggle(self, call: Call | None) -> tuple[Problem | None, str]:
        """Silence in the recording of a call from now on, or sound again: what is wrong, or the prompt that says it."""
        recording = None if call is None else self.live.recordings.get(call.id)
        if recording is None:
            return Problem("this call is not recorded", "recording-off"), ""
        if not recording.path and not recording.pending:
            problem = "this recording was begun before a restart: it cannot be masked"
            return Problem(problem, "recording-failed"), ""
        if not self.live.nodes[recording.node].up:
            return Problem("the switch is not connected"), ""
        if recording.masked_at is None:
            self._begin_mask(recording)
            return None, "recording-paused"
        self._end_mask(recording)
        return None, "recording-resumed"

    def _remind(self, recording: Recording) -> None:
        self.live.timers.set(("recording", "mask", recording.uuid), self.live.now + REMIND_S)

    def _begin_mask(self, recording: Recording) -> None:
        live = self.live
        recording.masked_at = max(0.0, live.now - recording.started_at)
        self._remind(recording)
        if not recording.pending:
            live.emit(Record(recording.node, recording.uuid, "mask", recording.path))
            self._tell(recording, GOING)

    def _end_mask(self, recording: Recording) -> None:
        live = self.live
        assert recording.masked_at is not None
        live.timers.cancel(("recording", "mask", recording.uuid))
        begun, recording.masked_at = recording.masked_at, None
        if recording.pending:
            if live.timers.due(("recording", "begin", recording.uuid)) is None:
                self.begin(recording.uuid)
            return
        recording.masked = (*recording.masked, (begun, live.now - recording.started_at))
        live.emit(Record(recording.node, recording.uuid, "unmask", recording.path))
        self._tell(recording, GOING)

    def mask_lasts(self, uuid: str) -> None:
        """It has been masked for long: whoever has the customer now is told."""
        recording, call = self.live.recordings.get(uuid), self.live.calls.get(uuid)
        if recording is None or call is None or recording.masked_at is None:
            return
        self._remind(recording)
        if call.agent is not None:
            self.voice.tell(call.agent, "recording-paused")


def _draw(uuid: str) -> float:
    """A number from 0 up to 1 that an attempt has from birth: its UUID is random already."""
    return zlib.crc32(uuid.encode()) / 2.0**32
