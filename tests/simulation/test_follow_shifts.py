"""Seeded shifts with callers for one person, whose phones are rung: engine, store, modelled switch, faults of any kind.

Whatever happens to the dialer: nobody is joined with a phone that did not press 1, no phone is left up that has no
caller, each caller counts once, and who was not reached is to be called back. A failing seed reproduces exactly.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest
from test_inbound_shifts import AFTER_S, CLOSED_DID, DID, SHIFT_S, callers, dialplan, said, with_callers
from test_shifts import faults_of, settings_of, world_of

from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain.follow_me import FollowSettings
from dialer.domain.settings import EngineSettings
from dialer.simulate import invariants
from dialer.simulate.shift import EPOCH_S, Shift
from dialer.store.memory import MemoryStore
from freeswitch.standin.channel import Doing
from freeswitch.standin.world import BUSY, FAILED, NO_REPLY, CallPlan, WorldSpec
from routing.followme import FollowMePlan, Phone

MOBILES = {
    "491701": CallPlan(final_s=3.0, keys="1", keys_s=2.0, talk_s=20.0),
    "491702": CallPlan(final_s=4.0),  # a mailbox that never hangs up
    "491703": CallPlan(sip_status=NO_REPLY, final_s=0.0),
    "491704": CallPlan(sip_status=BUSY, final_s=1.0),
    "491705": CallPlan(sip_status=FAILED, final_s=0.5, ring_s=None),
    "491706": CallPlan(final_s=2.0, patience_s=1.0, talk_s=1.0),  # hangs up when it hears who it is
    "491707": CallPlan(final_s=5.9, keys="1", keys_s=0.1, patience_s=0.2, talk_s=5.0),  # in the last moment
    "491708": CallPlan(final_s=1.0, keys="9", keys_s=1.5, talk_s=20.0),  # declines
    "491709": CallPlan(final_s=2.0, keys="1", keys_s=7.9, talk_s=20.0),  # when it is given up
}
ACCEPTING = frozenset({"491701", "491707", "491709"})


def seeds() -> list[int]:
    if os.environ.get("DIALER_SEEDS"):
        return [int(seed) for seed in os.environ["DIALER_SEEDS"].split(",")]
    return list(range(int(os.environ.get("DIALER_SEED_COUNT", "40"))))


def plan(rng: random.Random) -> FollowSettings:
    house = [Phone("desk", "agent/1001", rng.choice((3.0, 8.0))), Phone("seat", "seat/1001", 4.0)]
    outside = [Phone(number, f"+{number}", 6.0, True, trunk="carrier") for number in MOBILES]
    phones = tuple(rng.sample(house, rng.choice((0, 1, 1))) + rng.sample(outside, rng.randint(1, 4)))
    made = FollowMePlan(phones, rng.random() < 0.6, rng.choice((None, "1001", "night")), accept_s=8.0)
    return FollowSettings(made, {}, "/ask.wav", said("leave", 1.0), said("gone", 1.0))


def with_plans(rng: random.Random, settings: EngineSettings) -> EngineSettings:
    """One number is an agent's, whose plan it is; the key of the other's menu leads to a plan."""
    took = settings.inbound
    first, second = took.numbers[DID], took.numbers[CLOSED_DID]
    menu = replace(took.menus["main"], keys={"1": inb.Way(inb.Kind.FOLLOW, "two")})
    numbers = {DID: replace(first, way=inb.Way(inb.Kind.AGENT, "1001")), CLOSED_DID: second}
    plans = {"one": plan(rng), "two": plan(rng)}
    made = replace(took, numbers=numbers, menus={"main": menu}, plans=plans, persons={"1001": "one"})
    return replace(settings, inbound=made)


def each_step(shift: Shift) -> None:
    """Nobody is joined with a phone outside that did not press 1."""
    invariants.each_step(shift)
    for leg in shift.switch.legs.values():
        if leg.doing is Doing.BRIDGED and leg.variables.get("presence_data", "").startswith("dialer/party/"):
            number = leg.identity.number.lstrip("+")
            if number in MOBILES and number not in ACCEPTING:
                raise invariants.InvariantBroken(f"{number} has a caller and did not press 1")


def shift_of(seed: int) -> Shift:
    rng = random.Random(f"follow shift {seed}")
    settings = with_plans(rng, with_callers(rng, settings_of(rng)))
    scripted = {**MOBILES, **{f"+{number}": plan for number, plan in MOBILES.items()}}
    world: WorldSpec = replace(world_of(rng), dialplan=dialplan(), scripted=scripted)
    store = MemoryStore(settings.campaigns)
    for name in [name for name, each in settings.campaigns.items() if each.queue is None]:
        for number in range(rng.choice((0, 0, 20))):
            store.add_lead(name, [f"+1212555{number:04d}"], person=f"{name} {number}")
    shift = Shift(seed, settings, world, store, faults=faults_of(rng), after_step=each_step)
    callers(rng, shift, [])
    for agent in settings.agents:
        for _ in range(rng.randint(0, 2)):
            at = EPOCH_S + rng.uniform(5.0, SHIFT_S)
            shift.later(at, ev.AgentPause(1, agent, "break"))
            shift.later(at + rng.uniform(1.0, 60.0), ev.AgentReady(1, agent))
    return shift


def phones_up(shift: Shift, *, asked: bool = False) -> list[str]:
    """Phones of plans on the switch; those only that are answered and have nobody."""
    return [
        leg.uuid
        for leg in shift.switch.legs.values()
        if leg.variables.get("presence_data", "").startswith("dialer/party/")
        and (leg.doing is Doing.RUNNING or not asked)
    ]


def tasks_are_written(shift: Shift) -> None:
    """Who was not reached by a plan is to be called back, if their number is known; nobody else is."""
    wished = shift.store.callbacks.by_attempt
    for uuid, call in shift.store.inbound.calls.items():
        if call.closed is None or "plan " not in call.closed.reason:
            continue
        if call.closed.ending is inb.Ending.SERVED:
            assert uuid not in wished, call.closed
        elif call.closed.ending in (inb.Ending.LOST, inb.Ending.VOICEMAIL, inb.Ending.TURNED_AWAY):
            known = "hides their number" not in call.closed.reason
            assert (uuid in wished) is known, call.closed


@pytest.mark.parametrize("seed", seeds())
def test_every_caller_is_accounted_for_and_no_phone_left_up(seed: int) -> None:
    shift = shift_of(seed)
    try:
        shift.run_until(EPOCH_S + SHIFT_S * (0.3 if seed % 3 == 0 else 1.0))
        if seed % 3 == 0:
            while shift.now < EPOCH_S + SHIFT_S and not phones_up(shift, asked=True):
                shift.run_until(shift.now + 0.5)
            shift.calm()
            shift.alive = False  # killed, and never started again
            shift.run_until(EPOCH_S + SHIFT_S + 160.0)
        else:
            shift.calm()
            while not (shift.alive and shift.connected):
                shift.run_until(shift.now + 1.0)
            shift.order(ev.Shutdown(60.0))
            shift.run_until(EPOCH_S + SHIFT_S + AFTER_S, stop_when_drained=True)
            assert shift.drained, "the shift did not come to its end"
            shift.alive = shift.drained = False
            shift.run_until(shift.now + 90.0)  # what the switch ends by itself
            still_open = [uuid for uuid, call in shift.store.inbound.calls.items() if call.closed is None]
            assert not still_open, f"open still: {still_open}"
        assert not phones_up(shift), f"phones left up: {phones_up(shift)}"
        tasks_are_written(shift)
    except AssertionError:
        print("\n".join(shift.story))
        raise


def test_the_shifts_see_every_end_of_a_plan() -> None:
    """Otherwise the seeds would prove little."""
    seen: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for seed in range(12):
        shift = shift_of(seed)
        shift.run_until(EPOCH_S + SHIFT_S)
        for call in shift.store.inbound.calls.values():
            if call.closed and "plan " in call.closed.reason:
                seen[call.closed.ending.value] += 1
        counted.update({k: v for k, v in shift.engine._live.counters.items() if k.startswith("follow_me")})
    print(seen, counted)
    assert not {"served", "lost", "voicemail", "turned_away"} - set(seen), seen
    assert {"follow_me_accepted", "follow_me_declined", "follow_me_asked", "follow_me_tasks"} <= set(counted)
