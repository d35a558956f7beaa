"""What the engine keeps of a call that came in, beside its ``Call``. Owns the record only."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from dialer.domain.follow_me import FollowSettings
from dialer.domain.inbound import ArrivalJudged, Ending, Menu, NumberSettings, Way
from dialer.engine.party_records import Party
from routing.callers import CallerId
from routing.followme import FollowMe

HANDLING_WEIGHT: Final = 0.05
"""How much one call moves what calls of a queue are taken to cost."""


@dataclass(slots=True, eq=False)
class Following:
    """A caller along the plan ``name``, for the agent ``person`` if for one. ``party`` is the phone that is rung or
    asked, ``reason`` how the phone came to be joined, ``answer`` who took the call in the end. The switch lets the
    caller wait ``held_until``."""

    name: str
    settings: FollowSettings
    person: str = ""
    state: FollowMe | None = None
    party: Party | None = None
    began_at: float | None = None
    held_until: float = -math.inf
    reason: str = ""
    answer: str = ""


@dataclass(slots=True, eq=False)
class Arrival:
    """A caller. ``way`` is where they are being sent; ``taken``: we have told the switch to do something with them.

    ``queued_at`` is when they came into the queue at hand, ``first_queued_at`` into the first one. ``digits`` are keyed
    in and not complete. ``ending`` is how the call is going to count, where that is settled before its end.
    """

    number: NumberSettings
    arrived_at: float
    language: str
    home: str = ""  # the queue of the number for callers of their region
    caller: CallerId | None = None
    judged: ArrivalJudged | None = None
    campaign: str = ""  # whose call of ours they return
    taken: bool = False
    way: Way | None = None
    menu: Menu | None = None
    asks_extension: bool = False
    tries: int = 0
    digits: str = ""
    queued_at: float | None = None
    first_queued_at: float | None = None
    greeting_s: float = 0.0  # how long the words of the order at hand take
    offered: bool = False  # the callback
    offered_in: str = ""  # the queue that counts them as offered
    moves: int = 0  # how often a queue has sent them elsewhere
    pending: tuple[Way, Ending] | None = None  # where to, once the order before has been carried out
    person: str = ""  # the agent whom they asked for
    follow: Following | None = None  # somebody's phones are rung for them, or were
    own_limit_s: float = 0.0
    rounds: int = 0  # how often they were told to wait on
    voicemail: str = ""
    recorded_s: float = 0.0
    ending: Ending | None = None
    reason: str = ""
    closes_at: float = 0.0  # last words, or a message, are over by then


@dataclass(slots=True, eq=False)
class QueueCounts:
    """What a queue has done since the start. ``by_tier`` counts by tier and word: offered, the endings, in_target,
    vip, vip_waited, vip_busy, overflowed, and unserved (in a queue, and lost); of callers who wanted an agent and were
    never in a queue, unqueued, unqueued_lost and unqueued_in_target."""

    handling_s: float
    by_tier: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, tier: str, *words: str) -> None:
        """Count some words of one call."""
        self.by_tier.setdefault(tier, Counter()).update(words)

    def handled(self, seconds: float) -> None:
        """A call cost an agent so long."""
        self.handling_s += HANDLING_WEIGHT * (seconds - self.handling_s)

    def sum(self, word: str) -> int:
        """Over all tiers."""
        return sum(counts[word] for counts in self.by_tier.values())
