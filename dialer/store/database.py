"""Engines: from a URL to connections with the durability and the time limits that the store relies on.

Owns the settings of a connection. SQLite: write-ahead log, ``synchronous=FULL`` (a committed attempt survives a
power cut), and every writing transaction immediate, so that two writers wait for each other instead of failing
half-way. PostgreSQL: read committed, with limits on waiting, because a daemon's worker may never hang on a lock.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from dialer.store.errors import StoreUrlError

READ_ONLY: Final = "dialer_read_only"
"""Execution option of a connection that only reads: on SQLite it takes no write lock."""


def parse_url(url: str) -> URL:
    """``url`` with the driver that the store uses. Raises StoreUrlError; the text holds no password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUrlError(
            "not a database URL; expected sqlite:///path/dialer.db or postgresql://user@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StoreUrlError("sqlite needs a file: expected sqlite:///path/dialer.db")
        return parsed.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise StoreUrlError(f"{parsed.drivername!r} is not supported; expected sqlite:///… or postgresql://…")


def make_engine(url: str, *, busy_timeout_s: float = 2.0) -> Engine:
    """An engine without a pool: whoever uses it holds its one connection.

    ``busy_timeout_s`` is how long a statement waits for somebody else's lock before it fails.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=NullPool)
        _prepare_sqlite(engine, busy_timeout_s)
        return engine
    milliseconds = max(1, round(busy_timeout_s * 1000))
    return create_engine(
        parsed,
        poolclass=NullPool,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": 3,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "application_name": "dialer",
            "options": f"-c lock_timeout={milliseconds} -c statement_timeout=60000 -c timezone=UTC",
        },
    )


def read_only(connection: Connection) -> Connection:
    """``connection`` for reading only; call before its first statement."""
    return connection.execution_options(**{READ_ONLY: True})


def _prepare_sqlite(engine: Engine, busy_timeout_s: float) -> None:
    def connected(dbapi_connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN comes too late and is never immediate: we begin ourselves.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={round(busy_timeout_s * 1000)}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    def begun(connection: Connection) -> None:
        reading = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
