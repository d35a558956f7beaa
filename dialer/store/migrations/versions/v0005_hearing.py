"""What was heard on a call, and where its abandon clock started."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("clock_at", sa.Double(), nullable=True))
    op.add_column("attempts", sa.Column("heard", sa.String(length=20), server_default="", nullable=False))
    op.add_column("attempts", sa.Column("heard_reason", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    for name in ("heard_reason", "heard", "clock_at"):
        op.drop_column("attempts", name)
