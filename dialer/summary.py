"""The summary of a shift: one JSON object for machines and a few lines for people.

Owns its keys (a contract) and its arithmetic. What the store counted is passed in; nothing is read here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dialer.domain.status import Status
from dialer.ports import LatencyView


def build(
    stored: Mapping[str, Any],
    status: Status,
    latencies: Mapping[str, LatencyView],
    *,
    switch: str,
    config_hash: str,
    channels_left: int | None,
    agents_at_close: Collection[str],
    seconds: float,
) -> dict[str, Any]:
    """All keys of the summary. ``stored`` is ``dialer.store.queries.summary``'s result; ratios are 0–1.

    ``settled_from_earlier`` are outcomes of attempts that a former run left open and this one saw end: they are in no
    other figure. ``channels_left`` is None when a switch could not be asked. ``agents`` counts those who were logged in
    when the shift closed or had a customer during it. ``inbound`` counts calls that came in, by how they ended.
    """
    outcomes = {name: count for name, count in stored["outcomes"].items() if count}
    answered = stored["answered"]
    abandoned = outcomes.get("abandoned", 0)
    return {
        "seconds": round(seconds, 1),
        "attempts": stored["attempts"],
        "answered": answered,
        "connected": outcomes.get("connected", 0),
        "abandoned": abandoned,
        "abandon_rate": round(abandoned / answered, 4) if answered else 0.0,
        "outcomes": outcomes,
        "attempts_open": stored["attempts_open"],
        "settled_from_earlier": stored["settled_from_earlier"],
        "inbound": stored.get("inbound", {}),
        "leads_total": stored["leads_total"],
        "leads": stored["leads"],
        "leads_unaccounted": stored["leads_unaccounted"],
        "channels_left": channels_left,
        "agents": sum(1 for agent in status.agents if agent.calls or agent.agent in agents_at_close),
        "busy_share": round(status.busy_share, 4),
        **{
            name: {"p50": round(view.p50, 2), "p95": round(view.p95, 2), "p99": round(view.p99, 2)}
            for name, view in latencies.items()
        },
        "refusals": _refusals(status),
        "counters": dict(status.counters),
        "switch": switch,
        "config_hash": config_hash,
    }


def _refusals(status: Status) -> dict[str, int]:
    total: dict[str, int] = {}
    for campaign in status.campaigns:
        for rule, count in campaign.refusals.items():
            total[rule] = total.get(rule, 0) + count
    return total


def write(report: Mapping[str, Any], path: Path) -> None:
    """Write the summary as JSON, whole or not at all. Raises OSError."""
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")
    fresh.replace(path)


def text(report: Mapping[str, Any]) -> str:
    """The summary for a person."""
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(report["outcomes"].items(), key=lambda x: -x[1]))
    agent, bridge = report["answer_to_agent_ms"], report["answer_to_bridge_ms"]
    settled = report["settled_from_earlier"]
    earlier = ", ".join(f"{count} {name}" for name, count in sorted(settled.items(), key=lambda x: -x[1]))
    came = report["inbound"]
    callers = ", ".join(f"{count} {name}" for name, count in sorted(came.items(), key=lambda x: -x[1]))
    left = "unknown" if report["channels_left"] is None else report["channels_left"]
    return "\n".join(
        [
            f"Shift of {report['seconds']:g} s on switch {report['switch']}: {report['attempts']} attempts, "
            f"{report['answered']} answered, {report['connected']} connected, {report['abandoned']} abandoned "
            f"({report['abandon_rate']:.1%}).",
            f"Outcomes: {outcomes or 'none'}.",
            *([f"Callers: {callers}."] if callers else []),
            *([f"Settled from an earlier run: {earlier}."] if earlier else []),
            f"Agents: {report['agents']}, busy {report['busy_share']:.0%}. Answer to bridge command "
            f"p50 {agent['p50']:g} / p99 {agent['p99']:g} ms, answer to bridged p50 {bridge['p50']:g} / "
            f"p99 {bridge['p99']:g} ms.",
            f"Leads: {report['leads_total']}, unaccounted {report['leads_unaccounted']}; "
            f"channels left on the switch {left}.",
        ]
    )
