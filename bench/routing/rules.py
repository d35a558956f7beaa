"""Routing rules under comparison, behind one small door: ours, and two simpler ones."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Protocol

from routing.facts import AgentFacts, RoutingPolicy, WaitingCall
from routing.queue import RoutingQueue


class Rule(Protocol):
    """What a day asks of a rule."""

    def put_call(self, call: WaitingCall) -> None: ...
    def remove_call(self, call: str) -> None: ...
    def put_agent(self, agent: AgentFacts) -> None: ...
    def settle(self, now: float) -> Iterable[tuple[str, str]]: ...
    def next_change(self) -> float | None: ...


class Ours:
    """``routing.queue`` with its defaults."""

    def __init__(self, policy: RoutingPolicy | None = None) -> None:
        self.queue = RoutingQueue(policy or RoutingPolicy())

    def put_call(self, call: WaitingCall) -> None:
        self.queue.put_call(call)

    def remove_call(self, call: str) -> None:
        self.queue.remove_call(call)

    def put_agent(self, agent: AgentFacts) -> None:
        self.queue.put_agent(agent)

    def settle(self, now: float) -> Iterable[tuple[str, str]]:
        return [(match.call, match.agent) for match in self.queue.settle(now)]

    def next_change(self) -> float | None:
        return self.queue.next_change()


class Simple:
    """One queue for all, one pool of agents. ``vip_score``: mod_callcenter's base score of a VIP, in seconds of wait.

    ``longest_idle``: the agent is the longest idle (mod_callcenter's longest-idle-agent); else the first by id.
    """

    def __init__(self, longest_idle: bool, vip_score: float) -> None:
        self.longest_idle = longest_idle
        self.vip_score = vip_score
        self._calls: list[tuple[float, str]] = []
        self._key: dict[str, tuple[float, str]] = {}
        self._free: list[tuple[float, str]] = []
        self._idle: dict[str, tuple[float, str]] = {}

    def put_call(self, call: WaitingCall) -> None:
        key = (call.since - (self.vip_score if call.vip else 0.0), call.id)
        self._key[call.id] = key
        bisect.insort(self._calls, key)

    def remove_call(self, call: str) -> None:
        key = self._key.pop(call, None)
        if key is not None:
            self._calls.remove(key)

    def put_agent(self, agent: AgentFacts) -> None:
        known = self._idle.pop(agent.id, None)
        if known is not None:
            self._free.remove(known)
        if agent.available:
            key = (agent.since if self.longest_idle else 0.0, agent.id)
            self._idle[agent.id] = key
            bisect.insort(self._free, key)

    def settle(self, now: float) -> Iterable[tuple[str, str]]:
        joined = []
        while self._calls and self._free:
            _, call = self._calls.pop(0)
            _, agent = self._free.pop(0)
            del self._key[call], self._idle[agent]
            joined.append((call, agent))
        return joined

    def next_change(self) -> float | None:
        return None


RULES: dict[str, Callable[[], Rule]] = {
    "ours": Ours,
    "longest idle (mod_callcenter), VIPs 300 s ahead": lambda: Simple(True, 300.0),
    "longest idle (mod_callcenter)": lambda: Simple(True, 0.0),
    "plain FIFO": lambda: Simple(False, 0.0),
}
