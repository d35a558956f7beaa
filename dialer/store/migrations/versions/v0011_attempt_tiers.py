"""Of which tier the customer of an attempt was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("tier", sa.String(length=100), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("attempts", "tier")
