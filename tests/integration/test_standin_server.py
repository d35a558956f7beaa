"""The embedded switch as a process, over TCP: driven by greenswitch, python-ESL and a bare socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "a long enough secret"
FAIL_SAFE = "'m:^:playback:silence_stream://300^playback:/sounds/sorry.wav^hangup:NORMAL_CLEARING' inline"
WORLD = {
    "world": {
        "gateways": ["g"],
        "default_file_s": 0.4,
        "records": True,
        "scripted": {
            "100": {"ring_s": 0.02, "final_s": 0.2},
            "486": {"sip_status": 486, "ring_s": 0.02, "final_s": 0.1},
        },
    },
    "limits": {"sessions_per_second": 0},
}


class Process:
    """One stand-in process and where it listens."""

    def __init__(self, folder: Path, *extra: str) -> None:
        (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        (folder / "world.json").write_text(json.dumps(WORLD), encoding="utf-8")
        self.state_file = folder / "state.json"
        command = [sys.executable, "-m", "freeswitch.standin", "--port", "0", "--seed", "1"]
        command += ["--password-file", str(folder / "password"), "--world", str(folder / "world.json")]
        command += ["--state-file", str(self.state_file), *extra]
        root = str(Path(__file__).parents[2])
        environment = {**os.environ, "PYTHONPATH": root}
        self.popen = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 15
        while not self.state_file.exists():
            assert self.popen.poll() is None, self.popen.stderr and self.popen.stderr.read()
            assert time.monotonic() < deadline, "the stand-in did not start"
            time.sleep(0.01)
        self.state: dict[str, Any] = json.loads(self.state_file.read_text(encoding="utf-8"))
        self.port: int = self.state["port"]

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
        self.popen.wait(10)
        if self.popen.stderr is not None:
            self.popen.stderr.close()


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.stop()


class Bare:
    """A client of a few lines that shares no code with anything under test."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")
        self.kept: list[tuple[dict[str, str], str]] = []

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode() + b"\n\n")

    def read(self) -> tuple[dict[str, str], str]:
        """One message: (headers, body); an empty header map at the end of the stream."""
        headers: dict[str, str] = {}
        while (line := self.file.readline().decode()) not in ("", "\n"):
            name, _, value = line.rstrip("\n").partition(": ")
            headers[name] = value
        body = self.file.read(int(headers.get("Content-Length", "0"))).decode()
        return headers, body

    def ask(self, text: str) -> str:
        """Send a command and return its reply; events before it are kept."""
        self.send(text)
        while True:
            headers, body = self.read()
            assert headers, "the connection was closed"
            if headers["Content-Type"] == "command/reply":
                return headers["Reply-Text"]
            if headers["Content-Type"] == "api/response":
                return body
            self.kept.append((headers, body))

    def event(self, name: str, text: str = "") -> str:
        """Wait for an event of this name that holds `text`; returns its payload."""
        while True:
            headers, body = self.kept.pop(0) if self.kept else self.read()
            assert headers, f"the connection was closed before {name}"
            if f"Event-Name: {name}\n" in body and text in body:
                return body

    def login(self) -> Bare:
        assert self.read()[0] == {"Content-Type": "auth/request"}
        assert self.ask(f"auth {PASSWORD}") == "+OK accepted"
        return self

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def bare(standin: Process) -> Iterator[Bare]:
    client = Bare(standin.port).login()
    yield client
    client.close()


def test_the_state_file_is_private_and_true(standin: Process) -> None:
    assert standin.state_file.stat().st_mode & 0o777 == 0o600
    assert standin.state["pid"] == standin.popen.pid
    assert standin.state["host"] == "127.0.0.1"
    assert not list(standin.state_file.parent.glob(".state*"))


