"""The commands of a running floor: agents and campaigns, listed and told what to do.

Owns what is printed for them. The service decides; several agents or campaigns are asked one after another,
and one refusal does not keep the others from being asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dialer.clitools.options import EXIT_FAILURE, EXIT_USAGE, CliError, no_campaign
from dialer.clitools.output import complain, duration, say, table
from dialer.clitools.service import Service, ServiceDown, ServiceError, ServiceRefused

Body = Mapping[str, object] | None
_PATH: Final = ("v1", "campaigns")


def list_agents(service: Service, *, as_json: bool) -> None:
    """A line for each agent."""
    agents = service.get("v1", "agents")["agents"]
    if as_json:
        print(json.dumps(agents, indent=2))
        return
    columns = [
        ("agent", "left"),
        ("name", "left"),
        ("seat", "left"),
        ("state", "left"),
        ("for", "right"),
        ("line", "left"),
        ("calls", "right"),
        ("note", "left"),
    ]
    table(columns, [_agent_row(agent) for agent in agents])


def _agent_row(agent: Mapping[str, Any]) -> list[object]:
    lead = agent.get("lead") or {}
    shown = ", ".join(f"{key} {value}" for key, value in lead.items())
    return [
        agent["agent"],
        agent["name"],
        agent["seat"],
        agent["state"],
        duration(float(agent["since_s"] or 0.0)),
        agent["line"],
        agent["calls"],
        shown or agent["reason"],
    ]


def list_campaigns(service: Service, *, as_json: bool) -> None:
    """A line for each campaign."""
    campaigns = service.get(*_PATH)["campaigns"]
    if as_json:
        print(json.dumps(campaigns, indent=2))
        return
    columns = [
        ("campaign", "left"),
        ("mode", "left"),
        ("state", "left"),
        ("hopper", "right"),
        ("calls", "right"),
        ("attempts", "right"),
        ("answered", "right"),
        ("connected", "right"),
        ("abandoned", "right"),
        ("last decision", "left"),
    ]
    table(columns, [_campaign_row(campaign) for campaign in campaigns])


def _campaign_row(campaign: Mapping[str, Any]) -> list[object]:
    return [
        campaign["campaign"],
        campaign["mode"],
        campaign["state"] + (", no lead due" if campaign["exhausted"] else ""),
        campaign["hopper"],
        sum(campaign["calls"].values()),
        campaign["attempts"],
        campaign["answered"],
        campaign["connected"],
        f"{campaign['abandoned']} ({float(campaign['abandon_rate'] or 0.0):.1%})",
        campaign["decision_reason"],
    ]


def need(kind: str, names: Sequence[str], everyone: bool) -> None:
    """Either names or ``--all``, and not both. Raises CliError (usage)."""
    if everyone == bool(names):
        raise CliError(f"which {kind}? expected their names, or --all and none", EXIT_USAGE)


def order_agents(service: Service, order: str, agents: Sequence[str], everyone: bool, body: Body = None) -> int:
    """Give agents an order; 1 when any of them was refused."""
    chosen = [agent["agent"] for agent in service.get("v1", "agents")["agents"]] if everyone else agents
    return _each(chosen, lambda agent: service.post("v1", "agents", agent, order, body=body))


def act(service: Service, agent: str, name: str, argument: str) -> int:
    """Have an agent's act carried out; 1 when it was refused."""
    body = {"act": name, "argument": argument} if argument else {"act": name}
    return _each([agent], lambda agent: service.post("v1", "agents", agent, "acts", body=body))


def supervise(service: Service, supervisor: str, name: str, agent: str) -> int:
    """Have a supervisor's act carried out; 1 when it was refused."""
    body = {"act": name, "agent": agent} if agent else {"act": name}
    return _each([supervisor], lambda supervisor: service.post("v1", "supervisors", supervisor, "acts", body=body))


def order_campaigns(service: Service, order: str, campaigns: Sequence[str], everyone: bool) -> int:
    """Give campaigns an order; 1 when any of them was refused."""
    chosen = [c["campaign"] for c in service.get(*_PATH)["campaigns"]] if everyone else campaigns

    def ask(campaign: str) -> Any:
        return ask_campaign(service, campaign, lambda: service.post(*_PATH, campaign, order))

    return _each(chosen, ask)


def ask_campaign(service: Service, campaign: str, ask: Callable[[], Any]) -> Any:
    """What ``ask`` answers. Raises ServiceError: wrong usage that names the campaigns when this is none of them."""
    try:
        return ask()
    except ServiceRefused as refused:
        known = [each["campaign"] for each in service.get(*_PATH)["campaigns"]]
        if campaign in known:
            raise
        raise ServiceError(no_campaign(campaign, known), EXIT_USAGE) from refused


def _each(names: Sequence[str], ask: Callable[[str], Any]) -> int:
    code = 0
    for name in names:
        try:
            say(f"{name}: {ask(name)['text']}")
        except ServiceDown:
            raise
        except ServiceError as error:
            complain(f"{name}: {error}")
            code = EXIT_FAILURE
    return code
