"""What an agent is told of a customer before hearing them: a few words at the bridge, or the lead of a preview.

Owns the choice of the words, and that speech for names and notes is asked for early enough. Nothing here ever holds up
a bridge: words go over the line while it is made, and what is not spoken by then is left out. Must not say numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState, Line
from dialer.domain.lead import ClaimedLead
from dialer.domain.phones import PrepareSpeech
from dialer.engine.live import Agent, Call, Live
from dialer.engine.speaking import LAG_S, Voice
from routing.tiers import ORDINARY

if TYPE_CHECKING:
    from dialer.engine.acts import ActDesk

NAME, NOTE = "name:", "note:"
"""How free texts are marked among prompts (``dialer.voice``), which speaks no number that could be a telephone's."""
PREPARE_S: Final = 0.5
"""How long speech for a lead that is shown is waited for: an agent wants to hear it at once, or not at all."""
WHISPER_S: Final = 2.5
"""How long a whisper may be; the first word, which is said in any case, is two seconds at most (``dialer.speech``)."""
KEYS: Final = {"accept": "1", "skip": "2"}
"""The keys that the prompt ``preview-keys`` names."""


class Announcer:
    """Tells agents whom they are about to speak with."""

    def __init__(self, live: Live, voice: Voice) -> None:
        self.live = live
        self.voice = voice

    def register(self, acts: ActDesk) -> None:
        """Offer ``repeat`` to keypads and the API."""

        def repeat(agent: Agent, _: str) -> None:
            acts.done(*self.preview(agent))

        acts.register("repeat", repeat)

    # ---- at the bridge -------------------------------------------------------------------------------------

    def opened(self, call: Call) -> None:
        """A customer is being dialed, or calls: speech for their agent is made meanwhile."""
        agent = self.live.agents.get(call.bound_agent or "")
        if agent is None:
            self._prepare(self._words(call))
        elif call.lead.callback:
            prepares = self._prepare(self._callback(call))
            self.live.timers.set(("agent", "announce", agent.settings.agent), self.live.now + PREPARE_S * prepares)

    def whisper(self, call: Call, agent: Agent) -> tuple[str, ...]:
        """What ``agent`` is to hear of the customer who is coming; nothing after a preview.

        That it is a callback is said while it rings; to an agent who could not be told so soon, now.
        """
        if call.bound_agent != agent.settings.agent:
            return self._short(self._callback(call) or self._words(call))
        unsaid = ("agent", "announce", agent.settings.agent)
        if not call.lead.callback or self.live.timers.due(unsaid) is None:
            return ()
        self.live.timers.cancel(unsaid)
        return self._short(self._callback(call))

    def _short(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """As many as can be said in a moment: over them the agent hardly hears the customer's first word."""
        kept: list[str] = []
        left_s = WHISPER_S
        for word in self.voice.known(words):
            left_s -= self.voice.lasts((word,)) - LAG_S
            if kept and left_s < 0:
                break
            kept.append(word)
        return tuple(kept)

    def _words(self, call: Call) -> tuple[str, ...]:
        campaign = call.campaign
        known = {
            "name": _free(NAME, call.lead.name),
            "tier": self._tier(call.lead),
            "tag": _free(NAME, call.lead.rank.tag),
            "campaign": _free(NAME, self.live.booked(call).name),
        }
        return tuple(word for each in campaign.settings.whisper for word in known.get(each, ()))

    def _tier(self, lead: ClaimedLead) -> tuple[str, ...]:
        """What the list says of them, else a VIP, else their tier where it says something: everybody is ordinary."""
        judged = "" if lead.rank.tier == ORDINARY else lead.rank.tier
        for word in (lead.fields.get("tier", ""), "vip" if lead.rank.vip else "", judged):
            prompt = f"tier-{word.strip().lower().replace('_', '-').replace(' ', '-')}"
            if prompt in self.live.settings.phones.prompt_seconds:
                return (prompt,)
        return ()

    # ---- previews ------------------------------------------------------------------------------------------

    def shown(self, agent: Agent) -> None:
        """A lead is shown: an agent with an open line hears it, as soon as it is spoken."""
        if agent.leg is None or agent.line is not Line.PARKED:
            return
        prepares = self._prepare(self.preview(agent))
        self.live.timers.set(("agent", "announce", agent.settings.agent), self.live.now + PREPARE_S * prepares)

    def due(self, agent: Agent) -> None:
        """Say it, if the lead is shown still or the callback not answered yet, after what is being said."""
        called = agent.call if agent.state is AgentState.RESERVED else None
        shown = agent.state is AgentState.PREVIEWING
        words = self.preview(agent) if shown else () if called is None else self._callback(called)
        if not words or agent.line is not Line.PARKED or agent.leg is None:
            return
        sound = self.live.sounds.get(agent.leg)
        if sound is not None and (sound.queued or (not sound.music and sound.until > self.live.now)):
            again = max(sound.until, sound.hushed_until + PREPARE_S)
            self.live.timers.set(("agent", "announce", agent.settings.agent), again)
        else:
            self.voice.tell(agent, *words)

    @staticmethod
    def _callback(call: Call) -> tuple[str, ...]:
        """What the agent hears who is reserved for a callback, while it rings."""
        if not call.lead.callback:
            return ()
        return ("callback-due", *_free(NAME, call.lead.name), *_free(NOTE, call.lead.fields.get("note", "")))

    def preview(self, agent: Agent) -> tuple[str, ...]:
        """The words for the lead that is shown."""
        if agent.preview is None:
            return ()
        lead, keys = agent.preview[1], self.live.settings.phones.keys
        usual = all(keys.get(act) == key for act, key in KEYS.items())
        ask = ("preview-keys",) if usual else ()
        return ("next-customer", *_free(NAME, lead.name), *_free(NOTE, lead.fields.get("note", "")), *ask)

    def _prepare(self, words: tuple[str, ...]) -> bool:
        free = tuple(word for word in words if word.startswith((NAME, NOTE)))
        if free:
            self.live.emit(PrepareSpeech(free, self.live.settings.phones.language))
        return bool(free)


def _free(mark: str, text: str) -> tuple[str, ...]:
    return (f"{mark}{text.strip()}",) if text.strip() else ()
