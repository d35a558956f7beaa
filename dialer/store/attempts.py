"""Single attempts as the store knows them: for people who ask what became of a call, and why.

Owns the finding by id, by the beginning of one, or by number. Each question is on a connection of its own.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, select

from dialer.store.desk_records import RECORDINGS
from dialer.store.queries import connected
from dialer.store.statements import ATTEMPTS, DISPOSITIONS

LEAST_OF_AN_ID: Final = 6
"""A beginning of an id that is shorter is none."""


def find(url: str, which: str, limit: int = 1) -> list[dict[str, Any]]:
    """The newest attempts, newest first: those with this id, whose id begins so, or to this number (``+…``).

    Each with what agents said of it (``dispositions``) and its ``recordings``. Raises StoreUnavailable, StoreUrlError.
    """
    if which.startswith("+"):
        wanted = ATTEMPTS.c.number == which
    elif len(which) >= LEAST_OF_AN_ID:
        wanted = ATTEMPTS.c.id.startswith(which, autoescape=True)
    else:
        wanted = ATTEMPTS.c.id == which
    query = select(ATTEMPTS).where(wanted).order_by(ATTEMPTS.c.opened_at.desc(), ATTEMPTS.c.id).limit(limit)
    with connected(url) as conn:
        return [_told(conn, row) for row in conn.execute(query).all()]


def _told(conn: Connection, row: Row[Any]) -> dict[str, Any]:
    words = select(DISPOSITIONS.c.agent, DISPOSITIONS.c.code, DISPOSITIONS.c.at)
    said = conn.execute(words.where(DISPOSITIONS.c.attempt_id == row.id).order_by(DISPOSITIONS.c.id)).mappings()
    files = select(RECORDINGS.c.id, RECORDINGS.c.path, RECORDINGS.c.state, RECORDINGS.c.duration_s)
    kept = conn.execute(files.where(RECORDINGS.c.attempt_id == row.id).order_by(RECORDINGS.c.started_at)).mappings()
    mine = {name: value for name, value in row._mapping.items() if name not in ("number_id", "person", "epoch")}
    return {**mine, "dispositions": [dict(each) for each in said], "recordings": [dict(each) for each in kept]}
