"""How callers wait in a queue: music, place and expected wait, a callback that keeps the place, overflow.

Owns a waiting caller's orders and clocks. Every order is bounded and ends at the switch's fallback: it is given anew
while we live. Who gets which agent is the router's; how a call counts is ``inbound``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState
from dialer.domain.call import CallState, CallTrigger
from dialer.domain.desk_records import RequestCallback
from dialer.domain.inbound import (
    Ending,
    HoldCaller,
    Kind,
    NoteInbound,
    QueueSettings,
    Way,
    Words,
    spoken,
)
from dialer.domain.status import QueueView
from dialer.domain.tiers import UNSERVED
from dialer.engine import floor
from dialer.engine.agents import AT_WORK_STATES
from dialer.engine.inbound_records import Arrival
from dialer.engine.live import Call, Campaign, Live
from dialer.engine.records import APART_S
from freeswitch.sounds import words as said
from routing.waiting import expected_wait_s, place

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed
    from dialer.engine.inbound import InboundDesk

BOUND_SPARE_S: Final = 10.0
"""How much longer than our next word the switch waits before it sends a caller to the fallback."""
AWAY_S: Final = 1.0
"""So often a switch that is away is looked for: the order that its callers wait by ends soon."""
OWN_WORDS_S: Final = 1.0
"""So soon a caller hears that they wait for the agent who knows them: who comes free meanwhile need not be told of."""
MOST_MOVES: Final = 8
"""A caller is sent from queue to queue no oftener: queues that are full may send each other's callers in a circle."""
_AT_WORK: Final = AT_WORK_STATES | {AgentState.TALKING}


