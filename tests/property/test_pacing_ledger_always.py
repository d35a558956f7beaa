"""The abandon ledger against a list of all calls, whatever is judged, taken back, folded or loaded, and when."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from pacing_kit import DAY_S, HOUR_S, START, Book, start_of

from pacing.abandonment import Ledger
from pacing.windows import DAY, MONTH, PERIOD, SHIFT, TRAILING, AbandonWindow

WINDOWS = (
    AbandonWindow(0.03, TRAILING, DAY_S),
    AbandonWindow(0.03, TRAILING, 2 * HOUR_S),
    AbandonWindow(0.03, PERIOD, 30 * DAY_S, START - 29 * DAY_S - 1234.5),
    AbandonWindow(0.03, PERIOD, 5 * HOUR_S, START + 777.0),
    AbandonWindow(0.05, MONTH, zone="Europe/Berlin"),
    AbandonWindow(0.03, DAY, zone="Asia/Kolkata"),
    AbandonWindow(0.03, SHIFT, starts_at=START),
)
MOST_LATE_S = 4 * HOUR_S

times = st.one_of(st.floats(0, MOST_LATE_S), st.sampled_from([0.0, 0.5, 1800.0, HOUR_S, MOST_LATE_S]))
move = st.one_of(
    st.tuples(st.just("judge"), times, st.booleans()),
    st.tuples(st.just("judge"), times, st.booleans()),
    st.tuples(st.just("take_back"), st.floats(0, 1), st.booleans()),
    st.tuples(st.just("step"), st.floats(0, 15 * HOUR_S), st.booleans()),
    st.tuples(st.just("step"), st.sampled_from([1.0, HOUR_S, 5 * HOUR_S]), st.booleans()),
    st.tuples(st.just("shift"), st.just(0.0), st.booleans()),
)


class Both:
    """The ledger and the list, kept side by side."""

    def __init__(self) -> None:
        self.ledger, self.book, self.now = Ledger(WINDOWS), Book(), START

    def carry_out(self, kind: str, x: float, flag: bool) -> None:
        rows = self.book.rows
        if kind == "judge":
            self.ledger.judge(self.now - x, abandoned=flag)
            rows.append((self.now - x, flag))
        elif kind == "take_back":
            young = [row for row in rows if row[0] > self.now - 20 * HOUR_S]
            if young:
                row = young[int(x * (len(young) - 1))]
                assert self.ledger.take_back(row[0], abandoned=row[1])
                rows.remove(row)
        elif kind == "step":
            self.now += x
            self.check()
            if flag:
                self.ledger.forget(self.now)
        elif kind == "shift":
            self.ledger.begin_shift(self.now)
        self.check()

    def check(self) -> None:
        for window, budget in zip(self.ledger.windows, self.budgets(), strict=True):
            start = start_of(window, self.now)
            assert (budget.answered, budget.abandoned) == self.book.since(start), window.name
            assert 0.0 <= budget.ease <= 1.0 and budget.target >= 0.0
            assert budget.ease == 0.0 or budget.answered >= 1.0 / window.limit - 1.0 - 1e-9

    def budgets(self):  # type: ignore[no-untyped-def]
        return self.ledger.budgets(self.now, answers_per_s=0.1, in_flight=3.0, aim=0.98)

    def restart(self) -> None:
        shift = self.ledger.windows[-1].starts_at
        self.ledger = Ledger(WINDOWS)
        self.ledger.begin_shift(shift)
        self.ledger.load(*self.book.restart((self.now - 26 * HOUR_S) // HOUR_S * HOUR_S))


@settings(max_examples=150, deadline=None)
@given(st.lists(move, max_size=50))
def test_every_window_counts_to_the_call(moves: list[tuple[str, float, bool]]) -> None:
    both = Both()
    for each in moves:
        both.carry_out(*each)


@settings(max_examples=100, deadline=None)
@given(st.lists(move, max_size=25), st.lists(move, max_size=25))
def test_after_a_restart_it_counts_as_if_it_had_seen_all_but_for_the_hour_a_period_begins_in(
    before: list[tuple[str, float, bool]], after: list[tuple[str, float, bool]]
) -> None:
    both = Both()
    for each in before:
        both.carry_out(*each)
    both.restart()
    both.check()
    for each in after:
        both.carry_out(*each)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 200), st.floats(0, 5), st.floats(0, 60), st.floats(0, 0.02))
def test_one_more_abandoned_call_never_loosens_anything(
    answered: int, abandoned: int, rate: float, in_flight: float, false_positive: float
) -> None:
    rows = []
    for gone in (abandoned, abandoned + 1):
        ledger = Ledger(WINDOWS[:3], false_positive)
        calls = [(START + n * 1e-3, n < gone) for n in range(max(answered, gone))]
        ledger.load(calls, [])
        rows.append(ledger.budgets(START + 60, answers_per_s=rate, in_flight=in_flight, aim=0.98))
    for less, more in zip(*rows, strict=True):
        if less.answered == more.answered:
            assert more.target <= less.target and more.ease <= less.ease and more.left < less.left
