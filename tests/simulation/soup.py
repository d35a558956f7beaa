"""Half an hour of random phones against the production engine and the modelled switch, from a seed.

Owns the scene: agents on open lines, on call and outside, supervisors, third parties, customers, faults. Who does what
is ``crowd``'s, what must hold ``soup_checks``'.
"""

from __future__ import annotations

import random

from crowd import NUMBERS, PIN, Crowd
from soup_checks import Watcher, missed_late, quiet

from dialer.domain import events as ev
from dialer.domain.acts import DialRule, PhoneSettings
from dialer.domain.outcomes import Outcome
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.domain.settings import (
    AgentSettings,
    CallWindows,
    CampaignSettings,
    EngineSettings,
    Mode,
    RecycleRule,
    SeatMode,
    SeatSettings,
    TrunkSettings,
)
from dialer.simulate import invariants
from dialer.simulate.faults import NO_FAULTS, Faults
from dialer.simulate.shift import EPOCH_S, Shift
from dialer.store.memory import MemoryStore
from freeswitch.standin.switch import Timing
from freeswitch.standin.world import BUSY, NO_REPLY, CallPlan, WorldSpec

ALWAYS = CallWindows(days=(((0, 1440),),) * 7, default_zone="UTC")
LIMIT_S = 2.0
QUIET_S = 240.0
AGAIN_S = 150.0
TIMES_AGAIN = 4
LEADS = 80
STORY_CHARS = 16_000


def settings_of(rng: random.Random) -> EngineSettings:
    wrap_up = rng.choice((0.0, 3.0, 12.0))
    recycle = {outcome: RecycleRule(rng.choice((5.0, 20.0))) for outcome in Outcome}
    common = {
        "trunk": "carrier",
        "message": "/message.wav",
        "windows": ALWAYS,
        "ring_timeout_s": 25.0,
        "min_ring_s": rng.choice((0.0, 5.0, 15.0)),
        "wait_limit_s": LIMIT_S,
        "wrap_up_s": wrap_up,
        "max_attempts": 10_000,
        "recycle": recycle,
        "dispositions": ("sale", "no_interest", "callback"),
        "recording": RecordingPolicy(RecordingMode.SHARE, 0.5, "/rec", "/rec"),
        "whisper": rng.choice(((), ("campaign",))),
    }
    mode = rng.choice((Mode.PROGRESSIVE, Mode.RATIO, Mode.PREDICTIVE))
    lines = 1.5 if mode is Mode.RATIO else 1.0
    campaigns = {
        "alpha": CampaignSettings(name="alpha", mode=mode, lists=("alpha",), lines_per_agent=lines, **common),  # type: ignore[arg-type]
        "prev": CampaignSettings(
            name="prev", mode=Mode.PREVIEW, lists=("prev",), preview_timeout_s=rng.choice((3.0, 10.0)),
            preview_on_timeout=rng.choice(("skip", "dial")), preview_rings=rng.random() < 0.7,
            **common,  # type: ignore[arg-type]
        ),
    }  # fmt: skip
    seats, people = {}, {}
    for index in range(rng.randint(2, 6)):
        name = str(1001 + index)
        on_call = rng.random() < 0.2
        mode_of = SeatMode.ON_CALL if on_call else SeatMode.NAILED_UP
        seats[name] = SeatSettings(name, f"user/{name}", mode_of, ring_timeout_s=10.0, media_timeout_s=10.0)
        served = ("prev",) if on_call else rng.choice((("alpha",), ("alpha",), ("alpha", "prev"), ("prev",)))
        serves = frozenset(served)
        people[name] = AgentSettings(name, f"Agent {name}", name, serves, rng.random() < 0.6, team="red")
    for index in range(rng.choice((0, 1, 2))):
        name = str(1901 + index)
        seats[name] = SeatSettings(name, f"user/{name}", SeatMode.NAILED_UP, ring_timeout_s=10.0, media_timeout_s=10.0)
        people[name] = AgentSettings(
            name, f"Boss {name}", name, frozenset({"alpha"}), rng.random() < 0.3, role="supervisor",
            team=rng.choice(("", "red")),
        )  # fmt: skip
    seats["700"] = SeatSettings("700", "user/700", SeatMode.NAILED_UP, media_timeout_s=10.0)
    rule = DialRule(allow=("49",))
    return EngineSettings(
        epoch="soup",
        nodes={"fs1": 500},
        trunks={"carrier": TrunkSettings("carrier", "carrier", 40, 20.0, "+12125550100")},
        seats=seats,
        agents=people,
        campaigns=campaigns,
        resync_interval_s=30.0,
        phones=PhoneSettings(
            pause_reasons={"1": "lunch", "2": "coaching"},
            wait_sound=rng.choice(("", "/music.wav")),
            hold_sound=rng.choice(("/hold.wav", "/hold.wav", "")),
            dial_rules={"agent": rule, "supervisor": rule},
            digit_gap_s=rng.choice((1.5, 3.0)),
            entry_limit_s=rng.choice((6.0, 20.0)),
        ),
    )


