"""The pool in a soup of sense and nonsense: never an exception, never an impossible decision, never a leak.

Any report may name any call, agent and campaign, doubled, out of order, with times that go back or are no numbers.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from pacing_kit import DAY_S, NO_LIMIT, START, pacing

from pacing.beliefs import PastCall
from pacing.board import Phase
from pacing.leads import LeadFacts
from pacing.pool import LATEST, Ending, Pool
from pacing.snapshot import Ask, Decision
from pacing.windows import AbandonWindow

MIN_RING_S = 15.0
CAMPAIGNS = {
    "c1": pacing("c1", windows=NO_LIMIT, min_agents=1, hang_up_over=0.01, hang_up_share=1.0, weight=3.0),
    "c2": pacing("c2", windows=(AbandonWindow(0.03, "day"), AbandonWindow(0.03, "trailing", DAY_S)), min_agents=1),
    "c3": pacing("c3", windows=(AbandonWindow(0.03, "shift"),), hang_up_over=0.0, hang_up_share=0.5),
}
NAMES = ("c1", "c2", "c3", "nope")
NODES = ("n1", "n2")
ENDINGS = tuple(Ending)
PHASES = tuple(Phase)
STEPS_S = (0.0, 0.0, 0.05, 0.3, 1.0, 4.0, 13.0, 17.0, 120.0, 7200.0)
ODD_TIMES = (math.nan, math.inf, -math.inf, 0.0, -5.0, START - 1e6, START + 1e9, 1e15, -1e15)
NEVER = (math.nan, math.inf, -math.inf, 1e15, -1e15)
LEADS = (
    LeadFacts(),
    LeadFacts("l", 5, 3, "mobile", "busy"),
    LeadFacts("m", 23, -4, "", "abandoned"),
    LeadFacts(given=0.9),
    LeadFacts(given=0.0),
)
KINDS = 24
IN_TURN = ("sent", "rang", "answered", "taken", "bridged", "limit_passed")


class Soup:
    """Turns numbers into reports, and checks after each decision."""

    def __init__(self) -> None:
        self.pool = Pool(CAMPAIGNS)
        self.now = START
        self.made = 0
        self.node: dict[str, str] = {}
        self.rang: dict[str, float] = {}
        self.decided: list[dict[str, Decision]] = []

    def call(self, a: int) -> str:
        return ("nobody", f"k{max(0, self.made - a % 12)}")[a % 16 != 15]

    def at(self, b: int) -> float:
        return ODD_TIMES[b % len(ODD_TIMES)] if b % 11 == 10 else self.now - (b % 3 == 2) * (b % 40)

    def feed(self, kind: int, a: int, b: int, dt: int) -> None:
        if dt == len(STEPS_S):
            self.now -= 60.0
        else:
            self.now += STEPS_S[dt]
        pool, call, at, name = self.pool, self.call(a), self.at(b), NAMES[a % 4]
        if kind < 4:
            self.dial(a, b, at)
        elif kind < 9:
            agent, serves = f"a{a % 7}", frozenset(NAMES[i] for i in range(4) if (b >> i) & 1)
            pool.agent(agent, PHASES[b % 6] if kind < 7 else Phase.IDLE, at, NODES[a % 2], serves or frozenset(("c1",)))
        elif kind < 15:
            word = IN_TURN[kind - 9]
            if word == "rang" and call in pool.calls and 0.0 <= at <= LATEST:
                self.rang.setdefault(call, at)
            args = (call, f"a{b % 8}", at) if word == "taken" else (call, at)
            getattr(pool, word)(*args)
        elif kind == 15:
            pool.untaken(call)
        elif kind == 16:
            pool.ended(call, at, ENDINGS[b % len(ENDINGS)])
        elif kind == 17:
            (pool.judged if b % 3 else pool.unjudged)(name, at, abandoned=bool(b % 2))
        elif kind == 18:
            self.remember(a, b, at, name)
        elif kind == 19:
            self.made += 1
            pool.called(f"k{self.made}", name, NODES[b % 2], at)
        elif kind == 20:
            pool.asked(call, at)
        else:
            self.decide(a, b)

    def dial(self, a: int, b: int, at: float) -> None:
        call, name, node = f"k{self.made + (a % 9 != 8)}", NAMES[a % 4], NODES[b % 2]
        if call not in self.pool.calls and name != "nope" and 0.0 <= at <= LATEST:
            self.node[call] = node
            self.rang.pop(call, None)
        self.pool.dialed(call, name, node, at, LEADS[a % len(LEADS)] if b % 2 else None)
        self.made += 1
        if b % 4:
            self.pool.sent(call, at)
        if b % 8 > 3:
            if call in self.pool.calls and 0.0 <= at <= LATEST:
                self.rang.setdefault(call, at)
            self.pool.rang(call, at)

    def remember(self, a: int, b: int, at: float, name: str) -> None:
        pool = self.pool
        if b % 5 == 0:
            pool.closes(name, at, *((), (90.0,), (90.0, 90.0 * (b % 7)), (math.nan, 1.0), (9.0, -9.0))[a % 5])
        elif b % 5 == 1:
            pool.begins_shift(at)
        elif b % 5 == 2 and name in pool:
            pool.restore(name, json.loads(json.dumps(pool.state(name), allow_nan=False)))
        elif b % 5 == 3:
            pool.restore(name, {"version": 1, "beliefs": {}, "threshold": b})
        elif name in pool:
            pool.warm(name, [PastCall(LEADS[0], (at, 5.0, None)[a % 3], bool(b % 2), bool(a % 2), at, -at)])

    def decide(self, a: int, b: int) -> None:
        node = NODES[a % 2]
        asks = [Ask(name, (b + 7 * i) % 40 - 2, LEADS * (a % 6)) for i, name in enumerate(NAMES) if (a >> i) & 1]
        out = self.pool.decide(self.now, node, asks)
        assert set(out) == {ask.campaign for ask in asks}
        for ask in asks:
            self.check(ask, out[ask.campaign], node)
        self.decided.append(out)
        if b % 16 == 15:
            never = NEVER[a % len(NEVER)]
            assert not any(made.lines for made in self.pool.decide(never, node, asks).values())
            self.pool.explain("c2", never)

    def check(self, ask: Ask, made: Decision, node: str) -> None:
        assert 0 <= made.lines <= max(0, ask.room)
        assert made.reason.startswith(f"start {made.lines}: ")
        assert "nan" not in made.reason and "inf" not in made.reason
        assert len(made.picks) == made.lines == len(set(made.picks))
        assert all(0 <= pick < len(ask.leads) for pick in made.picks)
        assert len(set(made.hang_up)) == len(made.hang_up) <= 3
        if "before the shift does at 1:1" in made.reason:
            assert not made.hang_up, "a ring is hung up although the list is spared"
        for call in made.hang_up:
            assert call in self.pool.calls, "hangs up what is not there"
            assert self.node[call] == node, "hangs up on another switch"
            assert self.now - self.rang[call] >= MIN_RING_S, "hangs up before the minimum ring"

    def finish(self) -> None:
        pool = self.pool
        for name in CAMPAIGNS:
            counts = pool.counts(name, self.now)
            assert counts.waiting >= 0 and counts.ringing >= 0
            assert 0 <= counts.ringing + counts.waiting <= counts.in_existence
            json.dumps(pool.explain(name, self.now), allow_nan=False, default=float)
            json.dumps(pool.state(name), allow_nan=False)
        for call in sorted(pool.calls):
            pool.ended(call, self.now, Ending.OVER)
        assert pool.calls == frozenset()
        for name in CAMPAIGNS:
            counts = pool.counts(name, self.now)
            assert (counts.ringing, counts.waiting, counts.in_existence) == (0, 0, 0)
        assert not any(pool._state.waiting.values())
        assert not any(len(rings) for rings in pool._state.rings.values())


moves = st.lists(
    st.tuples(st.integers(0, KINDS - 1), st.integers(0, 255), st.integers(0, 255), st.integers(0, len(STEPS_S))),
    min_size=15,
    max_size=80,
)
Moves = list[tuple[int, int, int, int]]


def eat(each: Moves) -> Soup:
    soup = Soup()
    for move in each:
        soup.feed(*move)
    return soup


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves)
def test_soup(each: Moves) -> None:
    eat(each).finish()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves)
def test_the_same_reports_lead_to_the_same_decisions(each: Moves) -> None:
    one, two = eat(each), eat(each)
    assert one.decided == two.decided
    for name in CAMPAIGNS:
        assert one.pool.state(name) == two.pool.state(name)
    assert one.pool.dropped == two.pool.dropped


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), min_size=30, max_size=120), st.integers(1, 12))
def test_a_floor_at_work_never_hangs_up_more_than_its_share(each: list[tuple[int, int]], agents: int) -> None:
    """Sensible reports only: what is decided is done, and rings end as they like."""
    share, now, count = 0.2, START, 0
    pool = Pool({"c1": pacing(windows=NO_LIMIT, min_agents=1, hang_up_over=0.02, hang_up_share=share)})
    for number in range(agents):
        pool.agent(f"a{number}", Phase.IDLE, now, "n1", frozenset({"c1"}))
    cuts = 0
    rang: dict[str, float] = {}
    for what, who in each:
        now += (0.1, 0.5, 2.0, 6.0)[who % 4]
        made: Any = pool.decide(now, "n1", [Ask("c1", 8, (LeadFacts(),) * 8)])["c1"]
        for _ in range(made.lines):
            count += 1
            pool.dialed(f"k{count}", "c1", "n1", now)
            pool.sent(f"k{count}", now)
            pool.rang(f"k{count}", now)
            rang[f"k{count}"] = now
        for call in made.hang_up:
            assert now - rang.pop(call) >= MIN_RING_S
            pool.ended(call, now, Ending.CUT)
            cuts += 1
        assert cuts <= share * count + 1e-9
        if what >= 6:
            phase = (Phase.TALKING, Phase.WRAP, Phase.IDLE, Phase.AWAY)[what - 6]
            pool.agent(f"a{who % agents}", phase, now, "n1", frozenset({"c1"}))
        elif rang:
            call = sorted(rang)[who % len(rang)]
            del rang[call]
            if what < 3:
                pool.answered(call, now)
            pool.ended(call, now, (Ending.OVER, Ending.NO_ANSWER)[what >= 3])
