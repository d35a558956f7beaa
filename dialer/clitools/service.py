"""Talking to the running dialer: finding it, showing the token, asking, and saying clearly what went wrong.

Owns the client's side of the API over plain ``http.client`` (no proxies, no redirects). Must not know what
the answers mean. Used by unpatched processes: commands and the live view.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.http.runfiles import RUNTIME_NAME, TOKEN_NAME, RunFileError, read_runtime, read_token

TIMEOUT_S: Final = 10.0
_LONGEST_ANSWER: Final = 64 * 1024 * 1024
_ANY_ADDRESS: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class ServiceError(CliError):
    """The service could not be asked, or said no."""


class ServiceDown(ServiceError):
    """Nothing answers where the service should be."""


class ServiceRefused(ServiceError):
    """The service answered and did not do it. ``status`` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is and what lets us in. The token stays out of ``repr``."""

    host: str
    port: int
    token: str = field(repr=False)
    tls: bool = False
    hint: str = ""
    timeout_s: float = TIMEOUT_S

    def get(self, *path: str) -> Any:
        """The JSON at ``path`` (its parts are quoted). Raises ServiceError."""
        return self._ask("GET", path, None)

    def post(self, *path: str, body: Mapping[str, object] | None = None) -> Any:
        """Give an order. Raises ServiceError."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: tuple[str, ...], body: Mapping[str, object] | None) -> Any:
        target = "/" + "/".join(quote(part, safe="") for part in path)
        headers: dict[str, str | bytes] = {
            "Authorization": f"Bearer {self.token}".encode(),
            "Accept": "application/json",
        }
        data = None
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = "application/json"
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=self.timeout_s)
        try:
            connection.request(method, target, body=data, headers=headers)
            response = connection.getresponse()
            raw = response.read(_LONGEST_ANSWER)
        except TimeoutError as error:
            raise ServiceError(
                f"{self.where}: no answer within {self.timeout_s:g} s; expected a healthy service"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ServiceDown(f"no service answers at {self.where} ({why}){self.hint}") from error
        finally:
            connection.close()
        return self._read(response.status, raw)

    def _read(self, status: int, raw: bytes) -> Any:
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise ServiceError(f"{self.where}: HTTP {status} without JSON; expected a dialer's API") from error
        if 200 <= status < 300:
            return data
        said = data if isinstance(data, dict) else {}
        text = str(said.get("error", f"HTTP {status}"))
        if said.get("expected"):
            text += f"; expected {said['expected']}"
        raise ServiceRefused(status, text)

    @property
    def where(self) -> str:
        """Host and port for people."""
        return f"{self.host}:{self.port}"


def from_url(url: str, token_file: Path) -> Service:
    """A service named by its address. Raises CliError."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if not host or parts.scheme not in {"http", "https"} or parts.path not in {"", "/"} or parts.query:
        raise CliError("--url: expected an address such as http://127.0.0.1:8088", EXIT_USAGE)
    return Service(host, port or (443 if parts.scheme == "https" else 80), _token(token_file), parts.scheme == "https")


def from_run_dir(run_dir: Path, host: str, port: int, token: str | None, start_with: str = "dialer run") -> Service:
    """The service of a configuration: where its run file says, else at the configured ``host`` and ``port``.

    ``token`` is the configured one, None when the service made its own. Raises ServiceDown when there is no
    run file and no fixed port to try.
    """
    hint = f"; start it with: {start_with}"
    try:
        runtime = read_runtime(run_dir)
    except RunFileError as error:
        if port == 0:
            raise ServiceDown(f"{error}{hint}") from error
    else:
        host, port = runtime.host, runtime.port
        if not runtime.alive():
            hint = f"; {run_dir / RUNTIME_NAME} names process {runtime.pid}, which is gone{hint}"
    if token is None:
        try:
            token = read_token(run_dir / TOKEN_NAME)
        except RunFileError as error:
            raise ServiceDown(f"{error}{hint}") from error
    return Service(_ANY_ADDRESS.get(host, host), port, token, hint=hint)


def _token(path: Path) -> str:
    try:
        return read_token(path)
    except RunFileError as error:
        raise CliError(str(error)) from error
