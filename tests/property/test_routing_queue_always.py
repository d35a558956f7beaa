"""The routing queue under any story: it gives what the plain rule gives, and keeps the promises of the product page."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import routing.queue
from routing.batch import match_all
from routing.facts import AgentFacts, AgentState, Choice, Direction, Match, Need, RoutingPolicy, Step, WaitingCall
from routing.fitting import fit, holds_for_own, kind_of, standing, why_barred
from routing.order import head_start_s, overtaken_for_s
from routing.queue import RoutingQueue
from routing.waiting import wait, why_not

NAMES = tuple(f"a{n}" for n in range(7))
TIERS = {"red": 5.0, "high": 10.0, "ordinary": 20.0, "grey": 60.0}
GROUPS = ("sales", "support")
HALVES = st.integers(0, 80).map(lambda n: n / 2)

needs = st.builds(
    Need,
    skill=st.sampled_from(("english", "data")),
    level=st.integers(1, 3),
    required=st.booleans(),
    relax=st.lists(st.tuples(HALVES, st.integers(0, 2)), max_size=2).map(tuple),
)
group_sets = st.frozensets(st.sampled_from(GROUPS), max_size=2)
steps = st.lists(st.builds(Step, HALVES, group_sets), max_size=2).map(
    lambda more: (Step(0.0, more[0].groups), *more[1:]) if more else (Step(),)
)


@st.composite
def calls(draw: st.DrawFn, name: str, now: float) -> WaitingCall:
    tier = draw(st.sampled_from(tuple(TIERS)))
    direction = draw(st.sampled_from(Direction))
    own = draw(st.none() | st.sampled_from((*NAMES, "gone")))
    return WaitingCall(
        name,
        now - draw(HALVES),
        direction,
        tier=tier,
        vip=draw(st.integers(0, 4)) == 0,
        target_s=2.0 if direction is Direction.OUTBOUND else TIERS[tier],
        needs=tuple(draw(st.lists(needs, max_size=2, unique_by=lambda need: need.skill))),
        steps=draw(steps),
        own_agent=own,
        own_until=now + draw(HALVES) - 5.0 if own else 0.0,
        owed=draw(st.integers(0, 9)) == 0,
        choice=draw(st.none() | st.sampled_from(Choice)),
        node=draw(st.sampled_from(("", "", "fs1", "fs2"))),
    )


@st.composite
def agents(draw: st.DrawFn, name: str, now: float) -> AgentFacts:
    return AgentFacts(
        name,
        draw(st.sampled_from((*AgentState, AgentState.FREE, AgentState.FREE))),
        now - draw(HALVES),
        draw(group_sets),
        tuple(draw(st.dictionaries(st.sampled_from(("english", "data")), st.integers(1, 3))).items()),
        draw(st.sampled_from((frozenset(), frozenset(), frozenset({"vip"}), frozenset({"red"})))),
        draw(st.sampled_from((None, None, None, None, "c0", "c1", "c5"))),
        draw(st.integers(0, 4)) / 4,
        draw(st.sampled_from(("", "fs1", "fs2"))),
    )


@dataclass
class Floor:
    """Everything as plain facts, beside the queue."""

    queue: RoutingQueue
    calls: dict[str, WaitingCall] = field(default_factory=dict)
    agents: dict[str, AgentFacts] = field(default_factory=dict)

    def change(self, data: st.DataObject, now: float, count: int) -> None:
        what = data.draw(st.sampled_from(("call", "call", "agent", "agent", "hang up", "log out")))
        if what == "call":
            call = data.draw(calls(f"c{count % 9}", now))
            self.calls[call.id] = call
            self.queue.put_call(call)
        elif what == "agent":
            agent = data.draw(st.sampled_from(NAMES).flatmap(lambda name: agents(name, now)))
            self.agents[agent.id] = agent
            self.queue.put_agent(agent)
        elif what == "hang up":
            name = data.draw(st.sampled_from([f"c{n}" for n in range(9)]))
            self.calls.pop(name, None)
            self.queue.remove_call(name)
        else:
            name = data.draw(st.sampled_from(NAMES))
            self.agents.pop(name, None)
            self.queue.remove_agent(name)

    def settle(self, now: float) -> tuple[Match, ...]:
        matches = self.queue.settle(now)
        for match in matches:
            del self.calls[match.call]
            self.agents[match.agent] = replace(
                self.agents[match.agent], state=AgentState.BUSY, since=now, reserved_for=None
            )
        return matches


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(Choice))
def test_any_story_gives_what_the_plain_rule_gives_and_keeps_the_promises(data: st.DataObject, choice: Choice) -> None:
    policy = RoutingPolicy(choice)
    floor, now, count = Floor(RoutingQueue(policy)), 1_000_000.0, 0
    for _ in range(data.draw(st.integers(1, 12))):
        now += data.draw(HALVES) / 2
        for _ in range(data.draw(st.integers(0, 6))):
            count += 1
            floor.change(data, now, count)
        before = dict(floor.calls), dict(floor.agents)
        expected = match_all(floor.calls.values(), floor.agents.values(), policy, now)
        assert floor.settle(now) == expected
        assert {call.id: call for call in floor.queue.calls()} == floor.calls
        assert {agent.id: agent for agent in floor.queue.agents()} == floor.agents
        check_matches(*before, expected, policy, now)
        check_rest(floor, policy, now)


@pytest.mark.parametrize("seed", range(40))
def test_a_long_day_of_callers_who_know_agents_gives_what_the_plain_rule_gives(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Denser than what hypothesis draws: most callers know somebody, agents come and go and change their skills."""
    if seed % 2:
        monkeypatch.setattr(routing.queue, "MOST_LANES", 3)
    rng, policy, now = random.Random(seed), RoutingPolicy(own_head_start_s=30.0), 1_000_000.0
    floor, count = Floor(RoutingQueue(policy)), 0
    for _ in range(60):
        now += rng.choice((0.0, 1.0, 1.0, 7.0))
        for _ in range(rng.choice((1, 1, 2, 5, 12))):
            count += 1
            what = rng.random()
            if what < 0.45:
                call = lively_call(rng, f"c{count}", now)
                floor.calls[call.id] = call
                floor.queue.put_call(call)
            elif what < 0.95:
                agent = lively_agent(rng, floor, now)
                floor.agents[agent.id] = agent
                floor.queue.put_agent(agent)
            else:
                name = rng.choice(NAMES)
                floor.agents.pop(name, None)
                floor.queue.remove_agent(name)
        for name in rng.sample(sorted(floor.calls), max(0, len(floor.calls) - 12)):
            del floor.calls[name]
            floor.queue.remove_call(name)
        before = dict(floor.calls), dict(floor.agents)
        expected = match_all(floor.calls.values(), floor.agents.values(), policy, now)
        assert floor.settle(now) == expected
        check_matches(*before, expected, policy, now)
        check_rest(floor, policy, now)


