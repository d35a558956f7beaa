"""How likely leads are to answer: the level, its changes, what is known of leads, calls that still ring."""

from __future__ import annotations

import heapq
import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pacing_kit import DAY_S, ring

from pacing.answer import (
    ANSWERED,
    CUT,
    LEVEL_SD,
    MOST_EFFECTS,
    NOT_ANSWERED,
    AnswerModel,
    Change,
    logit,
    sigmoid,
)
from pacing.leads import UNKNOWN_LEAD, LeadFacts
from pacing.ring import RingShape

START = 1_790_000_000.0
Chance = Callable[[int, LeadFacts], float]


def _shape() -> RingShape:
    rng, shape = random.Random(99), RingShape(30.0, 0.25)
    for _ in range(3000):
        age, answered = ring(rng, 0.3)
        shape.learn(age, answered=answered)
    shape.rebuild()
    return shape


SHAPE = _shape()


def settled(p: float, var: float = 0.002) -> AnswerModel:
    """A model that has believed in ``p`` for thousands of calls."""
    model = AnswerModel(p)
    state = {"level": logit(p), "level_var": var, "calls": 3000.0, "typical": 0.0, "effects": {}}
    model.restore(state, trust_var=var)
    return model


class Dialing:
    """Dials at a steady rate; what becomes of each is known when it is."""

    def __init__(self, model: AnswerModel, seed: int, chance: Chance, rate: float = 1.0, cut_at: float = 1e9) -> None:
        self.model, self.rng, self.chance, self.rate, self.cut_at = model, random.Random(seed), chance, rate, cut_at
        self.now, self.made, self.changes = START, 0, list[Change]()
        self.ends: list[tuple[float, int, float, int]] = []

    def dial(self, lead: LeadFacts = UNKNOWN_LEAD, watch: bool = True) -> None:
        self.hear()
        entry = self.model.dialed(self.now, lead, self.model.score(lead))
        age, answered = ring(self.rng, self.chance(self.made, lead))
        state = ANSWERED if answered else NOT_ANSWERED
        if age > self.cut_at:
            age, state = self.cut_at, CUT
        heapq.heappush(self.ends, (self.now + age, entry, age, state))
        self.made += 1
        if watch:
            self.watch()
        self.now += 1.0 / self.rate

    def hear(self) -> None:
        while self.ends and self.ends[0][0] <= self.now:
            _, entry, age, state = heapq.heappop(self.ends)
            seen = float(state == ANSWERED)
            if state == CUT:
                p = np.array([self.model.usual])
                seen = float(SHAPE.posterior(np.array([int(age / 0.5)]), p)[0])
            self.model.over(entry, age, state, seen)

    def watch(self) -> None:
        if (change := self.model.watch(self.now, SHAPE)) is not None:
            self.changes.append(change)

    def settle(self) -> AnswerModel:
        self.now += 200.0
        self.hear()
        self.watch()
        return self.model


def always(p: float) -> Chance:
    return lambda number, lead: p


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


# ---- the level ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.05, 0.15, 0.3, 0.6])
def test_the_level_nears_the_truth_from_a_cold_start(p: float) -> None:
    found = []
    for seed in range(6):
        dialing = Dialing(AnswerModel(0.25), seed, always(p))
        for _ in range(600):
            dialing.dial(watch=dialing.made % 4 == 0)
        found.append(dialing.settle().usual)
    assert mean(found) == pytest.approx(p, rel=0.10)
    assert all(abs(logit(f) - logit(p)) < 0.6 for f in found)


def test_it_knows_how_sure_it_is() -> None:
    model = AnswerModel(0.25)
    low, high = model.low_high()
    assert low < 0.25 < high and model.level_sd == pytest.approx(LEVEL_SD)
    hits = 0
    for seed in range(20):
        dialing = Dialing(AnswerModel(0.25), seed, always(0.3))
        for _ in range(250):
            dialing.dial(watch=dialing.made % 8 == 0)
        low, high = dialing.settle().low_high()
        hits += low <= 0.3 <= high
        assert high - low < 0.25
    assert hits >= 17


def test_a_slow_drift_is_followed() -> None:
    drifting = Dialing(settled(0.3), 3, lambda number, lead: 0.3 - 0.15 * min(1.0, number / 3000))
    for _ in range(4000):
        drifting.dial(watch=drifting.made % 8 == 0)
    assert drifting.settle().usual == pytest.approx(0.15, abs=0.035)


