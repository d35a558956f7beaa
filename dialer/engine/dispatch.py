"""Whose leg is it? Every event of a leg goes to the desk that knows the leg.

Owns the order in which desks are asked, and what is odd because no leg of ours is meant. Must change no state itself.
Keys on a customer's leg end here: nothing of an agent's keypad can come from a customer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.call import CallState
from dialer.domain.hearing import TapLeg, UntapLeg
from dialer.domain.inbound import HoldCaller
from dialer.engine.live import Live

if TYPE_CHECKING:
    from dialer.engine.wiring import Desks


class LegEvents:
    """Takes the events of legs. ``on_customer_key`` is for the desk that wants it."""

    def __init__(self, live: Live, desks: Desks) -> None:
        self.live = live
        self.desks = desks
        self.on_customer_key: Callable[[ph.KeyPressed], None] | None = None

    def ringing(self, event: ev.LegRinging) -> None:
        if (call := self.live.calls.get(event.uuid)) is not None:
            self.desks.calls.ringing(call, event)

    def answered(self, event: ev.LegAnswered) -> None:
        if (call := self.live.calls.get(event.uuid)) is not None:
            self.desks.calls.answered(call, event)

    def bridged(self, event: ev.LegsBridged) -> None:
        """A conversation that goes on with somebody else comes before one that begins."""
        live = self.live
        desks = self.desks
        if desks.follow.bridged(event) or desks.parties.bridged(event) or desks.supervision.bridged(event):
            return
        for call_id, leg in ((event.a_uuid, event.b_uuid), (event.b_uuid, event.a_uuid)):
            call, agent = live.calls.get(call_id), live.legs.get(leg)
            if call is not None and agent is not None:
                self.desks.calls.bridged(call, agent, event)
                return
        live.odd("bridge_unknown", "a bridge between legs that are not a call and an agent of ours")

    def unbridged(self, event: ev.LegUnbridged) -> None:
        call = self.live.calls.get(event.uuid)
        if call is not None and call.state is CallState.CONNECTED:
            self.desks.calls.unbridged(call, event)

    def parked(self, event: ev.LegParked) -> None:
        desks = self.desks
        if desks.parties.parked(event) or desks.supervision.parked(event) or desks.phones.parked(event):
            return
        if (agent := self.live.legs.get(event.uuid)) is not None:
            desks.agents.parked(agent, event)

    def hung_up(self, event: ev.LegHungUp) -> None:
        live, desks = self.live, self.desks
        if (call := live.calls.get(event.uuid)) is not None:
            desks.calls.hung_up(call, event)
        elif desks.parties.hung_up(event) or desks.supervision.hung_up(event) or desks.phones.hung_up(event):
            return
        elif (agent := live.legs.get(event.uuid)) is not None:
            desks.agents.hung_up(agent, event)

    def originate_replied(self, event: ev.OriginateReplied) -> None:
        live, desks = self.live, self.desks
        if (call := live.calls.get(event.uuid)) is not None:
            desks.calls.originate_replied(call, event)
        elif desks.parties.replied(event) or desks.supervision.replied(event):
            return
        elif (agent := live.legs.get(event.uuid)) is not None:
            desks.agents.originate_replied(agent, event)

    def bridge_replied(self, event: ev.BridgeReplied) -> None:
        """The answer to a bridge, whoever asked for it."""
        desks = self.desks
        if desks.follow.bridge_replied(event):
            return
        if not desks.parties.bridge_replied(event) and not desks.supervision.bridge_replied(event):
            self.desks.calls.bridge_replied(event)

    def command_refused(self, event: ev.CommandRefused) -> None:
        """The switch may know something that we do not: ask it what there is."""
        live = self.live
        if event.command in (UntapLeg.__name__, ph.Display.__name__):
            return  # its leg is gone, and the recording or the display with it
        live.counters["commands_refused"] += 1
        live.note("info", "command_refused", f"{event.command} on {event.uuid}: {event.error}")
        node = self._node_of(event.uuid)
        if event.command == ph.TakeLeg.__name__:
            self.desks.phones.refused(event.uuid)
        elif event.command.startswith(ph.Record.__name__):
            what = event.command.removeprefix(ph.Record.__name__).strip()
            self.desks.recordings.refused(event.uuid, what, event.error)
        elif event.command == ph.Murmur.__name__:
            self.desks.recordings.unannounced(event.uuid, event.error)
        elif event.command in (ph.PutAside.__name__, HoldCaller.__name__):
            call = live.calls.get(event.uuid)
            if call is not None and "No such channel" not in event.error:
                self.desks.asides.not_put(call)
        elif event.command == ph.SetVariables.__name__:
            self.desks.holds.refused(event.uuid)
        elif event.command == TapLeg.__name__:
            self.desks.screenings.deaf(event.uuid, event.error)
            return
        if node is not None:
            self.desks.reconciler.ask(live.nodes[node])

    def _node_of(self, uuid: str) -> str | None:
        live = self.live
        for known in (live.calls, live.legs, live.sessions, live.parties, live.watches):
            if (found := known.get(uuid)) is not None:
                return str(found.node)
        return None

    def key(self, event: ph.KeyPressed) -> None:
        live, desks = self.live, self.desks
        if desks.phones.pressed(event) or desks.supervision.key(event) or desks.follow.pressed(event):
            return
        if (agent := live.legs.get(event.uuid)) is not None:
            desks.keys.pressed(agent, event.key)
        elif event.uuid in live.calls and self.on_customer_key is not None:
            self.on_customer_key(event)

    def held(self, event: ph.LegHeld) -> None:
        """A phone's own hold button."""
        if (agent := self.live.legs.get(event.uuid)) is not None:
            self.desks.holds.told(agent, event.held, event.at)
        elif (watch := self.live.watches.get(event.uuid)) is not None:
            self.desks.holds.watch_told(watch, event.held)
        elif (party := self.live.parties.get(event.uuid)) is not None:
            self.desks.holds.party_told(party, event.held, event.at)
