"""One channel of the virtual switch: its state, its snapshot for events, and what its party hears.

Owns the `Leg` record.  Must not emit events or set timers: the modules above decide, this one remembers.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from freeswitch.standin.events import Identity, OtherLeg, Times, View

if TYPE_CHECKING:
    from freeswitch.standin.clock import Timer
    from freeswitch.standin.world import CallPlan, PhonePlan

Reply = Callable[[str], None]
Step = tuple[str, str]


class Doing(enum.Enum):
    """What a leg is busy with; this, not the FreeSWITCH state name, drives the model."""

    DIALING = "dialing"
    RUNNING = "running"
    PARKED = "parked"
    JOINING = "joining"
    BRIDGED = "bridged"
    LIMBO = "limbo"
    ENDING = "ending"
    GONE = "gone"


class Heard(enum.Enum):
    """What the party on an answered leg hears."""

    SILENCE = "silence"
    MESSAGE = "message"
    PARTY = "party"


BY_COMMAND, BY_PHONE = "command", "phone"
"""Who holds a leg."""

STATE_NUMBER: Final[Mapping[str, int]] = {
    "CS_NEW": 0,
    "CS_INIT": 1,
    "CS_ROUTING": 2,
    "CS_SOFT_EXECUTE": 3,
    "CS_EXECUTE": 4,
    "CS_EXCHANGE_MEDIA": 5,
    "CS_PARK": 6,
    "CS_CONSUME_MEDIA": 7,
    "CS_HIBERNATE": 8,
    "CS_RESET": 9,
    "CS_HANGUP": 10,
    "CS_REPORTING": 11,
    "CS_DESTROY": 12,
}


@dataclass(slots=True, eq=False)
class Bug:
    """A media bug, as a FreeSWITCH calls what sits on a leg's sound: `eavesdrop`, `displace` or
    `session_record`.

    `owner` is the eavesdropping leg; `to_target` and `to_partner` say who hears it.  `timer` is the end of a
    displacing sound, of which `left_s` are still to be played (None: endless).
    """

    kind: str
    target: Leg
    argument: str
    owner: Leg | None = None
    to_target: bool = False
    to_partner: bool = False
    keys: bool = True
    mux: bool = False
    silent: bool = False
    left_s: float | None = None
    timer: Timer | None = None
    since: float = 0.0


@dataclass(slots=True, eq=False)
class Recording(Bug):
    """A recording: `masked` are spans of model time that hold silence; `until` is set where the disk got
    full.
    """

    stereo: bool = False
    masked_at: float | None = None
    masked_s: float = 0.0
    until: float | None = None
    read_only: bool = False
    buffered: bool = True
    own: dict[str, str] = field(default_factory=dict)
    written: int = 0  # samples
    growth: Timer | None = None

    @property
    def grows(self) -> bool:
        """Whether its sound is written as it comes: bare, and the party's own alone."""
        return self.argument.endswith(".raw")


@dataclass(slots=True, eq=False)
class Bridge:
    """Two legs being joined, or joined.  `a` was named first: it carries CHANNEL_BRIDGE and
    CHANNEL_UNBRIDGE.
    """

    a: Leg
    b: Leg
    timer: Timer | None = None
    joined: bool = False
    unbridged: bool = False

    def partner(self, leg: Leg) -> Leg:
        return self.b if leg is self.a else self.a


@dataclass(frozen=True, slots=True)
class Sounding:
    """A sound for a leg by `uuid_broadcast` or as hold music; `loop`: again and again."""

    path: str
    loop: bool = False


class Shown(NamedTuple):
    """What `show channels` tells of a leg though it may have changed since: noted at certain events only."""

    app: str = ""
    app_data: str = ""
    presence_id: str = ""
    presence_data: str = ""
    accountcode: str = ""


