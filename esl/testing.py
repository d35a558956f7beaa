"""For tests: a scripted event-socket server, and captured streams to replay. Writes its own wire bytes, on
purpose: a peer that shared the codec would hide the codec's faults.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import quote

import gevent
import gevent.event
import gevent.queue
import gevent.server
import gevent.socket

# Given the connection and a command's lines; returns the bytes to answer, or None for the usual answer.
Script: TypeAlias = Callable[["PeerConnection", list[str]], bytes | None]

_LENGTH: Final = re.compile(rb"^Content-Length: (\d+)$", re.MULTILINE)


def reply(text: str, **headers: str) -> bytes:
    """A command/reply frame."""
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"Content-Type: command/reply\nReply-Text: {text}\n{extra}\n".encode()


def api_response(text: str) -> bytes:
    """An api/response frame."""
    body = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body


def plain_event(name: str, headers: Mapping[str, str] | None = None, body: str = "") -> bytes:
    """A text/event-plain frame, values escaped as FreeSWITCH does."""
    lines = [f"Event-Name: {name}"]
    lines += [f"{key}: {quote(value, safe='/,()!$*~-._') or '_undef_'}" for key, value in (headers or {}).items()]
    raw = body.encode()
    if raw:
        lines.append(f"Content-Length: {len(raw)}")
    block = ("\n".join(lines) + "\n\n").encode() + raw
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(block) + block


class PeerConnection:
    """One client's connection, seen from the server."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.commands: list[list[str]] = []

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._sock.sendall(data)

    def close(self) -> None:
        """Ends the connection."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(2)
        self._sock.close()


class ScriptedPeer:
    """An event-socket server on 127.0.0.1 and a free port, for one test.

    It asks for `password` and answers `+OK` to each command; `script` may answer instead, or send events, or
    close. `api` gets `+OK`, `bgapi` an accepted job whose BACKGROUND_JOB is left to the script.
    """

    def __init__(self, password: str = "secret", script: Script | None = None, greeting: bytes | None = None) -> None:
        self.password = password
        self.script = script
        self.greeting = greeting if greeting is not None else b"Content-Type: auth/request\n\n"
        self.connections: gevent.queue.Queue[PeerConnection] = gevent.queue.Queue()
        self.commands: gevent.queue.Queue[list[str]] = gevent.queue.Queue()
        self._open: list[PeerConnection] = []
        self._server = gevent.server.StreamServer(("127.0.0.1", 0), self._serve)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def stop(self) -> None:
        """Stops listening and closes every connection."""
        self._server.stop(timeout=0)
        for connection in self._open:
            connection.close()

    def next_connection(self, timeout_s: float = 5.0) -> PeerConnection:
        """The next client that has connected. Raises gevent.queue.Empty."""
        connection: PeerConnection = self.connections.get(timeout=timeout_s)
        return connection

    def wait_for(self, prefix: str, timeout_s: float = 5.0) -> list[str]:
        """The lines of the next command that starts with `prefix`; others are passed over. Raises
        gevent.Timeout.
        """
        with gevent.Timeout(timeout_s):
            while True:
                lines: list[str] = self.commands.get()
                if lines[0].startswith(prefix):
                    return lines

    def _serve(self, sock: Any, address: Any) -> None:
        sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        connection = PeerConnection(sock)
        self._open.append(connection)
        self.connections.put(connection)
        try:
            connection.send(self.greeting)
            for lines in _commands(sock):
                connection.commands.append(lines)
                self.commands.put(lines)
                answer = self.script(connection, lines) if self.script is not None else None
                connection.send(answer if answer is not None else self._usual(lines))
        except OSError:
            return

    def _usual(self, lines: list[str]) -> bytes:
        verb, _, rest = lines[0].partition(" ")
        if verb == "auth":
            return reply("+OK accepted") if rest == self.password else reply("-ERR invalid")
        if verb == "api":
            return api_response("+OK\n")
        if verb == "bgapi":
            job = next((line.partition(": ")[2] for line in lines if line.startswith("Job-UUID: ")), "none")
            return reply(f"+OK Job-UUID: {job}", Job_UUID=job)
        return reply("+OK")


def job_uuid_of(lines: list[str]) -> str:
    """The Job-UUID header of a bgapi command."""
    return next(line.partition(": ")[2] for line in lines if line.startswith("Job-UUID: "))


def background_job(job_uuid: str, text: str) -> bytes:
    """The BACKGROUND_JOB event that ends a job."""
    return plain_event("BACKGROUND_JOB", {"Job-UUID": job_uuid}, text)


def _commands(sock: Any) -> Iterator[list[str]]:
    buffer = b""
    while True:
        data = sock.recv(65536)
        if not data:
            return
        buffer += data
        while b"\n\n" in buffer:
            block, _, buffer = buffer.partition(b"\n\n")
            if block:
                yield block.decode().split("\n")


def captures_folder(repository: Path) -> Path | None:
    """Where the captured streams are: `$DIALER_CAPTURES`, or beside the repository; None when they are
    nowhere.
    """
    named = os.environ.get("DIALER_CAPTURES")
    folder = Path(named) if named else repository.parent / "shared" / "captures"
    return folder if folder.is_dir() else None


def captured_streams(*folders: Path | None) -> list[Path]:
    """All captured streams under these folders, by name; a name found twice counts once."""
    found: dict[str, Path] = {}
    for folder in folders:
        if folder is not None:
            for path in sorted(folder.rglob("*.raw.txt")):
                found.setdefault(path.name, path)
    return list(found.values())


def capture_frames(stream: bytes) -> Iterator[bytes]:
    """The frames of a captured stream, each as it was on the wire."""
    at = 0
    while at < len(stream):
        end = stream.find(b"\n\n", at)
        if end < 0:
            return
        stated = _LENGTH.search(stream[at:end])
        stop = end + 2 + (int(stated[1]) if stated else 0)
        yield stream[at:stop]
        at = stop
