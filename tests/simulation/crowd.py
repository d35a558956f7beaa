"""People with phones in a simulated shift: agents, supervisors, outsiders, operators, who do what enters their heads.

Owns who does what when, all from one generator: keys that make sense, keys that do not, bursts, half a code, hang-ups,
the phone's own hold button, phones that lose their power and come back, second logins, and orders by API. Must judge
nothing (``soup_checks`` does) and know no more of the engine than somebody at a phone does by listening.
"""

from __future__ import annotations

import random
from typing import Final

from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import ACTS, When
from dialer.engine.acts import situation
from dialer.engine.phone_records import Step
from dialer.simulate.shift import Shift
from freeswitch.standin.channel import Leg

PIN: Final = "9"
"""An agent's PIN is the number and a nine."""
OUTSIDERS: Final = ("+4915199000001", "+4915199000002")
NUMBERS: Final = ("4915112345601", "4915112345602", "4915112345603", "4915112345604", "4915112345605")
CODES: Final = ("*10", "*10", "*10", "*10", "*20", "*77", "0", "*1")
KEYS: Final = "0123456789*#*#*#12"
PACES_S: Final = (0.0, 0.02, 0.08, 0.2, 0.2, 0.5)
JUNK: Final = ("*", "**", "#", "*#", "*9", "*4", "*7", "*99", "*994", "0", "1", "2", "12345678", "*71", "*4#", "###",
               "*0", "D")  # fmt: skip
SUPERVISOR_ACTS: Final = ("listen", "whisper", "barge", "conference", "takeover", "takeover", "hangup", "next",
                          "previous", "leave", "answer_help")  # fmt: skip


