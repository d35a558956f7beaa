"""What happened while this process stood still, or before it started, is judged and learnt by when it happened."""

from __future__ import annotations

from typing import Any

import pytest
from engine_kit import NODE, START, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.outcomes import Outcome
from pacing.board import Phase

AWAY_S = 20.0


def floor(people: int = 1, **more: Any) -> Floor:
    return Floor(settings(campaign(**more), people=agents(people))).up()


def ledger(f: Floor) -> tuple[int, int]:
    counts = f.engine._feed.pool.counts("c1", f.now)
    return counts.answered_today, counts.abandoned_today


def beliefs(f: Floor) -> Any:
    return f.engine._feed.pool._state.memories["c1"].beliefs


def learnt(f: Floor) -> list[float]:
    """The talk times that pacing learns from now on."""
    told: list[float] = []
    talked = beliefs(f).talked

    def spy(agent: str, duration_s: float) -> None:
        told.append(duration_s)
        talked(agent, duration_s)

    beliefs(f).talked = spy
    return told


def stand_still(f: Floor, seconds: float = AWAY_S) -> float:
    """No event is read and no timer fires for a while; when it began."""
    began = f.now
    f.now += seconds
    return began


@pytest.mark.parametrize(
    ("waited_s", "outcome", "counted"),
    [(10.0, "abandoned", (1, 1)), (2.0, "abandoned", (1, 1)), (1.5, "hung_up_early", (1, 0))],
)
def test_an_answer_and_its_end_in_a_standstill(waited_s: float, outcome: str, counted: tuple[int, int]) -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(3)
    began = stand_still(f)
    out = f.send(ev.LegAnswered(uuid, began + 5.0, f.now), ev.OriginateReplied(uuid, True))
    none(out, cmd.Bridge)
    f.send(ev.LegHungUp(uuid, began + 5.0 + waited_s, "NORMAL_CLEARING"))
    assert f.outcome(uuid) == outcome and ledger(f) == counted
    assert f.closed(uuid).answered_at == began + 5.0 and f.closed(uuid).ended_at == began + 5.0 + waited_s


def test_whoever_answered_long_ago_and_still_waits_is_offered_to_nobody() -> None:
    f = floor()
    (uuid,) = f.dialed()
    began = stand_still(f)
    none(f.send(ev.LegAnswered(uuid, began + 5.0, f.now), ev.OriginateReplied(uuid, True)), cmd.Bridge)
    assert f.call(uuid).state.value == "abandoning" and ledger(f) == (1, 1)


@pytest.mark.parametrize(("bridged_after_s", "outcome"), [(0.06, "connected"), (2.1, "abandoned")])
def test_a_bridge_read_late_counts_by_when_it_stood(bridged_after_s: float, outcome: str) -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    answered = stand_still(f)
    f.send(ev.BridgeReplied(uuid, leg, True), ev.LegsBridged(uuid, leg, answered + bridged_after_s))
    f.step(1)
    f.hang_up(uuid)
    assert f.outcome(uuid) == outcome


def test_whoever_waited_before_we_read_of_it_and_was_bridged_after_the_limit_is_abandoned() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.step(5)
    out = f.send(ev.LegAnswered(uuid, f.now - 1.5, f.now), ev.OriginateReplied(uuid, True))
    bridge = one(out, cmd.Bridge)
    f.step(0.6)
    f.bridged(uuid, bridge.agent_uuid)
    assert bridge.answered_at == f.now - 0.6, "our own share of the way counts from the reading"
    f.step(10)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned" and ledger(f) == (1, 1)


def test_the_minimum_ring_counts_from_when_we_heard_of_the_ringing() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.step(10)
    f.send(ev.LegRinging(uuid, f.now - 9.0))
    f.send(ev.Shutdown(1.0))
    none([c for c in f.step(14.9) if getattr(c, "uuid", "") == uuid], cmd.HangUp)
    assert [c.uuid for c in f.of(cmd.HangUp, f.step(0.2))] == [uuid]


def test_pacing_learns_the_talk_by_its_own_times() -> None:
    f = floor()
    (uuid,) = f.dialed()
    told = learnt(f)
    f.talk(uuid)
    f.step(30)
    began = stand_still(f)
    f.send(ev.LegHungUp(uuid, began + 1.0, "NORMAL_CLEARING"))
    assert told == [pytest.approx(31.0)]


def test_pacing_learns_a_ring_time_by_its_own_times() -> None:
    f = floor()
    (uuid,) = f.dialed()
    ages: list[float] = []
    call_over = beliefs(f).call_over

    def spy(entry: int, score: float, age: float, **how: bool) -> None:
        ages.append(age)
        call_over(entry, score, age, **how)

    beliefs(f).call_over = spy
    dialed = f.call(uuid).dialed_at
    f.step(3)
    stand_still(f)
    f.send(ev.LegHungUp(uuid, dialed + 12.0, "NO_ANSWER"))
    assert ages == [pytest.approx(12.0)]


