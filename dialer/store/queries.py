"""Questions about the whole store, for summaries and tools, each on a connection of its own.

Owns the accounting: every lead in one known state, every attempt ended with one outcome, every counter right.
Runs in the command line's or a one-shot job's process, never in the daemon.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, exists, false, func, not_, or_, select, true
from sqlalchemy.exc import DBAPIError

from dialer.domain.lead import LeadState
from dialer.domain.outcomes import Outcome
from dialer.store.database import make_engine, read_only
from dialer.store.desk_records import QC_MACHINE_CARDS, QC_SAMPLES, QC_SCORES, RECORDINGS
from dialer.store.errors import StoreUnavailable
from dialer.store.imports import BUSY_TIMEOUT_S, ensure_list_id
from dialer.store.statements import (
    AGENT_LOG,
    AGENTS,
    ATTEMPTS,
    CALLBACKS,
    CAMPAIGNS,
    DISPOSITIONS,
    DNC,
    INBOUND,
    LEADS,
    LISTS,
    META,
    NUMBERS,
    PACING,
    Statements,
)

LARGEST_ID: Final = 2**63 - 1


@contextmanager
def connected(url: str, *, write: bool = False) -> Iterator[Connection]:
    """A transaction on a connection of its own, to read in unless ``write``. Raises StoreUnavailable, StoreUrlError."""
    engine = make_engine(url, busy_timeout_s=BUSY_TIMEOUT_S)
    try:
        with engine.connect() as conn:
            if not write:
                read_only(conn)
            with conn.begin():
                yield conn
    except DBAPIError as error:
        raise StoreUnavailable(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()


def summary(url: str, since: float = 0.0, owner: str | None = None) -> dict[str, Any]:
    """Counts for the end of a shift: attempts opened from ``since`` (UTC epoch seconds) on, and all leads.

    With an ``owner`` (a dialer's instance name) only its attempts count, and leads that another dialer on the same
    database holds or dials at the moment are not called unaccounted.

    ``settled_from_earlier``: outcomes of attempts that a former run opened and that ended from ``since`` on.
    ``outcomes`` holds every outcome by name; with ``attempts_open`` they sum to ``attempts``. ``unaccounted`` says
    what ``leads_unaccounted`` is made of; a lead with two faults counts once. Times in seconds, rates 0–1.
    Raises StoreUnavailable, StoreUrlError.
    """
    with connected(url) as conn:
        mine = true() if owner is None else ATTEMPTS.c.owner == owner
        recent = and_(ATTEMPTS.c.opened_at >= since, mine)
        earlier = and_(ATTEMPTS.c.opened_at < since, ATTEMPTS.c.ended_at >= since, mine)
        by_outcome: dict[str | None, int] = dict(
            conn.execute(select(ATTEMPTS.c.outcome, func.count()).where(recent).group_by(ATTEMPTS.c.outcome)).all()
        )
        still_open = by_outcome.pop(None, 0)
        outcomes = {outcome.value: by_outcome.get(outcome.value, 0) for outcome in Outcome}
        outcomes |= {str(name): count for name, count in by_outcome.items() if name not in outcomes}
        answered, talked, talk_s = conn.execute(
            select(
                func.count(ATTEMPTS.c.answered_at),
                func.count(ATTEMPTS.c.bridged_at),
                func.coalesce(func.sum(ATTEMPTS.c.ended_at - ATTEMPTS.c.bridged_at), 0.0),
            ).where(recent)
        ).one()
        by_state = select(LEADS.c.state, func.count()).group_by(LEADS.c.state)
        leads: dict[str, int] = dict(conn.execute(by_state).all())
        unaccounted, why = _unaccounted(conn, owner)
        return {
            "attempts": still_open + sum(by_outcome.values()),
            "attempts_open": still_open,
            "answered": answered,
            "connected": outcomes[Outcome.CONNECTED.value],
            "abandoned": outcomes[Outcome.ABANDONED.value],
            "abandon_rate": outcomes[Outcome.ABANDONED.value] / answered if answered else 0.0,
            "outcomes": outcomes,
            "settled_from_earlier": dict(
                conn.execute(select(ATTEMPTS.c.outcome, func.count()).where(earlier).group_by(ATTEMPTS.c.outcome)).all()
            ),
            "bridged": talked,
            "talk_s": float(talk_s),
            "leads_total": sum(leads.values()),
            "leads": leads,
            "leads_due": conn.execute(
                select(func.count()).where(LEADS.c.state == LeadState.READY.value, LEADS.c.due_at <= time.time())
            ).scalar_one(),
            "leads_unaccounted": unaccounted,
            "unaccounted": why,
            "inbound": _inbound(conn, since, owner),
            "dispositions": conn.execute(
                select(func.count()).select_from(DISPOSITIONS).where(DISPOSITIONS.c.at >= since)
            ).scalar_one(),
            "do_not_call": conn.execute(select(func.count()).select_from(DNC)).scalar_one(),
        }


def _inbound(conn: Connection, since: float, owner: str | None) -> dict[str, int]:
    """Calls that came in from ``since`` on, by how they ended; those that are open still are ``open``."""
    mine = true() if owner is None else INBOUND.c.owner == owner
    counted = select(INBOUND.c.ending, func.count()).where(INBOUND.c.arrived_at >= since, mine)
    return {ending or "open": count for ending, count in conn.execute(counted.group_by(INBOUND.c.ending))}


def _unaccounted(conn: Connection, owner: str | None) -> tuple[int, dict[str, int]]:
    """Leads about which the store cannot say where they are, once nothing is being dialed."""
    attempts_of_lead = (
        select(func.count()).where(ATTEMPTS.c.lead_id == LEADS.c.id).correlate(LEADS).scalar_subquery()
    )
    mine = true() if owner is None else ATTEMPTS.c.owner == owner
    others = false() if owner is None else ATTEMPTS.c.owner != owner
    is_open = (ATTEMPTS.c.lead_id == LEADS.c.id, ATTEMPTS.c.ended_at.is_(None))
    open_attempt = exists(select(ATTEMPTS.c.id).where(*is_open, mine))
    dialed_by_others = exists(select(ATTEMPTS.c.id).where(*is_open, others))
    held_by_others = false() if owner is None else LEADS.c.claimed_by != owner
    without_outcome = exists(
        select(ATTEMPTS.c.id).where(
            ATTEMPTS.c.lead_id == LEADS.c.id,
            ATTEMPTS.c.ended_at.is_not(None),
            or_(ATTEMPTS.c.outcome.is_(None), ATTEMPTS.c.outcome.not_in([o.value for o in Outcome])),
        )
    )
    faults = {
        "claimed": and_(LEADS.c.state == LeadState.CLAIMED.value, not_(held_by_others)),
        "dialing": and_(LEADS.c.state == LeadState.DIALING.value, not_(dialed_by_others)),
        "unknown_state": LEADS.c.state.not_in([s.value for s in LeadState]),
        "open_attempt": open_attempt,
        "ended_without_outcome": without_outcome,
        "wrong_attempt_count": LEADS.c.attempts != attempts_of_lead,
        "done_without_reason": and_(LEADS.c.state == LeadState.DONE.value, LEADS.c.reason == ""),
    }
    why = {
        name: conn.execute(select(func.count()).select_from(LEADS).where(fault)).scalar_one()
        for name, fault in faults.items()
    }
    if not any(why.values()):
        return 0, why
    total: int = conn.execute(select(func.count()).select_from(LEADS).where(or_(*faults.values()))).scalar_one()
    return total, why


def can_be(ident: int) -> bool:
    """Whether a row may have this id; a larger number is not even a question that a database takes."""
    return 0 < ident <= LARGEST_ID


def ensure_list(url: str, name: str) -> None:
    """Make the list called ``name`` unless it is there. Raises StoreUnavailable, StoreUrlError."""
    with connected(url, write=True) as conn:
        ensure_list_id(conn, Statements(conn.dialect.name), name, time.time())


def list_size(url: str, name: str) -> int:
    """How many leads the list called ``name`` has; 0 when there is no such list."""
    with connected(url) as conn:
        found: int = conn.execute(
            select(func.count()).select_from(LEADS.join(LISTS)).where(LISTS.c.name == name)
        ).scalar_one()
        return found


def note(url: str, key: str, value: str) -> None:
    """Keep a word under ``key`` (at most 100 characters) in the store's own notes."""
    with connected(url, write=True) as conn:
        conn.execute(Statements(conn.dialect.name).save_meta, {"key": key[:100], "value": value})


def noted(url: str, key: str) -> str:
    """What ``note`` kept under ``key``; empty when nothing."""
    with connected(url) as conn:
        found: str | None = conn.execute(select(META.c.value).where(META.c.key == key[:100])).scalar_one_or_none()
        return found or ""


def lists(url: str) -> list[dict[str, Any]]:
    """Every list with its leads by state: ``{name, created_at, leads, states}``."""
    with connected(url) as conn:
        made: dict[str, dict[str, Any]] = {
            name: {"name": name, "created_at": at, "leads": 0, "states": {}}
            for name, at in conn.execute(select(LISTS.c.name, LISTS.c.created_at).order_by(LISTS.c.name))
        }
        counts = (
            select(LISTS.c.name, LEADS.c.state, func.count())
            .select_from(LEADS.join(LISTS))
            .group_by(LISTS.c.name, LEADS.c.state)
        )
        for name, state, count in conn.execute(counts):
            made[name]["leads"] += count
            made[name]["states"][state] = count
        return list(made.values())


def attempts(url: str, since: float = 0.0) -> Sequence[dict[str, Any]]:
    """Attempts opened from ``since`` on, oldest first, as dictionaries of their columns. For tests and exports."""
    with connected(url) as conn:
        rows = conn.execute(
            select(ATTEMPTS).where(ATTEMPTS.c.opened_at >= since).order_by(ATTEMPTS.c.opened_at, ATTEMPTS.c.id)
        )
        return [dict(row) for row in rows.mappings()]


def wipe(url: str) -> None:
    """Forget leads, attempts and what hangs on them, agents', campaigns' and pacing's states.

    Lists' names, do-not-call entries and PINs stay, and so do recordings' files.
    """
    with connected(url, write=True) as conn:
        of_attempts = (QC_SCORES, QC_MACHINE_CARDS, QC_SAMPLES, CALLBACKS, RECORDINGS, DISPOSITIONS)
        for target in (*of_attempts, INBOUND, ATTEMPTS, NUMBERS, LEADS, AGENT_LOG, AGENTS, CAMPAIGNS, PACING):
            conn.execute(delete(target))
