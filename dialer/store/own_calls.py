"""Agents' own calls as SQL inside the caller's transaction: may a number be called, and the record of a call.

Owns what CheckNumber and SaveOwnCall do. The judgement itself is ``leads.eligibility``'s. Must not change leads: an own
call is nobody's attempt.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, and_, or_, select

from dialer.domain.desk_records import SaveOwnCall
from dialer.domain.phones import CheckNumber, NumberChecked
from dialer.domain.settings import CampaignSettings
from dialer.leads.eligibility import DncHit
from dialer.leads.numbers import prefixes
from dialer.store.answers import number_verdict
from dialer.store.gate import plain
from dialer.store.schema import NUMBER, PREFIX
from dialer.store.statements import DNC, OWN_CALLS, Statements
from dialer.store.statements import parameter as _p


class OwnCalls:
    """Executes the orders for one dialect."""

    def __init__(self, statements: Statements, campaigns: Mapping[str, CampaignSettings]) -> None:
        self._campaigns = campaigns
        self._hits = select(DNC.c.kind, DNC.c.campaign, DNC.c.expires_at).where(
            or_(
                and_(DNC.c.value == _p("number"), DNC.c.kind == NUMBER),
                and_(DNC.c.value.in_(_p("prefixes", many=True)), DNC.c.kind == PREFIX),
            )
        )
        self._save = statements.insert_new(OWN_CALLS)

    def check(self, conn: Connection, command: CheckNumber, now: float) -> NumberChecked:
        """Judge a number by the lists and the campaign's calling hours."""
        rows = conn.execute(self._hits, {"p_number": command.number, "p_prefixes": prefixes(command.number)})
        hits = [DncHit(row.kind == PREFIX, row.campaign, row.expires_at) for row in rows]
        return number_verdict(command, self._campaigns.get(command.campaign), hits, now)

    def save(self, conn: Connection, command: SaveOwnCall) -> None:
        """The record of a call; the same call again is the same record."""
        conn.execute(
            self._save,
            {
                "id": command.ident,
                "agent": command.agent,
                "seat": plain(command.seat, 100),
                "target": plain(command.target, 200),
                "number": plain(command.number, 20),
                "trunk": command.trunk,
                "began_at": command.began_at,
                "answered_at": command.answered_at,
                "ended_at": command.ended_at,
                "reason": plain(command.reason, 200),
                "shown": plain(command.shown, 32),
            },
        )
