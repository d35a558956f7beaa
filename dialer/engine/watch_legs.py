"""Supervisors' legs: how a supervisor gets a line, and what becomes of it whenever anybody hangs up.

Owns the records ``Watch``: a phone that dialed the supervisors' code, one that we ring, or a supervisor's own open line
as an agent, who gets no customers meanwhile. A leg that stops listening parks, and is asked what next; one that stays
silent is let go. What supervisors do is ``supervision``'s, which is built on this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState, Line
from dialer.domain.commands import HangUp, ParkLeg
from dialer.domain.events import BridgeReplied, LegHungUp, LegParked, LegsBridged, OriginateReplied
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import Eavesdrop, Join, Murmur, OriginateParty
from dialer.engine.agents import PUT_DOWN
from dialer.engine.live import Agent, Call, Live, Watch
from dialer.engine.records import APART_S

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.asides import AsideDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.holds import HoldDesk
    from dialer.engine.speaking import Voice

RING_S: Final = 25.0
RING_GRACE_S: Final = 5.0
JOIN_S: Final = 3.0
STALE_PARK_S: Final = 0.1
"""A CHANNEL_PARK so soon after the leg was told to listen is the one from before."""
LOOK_S: Final = 1.2
"""A leg that was parked already says nothing when it is parked: a list shows it, and lists lag behind."""
AWAY_S: Final = 1.0
"""So often a switch that is away is looked for."""
SUPERVISING: Final = "supervising"
_FREE: Final = frozenset(
    {AgentState.LOGGED_OUT, AgentState.READY, AgentState.PAUSED, AgentState.PREVIEWING, AgentState.WRAP_UP}
)
_AT_WORK: Final = frozenset({AgentState.READY, AgentState.PREVIEWING, AgentState.WRAP_UP})


class WatchLegs:
    """The legs of all supervisors."""

    def __init__(self, live: Live, voice: Voice) -> None:
        self.live = live
        self.voice = voice
        self.agents: AgentDesk
        self.calls: CallDesk
        self.asides: AsideDesk
        self.holds: HoldDesk

    def there(self, watch: Watch) -> None:
        """The leg is there: on with what it was for. Given by the layer above."""
        raise NotImplementedError

    def alone(self, watch: Watch) -> None:
        """The leg is parked and listens to nobody. Given by the layer above."""
        raise NotImplementedError

    def ended(self, watch: Watch) -> None:
        """The leg is forgotten. Given by the layer above."""
        raise NotImplementedError

    # ---- a line --------------------------------------------------------------------------------------------

    def begin(self, uuid: str, node: str, supervisor: str) -> None:
        """A parked leg, counted already, whose party has shown to be ``supervisor``."""
        watch = self.live.watches[uuid] = Watch(uuid, node, supervisor, parked=True, since=self.live.now)
        self.holds.watch_up(watch)
        self.there(watch)

    def of(self, supervisor: str) -> Watch | None:
        """The line that a supervisor has."""
        return next((watch for watch in self.live.watches.values() if watch.supervisor == supervisor), None)

    def open_line(self, supervisor: str, agent: Agent, mode: str, offer: str = "") -> str | None:
        """Get the supervisor a leg on the agent's switch: their own open line, or their seat's phone rung.

        ``offer``: an agent's call for help, which a supervisor may refuse, and a phone does not answer by itself.
        """
        live, person = self.live, self.live.agents[supervisor]
        engaged = person.call is not None or person.own or person.lent or person.party or person.state not in _FREE
        if self.of(supervisor) is not None or engaged:
            return f"supervisor {supervisor} is busy"
        node = live.nodes[agent.node]
        if live.draining or not node.usable:
            return f"switch {agent.node} is not ready"
        if person.leg is not None:
            return self._own_line(person, agent, mode, offer)
        if not person.seat.address:
            return f"supervisor {supervisor} has no phone that can be rung"
        if node.legs >= node.capacity:
            return f"switch {node.name} is full: {node.capacity} legs"
        watch = Watch(live.new_id(), node.name, supervisor, wanted=(agent, mode), offer=offer, since=live.now)
        watch.ringing = watch.rung = True
        live.watches[watch.uuid] = watch
        node.legs += 1
        self._keep_from_customers(watch, person)
        live.timers.set(("watch", "ring", watch.uuid), live.now + RING_S + RING_GRACE_S)
        live.emit(
            OriginateParty(
                node=node.name,
                uuid=watch.uuid,
                ident=f"supervisor-{supervisor}",
                ring_timeout_s=RING_S,
                caller_id="dialer",
                epoch=live.settings.epoch,
                address=person.seat.address,
                profile=person.seat.profile,
                auto_answer=not offer,
                media_timeout_s=person.seat.media_timeout_s,
                hold_sound=live.settings.phones.hold_sound,
            )
        )
        return None

    def _own_line(self, person: Agent, agent: Agent, mode: str, offer: str) -> str | None:
        name = person.settings.agent
        if person.leg is None or person.line is not Line.PARKED or person.node != agent.node:
            return f"the open line of supervisor {name} is not free, or on another switch"
        if person is agent:
            return "this is the supervisor's own line"
        watch = Watch(person.leg, person.node, name, parked=True, own_line=True, since=self.live.now)
        watch.wanted, watch.offer = None if offer else (agent, mode), offer
        self.live.watches[watch.uuid] = watch
        self._keep_from_customers(watch, person)
        self.agents.keys.gone(person)
        self.agents.occupy(person)
        self.there(watch)
        return None

    def _keep_from_customers(self, watch: Watch, person: Agent) -> None:
        if person.state in _AT_WORK:
            watch.resumes = self.agents.pause(person, SUPERVISING) is None

    # ---- its end -------------------------------------------------------------------------------------------

    def close(self, watch: Watch) -> None:
        """Hang the leg up; its hangup event will find nobody."""
        live = self.live
        if watch.ringing:
            live.give_up(watch.uuid, watch.node)
        if live.nodes[watch.node].up:
            live.emit(HangUp(watch.node, watch.uuid, "NORMAL_CLEARING"))
        self.gone(watch)

    def gone(self, watch: Watch, *, put_down: bool = False) -> None:
        """The leg is not there any more. A customer who was taken over ends with it, or goes to an agent."""
        self.forget(watch)
        call = watch.call
        if call is not None and watch.joined and put_down:
            watch.call = None
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, "the supervisor hung up")
        elif call is not None:
            self._not_taken(watch, call, "the supervisor's phone was lost")

    def forget(self, watch: Watch) -> None:
        """The leg is no supervisor's any more; an own line is its agent's again, who does what they did before."""
        live, person = self.live, self.live.agents[watch.supervisor]
        if live.watches.pop(watch.uuid, None) is None:
            return
        for name in ("ring", "mode", "join", "idle", "send"):
            live.timers.cancel(("watch", name, watch.uuid))
        if not watch.own_line:
            live.nodes[watch.node].legs -= 1
            self.voice.forget(watch.uuid)
        elif person.leg == watch.uuid:
            person.parked_seen = watch.parked
            self.agents.let_go(person, talked=True)
        if watch.resumes and person.state is AgentState.PAUSED and person.reason == SUPERVISING:
            self.agents.ready(person)
        self.ended(watch)

    def _not_taken(self, watch: Watch, call: Call, why: str) -> None:
        watch.call, watch.joined, call.supervised = None, False, False
        if call.id in self.live.calls:
            self.asides.queue_again(call, why)

    def to_park(self, watch: Watch) -> None:
        """Take the leg out of whatever it does; once it is parked, it is asked what next."""
        watch.agent, watch.mode = None, ""
        self.send(watch)

    def send(self, watch: Watch) -> float:
        """Send the leg where it is to be now: to its customer, to its agent, or to park. Orders overtake each other, so
        one that follows too soon waits, and then says what is wanted by then. When that is.
        """
        live, due = self.live, watch.sent_at + APART_S
        if live.now < due:
            live.timers.set(("watch", "send", watch.uuid), due)
            return due
        self.sent(watch.uuid)
        return live.now

    def sent(self, uuid: str) -> None:
        """No other order is on its way by now. A switch that is away is waited for: who has left must not hear on."""
        live, watch = self.live, self.live.watches.get(uuid)
        if watch is None:
            return
        if not live.nodes[watch.node].up:
            live.timers.set(("watch", "send", uuid), live.now + AWAY_S)
            return
        watch.sent_at = live.now
        if watch.call is not None:
            live.emit(Join(watch.call.node, watch.call.id, uuid))
        elif watch.agent is not None and watch.agent.leg is not None:
            live.emit(Eavesdrop(watch.node, uuid, watch.agent.leg))
        else:
            live.emit(ParkLeg(watch.node, uuid))
            self._look(watch)

    def _look(self, watch: Watch) -> None:
        self.live.timers.set_by(("node", "look", watch.node), self.live.now + LOOK_S)

    # ---- what the switch says ------------------------------------------------------------------------------

    def replied(self, event: OriginateReplied) -> bool:
        """The answer to the originate of a supervisor's leg; False when it is none of ours."""
        watch = self.live.watches.get(event.uuid)
        if watch is None or not watch.rung:
            return False
        if event.ok:
            self._arrived(watch)
        else:
            self.gone(watch)
        return True

    def parked(self, event: LegParked) -> bool:
        """CHANNEL_PARK of a supervisor's leg: it has arrived, or listens no longer; False when it is none of ours."""
        watch = self.live.watches.get(event.uuid)
        if watch is None:
            return False
        if watch.ringing or watch.agent is None or event.at > watch.since + STALE_PARK_S:
            self.seen_parked(watch)
        else:
            self._look(watch)  # or is it one who left as soon as they listened?
        return True

    def _arrived(self, watch: Watch) -> None:
        if watch.ringing:
            watch.ringing, watch.parked = False, True
            self.live.timers.cancel(("watch", "ring", watch.uuid))
            self.there(watch)

    def seen_parked(self, watch: Watch) -> None:
        """The leg is parked."""
        if watch.ringing:
            self._arrived(watch)
        elif watch.call is not None:
            watch.parked = watch.joined  # the customer's hangup will tell; before the bridge it is a park of before
        elif not watch.parked:
            watch.parked, watch.agent, watch.mode = True, None, ""
            self.live.timers.cancel(("watch", "mode", watch.uuid))
            if watch.own_line:
                self.forget(watch)
            else:
                self.alone(watch)

    def hung_up(self, event: LegHungUp) -> bool:
        """A supervisor's leg is gone; False when it is none, or an agent's own line, of which ``agent_gone`` hears."""
        watch = self.live.watches.get(event.uuid)
        if watch is None or watch.own_line:
            return False
        self.gone(watch, put_down=event.cause in PUT_DOWN)
        return True

    def overdue(self, uuid: str) -> None:
        """A supervisor's phone that neither answered nor failed."""
        watch = self.live.watches.get(uuid)
        if watch is not None and watch.ringing:
            self.close(watch)

    def bridged(self, event: LegsBridged) -> bool:
        """The bridge of a take-over; False when it is none."""
        for a, b in ((event.a_uuid, event.b_uuid), (event.b_uuid, event.a_uuid)):
            watch = self.live.watches.get(b)
            if watch is not None and watch.call is not None and watch.call.id == a:
                watch.joined, released, watch.released = True, watch.released, None
                self.holds.watch_ask(watch)
                self.live.timers.cancel(("watch", "join", watch.uuid))
                if released is not None and released.state is AgentState.WRAP_UP:
                    self.voice.tell(released, "taken-from-you")
                return True
        return False

    def bridge_replied(self, event: BridgeReplied) -> bool:
        """The answer to the bridge of a take-over; False when it is none."""
        watch = self.live.watches.get(event.agent_uuid)
        if watch is None or watch.call is None or watch.call.id != event.call_uuid:
            return False
        if not event.ok:
            self._take_over_failed(watch, event.error)
        return True

    def deaf(self, watch: Watch) -> None:
        """The phone holds, and the switch does not know: a customer who was taken over hears nothing."""
        if watch.joined:
            self._take_over_failed(watch, "the phone is on hold")

    def join_overdue(self, uuid: str) -> None:
        """The bridge of a take-over does not stand."""
        watch = self.live.watches.get(uuid)
        if watch is None or watch.call is None or watch.joined:
            return
        if self.live.nodes[watch.node].up:
            self._take_over_failed(watch, "the bridge did not stand")
        else:
            self.live.timers.set(("watch", "join", uuid), self.live.now + JOIN_S)

    def _take_over_failed(self, watch: Watch, why: str) -> None:
        self.live.timers.cancel(("watch", "join", watch.uuid))
        self.live.note("warning", "take_over_failed", f"supervisor {watch.supervisor}: {why}")
        if watch.call is not None:
            self._not_taken(watch, watch.call, "the supervisor did not get the customer")
        self.to_park(watch)

    def call_ended(self, call: Call) -> None:
        """A customer who had been taken over is gone: the supervisor is asked for the next agent."""
        for watch in [watch for watch in self.live.watches.values() if watch.call is call]:
            was_there, watch.call, watch.joined = watch.joined, None, False
            self.live.timers.cancel(("watch", "join", watch.uuid))
            if watch.parked:
                watch.parked = False
                self.seen_parked(watch)
            elif not was_there:
                self.to_park(watch)  # it listens to the agent still, or hangs between the two

    def agent_gone(self, agent: Agent) -> None:
        """An agent's line is gone: whoever listened to it parks, and it is no supervisor's line either."""
        for watch in list(self.live.watches.values()):
            if watch.agent is agent:
                watch.agent, watch.mode = None, ""
                self.live.timers.cancel(("watch", "mode", watch.uuid))
            if watch.own_line and watch.supervisor == agent.settings.agent:
                self.gone(watch)

    # ---- words ---------------------------------------------------------------------------------------------

    def say(self, watch: Watch, *prompts: str) -> float:
        """Tell a supervisor something, over what they listen to if need be; how long until it is said."""
        live, prompts = self.live, self.voice.known(prompts)
        if watch.parked and watch.call is None:
            return self.voice.say(watch.node, watch.uuid, *prompts)
        if prompts and not watch.ringing and live.nodes[watch.node].up:
            # While a leg listens, a recording that is broadcast to it waits until it no longer does (measured).
            live.emit(Murmur(watch.node, watch.uuid, prompts, live.settings.phones.language))
        return self.voice.lasts(prompts)
