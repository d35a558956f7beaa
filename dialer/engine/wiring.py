"""The desks of one engine: built, made known to each other, and which of them takes what event and which timer.

Owns the two tables. Must hold no rule and no state. A desk that is new is built here, gets its fellows here, and has
its lines in the tables; its legs' events come by ``dispatch``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dialer.domain import callbacks as cb
from dialer.domain import events as ev
from dialer.domain import hearing as he
from dialer.domain import inbound as inb
from dialer.domain import phones as ph
from dialer.domain.agent import AgentState
from dialer.domain.commands import Reply
from dialer.engine.acts import ActDesk
from dialer.engine.agentless import AgentlessDesk
from dialer.engine.agents import AgentDesk
from dialer.engine.announcing import Announcer
from dialer.engine.arrivals import ArrivalDesk
from dialer.engine.asides import AsideDesk
from dialer.engine.callbacks import CallbackDesk
from dialer.engine.calls import CallDesk
from dialer.engine.dispatch import LegEvents
from dialer.engine.displays import DisplayDesk
from dialer.engine.drain import Drain
from dialer.engine.feed import Feed
from dialer.engine.follow_me import FollowDesk
from dialer.engine.holds import HoldDesk
from dialer.engine.hoppers import HopperDesk
from dialer.engine.inbound import InboundDesk
from dialer.engine.keys import KeyDesk
from dialer.engine.live import Live
from dialer.engine.memory import PacingMemory
from dialer.engine.menus import MenuDesk
from dialer.engine.number_checks import NumberDesk
from dialer.engine.orders import OrderDesk
from dialer.engine.own_calls import OwnCallDesk
from dialer.engine.pacer import Pacer
from dialer.engine.parties import PartyDesk
from dialer.engine.party_legs import PartyLegs
from dialer.engine.phones import PhoneDesk
from dialer.engine.predictive import Predictive
from dialer.engine.previews import PreviewDesk
from dialer.engine.queueing import QueueDesk
from dialer.engine.reconcile import Reconciler
from dialer.engine.recordings import RecordingDesk
from dialer.engine.screenings import ScreeningDesk
from dialer.engine.speaking import Voice
from dialer.engine.supervision import SupervisionDesk
from dialer.engine.trunks import TrunkDesk
from pacing.snapshot import Policy

EventTable = dict[type[Any], Callable[[Any], None]]
TimerTable = dict[tuple[str, str], Callable[[str], None]]


class Desks:
    """All desks of one engine."""

    def __init__(self, live: Live, feed: Feed, policies: Mapping[str, Policy]) -> None:
        self.live = live
        self.feed = feed
        self.voice = Voice(live)
        self.hoppers = HopperDesk(live)
        self.trunks = TrunkDesk(live)
        self.calls = CallDesk(live, feed)
        self.screenings = ScreeningDesk(live, feed)
        self.agentless = AgentlessDesk(live, feed)
        self.arrivals, self.inbound = ArrivalDesk(live), InboundDesk(live, feed)
        self.queues = QueueDesk(live, feed)
        self.menus = MenuDesk(live)
        self.agents = AgentDesk(live, feed)
        self.predictive = Predictive(live, feed, self.hoppers, policies, self.trunks)
        self.memory = PacingMemory(live, feed, self.predictive.names)
        self.pacer = Pacer(live, self.hoppers, self.predictive, self.trunks)
        self.reconciler = Reconciler(live)
        self.orders = OrderDesk(live, feed)
        self.previews = PreviewDesk(live)
        self.callbacks = CallbackDesk(live)
        self.acts = ActDesk(live)
        self.keys = KeyDesk(live, self.acts, self.voice)
        self.phones = PhoneDesk(live, self.voice)
        self.asides = AsideDesk(live, self.voice)
        self.party_legs = PartyLegs(live, self.voice, self.trunks)
        self.follow = FollowDesk(live, feed, self.party_legs)
        self.numbers = NumberDesk(live)
        self.parties = PartyDesk(live, self.party_legs, self.numbers, self.asides, self.voice)
        self.own_calls = OwnCallDesk(live, self.party_legs, self.numbers, self.voice)
        self.supervision = SupervisionDesk(live, self.voice)
        self.recordings = RecordingDesk(live, self.voice)
        self.holds = HoldDesk(live)
        self.displays = DisplayDesk(live)
        self.announcer = Announcer(live, self.voice)
        self.legs = LegEvents(live, self)
        self._introduce()
        self.drain = Drain(live, self.calls, self.agents, self.hoppers, self.orders, self.memory)

    def _introduce(self) -> None:
        """Let each desk know those whom it works with."""
        self.calls.trunks = self.trunks
        self.calls.agents = self.reconciler.agents = self.previews.agents = self.orders.agents = self.agents
        self.acts.agents = self.phones.agents = self.parties.agents = self.supervision.agents = self.agents
        self.agents.calls = self.pacer.calls = self.reconciler.calls = self.previews.calls = self.calls
        self.predictive.calls = self.acts.calls = self.calls
        self.asides.calls = self.supervision.calls = self.parties.calls = self.own_calls.calls = self.calls
        self.asides.agents = self.party_legs.agents = self.own_calls.agents = self.agents
        self.agents.asides = self.calls.asides = self.reconciler.asides = self.asides
        self.agents.parties = self.asides.parties = self.parties
        self.agents.own_calls = self.parties.own_calls = self.own_calls
        self.reconciler.party_legs = self.party_legs
        self.reconciler.holds = self.holds
        self.calls.on_ended += [self.parties.call_ended, self.supervision.call_ended, self.recordings.call_ended]
        self.calls.screenings, self.screenings.calls = self.screenings, self.calls
        self.screenings.recordings = self.recordings
        self.calls.on_ended.append(self.screenings.call_ended)
        self.calls.agentless = self.pacer.agentless = self.agentless
        self.agentless.calls = self.calls
        self.calls.on_ended.append(self.agentless.call_ended)
        self.legs.on_customer_key = self._customer_key
        self.calls.inbound, self.inbound.calls = self.inbound, self.calls
        self.arrivals.calls, self.arrivals.inbound, self.inbound.arrivals = self.calls, self.inbound, self.arrivals
        self.queues.calls = self.menus.calls = self.calls
        self.queues.inbound = self.menus.inbound = self.inbound
        self.inbound.queues = self.menus.queues = self.queues
        self.inbound.menus, self.inbound.voice = self.menus, self.voice
        self.inbound.follow = self.menus.follow = self.follow
        self.follow.calls, self.follow.inbound, self.follow.queues = self.calls, self.inbound, self.queues
        self.follow.holds = self.holds
        self.calls.on_connected.append(self.follow.connected)
        self.callbacks.agents = self.callbacks.who.agents = self.agents
        self.callbacks.calls, self.callbacks.announcer = self.calls, self.announcer
        self.calls.on_connected.append(self.recordings.connected)
        self.calls.on_dialed += [self.announcer.opened, self.callbacks.dialed]
        self.calls.on_outcome.append(self.callbacks.ended)
        self.arrivals.announcer = self.announcer
        self.calls.on_ended.append(self.arrivals.ended)
        self.calls.router.announcer = self.previews.announcer = self.announcer
        self.agents.on_line_gone += [self.supervision.agent_gone, self.holds.gone]
        self.agents.on_line_up.append(self.holds.line_up)
        self.agents.on_adopted.append(self.holds.adopted)
        self.agents.on_talking += [self.displays.talking, self.holds.talking]
        self.agents.on_talk_over += [self.displays.over, self.keys.talk_over]
        self.holds.agents, self.holds.calls, self.holds.asides = self.agents, self.calls, self.asides
        self.holds.supervision, self.supervision.holds = self.supervision, self.holds
        self.holds.parties, self.holds.party_legs, self.parties.holds = self.parties, self.party_legs, self.holds
        self.asides.on_back.append(self.holds.talking)
        self.reconciler.on_first += [self.recordings.compared, self.recordings.uploads.compared]
        self.reconciler.on_first.append(self.callbacks.compared)
        self.agents.voice, self.agents.keys = self.voice, self.keys
        self.previews.voice = self.voice
        self.pacer.previews = self.acts.previews = self.agents.previews = self.previews
        self.orders.hoppers = self.hoppers
        self.acts.orders = self.orders
        self.acts.phones = self.reconciler.phones = self.phones
        self.phones.supervisors = self.reconciler.supervision = self.supervision
        self.supervision.asides, self.supervision.recordings = self.asides, self.recordings
        self.parties.register(self.acts)
        self.own_calls.register(self.acts)
        self.recordings.register(self.acts)
        self.announcer.register(self.acts)
        self.acts.register("help", lambda agent, _: self.supervision.help.ask(agent))

    # ---- tables --------------------------------------------------------------------------------------------

    def events(self) -> EventTable:
        """Who takes which event, but for those of the engine itself: switches, the store, time."""
        legs, orders, agents = self.legs, self.orders, self.agents
        return {
            ev.LegRinging: legs.ringing,
            ev.LegAnswered: legs.answered,
            ev.LegsBridged: legs.bridged,
            ev.LegUnbridged: legs.unbridged,
            ev.LegParked: legs.parked,
            ev.LegHungUp: legs.hung_up,
            ev.OriginateReplied: legs.originate_replied,
            ev.BridgeReplied: legs.bridge_replied,
            ev.CommandRefused: legs.command_refused,
            he.Heard: self.screenings.heard,
            he.WordsHeard: self.screenings.words,
            he.BeepHeard: self.screenings.beep,
            he.QuietHeard: self.screenings.quiet,
            he.AnnouncementHeard: self.screenings.announced,
            he.CalleeRecorded: self.recordings.callee_recorded,
            ph.KeyPressed: legs.key,
            ph.PhoneCalled: self.phones.called,
            ph.LegHeld: legs.held,
            ph.HoldTold: self.holds.answered,
            ph.RecordingStopped: self._recording_stopped,
            inb.CallerArrived: self.arrivals.arrived,
            inb.CallerFellBack: self.inbound.fell_back,
            inb.ArrivalJudged: self.arrivals.judged,
            inb.VipTold: self.arrivals.vip_told,
            ph.UploadReplied: self.recordings.uploads.replied,
            ph.PinChecked: self.phones.pin_checked,
            ph.NumberChecked: self.numbers.answered,
            ph.AgentAct: self.acts.order,
            ph.SupervisorAct: self._supervise,
            ev.LeadsClaimed: self.hoppers.claimed,
            cb.CallbacksSeen: self.callbacks.seen,
            cb.CallbackClaimed: self.callbacks.claimed,
            cb.CallbackGone: self.callbacks.gone,
            ev.AttemptOpened: self.calls.opened,
            ev.AttemptRefused: self.calls.refused,
            ev.AgentLogin: orders.login,
            ev.AgentLogout: lambda e: orders.of_agent(e, lambda a: agents.logout(a, "logout")),
            ev.AgentPause: lambda e: orders.of_agent(e, lambda a: agents.pause(a, e.reason)),
            ev.AgentReady: lambda e: orders.of_agent(e, agents.ready),
            ev.PreviewAccept: lambda e: orders.of_agent(e, self.previews.accept),
            ev.PreviewSkip: lambda e: orders.of_agent(e, self.previews.skip),
            ev.AgentDispose: orders.dispose,
            ev.CampaignOrder: orders.of_campaign,
            ev.RestoreNumber: self.trunks.restore,
            ev.Shutdown: self.drain.begin,
        }

    def timers(self) -> TimerTable:
        """Who is woken by which timer: by its kind and name; the third part of its key says what it is about."""
        live, calls, agents = self.live, self.calls, self.agents
        return {
            ("call", "limit"): self._of_call(calls.limit),
            ("call", "guard"): self._of_call(calls.guard),
            ("call", "placed"): self._of_call(calls.placed),
            ("call", "minring"): self._of_call(calls.min_ring_over),
            ("call", "screen"): self._of_call(self.screenings.due),
            ("call", "renew"): self._of_call(self.screenings.renew),
            ("call", "turn"): self._of_call(self.agentless.turn),
            ("call", "aside"): self._of_call(self.asides.overdue),
            ("call", "music"): self._of_call(self.asides.music_again),
            ("arrival", "ask"): self._of_call(self.arrivals.vip_overdue),
            ("arrival", "judge"): self._of_call(self.arrivals.judge_overdue),
            ("arrival", "turn"): self._of_call(self.menus.turn),
            ("arrival", "cycle"): self._of_call(self.queues.cycle),
            ("arrival", "overflow"): self._of_call(self.queues.overflow),
            ("arrival", "go"): self._of_call(self.inbound.go_on),
            ("arrival", "follow"): self._of_call(self.follow.due),
            ("arrival", "again"): self._of_call(self.follow.again),
            ("arrival", "join"): self._of_call(self.follow.join),
            ("arrival", "look"): self._of_call(self.follow.look),
            ("agent", "wrap"): self._of_agent(agents.wrap_done),
            ("agent", "put_down"): self._of_agent(agents.put_down),
            ("agent", "cure"): self._of_agent(agents.cure),
            ("agent", "settle"): self._of_agent(agents.settled),
            ("agent", "line"): self._of_agent(agents.line_overdue),
            ("agent", "retry"): self._of_agent(agents.retry),
            ("agent", "connect"): self._connect_again,
            ("agent", "preview"): self._of_agent(self.previews.over),
            ("agent", "announce"): self._of_agent(self.announcer.due),
            ("agent", "steady"): self._steady,
            ("agent", "hold"): self._of_agent(self.holds.look),
            ("agent", "holdset"): self._of_agent(self.holds.set_again),
            ("key", "gap"): self._of_agent(self.keys.silence),
            ("key", "result"): self._of_agent(self.keys.ask_result),
            ("session", "limit"): self.phones.over,
            ("voice", "say"): self.voice.say_queued,
            ("voice", "wait"): self.voice.wait_due,
            ("voice", "cut"): self.voice.cut_again,
            ("party", "ring"): self.party_legs.overdue,
            ("party", "hold"): self.holds.party_look,
            ("number", "check"): self.numbers.overdue,
            ("watch", "ring"): self.supervision.overdue,
            ("watch", "mode"): self.supervision.set_mode,
            ("watch", "join"): self.supervision.join_overdue,
            ("watch", "send"): self.supervision.sent,
            ("watch", "idle"): self.supervision.idle,
            ("help", "over"): self.supervision.help.over,
            ("recording", "stop"): self.recordings.overdue,
            ("recording", "mask"): self.recordings.mask_lasts,
            ("recording", "begin"): self.recordings.begin,
            ("upload", "over"): self.recordings.uploads.overdue,
            ("upload", "again"): self.recordings.uploads.again,
            ("callback", "claim"): self.callbacks.overdue,
            ("callback", "look"): lambda key: None,  # every step asks whether it is time
            ("callback", "wake"): lambda key: None,
            ("campaign", "pace"): self._mark_dirty,
            ("campaign", "claim"): lambda key: self.hoppers.claim_overdue(live.campaigns[key]),
            ("pool", "pace"): self._mark_pool_dirty,
            ("node", "look"): lambda key: self.reconciler.ask(live.nodes[key]),
            ("engine", "route"): lambda key: None,  # a rule of waiting changes: every step routes at its end
            ("engine", "save"): lambda key: self.memory.save_due(),
            ("engine", "drain"): lambda key: self.drain.over(),
            ("engine", "close"): lambda key: self.drain.close(),
        }

    def _of_call(self, act: Callable[[Any], None]) -> Callable[[str], None]:
        def fire(call_id: str) -> None:
            call = self.live.calls.get(call_id)
            if call is not None:
                act(call)

        return fire

    def _customer_key(self, event: ph.KeyPressed) -> None:
        call = self.live.calls.get(event.uuid)
        (self.agentless if call is None or call.arrival is None else self.menus).pressed(event)

    def _recording_stopped(self, event: ph.RecordingStopped) -> None:
        if not self.inbound.recorded(event):
            self.recordings.stopped(event)

    def _of_agent(self, act: Callable[[Any], None]) -> Callable[[str], None]:
        return lambda name: act(self.live.agents[name])

    def _steady(self, name: str) -> None:
        self.live.agents[name].failures = 0

    def _connect_again(self, name: str) -> None:
        agent = self.live.agents[name]
        wanted = agent.state in (AgentState.CONNECTING, AgentState.RESERVED, AgentState.PREVIEWING)
        wanted = wanted or agent.own is not None
        if wanted and agent.leg is None:
            self.agents.ring(agent)

    def _mark_dirty(self, name: str) -> None:
        self.live.campaigns[name].dirty = True

    def _mark_pool_dirty(self, _: str) -> None:
        self.feed.dirty = True

    def _supervise(self, event: ph.SupervisorAct) -> None:
        problem = self.supervision.order(event.supervisor, event.act, event.agent)
        self.live.emit(Reply(event.request_id, problem is None, str(problem or f"supervisor {event.supervisor}: done")))
