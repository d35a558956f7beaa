"""The number that a call showed, and how such numbers were judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("shown", sa.String(length=32), server_default="", nullable=False))
    op.create_table(
        "shown_numbers",
        sa.Column("number", sa.String(length=32), primary_key=True),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("rests", sa.Integer(), nullable=False),
        sa.Column("rests_until", sa.Double(), nullable=False),
        sa.Column("judged_at", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("shown_numbers")
    op.drop_column("attempts", "shown")
