"""Calls taken for machines' in the store: those that were recorded, what people say of them, and the figures.

Owns the SQL, each call on a connection of its own; drawing and arithmetic are ``domain.machine_checks``'. Samples of
machines lie among those of conversations, with the rule ``machine`` and no agent.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, case, func, select, update

from dialer.domain.hearing import Verdict
from dialer.domain.machine_checks import MACHINE, PERSON, UNSURE, MachineCheck
from dialer.domain.outcomes import Outcome
from dialer.domain.quality import Conversation
from dialer.store.desk_records import QC_MACHINE_CARDS, QC_SAMPLES, RECORDINGS
from dialer.store.gate import plain
from dialer.store.queries import can_be, connected
from dialer.store.recordings import DAMAGED, FILES, MISSING
from dialer.store.statements import ATTEMPTS, DISPOSITIONS

_MACHINES: Final = ATTEMPTS.c.outcome.in_([Outcome.MACHINE.value, Outcome.MESSAGE_PLAYED.value]) & (
    ATTEMPTS.c.heard == Verdict.MACHINE.value
)
_HEARABLE: Final = tuple(state for state in FILES if state not in (MISSING, DAMAGED))


def recorded(url: str, start: float, end: float) -> list[Conversation]:
    """Ended calls taken for machines' that were answered from ``start`` until before ``end`` and can be listened to.

    Raises StoreUnavailable, StoreUrlError.
    """
    query = (
        select(ATTEMPTS.c.id, ATTEMPTS.c.campaign, ATTEMPTS.c.outcome, RECORDINGS.c.duration_s)
        .join(RECORDINGS, RECORDINGS.c.attempt_id == ATTEMPTS.c.id)
        .where(_MACHINES, ATTEMPTS.c.answered_at >= start, ATTEMPTS.c.answered_at < end)
        .where(RECORDINGS.c.agent == "", RECORDINGS.c.state.in_(_HEARABLE))
        .order_by(ATTEMPTS.c.answered_at, ATTEMPTS.c.id)
    )
    with connected(url) as conn:
        return [Conversation(row.id, "", row.campaign, row.duration_s, row.outcome) for row in conn.execute(query)]


def judge(
    url: str, ident: int, who: str, reviewer: str, note: str = "", now: float | None = None
) -> dict[str, Any] | None:
    """File what ``reviewer`` heard in a sample of a machine (``who``: see WHO); None when there is no such sample.

    The last word counts: passed, when it was a machine. Raises like above.
    """
    if not can_be(ident):
        return None
    at = time.time() if now is None else now
    with connected(url, write=True) as conn:
        row = conn.execute(select(QC_SAMPLES).where(QC_SAMPLES.c.id == ident)).one_or_none()
        if row is None or MACHINE not in row.rules.split(","):
            return None
        card = {"sample_id": ident, "reviewer": plain(reviewer, 200), "who": who, "note": plain(note, 10_000), "at": at}
        conn.execute(QC_MACHINE_CARDS.insert(), card)
        state = "passed" if who == MACHINE else "failed"
        conn.execute(update(QC_SAMPLES).where(QC_SAMPLES.c.id == ident).values(state=state))
        return {"sample": ident, "state": state, "who": who}


def measured(url: str, since: float, machines: Collection[str] = ()) -> list[MachineCheck]:
    """Each campaign's figures of calls answered from ``since`` on, by name.

    ``machines`` are the agents' words for machines: who was passed and is called so is not counted. Raises like above.
    """
    with connected(url) as conn:
        recent = ATTEMPTS.c.answered_at >= since
        judged = dict(_by_campaign(conn, select(ATTEMPTS.c.campaign, func.count()).where(recent, _MACHINES)))
        files = (
            select(ATTEMPTS.c.campaign, func.count(func.distinct(ATTEMPTS.c.id)))
            .join(RECORDINGS, RECORDINGS.c.attempt_id == ATTEMPTS.c.id)
            .where(recent, _MACHINES, RECORDINGS.c.agent == "")
        )
        kept = dict(_by_campaign(conn, files))
        passed = _passed(conn, since, machines)
        said = _said(conn, since)
    names = sorted({*judged, *passed, *said})
    return [
        MachineCheck(
            name,
            judged.get(name, 0),
            kept.get(name, 0),
            *said.get(name, (0, 0, 0)),
            passed.get(name, 0),
        )
        for name in names
    ]


def _by_campaign(conn: Connection, query: Any) -> list[tuple[str, int]]:
    return [(name, count) for name, count in conn.execute(query.group_by(ATTEMPTS.c.campaign))]


def _passed(conn: Connection, since: float, machines: Collection[str]) -> dict[str, int]:
    """Answers that somebody listened to and took for a person's, less those whose agent heard a machine at last."""
    last = select(func.max(DISPOSITIONS.c.id)).group_by(DISPOSITIONS.c.attempt_id)
    called = select(DISPOSITIONS.c.attempt_id).where(DISPOSITIONS.c.id.in_(last), DISPOSITIONS.c.code.in_(machines))
    query = select(ATTEMPTS.c.campaign, func.count()).where(
        ATTEMPTS.c.answered_at >= since,
        ATTEMPTS.c.heard.in_([verdict.value for verdict in Verdict]),
        ~_MACHINES,
        ATTEMPTS.c.outcome.is_not(None),
        ATTEMPTS.c.id.not_in(called),
    )
    return dict(_by_campaign(conn, query))


def _said(conn: Connection, since: float) -> dict[str, tuple[int, int, int]]:
    """By campaign: how many were listened to, how many were persons, how many nobody could tell."""
    last = select(func.max(QC_MACHINE_CARDS.c.id)).group_by(QC_MACHINE_CARDS.c.sample_id)
    who = QC_MACHINE_CARDS.c.who
    query = (
        select(
            ATTEMPTS.c.campaign,
            func.count(),
            func.sum(case((who == PERSON, 1), else_=0)),
            func.sum(case((who == UNSURE, 1), else_=0)),
        )
        .join(QC_SAMPLES, QC_SAMPLES.c.id == QC_MACHINE_CARDS.c.sample_id)
        .join(ATTEMPTS, ATTEMPTS.c.id == QC_SAMPLES.c.attempt_id)
        .where(QC_MACHINE_CARDS.c.id.in_(last), ATTEMPTS.c.answered_at >= since)
        .group_by(ATTEMPTS.c.campaign)
    )
    return {name: (count, int(persons), int(unsure)) for name, count, persons, unsure in conn.execute(query)}


def told(check: MachineCheck, configured: float | None) -> dict[str, Any]:
    """A check as data, with what it amounts to and what the configuration says."""
    return {
        **asdict(check),
        "of_machines": check.of_machines,
        "false_positive": check.false_positive,
        "false_positive_at_most": check.false_positive_at_most,
        "configured": configured,
    }
