"""The engine's one greenlet: takes events from the inbox, asks the engine, carries its commands out.

Owns the inbox, the loop, the operators' waiting replies and the loop's health. Must decide nothing. The live state
belongs to this greenlet alone, so there are no locks.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import gevent
import gevent.event
import gevent.queue
import structlog

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.hearing import HearingCommand, Listen, StopListening
from dialer.domain.inbound import AskVip
from dialer.domain.status import Status
from dialer.engine import Engine
from dialer.latency import Latency

IDLE_TICK_S = 0.5
TURN_EVENTS = 50
"""After this many events in a row the hub gets a turn, so that sockets are drained under load."""
LATE_S = 5.0
MAX_ERRORS_IN_A_ROW = 20


class SwitchPort(Protocol):
    """A node's driver."""

    def execute(self, command: cmd.SwitchCommand) -> None: ...


class EngineBroken(Exception):
    """The engine failed many times in a row: the process must end and start anew."""


class Runtime:
    """Feeds the engine and carries out what it says."""

    def __init__(self, engine: Engine, clock: Callable[[], float], submit: Callable[[cmd.StoreCommand], None]) -> None:
        self.engine = engine
        self.clock = clock
        self.submit = submit
        self.drivers: dict[str, SwitchPort] = {}
        self.prepare_speech: Callable[[tuple[str, ...], str], None] = lambda parts, language: None
        self.hear: Callable[[HearingCommand], None] = lambda order: None
        self.ask_vip: Callable[[AskVip], None] = lambda order: None
        self.drained = gevent.event.Event()
        self.answer_to_agent = Latency()
        self.answer_to_bridge = Latency()
        self.decision_cpu = Latency()
        self._clocks: dict[str, float] = {}  # where an attempt's abandon clock starts, if later than its answer
        self.counters: Counter[str] = Counter()
        self.last_turn = clock()
        self._inbox: gevent.queue.SimpleQueue[ev.Event] = gevent.queue.SimpleQueue()
        self._requests = itertools.count(1)
        self._replies: dict[int, gevent.event.AsyncResult[cmd.Reply]] = {}
        self._log = structlog.get_logger("engine")

    # ---- inbox ---------------------------------------------------------------------------------------------

    def feed(self, event: ev.Event) -> None:
        """Put an event into the inbox; never blocks."""
        self._inbox.put(event)

    def order(self, make: Callable[[int], ev.OperatorEvent], timeout_s: float) -> cmd.Reply:
        """Put an operator's order in and wait for the engine's answer. Raises TimeoutError."""
        request_id = next(self._requests)
        result: gevent.event.AsyncResult[cmd.Reply] = gevent.event.AsyncResult()
        self._replies[request_id] = result
        try:
            self.feed(make(request_id))
            reply: cmd.Reply = result.get(timeout=timeout_s)
            return reply
        except gevent.Timeout as error:
            raise TimeoutError(f"the engine did not answer within {timeout_s:g} s") from error
        finally:
            self._replies.pop(request_id, None)

    def status(self) -> Status:
        """The engine's view of itself."""
        return self.engine.status(self.clock())

    @property
    def late_s(self) -> float:
        """How long the loop has not come round."""
        return max(0.0, self.clock() - self.last_turn - IDLE_TICK_S)

    # ---- the loop ------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Forever: the greenlet is killed at the end. Raises EngineBroken."""
        turn = errors = 0
        while True:
            event = self._next()
            self.last_turn = now = self.clock()
            decisions, began = self.engine.decisions, time.thread_time()
            try:
                commands = self.engine.handle(event, now)
            except Exception:
                errors += 1
                self.counters["engine_errors"] += 1
                self._log.exception("engine_error", event_type=type(event).__name__)
                if errors >= MAX_ERRORS_IN_A_ROW:
                    raise EngineBroken(f"the engine failed {errors} times in a row") from None
                continue
            errors = 0
            if self.engine.decisions != decisions:
                self.decision_cpu.add((time.thread_time() - began) * 1000.0)
            self._carry_out(commands)
            turn += 1
            if turn % TURN_EVENTS == 0:
                gevent.sleep(0)

    def _next(self) -> ev.Event:
        due = self.engine.next_due()
        wait_s = IDLE_TICK_S if due is None else min(IDLE_TICK_S, max(0.0, due - self.clock()))
        try:
            event: ev.Event = self._inbox.get(block=wait_s > 0, timeout=wait_s or None)
            return event
        except gevent.queue.Empty:
            return ev.Tick()

    def _carry_out(self, commands: list[cmd.Command]) -> None:
        # Switch commands first: a customer waits for the bridge, nobody waits for a log line.
        for command in commands:
            if isinstance(command, cmd.SwitchCommand):
                self.drivers[command.node].execute(command)
        for command in commands:
            match command:
                case _ if isinstance(command, cmd.StoreCommand):
                    self._observe(command)
                    self.submit(command)
                case Listen() | StopListening():
                    self.hear(command)
                case AskVip():
                    self.ask_vip(command)
                case ph.PrepareSpeech():
                    self.prepare_speech(command.parts, command.language)
                case cmd.Note():
                    getattr(self._log, command.level)(command.topic, text=command.text)
                case cmd.Reply():
                    if (waiting := self._replies.get(command.request_id)) is not None:
                        waiting.set(command)
                case cmd.Drained():
                    self.drained.set()

    def _observe(self, command: cmd.StoreCommand) -> None:
        if isinstance(command, cmd.NoteHeard):
            if command.clock_at is not None:
                self._clocks[command.attempt_id] = command.clock_at
        elif isinstance(command, cmd.CloseAttempt):
            answered, bridged = self._clocks.pop(command.attempt_id, command.answered_at), command.bridged_at
            if answered is not None and bridged is not None and bridged > answered:
                self.answer_to_bridge.add((bridged - answered) * 1000.0)
            self._log.info(
                "attempt_ended",
                attempt=command.attempt_id,
                lead=command.lead_id,
                outcome=command.outcome.value,
                reason=command.reason,
                agent=command.agent,
                cause=command.cause or None,
            )

    def bridge_sent(self, seconds: float) -> None:
        """A driver sent a bridge this long after the ANSWER was read."""
        self.answer_to_agent.add(seconds * 1000.0)

    def counts(self) -> Mapping[str, int]:
        """The loop's own counters."""
        return dict(self.counters)
