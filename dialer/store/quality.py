"""Quality control in the store: a day's conversations, samples drawn from them, score cards, tasks from failed ones.

Owns the SQL, each call on a connection of its own; which conversations are drawn is ``domain.quality``'s. A task to
contact a customer again makes their lead ready once more: it is then claimed, judged and dialed like any other, or
as a callback where its campaign dials them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from dialer.domain.callbacks import RECONTACT
from dialer.domain.lead import LeadState
from dialer.domain.machine_checks import MACHINE
from dialer.domain.outcomes import Outcome
from dialer.domain.quality import CRITERIA, Conversation, Drawn, failures
from dialer.leads.eligibility import DNC as DNC_REASON
from dialer.store.desk_records import QC_MACHINE_CARDS, QC_SAMPLES, QC_SCORES, RECORDINGS, callback_row, newest_wish
from dialer.store.gate import plain
from dialer.store.queries import can_be, connected
from dialer.store.statements import (
    ATTEMPTS,
    CALLBACKS,
    CANCELLED,
    DISPOSITIONS,
    LEADS,
    OPEN,
    Statements,
)

PASSED: Final = "passed"
FAILED: Final = "failed"
STATES: Final = (OPEN, PASSED, FAILED)
_AT_A_TIME: Final = 500


@dataclass(frozen=True, slots=True)
class Card:
    """A filled-in score card. ``marks`` has a yes or no for each of the criteria."""

    reviewer: str
    marks: Mapping[str, bool]
    note: str = ""


def conversations(url: str, start: float, end: float, machines: Collection[str] = ()) -> list[Conversation]:
    """Ended conversations that began from ``start`` until before ``end`` (UTC epoch seconds), by time.

    Those that the agent called a machine (a word of ``machines``) are none. Raises StoreUnavailable, StoreUrlError.
    """
    inside = (ATTEMPTS.c.bridged_at >= start, ATTEMPTS.c.bridged_at < end)
    calls = (
        select(ATTEMPTS)
        .where(*inside, ATTEMPTS.c.ended_at.is_not(None), ATTEMPTS.c.agent.is_not(None))
        .order_by(ATTEMPTS.c.bridged_at, ATTEMPTS.c.id)
    )
    words = (
        select(DISPOSITIONS.c.attempt_id, DISPOSITIONS.c.code)
        .join(ATTEMPTS, ATTEMPTS.c.id == DISPOSITIONS.c.attempt_id)
        .where(*inside)
        .order_by(DISPOSITIONS.c.at, DISPOSITIONS.c.id)
    )
    with connected(url) as conn:
        said = {row.attempt_id: row.code for row in conn.execute(words)}
        return [
            Conversation(row.id, row.agent, row.campaign, row.ended_at - row.bridged_at, said.get(row.id, ""))
            for row in conn.execute(calls)
            if said.get(row.id) not in machines
        ]


def save_samples(url: str, day: str, drawn: Sequence[Drawn], now: float | None = None) -> int:
    """Keep samples; those that are there stay as they are. Returns how many are new. Raises like conversations."""
    at = time.time() if now is None else now
    new = 0
    with connected(url, write=True) as conn:
        insert = Statements(conn.dialect.name).insert_new(QC_SAMPLES)
        there = _sampled(conn, [each.conversation.attempt_id for each in drawn])
        for each in drawn:
            talk = each.conversation
            if talk.attempt_id in there:
                continue
            conn.execute(
                insert,
                {
                    "day": day,
                    "attempt_id": talk.attempt_id,
                    "agent": talk.agent,
                    "campaign": talk.campaign,
                    "rules": ",".join(each.rules),
                    "disposition": talk.disposition,
                    "talk_s": talk.talk_s,
                    "state": OPEN,
                    "created_at": at,
                },
            )
            there.add(talk.attempt_id)
            new += 1
    return new


def drawn(url: str, day: str, rule: str) -> set[str]:
    """The attempts of a day's samples that this rule drew. Raises like conversations."""
    query = select(QC_SAMPLES.c.attempt_id, QC_SAMPLES.c.rules).where(QC_SAMPLES.c.day == day)
    with connected(url) as conn:
        return {row.attempt_id for row in conn.execute(query) if rule in row.rules.split(",")}


