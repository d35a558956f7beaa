"""Speech made at run time, for what no recording can hold: customers' names and notes.

Owns the speaking program (started without a shell; the text goes to its standard input, never among its arguments), a
bounded queue before it, and the cache of what it made. Nothing here raises into a call or waits in one: ``prepare``
asks early, ``ready`` tells whether it is there. What fails is counted, logged without the text, and simply not said.

Texts are people's names and notes: the cache belongs to the dialer's user and group (FreeSWITCH's user must be in that
group to read it), file names are digests, and numbers that look like telephone numbers are not spoken.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import tempfile
import time
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import gevent
import structlog
from gevent import subprocess
from gevent.event import Event

from dialer.masking import mask_text
from dialer.speech_sound import SpeechError, write_trimmed
from freeswitch.sounds.catalog import PromptError, check_path

ESPEAK: Final = ("espeak-ng", "-v", "{voice}", "-s", "{speed}", "--stdin", "-w", "{output}")
VOICES: Final = {"zh": "cmn-latn-pinyin"}
"""espeak-ng's names of voices, where a language's own is not the one."""
NAME_S: Final = 2.0
WORKERS: Final = 2
QUEUE: Final = 200
TIME_LIMIT_S: Final = 5.0
PATIENCE_S: Final = 60.0
"""A text that could not be said is not tried again, and a file just used is not thrown away, for so long."""
BROKEN_AFTER: Final = 5
"""After so many failures in a row the program is left alone for ``PATIENCE_S``."""
_FORM: Final = "1"
"""Goes into every digest: raise it when the same text comes to sound differently."""

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_MEANS_SOMETHING: Final = re.compile(r"[][<>{}\\|^~`*_#&=@\"$%]+")
"""Marks by which some speaking program lets a text give orders, or which nobody wants to hear."""
_LANGUAGE: Final = re.compile(r"[a-z]{2,8}")


class Kind(StrEnum):
    """What is said: a name is short, a note may take its time."""

    NAME = "name"
    NOTE = "note"


_LONGEST_TEXT: Final = {Kind.NAME: 60, Kind.NOTE: 400}


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """``command`` None: espeak-ng where it is installed; empty: never speak.

    In it ``{voice}`` and ``{language}`` stand for the language, ``{speed}`` for words a minute and ``{output}`` for the
    WAV file to write; a command without ``{output}`` writes the file to its standard output.
    """

    cache_dir: Path
    command: tuple[str, ...] | None = None
    max_seconds: float = 15.0
    cache_bytes: int = 64 * 1024 * 1024
    cache_age_s: float = 30 * 86400.0

    def program(self) -> tuple[str, ...]:
        """The command to run; empty when nothing can speak."""
        command = ESPEAK if self.command is None else self.command
        return command if command and shutil.which(command[0]) else ()


def spoken(text: str, kind: Kind) -> str:
    """What of a text is said: one line, without control characters, marks and telephone numbers, not too long."""
    clean = "".join(" " if _unspeakable(c) else c for c in unicodedata.normalize("NFC", text[:4000]))
    clean = " ".join(_MEANS_SOMETHING.sub(" ", re.sub(r"\+?\d*\*{4}\d*", " ", mask_text(clean))).split())
    if len(clean) > (longest := _LONGEST_TEXT[kind]):
        clean = clean[:longest].rsplit(" ", 1)[0]
    return clean if any(c.isalnum() for c in clean) else ""


def _unspeakable(char: str) -> bool:
    """Controls, separators, and pictures."""
    kind = unicodedata.category(char)
    return kind[0] in "CZ" or kind in ("So", "Sk")


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    text: str
    language: str
    longest_s: float


class Speech:
    """Speaks texts into files. For the greenlets of one hub; ``start`` first.

    ``now`` is a monotonic clock, ``wall`` the one that files are dated by.
    """

    def __init__(
        self,
        settings: SpeechSettings,
        *,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        time_limit_s: float = TIME_LIMIT_S,
        log: Any = None,
    ) -> None:
        self._settings = settings
        self._program = settings.program()
        self._now, self._wall = now, wall
        self._time_limit_s = time_limit_s
        self._log = log or structlog.get_logger("speech")
        self._queue: deque[_Job] = deque()
        self._pending: set[str] = set()
        self._there: OrderedDict[str, int] = OrderedDict()  # name → bytes, the longest unused first
        self._used: dict[str, float] = {}
        self._failed: OrderedDict[str, float] = OrderedDict()
        self._in_a_row = 0
        self._leave_until = 0.0
        self._wake = Event()
        self._idle = Event()
        self._idle.set()
        self._children: set[Any] = set()
        self._counts = dict.fromkeys(("made", "failed", "refused", "evicted"), 0)
        self.greenlets: tuple[gevent.Greenlet, ...] = ()
        """Long-lived greenlets, from ``start`` on: whoever starts this should watch them."""

    # ---- for the daemon ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Look at the cache and begin. A cache that cannot be used turns speech off, with a line in the log."""
        if not self._program:
            wanted = ESPEAK if self._settings.command is None else self._settings.command
            self._log.info("speech is off", reason=f"{wanted[0]} is not installed" if wanted else "no command")
            return
        try:
            check_path(str(self._settings.cache_dir))
            self._open_cache()
        except (OSError, PromptError) as error:
            self._program = ()
            self._log.error("speech is off", reason=str(error))
            return
        self.greenlets = tuple(gevent.spawn(self._work) for _ in range(WORKERS))

    def stop(self) -> None:
        """End what runs. May be called more than once."""
        gevent.killall(list(self.greenlets))
        for child in list(self._children):
            _end(child)

    @property
    def on(self) -> bool:
        """Whether anything can be spoken."""
        return bool(self._program)

    @property
    def counts(self) -> Mapping[str, int]:
        """made, failed, refused (queue full, program left alone, cache full), evicted; since the start."""
        return dict(self._counts)

    def prepare(self, text: str, language: str, kind: Kind = Kind.NAME) -> None:
        """Have a text spoken soon, unless it is there, on its way, or failed a moment ago. Returns at once."""
        job = self._job(text, language, kind)
        if job is None or job.name in self._pending or self._failed_lately(job.name) or self._have(job.name):
            return
        if not self.greenlets or len(self._queue) >= QUEUE or self._now() < self._leave_until:
            self._counts["refused"] += 1
            return
        self._pending.add(job.name)
        self._queue.append(job)
        self._idle.clear()
        self._wake.set()

    def ready(self, text: str, language: str, kind: Kind = Kind.NAME) -> Path | None:
        """The recording of a text that was prepared, or None: not yet, or it never will be."""
        job = self._job(text, language, kind)
        return self._settings.cache_dir / job.name if job is not None and self._have(job.name) else None

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is queued or running; False when that takes longer."""
        return bool(self._idle.wait(timeout_s))

    # ---- what is asked -------------------------------------------------------------------------------------

    def _job(self, text: str, language: str, kind: Kind) -> _Job | None:
        clean = spoken(text, kind) if self._program else ""
        if not clean or not _LANGUAGE.fullmatch(language):
            return None
        # A Chinese name among English customers, or the other way round: by the voice that can read it.
        if _HAN.search(clean):
            language = "zh" if language == "en" else language
        elif language == "zh":
            language = "en"
        longest = min(NAME_S, self._settings.max_seconds) if kind is Kind.NAME else self._settings.max_seconds
        parts = (_FORM, *self._program, language, f"{longest:g}", clean)
        return _Job(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40] + ".wav", clean, language, longest)

    def _have(self, name: str) -> bool:
        if name not in self._there:
            return False
        path = self._settings.cache_dir / name
        if self._used.get(name, -PATIENCE_S) + 1.0 < self._now():
            try:
                os.utime(path, (self._wall(),) * 2)
            except OSError:  # somebody tidied up
                self._there.pop(name, None)
                self._used.pop(name, None)
                return False
        self._used[name] = self._now()
        self._there.move_to_end(name)
        return True

    def _failed_lately(self, name: str) -> bool:
        while self._failed and next(iter(self._failed.values())) <= self._now():
            self._failed.popitem(last=False)
        return name in self._failed

    # ---- making --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            self._wake.wait()
            if not self._queue:
                self._wake.clear()
                continue
            job = self._queue.popleft()
            try:
                self._make(job)
            except (SpeechError, OSError, ValueError) as error:
                self._note_failure(job, error)
            finally:
                self._pending.discard(job.name)
                if not self._pending:
                    self._idle.set()

    def _make(self, job: _Job) -> None:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=self._settings.cache_dir) as scratch:
            raw, done = Path(scratch, "raw.wav"), Path(scratch, "done.wav")
            self._run(job, raw)
            write_trimmed(raw, done, job.longest_s)
            done.chmod(0o640)
            size = done.stat().st_size
            if not self._make_room(size):
                self._counts["refused"] += 1
                return
            os.replace(done, self._settings.cache_dir / job.name)
        self._there[job.name] = size
        self._used[job.name] = self._now()
        self._counts["made"] += 1
        self._in_a_row = 0

    def _run(self, job: _Job, raw: Path) -> None:
        command = filled(self._program, job.language, 200 if job.longest_s <= NAME_S else 180, raw)
        with raw.open("wb") as out, tempfile.TemporaryFile(dir=raw.parent) as complaints:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=complaints,
                cwd=raw.parent,
                start_new_session=True,
            )
            self._children.add(child)
            try:
                with suppress(BrokenPipeError):  # it died at once: its code says so below
                    child.stdin.write(job.text.encode())  # shorter than a pipe holds: this never waits
                    child.stdin.close()
                code = child.wait(timeout=self._time_limit_s)
            except subprocess.TimeoutExpired:
                raise SpeechError(f"took more than {self._time_limit_s:g} s") from None
            finally:
                _end(child)
                self._children.discard(child)
            if code != 0:
                raise SpeechError(f"ended with code {code}: {_last_line(complaints, job.text)}")

    def _note_failure(self, job: _Job, error: Exception) -> None:
        self._counts["failed"] += 1
        self._failed[job.name] = self._now() + PATIENCE_S
        self._failed.move_to_end(job.name)
        while len(self._failed) > 1000:
            self._failed.popitem(last=False)
        self._in_a_row += 1
        if self._in_a_row >= BROKEN_AFTER:
            self._leave_until = self._now() + PATIENCE_S
            self._counts["refused"] += len(self._queue)
            self._pending.difference_update(waiting.name for waiting in self._queue)
            self._queue.clear()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self._log.warning(
            "a text could not be spoken",
            program=self._program[0],
            reason=reason,
            language=job.language,
            characters=len(job.text),
            left_alone=self._in_a_row >= BROKEN_AFTER,
        )

    # ---- the cache -----------------------------------------------------------------------------------------

    def _open_cache(self) -> None:
        place = self._settings.cache_dir
        place.mkdir(mode=0o750, parents=True, exist_ok=True)
        if place.stat().st_mode & 0o007:
            # Names of customers: nobody's but ours and our group's.
            place.chmod(place.stat().st_mode & 0o7770)
        found: list[tuple[float, str, int]] = []
        oldest = self._wall() - self._settings.cache_age_s
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith(".making-"):  # a former run died while it spoke
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif re.fullmatch(r"[0-9a-f]{40}\.wav", entry.name) and entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_mtime < oldest:
                        self._forget(entry.name)
                    else:
                        found.append((stat.st_mtime, entry.name, stat.st_size))
        self._there = OrderedDict((name, size) for _, name, size in sorted(found))
        self._make_room(0)

    def _make_room(self, size: int) -> bool:
        """Throw away what was not used for the longest time; False when all that is left was just used."""
        room = self._settings.cache_bytes - size
        total = sum(self._there.values())
        for name in list(self._there):
            if total <= room or self._used.get(name, -PATIENCE_S) + PATIENCE_S > self._now():
                break
            total -= self._there[name]
            self._forget(name)
        return total <= room

    def _forget(self, name: str) -> None:
        self._there.pop(name, None)
        self._used.pop(name, None)
        self._counts["evicted"] += 1
        with suppress(OSError):
            (self._settings.cache_dir / name).unlink()


def filled(program: Sequence[str], language: str, words_a_minute: int, output: Path) -> list[str]:
    """A speaking program's command, with what its ``{…}`` stand for."""
    places = {
        "{voice}": VOICES.get(language, language),
        "{language}": language,
        "{speed}": str(words_a_minute),
        "{output}": str(output),
    }
    return [_fill(part, places) for part in program]


def _fill(part: str, places: Mapping[str, str]) -> str:
    for mark, value in places.items():
        part = part.replace(mark, value)
    return part


def _last_line(complaints: Any, text: str) -> str:
    """What the program said last, without the text, which is somebody's name, and without numbers."""
    complaints.seek(0)
    lines = complaints.read(4096).decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "without a word")
    return mask_text("".join(c if c.isprintable() else "?" for c in last).replace(text, "…"))[:200]


def _end(child: Any) -> None:
    """Kill a child and whatever it started."""
    if child.poll() is None:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
