"""The gate and the end of an attempt, as SQL inside the caller's transaction.

Owns what OpenAttempt, NoteAnswer, NoteBridge, NoteHeard, CloseAttempt and ReleaseLeads do to leads, numbers and
attempts. The judgement itself is ``leads.eligibility``'s.
Every method may be repeated after a lost answer without a second effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from dialer.domain.commands import CloseAttempt, NoteAnswer, NoteBridge, NoteHeard, OpenAttempt, ReleaseLeads
from dialer.domain.events import AttemptOpened, AttemptRefused
from dialer.domain.lead import LeadState
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.leads import recycle
from dialer.leads.eligibility import (
    CLAIM_LOST,
    NUMBER_DEAD,
    PERSON_BUSY,
    PERSON_BUSY_RETRY_S,
    STORE,
    DncHit,
    GateFacts,
    Verdict,
    judge,
)
from dialer.leads.numbers import prefixes
from dialer.store.callbacks import Callbacks
from dialer.store.identity import Identity
from dialer.store.schema import PREFIX
from dialer.store.statements import Statements

STALE_ANSWER_S: Final = 30.0
"""An attempt that was committed, but whose answer got lost, is not dialed after this time: it is taken back."""

OTHERS_CALL_S: Final = 3600.0
"""A call that came in to another dialer of this database keeps its caller from being dialed for so long: that dialer
may be dead. Our own are closed, at our next start at the latest."""

_BUSY: Final = Verdict(
    False, PERSON_BUSY, "another call to this person is under way", retry_after_s=PERSON_BUSY_RETRY_S
)


class Gate:
    """Executes the commands that move a lead once it is claimed, and those that follow its attempt."""

    def __init__(
        self, statements: Statements, me: Identity, campaigns: Mapping[str, CampaignSettings], callbacks: Callbacks
    ) -> None:
        self._st = statements
        self._callbacks = callbacks
        self._me = {"p_owner": me.owner, "p_epoch": me.epoch}
        self._identity = me
        self._campaigns = campaigns
        self._calls_back = [name for name, settings in campaigns.items() if settings.callbacks is not None]
        self._counted = frozenset(
            outcome
            for settings in campaigns.values()
            for outcome, rule in settings.recycle.items()
            if rule.max_times < recycle.UNLIMITED
        )

    # ---- open ----------------------------------------------------------------------------------------------

    def open(self, conn: Connection, command: OpenAttempt, now: float) -> AttemptOpened | AttemptRefused:
        """Judge, and write the attempt if it may be dialed: lead and attempt change together or not at all."""
        rules = self._campaigns.get(command.campaign)
        if rules is None:
            text = f"campaign {command.campaign} is not configured in this dialer"
            return AttemptRefused(command.attempt_id, CLAIM_LOST, text)
        facts = self._facts(conn, command, now)
        verdict = judge(facts, rules, now)
        if verdict.rule == CLAIM_LOST and facts.state is LeadState.DIALING:
            repeated = self._repeated(conn, command, now)
            if repeated is not None:
                return repeated
        if verdict.ok:
            verdict = self._write(conn, command, now)
        if verdict.ok:
            return AttemptOpened(command.attempt_id)
        if verdict.rule != CLAIM_LOST:
            self._refuse(conn, command, verdict, now)
        return AttemptRefused(command.attempt_id, verdict.rule, verdict.reason)

    def resolve(self, conn: Connection, command: OpenAttempt, now: float) -> AttemptOpened | AttemptRefused:
        """What became of an attempt whose commit was in doubt; one that is there too late is taken back.

        The lead's row is locked first: a server that lost us may still be busy with that very commit.
        """
        conn.execute(self._st.lock_lead, {"p_lead": command.lead_id}).all()
        return self._repeated(conn, command, now) or AttemptRefused(
            command.attempt_id, STORE, "the database lost the attempt", keep=True
        )

    def _facts(self, conn: Connection, command: OpenAttempt, now: float) -> GateFacts:
        row = conn.execute(
            self._st.facts,
            {"p_lead": command.lead_id, "p_number_id": command.number_id, "p_calls_back": self._calls_back},
        ).one_or_none()
        if row is None:
            return GateFacts(None, False, "", 0.0, False, False, (), (), 0, False)
        hits = conn.execute(
            self._st.dnc_hits, {"p_lead": command.lead_id, "p_prefixes": prefixes(command.number)}
        ).all()
        live = conn.execute(
            self._st.live_of_person,
            {
                "p_person": command.person,
                "p_number": command.number,
                "p_owner": self._identity.owner,
                "p_lives": now - OTHERS_CALL_S,
            },
        ).first()
        return GateFacts(
            state=LeadState(row.state),
            ours=row.claimed_by == self._identity.owner and row.claim_epoch == self._identity.epoch,
            claim_campaign=row.claim_campaign,
            lease_until=row.lease_until,
            number_known=row.e164 == command.number and row.person == command.person,
            number_dead=row.dead_at is not None,
            zones=tuple(row.zones.split("|")) if row.zones else (),
            dnc=tuple(DncHit(hit.kind == PREFIX, hit.campaign, hit.expires_at) for hit in hits),
            attempts=row.attempts - command.retries,
            person_busy=live is not None,
            promised=bool(row.promised),
            for_callback=command.callback > 0,
            callback=self._callbacks.held(conn, command.callback) if command.callback else None,
        )

    def _write(self, conn: Connection, command: OpenAttempt, now: float) -> Verdict:
        lead = {"p_lead": command.lead_id, "p_now": now, **self._me}
        if command.callback:
            if not self._callbacks.dial(conn, command, now):
                return Verdict(False, CLAIM_LOST, "the callback or its lead was taken in this instant")
        elif conn.execute(self._st.to_dialing, lead).rowcount != 1:
            return Verdict(False, CLAIM_LOST, "the lead was claimed by another dialer in this instant")
        inserted = conn.execute(
            self._st.insert_attempt,
            {
                "id": command.attempt_id,
                "campaign": command.campaign,
                "lead_id": command.lead_id,
                "number_id": command.number_id,
                "number": command.number,
                "person": command.person,
                "node": command.node,
                "trunk": command.trunk,
                "shown": plain(command.shown, 32),
                "agent": command.agent,
                "owner": self._identity.owner,
                "epoch": self._identity.epoch,
                "opened_at": command.opened_at,
                "rang_at": None,
                "answered_at": None,
                "bridged_at": None,
                "ended_at": None,
                "outcome": None,
                "reason": "",
                "cause": "",
                "sip_status": "",
                "callback": command.callback,
                "tier": plain(command.tier, 100),
            },
        )
        if inserted.rowcount == 1:
            return Verdict(True)
        # Another dialer took this person between our look and our write; the unique index has the last word.
        self._undo(conn, command, now)
        return _BUSY

    def _undo(self, conn: Connection, command: OpenAttempt, now: float) -> None:
        """The lead, and the callback, are as before the attempt."""
        if command.callback:
            self._callbacks.undial(conn, command, now)
        else:
            conn.execute(self._st.back_to_claimed, {"p_lead": command.lead_id, "p_now": now})

    def _repeated(
        self, conn: Connection, command: OpenAttempt, now: float
    ) -> AttemptOpened | AttemptRefused | None:
        row = conn.execute(self._st.attempt, {"p_attempt": command.attempt_id}).one_or_none()
        if row is None or row.ended_at is not None:
            return None
        if now - command.opened_at <= STALE_ANSWER_S:
            return AttemptOpened(command.attempt_id)
        conn.execute(self._st.delete_attempt, {"p_attempt": command.attempt_id})
        self._undo(conn, command, now)
        text = f"the store answered {now - command.opened_at:.0f} s late: not dialed"
        return AttemptRefused(command.attempt_id, STORE, text, keep=True)

    def _refuse(self, conn: Connection, command: OpenAttempt, verdict: Verdict, now: float) -> None:
        if command.callback:
            self._callbacks.refused(conn, command.callback, verdict, now)
            return
        for_good, reason = verdict.for_good, verdict.reason
        if verdict.rule == NUMBER_DEAD and not self._point_to_next_number(conn, command.lead_id):
            for_good, reason = True, NUMBER_DEAD
        self._move_ours(
            conn,
            command.lead_id,
            LeadState.DONE if for_good else LeadState.READY,
            verdict.rule if for_good else reason,
            None if for_good else now + (verdict.retry_after_s or 0.0),
            now,
        )

    # ---- while it lasts ------------------------------------------------------------------------------------

    def answered(self, conn: Connection, command: NoteAnswer) -> None:
        """Write the answer of an open attempt."""
        conn.execute(
            self._st.note_answer,
            {"p_attempt": command.attempt_id, "p_rang": command.rang_at, "p_answered": command.answered_at},
        )

    def bridged(self, conn: Connection, command: NoteBridge) -> bool:
        """Write the bridge of an open attempt; False when there is none."""
        written = conn.execute(
            self._st.note_bridge,
            {"p_attempt": command.attempt_id, "p_bridged": command.bridged_at, "p_agent": command.agent},
        )
        return written.rowcount == 1

    def heard(self, conn: Connection, command: NoteHeard) -> None:
        """Write what was heard on an open attempt; the last word counts."""
        conn.execute(
            self._st.note_heard,
            {
                "p_attempt": command.attempt_id,
                "p_heard": plain(command.verdict, 20),
                "p_reason": plain(command.reason, 1000),
                "p_clock": command.clock_at,
            },
        )

    # ---- close and release ---------------------------------------------------------------------------------

    def close(self, conn: Connection, command: CloseAttempt, now: float) -> None:
        """Write the end of an attempt and move its lead; a second time, or for an unknown attempt, nothing."""
        attempt = {"p_attempt": command.attempt_id}
        closed = conn.execute(
            self._st.close_attempt,
            {
                **attempt,
                "p_ended": command.ended_at,
                "p_outcome": command.outcome.value,
                "p_reason": plain(command.reason, 1000),
                "p_rang": command.rang_at,
                "p_answered": command.answered_at,
                "p_bridged": command.bridged_at,
                "p_agent": command.agent,
                "p_cause": plain(command.cause, 100),
                "p_sip": plain(command.sip_status, 40),
            },
        )
        if closed.rowcount != 1:
            return
        if command.outcome is Outcome.CONNECTED:
            # Whoever is spoken with again has been contacted again.
            again = {"p_lead": command.lead_id, "p_ended": command.ended_at, "p_now": now}
            conn.execute(self._st.recontacted, {**attempt, **again})
            self._callbacks.talked(conn, command.attempt_id, now)
        if command.again and command.callback:
            if self._callbacks.again(conn, command, now):
                return
        elif command.again:
            outcome = {"p_outcome": command.outcome.value, "p_reason": command.outcome.value}
            kept = conn.execute(self._st.dial_again, {"p_lead": command.lead_id, "p_now": now, **outcome, **self._me})
            if kept.rowcount == 1:
                return  # by another run, nobody would dial it: it is recycled
        done, reason = command.lead_done, command.lead_reason
        if not done and command.outcome in self._counted:
            done = self._used_up(conn, command)
        if command.number_dead:
            conn.execute(self._st.kill_number, {"p_number_id": command.number_id, "p_now": now})
            if not self._point_to_next_number(conn, command.lead_id) and not done:
                done = True
        if command.callback:
            rests = self._callbacks.closed(conn, command, now)
            done, reason = (done, reason) if rests is None else (True, rests)
        conn.execute(
            self._st.end_dialing,
            {
                "p_lead": command.lead_id,
                "p_state": (LeadState.DONE if done else LeadState.READY).value,
                "p_reason": plain(reason or command.outcome.value, 1000),
                "p_due": command.ended_at + (0.0 if done else command.recycle_after_s),
                "p_outcome": command.outcome.value,
                "p_now": now,
            },
        )

    def release(self, conn: Connection, command: ReleaseLeads, now: float) -> None:
        """Give back those of the leads that this run has claimed."""
        due = now + command.after_s if command.after_s > 0 else None
        for lead_id in command.lead_ids:
            self._move_ours(conn, lead_id, LeadState.READY, command.reason, due, now)

    def _used_up(self, conn: Connection, command: CloseAttempt) -> bool:
        row = conn.execute(self._st.attempt, {"p_attempt": command.attempt_id}).one()
        settings = self._campaigns.get(row.campaign)
        rule = settings.recycle.get(command.outcome) if settings is not None else None
        if rule is None or rule.max_times >= recycle.UNLIMITED:
            return False
        tries: int = conn.execute(
            self._st.tries_of_outcome, {"p_lead": command.lead_id, "p_outcome": command.outcome.value}
        ).scalar_one()
        return tries >= rule.max_times

    def _move_ours(
        self, conn: Connection, lead_id: int, state: LeadState, reason: str, due: float | None, now: float
    ) -> None:
        conn.execute(
            self._st.refuse,
            {
                "p_lead": lead_id,
                "p_state": state.value,
                "p_reason": plain(reason, 1000),
                "p_due": due,
                "p_now": now,
                **self._me,
            },
        )

    def _point_to_next_number(self, conn: Connection, lead_id: int) -> bool:
        row = conn.execute(self._st.next_number, {"p_lead": lead_id}).one_or_none()
        if row is None:
            return False
        conn.execute(
            self._st.point_to_number,
            {"p_lead": lead_id, "p_position": row.position, "p_zone_set": row.zone_set_id},
        )
        return True


def plain(text: str, limit: int) -> str:
    """``text`` as any database keeps it: no NUL, no lone surrogate, at most ``limit`` characters."""
    if "\0" in text or not text.isascii():
        text = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return text[:limit]
