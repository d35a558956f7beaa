"""Stores for tests: memory, SQLite and PostgreSQL behind one small bench with the same ways in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pg import require_server
from sqlalchemy import insert, select

from dialer.domain.commands import ClaimLeads, CloseAttempt, OpenAttempt, StoreCommand
from dialer.domain.events import LeadsClaimed, Recovered, StoreEvent
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CallWindows, CampaignSettings, Mode, RecycleRule
from dialer.store.database import make_engine
from dialer.store.imports import DncEntry, add_do_not_call
from dialer.store.memory import MemoryDoNotCall, MemoryStore
from dialer.store.migrations import upgrade
from dialer.store.pin_admin import set_pin
from dialer.store.pins import PinQuestion, PinRight
from dialer.store.service import StoreService
from dialer.store.statements import LEADS, LISTS, NUMBERS, ZONES
from routing.boxes import Numbers
from routing.intake import Rules
from routing.tiers import ORDINARY, TierPlan, TierRule
from routing.vip import VipRule

NOW = 1_790_000_000.0  # Monday 2026-09-21 14:13:20 UTC: 10:13 in New York, 07:13 in Los Angeles
ALWAYS = CallWindows(days=(((0, 1440),),) * 7, default_zone="UTC")
OFFICE = CallWindows(days=(((8 * 60, 20 * 60),),) * 7, default_zone="UTC")


def campaign(name: str = "sales", **changes: object) -> CampaignSettings:
    values: dict[str, object] = {
        "name": name,
        "mode": Mode.PROGRESSIVE,
        "lists": ("main",),
        "trunk": "t1",
        "message": "message.wav",
        "windows": ALWAYS,
        "max_attempts": 3,
    }
    return CampaignSettings(**{**values, **changes})  # type: ignore[arg-type]


CAMPAIGNS: Mapping[str, CampaignSettings] = {
    "sales": campaign(recycle={Outcome.BUSY: RecycleRule(300.0, max_times=2)}),
    "office": campaign("office", windows=OFFICE, lists=("main", "second")),
}


ROUTING = Rules(
    tier_plan=TierPlan((TierRule("high", {"value": Numbers(low=1000.0)}),), ORDINARY),
    vips=(VipRule("board", companies=frozenset({"Acme"}), agent="7", group="gold"),),
    own_age_s=1_000.0,
)


@dataclass(frozen=True)
class LeadNow:
    """What a test may ask of a lead."""

    state: str
    reason: str
    due_at: float
    attempts: int


_IDS = itertools.count(1)


def attempt(lead: ClaimedLead, attempt_id: str | None = None, at: float = NOW, **changes: object) -> OpenAttempt:
    values: dict[str, object] = {
        "attempt_id": attempt_id or f"attempt-{next(_IDS)}",
        "campaign": lead.campaign,
        "lead_id": lead.lead_id,
        "number_id": lead.number_id,
        "number": lead.number,
        "person": lead.person,
        "node": "n1",
        "trunk": "t1",
        "agent": None,
        "opened_at": at,
    }
    return OpenAttempt(**{**values, **changes})  # type: ignore[arg-type]


def closing(
    opened: OpenAttempt, outcome: Outcome = Outcome.NO_ANSWER, at: float = NOW, **changes: object
) -> CloseAttempt:
    values: dict[str, object] = {
        "attempt_id": opened.attempt_id,
        "lead_id": opened.lead_id,
        "number_id": opened.number_id,
        "outcome": outcome,
        "reason": "as the test says",
        "ended_at": at,
    }
    return CloseAttempt(**{**values, **changes})  # type: ignore[arg-type]


class Bench:
    """One store under test."""

    sql = True

    def execute(self, commands: Sequence[StoreCommand], now: float = NOW) -> list[StoreEvent]:
        raise NotImplementedError

    def add_lead(
        self,
        numbers: Sequence[str],
        *,
        list_name: str = "main",
        person: str | None = None,
        zones: Sequence[str] = ("America/New_York",),
        priority: int = 0,
        due_at: float = 0.0,
        fields: Mapping[str, str] | None = None,
        line_type: str = "",
    ) -> int:
        raise NotImplementedError

    def block(
        self, value: str, *, by_prefix: bool = False, campaign: str = "", expires_at: float | None = None
    ) -> None:
        raise NotImplementedError

    def lead(self, lead_id: int) -> LeadNow:
        raise NotImplementedError

    def restart(self, now: float = NOW) -> Recovered:
        raise NotImplementedError

    def set_pin(self, agent: str, pin: str) -> None:
        raise NotImplementedError

    def claim(self, count: int, name: str = "sales", now: float = NOW, lease_s: float = 300.0) -> LeadsClaimed:
        (event,) = self.execute([ClaimLeads(name, count, lease_s)], now)
        assert isinstance(event, LeadsClaimed)
        return event


class MemoryBench(Bench):
    sql = False

    def __init__(self, campaigns: Mapping[str, CampaignSettings] = CAMPAIGNS, rules: Rules = ROUTING) -> None:
        self.store = MemoryStore(campaigns, rules)

    def execute(self, commands: Sequence[StoreCommand], now: float = NOW) -> list[StoreEvent]:
        return self.store.execute(commands, now)

    def add_lead(
        self,
        numbers: Sequence[str],
        *,
        list_name: str = "main",
        person: str | None = None,
        zones: Sequence[str] = ("America/New_York",),
        priority: int = 0,
        due_at: float = 0.0,
        fields: Mapping[str, str] | None = None,
        line_type: str = "",
    ) -> int:
        return self.store.add_lead(
            list_name,
            numbers,
            person=person,
            zones=zones,
            priority=priority,
            due_at=due_at,
            fields=fields,
            line_type=line_type,
        )

    def block(
        self, value: str, *, by_prefix: bool = False, campaign: str = "", expires_at: float | None = None
    ) -> None:
        self.store.do_not_call(MemoryDoNotCall(value, by_prefix, campaign, expires_at))

    def lead(self, lead_id: int) -> LeadNow:
        found = self.store.lead(lead_id)
        return LeadNow(found.state.value, found.reason, found.due_at, found.attempts)

    def restart(self, now: float = NOW) -> Recovered:
        return self.store.recover(now)

    def set_pin(self, agent: str, pin: str) -> None:
        self.store.desk.set_pin(agent, pin)


@dataclass
class SqlBench(Bench):
    url: str
    owner: str = "alpha"
    epoch: int = 1
    campaigns: Mapping[str, CampaignSettings] = field(default_factory=lambda: CAMPAIGNS)
    rules: Rules = ROUTING

    def __post_init__(self) -> None:
        upgrade(self.url)
        self.engine = make_engine(self.url, busy_timeout_s=5.0)
        self.service = self.open(self.owner)

    def open(self, owner: str, busy_timeout_s: float = 5.0) -> StoreService:
        return StoreService(
            self.url,
            owner=owner,
            epoch=f"run{self.epoch}",
            campaigns=self.campaigns,
            busy_timeout_s=busy_timeout_s,
            rules=self.rules,
        )

    def execute(self, commands: Sequence[StoreCommand], now: float = NOW) -> list[StoreEvent]:
        events = []
        for event in self.service.execute(commands, now):
            if isinstance(event, PinQuestion):  # as the worker does, which hashes in a thread
                event = event.answer()
                if event.ok:
                    (event,) = self.service.execute([PinRight(event.session, event.agent)], now)
            events.append(event)
        return events

    def set_pin(self, agent: str, pin: str) -> None:
        set_pin(self.url, agent, pin, now=NOW)

    def add_lead(
        self,
        numbers: Sequence[str],
        *,
        list_name: str = "main",
        person: str | None = None,
        zones: Sequence[str] = ("America/New_York",),
        priority: int = 0,
        due_at: float = 0.0,
        fields: Mapping[str, str] | None = None,
        line_type: str = "",
    ) -> int:
        with self.engine.begin() as conn:
            list_id = _id(conn, LISTS, LISTS.c.name == list_name, {"name": list_name, "created_at": 0.0})
            joined = "|".join(sorted(zones))
            zone_set = _id(conn, ZONES, ZONES.c.zones == joined, {"zones": joined})
            lead_id = conn.execute(
                insert(LEADS).returning(LEADS.c.id),
                {
                    "list_id": list_id,
                    "person": person or numbers[0],
                    "name": "",
                    "timezone": "",
                    "language": "",
                    "priority": priority,
                    "tags": "",
                    "fields": json.dumps(fields or {}),
                    "state": "ready",
                    "reason": "",
                    "due_at": due_at,
                    "attempts": 0,
                    "position": 1,
                    "zone_set_id": zone_set,
                    "claimed_by": "",
                    "claim_epoch": "",
                    "claim_campaign": "",
                    "lease_until": 0.0,
                    "changed_at": 0.0,
                },
            ).scalar_one()
            for position, e164 in enumerate(numbers, 1):
                values = {"lead_id": lead_id, "position": position, "e164": e164, "zone_set_id": zone_set}
                values["line_type"] = line_type
                conn.execute(insert(NUMBERS), values)
            return lead_id

    def block(
        self, value: str, *, by_prefix: bool = False, campaign: str = "", expires_at: float | None = None
    ) -> None:
        add_do_not_call(self.url, [DncEntry(value, by_prefix, campaign, expires_at)], now=0.0)

    def lead(self, lead_id: int) -> LeadNow:
        with self.engine.connect() as conn:
            row = conn.execute(select(LEADS).where(LEADS.c.id == lead_id)).one()
        return LeadNow(row.state, row.reason, row.due_at, row.attempts)

    def restart(self, now: float = NOW) -> Recovered:
        self.service.close()
        self.epoch += 1
        self.service = self.open(self.owner)
        return self.service.recover(now)


def bench_on(kind: str, folder: Path, campaigns: Mapping[str, CampaignSettings] = CAMPAIGNS) -> Bench:
    """A fresh store of one of the three kinds: memory, sqlite (in ``folder``) or postgres."""
    if kind == "memory":
        return MemoryBench(campaigns)
    url = f"sqlite:///{folder}/store.db" if kind == "sqlite" else require_server().new_database()
    return SqlBench(url, campaigns=campaigns)


def _id(conn, table, where, values) -> int:  # type: ignore[no-untyped-def]
    found = conn.execute(select(table.c.id).where(where)).scalar_one_or_none()
    if found is not None:
        return found
    return conn.execute(insert(table).returning(table.c.id), values).scalar_one()
