"""All agents as sets of bits, so that "who may take this and is best" is a few operations on whole numbers.

Owns the index: each agent has a bit; for each group, each level of each skill, each dedication and each switch there is
the number whose bits are the agents that have it. Says the same as ``fitting.fit`` and ``order.agent_key`` do pair by
pair, a hundred times faster on a full floor; a property test holds them together. Must not know calls.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Final, TypeVar

from routing.facts import AgentFacts, Choice
from routing.fitting import Kind, Standing, kind_of

FEW: Final = 24
"""So few candidates are looked at one by one; among more, the orders of the whole floor are walked from their start."""

_Place = tuple[float, float, str, int]
"""Occupancy (or 0), since, id, slot."""


class Roster:
    """Every agent, and who of them is available."""

    def __init__(self) -> None:
        self._agents: dict[str, AgentFacts] = {}
        self._slots: dict[str, int] = {}
        self._names: list[str] = []
        self._kinds: dict[str, Kind] = {}
        self._spare: list[int] = []
        self._all = self._special = 0
        self._groups: dict[str, int] = {}
        self._dedicated: dict[str, int] = {}
        self._nodes: dict[str, int] = {}
        self._skills: dict[str, dict[int, int]] = {}
        self._levels: dict[tuple[str, int], int] = {}
        self._members: dict[tuple[frozenset[str], ...], int] = {}
        self._idle: list[_Place] = []
        self._lean: list[_Place] = []
        self.free = 0
        """Who is available."""
        self.version = 0
        """Changes when ``able`` may give another answer than before."""

    def get(self, agent: str) -> AgentFacts | None:
        """An agent, as last told."""
        return self._agents.get(agent)

    def all(self) -> Iterable[AgentFacts]:
        """All agents, in no order."""
        return self._agents.values()

    def kind(self, agent: str) -> Kind:
        """The kind of an agent who is there."""
        return self._kinds[agent]

    def bit(self, agent: str) -> int:
        """The bit of an agent who is there."""
        return 1 << self._slots[agent]

    def put(self, agent: AgentFacts) -> None:
        """An agent is there, or has changed."""
        before = self._agents.get(agent.id)
        if before is not None:
            self._stand_up(before)
        if before is None or not _same_kind(before, agent):
            self._index(agent, before is not None)
        self._agents[agent.id] = agent
        if agent.available:
            slot = self._slots[agent.id]
            self.free |= 1 << slot
            bisect.insort(self._idle, (0.0, agent.since, agent.id, slot))
            bisect.insort(self._lean, (agent.occupancy, agent.since, agent.id, slot))

    def remove(self, agent: str) -> None:
        """An agent who was there is not any more."""
        self._stand_up(self._agents.pop(agent))
        self._mark(self._kinds.pop(agent), 1 << self._slots[agent], False)
        self._spare.append(self._slots.pop(agent))
        self._forget()

    def able(self, stands: Standing) -> int:
        """Who may take a call that stands so, free or not."""
        able = self._all
        if self._special:
            fitting = 0
            for word in stands.words:
                fitting |= self._dedicated.get(word, 0)
            able &= ~self._special | fitting
        if stands.node:
            able &= self._nodes.get(stands.node, 0) | self._nodes.get("", 0)
        for skill, level in stands.demand:
            able &= self._with(skill, level)
        members = self._members.get(stands.steps)
        if members is None:
            members = self._members[stands.steps] = self._of_any(stands.steps)
        return able & members

    def best(self, stands: Standing, able: int) -> AgentFacts | None:
        """The first in the order among those of ``able`` who are available."""
        among = able & self.free
        if not among:
            return None
        among = among & self._special or among
        among = self._of_first_step(stands, among)
        if stands.wanted:
            among = self._meeting_most(stands, among)
            if stands.choice is Choice.MOST_SKILLED:
                among = self._most_skilled(stands, among)
        order = self._lean if stands.choice is Choice.LEAST_OCCUPIED else self._idle
        return self._agents[self._first(order, among)]

    def _of_first_step(self, stands: Standing, among: int) -> int:
        for groups in stands.steps:
            if not groups:
                return among
            if members := self._of_any((groups,)) & among:
                return members
        return among

    def _of_any(self, steps: tuple[frozenset[str], ...]) -> int:
        members = 0
        for groups in steps:
            if not groups:
                return self._all
            for group in groups:
                members |= self._groups.get(group, 0)
        return members

    def _meeting_most(self, stands: Standing, among: int) -> int:
        at_least = [among]
        for skill, level in stands.wanted:
            having = self._with(skill, level)
            at_least.append(0)
            for count in range(len(at_least) - 1, 0, -1):
                at_least[count] |= at_least[count - 1] & having
        return next(bits for bits in reversed(at_least) if bits)

    def _most_skilled(self, stands: Standing, among: int) -> int:
        totals = {0: among}
        for skill, _ in stands.wanted:
            more: dict[int, int] = {}
            for total, bits in totals.items():
                rest = bits
                for level, having in self._skills.get(skill, {}).items():
                    if both := bits & having:
                        more[total + level] = more.get(total + level, 0) | both
                        rest &= ~having
                if rest:
                    more[total] = more.get(total, 0) | rest
            totals = more
        return totals[max(totals)]

    def _first(self, order: list[_Place], among: int) -> str:
        if among.bit_count() > FEW:
            return next(name for _, _, name, slot in order if among >> slot & 1)
        lean = order is self._lean
        best: tuple[float, float, str] | None = None
        while among:
            lowest = among & -among
            among ^= lowest
            agent = self._agents[self._names[lowest.bit_length() - 1]]
            key = (agent.occupancy if lean else 0.0, agent.since, agent.id)
            if best is None or key < best:
                best = key
        assert best is not None
        return best[2]

    def _with(self, skill: str, level: int) -> int:
        having = self._levels.get((skill, level))
        if having is None:
            having = 0
            for there, bits in self._skills.get(skill, {}).items():
                if there >= level:
                    having |= bits
            self._levels[(skill, level)] = having
        return having

    def _stand_up(self, agent: AgentFacts) -> None:
        if not agent.available:
            return
        slot = self._slots[agent.id]
        self.free &= ~(1 << slot)
        for order, first in ((self._idle, 0.0), (self._lean, agent.occupancy)):
            del order[bisect.bisect_left(order, (first, agent.since, agent.id, slot))]

    def _index(self, agent: AgentFacts, known: bool) -> None:
        kind = kind_of(agent)
        if known:
            slot = self._slots[agent.id]
            self._mark(self._kinds[agent.id], 1 << slot, False)
        else:
            if not self._spare:
                self._spare.append(len(self._names))
                self._names.append("")
            slot = self._slots[agent.id] = self._spare.pop()
            self._names[slot] = agent.id
        self._kinds[agent.id] = kind
        self._mark(kind, 1 << slot, True)
        self._forget()

    def _forget(self) -> None:
        self.version += 1
        self._levels.clear()
        self._members.clear()

    def _mark(self, kind: Kind, bit: int, on: bool) -> None:
        self._all = _set(self._all, bit, on)
        if kind.dedicated:
            self._special = _set(self._special, bit, on)
        _set_in(self._nodes, kind.node, bit, on)
        for group in kind.groups:
            _set_in(self._groups, group, bit, on)
        for word in kind.dedicated:
            _set_in(self._dedicated, word, bit, on)
        for skill, level in kind.skills:
            levels = self._skills.setdefault(skill, {})
            _set_in(levels, level, bit, on)
            if not levels:
                del self._skills[skill]


def _same_kind(before: AgentFacts, after: AgentFacts) -> bool:
    return (
        before.node == after.node
        and before.groups == after.groups
        and before.skills == after.skills
        and before.dedicated == after.dedicated
    )


def _set(bits: int, bit: int, on: bool) -> int:
    return bits | bit if on else bits & ~bit


_Name = TypeVar("_Name", str, int)


def _set_in(index: dict[_Name, int], name: _Name, bit: int, on: bool) -> None:
    bits = _set(index.get(name, 0), bit, on)
    if bits:
        index[name] = bits
    else:
        index.pop(name, None)
