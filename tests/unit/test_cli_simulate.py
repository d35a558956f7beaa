"""`dialer simulate` as it is typed: JSON, table, picture, exit codes, a scenario from a campaign's own past."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from dialer import cli
from dialer.clitools import scenario_from, simulate
from dialer.clitools.running import Where
from dialer.clitools.tree import app
from dialer.simulate import parallel, picture
from dialer.simulate.scenario import Scenario
from dialer.simulate.scenario_file import load
from dialer.store.history import CampaignHistory, ListHour

RUNNER = CliRunner()
SMALL = "agents: 4\nshift_hours: 0.1\npolicy: progressive\n"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def run_main(*args: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(args)
    return int(end.value.code or 0)


def test_json_is_one_object(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("simulate", str(scenario), "--seed", "5", "--json") == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["seed"], result["scenario"], result["agents"], result["hours"]) == (5, "small", 4, 0.1)
    assert told.out.count("\n") == 1 and told.err == ""


def test_several_shifts_are_a_list_in_the_order_asked_for(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["simulate", str(scenario), str(scenario), "--seed", "2", "--seed", "1", "--json", "--jobs", "2"]
    assert run_main(*args) == 0
    assert [each["seed"] for each in json.loads(capsys.readouterr().out)] == [2, 1, 2, 1]


def test_the_table_has_a_mean_and_its_error(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("simulate", str(scenario), "--seed", "1", "--seed", "2", "--jobs", "1") == 0
    told = capsys.readouterr().out
    assert "busy %" in told and "mean" in told and "s.e." in told and "±" in told


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["x.yaml", "--seed", "one"],
        ["x.yaml", "--seed", "-1"],
        ["x.yaml", "--jobs", "0"],
        ["x.yaml", "--from-campaign", "bank"],
        ["x.yaml", "--save", "y.yaml"],
        ["x.yaml", "--plot", "x.gif"],
        ["x.yaml", "--plot", "/nowhere/x.png"],
    ],
)
def test_usage_is_2(args: list[str]) -> None:
    result = RUNNER.invoke(app, ["simulate", *args])
    assert getattr(result.exception, "code", result.exit_code) == 2


def test_faults_of_all_scenarios_and_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("a", "agents: 0\n"), ("b", "\npatience_s: x\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    assert run_main("simulate", *(str(tmp_path / f"{name}.yaml") for name in ("a", "b", "c"))) == 78
    lines = capsys.readouterr().err.splitlines()
    places = [line.removeprefix(f"{tmp_path}/").split(": ")[0] for line in lines]
    assert places == ["a.yaml:1", "b.yaml:2", "c.yaml", "dialer"]
    assert lines[-1] == "dialer: 3 faults in the scenario"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture(scenario: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / f"p.{kind}"
    assert run_main("simulate", str(scenario), "--plot", str(file), "--json") == 0
    assert file.read_bytes()[:4] in (b"\x89PNG", b"<?xm")
    assert json.loads(capsys.readouterr().out)


def test_without_matplotlib_it_says_how_to_get_it(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(picture.NoPictures):
        picture.need_matplotlib()
    assert run_main("simulate", str(scenario), "--plot", str(tmp_path / "p.png")) == 1
    assert "dialer[plots]" in capsys.readouterr().err


def test_ctrl_c_ends_it_and_its_processes(tmp_path: Path) -> None:
    """On a terminal the bar says when shifts run. Every process of ours holds the terminal and the pipe, so that both
    end when the last one does.
    """
    (tmp_path / "long.yaml").write_text("agents: 40\nshift_hours: 100\npolicy: progressive\n")
    command = [sys.executable, "-m", "dialer.cli", "simulate", "long.yaml", "--seed", "1", "--seed", "2", "--jobs", "2"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True, start_new_session=True
    )
    os.close(theirs)
    told = _read_until(ours, re.compile(r"2 shifts.*[1-9]\d*%"))
    process.send_signal(signal.SIGINT)
    told += _read_until(ours, None)
    os.close(ours)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in told and out == ""


def _read_until(terminal: int, said: re.Pattern[str] | None) -> str:
    """What the terminal shows until something is said, or with None until nobody is left who could say anything."""
    told = ""
    while said is None or not said.search(told):
        try:
            more = os.read(terminal, 4096)
        except OSError:  # EIO: the last one at the other side is gone
            more = b""
        if not more:
            assert said is None, f"it ended early: {told}"
            break
        told += more.decode(errors="replace")
    return told


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "null\n", "~\n", "---\n", "agents:\ntalk: ~\n"])
def test_a_scenario_that_says_nothing_is_said_to_be_the_defaults(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(text)
    plans = simulate._plans(Where(), simulate.SimulateOptions(scenarios=(path,)))
    assert [plan.scenario for plan in plans] == [Scenario()]
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"{path}: no key has a value: all are the defaults\n")


# ---- from a campaign -----------------------------------------------------------------------------------------

CONFIG = """
data_dir: data
switch: embedded
trunks: [{name: carrier, channels: 60, cps: 8, caller_id: "+12025550100"}]
agents: [{id: 1001-1006}]
seats: [{id: 1001-1006}]
lists: [{name: fine, file: leads.csv, region: US}]
campaigns:
  - {name: bank, mode: predictive, lists: [fine], trunk: carrier, wrap_up_s: 12s}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "leads.csv").write_text("phone\n+12025550123\n")
    path = tmp_path / "dialer.yaml"
    path.write_text(CONFIG)
    return path