class Crowd:
    """Sets phones going. ``pace_s`` is how long a phone rests between two things it does, on average."""

    def __init__(
        self, shift: Shift, rng: random.Random, until: float, pace_s: float, supervisors: frozenset[str]
    ) -> None:
        self.shift = shift
        self.rng = rng
        self.until = until
        self.pace_s = pace_s
        self.agents = list(shift.settings.agents)
        self.supervisors = sorted(supervisors)
        self.dark: dict[str, float] = {}  # phones without power, and until when
        for phone in (*shift.settings.seats, *OUTSIDERS):
            self._rest(phone)
        self._operate()

    # ---- turns ---------------------------------------------------------------------------------------------

    def _rest(self, phone: str) -> None:
        at = self.shift.now + self.rng.expovariate(1.0 / self.pace_s)
        if at < self.until:
            self.shift.at(at, lambda: self._turn(phone))

    def _turn(self, phone: str) -> None:
        self._rest(phone)
        rng, shift = self.rng, self.shift
        if self.dark.get(phone, 0.0) > shift.now:
            return
        legs = [leg for leg in shift.switch.legs_of(phone) if leg.vanished_at is None]
        up = [leg for leg in legs if leg.moment_answered is not None]
        if not up:
            if not legs and rng.random() < (0.5 if phone not in OUTSIDERS else 0.2):
                self._dial(phone)
            return
        leg, chance = rng.choice(up), rng.random()
        if chance < 0.55:
            self._keys(leg, self._sensible(leg))
        elif chance < 0.75:
            self._keys(leg, rng.choice(JUNK))
        elif chance < 0.84:
            self._keys(leg, "".join(rng.choice(KEYS) for _ in range(rng.randint(1, 12))))
        elif chance < 0.89:
            self._say(f"{phone} hangs up")
            shift.switch.phone_hangs_up(leg.uuid, shift.model_now)
        elif chance < 0.91:
            self._say(f"{phone} loses its power")
            self.dark[phone] = shift.now + rng.choice((1.0, 5.0, 30.0))
            for each in legs:
                shift.switch.phone_vanishes(each.uuid, shift.model_now)
        elif chance < 0.94:
            self._hold(leg)
        elif chance < 0.96:
            self._dial(phone)

    def _dial(self, phone: str) -> None:
        rng, shift = self.rng, self.shift
        code = rng.choice(CODES)
        if code in ("*10", "*20") and rng.random() < 0.4:
            code += self._name(code)
        self._say(f"{phone} dials {code}")
        dials = shift.switch.outsider_dials if phone in OUTSIDERS else shift.switch.phone_dials
        dials(phone, code, shift.model_now)

    def _hold(self, leg: Leg) -> None:
        """Held for a while: most phones are taken back sooner or later."""
        shift, uuid = self.shift, leg.uuid
        self._say(f"{uuid} holds by its own button")
        shift.switch.phone_holds(uuid, shift.model_now)

        def back() -> None:
            shift.switch.phone_holds(uuid, shift.model_now, on=False)

        shift.at(shift.now + self.rng.choice((0.2, 2.0, 9.0)), back)

    def _keys(self, leg: Leg, keys: str) -> None:
        """One after the other, at this person's pace; somebody who changes their mind stops half way."""
        if self.rng.random() < 0.12:
            keys = keys[: self.rng.randint(0, len(keys))]
        pace, uuid, shift = self.rng.choice(PACES_S), leg.uuid, self.shift
        if keys:
            self._say(f"{leg.seat or leg.identity.number} ({uuid[:8]}) presses {keys} every {pace} s")

        def press(key: str) -> None:
            if leg.alive:
                shift.switch.press(uuid, key, shift.model_now)

        for place, key in enumerate(keys):
            shift.at(shift.now + place * pace, lambda key=key: press(key))  # type: ignore[misc]

    # ---- what makes sense ----------------------------------------------------------------------------------

    def _name(self, code: str = "") -> str:
        people = self.supervisors if code == "*20" and self.supervisors and self.rng.random() < 0.8 else self.agents
        return self.rng.choice(people)

    def _sensible(self, leg: Leg) -> str:
        if not self.shift.alive:
            return ""
        live, rng, uuid = self.shift.engine._live, self.rng, leg.uuid
        session = live.sessions.get(uuid)
        if session is not None:
            name = session.agent or self._name("*20" if session.supervises else "")
            pin = f"{name}{PIN}#" if rng.random() < 0.95 else f"{name}#"
            return pin if session.step is Step.PIN else f"{name}#{pin}"
        watch = live.watches.get(uuid)
        if watch is not None:
            if watch.call is not None:
                return rng.choice(("*#", "1", "*", ""))
            if watch.agent is not None:
                return rng.choice("01233445*789")
            return rng.choice((f"{rng.choice(self.agents)}#", f"{rng.choice(self.agents)}#", "1", "1", "2", "*"))
        agent = live.legs.get(uuid)
        return "" if agent is None else self._act(situation(agent))

    def _act(self, when: When) -> str:
        rng, keys = self.rng, self.shift.settings.phones.keys
        liked = {
            When.IDLE: ("ready", "ready", "ready", "ready", "pause", "dial", "redial", "logout", "help"),
            When.PREVIEW: ("accept", "accept", "skip", "repeat"),
            When.TALKING: ("hold", "consult", "consult", "consult", "transfer", "help", "mask", "hang_up", "hang_up",
                           "pause", "do_not_call", "send_keys"),
            When.CONSULTING: ("complete", "conference", "conference", "back"),
            When.WRAP_UP: ("dispose", "ready", "ready", "callback", "more_time", "dial", "do_not_call"),
        }[when]  # fmt: skip
        name = rng.choice(liked)
        return keys[name] + self._argument(ACTS[name].argument)

    def _argument(self, kind: str) -> str:
        rng = self.rng
        end = rng.choice(("#", "#", ""))
        if kind == "number":
            return rng.choice((rng.choice(self.agents), rng.choice(self.agents), rng.choice(NUMBERS), "700", "0")) + end
        choices = {"reason": ("1#", "2#", "7#", "#"), "disposition": ("1#", "2#", "3#", "9#"),
                   "time": ("1530#", "021200#", "9#"), "keys": ("42#", "1#")}  # fmt: skip
        return rng.choice(choices.get(kind, ("",)))

    # ---- operators -----------------------------------------------------------------------------------------

    def _operate(self) -> None:
        at = self.shift.now + self.rng.expovariate(1.0 / (2.0 * self.pace_s))
        if at < self.until:
            self.shift.at(at, self._order)

    def _order(self) -> None:
        self._operate()
        rng, shift = self.rng, self.shift
        who, other = rng.choice(self.agents), rng.choice((*self.agents, ""))
        boss = rng.choice(self.supervisors) if self.supervisors else who
        act = rng.choice(list(ACTS))
        argument = self._argument(ACTS[act].argument).rstrip("#")
        order = rng.choice((
            ev.AgentLogin(1, who), ev.AgentLogin(1, who), ev.AgentReady(1, who), ev.AgentReady(1, who),
            ev.AgentPause(1, who, "tea"), ev.AgentLogout(1, who), ph.AgentAct(1, who, act, argument),
            ph.AgentAct(1, who, act, argument), ph.AgentAct(1, who, "help", ""),
            ph.SupervisorAct(1, boss, rng.choice(SUPERVISOR_ACTS), other),
            ph.SupervisorAct(1, boss, rng.choice(SUPERVISOR_ACTS), other),
            ph.SupervisorAct(1, boss, "listen", other),
        ))  # fmt: skip
        shift.feed(order)

    def _say(self, line: str) -> None:
        self.shift.tell(f"~~~ {line}")
