"""Customers on hold, brought back, or back in the queue because their agent's phone died."""

from __future__ import annotations

from typing import Any

import pytest
from engine_kit import NODE, agents, campaign, none, one, settings
from exchange import Hall

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.settings import Mode
from dialer.engine.asides import ASIDE_S, QUEUE_S


def hall(people: int = 1, on_call: bool = False, **more: Any) -> Hall:
    f = Hall(settings(campaign(**more), people=agents(people), on_call=on_call))
    f.up()
    f.leads["c1"].clear()  # nothing is dialed but what the floor began with
    return f


def on_hold(people: int = 1, **more: Any) -> tuple[Hall, str, str]:
    f = hall(people, **more)
    uuid, leg = f.talking()
    assert f.act("a1", "hold").ok
    return f, uuid, leg


def test_hold_and_back() -> None:
    f, uuid, leg = on_hold()
    aside = one(f.log, ph.PutAside)
    assert (aside.uuid, aside.message) == (uuid, "safe.wav") and aside.limit_ms > ASIDE_S * 1000
    assert f.with_whom(uuid) is None and f.legs[leg].state == "parked"
    assert f.state() == "talking" and f.call(uuid).state.value == "connected"
    assert f.act("a1", "hold").ok
    assert f.with_whom(uuid) == leg and not f.call(uuid).aside
    bridges = len(f.of(cmd.NoteBridge))
    f.dies(uuid)
    assert f.outcome(uuid) == "connected" and f.state() == "wrap_up" and bridges == 1
    f.accounted()


def test_the_customer_is_brought_back_only_when_the_agents_line_is_parked() -> None:
    f = hall()
    uuid, leg = f.talking()
    f.reply(lambda n: ph.AgentAct(n, "a1", "hold"))
    out = f.send(ph.AgentAct(1, "a1", "hold"))
    none(out, ph.Join)
    joined = one(f.step(0.3), ph.Join)
    assert (joined.a_uuid, joined.b_uuid) == (uuid, leg) and f.with_whom(uuid) == leg


def test_who_hangs_up_on_hold_is_gone() -> None:
    f, uuid, _leg = on_hold()
    f.dies(uuid)
    assert f.outcome(uuid) == "connected" and (f.state(), f.line()) == ("wrap_up", "parked")
    f.accounted()


def test_nobody_is_left_on_hold_for_ever() -> None:
    f, uuid, leg = on_hold()
    f.step(ASIDE_S + 1)
    assert f.with_whom(uuid) == leg and not f.call(uuid).aside


def test_a_way_back_that_the_switch_refuses_is_tried_again_and_then_another_agent_comes() -> None:
    f, uuid, leg = on_hold(2)
    other = f.agent("a2").leg
    f.deaf.add("a1")
    f.legs[leg].state = "dead"  # and nobody hears of it
    f.lists = False
    f.act("a1", "hold")
    f.step(5)
    assert len([j for j in f.of(ph.Join) if j.b_uuid == leg]) == 3
    assert f.with_whom(uuid) == other and f.call(uuid).agent is f.agent("a2")
    f.lists = True
    f.step(60)
    assert f.agent("a1").leg != leg
    f.accounted()


# ---- a phone dies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aside", [False, True])
def test_a_phone_that_dies_in_a_conversation_sends_the_customer_to_the_next_agent(aside: bool) -> None:
    f = hall(2)
    uuid, leg = f.talking()
    first = f.call(uuid).bridged_at
    if aside:
        f.act("a1", "hold")
    f.deaf.add("a1")
    out = f.dies(leg, "MEDIA_TIMEOUT")
    assert f.state("a1") == "unavailable"
    assert one(out, ph.Join).a_uuid == uuid
    none(out, ph.PutAside, cmd.Bridge)
    f.step(0.2)
    assert f.with_whom(uuid) == f.agent("a2").leg and f.state("a2") == "talking"
    note = f.of(cmd.NoteBridge)[-1]
    assert (note.attempt_id, note.agent, note.bridged_at) == (uuid, "a2", first)
    f.dies(uuid)
    closed = f.closed(uuid)
    assert (closed.outcome.value, closed.agent, closed.bridged_at) == ("connected", "a2", first)
    f.accounted()


