"""The sections hearing and answering_machines: what they may say, every fault with its line, what the engine gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import LoadedConfig, load
from dialer.domain.hearing import NOT_SCREENED, Clock, MachinePolicy, ScreeningSettings
from dialer.settings import HearingRoom, build

HEAD = """\
data_dir: data
switch: {switch}
trunks: [{{name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}}]
seats: [{{id: 1001-1004}}]
agents: [{{id: 1001-1004}}]
lists: [{{name: bank}}]
{top}
campaigns:
  - name: bank
    mode: {mode}
    lists: [bank]
    trunk: carrier
"""
NODES = "{nodes: [{name: fs1, password: x}, {name: fs2, host: 10.0.0.2, password: x}]}"


def read(
    tmp_path: Path, more: str = "", *, mode: str = "predictive", top: str = "", switch: str = "embedded"
) -> LoadedConfig:
    file = tmp_path / "dialer.yaml"
    file.write_text(HEAD.format(mode=mode, top=top, switch=switch) + more, encoding="utf-8")
    return load(file)


def screening(tmp_path: Path, more: str) -> ScreeningSettings:
    return build(read(tmp_path, more), "e").engine.campaigns["bank"].screening


def faults(tmp_path: Path, more: str, **head: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, more, **head)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]


def test_nobody_is_listened_to_unless_somebody_says_so(tmp_path: Path) -> None:
    settings = build(read(tmp_path), "e")
    assert settings.engine.campaigns["bank"].screening == NOT_SCREENED
    assert settings.hearing is None


@pytest.mark.parametrize("policy", ["off", "agent", "hang_up"])
def test_a_policy_may_stand_alone(tmp_path: Path, policy: str) -> None:
    made = screening(tmp_path, f"    answering_machines: {policy}\n")
    assert made == ScreeningSettings(policy=MachinePolicy(policy))


def test_every_key_reaches_the_engine(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"")
    message = tmp_path / "message.wav"
    message.write_bytes(b"")
    more = f"""\
    dead_numbers: true
    answering_machines:
      policy: message
      message: {message}
      message_after_quiet: false
      clock: greeting_end
      decide_within_s: 5s
      beep_within_s: 30
