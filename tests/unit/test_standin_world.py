"""The modelled world: shares, groups, scripts, and the same world again for the same seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from freeswitch.standin.world import CallPlan, PhonePlan, World, WorldError, WorldSpec, lognormal_parameters

NUMBERS = [f"1212555{number:04d}" for number in range(4000)]


def plans(spec: WorldSpec, seed: int = 5) -> list[CallPlan]:
    world = World(spec, random.Random(seed))
    return [world.plan_call("g", number, 0.0) for number in NUMBERS]


def test_outcomes_come_in_the_shares_that_were_asked_for() -> None:
    counts = Counter(
        plan.sip_status for plan in plans(WorldSpec(answer_probability=0.4, busy_probability=0.2))
    )
    assert counts[200] / len(NUMBERS) == pytest.approx(0.4, abs=0.03)
    assert counts[486] / len(NUMBERS) == pytest.approx(0.2, abs=0.03)
    assert counts[404] / len(NUMBERS) == pytest.approx(0.04, abs=0.015)
    assert set(counts) == {200, 486, 603, 404, 503, 0}


def test_the_same_seed_gives_the_same_world() -> None:
    assert plans(WorldSpec(), 1) == plans(WorldSpec(), 1)
    assert plans(WorldSpec(), 1) != plans(WorldSpec(), 2)


def test_ring_times_have_the_mean_and_never_pass_the_limit() -> None:
    spec = WorldSpec(answer_probability=1.0, ring_mean_s=8.0, ring_sd_s=4.0, ring_max_s=30.0)
    rings = [plan.final_s - max(plan.ring_s or 0.0, plan.early_media_s or 0.0) for plan in plans(spec)]
    assert sum(rings) / len(rings) == pytest.approx(8.0, abs=0.4)
    assert max(rings) <= 30.001


def test_lognormal_parameters_give_the_mean_and_deviation() -> None:
    rng = random.Random(3)
    drawn = [rng.lognormvariate(*lognormal_parameters(10.0, 5.0)) for _ in range(40_000)]
    mean = sum(drawn) / len(drawn)
    assert mean == pytest.approx(10.0, rel=0.02)
    assert (sum((value - mean) ** 2 for value in drawn) / len(drawn)) ** 0.5 == pytest.approx(5.0, rel=0.06)


def test_a_number_keeps_its_group() -> None:
    spec = WorldSpec(answer_probability=0.5, answer_groups=((0.5, 0.0), (0.5, 2.0)))
    world = World(spec, random.Random(1))
    chances = Counter(world.answer_probability(number) for number in NUMBERS)
    assert set(chances) == {0.0, 1.0}
    assert chances[1.0] / len(NUMBERS) == pytest.approx(0.5, abs=0.04)
    assert all(
        world.answer_probability(number) == world.answer_probability(number) for number in NUMBERS[:50]
    )
    other = World(
        WorldSpec(answer_probability=0.5, answer_groups=spec.answer_groups, number_salt=1), random.Random(1)
    )
    assert any(
        other.answer_probability(number) != world.answer_probability(number) for number in NUMBERS[:50]
    )


def test_talk_times_come_from_the_list_and_are_scaled() -> None:
    world = World(WorldSpec(talk_times_s=(100.0, 200.0), talk_scale=0.1), random.Random(1))
    assert {world.talk_time_s("1") for _ in range(50)} == {10.0, 20.0}


def test_scripts_force_numbers_and_phones() -> None:
    script = CallPlan(sip_status=486, final_s=1.0)
    phone = PhonePlan(sip_status=0)
    spec = WorldSpec(scripted={"1": script}, scripted_phones={"1000": phone}, phones_unregistered=("1001",))
    world = World(spec, random.Random(1))
    assert world.plan_call("g", "1", 0.0) is script
    assert world.plan_phone("1000@host", 0.0) is phone
    assert world.plan_phone("sip:1000@127.0.0.1:6000", 0.0) is phone
    assert not world.plan_phone("1001", 0.0).registered


def test_phones_drop_at_the_rate_asked_for() -> None:
    world = World(WorldSpec(phone_drops_per_hour=2.0), random.Random(1))
    drops = [world.plan_phone("1000", 0.0).drop_s or 0.0 for _ in range(4000)]
    assert sum(drops) / len(drops) == pytest.approx(1800.0, rel=0.08)


def test_a_gateway_that_is_down_is_unreachable() -> None:
    world = World(WorldSpec(gateways=("a", "b"), gateways_down=("b",)), random.Random(1))
    assert world.gateway_exists("b") and not world.gateway_exists("c")
    assert world.plan_call("b", "1", 0.0).unreachable


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer_probability": 1.5},
        {"ring_mean_s": -1.0},
        {"answer_groups": ()},
        {"answer_groups": ((0.0, 1.0),)},
        {"talk_times_s": (-1.0,)},
        {"talk_scale": -1.0},
    ],
)
def test_an_impossible_world_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(WorldError, match=next(iter(wrong))):
        WorldSpec(**wrong)  # type: ignore[arg-type]


def test_some_people_press_keys_and_stay_to_hear_what_comes_of_it() -> None:
    made = plans(WorldSpec(answer_probability=1.0, press_probabilities=(("1", 0.1), ("9", 0.05))))
    counts = Counter(plan.keys for plan in made)
    assert counts["1"] / len(NUMBERS) == pytest.approx(0.1, abs=0.02)
    assert counts["9"] / len(NUMBERS) == pytest.approx(0.05, abs=0.015)
    assert all((plan.patience_s or 0.0) >= plan.keys_s for plan in made if plan.keys)
    with pytest.raises(WorldError, match="sum to 1"):
        WorldSpec(press_probabilities=(("1", 0.6), ("2", 0.6)))


def test_keys_change_nothing_else_of_a_world() -> None:
    """Worlds without them draw as they always did: a recorded seed stays what it was."""
    assert all(not plan.keys for plan in plans(WorldSpec()))