def test_the_order_of_unbridge_and_hangup_does_not_matter() -> None:
    for swapped in (False, True):
        f = hall(2)
        uuid, leg = f.talking()
        f.lists = False
        words: list[ev.Event] = [ev.LegUnbridged(uuid, f.now), ev.LegHungUp(leg, f.now, "MEDIA_TIMEOUT")]
        f.send(*(reversed(words) if swapped else words))
        out = f.step(0.5)
        assert one(out, ph.Join).b_uuid == f.agent("a2").leg


def test_who_hangs_up_does_not_cost_another_agent() -> None:
    f = hall(2)
    uuid, leg = f.talking()
    f.send(ev.LegHungUp(leg, f.now, "MEDIA_TIMEOUT"), ev.LegUnbridged(uuid, f.now))
    f.step(0.1)
    out = f.send(ev.LegHungUp(uuid, f.now, "NORMAL_CLEARING")) + f.step(1)
    none(out, ph.Join)
    assert f.state("a2") == "ready" and f.outcome(uuid) == "connected"


def test_with_nobody_free_the_customer_hears_music_and_is_the_first_to_be_served() -> None:
    f = Hall(settings(campaign(), people=agents(2)))
    f.up()
    f.step(0.2)
    one_, two = f.dialed()[:2]
    f.leads["c1"].clear()
    for uuid in (one_, two):
        f.picks_up(uuid)
    leg = f.call(one_).agent.leg
    lost, there = f.call(one_).agent.settings.agent, f.call(two).agent.settings.agent
    f.deaf.add(lost)
    out = f.dies(leg, "MEDIA_TIMEOUT")
    assert one(out, ph.PutAside).uuid == one_ and f.call(one_).state.value == "waiting"
    f.step(30)  # far beyond the legal limit, which they were served within
    assert f.call(one_).state.value == "waiting" and not f.counter("abandoned")
    f.dies(two)
    f.step(11)  # wrap-up
    assert f.with_whom(one_) == f.agent(there).leg
    f.dies(one_)
    assert f.outcome(one_) == "connected"
    counts = f.engine._feed.pool.counts("c1", f.now)
    assert (counts.answered_today, counts.abandoned_today) == (2, 0)
    f.accounted()


def test_with_nobody_free_for_long_they_hear_the_message_and_were_connected_all_the_same() -> None:
    f = hall(1)
    uuid, leg = f.talking()
    f.deaf.add("a1")
    f.dies(leg, "MEDIA_TIMEOUT")
    out = f.step(QUEUE_S + 1)
    assert one(out, cmd.WaitAgain).message == "safe.wav" and uuid not in f.live.waiting
    f.step(10)
    assert f.outcome(uuid) == "connected"
    assert f.engine._feed.pool.counts("c1", f.now).abandoned_today == 0


def test_the_second_agent_is_lost_too() -> None:
    f = hall(3)
    uuid, _leg = f.talking()
    f.deaf |= {"a1", "a2", "a3"}
    seen = set()
    for _ in range(3):
        agent = f.call(uuid).agent
        seen.add(agent.settings.agent)
        f.dies(agent.leg, "MEDIA_TIMEOUT")
        f.step(0.3)
    assert seen == {"a1", "a2", "a3"} and f.call(uuid).state.value == "waiting"
    f.deaf.clear()
    f.step(30)
    assert f.call(uuid).state.value == "connected" and f.with_whom(uuid) is not None
    f.accounted()


def test_a_bridge_to_the_next_agent_that_fails_leaves_the_customer_ahead_of_all() -> None:
    f = hall(2)
    uuid, leg = f.talking()
    f.deaf |= {"a1", "a2"}
    f.die(f.legs[leg], "MEDIA_TIMEOUT")
    f.settle()
    f.step(0.31)
    assert f.call(uuid).state.value == "connecting"
    f.dies(f.agent("a2").leg, "MEDIA_TIMEOUT")
    assert uuid in f.live.waiting and f.of(ph.PutAside)[-1].uuid == uuid
    f.dies(uuid)
    assert f.outcome(uuid) == "connected" and f.closed(uuid).agent == "a1"
    f.accounted()


