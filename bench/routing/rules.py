"""Routing rules under comparison: the product's own queue, and two simpler ones that take its place in the engine.

A rule here answers what ``dialer.engine.router`` asks of ``routing.queue``; nothing else of the engine changes, so
pacing, lines and callers are the same under each.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import replace

from routing.facts import AgentFacts, AgentState, Match, RoutingPolicy, WaitingCall
from routing.queue import RoutingQueue


class Simple(RoutingQueue):
    """One queue for all, one pool of agents. ``vip_score``: mod_callcenter's base score of a VIP, in seconds of wait.

    ``longest_idle``: the agent is the longest idle (mod_callcenter's longest-idle-agent); else the first by id.
    """

    def __init__(self, longest_idle: bool, vip_score: float) -> None:
        super().__init__(RoutingPolicy())
        self.longest_idle = longest_idle
        self.vip_score = vip_score
        self._line_up: list[tuple[float, str]] = []
        self._place_of: dict[str, tuple[float, str]] = {}
        self._calls: dict[str, WaitingCall] = {}
        self._free: list[tuple[float, str]] = []
        self._idle: dict[str, tuple[float, str]] = {}
        self._facts: dict[str, AgentFacts] = {}

    def calls(self) -> tuple[WaitingCall, ...]:
        return tuple(self._calls.values())

    def agent(self, agent: str) -> AgentFacts | None:
        return self._facts.get(agent)

    def put_call(self, call: WaitingCall) -> None:
        self.remove_call(call.id)
        key = (call.since - (self.vip_score if call.vip else 0.0), call.id)
        self._place_of[call.id], self._calls[call.id] = key, call
        bisect.insort(self._line_up, key)

    def remove_call(self, call: str) -> None:
        key = self._place_of.pop(call, None)
        if key is not None:
            self._line_up.remove(key)
            del self._calls[call]

    def put_agent(self, agent: AgentFacts) -> None:
        self._facts[agent.id] = agent
        known = self._idle.pop(agent.id, None)
        if known is not None:
            self._free.remove(known)
        if agent.available:
            key = (agent.since if self.longest_idle else 0.0, agent.id)
            self._idle[agent.id] = key
            bisect.insort(self._free, key)

    def settle(self, now: float) -> tuple[Match, ...]:
        joined = []
        while self._line_up and self._free:
            (_, call), (_, agent) = self._line_up[0], self._free[0]
            self.remove_call(call)
            self.put_agent(replace(self._facts[agent], state=AgentState.BUSY, since=now))
            joined.append(Match(call, agent, "next in the line"))
        return tuple(joined)

    def next_change(self) -> float | None:
        return None


OURS = "ours"
RULES: dict[str, Callable[[], RoutingQueue] | None] = {
    OURS: None,
    "longest idle (mod_callcenter), VIPs 300 s ahead": lambda: Simple(True, 300.0),
    "longest idle (mod_callcenter)": lambda: Simple(True, 0.0),
    "plain FIFO": lambda: Simple(False, 0.0),
}
"""None: whatever the engine has. Under the others no seat is kept for VIPs: one pool of agents for all."""
