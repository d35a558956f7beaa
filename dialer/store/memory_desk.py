"""Agents' work in the store without a database: PINs, callbacks, refusals for good, recordings.

Owns what ``desk_records`` owns in SQL. PINs are kept as they are and compared at once: this store is for simulated
people. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dialer.domain.desk_records import (
    GOING,
    TO_UPLOAD,
    AddDoNotCall,
    DeskRecord,
    RequestCallback,
    SaveOwnCall,
    SaveRecording,
)
from dialer.domain.events import RecordingFact
from dialer.domain.lead import LeadState, LeadTrigger
from dialer.domain.phones import CheckPin, PinChecked
from dialer.leads.eligibility import DNC
from dialer.store import pins
from dialer.store.memory_callbacks import MemoryCallback, MemoryCallbacks, Wisher
from dialer.store.memory_inbound import MemoryInbound
from dialer.store.memory_rows import MemoryAttempt, MemoryDoNotCall, MemoryLead


class MemoryDesk:
    """``attempts`` and ``leads`` are the store's own; ``move`` moves a lead by its table, ``block`` adds a number,
    ``caller`` makes of whoever called in the customer of the campaign that dials their callback.
    """

    def __init__(
        self,
        attempts: Mapping[str, MemoryAttempt],
        leads: Mapping[int, MemoryLead],
        move: Callable[[MemoryLead, LeadTrigger, str], None],
        block: Callable[[MemoryDoNotCall], None],
        inbound: MemoryInbound,
        wishes: MemoryCallbacks,
        caller: Callable[[Wisher], Wisher],
        own_calls: dict[str, SaveOwnCall],
    ) -> None:
        self._attempts = attempts
        self._leads = leads
        self._move = move
        self._block = block
        self._inbound = inbound
        self._caller = caller
        self._pins: dict[str, str] = {}
        self._tries: dict[str, pins.Tries] = {}
        self._wishes = wishes
        self.recordings: dict[tuple[str, str], SaveRecording] = {}
        self.own_calls = own_calls

    def unfinished(self) -> tuple[RecordingFact, ...]:
        """Recordings that go on as far as is known, or are still to be brought here."""
        return tuple(
            RecordingFact(
                each.attempt_id,
                each.campaign,
                each.agent,
                each.node,
                each.path,
                each.started_at,
                each.duration_s,
                each.masked,
                each.masked_at,
                each.state == TO_UPLOAD,
                each.problem,
            )
            for each in self.recordings.values()
            if each.state in (GOING, TO_UPLOAD)
        )

    def set_pin(self, agent: str, pin: str) -> None:
        """Give an agent a PIN. Raises PinError."""
        self._pins[agent] = pins.checked(pin, agent)
        self._tries.pop(agent, None)

    def check_pin(self, command: CheckPin) -> PinChecked:
        """Right or wrong; wrong ones are counted, also of agents whom nobody knows."""
        tries = self._tries.get(command.agent, pins.Tries(counted_from=command.at))
        left = pins.locked_s(tries, command.at)
        if left > 0.0:
            return PinChecked(command.session, command.agent, False, left)
        if self._pins.get(command.agent) == command.pin:
            self._tries.pop(command.agent, None)
            return PinChecked(command.session, command.agent, True)
        self._tries[command.agent], left = pins.counted(tries, command.at, command.lock_after)
        return PinChecked(command.session, command.agent, False, left)

    def record(self, command: DeskRecord) -> None:
        """Execute an order that has no answer; one about an attempt that is not there does nothing."""
        match command:
            case SaveRecording():
                former = self.recordings.get((command.node, command.path))
                if former is None or former.state == GOING or (former.state == TO_UPLOAD and command.state != GOING):
                    self.recordings[command.node, command.path] = command
            case SaveOwnCall():
                self.own_calls.setdefault(command.ident, command)
            case RequestCallback():
                if (whose := self._whose(command.attempt_id)) is not None:
                    called = command.attempt_id in self._attempts
                    self._wishes.wish(command, whose if called else self._caller(whose))
            case AddDoNotCall():
                self._do_not_call(command)

    @property
    def callbacks(self) -> Mapping[str, MemoryCallback]:
        """Customers to be called again, by the attempt in which they asked for it."""
        return self._wishes.by_attempt

    def _whose(self, call_id: str) -> Wisher | None:
        """The customer of an attempt, or of a call that came in, of which the number is known."""
        attempt, call = self._attempts.get(call_id), self._inbound.calls.get(call_id)
        if attempt is not None:
            opened = attempt.opened
            return Wisher(opened.lead_id, opened.campaign, opened.number, opened.person)
        if call is not None and call.fact.number:
            fact = call.fact
            person, queue = fact.person or fact.number, fact.queue
            return Wisher(fact.lead_id, queue, fact.number, person, returned=fact.campaign, queue=queue)
        return None

    def _do_not_call(self, command: AddDoNotCall) -> None:
        whose = self._whose(command.attempt_id)
        if whose is None:
            return
        self._block(MemoryDoNotCall(whose.number))
        self._wishes.blocked(whose.number, whose.lead_id)
        lead = self._leads.get(whose.lead_id)
        if lead is None:
            return
        if lead.state is LeadState.READY:
            self._move(lead, LeadTrigger.FINISH, DNC)
        elif lead.state is LeadState.DONE:
            lead.reason = DNC
