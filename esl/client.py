"""A supervised connection to one FreeSWITCH: logs in, subscribes, reconnects, runs background jobs, hands
events on.

Owns the connection's life and the queue between socket and consumer. Must know nothing about calls or
dialing.

The reader of the connection never waits for the consumer: a listener that does not read endangers the whole
switch. Events go, cut down to the headers that the owner reads, into a bounded queue; the *dispatcher*
greenlet takes them out and calls the owner. At the bound events are dropped and counted, never replies to
jobs; when the consumer has caught up, `on_gap` tells it how many are missing, and events after that are whole
again.

All callbacks (`on_up`, `on_down`, `on_event`, `on_gap`, replies to jobs) come from the dispatcher, one at a
time, in the order in which things happened. They may block (`api` waits for its answer); meanwhile events
queue up. What they raise is logged and counted.
"""

from __future__ import annotations

import contextlib
import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gevent
import gevent.event

from esl import frames
from esl.backlog import Backlog
from esl.backoff import Backoff
from esl.commands import ApiCommand, Status
from esl.errors import ESLError
from esl.headers import Event, EventLike, HeaderSet
from esl.jobs import JobKind, JobReply, JobTable, ReplyHandler, replied
from esl.protocol import ApiResponse, CommandReply, DisconnectNotice, Limits, LogData, Malformed
from esl.transport import Transport, open_socket
from esl.transport_errors import (
    AccessDenied,
    AuthenticationError,
    CommandRefused,
    NotConnectedError,
    PeerSilent,
)

_log = logging.getLogger(__name__)

_TURN_EVENTS: Final = 50
_TURN_S: Final = 0.005
_FAILURE_TEXTS: Final[dict[JobKind, str]] = {
    "timeout": "-TIMEOUT no BACKGROUND_JOB in time",
    "disconnected": "-ERR connection lost before the answer",
    "not_sent": "-ERR not connected, not sent",
}


@dataclass(slots=True)
class ClientStats:
    """Counters since the client was made."""

    connects: int = 0
    failures: int = 0
    events: int = 0
    dropped_events: int = 0
    gaps: int = 0
    malformed_frames: int = 0
    jobs: int = 0
    job_timeouts: int = 0
    late_jobs: int = 0
    callback_errors: int = 0


