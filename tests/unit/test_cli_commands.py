"""Commands as they are typed: exit codes, what goes to which stream, what is loaded and patched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dialer import __version__, cli
from dialer.clitools import floor, running
from dialer.clitools.options import CliError, RunOptions
from dialer.clitools.tree import app

FINE = "data_dir: data\nswitch: embedded\nhttp: {port: 0}\n"
RUNNER = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "dialer.yaml"
    path.write_text(FINE)
    return path


def run_main(*args: str) -> int:
    """The exit code of ``dialer args…`` in this process (never for ``run``, which patches)."""
    with pytest.raises(SystemExit) as end:
        cli.main(args)
    return int(end.value.code or 0)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("version") == 0
    assert capsys.readouterr().out.startswith(f"dialer {__version__} ")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["nothing"],
        ["run", "--for", "soon"],
        ["agents"],
        ["agents", "dispose", "1001"],
        ["agents", "act", "1001"],
        ["supervise", "1009"],
        ["leads", "import", "x.csv"],
        ["top", "--every", "0"],
        ["check", "--nope"],
    ],
)
def test_usage_is_2(args: list[str]) -> None:
    assert RUNNER.invoke(app, args).exit_code == 2


def test_every_command_has_help() -> None:
    for words in (
        *("run", "check", "top", "version", "leads", "agents", "campaigns", "freeswitch"),
        *("leads import", "leads dnc add", "agents login", "agents pause", "campaigns start", "freeswitch render"),
        *("explain", "explain pacing", "agents act", "supervise"),
    ):
        result = RUNNER.invoke(app, [*words.split(), "--help"])
        assert result.exit_code == 0
        assert "Usage: " in result.output


def test_check_fine(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_main("check", "--config", str(config)) == 0
    shown = capfd.readouterr()
    assert shown.out.startswith(f"{config}: fine: ")
    assert shown.out.count("\n") == 1


def test_check_names_each_fault_on_its_line_and_exits_78(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config.write_text("data_dir: data\nswitch: embedded\nhttp: {port: 99999}\nnonsense: 1\ndrain_seconds: soon\n")
    assert run_main("--config", str(config), "check") == 78
    shown = capfd.readouterr()
    lines = shown.out.splitlines()
    assert len(lines) >= 3
    assert any(line.startswith(f"{config}:3: http.port: ") for line in lines)
    assert any(line.startswith(f"{config}:4: nonsense: ") for line in lines)
    assert any(line.startswith(f"{config}:5: drain_seconds: ") for line in lines)


def test_a_command_on_a_faulty_configuration_is_78_on_stderr(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config.write_text("nonsense: 1\n")
    assert run_main("agents", "list", "--config", str(config)) == 78
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "nonsense" in shown.err and "faults in the configuration" in shown.err


def test_a_configuration_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_main("check", "-c", str(tmp_path / "none.yaml")) == 78
    assert "a readable file" in capfd.readouterr().out


def test_no_service(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_main("agents", "list", "-c", str(config)) == 1
    err = capfd.readouterr().err
    assert "no service runs with this configuration" in err
    assert f"start it with: dialer run --config {config}" in err


@pytest.mark.parametrize("args", [["agents", "ready"], ["agents", "ready", "1001", "--all"], ["campaigns", "stop"]])
def test_which_agents_is_asked_before_the_service(args: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run_main(*args, "-c", "/nowhere.yaml") == 2
    assert "expected their names, or --all" in capfd.readouterr().err


def test_a_url_needs_its_token_file(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_main("--url", "http://127.0.0.1:1", "agents", "list") == 2
    assert "--token-file" in capfd.readouterr().err


@pytest.mark.parametrize(
    "url", ["ftp://h:1", "http://h:99999", "http://", "http://h:1/path", "http://h:1?x=y", "http://[::1"]
)
def test_no_url(tmp_path: Path, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "token"
    token.write_text("t\n")
    token.chmod(0o600)
    assert run_main("--url", url, "--token-file", str(token), "agents", "list") == 2
    assert "expected an address" in capfd.readouterr().err


def test_run_hands_its_flags_over(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[running.Where, RunOptions]] = []

    def pretend(where: running.Where, options: RunOptions) -> int:
        seen.append((where, options))
        return 5

    monkeypatch.setattr(running, "run", pretend)
    line = f"--config {config} run --for 1m30s --summary {tmp_path}/s.json --drain 5 --no-top --fresh"
    result = RUNNER.invoke(app, [*line.split(), "--switch", "10.0.0.1:8021", "--set", "http.port=1"])
    assert result.exit_code == 5
    assert seen == [
        (
            running.Where(config=config, settings=("http.port=1",)),
            RunOptions(90.0, tmp_path / "s.json", 5.0, False, True, "10.0.0.1:8021"),
        )
    ]


def test_run_defaults(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[RunOptions] = []
    monkeypatch.setattr(running, "run", lambda _where, options: seen.append(options) or 0)
    assert RUNNER.invoke(app, ["run", "-c", str(config)]).exit_code == 0
    assert seen == [RunOptions()]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (RunOptions(switch="nowhere"), "--switch: expected embedded"),
        (RunOptions(summary=Path("/nowhere/s.json")), "--summary: "),
    ],
)
def test_run_refuses_wrong_flags_before_it_loads_anything(options: RunOptions, told: str) -> None:
    with pytest.raises(CliError, match=told) as error:
        running.run(running.Where(config=Path("/nowhere.yaml")), options)
    assert error.value.code == 2


def test_the_switch_flag_is_in_the_loaded_configuration(config: Path) -> None:
    config.write_text("data_dir: data\nswitch: embedded\nesl: {password: secret-one}\n")
    from dialer.clitools.options import switch_override

    loaded = running.load(running.Where(config=config), switch_override("127.0.0.1:8021"))
    (node,) = loaded.config.switch.nodes
    assert (node.host, node.port) == ("127.0.0.1", 8021)


def python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=60, check=False)


def test_run_patches_first_and_other_commands_never(config: Path) -> None:
    code = """
