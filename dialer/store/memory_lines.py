"""What is known of the numbers that our calls show, from the store in memory: ``shown_numbers`` without SQL.

Owns nothing but the reading.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from dialer.domain.desk_records import SaveOwnCall
from dialer.domain.lines import DAY_S, LOOK_BACK_S, QUARTER_S, SaveShownNumber, ShownFact
from dialer.domain.outcomes import ANSWERED_BY_PERSON, NOT_ANSWERED_BY_ONE
from dialer.store.memory_rows import MemoryAttempt


def shown_facts(
    attempts: Iterable[MemoryAttempt],
    own_calls: Iterable[SaveOwnCall],
    judged: Mapping[str, SaveShownNumber],
    now: float,
) -> tuple[ShownFact, ...]:
    """A fact for each number, by number. ``now``: UTC epoch seconds."""
    quarters: defaultdict[str, Counter[float]] = defaultdict(Counter)
    dialed: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for attempt in attempts:
        number, at = attempt.opened.shown, attempt.opened.opened_at
        if not number:
            continue
        if at >= now - DAY_S:
            quarters[number][at // QUARTER_S * QUARTER_S] += 1
        since = judged[number].judged_at if number in judged else 0.0
        outcome = None if attempt.closed is None else attempt.closed.outcome
        if at >= max(since, now - LOOK_BACK_S) and outcome in ANSWERED_BY_PERSON | NOT_ANSWERED_BY_ONE:
            dialed[number] += 1
            answered[number] += outcome in ANSWERED_BY_PERSON
    for own in own_calls:
        if own.shown and own.began_at >= now - DAY_S:
            quarters[own.shown][own.began_at // QUARTER_S * QUARTER_S] += 1
    facts = []
    for number in sorted({*judged, *quarters, *dialed}):
        counts = dialed[number], answered[number], tuple(sorted(quarters[number].items()))
        known = judged.get(number, SaveShownNumber(number, "good", 0, 0.0, 0.0))
        rest = known.standing, known.rests, known.rests_until, known.judged_at
        facts.append(ShownFact(number, *rest, *counts, known.reason))
    return tuple(facts)
