"""The sections recording and qc: what they may say, every fault with its line, and what the engine gets of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import LoadedConfig, load
from config.recording_schema import NAME_KEYS
from dialer.clitools.quality import day_of, rules_of, span_of
from dialer.domain import recordings
from dialer.domain.recordings import NOT_RECORDED, RecordingMode, RecordingPolicy
from dialer.settings import build

HEAD = """\
data_dir: data
switch: embedded
trunks: [{name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}]
seats: [{id: 1001-1004}]
agents: [{id: 1001-1004}]
lists: [{name: bank}]
campaigns:
  - name: bank
    mode: progressive
    lists: [bank]
    trunk: carrier
    dispositions: [sale, complaint, no_interest]
"""
FULL = """\
    recording:
      mode: share
      share: 25%
      directory: /mnt/recordings
      switch_directory: /var/spool/rec
      name: "{campaign}/{date}-{time}_{agent}_{node}/{attempt}"
      retention_days: 90
      consent_prompt: consent
      upload_command: /usr/local/bin/bring-home
"""
ATTEMPT = "8d3f1a2b-1234-4678-9abc-123456789012"
AT = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC


def read(tmp_path: Path, more: str = "") -> LoadedConfig:
    file = tmp_path / "dialer.yaml"
    file.write_text(HEAD + more, encoding="utf-8")
    return load(file)


def policy(tmp_path: Path, more: str = "") -> RecordingPolicy:
    return build(read(tmp_path, more), "e").engine.campaigns["bank"].recording


def faults(tmp_path: Path, more: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, more)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]


# ---- recording ---------------------------------------------------------------------------------------------


def test_nothing_is_recorded_unless_said(tmp_path: Path) -> None:
    assert policy(tmp_path) == NOT_RECORDED
    assert not NOT_RECORDED.wants(0.0)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    found = policy(tmp_path, FULL)
    assert (found.mode, found.share, found.retention_days, found.consent) == (RecordingMode.SHARE, 0.25, 90, "consent")
    assert found.wants(0.2499) and not found.wants(0.25)
    path = found.path(AT, campaign="bank", attempt=ATTEMPT, agent="1001", node="fs1")
    assert path == f"/var/spool/rec/bank/2026-09-21-141320_1001_fs1/{ATTEMPT}.wav"
    assert found.ours(path) == f"/mnt/recordings/bank/2026-09-21-141320_1001_fs1/{ATTEMPT}.wav"
    assert found.upload == "/usr/local/bin/bring-home"


def test_one_directory_serves_both_sides(tmp_path: Path) -> None:
    found = policy(tmp_path, "    recording: {mode: all, directory: /srv/rec/}\n")
    path = found.path(AT, campaign="bank", attempt=ATTEMPT, agent="", node="fs1")
    assert path == found.ours(path) == f"/srv/rec/2026-09-21/bank/{ATTEMPT}.wav"
    again = found.path(AT, campaign="bank", attempt=ATTEMPT, agent="", node="fs1", again=1)
    assert again == f"/srv/rec/2026-09-21/bank/{ATTEMPT}-141320-1.wav", "the switch writes over a file of the same name"
    assert found.upload == ""
    assert found.retention_days is None and found.wants(0.999)


@pytest.mark.parametrize("path", ["/srv/recs/a.wav", "/etc/passwd", "/srv/rec/../x.wav", "a.wav", ""])
def test_paths_that_are_no_ones(tmp_path: Path, path: str) -> None:
    assert policy(tmp_path, "    recording: {mode: all, directory: /srv/rec}\n").ours(path) is None


def test_names_hold_no_blank_and_lead_nowhere_else(tmp_path: Path) -> None:
    found = policy(
        tmp_path, "    recording: {mode: all, directory: /r, name: '{agent}/{node}/{campaign}/{attempt}'}\n"
    )
    path = found.path(AT, campaign="a b'\";$(x)", attempt="../../etc/x", agent="", node="..")
    assert path == "/r/none/_/a_b_____x_/_.._etc_x.wav"


def test_the_keys_are_the_same_on_both_sides() -> None:
    assert NAME_KEYS == recordings.NAME_KEYS
    assert not {"number", "phone", "caller"} & set(NAME_KEYS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{mode: some}", "recording.mode: some: one of off, on_demand, all, share"),
        ("{mode: all}", "recording.directory: (missing): this key: where the recordings are"),
        ("{mode: share, directory: /r}", "recording.share: (missing): this key above 0"),
        ("{mode: share, share: 0, directory: /r}", "recording.share: (missing): this key above 0"),
        ("{mode: all, share: 5%, directory: /r}", "recording.share: 0.05: no such key in mode all"),
        ("{mode: all, directory: 'my files'}", "recording.directory: my files: an absolute path"),
        ("{mode: all, directory: /r/../etc}", "recording.directory: /r/../etc: a path without '..'"),
        ("{mode: all, directory: /r, name: '{attempt} x'}", "no blanks"),
        ("{mode: all, directory: /r, name: '{phone}/{attempt}'}", "{phone} is none of them"),
        ("{mode: all, directory: /r, name: '{date'}", "a path of letters"),
        ("{mode: all, directory: /r, name: '{date}'}", "a name with {attempt}"),
        ("{mode: all, directory: /r, name: '/{attempt}'}", "a path below the directory"),
        ("{mode: all, directory: /r, name: '../{attempt}'}", "a path below the directory"),
        ("{mode: all, directory: /r, name: '1381234-5678/{attempt}'}", "no telephone number"),
        ("{mode: all, directory: /r, name: ''}", "recording.name"),
        ("{mode: all, directory: /r, retention_days: 0}", "recording.retention_days: 0: a whole number from 1"),
        ("{mode: all, directory: /r, consent_prompt: 'a/b'}", "a prompt's id, such as consent"),
        ("{mode: all, directory: /r, upload_command: /x}", "recording.switch_directory: (missing): this key beside"),
        ("{mode: all, directory: /r, switch_directory: /s, upload_command: 'rm -rf'}", "recording.upload_command"),
        ("{mode: all, directory: /r, format: mp3}", "recording.format: (unknown key)"),
    ],
)
def test_faults_of_recording(tmp_path: Path, line: str, told: str) -> None:
    found = faults(tmp_path, f"    recording: {line}\n")
    assert len(found) == 1, found
    assert found[0].startswith("dialer.yaml:") and told in found[0]


# ---- quality control ---------------------------------------------------------------------------------------


def test_what_is_drawn_when_nothing_is_said(tmp_path: Path) -> None:
    loaded = read(tmp_path)
    rules = rules_of(loaded.config.qc)
    assert (rules.share, rules.at_least, rules.at_most, rules.long_over_s) == (0.02, 1, 20, 1200.0)
    assert (rules.short_sales, rules.short_sale_under_s) == (frozenset({"sale"}), 60.0)
    assert rules.complaints == frozenset({"complaint"})
    assert build(loaded, "e").recontact_after_s == 86_400.0


def test_days_are_the_floor_s_own(tmp_path: Path) -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Europe/Berlin")
    start, end = span_of(day_of("2026-10-25", zone), zone)
    assert end - start == 25 * 3600.0
    assert span_of(day_of("2026-09-21", ZoneInfo("Asia/Shanghai")), ZoneInfo("Asia/Shanghai"))[0] % 86_400 == 16 * 3600


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{share: 2}", "qc.share: 2: a share from 0 to 1"),
        ("{at_least: 5, at_most: 4}", "qc.at_most: 4: at least at_least, which is 5"),
        ("{zone: Mars}", "qc.zone: Mars"),
        ("{complaint_dispositions: [angry]}", "qc.complaint_dispositions.0: angry: a disposition of some campaign"),
        ("{short_sale: {dispositions: [sold]}}", "qc.short_sale.dispositions.0: sold: a disposition of some campaign"),
        ("{long_over_s: 0}", "qc.long_over_s"),
        ("{every: 1}", "qc.every: (unknown key)"),
    ],
)
def test_faults_of_qc(tmp_path: Path, line: str, told: str) -> None:
    found = faults(tmp_path, f"qc: {line}\n")
    assert len(found) == 1, found
    assert told in found[0]
