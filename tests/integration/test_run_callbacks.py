"""Callbacks against a whole service on the embedded switch: real TCP, a real store, and a dialer that is killed."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from phone_kit import Floor, phone_floor
from run_kit import Service, running, until
from stores import ALWAYS

from dialer.store import callback_orders as orders

SLOW_S = 90.0


@contextmanager
def opened(folder: Path) -> Iterator[Floor]:
    """A floor whose only lead is promised a call, and dialed for nothing else."""
    file = phone_floor(folder, leads=1)
    data = yaml.safe_load(file.read_text())
    data["campaigns"][0] |= {"autostart": False, "callbacks": {"ahead_s": 2, "retry_after_s": 60}}
    data["embedded"]["callees"]["ring_to_answer"] = {"mean_s": 3, "sd_s": 0.1, "max_s": 4}  # time to tell the agent
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with running(file) as service:
        yield Floor(service.up(SLOW_S))


def promise(floor: Floor, agent: str, in_s: float) -> float:
    """A call to the lead. A minute is the least that can be promised: it is made sooner."""
    file = next(floor.service.folder.rglob("dialer.db"))
    campaign = floor.service.status()["campaigns"][0]["campaign"]
    lists = [name for (name,) in floor.query("SELECT name FROM lists")]
    known = orders.Known({campaign: (lists, ALWAYS)}, {"1001", "1002", "1003"})
    made = orders.create(f"sqlite:///{file}", known, at="+5m", by="mia", lead=1, campaign=campaign, agent=agent)
    at = time.time() + in_s
    conn = sqlite3.connect(file, timeout=10)
    with conn:
        conn.execute("UPDATE callbacks SET due_at = ?, wanted_at = ? WHERE id = ?", (at, at, made["id"]))
    conn.close()
    return at


def start(service: Service) -> None:
    campaign = service.status()["campaigns"][0]["campaign"]
    status, answer = service.post(f"/v1/campaigns/{campaign}/start", {})
    assert status == 200, answer


def test_dialed_at_its_time_for_its_agent_who_is_told_so(tmp_path: Path) -> None:
    with opened(tmp_path) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        floor.becomes("1001", "ready")
        start(floor.service)
        at = promise(floor, "1001", 8.0)
        dialed = "SELECT opened_at, agent FROM attempts WHERE callback = 1"
        ((opened_at, agent),) = until(lambda: floor.query(dialed), "it to be dialed", 60.0)
        line.told("callback-due")
        assert agent == "1001" and opened_at >= at - 1.0
        floor.becomes("1001", "talking")
        floor.customer("1001").hang_up()
        until(lambda: floor.query("SELECT 1 FROM callbacks WHERE state = 'done'"), "its end", 60.0)
        assert floor.query("SELECT count(*) FROM attempts WHERE ended_at IS NULL") == [(0,)]


def test_a_dialer_killed_while_it_is_dialed_neither_loses_nor_doubles_it(tmp_path: Path) -> None:
    with opened(tmp_path) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        floor.becomes("1001", "ready")
        start(floor.service)
        promise(floor, "1001", 4.0)
        until(lambda: floor.query("SELECT 1 FROM callbacks WHERE state = 'dialing'"), "it to be dialed", 60.0)
        floor.service.send(signal.SIGKILL)
        floor.service.process.wait(20)
        again = Service(floor.service.config, name="again")
        try:
            again.up(SLOW_S)
            ended = "SELECT state, tries FROM callbacks WHERE state IN ('done', 'open', 'failed')"

            def over() -> list[tuple[str, int]]:
                """Who was answered and taken over by the next start talks until somebody hangs up."""
                again.post("/v1/agents/1001/acts", {"act": "hang_up"})
                return floor.query(ended)

            ((state, tries),) = until(over, "its end", 60.0, 0.5)
            ((outcome,),) = floor.query("SELECT outcome FROM attempts WHERE callback = 1")
            assert (state == "done") is (outcome == "connected"), (state, outcome)
            assert tries == (0 if outcome in ("interrupted", "shutdown") else 1)
        finally:
            again.send(signal.SIGTERM)
            again.process.wait(60)
