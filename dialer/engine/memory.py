"""What pacing remembers over a restart: taken from the store at the start, saved now and then and at the end.

Owns what of the store's facts goes where (ledger, saved state, history) and the word on what pacing started from. The
ledger itself is the store's: every attempt is in it. Must not raise for anything that stands in a database.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from dialer.domain.commands import SavePacing
from dialer.domain.events import HistoryRow, PacingFact
from dialer.domain.outcomes import ANSWERED_OUTCOMES, Outcome
from dialer.engine.feed import HOUR_S, Feed
from dialer.engine.live import Live
from pacing.beliefs import PastCall
from pacing.leads import LeadFacts

SAVE_EVERY_S: Final = 60.0
STATE_GOOD_S: Final = 30 * 86400.0
"""A saved state older than this says less than the calls of the history."""
SAME_SHIFT_S: Final = 3600.0
"""A service that comes back sooner than this goes on with its shift."""

_ANSWERED: Final = frozenset(
    outcome.value for outcome in ANSWERED_OUTCOMES - {Outcome.MACHINE, Outcome.MESSAGE_PLAYED}
)
"""By somebody who asked for an agent: pacing takes a machine that was found out for nobody."""
_CUT: Final = frozenset({Outcome.CANCELLED.value, Outcome.SHUTDOWN.value})


class PacingMemory:
    """Restores and saves what the pool of ``feed`` has learnt of the campaigns ``names``."""

    def __init__(self, live: Live, feed: Feed, names: Iterable[str]) -> None:
        self.live = live
        self.feed = feed
        self.names = tuple(names)
        self.shift_at = live.now
        self._saved_changes = 0
        feed.pool.begins_shift(live.now)
        if self.names:
            live.timers.set(("engine", "save"), live.now + SAVE_EVERY_S)

    # ---- at the start --------------------------------------------------------------------------------------

    def recovered(self, facts: Iterable[PacingFact]) -> None:
        """The store's facts of former runs."""
        for fact in facts:
            if fact.campaign in self.live.settings.campaigns:
                self._recover(fact)
        self.feed.pool.begins_shift(self.shift_at)

    def _recover(self, fact: PacingFact) -> None:
        live, pool, name = self.live, self.feed.pool, fact.campaign
        saved = self._saved(fact)
        restored = saved is not None and pool.restore(name, saved)
        if fact.state and not restored:
            text = f"campaign {name}: what pacing saved is unreadable, too old or impossible, and is not used"
            live.note("warning", "pacing_state_refused", text)
        if not restored and fact.history:
            several = len(live.settings.campaigns[name].trunks) > 1
            pool.warm(name, _past_calls(fact.history, several))
        # After the beliefs: how many of the unknown calls were answered is reckoned with them.
        recent = [(at, outcome == Outcome.ABANDONED.value) for at, outcome in fact.answers_recent]
        pool.ledger(name, recent, fact.answers_hourly, fact.unknown)
        answers = len(recent) + sum(answered for _, answered, _ in fact.answers_hourly)
        lost = sum(gone for _, gone in recent) + sum(gone for _, _, gone in fact.answers_hourly)
        if name in self.names:
            explained = pool.explain(name, live.now)
            origin, unknown = _origin(explained), explained["unknown"]
            more = f", and {unknown:.1f} more for calls of which nobody knows" if unknown else ""
            text = f"campaign {name}: pacing starts {origin}; ledger: {lost} of {answers} answers abandoned{more}"
            live.note("info", "pacing_start", text)

    def _saved(self, fact: PacingFact) -> dict[str, Any] | None:
        age = self.live.now - fact.state_at
        if not fact.state or not -SAVE_EVERY_S <= age <= STATE_GOOD_S:
            return None
        try:
            saved = json.loads(fact.state)
        except (ValueError, RecursionError):
            saved = None
        if not isinstance(saved, dict) or not isinstance(saved.get("pool"), dict):
            self.live.counters["pacing_states_unreadable"] += 1
            return None
        shift_at = saved.get("shift_at")
        if not (isinstance(shift_at, int | float) and 0.0 <= shift_at <= fact.state_at + SAVE_EVERY_S):
            self.live.counters["pacing_states_impossible"] += 1
            return None
        if age <= SAME_SHIFT_S:
            self.shift_at = min(self.shift_at, float(shift_at))
        return dict(saved["pool"])

    # ---- later ---------------------------------------------------------------------------------------------

    def save_due(self) -> None:
        """A minute is over."""
        self.live.timers.set(("engine", "save"), self.live.now + SAVE_EVERY_S)
        self.save()

    def save(self) -> None:
        """Save what changed since the last time."""
        if self.feed.changes == self._saved_changes:
            return
        self._saved_changes = self.feed.changes
        for name in self.names:
            state = {"shift_at": self.shift_at, "pool": self.feed.pool.state(name)}
            try:
                text = json.dumps(state, separators=(",", ":"), allow_nan=False)
            except (TypeError, ValueError):
                self.live.counters["pacing_states_unsaved"] += 1
                continue
            self.live.emit(SavePacing(name, text, self.live.now))


def _origin(explained: dict[str, object]) -> str:
    learnt = explained.get("learnt")
    return str(learnt.get("origin", "")) if isinstance(learnt, dict) else ""


def _past_calls(rows: Iterable[HistoryRow], several_lines: bool) -> Iterator[PastCall]:
    """What history tells. An interrupted attempt tells nothing; with several lines, one whose line failed neither."""
    for row in rows:
        if several_lines and row.outcome == Outcome.CARRIER_FAILURE.value and row.rang_at is None:
            continue
        answered = row.outcome in _ANSWERED
        if (not answered and row.outcome == Outcome.INTERRUPTED.value) or not math.isfinite(row.opened_at):
            continue
        hour = int(row.opened_at // HOUR_S) % 24
        lead = LeadFacts(row.list_name, hour, row.attempt_no, row.line_type, row.prior_outcome)
        over_at = row.ended_at if row.answered_at is None else row.answered_at
        talked = row.outcome == Outcome.CONNECTED.value and row.bridged_at is not None
        talk_s = row.ended_at - row.bridged_at if talked and row.bridged_at is not None else None
        yield PastCall(lead, over_at - row.opened_at, answered, not answered and row.outcome in _CUT, talk_s)
