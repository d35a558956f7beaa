"""What Prometheus sees: the port read once at each scrape and turned into metric families.

Owns names, help texts and labels (campaign, queue, tier, state, outcome, rule, node, seat states: bounded by
the configuration; never a phone number, a UUID or a lead). Base units only: seconds, ratios 0–1. Holds no
counters of its own: they are the engine's and the edges', so that a scrape can neither lose nor double a
count.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from dialer.domain.agent import AgentState
from dialer.domain.call import CallState
from dialer.domain.campaign import CampaignState
from dialer.domain.inbound import Ending
from dialer.domain.outcomes import Outcome
from dialer.domain.status import CampaignView, NodeView, PacingView, QueueView, Status
from dialer.http import tier_metrics, trunk_metrics
from dialer.masking import mask_text
from dialer.ports import LatencyView, ServicePort

_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_]+")
_LATENCY_HELP: Final[Mapping[str, str]] = {
    "answer_to_agent_ms": "From a customer's ANSWER received to uuid_bridge sent.",
    "answer_to_bridge_ms": "From a customer's ANSWER, or where the abandon clock starts if later, to CHANNEL_BRIDGE.",
    "pacing_decision_cpu_ms": "CPU time of a turn of the engine in which the predictive pool decided.",
}


class DialerCollector(Collector):
    """Reads ``port`` when it is collected. Called in a greenlet of the hub that runs the engine."""

    def __init__(self, port: ServicePort) -> None:
        self._port = port

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry must not ask the port before it runs."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families of this scrape, from one status."""
        status = self._port.status()
        yield from _service(status, self._port)
        yield from _nodes(status)
        yield from _agents(status)
        for build in (_campaign_gauges, _campaign_counters, _pacing):
            yield from build(status.campaigns)
        yield from _queues(status.queues)
        yield from trunk_metrics.families(status.trunks, status.shown)
        yield _tiers(status)
        yield from tier_metrics.collect(status)
        dropped = CounterMetricFamily(
            "dialer_pacing_dropped_observations", "What pacing could not believe, and left out.", labels=["reason"]
        )
        for reason, count in sorted(status.pacing_dropped.items()):
            dropped.add_metric([_label(reason)], float(count))
        yield dropped
        yield from _machine_checks(self._port.machine_checks())
        for name, view in sorted(self._port.latencies().items()):
            yield _latency(name, view)
        taken: set[str] = set()
        for prefix, counters in (("", self._port.edge_counters()), ("engine_", status.counters)):
            for name, value in sorted(counters.items()):
                full = f"dialer_{prefix}{_word(name)}"
                if full not in taken:
                    taken.add(full)
                    text = f"{'Engine' if prefix else 'Edges'}: {name.replace('_', ' ')} since the start."
                    yield _counter(full, text, float(value))


def _word(name: str) -> str:
    return _NOT_IN_A_NAME.sub("_", name).strip("_").removesuffix("_total") or "unnamed"


def _label(text: str) -> str:
    return mask_text(str(text))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=value)


def _service(status: Status, port: ServicePort) -> Iterator[Metric]:
    build = GaugeMetricFamily("dialer_build_info", "Always 1; what runs is in the labels.", labels=[])
    labels = {_word(key): _label(value) for key, value in port.info().items()}
    build.add_sample("dialer_build_info", labels, 1.0)
    yield build
    health = port.health()
    yield _gauge("dialer_live", "1 while the engine's loop is on time.", float(health.live))
    yield _gauge("dialer_ready", "1 when every part is ready.", float(not health.not_ready))
    parts = GaugeMetricFamily("dialer_part_not_ready", "1 for each part that is not ready.", labels=["part"])
    for part in sorted(health.not_ready):
        parts.add_metric([_label(part)], 1.0)
    yield parts
    yield _gauge("dialer_uptime_seconds", "Since the engine started.", status.uptime_s)
    yield _gauge("dialer_draining", "1 while the service ends its calls and starts none.", float(status.draining))
    yield _gauge("dialer_store_up", "1 while the store can be written.", float(status.store_ok))


def _nodes(status: Status) -> Iterator[Metric]:
    columns: tuple[tuple[str, str, Callable[[NodeView], float]], ...] = (
        ("dialer_switch_up", "1 while the event socket is connected.", lambda n: float(n.up)),
        (
            "dialer_switch_synced",
            "1 when compared with the switch since it connected.",
            lambda n: float(n.synced),
        ),
        ("dialer_switch_legs", "Legs of ours on the switch.", lambda n: float(n.legs)),
        (
            "dialer_switch_capacity_legs",
            "Legs that the switch may carry for us.",
            lambda n: float(n.capacity),
        ),
    )
    for name, text, read in columns:
        family = GaugeMetricFamily(name, text, labels=["node"])
        for node in status.nodes:
            family.add_metric([_label(node.node)], read(node))
        yield family


