"""Calls that come in: where they are sent, and how each of them counts in the end.

Owns a caller's way to a queue, a menu, a message or a mailbox, and the one record of it. Who calls and whether they are
answered is ``arrivals``', how they wait ``queueing``'s, their keys are ``menus``'. Nothing here strands a caller: the
switch's dialplan sends whom we do not take to the fallback, and every order of ours ends there by itself. A caller is
never hung up for our own doubts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dialer.domain.call import CallState, CallTrigger
from dialer.domain.events import ChannelFact, LegAnswered, LegHungUp
from dialer.domain.inbound import (
    UNSERVED_IN_QUEUE,
    CallerFellBack,
    CloseInbound,
    DismissCaller,
    Ending,
    HoldCaller,
    Kind,
    NoteInbound,
    NumberSettings,
    OpenInboundFact,
    SendToFallback,
    Way,
    Words,
    spoken,
)
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import RecordingStopped
from dialer.domain.tiers import UNQUEUED, UNQUEUED_IN_TARGET, UNQUEUED_LOST, UNSERVED
from dialer.engine.inbound_records import Arrival, QueueCounts
from dialer.engine.live import Call, Live
from dialer.engine.records import APART_S, SPARE_S
from routing import callers
from routing.outbound import NOT_RANKED, Rank

if TYPE_CHECKING:
    from dialer.engine.arrivals import ArrivalDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed
    from dialer.engine.follow_me import FollowDesk
    from dialer.engine.menus import MenuDesk
    from dialer.engine.queueing import QueueDesk
    from dialer.engine.speaking import Voice

REFUSED_CAUSE: Final = "CALL_REJECTED"
LOOK_S: Final = 5.0
"""How soon the switch is asked about a caller of whom nothing was heard."""
DIALPLAN_WAIT_S: Final = 10.0
"""Older than this, an unanswered caller whom a list shows is on the way to the fallback."""
MET_BUSY: Final = frozenset({Ending.TURNED_AWAY, Ending.FALLBACK})
"""Nobody had time, and the caller was told so."""
LEAST_MESSAGE_S: Final = 1.0
"""A shorter recording is no message."""
LAST_WORDS_S: Final = 10.0
VIP_SPARE_S: Final = 0.2
"""Who asks the business system keeps its deadline; this much later the answer is taken for lost."""


class InboundDesk:
    """Takes callers."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.arrivals: ArrivalDesk
        self.calls: CallDesk
        self.queues: QueueDesk
        self.menus: MenuDesk
        self.follow: FollowDesk
        self.voice: Voice
        self.counts = {
            name: QueueCounts(campaign.queue.handling_s)
            for name, campaign in live.settings.campaigns.items()
            if campaign.queue is not None
        }
    # ---- where to ------------------------------------------------------------------------------------------

    def go(self, call: Call, way: Way, ending: Ending = Ending.TURNED_AWAY) -> None:
        """Send a caller somewhere; ``ending`` is how a message counts. Answers the call if that is not done yet."""
        arrival = call.arrival
        assert arrival is not None
        if call.answered_at is not None and self.live.now < call.moved_at + APART_S:
            # The order before may not have been carried out yet, and would overtake this one.
            arrival.pending = way, ending
            self.live.timers.set(("arrival", "go", call.id), call.moved_at + APART_S)
            return
        if way.kind is Kind.AGENT:
            way = self._to_agent(call, arrival, way)
        arrival.taken, arrival.way, arrival.pending = True, way, None
        if way.language:
            arrival.language = way.language
        match way.kind:
            case Kind.QUEUE:
                if not self.queues.come(call, way):
                    return
            case Kind.MENU | Kind.EXTENSION | Kind.REPEAT:
                self.menus.begin(call, way)
            case Kind.FOLLOW:
                self.follow.come(call, way)
            case Kind.VOICEMAIL:
                self._record(call, way.words)
            case Kind.CALLBACK:
                self.queues.call_back(call, way.words)
            case Kind.MESSAGE:
                self.dismiss(call, way.words, ending, arrival.reason or "heard a message")
        if call.answered_at is not None:
            self.settle(call)

    def go_on(self, call: Call) -> None:
        """The order before has been carried out."""
        arrival = call.arrival
        here = call.kill_as is None and call.state in (CallState.MESSAGE, CallState.WAITING, CallState.FOLLOWING)
        if here and arrival is not None and arrival.pending is not None:
            self.go(call, *arrival.pending)

    def _to_agent(self, call: Call, arrival: Arrival, way: Way) -> Way:
        """To the phones of an agent's plan; whoever has none is waited for, and then anybody of the queue."""
        arrival.person = way.name
        plan = self.live.settings.inbound.persons.get(way.name)
        if plan is not None:
            return replace(way, kind=Kind.FOLLOW, name=plan)
        self._wants(call, way.name)
        return replace(way, kind=Kind.QUEUE, name=arrival.home or arrival.number.queue)

    def _wants(self, call: Call, agent: str) -> None:
        """The caller asked for an agent."""
        assert call.arrival is not None
        rank = call.lead.rank
        reasons = (*rank.reasons, f"asked for {agent}")
        call.lead = replace(call.lead, rank=replace(rank, agent=agent, reasons=reasons))
        self.live.emit(NoteInbound(call.id, reason="; ".join(reasons)))
        call.arrival.own_limit_s = self.live.settings.routing.policy.own_limit_s

    def aside(self, call: Call, sound: str, for_s: float) -> None:
        """A caller is for a while without their agent; if nobody comes back for them, the switch's fallback does."""
        arrival = call.arrival
        assert arrival is not None
        limit_ms = round((for_s + SPARE_S) * 1000)
        self.live.emit(HoldCaller(call.node, call.id, (), sound, limit_ms, (), arrival.language))

    def lasts(self, prompts: tuple[str, ...]) -> float:
        """How long it takes to say prompts."""
        return self.voice.lasts(prompts)

    def settle(self, call: Call) -> None:
        """The order to a caller who is on the line holds from now on: their state follows."""
        arrival = call.arrival
        assert arrival is not None and arrival.way is not None
        match arrival.way.kind:
            case Kind.QUEUE:
                self.queues.came(call)
            case Kind.MENU | Kind.EXTENSION | Kind.REPEAT:
                self.menus.began(call)
            case Kind.FOLLOW:
                self.follow.came(call)
            case _:
                self._closing(call)

    def _closing(self, call: Call) -> None:
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if call.state is not CallState.CLOSING and not self.calls.move(call, CallTrigger.CLOSE):
            return
        self.queues.leave(call)
        live.timers.set(("call", "guard", call.id), max(arrival.closes_at, live.now) + LAST_WORDS_S)

    def dismiss(self, call: Call, words: Words, ending: Ending, reason: str) -> None:
        """Last words, and the switch hangs up."""
        arrival = call.arrival
        assert arrival is not None
        arrival.ending, arrival.reason = ending, reason
        said = spoken(words, arrival.language)
        arrival.closes_at = call.moved_at = self.live.now
        arrival.closes_at += said.seconds if said is not None else 0.0
        if self.live.nodes[call.node].up:
            self.live.emit(DismissCaller(call.node, call.id, _sounds(words, arrival.language)))

    def _record(self, call: Call, words: Words) -> None:
        arrival, live, settings = call.arrival, self.live, self.live.settings.inbound
        assert arrival is not None
        if not settings.voicemail:
            self.dismiss(call, words, Ending.TURNED_AWAY, "there is no place for messages")
            return
        said, limit_s = spoken(words, arrival.language), settings.voicemail_s
        arrival.voicemail = f"{settings.voicemail}/{call.campaign.name}-{call.id}.wav"
        arrival.closes_at = live.now + limit_s + LAST_WORDS_S + (said.seconds if said is not None else 0.0)
        arrival.ending, arrival.reason = Ending.TURNED_AWAY, arrival.reason or "sent to the mailbox"
        if live.nodes[call.node].up:
            sounds, thanks = _sounds(words, arrival.language), _sounds(settings.voicemail_thanks, arrival.language)
            live.emit(DismissCaller(call.node, call.id, sounds, arrival.voicemail, round(limit_s), thanks))

    def recorded(self, event: RecordingStopped) -> bool:
        """The end of a recording; whether it was a caller's message."""
        call = self.live.calls.get(event.uuid)
        if call is None or call.arrival is None or call.arrival.voicemail != event.path:
            return False
        arrival = call.arrival
        arrival.recorded_s = event.duration_s if event.kept_s is None else min(event.duration_s, event.kept_s)
        if arrival.recorded_s >= LEAST_MESSAGE_S:
            arrival.ending, arrival.reason = Ending.VOICEMAIL, f"left a message of {arrival.recorded_s:.0f} s"
        return True

    # ---- what the switch says ------------------------------------------------------------------------------

    def answered(self, call: Call, event: LegAnswered) -> None:
        """CHANNEL_ANSWER: what was ordered for this caller has begun."""
        live, arrival = self.live, call.arrival
        assert arrival is not None
        if call.answered_at is not None:
            return
        call.answered_at = max(event.at, call.opened_at)
        call.answer_read_at = live.now
        call.placed = True
        live.emit(NoteInbound(call.id, answered_at=call.answered_at))
        if call.kill_as is None and arrival.way is not None and call.state is CallState.ARRIVED:
            live.timers.cancel(("call", "guard", call.id))
            self.settle(call)

    def fell_back(self, event: CallerFellBack) -> None:
        """The switch has taken a caller back from us, or never gave them to us."""
        call = self.live.calls.get(event.uuid)
        if call is not None and call.arrival is not None:
            self.gone_to_fallback(call, event.at)

    def gone_to_fallback(self, call: Call, at: float) -> None:
        """The leg is the fallback's."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        live.counters["callers_fell_back"] += 1
        if call.bridged_at is None and arrival.ending is None:
            arrival.ending, arrival.reason = Ending.FALLBACK, arrival.reason or "the switch sent them to the fallback"
        self.calls.arrival_over(call, Outcome.INTERRUPTED, "sent to the fallback", at)

    def hung_up(self, call: Call, event: LegHungUp) -> None:
        """The caller's leg is gone."""
        at = max(event.at, call.bridged_at or call.answered_at or call.opened_at)
        outcome = call.kill_as or Outcome.HUNG_UP_EARLY
        reason = call.kill_reason or "hung up"
        self.calls.arrival_over(call, outcome, reason, at, event.cause)

    def stuck(self, call: Call) -> None:
        """Nothing was heard of a caller for long: ask; and whoever should be gone after last words is hung up."""
        live = self.live
        over = call.state is CallState.CLOSING and call.arrival is not None and live.now >= call.arrival.closes_at
        if call.state is CallState.CONNECTING:
            self.calls.bridge_failed(call)
        elif over and live.nodes[call.node].up:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.HUNG_UP_EARLY, "last words were over")
            return
        live.timers.set_by(("node", "look", call.node), live.now)
        live.timers.set(("call", "guard", call.id), live.now + LOOK_S)

    # ---- the end -------------------------------------------------------------------------------------------

    def send_away(self, call: Call, reason: str) -> None:
        """We are going away: who is with nobody goes to the fallback, and is not hung up."""
        assert call.arrival is not None
        call.arrival.reason = reason
        if call.arrival.ending is None:
            call.arrival.ending = Ending.FALLBACK
        self.follow.leave(call)
        self.live.emit(SendToFallback(call.node, call.id))

    def close(self, call: Call, outcome: Outcome, reason: str, cause: str) -> None:
        """Write and count how it ended."""
        arrival, live = call.arrival, self.live
        assert arrival is not None and call.ended_at is not None
        bridged_at = call.bridged_at if call.noted_bridge is None else call.noted_bridge
        if bridged_at is None:
            self.follow.over(call, outcome)
        ending, why = _ending(call, arrival, outcome, reason, bridged_at)
        waited_s = 0.0
        since = arrival.first_queued_at
        if since is None and arrival.follow is not None:
            since = arrival.follow.began_at
        if since is not None:
            until = call.ended_at if bridged_at is None else bridged_at
            waited_s = max(0.0, until - since)
        if bridged_at is not None and ending is Ending.SERVED:
            self.counted(call).handled(max(0.0, call.ended_at - bridged_at) + call.campaign.settings.wrap_up_s)
        words = [ending.value]
        in_target = ending is Ending.SERVED and waited_s <= self.target_s(call)
        if arrival.first_queued_at is not None:
            if ending in UNSERVED_IN_QUEUE:
                words.append(UNSERVED)
            if in_target:
                words.append("in_target")
            if call.lead.rank.vip:
                words += ["vip", *(["vip_waited"] if waited_s >= self.queues.NO_WAIT_S else [])]
        elif since is not None or ending is Ending.SERVED:
            words += [UNQUEUED, *([UNQUEUED_LOST] if ending in UNSERVED_IN_QUEUE else [])]
            words += [UNQUEUED_IN_TARGET] if in_target else []
        if call.lead.rank.vip and ending in MET_BUSY:
            words.append("vip_busy")
        self.counted(call).add(call.lead.rank.tier, *words)
        live.emit(
            CloseInbound(
                call.id,
                ending,
                why,
                call.ended_at,
                call.answered_at,
                bridged_at,
                waited_s,
                call.agent_id or "",
                call.campaign.name,
                arrival.voicemail if ending is Ending.VOICEMAIL else "",
                cause,
            )
        )

    def counted(self, call: Call) -> QueueCounts:
        """The counts of the caller's queue."""
        return self.counted_of(call.campaign.name)

    def counted_of(self, queue: str) -> QueueCounts:
        """The counts of a queue."""
        return self.counts.setdefault(queue, QueueCounts(180.0))

    def target_s(self, call: Call) -> float:
        """The wait that this caller may expect at most."""
        arrival, queue = call.arrival, call.campaign.settings.queue
        known = arrival is not None and arrival.judged is not None and not arrival.judged.problem
        if known and arrival is not None and arrival.judged is not None:
            return arrival.judged.target_s
        return queue.target_s if queue is not None else 20.0

    # ---- after a restart -----------------------------------------------------------------------------------

    def recovered(self, facts: tuple[OpenInboundFact, ...]) -> None:
        """Calls that came in and that a former run left open: in doubt until their switch has been asked."""
        live = self.live
        for fact in facts:
            if fact.call_id in live.calls:
                continue
            number = live.settings.inbound.numbers.get(fact.dialed)
            number = number or NumberSettings(fact.dialed, Way(Kind.MESSAGE), fact.queue)
            arrival = Arrival(number, fact.arrived_at, number.language)
            arrival.queued_at = arrival.first_queued_at = fact.queued_at
            arrival.campaign = fact.campaign
            rank = Rank(fact.tier or NOT_RANKED.tier, fact.vip, None, (), ("judged before the restart",))
            lead = ClaimedLead(fact.lead_id, fact.queue, 0, fact.number, fact.person, 0, live.now, rank=rank)
            call = Call(
                id=fact.call_id,
                campaign=live.campaign_or_retired(fact.queue),
                lead=lead,
                node=fact.node,
                trunk=number.trunk,
                state=CallState.RECOVERING,
                since=live.now,
                opened_at=fact.arrived_at,
                noted_answer=fact.answered_at,
                noted_bridge=fact.bridged_at,
                agent_id=fact.agent or None,
                arrival=arrival,
            )
            self.calls.adopt(call)
            if fact.node not in live.nodes:
                self.calls.lost(call, f"switch {fact.node} is no longer configured")

    def adopt(self, call: Call, fact: ChannelFact) -> None:
        """A former run's caller is still on the switch, and talks to nobody."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if not fact.answered:
            # Still in the dialplan's own wait, or already past it: the fallback's event would tell.
            call.state, call.since = CallState.ARRIVED, live.now
            self.feed.opened(call)
            self.arrivals.judge(call, callers.CallerId(callers.CallerKind.NUMBER, call.lead.number, ""))
            live.timers.set(("call", "guard", call.id), live.now + LOOK_S)
        elif arrival.queued_at is not None and call.campaign.settings.queue is not None:
            call.answered_at = call.noted_answer or fact.created_at
            call.answer_read_at, call.placed = live.now, True
            self.queues.adopt(call)
        else:
            call.answered_at = call.noted_answer or fact.created_at  # a menu, or last words: the switch ends it itself


def _sounds(words: Words, language: str) -> tuple[str, ...]:
    said = spoken(words, language)
    return (said.sound,) if said is not None else ()


def _ending(
    call: Call, arrival: Arrival, outcome: Outcome, reason: str, bridged_at: float | None
) -> tuple[Ending, str]:
    """How a call that came in counts, and why."""
    if bridged_at is not None and arrival.follow is not None and arrival.follow.answer:
        return Ending.SERVED, arrival.follow.answer
    if bridged_at is not None:
        return Ending.SERVED, f"spoke with agent {call.agent_id}" if call.agent_id else "spoke with an agent"
    if arrival.ending is not None:
        return arrival.ending, arrival.reason
    if outcome is Outcome.SHUTDOWN:
        return Ending.SHUTDOWN, reason
    if outcome is Outcome.INTERRUPTED:
        return Ending.INTERRUPTED, reason
    if arrival.queued_at is not None:
        return Ending.LOST, "hung up while waiting"
    return Ending.LEFT, arrival.reason or "hung up before they were in a queue"
