"""Free ports on the loopback address. Owns what was given out in this run, so that nothing is given twice."""

from __future__ import annotations

import contextlib
import random
import socket

LOOPBACK = "127.0.0.1"
RTP_PORTS = 2000


class Ports:
    """Gives out ports that were free a moment ago."""

    def __init__(self) -> None:
        self._given: set[int] = set()

    def free(self) -> int:
        """A port that neither TCP nor UDP uses."""
        return self.block(1)

    def block(self, size: int) -> int:
        """The first of ``size`` ports in a row that neither TCP nor UDP uses, below the ephemeral range."""
        for _ in range(200):
            first = random.randrange(10_000, 32_000 - size)
            wanted = range(first, first + size)
            if not self._given.intersection(wanted) and all(_is_free(port) for port in wanted):
                self._given.update(wanted)
                return first
        raise RuntimeError(f"no {size} free ports in a row on {LOOPBACK}")

    def given(self) -> frozenset[int]:
        """What is given out now."""
        return frozenset(self._given)

    def release_all_but(self, kept: frozenset[int]) -> None:
        """Take back what was given out since."""
        self._given.intersection_update(kept)


def _is_free(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            sock = stack.enter_context(socket.socket(socket.AF_INET, kind))
            try:
                sock.bind((LOOPBACK, port))
            except OSError:
                return False
    return True
