"""The API's paths to lines out and to the numbers that they show: how each is doing, and which one a call would take.

Owns these paths and their shapes. A number that is asked about comes in a body, never in a path, which is logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from flask import Response, jsonify
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StringConstraints

from dialer.domain.events import OperatorEvent, RestoreNumber
from dialer.domain.status import ShownView, TrunkView
from dialer.http import shapes
from dialer.http.errors import fault
from dialer.ports import ServicePort

LATEST: Final = 4e9
SHOWN_PATTERN: Final = r"^\+?[0-9]{2,20}$"
Order = Callable[[int], OperatorEvent]
_TRUNKS: Final = Tag(name="trunks", description="Lines out")


class ExplainBody(shapes.Body):
    """Whom a call is for."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    number: Annotated[str, StringConstraints(pattern=shapes.NUMBER_PATTERN)] = Field(description="with + and country")
    campaign: shapes.Ident | None = Field(default=None, description="whose lines; without: all")
    at: Annotated[StrictFloat | StrictInt, Field(ge=0, le=LATEST)] | None = Field(
        default=None, description="UTC epoch seconds: by the prices and rests of then"
    )


class TrunksAnswer(BaseModel):
    """All lines and the numbers that they show; durations in seconds."""

    at: float
    trunks: list[TrunkView]
    shown: list[ShownView]


class NumbersAnswer(BaseModel):
    """The numbers of all pools, masked; durations in seconds."""

    at: float
    numbers: list[ShownView]


class RestoreBody(shapes.Body):
    """Which number is to be shown again, and why."""

    model_config = ConfigDict(extra="forbid", openapi_extra={"required": True})  # type: ignore[typeddict-unknown-key]

    number: Annotated[str, StringConstraints(pattern=SHOWN_PATTERN)] = Field(description="as it stands in its pool")
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=shapes.LINE_PATTERN),
    ]


class Passed(BaseModel):
    """A line that does not get the call."""

    trunk: str
    why: str
    text: str


class ExplainAnswer(BaseModel):
    """Which line gets the call, as which number, and why no other; all numbers are masked."""

    model_config = ConfigDict(populate_by_name=True)

    number: str
    campaign: str | None
    at: float
    now: float
    lines: list[str]
    trunk: str | None
    dial: str | None
    shown: str | None
    cost: float | None
    reason: str
    not_: list[Passed] = Field(alias="not")
    trunks: list[TrunkView]


def add(app: OpenAPI, port: ServicePort, carry_out: Callable[[ServicePort, Order], Response]) -> None:
    """Add the paths to the application."""
    locked: dict[str, Any] = {"security": [{"token": []}]}

    @app.get("/v1/trunks", tags=[_TRUNKS], summary="Lines out", responses={200: TrunksAnswer}, **locked)
    def trunks() -> Response:
        status = port.status()
        return jsonify(shapes.plain({"at": status.at, "trunks": status.trunks, "shown": status.shown}))

    @app.post(
        "/v1/trunks/explain",
        tags=[_TRUNKS],
        summary="Which line a call would take",
        responses={200: ExplainAnswer},
        **locked,
    )
    def explain(body: ExplainBody) -> Response:
        told = port.trunk(body.number, body.campaign, body.at)
        if told is None:
            return fault(404, f"no campaign {body.campaign}", "a campaign of the configuration: see /v1/campaigns")
        return jsonify(shapes.plain(told))

    @app.get("/v1/numbers", tags=[_TRUNKS], summary="Numbers that we show", responses={200: NumbersAnswer}, **locked)
    def numbers() -> Response:
        status = port.status()
        return jsonify(shapes.plain({"at": status.at, "numbers": status.shown}))

    @app.post(
        "/v1/numbers/restore",
        tags=[_TRUNKS],
        summary="Show a number again",
        responses={200: shapes.Done, 409: shapes.Fault, 504: shapes.Fault},
        **locked,
    )
    def restore(body: RestoreBody) -> Response:
        return carry_out(port, lambda request_id: RestoreNumber(request_id, body.number, body.reason))
