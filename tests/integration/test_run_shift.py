"""A shift from its start to its summary, on SQLite and on PostgreSQL, and what must never show on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pg
import pytest
from run_kit import configuration, numbers, running, silent, until

KEYS = {
    "attempts", "answered", "connected", "abandoned", "abandon_rate", "outcomes", "leads_total", "leads_unaccounted",
    "channels_left", "agents", "busy_share", "answer_to_agent_ms", "answer_to_bridge_ms", "switch", "config_hash",
}  # fmt: skip
LEADS = 400


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_shift_ends_with_everything_accounted(tmp_path: Path, database: str) -> None:
    # A line for each free agent: nobody waits for an agent, so that latencies are our own.
    changes: dict[str, object] = {"campaigns__0__lines_per_agent": 1}
    if database == "postgresql":
        changes["database__url"] = pg.require_server().new_database()
    config = configuration(tmp_path, leads=LEADS, agents=12, **changes)
    with running(config, "--for", "4500ms", "--drain", "4s") as service:
        service.up()
        until(lambda: service.campaign()["connected"] >= 3, "customers are talked to")
        shown = {path: service.get(path) for path in ("/metrics", "/healthz", "/readyz", "/v1/status", "/v1/agents")}
        assert {code for code, _ in shown.values()} == {200}
        assert "dialer_build_info" in shown["/metrics"][1]
        until(lambda: service.lines("drain"), "the shift ends")
        switch = service.switch
        audits = []
        # The embedded switch ends with the service: its last word before that has seen every INVITE of the shift.
        while service.process.poll() is None:
            try:
                audits.append(switch.audit())
            except (OSError, ValueError):
                break
        assert service.exit_code() == 0, service.log()[-3000:]
        report = service.summary()

        assert report.keys() >= KEYS
        assert report["attempts"] > 20 and report["connected"] > 3
        assert sum(report["outcomes"].values()) == report["attempts"]
        assert report["leads_unaccounted"] == report["channels_left"] == report["attempts_open"] == 0
        assert report["leads_total"] == LEADS
        assert report["agents"] == 12 and 0 < report["busy_share"] <= 1
        assert report["switch"] == "embedded" and len(report["config_hash"]) == 64
        assert 0 < report["answer_to_agent_ms"]["p50"] <= report["answer_to_agent_ms"]["p99"] <= 60  # bench measures
        assert report["answer_to_bridge_ms"]["p50"] <= report["answer_to_bridge_ms"]["p99"] < 500
        assert audits[-1]["invites"] == audits[-1]["originates"] - audits[-1]["phone_invites"] == report["attempts"]
        assert not silent(audits[-1])
        assert "Leads: 400, unaccounted 0" in service.out_file.read_text()

        everything = "\n".join([service.log(), service.out_file.read_text(), *(text for _, text in shown.values())])
        everything += json.dumps(report)
        assert not [number for number in numbers(LEADS) if number.lstrip("+") in everything]
        assert not (service.data / "run" / "dialer.json").exists()
