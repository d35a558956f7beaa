"""PINs tried, recordings, callbacks and refusals for good, as SQL inside the caller's transaction.

Owns what CheckPin, PinRight, SaveRecording, RequestCallback and AddDoNotCall do. Repeating one has no second effect,
but for a try at a PIN, which is counted again. An order about an attempt that is not there does nothing.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, or_, select, update
from sqlalchemy.sql import Executable

from dialer.domain.callbacks import WISH, CallbackState
from dialer.domain.desk_records import (
    GOING,
    TO_UPLOAD,
    AddDoNotCall,
    RequestCallback,
    SaveRecording,
)
from dialer.domain.events import RecordingFact
from dialer.domain.lead import LeadState
from dialer.domain.phones import CheckPin, PinChecked
from dialer.leads.eligibility import DNC as DNC_REASON
from dialer.store import desk_schema, pins
from dialer.store.callbacks import Callbacks
from dialer.store.callers import Callers, Customer
from dialer.store.gate import plain
from dialer.store.schema import NUMBER, table
from dialer.store.statements import ATTEMPTS, CALLBACKS, DNC, INBOUND, LEADS, OPEN, Statements
from dialer.store.statements import parameter as _p

PINS = table(desk_schema.AgentPin)
RECORDINGS = table(desk_schema.Recording)
QC_SAMPLES = table(desk_schema.QcSample)
QC_SCORES = table(desk_schema.QcScore)
QC_MACHINE_CARDS = table(desk_schema.QcMachineCard)

CALLBACK: Final = WISH

class DeskRecords:
    """Executes the orders for one dialect."""

    def __init__(self, statements: Statements, callbacks: Callbacks, callers: Callers) -> None:
        st = self._st = statements
        self._callbacks, self._callers = callbacks, callers
        self._new_pin_row = st.insert_new(PINS)
        tries = select(PINS).where(PINS.c.agent == _p("agent"))
        self._pin: Executable = tries.with_for_update() if st.dialect == "postgresql" else tries
        self._count_try: Executable = (
            update(PINS)
            .where(PINS.c.agent == _p("agent"))
            .values(
                failures=_p("failures"),
                counted_from=_p("from"),
                locks=_p("locks"),
                locked_until=_p("until"),
                updated_at=_p("at"),
            )
        )
        self._forget_nobodies: Executable = delete(PINS).where(PINS.c.hash == "", PINS.c.updated_at < _p("before"))
        self._attempt: Executable = select(ATTEMPTS).where(ATTEMPTS.c.id == _p("attempt"))
        self._caller: Executable = select(INBOUND).where(INBOUND.c.id == _p("attempt"), INBOUND.c.number != "")
        made_recording = st.dialect_insert(RECORDINGS)
        self._save_recording = made_recording.on_conflict_do_update(
            index_elements=["node", "path"],
            set_={name: made_recording.excluded[name] for name in ("duration_s", "masked", "state", "problem")},
            where=_later(made_recording.excluded.state),
        )
        self._unfinished: Executable = (
            select(RECORDINGS)
            .where(
                RECORDINGS.c.state.in_([GOING, TO_UPLOAD]),
                or_(
                    *(
                        exists().where(each.c.id == RECORDINGS.c.attempt_id, each.c.owner == _p("owner"))
                        for each in (ATTEMPTS, INBOUND)
                    )
                ),
            )
            .order_by(RECORDINGS.c.id)
        )
        self.save_callback = newest_wish(st)
        self._close_lead: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state.in_([LeadState.READY.value, LeadState.DONE.value]))
            .values(state=LeadState.DONE.value, reason=DNC_REASON, changed_at=_p("now"))
        )
        made = st.dialect_insert(DNC)
        self._block = made.on_conflict_do_update(
            index_elements=["value", "kind", "campaign"],
            set_={name: made.excluded[name] for name in ("expires_at", "reason", "created_at", "source")},
            where=DNC.c.expires_at.is_not(None),
        )

    def check_pin(self, conn: Connection, command: CheckPin) -> PinChecked | pins.PinQuestion:
        """Count the try as a wrong one and hand the question out; a right answer takes that back."""
        agent, at = plain(command.agent, 100), command.at
        blank = {"agent": agent, "salt": "", "hash": "", "params": "", "failures": 0, "counted_from": at}
        blank |= {"locks": 0, "locked_until": 0.0, "updated_at": at}
        if conn.execute(self._new_pin_row, blank).rowcount:
            conn.execute(self._forget_nobodies, {"p_before": at - pins.FORGOTTEN_AFTER_S})
        row = conn.execute(self._pin, {"p_agent": agent}).one()
        tries = pins.Tries(row.failures, row.counted_from, row.locks, row.locked_until)
        left = pins.locked_s(tries, at)
        if left > 0.0:
            return PinChecked(command.session, command.agent, False, left)
        tries, lock_s = pins.counted(tries, at, command.lock_after)
        self._write_tries(conn, agent, tries, at)
        secret = pins.Secret(row.salt, row.hash, row.params)
        return pins.PinQuestion(command.session, command.agent, command.pin, secret, lock_s)

    def pin_right(self, conn: Connection, command: pins.PinRight, now: float) -> PinChecked:
        """The tries are forgotten."""
        self._write_tries(conn, plain(command.agent, 100), pins.Tries(), now)
        return PinChecked(command.session, command.agent, True)

    def _write_tries(self, conn: Connection, agent: str, tries: pins.Tries, at: float) -> None:
        conn.execute(
            self._count_try,
            {
                "p_agent": agent,
                "p_failures": tries.failures,
                "p_from": tries.counted_from,
                "p_locks": tries.locks,
                "p_until": tries.locked_until,
                "p_at": at,
            },
        )

    def recording(self, conn: Connection, command: SaveRecording) -> None:
        """What is known of a recording; what the file is like is found out by ``dialer recordings index``."""
        masked: list[tuple[float, float | None]] = list(command.masked)
        if command.masked_at is not None:
            masked.append((command.masked_at, None))
        conn.execute(
            self._save_recording,
            {
                "attempt_id": command.attempt_id,
                "campaign": command.campaign,
                "agent": command.agent,
                "node": command.node,
                "leg": command.leg,
                "path": plain(command.path, 500),
                "started_at": command.started_at,
                "duration_s": command.duration_s,
                "masked": json.dumps(masked),
                "state": command.state,
                "problem": plain(command.problem, 1000),
                "bytes": None,
                "sha256": "",
                "checked_at": None,
                "deleted_at": None,
            },
        )

    def unfinished(self, conn: Connection, owner: str) -> tuple[RecordingFact, ...]:
        """Recordings of this instance that go on as far as is known, or are still to be brought here."""
        return tuple(_fact(row) for row in conn.execute(self._unfinished, {"p_owner": owner}))

    def callback(self, conn: Connection, command: RequestCallback, now: float) -> None:
        """A customer's wish; a later one about the same attempt replaces it, unless it is done already.

        Older ones of the customer in the campaign, from other attempts, are no more.
        """
        customer = self._attempted(conn, command.attempt_id)
        if customer is None:
            caller = conn.execute(self._caller, {"p_attempt": command.attempt_id}).one_or_none()
            if caller is None:
                return
            customer = self._callers.wisher(conn, caller, now)
        values = callback_row(customer, CALLBACK, command.due_at, command.note, command.by_agent, command.at)
        named = {"agent": plain(command.agent, 100), "zone": plain(command.zone, 64), "reason": customer.reason}
        if conn.execute(self.save_callback, {**values, **named}).rowcount == 1:
            self._callbacks.superseded(conn, values, now)

    def _attempted(self, conn: Connection, attempt: str) -> Customer | None:
        """The customer of an attempt."""
        row = conn.execute(self._attempt, {"p_attempt": attempt}).one_or_none()
        return None if row is None else Customer(row.id, row.lead_id, row.campaign, row.number, row.person)

    def caller_served(self, conn: Connection, call: str, now: float) -> None:
        """A caller has an agent: they need not be called for what they wished before."""
        row = conn.execute(self._caller, {"p_attempt": call}).one_or_none()
        if row is not None:
            for campaign in sorted(self._callers.wishes_of(row)):
                self._callbacks.served(conn, row.id, row.number, row.person, campaign, row.arrived_at, now)

    def do_not_call(self, conn: Connection, command: AddDoNotCall, now: float) -> None:
        """Block the dialed number for all campaigns and for ever, and close the lead where nothing else holds it."""
        attempt: Any = self._attempted(conn, command.attempt_id)
        attempt = attempt or conn.execute(self._caller, {"p_attempt": command.attempt_id}).one_or_none()
        if attempt is None:
            return
        by = f"agent {command.by_agent}" if command.by_agent else "the customer's key"
        conn.execute(
            self._block,
            {
                "kind": NUMBER,
                "value": attempt.number,
                "campaign": "",
                "expires_at": None,
                "reason": "the customer said so",
                "created_at": command.at,
                "source": plain(f"{by}, attempt {command.attempt_id}", 200),
            },
        )
        conn.execute(self._close_lead, {"p_lead": attempt.lead_id, "p_now": now})
        self._callbacks.blocked(conn, attempt.number, attempt.lead_id, now)


def _later(state: Any) -> Any:
    """A recording goes on, then is brought here, then is there; what is known later is not taken back."""
    return (RECORDINGS.c.state == GOING) | ((RECORDINGS.c.state == TO_UPLOAD) & (state != GOING))


def spans(text: str) -> tuple[tuple[tuple[float, float], ...], float | None]:
    """The silences of a recording, and where one begins that has not ended."""
    found = [(begin, end) for begin, end in json.loads(text)]
    ended = tuple((begin, end) for begin, end in found if end is not None)
    return ended, next((begin for begin, end in found if end is None), None)


def _fact(row: Any) -> RecordingFact:
    masked, masked_at = spans(row.masked)
    return RecordingFact(
        row.attempt_id,
        row.campaign,
        row.agent,
        row.node,
        row.path,
        row.started_at,
        row.duration_s,
        masked,
        masked_at,
        row.state == TO_UPLOAD,
        row.problem,
    )


_KEPT: Final = (CallbackState.CLAIMED, CallbackState.DIALING, CallbackState.DONE)


def newest_wish(st: Statements) -> Any:
    """INSERT of a callback, or overwriting that of the same kind and attempt unless under way, done, or newer."""
    made = st.dialect_insert(CALLBACKS)
    kept = ("id", "kind", "attempt_id", "lead_id", "campaign", "number", "person")
    return made.on_conflict_do_update(
        index_elements=["attempt_id", "kind"],
        set_={c.name: made.excluded[c.name] for c in CALLBACKS.columns if c.name not in kept},
        where=CALLBACKS.c.state.not_in([state.value for state in _KEPT])
        & (CALLBACKS.c.created_at <= made.excluded.created_at),
    )


def callback_row(attempt: Any, kind: str, due_at: float, note: str, by: str, at: float) -> dict[str, Any]:
    """An open callback to the customer of an attempt (its row), for anyone."""
    return {
        "kind": kind,
        "attempt_id": attempt.id,
        "lead_id": attempt.lead_id,
        "campaign": attempt.campaign,
        "number": attempt.number,
        "person": attempt.person,
        "agent": "",
        "due_at": due_at,
        "wanted_at": due_at,
        "note": plain(note, 10_000),
        "created_by": plain(by, 100),
        "created_at": at,
        "state": OPEN,
        "changed_at": at,
        "zone": "",
        "reason": "",
        "tries": 0,
        "last_attempt": "",
        "claimed_by": "",
        "claim_epoch": "",
        "lease_until": 0.0,
        "lead_was": "",
        "lead_reason": "",
    }
