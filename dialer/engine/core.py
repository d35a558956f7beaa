"""The engine's one door: ``handle(event, now)`` → commands.

Owns dispatch and timers. The rules are the desks': calls, agents, previews, pacer, orders, reconciler, drain.
Deterministic: the same settings, identifiers, events and times give the same commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dialer.domain import events as ev
from dialer.domain.agent import AgentState
from dialer.domain.call import CallState
from dialer.domain.campaign import CampaignState
from dialer.domain.commands import Command
from dialer.domain.settings import EngineSettings
from dialer.domain.status import Status
from dialer.engine import status
from dialer.engine.agents import AgentDesk
from dialer.engine.calls import CallDesk
from dialer.engine.drain import Drain
from dialer.engine.feed import Feed, pacing_of
from dialer.engine.hoppers import HopperDesk
from dialer.engine.live import Agent, Live, Node
from dialer.engine.memory import PacingMemory
from dialer.engine.orders import OrderDesk
from dialer.engine.pacer import Pacer
from dialer.engine.predictive import Predictive
from dialer.engine.previews import PreviewDesk
from dialer.engine.reconcile import LOOK_AGAIN_S, Reconciler
from dialer.engine.timers import TimerKey
from pacing.pool import Pool
from pacing.snapshot import Policy

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
        self._hoppers = hoppers = HopperDesk(live)
        self._calls, self._agents = CallDesk(live, feed), AgentDesk(live, feed)
        self._predictive = Predictive(live, feed, hoppers, policies or {})
        self._memory = PacingMemory(live, feed, self._predictive.names)
        self._pacer, self._reconciler = Pacer(live, hoppers, self._predictive), Reconciler(live)
        self._orders, previews = OrderDesk(live, feed), PreviewDesk(live)
        orders = self._orders
        self._calls.agents = self._reconciler.agents = previews.agents = orders.agents = self._agents
        self._agents.calls = self._pacer.calls = self._reconciler.calls = previews.calls = self._calls
        self._predictive.calls = self._calls
        self._pacer.previews = previews
        orders.hoppers = hoppers
        self._drain = Drain(live, self._calls, self._agents, hoppers, orders, self._memory)
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            ev.Tick: lambda event: None,
            ev.SwitchUp: self._switch_up,
            ev.SwitchDown: self._switch_down,
            ev.SwitchGap: self._switch_gap,
            ev.LegRinging: self._leg_ringing,
            ev.LegAnswered: self._leg_answered,
            ev.LegsBridged: self._legs_bridged,
            ev.LegUnbridged: self._leg_unbridged,
            ev.LegParked: self._leg_parked,
            ev.LegHungUp: self._leg_hung_up,
            ev.OriginateReplied: self._originate_replied,
            ev.BridgeReplied: self._calls.bridge_replied,
            ev.CommandRefused: self._command_refused,
            ev.SwitchSnapshot: self._snapshot,
            ev.SnapshotFailed: self._snapshot_failed,
            ev.LeadsClaimed: hoppers.claimed,
            ev.AttemptOpened: self._calls.opened,
            ev.AttemptRefused: self._calls.refused,
            ev.StoreFailed: self._store_failed,
            ev.StoreRecovered: self._store_recovered,
            ev.Recovered: self._recovered,
            ev.AgentLogin: orders.login,
            ev.AgentLogout: lambda e: orders.of_agent(e, lambda a: self._agents.logout(a, "logout")),
            ev.AgentPause: lambda e: orders.of_agent(e, lambda a: self._agents.pause(a, e.reason)),
            ev.AgentReady: lambda e: orders.of_agent(e, self._agents.ready),
            ev.PreviewAccept: lambda e: orders.of_agent(e, previews.accept),
            ev.PreviewSkip: lambda e: orders.of_agent(e, previews.skip),
            ev.AgentDispose: orders.dispose,
            ev.CampaignOrder: orders.of_campaign,
            ev.Shutdown: self._drain.begin,
        }
        self._timer_handlers: dict[tuple[str, str], Callable[[str], None]] = {
            ("call", "limit"): lambda key: self._with_call(key, self._calls.limit),
            ("call", "guard"): lambda key: self._with_call(key, self._calls.guard),
            ("call", "placed"): lambda key: self._with_call(key, self._calls.placed),
            ("call", "minring"): lambda key: self._with_call(key, self._calls.min_ring_over),
            ("agent", "wrap"): lambda key: self._agents.wrap_done(live.agents[key]),
            ("agent", "cure"): lambda key: self._agents.cure(live.agents[key]),
            ("agent", "line"): lambda key: self._agents.line_overdue(live.agents[key]),
            ("agent", "retry"): lambda key: self._agents.retry(live.agents[key]),
            ("agent", "connect"): self._connect_again,
            ("agent", "preview"): lambda key: previews.over(live.agents[key]),
            ("agent", "steady"): self._steady,
            ("campaign", "pace"): self._mark_dirty,
            ("campaign", "claim"): lambda key: hoppers.claim_overdue(live.campaigns[key]),
            ("pool", "pace"): self._mark_pool_dirty,
            ("node", "look"): lambda key: self._reconciler.ask(live.nodes[key]),
            ("node", "asked"): self._asked_in_vain,
            ("node", "resync"): self._resync,
            ("engine", "save"): lambda key: self._memory.save_due(),
            ("engine", "drain"): lambda key: self._drain.over(),
            ("engine", "close"): lambda key: self._drain.close(),
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
        self._pacer.run()
        if live.draining:
            self._drain.check()
        out, live.out = live.out, []
        return out

    def next_due(self) -> float | None:
        """When ``handle(Tick(), …)`` must be called at the latest (engine clock)."""
        return self._live.timers.next_due()

    def status(self, now: float) -> Status:
        """A view of everything; changes nothing but the clock."""
        self._live.now = max(self._live.now, now)
        return status.build(self._live, self._feed.pool, self._predictive.names)

    def explain(self, campaign: str, now: float) -> dict[str, object] | None:
        """What the last pacing decision of a campaign stood on, JSON-able; None when it is not configured."""
        live = self._live
        live.now = max(live.now, now)
        if campaign not in live.settings.campaigns:
            return None
        return status.explain(live, self._feed.pool, live.campaigns[campaign])

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

    def _login_unasked(self, agent: Agent, *, ready: bool, reason: str) -> None:
        problem = self._orders.take_seat(agent, None)
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

    def _with_call(self, call_id: str, act: Callable[[Any], None]) -> None:
        call = self._live.calls.get(call_id)
        if call is not None:
            act(call)

    def _steady(self, name: str) -> None:
        self._live.agents[name].failures = 0

    def _connect_again(self, name: str) -> None:
        agent = self._live.agents[name]
        if agent.state in (AgentState.CONNECTING, AgentState.RESERVED) and agent.leg is None:
            self._agents.ring(agent)

    def _mark_dirty(self, name: str) -> None:
        self._live.campaigns[name].dirty = True

    def _mark_pool_dirty(self, _: str) -> None:
        self._feed.dirty = True

    # ---- switch --------------------------------------------------------------------------------------------

    def _node(self, name: str) -> Node | None:
        node = self._live.nodes.get(name)
        if node is None:
            self._live.odd("node", f"a word from switch {name}, which is not configured")
        return node

    def _switch_up(self, event: ev.SwitchUp) -> None:
        if (node := self._node(event.node)) is None:
            return
        node.up, node.synced, node.asking, node.fresh = True, False, False, True
        node.detail = "connected, not compared yet"
        self._feed.node(node.name)
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
        self._feed.node(node.name)
        self._dirty_all()

    def _switch_gap(self, event: ev.SwitchGap) -> None:
        live = self._live
        if (node := self._node(event.node)) is None:
            return
        live.counters["events_dropped"] += event.dropped
        live.note("error", "event_gap", f"switch {node.name}: {event.dropped} events lost, comparing")
        node.synced = False
        self._feed.node(node.name)
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
            self._feed.node(node.name)
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

    def _leg_ringing(self, event: ev.LegRinging) -> None:
        if (call := self._live.calls.get(event.uuid)) is not None:
            self._calls.ringing(call, event)

    def _leg_answered(self, event: ev.LegAnswered) -> None:
        if (call := self._live.calls.get(event.uuid)) is not None:
            self._calls.answered(call, event)

    def _legs_bridged(self, event: ev.LegsBridged) -> None:
        live = self._live
        for call_id, leg in ((event.a_uuid, event.b_uuid), (event.b_uuid, event.a_uuid)):
            call, agent = live.calls.get(call_id), live.legs.get(leg)
            if call is not None and agent is not None:
                self._calls.bridged(call, agent, event)
                return
        live.odd("bridge_unknown", "a bridge between legs that are not a call and an agent of ours")

    def _leg_unbridged(self, event: ev.LegUnbridged) -> None:
        call = self._live.calls.get(event.uuid)
        if call is not None and call.state is CallState.CONNECTED:
            self._calls.unbridged(call, event)

    def _leg_parked(self, event: ev.LegParked) -> None:
        if (agent := self._live.legs.get(event.uuid)) is not None:
            self._agents.parked(agent, event)

    def _leg_hung_up(self, event: ev.LegHungUp) -> None:
        live = self._live
        if (call := live.calls.get(event.uuid)) is not None:
            self._calls.hung_up(call, event)
        elif (agent := live.legs.get(event.uuid)) is not None:
            self._agents.hung_up(agent, event)

    def _originate_replied(self, event: ev.OriginateReplied) -> None:
        live = self._live
        if (call := live.calls.get(event.uuid)) is not None:
            self._calls.originate_replied(call, event)
        elif (agent := live.legs.get(event.uuid)) is not None:
            self._agents.originate_replied(agent, event)

    def _command_refused(self, event: ev.CommandRefused) -> None:
        live = self._live
        live.counters["commands_refused"] += 1
        live.note("info", "command_refused", f"{event.command} on {event.uuid}: {event.error}")
        call, agent = live.calls.get(event.uuid), live.legs.get(event.uuid)
        name = call.node if call is not None else agent.node if agent is not None else None
        if name is not None:
            self._reconciler.ask(live.nodes[name])

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
            if agent.state is AgentState.LOGGED_OUT:
                self._login_unasked(agent, ready=ready, reason=fact.reason or "restart")
            elif not ready:
                # Logged in at the start by the configuration, but nobody may be sitting there.
                self._agents.pause(agent, fact.reason or "paused before the restart")

    def _dirty_all(self) -> None:
        for campaign in self._live.campaigns.values():
            campaign.dirty = True
