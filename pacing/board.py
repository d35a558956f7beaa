"""What is in flight on one switch, as arrays that events keep up to date, so that a decision walks no call.

Owns the slots of ringing calls and of agents. Knows no probability and takes no decision. Lookups that miss are
answered with None or False: the caller counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pacing.ring import Array

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Phase(IntEnum):
    """What an agent does, as far as pacing cares. Everything that keeps customers away is AWAY."""

    IDLE = 0
    RESERVED = 1  # a customer is being connected, or a preview rings
    TALKING = 2
    WRAP = 3
    LEAVING = 4  # busy, and will not come back afterwards
    AWAY = 5


class Rings:
    """Ringing calls of one campaign, dense: entry i of each array is one call."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._slot: dict[str, int] = {}
        self._launched = np.zeros(64)
        self._score = np.zeros(64)
        self._rang = np.full(64, np.inf)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, call: str) -> bool:
        return call in self._slot

    @property
    def launched(self) -> Array:
        """When each was launched."""
        return self._launched[: len(self.ids)]

    @property
    def score(self) -> Array:
        """The lead's own part of the logit of its chance."""
        return self._score[: len(self.ids)]

    @property
    def rang(self) -> Array:
        """When each began to ring (first 180 or 183); infinity before."""
        return self._rang[: len(self.ids)]

    def add(self, call: str, launched: float, score: float) -> None:
        """A call is launched."""
        slot = len(self.ids)
        if slot == len(self._launched):
            grown = 2 * slot
            self._launched = np.resize(self._launched, grown)
            self._score = np.resize(self._score, grown)
            self._rang = np.resize(self._rang, grown)
        self.ids.append(call)
        self._slot[call] = slot
        self._launched[slot], self._score[slot], self._rang[slot] = launched, score, np.inf

    def relaunch(self, call: str, at: float) -> None:
        """Its ring age counts from ``at``."""
        if (slot := self._slot.get(call)) is not None:
            self._launched[slot] = at

    def ring(self, call: str, at: float) -> None:
        """The first sign of ringing."""
        slot = self._slot.get(call)
        if slot is not None and self._rang[slot] == np.inf:
            self._rang[slot] = at

    def remove(self, call: str) -> bool:
        """It rings no more; False when it was not here."""
        slot = self._slot.pop(call, None)
        if slot is None:
            return False
        last = len(self.ids) - 1
        moved = self.ids.pop()
        if slot != last:
            self.ids[slot] = moved
            self._slot[moved] = slot
            for column in (self._launched, self._score, self._rang):
                column[slot] = column[last]
        return True


@dataclass(slots=True)
class Seat:
    """One agent's slot."""

    slot: int
    campaigns: frozenset[str]


class Agents:
    """Agents of one switch: phase, since when, whose customer, how fast."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._seats: dict[str, Seat] = {}
        self.phase: Ints = np.zeros(0, dtype=np.int64)
        self.since: Array = np.zeros(0)
        self.speed: Ints = np.zeros(0, dtype=np.int64)
        self.campaign: Ints = np.zeros(0, dtype=np.int64)
        self.members: dict[str, Bools] = {}

    def seat(self, agent: str) -> Seat | None:
        """The agent's slot, if known here."""
        return self._seats.get(agent)

    def put(self, agent: str, campaigns: frozenset[str]) -> Seat:
        """The agent's slot, made when new; ``campaigns`` are those that the agent serves."""
        seat = self._seats.get(agent)
        if seat is None:
            seat = Seat(len(self.names), frozenset())
            self._seats[agent] = seat
            self.names.append(agent)
            self.phase = np.append(self.phase, int(Phase.AWAY))
            self.since = np.append(self.since, 0.0)
            self.speed = np.append(self.speed, 3)
            self.campaign = np.append(self.campaign, -1)
            self.members = {name: np.append(mask, False) for name, mask in self.members.items()}
        if seat.campaigns != campaigns:
            seat.campaigns = campaigns
            for name in campaigns - self.members.keys():
                self.members[name] = np.zeros(len(self.names), dtype=np.bool_)
            for name, mask in self.members.items():
                mask[seat.slot] = name in campaigns
        return seat

    def of(self, campaign: str) -> Bools:
        """Mask of the agents who serve ``campaign``."""
        mask = self.members.get(campaign)
        return np.zeros(len(self.names), dtype=np.bool_) if mask is None else mask