def _sampled(conn: Connection, attempts: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(attempts), _AT_A_TIME):
        part = QC_SAMPLES.c.attempt_id.in_(attempts[start : start + _AT_A_TIME])
        found.update(conn.execute(select(QC_SAMPLES.c.attempt_id).where(part)).scalars())
    return found


def samples(
    url: str, *, day: str | None = None, agent: str | None = None, state: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """The newest samples that fit, newest first, each with its last card (None: not scored). Raises like above."""
    query = select(QC_SAMPLES)
    for column, wanted in (("day", day), ("agent", agent), ("state", state)):
        if wanted is not None:
            query = query.where(QC_SAMPLES.c[column] == wanted)
    with connected(url) as conn:
        rows = conn.execute(query.order_by(QC_SAMPLES.c.id.desc()).limit(limit)).all()
        cards = _cards(conn, [row.id for row in rows])
        return [_sample(row, cards.get(row.id, ())) for row in rows]


def sample(url: str, ident: int) -> dict[str, Any] | None:
    """A sample with all its cards (``cards``; of a machine ``verdicts``; oldest first) and its recordings, or None.

    Raises like above.
    """
    if not can_be(ident):
        return None
    with connected(url) as conn:
        row = conn.execute(select(QC_SAMPLES).where(QC_SAMPLES.c.id == ident)).one_or_none()
        if row is None:
            return None
        cards = _cards(conn, [ident]).get(ident, [])
        files = conn.execute(
            select(RECORDINGS.c.id, RECORDINGS.c.path, RECORDINGS.c.state, RECORDINGS.c.duration_s)
            .where(RECORDINGS.c.attempt_id == row.attempt_id)
            .order_by(RECORDINGS.c.started_at)
        ).mappings()
        card = QC_MACHINE_CARDS.c
        query = select(card.reviewer, card.who, card.note, card.at).where(card.sample_id == ident).order_by(card.id)
        verdicts = [dict(each) for each in conn.execute(query).mappings()]
        found = {"cards": cards, "verdicts": verdicts, "recordings": [dict(file) for file in files]}
        return {**_sample(row, cards), **found}


def score(
    url: str,
    ident: int,
    card: Card,
    *,
    recontact_after_s: float,
    most_attempts: Mapping[str, int] = {},
    now: float | None = None,
) -> dict[str, Any] | None:
    """File a card; None when there is no such sample of a conversation. A failed one asks for the customer to be
    contacted again.

    The last card counts: one that passes after a failed one takes the task back, unless that is done. The lead is
    dialed again unless it is blocked or the attempts of its campaign (``most_attempts``) are made; a task is done once
    somebody spoke with the customer, and never asked for twice. Returns ``{sample, state, failed, recontact, dialed}``:
    the task's id or None, and whether the lead is going to be dialed by itself. Raises like above.
    """
    if not can_be(ident):
        return None
    at = time.time() if now is None else now
    failed = failures(card.marks)
    with connected(url, write=True) as conn:
        row = conn.execute(select(QC_SAMPLES).where(QC_SAMPLES.c.id == ident)).one_or_none()
        if row is None or MACHINE in row.rules.split(","):
            return None
        marks = {name: int(card.marks[name]) for name in CRITERIA}
        filed = {"sample_id": ident, "reviewer": plain(card.reviewer, 200), "note": plain(card.note, 10_000), "at": at}
        conn.execute(QC_SCORES.insert(), {**filed, **marks})
        state = FAILED if failed else PASSED
        conn.execute(update(QC_SAMPLES).where(QC_SAMPLES.c.id == ident).values(state=state))
        task, dialed = None, False
        if failed:
            why = f"quality control, sample {ident}, not fulfilled: {', '.join(failed)}"
            text = f"{why}. {card.note}" if card.note else why
            due_at = at + recontact_after_s
            task = _recontact(conn, row.attempt_id, text, card.reviewer, at, due_at)
            dialed = task is not None and _ready_again(conn, task, due_at, most_attempts, at)
        else:
            mine = (CALLBACKS.c.attempt_id == row.attempt_id) & (CALLBACKS.c.kind == RECONTACT)
            taken_back = update(CALLBACKS).where(mine, CALLBACKS.c.state == OPEN)
            if conn.execute(taken_back.values(state=CANCELLED, changed_at=at)).rowcount:
                _rest(conn, row.attempt_id, at)
        return {"sample": ident, "state": state, "failed": list(failed), "recontact": task, "dialed": dialed}


def _recontact(conn: Connection, attempt_id: str, note: str, by: str, at: float, due_at: float) -> int | None:
    attempt = conn.execute(select(ATTEMPTS).where(ATTEMPTS.c.id == attempt_id)).one_or_none()
    if attempt is None:
        return None
    conn.execute(
        newest_wish(Statements(conn.dialect.name)), callback_row(attempt, RECONTACT, due_at, note, by, at)
    )
    mine = (CALLBACKS.c.attempt_id == attempt_id) & (CALLBACKS.c.kind == RECONTACT)
    found: int = conn.execute(select(CALLBACKS.c.id).where(mine)).scalar_one()
    return found


def _ready_again(
    conn: Connection, task: int, due_at: float, most_attempts: Mapping[str, int], at: float
) -> bool:
    """Make the lead of an open task ready when it is due, if it rests; whether it is going to be dialed."""
    row = conn.execute(select(CALLBACKS).where(CALLBACKS.c.id == task)).one()
    if row.state != OPEN:
        return False
    most = most_attempts.get(row.campaign)
    may = [LEADS.c.id == row.lead_id, LEADS.c.reason != DNC_REASON]
    if most is not None:
        may.append(LEADS.c.attempts < most)
    rests = LEADS.c.state == LeadState.DONE.value
    ready = {"state": LeadState.READY.value, "reason": RECONTACT, "due_at": due_at, "changed_at": at}
    conn.execute(update(LEADS).where(*may, rests).values(ready))
    found = conn.execute(select(LEADS.c.state).where(*may)).scalar_one_or_none()
    return found is not None and found != LeadState.DONE.value


def _rest(conn: Connection, attempt_id: str, at: float) -> None:
    """The customer need not be called again: a lead that was made ready for that, and not dialed since, rests."""
    lead = select(ATTEMPTS.c.lead_id).where(ATTEMPTS.c.id == attempt_id).scalar_subquery()
    waits = (LEADS.c.state == LeadState.READY.value) & (LEADS.c.last_outcome == Outcome.CONNECTED.value)
    done = {"state": LeadState.DONE.value, "reason": Outcome.CONNECTED.value, "changed_at": at}
    conn.execute(update(LEADS).where(LEADS.c.id == lead, waits, LEADS.c.due_at > at).values(done))


def _cards(conn: Connection, idents: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    cards: dict[int, list[dict[str, Any]]] = {}
    if not idents:
        return cards
    query = select(QC_SCORES).where(QC_SCORES.c.sample_id.in_(idents)).order_by(QC_SCORES.c.id)
    for row in conn.execute(query).mappings():
        marks = {name: bool(row[name]) for name in CRITERIA}
        card = {"reviewer": row["reviewer"], "at": row["at"], **marks, "note": row["note"]}
        cards.setdefault(row["sample_id"], []).append(card)
    return cards


def _sample(row: Row[Any], cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {**row._mapping, "rules": row.rules.split(","), "card": cards[-1] if cards else None}


_HIDDEN: Final = frozenset({"claimed_by", "claim_epoch", "lease_until", "lead_was", "lead_reason"})
"""Columns of callbacks that are the dialers' own business."""


def callbacks(
    url: str,
    *,
    kind: str | None = None,
    agent: str | None = None,
    state: str | None = OPEN,
    ident: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Customers to be called again, the most urgent first, as dictionaries of their columns. Raises like above."""
    query = select(*(column for column in CALLBACKS.columns if column.name not in _HIDDEN))
    for column, wanted in (("kind", kind), ("agent", agent), ("state", state), ("id", ident)):
        if wanted is not None:
            query = query.where(CALLBACKS.c[column] == wanted)
    with connected(url) as conn:
        rows = conn.execute(query.order_by(CALLBACKS.c.due_at, CALLBACKS.c.id).limit(limit))
        return [dict(row) for row in rows.mappings()]
