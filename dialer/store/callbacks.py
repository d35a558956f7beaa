"""Callbacks as SQL inside the caller's transaction: told, claimed, dialed, put back, ended.

Owns every change of a callback's state but for wishes (``desk_records``) and people's orders (``callback_orders``);
what an outcome or a refusal makes of one is ``leads.callbacks``'. A callback and the lead that is dialed for it move
in one transaction, and each statement says in its WHERE from which state: repeating one has no second effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, and_, case, func, or_, select, update
from sqlalchemy.sql import Executable

from dialer.domain.callbacks import (
    WISH,
    CallbackClaimed,
    CallbackFact,
    CallbackGone,
    CallbackSettings,
    CallbacksSeen,
    CallbackState,
    ClaimCallback,
    LookCallbacks,
    PutBackCallback,
)
from dialer.domain.commands import CloseAttempt, OpenAttempt
from dialer.domain.lead import LeadState
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.leads.callbacks import NEWER_WISH, CallbackFate, after_call, after_refusal, expired
from dialer.leads.eligibility import CallbackHeld, Verdict
from dialer.store.claims import Claims
from dialer.store.identity import Identity
from dialer.store.statements import ATTEMPTS, CALLBACKS, INBOUND, LEADS, LISTS, NUMBERS, ZONES, Statements
from dialer.store.statements import parameter as _p

EARLY_S: Final = 1.0
"""The database's worker and the engine read different clocks: one may be so much ahead."""
_OPEN, _CLAIMED, _DIALING = (s.value for s in (CallbackState.OPEN, CallbackState.CLAIMED, CallbackState.DIALING))
_DONE, _FAILED, _CANCELLED = (s.value for s in (CallbackState.DONE, CallbackState.FAILED, CallbackState.CANCELLED))
_FREE: Final = {"claimed_by": "", "claim_epoch": "", "lease_until": 0.0}
_REST: Final = LeadState.DONE.value


