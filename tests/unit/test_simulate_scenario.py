"""Scenarios: defaults, every fault with its file and line, durations from columns of files."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest
from pydantic import BeforeValidator

from config.errors import ConfigError
from dialer.simulate import scenario as scenarios
from dialer.simulate.scenario import Predictive, Ratio, Scenario, Vicidial, mean_and_cv
from dialer.simulate.scenario_file import Plan, load


def plan(folder: Path, text: str) -> Plan:
    file = folder / "s.yaml"
    file.write_text(text)
    return load(file)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        plan(folder, text)
    return [str(fault).removeprefix(f"{folder}/") for fault in refused.value.faults]


def test_an_empty_scenario_is_the_study(tmp_path: Path) -> None:
    found = plan(tmp_path, "# nothing\n")
    scenario = found.scenario
    assert found.name == "s" and scenario == Scenario() and found.options == Predictive()
    assert (scenario.agents, scenario.shift_hours, scenario.policy) == (20, 8.0, "predictive")
    assert mean_and_cv(scenario, "talk") == (120.0, 1.0)
    assert mean_and_cv(scenario, "wrap") == (20.0, 0.5)
    assert (scenario.answer_probability.mean, scenario.answer_probability.sd) == (0.3, 0.0)
    ring = scenario.ring_to_answer
    assert (ring.mean_s, ring.sd_s, ring.max_s) == (12.0, 6.0, 30.0)
    assert scenario.ring_no_answer_s == (25.0, 30.0)
    assert scenario.fast_failure.share == 0.10
    assert (scenario.patience_s, scenario.min_ring_s) == (2.0, 15.0)
    assert (scenario.abandon.limit, scenario.abandon.window) == (0.03, "shift")
    assert (scenario.leads, scenario.lines, scenario.cps, scenario.changes) == (None, None, None, ())


def test_every_key_of_the_contract(tmp_path: Path) -> None:
    text = """
agents: 7
shift_hours: 2.5
policy: vicidial
policy_options: {max: 5, target: 1, adapt: AVERAGE, available_only: yes, limit: .05}
talk: {distribution: gamma, mean_s: 90, cv: 2}
wrap: {distribution: exponential, mean_s: 5, cv: 1.0}
answer_probability: {mean: .2, sd: .1}
ring_to_answer: {mean_s: 10, sd_s: 3, max_s: 20}
ring_no_answer_s: [20, 22.5]
fast_failure: {share: .2, seconds: [0, 2]}
patience_s: 3
abandon: {limit: .05, window: 24h}
min_ring_s: 12
leads: 500
lines: 30
cps: 2.5
changes:
  - {at_hour: 1, answer_probability: .4, agents: 9}
  - {at_hour: 2, pause_share: .5, for_minutes: 15, fast_failure: {share: .5}}
"""
    found = plan(tmp_path, text)
    assert found.options == Vicidial(max=5, target=1, adapt="AVERAGE", available_only=True, limit=0.05)
    assert (found.scenario.leads, found.scenario.lines, found.scenario.cps) == (500, 30, 2.5)
    assert found.scenario.ring_no_answer_s == (20.0, 22.5)
    first, second = found.scenario.changes
    assert first.answer_probability is not None and first.answer_probability.mean == 0.4
    assert second.fast_failure is not None and second.fast_failure.seconds is None


def test_keys_without_a_value_keep_their_default(tmp_path: Path) -> None:
    found = plan(tmp_path, "agents:\npolicy_options:\ntalk: {mean_s: null}\nleads: unlimited\nlines: ~\n")
    assert found.scenario == Scenario()


def test_shares_are_written_as_in_a_configuration(tmp_path: Path) -> None:
    """A limit is copied from one file into the other."""
    found = plan(
        tmp_path,
        """
answer_probability: 20%
fast_failure: {share: 12.5 %}
abandon: {limit: 2.5%}
policy_options: {aim: 98%, hang_up_over: 20%, hang_up_share: 25%, max_theta: 30%, spare_list: no}
changes:
  - {at_hour: 1, answer_probability: {mean: 10%, sd: 5%}, fast_failure: {share: 1%}}
  - {at_hour: 2, pause_share: 50%, for_minutes: 15}
""",
    )
    scenario = found.scenario
    always = (scenario.answer_probability.mean, scenario.fast_failure.share, scenario.abandon.limit)
    assert always == (0.2, 0.125, 0.025)
    first, second = scenario.changes
    assert first.answer_probability is not None and first.fast_failure is not None
    told = (first.answer_probability.mean, first.answer_probability.sd, first.fast_failure.share, second.pause_share)
    assert told == (0.1, 0.05, 0.01, 0.5)
    assert found.options == Predictive(aim=0.98, hang_up_over=0.2, hang_up_share=0.25, max_theta=0.3, spare_list=False)
    assert plan(tmp_path, "policy: vicidial\npolicy_options: {limit: 3%}\n").options == Vicidial(limit=0.03)


FAULTS = """
agnets: 3
1: agnets: (unknown key): a known key; did you mean agents?

# a line before it
agents: 0
2: agents: 0: a whole number from 1 to 5000

shift_hours: .inf
1: shift_hours: .inf: a number from 0.01 to 168

patience_s: nan
1: patience_s: nan: a number from 0 to 600

patience_s: 2s
1: patience_s: 2s: a number from 0 to 600

policy: best
1: policy: best: one of predictive, progressive, ratio, vicidial, mean_matching

policy_options: 3
1: policy_options: (no mapping): a mapping (key: value)

policy: ratio
policy_options:
  line: 3
3: policy_options.line: (unknown key): a known key; did you mean lines?

policy: progressive
policy_options: {x: 1}
2: policy_options.x: (unknown key): no key here: this policy has no options

