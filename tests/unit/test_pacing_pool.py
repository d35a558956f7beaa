"""The pool's door: what each report of a call or an agent means, and what is learnt of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pacing_kit import DAY, START, Desk, desk, memory, pacing, rich

from pacing.board import Phase
from pacing.hold import LONGEST_S
from pacing.pool import Ending
from pacing.windows import AbandonWindow

# ---- calls through all states ------------------------------------------------------------------------------

RINGING, WAITING, GONE, OTHER = (1, 0), (0, 1), (0, 0), (0, 0)

STORIES = [
    # what happens, (ringing, waiting) after each
    ("dialed sent rang ended:no_answer", [RINGING, RINGING, RINGING, GONE]),
    ("dialed ended:void", [RINGING, GONE]),
    ("dialed sent ended:failed", [RINGING, RINGING, GONE]),
    ("dialed sent rang ended:cut", [RINGING, RINGING, RINGING, GONE]),
    (
        "dialed sent rang answered taken bridged ended:over",
        [RINGING, RINGING, RINGING, WAITING, OTHER, OTHER, GONE],
    ),
    ("dialed sent answered ended:over", [RINGING, RINGING, WAITING, GONE]),
    ("dialed sent answered limit_passed ended:over", [RINGING, RINGING, WAITING, OTHER, GONE]),
    (
        "dialed sent answered taken untaken taken bridged ended:over",
        [RINGING, RINGING, WAITING, OTHER, WAITING, OTHER, OTHER, GONE],
    ),
    ("dialed sent answered taken untaken ended:over", [RINGING, RINGING, WAITING, OTHER, WAITING, GONE]),
    ("dialed sent answered taken untaken limit_passed", [RINGING, RINGING, WAITING, OTHER, WAITING, OTHER]),
    ("dialed bridged ended:over", [RINGING, OTHER, GONE]),
    ("dialed answered answered ended:over", [RINGING, WAITING, WAITING, GONE]),
    ("dialed dialed sent sent rang rang", [RINGING] * 6),
    ("dialed taken untaken limit_passed answered", [RINGING, RINGING, RINGING, RINGING, WAITING]),
    ("dialed answered untaken untaken taken taken", [RINGING, WAITING, WAITING, WAITING, OTHER, OTHER]),
    ("dialed answered rang sent", [RINGING, WAITING, WAITING, WAITING]),
    ("sent rang answered taken untaken bridged limit_passed ended:over", [GONE] * 8),
    ("dialed answered ended:over ended:over answered", [RINGING, WAITING, GONE, GONE, GONE]),
]


def tell(d: Desk, word: str, call: str = "k") -> None:
    pool = d.pool
    match word.split(":"):
        case ["dialed"]:
            pool.dialed(call, "c1", "n1", d.now)
        case ["ended", how]:
            pool.ended(call, d.now, Ending(how))
        case ["taken"]:
            pool.taken(call, "a1", d.now)
        case ["untaken"]:
            pool.untaken(call)
        case [name]:
            getattr(pool, name)(call, d.now)


@pytest.mark.parametrize(("story", "counts"), STORIES, ids=[story for story, _ in STORIES])
def test_a_calls_way(story: str, counts: list[tuple[int, int]]) -> None:
    d = desk(1)
    for word, expected in zip(story.split(), counts, strict=True):
        tell(d.step(1.0), word)
        assert d.calls() == expected, word
        assert len(d.pool.calls) == (word != "sent" or "dialed" in story) * d.pool.counts("c1", d.now).in_existence
    tell(d.step(1.0), "ended:over")
    assert d.calls() == GONE and d.pool.calls == frozenset()
    assert d.pool.counts("c1", d.now).in_existence == 0


@pytest.mark.parametrize(
    ("story", "calls", "level_up"),
    [
        ("dialed sent +12 answered ended:over", 1, True),
        ("dialed sent +28 ended:no_answer", 1, False),
        ("dialed sent +2 ended:failed", 1, False),
        ("dialed sent +15 ended:cut", 1, None),
        ("dialed sent +5 ended:void", 0, None),
        ("dialed +5 ended:no_answer", 0, None),  # never sent
        ("dialed +5 answered", 0, None),
        ("dialed sent +5 bridged ended:over", 0, None),  # adopted in conversation
        ("dialed sent -5 answered", 0, None),  # a clock that goes back
        ("dialed sent -5 ended:no_answer", 0, None),
    ],
)
def test_what_is_learnt_of_a_call(story: str, calls: int, level_up: bool | None) -> None:
    d = desk(1)
    before = memory(d).beliefs.answer.usual
    for word in story.split():
        if word[0] in "+-":
            d.step(float(word))
        else:
            tell(d, word)
    d.step(400.0)
    d.one()  # what is ripe is learnt when something is decided
    assert memory(d).beliefs.ring.calls == calls
    after = memory(d).beliefs.answer.usual
    if level_up is None:
        assert after == pytest.approx(before, abs=0.03)
    else:
        assert (after > before) is level_up


def test_the_ring_age_counts_from_the_originate_not_from_the_gate() -> None:
    d = desk(1)
    d.pool.dialed("k", "c1", "n1", d.now)
    d.pool.sent("k", d.step(6.0).now)
    d.pool.answered("k", d.step(10.0).now)
    by = memory(d).beliefs.ring._answers
    assert int(np.argmax(by)) == 20


def test_cut_calls_are_counted_and_shown() -> None:
    d = desk(1)
    for number in range(8):
        d.end(d.dial(), Ending.CUT if number < 2 else Ending.NO_ANSWER)
    told = d.pool.explain("c1", d.now)
    assert told["hung_up_ringing"] == 2 and told["dialed"] == 8
    assert told["hung_up_share"] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("story", "weighs"),
    [
        ("dialed sent rang ended:unseen", True),
        ("dialed sent ended:unseen", True),
        ("dialed ended:unseen", False),  # never sent
        ("dialed sent rang ended:void", False),
        ("dialed sent rang answered ended:unseen", False),  # its answer is known, and judged
        ("dialed sent bridged ended:unseen", False),
    ],
)
def test_a_call_whose_end_nobody_saw_weighs_on_the_ledger_at_once_and_teaches_nothing(story: str, weighs: bool) -> None:
    d = desk(1)
    for word in story.split():
        tell(d.step(1.0), word)
    told = d.pool.explain("c1", d.now)
    assert told["unknown"] == pytest.approx(0.25 if weighs else 0.0, abs=0.001)
    assert all(window["abandoned"] == told["unknown"] for window in told["windows"])  # type: ignore[attr-defined]
    assert memory(d).beliefs.ring.calls == (1 if "answered" in story else 0)


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("word", ["sent", "rang", "answered", "taken", "bridged", "limit_passed"])
def test_a_time_that_is_no_number_is_dropped_and_counted(word: str, at: float) -> None:
    d = desk(1)
    call = d.dial()
    args = (call, "a1", at) if word == "taken" else (call, at)
    getattr(d.pool, word)(*args)
    assert d.pool.dropped["call"] == 1
    assert d.calls() == RINGING
    d.pool.ended(call, at, Ending.NO_ANSWER)
    assert d.pool.calls == frozenset() and d.pool.dropped["ring_time"] == 1


def test_unknown_names_are_dropped_and_counted() -> None:
    d = desk(1)
    d.pool.dialed("k", "nope", "n1", d.now)
    d.pool.answered("nobody", d.now)
    d.pool.ended("nobody", d.now, Ending.OVER)
    d.pool.untaken("nobody")
    d.pool.judged("nope", d.now, abandoned=True)
    d.pool.judged("c1", math.nan, abandoned=True)
    d.pool.unjudged("c1", d.now, abandoned=True)
    d.pool.agent("a1", Phase.IDLE, math.nan, "n1", frozenset({"c1"}))
    d.pool.closes("nope", d.now)
    d.pool.ledger("nope", [])
    assert not d.pool.restore("nope", {})
    assert dict(d.pool.dropped) == {"dialed": 1, "call": 1, "ended": 1, "judged": 2, "unjudged": 1, "agent": 1}
    assert "nope" not in d.pool and "c1" in d.pool
    assert d.pool.phase_of("nobody") is None


def test_a_clock_beyond_all_bounds_is_borne() -> None:
    d = desk(1)
    d.pool.dialed("k", "c1", "n1", 0.0)
    d.pool.sent("k", 0.0)
    d.pool.answered("k", 1e300)
    assert d.pool.calls == {"k"}


def test_an_age_that_overflows_is_dropped() -> None:
    d = desk(1)
    d.pool.dialed("k", "c1", "n1", -1.7e308)
    d.pool.sent("k", -1.7e308)
    d.pool.answered("k", 1.7e308)


NO_TIME = (1e15, -1e15, 1e300, -1e300, 1.1e11, -1e-3, math.inf, -math.inf, math.nan)


@pytest.mark.parametrize("window", [DAY, AbandonWindow(0.03, "month", zone="America/New_York")])
@pytest.mark.parametrize("at", NO_TIME)
def test_a_first_dial_at_a_time_beyond_any_calendar_is_dropped(at: float, window: AbandonWindow) -> None:
    d = desk(1, windows=(window,))
    d.pool.dialed("k", "c1", "n1", at)
    assert d.pool.dropped == {"dialed": 1} and not d.pool.calls
    d.pool.dialed("k", "c1", "n1", d.now)
    assert d.pool.calls == {"k"}


@pytest.mark.parametrize("at", [0.0, 1e11])
def test_the_first_and_the_last_time_that_can_be_are_borne(at: float) -> None:
    d = desk(1, windows=(DAY, AbandonWindow(0.03, "month")))
    d.pool.dialed("k", "c1", "n1", at)
    d.pool.begins_shift(at)
    assert d.pool.calls == {"k"} and not d.pool.dropped
    d.pool.explain("c1", at)
    assert d.decide()["c1"].lines >= 0


@pytest.mark.parametrize("at", NO_TIME)
def test_whatever_else_is_told_or_asked_at_such_a_time_is_borne(at: float) -> None:
    d = desk(4, windows=(DAY, AbandonWindow(0.03, "shift")))
    call = d.dial()
    d.pool.sent(call, at)
    d.pool.begins_shift(at)
    d.pool.explain("c1", at)
    d.pool.counts("c1", at)
    made = d.pool.decide(at, "n1", [d.ask()])
    assert made["c1"].lines == 0 and "the clock tells an impossible time" in made["c1"].reason
    assert d.pool.dropped == {"call": 1, "shift": 1, "decide": 1}
    assert d.one().lines == 3


@pytest.mark.parametrize("ahead_s", [3.0, 3600.0, LONGEST_S, 1e9])
@pytest.mark.parametrize("before", [0, 1])
def test_one_dial_from_the_future_does_not_stop_the_learning(before: int, ahead_s: float) -> None:
    d = desk(1)
    for _ in range(before):
        d.one()
    d.pool.dialed("k", "c1", "n1", d.now + ahead_s)
    d.pool.ended("k", d.now, Ending.VOID)
    d.step(1.0).one()
    assert memory(d).watched_at == memory(d).budgeted_at == d.now
    assert not memory(d).beliefs.stale(d.now)


def test_a_first_dial_from_the_far_future_leaves_the_ledger_as_it_is() -> None:
    d = desk(1, windows=(DAY,)).judge(5, 1)
    d.pool.dialed("k", "c1", "n1", d.now + 1e9)
    counts = d.pool.counts("c1", d.now)
    assert (counts.answered_today, counts.abandoned_today) == (5, 1)


@pytest.mark.parametrize("apart_s", [1e9, 14 * 3600.0, -60.0])
def test_a_campaign_that_never_asks_learns_on_after_a_pause_or_a_broken_clock(apart_s: float) -> None:
    """Its only clock are its dials."""
    d = desk(1)
    for gap in (0.0, apart_s):
        d.step(gap)
        for _ in range(40):
            d.end(d.dial(), Ending.NO_ANSWER)
            d.step(10.0)
    assert memory(d).beliefs.answer.calls > 60


# ---- agents through all phases -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "talks", "wraps"),
    [
        ("talking +100 wrap +20 idle", [100.0], [20.0]),
        ("reserved +1 talking +50 wrap +10 away", [50.0], [10.0]),
        ("talking +80 idle", [80.0], [0.0]),
        ("talking +30 away", [], []),  # a lost line says nothing of how long people talk
        ("talking +40 leaving +60 away", [], []),  # nobody knows when the talk became the wrap-up
        ("reserved +2 idle", [], []),
        ("reserved +2 away +5 idle", [], []),
        ("talking +40 talking +10 wrap", [50.0], []),
        ("talking +40 wrap +5 wrap +5 idle", [40.0], [10.0]),
        ("wrap +9 idle", [], [9.0]),
        ("talking -3 wrap", [], []),
        ("talking +9 wrap -3 idle", [9.0], []),
    ],
)
def test_an_agents_way(story: str, talks: list[float], wraps: list[float]) -> None:
    d = desk(1)
    d.pool.taken(d.dial(), "a1", d.now)
    hold = memory(d).beliefs.hold
    told: dict[str, list[float]] = {"talk": [], "wrap": []}
    for name in told:
        table = getattr(hold, name)
        learn = table.learn
        table.learn = lambda s, n=name, f=learn: (told[n].append(s), f(s))
    for word in story.split():
        if word[0] in "+-":
            d.step(float(word))
        else:
            d.agent("a1", Phase[word.upper()])
            assert d.pool.phase_of("a1") is Phase[word.upper()]
    assert told == {"talk": pytest.approx(talks), "wrap": pytest.approx(wraps)}
    negative = story.count("-")
    assert sum(d.pool.dropped.values()) == negative


def test_a_talk_goes_on_when_the_agent_wants_to_leave_and_stays_after_all() -> None:
    d = desk(1)
    d.connect(d.dial(), "a1")
    d.step(50).agent("a1", Phase.LEAVING)
    d.step(10).agent("a1", Phase.TALKING)
    board = d.pool._state.agents["n1"]
    assert board.since[0] == START
    d.step(40).agent("a1", Phase.WRAP)
    assert memory(d).beliefs.hold.talk.sum_s == pytest.approx(100.0)


@pytest.mark.parametrize("phase", [Phase.TALKING, Phase.WRAP])
def test_a_phase_longer_than_any_shift_is_dropped(phase: Phase) -> None:
    d = desk(1)
    d.connect(d.dial(), "a1")
    d.agent("a1", phase)
    d.step(LONGEST_S * 20).agent("a1", Phase(phase + 1) if phase is Phase.TALKING else Phase.IDLE)
    assert sum(d.pool.dropped.values()) == 1


def test_talk_counts_for_the_campaign_whose_customer_it_was() -> None:
    d = Desk(pacing("c1"), pacing("c2")).agents(1, "c1", "c2")
    d.connect(d.dial("c2"), "a1", "c1", "c2")
    d.step(70).agent("a1", Phase.WRAP, "c1", "c2")
    d.step(10).agent("a1", Phase.IDLE, "c1", "c2")
    assert memory(d, "c1").beliefs.hold.talk.phases == 0
    assert memory(d, "c2").beliefs.hold.talk.sum_s == 70.0
    assert memory(d, "c2").beliefs.hold.wrap.sum_s == 10.0


def test_an_agents_talk_without_a_customer_of_the_pool_teaches_nothing() -> None:
    d = desk(1)
    d.agent("a1", Phase.TALKING)
    d.step(70).agent("a1", Phase.WRAP)
    assert memory(d).beliefs.hold.talk.phases == 0
    assert not d.pool.dropped


def test_counts_of_the_phases() -> None:
    d = desk(0)
    for number, phase in enumerate(Phase):
        d.agent(f"a{number}", phase)
    counts = d.pool.counts("c1", d.now)
    assert (counts.ready, counts.reserved, counts.talking, counts.wrap, counts.away) == (1, 1, 2, 1, 1)
    assert counts.logged_in == 5


def test_an_agent_moves_to_another_switch() -> None:
    d = rich(6)
    d.agents(6, first=7, node="n2")
    assert d.one(node="n1").lines > 0
    for number in range(1, 7):
        d.agent(f"a{number}", Phase.IDLE, node="n2")
    assert d.pool.counts("c1", d.now).ready == 12
    on_first = d.one(node="n1")
    assert on_first.lines == 0 and "0 free" in on_first.reason
    assert "start" in d.one(node="n2").reason and "12 ready" in d.one(node="n2").reason
    d.agent("a1", Phase.IDLE, node="n1")
    assert d.pool.counts("c1", d.now).ready == 12
    assert "11 ready" in d.one(node="n2").reason


def test_an_agent_who_serves_other_campaigns_from_now_on() -> None:
    d = Desk(pacing("c1", min_agents=1), pacing("c2", min_agents=1)).agents(4, "c1")
    assert d.pool.counts("c2", d.now).ready == 0
    d.agents(4, "c2")
    assert (d.pool.counts("c1", d.now).ready, d.pool.counts("c2", d.now).ready) == (0, 4)
    d.agents(4, "c1", "c2", "gone")
    assert (d.pool.counts("c1", d.now).ready, d.pool.counts("c2", d.now).ready) == (4, 4)
