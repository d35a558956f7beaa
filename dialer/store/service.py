"""The store as a synchronous service on one connection: a batch of commands is one transaction.

Owns the transaction, the connection and what an error means; what each command does is in ``gate``, ``claims``,
``records``, ``desk_records``, ``own_calls`` and ``inbound``, what pacing asks in ``pacing_facts``. Runs in a process of
its own (``worker``), never under gevent. Must not wait or retry beyond a deadlock: that is the worker's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from dialer.domain.callbacks import ClaimCallback, LookCallbacks, PutBackCallback
from dialer.domain.commands import (
    ClaimLeads,
    CloseAttempt,
    LogAgentState,
    NoteAnswer,
    NoteBridge,
    NoteHeard,
    OpenAttempt,
    ReleaseLeads,
    SaveCampaignState,
    SaveDisposition,
    SavePacing,
    StoreCommand,
)
from dialer.domain.desk_records import AddDoNotCall, RequestCallback, SaveOwnCall, SaveRecording
from dialer.domain.events import AgentFact, OpenAttemptFact, Recovered, StoreEvent
from dialer.domain.inbound import CloseInbound, JudgeArrival, NoteInbound, OpenInbound
from dialer.domain.lines import SaveShownNumber
from dialer.domain.phones import CheckNumber, CheckPin
from dialer.domain.settings import CampaignSettings
from dialer.store.answers import failed_answer
from dialer.store.callbacks import Callbacks
from dialer.store.callers import Callers
from dialer.store.claims import Claims
from dialer.store.database import make_engine, read_only
from dialer.store.desk_records import DeskRecords
from dialer.store.errors import StoreDoubtful, StoreUnavailable
from dialer.store.gate import Gate
from dialer.store.identity import Identity, epoch_key
from dialer.store.inbound import Inbound
from dialer.store.own_calls import OwnCalls
from dialer.store.pacing_facts import PacingFacts
from dialer.store.pins import PinQuestion, PinRight
from dialer.store.records import Records
from dialer.store.shown_numbers import ShownNumbers
from dialer.store.statements import Statements
from routing.intake import EVERYBODY_ORDINARY, Rules

DEADLOCK_TRIES: Final = 4
MARK_BYTES: Final = 4
"""A UUID's first group; what is left of it is random enough."""
_DEADLOCKS: Final = frozenset({"40001", "40P01"})
_BAD_COMMAND: Final = (IntegrityError, DataError, ValueError, TypeError, OverflowError)

R = TypeVar("R")
Order = StoreCommand | PinRight
Answer = StoreEvent | PinQuestion
"""A PinQuestion is for the caller to answer, outside a transaction; a right answer comes back as PinRight."""


