"""The shape of ``inbound``: numbers that are called, menus, queues, and where calls go that no dialer takes.

Owns keys, limits and defaults, and the faults between them. What a caller is to us is ``routing``'s section; what is
done with a call is the engine's and the switch's dialplan's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from config.agentless_schema import SAY, Key, Sounds
from config.phones_schema import OwnNumber, Sound
from config.recording_schema import RecordingConfig
from config.routing_schema import Number
from config.section import DAY, HOUR, Section
from config.sounds_schema import Language
from config.spoken_schema import ALL, Spoken
from config.values import Flag, Label, Name, SwitchPath, duration, matching, number, whole

InboundFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

RINGING: Final = "tone_stream://%(1000,4000,425);loops=-1"


Listed = Annotated[str, matching(r"\+[1-9][0-9]{0,14}\*?", "a number with + and country, or its beginning and *", 17)]
Start = Annotated[str, matching(r"\+[1-9][0-9]{0,14}", "how numbers begin: + and digits, in quotes", 16)]
Region = Annotated[str, matching(r"[A-Z]{2}", "a country's two capital letters, such as DE")]
Digits = Annotated[str, matching(r"[0-9]{1,12}", "an extension: 1 to 12 digits, in quotes")]


class WayConfig(Section):
    """Where a caller goes: one of ``queue``, ``menu``, ``extension`` (they are asked for one), ``agent`` (as if they
    had asked for that one), ``follow`` (the phones of a follow-me plan), ``message``, ``voicemail`` and ``callback``.
    ``say`` comes first. With a ``language`` all is said in that one from then on.
    """

    queue: Name | None = None
    menu: Name | None = None
    extension: Flag = False
    agent: Name | None = None
    follow: Name | None = None
    message: Spoken | None = None
    voicemail: Flag = False
    callback: Flag = False
    say: Spoken | None = None
    language: Language | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of the ways are named."""
        named = [n for n in ("queue", "menu", "agent", "follow", "message") if getattr(self, n) is not None]
        return (*named, *(name for name in ("extension", "voicemail", "callback") if getattr(self, name)))


def _way(value: object) -> object:
    """A prompt's id or a path by itself is a message."""
    return {"message": value} if isinstance(value, str | list) else value


Way = Annotated[WayConfig, BeforeValidator(_way)]
UNAVAILABLE: Final = WayConfig(message={ALL: ("inbound-unavailable",)})
CLOSED: Final = WayConfig(message={ALL: ("inbound-closed",)})


class OverflowConfig(WayConfig):
    """After ``after_s`` of waiting, or where ``waiting`` others wait already, a caller goes another way."""

    after_s: Annotated[float, duration(1, DAY)] | None = None
    waiting: Annotated[int, whole(0, 100_000)] | None = None


class StepConfig(Section):
    """After ``after_s`` these ``groups`` may take the call too; none: anyone."""

    after_s: Annotated[float, duration(0, DAY)] = 0.0
    groups: tuple[Name, ...] = ()


class NeedConfig(Section):
    """A skill at a ``level``, or wished for only; ``relax``: after so many seconds this level will do (0: none)."""

    skill: Name
    level: Annotated[int, whole(1, 100)] = 1
    required: Flag = True
    relax: tuple[tuple[Annotated[float, duration(1, DAY)], Annotated[int, whole(0, 100)]], ...] = ()


class AnnounceConfig(Section):
    """What is said every ``every_s``: ``words``, the ``place``, the expected ``wait``. Who waits for the agent who
    knows them hears ``own_agent`` in place of ``words``, and the first time at once.
    """

    every_s: Annotated[float, duration(10, 600)] = 30.0
    place: Flag = True
    wait: Flag = True
    words: Spoken | None = None
    own_agent: Spoken | None = None


class CallbackConfig(Section):
    """Offered by ``say`` after so much waiting, taken by a ``key``: the caller hangs up and keeps their place."""

    key: Key = "1"
    after_s: Annotated[float, duration(0, DAY)] = 20.0
    say: Spoken = Field(default={ALL: ("queue-callback-offer",)})
    noted: Spoken = Field(default={ALL: ("queue-callback-noted",)})


