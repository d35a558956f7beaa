"""Bodies, paths and answers of the API's records: recordings, quality control, callbacks.

Owns shapes and patterns only, like ``shapes``. Must not call the port.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from dialer.http.shapes import CALLBACK_PATTERN, LINE_PATTERN, SAMPLE_PATTERN, Body, Ident, Note, Strict

LATEST: Final = 4e9
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=LINE_PATTERN)]


class AttemptPath(Strict):
    """Which attempt."""

    attempt: Ident = Field(description="the attempt's id")


class SamplePath(Strict):
    """Which sample."""

    id: Annotated[str, StringConstraints(pattern=SAMPLE_PATTERN)] = Field(description="the sample's number")


class ScoreBody(Body):
    """A score card: who listened, and the four criteria."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    reviewer: Name
    right_person: StrictBool
    understood: StrictBool
    script: StrictBool
    consent: StrictBool
    note: Note = ""


class WhoBody(Body):
    """What was heard in a call that was taken for a machine's."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    reviewer: Name
    who: Literal["person", "machine", "unsure"]
    note: Note = ""


class RecordingView(BaseModel):
    """One recording. Times in UTC epoch seconds; ``masked`` are spans of silence in seconds from the start."""

    id: int
    attempt_id: str
    campaign: str
    agent: str
    node: str
    path: str = Field(description="as the switch calls it")
    started_at: float
    duration_s: float
    masked: list[list[float]]
    masked_at: float | None = Field(description="where a silence begins that goes on")
    state: str = Field(
        description="recording, to_upload, written, indexed, damaged, missing, changed, failed or deleted"
    )
    problem: str
    bytes: int | None
    sha256: str
    checked_at: float | None
    deleted_at: float | None


class RecordingsAnswer(BaseModel):
    """The newest recordings, at most 500."""

    recordings: list[RecordingView]


class SampleFile(BaseModel):
    """A recording of a call."""

    id: int
    path: str
    state: str
    duration_s: float


class SaidView(BaseModel):
    """What an agent said of a call."""

    agent: str
    code: str
    at: float


class AttemptView(BaseModel):
    """One call. Times in UTC epoch seconds; the number is masked."""

    id: str
    campaign: str
    lead_id: int
    number: str
    node: str
    trunk: str
    shown: str = Field(description="the number that the callee saw, masked; empty before version 0008 of the database")
    agent: str | None
    owner: str
    opened_at: float
    rang_at: float | None
    answered_at: float | None
    clock_at: float | None = Field(description="where the abandon clock starts, if later than the answer")
    bridged_at: float | None
    ended_at: float | None
    outcome: str | None
    reason: str
    cause: str
    sip_status: str
    heard: str = Field(description="who answered (human, machine, unsure), or what was announced while it rang")
    heard_reason: str = Field(description="how that was heard, with its figures")
    callback: int = Field(description="dialed for that callback; 0: for none")
    tier: str = Field(description="the customer's tier when dialed; empty before version 0011 of the database")
    dispositions: list[SaidView]
    recordings: list[SampleFile]


class CardView(BaseModel):
    """A filed score card."""

    reviewer: str
    at: float
    right_person: bool
    understood: bool
    script: bool
    consent: bool
    note: str


class SampleView(BaseModel):
    """A conversation to listen to; ``card`` is the one that counts."""

    id: int
    day: str
    attempt_id: str
    agent: str
    campaign: str
    rules: list[str] = Field(description="random, short_sale, long_call, complaint; or machine")
    disposition: str
    talk_s: float
    state: str = Field(description="open, passed or failed")
    created_at: float
    card: CardView | None


class SamplesAnswer(BaseModel):
    """The newest samples, at most 500."""

    samples: list[SampleView]


class WhoView(BaseModel):
    """What somebody heard in a call that was taken for a machine's."""

    reviewer: str
    who: str
    note: str
    at: float


class SampleAnswer(SampleView):
    """One sample, with all its cards, oldest first, and its recordings; a machine's has ``verdicts``, not cards."""

    cards: list[CardView]
    verdicts: list[WhoView]
    recordings: list[SampleFile]


class ScoreAnswer(BaseModel):
    """What became of the sample; ``recontact`` is the task to contact the customer again."""

    sample: int
    state: str
    failed: list[str] = Field(description="the criteria that were not fulfilled, in words")
    recontact: int | None
    dialed: bool = Field(description="whether the customer is going to be dialed by itself")


