"""Callbacks written down, moved and cancelled by people, each order on a connection of its own.

Owns these orders and what is refused; whoever carries callbacks out is ``callbacks``. Times are texts in the customer's
zone (``leads.moments``). Raises OrderRefused for what cannot be done, else like ``queries``.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, update

from dialer.domain.callbacks import ACTIVE, WISH, CallbackState
from dialer.domain.settings import CallWindows
from dialer.leads.eligibility import DNC as DNC_REASON
from dialer.leads.moments import MomentError, local, parse, zone_for
from dialer.leads.windows import find_zone, open_in_all
from dialer.store import quality
from dialer.store.desk_records import callback_row, newest_wish
from dialer.store.gate import plain
from dialer.store.queries import connected
from dialer.store.statements import ATTEMPTS, CALLBACKS, LEADS, LISTS, NUMBERS, ZONES, Statements

_OPEN: Final = CallbackState.OPEN.value


class OrderRefused(Exception):
    """The text says what was wrong and what was expected; it holds no number."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the configuration has: each campaign's lists and calling hours, and all agents."""

    campaigns: Mapping[str, tuple[Collection[str], CallWindows]]
    agents: Collection[str]


@dataclass(frozen=True, slots=True)
class _Customer:
    attempt_id: str
    lead_id: int
    number: str
    person: str
    campaign: str


def create(
    url: str,
    known: Known,
    *,
    at: str,
    by: str,
    attempt: str = "",
    lead: int | None = None,
    campaign: str = "",
    zone: str = "",
    agent: str = "",
    note: str = "",
    now: float | None = None,
) -> dict[str, Any]:
    """A callback to the customer of an ``attempt``, or to a ``lead`` of one of the ``campaign``'s lists; the row."""
    moment = time.time() if now is None else now
    if bool(attempt) is (lead is not None):
        raise OrderRefused("expected an attempt or a lead, and not both")
    _agent(known, agent)
    with connected(url, write=True) as conn:
        customer = _of_attempt(conn, attempt) if lead is None else _of_lead(conn, known, lead, campaign)
        if customer.campaign not in known.campaigns:
            raise OrderRefused(f"campaign {customer.campaign!r}: expected one of the configuration")
        # Locked: of two who ask at once the second finds what the first has made.
        of_lead = select(LEADS.c.reason).where(LEADS.c.id == customer.lead_id).with_for_update()
        if conn.execute(of_lead).scalar_one_or_none() == DNC_REASON:
            raise OrderRefused("the customer is not to be called any more: do not call")
        _only_one(conn, customer)
        when = _when(conn, known, customer, at, zone, moment)
        made = _Attempt(customer.attempt_id, customer.lead_id, customer.campaign, customer.number, customer.person)
        values = callback_row(made, WISH, when.at, note, by, moment)
        named = {"agent": plain(agent, 100), "zone": when.clock.key, "reason": when.moved}
        wish = newest_wish(Statements(conn.dialect.name)).returning(CALLBACKS.c.id)
        ident = conn.execute(wish, {**values, **named}).scalar_one_or_none()
        if ident is None:
            raise OrderRefused("the callback of this attempt is being dialed, is done, or was changed meanwhile")
    return show(url, ident) or {}


def reschedule(
    url: str, known: Known, ident: int, *, at: str, zone: str = "", agent: str | None = None, now: float | None = None
) -> dict[str, Any] | None:
    """Another time for an open callback, and another agent if one is named (empty: anyone); None: there is none."""
    moment = time.time() if now is None else now
    if agent:
        _agent(known, agent)
    with connected(url, write=True) as conn:
        row = _open(conn, ident)
        if row is None:
            return None
        customer = _Customer(row.attempt_id, row.lead_id, row.number, row.person, row.campaign)
        when = _when(conn, known, customer, at, zone or row.zone, moment)
        values: dict[str, Any] = {"due_at": when.at, "wanted_at": when.at, "zone": when.clock.key, "changed_at": moment}
        values |= {"reason": when.moved or "rescheduled", "tries": 0}
        values |= {} if agent is None else {"agent": plain(agent, 100)}
        _change(conn, ident, values)
    return show(url, ident)


def cancel(url: str, ident: int, *, reason: str, now: float | None = None) -> dict[str, Any] | None:
    """Call an open callback off; None when there is none."""
    moment = time.time() if now is None else now
    with connected(url, write=True) as conn:
        if _open(conn, ident) is None:
            return None
        state = CallbackState.CANCELLED.value
        _change(conn, ident, {"state": state, "reason": plain(reason, 1000) or "cancelled", "changed_at": moment})
    return show(url, ident)


def show(url: str, ident: int) -> dict[str, Any] | None:
    """One callback as ``quality.callbacks`` tells it, or None."""
    found = quality.callbacks(url, state=None, ident=ident, limit=1)
    return found[0] if found else None


