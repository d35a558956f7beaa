"""Skills: what a call needs at this moment of its wait, and how well somebody meets it.

Owns the arithmetic of levels and of their relaxing. Must not know agents, queues or the order of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from routing.facts import Need, Skills

Demand = tuple[tuple[str, int], ...]
"""Skills and the levels at which they are asked for now."""


def level_now(need: Need, since: float, now: float) -> int:
    """The level that is asked for at ``now`` of a wait that began at ``since``: never above what it was."""
    level = need.level
    for after_s, relaxed in need.relax:
        if now >= since + after_s:
            level = min(level, relaxed)
    return max(level, 0)


def required_now(needs: Iterable[Need], since: float, now: float) -> Demand:
    """What an agent must have at this moment of a wait; what has relaxed to nothing is left out."""
    levels = ((need.skill, level_now(need, since, now)) for need in needs if need.required)
    return tuple(sorted((skill, level) for skill, level in levels if level > 0))


def preferred(needs: Iterable[Need]) -> Demand:
    """What counts in choosing: preferences, and requirements at the level they began with."""
    return tuple(sorted((need.skill, need.level) for need in needs))


def lacking(demand: Demand, has: Mapping[str, int]) -> str | None:
    """The first thing that is lacking, in words; None when nothing is."""
    for skill, level in demand:
        there = has.get(skill, 0)
        if there < level:
            have = f"has level {there}" if there else "has not got it"
            return f"{skill} is required at level {level}, {have}"
    return None


def met(wanted: Demand, has: Mapping[str, int]) -> int:
    """How many of the wants are met in full."""
    return sum(1 for skill, level in wanted if has.get(skill, 0) >= level)


def score(wanted: Demand, has: Mapping[str, int]) -> int:
    """How skilled somebody is at what is wanted: the sum of their levels there."""
    return sum(has.get(skill, 0) for skill, _ in wanted)


def doubles(skills: Skills) -> tuple[str, ...]:
    """Skills that are named more than once."""
    names = [skill for skill, _ in skills]
    return tuple(sorted({name for name in names if names.count(name) > 1}))
