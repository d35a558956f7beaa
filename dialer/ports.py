"""The seams between the service's edges: what HTTP needs from the running dialer.

Owns protocols only, so that the HTTP room can be built and tested without the application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dialer.domain.commands import Reply
from dialer.domain.events import OperatorEvent
from dialer.domain.status import Status


@dataclass(frozen=True, slots=True)
class LatencyView:
    """Milliseconds; ``count`` observations since the start. Buckets are cumulative counts by upper bound."""

    count: int
    p50: float
    p95: float
    p99: float
    total_ms: float
    buckets: Mapping[float, int]


@dataclass(frozen=True, slots=True)
class Health:
    """``live`` is false when the engine's loop is late; ``not_ready`` names each part that is not ready and why."""

    live: bool
    live_detail: str
    not_ready: Mapping[str, str]


class StoreTrouble(Exception):
    """The store cannot answer a question about its records; the text says why and holds no number."""


class ServicePort(Protocol):
    """The running dialer as its HTTP room sees it. All calls are made from greenlets of the same hub."""

    def order(self, make: Callable[[int], OperatorEvent], timeout_s: float) -> Reply:
        """Put an operator's order into the engine's inbox and wait for its Reply.

        ``make`` receives the request id. Raises TimeoutError when the engine does not answer in time.
        """

    def status(self) -> Status:
        """The engine's view of itself."""

    def pacing(self, campaign: str) -> Mapping[str, object] | None:
        """What a campaign's last pacing decision stood on; None when it is not configured."""

    def callbacks(self) -> Sequence[Mapping[str, object]]:
        """Callbacks that are due soon or at hand, and why each waits."""

    def trunk(self, number: str, campaign: str | None, at: float | None) -> Mapping[str, Any] | None:
        """Which line a call to ``number`` (E.164) would take now, or at ``at``, and why; numbers are masked.

        None when the campaign is not configured; without one, all lines are asked.
        """

    def routing(self) -> Mapping[str, object]:
        """Everybody on the floor as routing sees them, in the form of ``routing.snapshot``: no number, no person."""

    def vip_said(self, number: str) -> Mapping[str, object] | None:
        """What the business system said last of a number (E.164): ``vip``, ``agent``, ``at``; None: nothing since the
        start, or none is configured. It is not asked."""

    def records(self, job: str, request: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        """Ask the store about its records: a job of ``dialer.store.desk_jobs``. Takes seconds; numbers are masked.

        Raises TimeoutError, StoreTrouble.
        """

    def machine_checks(self) -> Sequence[Mapping[str, Any]]:
        """What people said of calls taken for machines', for each campaign: the answer of the job ``qc_machines``, some
        minutes old.
        """

    def health(self) -> Health:
        """For /healthz and /readyz."""

    def latencies(self) -> Mapping[str, LatencyView]:
        """``answer_to_agent_ms`` and ``answer_to_bridge_ms``."""

    def edge_counters(self) -> Mapping[str, int]:
        """Counters of the edges by metric name without prefix, e.g. ``esl_reconnects``, ``esl_events_dropped``."""

    def info(self) -> Mapping[str, str]:
        """Version, instance, switch, config hash: labels of dialer_build_info."""
