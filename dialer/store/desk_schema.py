"""Tables of agents' work beside the calls: PINs, callbacks, own calls, recordings, quality control. Times as in
``schema``.

Owns columns and indexes only; the rules of ``schema`` hold here too.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dialer.store.schema import Base, BigId


class AgentPin(Base):
    """An agent's PIN as a hash (``params``: scrypt's n:r:p) and the tries to guess it.

    A row without a hash counts the tries on a name that has no PIN, which must not show.
    """

    __tablename__ = "agent_pins"
    agent: Mapped[str] = mapped_column(String(100), primary_key=True)
    salt: Mapped[str] = mapped_column(String(64))  # hex
    hash: Mapped[str] = mapped_column(String(128))  # hex
    params: Mapped[str] = mapped_column(String(40))
    failures: Mapped[int] = mapped_column(Integer)
    counted_from: Mapped[float] = mapped_column(Double)
    locks: Mapped[int] = mapped_column(Integer)
    locked_until: Mapped[float] = mapped_column(Double)
    updated_at: Mapped[float] = mapped_column(Double)


class Callback(Base):
    """A customer who is to be called again: at their wish (``callback``) or because of a failed check (``recontact``).

    ``agent`` must do it, anyone when empty. One of a kind for an attempt: a new wish replaces the old one.
    ``attempt_id`` is the call in which it was asked for, or ``order-…`` where somebody wrote it down by hand.

    ``wanted_at`` is when the customer is to be called, ``zone`` by whose clock, ``due_at`` when it is tried next;
    ``tries`` calls were made, the last in ``last_attempt``. ``claimed_by``, ``claim_epoch``, ``lease_until``: who
    holds it, as of leads. ``lead_was`` and ``lead_reason`` are what the lead rested from when it was dialed last.
    """

    __tablename__ = "callbacks"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    attempt_id: Mapped[str] = mapped_column(String(64))
    lead_id: Mapped[int] = mapped_column(BigInteger)
    campaign: Mapped[str] = mapped_column(String(100))
    number: Mapped[str] = mapped_column(String(20))
    person: Mapped[str] = mapped_column(String(200))
    agent: Mapped[str] = mapped_column(String(100))
    due_at: Mapped[float] = mapped_column(Double)
    note: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float] = mapped_column(Double)
    state: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[float] = mapped_column(Double)
    wanted_at: Mapped[float] = mapped_column(Double, server_default=text("0"))
    zone: Mapped[str] = mapped_column(String(64), server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")  # why it waits, or how it ended
    tries: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_attempt: Mapped[str] = mapped_column(String(64), server_default="")
    claimed_by: Mapped[str] = mapped_column(String(100), server_default="")
    claim_epoch: Mapped[str] = mapped_column(String(100), server_default="")
    lease_until: Mapped[float] = mapped_column(Double, server_default=text("0"))
    lead_was: Mapped[str] = mapped_column(String(20), server_default="")
    lead_reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        Index("uq_callbacks_attempt", "attempt_id", "kind", unique=True),
        Index("ix_callbacks_due", "state", "due_at"),
        # Whether a lead is promised a call, and what a talk with a person settles.
        Index("ix_callbacks_lead", "lead_id", "state"),
        Index("ix_callbacks_person", "person", "state"),
    )


class OwnCall(Base):
    """A call that an agent placed of their own accord. ``number`` is an outside one, empty for a call inside; it saw
    the number ``shown``."""

    __tablename__ = "own_calls"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    agent: Mapped[str] = mapped_column(String(100))
    seat: Mapped[str] = mapped_column(String(100))
    target: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(20))
    trunk: Mapped[str] = mapped_column(String(100))
    began_at: Mapped[float] = mapped_column(Double)
    answered_at: Mapped[float | None] = mapped_column(Double)
    ended_at: Mapped[float] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(String(200))
    shown: Mapped[str] = mapped_column(String(32), server_default="")

    __table_args__ = (
        Index("ix_own_calls_agent", "agent", "began_at"),
        # Who calls back, and what was shown today.
        Index("ix_own_calls_number", "number", "began_at"),
        Index("ix_own_calls_began_at", "began_at"),
    )


class Recording(Base):
    """A recording's file and what is known of it. ``masked`` is a JSON list of [from, to] in seconds."""

    __tablename__ = "recordings"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String(64))
    campaign: Mapped[str] = mapped_column(String(100))
    agent: Mapped[str] = mapped_column(String(100))
    node: Mapped[str] = mapped_column(String(100))
    leg: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(String(500))
    started_at: Mapped[float] = mapped_column(Double)
    duration_s: Mapped[float] = mapped_column(Double)
    masked: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    problem: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    checked_at: Mapped[float | None] = mapped_column(Double)
    deleted_at: Mapped[float | None] = mapped_column(Double)

    __table_args__ = (
        Index("uq_recordings_path", "node", "path", unique=True),
        Index("ix_recordings_attempt_id", "attempt_id"),
        Index("ix_recordings_started_at", "started_at"),
        Index("ix_recordings_state", "state", "id"),
    )


class QcSample(Base):
    """A conversation to listen to. ``rules`` says why, joined by commas; ``day`` is the day that it belongs to."""

    __tablename__ = "qc_samples"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[str] = mapped_column(String(10))
    attempt_id: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(100))
    campaign: Mapped[str] = mapped_column(String(100))
    rules: Mapped[str] = mapped_column(String(200))
    disposition: Mapped[str] = mapped_column(String(100))
    talk_s: Mapped[float] = mapped_column(Double)
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[float] = mapped_column(Double)

    __table_args__ = (
        Index("uq_qc_samples_attempt_id", "attempt_id", unique=True),
        Index("ix_qc_samples_day", "day", "agent"),
        Index("ix_qc_samples_state", "state", "id"),
    )


class QcScore(Base):
    """A score card: the four criteria, 1 for fulfilled. The last card of a sample counts, all are kept."""

    __tablename__ = "qc_scores"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("qc_samples.id"))
    reviewer: Mapped[str] = mapped_column(String(200))
    right_person: Mapped[int] = mapped_column(Integer)
    understood: Mapped[int] = mapped_column(Integer)
    script: Mapped[int] = mapped_column(Integer)
    consent: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)

    __table_args__ = (Index("ix_qc_scores_sample_id", "sample_id", "id"),)




class QcMachineCard(Base):
    """What somebody heard who listened to a call that was taken for a machine's: ``who`` is person, machine or unsure.

    The last card of a sample counts, all are kept.
    """

    __tablename__ = "qc_machine_cards"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("qc_samples.id"))
    reviewer: Mapped[str] = mapped_column(String(200))
    who: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)

    __table_args__ = (Index("ix_qc_machine_cards_sample_id", "sample_id", "id"),)
