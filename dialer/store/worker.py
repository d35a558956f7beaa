"""The store's process: `python -m dialer.store.worker FD`, started by ``store.client`` and never by hand.

Owns the process's life: at the end of the pair it finishes what it has read, so that a killed dialer leaves a complete
record behind. PINs are hashed in a thread beside it (``hashing``). Never patched by gevent.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from typing import Final

from dialer import worker_end
from dialer.store import wire
from dialer.store.errors import FrameError, StoreError, StoreSchemaError, StoreUrlError
from dialer.store.hashing import Hasher
from dialer.store.migrations import upgrade
from dialer.store.service import StoreService
from dialer.store.worker_core import MAX_BATCH, WorkerCore

READ_BYTES: Final = 1 << 18
FINISH_WITHIN_S: Final = 15.0
"""How long the last records are tried when the dialer is gone and the database does not take them."""


def serve(pair: socket.socket) -> int:
    """Work until the other end is closed; returns the exit code."""
    decoder = wire.Decoder()
    frames = decoder.feed(worker_end.read(pair, READ_BYTES))
    while not frames:
        data = worker_end.read(pair, READ_BYTES)
        if not data:
            return 0
        frames = decoder.feed(data)
    hello = frames.pop(0)
    if not isinstance(hello, wire.Hello):
        raise FrameError("the first frame must be Hello")
    gone = False

    def send(frame: wire.FromWorker) -> None:
        nonlocal gone
        try:
            pair.sendall(wire.encode(frame))
        except (BrokenPipeError, ConnectionResetError):
            gone = True  # nobody listens any more; what was read is still finished

    hasher = Hasher()
    try:
        service = StoreService(
            hello.url,
            owner=hello.owner,
            epoch=hello.epoch,
            campaigns=hello.campaigns,
            busy_timeout_s=hello.busy_timeout_s,
            rules=hello.rules,
        )
        core = WorkerCore(service, lambda: upgrade(hello.url), send, time.time, time.monotonic, hasher.ask)
        core.retry()
        eof = False
        while not eof:
            core.take(frames)
            frames = []
            wait = core.retry_in()
            ready = select.select([pair, hasher.wake], [], [], wait)[0]
            if not ready:
                core.retry()
            if hasher.wake in ready:
                for seq, answer in hasher.take():
                    core.hashed(seq, answer)
            if pair not in ready:
                continue
            while len(frames) < MAX_BATCH:
                data = worker_end.read(pair, READ_BYTES)
                eof = not data
                frames += decoder.feed(data)
                if eof or not select.select([pair], [], [], 0)[0]:
                    break
            if core.retry_in() == 0.0:
                core.retry()
        core.take(frames)
        code = _finish(core)
        service.close()
    except (StoreSchemaError, StoreUrlError) as error:
        send(wire.Fatal(str(error)))
        return 1
    finally:
        hasher.close()
    return code


def _finish(core: WorkerCore) -> int:
    deadline = time.monotonic() + FINISH_WITHIN_S
    while (wait := core.retry_in()) is not None:
        if time.monotonic() + wait > deadline:
            print("dialer store: the last records could not be written; the next start settles them", file=sys.stderr)
            return 1
        time.sleep(wait)
        core.retry()
    return 0


if __name__ == "__main__":
    sys.exit(worker_end.run("store", sys.argv[1:], serve, (StoreError,)))
