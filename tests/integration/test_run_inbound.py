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


def test_a_missed_call_is_returned(tmp_path: Path) -> None:
    """Agent 1001 called and nobody picked up. Who calls the number that they saw gets 1001, although another agent is
    idle longer; what became of it is booked on the lead in the campaign's words, and the lead is not called again."""
    file = floor_config(tmp_path, agents=2)
    data = yaml.safe_load(file.read_text())
    data["embedded"]["callees"] |= {"answer_probability": 0, "busy_share": 0, "rejected_share": 0, "invalid_share": 0}
    data["embedded"]["carrier"] |= {"failure_share": 0}
    data["campaigns"] = [
        {"name": "spring", "mode": "preview", "lists": ["bank"], "trunk": "carrier", "caller_id": DID.removeprefix("+"),
         "agents": ["1001"], "dispositions": ["sold", "no"], "ring_timeout_s": 5, "min_ring_s": 0, "wait_limit_s": 2,
         "message": str(tmp_path / "message.wav"), "recycle": {"no_answer": "1m"},
         "call_window": {"zone": "America/New_York", "days": {"daily": "00:00-24:00"}}},
    ]  # fmt: skip
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with running(file) as service:
        floor = Floor(service.up(120.0))
        floor.becomes("1001", "previewing")
        assert service.post("/v1/agents/1001/accept")[0] == 200
        until(lambda: floor.query("SELECT id FROM attempts WHERE ended_at IS NOT NULL"), "it rang in vain", 60.0)
        ((lead_id, number, shown, who),) = floor.query("SELECT lead_id, number, shown, agent FROM attempts")
        assert who == "1001" and shown == DID.removeprefix("+")
        floor.becomes("1001", "ready")
        caller = floor.begin(number, DID)
        floor.becomes("1001", "talking")
        assert floor.agent("1002")["state"] == "ready"
        caller.hang_up()
        until(lambda: floor.query("SELECT id FROM inbound_calls WHERE ending = 'served'"), "it is written", 30.0)
        status, answer = service.post("/v1/agents/1001/dispose", {"code": "maybe"})
        assert status == 409 and "sold" in str(answer)
        assert service.post("/v1/agents/1001/dispose", {"code": "sold"})[0] == 200
        (row,) = floor.query("SELECT id, lead_id, campaign, agent, judged FROM inbound_calls")
        assert row[:4] == (caller.uuid, lead_id, "spring", "1001") and "1001 called" in row[4]
        until(lambda: floor.query("SELECT code FROM dispositions"), "the word is kept", 30.0)
        assert floor.query("SELECT attempt_id, agent, code FROM dispositions") == [(caller.uuid, "1001", "sold")]
        assert floor.query(f"SELECT state, reason FROM leads WHERE id = {lead_id}") == [("done", "returned our call")]
        service.process.terminate()
        assert service.exit_code(120.0) == 0
        assert not service.lines("engine_error") and number[1:] not in service.log()