class QueueConfig(Section):
    """Where callers wait.

    ``steps`` say who may take them, wider with time, ``needs`` with which skills. After ``max_wait_s`` they go
    ``nobody``. ``handling_s`` is what a call is taken to cost an agent until it is known, ``target_s`` the wait of the
    service level of callers of no known tier. Who asks to be called back is dialed by ``callback_campaign``, through
    its trunks, within its calling hours, by its agents; without one they are only listed.
    """

    name: Name
    steps: tuple[StepConfig, ...] = (StepConfig(),)
    needs: tuple[NeedConfig, ...] = ()
    choice: Literal["longest_idle", "most_skilled", "least_occupied"] | None = None
    music: Sound = RINGING
    announce: AnnounceConfig = AnnounceConfig()
    callback: CallbackConfig | None = None
    callback_campaign: Name | None = None
    overflow: tuple[OverflowConfig, ...] = ()
    max_wait_s: Annotated[float, duration(5, DAY)] = 600.0
    nobody: Way = UNAVAILABLE
    wrap_up_s: Annotated[float, duration(0, HOUR)] = 30.0
    dispositions: tuple[Name, ...] = ()
    recording: RecordingConfig = RecordingConfig()
    whisper: tuple[Literal["name", "tier", "tag", "campaign"], ...] = ()
    target_s: Annotated[float, duration(1, HOUR)] = 20.0
    handling_s: Annotated[float, duration(1, DAY)] = 180.0


class MenuConfig(Section):
    """Keys, and where each leads. Who presses none goes ``otherwise``, once the words were said ``repeats`` times
    more.
    """

    name: Name
    say: Spoken
    keys: dict[Key, Way] = Field(min_length=1)
    otherwise: Way
    timeout_s: Annotated[float, duration(1, 60)] = 5.0
    repeats: Annotated[int, whole(0, 10)] = 1
    unknown: Spoken = Field(default={ALL: ("menu-unknown",)})


class RegionConfig(Section):
    """Callers whose number begins with one of ``prefixes`` wait in another queue."""

    prefixes: Annotated[tuple[Start, ...], Field(min_length=1)]
    queue: Name


class FallbackConfig(Section):
    """Where the switch by itself sends a caller whom no dialer takes: it rings the seat ``extension``, then ``number``
    through ``trunk``, each for ``ring_s``, then takes a message (``voicemail``) or says ``message``, and hangs up.
    """

    extension: Name | None = None
    number: Number | None = None
    trunk: Name | None = None
    ring_s: Annotated[float, duration(3, 120)] = 25.0
    voicemail: Flag = False
    message: Sounds = ("inbound-unavailable",)


class NumberConfig(Section):
    """One of our numbers; ``also`` are other ways in which the carrier writes it. ``menu``, a person (``agent``) or the
    follow-me plan ``follow`` come before ``queue``, whose call it is all the same. Outside of ``calendar``'s hours
    callers go ``closed``.

    ``region`` is the country of callers whose number comes without one; ``trunk`` the line that the number is on.
    """

    number: Number
    also: tuple[OwnNumber, ...] = ()
    queue: Name
    menu: Name | None = None
    agent: Name | None = None
    follow: Name | None = None
    greeting: Spoken | None = None
    calendar: Name | None = None
    closed: Way = CLOSED
    regions: tuple[RegionConfig, ...] = ()
    region: Region | None = None
    trunk: Name | None = None
    language: Language | None = None
    fallback: FallbackConfig | None = None


