"""Waiting calls and agents, kept in order as they come and go: the live floor's side of ``batch``.

Owns the structure only. All calls lie in one line, in their order; those that stand alike share a lane; agents are bits
in a ``roster``, so that all who may take a lane's calls are one number, found once. ``settle`` must be called after
each group of events and gives what ``batch.match_all`` would give. Time must not go back between calls.

What may not happen is a free agent beside a call that they may take: after ``settle`` there is no such pair. So only
pairs with a call or an agent that is new since then have to be looked at.
"""

from __future__ import annotations

import bisect
import heapq
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeVar

from routing.facts import AgentFacts, AgentState, Match, RoutingPolicy, WaitingCall
from routing.fitting import (
    COMES_BACK,
    Standing,
    fit,
    holds_for_own,
    next_change,
    standing,
    why_barred,
    why_never,
)
from routing.order import CallKey, agent_key, call_key, kept_key, own_key, words
from routing.roster import Roster

MOST_LANES: Final = 4096
"""Of more lanes than this the oldest are forgotten once they are empty, one or two with each new one."""


class _Lane:
    """What waiting calls that stand alike have in common."""

    __slots__ = ("able", "calls", "stands", "version")

    def __init__(self, stands: Standing) -> None:
        self.stands = stands
        self.calls = 0
        self.able = 0
        self.version = -1

    def who(self, roster: Roster) -> int:
        """The bits of all who may take the lane's calls."""
        if self.version != roster.version:
            self.able, self.version = roster.able(self.stands), roster.version
        return self.able


class _Waiting:
    """A call in the queue: where it lies (no lane: it holds for its own agent, or has not been placed yet)."""

    __slots__ = ("call", "changes_at", "key", "lane", "own", "stands")

    def __init__(self, call: WaitingCall, policy: RoutingPolicy) -> None:
        self.call = call
        self.key = call_key(call, policy)
        self.own = own_key(call, policy)
        self.lane: _Lane | None = None
        self.stands: Standing | None = None
        self.changes_at: float | None = None


_Offer = tuple[CallKey, str]
"""A call, and the agent whose own or kept call it is; no agent: whoever is best."""
_Item = TypeVar("_Item", CallKey, tuple[CallKey, _Lane])


