"""`dialer leads`: good rows are in, bad ones are named with their line, and no number is printed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dialer import cli
from dialer.clitools import leads
from dialer.clitools.options import CliError
from dialer.clitools.running import Where

GOOD = "phone,name\n+12025550101,A\n2025550102,B\n"
MIXED = GOOD + "abc,C\n+12025550101,D\n\x00,E\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "dialer.yaml"
    path.write_text("data_dir: data\nswitch: embedded\nhttp: {port: 0}\nlists:\n  - {name: known, region: US}\n")
    return path


def dialer(config: Path, *args: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["--config", str(config), "leads", *args])
    return int(end.value.code or 0)


def lead_file(config: Path, text: str | bytes) -> Path:
    path = config.parent / "leads.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def stored(config: Path, table: str = "leads") -> int:
    with sqlite3.connect(config.parent / "data" / "dialer.db") as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_good_rows_are_imported_and_bad_ones_named(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = lead_file(config, MIXED)
    assert dialer(config, "import", str(path), "--list", "bank", "--region", "US") == 0
    shown = capfd.readouterr()
    assert f"{path}:4: " in shown.out
    assert f"{path}:5: " in shown.out
    assert f"{path}:6: " in shown.out
    assert "2 imported into list bank, 2 broken, 1 duplicate" in shown.out.splitlines()[-1]
    assert "5550101" not in shown.out
    assert "no campaign dials list bank" in shown.err
    assert stored(config) == 2


def test_the_list_s_own_region_is_used(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert dialer(config, "import", str(lead_file(config, GOOD)), "--list", "known") == 0
    assert stored(config) == 2


def test_nothing_imported_is_a_failure(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = lead_file(config, GOOD)
    assert dialer(config, "import", str(path), "--list", "known") == 0
    assert dialer(config, "import", str(path), "--list", "known") == 1
    assert "0 imported into list known, 0 broken, 2 duplicates" in capfd.readouterr().out
    assert stored(config) == 2


def test_a_dry_run_makes_nothing(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert dialer(config, "import", str(lead_file(config, MIXED)), "--list", "known", "--dry-run") == 0
    assert "2 would be imported into list known" in capfd.readouterr().out
    assert not (config.parent / "data").exists()


@pytest.mark.parametrize(
    ("data", "args", "told"),
    [
        (None, [], "No such file"),
        (b"", [], "leads.csv"),
        (b"name\nA\n", [], "phone"),
        (GOOD.encode(), ["--encoding", "klingon"], "unknown encoding"),
        (GOOD.encode("utf-16"), ["--encoding", "utf-8"], "utf-8"),
    ],
)
def test_a_file_that_cannot_be_read(
    config: Path, data: bytes | None, args: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = lead_file(config, data) if data is not None else config.parent / "none.csv"
    assert dialer(config, "import", str(path), "--list", "known", *args) == 1
    shown = capfd.readouterr()
    assert told in shown.err
    assert "Traceback" not in shown.err
    assert "stopped after" not in shown.err


def test_chinese_files_are_read(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = lead_file(config, "phone,name\n+8613800138000,李先生\n".encode("gb18030"))
    assert dialer(config, "import", str(path), "--list", "cn") == 0
    with sqlite3.connect(config.parent / "data" / "dialer.db") as db:
        assert db.execute("SELECT name FROM leads").fetchall() == [("李先生",)]


@pytest.mark.parametrize("args", [["--list", "a b"], ["--list", "../x"], ["--list", "x", "--region", "usa"]])
def test_wrong_words_are_usage(config: Path, args: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert dialer(config, "import", str(lead_file(config, GOOD)), *args) == 2
    assert "expected" in capfd.readouterr().err


def test_a_database_that_cannot_be_had(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (config.parent / "data").write_text("a file where the directory should be")
    assert dialer(config, "import", str(lead_file(config, GOOD)), "--list", "known") == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_failure_halfway_says_what_stays(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dialer.store import imports
    from dialer.store.errors import StoreUnavailable

    def broken(*_: object, progress: object, **__: object) -> None:
        assert callable(progress)
        progress(0.5, 1000)
        raise StoreUnavailable("OperationalError: database or disk is full")

    monkeypatch.setattr(imports, "import_leads", broken)
    with pytest.raises(CliError, match="disk is full; stopped after 1,000 rows"):
        leads.import_file(Where(config=config), lead_file(config, GOOD), "known", None, None, dry_run=False)


def test_do_not_call(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert dialer(config, "dnc", "add", "+12025550101") == 0
    assert dialer(config, "dnc", "add", "2025550102", "--region", "US") == 0
    assert dialer(config, "dnc", "add", "+4490*") == 0
    shown = capfd.readouterr().out.splitlines()
    assert shown[0] == "+120****0101: not called again by any campaign"
    assert shown[2] == "+4490*: not called again by any campaign"


def test_do_not_call_refuses_what_is_no_number(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert dialer(config, "dnc", "add", "12") == 1
    assert dialer(config, "dnc", "add", "+12025550101", "--campaign", "none") == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "expected a campaign of the configuration" in shown.err
