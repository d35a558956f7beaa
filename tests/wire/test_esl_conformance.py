"""Our codec and python-ESL, an independent client in C, read the same captured streams: every header must
agree.

python-ESL is optional (`make conformance-setup`); without it these tests skip. Where the two differ on
purpose, the difference is spelled out here and nowhere else:

* an empty value, `_undef_` in the plain format: python-ESL hands the word on, we read it as empty, as in
  JSON;
* python-ESL adds `Event-Name: SOCKET_DATA` to frames that are no events; we keep such frames apart by type.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from esl.headers import Event
from esl.protocol import ApiResponse, AuthRequest, CommandReply, Decoder, DisconnectNotice, Message
from esl.testing import captured_streams, captures_folder

ESL = pytest.importorskip("ESL", reason="python-ESL is not installed: `make conformance-setup` builds it")

REPOSITORY = Path(__file__).resolve().parents[2]
STREAMS = captured_streams(REPOSITORY / "tests" / "fixtures" / "esl", captures_folder(REPOSITORY))


@pytest.fixture
def serve() -> Iterator[Any]:
    """Gives a function that serves bytes once on a free port."""
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def start(data: bytes) -> int:
        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    listener.close()
    for thread in threads:
        thread.join(timeout=5)


def _theirs(port: int) -> list[tuple[dict[str, str], str | None]]:
    connection = ESL.ESLconnection("127.0.0.1", str(port), "any")
    assert connection.connected()
    frames: list[tuple[dict[str, str], str | None]] = []
    while True:
        event = connection.recvEvent()
        if event is None or event.getHeader("Event-Name") == "SERVER_DISCONNECTED":
            return frames
        headers: dict[str, str] = {}
        name = event.firstHeader()
        while name:
            headers.setdefault(name, event.getHeader(name))
            name = event.nextHeader()
        frames.append((headers, event.getBody()))


def _ours(message: Message) -> tuple[Mapping[str, str], str | None]:
    if isinstance(message, Event):
        return message.headers, message.body
    assert isinstance(message, CommandReply | ApiResponse)
    return message.headers.headers, message.text if isinstance(message, ApiResponse) else None


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name.removesuffix(".raw.txt"))
def test_every_header_agrees(path: Path, serve: Any) -> None:
    stream = path.read_bytes()
    messages = Decoder().feed(stream)
    # python-ESL swallows the greeting and the reply to its own login, and ends at the disconnect notice.
    assert isinstance(messages[0], AuthRequest) and isinstance(messages[1], CommandReply)
    if isinstance(messages[-1], DisconnectNotice):
        messages.pop()
    theirs = _theirs(serve(stream))
    assert len(theirs) == len(messages) - 2
    for (their_headers, their_body), message in zip(theirs, messages[2:], strict=True):
        headers, body = _ours(message)
        expected = {name: "" if value == "_undef_" else value for name, value in their_headers.items()}
        if not isinstance(message, Event):
            assert expected.pop("Event-Name") == "SOCKET_DATA"
        assert dict(headers) == expected
        assert (body or None) == (their_body or None)
