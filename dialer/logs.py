"""Structured logs: one line an event, on stderr or in a file, with every phone number masked.

Owns the one call that sets logging up for a process, the processors, and the writing of lines. Lines from the
standard library's ``logging`` (database, HTTP, warnings) take the same way. Must not decide what is logged,
and must never raise into the code that logs: a line that cannot be written is counted, and the count is
written with the next line that can.

Lines go out with ``os.write`` under a lock that gevent has not patched: greenlets and native threads may both
log, and no greenlet can be switched out while it holds the lock.
"""

from __future__ import annotations

import _thread
import dataclasses
import logging
import math
import os
import re
import select
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import structlog

from dialer.masking import MIN_DIGITS, mask_text

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
FORMATS: Final = ("auto", "json", "console")

_UNTOUCHED: Final = frozenset({"timestamp", "level", "config_hash"})
_COUNT_KEYS: Final = ("_id", "_ms", "_s", "_ns", "_bytes", "_at", "_total")
_COUNT_NAMES: Final = frozenset({"id", "pid", "port", "seed", "count", "lost", "at", "line"})
_PHONE_KEYS: Final = frozenset({"caller_id"})
_SMALLEST_PHONE: Final = 10 ** (MIN_DIGITS - 1)
_DEPTH: Final = 6
_TERMINAL_CODES: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
_CONTROL: Final = re.compile("[\x00-\x1f]")
_CONTROL_BUT_NEWLINE: Final = re.compile("[\x00-\x09\x0b-\x1f]")
_WRITE_WAIT_MS: Final = 1000


class LogSetupError(ValueError):
    """The logs cannot be set up as asked; says what was expected."""


def configure(level: str = "info", format: str = "auto", file: Path | None = None) -> None:
    """Set up structlog and the standard library's logging for this process; a second call replaces the first.

    ``level`` is one of LEVELS; ``format`` one of FORMATS, where ``auto`` means console lines on a terminal
    and JSON elsewhere; ``file`` is appended to (made with mode 0640, opened anew when it was rotated away),
    None is stderr. Raises LogSetupError on an unknown word or a file that cannot be opened.
    """
    if level not in LEVELS:
        raise LogSetupError(f"log level {level!r}: expected one of {', '.join(LEVELS)}")
    if format not in FORMATS:
        raise LogSetupError(f"log format {format!r}: expected one of {', '.join(FORMATS)}")
    try:
        out = LineWriter(file)
    except OSError as error:
        raise LogSetupError(f"log file {file}: {error.strerror}; expected a file that can be appended to") from error
    console = format == "console" or (format == "auto" and out.is_terminal())
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            one_string_exception,
            mask_event,
            *(_console(out.is_terminal()) if console else [structlog.processors.JSONRenderer(ensure_ascii=False)]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *name: _Named(str(name[0]) if name else "", out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _ToStructlog)]:
        root.removeHandler(handler)
    root.addHandler(_ToStructlog())
    root.setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


def log_unhandled(hub: Any | None = None) -> None:
    """Send unhandled exceptions, and those of ``hub`` (from ``gevent.get_hub()``), to the logs."""

    def from_hub(context: object, kind: Any, value: Any, trace: TracebackType | None) -> None:
        structlog.get_logger().error(
            "unhandled exception in a greenlet", where=repr(context), exc_info=(kind, value, trace)
        )

    def from_main(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, value, trace)
            return
        structlog.get_logger().critical("unhandled exception", exc_info=(kind, value, trace))

    sys.excepthook = from_main
    if hub is not None:
        hub.print_exception = from_hub


