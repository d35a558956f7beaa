"""Claiming leads for a hopper, as SQL inside the caller's transaction.

Owns which leads are handed out and in which order: priority, due time, id. Leads that could not be dialed now
(closed window, person in another call) are not handed out at all, so that no hopper fills with them. Whether a
lead may really be dialed is still the gate's to say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row

from dialer.domain.commands import ClaimLeads
from dialer.domain.events import LeadsClaimed
from dialer.domain.lead import ClaimedLead, LeadState
from dialer.domain.settings import CampaignSettings
from dialer.leads.claiming import next_due_at
from dialer.leads.eligibility import NEVER_OPEN_RETRY_S
from dialer.leads.windows import OpeningTimes
from dialer.store.identity import Identity
from dialer.store.statements import Statements
from routing.intake import Rules
from routing.outbound import rank

LEFT_VALID_S: Final = 5.0
"""How long a count of leads left is used again; it is for people."""


class Claims:
    """Executes ClaimLeads."""

    def __init__(
        self, statements: Statements, me: Identity, campaigns: Mapping[str, CampaignSettings], rules: Rules
    ) -> None:
        self._st = statements
        self._me = me
        self._campaigns = campaigns
        self._rules = rules
        self._openings = {name: OpeningTimes(settings.windows) for name, settings in campaigns.items()}
        self._calls_back = [name for name, settings in campaigns.items() if settings.callbacks is not None]
        self._left: dict[str, tuple[float, int]] = {}

    def claim(self, conn: Connection, command: ClaimLeads, now: float) -> LeadsClaimed:
        """Up to ``count`` leads; when fewer, with the instant at which to ask again."""
        rules = self._campaigns.get(command.campaign)
        names = self._list_names(conn, rules) if rules else {}
        lists = list(names)
        if not lists or command.count <= 0:
            return LeadsClaimed(command.campaign, (), command.count)
        zones = {row.id: tuple(row.zones.split("|")) if row.zones else () for row in conn.execute(self._st.zone_sets)}
        opens = self._opening_times(zones, command.campaign, now)
        conn.execute(self._st.expire, {"p_lists": lists, "p_now": now})
        closed = [zone_set for zone_set, at in opens.items() if at > now]
        rows = self._candidates(conn, lists, closed, command.count, now)
        lease_until = now + command.lease_s
        if rows:
            conn.execute(
                self._st.claim,
                [
                    {
                        "p_lead": row.id,
                        "p_owner": self._me.owner,
                        "p_epoch": self._me.epoch,
                        "p_campaign": command.campaign,
                        "p_lease": lease_until,
                        "p_now": now,
                    }
                    for row in rows
                ],
            )
        known = self._known(conn, [row.person for row in rows], now)
        leads = tuple(
            self._claimed(
                row, command.campaign, names[row.list_id], zones.get(row.zone_set_id, ()), lease_until, known, now
            )
            for row in rows
        )
        if len(leads) >= command.count:
            return LeadsClaimed(command.campaign, leads, command.count, now, self._left_now(conn, command, lists, now))
        due, left = self._look_ahead(conn, lists, opens, now)
        self._left[command.campaign] = (now, left)
        return LeadsClaimed(command.campaign, leads, command.count, due, left)

    def _list_names(self, conn: Connection, rules: CampaignSettings) -> dict[int, str]:
        return {row.id: row.name for row in conn.execute(self._st.list_ids, {"p_names": list(rules.lists)})}

    def _opening_times(
        self, zones: Mapping[int, tuple[str, ...]], campaign: str, now: float
    ) -> dict[int, float]:
        openings = self._openings[campaign]
        return {ident: openings.opens_at(names, now, NEVER_OPEN_RETRY_S) for ident, names in zones.items()}

    def _candidates(
        self, conn: Connection, lists: list[int], closed: list[int], count: int, now: float
    ) -> list[Row[Any]]:
        """The best ``count`` leads of all lists."""
        rows: list[Row[Any]] = []
        for one in lists:
            rows += conn.execute(
                self._st.candidates,
                {
                    "p_list": one,
                    "p_now": now,
                    "p_closed": closed,
                    "p_count": count,
                    "p_calls_back": self._calls_back,
                },
            ).all()
        rows.sort(key=lambda row: (-row.priority, row.due_at, row.id))
        return rows[:count]

    def _known(self, conn: Connection, persons: list[str], now: float) -> dict[str, tuple[str, float]]:
        """Who talked to each of these persons last, by whichever number, and when."""
        if not persons:
            return {}
        since = {"p_persons": persons, "p_since": now - self._rules.own_age_s}
        return {row.person: (row.agent, row.bridged_at) for row in conn.execute(self._st.talked, since)}

    def _left_now(self, conn: Connection, command: ClaimLeads, lists: list[int], now: float) -> int:
        at, left = self._left.get(command.campaign, (float("-inf"), 0))
        if not at <= now <= at + LEFT_VALID_S:
            left = conn.execute(self._st.not_done, {"p_lists": lists}).scalar_one()
            self._left[command.campaign] = (now, left)
        return left

    def _look_ahead(
        self, conn: Connection, lists: list[int], opens: Mapping[int, float], now: float
    ) -> tuple[float | None, int]:
        left = 0
        ready: list[tuple[float, float]] = []
        for zone_set, due_at, count in conn.execute(self._st.ready_by_zones, {"p_lists": lists}):
            ready.append((due_at, opens.get(zone_set, now)))
            left += count
        lease_ends: float | None = None
        dialing = False
        for state, lease_until, count in conn.execute(self._st.held, {"p_lists": lists}):
            left += count
            if state == LeadState.CLAIMED.value:
                lease_ends = lease_until
            else:
                dialing = True
        return next_due_at(now, ready, lease_ends, dialing), left

    def dressed(
        self,
        conn: Connection,
        row: Row[Any],
        campaign: str,
        list_name: str,
        zones: tuple[str, ...],
        lease_until: float,
        now: float,
    ) -> ClaimedLead:
        """A lead's row as the engine gets it."""
        known = self._known(conn, [row.person], now)
        return self._claimed(row, campaign, list_name, zones, lease_until, known, now)

    def _claimed(
        self,
        row: Row[Any],
        campaign: str,
        list_name: str,
        zones: tuple[str, ...],
        lease_until: float,
        known: Mapping[str, tuple[str, float]],
        now: float,
    ) -> ClaimedLead:
        fields = json.loads(row.fields) if row.fields else {}
        agent, at = known.get(row.person, ("", 0.0))
        return ClaimedLead(
            lead_id=row.id,
            campaign=campaign,
            number_id=row.number_id,
            number=row.e164,
            person=row.person,
            attempts=row.attempts,
            lease_until=lease_until,
            name=row.name,
            priority=row.priority,
            fields=fields,
            list_name=list_name,
            last_outcome=row.last_outcome,
            line_type=row.line_type,
            rank=rank(self._rules, row.e164, fields, agent, at, now),
            zones=zones,
        )
