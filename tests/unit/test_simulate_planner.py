"""Planned shifts: the same seed is the same shift, everything is accounted for, each change does what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dialer.simulate import tally as tallies
from dialer.simulate.parallel import Run, RunFailed, simulate_all
from dialer.simulate.people import ANSWERS, FAILS, RINGS_OUT, People
from dialer.simulate.planner import Outcome, simulate
from dialer.simulate.scenario_file import Plan, load

CONTRACT = set(
    "agents hours dialed answered connected abandoned abandon_rate busy_share talk_share worst_5min_abandon_rate "
    "first_30min_abandon_rate hung_up_ringing dials_per_answer connected_per_agent_hour lines_peak leads_unaccounted "
    "wall_s".split()
)
EXTRA = {"scenario", "policy", "seed", "version", "after_change_5min_abandon_rate"}
RATIO = "policy: ratio\npolicy_options: {lines: 3}\n"


def plan(folder: Path, text: str) -> Plan:
    file = folder / "s.yaml"
    file.write_text(text)
    return load(file)


def run(folder: Path, text: str, seed: int = 1) -> Outcome:
    return simulate(plan(folder, text), seed)


def sound(outcome: Outcome) -> dict[str, Any]:
    """What holds for every shift."""
    result = dict(outcome.result)
    assert set(result) == CONTRACT | EXTRA
    assert sum(outcome.outcomes.values()) == result["dialed"]
    assert result["leads_unaccounted"] == 0
    assert result["answered"] == result["connected"] + result["abandoned"]
    assert 0 <= result["talk_share"] <= result["busy_share"] <= 1
    return result


def at(outcome: Outcome, minute: float) -> int:
    """The series' row at a minute of the shift."""
    return int(np.searchsorted(outcome.series.at_s, minute * 60.0))


# ---- determinism and accounting ------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["predictive", "progressive", "ratio"])
def test_the_same_seed_is_the_same_shift_to_the_byte(tmp_path: Path, policy: str) -> None:
    text = f"agents: 6\nshift_hours: 0.4\npolicy: {policy}\nanswer_probability: {{mean: .3, sd: .2}}\n"
    first, again, other = (run(tmp_path, text, seed) for seed in (7, 7, 8))
    assert _bytes(first) == _bytes(again)
    assert _bytes(first) != _bytes(other)
    for one, two in zip(first.series, again.series, strict=True):
        assert np.array_equal(one, two)
    assert sound(first)["policy"] == policy
    assert first.result["seed"] == 7


def _bytes(outcome: Outcome) -> str:
    return json.dumps({key: value for key, value in outcome.result.items() if key != "wall_s"})


def test_every_dial_has_one_outcome_and_every_answer_a_fate(tmp_path: Path) -> None:
    result = sound(run(tmp_path, f"agents: 10\nshift_hours: 1\n{RATIO}"))
    assert result["dialed"] > 500
    assert result["abandoned"] > 0
    assert result["abandon_rate"] == round(result["abandoned"] / result["answered"], 6)
    assert result["dials_per_answer"] == round(result["dialed"] / result["answered"], 6)
    assert result["connected_per_agent_hour"] == round(result["connected"] / 10, 6)
    assert result["hung_up_ringing"] == 0
    assert result["worst_5min_abandon_rate"] >= result["abandon_rate"]


def test_progressive_dialing_abandons_nobody_and_is_as_busy_as_the_study_says(tmp_path: Path) -> None:
    """The table of the design has 48.1 to 48.5 % busy for one call an agent at 15 % answers."""
    result = sound(run(tmp_path, "agents: 50\nshift_hours: 2\npolicy: progressive\nanswer_probability: .15\n"))
    assert result["abandoned"] == 0
    assert result["busy_share"] == pytest.approx(0.482, abs=0.02)
    assert result["lines_peak"] == 50


def test_predictive_keeps_agents_busier_than_one_call_each(tmp_path: Path) -> None:
    text = "agents: 12\nshift_hours: 1\n"
    predictive, progressive = sound(run(tmp_path, text)), sound(run(tmp_path, text + "policy: progressive\n"))
    assert predictive["busy_share"] > progressive["busy_share"] + 0.05
    assert predictive["abandoned"] > 0


