"""Imports into a real database: what is refused is told, what is good is there, and the daemon is not in the way."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from pg import require_server
from sqlalchemy import select, text
from stores import NOW, SqlBench, attempt, closing

from dialer.domain.commands import ClaimLeads
from dialer.domain.events import AttemptRefused, LeadsClaimed
from dialer.domain.outcomes import Outcome
from dialer.leads.errors import LeadFileError, NumberError
from dialer.store import imports, queries
from dialer.store.errors import StoreUnavailable
from dialer.store.imports import (
    DncEntry,
    add_do_not_call,
    import_do_not_call,
    import_leads,
    parse_dnc,
    remove_do_not_call,
)
from dialer.store.statements import DNC, LEADS, NUMBERS, ZONES

SAMPLE = Path(__file__).parents[2] / "config" / "examples" / "leads" / "bank-sample.csv"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url)


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_is_in_the_database_as_it_was_written(bench: SqlBench, tmp_path: Path) -> None:
    path = write(
        tmp_path / "l.csv",
        "phone,phone2,name,timezone,language,priority,tags,person_id,city\n"
        "2125550100,3105550100,Ann,,en,4,vip,c1,Köln\n"
        "+4915112345678,,Bo,Europe/Berlin,,,,,\n",
    )
    report = import_leads(bench.url, "main", path, region="US", now=NOW)
    assert (report.rows, report.imported, report.broken, report.faults) == (2, 2, 0, [])
    with bench.engine.connect() as conn:
        ann, bo = conn.execute(select(LEADS).order_by(LEADS.c.id)).all()
        numbers = conn.execute(
            select(NUMBERS.c.position, NUMBERS.c.e164, ZONES.c.zones, NUMBERS.c.line_type)
            .join(ZONES, ZONES.c.id == NUMBERS.c.zone_set_id)
            .order_by(NUMBERS.c.lead_id, NUMBERS.c.position)
        ).all()
    assert (ann.person, ann.name, ann.language, ann.priority, ann.tags) == ("c1", "Ann", "en", 4, "vip")
    assert json.loads(ann.fields) == {"city": "Köln"}
    assert (bo.person, bo.timezone, bo.state, bo.due_at) == ("+4915112345678", "Europe/Berlin", "ready", NOW)
    assert [tuple(row) for row in numbers] == [
        (1, "+12125550100", "America/New_York", "mixed"),
        (2, "+13105550100", "America/Los_Angeles", "mixed"),
        (1, "+4915112345678", "Europe/Berlin", "mobile"),
    ]
    assert [(lead.name, lead.number, lead.line_type, lead.list_name) for lead in bench.claim(5).leads] == [
        ("Ann", "+12125550100", "mixed", "main"),
        ("Bo", "+4915112345678", "mobile", "main"),
    ]


def test_duplicates_in_the_list_are_refused_and_in_other_lists_told(bench: SqlBench, tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "phone,phone2\n2125550100,2125550101\n")
    again = write(
        tmp_path / "b.csv", "phone,phone2\n2125550101,\n2125550102,2125550100\n2125550102,\n2125550103,\n"
    )
    import_leads(bench.url, "main", first, region="US")
    report = import_leads(bench.url, "main", again, region="US")
    assert (report.rows, report.imported, report.duplicates, report.numbers_left_out) == (4, 2, 2, 1)
    assert [(f.line, f.kind) for f in report.faults] == [(4, "duplicate"), (2, "duplicate"), (3, "number")]
    assert "list main already" in str(report.faults[1])
    other = import_leads(bench.url, "second", first, region="US")
    assert (other.imported, other.in_other_lists) == (1, 1)
    assert other.faults[0].kind == "note" and "list main too" in other.faults[0].text
    assert other.rejected == []


def test_a_dry_run_reports_the_same_and_writes_nothing(bench: SqlBench, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "phone\n2125550100\nnonsense\n2125550101\n")
    dry = import_leads(bench.url, "main", path, region="US", dry_run=True)
    assert (dry.imported, dry.broken) == (2, 1)
    assert queries.summary(bench.url)["leads_total"] == 0 and queries.lists(bench.url) == []
    wet = import_leads(bench.url, "main", path, region="US")
    assert [str(f) for f in dry.faults] == [str(f) for f in wet.faults]
    assert queries.list_size(bench.url, "main") == 2


def test_the_sample_that_ships_is_imported_whole(bench: SqlBench) -> None:
    told: list[tuple[float, int]] = []
    report = import_leads(bench.url, "bank", SAMPLE, region=None, progress=lambda *step: told.append(step))
    assert (report.rows, report.imported, report.faults) == (5000, 5000, [])
    assert told[-1] == (1.0, 5000) and [share for share, _ in told] == sorted(share for share, _ in told)
    with bench.engine.connect() as conn:
        e164 = list(conn.execute(select(NUMBERS.c.e164)).scalars())
        longest = max(conn.execute(select(ZONES.c.zones)).scalars(), key=len)
    assert len(set(e164)) == 5000
    assert all(number.startswith("+1") and number[5:10] == "55501" and len(number) == 12 for number in e164)
    assert longest.count("|") < 3


def test_a_bad_byte_late_in_the_file_imports_nothing(bench: SqlBench, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"phone,name\n" + b"".join(b"212555%04d,x\n" % n for n in range(100, 200)) + b"2125550201,\xff\n")
    with pytest.raises(LeadFileError, match=r"a\.csv:102: byte 1322"):
        import_leads(bench.url, "main", path, region="US", encoding="utf-8")
    assert queries.summary(bench.url)["leads_total"] == 0


def test_faults_are_told_as_they_come_and_counted_beyond_what_is_kept(
    bench: SqlBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "FAULTS_KEPT", 3)
    path = write(tmp_path / "a.csv", "phone\n" + "x\n" * 10)
    told: list[str] = []
    report = import_leads(bench.url, "main", path, region="US", on_fault=lambda fault: told.append(str(fault)))
    assert report.broken == 10 and len(report.faults) == 3 and len(told) == 20


def test_an_import_waits_for_a_busy_database(tmp_path: Path) -> None:
    bench = SqlBench(f"sqlite:///{tmp_path}/store.db")
    path = write(tmp_path / "a.csv", "phone\n2125550100\n")
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, sys.argv[3])\n"
            "from dialer.store.imports import import_leads\n"
            "print('go', flush=True)\n"
            "print(import_leads(sys.argv[1], 'main', sys.argv[2], region='US').imported)",
            bench.url,
            str(path),
            str(Path(__file__).parents[2]),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "go\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.5)
    holder.execute("ROLLBACK")
    assert child.stdout.read() == "1\n" and child.wait(20) == 0


def test_a_database_without_the_schema_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "phone\n2125550100\n")
    with pytest.raises(StoreUnavailable, match="no such table"):
        import_leads(f"sqlite:///{tmp_path}/empty.db", "main", path, region="US")


# ---- do not call -------------------------------------------------------------------------------------------


def test_an_entry_that_is_added_binds_at_the_next_gate(bench: SqlBench) -> None:
    bench.add_lead(["+12125550100"])
    (lead,) = bench.claim(1).leads
    assert add_do_not_call(bench.url, [parse_dnc("(212) 555-0100", "US", reason="asked us")]) == 1
    (answer,) = bench.execute([attempt(lead)])
    assert isinstance(answer, AttemptRefused) and answer.rule == "dnc"
    assert remove_do_not_call(bench.url, DncEntry("+12125550100"))
    assert not remove_do_not_call(bench.url, DncEntry("+12125550100"))


def test_a_file_of_numbers_prefixes_and_ends(bench: SqlBench, tmp_path: Path) -> None:
    path = write(
        tmp_path / "dnc.csv",
        "phone,campaign,expires,reason\n"
        "2125550100,,,complained\n"
        "+4490*,,,\n"
        "2125550101,sales,2027-01-31,\n"
        "2125550102,,2027-01-31T12:00:00+01:00,\n"
        "bad,,,\n"
        "2125550103,,soon,\n"
        "+44x*,,,\n"
        "2125550100,,,again\n",
    )
    report = import_do_not_call(bench.url, path, region="US", now=NOW)
    assert report.imported == 5
    assert [(fault.line, fault.column) for fault in report.faults] == [(6, "phone"), (7, "expires"), (8, "phone")]
    with bench.engine.connect() as conn:
        rows = {(row.kind, row.value, row.campaign): row for row in conn.execute(select(DNC))}
    assert set(rows) == {
        ("number", "+12125550100", ""),
        ("prefix", "+4490", ""),
        ("number", "+12125550101", "sales"),
        ("number", "+12125550102", ""),
    }
    assert rows["number", "+12125550100", ""].reason == "again"
    assert rows["number", "+12125550101", "sales"].expires_at == 1_801_353_600.0
    assert rows["number", "+12125550102", ""].expires_at == 1_801_393_200.0


def test_a_plain_file_of_numbers(bench: SqlBench, tmp_path: Path) -> None:
    report = import_do_not_call(bench.url, write(tmp_path / "d.txt", "+12125550100\n\n+12125550101\n+1900*\n"))
    assert (report.imported, report.faults) == (3, [])


@pytest.mark.parametrize("bad", ["*", "+*", "4490*", "+44 abc*", "+1234567890123456*"])
def test_prefixes_that_are_none(bad: str) -> None:
    with pytest.raises(NumberError, match="prefix"):
        parse_dnc(bad, "US")


# ---- accounting --------------------------------------------------------------------------------------------


def test_the_summary_counts_and_finds_what_is_not_accounted_for(bench: SqlBench) -> None:
    for n in range(4):
        bench.add_lead([f"+1212555010{n}"])
    leads = bench.claim(4).leads
    a, b, c = (attempt(lead, at=NOW + n) for n, lead in enumerate(leads[:3]))
    bench.execute([a, b, c])
    bench.execute(
        [
            closing(a, Outcome.CONNECTED, answered_at=NOW, bridged_at=NOW + 1, at=NOW + 61, lead_done=True),
            closing(b, Outcome.ABANDONED, answered_at=NOW, at=NOW + 5, recycle_after_s=60.0),
        ]
    )
    summary = queries.summary(bench.url)
    assert (summary["attempts"], summary["attempts_open"], summary["answered"]) == (3, 1, 2)
    assert (summary["connected"], summary["abandoned"], summary["abandon_rate"]) == (1, 1, 0.5)
    assert sum(summary["outcomes"].values()) + summary["attempts_open"] == summary["attempts"]
    assert set(summary["outcomes"]) == {outcome.value for outcome in Outcome}
    assert summary["talk_s"] == 60.0
    assert (summary["leads_total"], summary["leads"]) == (4, {"claimed": 1, "dialing": 1, "done": 1, "ready": 1})
    assert summary["leads_unaccounted"] == 2  # one claimed, one dialing with an open attempt
    assert queries.summary(bench.url, NOW + 2)["attempts"] == 1
    bench.execute([closing(c, Outcome.SHUTDOWN, at=NOW + 9, recycle_after_s=60.0)])
    bench.restart()
    assert queries.summary(bench.url)["leads_unaccounted"] == 0
    with bench.engine.begin() as conn:
        conn.execute(text("UPDATE leads SET attempts = 7 WHERE id = :id"), {"id": leads[0].lead_id})
        conn.execute(text("UPDATE leads SET state = 'limbo' WHERE id = :id"), {"id": leads[3].lead_id})
    broken = queries.summary(bench.url)
    assert broken["leads_unaccounted"] == 2
    assert (broken["unaccounted"]["wrong_attempt_count"], broken["unaccounted"]["unknown_state"]) == (1, 1)


def test_the_summary_of_one_dialer_leaves_another_ones_work_alone(bench: SqlBench) -> None:
    for n in range(3):
        bench.add_lead([f"+1212555010{n}"])
    (mine,) = bench.claim(1).leads
    bench.execute([attempt(mine)])
    other = bench.open("other")
    other.recover(NOW)
    (claimed,) = other.execute([ClaimLeads("sales", 2, 60.0)], NOW)
    assert isinstance(claimed, LeadsClaimed) and len(claimed.leads) == 2
    other.execute([attempt(claimed.leads[0])], NOW)
    seen = queries.summary(bench.url, owner="other")
    assert (seen["attempts"], seen["attempts_open"], seen["leads_unaccounted"]) == (1, 1, 2)
    assert queries.summary(bench.url, owner="third")["leads_unaccounted"] == 0
    assert queries.summary(bench.url)["leads_unaccounted"] == 3


def test_wiping_forgets_leads_and_keeps_do_not_call(bench: SqlBench) -> None:
    bench.add_lead(["+12125550100"])
    bench.block("+12125550199")
    (lead,) = bench.claim(1).leads
    bench.execute([attempt(lead)])
    queries.wipe(bench.url)
    summary = queries.summary(bench.url)
    assert (summary["leads_total"], summary["attempts"], summary["do_not_call"]) == (0, 0, 1)
    (claimed,) = bench.execute([ClaimLeads("sales", 1, 60.0)])
    assert isinstance(claimed, LeadsClaimed) and claimed.leads == () and claimed.next_due_at is None
