"""A scripted ``ServicePort`` for tests of the HTTP room and of what talks to it.

Owns no behaviour of the engine: agents and campaigns change state by the real tables, and that is all.
``python -m dialer.http.testing RUN_DIR`` serves one on a free loopback port, for the command line's tests and for
looking at the live view.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dialer.domain import events, phones
from dialer.domain.agent import AGENT_TABLE, AgentState, AgentTrigger
from dialer.domain.campaign import CAMPAIGN_TABLE, CampaignState, CampaignTrigger
from dialer.domain.commands import Reply
from dialer.domain.status import (
    AbandonView,
    AgentView,
    CampaignView,
    NodeView,
    PacingView,
    ShownView,
    Status,
    TrunkView,
)
from dialer.masking import mask_number
from dialer.ports import Health, LatencyView, StoreTrouble
from routing.facts import AgentFacts, RoutingPolicy
from routing.facts import AgentState as Seen
from routing.snapshot import Floor, dump

ATTEMPT = "8d3f1a2b-1234-4678-9abc-123456789012"
_AGENT_ORDERS: Mapping[type[object], AgentTrigger] = {
    events.AgentLogin: AgentTrigger.LOGIN,
    events.AgentLogout: AgentTrigger.LOGOUT,
    events.AgentPause: AgentTrigger.PAUSE,
    events.AgentReady: AgentTrigger.READY,
    events.PreviewAccept: AgentTrigger.RESERVE,
    events.PreviewSkip: AgentTrigger.RELEASE,
}


def sample_agent(agent: str = "1001", state: str = "ready", **changes: object) -> AgentView:
    """One agent at seat ``s-<agent>``."""
    view = AgentView(agent, f"Agent {agent}", f"s-{agent}", state, "", "parked", 12.5, 3)
    return replace(view, **changes)  # type: ignore[arg-type]


def sample_campaign(campaign: str = "spring", state: str = "running", **changes: object) -> CampaignView:
    """One campaign with some calls under way."""
    view = CampaignView(
        campaign=campaign,
        mode="ratio",
        state=state,
        hopper=80,
        exhausted=False,
        calls={"ringing": 4, "connected": 2},
        attempts=100,
        answered=40,
        connected=37,
        abandoned=1,
        abandon_rate=0.025,
        outcomes={"connected": 35, "no_answer": 40, "abandoned": 1},
        decision_lines=2,
        decision_reason="2 of 6 agents ready, 1.5 lines each, 4 calls pending",
        decided_ago_s=0.2,
        refusals={"window": 7},
        last_refusal="outside the calling hours of America/New_York",
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def sample_floor() -> dict[str, Any]:
    """One agent who is free for campaign spring."""
    agent = AgentFacts("1001", Seen.FREE, 990.0, frozenset({"campaign spring"}))
    return dump(Floor(1000.0, RoutingPolicy(), (agent,), ()))


def sample_status(**changes: object) -> Status:
    """A service with two agents, one campaign and one switch."""
    status = Status(
        at=1000.0,
        uptime_s=61.0,
        draining=False,
        store_ok=True,
        store_detail="",
        agents=(sample_agent("1001"), sample_agent("1002", "talking", attempt_id=ATTEMPT)),
        campaigns=(sample_campaign(),),
        nodes=(NodeView("embedded", True, True, "", 8, 200),),
        counters={"illegal_events": 1, "resyncs": 2},
        busy_share=0.71,
        trunks=(sample_trunk(),),
        shown=(ShownView("local", 1, "+120****0100", "good", 40, 100, 120, 31, 0, 0.0),),
    )
    return replace(status, **changes)  # type: ignore[arg-type]


def sample_pacing(campaign: str = "spring") -> dict[str, object]:
    """What an engine says of a predictive campaign's last decision."""
    return {
        "campaign": campaign,
        "mode": "predictive",
        "state": "running",
        "decision": {
            "lines": 3,
            "reason": "start 3: 4 ready and 6.1 freeing within 24 s, P(next finds nobody) 0.021 ≤ θ 0.024",
            "ago_s": 0.2,
            "p_next": 0.021,
            "p_near": 0.03,
            "theta": 0.024,
        },
        "theta": 0.024,
        "theta_uneased": 0.03,
        "target": 0.0295,
        "ease": 0.8,
        "agents": {"ready": 4, "talking": 20, "wrap": 5, "reserved": 1, "away": 2},
        "calls": {"ringing": 41, "waiting": 0, "all": 61},
        "learnt": {
            "origin": "warm: the last 3000 calls of its history",
            "dials": 3120.0,
            "answer_probability": 0.31,
            "answer_probability_low": 0.29,
            "answer_probability_high": 0.33,
            "newest_dials_doubt_z": 0.4,
            "changes_found": 1,
            "last_changes": [{"at": 900.0, "z": 4.1, "dials": 80, "before": 0.2, "after": 0.31}],
            "time_to_answer_s": 11.8,
            "ring_life_s": 20.1,
            "talk_s": 122.0,
            "wrap_s": 21.0,
            "talks": 980.0,
            "effects": [{"name": "attempt=2", "logit": -0.4, "se": 0.1}],
        },
        "windows": [
            {
                "window": "30d",
                "limit": 0.03,
                "since": 0.0,
                "answered": 1333.0,
                "abandoned": 29.0,
                "rate": 0.0218,
                "projected": 0.011,
                "left": 11.0,
                "target": 0.03,
                "ease": 1.0,
            }
        ],
        "hung_up_ringing": 12,
        "hung_up_share": 0.08,
        "dialed": 4000,
        "machines_taken_out": 2,
        "unknown": 0.0,
        "dropped": {"ring_time": 1},
        "hopper": 80,
        "decisions": 9000,
    }


