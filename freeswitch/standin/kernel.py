"""The floor of the virtual switch: clock, channel table, emission of events, jobs and limits.

Must not know what calls, bridges or commands are; the layers above (`legs`, `apps`, `bridging`, `dialing`,
`commands`) are built on it one on the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from freeswitch.standin.audit import Audit
from freeswitch.standin.channel import Leg
from freeswitch.standin.clock import Clock
from freeswitch.standin.dialplan import Dialplan
from freeswitch.standin.events import EVENT_NAMES, Node, SwitchEvent
from freeswitch.standin.world import Rng, World

if TYPE_CHECKING:
    from freeswitch.standin.recording import Recorder

ALL: Final = "ALL"
VERSION: Final = "1.11.3-dev-standin"


class SwitchError(ValueError):
    """The switch was built with settings that it cannot have."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The switch's own limits.  Like the real one, `sessions_per_second` N admits N - 1 in a second; 0: no
    limit.
    """

    sessions_per_second: int = 500
    max_sessions: int = 5000


@dataclass(frozen=True, slots=True)
class Timing:
    """Delays inside the switch, (least, most) in seconds; drawn evenly.  Defaults are the measured ones.

    `job` is how long a background job takes to start: with a spread, jobs sent together overtake each other
    (each has a thread of its own on a real switch, which seldom does it).  `limbo_probability`: a customer
    named first that dies before the bridge stands leaves the agent in limbo this often (otherwise it parks
    again). `agent_lost_probability`: named first, the agent dies this often (6 of 8 tries).
    """

    job: tuple[float, float] = (0.0007, 0.0007)
    answer_to_reply: tuple[float, float] = (0.0, 0.012)
    hangup: tuple[float, float] = (0.001, 0.02)
    bridge_leave: tuple[float, float] = (0.001, 0.025)
    bridge_join: tuple[float, float] = (0.043, 0.064)
    interrupt: tuple[float, float] = (0.001, 0.02)
    broadcast: tuple[float, float] = (0.1, 0.14)
    keys: tuple[float, float] = (0.1, 0.1)
    limbo_probability: float = 0.75
    agent_lost_probability: float = 0.75


@dataclass(frozen=True, slots=True)
class Job:
    """A background job: who asked for what, and the sequence number reserved when it began."""

    uuid: str
    command: str
    argument: str


class _NoDisk:
    """A recorder that keeps nothing."""

    def begin(self, path: str) -> bool:
        return True

    def append(self, path: str, sound: bytes) -> None:
        return None

    def finish(self, path: str, channels: int, seconds: float) -> None:
        return None


class Kernel:
    """See the module.  `emit` is the set of event names worth building, or ALL; others only count."""

    def __init__(
        self,
        world: World,
        rng: Rng,
        *,
        node_name: str = "standin",
        limits: Limits | None = None,
        timing: Timing | None = None,
        emit: Collection[str] | str = ALL,
        epoch_s: float = 1_795_312_800.0,
        heartbeat_s: float | None = 20.0,
        audit_keep: int = 200_000,
        recorder: Recorder | None = None,
    ) -> None:
        if heartbeat_s is not None and heartbeat_s <= 0:
            raise SwitchError(
                f"heartbeat_s: {heartbeat_s!r}: seconds above 0, or None for no heartbeat, were expected"
            )
        self.world = world
        self.rng = rng
        self.node_name = node_name
        self.limits = limits or Limits()
        self.timing = timing or Timing()
        self.clock = Clock(epoch_s)
        self.audit = Audit(epoch_s, audit_keep)
        self.dialplan = Dialplan.read(world.spec.dialplan)
        self.recorder: Recorder = recorder or _NoDisk()
        self.disk_full = world.spec.disk_full
        self.uploads_fail = False
        self.heartbeat_s = heartbeat_s
        self.legs: dict[str, Leg] = {}
        self.holders: set[Leg] = set()
        self.sessions = 0
        self.sessions_peak = 0
        self.started_s = 0.0
        self.paused = False
        self.down = False
        self.globals: dict[str, str] = {"hostname": node_name, "domain": "localhost"}
        self._rate_second = -1
        self._rate_count = 0
        self.rate_peak = 0
        self.rate_last = 0
        self._events: list[SwitchEvent] = []
        self._sequence = 0
        self._emit_all = False
        self._emit: frozenset[str] = frozenset()
        self.set_emit(emit)
        self.node = Node(self.new_uuid(), node_name, "127.0.0.1", "::1")
        self._start_heartbeat()

    def set_emit(self, emit: Collection[str] | str) -> None:
        """Name the events that are worth building from now on; ALL builds every one."""
        self._emit_all = emit == ALL
        self._emit = EVENT_NAMES if self._emit_all else frozenset({emit} if isinstance(emit, str) else emit)

    def take_events(self) -> list[SwitchEvent]:
        """The events since the last call, in the order of delivery."""
        events, self._events = self._events, []
        return events

    def new_uuid(self) -> str:
        bits = f"{self.rng.getrandbits(128):032x}"
        return (
            f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{'89ab'[int(bits[16], 16) & 3]}{bits[17:20]}-{bits[20:]}"
        )

    def reserve(self) -> int:
        """Take a sequence number for an event that is delivered later."""
        self._sequence += 1
        return self._sequence

    def emit(
        self,
        name: str,
        leg: Leg | None = None,
        *,
        extra: Mapping[str, str] | None = None,
        front: Mapping[str, str] | None = None,
        body: str | None = None,
        sequence: int = 0,
        stamp: int = 0,
    ) -> None:
        if not sequence:
            self._sequence = sequence = self._sequence + 1
        if not self._emit_all and name not in self._emit:
            return
        view = leg.view() if leg is not None else None
        self._events.append(
            SwitchEvent(name, self.node, sequence, stamp or self.clock.micros(), view, extra, front, body)
        )

    def after(self, span: tuple[float, float]) -> float:
        """A moment from now, drawn from a span of `Timing`."""
        low, high = span
        return self.clock.now + (low if high <= low else self.rng.uniform(low, high))

    def find(self, uuid: str) -> Leg | None:
        """The leg that a command means; one that is hanging up is no longer found."""
        leg = self.legs.get(uuid)
        return leg if leg is not None and leg.alive else None

    def admit(self) -> bool:
        """Count one new session against the limits; False: refused, and no channel event is ever seen of
        it.
        """
        if self.paused or self.down:
            self.audit.refused["paused"] += 1
            return False
        limits = self.limits
        if limits.max_sessions and len(self.legs) >= limits.max_sessions:
            self.audit.refused["max-sessions"] += 1
            return False
        second = int(self.clock.wall_s())
        if second != self._rate_second:
            self.rate_last = self._rate_count if second == self._rate_second + 1 else 0
            self._rate_second, self._rate_count = second, 0
        if limits.sessions_per_second and self._rate_count >= limits.sessions_per_second - 1:
            self.audit.refused["sessions-per-second"] += 1
            return False
        self._rate_count += 1
        self.rate_peak = max(self.rate_peak, self._rate_count)
        self.sessions += 1
        self.sessions_peak = max(self.sessions_peak, len(self.legs) + 1)
        return True

    def command_done(self, job: Job, sequence: int, stamp: int, reply: str) -> None:
        """Report a finished background job: the API event (numbered at its start), then BACKGROUND_JOB."""
        self.api_event(job.command, job.argument, sequence, stamp)
        extra = {"Job-UUID": job.uuid, "Job-Command": job.command}
        if job.argument:
            extra["Job-Command-Arg"] = job.argument
        self.emit("BACKGROUND_JOB", extra=extra, body=reply)

    def api_event(self, command: str, argument: str, sequence: int, stamp: int) -> None:
        extra = {"API-Command": command}
        if argument:
            extra["API-Command-Argument"] = argument
        self.emit("API", extra=extra, sequence=sequence, stamp=stamp)

    def uptime_text(self) -> str:
        micros = int((self.clock.now - self.started_s) * 1_000_000)
        seconds, micro = divmod(micros, 1_000_000)
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        years, day = divmod(days, 365)
        return (
            f"{years} years, {day} days, {hour} hours, {minute} minutes, {second} seconds, "
            f"{micro // 1000} milliseconds, {micro % 1000} microseconds"
        )

    def _start_heartbeat(self) -> None:
        if self.heartbeat_s is not None:
            self.clock.at(self.clock.now + self.heartbeat_s, self._heartbeat)

    def _heartbeat(self) -> None:
        self.emit(
            "HEARTBEAT",
            extra={
                "Event-Info": "System Ready",
                "Up-Time": self.uptime_text(),
                "FreeSWITCH-Version": f"{VERSION}~64bit",
                "Uptime-msec": str(int((self.clock.now - self.started_s) * 1000)),
                "Session-Count": str(len(self.legs)),
                "Max-Sessions": str(self.limits.max_sessions),
                "Session-Per-Sec": str(self.limits.sessions_per_second),
                "Session-Per-Sec-Last": str(self.rate_last),
                "Session-Per-Sec-Max": str(self.rate_peak),
                "Session-Per-Sec-FiveMin": str(self.rate_peak),
                "Session-Since-Startup": str(self.sessions),
                "Session-Peak-Max": str(self.sessions_peak),
                "Session-Peak-FiveMin": str(self.sessions_peak),
                "Idle-CPU": "99.000000",
            },
        )
        self._start_heartbeat()
