"""Whether a list ends before the shift does even at one call for each free agent; then it is dialed so.

Owns this question, its hysteresis and its words. Where the agents have time for the whole rest of a list one call at a
time, dialing faster only wastes it: customers who find nobody and rings that are hung up are missing at its end, and
the agents wait for the rest of the shift. Where they have not, nothing changes.

A wrong yes is made good: at 1:1 the list then shrinks more slowly than the shift, the share that it takes of the shift
passes 1, and predictive dialing, a tenth to twice as fast, still comes to the list's end, as long as that share is not
believed to be smaller than it is by more than that. Pure; must not count calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

BEGIN_BELOW, END_ABOVE = 0.97, 1.0
"""Of the agents' time that is left, the share that the list takes: sparing begins up to the one, with an allowance for
what is not known well yet, and ends beyond the other."""
SURE_AFTER_S, SURE_SHARE = 300.0, 0.1
"""It ends when the list has taken more for so long, or for this part of the time left: a change of the answer rate that
was none is seen through by then."""
AGAIN_AFTER_S = 300.0
"""When it has ended it does not begin again for so long."""
AGENTS_FADE_S = 900.0
"""Agents are counted over about so long: some go for a break and come back."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of list and shift.

    ``dials`` calls that the list can still take (infinity: nobody knows), ``left_s`` until nobody dials any more,
    ``agents`` who serve nobody else. A call keeps its line for ``ring_s`` until it is answered or ends, and, answered
    with ``chance``, its agent for ``hold_s``. ``doubt``: the relative standard error of ``chance × hold_s``.
    """

    dials: float
    left_s: float
    agents: float
    ring_s: float
    chance: float
    hold_s: float
    doubt: float

    @property
    def busy_s(self) -> float:
        """What a call takes of an agent's time in talk and wrap-up."""
        return self.chance * self.hold_s

    @property
    def each_s(self) -> float:
        """What a call takes of an agent's time when each free agent waits for one call."""
        return self.ring_s + self.busy_s

    def share(self, agents: float, doubts: float = 0.0) -> float:
        """The part of the time of ``agents`` that the list takes at 1:1, handling taken for longer by ``doubts``
        standard errors."""
        there_s = agents * max(0.0, self.left_s)
        needed_s = self.dials * (self.each_s + doubts * self.doubt * self.busy_s)
        return needed_s / there_s if there_s > 0.0 else math.inf


class Sparing:
    """One campaign's answer. ``on``: the list is spared."""

    def __init__(self) -> None:
        self.on = False
        self.rest: Rest | None = None
        self._agents = 0.0
        self._at = -math.inf
        self._over_since = math.inf
        self._ended_at = -math.inf

    def look(self, now: float, rest: Rest) -> None:
        """What is left at ``now``."""
        lately = self._lately(now, rest.agents)
        self.rest = rest
        if not (math.isfinite(rest.dials) and math.isfinite(rest.left_s)):
            self.on, self.rest = False, None
        elif self.on:
            self._go_on(now, rest, max(lately, rest.agents))
        elif not 0.0 <= now - self._ended_at < AGAIN_AFTER_S:
            self.on = rest.share(min(lately, rest.agents), doubts=1.0) <= BEGIN_BELOW
            self._over_since = math.inf

    def _go_on(self, now: float, rest: Rest, agents: float) -> None:
        if rest.share(agents) <= END_ABOVE:
            self._over_since = math.inf
            return
        self._over_since = min(self._over_since, now)
        if now - self._over_since >= min(SURE_AFTER_S, SURE_SHARE * rest.left_s):
            self.on, self._ended_at = False, now

    def _lately(self, now: float, agents: float) -> float:
        gone_s = now - self._at
        # Everybody who is there counts at once after a gap, or when the clock stepped back.
        stale = self._agents <= 0.0 or not 0.0 <= gone_s <= AGENTS_FADE_S
        step = 1.0 if stale else 1.0 - math.exp(-gone_s / AGENTS_FADE_S)
        self._agents += (agents - self._agents) * step
        self._at = now
        return self._agents

    def words(self) -> str:
        """Why the list is spared, with its numbers."""
        if self.rest is None:
            return ""
        rest = self.rest
        needed_s = rest.dials * rest.each_s / max(rest.agents, 1.0)
        return (
            f"the list of {rest.dials:.0f} more calls ends before the shift does at 1:1 ({rest.each_s:.0f} s of an "
            f"agent's time each: {_long(needed_s)} of the {_long(rest.left_s)} that are left with {rest.agents:.0f} "
            "agents)"
        )


def _long(seconds: float) -> str:
    return f"{seconds / 3600.0:.1f} h" if seconds >= 7200.0 else f"{seconds / 60.0:.0f} min"
