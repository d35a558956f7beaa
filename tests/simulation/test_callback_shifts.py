"""Seeded shifts with callbacks and faults: each is dialed at its time at the soonest, for one agent, and ends once.

``DIALER_SEEDS=17 pytest tests/simulation/test_callback_shifts.py`` runs one seed and prints its story.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest
from test_shifts import AFTER_S, ALWAYS, LIMIT_S, faults_of, several_lines, world_of

from dialer.domain import events as ev
from dialer.domain.call import RINGING_STATES
from dialer.domain.callbacks import Away, CallbackSettings, CallbackState
from dialer.domain.commands import ClaimLeads, CloseAttempt, OpenAttempt
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import (
    AgentSettings,
    CampaignSettings,
    EngineSettings,
    Mode,
    RecycleRule,
    SeatMode,
    SeatSettings,
    TrunkSettings,
)
from dialer.simulate import invariants
from dialer.simulate.faults import NO_FAULTS
from dialer.simulate.shift import EPOCH_S, Shift
from dialer.store.memory import MemoryStore

SHIFT_S = 420.0
WISHES = 10


def seeds() -> list[int]:
    if os.environ.get("DIALER_SEEDS"):
        return [int(seed) for seed in os.environ["DIALER_SEEDS"].split(",")]
    return list(range(int(os.environ.get("DIALER_SEED_COUNT", "300")) // 10))


def settings_of(rng: random.Random) -> EngineSettings:
    mode = rng.choice((Mode.PROGRESSIVE, Mode.RATIO, Mode.PREVIEW, Mode.PREDICTIVE))
    rules = CallbackSettings(
        own_s=rng.choice((20.0, 60.0)),
        team_s=20.0,
        away=rng.choice((Away.ANYONE, Away.ANYONE, Away.LATER, Away.WAIT)),
        later_s=60.0,
        share=rng.choice((0.25, 0.5, 1.0)),
        ahead_s=rng.choice((0.0, 10.0, 30.0)),
        tries=2,
        retry_s=60.0,
    )
    campaign = CampaignSettings(
        name="alpha",
        mode=mode,
        lists=("alpha",),
        trunk="carrier",
        message="/message.wav",
        windows=ALWAYS,
        lines_per_agent=2.0 if mode is Mode.RATIO else 1.0,
        ring_timeout_s=16.0,
        wait_limit_s=LIMIT_S,
        wrap_up_s=rng.choice((0.0, 5.0)),
        preview_timeout_s=4.0,
        preview_on_timeout="dial",
        max_attempts=2,
        hopper_size=10,
        callbacks=rules,
        recycle={outcome: RecycleRule(20.0) for outcome in (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.INTERRUPTED)},
    )
    seats, people = {}, {}
    for index in range(rng.randint(2, 6)):
        ident = str(1001 + index)
        on_call = mode is Mode.PREVIEW and rng.random() < 0.5
        seats[ident] = SeatSettings(
            ident, f"user/{ident}", SeatMode.ON_CALL if on_call else SeatMode.NAILED_UP, ring_timeout_s=10.0
        )
        team = rng.choice(("red", "blue"))
        people[ident] = AgentSettings(ident, ident, ident, frozenset({"alpha"}), login_at_start=True, team=team)
    trunk = TrunkSettings("carrier", "carrier", 30, 20.0, "+12125550100")
    return EngineSettings("sim", {"fs1": 500}, {"carrier": trunk}, seats, people, {"alpha": campaign})


def wish(store: MemoryStore, rng: random.Random, agents: list[str]) -> None:
    """Somebody was spoken with yesterday and wants to be called again."""
    at = EPOCH_S - 86_400.0
    (claimed,) = store.execute([ClaimLeads("alpha", 1, 60.0)], at)
    (lead,) = claimed.leads  # type: ignore[union-attr]
    made = f"before-{lead.lead_id}"
    opened = OpenAttempt(
        made, "alpha", lead.lead_id, lead.number_id, lead.number, lead.person, "fs1", "carrier", None, at
    )
    store.execute([opened], at)
    store.execute(
        [
            CloseAttempt(made, lead.lead_id, lead.number_id, Outcome.CONNECTED, "", at + 9.0, lead_done=True),
            RequestCallback(
                made, "", EPOCH_S + rng.uniform(5.0, 200.0), at + 10.0, rng.choice(["", *agents, "who has left"])
            ),
        ],
        at,
    )


def build(seed: int) -> Shift:
    rng = random.Random(f"callbacks {seed}")
    settings = settings_of(rng)
    lines = random.Random(f"lines of callbacks {seed}")
    settings, world = several_lines(settings, world_of(lines), lines)
    store = MemoryStore(settings.campaigns)
    agents = list(settings.agents)
    for count in range(WISHES):
        store.add_lead("alpha", [f"+1212555{count:04d}"], zones=("America/New_York",))
    for _ in range(WISHES):
        wish(store, rng, agents)
    for count in range(rng.randint(0, 40)):
        store.add_lead("alpha", [f"+1646555{count:04d}"], zones=("America/New_York",))
    faults = NO_FAULTS if rng.random() < 0.25 else faults_of(rng)
    shift = Shift(seed, settings, world, store, faults=faults, after_step=step)
    for _ in range(rng.randint(0, 6)):
        agent, at = rng.choice(agents), EPOCH_S + rng.uniform(1, 200)
        pause, back = ev.AgentPause(1, agent, "break"), ev.AgentReady(2, agent)
        shift.later(at, rng.choice((pause, ev.AgentLogout(3, agent))))
        shift.later(at + 60, back)
    if rng.random() < 0.5:
        # A customer who wished a call says meanwhile that they want none.
        row = store.callbacks.rows[rng.randint(1, WISHES)]
        shift.at(EPOCH_S + rng.uniform(1, 200), lambda: block(store, row.attempt_id, shift.now))
    return shift


def block(store: MemoryStore, attempt_id: str, now: float) -> None:
    store.execute([AddDoNotCall(attempt_id, "1001", now)], now)


def step(shift: Shift) -> None:
    """What must hold at every step."""
    invariants.each_step(shift)
    rows = shift.store.callbacks.rows.values()
    dialing = {row.ident: row.last_attempt for row in rows if row.state is CallbackState.DIALING}
    opened = {each.callback: each.attempt_id for each in shift.store.snapshot().open_attempts if each.callback}
    assert dialing == opened, f"callbacks dialing {dialing}, attempts open {opened}"
    if not shift.alive:
        return
    live = shift.engine._live
    for call in live.calls.values():
        if call.lead.callback and call.bound_agent is not None and call.state in RINGING_STATES:
            agent = live.agents[call.bound_agent]
            assert agent.call is call, f"callback {call.lead.callback}: agent {call.bound_agent} waits for another"


def check(shift: Shift) -> None:
    """What must be true at the end."""
    store = shift.store
    closed = {each.attempt_id: each for each in store.snapshot().closed_attempts}
    made = [each for each in store._attempts.values() if each.opened.callback]
    spoken = Counter(
        each.opened.callback for each in made if closed[each.opened.attempt_id].outcome is Outcome.CONNECTED
    )
    assert all(count == 1 for count in spoken.values()), f"spoken with twice: {spoken}"
    for each in made:
        row = store.callbacks.rows[each.opened.callback]
        assert each.opened.opened_at >= EPOCH_S and each.opened.agent is not None
        assert each.opened.opened_at >= row.wanted_at - 1.0, f"callback {row.ident} was dialed before its time"
    for row in store.callbacks.rows.values():
        assert row.state is not CallbackState.DIALING and row.tries <= 2, row
        if row.ident in spoken:
            assert row.state is CallbackState.DONE, row
        if row.state is CallbackState.DONE:
            assert row.ident in spoken or "meanwhile" in row.reason, row
    # A phone that is lost while the customer's rings leaves nobody, and the minimum ring forbids to hang up at once.
    phones_held = not shift.engine._live.counters["agent_lines_lost"]
    if shift.faults == NO_FAULTS and phones_held:
        outcomes = Counter(closed[each.opened.attempt_id].outcome for each in made)
        assert not outcomes[Outcome.ABANDONED], outcomes


def play(seed: int) -> Shift:
    shift = build(seed)
    faults = shift.faults
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
        invariants.ledger(shift)
        shift.faults = faults
        check(shift)
    except Exception as error:
        story = "\n".join(shift.story)
        what = f"seed {seed}: {type(error).__name__}: {error}"
        raise AssertionError(f"{what}\n{story[-12000:]}\n{what}") from error
    return shift


@pytest.mark.parametrize("first", range(5))
def test_callbacks_end_once_whatever_happens(first: int) -> None:
    for seed in seeds()[first::5]:
        play(seed)


def test_on_a_quiet_floor_every_callback_is_dialed_on_time() -> None:
    """No faults, agents at their desks, no share to wait for: each first call is opened when it is wanted."""
    rng = random.Random("quiet")
    settings = settings_of(rng)
    rules = CallbackSettings(share=1.0, ahead_s=30.0)
    campaign = replace(settings.campaigns["alpha"], mode=Mode.PROGRESSIVE, callbacks=rules)
    store = MemoryStore({"alpha": campaign})
    for count in range(WISHES):
        store.add_lead("alpha", [f"+1212555{count:04d}"])
        wish(store, rng, [])
    people = {name: replace(each, team="") for name, each in settings.agents.items()}
    seats = {name: replace(each, mode=SeatMode.NAILED_UP) for name, each in settings.seats.items()}
    settings = replace(settings, campaigns={"alpha": campaign}, agents=people, seats=seats)
    world = replace(world_of(rng), phone_no_answer_probability=0.0, phone_drops_per_hour=0.0, talk_mean_s=3.0,
                    talk_max_s=5.0, answer_probability=0.9)  # fmt: skip
    shift = Shift("quiet", settings, world, store, after_step=step)
    shift.run_until(EPOCH_S + 260.0)
    first: dict[int, float] = {}
    for each in store._attempts.values():
        if each.opened.callback:
            first.setdefault(each.opened.callback, each.opened.opened_at)
    rows = store.callbacks.rows
    assert len(first) == WISHES
    late = {ident: at - rows[ident].wanted_at for ident, at in first.items()}
    assert all(-1.0 <= seconds < 25.0 for seconds in late.values()), late
