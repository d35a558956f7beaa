"""The life of an agent: login, ready, reserved, talking, wrap-up, a lost phone.

Owns what an agent does next; the line itself is ``lines``'. Must not choose agents for calls (``routing``) or end calls
on its own (``CallDesk`` does). An agent is free only when READY *and* CHANNEL_PARK has been seen since the last
customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dialer.domain.agent import AgentState, AgentTrigger, Line
from dialer.domain.call import CallState
from dialer.domain.events import LegHungUp
from dialer.domain.outcomes import Outcome
from dialer.engine import records
from dialer.engine.lines import CURE_EVERY_S, PARK_GRACE_S, RETRY_S, Lines
from dialer.engine.live import Agent, Call, Live
from dialer.engine.party_records import Party

if TYPE_CHECKING:
    from dialer.engine.asides import AsideDesk
    from dialer.engine.feed import Feed
    from dialer.engine.own_calls import OwnCallDesk
    from dialer.engine.parties import PartyDesk

SKIP_RELEASE_S = 3600.0
"""A lead that an agent skipped is shown again no sooner than this."""
BUSY_STATES = frozenset({AgentState.TALKING, AgentState.WRAP_UP})
KEPT_STATES = frozenset({AgentState.WRAP_UP, AgentState.PAUSED, AgentState.READY})
"""Where an on-call agent may have a line that no customer is waited for on: what became of the call is keyed in, or the
next lead is about to be shown."""
PUT_DOWN_S = 15.0
"""How long an on-call phone is kept for the reason of a pause, or for the next lead."""
SKIPPED = "skipped"
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


PHONE_PUT_DOWN = "the phone was put down"
PUT_DOWN = frozenset({"NORMAL_CLEARING", "NORMAL_UNSPECIFIED"})
"""Causes with which somebody puts a phone down; every other one is a phone that was lost."""


def worked_share(times: Iterable[Mapping[AgentState, float]]) -> float:
    """(talk + wrap-up) ÷ logged-in time, 0–1, of agents' seconds in each state."""
    busy = logged_in = 0.0
    for spent in times:
        busy += sum(spent.get(state, 0.0) for state in BUSY_STATES)
        logged_in += sum(spent.get(state, 0.0) for state in LOGGED_IN_STATES)
    return busy / logged_in if logged_in > 0 else 0.0


