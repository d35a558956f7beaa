"""Numbers that we show, for operators: listed, and brought back with a reason, by API and command line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from dialer.clitools import running
from dialer.clitools.service import Service
from dialer.clitools.tree import app
from dialer.domain.events import RestoreNumber
from dialer.domain.status import ShownView
from dialer.http.app import make_app
from dialer.http.testing import FakePort, sample_status

TOKEN = {"Authorization": "Bearer t"}
OURS = "+12025550100"
WHY = "3.0% of its calls are answered, 21.0% of its peers'"
RESTS = ShownView("local", 2, "+120****0101", "resting", 12, None, 0, 0, 1, 86_400.0, WHY)


def port() -> FakePort:
    shown = sample_status()
    return FakePort(shown=replace(shown, shown=(*shown.shown, RESTS)))


def test_the_api_lists_and_restores() -> None:
    fake = port()
    client = make_app(fake, "t").test_client()
    told = client.get("/v1/numbers", headers=TOKEN).get_json()
    assert [number["standing"] for number in told["numbers"]] == ["good", "resting"]
    path, order = "/v1/numbers/restore", {"number": OURS, "reason": "the carrier has cleared it"}
    assert client.post(path, json=order, headers=TOKEN).get_json()["ok"]
    assert fake.orders == [RestoreNumber(1, OURS, "the carrier has cleared it")] and OURS not in repr(fake.orders)
    wrong = {"reason": " "}, {"reason": "so\n\x1b[2Jso"}, {"number": "x"}
    for bad in ({}, {"number": OURS}, *(order | each for each in wrong)):
        assert client.post(path, json=bad, headers=TOKEN).status_code == 422, bad
    assert client.post(path, json=order).status_code == 401 and len(fake.orders) == 1


PORT = port()


class Canned(Service):
    """A service whose HTTP is an application here."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 1, "t")

    def _ask(self, method: str, path: tuple[str, ...], body: Any) -> Any:
        client = make_app(PORT, "t").test_client()
        response = client.open("/" + "/".join(path), method=method, json=body, headers=TOKEN)
        return self._read(response.status_code, response.data)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["numbers", *words])
    return done.exit_code, done.output


def test_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "service", lambda where: Canned())
    code, text = run("list")
    assert code == 0 and "resting for 24:00:00 more" in text and WHY in text
    code, text = run("list", "--json")
    assert code == 0 and json.loads(text[text.index("[\n") :])[1]["reason"] == WHY
    code, text = run("restore", OURS, "--reason", "the carrier has cleared it")
    assert code == 0 and "+120****0100 was retired and is shown again" in text and OURS not in text
    assert PORT.orders == [RestoreNumber(1, OURS, "the carrier has cleared it")]
    code, text = run("restore", OURS)
    assert code == 2 and "--reason" in text
