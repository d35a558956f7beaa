"""The files by which commands find the running service: where it listens, and the token that lets them in.

Owns ``dialer.json`` (pid, host, port; written at start, removed at the end) and ``token`` (made once, mode
0600) in the run directory. Imports nothing heavy. Must not talk to the service.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RUNTIME_NAME: Final = "dialer.json"
TOKEN_NAME: Final = "token"
_TOKEN_BYTES: Final = 32
_LONGEST_FILE: Final = 4096


class RunFileError(Exception):
    """A run file is missing or unusable; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where a service said it listens. It may be gone since: see ``alive``."""

    pid: int
    host: str
    port: int

    def alive(self) -> bool:
        """Whether a process with this id exists (its owner may be somebody else)."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def write_runtime(run_dir: Path, host: str, port: int) -> Path:
    """Write ``dialer.json`` for this process, whole or not at all. Raises RunFileError."""
    target = run_dir / RUNTIME_NAME
    fresh = run_dir / f".{RUNTIME_NAME}.{os.getpid()}"
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"pid": os.getpid(), "host": host, "port": port}) + "\n", encoding="utf-8")
        os.replace(fresh, target)
    except OSError as error:
        raise RunFileError(f"{target}: {error.strerror}; expected a directory that the service may write") from error
    return target


def read_runtime(run_dir: Path) -> Runtime:
    """What the last service wrote. Raises RunFileError when there is none or it is no such file."""
    path = run_dir / RUNTIME_NAME
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_LONGEST_FILE))
        pid, host, port = data["pid"], data["host"], data["port"]
    except FileNotFoundError as error:
        raise RunFileError(f"{path}: no such file: no service runs with this configuration") from error
    except OSError as error:
        raise RunFileError(f"{path}: {error.strerror}; expected a file that you may read") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunFileError(f"{path}: damaged; expected pid, host and port as JSON") from error
    if type(pid) is not int or type(port) is not int or not isinstance(host, str) or not 0 < port < 65536 or pid <= 0:
        raise RunFileError(f"{path}: damaged; expected a pid, a host name and a port from 1 to 65535")
    return Runtime(pid, host, port)


def remove_runtime(run_dir: Path) -> None:
    """Take our ``dialer.json`` away; another process's is left alone. Never raises for a missing file."""
    try:
        if read_runtime(run_dir).pid == os.getpid():
            (run_dir / RUNTIME_NAME).unlink(missing_ok=True)
    except RunFileError:
        return


def ensure_token(path: Path) -> str:
    """The token in ``path``; a new random one is written there (mode 0600) when there is no file yet.

    Raises RunFileError for an unreadable, empty or readable-by-others file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return read_token(path)
    except OSError as error:
        raise RunFileError(f"{path}: {error.strerror}; expected a directory that the service may write") from error
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def read_token(path: Path) -> str:
    """The token in ``path``. Raises RunFileError; its text never holds the token."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_LONGEST_FILE)
    except FileNotFoundError as error:
        raise RunFileError(f"{path}: no such file; the service writes it when it starts") from error
    except OSError as error:
        raise RunFileError(f"{path}: {error.strerror}; expected a file that you may read") from error
    if mode & 0o007:
        raise RunFileError(f"{path}: everybody may read the token; expected mode 0600 (chmod 600 {path})")
    token = raw.decode("ascii", "replace").strip()
    if not token or not token.isascii() or any(c.isspace() or not c.isprintable() for c in token):
        raise RunFileError(f"{path}: no token in it; expected one line of letters, digits and signs")
    return token
