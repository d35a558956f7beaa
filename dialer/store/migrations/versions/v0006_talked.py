"""Whom a person has talked to, found by index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    talked = sa.text("bridged_at IS NOT NULL")
    op.create_index(
        "ix_attempts_talked", "attempts", ["person", "bridged_at"], sqlite_where=talked, postgresql_where=talked
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_talked", table_name="attempts")
