"""Lost switches, lost events, a former run's calls, and the shutdown."""

from __future__ import annotations

import pytest
from engine_kit import NODE, START, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev


def floor(people: int = 1, **more: object) -> Floor:
    return Floor(settings(campaign(**more), people=agents(people))).up()  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["ringing", "waiting", "connecting", "connected", "abandoning"])
def test_a_switch_that_comes_back_empty_ends_every_call(state: str) -> None:
    f = floor()
    (uuid,) = f.dialed()
    if state in ("waiting", "abandoning"):
        f.send(ev.AgentPause(1, "a1", "tea"))
    if state == "connected":
        f.talk(uuid)
    elif state == "ringing":
        f.ring(uuid)
    else:
        f.answer(uuid)
    if state == "abandoning":
        f.step(1.9)
    assert f.call(uuid).state.value == state
    f.send(ev.SwitchDown(NODE, "eof"))
    none(f.step(0.5), cmd.Bridge, cmd.HangUp, cmd.OpenAttempt)
    f.channels[NODE] = []
    f.send(ev.SwitchUp(NODE))
    expected = {"connected": "connected", "abandoning": "abandoned"}
    assert f.outcome(uuid) == expected.get(state, "interrupted")


def test_a_bridge_under_way_when_the_switch_died_is_interrupted_however_long_it_was_away() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.answer(uuid)
    f.send(ev.SwitchDown(NODE, "eof"))
    f.step(5)
    f.channels[NODE] = []
    f.send(ev.SwitchUp(NODE))
    assert f.outcome(uuid) == "interrupted"


@pytest.mark.parametrize("state", ["ringing", "connected"])
def test_a_switch_that_comes_back_with_its_calls_loses_none(state: str) -> None:
    f = floor()
    (uuid,) = f.dialed()
    if state == "connected":
        f.talk(uuid)
    f.send(ev.SwitchDown(NODE, "eof"))
    f.step(1)
    f.send(ev.SwitchUp(NODE))
    f.step(5)
    assert not f.of(cmd.CloseAttempt) and f.agent().leg is not None


def test_an_attempt_committed_while_the_switch_went_away_is_not_dialed() -> None:
    f = Floor(settings(people=agents(1)), gate=False).up()
    uuid = one(f.log, cmd.OpenAttempt).attempt_id
    f.send(ev.SwitchDown(NODE, "eof"), ev.AttemptOpened(uuid))
    assert not f.dialed() and f.outcome(uuid) == "interrupted"


def test_lost_events_are_marked_and_the_switch_is_asked_even_while_an_older_list_is_under_way() -> None:
    f = floor()
    f.lists = False
    f.send(ev.SwitchGap(NODE, 3))
    f.send(ev.SwitchGap(NODE, 4))
    assert len(f.of(cmd.TakeSnapshot)) >= 2 and f.counter("events_dropped") == 7
    f.lists = True
    asked = len(f.of(cmd.TakeSnapshot))
    f.send(f.snapshot(*f.facts(NODE)))
    f.step(2.1)
    assert len(f.of(cmd.TakeSnapshot)) > asked


@pytest.mark.parametrize("event", [ev.SwitchUp("x"), ev.SwitchDown("x", ""), ev.SwitchGap("x", 1),
                                   ev.SwitchSnapshot("x", 0.0, ()), ev.SnapshotFailed("x", "")])  # fmt: skip
def test_an_unknown_switch_is_counted(event: ev.SwitchEvent) -> None:
    f = floor()
    f.send(event)
    assert f.counter("illegal_node") == 1


def test_a_missing_call_is_believed_lost_only_after_two_lists_a_while_apart() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(5)
    rest = [fact for fact in f.facts(NODE) if fact.uuid != uuid]
    f.channels[NODE] = rest
    f.send(f.snapshot(*rest), f.snapshot(*rest))
    assert uuid in f.live.calls
    f.step(2.1)
    assert f.outcome(uuid) == "interrupted"


def test_a_young_call_may_be_missing() -> None:
    f = floor()
    (uuid,) = f.dialed()
    rest = [fact for fact in f.facts(NODE) if fact.uuid != uuid]
    for _ in range(3):
        f.send(f.snapshot(*rest, asked_at=f.now))
    assert uuid in f.live.calls


def test_a_lost_answer_is_found() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(5)
    others = [fact for fact in f.facts(NODE) if fact.uuid != uuid]
    f.channels[NODE] = [*others, f.call_fact(uuid, answered=True)]
    f.send(f.snapshot(*f.channels[NODE]))
    f.step(2.1)
    assert f.call(uuid).answered_at is not None and f.call(uuid).state.value == "abandoning"
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned"


