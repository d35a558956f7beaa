"""Calls that return one of ours: of which campaign, and of which agents' own calls; who is on the line, by person;
why a number of ours rests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbound_calls", sa.Column("campaign", sa.String(length=100), server_default="", nullable=False))
    op.add_column("own_calls", sa.Column("shown", sa.String(length=32), server_default="", nullable=False))
    op.add_column("shown_numbers", sa.Column("reason", sa.String(length=300), server_default="", nullable=False))
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_inbound_calls_live_person",
        "inbound_calls",
        ["person"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_index("ix_own_calls_number", "own_calls", ["number", "began_at"])
    op.create_index("ix_own_calls_began_at", "own_calls", ["began_at"])


def downgrade() -> None:
    op.drop_index("ix_inbound_calls_live_person", table_name="inbound_calls")
    op.drop_index("ix_own_calls_began_at", table_name="own_calls")
    op.drop_index("ix_own_calls_number", table_name="own_calls")
    op.drop_column("shown_numbers", "reason")
    op.drop_column("own_calls", "shown")
    op.drop_column("inbound_calls", "campaign")
