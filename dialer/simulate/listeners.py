"""Listeners of a simulated shift: what they would tell of callees whose voices are known, and sometimes nothing.

Owns the times at which a voice is judged, as the hearing room's own tests have measured them. Hears no sound.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from dialer.domain.hearing import (
    Announcement,
    AnnouncementHeard,
    BeepHeard,
    Heard,
    HearingEvent,
    Listen,
    ListenKind,
    QuietHeard,
    StopListening,
    Verdict,
    WordsHeard,
)
from freeswitch.standin.voices import DEAD, MACHINES, PERSONS, seconds_of

PAUSE_S = 0.36
MACHINE_S = 3.3
WORDS_EVERY_S = 0.4
ANNOUNCED_S = 1.7
QUIET_S = 3.0


class Later(Protocol):
    """An agenda."""

    def at(self, at: float, act: Callable[[], None]) -> object: ...


class ModelListeners:
    """``voice_of`` a leg's UUID: (what it announces, how its callee greets). ``deaf``: so often nothing is told."""

    def __init__(
        self,
        rng: random.Random,
        agenda: Later,
        feed: Callable[[HearingEvent], None],
        voice_of: Callable[[str], tuple[str, str]],
        deaf: float = 0.05,
    ) -> None:
        self._rng = rng
        self._agenda = agenda
        self._feed = feed
        self._voice_of = voice_of
        self._deaf = deaf
        self._heard: dict[str, Listen] = {}

    def take(self, order: Listen | StopListening, now: float) -> None:
        """Do what the engine orders."""
        if isinstance(order, StopListening):
            self._heard.pop(order.uuid, None)
            return
        self._heard[order.uuid] = order
        if self._rng.random() < self._deaf:
            return
        announces, says = self._voice_of(order.uuid)
        call, since = order.uuid, order.since
        if order.kind is ListenKind.EARLY:
            if announces == DEAD:
                at = since + ANNOUNCED_S
                self._tell(order, AnnouncementHeard(call, Announcement.DEAD_NUMBER, "tones", at), now)
        elif says in PERSONS:
            end = since + seconds_of(says)
            self._speaks(order, end, now)
            self._tell(order, Heard(call, Verdict.HUMAN, "human: a greeting", end + PAUSE_S, end), now)
        elif says in MACHINES:
            at, end = since + MACHINE_S, since + seconds_of(says)
            self._speaks(order, at, now)
            self._tell(order, Heard(call, Verdict.MACHINE, "machine: goes on", at), now)
            beeps = says == MACHINES[0]
            told = BeepHeard(call, end, "a beep") if beeps else QuietHeard(call, end + QUIET_S, "quiet")
            self._tell(order, told, now)

    def _speaks(self, order: Listen, until: float, now: float) -> None:
        at = order.since + 0.8
        while at < until:
            self._tell(order, WordsHeard(order.uuid, at), now)
            at += WORDS_EVERY_S

    def _tell(self, order: Listen, event: HearingEvent, now: float) -> None:
        def act() -> None:
            if self._heard.get(order.uuid) is order:
                self._feed(event)

        self._agenda.at(max(now, event.at) + 0.01, act)