def sample_pacing_view() -> PacingView:
    """The same as a status shows it."""
    window = AbandonView("30d", 0.03, 1333.0, 29.0, 0.0218, 0.011, 11.0)
    return PacingView(0.024, 0.021, 0.31, 12, 0.08, 9000, "warm: the last 3000 calls of its history", (window,))


def sample_trunk(trunk: str = "main", **changes: object) -> TrunkView:
    """A line that does well."""
    view = TrunkView(trunk, 12, 30, 2, 10.0, 5, "healthy", "works", 0.0, False, 400, 3, {"callee": 380}, {"sick": 0})
    return replace(view, **({"in_use": 12} | changes))  # type: ignore[arg-type]


def sample_line(number: str, campaign: str | None, at: float | None) -> dict[str, object]:
    """What an engine says of a call to a number."""
    sick = sample_trunk(
        "spare", condition="cooling", health="fails too many calls", rests_s=45.0, ends={"carrier": 9, "callee": 80}
    )
    return {
        "number": mask_number(number),
        "campaign": campaign,
        "at": 1000.0 if at is None else at,
        "now": 1000.0,
        "lines": ["main", "spare"],
        "trunk": "main",
        "dial": mask_number(number),
        "shown": "+120****0100",
        "cost": 0.0123,
        "reason": "cheapest of 1, 0.0123 for 120 s; shown number: 4 digits in common with the callee",
        "not": [{"trunk": "spare", "why": "sick", "text": "fails too many calls; cools down for 45 s more"}],
        "trunks": [sample_trunk(), sick],
    }


