"""`dialer explain call`, `dialer qc machines`: what became of a call, who answered it, and what people say of that."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from test_cli_desk import ATTEMPT, Desk

from dialer.domain.commands import ClaimLeads, CloseAttempt, NoteHeard, OpenAttempt
from dialer.domain.desk_records import SaveRecording
from dialer.domain.events import LeadsClaimed
from dialer.domain.outcomes import Outcome
from dialer.store.imports import import_leads

GREETING = "machine: words for 2.8 s, longest pause 0.22 s"
NUMBER = "+12025550177"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def machine(desk: Desk, at: float, ident: str = ATTEMPT, file: str = "") -> None:
    """A call that was hung up because of its greeting; its clock would have started at the greeting's end."""
    kept = [SaveRecording(ident, "bank", "", "fs1", ident, file, at + 3.0, 4.0)] if file else []
    leads = desk.home / "leads.csv"
    leads.write_text(f"phone\n{NUMBER}\n")
    assert import_leads(desk.url, "known", leads, region="US").imported == 1
    (claimed,) = desk.service.execute([ClaimLeads("bank", 1, 60.0)], time.time())
    assert isinstance(claimed, LeadsClaimed)
    (lead,) = claimed.leads
    desk.service.execute(
        [
            OpenAttempt(
                ident, "bank", lead.lead_id, lead.number_id, lead.number, lead.person, "fs1", "t", None, at,
                shown="+12025550100",
            ),
            NoteHeard(ident, "machine", GREETING, at + 6.5),
            *kept,
            CloseAttempt(
                ident, lead.lead_id, lead.number_id, Outcome.MACHINE, GREETING, at + 7.0, rang_at=at + 0.5,
                answered_at=at + 3.0, cause="NORMAL_CLEARING", lead_done=True, lead_reason="machine",
            ),
        ],
        time.time(),
    )  # fmt: skip


@pytest.mark.parametrize("which", [ATTEMPT, ATTEMPT[:8], NUMBER])
def test_a_call_is_told_step_by_step_with_its_verdict(
    desk: Desk, capsys: pytest.CaptureFixture[str], which: str
) -> None:
    machine(desk, 1_790_000_000.0)
    assert desk("explain", "call", which) == 0
    said = capsys.readouterr().out
    lines = [line.strip() for line in said.splitlines()]
    assert lines[0].startswith(f"attempt {ATTEMPT}: campaign bank, lead ") and "+120****0177" in lines[0]
    assert lines[1] == "2026-09-21 14:13:20Z  opened, on switch fs1 over trunk t, showing +120****0100"
    assert lines[2:6] == [
        "+0.50 s  rings",
        "+3.00 s  answered",
        "+6.50 s  abandon clock starts",
        f"+7.00 s  ended as machine: {GREETING} (NORMAL_CLEARING)",
    ]
    assert lines[6] == "who answered: machine: words for 2.8 s, longest pause 0.22 s"
    assert NUMBER[1:] not in said


def test_the_same_as_json(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    machine(desk, 1_790_000_000.0)
    desk.recording("one.wav", 10.0)
    assert desk("explain", "call", ATTEMPT, "--json") == 0
    said = capsys.readouterr().out
    (told,) = json.loads(said)
    assert (told["heard"], told["heard_reason"], told["outcome"]) == ("machine", GREETING, "machine")
    assert told["clock_at"] - told["answered_at"] == 3.5
    assert [file["path"] for file in told["recordings"]] == [str(desk.files / "one.wav")]
    assert NUMBER[1:] not in said and "person" not in told


def test_a_talk_that_nobody_listened_to_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    number = desk.talk(1_790_000_000.0)
    assert desk("explain", "call", number) == 0
    said = capsys.readouterr().out
    assert "who answered: nobody listened" in said and "talks with agent 1001" in said
    assert "agent 1001 says: sale" in said


@pytest.mark.parametrize("which", ["8d3", "8d3f1a2b-0000-0000-0000-000000000000", "+12025550999", "8d%f1a2b"])
def test_a_call_that_is_not_there(desk: Desk, capsys: pytest.CaptureFixture[str], which: str) -> None:
    machine(desk, 1_790_000_000.0)
    assert desk("explain", "call", which) == 1
    error = capsys.readouterr().err
    assert "no call" in error and "expected an attempt's id" in error and "2025550999" not in error


def test_machines_are_drawn_listened_to_and_counted(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Above all a person among them: what the report says is people's word."""
    yesterday = time.time() - 86_400.0
    machine(desk, yesterday, file=str(desk.files / "a.wav"))
    assert desk("qc", "sample") == 0
    assert "0 conversations of 0 agents and 1 recorded machines, 1 drawn, 1 of them new" in capsys.readouterr().out
    assert desk("qc", "machine", "1", "--reviewer", "mia", "--who", "nobody") == 2
    marks = ("--right-person", "y", "--understood", "y", "--script", "y", "--consent", "y")
    assert desk("qc", "score", "1", "--reviewer", "mia", *marks) == 1
    assert "no sample 1" in capsys.readouterr().err
    assert desk("qc", "machine", "2", "--reviewer", "mia", "--who", "person") == 1
    assert desk("qc", "machine", "1", "--reviewer", "mia", "--who", "person", "--note", f"as {NUMBER} says") == 0
    assert "sample 1: failed: person" in capsys.readouterr().out
    assert desk("qc", "show", "1") == 0
    shown = capsys.readouterr().out
    assert "mia: person; as +120****0177 says" in shown
    assert desk("qc", "machines", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["judged"], told["listened"], told["persons"], told["of_machines"]) == (1, 1, 1, 1.0)
    assert told["false_positive"] is None  # nobody was passed yet
    assert desk("qc", "machines") == 0 and "100.00%" in capsys.readouterr().out
