"""The engine in a soup of doubled, reordered, late, contradicting and unknown events: never an exception, never a leak.

The soup knows no protocol: any event may name any identifier at any time, and the clock may seem to go back.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import NODE, Floor, agents, campaign, trunk
from engine_kit import settings as engine_settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import hearing
from dialer.domain.call import CallState
from dialer.domain.hearing import GRACE_S, Clock, MachinePolicy, ScreeningSettings
from dialer.domain.hearing import NOT_SCREENED as HANG_NOBODY
from dialer.domain.settings import Mode
from pacing.board import Phase
from pacing.settings import CampaignPacing

MIN_RING_S = 15.0
FAILS = "NORMAL_TEMPORARY_FAILURE"
CAUSES = ("NORMAL_CLEARING", FAILS, "USER_BUSY", "NO_ANSWER", "SYSTEM_SHUTDOWN", "", "WHAT_IS_THIS")
STEPS_S = (0.0, 0.0, 0.01, 0.06, 0.3, 1.0, 2.5, 7.0, 16.0, 45.0)
KINDS = 40
NOT_SCREENED = KINDS - 6
"""So many kinds of events are left where nobody is listened to."""
HANGING_UP = ScreeningSettings(MachinePolicy.HANG_UP, Clock.ANSWER, dead_numbers=True)
LEAVING = ScreeningSettings(MachinePolicy.MESSAGE, Clock.GREETING_END, message="voicemail.wav", dead_numbers=True)
LONGEST_SCREENING_S = LEAVING.decide_within_s + GRACE_S
EAGER = CampaignPacing("c3", min_ring_s=MIN_RING_S, min_agents=1, hang_up_over=0.001, hang_up_share=1.0)


class Soup:
    """Turns numbers into events, and checks after each one."""

    def __init__(self, *, wild: bool, recovered: bool, screening: bool = False) -> None:
        one, two = (HANGING_UP, LEAVING) if screening else (HANG_NOBODY, HANG_NOBODY)
        mix = (
            campaign("c1", Mode.RATIO, lines_per_agent=2.0, min_ring_s=MIN_RING_S, wrap_up_s=3.0, screening=one,
                     further_trunks=("t2",)),
            campaign("c2", Mode.PREVIEW, min_ring_s=MIN_RING_S, preview_on_timeout="dial", preview_timeout_s=5.0,
                     further_trunks=("t2",)),
            campaign("c3", Mode.PREDICTIVE, min_ring_s=MIN_RING_S, wrap_up_s=3.0, pacing=EAGER, screening=two),
        )
        people = agents(3, "c1", "c2", "c3", login=True)
        trunks = trunk(channels=8, calls_per_second=20.0), trunk("t2", 3, 5.0)
        config = engine_settings(*mix, people=people, trunks=trunks)
        config = replace(config, hearing=frozenset({NODE}))
        self.floor = Floor(config, leads=60, gate=not wild, phones=not wild)
        self.wild = wild
        self.asked: list[str] = []
        self.verdict: dict[str, str] = {}
        self.launched: dict[str, float] = {}
        self.rang: dict[str, float] = {}
        self.answered: set[str] = set()
        self.closed: dict[str, int] = {}
        self.shut = False
        self.drained = 0
        self.seen = 0
        if recovered:
            facts = tuple(
                ev.OpenAttemptFact(f"r{n}", c, n, n, "+491", f"p{n}", node, 990.0, 1, "t1")
                for n, (c, node) in enumerate([("c1", NODE), ("gone", NODE), ("c1", "fs9"), ("c2", NODE)])
            )
            noted = ev.OpenAttemptFact(
                "r4", "c3", 4, 4, "+491", "p4", NODE, 980.0, 1, "t1", rang_at=982.0, answered_at=990.0, bridged_at=991.0
            )
            facts = (*facts, noted)
            self.rang["r4"] = 982.0  # the former run saw it
            for fact in facts:
                self.verdict[fact.attempt_id] = "opened"
                self.launched[fact.attempt_id] = fact.opened_at
            self.floor.send(ev.Recovered(facts, (ev.AgentFact("a1", "paused"), ev.AgentFact("zz", "ready"))))
        self.note()

    def ids(self) -> list[str]:
        legs = [c.uuid for c in self.floor.of(cmd.OriginateAgent)]
        return [*self.asked[-6:], *legs[-4:], "r0", "r1", "r3", "r4", "nobody"]

    def make(self, kind: int, a: int, b: int) -> ev.Event:
        ids, now = self.ids(), self.floor.now
        one, two = ids[a % len(ids)], ids[b % len(ids)]
        if kind >= NOT_SCREENED:
            one = self._listened_to(a) or one
        who = ("a1", "a2", "a3", "nobody")[a % 4]
        node = NODE if b % 8 else "fs9"
        table: list[Any] = [
            lambda: ev.Tick(),
            lambda: ev.LegRinging(one, now, early_media=bool(b % 2)),
            lambda: ev.LegAnswered(self._listened_to(a) or one, now),
            lambda: ev.LegAnswered(one, now - b),
            lambda: ev.LegsBridged(one, two, now),
            lambda: self._true_bridge(a) or ev.LegsBridged(two, one, now),
            lambda: ev.LegUnbridged(one, now),
            lambda: ev.LegParked(one, now),
            lambda: ev.LegParked(two, now),
            lambda: ev.LegHungUp(one, now, CAUSES[b % len(CAUSES)]),
            lambda: ev.OriginateReplied(one, True),
            lambda: ev.OriginateReplied(one, False, ("NOT_SENT", "DESTINATION_OUT_OF_ORDER", "USER_BUSY")[b % 3]),
            lambda: ev.BridgeReplied(one, two, bool(b % 2), "-ERR"),
            lambda: self._refused_bridge(a) or ev.Tick(),
            lambda: ev.CommandRefused(one, "uuid_kill", "-ERR"),
            lambda: ev.SwitchUp(node),
            lambda: ev.SwitchDown(node, "eof"),
            lambda: ev.SwitchUp(NODE),
            lambda: ev.SwitchGap(node, 3),
            lambda: self._list(a, b, node),
            lambda: ev.SwitchSnapshot(NODE, now, self.floor.facts(NODE)),
            lambda: ev.SnapshotFailed(node, "timeout"),
            lambda: ev.AttemptOpened(one),
            lambda: ev.AttemptOpened(two),
            lambda: ev.AttemptRefused(one, "dnc", "no", keep=bool(b % 2)),
            lambda: ev.StoreFailed("full") if b % 4 == 0 else ev.StoreRecovered(),
            lambda: ev.LeadsClaimed(("c1", "c2", "c3", "zz")[a % 4], (), 5),
            lambda: ev.AgentLogin(1, who, (None, "s-a1", "s-zz")[b % 3]),
            lambda: ev.AgentLogout(1, who),
            lambda: ev.AgentPause(1, who, "tea"),
            lambda: ev.AgentReady(1, who),
            lambda: ev.PreviewAccept(1, who) if b % 2 else ev.PreviewSkip(1, who),
            lambda: ev.AgentDispose(1, who, ("sold", "machine")[b % 2]),
            lambda: ev.CampaignOrder(
                1, ("c1", "c2", "c3", "zz")[a % 4], ("start", "start", "pause", "stop", "dance")[b % 5]
            ),
            lambda: hearing.Heard(one, list(hearing.Verdict)[b % 3], "said", now, (None, now - b / 100)[a % 2]),
            lambda: hearing.WordsHeard(one, now - (b % 3)),
            lambda: hearing.BeepHeard(one, now),
            lambda: hearing.QuietHeard(one, now),
            lambda: hearing.AnnouncementHeard(one, list(hearing.Announcement)[b % 5], "said", now),
            lambda: ev.CommandRefused(one, ("TapLeg", "UntapLeg")[b % 2], "-ERR"),
        ]
        assert len(table) == KINDS
        return table[kind]()  # type: ignore[no-any-return]

    def _listened_to(self, a: int) -> str | None:
        """Mostly a call of which something may be heard."""
        heard = (CallState.SCREENING, CallState.MACHINE, CallState.RINGING)
        calls = [call.id for call in self.floor.live.calls.values() if call.state in heard]
        return calls[a % len(calls)] if calls and a % 4 else None

    def _true_bridge(self, a: int) -> ev.Event | None:
        sent = self.floor.of(cmd.Bridge)
        return ev.LegsBridged(sent[-1].call_uuid, sent[-1].agent_uuid, self.floor.now) if sent else None

    def _refused_bridge(self, a: int) -> ev.Event | None:
        sent = self.floor.of(cmd.Bridge)
        return ev.BridgeReplied(sent[-1].call_uuid, sent[-1].agent_uuid, False, "-ERR Invalid uuid") if sent else None

    def _list(self, a: int, b: int, node: str) -> ev.Event:
        facts = []
        for n, uuid in enumerate(self.ids()):
            if (a >> n) & 1:
                continue
            customers = set(self.asked) | set(self.launched)
            kind = "call" if uuid in customers or n % 3 else "agent"
            peer = self.ids()[b % len(self.ids())] if (b >> n) & 1 else None
            ident = ("a1", "a2", "zz")[n % 3] if kind == "agent" else uuid
            facts.append(ev.ChannelFact(uuid, kind, ident, bool((a + b + n) % 2), peer, self.floor.now - 9, not peer))
        return ev.SwitchSnapshot(node, self.floor.now - (a % 3), tuple(facts))

    def feed(self, kind: int, a: int, b: int, dt: int) -> None:
        floor = self.floor
        if dt == len(STEPS_S):
            event = self.make(kind, a, b)
            self.before(event)
            floor.send(*floor.handle(event, floor.now - 500.0))
        else:
            floor.step(STEPS_S[dt])
            self.note()
            event = self.make(kind, a, b)
            self.before(event)
            floor.send(event)
        self.note()

    def before(self, event: ev.Event) -> None:
        """What the soup itself knows: who rang, who answered, what the store said first."""
        calls = self.floor.live.calls
        match event:
            case ev.LegRinging(uuid, at):
                self.rang.setdefault(uuid, at)
            case ev.LegAnswered(uuid) | ev.LegsBridged(uuid):
                self.answered.add(uuid)
                if isinstance(event, ev.LegsBridged):
                    self.answered.add(event.b_uuid)
            case ev.SwitchSnapshot(_, _, channels):
                self.answered |= {fact.uuid for fact in channels if fact.answered or fact.peer}
            case ev.AttemptOpened(uuid) if uuid in calls and calls[uuid].state is CallState.RESERVED:
                self.verdict.setdefault(uuid, "opened")
            case ev.AttemptRefused(uuid) if uuid in calls and calls[uuid].state is CallState.RESERVED:
                self.verdict.setdefault(uuid, "refused")

    def note(self) -> None:
        floor = self.floor
        for command, at in zip(floor.log[self.seen :], floor.times[self.seen :], strict=True):
            match command:
                case cmd.OpenAttempt():
                    assert not self.shut, "an attempt asked for after the shutdown"
                    self.asked.append(command.attempt_id)
                    if floor.gate:
                        self.verdict.setdefault(command.attempt_id, "opened")
                case cmd.OriginateCall():
                    assert self.verdict.get(command.uuid) == "opened", "dialed without the gate"
                    assert command.uuid not in self.launched, "dialed twice"
                    self.launched[command.uuid] = at
                case cmd.CloseAttempt():
                    self.closed[command.attempt_id] = self.closed.get(command.attempt_id, 0) + 1
                case cmd.HangUp() if command.uuid in self.launched and command.uuid not in self.answered:
                    since = self.rang.get(command.uuid, self.launched[command.uuid])
                    assert at - since >= MIN_RING_S - 1e-6, "hung up before the minimum ring"
                case cmd.Drained():
                    self.drained += 1
        self.seen = len(floor.log)
        self.check()

    def check(self) -> None:
        floor, live = self.floor, self.floor.live
        for agent in live.agents.values():
            name = agent.settings.agent
            if agent.call is not None:
                assert agent.call.id in live.calls, f"{name} holds an ended call"
                assert agent.call.agent is agent or agent.call.bound_agent == name, f"{name} and its call disagree"
            if agent.leg is not None:
                assert live.legs[agent.leg] is agent
        assert len(live.legs) == sum(agent.leg is not None for agent in live.agents.values())
        for call in live.calls.values():
            if call.agent is not None:
                assert call.agent.call is call, f"{call.id} ({call.state}) and its agent disagree"
            if call.state is CallState.CONNECTING:
                assert call.agent is not None
            if call.state is CallState.SCREENING and call.kill_as is None:
                assert call.agent is None and call.since + LONGEST_SCREENING_S >= floor.now - 1e-6, "screened too long"
            if call.state is CallState.MACHINE:
                assert call.agent is None and call.heard == "machine"
        for call in live.waiting.values():
            assert call.state is CallState.WAITING and call.agent is None
        for name, line in live.trunks.items():
            assert line.legs == sum(call.trunk == name for call in live.calls.values())
        for name, node in live.nodes.items():
            calls = sum(call.node == name for call in live.calls.values())
            assert node.legs == calls + sum(bool(a.leg) and a.node == name for a in live.agents.values())
        for each in live.campaigns.values():
            opened = sum(call.state is not CallState.RESERVED for call in each.calls.values())
            assert each.attempts == sum(each.outcomes.values()) + opened, "outcomes do not sum to attempts"
        pool = floor.engine._feed.pool
        paced = {c.id for c in live.calls.values() if c.campaign.name in ("c1", "c3")}
        assert pool.calls == paced, f"pacing knows {pool.calls ^ paced} wrongly, or not"
        for name, agent in live.agents.items():
            free = agent.free and agent.after_call is None and live.nodes[agent.node].usable
            assert (pool.phase_of(name) == Phase.IDLE) == free, f"pacing is wrong about {name}"
        assert len(live.timers._heap) <= 64 + 4 * (len(live.timers) + 1), "the timer heap grows"
        assert max(self.closed.values(), default=0) <= 1, "closed twice"

    def finish(self) -> None:
        floor = self.floor
        floor.send(ev.Shutdown(5.0))
        self.note()
        self.shut = True
        for _ in range(2):
            floor.step(60.0)
            self.note()
        assert not floor.live.calls and not floor.live.legs and self.drained == 1
        assert all(node.legs == 0 for node in floor.live.nodes.values())
        missing = {uuid for uuid, verdict in self.verdict.items() if verdict == "opened"} - set(self.closed)
        assert not missing, f"opened and never closed: {missing}"
        for each in floor.live.campaigns.values():
            assert each.attempts == sum(each.outcomes.values())
            assert len(each.hopper) == 0
        held = [a for a in floor.live.agents.values() if a.preview is not None or a.state.value != "logged_out"]
        assert not held
        assert not floor.engine._feed.pool.calls


moves = st.lists(
    st.tuples(st.integers(0, NOT_SCREENED - 1), st.integers(0, 255), st.integers(0, 255), st.integers(0, len(STEPS_S))),
    min_size=20,
    max_size=120,
)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=moves, recovered=st.booleans())
def test_wild_soup_where_nothing_answers_of_itself(moves: list[tuple[int, int, int, int]], recovered: bool) -> None:
    soup = Soup(wild=True, recovered=recovered)
    for move in moves:
        soup.feed(*move)
    soup.finish()


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=moves, recovered=st.booleans())
def test_soup_over_a_floor_at_work(moves: list[tuple[int, int, int, int]], recovered: bool) -> None:
    soup = Soup(wild=False, recovered=recovered)
    soup.floor.up()
    soup.note()
    for move in moves:
        soup.feed(*move)
    soup.finish()


screened_moves = st.lists(
    st.tuples(
        st.sampled_from([*range(KINDS), *12 * [1, 2, 2, 2, 9, *range(NOT_SCREENED, KINDS)]]),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, len(STEPS_S)),
    ),
    min_size=20,
    max_size=120,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=screened_moves, wild=st.booleans(), recovered=st.booleans())
def test_soup_where_callees_are_listened_to(
    moves: list[tuple[int, int, int, int]], wild: bool, recovered: bool
) -> None:
    soup = Soup(wild=wild, recovered=recovered, screening=True)
    if not wild:
        soup.floor.up()
        soup.note()
    for move in moves:
        soup.feed(*move)
    soup.finish()
