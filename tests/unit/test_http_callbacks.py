"""The API's callbacks over a scripted port: orders that reach the store, what is refused, why one waits."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from test_http_api import ask, refusal
from test_http_desk import client, port  # noqa: F401

from dialer.http.desk_shapes import CallbackAnswer
from dialer.http.testing import ATTEMPT, FakePort

ROW: dict[str, Any] = {
    "id": 12, "kind": "callback", "attempt_id": ATTEMPT, "lead_id": 7, "campaign": "spring", "number": "+121****0001",
    "agent": "1001", "due_at": 1_790_000_000.0, "note": "about the roof", "created_by": "api", "created_at": 1.0,
    "state": "open", "changed_at": 1.0, "wanted_at": 1_790_000_000.0, "zone": "America/New_York", "reason": "",
    "tries": 0, "last_attempt": "", "local_time": "2026-09-21 10:13 America/New_York",
}  # fmt: skip
LEAD = {"at": "+1 15:00", "lead": 7, "campaign": "spring"}


def test_one_is_written_down(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    port.answers["callback_order"] = ROW
    body = {**LEAD, "zone": "Europe/Berlin", "agent": "1001", "note": "about the roof", "by": "crm"}
    answer = ask(client, "POST", "/v1/callbacks", json=body)
    assert (answer.status_code, answer.json) == (200, {**ROW, "waits": ""})
    assert CallbackAnswer.model_validate(answer.json).id == 12
    assert port.asked == [("callback_order", {"order": {**body, "attempt": ""}})] and port.orders == []


def test_by_its_attempt_and_with_nothing_else(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    port.answers["callback_order"] = ROW
    assert ask(client, "POST", "/v1/callbacks", json={"at": "15:00", "attempt": ATTEMPT}).status_code == 200
    nothing = {"lead": None, "campaign": "", "zone": "", "agent": "", "note": "", "by": "api"}
    assert port.asked == [("callback_order", {"order": {"at": "15:00", "attempt": ATTEMPT, **nothing}})]


def test_one_is_moved_and_called_off(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    port.answers["callback_order"] = ROW
    assert ask(client, "POST", "/v1/callbacks/12/reschedule", json={"at": "+2h", "agent": ""}).status_code == 200
    assert ask(client, "POST", "/v1/callbacks/12/cancel", json={"reason": "they wrote"}).status_code == 200
    assert ask(client, "POST", "/v1/callbacks/12/cancel").status_code == 200
    assert port.asked == [
        ("callback_order", {"callback": 12, "order": {"at": "+2h", "zone": "", "agent": ""}}),
        ("callback_order", {"callback": 12, "order": {"reason": "they wrote"}}),
        ("callback_order", {"callback": 12, "order": {"reason": ""}}),
    ]


def test_why_it_waits_is_the_engines_word_and_else_the_stores(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    port.answers["callback"] = {**ROW, "reason": "try 1 of 3: busy"}
    assert ask(client, "GET", "/v1/callbacks/12").json["waits"] == "try 1 of 3: busy"
    port.waiting = [{"callback": 11, "waits": "other"}, {"callback": 12, "waits": "agent 1001 is paused, +12125550001"}]
    told = ask(client, "GET", "/v1/callbacks/12").json["waits"]
    assert told == "agent 1001 is paused, +121****0001"
    assert port.asked == [("callback", {"callback": 12})] * 2


def test_what_cannot_be_done_is_said_and_holds_no_number(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    port.answers["callback_order"] = {"wrong": "callback 12 of +12125550001 is dialing: expected an open one"}
    told = refusal(ask(client, "POST", "/v1/callbacks/12/cancel"))
    assert told[:2] == (409, "callback 12 of +121****0001 is dialing: expected an open one")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel"), ("POST", "/reschedule")])
def test_what_is_not_there(client: FlaskClient, method: str, path: str) -> None:  # noqa: F811
    body = {"json": {"at": "+2h"}} if path == "/reschedule" else {}
    told = refusal(ask(client, method, f"/v1/callbacks/12{path}", **body))
    assert told == (404, "no callback 12", "one that is listed at /v1/callbacks")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "at: a value"),
        ({**LEAD, "at": ""}, "at: "),
        ({**LEAD, "at": "15:00\0"}, "at: one line without control characters"),
        ({**LEAD, "lead": 0}, "lead: "),
        ({**LEAD, "lead": True}, "lead: "),
        ({**LEAD, "lead": "7"}, "lead: "),
        ({**LEAD, "lead": 2**63}, "lead: "),
        ({"at": "15:00", "attempt": "a\0b"}, "attempt: one line without control characters"),
        ({**LEAD, "campaign": "x\n"}, "campaign: one line"),
        ({**LEAD, "zone": "a\0"}, "zone: one line"),
        ({**LEAD, "agent": "\x1b"}, "agent: one line"),
        ({**LEAD, "by": "\0"}, "by: one line"),
        ({**LEAD, "note": "\0"}, "note: text without control characters"),
        ({**LEAD, "note": "x" * 2001}, "note: at most 2000 characters"),
        ({**LEAD, "when": "now"}, "when: no such key"),
    ],
)
def test_orders_that_are_wrong(client: FlaskClient, port: FakePort, body: dict[str, Any], told: str) -> None:  # noqa: F811
    status, error, expected = refusal(ask(client, "POST", "/v1/callbacks", json=body))
    assert status == 422 and error.startswith("not usable: ") and told in expected
    assert port.asked == []


def test_another_time_needs_a_time(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    assert refusal(ask(client, "POST", "/v1/callbacks/12/reschedule", json={}))[0] == 422
    assert refusal(ask(client, "POST", "/v1/callbacks/12/cancel", json={"reason": "\0"}))[0] == 422
    assert port.asked == []


@pytest.mark.parametrize("ident", ["0", "-1", "x", "1.5", "9" * 30, "%0a7"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel"), ("POST", "/reschedule")])
def test_no_number_of_a_callback(client: FlaskClient, port: FakePort, ident: str, method: str, path: str) -> None:  # noqa: F811
    body = {"json": {"at": "+2h"}} if path == "/reschedule" else {}
    status, _, expected = refusal(ask(client, method, f"/v1/callbacks/{ident}{path}", **body))
    assert status == 422 and "a callback's number, from 1 on" in expected and port.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/12"), ("POST", ""), ("POST", "/12/cancel"), ("POST", "/12/reschedule")],
)
def test_all_of_it_needs_the_token(client: FlaskClient, port: FakePort, method: str, path: str) -> None:  # noqa: F811
    assert ask(client, method, f"/v1/callbacks{path}", token=None, json=LEAD).status_code == 401
    assert port.asked == [] and port.orders == []


def test_a_store_in_trouble(client: FlaskClient, port: FakePort) -> None:  # noqa: F811
    port.answers["callback"] = "database is locked"
    assert refusal(ask(client, "GET", "/v1/callbacks/12"))[:2] == (503, "database is locked")
    port.silent = True
    assert refusal(ask(client, "POST", "/v1/callbacks/12/cancel"))[0] == 504


def test_the_document_names_them(client: FlaskClient) -> None:  # noqa: F811
    paths = ask(client, "GET", "/openapi").json["paths"]
    for path, method, needs in (
        ("/v1/callbacks", "post", True),
        ("/v1/callbacks/{id}", "get", None),
        ("/v1/callbacks/{id}/reschedule", "post", True),
        ("/v1/callbacks/{id}/cancel", "post", False),
    ):
        told = paths[path][method]
        assert told["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/CallbackAnswer")
        assert needs is None or told["requestBody"].get("required", False) is needs
        assert {"401", "422", "503", "504"} <= set(told["responses"])
        assert method == "get" or "409" in told["responses"]
