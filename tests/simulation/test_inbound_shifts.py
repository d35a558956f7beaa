"""Seeded shifts with callers: engine, store and modelled switch with its real dialplan, and faults of every kind.

Whatever happens to the dialer, each caller is accounted for: served, called back, a message, told, lost, or at the
fallback, exactly once; and no leg stays on the switch. A failing seed reproduces exactly, as in ``test_shifts``.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest
from test_shifts import ALWAYS, faults_of, settings_of, world_of

from config.schema import Config
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain.settings import CampaignSettings, EngineSettings, Mode
from dialer.settings import modelled_dialplan
from dialer.simulate import invariants
from dialer.simulate.shift import EPOCH_S, Shift
from dialer.store.memory import MemoryStore
from freeswitch.standin.world import CallPlan, WorldSpec
from routing.intake import Rules
from routing.vip import VipRule

DID, CLOSED_DID = "+4930555", "+4930666"
SHIFT_S, AFTER_S = 200.0, 260.0
VIPS = frozenset({"+491700000001", "+491700000002"})


def seeds() -> list[int]:
    if os.environ.get("DIALER_SEEDS"):
        return [int(seed) for seed in os.environ["DIALER_SEEDS"].split(",")]
    return list(range(int(os.environ.get("DIALER_SEED_COUNT", "60"))))


def said(sound: str, seconds: float) -> inb.Words:
    return {"en": inb.Spoken(f"/{sound}.wav", seconds)}


def dialplan() -> str:
    config = Config.model_validate(
        {"switch": "embedded", "inbound": {
            "numbers": [{"number": DID, "queue": "sales"}, {"number": CLOSED_DID, "queue": "sales"}],
            "queues": [{"name": "sales"}, {"name": "support"}]}}
    )  # fmt: skip
    return modelled_dialplan(config)


def with_callers(rng: random.Random, settings: EngineSettings) -> EngineSettings:
    """Two queues that everybody serves beside what they dial, a menu before one number."""
    offer = inb.CallbackOffer("1", said("offer", 2.0), said("noted", 1.0), 5.0)
    over = (
        inb.Overflow(inb.Way(inb.Kind.QUEUE, "support"), waiting=rng.choice((1, 3))),
        inb.Overflow(inb.Way(inb.Kind.VOICEMAIL, words=said("leave", 1.0)), after_s=rng.choice((15.0, 40.0))),
    )
    queues = {
        "sales": inb.QueueSettings(
            music="/music.wav", announce_every_s=10.0, callback=rng.choice((None, offer)),
            overflow=rng.choice(((), over)), max_wait_s=60.0,
        ),
        "support": inb.QueueSettings(music="/music.wav", announce_every_s=15.0, max_wait_s=90.0),
    }  # fmt: skip
    campaigns = {
        name: CampaignSettings(
            name, Mode.INBOUND, (), "", "", ALWAYS, min_ring_s=0.0, wait_limit_s=queue.max_wait_s,
            wrap_up_s=rng.choice((0.0, 3.0)), queue=queue,
        )
        for name, queue in queues.items()
    }  # fmt: skip
    menu = inb.Menu(
        "main", said("menu", 3.0), {"1": inb.Way(inb.Kind.QUEUE, "support")}, inb.Way(inb.Kind.QUEUE, "sales"), 2.0
    )
    greeting = rng.choice(({}, said("hello", 2.0)))
    numbers = {
        DID: inb.NumberSettings(DID, inb.Way(inb.Kind.QUEUE, "sales"), "sales", greeting=greeting, language="en"),
        CLOSED_DID: inb.NumberSettings(CLOSED_DID, inb.Way(inb.Kind.MENU, "main"), "sales", language="en"),
    }
    agents = {
        name: replace(agent, campaigns=agent.campaigns | campaigns.keys()) for name, agent in settings.agents.items()
    }
    took = inb.InboundSettings(numbers, {"main": menu}, blacklist=("+4917099*",), voicemail="/var/vm")
    return replace(settings, campaigns={**settings.campaigns, **campaigns}, agents=agents, inbound=took)


def callers(rng: random.Random, shift: Shift, came: list[str]) -> None:
    """People who call, with their patience; some press keys, some hide their number."""

    def call(who: str, did: str, plan: CallPlan, rings_s: float) -> None:
        leg = shift.switch.call_in(who, did, seat=False, plan=plan)
        if leg is None:
            return
        came.append(leg.uuid)

        def give_up() -> None:
            if shift.switch.find(leg.uuid) is leg and leg.moment_answered is None:
                shift.switch.far_end_hung_up(leg, "callee")

        shift.at(shift.now + rings_s, give_up)

    at = EPOCH_S + 3.0
    while at < EPOCH_S + SHIFT_S:
        at += rng.expovariate(1 / rng.choice((2.0, 8.0)))
        known = rng.choice((*sorted(VIPS), *(f"+4917000001{n:02d}" for n in range(6))))
        who = rng.choice((known, known, known, "anonymous", "+491709912345"))
        plan = CallPlan(
            patience_s=rng.uniform(1.0, 120.0), talk_s=rng.uniform(2.0, 40.0), keys=rng.choice(("", "1", "11")),
            keys_s=rng.uniform(1.0, 30.0),
        )  # fmt: skip
        did, rings_s = rng.choice((DID, DID, CLOSED_DID)), rng.uniform(0.5, 20.0)
        shift.at(at, lambda w=who, d=did, p=plan, r=rings_s: call(w, d, p, r))  # type: ignore[misc]


def shift_of(seed: int) -> tuple[Shift, list[str]]:
    rng = random.Random(f"inbound shift {seed}")
    settings = with_callers(rng, settings_of(rng))
    world: WorldSpec = replace(world_of(rng), dialplan=dialplan())
    rules = Rules(vips=(VipRule("best", VIPS),))
    store = MemoryStore(settings.campaigns, rules)
    for name in [name for name, each in settings.campaigns.items() if each.queue is None]:
        for number in range(rng.choice((0, 40))):
            store.add_lead(name, [f"+1212555{number:04d}"], person=f"{name} {number}")
    shift = Shift(seed, settings, world, store, faults=faults_of(rng), after_step=invariants.each_step)
    came: list[str] = []
    callers(rng, shift, came)
    for agent in settings.agents:
        for _ in range(rng.randint(0, 2)):
            at = EPOCH_S + rng.uniform(5.0, SHIFT_S)
            shift.later(at, ev.AgentPause(1, agent, "break"))
            shift.later(at + rng.uniform(1.0, 30.0), ev.AgentReady(1, agent))
    return shift, came


@pytest.mark.parametrize("seed", seeds())
def test_every_caller_is_accounted_for(seed: int) -> None:
    shift, came = shift_of(seed)
    try:
        shift.run_until(EPOCH_S + SHIFT_S)
        shift.calm()
        while not (shift.alive and shift.connected):
            shift.run_until(shift.now + 1.0)
        shift.order(ev.Shutdown(60.0))
        shift.run_until(EPOCH_S + SHIFT_S + AFTER_S, stop_when_drained=True)
        assert shift.drained, "the shift did not come to its end"
        shift.alive = shift.drained = False
        shift.run_until(shift.now + 90.0)  # what the switch ends by itself
        calls = shift.store.inbound.calls
        still_open = [uuid for uuid, call in calls.items() if call.closed is None]
        assert not still_open, f"open still: {still_open}"
        assert calls.keys() <= set(came), "a caller was written who never called"
        left = [leg.uuid for leg in shift.switch.legs.values() if leg.uuid in came]
        assert not left, f"callers left on the switch: {left}"
    except AssertionError:
        print("\n".join(shift.story))
        raise


def test_the_shifts_see_every_ending() -> None:
    """Otherwise the seeds would prove little."""
    endings: Counter[str] = Counter()
    for seed in range(12):
        shift, _ = shift_of(seed)
        shift.run_until(EPOCH_S + SHIFT_S)
        endings.update(call.closed.ending.value for call in shift.store.inbound.calls.values() if call.closed)
    print(endings)
    missing = {"served", "lost", "left", "refused", "callback", "voicemail"} - set(endings)
    assert not missing, endings
