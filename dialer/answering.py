"""What the running service answers to its HTTP room: orders, status, records, health, counters.

Owns ``ServicePort`` for ``dialer.app``, which builds the parts. Must not start or stop anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import gevent
import gevent.event
import gevent.lock

from dialer import __version__, settings
from dialer.business import VipLookup
from dialer.clock import EngineClock
from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.status import Status
from dialer.hearing.client import HearingClient
from dialer.oneshot import TaskFailed, run_task
from dialer.ports import Health, LatencyView, StoreTrouble
from dialer.runtime import LATE_S, Runtime
from dialer.speech import Speech
from dialer.switch.translate import Translator
from esl.client import Client
from routing.snapshot import dump

MEASURE_FIRST_S, MEASURE_EVERY_S, MEASURE_TIMEOUT_S = 10.0, 900.0, 60.0
QUESTIONS_AT_A_TIME = 2
"""Each question about records is a process; the calls have the machine first."""


class RunningService:
    """The parts of a running service, and what they say. Implements ``dialer.ports.ServicePort``."""

    runtime: Runtime

    def __init__(self, wanted: settings.Settings, speech: Speech) -> None:
        self._settings = wanted
        self._speech = speech
        self._hearing: HearingClient | None = None
        self._vip: VipLookup | None = None
        self._clock = EngineClock()
        self._clients: dict[str, Client] = {}
        self._translators: dict[str, Translator] = {}
        self._listened = gevent.event.Event()
        self._machines: tuple[Mapping[str, Any], ...] = ()
        self._questions = gevent.lock.BoundedSemaphore(QUESTIONS_AT_A_TIME)

    def order(self, make: Callable[[int], ev.OperatorEvent], timeout_s: float) -> cmd.Reply:
        """See ``ServicePort``."""
        return self.runtime.order(make, timeout_s)

    def status(self) -> Status:
        """See ``ServicePort``."""
        return self.runtime.status()

    def pacing(self, campaign: str) -> Mapping[str, object] | None:
        """See ``ServicePort``."""
        return self.runtime.engine.explain(campaign, self._clock())

    def callbacks(self) -> list[dict[str, object]]:
        """See ``ServicePort``."""
        return self.runtime.engine.callbacks(self._clock())

    def trunk(self, number: str, campaign: str | None, at: float | None) -> Mapping[str, Any] | None:
        """See ``ServicePort``."""
        return self.runtime.engine.explain_trunk(number, campaign, at, self._clock())

    def routing(self) -> Mapping[str, object]:
        """See ``ServicePort``."""
        return dump(self.runtime.engine.floor(self._clock()))

    def vip_said(self, number: str) -> Mapping[str, object] | None:
        """See ``ServicePort``."""
        said = self._vip.said(number) if self._vip is not None else None
        return None if said is None else {"vip": said.vip, "agent": said.agent, "at": said.at}

    def records(self, job: str, request: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        """See ``ServicePort``."""
        engine = self._settings.engine
        wanted = {
            **request,
            "url": self._settings.database_url,
            "recontact_after_s": self._settings.recontact_after_s,
            "campaigns": {
                name: (campaign.lists, campaign.windows.days, campaign.windows.default_zone)
                for name, campaign in engine.campaigns.items()
            },
            "tier_targets": {tier.name: tier.target_s for tier in self._settings.rules.tiers},
            "most_attempts": {name: campaign.max_attempts for name, campaign in engine.campaigns.items()},
            "machine_words": sorted({word for c in engine.campaigns.values() for word in c.machine_dispositions}),
            "amd_false_positive": {
                name: campaign.pacing.amd_false_positive
                for name, campaign in engine.campaigns.items()
                if campaign.pacing is not None
            },
            "reviewers": {
                "roles": {name: agent.role for name, agent in engine.agents.items()},
                "allowed": sorted(engine.phones.supervisor_roles),
            },
        }
        try:
            with gevent.Timeout(timeout_s), self._questions:
                found = run_task(job, wanted, None)
            if job == "qc_machine":
                self._listened.set()
            return found
        except gevent.Timeout as error:
            raise TimeoutError(f"the store did not answer within {timeout_s:g} s") from error
        except TaskFailed as error:
            raise StoreTrouble(str(error)) from error

    def machine_checks(self) -> tuple[Mapping[str, Any], ...]:
        """See ``ServicePort``."""
        return self._machines

    def _measure_machines(self) -> None:
        """Ask the store now and then, and when somebody has listened, what people said of calls taken for machines'."""
        self._listened.wait(MEASURE_FIRST_S)
        while True:
            self._listened.clear()
            with suppress(TimeoutError, StoreTrouble):
                self._machines = tuple(self.records("qc_machines", {}, MEASURE_TIMEOUT_S)["campaigns"])
            self._listened.wait(MEASURE_EVERY_S)

    def health(self) -> Health:
        """See ``ServicePort``."""
        late_s = self.runtime.late_s
        status = self.runtime.status()
        not_ready = {f"switch {node.node}": node.detail for node in status.nodes if not (node.up and node.synced)}
        if not status.store_ok:
            not_ready["store"] = status.store_detail
        if status.draining:
            not_ready["dialer"] = "shutting down"
        return Health(late_s < LATE_S, f"the engine's last turn is {late_s:.1f} s late", not_ready)

    def latencies(self) -> Mapping[str, LatencyView]:
        """See ``ServicePort``."""
        return {
            "answer_to_agent_ms": self.runtime.answer_to_agent.view(),
            "answer_to_bridge_ms": self.runtime.answer_to_bridge.view(),
            "pacing_decision_cpu_ms": self.runtime.decision_cpu.view(),
        }

    def edge_counters(self) -> Mapping[str, int]:
        """See ``ServicePort``."""
        counts = dict(self.runtime.counts())
        for client in self._clients.values():
            stats = client.stats
            for name, value in (
                ("esl_connects", stats.connects),
                ("esl_failures", stats.failures),
                ("esl_events", stats.events),
                ("esl_events_dropped", stats.dropped_events),
                ("esl_malformed_frames", stats.malformed_frames),
                ("esl_jobs", stats.jobs),
                ("esl_job_timeouts", stats.job_timeouts),
                ("esl_callback_errors", stats.callback_errors),
            ):
                counts[name] = counts.get(name, 0) + value
        counts |= {f"speech_{name}": count for name, count in self._speech.counts.items()}
        if self._hearing is not None:
            counts |= {f"hearing_{name}": count for name, count in self._hearing.counters.items()}
            counts["hearing_restarts"] = self._hearing.restarts
        clocks = [translator.clock for translator in self._translators.values()]
        counts["esl_events_unstamped"] = sum(clock.unstamped for clock in clocks)
        counts["switch_clock_steps"] = sum(clock.steps for clock in clocks)
        return counts

    def info(self) -> Mapping[str, str]:
        """See ``ServicePort``."""
        return {
            "version": __version__,
            "instance": self._settings.instance,
            "switch": self._settings.switch_names,
            "config_hash": self._settings.config_hash[:12],
            "pid": str(os.getpid()),
        }
