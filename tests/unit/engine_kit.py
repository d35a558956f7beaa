"""Drives the engine by hand: builds settings, steps time, answers the gate and collects commands.

Owns no rule: what a test expects is said in the test. Times are seconds on the engine clock, starting at 1000.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.lead import ClaimedLead
from dialer.domain.settings import (
    AgentSettings,
    CallWindows,
    CampaignSettings,
    EngineSettings,
    Mode,
    SeatMode,
    SeatSettings,
    TrunkSettings,
)
from dialer.engine import Engine

T = TypeVar("T")
ALWAYS = CallWindows(days=(((0, 1440),),) * 7, default_zone="UTC")
START = 1000.0
NODE = "fs1"


def trunk(name: str = "t1", channels: int = 100, calls_per_second: float = 1000.0, **more: Any) -> TrunkSettings:
    return TrunkSettings(name, f"gw-{name}", channels, calls_per_second, "4930999", **more)


def campaign(name: str = "c1", mode: Mode = Mode.PROGRESSIVE, **more: Any) -> CampaignSettings:
    more = {"trunk": "t1", "wrap_up_s": 10.0, "hopper_size": 20, "lease_s": 100_000.0} | more
    return CampaignSettings(name=name, mode=mode, lists=("l",), message="safe.wav", windows=ALWAYS, **more)


def agents(count: int, *campaigns: str, login: bool = True, prefix: str = "a") -> list[AgentSettings]:
    serves = frozenset(campaigns or ("c1",))
    names = [f"{prefix}{n}" for n in range(1, count + 1)]
    return [AgentSettings(name, name.upper(), f"s-{name}", serves, login) for name in names]


def settings(
    *campaigns: CampaignSettings,
    people: list[AgentSettings] | None = None,
    trunks: tuple[TrunkSettings, ...] = (),
    nodes: dict[str, int] | None = None,
    on_call: bool = False,
) -> EngineSettings:
    people = agents(2) if people is None else people
    mode = SeatMode.ON_CALL if on_call else SeatMode.NAILED_UP
    seats = {p.seat: SeatSettings(p.seat, f"sip:{p.agent}@10.0.0.1", mode) for p in people}
    return EngineSettings(
        epoch="e1",
        nodes={NODE: 1000} if nodes is None else nodes,
        trunks={t.name: t for t in (trunks or (trunk(),))},
        seats=seats,
        agents={p.agent: p for p in people},
        campaigns={c.name: c for c in (campaigns or (campaign(),))},
    )


def lead(number: int, name: str = "c1", lease_until: float = 1e9) -> ClaimedLead:
    return ClaimedLead(number, name, number, f"+4930{number:07d}", f"p{number}", 0, lease_until)


class Floor:
    """An engine with a stubbed store and switch. ``leads`` is what the store still has; None: it does not answer."""

    def __init__(self, config: EngineSettings, leads: int = 100, *, gate: bool = True, phones: bool = True) -> None:
        self.now = START
        self._ids = 0
        self.engine = Engine(config, START, self._new_id)
        self.config = config
        self.log: list[cmd.Command] = []
        self.times: list[float] = []  # when each command of the log was given
        self.leads: dict[str, list[ClaimedLead]] = {
            c: [lead(1000 * n + i, c) for i in range(1, leads + 1)] for n, c in enumerate(config.campaigns)
        }
        self.gate, self.phones, self.store, self.lists = gate, phones, True, True
        self.channels: dict[str, list[ev.ChannelFact]] = {}
        self.holding: set[str] | None = set()  # legs whose phones hold; None: nobody answers that

    def _new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"

    # ---- driving ---------------------------------------------------------------------------------------------

    def send(self, *events: ev.Event) -> list[cmd.Command]:
        """Hand in events, let store and switch answer what they are set to answer; all commands that came of it."""
        first = len(self.log)
        inbox = list(events)
        while inbox:
            inbox += self.handle(inbox.pop(0), self.now)
        return self.log[first:]

    def handle(self, event: ev.Event, now: float) -> list[ev.Event]:
        """One event at any ``now``; what store and switch answer to the commands."""
        out = self.engine.handle(event, now)
        self.log += out
        self.times += [max(now, self.now)] * len(out)
        return [answer for command in out for answer in self._answers(command)]

    def _answers(self, command: cmd.Command) -> list[ev.Event]:
        match command:
            case cmd.ClaimLeads() if self.store:
                pool = self.leads[command.campaign]
                taken, pool[:] = pool[: command.count], pool[command.count :]
                return [ev.LeadsClaimed(command.campaign, tuple(taken), command.count, None, len(pool))]
            case cmd.OpenAttempt() if self.gate:
                return [ev.AttemptOpened(command.attempt_id)]
            case ph.AskHold() if self.holding is not None:
                return [ph.HoldTold(command.uuid, command.uuid in self.holding)]
            case cmd.OriginateAgent() if self.phones:
                return [
                    ev.LegRinging(command.uuid, self.now),
                    ev.LegAnswered(command.uuid, self.now),
                    ev.OriginateReplied(command.uuid, True),
                    ev.LegParked(command.uuid, self.now),
                ]
            case cmd.TakeSnapshot() if self.lists:
                if command.node in self.channels:
                    return [self.snapshot(*self.channels[command.node], node=command.node)]
                return [ev.SwitchSnapshot(command.node, self.now, self.facts(command.node))]
        return []

    def facts(self, node: str) -> tuple[ev.ChannelFact, ...]:
        """The list of a switch that agrees with the engine in everything."""
        live = self.live
        found = []
        for agent in live.agents.values():
            if agent.leg and agent.node == node:
                talks = agent.call is not None and agent.call.bridged_at is not None
                peer = agent.call.id if agent.call is not None and talks else None
                parked = peer is None and agent.call is None
                found.append(ev.ChannelFact(agent.leg, "agent", agent.settings.agent, True, peer, START, parked))
        for call in live.calls.values():
            if call.dialed_at is not None and call.node == node:
                peer = call.agent.leg if call.agent is not None and call.bridged_at is not None else None
                found.append(ev.ChannelFact(call.id, "call", call.id, call.answered_at is not None, peer, START))
        return tuple(found)

    @staticmethod
    def call_fact(uuid: str, *, answered: bool = False, peer: str | None = None, at: float = START) -> ev.ChannelFact:
        return ev.ChannelFact(uuid, "call", uuid, answered, peer, at)

    def snapshot(self, *facts: ev.ChannelFact, node: str = NODE, asked_at: float | None = None) -> ev.SwitchSnapshot:
        return ev.SwitchSnapshot(node, self.now if asked_at is None else asked_at, facts)

    def step(self, seconds: float) -> list[cmd.Command]:
        """Let time pass, firing each timer at its own time."""
        first = len(self.log)
        until = self.now + seconds
        steps = 0
        while (due := self.engine.next_due()) is not None and due <= until:
            steps += 1
            assert steps < 100_000, "timers without end"
            self.now = max(self.now, due)
            self.send(ev.Tick())
        self.now = until
        self.send(ev.Tick())
        return self.log[first:]

    def up(self, node: str = NODE) -> Floor:
        """The switch comes up and every phone is answered."""
        self.send(ev.SwitchUp(node))
        self.step(0.05 * (len(self.config.agents) + 2) + 0.2)
        return self

    # ---- one call --------------------------------------------------------------------------------------------

    def dialed(self) -> list[str]:
        return [c.uuid for c in self.of(cmd.OriginateCall)]

    def ring(self, uuid: str) -> list[cmd.Command]:
        return self.send(ev.LegRinging(uuid, self.now))

    def answer(self, uuid: str) -> list[cmd.Command]:
        return self.send(ev.LegAnswered(uuid, self.now), ev.OriginateReplied(uuid, True))

    def bridged(self, call: str, leg: str) -> list[cmd.Command]:
        return self.send(ev.BridgeReplied(call, leg, True), ev.LegsBridged(call, leg, self.now))

    def hang_up(self, uuid: str, cause: str = "NORMAL_CLEARING", **more: Any) -> list[cmd.Command]:
        return self.send(ev.LegHungUp(uuid, self.now, cause, **more))

    def park(self, uuid: str) -> list[cmd.Command]:
        return self.send(ev.LegParked(uuid, self.now))

    def talk(self, uuid: str) -> str:
        """Ring, answer and bridge; the agent's leg."""
        self.ring(uuid)
        out = self.answer(uuid)
        leg = one(out, cmd.Bridge).agent_uuid
        self.step(0.06)
        self.bridged(uuid, leg)
        return leg

    def one_too_many(self) -> tuple[str, str]:
        """The two calls of a floor that dials two for one agent: the first one talks, the second has answered too."""
        self.step(1)
        first, second = self.dialed()
        self.talk(first)
        self.ring(second)
        self.answer(second)
        return first, second

    def restarted(self, now: float) -> Floor:
        """A new engine's first moment: nothing is known of what this floor's engine saw."""
        self.now = now
        self.engine = Engine(self.config, now, self._new_id)
        return self

    # ---- looking ---------------------------------------------------------------------------------------------

    @property
    def live(self) -> Any:
        return self.engine._live

    def of(self, kind: type[T], out: list[cmd.Command] | None = None) -> list[T]:
        return [c for c in (self.log if out is None else out) if isinstance(c, kind)]

    def notes(self, topic: str) -> list[cmd.Note]:
        return [note for note in self.of(cmd.Note) if note.topic == topic]

    def note(self, topic: str) -> cmd.Note:
        (found,) = self.notes(topic)
        return found

    def closed(self, uuid: str) -> cmd.CloseAttempt:
        found = [c for c in self.of(cmd.CloseAttempt) if c.attempt_id == uuid]
        assert len(found) == 1, f"{len(found)} CloseAttempt for {uuid}"
        return found[0]

    def outcome(self, uuid: str) -> str:
        return self.closed(uuid).outcome.value

    def agent(self, name: str = "a1") -> Any:
        return self.live.agents[name]

    def state(self, name: str = "a1") -> str:
        return str(self.agent(name).state.value)

    def line(self, name: str = "a1") -> str:
        return str(self.agent(name).line.value)

    def call(self, uuid: str) -> Any:
        return self.live.calls[uuid]

    def counter(self, name: str) -> int:
        return int(self.live.counters[name])

    def reply(self, make: Callable[[int], ev.Event]) -> cmd.Reply:
        """Give an operator's order; the one reply to it."""
        out = self.send(make(77))
        replies = [r for r in self.of(cmd.Reply, out) if r.request_id == 77]
        assert len(replies) == 1
        return replies[0]


def one(out: list[cmd.Command], kind: type[T]) -> T:
    found = [c for c in out if isinstance(c, kind)]
    assert len(found) == 1, f"{len(found)} {kind.__name__} in {out}"
    return found[0]


def none(out: list[cmd.Command], *kinds: type[Any]) -> None:
    found = [c for c in out if isinstance(c, kinds)]
    assert not found, found
