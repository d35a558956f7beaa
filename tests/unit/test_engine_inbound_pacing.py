"""Callers and outbound pacing: whoever waits, or is about to, takes agents from what may be dialed for."""

from __future__ import annotations

import pytest
from engine_kit import agents, one
from inbound_kit import SALES, Desk, number, office, outbound, pause_all, queue, said

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.phones import Join
from dialer.domain.settings import Mode
from dialer.engine.feed import pacing_of


def floor_of(mode: Mode, people: int = 3, **more: object) -> Desk:
    return Desk(office(outbound(mode=mode, **more), queue(), people=agents(people, "c1", SALES)))


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.RATIO, Mode.PREVIEW])
def test_a_caller_who_is_coming_takes_an_agent_from_dialing(mode: Mode) -> None:
    """Rung, but not answered yet: one agent fewer is dialed for."""
    floor = floor_of(mode)
    floor.send(ev.CampaignOrder(1, "c1", "pause"))
    floor.up()
    caller = floor.caller()
    floor.send(ev.CampaignOrder(1, "c1", "start"))
    floor.step(0.5)
    shown = [a for a in floor.live.agents.values() if a.preview is not None]
    assert len(floor.of(cmd.OpenAttempt)) + len(shown) == 2
    floor.up_(caller)
    floor.step(0.2)
    assert floor.of(Join)[-1].a_uuid == caller
    floor.step(1)
    assert len(floor.of(cmd.OpenAttempt)) + len([a for a in floor.live.agents.values() if a.preview]) <= 4


def test_predictive_pacing_knows_who_waits() -> None:
    """The pool has the callers of the queue, and learns their talks as the queue's own; no ledger has them."""
    floor = floor_of(Mode.PREDICTIVE)
    floor.up()
    pool = floor.engine._feed.pool
    for name in floor.live.agents:
        floor.send(ev.AgentPause(1, name, ""))
    first = floor.waits()
    assert first in pool.calls
    floor.hang_up(first)
    assert first not in pool.calls
    second = floor.waits()
    floor.send(ev.AgentReady(1, "a1"))
    floor.step(0.3)
    floor.talks(second)
    floor.step(20)
    floor.hang_up(second)
    assert second not in pool.calls
    for name in ("c1", SALES):
        counts = pool.counts(name, floor.now)
        assert (counts.answered_today, counts.abandoned_today) == (0, 0)


def waiting_of(floor: Desk, of: str = "waiting") -> int:
    state = floor.engine._feed.pool._state
    return sum(n for (_, name), n in getattr(state, of).items() if name == SALES)


def test_predictive_pacing_knows_who_is_on_the_line_and_does_not_wait_yet() -> None:
    """It rings, then a greeting of ten seconds, then they wait; who leaves in the greeting asked for nobody."""
    config = office(
        outbound(mode=Mode.PREDICTIVE),
        queue(),
        people=agents(3, "c1", SALES),
        numbers=(number(greeting=said("hi", 10)),),
    )
    floor = Desk(config)
    floor.up()
    pause_all(floor)
    stays, leaves = floor.caller("+491701"), floor.caller("+491702")
    assert (waiting_of(floor), waiting_of(floor, "screened")) == (0, 2)
    for uuid in (stays, leaves):
        floor.up_(uuid)
    floor.step(3)
    floor.hang_up(leaves)
    assert waiting_of(floor, "screened") == 1
    floor.step(10)
    assert (waiting_of(floor), waiting_of(floor, "screened")) == (1, 0)
    floor.hang_up(stays)
    pool = floor.engine._feed.pool
    assert (waiting_of(floor), waiting_of(floor, "screened")) == (0, 0)
    assert pool.calls.isdisjoint((stays, leaves)) and not pool.dropped
    memory = pool._state.memories[SALES]
    assert memory.callers.lead_s == pytest.approx(10, abs=0.1) and memory.screened_all == pytest.approx(7, abs=0.1)


