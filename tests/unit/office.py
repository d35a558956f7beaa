"""A modelled switch with supervisors: phones on their desks, legs that listen, and who hears whom.

Owns no rule. Supervisors b1 (team red), b2 (every team), b3 (blue); agents a1 … are of team red.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine_kit import NODE, agents, campaign, settings
from exchange import Hall

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import PhoneSettings
from dialer.domain.settings import AgentSettings, SeatMode, SeatSettings


class Office(Hall):
    """Agents a1 … with open lines, supervisors b1 (team red), b2 (every team) and b3 (blue) with phones on desks.

    ``sits``: supervisors who are logged in with an open line.
    """

    def __init__(self, people: int = 2, *, sits: tuple[str, ...] = (), **phones: Any) -> None:
        staff = [replace(each, team="red") for each in agents(people)]
        for name, team in (("b1", "red"), ("b2", ""), ("b3", "blue")):
            serves = frozenset({"c1"})
            staff.append(AgentSettings(name, name, f"s-{name}", serves, name in sits, role="supervisor", team=team))
        config = settings(campaign(wrap_up_s=10.0), people=staff)
        mode = SeatMode.NAILED_UP
        seats = {p.seat: SeatSettings(p.seat, f"user/{p.agent}", mode) for p in staff}
        super().__init__(replace(config, seats=seats, phones=PhoneSettings(**phones)), people)
        self.up()

    def _answers(self, command: cmd.Command) -> list[ev.Event]:
        match command:
            case ph.Eavesdrop():
                self.soon(lambda: self.on_leg(command, lambda leg: self.eavesdrop(leg, command.target)))
            case ph.TakeLeg():
                self.soon(lambda: self.on_leg(command, self.park_leg))
            case ph.CheckPin():
                return [ph.PinChecked(command.session, command.agent, True)]
            case _:
                return super()._answers(command)
        return []

    def eavesdrop(self, leg: Any, target: str) -> None:
        leg.token = -1
        self.leave(leg)
        leg.state, leg.into = "three", self.legs.get(target)

    def order(self, act: str, agent: str = "", supervisor: str = "b1") -> cmd.Reply:
        reply = self.reply(lambda n: ph.SupervisorAct(n, supervisor, act, agent))
        self.step(0.2)
        return reply

    def key(self, uuid: str, *keys: str) -> list[cmd.Command]:
        first = len(self.log)
        for key in keys:
            self.step(0.2)
            leg = self.legs[uuid]
            if key == "*" and leg.state == "three":
                self.soon(lambda leg=leg: self.park_leg(leg))  # type: ignore[misc]
            self.send(ph.KeyPressed(uuid, key, self.now))
        self.step(0.2)
        return self.log[first:]

    def calls_in(self, supervisor: str = "b1") -> str:
        """A phone dials the supervisors' code; its leg, logged in."""
        uuid = f"c0000000-0000-4000-8000-{len(self.legs):012d}"
        leg = self.legs[uuid] = type(next(iter(self.legs.values())))(uuid, "seat", "playing", since=self.now)
        leg.ends_at = self.now + 5.0
        self.send(ph.PhoneCalled(NODE, uuid, "700", "*20", "", self.now))
        self.step(0.2)
        # Agents of these tests have letters in their ids; a phone can key in digits only.
        self.live.sessions[uuid].agent = supervisor
        self.live.sessions[uuid].step = type(self.live.sessions[uuid].step).PIN
        self.key(uuid, "9", "#")
        assert uuid in self.live.watches and uuid not in self.live.sessions
        return uuid

    def rings(self, number: int = -1) -> str:
        """The supervisor's phone that was rung last, which is answered."""
        uuid = self.party(number)
        self.picks_up(uuid)
        return uuid

    def hears(self, uuid: str) -> str:
        into = self.legs[uuid].into
        return "" if into is None else into.uuid

    def watch(self, uuid: str) -> Any:
        return self.live.watches[uuid]

    def said(self, uuid: str) -> list[str]:
        return [p for c in self.log if isinstance(c, ph.Say | ph.Murmur) and c.uuid == uuid for p in c.prompts]

    def modes(self) -> list[str]:
        return [command.mode for command in self.of(ph.SetListening)]

    def accounted(self) -> None:
        live = self.live
        own = sum(not watch.own_line for watch in live.watches.values())
        assert live.nodes[NODE].legs == len(live.calls) + len(live.legs) + len(live.sessions) + own
        for watch in live.watches.values():
            assert not watch.own_line or watch.uuid in live.legs
            assert watch.call is None or (watch.call.id in live.calls and watch.call.supervised)
            assert not (watch.parked and watch.agent is not None)
        alive = {u for u, leg in self.legs.items() if leg.kind in ("party", "seat") and leg.state not in ("dead",)}
        known = {u for u, w in live.watches.items() if not w.own_line} | set(live.sessions)
        assert alive - set(live.dropped) == known

    def over(self) -> None:
        """In the end nobody is watched, and every agent who was logged in is ready."""
        for uuid in [u for u, w in self.live.watches.items() if not w.own_line]:
            self.dies(uuid)
        for uuid in list(self.live.calls):
            self.dies(uuid)
        self.step(3)
        for uuid in [u for u, w in self.live.watches.items() if w.own_line]:
            self.key(uuid, "*")
        self.step(60)
        assert not self.live.watches and not self.live.helps and not self.live.calls
        states = {a.state.value for a in self.live.agents.values() if a.settings.agent[0] == "a"}
        assert states == {"ready"}, states
        self.accounted()
