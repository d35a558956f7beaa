"""How many captured events a CPU-second decodes: greenswitch, python-ESL (where it is installed) and our
codec.

Each reads the same bytes from a TCP socket (a process of its own sends them, so that only reading is counted)
and takes of each event its name, its UUID and six headers. `run()` returns the figures; as a program it
prints them.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from esl.headers import Event
from esl.protocol import Decoder
from esl.testing import capture_frames, captured_streams, captures_folder

REPOSITORY = Path(__file__).resolve().parents[1]
READ = (
    "Event-Date-Timestamp",
    "Channel-State",
    "Answer-State",
    "Call-Direction",
    "Caller-Destination-Number",
    "Channel-Call-UUID",
)
SUBSCRIBED = frozenset(
    """
    CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_PARK
    CHANNEL_UNPARK CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY BACKGROUND_JOB HEARTBEAT SHUTDOWN """.split()
)
TARGETS = {"greenswitch": 8.0, "python_esl": 4.0}
_SENDER = """
import socket, sys
login, times, frames = sys.argv[1] == "login", int(sys.argv[2]), sys.stdin.buffer.read()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
if login:
    connection.sendall(b"Content-Type: auth/request\\n\\n")
    connection.recv(65536)
    connection.sendall(b"Content-Type: command/reply\\nReply-Text: +OK accepted\\n\\n")
for _ in range(times):
    connection.sendall(frames)
while connection.recv(65536):
    pass
"""


def captured_events() -> list[bytes]:
    """The frames of all captured events in the plain format."""
    folders = (REPOSITORY / "tests" / "fixtures" / "esl", captures_folder(REPOSITORY))
    frames = [frame for path in captured_streams(*folders) for frame in capture_frames(path.read_bytes())]
    return [frame for frame in frames if b"\nContent-Type: text/event-plain\n\n" in frame[:100]]


def subscribed_events() -> list[bytes]:
    """Those of them that the dialer subscribes to."""
    return [frame for frame in captured_events() if _name(frame) in SUBSCRIBED]


@contextmanager
def sender(frames: bytes, times: int, login: bool) -> Iterator[int]:
    """A process that lets the first that connects log in, then sends it `frames` so many times; gives its
    port.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _SENDER, "login" if login else "", str(times)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(frames)
    process.stdin.close()
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def read_ours(port: int, expected: int) -> None:
    """Reads so many events with our decoder."""
    count = 0
    decoder = Decoder()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        while count < expected:
            for event in decoder.feed(sock.recv(256 << 10)):
                if isinstance(event, Event):
                    count += 1
                    _ = event.name, event.uuid
                    for name in READ:
                        event.get(name)


def read_ours_as_client(port: int, expected: int) -> None:
    """Reads so many events with our connection of greenswitch's shape, handler and all."""
    import gevent.event

    from esl.connection import ESLEvent, InboundESL

    count = 0
    done = gevent.event.Event()

    def handler(event: ESLEvent) -> None:
        nonlocal count
        count += 1
        for name in ("Event-Name", "Unique-ID", *READ):
            event.get(name)
        if count == expected:
            done.set()

    client = InboundESL("127.0.0.1", port, "any", max_queued_events=expected)
    client.register_handle("*", handler)
    with client:
        done.wait()


def read_greenswitch(port: int, expected: int) -> None:
    """Reads so many events with greenswitch as it is used: a connection, its two greenlets and a handler."""
    import gevent.event
    from greenswitch import InboundESL

    count = 0
    done = gevent.event.Event()

    def handler(event: Any) -> None:
        nonlocal count
        count += 1
        headers = event.headers
        for name in ("Event-Name", "Unique-ID", *READ):
            headers.get(name)
        if count == expected:
            done.set()

    client = InboundESL("127.0.0.1", port, "any")
    client.register_handle("*", handler)
    client.connect()
    done.wait()
    # Its `stop` would wait for a reply to `exit`.
    gevent.killall([client._receive_events_greenlet, client._process_events_greenlet])
    client.sock.close()


