"""What is typed becomes numbers, overrides and places; what is wrong is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dialer.cli import command_word
from dialer.clitools.options import (
    CliError,
    find_config,
    moment,
    parse_duration,
    settings_override,
    switch_override,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5m", 90), ("1h30m", 5400), ("250ms", 0.25), ("2d", 172800), (" 5 ", 5), ("0", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-5", "5x", "1h 30m", "1e9", "inf", "nan", "5s5", "٣s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as"):
        parse_duration(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_named(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except ValueError as error:
        assert "expected a duration" in str(error)


def test_the_embedded_switch() -> None:
    assert switch_override("embedded") == {"switch": "embedded"}


@pytest.mark.parametrize("address", ["127.0.0.1:8021", "fs-1.example.org:1"])
def test_a_switch_by_its_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    (node,) = yaml.safe_load(switch_override(address)["switch"])["nodes"]
    assert (node["host"], node["port"]) == (host, int(port))


@pytest.mark.parametrize("text", ["", "8021", "host", "host:0", "host:70000", "a b:1", '"}]:1', "h:1\n", "http://h:1"])
def test_no_switch(text: str) -> None:
    with pytest.raises(ValueError, match="expected embedded, or host:port"):
        switch_override(text)


def test_settings() -> None:
    assert settings_override(["http.port=0", "campaigns.bank.wrap_up_s=5s", "http.port=1", "a=b=c"]) == {
        "http.port": "1",
        "campaigns.bank.wrap_up_s": "5s",
        "a": "b=c",
    }
    with pytest.raises(ValueError, match="expected path=value"):
        settings_override(["http.port"])


def test_where_the_configuration_is_looked_for(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    flag, variable = tmp_path / "flag.yaml", tmp_path / "env.yaml"
    env = {"DIALER_CONFIG": str(variable)}
    assert find_config(flag, env, [first]) == flag
    assert find_config(None, env, [first]) == variable
    second.write_text("")
    assert find_config(None, {}, [first, second]) == second
    first.write_text("")
    assert find_config(None, {"DIALER_CONFIG": ""}, [first, second]) == first


def test_no_configuration_is_78(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="none of") as error:
        find_config(None, {}, [tmp_path / "a.yaml"])
    assert error.value.code == 78


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("run --for 60s", "run"),
        ("--config run agents list", "agents"),
        ("-c f run", "run"),
        ("--config=f run", "run"),
        ("--url u --token-file run top", "top"),
        ("--help", None),
        ("", None),
    ],
)
def test_the_command_is_found_before_anything_is_imported(line: str, word: str | None) -> None:
    assert command_word(line.split()) == word


@pytest.mark.parametrize(
    "text", ["2026-11-26 20:00", "2026-11-26T21:00+01:00", "2026-11-26T20:00Z", " 2026-11-26T20:00 "]
)
def test_a_moment_is_utc_unless_it_has_an_offset(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the machine stands: the same words mean the same for every ``--at``."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert moment(text) == 1_795_723_200.0
    finally:
        monkeypatch.undo()
        time.tzset()


NOT_ASKED = ["9999-12-31 23:59", "0001-01-01", "1969-12-31"]  # no calendar can say what is open then


@pytest.mark.parametrize("text", ["tomorrow", "", "2026-13-01", "25:00", "0001-01-01T00:00+23:00\x1b[", *NOT_ASKED])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(CliError, match=r"--at .*: expected a time such as"):
        moment(text)
