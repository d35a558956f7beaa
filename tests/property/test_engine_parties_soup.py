"""Random acts, hangups, lost phones, late commands and lost events: legs stay counted and nobody is left stuck."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import NODE, agents, campaign, trunk
from engine_kit import settings as engine_settings
from exchange import Hall

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import DialRule, PhoneSettings, When
from dialer.domain.settings import AgentSettings, Mode, SeatMode, SeatSettings
from dialer.engine.acts import situation

MOBILE = "+4915112345678"
PHONES = PhoneSettings(dial_rules={"agent": DialRule(allow=("49",))})
WHO = ("a1", "a2", "a3", "m1")
WHOM = ("a1", "a2", "a3", "m1", "700", MOBILE, "s-a2", "junk")
ACTS = ("hold", "consult", "transfer", "complete", "conference", "back", "hang_up", "dial", "redial", "pause", "ready",
        "logout")  # fmt: skip
LIKELY = {
    When.IDLE: ("dial", "redial", "dial", "pause", "ready"),
    When.PREVIEW: ("accept", "accept", "skip"),
    When.TALKING: ("hold", "consult", "consult", "consult", "transfer", "hang_up"),
    When.CONSULTING: ("complete", "conference", "conference", "back", "pause"),
    When.WRAP_UP: ("dial", "ready"),
}
CAUSES = ("NORMAL_CLEARING", "MEDIA_TIMEOUT", "USER_BUSY", "NO_ANSWER")
STEPS_S = (0.0, 0.0, 0.03, 0.06, 0.2, 0.5, 1.5, 4.0, 12.0, 40.0)


class Shift:
    """A hall with customers enough, driven by numbers."""

    def __init__(self, seed: int, *, lossy: bool) -> None:
        mix = (
            campaign("c1", Mode.RATIO, lines_per_agent=1.0, wrap_up_s=3.0, min_ring_s=0.0),
            campaign(
                "c2", Mode.PREVIEW, wrap_up_s=2.0, preview_on_timeout="dial", preview_timeout_s=5.0, min_ring_s=0.0
            ),
        )
        config = engine_settings(*mix, people=agents(3, "c1", "c2"), trunks=(trunk(channels=8),))
        mobile = AgentSettings("m1", "M1", "mob", frozenset({"c2"}))
        seats = {
            **config.seats,
            "mob": SeatSettings("mob", "sip:m1@10.0.0.9", SeatMode.ON_CALL),
            "700": SeatSettings("700", "user/700", SeatMode.NAILED_UP),
        }
        self.rng = random.Random(seed)
        self.hall = f = Hall(replace(config, seats=seats, agents={**config.agents, "m1": mobile}, phones=PHONES))
        f.lag = lambda: self.rng.choice((0.0, 0.0, 0.001, 0.02, 0.1))
        self.lossy = lossy
        self.quiet = False
        lossless = (ev.BridgeReplied, ev.OriginateReplied)
        f.lossy = lambda event: (
            self.lossy and not self.quiet and not isinstance(event, lossless) and self.rng.random() < 0.03
        )
        f.up()
        f.send(ev.AgentLogin(1, "m1"), ev.AgentReady(2, "m1"))

    def alive(self, *kinds: str) -> list[str]:
        legs = self.hall.legs.values()
        return [leg.uuid for leg in legs if leg.state != "dead" and (not kinds or leg.kind in kinds)]

    def one(self, kind: int, a: int, b: int) -> None:
        f = self.hall
        who, whom = WHO[a % len(WHO)], WHOM[b % len(WHOM)]
        if kind < 4:
            ringing = [u for u in self.alive("call", "party") if f.legs[u].state == "ringing"]
            if ringing:
                f.pick_up(ringing[-1 - a % len(ringing)])
        elif kind < 6:
            f.send(ph.AgentAct(1, who, ACTS[b % len(ACTS)], WHOM[(a + b) % len(WHOM)]))
        elif kind < 12:
            busy = [n for n in WHO if situation(f.agent(n)).value in ("talking", "consulting")]
            who = busy[a % len(busy)] if busy else who
            acts = LIKELY[situation(f.agent(who))]
            f.send(ph.AgentAct(1, who, acts[b % len(acts)], whom if whom != who else MOBILE))
        elif kind == 12 and self.alive("call"):
            f.die(f.legs[self.alive("call")[a % len(self.alive("call"))]])
        elif kind == 13 and self.alive("party"):
            f.die(f.legs[self.alive("party")[a % len(self.alive("party"))]], CAUSES[b % 4])
        elif kind == 14 and self.alive("agent"):
            f.die(f.legs[self.alive("agent")[a % len(self.alive("agent"))]], CAUSES[b % 2])
        elif kind == 15:
            f.send(ev.AgentReady(1, who)) if b % 2 else f.send(ev.AgentLogin(1, who), ev.AgentReady(1, who))
        elif kind == 16 and b % 3 == 0:
            f.send(ev.SwitchDown(NODE, "eof"))
            f.step(STEPS_S[a % len(STEPS_S)])
            f.send(ev.SwitchUp(NODE))
        elif kind == 17:
            f.send(ph.AgentAct(1, who, ("accept", "skip")[b % 2]))
        f.step(STEPS_S[(a + b) % len(STEPS_S)])
        f.accounted()

    def evening(self) -> None:
        """No more calls; everybody hangs up; in the end nobody is held by anything."""
        f = self.hall
        self.quiet = True
        for pool in f.leads.values():
            pool.clear()
        for name in ("c1", "c2"):
            f.send(ev.CampaignOrder(1, name, "stop"))
        for _ in range(4):
            for name in WHO:
                f.send(ph.AgentAct(1, name, "hang_up"))
            for uuid in self.alive("call", "party"):
                f.die(f.legs[uuid])
            f.step(100)
        for name in WHO:
            if f.agent(name).state.value == "logged_out":
                f.send(ev.AgentLogin(1, name))
        f.step(30)
        for name in WHO:
            f.send(ev.AgentReady(1, name))
        f.step(200)
        assert not f.live.calls and not f.live.parties and not f.live.dropped, "calls and parties"
        for name in WHO:
            agent = f.agent(name)
            assert agent.state.value == "ready", (name, agent.state, agent.reason, agent.line)
            assert (agent.call, agent.party, agent.lent, agent.own, agent.after_call) == (None,) * 5
            assert agent.free if agent.nailed_up else agent.leg is None
        assert not self.alive("call", "party")
        assert len(self.alive("agent")) == 3
        f.accounted()
        closed = f.of(cmd.CloseAttempt)
        assert len(closed) == len({c.attempt_id for c in closed})
        abandoned = [c for c in closed if c.attempt_id in self.ratio() and c.outcome.value == "abandoned"]
        unclear = [c for c in closed if c.answered_at is not None and c.outcome.value == "interrupted"]
        counted = f.engine._feed.pool.counts("c1", f.now).abandoned_today
        assert len(abandoned) <= counted <= len(abandoned) + len(unclear)

    def ratio(self) -> set[str]:
        return {c.uuid for c in self.hall.of(cmd.OriginateCall) if c.campaign == "c1"}


STEP = st.tuples(st.integers(0, 17), st.integers(0, 31), st.integers(0, 31))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**20), lossy=st.booleans(), steps=st.lists(STEP, max_size=40))
def test_nobody_is_left_stuck(seed: int, lossy: bool, steps: list[tuple[int, int, int]]) -> None:
    shift = Shift(seed, lossy=lossy)
    for step in steps:
        shift.one(*step)
    shift.evening()