# ---- changes -----------------------------------------------------------------------------------------------


def dials_until_believed(before: float, after: float, seed: int, rate: float, most: int = 1200) -> int:
    """Dials after a change until more than half of it is believed (on the logarithmic scale)."""
    dialing = Dialing(settled(before), seed, lambda number, lead: before if number < 160 else after, rate)
    middle = math.sqrt(before * after)
    for _ in range(160):
        dialing.dial(watch=False)
    for number in range(most):
        dialing.dial()
        if (dialing.model.usual > middle) == (after > before):
            return number
    return most


@pytest.mark.parametrize(
    ("before", "after", "rate", "within"),
    [
        (0.15, 0.3, 1.0, 90),
        (0.15, 0.3, 3.0, 120),
        (0.3, 0.6, 1.0, 75),
        (0.3, 0.6, 3.0, 90),
        (0.3, 0.15, 1.0, 450),
    ],
)
def test_a_changed_answer_rate_is_found_within_so_many_dials_on_average(
    before: float, after: float, rate: float, within: int
) -> None:
    """At 1 dial a second some 15 calls ring, at 3 some 45: nobody can know what these will do."""
    found = [float(dials_until_believed(before, after, seed, rate)) for seed in range(30)]
    assert mean(found) < within


def test_after_a_change_the_new_level_is_right() -> None:
    for before, after in ((0.15, 0.3), (0.3, 0.6), (0.5, 0.1)):
        found = []
        for seed in range(8):
            dialing = Dialing(settled(before), seed, lambda n, lead, b=before, a=after: b if n < 160 else a)  # type: ignore[misc]
            for _ in range(900):
                dialing.dial(watch=dialing.made > 150 and dialing.made % 3 == 0)
            found.append(dialing.settle().usual)
        assert mean(found) == pytest.approx(after, rel=0.15)


@pytest.mark.parametrize(("p", "rate"), [(0.15, 1.0), (0.3, 2.0), (0.5, 5.0)])
def test_false_alarms_are_fewer_than_three_in_ten_thousand_dials(p: float, rate: float) -> None:
    dialing = Dialing(settled(p), 11, always(p), rate)
    believed = []
    for _ in range(5000):
        dialing.dial(watch=dialing.made % 2 == 0)
        believed.append(dialing.model.usual)
    assert len(dialing.changes) <= 1
    assert mean(believed) == pytest.approx(p, rel=0.12)


def test_a_change_says_what_it_found() -> None:
    dialing = Dialing(settled(0.15), 2, lambda number, lead: 0.15 if number < 160 else 0.7)
    for _ in range(300):
        dialing.dial()
    (found, *_) = dialing.changes
    assert found.after > 0.35 > found.before == pytest.approx(0.15, abs=0.08)
    assert found.z > 0 and 16 <= found.calls <= 150
    assert dialing.model.changes_found == len(dialing.changes)
    assert START + 160 <= found.at <= START + 260