def _agents(status: Status) -> Iterator[Metric]:
    counts = dict.fromkeys((state.value for state in AgentState), 0)
    for agent in status.agents:
        counts[agent.state] = counts.get(agent.state, 0) + 1
    family = GaugeMetricFamily("dialer_agents", "Agents by what they do.", labels=["state"])
    for state, count in counts.items():
        family.add_metric([_label(state)], count)
    yield family
    yield _gauge(
        "dialer_agents_busy_ratio",
        "Talk and wrap-up time over logged-in time of all agents since the start, 0 to 1.",
        status.busy_share,
    )


def _tiers(status: Status) -> Metric:
    family = CounterMetricFamily(
        "dialer_tier_outcomes", "Ended attempts by the customer's tier and outcome.", labels=["tier", "outcome"]
    )
    for tier, outcomes in sorted(status.tiers.items()):
        for outcome, count in sorted(outcomes.items()):
            family.add_metric([_label(tier), _label(outcome)], count)
    return family


def _campaign_gauges(campaigns: tuple[CampaignView, ...]) -> Iterator[Metric]:
    info = InfoMetricFamily("dialer_campaign", "How a campaign dials.", labels=["campaign"])
    state = GaugeMetricFamily("dialer_campaign_state", "1 for the state it is in.", labels=["campaign", "state"])
    calls = GaugeMetricFamily("dialer_calls", "Calls at this moment.", labels=["campaign", "state"])
    hopper = GaugeMetricFamily("dialer_hopper_leads", "Leads claimed and waiting.", labels=["campaign"])
    empty = GaugeMetricFamily("dialer_campaign_exhausted", "1 when no lead is due.", labels=["campaign"])
    rate = GaugeMetricFamily("dialer_abandon_ratio", "Abandoned over answered since the start.", labels=["campaign"])
    lines = GaugeMetricFamily("dialer_pacing_decision_lines", "Calls the last decision started.", labels=["campaign"])
    age = GaugeMetricFamily("dialer_pacing_decision_age_seconds", "Since the last decision.", labels=["campaign"])
    callbacks = GaugeMetricFamily(
        "dialer_callbacks", "Callbacks: open in all, due, late, being dialed.", labels=["campaign", "state"]
    )
    for c in campaigns:
        name = _label(c.campaign)
        for key, count in c.callbacks.items():
            callbacks.add_metric([name, _label(key)], count)
        info.add_metric([name], {"mode": _label(c.mode)})
        for known in CampaignState:
            state.add_metric([name, known.value], float(known.value == c.state))
        by_state = {s.value: 0 for s in CallState if s is not CallState.ENDED} | dict(c.calls)
        for key, count in by_state.items():
            calls.add_metric([name, _label(key)], count)
        hopper.add_metric([name], c.hopper)
        empty.add_metric([name], float(c.exhausted))
        rate.add_metric([name], c.abandon_rate)
        lines.add_metric([name], c.decision_lines)
        if c.decided_ago_s is not None:
            age.add_metric([name], c.decided_ago_s)
    yield callbacks
    yield from (info, state, calls, hopper, empty, rate, lines, age)


def _campaign_counters(campaigns: tuple[CampaignView, ...]) -> Iterator[Metric]:
    columns: tuple[tuple[str, str, Callable[[CampaignView], int]], ...] = (
        ("dialer_attempts", "Attempts that the gate let through.", lambda c: c.attempts),
        ("dialer_answered", "Attempts that were answered.", lambda c: c.answered),
        ("dialer_connected", "Attempts that reached an agent.", lambda c: c.connected),
        ("dialer_abandoned", "Answered attempts that no agent took inside the limit.", lambda c: c.abandoned),
    )
    for metric, text, read in columns:
        family = CounterMetricFamily(metric, text, labels=["campaign"])
        for c in campaigns:
            family.add_metric([_label(c.campaign)], float(read(c)))
        yield family
    outcomes = CounterMetricFamily("dialer_outcomes", "Ended attempts by outcome.", labels=["campaign", "outcome"])
    refusals = CounterMetricFamily("dialer_gate_refusals", "Leads the gate held.", labels=["campaign", "rule"])
    for c in campaigns:
        for outcome, count in ({o.value: 0 for o in Outcome} | {str(k): v for k, v in c.outcomes.items()}).items():
            outcomes.add_metric([_label(c.campaign), _label(outcome)], count)
        for rule, count in sorted(c.refusals.items()):
            refusals.add_metric([_label(c.campaign), _label(rule)], count)
    yield outcomes
    yield refusals


