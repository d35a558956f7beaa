"""The live view in a terminal, ``dialer top``: asks the service once a second and draws what it says.

Owns the loop, the screen, the keys and the signals; ``clitools.frame`` draws. A process of its own: it may be
started, stopped and hung up on without the service noticing more than a request a second. Shows no phone
number.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live

from dialer.clitools import frame
from dialer.clitools.options import CliError
from dialer.clitools.service import Service, ServiceDown, ServiceError

ASK_TIMEOUT_S: Final = 3.0
_PIPE_WIDTH: Final = 100
_ALL_LINES: Final = 10_000
_QUIT_KEYS: Final = frozenset(b"qQ\x03\x04")


@dataclass(frozen=True, slots=True)
class Settings:
    """``every_s`` between frames; ``abandon_limit`` a ratio 0–1.

    ``attached``: the view belongs to the process that started it. It then leaves the keyboard and Ctrl-C
    alone (the service drains on them, and the view shows it) and ends with that process or on SIGTERM.
    """

    every_s: float = 1.0
    abandon_limit: float = 0.03
    attached: bool = False


class View:
    """What is known of the service between two frames."""

    def __init__(self, find: Callable[[], Service], settings: Settings) -> None:
        self._find = find
        self._settings = settings
        self._service: Service | None = None
        self._status: Mapping[str, Any] | None = None
        self._asked_s = 0.0
        self._trouble = ""
        self._rates = frame.Rates()

    def ask(self, now_s: float) -> bool:
        """Ask the service; False when it did not answer. A service that went away is looked for anew."""
        try:
            if self._service is None:
                self._service = replace(self._find(), timeout_s=ASK_TIMEOUT_S)
            status = self._service.get("v1", "status")
            self._rates.add(now_s, frame.totals(status))
        except ServiceError as error:
            self._trouble = str(error)
            self._service = None
            return False
        except (KeyError, TypeError, ValueError):
            self._trouble = "an answer that is no status; expected a dialer of this version"
            self._service = None
            return False
        self._status, self._asked_s, self._trouble = status, now_s, ""
        return True

    def draw(self, now_s: float, width: int, height: int) -> Group:
        """The frame for this moment."""
        return frame.draw(
            self._status,
            self._rates,
            width=width,
            height=height,
            abandon_limit=self._settings.abandon_limit,
            where=self._service.where if self._service else "",
            trouble=self._trouble,
            stale_s=now_s - self._asked_s,
        )

    @property
    def trouble(self) -> str:
        """Why there is no answer; empty when there is one."""
        return self._trouble


def once(find: Callable[[], Service], settings: Settings) -> int:
    """Print one frame as plain text. Raises ServiceDown when nothing answers."""
    view = View(find, settings)
    if not view.ask(time.monotonic()):
        raise ServiceDown(view.trouble)
    width = os.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    plain = Console(file=sys.stdout, width=width, color_system=None, force_terminal=False, highlight=False)
    plain.print(view.draw(time.monotonic(), width, _ALL_LINES))
    return 0


def watch(find: Callable[[], Service], settings: Settings) -> int:
    """Draw until told to stop: q, Ctrl-C, SIGTERM, or the end of the process that this view is attached to."""
    if not sys.stdout.isatty():
        raise CliError("the live view needs a terminal; expected one, or --once")
    view = View(find, settings)
    console = Console(highlight=False)
    parent = os.getppid()
    keys = sys.stdin.fileno() if sys.stdin.isatty() and not settings.attached else None
    try:
        with (
            _signals(settings.attached),
            _keys(keys),
            Live(console=console, screen=True, auto_refresh=False) as live,
        ):
            # A terminal that is gone is none any more: without a controlling one, no signal tells of it.
            while sys.stdout.isatty() and (not settings.attached or os.getppid() == parent):
                began = time.monotonic()
                view.ask(began)
                width, height = console.size
                live.update(view.draw(time.monotonic(), width, height), refresh=True)
                if _pause(keys, began + settings.every_s - time.monotonic()):
                    break
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise CliError(f"the terminal is gone ({error.strerror})") from error
    return 0


def _pause(keys: int | None, for_s: float) -> bool:
    """Wait; True when a key says to stop."""
    wait_s = max(0.05, for_s)
    if keys is None:
        time.sleep(wait_s)
        return False
    ready, _, _ = select.select([keys], [], [], wait_s)
    if not ready:
        return False
    pressed = os.read(keys, 64)
    return not pressed or any(key in _QUIT_KEYS for key in pressed)


@contextmanager
def _keys(fd: int | None) -> Iterator[None]:
    """Single keys without Enter and without echo."""
    if fd is None:
        yield
        return
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def _signals(attached: bool) -> Iterator[None]:
    """SIGTERM and a hangup end the view in good order, so that the screen comes back; see Settings.attached."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    if attached:
        kept[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
