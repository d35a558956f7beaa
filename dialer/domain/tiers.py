"""How tiers are counted, in metrics and reports alike: who was offered to agents, who spoke with one, who was lost.

Owns the three words. A customer is *offered* when they are on the line and want an agent: a person who answered a call
of ours, or a caller who came into a queue or whose person's phones were rung. They are *connected* when they spoke with
one, and *lost* when they were gone without; who left a message or asked to be called back is neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dialer.domain.inbound import Ending
from dialer.domain.outcomes import Outcome
from routing.facts import Direction

LOST_OUT: Final = frozenset({Outcome.ABANDONED, Outcome.HUNG_UP_EARLY})
UNSERVED: Final = "unserved"
"""The word of ``QueueView.by_tier`` for who was in a queue and is lost."""
UNQUEUED: Final = "unqueued"
UNQUEUED_LOST: Final = "unqueued_lost"
UNQUEUED_IN_TARGET: Final = "unqueued_in_target"
"""Its words for who wanted an agent, or was with one, and was in no queue: of no queue's service level."""
DIRECTIONS: Final = (Direction.INBOUND.value, Direction.OUTBOUND.value)


@dataclass(frozen=True, slots=True)
class TierCount:
    """One tier in one direction. ``calls``: dialed, or came in; ``in_target``: of callers, served in their target."""

    tier: str
    direction: str
    calls: int = 0
    offered: int = 0
    connected: int = 0
    lost: int = 0
    in_target: int | None = None

    @property
    def connect_rate(self) -> float | None:
        """Of the offered, who spoke with an agent; None where nobody was offered."""
        return self.connected / self.offered if self.offered else None

    @property
    def loss_rate(self) -> float | None:
        """Of the offered, who was lost."""
        return self.lost / self.offered if self.offered else None


def dialed(tier: str, outcomes: Mapping[str, int]) -> TierCount:
    """Ended attempts, by outcome."""
    connected = outcomes.get(Outcome.CONNECTED.value, 0)
    lost = sum(outcomes.get(outcome.value, 0) for outcome in LOST_OUT)
    return TierCount(tier, Direction.OUTBOUND.value, sum(outcomes.values()), connected + lost, connected, lost)


def called_in(tier: str, words: Mapping[str, int]) -> TierCount:
    """Callers by the words of ``QueueView.by_tier``, of one queue or added up; who was sent on counts once."""
    return TierCount(
        tier,
        Direction.INBOUND.value,
        sum(words.get(ending.value, 0) for ending in Ending),
        words.get("offered", 0) - words.get("overflowed", 0) + words.get(UNQUEUED, 0),
        words.get(Ending.SERVED.value, 0),
        words.get(UNSERVED, 0) + words.get(UNQUEUED_LOST, 0),
        words.get("in_target", 0) + words.get(UNQUEUED_IN_TARGET, 0),
    )
