"""Migrations of the store's schema, shipped with the program and run by it: ``upgrade(url)``.

Owns bringing a database to this program's schema, in one transaction, also when daemon and command line do it at
once. Raises StoreSchemaError when the database is newer than the program.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from dialer.store.database import make_engine, read_only
from dialer.store.errors import StoreSchemaError, StoreUnavailable

_LOCK = 0x6469616C  # "dial": an arbitrary number that all dialers agree on


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def head() -> str:
    """The revision that this program needs."""
    found = ScriptDirectory.from_config(config()).get_current_head()
    assert found is not None
    return found


def current(connection: Connection) -> str | None:
    """The revision of a database, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(url: str, *, busy_timeout_s: float = 10.0) -> str:
    """Bring the database at ``url`` to ``head()`` and return it. Nothing is written when it is there already.

    Raises StoreSchemaError, StoreUrlError, or StoreUnavailable when the database cannot be used now.
    """
    engine = make_engine(url, busy_timeout_s=busy_timeout_s)
    try:
        return _upgrade(engine)
    except CommandError as error:
        raise StoreSchemaError(
            f"the database's schema is newer than this program, or not its own: {error}"
        ) from None
    except DBAPIError as error:
        raise StoreUnavailable(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()


def _upgrade(engine: Engine) -> str:
    wanted = head()
    with engine.connect() as connection:
        if current(read_only(connection)) == wanted:
            return wanted
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(config(connection), "head")
    return wanted
