"""Setting agents' PINs and ending lock-outs, for the command line: effective at once, beside a running service.

Owns these writes, each on a connection of its own. A PIN is hashed before anything is locked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import delete, select, update

from dialer.store import pins
from dialer.store.desk_records import PINS
from dialer.store.queries import connected
from dialer.store.statements import Statements


def set_pin(url: str, agent: str, pin: str, *, now: float | None = None) -> None:
    """Give an agent a PIN, and end a lock-out. Raises PinError, StoreUnavailable, StoreUrlError."""
    secret = pins.hashed(pins.checked(pin, agent))
    with connected(url, write=True) as conn:
        conn.execute(
            Statements(conn.dialect.name).upsert(PINS, "agent"),
            {
                "agent": agent,
                "salt": secret.salt,
                "hash": secret.hash,
                "params": secret.params,
                "failures": 0,
                "counted_from": 0.0,
                "locks": 0,
                "locked_until": 0.0,
                "updated_at": time.time() if now is None else now,
            },
        )


def unlock(url: str, agents: Sequence[str], *, now: float | None = None) -> list[str]:
    """End the lock-outs of agents and forget their wrong tries; returns those that were locked. Raises like set_pin."""
    at = time.time() if now is None else now
    with connected(url, write=True) as conn:
        mine = PINS.c.agent.in_(agents)
        locked = select(PINS.c.agent).where(mine, PINS.c.locked_until > at).order_by(PINS.c.agent)
        found = list(conn.execute(locked).scalars())
        conn.execute(delete(PINS).where(mine, PINS.c.hash == ""))
        conn.execute(update(PINS).where(mine).values(failures=0, locks=0, locked_until=0.0, updated_at=at))
        return found


def with_pin(url: str) -> list[tuple[str, float]]:
    """Agents who have a PIN, each with the time until which the login is locked (UTC epoch seconds), by name."""
    with connected(url) as conn:
        rows = conn.execute(select(PINS.c.agent, PINS.c.locked_until).where(PINS.c.hash != "").order_by(PINS.c.agent))
        return [(row.agent, row.locked_until) for row in rows]