def told(row: Mapping[str, Any]) -> str:
    """When a callback is wanted, by the customer's clock."""
    return local(row["wanted_at"], find_zone(row["zone"]) or ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class _Attempt:
    id: str
    lead_id: int
    campaign: str
    number: str
    person: str


def _agent(known: Known, agent: str) -> None:
    if agent and agent not in known.agents:
        raise OrderRefused(f"agent {agent!r}: expected one of the configuration")


def _of_attempt(conn: Connection, attempt: str) -> _Customer:
    row = conn.execute(select(ATTEMPTS).where(ATTEMPTS.c.id == attempt)).one_or_none()
    if row is None:
        raise OrderRefused(f"there is no attempt {attempt}")
    return _Customer(row.id, row.lead_id, row.number, row.person, row.campaign)


def _of_lead(conn: Connection, known: Known, lead: int, campaign: str) -> _Customer:
    if campaign not in known.campaigns:
        raise OrderRefused(f"campaign {campaign!r}: expected one of the configuration")
    lists = list(known.campaigns[campaign][0])
    row = conn.execute(
        select(LEADS.c.person, NUMBERS.c.e164)
        .select_from(
            LEADS.join(LISTS, LISTS.c.id == LEADS.c.list_id).join(
                NUMBERS, (NUMBERS.c.lead_id == LEADS.c.id) & (NUMBERS.c.position == LEADS.c.position)
            )
        )
        .where(LEADS.c.id == lead, LISTS.c.name.in_(lists))
    ).one_or_none()
    if row is None:
        raise OrderRefused(f"there is no lead {lead} in the lists of campaign {campaign}")
    return _Customer(f"order-{uuid.uuid4()}", lead, row.e164, row.person, campaign)


def _only_one(conn: Connection, customer: _Customer) -> None:
    """One wish of a customer at a time: an order that is sent twice must not call twice. Raises OrderRefused."""
    cb = CALLBACKS.c
    same = (cb.person == customer.person) & (cb.campaign == customer.campaign) & (cb.kind == WISH)
    waits = cb.state.in_([state.value for state in ACTIVE]) & (cb.attempt_id != customer.attempt_id)
    other = conn.execute(select(cb.id, cb.state).where(same, waits).limit(1)).one_or_none()
    if other is not None:
        what = "reschedule or cancel that one" if other.state == _OPEN else "it is at hand"
        raise OrderRefused(f"callback {other.id} of this customer is {other.state}: {what}")


@dataclass(frozen=True, slots=True)
class _When:
    """The instant, by whose clock it was said, and why it is not the one that was asked for."""

    clock: ZoneInfo
    at: float
    moved: str


def _when(conn: Connection, known: Known, customer: _Customer, at: str, zone: str, now: float) -> _When:
    """Without a zone the clock is the customer's own; outside calling hours it is the next opening."""
    clock = find_zone(zone) if zone else None
    if zone and clock is None:
        raise OrderRefused(f"zone {zone!r}: expected a name such as Europe/Berlin")
    joined = select(ZONES.c.zones).join(NUMBERS, NUMBERS.c.zone_set_id == ZONES.c.id)
    mine = joined.where(NUMBERS.c.lead_id == customer.lead_id, NUMBERS.c.e164 == customer.number).limit(1)
    found = conn.execute(mine).scalar_one_or_none() or ""
    zones = tuple(found.split("|")) if found else ()
    windows = known.campaigns[customer.campaign][1] if customer.campaign in known.campaigns else None
    clock = clock or zone_for(zones, "UTC" if windows is None else windows.default_zone)
    try:
        wanted = parse(at, clock, now)
    except MomentError as error:
        raise OrderRefused(str(error)) from None
    hours = None if windows is None else open_in_all(windows, zones, wanted)
    if hours is None or hours.open:
        return _When(clock, wanted, "")
    if hours.next_open_at is None:
        raise OrderRefused(f"{hours.reason}: expected a time at which the customer may be called")
    moved = f"wanted for {local(wanted, clock)}, {hours.reason}: moved to the next opening"
    return _When(clock, hours.next_open_at, moved)


def _open(conn: Connection, ident: int) -> Row[Any] | None:
    row = conn.execute(select(CALLBACKS).where(CALLBACKS.c.id == ident)).one_or_none()
    if row is not None and row.state != _OPEN:
        raise OrderRefused(f"callback {ident} is {row.state}: expected an open one")
    return row


def _change(conn: Connection, ident: int, values: Mapping[str, Any]) -> None:
    still = (CALLBACKS.c.id == ident) & (CALLBACKS.c.state == _OPEN)
    if conn.execute(update(CALLBACKS).where(still).values(**values)).rowcount != 1:
        raise OrderRefused(f"callback {ident} was taken in this instant: it is being dialed")