def test_a_clock_mapped_a_little_early_puts_nothing_before_what_led_to_it() -> None:
    f = floor()
    (uuid,) = f.dialed()
    dialed = f.call(uuid).dialed_at
    f.send(ev.LegRinging(uuid, dialed - 0.02))
    f.send(ev.LegAnswered(uuid, dialed - 0.01, f.now), ev.OriginateReplied(uuid, True))
    leg = f.of(cmd.Bridge)[-1].agent_uuid
    f.send(ev.LegsBridged(uuid, leg, dialed - 0.02))
    f.send(ev.LegHungUp(uuid, dialed - 0.03, "NORMAL_CLEARING"))
    closed = f.closed(uuid)
    assert closed.rang_at == closed.answered_at == closed.bridged_at == closed.ended_at == dialed


def test_a_bridge_that_never_stood_is_given_up_after_a_standstill_as_well() -> None:
    f = floor()
    (uuid,) = f.dialed()
    one(f.answer(uuid), cmd.Bridge)
    stand_still(f)
    f.lists = False
    none(f.send(ev.Tick()), cmd.HangUp)
    assert [c.uuid for c in f.of(cmd.HangUp, f.step(1.1))] == [uuid]


def test_a_phone_that_began_to_ring_in_a_standstill_is_not_cut_off_before_that_is_read() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.engine._calls.hang_up(f.call(uuid), "NORMAL_CLEARING", Outcome.CANCELLED, "too many")
    f.step(2)
    began = stand_still(f)
    none([c for c in f.send(ev.Tick()) if getattr(c, "uuid", "") == uuid], cmd.HangUp)
    f.step(0.3)
    f.send(ev.LegRinging(uuid, began + 3.0))
    none([c for c in f.step(14.9) if getattr(c, "uuid", "") == uuid], cmd.HangUp)
    assert [c.uuid for c in f.of(cmd.HangUp, f.step(0.2))] == [uuid]


def test_an_agent_whose_wrap_up_ended_in_a_standstill_is_not_given_whoever_waited_all_the_while() -> None:
    f = floor(wrap_up_s=10.0)
    (first,) = f.dialed()
    f.talk(first)
    f.hang_up(first)
    f.park(f.agent().leg)
    f.step(9.5)
    f.send(ev.CampaignOrder(1, "c1", "start"))
    call = f.engine._calls.open(f.live.campaigns["c1"], f.leads["c1"].pop(), NODE)
    f.send(ev.AttemptOpened(call.id))
    none(f.answer(call.id), cmd.Bridge)
    stand_still(f)
    none([c for c in f.send(ev.Tick()) if getattr(c, "call_uuid", "") == call.id], cmd.Bridge)
    assert f.call(call.id).state.value == "abandoning"


# ---- adopted conversations ---------------------------------------------------------------------------------


def adopted(**noted: float) -> tuple[Floor, list[float]]:
    """A floor that found a former run's conversation of a1, and the talk times that pacing learns of it."""
    f = Floor(settings(people=agents(1)), leads=0)
    f.send(ev.Recovered((ev.OpenAttemptFact("old", "c1", 7, 7, "+49301", "p7", NODE, START - 90.0, 1, "t1", **noted),)))
    f.channels[NODE] = [ev.ChannelFact("leg", "agent", "a1", True, "old", START - 900.0),
                        f.call_fact("old", answered=True, peer="leg")]  # fmt: skip
    f.send(ev.SwitchUp(NODE))
    assert f.state() == "talking"
    return f, learnt(f)


@pytest.mark.parametrize("noted", [{"answered_at": START - 80.5, "bridged_at": START - 80.0},
                                   {"answered_at": START - 80.0}])  # fmt: skip
def test_pacing_knows_since_when_an_adopted_conversation_goes_on_and_whose_it_is(noted: dict[str, float]) -> None:
    f, told = adopted(**noted)
    person = f.engine._feed.pool._state.people["a1"]
    assert (person.phase, person.since, person.campaign) == (Phase.TALKING, START - 80.0, "c1")
    board = f.engine._feed.pool._state.agents[NODE]
    assert (board.since[0], board.campaign[0]) == (START - 80.0, 0)
    f.step(20)
    f.hang_up("old")
    assert told == [pytest.approx(f.now - (START - 80.0))]


@pytest.mark.parametrize("leaves", [False, True])
def test_of_a_conversation_that_began_nobody_knows_when_only_the_wrap_up_is_learnt(leaves: bool) -> None:
    f, told = adopted()
    wraps = beliefs(f).hold.wrap.phases
    f.step(20)
    if leaves:
        f.send(ev.AgentPause(1, "a1", "tea"))
        f.send(ev.AgentReady(1, "a1"))
    f.hang_up("old")
    assert told == [] and f.engine._feed.pool.phase_of("a1") is Phase.WRAP
    f.step(10.1)
    assert beliefs(f).hold.wrap.phases > wraps
