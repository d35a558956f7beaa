"""The pacing section: what it may say, every fault with its line, and what the pacing gets of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import LoadedConfig, load
from dialer.domain.settings import CampaignSettings, Mode
from dialer.settings import build
from pacing.settings import DEFAULT_WINDOWS, CampaignPacing
from pacing.windows import AbandonWindow

HEAD = """\
data_dir: data
switch: embedded
trunks: [{name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}]
seats: [{id: 1001-1004}]
agents: [{id: 1001-1004}]
lists: [{name: bank}]
campaigns:
  - name: bank
    mode: predictive
    lists: [bank]
    trunk: carrier
    call_window: {zone: America/New_York, days: {daily: "08:00-21:00"}}
"""
DAY_S = 86400.0


def write(tmp_path: Path, pacing: str = "", more: str = "") -> Path:
    file = tmp_path / "dialer.yaml"
    file.write_text(HEAD + (f"    pacing:\n{pacing}" if pacing else "") + more, encoding="utf-8")
    return file


def read(tmp_path: Path, pacing: str = "", more: str = "") -> LoadedConfig:
    return load(write(tmp_path, pacing, more))


def campaign(tmp_path: Path, pacing: str = "", more: str = "") -> CampaignSettings:
    return build(read(tmp_path, pacing, more), "e").engine.campaigns["bank"]


def paced(tmp_path: Path, pacing: str = "", more: str = "") -> CampaignPacing:
    found = campaign(tmp_path, pacing, more).pacing
    assert found is not None
    return found


def faults(tmp_path: Path, pacing: str, more: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, pacing, more)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]


# ---- what holds --------------------------------------------------------------------------------------------


def test_what_holds_when_nothing_is_said(tmp_path: Path) -> None:
    settings = campaign(tmp_path)
    assert settings.mode is Mode.PREDICTIVE
    zoned = tuple(AbandonWindow(w.limit, w.kind, w.length_s, w.starts_at, "UTC") for w in DEFAULT_WINDOWS)
    found = settings.pacing
    assert found is not None
    assert [(w.limit, w.kind, w.length_s) for w in found.windows] == [(w.limit, w.kind, w.length_s) for w in zoned]
    own = CampaignPacing("bank")
    for name in ("aim", "min_agents", "hang_up_over", "hang_up_share", "max_theta", "weight", "prior_answer"):
        assert getattr(found, name) == getattr(own, name), name
    assert (found.wait_limit_s, found.min_ring_s, found.ring_timeout_s) == (2, 15, 30)
    assert settings.ledger_days == 31
    assert settings.machine_dispositions == ("machine", "answering_machine")
    assert read(tmp_path).warnings == ()


def test_every_kind_of_window(tmp_path: Path) -> None:
    text = """\
      abandon:
        - {limit: 3%, period: 30d, since: 2026-01-01}
        - {limit: 0.05, period: month, zone: Europe/London}
        - {limit: 2.5%, period: day}
        - {limit: 4%, period: shift}
        - {limit: 3%, trailing: 24h}
"""
    start = datetime(2026, 1, 1, 5, tzinfo=UTC).timestamp()  # midnight in New York
    assert paced(tmp_path, text).windows == (
        AbandonWindow(0.03, "period", 30 * DAY_S, start, "America/New_York"),
        AbandonWindow(0.05, "month", zone="Europe/London"),
        AbandonWindow(0.025, "day", zone="America/New_York"),
        AbandonWindow(0.04, "shift", zone="America/New_York"),
        AbandonWindow(0.03, "trailing", DAY_S),
    )
    assert campaign(tmp_path, text).ledger_days == 32


def test_the_other_knobs(tmp_path: Path) -> None:
    text = """\
      amd_false_positive: 2%
      aim: 95%
      min_agents: 5
      hang_up_over: 5%
      hang_up_share: 0
      max_theta: 0.1
      weight: 2
      shift_ends: "17:30"
      spare_list: no
      expect: {answer_probability: 15%, talk_s: 3m, wrap_up_s: 20s}
