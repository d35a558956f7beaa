"""systemd's notification socket: ready, watchdog, stopping. Does nothing when systemd did not start us.

Owns the datagram only. A well-kept library would do; this is its whole protocol.
"""

from __future__ import annotations

import os
import socket


class Notifier:
    """Sends states to ``$NOTIFY_SOCKET`` of the environment given."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        env = dict(os.environ) if environment is None else environment
        path = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        usec = env.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(usec) / 1e6 if usec.isdigit() else 0.0

    def send(self, state: str) -> None:
        """One state, such as ``READY=1``. A missing or broken socket is not our trouble."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.sendto(state.encode(), self._address)
        except OSError:
            return
