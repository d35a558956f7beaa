"""A floor to test on: one configuration for dialer and switch, the ports in it, and the dialer as a process.

Owns the configuration's text, the lead files, the dialer's processes and the reading of its database.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.ports import LOOPBACK, RTP_PORTS, Ports
from harness.processes import Process
from harness.waiting import until

PASSWORD = "live-test-event-socket"
CAMPAIGN = "live"
NEVER = ("busy", "no_answer", "rejected", "machine", "abandoned", "hung_up_early", "carrier_failure", "cancelled",
         "interrupted", "shutdown")  # fmt: skip


@dataclass
class Plan:
    """What the configuration is made from. ``campaign``, ``trunk`` and ``extra`` lay keys over the defaults."""

    work_dir: Path
    carrier_port: int
    seats_port: int
    agents: int = 4
    seat_address: str = "sip:{id}@127.0.0.1:{port}"
    seat_secret: str | None = None
    campaign: Mapping[str, Any] = field(default_factory=dict)
    trunk: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Floor:
    """A configuration on disk and what runs on it."""

    def __init__(self, plan: Plan, ports: Ports, numbers: Iterable[str] = ()) -> None:
        self.dir = plan.work_dir
        self.dir.mkdir(parents=True, exist_ok=True)
        self.config_file = self.dir / "dialer.yaml"
        self.data_dir = self.dir / "data"
        self.event_socket_port = ports.free()
        self._runs = 0
        self.processes: list[Process] = []
        self.numbers = list(numbers)
        (self.dir / "event-socket.password").write_text(PASSWORD + "\n")
        (self.dir / "event-socket.password").chmod(0o600)
        leads = ["phone,name", *(f"{number},Person {index}" for index, number in enumerate(self.numbers, 1))]
        (self.dir / "leads.csv").write_text("\n".join(leads) + "\n")
        self.tree = self._tree(plan, ports)
        self.write()

    def write(self) -> None:
        """Write ``tree`` to the configuration file."""
        self.config_file.write_text(yaml.safe_dump(self.tree, sort_keys=False))
        self.config_file.chmod(0o600)

    def _tree(self, plan: Plan, ports: Ports) -> dict[str, Any]:
        rtp = ports.block(RTP_PORTS)
        last = 1000 + plan.agents
        seat: dict[str, Any] = {
            "id": f"1001-{last}" if plan.agents > 1 else "1001",
            "address": plan.seat_address.replace("{port}", str(plan.seats_port)),
            "mode": "nailed_up",
        }
        if plan.seat_secret is not None:
            seat["secret"] = plan.seat_secret
        return {
            "instance": "live",
            "data_dir": str(self.data_dir),
            "drain_seconds": 30,
            "switch": {
                "nodes": [
                    {
                        "name": "fs1",
                        "host": LOOPBACK,
                        "port": self.event_socket_port,
                        "password_file": "event-socket.password",
                        "capacity": 800,
                    }
                ]
            },
            "esl": {"reconnect_min_s": 0.25, "reconnect_max_s": 2},
            "http": {"host": LOOPBACK, "port": 0},
            "log": {"level": "debug", "format": "json"},
            "trunks": [
                {
                    "name": "carrier",
                    "channels": 300,
                    "cps": 20,
                    "caller_id": "+12025550100",
                    "proxy": LOOPBACK,
                    "port": plan.carrier_port,
                    **plan.trunk,
                }
            ],
            "seats": [seat],
            "agents": [{"id": seat["id"], "login_at_start": True}],
            "lists": [{"name": "people", "file": "leads.csv", "region": "US"}],
            "campaigns": [
                {
                    "name": CAMPAIGN,
                    "mode": "progressive",
                    "lists": ["people"],
                    "trunk": "carrier",
                    "ring_timeout_s": 12,
                    "min_ring_s": 5,
                    "wait_limit_s": 2,
                    "wrap_up_s": 1,
                    "max_attempts": 3,
                    "recycle": dict.fromkeys(NEVER, "never"),
                    "call_window": {"zone": "UTC", "days": {"daily": "00:00-24:00"}},
                    **plan.campaign,
                }
            ],
            "freeswitch": {
                "seats": {"ip": LOOPBACK, "port": ports.free()},
                "trunks": {"ip": LOOPBACK, "port": ports.free()},
                "rtp": {"ip": LOOPBACK, "first_port": rtp, "last_port": rtp + RTP_PORTS - 1},
            },
            **plan.extra,
        }

    # ---- the dialer ----------------------------------------------------------------------------------------

    def run(self, *flags: str) -> Dialer:
        """Start ``dialer run``."""
        self._runs += 1
        dialer = Dialer(self, self._runs, flags)
        self.processes.append(dialer.process)
        return dialer

    def close(self) -> None:
        """End every dialer that is left."""
        for process in self.processes:
            process.kill()

    # ---- the store -----------------------------------------------------------------------------------------

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the store; none while there is no database yet."""
        file = self.data_dir / "dialer.db"
        if not file.exists():
            return []
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    def outcomes(self) -> dict[str, list[str]]:
        """Outcomes of all attempts, by number; an open attempt is ``open``."""
        found: dict[str, list[str]] = {}
        for number, outcome in self.query("SELECT number, outcome FROM attempts ORDER BY opened_at"):
            found.setdefault(number, []).append(outcome or "open")
        return found

    def attempts_by_number(self) -> Counter[str]:
        """How many attempts each number had."""
        return Counter({number: len(outcomes) for number, outcomes in self.outcomes().items()})

    def open_attempts(self) -> int:
        """Attempts without an end."""
        rows = self.query("SELECT count(*) FROM attempts WHERE ended_at IS NULL")
        return rows[0][0] if rows else 0

    def ended_attempts(self) -> int:
        """Attempts that ended."""
        rows = self.query("SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL")
        return rows[0][0] if rows else 0


