"""A floor with callers for one person, whose phones are answered, or not, by hand. Owns no rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine_kit import NODE, trunk
from inbound_kit import DID, Desk, number, office, queue, said

from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain import phones as ph
from dialer.domain.desk_records import RequestCallback
from dialer.domain.follow_me import FollowSettings
from dialer.domain.settings import EngineSettings, SeatMode, SeatSettings
from routing.calendars import Calendar
from routing.followme import FollowMePlan, Phone

ANNA = "+4917012345"
DESK = Phone("desk", "agent/a1", 20.0)
MOBILE = Phone("mobile", "+491701", 25.0, outside=True, trunk="t1")
LEADER = Phone("leader", "+491702", 15.0, outside=True, trunk="t1")
SEAT = Phone("lobby", "seat/700", 10.0)
ACCEPT_S = 12.0
CLOSED = Calendar("night", "UTC", ((),) * 7)


def plan(*phones: Phone, voicemail: bool = True, **more: Any) -> FollowSettings:
    made = FollowMePlan(phones or (DESK, MOBILE, LEADER), voicemail, accept_s=ACCEPT_S, **more)
    return FollowSettings(made, {"night": CLOSED}, "ask.wav", said("leave.wav", 1.0), said("gone.wav", 3.0))


def settings(
    *phones: Phone, channels: int = 100, reserved: int = 0, way: inb.Way | None = None, on_call: bool = False,
    voicemail: bool = True, dedicated: dict[str, frozenset[str]] | None = None, task_for: str | None = None,
    number_more: dict[str, Any] | None = None, queue_more: dict[str, Any] | None = None, **more: Any,
) -> EngineSettings:  # fmt: skip
    """A number that is a1's, by a plan; the seat 700 has nobody."""
    made = office(
        queue(**(queue_more or {})),
        numbers=(number(way=way or inb.Way(inb.Kind.AGENT, "a1"), **(number_more or {})),),
        dedicated=dedicated,
        voicemail="/vm",
        plans={"ann": plan(*phones, voicemail=voicemail, task_for=task_for)},
        persons={"a1": "ann"},
        extensions={"a1": "a1", "11": "a1"},
        **more,
    )
    seats = {**made.seats, "700": SeatSettings("700", "user/700", SeatMode.NAILED_UP)}
    if on_call:
        seats["s-a1"] = replace(seats["s-a1"], mode=SeatMode.ON_CALL)
    lines = {"t1": trunk(channels=channels, reserved_inbound=reserved)}
    return replace(made, seats=seats, trunks=lines)


class Followed(Desk):
    """Phones of a plan, by hand. ``lists_bridges``: the switch lists bridges of which nothing was heard."""

    lists_bridges = False

    def facts(self, node: str) -> tuple[ev.ChannelFact, ...]:
        found = [f for f in super().facts(node) if f.kind != "inbound"]
        for call in self.live.calls.values():
            if call.arrival is not None and call.node == node:
                party = call.party.uuid if call.party is not None else None
                peer = call.agent.leg if call.agent is not None else party
                if self.lists_bridges and call.bridged_at is None and self.of(ph.Join):
                    found.append(ev.ChannelFact(call.id, "inbound", DID, True, self.of(ph.Join)[-1].b_uuid, 0.0))
                    continue
                peer, up = peer if call.bridged_at is not None else None, call.answered_at is not None
                found.append(ev.ChannelFact(call.id, "inbound", DID, up, peer, call.opened_at))
        for party in self.live.parties.values():
            peer = party.call.id if party.call is not None and party.call.party is party else None
            found.append(ev.ChannelFact(party.uuid, "party", "x", True, peer, self.now))
        return tuple(found)

    # ---- phones ----------------------------------------------------------------------------------------------

    def rung(self) -> list[ph.OriginateParty]:
        return self.of(ph.OriginateParty)

    def rings(self) -> ph.OriginateParty:
        """The one phone that rings, or is asked, now."""
        (uuid,) = self.live.parties
        return next(command for command in self.rung() if command.uuid == uuid)

    def picks_up(self) -> str:
        uuid = self.rings().uuid
        self.send(ev.LegAnswered(uuid, self.now), ev.OriginateReplied(uuid, True))
        return uuid

    def fails(self, cause: str = "USER_BUSY") -> str:
        uuid = self.rings().uuid
        self.send(ev.OriginateReplied(uuid, False, cause))
        return uuid

    def presses(self, uuid: str, key: str = "1") -> None:
        self.send(ph.KeyPressed(uuid, key, self.now))

    def joined(self, call: str, phone: str) -> None:
        """The bridge that was ordered stands."""
        assert [c for c in self.of(ph.Join) if (c.a_uuid, c.b_uuid) == (call, phone)], "no such bridge was ordered"
        self.step(0.05)
        self.bridged(call, phone)

    def busy(self, name: str = "a1") -> None:
        self.send(ev.AgentPause(1, name, "lunch"))

    # ---- looking ---------------------------------------------------------------------------------------------

    def tasks(self) -> list[RequestCallback]:
        return self.of(RequestCallback)

    def accounted(self) -> None:
        live = self.live
        for name, node in live.nodes.items():
            calls = sum(c.node == name for c in live.calls.values())
            lines = sum(a.leg is not None and a.node == name for a in live.agents.values())
            assert node.legs == calls + lines + sum(p.node == name for p in live.parties.values())
        assert live.trunks["t1"].legs == sum(p.trunk == "t1" for p in live.parties.values())

    def all_over(self) -> None:
        """Nobody is on any line of this caller's any more, and nothing is still going to happen."""
        assert not self.live.calls and not self.live.parties
        left = [key for key in self.live.timers._live if key[0] == "arrival"]
        assert not left, left
        self.accounted()


def followed(config: EngineSettings | None = None, **more: Any) -> Followed:
    made = Followed(config or settings(), **more)
    made.up()
    return made


__all__ = ["ANNA", "DESK", "LEADER", "MOBILE", "NODE", "SEAT", "Followed", "followed", "settings"]
