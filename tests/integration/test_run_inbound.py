"""Callers on a whole service with its embedded switch over TCP: served, waiting, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from phone_kit import Floor
from run_kit import configuration, running, until

DID, ANNA, BORIS = "+12025550111", "+13105550101", "+13105550202"


def floor_config(folder: Path, agents: int = 1, **queue: Any) -> Path:
    config = configuration(folder, leads=1, agents=agents, embedded__linger_s=60)
    data = yaml.safe_load(config.read_text())
    data["campaigns"] = []
    data["inbound"] = {
        "numbers": [{"number": DID, "queue": "sales", "trunk": "carrier"}],
        "blacklist": ["+1310555099*"],
        "queues": [{"name": "sales", "announce": {"every_s": 10}, "wrap_up_s": 0, **queue}],
    }
    config.write_text(yaml.safe_dump(data, sort_keys=False))
    return config


def test_callers_over_the_wire(tmp_path: Path) -> None:
    """One is served, one waits and comes next, one is refused before the answer; each is written once."""
    with running(floor_config(tmp_path)) as service:
        floor = Floor(service.up(120.0))
        until(lambda: floor.agent("1001")["state"] == "ready", "the agent is ready", 60.0)
        first = floor.begin(ANNA, DID)
        floor.becomes("1001", "talking")
        second = floor.begin(BORIS, DID)
        until(lambda: service.status()["queues"][0]["waiting"] == 1, "one waits", 30.0)
        told = json.loads(service.dialer("explain", "route", ANNA, "--did", DID, "--json").stdout)
        assert (told["queue"], told["waiting"], told["place"], told["match"]) == ("sales", 1, 2, None)
        assert told["agents"] == {"1001": "is busy"}
        bad = floor.begin("+13105550999", DID)
        until(lambda: not bad.up, "it is refused", 30.0)
        first.hang_up()
        until(lambda: floor.agent("1001")["attempt_id"] == second.uuid, "the next is served", 30.0)
        until(lambda: second.voices(), "they hear each other", 30.0)
        second.hang_up()
        until(lambda: service.status()["queues"][0]["served"] == 2, "both are counted", 30.0)
        rows = floor.query("SELECT ending, agent FROM inbound_calls ORDER BY arrived_at")
        assert rows == [("served", "1001"), ("served", "1001"), ("refused", "")]
        status, text = service.get("/metrics")
        assert status == 200 and 'dialer_queue_calls_total{ending="served",queue="sales",tier="ordinary"} 2.0' in text
        service.process.terminate()
        assert service.exit_code(120.0) == 0
        assert service.summary()["inbound"] == {"served": 2, "refused": 1}
        (count,) = json.loads(service.dialer("report", "tiers", "--since", "1h", "--json").stdout)["tiers"][1:]
        assert (count["tier"], count["direction"]) == ("ordinary", "inbound")
        assert (count["offered"], count["connected"], count["lost"]) == (2, 2, 0)
        assert not service.lines("engine_error") and ANNA[1:] not in service.log()
