"""What the records know of a telephone number: its leads, who talked to that person last, what they are as a caller.

Owns the questions behind ``dialer explain route``, each on a connection of its own. Must not judge anybody: what a
customer is to us is ``routing``'s. Runs in the command line's process, never in the daemon.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select

from dialer.domain.inbound import ArrivalJudged, JudgeArrival
from dialer.domain.settings import CampaignSettings
from dialer.store.identity import Identity
from dialer.store.inbound import Inbound
from dialer.store.queries import connected
from dialer.store.statements import LEADS, LISTS, NUMBERS, Statements
from routing.intake import Rules


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a number. ``list_name``: where its lead is, empty when there is none."""

    person: str = ""
    fields: Mapping[str, str] | None = None
    list_name: str = ""
    leads: int = 0
    last_agent: str = ""
    last_talk_at: float = 0.0


def known(url: str, number: str, lists: Sequence[str], since: float) -> Known:
    """What is known of ``number`` (with + and country): the newest lead in ``lists`` (of any list without), and who
    talked to that person from ``since`` (UTC epoch seconds) on. Raises StoreUnavailable, StoreUrlError."""
    with connected(url) as conn:
        query = (
            select(LEADS.c.id, LEADS.c.person, LEADS.c.fields, LISTS.c.name)
            .join(NUMBERS, NUMBERS.c.lead_id == LEADS.c.id)
            .join(LISTS, LISTS.c.id == LEADS.c.list_id)
            .where(and_(NUMBERS.c.e164 == number, *([LISTS.c.name.in_(lists)] if lists else [])))
            .order_by(LEADS.c.id.desc())
        )
        rows = conn.execute(query).all()
        if not rows:
            return Known()
        newest = rows[0]
        whom = {"p_persons": [newest.person], "p_since": since}
        talks = conn.execute(Statements(conn.dialect.name).talked, whom).all()
        agent, at = (talks[-1].agent, talks[-1].bridged_at) if talks else ("", 0.0)
        fields = json.loads(newest.fields) if newest.fields else {}
        return Known(newest.person, fields, newest.name, len(rows), agent, at)


def arriving(url: str, order: JudgeArrival, campaigns: Mapping[str, CampaignSettings], rules: Rules) -> ArrivalJudged:
    """What a caller is to us, by the very judgement that real calls get. Raises StoreUnavailable, StoreUrlError."""
    with connected(url) as conn:
        statements = Statements(conn.dialect.name)
        return Inbound(statements, Identity("explain", "explain"), campaigns, rules).judge(conn, order)
