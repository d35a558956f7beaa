"""What is known of recordings: found, counted among what must be looked at, noted. Each on a connection of its own.

Owns the table's reading and the changes after the recording; SaveRecording is ``desk_records``'s. Must not touch a
file: that is ``dialer.soundfiles``.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update

from dialer.domain.desk_records import FAILED, GOING, TO_UPLOAD, WRITTEN
from dialer.store.desk_records import RECORDINGS, spans
from dialer.store.gate import plain
from dialer.store.queries import can_be, connected

INDEXED: Final = "indexed"
DAMAGED: Final = "damaged"
MISSING: Final = "missing"
CHANGED: Final = "changed"
DELETED: Final = "deleted"
STATES: Final = (GOING, TO_UPLOAD, WRITTEN, INDEXED, DAMAGED, MISSING, CHANGED, FAILED, DELETED)
"""It goes on; is to be brought here; nobody looked yet; sound, with checksum; shorter than it was, or no recording; not
there; other bytes than before; refused by the switch; pruned."""
UNSEEN: Final = (TO_UPLOAD, WRITTEN, MISSING)
"""Not looked at, or not there at the last look."""
FILES: Final = tuple(state for state in STATES if state not in (FAILED, DELETED))
"""There is a file, as far as is known."""
PRUNED: Final = tuple(state for state in FILES if state != GOING)
"""What may be deleted when its time is over: not what is being written."""
_AT_A_TIME: Final = 500


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """One recording. ``path`` is the switch's; ``masked`` are spans of silence in seconds from the start, and
    ``masked_at`` where one begins that goes on.
    """

    id: int
    attempt_id: str
    campaign: str
    agent: str
    node: str
    path: str
    started_at: float
    duration_s: float
    masked: tuple[tuple[float, float], ...]
    state: str
    problem: str
    bytes: int | None
    sha256: str
    checked_at: float | None
    deleted_at: float | None
    masked_at: float | None = None


def _made(row: Any) -> StoredRecording:
    masked, masked_at = spans(row.masked)
    return StoredRecording(
        id=row.id,
        attempt_id=row.attempt_id,
        campaign=row.campaign,
        agent=row.agent,
        node=row.node,
        path=row.path,
        started_at=row.started_at,
        duration_s=row.duration_s,
        masked=masked,
        masked_at=masked_at,
        state=row.state,
        problem=row.problem,
        bytes=row.bytes,
        sha256=row.sha256,
        checked_at=row.checked_at,
        deleted_at=row.deleted_at,
    )


def find(
    url: str,
    *,
    campaign: str | None = None,
    agent: str | None = None,
    attempt: str | None = None,
    state: str | None = None,
    since: float | None = None,
    limit: int = 100,
) -> list[StoredRecording]:
    """The newest recordings that fit, newest first. Raises StoreUnavailable, StoreUrlError."""
    query = select(RECORDINGS)
    for column, wanted in (("campaign", campaign), ("agent", agent), ("attempt_id", attempt), ("state", state)):
        if wanted is not None:
            query = query.where(RECORDINGS.c[column] == wanted)
    if since is not None:
        query = query.where(RECORDINGS.c.started_at >= since)
    query = query.order_by(RECORDINGS.c.started_at.desc(), RECORDINGS.c.id.desc()).limit(limit)
    with connected(url) as conn:
        return [_made(row) for row in conn.execute(query)]


def one(url: str, ident: int) -> StoredRecording | None:
    """The recording with this id, None when there is none. Raises StoreUnavailable, StoreUrlError."""
    if not can_be(ident):
        return None
    with connected(url) as conn:
        row = conn.execute(select(RECORDINGS).where(RECORDINGS.c.id == ident)).one_or_none()
        return None if row is None else _made(row)


def in_states(
    url: str, states: Collection[str], before: Mapping[str, float] | None = None
) -> Iterator[StoredRecording]:
    """All recordings in these states, by id; with ``before``, those of its campaigns that started before its times.

    Read in parts: no transaction is open while the caller is at work. Raises StoreUnavailable, StoreUrlError.
    """
    last = 0
    while True:
        query = select(RECORDINGS).where(RECORDINGS.c.id > last, RECORDINGS.c.state.in_(list(states)))
        if before is not None:
            query = query.where(
                RECORDINGS.c.campaign.in_(list(before)), RECORDINGS.c.started_at < max(before.values(), default=0.0)
            )
        with connected(url) as conn:
            rows = conn.execute(query.order_by(RECORDINGS.c.id).limit(_AT_A_TIME)).all()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            if before is None or row.started_at < before[row.campaign]:
                yield _made(row)


def note(
    url: str,
    ident: int,
    state: str,
    *,
    size: int | None = None,
    sha256: str = "",
    seconds: float | None = None,
    problem: str = "",
    now: float | None = None,
) -> None:
    """What a look at the file said. ``seconds`` fills in a length that the switch did not tell; without a size and a
    checksum the former ones are kept. Raises StoreUnavailable, StoreUrlError.
    """
    at = time.time() if now is None else now
    values: dict[str, object] = {"state": state, "problem": plain(problem, 1000), "checked_at": at}
    if size is not None:
        values["bytes"] = size
    if sha256:
        values["sha256"] = sha256
    with connected(url, write=True) as conn:
        conn.execute(update(RECORDINGS).where(RECORDINGS.c.id == ident).values(values))
        if seconds is not None:
            unknown = (RECORDINGS.c.id == ident) & (RECORDINGS.c.duration_s <= 0.0)
            conn.execute(update(RECORDINGS).where(unknown).values(duration_s=seconds))


def note_deleted(url: str, idents: Sequence[int], now: float | None = None) -> None:
    """Their files are gone by our own hand; size and checksum stay as a proof of what there was."""
    at = time.time() if now is None else now
    with connected(url, write=True) as conn:
        for start in range(0, len(idents), _AT_A_TIME):
            part = RECORDINGS.c.id.in_(idents[start : start + _AT_A_TIME])
            conn.execute(update(RECORDINGS).where(part).values(state=DELETED, deleted_at=at))


def known_paths(url: str) -> set[str]:
    """The switch's path of every recording that has a file. Raises StoreUnavailable, StoreUrlError."""
    with connected(url) as conn:
        return set(conn.execute(select(RECORDINGS.c.path).where(RECORDINGS.c.state.in_(FILES))).scalars())