@pytest.mark.parametrize(
    ("policy", "options"), [("vicidial", "{max: 4, adapt: TAPERED}"), ("mean_matching", "{factor: 1.1}")]
)
def test_baselines_can_be_chosen(tmp_path: Path, policy: str, options: str) -> None:
    pytest.importorskip(f"pacing.{policy}")
    text = f"agents: 20\nshift_hours: 0.5\npolicy: {policy}\npolicy_options: {options}\n"
    result = sound(run(tmp_path, text))
    assert result["policy"] == policy and result["connected"] > 50


def test_answers_after_the_end_still_belong_to_the_shift(tmp_path: Path) -> None:
    outcome = run(tmp_path, f"agents: 40\nshift_hours: 0.1\n{RATIO}")
    result = sound(outcome)
    assert outcome.series.answered[-1] < result["answered"]
    assert outcome.series.at_s[-1] == 360.0
    assert result["dials_per_answer"] > 1


def test_nobody_answers(tmp_path: Path) -> None:
    result = sound(run(tmp_path, "agents: 3\nshift_hours: 0.2\nanswer_probability: 0\npolicy: progressive\n"))
    assert result["answered"] == 0 and result["dialed"] > 0
    assert result["abandon_rate"] == result["worst_5min_abandon_rate"] == result["dials_per_answer"] == 0.0


def test_everybody_answers(tmp_path: Path) -> None:
    result = sound(run(tmp_path, "agents: 3\nshift_hours: 0.2\nanswer_probability: 1\npolicy: progressive\n"))
    assert result["answered"] == result["dialed"]


# ---- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["progressive", "predictive"])
def test_a_list_that_runs_out(tmp_path: Path, policy: str) -> None:
    result = sound(run(tmp_path, f"agents: 10\nshift_hours: 1\nleads: 150\npolicy: {policy}\n"))
    assert result["dialed"] == 150
    assert run(tmp_path, "agents: 2\nshift_hours: 0.1\nleads: 0\npolicy: progressive\n").result["dialed"] == 0


@pytest.mark.parametrize("options", ["policy: predictive\n", RATIO])
def test_lines_are_a_cap(tmp_path: Path, options: str) -> None:
    result = sound(run(tmp_path, f"agents: 10\nshift_hours: 0.5\nlines: 13\n{options}"))
    assert result["lines_peak"] == 13


@pytest.mark.parametrize("options", ["policy: predictive\n", RATIO])
def test_calls_a_second_are_a_cap(tmp_path: Path, options: str) -> None:
    outcome = run(tmp_path, f"agents: 30\nshift_hours: 0.25\ncps: 0.5\nanswer_probability: .1\n{options}")
    result = sound(outcome)
    assert result["dialed"] <= 0.5 * 900 + 1
    assert result["dialed"] > 0.4 * 900


def test_no_ringing_call_is_hung_up_before_the_minimum(tmp_path: Path) -> None:
    text = "agents: 6\nshift_hours: 1\npolicy_options: {hang_up_over: 0.01, hang_up_share: 1}\n"
    assert sound(run(tmp_path, text))["hung_up_ringing"] > 0
    longest = "min_ring_s: 30\n"  # nobody rings longer than that
    assert sound(run(tmp_path, text + longest))["hung_up_ringing"] == 0


# ---- changes -------------------------------------------------------------------------------------------------

HALF = "agents: 20\nshift_hours: 1\npolicy: progressive\n"


def test_more_and_fewer_agents(tmp_path: Path) -> None:
    outcome = run(tmp_path, HALF + "changes:\n- {at_hour: .25, agents: 26}\n- {at_hour: .5, agents: 5}\n")
    result, series = sound(outcome), outcome.series
    assert series.logged_in[at(outcome, 14)] == 20
    assert series.logged_in[at(outcome, 16)] == 26
    assert series.busy[at(outcome, 17) : at(outcome, 29)].max() > 20
    assert series.logged_in[at(outcome, 45)] == 5
    assert [change["at_hour"] for change in result["after_change_5min_abandon_rate"]] == [0.25, 0.5]


def test_surplus_agents_finish_their_customer(tmp_path: Path) -> None:
    text = "agents: 8\nshift_hours: .5\npolicy: progressive\nanswer_probability: .9\ntalk: {mean_s: 300, cv: 0}\n"
    outcome = run(tmp_path, text + "changes:\n- {at_hour: .1, agents: 0}\n")
    result, series = sound(outcome), outcome.series
    assert result["abandoned"] <= 2  # whose phone rang when the last idle agent left
    assert series.busy[at(outcome, 6.5)] > 0  # those who talk stay …
    assert series.logged_in[-1] == series.busy[-1] == 0  # … and are gone in the end