class WhoAnswer(BaseModel):
    """What became of a machine's sample."""

    sample: int
    state: str = Field(description="passed: a machine; failed: a person, or nobody can tell")
    who: str


class MachineCheckView(BaseModel):
    """A campaign's calls of 30 days that were taken for machines', and what people said who listened to some."""

    campaign: str
    judged: int
    recorded: int
    listened: int
    persons: int
    unsure: int = Field(description="nobody can tell: counted as persons")
    passed: int = Field(description="answers taken for persons', and no machines by the agents' word")
    of_machines: float | None = Field(description="the share of persons among those listened to")
    false_positive: float | None = Field(description="persons taken for machines for each answer that was passed")
    false_positive_at_most: float | None = Field(description="the same, with a certainty of 95 %")
    configured: float | None = Field(description="pacing.amd_false_positive, which pacing counts with")


class MachinesAnswer(BaseModel):
    """Each campaign's."""

    since: float
    campaigns: list[MachineCheckView]


class SpanBody(Body):
    """Of which span: calls opened or arrived from ``since`` until before ``until``, UTC epoch seconds."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    since: Annotated[StrictFloat | StrictInt, Field(ge=0, le=LATEST)]
    until: Annotated[StrictFloat | StrictInt, Field(ge=0, le=LATEST)]


class TierCountView(BaseModel):
    """One tier in one direction; an empty tier: nobody has said it. Rates are of the offered, null of nobody."""

    tier: str
    direction: str = Field(description="inbound or outbound")
    calls: int = Field(description="that were dialed or came in, and have ended")
    offered: int = Field(description="on the line, and wanted an agent")
    connected: int
    lost: int
    in_target: int | None = Field(description="callers served within their tier's target")
    connect_rate: float | None
    loss_rate: float | None


class TiersAnswer(BaseModel):
    """All tiers."""

    since: float
    until: float
    tiers: list[TierCountView]


class CallbackView(BaseModel):
    """A customer to be called again; the number is masked."""

    id: int
    kind: str = Field(description="callback (the customer's wish) or recontact (a failed check)")
    attempt_id: str
    lead_id: int
    campaign: str
    number: str
    agent: str = Field(description="who must do it; empty: anyone")
    due_at: float = Field(description="when it is tried next")
    note: str
    created_by: str
    created_at: float
    state: str = Field(description="open, claimed, dialing, done, failed or cancelled")
    changed_at: float
    wanted_at: float = Field(description="when the customer is to be called")
    zone: str = Field(description="by whose clock that was said; empty: not known")
    reason: str = Field(description="why it waits, or how it ended")
    tries: int
    last_attempt: str


class CallbackAnswer(CallbackView):
    """One callback; ``local_time`` is when it is wanted by the customer's clock, ``waits`` why it is not dialed now."""

    local_time: str
    waits: str = ""


class CallbackPath(Strict):
    """Which callback."""

    id: Annotated[str, StringConstraints(pattern=CALLBACK_PATTERN)] = Field(description="its number")


Word = Annotated[str, StringConstraints(pattern=LINE_PATTERN, max_length=100)]
When = Annotated[str, StringConstraints(pattern=LINE_PATTERN, min_length=1, max_length=40)]
_AT = "HH:MM, +DAYS HH:MM, YYYY-MM-DD HH:MM, +90m or +2h; by the customer's clock"


class CallbackBody(Body):
    """Who is to be called again and when: the customer of an attempt, or a lead of a campaign's lists."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    at: When = Field(description=_AT)
    attempt: Word = ""
    lead: Annotated[int, Field(ge=1, le=2**62, strict=True)] | None = None
    campaign: Word = Field(default="", description="with a lead")
    zone: Word = Field(default="", description="another clock than the customer's own")
    agent: Word = Field(default="", description="who must do it; empty: anyone")
    note: Note = ""
    by: Word = Field(default="api", description="who says so")


class RescheduleBody(Body):
    """Another time, and perhaps another agent."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    at: When = Field(description=_AT)
    zone: Word = ""
    agent: Word | None = Field(default=None, description="empty: anyone")


class CancelBody(Body):
    """Why."""

    reason: Note = ""


class CallbacksAnswer(BaseModel):
    """Who is to be called again, the most urgent first, at most 500."""

    callbacks: list[CallbackView]
