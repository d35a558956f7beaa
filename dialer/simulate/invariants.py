"""What must hold at every step of a simulated shift, and at its end.

Owns the checks; each raises InvariantBroken with a sentence. Must change nothing. The legal ones look at the modelled
switch, not at what the engine believes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState
from dialer.domain.campaign import CampaignState
from dialer.domain.lead import LeadState
from dialer.domain.settings import Mode
from dialer.engine import floor
from dialer.simulate.shift import EPOCH_S, Shift, is_customer
from pacing.board import Phase
from routing.batch import match_all
from routing.facts import VIP_SEAT

AGENT_STATES_WITH_CALL = frozenset({AgentState.RESERVED, AgentState.TALKING})
STUCK_S = 20.0
STUCK_RESERVED_S = 90.0
"""Longer than any ring, wait and message together."""
SILENCE_SLACK_S = 0.75
"""How far past the limit a customer may wait for the message when every command is obeyed."""


class InvariantBroken(AssertionError):
    """Something that must never be is."""


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise InvariantBroken(text)


def each_step(shift: Shift) -> None:
    """After every step of the shift."""
    _leads(shift)
    if shift.alive:
        _engine(shift)
    _switch(shift)


def _leads(shift: Shift) -> None:
    snapshot = shift.store.snapshot()
    persons = Counter(attempt.person for attempt in snapshot.open_attempts)
    _require(all(count == 1 for count in persons.values()), f"two open attempts on one person: {persons}")
    dialing = {lead for lead, state in snapshot.leads.items() if state is LeadState.DIALING}
    live = {attempt.lead_id for attempt in snapshot.open_attempts}
    _require(dialing == live, f"leads dialing {dialing} are not those with an open attempt {live}")
    closed = Counter(attempt.attempt_id for attempt in snapshot.closed_attempts)
    _require(all(count == 1 for count in closed.values()), "an attempt was closed twice")


def _engine(shift: Shift) -> None:
    live = shift.engine._live
    customers = Counter(agent.call.id for agent in live.agents.values() if agent.call is not None)
    _require(all(count == 1 for count in customers.values()), f"a customer has two agents: {customers}")
    for agent in live.agents.values():
        name = agent.settings.agent
        if agent.call is not None:
            _require(agent.call.id in live.calls, f"agent {name} holds a call that is over")
            _require(agent.state in AGENT_STATES_WITH_CALL, f"agent {name} is {agent.state} with a call")
        if agent.leg is not None:
            _require(live.legs.get(agent.leg) is agent, f"agent {name}: the leg is not known as theirs")
    _require(len(live.legs) == sum(1 for a in live.agents.values() if a.leg is not None), "a leg without an agent")
    for call in live.calls.values():
        if call.state in (CallState.CONNECTING,):
            _require(call.agent is not None and call.agent.call is call, f"attempt {call.id} connects to nobody")
        if call.id in live.waiting:
            _require(call.state is CallState.WAITING, f"attempt {call.id} waits while {call.state}")
    _pool(shift)
    _routed(shift)
    for trunk in live.trunks.values():
        name = trunk.settings.name
        callers = sum(1 for call in live.calls.values() if call.trunk == name and call.arrival is not None)
        counted = sum(1 for call in live.calls.values() if call.trunk == name and call.arrival is None)
        counted += sum(1 for party in live.parties.values() if party.trunk == name)
        counted += max(0, callers - trunk.settings.reserved_inbound)
        _require(trunk.callers == callers, f"trunk {name} counts {trunk.callers} callers of {callers}")
        _require(trunk.legs == counted, f"trunk {name} counts {trunk.legs} legs of {counted}")


def _pool(shift: Shift) -> None:
    """Pacing believes what is."""
    live, pool = shift.engine._live, shift.engine._feed.pool
    unfed = (Mode.PREVIEW, Mode.INBOUND)
    mine = {
        c.id
        for c in live.calls.values()
        if (c.campaign.settings.mode not in unfed and not c.lead.callback) or (c.arrival and c.fed)
    }
    retired = {c.id for c in live.calls.values() if c.campaign.name not in live.settings.campaigns}
    _require(pool.calls == mine - retired, f"pacing knows {pool.calls ^ (mine - retired)} wrongly, or not")
    for name, agent in live.agents.items():
        free = agent.free and agent.after_call is None and live.nodes[agent.node].usable
        expected = {
            AgentState.READY: Phase.IDLE if free and not agent.kept else Phase.AWAY,
            AgentState.RESERVED: Phase.RESERVED,
            AgentState.TALKING: Phase.TALKING,
            AgentState.WRAP_UP: Phase.WRAP,
        }.get(agent.state, Phase.AWAY)
        if (agent.after_call is not None or agent.kept) and expected is not Phase.AWAY:
            expected = Phase.LEAVING
        believed = pool.phase_of(name)
        believed = Phase.AWAY if believed is None else believed
        _require(believed == expected, f"pacing believes that agent {name} is {believed!r}, not {expected!r}")
    for campaign in live.campaigns.values():
        free_now = {n for n, a in live.agents.items() if a.free and live.nodes[a.node].usable and not a.kept
                    and campaign.name in live.calls_out_for(a)}  # fmt: skip
        in_line = {agent.settings.agent for agent in live.free_agents(campaign)}
        _require(free_now == in_line, f"campaign {campaign.name}: free are {free_now}, in line {in_line}")


def _routed(shift: Shift) -> None:
    """Nobody waits beside an agent who may take them, by the rule written plainly, but for the moment of an order; and
    a dedicated seat serves those only whom it is kept for."""
    live, router = shift.engine._live, shift.engine._desks.calls.router
    for agent in live.agents.values():
        serves, call = live.dedicated(agent), agent.call
        if serves and call is not None and call.party is None:
            rank = call.lead.rank
            words = {rank.tier, VIP_SEAT} if rank.vip else {rank.tier}
            name = agent.settings.agent
            _require(bool(words & serves), f"agent {name}, kept for {sorted(serves)}, has one who is {sorted(words)}")
    placed = [call for call in live.waiting.values() if call.placed and not router.too_late(call)]
    if placed:
        waiting = [floor.waiting_call(call) for call in placed]
        joined = match_all(waiting, router.floor().agents, router.queue.policy, live.now)
        _require(not joined, f"they wait beside agents who are free for them: {joined}")


def ledger(shift: Shift) -> None:
    """The abandon ledger is what the store would tell a fresh dialer, exact to the call."""
    pool = shift.engine._feed.pool
    for fact in shift.store.recover(shift.now).pacing:
        counts = pool.counts(fact.campaign, shift.now)
        answered, abandoned = len(fact.answers_recent), sum(1 for _, kind in fact.answers_recent if kind == "abandoned")
        believed = (counts.answered_today, counts.abandoned_today)
        _require(believed == (answered, abandoned), f"{fact.campaign}: ledger {believed}, store {answered, abandoned}")


def _switch(shift: Shift) -> None:
    numbers = [leg.identity.number for leg in shift.switch.legs.values() if is_customer(leg)]
    if len(set(numbers)) < len(numbers):
        raise InvariantBroken(f"a number is being dialed twice at once: {Counter(numbers)}")
    shortest = min((c.min_ring_s for c in shift.settings.campaigns.values()), default=0.0)
    _require(
        shift.shortest_ring_cut_s >= shortest - 0.01,
        f"a phone was cut off {shift.shortest_ring_cut_s:.2f} s after its call was launched",
    )


def never_silent(shift: Shift, limit_s: float, machines: Container[str] = ()) -> None:
    """Every answered customer was bridged or heard the message in time, whoever was dead at the time; ``machines`` are
    legs whose callees are none.
    """
    report = shift.switch.audit.report(list(shift.switch.legs.values()), shift.now - EPOCH_S)
    for leg in report["legs"]:
        if not leg["presence_data"].startswith("dialer/call/") or leg["uuid"] in machines:
            continue
        ended = leg["hungup_at"] if leg["hungup_at"] is not None else shift.now
        first = min(
            (at for at in (leg["bridged_at"], leg["message_started_at"]) if at is not None), default=None
        )
        waited = (first if first is not None else ended) - leg["answered_at"]
        _require(waited <= limit_s + SILENCE_SLACK_S, f"a customer waited {waited:.2f} s in silence: {leg}")


def healed(shift: Shift) -> None:
    """A minute after the last fault: everything that was broken works again, nobody is stuck."""
    live = shift.engine._live
    _require(shift.alive and live.store_ok, "the dialer or its store did not come back")
    for node in live.nodes.values():
        _require(node.usable, f"switch {node.name} is not in use again: {node.detail}")
    for agent in live.agents.values():
        name, line_s, state_s = agent.settings.agent, live.now - agent.line_since, live.now - agent.since
        _require(agent.line is not Line.UNSURE or line_s < STUCK_S, f"agent {name}: line unsure for {line_s:.0f} s")
        if agent.state is AgentState.READY and agent.nailed_up:
            _require(agent.line is Line.PARKED or line_s < STUCK_S, f"agent {name} is ready on a {agent.line} line")
        if agent.state is AgentState.RESERVED:
            _require(state_s < STUCK_RESERVED_S, f"agent {name} is reserved for {state_s:.0f} s")
        if agent.leg is not None and agent.line is Line.PARKED and line_s > STUCK_S:
            _require(agent.leg in shift.switch.legs, f"agent {name} is parked on a line that is gone")
    for campaign in live.campaigns.values():
        free = [a for a in live.free_agents(campaign) if live.now - a.idle_since > STUCK_S]
        running = campaign.state is CampaignState.RUNNING and campaign.settings.mode is not Mode.PREVIEW
        rests = "trimmed to 0 by trunks" in campaign.decision.reason  # all lines are sick
        room = shift.engine._desks.trunks.room(campaign).calls > 0 and not rests
        if running and free and room and not campaign.hopper.exhausted:
            busy = [call for call in live.calls.values() if call.state is not CallState.CONNECTED]
            _require(bool(busy), f"campaign {campaign.name} dials nobody: {campaign.decision.reason}")


def at_end(shift: Shift) -> None:
    """After the drain: everything is accounted for and nothing is left."""
    snapshot = shift.store.snapshot()
    _require(snapshot.unaccounted() == 0, f"{snapshot.unaccounted()} leads unaccounted for: {snapshot.leads}")
    _require(not snapshot.open_attempts, f"open attempts at the end: {snapshot.open_attempts}")
    _require(not shift.engine._live.calls, "the engine still holds calls")
    for state in snapshot.leads.values():
        _require(state in (LeadState.READY, LeadState.DONE), f"a lead is left {state}")
    left = [leg.uuid for leg in shift.switch.legs.values()]
    _require(not left, f"channels left on the switch: {left}")
