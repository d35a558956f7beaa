"""The hopper of one campaign: claimed leads, in the order they will be dialed.

Owns what the engine holds between claim and gate, and when to ask for more. Must not know how leads are chosen or
stored: the store claims them under a lease, and a lease close to its end is given back rather than dialed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from dialer.domain.lead import ClaimedLead

LEASE_MARGIN_S = 10.0
"""A lead whose lease ends sooner than this is not dialed: the gate would refuse it."""


class Hopper:
    """Claimed leads in order. A lead id is never in it twice. ``version`` tells whether it is what it was.

    ``left`` leads of the campaign's lists are not done, those in here and in calls included; ``told``: the store said
    so, else nobody knows.
    """

    __slots__ = (
        "size", "asking", "asked_at", "exhausted", "ask_again_at", "left", "told", "version", "_leads", "_ids"
    )  # fmt: skip

    def __init__(self, size: int) -> None:
        self.size = size
        self.asking = False
        self.asked_at = 0.0
        self.exhausted = False
        self.ask_again_at = 0.0
        self.left = 0
        self.told = False
        self.version = 0
        self._leads: deque[ClaimedLead] = deque()
        self._ids: set[int] = set()

    def __len__(self) -> int:
        return len(self._leads)

    def wants(self, now: float) -> int:
        """How many leads to claim now: 0 while asking, while above half, or before the store's next due time."""
        if self.asking or len(self._leads) * 2 > self.size or now < self.ask_again_at:
            return 0
        return self.size - len(self._leads)

    def add(self, leads: Iterable[ClaimedLead]) -> list[ClaimedLead]:
        """Append claimed leads; returns those that were in it already (with their new lease taken over)."""
        self.version += 1
        doubles = []
        for lead in leads:
            if lead.lead_id in self._ids:
                self._leads = deque(lead if old.lead_id == lead.lead_id else old for old in self._leads)
                doubles.append(lead)
                continue
            self._ids.add(lead.lead_id)
            self._leads.append(lead)
        return doubles

    def put_back(self, lead: ClaimedLead) -> None:
        """Return a lead that could not be asked for, to the front."""
        if lead.lead_id not in self._ids:
            self.version += 1
            self._ids.add(lead.lead_id)
            self._leads.appendleft(lead)

    def take(self, now: float) -> tuple[ClaimedLead | None, list[ClaimedLead]]:
        """The next lead with enough of its lease left, and the stale ones passed over."""
        self.version += 1
        stale: list[ClaimedLead] = []
        while self._leads:
            lead = self._leads.popleft()
            self._ids.discard(lead.lead_id)
            if lead.lease_until - now > LEASE_MARGIN_S:
                return lead, stale
            stale.append(lead)
        return None, stale

    def peek(self, count: int, now: float) -> tuple[list[ClaimedLead], list[ClaimedLead]]:
        """The next leads, at most ``count``, all with enough of their lease left; and the stale ones taken out."""
        first = list(islice(self._leads, count))
        if all(lead.lease_until - now > LEASE_MARGIN_S for lead in first):
            return first, []
        # Leases end in the order of the claims, so one stale lead seldom comes alone: look through all of them.
        stale = [lead for lead in self._leads if lead.lease_until - now <= LEASE_MARGIN_S]
        self._leads = deque(lead for lead in self._leads if lead.lease_until - now > LEASE_MARGIN_S)
        self._ids.difference_update(lead.lead_id for lead in stale)
        self.version += 1
        return list(islice(self._leads, count)), stale

    def take_at(self, places: Sequence[int]) -> list[ClaimedLead]:
        """Take the leads at these places (as ``peek`` told them) out, in the order of ``places``.

        A place that is not there, or named twice, gives nothing.
        """
        chosen = {place: self._leads[place] for place in places if 0 <= place < len(self._leads)}
        for place in sorted(chosen, reverse=True):
            self._ids.discard(self._leads[place].lead_id)
            del self._leads[place]
        self.version += 1
        return list(chosen.values())

    def clear(self) -> list[ClaimedLead]:
        """Empty it; returns what was in it."""
        self.version += 1
        leads = list(self._leads)
        self._leads.clear()
        self._ids.clear()
        return leads
