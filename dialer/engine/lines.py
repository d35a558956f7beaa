"""An agent's line: ringing the phone, the open leg, parked or not, the cure of a line in doubt.

Owns the agent's channel and the agent's table; a line is free only when CHANNEL_PARK has been seen since the last
conversation. What an agent does next is ``agents``', which is built on this. Must not know customers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dialer.domain.agent import AGENT_TABLE, AgentState, AgentTrigger, Line
from dialer.domain.call import CallState
from dialer.domain.commands import HangUp, LogAgentState, OriginateAgent, ParkLeg
from dialer.domain.events import LegParked, OriginateReplied
from dialer.engine.live import Agent, Call, Live

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed
    from dialer.engine.keys import KeyDesk
    from dialer.engine.own_calls import OwnCallDesk
    from dialer.engine.parties import PartyDesk
    from dialer.engine.previews import PreviewDesk
    from dialer.engine.speaking import Voice

PARK_GRACE_S = 1.0
"""How long after a customer left the agent's CHANNEL_PARK may take before we park the leg ourselves."""
PARK_SETTLE_S = 0.1
"""Commands overtake each other at the switch, and a leg whose partner left parks by itself: an order to park that is
still on its way (20 ms at most on a quiet switch) would then tear the leg out of its next bridge."""
CURE_EVERY_S = 2.0
CURES = 3
LOOK_S = 1.2
"""The list of channels lags behind the events; asked for sooner it might show the line as it was before."""
LINE_GRACE_S = 10.0
EXPECT_S = 60.0
"""How long after a start all switches are waited for, while one of them may still have an agent's open line."""
LOGIN_SPREAD_S = 0.05
"""No two phones are rung closer than this: after a restart all lines are opened, and the switch has a rate limit."""
NO_LINE = "no line is free"
RETRY_S = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""The growing pauses between tries to reach a phone that was lost or did not answer."""


class Lines:
    """The lines of all agents."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.calls: CallDesk
        self.voice: Voice
        self.keys: KeyDesk
        self.parties: PartyDesk
        self.own_calls: OwnCallDesk
        self.previews: PreviewDesk
        self.on_line_gone: list[Callable[[Agent], None]] = []
        self.on_line_up: list[Callable[[Agent], None]] = []
        self.on_adopted: list[Callable[[Agent], None]] = []
        self.on_talking: list[Callable[[Agent, Call], None]] = []
        self.on_talk_over: list[Callable[[Agent], None]] = []

    def line_lost(self, agent: Agent, why: str) -> None:
        """The line is gone. Given by the layer above."""
        raise NotImplementedError

    def leave(self, agent: Agent, reason: str) -> None:
        """Log out at once. Given by the layer above."""
        raise NotImplementedError

    def release(self, agent: Agent, reason: str) -> None:
        """A reservation came to nothing."""
        raise NotImplementedError

    # ---- legs ----------------------------------------------------------------------------------------------

    def ring(self, agent: Agent) -> None:
        """Originate the agent's leg on a usable node, or try again shortly."""
        live = self.live
        node = next((n for n in live.nodes.values() if n.usable), None)
        if node is None:
            live.timers.set(("agent", "connect", agent.settings.agent), live.now + 1.0)
            return
        if agent.expected and live.now < live.started_at + EXPECT_S and not all(n.usable for n in live.nodes.values()):
            live.timers.set(("agent", "connect", agent.settings.agent), live.now + 1.0)  # its leg may be on the other
            return
        if not agent.seat.address:
            self.leave(agent, "the phone hung up")  # it called us from outside: nobody knows where to ring it
            return
        agent.expected = ""
        turn = live.rang_a_phone_at + LOGIN_SPREAD_S
        if live.now < turn - 1e-6:
            # Each has a turn of its own: a thousand who log in at once must not all come back for the next one.
            live.last_ring_turn = max(turn, live.last_ring_turn + LOGIN_SPREAD_S)
            live.timers.set(("agent", "connect", agent.settings.agent), live.last_ring_turn)
            return
        live.rang_a_phone_at = live.now
        agent.node = node.name
        agent.leg = live.new_id()
        live.legs[agent.leg] = agent
        node.legs += 1
        self._set_line(agent, Line.DIALING)
        seat = agent.seat
        live.timers.set(("agent", "line", agent.settings.agent), live.now + seat.ring_timeout_s + LINE_GRACE_S)
        live.emit(
            OriginateAgent(
                node=node.name,
                uuid=agent.leg,
                agent=agent.settings.agent,
                address=seat.address,
                profile=seat.profile,
                ring_timeout_s=seat.ring_timeout_s,
                auto_answer=not agent.nailed_up,
                media_timeout_s=seat.media_timeout_s,
                caller_id="dialer",
                epoch=live.settings.epoch,
            )
        )

    def ring_waiting(self) -> None:
        """A switch is ready: ring every phone that waits for one, spread out so that its own rate limit holds."""
        live = self.live
        waiting = [a for a in live.agents.values() if a.state is AgentState.CONNECTING and a.leg is None]
        for index, agent in enumerate(waiting):
            due = live.now + (index + 1) * LOGIN_SPREAD_S
            live.timers.set(("agent", "connect", agent.settings.agent), due)

    def adopt_leg(self, agent: Agent, uuid: str, node: str, *, parked: bool, colleague: bool = False) -> None:
        """A leg of this agent was found on the switch: take it over, and part it from a ``colleague``'s."""
        live = self.live
        agent.leg = uuid
        agent.node = node
        agent.expected = ""
        live.legs[uuid] = agent
        live.nodes[node].legs += 1
        live.timers.cancel(("agent", "connect", agent.settings.agent))
        self._set_line(agent, Line.UNSURE)
        for told in self.on_adopted:
            told(agent)
        if parked:
            self._line_is_up(agent)
        elif colleague:
            self._doubt(agent, CURE_EVERY_S)
            self.park(agent)
        else:
            self._doubt(agent, PARK_GRACE_S)

    def drop_leg(self, agent: Agent) -> None:
        live = self.live
        if agent.leg is not None:
            live.legs.pop(agent.leg, None)
            live.nodes[agent.node].legs -= 1
            self.voice.forget(agent.leg)
            agent.leg = None
            for told in self.on_line_gone:
                told(agent)
        agent.dialed_in = False
        self.keys.gone(agent)
        for name in ("line", "cure", "settle"):
            live.timers.cancel(("agent", name, agent.settings.agent))
        self._set_line(agent, Line.NONE)

    def hang_up_leg(self, agent: Agent) -> None:
        """End the agent's own leg, on purpose: its hangup event will find nobody and mean nothing."""
        if agent.leg is None:
            return
        if self.live.nodes[agent.node].up:
            self.live.emit(HangUp(agent.node, agent.leg, "NORMAL_CLEARING"))
        if agent.line is Line.DIALING:
            self.live.give_up(agent.leg, agent.node)
        self.drop_leg(agent)

    def part(self, agent: Agent) -> tuple[str | None, str]:
        """Take a parked line from its agent without ending it: its UUID, if there is one, and its node."""
        uuid, node = agent.leg, agent.node
        if uuid is None or agent.line is not Line.PARKED:
            return None, node
        self.drop_leg(agent)
        return uuid, node

    def park(self, agent: Agent) -> None:
        """Order the line to park; it is not free before that order can no longer be on its way."""
        assert agent.leg is not None
        agent.parked_seen = False
        self.live.emit(ParkLeg(agent.node, agent.leg))
        self.live.timers.set(("agent", "settle", agent.settings.agent), self.live.now + PARK_SETTLE_S)
        self._look_soon(agent)

    def settled(self, agent: Agent) -> None:
        """Our order to park has been carried out by now."""
        if agent.line is Line.UNSURE and agent.parked_seen:
            self._line_is_up(agent)

    def parked(self, agent: Agent, event: LegParked) -> None:
        """CHANNEL_PARK: the line is up, or free again."""
        settles = self.live.timers.due(("agent", "settle", agent.settings.agent))
        if agent.line is Line.UNSURE and settles is not None and settles > self.live.now:
            agent.parked_seen = True
            return
        if agent.line is Line.BRIDGING:
            # The park before the bridge, or the one a moment before the customer's hangup: the hangup decides.
            agent.parked_seen = agent.call is None or agent.call.state is not CallState.CONNECTING
            self.parties.line_parked(agent)
            return
        self._line_is_up(agent)

    def _line_is_up(self, agent: Agent) -> None:
        live = self.live
        name = agent.settings.agent
        live.timers.cancel(("agent", "line", name))
        live.timers.cancel(("agent", "cure", name))
        agent.cures = 0
        for told in self.on_line_up:
            told(agent)
        if agent.leg is not None:
            self._set_line(agent, Line.PARKED)
            self.voice.wait(agent)
        if agent.state is AgentState.CONNECTING:
            agent.idle_since = live.now
            self.move(agent, AgentTrigger.LINE_UP, agent.reason)
            live.timers.set(("agent", "steady", name), live.now + RETRY_S[-1])
            if agent.want_ready:
                self.move(agent, AgentTrigger.READY, "")
        elif agent.state is AgentState.RESERVED and agent.call is None and agent.preview is not None:
            campaign, lead = agent.preview
            problem = self.calls.no_room(campaign, live.nodes[agent.node])  # paused, say, since it was accepted
            if problem is not None:
                self.release(agent, problem)
            elif self.calls.open(campaign, lead, agent.node, agent) is None:
                self.release(agent, NO_LINE)
            else:
                agent.preview = None
        elif agent.state is AgentState.PREVIEWING and live.timers.due(("agent", "preview", name)) is None:
            self.previews.begin(agent)
        self.own_calls.line_up(agent)
        self.calls.route()

    def line_seen_parked(self, agent: Agent) -> None:
        """The switch lists the line as parked: as good as CHANNEL_PARK."""
        self._line_is_up(agent)

    def _doubt(self, agent: Agent, grace_s: float) -> None:
        self._set_line(agent, Line.UNSURE)
        agent.cures = 0
        self.live.timers.set(("agent", "cure", agent.settings.agent), self.live.now + grace_s)

    def cure(self, agent: Agent) -> None:
        """No CHANNEL_PARK came: park the leg ourselves; if that does not help, drop it and ring the phone anew."""
        if agent.line is not Line.UNSURE or agent.leg is None:
            return
        live = self.live
        if not live.nodes[agent.node].up:
            live.timers.set(("agent", "cure", agent.settings.agent), live.now + CURE_EVERY_S)
            return
        agent.cures += 1
        if agent.cures > CURES:
            live.counters["agent_lines_stuck"] += 1
            live.note("warning", "agent_line_stuck", f"agent {agent.settings.agent}: the line does not park")
            live.emit(HangUp(agent.node, agent.leg, "NORMAL_CLEARING"))
            self.line_lost(agent, "the line did not come back")
            return
        self.park(agent)
        live.timers.set(("agent", "cure", agent.settings.agent), live.now + CURE_EVERY_S)

    def _look_soon(self, agent: Agent) -> None:
        """Should the CHANNEL_PARK be lost, a list of the channels shows that the line is parked."""
        self.live.timers.set_by(("node", "look", agent.node), self.live.now + LOOK_S)

    def originate_replied(self, agent: Agent, event: OriginateReplied) -> None:
        if not event.ok and not self.own_calls.phone_failed(agent, event.cause):
            self.line_lost(agent, f"the phone was not reached: {event.cause}")

    def line_overdue(self, agent: Agent) -> None:
        """An originate of an agent's leg that neither answered nor failed."""
        if agent.line is Line.DIALING and agent.leg is not None:
            if self.live.nodes[agent.node].up:
                self.live.emit(HangUp(agent.node, agent.leg, "NORMAL_CLEARING"))
            if not self.own_calls.phone_failed(agent, "NO_ANSWER"):
                self.line_lost(agent, "the phone did not answer")

    # ---- the table -----------------------------------------------------------------------------------------

    def _set_line(self, agent: Agent, line: Line) -> None:
        agent.line = line
        agent.line_since = self.live.now
        self.changed(agent)

    def changed(self, agent: Agent) -> None:
        """Whether the agent may take a customer may be otherwise now."""
        self.live.line_up(agent)
        self.feed.agent(agent)
        self.calls.router.agent(agent)
        for name in agent.settings.campaigns:
            if (campaign := self.live.campaigns.get(name)) is not None:
                campaign.dirty = True

    def move(self, agent: Agent, trigger: AgentTrigger, reason: str, attempt: str | None = None) -> bool:
        """Move the agent through the table and log it; False (counted) when the table does not allow it."""
        live = self.live
        target = AGENT_TABLE.next(agent.state, trigger)
        if target is None:
            live.odd(
                f"agent_{trigger.value}", f"agent {agent.settings.agent}: {trigger.value} while {agent.state.value}"
            )
            return False
        agent.time_in[agent.state] = agent.time_in.get(agent.state, 0.0) + live.now - agent.since
        if target is not agent.state:
            agent.state = target
        agent.since = live.now
        agent.reason = reason
        if target is AgentState.READY:
            agent.idle_since = live.now
        self.changed(agent)
        live.emit(
            LogAgentState(
                agent.settings.agent,
                agent.seat.seat,
                target.value,
                reason,
                live.now,
                attempt_id=attempt,
                line=(agent.leg or "") if agent.dialed_in else "",
            )
        )
        return True
