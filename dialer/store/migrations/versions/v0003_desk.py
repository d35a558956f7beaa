"""Agents on phones: PINs and the line that an agent called in by, callbacks, recordings, quality control.

What is on the do-not-call list already has no source.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("agents", sa.Column("line", sa.String(length=64), server_default="", nullable=False))
    op.add_column("do_not_call", sa.Column("source", sa.String(length=200), server_default="", nullable=False))
    op.create_table(
        "agent_pins",
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=128), nullable=False),
        sa.Column("params", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("counted_from", sa.Double(), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_agent_pins")),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index("uq_callbacks_attempt", "callbacks", ["attempt_id", "kind"], unique=True)
    op.create_index("ix_callbacks_due", "callbacks", ["state", "due_at"])
    op.create_table(
        "recordings",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("node", sa.String(length=100), nullable=False),
        sa.Column("leg", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.Double(), nullable=True),
        sa.Column("deleted_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
    )
    op.create_index("uq_recordings_path", "recordings", ["node", "path"], unique=True)
    op.create_index("ix_recordings_attempt_id", "recordings", ["attempt_id"])
    op.create_index("ix_recordings_started_at", "recordings", ["started_at"])
    op.create_index("ix_recordings_state", "recordings", ["state", "id"])
    op.create_table(
        "qc_samples",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("rules", sa.String(length=200), nullable=False),
        sa.Column("disposition", sa.String(length=100), nullable=False),
        sa.Column("talk_s", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qc_samples")),
    )
    op.create_index("uq_qc_samples_attempt_id", "qc_samples", ["attempt_id"], unique=True)
    op.create_index("ix_qc_samples_day", "qc_samples", ["day", "agent"])
    op.create_index("ix_qc_samples_state", "qc_samples", ["state", "id"])
    op.create_table(
        "qc_scores",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("sample_id", BIG_ID, nullable=False),
        sa.Column("reviewer", sa.String(length=200), nullable=False),
        sa.Column("right_person", sa.Integer(), nullable=False),
        sa.Column("understood", sa.Integer(), nullable=False),
        sa.Column("script", sa.Integer(), nullable=False),
        sa.Column("consent", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["qc_samples.id"], name=op.f("fk_qc_scores_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qc_scores")),
    )
    op.create_index("ix_qc_scores_sample_id", "qc_scores", ["sample_id", "id"])
    # The conversations of a day, for quality control.
    op.create_index(
        "ix_attempts_bridged_at",
        "attempts",
        ["bridged_at"],
        sqlite_where=sa.text("bridged_at IS NOT NULL"),
        postgresql_where=sa.text("bridged_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_bridged_at", table_name="attempts")
    for name in ("qc_scores", "qc_samples", "recordings", "callbacks", "agent_pins"):
        op.drop_table(name)
    op.drop_column("do_not_call", "source")
    op.drop_column("agents", "line")
