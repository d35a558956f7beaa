"""What becomes of a lead after an attempt: when it is due again, or why it is done.

Owns the default pause per outcome and the attempt cap (product.md L5). Pure. A campaign's own rule for an outcome
replaces the default whole. What only the store knows (tries with this outcome, other numbers of the lead) is
passed in or left to the store: see ``Fate.number_dead``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings, RecycleRule

UNLIMITED: Final = RecycleRule(None).max_times
"""A rule's ``max_times`` from here on is none: nobody counts the tries."""

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0

DEFAULTS: Final[Mapping[Outcome, RecycleRule]] = MappingProxyType(
    {
        Outcome.CONNECTED: RecycleRule(None),
        Outcome.MESSAGE_PLAYED: RecycleRule(None),
        # A person whom we left without an agent is not disturbed again the same day.
        Outcome.ABANDONED: RecycleRule(24 * _HOUR),
        Outcome.REJECTED: RecycleRule(24 * _HOUR),
        Outcome.HUNG_UP_EARLY: RecycleRule(4 * _HOUR),
        Outcome.MACHINE: RecycleRule(4 * _HOUR),
        Outcome.NO_ANSWER: RecycleRule(2 * _HOUR),
        Outcome.BUSY: RecycleRule(5 * _MINUTE),
        Outcome.CARRIER_FAILURE: RecycleRule(10 * _MINUTE),
        Outcome.CANCELLED: RecycleRule(10 * _MINUTE),
        Outcome.SHUTDOWN: RecycleRule(10 * _MINUTE),
        # The phone may have rung before the switch died: soon, but not while it still comes and goes.
        Outcome.INTERRUPTED: RecycleRule(1 * _MINUTE),
    }
)
"""Every outcome but those in NUMBER_IS_DEAD."""

NUMBER_IS_DEAD: Final = frozenset({Outcome.INVALID_NUMBER, Outcome.DEAD_NUMBER})
"""The number will never answer: the lead goes on with its next number at once, or is done."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a lead goes. ``after_s`` counts from the end of the attempt and is 0 when ``done``.

    ``number_dead``: the number is not dialed again; the store, which knows the lead's other numbers, makes the
    lead done with ``reason`` when none is left.
    """

    done: bool
    reason: str
    after_s: float
    number_dead: bool = False


def dials_within(seconds: float, campaign: CampaignSettings) -> int:
    """How often a lead that never answers is dialed in so many seconds from now; nobody knows how often it was."""
    rule = campaign.recycle.get(Outcome.NO_ANSWER, DEFAULTS[Outcome.NO_ANSWER])
    most = min(campaign.max_attempts, rule.max_times)
    if rule.after_s is None or not seconds > 0.0:
        return 1
    again = most - 1 if rule.after_s * (most - 1) <= seconds else int(seconds / rule.after_s)
    return 1 + max(0, again)


def after(outcome: Outcome, attempts_made: int, campaign: CampaignSettings, tries_of_outcome: int = 1) -> Fate:
    """The fate of a lead after ``outcome``.

    ``attempts_made`` counts this attempt too, whatever its outcome: an interrupted one may have rung.
    ``tries_of_outcome`` is how often the lead had this outcome, this time included.
    """
    rule = campaign.recycle.get(outcome)
    number_dead = outcome in NUMBER_IS_DEAD and (rule is None or rule.after_s is None)
    if rule is None or number_dead:
        rule = DEFAULTS.get(outcome, RecycleRule(0.0))
    if rule.after_s is None or (not number_dead and tries_of_outcome >= rule.max_times):
        return Fate(True, outcome.value, 0.0)
    if attempts_made >= campaign.max_attempts:
        return Fate(True, "attempts", 0.0, number_dead)
    return Fate(False, outcome.value, rule.after_s, number_dead)
