"""Phones in the hands of people who press what they like: keys, codes, hang-ups, holds, power cuts, all at random.

Owns who does what when, from one generator; the real switch's timing makes no two runs alike. Must judge nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from harness.phone import Habit, Phone, Room
from harness.phone_call import Call

JUNK = ("*", "**", "#", "*#", "*9", "*4", "*7", "*99", "*994", "0", "1", "2", "12345678", "*71", "*4#", "###", "*0")
KEYS = "0123456789*#*#*#12"
IDLE = ("*1", "*1", "*1", "*21", "*2#", "*0", "*8", "**")
LIKED: Mapping[str, tuple[str, ...]] = {
    "ready": ("*21", "*8", "*0", "*2#"),
    "talking": ("*3", "*3", "*8", "*6", "*#", "*5", "*9942#", "*1", "*2", "*0", "*22"),
    "wrap_up": ("1#", "2#", "*1", "*41530#", "*6", "9#", "*1"),
    "paused": IDLE,
}
WATCHING = ("0", "1", "2", "3", "4", "5", "*", "7", "8", "9")


class Crowd:
    """``seats`` and ``bosses`` are registered phones by seat (also the agent's number), ``mobiles`` call from outside.

    ``revive`` makes a seat's phone anew when its power comes back; ``states`` tells what an agent does, by seat.
    """

    def __init__(
        self,
        room: Room,
        rng: random.Random,
        phones: dict[str, Phone],
        bosses: frozenset[str],
        mobiles: Mapping[str, Phone],
        login_number: str,
        pin: str,
        outside: str,
        revive: Callable[[str], Phone],
        states: Callable[[], Mapping[str, str]],
    ) -> None:
        self.room = room
        self.rng = rng
        self.phones = phones
        self.bosses = bosses
        self.mobiles = mobiles
        self.login_number = login_number
        self.pin = pin
        self.outside = outside
        self._revive = revive
        self._states = states
        self._known: Mapping[str, str] = {}
        self._asked_at = 0.0
        self._dark: dict[str, float] = {}
        self.done: dict[str, int] = {}

    def run(self, seconds: float, pace_s: float = 0.12) -> None:
        """Somebody does something every ``pace_s``."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if time.monotonic() > self._asked_at + 1.0:
                self._asked_at, self._known = time.monotonic(), self._states()
            self._turn(self.rng.choice([*self.phones, *self.mobiles]))
            self.room.sleep(self.rng.expovariate(1.0 / pace_s))

    def go_home(self) -> None:
        """Power is back everywhere, nobody holds, and every call is hung up."""
        for seat in list(self._dark):
            self._back(seat)
        for phone in (*self.phones.values(), *self.mobiles.values()):
            for call in phone.live:
                call.hang_up()

    # ---- one turn ------------------------------------------------------------------------------------------

    def _turn(self, who: str) -> None:
        if who in self._dark:
            if time.monotonic() > self._dark[who]:
                self._back(who)
            return
        phone = self.mobiles.get(who) or self.phones[who]
        up = [call for call in phone.calls if call.state == "up"]
        if not up:
            if not phone.live and self.rng.random() < 0.5:
                self._count("dials")
                phone.call(self._code(who))
            return
        call, chance = self.rng.choice(up), self.rng.random()
        if chance < 0.6:
            self._press(call, self._sensible(who, call))
        elif chance < 0.78:
            self._press(call, self.rng.choice(JUNK))
        elif chance < 0.87:
            self._press(call, "".join(self.rng.choice(KEYS) for _ in range(self.rng.randint(1, 12))))
        elif chance < 0.91:
            self._count("hangs up")
            call.hang_up()
        elif chance < 0.93 and who in self.phones:
            self._count("loses its power")
            self._dark[who] = time.monotonic() + self.rng.choice((2.0, 8.0, 20.0))
            phone.vanish()
        elif chance < 0.97:
            self._count("holds")
            self._hold(call)
        else:
            self._count("dials beside a call")
            phone.call(self._code(who))

    def _code(self, who: str) -> str:
        rng = self.rng
        if who in self.mobiles:
            return self.login_number
        if who in self.bosses and rng.random() < 0.7:
            return f"*20{who}" if rng.random() < 0.6 else "*20"
        name = rng.choice([*self.phones, who, who, who])
        return rng.choice((f"*10{name}", f"*10{name}", "*10", "*20", "*77"))

    def _press(self, call: Call, keys: str) -> None:
        if self.rng.random() < 0.1:
            keys = keys[: self.rng.randint(0, len(keys))]
        if not keys or call.state != "up":
            return
        self._count("presses")
        if self.rng.random() < 0.2:
            call.press_info(keys)
        else:
            call.press(keys, self.rng.choice((60, 100)), self.rng.choice((40, 80, 200)))

    def _hold(self, call: Call) -> None:
        call.hold()

        def back() -> None:
            if call.state == "up":
                call.resume()

        self.room.again(self.rng.choice((0.3, 2.0, 6.0)), back)

    def _back(self, seat: str) -> None:
        del self._dark[seat]
        self.phones[seat] = self._revive(seat)

    def _count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    # ---- what makes sense ----------------------------------------------------------------------------------

    def _sensible(self, who: str, call: Call) -> str:
        rng = self.rng
        name = rng.choice([*self.phones]) if who in self.mobiles else who
        age = time.monotonic() - call.times.get("up", 0.0)
        if call.outgoing and age < 8.0:
            return f"{self.pin}#" if len(call.number) > 5 and not call.number.isdecimal() else f"{name}#{self.pin}#"
        if call.outgoing and call.number.startswith("*20"):
            return rng.choice((f"{rng.choice([*self.phones])}#", *WATCHING))
        state = self._known.get(who, "paused")
        if state == "talking" and rng.random() < 0.4:
            return rng.choice(("*7", "*7", "*4")) + rng.choice((*self.phones, self.outside, self.outside)) + "#"
        return rng.choice(LIKED.get(state, IDLE))


HABIT = Habit(answer_s=0.3)
"""Of a phone that is rung."""
