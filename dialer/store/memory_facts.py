"""What pacing wants to know at a start, from the store in memory: ``pacing_facts`` without SQL.

Owns nothing but the reading; what counts as what is ``ledger``'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from dialer.domain.commands import CloseAttempt, SaveDisposition, SavePacing
from dialer.domain.events import HistoryRow, PacingFact
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.store import ledger
from dialer.store.memory_rows import MemoryAttempt, MemoryLead


def pacing_facts(
    campaigns: Mapping[str, CampaignSettings],
    attempts: Iterable[MemoryAttempt],
    leads: Mapping[int, MemoryLead],
    dispositions: Sequence[SaveDisposition],
    states: Mapping[str, SavePacing],
    now: float,
) -> tuple[PacingFact, ...]:
    """A fact for each campaign that calls by itself, by name. ``now``: UTC epoch seconds."""
    in_order = sorted(attempts, key=lambda a: (a.opened.opened_at, a.opened.attempt_id))
    words: dict[str, SaveDisposition] = {}
    for word in dispositions:
        if word.attempt_id not in words or words[word.attempt_id].at <= word.at:
            words[word.attempt_id] = word
    history = _history(in_order, leads)
    facts = []
    for settings in ledger.paced(campaigns):
        since, cut = ledger.counted_from(now, settings.ledger_days), ledger.exact_from(now)
        mine = [
            (attempt, attempt.closed)
            for attempt in in_order
            if attempt.opened.campaign == settings.name and attempt.closed is not None
        ]
        recent, hourly = _answers(mine, words, settings, since, cut)
        saved = states.get(settings.name)
        facts.append(
            PacingFact(
                campaign=settings.name,
                state=saved.value if saved is not None else "",
                state_at=saved.at if saved is not None else 0.0,
                answers_recent=recent,
                answers_hourly=hourly,
                unknown=_unknown(mine, since),
                history=tuple(history.get(settings.name, ())[-ledger.HISTORY_ROWS :]),
            )
        )
    return tuple(facts)


def _answers(
    attempts: Iterable[tuple[MemoryAttempt, CloseAttempt]],
    words: Mapping[str, SaveDisposition],
    settings: CampaignSettings,
    since: float,
    cut: float,
) -> tuple[tuple[tuple[float, str], ...], tuple[tuple[float, int, int], ...]]:
    recent: list[tuple[float, str, str]] = []
    hourly: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for attempt, closed in attempts:
        at = closed.answered_at
        if at is None or at < since:
            continue
        clock = at if attempt.clock_at is None else attempt.clock_at
        kind = ledger.counts_as(closed.outcome.value, clock, closed.bridged_at, settings.wait_limit_s)
        word = words.get(attempt.opened.attempt_id)
        machine = word is not None and word.code in settings.machine_dispositions and word.at >= since
        if kind is None or machine:
            continue
        if at >= cut:
            recent.append((at, attempt.opened.attempt_id, kind))
        else:
            hourly[ledger.hour_of(at)][0] += 1
            hourly[ledger.hour_of(at)][1] += kind == Outcome.ABANDONED.value
    return (
        tuple((at, kind) for at, _, kind in sorted(recent)),
        tuple((hour, answered, abandoned) for hour, (answered, abandoned) in sorted(hourly.items())),
    )


def _unknown(attempts: Iterable[tuple[MemoryAttempt, CloseAttempt]], since: float) -> tuple[float, ...]:
    ended = sorted(
        closed.ended_at
        for _, closed in attempts
        if closed.outcome is Outcome.INTERRUPTED and closed.answered_at is None and closed.ended_at >= since
    )
    return tuple(ended[-ledger.UNKNOWN_ROWS :])


def _history(in_order: Iterable[MemoryAttempt], leads: Mapping[int, MemoryLead]) -> dict[str, list[HistoryRow]]:
    """Every ended attempt as a row, by campaign; the lead's attempts of all campaigns count."""
    rows: dict[str, list[HistoryRow]] = defaultdict(list)
    made: dict[int, tuple[int, str]] = {}
    for attempt in in_order:
        opened, closed = attempt.opened, attempt.closed
        count, prior = made.get(opened.lead_id, (0, ""))
        made[opened.lead_id] = (count + 1, closed.outcome.value if closed is not None else "")
        if closed is None or opened.callback:
            continue
        lead = leads[opened.lead_id]
        rows[opened.campaign].append(
            HistoryRow(
                opened_at=opened.opened_at,
                rang_at=closed.rang_at,
                answered_at=closed.answered_at,
                bridged_at=closed.bridged_at,
                ended_at=closed.ended_at,
                outcome=closed.outcome.value,
                list_name=lead.list_name,
                attempt_no=count,
                line_type=next((n.line_type for n in lead.numbers if n.number_id == opened.number_id), ""),
                prior_outcome=prior,
            )
        )
    return rows
