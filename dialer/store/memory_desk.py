"""Agents' work in the store without a database: PINs, callbacks, refusals for good, recordings.

Owns what ``desk_records`` owns in SQL. PINs are kept as they are and compared at once: this store is for simulated
people. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
from dialer.store.memory_inbound import MemoryInbound
from dialer.store.memory_rows import MemoryAttempt, MemoryDoNotCall, MemoryLead


@dataclass(frozen=True, slots=True)
class MemoryCallback:
    """An open wish to be called again."""

    attempt_id: str
    lead_id: int
    campaign: str
    number: str
    agent: str
    due_at: float
    note: str
    created_by: str
    created_at: float


class MemoryDesk:
    """``attempts`` and ``leads`` are the store's own; ``move`` moves a lead by its table, ``block`` adds a number."""

    def __init__(
        self,
        attempts: Mapping[str, MemoryAttempt],
        leads: Mapping[int, MemoryLead],
        move: Callable[[MemoryLead, LeadTrigger, str], None],
        block: Callable[[MemoryDoNotCall], None],
        inbound: MemoryInbound,
    ) -> None:
        self._attempts = attempts
        self._leads = leads
        self._move = move
        self._block = block
        self._inbound = inbound
        self._pins: dict[str, str] = {}
        self._tries: dict[str, pins.Tries] = {}
        self.callbacks: dict[str, MemoryCallback] = {}
        self.recordings: dict[tuple[str, str], SaveRecording] = {}
        self.own_calls: dict[str, SaveOwnCall] = {}

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
                self._callback(command)
            case AddDoNotCall():
                self._do_not_call(command)

    def _callback(self, command: RequestCallback) -> None:
        whose, former = self._whose(command.attempt_id), self.callbacks.get(command.attempt_id)
        if whose is None or (former is not None and former.created_at > command.at):
            return
        lead_id, campaign, number = whose
        self.callbacks[command.attempt_id] = MemoryCallback(
            command.attempt_id,
            lead_id,
            campaign,
            number,
            command.agent,
            command.due_at,
            command.note,
            command.by_agent,
            command.at,
        )

    def _whose(self, call_id: str) -> tuple[int, str, str] | None:
        """Lead, campaign and number of an attempt, or of a call that came in, of which the number is known."""
        attempt, call = self._attempts.get(call_id), self._inbound.calls.get(call_id)
        if attempt is not None:
            return attempt.opened.lead_id, attempt.opened.campaign, attempt.opened.number
        if call is not None and call.fact.number:
            return call.fact.lead_id, call.fact.queue, call.fact.number
        return None

    def _do_not_call(self, command: AddDoNotCall) -> None:
        whose = self._whose(command.attempt_id)
        if whose is None:
            return
        self._block(MemoryDoNotCall(whose[2]))
        lead = self._leads.get(whose[0])
        if lead is None:
            return
        if lead.state is LeadState.READY:
            self._move(lead, LeadTrigger.FINISH, DNC)
        elif lead.state is LeadState.DONE:
            lead.reason = DNC
