"""The daemon's side of the store: commands out, events in, never a blocked hub.

Owns everything that the worker has not answered yet: one that dies is started again (``dialer.worker_client``) and
told all of it again, which has no second effect there. Imports no SQL.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import gevent
from gevent.event import AsyncResult

from dialer.domain.commands import LogAgentState, SavePacing, StoreCommand
from dialer.domain.events import Recovered, StoreEvent, StoreFailed, StoreRecovered
from dialer.domain.settings import CampaignSettings
from dialer.store import wire
from dialer.store.answers import ANSWERED, failed_answer
from dialer.store.errors import FrameError, StoreError, StoreTimeout
from dialer.worker_client import WorkerClient
from routing.intake import EVERYBODY_ORDINARY, Rules

PING_EVERY_S: Final = 2.0
HANGS_AFTER_S: Final = 10.0
"""A worker that answers no ping for so long is called failed: its disk or its server does not answer it."""
KILL_AFTER_S: Final = 120.0
MAX_AGENT_LINES: Final = 10_000
"""Unanswered lines of the agent state log that are kept; older ones are dropped."""


class StoreClient(WorkerClient):
    """The store of one run of one instance.

    ``owner`` names the instance and stays over restarts; ``epoch`` names this run (made up when not given).
    ``on_event`` receives every answer, StoreFailed when commands cannot be executed (once) and StoreRecovered when
    they can again; ``on_fault`` receives sentences about what was lost or left out.
    """

    NAME: ClassVar[str] = "the store's worker"
    MODULE: ClassVar[str] = "dialer.store.worker"
    READ_BYTES: ClassVar[int] = 1 << 18
    BROKEN: ClassVar[type[Exception]] = FrameError

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
        rules: Rules = EVERYBODY_ORDINARY,
        spawn: Callable[[int], Any] | None = None,
    ) -> None:
        if not owner:
            raise ValueError("owner of a store must not be empty")
        super().__init__(spawn, wire.Decoder, on_fault)
        self._hello = wire.Hello(url, owner, epoch or uuid.uuid4().hex, dict(campaigns), busy_timeout_s, rules)
        self._on_event = on_event
        self._seq = 0
        self._unanswered: OrderedDict[int, wire.Do | wire.Flush | wire.Recover] = OrderedDict()
        self._agent_lines: deque[int] = deque()
        self._pacing: dict[str, int] = {}
        self._waiting: dict[int, AsyncResult] = {}
        self._healthy = False
        self._failed = False
        self._fatal = ""

    # ---- for the daemon ------------------------------------------------------------------------------------

    def submit(self, command: StoreCommand) -> None:
        """Hand a command over. Never blocks; its answer, if it has one, comes as an event.

        While no worker runs, a claim, a PIN or a gate question is answered with a refusal (``keep``), the rest waits.
        """
        if not self._connected and self._failed and isinstance(command, ANSWERED):
            answer = failed_answer(command, "the store's worker is not running", keep=True)
            if answer is not None:
                self._inbox.put(answer)
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
        super().stop(timeout_s)

    @property
    def backlog(self) -> int:
        """Commands that are not known to be durable yet."""
        return len(self._unanswered)

    # ---- sending -------------------------------------------------------------------------------------------

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _put(self, frame: wire.Do | wire.Flush | wire.Recover) -> None:
        self._unanswered[frame.seq] = frame
        if self._connected:
            self._send(frame)

    def _send(self, frame: wire.ToWorker) -> None:
        self._put_out(wire.encode(frame))

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
            if dropped is not None:
                self._fault("a line of the agent state log was dropped: the store stays away")

    # ---- the worker's life ---------------------------------------------------------------------------------

    def _goes_on(self) -> bool:
        return not (self._fatal or (self._stopping and not self._unanswered))

    def _ended(self, why: str) -> None:
        if self._goes_on():
            self._fail(why)

    def _greet(self) -> None:
        self._healthy = False
        self._send(self._hello)
        for frame in self._unanswered.values():
            self._send(frame)

    def _handle(self, frame: wire.FromWorker) -> None:
        match frame:
            case wire.Answers():
                for seq, event in frame.items:
                    # What is not known any more was answered before its worker died.
                    if self._unanswered.pop(seq, None) is not None and event is not None:
                        self._inbox.put(event)
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

    # ---- health --------------------------------------------------------------------------------------------

    def _fail(self, error: str) -> None:
        if not self._failed:
            self._failed = True
            self._inbox.put(StoreFailed(error))

    def _recovered(self) -> None:
        if self._failed:
            self._failed = False
            self._inbox.put(StoreRecovered())

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

    def _deliver(self, item: StoreEvent) -> None:
        self._on_event(item)
