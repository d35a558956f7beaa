"""The abandon ledger: which answered calls found nobody, over the windows that the rules name, and what that leaves.

Owns counting exactly to the call, per campaign: fixed periods (a budget) and trailing windows (a rate now and a
projected one), several at once, and the rate of abandonment that pacing may aim at so that all of them hold.
Definitions (compliance page): the denominator is every call answered by a person, machines taken out; abandoned is
one of them that no agent took within the limit of the clock. Must read no clock and decide nothing about calls.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pacing.windows import SHIFT, TRAILING, AbandonWindow

AHEAD_ANSWERS = 1500.0
"""At most so many answers to come are planned with: a long period must not lend today what it hopes to earn."""
LENT_AT_LEAST, LENT_SHARE = 300.0, 0.75
"""Answers to come that are planned with: so many, or this share of those that have come."""
SURE_SHARE = 0.8
"""The part of them that is counted on when the last calls of a budget are at stake."""
HELD_BACK, EASE_CALLS = 1.9, 2.0
"""Calls of a budget that are never risked by choice, and those above them over which risks are eased off."""
IN_FLIGHT_RISK = 2.0
"""Calls that ring when a budget ends are lost more often than the average one."""
STEEPEST = 1.5
"""The rate aimed at never exceeds this multiple of the limit, however much budget is left over."""
HOUR_S = 3600.0
STEPS_AHEAD_S = (600.0, 1800.0, 7200.0)
"""A trailing window is looked at so far ahead too: good hours fall out of it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One window now. ``left`` is in calls: how many more may be abandoned at the answers so far (may be negative).

    ``rate`` is abandoned ÷ answered (0–1), ``projected`` the rate at the period's end, or two hours on, if everybody
    were served from now on; ``target`` the abandonment (0–1) among the answers to come that this window allows;
    ``ease`` how freely risks may be taken now: 1 with budget in hand, 0 when the next abandonment would cross the
    limit, or before the answers of the window allow a single one (34 at 3 %): then it dials 1:1.
    """

    window: AbandonWindow
    start: float
    answered: float
    abandoned: float
    left: float
    rate: float
    projected: float
    target: float
    ease: float


class Ledger:
    """Judged calls of one campaign.

    Recent ones are kept each, older ones by the hour: a fixed period begins at a whole hour or later calls are exact
    anyway, because everything of this run and of the last 25 h is kept to the call.
    """

    def __init__(self, windows: Sequence[AbandonWindow], amd_false_positive: float = 0.0) -> None:
        self.windows = tuple(windows)
        self.amd_false_positive = amd_false_positive
        self._answers: list[float] = []  # times, rising
        self._abandons: list[float] = []
        self._old: dict[float, tuple[int, int]] = {}  # hour: (answered, abandoned)
        self._fixed: dict[AbandonWindow, tuple[float, int, int]] = {}  # (start, answered, abandoned)
        self.machines = 0
        self._unseen: list[tuple[float, float]] = []  # (when it ended, chance that it was answered), rising
        self._unseen_upto: list[float] = [0.0]  # the chances summed up to each: looked up at every decision
        longest = max((w.length_s for w in self.windows if w.kind == TRAILING), default=0.0)
        self._keep_s = max(longest, 25 * HOUR_S)

    # ---- counting ------------------------------------------------------------------------------------------

    def judge(self, answered_at: float, *, abandoned: bool) -> None:
        """One call answered by a person is settled."""
        _insert(self._answers, answered_at)
        if abandoned:
            _insert(self._abandons, answered_at)
        self._count(answered_at, 1, int(abandoned))

    def take_back(self, answered_at: float, *, abandoned: bool) -> bool:
        """A call that was counted turns out to have been a machine; False when it is not known (any more)."""
        if not _remove(self._answers, answered_at):
            return False
        if abandoned:
            _remove(self._abandons, answered_at)
        self._count(answered_at, -1, -int(abandoned))
        return True

    def _count(self, at: float, answered: int, abandoned: int) -> None:
        for window in set(self.windows):
            if not window.fixed:
                continue
            known = self._fixed.get(window)
            if known is not None and known[0] <= at:
                end = window.bounds(known[0])[1]
                if at < end:
                    self._fixed[window] = (known[0], known[1] + answered, known[2] + abandoned)

    def unsee(self, at: float, chance: float) -> None:
        """A call ended at ``at`` and nobody saw how: with ``chance`` (0–1) somebody answered and found nobody."""
        bisect.insort(self._unseen, (at, chance))
        self._sum_unseen()

    @property
    def unknown(self) -> float:
        """Abandoned calls that those of which nobody knows may stand for, over everything that is kept."""
        return self._unseen_upto[-1]

    def _sum_unseen(self) -> None:
        self._unseen_upto = list(itertools.accumulate((chance for _, chance in self._unseen), initial=0.0))

    def _unknown_in(self, start: float, end: float = math.inf) -> float:
        upto = self._unseen_upto
        return upto[bisect.bisect_left(self._unseen, (end,))] - upto[bisect.bisect_left(self._unseen, (start,))]

    def load(
        self,
        recent: Iterable[tuple[float, bool]],
        hourly: Iterable[tuple[float, int, int]],
        unseen: Iterable[tuple[float, float]] = (),
    ) -> None:
        """What the store knows from former runs (``unseen`` as in ``unsee``); replaces everything."""
        self._answers, self._abandons, self._fixed = [], [], {}
        for at, abandoned in sorted((at, gone) for at, gone in recent if math.isfinite(at)):
            self._answers.append(at)
            if abandoned:
                self._abandons.append(at)
        self._old = {hour: (n, a) for hour, n, a in hourly}
        self._unseen = sorted((at, chance) for at, chance in unseen if math.isfinite(at))
        self._sum_unseen()

    def begin_shift(self, at: float) -> None:
        """Windows of the kind ``shift`` count from ``at`` on."""
        self.windows = tuple(replace(w, starts_at=at) if w.kind == SHIFT else w for w in self.windows)
        self._fixed = {window: counts for window, counts in self._fixed.items() if window.kind != SHIFT}

    def _fixed_counts(self, window: AbandonWindow, now: float) -> tuple[float, int, int]:
        start, end = window.bounds(now)
        known = self._fixed.get(window)
        if known is None or known[0] != start:
            answered, abandoned = self._since(start, end)
            known = (start, answered, abandoned)
            self._fixed[window] = known
        return known

    def _since(self, start: float, end: float = math.inf) -> tuple[int, int]:
        answered, abandoned = (
            bisect.bisect_left(times, end) - bisect.bisect_left(times, start)
            for times in (self._answers, self._abandons)
        )
        for hour, (n, a) in self._old.items():
            # An hour that the period begins in counts as a whole: an answer too many in the past loosens nothing
            # by more than the limit of one call, an abandonment too many only tightens.
            if hour + HOUR_S > start and hour < end:
                answered, abandoned = answered + n, abandoned + a
        return answered, abandoned

    def since(self, start: float) -> tuple[int, int]:
        """(answered, abandoned) from ``start`` on."""
        return self._since(start)

    def forget(self, now: float) -> None:
        """Fold what no trailing window needs any more into hours."""
        self._forget_unseen(now)
        cut = (now - self._keep_s) // HOUR_S * HOUR_S
        if not self._answers or self._answers[0] >= cut - HOUR_S:
            return
        for window in self.windows:
            if window.fixed:
                self._fixed_counts(window, now)  # exact, before its first hour is folded
        for times, column in ((self._answers, 0), (self._abandons, 1)):
            upto = bisect.bisect_left(times, cut)
            for at in times[:upto]:
                hour = at // HOUR_S * HOUR_S
                n, a = self._old.get(hour, (0, 0))
                self._old[hour] = (n + 1, a) if column == 0 else (n, a + 1)
            del times[:upto]
        oldest = min((w.bounds(now)[0] for w in self.windows if w.fixed), default=now)
        self._old = {hour: counts for hour, counts in self._old.items() if hour + HOUR_S > oldest}

    def _forget_unseen(self, now: float) -> None:
        if not self._unseen:
            return
        oldest = min(now - self._keep_s, *(w.bounds(now)[0] for w in self.windows))
        if self._unseen[0][0] < oldest:
            del self._unseen[: bisect.bisect_left(self._unseen, (oldest,))]
            self._sum_unseen()

    # ---- judging -------------------------------------------------------------------------------------------

    def budgets(
        self,
        now: float,
        *,
        answers_per_s: float,
        in_flight: float,
        aim: float,
        ends_at: float = math.inf,
        most: float = math.inf,
    ) -> tuple[Budget, ...]:
        """Every window now.

        ``answers_per_s`` is what is expected to come, ``in_flight`` the answers that the ringing calls will give,
        ``ends_at`` when dialing ends, if anybody knows, ``most`` how many answers the leads that are left can give.
        """
        rows = []
        for window in self.windows:
            if window.kind == TRAILING:
                rows.append(self._trailing(window, now, answers_per_s, in_flight, aim))
            else:
                rows.append(self._period(window, now, answers_per_s, in_flight, aim, ends_at, most))
        return tuple(rows)

    def _lost(self, answered: float, abandoned: float, unknown: float) -> float:
        return abandoned + unknown + self.amd_false_positive * answered

    def _period(
        self,
        window: AbandonWindow,
        now: float,
        rate: float,
        in_flight: float,
        aim: float,
        ends_at: float,
        most: float,
    ) -> Budget:
        start, answered, abandoned = self._fixed_counts(window, now)
        over = window.bounds(now)[1]
        lost = self._lost(answered, abandoned, self._unknown_in(start, over))
        end = min(over, ends_at)
        ahead = AHEAD_ANSWERS if not math.isfinite(end) else min(max(0.0, end - now) * rate, AHEAD_ANSWERS)
        ahead = min(ahead, most)
        if window.kind == SHIFT and not math.isfinite(end):
            # Anybody may end it at any moment.
            target, ease = _hold(window.limit, aim, answered, lost, in_flight)
        else:
            target, ease = _plan(window.limit, aim, answered, lost, ahead, in_flight)
        projected = lost / (answered + ahead) if answered + ahead > 0 else 0.0
        return _budget(window, start, answered, lost, projected, target, ease)

    def _trailing(self, window: AbandonWindow, now: float, rate: float, in_flight: float, aim: float) -> Budget:
        answered, abandoned = self._since(now - window.length_s)
        lost = self._lost(answered, abandoned, self._unknown_in(now - window.length_s))
        target, ease = _hold(window.limit, aim, answered, lost, in_flight)
        projected = 0.0
        for step in STEPS_AHEAD_S:
            start = now + step - window.length_s
            kept, gone = self._since(start)
            still, ahead = self._lost(kept, gone, self._unknown_in(start)), min(rate * step, AHEAD_ANSWERS)
            if ahead >= 1.0:
                target = min(target, (window.limit * aim * (kept + ahead) - still) / ahead)
            projected = still / (kept + ahead) if kept + ahead > 0 else 0.0
        return _budget(window, now - window.length_s, answered, lost, projected, max(0.0, target), ease)


def _budget(
    window: AbandonWindow, start: float, answered: float, lost: float, projected: float, target: float, ease: float
) -> Budget:
    left = window.limit * answered - lost
    rate = lost / answered if answered else 0.0
    return Budget(window, start, answered, lost, left, rate, projected, target, ease)


def _plan(
    limit: float, aim: float, answered: float, lost: float, ahead: float, in_flight: float
) -> tuple[float, float]:
    """(target, ease): the share of the answers to come that may be abandoned, and how freely risks may be taken.

    ``ahead`` answers are expected until the period ends. The target leads to ``aim × limit`` at its end. Nobody knows
    whether they all come (a list runs out, somebody stops the campaign), so only a part of what has been answered may
    be lent. ``ease`` (0–1) falls as the last two calls of the budget are used up, those that may yet be lost in flight
    (``in_flight`` answers are on their way) counted as used: at 0 only calls that cannot be abandoned are started.
    """
    aimed = limit * aim
    target = (aimed * (answered + ahead) - lost) / max(ahead, 1.0)
    ahead = min(ahead, max(LENT_AT_LEAST, LENT_SHARE * answered))
    if limit * (answered + 1.0) < 1.0:
        return max(0.0, min(target, STEEPEST * limit)), 0.0
    slack = limit * (answered + SURE_SHARE * ahead) - lost - IN_FLIGHT_RISK * aimed * in_flight
    return max(0.0, min(target, STEEPEST * limit)), max(0.0, min(1.0, (slack - HELD_BACK) / EASE_CALLS))


def _hold(limit: float, aim: float, answered: float, lost: float, in_flight: float) -> tuple[float, float]:
    """(target, ease) for a rate that must hold at every moment: nothing is lent.

    Abandonments come in bunches, so the target keeps some calls of distance: a budget that is always nearly used up
    makes risks start and stop, which costs agents more time than the distance does.
    """
    if limit * (answered + 1.0) < 1.0:
        return limit * aim, 0.0
    ahead = max(LENT_AT_LEAST, answered / 3.0)
    distance = HELD_BACK + EASE_CALLS + math.sqrt(limit * min(answered, 1000.0)) / 2.0
    target = (limit * aim * (answered + ahead) - lost - distance) / ahead
    slack = limit * answered - lost - IN_FLIGHT_RISK * limit * aim * in_flight
    return max(0.0, min(target, STEEPEST * limit)), max(0.0, min(1.0, slack / EASE_CALLS))


def _insert(times: list[float], at: float) -> None:
    if times and at < times[-1]:
        bisect.insort(times, at)
    else:
        times.append(at)


def _remove(times: list[float], at: float) -> bool:
    index = bisect.bisect_left(times, at)
    if index < len(times) and times[index] == at:
        del times[index]
        return True
    return False
