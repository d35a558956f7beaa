"""The service when the database is in trouble, and when two dialers want the same leads."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pg import require_server
from sqlalchemy import event, text
from stores import CAMPAIGNS, NOW, SqlBench, attempt, closing

from dialer.domain.commands import ClaimLeads, LogAgentState, SaveCampaignState
from dialer.domain.events import AttemptOpened, AttemptRefused, LeadsClaimed
from dialer.domain.outcomes import Outcome
from dialer.store import queries
from dialer.store.database import make_engine
from dialer.store.errors import StoreDoubtful, StoreSchemaError, StoreUnavailable, StoreUrlError
from dialer.store.gate import STALE_ANSWER_S
from dialer.store.migrations import config, current, head, upgrade
from dialer.store.schema import Base
from dialer.store.service import StoreService


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url)


@pytest.fixture
def sqlite_bench(tmp_path: Path) -> Iterator[SqlBench]:
    made = SqlBench(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.service.close()


# ---- schema ------------------------------------------------------------------------------------------------


def test_the_migrations_make_the_models(bench: SqlBench) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with bench.engine.connect() as conn:
        differences = compare_metadata(MigrationContext.configure(conn), Base.metadata)
    # Alembic cannot read the one index with an expression back; its columns are checked below.
    named = [d for d in differences if "ix_leads_claim" not in str(d)]
    assert named == []


def test_a_claim_is_answered_from_its_index(sqlite_bench: SqlBench) -> None:
    bench = sqlite_bench
    bench.add_lead(["+12125550100"])
    seen: list[tuple[str, Any]] = []
    event.listen(bench.engine, "before_cursor_execute", lambda *a: seen.append((a[2], a[3])))
    service = StoreService(bench.engine, owner="a", epoch="e", campaigns=CAMPAIGNS)
    service.execute([ClaimLeads("sales", 1, 60.0)], NOW)
    service.close()
    ((query, values),) = [entry for entry in seen if "ORDER BY leads.priority DESC" in entry[0]]
    with sqlite3.connect(bench.engine.url.database or "") as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN " + query, values).fetchall()
    steps = [row[3] for row in plan]
    assert any("SEARCH leads USING INDEX ix_leads_claim (list_id=? AND state=?)" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


def test_upgrade_may_be_repeated_and_run_by_two_at_once(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/new.db", require_server().new_database()):
        failures: list[Exception] = []

        def run(url: str = url, failures: list[Exception] = failures) -> None:
            try:
                upgrade(url)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert failures == []
        assert upgrade(url) == head()


def test_downgrade_takes_everything_away(sqlite_bench: SqlBench) -> None:
    from alembic import command

    with sqlite_bench.engine.begin() as conn:
        command.downgrade(config(conn), "base")
        assert current(conn) is None
        left = conn.execute(text("SELECT count(*) FROM sqlite_master WHERE name NOT LIKE '%alembic%'")).scalar_one()
    assert left == 0


def test_a_newer_database_is_refused(sqlite_bench: SqlBench) -> None:
    with sqlite_bench.engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num='9999'"))
    with pytest.raises(StoreSchemaError, match="newer"):
        upgrade(sqlite_bench.url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not a database URL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://u:secret@h/d", "not supported"),
    ],
)
def test_urls_that_cannot_be_used(url: str, words: str) -> None:
    with pytest.raises(StoreUrlError, match=words) as caught:
        make_engine(url)
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="unable to open"):
        upgrade(f"sqlite:///{tmp_path}/no/such/directory/store.db")
    with pytest.raises(StoreUnavailable):
        upgrade(f"postgresql://nobody@/none?host={tmp_path}")


def test_sqlite_is_durable(sqlite_bench: SqlBench) -> None:
    with sqlite_bench.engine.connect() as conn:
        assert conn.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert conn.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
        assert conn.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


# ---- trouble -----------------------------------------------------------------------------------------------


def test_one_bad_command_does_not_sink_the_batch(bench: SqlBench) -> None:
    lead_id = bench.add_lead(["+12125550100"])
    (lead,) = bench.claim(1).leads
    good = attempt(lead, "good")
    orphan = attempt(lead, "orphan", number_id=10**25)
    events = bench.execute(
        [
            SaveCampaignState("sales", "running", NOW),
            orphan,
            good,
            LogAgentState("anna", "s", "ready", "", NOW),
        ]
    )
    refused, opened = events
    assert isinstance(refused, AttemptRefused) and refused.attempt_id == "orphan"
    assert refused.rule == "store" and not refused.keep
    assert opened == AttemptOpened("good")
    (fault,) = bench.service.faults
    assert fault.startswith("OpenAttempt cannot be stored") and "+1212" not in fault
    assert bench.lead(lead_id).state == "dialing"
    assert bench.restart().campaigns == (("sales", "running"),)


def test_text_that_databases_dislike_is_stored_all_the_same(bench: SqlBench) -> None:
    bench.add_lead(["+12125550100"])
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    end = closing(opened, cause="NUL\0 and \ud800" + "x" * 500, sip_status="sip:" + "9" * 100, reason="r\0" * 2000)
    bench.execute([opened, end])
    assert bench.service.faults == []
    (row,) = queries.attempts(bench.url)
    assert row["outcome"] == "no_answer" and row["cause"].startswith("NUL and ?x") and len(row["sip_status"]) == 40


def test_a_full_disk_is_unavailable_and_leaves_no_half(sqlite_bench: SqlBench) -> None:
    bench = sqlite_bench
    lead_ids = [bench.add_lead([f"+1212555{n:04d}"]) for n in range(40)]
    leads = bench.claim(40).leads
    assert bench.service._conn is not None
    limit = bench.service._conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    bench.service._conn.exec_driver_sql(f"PRAGMA max_page_count={limit}")
    bench.service._conn.rollback()
    opens = [attempt(lead, at=NOW) for lead in leads]
    with pytest.raises(StoreUnavailable, match="full"):
        bench.execute([*opens, *(LogAgentState("a", "s", "ready", "x" * 1000, float(n)) for n in range(100))])
    assert {bench.lead(lead_id).state for lead_id in lead_ids} == {"claimed"}
    assert queries.attempts(bench.url) == []
    bench.service.close()
    assert len(bench.execute(opens)) == 40


def test_a_locked_database_is_unavailable_and_then_works(sqlite_bench: SqlBench) -> None:
    bench = sqlite_bench
    service = bench.open("beta", busy_timeout_s=0.05)
    with sqlite3.connect(bench.engine.url.database or "", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            service.execute([SaveCampaignState("sales", "running", NOW)], NOW)
        with pytest.raises(StoreUnavailable, match="locked"):
            service.probe(NOW)
        holder.execute("ROLLBACK")
    service.probe(NOW)
    service.execute([SaveCampaignState("sales", "running", NOW)], NOW)
    assert service.recover(NOW).campaigns == (("sales", "running"),)
    service.close()


def test_an_instance_keeps_its_mark_over_restarts_and_no_two_have_the_same(bench: SqlBench) -> None:
    first, other = bench.open("alpha"), bench.open("beta")
    mark = first.recover(NOW).mark
    assert re.fullmatch("[0-9a-f]{8}", mark)
    assert first.recover(NOW + 1).mark == mark != other.recover(NOW).mark
    first.close()
    again = bench.open("alpha")
    assert again.recover(NOW + 2).mark == mark
    again.close()
    other.close()


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("late", [False, True])
def test_a_commit_in_doubt_is_resolved_by_looking(
    bench: SqlBench, monkeypatch: pytest.MonkeyPatch, committed: bool, late: bool
) -> None:
    lead_id = bench.add_lead(["+12125550100"])
    (lead,) = bench.claim(1).leads
    asked = attempt(lead, "a1")
    dialect = bench.service._engine.dialect
    real = type(dialect).do_commit

    def failing(self: object, dbapi_connection: object) -> None:
        if committed:
            real(self, dbapi_connection)  # type: ignore[arg-type]
        raise dialect.loaded_dbapi.OperationalError("server closed the connection")

    monkeypatch.setattr(dialect, "do_commit", failing.__get__(dialect))
    with pytest.raises(StoreDoubtful, match="server closed"):
        bench.execute([asked])
    monkeypatch.undo()
    (answer,) = bench.service.resolve([asked], NOW + (STALE_ANSWER_S + 1 if late else 1))
    if committed and not late:
        assert answer == AttemptOpened("a1")
        assert (bench.lead(lead_id).state, bench.lead(lead_id).attempts) == ("dialing", 1)
        return
    assert isinstance(answer, AttemptRefused) and answer.keep and answer.rule == "store"
    assert (bench.lead(lead_id).state, bench.lead(lead_id).attempts) == ("claimed", 0)
    assert queries.attempts(bench.url) == []
    assert bench.execute([attempt(lead, "a2")]) == [AttemptOpened("a2")]


# ---- two dialers -------------------------------------------------------------------------------------------


def test_two_dialers_never_claim_the_same_lead(bench: SqlBench) -> None:
    for n in range(120):
        bench.add_lead([f"+1212555{n:04d}"])
    taken: dict[str, list[int]] = {"alpha": [], "beta": []}
    opened: dict[str, list[str]] = {"alpha": [], "beta": []}
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def dial(owner: str) -> None:
        service = bench.open(owner, busy_timeout_s=20.0)
        try:
            start.wait(10)
            for _ in range(200):
                (claimed,) = service.execute([ClaimLeads("sales", 7, 3000.0)], NOW)
                assert isinstance(claimed, LeadsClaimed)
                if not claimed.leads and claimed.left == 0:
                    return
                taken[owner] += [lead.lead_id for lead in claimed.leads]
                for lead in claimed.leads:
                    asked = attempt(lead)
                    (answer,) = service.execute([asked], NOW)
                    if isinstance(answer, AttemptOpened):
                        opened[owner].append(answer.attempt_id)
                        done = closing(asked, Outcome.CONNECTED, lead_done=True, lead_reason="connected")
                        service.execute([done], NOW)
        except BaseException as error:
            failures.append(error)
        finally:
            service.close()

    threads = [threading.Thread(target=dial, args=(owner,)) for owner in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    everything = taken["alpha"] + taken["beta"]
    assert len(everything) == len(set(everything)) == 120
    assert len(opened["alpha"]) + len(opened["beta"]) == 120
    summary = queries.summary(bench.url)
    assert summary["outcomes"]["connected"] == 120 and summary["leads_unaccounted"] == 0


def test_a_restart_of_one_dialer_leaves_the_others_claims_alone(bench: SqlBench) -> None:
    mine = bench.add_lead(["+12125550100"], priority=1)
    other = bench.add_lead(["+12125550101"])
    bench.claim(1)
    beta = bench.open("beta")
    beta.execute([ClaimLeads("sales", 1, 60.0)], NOW)
    bench.restart()
    assert (bench.lead(mine).state, bench.lead(other).state) == ("ready", "claimed")
    beta.close()


def test_another_dialers_claim_is_not_ours_to_open(bench: SqlBench) -> None:
    lead_id = bench.add_lead(["+12125550100"])
    (lead,) = bench.claim(1).leads
    beta = bench.open("beta")
    (answer,) = beta.execute([attempt(lead)], NOW)
    assert isinstance(answer, AttemptRefused) and answer.rule == "claim_lost"
    assert bench.lead(lead_id).state == "claimed"
    beta.close()


def test_two_dialers_that_want_the_same_person(bench: SqlBench) -> None:
    """The look finds nobody in a call with either; the unique index decides at the write."""
    one = bench.add_lead(["+12125550100"], person="p", priority=1)
    two = bench.add_lead(["+12125550101"], person="p")
    (first,) = bench.claim(1).leads
    beta = bench.open("beta")
    (claimed,) = beta.execute([ClaimLeads("sales", 1, 60.0)], NOW)
    assert isinstance(claimed, LeadsClaimed)
    (second,) = claimed.leads
    assert bench.execute([attempt(first)]) == [AttemptOpened(bench_id(bench))]
    (answer,) = beta.execute([attempt(second)], NOW)
    assert isinstance(answer, AttemptRefused) and answer.rule == "person_busy"
    assert (bench.lead(one).state, bench.lead(two).state, bench.lead(two).attempts) == ("dialing", "ready", 0)
    beta.close()


def bench_id(bench: SqlBench) -> str:
    (row,) = queries.attempts(bench.url)
    return str(row["id"])
