"""Bodies, paths and answers of the API as pydantic models: they check the input and are the OpenAPI schema.

Owns shapes and patterns only; extra keys are refused everywhere. Must not call the port.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, model_validator

from dialer.domain.acts import ACTS, SUPERVISOR_ACTS
from dialer.domain.status import AgentView, CampaignView, QueueView, Status
from dialer.masking import mask_text

IDENT_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$"
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
NOTE_PATTERN: Final = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
SAMPLE_PATTERN: Final = r"^[1-9][0-9]{0,14}$"
CALLBACK_PATTERN: Final = r"^[1-9][0-9]{0,15}$"
NUMBER_PATTERN: Final = r"^\+[1-9][0-9]{4,14}$"
ACT_PATTERN: Final = f"^({'|'.join(ACTS)})$"
SUPERVISOR_ACT_PATTERN: Final = f"^({'|'.join(SUPERVISOR_ACTS)})$"

EXPECTED: Final[Mapping[str, str]] = {
    IDENT_PATTERN: "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit",
    LINE_PATTERN: "one line without control characters",
    NOTE_PATTERN: "text without control characters other than line ends and tabs",
    SAMPLE_PATTERN: "a sample's number, from 1 on",
    CALLBACK_PATTERN: "a callback's number, from 1 on",
    NUMBER_PATTERN: "a telephone number with + and its country code",
    ACT_PATTERN: f"one of {', '.join(ACTS)}",
    SUPERVISOR_ACT_PATTERN: f"one of {', '.join(SUPERVISOR_ACTS)}",
}
"""What a pattern asks for, in words."""

Ident = Annotated[str, StringConstraints(pattern=IDENT_PATTERN)]
Line = Annotated[str, StringConstraints(pattern=LINE_PATTERN, max_length=200)]
Note = Annotated[str, StringConstraints(pattern=NOTE_PATTERN, max_length=2000)]


class Strict(BaseModel):
    """No key but those named."""

    model_config = ConfigDict(extra="forbid")


class AgentPath(Strict):
    """Which agent."""

    id: Ident = Field(description="the agent's id in the configuration")


class CampaignPath(Strict):
    """Which campaign."""

    name: Ident = Field(description="the campaign's name in the configuration")


class Body(Strict):
    """A body that may be left out where every key may."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": False})  # type: ignore[typeddict-unknown-key]

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, data: Any) -> Any:
        return {} if data is None else data


class NoBody(Body):
    """An order that needs no details."""


class LoginBody(Body):
    """Where the agent sits."""

    seat: Ident | None = Field(default=None, description="the agent's own seat when left out")


class PauseBody(Body):
    """Why the agent takes no customers."""

    reason: Line = ""


class DisposeBody(Body):
    """The agent's word on the last call."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    code: Ident = Field(description="one of the campaign's dispositions")
    note: Note = ""


class ActBody(Body):
    """What an agent could do by key: the act, and what would be keyed in after it (a number, a reason, a code)."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    act: Annotated[str, StringConstraints(pattern=ACT_PATTERN)]
    argument: Line = ""


class SupervisorPath(Strict):
    """Which supervisor."""

    id: Ident = Field(description="the supervisor's id among the configuration's agents")


class SuperviseBody(Body):
    """What a supervisor wants; without an agent: of the one who is listened to."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    act: Annotated[str, StringConstraints(pattern=SUPERVISOR_ACT_PATTERN)]
    agent: Ident | None = None


class Fault(BaseModel):
    """Every answer that is no success."""

    error: str = Field(description="what is wrong, and where")
    expected: str = Field(description="what would have been right")


class Done(BaseModel):
    """The engine carried an order out."""

    ok: bool
    text: str


class Live(BaseModel):
    """Answer of /healthz."""

    live: bool
    detail: str


class Ready(BaseModel):
    """Answer of /readyz: each part that is not ready, and why."""

    ready: bool
    not_ready: dict[str, str]


class StatusAnswer(RootModel[Status]):
    """The whole engine at one moment; durations in seconds, ratios 0–1."""


class AgentAnswer(RootModel[AgentView]):
    """One agent."""


class AgentsAnswer(BaseModel):
    """All agents."""

    agents: list[AgentView]


class CampaignAnswer(RootModel[CampaignView]):
    """One campaign."""


class PacingAgents(BaseModel):
    """Agents of the campaign by what they do."""

    ready: int
    reserved: int
    talking: int
    wrap: int
    away: int


class PacingCalls(BaseModel):
    """Calls of the campaign; ``all`` includes conversations."""

    ringing: int
    waiting: int
    all: int


class PacingDecision(BaseModel):
    """The last decision; further keys are the numbers that it stood on."""

    model_config = ConfigDict(extra="allow")

    lines: int
    reason: str
    ago_s: float | None


class PacingLearnt(BaseModel):
    """What is believed of calls and agents, and from how much; further keys are details."""

    model_config = ConfigDict(extra="allow")

    origin: str = Field(description="from what pacing started")
    dials: float
    answer_probability: float
    answer_probability_low: float
    answer_probability_high: float
    time_to_answer_s: float
    talk_s: float
    wrap_s: float


class PacingWindow(BaseModel):
    """One abandon window; rates are ratios 0–1, ``left`` is in calls."""

    model_config = ConfigDict(extra="allow")

    window: str
    limit: float
    answered: float
    abandoned: float
    rate: float
    projected: float
    left: float


class PacingAnswer(BaseModel):
    """Everything behind a campaign's last pacing decision; further keys are details."""

    model_config = ConfigDict(extra="allow")

    campaign: str
    mode: str
    state: str
    decision: PacingDecision
    theta: float
    agents: PacingAgents
    calls: PacingCalls
    learnt: PacingLearnt
    windows: list[PacingWindow]
    hung_up_ringing: int
    hung_up_share: float
    dialed: int


class RoutingAnswer(BaseModel):
    """The floor at one moment, for ``dialer explain route --snapshot``; no numbers and no persons are in it."""

    at: float
    policy: dict[str, Any]
    agents: list[dict[str, Any]]
    calls: list[dict[str, Any]]


class CallerBody(Body):
    """Who calls."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    number: Annotated[str, StringConstraints(pattern=NUMBER_PATTERN)] = Field(description="with + and country")


class VipSaid(BaseModel):
    """What the business system said last of a caller, and when (UTC epoch seconds)."""

    vip: bool
    agent: str | None
    at: float


class VipSaidAnswer(BaseModel):
    """``said`` null: nothing since the start."""

    said: VipSaid | None


class CampaignsAnswer(BaseModel):
    """All campaigns."""

    campaigns: list[CampaignView]


class QueuesAnswer(BaseModel):
    """All queues of callers."""

    queues: list[QueueView]


_AS_IT_IS: Final = frozenset({str, int, bool, type(None)})
_FREE_TEXT: Final = frozenset({"decision_reason", "last_refusal", "detail", "store_detail", "reason"})


def plain(value: Any) -> Any:
    """A view as JSON data. Numbers that JSON has no word for become null.

    Free text is masked once more; names, ids and a preview's fields are left as the engine shows them. One pass and
    no reflection a value: a floor of a thousand agents is asked for every second, on the hub that bridges calls.
    """
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if is_dataclass(kind):
        return {
            name: mask_text(part) if name in _FREE_TEXT and isinstance(part, str) else plain(part)
            for name, part in ((name, getattr(value, name)) for name in _names(kind))
        }
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    return value


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