def lively_call(rng: random.Random, name: str, now: float) -> WaitingCall:
    own = rng.choice((None, *NAMES, "gone"))
    need = Need("english", rng.randint(1, 3), rng.random() < 0.5, ((rng.choice((5.0, 15.0)), 1),))
    return WaitingCall(
        name,
        now - rng.choice((0.0, 3.0, 20.0)),
        rng.choice(tuple(Direction)),
        vip=rng.random() < 0.1,
        target_s=rng.choice((5.0, 20.0, 60.0)),
        needs=(need,) if rng.random() < 0.4 else (),
        steps=(Step(0.0, frozenset({rng.choice(GROUPS)})), Step(10.0)) if rng.random() < 0.6 else (Step(),),
        own_agent=own,
        own_until=now + rng.choice((-1.0, 0.0, 8.0, 20.0)) if own else 0.0,
        choice=rng.choice((None, *Choice)),
    )


def lively_agent(rng: random.Random, floor: Floor, now: float) -> AgentFacts:
    """Mostly the same person in another state; sometimes another kind of person, or one who is kept."""
    name = rng.choice(NAMES)
    state = rng.choice((*AgentState, AgentState.FREE, AgentState.FREE, AgentState.FREE))
    known = floor.agents.get(name)
    kept = rng.choice(sorted(floor.calls)) if floor.calls and rng.random() < 0.1 else None
    if known is not None and rng.random() < 0.8:
        return replace(known, state=state, since=now - rng.randint(0, 3), reserved_for=kept)
    return AgentFacts(
        name,
        state,
        now - rng.randint(0, 3),
        frozenset(rng.sample(GROUPS, rng.randint(0, 2))),
        (("english", rng.randint(1, 3)),) if rng.random() < 0.6 else (),
        frozenset({"vip"}) if rng.random() < 0.15 else frozenset(),
        kept,
        rng.choice((0.2, 0.5)),
    )


def check_matches(
    calls: dict[str, WaitingCall],
    agents: dict[str, AgentFacts],
    matches: tuple[Match, ...],
    policy: RoutingPolicy,
    now: float,
) -> None:
    for match in matches:
        call, agent = calls[match.call], agents[match.agent]
        assert agent.state is AgentState.FREE
        own = agents.get(call.own_agent or "")
        assert why_not(call, agent, own, policy, now) is None
        assert not agent.dedicated or ("vip" in agent.dedicated and call.vip) or call.tier in agent.dedicated
        assert match.reason
    assert len({match.call for match in matches}) == len({match.agent for match in matches}) == len(matches)


