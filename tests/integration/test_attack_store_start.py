"""A start on a database that cannot be used: the error names the database, what is wrong, and no password."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from dialer.store import tasks


def prepare(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"url": url, "lists": [], "do_not_call": []})))
    assert tasks.main(["prepare"]) == 1
    text: str = json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    return text


def test_a_file_that_is_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dialer.db"
    file.write_bytes(b"garbage!" * 1000)
    text = prepare(f"sqlite:///{file}", monkeypatch, capsys)
    assert text == f"database sqlite:///{file}: DatabaseError: file is not a database"


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = prepare("postgresql://dialer:very-secret@127.0.0.1:1/leads", monkeypatch, capsys)
    assert text.startswith("database postgresql+psycopg://dialer:***@127.0.0.1:1/leads: OperationalError: ")
    assert "very-secret" not in text and "refused" in text
