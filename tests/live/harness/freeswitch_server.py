"""A real FreeSWITCH on a configuration that ``freeswitch.render`` wrote. Owns its directories, start and end."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from config.loader import load
from freeswitch import render
from harness.processes import Process
from harness.waiting import until
from harness.witness import Refused, Witness

PLACES = ("/usr/bin", "/usr/local/freeswitch/bin", "/opt/freeswitch/bin")
VARIABLE = "FREESWITCH_BIN"
START_TIMEOUT_S = 120.0


def find_binary() -> Path | None:
    """$FREESWITCH_BIN, else ``freeswitch`` on PATH, else in the usual places."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named) if os.access(named, os.X_OK) else None
    found = shutil.which("freeswitch")
    if found:
        return Path(found)
    return next((p for place in PLACES if os.access(p := Path(place) / "freeswitch", os.X_OK)), None)


def looked_for() -> str:
    """One sentence for the reader of a skipped test."""
    if os.environ.get(VARIABLE):
        return f"${VARIABLE}={os.environ[VARIABLE]} is not a program that may be run"
    return f"no FreeSWITCH: neither ${VARIABLE}, nor freeswitch on PATH, nor in {', '.join(PLACES)}"


class FreeSwitch:
    """One server under ``work_dir``, on the first node of ``config_file``."""

    def __init__(self, binary: Path, config_file: Path, work_dir: Path) -> None:
        self._binary = binary
        self._work_dir = work_dir
        self._config_file = config_file
        self._conf = work_dir / "conf"
        self._process: Process | None = None
        config = load(config_file).config
        node = config.switch.nodes[0]
        secret = node.password or config.esl.password
        assert secret is not None
        self.port = node.port
        self.password = secret.get_secret_value()
        self.seats_port = config.freeswitch.seats.port
        self.trunks_port = config.freeswitch.trunks.port
        self.domain = config.freeswitch.domain
        self._gateways = [trunk.gateway_name for trunk in config.trunks if trunk.proxy is not None]
        self.rendered = render.render(config, self._conf)
        render.prepare_work_dir(work_dir)

    def render(self) -> None:
        """Render once more: a test has changed the configuration."""
        self.rendered = render.render(load(self._config_file).config, self._conf)

    @property
    def conf_dir(self) -> Path:
        """The rendered tree."""
        return self._conf

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Start and wait until the event socket lets us in and every profile and gateway is there."""
        assert not self.running
        command = render.start_command(str(self._binary), self._conf, self._work_dir)
        self._process = Process("FreeSWITCH", command, self._work_dir / "console.log", self._work_dir)
        until(self._ready, START_TIMEOUT_S, f"FreeSWITCH to be ready ({self._process.last_words()})", 0.1)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.running, f"FreeSWITCH ended at its start: {self._process.last_words()}"
        try:
            with self.witness() as witness:
                status = witness.api("sofia status")
        except (OSError, Refused):
            return False
        names = ("internal", "external")
        profiles = all(re.search(rf"^\s*{name}\s+profile\s.*RUNNING", status, re.M) for name in names)
        gateways = all(re.search(rf"::{re.escape(name)}\s+gateway\s", status) for name in self._gateways)
        return profiles and gateways

    def witness(self, subscribe: Sequence[str] | None = None) -> Witness:
        """A new connection to the event socket."""
        witness = Witness(self.port, self.password)
        if subscribe is not None:
            witness.subscribe(subscribe)
        return witness

    def api(self, command: str) -> str:
        """One API command on a connection of its own."""
        with self.witness() as witness:
            return witness.api(command)

    def version(self) -> str:
        """What the server says it is."""
        return self.api("version").strip()

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()

    def stop(self) -> None:
        """Ask it to end, then end it."""
        if self._process is None:
            return
        if self._process.running:
            try:
                with self.witness() as witness:
                    witness.api("fsctl shutdown now")
            except (OSError, Refused):
                pass
        self._process.stop(timeout_s=5.0)

    def errors(self) -> list[str]:
        """Lines of its log at ERR or worse."""
        log = self._work_dir / "log" / "freeswitch.log"
        if not log.exists():
            return []
        lines = log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(r"\[(ERR|CRIT|ALERT)\]", line)]
