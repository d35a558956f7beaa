"""The pacing benchmark: what its cache keeps and forgets, what it runs next, how it judges."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.pacing import code, judge, report, short, tuning
from bench.pacing.agenda import Agenda
from bench.pacing.cache import Cache, Job, Shift, job
from bench.pacing.cells import CELLS, POLICIES, ROOT, Cell, Policy
from bench.pacing.run import run

KEYS: dict[Policy, str] = dict.fromkeys(POLICIES, "abc")
MINUTES = 480


def shift(
    busy: float = 0.9,
    answered: int = 1000,
    abandoned: int = 20,
    burst: tuple[int, int] | None = None,
    **more: Any,
) -> Shift:
    """A shift whose answers come evenly; ``burst``: (abandoned, answered) of the five minutes after hour 4 instead."""
    per, lost = answered / MINUTES, abandoned / MINUTES
    answers, losses = [], []
    a = n = 0.0
    for minute in range(1, MINUTES + 1):
        if burst is not None and 240 < minute <= 245:
            a, n = a + burst[0] / 5, n + burst[1] / 5
        else:
            a, n = a + lost, n + per
        losses.append(round(a))
        answers.append(round(n))
    result = {
        "busy_share": busy,
        "answered": answered,
        "abandoned": abandoned,
        "dialed": 3 * answered,
        "hung_up_ringing": answered,
        "dials_per_answer": 3.0,
        "connected_per_agent_hour": 20.0,
        "worst_5min_abandon_rate": 0.05,
        "lines_peak": 30,
    } | more
    return {"result": result, "series": {"answered": answers, "abandoned": losses}, "cpu_s": 1.0}


# ---- which code a result depends on ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for package in ("pacing", "routing", "dialer"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def edited(root: Path, file: str, old: str, new: str) -> set[str]:
    """The policies whose results are lost by this edit; it is taken back."""
    before = {policy: code.key(policy, root) for policy in POLICIES}
    path = root / file
    text = path.read_text("utf-8")
    assert old in text
    try:
        path.write_text(text.replace(old, new, 1), "utf-8")
        return {policy for policy in POLICIES if code.key(policy, root) != before[policy]}
    finally:
        path.write_text(text, "utf-8")


OURS = {"predictive", "predictive_known"}
ALL = set(POLICIES)
FIRST = "from __future__ import annotations\n"


@pytest.mark.parametrize(
    ("file", "lost"),
    [
        ("pacing/predictive.py", OURS),
        ("pacing/abandonment.py", OURS),
        ("pacing/settings.py", OURS),
        ("pacing/pool.py", OURS),
        ("pacing/vicidial.py", {"vicidial"}),
        ("pacing/mean_matching.py", {"mean_matching"}),
        ("pacing/ratio.py", {"ratio"}),
        ("pacing/progressive.py", {"progressive"}),
        ("pacing/preview.py", set()),
        ("pacing/snapshot.py", ALL),
        ("dialer/engine/calls.py", ALL),
        ("dialer/simulate/planner_world.py", ALL),
        ("dialer/simulate/picture.py", set()),
        ("dialer/http/app.py", set()),
        ("routing/queue.py", ALL),
    ],
)
def test_an_edit_loses_the_results_that_depend_on_it(checkout: Path, file: str, lost: set[str]) -> None:
    assert edited(checkout, file, FIRST, f"{FIRST}MORE = 1\n") == lost


def test_of_the_pool_only_what_counts_for_baselines_concerns_them(checkout: Path) -> None:
    assert edited(checkout, "pacing/pool.py", "    def decide(", "    def decided(") == OURS
    assert edited(checkout, "pacing/pool.py", "    def counts(", "    def counted(") == OURS | {
        "vicidial",
        "mean_matching",
    }


def test_every_part_that_is_looked_at_is_there() -> None:
    for file, parts in code._COUNTING.items():
        text = (ROOT / file).read_text("utf-8")
        assert [part for part in sorted(parts) if f"def {part}(" not in text] == []


def test_comments_and_docstrings_lose_nothing(checkout: Path) -> None:
    assert edited(checkout, "dialer/engine/calls.py", FIRST, f"# a comment\n{FIRST}") == set()
    assert code.tree_of('"""One."""\nx = 1\n"""of x"""\n') == code.tree_of("x  =  1  # two")
    assert code.tree_of("x = 1") != code.tree_of("x = 2")


def test_no_code_that_a_shift_runs_is_forgotten() -> None:
    told = "import sys, dialer.simulate.planner; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    mine = {name for name in loaded.stdout.split() if name.split(".")[0] in ("dialer", "pacing", "routing")}
    files = {f"{name.replace('.', '/')}.py" for name in mine if (ROOT / f"{name.replace('.', '/')}.py").is_file()}
    counted = code.files("predictive", ROOT)
    for policy in POLICIES:
        counted |= code.files(policy, ROOT)
    # Reading a scenario's file is not the shift; the others say what they are in ``code``.
    reading = {"dialer/simulate/scenario_file.py", "pacing/preview.py"}
    assert files - counted <= reading | code._NOT_SHARED


def test_a_frozen_copy_is_whole_and_made_once(tmp_path: Path) -> None:
    root, cache = tmp_path / "root", tmp_path / "cache"
    (root / "pacing").mkdir(parents=True)
    (root / "pacing" / "a.py").write_text("x = 1\n")
    first = code.freeze(root, cache)
    assert (first / "pacing" / "a.py").read_text() == "x = 1\n"
    assert code.freeze(root, cache) == first
    (root / "pacing" / "a.py").write_text("x = 2\n")
    second = code.freeze(root, cache)
    assert second != first
    assert (first / "pacing" / "a.py").read_text() == "x = 1\n"


# ---- the cache -------------------------------------------------------------------------------------------------


def test_a_result_is_found_again_by_another_run_of_the_same_code(tmp_path: Path) -> None:
    asked = job(CELLS["5/.3"], "ratio", {"lines": 2.0}, 101)
    cache = Cache(tmp_path, KEYS)
    assert cache.get(asked) is None
    cache.put(asked, shift(0.8))
    found = Cache(tmp_path, KEYS).get(asked)
    assert found is not None
    assert found["result"]["busy_share"] == 0.8
    assert Cache(tmp_path, KEYS | {"ratio": "def"}).get(asked) is None
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    "other",
    [
        job(CELLS["5/.3"], "ratio", {"lines": 2.0}, 102),
        job(CELLS["5/.3"], "ratio", {"lines": 2.1}, 101),
        job(CELLS["5/.3"], "progressive", {}, 101),
        job(CELLS["5/.5"], "ratio", {"lines": 2.0}, 101),
        job(CELLS["5/.3"], "ratio", {"lines": 2.0}, 101, hours=4.0),
    ],
    ids=str,
)
def test_another_shift_is_another_result(tmp_path: Path, other: Job) -> None:
    cache = Cache(tmp_path, KEYS)
    cache.put(job(CELLS["5/.3"], "ratio", {"lines": 2.0}, 101), shift())
    assert cache.get(other) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"result": {}}'])
def test_a_broken_file_is_a_shift_to_run_again(tmp_path: Path, text: str) -> None:
    asked = job(CELLS["5/.3"], "progressive", {}, 101)
    cache = Cache(tmp_path, KEYS)
    cache.put(asked, shift())
    cache.place(asked).write_text(text)
    assert Cache(tmp_path, KEYS).get(asked) is None


def test_recorded_talk_times_count_by_what_is_in_them(tmp_path: Path) -> None:
    def asked(file: Path) -> Job:
        return Job("x", "progressive", json.dumps({"talk": {"file": str(file)}}), 1)

    files = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for file, text in zip(files, ("1\n", "1\n", "2\n"), strict=True):
        file.write_text(text)
    places = [Cache(tmp_path, KEYS).place(asked(file)) for file in files]
    assert places[0] == places[1] != places[2]


# ---- the agenda ------------------------------------------------------------------------------------------------

SMALL: list[Cell] = [CELLS["5/.3"], CELLS["10/.3"], CELLS["lunch/10"]]


def worked(agenda: Agenda, cache: Cache, most: int = 10_000) -> list[Job]:
    """Do what is next, two at a time, until nothing is left or ``most`` are done."""
    done: list[Job] = []
    at_work: list[Job] = []
    while len(done) < most:
        while len(at_work) < 2 and (following := agenda.next(set(at_work))) is not None:
            assert following not in at_work
            assert cache.get(following) is None
            at_work.append(following)
        if not at_work:
            break
        finished = at_work.pop(0)
        options = json.loads(finished.scenario)["policy_options"]
        # The more lines, the busier and the more abandoned: 3 % at a factor of 0.5 and a ratio of 2.5.
        load = options.get("factor", options.get("lines", 5 * options.get("max", 1.0)) / 5)
        cache.put(finished, shift(0.5 + load / 10, 1000, round(60 * load)))
        done.append(finished)
    return done


def test_everything_is_run_once_and_nothing_twice(tmp_path: Path) -> None:
    cache = Cache(tmp_path, KEYS)
    agenda = Agenda(cache, SMALL, POLICIES)
    assert len(agenda.left()) == agenda.shifts() == 20 + 20 + 20 + 3 * 4 * 8
    before = agenda.left_s()
    done = worked(agenda, cache)
    assert len(done) == len(set(done))
    assert agenda.left() == []
    assert agenda.left_s() == 0.0 < before
    judged = [j for j in done if j.seed < 9000]
    assert len(judged) == agenda.shifts()
    # The product's rule comes first, on two seeds everywhere.
    assert {(j.cell, j.policy, j.seed) for j in done[:6]} == {
        (cell.name, "predictive", seed) for cell in SMALL for seed in (101, 102)
    }


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    cache = Cache(tmp_path, KEYS)
    first = worked(Agenda(cache, SMALL, POLICIES), cache, most=57)
    assert len(first) == 57
    cache = Cache(tmp_path, KEYS)
    second = worked(Agenda(cache, SMALL, POLICIES), cache)
    # Two were at work when it was stopped.
    assert set(first).isdisjoint(second)
    assert Agenda(Cache(tmp_path, KEYS), SMALL, POLICIES).left() == []


def test_seeds_and_policies_can_be_limited(tmp_path: Path) -> None:
    cache = Cache(tmp_path, KEYS)
    agenda = Agenda(cache, SMALL, ["predictive", "progressive"], most_seeds=3)
    assert {(j.policy, j.seed) for j in worked(agenda, cache)} == {
        (policy, seed) for policy in ("predictive", "progressive") for seed in (101, 102, 103)
    }


def test_hard_cases_use_the_settings_of_the_tables_cell(tmp_path: Path) -> None:
    cache = Cache(tmp_path, KEYS)
    agenda = Agenda(cache, [CELLS["lunch/10"]], ["ratio"])
    done = worked(agenda, cache)
    assert {j.cell for j in done if j.seed > 9000} == {"10/.3"}
    assert {json.loads(j.scenario)["policy_options"]["lines"] for j in done if j.cell == "lunch/10"} == {2.5}


# ---- tuning ----------------------------------------------------------------------------------------------------


def settled(policy: Policy, cell: Cell, answer: Any) -> tuple[tuning.Choice, int]:
    """Tune with ``answer(options) -> (busy, abandoned of 1000)``; the choice, and how many shifts that took."""
    known: dict[Job, Shift] = {}
    for _ in range(1000):
        choice = tuning.choose(policy, cell, known.get)
        if choice.options is not None:
            return choice, len(known)
        for missing in choice.missing:
            busy, lost = answer(json.loads(missing.scenario)["policy_options"])
            known[missing] = shift(busy, 1000, lost)
    raise AssertionError("never settled")


@pytest.mark.parametrize(("limit", "chosen"), [(0.0, 1.0), (2.04, 2.0), (2.05, 2.0), (7.31, 7.3), (99.0, 10.0)])
def test_the_largest_ratio_that_keeps_three_percent(limit: float, chosen: float) -> None:
    choice, shifts = settled("ratio", CELLS["50/.3"], lambda o: (0.8, 30 if o["lines"] <= limit + 1e-9 else 31))
    assert choice.options == {"lines": chosen}
    assert shifts <= tuning.EVALUATIONS


def test_mean_matching_is_tuned_finely() -> None:
    choice, shifts = settled("mean_matching", CELLS["50/.3"], lambda o: (0.8, round(o["factor"] * 100)))
    assert choice.options is not None
    assert 0.295 <= choice.options["factor"] <= 0.3051
    assert shifts <= tuning.EVALUATIONS


def test_vicidial_gets_the_busiest_setting_that_keeps_three_percent() -> None:
    def answer(options: dict[str, Any]) -> tuple[float, int]:
        cap = options.get("max", 3.0)
        return (cap / 100, 30 if cap < 3 else 40)

    cell = CELLS["50/.3"]
    settings = tuning.vicidial_settings(cell)
    choice, shifts = settled("vicidial", cell, answer)
    assert shifts == len(settings) >= 20
    assert choice.options is not None
    assert choice.options["max"] == max(s["max"] for s in settings if s.get("max", 3.0) < 3)


def test_where_no_setting_keeps_three_percent_the_one_that_abandons_least() -> None:
    choice, _ = settled("vicidial", CELLS["50/.3"], lambda o: (0.9, 31 if o.get("target") else 50))
    assert choice.options == {"target": -5.0}


@pytest.mark.parametrize("name", [c.name for c in CELLS.values() if c.kind == "table"])
def test_vicidial_has_at_least_twenty_settings_in_every_cell(name: str) -> None:
    assert len(tuning.vicidial_settings(CELLS[name])) >= 20


# ---- cells -----------------------------------------------------------------------------------------------------


def test_the_cells_are_the_pages_and_the_planner_takes_them() -> None:
    from bench.pacing.worker import plan_of

    table = [cell for cell in CELLS.values() if cell.kind == "table"]
    assert len(table) == 18
    assert all(len(c.seeds("predictive")) >= (20 if c.agents <= 20 else 8 if c.agents <= 100 else 4) for c in table)
    assert all(c.hours == (4 if c.agents == 300 else 8) for c in table)
    assert {len(c.seeds("predictive")) for c in CELLS.values() if c.kind == "doubles"} == {40}
    for cell in CELLS.values():
        if cell.agents <= 10:
            for policy in cell.policies():
                told = json.loads(job(cell, policy, {}, 1).scenario)
                plan = plan_of(told, cell.name)
                assert plan.scenario.agents == cell.agents
        assert not set(cell.seeds("predictive")) & set(cell.tuning_seeds())


# ---- judgement -------------------------------------------------------------------------------------------------


def book(cell: str, policy: Policy, *shifts: Shift, into: judge.Book | None = None) -> judge.Book:
    found = into or judge.Book()
    found.put(CELLS[cell], policy, shifts)
    return found


def ok(found: list[judge.Verdict], what: str) -> bool:
    return next(v.ok for v in found if v.what == what)


@pytest.mark.parametrize(
    ("cell", "busy", "met"),
    [
        # 10 agents, p .3: floor 85.1. Every shift the same, so no error of ours: 0.5 + 2 × 0.4 = 1.3.
        ("10/.3", [85.1, 85.1], True),
        ("10/.3", [83.81, 83.81], True),
        ("10/.3", [83.79, 83.79], False),
        # s.e. of 82.6 and 84.6 is 1.0: 0.5 + 2 × √(1 + 0.16) = 2.654, down to 82.446
        ("10/.3", [81.46, 83.46], True),
        ("10/.3", [81.44, 83.44], False),
        # 5 agents: floor 79.7, 1.0 + 0.8
        ("5/.3", [77.91, 77.91], True),
        ("5/.3", [77.89, 77.89], False),
    ],
)
def test_the_floor_may_be_missed_by_so_much(cell: str, busy: list[float], met: bool) -> None:
    found = judge.verdicts(CELLS[cell], book(cell, "predictive", *(shift(each / 100) for each in busy)))
    assert ok(found, "floor") is met


@pytest.mark.parametrize(
    ("shifts", "kept"),
    [
        ([(1000, 30), (1000, 10)], True),
        ([(1000, 31), (1000, 0)], False),  # one shift is enough
        ([(33, 1), (1000, 0)], False),  # 3.03 %
        ([(34, 1)], True),
        ([(0, 0)], True),
    ],
)
def test_no_single_shift_may_be_above_three_percent(shifts: list[tuple[int, int]], kept: bool) -> None:
    rows = [shift(0.86, answered, lost) for answered, lost in shifts]
    found = judge.verdicts(CELLS["10/.3"], book("10/.3", "predictive", *rows))
    assert ok(found, "limit") is kept


@pytest.mark.parametrize(
    ("dials", "calls", "dials_ok", "calls_ok"),
    [(3.3, 18.0, True, True), (3.31, 18.0, False, True), (3.3, 17.9, True, False), (2.0, 30.0, True, True)],
)
def test_the_list_may_cost_ten_percent_more_than_with_mean_matching(
    dials: float, calls: float, dials_ok: bool, calls_ok: bool
) -> None:
    own = shift(0.9, dials_per_answer=dials, connected_per_agent_hour=calls)
    found = book("10/.3", "predictive", own)
    book("10/.3", "mean_matching", shift(0.8), into=found)  # 3.0 and 20
    made = judge.verdicts(CELLS["10/.3"], found)
    assert ok(made, "dials per answer") is dials_ok
    assert ok(made, "connected per agent-hour") is calls_ok


def test_ahead_of_each_baseline_that_was_measured() -> None:
    found = book("10/.3", "predictive", shift(0.85))
    for policy, busy in (("mean_matching", 0.8499), ("vicidial", 0.85), ("ratio", 0.86)):
        book("10/.3", policy, shift(busy), into=found)  # type: ignore[arg-type]
    made = judge.verdicts(CELLS["10/.3"], found)
    assert [ok(made, f"ahead of {p} where it is lawful") for p in judge.RIVALS] == [True, False, False]
    assert [ok(made, f"busier than {p}, lawful or not") for p in judge.RIVALS] == [True, False, False]
    assert not ok(made, "ahead of every lawful baseline")


@pytest.mark.parametrize(
    ("lost", "lawful"),
    [
        ([30, 30], True),
        ([31], False),  # one shift tells nothing of its own error
        ([31, 31], False),
        ([30, 31], True),  # 3.05 ± 0.05 %
        ([30, 32, 32], False),  # 3.13 ± 0.07 %
        ([10, 60], True),  # 3.5 ± 2.5 %
        ([0, 0], True),
    ],
)
def test_a_baseline_is_lawful_as_far_as_its_shifts_can_tell(lost: list[int], lawful: bool) -> None:
    found = book("10/.3", "ratio", *(shift(0.9, 1000, each) for each in lost))
    assert found.figures["10/.3"]["ratio"].lawful is lawful


def test_a_baseline_that_broke_the_limit_is_out_of_competition_and_is_told_all_the_same() -> None:
    found = book("10/.3", "predictive", shift(0.85))
    book("10/.3", "ratio", shift(0.86, 1000, 67), into=found)
    book("10/.3", "vicidial", shift(0.84), into=found)
    made = judge.verdicts(CELLS["10/.3"], found)
    assert ok(made, "ahead of every lawful baseline") and ok(made, "ahead of vicidial where it is lawful")
    assert "ahead of ratio where it is lawful" not in {v.what for v in made}
    busier = next(v for v in made if v.what == "busier than ratio, lawful or not")
    assert busier.aim and not busier.ok and "6.70 %" in busier.told
    text = "\n".join(report._ahead(found))
    assert "**ahead of every lawful baseline in 1 of 1 cells**" in text
    assert "in 1 of them a baseline was busier by abandoning 6.7 to 6.7 % (10/.3)" in text
    assert "| 10/.3 | 85.00 / 2.00 | VICIdial, best setting | 84.00 / 2.00 | +1.00 | +1.00 ± 0.00 |" in text
    assert "best fixed ratio **86.00** / 6.70 |" in text


def test_where_no_baseline_is_lawful_there_is_nobody_to_be_ahead_of() -> None:
    found = book("10/.3", "predictive", shift(0.85))
    book("10/.3", "ratio", shift(0.80, 1000, 67), into=found)
    made = judge.verdicts(CELLS["10/.3"], found)
    told = next(v for v in made if v.what == "ahead of every lawful baseline")
    assert told.ok and "none is lawful" in told.told
    assert "in none of them was a baseline busier" in "\n".join(report._ahead(found))


def test_a_lawful_baseline_that_is_as_busy_is_not_led() -> None:
    found = book("10/.3", "predictive", shift(0.85))
    book("10/.3", "ratio", shift(0.85), into=found)
    assert not ok(judge.verdicts(CELLS["10/.3"], found), "ahead of every lawful baseline")
    assert "in 0 of 1 cells" in "\n".join(report._ahead(found))


def test_the_difference_is_told_shift_by_shift_on_the_seeds_that_both_dialed() -> None:
    found = book("10/.3", "predictive", shift(0.80), shift(0.90), shift(0.50))
    book("10/.3", "ratio", shift(0.79), shift(0.87), into=found)
    rows = found.figures["10/.3"]
    mean, se = judge.ahead_by(rows["predictive"], rows["ratio"])
    assert (mean, se) == (pytest.approx(2.0), pytest.approx(1.0))


@pytest.mark.parametrize(
    ("bursts", "rate", "better"),
    [
        ([(5, 100), (10, 100)], 7.5, True),  # best known: 7.7
        ([(6, 100), (10, 100)], 8.0, False),
        ([(10, 50), (0, 150)], 5.0, True),  # pooled, not the mean of rates
    ],
)
def test_the_burst_is_pooled_over_the_seeds(bursts: list[tuple[int, int]], rate: float, better: bool) -> None:
    name = "doubles/10/.15"
    found = book(name, "predictive", *(shift(0.8, 960, 10, burst) for burst in bursts))
    own = found.get(name, "predictive")
    assert own is not None and own.change is not None
    assert own.change.burst == pytest.approx(rate)
    assert ok(judge.verdicts(CELLS[name], found), "burst") is better


def test_back_within_thirty_minutes_is_judged_on_five_minutes() -> None:
    name = "doubles/10/.15"
    # 2 a minute, none of them lost; in the burst 20 of 100. Ten minutes on there is nothing of it in the last five.
    # Running at minute 270: 20 of 100 + 265 × 2, 3.17 %.
    found = book(name, "predictive", shift(0.8, 960, 0, (20, 100)))
    own = found.get(name, "predictive")
    assert own is not None and own.change is not None
    assert own.change.back_after_min == 10
    assert own.change.running_at_30 == pytest.approx(3.17, abs=0.01)
    assert own.change.shifts_above_at_30 == 1
    verdicts = judge.verdicts(CELLS[name], found)
    assert ok(verdicts, "back within 30 minutes")
    assert not ok(verdicts, "burst paid for within 30 minutes")
    assert [verdict.aim for verdict in verdicts if verdict.what == "burst paid for within 30 minutes"] == [True]
    # One of twenty such shifts beside quiet ones: pooled it is back.
    found = book(name, "predictive", shift(0.8, 960, 0, (20, 100)), *[shift(0.8, 960, 0, (0, 10))] * 19)
    assert ok(judge.verdicts(CELLS[name], found), "burst paid for within 30 minutes")
    # For ever above 3 %
    found = book(name, "predictive", shift(0.8, 960, 96))
    own = found.get(name, "predictive")
    assert own is not None and own.change is not None
    assert own.change.back_after_min is None
    assert not ok(judge.verdicts(CELLS[name], found), "back within 30 minutes")


def test_the_cold_start_is_judged_on_the_tables_shifts() -> None:
    # 960 answers in 8 hours: 60 in the first half hour.
    for lost, kept in ((16, True), (64, False)):  # 1 and 4 of 60
        found = judge.verdicts(CELLS["10/.3"], book("10/.3", "predictive", shift(0.86, 960, lost)))
        assert ok(found, "cold start") is kept


# ---- the gate of CI --------------------------------------------------------------------------------------------

CHEAP = {
    agents: {"agents": agents, "ringing": 100.0, "median_ms": 0.5, "mean_ms": 0.6, "p99_ms": 1.0}
    for agents in short.COST_LIMITS_MS
}


def gate(tmp_path: Path, busy: float, abandoned: int) -> Cache:
    cache = Cache(tmp_path, KEYS)
    for each in short.GATES:
        for asked in each.jobs():
            cache.put(asked, shift((each.pin + busy) / 100, 1000, abandoned))
    return cache


def test_the_gate_lets_pass_what_is_as_it_was(tmp_path: Path) -> None:
    lines, faults = short.judged(gate(tmp_path, -short.TOLERANCE + 0.01, 30), CHEAP)
    assert faults == []
    assert len(lines) == len(short.GATES) + len(CHEAP)


@pytest.mark.parametrize(
    ("busy", "abandoned", "said"),
    [
        (-short.TOLERANCE - 0.01, 30, "below the pinned floor"),
        (0.0, 31, "abandon more than 3.00 %"),
    ],
)
def test_the_gate_says_what_fails(tmp_path: Path, busy: float, abandoned: int, said: str) -> None:
    _, faults = short.judged(gate(tmp_path, busy, abandoned), CHEAP)
    assert len(faults) == len(short.GATES)
    assert all(said in fault for fault in faults)


def test_the_gate_fails_on_shifts_that_were_not_run_and_on_costly_decisions(tmp_path: Path) -> None:
    _, faults = short.judged(Cache(tmp_path, KEYS), {})
    assert len(faults) == len(short.GATES) + len(CHEAP)
    _, faults = short.judged_costs({300: CHEAP[300] | {"median_ms": 2.01}, 1000: CHEAP[1000] | {"median_ms": 5.0}})
    assert faults == ["a decision at 300 agents costs 2.01 ms of CPU, more than 2 ms"]


# ---- the whole, once -------------------------------------------------------------------------------------------


class _Two:
    """Two tiny shifts."""

    def __init__(self, cache: Cache) -> None:
        from bench.pacing.agenda import Pace

        self.pace = Pace({})
        self._cache = cache
        self.jobs = [job(CELLS["5/.3"], "progressive", {}, seed, hours=0.05) for seed in (1, 2)]

    def next(self, at_work: set[Job]) -> Job | None:
        return next((j for j in self.jobs if j not in at_work and self._cache.get(j) is None), None)

    def left(self) -> list[Any]:
        return [j for j in self.jobs if self._cache.get(j) is None]

    def left_s(self) -> float:
        return 0.0

    def shifts(self) -> int:
        return 2


def test_workers_run_the_frozen_copy_and_what_they_find_is_kept(tmp_path: Path) -> None:
    frozen = code.freeze(ROOT, tmp_path / "frozen")
    cache = Cache(tmp_path / "cache", KEYS)
    work = _Two(cache)
    assert not run(work, cache, frozen, 2, until=time.monotonic() - 1.0)  # too late to begin anything
    assert len(work.left()) == 2
    assert run(work, cache, frozen, 2)
    again = Cache(tmp_path / "cache", KEYS)
    found = [again.get(each) for each in work.jobs]
    assert all(each is not None and each["result"]["leads_unaccounted"] == 0 for each in found)
    assert [each["result"]["seed"] for each in found if each is not None] == [1, 2]
    assert all(len(each["series"]["answered"]) == 3 for each in found if each is not None)
