"""Every fault reads ``file:line: path: value: what was expected``, and all of them come in one go."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load

GOOD = """\
data_dir: data
switch: embedded
trunks:
  - name: carrier
    channels: 10
    cps: 5
    caller_id: "+12025550100"
seats:
  - id: 1001-1003
  - id: "2001"
    mode: on_call
agents:
  - id: 1001-1003
lists:
  - name: bank
campaigns:
  - name: bank
    mode: ratio
    lists: [bank]
    trunk: carrier
"""


def faults_of(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "dialer.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]


def test_the_base_of_these_tests_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "dialer.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert load(file).config.campaigns[0].wait_limit_s == 2.0


ONE_FAULT = [
    # (what is replaced, by what, the fault)
    ("channels: 10", "channels: lots", "5: trunks.carrier.channels: lots: a whole number from 1 to 100000"),
    ("channels: 10", "channels: 0", "5: trunks.carrier.channels: 0: a whole number from 1 to 100000"),
    ("channels: 10", "channels: [10]", "5: trunks.carrier.channels: (list): a whole number from 1 to 100000"),
    ("    channels: 10\n", "", "4: trunks.carrier.channels: (missing): this key, which has no default"),
    ("cps: 5", "cps: nan", "6: trunks.carrier.cps: nan: a number from 0.1 to 1000"),
    (
        "channels: 10",
        "chanels: 10\n    channels: 10",
        "5: trunks.carrier.chanels: (unknown key): a known key; did you mean channels?",
    ),
    (
        "channels: 10",
        "channels: 10\n    channels: 11",
        "6: trunks.0.channels: (repeated key): a key that is given once; it stands in line 5 too",
    ),
    (
        '"+12025550100"',
        "call,me",
        "7: trunks.carrier.caller_id: call,me: a telephone number: digits, with or without a leading +",
    ),
    ("switch: embedded", "switch: none", "2: switch: none: embedded, or a mapping with nodes: "),
    ("switch: embedded\n", "", "1: switch: (missing): this key, which has no default"),
    (
        "switch: embedded",
        "switch: {nodes: []}",
        "2: switch: (mapping): at least one node under nodes, or: switch: embedded",
    ),
    (
        "switch: embedded",
        "switch: {nodes: [{name: a}, {name: a}]}",
        "2: switch.nodes.1.name: a: a node name of its own; dialer.yaml:2 has it too",
    ),
    ("trunk: carrier", "trunk: carier", "20: campaigns.bank.trunk: carier: a configured trunk; did you mean carrier?"),
    ("lists: [bank]", "lists: [bnk]", "19: campaigns.bank.lists.0: bnk: a configured list; did you mean bank?"),
    ("lists: [bank]", "lists: []", "19: campaigns.bank.lists: (empty): at least one list of leads"),
    (
        "mode: ratio",
        "mode: ration",
        "18: campaigns.bank.mode: ration: one of preview, progressive, ratio, predictive",
    ),
    (
        "  - id: 1001-1003\nlists",
        "  - id: 1001-1004\nlists",
        "13: agents.1001-1004.seat: 1004: a configured seat; did you mean 1003?",
    ),
    (
        "  - id: 1001-1003\nlists",
        '  - id: 1001-1003\n  - id: "2001"\nlists',
        "14: agents.2001.seat: 2001 (on_call): a nailed_up seat: agent 2001 serves campaign bank",
    ),
    (
        "  - id: 1001-1003\nlists",
        "  - id: 1001-1003\n  - id: 1002\nlists",
        "14: agents.1002.id: 1002: ids of its own; dialer.yaml:13 has 1002 too",
    ),
    (
        "  - id: 1001-1003\nlists",
        "  - id: 1001-1003\n    campaigns: [banc]\nlists",
        "14: agents.1001-1003.campaigns.0: banc: a configured campaign; did you mean bank?",
    ),
    (
        "  - id: 1001-1003\nlists",
        '  - id: 1001-1003\n    seat: "1001"\n    login_at_start: yes\nlists',
        "14: agents.1001-1003.seat: 1001: a free seat: 1001 sits there at the start too",
    ),
    ("id: 1001-1003\n  - id: ", "id: 1003-1001\n  - id: ", "9: seats.1003-1001.id: 1003-1001: a range of at most"),
    (
        "    mode: on_call",
        "    mode: on_call\n  - id: 1002-1009",
        "12: seats.1002-1009.id: 1002-1009: ids of its own; dialer.yaml:9 has 1002 too",
    ),
    (
        "    mode: on_call",
        "    mode: on_call\n    address: user/1002",
        "12: seats.2001.address: user/1002: an address for each seat; 1002 has user/1002 too",
    ),
    (
        "    mode: on_call",
        "    mode: on_call\n    address: 'user/1 &system(reboot)'",
        "12: seats.2001.address: user/1 &system(reboot): user/ID, user/ID@domain or sip:ID@host:port",
    ),
    (
        "- name: bank\ncampaigns",
        "- name: bank\n  - name: bank\ncampaigns",
        "16: lists.1.name: bank: a list name of its own; dialer.yaml:15 has it too",
    ),
    (
        "- name: bank\ncampaigns",
        "- name: bank\n    file: nowhere.csv\ncampaigns",
        "16: lists.bank.file: nowhere.csv: a file that exists",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    ring_timeout_s: 10",
        "21: campaigns.bank.ring_timeout_s: 10: at least min_ring_s, which is 15",
    ),
    (
        "mode: ratio",
        "mode: progressive\n    lines_per_agent: 2",
        "19: campaigns.bank.lines_per_agent: 2: no such key in mode progressive",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    message: /var/my sounds/a.wav",
        "21: campaigns.bank.message: /var/my sounds/a.wav: an absolute path as the switch sees it",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    recycle: {connected: 5m}",
        "21: campaigns.bank.recycle.connected: (unknown key): one of the keys",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    agents: [1001-1002, 1009]",
        "21: campaigns.bank.agents.1: 1009: a configured agent",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    call_window:\n      zone: Europe/Berln",
        "22: campaigns.bank.call_window.zone: Europe/Berln: a time zone of the IANA list",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    call_window:\n      days:\n        mon: 20:00-09:00",
        "23: campaigns.bank.call_window.days.mon: 20:00-09:00: a time span that ends after it starts",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    call_window:\n      days:\n        mon-fry: 09:00-20:00",
        "23: campaigns.bank.call_window.days.mon-fry: mon-fry: a day (mon … sun), a range such as mon-fri",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    call_window:\n      days: {mon-fri: 09:00-20:00, fri-sat: 09:00-12:00}",
        "22: campaigns.bank.call_window.days.fri-sat: fri-sat: each day once; mon-fri holds some of these too",
    ),
    (
        "trunk: carrier",
        "trunk: carrier\n    call_window:\n      days: {mon: [09:00-12:00, 11:00-20:00]}",
        "22: campaigns.bank.call_window.days.mon: mon: time spans that do not overlap",
    ),
    (
        "channels: 10",
        "channels: 10\n    reserved_inbound: 10",
        "6: trunks.carrier.reserved_inbound: 10: fewer than channels, which is 10",
    ),
    ("data_dir: data", "http: {port: 99999}", "1: http.port: 99999: a whole number from 0 to 65535"),
    ("data_dir: data", "http: 8088", "1: http: (text): a mapping (key: value)"),
    ("data_dir: data", "drain_seconds: 5 minutes", "1: drain_seconds: 5 minutes: a duration such as 30, 30s, 5m or 2h"),
    ("data_dir: data", "esl: {password_file: nowhere}", "1: esl.password_file: nowhere: a readable file that holds"),
    (
        "data_dir: data",
        "embedded: {callees: {answer_probability: 0.9}, carrier: {failure_share: 0.5}}",
        "1: embedded.callees.answer_probability: 1.55: at most 1 for the sum of",
    ),
    ("data_dir: data", "database: {url: 'mysql://x'}", "1: database.url: (secret): sqlite:///FILE or postgresql://"),
    ("data_dir: data", "data_dir: !!python/name:os.system x", "1: data_dir: a plain value, without a tag"),
    ("data_dir: data", "data_dir: &a [*a]", "1: data_dir.0: an alias that does not contain itself"),
    ("data_dir: data", "data_dir: [", "3: not valid YAML (column 7)"),
    ("data_dir: data", "data_dir: \x07", "1: not valid YAML"),
]


@pytest.mark.parametrize(("old", "new", "fault"), ONE_FAULT, ids=[new[:40].strip() for _, new, _ in ONE_FAULT])
def test_one_fault_has_its_line_path_value_and_expectation(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert GOOD.count(old) == 1
    found = [line.replace(f"{tmp_path}/", "") for line in faults_of(tmp_path, GOOD.replace(old, new))]
    assert any(line.startswith(f"dialer.yaml:{fault}") for line in found), found
    if fault.startswith("1: data_dir"):
        return
    assert len(found) == 1, found


TEN = """\
switch: embedded
esl: {pasword: hunter2}
http:
  port: 99999
