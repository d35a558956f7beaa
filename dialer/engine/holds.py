"""A phone's own hold button: what the switch is told beforehand, who is on hold, and when that is really over.

Owns ``Agent.held``. The switch plays the holding leg's ``hold_music`` to the customer. It takes a phone that holds and
sends nothing for dead after the ``media_timeout`` that stood when the hold began; so that is long while the phone does
not hold, and short while it does, since what stands then holds after the resume (all measured). When the customer
leaves a phone that holds, the switch says that the hold is over, and it is not: whoever were given the line then would
hear nothing, so the phone's own last word is asked for. Must not put customers on hold: that is ``asides``'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.domain.phones import AskHold, HoldTold, SetVariables
from dialer.engine.live import Agent, Live

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.calls import CallDesk

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

    def line_up(self, agent: Agent) -> None:
        """The agent's leg is there: what a hold on it is."""
        if agent.leg is None or agent.leg == agent.hold_ready:
            return
        agent.hold_ready = agent.leg
        sound = self.live.settings.phones.hold_sound
        self._set(agent, HELD_MEDIA_S, {"hold_music": sound} if sound else {})

    def adopted(self, agent: Agent) -> None:
        """A leg that was there before: it may be on hold."""
        self._ask(agent)

    def _set(self, agent: Agent, media_s: float, more: dict[str, str] | None = None) -> None:
        live = self.live
        own_s = DIALED_IN_MEDIA_S if agent.dialed_in else agent.seat.media_timeout_s
        variables = more or {}
        if own_s > 0:
            variables["media_timeout"] = str(round((media_s or own_s) * 1000))
        if variables and agent.leg is not None and live.nodes[agent.node].up:
            live.emit(SetVariables(agent.node, agent.leg, tuple(variables.items())))

    def _ask(self, agent: Agent) -> None:
        if agent.leg is not None and self.live.nodes[agent.node].up:
            self.live.emit(AskHold(agent.node, agent.leg))

    def told(self, agent: Agent, held: bool) -> None:
        """The switch says that the phone holds, or no longer does."""
        if held:
            self._holds(agent)
        elif agent.held:
            self.look(agent)

    def answered(self, event: HoldTold) -> None:
        """What the phone said last."""
        agent = self.live.legs.get(event.uuid)
        if agent is None:
            return
        if event.held:
            self._holds(agent)
        elif event.held is not None and agent.held:
            self._over(agent)

    def _holds(self, agent: Agent) -> None:
        live = self.live
        if not agent.held:
            agent.held = True
            live.counters["phones_held"] += 1
            live.note("debug", "leg_held", f"the phone of agent {agent.settings.agent} is on hold")
            agent.hold_rearmed = False
            self.live.timers.set(("agent", "hold", agent.settings.agent), live.now + REARM_S)
            self.agents.changed(agent)
        elif agent.hold_rearmed:
            self._look_again(agent)

    def _look_again(self, agent: Agent) -> None:
        pause_s = ASK_AGAIN_S if agent.call is None else LOOK_S
        self.live.timers.set(("agent", "hold", agent.settings.agent), self.live.now + pause_s)

    def look(self, agent: Agent) -> None:
        """Ask for the phone's last word, and again until it is that the hold is over."""
        if agent.held and agent.leg is not None:
            if not agent.hold_rearmed and self.live.timers.due(("agent", "hold", agent.settings.agent)) is None:
                agent.hold_rearmed = True
                self._set(agent, 0.0)
            self._ask(agent)
            self._look_again(agent)

    def _over(self, agent: Agent) -> None:
        live = self.live
        agent.held = False
        live.timers.cancel(("agent", "hold", agent.settings.agent))
        live.note("debug", "leg_held", f"the phone of agent {agent.settings.agent} is back from hold")
        self._set(agent, HELD_MEDIA_S)
        self.agents.changed(agent)
        self.calls.route()

    def gone(self, agent: Agent) -> None:
        """The agent's leg is gone, and with it the hold."""
        agent.held, agent.hold_ready = False, ""
        self.live.timers.cancel(("agent", "hold", agent.settings.agent))
