"""Callbacks in the store without a database: what ``store.callbacks`` does in SQL, by ``CALLBACK_TABLE``. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialer.domain.callbacks import (
    ACTIVE,
    CALLBACK_TABLE,
    WISH,
    CallbackClaimed,
    CallbackFact,
    CallbackGone,
    CallbackSettings,
    CallbacksSeen,
    CallbackState,
    CallbackTrigger,
    ClaimCallback,
    LookCallbacks,
    PutBackCallback,
)
from dialer.domain.commands import CloseAttempt, OpenAttempt
from dialer.domain.desk_records import RequestCallback
from dialer.domain.lead import ClaimedLead, LeadState
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.leads.callbacks import NEWER_WISH, CallbackFate, after_call, after_refusal, expired
from dialer.leads.eligibility import CallbackHeld, Verdict
from dialer.store.errors import StoreError
from dialer.store.memory_rows import MemoryAttempt, MemoryLead, MemoryNumber

EARLY_S = 1.0
_ENDS = {
    CallbackState.OPEN: CallbackTrigger.PUT_BACK,
    CallbackState.DONE: CallbackTrigger.FINISH,
    CallbackState.FAILED: CallbackTrigger.FAIL,
    CallbackState.CANCELLED: CallbackTrigger.CANCEL,
}
Dress = Callable[[MemoryLead, MemoryNumber, str, float, float], ClaimedLead]
"""A lead, its number to be dialed, the campaign, the lease's end, the present: as the engine gets it."""


@dataclass(slots=True, eq=False)
class MemoryCallback:
    """A callback; ``epoch`` is the run that holds it."""

    ident: int
    attempt_id: str
    lead_id: int
    campaign: str
    number: str
    person: str
    agent: str
    due_at: float
    wanted_at: float
    note: str
    created_by: str
    created_at: float
    zone: str = ""
    kind: str = WISH
    state: CallbackState = CallbackState.OPEN
    reason: str = ""
    tries: int = 0
    last_attempt: str = ""
    epoch: int = 0
    lease_until: float = 0.0
    lead_was: LeadState = LeadState.READY
    lead_reason: str = ""
    queue: str = ""
    history: tuple[CallbackState, ...] = ()  # every state it was in, for tests


@dataclass(frozen=True, slots=True)
class Wisher:
    """Whose wish it is: a customer whom we called, or who called. ``lead_id`` is 0 for nobody whom we know;
    ``queue``: where a caller had called, ``returned``: whose call they returned."""

    lead_id: int
    campaign: str
    number: str
    person: str
    reason: str = ""
    returned: str = ""
    queue: str = ""