"""
    top = "hearing: {folder: /dev/shm/mine, prints_file: a.npz, most: 50, human_pause_s: 0.5}"
    settings = build(read(tmp_path, more, top=top), "e")
    made = settings.engine.campaigns["bank"].screening
    assert made == ScreeningSettings(
        MachinePolicy.MESSAGE, Clock.GREETING_END, 2.0, 0.4, 5.0, 30.0, str(message), False, True
    )
    assert settings.hearing == HearingRoom("/dev/shm/mine", str(tmp_path / "a.npz"), 50, 0.5, 5.0)
    assert settings.engine.hearing == frozenset({"embedded"})


@pytest.mark.parametrize(
    ("machines", "recording", "share"),
    [
        ("hang_up", "{mode: all, directory: /r}", 0.02),
        ("{policy: hang_up, record_share: 10%}", "{mode: share, share: 1%, directory: /r}", 0.10),
        ("{policy: hang_up, record_share: 0}", "{mode: all, directory: /r}", 0.0),
        ("agent", "{mode: all, directory: /r}", 0.0),
        ("hang_up", "{mode: on_demand, directory: /r}", 0.0),
        ("hang_up", "{mode: all, directory: /r, consent_prompt: consent}", 0.0),
        ("hang_up", "{mode: all, directory: /r, switch_directory: /s, upload_command: /bin/up}", 0.0),
        ("hang_up", "{mode: off}", 0.0),
    ],
)
def test_machines_are_recorded_where_conversations_may_be_without_being_announced(
    tmp_path: Path, machines: str, recording: str, share: float
) -> None:
    loaded = read(tmp_path, f"    answering_machines: {machines}\n    recording: {recording}\n")
    assert build(loaded, "e").engine.campaigns["bank"].screening.record_share == share
    warned = any("nobody can measure" in notice.text for notice in loaded.warnings)
    assert warned is (share == 0.0 and machines != "agent")


def test_pacing_knows_how_long_a_screened_customer_can_wait(tmp_path: Path) -> None:
    for more, left in [("off", 2.0), ("agent", 2.0), ("hang_up", 0.4), ("{policy: hang_up, clock: greeting_end}", 1.6)]:
        pacing = build(read(tmp_path, f"    answering_machines: {more}\n"), "e").engine.campaigns["bank"].pacing
        assert pacing is not None and pacing.wait_limit_s == pytest.approx(left)


def test_only_switches_of_this_host_are_listened_to(tmp_path: Path) -> None:
    more = "    answering_machines: hang_up\n"
    loaded = read(tmp_path, more, switch=NODES)
    assert build(loaded, "e").engine.hearing == frozenset({"fs1"})
    assert any("fs2 is on another host" in notice.text for notice in loaded.warnings)
    named = read(tmp_path, more, switch=NODES, top="hearing: {nodes: [fs2]}")
    assert build(named, "e").engine.hearing == frozenset({"fs2"})


def test_what_works_but_should_be_known(tmp_path: Path) -> None:
    loaded = read(tmp_path, "    answering_machines: hang_up\n")
    told = "\n".join(notice.text for notice in loaded.warnings)
    assert "hardly any machine is found" in told and "amd_false_positive is 0" in told


@pytest.mark.parametrize(
    ("more", "mode", "fault"),
    [
        ("answering_machines: message", "ratio", "answering_machines.message: (missing): this key"),
        ("answering_machines: sometimes", "ratio", "one of off, agent, hang_up, message"),
        ("answering_machines: {policy: hang_up, message: /a.wav}", "ratio", "no such key with policy hang_up"),
        ("answering_machines: {policy: message, message: /no/such.wav}", "ratio", "a file that exists"),
        ("answering_machines: {policy: message, message: 'my file.wav'}", "ratio", "an absolute path as the switch"),
        ("answering_machines: {policy: agent, clock: greeting_end}", "ratio", "answer with policy agent"),
        ("answering_machines: hang_up", "preview", "off or agent in mode preview"),
        ("answering_machines: {policy: hang_up, decide_within_s: 60}", "ratio", "answering_machines.decide_within_s"),
        ("answering_machines: {policy: hang_up, beep: 3}", "ratio", "beep_within_s"),
        ("dead_numbers: perhaps", "ratio", "dead_numbers"),
        ("answering_machines: {policy: hang_up, record_share: 5%}", "ratio", "0, or recording.mode all or share"),
        ("answering_machines: {policy: agent, record_share: 5%}", "ratio", "0, or policy hang_up or message"),
        ("answering_machines: {policy: hang_up, record_share: 101%}", "ratio", "record_share"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, more: str, mode: str, fault: str) -> None:
    (told,) = faults(tmp_path, f"    {more}\n", mode=mode)
    assert fault in told
    assert "dialer.yaml:1" in told  # the twelfth line and what is near it


def test_a_limit_too_short_to_listen_in(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, "    wait_limit_s: 0.5\n    answering_machines: hang_up\n", mode="ratio")
    assert "listening needs at least 1" in told


@pytest.mark.parametrize(
    ("top", "fault"),
    [
        ("hearing: {folder: '/dev/shm/a b'}", "hearing.folder"),
        ("hearing: {folder: /dev/shm/../x}", "hearing.folder"),
        ("hearing: {prints_file: none.npz}", "a file that exists"),
        ("hearing: {most: 0}", "hearing.most"),
        ("hearing: {nodes: [fs9]}", "a configured node; switch: embedded has none"),
    ],
)
def test_the_room_itself(tmp_path: Path, top: str, fault: str) -> None:
    (told,) = faults(tmp_path, "", top=top)
    assert fault in told and "dialer.yaml:7" in told
