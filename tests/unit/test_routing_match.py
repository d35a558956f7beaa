"""Who takes a waiting call and why: the rule's cases, each on the plain rule and on the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.affinity import own_limit_s
from routing.batch import match_all
from routing.facts import AgentFacts, AgentState, Choice, Direction, Match, Need, RoutingPolicy, Step, WaitingCall
from routing.queue import RoutingQueue
from routing.waiting import expected_wait_s, place, wait, why_nots

NOW = 1_000.0
POLICY = RoutingPolicy()
SALES = frozenset({"sales"})


def free(name: str, idle: float = 10.0, **facts: object) -> AgentFacts:
    return AgentFacts(name, AgentState.FREE, NOW - idle, **facts)  # type: ignore[arg-type]


def caller(name: str = "call", waited: float = 5.0, **facts: object) -> WaitingCall:
    return WaitingCall(name, NOW - waited, **facts)  # type: ignore[arg-type]


def matched(
    calls: list[WaitingCall], agents: list[AgentFacts], policy: RoutingPolicy = POLICY
) -> tuple[dict[str, str], tuple[Match, ...]]:
    """Who takes whom, by both, which must agree."""
    matches = match_all(calls, agents, policy, NOW)
    queue = RoutingQueue(policy)
    for agent in agents:
        queue.put_agent(agent)
    for call in calls:
        queue.put_call(call)
    assert queue.settle(NOW) == matches
    return {match.call: match.agent for match in matches}, matches


def pairs(calls: list[WaitingCall], agents: list[AgentFacts], policy: RoutingPolicy = POLICY) -> dict[str, str]:
    return matched(calls, agents, policy)[0]


def test_the_longest_idle_agent_takes_the_call_and_the_reason_says_so() -> None:
    joined, (match,) = matched([caller()], [free("a", 5), free("b", 9)])
    assert joined == {"call": "b"}
    assert match.reason == "due in 15.0 s, waited 5.0 s; longest idle (9.0 s)"


def test_nobody_and_nothing() -> None:
    assert pairs([], []) == pairs([caller()], []) == pairs([], [free("a")]) == {}


def test_agents_who_are_not_free_or_kept_for_another_call_take_none() -> None:
    others = [replace(free("a"), state=state) for state in AgentState if state is not AgentState.FREE]
    for agent in (*others, free("a", reserved_for="other")):
        assert pairs([caller()], [agent]) == {}


def test_a_vip_comes_before_those_who_wait_longest_and_takes_a_vip_seat_first() -> None:
    calls = [caller("long", 500), caller("vip", 0, vip=True)]
    assert pairs(calls, [free("a")]) == {"vip": "a"}
    joined, matches = matched(calls, [free("a", 100), free("seat", 1, dedicated=frozenset({"vip"}))])
    assert joined == {"vip": "seat", "long": "a"}
    assert matches[0].reason == "a VIP, ahead of all, waited 0.0 s; a seat for such calls; longest idle (1.0 s)"


def test_a_dedicated_seat_takes_no_other_call_even_of_its_own_caller_or_one_it_is_kept_for() -> None:
    seat = free("seat", dedicated=frozenset({"vip"}))
    for call in (caller(own_agent="seat", own_until=NOW + 60), caller(direction=Direction.OUTBOUND), caller("kept")):
        assert pairs([call], [replace(seat, reserved_for="kept" if call.id == "kept" else None)]) == {}
    red = caller(tier="red", target_s=5.0)
    assert pairs([red], [replace(seat, dedicated=frozenset({"red", "vip"}))]) == {"call": "seat"}


def test_callers_hold_for_their_own_agent_while_that_one_comes_back() -> None:
    call = caller(own_agent="own", own_until=NOW + 20)
    for state, holds in (
        (AgentState.BUSY, True),
        (AgentState.WRAP_UP, True),
        (AgentState.PAUSED, False),
        (AgentState.AWAY, False),
    ):
        people = [replace(free("own"), state=state), free("a")]
        assert pairs([call], people) == ({} if holds else {"call": "a"})
    assert pairs([call], [free("a")]) == {"call": "a"}  # not there at all
    assert pairs([replace(call, own_until=NOW)], [replace(free("own"), state=AgentState.BUSY), free("a")]) == {
        "call": "a"
    }


def test_an_own_agent_comes_first_although_others_are_idle_longer_and_their_caller_before_others() -> None:
    call = caller(own_agent="own", own_until=NOW + 20, steps=(Step(0, SALES),))
    joined, matches = matched([call], [free("own", 1), free("a", 100, groups=SALES)])
    assert joined == {"call": "own"}
    assert matches[0].reason == "their own agent; waited 5.0 s"
    assert pairs([caller("long", 60), call], [free("own")]) == {"call": "own"}
    assert pairs([caller("very long", 126), call], [free("own")]) == {"very long": "own"}  # no head start is for ever


def test_a_vip_takes_the_own_agent_when_free_and_waits_for_nobody() -> None:
    vip = caller(vip=True, own_agent="own", own_until=NOW + 60)
    assert pairs([vip], [free("own", 0), free("a", 50)]) == {"call": "own"}
    assert pairs([vip], [replace(free("own"), state=AgentState.BUSY), free("a")]) == {"call": "a"}


def test_an_agent_is_kept_for_one_call_and_that_call_comes_before_vips() -> None:
    calls = [caller("vip", vip=True), caller("back", 0, direction=Direction.CALLBACK)]
    joined, matches = matched(calls, [free("a", reserved_for="back")])
    assert joined == {"back": "a"} and matches[0].reason == "a was kept for this call"


def test_an_agent_whose_first_caller_goes_to_the_agent_kept_for_them_takes_the_next_who_knows_them() -> None:
    calls = [caller(name, n, own_agent="own", own_until=NOW + 60) for n, name in ((9, "first"), (8, "second"))]
    people = [free("own"), free("keeper", reserved_for="first")]
    calls.append(caller("any", 7))
    assert pairs(calls, people) == {"first": "keeper", "second": "own"}
    queue = RoutingQueue(POLICY)
    for call in calls:
        queue.put_call(call)
    queue.put_agent(replace(people[0], state=AgentState.BUSY))
    assert queue.settle(NOW) == ()
    for agent in people:
        queue.put_agent(agent)
    assert queue.settle(NOW) == match_all(calls, people, POLICY, NOW)


def test_groups_open_with_time_and_the_first_group_stays_preferred() -> None:
    steps = (Step(0, SALES), Step(20))
    assert pairs([caller(waited=19, steps=steps)], [free("a")]) == {}
    assert pairs([caller(waited=20, steps=steps)], [free("a")]) == {"call": "a"}
    assert pairs([caller(waited=20, steps=steps)], [free("a", 90), free("b", 1, groups=SALES)]) == {"call": "b"}
    assert pairs([caller(waited=0, vip=True, steps=steps)], [free("a")]) == {"call": "a"}


def test_required_skills_relax_and_preferred_ones_never_keep_a_call_waiting() -> None:
    need = Need("english", 3, relax=((10.0, 2), (30.0, 0)))
    beginner, speaker = free("beginner", 90), free("speaker", 1, skills=(("english", 2),))
    for waited, expected in ((9, {}), (10, {"call": "speaker"}), (29, {"call": "speaker"}), (30, {"call": "beginner"})):
        assert pairs([caller(waited=waited, needs=(need,))], [beginner, speaker]) == expected
    wish = Need("english", 2, required=False)
    assert pairs([caller(needs=(wish,))], [beginner]) == {"call": "beginner"}
    assert pairs([caller(needs=(wish,))], [beginner, speaker]) == {"call": "speaker"}


def test_most_skilled_and_least_occupied() -> None:
    need = Need("english", 1)
    people = [
        free("a", 90, skills=(("english", 1),), occupancy=0.9),
        free("b", 50, skills=(("english", 5),), occupancy=0.8),
        free("c", 10, skills=(("english", 5),), occupancy=0.1),
    ]
    for choice, expected in ((Choice.LONGEST_IDLE, "a"), (Choice.MOST_SKILLED, "b"), (Choice.LEAST_OCCUPIED, "c")):
        assert pairs([caller(needs=(need,))], people, RoutingPolicy(choice)) == {"call": expected}
        assert pairs([caller(needs=(need,), choice=choice)], people) == {"call": expected}


def test_tiers_are_served_by_when_they_are_due() -> None:
    red, grey = caller("red", 1, tier="red", target_s=5.0), caller("grey", 50, tier="grey", target_s=60.0)
    assert pairs([red, grey], [free("a")]) == {"red": "a"}
    assert pairs([red, replace(grey, since=NOW - 57)], [free("a")]) == {"grey": "a"}


def test_people_whom_we_called_pass_callers_who_came_shortly_before() -> None:
    outbound = caller("out", 0, direction=Direction.OUTBOUND, target_s=2.0)
    assert pairs([caller("in", 37), outbound], [free("a")]) == {"out": "a"}
    assert pairs([caller("in", 39), outbound], [free("a")]) == {"in": "a"}
    assert pairs([caller("in", 37, owed=True), outbound], [free("a")]) == {"in": "a"}


def test_calls_and_agents_of_two_switches_are_not_joined() -> None:
    assert pairs([caller(node="fs1")], [free("a", node="fs2")]) == {}
    assert pairs([caller(node="fs1")], [free("a", node="")]) == {"call": "a"}
    assert pairs([caller(node="")], [free("a", node="fs2")]) == {"call": "a"}


def test_the_queue_changes_its_mind_with_time_and_says_when() -> None:
    queue = RoutingQueue(POLICY)
    queue.put_agent(replace(free("own"), state=AgentState.BUSY))
    queue.put_agent(free("a"))
    queue.put_call(caller(own_agent="own", own_until=NOW + 20, steps=(Step(0, SALES), Step(60))))
    assert queue.settle(NOW) == ()
    assert queue.next_change() == NOW + 20
    assert queue.settle(NOW + 20) == () and queue.next_change() == NOW + 55
    assert [match.agent for match in queue.settle(NOW + 55)] == ["a"]
    assert queue.settle(NOW + 56) == () and len(queue) == 0
    busy = queue.agent("a")
    assert busy is not None and busy.state is AgentState.BUSY


def test_why_it_waits_and_why_not() -> None:
    call = caller(own_agent="own", own_until=NOW + 20, needs=(Need("english", 2),), steps=(Step(0, SALES), Step(30)))
    able = {"skills": (("english", 2),), "groups": SALES}
    own = replace(free("own", **able), state=AgentState.BUSY)
    people = [
        own,
        free("holds", **able),
        free("lacks", skills=(("english", 1),), groups=SALES),
        free("other", skills=(("english", 9),)),
        free("seat", dedicated=frozenset({"vip"}), **able),
        free("kept", reserved_for="x", **able),
        replace(free("off", **able), state=AgentState.AWAY),
    ]
    told = dict(why_nots(replace(call, own_until=NOW), people, POLICY, NOW))
    assert told == {
        "own": "is busy",
        "holds": None,
        "lacks": "english is required at level 2, has level 1",
        "other": "is in none of the groups sales",
        "seat": "the seat serves vip only",
        "kept": "is kept for another call",
        "off": "is not logged in",
    }
    assert dict(why_nots(call, people, POLICY, NOW))["holds"] == "the caller waits for own, 20 s more"
    held = wait(call, people, POLICY, NOW)
    assert (held.reason, held.until) == ("for their own agent own, who is busy, 20 s more", NOW + 20)
    nobody = wait(call, [free("lacks")], POLICY, NOW)
    assert nobody.reason == (
        "their own agent own is not known here; nobody here may take it "
        "(1: english is required at level 2, has not got it)"
    )
    all_busy = wait(replace(call, own_agent=None), [own], POLICY, NOW)
    assert (all_busy.reason, all_busy.until) == ("all 1 who may take it are busy or in wrap-up", NOW + 25)


def test_place_and_expected_wait() -> None:
    calls = [caller(f"c{n}", waited=n) for n in range(4)]
    assert [place(call, calls, POLICY) for call in calls] == [4, 3, 2, 1]
    assert place(calls[0], [*calls, caller("elsewhere", 99, queue="other")], POLICY) == 4
    assert expected_wait_s(3, 10, 140.0) == pytest.approx(42.0)
    assert expected_wait_s(1, 0, 140.0) is None


def test_the_wait_for_an_own_agent_shrinks_with_the_target() -> None:
    assert [own_limit_s(target, False, POLICY) for target in (5.0, 10.0, 20.0, 60.0)] == [15.0, 30.0, 60.0, 60.0]
    assert own_limit_s(20.0, True, POLICY) == 0.0
