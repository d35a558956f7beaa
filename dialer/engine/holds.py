"""A phone's own hold button: what the switch is told beforehand, who is on hold, and when that is really over.

Owns ``Agent.held``. The switch plays the holding leg's ``hold_music`` to the customer. It takes a phone that holds and
sends nothing for dead after the ``media_timeout`` that stood when the hold began; so that is long while the phone does
not hold, and short while it does, since what stands then holds after the resume (all measured).

The switch's word on a hold is worth little: when the customer leaves a phone that holds it says that the hold is over,
and when a phone that holds is bridged or transferred it forgets the hold without a word; the phone holds on, and its
resume makes no event (measured). Whoever is given the line then hears nothing and is not heard. So the phone's own last
word is asked for: when a line is new to us, when the switch says that a hold is over, and whenever somebody has begun
to talk, which costs no time. Must not put customers on hold: that is ``asides``'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState
from dialer.domain.phones import AskHold, HoldTold, SetVariables
from dialer.engine.live import Agent, Call, Live, Watch
from dialer.engine.party_records import PartyState

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.asides import AsideDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.parties import PartyDesk
    from dialer.engine.party_legs import PartyLegs
    from dialer.engine.party_records import Party
    from dialer.engine.supervision import SupervisionDesk

HELD_MEDIA_S: Final = 600.0
"""A phone that loses its power while it holds is noticed after this."""
DIALED_IN_MEDIA_S: Final = 10.0
"""What the dialplan gives a phone that called us."""
REARM_S: Final = 1.0
"""Set at once after CHANNEL_HOLD, the short time would still be that of this hold (measured)."""
ASK_AGAIN_S: Final = 1.0
LOOK_S: Final = 5.0
"""How often a phone that holds in a conversation is asked, should the event of its resume be lost."""


class HoldDesk:
    """Knows whose phone holds."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.agents: AgentDesk
        self.calls: CallDesk
        self.asides: AsideDesk
        self.parties: PartyDesk
        self.party_legs: PartyLegs
        self.supervision: SupervisionDesk

    # ---- agents' lines -------------------------------------------------------------------------------------

    def line_up(self, agent: Agent) -> None:
        """The agent's leg is there: what a hold on it is."""
        if agent.leg is None or agent.leg == agent.hold_ready:
            return
        agent.hold_ready = agent.leg
        self.set_again(agent)

    def set_again(self, agent: Agent) -> None:
        """Say what a hold on this line is."""
        if agent.leg is not None and not self.live.nodes[agent.node].up:
            self.refused(agent.leg)  # there is nobody to say it to
            return
        sound = self.live.settings.phones.hold_sound
        self._set(agent, 0.0 if agent.hold_rearmed else HELD_MEDIA_S, {"hold_music": sound} if sound else {})

    def refused(self, uuid: str) -> None:
        """The switch did not take what a hold on this leg is: a customer would hear nothing."""
        if (agent := self.live.legs.get(uuid)) is not None:
            self.live.timers.set(("agent", "holdset", agent.settings.agent), self.live.now + ASK_AGAIN_S)

    def adopted(self, agent: Agent) -> None:
        """A leg that was there before: it may be on hold, and gets no customer until that is known."""
        self._doubt(agent)

    def found(self, agent: Agent, *, talks: bool) -> None:
        """A leg that was there before is listed as on hold: the switch knows, and plays music to whom it talks with."""
        agent.hold_told = talks
        self._holds(agent)

    def talking(self, agent: Agent, call: Call) -> None:
        """Agent and customer are bridged: do they hear each other?"""
        agent.joined_at = self.live.now
        self.ask(agent)

    def _doubt(self, agent: Agent) -> None:
        if not agent.held:
            agent.held = agent.hold_doubt = True
            agent.hold_rearmed = False
            self.live.timers.set(("agent", "hold", agent.settings.agent), self.live.now + ASK_AGAIN_S)
            self.agents.changed(agent)
        self.ask(agent)

    def _set(self, agent: Agent, media_s: float, more: dict[str, str] | None = None) -> None:
        live = self.live
        own_s = DIALED_IN_MEDIA_S if agent.dialed_in else agent.seat.media_timeout_s
        variables = more or {}
        if own_s > 0:
            variables["media_timeout"] = str(round((media_s or own_s) * 1000))
        if variables and agent.leg is not None and live.nodes[agent.node].up:
            live.emit(SetVariables(agent.node, agent.leg, tuple(variables.items())))

    def ask(self, agent: Agent) -> None:
        """Ask for the phone's last word."""
        if agent.leg is not None:
            self._ask(agent.node, agent.leg)

    def _ask(self, node: str, uuid: str) -> None:
        if self.live.nodes[node].up:
            self.live.emit(AskHold(node, uuid))

    def told(self, agent: Agent, held: bool, at: float) -> None:
        """The switch says that the phone holds, or no longer does. What it knew before a bridge it may forget by that:
        only a hold that began while the bridge stood is sure to play music.
        """
        call, watch = agent.call, self.live.watches.get(agent.leg or "")
        stands = call is not None and agent.state is AgentState.TALKING and not call.aside and at >= agent.joined_at
        agent.hold_told = held and (stands if watch is None else watch.joined)
        if held:
            self._holds(agent)
        elif agent.held:
            self.look(agent)
        else:
            self._doubt(agent)  # the hold itself was not heard, and this end of it may be none

    def answered(self, event: HoldTold) -> None:
        """What the phone said last."""
        agent, watch = self.live.legs.get(event.uuid), self.live.watches.get(event.uuid)
        self._once_more(agent or watch or self.live.parties.get(event.uuid), event)
        if agent is None:
            if watch is not None and event.held is not None:
                self._watch_answered(watch, event.held)
            elif (party := self.live.parties.get(event.uuid)) is not None:
                self._party_answered(party, event.held)
        elif event.held:
            self._holds(agent)
            if not agent.hold_told:
                self._unheard(agent)
        elif agent.hold_doubt or (agent.held and event.held is not None):
            self._over(agent)  # where nobody can say, nothing speaks for a hold

    def _once_more(self, known: Agent | Watch | Party | None, event: HoldTold) -> None:
        """An answer that was lost: whoever talks there might hear nothing, and nothing else would tell."""
        if known is None:
            return
        asked, known.hold_again = known.hold_again, event.held is None
        if event.held is None and not asked:
            self._ask(known.node, event.uuid)

    def _unheard(self, agent: Agent) -> None:
        """The phone holds, and the switch does not: who is bridged to it hears nothing."""
        watch = self.live.watches.get(agent.leg or "")
        if watch is not None:
            self.supervision.deaf(watch)
        elif agent.call is not None:
            self.asides.unheard(agent.call, agent)

    def _holds(self, agent: Agent) -> None:
        live = self.live
        if not agent.held or agent.hold_doubt:
            agent.held, agent.hold_doubt = True, False
            live.counters["phones_held"] += 1
            live.note("debug", "leg_held", f"the phone of agent {agent.settings.agent} is on hold")
            agent.hold_rearmed = False
            self.live.timers.set(("agent", "hold", agent.settings.agent), live.now + REARM_S)
            self.agents.changed(agent)
        elif agent.hold_rearmed:
            self._look_again(agent)

    def _look_again(self, agent: Agent) -> None:
        waited_for = agent.call is None or agent.call.aside
        pause_s = ASK_AGAIN_S if waited_for else LOOK_S
        self.live.timers.set(("agent", "hold", agent.settings.agent), self.live.now + pause_s)

    def look(self, agent: Agent) -> None:
        """Ask for the phone's last word, and again until it is that the hold is over."""
        if agent.held and agent.leg is not None:
            if not agent.hold_rearmed and self.live.timers.due(("agent", "hold", agent.settings.agent)) is None:
                agent.hold_rearmed = True
                self._set(agent, 0.0)
            self.ask(agent)
            self._look_again(agent)

    def _over(self, agent: Agent) -> None:
        live = self.live
        doubt, rearmed = agent.hold_doubt, agent.hold_rearmed
        agent.held = agent.hold_doubt = agent.hold_told = agent.hold_rearmed = False
        live.timers.cancel(("agent", "hold", agent.settings.agent))
        if not doubt:
            live.note("debug", "leg_held", f"the phone of agent {agent.settings.agent} is back from hold")
        if rearmed:
            self._set(agent, HELD_MEDIA_S)
        self.agents.changed(agent)
        self.asides.hears_again(agent)
        self.calls.route()

    def gone(self, agent: Agent) -> None:
        """The agent's leg is gone, and with it the hold."""
        agent.held = agent.hold_doubt = agent.hold_told = agent.hold_rearmed = agent.hold_again = False
        agent.hold_ready = ""
        for name in ("hold", "holdset"):
            self.live.timers.cancel(("agent", name, agent.settings.agent))

    # ---- supervisors' legs ---------------------------------------------------------------------------------

    def watch_up(self, watch: Watch) -> None:
        """A supervisor has called: what a hold is, and whether this is one."""
        sound = self.live.settings.phones.hold_sound
        if sound and self.live.nodes[watch.node].up:
            self.live.emit(SetVariables(watch.node, watch.uuid, (("hold_music", sound),)))
        self.watch_ask(watch)

    def watch_told(self, watch: Watch, held: bool) -> None:
        """The switch says that a supervisor's phone holds, or no longer does."""
        if held:
            watch.held, watch.hold_told = True, watch.joined
        else:
            watch.hold_told = False
            self.watch_ask(watch)

    def watch_ask(self, watch: Watch) -> None:
        """Ask for the last word of a supervisor's phone."""
        self._ask(watch.node, watch.uuid)

    def _watch_answered(self, watch: Watch, held: bool) -> None:
        watch.held = held
        if held and not watch.hold_told:
            self.supervision.deaf(watch)

    # ---- third parties' legs -------------------------------------------------------------------------------

    def party_told(self, party: Party, held: bool, at: float) -> None:
        """The switch says that a third party's phone holds, or no longer does."""
        if held:
            party.held, party.hold_told = True, party.state is PartyState.MOVED and at >= party.since
        else:
            party.hold_told = False
            self.party_look(party.uuid)

    def party_talks(self, party: Party) -> None:
        """Third party and customer are bridged: do they hear each other?"""
        self._ask(party.node, party.uuid)
        if party.held and not party.hold_told:
            self._party_again(party)

    def party_look(self, uuid: str) -> None:
        """Ask for the phone's last word, and again until it is that the hold is over."""
        party = self.live.parties.get(uuid)
        if party is not None:
            self._ask(party.node, party.uuid)
            if party.held:
                self._party_again(party)

    def _party_again(self, party: Party) -> None:
        if party.state not in (PartyState.MOVING, PartyState.MOVED):
            return  # whoever rang them hears for themselves
        waited_for = party.call is not None and party.call.aside
        pause_s = ASK_AGAIN_S if waited_for or not party.hold_told else LOOK_S
        self.live.timers.set(("party", "hold", party.uuid), self.live.now + pause_s)

    def _party_answered(self, party: Party, held: bool | None) -> None:
        if party.guest is not None or held is None:
            return
        party.held = held
        if held:
            if not party.hold_told:
                self.parties.unheard(party)
            self._party_again(party)
        else:
            party.hold_told = False
            self.live.timers.cancel(("party", "hold", party.uuid))
            if party.state is PartyState.MOVING and not party.joins:
                self.party_legs.join(party)