class QueueDesk:
    """Lets callers wait."""

    NO_WAIT_S: Final = 0.5
    """Who is on the line with an agent sooner did not wait: the bridge itself takes some 60 ms."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.calls: CallDesk
        self.inbound: InboundDesk

    # ---- in ------------------------------------------------------------------------------------------------

    def come(self, call: Call, way: Way) -> bool:
        """Order a caller into a queue; False when it is full and they have been sent somewhere else."""
        arrival, campaign = call.arrival, self.live.campaigns[way.name]
        assert arrival is not None
        queue = _settings(campaign)
        first = arrival.first_queued_at is None
        if campaign is not call.campaign:
            self._move(call, campaign)
        waiting = sum(1 for other in campaign.calls.values() if other is not call and other.id in self.live.waiting)
        full = next((o for o in queue.overflow if o.waiting is not None and waiting >= o.waiting), None)
        if full is not None and arrival.moves < MOST_MOVES:
            arrival.moves += 1
            arrival.reason = f"{waiting} wait in {campaign.name} already"
            self.inbound.go(call, full.way)
            return False
        greeting = arrival.number.greeting if first else {}
        parts = [each for words in (greeting, way.words) if (each := spoken(words, arrival.language)) is not None]
        arrival.greeting_s = sum(part.seconds for part in parts)
        self._order(call, tuple(part.sound for part in parts), (), arrival.greeting_s)
        return True

    def _move(self, call: Call, campaign: Campaign) -> None:
        """From one queue's calls into another's."""
        self.feed.left(call)
        call.campaign.calls.pop(call.id, None)
        call.campaign.dirty = campaign.dirty = True
        call.campaign = campaign
        campaign.calls[call.id] = call
        self.feed.coming(call, self.live.now)

    def came(self, call: Call) -> None:
        """The order holds: the greeting first, if there is one, then the wait."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if arrival.greeting_s <= 0:
            self.wait(call)
            return
        if call.state is CallState.WAITING:
            self.leave(call)
            self.calls.move(call, CallTrigger.LEAVE)
        elif call.state is CallState.ARRIVED:
            self.calls.move(call, CallTrigger.PLAY)
        live.timers.set(("arrival", "turn", call.id), live.now + arrival.greeting_s)

    def wait(self, call: Call) -> None:
        """The caller waits for an agent from now on."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        trigger = CallTrigger.ANSWER if call.state is CallState.ARRIVED else CallTrigger.ASK
        if call.state is not CallState.WAITING and not self.calls.move(call, trigger):
            return
        arrival.queued_at = live.now
        if arrival.first_queued_at is None:
            arrival.first_queued_at = live.now
        self._waits(call, arrival)
        live.emit(NoteInbound(call.id, queue=call.campaign.name, queued_at=arrival.first_queued_at))
        self.calls.route()
        if _settings(call.campaign).own_words and self.calls.router.holds(call):
            live.timers.set(("arrival", "cycle", call.id), live.now + OWN_WORDS_S)

    def _waits(self, call: Call, arrival: Arrival) -> None:
        """In the queue, its clocks running."""
        live = self.live
        call.clock_at = arrival.first_queued_at
        live.waiting[call.id] = call
        self._count(call, arrival)
        self.feed.asked(call)
        self._clocks(call, arrival)

    def _count(self, call: Call, arrival: Arrival) -> None:
        """A queue that has them again, through a menu say, was offered them once."""
        before, tier, here = arrival.offered_in, call.lead.rank.tier, call.campaign.name
        if before != here:
            if before:
                self.inbound.counted_of(before).add(tier, "overflowed")
            self.inbound.counted(call).add(tier, "offered")
            arrival.offered_in = here

    def _clocks(self, call: Call, arrival: Arrival) -> None:
        live, queue, since = self.live, _settings(call.campaign), arrival.queued_at
        assert since is not None
        live.timers.set(("call", "limit", call.id), since + queue.max_wait_s)
        due = min((since + o.after_s for o in queue.overflow if o.after_s is not None), default=None)
        if due is not None and arrival.moves < MOST_MOVES:
            live.timers.set(("arrival", "overflow", call.id), due)

    def adopt(self, call: Call) -> None:
        """A former run's caller, who has waited on."""
        arrival = call.arrival
        assert arrival is not None
        if self.calls.move(call, CallTrigger.ASK):
            self._waits(call, arrival)
            self.hold(call)
            self.calls.route()

    # ---- while they wait -----------------------------------------------------------------------------------

    def hold(self, call: Call) -> None:
        """Let a caller wait on, whatever came between."""
        self._order(call, (), (), 0.0)

    def back(self, call: Call) -> None:
        """A bridge failed: they wait again, their clocks as before."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        self._clocks(call, arrival)
        self.calls.route()
        if call.state is CallState.WAITING and live.nodes[call.node].up:
            self.hold(call)

    def _order(self, call: Call, sounds: tuple[str, ...], prompts: tuple[str, ...], says_s: float) -> None:
        arrival, live, queue = call.arrival, self.live, _settings(call.campaign)
        assert arrival is not None
        up = live.nodes[call.node].up
        live.timers.set(("arrival", "cycle", call.id), live.now + says_s + (queue.announce_every_s if up else AWAY_S))
        if not up:
            return
        limit_ms = round((says_s + queue.announce_every_s + BOUND_SPARE_S) * 1000)
        call.moved_at = live.now
        live.emit(HoldCaller(call.node, call.id, sounds, queue.music, limit_ms, prompts, arrival.language))
        if call.answered_at is not None:
            self.calls.displaced(call, APART_S)

    def cycle(self, call: Call) -> None:
        """Time for a word, and for the switch to hear that we are still there."""
        arrival, live = call.arrival, self.live
        if arrival is None or call.kill_as is not None or call.state is not CallState.WAITING or call.queued_again:
            return
        if not live.nodes[call.node].usable:
            live.timers.set(("arrival", "cycle", call.id), live.now + AWAY_S)
            return
        queue = _settings(call.campaign)
        arrival.rounds += 1
        offer, parts = queue.callback, []
        wait_s = live.now - (arrival.first_queued_at or live.now)
        if offer is not None and call.lead.number and wait_s >= offer.after_s:
            arrival.offered = True
            parts = [each for each in (spoken(offer.words, arrival.language),) if each is not None]
        own = queue.own_words and self.calls.router.holds(call)
        words = live.settings.inbound.tier_words.get(call.lead.rank.tier) or queue.comfort
        comfort = spoken(queue.own_words if own else words, arrival.language)
        parts = [*([comfort] if comfort is not None else []), *parts]
        prompts = self._place(call, queue)
        says_s = sum(part.seconds for part in parts) + (self.inbound.lasts(prompts) if prompts else 0.0)
        self._order(call, tuple(part.sound for part in parts), prompts, says_s)

    def _place(self, call: Call, queue: QueueSettings) -> tuple[str, ...]:
        """Place and wait as prompts; nothing where the queue does not tell."""
        if not (queue.tells_place or queue.tells_wait):
            return ()
        # Not the routing queue's own: whoever is being told something is out of that for a moment.
        waiting = [floor.waiting_call(other) for other in self.live.waiting.values() if other.clock_from is not None]
        at = place(floor.waiting_call(call), waiting, self.live.settings.routing.policy)
        words = said.queue_place(at) if queue.tells_place else ()
        wait_s = expected_wait_s(at, self.serving(call.campaign), self.inbound.counted(call).handling_s)
        if queue.tells_wait and wait_s is not None:
            words = (*words, "queue-wait", *said.wait(wait_s))
        return words

    def serving(self, campaign: Campaign) -> int:
        """How many agents are there who may take the queue's callers."""
        agents = self.live.agents.values()
        return sum(1 for a in agents if campaign.name in a.settings.campaigns and a.state in _AT_WORK)

    def views(self) -> tuple[QueueView, ...]:
        """Every queue at this moment."""
        return tuple(self._view(c) for c in self.live.campaigns.values() if c.settings.queue is not None)

    def _in_time(self, call: Call) -> bool:
        """Whether somebody who talks was served within their target."""
        since = None if call.arrival is None else call.arrival.first_queued_at
        return since is not None and (call.bridged_at or since) - since <= self.inbound.target_s(call)

    def _view(self, campaign: Campaign) -> QueueView:
        live, counts = self.live, self.inbound.counted_of(campaign.name)
        waiting = [call for call in campaign.calls.values() if call.id in live.waiting]
        since = [call.clock_from for call in waiting if call.clock_from is not None]
        came = [call for call in campaign.calls.values() if call.arrival is not None and call.arrival.first_queued_at]
        talks = [call for call in came if call.bridged_at is not None]
        offered = counts.sum("offered")
        settled = offered - (len(came) - len(talks))
        in_target = counts.sum("in_target") + sum(self._in_time(call) for call in talks)
        return QueueView(
            queue=campaign.name,
            waiting=len(waiting),
            vips_waiting=sum(call.lead.rank.vip for call in waiting),
            longest_wait_s=max((live.now - at for at in since), default=0.0),
            serving=self.serving(campaign),
            free=len(live.free_agents(campaign)),
            handling_s=counts.handling_s,
            offered=offered,
            served=counts.sum(Ending.SERVED.value),
            lost=counts.sum(UNSERVED),
            service_level=min(1.0, in_target / settled) if settled > 0 else 1.0,
            by_tier={tier: dict(words) for tier, words in sorted(counts.by_tier.items())},
        )

    def pressed(self, call: Call, key: str) -> None:
        """A waiting caller's key."""
        arrival, offer = call.arrival, _settings(call.campaign).callback
        if arrival is None or offer is None or not arrival.offered or key != offer.key:
            return
        if call.state is CallState.WAITING and not call.queued_again:
            self.inbound.go(call, Way(Kind.CALLBACK, words=offer.noted))

    def call_back(self, call: Call, words: Words) -> None:
        """The caller is to be called again, as if they had kept their place: due since they began to wait."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if not call.lead.number:
            self.inbound.dismiss(call, words, Ending.TURNED_AWAY, "wished to be called back and hides their number")
            return
        offer = _settings(call.campaign).callback
        since = arrival.first_queued_at or live.now
        due_at = since + (offer.due_s if offer is not None else 0.0)
        note = f"called in for {call.campaign.name}, and asked to be called back"
        live.emit(RequestCallback(call.id, "", due_at, live.now, note=note))
        self.inbound.dismiss(call, words, Ending.CALLBACK, "asked to be called back")

    # ---- out -----------------------------------------------------------------------------------------------

    def overflow(self, call: Call) -> None:
        """They have waited so long that they go elsewhere."""
        arrival, live = call.arrival, self.live
        if arrival is None or arrival.queued_at is None or call.state is not CallState.WAITING or call.queued_again:
            return
        waited_s = live.now - arrival.queued_at
        rules = [o for o in _settings(call.campaign).overflow if o.after_s is not None and o.after_s <= waited_s + 0.05]
        if rules and call.kill_as is None and arrival.moves < MOST_MOVES:
            arrival.moves += 1
            arrival.reason = f"waited {waited_s:.0f} s in {call.campaign.name}"
            self.inbound.go(call, max(rules, key=lambda o: o.after_s or 0.0).way)

    def limit(self, call: Call) -> None:
        """Nobody had time, as long as anybody may wait."""
        if call.arrival is not None:
            call.arrival.reason = f"nobody had time within {_settings(call.campaign).max_wait_s:g} s"
            self.nobody(call)

    def nobody(self, call: Call) -> None:
        """They have waited in vain."""
        if call.state is CallState.WAITING and call.kill_as is None:
            self.inbound.go(call, _settings(call.campaign).nobody)

    def leave(self, call: Call) -> None:
        """They wait no longer, and nobody came."""
        live = self.live
        for name in ("cycle", "overflow", "turn"):
            live.timers.cancel(("arrival", name, call.id))
        live.timers.cancel(("call", "limit", call.id))
        if live.waiting.pop(call.id, None) is not None and not call.queued_again:
            self.feed.missed(call, abandoned=False)


def _settings(campaign: Campaign) -> QueueSettings:
    """A queue's settings; the defaults for one that the configuration no longer has."""
    return campaign.settings.queue or QueueSettings()
