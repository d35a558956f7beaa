"""A thread beside the store's worker in which PINs are hashed, so that no question at the gate waits for that.

Owns the thread, its queue and the socket by which it wakes the worker's ``select``. Must not touch the database.
Hashing leaves Python's lock alone, so the worker goes on meanwhile.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections import deque
from contextlib import suppress

from dialer.domain.phones import PinChecked
from dialer.store.pins import PinQuestion

MOST_WAITING = 1000
"""More than a thread answers in ten seconds: somebody plays with us. What is more is not answered by yes or no."""


class Hasher:
    """``ask`` from the worker's thread; ``wake`` becomes readable when there is something to ``take``."""

    def __init__(self) -> None:
        self.wake, self._bell = socket.socketpair()
        self.wake.setblocking(False)
        self._bell.setblocking(False)
        self._questions: queue.Queue[tuple[int, PinQuestion] | None] = queue.Queue(MOST_WAITING)
        self._answers: deque[tuple[int, PinChecked]] = deque()
        self._thread = threading.Thread(target=self._work, name="pins", daemon=True)
        self._thread.start()

    def ask(self, seq: int, question: PinQuestion) -> None:
        """Have a question answered; never blocks."""
        try:
            self._questions.put_nowait((seq, question))
        except queue.Full:
            text = "too many logins at a time"
            self._tell(seq, PinChecked(question.session, question.agent, False, question.locked_s, text))

    def take(self) -> list[tuple[int, PinChecked]]:
        """What has been answered since."""
        with suppress(BlockingIOError):
            while self.wake.recv(4096):
                pass
        found = []
        while self._answers:
            found.append(self._answers.popleft())
        return found

    def close(self) -> None:
        """End the thread; questions that are not answered yet never are."""
        with suppress(queue.Empty):
            while True:
                self._questions.get_nowait()
        self._questions.put(None)
        self._thread.join(5.0)
        self._bell.close()
        self.wake.close()

    def _work(self) -> None:
        while (asked := self._questions.get()) is not None:
            seq, question = asked
            self._tell(seq, question.answer())

    def _tell(self, seq: int, answer: PinChecked) -> None:
        self._answers.append((seq, answer))
        with suppress(BlockingIOError):  # full of bells already
            self._bell.send(b"!")