class Dialer:
    """One ``dialer run``."""

    def __init__(self, floor: Floor, number: int, flags: tuple[str, ...]) -> None:
        self._floor = floor
        self.summary_file = floor.dir / f"summary-{number}.json"
        self.log = floor.dir / f"dialer-{number}.log"
        command = [
            str(Path(sys.executable).with_name("dialer")), "run", "--config", str(floor.config_file), "--no-top",
            "--summary", str(self.summary_file), *flags,
        ]  # fmt: skip
        self.process = Process("dialer", command, self.log, floor.dir)

    def kill(self) -> None:
        """kill -9, its helpers' processes with it."""
        self.process.kill()

    def finish(self, timeout_s: float) -> dict[str, Any]:
        """Wait for its end; the summary. Raises AssertionError for an exit code other than 0."""
        code = self.process.wait(timeout_s)
        assert code == 0, f"dialer ended with {code}: {self.process.last_words()}"
        return self.summary()

    def stop(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """SIGTERM, drain, summary."""
        import signal

        self.process.signal(signal.SIGTERM)
        return self.finish(timeout_s)

    def summary(self) -> dict[str, Any]:
        """The summary that it wrote."""
        found: dict[str, Any] = json.loads(self.summary_file.read_text())
        return found

    def lines(self, topic: str | None = None) -> list[dict[str, Any]]:
        """Its log lines as objects, or those of one event."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and (topic is None or entry.get("event") == topic):
                found.append(entry)
        return found

    def url(self) -> str:
        """Where its API listens; waits for it."""
        file = self._floor.data_dir / "run" / "dialer.json"

        def read() -> str:
            assert self.process.running, f"the dialer ended: {self.process.last_words()}"
            try:
                found = json.loads(file.read_text())
            except (OSError, ValueError):
                return ""
            return f"http://{found['host']}:{found['port']}" if found["pid"] == self.process.pid else ""

        return until(read, 120.0, "the dialer to listen")

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body (JSON where it is) of a GET with the token."""
        url = self.url() + path
        token = (self._floor.data_dir / "run" / "token").read_text().strip()
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                status, body = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read().decode()
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> int:
        """The status of a POST with the token."""
        token = (self._floor.data_dir / "run" / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url() + path, json.dumps(body or {}).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def until_ready(self, timeout_s: float = 120.0) -> None:
        """Wait for /readyz."""
        until(lambda: self.get("/readyz")[0] == 200, timeout_s, "/readyz to say 200", 0.2)
