"""Whom the engine gives an answered customer to: own agent, VIPs, tiers, kept seats, groups; and what never waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine_kit import Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.agent import AgentState
from dialer.domain.routing import RoutingSettings
from dialer.domain.settings import AgentSettings, EngineSettings, Mode
from routing.outbound import Rank


def ranked(tier: str = "ordinary", vip: bool = False, agent: str | None = None, *groups: str) -> Rank:
    return Rank(tier, vip, agent, tuple(frozenset({group}) for group in groups), ())


def floor_of(people: list[AgentSettings], ranks: Iterable[Rank] = (), *, lines: float = 1.0, **more: Any) -> Floor:
    """Its next leads have these ranks, in this order."""
    mode = Mode.RATIO if lines > 1 else Mode.PROGRESSIVE
    config: EngineSettings = settings(campaign(mode=mode, lines_per_agent=lines), people=people)
    made = Floor(replace(config, routing=RoutingSettings(**more)))
    leads = made.leads["c1"]
    for place, rank in enumerate(ranks):
        leads[place] = replace(leads[place], rank=rank)
    return made.up()


def chosen(made: Floor, out: list[cmd.Command]) -> str:
    bridge = one(out, cmd.Bridge)
    return str(made.live.legs[bridge.agent_uuid].settings.agent)


def free(made: Floor) -> set[str]:
    return {name for name, agent in made.live.agents.items() if agent.free}


# ---- who ---------------------------------------------------------------------------------------------------------


def test_without_rules_it_is_the_longest_idle() -> None:
    made = floor_of(agents(3))
    first, second, third = made.dialed()
    assert [chosen(made, made.answer(uuid)) for uuid in (third, first, second)] == ["a1", "a2", "a3"]
    assert "longest idle" in made.notes("agent_chosen")[0].text


def test_the_agent_who_knows_them_comes_before_the_longest_idle() -> None:
    made = floor_of(agents(3), [ranked(agent="a3")])
    first = made.dialed()[0]
    assert chosen(made, made.answer(first)) == "a3"
    assert "their own agent" in made.note("agent_chosen").text


def test_nobody_waits_for_a_busy_agent_of_their_own() -> None:
    """The legal limit is two seconds: anybody is better than the message."""
    made = floor_of(agents(2), [ranked(), ranked(agent="a1")])
    first, second = made.dialed()
    assert chosen(made, made.answer(first)) == "a1"
    assert chosen(made, made.answer(second)) == "a2"


def test_a_tiers_people_come_before_the_campaigns() -> None:
    people = agents(3)
    people[2] = replace(people[2], groups=frozenset({"gold"}))
    made = floor_of(people, [ranked("high", False, None, "gold")])
    assert chosen(made, made.answer(made.dialed()[0])) == "a3"
    assert "of gold" in made.note("agent_chosen").text


def test_an_agent_of_another_campaign_takes_nothing() -> None:
    people = [*agents(1, "c1"), *agents(1, "c2", prefix="b")]
    config = settings(campaign("c1", Mode.RATIO, lines_per_agent=2.0), campaign("c2", autostart=False), people=people)
    made = Floor(config).up()
    first, second = made.dialed()[:2]
    made.answer(first)
    none(made.answer(second), cmd.Bridge)
    assert free(made) == {"b1"}


# ---- kept seats --------------------------------------------------------------------------------------------------

KEPT = {"s-a1": frozenset({"vip"})}


def test_a_kept_seat_takes_vips_only_and_nobody_is_dialed_for_it() -> None:
    made = floor_of(agents(2), [ranked(), ranked(vip=True)], dedicated=KEPT)
    assert len(made.dialed()) == 1, "one agent takes everybody"
    assert chosen(made, made.answer(made.dialed()[0])) == "a2"
    made.step(5)
    assert len(made.dialed()) == 1, "a1 is free, and is kept"
    assert made.engine._feed.pool.phase_of("a1") is not None


def test_a_vip_goes_to_the_kept_seat_and_leaves_the_others_free() -> None:
    made = floor_of(agents(2), [ranked(vip=True)], dedicated=KEPT)
    assert chosen(made, made.answer(made.dialed()[0])) == "a1"
    assert "a VIP, ahead of all" in made.note("agent_chosen").text and free(made) == {"a2"}


def test_a_vip_whose_seats_are_taken_goes_ahead_of_all_who_wait() -> None:
    made = floor_of(agents(1), [ranked(), ranked(), ranked(vip=True)], lines=3.0)
    made.step(1)
    first, second, third = made.dialed()
    leg = one(made.answer(first), cmd.Bridge).agent_uuid
    made.step(0.06)
    made.bridged(first, leg)
    made.answer(second)
    made.step(0.2)
    made.answer(third)
    made.hang_up(first)
    made.park(leg)
    made.send(ev.AgentReady(1, "a1"))
    (bridge,) = [c for c in made.of(cmd.Bridge) if c.call_uuid != first]
    assert bridge.call_uuid == third


def test_a_preview_is_never_shown_to_a_kept_seat() -> None:
    config = settings(campaign(mode=Mode.PREVIEW), people=agents(2))
    made = Floor(replace(config, routing=RoutingSettings(dedicated=KEPT))).up()
    made.step(1)
    assert made.agent("a2").state is AgentState.PREVIEWING and made.agent("a1").state is AgentState.READY


# ---- never stuck -------------------------------------------------------------------------------------------------


def test_a_free_agent_and_a_customer_never_wait_beside_each_other() -> None:
    """The customer came while the switch was not to be trusted; nobody says anything when it is again."""
    made = floor_of(agents(1), lines=2.0)
    made.step(1)
    first, _ = made.dialed()
    made.lists = False
    made.send(ev.SwitchGap("fs1", 3))
    none(made.answer(first), cmd.Bridge)
    out = made.send(made.snapshot(*made.facts("fs1")))
    assert one(out, cmd.Bridge).call_uuid == first


def test_whoever_left_is_offered_to_nobody() -> None:
    made = floor_of(agents(1), lines=2.0)
    made.step(1)
    first, second = made.dialed()
    leg = made.talk(first)
    made.answer(second)
    made.hang_up(second)
    made.hang_up(first)
    none(made.park(leg), cmd.Bridge)
    assert not made.live.waiting and len(made.engine._desks.calls.router.queue) == 0


def test_a_customer_past_the_limit_does_not_keep_the_next_one_from_the_agent() -> None:
    """After a standstill the agent comes free before the first customer's limit is told to be over."""
    made = floor_of(agents(1), lines=3.0)
    made.step(1)
    first, second, third = made.dialed()
    leg = made.talk(first)
    made.answer(second)
    made.step(1.0)
    made.answer(third)
    made.hang_up(first)
    made.send(ev.AgentReady(1, "a1"))
    made.now += 1.3  # nothing was read for so long; the second has waited 2.3 s, the third 1.3
    out = made.send(ev.LegParked(leg, made.now))
    none(out, cmd.Bridge)  # an order to park has just been sent, for the grace was over
    assert one(made.step(0.11), cmd.Bridge).call_uuid == third