def test_the_agent_hangs_up_by_act_and_the_customer_is_not_queued_again() -> None:
    f = hall(2)
    uuid, _leg = f.talking()
    assert f.act("a1", "hang_up").ok
    f.step(0.5)
    assert f.outcome(uuid) == "connected" and f.closed(uuid).reason == "hung up by the agent"
    assert f.counter("customers_queued_again") == 0 and (f.state("a1"), f.line("a1")) == ("wrap_up", "parked")


# ---- on-call agents ----------------------------------------------------------------------------------------


def on_call() -> tuple[Hall, str, str]:
    f = Hall(settings(campaign(mode=Mode.PREVIEW, preview_rings=False), people=agents(1), on_call=True))
    f.up()
    f.step(0.5)
    assert f.act("a1", "accept").ok
    f.step(0.5)
    f.leads["c1"].clear()
    uuid = f.dialed()[0]
    f.picks_up(uuid)
    return f, uuid, f.call(uuid).agent.leg


def test_an_on_call_agent_holds_too() -> None:
    f, uuid, leg = on_call()
    f.act("a1", "hold")
    f.step(10)
    assert f.legs[leg].state == "parked"
    f.act("a1", "hold")
    assert f.with_whom(uuid) == leg
    f.dies(uuid)
    f.step(0.5)
    assert f.legs[leg].state == "parked" and f.state() == "wrap_up" and f.outcome(uuid) == "connected"
    f.step(60)
    assert f.legs[leg].state == "dead" and f.agent().leg is None
    f.accounted()


@pytest.mark.parametrize("held", [False, True])
def test_an_on_call_agent_ends_the_conversation_by_hanging_up(held: bool) -> None:
    f, uuid, leg = on_call()
    if held:
        f.act("a1", "hold")
    f.dies(leg)
    f.step(0.5)
    assert f.closed(uuid).reason == "the agent hung up" and f.outcome(uuid) == "connected"
    assert f.state() == "wrap_up" and f.counter("customers_queued_again") == 0
    f.accounted()


def test_an_on_call_phone_that_is_lost_leaves_the_customer_to_the_next_agent() -> None:
    f, uuid, leg = on_call()
    f.dies(leg, "MEDIA_TIMEOUT")
    f.step(0.5)
    assert uuid in f.live.waiting and f.state() == "wrap_up"
    f.step(11)
    assert (f.state(), f.agent().reason) == ("paused", "the phone was lost")
    f.accounted()


# ---- lists and restarts ------------------------------------------------------------------------------------


def test_lists_do_not_end_a_call_on_hold() -> None:
    f, uuid, _leg = on_hold()
    f.step(100)
    assert f.call(uuid).aside == "hold" and f.counter("resyncs") > 3


def test_a_customer_whom_nobody_is_with_any_more_is_brought_back() -> None:
    f = hall()
    uuid, leg = f.talking()
    f.lossy = lambda event: True
    f.play(f.legs[uuid], 900)
    f.lossy = lambda event: False
    f.step(40)
    assert f.with_whom(uuid) == leg and f.call(uuid).state.value == "connected"


def test_after_a_restart_a_customer_aside_gets_the_next_agent() -> None:
    f, uuid, leg = on_hold()
    call = f.call(uuid)
    fact = ev.OpenAttemptFact(
        uuid, "c1", 1, 1, "+4930", "p1", NODE, call.opened_at, 0, "t1", call.rang_at, call.answered_at, call.bridged_at
    )
    f.restarted(f.now)
    f.send(ev.Recovered((fact,), (ev.AgentFact("a1", "ready"),)), ev.SwitchUp(NODE))
    f.step(2)
    assert f.with_whom(uuid) == leg and f.state() == "talking"
    f.dies(uuid)
    assert f.outcome(uuid) == "connected"
    f.accounted()


def test_what_the_switch_does_alone_is_bounded() -> None:
    f, uuid, _leg = on_hold()
    f.send(ev.SwitchDown(NODE, "eof"))
    f.step(ASIDE_S + 60)
    assert f.legs[uuid].state == "dead"
    f.send(ev.SwitchUp(NODE))
    f.step(5)
    assert f.outcome(uuid) == "connected" and uuid not in f.live.calls
    f.accounted()
