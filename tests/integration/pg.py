"""A throw-away PostgreSQL server for tests: one a test run, a fresh database for each test.

Skips, with the reason, where no server is installed, unless DIALER_REQUIRE_POSTGRES=1 makes that a failure.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_NAMES = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """A running server; it listens on a socket in ``directory`` only."""

    directory: Path
    binaries: Path
    user: str | None

    def url(self, database: str) -> str:
        return f"postgresql://dialer@/{database}?host={self.directory}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as its user; the server refuses to run as root."""
        command = [str(self.binaries / program), *arguments]
        if self.user is not None:
            command = ["runuser", "-u", self.user, "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.directory, timeout=60)
        if done.returncode != 0:
            log = self.directory / "log"
            raise RuntimeError(f"{program} failed: {done.stderr}\n{log.read_text() if log.exists() else ''}")

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.directory} -c fsync=off"
        data, log = str(self.directory / "data"), str(self.directory / "log")
        self.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "-w", "stop")

    def new_database(self) -> str:
        name = f"test{next(_NAMES)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3].split(".")[0]))
    return versions[-1].parent if versions else None


@functools.lru_cache(maxsize=1)
def server() -> Server | str:
    """The run's server, or why there is none."""
    binaries = _binaries()
    if binaries is None:
        return "PostgreSQL's server is not installed (no initdb on PATH or in /usr/lib/postgresql/*/bin)"
    user = None
    if os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
    directory = Path(tempfile.mkdtemp(prefix="dialer-pg-"))
    if user is not None:
        shutil.chown(directory, user)
    made = Server(directory, binaries, user)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    made.run("initdb", "-D", str(directory / "data"), "-U", "dialer", "-A", "trust", "-E", "UTF8", "--no-sync")
    made.start()
    atexit.register(_stop, made)
    return made


def _stop(running: Server) -> None:
    with contextlib.suppress(RuntimeError):  # a test has stopped it already
        running.stop()


def require_server() -> Server:
    """The server, or a skip with the reason (a failure when the environment asks for one)."""
    found = server()
    if isinstance(found, Server):
        return found
    if os.environ.get("DIALER_REQUIRE_POSTGRES") == "1":
        pytest.fail(found)
    pytest.skip(found)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A fresh, empty database."""
    yield require_server().new_database()
