"""One simulated shift: the production engine, driver and translation around a modelled switch and store.

Owns the virtual clock, the delivery of events and replies with their faults, and the story that a failing seed tells.
Must not judge: invariants are ``dialer.simulate.invariants``'s. Everything follows from the seed.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.callbacks import CallbackGone, CallbacksSeen, ClaimCallback, LookCallbacks
from dialer.domain.hearing import Listen, StopListening
from dialer.domain.inbound import ArrivalJudged, JudgeArrival, OpenInbound
from dialer.domain.settings import EngineSettings
from dialer.engine import Engine
from dialer.simulate.faults import NO_FAULTS, Faults
from dialer.simulate.listeners import ModelListeners
from dialer.simulate.queue import Agenda
from dialer.store.judging import never_settled
from dialer.store.memory import MemoryStore
from dialer.switch.driver import Driver
from dialer.switch.translate import SUBSCRIPTIONS, Translator
from esl.commands import ApiCommand
from esl.jobs import JobReply, ReplyHandler, replied
from freeswitch.standin.channel import Leg
from freeswitch.standin.switch import Limits, Switch, SwitchEvent, Timing
from freeswitch.standin.world import World, WorldSpec

EPOCH_S = 1_800_000_000.0
"""The virtual shift's wall clock at its start (a Friday morning in UTC)."""
STORY_LINES = 4000
STORE_DELAY_S = 0.004
WIRE_DELAY_S = 0.001


def is_customer(leg: Leg) -> bool:
    """Whether a leg of the modelled switch is a lead's: third parties are rung over trunks, too."""
    return leg.variables.get("presence_data", "").startswith("dialer/call/")


