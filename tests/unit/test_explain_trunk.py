"""What people and machines are told of lines out: command line, API, metrics, live view; and never a number."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_kit import START, Floor, agents, campaign, settings, trunk
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from typer.testing import CliRunner

from dialer.clitools import explain_trunk, frame, running
from dialer.clitools.options import CliError
from dialer.clitools.service import Service, ServiceDown
from dialer.clitools.tree import app
from dialer.domain.settings import LineSettings, PoolSettings
from dialer.engine import trunk_views
from dialer.http.app import make_app
from dialer.http.shapes import plain
from dialer.http.testing import FakePort, sample_campaign, sample_status, sample_trunk
from routing.costs import CostRow, CostTable

TOKEN = {"Authorization": "Bearer t"}
LEAD = "+49301234567"
OURS = ("+4930555100", "+4989555200")
DEAR = CostTable("dear", "UTC", (CostRow("+", 0.5, minutes=(0, 720)), CostRow("+", 0.001, minutes=(720, 1440))))
CHEAP = CostTable("cheap", "UTC", (CostRow("+", 0.01),))
LINES = LineSettings(pools={"p": PoolSettings("p", OURS, 5)})
SETTINGS = replace(
    settings(
        campaign(trunk="a", further_trunks=("b",)),
        campaign("alone", trunk="b", autostart=False),
        people=agents(5, "c1"),
        trunks=(trunk("a", 30, costs=CHEAP, pool="p"), trunk("b", 30, costs=DEAR)),
    ),
    lines=LINES,
)


def floor() -> Floor:
    """Line a has failed, and rests; five calls ring on b."""
    f = Floor(SETTINGS).up()
    for uuid in f.dialed():
        f.hang_up(uuid, "NORMAL_TEMPORARY_FAILURE")
    return f


def explained(f: Floor, *, wanted: str | None = "c1", at: float | None = None) -> dict[str, Any]:
    told = f.engine.explain_trunk(LEAD, wanted, at, f.now)
    assert told is not None
    answer: dict[str, Any] = json.loads(json.dumps(plain(told)))
    return answer


# ---- the engine ----------------------------------------------------------------------------------------------


def test_it_is_the_choice_that_a_call_gets_and_takes_nothing() -> None:
    f = Floor(SETTINGS)
    told = explained(f)
    assert (told["trunk"], told["cost"], told["reason"][:13]) == ("a", 0.02, "cheapest of 2")
    assert told["not"] == [{"trunk": "b", "why": "dearer", "text": "costs 1.0000"}]
    assert LEAD not in str(told) and OURS[0] not in str(told)
    assert f.live.trunks["a"].bucket.available(f.now) == f.live.trunks["a"].bucket.burst
    assert explained(f, at=50_000.0)["trunk"] == "b"  # cheaper in the afternoon
    f.up()
    assert {c.trunk for c in f.live.calls.values()} == {"a"}


def test_it_says_who_is_sick_until_when_and_that_one_line_alone_is_dialed_all_the_same() -> None:
    f = floor()
    told = explained(f)
    assert told["trunk"] == "b" and told["not"][0]["why"] == "sick"
    assert told["not"][0]["text"].startswith("fails too many calls; cools down for")
    a, b = told["trunks"]
    assert (a["condition"], a["gone_on"], a["ends"], b["legs"]) == ("cooling", 5, {"carrier": 5}, 5)
    assert explained(f, at=f.now + 61.0)["trunk"] == "a"
    assert explained(f, wanted="alone")["lines"] == ["b"]
    assert explained(f, wanted=None)["lines"] == ["a", "b"]
    assert f.engine.explain_trunk(LEAD, "nobody", None, f.now) is None


def test_a_saved_status_gives_the_same_answer_without_the_service() -> None:
    f = floor()
    saved = json.loads(json.dumps(plain(f.engine.status(f.now))))
    desk = trunk_views.offline(SETTINGS, 9e8, saved)
    again = plain(trunk_views.explain(desk, LEAD, "c1", None))
    live = explained(f)
    for told in (again, live):
        for view in told["trunks"]:
            view.update(chosen=0, gone_on=0, ends={}, passed={}, rests_s=round(view["rests_s"]))
    assert again == live
    assert [n.today for n in desk.members("p")] == [5, 0]


@pytest.mark.parametrize("bad", [{}, {"at": "x"}, {"at": 1, "trunks": [{"trunk": "a"}]}, {"at": 1, "trunks": 5}, []])
def test_what_is_no_saved_status_is_refused(bad: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        trunk_views.offline(SETTINGS, 0.0, bad)


# ---- API, metrics, live view ---------------------------------------------------------------------------------


def test_the_api_answers_and_refuses() -> None:
    client = make_app(FakePort(), "t").test_client()
    told = client.get("/v1/trunks", headers=TOKEN).get_json()
    assert told["trunks"][0]["trunk"] == "main" and told["shown"][0]["number"] == "+120****0100"
    path = "/v1/trunks/explain"
    told = client.post(path, json={"number": LEAD, "campaign": "spring", "at": 5}, headers=TOKEN).get_json()
    assert (told["trunk"], told["at"], told["number"]) == ("main", 5, "+493****4567")
    assert client.post(path, json={"number": LEAD, "campaign": "x"}, headers=TOKEN).status_code == 404
    for bad in ({}, {"number": "0301234567"}, {"number": LEAD, "at": -1}, {"number": LEAD, "at": "now"}, {"n": 1}):
        answer = client.post(path, json=bad, headers=TOKEN)
        assert answer.status_code == 422, bad
    assert client.post(path, json={"number": LEAD}).status_code == 401


def test_metrics_of_each_trunk_and_pool() -> None:
    f = floor()
    told = f.engine.status(f.now)
    port = FakePort(shown=replace(sample_status(), trunks=told.trunks, shown=told.shown))
    scraped = make_app(port, "t").test_client().get("/metrics").text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(scraped)
        for sample in family.samples
    }
    assert found["dialer_trunk_calls_total", "a"] == 5 and found["dialer_trunk_legs", "b"] == 5
    assert found["dialer_trunk_state", "a", "cooling"] == 1 and found["dialer_trunk_state", "a", "healthy"] == 0
    assert found["dialer_trunk_ended_total", "a", "carrier"] == 5 and found["dialer_trunk_gone_on_total", "a"] == 5
    assert found["dialer_trunk_passed_total", "a", "failed_there"] == 5
    assert found["dialer_shown_numbers", "good", "p"] == 2 and found["dialer_shown_today", "p"] == 5
    assert not any(number in scraped or number.lstrip("+") in scraped for number in (*OURS, LEAD))


def test_the_live_view_shows_trunks_where_there_is_a_choice_or_trouble() -> None:
    def shown(*trunks: Any) -> str:
        status = plain(sample_status(trunks=trunks, campaigns=(sample_campaign(),)))
        console = Console(width=100, color_system=None, force_terminal=False, highlight=False)
        with console.capture() as capture:
            console.print(frame.draw(status, frame.Rates(), width=100, height=30, abandon_limit=0.03))
        return capture.get()

    sick = sample_trunk("spare", condition="cooling", rests_s=45.0)
    assert "trunks spare 12/30 cooling 0:45  main 12/30 well" in shown(sample_trunk(), sick)
    assert "trunks" not in shown(sample_trunk()) and "trunks main 12/30 probing" in shown(
        sample_trunk(condition="probing")
    )


# ---- the command ---------------------------------------------------------------------------------------------


class Canned(Service):
    """A service whose HTTP is an application here."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 1, "t")

    def _ask(self, method: str, path: tuple[str, ...], body: Any) -> Any:
        client = make_app(FakePort(), "t").test_client()
        response = client.open("/" + "/".join(path), method=method, json=body, headers=TOKEN)
        return self._read(response.status_code, response.data)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["explain", "trunk", *words])
    text = done.output if done.exception is None or isinstance(done.exception, SystemExit) else str(done.exception)
    return done.exception.code if isinstance(done.exception, CliError) else done.exit_code, text


