"""Lines out for people: how each is doing, and which one a call to a number would take, and why no other.

Owns views and the reading of a saved one. The choice is made by the desk that makes it for real calls. Every number is
masked. Changes nothing but what ``put`` is given to fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dialer.domain.settings import EngineSettings
from dialer.domain.status import ShownView, TrunkView
from dialer.engine.live import Live, Trunk
from dialer.engine.trunks import TrunkDesk
from dialer.masking import mask_number, mask_text
from routing.caller_ids import Standing
from routing.health import Condition, Health


def trunks(live: Live) -> tuple[TrunkView, ...]:
    """All lines, in the order of the configuration."""
    return tuple(_trunk(live, trunk) for trunk in live.trunks.values())


def _trunk(live: Live, trunk: Trunk) -> TrunkView:
    settings, health = trunk.settings, trunk.health
    cooling = health.condition is Condition.COOLING
    return TrunkView(
        trunk=settings.name,
        legs=trunk.legs,
        channels=settings.channels,
        reserved_inbound=settings.reserved_inbound,
        calls_per_second=settings.calls_per_second,
        calls_now=trunk.bucket.available(live.now),
        condition=health.condition.value,
        health=health.reason,
        rests_s=max(0.0, health.until - live.now) if cooling else 0.0,
        probe_out=health.probe_out,
        chosen=trunk.chosen,
        gone_on=trunk.gone_on,
        ends={whose.value: count for whose, count in trunk.ends.items()},
        passed={why.value: count for why, count in trunk.passed.items()},
        in_use=trunk.in_use,
        callers=trunk.callers,
    )


def shown(desk: TrunkDesk) -> tuple[ShownView, ...]:
    """The numbers of all pools, by their place in the configuration."""
    return tuple(
        ShownView(
            pool=name,
            place=place,
            number=mask_number(number.number),
            standing=number.standing.value,
            today=number.today,
            daily_cap=number.daily_cap,
            dialed=number.dialed,
            answered=number.answered,
            rests=number.rests,
            rests_s=max(0.0, number.rests_until - desk.live.now) if number.standing is Standing.RESTING else 0.0,
            reason=mask_text(number.reason),
        )
        for name in desk.settings.pools
        for place, number in enumerate(desk.members(name), 1)
    )


def explain(desk: TrunkDesk, number: str, campaign: str | None, at: float | None) -> dict[str, Any] | None:
    """Which line a call to ``number`` takes, JSON-able; None for a campaign that is not configured.

    Without a campaign: of all lines. ``at`` (epoch seconds) is the time of prices and of rests; how many channels are
    in use is as now.
    """
    live = desk.live
    if campaign is not None and campaign not in live.settings.campaigns:
        return None
    own = None if campaign is None else live.campaigns[campaign]
    lines = list(live.trunks.values()) if own is None else desk.lines(own)
    choice = desk.choice(lines, number, own, at=at)
    words = dict(choice.passed)
    return {
        "number": mask_number(number),
        "campaign": campaign,
        "at": live.now if at is None else at,
        "now": live.now,
        "lines": [trunk.settings.name for trunk in lines],
        "trunk": choice.trunk,
        "dial": mask_number(choice.dial) if choice.dial else None,
        "shown": mask_number(choice.shown) if choice.shown else None,
        "cost": choice.cost,
        "reason": choice.reason,
        "not": [{"trunk": name, "why": words[name].value, "text": text} for name, text in choice.why_nots],
        "trunks": [_trunk(live, trunk) for trunk in lines],
    }


def offline(settings: EngineSettings, now: float, snapshot: Mapping[str, Any] | None) -> TrunkDesk:
    """The desk without a service: every line idle and well, or as ``snapshot`` (an answer of /v1/status) has them.

    Raises ValueError, KeyError or TypeError for what is no such answer.
    """
    live = Live(settings, now if snapshot is None else float(snapshot["at"]), lambda: "")
    desk = TrunkDesk(live)
    for view in () if snapshot is None else snapshot["trunks"]:
        trunk = live.trunks.get(view["trunk"])
        if trunk is not None:
            trunk.legs = int(view["legs"])
            trunk.bucket.take(max(0, trunk.bucket.available(live.now) - int(view["calls_now"])), live.now)
            until = live.now + float(view["rests_s"])
            condition = Condition(view["condition"])
            trunk.health = Health(condition, until=until, probe_out=bool(view["probe_out"]), reason=view["health"])
    for view in () if snapshot is None else snapshot["shown"]:
        pool = settings.lines.pools.get(view["pool"])
        if pool is None or not 1 <= int(view["place"]) <= len(pool.numbers):
            continue
        desk.put(
            replace(
                desk.members(view["pool"])[int(view["place"]) - 1],
                standing=Standing(view["standing"]),
                today=int(view["today"]),
                rests_until=live.now + float(view["rests_s"]) if view["standing"] == "resting" else 0.0,
            )
        )
    return desk
