"""The worker processes, seen from the benchmark: orders out, answers in, and their end whatever happens.

Owns processes and pipes. Knows nothing of cells or caches.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NICE = 5
END_WITHIN_S = 5.0


class WorkFailed(Exception):
    """A worker could not do what it was asked, or is gone; ``str`` says what."""


class Worker:
    """One process with one order at a time."""

    def __init__(self, code: Path) -> None:
        # One core each: numpy's own threads would only get into each other's way.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.what = ""
        self._part = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.pacing.worker"],
            cwd=code,
            env={**os.environ, **threads, "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to handle
            preexec_fn=lambda: os.nice(NICE),
        )
        assert self._process.stdout is not None
        self.pipe = self._process.stdout

    def ask(self, what: str, order: dict[str, Any]) -> None:
        """Hand over an order; ``what`` names it for people."""
        self.what = what
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise WorkFailed(f"{what}: the worker is gone ({error})") from error

    def hear(self) -> dict[str, Any] | None:
        """The answer, once it is there as a whole. Raises WorkFailed."""
        read = os.read(self.pipe.fileno(), 1 << 20)
        if not read:
            raise WorkFailed(f"{self.what or 'a worker'}: its process ended with {self._process.wait(END_WITHIN_S)}")
        self._part += read
        if not self._part.endswith(b"\n"):
            return None
        answer, self._part = json.loads(self._part), b""
        if "failed" in answer:
            raise WorkFailed(f"{self.what}: {answer['failed']}")
        self.what = ""
        done: dict[str, Any] = answer["done"]
        return done

    def end(self) -> None:
        """Stop it, whatever it does."""
        self._process.terminate()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Crew:
    """So many workers on one frozen copy of the code. ``with`` it: nothing is left running."""

    def __init__(self, code: Path, size: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.workers: list[Worker] = []
        for _ in range(size):
            worker = Worker(code)
            self.workers.append(worker)
            self._selector.register(worker.pipe, selectors.EVENT_READ, worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self.workers:
            worker.end()
        self._selector.close()

    def idle(self) -> list[Worker]:
        """Those without an order."""
        return [worker for worker in self.workers if not worker.what]

    def answers(self, wait_s: float) -> Iterator[tuple[Worker, dict[str, Any]]]:
        """What has been finished within the next ``wait_s`` seconds, at the first answer."""
        for ready, _ in self._selector.select(wait_s):
            worker: Worker = ready.data
            if (answer := worker.hear()) is not None:
                yield worker, answer
