"""How a service ends and how it refuses to start: signals, second services, taken ports, files that cannot be had."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from run_kit import (
    DIALER,
    Service,
    configuration,
    dialer,
    running,
    silent,
    until,
)

RUN = ("run", "--no-top")


def test_one_signal_drains_and_a_hangup_does_nothing(tmp_path: Path) -> None:
    with running(configuration(tmp_path), "--drain", "9s") as service:
        service.up()
        until(lambda: service.switch.talks() and service.switch.ringing(), "calls are on")
        service.send(signal.SIGHUP)
        assert "SIGHUP does nothing" in service.said("hangup")["text"]
        assert service.process.poll() is None
        service.send(signal.SIGTERM)
        until(lambda: service.lines("drain"), "it drains")
        assert service.get("/readyz")[0] == 503 and service.ready()[1]["dialer"] == "shutting down"
        assert service.dialer("agents", "login", "1001").returncode == 1
        assert service.exit_code() == 0, service.log()[-3000:]
        report = service.summary()
        assert report["connected"] >= 1 and "shutdown" not in report["outcomes"], "calls had the time to end"
        assert report["leads_unaccounted"] == report["channels_left"] == 0
        assert sum(report["outcomes"].values()) == report["attempts"]


def test_a_second_signal_ends_at_once_and_leaves_calls_to_the_fail_safe(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    with running(config, "--drain", "60s") as service:
        service.up()
        until(lambda: len(service.switch.calls()) >= 8, "calls are on")
        switch = service.switch
        service.send(signal.SIGINT)
        until(lambda: service.lines("drain"), "it drains")
        told = time.monotonic()
        service.send(signal.SIGINT)
        assert service.exit_code(10) == 1
        assert time.monotonic() - told < 5
        assert service.said("stop_now")
        until(lambda: not switch.calls(), "calls end by themselves", 20)
        assert not silent(switch.audit())
        with running(config, "--for", "500ms", "--drain", "500ms", name="second") as second:
            assert second.exit_code() == 0, second.log()[-3000:]
            report = second.summary()
            assert report["leads_unaccounted"] == report["attempts_open"] == report["channels_left"] == 0


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    with running(config) as service, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        service.listening()

        second = dialer("--config", str(config), *RUN)
        assert second.returncode == 1 and second.stdout == ""
        assert f"data_dir: {service.data}: another dialer runs on it" in second.stderr
        assert "Traceback" not in second.stderr
        assert service.get("/healthz")[0] == 200

        elsewhere = ("--set", f"data_dir={tmp_path}/other", "--set", f"http.port={port}")
        other = dialer("--config", str(config), *RUN, *elsewhere)
        assert other.returncode == 1 and "Traceback" not in other.stderr
        assert f"dialer: http: 127.0.0.1:{port}: " in other.stderr and "expected a free local address" in other.stderr
        left = tmp_path / "other" / "run" / "switch.json"
        assert not left.exists(), "its embedded switch has ended with it"

    faulty = tmp_path / "faulty.yaml"
    data = yaml.safe_load(config.read_text())
    data["campaigns"][0]["mode"] = "fast"
    data["trunks"][0]["cps"] = -1
    faulty.write_text(yaml.safe_dump(data))
    done = dialer("--config", str(faulty), *RUN)
    assert done.returncode == 78
    assert "campaigns.bank.mode" in done.stderr and "trunks.carrier.cps" in done.stderr

    (tmp_path / "file").write_text("not a directory")
    for setting, words in (
        (f"data_dir={tmp_path}/file/data", "expected a directory we may write"),
        (f"log.file={tmp_path}/nowhere/dialer.log", "expected a file that can be appended to"),
        (f"database.url=sqlite:///{tmp_path}/nowhere/dialer.db", "unable to open database file"),
    ):
        done = dialer("--config", str(config), *RUN, "--set", f"data_dir={tmp_path}/third", "--set", setting)
        assert done.returncode == 1, setting
        assert words in done.stderr and "Traceback" not in done.stderr, setting
    done = dialer("--config", str(config), *RUN, "--summary", str(tmp_path / "nowhere" / "s.json"))
    assert done.returncode == 2 and "expected a file in a directory that you may write" in done.stderr


def test_another_users_data_is_refused(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    lock = tmp_path / "data" / "run" / "lock"
    lock.parent.mkdir(parents=True)
    lock.touch(0o000)
    command = [*DIALER, "--config", str(config), *RUN]
    if os.geteuid() == 0:
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if subprocess.run([*nobody, *DIALER, "version"], capture_output=True, check=False).returncode != 0:
            pytest.skip("run by root from a place that nobody else may read")
        command = [*nobody, *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 1
    assert "expected a directory of our own" in done.stderr and "Traceback" not in done.stderr


def test_closed_standard_streams_and_a_reader_that_leaves_do_no_harm(tmp_path: Path) -> None:
    config = configuration(tmp_path, leads=50)
    # Started from a folder whose files bear the names of modules of ours and of Python's.
    for name in ("config.py", "json.py", "dialer.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of the operator was run')\n")
    script = '"$@" 0<&- 2>"$LOG" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
    command = [Path(DIALER[0]).with_name("dialer"), "--config", config, *RUN, "--for", "500ms", "--drain", "500ms"]
    blind = subprocess.Popen(
        ["bash", "-c", '"$@" <&- >&- 2>&-', "-", *map(str, command), "--set", f"data_dir={tmp_path}/blind"],
        cwd=tmp_path,
    )
    done = subprocess.run(
        ["bash", "-c", script, "-", *map(str, command), "--summary", str(tmp_path / "s.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        env={**os.environ, "LOG": str(tmp_path / "log")},
    )
    log = (tmp_path / "log").read_text()
    assert done.stdout.strip() == "0", log[-3000:]
    assert "Traceback" not in log and "BrokenPipe" not in log and "was run" not in log
    assert yaml.safe_load((tmp_path / "s.json").read_text())["leads_unaccounted"] == 0
    assert blind.wait(timeout=60) == 0


def test_a_first_import_that_was_cut_short_is_finished_by_the_next_start(tmp_path: Path) -> None:
    config = configuration(tmp_path, leads=5000)
    service = Service(config, name="cut")
    until(lambda: service.lines("prepare"), "the import begins", every_s=0.005)
    service.send(signal.SIGTERM)
    code = service.exit_code()
    assert "Traceback" not in service.log()
    if code == 0 and service.lines("stopped"):
        assert not service.lines("listening")
    with running(config, "--for", "200ms", "--drain", "200ms", name="second") as second:
        assert second.exit_code() == 0, second.log()[-3000:]
        assert second.summary()["leads_total"] == len(set((tmp_path / "leads.csv").read_text().split())) - 1
