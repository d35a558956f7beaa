"""The embedded switch's process: started when none is there, found again when one is, started anew when it dies.

Owns the child's start, its state file and its end. The switch outlives a killed dialer for a while, as a real one
would, so that its calls end by their own fail-safe and the next start finds them. Must not model anything.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dialer.oneshot import python_module
from dialer.settings import EmbeddedSettings, NodeSettings
from freeswitch.standin.specfile import Setup

START_TIMEOUT_S = 15.0
POLL_S = 0.05
WATCH_S = 0.5
FIRST_PAUSE_S = 0.5
LAST_PAUSE_S = 30.0
"""The pauses between tries to start a switch that died; they double."""


class EmbeddedError(Exception):
    """The embedded switch could not be started."""


class EmbeddedSwitch:
    """One stand-in process under ``run_dir``."""

    def __init__(self, settings: EmbeddedSettings, run_dir: Path, node: str, sleep: Callable[[float], Any]) -> None:
        self._settings = settings
        self._dir = run_dir
        self._node = node
        self._sleep = sleep
        self._state = run_dir / "switch.json"
        self._password_file = run_dir / "switch.password"
        self._world_file = run_dir / "world.json"
        self._child: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._found: NodeSettings | None = None
        self.adopted = False

    def start(self) -> NodeSettings:
        """The event socket of a running embedded switch. Raises EmbeddedError."""
        self._dir.mkdir(parents=True, exist_ok=True)
        setup = Setup(world=self._settings.world).to_json()
        found = self._read()
        if found is not None and _alive(found["pid"]):
            self._pid = int(found["pid"])
            self.adopted = self._world_file.exists() and self._world_file.read_text() == setup
            if not self.adopted:
                # Another world was configured meanwhile: the calls of the old one end with it, and are accounted.
                self.stop()
                found = None
        else:
            found = None
        if found is None:
            _write_secret(self._password_file, secrets.token_urlsafe(24) + "\n")
            self._world_file.write_text(setup)
            self._spawn(self._settings.port)
            found = self._wait()
        self._pid = int(found["pid"])
        password = self._password_file.read_text().strip()
        self._found = NodeSettings(
            self._node, str(found["host"]), int(found["port"]), password, self._settings.capacity
        )
        return self._found

    def watch(self, on_death: Callable[[str], Any], on_restart: Callable[[int], Any]) -> None:
        """For ever, in a greenlet of its own: start a switch that died again, at the same address.

        Its calls are gone, as those of a real one would be; the dialer's connection comes back by itself. Each death
        and each start that failed is told in words, a new process by its id.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            self._sleep(WATCH_S)
            if self._found is None or self._pid is None or self._runs():
                pause_s = FIRST_PAUSE_S
                continue
            on_death(f"the embedded switch (process {self._pid}) died{self._ending()}; starting it again")
            while True:
                try:
                    self._spawn(self._found.port)
                    self._pid = int(self._wait()["pid"])
                    break
                except (EmbeddedError, OSError) as error:
                    on_death(f"{error}; next try in {pause_s:g} s")
                    self._sleep(pause_s)
                    pause_s = min(LAST_PAUSE_S, pause_s * 2)
            on_restart(self._pid)

    def _runs(self) -> bool:
        ended = self._child is not None and self._child.poll() is not None
        return not ended and self._pid is not None and _alive(self._pid)

    def _ending(self) -> str:
        code = None if self._child is None else self._child.poll()
        if code is None:
            return ""
        return f" by signal {-code}" if code < 0 else f" with code {code}"

    def stop(self) -> None:
        """End the switch, politely first."""
        if self._pid is None or not _alive(self._pid):
            return
        os.kill(self._pid, signal.SIGTERM)
        for _ in range(60):
            if self._child is not None and self._child.poll() is not None:
                return
            if not _alive(self._pid):
                return
            self._sleep(POLL_S)
        os.kill(self._pid, signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def _spawn(self, port: int) -> None:
        self._state.unlink(missing_ok=True)
        command, environment = python_module("freeswitch.standin")
        command += [
            "--host", "127.0.0.1",
            "--port", str(port),
            "--password-file", str(self._password_file),
            "--world", str(self._world_file),
            "--state-file", str(self._state),
            "--node-name", self._node,
            "--seed", str(self._settings.seed),
            "--linger-s", str(self._settings.linger_s),
        ]  # fmt: skip
        with (self._dir / "switch.log").open("ab") as log:
            # A session of its own: a Ctrl-C in the dialer's terminal must not end the switch under its calls.
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def _wait(self) -> dict[str, Any]:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            found = self._read()
            if found is not None:
                return found
            if self._child is not None and self._child.poll() is not None:
                break
            self._sleep(POLL_S)
        log = self._dir / "switch.log"
        tail = log.read_text(errors="replace")[-500:] if log.exists() else ""
        raise EmbeddedError(f"the embedded switch did not start; its log {log} ends with: {tail}")

    def _read(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(found, dict) or not {"pid", "host", "port"} <= found.keys():
            return None
        return found


def _alive(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z" and b"freeswitch.standin" in command


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