@dataclass
class FakePort:
    """A ``ServicePort`` on given facts. ``orders`` and ``asked`` record what was asked; ``silent``: it times out.

    ``answers`` holds what the store says to a job; a text is a trouble.
    """

    shown: Status = field(default_factory=sample_status)
    told: Health = field(default_factory=lambda: Health(True, "tick 3 ms ago", {}))
    silent: bool = False
    vips: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    orders: list[events.OperatorEvent] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    waiting: list[dict[str, object]] = field(default_factory=list)
    floor: dict[str, Any] = field(default_factory=sample_floor)
    checks: list[Mapping[str, Any]] = field(default_factory=list)

    def order(self, make: Callable[[int], events.OperatorEvent], timeout_s: float) -> Reply:
        event = make(len(self.orders) + 1)
        self.orders.append(event)
        if self.silent:
            raise TimeoutError
        if isinstance(event, events.CampaignOrder):
            return self._move_campaign(event)
        if isinstance(event, events.AgentDispose):
            return Reply(event.request_id, True, f"{event.code} noted")
        if isinstance(event, phones.AgentAct):
            return Reply(event.request_id, True, f"agent {event.agent}: {event.act} {event.argument}".rstrip())
        if isinstance(event, phones.SupervisorAct):
            if not event.agent:
                return Reply(event.request_id, False, "no agent was named")
            return Reply(event.request_id, True, f"supervisor {event.supervisor}: done")
        if isinstance(event, events.RestoreNumber):
            return Reply(event.request_id, True, "+120****0100 was retired and is shown again")
        if isinstance(event, events.Shutdown):
            return Reply(0, False, "not over HTTP")
        return self._move_agent(event.request_id, event.agent, _AGENT_ORDERS[type(event)])

    def _move_agent(self, request_id: int, ident: str, trigger: AgentTrigger) -> Reply:
        view = next(a for a in self.shown.agents if a.agent == ident)
        target = AGENT_TABLE.next(AgentState(view.state), trigger)
        if target is None:
            return Reply(request_id, False, f"agent {ident} is {view.state}: no {trigger.value} from there")
        agents = tuple(replace(a, state=target.value) if a is view else a for a in self.shown.agents)
        self.shown = replace(self.shown, agents=agents)
        return Reply(request_id, True, f"agent {ident} is {target.value}")

    def _move_campaign(self, event: events.CampaignOrder) -> Reply:
        view = next(c for c in self.shown.campaigns if c.campaign == event.campaign)
        target = CAMPAIGN_TABLE.next(CampaignState(view.state), CampaignTrigger(event.order))
        if target is None:
            return Reply(event.request_id, False, f"campaign {event.campaign} is {view.state}")
        campaigns = tuple(replace(c, state=target.value) if c is view else c for c in self.shown.campaigns)
        self.shown = replace(self.shown, campaigns=campaigns)
        return Reply(event.request_id, True, f"campaign {event.campaign} is {target.value}")

    def status(self) -> Status:
        return self.shown

    def pacing(self, campaign: str) -> Mapping[str, object] | None:
        known = {view.campaign for view in self.shown.campaigns}
        return sample_pacing(campaign) if campaign in known else None

    def callbacks(self) -> list[dict[str, object]]:
        return self.waiting

    def trunk(self, number: str, campaign: str | None, at: float | None) -> Mapping[str, Any] | None:
        known = {view.campaign for view in self.shown.campaigns}
        return sample_line(number, campaign, at) if campaign is None or campaign in known else None

    def routing(self) -> Mapping[str, object]:
        return self.floor

    def vip_said(self, number: str) -> Mapping[str, object] | None:
        return self.vips.get(number)

    def records(self, job: str, request: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        self.asked.append((job, request))
        if self.silent:
            raise TimeoutError
        answer = self.answers.get(job, {})
        if isinstance(answer, str):
            raise StoreTrouble(answer)
        found: Mapping[str, Any] = answer
        return found

    def machine_checks(self) -> Sequence[Mapping[str, Any]]:
        return self.checks

    def health(self) -> Health:
        return self.told

    def latencies(self) -> Mapping[str, LatencyView]:
        view = LatencyView(4, 2.0, 9.0, 9.8, 20.0, {1.0: 1, 5.0: 3, 20.0: 4})
        return {"answer_to_agent_ms": view, "answer_to_bridge_ms": view}

    def edge_counters(self) -> Mapping[str, int]:
        return {"esl_reconnects": 1, "esl_events_dropped": 0}

    def info(self) -> Mapping[str, str]:
        return {"version": "0.1.0", "instance": "test", "switch": "embedded", "config_hash": "abc123"}


def serve(run_dir: Path) -> None:
    """Serve a sample until the process is ended; the run files are written as the service writes them."""
    import gevent.event

    from dialer.http import runfiles
    from dialer.http.app import make_app
    from dialer.http.server import HttpServer

    server = HttpServer(make_app(FakePort(), runfiles.ensure_token(run_dir / runfiles.TOKEN_NAME)), "127.0.0.1", 0)
    server.start()
    runfiles.write_runtime(run_dir, server.host, server.port)
    print(server.port, flush=True)
    gevent.event.Event().wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
