"""People who call by themselves: how many, from where, and not while no dialer is there."""

from __future__ import annotations

import random

import pytest

from freeswitch.standin.callers import Callers
from freeswitch.standin.switch import Switch
from freeswitch.standin.world import World, WorldError, WorldSpec

OURS = ("+4930555", "+4930556")


def scene(**more: object) -> tuple[Switch, Callers]:
    spec = WorldSpec(callers_per_hour=600.0, called=OURS, **more)  # type: ignore[arg-type]
    switch = Switch(World(spec, random.Random(1)), random.Random(2), emit={"CHANNEL_CREATE"}, heartbeat_s=None)
    return switch, Callers(switch)


def arrivals(switch: Switch) -> list[dict[str, str]]:
    return [dict(event.headers) for event in switch.take_events() if event.name == "CHANNEL_CREATE"]


def test_so_many_call_our_numbers_an_hour_from_some_thousand() -> None:
    switch, callers = scene()
    callers.let_in(True)
    callers.let_in(True)
    switch.advance(3600.0)
    came = arrivals(switch)
    assert 520 < len(came) < 680
    assert {each["Caller-Destination-Number"] for each in came} == set(OURS)
    numbers = [each["Caller-Caller-ID-Number"] for each in came]
    assert all(number.startswith("+493023125") and len(number) == 13 for number in numbers)
    assert len(set(numbers)) < len(numbers), "some call again"


def test_nobody_calls_while_no_dialer_is_there() -> None:
    switch, callers = scene()
    callers.let_in(True)
    switch.advance(600.0)
    assert arrivals(switch)
    callers.let_in(False)
    switch.advance(7200.0)
    assert not arrivals(switch)
    callers.let_in(True)
    switch.advance(7800.0)
    assert arrivals(switch)


def test_a_caller_waits_talks_and_presses_keys() -> None:
    presses = (("2", 0.5),)
    spec = WorldSpec(called=OURS, caller_patience_mean_s=60.0, talk_mean_s=30.0, caller_press_probabilities=presses)
    world = World(spec, random.Random(3))
    plans = [world.plan_caller()[2] for _ in range(400)]
    pressed = [plan for plan in plans if plan.keys]
    assert 150 < len(pressed) < 250 and {plan.keys for plan in pressed} == {"2"}
    assert 50 < sum(plan.patience_s or 0.0 for plan in plans) / len(plans) < 75
    assert all(plan.talk_s for plan in plans)


@pytest.mark.parametrize(
    "wrong", [{"callers_per_hour": -1.0}, {"caller_press_probabilities": (("1", 0.8), ("2", 0.4))}]
)
def test_what_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(WorldError):
        WorldSpec(**wrong)  # type: ignore[arg-type]
