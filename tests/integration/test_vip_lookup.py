"""A business system over HTTP: what it may answer, how long it may take, and what is kept of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gevent
import gevent.queue
import pytest

from dialer.business import AT_ONCE, MOST_BYTES, VipLookup
from dialer.domain.inbound import AskVip, VipTold
from dialer.domain.routing import LookupSettings
from routing.vip import Asked

NOW = 1_000.0
ANNA = "+4917012345"
Answer = tuple[int, bytes]


class Business:
    """Answers with what it is told to; ``gate`` holds answers back."""

    def __init__(self) -> None:
        self.answers: Callable[[str], Answer] = lambda number: (200, b'{"vip": true}')
        self.asked: list[tuple[str, str, str | None]] = []
        self.gate = threading.Event()
        self.gate.set()
        business = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                number = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["number"]
                business.asked.append((self.path, number, self.headers["Authorization"]))
                business.gate.wait(10.0)
                status, body = business.answers(number)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/vip?tenant=7"

    def stop(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


class Asking:
    """A lookup with a clock that is set by hand, and what it has told."""

    def __init__(self, url: str, deadline_s: float = 5.0) -> None:
        self.now = NOW
        self.told: gevent.queue.Queue[VipTold] = gevent.queue.Queue()
        settings = LookupSettings(url, "secret", deadline_s, keep_s=60.0)
        self.lookup = VipLookup(settings, lambda: self.now, self.told.put)

    def ask(self, number: str = ANNA, call: str = "c1") -> VipTold:
        self.lookup(AskVip(call, number))
        return self.told.get(timeout=10.0)


@pytest.fixture
def business() -> Iterator[Business]:
    made = Business()
    yield made
    made.stop()


def test_the_number_goes_in_the_body_and_the_answer_is_kept(business: Business) -> None:
    asking = Asking(business.url)
    business.answers = lambda number: (200, b'{"vip": true, "agent": "1001", "since": 2019}')
    assert asking.ask() == VipTold("c1", Asked(True, NOW, "1001"))
    assert business.asked == [("/vip?tenant=7", ANNA, "Bearer secret")]
    asking.now += 60.0
    assert asking.ask(call="c2") == VipTold("c2", Asked(True, NOW, "1001"))
    assert len(business.asked) == 1
    asking.now += 1.0
    business.answers = lambda number: (404, b"")
    assert asking.ask() == VipTold("c1", Asked(False, NOW + 61.0))
    assert asking.lookup.said(ANNA) == Asked(False, NOW + 61.0) and asking.lookup.said("+491") is None
    assert len(business.asked) == 2  # being asked what it said is no question to it


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((500, b"oops"), "status 500"),
        ((302, b""), "status 302"),
        ((200, b"<html>"), "none"),
        ((200, b'{"vip": "yes"}'), "none (vip)"),
        ((200, b'{"vip": true, "agent": 7}'), "none (agent)"),
        ((200, b"[" * 40_000), "none"),
        ((200, b'"' + b"x" * MOST_BYTES + b'"'), "more than"),
    ],
)
def test_an_answer_that_is_none_is_told_and_what_was_said_before_counts(
    business: Business, answer: Answer, problem: str
) -> None:
    asking = Asking(business.url)
    assert asking.ask().asked == Asked(True, NOW)
    asking.now += 100.0
    business.answers = lambda number: answer
    told = asking.ask()
    assert told.asked == Asked(True, NOW) and problem in told.problem
    assert ANNA not in told.problem and "secret" not in told.problem


def test_nobody_there(business: Business) -> None:
    business.stop()
    told = Asking(business.url).ask()
    assert told.asked is None and "ConnectionRefusedError" in told.problem


def test_a_slow_one_is_not_waited_for_and_its_answer_is_kept_for_the_next_call(business: Business) -> None:
    asking = Asking(business.url, deadline_s=0.05)
    business.gate.clear()
    told = asking.ask()
    assert told.asked is None and told.problem == "no answer within 0.05 s"
    assert asking.ask(call="c2").problem, "the same number is not asked twice at once"
    assert len(business.asked) == 1
    business.gate.set()
    with gevent.Timeout(10.0):
        while asking.ask(call="c3").asked is None:
            gevent.sleep(0)
    assert asking.ask(call="c4") == VipTold("c4", Asked(True, NOW)) and len(business.asked) == 1


def test_no_more_than_some_requests_at_once(business: Business) -> None:
    asking = Asking(business.url, deadline_s=0.05)
    business.gate.clear()
    for each in range(AT_ONCE):
        asking.lookup(AskVip(f"c{each}", f"+49170{each:05d}"))
    gevent.sleep(0)
    assert "under way" in asking.ask(call="late").problem
    told = {asking.told.get(timeout=10.0).problem for _ in range(AT_ONCE)}
    assert told == {"no answer within 0.05 s"}
