"""One tapped leg: packets and the passing of time in, hearing events out.

Owns the cutting of packets into frames, the clock of a leg's sound, and which judges listen to which kind of leg.
Missing sound (silence suppression, a dead tap) is filled with silence, so that every time bound holds without a single
packet. Pure: the time comes with each call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dialer.domain.hearing import (
    AnnouncementHeard,
    BeepHeard,
    Heard,
    HearingEvent,
    ListenKind,
    QuietHeard,
    Verdict,
    WordsHeard,
)
from dialer.hearing.announcements import EarlyMedia, EarlySettings
from dialer.hearing.cadence import Cadence, CadenceSettings, Judgement
from dialer.hearing.prints import EMPTY, Prints
from dialer.hearing.sound import FRAME_BYTES, FRAME_S, SILENCE, Ear, Sound

BEHIND_S: Final = 0.15
"""So long sound may be on its way before silence is put in its place …"""
STARTS_WITHIN_S: Final = 0.9
"""… but not at the start: a switch writes one frame, and then nothing for half a second, which it holds back."""
STARTED: Final = 5
"""Frames that say that this start is over."""
AHEAD_S: Final = 0.1
"""Sound that comes so much too early is what silence has already replaced: it is left out."""
WORDS_EVERY_S: Final = 0.4
"""So often it is told that somebody speaks still."""
LOST_FRAMES: Final = 3
"""So many frames without any sound between loud ones are lost, not silent: while a leg rings FreeSWITCH reads four
frames and leaves out two, over and over (measured)."""
_NOTHING: Final = 16
"""No sample is above this in a frame without any sound: G.711 knows no smaller one than 8."""
NO_FRAME: Final = bytes(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class HearingSettings:
    """All thresholds of the room."""

    cadence: CadenceSettings = field(default_factory=CadenceSettings)
    early: EarlySettings = field(default_factory=EarlySettings)
    quiet_after_s: float = 3.0
    """A machine that is quiet for so long without a beep is told as QuietHeard."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.quiet_after_s <= 30.0:
            raise ValueError("quiet_after_s must be from 0.5 to 30")


