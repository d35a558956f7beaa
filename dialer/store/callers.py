"""Callers who are to be called back, as leads: the way of a callback, gate and all, needs one.

Owns which lead a caller is, and the making of one who is none yet: it rests in the list ``callers``, so that nobody
dials it but for the callback. Works inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.sql import Executable

from dialer.domain.lead import LeadState
from dialer.domain.settings import CampaignSettings, callers_dialed_by
from dialer.leads.callbacks import CALLED_IN, CALLERS, undialed
from dialer.leads.numbers import line_type, zones_of
from dialer.store.imports import ensure_list_id
from dialer.store.statements import LEADS, NEW_LEAD, NEW_NUMBER, NUMBERS, ZONES, Statements
from dialer.store.statements import parameter as _p


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose wish it is. ``id`` is the attempt, or the call that came in; ``reason`` why nobody dials it, if so."""

    id: str
    lead_id: int
    campaign: str
    number: str
    person: str
    reason: str = ""


class Callers:
    """Executes for one dialect. ``campaigns`` are the configuration's, queues among them."""

    def __init__(self, st: Statements, campaigns: Mapping[str, CampaignSettings]) -> None:
        self._st = st
        self._campaigns = campaigns
        self._known: Executable = (
            select(LEADS.c.id, LEADS.c.person)
            .join(NUMBERS, NUMBERS.c.lead_id == LEADS.c.id)
            .where(NUMBERS.c.e164 == _p("number"))
            .order_by(LEADS.c.changed_at.desc(), LEADS.c.id.desc())
            .limit(1)
        )
        self._new_zones = st.insert_new(ZONES)

    def wishes_of(self, row: Any) -> frozenset[str]:
        """Whose the callbacks of a caller (the call's row) may be: the campaigns' that dial them, else the queue's."""
        both = (row.campaign, "")
        return frozenset(callers_dialed_by(self._campaigns, row.queue, each) or row.queue for each in both)

    def wisher(self, conn: Connection, row: Any, now: float) -> Customer:
        """The caller of a call that came in (its row), as the campaign that dials them must have them."""
        campaign = callers_dialed_by(self._campaigns, row.queue, row.campaign)
        lead_id, person = row.lead_id, row.person
        if not campaign:
            return Customer(row.id, lead_id, row.queue, row.number, person or row.number, undialed(row.queue))
        if not lead_id:
            known = conn.execute(self._known, {"p_number": row.number}).one_or_none()
            lead_id, person = self._make(conn, row.number, now) if known is None else (known.id, known.person)
        return Customer(row.id, lead_id, campaign, row.number, person or row.number)

    def _make(self, conn: Connection, number: str, now: float) -> tuple[int, str]:
        zones = "|".join(zones_of(number))
        conn.execute(self._new_zones, {"zones": zones})
        zone_set = conn.execute(select(ZONES.c.id).where(ZONES.c.zones == zones)).scalar_one()
        lead: dict[str, Any] = dict.fromkeys(
            ("name", "timezone", "language", "tags", "fields", "claimed_by", "claim_epoch", "claim_campaign"), ""
        )
        lead |= {"list_id": ensure_list_id(conn, self._st, CALLERS, now), "person": number, "priority": 0}
        lead |= {"state": LeadState.DONE.value, "reason": CALLED_IN, "due_at": now, "attempts": 0, "position": 1}
        lead |= {"zone_set_id": zone_set, "lease_until": 0.0, "changed_at": now, "last_outcome": ""}
        lead_id: int = conn.execute(NEW_LEAD.returning(LEADS.c.id), lead).scalar_one()
        mine = {"lead_id": lead_id, "position": 1, "e164": number, "zone_set_id": zone_set, "dead_at": None}
        conn.execute(NEW_NUMBER, mine | {"line_type": line_type(number)})
        return lead_id, number
