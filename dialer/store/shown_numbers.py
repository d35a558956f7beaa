"""The numbers that our calls show: what attempts and agents' own calls say of each, how it was judged, and the writing
of that.

Owns these questions and the one statement. What is made of the counts is ``routing.caller_ids``'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, and_, case, cast, func, select
from sqlalchemy.sql import Executable

from dialer.domain.lines import DAY_S, LOOK_BACK_S, QUARTER_S, SaveShownNumber, ShownFact
from dialer.domain.outcomes import ANSWERED_BY_PERSON, NOT_ANSWERED_BY_ONE
from dialer.store.gate import plain
from dialer.store.statements import ATTEMPTS, OWN_CALLS, SHOWN, Statements, parameter


class ShownNumbers:
    """Reads and writes them."""

    def __init__(self, st: Statements) -> None:
        self._save = st.upsert(SHOWN, "number", newer="judged_at")
        self._judged = select(SHOWN)
        self._quarters = tuple(
            _quarters(st.dialect, each.c.shown, at)
            for each, at in ((ATTEMPTS, ATTEMPTS.c.opened_at), (OWN_CALLS, OWN_CALLS.c.began_at))
        )
        self._blocks = _blocks()

    def save(self, conn: Connection, command: SaveShownNumber) -> None:
        """The last judgement counts."""
        conn.execute(
            self._save,
            {
                "number": command.number,
                "standing": command.standing,
                "rests": command.rests,
                "rests_until": command.rests_until,
                "judged_at": command.judged_at,
                "reason": plain(command.reason, 300),
            },
        )

    def read(self, conn: Connection, now: float) -> tuple[ShownFact, ...]:
        """A fact for each number, by number. ``now``: UTC epoch seconds."""
        judged = {row.number: row for row in conn.execute(self._judged)}
        quarters: defaultdict[str, Counter[float]] = defaultdict(Counter)
        for question in self._quarters:  # of attempts, and of agents' own calls
            for row in conn.execute(question, {"p_since": now - DAY_S}):
                quarters[row.shown][row.quarter * QUARTER_S] += int(row.calls)
        blocks = {
            row.shown: (int(row.dialed), int(row.answered))
            for row in conn.execute(self._blocks, {"p_since": now - LOOK_BACK_S})
        }
        facts = []
        for number in sorted({*judged, *quarters, *blocks}):
            dialed, answered = blocks.get(number, (0, 0))
            today = tuple(sorted(quarters.get(number, Counter()).items()))
            fact = ShownFact(number, dialed=dialed, answered=answered, quarters=today)
            if (known := judged.get(number)) is not None:
                rest = {"standing": known.standing, "rests": known.rests, "rests_until": known.rests_until}
                fact = replace(fact, **rest, judged_at=known.judged_at, reason=known.reason)
            facts.append(fact)
        return tuple(facts)


def _quarters(dialect: str, shown: Any, at: Any) -> Executable:
    count = at / QUARTER_S
    # SQLite has no floor() everywhere, and its cast cuts off; PostgreSQL's rounds.
    whole = cast(func.floor(count), BigInteger) if dialect == "postgresql" else cast(count, Integer)
    quarter = whole.label("quarter")
    return (
        select(shown, quarter, func.count().label("calls"))
        .where(at >= parameter("since"), shown != "")
        .group_by(shown, quarter)
        .order_by(shown, quarter)
    )


def _blocks() -> Executable:
    persons = [outcome.value for outcome in ANSWERED_BY_PERSON]
    others = [outcome.value for outcome in NOT_ANSWERED_BY_ONE]
    return (
        select(
            ATTEMPTS.c.shown,
            func.count().label("dialed"),
            func.sum(case((ATTEMPTS.c.outcome.in_(persons), 1), else_=0)).label("answered"),
        )
        .select_from(ATTEMPTS.outerjoin(SHOWN, SHOWN.c.number == ATTEMPTS.c.shown))
        .where(
            and_(
                ATTEMPTS.c.opened_at >= parameter("since"),
                ATTEMPTS.c.opened_at >= func.coalesce(SHOWN.c.judged_at, 0.0),
                ATTEMPTS.c.shown != "",
                ATTEMPTS.c.outcome.in_([*persons, *others]),
            )
        )
        .group_by(ATTEMPTS.c.shown)
    )
