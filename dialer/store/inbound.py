"""Calls that come in, as SQL inside the caller's transaction: their records, and who is calling.

Owns what OpenInbound, JudgeArrival, NoteInbound and CloseInbound do, and what NoteBridge does to a call that came in.
The judgement itself is ``routing.intake``'s. Repeating one has no second effect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.sql import Executable

from dialer.domain.commands import NoteBridge
from dialer.domain.inbound import (
    ArrivalJudged,
    CloseInbound,
    Ending,
    JudgeArrival,
    NoteInbound,
    OpenInbound,
    OpenInboundFact,
)
from dialer.domain.lead import LeadState
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.store.gate import plain
from dialer.store.identity import Identity, epoch_key
from dialer.store.judging import MOST_LEADS, MOST_ROWS, KnownLead, judged, never_settled, reached
from dialer.store.statements import ATTEMPTS, INBOUND, LEADS, NUMBERS, OWN_CALLS, Statements
from dialer.store.statements import parameter as _p
from routing.affinity import Attempt, Conversation
from routing.facts import Direction
from routing.intake import Rules

GONE_S: Final = 86_400.0
"""No call lasts so long."""
_IS_OPEN: Final = and_(INBOUND.c.id == _p("call"), INBOUND.c.ended_at.is_(None))


class Inbound:
    """Executes the orders for one dialect."""

    def __init__(
        self, statements: Statements, me: Identity, campaigns: Mapping[str, CampaignSettings], rules: Rules
    ) -> None:
        self._me = me
        self._campaigns = campaigns
        self._shown = {name: settings.caller_id for name, settings in campaigns.items()}
        self._rules = rules
        self._insert = statements.insert_new(INBOUND)
        self._leads: Executable = (
            select(LEADS.c.id, LEADS.c.person, LEADS.c.name, LEADS.c.fields)
            .join(NUMBERS, NUMBERS.c.lead_id == LEADS.c.id)
            .where(NUMBERS.c.e164 == _p("number"))
            .order_by(LEADS.c.changed_at.desc(), LEADS.c.id.desc())
            .limit(MOST_LEADS)
        )
        theirs = or_(ATTEMPTS.c.number == _p("number"), ATTEMPTS.c.person.in_(_p("persons", many=True)))
        self._talks: Executable = (
            select(ATTEMPTS.c.agent, ATTEMPTS.c.bridged_at, ATTEMPTS.c.number, ATTEMPTS.c.person, ATTEMPTS.c.campaign)
            .where(theirs, ATTEMPTS.c.bridged_at >= _p("since"), ATTEMPTS.c.agent.is_not(None))
            .order_by(ATTEMPTS.c.bridged_at.desc())
            .limit(MOST_ROWS)
        )
        called = or_(INBOUND.c.number == _p("number"), INBOUND.c.person.in_(_p("persons", many=True)))
        self._calls: Executable = (
            select(INBOUND.c.agent, INBOUND.c.bridged_at, INBOUND.c.number, INBOUND.c.person, INBOUND.c.queue)
            .where(called, INBOUND.c.bridged_at >= _p("since"), INBOUND.c.agent != "")
            .order_by(INBOUND.c.bridged_at.desc())
            .limit(MOST_ROWS)
        )
        self._own: Executable = (
            select(OWN_CALLS.c.agent, OWN_CALLS.c.answered_at, OWN_CALLS.c.number)
            .where(OWN_CALLS.c.number == _p("number"), OWN_CALLS.c.answered_at >= _p("since"))
            .order_by(OWN_CALLS.c.answered_at.desc())
            .limit(MOST_ROWS)
        )
        persons_leads = select(LEADS.c.id).where(LEADS.c.person.in_(_p("persons", many=True)))
        self._missed: Executable = (
            select(ATTEMPTS)
            .where(
                or_(ATTEMPTS.c.number == _p("number"), ATTEMPTS.c.lead_id.in_(persons_leads)),
                ATTEMPTS.c.opened_at >= _p("since"),
            )
            .order_by(ATTEMPTS.c.opened_at.desc())
            .limit(MOST_ROWS)
        )
        self._missed_own: Executable = (
            select(OWN_CALLS)
            .where(
                OWN_CALLS.c.number == _p("number"), OWN_CALLS.c.began_at >= _p("since"), OWN_CALLS.c.shown != ""
            )
            .order_by(OWN_CALLS.c.began_at.desc())
            .limit(MOST_ROWS)
        )
        self._newest: Executable = statements.meta
        self._row: Executable = select(INBOUND).where(INBOUND.c.id == _p("call"))
        self._lead: Executable = select(LEADS.c.attempts).where(LEADS.c.id == _p("lead"))
        self._talked_to: Executable = (
            update(LEADS)
            .where(
                LEADS.c.id == _p("lead"), LEADS.c.state.in_([LeadState.READY.value, LeadState.CLAIMED.value])
            )
            .values(
                state=_p("state"),
                reason=_p("reason"),
                due_at=_p("due"),
                last_outcome=Outcome.CONNECTED.value,
                claimed_by="",
                claim_epoch="",
                claim_campaign="",
                lease_until=0.0,
                changed_at=_p("now"),
            )
        )
        self._gone: Executable = (
            update(INBOUND)
            .where(
                INBOUND.c.ended_at.is_(None), INBOUND.c.owner != _p("owner"), INBOUND.c.arrived_at < _p("before")
            )
            .values(ended_at=_p("now"), ending=Ending.INTERRUPTED.value, reason="its dialer is gone")
        )
        self._note: Executable = (
            update(INBOUND)
            .where(_IS_OPEN)
            .values(
                answered_at=func.coalesce(_p("answered"), INBOUND.c.answered_at),
                queued_at=func.coalesce(INBOUND.c.queued_at, _p("queued")),
                queue=func.coalesce(func.nullif(_p("queue"), ""), INBOUND.c.queue),
                tier=func.coalesce(func.nullif(_p("tier"), ""), INBOUND.c.tier),
                vip=func.coalesce(_p("vip"), INBOUND.c.vip),
                lead_id=func.coalesce(func.nullif(_p("lead"), 0), INBOUND.c.lead_id),
                person=func.coalesce(func.nullif(_p("person"), ""), INBOUND.c.person),
                campaign=func.coalesce(func.nullif(_p("campaign"), ""), INBOUND.c.campaign),
                judged=func.coalesce(func.nullif(_p("judged"), ""), INBOUND.c.judged),
            )
        )
        self._bridge: Executable = update(INBOUND).where(_IS_OPEN).values(bridged_at=_p("bridged"), agent=_p("agent"))
        self._close: Executable = (
            update(INBOUND)
            .where(_IS_OPEN)
            .values(
                ended_at=_p("ended"),
                ending=_p("ending"),
                reason=_p("reason"),
                cause=_p("cause"),
                answered_at=func.coalesce(_p("answered"), INBOUND.c.answered_at),
                bridged_at=func.coalesce(_p("bridged"), INBOUND.c.bridged_at),
                agent=func.coalesce(func.nullif(_p("agent"), ""), INBOUND.c.agent),
                queue=func.coalesce(func.nullif(_p("queue"), ""), INBOUND.c.queue),
                waited_s=_p("waited"),
                voicemail=_p("voicemail"),
            )
        )
        self._former: Executable = (
            select(INBOUND)
            .where(INBOUND.c.ended_at.is_(None), INBOUND.c.owner == _p("owner"), INBOUND.c.epoch != _p("epoch"))
            .order_by(INBOUND.c.arrived_at, INBOUND.c.id)
        )

    def open(self, conn: Connection, command: OpenInbound) -> None:
        """A call came in."""
        row: dict[str, Any] = dict.fromkeys(("answered_at", "queued_at", "bridged_at", "ended_at"))
        row |= dict.fromkeys(("person", "tier", "judged", "campaign", "agent"), "")
        row |= dict.fromkeys(("ending", "reason", "cause", "voicemail"), "")
        row |= {"owner": self._me.owner, "epoch": self._me.epoch, "lead_id": 0, "vip": 0, "waited_s": 0.0}
        row |= {"id": plain(command.call_id, 64), "node": command.node, "trunk": command.trunk}
        newest = conn.execute(self._newest, {"p_key": epoch_key(self._me.owner)}).scalar_one_or_none()
        if newest not in (None, self._me.epoch):
            over = never_settled(command)
            row |= {"ended_at": over.ended_at, "ending": over.ending.value, "reason": over.reason}
        row |= {"number": plain(command.number, 20), "dialed": plain(command.dialed, 40), "queue": command.queue}
        conn.execute(self._insert, row | {"arrived_at": command.arrived_at})

    def note(self, conn: Connection, command: NoteInbound) -> None:
        """What is known of a call that goes on."""
        conn.execute(
            self._note,
            {
                "p_call": command.call_id,
                "p_answered": command.answered_at,
                "p_queued": command.queued_at,
                "p_queue": command.queue,
                "p_tier": plain(command.tier, 100),
                "p_vip": int(command.vip) if command.tier else None,
                "p_lead": command.lead_id,
                "p_person": plain(command.person, 200),
                "p_campaign": plain(command.campaign, 100),
                "p_judged": plain(command.reason, 2000),
            },
        )

    def bridged(self, conn: Connection, command: NoteBridge) -> bool:
        """Caller and agent hear each other; False when no such call is open."""
        written = conn.execute(
            self._bridge,
            {"p_call": command.attempt_id, "p_bridged": command.bridged_at, "p_agent": command.agent},
        )
        return written.rowcount == 1

    def close(self, conn: Connection, command: CloseInbound, now: float) -> None:
        """How it ended; a second time, or for an unknown call, nothing."""
        closed = conn.execute(
            self._close,
            {
                "p_call": command.call_id,
                "p_ended": command.ended_at,
                "p_ending": command.ending.value,
                "p_reason": plain(command.reason, 1000),
                "p_cause": plain(command.cause, 100),
                "p_answered": command.answered_at,
                "p_bridged": command.bridged_at,
                "p_agent": command.agent,
                "p_queue": command.queue,
                "p_waited": command.waited_s,
                "p_voicemail": plain(command.voicemail, 500),
            },
        )
        if closed.rowcount == 1 and command.ending is Ending.SERVED:
            self._lead_served(conn, command, now)

    def _lead_served(self, conn: Connection, command: CloseInbound, now: float) -> None:
        """Whoever returned a campaign's call and was spoken with has been reached: the lead goes on as after a call of
        ours that reached them. One that is being dialed, or at rest, is left alone."""
        call = conn.execute(self._row, {"p_call": command.call_id}).one()
        settings = self._campaigns.get(call.campaign)
        lead = conn.execute(self._lead, {"p_lead": call.lead_id}).one_or_none()
        if settings is None or lead is None:
            return
        done, reason, due_at = reached(settings, lead.attempts, command.ended_at)
        state = LeadState.DONE if done else LeadState.READY
        values = {"p_state": state.value, "p_reason": reason, "p_due": due_at}
        conn.execute(self._talked_to, {"p_lead": call.lead_id, "p_now": now, **values})

    def judge(self, conn: Connection, command: JudgeArrival) -> ArrivalJudged:
        """Who calls, and what they are to us."""
        if not command.number:
            return judged(command, self._rules, (), (), ())
        by_number = {"p_number": command.number}
        leads = [
            KnownLead(row.id, row.person, row.name, json.loads(row.fields) if row.fields else {})
            for row in conn.execute(self._leads, by_number)
        ]
        persons = {"p_persons": sorted({lead.person for lead in leads if lead.person})}
        talked = {**by_number, **persons, "p_since": command.at - self._rules.own_age_s}
        since = command.at - self._rules.missed_age_s
        missed = {**by_number, **persons, "p_since": since}
        attempts = [
            Attempt(
                row.opened_at,
                row.number,
                row.shown or self._shown.get(row.campaign, ""),
                row.campaign,
                str(row.lead_id),
                row.person,
                row.agent,
                row.bridged_at is not None,
            )
            for row in conn.execute(self._missed, missed)
        ]
        attempts += [
            Attempt(row.began_at, row.number, row.shown, "", "", "", row.agent, row.answered_at is not None)
            for row in conn.execute(self._missed_own, {**by_number, "p_since": since})
        ]
        return judged(command, self._rules, leads, self._conversations(conn, talked), attempts)

    def _conversations(self, conn: Connection, talked: Mapping[str, Any]) -> Iterator[Conversation]:
        for row in conn.execute(self._talks, talked):
            yield Conversation(row.agent, row.bridged_at, row.number, row.person, row.campaign, Direction.OUTBOUND)
        for row in conn.execute(self._calls, talked):
            yield Conversation(row.agent, row.bridged_at, row.number, row.person, row.queue, Direction.INBOUND)
        own = {name: talked[name] for name in ("p_number", "p_since")}
        for row in conn.execute(self._own, own):
            yield Conversation(row.agent, row.answered_at, row.number)

    def former(self, conn: Connection, now: float) -> tuple[OpenInboundFact, ...]:
        """What former runs of this instance left open. What an instance left that never came back is over."""
        gone = {"p_owner": self._me.owner, "p_before": now - GONE_S, "p_now": now}
        conn.execute(self._gone, gone)
        me = {"p_owner": self._me.owner, "p_epoch": self._me.epoch}
        return tuple(
            OpenInboundFact(
                row.id,
                row.number,
                row.dialed,
                row.queue,
                row.node,
                row.arrived_at,
                row.answered_at,
                row.queued_at,
                row.bridged_at,
                row.agent,
                row.lead_id,
                row.person,
                row.tier,
                bool(row.vip),
                row.campaign,
            )
            for row in conn.execute(self._former, me)
        )
