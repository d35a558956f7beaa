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
from dialer.domain.routing import RoutingSettings
from dialer.domain.settings import CampaignSettings, EngineSettings, Mode
from dialer.settings import modelled_dialplan
from dialer.simulate import invariants
from dialer.simulate.shift import EPOCH_S, Shift
from dialer.store.memory import MemoryStore
from freeswitch.standin.world import CallPlan, WorldSpec
from routing.boxes import Numbers
from routing.facts import ANYONE, Choice, Need, Step
from routing.intake import Rules
from routing.tiers import TierPlan, TierRule
from routing.vip import VipRule

DID, CLOSED_DID = "+4930555", "+4930666"
SHIFT_S, AFTER_S = 200.0, 260.0
EARLY = frozenset({"early"})
HOSTILE = ("anonymous", "BANKINFO", "0049170", "+0", "1" * 90)
KEYS = ("", "1", "11", "2", "3", "9", "*#9", "01001#", "09999#", "0*1001", "07", "0#", "0123456789012345")
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
    steps = rng.choice((ANYONE, (Step(0.0, EARLY), Step(rng.choice((8.0, 30.0)))), (Step(0.0, EARLY),)))
    need = Need("english", 2, rng.random() < 0.7, rng.choice((((10.0, 1), (20.0, 0)), ())))
    queues = {
        "sales": inb.QueueSettings(
            music="/music.wav", announce_every_s=10.0, callback=rng.choice((None, offer)),
            overflow=rng.choice(((), over)), max_wait_s=60.0, steps=steps, choice=rng.choice((None, *Choice)),
        ),
        "support": inb.QueueSettings(
            music="/music.wav", announce_every_s=15.0, max_wait_s=90.0, needs=rng.choice(((), (need,))),
        ),
    }  # fmt: skip
    campaigns = {
        name: CampaignSettings(
            name, Mode.INBOUND, (), "", "", ALWAYS, min_ring_s=0.0, wait_limit_s=queue.max_wait_s,
            wrap_up_s=rng.choice((0.0, 3.0)), queue=queue,
        )
        for name, queue in queues.items()
    }  # fmt: skip
    keys = {
        "1": inb.Way(inb.Kind.QUEUE, "support"), "2": inb.Way(inb.Kind.QUEUE, "sales", language="zh"),
        "3": inb.Way(inb.Kind.CALLBACK, words=said("noted", 1.0)),
        "0": inb.Way(inb.Kind.EXTENSION, words=said("which", 1.0)),
    }  # fmt: skip
    menu = inb.Menu("main", said("menu", 3.0), keys, inb.Way(inb.Kind.QUEUE, "sales"), 2.0, unknown=said("what", 0.5))
    greeting = rng.choice(({}, said("hello", 2.0)))
    regions = rng.choice(((), (("+4917000001", "support"),)))
    numbers = {
        DID: inb.NumberSettings(
            DID, inb.Way(inb.Kind.QUEUE, "sales"), "sales", greeting=greeting, regions=regions, language="en"
        ),
        CLOSED_DID: inb.NumberSettings(CLOSED_DID, inb.Way(inb.Kind.MENU, "main"), "sales", language="en"),
    }
    agents = {
        name: replace(
            agent, campaigns=agent.campaigns | campaigns.keys(), groups=rng.choice((frozenset(), EARLY)),
            skills=rng.choice(((), (("english", rng.choice((1, 3))),))),
        )
        for name, agent in settings.agents.items()
    }  # fmt: skip
    extensions = {name: name for name in agents} | {"7": next(iter(agents))}
    took = inb.InboundSettings(numbers, {"main": menu}, extensions, blacklist=("+4917099*",), voicemail="/var/vm")
    kept = rng.choice(((), (next(iter(settings.seats)),)))
    dedicated = {seat: rng.choice((frozenset({"vip"}), frozenset({"red", "vip"}))) for seat in kept}
    policy = replace(settings.routing.policy, choice=rng.choice(list(Choice)))
    everything = {**settings.campaigns, **campaigns}
    routing = RoutingSettings(policy, dedicated)
    return replace(settings, campaigns=everything, agents=agents, inbound=took, routing=routing)


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
        who = rng.choice((known, known, known, *HOSTILE, "+491709912345"))
        plan = CallPlan(
            patience_s=rng.uniform(1.0, 120.0), talk_s=rng.uniform(2.0, 40.0), keys=rng.choice(KEYS),
            keys_s=rng.uniform(1.0, 30.0),
        )  # fmt: skip
        did, rings_s = rng.choice((DID, DID, CLOSED_DID)), rng.uniform(0.5, 20.0)
        shift.at(at, lambda w=who, d=did, p=plan, r=rings_s: call(w, d, p, r))  # type: ignore[misc]


def shift_of(seed: int) -> tuple[Shift, list[str]]:
    rng = random.Random(f"inbound shift {seed}")
    settings = with_callers(rng, settings_of(rng))
    world: WorldSpec = replace(world_of(rng), dialplan=dialplan())
    plan = TierPlan((TierRule("red", {"value": Numbers(low=1000.0)}), TierRule("grey", {"value": Numbers(high=10.0)})),
                    "ordinary")  # fmt: skip
    rules = Rules(vips=(VipRule("best", VIPS),), tier_plan=plan)
    store = MemoryStore(settings.campaigns, rules)
    for name in [name for name, each in settings.campaigns.items() if each.queue is None]:
        for number in range(rng.choice((0, 40))):
            store.add_lead(name, [f"+1212555{number:04d}"], person=f"{name} {number}")
    for number in range(6):  # some who call are leads, and of a tier
        value = rng.choice(("1", "500", "5000"))
        store.add_lead("callers", [f"+4917000001{number:02d}"], fields={"value": value})
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
        for uuid, call in calls.items():
            served = call.closed is not None and call.closed.ending is inb.Ending.SERVED
            assert not served or call.fact.agent, f"{uuid} was served by nobody"
        left = [leg.uuid for leg in shift.switch.legs.values() if leg.uuid in came]
        assert not left, f"callers left on the switch: {left}"
    except AssertionError:
        print("\n".join(shift.story))
        raise


def test_the_shifts_see_every_ending() -> None:
    """Otherwise the seeds would prove little."""
    endings: Counter[str] = Counter()
    for seed in range(30):
        shift, _ = shift_of(seed)
        shift.run_until(EPOCH_S + SHIFT_S)
        endings.update(call.closed.ending.value for call in shift.store.inbound.calls.values() if call.closed)
    print(endings)
    missing = {"served", "lost", "left", "refused", "callback", "voicemail"} - set(endings)
    assert not missing, endings


def test_a_shift_with_callers_reproduces_exactly() -> None:
    """The same state gives the same match: everything that was done, to the last order."""

    def told(seed: int) -> list[object]:
        shift, _ = shift_of(seed)
        shift.run_until(EPOCH_S + SHIFT_S)
        return [(call.fact, call.closed) for call in shift.store.inbound.calls.values()]

    assert told(5) == told(5)
