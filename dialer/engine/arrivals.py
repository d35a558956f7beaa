"""Who calls, and whether they are answered: the arrival, what the business system and the store say of it, the hours.

Owns a caller until they are sent somewhere (``inbound``) or refused. Nothing is answered before it is known who calls
or the time for that is over; each answer that does not come makes an ordinary caller, never a lost one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dialer.domain.call import CallState
from dialer.domain.commands import HangUp
from dialer.domain.events import ChannelFact
from dialer.domain.inbound import (
    ArrivalJudged,
    AskVip,
    CallerArrived,
    Ending,
    JudgeArrival,
    Kind,
    NoteInbound,
    NumberSettings,
    OpenInbound,
    VipTold,
    Way,
)
from dialer.domain.lead import ClaimedLead
from dialer.engine.inbound_records import Arrival
from dialer.engine.live import Call, Live
from dialer.leads.errors import NumberError
from dialer.leads.numbers import normalise, zones_of
from routing import callers
from routing.calendars import OpenVerdict, is_open
from routing.intake import Queue
from routing.outbound import NOT_RANKED, Rank
from routing.vip import Asked

if TYPE_CHECKING:
    from dialer.engine.announcing import Announcer
    from dialer.engine.calls import CallDesk
    from dialer.engine.inbound import InboundDesk

REFUSED_CAUSE: Final = "CALL_REJECTED"
LOOK_S: Final = 5.0
"""How soon the switch is asked about a caller of whom nothing was heard."""
DIALPLAN_WAIT_S: Final = 10.0
"""Older than this, an unanswered caller whom a list shows is on the way to the fallback."""
OVER_S: Final = 600.0
"""So long a caller who is gone is known to be: a list lags behind, an event may come twice."""
VIP_SPARE_S: Final = 0.2
"""Who asks the business system keeps its deadline; this much later the answer is taken for lost."""


class ArrivalDesk:
    """Takes callers in."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.calls: CallDesk
        self.inbound: InboundDesk
        self.announcer: Announcer
        self._hours: dict[str, OpenVerdict] = {}
        self._over: dict[str, float] = {}  # since when callers are gone, the first to go first

    def arrived(self, event: CallerArrived) -> None:
        """Somebody calls, and waits unanswered for a bounded time."""
        live = self.live
        if live.others(event.instance):
            live.counters["others_callers_arrived"] += 1
            live.note("info", "others_caller", f"a caller is for dialer {event.instance}, says the dialplan")
            return
        number = live.settings.inbound.numbers.get(event.dialed)
        node = live.nodes.get(event.node)
        if event.uuid in live.calls or event.uuid in self._over:
            return  # a list has told of it before its event came, or tells of who is gone
        if number is None or node is None:
            live.counters["callers_unknown_number"] += 1
            live.note("warning", "caller_unknown_number", "a call to a number that is not configured: not taken")
            return
        caller = read_caller(event.caller, number)
        lead = ClaimedLead(0, number.queue, 0, caller.number, "", 0, live.now)
        arrival = Arrival(number, event.at, number.language)
        call = Call(
            id=event.uuid,
            campaign=live.campaigns[number.queue],
            lead=lead,
            node=event.node,
            trunk=number.trunk,
            state=CallState.ARRIVED,
            since=live.now,
            opened_at=event.at,
            arrival=arrival,
        )
        self.calls.adopt(call)
        live.counters["callers_arrived"] += 1
        live.emit(
            OpenInbound(call.id, call.node, call.trunk, caller.number, number.number, number.queue, event.at)
        )
        live.timers.set(("call", "guard", call.id), live.now + LOOK_S)
        if live.draining:
            arrival.reason = "the dialer is being shut down: left to the switch's fallback"
        elif listed(caller.number, live.settings.inbound.blacklist):
            self._refuse(call, "on the blacklist")
        else:
            self.judge(call, caller)

    def ended(self, call: Call) -> None:
        """A call is over, or no longer ours: its leg comes in no second time."""
        now = self.live.now
        if call.arrival is not None:
            self._over[call.id] = now
        while self._over and now - next(iter(self._over.values())) > OVER_S:
            del self._over[next(iter(self._over))]

    def judge(self, call: Call, caller: callers.CallerId) -> None:
        """Ask who this is, one after the other: the business system, then the store."""
        live, settings = self.live, self.live.settings.inbound
        assert call.arrival is not None
        if not live.store_ok:
            self.judged(ArrivalJudged(call.id, problem="the store is in trouble"))
            return
        call.arrival.caller = caller
        if settings.vip_within_s is None or not caller.number:
            self._ask_store(call, None)
            return
        live.emit(AskVip(call.id, caller.number))
        live.timers.set(("arrival", "ask", call.id), live.now + settings.vip_within_s + VIP_SPARE_S)

    def vip_told(self, event: VipTold) -> None:
        """What the business system says of a caller."""
        call = self.live.calls.get(event.call_id)
        if call is None or call.arrival is None or self.live.timers.due(("arrival", "ask", call.id)) is None:
            self.live.counters["vip_answers_late"] += 1
            return
        self.live.timers.cancel(("arrival", "ask", call.id))
        asked, problem = event.asked, event.problem
        if asked is not None and asked.agent is not None and asked.agent not in self.live.agents:
            asked, problem = replace(asked, agent=None), "it named an agent whom nobody knows"
        if asked is not None:
            asked = replace(asked, at=min(asked.at, call.opened_at))  # said after the call came in: it holds for it
        if problem:
            self.live.counters["vip_answers_failed"] += 1
            self.live.note("info", "vip_not_told", f"call {call.id}: business system: {problem}")
        self._ask_store(call, asked)

    def vip_overdue(self, call: Call) -> None:
        """The business system has not said in time who this is: our own rules decide."""
        self.live.counters["vip_answers_failed"] += 1
        within_s = self.live.settings.inbound.vip_within_s or 0.0
        self.live.note("info", "vip_not_told", f"call {call.id}: business system: no answer within {within_s:g} s")
        self._ask_store(call, None)

    def _ask_store(self, call: Call, asked: Asked | None) -> None:
        live, arrival = self.live, call.arrival
        assert arrival is not None and arrival.caller is not None
        caller, queue = arrival.caller, Queue(call.campaign.name, ())
        why, kind, dialed = caller.reason, caller.kind.value, arrival.number.number
        live.emit(JudgeArrival(call.id, caller.number, kind, why, dialed, queue, call.opened_at, asked))
        live.timers.set(("arrival", "judge", call.id), live.now + live.settings.inbound.judged_within_s)

    def judge_overdue(self, call: Call) -> None:
        """The store has not said who this is: an ordinary caller of their queue."""
        self.live.counters["callers_unjudged"] += 1
        self.judged(ArrivalJudged(call.id, problem="the store did not say in time who this is"))

    def judged(self, event: ArrivalJudged) -> None:
        """What the caller is to us."""
        live = self.live
        call = live.calls.get(event.call_id)
        if call is None or call.arrival is None or call.arrival.judged is not None:
            return  # gone meanwhile, or the answer came too late
        live.timers.cancel(("arrival", "judge", call.id))
        arrival, rank = call.arrival, event.rank
        arrival.judged, arrival.own_limit_s, arrival.campaign = event, event.own_limit_s, event.campaign
        if event.problem:
            rank = Rank(NOT_RANKED.tier, False, None, (), (f"{event.problem}: an ordinary caller of their queue",))
        known = call.lead
        call.lead = ClaimedLead(
            event.lead_id, known.campaign, 0, known.number, event.person, 0, live.now, event.name,
            fields=event.fields, rank=rank, zones=zones_of(known.number) if known.number else (),
        )  # fmt: skip
        self.announcer.opened(call)
        live.note("debug", "caller_judged", f"call {call.id}: {'; '.join(rank.reasons)}")
        live.emit(
            NoteInbound(
                call.id,
                tier=rank.tier,
                vip=rank.vip,
                lead_id=event.lead_id,
                person=event.person,
                reason="; ".join(rank.reasons),
                campaign=event.campaign,
            )
        )
        if call.state is CallState.ARRIVED and not arrival.taken and not live.draining:
            self._decide(call)

    def _decide(self, call: Call) -> None:
        """Nothing is answered before this."""
        arrival = call.arrival
        assert arrival is not None and arrival.judged is not None
        number = arrival.number
        if arrival.judged.refused:
            self._refuse(call, f"tier {call.lead.rank.tier} is refused")
            return
        closed = self._closed(number)
        if closed:
            arrival.reason = closed
            self.inbound.go(call, number.closed, Ending.CLOSED)
            return
        arrival.home = home_of(call.lead.number, number)
        self.inbound.go(call, way_of(call.lead.number, number))

    def _closed(self, number: NumberSettings) -> str:
        """Why the place is closed now; empty when it is not."""
        if number.calendar is None:
            return ""
        name, now = number.calendar.name, self.live.now
        verdict = self._hours.get(name)
        if verdict is None or (verdict.until is not None and now >= verdict.until):
            verdict = self._hours[name] = is_open(number.calendar, now)
        return "" if verdict.open else verdict.reason

    def _refuse(self, call: Call, why: str) -> None:
        live = self.live
        assert call.arrival is not None
        call.arrival.taken = True
        call.arrival.ending, call.arrival.reason = Ending.REFUSED, why
        live.counters["callers_refused"] += 1
        if live.nodes[call.node].up:
            live.emit(HangUp(call.node, call.id, REFUSED_CAUSE))

    def found(self, node: str, fact: ChannelFact, asked_at: float) -> None:
        """A list has a caller whom we do not know: their event was lost, or they came while we were away."""
        live = self.live
        dialed, _, instance = fact.ident.partition("@")
        if live.others(instance):
            live.counters["others_callers_seen"] += 1
        elif not fact.answered and fact.created_at > asked_at - DIALPLAN_WAIT_S:
            at = max(fact.created_at, 0.0)
            self.arrived(CallerArrived(node, fact.uuid, dialed, fact.caller, at, instance))
        else:
            live.counters["callers_not_ours_seen"] += 1  # their own bounded wait ends at the fallback


def read_caller(said: str, number: NumberSettings) -> callers.CallerId:
    """Who calls, as far as the network tells; a number without its country is one of our own."""
    caller = callers.read(said)
    if caller.kind is callers.CallerKind.LOCAL and number.region:
        try:
            known = normalise(said, number.region)
        except NumberError:
            return caller
        why = f"a number without its country, taken for one of {number.region}"
        return callers.CallerId(callers.CallerKind.NUMBER, known, why)
    return caller


def way_of(caller: str, number: NumberSettings) -> Way:
    """Where a call to ``number`` goes within its hours: the queue of the caller's region, where there is no menu."""
    return number.way if number.way.kind is not Kind.QUEUE else Way(Kind.QUEUE, home_of(caller, number))


def home_of(caller: str, number: NumberSettings) -> str:
    """The queue of ``number`` for the caller's region."""
    return next((queue for start, queue in number.regions if caller.startswith(start)), number.queue)


def listed(number: str, blacklist: tuple[str, ...]) -> bool:
    """Whether a caller is on the blacklist: a number, or how numbers begin."""
    return bool(number) and any(
        number.startswith(entry[:-1]) if entry.endswith("*") else number == entry for entry in blacklist
    )
