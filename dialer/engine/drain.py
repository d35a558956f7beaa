"""The end: no more calls, time for those that go on, then what is left is hung up and everybody logged out.

Owns the order of a shutdown and its last resort. Ending a call is the call desk's, who keeps the minimum ring.
"""

from __future__ import annotations

from dialer.domain.agent import AgentState
from dialer.domain.call import CallState
from dialer.domain.commands import Drained, HangUp
from dialer.domain.events import Shutdown
from dialer.domain.outcomes import Outcome
from dialer.engine import status
from dialer.engine.agents import AgentDesk
from dialer.engine.calls import CallDesk
from dialer.engine.hoppers import HopperDesk
from dialer.engine.live import Call, Live
from dialer.engine.memory import PacingMemory
from dialer.engine.orders import OrderDesk
from dialer.engine.phone_records import Step

AFTER_DRAIN_S = 20.0
"""How long hangups may take to be confirmed before what is left is settled without the switch's word."""


class Drain:
    """Takes the engine down."""

    def __init__(
        self,
        live: Live,
        calls: CallDesk,
        agents: AgentDesk,
        hoppers: HopperDesk,
        orders: OrderDesk,
        memory: PacingMemory,
    ) -> None:
        self.live = live
        self.calls = calls
        self.agents = agents
        self.hoppers = hoppers
        self.orders = orders
        self.memory = memory

    def begin(self, event: Shutdown) -> None:
        """No more calls; what goes on has ``drain_s`` to end."""
        live = self.live
        if live.draining:
            return
        live.busy_share_at_close = status.busy_share(live)
        live.draining = True
        live.note("info", "drain", f"no more calls; {len(live.calls)} calls have {event.drain_s:g} s to end")
        for campaign in live.campaigns.values():
            self.hoppers.release(campaign, "shutdown")
            self.orders.end_previews(campaign.name)
        self.memory.save()
        live.timers.set(("engine", "drain"), live.now + event.drain_s)

    def over(self) -> None:
        """The time is up: hang up what is left."""
        live = self.live
        live.drain_over = True
        for call in list(live.calls.values()):
            self._end(call)
        longest = max((c.settings.min_ring_s for c in live.campaigns.values()), default=0.0)
        live.timers.set(("engine", "close"), live.now + longest + AFTER_DRAIN_S)

    def _end(self, call: Call) -> None:
        live = self.live
        if call.state is CallState.RESERVED:
            return  # nothing is sent; the store's answer ends it
        if call.state is CallState.RECOVERING or not live.nodes[call.node].up:
            self.calls.lost(call, "the switch was away at shutdown")
        elif call.arrival is not None and call.bridged_at is None:
            if call.state is not CallState.CLOSING:
                self.calls.inbound.send_away(call, "the dialer was shut down")
        elif call.state is not CallState.ABANDONING:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.SHUTDOWN, "hung up at shutdown")

    def close(self) -> None:
        """Hangups that nobody confirmed: settle without the switch's word."""
        for call in list(self.live.calls.values()):
            self.live.counters["calls_unconfirmed_at_shutdown"] += 1
            self.calls.lost(call, "the switch did not confirm the hangup at shutdown")

    def check(self) -> None:
        """Done when no call is left: agents are logged out."""
        live = self.live
        own_calls = not live.drain_over and any(agent.own is not None for agent in live.agents.values())
        if live.calls or own_calls or live.drained:
            return
        for agent in live.agents.values():
            if agent.state is not AgentState.LOGGED_OUT:
                self.agents.leave(agent, "shutdown")
        legs = [(watch.node, watch.uuid) for watch in live.watches.values() if not watch.own_line]
        # Phones that are logging in are parked, and would stay in silence. Who hears last words is left to the switch.
        legs += [(each.node, each.uuid) for each in live.sessions.values() if each.step is not Step.LEAVING]
        for node, uuid in legs:
            if live.nodes[node].up:
                live.emit(HangUp(node, uuid, "NORMAL_CLEARING"))
        live.drained = True
        self.memory.save()
        live.emit(Drained(live.counters["calls_hung_up"]))
