"""Calls that come in, in the store without a database: what ``inbound`` is in SQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dialer.domain.commands import NoteBridge
from dialer.domain.desk_records import SaveOwnCall
from dialer.domain.inbound import (
    ArrivalJudged,
    CloseInbound,
    InboundRecord,
    JudgeArrival,
    NoteInbound,
    OpenInbound,
    OpenInboundFact,
)
from dialer.domain.settings import CampaignSettings
from dialer.store.judging import KnownLead, judged
from dialer.store.memory_rows import MemoryAttempt, MemoryLead
from routing.affinity import Attempt, Conversation
from routing.facts import Direction
from routing.intake import Rules


@dataclass(slots=True, eq=False)
class MemoryInboundCall:
    """A call that came in; open while ``closed`` is None."""

    fact: OpenInboundFact
    epoch: int
    closed: CloseInbound | None = None


class MemoryInbound:
    """``attempts``, ``leads`` and ``own_calls`` are the store's own."""

    def __init__(
        self,
        attempts: Mapping[str, MemoryAttempt],
        leads: Mapping[int, MemoryLead],
        campaigns: Mapping[str, CampaignSettings],
        rules: Rules,
        own_calls: Mapping[str, SaveOwnCall],
    ) -> None:
        self._own_calls = own_calls
        self._attempts = attempts
        self._leads = leads
        self._shown = {name: settings.caller_id for name, settings in campaigns.items()}
        self._rules = rules
        self.calls: dict[str, MemoryInboundCall] = {}
        self._going: dict[str, MemoryInboundCall] = {}

    def run(self, command: InboundRecord, epoch: int) -> ArrivalJudged | None:
        """Execute one order; ``epoch`` is this run."""
        match command:
            case OpenInbound():
                fact = OpenInboundFact(
                    command.call_id, command.number, command.dialed, command.queue, command.node, command.arrived_at
                )
                if command.call_id not in self.calls:
                    self.calls[command.call_id] = self._going[command.call_id] = MemoryInboundCall(fact, epoch)
            case JudgeArrival():
                return self._judge(command)
            case NoteInbound():
                self._note(command)
            case CloseInbound():
                call = self._open(command.call_id)
                if call is not None:
                    call.closed = command
                    del self._going[command.call_id]
        return None

    def bridged(self, command: NoteBridge) -> OpenInboundFact | None:
        """Caller and agent hear each other; None when no such call is open."""
        call = self._open(command.attempt_id)
        if call is None:
            return None
        call.fact = replace(call.fact, bridged_at=command.bridged_at, agent=command.agent)
        return call.fact

    def on_the_line(self, number: str, person: str) -> bool:
        """Whether a person, or somebody from their number, is calling in."""
        return any(call.fact.number == number or call.fact.person == person for call in self._going.values())

    def former(self, epoch: int) -> tuple[OpenInboundFact, ...]:
        """What former runs left open."""
        found = (call for call in self._going.values() if call.epoch != epoch)
        return tuple(sorted((call.fact for call in found), key=lambda fact: (fact.arrived_at, fact.call_id)))

    def is_open(self, call_id: str) -> bool:
        """Whether such a call came in and goes on."""
        return call_id in self._going

    def _open(self, call_id: str) -> MemoryInboundCall | None:
        return self._going.get(call_id)

    def _note(self, command: NoteInbound) -> None:
        call = self._open(command.call_id)
        if call is None:
            return
        fact = call.fact
        call.fact = replace(
            fact,
            answered_at=fact.answered_at if command.answered_at is None else command.answered_at,
            queued_at=command.queued_at if fact.queued_at is None else fact.queued_at,
            queue=command.queue or fact.queue,
            tier=command.tier or fact.tier,
            vip=command.vip if command.tier else fact.vip,
            lead_id=command.lead_id or fact.lead_id,
            person=command.person or fact.person,
            campaign=command.campaign or fact.campaign,
        )

    def _judge(self, command: JudgeArrival) -> ArrivalJudged:
        if not command.number:
            return judged(command, self._rules, (), (), ())
        leads = [
            KnownLead(lead.lead_id, lead.person, lead.name, lead.fields)
            for lead in sorted(self._leads.values(), key=lambda lead: -lead.lead_id)
            if any(number.e164 == command.number for number in lead.numbers)
        ]
        missed = [self._attempt(attempt) for attempt in self._attempts.values()]
        missed += [
            Attempt(own.began_at, own.number, own.shown, "", "", "", own.agent, own.answered_at is not None)
            for own in self._own_calls.values()
            if own.number and own.shown
        ]
        return judged(command, self._rules, leads, self._conversations(), missed)

    def _attempt(self, attempt: MemoryAttempt) -> Attempt:
        opened = attempt.opened
        closed_at = None if attempt.closed is None else attempt.closed.bridged_at
        bridged = attempt.bridged_at is not None or closed_at is not None
        shown, agent = opened.shown or self._shown.get(opened.campaign, ""), attempt.agent or opened.agent
        return Attempt(
            opened.opened_at, opened.number, shown, opened.campaign, str(opened.lead_id), opened.person, agent, bridged
        )

    def _conversations(self) -> Iterable[Conversation]:
        for attempt in self._attempts.values():
            if attempt.bridged_at is not None and attempt.agent:
                opened = attempt.opened
                yield Conversation(attempt.agent, attempt.bridged_at, opened.number, opened.person, opened.campaign)
        for own in self._own_calls.values():
            if own.answered_at is not None and own.number:
                yield Conversation(own.agent, own.answered_at, own.number)
        for call in self.calls.values():
            fact = call.fact
            if fact.bridged_at is not None and fact.agent:
                yield Conversation(
                    fact.agent, fact.bridged_at, fact.number, fact.person, fact.queue, Direction.INBOUND
                )
