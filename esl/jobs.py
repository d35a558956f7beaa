"""Background jobs that wait for their BACKGROUND_JOB event. Pure: time is passed in.

Owns the promise that each job gets exactly one reply: whichever of answer, refusal, deadline and disconnect
comes first takes the job out of the table, and nothing else can then find it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

JobKind: TypeAlias = Literal["reply", "refused", "timeout", "disconnected", "not_sent"]


@dataclass(frozen=True, slots=True)
class JobReply:
    """The end of one background job. `text` is the command's output, or `-ERR …` in FreeSWITCH's manner.

    `kind` says what is known: `reply`: FreeSWITCH ran it; `refused`: FreeSWITCH did not take it; `not_sent`:
    there was no connection, it never left; `timeout` and `disconnected`: it was sent, and may have been
    carried out or not.
    """

    job_uuid: str
    ok: bool
    text: str
    kind: JobKind


ReplyHandler: TypeAlias = Callable[[JobReply], object]


def replied(job_uuid: str, text: str) -> JobReply:
    """A job's own answer: an error when it starts with `-`, as `-ERR …` and `-USAGE: …` do."""
    return JobReply(job_uuid, not text.startswith("-"), text, "reply")


class JobTable:
    """The jobs that are under way on one connection, by Job-UUID."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[ReplyHandler, float]] = {}
        self._deadlines: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job_uuid: str) -> bool:
        return job_uuid in self._waiting

    def add(self, job_uuid: str, handler: ReplyHandler, deadline: float) -> None:
        """`deadline`: the time, on the caller's clock, from which `expire` gives the job up."""
        if job_uuid in self._waiting:
            raise ValueError(f"job {job_uuid} is under way already")
        self._waiting[job_uuid] = (handler, deadline)
        heapq.heappush(self._deadlines, (deadline, job_uuid))

    def take(self, job_uuid: str) -> ReplyHandler | None:
        """Takes one job out; None when it is not (or no longer) there."""
        found = self._waiting.pop(job_uuid, None)
        # Jobs answered long before their deadline would pile up in the heap; rebuilding it now and then is
        # cheaper than searching it every time.
        if len(self._deadlines) > 64 + 4 * len(self._waiting):
            self._deadlines = [(deadline, job) for job, (_, deadline) in self._waiting.items()]
            heapq.heapify(self._deadlines)
        return found[0] if found is not None else None

    def next_deadline(self) -> float | None:
        """When `expire` has work next."""
        while self._deadlines:
            deadline, job_uuid = self._deadlines[0]
            found = self._waiting.get(job_uuid)
            if found is not None and found[1] == deadline:
                return deadline
            heapq.heappop(self._deadlines)
        return None

    def expire(self, now: float) -> list[tuple[str, ReplyHandler]]:
        """Takes out the jobs whose deadline has come, the earliest first."""
        late: list[tuple[str, ReplyHandler]] = []
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            _, job_uuid = heapq.heappop(self._deadlines)
            late.append((job_uuid, self._waiting.pop(job_uuid)[0]))
        return late

    def take_all(self) -> list[tuple[str, ReplyHandler]]:
        """Takes every job out, in the order in which they were added."""
        left = [(job_uuid, handler) for job_uuid, (handler, _) in self._waiting.items()]
        self._waiting.clear()
        self._deadlines.clear()
        return left
