"""The live view beside a running service: `dialer top` as a child on the same terminal.

Owns the child only. Drawing costs tens of milliseconds a frame, which the hub that bridges calls cannot spare.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class LiveView:
    """One `dialer top` process, ended with the service."""

    def __init__(self, host: str, port: int, token_file: Path) -> None:
        self._url = f"http://{host}:{port}"
        self._token_file = token_file
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start drawing. In a session of its own, so that a Ctrl-C reaches the service alone."""
        self._child = subprocess.Popen(
            [sys.executable, "-m", "dialer.cli", "top", "--url", self._url, "--token-file", str(self._token_file)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End the view and give the terminal back. May be called twice."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(timeout=3)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