class LineWriter:
    """Writes whole lines to a descriptor.

    Raises OSError from the constructor only, when the file cannot be opened.
    """

    def __init__(self, path: Path | None, fd: int = 2) -> None:
        self.path = path
        self.lost = 0
        self._torn = False
        self._fd = fd if path is None else self._open()
        self._lock = _native_lock()

    def _open(self) -> int:
        assert self.path is not None
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def is_terminal(self) -> bool:
        """Whether lines go to a terminal."""
        return os.isatty(self._fd)

    def msg(self, line: str) -> None:
        """Write one line. Never raises OSError: what cannot be written is counted in ``lost``."""
        with self._lock:
            try:
                self._follow_rotation()
                if self.lost:
                    self._write(f'{{"level": "error", "event": "log lines lost", "lost": {self.lost}}}')
                    self.lost = 0
                self._write(line)
            except OSError:
                self.lost += 1

    def _write(self, line: str) -> None:
        safe = _TERMINAL_CODES.sub(_escape, line)
        # Half a line may stand there since the disk was full: it must not spoil this one too.
        text = f"\n{safe}\n" if self._torn else f"{safe}\n"
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        whole = len(rest)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
                self._torn = 0 < len(rest) < whole
            except BlockingIOError:
                # Somebody made the terminal or pipe non-blocking: wait a moment, then give the line up.
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                if not poll.poll(_WRITE_WAIT_MS):
                    raise

    def _follow_rotation(self) -> None:
        if self.path is None:
            return
        try:
            there = os.stat(self.path)
            here = os.fstat(self._fd)
            if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                return
        except FileNotFoundError:
            pass
        fresh = self._open()
        os.close(self._fd)
        self._fd = fresh


class _Named:
    """The end of structlog's chain: a writer under a logger's name. Every level method is ``msg``."""

    __slots__ = ("msg", "name")

    def __init__(self, name: str, out: LineWriter) -> None:
        self.name = name
        self.msg = out.msg

    def __getattr__(self, _level: str) -> Any:
        return self.msg


def _add_name(logger: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if isinstance(logger, _Named) and logger.name:
        event.setdefault("logger", logger.name)
    return event


def one_string_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """``exc_info`` as one string, ``exception``: a traceback without local variables, which hold numbers."""
    info = event.pop("exc_info", None)
    if not info:
        return event
    if isinstance(info, BaseException):
        lines = traceback.format_exception(info)
    elif isinstance(info, tuple):
        lines = traceback.format_exception(*info)
    else:
        lines = traceback.format_exception(*sys.exc_info())
    event["exception"] = "".join(lines).rstrip()
    return event


def mask_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask numbers in every value, and turn values that are no plain data into masked text.

    A whole number is kept under a name that says what it is (``lead_id``, ``wait_ms``, ``pid`` …) and is
    treated as a possible phone number elsewhere.
    """
    for key in list(event):
        if key not in _UNTOUCHED:
            event[key] = _mask_value(key, event[key], _DEPTH)
    return event


def _mask_value(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON knows no NaN
    if isinstance(value, int):
        kept = key not in _PHONE_KEYS and (key in _COUNT_NAMES or key.endswith(_COUNT_KEYS))
        return int(value) if kept or abs(value) < _SMALLEST_PHONE else mask_text(str(int(value)))
    if isinstance(value, str):
        return mask_text(str(value))
    if depth <= 0:
        return mask_text(repr(value))
    if isinstance(value, Mapping):
        return {mask_text(str(k)): _mask_value(str(k), v, depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_mask_value(key, item, depth - 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **_mask_value(key, fields, depth - 1)}
    return mask_text(repr(value))


def _console(colors: bool) -> list[Any]:
    return [_plain_event, structlog.dev.ConsoleRenderer(colors=colors)]


def _plain_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The console renderer quotes few things: no control character may reach a terminal."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = (_CONTROL_BUT_NEWLINE if key == "exception" else _CONTROL).sub(_escape, value)
    return event


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def _native_lock() -> Any:
    """A lock of the interpreter itself, whether or not gevent has patched the module."""
    if "gevent.monkey" in sys.modules:
        from gevent import monkey

        return monkey.get_original("_thread", "allocate_lock")()
    return _thread.allocate_lock()


class _ToStructlog(logging.Handler):
    """Hands a record of the standard library's logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (
            TypeError,
            ValueError,
            KeyError,
            IndexError,
        ):  # a library's wrong format string: show its parts
            text = f"{record.msg!r} % {record.args!r}"
        structlog.get_logger(record.name).log(record.levelno, text, exc_info=record.exc_info or None)