import sys, json, dialer.cli
assert not ({"socket", "ssl", "threading", "typer"} & set(sys.modules)), sys.modules.keys()
import atexit
def tell():
    from gevent import monkey
    print(json.dumps({name: monkey.is_module_patched(name) for name in ("socket", "threading", "ssl", "time")}))
atexit.register(tell)
dialer.cli.main(sys.argv[1:])
"""
    patched = python(code, "run", "--summary", "/nowhere/s.json", "-c", str(config))
    assert patched.returncode == 2, patched.stderr
    assert json.loads(patched.stdout) == {"socket": True, "threading": True, "ssl": True, "time": True}
    plain = python(code, "check", "-c", str(config))
    assert not any(json.loads(plain.stdout.splitlines()[-1]).values())


def test_light_commands_load_nothing_heavy(config: Path) -> None:
    code = """
import sys
from dialer import cli
try:
    cli.main(sys.argv[1:])
except SystemExit:
    heavy = {"gevent", "sqlalchemy", "flask", "prometheus_client", "phonenumbers", "dialer.app", "structlog"}
    print(sorted(heavy & set(sys.modules)))
"""
    for args in (["version"], ["check", "-c", str(config)], ["agents", "list", "-c", str(config)]):
        done = python(code, *args)
        assert done.stdout.splitlines()[-1] == "[]", (args, done.stdout, done.stderr)


def test_a_closed_pipe_is_no_traceback(config: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "dialer.cli", "check", "-c", str(config)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert "Traceback" not in done.stderr


def test_several_agents_are_asked_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    class Service:
        def post(self, *path: str, body: object = None) -> dict[str, object]:
            if path[2] == "1002":
                from dialer.clitools.service import ServiceRefused

                raise ServiceRefused(409, "agent 1002 is talking")
            return {"ok": True, "text": f"{path[3]} {body}"}

    code = floor.order_agents(Service(), "pause", ["1001", "1002", "1003"], False, {"reason": "x"})  # type: ignore[arg-type]
    shown = capsys.readouterr()
    assert code == 1
    assert shown.out.splitlines() == ["1001: pause {'reason': 'x'}", "1003: pause {'reason': 'x'}"]
    assert shown.err.splitlines() == ["1002: agent 1002 is talking"]


def test_acts_are_sent_with_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    class Service:
        def post(self, *path: str, body: object = None) -> dict[str, object]:
            if body == {"act": "takeover"}:
                from dialer.clitools.service import ServiceRefused

                raise ServiceRefused(409, "no customer is on the line")
            return {"ok": True, "text": f"{'/'.join(path)} {body}"}

    service: Any = Service()
    assert floor.act(service, "1001", "hold", "") == 0
    assert floor.act(service, "1001", "transfer", "1002") == 0
    assert floor.supervise(service, "1009", "listen", "1001") == 0
    assert floor.supervise(service, "1009", "takeover", "") == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "1001: v1/agents/1001/acts {'act': 'hold'}",
        "1001: v1/agents/1001/acts {'act': 'transfer', 'argument': '1002'}",
        "1009: v1/supervisors/1009/acts {'act': 'listen', 'agent': '1001'}",
    ]
    assert shown.err.splitlines() == ["1009: no customer is on the line"]
