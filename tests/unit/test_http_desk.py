"""The API's records over a scripted port: what is asked of the store, what is refused, how trouble is told."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from test_http_api import TOKEN, ask, refusal

from dialer.http.app import make_app
from dialer.http.desk_shapes import (
    CallbacksAnswer,
    RecordingsAnswer,
    SampleAnswer,
    SamplesAnswer,
    ScoreAnswer,
)
from dialer.http.testing import ATTEMPT, FakePort

CARD = {"reviewer": "mia", "right_person": True, "understood": True, "script": True, "consent": False}
PATHS = [
    f"/v1/attempts/{ATTEMPT}", "/v1/recordings", f"/v1/recordings/{ATTEMPT}", "/v1/qc/samples", "/v1/qc/samples/7",
    "/v1/callbacks",
]  # fmt: skip


@pytest.fixture
def port() -> FakePort:
    return FakePort()


@pytest.fixture
def client(port: FakePort) -> FlaskClient:
    return make_app(port, TOKEN).test_client()


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (f"/v1/attempts/{ATTEMPT}", ("attempt", {"attempt": ATTEMPT})),
        ("/v1/recordings", ("recordings", {})),
        (f"/v1/recordings/{ATTEMPT}", ("recordings", {"attempt": ATTEMPT})),
        ("/v1/qc/samples", ("qc_samples", {})),
        ("/v1/qc/samples/7", ("qc_sample", {"sample": 7})),
        ("/v1/qc/machines", ("qc_machines", {})),
        ("/v1/callbacks", ("callbacks", {})),
    ],
)
def test_what_is_asked_of_the_store(client: FlaskClient, port: FakePort, path: str, asked: tuple[str, Any]) -> None:
    port.answers[asked[0]] = {"said": [1, "two", None]}
    answer = ask(client, "GET", path)
    assert (answer.status_code, answer.json) == (200, {"said": [1, "two", None]})
    assert port.asked == [asked] and port.orders == []


def test_a_card_reaches_the_store(client: FlaskClient, port: FakePort) -> None:
    done = {"sample": 7, "state": "failed", "failed": ["clear consent"], "recontact": 3}
    port.answers["qc_score"] = done
    answer = ask(client, "POST", "/v1/qc/samples/7/score", json={**CARD, "reviewer": "  mia "})
    assert (answer.status_code, answer.json) == (200, done)
    assert port.asked == [("qc_score", {**CARD, "sample": 7, "note": ""})]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "reviewer: a value"),
        ({**CARD, "reviewer": " "}, "reviewer: some text"),
        ({**CARD, "reviewer": "a\nb"}, "reviewer: one line without control characters"),
        ({**CARD, "consent": "y"}, "consent: true or false"),
        ({**CARD, "consent": 1}, "consent: true or false"),
        ({**CARD, "mood": True}, "mood: no such key"),
        ({**CARD, "note": "x" * 2001}, "note: at most 2000 characters"),
    ],
)
def test_cards_that_are_wrong(client: FlaskClient, port: FakePort, body: dict[str, Any], told: str) -> None:
    status, error, expected = refusal(ask(client, "POST", "/v1/qc/samples/7/score", json=body))
    assert status == 422 and error.startswith("not usable: ") and told in expected
    assert port.asked == []


def test_what_was_heard_in_a_machines_sample_reaches_the_store(client: FlaskClient, port: FakePort) -> None:
    port.answers["qc_machine"] = {"sample": 7, "state": "failed", "who": "person"}
    body = {"reviewer": "mia", "who": "person"}
    assert ask(client, "POST", "/v1/qc/samples/7/machine", json=body).status_code == 200
    assert port.asked == [("qc_machine", {"sample": 7, **body, "note": ""})]
    assert refusal(ask(client, "POST", "/v1/qc/samples/7/machine", json={**body, "who": "perhaps"}))[0] == 422
    port.answers["qc_machine"] = {}
    told = refusal(ask(client, "POST", "/v1/qc/samples/7/machine", json=body))
    assert told[:2] == (404, "no sample 7 of a machine")


@pytest.mark.parametrize("ident", ["0", "-1", "x", "1.5", "1" * 16, "%0a7"])
def test_samples_that_have_no_such_number(client: FlaskClient, port: FakePort, ident: str) -> None:
    status, _, expected = refusal(ask(client, "GET", f"/v1/qc/samples/{ident}"))
    assert status == 422 and "a sample's number, from 1 on" in expected and port.asked == []


def test_what_is_not_there(client: FlaskClient) -> None:
    assert refusal(ask(client, "GET", "/v1/qc/samples/7"))[:2] == (404, "no sample 7")
    assert refusal(ask(client, "GET", f"/v1/attempts/{ATTEMPT}"))[:2] == (404, f"no attempt {ATTEMPT}")
    assert refusal(ask(client, "POST", "/v1/qc/samples/7/score", json=CARD))[:2] == (404, "no sample 7")


@pytest.mark.parametrize("path", PATHS)
def test_all_of_it_needs_the_token_and_takes_no_query(client: FlaskClient, port: FakePort, path: str) -> None:
    assert ask(client, "GET", path, token=None).status_code == 401
    assert ask(client, "GET", f"{path}?limit=1").status_code == 400
    assert port.asked == []


def test_a_store_in_trouble(client: FlaskClient, port: FakePort) -> None:
    port.answers["recordings"] = "database is locked for 13812341234"
    assert refusal(ask(client, "GET", "/v1/recordings"))[:2] == (503, "database is locked for 138****1234")
    port.silent = True
    assert refusal(ask(client, "GET", "/v1/recordings"))[0] == 504


def test_the_document_names_them(client: FlaskClient) -> None:
    paths = ask(client, "GET", "/openapi").json["paths"]
    for path, answer in (
        ("/v1/recordings", RecordingsAnswer),
        ("/v1/recordings/{attempt}", RecordingsAnswer),
        ("/v1/qc/samples", SamplesAnswer),
        ("/v1/qc/samples/{id}", SampleAnswer),
        ("/v1/callbacks", CallbacksAnswer),
    ):
        schema = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith(f"/{answer.__name__}")
    score = paths["/v1/qc/samples/{id}/score"]["post"]
    assert score["requestBody"]["required"] is True
    assert score["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith(ScoreAnswer.__name__)
    assert {"401", "404", "422", "503", "504"} <= set(score["responses"])
