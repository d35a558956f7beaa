"""What the store's worker does with frames: batches, answers, and patience while the database is in trouble.

Owns the promise to the daemon: a command that changes the record of what happened is executed in order, once, as
soon as the database can; a command that only makes sense now is answered now. Knows no socket, no process and no
thread: where PINs are hashed is the caller's choice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from dialer.domain.commands import LogAgentState, OpenAttempt, SavePacing, StoreCommand
from dialer.domain.events import Recovered, StoreEvent
from dialer.domain.phones import PinChecked
from dialer.leads.eligibility import STORE
from dialer.store import wire
from dialer.store.answers import ANSWERED, failed_answer
from dialer.store.errors import StoreDoubtful, StoreUnavailable
from dialer.store.pins import PinQuestion, PinRight

MAX_BATCH: Final = 200
MAX_AGENT_LINES: Final = 10_000
"""State logs may be written behind, and are the only thing that may be dropped when the database stays away."""
FIRST_RETRY_S: Final = 0.1
LAST_RETRY_S: Final = 5.0


class Service(Protocol):
    """``store.service.StoreService`` as the worker uses it."""

    faults: list[str]

    def execute(
        self, commands: Sequence[StoreCommand | PinRight], now: float
    ) -> Sequence[StoreEvent | PinQuestion]: ...

    def resolve(self, opens: Sequence[OpenAttempt], now: float) -> Sequence[StoreEvent | PinQuestion]: ...

    def recover(self, now: float) -> Recovered: ...

    def probe(self, now: float) -> None: ...


class WorkerCore:
    """Executes frames on a service; ``send`` takes the answers.

    ``prepare`` brings the database to the program's schema and may raise StoreUnavailable; it is repeated until it
    succeeds. ``wall`` is UTC epoch seconds for calling hours, ``monotonic`` paces the retries. ``ask`` takes a question
    about a PIN, which costs time, and sees to it that ``hashed`` is called with its answer; without it that is done at
    once.
    """

    def __init__(
        self,
        service: Service,
        prepare: Callable[[], object],
        send: Callable[[wire.FromWorker], None],
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        ask: Callable[[int, PinQuestion], None] | None = None,
    ) -> None:
        self._ask = ask
        self._service = service
        self._prepare: Callable[[], object] | None = prepare
        self._send = send
        self._wall = wall
        self._monotonic = monotonic
        self._error = ""
        self._healthy = False
        self._said_failed = False
        self._retry_after_s = FIRST_RETRY_S
        self._retry_at = 0.0
        self._backlog: deque[tuple[int, StoreCommand]] = deque()
        self._agent_lines = 0
        self._doubtful: list[tuple[int, OpenAttempt]] = []
        self._flushes: list[int] = []
        self._recovers: list[int] = []

    @property
    def idle(self) -> bool:
        """Nothing waits for the database."""
        return self._healthy

    def retry_in(self) -> float | None:
        """Seconds until ``retry`` should be called, None while all is well."""
        return None if self._healthy else max(0.0, self._retry_at - self._monotonic())

    def take(self, frames: Iterable[wire.ToWorker]) -> None:
        """Execute what came, in order: commands together, up to MAX_BATCH in a transaction."""
        batch: list[tuple[int, StoreCommand]] = []
        for frame in frames:
            if isinstance(frame, wire.Do):
                batch.append((frame.seq, frame.command))
                if len(batch) >= MAX_BATCH:
                    self._execute(batch)
                    batch = []
                continue
            self._execute(batch)
            batch = []
            match frame:
                case wire.Ping():
                    self._send(wire.Pong(frame.seq))
                case wire.Flush():
                    self._flushes.append(frame.seq)
                case wire.Recover():
                    self._recovers.append(frame.seq)
                case wire.Hello():
                    raise AssertionError("a second Hello")
            self._settle()
        self._execute(batch)

    def retry(self) -> None:
        """Try what could not be done: doubtful attempts, then the backlog in its order, then everything that waits."""
        if self._healthy:
            return
        try:
            if self._prepare is not None:
                self._prepare()
                self._prepare = None
            if self._doubtful:
                events = self._service.resolve([command for _, command in self._doubtful], self._wall())
                self._answer(zip([seq for seq, _ in self._doubtful], events, strict=True))
                self._doubtful.clear()
            elif not self._backlog:
                self._service.probe(self._wall())
            while self._backlog:
                part = [self._backlog[n] for n in range(min(MAX_BATCH, len(self._backlog)))]
                self._done(part, self._service.execute([command for _, command in part], self._wall()))
                for _ in part:
                    self._backlog.popleft()
        except (StoreUnavailable, StoreDoubtful) as error:
            self._failed(str(error))
            return
        self._agent_lines = 0
        self._healthy, self._said_failed, self._retry_after_s = True, False, FIRST_RETRY_S
        self._send(wire.Healthy())
        self._settle()

    def hashed(self, seq: int, answer: PinChecked) -> None:
        """The answer to a question that ``ask`` took: told at once when wrong, else once the tries are forgotten."""
        if answer.ok:
            self._execute([(seq, PinRight(answer.session, answer.agent))])
        else:
            self._answer([(seq, answer)])

    # ---- inside --------------------------------------------------------------------------------------------

    def _execute(self, batch: Sequence[tuple[int, StoreCommand | PinRight]]) -> None:
        if not batch:
            return
        if not self._healthy:
            self._postpone(batch)
            return
        try:
            events = self._service.execute([command for _, command in batch], self._wall())
        except StoreUnavailable as error:
            self._failed(str(error))
            self._postpone(batch)
        except StoreDoubtful as error:
            # Whether these attempts exist can only be said when the database can be asked again.
            self._doubtful += [(seq, command) for seq, command in batch if isinstance(command, OpenAttempt)]
            self._failed(str(error))
            self._postpone([(seq, command) for seq, command in batch if not isinstance(command, OpenAttempt)])
        else:
            self._done(batch, events)

    def _done(
        self, batch: Sequence[tuple[int, StoreCommand | PinRight]], events: Sequence[StoreEvent | PinQuestion]
    ) -> None:
        answers = iter(events)
        told: list[tuple[int, StoreEvent | None]] = []
        asked: list[tuple[int, PinQuestion]] = []
        for seq, command in batch:
            answer = next(answers) if isinstance(command, ANSWERED) else None
            if isinstance(answer, PinQuestion):
                asked.append((seq, answer))
            else:
                told.append((seq, answer))
        self._answer(told)
        for text in self._service.faults:
            self._send(wire.Fault(text))
        self._service.faults.clear()
        for seq, question in asked:
            if self._ask is not None:
                self._ask(seq, question)
            else:
                self.hashed(seq, question.answer())

    def _postpone(self, batch: Sequence[tuple[int, StoreCommand | PinRight]]) -> None:
        answers: list[tuple[int, StoreEvent | None]] = []
        for seq, command in batch:
            if isinstance(command, ANSWERED):
                answers.append((seq, failed_answer(command, f"the {STORE} cannot write: {self._error}", keep=True)))
                continue
            if isinstance(command, SavePacing):
                answers += self._forget_older(command)
            self._backlog.append((seq, command))
            if isinstance(command, LogAgentState):
                self._agent_lines += 1
        self._answer(answers)
        if self._agent_lines > MAX_AGENT_LINES:
            self._drop_agent_lines()

    def _forget_older(self, newer: SavePacing) -> list[tuple[int, StoreEvent | None]]:
        """What pacing learned is large and only the newest counts: no two of a campaign wait."""
        older = [seq for seq, c in self._backlog if isinstance(c, SavePacing) and c.campaign == newer.campaign]
        if older:
            self._backlog = deque(entry for entry in self._backlog if entry[0] not in older)
        return [(seq, None) for seq in older]

    def _drop_agent_lines(self) -> None:
        lines = [seq for seq, command in self._backlog if isinstance(command, LogAgentState)]
        dropped = set(lines[: len(lines) // 2])
        self._backlog = deque(entry for entry in self._backlog if entry[0] not in dropped)
        self._agent_lines = len(lines) - len(dropped)
        self._answer([(seq, None) for seq in dropped])
        self._send(wire.Fault(f"{len(dropped)} lines of the agent state log were dropped: the store stays away"))

    def _answer(self, items: Iterable[tuple[int, StoreEvent | PinQuestion | None]]) -> None:
        told = tuple((seq, event) for seq, event in items if not isinstance(event, PinQuestion))
        if told:
            self._send(wire.Answers(told))

    def _failed(self, error: str) -> None:
        if self._healthy:
            self._retry_after_s = FIRST_RETRY_S
        self._error = error
        self._healthy = False
        self._retry_at = self._monotonic() + self._retry_after_s
        self._retry_after_s = min(LAST_RETRY_S, self._retry_after_s * 2)
        if not self._said_failed:
            self._said_failed = True
            self._send(wire.Failed(error))

    def _settle(self) -> None:
        """Answer what waited for the database to have everything."""
        if not self._healthy:
            return
        while self._recovers:
            try:
                recovered = self._service.recover(self._wall())
            except (StoreUnavailable, StoreDoubtful) as error:
                self._failed(str(error))
                return
            self._send(wire.RecoverDone(self._recovers.pop(0), recovered))
        for seq in self._flushes:
            self._send(wire.Flushed(seq))
        self._flushes.clear()
