"""The tables, as SQLAlchemy models. Every time is UTC, seconds since 1970, as the engine's clock.

Owns columns and indexes only. A change here needs a migration (``migrations``); a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

BigId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in an INTEGER PRIMARY KEY."""

NUMBER: Final = "number"
PREFIX: Final = "prefix"
"""Kinds of do-not-call entries."""


class Base(DeclarativeBase):
    """All tables of the store."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Meta(Base):
    """Small facts about the database itself, such as the last run of each instance."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Campaign(Base):
    """What operators ordered for a campaign; its settings are in the configuration."""

    __tablename__ = "campaigns"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[float] = mapped_column(Double)


class LeadList(Base):
    """A list of leads, by name."""

    __tablename__ = "lists"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    created_at: Mapped[float] = mapped_column(Double)


class ZoneSet(Base):
    """A set of zones that a call is bound to, shared by all numbers that have it: names joined by ``|``, sorted.

    Empty when nothing is known. A claim judges each set once instead of each lead.
    """

    __tablename__ = "zone_sets"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    zones: Mapped[str] = mapped_column(Text, unique=True)


class Lead(Base):
    """A person to call. ``position`` names the number that is next, ``zone_set_id`` is that number's."""

    __tablename__ = "leads"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"))
    person: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(40))
    priority: Mapped[int] = mapped_column(Integer)
    tags: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)  # JSON object of strings
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    due_at: Mapped[float] = mapped_column(Double)
    attempts: Mapped[int] = mapped_column(Integer)  # rows in attempts
    position: Mapped[int] = mapped_column(Integer)
    zone_set_id: Mapped[int] = mapped_column(ForeignKey("zone_sets.id"))
    claimed_by: Mapped[str] = mapped_column(String(100))
    claim_epoch: Mapped[str] = mapped_column(String(100))
    claim_campaign: Mapped[str] = mapped_column(String(100))
    lease_until: Mapped[float] = mapped_column(Double)
    changed_at: Mapped[float] = mapped_column(Double)
    last_outcome: Mapped[str] = mapped_column(String(30), server_default="")  # of the last attempt that ended

    __table_args__ = (
        # The order of a claim, with what it must look at: it is answered from the index alone.
        Index("ix_leads_claim", "list_id", "state", text("priority DESC"), "due_at", "id", "zone_set_id"),
        Index("ix_leads_person", "person"),
    )


class Number(Base):
    """A number of a lead; ``dead_at`` when it is known that it will never answer."""

    __tablename__ = "numbers"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    e164: Mapped[str] = mapped_column(String(20))
    zone_set_id: Mapped[int] = mapped_column(ForeignKey("zone_sets.id"))
    dead_at: Mapped[float | None] = mapped_column(Double)
    line_type: Mapped[str] = mapped_column(String(10), server_default="")  # empty: unknown

    __table_args__ = (
        Index("uq_numbers_lead_id_position", "lead_id", "position", unique=True),
        Index("ix_numbers_e164", "e164"),
    )


