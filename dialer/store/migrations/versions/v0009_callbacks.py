"""Callbacks that are dialed: when they are wanted, who holds them, what became of them; attempts made for one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ZERO = sa.text("0")


def upgrade() -> None:
    for name, kind, default in (
        ("wanted_at", sa.Double(), _ZERO),
        ("zone", sa.String(length=64), ""),
        ("reason", sa.Text(), ""),
        ("tries", sa.Integer(), _ZERO),
        ("last_attempt", sa.String(length=64), ""),
        ("claimed_by", sa.String(length=100), ""),
        ("claim_epoch", sa.String(length=100), ""),
        ("lease_until", sa.Double(), _ZERO),
        ("lead_was", sa.String(length=20), ""),
        ("lead_reason", sa.Text(), ""),
    ):
        op.add_column("callbacks", sa.Column(name, kind, server_default=default, nullable=False))
    op.execute("UPDATE callbacks SET wanted_at = due_at")
    op.create_index("ix_callbacks_lead", "callbacks", ["lead_id", "state"])
    op.create_index("ix_callbacks_person", "callbacks", ["person", "state"])
    op.add_column("attempts", sa.Column("callback", sa.BigInteger(), server_default=_ZERO, nullable=False))


def downgrade() -> None:
    op.drop_column("attempts", "callback")
    op.drop_index("ix_callbacks_person", table_name="callbacks")
    op.drop_index("ix_callbacks_lead", table_name="callbacks")
    op.execute("UPDATE callbacks SET state = 'open' WHERE state IN ('claimed', 'dialing')")
    op.execute("UPDATE callbacks SET state = 'cancelled' WHERE state = 'failed'")
    for name in (
        "lead_reason", "lead_was", "lease_until", "claim_epoch", "claimed_by", "last_attempt", "tries", "reason",
        "zone", "wanted_at",
    ):  # fmt: skip
        op.drop_column("callbacks", name)
