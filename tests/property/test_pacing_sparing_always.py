"""Sparing a list: never where it takes more than the shift, never back and forth, and always to the list's end."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from pacing.sparing import AGAIN_AFTER_S, BEGIN_BELOW, END_ABOVE, Rest, Sparing

rests = st.builds(
    Rest,
    dials=st.one_of(st.floats(0, 1e6), st.just(math.inf)),
    left_s=st.one_of(st.floats(-1e5, 1e6), st.just(math.inf)),
    agents=st.integers(0, 500).map(float),
    ring_s=st.floats(1, 40),
    chance=st.floats(0.005, 0.995),
    hold_s=st.floats(1, 2000),
    doubt=st.floats(0, 3),
)


@given(st.lists(st.tuples(rests, st.floats(-100, 2000)), min_size=1, max_size=20))
def test_it_is_on_only_where_the_list_ends_and_its_words_are_numbers(steps: list[tuple[Rest, float]]) -> None:
    sparing, now = Sparing(), 0.0
    for rest, gone_s in steps:
        now += gone_s
        before = sparing.on
        sparing.look(now, rest)
        if sparing.on:
            assert math.isfinite(rest.dials) and rest.left_s > 0.0
            assert before or rest.share(rest.agents) <= BEGIN_BELOW, "begun without the agents who are there"
        elif before and math.isfinite(rest.dials + rest.left_s):
            assert not rest.share(rest.agents) <= END_ABOVE, "ended although the agents who are there have the time"
        assert not {"nan", "inf"} & set(sparing.words().replace("(", " ").split())


@given(rests, st.floats(0, 1))
def test_a_shorter_list_is_spared_where_a_longer_one_is(rest: Rest, part: float) -> None:
    longer, shorter = Sparing(), Sparing()
    longer.look(0.0, rest)
    shorter.look(0.0, replace(rest, dials=rest.dials * part) if math.isfinite(rest.dials) else rest)
    assert shorter.on or not longer.on


@given(
    share=st.floats(0.3, 1.3),
    wrong=st.floats(0.75, 1.35),
    faster=st.floats(1.09, 2.0),
    p=st.floats(0.1, 0.6),
)
def test_a_list_that_predictive_dialing_would_end_is_ended(share: float, wrong: float, faster: float, p: float) -> None:
    """The estimate of what a call takes is ``wrong`` for good; predictive dialing is ``faster`` than 1:1."""
    assume(wrong * faster >= 1.05)
    rest = Rest(0.0, 8 * 3600.0, 10.0, 20.0, p, 140.0, 0.0)
    dials = share * 10.0 * rest.left_s / rest.each_s
    sparing, step_s, left, begun = Sparing(), 10.0, dials, [-math.inf]
    for tick in range(2880):
        now = tick * step_s
        seen = replace(rest, dials=left, left_s=rest.left_s - now, ring_s=20.0 * wrong, hold_s=140.0 * wrong)
        before = sparing.on
        sparing.look(now, seen)
        if sparing.on and not before:
            assert now - begun[-1] >= AGAIN_AFTER_S, "back and forth"
            begun.append(now)
        left = max(0.0, left - 10.0 * step_s / rest.each_s * (1.0 if sparing.on else faster))
    could = max(0.0, dials - 10.0 * rest.left_s / rest.each_s * faster)
    assert left <= could + 0.002 * dials + 5.0
