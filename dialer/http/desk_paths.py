"""The API's paths to the store's records: attempts, recordings, quality control, callbacks.

Owns these paths. What they show comes from the port with its numbers masked: one token opens this API, and no role that
it stands for may see whole numbers. Answers take a second or two, since each question is a process beside the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, jsonify
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI

from dialer.http import desk_shapes, shapes
from dialer.http.errors import fault
from dialer.masking import mask_text
from dialer.ports import ServicePort, StoreTrouble

RECORDS_TIMEOUT_S: Final = 15.0
LISTED: Final = "one that is listed at /v1/callbacks"

_ATTEMPTS: Final = Tag(name="attempts", description="What became of calls")
_RECORDINGS: Final = Tag(name="recordings", description="What was recorded")
_QC: Final = Tag(name="qc", description="Quality control")
_REPORTS: Final = Tag(name="reports", description="What happened, counted")
_CALLBACKS: Final = Tag(name="callbacks", description="Who is to be called again")


def _about(answer: type[Any], *more: int) -> dict[str, Any]:
    faults = dict.fromkeys((*more, 503, 504), shapes.Fault)
    return {"security": [{"token": []}], "responses": {200: answer, **faults}}


def add(app: OpenAPI, port: ServicePort) -> None:
    """Add the paths to the application."""

    def ask(
        job: str,
        request: Mapping[str, object] | None = None,
        missing: str = "",
        expected: str = "one that is listed at /v1/qc/samples",
        more: Callable[[Mapping[str, Any]], Mapping[str, object]] = lambda found: {},
    ) -> Response:
        try:
            found = port.records(job, request or {}, RECORDS_TIMEOUT_S)
        except TimeoutError:
            text = f"the store did not answer within {RECORDS_TIMEOUT_S:g} s; what was asked may still be done"
            return fault(504, text, "an answer; /readyz says which part is in trouble")
        except StoreTrouble as error:
            return fault(503, mask_text(str(error)), "a store that answers; /readyz says what is wrong")
        if "refused" in found:
            return fault(403, mask_text(str(found["refused"])), "a reviewer whose role may, on somebody else's call")
        if "wrong" in found:
            return fault(409, mask_text(str(found["wrong"])), "an order that can be carried out: see /v1/callbacks")
        if missing and not found:
            return fault(404, missing, expected)
        return jsonify(shapes.plain({**found, **more(found)}))

    @app.get("/v1/attempts/<attempt>", tags=[_ATTEMPTS], summary="One call", **_about(desk_shapes.AttemptView))
    def attempt(path: desk_shapes.AttemptPath) -> Response:
        return ask("attempt", {"attempt": path.attempt}, f"no attempt {path.attempt}", "the id of an attempt")

    @app.get("/v1/recordings", tags=[_RECORDINGS], summary="Recordings", **_about(desk_shapes.RecordingsAnswer))
    def recordings() -> Response:
        return ask("recordings")

    @app.get(
        "/v1/recordings/<attempt>",
        tags=[_RECORDINGS],
        summary="An attempt's recordings",
        **_about(desk_shapes.RecordingsAnswer),
    )
    def recordings_of(path: desk_shapes.AttemptPath) -> Response:
        return ask("recordings", {"attempt": path.attempt})

    @app.get("/v1/qc/samples", tags=[_QC], summary="Samples", **_about(desk_shapes.SamplesAnswer))
    def samples() -> Response:
        return ask("qc_samples")

    @app.get("/v1/qc/samples/<id>", tags=[_QC], summary="One sample", **_about(desk_shapes.SampleAnswer))
    def sample(path: desk_shapes.SamplePath) -> Response:
        return ask("qc_sample", {"sample": int(path.id)}, f"no sample {path.id}")

    @app.post("/v1/qc/samples/<id>/score", tags=[_QC], summary="File a card", **_about(desk_shapes.ScoreAnswer))
    def score(path: desk_shapes.SamplePath, body: desk_shapes.ScoreBody) -> Response:
        return ask("qc_score", {"sample": int(path.id), **body.model_dump()}, f"no sample {path.id}")

    @app.post("/v1/qc/samples/<id>/machine", tags=[_QC], summary="Person or machine", **_about(desk_shapes.WhoAnswer))
    def machine(path: desk_shapes.SamplePath, body: desk_shapes.WhoBody) -> Response:
        return ask("qc_machine", {"sample": int(path.id), **body.model_dump()}, f"no sample {path.id} of a machine")

    @app.get("/v1/qc/machines", tags=[_QC], summary="Persons taken for machines", **_about(desk_shapes.MachinesAnswer))
    def machines() -> Response:
        return ask("qc_machines")

    @app.post("/v1/reports/tiers", tags=[_REPORTS], summary="Customers by tier", **_about(desk_shapes.TiersAnswer))
    def tiers(body: desk_shapes.SpanBody) -> Response:
        return ask("tiers", body.model_dump())

    @app.get("/v1/callbacks", tags=[_CALLBACKS], summary="Open callbacks", **_about(desk_shapes.CallbacksAnswer))
    def callbacks() -> Response:
        return ask("callbacks")

    def waits(found: Mapping[str, Any]) -> Mapping[str, object]:
        """What the engine says of it, which knows those that are due soon; the store's word of the others."""
        why = next((row["waits"] for row in port.callbacks() if row["callback"] == found.get("id")), found["reason"])
        return {"waits": mask_text(str(why))}

    def one(job: str, path: desk_shapes.CallbackPath, order: Mapping[str, object] | None = None) -> Response:
        request = {"callback": int(path.id)} | ({} if order is None else {"order": order})
        return ask(job, request, f"no callback {path.id}", LISTED, waits)

    @app.post("/v1/callbacks", tags=[_CALLBACKS], summary="Write one down", **_about(desk_shapes.CallbackAnswer, 409))
    def create(body: desk_shapes.CallbackBody) -> Response:
        return ask("callback_order", {"order": body.model_dump()}, "nothing was made", LISTED, waits)

    @app.get("/v1/callbacks/<id>", tags=[_CALLBACKS], summary="One callback", **_about(desk_shapes.CallbackAnswer))
    def callback(path: desk_shapes.CallbackPath) -> Response:
        return one("callback", path)

    @app.post(
        "/v1/callbacks/<id>/reschedule",
        tags=[_CALLBACKS],
        summary="Another time",
        **_about(desk_shapes.CallbackAnswer, 409),
    )
    def reschedule(path: desk_shapes.CallbackPath, body: desk_shapes.RescheduleBody) -> Response:
        return one("callback_order", path, body.model_dump())

    @app.post(
        "/v1/callbacks/<id>/cancel",
        tags=[_CALLBACKS],
        summary="Call it off",
        **_about(desk_shapes.CallbackAnswer, 409),
    )
    def cancel(path: desk_shapes.CallbackPath, body: desk_shapes.CancelBody) -> Response:
        return one("callback_order", path, body.model_dump())
