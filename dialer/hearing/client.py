"""The daemon's side of the listeners: orders out, what was heard in, never a blocked hub.

Owns which calls the worker listens to. One that dies or hangs is counted and started again (``dialer.worker_client``);
the calls that it listened to are told to be ``unsure`` at once and go on without it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

import gevent

from dialer.domain.hearing import (
    AnnouncementHeard,
    BeepHeard,
    CalleeRecorded,
    Heard,
    HearingCommand,
    HearingEvent,
    Listen,
    ListenKind,
    QuietHeard,
    StopListening,
    Verdict,
    WordsHeard,
)
from dialer.hearing import wire
from dialer.hearing.errors import MessageError
from dialer.hearing.listener import HearingSettings
from dialer.worker_client import WorkerClient

PING_EVERY_S: Final = 1.0
HANGS_AFTER_S: Final = 5.0
MOST_UNSENT: Final = 10_000
_COUNTED: Final = {WordsHeard: "words", BeepHeard: "beeps", QuietHeard: "quiet", AnnouncementHeard: "announcements"}


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where the switch records for us, and how many legs at a time.

    ``folder`` is this dialer's alone, in memory, and the switch's user may write there; ``prints`` is a file of
    ``dialer hearing learn``, or empty.
    """

    folder: str = "/dev/shm/dialer-hearing"
    most: int = 200
    prints: str = ""
    hearing: HearingSettings = field(default_factory=HearingSettings)

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 2000:
            raise ValueError("most must be from 1 to 2000")


