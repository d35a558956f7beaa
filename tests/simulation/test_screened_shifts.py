"""Seeded shifts in which callees are listened to: machines, dead numbers, listeners who fall silent, all faults.

``DIALER_SEEDS=17`` runs one seed, as in ``test_shifts``.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest
from test_shifts import AFTER_S, LIMIT_S, SHIFT_S, faults_of, settings_of, world_of

from dialer.domain import events as ev
from dialer.domain.hearing import Clock, MachinePolicy, ScreeningSettings
from dialer.domain.settings import Mode
from dialer.simulate import invariants
from dialer.simulate.shift import EPOCH_S, Shift
from dialer.store.memory import MemoryStore
from freeswitch.standin.voices import MACHINES, PERSONS, seconds_of

LONGEST_GREETING_S = max(seconds_of(voice) for voice in PERSONS)
VERDICT_S = 0.5


def seeds() -> list[int]:
    if os.environ.get("DIALER_SEEDS"):
        return [int(seed) for seed in os.environ["DIALER_SEEDS"].split(",")]
    return list(range(int(os.environ.get("DIALER_SEED_COUNT", "60"))))


def play(seed: int) -> tuple[Shift, Counter[str]]:
    rng = random.Random(f"screened {seed}")
    wanted = settings_of(rng)
    screening = ScreeningSettings(
        rng.choice(list(MachinePolicy)), rng.choice(list(Clock)), LIMIT_S, message="/voicemail.wav",
        dead_numbers=rng.random() < 0.5,
    )  # fmt: skip
    campaigns = {
        name: campaign if campaign.mode is Mode.PREVIEW else replace(campaign, screening=screening)
        for name, campaign in wanted.campaigns.items()
    }
    heard = frozenset(wanted.nodes) if rng.random() < 0.9 else frozenset()
    wanted = replace(wanted, campaigns=campaigns, hearing=heard)
    store = MemoryStore(campaigns)
    for count in range(rng.randint(20, 80)):
        store.add_lead(rng.choice(list(campaigns)), [f"+1212555{count:04d}"], zones=("America/New_York",))
    world = replace(world_of(rng), machine_probability=0.4, announced_probability=0.7, invalid_probability=0.1)
    machines: set[str] = set()

    def after_step(shift: Shift) -> None:
        invariants.each_step(shift)
        for uuid, leg in shift.switch.legs.items():
            if leg.plan is not None and leg.plan.says in MACHINES:
                machines.add(uuid)

    shift = Shift(seed, wanted, world, store, faults=faults_of(rng), after_step=after_step)
    try:
        shift.run_until(EPOCH_S + SHIFT_S)
        shift.calm()
        shift.run_until(EPOCH_S + SHIFT_S + 75.0)
        invariants.healed(shift)
        shift.order(ev.Shutdown(20.0))
        shift.run_until(EPOCH_S + SHIFT_S + 75.0 + AFTER_S, stop_when_drained=True)
        assert shift.drained, "the drain never ended"
        shift.run_until(shift.now + 30.0)
        invariants.at_end(shift)
        if shift.commands_always_obeyed:
            invariants.never_silent(shift, LIMIT_S + LONGEST_GREETING_S + VERDICT_S, machines)
        invariants.ledger(shift)
    except Exception as error:
        story = "\n".join(shift.story)
        what = f"seed {seed}: {type(error).__name__}: {error}"
        raise AssertionError(f"{what}\n{story[-12000:]}\n{what}") from error
    return shift, Counter(closed.outcome.value for closed in store.snapshot().closed_attempts)


@pytest.mark.parametrize("first", range(5))
def test_screened_shifts_with_faults_end_clean(first: int) -> None:
    total: Counter[str] = Counter()
    for seed in seeds()[first::5]:
        total += play(seed)[1]
    if len(seeds()) >= 60:
        assert total["machine"] and total["connected"]