class InboundConfig(Section):
    """Calls that come in. Without ``numbers`` none is taken.

    Nobody on the ``blacklist`` is answered. The switch waits ``wait_s`` for us before the ``fallback``. An agent is
    reached at the extension that is their id, where that is digits, and at those of ``extensions``. Messages are kept
    in ``voicemail_directory``, as the switch sees it. A caller of whom the store does not say within
    ``judge_within_s`` who it is, is an ordinary one.
    """

    numbers: tuple[NumberConfig, ...] = ()
    menus: tuple[MenuConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    blacklist: tuple[Listed, ...] = ()
    extensions: dict[Digits, Name] = Field(default={})
    fallback: FallbackConfig = FallbackConfig()
    wait_s: Annotated[float, duration(2, 20)] = 4.0
    judge_within_s: Annotated[float, number(0.1, 2)] = 1.0
    voicemail_directory: SwitchPath | None = None
    voicemail_max_s: Annotated[float, duration(5, 600)] = 120.0
    voicemail_thanks: Spoken = Field(default={ALL: ("voicemail-thanks",)})

    def ways(self) -> Iterator[tuple[tuple[str | int, ...], WayConfig]]:
        """Every way that is written, with its path."""
        for index, entry in enumerate(self.numbers):
            yield ("numbers", index, "closed"), entry.closed
        for index, menu in enumerate(self.menus):
            yield ("menus", index, "otherwise"), menu.otherwise
            yield from ((("menus", index, "keys", key), way) for key, way in menu.keys.items())
        for index, queue in enumerate(self.queues):
            yield ("queues", index, "nobody"), queue.nobody
            yield from ((("queues", index, "overflow", place), way) for place, way in enumerate(queue.overflow))

    def words(self) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, tuple[str, ...]]]]:
        """Everything that is said, by language, with its path."""
        for index, entry in enumerate(self.numbers):
            if entry.greeting is not None:
                yield ("numbers", index, "greeting"), entry.greeting
            if entry.fallback is not None:
                yield ("numbers", index, "fallback", "message"), {ALL: entry.fallback.message}
        yield ("fallback", "message"), {ALL: self.fallback.message}
        yield ("voicemail_thanks",), self.voicemail_thanks
        for index, menu in enumerate(self.menus):
            yield ("menus", index, "say"), menu.say
            yield ("menus", index, "unknown"), menu.unknown
        for index, queue in enumerate(self.queues):
            for name, said in (("words", queue.announce.words), ("own_agent", queue.announce.own_agent)):
                if said is not None:
                    yield ("queues", index, "announce", name), said
            if queue.callback is not None:
                yield ("queues", index, "callback", "say"), queue.callback.say
                yield ("queues", index, "callback", "noted"), queue.callback.noted
        for path, way in self.ways():
            for name, said in (("message", way.message), ("say", way.say)):
                if said is not None:
                    yield (*path, name), said

    def languages(self) -> tuple[str, ...]:
        """The languages that a caller may be spoken to in, beside the usual one."""
        chosen = [entry.language for entry in self.numbers] + [way.language for _, way in self.ways()]
        return tuple(dict.fromkeys(language for language in chosen if language))

    def fallbacks(self) -> Iterator[tuple[tuple[str | int, ...], FallbackConfig]]:
        """The fallback of all, and those of single numbers, with their paths."""
        yield ("fallback",), self.fallback
        for index, entry in enumerate(self.numbers):
            if entry.fallback is not None:
                yield ("numbers", index, "fallback"), entry.fallback


def inbound_faults(
    config: InboundConfig, calendars: Iterable[str], taken: Mapping[str, str], plans: Iterable[str] = ()
) -> Iterator[InboundFault]:
    """Every fault of the section. ``taken``: names that a queue cannot have, and numbers that are used already, each
    with what has it. ``plans``: the follow-me plans that there are."""
    for section, key in (("numbers", "number"), ("menus", "name"), ("queues", "name")):
        seen: list[str] = []
        for index, item in enumerate(getattr(config, section)):
            name = getattr(item, key)
            if name in seen:
                yield (section, index, key), name, f"each {key} once; entry {seen.index(name) + 1} has it too"
            elif name in taken:
                yield (section, index, key), name, f"another {key} than {taken[name]}'s"
            seen.append(name)
    yield from _written_faults(config, taken)
    queues = [queue.name for queue in config.queues]
    menus = [menu.name for menu in config.menus]
    for index, entry in enumerate(config.numbers):
        here = ("numbers", index)
        yield from _one_of(queues, "queue", (*here, "queue"), entry.queue)
        yield from _one_of(menus, "menu", (*here, "menu"), entry.menu)
        yield from _one_of([*calendars], "calendar of routing", (*here, "calendar"), entry.calendar)
        yield from _one_of([*plans], "plan of routing.follow_me", (*here, "follow"), entry.follow)
        first = [name for name in ("menu", "agent", "follow") if getattr(entry, name) is not None]
        if len(first) > 1:
            yield (*here, first[1]), getattr(entry, first[1]), f"one of menu, agent, follow; {first[0]} is there too"
        prefixes = [prefix for region in entry.regions for prefix in region.prefixes]
        for place, region in enumerate(entry.regions):
            yield from _one_of(queues, "queue", (*here, "regions", place, "queue"), region.queue)
            double = next((prefix for prefix in region.prefixes if prefixes.count(prefix) > 1), None)
            if double is not None:
                yield (*here, "regions", place, "prefixes"), double, "each prefix once"
    for path, way in config.ways():
        yield from _way_faults(config, path, way, queues, menus)
        yield from _one_of([*plans], "plan of routing.follow_me", (*path, "follow"), way.follow)
    yield from _queue_faults(config)
    for path, fallback in config.fallbacks():
        if fallback.number is not None and fallback.trunk is None:
            yield (*path, "trunk"), "(missing)", "the trunk by which number is called"
        if any(part.startswith(SAY) for part in fallback.message):
            yield (*path, "message"), "say", "prompts or recordings: the switch says this while no dialer is there"
        if fallback.voicemail and config.voicemail_directory is None:
            yield (*path, "voicemail"), True, "inbound.voicemail_directory, where messages are kept"