class Callbacks:
    """Executes what moves callbacks, for one run of one instance."""

    def __init__(
        self, st: Statements, me: Identity, campaigns: Mapping[str, CampaignSettings], claims: Claims
    ) -> None:
        self._me = me
        self._claims = claims
        self._rules = {name: each.callbacks for name, each in campaigns.items() if each.callbacks is not None}
        cb = CALLBACKS.c
        named = cb.campaign.in_(_p("campaigns", many=True))
        ours = and_(cb.claimed_by == _p("owner"), cb.claim_epoch == _p("epoch"))
        here = cb.id == _p("callback")
        self._of_ours: Executable = select(CALLBACKS).where(here)
        self._leases_over: Executable = (
            update(CALLBACKS)
            .where(cb.state == _CLAIMED, cb.lease_until <= _p("now"), named)
            .values(state=_OPEN, reason="whoever held it did not dial it", changed_at=_p("now"), **_FREE)
        )
        self._give_up: Executable = (
            update(CALLBACKS)
            .where(cb.state == _OPEN, cb.due_at <= _p("now"), cb.campaign == _p("campaign"), cb.wanted_at <= _p("last"))
            .values(state=_FAILED, reason=_p("reason"), changed_at=_p("now"))
        )
        self._due: Executable = (
            select(CALLBACKS, INBOUND.c.queue)
            .outerjoin(INBOUND, INBOUND.c.id == cb.attempt_id)
            .where(cb.state == _OPEN, named, cb.due_at <= _p("until"))
            .order_by(cb.due_at, cb.id)
            .limit(_p("count"))
        )
        self._counts: Executable = (
            select(cb.campaign, func.count()).where(cb.state == _OPEN, named).group_by(cb.campaign)
        )
        free = or_(
            cb.state == _OPEN,
            and_(cb.state == _CLAIMED, or_(cb.lease_until <= _p("now"), ours)),
        )
        self._claim: Executable = (
            update(CALLBACKS)
            .where(here, cb.campaign == _p("campaign"), cb.due_at <= _p("latest"), free)
            .values(
                state=_CLAIMED,
                claimed_by=_p("owner"),
                claim_epoch=_p("epoch"),
                lease_until=_p("lease"),
                reason=_p("reason"),
                changed_at=_p("now"),
            )
        )
        self._lead: Executable = (
            select(
                LEADS.c.id,
                LEADS.c.priority,
                LEADS.c.person,
                LEADS.c.name,
                LEADS.c.fields,
                LEADS.c.attempts,
                LEADS.c.last_outcome,
                LISTS.c.name.label("list_name"),
                NUMBERS.c.id.label("number_id"),
                NUMBERS.c.e164,
                NUMBERS.c.line_type,
                ZONES.c.zones,
            )
            .select_from(
                LEADS.join(LISTS, LISTS.c.id == LEADS.c.list_id)
                .join(NUMBERS, NUMBERS.c.lead_id == LEADS.c.id)
                .outerjoin(ZONES, ZONES.c.id == NUMBERS.c.zone_set_id)
            )
            .where(LEADS.c.id == _p("lead"), NUMBERS.c.dead_at.is_(None))
            # The number that was spoken with, else the lead's current one, else its next.
            .order_by(
                case((NUMBERS.c.e164 == _p("number"), 0), else_=1),
                case((NUMBERS.c.position == LEADS.c.position, 0), else_=1),
                NUMBERS.c.position,
            )
            .limit(1)
        )
        self._put_back: Executable = (
            update(CALLBACKS)
            .where(here, or_(cb.state == _OPEN, and_(cb.state == _CLAIMED, ours)))
            .values(
                state=_OPEN,
                reason=_p("reason"),
                due_at=func.coalesce(_p("due"), cb.due_at),
                changed_at=_p("now"),
                **_FREE,
            )
        )
        lead_was = case((LEADS.c.state == _REST, _REST), else_=LeadState.READY.value)
        of_lead = LEADS.c.id == cb.lead_id
        self._dial: Executable = (
            update(CALLBACKS)
            .where(here, cb.state == _CLAIMED, ours, cb.lead_id == _p("lead"), cb.lease_until > _p("now"))
            .values(
                state=_DIALING,
                tries=cb.tries + 1,
                last_attempt=_p("attempt"),
                lead_was=select(lead_was).where(of_lead).scalar_subquery(),
                lead_reason=select(LEADS.c.reason).where(of_lead).scalar_subquery(),
                changed_at=_p("now"),
            )
        )
        mine = and_(here, cb.state == _DIALING, cb.last_attempt == _p("attempt"))
        self._undial: Executable = update(CALLBACKS).where(mine).values(state=_CLAIMED, tries=cb.tries - 1)
        self._lead_dialing: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state != LeadState.DIALING.value)
            .values(
                state=LeadState.DIALING.value,
                attempts=LEADS.c.attempts + 1,
                reason="",
                claimed_by=_p("owner"),
                claim_epoch=_p("epoch"),
                claim_campaign=_p("campaign"),
                lease_until=_p("now"),
                changed_at=_p("now"),
            )
        )
        self._lead_rests: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state == LeadState.DIALING.value)
            .values(
                state=select(cb.lead_was).where(here).scalar_subquery(),
                reason=select(cb.lead_reason).where(here).scalar_subquery(),
                last_outcome=_p("outcome"),
                claim_campaign="",
                changed_at=_p("now"),
                **_FREE,
            )
        )
        self._again: Executable = (
            update(CALLBACKS).where(mine, ours).values(state=_CLAIMED, tries=cb.tries - 1, changed_at=_p("now"))
        )
        self._lead_back: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state == LeadState.DIALING.value)
            .values(
                state=select(cb.lead_was).where(here).scalar_subquery(),
                reason=select(cb.lead_reason).where(here).scalar_subquery(),
                attempts=LEADS.c.attempts - 1,
                claim_campaign="",
                changed_at=_p("now"),
                **_FREE,
            )
        )
        held = and_(here, cb.state == _CLAIMED, ours)
        moved = {
            "state": _p("state"),
            "reason": _p("reason"),
            "due_at": func.coalesce(_p("due"), cb.due_at),
            "wanted_at": func.coalesce(_p("wanted"), cb.wanted_at),
            "tries": cb.tries - _p("uncounted"),
            "changed_at": _p("now"),
            **_FREE,
        }
        self._refuse: Executable = update(CALLBACKS).where(held).values(moved)
        self._close: Executable = update(CALLBACKS).where(mine).values(moved)
        this = select(ATTEMPTS).where(ATTEMPTS.c.id == _p("attempt")).subquery("this")
        waiting = cb.state.in_([_OPEN, _CLAIMED])
        self._talked: Executable = (
            update(CALLBACKS)
            .where(
                waiting,
                cb.kind == WISH,
                cb.attempt_id != _p("attempt"),
                cb.person == select(this.c.person).scalar_subquery(),
                cb.campaign == select(this.c.campaign).scalar_subquery(),
                cb.created_at <= select(this.c.opened_at).scalar_subquery(),
            )
            .values(state=_DONE, reason=_p("reason"), changed_at=_p("now"), **_FREE)
        )
        self._superseded: Executable = (
            update(CALLBACKS)
            .where(
                waiting,
                cb.kind == WISH,
                cb.attempt_id != _p("attempt"),
                cb.person == _p("person"),
                cb.campaign == _p("campaign"),
                cb.created_at <= _p("at"),
            )
            .values(state=_CANCELLED, reason=NEWER_WISH, changed_at=_p("now"), **_FREE)
        )
        self._served: Executable = (
            update(CALLBACKS)
            .where(
                waiting,
                cb.kind == WISH,
                or_(cb.number == _p("number"), and_(cb.person == _p("person"), cb.person != "")),
                cb.campaign == _p("campaign"),
                cb.created_at <= _p("at"),
            )
            .values(state=_DONE, reason=_p("reason"), changed_at=_p("now"), **_FREE)
        )
        self._blocked: Executable = (
            update(CALLBACKS)
            .where(waiting, or_(cb.number == _p("number"), and_(cb.lead_id == _p("lead"), cb.lead_id != 0)))
            .values(state=_CANCELLED, reason="do not call: the customer said so", changed_at=_p("now"), **_FREE)
        )
        former = and_(cb.claimed_by == _p("owner"), cb.claim_epoch != _p("epoch"))
        being_dialed = select(ATTEMPTS.c.id).where(ATTEMPTS.c.id == cb.last_attempt, ATTEMPTS.c.ended_at.is_(None))
        self._release_former: Executable = (
            update(CALLBACKS)
            .where(former, or_(cb.state == _CLAIMED, and_(cb.state == _DIALING, ~being_dialed.exists())))
            .values(state=_OPEN, reason="the dialer was restarted", changed_at=_p("now"), **_FREE)
        )
        self._wants = {
            id(statement): frozenset(name for name in statement.compile().params if name.startswith("p_"))  # type: ignore[attr-defined]
            for statement in vars(self).values()
            if isinstance(statement, Executable)
        }

    # ---- orders of the engine ------------------------------------------------------------------------------

    def look(self, conn: Connection, command: LookCallbacks, now: float) -> CallbacksSeen:
        """What is to be dialed soon."""
        campaigns = list(command.campaigns)
        if not campaigns:
            return CallbacksSeen(())
        self._run(conn, self._leases_over, {"p_now": now, "p_campaigns": campaigns})
        given_up = 0
        for name in campaigns:
            rules = self._rules.get(name, CallbackSettings())
            late = {"p_last": now - rules.expires_s, "p_reason": expired(rules)}
            given_up += self._run(conn, self._give_up, {"p_now": now, "p_campaign": name, **late}).rowcount
        rows = self._run(conn, self._due, {"p_campaigns": campaigns, "p_until": command.until, "p_count": command.count}
        )
        facts = tuple(
            CallbackFact(
                row.id,
                row.kind,
                row.campaign,
                row.lead_id,
                row.agent,
                row.due_at,
                row.wanted_at,
                row.tries,
                row.reason,
                row.queue or "",
            )
            for row in rows
        )
        counts = self._run(conn, self._counts, {"p_campaigns": campaigns})
        return CallbacksSeen(facts, tuple((name, count) for name, count in counts), given_up)

    def claim(self, conn: Connection, command: ClaimCallback, now: float) -> CallbackClaimed | CallbackGone:
        """Make it this run's, for an agent who is reserved."""
        lease_until = now + command.lease_s
        claimed = self._run(conn, self._claim,
            {
                **self._named(command.callback, now),
                "p_campaign": command.campaign,
                "p_latest": now + EARLY_S,
                "p_lease": lease_until,
                "p_reason": f"reserved for agent {command.agent}"[:200],
            },
        )
        if claimed.rowcount != 1:
            return CallbackGone(command.callback, "it is not open, not due, or another dialer's")
        row = self._run(conn, self._of_ours, {"p_callback": command.callback}).one()
        lead = self._run(conn, self._lead, {"p_lead": row.lead_id, "p_number": row.number}).one_or_none()
        if lead is None:
            fate = CallbackFate(CallbackState.FAILED, "the lead is gone, or no number of it is known to work")
            self._move(conn, self._refuse, command.callback, fate, now)
            return CallbackGone(command.callback, fate.reason)
        zones = tuple(lead.zones.split("|")) if lead.zones else ()
        dressed = self._claims.dressed(conn, lead, command.campaign, lead.list_name, zones, lease_until, now)
        return CallbackClaimed(command.callback, replace(dressed, callback=command.callback), row.note)

    def put_back(self, conn: Connection, command: PutBackCallback, now: float) -> None:
        """Open again."""
        named = self._named(command.callback, now)
        self._run(conn, self._put_back, {**named, "p_reason": command.reason[:1000], "p_due": command.due_at})

    # ---- for the gate --------------------------------------------------------------------------------------

    def held(self, conn: Connection, callback: int) -> CallbackHeld | None:
        """What the gate must know of a callback."""
        row = self._run(conn, self._of_ours, {"p_callback": callback}).one_or_none()
        if row is None:
            return None
        ours = row.claimed_by == self._me.owner and row.claim_epoch == self._me.epoch
        return CallbackHeld(ours and row.state == _CLAIMED, row.kind == WISH, row.lease_until)

    def dial(self, conn: Connection, command: OpenAttempt, now: float) -> bool:
        """The callback and its lead are being dialed; False, and nothing changed, when they were not to be had."""
        both = {
            **self._named(command.callback, now),
            "p_lead": command.lead_id,
            "p_attempt": command.attempt_id,
            "p_campaign": command.campaign,
        }
        if self._run(conn, self._dial, both).rowcount != 1:
            return False
        if self._run(conn, self._lead_dialing, both).rowcount == 1:
            return True
        self._run(conn, self._undial, both)
        return False

    def undial(self, conn: Connection, command: OpenAttempt, now: float) -> None:
        """Take ``dial`` back."""
        both = {**self._named(command.callback, now), "p_lead": command.lead_id, "p_attempt": command.attempt_id}
        self._run(conn, self._lead_back, both)
        self._run(conn, self._undial, both)

    def again(self, conn: Connection, command: CloseAttempt, now: float) -> bool:
        """The line failed and this run tries another one: claimed as before, and the lead rests. False: not this run's,
        nobody would dial it.
        """
        both = {**self._named(command.callback, now), "p_attempt": command.attempt_id, "p_lead": command.lead_id}
        if self._run(conn, self._again, both).rowcount != 1:
            return False
        self._run(conn, self._lead_rests, {**both, "p_outcome": command.outcome.value})
        return True

    def refused(self, conn: Connection, callback: int, verdict: Verdict, now: float) -> None:
        """The gate said no."""
        self._move(conn, self._refuse, callback, after_refusal(verdict, now), now)

    def closed(self, conn: Connection, command: CloseAttempt, now: float) -> str | None:
        """The callback's call is over; why the lead rests again, or None when the call decides that."""
        row = self._run(conn, self._of_ours, {"p_callback": command.callback}).one_or_none()
        if row is None or row.state != _DIALING or row.last_attempt != command.attempt_id:
            return None
        rules = self._rules.get(row.campaign, CallbackSettings())
        fate = after_call(command.outcome, row.tries, rules, command.ended_at)
        self._move(conn, self._close, command.callback, fate, now, command.attempt_id)
        rests = row.lead_was == _REST and command.outcome is not Outcome.CONNECTED
        return (row.lead_reason or command.outcome.value) if rests else None

    def talked(self, conn: Connection, attempt_id: str, now: float) -> None:
        """Whoever was spoken with need not be called for what they wished before."""
        reason = f"spoken with meanwhile, in attempt {attempt_id}"
        self._run(conn, self._talked, {"p_attempt": attempt_id, "p_reason": reason, "p_now": now})

    def served(
        self, conn: Connection, call: str, number: str, person: str, campaign: str, at: float, now: float
    ) -> None:
        """Whoever called in at ``at`` and was spoken with need not be called for what they wished before."""
        values = {"p_number": number, "p_person": person, "p_campaign": campaign, "p_at": at, "p_now": now}
        self._run(conn, self._served, {**values, "p_reason": f"spoken with meanwhile, in call {call}"})

    def superseded(self, conn: Connection, wish: Mapping[str, Any], now: float) -> None:
        """A customer's ``wish`` (its row) is the newest: one call, and not one for each wish."""
        names = {"p_attempt": "attempt_id", "p_person": "person", "p_campaign": "campaign", "p_at": "created_at"}
        self._run(conn, self._superseded, {name: wish[key] for name, key in names.items()} | {"p_now": now})

    def blocked(self, conn: Connection, number: str, lead_id: int, now: float) -> None:
        """The customer is never to be called again."""
        self._run(conn, self._blocked, {"p_number": number, "p_lead": lead_id, "p_now": now})

    def release_former(self, conn: Connection, now: float) -> None:
        """What former runs held and did not dial is open again."""
        self._run(conn, self._release_former, {**self._named(0, now)})

    def _run(self, conn: Connection, statement: Executable, values: Mapping[str, Any]) -> Any:
        """Execute with those of ``values`` that the statement has parameters for: an UPDATE bears no others."""
        wants = self._wants[id(statement)]
        return conn.execute(statement, {name: value for name, value in values.items() if name in wants})

    def _named(self, callback: int, now: float) -> dict[str, Any]:
        return {"p_callback": callback, "p_owner": self._me.owner, "p_epoch": self._me.epoch, "p_now": now}

    def _move(
        self, conn: Connection, statement: Executable, callback: int, fate: CallbackFate, now: float, attempt: str = ""
    ) -> None:
        self._run(
            conn,
            statement,
            {
                **self._named(callback, now),
                "p_attempt": attempt,
                "p_state": fate.state.value,
                "p_reason": fate.reason[:1000],
                "p_due": fate.due_at,
                "p_wanted": fate.due_at if fate.wanted else None,
                "p_uncounted": int(fate.uncounted),
            },
        )