# ---- kept agents -------------------------------------------------------------------------------------------------


def previewing(*, others: int = 0) -> tuple[Floor, str, str]:
    """Agent a1 has accepted a lead whose phone rings; the others talk or are away. The call and a1's leg."""
    config = settings(campaign(mode=Mode.PREVIEW), people=agents(1 + others))
    made = Floor(config).up()
    made.step(1)
    made.send(ev.PreviewAccept(1, "a1"))
    (uuid,) = made.dialed()
    made.ring(uuid)
    return made, uuid, made.agent("a1").leg


def test_whoever_answers_goes_to_the_agent_who_previewed_them_and_to_nobody_else() -> None:
    made, uuid, leg = previewing(others=1)
    assert one(made.answer(uuid), cmd.Bridge).agent_uuid == leg
    assert "a1 was kept for this call" in made.note("agent_chosen").text


def test_the_agent_who_previewed_them_takes_them_a_moment_later_when_their_phone_comes_back_from_hold() -> None:
    """They were in the queue already, and nobody else was free."""
    made, uuid, leg = previewing()
    made.send(ph.LegHeld(leg, True, made.now))
    none(made.answer(uuid), cmd.Bridge)
    made.step(0.5)
    assert one(made.send(ph.LegHeld(leg, False, made.now)), cmd.Bridge).agent_uuid == leg
