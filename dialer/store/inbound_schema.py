"""The table of calls that came in. Times as in ``schema``. Owns columns and indexes only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dialer.store.schema import Base


class InboundCall(Base):
    """A call that came in, written as soon as it is known of. Open while ``ended_at`` is null.

    ``number`` is the caller's, empty where that is not known; ``dialed`` is ours. ``lead_id`` is 0 where nobody is
    known by the number. ``campaign``: whose call of ours they return, empty for none. ``waited_s``: in queues, without
    an agent.
    """

    __tablename__ = "inbound_calls"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str] = mapped_column(String(100))
    trunk: Mapped[str] = mapped_column(String(100))
    number: Mapped[str] = mapped_column(String(20))
    dialed: Mapped[str] = mapped_column(String(40))
    queue: Mapped[str] = mapped_column(String(100))
    person: Mapped[str] = mapped_column(String(200))
    lead_id: Mapped[int] = mapped_column(BigInteger)
    tier: Mapped[str] = mapped_column(String(100))
    vip: Mapped[int] = mapped_column(Integer)  # 0 or 1
    judged: Mapped[str] = mapped_column(Text)  # what the caller is to us, and by which rules
    agent: Mapped[str] = mapped_column(String(100))
    owner: Mapped[str] = mapped_column(String(100))
    epoch: Mapped[str] = mapped_column(String(100))
    arrived_at: Mapped[float] = mapped_column(Double)
    answered_at: Mapped[float | None] = mapped_column(Double)
    queued_at: Mapped[float | None] = mapped_column(Double)
    bridged_at: Mapped[float | None] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    ending: Mapped[str] = mapped_column(String(30))
    reason: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(String(100))
    waited_s: Mapped[float] = mapped_column(Double)
    voicemail: Mapped[str] = mapped_column(String(500))
    campaign: Mapped[str] = mapped_column(String(100), server_default="")

    __table_args__ = (
        Index("ix_inbound_calls_number", "number", "arrived_at"),
        Index("ix_inbound_calls_arrived_at", "arrived_at"),
        Index(
            "ix_inbound_calls_open",
            "owner",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        # Who is on the line.
        Index(
            "ix_inbound_calls_live_person",
            "person",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        # Whom a person has talked to.
        Index(
            "ix_inbound_calls_talked",
            "person",
            "bridged_at",
            sqlite_where=text("bridged_at IS NOT NULL"),
            postgresql_where=text("bridged_at IS NOT NULL"),
        ),
    )
