"""Calls that come in, and attempts found by the number that was called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound_calls",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=100), nullable=False),
        sa.Column("trunk", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("dialed", sa.String(length=40), nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("tier", sa.String(length=100), nullable=False),
        sa.Column("vip", sa.Integer(), nullable=False),
        sa.Column("judged", sa.Text(), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("epoch", sa.String(length=100), nullable=False),
        sa.Column("arrived_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("queued_at", sa.Double(), nullable=True),
        sa.Column("bridged_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ending", sa.String(length=30), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=100), nullable=False),
        sa.Column("waited_s", sa.Double(), nullable=False),
        sa.Column("voicemail", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_calls")),
    )
    op.create_index("ix_inbound_calls_number", "inbound_calls", ["number", "arrived_at"])
    op.create_index("ix_inbound_calls_arrived_at", "inbound_calls", ["arrived_at"])
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_inbound_calls_open", "inbound_calls", ["owner"], sqlite_where=still_open, postgresql_where=still_open
    )
    talked = sa.text("bridged_at IS NOT NULL")
    op.create_index(
        "ix_inbound_calls_talked",
        "inbound_calls",
        ["person", "bridged_at"],
        sqlite_where=talked,
        postgresql_where=talked,
    )
    op.create_index("ix_attempts_number", "attempts", ["number", "opened_at"])


def downgrade() -> None:
    op.drop_index("ix_attempts_number", table_name="attempts")
    op.drop_table("inbound_calls")
