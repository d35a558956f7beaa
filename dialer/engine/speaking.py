"""What parked legs and agents in conversation are told, and the sound of a line that waits.

Owns what is being played to which leg: no words over other words, none cut off by the music, the music again after
each. A bridge ends whatever plays. Must not decide what is said, and must not say anything to a customer.
"""

from __future__ import annotations

from typing import Final

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState
from dialer.domain.phones import Hush, Murmur, Music, Say
from dialer.engine.live import Agent, Live
from dialer.engine.party_records import PartyState
from dialer.engine.phone_records import Sounding

HUSH_S: Final = 0.15
"""How long after a hush new words are sent: the switch carries commands out in no certain order."""
LAG_S: Final = 0.3
"""From our command to the first sound, and from its end to our next."""
PROMPT_S: Final = 2.5
"""How long a prompt is taken to be whose length nobody told."""
MOST_WORDS: Final = 40
OVERTAKES_S: Final = 0.2
"""Commands sent closer together than this may be carried out in the other order."""
CUT_S: Final = 0.3
"""How long after its command a bridge stands for certain."""


class Voice:
    """Speaks to phones."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def lasts(self, prompts: tuple[str, ...]) -> float:
        """How long it takes to say ``prompts``, from the command on."""
        known = self.live.settings.phones.prompt_seconds
        return LAG_S + sum(known.get(prompt) or _guess(prompt) for prompt in prompts)

    def known(self, prompts: tuple[str, ...]) -> tuple[str, ...]:
        """Those that the catalogue has, if it told: a centre's own disposition may have no recording.

        A part with a colon is a text to be spoken.
        """
        catalogue = self.live.settings.phones.prompt_seconds
        return tuple(each for each in prompts if each in catalogue or ":" in each) if catalogue else prompts

    # ---- parked legs ---------------------------------------------------------------------------------------

    def say(self, node: str, uuid: str, *prompts: str) -> float:
        """Tell a parked leg something, after what is being played has been stopped; how long until it is said."""
        live = self.live
        prompts = self.known(prompts)
        if not prompts or not live.nodes[node].up:
            return 0.0
        sound = live.sounds.setdefault(uuid, Sounding(node))
        if sound.music or sound.until > live.now:
            self._stop(uuid, sound)
        if sound.hushed_until > live.now:
            live.timers.set(("voice", "say", uuid), sound.hushed_until)
            sound.queued = (*sound.queued, *prompts)[:MOST_WORDS]
            return sound.hushed_until - live.now + self.lasts(sound.queued)
        self._speak(uuid, sound, prompts)
        return self.lasts(prompts)

    def _stop(self, uuid: str, sound: Sounding) -> None:
        live = self.live
        sound.music, sound.until, sound.hushed_until = False, live.now, live.now + HUSH_S
        live.emit(Hush(sound.node, uuid))

    def _speak(self, uuid: str, sound: Sounding, prompts: tuple[str, ...]) -> None:
        live = self.live
        live.emit(Say(sound.node, uuid, prompts, live.settings.phones.language))
        sound.until, sound.sent_at = live.now + self.lasts(prompts), live.now
        self._music_at(uuid, sound.until)

    def _music_at(self, uuid: str, at: float) -> None:
        if self.live.settings.phones.wait_sound and uuid in self.live.legs:
            self.live.timers.set(("voice", "wait", uuid), at)

    def say_queued(self, uuid: str) -> None:
        """The hush has worked."""
        sound = self.live.sounds.get(uuid)
        if sound is not None and sound.queued:
            prompts, sound.queued = sound.queued, ()
            if self.live.nodes[sound.node].up:
                self._speak(uuid, sound, prompts)

    def farewell(self, node: str, uuid: str, *prompts: str) -> float:
        """Say the last words, after which the switch hangs the leg up by itself; how long that takes."""
        live = self.live
        self.forget(uuid)
        if live.nodes[node].up:
            live.emit(Say(node, uuid, prompts, live.settings.phones.language, last=True))
        return self.lasts(prompts)

    def hush(self, node: str, uuid: str) -> None:
        """A key was pressed: whoever presses keys has heard enough."""
        live = self.live
        sound = live.sounds.get(uuid)
        if sound is not None and not sound.music and sound.until > live.now and live.nodes[node].up:
            self._stop(uuid, sound)
            self._music_at(uuid, sound.hushed_until)

    def cut(self, uuid: str) -> None:
        """The leg is about to be joined with somebody: that ends what plays, and what was still to be played.

        But a sound that the switch hears of after the bridge plays over it, instead of the voices, music without an end
        (measured): with one so fresh that it may be overtaken, stop it once more.
        """
        live = self.live
        sound = live.sounds.get(uuid)
        self.forget(uuid)
        if sound is not None and sound.sent_at > live.now - OVERTAKES_S:
            live.timers.set(("voice", "cut", uuid), live.now + CUT_S)

    def cut_again(self, uuid: str) -> None:
        """The bridge stands: whatever plays over it is stopped; where nothing does, nobody notices (measured)."""
        live = self.live
        agent, watch = live.legs.get(uuid), live.watches.get(uuid)
        node = agent.node if agent is not None else watch.node if watch is not None else ""
        if node and uuid not in live.sounds and live.nodes[node].up:
            live.emit(Hush(node, uuid))

    def forget(self, uuid: str) -> None:
        """The leg is gone, or something else is done with it that ends whatever plays."""
        live = self.live
        if live.sounds.pop(uuid, None) is not None:
            live.timers.cancel(("voice", "say", uuid))
            live.timers.cancel(("voice", "wait", uuid))
        live.timers.cancel(("voice", "cut", uuid))

    # ---- agents --------------------------------------------------------------------------------------------

    def tell(self, agent: Agent, *prompts: str) -> float:
        """Tell an agent something, over the customer's voice if one is on the line; how long until it is said."""
        live = self.live
        prompts = self.known(prompts)
        if agent.leg is None or not prompts or agent.line in (Line.NONE, Line.DIALING):
            return 0.0
        if agent.line is Line.BRIDGING and not _alone(agent):
            if live.nodes[agent.node].up:
                live.emit(Murmur(agent.node, agent.leg, prompts, live.settings.phones.language))
            return self.lasts(prompts)
        return self.say(agent.node, agent.leg, *prompts)

    def wait(self, agent: Agent) -> None:
        """The agent's line is parked: soon, and after what is being said, the sound of waiting begins."""
        if agent.leg is not None and agent.nailed_up:
            sound = self.live.sounds.setdefault(agent.leg, Sounding(agent.node))
            self._music_at(agent.leg, max(sound.until, sound.hushed_until, self.live.now + HUSH_S))

    def wait_due(self, uuid: str) -> None:
        """The words are said, or it was found out later that there are more."""
        live = self.live
        agent, sound = live.legs.get(uuid), live.sounds.get(uuid)
        if agent is None or sound is None or sound.music or sound.queued or agent.line is not Line.PARKED:
            return
        busy_until = max(sound.until, sound.hushed_until)
        if busy_until > live.now:
            self._music_at(uuid, busy_until)
        elif live.nodes[sound.node].up:
            sound.music, sound.sent_at = True, live.now
            live.emit(Music(sound.node, uuid, live.settings.phones.wait_sound))

    def bridging(self, agent: Agent, *words: str) -> None:
        """A bridge is being sent to this agent: it ends what plays; over it a beep and ``words`` say who comes."""
        live = self.live
        if agent.leg is None:
            return
        self.cut(agent.leg)
        beep = ("beep",) if live.settings.phones.beep and agent.nailed_up else ()
        if prompts := (*beep, *self.known(words)):
            # Before the bridge and without waiting: heard at 42 ms, and by the agent alone (measured).
            live.emit(Murmur(agent.node, agent.leg, prompts, live.settings.phones.language))


def _guess(prompt: str) -> float:
    """How long a prompt may be of which nobody told, or a free text."""
    _, colon, text = prompt.partition(":")
    return 0.3 + sum(0.3 if letter > "\u2e80" else 0.09 for letter in text) if colon else PROMPT_S


def _alone(agent: Agent) -> bool:
    """Whether nobody is on the line with an agent who has a call: the customer waits aside, nobody else has come."""
    call = agent.call
    if agent.state is not AgentState.TALKING or call is None or call.state is not CallState.CONNECTED:
        return False
    rings = agent.party is not None and agent.party.state in (PartyState.RINGING, PartyState.ANSWERED)
    return bool(call.aside) and (agent.party is None or rings)