class HearingClient(WorkerClient):
    """The listeners of one run.

    ``on_event`` receives what was heard; ``on_tap`` the order and the path to which the switch must be asked to record
    the leg; ``on_closed`` the same when that recording may be ended. ``clock`` is the engine's. ``on_fault`` receives
    sentences for the log.
    """

    NAME: ClassVar[str] = "the listeners' process"
    MODULE: ClassVar[str] = "dialer.hearing.worker"
    READ_BYTES: ClassVar[int] = 1 << 16
    BROKEN: ClassVar[type[Exception]] = MessageError

    def __init__(
        self,
        settings: ClientSettings,
        on_event: Callable[[HearingEvent | CalleeRecorded], None],
        on_tap: Callable[[Listen, str], None],
        *,
        clock: Callable[[], float],
        on_closed: Callable[[Listen, str], None] | None = None,
        on_fault: Callable[[str], None] | None = None,
        spawn: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__(spawn, wire.Decoder, on_fault)
        self._settings = settings
        self._on_event = on_event
        self._on_tap = on_tap
        self._on_closed = on_closed
        self._clock = clock
        self._number = 0
        self._open: dict[int, Listen] = {}
        self._by_call: dict[str, int] = {}
        self._judged: set[int] = set()
        self._taps: dict[str, Listen] = {}
        self._pings = 0
        self.counters: Counter[str] = Counter()
        """For metrics: listens, refused, lost, unused, human, machine, unsure, words, beeps, quiet, announcements,
        recorded, not_recorded, faults."""
        self.state: wire.Pong | None = None
        """What the worker last said of itself."""

    # ---- for the daemon ------------------------------------------------------------------------------------

    @property
    def listening(self) -> int:
        """How many calls are listened to."""
        return len(self._open)

    @property
    def up(self) -> bool:
        """Whether a worker is there. Without one every answer is ``unsure`` at once."""
        return self._connected

    def take(self, order: HearingCommand) -> None:
        """Do what the engine orders."""
        if isinstance(order, Listen):
            self.listen(order)
        else:
            self.stop_listening(order)

    def listen(self, order: Listen) -> None:
        """Listen to a leg. Never blocks; without a worker the verdict ``unsure`` comes at once."""
        self.counters["listens"] += 1
        self._forget(order.uuid)
        if not self._connected:
            self._lost(order, "the listeners' process is not running")
            return
        self._number += 1
        self._open[self._number] = order
        self._by_call[order.uuid] = self._number
        since = order.since - self._offset()
        self._send(wire.Open(self._number, order.uuid, order.kind, since, order.record))

    def stop_listening(self, order: StopListening) -> None:
        """Forget a leg; no event about it comes any more."""
        number = self._forget(order.uuid)
        if number is not None and self._connected:
            self._send(wire.Close(number, order.keep))

    def _forget(self, call: str) -> int | None:
        number = self._by_call.pop(call, None)
        if number is not None:
            self._open.pop(number, None)
            self._judged.discard(number)
        return number

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the worker. May be called more than once."""
        super().stop(timeout_s)

    # ---- the worker's life ---------------------------------------------------------------------------------

    def _goes_on(self) -> bool:
        return not self._stopping

    def _ended(self, why: str) -> None:
        self._all_lost()
        if not self._stopping:
            self._fault(why)

    def _greet(self) -> None:
        settings = self._settings
        self._send(wire.Hello(settings.hearing, settings.folder, settings.most, settings.prints))

    def _send(self, message: wire.ToWorker) -> None:
        if len(self._out) > MOST_UNSENT:
            self._kill()  # it reads nothing any more
            return
        self._put_out(wire.encode(message))

    def _watch(self) -> None:
        """Ping the worker; one that does not answer is killed, and started again."""
        asked_at = 0.0
        while True:
            gevent.sleep(PING_EVERY_S)
            if not self._connected:
                continue
            if self._ping is None:
                self._pings += 1
                self._ping = self._pings
                asked_at = time.monotonic()
                self._send(wire.Ping(self._ping))
            elif time.monotonic() - asked_at > HANGS_AFTER_S:
                self._fault(f"the listeners' process has not answered for {HANGS_AFTER_S:.0f} s: started again")
                self._kill()
                self._ping = None

    # ---- what the worker says ------------------------------------------------------------------------------

    def _handle(self, message: wire.Message) -> None:
        match message:
            case wire.Told():
                self._told(message)
            case wire.Opened():
                order = self._open.get(message.number)
                if message.fresh and order is not None:
                    self._taps[message.path] = order
                    self._inbox.put((self._on_tap, order, message.path))
            case wire.Refused():
                self.counters["refused"] += 1
                order = self._open.get(message.number)
                if order is not None:
                    self._forget(order.uuid)
                    self._lost(order, message.reason)
            case wire.Closed():
                self.counters["unused"] += message.unused
                order = self._open.get(message.number)
                if order is not None:
                    self._forget(order.uuid)
                self._untap(message.path)
            case wire.Recorded():
                self.counters["recorded" if not message.event.problem else "not_recorded"] += 1
                self._inbox.put(message.event)
            case wire.Pong():
                self.state = message
                if self._ping == message.number:
                    self._ping = None
            case wire.Ready():
                if message.fault:
                    self._fault(message.fault)
            case _:
                self._fault(f"{type(message).__name__} is no message from a worker")

    def _told(self, told: wire.Told) -> None:
        if told.number not in self._open:
            return  # it crossed our order to stop
        event = told.event
        offset = self._offset()
        if isinstance(event, Heard):
            self._judged.add(told.number)
            self.counters[event.verdict.value] += 1
            if event.greeting_end_at is not None:
                event = replace(event, greeting_end_at=event.greeting_end_at + offset)
        else:
            self.counters[_COUNTED[type(event)]] += 1
        self._inbox.put(replace(event, at=event.at + offset))

    def _lost(self, order: Listen, reason: str) -> None:
        """Nobody listens to this leg: an answered one is ``unsure``, a ringing one just rings."""
        self.counters["lost"] += 1
        if order.kind is ListenKind.ANSWERED:
            self.counters[Verdict.UNSURE.value] += 1
            self._inbox.put(Heard(order.uuid, Verdict.UNSURE, f"unsure: {reason}", self._clock()))

    def _all_lost(self) -> None:
        lost = [order for number, order in self._open.items() if number not in self._judged]
        self._open.clear()
        self._by_call.clear()
        self._judged.clear()
        for order in lost:
            self._lost(order, "the listeners' process ended")
        for path in list(self._taps):
            self._untap(path)

    def _untap(self, path: str) -> None:
        order = self._taps.pop(path, None)
        if order is not None and self._on_closed is not None:
            self._inbox.put((self._on_closed, order, path))

    def _offset(self) -> float:
        """From the machine's monotonic clock to the engine's."""
        return self._clock() - time.monotonic()

    def _fault(self, text: str) -> None:
        self.counters["faults"] += 1
        super()._fault(text)

    def _deliver(self, item: Any) -> None:
        if isinstance(item, tuple):
            call, order, path = item
            call(order, path)
        else:
            self._on_event(item)
