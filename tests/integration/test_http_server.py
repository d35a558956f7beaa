"""The API on a real loopback port: the server's limits, its silence, and the commands and the live view on it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gevent
import pytest

from dialer.clitools.service import Service, ServiceDown, ServiceRefused, from_run_dir
from dialer.http.app import make_app
from dialer.http.runfiles import ensure_token
from dialer.http.server import HttpServer, HttpServerError
from dialer.http.testing import FakePort


@dataclass
class Running:
    """A sample service in a process of its own."""

    config: Path
    run_dir: Path
    port: int
    process: subprocess.Popen[str]

    @property
    def service(self) -> Service:
        return from_run_dir(self.run_dir, "127.0.0.1", 0, None)

    def raw(self, data: bytes) -> bytes:
        """Send bytes, read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as sock:
            answer = b""
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                sock.sendall(data)
                with contextlib.suppress(OSError):  # refused already
                    sock.shutdown(socket.SHUT_WR)
                while chunk := sock.recv(65536):
                    answer += chunk
            return answer

    def dialer(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dialer.cli", "--config", str(self.config), *args],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def start(run_dir: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "dialer.http.testing", str(run_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return process, int(line)


def end(process: subprocess.Popen[str]) -> str:
    """End it; what it wrote to stderr."""
    process.kill()
    _, err = process.communicate(timeout=10)
    return err


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    config = tmp_path / "dialer.yaml"
    config.write_text("data_dir: data\nswitch: embedded\nhttp: {port: 0}\n")
    run_dir = tmp_path / "data" / "run"
    run_dir.mkdir(parents=True)
    process, port = start(run_dir)
    yield Running(config, run_dir, port, process)
    end(process)


# ---- the server --------------------------------------------------------------------------------------------


def test_a_chosen_port_can_be_read_and_an_address_in_use_is_named() -> None:
    app = make_app(FakePort(), "t")
    first = HttpServer(app, "127.0.0.1", 0)
    first.start()
    try:
        assert first.port > 0
        second = HttpServer(app, "127.0.0.1", first.port)
        with pytest.raises(HttpServerError, match=f"127.0.0.1:{first.port}: .*expected a free"):
            second.start()
    finally:
        first.stop()
        first.stop()
    with gevent.Timeout(5), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", first.port), timeout=2)


def test_the_service_answers_its_client(running: Running) -> None:
    service = running.service
    assert service.get("v1", "status")["uptime_s"] == 61.0
    assert service.post("v1", "agents", "1001", "pause", body={"reason": "午餐"})["text"] == "agent 1001 is paused"
    with pytest.raises(
        ServiceRefused, match="agent 1001 is paused: no reserve from there; expected a state"
    ) as refused:
        service.post("v1", "agents", "1001", "accept")
    assert refused.value.status == 409
    for odd in ("../status", "10 01", "%2e", "?x", "一"):
        with pytest.raises(ServiceRefused, match=r"no such path|not usable: id"):
            service.get("v1", "agents", odd)


def test_a_wrong_token_is_said(running: Running, tmp_path: Path) -> None:
    other = Service("127.0.0.1", running.port, ensure_token(tmp_path / "other"))
    with pytest.raises(ServiceRefused, match="no valid token; expected Authorization: Bearer"):
        other.get("v1", "status")
    assert other.token not in repr(other)


def test_one_connection_serves_several_requests(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    try:
        for _ in range(3):
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert json.loads(answer.read())["live"] is True
    finally:
        connection.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/agents/1001/pause HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/agents/1001/pause HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/agents/1001/pause HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_bytes_that_are_no_request_cost_their_connection_only(running: Running, data: bytes) -> None:
    answer = running.raw(data)
    assert not re.match(rb"HTTP/1.1 5", answer), answer[:200]
    assert b"Traceback" not in answer
    assert running.service.get("v1", "agents")["agents"]
    err = end(running.process)
    assert "Traceback" not in err and "greenlet" not in err


def test_a_body_without_an_end_is_cut_at_the_limit(running: Running) -> None:
    token = (running.run_dir / "token").read_text().strip().encode()
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    head = b"POST /v1/agents/1001/pause HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token
    answer = running.raw(
        head + b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n"
    )
    assert b" 413 " in answer.split(b"\r\n", 1)[0]


def test_a_client_that_hangs_up_leaves_no_trace(running: Running) -> None:
    for _ in range(5):
        sock = socket.create_connection(("127.0.0.1", running.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        sock.close()
    assert running.service.get("v1", "agents")
    assert "Traceback" not in end(running.process)


# ---- the commands ------------------------------------------------------------------------------------------


def test_agents_and_campaigns_from_the_command_line(running: Running) -> None:
    listed = running.dialer("agents", "list")
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"^1001\s+Agent 1001\s+s-1001\s+ready\s+0:12\s+parked\s+3", listed.stdout, re.MULTILINE)
    assert json.loads(running.dialer("agents", "list", "--json").stdout)[1]["agent"] == "1002"
    paused = running.dialer("agents", "pause", "1001", "77", "--reason", "lunch")
    assert paused.returncode == 1
    assert paused.stdout == "1001: agent 1001 is paused\n"
    assert paused.stderr.startswith("77: no agent 77; expected")
    assert running.dialer("agents", "dispose", "1002", "sale", "--note", "x").stdout == "1002: sale noted\n"
    assert running.dialer("campaigns", "pause", "--all").stdout == "spring: campaign spring is paused\n"
    assert "paused" in running.dialer("campaigns", "list").stdout
    assert running.dialer("campaigns", "stop", "autumn").returncode == 1


def test_one_frame_of_the_live_view(running: Running) -> None:
    done = running.dialer("top", "--once")
    assert done.returncode == 0, done.stderr
    assert "agents 2: ready 1 talking 1" in done.stdout
    assert "\x1b" not in done.stdout
    assert running.dialer("top").returncode == 1  # no terminal


@pytest.mark.parametrize("before", [True, False])
def test_by_address_without_a_configuration(running: Running, before: bool) -> None:
    which = ["--url", f"http://127.0.0.1:{running.port}", "--token-file", str(running.run_dir / "token")]
    done = subprocess.run(
        [sys.executable, "-m", "dialer.cli", *([*which, "agents", "list"] if before else ["top", "--once", *which])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=running.run_dir,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert "1002" in done.stdout


def test_a_service_that_was_killed_is_said_to_be_gone(running: Running) -> None:
    end(running.process)
    done = running.dialer("agents", "list")
    assert done.returncode == 1
    assert f"names process {running.process.pid}, which is gone; start it with: dialer run" in done.stderr
    with pytest.raises(ServiceDown):
        running.service.get("v1", "status")


def test_a_port_that_is_no_dialer(running: Running, tmp_path: Path) -> None:
    """Something else listens where the service was."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()
            os._exit(0)
        service = Service("127.0.0.1", listener.getsockname()[1], "t")
        with pytest.raises(ServiceDown, match="no service answers at"):
            service.get("v1", "status")
        os.waitpid(child, 0)


# ---- the live view in a terminal ---------------------------------------------------------------------------


class Terminal:
    """``dialer top`` in a pseudo-terminal."""

    def __init__(self, *args: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="80", LINES="24")
            os.execv(sys.executable, [sys.executable, "-m", "dialer.cli", *args])
        self.output = ""

    def wait_for(self, text: str, timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while text not in self.plain:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} in {self.plain[-2000:]!r}"
            if select.select([self.fd], [], [], left)[0]:
                self.output += self._read()

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.output)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def _read(self) -> str:
        try:
            return os.read(self.fd, 65536).decode("utf-8", "replace")
        except OSError:
            return ""  # the other side is closed

    def code(self) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + 20
        while True:
            if select.select([self.fd], [], [], 0.1)[0]:
                self.output += self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, "the view did not end"


SCREEN_BACK = "\x1b[?1049l"


def test_the_live_view_survives_the_service_and_ends_on_q(running: Running) -> None:
    with Terminal("--config", str(running.config), "top", "--every", "0.2") as view:
        view.wait_for("agents 2")
        end(running.process)
        view.wait_for("trying again")
        view.output = ""
        process, _ = start(running.run_dir)
        try:
            view.wait_for("dialer running")
            os.write(view.fd, b"q")
            assert view.code() == 0
            assert SCREEN_BACK in view.output
        finally:
            end(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_screen_comes_back_on_signals(running: Running, number: signal.Signals) -> None:
    with Terminal("--config", str(running.config), "top", "--every", "0.2") as view:
        view.wait_for("agents 2")
        os.kill(view.pid, number)
        assert view.code() == 0
        assert SCREEN_BACK in view.output


def test_an_attached_view_leaves_ctrl_c_to_its_parent(running: Running) -> None:
    with Terminal("--config", str(running.config), "top", "--every", "0.2", "--attached") as view:
        view.wait_for("agents 2")
        os.kill(view.pid, signal.SIGINT)
        view.output = ""
        view.wait_for("agents 2")
        os.kill(view.pid, signal.SIGTERM)
        assert view.code() == 0


@pytest.mark.parametrize("attached", [True, False])
def test_a_view_without_a_session_ends_with_its_terminal(running: Running, attached: bool) -> None:
    """As a service starts it: in a session of its own, so that no signal tells it that the terminal is gone."""
    master, slave = pty.openpty()
    args = ["--config", str(running.config), "top", "--every", "0.2", *(["--attached"] if attached else [])]
    view = subprocess.Popen(
        [sys.executable, "-m", "dialer.cli", *args],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(slave)
    assert os.read(master, 65536)
    os.close(master)
    try:
        _, err = view.communicate(timeout=20)
    finally:
        view.kill()
    assert b"Traceback" not in err


def test_an_attached_view_ends_with_its_parent(running: Running) -> None:
    master, slave = pty.openpty()
    args = ["--config", str(running.config), "top", "--every", "0.2", "--attached"]
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'dialer.cli', *sys.argv[1:]], start_new_session=True)\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *args], stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE, text=True
    )
    os.close(slave)
    assert parent.stderr is not None
    child = int(parent.stderr.readline())
    output = b""
    while b"dialer" not in output:
        output += os.read(master, 65536)
    parent.kill()
    parent.wait(timeout=10)
    deadline = time.monotonic() + 20
    with contextlib.suppress(OSError):  # the last one closed the terminal
        while select.select([master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            output += os.read(master, 65536)
    os.close(master)
    assert SCREEN_BACK.encode() in output
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(child, 0)
            time.sleep(0.05)