def test_a_vip_who_waits_keeps_outbound_from_dialing_for_the_next_agent() -> None:
    """The VIP seat is taken: the next agent who comes free is the VIP's, and nobody is dialed for that one."""
    people = agents(3, "c1", SALES)
    started = []
    for vips in (0, 2):
        kept = {people[2].seat: frozenset({"vip"})}
        config = office(outbound(mode=Mode.PREDICTIVE), queue(), people=people, dedicated=kept)
        floor = Desk(config)
        floor.send(ev.CampaignOrder(1, "c1", "pause"))
        floor.up()
        for name in ("a1", "a2"):
            floor.send(ev.AgentPause(1, name, ""))
        for n in range(vips):
            who = f"+4917000{n}"
            floor.rank(who, "red", vip=True)
            uuid = floor.waits(who)
            if n == 0:
                assert floor.talks(uuid) == "a3"
        floor.send(ev.CampaignOrder(1, "c1", "start"))
        floor.step(1)
        assert not floor.of(cmd.OpenAttempt)
        for name in ("a1", "a2"):
            floor.send(ev.AgentReady(1, name))
        floor.step(0.3)
        started.append(len(floor.of(cmd.OpenAttempt)))
    assert started == [2, 1]


def test_what_nobody_decides_for_looks_no_further_ahead_than_it_must() -> None:
    """A queue whose callers wait ten minutes would have tables of ten minutes, made anew every few seconds."""
    config = office(outbound(mode=Mode.PREDICTIVE), queue(max_wait_s=600.0), people=agents(1, "c1", SALES))
    assert pacing_of(config, SALES).wait_limit_s <= 2.0


def test_a_queue_takes_no_orders_of_campaigns() -> None:
    floor = floor_of(Mode.PROGRESSIVE)
    floor.up()
    reply = floor.reply(lambda ident: ev.CampaignOrder(ident, SALES, "stop"))
    assert not reply.ok


def test_lines_that_are_kept_for_callers() -> None:
    """Two of four channels are kept; callers beyond them take from ours, and give them back."""
    from dataclasses import replace

    from engine_kit import trunk
    from inbound_kit import DID, number

    config = office(outbound(), queue(), people=agents(1, "c1", SALES), numbers=(number(trunk="t1"),))
    floor = Desk(replace(config, trunks={"t1": trunk(channels=4, reserved_inbound=2)}))
    floor.send(ev.CampaignOrder(1, "c1", "pause"))
    floor.up()
    callers = [floor.caller(f"+49170000{n:04d}", DID) for n in range(3)]
    line = floor.live.trunks["t1"]
    assert (line.callers, line.legs) == (3, 1)
    (view,) = floor.engine.status(floor.now).trunks
    assert (view.in_use, view.callers) == (3, 3), "people see all of them"
    for uuid in callers:
        floor.hang_up(uuid)
    assert (line.callers, line.legs) == (0, 0)


def test_the_view_of_a_queue() -> None:
    """What people and metrics are told: counts by tier, the share served in time, VIPs apart."""
    floor = Desk(office(people=agents(1, SALES)))
    floor.up()
    floor.rank("+4917011111", "red", vip=True)
    vip = floor.waits("+4917011111")
    floor.talks(vip)
    waits = floor.waits("+4917022222")
    floor.step(40)
    status = floor.engine.status(floor.now)
    (view,) = status.queues
    assert not [c for c in status.campaigns if c.campaign == SALES]
    assert (view.waiting, view.serving, view.free, view.offered) == (1, 1, 0, 2)
    assert view.longest_wait_s == pytest.approx(40, abs=0.1)
    assert view.service_level == 1.0, "the VIP talks, served at once; of who waits nobody knows yet"
    floor.hang_up(vip)
    floor.hang_up(waits)
    (view,) = floor.engine.status(floor.now).queues
    assert (view.served, view.lost, view.service_level) == (1, 1, 0.5)
    assert view.by_tier["red"] == {"offered": 1, "served": 1, "in_target": 1, "vip": 1}
    assert one(floor.of(cmd.NoteBridge), cmd.NoteBridge).attempt_id == vip


def test_a_vip_who_met_busy_is_counted() -> None:
    """Turned away when the longest wait was over; one who gives up, or an ordinary caller, is none."""
    floor = Desk(office(queue(max_wait_s=30.0), people=agents(1, SALES)))
    floor.up()
    floor.send(ev.AgentPause(1, "a1", "tea"))
    for who in ("+4917011111", "+4917022222"):
        floor.rank(who, "red", vip=True)
    away, gives_up, other = (floor.waits(f"+49170{n}{n}{n}{n}{n}") for n in (1, 2, 3))
    floor.step(5)
    floor.hang_up(gives_up)
    floor.step(40)
    for uuid in (away, other):
        floor.hang_up(uuid)
    (view,) = floor.engine.status(floor.now).queues
    assert view.by_tier["red"]["vip_busy"] == 1 and view.by_tier["red"]["vip"] == 2
    assert "vip_busy" not in view.by_tier["ordinary"]
