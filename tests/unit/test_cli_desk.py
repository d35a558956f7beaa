"""`dialer agents set-pin`, `recordings`, `qc`, `callbacks`: what is done and printed, and no whole number in it."""

from __future__ import annotations

import json
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from test_soundfiles import record

from dialer import cli
from dialer.clitools import pins as pin_commands
from dialer.domain.commands import ClaimLeads, CloseAttempt, OpenAttempt, SaveDisposition
from dialer.domain.desk_records import RequestCallback, SaveRecording
from dialer.domain.events import LeadsClaimed
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CallWindows, CampaignSettings, Mode
from dialer.store import pin_admin, pins
from dialer.store import recordings as stored
from dialer.store.imports import import_leads
from dialer.store.migrations import upgrade
from dialer.store.service import StoreService

DAY = 86_400.0
HUGE = str(10**20 - 1)
NO_TEXT = "\udcff\udcfe"  # how the command line's bytes arrive that are no UTF-8
ATTEMPT = "8d3f1a2b-1234-4678-9abc-123456789012"
CONFIG = """\
data_dir: data
switch: embedded
http: {port: 0}
trunks: [{name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}]
seats: [{id: 1001-1004}]
agents: [{id: 1001-1004}]
lists: [{name: known, region: US}]
campaigns:
  - name: bank
    mode: progressive
    lists: [known]
    trunk: carrier
    dispositions: [sale, complaint]
    recording: {mode: all, directory: DIRECTORY, retention_days: 30}
"""