def _written_faults(config: InboundConfig, taken: Mapping[str, str]) -> Iterator[InboundFault]:
    """Ways to write a number that another has too."""
    plain = {name.lstrip("+"): what for name, what in taken.items()}
    numbers = [entry.number.lstrip("+") for entry in config.numbers]
    known = {number: f"number {place} of inbound" for place, number in enumerate(numbers, 1)}
    for index, entry in enumerate(config.numbers):
        for place, written in enumerate(entry.also):
            digits = written.lstrip("+")
            other = plain.get(digits) or known.get(digits)
            if other is not None and digits != numbers[index]:
                yield ("numbers", index, "also", place), written, f"another number than {other}'s"
            known.setdefault(digits, f"number {index + 1} of inbound")


def _one_of(known: list[str], what: str, path: tuple[str | int, ...], name: str | None) -> Iterator[InboundFault]:
    if name is not None and name not in known:
        yield path, name, f"a configured {what}: {', '.join(sorted(known)) or 'there is none'}"


def _way_faults(
    config: InboundConfig, path: tuple[str | int, ...], way: WayConfig, queues: list[str], menus: list[str]
) -> Iterator[InboundFault]:
    if len(way.kinds) != 1:
        given = ", ".join(way.kinds) or "none of these"
        yield path, given, "one of queue, menu, extension, agent, follow, message, voicemail, callback"
        return
    yield from _one_of(queues, "queue", (*path, "queue"), way.queue)
    yield from _one_of(menus, "menu", (*path, "menu"), way.menu)
    if way.voicemail and config.voicemail_directory is None:
        yield (*path, "voicemail"), True, "inbound.voicemail_directory, where messages are kept"


def _queue_faults(config: InboundConfig) -> Iterator[InboundFault]:
    for index, queue in enumerate(config.queues):
        here = ("queues", index)
        if not queue.steps:
            yield (*here, "steps"), "(empty)", "at least one step, or no such key: anyone may take the calls"
        after = [step.after_s for step in queue.steps]
        if after != sorted(after):
            yield (*here, "steps"), "(a list)", "steps in the order of after_s"
        if queue.nobody.queue == queue.name:
            yield (*here, "nobody", "queue"), queue.name, "another way than this very queue"
        for place, over in enumerate(queue.overflow):
            if (over.after_s is None) == (over.waiting is None):
                yield (*here, "overflow", place), "(both or none)", "one of after_s and waiting"
            if over.after_s is not None and over.after_s >= queue.max_wait_s:
                expected = f"less than max_wait_s, which is {queue.max_wait_s:g}"
                yield (*here, "overflow", place, "after_s"), over.after_s, expected
            if over.queue == queue.name:
                yield (*here, "overflow", place, "queue"), queue.name, "another queue"
        skills = [need.skill for need in queue.needs]
        for place, need in enumerate(queue.needs):
            if need.skill in skills[:place]:
                yield (*here, "needs", place, "skill"), need.skill, "each skill once"
            seconds = [at for at, _ in need.relax]
            levels = [need.level, *(level for _, level in need.relax)]
            if seconds != sorted(set(seconds)) or levels != sorted(levels, reverse=True):
                yield (*here, "needs", place, "relax"), "(a list)", "ever later seconds and ever lower levels"


def inbound_referred(config: InboundConfig) -> Iterator[tuple[tuple[str | int, ...], str, Label]]:
    """Everything that is named here and written elsewhere: path, section (``groups`` are agents' groups), name."""
    for index, queue in enumerate(config.queues):
        if queue.callback_campaign is not None:
            yield ("queues", index, "callback_campaign"), "campaigns", queue.callback_campaign
        for place, step in enumerate(queue.steps):
            yield from (
                (("queues", index, "steps", place, "groups", at), "groups", name) for at, name in enumerate(step.groups)
            )
    for index, entry in enumerate(config.numbers):
        if entry.trunk is not None:
            yield ("numbers", index, "trunk"), "trunks", entry.trunk
        if entry.agent is not None:
            yield ("numbers", index, "agent"), "agents", entry.agent
    yield from (((*path, "agent"), "agents", way.agent) for path, way in config.ways() if way.agent is not None)
    for path, fallback in config.fallbacks():
        if fallback.extension is not None:
            yield (*path, "extension"), "seats", fallback.extension
        if fallback.trunk is not None:
            yield (*path, "trunk"), "trunks", fallback.trunk
    yield from ((("extensions", digits), "agents", agent) for digits, agent in config.extensions.items())
