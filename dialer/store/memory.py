"""The store without a database, for the simulator: the same commands, the same events, the same order.

Owns leads and attempts in dictionaries and moves leads by ``LEAD_TABLE``. Pure and deterministic: time is passed
in, nothing is random. The contract tests run the same cases against this and the SQL store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dialer.domain.agent import AgentState
from dialer.domain.callbacks import CallbackClaimed, ClaimCallback, LookCallbacks, PutBackCallback
from dialer.domain.commands import (
    ClaimLeads,
    CloseAttempt,
    LogAgentState,
    NoteAnswer,
    NoteBridge,
    NoteHeard,
    OpenAttempt,
    ReleaseLeads,
    SaveCampaignState,
    SaveDisposition,
    SavePacing,
    StoreCommand,
)
from dialer.domain.desk_records import AddDoNotCall, RequestCallback, SaveOwnCall, SaveRecording
from dialer.domain.events import (
    AgentFact,
    AttemptOpened,
    AttemptRefused,
    LeadsClaimed,
    OpenAttemptFact,
    Recovered,
    StoreEvent,
)
from dialer.domain.inbound import CloseInbound, Ending, JudgeArrival, NoteInbound, OpenInbound, OpenInboundFact
from dialer.domain.lead import LEAD_TABLE, ClaimedLead, LeadState, LeadTrigger
from dialer.domain.lines import SaveShownNumber
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import CheckNumber, CheckPin
from dialer.domain.settings import CampaignSettings, callers_dialed_by
from dialer.leads import recycle
from dialer.leads.callbacks import CALLED_IN, CALLERS, undialed
from dialer.leads.claiming import next_due_at
from dialer.leads.eligibility import (
    CLAIM_LOST,
    NEVER_OPEN_RETRY_S,
    NUMBER_DEAD,
    DncHit,
    GateFacts,
    Verdict,
    judge,
)
from dialer.leads.numbers import line_type, zones_for_lead
from dialer.leads.windows import OpeningTimes
from dialer.store.answers import number_verdict
from dialer.store.errors import StoreError
from dialer.store.judging import reached
from dialer.store.memory_callbacks import MemoryCallbacks, Wisher
from dialer.store.memory_desk import MemoryDesk
from dialer.store.memory_facts import pacing_facts
from dialer.store.memory_inbound import MemoryInbound
from dialer.store.memory_lines import shown_facts
from dialer.store.memory_rows import MemoryAttempt, MemoryDoNotCall, MemoryLead, MemoryNumber
from routing.intake import EVERYBODY_ORDINARY, Rules
from routing.outbound import rank

__all__ = ["MemoryAttempt", "MemoryDoNotCall", "MemoryLead", "MemoryNumber", "MemoryStore", "StoreSnapshot"]


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """What invariants look at."""

    leads: Mapping[int, LeadState]
    open_attempts: tuple[OpenAttempt, ...]
    closed_attempts: tuple[CloseAttempt, ...]
    attempt_counts: Mapping[int, int]  # per lead, as its counter says
    attempt_rows: Mapping[int, int]  # per lead, as the attempts say
    reasons: Mapping[int, str]

    def unaccounted(self) -> int:
        """Leads that a finished shift must not leave behind: claimed, dialing, or with a wrong count."""
        open_leads = {attempt.lead_id for attempt in self.open_attempts}
        return sum(
            1
            for lead_id, state in self.leads.items()
            if state in (LeadState.CLAIMED, LeadState.DIALING)
            or lead_id in open_leads
            or self.attempt_counts[lead_id] != self.attempt_rows.get(lead_id, 0)
        )


class MemoryStore:
    """Leads, attempts and the gate in memory. ``execute`` is the SQL service's, without its errors."""

    def __init__(self, campaigns: Mapping[str, CampaignSettings], rules: Rules = EVERYBODY_ORDINARY) -> None:
        self._campaigns = campaigns
        self._rules = rules
        self._openings = {name: OpeningTimes(settings.windows) for name, settings in campaigns.items()}
        self._leads: dict[int, MemoryLead] = {}
        self._numbers = 0
        self._attempts: dict[str, MemoryAttempt] = {}
        self._open: dict[str, MemoryAttempt] = {}
        self._live_persons: dict[str, str] = {}
        self._live_numbers: dict[str, str] = {}
        self._do_not_call: list[MemoryDoNotCall] = []
        self._agents: dict[str, tuple[float, str, str, LogAgentState]] = {}
        self._campaign_states: dict[str, tuple[float, str]] = {}
        self._pacing: dict[str, SavePacing] = {}
        self._shown: dict[str, SaveShownNumber] = {}
        self._known: dict[str, tuple[str, float]] = {}  # who talked to a person last, and when
        self._epoch = 1
        self.agent_log: list[LogAgentState] = []
        self.dispositions: list[SaveDisposition] = []
        own_calls: dict[str, SaveOwnCall] = {}
        self.inbound = MemoryInbound(self._attempts, self._leads, campaigns, rules, own_calls)
        self.callbacks = MemoryCallbacks(campaigns, self._leads, self._attempts, self._dressed)
        self.desk = MemoryDesk(
            self._attempts, self._leads, self._move, self.do_not_call, self.inbound, self.callbacks, self._caller,
            own_calls,
        )  # fmt: skip

    # ---- filling -------------------------------------------------------------------------------------------

    def add_lead(
        self,
        list_name: str,
        numbers: Sequence[str],
        *,
        person: str | None = None,
        zones: Sequence[str] | None = None,
        name: str = "",
        priority: int = 0,
        due_at: float = 0.0,
        fields: Mapping[str, str] | None = None,
        line_type: str = "",
    ) -> int:
        """Add a lead with ``numbers`` (E.164, in order) and return its id.

        ``zones`` binds all its numbers; without it each number is bound by its own. ``line_type`` is all its numbers'.
        """
        made = []
        for e164 in numbers:
            self._numbers += 1
            bound = tuple(sorted(zones)) if zones is not None else zones_for_lead(e164, None)
            made.append(MemoryNumber(self._numbers, e164, bound, line_type=line_type))
        lead_id = len(self._leads) + 1
        self._leads[lead_id] = MemoryLead(
            lead_id, list_name, person or numbers[0], made, name, priority, dict(fields or {}), due_at=due_at
        )
        return lead_id

    def do_not_call(self, entry: MemoryDoNotCall) -> None:
        """Add an entry, or replace the one for the same value, kind and campaign."""
        key = (entry.value, entry.by_prefix, entry.campaign)
        self._do_not_call = [e for e in self._do_not_call if (e.value, e.by_prefix, e.campaign) != key] + [entry]

    # ---- commands ------------------------------------------------------------------------------------------

    def execute(self, commands: Sequence[StoreCommand], now: float) -> list[StoreEvent]:
        """All of ``commands`` in order; their answers in order. ``now``: UTC epoch seconds."""
        events = (self._run(command, now) for command in commands)
        return [event for event in events if event is not None]

    def _run(self, command: StoreCommand, now: float) -> StoreEvent | None:
        match command:
            case OpenAttempt():
                return self._open_attempt(command, now)
            case NoteAnswer() | NoteBridge() | NoteHeard():
                self._note(command)
                if isinstance(command, NoteBridge):
                    self._caller_served(self.inbound.bridged(command))
            case OpenInbound() | JudgeArrival() | NoteInbound():
                return self.inbound.run(command, self._epoch)
            case CloseInbound():
                if self.inbound.is_open(command.call_id) and command.ending is Ending.SERVED:
                    self._returned(command)
                self.inbound.run(command, self._epoch)
            case CloseAttempt():
                self._close_attempt(command)
            case ClaimLeads():
                return self._claim(command, now)
            case ReleaseLeads():
                self._release(command, now)
            case LogAgentState():
                self._log_agent(command)
            case SaveDisposition():
                known = {(d.attempt_id, d.agent, d.at) for d in self.dispositions}
                if (command.attempt_id, command.agent, command.at) not in known:
                    self.dispositions.append(command)
            case SaveCampaignState():
                if self._campaign_states.get(command.campaign, (command.at, ""))[0] <= command.at:
                    self._campaign_states[command.campaign] = (command.at, command.state)
            case SavePacing():
                if self._pacing.get(command.campaign, command).at <= command.at:
                    self._pacing[command.campaign] = command
            case SaveShownNumber():
                if self._shown.get(command.number, command).judged_at <= command.judged_at:
                    self._shown[command.number] = command
            case CheckPin():
                return self.desk.check_pin(command)
            case CheckNumber():
                hits = [
                    DncHit(e.by_prefix, e.campaign, e.expires_at)
                    for e in self._do_not_call
                    if (command.number.startswith(e.value) if e.by_prefix else e.value == command.number)
                ]
                return number_verdict(command, self._campaigns.get(command.campaign), hits, now)
            case SaveRecording() | RequestCallback() | AddDoNotCall() | SaveOwnCall():
                self.desk.record(command)
                if isinstance(command, SaveOwnCall) and command.answered_at is not None:
                    self._talked(command.number, command.agent, command.answered_at)
            case LookCallbacks():
                return self.callbacks.look(command, now)
            case ClaimCallback():
                claimed = self.callbacks.claim(command, now)
                if isinstance(claimed, CallbackClaimed):
                    return replace(claimed, lead=replace(claimed.lead, callback=claimed.callback))
                return claimed
            case PutBackCallback():
                self.callbacks.put_back(command)
        return None

    def recover(self, now: float) -> Recovered:
        """A new run begins: what the former ones held is released, what they left open is told."""
        self._epoch += 1
        self.callbacks.new_run()
        for lead in self._leads.values():
            if lead.state is LeadState.CLAIMED:
                self._move(lead, LeadTrigger.RELEASE, "the dialer was restarted")
        former = sorted(self._open.values(), key=lambda a: (a.opened.opened_at, a.opened.attempt_id))
        attempts = tuple(
            OpenAttemptFact(
                attempt_id=o.attempt_id,
                campaign=o.campaign,
                lead_id=o.lead_id,
                number_id=o.number_id,
                number=o.number,
                person=o.person,
                node=o.node,
                opened_at=o.opened_at,
                attempts=self._leads[o.lead_id].attempts - 1,
                trunk=o.trunk,
                rang_at=attempt.rang_at,
                answered_at=attempt.answered_at,
                bridged_at=attempt.bridged_at,
                clock_at=attempt.clock_at,
                heard=attempt.heard,
                zones=next((n.zones for n in self._leads[o.lead_id].numbers if n.number_id == o.number_id), ()),
                callback=o.callback,
            )
            for attempt in former
            for o in (attempt.opened,)
        )
        agents = tuple(
            AgentFact(name, state, reason, last.seat, last.line)
            for name, (_, state, reason, last) in sorted(self._agents.items())
            if state
        )
        campaigns = tuple((name, state) for name, (_, state) in sorted(self._campaign_states.items()))
        facts = pacing_facts(
            self._campaigns, self._attempts.values(), self._leads, self.dispositions, self._pacing, now
        )
        own = self.desk.own_calls.values()
        shown, inbound = shown_facts(self._attempts.values(), own, self._shown, now), self.inbound.former(self._epoch)
        recordings = self.desk.unfinished()
        return Recovered(
            attempts, agents, campaigns, pacing=facts, recordings=recordings, shown=shown, inbound=inbound
        )

    def lead(self, lead_id: int) -> MemoryLead:
        """The lead itself; KeyError when there is none."""
        return self._leads[lead_id]

    def snapshot(self) -> StoreSnapshot:
        """The whole state, for invariants."""
        rows: dict[int, int] = {}
        for attempt in self._attempts.values():
            rows[attempt.opened.lead_id] = rows.get(attempt.opened.lead_id, 0) + 1
        return StoreSnapshot(
            leads={lead.lead_id: lead.state for lead in self._leads.values()},
            open_attempts=tuple(attempt.opened for attempt in self._open.values()),
            closed_attempts=tuple(a.closed for a in self._attempts.values() if a.closed is not None),
            attempt_counts={lead.lead_id: lead.attempts for lead in self._leads.values()},
            attempt_rows=rows,
            reasons={lead.lead_id: lead.reason for lead in self._leads.values()},
        )

    # ---- claims --------------------------------------------------------------------------------------------

    def _claim(self, command: ClaimLeads, now: float) -> LeadsClaimed:
        rules = self._campaigns.get(command.campaign)
        mine = self._in_lists(rules.lists) if rules is not None else []
        if not mine or command.count <= 0:
            return LeadsClaimed(command.campaign, (), command.count)
        openings = self._openings[command.campaign]
        for lead in mine:
            if lead.state is LeadState.CLAIMED and lead.lease_until <= now:
                self._move(lead, LeadTrigger.RELEASE, lead.reason)
        due = [
            lead
            for lead in mine
            if lead.state is LeadState.READY
            and lead.due_at <= now
            and lead.person not in self._live_persons
            and not self.callbacks.promised(lead.lead_id)
        ]
        due.sort(key=lambda lead: (-lead.priority, lead.due_at, lead.lead_id))
        taken: list[ClaimedLead] = []
        for lead in due:
            if len(taken) >= command.count:
                break
            number = lead.numbers[lead.current]
            if openings.opens_at(number.zones, now, NEVER_OPEN_RETRY_S) > now:
                continue
            self._move(lead, LeadTrigger.CLAIM, lead.reason)
            lead.claim_epoch, lead.claim_campaign = self._epoch, command.campaign
            lead.lease_until = now + command.lease_s
            taken.append(self._dressed(lead, number, command.campaign, lead.lease_until, now))
        left = sum(1 for lead in mine if lead.state is not LeadState.DONE)
        if len(taken) >= command.count:
            return LeadsClaimed(command.campaign, tuple(taken), command.count, now, left)
        ready = [
            (lead.due_at, openings.opens_at(lead.numbers[lead.current].zones, now, NEVER_OPEN_RETRY_S))
            for lead in mine
            if lead.state is LeadState.READY
        ]
        leases = [lead.lease_until for lead in mine if lead.state is LeadState.CLAIMED]
        dialing = any(lead.state is LeadState.DIALING for lead in mine)
        due_at = next_due_at(now, ready, min(leases, default=None), dialing)
        return LeadsClaimed(command.campaign, tuple(taken), command.count, due_at, left)

    def _dressed(
        self, lead: MemoryLead, number: MemoryNumber, campaign: str, lease_until: float, now: float
    ) -> ClaimedLead:
        """A lead as the engine gets it."""
        return ClaimedLead(
            lead_id=lead.lead_id,
            campaign=campaign,
            number_id=number.number_id,
            number=number.e164,
            person=lead.person,
            attempts=lead.attempts,
            lease_until=lease_until,
            name=lead.name,
            priority=lead.priority,
            fields=lead.fields,
            list_name=lead.list_name,
            last_outcome=lead.last_outcome,
            line_type=number.line_type,
            rank=rank(self._rules, number.e164, lead.fields, *self._known.get(lead.person, ("", 0.0)), now),
            zones=number.zones,
        )

    def _in_lists(self, names: Iterable[str]) -> list[MemoryLead]:
        wanted = frozenset(names)
        return [lead for lead in self._leads.values() if lead.list_name in wanted]

    def _release(self, command: ReleaseLeads, now: float) -> None:
        for lead_id in command.lead_ids:
            lead = self._leads.get(lead_id)
            if lead is not None and lead.state is LeadState.CLAIMED and lead.claim_epoch == self._epoch:
                self._move(lead, LeadTrigger.RELEASE, command.reason)
                if command.after_s > 0:
                    lead.due_at = now + command.after_s

    # ---- the gate ------------------------------------------------------------------------------------------

    def _open_attempt(self, command: OpenAttempt, now: float) -> AttemptOpened | AttemptRefused:
        rules = self._campaigns.get(command.campaign)
        lead = self._leads.get(command.lead_id)
        if rules is None:
            text = f"campaign {command.campaign} is not configured in this dialer"
            return AttemptRefused(command.attempt_id, CLAIM_LOST, text)
        verdict = judge(self._facts(lead, command), rules, now)
        if verdict.rule == CLAIM_LOST or lead is None:
            if command.attempt_id in self._open:
                return AttemptOpened(command.attempt_id)
            return AttemptRefused(command.attempt_id, verdict.rule, verdict.reason)
        if not verdict.ok:
            if command.callback:
                self.callbacks.refused(command.callback, verdict, now)
            else:
                self._refuse(lead, verdict, now)
            return AttemptRefused(command.attempt_id, verdict.rule, verdict.reason)
        if command.callback:
            self.callbacks.dial(command, lead)
        self._move(lead, LeadTrigger.CALL_BACK if command.callback else LeadTrigger.OPEN, "")
        lead.attempts += 1
        attempt = MemoryAttempt(command, self._epoch)
        self._attempts[command.attempt_id] = self._open[command.attempt_id] = attempt
        self._live_persons[command.person] = command.attempt_id
        self._live_numbers[command.number] = command.attempt_id
        return AttemptOpened(command.attempt_id)

    def _facts(self, lead: MemoryLead | None, command: OpenAttempt) -> GateFacts:
        if lead is None:
            return GateFacts(None, False, "", 0.0, False, False, (), (), 0, False)
        number = next((n for n in lead.numbers if n.number_id == command.number_id), None)
        known = number is not None and number.e164 == command.number and lead.person == command.person
        own = {n.e164 for n in lead.numbers}
        return GateFacts(
            state=lead.state,
            ours=lead.claim_epoch == self._epoch,
            claim_campaign=lead.claim_campaign,
            lease_until=lead.lease_until,
            number_known=known,
            number_dead=number is not None and number.dead,
            zones=number.zones if number is not None else (),
            dnc=tuple(
                DncHit(e.by_prefix, e.campaign, e.expires_at)
                for e in self._do_not_call
                if (command.number.startswith(e.value) if e.by_prefix else e.value in own)
            ),
            attempts=lead.attempts - command.retries,
            person_busy=command.person in self._live_persons
            or command.number in self._live_numbers
            or self.inbound.on_the_line(command.number, command.person),
            promised=self.callbacks.promised(lead.lead_id),
            for_callback=command.callback > 0,
            callback=self.callbacks.held(command.callback),
        )

    def _caller(self, caller: Wisher) -> Wisher:
        """A caller as the campaign that dials them must have them; see ``callers``."""
        campaign = callers_dialed_by(self._campaigns, caller.campaign, caller.returned)
        if not campaign:
            return replace(caller, reason=undialed(caller.campaign))
        if caller.lead_id:
            return replace(caller, campaign=campaign)
        known = [lead for lead in self._leads.values() if any(n.e164 == caller.number for n in lead.numbers)]
        if not known:
            made = self.add_lead(CALLERS, [caller.number], line_type=line_type(caller.number))
            known = [self._leads[made]]
            known[0].state, known[0].reason = LeadState.DONE, CALLED_IN
        lead = max(known, key=lambda each: each.lead_id)
        return replace(caller, campaign=campaign, lead_id=lead.lead_id, person=lead.person)

    def _caller_served(self, fact: OpenInboundFact | None) -> None:
        if fact is None or not fact.number:
            return
        for who in {fact.person or fact.number, fact.number}:
            self._talked(who, fact.agent, fact.bridged_at or 0.0)
        for returned in {fact.campaign, ""}:
            campaign = callers_dialed_by(self._campaigns, fact.queue, returned) or fact.queue
            caller = Wisher(fact.lead_id, campaign, fact.number, fact.person or fact.number)
            self.callbacks.served(fact.call_id, caller, fact.arrived_at)

    def _talked(self, person: str, agent: str, at: float) -> None:
        if at >= self._known.get(person, ("", 0.0))[1]:
            self._known[person] = agent, at

    def _returned(self, command: CloseInbound) -> None:
        """The lead of a caller who returned a call, and was spoken with."""
        fact = self.inbound.calls[command.call_id].fact
        settings, lead = self._campaigns.get(fact.campaign), self._leads.get(fact.lead_id)
        if settings is None or lead is None or lead.state not in (LeadState.READY, LeadState.CLAIMED):
            return
        done, reason, due_at = reached(settings, lead.attempts, command.ended_at)
        lead.due_at, lead.last_outcome = due_at, Outcome.CONNECTED.value
        if lead.state is LeadState.CLAIMED:
            self._move(lead, LeadTrigger.RELEASE, reason)
        if done:
            self._move(lead, LeadTrigger.FINISH, reason)
        lead.reason = reason

    def _refuse(self, lead: MemoryLead, verdict: Verdict, now: float) -> None:
        for_good = verdict.for_good
        if verdict.rule == NUMBER_DEAD and not self._point_to_next_number(lead):
            for_good = True
        if for_good:
            self._move(lead, LeadTrigger.REFUSE_FOR_GOOD, verdict.rule)
        else:
            self._move(lead, LeadTrigger.REFUSE_FOR_NOW, verdict.reason)
            lead.due_at = now + (verdict.retry_after_s or 0.0)

    def _note(self, command: NoteAnswer | NoteBridge | NoteHeard) -> None:
        attempt = self._open.get(command.attempt_id)
        if attempt is None:
            return
        if isinstance(command, NoteAnswer):
            attempt.rang_at = attempt.rang_at if command.rang_at is None else command.rang_at
            attempt.answered_at = command.answered_at
        elif isinstance(command, NoteHeard):
            attempt.heard, attempt.heard_reason = command.verdict, command.reason
            attempt.clock_at = attempt.clock_at if command.clock_at is None else command.clock_at
        else:
            attempt.bridged_at, attempt.agent = command.bridged_at, command.agent
            self._talked(attempt.opened.person, command.agent, command.bridged_at)

    def _close_attempt(self, command: CloseAttempt) -> None:
        attempt = self._open.pop(command.attempt_id, None)
        if attempt is None:
            return
        attempt.closed = command = replace(
            command,
            rang_at=attempt.rang_at if command.rang_at is None else command.rang_at,
            answered_at=attempt.answered_at if command.answered_at is None else command.answered_at,
            bridged_at=attempt.bridged_at if command.bridged_at is None else command.bridged_at,
            agent=attempt.agent if command.agent is None else command.agent,
        )
        del self._live_persons[attempt.opened.person]
        del self._live_numbers[attempt.opened.number]
        lead = self._leads[attempt.opened.lead_id]
        lead.last_outcome = command.outcome.value
        rest = self.callbacks.again(command) if command.again and command.callback else None
        if rest is not None:
            reason = self.callbacks.rows[command.callback].lead_reason
            self._move(lead, LeadTrigger.FINISH if rest is LeadState.DONE else LeadTrigger.RECYCLE, reason)
            return
        if command.again and not command.callback and lead.claim_epoch == self._epoch:
            self._move(lead, LeadTrigger.AGAIN, command.outcome.value)
            return
        done = command.lead_done or self._used_up(attempt)
        if command.number_dead:
            for number in lead.numbers:
                number.dead = number.dead or number.number_id == command.number_id
            if not self._point_to_next_number(lead):
                done = True
        reason = command.lead_reason or command.outcome.value
        if command.outcome is Outcome.CONNECTED:
            self.callbacks.talked(attempt.opened)
        rests = self.callbacks.closed(command.callback, command)
        done, reason = (done, reason) if rests is None else (True, rests)
        self._move(lead, LeadTrigger.FINISH if done else LeadTrigger.RECYCLE, reason)
        lead.due_at = command.ended_at + (0.0 if done else command.recycle_after_s)

    def _used_up(self, attempt: MemoryAttempt) -> bool:
        settings = self._campaigns.get(attempt.opened.campaign)
        assert attempt.closed is not None
        outcome = attempt.closed.outcome
        rule = settings.recycle.get(outcome) if settings is not None else None
        if rule is None or rule.max_times >= recycle.UNLIMITED:
            return False
        lead_id = attempt.opened.lead_id
        tries = sum(
            1
            for a in self._attempts.values()
            if a.opened.lead_id == lead_id and a.closed is not None and a.closed.outcome is outcome
        )
        return tries >= rule.max_times

    def _point_to_next_number(self, lead: MemoryLead) -> bool:
        alive = next((i for i, number in enumerate(lead.numbers) if not number.dead), None)
        if alive is None:
            return False
        lead.current = alive
        return True

    def _log_agent(self, command: LogAgentState) -> None:
        at, state, reason, _ = self._agents.get(command.agent, (command.at, "", "", command))
        self.agent_log.append(command)
        if command.at < at:
            return
        if command.state == AgentState.LOGGED_OUT.value:
            state, reason = "", ""
        elif command.state in (AgentState.READY.value, AgentState.PAUSED.value):
            state, reason = command.state, command.reason
        elif not state:
            state, reason = AgentState.PAUSED.value, ""
        self._agents[command.agent] = (command.at, state, reason, command)

    def _move(self, lead: MemoryLead, trigger: LeadTrigger, reason: str) -> None:
        target = LEAD_TABLE.next(lead.state, trigger)
        if target is None:
            raise StoreError(f"lead {lead.lead_id}: {trigger.value} is not possible while {lead.state.value}")
        lead.state, lead.reason = target, reason
        if target in (LeadState.READY, LeadState.DONE):
            lead.claim_epoch, lead.claim_campaign, lead.lease_until = 0, "", 0.0