def test_lunch(tmp_path: Path) -> None:
    outcome = run(tmp_path, HALF + "changes:\n- {at_hour: .25, pause_share: .5, for_minutes: 15}\n")
    sound(outcome)
    busy = outcome.series.busy
    before, during = busy[at(outcome, 2) : at(outcome, 15)], busy[at(outcome, 22) : at(outcome, 30)]
    after = busy[at(outcome, 33) : at(outcome, 60)]
    assert during.max() <= 10 < before.max()
    assert after.max() > 10
    assert set(outcome.series.logged_in) == {20}  # who is on a pause is logged in


def test_a_pause_shorter_than_a_conversation_is_none(tmp_path: Path) -> None:
    text = "agents: 4\nshift_hours: .5\npolicy: progressive\nanswer_probability: .9\ntalk: {mean_s: 400, cv: 0}\n"
    outcome = run(tmp_path, text + "changes:\n- {at_hour: .05, pause_share: 1, for_minutes: 1}\n")
    sound(outcome)
    assert outcome.series.busy[-1] > 0


def test_the_answer_rate_doubles(tmp_path: Path) -> None:
    text = "agents: 30\nshift_hours: 1\npolicy: progressive\nanswer_probability: .15\n"
    outcome = run(tmp_path, text + "changes:\n- {at_hour: .5, answer_probability: .6}\n")
    result, answered = sound(outcome), outcome.series.answered
    half = int(answered[at(outcome, 30)])
    assert result["answered"] - half > 1.5 * half
    assert result["after_change_5min_abandon_rate"][0]["answered"] > 0


def test_a_carrier_begins_to_fail(tmp_path: Path) -> None:
    text = HALF + "changes:\n- {at_hour: .5, fast_failure: {share: .5}}\n"
    failing, sane = run(tmp_path, text), run(tmp_path, HALF)
    sound(failing)
    assert failing.outcomes["carrier_failure"] + failing.outcomes["busy"] > 2 * sane.outcomes["busy"]


# ---- people --------------------------------------------------------------------------------------------------


def _fates(people: People, count: int = 20_000) -> dict[int, float]:
    hows = [people.fate(lead).how for lead in range(count)]
    return {how: hows.count(how) / count for how in (ANSWERS, RINGS_OUT, FAILS)}


@pytest.mark.parametrize("chance", ["0.3", "{mean: .3, sd: .2}"])
def test_shares_of_dials(tmp_path: Path, chance: str) -> None:
    people = People(plan(tmp_path, f"answer_probability: {chance}"), 5)
    shares = _fates(people)
    assert shares[ANSWERS] == pytest.approx(0.3, abs=0.01)
    assert shares[FAILS] == pytest.approx(0.1, abs=0.01)
    people.set_failures(0.5, None, answers_too=True)
    shares = _fates(people)
    assert shares[FAILS] == pytest.approx(0.5, abs=0.012)
    assert shares[ANSWERS] == pytest.approx(0.3 * 0.5 / 0.9, abs=0.01)


def test_times_are_those_of_the_scenario(tmp_path: Path) -> None:
    people = People(plan(tmp_path, ""), 3)
    fates = [people.fate(lead) for lead in range(20_000)]
    answers = [fate.after_s for fate in fates if fate.how == ANSWERS]
    assert np.mean(answers) == pytest.approx(11.7, abs=0.3)  # 12 but for those above 30 s
    assert max(answers) <= 30
    assert all(25 <= fate.after_s <= 30 for fate in fates if fate.how == RINGS_OUT)
    assert all(1 <= fate.after_s <= 3 for fate in fates if fate.how == FAILS)
    assert np.mean([people.talk_s(lead) for lead in range(40_000)]) == pytest.approx(120, rel=0.04)
    assert np.std([people.wrap_s(lead) for lead in range(40_000)]) == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize(
    ("text", "mean", "sd"),
    [
        ("talk: {distribution: gamma, mean_s: 60, cv: .5}", 60, 30),
        ("talk: {distribution: exponential, mean_s: 60}", 60, 60),
        ("talk: {mean_s: 60, cv: 0}", 60, 0),
        ("talk: {mean_s: 0}", 0, 0),
    ],
)
def test_distributions(tmp_path: Path, text: str, mean: float, sd: float) -> None:
    people = People(plan(tmp_path, text), 3)
    drawn = [people.talk_s(lead) for lead in range(40_000)]
    assert (np.mean(drawn), np.std(drawn)) == (pytest.approx(mean, rel=0.03), pytest.approx(sd, rel=0.05, abs=1e-9))


