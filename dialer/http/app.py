"""The API of a running service as a Flask application over a ``ServicePort``.

Owns paths, the token and the limits of a request. Must not know the engine, the store or the configuration.

Who may do what: every path asks for ``Authorization: Bearer <token>`` but three. ``/healthz`` and ``/readyz``
are asked by supervisors and load balancers and ``/metrics`` by Prometheus, which hold no secrets of ours and
on a loopback address should need none; what they show is counts and names from the configuration. ``/v1``
shows who works and, in a preview, whom they talk to: reading it needs the token as writing does.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from flask import Flask, Response, g, jsonify, request
from flask_openapi3.models.info import Info
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from prometheus_client import CollectorRegistry, Counter, PlatformCollector, ProcessCollector
from prometheus_client import exposition as text_format
from prometheus_client.openmetrics import exposition as openmetrics
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from dialer.domain import events, phones
from dialer.domain.status import AgentView, CampaignView
from dialer.http import desk_paths, errors, shapes, trunk_paths
from dialer.http.errors import fault
from dialer.http.metrics import DialerCollector
from dialer.masking import mask_text
from dialer.ports import ServicePort

BODY_LIMIT: Final = 16 * 1024
ORDER_TIMEOUT_S: Final = 5.0
OPEN_PATHS: Final = frozenset({"/metrics", "/healthz", "/readyz"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_AGENTS: Final = Tag(name="agents", description="What agents are told to do")
_SUPERVISORS: Final = Tag(name="supervisors", description="What supervisors do with agents")
_CAMPAIGNS: Final = Tag(name="campaigns", description="What campaigns are told to do")
_SERVICE: Final = Tag(name="service", description="How the service is")

Order = Callable[[int], events.OperatorEvent]


def make_app(port: ServicePort, token: str) -> Flask:
    """The application. ``token`` is what a caller must show. Raises ValueError for an empty token."""
    if not token.strip():
        raise ValueError("the API's token is empty: expected one line of text")
    app = OpenAPI(
        "dialer.http",
        info=Info(title="dialer", version=port.info().get("version", "unknown"), description="A predictive dialer"),
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        responses={
            400: shapes.Fault,
            401: shapes.Fault,
            404: shapes.Fault,
            413: shapes.Fault,
            415: shapes.Fault,
            422: shapes.Fault,
            500: shapes.Fault,
        },
        validation_error_status=422,
        validation_error_model=shapes.Fault,
        validation_error_callback=errors.invalid,
        doc_ui=False,
    )
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(DialerCollector(port))
    errors.register(app)
    _guard(app, token)
    _account(app, registry)
    _service_paths(app, port, registry)
    _agent_paths(app, port)
    _campaign_paths(app, port)
    desk_paths.add(app, port)
    trunk_paths.add(app, port, _carry_out)
    return app


def _guard(app: OpenAPI, token: str) -> None:
    secret = token.strip().encode("utf-8")

    @app.before_request
    def check() -> Response | None:
        if request.path in OPEN_PATHS:
            return None
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        # Bytes, because compare_digest refuses text beyond ASCII. WSGI hands headers over as latin-1.
        right = hmac.compare_digest(shown.strip().encode("latin-1", "replace"), secret)
        if scheme.lower() != "bearer" or not right:
            return fault(
                401,
                "no valid token",
                "Authorization: Bearer <the token in the service's token file>",
                {"WWW-Authenticate": 'Bearer realm="dialer"'},
            )
        if request.args:
            return fault(400, "this API takes no query parameters", "the details of an order in a JSON body")
        if request.method == "POST":
            body = request.get_data()
            if len(body) >= BODY_LIMIT and request.content_length is None:
                raise RequestEntityTooLarge  # a body in chunks is cut at the limit without a word
            return _check_body() if body else None
        return None


def _check_body() -> Response | None:
    """None for a body that is a JSON object (which request.get_json then holds), else the refusal."""
    try:
        body = request.get_json()
    except UnsupportedMediaType:
        raise
    except BadRequest:
        return fault(400, "the body is no JSON", "a JSON object in UTF-8")
    except RecursionError:
        return fault(400, "the body is nested too deeply", "a flat JSON object")
    if not isinstance(body, dict):
        return fault(400, "the body is no JSON object", "a JSON object such as {}")
    return None


def _account(app: OpenAPI, registry: CollectorRegistry) -> None:
    log = structlog.get_logger("http")
    count = Counter("dialer_http_requests", "Requests to the API.", ["method", "path", "status"], registry=registry)

    @app.before_request
    def started() -> None:
        g.started = time.perf_counter()

    app.before_request_funcs[None].insert(0, app.before_request_funcs[None].pop())

    @app.after_request
    def done(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        path = request.url_rule.rule if request.url_rule is not None else "none"
        method = request.method if request.method in _METHODS else "other"
        status = response.status_code
        count.labels(method, path, str(status)).inc()
        quiet = method in {"GET", "HEAD", "OPTIONS"} and (status < 400 or status == 503)
        level = "debug" if quiet else "warning" if status == 401 or status >= 500 else "info"
        getattr(log, level)(
            "request",
            method=method,
            path=request.path[:200],
            status=status,
            took_ms=round((time.perf_counter() - g.started) * 1000.0, 3),
            client=request.remote_addr,
        )
        return response


def _service_paths(app: OpenAPI, port: ServicePort, registry: CollectorRegistry) -> None:
    @app.get("/metrics", tags=[_SERVICE], summary="Metrics for Prometheus")
    def metrics() -> Response:
        # The library's own negotiation copies parts of the Accept header into its answer.
        if "application/openmetrics-text" in request.headers.get("Accept", ""):
            body = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
            return Response(body, content_type=openmetrics.CONTENT_TYPE_LATEST)
        return Response(text_format.generate_latest(registry), content_type=text_format.CONTENT_TYPE_LATEST)

    @app.get("/healthz", tags=[_SERVICE], summary="Is the engine's loop on time", responses={503: shapes.Live})
    def healthz() -> Response:
        health = port.health()
        return _answer({"live": health.live, "detail": health.live_detail}, 200 if health.live else 503)

    @app.get(
        "/readyz",
        tags=[_SERVICE],
        summary="Is every part ready",
        responses={200: shapes.Ready, 503: shapes.Ready},
    )
    def readyz() -> Response:
        missing = {name: mask_text(why) for name, why in port.health().not_ready.items()}
        return _answer({"ready": not missing, "not_ready": missing}, 503 if missing else 200)

    @app.get("/openapi", tags=[_SERVICE], summary="This API as an OpenAPI document", **_LOCKED)
    def openapi() -> Response:
        return jsonify(app.api_doc)

    @app.get(
        "/v1/routing",
        tags=[_SERVICE],
        summary="Agents and waiting calls as routing sees them",
        responses={200: shapes.RoutingAnswer},
        **_LOCKED,
    )
    def routing() -> Response:
        return _answer(port.routing())

    @app.post(
        "/v1/routing/vip",
        tags=[_SERVICE],
        summary="What the business system said last of a caller; it is not asked",
        responses={200: shapes.VipSaidAnswer},
        **_LOCKED,
    )
    def vip_said(body: shapes.CallerBody) -> Response:
        return _answer({"said": port.vip_said(body.number)})

    @app.get(
        "/v1/status",
        tags=[_SERVICE],
        summary="The whole engine",
        responses={200: shapes.StatusAnswer},
        **_LOCKED,
    )
    def status() -> Response:
        return _answer(port.status())


def _agent_paths(app: OpenAPI, port: ServicePort) -> None:
    @app.get("/v1/agents", tags=[_AGENTS], summary="All agents", responses={200: shapes.AgentsAnswer}, **_LOCKED)
    def agents() -> Response:
        return _answer({"agents": port.status().agents})

    @app.get("/v1/agents/<id>", tags=[_AGENTS], summary="One agent", responses={200: shapes.AgentAnswer}, **_LOCKED)
    def agent(path: shapes.AgentPath) -> Response:
        return _answer(_find_agent(port, path.id))

    def order(path: shapes.AgentPath, make: Order) -> Response:
        _find_agent(port, path.id)
        return _carry_out(port, make)

    @app.post("/v1/agents/<id>/login", tags=[_AGENTS], summary="Log in", **_ORDER)
    def login(path: shapes.AgentPath, body: shapes.LoginBody) -> Response:
        return order(path, lambda request_id: events.AgentLogin(request_id, path.id, body.seat))

    @app.post("/v1/agents/<id>/logout", tags=[_AGENTS], summary="Log out", **_ORDER)
    def logout(path: shapes.AgentPath, body: shapes.NoBody) -> Response:
        return order(path, lambda request_id: events.AgentLogout(request_id, path.id))

    @app.post("/v1/agents/<id>/pause", tags=[_AGENTS], summary="Take no customers", **_ORDER)
    def pause(path: shapes.AgentPath, body: shapes.PauseBody) -> Response:
        return order(path, lambda request_id: events.AgentPause(request_id, path.id, body.reason))

    @app.post("/v1/agents/<id>/ready", tags=[_AGENTS], summary="Take customers", **_ORDER)
    def ready(path: shapes.AgentPath, body: shapes.NoBody) -> Response:
        return order(path, lambda request_id: events.AgentReady(request_id, path.id))

    @app.post("/v1/agents/<id>/accept", tags=[_AGENTS], summary="Call the lead shown", **_ORDER)
    def accept(path: shapes.AgentPath, body: shapes.NoBody) -> Response:
        return order(path, lambda request_id: events.PreviewAccept(request_id, path.id))

    @app.post("/v1/agents/<id>/skip", tags=[_AGENTS], summary="Leave the lead shown", **_ORDER)
    def skip(path: shapes.AgentPath, body: shapes.NoBody) -> Response:
        return order(path, lambda request_id: events.PreviewSkip(request_id, path.id))

    @app.post("/v1/agents/<id>/dispose", tags=[_AGENTS], summary="Say how the call went", **_ORDER)
    def dispose(path: shapes.AgentPath, body: shapes.DisposeBody) -> Response:
        return order(path, lambda request_id: events.AgentDispose(request_id, path.id, body.code, body.note))

    @app.post("/v1/agents/<id>/acts", tags=[_AGENTS], summary="Do what the agent's keys could do", **_ORDER)
    def act(path: shapes.AgentPath, body: shapes.ActBody) -> Response:
        return order(path, lambda request_id: phones.AgentAct(request_id, path.id, body.act, body.argument))

    @app.post("/v1/supervisors/<id>/acts", tags=[_SUPERVISORS], summary="Listen, whisper, barge, take over", **_ORDER)
    def supervise(path: shapes.SupervisorPath, body: shapes.SuperviseBody) -> Response:
        _find_agent(port, path.id)
        if body.agent is not None:
            _find_agent(port, body.agent)
        return _carry_out(port, lambda number: phones.SupervisorAct(number, path.id, body.act, body.agent or ""))


def _campaign_paths(app: OpenAPI, port: ServicePort) -> None:
    @app.get(
        "/v1/queues",
        tags=[_CAMPAIGNS],
        summary="All queues of callers",
        responses={200: shapes.QueuesAnswer},
        **_LOCKED,
    )
    def queues() -> Response:
        return _answer({"queues": port.status().queues})

    @app.get(
        "/v1/campaigns",
        tags=[_CAMPAIGNS],
        summary="All campaigns",
        responses={200: shapes.CampaignsAnswer},
        **_LOCKED,
    )
    def campaigns() -> Response:
        return _answer({"campaigns": port.status().campaigns})

    @app.get(
        "/v1/campaigns/<name>",
        tags=[_CAMPAIGNS],
        summary="One campaign",
        responses={200: shapes.CampaignAnswer},
        **_LOCKED,
    )
    def campaign(path: shapes.CampaignPath) -> Response:
        return _answer(_find_campaign(port, path.name))

    @app.get(
        "/v1/campaigns/<name>/pacing",
        tags=[_CAMPAIGNS],
        summary="What the last pacing decision stood on",
        responses={200: shapes.PacingAnswer},
        **_LOCKED,
    )
    def pacing(path: shapes.CampaignPath) -> Response:
        told = port.pacing(path.name)
        if told is None:
            raise _no_campaign(path.name)
        return _answer(told)

    def order(path: shapes.CampaignPath, word: str) -> Response:
        _find_campaign(port, path.name)
        return _carry_out(port, lambda request_id: events.CampaignOrder(request_id, path.name, word))

    @app.post("/v1/campaigns/<name>/start", tags=[_CAMPAIGNS], summary="Start calls", **_ORDER)
    def start_campaign(path: shapes.CampaignPath, body: shapes.NoBody) -> Response:
        return order(path, "start")

    @app.post("/v1/campaigns/<name>/pause", tags=[_CAMPAIGNS], summary="Start no calls, keep the hopper", **_ORDER)
    def pause_campaign(path: shapes.CampaignPath, body: shapes.NoBody) -> Response:
        return order(path, "pause")

    @app.post("/v1/campaigns/<name>/stop", tags=[_CAMPAIGNS], summary="Start no calls, give leads back", **_ORDER)
    def stop_campaign(path: shapes.CampaignPath, body: shapes.NoBody) -> Response:
        return order(path, "stop")


_LOCKED: Final[dict[str, Any]] = {"security": [{"token": []}]}
_ORDER: Final[dict[str, Any]] = {
    **_LOCKED,
    "responses": {200: shapes.Done, 409: shapes.Fault, 504: shapes.Fault},
}


class _NotThere(HTTPException):
    """404 that names what is missing."""

    def __init__(self, response: Response) -> None:
        super().__init__(response=response)
        self.code = 404


def _find_agent(port: ServicePort, ident: str) -> AgentView:
    for view in port.status().agents:
        if view.agent == ident:
            return view
    raise _NotThere(fault(404, f"no agent {ident}", "an agent of the configuration: see /v1/agents"))


def _find_campaign(port: ServicePort, name: str) -> CampaignView:
    for view in port.status().campaigns:
        if view.campaign == name:
            return view
    raise _no_campaign(name)


def _no_campaign(name: str) -> _NotThere:
    return _NotThere(fault(404, f"no campaign {name}", "a campaign of the configuration: see /v1/campaigns"))


def _carry_out(port: ServicePort, make: Order) -> Response:
    try:
        reply = port.order(make, ORDER_TIMEOUT_S)
    except TimeoutError:
        return fault(
            504,
            f"the engine did not answer within {ORDER_TIMEOUT_S:g} s; the order may still be carried out",
            "an answer; /healthz and /readyz say what is wrong",
        )
    if not reply.ok:
        return fault(409, mask_text(reply.text), "a state in which the order makes sense: see /v1/status")
    return _answer({"ok": True, "text": mask_text(reply.text)})


def _answer(view: object, status: int = 200) -> Response:
    response = jsonify(shapes.plain(view))
    response.status_code = status
    return response