def _pacing(campaigns: tuple[CampaignView, ...]) -> Iterator[Metric]:
    paced = [(_label(c.campaign), c.pacing) for c in campaigns if c.pacing is not None]
    columns: tuple[tuple[type[GaugeMetricFamily | CounterMetricFamily], str, str, Callable[[PacingView], float]], ...]
    gauge, counter = GaugeMetricFamily, CounterMetricFamily
    columns = (
        (gauge, "dialer_pacing_theta", "A call starts while P(it finds nobody) is below.", lambda p: p.theta),
        (gauge, "dialer_pacing_p_next_abandon", "P(the next call answered finds nobody).", lambda p: p.p_next),
        (
            gauge,
            "dialer_pacing_answer_probability",
            "Believed of a call to an average lead.",
            lambda p: p.answer_probability,
        ),
        (counter, "dialer_pacing_decisions", "Decisions of the predictive pool.", lambda p: p.decisions),
        (counter, "dialer_hung_up_ringing", "Ringing calls that pacing hung up.", lambda p: p.hung_up_ringing),
    )
    for kind, name, text, read in columns:
        family = kind(name, text, labels=["campaign"])
        for campaign, view in paced:
            family.add_metric([campaign], float(read(view)))
        yield family
    labels = ["campaign", "window"]
    budget = GaugeMetricFamily("dialer_abandon_budget_calls", "Calls that may still be abandoned.", labels=labels)
    rate = GaugeMetricFamily("dialer_abandon_rate", "Abandoned over answered by people, in the window.", labels=labels)
    limit = GaugeMetricFamily("dialer_abandon_limit", "What the window allows.", labels=labels)
    for campaign, view in paced:
        for window in view.windows:
            budget.add_metric([campaign, _label(window.window)], window.left)
            rate.add_metric([campaign, _label(window.window)], window.rate)
            limit.add_metric([campaign, _label(window.window)], window.limit)
    yield from (budget, rate, limit)


def _queues(queues: tuple[QueueView, ...]) -> Iterator[Metric]:
    columns: tuple[tuple[str, str, Callable[[QueueView], float]], ...] = (
        ("dialer_queue_waiting", "Callers who wait.", lambda q: q.waiting),
        ("dialer_queue_vips_waiting", "VIPs among them.", lambda q: q.vips_waiting),
        ("dialer_queue_longest_wait_seconds", "Of those who wait.", lambda q: q.longest_wait_s),
        ("dialer_queue_agents", "Agents at work who may take its calls.", lambda q: q.serving),
        ("dialer_queue_agents_free", "Those of them who are free.", lambda q: q.free),
        ("dialer_queue_handling_seconds", "What a call costs an agent, talk and wrap-up.", lambda q: q.handling_s),
        ("dialer_queue_service_level", "Share served in their target since the start.", lambda q: q.service_level),
    )
    for name, text, read in columns:
        family = GaugeMetricFamily(name, text, labels=["queue"])
        for queue in queues:
            family.add_metric([_label(queue.queue)], float(read(queue)))
        yield family
    labels = ["queue", "tier"]
    endings = CounterMetricFamily("dialer_queue_calls", "Ended calls by how.", labels=[*labels, "ending"])
    counted = {
        "offered": CounterMetricFamily("dialer_queue_offered", "Callers who came into the queue.", labels=labels),
        "in_target": CounterMetricFamily("dialer_queue_in_target", "Served within their target.", labels=labels),
        "overflowed": CounterMetricFamily("dialer_queue_overflowed", "Sent on to another queue.", labels=labels),
        "vip": CounterMetricFamily("dialer_queue_vips", "VIPs of whom it is known how they ended.", labels=labels),
        "vip_waited": CounterMetricFamily("dialer_queue_vips_waited", "Those of them who waited.", labels=labels),
        "vip_busy": CounterMetricFamily(
            "dialer_queue_vips_busy", "VIPs who were told that nobody had time, or fell back.", labels=labels
        ),
    }
    for queue in queues:
        for tier, words in queue.by_tier.items():
            where = [_label(queue.queue), _label(tier)]
            for word, counter in counted.items():
                counter.add_metric(where, float(words.get(word, 0)))
            for ending in Ending:
                endings.add_metric([*where, ending.value], float(words.get(ending.value, 0)))
    yield endings
    yield from counted.values()


def _machine_checks(checks: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """What people said of calls taken for machines', of the last 30 days; no sample where nothing can be said."""
    columns = (
        ("dialer_amd_machines", "Calls taken for machines'.", "judged"),
        ("dialer_amd_machines_recorded", "Of these, recorded for people to listen to.", "recorded"),
        ("dialer_amd_machines_listened", "Of these, listened to by people.", "listened"),
        ("dialer_amd_machines_persons", "Of these, called persons, or nobody could tell.", "persons"),
        ("dialer_amd_false_positive_ratio", "Persons taken for machines for each answer passed.", "false_positive"),
        ("dialer_amd_false_positive_at_most_ratio", "The same, 95 % certain.", "false_positive_at_most"),
        ("dialer_amd_false_positive_configured_ratio", "What pacing counts with.", "configured"),
    )
    for name, text, key in columns:
        family = GaugeMetricFamily(name, f"{text} 30 days.", labels=["campaign"])
        for check in checks:
            value = check[key] + check["unsure"] if key == "persons" else check[key]
            if value is not None:
                family.add_metric([_label(check["campaign"])], float(value))
        yield family


def _latency(name: str, view: LatencyView) -> HistogramMetricFamily:
    base = _word(name.removesuffix("_ms"))
    family = HistogramMetricFamily(f"dialer_{base}_seconds", _LATENCY_HELP.get(name, f"{base} in seconds."))
    finite = sorted(bound for bound in view.buckets if math.isfinite(bound))
    buckets = [(repr(bound / 1000.0), float(view.buckets[bound])) for bound in finite]
    buckets.append(("+Inf", float(view.count)))
    family.add_metric([], buckets=buckets, sum_value=view.total_ms / 1000.0)
    return family