def test_greenswitch_drives_a_whole_call(standin: Process) -> None:
    greenswitch = pytest.importorskip("greenswitch")
    import gevent
    import gevent.event

    client = greenswitch.InboundESL("127.0.0.1", standin.port, PASSWORD)
    with gevent.Timeout(20):
        client.connect()
        seen: list[Any] = []
        arrived: dict[tuple[str, str], gevent.event.Event] = {}

        def key(event: Any) -> tuple[str, str]:
            return event.headers["Event-Name"], event.headers.get("Unique-ID") or event.headers.get(
                "Job-UUID", ""
            )

        def note(event: Any) -> None:
            seen.append(event)
            arrived.setdefault(key(event), gevent.event.Event()).set()

        def wait(name: str, who: str) -> Any:
            arrived.setdefault((name, who), gevent.event.Event()).wait()
            return next(event for event in seen if key(event) == (name, who))

        client.register_handle("*", note)
        assert client.send("event plain ALL").data == "+OK event listener enabled plain"
        line = "bgapi originate {origination_uuid=%s%s}%s &park()\nJob-UUID: job-%s"
        client.send(line % ("agent", ",park_after_bridge=true", "user/1000", "agent"))
        reply = client.send(line % ("cust", ",presence_data=dialer/call/1", "sofia/gateway/g/100", "cust"))
        assert reply.headers["Job-UUID"] == "job-cust"
        answer = wait("CHANNEL_ANSWER", "cust")
        assert answer.headers["Channel-Presence-Data"] == "dialer/call/1"
        wait("CHANNEL_PARK", "agent")
        wait("BACKGROUND_JOB", "job-cust")
        client.send("bgapi uuid_bridge cust agent\nJob-UUID: job-bridge")
        bridge = wait("CHANNEL_BRIDGE", "cust")
        assert bridge.headers["Bridge-B-Unique-ID"] == "agent"
        rows = json.loads(client.send("api show channels as json").data)["rows"]
        assert {row["uuid"] for row in rows} == {"cust", "agent"}
        assert client.send("api uuid_kill cust USER_BUSY").data == "+OK\n"
        done = wait("CHANNEL_HANGUP_COMPLETE", "cust")
        assert done.headers["Hangup-Cause"] == "USER_BUSY"
        assert done.headers["variable_hangup_cause_q850"] == "17"
        order = [key(event)[0] for event in seen]
        assert order.index("BACKGROUND_JOB") < order.index("CHANNEL_BRIDGE")
        client.stop()


def test_greenswitch_meets_a_wrong_password(standin: Process) -> None:
    greenswitch = pytest.importorskip("greenswitch")
    import gevent

    client = greenswitch.InboundESL("127.0.0.1", standin.port, "wrong")
    with gevent.Timeout(10), pytest.raises(ValueError, match="Invalid password"):
        client.connect()
    # Its reader notices the closed connection by itself; only the socket is ours to close.
    client._run = False
    client.sock.close()


def test_python_esl_drives_a_whole_call(standin: Process) -> None:
    esl = pytest.importorskip(
        "ESL", reason="python-ESL is not installed (an optional extra: see the Makefile)"
    )
    client = esl.ESLconnection("127.0.0.1", str(standin.port), PASSWORD)
    assert client.connected()
    client.events("plain", "ALL")
    client.bgapi("originate", "{origination_uuid=agent,park_after_bridge=true}user/1000 &park()")
    client.bgapi("originate", "{origination_uuid=cust}sofia/gateway/g/100 &park()")
    waiting = {"agent", "cust"}
    story: list[str] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        event = client.recvEventTimed(1000)
        if event is None:
            continue
        name, uuid = event.getHeader("Event-Name"), event.getHeader("Unique-ID")
        if name == "CHANNEL_PARK" and uuid in waiting:
            waiting.discard(uuid)
            if not waiting:
                assert client.api("uuid_bridge", "cust agent").getBody() == "+OK agent\n"
        elif name == "CHANNEL_BRIDGE":
            story.append(
                f"bridge {event.getHeader('Bridge-A-Unique-ID')} {event.getHeader('Bridge-B-Unique-ID')}"
            )
            client.bgapi("uuid_kill", "cust")
        elif name == "CHANNEL_HANGUP_COMPLETE":
            story.append(f"{uuid} {event.getHeader('Hangup-Cause')}")
            break
    client.disconnect()
    assert story == ["bridge cust agent", "cust NORMAL_CLEARING"]


