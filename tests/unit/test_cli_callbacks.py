"""`dialer callbacks add|reschedule|cancel` and `explain callback`: what is done, refused and printed."""

from __future__ import annotations

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
