"""The listeners' process: `python -m dialer.hearing.worker FD`, started by ``hearing.client`` and never by hand.

Owns the beat in which the taps are read, and the process's life: it ends when its pair is closed. Never patched by
gevent. What is heard is judged in ``listener``, what a machine said is kept by ``keeper`` where that was asked; no call
depends on this process.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dialer import worker_end
from dialer.domain.hearing import Heard, HearingEvent, ListenKind, Verdict
from dialer.hearing import wire
from dialer.hearing.errors import HearingError, MessageError, PrintsError
from dialer.hearing.keeper import Keeper
from dialer.hearing.listener import Listener
from dialer.hearing.prints import EMPTY
from dialer.hearing.printsfile import load
from dialer.hearing.taps import Folder, NoTap, Tap

READ_BYTES: Final = 1 << 16
BEAT_S: Final = 0.01
LONGEST_S: Final = {ListenKind.EARLY: 120.0, ListenKind.ANSWERED: 90.0}
UNUSED_S: Final = 20.0
"""A tap on which no sound came for so long is given back."""
SWEEP_EVERY_S: Final = 20.0


@dataclass(slots=True)
class _Leg:
    number: int
    tap: Tap
    listener: Listener
    opened_at: float
    heard_at: float
    record: str
    said: bytearray


class Desk:
    """All listeners of one process; time comes in."""

    def __init__(self, hello: wire.Hello, send: Callable[[wire.FromWorker], None], now: float) -> None:
        """Raises NoTap when the folder cannot be used."""
        self._settings = hello.settings
        self._most = hello.most
        self._send = send
        self._folder = Folder(Path(hello.folder))
        self._folder.sweep()
        self._swept_at = now
        self._legs: dict[str, _Leg] = {}
        self._frames = 0
        self._keeper = Keeper()
        self.late_s = 0.0
        fault = ""
        self._prints = EMPTY
        if hello.prints:
            try:
                self._prints = load(Path(hello.prints))
            except PrintsError as error:
                fault = str(error)
        send(wire.Ready(len(self._prints), fault))

    def __len__(self) -> int:
        return len(self._legs)

    @property
    def busy(self) -> bool:
        """Whether beats are needed: somebody is listened to, or a file is being written."""
        return bool(self._legs) or self._keeper.busy

    def take(self, message: wire.Message, now: float) -> None:
        """Do what the daemon says."""
        match message:
            case wire.Open():
                self._open(message, now)
            case wire.Close():
                for call, leg in list(self._legs.items()):
                    if leg.number == message.number:
                        self._close(call, message.keep)
            case wire.Ping():
                frames = self._frames + sum(leg.listener.frames for leg in self._legs.values())
                self._send(wire.Pong(message.number, len(self), frames, round(self.late_s * 1000, 1)))
                self.late_s = 0.0
            case _:
                raise MessageError(f"{type(message).__name__} is no message to a worker")

    def beat(self, now: float) -> None:
        """Read every tap and let time pass; listeners that are done, unused or too old are closed."""
        for call, leg in list(self._legs.items()):
            listener = leg.listener
            data = leg.tap.read()
            if data:
                leg.heard_at = now
                if leg.record:
                    leg.said += data
                self._tell(leg, listener.packet(data, now))
            self._tell(leg, listener.tick(now))
            too_old = now - leg.opened_at > LONGEST_S[listener.kind]
            if listener.done or too_old or now - leg.heard_at > UNUSED_S:
                self._close(call, True)  # who was not a machine after all was taken back long ago
        for done in self._keeper.done():
            self._send(wire.Recorded(done))
        if now - self._swept_at >= SWEEP_EVERY_S:
            self._swept_at = now
            self._folder.sweep()

    def close(self) -> None:
        """Give every tap back, and finish the files that are being written."""
        for call in list(self._legs):
            self._close(call, False)
        self._keeper.close()

    def _tell(self, leg: _Leg, events: list[HearingEvent]) -> None:
        for event in events:
            if isinstance(event, Heard) and not leg.listener.frames:
                reason = "unsure: no sound came from the switch"
                event = replace(event, verdict=Verdict.UNSURE, reason=reason, greeting_end_at=None)
            self._send(wire.Told(leg.number, event))

    def _open(self, order: wire.Open, now: float) -> None:
        leg = self._legs.get(order.call)
        if leg is None and len(self._legs) >= self._most:
            self._send(wire.Refused(order.number, f"{self._most} calls are listened to already"))
            return
        fresh = leg is None
        if leg is None:
            try:
                tap = self._folder.open(order.call, order.number)
            except NoTap as error:
                self._send(wire.Refused(order.number, str(error)))
                return
        else:
            tap = leg.tap
            self._frames += leg.listener.frames
        listener = Listener(order.call, order.kind, order.since, now, self._settings, self._prints)
        self._legs[order.call] = _Leg(order.number, tap, listener, now, now, order.record, bytearray())
        self._send(wire.Opened(order.number, str(tap.path), fresh))

    def _close(self, call: str, keep: bool) -> None:
        leg = self._legs.pop(call)
        self._folder.close(leg.tap)
        self._frames += leg.listener.frames
        judged = leg.listener.verdict
        if keep and leg.record and judged is not None and judged.verdict is Verdict.MACHINE:
            self._keeper.keep(call, leg.record, bytes(leg.said))
        self._send(wire.Closed(leg.number, str(leg.tap.path), leg.tap.size == 0))


def serve(pair: socket.socket) -> int:
    """Listen until the other end is closed; returns the exit code. Raises HearingError, NoTap."""
    decoder = wire.Decoder()
    messages: list[wire.Message] = []
    while not messages:
        data = worker_end.read(pair, READ_BYTES)
        if not data:
            return 0
        messages = decoder.feed(data)
    hello = messages.pop(0)
    if not isinstance(hello, wire.Hello):
        raise MessageError("the first message must be Hello")
    gone = False

    def send(message: wire.FromWorker) -> None:
        nonlocal gone
        try:
            pair.sendall(wire.encode(message))
        except OSError:
            gone = True  # nobody listens any more; the next turn ends

    due = time.monotonic()
    desk = Desk(hello, send, due)
    try:
        while not gone:
            for message in messages:
                desk.take(message, time.monotonic())
            wait_s = max(0.0, due - time.monotonic()) if desk.busy else SWEEP_EVERY_S
            ready = select.select([pair], [], [], wait_s)[0]
            data = worker_end.read(pair, READ_BYTES) if ready else b""
            if ready and not data:
                return 0
            messages = decoder.feed(data)
            now = time.monotonic()
            if not desk.busy:
                due = now
            if now < due:
                continue
            desk.late_s = max(desk.late_s, now - due)
            desk.beat(now)
            due = max(due + BEAT_S, now)
    finally:
        desk.close()
    return 0


if __name__ == "__main__":
    sys.exit(worker_end.run("hearing", sys.argv[1:], serve, (HearingError, NoTap, ValueError)))
