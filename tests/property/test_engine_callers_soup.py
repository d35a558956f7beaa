"""Callers in a soup of doubled, reordered, late, contradicting and unknown events: never an exception, never a second
record, and each one accounted for in the end.

The soup knows no protocol: any event may name any caller at any time, and lists may show anybody or nobody.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import NODE, agents
from inbound_kit import DID, SALES, SUPPORT, Desk, number, office, outbound, queue, said
from test_engine_routed_always import tables_made_once

from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain.phones import KeyPressed, RecordingStopped
from routing.outbound import Rank
from routing.vip import Asked

DID2 = "+4930777"
WHO = ("+493012340001", "+493012340002", "anonymous", "BANKINFO", "030123", "+4917099111", "1" * 99)
STEPS_S = (0.0, 0.0, 0.05, 0.3, 1.1, 4.0, 12.0, 31.0)
STORY = st.lists(
    st.tuples(st.integers(0, 19), st.integers(0, 9), st.integers(0, 9), st.sampled_from(STEPS_S)), max_size=70
)
__all__ = ["tables_made_once"]


class Soup(Desk):
    """A menu, two queues with overflow, callback and mailbox, a campaign; the business system is asked."""

    def __init__(self, *, judges: bool) -> None:
        offer = inb.CallbackOffer("1", said("offer"), said("noted"), 5.0)
        over = (inb.Overflow(inb.Way(inb.Kind.QUEUE, SUPPORT), waiting=2),
                inb.Overflow(inb.Way(inb.Kind.VOICEMAIL, words=said("leave")), after_s=40.0))  # fmt: skip
        sales = queue(callback=offer, overflow=over, max_wait_s=90.0, announce_every_s=10.0, own_words=said("own"))
        keys = {"1": inb.Way(inb.Kind.QUEUE, SALES), "2": inb.Way(inb.Kind.EXTENSION, words=said("which")),
                "3": inb.Way(inb.Kind.CALLBACK), "4": inb.Way(inb.Kind.MESSAGE, words=said("bye"))}  # fmt: skip
        menu = inb.Menu("main", said("menu"), keys, inb.Way(inb.Kind.QUEUE, SUPPORT), unknown=said("what"))
        config = office(
            outbound(), sales, queue(SUPPORT, max_wait_s=60.0), people=agents(3, SALES, SUPPORT, "c1"),
            numbers=(number(greeting=said("hello")), number(DID2, way=inb.Way(inb.Kind.MENU, "main"))),
            menus={"main": menu}, extensions={"7": "a1", "77": "a2"}, blacklist=("+4917099*",), voicemail="/vm",
            vip_within_s=0.3,
        )  # fmt: skip
        super().__init__(config, judges=judges, leads=20)
        self.came: list[str] = []
        self.listed = True
        self.up()

    def facts(self, node: str) -> tuple[ev.ChannelFact, ...]:
        return super().facts(node) if self.listed else ()

    def make(self, kind: int, a: int, b: int) -> ev.Event:
        uuids = [*self.came[-4:], "nobody"]
        one, now = uuids[a % len(uuids)], self.now
        leg = next((agent.leg for agent in self.live.agents.values() if agent.leg), "") or "no-leg"
        rank = Rank(("red", "ordinary")[b % 2], b % 3 == 0, ("a1", None, "zz")[a % 3], (), ("said",))
        known = [command.path for command in self.of(inb.DismissCaller) if command.path]
        fact = ev.ChannelFact(one, ("inbound", "fallback")[b % 2], (DID, DID2, "+1")[a % 3], b % 3 > 0, None, now - b)
        table: list[ev.Event] = [
            ev.Tick(),
            ev.LegAnswered(one, now, now),
            ev.LegAnswered(one, now - b, now),
            ev.LegHungUp(one, now, "NORMAL_CLEARING"),
            KeyPressed(one, "0123456789*#"[(a + b) % 12], now),
            KeyPressed(one, str(b), now),
            inb.CallerFellBack(one, now),
            inb.ArrivalJudged(one, rank, lead_id=b, campaign=("c1", "", "gone")[a % 3], own_limit_s=float(b * 10)),
            inb.ArrivalJudged(one, rank, refused=b == 1, problem=("", "disk full")[a % 2]),
            inb.VipTold(one, Asked(b % 2 == 0, now - b, ("a1", "zz", None)[a % 3]), ("", "late")[b % 2]),
            RecordingStopped(one, (known or ["/vm/x.wav"])[-1], float(b), now, float(b)),
            ev.LegsBridged(one, leg, now),
            ev.LegUnbridged(one, now),
            ev.LegParked((one, leg)[b % 2], now),
            ev.SwitchSnapshot(NODE, now, (fact,) if b % 3 else self.facts(NODE)),
            ev.SwitchDown(NODE, "eof") if b < 2 else ev.SwitchUp(NODE),
            ev.SwitchGap(NODE, 2),
            ev.StoreFailed("full") if b < 2 else ev.StoreRecovered(),
            (ev.AgentPause(1, f"a{1 + a % 3}", "tea"), ev.AgentReady(1, f"a{1 + a % 3}"))[b % 2],
            ev.CommandRefused(one, "HoldCaller", "-ERR"),
        ]
        return table[kind]

    def arrives(self, a: int, b: int) -> None:
        uuid = f"caller-{len(self.came)}" if b or not self.came else self.came[-1]  # some twice
        self.came.append(uuid)
        named = ("", "", "north")[b % 3]
        self.send(inb.CallerArrived(NODE, uuid, (DID, DID2, "+499")[a % 3], WHO[(a + b) % 7], self.now, named))

    def check(self) -> None:
        opened = Counter(command.call_id for command in self.of(inb.OpenInbound))
        closed = Counter(command.call_id for command in self.of(inb.CloseInbound))
        assert all(count == 1 for count in (*opened.values(), *closed.values())), (opened, closed)
        assert closed.keys() <= opened.keys()
        going = {call.id for call in self.live.calls.values() if call.arrival is not None}
        assert going == opened.keys() - closed.keys()
        waiting = {call.id for call in self.live.waiting.values() if call.arrival is not None}
        assert waiting <= going


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STORY, st.booleans())
def test_every_caller_is_accounted_for_whatever_is_heard(
    story: list[tuple[int, int, int, float]], judges: bool
) -> None:
    f = Soup(judges=judges)
    for kind, a, b, seconds in story:
        if kind < 4:
            f.arrives(a, b)
        f.send(f.make(kind, a, b))
        f.check()
        f.step(seconds)
        f.check()
    # The storm is over: the switch is there, and says that nobody is on it any more.
    f.send(ev.SwitchUp(NODE), ev.StoreRecovered())
    f.listed = False
    f.step(400.0)
    f.check()
    left = [call for call in f.live.calls.values() if call.arrival is not None]
    assert not left, [(call.id, call.state) for call in left]
