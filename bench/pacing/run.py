"""The run: workers kept busy with the agenda, results kept, progress told, until it is done, late, or Ctrl-C.

Owns the loop and its lines of progress. What is to run is the agenda's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from bench.pacing.agenda import Pace, guess_s
from bench.pacing.cache import Cache, Job
from bench.pacing.cells import CELLS
from bench.pacing.crew import Crew

TELL_EVERY_S = 30.0
DRAW_EVERY_S = 1.0
GRACE_S = 20.0


class Work(Protocol):
    """What is to run: ``next`` hands it out, the rest tells how much of it is left."""

    pace: Pace

    def next(self, at_work: set[Job]) -> Job | None: ...
    def left(self) -> list[Any]: ...
    def left_s(self) -> float: ...
    def shifts(self) -> int: ...


def run(agenda: Work, cache: Cache, code: Path, workers: int, until: float | None = None) -> bool:
    """Run what is missing; True when everything is there. ``until``: no later than this (time.monotonic)."""
    if agenda.next(set()) is None:
        return True
    teller = _Teller(agenda, workers)
    with Crew(code, workers) as crew:
        at_work: dict[int, tuple[Job, float]] = {}
        while True:
            now = time.monotonic()
            for number, worker in enumerate(crew.workers):
                if worker.what:
                    continue
                job = agenda.next({each for each, _ in at_work.values()})
                if job is None:
                    break
                if until is not None and now + agenda.pace.expect_s(job.policy, CELLS[job.cell]) > until:
                    break
                order = {"do": "shift", "scenario": json.loads(job.scenario), "name": job.cell, "seed": job.seed}
                worker.ask(str(job), order)
                at_work[number] = (job, now)
            if not at_work or (until is not None and now > until + GRACE_S):
                break
            for worker, shift in crew.answers(DRAW_EVERY_S):
                job, began = at_work.pop(crew.workers.index(worker))
                cache.put(job, shift)
                agenda.pace.learn(job.policy, guess_s(job.policy, CELLS[job.cell]), time.monotonic() - began)
                teller.finished()
            teller.tell([str(job) for job, _ in at_work.values()])
    teller.end()
    return agenda.next(set()) is None


class _Teller:
    """Progress on stderr: a line that is drawn anew on a terminal, one now and then elsewhere."""

    def __init__(self, agenda: Work, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._agenda, self._workers, self._clock = agenda, workers, clock
        self._began = self._told = clock()
        self._finished = 0
        self._counted = -1
        self._left_s = 0.0
        self._left = 0
        self._drawn = sys.stderr.isatty()

    def finished(self) -> None:
        self._finished += 1

    def tell(self, at_work: list[str]) -> None:
        now = self._clock()
        if now - self._told < (DRAW_EVERY_S if self._drawn else TELL_EVERY_S):
            return
        self._told = now
        if self._counted != self._finished:
            self._counted = self._finished
            self._left_s = self._agenda.left_s() / self._workers
            self._left = len(self._agenda.left())
        total = self._agenda.shifts()
        gone, left = _span(now - self._began), _span(self._left_s)
        line = f"{total - self._left} of {total} shifts, {gone} gone, about {left} left; now {', '.join(at_work)}"
        if self._drawn:
            print(f"\r\x1b[K{line[:150]}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _span(seconds: float) -> str:
    minutes = int(seconds) // 60
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes >= 60 else f"{minutes} min"
