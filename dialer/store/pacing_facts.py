"""What pacing wants to know at a start, as SQL: the abandon ledger, the last attempts, and what it had learned.

Owns these questions only, on a connection that just reads. Sums are made by the database and rows are bounded, because
the dialer waits for the answer. What counts as what is ``ledger``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, and_, case, cast, exists, func, literal, or_, select
from sqlalchemy.sql import ColumnElement, Executable

from dialer.domain.events import HistoryRow, PacingFact
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.store import ledger
from dialer.store.statements import ATTEMPTS, DISPOSITIONS, LEADS, LISTS, NUMBERS, PACING, parameter


class PacingFacts:
    """Reads a PacingFact for each campaign that calls by itself."""

    def __init__(self, dialect: str, owner: str, campaigns: Mapping[str, CampaignSettings]) -> None:
        self._owner = owner
        self._campaigns = campaigns
        self._state = select(PACING.c.value, PACING.c.at).where(
            PACING.c.owner == parameter("owner"), PACING.c.campaign == parameter("campaign")
        )
        self._recent = _recent(dialect)
        self._hourly = _hourly(dialect)
        self._unknown = _unknown()
        self._history = _history()

    def read(self, conn: Connection, now: float) -> tuple[PacingFact, ...]:
        """The facts, by campaign. ``now``: UTC epoch seconds."""
        return tuple(self._of(conn, settings, now) for settings in ledger.paced(self._campaigns))

    def _of(self, conn: Connection, settings: CampaignSettings, now: float) -> PacingFact:
        bound = {
            "p_campaign": settings.name,
            "p_since": ledger.counted_from(now, settings.ledger_days),
            "p_cut": ledger.exact_from(now),
            "p_limit": settings.wait_limit_s,
            "p_codes": list(settings.machine_dispositions),
        }
        named = {"p_campaign": settings.name}
        state = conn.execute(self._state, {**named, "p_owner": self._owner}).one_or_none()
        recent = tuple((row.answered_at, row.kind) for row in conn.execute(self._recent, bound))
        hourly = tuple(
            (row.hour * ledger.HOUR_S, int(row.answered), int(row.abandoned))
            for row in conn.execute(self._hourly, bound)
        )
        unknown = tuple(conn.execute(self._unknown, {**named, "p_since": bound["p_since"]}).scalars())[::-1]
        history = tuple(HistoryRow(*row) for row in conn.execute(self._history, named))
        return PacingFact(
            campaign=settings.name,
            state=state.value if state is not None else "",
            state_at=state.at if state is not None else 0.0,
            answers_recent=recent,
            answers_hourly=hourly,
            unknown=unknown,
            history=history,
        )


def machine_words() -> Any:
    """Attempts whose last disposition is one of ``p_codes``, given at ``p_since`` or later."""
    later = DISPOSITIONS.alias("later")
    after = or_(later.c.at > DISPOSITIONS.c.at, and_(later.c.at == DISPOSITIONS.c.at, later.c.id > DISPOSITIONS.c.id))
    return select(DISPOSITIONS.c.attempt_id).where(
        DISPOSITIONS.c.code.in_(parameter("codes", many=True)),
        DISPOSITIONS.c.at >= parameter("since"),
        ~exists(select(later.c.id).where(later.c.attempt_id == DISPOSITIONS.c.attempt_id, after)),
    )


def _by_person(dialect: str) -> ColumnElement[bool]:
    """No machine by the agent's word. Both ways find the words once and hash them; written the other's way each of the
    two databases looks through all words again for each attempt (measured: a minute instead of a fifth of a second).
    """
    words = machine_words()
    if dialect == "postgresql":
        return ~exists(words.where(DISPOSITIONS.c.attempt_id == ATTEMPTS.c.id))
    return ATTEMPTS.c.id.not_in(words)


def _counts_as() -> ColumnElement[str]:
    late = ATTEMPTS.c.bridged_at - func.coalesce(ATTEMPTS.c.clock_at, ATTEMPTS.c.answered_at) > parameter("limit")
    return case(
        (ATTEMPTS.c.outcome.in_(ledger.PERSON_OUTCOMES), ATTEMPTS.c.outcome),
        (or_(ATTEMPTS.c.bridged_at.is_(None), late), Outcome.ABANDONED.value),
        else_=Outcome.CONNECTED.value,
    )


def _answered(dialect: str, *columns: ColumnElement[Any]) -> Any:
    """Of attempts that a person answered and that ended."""
    return (
        select(*columns)
        .select_from(ATTEMPTS)
        .where(
            ATTEMPTS.c.campaign == parameter("campaign"),
            ATTEMPTS.c.ended_at.is_not(None),
            ATTEMPTS.c.outcome.not_in(ledger.MACHINE_OUTCOMES),
            _by_person(dialect),
        )
    )


def _recent(dialect: str) -> Executable:
    found: Executable = (
        _answered(dialect, ATTEMPTS.c.answered_at, _counts_as().label("kind"))
        .where(ATTEMPTS.c.answered_at >= parameter("cut"))
        .order_by(ATTEMPTS.c.answered_at, ATTEMPTS.c.id)
    )
    return found


def _hourly(dialect: str) -> Executable:
    hours = ATTEMPTS.c.answered_at / ledger.HOUR_S
    # SQLite has no floor() everywhere, and its cast cuts off; PostgreSQL's rounds.
    hour = cast(func.floor(hours), BigInteger) if dialect == "postgresql" else cast(hours, Integer)
    named = hour.label("hour")
    found: Executable = (
        _answered(
            dialect,
            named,
            func.count().label("answered"),
            func.sum(case((_counts_as() == Outcome.ABANDONED.value, 1), else_=0)).label("abandoned"),
        )
        .where(ATTEMPTS.c.answered_at >= parameter("since"), ATTEMPTS.c.answered_at < parameter("cut"))
        .group_by(named)
        .order_by(named)
    )
    return found


def _unknown() -> Executable:
    """When they ended, newest first."""
    return (
        select(ATTEMPTS.c.ended_at)
        .where(
            ATTEMPTS.c.campaign == parameter("campaign"),
            # Written into the statement: a partial index is only used for a value that the planner can see.
            ATTEMPTS.c.outcome == literal(Outcome.INTERRUPTED.value, literal_execute=True),
            ATTEMPTS.c.answered_at.is_(None),
            ATTEMPTS.c.ended_at >= parameter("since"),
        )
        .order_by(ATTEMPTS.c.ended_at.desc())
        .limit(ledger.UNKNOWN_ROWS)
    )


def _history() -> Executable:
    last = (
        select(ATTEMPTS)
        # Who wished a call answers more often than anybody who is dialed for an agent to be found.
        .where(
            ATTEMPTS.c.campaign == parameter("campaign"), ATTEMPTS.c.ended_at.is_not(None), ATTEMPTS.c.callback == 0
        )
        .order_by(ATTEMPTS.c.opened_at.desc(), ATTEMPTS.c.id.desc())
        .limit(ledger.HISTORY_ROWS)
        .subquery("last")
    )
    earlier = ATTEMPTS.alias("earlier")
    of_lead = and_(
        earlier.c.lead_id == last.c.lead_id,
        or_(
            earlier.c.opened_at < last.c.opened_at,
            and_(earlier.c.opened_at == last.c.opened_at, earlier.c.id < last.c.id),
        ),
    )
    made = select(func.count()).select_from(earlier).where(of_lead).correlate(last).scalar_subquery()
    prior = (
        select(earlier.c.outcome)
        .where(of_lead)
        .order_by(earlier.c.opened_at.desc(), earlier.c.id.desc())
        .limit(1)
        .correlate(last)
        .scalar_subquery()
    )
    return (
        select(
            last.c.opened_at,
            last.c.rang_at,
            last.c.answered_at,
            last.c.bridged_at,
            last.c.ended_at,
            last.c.outcome,
            LISTS.c.name,
            made.label("attempt_no"),
            NUMBERS.c.line_type,
            func.coalesce(prior, "").label("prior_outcome"),
        )
        .select_from(
            last.join(LEADS, LEADS.c.id == last.c.lead_id)
            .join(LISTS, LISTS.c.id == LEADS.c.list_id)
            .join(NUMBERS, NUMBERS.c.id == last.c.number_id)
        )
        .order_by(last.c.opened_at, last.c.id)
    )
