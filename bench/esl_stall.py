"""How much memory a process takes whose consumer of events stalls while 100,000 events wait.

A process of its own runs our client with the headers that a dialer reads, against a server that sends
captured events as fast as the socket takes them; the consumer blocks in its first event. `run()` returns the
figures; as a program it prints them.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
EVENTS = 100_000
TARGET_MB = 200
HEADERS = frozenset(
    """
    Unique-ID Event-Date-Timestamp Event-Sequence Core-UUID Call-Direction Channel-State Answer-State
    Hangup-Cause Caller-Destination-Number Caller-Channel-Answered-Time Bridge-A-Unique-ID Bridge-B-Unique-ID
    Other-Leg-Unique-ID Job-UUID variable_presence_data variable_dialer_attempt variable_dialer_campaign
    variable_dialer_agent variable_dialer_epoch variable_billsec variable_hangup_cause_q850
    variable_sip_term_status variable_proto_specific_hangup_cause variable_sip_hangup_disposition
    variable_originate_disposition """.split()
)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _peak_mb() -> float:
    """The process's own peak: `ru_maxrss` would count what the process that started it held, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _stalled_client(port: int) -> dict[str, Any]:
    """Runs in the measured process: fills the backlog, drops some, then lets the consumer go on."""
    import gevent
    import gevent.event

    from esl.client import Client
    from esl.headers import EventLike

    gate, gap = gevent.event.Event(), gevent.event.AsyncResult()
    handled = 0

    def on_event(event: EventLike, received_at: float) -> None:
        nonlocal handled
        gate.wait()
        event.get("Unique-ID")
        handled += 1

    before = _rss_mb()
    client = Client(
        "127.0.0.1",
        port,
        "any",
        name="bench",
        events=["ALL"],
        headers=HEADERS,
        on_event=on_event,
        on_up=lambda client: None,
        on_down=lambda reason: None,
        on_gap=gap.set,
        max_backlog=EVENTS,
        # The server of this bench only sends; the reply to the subscription never comes.
        command_timeout_s=600.0,
        rng=random.Random(1),
    )
    client.start()
    started = time.process_time()
    while client.stats.dropped_events < 5_000:
        gevent.sleep(0.01)
    spent = time.process_time() - started
    waiting, full = client.backlog, _rss_mb()
    received = client.stats.events
    gate.set()
    dropped = gap.get(timeout=120)
    result = {
        "events_waiting": waiting,
        "rss_mb_before": round(before, 1),
        "rss_mb": round(full, 1),
        "peak_rss_mb": round(_peak_mb(), 1),
        "drained_events_per_cpu_s": round(received / spent),
        "handled_after": handled,
        "dropped_and_marked": dropped,
        "target_mb": TARGET_MB,
    }
    result["reached"] = result["peak_rss_mb"] < TARGET_MB and waiting == EVENTS and handled >= EVENTS
    client.stop()
    return result


def run() -> dict[str, Any]:
    """Measures in a fresh process. Sizes in MB (10^6 bytes), the whole process included."""
    from bench.esl_decode import sender, subscribed_events

    frames = subscribed_events()
    stream = b"".join(frames)
    times = EVENTS // len(frames) + 20
    with sender(stream, times, True) as port:
        done = subprocess.run(
            [sys.executable, "-m", "bench.esl_stall", str(port)],
            cwd=REPOSITORY,
            check=True,
            stdout=subprocess.PIPE,
        )
    result: dict[str, Any] = json.loads(done.stdout)
    result["mean_bytes_on_the_wire"] = round(len(stream) / len(frames))
    return result


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(_stalled_client(int(sys.argv[1]))))
        return
    for name, value in run().items():
        print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
