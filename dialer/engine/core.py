"""The engine's one door: ``handle(event, now)`` → commands.

Owns the turn (timers first, then the event, then pacing), the switches' and the store's coming and going, and the
start. The rules are the desks': see ``wiring``.
Deterministic: the same settings, identifiers, events and times give the same commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dialer.domain import events as ev
from dialer.domain.agent import AgentState
from dialer.domain.campaign import CampaignState
from dialer.domain.commands import Command
from dialer.domain.settings import EngineSettings
from dialer.domain.status import Status
from dialer.engine import status, trunk_views
from dialer.engine.feed import Feed, pacing_of
from dialer.engine.live import Agent, Live, Node
from dialer.engine.phones import outside
from dialer.engine.reconcile import LOOK_AGAIN_S
from dialer.engine.timers import TimerKey
from dialer.engine.wiring import Desks, EventTable, TimerTable
from pacing.pool import Pool
from pacing.snapshot import Policy
from routing.snapshot import Floor

STOOD_STILL_S = 1.0
"""A timer that fires so much too late: this process stood still, and what happened meanwhile is not read yet."""
READ_FIRST_S = 1.0
_END_LEGS = frozenset({("call", "guard"), ("call", "minring"), ("agent", "line")})
"""Timers that hang up because of what has not been heard: after a standstill they wait until it can have been."""


class Engine:
    """All live state of one pool of agents, campaigns and calls."""

    def __init__(
        self,
        settings: EngineSettings,
        now: float,
        new_id: Callable[[], str],
        policies: Mapping[str, Policy] | None = None,
        given: Mapping[int, float] | None = None,
    ) -> None:
        """For the planner only: ``policies`` replaces the rule of single campaigns, ``given`` tells leads' true answer
        probabilities by lead id.
        """
        self._live = live = Live(settings, now, new_id)
        pool = Pool({name: pacing_of(settings, name) for name in settings.campaigns})
        self._feed = feed = Feed(live, pool, {} if given is None else given)
        self._desks = desks = Desks(live, feed, policies or {})
        self._calls, self._agents, self._memory = desks.calls, desks.agents, desks.memory
        self._orders, self._predictive, self._reconciler = desks.orders, desks.predictive, desks.reconciler
        self._handlers: EventTable = desks.events() | {
            ev.Tick: lambda event: None,
            ev.SwitchUp: self._switch_up,
            ev.SwitchDown: self._switch_down,
            ev.SwitchGap: self._switch_gap,
            ev.SwitchSnapshot: self._snapshot,
            ev.SnapshotFailed: self._snapshot_failed,
            ev.StoreFailed: self._store_failed,
            ev.StoreRecovered: self._store_recovered,
            ev.Recovered: self._recovered,
        }
        self._timer_handlers: TimerTable = desks.timers() | {
            ("node", "asked"): self._asked_in_vain,
            ("node", "resync"): self._resync,
        }
        self._start(now)

    # ---- the door ------------------------------------------------------------------------------------------

    def handle(self, event: ev.Event, now: float) -> list[Command]:
        """Take one event at ``now`` (engine clock: seconds, never going back) and return what is to be done.

        Timers due by ``now`` fire first. Never raises for anything that the world can say.
        """
        live = self._live
        live.now = max(live.now, now)
        self._fire_timers()
        handler = self._handlers.get(type(event))
        if handler is None:
            live.odd("unknown", f"no handler for {type(event).__name__}")
        else:
            handler(event)
        self._desks.calls.route()
        self._desks.callbacks.run()
        self._desks.pacer.run()
        if live.draining:
            self._desks.drain.check()
        out, live.out = live.out, []
        return out

    def next_due(self) -> float | None:
        """When ``handle(Tick(), …)`` must be called at the latest (engine clock)."""
        return self._live.timers.next_due()

    def status(self, now: float) -> Status:
        """A view of everything; changes nothing but the clock."""
        self._live.now = max(self._live.now, now)
        desks = self._desks
        return status.build(
            self._live, self._feed.pool, self._predictive.names, desks.trunks, desks.callbacks.counts,
            desks.queues.views(),
        )  # fmt: skip

    def explain_trunk(self, number: str, campaign: str | None, at: float | None, now: float) -> dict[str, Any] | None:
        """Which line a call to ``number`` would take, and why no other; None when the campaign is not configured."""
        self._live.now = max(self._live.now, now)
        return trunk_views.explain(self._desks.trunks, number, campaign, at)

    def explain(self, campaign: str, now: float) -> dict[str, object] | None:
        """What the last pacing decision of a campaign stood on, JSON-able; None when it is not configured."""
        live = self._live
        live.now = max(live.now, now)
        if campaign not in live.settings.campaigns:
            return None
        agentless = self._desks.agentless.explain(live.campaigns[campaign])
        return status.explain(live, self._feed.pool, live.campaigns[campaign], agentless)

    def callbacks(self, now: float) -> list[dict[str, object]]:
        """Every callback that is due soon or at hand, JSON-able: which, and why it waits."""
        self._live.now = max(self._live.now, now)
        return self._desks.callbacks.explain()

    def floor(self, now: float) -> Floor:
        """Everybody as routing sees them; changes nothing but the clock."""
        live = self._live
        live.now = max(live.now, now)
        return self._desks.calls.router.floor()

    @property
    def decisions(self) -> int:
        """How often the pool was asked."""
        return self._predictive.decisions

    def _start(self, now: float) -> None:
        live = self._live
        for name in live.nodes:
            live.timers.set(("node", "resync", name), now + live.settings.resync_interval_s)
        for campaign in live.campaigns.values():
            if campaign.settings.autostart:
                campaign.state = CampaignState.RUNNING
        for agent in live.agents.values():
            if agent.settings.login_at_start:
                self._login_unasked(agent, ready=True, reason="login")

    def _expect(self, agent: Agent, fact: ev.AgentFact) -> None:
        """The agent's phone had called the former run: the leg may still be there, to be found by its UUID."""
        agent.expected = fact.line
        if fact.seat not in self._live.settings.seats:
            agent.seat = outside(fact.seat)

    def _login_unasked(self, agent: Agent, *, ready: bool, reason: str, seat: str = "") -> None:
        problem = None
        if agent.seat.address:
            problem = self._orders.take_seat(agent, seat if seat in self._live.settings.seats else None)
        if problem is None:
            self._agents.login(agent, ready=ready, reason=reason)
        else:
            self._live.note("warning", "seat_taken", f"agent {agent.settings.agent} is not logged in: {problem}")

    def _fire_timers(self) -> None:
        live = self._live
        while (due := live.timers.next_due()) is not None and (key := live.timers.pop_due(live.now)) is not None:
            if live.now - due > STOOD_STILL_S and key[:2] in _END_LEGS:
                live.timers.set(key, live.now + READ_FIRST_S)
            else:
                self._fire(key)

    def _fire(self, key: TimerKey) -> None:
        handler = self._timer_handlers[(key[0], key[1])]
        handler(key[2] if len(key) > 2 else "")

    # ---- switch --------------------------------------------------------------------------------------------

    def _node(self, name: str) -> Node | None:
        node = self._live.nodes.get(name)
        if node is None:
            self._live.odd("node", f"a word from switch {name}, which is not configured")
        return node

    def _usable_or_not(self, node: Node) -> None:
        """Whether customers can be given agents there may be otherwise now."""
        self._feed.node(node.name)
        self._desks.calls.router.node(node.name)

    def _switch_up(self, event: ev.SwitchUp) -> None:
        if (node := self._node(event.node)) is None:
            return
        node.up, node.synced, node.asking, node.fresh = True, False, False, True
        node.detail = "connected, not compared yet"
        self._usable_or_not(node)
        self._live.note("info", "switch_up", f"switch {node.name} connected")
        self._reconciler.ask(node)

    def _switch_down(self, event: ev.SwitchDown) -> None:
        if (node := self._node(event.node)) is None:
            return
        if node.up:
            self._live.counters["switch_losses"] += 1
            self._live.note("error", "switch_down", f"switch {node.name} lost: {event.reason}")
        node.up = node.synced = node.asking = False
        node.detail = event.reason
        self._usable_or_not(node)
        self._dirty_all()

    def _switch_gap(self, event: ev.SwitchGap) -> None:
        live = self._live
        if (node := self._node(event.node)) is None:
            return
        live.counters["events_dropped"] += event.dropped
        live.note("error", "event_gap", f"switch {node.name}: {event.dropped} events lost, comparing")
        node.synced = False
        self._usable_or_not(node)
        if node.asking:
            # The list under way may be older than the gap.
            live.timers.set(("node", "look", node.name), live.now + LOOK_AGAIN_S)
        self._reconciler.ask(node)

    def _resync(self, name: str) -> None:
        live = self._live
        live.timers.set(("node", "resync", name), live.now + live.settings.resync_interval_s)
        self._reconciler.ask(live.nodes[name])

    def _asked_in_vain(self, name: str) -> None:
        node = self._live.nodes[name]
        node.asking = False
        if node.up:
            self._live.counters["snapshots_overdue"] += 1
            self._reconciler.ask(node)

    def _snapshot(self, event: ev.SwitchSnapshot) -> None:
        live = self._live
        if (node := self._node(event.node)) is None:
            return
        node.asking = False
        live.timers.cancel(("node", "asked", node.name))
        if node.up:
            live.counters["resyncs"] += 1
            self._reconciler.compare(node, event)
            self._usable_or_not(node)
            self._dirty_all()

    def _snapshot_failed(self, event: ev.SnapshotFailed) -> None:
        live = self._live
        if (node := self._node(event.node)) is None:
            return
        node.asking = False
        live.timers.cancel(("node", "asked", node.name))
        live.counters["snapshots_failed"] += 1
        live.note("warning", "snapshot_failed", f"switch {node.name}: {event.error}")
        live.timers.set(("node", "look", node.name), live.now + 2.0)

    # ---- store ---------------------------------------------------------------------------------------------

    def _store_failed(self, event: ev.StoreFailed) -> None:
        live = self._live
        if live.store_ok:
            live.counters["store_failures"] += 1
            live.note("error", "store_failed", f"dialing stops, calls go on: {event.error}")
        live.store_ok, live.store_detail = False, event.error
        self._dirty_all()

    def _store_recovered(self, event: ev.StoreRecovered) -> None:
        live = self._live
        live.store_ok, live.store_detail = True, ""
        live.note("info", "store_recovered", "the store writes again: dialing resumes")
        self._dirty_all()

    def _recovered(self, event: ev.Recovered) -> None:
        live = self._live
        live.mark = event.mark
        self._memory.recovered(event.pacing)
        self._reconciler.recovered(event)
        self._desks.inbound.recovered(event.inbound)
        self._desks.recordings.recovered(event.recordings)
        self._desks.trunks.recovered(event.shown)
        for name, state in event.campaigns:
            campaign = live.campaigns.get(name)
            known = state in {s.value for s in CampaignState}
            if campaign is not None and name in live.settings.campaigns and known:
                campaign.state = CampaignState(state)
                campaign.dirty = True
        for fact in event.agents:
            agent = live.agents.get(fact.agent)
            if agent is None:
                continue
            ready = fact.state == AgentState.READY.value
            if agent.state is not AgentState.LOGGED_OUT and agent.leg is None and fact.seat != agent.seat.seat:
                self._agents.leave(agent, "sits elsewhere")  # logged in at the start, at the seat of the configuration
            if fact.line:
                self._expect(agent, fact)
            if agent.state is AgentState.LOGGED_OUT:
                self._login_unasked(agent, ready=ready, reason=fact.reason or "restart", seat=fact.seat)
            elif not ready:
                # Logged in at the start by the configuration, but nobody may be sitting there.
                self._agents.pause(agent, fact.reason or "paused before the restart")

    def _dirty_all(self) -> None:
        for campaign in self._live.campaigns.values():
            campaign.dirty = True