class Leg:
    """One channel.  `variables` is copied before a change whenever an event may still hold it."""

    __slots__ = (
        "answer_state",
        "app",
        "app_data",
        "app_timer",
        "bridge",
        "bug",
        "bugs",
        "by",
        "call_state",
        "call_uuid",
        "cause",
        "displayed",
        "doing",
        "early",
        "ending",
        "far_timer",
        "filtered",
        "flipped",
        "heard",
        "heard_keys",
        "heard_s",
        "heard_since",
        "hearing",
        "held",
        "hold_us",
        "identity",
        "inbound_like",
        "joining",
        "limit_timer",
        "media_limit_s",
        "message_at",
        "moment_early",
        "ring_limit",
        "scheduled",
        "moment_answered",
        "moment_bridged",
        "on_final",
        "other",
        "overlay",
        "overlay_timer",
        "phone",
        "phone_holds",
        "plan",
        "playing",
        "profile_index",
        "progress_timer",
        "queue",
        "seat",
        "rang",
        "seen",
        "shared",
        "shown",
        "silent_since",
        "state",
        "state_number",
        "steps",
        "talk_left_s",
        "times",
        "vanished_at",
        "variables",
    )

    def __init__(
        self, identity: Identity, plan: CallPlan | None, phone: PhonePlan | None, created: int
    ) -> None:
        self.identity = identity
        self.plan = plan
        self.phone = phone
        self.variables: dict[str, str] = {}
        self.shared = False
        self.times = Times(created, created)
        self.state = "CS_NONE"
        self.state_number = 1
        self.call_state = "DOWN"
        self.answer_state = "ringing"
        self.cause: str | None = None
        self.by = ""
        self.flipped = False
        self.inbound_like = False
        self.rang = False  # a call that came in is told that it rings
        self.seen = False
        self.early = False
        self.ending = False
        self.profile_index = 1
        self.call_uuid = identity.uuid
        self.other: OtherLeg | None = None
        self.doing = Doing.DIALING
        self.app = ""
        self.app_data = ""
        self.steps: tuple[Step, ...] = ()
        self.bridge: Bridge | None = None
        self.joining: Bridge | None = None
        self.overlay: Sounding | None = None
        self.overlay_timer: Timer | None = None
        self.queue: list[Sounding] = []
        self.playing: str | None = None
        self.held = ""
        self.phone_holds = False  # by what the phone said last, whatever the switch makes of it
        self.silent_since: float | None = None  # the phone sends nothing
        self.filtered = False
        self.hold_us = (0, 0)
        self.bugs: list[Bug] = []
        self.bug: Bug | None = None
        self.seat = ""
        self.media_limit_s: float | None = None
        self.vanished_at: float | None = None
        self.shown = Shown()
        self.on_final: Reply | None = None
        self.far_timer: Timer | None = None
        self.app_timer: Timer | None = None
        self.limit_timer: Timer | None = None
        self.progress_timer: Timer | None = None
        self.talk_left_s = plan.talk_s if plan is not None else None
        self.moment_answered: float | None = None
        self.moment_early: float | None = None
        self.ring_limit: Timer | None = None
        self.scheduled: list[Timer] = []
        self.moment_bridged: float | None = None
        self.message_at: float | None = None
        self.heard: Heard | None = None
        self.heard_since = 0.0
        self.heard_s: dict[Heard, float] = {}
        self.hearing: list[tuple[float, tuple[str, ...]]] = []
        self.heard_keys: list[tuple[float, str]] = []
        self.displayed: list[str] = []

    @property
    def uuid(self) -> str:
        return self.identity.uuid

    @property
    def alive(self) -> bool:
        """Not hung up: commands still find it."""
        return self.cause is None

    @property
    def idle(self) -> bool:
        """It is parked, the first time or again."""
        return self.doing is Doing.PARKED or (self.doing is Doing.RUNNING and self.app == "park")

    @property
    def partner(self) -> Leg | None:
        """Whom it talks to."""
        return self.bridge.partner(self) if self.bridge is not None and self.bridge.joined else None

    @property
    def up(self) -> bool:
        """Its media flows: answered, or in early media."""
        return self.moment_answered is not None or self.early

    @property
    def ready(self) -> bool:
        """A bridge may take it: answered, or its originate came back on early media."""
        return self.moment_answered is not None or self.doing is not Doing.DIALING

    def flag(self, name: str) -> bool:
        return self.variables.get(name, "").lower() in ("true", "yes", "on", "enabled", "1", "t")

    def put(self, **values: str) -> None:
        self.put_all(values)

    def put_all(self, values: Mapping[str, str]) -> None:
        if self.shared:
            self.variables = dict(self.variables)
            self.shared = False
        self.variables.update(values)

    def drop(self, name: str) -> None:
        if name in self.variables:
            if self.shared:
                self.variables = dict(self.variables)
                self.shared = False
            del self.variables[name]

    def view(self) -> View:
        self.shared = True
        return View(
            self.identity,
            self.state,
            self.state_number,
            self.call_state,
            self.answer_state,
            self.cause,
            self.flipped,
            self.inbound_like,
            self.up,
            self.seen,
            self.profile_index,
            self.call_uuid,
            self.times,
            self.other,
            self.variables,
            self.hold_us,
        )

    def note_shown(self, app: str | None = None, app_data: str = "") -> None:
        """The events that `show channels` is fed from: EXECUTE and HOLD (with an `app`), ORIGINATE, ROUTING."""
        before, variables = self.shown, self.variables
        self.shown = Shown(
            before.app if app is None else app,
            before.app_data if app is None else app_data,
            variables.get("presence_id", self.identity.presence_id),
            variables.get("presence_data", self.identity.presence_data),
            variables.get("accountcode", ""),
        )

    def hears(self, what: Heard | None, now: float) -> None:
        """Note that from `now` on the party hears `what` (None: the leg is over)."""
        if self.heard is not None:
            self.heard_s[self.heard] = self.heard_s.get(self.heard, 0.0) + now - self.heard_since
        self.heard = what
        self.heard_since = now
        if what is Heard.MESSAGE and self.message_at is None:
            self.message_at = now
        if what is Heard.PARTY and self.moment_bridged is None:
            self.moment_bridged = now
