"""The business system is asked whether a caller is a VIP, in threads of its own, and what it said is kept for a while.

Owns the request, what of an answer is believed, the answers that are kept, and how many requests may be under way: one
that hangs must stop neither calls nor the loop. Numbers go in the body, never into an address, a log or an error. How
long a caller is kept waiting for this is the engine's; an answer that comes later is kept for their next call. Must not
know calls.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import gevent
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool
from pydantic import BaseModel, ConfigDict, StrictBool, StrictStr, ValidationError

from dialer.domain.inbound import AskVip, VipTold
from dialer.domain.routing import LookupSettings
from routing.vip import Asked

AT_ONCE: Final = 8
"""Requests under way; with more the system is slow, and callers are taken by our own rules."""
MOST_KEPT: Final = 50_000
MOST_BYTES: Final = 64 * 1024
THREAD_S: Final = 2.0
"""A request's single steps may take so long; the caller is not kept waiting for them."""


class LookupFailed(Exception):
    """The business system gave no answer that can be believed; the text says why, and names no number."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    vip: StrictBool
    agent: StrictStr | None = None


def ask(settings: LookupSettings, number: str) -> tuple[bool, str | None]:
    """One request, in this thread: whether VIP, and the personal agent. Raises LookupFailed."""
    parts = urlsplit(settings.url)
    step_s = max(THREAD_S, settings.deadline_s)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=step_s, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=step_s)
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, json.dumps({"number": number}), headers)
        response = connection.getresponse()
        body = response.read(MOST_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise LookupFailed(f"{type(error).__name__} from {parts.hostname}") from None
    finally:
        connection.close()
    if response.status == 404:
        return False, None
    if response.status != 200:
        raise LookupFailed(f"status {response.status}, expected 200, or 404 for nobody")
    if len(body) > MOST_BYTES:
        raise LookupFailed(f"more than {MOST_BYTES} bytes")
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) or "the body" for each in error.errors())
        expected = 'expected {"vip": true} or false, perhaps with an agent'
        raise LookupFailed(f"an answer that is none ({wrong}): {expected}") from None
    return answer.vip, answer.agent or None


def asked(settings: LookupSettings, number: str) -> tuple[bool, str | None] | LookupFailed:
    """``ask`` without raising: what a thread raises is printed by its pool."""
    try:
        return ask(settings, number)
    except LookupFailed as error:
        return error


class VipLookup:
    """Asks, keeps, and tells. ``tell`` gets one VipTold for each question, after the deadline at the latest."""

    def __init__(self, settings: LookupSettings, clock: Callable[[], float], tell: Callable[[VipTold], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._kept: OrderedDict[str, Asked] = OrderedDict()
        self._pool = ThreadPool(AT_ONCE)
        self._under_way: dict[str, AsyncResult[Asked | LookupFailed]] = {}
        self.counters: Counter[str] = Counter()

    def __call__(self, order: AskVip) -> None:
        """Answer from what is kept, or ask; never blocks."""
        now, kept = self._clock(), self._kept.get(order.number)
        if kept is not None and 0.0 <= now - kept.at <= self._settings.keep_s:
            self.counters["kept"] += 1
            self._tell(VipTold(order.call_id, kept))
        elif order.number not in self._under_way and len(self._under_way) >= AT_ONCE:
            self._failed(order, f"{AT_ONCE} requests are under way already")
        else:
            gevent.spawn(self._wait, order, self._request(order.number))

    def said(self, number: str) -> Asked | None:
        """What is kept of a number, however old; nobody is asked."""
        return self._kept.get(number)

    def _request(self, number: str) -> AsyncResult[Asked | LookupFailed]:
        answer = self._under_way.get(number)
        if answer is None:
            answer = self._under_way[number] = AsyncResult()
            gevent.spawn(self._fetch, number, answer)
        return answer

    def _fetch(self, number: str, answer: AsyncResult[Asked | LookupFailed]) -> None:
        try:
            told = self._pool.spawn(asked, self._settings, number).get()
        finally:
            del self._under_way[number]
        if isinstance(told, LookupFailed):
            answer.set(told)
            return
        self._kept[number] = found = Asked(told[0], self._clock(), told[1])
        self._kept.move_to_end(number)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        answer.set(found)

    def _wait(self, order: AskVip, answer: AsyncResult[Asked | LookupFailed]) -> None:
        try:
            told = answer.get(timeout=self._settings.deadline_s)
        except gevent.Timeout:
            self._failed(order, f"no answer within {self._settings.deadline_s:g} s")
            return
        if isinstance(told, LookupFailed):
            self._failed(order, str(told))
        else:
            self.counters["vip" if told.vip else "no_vip"] += 1
            self._tell(VipTold(order.call_id, told))

    def _failed(self, order: AskVip, problem: str) -> None:
        """What was said before still counts, as long as routing lets it."""
        self.counters["failed"] += 1
        self._tell(VipTold(order.call_id, self._kept.get(order.number), problem))
