"""Agents' own calls: to another agent or seat for free, or to an outside number by the rules that leads have.

Owns the acts dial and redial, the agent's way out of customers' reach and back, and the record of each such call. The
other party's leg is ``party_legs``', whom digits mean ``targets``', and whether a number may be called now
``number_checks``'.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState, AgentTrigger, Line
from dialer.domain.desk_records import SaveOwnCall
from dialer.engine.acts import Problem
from dialer.engine.live import Agent, Live
from dialer.engine.number_checks import STORE_TROUBLE, Asked, NumberDesk, Refusal
from dialer.engine.parties import WHY
from dialer.engine.party_legs import PartyLegs
from dialer.engine.party_records import OwnCall, Party
from dialer.engine.targets import Target, by_line, find

if TYPE_CHECKING:
    from dialer.engine.acts import ActDesk
    from dialer.engine.agents import AgentDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.speaking import Voice

OWN_CALL: Final = "own call"
"""The reason of the pause that an agent is in meanwhile."""
WRAP_AT_LEAST_S: Final = 5.0
_MAY_CALL: Final = frozenset({AgentState.READY, AgentState.PAUSED, AgentState.WRAP_UP})


class OwnCallDesk:
    """Places agents' own calls."""

    def __init__(self, live: Live, legs: PartyLegs, numbers: NumberDesk, voice: Voice) -> None:
        self.live = live
        self.legs = legs
        self.numbers = numbers
        self.voice = voice
        self.agents: AgentDesk
        self.calls: CallDesk
        legs.owners[False] = self

    def register(self, acts: ActDesk) -> None:
        """Offer the acts to keypads and the API."""
        acts.register("dial", self.dial)
        acts.register("redial", self.redial)

    # ---- acts ----------------------------------------------------------------------------------------------

    def redial(self, agent: Agent, argument: str) -> str | None:
        """Call whom the agent called last."""
        return self.dial(agent, agent.last_dialed) if agent.last_dialed else Problem(
            "this agent has called nobody yet", "nothing-to-redial"
        )  # fmt: skip

    def dial(self, agent: Agent, argument: str) -> str | None:
        """Call an agent, a seat or an outside number; returns what is wrong, or None."""
        live = self.live
        if agent.state not in _MAY_CALL or agent.own is not None or agent.after_call is not None:
            return Problem("this agent cannot place a call now")
        if live.draining:
            return Problem("the dialer is shutting down", "dialer-not-available")
        if agent.nailed_up and agent.line is not Line.PARKED:
            return Problem("the agent's line is not free")
        if not agent.nailed_up and agent.leg is not None and agent.line is not Line.PARKED:
            return Problem("the agent's phone is busy")
        if agent.held:
            return Problem("the agent's phone is on hold")
        if agent.leg is not None and not live.nodes[agent.node].usable:
            return Problem("the switch is not ready")
        target = find(self.legs.trunks, agent, argument)
        if isinstance(target, str):
            return target
        if target.e164 and not live.store_ok:
            return STORE_TROUBLE
        agent.last_dialed = argument
        agent.own = own = self._leave_customers(
            agent, OwnCall(live.new_id(), target, live.now, agent.state, agent.reason)
        )
        if target.e164:
            start, refused = partial(self._start, agent, own), partial(self._refused, agent)
            self.numbers.ask(own.ident, Asked(agent, target, start, refused))
        else:
            self._start(agent, own, target)
        return None

    def _leave_customers(self, agent: Agent, own: OwnCall) -> OwnCall:
        key = ("agent", "wrap", agent.settings.agent)
        due = self.live.timers.due(key)
        if own.back is AgentState.WRAP_UP and due is not None:
            own.wrap_left = max(WRAP_AT_LEAST_S, due - self.live.now)
        self.live.timers.cancel(key)
        self.agents.move(agent, AgentTrigger.PAUSE, OWN_CALL)
        return own

    # ---- the way there -------------------------------------------------------------------------------------

    def _refused(self, agent: Agent, refusal: Refusal) -> None:
        self._told(agent, refusal.prompt, refusal.rule)

    def _start(self, agent: Agent, own: OwnCall, target: Target) -> None:
        own.target, own.allowed = target, True
        if agent.leg is not None:
            self._call(agent, own)
        elif agent.nailed_up:
            self._told(agent, "error", "the agent's line was lost")
        else:
            self.agents.ring(agent)

    def line_up(self, agent: Agent) -> None:
        """The agent's line is parked: an on-call agent has picked up."""
        own = agent.own
        if own is not None and own.allowed and own.party is None and agent.line is Line.PARKED and not agent.nailed_up:
            self._call(agent, own)

    def _call(self, agent: Agent, own: OwnCall) -> None:
        target = own.target
        other, chosen = target.agent or target.rings, by_line(self.legs.trunks, target)
        if other is not None and (other.state is not AgentState.READY or (target.agent is not None and not other.free)):
            self._told(agent, "party-busy", "busy")
        elif target.agent is not None and target.agent.node != agent.node:
            self._told(agent, "party-unreachable", "on another switch")
        elif isinstance(chosen, Problem):
            self._told(agent, chosen.prompts[0], chosen)
        else:
            own.target = chosen
            own.party = self.legs.ask(agent, None, chosen)

    # ---- what becomes of it --------------------------------------------------------------------------------

    def party_talks(self, party: Party) -> None:
        """They hear each other."""
        own = None if party.agent is None else party.agent.own
        if own is not None and own.party is party:
            own.answered_at = self.live.now

    def party_failed(self, party: Party, cause: str) -> None:
        """Whom the agent called did not come, or left."""
        agent = party.agent
        if agent is None or agent.own is None or agent.own.party is not party:
            return
        if agent.own.answered_at is None:
            self._told(agent, WHY.get(cause, "party-unreachable"), cause)
        else:
            self._over(agent, cause)

    def phone_failed(self, agent: Agent, cause: str) -> bool:
        """The leg of an on-call agent in a call of their own ended, or never came; False when it is none."""
        if agent.own is None or agent.nailed_up:
            return False
        self.agents.drop_leg(agent)
        self._over(agent, cause)
        return True

    def end(self, agent: Agent) -> None:
        """The agent has had enough."""
        self._over(agent, "NORMAL_CLEARING")

    def agent_gone(self, agent: Agent) -> None:
        """The agent's line was lost, or they leave."""
        if agent.own is not None:
            self._over(agent, "the agent's line ended", here=False)

    def _told(self, agent: Agent, prompt: str, why: str) -> None:
        self.voice.tell(agent, prompt)
        self._over(agent, why)

    def _over(self, agent: Agent, why: str, *, here: bool = True) -> None:
        live, own, agent.own = self.live, agent.own, None
        assert own is not None
        self.numbers.forget(own.ident)
        live.timers.cancel(("agent", "connect", agent.settings.agent))
        self._record(agent, own, why)
        if own.party is not None:
            self.legs.drop(own.party)
        if here and not agent.nailed_up:
            self.agents.hang_up_leg(agent)
        elif here:
            self.agents.let_go(agent, talked=own.answered_at is not None)
        self._back(agent, own, here=here)

    def _record(self, agent: Agent, own: OwnCall, why: str) -> None:
        live, target = self.live, own.target
        live.counters["own_calls"] += 1
        live.emit(
            SaveOwnCall(
                ident=own.ident,
                agent=agent.settings.agent,
                seat=agent.seat.seat,
                target=target.text,
                number=target.e164 or (target.number if target.outside else ""),
                trunk=target.trunk,
                began_at=own.began_at,
                answered_at=own.answered_at,
                ended_at=live.now,
                reason=why,
                shown=target.caller_id if target.outside and own.party is not None else "",
            )
        )

    def _back(self, agent: Agent, own: OwnCall, *, here: bool) -> None:
        """What the agent did before, or has asked for meanwhile. Who leaves is given no customer on the way out."""
        if agent.state is not AgentState.PAUSED:
            return
        if own.back is AgentState.READY:
            self.agents.move(agent, AgentTrigger.READY, "")
            if here:
                self.calls.route()
        elif own.back is AgentState.WRAP_UP:
            self.agents.move(agent, AgentTrigger.WRAP, "", attempt=agent.last_attempt)
            self.live.timers.set(("agent", "wrap", agent.settings.agent), self.live.now + own.wrap_left)
        else:
            self.agents.move(agent, AgentTrigger.PAUSE, own.reason)

    def afterwards(self, agent: Agent, state: AgentState, reason: str) -> bool:
        """What an agent in a call of their own will do after it; False when they are in none."""
        if agent.own is None:
            return False
        agent.own.back, agent.own.reason = state, reason
        return True
