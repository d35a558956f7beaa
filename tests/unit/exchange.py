"""A small modelled switch under the engine: legs that ring, park, hear music, are joined, and die, with their events.

Owns what measured FreeSWITCH does with two legs and their partners (agent-facts): ``uuid_bridge`` steals, whoever is
left parks or is rescued, bridges take 50 ms, and a parked leg that is parked again says nothing. Must judge nothing.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import Any

from engine_kit import NODE, Floor

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.settings import EngineSettings

BRIDGE_S = 0.05
RESCUE_S = 4.0


@dataclass(eq=False)
class Leg:
    """``state``: ringing, parked, playing, bridged, three, dead. ``first``: named first in its bridge."""

    uuid: str
    kind: str
    state: str = "ringing"
    peer: Leg | None = None
    first: bool = False
    token: int = 0
    into: Leg | None = None
    ends_at: float = 1e12
    since: float = 0.0


@dataclass(order=True)
class Due:
    at: float
    seq: int
    what: Any = field(compare=False)


class Hall(Floor):
    """A floor on such a switch. ``lag`` says how late the next event or command is carried out."""

    def __init__(self, config: EngineSettings, leads: int = 100) -> None:
        self.legs: dict[str, Leg] = {}
        self.due: list[Due] = []
        self.seq = 0
        self.deaf: set[str] = set()  # agents whose phone is not answered
        self.numbers: dict[str, ph.NumberChecked] = {}  # by number; others may be called
        self.lag = lambda: 0.0
        self.lossy = lambda event: False
        super().__init__(config, leads)

    # ---- time ------------------------------------------------------------------------------------------------

    def soon(self, what: Any, after: float = 0.0) -> None:
        self.seq += 1
        heapq.heappush(self.due, Due(self.now + after + self.lag(), self.seq, what))

    def tell(self, event: Any) -> None:
        """An event, in order with those before it."""
        if not self.lossy(event):
            self.seq += 1
            heapq.heappush(self.due, Due(self.now, self.seq, event))

    def settle(self) -> None:
        while self.due and self.due[0].at <= self.now + 1e-9:
            what = heapq.heappop(self.due).what
            if callable(what):
                what()
            else:
                self.send(replace(what, at=self.now) if hasattr(what, "at") else what)

    def step(self, seconds: float) -> list[cmd.Command]:
        first, until, steps = len(self.log), self.now + seconds, 0
        while True:
            times = [t for t in (self.engine.next_due(), self.due[0].at if self.due else None) if t is not None]
            times += [leg.ends_at for leg in self.legs.values() if leg.state == "playing"]
            due = min(times, default=until + 1)
            if due > until:
                break
            steps += 1
            assert steps < 200_000, "events without end"
            self.now = max(self.now, due)
            for leg in [leg for leg in self.legs.values() if leg.state == "playing" and leg.ends_at <= self.now]:
                self.die(leg)
            self.settle()
            self.send(ev.Tick())
        self.now = until
        self.settle()
        self.send(ev.Tick())
        return self.log[first:]

    # ---- commands --------------------------------------------------------------------------------------------

    def _answers(self, command: cmd.Command) -> list[ev.Event]:
        match command:
            case cmd.OriginateAgent():
                self.legs[command.uuid] = Leg(command.uuid, "agent", since=self.now)
                if command.agent in self.deaf:
                    self.soon(lambda: self.die(self.legs[command.uuid], "NO_ANSWER"), 5.0)
                else:
                    self.soon(lambda: self.pick_up(command.uuid), 0.01)
            case cmd.OriginateCall():
                self.legs[command.uuid] = Leg(command.uuid, "call", since=self.now)
                self.soon(lambda: self.tell(ev.LegRinging(command.uuid, self.now)), 0.01)
            case ph.OriginateParty():
                self.soon(lambda: self.legs.setdefault(command.uuid, Leg(command.uuid, "party", since=self.now)))
            case cmd.Bridge():
                self.soon(lambda: self.join(command.call_uuid, command.agent_uuid))
            case ph.Join():
                self.soon(lambda: self.join(command.a_uuid, command.b_uuid))
            case ph.PutAside() | cmd.WaitAgain():
                ms = command.limit_ms if isinstance(command, ph.PutAside) else command.wait_ms
                self.soon(lambda: self.on_leg(command, lambda leg: self.play(leg, ms / 1000 + 3.0)))
            case ph.JoinThree():
                self.soon(lambda: self.on_leg(command, lambda leg: self.three(leg, command.into)))
            case cmd.ParkLeg():
                self.soon(lambda: self.on_leg(command, self.park_leg))
            case cmd.HangUp():
                self.soon(lambda: self.on_leg(command, self.die))
            case cmd.TakeSnapshot() if self.lists:
                asked = self.now
                self.soon(lambda: self.send(ev.SwitchSnapshot(NODE, asked, self.facts(NODE))), 0.02)
            case ph.CheckNumber():
                known = self.numbers.get(command.number, ph.NumberChecked("", True))
                return [replace(known, session=command.session)]
            case _:
                return super()._answers(command)
        return []

    def on_leg(self, command: Any, act: Any) -> None:
        leg = self.legs.get(command.uuid)
        if leg is None or leg.state == "dead":
            self.tell(ev.CommandRefused(command.uuid, type(command).__name__, "-ERR No such channel!"))
        else:
            act(leg)

    # ---- what legs do ----------------------------------------------------------------------------------------

    def pick_up(self, uuid: str) -> None:
        """Whoever is rung answers."""
        leg = self.legs.get(uuid)
        if leg is None or leg.state != "ringing":
            return
        self.tell(ev.LegAnswered(uuid, self.now))
        self.tell(ev.OriginateReplied(uuid, True))
        if leg.kind == "call":
            leg.state, leg.ends_at = "playing", self.now + 5.0
        else:
            leg.state = "parked"
            self.tell(ev.LegParked(uuid, self.now))

    def join(self, a_uuid: str, b_uuid: str) -> None:
        a, b = self.legs.get(a_uuid), self.legs.get(b_uuid)
        ok = all(leg is not None and leg.state not in ("dead", "ringing") for leg in (a, b))
        self.tell(ev.BridgeReplied(a_uuid, b_uuid, ok, "" if ok else "-ERR no"))
        if ok and a is not None and b is not None:
            a.token = b.token = self.seq
            token = self.seq
            self.soon(lambda: self._stands(a, b, token), BRIDGE_S)

    def _stands(self, a: Leg, b: Leg, token: int) -> None:
        if a.token != token or b.token != token:
            return
        for leg in (a, b):
            self.leave(leg)
        for leg, other in ((a, b), (b, a)):
            if leg.state != "dead" and other.state == "dead":
                self.alone(leg)
        if "dead" in (a.state, b.state):
            return
        for leg, other in ((a, b), (b, a)):
            leg.state, leg.peer, leg.first = "bridged", other, leg is a
        self.tell(ev.LegsBridged(a.uuid, b.uuid, self.now))

    def leave(self, leg: Leg) -> None:
        """Out of whatever it does; its partner goes where such legs go."""
        other, leg.peer, leg.into, leg.token = leg.peer, None, None, leg.token
        if other is not None:
            other.peer = None
            self.tell(ev.LegUnbridged((leg if leg.first else other).uuid, self.now))
            self.alone(other)

    def alone(self, leg: Leg) -> None:
        if leg.state == "dead":
            return
        if leg.kind == "call":
            leg.state, leg.ends_at = "playing", self.now + RESCUE_S
        else:
            leg.state = "parked"
            self.tell(ev.LegParked(leg.uuid, self.now))

    def play(self, leg: Leg, seconds: float) -> None:
        leg.token = -1
        self.leave(leg)
        leg.state, leg.ends_at = "playing", self.now + seconds

    def park_leg(self, leg: Leg) -> None:
        leg.token = -1
        was = leg.state
        self.leave(leg)
        leg.state = "parked"
        if was != "parked":
            self.tell(ev.LegParked(leg.uuid, self.now))

    def three(self, leg: Leg, into: str) -> None:
        leg.token = -1
        self.leave(leg)
        leg.state, leg.into = "three", self.legs.get(into)

    def die(self, leg: Leg, cause: str = "NORMAL_CLEARING") -> None:
        was = leg.state
        if was == "dead":
            return
        other, leg.state = leg.peer, "dead"
        leg.peer = None
        if other is not None:
            other.peer = None
            self.tell(ev.LegUnbridged((leg if leg.first else other).uuid, self.now))
        self.tell(ev.LegHungUp(leg.uuid, self.now, cause))
        if was == "ringing":
            self.tell(ev.OriginateReplied(leg.uuid, False, cause))
        if other is not None:
            self.alone(other)
        for each in self.legs.values():
            if each.state == "three" and each.into is leg:
                each.into = None
                self.alone(each)

    # ---- for tests -------------------------------------------------------------------------------------------

    def dies(self, uuid: str, cause: str = "NORMAL_CLEARING") -> list[cmd.Command]:
        first = len(self.log)
        self.die(self.legs[uuid], cause)
        self.settle()
        self.step(0.4)
        return self.log[first:]

    def picks_up(self, uuid: str) -> list[cmd.Command]:
        first = len(self.log)
        self.pick_up(uuid)
        self.settle()
        self.step(0.2)
        return self.log[first:]

    def act(self, agent: str, act: str, argument: str = "") -> cmd.Reply:
        """An agent's act; settled after 0.2 s."""
        reply = self.reply(lambda n: ph.AgentAct(n, agent, act, argument))
        self.step(0.2)
        return reply

    def talking(self) -> tuple[str, str]:
        """The first call of the floor is answered and talks with the first agent: its id and the agent's leg."""
        self.step(0.2)
        uuid = self.dialed()[0]
        self.picks_up(uuid)
        assert self.call(uuid).state.value == "connected"
        return uuid, self.call(uuid).agent.leg

    def with_whom(self, uuid: str) -> str | None:
        peer = self.legs[uuid].peer
        return None if peer is None else peer.uuid

    def party(self, number: int = -1) -> str:
        return self.of(ph.OriginateParty)[number].uuid

    def facts(self, node: str) -> tuple[ev.ChannelFact, ...]:
        return tuple(
            ev.ChannelFact(
                leg.uuid, leg.kind, self._ident(leg), leg.state != "ringing",
                leg.peer.uuid if leg.peer is not None else None, leg.since, leg.state == "parked",
            )
            for leg in self.legs.values()
            if leg.state != "dead"
        )  # fmt: skip

    def _ident(self, leg: Leg) -> str:
        rung = [c.agent for c in self.of(cmd.OriginateAgent) if c.uuid == leg.uuid]
        return rung[0] if rung else leg.uuid

    def accounted(self) -> None:
        """Every leg that the engine knows is counted once, at its switch and its trunk."""
        live = self.live
        calls, parties = list(live.calls.values()), list(live.parties.values())
        own = [party for party in parties if party.guest is None]
        assert live.nodes[NODE].legs == len(calls) + len(live.legs) + len(own) + len(live.sessions), "node"
        for trunk in live.trunks.values():
            name = trunk.settings.name
            assert trunk.legs == sum(leg.trunk == name for leg in [*calls, *parties]), f"trunk {name}"
        for party in parties:
            assert party.call is None or party.call.id in live.calls
            assert party.agent is None or party in (party.agent.party, getattr(party.agent.own, "party", None))
            assert party.lent is None or party.lent.lent is party
        for agent in live.agents.values():
            assert agent.party is None or live.parties.get(agent.party.uuid) is agent.party
            assert agent.lent is None or live.parties.get(agent.lent.uuid) is agent.lent
            if agent.call is not None:
                assert agent.call.agent is agent or agent.call.bound_agent == agent.settings.agent
                assert agent.call.id in live.calls and agent.state.value in ("talking", "reserved")
            if agent.own is not None:
                assert agent.state.value in ("paused",)