class Shift:
    """A shift from a seed. ``now`` is the engine clock; ``run_until`` lets time pass."""

    def __init__(
        self,
        seed: int | str,
        settings: EngineSettings,
        world: WorldSpec,
        store: MemoryStore,
        *,
        faults: Faults = NO_FAULTS,
        limits: Limits | None = None,
        timing: Timing | None = None,
        after_step: Callable[[Shift], None] | None = None,
    ) -> None:
        self.seed = seed
        self.settings = settings
        self.store = store
        self.faults = faults
        self._obeyed = faults.refuse_command == 0
        self.now = EPOCH_S
        self.node = next(iter(settings.nodes))
        self.story: deque[str] = deque(maxlen=STORY_LINES)
        self.commands_seen: list[cmd.Command] = []
        self.connected = False
        self.store_failing = False
        self._backlog: list[tuple[int, cmd.StoreCommand]] = []
        self._stored_at = 0.0
        self.drained = False
        self.alive = False
        self.shortest_ring_cut_s = float("inf")
        self.replies: dict[int, cmd.Reply] = {}
        self.engine_runs = 0
        self._after_step = after_step
        self._rng = random.Random(f"faults {seed}")
        self._ids = random.Random(f"ids {seed}")
        self._ears = random.Random(f"ears {seed}")
        self.switch = Switch(
            World(world, random.Random(f"world {seed}")),
            random.Random(f"switch {seed}"),
            node_name=self.node,
            limits=limits,
            timing=timing,
            emit=frozenset(SUBSCRIPTIONS),
            epoch_s=EPOCH_S,
        )
        self._agenda = Agenda()
        self._inbox: deque[ev.Event] = deque()
        self._jobs: dict[str, tuple[ReplyHandler, float]] = {}
        self._connection = 0
        self._translator = Translator(self.node)
        self._epoch = 0
        self.engine: Engine
        self._driver: Driver
        self._schedule_faults()
        self.start_dialer()

    # ---- the dialer's process ------------------------------------------------------------------------------

    def start_dialer(self) -> None:
        """A fresh engine that recovers from the store, as after a start of the process."""
        self._epoch += 1
        self.engine_runs += 1
        self.alive = True
        self._inbox.clear()
        self.engine = Engine(self.settings, self.now, self._new_id)
        self._listeners = ModelListeners(self._ears, self._agenda, self._feeder(), self._voice_of)
        self._driver = Driver(self.node, self, self._feeder(), lambda: self.now, lambda seconds: None, _playable)
        self.tell(f"dialer starts (run {self.engine_runs})")
        self.feed(self.store.recover(self.now))
        self.connect_in(0.05)

    def _voice_of(self, uuid: str) -> tuple[str, str]:
        """What a leg's carrier announces, and how its callee greets."""
        leg = self.switch.legs.get(uuid)
        return ("", "") if leg is None or leg.plan is None else (leg.plan.announces, leg.plan.says)

    def crash_dialer(self) -> None:
        """kill -9: what was in flight to the dialer is lost; the switch goes on; a new process starts a bit later."""
        if not self.alive:
            return
        self.tell("dialer killed")
        self._drop_connection()
        self.alive = False
        self._epoch += 1
        self._inbox.clear()
        self._agenda.at(self.now + self._rng.uniform(0.2, self.faults.outage_s), self.start_dialer)

    def _feeder(self) -> Callable[[ev.Event], None]:
        epoch = self._epoch

        def feed(event: ev.Event) -> None:
            if epoch == self._epoch:
                self.feed(event)

        return feed

    def feed(self, event: ev.Event) -> None:
        """Into the engine's inbox; lost while no dialer runs."""
        if self.alive:
            self._inbox.append(event)

    def order(self, event: ev.OperatorEvent) -> None:
        """An operator's order, now."""
        self.feed(event)
        self._step()

    def later(self, at: float, event: ev.OperatorEvent) -> None:
        """An operator's order at ``at``."""
        self._agenda.at(at, lambda: self.feed(event))

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Somebody in the world does something at ``moment``: a phone dials, a key is pressed."""
        self._agenda.at(moment, act)

    @property
    def commands_always_obeyed(self) -> bool:
        """Whether every command reached the switch and was carried out."""
        return self._obeyed

    # ---- the connection ------------------------------------------------------------------------------------

    def connect_in(self, delay_s: float) -> None:
        """The event socket comes up later, unless something else happens to it first."""
        token = self._connection

        def connect() -> None:
            if token == self._connection and not self.connected:
                self.connected = True
                self._translator.clock.restart()
                self.feed(ev.SwitchUp(self.node))

        self._agenda.at(self.now + delay_s, connect)

    def _drop_connection(self) -> None:
        self._connection += 1
        self.connected = False
        waiting, self._jobs = self._jobs, {}
        for job, (handler, _) in waiting.items():
            handler(JobReply(job, False, "-ERR connection lost before the answer", "disconnected"))

    def disconnect(self, reason: str, away_s: float) -> None:
        """The event socket is cut; the switch's calls go on."""
        if not self.connected:
            return
        self.tell(f"connection lost: {reason}")
        self._drop_connection()
        self.feed(ev.SwitchDown(self.node, reason))
        self.connect_in(away_s)

    def restart_switch(self) -> None:
        """The switch crashes: all channels vanish without an event; it is back a little later."""
        self.tell("switch crashes")
        self.disconnect("the switch crashed", self._rng.uniform(0.5, self.faults.outage_s))
        self.switch.restart(self.model_now)

    def bgapi(self, command: ApiCommand | str, on_reply: ReplyHandler, deadline_s: float = 30.0) -> str:
        """``Sender`` for the driver: a background job at the modelled switch."""
        job = self._new_id()
        if not self.connected:
            on_reply(JobReply(job, False, "-ERR not connected, not sent", "not_sent"))
            return job
        line = command if isinstance(command, str) else command.line()
        self.tell(f"--> {line[:160]}")
        if self._chance(self.faults.refuse_command):
            refusal = JobReply(job, False, "-ERR refused", "refused")

            def refuse() -> None:
                on_reply(refusal)

            self._agenda.at(self.now + 0.01, refuse)
            return job
        self._jobs[job] = (on_reply, self.now + deadline_s)
        self._agenda.at(self.now + deadline_s, lambda: self._job_deadline(job))
        token = self._connection

        def arrive() -> None:
            if token == self._connection:
                self._witness(line)
                self.switch.bgapi(line, job, self.model_now)

        self._agenda.at(self.now + WIRE_DELAY_S, arrive)
        return job

    def _witness(self, line: str) -> None:
        """Note what a hangup does to a customer's phone that rings, as the switch sees it."""
        words = line.split()
        leg = self.switch.legs.get(words[1]) if words[0] == "uuid_kill" and len(words) > 1 else None
        if leg is not None and is_customer(leg) and leg.moment_answered is None:
            launched = leg.times.created / 1e6
            self.shortest_ring_cut_s = min(self.shortest_ring_cut_s, self.now - launched)

    def _job_deadline(self, job: str) -> None:
        waiting = self._jobs.pop(job, None)
        if waiting is not None:
            waiting[0](JobReply(job, False, "-TIMEOUT no BACKGROUND_JOB in time", "timeout"))

    @property
    def model_now(self) -> float:
        """The switch's own time: rounded up, so that what is due on the engine clock is due here."""
        return self.now - EPOCH_S + 1e-6

    # ---- time ----------------------------------------------------------------------------------------------

    def run_until(self, end: float, *, stop_when_drained: bool = False) -> None:
        """Let everything due until ``end`` (engine clock) happen."""
        while not (stop_when_drained and self.drained):
            due = self._next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self._step()
        self.now = max(self.now, end if not self.drained else self.now)

    def _next_due(self) -> float | None:
        switch_due = self.switch.next_due()
        dues = [
            None if switch_due is None else switch_due + EPOCH_S,
            self.engine.next_due() if self.alive else None,
            self._agenda.next_due(),
            self.now if self._inbox else None,
        ]
        known = [due for due in dues if due is not None]
        return min(known) if known else None

    def _step(self) -> None:
        while (act := self._agenda.pop(self.now)) is not None:
            act()
        self.switch.advance(self.model_now)
        for event in self.switch.take_events():
            self._deliver(event)
        if self.alive:
            self.feed(ev.Tick())
        while self._inbox:
            self._handle(self._inbox.popleft())
        if self._after_step is not None:
            self._after_step(self)

    def _handle(self, event: ev.Event) -> None:
        if not isinstance(event, ev.Tick):
            self.tell(f"    {event!r:.200}")
        commands = self.engine.handle(event, self.now)
        self.commands_seen = commands
        stored = [c for c in commands if isinstance(c, cmd.StoreCommand)]
        for command in commands:
            if isinstance(command, cmd.SwitchCommand):
                self._driver.execute(command)
            elif isinstance(command, Listen | StopListening):
                self.tell(f"--> {command!r}")
                self._listeners.take(command, self.now)
            elif isinstance(command, cmd.Reply):
                self.replies[command.request_id] = command
            elif isinstance(command, cmd.Drained):
                self.drained = True
                self.tell("drained")
            elif isinstance(command, cmd.Note):
                self.tell(f"    # {command.topic}: {command.text}")
        if stored:
            self._to_store(stored)

    def _to_store(self, commands: list[cmd.StoreCommand]) -> None:
        feed, run = self._feeder(), self._epoch
        for command in commands:
            self.tell(f"    => {command!r:.200}")

        def execute() -> None:
            # The store is a process of its own: what reached it is carried out even if the dialer died meanwhile.
            for event in self._store_answers(commands, run):
                feed(event)

        # In their order, as the store's worker does it: what is late holds up what is behind it.
        self._stored_at = max(self._stored_at, self.now + STORE_DELAY_S * self._rng.uniform(0.5, 2.0))
        self._agenda.at(self._stored_at, execute)

    def _store_answers(self, commands: list[cmd.StoreCommand], run: int) -> list[ev.StoreEvent]:
        if not self.store_failing:
            return self.store.execute(commands, self.now)
        answers: list[ev.StoreEvent] = [ev.StoreFailed("disk full")]
        for command in commands:
            if isinstance(command, cmd.OpenAttempt):
                answers.append(ev.AttemptRefused(command.attempt_id, "store", "the store is in trouble", keep=True))
            elif isinstance(command, cmd.ClaimLeads):
                answers.append(ev.LeadsClaimed(command.campaign, (), command.count))
            elif isinstance(command, JudgeArrival):
                answers.append(ArrivalJudged(command.call_id, problem="the store is in trouble"))
            elif isinstance(command, LookCallbacks):
                answers.append(CallbacksSeen(()))
            elif isinstance(command, ClaimCallback):
                answers.append(CallbackGone(command.callback, "the store is in trouble"))
            else:
                self._backlog.append((run, command))
        return answers

    # ---- delivery ------------------------------------------------------------------------------------------

    def _deliver(self, event: SwitchEvent) -> None:
        if not self.connected:
            return
        if event.name == "BACKGROUND_JOB":
            if not self._chance(self.faults.lose_reply):
                self._reply(event)
            return
        if self._chance(self.faults.lose_event):
            self.tell(f"<-- LOST {event.name} {event.get('Unique-ID')}")
            return
        token = self._connection
        copies = 2 if self._chance(self.faults.double_event) else 1
        for _ in range(copies):
            if self._chance(self.faults.late_event):
                delay = self._rng.uniform(0.0, self.faults.late_s)
                self._agenda.at(self.now + delay, lambda: self._arrive(event, token))
            else:
                self._arrive(event, token)

    def _arrive(self, event: SwitchEvent, token: int) -> None:
        if token != self._connection:
            return
        self.tell(f"<-- {event.name} {event.get('Unique-ID')} {event.get('Hangup-Cause') or ''}")
        translated = self._translator.read(event, self.now)
        if translated is not None:
            self.feed(translated)

    def _reply(self, event: SwitchEvent) -> None:
        job = event.get("Job-UUID") or ""
        waiting = self._jobs.pop(job, None)
        if waiting is not None:
            waiting[0](replied(job, event.body or ""))

    # ---- faults --------------------------------------------------------------------------------------------

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self._rng.random() < probability

    def _schedule_faults(self) -> None:
        faults = self.faults
        outage = faults.outage_s
        self._every(
            faults.disconnects_per_hour, lambda: self.disconnect("cut", self._rng.uniform(0.1, max(0.2, outage)))
        )
        self._every(faults.switch_restarts_per_hour, self.restart_switch)
        self._every(faults.dialer_crashes_per_hour, self.crash_dialer)
        self._every(faults.store_failures_per_hour, self._fail_store)
        self._every(faults.gaps_per_hour, lambda: self.feed(ev.SwitchGap(self.node, 7)) if self.connected else None)

    def _every(self, per_hour: float, act: Callable[[], None]) -> None:
        if per_hour <= 0:
            return

        def happen() -> None:
            if not self.drained and self.faults.outage_s > 0:
                act()
                self._every(per_hour, act)

        self._agenda.at(self.now + self._rng.expovariate(per_hour / 3600.0), happen)

    def calm(self) -> None:
        """No more faults from now on: the rest of the shift must come to a clean end."""
        self.faults = Faults(outage_s=0.0)

    def _fail_store(self) -> None:
        if self.store_failing:
            return
        self.tell("store fails")
        self.store_failing = True

        def recover() -> None:
            self.tell("store recovers")
            self.store_failing = False
            # As its worker does: what happened is written in order, before anything new.
            backlog, self._backlog = self._backlog, []
            for run, command in backlog:
                self.store.execute([command], self.now)
                if run != self._epoch and isinstance(command, OpenInbound):
                    self.store.execute([never_settled(command)], self.now)
            self.feed(ev.StoreRecovered())

        self._agenda.at(self.now + self._rng.uniform(0.5, max(1.0, self.faults.outage_s)), recover)

    # ---- story ---------------------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{self.now - EPOCH_S:10.3f} {line}")

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._ids.getrandbits(128), version=4))


def _playable(prompts: tuple[str, ...], language: str) -> str:
    """Prompts as the modelled switch takes them: it knows no file, and only counts that something is played."""
    return "file_string://" + "!".join(f"/sounds/{prompt}.wav" for prompt in prompts)
