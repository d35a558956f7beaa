"""What predictive pacing asks the store: what it learned, the abandon ledger, and features of a lead.

The line types of numbers that are there already stay unknown: they come with the next import.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LAST_OUTCOMES = """
UPDATE leads SET last_outcome = coalesce(
    (SELECT outcome FROM attempts
     WHERE attempts.lead_id = leads.id AND attempts.ended_at IS NOT NULL
     ORDER BY attempts.opened_at DESC, attempts.id DESC LIMIT 1),
    '')
WHERE leads.attempts > 0
"""


def upgrade() -> None:
    op.create_table(
        "pacing_state",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "campaign", name=op.f("pk_pacing_state")),
    )
    op.add_column("leads", sa.Column("last_outcome", sa.String(length=30), server_default="", nullable=False))
    op.add_column("numbers", sa.Column("line_type", sa.String(length=10), server_default="", nullable=False))
    op.create_index("ix_attempts_campaign_opened_at", "attempts", ["campaign", "opened_at"])
    op.create_index(
        "ix_attempts_answered",
        "attempts",
        ["campaign", "answered_at"],
        sqlite_where=sa.text("answered_at IS NOT NULL"),
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )
    op.create_index(
        "ix_attempts_unknown",
        "attempts",
        ["campaign", "ended_at"],
        sqlite_where=sa.text("outcome = 'interrupted'"),
        postgresql_where=sa.text("outcome = 'interrupted'"),
    )
    op.create_index("ix_dispositions_code", "dispositions", ["code", "at"])
    op.execute(sa.text(LAST_OUTCOMES))


def downgrade() -> None:
    op.drop_index("ix_dispositions_code", table_name="dispositions")
    op.drop_index("ix_attempts_unknown", table_name="attempts")
    op.drop_index("ix_attempts_answered", table_name="attempts")
    op.drop_index("ix_attempts_campaign_opened_at", table_name="attempts")
    op.drop_column("numbers", "line_type")
    op.drop_column("leads", "last_outcome")
    op.drop_table("pacing_state")
