"""A floor saved and asked: the same answer as on the live one, no number in it, and clear words for a broken file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routing.errors import RoutingError
from routing.facts import AgentFacts, AgentState, Choice, Direction, Need, RoutingPolicy, Step, WaitingCall
from routing.snapshot import Floor, ask, dump, load

NOW = 5_000.0
FREE, BUSY, PAUSED = AgentState.FREE, AgentState.BUSY, AgentState.PAUSED
SALES = (Step(0.0, frozenset({"sales"})), Step(30.0))


def agent(name: str, state: AgentState = FREE, since: float = NOW - 60, **more: Any) -> AgentFacts:
    return AgentFacts(name, state, since, **{"groups": frozenset({"sales"})} | more)


def floor(*agents: AgentFacts, calls: tuple[WaitingCall, ...] = ()) -> Floor:
    return Floor(NOW, RoutingPolicy(), agents, calls)


CALLER = WaitingCall("new", NOW, number="+4930111", person="ann", queue="sales", steps=SALES)


def test_who_gets_it_and_why_the_others_do_not() -> None:
    kept = agent("v", dedicated=frozenset({"vip"}))
    answer = ask(floor(agent("a"), agent("b", since=NOW - 90), agent("c", BUSY), kept), CALLER)
    assert answer.match is not None and answer.match.agent == "b" and "longest idle" in answer.match.reason
    assert answer.wait is None and answer.place == 1
    assert dict(answer.why_nots) == {"a": None, "b": None, "c": "is busy", "v": "the seat serves vip only"}


def test_why_it_waits_and_at_which_place() -> None:
    other = WaitingCall("old", NOW - 10, queue="sales", steps=SALES)
    answer = ask(floor(agent("a", BUSY), calls=(other,)), CALLER)
    assert answer.match is None and answer.place == 2
    assert answer.wait is not None and "busy or in wrap-up" in answer.wait.reason and answer.wait.until == NOW + 30


def test_others_who_wait_are_settled_first() -> None:
    """A snapshot taken within a step: the free agent goes to who is due sooner."""
    other = WaitingCall("old", NOW - 10, queue="sales", steps=SALES)
    answer = ask(floor(agent("a"), calls=(other,)), CALLER)
    assert answer.match is None


def test_a_saved_floor_answers_the_same_and_holds_no_number() -> None:
    need = Need("english", 3, relax=((20.0, 1),))
    who = {"number": "+4930222", "person": "bob"}
    waiting = WaitingCall("w", NOW - 5, Direction.OUTBOUND, **who, needs=(need,), choice=Choice.MOST_SKILLED)
    before = floor(agent("a", skills=(("english", 2),)), agent("b", PAUSED, reserved_for="w"), calls=(waiting,))
    text = json.dumps(dump(before))
    assert "+4930" not in text and "bob" not in text
    after = load(json.loads(text))
    assert after.agents == before.agents and after.policy == before.policy
    assert ask(after, CALLER) == ask(before, CALLER)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda d: d.pop("policy"), "policy"),
        (lambda d: d["agents"][0].update(state="asleep"), "agent 1"),
        (lambda d: d["agents"][0].update(groups="sales"), "agent 1"),
        (lambda d: d["calls"][0].update(steps=[{"after_s": 1}]), "call 1"),
        (lambda d: d["calls"][0].update(surprise=1), "call 1"),
        (lambda d: d.update(at="noon"), "noon"),
    ],
)
def test_a_broken_file_is_told_where(change: Any, where: str) -> None:
    data = json.loads(json.dumps(dump(floor(agent("a"), calls=(CALLER,)))))
    change(data)
    with pytest.raises(RoutingError, match=where):
        load(data)


def test_nothing_like_a_snapshot() -> None:
    with pytest.raises(RoutingError, match="an object"):
        load([1, 2])
