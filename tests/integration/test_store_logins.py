"""Logins through the worker process: a floor that comes to work at once, and the gate beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from stores import SqlBench
from test_store_client import Daemon, fill, now_attempt

from dialer.domain.events import AttemptOpened, StoreEvent
from dialer.domain.phones import CheckPin, PinChecked
from dialer.store import pin_admin, pins


@pytest.fixture
def bench(tmp_path: Path) -> SqlBench:
    made = SqlBench(f"sqlite:///{tmp_path}/store.db", owner="fill")
    made.service.close()
    return made


@pytest.fixture
def daemon(bench: SqlBench) -> Iterator[Daemon]:
    made = Daemon(bench.url, busy_timeout_s=5.0)
    made.client.recover(20.0)
    yield made
    made.client.stop()


def check(session: str, agent: str, pin: str) -> CheckPin:
    return CheckPin(session, agent, pin, time.time())


def test_two_hundred_agents_log_in_and_no_call_waits_for_their_pins(bench: SqlBench, daemon: Daemon) -> None:
    right = {f"{1000 + n}": f"9{n:03d}71" for n in range(200)}
    for agent, pin in right.items():
        pin_admin.set_pin(bench.url, agent, pin)
    fill(bench, 20)
    leads = daemon.claim(20)
    waits: list[float] = []
    asked: dict[str, float] = {}

    def on_event(event: StoreEvent) -> None:
        daemon.events.append(event)
        if isinstance(event, AttemptOpened):
            waits.append(time.monotonic() - asked[event.attempt_id])

    daemon.on_event = on_event
    began = time.monotonic()
    for n in range(200):
        agent = f"{1000 + n}"
        daemon.client.submit(check(f"s{n}", agent, right[agent]))
        if n % 10 == 9:
            opening = now_attempt(leads[n // 10], f"a{n}")
            asked[opening.attempt_id] = time.monotonic()
            daemon.client.submit(opening)
            gevent.sleep(0.02)
    found = daemon.wait(PinChecked, 200, timeout_s=60.0)
    took = time.monotonic() - began
    daemon.wait(AttemptOpened, 20)
    assert {(e.session, e.ok) for e in found if isinstance(e, PinChecked)} == {(f"s{n}", True) for n in range(200)}
    assert took < 30.0
    assert sorted(waits)[len(waits) // 2] < 0.5, waits
    print(f"200 logins in {took:.1f} s; the gate's answers: median {sorted(waits)[10] * 1e3:.0f} ms")


def test_a_worker_that_dies_is_asked_again(bench: SqlBench, daemon: Daemon) -> None:
    pin_admin.set_pin(bench.url, "1001", "4711")
    pid = daemon.client.worker_pid
    assert pid is not None
    daemon.client.submit(check("s1", "1001", "0815"))
    daemon.client.submit(check("s2", "1001", "4711"))
    gevent.sleep(0.001)
    daemon.client._worker.kill()
    found = {e.session: e for e in daemon.wait(PinChecked, 2) if isinstance(e, PinChecked)}
    assert (found["s1"].ok, found["s2"].ok) == (False, True)


def test_a_store_that_is_away_says_so_and_not_that_the_pin_is_wrong(bench: SqlBench, daemon: Daemon) -> None:
    import sqlite3

    pin_admin.set_pin(bench.url, "1001", "4711")
    with sqlite3.connect(bench.engine.url.database or "", isolation_level=None) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        daemon.client.submit(check("s1", "1001", "4711"))
        (event,) = daemon.wait(PinChecked, timeout_s=30.0)
        assert isinstance(event, PinChecked) and not event.ok and "database is locked" in event.problem
        lock.execute("ROLLBACK")


def test_a_try_costs_a_few_milliseconds_and_the_same_for_all() -> None:
    def cost(secret: pins.Secret) -> float:
        best = 9.0
        for _ in range(5):
            began = time.thread_time()
            pins.matches("0815", secret)
            best = min(best, time.thread_time() - began)
        return best

    known, unknown = cost(pins.hashed("4711")), cost(pins.Secret())
    assert 0.002 < known < 0.08
    assert 0.5 < known / unknown < 2.0
