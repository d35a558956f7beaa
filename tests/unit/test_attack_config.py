"""Configurations made to break `dialer check`: it ends, in time, with a fault that says where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_config_faults import GOOD, faults_of

from config.errors import ConfigError
from config.loader import load


@pytest.mark.parametrize("nested", ["[" * 60_000, "{a: " * 60_000, "[" * 60_000 + "]" * 60_000])
def test_deep_nesting_is_a_fault_and_no_crash(tmp_path: Path, nested: str) -> None:
    (fault,) = faults_of(tmp_path, f"{GOOD}x: {nested}\n")
    assert fault == f"dialer.yaml:{GOOD.count(chr(10)) + 1}: values nested at most 50 deep"


def test_a_pipe_among_the_included_files_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "dialer.yaml").write_text(GOOD)
    for folder in ("conf.d", "campaigns"):
        (tmp_path / folder).mkdir()
        os.mkfifo(tmp_path / folder / "pipe.yaml")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "dialer.yaml")
    assert [str(fault) for fault in caught.value.faults] == [
        f"{tmp_path}/{folder}/pipe.yaml: a regular file" for folder in ("campaigns", "conf.d")
    ]


@pytest.mark.parametrize("zone", ["localtime", "Factory"])
def test_a_zone_that_is_no_place_is_no_zone(tmp_path: Path, zone: str) -> None:
    (fault,) = faults_of(tmp_path, f"{GOOD}    call_window: {{zone: {zone}, days: {{daily: '09:00-20:00'}}}}\n")
    assert f"call_window.zone: {zone}: a time zone of the IANA list" in fault


def test_a_profile_that_no_originate_could_name_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, GOOD.replace("- id: 1001-1003\n", "- id: 1001-1003\n    profile: gateway\n", 1))
    assert "profile: gateway: a SIP profile's name" in fault
