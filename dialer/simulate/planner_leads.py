"""The planner's store: hands leads out, lets every attempt through, and can say at the end where each lead is.

Owns the leads' states of one simulated shift. Each lead is dialed at most once; a list without end makes them as they
are asked for. Knows no person: ``People`` says what is known of a lead.
"""

from __future__ import annotations

from collections import deque

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.lead import ClaimedLead
from dialer.simulate.people import People

WITHOUT_END = 1_000_000_000
"""What is said to be left of a list without end."""


class Leads:
    """The leads of one shift, numbered from 1: lead ``n`` is ``People``'s ``n - 1``."""

    def __init__(self, people: People, count: int | None) -> None:
        self._people = people
        self._count = count
        self._issued = 0
        self._back: deque[ClaimedLead] = deque()
        self._claimed: dict[int, ClaimedLead] = {}
        self._dialing: dict[str, ClaimedLead] = {}
        self.given: dict[int, float] = {}
        self.done = 0
        self.odd = 0

    @property
    def left(self) -> int:
        """Leads that are not done, as the real store counts them."""
        return WITHOUT_END if self._count is None else self._count - self.done

    def claim(self, order: cmd.ClaimLeads, now: float) -> ev.LeadsClaimed:
        """The next leads, those given back first."""
        taken: list[ClaimedLead] = []
        while len(taken) < order.count:
            if self._back:
                lead = self._back.popleft()
            elif self._count is None or self._issued < self._count:
                lead = self._make(order.campaign, now + order.lease_s)
            else:
                break
            self._claimed[lead.lead_id] = lead
            taken.append(lead)
        return ev.LeadsClaimed(order.campaign, tuple(taken), order.count, None, self.left)

    def _make(self, campaign: str, lease_until: float) -> ClaimedLead:
        self._issued = number = self._issued + 1
        known = self._people.features(number - 1)
        self.given[number] = known.given
        return ClaimedLead(
            number,
            campaign,
            number,
            f"+1{number:010d}",
            str(number),
            known.attempt,
            lease_until,
            list_name=known.list_name,
            last_outcome=known.last_outcome,
            line_type=known.line_type,
        )

    def release(self, order: cmd.ReleaseLeads) -> None:
        """Leads that were not dialed."""
        for lead_id in order.lead_ids:
            lead = self._claimed.pop(lead_id, None)
            if lead is None:
                self.odd += 1
            else:
                self._back.append(lead)

    def open(self, order: cmd.OpenAttempt) -> ev.AttemptOpened | ev.AttemptRefused:
        """The gate: it lets every claimed lead through, once."""
        lead = self._claimed.pop(order.lead_id, None)
        if lead is None:
            self.odd += 1
            return ev.AttemptRefused(order.attempt_id, "not_claimed", "the lead is not claimed")
        self._dialing[order.attempt_id] = lead
        return ev.AttemptOpened(order.attempt_id)

    def close(self, order: cmd.CloseAttempt) -> None:
        """How an attempt ended: its lead is done, whatever the outcome, unless it goes on on another line."""
        lead = self._dialing.pop(order.attempt_id, None)
        if lead is None or lead.lead_id != order.lead_id:
            self.odd += 1
            return
        if order.again:
            self._claimed[lead.lead_id] = lead
            return
        self.given.pop(lead.lead_id, None)
        self.done += 1

    def unaccounted(self) -> int:
        """Leads that are neither done nor free again: 0 after a shift that has come to its end."""
        return self._issued - self.done - len(self._back) + self.odd
