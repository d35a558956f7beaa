"""A whole dialer as a process, for tests: its configuration, its life, its API, its switch and its records.

Everything is asked over the interfaces that an operator has: signals, the command line, HTTP, the switch's event
socket, log lines, the database. Nothing sleeps for a fixed time; ``until`` looks again and again before a deadline.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import yaml

from dialer.store import queries

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "config" / "examples" / "leads" / "bank-sample.csv"
DIALER = [sys.executable, "-m", "dialer.cli"]
WAIT_LIMIT_S = 2.0
MESSAGE_S = 1.5
LATE_S = 0.25
"""How much later than the limit the message may start on a busy test machine."""

T = TypeVar("T")


class NotInTime(AssertionError):
    """A condition did not become true before its deadline."""


def until(look: Callable[[], T], what: str, within_s: float = 20.0, every_s: float = 0.05) -> T:
    """The first true answer of ``look``. Raises NotInTime with its last answer."""
    deadline = time.monotonic() + within_s
    answer = look()
    while not answer:
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {within_s:g} s: {what}; last answer {answer!r}")
        time.sleep(every_s)
        answer = look()
    return answer


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def numbers(count: int) -> list[str]:
    """The first telephone numbers of the sample, which are reserved for fiction."""
    with SAMPLE.open(encoding="utf-8") as file:
        return [row["phone"] for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def configuration(folder: Path, *, leads: int = 400, agents: int = 8, **changes: Any) -> Path:
    """A configuration in ``folder`` whose people ring shortly and talk briefly; ``a__b=x`` changes what is at a.b."""
    listed = folder / "leads.csv"
    listed.write_text("phone\n" + "\n".join(numbers(leads)) + "\n")
    message = folder / "message.wav"
    with wave.open(str(message), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(bytes(round(MESSAGE_S * 16000)))
    config: dict[str, Any] = {
        "instance": "test",
        "data_dir": "data",
        "drain_seconds": 10,
        "switch": "embedded",
        "embedded": {
            "seed": 7,
            "linger_s": 20,
            "callees": {
                "answer_probability": 0.5,
                "ring_to_answer": {"mean_s": 1, "sd_s": 0.5, "max_s": 3},
                "patience_s": 6,
            },
            "carrier": {"progress_delay_s": [0.05, 0.2], "refusal_delay_s": [0.2, 0.5]},
            "talk": {"mean_s": 1.5, "sd_s": 0.5, "min_s": 0.5, "max_s": 4},
        },
        "http": {"port": 0},
        "log": {"format": "json", "level": "info"},
        "engine": {"resync_interval_s": 5},
        "trunks": [{"name": "carrier", "channels": 100, "cps": 30, "caller_id": "+12025550100"}],
        "seats": [{"id": f"1001-{1000 + agents}"}],
        "agents": [{"id": f"1001-{1000 + agents}", "login_at_start": True}],
        "lists": [{"name": "bank", "file": "leads.csv", "region": "US"}],
        "campaigns": [
            {
                "name": "bank",
                "mode": "ratio",
                "lists": ["bank"],
                "trunk": "carrier",
                "lines_per_agent": 2,
                "ring_timeout_s": 5,
                "min_ring_s": 0,
                "wait_limit_s": WAIT_LIMIT_S,
                "wrap_up_s": 0.3,
                "message": str(message),
                "call_window": {"zone": "America/New_York", "days": {"daily": "00:00-24:00"}},
            }
        ],
    }
    for key, value in changes.items():
        _put(config, key.split("__"), value)
    file = folder / "dialer.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


def _put(place: Any, path: list[str], value: Any) -> None:
    *way, last = path
    for step in way:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    place[last] = value


class EventSocket:
    """One question to a switch, on a plain socket of its own."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self.address = (host, port)
        self.password = password

    def api(self, line: str) -> str:
        with socket.create_connection(self.address, timeout=10) as sock, sock.makefile("rb") as stream:
            self._frame(stream)
            sock.sendall(f"auth {self.password}\n\n".encode())
            answer = self._frame(stream)[0].get("Reply-Text", "")
            if not answer.startswith("+OK"):
                raise ConnectionError(f"the switch answers {answer!r} to the password")
            sock.sendall(f"api {line}\n\n".encode())
            return self._frame(stream)[1]

    @staticmethod
    def _frame(stream: Any) -> tuple[dict[str, str], str]:
        headers: dict[str, str] = {}
        while True:
            line = stream.readline().decode()
            if not line:
                raise ConnectionError("the switch closed the connection")
            if line == "\n":
                if headers:
                    return headers, stream.read(int(headers.get("Content-Length", 0))).decode()
                continue
            key, _, value = line.strip().partition(": ")
            headers[key] = value

    def audit(self) -> dict[str, Any]:
        """What the modelled world saw."""
        report: dict[str, Any] = json.loads(self.api("standin_audit"))
        assert report["records_lost"] == 0
        return report

    def channels(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.api("show channels as json")).get("rows", [])
        return rows

    def calls(self) -> list[dict[str, Any]]:
        """Customers' channels."""
        return [row for row in self.channels() if row["presence_data"].startswith("dialer/call/")]

    def ringing(self) -> list[dict[str, Any]]:
        return [row for row in self.calls() if row["callstate"] != "ACTIVE"]

    def talks(self) -> list[dict[str, Any]]:
        """Customers' channels that are bridged to an agent."""
        return [row for row in self.calls() if row["application"] == "uuid_bridge"]


