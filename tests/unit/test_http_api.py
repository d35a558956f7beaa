"""The API over a scripted port: who gets in, what is refused and how, what reaches the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import ACTS, SUPERVISOR_ACTS
from dialer.http.app import BODY_LIMIT, make_app
from dialer.http.testing import ATTEMPT, FakePort, sample_agent, sample_campaign, sample_status
from dialer.ports import Health

TOKEN = "a-token"
LOCKED = ["/v1/status", "/v1/agents", "/v1/agents/1001", "/v1/campaigns", "/v1/campaigns/spring", "/openapi", "/nix"]
OPEN = ["/metrics", "/healthz", "/readyz"]


@pytest.fixture
def port() -> FakePort:
    return FakePort()


@pytest.fixture
def client(port: FakePort) -> FlaskClient:
    return make_app(port, TOKEN).test_client()


def ask(client: FlaskClient, method: str, path: str, token: str | None = TOKEN, **rest: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return client.open(path, method=method, headers={**headers, **rest.pop("headers", {})}, **rest)


def refusal(answer: Any) -> tuple[int, str, str]:
    """Status, error and expected of a refusal, which must be exactly of that form."""
    assert set(answer.json) == {"error", "expected"}
    return answer.status_code, answer.json["error"], answer.json["expected"]


def test_an_empty_token_is_no_token(port: FakePort) -> None:
    with pytest.raises(ValueError, match="token is empty"):
        make_app(port, "  ")


@pytest.mark.parametrize("path", LOCKED)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer a-tokén"]
)
def test_reading_needs_the_token(client: FlaskClient, path: str, header: str | None) -> None:
    answer = client.get(path, headers={"Authorization": header} if header is not None else {})
    assert refusal(answer)[0] == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text


def test_orders_need_the_token(client: FlaskClient, port: FakePort) -> None:
    assert ask(client, "POST", "/v1/agents/1001/pause", token=None).status_code == 401
    assert ask(client, "POST", "/v1/campaigns/spring/stop", token="x").status_code == 401
    assert port.orders == []


def test_the_scheme_is_no_matter_of_case(client: FlaskClient) -> None:
    assert client.get("/v1/status", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_metrics_need_none(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_health(client: FlaskClient, port: FakePort) -> None:
    port.told = Health(
        False, "the engine's last turn is 9.0 s late", {"switch fs1": "refused 13812341234", "store": "locked"}
    )
    health = client.get("/healthz")
    assert health.status_code == 503
    assert health.json == {"live": False, "detail": "the engine's last turn is 9.0 s late"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json == {"ready": False, "not_ready": {"switch fs1": "refused 138****1234", "store": "locked"}}


def test_status_shows_all_and_no_number(client: FlaskClient, port: FakePort) -> None:
    port.shown = sample_status(
        agents=(sample_agent("1001", "previewing", lead={"id": "7", "name": "Mr Li"}),),
        campaigns=(sample_campaign(last_refusal="+8613812341234 is on the do-not-call list"),),
        busy_share=float("nan"),
    )
    status = ask(client, "GET", "/v1/status").json
    assert status["agents"][0]["lead"] == {"id": "7", "name": "Mr Li"}
    assert status["campaigns"][0]["last_refusal"] == "+861****1234 is on the do-not-call list"
    assert status["campaigns"][0]["outcomes"] == {"connected": 35, "no_answer": 40, "abandoned": 1}
    assert status["busy_share"] is None
    assert status["nodes"][0]["node"] == "embedded"


def test_agents_and_campaigns(client: FlaskClient) -> None:
    assert [a["agent"] for a in ask(client, "GET", "/v1/agents").json["agents"]] == ["1001", "1002"]
    assert ask(client, "GET", "/v1/agents/1002").json["attempt_id"] == ATTEMPT
    assert [c["campaign"] for c in ask(client, "GET", "/v1/campaigns").json["campaigns"]] == ["spring"]
    assert ask(client, "GET", "/v1/campaigns/spring").json["mode"] == "ratio"


@pytest.mark.parametrize(
    ("path", "body", "event"),
    [
        ("/v1/agents/1001/login", None, ev.AgentLogin(1, "1001", None)),
        ("/v1/agents/1001/login", {"seat": "s-9"}, ev.AgentLogin(1, "1001", "s-9")),
        ("/v1/agents/1001/logout", None, ev.AgentLogout(1, "1001")),
        ("/v1/agents/1001/pause", None, ev.AgentPause(1, "1001", "")),
        ("/v1/agents/1001/pause", {"reason": "lunch, 午餐"}, ev.AgentPause(1, "1001", "lunch, 午餐")),
        ("/v1/agents/1001/ready", {}, ev.AgentReady(1, "1001")),
        ("/v1/agents/1001/accept", None, ev.PreviewAccept(1, "1001")),
        ("/v1/agents/1001/skip", None, ev.PreviewSkip(1, "1001")),
        ("/v1/agents/1001/dispose", {"code": "sale", "note": "a\nb"}, ev.AgentDispose(1, "1001", "sale", "a\nb")),
        ("/v1/agents/1001/acts", {"act": "hold"}, ph.AgentAct(1, "1001", "hold", "")),
        ("/v1/agents/1001/acts", {"act": "transfer", "argument": "1002"}, ph.AgentAct(1, "1001", "transfer", "1002")),
        ("/v1/supervisors/1002/acts", {"act": "barge", "agent": "1001"}, ph.SupervisorAct(1, "1002", "barge", "1001")),
        ("/v1/supervisors/1002/acts", {"act": "leave"}, ph.SupervisorAct(1, "1002", "leave", "")),
        ("/v1/campaigns/spring/start", None, ev.CampaignOrder(1, "spring", "start")),
        ("/v1/campaigns/spring/pause", None, ev.CampaignOrder(1, "spring", "pause")),
        ("/v1/campaigns/spring/stop", None, ev.CampaignOrder(1, "spring", "stop")),
    ],
)
def test_orders_reach_the_engine(
    client: FlaskClient, port: FakePort, path: str, body: dict[str, str] | None, event: ev.OperatorEvent
) -> None:
    answer = ask(client, "POST", path, json=body) if body is not None else ask(client, "POST", path)
    assert port.orders == [event]
    assert answer.status_code in {200, 409}


def test_an_order_done_and_one_refused(client: FlaskClient) -> None:
    done = ask(client, "POST", "/v1/agents/1001/pause")
    assert (done.status_code, done.json) == (200, {"ok": True, "text": "agent 1001 is paused"})
    status, error, _ = refusal(ask(client, "POST", "/v1/agents/1001/accept"))
    assert (status, error) == (409, "agent 1001 is paused: no reserve from there")


def test_acts_that_are_none_are_refused_by_name(client: FlaskClient, port: FakePort) -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("/v1/agents/1001/acts", {"act": "dance"}, f"act: one of {', '.join(ACTS)}"),
        ("/v1/agents/1001/acts", {"act": "hold\n"}, f"act: one of {', '.join(ACTS)}"),
        ("/v1/agents/1001/acts", {}, "act: a value"),
        ("/v1/agents/1001/acts", {"act": "dial", "argument": "1\n2"}, "argument: one line without control characters"),
        ("/v1/agents/1001/acts", {"act": "hold", "agent": "1002"}, "agent: no such key"),
        ("/v1/supervisors/1002/acts", {"act": "hold"}, f"act: one of {', '.join(SUPERVISOR_ACTS)}"),
        ("/v1/supervisors/1002/acts", {"act": "listen", "agent": "a b"}, "agent: 1 to 64 letters"),
    ]
    for path, body, told in wrong:
        status, _, expected = refusal(ask(client, "POST", path, json=body))
        assert status == 422 and told in expected
    for path in ("/v1/agents/1009/acts", "/v1/supervisors/1009/acts"):
        body = {"act": "help" if "agents" in path else "listen"}
        assert refusal(ask(client, "POST", path, json=body))[:2] == (404, "no agent 1009")
    unknown = ask(client, "POST", "/v1/supervisors/1001/acts", json={"act": "listen", "agent": "1009"})
    assert refusal(unknown)[:2] == (404, "no agent 1009")
    assert ask(client, "POST", "/v1/agents/1001/acts", token=None, json={"act": "hold"}).status_code == 401
    assert port.orders == []


def test_an_act_done_and_one_refused(client: FlaskClient) -> None:
    done = ask(client, "POST", "/v1/agents/1001/acts", json={"act": "dial", "argument": "+12025550123"})
    assert (done.status_code, done.json) == (200, {"ok": True, "text": "agent 1001: dial +120****0123"})
    status, error, _ = refusal(ask(client, "POST", "/v1/supervisors/1002/acts", json={"act": "whisper"}))
    assert (status, error) == (409, "no agent was named")


def test_an_engine_that_does_not_answer_is_504(client: FlaskClient, port: FakePort) -> None:
    port.silent = True
    status, error, _ = refusal(ask(client, "POST", "/v1/agents/1001/pause"))
    assert status == 504
    assert "may still be carried out" in error


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/v1/agents/77/pause", 404, "no agent 77"),
        ("/v1/campaigns/autumn/stop", 404, "no campaign autumn"),
        ("/v1/agents/10%2001/pause", 422, "not usable: id"),
        ("/v1/agents/%0a/pause", 422, "not usable: id"),
        ("/v1/agents/1001%0a/pause", 422, "not usable: id"),
        ("/v1/agents/..%2f1001/pause", 404, "no such path"),
        ("/v1/agents/" + "9" * 65 + "/pause", 422, "not usable: id"),
        ("/v1/campaigns/%00/stop", 422, "not usable: name"),
        ("/v1/campaigns/spring/explode", 404, "no such path"),
        ("/v1/agents/1001/pause?reason=x", 400, "no query parameters"),
    ],
)
def test_what_is_not_there_or_no_name(client: FlaskClient, port: FakePort, path: str, status: int, told: str) -> None:
    found, error, expected = refusal(ask(client, "POST", path))
    assert found == status
    assert told in error
    assert expected
    assert port.orders == []


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("pause", {"reason": "a\r\nb"}, "reason: one line without control characters"),
        ("pause", {"reason": "x" * 201}, "reason: at most 200 characters"),
        ("pause", {"reason": 5}, "reason: a string"),
        ("pause", {"reason": "\ud800"}, "reason: valid Unicode text"),
        ("pause", {"why": "x"}, "why: no such key"),
        ("ready", {"now": True}, "now: no such key"),
        ("login", {"seat": "a b"}, "seat: 1 to 64 letters"),
        ("dispose", None, "code: a value"),
        ("dispose", {"code": "sale", "note": "a\x00b"}, "note: text without control characters"),
        ("dispose", {"code": "${evil}"}, "code: 1 to 64 letters"),
    ],
)
def test_bodies_that_are_wrong(
    client: FlaskClient, port: FakePort, path: str, body: dict[str, object] | None, told: str
) -> None:
    rest = {"json": body} if body is not None else {}
    status, error, expected = refusal(ask(client, "POST", f"/v1/agents/1001/{path}", **rest))
    assert status == 422
    assert error.startswith("not usable: ")
    assert told in expected
    assert port.orders == []


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"{}"', "application/json", 400),
        (b"null", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 15000, "application/json", 400),
        (b'{"a":' * 3000, "application/json", 400),
        (b"1" * 10000, "application/json", 400),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{" + b" " * BODY_LIMIT + b"}", "application/json", 413),
    ],
)
def test_bodies_that_are_no_json(client: FlaskClient, port: FakePort, data: bytes, kind: str, status: int) -> None:
    found, _, expected = refusal(ask(client, "POST", "/v1/agents/1001/pause", data=data, content_type=kind))
    assert found == status
    assert expected
    assert port.orders == []


def test_other_methods_name_the_right_ones(client: FlaskClient) -> None:
    answer = ask(client, "DELETE", "/v1/agents/1001/pause")
    assert refusal(answer)[0] == 405
    assert "POST" in answer.headers["Allow"]


def test_a_fault_of_ours_shows_no_trace(port: FakePort) -> None:
    def broken() -> Any:
        raise RuntimeError("secret detail 13812341234")

    port.status = broken  # type: ignore[method-assign]
    client = make_app(port, TOKEN).test_client()
    answer = ask(client, "GET", "/v1/status")
    assert refusal(answer)[0] == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert client.get("/metrics").status_code == 500


def test_answers_are_not_kept_nor_guessed(client: FlaskClient) -> None:
    for path in ("/v1/status", "/metrics", "/nix"):
        headers = ask(client, "GET", path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_openapi_document_names_every_path_and_its_lock(client: FlaskClient) -> None:
    document = ask(client, "GET", "/openapi").json
    paths = document["paths"]
    assert set(paths) >= {
        "/metrics",
        "/healthz",
        "/readyz",
        "/v1/status",
        "/v1/agents/{id}/pause",
        "/v1/campaigns/{name}/start",
    }
    for path, methods in paths.items():
        for operation in methods.values():
            assert ("security" in operation) == (path not in OPEN)
    dispose = paths["/v1/agents/{id}/dispose"]["post"]
    assert dispose["requestBody"]["required"] is True
    assert {"200", "401", "404", "409", "422", "504"} <= set(dispose["responses"])
    assert document["components"]["schemas"]["DisposeBody"]["additionalProperties"] is False
    assert "abandon_rate" in json.dumps(document["components"]["schemas"]["CampaignView"])
    named = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])


def test_what_the_business_system_said_of_a_caller(client: FlaskClient, port: FakePort) -> None:
    """The number comes in the body, never in a path, which is logged."""
    port.vips = {"+4917012345": {"vip": True, "agent": "1001", "at": 5.0}}
    asked = "/v1/routing/vip"
    assert ask(client, "POST", asked, json={"number": "+4917012345"}).json["said"]["agent"] == "1001"
    assert ask(client, "POST", asked, json={"number": "+4917099999"}).json == {"said": None}
    assert ask(client, "POST", asked, json={"number": "anonymous"}).status_code == 422
    assert ask(client, "POST", asked, None, json={"number": "+4917012345"}).status_code == 401