class Attempt(Base):
    """One call to a lead, written and committed before it is dialed. Open while ``ended_at`` is null."""

    __tablename__ = "attempts"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    campaign: Mapped[str] = mapped_column(String(100))
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id"))
    number_id: Mapped[int] = mapped_column(ForeignKey("numbers.id"))
    number: Mapped[str] = mapped_column(String(20))
    person: Mapped[str] = mapped_column(String(200))
    node: Mapped[str] = mapped_column(String(100))
    trunk: Mapped[str] = mapped_column(String(100))
    agent: Mapped[str | None] = mapped_column(String(100))
    owner: Mapped[str] = mapped_column(String(100))
    epoch: Mapped[str] = mapped_column(String(100))
    opened_at: Mapped[float] = mapped_column(Double)
    rang_at: Mapped[float | None] = mapped_column(Double)
    answered_at: Mapped[float | None] = mapped_column(Double)
    bridged_at: Mapped[float | None] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    outcome: Mapped[str | None] = mapped_column(String(30))
    reason: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(String(100))
    sip_status: Mapped[str] = mapped_column(String(40))
    clock_at: Mapped[float | None] = mapped_column(Double)  # of the abandon clock, if later than the answer
    heard: Mapped[str] = mapped_column(String(20), server_default="")  # who answered, or what was announced
    heard_reason: Mapped[str] = mapped_column(Text, server_default="")
    shown: Mapped[str] = mapped_column(String(32), server_default="")  # what the callee saw
    callback: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # dialed for that one; 0: for none
    tier: Mapped[str] = mapped_column(String(100), server_default="")  # the customer's, as it was judged then

    __table_args__ = (
        # One live attempt per person, and per phone, also across dialers and campaigns.
        Index(
            "uq_attempts_live_person",
            "person",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_attempts_live_number",
            "number",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_attempts_lead_id", "lead_id"),
        # Who calls back.
        Index("ix_attempts_number", "number", "opened_at"),
        # Whom a person has talked to.
        Index(
            "ix_attempts_talked",
            "person",
            "bridged_at",
            sqlite_where=text("bridged_at IS NOT NULL"),
            postgresql_where=text("bridged_at IS NOT NULL"),
        ),
        Index("ix_attempts_opened_at", "opened_at"),
        Index("ix_attempts_campaign_opened_at", "campaign", "opened_at"),
        # The abandon ledger at a start: a month of answers, and what nobody knows of.
        Index(
            "ix_attempts_answered",
            "campaign",
            "answered_at",
            sqlite_where=text("answered_at IS NOT NULL"),
            postgresql_where=text("answered_at IS NOT NULL"),
        ),
        Index(
            "ix_attempts_unknown",
            "campaign",
            "ended_at",
            sqlite_where=text("outcome = 'interrupted'"),
            postgresql_where=text("outcome = 'interrupted'"),
        ),
        # The conversations of a day, for quality control.
        Index(
            "ix_attempts_bridged_at",
            "bridged_at",
            sqlite_where=text("bridged_at IS NOT NULL"),
            postgresql_where=text("bridged_at IS NOT NULL"),
        ),
    )


class ShownNumber(Base):
    """How a number that we show was judged beside its peers."""

    __tablename__ = "shown_numbers"
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    standing: Mapped[str] = mapped_column(String(20))
    rests: Mapped[int] = mapped_column(Integer)
    rests_until: Mapped[float] = mapped_column(Double)
    judged_at: Mapped[float] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(String(300), server_default="")


class PacingState(Base):
    """What a dialer's pacing learned of a campaign, as JSON."""

    __tablename__ = "pacing_state"
    owner: Mapped[str] = mapped_column(String(100), primary_key=True)
    campaign: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)


class Agent(Base):
    """An agent's state now. ``rest_state`` is the last of ready and paused, empty when logged out."""

    __tablename__ = "agents"
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20))
    seat: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[float] = mapped_column(Double)
    rest_state: Mapped[str] = mapped_column(String(20))
    rest_reason: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(String(64), server_default="")  # by which the agent called us


class AgentStateLog(Base):
    """Every change of an agent's state."""

    __tablename__ = "agent_state_log"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    agent: Mapped[str] = mapped_column(String(100))
    seat: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)
    attempt_id: Mapped[str | None] = mapped_column(String(64))

    # A line that is sent twice, because the first answer was lost, is one line.
    __table_args__ = (Index("uq_agent_state_log_line", "agent", "at", "state", unique=True),)


class Disposition(Base):
    """An agent's word on an attempt; the last one counts, all are kept."""

    __tablename__ = "dispositions"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)

    __table_args__ = (
        Index("uq_dispositions_word", "attempt_id", "agent", "at", unique=True),
        Index("ix_dispositions_code", "code", "at"),
    )


class DoNotCall(Base):
    """A number or a prefix (E.164 with plus) that is not dialed: for ``campaign``, or for all when that is empty."""

    __tablename__ = "do_not_call"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(20))
    campaign: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Double)
    source: Mapped[str] = mapped_column(String(200), server_default="")  # who said so, in which call

    __table_args__ = (Index("uq_do_not_call_entry", "value", "kind", "campaign", unique=True),)


def table(model: type[Base]) -> Table:
    """The Core table of a model."""
    found = model.__table__
    assert isinstance(found, Table)
    return found
