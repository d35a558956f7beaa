"""Which attempts the abandon ledger counts, as what, and how far back: the words that all stores share.

Owns the definitions (compliance: answered by a person, abandoned) for attempts that have ended, and the hours at which
exact answers become sums. Pure; ``pacing_facts`` says the same in SQL and ``memory_facts`` in dictionaries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings, Mode

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
RECENT_S: Final = 25 * HOUR_S
"""Younger answers are told one by one: a trailing day with an hour to spare."""
HISTORY_ROWS: Final = 3000
"""What the slow filter of the estimators remembers."""
UNKNOWN_ROWS: Final = 5000
"""So many of the newest calls of which nobody knows are told: a dialer that dies leaves some hundred at most."""

PERSON_OUTCOMES: Final = (Outcome.CONNECTED.value, Outcome.ABANDONED.value, Outcome.HUNG_UP_EARLY.value)
MACHINE_OUTCOMES: Final = (Outcome.MACHINE.value, Outcome.MESSAGE_PLAYED.value)


def paced(campaigns: Mapping[str, CampaignSettings]) -> Iterable[CampaignSettings]:
    """The campaigns that call by themselves, by name: no previews, no queues of callers."""
    asked = (Mode.PREVIEW, Mode.INBOUND)
    return (campaigns[name] for name in sorted(campaigns) if campaigns[name].mode not in asked)


def exact_from(now: float) -> float:
    """From when on answers are told one by one: a whole hour, so that every sum before it is of whole hours."""
    return hour_of(now - RECENT_S)


def counted_from(now: float, ledger_days: float) -> float:
    """From when on answers are told at all: a whole hour, and never later than ``exact_from``."""
    return min(hour_of(now - ledger_days * DAY_S), exact_from(now))


def hour_of(at: float) -> float:
    """The start of the UTC hour."""
    return math.floor(at / HOUR_S) * HOUR_S


def counts_as(outcome: str, clock_from: float, bridged_at: float | None, wait_limit_s: float) -> str | None:
    """What an answered attempt counts as: one of PERSON_OUTCOMES, or None for a machine. ``clock_from`` is its
    answer, or where the abandon clock started after that.

    An attempt that was answered and ended otherwise (the dialer died, the service was shut down) was connected if an
    agent came on the line in time, and is abandoned if not: nobody can say better.
    """
    if outcome in MACHINE_OUTCOMES:
        return None
    if outcome in PERSON_OUTCOMES:
        return outcome
    if bridged_at is None or bridged_at - clock_from > wait_limit_s:
        return Outcome.ABANDONED.value
    return Outcome.CONNECTED.value