def test_empirical_durations_may_be_scaled(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("s\n10\n30\n")
    text = "talk: {distribution: empirical, file: d.csv, column: s"
    assert {People(plan(tmp_path, text + "}"), 1).talk_s(lead) for lead in range(50)} == {10.0, 30.0}
    assert {People(plan(tmp_path, text + ", mean_s: 40}"), 1).talk_s(lead) for lead in range(50)} == {20.0, 60.0}


def test_what_is_known_of_a_lead_tells_part_of_its_chance(tmp_path: Path) -> None:
    people = People(plan(tmp_path, "answer_probability: {mean: .3, sd: .2}"), 4)
    known = [people.features(lead) for lead in range(8000)]
    chances = np.array([each.given for each in known])
    assert (chances.mean(), chances.std()) == (pytest.approx(0.3, abs=0.01), pytest.approx(0.2, abs=0.01))
    by_list = {name: np.mean([k.given for k in known if k.list_name == name]) for name in {k.list_name for k in known}}
    assert len(by_list) == 5 and by_list["gold"] > by_list["bronze"] > by_list["lead"]
    assert {each.attempt for each in known} == {0, 1, 2, 3, 4}
    assert all((each.last_outcome == "") is (each.attempt == 0) for each in known)
    plain = People(plan(tmp_path, ""), 4)
    assert len({plain.features(lead) for lead in range(50)}) == 1


def test_leads_are_the_same_people_under_every_policy(tmp_path: Path) -> None:
    one, two = (People(plan(tmp_path, f"policy: {p}\n"), 9) for p in ("ratio", "progressive"))
    assert [one.fate(n) for n in range(100)] == [two.fate(n) for n in reversed(range(100))][::-1]


def test_known_leads_are_told_to_the_policy(tmp_path: Path) -> None:
    text = "agents: 10\nshift_hours: 1\nanswer_probability: {mean: .3, sd: .25}\n"
    learnt = sound(run(tmp_path, text))
    known = sound(run(tmp_path, text + "policy_options: {known_leads: true}\n"))
    assert known["dialed"] != learnt["dialed"]


# ---- windows -------------------------------------------------------------------------------------------------


def test_the_worst_five_minutes() -> None:
    at_s = np.arange(0.0, 3600.0, 10.0)  # 30 answers in five minutes
    gone = np.zeros(len(at_s), dtype=np.int64)
    gone[100:103] = 1
    assert tallies.worst_window(at_s, gone, 3600.0) == pytest.approx(0.1)
    assert tallies.worst_window(at_s[:0], gone[:0], 3600.0) == 0.0


def test_the_worst_five_minutes_of_a_quiet_shift_are_those_with_most_answers() -> None:
    at_s = np.array([100.0, 900.0, 910.0, 920.0, 930.0])
    assert tallies.worst_window(at_s, np.array([1, 0, 0, 1, 0]), 3600.0) == 0.25


# ---- many at once --------------------------------------------------------------------------------------------


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[list[Run]]:
    yield [Run(plan(tmp_path, "agents: 3\nshift_hours: .1\npolicy: progressive\n"), seed) for seed in (1, 2, 3)]


def test_processes_give_the_same_results_in_order(runs: list[Run]) -> None:
    heard: list[tuple[int, float]] = []
    alone = [_bytes(outcome) for outcome in simulate_all(runs, 1)]
    together = simulate_all(runs, 2, lambda index, share: heard.append((index, share)))
    assert [_bytes(outcome) for outcome in together] == alone
    assert {index for index, share in heard if share == 1.0} == {0, 1, 2}


def test_a_run_that_fails_is_named(runs: list[Run]) -> None:
    broken = Run(Plan("broken", runs[0].plan.scenario, runs[0].plan.options), -1)
    for jobs in (1, 2):
        with pytest.raises(RunFailed, match="broken, seed -1: ValueError"):
            simulate_all([broken, *runs], jobs)