def check_rest(floor: Floor, policy: RoutingPolicy, now: float) -> None:
    """Nobody is free beside somebody whom they may serve, unless that caller waits for their own agent by rule."""
    for call in floor.calls.values():
        stands = standing(call, policy, now)
        own = floor.agents.get(call.own_agent or "")
        holds = holds_for_own(call, stands, own, now)
        assert not (holds and call.vip)
        for agent in floor.agents.values():
            may = agent.available and fit(stands, kind_of(agent)) is not None
            assert not may or holds, (call, agent)
            kept = agent.state is AgentState.FREE and agent.reserved_for == call.id
            assert not kept or why_barred(stands, kind_of(agent)) is not None
            assert why_not(call, agent, own, policy, now) is not None
        told = wait(call, floor.agents.values(), policy, now)
        assert "at once" not in told.reason
        assert told.until is None or told.until > now


@settings(max_examples=50, deadline=None)
@given(st.data(), st.randoms(use_true_random=False))
def test_the_same_state_gives_the_same_matches_in_whatever_order_it_was_told(
    data: st.DataObject, rng: random.Random
) -> None:
    now, policy = 1_000_000.0, RoutingPolicy()
    waiting = [data.draw(calls(f"c{n}", now)) for n in range(data.draw(st.integers(0, 8)))]
    people = [data.draw(agents(name, now)) for name in NAMES]
    expected = match_all(waiting, people, policy, now)
    for _ in range(3):
        rng.shuffle(waiting)
        rng.shuffle(people)
        assert match_all(waiting, people, policy, now) == expected
        queue = RoutingQueue(policy)
        for thing in rng.sample([*waiting, *people], len(waiting) + len(people)):
            if isinstance(thing, WaitingCall):
                queue.put_call(thing)
            else:
                queue.put_agent(thing)
        assert queue.settle(now) == expected


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_whoever_passes_a_waiting_call_is_a_vip_or_kept_or_has_a_head_start_that_ends(data: st.DataObject) -> None:
    now, policy = 1_000_000.0, RoutingPolicy()
    waiting = {f"c{n}": data.draw(calls(f"c{n}", now)) for n in range(8)}
    people = {name: data.draw(agents(name, now)) for name in NAMES}
    matches = match_all(waiting.values(), people.values(), policy, now)
    for match in matches:
        passing, agent = waiting[match.call], people[match.agent]
        for name in set(waiting) - {m.call for m in matches}:
            passed = waiting[name]
            if passing.vip or agent.reserved_for == passing.id:
                continue
            if passed.vip or why_not(passed, agent, people.get(passed.own_agent or ""), policy, now) is not None:
                continue
            own = policy.own_head_start_s if passing.own_agent == agent.id else 0.0
            bound = passed.target_s - head_start_s(passed, policy) - passing.target_s + head_start_s(passing, policy)
            assert passing.since <= passed.since + bound + own
            assert bound + own <= overtaken_for_s(passed, 2.0, policy)


def test_a_grey_caller_is_served_although_better_tiers_never_stop_coming() -> None:
    """One agent, exactly as many red callers as they can serve: strict priorities would leave the grey one for ever."""
    policy, now = RoutingPolicy(), 0.0
    queue = RoutingQueue(policy)
    queue.put_call(WaitingCall("grey", 0.0, tier="grey", target_s=60.0))
    served: dict[str, float] = {}
    for round_ in range(60):
        queue.put_call(WaitingCall(f"red{round_}", now, tier="red", target_s=5.0))
        queue.put_agent(AgentFacts("a", AgentState.FREE, now))
        (match,) = queue.settle(now)
        served[match.call] = now
        now += 10.0
    assert served["grey"] == 60.0  # the first red caller that is due later than 60 came at 60


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_vip_never_waits_while_anyone_who_may_is_free(data: st.DataObject) -> None:
    now, policy = 1_000_000.0, RoutingPolicy()
    waiting = [data.draw(calls(f"c{n}", now)) for n in range(6)]
    waiting[0] = replace(waiting[0], vip=True)
    people = [data.draw(agents(name, now)) for name in NAMES]
    matches = {match.call: match.agent for match in match_all(waiting, people, policy, now)}
    taken = {match: call for call, match in matches.items()}
    for call in waiting:
        if call.vip and call.id not in matches:
            stands = standing(call, policy, now)
            for agent in people:
                if agent.available and fit(stands, kind_of(agent)) is not None:
                    other = next(c for c in waiting if c.id == taken[agent.id])
                    assert other.vip  # all who fit have gone to other VIPs