def read_greenswitch_codec(port: int, expected: int) -> None:
    """Reads so many events with greenswitch's receiver alone, on a plain socket and without a hub."""
    from greenswitch.esl import ESLProtocol

    count = 0

    class Sink:
        def put(self, event: Any) -> None:
            nonlocal count
            count += 1
            headers = event.headers
            for name in ("Event-Name", "Unique-ID", *READ):
                headers.get(name)
            if count == expected:
                protocol._run = False

    with socket.create_connection(("127.0.0.1", port)) as sock:
        protocol = ESLProtocol()
        protocol.sock = sock
        protocol.sock_file = sock.makefile("rb")
        protocol.connected = True
        protocol._esl_event_queue = Sink()
        protocol.receive_events()


def read_python_esl(port: int, expected: int) -> None:
    """Reads so many events with python-ESL."""
    import ESL

    connection = ESL.ESLconnection("127.0.0.1", str(port), "any")
    for _ in range(expected):
        event = connection.recvEvent()
        for header in ("Event-Name", "Unique-ID", *READ):
            event.getHeader(header)
    connection.disconnect()


def measure(read: Callable[[int, int], None], frames: list[bytes], seconds: float, *, login: bool = False) -> float:
    """Events per CPU-second, the best of three runs of about a third of `seconds` each."""
    stream = b"".join(frames)
    best, times = 0.0, 1
    for attempt in range(4):
        with sender(stream, times, login) as port:
            started = time.process_time()
            read(port, times * len(frames))
            spent = time.process_time() - started
        if attempt:
            best = max(best, times * len(frames) / spent)
        else:
            # The first run warms up, and tells how many rounds take long enough.
            times = max(1, min(200, round(times * seconds / 3 / spent)))
    return best


READERS: dict[str, tuple[Callable[[int, int], None], bool]] = {
    "ours": (read_ours, False),
    "ours_as_client": (read_ours_as_client, True),
    "greenswitch": (read_greenswitch, True),
    "greenswitch_codec": (read_greenswitch_codec, False),
    "python_esl": (read_python_esl, True),
}


def run(seconds: float = 3.0) -> dict[str, Any]:
    """Measures all that are there, each for about `seconds`. Rates in events per CPU-second.

    `subscribed`: the captured events that the dialer subscribes to, on which the targets count; `all`: every
    captured event, small ones included that the dialer never asks for.
    """
    events = captured_events()
    mixes = {"subscribed": subscribed_events(), "all": events}
    results: dict[str, Any] = {"headers_read": 2 + len(READ), "targets": TARGETS}
    try:
        import ESL  # noqa: F401
    except ImportError:
        results["python_esl_missing"] = "python-ESL is not installed: `make conformance-setup` builds it"
    for mix, frames in mixes.items():
        figures: dict[str, Any] = {
            "events": len(frames),
            "mean_bytes": round(sum(map(len, frames)) / len(frames)),
        }
        for name, (read, login) in READERS.items():
            if name != "python_esl" or "python_esl_missing" not in results:
                figures[f"{name}_per_s"] = round(measure(read, frames, seconds, login=login))
        for name in READERS:
            if not name.startswith("ours") and f"{name}_per_s" in figures:
                figures[f"ratio_to_{name}"] = round(figures["ours_per_s"] / figures[f"{name}_per_s"], 1)
        results[mix] = figures
    results["reached"] = all(
        results["subscribed"].get(f"ratio_to_{other}", target) >= target for other, target in TARGETS.items()
    )
    return results


def _name(frame: bytes) -> str:
    at = frame.find(b"\nEvent-Name: ") + 13
    return frame[at : frame.find(b"\n", at)].decode()


def main() -> None:
    results = run()
    for mix in ("subscribed", "all"):
        figures = results[mix]
        print(f"{mix} events: {figures['events']} captured, {figures['mean_bytes']} bytes each on average;", end=" ")
        print(f"{results['headers_read']} values read of each")
        print(f"  {'':18} {'events per CPU-second':>22} {'ours is':>9} {'target':>7}")
        for name in READERS:
            if f"{name}_per_s" in figures:
                ratio = figures.get(f"ratio_to_{name}")
                target = TARGETS.get(name) if mix == "subscribed" else None
                print(f"  {name:18} {figures[f'{name}_per_s']:>22,}", end=" ")
                print(f"{f'{ratio}x' if ratio else '':>9} {f'{target:g}x' if target else '':>7}")
        print()
    if "python_esl_missing" in results:
        print(results["python_esl_missing"])


if __name__ == "__main__":
    main()
