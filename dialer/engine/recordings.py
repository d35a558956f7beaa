"""Recordings of conversations: begun when an agent is on the line, silenced while a card number is spoken, kept.

Owns which call is recorded under which name and what becomes of its record. The sound itself is the switch's; a
recording that cannot be made is said, counted, and never ends a call. Must not read files.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from dialer.domain.desk_records import SaveRecording
from dialer.domain.phones import Murmur, Record, RecordingStopped, SetVariables
from dialer.engine.acts import Problem, connected
from dialer.engine.live import Agent, Call, Live, Recording

if TYPE_CHECKING:
    from dialer.engine.acts import ActDesk
    from dialer.engine.speaking import Voice

STOP_S: Final = 20.0
"""How long after a call's end its RECORD_STOP may take; then it is written down with what we know."""
AGAIN_S: Final = 5.0
LONGEST_MASK_S: Final = 120.0
"""Sound comes back by itself: a forgotten mask would leave the rest of a conversation without a record."""


class RecordingDesk:
    """Records calls by their campaign's policy."""

    def __init__(self, live: Live, voice: Voice) -> None:
        self.live = live
        self.voice = voice

    def register(self, acts: ActDesk) -> None:
        """Offer ``mask`` to keypads and the API."""
        acts.register("mask", lambda agent, _: self._mask(agent, acts))

    def connected(self, call: Call, agent: Agent) -> None:
        """An agent and a customer hear each other for the first time: the recording begins, if there is to be one."""
        live, policy = self.live, call.campaign.settings.recording
        if call.id in live.recordings or not policy.wants(_draw(call.id)) or not live.nodes[call.node].up:
            return
        name = agent.settings.agent
        path = policy.path(live.now, campaign=call.campaign.name, attempt=call.id, agent=name, node=call.node)
        if call.noted_answer is not None or call.noted_bridge is not None:
            # Adopted: the former run's recording goes on, under a name that only its end will tell.
            at = call.bridged_at or live.now
            live.recordings[call.id] = Recording(call.id, call.campaign.name, name, call.node, "", at)
            return
        live.recordings[call.id] = Recording(call.id, call.campaign.name, name, call.node, path, live.now)
        live.emit(SetVariables(call.node, call.id, tuple(policy.switch_variables(path).items())))
        live.emit(Record(call.node, call.id, "start", path))
        if policy.consent:
            live.emit(Murmur(call.node, call.id, (policy.consent,), live.settings.phones.language))

    def refused(self, uuid: str, error: str) -> None:
        """The switch did not begin (or change) a recording: the call goes on, and the agent is told."""
        live = self.live
        recording, call = live.recordings.get(uuid), live.calls.get(uuid)
        if recording is None or call is None:
            return
        if recording.masked or recording.masked_at is not None:
            # It goes on, but not as silent or as loud as was asked for.
            recording.masked_at = None
            live.timers.cancel(("recording", "mask", uuid))
            what = f"the recording in {recording.path} was not masked or unmasked"
        else:
            del live.recordings[uuid]
            self._forget(uuid)
            what = f"no recording in {recording.path}"
        live.counters["recordings_failed"] += 1
        live.note("error", "recording_failed", f"attempt {uuid}: {what}: {error}")
        if call.agent is not None:
            self.voice.tell(call.agent, "recording-failed")

    def stopped(self, event: RecordingStopped) -> None:
        """RECORD_STOP: it is written down."""
        recording = self.live.recordings.get(event.uuid)
        if recording is None or recording.path not in ("", event.path):
            self.live.odd("recording_stopped", f"the end of a recording that is none of ours, on {event.uuid}")
            return
        recording.path = event.path
        self._save(recording, event.duration_s)

    def call_ended(self, call: Call) -> None:
        """The customer's leg is gone, and with it the recording."""
        if call.id in self.live.recordings:
            self.live.timers.cancel(("recording", "mask", call.id))
            self.live.timers.set(("recording", "stop", call.id), self.live.now + STOP_S)

    def overdue(self, uuid: str) -> None:
        """No RECORD_STOP came: the switch died, perhaps. The file may be there all the same."""
        recording = self.live.recordings.get(uuid)
        if recording is not None and not recording.path:
            del self.live.recordings[uuid]
            self.live.note("warning", "recording_unknown", f"attempt {uuid}: a former run's recording, or none")
        elif recording is not None:
            self._save(recording, max(0.0, self.live.now - STOP_S - recording.started_at))

    def _save(self, recording: Recording, duration_s: float) -> None:
        live = self.live
        self._forget(recording.uuid)
        live.recordings.pop(recording.uuid, None)
        masked = recording.masked
        if recording.masked_at is not None:
            masked = (*masked, (recording.masked_at, max(recording.masked_at, duration_s)))
        live.counters["recordings_made"] += 1
        live.emit(
            SaveRecording(
                attempt_id=recording.uuid,
                campaign=recording.campaign,
                agent=recording.agent,
                node=recording.node,
                leg=recording.uuid,
                path=recording.path,
                started_at=recording.started_at,
                duration_s=duration_s,
                masked=masked,
            )
        )

    def _forget(self, uuid: str) -> None:
        self.live.timers.cancel(("recording", "stop", uuid))
        self.live.timers.cancel(("recording", "mask", uuid))

    # ---- masking -------------------------------------------------------------------------------------------

    def _mask(self, agent: Agent, acts: ActDesk) -> str | None:
        """Silence in the recording from now on, or sound again."""
        call = connected(agent)
        recording = None if call is None else self.live.recordings.get(call.id)
        if recording is None:
            return Problem("this call is not recorded", "recording-off")
        if not recording.path:
            return Problem("this recording was begun before a restart: it cannot be masked", "recording-failed")
        if not self.live.nodes[recording.node].up:
            return Problem("the switch is not connected")
        if recording.masked_at is None:
            self._begin_mask(recording)
            acts.done("recording-paused")
        else:
            self._end_mask(recording)
            acts.done("recording-resumed")
        return None

    def _begin_mask(self, recording: Recording) -> None:
        live = self.live
        recording.masked_at = live.now - recording.started_at
        live.timers.set(("recording", "mask", recording.uuid), live.now + LONGEST_MASK_S)
        live.emit(Record(recording.node, recording.uuid, "mask", recording.path))

    def _end_mask(self, recording: Recording) -> None:
        live = self.live
        assert recording.masked_at is not None
        recording.masked = (*recording.masked, (recording.masked_at, live.now - recording.started_at))
        recording.masked_at = None
        live.timers.cancel(("recording", "mask", recording.uuid))
        live.emit(Record(recording.node, recording.uuid, "unmask", recording.path))

    def mask_over(self, uuid: str) -> None:
        """Masked for as long as any card number takes: the sound comes back, and the agent is told."""
        recording = self.live.recordings.get(uuid)
        if recording is None or recording.masked_at is None:
            return
        if not self.live.nodes[recording.node].up:
            self.live.timers.set(("recording", "mask", uuid), self.live.now + AGAIN_S)
            return
        self._end_mask(recording)
        call = self.live.calls.get(uuid)
        if call is not None and call.agent is not None:
            self.voice.tell(call.agent, "recording-resumed")


def _draw(uuid: str) -> float:
    """A number from 0 up to 1 that an attempt has from birth: its UUID is random already."""
    return zlib.crc32(uuid.encode()) / 2.0**32