trunks:
  - name: carrier
    channels: lots
    cps: 5
    caller_id: "+12025550100"
seats:
  - id: 1001
  - id: 2001
    mode: on_call
  - id: 1001
agents:
  - id: 1001
  - id: 2001
  - id: 3001
lists:
  - name: bank
    file: nowhere.csv
campaigns:
  - name: bank
    mode: ratio
    lists: [bnk]
    trunk: carier
    ring_timeout_s: 10
    call_window:
      zone: Mars/Olympus
"""


def test_ten_faults_and_more_are_reported_in_one_go_in_the_order_of_lines(tmp_path: Path) -> None:
    found = faults_of(tmp_path, TEN)
    assert [line.split(": ")[:3] for line in found] == [
        ["dialer.yaml:2", "esl.pasword", "(unknown key)"],
        ["dialer.yaml:4", "http.port", "99999"],
        ["dialer.yaml:7", "trunks.carrier.channels", "lots"],
        ["dialer.yaml:14", "seats.2.id", "1001"],
        ["dialer.yaml:17", "agents.2001.seat", "2001 (on_call)"],
        ["dialer.yaml:18", "agents.3001.seat", "3001"],
        ["dialer.yaml:21", "lists.bank.file", "nowhere.csv"],
        ["dialer.yaml:25", "campaigns.bank.lists.0", "bnk"],
        ["dialer.yaml:26", "campaigns.bank.trunk", "carier"],
        ["dialer.yaml:27", "campaigns.bank.ring_timeout_s", "10"],
        ["dialer.yaml:29", "campaigns.bank.call_window.zone", "Mars/Olympus"],
    ]


def test_a_reference_to_a_faulty_entry_is_no_second_fault(tmp_path: Path) -> None:
    found = faults_of(tmp_path, GOOD.replace("    channels: 10\n", ""))
    assert len(found) == 1


def test_a_faulty_value_is_not_compared_with_others(tmp_path: Path) -> None:
    text = GOOD.replace("trunk: carrier", "trunk: carrier\n    ring_timeout_s: ten\n    min_ring_s: 60")
    assert [line.split(": ")[1] for line in faults_of(tmp_path, text)] == ["campaigns.bank.ring_timeout_s"]


def test_faults_of_several_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "10-http.yaml").write_text("http:\n  port: none\n")
    (tmp_path / "conf.d" / "20-broken.yaml").write_text("http: [\n")
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "spring.yaml").write_text("mode: rate\nlists: [bank]\ntrunk: in-the-broken-file\n")
    found = faults_of(tmp_path, GOOD)
    assert [line.split(": ")[:2] for line in found] == [
        ["campaigns/spring.yaml:1", "campaigns.spring.mode"],
        ["conf.d/10-http.yaml:2", "http.port"],
        ["conf.d/20-broken.yaml:2", "not valid YAML (column 1)"],
    ]


def test_a_missing_file_and_one_that_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: a readable file \(No such file or directory\)"):
        load(tmp_path / "none.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"switch: embedded\ninstance: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: byte 0xe9: text in UTF-8"):
        load(latin)


def test_an_alias_bomb_is_refused_quickly(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    found = faults_of(tmp_path, "\n".join(lines))
    assert any("at most 200000 values, aliases included" in line for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "esl: {password: 'hunter2\\x01'}",
        'esl: {password: "hunter2\\x01"}',
        "esl: {password: [hunter2]}",
        "esl: {password: {hunter2: hunter2}}",
        "esl: {pass: hunter2}",
        "esl: hunter2",
        "http: {token: hunter2, token_file: nowhere}",
        "switch: {nodes: [{name: a, password: hunter2, port: x}]}",
        "database: {url: 'postgres://u:hunter2@h/d'}",
        "seats: [{id: 1001, secrets: {1002: hunter2}}]",
        "esl: {password: hunter2",
        "esl: {password: *hunter2}",
        "esl: {password: &hunter2 [x]}",
        "esl: {password: !hunter2 x}",
        "esl: {password: !h!hunter2 x}",
        "esl: {password: %hunter2}",
        "esl: {password: @hunter2}",
        "esl: {password: 'a'hunter2'}",
        'esl: {password: "a\\zhunter2"}',
        "trunks: [{name: t, proxy: 'u:hunter2@host'}]",
    ],
)
def test_no_fault_shows_a_secret(tmp_path: Path, text: str) -> None:
    file = tmp_path / "dialer.yaml"
    file.write_text(f"{text}\ndrain_seconds: never\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert "hunter2" not in str(caught.value) + repr(caught.value) + repr(caught.value.faults)
