"""A floor whose phones call, press keys and are spoken to. Owns no rule; PINs are the agent's number and a nine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine_kit import NODE, START, Floor, campaign, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import PhoneSettings
from dialer.domain.settings import AgentSettings, CampaignSettings, SeatMode, SeatSettings

PEOPLE = ("1001", "1002", "1003")
DESKS = {"s1": SeatMode.NAILED_UP, "s2": SeatMode.NAILED_UP, "s3": SeatMode.NAILED_UP, "c1": SeatMode.ON_CALL}


class PhoneFloor(Floor):
    """``pins`` False: the store does not answer; ``takes`` False: the switch does not park what is taken."""

    def __init__(self, *campaigns: CampaignSettings, boss: str = "", **phones: Any) -> None:
        campaigns = campaigns or (campaign("k1", dispositions=("sale", "no_interest", "callback"), wrap_up_s=20.0),)
        serves = frozenset(c.name for c in campaigns)
        people = [
            AgentSettings(name, name, f"s{n}", serves, role="supervisor" if name == boss else "agent")
            for n, name in enumerate(PEOPLE, 1)
        ]
        base = settings(*campaigns, people=people)
        seats = {seat: SeatSettings(seat, f"user/{seat}", mode) for seat, mode in DESKS.items()}
        self.pins, self.takes, self.locked_s, self.called = True, True, 0.0, 0
        self.seat_of: dict[str, str] = {}
        super().__init__(replace(base, seats=seats, phones=PhoneSettings(**phones)))

    def _answers(self, command: cmd.Command) -> list[ev.Event]:
        match command:
            case ph.TakeLeg() if self.takes:
                return [ev.LegParked(command.uuid, self.now)]
            case ph.CheckPin() if self.pins:
                ok = command.pin == f"{command.agent}9" and not self.locked_s
                return [ph.PinChecked(command.session, command.agent, ok, self.locked_s)]
        return super()._answers(command)

    def facts(self, node: str) -> tuple[ev.ChannelFact, ...]:
        found = [
            fact if fact.uuid not in self.seat_of else replace(fact, kind="seat", ident=self.seat_of[fact.uuid])
            for fact in super().facts(node)
        ]
        asked = (session for session in self.live.sessions.values() if session.node == node)
        found += (ev.ChannelFact(s.uuid, "seat", s.seat, True, None, START, True) for s in asked)
        return tuple(found)

    # ---- phones --------------------------------------------------------------------------------------------

    def dial(self, seat: str, dialed: str = "*10", caller: str = "") -> str:
        """A phone dials a code; the leg's UUID."""
        self.called += 1
        uuid = f"c0000000-0000-4000-8000-{self.called:012d}"
        self.seat_of[uuid] = seat
        self.send(ph.PhoneCalled(NODE, uuid, seat, dialed, caller, self.now))
        return uuid

    def press(self, uuid: str | None, keys: str) -> list[cmd.Command]:
        """Keys at a human's pace."""
        first = len(self.log)
        for key in keys:
            self.step(0.2)
            self.send(ph.KeyPressed(uuid or "", key, self.now))
        return self.log[first:]

    def key(self, name: str, keys: str) -> list[cmd.Command]:
        """Keys on an agent's line, and what is said within a second."""
        first = len(self.log)
        self.press(self.agent(name).leg, keys)
        self.step(0.5)
        return self.log[first:]

    def log_in(self, name: str, seat: str = "s1") -> str:
        uuid = self.dial(seat)
        self.press(uuid, f"{name}#{name}9#")
        self.step(0.5)
        return uuid

    def said(self, out: list[cmd.Command] | None = None) -> list[str]:
        """Every prompt, said or murmured, of these commands."""
        return [p for c in (self.log if out is None else out) if isinstance(c, ph.Say | ph.Murmur) for p in c.prompts]

    def serve(self, name: str) -> str:
        """A customer of this agent, talking; the attempt."""
        if self.state(name) in ("paused", "wrap_up"):
            self.send(ev.AgentReady(1, name))
        for _ in range(200):
            self.step(0.2)
            waiting = [u for u in self.dialed() if u in self.live.calls and self.call(u).answered_at is None]
            if waiting:
                leg = self.talk(waiting[0])
                assert leg == self.agent(name).leg
                return waiting[0]
        raise AssertionError("nobody was dialed")

    def accounted(self) -> None:
        """Every leg is known, once."""
        live = self.live
        for name, node in live.nodes.items():
            calls = sum(c.node == name for c in live.calls.values())
            lines = sum(a.leg is not None and a.node == name for a in live.agents.values())
            rest = sum(s.node == name for s in live.sessions.values())
            rest += sum(p.node == name and p.guest is None for p in live.parties.values())
            rest += sum(w.node == name and not w.own_line for w in live.watches.values())
            assert node.legs == calls + lines + rest, (node.legs, calls, lines, rest)
        assert set(live.legs) == {a.leg for a in live.agents.values() if a.leg is not None}
        assert not set(live.sounds) - set(live.legs) - set(live.sessions) - set(live.watches) - set(live.parties)
