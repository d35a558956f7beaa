"""Callers' keys: menus, extensions, and the wish to be called back.

Owns what a key of a caller means, and how long one is waited for. Must not take keys of a caller who speaks with an
agent. What a key leads to is ``inbound``'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dialer.domain.call import CallState, CallTrigger
from dialer.domain.inbound import HoldCaller, Kind, Menu, Way, Words, spoken
from dialer.domain.phones import KeyPressed
from dialer.engine.live import Call, Live
from dialer.engine.queueing import BOUND_SPARE_S
from dialer.engine.records import APART_S

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.follow_me import FollowDesk
    from dialer.engine.inbound import InboundDesk
    from dialer.engine.queueing import QueueDesk

LONGEST: Final = 12
"""No extension has more digits."""
GAP_S: Final = 4.0
"""So long after a digit the extension is taken as complete."""


class MenuDesk:
    """Asks callers for keys."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.calls: CallDesk
        self.inbound: InboundDesk
        self.queues: QueueDesk
        self.follow: FollowDesk

    def begin(self, call: Call, way: Way) -> None:
        """Order the words of a menu, or the question for an extension."""
        arrival, menus = call.arrival, self.live.settings.inbound.menus
        assert arrival is not None
        if way.kind is Kind.MENU:
            arrival.menu, arrival.tries = menus[way.name], 0
        arrival.asks_extension, arrival.digits = way.kind is Kind.EXTENSION, ""
        self._ask(call, way.words)

    def _ask(self, call: Call, first: Words) -> None:
        arrival, live = call.arrival, self.live
        assert arrival is not None
        greeting = {} if call.answered_at is not None else arrival.number.greeting
        menu = {} if arrival.asks_extension or arrival.menu is None else arrival.menu.words
        parts = [each for words in (greeting, first, menu) if (each := spoken(words, arrival.language)) is not None]
        arrival.greeting_s = sum(part.seconds for part in parts)
        call.moved_at = live.now
        limit_ms = round((arrival.greeting_s + self._timeout(arrival.menu) + BOUND_SPARE_S) * 1000)
        if live.nodes[call.node].up:
            sounds = tuple(part.sound for part in parts)
            live.emit(HoldCaller(call.node, call.id, sounds, "", limit_ms, (), arrival.language))
            if call.answered_at is not None:
                self.calls.displaced(call, APART_S)

    def began(self, call: Call) -> None:
        """The words are being said: keys count."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if call.state is CallState.WAITING:
            self.queues.leave(call)
            self.calls.move(call, CallTrigger.LEAVE)
        elif call.state is CallState.ARRIVED:
            self.calls.move(call, CallTrigger.PLAY)
        live.timers.set(("arrival", "turn", call.id), live.now + arrival.greeting_s + self._timeout(arrival.menu))

    @staticmethod
    def _timeout(menu: Menu | None) -> float:
        return menu.timeout_s if menu is not None else 5.0

    def turn(self, call: Call) -> None:
        """The words are over, or nobody pressed a key for long."""
        arrival = call.arrival
        if arrival is None or arrival.way is None or call.state is not CallState.MESSAGE or call.kill_as is not None:
            return
        if arrival.way.kind is Kind.QUEUE:
            self.queues.wait(call)
        elif arrival.way.kind is Kind.FOLLOW:
            self.follow.begin(call)
        elif arrival.asks_extension and arrival.digits:
            self._extension(call)
        else:
            self._again(call, {})

    def _again(self, call: Call, first: Words) -> None:
        """Once more, or no more."""
        arrival = call.arrival
        assert arrival is not None
        menu = arrival.menu
        arrival.tries += 1
        if menu is None or arrival.tries > menu.repeats:
            self._lead(call, menu.otherwise if menu is not None else Way(Kind.QUEUE, arrival.number.queue))
            return
        self.inbound.go(call, Way(Kind.REPEAT, words=first))

    def pressed(self, event: KeyPressed) -> None:
        """A caller's key."""
        call = self.live.calls.get(event.uuid)
        arrival = None if call is None else call.arrival
        if call is None or arrival is None or arrival.way is None or call.kill_as is not None:
            return
        self.live.counters["caller_keys"] += 1
        if call.state is CallState.WAITING:
            self.queues.pressed(call, event.key)
        elif call.state is not CallState.MESSAGE or arrival.way.kind in (Kind.QUEUE, Kind.FOLLOW):
            return
        elif arrival.asks_extension:
            self._digit(call, event.key)
        elif arrival.menu is not None:
            self._choose(call, arrival.menu, event.key)

    def _choose(self, call: Call, menu: Menu, key: str) -> None:
        way = menu.keys.get(key)
        if way is None:
            self._again(call, menu.unknown)
        else:
            self._lead(call, way)

    def _lead(self, call: Call, way: Way) -> None:
        """Where a key leads: where that is the number's own queue, a region's callers have another one."""
        arrival = call.arrival
        assert arrival is not None
        if way.kind is Kind.QUEUE and way.name == arrival.number.queue:
            way = replace(way, name=arrival.home or way.name)
        self.inbound.go(call, way)

    def _digit(self, call: Call, key: str) -> None:
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if key == "#":
            self._extension(call)
        elif key == "*":
            arrival.digits = ""
            live.timers.set(("arrival", "turn", call.id), live.now + GAP_S)
        elif key.isdecimal() and len(arrival.digits) < LONGEST:
            arrival.digits += key
            if arrival.digits in live.settings.inbound.extensions and not self._goes_on(arrival.digits):
                self._extension(call)
                return
            live.timers.set(("arrival", "turn", call.id), live.now + GAP_S)

    def _goes_on(self, digits: str) -> bool:
        known = self.live.settings.inbound.extensions
        return any(other != digits and other.startswith(digits) for other in known)

    def _extension(self, call: Call) -> None:
        """To the agent at it."""
        arrival = call.arrival
        assert arrival is not None
        digits, arrival.digits = arrival.digits, ""
        agent = self.live.settings.inbound.extensions.get(digits)
        if agent is None:
            self._again(call, arrival.menu.unknown if arrival.menu is not None else {})
            return
        self.inbound.go(call, Way(Kind.AGENT, agent))
