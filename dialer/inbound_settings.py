"""The checked section ``inbound`` → what the engine works from: numbers, menus, and each queue as a campaign that never
dials.

Owns the translation, and the resolution of everything that is said into what the switch plays in each language. Names,
defaults and limits are ``config.inbound_schema``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from config import routing_schema
from config.agentless_schema import SAY
from config.follow_me_schema import FollowMeConfig, follow_me
from config.inbound_schema import NumberConfig, OverflowConfig, QueueConfig, WayConfig
from config.recording_schema import RecordingConfig
from config.schema import Config
from config.spoken_schema import ALL
from dialer.agentless_settings import spoken_path
from dialer.domain.follow_me import FollowSettings
from dialer.domain.inbound import (
    CallbackOffer,
    InboundSettings,
    Kind,
    Menu,
    NumberSettings,
    Overflow,
    QueueSettings,
    Spoken,
    Way,
    Words,
    spoken,
)
from dialer.domain.recordings import RecordingPolicy
from dialer.domain.settings import CallWindows, CampaignSettings, Mode
from dialer.voice import configured_prompts
from freeswitch.sounds.catalog import Prompts
from freeswitch.sounds.wav import WavError, read_info
from routing.facts import Choice, Need, Step

ASK = "follow-me-accept"
"""The prompt by which an outside phone is asked to press 1."""
UNKNOWN_S = 6.0
"""How long a recording is taken to be that only the switch can see."""
_NEVER = CallWindows(days=((), (), (), (), (), (), ()), default_zone="UTC")


class InboundBuilder:
    """Builds from one configuration. Raises freeswitch.sounds.catalog.PromptError for a sound that cannot be said."""

    def __init__(self, config: Config, recording: Callable[[RecordingConfig], RecordingPolicy]) -> None:
        self._config = config
        self._recording = recording
        self._prompts: Prompts = configured_prompts(config)
        usual = config.prompts.language
        self._languages = tuple(dict.fromkeys((usual, *config.inbound.languages())))
        self._calendars = {entry.name: routing_schema.calendar(entry) for entry in config.routing.calendars}

    def settings(self) -> InboundSettings:
        """Numbers, menus and what holds for all."""
        wanted = self._config.inbound
        agents = [agent for entry in self._config.agents for agent, _ in entry.expand()]
        return InboundSettings(
            numbers={entry.number: self._number(entry) for entry in wanted.numbers},
            menus={
                menu.name: Menu(
                    menu.name,
                    self.words(menu.say),
                    {key: self.way(way) for key, way in menu.keys.items()},
                    self.way(menu.otherwise),
                    menu.timeout_s,
                    menu.repeats,
                    self.words(menu.unknown),
                )
                for menu in wanted.menus
            },
            extensions={agent: agent for agent in agents if agent.isdecimal()} | dict(wanted.extensions),
            blacklist=wanted.blacklist,
            voicemail=(wanted.voicemail_directory or "").rstrip("/"),
            voicemail_s=wanted.voicemail_max_s,
            voicemail_thanks=self.words(wanted.voicemail_thanks),
            tier_words={t.name: self.words(t.message) for t in self._config.routing.tiers if t.message is not None},
            judged_within_s=wanted.judge_within_s,
            vip_within_s=lookup.deadline_s if (lookup := self._config.routing.vip_lookup) is not None else None,
            plans={plan.name: self._plan(plan) for plan in self._config.routing.follow_me},
            persons={
                agent: entry.follow_me
                for entry in self._config.agents
                if entry.follow_me is not None
                for agent, _ in entry.expand()
            },
        )

    def _plan(self, plan: FollowMeConfig) -> FollowSettings:
        """What an outside phone hears is in the usual language: it is one of our people's."""
        ask = spoken(self.words({ALL: (ASK,)}), self._languages[0])
        assert ask is not None
        calendars = {phone.calendar: self._calendars[phone.calendar] for phone in plan.phones if phone.calendar}
        leave, unavailable = self.words({ALL: ("voicemail-leave",)}), self.words({ALL: ("inbound-unavailable",)})
        return FollowSettings(follow_me(plan), calendars, ask.sound, leave, unavailable)

    def campaigns(self) -> dict[str, CampaignSettings]:
        """Each queue, by name."""
        return {queue.name: self._campaign(queue) for queue in self._config.inbound.queues}

    def _number(self, entry: NumberConfig) -> NumberSettings:
        prefixes = [(prefix, region.queue) for region in entry.regions for prefix in region.prefixes]
        return NumberSettings(
            entry.number,
            self._first(entry),
            entry.queue,
            self._calendars[entry.calendar] if entry.calendar is not None else None,
            self.way(entry.closed),
            self.words(entry.greeting or {}),
            tuple(sorted(prefixes, key=lambda each: (-len(each[0]), each[0]))),
            entry.region or "",
            entry.trunk or "",
            entry.language or self._languages[0],
        )

    @staticmethod
    def _first(entry: NumberConfig) -> Way:
        if entry.menu is not None:
            return Way(Kind.MENU, entry.menu)
        if entry.agent is not None:
            return Way(Kind.AGENT, entry.agent)
        return Way(Kind.FOLLOW, entry.follow) if entry.follow is not None else Way(Kind.QUEUE, entry.queue)

    def way(self, way: WayConfig) -> Way:
        """Where a caller goes. What a mailbox or a callback says by default is theirs."""
        (kind,) = way.kinds
        said = way.say if kind != "message" or way.message is None else way.message
        if said is None:
            usual = {"voicemail": "voicemail-leave", "callback": "queue-callback-noted", "extension": "menu-extension"}
            said = {ALL: (usual[kind],)} if kind in usual else {}
        name = way.queue or way.menu or way.agent or way.follow or ""
        return Way(Kind(kind), name, self.words(said), way.language or "")

    def _overflow(self, way: OverflowConfig) -> Overflow:
        return Overflow(self.way(way), way.after_s, way.waiting)

    def _campaign(self, queue: QueueConfig) -> CampaignSettings:
        announce, offer = queue.announce, queue.callback
        settings = QueueSettings(
            steps=tuple(Step(step.after_s, frozenset(step.groups)) for step in queue.steps),
            needs=tuple(Need(need.skill, need.level, need.required, need.relax) for need in queue.needs),
            choice=Choice(queue.choice) if queue.choice is not None else None,
            music=queue.music,
            announce_every_s=announce.every_s,
            tells_place=announce.place,
            tells_wait=announce.wait,
            comfort=self.words(announce.words or {}),
            own_words=self.words(announce.own_agent or {}),
            callback=None
            if offer is None
            else CallbackOffer(offer.key, self.words(offer.say), self.words(offer.noted), offer.after_s),
            overflow=tuple(map(self._overflow, queue.overflow)),
            max_wait_s=queue.max_wait_s,
            nobody=self.way(queue.nobody),
            target_s=queue.target_s,
            handling_s=queue.handling_s,
            callback_campaign=queue.callback_campaign or "",
        )
        return CampaignSettings(
            name=queue.name,
            mode=Mode.INBOUND,
            lists=(),
            trunk="",
            message="",
            windows=_NEVER,
            min_ring_s=0.0,
            wait_limit_s=queue.max_wait_s,
            wrap_up_s=queue.wrap_up_s,
            dispositions=queue.dispositions,
            recording=self._recording(queue.recording),
            whisper=tuple(queue.whisper),
            queue=settings,
        )

    # ---- what is said --------------------------------------------------------------------------------------

    def words(self, said: Mapping[str, tuple[str, ...]]) -> Words:
        """Words in every language in which they can be said, the usual one first."""
        if not said:
            return {}
        languages = self._languages if ALL in said else tuple(each for each in self._languages if each in said)
        languages = languages or tuple(said)
        return {language: self._spoken(said.get(language) or said[ALL], language) for language in languages}

    def _spoken(self, parts: tuple[str, ...], language: str) -> Spoken:
        found = [self._part(part, language) for part in parts]
        return Spoken(self._prompts.playable(found, language), sum(self._seconds(each, language) for each in found))

    def _part(self, part: str, language: str) -> str | Path:
        if part.startswith(SAY):
            return spoken_path(self._config, part, language)
        return Path(part) if part.startswith("/") else part

    def _seconds(self, part: str | Path, language: str) -> float:
        if isinstance(part, str):
            return self._prompts.recording(part, language).seconds
        try:
            return read_info(part).seconds
        except (OSError, WavError):
            return UNKNOWN_S


def serving(config: Config) -> dict[str, set[str]]:
    """By agent, the queues whose calls they may take."""
    serves: dict[str, set[str]] = {}
    for queue in config.inbound.queues:
        for agent in config.answering(queue.steps):
            serves.setdefault(agent, set()).add(queue.name)
    return serves

