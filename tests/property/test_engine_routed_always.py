"""The whole engine, callers and outbound customers and agents in any story: after each step nobody waits beside an
agent who may take them unless a rule says so, a seat that is kept serves only whom it is kept for, and nobody starves.

What may be is asked of the rule written plainly (``routing.batch``), on the engine's own records at that moment:
whatever the engine forgot to tell its routing queue shows here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import agents, trunk
from inbound_kit import SALES, SUPPORT, Desk, number, office, outbound, queue

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain.agent import AgentState
from dialer.domain.phones import Join
from dialer.domain.routing import RoutingSettings, team_of
from dialer.engine import floor
from pacing.hold import Holding
from routing.batch import match_all
from routing.facts import VIP_SEAT, Choice, Need, Step, WaitingCall
from routing.outbound import Rank

DID2 = "+4930777"
WHO = [f"+49301234{n:04d}" for n in range(12)]
TIERS = ("red", "high", "ordinary", "ordinary", "grey")
TARGETS = {"red": 5.0, "high": 10.0, "ordinary": 20.0, "grey": 60.0}
NIGHT = frozenset({"night"})
STEPS_S = (0.0, 0.02, 0.3, 1.1, 4.0, 9.0, 21.0, 61.0)
STRANGERS = st.tuples(
    st.sampled_from(TIERS),
    st.booleans() | st.just(False),
    st.sampled_from((None, None, "a1", "a2", "v1", "nobody")),
    st.sampled_from(((), (frozenset({team_of("c1")}),), (NIGHT,))),
)
STORY = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.sampled_from(STEPS_S)), min_size=1, max_size=40)


@pytest.fixture(autouse=True, scope="module")
def tables_made_once() -> Iterator[None]:
    """What pacing looks up takes longest to make, and says nothing of routing."""
    made: list[object] = []
    make = Holding.free_tables

    def free_tables(self: Holding, within_s: object) -> object:
        if not made:
            made.append(make(self, within_s))  # type: ignore[arg-type]
        return made[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Holding, "free_tables", free_tables)
        yield


class Story(Desk):
    """Two queues and a campaign, four agents: one at a seat for VIPs, one in a group, one who dials too."""

    def __init__(self, ranks: list[tuple[str, bool, str | None, tuple[frozenset[str], ...]]], choice: Choice) -> None:
        sales = queue(steps=(Step(0.0, frozenset({"day"})), Step(15.0)), announce_every_s=10.0, max_wait_s=100_000.0)
        support = queue(SUPPORT, needs=(Need("english", 2, True, ((20.0, 0),)),), max_wait_s=100_000.0)
        people = [
            replace(agents(1, SALES, SUPPORT, "c1")[0], groups=frozenset({"day"})),
            replace(agents(2, SALES, SUPPORT)[1], skills=(("english", 3),)),
            replace(agents(1, SALES, SUPPORT, prefix="n")[0], groups=NIGHT),
            agents(1, SALES, SUPPORT, "c1", prefix="v")[0],
        ]
        numbers = number(), number(DID2, SUPPORT)
        config = office(outbound(wrap_up_s=3.0), sales, support, people=people, numbers=numbers)
        routing = RoutingSettings(replace(config.routing.policy, choice=choice), {"s-v1": frozenset({VIP_SEAT})})
        super().__init__(replace(config, routing=routing, trunks={"t1": trunk(channels=3)}), leads=30)
        for who, (tier, vip, own, groups) in zip(WHO, ranks, strict=True):
            limit_s = 0.0 if vip else min(60.0, 3 * TARGETS[tier])
            rank = Rank(tier, vip, own, groups, ("drawn",))
            self.ranks[who] = {"rank": rank, "target_s": TARGETS[tier], "own_limit_s": limit_s if own else 0.0}
        self.up()

    def check(self) -> None:
        live, router = self.live, self.engine._desks.calls.router
        everyone = router.floor().agents
        placed = [call for call in live.waiting.values() if call.placed and not router.too_late(call)]
        waiting = [floor.waiting_call(call) for call in placed]
        joined = match_all(waiting, everyone, router.queue.policy, self.now)
        assert not joined, f"they wait beside agents who are free for them: {joined}"
        self._vips(waiting)
        for agent in live.agents.values():
            if agent.call is not None and live.dedicated(agent):
                assert agent.call.lead.rank.vip, f"{agent.settings.agent}'s seat has {agent.call.lead.rank}"

    def _vips(self, waiting: list[WaitingCall]) -> None:
        """In words of their own: a VIP waits only while every agent is busy, away or without the skill."""
        for call in waiting:
            if not call.vip:
                continue
            for agent in self.live.agents.values():
                english = dict(agent.settings.skills).get("english", 0)
                skilled = call.queue != SUPPORT or english >= 2 or self.now >= call.since + 20.0
                day = call.queue != SALES or agent.call is None
                kept = agent.call is not None or agent.preview is not None
                assert not (agent.free and skilled and day and not kept), f"VIP {call.id} waits beside {agent}"

    def act(self, what: int, which: int) -> None:
        """One event of the story."""
        live = self.live
        names = sorted(live.agents)
        name, agent = names[which % 4], live.agents[names[which % 4]]
        calls = [call for call in live.calls.values() if call.arrival is not None]
        some = calls[which % len(calls)] if calls else None
        ringing = [uuid for uuid in self.dialed() if uuid in live.calls and live.calls[uuid].answered_at is None]
        if what in (0, 1, 2):
            uuid = self.caller(WHO[which], DID2 if what == 2 else number().number)
            self.check()
            self.step(0.02)
            if uuid in live.calls:
                self.up_(uuid)
        elif what == 3 and agent.state is not AgentState.LOGGED_OUT:
            self.send(ev.AgentPause(1, name, "tea"))
        elif what in (4, 5):
            self.send(ev.AgentReady(1, name))
        elif what == 6 and some is not None:
            self.hang_up(some.id)
        elif what in (7, 8) and agent.call is not None:
            self.hang_up(agent.call.id)
        elif what in (9, 10) and ringing:
            self.answer(ringing[which % len(ringing)])
        elif what == 11 and agent.leg is not None:
            self.hang_up(agent.leg)

    def bridges(self) -> None:
        """What was ordered is carried out."""
        for call in list(self.live.calls.values()):
            if call.agent is not None and call.bridged_at is None and call.agent.leg is not None:
                self.bridged(call.id, call.agent.leg)
                self.check()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STRANGERS, min_size=12, max_size=12), st.sampled_from(list(Choice)), STORY)
def test_nobody_waits_beside_an_agent_who_may_take_them(
    ranks: list[tuple[str, bool, str | None, tuple[frozenset[str], ...]]],
    choice: Choice,
    story: list[tuple[int, int, float]],
) -> None:
    f = Story(ranks, choice)
    for what, which, seconds in story:
        f.act(what, which)
        f.check()
        f.step(seconds)
        f.check()
        f.bridges()


def test_an_ordinary_and_a_grey_caller_are_served_although_red_ones_never_stop_coming() -> None:
    """One agent, talks of 20 s, a red caller every 15 s: more than the agent can serve. The others' wait ages."""
    f = Desk(office(queue(wrap_up_s=0.0, max_wait_s=100_000.0), people=agents(1, SALES)))
    f.up()
    f.rank(WHO[0], "ordinary", target_s=20.0)
    f.rank(WHO[1], "grey", target_s=60.0)
    for who in WHO[2:]:
        f.rank(who, "red", target_s=5.0)
    first = f.waits(WHO[2])
    f.talks(first)
    patient = {name: f.waits(who) for name, who in (("ordinary", WHO[0]), ("grey", WHO[1]))}
    began, served, talking = f.now, {}, first
    for turn in range(60):
        f.waits(WHO[2 + turn % 10])
        f.step(15.0)
        agent = f.agent("a1")
        f.hang_up(talking)
        f.park(agent.leg or "")
        f.step(0.1)
        assert agent.call is not None
        talking = agent.call.id
        f.bridged(talking, agent.leg or "")
        served.update({name: f.now - began for name, uuid in patient.items() if uuid == talking})
        if len(served) == 2:
            break
    print(served)
    assert served["ordinary"] < 120.0 and served["grey"] < 400.0 and served["ordinary"] < served["grey"]


def test_the_same_story_gives_the_same_matches() -> None:
    """To the last order, whatever this process did before."""

    def told() -> list[cmd.Command]:
        ranks = [(TIERS[n % 5], n % 7 == 0, ("a1", None)[n % 2], ()) for n in range(12)]
        f = Story(ranks, Choice.LONGEST_IDLE)  # type: ignore[arg-type]
        for n in range(80):
            f.act(n * 5 % 12, n * 7 % 12)
            f.step(STEPS_S[n % len(STEPS_S)])
            f.bridges()
        return [c for c in f.log if isinstance(c, Join | cmd.Bridge | inb.CloseInbound)]

    first = told()
    assert first and told() == first
