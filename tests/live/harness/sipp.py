"""SIPp processes: the carrier and the phones, and what they wrote down. Owns the log's reading."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.ports import LOOPBACK, Ports
from harness.processes import Process
from harness.waiting import until

TRACE = "LIVE_TRACE_SIP"
"""Set to anything, SIPp keeps every message in ``messages.log``."""
MISSING = "no sipp on PATH (Debian's package is sip-tester)"


def find_sipp() -> Path | None:
    """The sipp program."""
    found = shutil.which("sipp")
    return Path(found) if found else None


@dataclass(frozen=True)
class Step:
    """One line of a SIPp log. ``at`` is the wall clock, epoch seconds."""

    at: float
    step: str
    number: str
    call_id: str


class Sipp:
    """One SIPp that takes calls. ``dealt`` is a file of values for its calls, a line each (SIPp's ``-inf``)."""

    def __init__(self, name: str, scenario: str, ports: Ports, work_dir: Path, dealt: str = "") -> None:
        self.name = name
        self._ports = ports
        self.port = ports.free()
        self._media = ports.block(4)
        self._control = ports.free()
        self._dir = work_dir / name
        self._dir.mkdir(parents=True)
        self._scenario = self._dir / "scenario.xml"
        self._scenario.write_text(scenario)
        self._log = self._dir / "steps.log"
        self._errors = self._dir / "errors.log"
        self._process: Process | None = None
        self._extra = ["-trace_msg", "-message_file", str(self._dir / "messages.log")] if os.environ.get(TRACE) else []
        if dealt:
            (self._dir / "dealt.csv").write_text(dealt)
            self._extra += ["-inf", str(self._dir / "dealt.csv")]

    def start(self) -> None:
        """Start and wait until it listens."""
        program = find_sipp()
        assert program is not None, MISSING
        command = [
            str(program), "-sf", str(self._scenario), "-i", LOOPBACK, "-p", str(self.port), "-mi", LOOPBACK,
            "-mp", str(self._media), "-cp", str(self._control), "-nostdin", "-aa", "-rtp_echo",
            "-trace_logs", "-log_file", str(self._log), "-trace_err", "-error_file", str(self._errors),
            "-default_behaviors", "bye", *self._extra,
        ]  # fmt: skip
        self._process = Process(f"sipp {self.name}", command, self._dir / "output.log", self._dir, {"TERM": "dumb"})
        until(self._listens, 10.0, f"sipp {self.name} to listen")

    def play(self, scenario: str) -> None:
        """Play something else from now on, on the same port; calls that are under way are lost."""
        self.stop()
        self._scenario.write_text(scenario)
        self.start()

    def register(self, seats: Iterable[str], domain: str, secret: str, registrar_port: int) -> None:
        """Register these phones, with calls to go to this SIPp; SIP digest. Raises AssertionError when refused."""
        from harness.scenarios import register

        scenario, users = self._dir / "register.xml", self._dir / "users.csv"
        scenario.write_text(register())
        lines = [f"{seat};{domain};[authentication username={seat} password={secret}]" for seat in seats]
        users.write_text("\n".join(["SEQUENTIAL", *lines]) + "\n")
        command = [
            str(find_sipp()), f"{LOOPBACK}:{registrar_port}", "-sf", str(scenario), "-inf", str(users), "-i", LOOPBACK,
            "-p", str(self._ports.free()), "-cp", str(self._ports.free()), "-m", str(len(lines)), "-r", "20",
            "-nostdin", "-key", "phones_port", str(self.port), "-timeout", "20", "-timeout_error",
            "-trace_err", "-error_file", str(self._dir / "register-errors.log"),
        ]  # fmt: skip
        run = Process("sipp register", command, self._dir / "register.log", self._dir, {"TERM": "dumb"})
        try:
            code = run.wait(30.0)
        finally:
            run.kill()
        assert code == 0, f"the phones could not register: {run.last_words()}"

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.running, f"sipp {self.name} ended: {self._process.last_words()}"
        wanted = f":{self.port:04X} "
        return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()

    @property
    def running(self) -> bool:
        """Whether it is alive; it must be at the end of a test."""
        return self._process is not None and self._process.running

    def steps(self) -> list[Step]:
        """Everything it wrote down so far."""
        if not self._log.exists():
            return []
        steps = []
        for line in self._log.read_text(errors="replace").splitlines():
            parts = line.split()
            if len(parts) == 5:
                at = float(parts[0]) + float(parts[1]) / 1e6
                steps.append(Step(at, parts[2], parts[3], parts[4]))
        return steps

    def invites(self) -> Counter[str]:
        """INVITEs by number, with plus: one for each call, retransmissions left out."""
        return Counter(f"+{step.number}" for step in self.steps() if step.step == "invite")

    def now_in(self, step: str) -> int:
        """How many calls are in this step now."""
        last = {each.call_id: each.step for each in self.steps()}
        return sum(1 for value in last.values() if value == step)

    def errors(self) -> str:
        """The end of its error log."""
        return self._errors.read_text(errors="replace")[-3000:] if self._errors.exists() else ""
