"""How many calls that were taken for machines' were persons': which are listened to, and what that amounts to.

Owns the drawing and the arithmetic. Pure. A figure from here is people's word on a centre's own calls; no laboratory's
is. Doubts count as persons.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from dialer.domain.quality import Conversation, Drawn

MACHINE: Final = "machine"
"""The rule of a sample that was drawn because its call was taken for a machine's."""
PERSON: Final = "person"
UNSURE: Final = "unsure"
WHO: Final = (PERSON, MACHINE, UNSURE)
"""What somebody who has listened may say."""
_SURE: Final = 0.95


def draw(day: str, calls: Iterable[Conversation], at_most: int, seed: str, kept: Collection[str] = ()) -> list[Drawn]:
    """For each campaign at most so many of a day's recorded machines, the same ones each time.

    ``kept`` are attempts that were drawn for this day already.
    """

    def turn(call: Conversation) -> tuple[bool, bytes]:
        ident = call.attempt_id
        return ident not in kept, hashlib.sha256(f"{seed}{day}|machine|{ident}".encode()).digest()

    drawn: list[Drawn] = []
    by_campaign: dict[str, list[Conversation]] = {}
    for call in calls:
        by_campaign.setdefault(call.campaign, []).append(call)
    for _, theirs in sorted(by_campaign.items()):
        drawn += [Drawn(call, (MACHINE,)) for call in sorted(theirs, key=turn)[:at_most]]
    return drawn


@dataclass(frozen=True, slots=True)
class MachineCheck:
    """One campaign's figures of a while: calls ``judged`` machines, those ``recorded``, those people ``listened`` to,
    and of these how many they called persons and how many they could not tell; ``passed`` are the answers that were
    taken for persons and were no machines by the agents' word.
    """

    campaign: str
    judged: int
    recorded: int
    listened: int
    persons: int
    unsure: int
    passed: int

    @property
    def of_machines(self) -> float | None:
        """The share of persons among the calls taken for machines'; None while nobody has listened."""
        return (self.persons + self.unsure) / self.listened if self.listened else None

    @property
    def of_machines_at_most(self) -> float | None:
        """The same, with a certainty of 95 %."""
        return upper_bound(self.persons + self.unsure, self.listened) if self.listened else None

    @property
    def false_positive(self) -> float | None:
        """Persons taken for machines for each answer that was passed: what ``pacing.amd_false_positive`` is."""
        return self._of_passed(self.of_machines)

    @property
    def false_positive_at_most(self) -> float | None:
        """The same, with a certainty of 95 %."""
        return self._of_passed(self.of_machines_at_most)

    def _of_passed(self, share: float | None) -> float | None:
        return None if share is None or not self.passed else share * self.judged / self.passed


def upper_bound(hits: int, tries: int) -> float:
    """The share that is not exceeded with a certainty of 95 % (Clopper and Pearson, one side)."""
    if hits >= tries:
        return 1.0
    low, high = hits / tries, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(hits, tries, middle) > 1.0 - _SURE:
            low = middle
        else:
            high = middle
    return high


def _at_most(hits: int, tries: int, share: float) -> float:
    """The chance of at most so many hits."""
    if share <= 0.0 or share >= 1.0:
        return float(share <= 0.0 or hits >= tries)
    log_yes, log_no = math.log(share), math.log1p(-share)
    whole = math.lgamma(tries + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(n + 1) - math.lgamma(tries - n + 1) + n * log_yes + (tries - n) * log_no)
        for n in range(hits + 1)
    )