class MemoryCallbacks:
    """``leads`` and ``attempts`` are the store's own; ``dress`` makes a claimed lead."""

    def __init__(
        self,
        campaigns: Mapping[str, CampaignSettings],
        leads: Mapping[int, MemoryLead],
        attempts: Mapping[str, MemoryAttempt],
        dress: Dress,
    ) -> None:
        self._rules = {name: each.callbacks for name, each in campaigns.items() if each.callbacks is not None}
        self._leads = leads
        self._attempts = attempts
        self._dress = dress
        self.rows: dict[int, MemoryCallback] = {}
        self.by_attempt: dict[str, MemoryCallback] = {}
        self.epoch = 1

    def wish(self, command: RequestCallback, whose: Wisher) -> None:
        """A customer's wish; see ``desk_records.callback``."""
        former = self.by_attempt.get(command.attempt_id)
        if former is not None and (
            former.created_at > command.at
            or CALLBACK_TABLE.next(former.state, CallbackTrigger.ASK_AGAIN) is None
        ):
            return
        ident = former.ident if former is not None else len(self.rows) + 1
        made = MemoryCallback(
            ident,
            command.attempt_id,
            whose.lead_id,
            whose.campaign,
            whose.number,
            whose.person,
            command.agent,
            command.due_at,
            command.due_at,
            command.note,
            command.by_agent,
            command.at,
            command.zone,
            reason=whose.reason,
            queue=whose.queue,
        )
        self.rows[ident] = self.by_attempt[command.attempt_id] = made
        for row in self.rows.values():
            if row is not made and self._waits_of(whose, row) and row.created_at <= command.at:
                self._move(row, CallbackTrigger.CANCEL, NEWER_WISH)

    @staticmethod
    def _waits_of(whose: Wisher | OpenAttempt, row: MemoryCallback) -> bool:
        """Whether it is a wish of this customer about the same thing, and not under way yet."""
        waits = row.state in (CallbackState.OPEN, CallbackState.CLAIMED) and row.kind == WISH
        return waits and (row.person, row.campaign) == (whose.person, whose.campaign)

    def promised(self, lead_id: int) -> bool:
        """Whether the lead's customer is to be called back, and thus not otherwise."""
        return any(
            row.lead_id == lead_id and row.state in ACTIVE and row.campaign in self._rules
            for row in self.rows.values()
        )

    def look(self, command: LookCallbacks, now: float) -> CallbacksSeen:
        """What is to be dialed soon."""
        mine = [row for row in self.rows.values() if row.campaign in command.campaigns]
        for row in mine:
            if row.state is CallbackState.CLAIMED and row.lease_until <= now:
                self._move(row, CallbackTrigger.PUT_BACK, "whoever held it did not dial it")
        given_up = 0
        for row in mine:
            rules = self._rules.get(row.campaign, CallbackSettings())
            if row.state is CallbackState.OPEN and row.due_at <= now and row.wanted_at <= now - rules.expires_s:
                self._move(row, CallbackTrigger.FAIL, expired(rules))
                given_up += 1
        waiting = sorted((r for r in mine if r.state is CallbackState.OPEN), key=lambda r: (r.due_at, r.ident))
        facts = tuple(
            CallbackFact(
                r.ident, r.kind, r.campaign, r.lead_id, r.agent, r.due_at, r.wanted_at, r.tries, r.reason, r.queue
            )
            for r in waiting
            if r.due_at <= command.until
        )
        return CallbacksSeen(facts[: command.count], tuple(Counter(r.campaign for r in waiting).items()), given_up)

    def claim(self, command: ClaimCallback, now: float) -> CallbackClaimed | CallbackGone:
        """Make it this run's, for an agent who is reserved."""
        row = self.rows.get(command.callback)
        held = row is not None and row.state is CallbackState.CLAIMED
        if (
            row is None
            or row.campaign != command.campaign
            or row.due_at > now + EARLY_S
            or not (row.state is CallbackState.OPEN or (held and (row.lease_until <= now or row.epoch == self.epoch)))
        ):
            return CallbackGone(command.callback, "it is not open, not due, or another dialer's")
        self._move(row, CallbackTrigger.CLAIM, f"reserved for agent {command.agent}")
        row.epoch, row.lease_until = self.epoch, now + command.lease_s
        lead = self._leads.get(row.lead_id)
        number = None if lead is None else self._number(lead, row.number)
        if lead is None or number is None:
            self._move(row, CallbackTrigger.FAIL, "the lead is gone, or no number of it is known to work")
            return CallbackGone(command.callback, row.reason)
        return CallbackClaimed(row.ident, self._dress(lead, number, row.campaign, row.lease_until, now), row.note)

    @staticmethod
    def _number(lead: MemoryLead, wanted: str) -> MemoryNumber | None:
        alive = [(number.e164 != wanted, i != lead.current, i) for i, number in enumerate(lead.numbers)
                 if not number.dead]  # fmt: skip
        return lead.numbers[min(alive)[2]] if alive else None

    def put_back(self, command: PutBackCallback) -> None:
        """Open again."""
        row = self.rows.get(command.callback)
        held = row is not None and row.state is CallbackState.CLAIMED and row.epoch == self.epoch
        if row is not None and (held or row.state is CallbackState.OPEN):
            self._move(row, CallbackTrigger.PUT_BACK, command.reason)
            row.due_at = row.due_at if command.due_at is None else command.due_at

    def held(self, callback: int) -> CallbackHeld | None:
        """What the gate must know."""
        row = self.rows.get(callback)
        if row is None:
            return None
        ours = row.epoch == self.epoch and row.state is CallbackState.CLAIMED
        return CallbackHeld(ours, row.kind == WISH, row.lease_until)

    def dial(self, command: OpenAttempt, lead: MemoryLead) -> None:
        """It is being dialed."""
        row = self.rows[command.callback]
        self._move(row, CallbackTrigger.DIAL, row.reason)
        row.tries += 1
        row.last_attempt = command.attempt_id
        row.lead_was = LeadState.DONE if lead.state is LeadState.DONE else LeadState.READY
        row.lead_reason = lead.reason

    def refused(self, callback: int, verdict: Verdict, now: float) -> None:
        """The gate said no."""
        self._carry_out(self.rows[callback], after_refusal(verdict, now))

    def closed(self, callback: int, command: CloseAttempt) -> str | None:
        """Its call is over; why the lead rests again, or None when the call decides that."""
        row = self.rows.get(callback)
        if row is None or row.state is not CallbackState.DIALING or row.last_attempt != command.attempt_id:
            return None
        rules = self._rules.get(row.campaign, CallbackSettings())
        self._carry_out(row, after_call(command.outcome, row.tries, rules, command.ended_at))
        rests = row.lead_was is LeadState.DONE and command.outcome is not Outcome.CONNECTED
        return (row.lead_reason or command.outcome.value) if rests else None

    def again(self, command: CloseAttempt) -> LeadState | None:
        """Its line failed and this run tries another one: claimed as before; what the lead rests in then, or None."""
        row = self.rows.get(command.callback)
        if row is None or row.epoch != self.epoch or row.last_attempt != command.attempt_id:
            return None
        if row.state is not CallbackState.DIALING:
            return None
        self._move(row, CallbackTrigger.AGAIN, row.reason)
        row.tries -= 1
        return row.lead_was

    def talked(self, attempt: OpenAttempt) -> None:
        """Whoever was spoken with need not be called for what they wished before."""
        for row in self.rows.values():
            older = row.attempt_id != attempt.attempt_id and row.created_at <= attempt.opened_at
            if older and self._waits_of(attempt, row):
                reason = f"spoken with meanwhile, in attempt {attempt.attempt_id}"
                self._move(row, CallbackTrigger.FINISH, reason)

    def served(self, call: str, whose: Wisher, at: float) -> None:
        """Whoever called in at ``at`` and was spoken with need not be called for what they wished before."""
        for row in self.rows.values():
            theirs = whose.number == row.number or whose.person == row.person
            waits = row.state in (CallbackState.OPEN, CallbackState.CLAIMED) and row.kind == WISH
            if theirs and waits and row.campaign == whose.campaign and row.created_at <= at:
                self._move(row, CallbackTrigger.FINISH, f"spoken with meanwhile, in call {call}")

    def blocked(self, number: str, lead_id: int) -> None:
        """The customer is never to be called again."""
        for row in self.rows.values():
            waits = row.state in (CallbackState.OPEN, CallbackState.CLAIMED)
            if waits and (row.number == number or (lead_id and row.lead_id == lead_id)):
                self._move(row, CallbackTrigger.CANCEL, "do not call: the customer said so")

    def new_run(self) -> None:
        """What the former run held and did not dial is open again."""
        self.epoch += 1
        for row in self.rows.values():
            if row.state is CallbackState.CLAIMED:
                self._move(row, CallbackTrigger.PUT_BACK, "the dialer was restarted")

    def _carry_out(self, row: MemoryCallback, fate: CallbackFate) -> None:
        self._move(row, _ENDS[fate.state], fate.reason)
        row.tries -= fate.uncounted
        if fate.due_at is not None:
            row.due_at = fate.due_at
            row.wanted_at = fate.due_at if fate.wanted else row.wanted_at

    @staticmethod
    def _move(row: MemoryCallback, trigger: CallbackTrigger, reason: str) -> None:
        target = CALLBACK_TABLE.next(row.state, trigger)
        if target is None:
            raise StoreError(f"callback {row.ident}: {trigger.value} is not possible while {row.state.value}")
        row.history += (row.state,)
        row.state, row.reason = target, reason
        if target is not CallbackState.CLAIMED and target is not CallbackState.DIALING:
            row.lease_until = 0.0