"""
    found = paced(tmp_path, text)
    assert (found.amd_false_positive, found.aim, found.min_agents) == (0.02, 0.95, 5)
    assert (found.hang_up_over, found.hang_up_share, found.max_theta, found.weight) == (0.05, 0, 0.1, 2)
    assert (found.prior_answer, found.prior_talk_s, found.prior_wrap_s) == (0.15, 180, 20)
    assert found.spare_list is False
    assert campaign(tmp_path, text).shift_ends == 17 * 60 + 30


@pytest.mark.parametrize(("written", "minute"), [("17:30", 1050), ("9:05", 545), ('"24:00"', 1440), ('"00:00"', 0)])
def test_when_agents_go_home(tmp_path: Path, written: str, minute: int) -> None:
    assert campaign(tmp_path, f"      shift_ends: {written}\n").shift_ends == minute
    assert campaign(tmp_path, "      aim: 95%\n").shift_ends is None


def test_the_wrap_up_that_is_expected_is_the_campaigns_own_unless_said(tmp_path: Path) -> None:
    assert paced(tmp_path, more="    wrap_up_s: 12s\n").prior_wrap_s == 12
    assert paced(tmp_path, more="    wrap_up_s: 0\n").prior_wrap_s == 0.5


def test_reserved_inbound_and_machine_words(tmp_path: Path) -> None:
    file = write(tmp_path, more="    dispositions: [sale, am]\n    machine_dispositions: [am]\n")
    file.write_text(file.read_text().replace("cps: 5", "cps: 5, reserved_inbound: 3"))
    engine = build(load(file), "e").engine
    assert (engine.trunks["carrier"].reserved_inbound, engine.trunks["carrier"].outbound) == (3, 7)
    assert engine.campaigns["bank"].machine_dispositions == ("am",)


def test_a_window_given_by_flag_or_environment(tmp_path: Path) -> None:
    file = write(tmp_path)
    by_flag = load(file, overrides={"campaigns.bank.pacing.abandon": "[{limit: 2%, period: month}]"})
    window = by_flag.config.campaigns[0].pacing.abandon[0]
    assert (window.limit, window.period) == (0.02, "month")
    by_env = load(file, env={"DIALER__CAMPAIGNS__BANK__PACING__AIM": "90%"})
    assert by_env.config.campaigns[0].pacing.aim == 0.9


# ---- faults ------------------------------------------------------------------------------------------------

FAULTS = [
    # (what stands under abandon, the fault)
    ("{limit: 0, period: 30d}", "bank.pacing.abandon.0.limit: 0: a share above 0 and below 1, such as 0.03 or 3%"),
    ("{limit: 1, period: 30d}", "bank.pacing.abandon.0.limit: 1: a share above 0 and below 1, such as 0.03 or 3%"),
    ("{limit: 3, period: 30d}", "bank.pacing.abandon.0.limit: 3: a share above 0 and below 1, such as 0.03 or 3%"),
    ("{limit: 100%, period: 30d}", "bank.pacing.abandon.0.limit: 100%: a share above 0 and below 1"),
    ("{limit: -3%, period: 30d}", "bank.pacing.abandon.0.limit: -3%: a share above 0 and below 1"),
    ("{limit: nan, period: 30d}", "bank.pacing.abandon.0.limit: nan: a share above 0 and below 1"),
    ("{period: 30d}", "bank.pacing.abandon.0.limit: (missing): this key, which has no default"),
    ("{limit: 3%}", "bank.pacing.abandon.0: (no length): either period (30d, month, day, shift) or trailing (24h)"),
    (
        "{limit: 3%, period: 30d, trailing: 24h}",
        "bank.pacing.abandon.0.trailing: 86400: either period or trailing, not both: write two windows",
    ),
    ("{limit: 3%, trailing: 9m}", "bank.pacing.abandon.0.trailing: 9m: a duration such as 30, 30s, 5m or 2h, from 600"),
    ("{limit: 3%, trailing: 400d}", "bank.pacing.abandon.0.trailing: 400d: a duration such as 30, 30s, 5m or 2h"),
    ("{limit: 3%, period: 30}", "bank.pacing.abandon.0.period: 30: a length such as 30d, from 1d to 366d, or one of"),
    ("{limit: 3%, period: week}", "bank.pacing.abandon.0.period: week: a length such as 30d, from 1d to 366d, or one"),
    ("{limit: 3%, period: 30d, since: soon}", "bank.pacing.abandon.0.since: soon: a day such as 2026-01-31"),
    ("{limit: 3%, period: 30d, since: 2026-02-30}", "bank.pacing.abandon.0.since: 2026-02-30: a day such as"),
    ("{limit: 3%, period: 30d, since: 2999-01-01}", "bank.pacing.abandon.0.since: 2999-01-01: a day that has come"),
    ("{limit: 3%, period: month, since: 2026-01-01}", "bank.pacing.abandon.0.since: 2026-01-01: no such key with"),
    ("{limit: 3%, trailing: 24h, since: 2026-01-01}", "bank.pacing.abandon.0.since: 2026-01-01: no such key with"),
    ("{limit: 3%, trailing: 24h, zone: UTC}", "bank.pacing.abandon.0.zone: UTC: no such key with trailing: 24h"),
    ("{limit: 3%, period: day, zone: Mars}", "bank.pacing.abandon.0.zone: Mars: a time zone of the IANA list"),
    ("{limit: 3%, periot: day}", "bank.pacing.abandon.0.periot: (unknown key): a known key; did you mean period?"),
]


@pytest.mark.parametrize(("window", "fault"), FAULTS, ids=[window for window, _ in FAULTS])
def test_one_faulty_window(tmp_path: Path, window: str, fault: str) -> None:
    found = faults(tmp_path, f"      abandon:\n        - {window}\n")
    assert [line for line in found if line.startswith(f"dialer.yaml:15: campaigns.{fault}")], found
    if "periot" not in window:
        assert len(found) == 1, found


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("aim: 101%", "aim: 101%: a share from 0.1 to 1, such as 0.5 or 50%"),
        ("aim: 0", "aim: 0: a share from 0.1 to 1"),
        ("min_agents: 0", "min_agents: 0: a whole number from 1 to 10000"),
        ("hang_up_over: 0", "hang_up_over: 0: a share from 0.001 to 1"),
        ("hang_up_share: 1.1", "hang_up_share: 1.1: a share from 0 to 1"),
        ("max_theta: 0", "max_theta: 0: a share from 0.005 to 1"),
        ("weight: 0", "weight: 0: a number from 0.01 to 100"),
        ("amd_false_positive: 60%", "amd_false_positive: 60%: a share from 0 to 0.5"),
        ("expect: {answer_probability: 0}", "expect.answer_probability: 0: a share from 0.005 to 0.995"),
        ("expect: {talk_s: 0}", "expect.talk_s: 0: a duration such as 30, 30s, 5m or 2h, from 1s"),
        ("shift_ends: 17", "shift_ends: 17: a time of day such as \"17:30\""),
        ("shift_ends: '24:01'", "shift_ends: 24:01: a time of day such as \"17:30\""),
        ("shift_ends: 8h", "shift_ends: 8h: a time of day such as \"17:30\""),
        ("spare_list: 3", "spare_list: 3: true or false"),
        ("abandon: []", "abandon: (empty): at least one window, such as {limit: 3%, period: 30d}"),
        ("hang_up_ower: 3", "hang_up_ower: (unknown key): a known key; did you mean hang_up_over?"),
        ("baseline: vicidial", "baseline: (unknown key): "),
    ],
)
def test_one_faulty_knob(tmp_path: Path, key: str, fault: str) -> None:
    (found,) = faults(tmp_path, f"      {key}\n")
    assert found.startswith(f"dialer.yaml:14: campaigns.bank.pacing.{fault}"), found


def test_a_window_given_twice(tmp_path: Path) -> None:
    text = "      abandon:\n        - {limit: 3%, trailing: 24h}\n        - {limit: 2%, trailing: 1d}\n"
    (found,) = faults(tmp_path, text)
    assert found == (
        "dialer.yaml:16: campaigns.bank.pacing.abandon.1: trailing: 24h: "
        "each window once; number 1 of this list is the same"
    )


def test_words_for_machines_must_be_dispositions_where_those_are_listed(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, "", "    dispositions: [sale]\n    machine_dispositions: [am]\n")
    assert found.startswith("dialer.yaml:14: campaigns.bank.machine_dispositions.0: am: one of the campaign's disposit")


@pytest.mark.parametrize("rule", ["vicidial", "mean_matching"])
def test_the_benchmarks_rules_are_no_modes(tmp_path: Path, rule: str) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text().replace("mode: predictive", f"mode: {rule}"))
    with pytest.raises(ConfigError, match=f"{rule}: one of preview, progressive, ratio, predictive"):
        load(file)


def test_predictive_needs_open_lines_and_knows_no_lines_per_agent(tmp_path: Path) -> None:
    file = write(tmp_path, more="    lines_per_agent: 2\n")
    file.write_text(file.read_text().replace("seats: [{id: 1001-1004}]", "seats: [{id: 1001-1004, mode: on_call}]"))
    with pytest.raises(ConfigError) as caught:
        load(file)
    found = [str(fault) for fault in caught.value.faults]
    assert any("1001 (on_call): a nailed_up seat: agent 1001 serves campaign bank" in line for line in found)
    assert any("lines_per_agent: 2: no such key in mode predictive, which decides for itself" in line for line in found)


def test_ring_times_that_contradict_are_faults_here_too(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, "", "    ring_timeout_s: 20\n    min_ring_s: 25\n")
    assert "campaigns.bank.ring_timeout_s: 20: at least min_ring_s, which is 25" in found


# ---- warnings ----------------------------------------------------------------------------------------------


def test_what_deserves_a_second_look(tmp_path: Path) -> None:
    text = "      abandon: [{limit: 3%, period: 30d}]\n      min_agents: 9\n"
    warnings = [str(w).replace(f"{tmp_path}/", "") for w in read(tmp_path, text, "    wait_limit_s: 3\n").warnings]
    assert [w for w in warnings if "wait_limit_s: 3 s: the law of several countries allows 2 s" in w]
    assert [w for w in warnings if "abandon.0: without since its periods are counted from 1970-01-01" in w]
    assert [w for w in warnings if "4 agents serve it, fewer than min_agents (9)" in w]


def test_pacing_under_another_mode_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, "      aim: 90%\n")
    file.write_text(file.read_text().replace("mode: predictive", "mode: progressive"))
    assert [w for w in load(file).warnings if "mode progressive is not paced by it" in str(w)]
