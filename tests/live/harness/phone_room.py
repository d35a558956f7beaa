"""The one thread of all phones of a test: moves their packets, ticks their audio, rings their timers.

Owns the lock under which everything of a phone happens. ``harness.phone`` makes the phones.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from harness.phone_media import FRAME_S, Media

if TYPE_CHECKING:
    from harness.phone import Phone


class Room:
    """All phones of a test and their one thread."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.phones: list[Phone] = []
        self.errors: list[str] = []
        """What went wrong in the thread; must be empty at the end."""
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], float | None]]] = []
        self._counter = itertools.count()
        self._media: set[Media] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="phones", daemon=True)
        self._thread.start()

    def phone(self, user: str, port: int, domain: str = "", secret: str = "", **more: object) -> Phone:
        """A phone whose server listens on ``port``; keyword arguments are ``Phone``'s."""
        from harness.phone import Phone

        phone = Phone(self, user, port, domain, secret, **more)  # type: ignore[arg-type]
        self.phones.append(phone)
        return phone

    def wait(self, true: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait until something is true. Raises AssertionError."""
        with self.changed:
            assert self.changed.wait_for(true, timeout_s), f"waited {timeout_s:g} s in vain for {what}"

    def sleep(self, seconds: float) -> None:
        """Let time pass; the phones go on."""
        threading.Event().wait(seconds)

    def again(self, after_s: float, what: Callable[[], float | None]) -> None:
        """Call ``what`` later in the thread, and again as long as it returns seconds."""
        with self.changed:
            heapq.heappush(self._timers, (time.monotonic() + after_s, next(self._counter), what))

    def watch(self, sock: socket.socket, readable: Callable[[], None]) -> None:
        """Read a socket in the thread."""
        with self.changed:
            self._selector.register(sock, selectors.EVENT_READ, readable)

    def add(self, media: Media) -> None:
        """Move a call's audio from now on."""
        with self.changed:
            self._media.add(media)
            if media.every == 1:
                self.watch(media.sock, media.readable)  # others are deaf: what comes in is left to the kernel

    def drop(self, media: Media) -> None:
        """No longer; what was heard stays."""
        with self.changed:
            if media in self._media:
                self._media.discard(media)
                if media.every == 1:
                    self._selector.unregister(media.sock)
                media.close()

    def close(self) -> None:
        """End every phone without a word and stop the thread."""
        self._closing = True
        self._thread.join(timeout=5)
        for media in list(self._media):
            self.drop(media)
        for phone in self.phones:
            phone.sock.close()
        self._selector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        assert kind is not None or not self.errors, self.errors

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing:
            ready = self._selector.select(max(0.0, due - time.monotonic()))
            with self.changed:
                try:
                    for key, _ in ready:
                        # By number: whoever was dropped a moment ago has closed its socket.
                        if self._selector.get_map().get(key.fd) is key:
                            key.data()
                    now = time.monotonic()
                    if now >= due:
                        due = max(due + FRAME_S, now + FRAME_S / 4)
                        for media in self._media:
                            media.tick(now)
                        self._ring(now)
                except Exception as error:
                    self.errors.append(f"{type(error).__name__}: {error}")

    def _ring(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            what = heapq.heappop(self._timers)[2]
            next_s = what()
            if next_s is not None:
                self.again(next_s, what)
