"""The daemon's side of the store: commands out, events in, never a blocked hub.

Owns the worker process and everything that it has not answered yet: a worker that dies is started again and told
all of it again, which has no second effect there. Imports gevent and no SQL. All methods are for greenlets of one
hub; ``on_event`` is called from a greenlet of the client's own, in order.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import gevent
from gevent import socket, subprocess
from gevent.event import AsyncResult, Event
from gevent.queue import SimpleQueue

from dialer.domain.commands import LogAgentState, SavePacing, StoreCommand
from dialer.domain.events import Recovered, StoreEvent, StoreFailed, StoreRecovered
from dialer.domain.settings import CampaignSettings
from dialer.oneshot import python_module
from dialer.store import wire
from dialer.store.answers import ANSWERED, failed_answer
from dialer.store.errors import FrameError, StoreError, StoreTimeout

READ_BYTES: Final = 1 << 18
FIRST_RESTART_S: Final = 0.1
LAST_RESTART_S: Final = 5.0
PING_EVERY_S: Final = 2.0
HANGS_AFTER_S: Final = 10.0
"""A worker that answers no ping for so long is called failed: its disk or its server does not answer it."""
KILL_AFTER_S: Final = 120.0
MAX_AGENT_LINES: Final = 10_000
"""Unanswered lines of the agent state log that are kept; older ones are dropped."""


def start_worker(descriptor: int) -> Any:
    """Start the worker process with the socket ``descriptor`` inherited; returns a Popen."""
    command, environment = python_module("dialer.store.worker")
    return subprocess.Popen(
        [*command, str(descriptor)],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


class StoreClient:
    """The store of one run of one instance.

    ``owner`` names the instance and stays over restarts; ``epoch`` names this run (made up when not given).
    ``on_event`` receives every answer, StoreFailed when commands cannot be executed (once) and StoreRecovered when
    they can again; ``on_fault`` receives sentences about what was lost or left out.
    """

    def __init__(
        self,
        url: str,
        owner: str,
        campaigns: Mapping[str, CampaignSettings],
        on_event: Callable[[StoreEvent], None],
        *,
        epoch: str | None = None,
        on_fault: Callable[[str], None] | None = None,
        busy_timeout_s: float = 2.0,
        spawn: Callable[[int], Any] = start_worker,
    ) -> None:
        if not owner:
            raise ValueError("owner of a store must not be empty")
        self._hello = wire.Hello(url, owner, epoch or uuid.uuid4().hex, dict(campaigns), busy_timeout_s)
        self._on_event = on_event
        self._on_fault = on_fault
        self._spawn = spawn
        self._seq = 0
        self._unanswered: OrderedDict[int, wire.Do | wire.Flush | wire.Recover] = OrderedDict()
        self._agent_lines: deque[int] = deque()
        self._pacing: dict[str, int] = {}
        self._waiting: dict[int, AsyncResult] = {}
        self._events: SimpleQueue = SimpleQueue()
        self._out: deque[bytes] = deque()
        self._out_ready = Event()
        self._connected = False
        self._healthy = False
        self._failed = False
        self._stopping = False
        self._ping: int | None = None
        self._worker: Any = None
        self._fatal = ""
        self._heard = False
        self.restarts = 0
        self.greenlets: tuple[gevent.Greenlet, ...] = ()
        """Long-lived greenlets, from ``start`` on: whoever starts the client should watch them."""

    # ---- for the daemon ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the worker and return at once; commands may be submitted from now on."""
        self.greenlets = (
            gevent.spawn(self._supervise),
            gevent.spawn(self._dispatch),
            gevent.spawn(self._watch),
        )

    def submit(self, command: StoreCommand) -> None:
        """Hand a command over. Never blocks; its answer, if it has one, comes as an event.

        While no worker runs, a claim, a PIN or a gate question is answered with a refusal (``keep``), the rest waits.
        """
        if not self._connected and self._failed and isinstance(command, ANSWERED):
            answer = failed_answer(command, "the store's worker is not running", keep=True)
            if answer is not None:
                self._events.put(answer)
            return
        frame = wire.Do(self._next_seq(), command)
        self._put(frame)
        if isinstance(command, LogAgentState):
            self._agent_lines.append(frame.seq)
            self._bound_agent_lines()
        elif isinstance(command, SavePacing):
            # Only the newest counts: a worker that stays away is not told of the older ones.
            self._unanswered.pop(self._pacing.get(command.campaign, 0), None)
            self._pacing[command.campaign] = frame.seq

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything submitted before is durable; False when it is not within ``timeout_s``."""
        try:
            self._ask(wire.Flush(self._next_seq()), timeout_s)
        except StoreError:
            return False
        return True

    def recover(self, timeout_s: float) -> Recovered:
        """Take over from the former runs of this instance. Once, before any command.

        Raises StoreTimeout (the database does not answer), StoreError when no retry would help.
        """
        result = self._ask(wire.Recover(self._next_seq()), timeout_s)
        assert isinstance(result, Recovered)
        return result

    def stop(self, timeout_s: float = 20.0) -> None:
        """Let the worker finish what it has, and end it. May be called more than once."""
        if self._stopping or not self.greenlets:
            return
        self._stopping = True
        self._out_ready.set()
        supervisor, dispatcher, watcher = self.greenlets
        supervisor.join(timeout=timeout_s)
        if not supervisor.ready():
            self._kill()
            supervisor.join(timeout=2.0)
        self._events.put(None)
        dispatcher.join(timeout=2.0)
        gevent.killall([supervisor, dispatcher, watcher])

    @property
    def backlog(self) -> int:
        """Commands that are not known to be durable yet."""
        return len(self._unanswered)

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id, for diagnosis."""
        return None if self._worker is None else int(self._worker.pid)

    # ---- sending -------------------------------------------------------------------------------------------

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _put(self, frame: wire.Do | wire.Flush | wire.Recover) -> None:
        self._unanswered[frame.seq] = frame
        if self._connected:
            self._send(frame)

    def _send(self, frame: wire.ToWorker) -> None:
        self._out.append(wire.encode(frame))
        self._out_ready.set()

    def _ask(self, frame: wire.Flush | wire.Recover, timeout_s: float) -> object:
        if self._fatal:
            raise StoreError(self._fatal)
        result = AsyncResult()
        self._waiting[frame.seq] = result
        self._put(frame)
        try:
            return result.get(timeout=timeout_s)
        except gevent.Timeout:
            raise StoreTimeout(f"the store did not answer within {timeout_s:g} s") from None
        finally:
            self._waiting.pop(frame.seq, None)
            self._unanswered.pop(frame.seq, None)

    def _bound_agent_lines(self) -> None:
        while self._agent_lines and self._agent_lines[0] not in self._unanswered:
            self._agent_lines.popleft()
        if len(self._agent_lines) > MAX_AGENT_LINES:
            dropped = self._unanswered.pop(self._agent_lines.popleft(), None)
            if dropped is not None and self._on_fault is not None:
                self._on_fault("a line of the agent state log was dropped: the store stays away")

    # ---- the worker's life ---------------------------------------------------------------------------------

    def _supervise(self) -> None:
        pause = FIRST_RESTART_S
        while not self._fatal:
            try:
                self._heard = False
                error = self._run_worker()
            except OSError as os_error:
                error = f"the store's worker cannot be started: {os_error}"
            if self._fatal or (self._stopping and not self._unanswered):
                break
            self._fail(error)
            pause = FIRST_RESTART_S if self._heard else min(LAST_RESTART_S, pause * 2)
            gevent.sleep(pause)
            self.restarts += 1

    def _run_worker(self) -> str:
        """One worker from start to end; returns a sentence on why it ended."""
        ours, theirs = socket.socketpair()
        try:
            try:
                self._worker = self._spawn(theirs.fileno())
            finally:
                theirs.close()
            self._out.clear()
            self._send(self._hello)
            for frame in self._unanswered.values():
                self._send(frame)
            self._ping = None
            self._connected = True
            writer = gevent.spawn(self._write, ours)
            try:
                self._read(ours)
            finally:
                self._connected = False
                self._healthy = False
                writer.kill()
        finally:
            ours.close()
        code = self._worker.wait()
        self._worker = None
        return self._fatal or f"the store's worker ended with code {code}"

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
        decoder = wire.Decoder()
        while True:
            try:
                data = pair.recv(READ_BYTES)
            except OSError:
                return
            if not data:
                return
            try:
                frames = decoder.feed(data)
            except FrameError as error:
                self._fault(str(error))
                self._kill()
                return
            for frame in frames:
                self._heard = True
                self._handle(frame)

    def _handle(self, frame: wire.FromWorker) -> None:
        match frame:
            case wire.Answers():
                for seq, event in frame.items:
                    # What is not known any more was answered before its worker died.
                    if self._unanswered.pop(seq, None) is not None and event is not None:
                        self._events.put(event)
            case wire.Flushed():
                self._resolve(frame.seq, True)
            case wire.RecoverDone():
                self._resolve(frame.seq, frame.recovered)
            case wire.Pong():
                if self._ping == frame.seq:
                    self._ping = None
                    if self._healthy:
                        self._recovered()
            case wire.Failed():
                self._healthy = False
                self._fail(frame.error)
            case wire.Healthy():
                self._healthy = True
                self._recovered()
            case wire.Fault():
                self._fault(frame.text)
            case wire.Fatal():
                self._fatal = frame.error
                self._fail(frame.error)
                for result in list(self._waiting.values()):
                    result.set_exception(StoreError(frame.error))

    def _resolve(self, seq: int, value: object) -> None:
        self._unanswered.pop(seq, None)
        if (result := self._waiting.get(seq)) is not None:
            result.set(value)

    def _kill(self) -> None:
        if self._worker is not None:
            with suppress(OSError):
                self._worker.kill()

    # ---- health --------------------------------------------------------------------------------------------

    def _fail(self, error: str) -> None:
        if not self._failed:
            self._failed = True
            self._events.put(StoreFailed(error))

    def _recovered(self) -> None:
        if self._failed:
            self._failed = False
            self._events.put(StoreRecovered())

    def _fault(self, text: str) -> None:
        if self._on_fault is not None:
            self._on_fault(text)

    def _watch(self) -> None:
        """Ping the worker; one that does not answer is failed first and killed much later."""
        waited = 0.0
        while True:
            gevent.sleep(PING_EVERY_S)
            if not self._connected:
                continue
            if self._ping is None:
                waited = 0.0
                self._ping = self._next_seq()
                self._send(wire.Ping(self._ping))
                continue
            waited += PING_EVERY_S
            if waited >= HANGS_AFTER_S:
                self._fail(f"the store's worker has not answered for {waited:.0f} s")
            if waited >= KILL_AFTER_S:
                self._kill()
                waited = 0.0

    def _dispatch(self) -> None:
        while True:
            event = self._events.get()
            if event is None:
                return
            self._on_event(event)