def carrier_legs(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [leg for leg in audit["legs"] if leg["kind"] == "carrier"]


def silent(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Answered customers who were left without agent and message for longer than the limit, until now at least."""
    limit = WAIT_LIMIT_S + LATE_S
    found = []
    for leg in carrier_legs(audit):
        ends = (leg["bridged_at"], leg["message_started_at"], leg["hungup_at"], audit["now"])
        if min(at for at in ends if at is not None) - leg["answered_at"] > limit:
            found.append({key: value for key, value in leg.items() if value not in (None, "")})
    return found


class Service:
    """One `dialer run`."""

    def __init__(self, config: Path, *flags: str, name: str = "run") -> None:
        self.config = config
        self.folder = config.parent
        self.data = self.folder / "data"
        self.summary_file = self.folder / f"{name}.summary.json"
        self.log_file = self.folder / f"{name}.log"
        self.out_file = self.folder / f"{name}.out"
        command = [*DIALER, "--config", str(config), "run", "--no-top", "--summary", str(self.summary_file), *flags]
        with self.log_file.open("wb") as log, self.out_file.open("wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=self.folder)

    # ---- life ----------------------------------------------------------------------------------------------

    def up(self, within_s: float = 30.0) -> Service:
        """Wait until it listens and has compared itself with its switch."""
        self.listening(within_s)
        until(lambda: self.ready()[0] == 200, f"/readyz answers 200; it says {self.ready()}", within_s)
        return self

    def listening(self, within_s: float = 30.0) -> Service:
        def look() -> bool:
            assert self.process.poll() is None, f"the dialer ended with {self.process.returncode}: {self.log()[-2000:]}"
            return (self._runtime() or {}).get("pid") == self.process.pid

        until(look, "the service says where it listens", within_s)
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self, within_s: float = 40.0) -> int:
        try:
            return self.process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise NotInTime(f"the dialer did not end within {within_s:g} s: {self.log()[-3000:]}") from None

    def kill(self) -> None:
        """kill -9, of this process alone."""
        self.process.kill()
        self.process.wait()

    # ---- what it says --------------------------------------------------------------------------------------

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        found = []
        for line in self.log().splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if not event or entry.get("event") == event:
                    found.append(entry)
        return found

    def said(self, event: str, within_s: float = 20.0) -> dict[str, Any]:
        """The first log line of this event."""
        return until(lambda: self.lines(event), f"the log says {event}", within_s)[0]

    def summary(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.summary_file.read_text())
        return report

    def _runtime(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.data / "run" / "dialer.json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def get(self, path: str) -> tuple[int, str]:
        return self._ask(urllib.request.Request(self._url(path), headers=self._token()))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        data = json.dumps(body or {}).encode()
        headers = {**self._token(), "Content-Type": "application/json"}
        code, text = self._ask(urllib.request.Request(self._url(path), data, headers, method="POST"))
        return code, json.loads(text)

    def _url(self, path: str) -> str:
        runtime = self._runtime()
        assert runtime is not None
        return f"http://{runtime['host']}:{runtime['port']}{path}"

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.data / 'run' / 'token').read_text().strip()}"}

    @staticmethod
    def _ask(request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self) -> dict[str, Any]:
        code, text = self.get("/v1/status")
        assert code == 200, text
        found: dict[str, Any] = json.loads(text)
        return found

    def ready(self) -> tuple[int, dict[str, str]]:
        """HTTP's code of /readyz, and what is not ready."""
        code, text = self.get("/readyz")
        return code, json.loads(text)["not_ready"]

    def agents(self) -> dict[str, dict[str, Any]]:
        return {agent["agent"]: agent for agent in self.status()["agents"]}

    def campaign(self, name: str = "bank") -> dict[str, Any]:
        return next(each for each in self.status()["campaigns"] if each["campaign"] == name)

    def dialer(self, *args: str) -> subprocess.CompletedProcess[str]:
        """A command against it, as an operator types it."""
        return dialer("--config", str(self.config), *args)

    # ---- its parts -----------------------------------------------------------------------------------------

    @property
    def switch(self) -> EventSocket:
        """Its embedded switch."""
        state = json.loads((self.data / "run" / "switch.json").read_text())
        password = (self.data / "run" / "switch.password").read_text().strip()
        return EventSocket(state["host"], state["port"], password)

    @property
    def switch_pid(self) -> int:
        return int(json.loads((self.data / "run" / "switch.json").read_text())["pid"])

    def worker_pid(self) -> int | None:
        """The store worker's process, found among the dialer's children."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError, IndexError):
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    if parent == self.process.pid and b"dialer.store.worker" in (entry / "cmdline").read_bytes():
                        return int(entry.name)
        return None

    @property
    def database(self) -> str:
        return f"sqlite:///{self.data / 'dialer.db'}"

    def attempts(self) -> list[dict[str, Any]]:
        return list(queries.attempts(self.database))


def dialer(*args: str, within_s: float = 40.0) -> subprocess.CompletedProcess[str]:
    """A command of its own."""
    return subprocess.run([*DIALER, *args], capture_output=True, text=True, timeout=within_s, check=False)


@contextmanager
def running(config: Path, *flags: str, name: str = "run") -> Iterator[Service]:
    """A service that is gone at the end, and its embedded switch with it."""
    service = Service(config, *flags, name=name)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill()
        with suppress(OSError, ValueError, KeyError):
            pid = service.switch_pid
            if b"freeswitch.standin" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


class StandIn:
    """A switch of its own, not the dialer's child: what an external FreeSWITCH is to it."""

    def __init__(self, folder: Path, port: int, password: str, world: Mapping[str, Any]) -> None:
        secret, spec = folder / "external.password", folder / "external.world"
        secret.write_text(password + "\n")
        spec.write_text(json.dumps({"world": dict(world)}))
        self.socket = EventSocket("127.0.0.1", port, password)
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "freeswitch.standin", "--port", str(port), "--seed", "3",
                "--password-file", str(secret), "--world", str(spec),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def no_space_for(pid: int) -> Callable[[], None]:
    """Take away a process's room for growing files, as a full disk does; returns what gives it back."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    return lambda: _give_back(pid, before)


def _give_back(pid: int, before: tuple[int, int]) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def nothing_dialed_twice(service: Service, audit: Mapping[str, Any]) -> None:
    """Each attempt is one INVITE, and no number was rung by two of them at a time."""
    attempts = service.attempts()
    assert len({attempt["id"] for attempt in attempts}) == len(attempts)
    assert audit["invites"] <= len(attempts)
    by_number: dict[str, list[dict[str, Any]]] = {}
    for attempt in attempts:
        by_number.setdefault(attempt["number"], []).append(attempt)
    for each in by_number.values():
        each.sort(key=lambda a: a["opened_at"])
        for former, later in pairwise(each):
            assert former["ended_at"] is not None and former["ended_at"] <= later["opened_at"] + 0.01
