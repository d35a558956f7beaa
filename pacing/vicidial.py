"""VICIdial's adaptive dial level, as its scripts AST_VDadapt.pl and AST_VDauto_dial.pl decide: a baseline.

Owns this rule only, with VICIdial's own clock: it looks once a second, adapts its level every 15 s, and places calls
every 2.5 s, however often it is asked. Ready agents less waiting callers drive the level, the day's drops cap it; no
answer rate, ring time or talk time enters. For comparison in the planner and the benchmark: no mode of production.

Readings where the scripts leave room: busy is who is reserved or talks; in wrap-up an agent is paused to VICIdial,
logged in but not in its base (so its results come nearest to the table's); who is away is not logged in; calls and
drops are those of people who answered, as the ledger has settled them; a level below 1 is raised to 1 at the end, as
the script does; a shift that closes on a later day has its hours counted on beyond 2400.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from pacing.snapshot import Counts, Decision

Adapt = Literal["HARD_LIMIT", "AVERAGE", "TAPERED"]

SAMPLE_S, SAMPLES = 1.0, 15
ADAPT_S = 15.0
PLACE_S = 2.5
MINUTE_S = 60.0
MINUTE_CALLS, MINUTE_DROPS = 20, 0.5
TODAY_CALLS = 50
MOST_OF_THE_LEVEL = 1000
DAY_S = 86_400.0
ROUNDING_S = 1e-6


@dataclass(slots=True)
class _Due:
    """A clock that strikes every ``every_s``, at the first look after it is due; strokes that were missed are lost."""

    every_s: float
    at: float = -math.inf

    def strikes(self, now: float) -> bool:
        if now < self.at - ROUNDING_S:
            return False
        self.at = max(self.at + self.every_s, now) if now - self.at < self.every_s else now + self.every_s
        return True


class Vicidial:
    """One campaign's dial level.

    ``max`` caps it, ``target`` is the wished-for number of ready agents less waiting callers with its sign turned
    (-1: one agent waits), ``limit`` the share of drops (0–1) above which ``adapt`` lowers the level. With
    ``available_only`` the level counts for ready agents only. Without ``conversations`` only calls that ring or wait
    are taken off the goal: not what VICIdial's scripts do, but beside ``available_only`` what comes up to the figures
    of VICIdial's best settings in the table of cells, so it is among those that the benchmark tries.
    """

    def __init__(
        self,
        *,
        max: float = 3.0,
        target: float = 0,
        adapt: Adapt = "HARD_LIMIT",
        available_only: bool = False,
        conversations: bool = True,
        limit: float = 0.03,
    ) -> None:
        self._max = max
        self._target = target
        self._adapt: Adapt = adapt
        self._available_only = available_only
        self._conversations = conversations
        self._limit = limit
        self.level = 1.0
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)
        self._minute: deque[tuple[float, int, int]] = deque()
        self._sample_due = _Due(SAMPLE_S)
        self._place_due = _Due(PLACE_S)
        self._adapt_at: float | None = None
        self._why = "level 1.000: not adapted yet"

    def decide(self, counts: Counts) -> Decision:
        """See ``pacing.snapshot.Policy``."""
        if self._sample_due.strikes(counts.at):
            self._sample(counts)
        if self._adapt_at is None:
            self._adapt_at = counts.at + ADAPT_S
        elif counts.at >= self._adapt_at - ROUNDING_S:
            self._adapt_at = max(self._adapt_at + ADAPT_S, counts.at + SAMPLE_S)
            self._set_level(counts)
        if not self._place_due.strikes(counts.at):
            return Decision(0, "start 0: calls are placed every 2.5 s")
        base = counts.ready if self._available_only else counts.logged_in - counts.wrap
        goal = round(self.level * base)
        there = counts.in_existence if self._conversations else counts.ringing + counts.waiting
        lines = max(0, goal - there)
        who = "ready agents" if self._available_only else "ready or talking agents"
        return Decision(lines, f"start {lines}: {base} {who} = {goal} calls wanted, {there} there; {self._why}")

    def _sample(self, counts: Counts) -> None:
        self._samples.append((counts.ready, counts.waiting, counts.logged_in))
        minute = self._minute
        if minute and counts.answered_today < minute[-1][1]:
            minute.clear()  # midnight
        minute.append((counts.at, counts.answered_today, counts.abandoned_today))
        while len(minute) > 1 and minute[1][0] <= counts.at - MINUTE_S + ROUNDING_S:
            minute.popleft()

    def _set_level(self, counts: Counts) -> None:
        ready, waiting, agents = (sum(column) / len(self._samples) for column in zip(*self._samples, strict=True))
        m = (ready - waiting + self._target) / agents if agents else 0.0
        level = min(max(round(self.level * (1.0 + m), 3), 1.0), self._max)
        why = f"{ready:.1f} ready - {waiting:.1f} waiting of {agents:.1f}"
        calls = self._minute[-1][1] - self._minute[0][1]
        drops = self._minute[-1][2] - self._minute[0][2]
        if calls > MINUTE_CALLS and drops > MINUTE_DROPS * calls:
            level /= 2
            why += f", halved: {drops} of {calls} dropped in the last minute"
        today, lost = counts.answered_today, counts.abandoned_today
        if today > TODAY_CALLS and lost > self._limit * today:
            level = self._lowered(level, counts)
            why += f", {self._adapt}: {lost} of {today} dropped today"
        self.level = max(level, 1.0)
        self._why = f"level {self.level:.3f} ({why})"

    def _lowered(self, level: float, counts: Counts) -> float:
        if self._adapt == "HARD_LIMIT":
            return 1.0
        if self._adapt == "AVERAGE":
            return level / 2
        left = _hours_left(counts.at, counts.closing_at)
        return 1.0 if left < 0 else level * min(left, MOST_OF_THE_LEVEL) / MOST_OF_THE_LEVEL


def _hours_left(now: float, closing: float) -> int:
    """Closing time less the time now as VICIdial computes it: hours and minutes written as one number, HHMM."""
    if math.isinf(closing):
        return MOST_OF_THE_LEVEL
    days = int(closing // DAY_S) - int(now // DAY_S)
    return _hhmm(closing) + 2400 * days - _hhmm(now)


def _hhmm(at: float) -> int:
    minutes = int(at % DAY_S // 60)
    return minutes // 60 * 100 + minutes % 60
