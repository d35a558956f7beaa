"""The life of an agent and of the agent's line: login, ready, reserved, talking, wrap-up, a lost phone.

Owns every agent transition and the cure of a line in doubt. Must not choose agents for calls (``routing``) or end
calls (``CallDesk``). An agent is free only when READY *and* CHANNEL_PARK has been seen since the last customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.domain.agent import AGENT_TABLE, AgentState, AgentTrigger, Line
from dialer.domain.call import CallState
from dialer.domain.commands import HangUp, LogAgentState, OriginateAgent, ParkLeg, ReleaseLeads
from dialer.domain.events import LegHungUp, LegParked, OriginateReplied
from dialer.engine.live import Agent, Call, Live

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed

PARK_GRACE_S = 1.0
"""How long after a customer left the agent's CHANNEL_PARK may take before we park the leg ourselves."""
CURE_EVERY_S = 2.0
CURES = 3
LOOK_S = 1.2
"""The list of channels lags behind the events; asked for sooner it might show the line as it was before."""
LINE_GRACE_S = 10.0
LOGIN_SPREAD_S = 0.05
"""No two phones are rung closer than this: after a restart all lines are opened, and the switch has a rate limit."""
RETRY_S = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""The growing pauses between tries to reach a phone that was lost or did not answer."""
SKIP_RELEASE_S = 3600.0
"""A lead that an agent skipped is shown again no sooner than this."""
BUSY_STATES = frozenset({AgentState.TALKING, AgentState.WRAP_UP})
AT_WORK_STATES = BUSY_STATES | {AgentState.READY, AgentState.PREVIEWING, AgentState.RESERVED}
LOGGED_IN_STATES = frozenset(
    {
        AgentState.READY,
        AgentState.PAUSED,
        AgentState.PREVIEWING,
        AgentState.RESERVED,
        AgentState.TALKING,
        AgentState.WRAP_UP,
    }
)


class AgentDesk:
    """Moves agents through their table."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.calls: CallDesk

    # ---- lines ---------------------------------------------------------------------------------------------

    def login(self, agent: Agent, *, ready: bool, reason: str = "login") -> bool:
        """Open the agent's line (nailed-up) or just note that the phone may be rung (on-call)."""
        if not self.move(agent, AgentTrigger.LOGIN, reason):
            return False
        agent.want_ready = ready
        agent.after_call = None
        agent.failures = 0
        self._connect(agent)
        return True

    def _connect(self, agent: Agent) -> None:
        if not agent.nailed_up:
            self._line_is_up(agent)
            return
        self.ring(agent)

    def ring(self, agent: Agent) -> None:
        """Originate the agent's leg on a usable node, or try again shortly."""
        live = self.live
        node = next((n for n in live.nodes.values() if n.usable), None)
        if node is None:
            live.timers.set(("agent", "connect", agent.settings.agent), live.now + 1.0)
            return
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
                keep=agent.nailed_up,
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

    def adopt_leg(self, agent: Agent, uuid: str, node: str, *, parked: bool) -> None:
        """A leg of this agent was found on the switch: take it over."""
        live = self.live
        agent.leg = uuid
        agent.node = node
        live.legs[uuid] = agent
        live.nodes[node].legs += 1
        live.timers.cancel(("agent", "connect", agent.settings.agent))
        self._set_line(agent, Line.UNSURE)
        if parked:
            self._line_is_up(agent)
        else:
            self._doubt(agent, PARK_GRACE_S)

    def _drop_leg(self, agent: Agent) -> None:
        live = self.live
        if agent.leg is not None:
            live.legs.pop(agent.leg, None)
            live.nodes[agent.node].legs -= 1
            agent.leg = None
        for name in ("line", "cure"):
            live.timers.cancel(("agent", name, agent.settings.agent))
        self._set_line(agent, Line.NONE)

    def hang_up_leg(self, agent: Agent) -> None:
        """End the agent's own leg, on purpose: its hangup event will find nobody and mean nothing."""
        if agent.leg is None:
            return
        if self.live.nodes[agent.node].up:
            self.live.emit(HangUp(agent.node, agent.leg, "NORMAL_CLEARING"))
        self._drop_leg(agent)

    def parked(self, agent: Agent, event: LegParked) -> None:
        """CHANNEL_PARK: the line is up, or free again."""
        if agent.line is Line.BRIDGING:
            # The park before the bridge, or the one a moment before the customer's hangup: the hangup decides.
            agent.parked_seen = agent.call is None or agent.call.state is not CallState.CONNECTING
            return
        self._line_is_up(agent)

    def _line_is_up(self, agent: Agent) -> None:
        live = self.live
        name = agent.settings.agent
        live.timers.cancel(("agent", "line", name))
        live.timers.cancel(("agent", "cure", name))
        agent.cures = 0
        if agent.leg is not None:
            self._set_line(agent, Line.PARKED)
        if agent.state is AgentState.CONNECTING:
            agent.idle_since = live.now
            self.move(agent, AgentTrigger.LINE_UP, agent.reason)
            live.timers.set(("agent", "steady", name), live.now + RETRY_S[-1])
            if agent.want_ready:
                self.move(agent, AgentTrigger.READY, "")
        elif agent.state is AgentState.RESERVED and agent.call is None and agent.preview is not None:
            campaign, lead = agent.preview
            agent.preview = None
            self.calls.open(campaign, lead, agent.node, agent)
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
        live.emit(ParkLeg(agent.node, agent.leg))
        live.timers.set(("agent", "cure", agent.settings.agent), live.now + CURE_EVERY_S)
        self._look_soon(agent)

    def _look_soon(self, agent: Agent) -> None:
        """A leg that was parked before answers uuid_park without a CHANNEL_PARK (measured): a list shows it."""
        self.live.timers.set_by(("node", "look", agent.node), self.live.now + LOOK_S)

    def originate_replied(self, agent: Agent, event: OriginateReplied) -> None:
        if not event.ok:
            self.line_lost(agent, f"the phone was not reached: {event.cause}")

    def hung_up(self, agent: Agent, event: LegHungUp) -> None:
        """The agent's leg ended and it was not our doing."""
        if not agent.nailed_up and agent.state in BUSY_STATES | {AgentState.PAUSED, AgentState.READY}:
            self._drop_leg(agent)  # an on-call phone hangs up after each customer: nothing is wrong
            return
        self.line_lost(agent, f"the phone hung up: {event.cause}")

    def line_lost(self, agent: Agent, why: str) -> None:
        """The line is gone: the customer goes to somebody else, the phone is rung again after a pause."""
        live = self.live
        name = agent.settings.agent
        call, agent.call = agent.call, None
        self.give_back_preview(agent, "the agent's phone was lost")
        self._drop_leg(agent)
        live.timers.cancel(("agent", "wrap", name))
        live.timers.cancel(("agent", "preview", name))
        live.timers.cancel(("agent", "steady", name))
        if agent.state in AT_WORK_STATES:
            agent.want_ready = agent.after_call is None
        elif agent.state is AgentState.PAUSED:
            agent.want_ready = False
        wish, agent.after_call = agent.after_call, None
        wants_out = wish is not None and wish[0] == "logout"
        live.counters["agent_lines_lost"] += 1
        self.move(agent, AgentTrigger.LINE_LOST, why)
        live.note("warning", "agent_line_lost", f"agent {name}: {why}")
        if wants_out:
            self.logout(agent, "logout")
        else:
            pause = RETRY_S[min(agent.failures, len(RETRY_S) - 1)]
            agent.failures += 1
            live.timers.set(("agent", "retry", name), live.now + pause)
        if call is not None and call.state is CallState.CONNECTING:
            self.calls.bridge_failed(call)
        elif call is not None and call.state is CallState.CONNECTED:
            call.agent = None  # its hangup is to come, and finds nobody to wrap up
        elif call is not None and call.bound_agent == name:
            call.bound_agent = None
            self.calls.route()

    def retry(self, agent: Agent) -> None:
        """Ring a lost phone again. An on-call agent comes back paused: somebody must say that they are there."""
        if self.move(agent, AgentTrigger.RETRY, "ringing the phone again"):
            if not agent.nailed_up:
                agent.want_ready = False
                agent.reason = "phone did not answer"
            self._connect(agent)

    def line_overdue(self, agent: Agent) -> None:
        """An originate of an agent's leg that neither answered nor failed."""
        if agent.line is Line.DIALING and agent.leg is not None:
            if self.live.nodes[agent.node].up:
                self.live.emit(HangUp(agent.node, agent.leg, "NORMAL_CLEARING"))
            self.line_lost(agent, "the phone did not answer")

    # ---- customers -----------------------------------------------------------------------------------------

    def reserve_for(self, agent: Agent, call: Call) -> None:
        """A bridge to this agent is being sent."""
        if agent.state is AgentState.READY:
            self.move(agent, AgentTrigger.RESERVE, "")
        agent.call = call
        agent.parked_seen = False
        self._set_line(agent, Line.BRIDGING)

    def lend(self, agent: Agent) -> None:
        """Another agent asks this one, over the open line: no customer until that is over (``bridge_failed``)."""
        self.move(agent, AgentTrigger.RESERVE, "asked by another agent")
        agent.parked_seen = False
        self._set_line(agent, Line.BRIDGING)

    def adopt_call(self, agent: Agent, call: Call) -> None:
        """A conversation of a former run, found on the switch with this agent's leg in it."""
        self.live.timers.cancel(("agent", "cure", agent.settings.agent))
        if agent.state is AgentState.CONNECTING:
            self.move(agent, AgentTrigger.LINE_UP, agent.reason)
        if agent.state is AgentState.PAUSED:
            agent.after_call = None if agent.want_ready else ("pause", agent.reason)
            self.move(agent, AgentTrigger.READY, "found in a conversation")
        agent.call = call
        agent.parked_seen = False
        self._set_line(agent, Line.BRIDGING)

    def talking(self, agent: Agent, call: Call) -> None:
        """The bridge stands."""
        self.move(agent, AgentTrigger.TALK, "", attempt=call.id)
        agent.last_attempt = call.id
        agent.last_campaign = call.campaign.name
        agent.last_call = call
        agent.calls += 1

    def bridge_failed(self, agent: Agent) -> None:
        """The agent keeps the line, but nobody knows in which state it is: park it and wait for the word."""
        agent.call = None
        self._free_after(agent, talked=False)

    def customer_gone(self, agent: Agent, call: Call) -> None:
        """The customer's leg ended, whatever the state it was in."""
        agent.call = None
        self._free_after(agent, talked=agent.state is AgentState.TALKING)

    def _free_after(self, agent: Agent, *, talked: bool) -> None:
        live = self.live
        if not agent.nailed_up:
            self.hang_up_leg(agent)  # first of all, or the open line would look free
        if agent.leg is not None and agent.line is Line.BRIDGING:
            if agent.parked_seen:
                self._set_line(agent, Line.PARKED)
            elif talked:
                self._doubt(agent, PARK_GRACE_S)
            else:
                # The customer left before the bridge stood: the leg may be in limbo, so do not wait for a park.
                self._doubt(agent, CURE_EVERY_S)
                if live.nodes[agent.node].up:
                    live.emit(ParkLeg(agent.node, agent.leg))
                    self._look_soon(agent)
        if talked:
            self._wrap_up(agent)
        else:
            self.release(agent, "")

    def _wrap_up(self, agent: Agent) -> None:
        campaign = self.live.campaigns.get(agent.last_campaign or "")
        wrap_s = 0.0 if campaign is None else campaign.settings.wrap_up_s
        self.move(agent, AgentTrigger.WRAP, "", attempt=agent.last_attempt)
        if wrap_s > 0:
            self.live.timers.set(("agent", "wrap", agent.settings.agent), self.live.now + wrap_s)
        else:
            self.wrap_done(agent)

    def wrap_done(self, agent: Agent) -> None:
        """Wrap-up is over: ready, or whatever was asked for meanwhile."""
        if agent.state is AgentState.WRAP_UP:
            self._settle(agent)

    def release(self, agent: Agent, reason: str) -> None:
        """A reservation or preview came to nothing: ready again, or whatever was asked for meanwhile."""
        agent.call = None
        self.give_back_preview(agent, reason)
        self.live.timers.cancel(("agent", "preview", agent.settings.agent))
        if not agent.nailed_up:
            self.hang_up_leg(agent)
        if agent.state in (AgentState.RESERVED, AgentState.PREVIEWING):
            self.move(agent, AgentTrigger.RELEASE, reason)
            if agent.after_call is not None:
                self._settle(agent)
            else:
                self.calls.route()

    def _settle(self, agent: Agent) -> None:
        wish, agent.after_call = agent.after_call, None
        self.live.timers.cancel(("agent", "wrap", agent.settings.agent))
        agent.idle_since = self.live.now
        if wish is None:
            self.move(agent, AgentTrigger.READY, "")
            self.calls.route()
        elif wish[0] == "pause":
            self.move(agent, AgentTrigger.PAUSE, wish[1])
        else:
            self.logout(agent, "logout")

    def give_back_preview(self, agent: Agent, reason: str) -> None:
        """Release the lead that the agent is shown, if any."""
        if agent.preview is not None:
            campaign, lead = agent.preview
            agent.preview = None
            after = SKIP_RELEASE_S if reason == "skipped" else 0.0
            self.live.emit(ReleaseLeads(campaign.name, (lead.lead_id,), reason or "not dialed", after))

    # ---- orders --------------------------------------------------------------------------------------------

    def pause(self, agent: Agent, reason: str) -> str | None:
        """Pause now, or after the customer at hand; returns what is wrong, or None."""
        if agent.state is AgentState.LOGGED_OUT:
            return "the agent is not logged in"
        if agent.state in (AgentState.TALKING, AgentState.RESERVED):
            self._wish(agent, ("pause", reason))
            return None
        if agent.state in (AgentState.CONNECTING, AgentState.UNAVAILABLE):
            agent.want_ready = False
            agent.reason = reason
            return None
        agent.after_call = None
        self.give_back_preview(agent, "the agent paused")
        self.live.timers.cancel(("agent", "wrap", agent.settings.agent))
        self.live.timers.cancel(("agent", "preview", agent.settings.agent))
        self.move(agent, AgentTrigger.PAUSE, reason)
        return None

    def ready(self, agent: Agent) -> str | None:
        """Take customers; ends a pause or wrap-up, or takes back a pause asked for; what is wrong, or None."""
        if agent.state is AgentState.LOGGED_OUT:
            return "the agent is not logged in"
        if agent.state in (AgentState.TALKING, AgentState.RESERVED):
            self._wish(agent, None)
        elif agent.state in (AgentState.CONNECTING, AgentState.UNAVAILABLE):
            agent.want_ready = True
        elif agent.state in (AgentState.PAUSED, AgentState.WRAP_UP):
            agent.after_call = None
            self._settle(agent)
        return None

    def _wish(self, agent: Agent, wish: tuple[str, str] | None) -> None:
        """What the agent does after the customer at hand: whoever leaves then is nobody to dial for."""
        agent.after_call = wish
        self.feed.agent(agent)

    def logout(self, agent: Agent, reason: str) -> str | None:
        """Log out now, or after the customer at hand; returns what is wrong, or None."""
        if agent.state is AgentState.LOGGED_OUT:
            return "the agent is not logged in"
        if agent.state in (AgentState.TALKING, AgentState.RESERVED):
            self._wish(agent, ("logout", reason))
            return None
        self.leave(agent, reason)
        return None

    def leave(self, agent: Agent, reason: str) -> None:
        """Log out at once, whatever the agent does. The caller has seen to it that no customer is left with them."""
        agent.after_call = None
        self.give_back_preview(agent, "the agent logged out")
        for timer in ("wrap", "preview", "retry", "connect", "steady"):
            self.live.timers.cancel(("agent", timer, agent.settings.agent))
        self.hang_up_leg(agent)
        self.move(agent, AgentTrigger.LOGOUT, reason)

    # ---- the table -----------------------------------------------------------------------------------------

    def _set_line(self, agent: Agent, line: Line) -> None:
        agent.line = line
        agent.line_since = self.live.now
        self._changed(agent)

    def _changed(self, agent: Agent) -> None:
        self.live.line_up(agent)
        self.feed.agent(agent)
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
        self._changed(agent)
        live.emit(
            LogAgentState(agent.settings.agent, agent.seat.seat, target.value, reason, live.now, attempt_id=attempt)
        )
        return True