def history(**more: Any) -> CampaignHistory:
    full: dict[str, Any] = {
        "dials": 1000,
        "answered": 280,
        "answer_probability": 0.29,
        "by_list_hour": (ListHour("fine", 9, 500, 160), ListHour("poor", 9, 500, 120)),
        "time_to_answer_s": tuple(5 + i % 12 for i in range(280)),
        "no_answer_ring_s": tuple(26 + i % 4 for i in range(400)),
        "fast_failures": 80,
        "fast_failure_share": 0.08,
        "fast_failure_s": tuple(1 + i % 3 for i in range(80)),
        "talk_s": tuple(60 + i for i in range(200)),
        "wrap_s": tuple(10 + i % 9 for i in range(200)),
        "agents": 9,
        "leads_left": 4321,
        "lists": ("fine", "poor"),
    }
    return CampaignHistory("bank", 0.0, **(full | more))


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the store says; the shift that comes of it lasts three minutes."""
    found = SimpleNamespace(history=history())
    monkeypatch.setattr(scenario_from, "_history", lambda loaded, wanted, since_s: found.history)
    whole = parallel.simulate_all

    def short(runs: list[parallel.Run], jobs: int, progress: Any) -> list[Any]:
        plans = [replace(run.plan, scenario=run.plan.scenario.model_copy(update={"shift_hours": 0.05})) for run in runs]
        return whole([parallel.Run(plan, run.seed) for plan, run in zip(plans, runs, strict=True)], jobs, progress)

    monkeypatch.setattr(parallel, "simulate_all", short)
    return found


def test_a_scenario_from_history(
    config: Path, past: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "bank.yaml"
    assert run_main("--config", str(config), "simulate", "--from-campaign", "bank", "--save", str(saved), "--json") == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["agents"], result["scenario"], result["policy"]) == (9, "bank", "predictive")
    assert "talk: 200 durations from history" in told.err
    assert "by list fine 0.320, poor 0.240" in told.err
    scenario = load(saved).scenario
    assert (scenario.answer_probability.mean, scenario.leads, scenario.lines, scenario.cps) == (0.29, 4321, 60, 8.0)
    assert scenario.ring_to_answer.mean_s == pytest.approx(10.4, abs=0.2)
    assert scenario.ring_no_answer_s == (26.0, 29.0)
    assert scenario.fast_failure.share == 0.08
    assert len(load(saved).talk_s) == len(load(saved).wrap_s) == 200


def test_a_scenario_without_history(tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The configuration and the defaults, and it says so. Its own words, but no run of eight hours."""
    loaded = scenario_from.running.load(Where(config=config))
    wanted = loaded.config.campaigns[0]
    found = scenario_from.describe(CampaignHistory("bank", 0.0), loaded, wanted)
    assert found.keys["agents"] == 6 and found.keys["wrap"] == {"mean_s": 12.0} and not found.samples
    assert "leads" not in found.keys and "answer_probability" not in found.keys
    assert "answers, rings, failures: defaults: history is empty, 200 were expected" in found.notes
    assert found.notice() == (
        "little of the scenario is the campaign's own past: from history: nothing; "
        "from the configuration: agents, wrap; from the defaults: answer_probability, "
        "fast_failure, ring_to_answer, ring_no_answer_s, talk, leads"
    )
    assert scenario_from._history(loaded, wanted, 3600.0).dials == 0
    assert "no history:" in capsys.readouterr().err


def test_tiny_and_broken_history_is_said_and_not_used(config: Path, tmp_path: Path) -> None:
    loaded = scenario_from.running.load(Where(config=config))
    found = history(dials=150, talk_s=(float(10**9),) * 20, wrap_s=(), dropped=900, leads_left=0, agents=0)
    made = scenario_from.describe(found, loaded, loaded.config.campaigns[0])
    text = "\n".join(made.notes)
    assert "900 records left out, their times cannot be true; more than half: was its clock right?" in text
    assert "history has 150 dials, 200 were expected" in text
    assert "talk: default: history has 20 durations" in text
    assert not made.samples and "answer_probability" not in made.keys and made.keys["agents"] == 6
    file = tmp_path / "x.yaml"
    scenario_from.write(made, file)
    assert load(file).scenario.agents == 6


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("bonk", "bonk"),
        ("Bank", "Bank"),
        ("x/../y", '"x/../y"'),
        ("../bank", '"../bank"'),
        ("bank ", '"bank "'),
        ("my bank", '"my bank"'),
        ("", '""'),
        ("a\nb\x1b[31m", '"a\\nb\\x1b[31m"'),
    ],
)
def test_an_unknown_campaign_is_a_usage_error(
    config: Path, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    assert run_main("--config", str(config), "simulate", "--from-campaign", name) == 2
    expected = f"dialer: --from-campaign: no campaign {shown}; expected one of: bank\n"
    assert capsys.readouterr().err == expected


def test_the_scenario_is_printed_once_beside_the_table(
    config: Path, past: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "_table", lambda runs, outcomes: None)
    past.history = history(leads_left=40)
    assert run_main("--config", str(config), "simulate", "--from-campaign", "bank") == 0
    told = capsys.readouterr()
    assert "answer_probability: 0.29" in told.out and "leads: 40" in told.out
    assert "# talk: 200 durations from history" in told.out
    assert told.err == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_scenario_that_is_mostly_defaults_says_so_once(
    config: Path, past: SimpleNamespace, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    past.history = history(dials=150, talk_s=(), agents=0)
    assert run_main("--config", str(config), "simulate", "--from-campaign", "bank", *["--json"] * as_json) == 0
    told = capsys.readouterr()
    notice = (
        "little of the scenario is the campaign's own past: from history: wrap, leads; "
        "from the configuration: agents; from the defaults: answer_probability, "
        "fast_failure, ring_to_answer, ring_no_answer_s, talk"
    )
    assert told.err.splitlines()[-1] == notice
    assert (told.out + told.err).count("talk: default: history has 0 durations, 50 were expected") == 1
    assert as_json or told.err == f"{notice}\n"