def world_of(rng: random.Random) -> WorldSpec:
    answers = CallPlan(final_s=3.0, patience_s=40.0, talk_s=30.0, hangup_s=60.0)
    plans = (answers, CallPlan(final_s=12.0, hangup_s=25.0), CallPlan(BUSY, 1.5), CallPlan(NO_REPLY, 0.0),
             CallPlan(final_s=0.5, hangup_s=1.5))  # fmt: skip
    return WorldSpec(
        answer_probability=rng.choice((0.5, 0.9)),
        talk_mean_s=rng.choice((8.0, 40.0)),
        talk_sd_s=20.0,
        talk_max_s=120.0,
        ring_mean_s=rng.choice((2.0, 6.0)),
        gateways=("carrier",),
        phone_no_answer_probability=rng.choice((0.0, 0.1)),
        phone_call_waiting=rng.random() < 0.5,
        default_file_s=1.0,
        file_durations_s={"/message.wav": 4.0, "/music.wav": 7.0, "/hold.wav": 5.0, "dialer-not-available.wav": 2.0},
        scripted=dict(zip(NUMBERS, plans, strict=True)),
    )


def faults_of(rng: random.Random) -> Faults:
    def maybe(*values: float) -> float:
        return rng.choice((0.0, 0.0, *values))

    if rng.random() < 0.3:
        return NO_FAULTS
    return Faults(
        lose_event=maybe(0.01, 0.05),
        double_event=maybe(0.05),
        late_event=maybe(0.05, 0.3),
        late_s=rng.choice((0.1, 1.5)),
        refuse_command=maybe(0.02),
        lose_reply=maybe(0.02),
        disconnects_per_hour=maybe(20.0, 60.0),
        switch_restarts_per_hour=maybe(10.0),
        dialer_crashes_per_hour=maybe(10.0),
        store_failures_per_hour=maybe(20.0),
        gaps_per_hour=maybe(60.0),
        outage_s=rng.choice((2.0, 15.0)),
    )


def build(seed: int, length_s: float) -> Shift:
    rng = random.Random(f"soup {seed}")
    settings = settings_of(rng)
    store = MemoryStore(settings.campaigns)
    for place, name in enumerate(settings.campaigns):
        for lead in range(LEADS):
            store.add_lead(name, [f"+1212555{place}{lead:03d}"], zones=("America/New_York",), name="Ann Lee")
    for name in settings.agents:
        store.desk.set_pin(name, name + PIN)
    faults = faults_of(rng)
    watcher = Watcher(exact=faults is NO_FAULTS)
    timing = Timing(job=(0.0005, rng.choice((0.0005, 0.02)))) if rng.random() < 0.5 else None
    shift = Shift(seed, settings, world_of(rng), store, faults=faults, timing=timing, after_step=watcher)
    bosses = frozenset(name for name, person in settings.agents.items() if person.role == "supervisor")
    shift.crowd = Crowd(shift, random.Random(f"crowd {seed}"), EPOCH_S + length_s, rng.choice((2.0, 5.0, 12.0)), bosses)  # type: ignore[attr-defined]
    return shift