def test_a_rate_that_flips_up_and_down_keeps_the_newest_changes_only() -> None:
    dialing = Dialing(settled(0.1), 4, lambda number, lead: 0.85 if number // 300 % 2 else 0.1)
    for _ in range(4800):
        dialing.dial(watch=dialing.made % 4 == 0)
    assert dialing.model.changes_found >= 12
    assert len(dialing.model.changes) == 10


# ---- calls that ring ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [4.0, 8.0, 14.0, 20.0, 27.0])
@pytest.mark.parametrize("p", [0.15, 0.5])
def test_many_calls_that_ring_do_not_bend_the_level(p: float, after_s: float) -> None:
    """A hundred calls begin at once. Early on only answers and failures are known, and neither is typical."""
    believed = []
    for seed in range(12):
        dialing = Dialing(settled(p, 0.05), seed, always(p), rate=1e6)
        for _ in range(100):
            dialing.dial(watch=False)
        dialing.now = START + after_s
        dialing.hear()
        dialing.watch()
        believed.append(dialing.model.usual)
    assert mean(believed) == pytest.approx(p, rel=0.13)


def test_calls_that_we_hung_up_do_not_bend_the_level() -> None:
    found = []
    for seed in range(10):
        dialing = Dialing(AnswerModel(0.25), seed, always(0.3), cut_at=15.0)
        for _ in range(700):
            dialing.dial(watch=dialing.made % 4 == 0)
        found.append(dialing.settle().usual)
    assert mean(found) == pytest.approx(0.3, abs=0.03)


def test_calls_that_told_nothing_change_nothing() -> None:
    model = settled(0.3)
    for number in range(300):
        model.void(model.dialed(START + number, UNKNOWN_LEAD, 0.0))
    assert model.watch(START + DAY_S, SHAPE) is None
    assert model.usual == pytest.approx(0.3, abs=0.01)
    assert model.doubt == pytest.approx(0.0, abs=0.5)


def test_entries_long_gone_and_unknown_ones_are_borne() -> None:
    model = settled(0.3)
    for number in range(400):
        model.dialed(START + number, UNKNOWN_LEAD, 0.0)
    for entry in (-1, 0, 5, 239, 240, 399):
        model.over(entry, 5.0, ANSWERED, 1.0)
        model.void(entry)
        model.over(entry, 5.0, NOT_ANSWERED, 0.0)
    model.watch(START + 500, SHAPE)
    assert 0.0 < model.usual < 1.0


def test_before_anything_was_dialed_there_is_no_doubt() -> None:
    model = AnswerModel(0.25)
    assert model.watch(START, SHAPE) is None
    assert (model.doubt, model.shift) == (0.0, 0.0)
    assert model.usual == pytest.approx(0.25)


# ---- leads -------------------------------------------------------------------------------------------------

GOOD, POOR = LeadFacts("good", attempt=0, line_type="mobile"), LeadFacts("poor", attempt=3, last_outcome="no_answer")


def test_lists_that_differ_are_told_apart() -> None:
    good, poor = [], []
    for seed in range(6):
        dialing = Dialing(AnswerModel(0.25), seed, lambda n, lead: 0.45 if lead is GOOD else 0.12)
        for number in range(1200):
            dialing.dial(GOOD if number % 2 else POOR, watch=number % 4 == 0)
        model = dialing.settle()
        good.append(model.chance(model.score(GOOD)))
        poor.append(model.chance(model.score(POOR)))
    assert mean(good) == pytest.approx(0.45, abs=0.05)
    assert mean(poor) == pytest.approx(0.12, abs=0.035)


def test_what_is_known_of_one_kind_of_lead_helps_with_its_relatives() -> None:
    dialing = Dialing(AnswerModel(0.25), 1, lambda n, lead: 0.5 if lead.last_outcome == "callback" else 0.15)
    kinds = [LeadFacts(name, last_outcome=last) for name in "abcd" for last in ("callback", "busy")]
    for number in range(2000):
        dialing.dial(kinds[number % 8], watch=number % 5 == 0)
    model = dialing.settle()
    callback, busy = (model.chance(model.score(LeadFacts("new", last_outcome=last))) for last in ("callback", "busy"))
    assert callback > 0.35 and busy < 0.25
    name, effect, error = model.effects()[0]
    assert name.startswith("last=") and abs(effect) > 2 * error > 0.0


def test_when_the_mix_of_leads_changes_no_change_of_the_level_is_found() -> None:
    dialing = Dialing(AnswerModel(0.25), 5, lambda n, lead: 0.45 if lead is GOOD else 0.12)
    for number in range(1500):
        dialing.dial(GOOD if number % 2 else POOR, watch=number % 4 == 0)
    before = dialing.model.changes_found
    for _ in range(500):
        dialing.dial(GOOD, watch=dialing.made % 4 == 0)
    assert dialing.model.changes_found == before
    assert dialing.settle().usual == pytest.approx(0.45, abs=0.08)


def test_a_chance_that_is_given_is_believed_and_not_learnt() -> None:
    model = settled(0.3)
    for given in (0.02, 0.3, 0.9):
        assert model.chance(model.score(LeadFacts(given=given))) == pytest.approx(given)
    dialing = Dialing(model, 1, lambda n, lead: lead.given or 0.0)
    for number in range(1500):
        dialing.dial(LeadFacts("l", given=(0.1, 0.6)[number % 2]), watch=number % 4 == 0)
    assert dialing.settle().usual == pytest.approx(0.3, abs=0.12)
    assert not model.effects()
    assert model.changes_found == 0


@pytest.mark.parametrize("given", [0.0, 1.0, 1e-12])
def test_certainties_are_kept_away_from_nought_and_one(given: float) -> None:
    model = settled(0.3)
    assert 0.0 < model.chance(model.score(LeadFacts(given=given))) < 1.0


def test_a_campaign_with_endless_lists_keeps_a_bounded_number_of_effects() -> None:
    dialing = Dialing(AnswerModel(0.25), 1, always(0.3))
    for number in range(3000):
        dialing.dial(LeadFacts(f"list{number}", number % 24, number % 9), watch=number % 50 == 0)
    model = dialing.settle()
    assert len(model.effects()) <= MOST_EFFECTS + 8
    assert model.usual == pytest.approx(0.3, abs=0.08)


def test_attempts_are_told_apart_only_up_to_a_few() -> None:
    assert LeadFacts(attempt=6).features() == LeadFacts(attempt=60).features()
    assert LeadFacts().features() == ("hour=0", "attempt=0")
    full = LeadFacts("l", 5, 2, "mobile", "busy").features()
    assert full == ("list=l", "hour=5", "attempt=2", "line=mobile", "last=busy")


# ---- memory ------------------------------------------------------------------------------------------------


def test_what_was_learnt_comes_back_as_it_was() -> None:
    dialing = Dialing(AnswerModel(0.25), 5, lambda n, lead: 0.45 if lead is GOOD else 0.12)
    for number in range(500):
        dialing.dial(GOOD if number % 2 else POOR, watch=number % 4 == 0)
    model = dialing.settle()
    saved = json.loads(json.dumps(model.state(), allow_nan=False))
    again = AnswerModel(0.9)
    again.restore(saved, trust_var=0.0)
    assert again.state() == saved
    for lead in (GOOD, POOR, UNKNOWN_LEAD):
        assert again.chance(again.score(lead)) == pytest.approx(model.chance(model.score(lead)), abs=1e-3)


def test_a_restored_level_may_have_moved_since() -> None:
    again = AnswerModel(0.25)
    again.restore(settled(0.3).state(), trust_var=0.04)
    assert again.level_sd == pytest.approx(0.2)
    again.loosen(9.0)
    assert again.level_sd == pytest.approx(LEVEL_SD)


@pytest.mark.parametrize(
    "change",
    [
        {"level": math.nan},
        {"level": "high"},
        {"level": None},
        {"level_var": 0.0},
        {"level_var": -1.0},
        {"level_var": math.inf},
        {"level_var": 1e308},
        {"level": 99.0},
        {"level": -1e308},
        {"typical": math.nan},
        {"typical": 1e308},
        {"effects": []},
        {"effects": None},
        {"effects": {"list=a": 3}},
        {"effects": {"list=a": [1.0]}},
        {"effects": {"list=a": ["x", 1.0]}},
        {"calls": None},
        {"typical": "x"},
    ],
)
def test_a_state_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        AnswerModel(0.25).restore(settled(0.3).state() | change, trust_var=0.04)


@pytest.mark.parametrize("missing", ["level", "level_var", "effects", "calls", "typical"])
def test_a_state_with_a_part_missing_is_refused(missing: str) -> None:
    state = settled(0.3).state()
    del state[missing]
    with pytest.raises(KeyError):
        AnswerModel(0.25).restore(state, trust_var=0.04)


def test_effects_that_cannot_be_are_left_out() -> None:
    effects = {"list=a": [0.5, 0.1], "shoe=9": [1.0, 0.1], "list=b": [math.nan, 0.1], "hour=3": [0.1, -1.0]}
    model = AnswerModel(0.25)
    model.restore(settled(0.3).state() | {"effects": effects}, trust_var=0.04)
    assert [name for name, _, _ in model.effects()] == ["list=a"]


@pytest.mark.parametrize("calls", [math.nan, math.inf, -1.0])
def test_an_impossible_number_of_calls_is_read_as_none(calls: float) -> None:
    """It is shown only, and nothing is reckoned with it: the rest of what was learnt is kept."""
    model = AnswerModel(0.25)
    model.restore(settled(0.3).state() | {"calls": calls}, trust_var=0.04)
    assert model.calls == 0.0 and model.usual == pytest.approx(0.3)
    json.dumps(model.state(), allow_nan=False)


@pytest.mark.parametrize("p", [0.005, 0.1, 0.5, 0.9, 0.995])
def test_logits_and_chances_are_each_others_inverse(p: float) -> None:
    assert sigmoid(logit(p)) == pytest.approx(p)
    assert sigmoid(1e9) <= 1.0 and sigmoid(-1e9) >= 0.0
