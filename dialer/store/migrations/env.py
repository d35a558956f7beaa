"""Alembic's entry: runs revisions on the connection that ``upgrade`` opened. Never run by itself."""

from __future__ import annotations

from alembic import context

from dialer.store import desk_schema, inbound_schema  # noqa: F401 (their tables are part of the schema)
from dialer.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
