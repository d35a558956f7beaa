"""The application on a loopback port, served by gevent.

Owns the listening socket, how long a client may take, and how many there may be at once. Says what it has to
say through the logs only: gevent's server would otherwise write tracebacks and access lines to stderr.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final

import structlog
from flask import Flask
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

CLIENT_TIMEOUT_S: Final = 30.0
CLIENTS: Final = 100


class HttpServerError(Exception):
    """The API cannot listen where it should."""


class HttpServer:
    """``start`` and ``stop`` on the hub; ``port`` is the real one once started, also when 0 was asked."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._server = WSGIServer(
            (host, port), app, log=None, error_log=_ErrorLog(), handler_class=_Handler, spawn=Pool(CLIENTS)
        )

    def start(self) -> None:
        """Bind and serve in the background. Raises HttpServerError when the address cannot be had."""
        try:
            self._server.start()
        except OSError as error:
            raise HttpServerError(
                f"http: {self.host}:{self.port}: {error.strerror or error}; expected a free local address"
            ) from error
        self.port = int(self._server.server_port)

    def stop(self, timeout_s: float = 1.0) -> None:
        """Take no new clients, let those under way end for ``timeout_s``, then close. May be called twice."""
        self._server.stop(timeout=timeout_s)


class _ErrorLog:
    """The file that gevent's server writes its complaints to."""

    def write(self, text: str) -> None:
        line = text.strip()
        if line:
            structlog.get_logger("http").info("client trouble", detail=line[:500])

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Every line is written at once."""


class _Handler(WSGIHandler):  # type: ignore[misc]
    """One client. A slow or broken one costs its own connection and a log line."""

    def __init__(self, sock: Any, address: Any, server: WSGIServer) -> None:
        sock.settimeout(CLIENT_TIMEOUT_S)
        super().__init__(sock, address, server)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError as error:
            structlog.get_logger("http").debug("client went away", error=str(error))
        except Exception as error:
            structlog.get_logger("http").error("connection failed", exc_info=error)

    def _log_error(self, kind: Any, value: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(value, OSError):
            structlog.get_logger("http").debug("client went away", error=str(value))
        else:
            structlog.get_logger("http").error("connection failed", exc_info=(kind, value, trace))

    def _handle_client_error(self, ex: Exception) -> Any:
        if not isinstance(ex, ValueError):
            ex = ValueError(str(ex) or type(ex).__name__)  # the base class prints a traceback for anything else
        return super()._handle_client_error(ex)
