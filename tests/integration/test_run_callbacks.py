"""Callbacks against a whole service on the embedded switch: over HTTP and TCP, with processes that are killed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from phone_kit import Floor, phone_floor
from run_kit import running, until


@contextmanager
def opened(folder: Path) -> Iterator[Floor]:
    """A floor whose only lead is promised a call, and dialed for nothing else."""
    file = phone_floor(folder, leads=1)
    data = yaml.safe_load(file.read_text())
    data["campaigns"][0] |= {"autostart": False, "callbacks": {"ahead_s": 2, "retry_after_s": 60}}
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with running(file) as service:
        yield Floor(service.up())


def due_in(floor: Floor, seconds: float) -> float:
    """A minute is the least that can be promised: make it sooner."""
    at = time.time() + seconds
    conn = sqlite3.connect(next(floor.service.folder.rglob("dialer.db")), timeout=10)
    with conn:
        conn.execute("UPDATE callbacks SET due_at = ?, wanted_at = ?", (at, at))
    conn.close()
    return at


def test_written_down_over_http_and_dialed_for_its_agent(tmp_path: Path) -> None:
    with opened(tmp_path) as floor:
        service = floor.service
        campaign = json.loads(service.get("/v1/campaigns")[1])["campaigns"][0]["campaign"]
        order: dict[str, Any] = {"at": "+5m", "lead": 1, "campaign": campaign, "agent": "1001", "note": "the roof"}
        status, made = service.post("/v1/callbacks", order)
        assert (status, made["state"], made["agent"]) == (200, "open", "1001"), made
        at = due_in(floor, 3.0)
        line = floor.log_in("1001")
        line.press("*1")
        path = f"/v1/callbacks/{made['id']}"
        until(lambda: "is stopped" in json.loads(service.get(path)[1])["waits"], "why it waits")
        service.post(f"/v1/campaigns/{campaign}/start", {})
        floor.becomes("1001", "reserved")
        line.told("callback-due")
        ((opened_at, agent),) = until(
            lambda: floor.query("SELECT opened_at, agent FROM attempts WHERE callback = 1"), "it to be dialed"
        )
        assert agent == "1001" and opened_at >= at - 1.0
        until(lambda: floor.query("SELECT id FROM callbacks WHERE state IN ('done', 'open')"), "its end", 60.0)
