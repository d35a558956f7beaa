"""A store in trouble: dialing stops, calls go on, it says so everywhere, and nothing is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

from run_kit import (
    Service,
    configuration,
    no_space_for,
    nothing_dialed_twice,
    running,
    silent,
    until,
)


def trouble_is_told(service: Service) -> None:
    """Dialing has stopped and everybody who asks is told why."""
    code, missing = until(lambda: service.ready() if service.ready()[0] == 503 else None, "/readyz says 503")
    assert code == 503 and missing["store"]
    status = service.status()
    assert status["store_ok"] is False and status["store_detail"]
    until(lambda: "the store is in trouble" in service.campaign()["decision_reason"], "the decision names it")
    assert "dialing stops, calls go on" in service.lines("store_failed")[-1]["text"]
    assert service.get("/healthz")[0] == 200


def calls_go_on_and_none_starts(service: Service) -> None:
    """Calls end by themselves while no INVITE leaves the switch."""
    switch = service.switch
    begun, calls = switch.audit()["originates"], len(switch.calls())
    assert calls >= 1
    until(lambda: len(switch.calls()) <= calls / 2, "calls end by themselves meanwhile", 20)
    assert switch.audit()["originates"] == begun


def dialing_resumes(service: Service) -> None:
    until(lambda: service.ready()[0] == 200, "ready again", 30)
    attempts = service.campaign()["attempts"]
    until(lambda: service.campaign()["attempts"] >= attempts + 5, "dialing resumes", 30)


def test_a_locked_database_a_full_disk_and_a_killed_worker_lose_nothing(tmp_path: Path) -> None:
    talk = {"mean_s": 6, "sd_s": 1, "min_s": 5, "max_s": 8}  # so that calls are on whenever the trouble is found out
    with running(configuration(tmp_path, embedded__talk=talk), "--drain", "1s") as service:
        service.up()
        until(lambda: len(service.switch.talks()) >= 3, "the campaign runs")

        locker = sqlite3.connect(service.data / "dialer.db", isolation_level=None)
        locker.execute("BEGIN IMMEDIATE")
        try:
            trouble_is_told(service)
            calls_go_on_and_none_starts(service)
        finally:
            locker.execute("ROLLBACK")
            locker.close()
        assert service.said("store_recovered")
        dialing_resumes(service)

        until(lambda: len(service.switch.talks()) >= 3, "the campaign runs")
        worker = until(service.worker_pid, "the store's worker is there")
        failures = len(service.lines("store_failed"))
        give_back = no_space_for(worker)
        try:
            until(lambda: len(service.lines("store_failed")) > failures, "a full disk is told")
            trouble_is_told(service)
            calls_go_on_and_none_starts(service)
        finally:
            give_back()
        dialing_resumes(service)

        worker = until(service.worker_pid, "the store's worker is there")
        os.kill(worker, signal.SIGKILL)
        until(lambda: service.worker_pid() not in (None, worker), "another worker is started")
        dialing_resumes(service)

        audit = service.switch.audit()
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0, service.log()[-3000:]
        report = service.summary()
        assert report["leads_unaccounted"] == report["channels_left"] == report["attempts_open"] == 0
        assert sum(report["outcomes"].values()) == report["attempts"] >= audit["invites"]
        assert "interrupted" not in report["outcomes"]
        assert not silent(audit)
        nothing_dialed_twice(service, audit)
