"""Child processes in groups of their own, ended for certain. Owns the start and the end of everything we start."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Process:
    """One child with a process group of its own; its output goes to ``log``."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=None if env is None else {**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone."""
        self._child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to the whole group, and wait."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def wait(self, timeout_s: float) -> int:
        """Its exit code. Raises AssertionError with its last words when it does not end."""
        try:
            return self._child.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout_s:g} s: …{self.last_words()}") from None

    def stop(self, timeout_s: float = 5.0) -> None:
        """SIGTERM, then SIGKILL to the group."""
        if self.running:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=timeout_s)
        self.kill()

    def last_words(self, characters: int = 2000) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""