def everybody_hangs_up(shift: Shift, rng: random.Random) -> None:
    """All who are busy with something; of the others, some. Who has put a line on hold, to dial, takes it back."""
    live = shift.engine._live
    for name in live.campaigns:
        shift.feed(ev.CampaignOrder(1, name, "stop"))
    for uuid, leg in list(shift.switch.legs.items()):
        shift.switch.phone_holds(uuid, shift.model_now, on=False)
        agent = live.legs.get(uuid)
        idle = agent is not None and not (agent.call or agent.own or agent.lent or uuid in live.watches)
        if leg.plan is None and leg.alive and leg.moment_answered is not None and not (idle and rng.random() < 0.7):
            shift.switch.phone_hangs_up(uuid, shift.model_now)
    for name, agent in live.agents.items():
        if not agent.nailed_up:
            shift.feed(ev.AgentPause(1, name, "evening"))


def open_again(shift: Shift) -> None:
    """After the quiet, everything works as on a fresh morning."""
    for name in shift.settings.campaigns:
        shift.feed(ev.CampaignOrder(1, name, "start"))
    for name in shift.settings.agents:
        shift.feed(ev.AgentLogin(1, name))
        shift.feed(ev.AgentReady(1, name))


def on_hold(shift: Shift, name: str) -> bool:
    """The phone lost its power while, or after, it was on hold by its own button: missed after ten minutes only."""
    agent = shift.engine._live.agents[name]
    leg = shift.switch.legs.get(agent.leg or "")
    return leg is not None and missed_late(leg) and (agent.held or not leg.phone_holds)


def served_again(shift: Shift, before: dict[str, int]) -> None:
    live = shift.engine._live
    served = {name: agent.calls - before[name] for name, agent in live.agents.items()}
    for name, agent in live.agents.items():
        if agent.nailed_up and "alpha" in agent.settings.campaigns and agent.state.value in ("ready", "reserved"):
            dark = on_hold(shift, name)
            busy = agent.call is not None or agent.line_since > shift.now - 20
            assert agent.free or busy or dark, f"{name}: {agent.line}, on hold: {agent.held}"
    alpha = [name for name, agent in live.agents.items() if "alpha" in agent.settings.campaigns and agent.nailed_up]
    # Nobody presses keys any more: who has missed some previews is paused, as is right.
    missed = {name for name in alpha if live.agents[name].reason == "preview timeout"}
    reached = [name for name in alpha if live.agents[name].leg is not None and not on_hold(shift, name)]
    reached = [name for name in reached if name not in missed]
    assert not reached or any(served[name] for name in alpha), f"nobody serves anybody afterwards: {served}"


def play(seed: int, length_s: float) -> Shift:
    shift = build(seed, length_s)
    try:
        shift.run_until(EPOCH_S + length_s)
        shift.calm()
        rng = random.Random(f"evening {seed}")
        for after_s in (20.0, 60.0, 100.0, 130.0):  # what was lost in the last moments has been found by then
            shift.at(shift.now + after_s, lambda: everybody_hangs_up(shift, rng))
        shift.run_until(EPOCH_S + length_s + QUIET_S)
        quiet(shift)
        before = {name: agent.calls for name, agent in shift.engine._live.agents.items()}
        open_again(shift)
        for _ in range(TIMES_AGAIN):  # a single agent who is left dials one call at a time, and some ring in vain
            shift.run_until(shift.now + AGAIN_S)
            if any(agent.calls > before[name] for name, agent in shift.engine._live.agents.items()):
                break
        served_again(shift, before)
        shift.order(ev.Shutdown(0.0))
        shift.run_until(shift.now + 200.0, stop_when_drained=True)
        assert shift.drained, "the drain never ended"
        shift.run_until(shift.now + 30.0)
        invariants.at_end(shift)
        if shift.commands_always_obeyed:
            invariants.never_silent(shift, LIMIT_S)
        invariants.ledger(shift)
    except Exception as error:
        story = "\n".join(shift.story)
        what = f"seed {seed} of {length_s:g} s at {shift.now - EPOCH_S:.3f}: {type(error).__name__}: {error}"
        raise AssertionError(f"{what}\n{story[-STORY_CHARS:]}\n{what}") from error
    return shift