class RoutingQueue:
    """Waiting calls and agents; ``settle`` joins whom it can."""

    def __init__(self, policy: RoutingPolicy) -> None:
        self.policy = policy
        self._waiting: dict[str, _Waiting] = {}
        self._roster = Roster()
        self._lanes: OrderedDict[Standing, _Lane] = OrderedDict()
        self._line: list[tuple[CallKey, _Lane]] = []
        self._of_own: dict[str, list[CallKey]] = {}
        """By agent: the keys of calls of which they are the own agent."""
        self._kept: dict[str, set[str]] = {}
        """By call: the free agents who are kept for it."""
        self._changes: list[tuple[float, str]] = []
        self._moved: set[str] = set()
        """Calls that must be placed anew."""
        self._came: set[str] = set()
        """Agents who have become free since the last settling."""

    def __len__(self) -> int:
        return len(self._waiting)

    def calls(self) -> tuple[WaitingCall, ...]:
        """Everybody who waits, in no order."""
        return tuple(waiting.call for waiting in self._waiting.values())

    def agents(self) -> tuple[AgentFacts, ...]:
        """All agents, as they were last told, in no order."""
        return tuple(self._roster.all())

    def call(self, call: str) -> WaitingCall | None:
        """A call that waits."""
        waiting = self._waiting.get(call)
        return waiting.call if waiting is not None else None

    def agent(self, agent: str) -> AgentFacts | None:
        """An agent, as last told."""
        return self._roster.get(agent)

    def ordered(self) -> tuple[WaitingCall, ...]:
        """Everybody who waits, who is due first first. Walks over all of them: for people and pages."""
        return tuple(w.call for w in sorted(self._waiting.values(), key=lambda w: w.key))

    def next_change(self) -> float | None:
        """When ``settle`` should be called even if nothing happens. May be early, never late."""
        return self._changes[0][0] if self._changes else None

    # What happens

    def put_call(self, call: WaitingCall) -> None:
        """A call waits, or waits under other facts than before."""
        self.remove_call(call.id)
        waiting = self._waiting[call.id] = _Waiting(call, self.policy)
        if call.own_agent is not None:
            bisect.insort(self._of_own.setdefault(call.own_agent, []), waiting.own)
        self._moved.add(call.id)

    def remove_call(self, call: str) -> None:
        """A call waits no longer; fine when it did not."""
        waiting = self._waiting.pop(call, None)
        if waiting is None:
            return
        self._leave_lane(waiting)
        self._moved.discard(call)
        own = waiting.call.own_agent
        if own is not None:
            line = self._of_own[own]
            _drop(line, waiting.own)
            if not line:
                del self._of_own[own]

    def put_agent(self, agent: AgentFacts) -> None:
        """An agent is there, or is in another state or of another kind than before."""
        before, version = self._roster.get(agent.id), self._roster.version
        self._keep_no_more(before)
        self._roster.put(agent)
        self._came.discard(agent.id)
        if agent.state is AgentState.FREE:
            self._came.add(agent.id)
            if agent.reserved_for is not None:
                self._kept.setdefault(agent.reserved_for, set()).add(agent.id)
        if agent.id in self._of_own:
            as_before = before is not None and (before.state in COMES_BACK) == (agent.state in COMES_BACK)
            if not as_before or version != self._roster.version:
                self._moved.update(key[3] for key in self._of_own[agent.id])

    def remove_agent(self, agent: str) -> None:
        """An agent is not there any more; fine when they were not."""
        before = self._roster.get(agent)
        if before is not None:
            self._keep_no_more(before)
            self._roster.remove(agent)
            self._came.discard(agent)
            self._moved.update(key[3] for key in self._of_own.get(agent, ()))

    # What follows

    def settle(self, now: float) -> tuple[Match, ...]:
        """Join whom can be joined, in the order of ``batch``. Who is matched waits no longer, or is busy."""
        while self._changes and self._changes[0][0] <= now:
            waiting = self._waiting.get(heapq.heappop(self._changes)[1])
            if waiting is not None:
                self._moved.add(waiting.call.id)
        for call in self._moved:
            self._place(self._waiting[call], now)
        offers: list[_Offer] = []
        for call in self._moved:
            self._offer_call(offers, self._waiting[call])
        came = 0
        for agent in self._came:
            self._offer_agent(offers, agent)
            came |= self._roster.bit(agent)
        heapq.heapify(offers)
        self._moved.clear()
        self._came.clear()
        return tuple(self._join(offers, came, now))

    def _join(self, offers: list[_Offer], came: int, now: float) -> Iterator[Match]:
        """Single offers, and whoever in the line may be taken by those who came: the first in the order is next.

        An offer may be stale: then it is too early in the order, never too late, and is renewed or dropped. Along the
        line there is no way back, since those who came only become fewer.
        """
        roster, line, at = self._roster, self._line, 0
        while True:
            came &= roster.free
            while came and at < len(line) and not line[at][1].who(roster) & came:
                at += 1
            head = line[at] if came and at < len(line) else None
            if offers and (head is None or offers[0][0] <= head[0]):
                match = self._take(offers, *heapq.heappop(offers), now)
                if head is not None:
                    at = bisect.bisect_left(line, head)
            elif head is not None:
                match = self._match_best(head[1], head[0], now)
            else:
                return
            if match is not None:
                yield match

    def _take(self, offers: list[_Offer], key: CallKey, agent: str, now: float) -> Match | None:
        waiting = self._waiting.get(key[3])
        if not agent:
            lane = waiting.lane if waiting is not None else None
            return self._match_best(lane, key, now) if lane is not None else None
        facts = self._roster.get(agent)
        if facts is None or facts.state is not AgentState.FREE:
            return None
        if waiting is not None:
            return self._match(waiting, facts, False, now)
        self._offer_agent(offers, agent)
        return None

    def _match_best(self, lane: _Lane, key: CallKey, now: float) -> Match | None:
        best = self._roster.best(lane.stands, lane.who(self._roster))
        return self._match(self._waiting[key[3]], best, True, now) if best is not None else None

    def _match(self, waiting: _Waiting, agent: AgentFacts, fitting: bool, now: float) -> Match:
        assert waiting.stands is not None
        how = fit(waiting.stands, self._roster.kind(agent.id)) if fitting else None
        reason = words(waiting.call, agent, how, self.policy, now)
        self.remove_call(waiting.call.id)
        self._keep_no_more(agent)
        self._roster.put(replace(agent, state=AgentState.BUSY, since=now, reserved_for=None))
        return Match(waiting.call.id, agent.id, reason)

    def _offer_call(self, offers: list[_Offer], waiting: _Waiting) -> None:
        call, stands = waiting.call, waiting.stands
        assert stands is not None
        kept = [facts for facts in map(self._roster.get, self._kept.get(call.id, ())) if facts is not None]
        kept = [facts for facts in kept if why_barred(stands, self._roster.kind(facts.id)) is None]
        if kept:
            best = min(kept, key=lambda facts: agent_key((0, 0, 0, 0), stands.choice, facts))
            heapq.heappush(offers, (kept_key(call), best.id))
        own = self._roster.get(call.own_agent) if call.own_agent is not None else None
        if own is not None and own.available and why_never(stands, self._roster.kind(own.id)) is None:
            heapq.heappush(offers, (waiting.own, own.id))
        if waiting.lane is not None and self._roster.free:
            heapq.heappush(offers, (waiting.key, ""))

    def _offer_agent(self, offers: list[_Offer], agent: str) -> None:
        """The call for which an agent is kept, or the first of those who know them."""
        facts = self._roster.get(agent)
        assert facts is not None
        if facts.reserved_for is not None:
            waiting = self._waiting.get(facts.reserved_for)
            if waiting is not None:
                self._offer_call(offers, waiting)
            return
        for key in self._of_own.get(agent, ()):
            stands = self._waiting[key[3]].stands
            if stands is not None and why_never(stands, self._roster.kind(agent)) is None:
                heapq.heappush(offers, (key, agent))
                return

    # Where everybody lies

    def _place(self, waiting: _Waiting, now: float) -> None:
        call = waiting.call
        self._leave_lane(waiting)
        stands = waiting.stands = standing(call, self.policy, now)
        own = self._roster.get(call.own_agent) if call.own_agent is not None else None
        if not holds_for_own(call, stands, own, now):
            lane = waiting.lane = self._lanes.get(stands) or self._new_lane(stands)
            lane.calls += 1
            bisect.insort(self._line, (waiting.key, lane))
        at = next_change(call, now)
        if at is not None and at != waiting.changes_at:
            heapq.heappush(self._changes, (at, call.id))
        waiting.changes_at = at

    def _leave_lane(self, waiting: _Waiting) -> None:
        lane = waiting.lane
        if lane is not None:
            _drop(self._line, (waiting.key, lane))
            lane.calls -= 1
            waiting.lane = None

    def _new_lane(self, stands: Standing) -> _Lane:
        for _ in range(2 if len(self._lanes) >= MOST_LANES else 0):
            oldest, known = self._lanes.popitem(last=False)
            if known.calls:
                self._lanes[oldest] = known
        lane = self._lanes[stands] = _Lane(stands)
        return lane

    def _keep_no_more(self, agent: AgentFacts | None) -> None:
        if agent is not None and agent.reserved_for in self._kept:
            kept = self._kept[agent.reserved_for]
            kept.discard(agent.id)
            if not kept:
                del self._kept[agent.reserved_for]


def _drop(line: list[_Item], item: _Item) -> None:
    place = bisect.bisect_left(line, item)
    if place < len(line) and line[place] == item:
        del line[place]
