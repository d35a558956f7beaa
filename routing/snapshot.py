"""The floor at one moment as plain data, to be shown, saved and asked about: all agents, all who wait, the policy.

Owns the form (JSON-able, without any telephone number or person) and the one question of ``dialer explain route``:
who would get this call now, and why nobody else. It is answered by the live floor's own queue. Must not read a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from routing.errors import RoutingError
from routing.facts import AgentFacts, AgentState, Choice, Direction, Match, Need, RoutingPolicy, Step, Wait, WaitingCall
from routing.queue import RoutingQueue
from routing.waiting import place, wait, why_nots


@dataclass(frozen=True, slots=True)
class Floor:
    """Everybody at ``at``, seconds on the clock that all their times are of."""

    at: float
    policy: RoutingPolicy
    agents: tuple[AgentFacts, ...]
    calls: tuple[WaitingCall, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who gets the call; or why it waits, and at which place of its queue. ``why_nots``: every agent, and why not."""

    match: Match | None
    wait: Wait | None
    place: int
    why_nots: tuple[tuple[str, str | None], ...]


def ask(floor: Floor, call: WaitingCall) -> Answer:
    """What becomes of a call that begins to wait now. Everybody else is taken as settled."""
    queue = RoutingQueue(floor.policy)
    for agent in floor.agents:
        queue.put_agent(agent)
    for other in floor.calls:
        if other.id != call.id:
            queue.put_call(other)
    queue.settle(floor.at)
    at = place(call, queue.calls(), floor.policy)
    queue.put_call(call)
    found = next((match for match in queue.settle(floor.at) if match.call == call.id), None)
    waits = wait(call, queue.agents(), floor.policy, floor.at) if found is None else None
    return Answer(found, waits, at, why_nots(call, floor.agents, floor.policy, floor.at))


def dump(floor: Floor) -> dict[str, Any]:
    """The floor as plain data. Numbers and persons are left out: nothing here is decided by them."""
    calls = [asdict(replace(call, number="", person="")) for call in floor.calls]
    return {
        "at": floor.at,
        "policy": asdict(floor.policy),
        "agents": [_plain(asdict(agent)) for agent in floor.agents],
        "calls": [_plain(call) for call in calls],
    }


def load(data: object) -> Floor:
    """What ``dump`` made. Raises RoutingError saying where it is something else."""
    if not isinstance(data, Mapping):
        raise RoutingError("expected an object with at, policy, agents and calls")
    place_ = "the snapshot"
    try:
        policy = dict(data["policy"])
        made = RoutingPolicy(**policy | {"choice": Choice(policy["choice"])})
        agents, calls = [], []
        for index, each in enumerate(data["agents"], 1):
            place_ = f"agent {index}"
            agents.append(_agent(each))
        for index, each in enumerate(data["calls"], 1):
            place_ = f"call {index}"
            calls.append(_call(each))
        place_ = "the snapshot"
        return Floor(float(data["at"]), made, tuple(agents), tuple(calls))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RoutingError(f"{place_}: {error!r}; expected what /v1/routing gives") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _words(values: Iterable[object]) -> frozenset[str]:
    if isinstance(values, str):
        raise TypeError("a text where a list is expected")
    return frozenset(str(value) for value in values)


def _agent(data: Mapping[str, Any]) -> AgentFacts:
    changed = {
        "state": AgentState(data["state"]),
        "groups": _words(data["groups"]),
        "dedicated": _words(data["dedicated"]),
        "skills": tuple((str(name), int(level)) for name, level in data["skills"]),
    }
    return AgentFacts(**dict(data) | changed)


def _call(data: Mapping[str, Any]) -> WaitingCall:
    needs = tuple(
        Need(**dict(need) | {"relax": tuple((float(after), int(level)) for after, level in need["relax"])})
        for need in data["needs"]
    )
    changed = {
        "direction": Direction(data["direction"]),
        "needs": needs,
        "steps": tuple(Step(float(step["after_s"]), _words(step["groups"])) for step in data["steps"]),
        "choice": None if data["choice"] is None else Choice(data["choice"]),
    }
    return WaitingCall(**dict(data) | changed)
