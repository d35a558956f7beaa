"""The store's statements, built once for a dialect and executed many times with parameters.

Owns SQL text only. Everything that must be atomic is said in the statement itself (guards in WHERE, conflicts
ignored on unique indexes), so that one bad command needs no savepoint and a repeated one does nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Executable

from dialer.domain.callbacks import ACTIVE, RECONTACT
from dialer.domain.lead import LeadState
from dialer.store import desk_schema, inbound_schema, schema
from dialer.store.schema import NUMBER, PREFIX, table

LEADS = table(schema.Lead)
NUMBERS = table(schema.Number)
ZONES = table(schema.ZoneSet)
LISTS = table(schema.LeadList)
ATTEMPTS = table(schema.Attempt)
INBOUND = table(inbound_schema.InboundCall)
AGENTS = table(schema.Agent)
AGENT_LOG = table(schema.AgentStateLog)
CAMPAIGNS = table(schema.Campaign)
DISPOSITIONS = table(schema.Disposition)
DNC = table(schema.DoNotCall)
META = table(schema.Meta)
PACING = table(schema.PacingState)
SHOWN = table(schema.ShownNumber)
CALLBACKS = table(desk_schema.Callback)
OWN_CALLS = table(desk_schema.OwnCall)

OPEN, DONE, CANCELLED = "open", "done", "cancelled"
"""States of a callback."""

_READY, _CLAIMED, _DIALING, _DONE = (s.value for s in LeadState)
_FREE = {"claimed_by": "", "claim_epoch": "", "claim_campaign": "", "lease_until": 0.0}


def parameter(name: str, *, many: bool = False) -> Any:
    """The bind parameter ``p_<name>``; with ``many`` a list for IN."""
    # Names with a prefix: a bind parameter of an UPDATE may not be called like one of its columns.
    return bindparam(f"p_{name}", expanding=many)


_p = parameter


class Statements:
    """All statements for one dialect (``sqlite`` or ``postgresql``)."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self._claims()
        self._gate()
        self._records()
        self._recovery()

    def dialect_insert(self, target: Any) -> Any:
        """INSERT with the dialect's ways to meet a conflict."""
        return postgresql.insert(target) if self.dialect == "postgresql" else sqlite.insert(target)

    def insert_new(self, target: Any) -> Any:
        """INSERT that does nothing where a unique index has the row already."""
        return self.dialect_insert(target).on_conflict_do_nothing()

    def upsert(self, target: Any, *key: str, newer: str = "") -> Any:
        """INSERT, or overwrite the row with the same ``key``; with ``newer``, unless that column would go back."""
        made = self.dialect_insert(target)
        values = {c.name: made.excluded[c.name] for c in target.columns if c.name not in key}
        where = target.c[newer] <= made.excluded[newer] if newer else None
        return made.on_conflict_do_update(index_elements=list(key), set_=values, where=where)

    @staticmethod
    def promised(campaigns: str) -> Any:
        """Whether the customer of the lead is to be called back by one of the campaigns, and thus not otherwise."""
        waits = and_(
            CALLBACKS.c.lead_id == LEADS.c.id,
            CALLBACKS.c.state.in_([state.value for state in ACTIVE]),
            CALLBACKS.c.campaign.in_(_p(campaigns, many=True)),
        )
        return exists(select(CALLBACKS.c.id).where(waits))

    @staticmethod
    def _talks() -> Executable:
        """Who talked to persons, oldest first, in whichever direction. A person who is called by their number in the
        lists has all talks with that number."""
        persons, since = _p("persons", many=True), _p("since")
        called = select(ATTEMPTS.c.person, ATTEMPTS.c.agent, ATTEMPTS.c.bridged_at, ATTEMPTS.c.id).where(
            ATTEMPTS.c.person.in_(persons), ATTEMPTS.c.bridged_at >= since, ATTEMPTS.c.agent.is_not(None)
        )
        came = [
            select(who.label("person"), INBOUND.c.agent, INBOUND.c.bridged_at, INBOUND.c.id).where(
                who.in_(persons), INBOUND.c.bridged_at >= since, INBOUND.c.agent != ""
            )
            for who in (INBOUND.c.person, INBOUND.c.number)
        ]
        own = select(
            OWN_CALLS.c.number.label("person"), OWN_CALLS.c.agent, OWN_CALLS.c.answered_at, OWN_CALLS.c.id
        ).where(OWN_CALLS.c.number.in_(persons), OWN_CALLS.c.answered_at >= since)
        return union_all(called, *came, own).order_by("bridged_at", "id")

    # ---- claims --------------------------------------------------------------------------------------------

    def _claims(self) -> None:
        self.list_ids: Executable = select(LISTS.c.id, LISTS.c.name).where(LISTS.c.name.in_(_p("names", many=True)))
        self.zone_sets: Executable = select(ZONES.c.id, ZONES.c.zones)
        self.expire: Executable = (
            update(LEADS)
            .where(
                LEADS.c.list_id.in_(_p("lists", many=True)),
                LEADS.c.state == _CLAIMED,
                LEADS.c.lease_until <= _p("now"),
            )
            .values(state=_READY, changed_at=_p("now"), **_FREE)
        )
        self.talked: Executable = self._talks()
        live = select(ATTEMPTS.c.id).where(
            ATTEMPTS.c.ended_at.is_(None), ATTEMPTS.c.person == LEADS.c.person
        )
        candidates = (
            select(
                LEADS.c.id,
                LEADS.c.priority,
                LEADS.c.due_at,
                LEADS.c.person,
                LEADS.c.name,
                LEADS.c.fields,
                LEADS.c.attempts,
                LEADS.c.list_id,
                LEADS.c.last_outcome,
                LEADS.c.zone_set_id,
                NUMBERS.c.id.label("number_id"),
                NUMBERS.c.e164,
                NUMBERS.c.line_type,
            )
            .join(NUMBERS, and_(NUMBERS.c.lead_id == LEADS.c.id, NUMBERS.c.position == LEADS.c.position))
            .where(
                LEADS.c.list_id == _p("list"),
                LEADS.c.state == _READY,
                LEADS.c.due_at <= _p("now"),
                LEADS.c.zone_set_id.not_in(_p("closed", many=True)),
                ~exists(live),
                ~self.promised("calls_back"),
            )
            .order_by(LEADS.c.priority.desc(), LEADS.c.due_at, LEADS.c.id)
            .limit(_p("count"))
        )
        self.candidates: Executable = (
            candidates.with_for_update(of=LEADS, skip_locked=True) if self.dialect == "postgresql" else candidates
        )
        self.claim: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state == _READY)
            .values(
                state=_CLAIMED,
                claimed_by=_p("owner"),
                claim_epoch=_p("epoch"),
                claim_campaign=_p("campaign"),
                lease_until=_p("lease"),
                changed_at=_p("now"),
            )
        )
        self.ready_by_zones: Executable = (
            select(LEADS.c.zone_set_id, func.min(LEADS.c.due_at), func.count())
            .where(LEADS.c.list_id.in_(_p("lists", many=True)), LEADS.c.state == _READY)
            .group_by(LEADS.c.zone_set_id)
        )
        self.held: Executable = (
            select(LEADS.c.state, func.min(LEADS.c.lease_until), func.count())
            .where(LEADS.c.list_id.in_(_p("lists", many=True)), LEADS.c.state.in_([_CLAIMED, _DIALING]))
            .group_by(LEADS.c.state)
        )
        self.not_done: Executable = select(func.count()).where(
            LEADS.c.list_id.in_(_p("lists", many=True)), LEADS.c.state.in_([_READY, _CLAIMED, _DIALING])
        )

    # ---- the gate ------------------------------------------------------------------------------------------

    def _gate(self) -> None:
        promised = self.promised("calls_back")
        self.facts: Executable = (
            select(
                LEADS.c.state,
                LEADS.c.claimed_by,
                LEADS.c.claim_epoch,
                LEADS.c.claim_campaign,
                LEADS.c.lease_until,
                LEADS.c.attempts,
                LEADS.c.person,
                NUMBERS.c.e164,
                NUMBERS.c.dead_at,
                ZONES.c.zones,
                promised.label("promised"),
            )
            .select_from(
                LEADS.outerjoin(
                    NUMBERS, and_(NUMBERS.c.id == _p("number_id"), NUMBERS.c.lead_id == LEADS.c.id)
                ).outerjoin(ZONES, ZONES.c.id == NUMBERS.c.zone_set_id)
            )
            .where(LEADS.c.id == _p("lead"))
        )
        of_lead = select(NUMBERS.c.e164).where(NUMBERS.c.lead_id == _p("lead"))
        self.dnc_hits: Executable = select(DNC.c.kind, DNC.c.campaign, DNC.c.expires_at).where(
            or_(
                and_(DNC.c.value.in_(of_lead), DNC.c.kind == NUMBER),
                and_(DNC.c.value.in_(_p("prefixes", many=True)), DNC.c.kind == PREFIX),
            )
        )
        self.live_of_person: Executable = (
            select(ATTEMPTS.c.id)
            .where(
                ATTEMPTS.c.ended_at.is_(None),
                or_(ATTEMPTS.c.person == _p("person"), ATTEMPTS.c.number == _p("number")),
            )
            .union_all(
                select(INBOUND.c.id).where(
                    or_(INBOUND.c.number == _p("number"), INBOUND.c.person == _p("person")),
                    INBOUND.c.ended_at.is_(None),
                    # A dialer that is gone never says that a call of its is over.
                    or_(INBOUND.c.owner == _p("owner"), INBOUND.c.arrived_at > _p("lives")),
                )
            )
            .limit(1)
        )
        ours = and_(
            LEADS.c.id == _p("lead"),
            LEADS.c.state == _CLAIMED,
            LEADS.c.claimed_by == _p("owner"),
            LEADS.c.claim_epoch == _p("epoch"),
        )
        self.to_dialing: Executable = (
            update(LEADS)
            .where(ours, LEADS.c.lease_until > _p("now"))
            .values(state=_DIALING, attempts=LEADS.c.attempts + 1, reason="", changed_at=_p("now"))
        )
        self.back_to_claimed: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state == _DIALING)
            .values(state=_CLAIMED, attempts=LEADS.c.attempts - 1, changed_at=_p("now"))
        )
        self.insert_attempt = self.insert_new(ATTEMPTS)
        self.attempt: Executable = select(
            ATTEMPTS.c.opened_at, ATTEMPTS.c.ended_at, ATTEMPTS.c.lead_id, ATTEMPTS.c.campaign
        ).where(ATTEMPTS.c.id == _p("attempt"))
        self.delete_attempt: Executable = delete(ATTEMPTS).where(
            ATTEMPTS.c.id == _p("attempt"), ATTEMPTS.c.ended_at.is_(None)
        )
        self.lock_lead: Executable = select(LEADS.c.state).where(LEADS.c.id == _p("lead"))
        if self.dialect == "postgresql":
            self.lock_lead = select(LEADS.c.state).where(LEADS.c.id == _p("lead")).with_for_update()
        self.refuse: Executable = (
            update(LEADS)
            .where(ours)
            .values(
                state=_p("state"),
                reason=_p("reason"),
                due_at=func.coalesce(_p("due"), LEADS.c.due_at),
                changed_at=_p("now"),
                **_FREE,
            )
        )
        is_open = and_(ATTEMPTS.c.id == _p("attempt"), ATTEMPTS.c.ended_at.is_(None))
        self.note_answer: Executable = (
            update(ATTEMPTS)
            .where(is_open)
            .values(rang_at=func.coalesce(_p("rang"), ATTEMPTS.c.rang_at), answered_at=_p("answered"))
        )
        self.note_bridge: Executable = (
            update(ATTEMPTS).where(is_open).values(bridged_at=_p("bridged"), agent=_p("agent"))
        )
        self.note_heard: Executable = (
            update(ATTEMPTS)
            .where(is_open)
            .values(
                heard=_p("heard"), heard_reason=_p("reason"), clock_at=func.coalesce(_p("clock"), ATTEMPTS.c.clock_at)
            )
        )
        self.close_attempt: Executable = (
            update(ATTEMPTS)
            .where(is_open)
            .values(
                ended_at=_p("ended"),
                outcome=_p("outcome"),
                reason=_p("reason"),
                rang_at=func.coalesce(_p("rang"), ATTEMPTS.c.rang_at),
                answered_at=func.coalesce(_p("answered"), ATTEMPTS.c.answered_at),
                bridged_at=func.coalesce(_p("bridged"), ATTEMPTS.c.bridged_at),
                agent=func.coalesce(_p("agent"), ATTEMPTS.c.agent),
                cause=_p("cause"),
                sip_status=_p("sip"),
            )
        )
        self.end_dialing: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"), LEADS.c.state == _DIALING)
            .values(
                state=_p("state"),
                reason=_p("reason"),
                due_at=_p("due"),
                last_outcome=_p("outcome"),
                changed_at=_p("now"),
                **_FREE,
            )
        )
        self.dial_again: Executable = (
            update(LEADS)
            .where(
                LEADS.c.id == _p("lead"),
                LEADS.c.state == _DIALING,
                LEADS.c.claimed_by == _p("owner"),
                LEADS.c.claim_epoch == _p("epoch"),
            )
            .values(state=_CLAIMED, reason=_p("reason"), last_outcome=_p("outcome"), changed_at=_p("now"))
        )
        self.recontacted: Executable = (
            update(CALLBACKS)
            .where(
                CALLBACKS.c.state == OPEN,
                CALLBACKS.c.due_at <= _p("ended"),
                CALLBACKS.c.kind == RECONTACT,
                CALLBACKS.c.lead_id == _p("lead"),
                CALLBACKS.c.attempt_id != _p("attempt"),
            )
            .values(state=DONE, changed_at=_p("now"))
        )
        self.tries_of_outcome: Executable = select(func.count()).where(
            ATTEMPTS.c.lead_id == _p("lead"), ATTEMPTS.c.outcome == _p("outcome")
        )
        self.kill_number: Executable = (
            update(NUMBERS)
            .where(NUMBERS.c.id == _p("number_id"), NUMBERS.c.dead_at.is_(None))
            .values(dead_at=_p("now"))
        )
        self.next_number: Executable = (
            select(NUMBERS.c.position, NUMBERS.c.zone_set_id)
            .where(NUMBERS.c.lead_id == _p("lead"), NUMBERS.c.dead_at.is_(None))
            .order_by(NUMBERS.c.position)
            .limit(1)
        )
        self.point_to_number: Executable = (
            update(LEADS)
            .where(LEADS.c.id == _p("lead"))
            .values(position=_p("position"), zone_set_id=_p("zone_set"))
        )

    # ---- agents, campaigns, words --------------------------------------------------------------------------

    def _records(self) -> None:
        self.insert_agent_log = self.insert_new(AGENT_LOG)
        self.agent_rest: Executable = select(AGENTS.c.rest_state, AGENTS.c.rest_reason).where(
            AGENTS.c.id == _p("agent")
        )
        self.save_agent = self.upsert(AGENTS, "id", newer="since")
        self.save_campaign = self.upsert(CAMPAIGNS, "name", newer="changed_at")
        self.save_pacing = self.upsert(PACING, "owner", "campaign", newer="at")
        self.insert_disposition = self.insert_new(DISPOSITIONS)
        self.save_meta = self.upsert(META, "key")
        self.meta: Executable = select(META.c.value).where(META.c.key == _p("key"))

    # ---- a new run -----------------------------------------------------------------------------------------

    def _recovery(self) -> None:
        former_attempt = and_(
            ATTEMPTS.c.ended_at.is_(None), ATTEMPTS.c.owner == _p("owner"), ATTEMPTS.c.epoch != _p("epoch")
        )
        former_claim = and_(LEADS.c.claimed_by == _p("owner"), LEADS.c.claim_epoch != _p("epoch"))
        self.former_attempts: Executable = (
            select(ATTEMPTS, LEADS.c.attempts.label("made"), ZONES.c.zones)
            .join(LEADS, LEADS.c.id == ATTEMPTS.c.lead_id)
            .outerjoin(NUMBERS, NUMBERS.c.id == ATTEMPTS.c.number_id)
            .outerjoin(ZONES, ZONES.c.id == NUMBERS.c.zone_set_id)
            .where(former_attempt)
            .order_by(ATTEMPTS.c.opened_at, ATTEMPTS.c.id)
        )
        self.release_former: Executable = (
            update(LEADS)
            .where(former_claim, LEADS.c.state == _CLAIMED)
            .values(state=_READY, reason="the dialer was restarted", changed_at=_p("now"), **_FREE)
        )
        open_attempt = select(ATTEMPTS.c.id).where(
            ATTEMPTS.c.lead_id == LEADS.c.id, ATTEMPTS.c.ended_at.is_(None)
        )
        self.release_strays: Executable = (
            update(LEADS)
            .where(former_claim, LEADS.c.state == _DIALING, ~exists(open_attempt))
            .values(state=_READY, reason="dialing without an attempt", changed_at=_p("now"), **_FREE)
        )
        self.logged_in: Executable = (
            select(AGENTS.c.id, AGENTS.c.rest_state, AGENTS.c.rest_reason, AGENTS.c.seat, AGENTS.c.line)
            .where(AGENTS.c.owner == _p("owner"), AGENTS.c.rest_state != "")
            .order_by(AGENTS.c.id)
        )
        self.campaign_states: Executable = select(CAMPAIGNS.c.name, CAMPAIGNS.c.state).order_by(CAMPAIGNS.c.name)


NEW_LEAD = insert(LEADS)
NEW_NUMBER = insert(NUMBERS)
