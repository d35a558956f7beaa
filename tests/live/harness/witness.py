"""A second, independent event-socket client: what the tests see of the switch does not pass through our own code.

Owns one connection with a reader thread, and the list of all events since it was opened. Blocking, for tests only.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

ALL_CHANNEL_EVENTS = (
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_PARK",
    "CHANNEL_UNPARK",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "PLAYBACK_START",
    "PLAYBACK_STOP",
    "BACKGROUND_JOB",
)


class Refused(Exception):
    """The event socket did not let us in."""


@dataclass(frozen=True)
class Seen:
    """One event: when it was read (``time.monotonic``), its name, the channel, all headers."""

    at: float
    name: str
    uuid: str
    headers: dict[str, Any]

    def __getitem__(self, header: str) -> str:
        return str(self.headers.get(header, ""))

    @property
    def application(self) -> str:
        """``playback …`` of an EXECUTE event, as name and argument."""
        return f"{self['Application']} {self['Application-Data']}".strip()


class Witness:
    """An event-socket connection that remembers every event."""

    def __init__(self, port: int, password: str, host: str = "127.0.0.1", timeout_s: float = 10.0) -> None:
        self.events: list[Seen] = []
        self.closed = False
        self._timeout_s = timeout_s
        self._replies: Queue[tuple[dict[str, str], str]] = Queue()
        self._changed = threading.Condition()
        self._sock = socket.create_connection((host, port), timeout=timeout_s)
        self._sock.settimeout(None)
        self._file = self._sock.makefile("rb")
        self._thread = threading.Thread(target=self._read_all, daemon=True)
        self._thread.start()
        try:
            greeting, _ = self._reply()
            if greeting.get("Content-Type") != "auth/request":
                raise Refused(f"{greeting.get('Content-Type')}")
            if not self._command(f"auth {password}").startswith("+OK"):
                raise Refused("the password was refused")
        except Refused:
            self.close()
            raise

    # ---- commands ------------------------------------------------------------------------------------------

    def subscribe(self, names: Sequence[str] = ALL_CHANNEL_EVENTS) -> None:
        """Get these events from now on."""
        reply = self._command("event json " + " ".join(names))
        assert reply.startswith("+OK"), reply

    def api(self, command: str) -> str:
        """The output of an API command."""
        self._send(f"api {command}")
        return self._reply()[1]

    def bgapi(self, command: str) -> str:
        """Start a background job; its id."""
        job = str(uuid.uuid4())
        reply = self._command(f"bgapi {command}\nJob-UUID: {job}")
        assert reply.startswith("+OK"), reply
        return job

    def job(self, job: str, timeout_s: float = 10.0) -> Seen:
        """The BACKGROUND_JOB event of a job; its output is in the header ``_body``."""
        return self.wait(lambda e: e.name == "BACKGROUND_JOB" and e["Job-UUID"] == job, timeout_s, f"job {job}")

    def channels(self) -> list[dict[str, str]]:
        """``show channels as json``."""
        return json.loads(self.api("show channels as json")).get("rows", [])

    def close(self) -> None:
        """Close the connection."""
        self.closed = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- events --------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """Where the list of events ends now; ``wait`` and ``of`` start there."""
        return len(self.events)

    def of(self, leg: str, start: int = 0) -> list[Seen]:
        """The events of one channel, in order."""
        return [event for event in self.events[start:] if event.uuid == leg]

    def names(self, leg: str, start: int = 0) -> list[str]:
        """The names of one channel's events, in order."""
        return [event.name for event in self.of(leg, start)]

    def wait(self, wanted: Callable[[Seen], bool], timeout_s: float, what: str, start: int = 0) -> Seen:
        """The first event from ``start`` on that is wanted. Raises AssertionError after the time."""
        deadline = time.monotonic() + timeout_s
        index = start
        with self._changed:
            while True:
                while index < len(self.events):
                    if wanted(self.events[index]):
                        return self.events[index]
                    index += 1
                left = deadline - time.monotonic()
                if left <= 0 or self.closed:
                    tail = [f"{e.name} {e.uuid[:8]}" for e in self.events[-12:]]
                    raise AssertionError(f"waited {timeout_s:g} s in vain for {what}; the last events: {tail}")
                self._changed.wait(left)

    def wait_for(self, name: str, leg: str, timeout_s: float = 10.0, start: int = 0) -> Seen:
        """The first event of this name on this channel."""
        return self.wait(lambda e: e.name == name and e.uuid == leg, timeout_s, f"{name} on {leg}", start)

    def never(self, wanted: Callable[[Seen], bool], for_s: float, start: int = 0) -> bool:
        """Whether no such event comes for so long."""
        try:
            self.wait(wanted, for_s, "", start)
        except AssertionError:
            return not self.closed
        return False

    # ---- the wire ------------------------------------------------------------------------------------------

    def _send(self, text: str) -> None:
        self._sock.sendall(f"{text}\n\n".encode())

    def _command(self, text: str) -> str:
        self._send(text)
        return self._reply()[0].get("Reply-Text", "")

    def _reply(self) -> tuple[dict[str, str], str]:
        try:
            headers, body = self._replies.get(timeout=self._timeout_s)
        except Empty:
            raise Refused("no reply in time") from None
        if not headers:
            raise Refused("the connection was closed")
        return headers, body

    def _read_all(self) -> None:
        try:
            while self._read_frame():
                pass
        except (OSError, ValueError):
            pass
        self._replies.put(({}, ""))
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _read_frame(self) -> bool:
        headers: dict[str, str] = {}
        while (line := self._file.readline().decode(errors="replace")) not in ("\n", ""):
            key, _, value = line.rstrip("\n").partition(": ")
            headers[key] = value
        if not headers:
            return False
        body = self._file.read(int(headers.get("Content-Length", "0"))).decode(errors="replace")
        kind = headers.get("Content-Type", "")
        if kind == "text/event-json":
            event = json.loads(body)
            seen = Seen(time.monotonic(), event.get("Event-Name", ""), event.get("Unique-ID", ""), event)
            with self._changed:
                self.events.append(seen)
                self._changed.notify_all()
        elif kind != "text/disconnect-notice" or not self.closed:
            self._replies.put((headers, body))
        return True