def test_commands_and_replies_on_the_wire(standin: Process, bare: Bare) -> None:
    assert bare.ask("event json HEARTBEAT") == "+OK event listener enabled json"
    assert bare.ask("event plain BACKGROUND_JOB CHANNEL_ANSWER") == "+OK event listener enabled plain"
    assert bare.ask("filter Job-UUID j9") == "+OK filter added. [Job-UUID]=[j9]"
    assert bare.ask("bgapi status\nJob-UUID: j8") == "+OK Job-UUID: j8"
    assert bare.ask("bgapi nosuch\nJob-UUID: j9") == "+OK Job-UUID: j9"
    assert bare.event("BACKGROUND_JOB").endswith("\n-ERR nosuch Command not found!\n")
    assert bare.ask("filter delete all") == "+OK filter deleted. [all]=[]"
    assert bare.ask("nixevent CHANNEL_ANSWER") == "+OK events nixed"
    assert bare.ask("linger").startswith("+OK") and bare.ask("log 7").startswith("+OK")
    assert bare.ask("nonsense") == "-ERR command not found"
    assert bare.ask("sendmsg nobody\ncall-command: hangup") == "-ERR invalid session id [nobody]"
    assert bare.ask("api originate sofia/gateway/g/486 &park()") == "-ERR USER_BUSY\n"
    assert bare.ask("api originate sofia/gateway/none/1 &park()") == "-ERR INVALID_GATEWAY\n"
    assert bare.ask("exit") == "+OK bye"
    headers, body = bare.read()
    assert headers["Content-Type"] == "text/disconnect-notice" and body.startswith("Disconnected")
    assert bare.read() == ({}, "")


def test_an_api_call_holds_back_what_follows_on_its_connection(bare: Bare) -> None:
    bare.ask("event plain CHANNEL_PROGRESS CHANNEL_ANSWER")
    bare.send("api originate {origination_uuid=a}sofia/gateway/g/100 &park()\n\napi uuid_exists a")
    first, second = bare.read(), bare.read()
    assert first[1] == "+OK a\n"
    rest = [second, bare.read(), bare.read()]
    assert sorted(headers["Content-Type"] for headers, _ in rest) == [
        "api/response",
        "text/event-plain",
        "text/event-plain",
    ]


def test_nothing_is_told_to_who_did_not_say_the_password(standin: Process) -> None:
    client = Bare(standin.port)
    client.read()
    assert client.ask("api status") == "-ERR command not found"
    assert client.ask("event plain ALL") == "-ERR command not found"
    assert client.ask("auth wrong") == "-ERR invalid"
    assert client.read()[0]["Content-Type"] == "text/disconnect-notice"
    assert client.read() == ({}, "")
    client.close()


def test_events_leave_within_milliseconds_of_their_moment(bare: Bare) -> None:
    bare.ask("event plain CHANNEL_ANSWER")
    late: list[float] = []
    for number in range(15):
        started = time.monotonic()
        bare.ask(f"bgapi originate {{origination_uuid=t{number}}}sofia/gateway/g/100 &park()")
        bare.event("CHANNEL_ANSWER", f"Unique-ID: t{number}\n")
        late.append(time.monotonic() - started - 0.2)
    # The answer is planned for 0.2 s after the dial; the job itself takes less than 1 ms to start.
    assert 0.0 <= statistics.median(late) < 0.010


def test_sigterm_ends_every_call_and_says_goodbye(standin: Process, bare: Bare) -> None:
    bare.ask("event plain SHUTDOWN CHANNEL_ANSWER CHANNEL_HANGUP_COMPLETE")
    bare.ask("bgapi originate {origination_uuid=a}sofia/gateway/g/100 &park()")
    bare.event("CHANNEL_ANSWER")
    standin.popen.send_signal(signal.SIGTERM)
    bare.event("SHUTDOWN")
    assert "\nHangup-Cause: SYSTEM_SHUTDOWN\n" in bare.event("CHANNEL_HANGUP_COMPLETE")
    headers, body = bare.read()
    assert headers["Content-Type"] == "text/disconnect-notice" and body == "The system is being shut down.\n"
    assert bare.read() == ({}, "")
    assert standin.popen.wait(10) == 0
    assert not standin.state_file.exists()