class AgentDesk(Lines):
    """Moves agents through their table."""

    def __init__(self, live: Live, feed: Feed) -> None:
        super().__init__(live, feed)
        self.asides: AsideDesk
        self.parties: PartyDesk
        self.own_calls: OwnCallDesk

    # ---- coming and going ----------------------------------------------------------------------------------

    def login(self, agent: Agent, *, ready: bool, reason: str = "login") -> bool:
        """Open the agent's line (nailed-up) or just note that the phone may be rung (on-call)."""
        if not self.move(agent, AgentTrigger.LOGIN, reason):
            return False
        agent.want_ready = ready
        agent.after_call = None
        agent.failures = 0
        self._connect(agent)
        return True

    def login_on(self, agent: Agent, uuid: str, node: str, *, ready: bool, reason: str) -> None:
        """Log in an agent whose phone called us: the parked leg ``uuid`` is the open line."""
        if self.move(agent, AgentTrigger.LOGIN, reason):
            agent.want_ready = ready
            agent.after_call = None
            agent.failures = 0
            agent.dialed_in = True
            self.adopt_leg(agent, uuid, node, parked=True)

    def _connect(self, agent: Agent) -> None:
        if not agent.nailed_up:
            self._line_is_up(agent)
            return
        self.ring(agent)

    def hung_up(self, agent: Agent, event: LegHungUp) -> None:
        """The agent's leg ended and it was not our doing."""
        if self.own_calls.phone_failed(agent, event.cause):
            return
        lost = event.cause not in PUT_DOWN
        if not agent.nailed_up and agent.state in BUSY_STATES | {AgentState.PAUSED, AgentState.READY}:
            self._put_down(agent, lost=lost)
            return
        if not agent.nailed_up and agent.state is AgentState.PREVIEWING and agent.line is Line.PARKED and not lost:
            self.drop_leg(agent)
            self.pause(agent, PHONE_PUT_DOWN)
            return
        self.line_lost(agent, f"the phone hung up: {event.cause}")

    def _put_down(self, agent: Agent, *, lost: bool) -> None:
        """An on-call phone hung up: that is how its agent ends a conversation, or leaves it to the third party."""
        call = agent.call
        self.drop_leg(agent)
        self.parties.agent_gone(agent)
        if call is None or agent.call is not call or call.state is not CallState.CONNECTED:
            return
        if lost:
            agent.call = None
            agent.after_call = agent.after_call or ("pause", "the phone was lost")
            self._wrap_up(agent)
            self.asides.agent_lost(call)
        else:
            self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, "the agent hung up")

    def line_lost(self, agent: Agent, why: str) -> None:
        """The line is gone: the customer goes to somebody else, the phone is rung again after a pause."""
        live = self.live
        name = agent.settings.agent
        kept = not agent.nailed_up and agent.state in KEPT_STATES and agent.leg is not None
        self.drop_leg(agent)
        self.own_calls.agent_gone(agent)
        self.parties.agent_gone(agent)
        if agent.state is AgentState.LOGGED_OUT:
            return  # as they wished once their customer was with somebody else
        if kept:
            return  # an on-call phone that nobody needed any more
        call, agent.call = agent.call, None
        self.give_back_preview(agent, "the agent's phone was lost")
        for timer in ("wrap", "preview", "steady"):
            live.timers.cancel(("agent", timer, name))
        if agent.state in AT_WORK_STATES:
            agent.want_ready = agent.after_call is None
        elif agent.state is AgentState.PAUSED:
            agent.want_ready = False
        wish, agent.after_call = agent.after_call, None
        wants_out = (wish is not None and wish[0] == "logout") or not agent.seat.address
        live.counters["agent_lines_lost"] += 1
        gives_up = not wants_out and agent.nailed_up and agent.failures >= live.settings.phones.ring_tries
        if gives_up:
            live.counters["agents_given_up"] += 1
            why += f"; tried {agent.failures} times, not rung again until the agent is ready or logs in"
        self.move(agent, AgentTrigger.LINE_LOST, why)
        live.note("warning", "agent_line_lost", f"agent {name}: {why}")
        if wants_out:
            self.logout(agent, "logout")
        elif not gives_up:
            pause = RETRY_S[min(agent.failures, len(RETRY_S) - 1)]
            agent.failures += 1
            live.timers.set(("agent", "retry", name), live.now + pause)
        if call is not None and call.state is CallState.CONNECTING:
            self.calls.bridge_failed(call)
        elif call is not None and call.state is CallState.CONNECTED:
            self.asides.agent_lost(call)
        elif call is not None and call.bound_agent == name:
            call.bound_agent = None
            self.calls.route()

    def _given_up(self, agent: Agent) -> bool:
        """Whether the agent's phone did not answer so often that it is rung no more."""
        return agent.state is AgentState.UNAVAILABLE and (
            self.live.timers.due(("agent", "retry", agent.settings.agent)) is None
        )

    def retry(self, agent: Agent) -> None:
        """Ring a lost phone again. An on-call agent comes back paused: somebody must say that they are there."""
        if self.move(agent, AgentTrigger.RETRY, "ringing the phone again"):
            if not agent.nailed_up:
                agent.want_ready = False
                agent.reason = "phone did not answer"
            self._connect(agent)

    # ---- customers -----------------------------------------------------------------------------------------

    def reserve_for(self, agent: Agent, call: Call) -> None:
        """A bridge to this agent is being sent."""
        if agent.state is AgentState.READY:
            self.move(agent, AgentTrigger.RESERVE, "")
        agent.call = call
        agent.parked_seen = agent.hold_told = False
        self._set_line(agent, Line.BRIDGING)

    def lend(self, agent: Agent, party: Party) -> None:
        """Another agent asks this one: no customer until that is over (``give_back``)."""
        self.move(agent, AgentTrigger.RESERVE, "asked by another agent")
        agent.lent = party
        if agent.leg is not None:
            agent.parked_seen = False
            self._set_line(agent, Line.BRIDGING)

    def occupy(self, agent: Agent) -> None:
        """Somebody who is no customer is about to be joined with this agent's line, if it is parked."""
        if agent.line is Line.PARKED:
            agent.parked_seen = True
            self._set_line(agent, Line.BRIDGING)

    def give_back(self, agent: Agent) -> None:
        """Nobody asks this agent any more."""
        agent.lent = None
        self._free_after(agent, talked=False)

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
        for told in self.on_talking:
            told(agent, call)

    def bridge_failed(self, agent: Agent) -> None:
        """The agent keeps the line, but nobody knows in which state it is: park it and wait for the word."""
        agent.call = None
        self._free_after(agent, talked=False)

    def customer_gone(self, agent: Agent, call: Call) -> None:
        """The customer's leg ended, whatever the state it was in."""
        agent.call = None
        self._free_after(agent, talked=agent.state is AgentState.TALKING)

    def _free_after(self, agent: Agent, *, talked: bool) -> None:
        if not agent.nailed_up and not (talked and self._wraps_up(agent)):
            self.hang_up_leg(agent)  # first of all, or the open line would look free
        self.let_go(agent, talked=talked)
        if talked:
            self._wrap_up(agent)
        else:
            self.release(agent, "")

    def let_go(self, agent: Agent, *, talked: bool) -> None:
        """Whoever was on the agent's line has left it, or is leaving: it is free when it is seen parked."""
        live = self.live
        if agent.leg is None or agent.line is not Line.BRIDGING:
            return
        if agent.parked_seen:
            self._set_line(agent, Line.PARKED)
            self.voice.wait(agent)
        elif talked:
            self._doubt(agent, PARK_GRACE_S)
        else:
            # The customer left before the bridge stood: the leg may be in limbo, so do not wait for a park.
            self._doubt(agent, CURE_EVERY_S)
            if live.nodes[agent.node].up:
                self.park(agent)

    def _wrap_up(self, agent: Agent) -> None:
        campaign = self.live.campaigns.get(agent.last_campaign or "")
        wrap_s = 0.0 if campaign is None else campaign.settings.wrap_up_s
        agent.extended = 0
        self.move(agent, AgentTrigger.WRAP, "", attempt=agent.last_attempt)
        for told in self.on_talk_over:
            told(agent)
        if wrap_s > 0:
            self.live.timers.set(("agent", "wrap", agent.settings.agent), self.live.now + wrap_s)
        else:
            self.wrap_done(agent)

    def _wraps_up(self, agent: Agent) -> bool:
        """Whether there is time to say what became of the call: an on-call agent does that over the phone, too."""
        campaign = self.live.campaigns.get(agent.last_campaign or "")
        return campaign is not None and campaign.settings.wrap_up_s > 0

    def put_down(self, agent: Agent) -> None:
        """Let an on-call phone go that was kept after its customer, unless it is needed again."""
        self.live.timers.cancel(("agent", "put_down", agent.settings.agent))
        if not agent.nailed_up and agent.state in KEPT_STATES and agent.own is None and agent.lent is None:
            self.hang_up_leg(agent)

    def wrap_done(self, agent: Agent) -> None:
        """Wrap-up is over: ready, or whatever was asked for meanwhile."""
        if agent.state is AgentState.WRAP_UP:
            self._settle(agent)

    def keep_a_while(self, agent: Agent) -> None:
        """An on-call phone that is there may be needed again at once; one that still rings has nobody at it."""
        if agent.nailed_up or agent.leg is None:
            return
        if agent.line is Line.DIALING:
            self.hang_up_leg(agent)
        else:
            self.live.timers.set(("agent", "put_down", agent.settings.agent), self.live.now + PUT_DOWN_S)

    def release(self, agent: Agent, reason: str, *, keeps: bool = False) -> None:
        """A reservation or preview came to nothing: ready again, or whatever was asked for meanwhile. ``keeps``: an
        on-call phone is not let go at once.
        """
        agent.call = None
        self.give_back_preview(agent, reason)
        self.live.timers.cancel(("agent", "preview", agent.settings.agent))
        if keeps:
            self.keep_a_while(agent)
        elif not agent.nailed_up:
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
        campaign = self.live.campaigns.get(agent.last_campaign or "")
        if wish is None and campaign is not None and campaign.settings.preview_rings:
            self.keep_a_while(agent)  # the next lead is shown over it
        else:
            self.put_down(agent)
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
            _, lead = agent.preview
            agent.preview = None
            after = SKIP_RELEASE_S if reason == SKIPPED else 0.0
            self.live.emit(records.give_back(lead, reason or "not dialed", after))

    # ---- orders --------------------------------------------------------------------------------------------

    def pause(self, agent: Agent, reason: str) -> str | None:
        """Pause now, or after the customer at hand; returns what is wrong, or None."""
        if agent.state is AgentState.LOGGED_OUT:
            return "the agent is not logged in"
        if self.own_calls.afterwards(agent, AgentState.PAUSED, reason):
            return None
        if agent.state in (AgentState.TALKING, AgentState.RESERVED):
            self._wish(agent, ("pause", reason))
            return None
        if agent.state in (AgentState.CONNECTING, AgentState.UNAVAILABLE):
            agent.want_ready = False
            if not self._given_up(agent):
                agent.reason = reason
            return None
        agent.after_call = None
        self.give_back_preview(agent, "the agent paused")
        self.live.timers.cancel(("agent", "wrap", agent.settings.agent))
        self.live.timers.cancel(("agent", "preview", agent.settings.agent))
        self.move(agent, AgentTrigger.PAUSE, reason)
        self.keep_a_while(agent)
        return None

    def ready(self, agent: Agent) -> str | None:
        """Take customers; ends a pause or wrap-up, or takes back a pause asked for; what is wrong, or None."""
        if agent.state is AgentState.LOGGED_OUT:
            return "the agent is not logged in"
        if self.own_calls.afterwards(agent, AgentState.READY, ""):
            return None
        if agent.state in (AgentState.TALKING, AgentState.RESERVED):
            self._wish(agent, None)
        elif agent.state in (AgentState.CONNECTING, AgentState.UNAVAILABLE):
            agent.want_ready = True
            if self._given_up(agent):
                agent.failures = 0
                self.retry(agent)
        elif agent.state in (AgentState.PAUSED, AgentState.WRAP_UP):
            agent.after_call = None
            self._settle(agent)
        return None

    def _wish(self, agent: Agent, wish: tuple[str, str] | None) -> None:
        """What the agent does after the customer at hand: whoever leaves then is nobody to dial for, or to wait for."""
        agent.after_call = wish
        self.changed(agent)

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
        self.own_calls.agent_gone(agent)
        self.parties.agent_gone(agent)
        self.give_back_preview(agent, "the agent logged out")
        for timer in ("wrap", "preview", "retry", "connect", "steady", "put_down"):
            self.live.timers.cancel(("agent", timer, agent.settings.agent))
        self.hang_up_leg(agent)
        agent.expected = ""
        self.move(agent, AgentTrigger.LOGOUT, reason)
        if not agent.seat.address:
            agent.seat = self.live.settings.seats[agent.settings.seat]