class StoreService:
    """Executes commands against one database for one run (``epoch``) of one instance (``owner``).

    ``owner`` stays the same over restarts and is unique among the dialers of a database; ``epoch`` is new for each
    run of the dialer, and the same when only the store's worker is restarted.
    """

    def __init__(
        self,
        url: str | Engine,
        *,
        owner: str,
        epoch: str,
        campaigns: Mapping[str, CampaignSettings],
        busy_timeout_s: float = 2.0,
        rules: Rules = EVERYBODY_ORDINARY,
    ) -> None:
        self._engine = url if isinstance(url, Engine) else make_engine(url, busy_timeout_s=busy_timeout_s)
        self._me = Identity(owner, epoch)
        self._st = Statements(self._engine.dialect.name)
        self._claims = Claims(self._st, self._me, campaigns, rules)
        self._callbacks = Callbacks(self._st, self._me, campaigns, self._claims)
        self._gate = Gate(self._st, self._me, campaigns, self._callbacks)
        self._records = Records(self._st, owner)
        self._desk = DeskRecords(self._st, self._callbacks, Callers(self._st, campaigns))
        self._own_calls = OwnCalls(self._st, campaigns)
        self._inbound = Inbound(self._st, self._me, campaigns, rules)
        self._shown = ShownNumbers(self._st)
        self._facts = PacingFacts(self._st.dialect, owner, campaigns)
        self._conn: Connection | None = None
        self.faults: list[str] = []
        """Commands that the database will never take, and why; whoever reads them empties the list."""

    def execute(self, commands: Sequence[Order], now: float) -> list[Answer]:
        """All of ``commands`` in order, in one transaction; their answers in order.

        ``now`` is the wall clock, UTC epoch seconds: calling hours are judged by it. A command that the database
        can never take (its data is bad) is left out and reported in ``faults``; the others are executed.
        Raises StoreUnavailable (nothing was done) or StoreDoubtful (the commit failed).
        """
        if not commands:
            return []
        try:
            return self._transaction(lambda conn: self._all(conn, commands, now))
        except _BAD_COMMAND:
            return self._transaction(lambda conn: self._one_by_one(conn, commands, now))

    def resolve(self, opens: Sequence[OpenAttempt], now: float) -> list[Answer]:
        """The answers to attempts whose commit was in doubt. Raises like ``execute``."""
        return self._transaction(lambda conn: [self._gate.resolve(conn, command, now) for command in opens])

    def recover(self, now: float) -> Recovered:
        """Take over from the former runs of this instance: their claims are released, their open attempts told.

        ``OpenAttemptFact.attempts`` counts those made before the open one. May be repeated. Raises like ``execute``.
        """
        recovered = self._transaction(lambda conn: self._recover(conn, now))
        # A month of answers takes its time: read where no other writer waits for it.
        pacing = self._reading(lambda conn: self._facts.read(conn, now))
        return replace(recovered, pacing=pacing, shown=self._reading(lambda conn: self._shown.read(conn, now)))

    def probe(self, now: float) -> None:
        """Prove that the database takes a write. Raises like ``execute``."""
        key = f"probe/{self._me.owner}"[:100]
        self._transaction(lambda conn: conn.execute(self._st.save_meta, {"key": key, "value": f"{now:.3f}"}))

    def close(self) -> None:
        """Give the connection back; the next call opens another."""
        if self._conn is not None:
            conn, self._conn = self._conn, None
            with suppress(SQLAlchemyError):
                conn.close()

    # ---- transactions --------------------------------------------------------------------------------------

    def _transaction(self, work: Callable[[Connection], R]) -> R:
        for left in reversed(range(DEADLOCK_TRIES)):
            try:
                return self._once(work)
            except DBAPIError as error:
                if isinstance(error, (IntegrityError, DataError)):
                    raise
                if getattr(error.orig, "sqlstate", None) in _DEADLOCKS and left:
                    continue
                raise StoreUnavailable(_words(error)) from error
            except StatementError as error:
                raise ValueError(str(error.orig)) from error
        raise AssertionError("unreachable")

    def _once(self, work: Callable[[Connection], R]) -> R:
        if self._conn is None:
            self._conn = self._engine.connect().execution_options(preserve_rowcount=True)
        conn = self._conn
        try:
            conn.begin()
            result = work(conn)
        except BaseException:
            self._give_up(conn)
            raise
        try:
            conn.commit()
        except SQLAlchemyError as error:
            # The transaction may still be open on this connection, and would be what we see on the next look.
            conn.invalidate()
            self.close()
            raise StoreDoubtful(_words(error)) from error
        return result

    def _reading(self, work: Callable[[Connection], R]) -> R:
        """``work`` on a connection of its own that takes no lock."""
        try:
            with self._engine.connect() as conn, read_only(conn).begin():
                return work(conn)
        except DBAPIError as error:
            raise StoreUnavailable(_words(error)) from error

    def _give_up(self, conn: Connection) -> None:
        """Roll back, and drop the connection when even that fails or the driver says that it is lost."""
        try:
            conn.rollback()
        except SQLAlchemyError:
            conn.invalidate()
        if conn.invalidated or conn.closed:
            self.close()

    def _all(self, conn: Connection, commands: Sequence[Order], now: float) -> list[Answer]:
        events = (self._run(conn, command, now) for command in commands)
        return [event for event in events if event is not None]

    def _one_by_one(self, conn: Connection, commands: Sequence[Order], now: float) -> list[Answer]:
        events: list[Answer] = []
        for command in commands:
            savepoint = conn.begin_nested()
            event: Answer | None
            try:
                event = self._run(conn, command, now)
            except (*_BAD_COMMAND, StatementError) as error:
                if isinstance(error, DBAPIError) and not isinstance(error, _BAD_COMMAND):
                    raise
                savepoint.rollback()
                text = f"{type(command).__name__} cannot be stored: {_words(error)}"
                self.faults.append(text)
                event = failed_answer(command, text, keep=False)
            else:
                savepoint.commit()
            if event is not None:
                events.append(event)
        return events

    def _run(self, conn: Connection, command: Order, now: float) -> Answer | None:
        match command:
            case OpenAttempt():
                return self._gate.open(conn, command, now)
            case NoteAnswer():
                self._gate.answered(conn, command)
            case NoteBridge():
                if not self._gate.bridged(conn, command) and self._inbound.bridged(conn, command):
                    self._desk.caller_served(conn, command.attempt_id, now)
            case NoteHeard():
                self._gate.heard(conn, command)
            case CloseAttempt():
                self._gate.close(conn, command, now)
            case ClaimLeads():
                return self._claims.claim(conn, command, now)
            case ReleaseLeads():
                self._gate.release(conn, command, now)
            case LogAgentState():
                self._records.agent_state(conn, command)
            case SaveDisposition():
                self._records.disposition(conn, command)
            case SaveCampaignState():
                self._records.campaign_state(conn, command)
            case SavePacing():
                self._records.pacing(conn, command)
            case SaveShownNumber():
                self._shown.save(conn, command)
            case CheckPin():
                return self._desk.check_pin(conn, command)
            case PinRight():
                return self._desk.pin_right(conn, command, now)
            case CheckNumber():
                return self._own_calls.check(conn, command, now)
            case SaveOwnCall():
                self._own_calls.save(conn, command)
            case OpenInbound():
                self._inbound.open(conn, command)
            case JudgeArrival():
                return self._inbound.judge(conn, command)
            case NoteInbound():
                self._inbound.note(conn, command)
            case CloseInbound():
                self._inbound.close(conn, command, now)
            case SaveRecording():
                self._desk.recording(conn, command)
            case RequestCallback():
                self._desk.callback(conn, command, now)
            case AddDoNotCall():
                self._desk.do_not_call(conn, command, now)
            case LookCallbacks():
                return self._callbacks.look(conn, command, now)
            case ClaimCallback():
                return self._callbacks.claim(conn, command, now)
            case PutBackCallback():
                self._callbacks.put_back(conn, command, now)
        return None

    def _recover(self, conn: Connection, now: float) -> Recovered:
        st = self._st
        me = {"p_owner": self._me.owner, "p_epoch": self._me.epoch}
        conn.execute(st.release_former, {**me, "p_now": now})
        conn.execute(st.release_strays, {**me, "p_now": now})
        self._callbacks.release_former(conn, now)
        conn.execute(st.save_meta, {"key": epoch_key(self._me.owner), "value": self._me.epoch})
        attempts = tuple(
            OpenAttemptFact(
                attempt_id=row.id,
                campaign=row.campaign,
                lead_id=row.lead_id,
                number_id=row.number_id,
                number=row.number,
                person=row.person,
                node=row.node,
                opened_at=row.opened_at,
                attempts=row.made - 1,
                trunk=row.trunk,
                rang_at=row.rang_at,
                answered_at=row.answered_at,
                bridged_at=row.bridged_at,
                clock_at=row.clock_at,
                heard=row.heard,
                zones=tuple(row.zones.split("|")) if row.zones else (),
                callback=row.callback,
            )
            for row in conn.execute(st.former_attempts, me)
        )
        agents = tuple(
            AgentFact(row.id, row.rest_state, row.rest_reason, row.seat, row.line)
            for row in conn.execute(st.logged_in, {"p_owner": self._me.owner})
        )
        campaigns = tuple((row.name, row.state) for row in conn.execute(st.campaign_states))
        recordings = self._desk.unfinished(conn, self._me.owner)
        inbound = self._inbound.former(conn, now)
        return Recovered(attempts, agents, campaigns, self._mark(conn), recordings=recordings, inbound=inbound)

    def _mark(self, conn: Connection) -> str:
        """How the UUIDs of this instance's legs begin: made once, and kept as long as the database."""
        key = f"mark/{self._me.owner}"[:100]
        mark: str | None = conn.execute(self._st.meta, {"p_key": key}).scalar_one_or_none()
        if mark is None:
            mark = secrets.token_hex(MARK_BYTES)
            conn.execute(self._st.save_meta, {"key": key, "value": mark})
        return mark


def _words(error: BaseException) -> str:
    """What the driver said, on one line, without the statement and its parameters (they hold phone numbers)."""
    orig = getattr(error, "orig", None) or error
    first = str(orig).strip().splitlines()
    return f"{type(orig).__name__}: {first[0] if first else ''}"
