"""What people say who listened to calls that were taken for machines'."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "qc_machine_cards",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("sample_id", BIG_ID, nullable=False),
        sa.Column("reviewer", sa.String(length=200), nullable=False),
        sa.Column("who", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["qc_samples.id"], name=op.f("fk_qc_machine_cards_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qc_machine_cards")),
    )
    op.create_index("ix_qc_machine_cards_sample_id", "qc_machine_cards", ["sample_id", "id"])


def downgrade() -> None:
    op.drop_table("qc_machine_cards")
