"""Phones in all their moods: random codes, keys, hang-ups, bridges, refusals and lost switches, in any order.

Nothing raises, every leg is accounted for after each event, keys touch nobody's customer but the agent's own, and once
it is quiet nobody is stuck.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import NODE, campaign
from phones_kit import PEOPLE, PhoneFloor

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState
from dialer.domain.settings import Mode

STEPS_S = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0, 3.1, 8.0, 25.0)
CODES = ("*10", "*101001", "*101002#", "*20", "*201003", "*77", "1", "#")
KEYS = "0123456789*#*#0129A"
WHOLE = ("1001#10019#", "1002#10029#", "1003#10039#", "*1", "*2", "*0", "*21", "*#", "*5", "*31", "*3", "*71002#",
         "*41002#", "*4", "1", "2", "*81", "*6", "*9912#", "**", "*94930111#")  # fmt: skip
AT_REST = (AgentState.LOGGED_OUT, AgentState.PAUSED, AgentState.READY, AgentState.UNAVAILABLE)


class Moods:
    """Turns numbers into what phones, customers and the switch do."""

    def __init__(self, wild: bool) -> None:
        self.floor = PhoneFloor(
            campaign("k1", wrap_up_s=5.0, dispositions=("sale", "no"), min_ring_s=0.5),
            campaign("k2", mode=Mode.PREVIEW, wrap_up_s=5.0, preview_timeout_s=6.0),
            boss="1003",
            pause_reasons={"1": "lunch", "12": "coaching"},
            wait_sound="/s/music.wav",
        )
        self.wild = wild
        self.gone: set[str] = set()
        self.floor.up()

    @property
    def legs(self) -> list[str]:
        """Legs that phones and agents have, or had."""
        live = self.floor.live
        return [*live.legs, *live.sessions, *live.watches, *live.parties, *list(self.floor.seat_of)[-3:], "nobody"]

    def act(self, kind: int, a: int, b: int) -> None:
        f, live = self.floor, self.floor.live
        leg = self.legs[a % len(self.legs)]
        calls = [*live.calls, "nobody"]
        call = calls[b % len(calls)]
        if kind == 0:
            f.dial(("s1", "s2", "s3", "c1", "", "x9")[a % 6], CODES[b % len(CODES)])
        elif kind == 1:
            f.send(ph.KeyPressed(leg, KEYS[b % len(KEYS)], f.now))
        elif kind in (2, 3):
            for key in WHOLE[b % len(WHOLE)]:
                f.send(ph.KeyPressed(leg, key, f.now))
                f.step(0.15)
        elif kind == 4:
            self._before_customers_key(call, b)
        elif kind == 5:
            self._hang_up(leg)
        elif kind == 6:
            self._hang_up(call)
        elif kind == 7 and call in live.calls and live.calls[call].state is CallState.RINGING:
            f.answer(call)
        elif kind == 7 and call in live.calls and live.calls[call].state is CallState.DIALING:
            f.ring(call)
        elif kind == 8:
            for waiting in list(live.calls.values()):
                if waiting.state is CallState.CONNECTING and waiting.agent is not None and waiting.agent.leg:
                    f.bridged(waiting.id, waiting.agent.leg)
        elif kind == 9:
            f.send(ev.LegParked(leg, f.now))
        elif kind == 10:
            f.send(ev.CommandRefused(leg, ("TakeLeg", "Say", "Murmur", "UuidPark")[b % 4], "-ERR"))
        elif kind == 11 and b % 3 == 0:
            f.send(ev.SwitchDown(NODE, "eof"))
        elif kind == 11:
            f.send(ev.SwitchUp(NODE))
        elif kind == 12:
            who = PEOPLE[a % 3]
            f.send([ev.AgentReady(1, who), ev.AgentPause(1, who, "tea"), ev.AgentLogout(1, who),
                    ev.AgentLogin(1, who), ph.AgentAct(1, who, WHOLE[b % 3], "1")][b % 5])  # fmt: skip
        elif kind == 15:
            act = ("listen", "barge", "takeover", "next", "leave", "hangup", "answer_help")[b % 7]
            f.send(ph.SupervisorAct(1, "1003", act, ("", *PEOPLE)[a % 4]), ph.AgentAct(1, PEOPLE[b % 3], "help"))
        elif kind == 16:
            rung = [watch.uuid for watch in live.watches.values() if watch.ringing] or ["nobody"]
            f.send(ev.OriginateReplied(rung[0], b % 3 != 0, "" if b % 3 else "USER_BUSY"))
        elif kind == 17:
            for watch in [w for w in live.watches.values() if w.call is not None and not w.joined]:
                f.send(ev.BridgeReplied(watch.call.id, watch.uuid, b % 4 != 0, ""))
                f.send(ev.LegsBridged(watch.call.id, watch.uuid, f.now)) if b % 4 else None
        elif kind == 13:
            f.pins, f.takes = b % 4 != 0, b % 5 != 0
        elif kind == 14 and self.wild:
            f.send([ph.PinChecked(leg, PEOPLE[b % 3], True), ev.LegsBridged(call, leg, f.now),
                    ev.OriginateReplied(leg, False, "USER_BUSY"), ph.LegHeld(leg, True, f.now),
                    ev.StoreFailed("full"), ev.StoreRecovered(), ev.SwitchGap(NODE, 2)][b % 7])  # fmt: skip
        f.step(STEPS_S[(a + b) % len(STEPS_S)])
        self.check()

    def _before_customers_key(self, call: str, b: int) -> None:
        f = self.floor
        before, states = len(f.log), {name: agent.state for name, agent in f.live.agents.items()}
        f.send(ph.KeyPressed(call, KEYS[b % len(KEYS)], f.now))
        if call in f.live.calls:
            assert not [c for c in f.log[before:] if isinstance(c, ph.Say | ph.Murmur | ph.Join | cmd.HangUp)]
            assert states == {name: agent.state for name, agent in f.live.agents.items()}

    def _hang_up(self, leg: str) -> None:
        self.gone.add(leg)
        self.floor.hang_up(leg)

    def check(self) -> None:
        self.floor.accounted()
        live = self.floor.live
        for name, agent in live.agents.items():
            assert agent.leg is None or live.legs[agent.leg] is agent
            assert agent.call is None or agent.call.id in live.calls, name
            assert agent.typed is None or agent.leg is not None
        legs = {*live.legs, *live.watches}
        for key in live.timers._live:
            assert key[0] != "session" or key[2] in live.sessions
            assert key[0] != "voice" or key[2] in live.sounds or (key[1] == "cut" and key[2] in legs)

    def quiet(self) -> None:
        """Everything works again and nobody touches anything: the customers hang up, time passes."""
        f, live = self.floor, self.floor.live
        f.pins = f.takes = True
        f.send(ev.StoreRecovered(), ev.SwitchUp(NODE))
        for watch in list(live.watches.values()):
            f.send(ev.OriginateReplied(watch.uuid, False, "NO_ANSWER")) if watch.ringing else None
            f.step(0.5)
            f.send(ev.LegParked(watch.uuid, f.now))
        for name in live.campaigns:
            f.send(ev.CampaignOrder(1, name, "stop"))
        for _ in range(12):
            for call in list(live.calls):
                f.hang_up(call)
            f.step(20)
            self.check()
        assert not live.calls and not live.sessions, "a leg that called us has no end"
        assert not live.watches and not live.helps, "a supervisor's leg has no end"
        for name, agent in live.agents.items():
            assert agent.state in AT_REST, f"agent {name} is {agent.state} after all is quiet"
            assert agent.typed is None
            if agent.state in (AgentState.PAUSED, AgentState.READY) and agent.nailed_up and agent.leg is not None:
                assert agent.line is Line.PARKED, f"agent {name}: {agent.line}"


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 17), st.integers(0, 59), st.integers(0, 209)), min_size=5, max_size=60),
)
def test_no_mood_of_a_phone_breaks_or_strands_anything(wild: bool, acts: list[tuple[int, int, int]]) -> None:
    moods = Moods(wild)
    for act in acts:
        moods.act(*act)
    moods.quiet()


def test_an_evening_of_ordinary_moods() -> None:
    """Enough of the usual for customers to be served: a random walk that is mostly sense."""
    moods: Any = Moods(False)
    floor = moods.floor
    served = 0
    for turn in range(60):
        for n, name in enumerate(PEOPLE[:2]):
            if floor.state(name) == "logged_out":
                floor.log_in(name, f"s{n + 1}")
            floor.send(ev.AgentReady(1, name))
        moods.act(7, turn, turn)
        moods.act(7, turn, turn)
        moods.act(8, turn, turn)
        moods.act(2, turn, turn * 7)
        served = sum(agent.calls for agent in floor.live.agents.values())
        if turn % 3 == 0:
            moods.act(6, turn, 0)
    assert served > 3
    moods.quiet()