class Listener:
    """Listens to the leg of ``call``. ``since``: when it was answered, or rang first (the caller's clock)."""

    __slots__ = (
        "_buffer",
        "_cadence",
        "_ear",
        "_early",
        "_filled",
        "_heard_until",
        "_last",
        "_latest_machine",
        "_lost",
        "_opened_at",
        "_quiet_told",
        "_settings",
        "_since",
        "_words_after",
        "call",
        "frames",
        "kind",
    )

    def __init__(
        self, call: str, kind: ListenKind, since: float, now: float, settings: HearingSettings, prints: Prints = EMPTY
    ) -> None:
        self.call = call
        self.kind = kind
        self._settings = settings
        self._since = since
        self._opened_at = now
        self._heard_until = max(since, now)  # what was said before the tap was there is lost
        self._filled = False
        self._buffer = b""
        self._ear = Ear()
        self._cadence = Cadence(settings.cadence)
        self._early = EarlyMedia(settings.early, prints)
        self._last = (SILENCE, NO_FRAME)  # the last frame with any sound …
        self._lost: list[tuple[bytes | None, float]] | None = None  # … and those without after it; None: it is silent
        self._latest_machine = False
        self._quiet_told = False
        self._words_after = WORDS_EVERY_S
        self.frames = 0
        """Frames of real sound."""

    @property
    def verdict(self) -> Judgement | None:
        """What was judged of an answered leg."""
        return self._cadence.judgement

    @property
    def done(self) -> bool:
        """Whether nothing more can be told."""
        if self.kind is ListenKind.EARLY:
            return self._early.judgement is not None
        judged = self._cadence.judgement
        return judged is not None and judged.verdict is not Verdict.MACHINE

    def packet(self, data: bytes, now: float) -> list[HearingEvent]:
        """Take what the tap gave. After a standstill all that waits comes first, ``tick`` after it."""
        if data and not (self.frames or self._filled or self._buffer):
            # The recording begins now: that is its time, not the order's to begin.
            self._heard_until = max(self._heard_until, now - len(data) / FRAME_BYTES * FRAME_S)
        events: list[HearingEvent] = []
        buffer = self._buffer + data
        at = 0
        while len(buffer) - at >= FRAME_BYTES:
            if self._heard_until + FRAME_S <= now + AHEAD_S:
                self.frames += 1
                events += self._frame(buffer[at : at + FRAME_BYTES])
            at += FRAME_BYTES
        self._buffer = buffer[at:]
        return events

    def tick(self, now: float) -> list[HearingEvent]:
        """Time passes; what should have come by now is taken as silence."""
        events: list[HearingEvent] = []
        starting = self.frames < STARTED and now - self._opened_at < STARTS_WITHIN_S
        missing = int((now - (STARTS_WITHIN_S if starting else BEHIND_S) - self._heard_until) / FRAME_S)
        if missing <= 0:
            return events
        self._buffer = b""
        self._filled = True
        for _ in range(missing):
            if self.done:
                self._heard_until = now
                break
            events += self._frame(None)
        return events

    def _frame(self, frame: bytes | None) -> list[HearingEvent]:
        self._heard_until += FRAME_S
        at = self._heard_until - self._since
        if self.kind is ListenKind.EARLY:
            return [event for heard in self._mended(frame, at) for event in self._ringing(*heard)]
        sound = SILENCE if frame is None else self._ear.hear(frame)
        return self._answered(self._cadence, self._cadence.feed(sound, at))

    def _mended(self, frame: bytes | None, at: float) -> list[tuple[Sound, bytes, float]]:
        """The frames that can be judged now: lost ones sound as the last one before them."""
        silent = frame is None or int(np.abs(np.frombuffer(frame, "<i2").astype(np.int32)).max()) <= _NOTHING
        held = self._lost
        if frame is not None and not silent:
            before, self._lost = self._last, []
            sound = self._ear.hear_after_gap(frame) if held else self._ear.hear(frame)
            self._last = (sound, frame)
            gap = held or []
            half = len(gap) / 2
            lost = [(*(before if n < half else self._last), then) for n, (_, then) in enumerate(gap)]
            return [*lost, (sound, frame, at)]
        if held is not None:
            held.append((frame, at))
            if len(held) <= LOST_FRAMES:
                return []
            self._lost = None
        quiet = [(frame, at)] if held is None else held
        return [
            (SILENCE, NO_FRAME, then) if each is None else (self._ear.hear(each), each, then) for each, then in quiet
        ]

    def _ringing(self, sound: Sound, frame: bytes, at: float) -> list[HearingEvent]:
        early = self._early.feed(sound, frame, at)
        if early is None:
            return []
        return [AnnouncementHeard(self.call, early.what, early.reason, self._since + early.at)]

    def _answered(self, cadence: Cadence, judged: Judgement | None) -> list[HearingEvent]:
        events: list[HearingEvent] = []
        now = self._heard_until
        if judged is not None:
            end = None if judged.greeting_end is None else self._since + judged.greeting_end
            events.append(Heard(self.call, judged.verdict, judged.reason, now, end))
            self._latest_machine = judged.verdict is Verdict.MACHINE
        if cadence.judgement is None and now - self._since >= self._words_after and cadence.speaking:
            self._words_after = now - self._since + WORDS_EVERY_S
            events.append(WordsHeard(self.call, now))
        if not self._latest_machine:
            return events
        if cadence.beep is not None:
            self._quiet_told = True
            events.append(BeepHeard(self.call, now, f"a beep: {cadence.beep}"))
        quiet = now - self._since - cadence.quiet_since
        if not self._quiet_told and quiet >= self._settings.quiet_after_s:
            self._quiet_told = True
            events.append(QuietHeard(self.call, now, f"quiet for {quiet:.1f} s, and no beep"))
        return events