talk:
  mean_s: -1
2: talk.mean_s: -1: a number from 0 to 36000

talk:
  distribution: exponential
  cv: 2
3: talk.cv: 2: 1 or nothing: an exponential distribution has no other

wrap: {distribution: empirical, column: x}
1: wrap: the key file too, which an empirical distribution is read from

talk: {file: x.csv}
1: talk.file: x.csv: no file: only an empirical distribution has one, not a lognormal one

answer_probability: 1.2
1: answer_probability: 1.2: a share from 0 to 1, such as 0.03 or 3%

answer_probability: 30
1: answer_probability: 30: a share from 0 to 1, such as 0.03 or 3%

answer_probability:
  mean: .3
  sd: .47
3: answer_probability.sd: .47: less than 0.4583, the most that probabilities with mean 0.3 can have

answer_probability: .95
fast_failure: {share: .1}
2: fast_failure.share: .1: at most 0.05: with the answered ones not above 1

ring_no_answer_s: [30, 25]
1: ring_no_answer_s: [30, 25]: a list [low, high] whose first number is not above the second

ring_no_answer_s: 30
1: ring_no_answer_s: 30: a list of two numbers [low, high], each from 0.1 to 600

ring_to_answer:
  mean_s: 40
1: ring_to_answer.max_s: (not written): at least the mean, which is 40

leads: -5
1: leads: -5: a whole number from 0 to 1000000000, or unlimited

cps: -inf
1: cps: -inf: a number from 0.01 to 100000, or unlimited

abandon: {limit: 3}
1: abandon.limit: 3: a share from 0.0001 to 0.9999, such as 0.03 or 3%

changes: {at_hour: 1}
1: changes: a list

changes:
  - agents: 3
2: changes.0.at_hour: (missing): this key, which has no default

shift_hours: 2
changes:
  - {at_hour: 2, agents: 3}
3: changes.0.at_hour: 2: before the end of the shift, which is at 2

changes:
  - {at_hour: 2, pause_share: .2}
2: changes.0.pause_share: .2: the key for_minutes beside it

changes:
  - at_hour: 2
2: changes.0: at least one of answer_probability, agents, pause_share with for_minutes, fast_failure

changes:
- {at_hour: 1, fast_failure: {share: .5}}
- {at_hour: 2, answer_probability: .6}
3: changes.1.answer_probability: .6: at most 0.5: with the dials that fail at once (0.5) not above 1

agents: 3
agents: 4
2: agents: (repeated key): a key that is given once; it stands in line 1 too

- 3
1: a mapping (key: value) at the top of the file
"""
CASES = [case.strip().rpartition("\n") for case in FAULTS.strip().split("\n\n")]


@pytest.mark.parametrize(("text", "expected"), [(text, fault) for text, _, fault in CASES])
def test_a_fault_says_where_and_what(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text) == [f"s.yaml:{expected}"]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = "agents: x\nwrong: 1\npolicy: ratio\npolicy_options: {lines: 0}\nchanges:\n  - {at_hour: 99, agents: 1}\n"
    assert [each.split(":")[1] for each in faults(tmp_path, text)] == ["1", "2", "4", "6"]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a readable file"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="a readable file"):
        load(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"agents: 3\n\xff")
    with pytest.raises(ConfigError, match=r"b\.yaml:2: byte 0xff: text in UTF-8"):
        load(tmp_path / "b.yaml")


def test_durations_from_a_column(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id;secs\n1;10\n2;20.5\n\n3;0\n")
    found = plan(tmp_path, "talk: {distribution: empirical, file: d.csv, column: secs}")
    assert found.talk_s == (10.0, 20.5, 0.0) and found.wrap_s == ()


def test_faults_of_a_column(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id,secs\n1,10\n2,-1\n3,nan\n4,\n5,long\n6,7\n")
    text = "wrap:\n  distribution: empirical\n  file: d.csv\n  column: secs\n"
    assert faults(tmp_path, text) == [
        f"d.csv:{line}: secs: {value}: a number of seconds from 0 to 36000"
        for line, value in ((3, "-1"), (4, "nan"), (5, '""'), (6, "long"))
    ]
    assert faults(tmp_path, text.replace("secs", "second")) == [
        "s.yaml:4: wrap.column: second: a column of d.csv: id, secs"
    ]
    assert faults(tmp_path, text.replace("d.csv", "e.csv")) == [
        "s.yaml:3: wrap.file: e.csv: a readable CSV file (No such file or directory)"
    ]


def test_the_examples_are_sound() -> None:
    with as_file(files("config") / "examples" / "scenarios") as folder:
        found = {path.name: load(path) for path in sorted(Path(folder).glob("*.yaml"))}
    assert len(found) >= 8
    assert found["default.yaml"].scenario == Scenario(policy_options={}, **_written_out(found["default.yaml"]))
    assert len(found["recorded_talk_times.yaml"].talk_s) == 5000


def _written_out(plan: Plan) -> dict[str, object]:
    """The default example writes the durations and failures out; all else must be the default itself."""
    return {key: getattr(plan.scenario, key) for key in ("talk", "wrap", "fast_failure")}


def test_only_a_refusal_of_the_value_is_told_as_its_fault() -> None:
    """A mistake of ours is not laid at the file's door."""

    def broken(value: object) -> float:
        raise ZeroDivisionError

    check = scenarios._or_unlimited(BeforeValidator(broken), "a number, or unlimited")
    with pytest.raises(ZeroDivisionError):
        check.func("3")  # type: ignore[call-arg]


def test_ratio_takes_lines(tmp_path: Path) -> None:
    assert plan(tmp_path, "policy: ratio\npolicy_options: {lines: 2.5}").options == Ratio(lines=2.5)
