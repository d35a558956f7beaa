"""A predictive campaign as a process: it paces, says why, keeps its ledger, and goes on warm after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from run_kit import Service, configuration, running, until


def predictive(folder: Path) -> Path:
    config = configuration(folder, agents=8, log__level="debug")
    data = yaml.safe_load(config.read_text())
    campaign = data["campaigns"][0]
    del campaign["lines_per_agent"]
    campaign |= {"mode": "predictive", "pacing": {"abandon": [{"limit": "3%", "period": "shift"}], "min_agents": 2}}
    config.write_text(yaml.safe_dump(data, sort_keys=False))
    return config


def pacing(service: Service) -> dict:  # type: ignore[type-arg]
    code, text = service.get("/v1/campaigns/bank/pacing")
    assert code == 200, text
    return dict(json.loads(text))


def test_it_paces_tells_why_and_remembers(tmp_path: Path) -> None:
    config = predictive(tmp_path)
    with running(config, name="first") as first:
        first.up()
        assert "pacing starts cold: priors only" in first.said("pacing_start")["text"]
        until(lambda: first.campaign()["connected"] >= 12, "twelve people talked to agents", 60)
        told = pacing(first)
        window = told["windows"][0]
        assert window["window"] == "shift" and window["answered"] >= 12
        assert "P(next finds nobody)" in told["decision"]["reason"]
        said = first.dialer("explain", "pacing", "bank")
        assert said.returncode == 0 and "abandon windows\n  shift: " in said.stdout, (said.stdout, said.stderr)
        shown = json.loads(first.dialer("explain", "pacing", "bank", "--json").stdout)
        assert shown["campaign"] == "bank"
        assert first.dialer("explain", "pacing", "nope").returncode == 2
        metrics = first.get("/metrics")[1]
        for name in ("dialer_pacing_theta{", "dialer_pacing_decision_cpu_seconds_count", "dialer_abandon_budget_"):
            assert name in metrics, name
        until(lambda: first.lines("pacing_decision"), "a decision in the log")
        first.kill()

    with running(config, name="second") as second:
        second.up()
        text = second.said("pacing_start")["text"]
        assert "warm: the last" in text, text  # killed before its first minute: from the history
        until(lambda: second.campaign()["connected"] >= 3, "people talk again", 60)
        attempts = [attempt for attempt in second.attempts() if attempt["answered_at"] is not None]
        assert pacing(second)["windows"][0]["answered"] <= len(attempts)
        second.process.terminate()
        assert second.exit_code() == 0

    with running(config, "--for", "2s", "--drain", "1s", name="third") as third:
        assert "warm: what was learnt before the restart" in third.said("pacing_start", 40)["text"]
        assert third.exit_code(60) == 0
        assert third.summary()["leads_unaccounted"] == 0
