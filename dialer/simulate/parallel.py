"""Many shifts at once, each in a process of its own.

Owns the processes: how many at a time, what they report, and their end when one dies or the caller has enough. A
process is started anew (``spawn``), so it inherits no greenlets, sockets or patches. Results come in the order of the
runs, whatever order they end in.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from dialer.simulate.planner import Outcome, simulate
from dialer.simulate.scenario_file import Plan

END_WITHIN_S = 5.0
_WAKE_S = 0.5

Progress = Callable[[int, float], None]
"""Hears the run's number (from 0) and which share of it has passed."""


class RunFailed(Exception):
    """A run could not be finished; ``str`` says which and why."""


@dataclass(frozen=True, slots=True)
class Run:
    """One shift to simulate."""

    plan: Plan
    seed: int

    def __str__(self) -> str:
        return f"{self.plan.name}, seed {self.seed}"


def usual_jobs(runs: int) -> int:
    """As many processes as there are processors for us, and no more than runs."""
    return max(1, min(runs, len(os.sched_getaffinity(0))))


def simulate_all(runs: Sequence[Run], jobs: int, progress: Progress = lambda run, share: None) -> list[Outcome]:
    """All runs, ``jobs`` at a time; with one job in this process. Raises RunFailed; ends its processes whatever
    happens, KeyboardInterrupt included.
    """
    if jobs <= 1:
        return [_here(run, index, progress) for index, run in enumerate(runs)]
    return _Crew(runs, jobs, progress).work()


def _here(run: Run, index: int, progress: Progress) -> Outcome:
    try:
        return simulate(run.plan, run.seed, lambda share: progress(index, share))
    except Exception as error:
        raise RunFailed(f"{run}: {type(error).__name__}: {error}") from error


class _Crew:
    """The processes at work."""

    def __init__(self, runs: Sequence[Run], jobs: int, progress: Progress) -> None:
        self._runs = runs
        self._jobs = jobs
        self._progress = progress
        self._context = multiprocessing.get_context("spawn")
        self._at_work: dict[Connection, tuple[int, Any]] = {}
        self._outcomes: dict[int, Outcome] = {}

    def work(self) -> list[Outcome]:
        left = list(range(len(self._runs)))[::-1]
        try:
            while left or self._at_work:
                while left and len(self._at_work) < self._jobs:
                    self._start(left.pop())
                for ready in wait(list(self._at_work), timeout=_WAKE_S):
                    assert isinstance(ready, Connection)
                    self._hear(ready)
        finally:
            self._end()
        return [self._outcomes[index] for index in range(len(self._runs))]

    def _start(self, index: int) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(theirs, self._runs[index]), daemon=True)
        process.start()
        theirs.close()
        self._at_work[ours] = (index, process)

    def _hear(self, pipe: Connection) -> None:
        index, process = self._at_work[pipe]
        try:
            word, what = pipe.recv()
        except EOFError:
            process.join(END_WITHIN_S)
            raise RunFailed(f"{self._runs[index]}: its process ended with {process.exitcode}") from None
        if word == "share":
            self._progress(index, what)
        elif word == "failed":
            raise RunFailed(f"{self._runs[index]}: {what}")
        else:
            self._outcomes[index] = what
            del self._at_work[pipe]
            pipe.close()
            process.join(END_WITHIN_S)

    def _end(self) -> None:
        """Nothing of ours is left running."""
        for pipe, (_, process) in self._at_work.items():
            process.terminate()
            pipe.close()
        for _, process in self._at_work.values():
            process.join(END_WITHIN_S)
            if process.is_alive():
                process.kill()
                process.join()
        self._at_work.clear()


def _work(pipe: Connection, run: Run) -> None:
    """The process: one run. Ctrl-C is the caller's to handle, who ends us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        outcome = simulate(run.plan, run.seed, lambda share: pipe.send(("share", share)))
    except BrokenPipeError:
        return
    except Exception as error:
        pipe.send(("failed", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("done", outcome))
