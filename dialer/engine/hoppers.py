"""Keeping the campaigns' hoppers filled: asking the store for leads, taking them in, giving them back.

Owns when leads are claimed and released, and the word to people when nothing is due. What is dialed is the pacer's
decision; a hopper's order is ``dialer.leads.hopper``'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from dialer.domain.campaign import CampaignState
from dialer.domain.commands import ClaimLeads, ReleaseLeads
from dialer.domain.events import LeadsClaimed
from dialer.domain.lead import ClaimedLead
from dialer.engine.live import Campaign, Live
from dialer.leads.hopper import LEASE_MARGIN_S

ASK_AGAIN_S = 30.0
"""A list with nothing due is asked again this often, so that imported leads are noticed."""
CLAIM_TIMEOUT_S = 30.0
TELL_AGAIN_S = 300.0


class HopperDesk:
    """Fills and empties hoppers."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def claimed(self, event: LeadsClaimed) -> None:
        """Leads from the store, under a lease."""
        live = self.live
        campaign = live.campaigns.get(event.campaign)
        if campaign is None or campaign.state is CampaignState.STOPPED or live.draining:
            if event.leads:
                ids = tuple(lead.lead_id for lead in event.leads)
                live.emit(ReleaseLeads(event.campaign, ids, "the campaign is not running"))
            if campaign is not None:
                campaign.hopper.asking = False
                live.timers.cancel(("campaign", "claim", campaign.name))
            return
        hopper = campaign.hopper
        hopper.asking = False
        hopper.left, hopper.told = event.left, True
        live.timers.cancel(("campaign", "claim", campaign.name))
        # The store's clock is the wall's, which may have been stepped since ours started: count the lease on ours.
        lease_until = hopper.asked_at + campaign.settings.lease_s
        doubles = hopper.add(replace(lead, lease_until=lease_until) for lead in event.leads)
        if doubles:
            live.counters["leads_claimed_twice"] += len(doubles)
        if len(event.leads) < event.asked:
            again = live.now + ASK_AGAIN_S
            if event.next_due_at is not None:
                again = min(again, max(event.next_due_at, live.now + 1.0))
            hopper.ask_again_at = again
            live.timers.set_by(("campaign", "pace", campaign.name), again)
        hopper.exhausted = len(event.leads) < event.asked
        if hopper.exhausted and not len(hopper):
            self._tell_nothing_due(campaign, event)
        campaign.dirty = True

    def _tell_nothing_due(self, campaign: Campaign, event: LeadsClaimed) -> None:
        """Say why a running campaign dials nothing, now and then: nobody can see it from the outside."""
        live = self.live
        if live.now - campaign.nothing_due_told_at < TELL_AGAIN_S:
            return
        campaign.nothing_due_told_at = live.now
        if event.left == 0:
            why = "its lists have none left: import more, or start with --fresh to forget former attempts"
        elif event.next_due_at is None:
            why = f"{event.left} leads are left and none of them comes due"
        else:
            # Also what a closed calling window looks like: the leads are due when it opens.
            due = datetime.fromtimestamp(event.next_due_at, UTC)
            why = f"{event.left} leads are left, the next is due at {due:%Y-%m-%d %H:%M:%S} UTC"
        live.note("info", "nothing_due", f"campaign {campaign.name}: no lead may be dialed now: {why}")

    def claim_overdue(self, campaign: Campaign) -> None:
        """The store never answered a claim: ask anew."""
        campaign.hopper.asking = False
        campaign.dirty = True
        self.live.counters["claims_overdue"] += 1

    def release(self, campaign: Campaign, reason: str) -> None:
        """Give the whole hopper back to the store."""
        leads = campaign.hopper.clear()
        if leads:
            self.live.emit(ReleaseLeads(campaign.name, tuple(lead.lead_id for lead in leads), reason))
        campaign.hopper.ask_again_at = 0.0

    def refill(self, campaign: Campaign) -> None:
        """Ask the store for leads when there is room for many."""
        live = self.live
        count = campaign.hopper.wants(live.now)
        if count:
            campaign.hopper.asking = True
            campaign.hopper.asked_at = live.now
            live.timers.set(("campaign", "claim", campaign.name), live.now + CLAIM_TIMEOUT_S)
            live.emit(ClaimLeads(campaign.name, count, campaign.settings.lease_s))

    def take(self, campaign: Campaign) -> ClaimedLead | None:
        """The next lead that may be dialed, taken out."""
        lead, stale = campaign.hopper.take(self.live.now)
        self._give_back(campaign, stale)
        return lead

    def peek(self, campaign: Campaign, count: int) -> list[ClaimedLead]:
        """The next leads that may be dialed, left where they are."""
        leads, stale = campaign.hopper.peek(count, self.live.now)
        self._give_back(campaign, stale)
        return leads

    @staticmethod
    def good_until(leads: Sequence[ClaimedLead]) -> float:
        """Until when ``leads`` as peeked may be dialed."""
        return min((lead.lease_until for lead in leads), default=math.inf) - LEASE_MARGIN_S

    def _give_back(self, campaign: Campaign, stale: Sequence[ClaimedLead]) -> None:
        if stale:
            ids = tuple(lead.lead_id for lead in stale)
            self.live.emit(ReleaseLeads(campaign.name, ids, "the lease is about to end"))

    @staticmethod
    def why_empty(campaign: Campaign) -> str:
        """Why a hopper has no lead, in words."""
        state = "nothing is due in its lists" if campaign.hopper.exhausted else "leads are being claimed"
        return f"the hopper is empty, {state}"
