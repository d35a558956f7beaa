"""The section ``phones``: what may be written, what is refused and where, and what the engine gets of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import LoadedConfig, load
from dialer.domain.acts import DialRule
from dialer.phone_settings import phone_settings

BASE = "switch: embedded\nseats:\n  - id: 1001\nagents:\n  - id: 1001\n    role: senior\n    team: north\n"


def loaded(tmp_path: Path, text: str) -> LoadedConfig:
    file = tmp_path / "dialer.yaml"
    file.write_text(BASE + text, encoding="utf-8")
    return load(file, env={})


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return [f"{fault.source.line} {fault.path}: {fault.expected}" for fault in caught.value.faults]


def test_without_the_section_its_defaults_hold(tmp_path: Path) -> None:
    got = phone_settings(loaded(tmp_path, "").config)
    assert got.login_code == "*10" and got.keys["pause"] == "*2" and got.beep and got.language == "en"
    assert 0.1 < got.prompt_seconds["logged-in"] < 5 and not got.dial_rules


def test_what_is_written_reaches_the_engine(tmp_path: Path) -> None:
    text = """phones:
  login_code: "*77"
  keys: {pause: "*22", dispose: "*71"}
  pause_reasons: {1: lunch, 21: coaching}
  digit_gap_s: 2s
  wait_sound: local_stream://moh
  beep: no
  supervisor_roles: [boss]
  dial_rules:
    - {roles: [agent, senior], allow: ["+4930", "49"], deny: ["49900"], region: DE, shortest: 5, short: ["112"]}
"""
    got = phone_settings(loaded(tmp_path, text).config)
    assert (got.login_code, got.keys["pause"], got.keys["ready"]) == ("*77", "*22", "*1")
    assert got.pause_reasons == {"1": "lunch", "21": "coaching"} and got.digit_gap_s == 2.0
    assert got.wait_sound == "local_stream://moh" and not got.beep and got.supervisor_roles == {"boss"}
    assert (
        got.dial_rules["senior"]
        == got.dial_rules["agent"]
        == DialRule(("4930", "49"), ("49900",), "DE", 5, short=("112",))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('phones:\n  keys: {dance: "*7"}\n', "9 phones.keys.dance: an act: one of ready, pause"),
        ('phones:\n  keys: {pause: "*1"}\n', "phones.keys.pause: keys that cannot be confused with those of ready"),
        ('phones:\n  keys: {ready: "7"}\n', "phones.keys.ready: keys that cannot be confused with those of dispose"),
        ('phones:\n  keys: {dial: "*9"}\n', "phones.keys.dial: keys that cannot be confused with those of"),
        ('phones:\n  keys: {hold: "*45"}\n', "phones.keys.hold: keys that cannot be confused with those of transfer"),
        ('phones:\n  supervise_code: "*10"\n', "phones.supervise_code: another number than login_code"),
        ('phones:\n  login_code: "*1"\n  supervise_code: "*12"\n', "phones.supervise_code: a code that does not begin"),
        (
            'phones:\n  login_numbers: ["+4930123"]\n  supervise_numbers: ["4930123"]\n',
            "phones.supervise_numbers.0: a number that stands in login_numbers or supervise_numbers once only",
        ),
        ('phones:\n  dial_rules: [{short: ["112", "1001"]}]\n', "phones.dial_rules.0.short.1: a number that is no"),
        ("phones:\n  login_code: *10\n", "a value that begins with * needs quotes, as in login_code: '*10'"),
        ("phones:\n  pause_reasons: {a: lunch}\n", "one or two digits"),
        ('phones:\n  wait_sound: "/a b.wav"\n', "phones.wait_sound: an absolute path as the switch sees it"),
        ("phones:\n  dial_rules: [{roles: [a]}, {roles: [a]}]\n", "each role in one rule only"),
        ("phones:\n  dial_rules: [{shortest: 9, longest: 3}]\n", "at least shortest, which is 9"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in fault for fault in faults(tmp_path, text)), faults(tmp_path, text)


def test_a_rule_for_a_role_that_nobody_has_is_noticed(tmp_path: Path) -> None:
    text = "phones:\n  dial_rules:\n    - {roles: [senoir], allow: ['1']}\n    - {roles: [senior], allow: ['1']}\n"
    (told,) = [str(notice) for notice in loaded(tmp_path, text).warnings if "the role" in str(notice)]
    assert "phones.dial_rules.0.roles" in told and "no agent has the role senoir: they have senior" in told