def test_a_lost_channel_bridge_is_found() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    f.channels[NODE] = [
        f.call_fact(uuid, answered=True, peer=leg),
        ev.ChannelFact(leg, "agent", "a1", True, uuid, START),
    ]
    f.step(6.1)
    assert f.state() == "talking"
    f.hang_up(uuid)
    assert f.closed(uuid).bridged_at is not None


def test_a_lost_hangup_of_a_conversation_is_found_and_its_agent_freed() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    f.step(10)
    f.channels[NODE] = [ev.ChannelFact(leg, "agent", "a1", True, None, START, parked=True)]
    f.send(f.snapshot(*f.channels[NODE]))
    f.step(2.1)
    assert f.outcome(uuid) == "connected"
    assert one(f.step(1.1), cmd.ParkLeg).uuid == leg
    f.park(leg)
    f.step(10)
    assert f.agent().free


def test_an_agents_leg_that_belongs_to_nobody_is_hung_up_and_a_customers_is_not() -> None:
    f = floor()
    f.step(10)
    stray = ev.ChannelFact("stray", "agent", "a9", True, None, START, parked=True)
    out = f.send(f.snapshot(*f.facts(NODE), stray, f.call_fact("other", answered=True)))
    assert [c.uuid for c in f.of(cmd.HangUp, out)] == ["stray"] and f.counter("orphan_calls_seen") == 1


# ---- a former run --------------------------------------------------------------------------------------------


def fact(uuid: str, campaign: str = "c1", node: str = NODE) -> ev.OpenAttemptFact:
    return ev.OpenAttemptFact(uuid, campaign, 1, 1, "+491", "p1", node, START - 5, 1, "t1")


def restarted(*channels: ev.ChannelFact, attempts: tuple[ev.OpenAttemptFact, ...], leads: int = 0) -> Floor:
    f = Floor(settings(people=agents(1)), leads=leads)
    f.send(ev.Recovered(attempts))
    f.channels[NODE] = list(channels)
    f.send(ev.SwitchUp(NODE))
    return f


def test_a_former_runs_ringing_call_is_adopted_and_answered_like_any_other() -> None:
    f = restarted(Floor.call_fact("r1", at=0.0), attempts=(fact("r1"),))
    del f.channels[NODE]
    f.step(1)
    assert f.call("r1").state.value == "ringing"
    assert one(f.answer("r1"), cmd.Bridge).call_uuid == "r1"


def test_a_former_runs_ringing_call_keeps_its_minimum_ring_whatever_the_switchs_clock_says() -> None:
    f = restarted(Floor.call_fact("r1", at=0.0), attempts=(fact("r1"),))
    del f.channels[NODE]
    f.send(ev.Shutdown(1.0))
    none([c for c in f.step(9.9) if getattr(c, "uuid", "") == "r1"], cmd.HangUp)
    assert [c.uuid for c in f.of(cmd.HangUp, f.step(0.2))] == ["r1"]


def test_a_former_runs_conversation_is_adopted_with_its_agent() -> None:
    talk = Floor.call_fact("r1", answered=True, peer="leg")
    f = restarted(talk, ev.ChannelFact("leg", "agent", "a1", True, "r1", START), attempts=(fact("r1"),))
    assert f.state() == "talking" and f.agent().leg == "leg"
    f.step(3)
    f.hang_up("r1")
    assert f.outcome("r1") == "connected"


def test_a_former_runs_parked_agent_is_adopted_without_ringing_the_phone() -> None:
    f = restarted(ev.ChannelFact("leg", "agent", "a1", True, None, START, parked=True), attempts=())
    assert f.agent().free and not f.of(cmd.OriginateAgent)


def test_two_agents_who_talked_with_each_other_are_parted_and_keep_their_lines() -> None:
    f = Floor(settings(people=agents(2)), leads=0)
    f.send(ev.Recovered())
    pair = {"leg1": ("a1", "leg2"), "leg2": ("a2", "leg1")}
    f.channels[NODE] = [ev.ChannelFact(leg, "agent", who, True, peer, START - 60) for leg, (who, peer) in pair.items()]
    out = f.send(ev.SwitchUp(NODE))
    assert [park.uuid for park in f.of(cmd.ParkLeg, out)] == ["leg1", "leg2"]
    none(out, cmd.HangUp, cmd.OriginateAgent)
    f.park("leg1")
    f.park("leg2")
    f.step(0.11)
    assert f.agent("a1").free and f.agent("a2").free and (f.agent("a1").leg, f.agent("a2").leg) == ("leg1", "leg2")


