"""The shape of a campaign: who is called, when, how fast, by whom, and what becomes of a lead after each outcome.

Owns what may be written of it and what holds when it is not; the defaults are the safe choice for the people who are
called. Durations are seconds once read; shares 0–1. Must not compare with other sections: that is ``config.checks``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.agentless_schema import AgentlessConfig, Mode
from config.callbacks_schema import CallbacksConfig
from config.hearing_schema import Machines, MachinesConfig
from config.pacing_schema import PacingConfig
from config.recording_schema import RecordingConfig
from config.section import DAY, HOUR, Section
from config.values import CallerId, DayKey, Flag, Ids, Name, SwitchPath, Windows, Zone, duration, number, whole

LEGAL_WAIT_LIMIT_S = 2.0
"""The longest that a person who answered may wait for an agent (US TSR, UK Ofcom, Canada CRTC)."""


class PreviewConfig(Section):
    """How long an agent may look at a lead before it is dialed, and what happens then.

    An agent who lets ``misses`` leads in a row pass by without a key is paused (0: never). ``ring``: whether an on-call
    phone is rung when the lead is shown, so that its agent hears it and answers by key, or once it was accepted.
    """

    timeout_s: Annotated[float, duration(1, HOUR)] = 30.0
    on_timeout: Literal["skip", "dial", "pause"] = "skip"
    misses: Annotated[int, whole(0, 100)] = 3
    ring: Literal["shown", "accepted"] = "shown"


class RecycleConfig(Section):
    """Dial a lead again ``after`` an outcome, at most ``max`` times."""

    after: Annotated[float, duration(0, 366 * DAY)]
    max: Annotated[int, whole(1, 1000)] | None = None


def _rule(value: object) -> object:
    if value == "never":
        return None
    if isinstance(value, str):
        return {"after": value}
    return value


Rule = Annotated[RecycleConfig | None, BeforeValidator(_rule)]


class RecycleRules(Section):
    """What happens to a lead after an outcome: a rule, or ``never``.

    A connected customer is never redialed.
    """

    busy: Rule = RecycleConfig(after=600, max=3)
    no_answer: Rule = RecycleConfig(after=2 * HOUR)
    rejected: Rule = None
    machine: Rule = RecycleConfig(after=4 * HOUR)
    message_played: Rule = None
    abandoned: Rule = RecycleConfig(after=72 * HOUR, max=1)
    hung_up_early: Rule = RecycleConfig(after=DAY, max=1)
    invalid_number: Rule = None
    dead_number: Rule = None
    carrier_failure: Rule = RecycleConfig(after=300, max=5)
    cancelled: Rule = RecycleConfig(after=1800)
    interrupted: Rule = RecycleConfig(after=600, max=5)
    shutdown: Rule = RecycleConfig(after=600)


_OFFICE_DAY = ((9 * 60, 20 * 60),)


class CallWindowConfig(Section):
    """When people may be called, in their own time. ``zone`` serves numbers whose zone is not known.

    A day that is not named is a day without calls.
    """

    zone: Zone = "UTC"
    days: dict[DayKey, Windows] = Field(default={"mon-sat": _OFFICE_DAY})


class CampaignConfig(Section):
    """One campaign.

    Its calls go out on ``trunk``, or on that of ``trunks`` which may take them and costs least (equal ones in the order
    written). ``machine_dispositions`` are the agents' words that say that no person answered: such a call leaves the
    abandon rate. ``whisper`` is what an agent hears of a customer, over the line, while the two are connected.
    ``dead_numbers``: what carriers announce while it rings is listened to, and a number that does not exist is never
    dialed again.
    """

    name: Name
    mode: Mode
    lists: tuple[Name, ...]
    trunk: Name | None = None
    trunks: tuple[Name, ...] = ()
    caller_id: CallerId | None = None
    agents: tuple[Ids, ...] | None = None
    lines_per_agent: Annotated[float, number(1, 10)] | None = None
    ring_timeout_s: Annotated[float, duration(5, 120)] = 30.0
    min_ring_s: Annotated[float, duration(0, 120)] = 15.0
    wait_limit_s: Annotated[float, duration(0.1, 60)] = LEGAL_WAIT_LIMIT_S
    message: SwitchPath | None = None
    wrap_up_s: Annotated[float, duration(0, HOUR)] = 30.0
    preview: PreviewConfig = PreviewConfig()
    pacing: PacingConfig = PacingConfig()
    recording: RecordingConfig = RecordingConfig()
    whisper: tuple[Literal["name", "tier", "campaign"], ...] = ()
    answering_machines: Machines = MachinesConfig()
    dead_numbers: Flag = False
    agentless: AgentlessConfig | None = None
    callbacks: CallbacksConfig = CallbacksConfig()
    max_attempts: Annotated[int, whole(1, 1000)] = 5
    hopper_size: Annotated[int, whole(1, 100_000)] = 100
    lease_s: Annotated[float, duration(30, DAY)] = 300.0
    call_window: CallWindowConfig = CallWindowConfig()
    recycle: RecycleRules = RecycleRules()
    autostart: Flag = True
    dispositions: tuple[Name, ...] = ()
    machine_dispositions: tuple[Name, ...] = ("machine", "answering_machine")

    @property
    def lines(self) -> tuple[str, ...]:
        """The trunks that its calls may go out on."""
        return self.trunks if self.trunk is None else (self.trunk,)
