"""Follow-me: a caller for one person, whose phones are rung one after the other until somebody takes the call.

Owns a caller from the first phone to the conversation, the mailbox or the task to call back. The plan's way is
``routing.followme``'s, where a phone is ``follow_places``', the legs that are rung ``party_legs``'. The caller hears
the queue's music meanwhile, by orders that end at the switch's fallback; an outside phone must press 1 before it is
joined with anybody, and ends by itself at the switch whatever becomes of us.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dialer.domain.call import CallState, CallTrigger
from dialer.domain.commands import NoteBridge
from dialer.domain.desk_records import RequestCallback
from dialer.domain.events import BridgeReplied, LegsBridged
from dialer.domain.follow_me import ACCEPT_KEY
from dialer.domain.inbound import Ending, HoldCaller, Kind, NoteInbound, Way, spoken
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import KeyPressed
from dialer.engine.follow_places import Away, find
from dialer.engine.inbound_records import Following
from dialer.engine.live import Agent, Call, Live
from dialer.engine.party_legs import Bounded, PartyLegs
from dialer.engine.party_records import Party, PartyState
from dialer.engine.queueing import BOUND_SPARE_S
from dialer.engine.records import APART_S
from dialer.engine.targets import Target
from routing import followme as fm
from routing.calendars import is_open
from routing.followme import Happening, Stage

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed
    from dialer.engine.holds import HoldDesk
    from dialer.engine.inbound import InboundDesk
    from dialer.engine.queueing import QueueDesk

AGAIN_S: Final = 0.5
"""How soon a phone is tried again that could not be rung this moment: the trunk's speed, a switch that comes back."""
PICKED_UP_S: Final = 10.0
"""So long a phone of the house waits at the switch for its caller, once it is picked up."""
ASKED_SPARE_S: Final = 2.0
"""The switch lets an outside phone go so much later than we do."""
LOOK_S: Final = 1.5
"""A bridge stands within 0.1 s; one of which nothing was heard for so long is looked for."""
SLACK_S: Final = 3.0
_CAUSES: Final = {
    "USER_BUSY": (Happening.BUSY, ""),
    "NO_ANSWER": (Happening.NO_ANSWER, ""),
    "NO_USER_RESPONSE": (Happening.NO_ANSWER, ""),
    "ALLOTTED_TIMEOUT": (Happening.NO_ANSWER, ""),
    "NORMAL_CLEARING": (Happening.NO_ANSWER, ""),
    "CALL_REJECTED": (Happening.BUSY, "refused"),
}
"""What the switch's word for the end of a phone's leg means; any other is a failure, told by that word."""
_OVER: Final = frozenset({Stage.CONNECTED, Stage.GONE})