def test_the_command_asks_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "service", lambda where: Canned())
    code, text = run(LEAD, "--campaign", "spring", "--at", "2026-11-26T20:00+01:00")
    assert code == 0
    for part in (
        "a call to +493****4567, campaign spring, at 2026-11-26 19:00:00 UTC",
        "goes out on main as +493****4567, shows +120****0100, expected cost 0.0123",
        "not spare: fails too many calls; cools down for 45 s more",
        "spare: 12 of 30 channels, 2 kept for callers, 10 calls a second, cooling for 0:45 more",
        "ended by: callee 80, carrier 9",
    ):
        assert part in text, text
    code, text = run(LEAD, "--json")
    assert code == 0 and json.loads(text[text.index("{") :])["trunk"] == "main"
    code, text = run(LEAD)
    assert code == 0 and "any line" in text and "only line" not in text, "it is nobody's only line"
    code, text = run(LEAD, "--campaign", "sprig")
    assert code == 2 and "no campaign sprig; expected one of: spring" in text
    for bad in (("12",), (LEAD, "--at", "noon"), ("0301234567",)):
        code, text = run(*bad)
        assert code != 0 and "expected" in text


CONFIG = """
data_dir: {tmp}
switch: embedded
trunks:
  - {{name: a, channels: 10, cps: 5, caller_id: "+4930555100"}}
  - {{name: b, channels: 10, cps: 5, caller_id: "+4930555100", rewrite: [{{prefix: "+49", strip: 3, put: "0"}}]}}
lines:
  costs:
    - {{name: cheap, zone: Europe/Berlin, trunks: [b], rows: [{{prefix: "+", per_minute: 0.5}}]}}
seats: [{{id: 1001, secret: x}}]
agents: [{{id: 1001, seat: 1001}}]
lists: [{{name: l}}]
campaigns: [{{name: bank, mode: progressive, lists: [l], trunks: [a, b]}}]
"""


def test_without_a_service_it_answers_from_the_configuration_or_a_saved_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(where: running.Where) -> Service:
        raise ServiceDown("no service answers at 127.0.0.1:8088")

    monkeypatch.setattr(running, "service", nobody)
    file = tmp_path / "dialer.yaml"
    file.write_text(CONFIG.format(tmp=tmp_path))
    code, text = run("030 123456", "--region", "DE", "--campaign", "bank", "--config", str(file))
    assert code == 0 and "as if every line were idle" in text, text
    assert "goes out on b as 0****3456" in text and "not a: has no price for this number" in text
    saved = tmp_path / "trunks.json"
    full = sample_trunk("b", legs=10, channels=10, reserved_inbound=0)
    saved.write_text(json.dumps({"at": START, "trunks": [plain(full)], "shown": []}))
    code, text = run(LEAD, "--config", str(file), "--snapshot", str(saved), "--json")
    told = json.loads(text[text.index("{") :])
    assert code == 0 and told["trunk"] == "a" and told["not"][0]["text"] == "all 10 channels are in use"
    saved.write_text("{}")
    code, text = run(LEAD, "--config", str(file), "--snapshot", str(saved))
    assert code != 0 and "expected a saved answer of /v1/trunks" in text
    code, text = run(LEAD, "--config", str(file), "--campaign", "bnk")
    assert code == 2 and "no campaign bnk; expected one of: bank" in text
    assert isinstance(explain_trunk.WIDTH, int)
