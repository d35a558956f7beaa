"""The daemon's side of a worker process: one at a time at the other end of a socket pair, and another when it ends.

Owns the pair, the process, what is not written to it yet, and the pauses between starts. Messages are the subclass's:
it encodes, decodes and understands them. Imports gevent. All methods are for greenlets of one hub; what the worker says
is handed on from a greenlet of its own, in order, so that nobody's callback holds up the reader.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final, Protocol

import gevent
from gevent import socket, subprocess
from gevent.event import Event
from gevent.queue import SimpleQueue

from dialer.oneshot import python_module

FIRST_RESTART_S: Final = 0.1
LAST_RESTART_S: Final = 5.0
KILLED_WITHIN_S: Final = 2.0


class Decoder(Protocol):
    """Bytes in, messages out. Raises ``WorkerClient.BROKEN``."""

    def feed(self, data: bytes) -> list[Any]:
        """The messages that are complete with ``data``."""


def start_worker(module: str, descriptor: int) -> Any:
    """Start ``module`` as a process with the socket ``descriptor`` inherited; returns a Popen."""
    command, environment = python_module(module)
    return subprocess.Popen(
        [*command, str(descriptor)],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


class WorkerClient(ABC):
    """A worker's life. ``spawn`` starts one in place of ``MODULE``; ``on_fault`` receives sentences for the log."""

    NAME: ClassVar[str]
    """As sentences call the worker: "the store's worker"."""
    MODULE: ClassVar[str]
    READ_BYTES: ClassVar[int]
    BROKEN: ClassVar[type[Exception]]
    """What the decoder raises for bytes that are no message: the worker is ended for it."""

    def __init__(
        self, spawn: Callable[[int], Any] | None, decoder: Callable[[], Decoder], on_fault: Callable[[str], None] | None
    ) -> None:
        self._spawn = spawn or partial(start_worker, self.MODULE)
        self._decoder = decoder
        self._on_fault = on_fault
        self._inbox: SimpleQueue = SimpleQueue()
        self._out: deque[bytes] = deque()
        self._out_ready = Event()
        self._connected = False
        self._stopping = False
        self._ping: int | None = None
        self._worker: Any = None
        self._heard = False
        self.restarts = 0
        self.greenlets: tuple[gevent.Greenlet, ...] = ()
        """Long-lived greenlets, from ``start`` on: whoever starts the client should watch them."""

    # ---- for the daemon ------------------------------------------------------------------------------------

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id, for diagnosis."""
        return None if self._worker is None else int(self._worker.pid)

    def start(self) -> None:
        """Start the worker and return at once."""
        self.greenlets = (gevent.spawn(self._supervise), gevent.spawn(self._dispatch), gevent.spawn(self._watch))

    def stop(self, timeout_s: float) -> None:
        """Let the worker finish what it was told, and end it. May be called more than once."""
        if self._stopping or not self.greenlets:
            return
        self._stopping = True
        self._out_ready.set()
        supervisor, dispatcher, watcher = self.greenlets
        supervisor.join(timeout=timeout_s)
        if not supervisor.ready():
            self._kill()
            supervisor.join(timeout=KILLED_WITHIN_S)
        self._inbox.put(None)
        dispatcher.join(timeout=KILLED_WITHIN_S)
        gevent.killall([supervisor, dispatcher, watcher])

    # ---- the subclass's ------------------------------------------------------------------------------------

    @abstractmethod
    def _greet(self) -> None:
        """A worker was started: put what it must know first into ``_out``."""

    @abstractmethod
    def _handle(self, message: Any) -> None:
        """The worker said this."""

    @abstractmethod
    def _goes_on(self) -> bool:
        """Whether another worker is wanted."""

    @abstractmethod
    def _ended(self, why: str) -> None:
        """There is no worker; asked before ``_goes_on``."""

    @abstractmethod
    def _deliver(self, item: Any) -> None:
        """Hand on what was put into ``_inbox``."""

    @abstractmethod
    def _watch(self) -> None:
        """For ever: ping the worker, and judge how long it has not answered."""

    # ---- the worker's life ---------------------------------------------------------------------------------

    def _supervise(self) -> None:
        pause = FIRST_RESTART_S
        while self._goes_on():
            try:
                self._heard = False
                why = f"{self.NAME} ended with code {self._run_worker()}"
            except OSError as error:
                why = f"{self.NAME} cannot be started: {error}"
            self._ended(why)
            if not self._goes_on():
                return
            pause = FIRST_RESTART_S if self._heard else min(LAST_RESTART_S, pause * 2)
            gevent.sleep(pause)
            self.restarts += 1

    def _run_worker(self) -> int:
        """One worker from start to end; its exit code."""
        ours, theirs = socket.socketpair()
        try:
            try:
                self._worker = self._spawn(theirs.fileno())
            finally:
                theirs.close()
            self._out.clear()
            self._ping = None
            self._greet()
            self._connected = True
            writer = gevent.spawn(self._write, ours)
            try:
                self._read(ours)
            finally:
                self._connected = False
                writer.kill()
        finally:
            ours.close()
        code = int(self._worker.wait())
        self._worker = None
        return code

    def _write(self, pair: socket.socket) -> None:
        with suppress(OSError):  # the reader sees the end and says so
            while True:
                while self._out:
                    pair.sendall(self._out.popleft())
                self._out_ready.clear()
                if self._stopping:
                    pair.shutdown(socket.SHUT_WR)
                    return
                self._out_ready.wait()

    def _read(self, pair: socket.socket) -> None:
        decoder = self._decoder()
        while True:
            try:
                data = pair.recv(self.READ_BYTES)
            except OSError:
                return
            if not data:
                return
            try:
                messages = decoder.feed(data)
            except self.BROKEN as error:
                self._fault(str(error))
                self._kill()
                return
            for message in messages:
                self._heard = True
                self._handle(message)

    def _put_out(self, data: bytes) -> None:
        self._out.append(data)
        self._out_ready.set()

    def _kill(self) -> None:
        if self._worker is not None:
            with suppress(OSError):
                self._worker.kill()

    def _fault(self, text: str) -> None:
        if self._on_fault is not None:
            self._on_fault(text)

    def _dispatch(self) -> None:
        while (item := self._inbox.get()) is not None:
            self._deliver(item)
