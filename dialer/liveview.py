"""The live view beside a running service: `dialer top` as a child on the same terminal.

Owns the child only. Drawing costs tens of milliseconds a frame, which the hub that bridges calls cannot spare.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from dialer.oneshot import python_module


class LiveView:
    """One `dialer top` process, ended with the service."""

    def __init__(self, host: str, port: int, token_file: Path) -> None:
        self._url = f"http://{host}:{port}"
        self._token_file = token_file
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start drawing. Attached: it leaves Ctrl-C to the service, and ends with it however that ends."""
        command, environment = python_module("dialer.cli")
        self._child = subprocess.Popen(
            [*command, "top", "--attached", "--url", self._url, "--token-file", str(self._token_file)],
            stdin=subprocess.DEVNULL,
            env=environment,
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
