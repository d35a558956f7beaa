"""An engine with queues of callers, driven by hand. Owns no rule: what a test expects is said in the test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine_kit import ALWAYS, NODE, START, Floor, agents, campaign, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain.phones import Join, KeyPressed, RecordingStopped
from dialer.domain.routing import RoutingSettings
from dialer.domain.settings import AgentSettings, CampaignSettings, EngineSettings, Mode
from routing.outbound import NOT_RANKED, Rank

DID = "+4930555"
SALES, SUPPORT = "sales", "support"


def said(sound: str, seconds: float = 2.0) -> inb.Words:
    return {"en": inb.Spoken(sound, seconds)}


def queue(name: str = SALES, wrap_up_s: float = 10.0, **more: Any) -> CampaignSettings:
    made = inb.QueueSettings(**({"music": "music.wav"} | more))
    return CampaignSettings(
        name, Mode.INBOUND, (), "", "", ALWAYS, min_ring_s=0.0, wait_limit_s=made.max_wait_s, wrap_up_s=wrap_up_s,
        queue=made,
    )  # fmt: skip


def number(did: str = DID, queue: str = SALES, **more: Any) -> inb.NumberSettings:
    way = more.pop("way", inb.Way(inb.Kind.QUEUE, queue))
    return inb.NumberSettings(did, way, queue, language="en", region="DE", **more)


def office(
    *campaigns: CampaignSettings,
    people: list[AgentSettings] | None = None,
    numbers: tuple[inb.NumberSettings, ...] = (),
    dedicated: dict[str, frozenset[str]] | None = None,
    **inbound: Any,
) -> EngineSettings:
    """Agents a1 … serve both queues; nobody is dialed unless a campaign is among ``campaigns``."""
    made = campaigns or (queue(),)
    names = tuple(each.name for each in made)
    wanted = settings(*made, people=agents(2, *names) if people is None else people)
    took = inb.InboundSettings({n.number: n for n in (numbers or (number(),))}, **inbound)
    return replace(wanted, inbound=took, routing=RoutingSettings(dedicated=dedicated or {}))


class Desk(Floor):
    """A floor with callers. ``ranks`` is what the store says of numbers; without a word it does not answer."""

    def __init__(self, config: EngineSettings, *, judges: bool = True, **more: Any) -> None:
        super().__init__(config, **more)
        self.judges = judges
        self.ranks: dict[str, dict[str, Any]] = {}
        self._callers = 0

    def _answers(self, command: cmd.Command) -> list[ev.Event]:
        if isinstance(command, inb.JudgeArrival) and self.judges:
            known = {"rank": NOT_RANKED} | self.ranks.get(command.number, {})
            return [inb.ArrivalJudged(command.call_id, **known)]
        return super()._answers(command)

    def facts(self, node: str) -> tuple[ev.ChannelFact, ...]:
        found = list(super().facts(node))
        for call in self.live.calls.values():
            if call.arrival is not None and call.node == node:
                peer = call.agent.leg if call.agent is not None and call.bridged_at is not None else None
                found.append(
                    ev.ChannelFact(call.id, "inbound", DID, call.answered_at is not None, peer, call.opened_at)
                )
        return tuple(found)

    def rank(self, who: str, tier: str = "ordinary", vip: bool = False, agent: str | None = None, **more: Any) -> None:
        self.ranks[who] = {"rank": Rank(tier, vip, agent, (), ("for the test",))} | more

    # ---- a caller ------------------------------------------------------------------------------------------

    def caller(self, who: str = "+4917012345", did: str = DID) -> str:
        """Somebody calls; the leg's UUID."""
        self._callers += 1
        uuid = f"99999999-0000-4000-8000-{self._callers:012d}"
        self.send(inb.CallerArrived(NODE, uuid, did, who, self.now))
        return uuid

    def up_(self, uuid: str) -> list[cmd.Command]:
        """What was ordered for the caller is carried out: they are answered."""
        return self.send(ev.LegAnswered(uuid, self.now, self.now))

    def waits(self, who: str = "+4917012345", did: str = DID) -> str:
        uuid = self.caller(who, did)
        self.step(0.02)
        self.up_(uuid)
        return uuid

    def taken(self, uuid: str) -> str:
        """The agent whom a caller was last given: by name."""
        leg = [c for c in self.of(Join) if c.a_uuid == uuid][-1].b_uuid
        return str(self.live.legs[leg].settings.agent)

    def talks(self, uuid: str) -> str:
        leg = [c for c in self.of(Join) if c.a_uuid == uuid][-1].b_uuid
        self.step(0.06)
        self.bridged(uuid, leg)
        return str(self.live.legs[leg].settings.agent)

    def press(self, uuid: str, keys: str, every_s: float = 0.3) -> None:
        for key in keys:
            self.step(every_s)
            self.send(KeyPressed(uuid, key, self.now))

    def recorded(self, uuid: str, seconds: float) -> None:
        path = self.dismissed(uuid).path
        self.send(RecordingStopped(uuid, path, seconds, self.now, seconds))

    def fell_back(self, uuid: str) -> None:
        self.send(inb.CallerFellBack(uuid, self.now))

    # ---- looking -------------------------------------------------------------------------------------------

    def over(self, uuid: str) -> inb.CloseInbound:
        found = [c for c in self.of(inb.CloseInbound) if c.call_id == uuid]
        assert len(found) == 1, f"{len(found)} CloseInbound for {uuid}"
        return found[0]

    def ending(self, uuid: str) -> str:
        return self.over(uuid).ending.value

    def held(self, uuid: str) -> list[inb.HoldCaller]:
        return [c for c in self.of(inb.HoldCaller) if c.uuid == uuid]

    def dismissed(self, uuid: str) -> inb.DismissCaller:
        return one([c for c in self.of(inb.DismissCaller) if c.uuid == uuid], inb.DismissCaller)

    def in_state(self, uuid: str) -> str:
        return str(self.live.calls[uuid].state.value)


def desk(config: EngineSettings | None = None, **more: Any) -> Desk:
    made = Desk(config or office(), **more)
    made.up()
    return made


def pause_all(floor: Desk) -> None:
    """Nobody takes calls."""
    for name in floor.live.agents:
        floor.send(ev.AgentPause(1, name, "break"))


def outbound(name: str = "c1", **more: Any) -> CampaignSettings:
    return campaign(name, **more)


__all__ = ["START", "Desk", "desk", "number", "office", "outbound", "pause_all", "queue", "said"]