def test_a_killed_dialers_calls_play_their_fail_safe_out(tmp_path: Path) -> None:
    process = Process(tmp_path, "--linger-s", "0.2")
    try:
        dialer = Bare(process.port).login()
        dialer.ask("event plain CHANNEL_PROGRESS")
        dialer.ask("bgapi originate {origination_uuid=agent}user/1000 &park()")
        for number in range(5):
            dialer.ask(f"bgapi originate {{origination_uuid=c{number}}}sofia/gateway/g/100 {FAIL_SAFE}")
            dialer.event("CHANNEL_PROGRESS", f"Unique-ID: c{number}\n")
        dialer.close()
        time.sleep(0.4)
        again = Bare(process.port).login()
        again.ask("event plain CHANNEL_HANGUP_COMPLETE")
        live = json.loads(again.ask("api show channels as json"))["rows"]
        for row in live:
            if row["uuid"].startswith("c"):
                again.event("CHANNEL_HANGUP_COMPLETE", f"Unique-ID: {row['uuid']}\n")
        report = json.loads(again.ask("api standin_audit"))
        customers = [leg for leg in report["legs"] if leg["kind"] == "carrier"]
        assert len(customers) == 5
        assert all(leg["message_started_at"] is not None for leg in customers)
        assert all(leg["message_started_at"] - leg["answered_at"] < 0.5 for leg in customers)
        assert all(leg["hangup_by"] == "dialplan" for leg in customers)
        again.close()
        assert process.popen.wait(10) == 0, "alone and without calls it ends by itself"
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("files", "code", "text"),
    [
        ({"password": ""}, 78, "password"),
        ({"world.json": '{"world": {"nosuch": 1}}'}, 78, "nosuch"),
        ({"world.json": "{"}, 78, "not JSON"),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, files: dict[str, str], code: int, text: str) -> None:
    for name, content in {"password": PASSWORD, "world.json": "{}", **files}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "freeswitch.standin", "--port", "0"]
    command += ["--password-file", str(tmp_path / "password"), "--world", str(tmp_path / "world.json")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == code
    assert text in done.stderr and "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(standin: Process, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    command = [sys.executable, "-m", "freeswitch.standin", "--port", str(standin.port)]
    command += ["--password-file", str(tmp_path / "password")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "cannot listen" in done.stderr


def test_garbage_on_the_socket_costs_only_its_connection(standin: Process, bare: Bare) -> None:
    for junk in (b"\x00\xff" * 50 + b"\n\n", b"GET / HTTP/1.1\r\n\r\n", b"auth\n\n\n\n", b"x" * 2_000_000):
        with (
            socket.create_connection(("127.0.0.1", standin.port), timeout=5) as client,
            contextlib.suppress(OSError),
        ):
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
    assert bare.ask("api uuid_exists x") == "false"


def test_a_phone_calls_presses_a_key_is_recorded_and_vanishes(standin: Process, tmp_path: Path) -> None:
    client = Bare(standin.port).login()
    path = tmp_path / "new" / "call.wav"
    assert client.ask("event plain CHANNEL_ANSWER DTMF RECORD_STOP CHANNEL_HANGUP_COMPLETE").startswith("+OK")
    uuid = client.ask("api standin_dial 100 *10").split()[1]
    answer = client.event("CHANNEL_ANSWER", uuid)
    assert "variable_dialer_seat: 100\n" in answer and "variable_dialer_dialed: *10\n" in answer
    assert client.ask(f"api uuid_setvar {uuid} RECORD_STEREO true") == "+OK\n"
    assert client.ask(f"api uuid_record {uuid} start {path}") == "+OK Success\n"
    assert client.ask(f"api uuid_record {uuid} start /proc/no/call.wav") == "-ERR Cannot record session!\n"
    assert client.ask("api standin_press 100 7") == "+OK\n"
    assert "DTMF-Digit: 7\n" in client.event("DTMF", uuid)
    time.sleep(0.3)
    assert client.ask("api standin_hangup 100") == "+OK\n"
    stopped = client.event("RECORD_STOP", uuid)
    length = int(stopped.partition("variable_record_ms: ")[2].split("\n")[0])
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        assert file.getnframes() == length * 8
    assert 250 <= length < 5000
    assert "Hangup-Cause: NORMAL_CLEARING\n" in client.event("CHANNEL_HANGUP_COMPLETE", uuid)
    client.close()
