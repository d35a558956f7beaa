"""`dialer callbacks add|reschedule|cancel` and `explain callback`: what is done, refused and printed."""

from __future__ import annotations

import json
import time

import pytest
from test_cli_desk import ATTEMPT, Desk, desk  # noqa: F401

from dialer.clitools.callbacks import text

TOLD = {
    "id": 7, "campaign": "spring", "state": "open", "kind": "callback", "local_time": "2026-11-27 15:00 Europe/Berlin",
    "due_at": 1_790_000_000.0, "tries": 1, "agent": "1001", "waits": "agent 1001 is paused; nobody else may take it",
}  # fmt: skip


def test_an_explanation_for_people() -> None:
    lines = text(TOLD)
    assert lines[0] == "callback 7 of campaign spring: open, callback"
    assert "2026-11-27 15:00 Europe/Berlin" in lines[1] and "1 calls made" in lines[1]
    assert lines[2:] == ["  promised by 1001", "  agent 1001 is paused; nobody else may take it"]
    assert text({**TOLD, "agent": "", "waits": ""})[2:] == ["  anyone may do it"]


def test_written_down_moved_and_called_off(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    number = desk.talk(time.time() - 100)
    order = ("--attempt", ATTEMPT, "--agent", "1002", "--note", f"or {number}")
    assert desk("callbacks", "add", "--at", "+1 15:00", *order) == 0
    assert capfd.readouterr().out.startswith("callback 1 of bank, for agent 1002: 20")
    assert desk("callbacks", "reschedule", "1", "--at", "+2 15:00", "--agent", "", "--json") == 0
    shown = capfd.readouterr().out
    told = json.loads(shown)
    assert (told["state"], told["agent"], told["tries"]) == ("open", "", 0) and number not in shown
    assert desk("callbacks", "cancel", "1", "--reason", f"they wrote from {number}") == 0
    shown = capfd.readouterr().out
    assert shown.startswith("callback 1 of bank, for anyone: ") and "cancelled: they wrote from +120****" in shown
    assert number not in shown


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["add", "--at", "+1 15:00"], 2, "an attempt or a lead"),
        (["add", "--at", "soon", "--attempt", ATTEMPT], 2, "expected HH:MM"),
        (["add", "--at", "+1 15:00", "--lead", "99", "--campaign", "bank"], 2, "there is no lead 99"),
        (["add", "--at", "+1 15:00", "--attempt", ATTEMPT, "--agent", "77"], 2, "agent '77'"),
        (["reschedule", "9", "--at", "+1 15:00"], 1, "no callback 9"),
        (["cancel", "9"], 1, "no callback 9"),
    ],
)
def test_what_is_refused(
    desk: Desk, capfd: pytest.CaptureFixture[str], args: list[str], code: int, told: str  # noqa: F811
) -> None:
    desk.talk(time.time() - 100)
    assert desk("callbacks", *args) == code
    assert told in capfd.readouterr().err
