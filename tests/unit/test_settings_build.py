"""From the checked configuration to what the engine and its edges work from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from config.loader import load
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import Mode, RecycleRule, SeatMode
from dialer.settings import Settings, SettingsError, build
from freeswitch.sounds import safe_harbour_path
from freeswitch.sounds.catalog import Prompts
from freeswitch.sounds.wav import ALAW, read_info

TEXT = """\
data_dir: data
switch: embedded
embedded:
  seed: 7
  callees: {answer_probability: 0.5}
  talk: {file: talks.csv, column: seconds, scale: 0.5}
trunks:
  - {name: carrier, gateway: gw, channels: 10, cps: 5, caller_id: "+12025550100", prefix: "9", strip_plus: no}
seats:
  - {id: 1001-1002, ring_timeout_s: 12}
  - {id: 2001, address: "sip:{id}@10.0.0.9:5070", mode: on_call, media_timeout_s: 5s}
agents:
  - {id: 1001-1002, name: "Agent {id}", login_at_start: true}
  - {id: ann, seat: "2001", campaigns: [renewals]}
lists: [{name: bank, region: US}]
campaigns:
  - name: bank
    mode: ratio
    lists: [bank]
    trunk: carrier
    lines_per_agent: 2.5
    recycle: {busy: 5m, no_answer: never, abandoned: {after: 1d, max: 2}}
    call_window: {zone: Europe/Berlin, days: {mon-tue: ["13:00-18:00", "09:00-12:00"], sat-sun: "10:00-24:00"}}
  - {name: renewals, mode: preview, lists: [bank], trunk: carrier, agents: [1001, ann], caller_id: "123",
     preview: {timeout_s: 9, on_timeout: dial}, message: /sounds/sorry.wav}
"""


def settings(tmp_path: Path, text: str = TEXT) -> Settings:
    (tmp_path / "talks.csv").write_text("phone,seconds\n1,10\n2,\n3,x\n4,-1\n5,30.5\n6,inf\n")
    (tmp_path / "dialer.yaml").write_text(text)
    return build(load(tmp_path / "dialer.yaml"), "e1")


def test_the_engine_gets_trunks_seats_agents(tmp_path: Path) -> None:
    engine = settings(tmp_path).engine
    assert engine.epoch == "e1"
    assert dict(engine.nodes) == {"embedded": 800}
    trunk = engine.trunks["carrier"]
    assert (trunk.gateway, trunk.channels, trunk.calls_per_second, trunk.prefix, trunk.strip_plus) == (
        "gw",
        10,
        5.0,
        "9",
        False,
    )
    assert {seat.seat: seat.address for seat in engine.seats.values()} == {
        "1001": "user/1001",
        "1002": "user/1002",
        "2001": "sip:2001@10.0.0.9:5070",
    }
    assert engine.seats["2001"].mode is SeatMode.ON_CALL
    assert engine.seats["2001"].media_timeout_s == 5
    assert engine.seats["1002"].ring_timeout_s == 12
    assert {agent.agent: (agent.name, agent.seat, set(agent.campaigns)) for agent in engine.agents.values()} == {
        "1001": ("Agent 1001", "1001", {"bank", "renewals"}),
        "1002": ("Agent 1002", "1002", {"bank"}),
        "ann": ("ann", "2001", {"renewals"}),
    }


def test_the_engine_gets_campaigns(tmp_path: Path) -> None:
    bank, renewals = settings(tmp_path).engine.campaigns.values()
    assert (bank.mode, bank.lines_per_agent, bank.caller_id) == (Mode.RATIO, 2.5, "")
    assert bank.message == str(safe_harbour_path())
    assert bank.windows.default_zone == "Europe/Berlin"
    assert bank.windows.days == (
        ((540, 720), (780, 1080)),
        ((540, 720), (780, 1080)),
        (),
        (),
        (),
        ((600, 1440),),
        ((600, 1440),),
    )
    assert (renewals.mode, renewals.caller_id, renewals.message) == (Mode.PREVIEW, "123", "/sounds/sorry.wav")
    assert (renewals.preview_timeout_s, renewals.preview_on_timeout) == (9, "dial")
    assert renewals.lines_per_agent == 1


def test_safe_defaults_hold_for_real_people(tmp_path: Path) -> None:
    renewals = settings(tmp_path).engine.campaigns["renewals"]
    assert renewals.windows.days == (((540, 1200),),) * 6 + ((),)
    assert (renewals.wait_limit_s, renewals.min_ring_s) == (2, 15)


def test_every_outcome_has_a_rule_and_a_connected_customer_is_done(tmp_path: Path) -> None:
    recycle = settings(tmp_path).engine.campaigns["bank"].recycle
    assert set(recycle) == set(Outcome)
    assert recycle[Outcome.BUSY] == RecycleRule(after_s=300)
    assert recycle[Outcome.NO_ANSWER] == RecycleRule(after_s=None)
    assert recycle[Outcome.ABANDONED] == RecycleRule(after_s=86400, max_times=2)
    assert recycle[Outcome.CONNECTED] == RecycleRule(after_s=None)


def test_the_embedded_world(tmp_path: Path) -> None:
    embedded = settings(tmp_path).embedded
    assert embedded is not None
    assert embedded.seed == 7
    assert embedded.world.answer_probability == 0.5
    assert embedded.world.talk_times_s == (10.0, 30.5)
    assert embedded.world.talk_scale == 0.5
    assert embedded.world.gateways == ("gw",)
    seconds = read_info(safe_harbour_path()).seconds
    durations = dict(embedded.world.file_durations_s)
    assert durations[str(safe_harbour_path())] == seconds
    assert Prompts().durations().items() <= durations.items(), "and of every prompt"


def test_a_talk_file_without_talks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dialer.yaml").write_text(TEXT)
    (tmp_path / "talks.csv").write_text("phone,seconds\n1,0\n")
    with pytest.raises(SettingsError, match=r"talks\.csv: expected seconds above 0 in column seconds"):
        build(load(tmp_path / "dialer.yaml"), "e1")


def test_nodes_get_the_password_of_their_own_or_the_common_one(tmp_path: Path) -> None:
    nodes = "switch: {nodes: [{name: a, password: own}, {name: b, host: 10.0.0.2, capacity: 5}]}\n"
    text = TEXT.replace("switch: embedded\n", nodes)
    assert [node.password for node in settings(tmp_path, text).nodes] == ["own", "ClueCon"]
    result = settings(tmp_path, text + "esl: {password: common}\n")
    assert [node.password for node in result.nodes] == ["own", "common"]
    assert result.embedded is None
    assert result.switch_names == "a,b"
    assert dict(result.engine.nodes) == {"a": 800, "b": 5}
    assert "own" not in repr(result.nodes)
    assert "common" not in repr(result)


def test_the_database(tmp_path: Path) -> None:
    assert settings(tmp_path).database_url == f"sqlite:///{tmp_path}/data/dialer.db"
    result = settings(tmp_path, TEXT + "database: {url: 'postgresql://u:p@h/d'}\n")
    assert result.database_url == "postgresql+psycopg://u:p@h/d"


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings(tmp_path).drain_s = 1  # type: ignore[misc]


def test_the_packaged_message_is_small_and_fit_for_a_telephone() -> None:
    path = safe_harbour_path()
    assert path.is_absolute()
    assert path.stat().st_size <= 150_000
    info = read_info(path)
    assert (info.rate, info.channels, info.coding) == (8000, 1, ALAW)
    with pytest.raises(FileNotFoundError):
        safe_harbour_path("../en")
