"""Recordings of legs: `uuid_record`, its events, and the files that they would leave.

Owns RECORD_START and RECORD_STOP with the values that were measured: a start tells those of the *previous* recording,
a stop the length in `variable_record_ms`; a disk that is full refuses a start, one that gets full is not noticed before
the stop.  Must not touch a disk: `Recorder` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from freeswitch.standin.channel import Leg, Recording
from freeswitch.standin.taps import Taps
from freeswitch.standin.voices import voice_bytes

RATE_HZ: Final = 8000
WAV_HEADER_BYTES: Final = 44
FRAME: Final = 160
FIRST_FRAME_S: Final = 0.015
HELD_BACK_S: Final = 0.54
BUFFERED_S: Final = 4.0
_FORMATS: Final = frozenset({"wav", "au", "aiff", "raw", "ul", "al", "gsm", "mp3", "ogg", "pcmu", "pcma"})


class Recorder(Protocol):
    """Where recordings go."""

    def begin(self, path: str) -> bool:
        """Make the file, and its folder; False: it cannot be written."""
        ...

    def append(self, path: str, sound: bytes) -> None:
        """More sound of a recording that grows while it is read."""
        ...

    def finish(self, path: str, channels: int, seconds: float) -> None:
        """The recording is over: `seconds` of sound belong into the file."""
        ...


class Recordings(Taps):
    """Taps plus recordings."""

    def record(self, leg: Leg, path: str, limit_s: int, own: Mapping[str, str] = MappingProxyType({})) -> bool:
        """uuid_record start; False: refused.  A second start of the same path does nothing, successfully.

        `own` are variables of this recording alone; they win over the leg's.
        """
        if any(recording.argument == path for recording in self.recordings_of(leg)):
            return True
        name = path.rpartition("/")[2]
        extension = name.rpartition(".")[2].lower() if "." in name else "wav"
        forbidden = any(path.startswith(prefix) for prefix in self.world.spec.unwritable)
        if not leg.up or extension not in _FORMATS or forbidden or self.disk_full or not self.recorder.begin(path):
            return False
        now = self.clock.now
        recording = Recording("session_record", leg, path, since=now)
        recording.stereo = _flag(own, "RECORD_STEREO", leg.flag("RECORD_STEREO"))
        recording.read_only = _flag(own, "RECORD_READ_ONLY", leg.flag("RECORD_READ_ONLY"))
        recording.buffered = _flag(own, "enable_file_write_buffering", True)
        recording.own = dict(own)
        if limit_s:
            recording.timer = self.clock.at(now + limit_s, self.stop_recording, leg, path)
        self.emit("RECORD_START", leg, extra={"Record-File-Path": path})
        self.add_bug(recording)
        if recording.grows:
            recording.growth = self.clock.at(now + FIRST_FRAME_S, self._grow, recording)
        return True

    def _grow(self, recording: Recording) -> None:
        """One frame at once, nothing for half a second, then everything, and then frame by frame (measured).  With
        buffering only every four seconds' worth is written.
        """
        now, since = self.clock.now, recording.since
        if recording not in recording.target.bugs:
            return
        due = FRAME if not recording.written else int((now - since) * RATE_HZ + 0.5) // FRAME * FRAME
        if due > recording.written and not (recording.buffered and recording.written):
            leg = recording.target
            sound = self.said(leg, since + recording.written / RATE_HZ, due - recording.written)
            recording.written = due
            self.recorder.append(recording.argument, sound)
        held = since + HELD_BACK_S
        step = BUFFERED_S if recording.buffered else FRAME / RATE_HZ
        recording.growth = self.clock.at(held if now < held - 1e-6 else now + step, self._grow, recording)

    def said(self, leg: Leg, at: float, count: int) -> bytes:
        """What the party on a leg says from `at` on: a carrier's announcement, then the callee's greeting."""
        name, start = "", at
        if leg.plan is not None and leg.moment_answered is not None and at >= leg.moment_answered:
            name, start = leg.plan.says, leg.moment_answered
        elif leg.plan is not None and leg.moment_early is not None:
            name, start = leg.plan.announces, leg.moment_early
        return voice_bytes(name, round((at - start) * RATE_HZ), count)

    def stop_recording(self, leg: Leg, path: str, cause: str = "success-maxtime") -> bool:
        """uuid_record stop; `all` stops every one of the leg's."""
        found = [one for one in self.recordings_of(leg) if path in (one.argument, "all")]
        for recording in found:
            self._write(recording, cause)
        for recording in reversed(found):
            self.remove_bug(recording)
        return bool(found)

    def end_recordings(self, leg: Leg) -> None:
        """The leg hangs up."""
        self.stop_recording(leg, "all", "success-silence")

    def mask(self, leg: Leg, path: str, on: bool) -> bool:
        """Silence from now on, or no longer; the length is kept."""
        for recording in self.recordings_of(leg):
            if recording.argument != path:
                continue
            if on and recording.masked_at is None:
                recording.masked_at = self.clock.now
            elif not on and recording.masked_at is not None:
                recording.masked_s += self.clock.now - recording.masked_at
                recording.masked_at = None
            return True
        return False

    def set_disk_full(self, full: bool) -> None:
        """The disk of the recordings got full, or has room again for those that start from now on."""
        self.disk_full = full
        if full:
            for leg in self.legs.values():
                for recording in self.recordings_of(leg):
                    if recording.until is None:
                        recording.until = self.clock.now

    def _write(self, recording: Recording, cause: str) -> None:
        self.mask(recording.target, recording.argument, False)
        now, channels = self.clock.now, 2 if recording.stereo else 1
        seconds = round(now - recording.since, 2)
        kept = seconds if recording.until is None else max(0.0, recording.until - recording.since)
        samples = round(seconds * RATE_HZ)
        size = WAV_HEADER_BYTES + round(kept * RATE_HZ) * 2 * channels
        if recording.until is not None:
            cause = "uri-failure"
        leg = recording.target
        leg.put(
            record_file_size=str(size),
            record_samples=str(samples),
            record_seconds=str(samples // RATE_HZ),
            record_ms=str(samples * 1000 // RATE_HZ),
            record_completion_cause=cause,
        )
        self.recorder.finish(recording.argument, channels, kept)
        self.audit.recorded(recording, now, seconds, size)
        extra = {"Record-File-Path": recording.argument, "Record-Completion-Cause": cause}
        extra |= {f"Recording-Variable-{name}": value for name, value in recording.own.items()}
        if recording.growth is not None:
            recording.growth.cancel()
        self.emit("RECORD_STOP", leg, extra=extra)


def _flag(own: Mapping[str, str], name: str, otherwise: bool) -> bool:
    return own[name].lower() in ("true", "yes", "on", "1") if name in own else otherwise