def test_the_leg_of_an_agent_who_is_gone_does_not_stay_with_a_colleague() -> None:
    f = Floor(settings(people=agents(1)), leads=0)
    f.send(ev.Recovered())
    f.channels[NODE] = [
        ev.ChannelFact("leg", "agent", "a1", True, "stray", START - 60),
        ev.ChannelFact("stray", "agent", "a9", True, "leg", START - 60),
    ]
    out = f.send(ev.SwitchUp(NODE))
    assert one(out, cmd.ParkLeg).uuid == "leg" and one(out, cmd.HangUp).uuid == "stray"


@pytest.mark.parametrize(
    ("campaign_name", "node", "listed", "outcome"),
    [
        ("c1", NODE, True, "abandoned"),
        ("c1", NODE, False, "interrupted"),
        ("c1", "fs9", False, "interrupted"),
        ("gone", NODE, True, "abandoned"),
        ("gone", NODE, False, "interrupted"),
    ],
)
def test_a_former_runs_other_calls(campaign_name: str, node: str, listed: bool, outcome: str) -> None:
    found = [Floor.call_fact("r1", answered=True)] if listed else []
    f = restarted(*found, attempts=(fact("r1", campaign_name, node),))
    f.hang_up("r1")
    assert f.outcome("r1") == outcome


def test_what_operators_ordered_and_who_paused_outlives_a_restart() -> None:
    f = Floor(settings(campaign("c1"), campaign("c2"), people=agents(2, "c1", "c2")))
    paused = ev.AgentFact("a2", "paused", "lunch")
    f.send(
        ev.Recovered((), (ev.AgentFact("a1", "ready"), paused), (("c1", "stopped"), ("c2", "paused"), ("x", "running")))
    )
    f.up()
    assert [c.state for c in f.engine.status(f.now).campaigns] == ["stopped", "paused"]
    assert (f.state("a1"), f.state("a2")) == ("ready", "paused")


# ---- shutdown ------------------------------------------------------------------------------------------------


def test_a_drain_starts_nothing_lets_calls_end_and_says_so_once() -> None:
    f = floor(2)
    first, second = f.dialed()
    leg = f.talk(first)
    out = f.send(ev.Shutdown(30.0))
    assert one(out, cmd.ReleaseLeads)
    f.hang_up(second, "USER_BUSY")
    none(f.step(10), cmd.OpenAttempt, cmd.Drained)
    f.hang_up(first)
    f.park(leg)
    assert one(f.log, cmd.Drained).calls_hung_up == 0
    assert {c.uuid for c in f.of(cmd.HangUp)} == {c.uuid for c in f.of(cmd.OriginateAgent)}
    f.send(ev.Shutdown(1.0))
    f.step(200)
    assert len(f.of(cmd.Drained)) == 1 and f.state("a1") == f.state("a2") == "logged_out"
    assert len(f.of(cmd.OriginateAgent)) == 2


def test_when_the_drain_is_over_calls_are_hung_up_with_their_own_outcome_and_ringing_ones_after_the_minimum() -> None:
    f = floor(2)
    first, second = f.dialed()
    f.step(20)
    f.talk(first)
    f.ring(second)
    f.send(ev.Shutdown(5.0))
    out = f.step(5.1)
    assert one(out, cmd.HangUp).uuid == first
    f.hang_up(first)
    none(f.step(9.8), cmd.HangUp)
    out = f.step(0.2)
    assert one(out, cmd.HangUp).uuid == second
    f.hang_up(second)
    assert f.outcome(first) == f.outcome(second) == "shutdown"
    assert one(f.log, cmd.Drained).calls_hung_up == 2


def test_an_attempt_that_the_gate_lets_through_after_the_drain_is_not_dialed() -> None:
    f = Floor(settings(people=agents(1)), gate=False).up()
    uuid = one(f.log, cmd.OpenAttempt).attempt_id
    f.send(ev.Shutdown(1.0))
    f.step(2)
    f.send(ev.AttemptOpened(uuid))
    assert not f.dialed() and f.outcome(uuid) == "shutdown" and len(f.of(cmd.Drained)) == 1


def test_a_hangup_that_is_never_confirmed_does_not_hold_the_shutdown_for_ever() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.talk(uuid)
    f.send(ev.Shutdown(5.0))
    f.step(5 + 15 + 20 + 1)
    assert f.outcome(uuid) == "shutdown" and len(f.of(cmd.Drained)) == 1
