"""A worker process's end of the socket pair that the daemon holds the other end of: its entry, and its reading.

Owns what every worker does first: it ignores the terminal's and the service manager's signals, because its end is the
end of the pair. Never patched by gevent, and imports no more than it needs: a worker's start is waited for.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable


def read(pair: socket.socket, size: int) -> bytes:
    """What the daemon sent; nothing when it is gone."""
    try:
        return pair.recv(size)
    except ConnectionResetError:
        return b""


def run(
    name: str, arguments: list[str], serve: Callable[[socket.socket], int], faults: tuple[type[Exception], ...]
) -> int:
    """Entry of ``dialer.NAME.worker``: the only argument is the inherited descriptor's number. ``faults`` are told."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if len(arguments) != 1 or not arguments[0].isdigit():
        print(f"usage: python -m dialer.{name}.worker FD (started by the dialer)", file=sys.stderr)
        return 2
    with socket.socket(fileno=int(arguments[0])) as pair:
        pair.setblocking(True)  # gevent makes its pairs non-blocking, and we inherit that
        try:
            return serve(pair)
        except faults as error:
            print(f"dialer {name}: {error}", file=sys.stderr)
            return 1