class Client:
    """Keeps one connection up from `start` to `stop`.

    * `name` stands for the switch in logs. The password is never logged.
    * `events`: names to subscribe to; BACKGROUND_JOB is added. `filters`: (header, value) pairs, OR-ed by
      FreeSWITCH; where there are any, BACKGROUND_JOB and HEARTBEAT are let through too.
    * `headers`: what `on_event` may read of an event; None keeps events whole (the queue then holds far
      fewer).
    * `on_event(event, received_at)`: `received_at` on `clock` when its bytes were read from the socket.
    * `on_up(client)` after subscribing, `on_down(reason)` when a connection is lost and at every failed try.
      Events of one connection come between its `on_up` and its `on_down`.
    * `on_gap(count)`: that many events were dropped; ask the switch how things are.
    """

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        *,
        name: str,
        events: Sequence[str],
        on_event: Callable[[EventLike, float], object],
        on_up: Callable[[Client], object],
        on_down: Callable[[str], object],
        on_gap: Callable[[int], object],
        rng: random.Random,
        filters: Sequence[tuple[str, str]] = (),
        headers: frozenset[str] | None = None,
        max_backlog: int = 100_000,
        max_backlog_bytes: int = 96 << 20,
        connect_timeout_s: float = 5.0,
        command_timeout_s: float = 10.0,
        heartbeat_timeout_s: float = 50.0,
        backoff: Backoff | None = None,
        auth_backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.stats = ClientStats()
        self._password = password
        self._events = tuple(dict.fromkeys((*events, "BACKGROUND_JOB")))
        self._filters = tuple(filters)
        self._headers = HeaderSet(headers) if headers is not None else None
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._on_gap = on_gap
        self._rng = rng
        self._connect_timeout_s = connect_timeout_s
        self._command_timeout_s = command_timeout_s
        self._heartbeat_timeout_s = heartbeat_timeout_s
        self._backoff = backoff if backoff is not None else Backoff()
        self._auth_backoff = auth_backoff if auth_backoff is not None else Backoff(5.0, 30.0, 0.25)
        self._clock = clock
        self._limits = limits

        self._transport: Transport | None = None
        self._up = False
        self._jobs = JobTable()
        self._jobs_changed = gevent.event.Event()
        self._stopping = gevent.event.Event()
        self._backlog = Backlog(max_backlog, max_backlog_bytes)
        self._backlog_filled = gevent.event.Event()
        self._greenlets: list[Any] = []

    # -- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts connecting; returns at once. The client connects until `stop`."""
        if self._greenlets:
            raise RuntimeError("this client has been started already")
        self._greenlets = [
            gevent.spawn(self._supervise),
            gevent.spawn(self._dispatch),
            gevent.spawn(self._watch_deadlines),
        ]

    @property
    def greenlets(self) -> tuple[Any, ...]:
        """The client's long-lived greenlets: link an exception handler to them; none ends before `stop`."""
        return tuple(self._greenlets)

    @property
    def is_up(self) -> bool:
        """Whether commands can be sent: logged in and subscribed."""
        return self._up

    @property
    def backlog(self) -> int:
        """Events that wait for the consumer."""
        return self._backlog.events

    @property
    def pending_jobs(self) -> int:
        """Background jobs without an answer so far."""
        return len(self._jobs)

    def stop(self, timeout_s: float = 2.0) -> None:
        """Says goodbye, closes, and delivers what is queued (the end of each job among it) within
        `timeout_s`.
        """
        self._stopping.set()
        self._jobs_changed.set()
        transport = self._transport
        if transport is not None and transport.is_open:
            with contextlib.suppress(ESLError):
                transport.request(frames.leave(), min(timeout_s, 1.0), what="exit")
            transport.close(NotConnectedError("stopped"))
        self._backlog_filled.set()
        # Called from a callback, this is the dispatcher itself: it ends after the callback.
        others = [greenlet for greenlet in self._greenlets if greenlet is not gevent.getcurrent()]
        gevent.joinall(others, timeout=timeout_s)
        gevent.killall(others)

    # -- commands --------------------------------------------------------------------------------------------

    def bgapi(self, command: ApiCommand | str, on_reply: ReplyHandler, deadline_s: float = 30.0) -> str:
        """Runs a command in the background; never blocks. Returns its Job-UUID.

        `on_reply` gets exactly one JobReply, from the dispatcher: the output, or why there is none. Raises
        CommandError for a command that can't be built, and nothing else.
        """
        job_uuid = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        frame = frames.bgapi(command, job_uuid)
        self.stats.jobs += 1
        transport = self._transport
        if transport is None or not self._up:
            self._end_job(job_uuid, on_reply, "not_sent")
            return job_uuid
        self._jobs.add(job_uuid, on_reply, self._clock() + deadline_s)
        try:
            transport.send(frame, lambda reply: self._job_accepted(job_uuid, reply))
        except NotConnectedError:
            # Closing under way: its end is not announced yet, or this job would be gone from the table.
            if self._jobs.take(job_uuid) is not None:
                self._end_job(job_uuid, on_reply, "not_sent")
            return job_uuid
        self._jobs_changed.set()
        return job_uuid

    def api(self, command: ApiCommand | str, timeout_s: float | None = None) -> str:
        """Runs a command and waits for its output. Holds this connection's events up while it runs: keep it
        short.

        Raises CommandError, CommandTimeout, NotConnectedError, CommandRefused (no permission),
        MalformedFrame.
        """
        transport = self._transport
        frame = frames.api(command)
        if transport is None or not self._up:
            raise NotConnectedError(f"{self.name} is not connected")
        reply = transport.request(frame, timeout_s if timeout_s is not None else self._command_timeout_s, what="api")
        if isinstance(reply, CommandReply):
            raise CommandRefused("api", reply.text.strip())
        return reply.text

    def _job_accepted(self, job_uuid: str, reply: CommandReply | ApiResponse | ESLError) -> None:
        # A lost connection ends all jobs in one place, `_closed`; an unreadable reply leaves it to the
        # deadline.
        if isinstance(reply, CommandReply) and not reply.ok:
            handler = self._jobs.take(job_uuid)
            if handler is not None:
                text = reply.text if reply.text.startswith("-") else f"-ERR {reply.text}"
                self._call_later(lambda: handler(JobReply(job_uuid, False, text, "refused")))

    def _end_job(self, job_uuid: str, handler: ReplyHandler, kind: JobKind) -> None:
        reply = JobReply(job_uuid, False, _FAILURE_TEXTS[kind], kind)
        self._call_later(lambda: handler(reply))

    def _watch_deadlines(self) -> None:
        while not self._stopping.is_set():
            self._jobs_changed.clear()
            deadline = self._jobs.next_deadline()
            self._jobs_changed.wait(timeout=None if deadline is None else max(0.0, deadline - self._clock()))
            for job_uuid, handler in self._jobs.expire(self._clock()):
                self.stats.job_timeouts += 1
                self._end_job(job_uuid, handler, "timeout")

    # -- connection ------------------------------------------------------------------------------------------

    def _supervise(self) -> None:
        failures, were_refused = 0, False
        while not self._stopping.is_set():
            started = self._clock()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            refused = isinstance(reason, AuthenticationError | AccessDenied | CommandRefused)
            # A connection that lasted starts the count again, as does a failure of the other kind: a switch that was
            # away for long and comes back is not waited for as after many refusals. One that dies at once does not.
            again = self._clock() - started > self._backoff.cap_s or refused is not were_refused
            failures, were_refused = 1 if again else failures + 1, refused
            delay = (self._auth_backoff if refused else self._backoff).delay_s(failures, self._rng)
            self.stats.failures += 1
            _log.warning("event socket %s: %s; next try in %.1f s", self.name, reason, delay)
            self._stopping.wait(timeout=delay)

    def _run_once(self) -> ESLError:
        """One connection from its start to its end; returns why it ended."""
        try:
            sock = open_socket(self.host, self.port, self._connect_timeout_s)
        except NotConnectedError as error:
            self._report_down(error)
            return error
        transport = Transport(
            sock,
            clock=self._clock,
            on_message=self._take_message,
            on_closed=self._closed,
            limits=self._limits,
            send_timeout_s=self._command_timeout_s,
        )
        self._transport = transport
        try:
            transport.authenticate(self._password, self._connect_timeout_s)
            self._subscribe(transport)
        except ESLError as error:
            transport.close(error)
        # It may have been lost behind the last reply: its `on_down` is then on the way already.
        if transport.is_open:
            self.stats.connects += 1
            self._up = True
            self._call_later(lambda: self._on_up(self))
            self._watch_liveness(transport)
        transport.join()
        self._transport = None
        return transport.close_reason or NotConnectedError("closed")

    def _subscribe(self, transport: Transport) -> None:
        wait = self._command_timeout_s
        filters = list(self._filters)
        if filters:
            filters += [("Event-Name", name) for name in ("BACKGROUND_JOB", "HEARTBEAT") if name in self._events]
        # Filters first, so that nothing unwanted comes in between.
        for header, value in filters:
            transport.command(frames.filter_add(header, value), wait, what=f"filter {header}")
        transport.command(frames.events(self._events), wait, what="event")

    def _watch_liveness(self, transport: Transport) -> None:
        """Returns when the connection has closed. Silence for too long is answered with a probe, then with a
        close.
        """
        while transport.is_open:
            silent_s = self._clock() - transport.last_read_at
            if silent_s < self._heartbeat_timeout_s:
                transport.closed.wait(timeout=self._heartbeat_timeout_s - silent_s)
                continue
            try:
                transport.request(frames.api(Status()), self._command_timeout_s, what="liveness probe")
            except NotConnectedError:
                transport.close(PeerSilent(f"nothing came for {silent_s:.0f} s and a probe went unanswered"))
            except ESLError:
                # An answer that can't be read is an answer.
                continue

    def _closed(self, reason: ESLError) -> None:
        self._up = False
        for job_uuid, handler in self._jobs.take_all():
            self._end_job(job_uuid, handler, "disconnected")
        self._report_down(reason)

    def _report_down(self, reason: ESLError) -> None:
        kind = "authentication refused: " if isinstance(reason, AuthenticationError) else ""
        text = f"{kind}{reason}"
        self._call_later(lambda: self._on_down(text))

    # -- from the socket to the consumer
    # -----------------------------------------------------------------------

    def _take_message(self, message: Event | DisconnectNotice | LogData | Malformed, now: float) -> None:
        if isinstance(message, Event):
            self.stats.events += 1
            if message.name == "BACKGROUND_JOB" and self._take_job(message):
                return
            self._queue_event(message, now)
        elif isinstance(message, Malformed):
            self.stats.malformed_frames += 1
            _log.warning("event socket %s: a frame was unusable: %s", self.name, message.reason)
        elif isinstance(message, DisconnectNotice):
            _log.info("event socket %s: the server says goodbye", self.name)

    def _take_job(self, event: Event) -> bool:
        """Whether the event is the answer to a job of this client."""
        job_uuid = event.get("Job-UUID", "")
        handler = self._jobs.take(job_uuid)
        if handler is None:
            # Somebody else's job, or one of ours that had been given up.
            self.stats.late_jobs += 1
            return False
        reply = replied(job_uuid, event.body or "")
        self._call_later(lambda: handler(reply))
        return True

    def _queue_event(self, event: Event, now: float) -> None:
        backlog = self._backlog
        if backlog.is_full:
            backlog.drop()
            self.stats.dropped_events += 1
            return
        backlog.put_event(event if self._headers is None else event.pick(self._headers), now)
        self._backlog_filled.set()

    def _call_later(self, call: Callable[[], object]) -> None:
        self._backlog.put_call(call)
        self._backlog_filled.set()

    def _dispatch(self) -> None:
        done, turn_ends = 0, self._clock() + _TURN_S
        while True:
            if not len(self._backlog):
                if gap := self._backlog.take_gap():
                    self.stats.gaps += 1
                    _log.warning("event socket %s: %d events were dropped", self.name, gap)
                    self._guarded(self._on_gap, gap)
                    continue
                if self._stopping.is_set() and (self._transport is None or self._transport.closed.is_set()):
                    return
                self._backlog_filled.clear()
                # While stopping, the connection's end is seen by looking: it need not queue anything.
                self._backlog_filled.wait(timeout=0.1 if self._stopping.is_set() else None)
                done, turn_ends = 0, self._clock() + _TURN_S
                continue
            item = self._backlog.pop()
            if isinstance(item, tuple):
                self._guarded(self._on_event, *item)
            else:
                self._guarded(item)
            done += 1
            if done >= _TURN_EVENTS or self._clock() >= turn_ends:
                gevent.sleep(0)
                done, turn_ends = 0, self._clock() + _TURN_S

    def _guarded(self, call: Callable[..., object], *args: object) -> None:
        try:
            call(*args)
        except Exception:  # the owner's fault must not end the dispatcher
            self.stats.callback_errors += 1
            _log.exception("event socket %s: a callback of the client's owner failed", self.name)