class Desk:
    """A configuration, its database, and one conversation that ended yesterday."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files = home / "recordings"
        self.files.mkdir()
        self.config = home / "dialer.yaml"
        self.config.write_text(CONFIG.replace("DIRECTORY", str(self.files)))
        (home / "data").mkdir()
        self.url = f"sqlite:///{home}/data/dialer.db"
        upgrade(self.url)
        always = CallWindows((((0, 1440),),) * 7, "UTC")
        campaign = CampaignSettings("bank", Mode.PROGRESSIVE, ("known",), "carrier", "m.wav", always)
        self.service = StoreService(self.url, owner="dialer", epoch="e", campaigns={"bank": campaign})

    def __call__(self, *args: str) -> int:
        with pytest.raises(SystemExit) as end:
            cli.main(["--config", str(self.config), *args])
        return int(end.value.code or 0)

    def talk(self, at: float, ident: str = ATTEMPT, *, talk_s: float = 30.0, said: str = "sale") -> str:
        """One conversation of agent 1001 with a lead of its own."""
        leads = self.home / "leads.csv"
        leads.write_text(f"phone\n+12025550{int(at) % 100 + 100:03d}\n")
        assert import_leads(self.url, "known", leads, region="US").imported == 1
        (claimed,) = self.service.execute([ClaimLeads("bank", 1, 60.0)], time.time())
        assert isinstance(claimed, LeadsClaimed)
        lead = claimed.leads[0]
        self.service.execute(
            [
                OpenAttempt(
                    ident, "bank", lead.lead_id, lead.number_id, lead.number, lead.person, "n", "t", None, time.time()
                ),
                CloseAttempt(
                    ident,
                    lead.lead_id,
                    lead.number_id,
                    Outcome.CONNECTED,
                    "",
                    at + talk_s,
                    answered_at=at,
                    bridged_at=at,
                    agent="1001",
                    lead_done=True,
                    lead_reason="connected",
                ),
                SaveDisposition(ident, "1001", said, "", at + talk_s + 1),
            ],
            time.time(),
        )
        return lead.number

    def recording(self, name: str, age_s: float, *, seconds: float | None = 3.0, told_s: float = 3.0) -> Path:
        """A recording in the table; with ``seconds`` also on the disk."""
        path = self.files / name
        if seconds is not None:
            record(path, seconds)
        started = time.time() - age_s
        self.service.execute(
            [SaveRecording(ATTEMPT, "bank", "1001", "n", "leg", str(path), started, told_s)], time.time()
        )
        return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---- PINs --------------------------------------------------------------------------------------------------


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(text))


def test_a_pin_from_standard_input(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "471147\nmore\n")
    assert desk("agents", "set-pin", "1001", "--stdin") == 0
    assert capfd.readouterr().out == "agent 1001: the PIN is set\n"
    assert [agent for agent, _ in pin_admin.with_pin(desk.url)] == ["1001"]


def test_a_pin_that_is_made_up_is_shown_once(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    assert desk("agents", "set-pin", "1001", "--generate") == 0
    words = capfd.readouterr().out.split()
    assert words[:3] == ["agent", "1001:", "PIN"] and pins.checked(words[3], "1001")


def test_a_pin_is_asked_for_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    answers = iter(["4711", "4712", "4711", "4711"])
    monkeypatch.setattr(pin_commands.getpass, "getpass", lambda _prompt: next(answers))
    assert desk("agents", "set-pin", "1001") == 2
    assert desk("agents", "set-pin", "1001") == 0
    shown = capfd.readouterr()
    assert "expected the same twice" in shown.err and "4711" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["1009", "--generate"], "no agent 1009: expected an agent of the configuration: 1001"),
        (["1001", "--stdin", "--generate"], "expected one of them"),
        (["1001"], "expected --stdin or --generate"),
        (["1001", "--stdin"], "expected a PIN other than the agent's number"),
    ],
)
def test_pins_that_are_not_set(
    desk: Desk,
    args: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    typed(monkeypatch, "1001\n")
    assert desk("agents", "set-pin", *args) == 2
    assert told in capfd.readouterr().err
    assert pin_admin.with_pin(desk.url) == []


def test_unlock(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    assert desk("agents", "unlock", "1001", "1002") == 0
    assert capfd.readouterr().out == "agent 1001: was not locked\nagent 1002: was not locked\n"
    assert desk("agents", "unlock", "77") == 2


# ---- recordings --------------------------------------------------------------------------------------------


def test_index_check_and_list(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    fine = desk.recording("a/fine.wav", 7200.0)
    desk.recording("a/cut.wav", 7200.0, told_s=60.0)
    desk.recording("a/gone.wav", 7200.0, seconds=None)
    desk.recording("a/coming.wav", 60.0, seconds=None)
    assert desk("recordings", "index") == 1
    shown = capfd.readouterr()
    assert shown.out == "1 indexed, 1 damaged, 1 missing, 1 not there yet\n"
    assert "cut.wav: holds 3.0 s of the 60.0 s" in shown.err and "gone.wav: the file is not there" in shown.err
    record(desk.files / "a/gone.wav")
    assert desk("recordings", "index") == 0  # found after all
    assert capfd.readouterr().out == "1 indexed, 0 damaged, 0 missing, 1 not there yet\n"

    record(desk.files / "unknown.wav")
    fine.write_bytes(fine.read_bytes() + b"x")
    assert desk("recordings", "check") == 1
    shown = capfd.readouterr()
    assert shown.out == "1 as they were, 2 wrong, 1 unknown files\n"
    assert "fine.wav: other bytes" in shown.err and "unknown.wav: no call of ours" in shown.err
    (desk.files / "unknown.wav").unlink()
    fine.write_bytes(fine.read_bytes()[:-1])
    assert desk("recordings", "check") == 1  # the damaged one stays damaged
    assert "fine.wav" not in capfd.readouterr().err

    assert desk("recordings", "list", "--state", "indexed", "--json") == 0
    rows = json.loads(capfd.readouterr().out)
    assert {Path(row["path"]).name for row in rows} == {"fine.wav", "gone.wav"}
    assert all(len(row["sha256"]) == 64 and row["bytes"] == 96_044 for row in rows)
    assert desk("recordings", "list", "--since", "1h") == 0
    assert "coming.wav" in (out := capfd.readouterr().out) and "fine.wav" not in out
    assert desk("recordings", "show", str(rows[0]["id"])) == 0
    assert rows[0]["sha256"] in capfd.readouterr().out
    assert desk("recordings", "show", ATTEMPT, "--json") == 0
    assert len(json.loads(capfd.readouterr().out)) == 4
    assert desk("recordings", "show", "77") == 1
    assert desk("recordings", "list", "--state", "odd") == 2


def test_prune(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    old, young = desk.recording("2026/old.wav", 31 * DAY), desk.recording("young.wav", 29 * DAY)
    desk.recording("gone.wav", 31 * DAY, seconds=None)
    assert desk("recordings", "prune", "--dry-run") == 0
    shown = capfd.readouterr().out
    assert f"would delete {old}" in shown and "young" not in shown and "2 recordings (0.0 MB) would be deleted" in shown
    assert old.exists()
    assert desk("recordings", "prune") == 0
    assert "2 recordings (0.0 MB) deleted" in capfd.readouterr().out
    assert young.exists() and not old.parent.exists()
    assert {Path(each.path).name for each in stored.find(desk.url, state="deleted")} == {"old.wav", "gone.wav"}
    assert desk("recordings", "prune") == 0
    assert "0 recordings" in capfd.readouterr().out


def test_prune_leaves_alone_what_is_not_below_the_directory(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    elsewhere = record(desk.home / "elsewhere.wav")
    desk.recording("../elsewhere.wav", 31 * DAY, seconds=None)
    desk.recording(str(elsewhere), 31 * DAY, seconds=None)
    assert desk("recordings", "prune") == 1
    shown = capfd.readouterr()
    assert "2 left alone" in shown.out and "not below its campaign's directory" in shown.err
    assert elsewhere.exists()


def test_prune_takes_a_lost_mount_for_no_reason_to_forget(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.recording("old.wav", 31 * DAY).unlink()
    desk.files.rmdir()
    assert desk("recordings", "prune") == 1
    assert "is it mounted?" in capfd.readouterr().err
    assert stored.find(desk.url, state="deleted") == []


def test_prune_without_retention(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.config.write_text(desk.config.read_text().replace(", retention_days: 30", ""))
    assert desk("recordings", "prune") == 0
    assert "nothing to do" in capfd.readouterr().out


# ---- quality control and callbacks -------------------------------------------------------------------------


def test_a_sample_from_drawing_to_another_call(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    yesterday = time.time() // DAY * DAY - DAY / 2
    number = desk.talk(yesterday)
    desk.recording("a.wav", 60.0)
    assert desk("qc", "sample", "--dry-run") == 0
    shown = capfd.readouterr().out
    assert "short_sale, random" in shown and "1 conversations of 1 agents, 1 drawn; nothing is kept" in shown
    assert desk("qc", "sample") == desk("qc", "sample") == 0
    shown = capfd.readouterr().out.splitlines()
    assert shown[0].endswith("1 drawn, 1 of them new") and shown[1].endswith("1 drawn, 0 of them new")
    day = shown[0].split(":")[0]
    assert desk("qc", "list", "--date", day, "--state", "open", "--json") == 0
    (sample,) = json.loads(capfd.readouterr().out)
    assert (sample["attempt_id"], sample["rules"], sample["card"]) == (ATTEMPT, ["short_sale", "random"], None)

    marks = ["--right-person", "y", "--understood", "Yes", "--script", "y"]
    note = f"she said perhaps; call {number}"
    ident = str(sample["id"])
    assert desk("qc", "score", ident, *marks, "--consent", "n", "--note", note, "--reviewer", "mia") == 0
    assert capfd.readouterr().out.startswith(f"sample {ident}: failed: not fulfilled: clear consent; task ")
    assert desk("qc", "show", ident) == 0
    shown = capfd.readouterr().out
    assert "clear consent: no; she said perhaps; call +120****" in shown and "a.wav" in shown
    assert desk("callbacks", "list") == 0
    shown += capfd.readouterr().out
    assert desk("callbacks", "list", "--kind", "recontact", "--json") == desk("qc", "list") == 0
    shown += capfd.readouterr().out
    assert desk("qc", "show", ident, "--json") == desk("qc", "list", "--json") == 0
    shown += capfd.readouterr().out
    assert "recontact" in shown and "mia" in shown and number not in shown and number[1:] not in shown
    assert desk("qc", "score", ident, *marks, "--consent", "y", "--reviewer", "tom") == 0
    assert capfd.readouterr().out == f"sample {ident}: passed\n"
    assert desk("callbacks", "list", "--json") == 0
    assert json.loads(capfd.readouterr().out) == []


def test_a_customer_s_wish_is_listed(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    number = desk.talk(time.time() - 100)
    wish = RequestCallback(ATTEMPT, "1001", 1_790_000_000.0, time.time(), agent="1002", note=f"or {number}")
    desk.service.execute([wish], time.time())
    assert desk("callbacks", "list", "--agent", "1002") == 0
    shown = capfd.readouterr().out
    assert "2026-09-21 14:13:20Z" in shown and "+120****" in shown and number not in shown
    assert desk("callbacks", "list", "--agent", "1001", "--state", "all", "--json") == 0
    assert json.loads(capfd.readouterr().out) == []


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["qc", "sample", "--date", "yesterday"], 2, "expected a day such as 2026-09-21"),
        (["qc", "list", "--state", "lost"], 2, "expected one of open, passed, failed"),
        (["qc", "show", "77"], 1, "no sample 77"),
        (["qc", "show", HUGE], 1, f"no sample {HUGE}"),
        (["qc", "machine", HUGE, "--reviewer", "mia", "--who", "person"], 1, f"no sample {HUGE}"),
        (["recordings", "show", HUGE], 1, f"no recording {HUGE}"),
        (["recordings", "show", NO_TEXT], 1, "expected UTF-8"),
        (["recordings", "list", "--agent", NO_TEXT], 1, "expected UTF-8"),
        (["qc", "list", "--agent", NO_TEXT], 1, "expected UTF-8"),
        (["callbacks", "list", "--agent", NO_TEXT], 1, "expected UTF-8"),
        (["explain", "call", NO_TEXT], 1, "expected UTF-8"),
        (["explain", "call", HUGE], 1, "no call"),
        (["qc", "sample", "--date", "9999-12-31"], 2, "expected a day between 1970 and 9998"),
        (["qc", "sample", "--date", "0001-01-01"], 2, "expected a day between 1970 and 9998"),
        (["callbacks", "list", "--kind", "odd"], 2, "expected one of callback, recontact"),
        (["callbacks", "list", "--state", "odd"], 2, "open, claimed, dialing, done, failed, cancelled, all"),
        (
            "qc score 7 --right-person maybe --understood y --script y --consent y --reviewer m".split(),
            2,
            "--right-person: expected y or n",
        ),
        ("qc score 7 --right-person y --understood y --script y --consent y --reviewer m".split(), 1, "no sample 7"),
        (
            ["qc", "score", "7", *"--right-person y --understood y --script y --consent y --reviewer".split(), " "],
            2,
            "--reviewer: expected a name",
        ),
    ],
)
def test_what_cannot_be_done(
    desk: Desk, args: list[str], code: int, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert desk(*args) == code
    assert told in capfd.readouterr().err