class FollowDesk:
    """Rings somebody's phones for a caller."""

    def __init__(self, live: Live, feed: Feed, legs: PartyLegs) -> None:
        self.live = live
        self.feed = feed
        self.legs = legs
        self.calls: CallDesk
        self.inbound: InboundDesk
        self.queues: QueueDesk
        self.holds: HoldDesk
        legs.follower = self

    # ---- in ------------------------------------------------------------------------------------------------

    def come(self, call: Call, way: Way) -> None:
        """Order a caller to wait while phones are rung; the greeting first, for whom has not been answered yet."""
        arrival = call.arrival
        assert arrival is not None
        settings = self.live.settings.inbound.plans[way.name]
        arrival.follow = Following(way.name, settings, arrival.person)
        greeting = {} if call.answered_at is not None else arrival.number.greeting
        parts = [each for words in (greeting, way.words) if (each := spoken(words, arrival.language)) is not None]
        arrival.greeting_s = sum(part.seconds for part in parts)
        longest_s = max(phone.ring_s for phone in settings.plan.phones) + settings.plan.accept_s
        self._order(call, arrival.follow, tuple(part.sound for part in parts), arrival.greeting_s + longest_s)

    def came(self, call: Call) -> None:
        """The order holds: the words first, if there are any, then the phones."""
        arrival, live = call.arrival, self.live
        assert arrival is not None
        if call.state is CallState.WAITING:
            self.queues.leave(call)
            self.feed.left(call)
        if arrival.greeting_s <= 0:
            self.begin(call)
            return
        if call.state is not CallState.MESSAGE:
            self.calls.move(call, CallTrigger.LEAVE if call.state is CallState.WAITING else CallTrigger.PLAY)
        live.timers.set(("arrival", "turn", call.id), live.now + arrival.greeting_s)

    def begin(self, call: Call) -> None:
        """The first phone."""
        arrival, live, rank = call.arrival, self.live, call.lead.rank
        assert arrival is not None and arrival.follow is not None
        if not self.calls.move(call, CallTrigger.FOLLOW):
            return
        follow = arrival.follow
        follow.began_at = live.now
        live.counters["follow_me_calls"] += 1
        live.emit(
            NoteInbound(
                call.id,
                queue=call.campaign.name,
                tier=rank.tier,
                vip=rank.vip,
                lead_id=call.lead.lead_id,
                person=call.lead.person,
                reason="; ".join((*rank.reasons, f"to plan {follow.name}")),
            )
        )
        follow.state, orders = fm.start(follow.settings.plan, self._open(follow), live.now)
        self._carry_out(call, follow, orders)

    def _open(self, follow: Following) -> frozenset[str]:
        calendars = follow.settings.calendars
        return frozenset(name for name, calendar in calendars.items() if is_open(calendar, self.live.now).open)

    # ---- the plan's steps ----------------------------------------------------------------------------------

    def _happened(self, call: Call, follow: Following, what: Happening, why: str = "") -> None:
        before = follow.state
        assert before is not None
        follow.state, orders = fm.happened(before, what, before.phone, self._open(follow), self.live.now, why)
        if before.stage is Stage.JOINING and follow.state.stage is not Stage.JOINING:
            follow.held_until = -math.inf  # a half-made bridge may have taken the caller out of the wait
        self._carry_out(call, follow, orders)

    def _carry_out(self, call: Call, follow: Following, orders: Iterable[fm.Order]) -> None:
        for order in orders:
            match order:
                case fm.Ring():
                    self.live.note("debug", "follow_me", f"call {call.id}: plan {follow.name}: {order.reason}")
                    self._hold(call, follow)
                    self._try(call, follow)
                case fm.AskAccept():
                    self.live.counters["follow_me_asked"] += 1
                case fm.StopRinging():
                    self._stop(follow)
                case fm.Connect():
                    follow.reason = order.reason
                    self._connect(call)
                case fm.TakeMessage():
                    self._take_message(call, follow, order.reason)
                case fm.MissedCallTask():
                    self._task(call, follow, order)
        if follow.state is not None and follow.state.until is not None:
            self.live.timers.set(("arrival", "follow", call.id), follow.state.until)
        else:
            self.live.timers.cancel(("arrival", "follow", call.id))

    def due(self, call: Call) -> None:
        """A phone has rung, or been asked, long enough."""
        live, follow = self.live, _of(call)
        if follow is None or call.state is not CallState.FOLLOWING:
            return  # a bridge to an agent's line is watched as any is
        if not live.nodes[call.node].up:
            live.timers.set(("arrival", "follow", call.id), live.now + 1.0)
            return
        self._happened(call, follow, Happening.TIMED_OUT)

    def _try(self, call: Call, follow: Following) -> None:
        live, state = self.live, follow.state
        assert state is not None
        phone, plan = state.plan.phones[state.phone], state.plan
        place = find(self.legs.trunks, call, phone)
        match place:
            case Away(soon=True):
                live.timers.set(("arrival", "again", call.id), live.now + AGAIN_S)
            case Away():
                self._happened(call, follow, Happening.BUSY, place.why)
            case Agent():
                self._happened(call, follow, Happening.ANSWERED)
            case Target():
                live.counters["follow_me_phones_rung"] += 1
                bounded = Bounded(phone.ring_s, "", PICKED_UP_S)
                if phone.outside:
                    bounded = Bounded(phone.ring_s, follow.settings.ask, plan.accept_s + ASKED_SPARE_S)
                follow.party = self.legs.ring(None, call, place, bounded)

    def again(self, call: Call) -> None:
        """What kept the phone from being rung may be over."""
        follow = _of(call)
        if follow is None or follow.state is None or call.state is not CallState.FOLLOWING:
            return
        if follow.state.stage is Stage.CALLING and follow.party is None:
            self._try(call, follow)
            if follow.state.stage is Stage.CALLING and self.live.nodes[call.node].usable:
                self._hold(call, follow)  # the switch may have been away when the phone's turn came

    def _stop(self, follow: Following) -> None:
        party, follow.party = follow.party, None
        if party is not None:
            self.legs.drop(party)

    # ---- what the caller hears -----------------------------------------------------------------------------

    def hold(self, call: Call) -> None:
        """Once more: the switch has refused the order."""
        follow = _of(call)
        if follow is not None and follow.state is not None and follow.state.stage in (Stage.CALLING, Stage.ASKING):
            follow.held_until = -math.inf
            self._hold(call, follow)

    def _hold(self, call: Call, follow: Following) -> None:
        """See to it that the caller waits as long as the phone at hand may take."""
        state = follow.state
        assert state is not None and state.until is not None
        asked_s = state.plan.accept_s if state.plan.phones[state.phone].outside else 0.0
        needed_s = state.until - self.live.now + asked_s
        if follow.held_until < self.live.now + needed_s + SLACK_S:
            self._order(call, follow, (), needed_s)

    def _order(self, call: Call, follow: Following, sounds: tuple[str, ...], for_s: float) -> None:
        live, arrival, queue = self.live, call.arrival, call.campaign.settings.queue
        assert arrival is not None
        if not live.nodes[call.node].up:
            return
        follow.held_until = live.now + for_s + BOUND_SPARE_S
        call.moved_at = live.now
        music = queue.music if queue is not None else ""
        limit_ms = round((for_s + BOUND_SPARE_S) * 1000)
        live.emit(HoldCaller(call.node, call.id, sounds, music, limit_ms, (), arrival.language))
        if call.answered_at is not None:
            self.calls.displaced(call, APART_S)

    # ---- joining -------------------------------------------------------------------------------------------

    def _connect(self, call: Call) -> None:
        """As soon as the order before has been carried out, which could overtake the bridge."""
        if call.placed:
            self.join(call)
        else:
            self.live.timers.set(("arrival", "join", call.id), call.moved_at + APART_S)

    def join(self, call: Call) -> None:
        """Send the bridge."""
        follow = _of(call)
        if follow is None or follow.state is None or call.state is not CallState.FOLLOWING:
            return
        if follow.state.stage is not Stage.JOINING:
            return
        if follow.party is not None:
            self.legs.move(follow.party)
            self.live.timers.set(("arrival", "look", call.id), self.live.now + LOOK_S)
            return
        place = find(self.legs.trunks, call, follow.state.plan.phones[follow.state.phone])
        if not isinstance(place, Agent):
            why = place.why if isinstance(place, Away) else "is not logged in any more"
            self._happened(call, follow, Happening.FAILED, why)
        elif not self.calls.router.offer(call, place, f"plan {follow.name}: {follow.reason}"):
            self._happened(call, follow, Happening.FAILED)

    def back(self, call: Call) -> bool:
        """The bridge to an agent's line failed; False when the agent was not given them by a plan."""
        follow = _of(call)
        if follow is None or follow.state is None or follow.state.stage is not Stage.JOINING:
            return False
        if self.calls.move(call, CallTrigger.FOLLOW):
            self._happened(call, follow, Happening.FAILED)
        return True

    def connected(self, call: Call, agent: Agent) -> None:
        """Caller and agent hear each other."""
        follow = _of(call)
        if follow is not None and follow.state is not None and follow.state.stage is Stage.JOINING:
            self._joined(call, follow, f"spoke with agent {agent.settings.agent}")

    def _joined(self, call: Call, follow: Following, whom: str) -> None:
        follow.answer = f"{whom}; plan {follow.name}: {follow.reason}"
        self.live.counters["follow_me_connected"] += 1
        self.live.note("info", "follow_me", f"call {call.id}: {follow.answer}")
        self._happened(call, follow, Happening.JOINED)

    # ---- what the phones' legs say -------------------------------------------------------------------------

    def _whose(self, party: Party) -> tuple[Call, Following] | None:
        """Whose phone it is, while it is rung for them."""
        call = party.call
        follow = None if call is None else _of(call)
        return (call, follow) if call is not None and follow is not None and follow.party is party else None

    def party_there(self, party: Party) -> None:
        """A phone has been answered."""
        if (found := self._whose(party)) is not None:
            self._happened(*found, Happening.ANSWERED)

    def party_talks(self, party: Party) -> None:
        """There is no agent whom a phone could talk with."""

    def party_failed(self, party: Party, cause: str) -> None:
        """A phone was not answered, is gone, or could not be joined."""
        if (found := self._whose(party)) is not None:
            call, follow = found
            follow.party = None
            what, why = _CAUSES.get(cause, (Happening.FAILED, cause.lower().replace("_", " ")))
            if party.state is not PartyState.RINGING:
                gone = cause != "NO_ANSWER"  # our own word for a bridge that never stood
                what, why = (Happening.NO_ANSWER if gone else Happening.FAILED), ""
            self._happened(call, follow, what, why)

    def pressed(self, event: KeyPressed) -> bool:
        """A key on a phone that is asked; False when it is none of ours."""
        party = self.live.parties.get(event.uuid)
        if party is None or not party.follow:
            return False
        if party.state is PartyState.RINGING:
            self.legs.arrived(party)  # or nobody could have pressed it
        found = self._whose(party)
        if found is not None and party.state is PartyState.ASKED:
            accepted = event.key == ACCEPT_KEY
            self.live.counters["follow_me_accepted" if accepted else "follow_me_declined"] += 1
            self._happened(*found, Happening.ACCEPTED if accepted else Happening.DECLINED)
        return True

    def bridged(self, event: LegsBridged) -> bool:
        """The bridge of a caller and a phone of their plan; False when it is none."""
        live = self.live
        for a, b in ((event.a_uuid, event.b_uuid), (event.b_uuid, event.a_uuid)):
            call, party = live.calls.get(a), live.parties.get(b)
            follow = None if call is None else _of(call)
            if call is None or follow is None or call.state is not CallState.FOLLOWING:
                continue
            if party is None or party is not follow.party:
                follow.held_until = -math.inf  # one that was given up: the caller is put back at the next step
                return party is None or party.follow
            self._talks(call, follow, party, event.at)
            return True
        return False

    def look(self, call: Call) -> None:
        """Nothing is heard of a bridge: the switch's list tells. Ordered once more, it would end what may stand."""
        follow = _of(call)
        if follow is not None and follow.party is not None and follow.party.state is PartyState.MOVING:
            self.live.timers.set_by(("node", "look", call.node), self.live.now)

    def listed(self, call: Call, peer: str, at: float) -> bool:
        """The switch lists the caller as joined with ``peer``; whether that is the phone whose bridge was ordered."""
        follow = _of(call)
        party = follow.party if follow is not None else None
        if follow is None or party is None or party.uuid != peer or party.state is not PartyState.MOVING:
            return False
        self._talks(call, follow, party, at)
        return True

    def _talks(self, call: Call, follow: Following, party: Party, at: float) -> None:
        live = self.live
        self.legs.stands(party, PartyState.MOVED)
        party.follow, follow.party, call.party = False, None, party
        self.calls.move(call, CallTrigger.BRIDGED)
        if call.bridged_at is None:
            call.bridged_at = max(at, call.answered_at or at)
        self.feed.bridged(call)
        live.emit(NoteBridge(call.id, call.bridged_at, ""))
        self._joined(call, follow, f"spoke at {party.text}")
        self.holds.party_talks(party)

    def bridge_replied(self, event: BridgeReplied) -> bool:
        """The answer to a bridge with a phone of a plan; False when it is none."""
        live, call = self.live, self.live.calls.get(event.call_uuid)
        if call is None or call.state is not CallState.FOLLOWING:
            return False
        party = live.parties.get(event.agent_uuid)
        if not event.ok and party is not None and party.joins:
            live.note("info", "bridge_refused", f"call {call.id}: {event.error}")
            live.timers.set(("party", "ring", party.uuid), live.now + 1.0)
        return True

    # ---- nobody --------------------------------------------------------------------------------------------

    def _take_message(self, call: Call, follow: Following, reason: str) -> None:
        assert call.arrival is not None
        call.arrival.reason = f"plan {follow.name}: {reason}"
        self.live.note("info", "follow_me", f"call {call.id}: {call.arrival.reason}")
        self.inbound.go(call, Way(Kind.VOICEMAIL, words=follow.settings.leave))

    def _task(self, call: Call, follow: Following, task: fm.MissedCallTask) -> None:
        """Somebody has to call back; the caller hears that nobody is there, if they are still on the line."""
        live, arrival = self.live, call.arrival
        assert arrival is not None
        owner = task.owner or follow.person
        told = f"plan {follow.name}: {task.reason}"
        live.counters["follow_me_messages"] += task.message
        if call.lead.number:
            live.counters["follow_me_tasks"] += 1
            note = f"missed call{f' for {owner}' if owner else ''}: {told}"
            note += f"; the message is {arrival.voicemail}" if task.message else ""
            agent = owner if owner in live.agents else ""
            live.emit(RequestCallback(call.id, "", live.now, live.now, agent, note))
        else:
            told += "; nobody can call back who hides their number"
        live.note("info", "follow_me", f"call {call.id}: {told}")
        arrival.reason = f"{arrival.reason}; {told}" if task.message else told
        if call.ended_at is None:
            self.inbound.go(call, Way(Kind.MESSAGE, words=follow.settings.unavailable), Ending.TURNED_AWAY)

    def over(self, call: Call, outcome: Outcome) -> None:
        """The caller is gone: who has not been connected is to be called back, unless somebody else has them."""
        arrival = call.arrival
        follow = arrival.follow if arrival is not None else None
        if arrival is None or follow is None or follow.state is None or follow.state.stage in _OVER:
            return
        if arrival.ending is Ending.FALLBACK or outcome is Outcome.SHUTDOWN:
            self.leave(call)
            return
        message = arrival.ending is Ending.VOICEMAIL
        self._happened(call, follow, Happening.RECORDED if message else Happening.LEFT)
        if arrival.ending is None and outcome is not Outcome.INTERRUPTED:
            arrival.ending = Ending.LOST

    def leave(self, call: Call) -> None:
        """No phone is rung for this caller any more."""
        follow = _of(call)
        if follow is not None and follow.state is not None and follow.state.stage not in _OVER:
            self._stop(follow)
            follow.state = replace(follow.state, stage=Stage.GONE, until=None)
            self._carry_out(call, follow, ())


def _of(call: Call) -> Following | None:
    return call.arrival.follow if call.arrival is not None else None
