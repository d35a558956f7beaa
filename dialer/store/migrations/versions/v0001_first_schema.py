"""The first schema: lists, leads, numbers, attempts, agents, campaigns, do-not-call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agent_state_log",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("seat", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_state_log")),
    )
    op.create_index("uq_agent_state_log_line", "agent_state_log", ["agent", "at", "state"], unique=True)
    op.create_table(
        "agents",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("seat", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("rest_state", sa.String(length=20), nullable=False),
        sa.Column("rest_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_campaigns")),
    )
    op.create_table(
        "dispositions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispositions")),
    )
    op.create_index("uq_dispositions_word", "dispositions", ["attempt_id", "agent", "at"], unique=True)
    op.create_table(
        "do_not_call",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=20), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_do_not_call")),
    )
    op.create_index("uq_do_not_call_entry", "do_not_call", ["value", "kind", "campaign"], unique=True)
    op.create_table(
        "lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
        sa.UniqueConstraint("name", name=op.f("uq_lists_name")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "zone_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_sets")),
        sa.UniqueConstraint("zones", name=op.f("uq_zone_sets_zones")),
    )
    op.create_table(
        "leads",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("zone_set_id", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(length=100), nullable=False),
        sa.Column("claim_epoch", sa.String(length=100), nullable=False),
        sa.Column("claim_campaign", sa.String(length=100), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_leads_list_id")),
        sa.ForeignKeyConstraint(["zone_set_id"], ["zone_sets.id"], name=op.f("fk_leads_zone_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
    )
    op.create_index(
        "ix_leads_claim",
        "leads",
        ["list_id", "state", sa.text("priority DESC"), "due_at", "id", "zone_set_id"],
    )
    op.create_index("ix_leads_person", "leads", ["person"])
    op.create_table(
        "numbers",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("lead_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("e164", sa.String(length=20), nullable=False),
        sa.Column("zone_set_id", sa.Integer(), nullable=False),
        sa.Column("dead_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["leads.id"], name=op.f("fk_numbers_lead_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["zone_set_id"], ["zone_sets.id"], name=op.f("fk_numbers_zone_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbers")),
    )
    op.create_index("ix_numbers_e164", "numbers", ["e164"])
    op.create_index("uq_numbers_lead_id_position", "numbers", ["lead_id", "position"], unique=True)
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("lead_id", BIG_ID, nullable=False),
        sa.Column("number_id", BIG_ID, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("node", sa.String(length=100), nullable=False),
        sa.Column("trunk", sa.String(length=100), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=True),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("epoch", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("rang_at", sa.Double(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("bridged_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(length=30), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=100), nullable=False),
        sa.Column("sip_status", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_attempts_lead_id")),
        sa.ForeignKeyConstraint(["number_id"], ["numbers.id"], name=op.f("fk_attempts_number_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_lead_id", "attempts", ["lead_id"])
    op.create_index("ix_attempts_opened_at", "attempts", ["opened_at"])
    op.create_index(
        "uq_attempts_live_number",
        "attempts",
        ["number"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_attempts_live_person",
        "attempts",
        ["person"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_attempts_live_person", table_name="attempts")
    op.drop_index("uq_attempts_live_number", table_name="attempts")
    op.drop_index("ix_attempts_opened_at", table_name="attempts")
    op.drop_index("ix_attempts_lead_id", table_name="attempts")
    op.drop_table("attempts")
    op.drop_index("uq_numbers_lead_id_position", table_name="numbers")
    op.drop_index("ix_numbers_e164", table_name="numbers")
    op.drop_table("numbers")
    op.drop_index("ix_leads_claim", table_name="leads")
    op.drop_index("ix_leads_person", table_name="leads")
    op.drop_table("leads")
    op.drop_table("zone_sets")
    op.drop_table("meta")
    op.drop_table("lists")
    op.drop_index("uq_do_not_call_entry", table_name="do_not_call")
    op.drop_table("do_not_call")
    op.drop_index("uq_dispositions_word", table_name="dispositions")
    op.drop_table("dispositions")
    op.drop_table("campaigns")
    op.drop_table("agents")
    op.drop_index("uq_agent_state_log_line", table_name="agent_state_log")
    op.drop_table("agent_state_log")
