"""Fingerprints of announcements: learnt from recordings, found again in what a network says while it rings.

Owns the measure (the shape of two seconds of spectrum, free of loudness and of the line's colour), the learning and the
matching; the file is ``printsfile``'s. A recording counts as found only when two different parts of it, at the right
distance from each other, are heard: one look-alike proves nothing. Parts that recordings with different meanings share
are not used. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.domain.hearing import Announcement
from dialer.hearing.errors import PrintsError
from dialer.hearing.sound import RATE

Floats = NDArray[np.float32]
TEACHABLE: Final = (Announcement.DEAD_NUMBER, Announcement.SWITCHED_OFF, Announcement.BUSY, Announcement.CONGESTION)

BANDS: Final = 16
HOP: Final = 320  # 40 ms
HOP_S: Final = HOP / RATE
WINDOW: Final = 50  # hops: 2 s
WINDOW_S: Final = WINDOW * HOP_S
STEP: Final = 5  # hops between the learnt parts of a recording: 0.2 s
_FFT: Final = 512
_RANGE: Final = 4.0  # natural logs of power below the loudest: 35 dB


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """How much alike two sounds must be (correlation, at most 1)."""

    alike: float = 0.80
    apart_s: float = 0.8  # between the two parts that must be found
    drift_s: float = 0.12  # how far their distance may be off
    shared: float = 0.62  # parts of recordings with different meanings that are so much alike are not used

    def __post_init__(self) -> None:
        if not 0.5 <= self.alike < 1.0:
            raise ValueError("alike must be from 0.5 to below 1")


def _filters() -> Floats:
    """Triangles from 250 to 3400 Hz, evenly spaced in pitch as ears have it."""
    mel = np.linspace(1127 * np.log1p(250 / 700), 1127 * np.log1p(3400 / 700), BANDS + 2)
    edges = 700 * np.expm1(mel / 1127)
    hz = np.arange(_FFT // 2 + 1) * RATE / _FFT
    rows = [
        np.clip(np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)), 0, None)
        for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    return np.asarray(rows, np.float32)


_FILTERS: Final = _filters()
_HANN: Final = np.hanning(_FFT + 1)[:-1].astype(np.float32)


def bands(samples: Floats) -> Floats:
    """The log power in each band of the 64 ms in ``samples``."""
    spectrum = np.fft.rfft(samples * _HANN)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    loud: Floats = np.log(_FILTERS @ power + 1e-6).astype(np.float32)
    return loud


def shape(window: Floats) -> Floats | None:
    """The measure of WINDOW rows of ``bands``; None when there is too little sound in it."""
    clipped = np.maximum(window, window.max() - _RANGE)
    if float((clipped.max(axis=1) > clipped.max() - _RANGE + 1.0).mean()) < 0.4:
        return None
    clipped = clipped - clipped.mean(axis=0)
    norm = float(np.sqrt((clipped**2).sum()))
    if norm < 1e-3:
        return None
    flat: Floats = (clipped / norm).ravel().astype(np.float32)
    return flat


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of one learnt recording. ``parts``: how many of it can be told from others."""

    name: str
    what: Announcement
    seconds: float
    parts: int


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """All learnt recordings: each row of ``shapes`` is a part, of recording ``owner`` at ``at`` seconds."""

    recordings: tuple[Recording, ...]
    shapes: Floats
    owner: NDArray[np.int32]
    at: Floats

    def __len__(self) -> int:
        return len(self.recordings)


EMPTY: Final = Prints((), np.zeros((0, WINDOW * BANDS), np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32))


class Matcher:
    """Samples in, the learnt recording out once it is certain."""

    __slots__ = ("_alike", "_hits", "_hops", "_left", "_prints", "_rows", "_settings")

    def __init__(self, prints: Prints, settings: MatchSettings) -> None:
        self._prints = prints
        self._settings = settings
        self._left: Floats = np.zeros(_FFT, np.float32)
        self._rows: Floats = np.zeros((WINDOW, BANDS), np.float32)
        self._hops = 0
        self._hits: list[tuple[int, float, float, float]] = []
        self._alike = 0.0

    def feed(self, frames: bytes) -> tuple[Recording, str] | None:
        """Take one hop: two frames of L16."""
        if not len(self._prints):
            return None
        samples = np.frombuffer(frames[: 2 * HOP].ljust(2 * HOP, b"\0"), "<i2").astype(np.float32) / 32768.0
        self._left = np.concatenate((self._left[HOP:], samples))
        self._rows[:-1] = self._rows[1:]
        self._rows[-1] = bands(self._left)
        self._hops += 1
        if self._hops < WINDOW or (heard := shape(self._rows)) is None:
            return None
        return self._found(heard, self._hops * HOP_S)

    def _found(self, heard: Floats, now: float) -> tuple[Recording, str] | None:
        scores = self._prints.shapes @ heard
        settings = self._settings
        for row in np.flatnonzero(scores >= settings.alike):
            owner, at, score = int(self._prints.owner[row]), float(self._prints.at[row]), float(scores[row])
            for known, then, known_at, known_score in self._hits:
                apart = at - known_at
                if known == owner and apart >= settings.apart_s and abs(now - then - apart) <= settings.drift_s:
                    recording = self._prints.recordings[owner]
                    alike = min(score, known_score)
                    return recording, f"sounds like {recording.name}, {alike:.2f} alike over {apart + WINDOW_S:.1f} s"
            self._hits.append((owner, now, at, score))
        del self._hits[:-64]
        return None


# ---- learning ----------------------------------------------------------------------------------------------


def parts_of(signal: Floats) -> list[tuple[float, Floats]]:
    """The parts of a recording that can be learnt: (seconds from its start, shape)."""
    padded = np.concatenate((np.zeros(_FFT - HOP, np.float32), signal))
    rows = np.asarray(
        [bands(padded[at : at + _FFT]) for at in range(0, len(padded) - _FFT + 1, HOP)], np.float32
    ).reshape(-1, BANDS)
    starts = range(0, len(rows) - WINDOW + 1, STEP)
    return [(n * HOP_S, one) for n in starts if (one := shape(rows[n : n + WINDOW])) is not None]


def learn(
    known: Prints, new: Sequence[tuple[str, Announcement, Floats]], settings: MatchSettings
) -> tuple[Prints, list[str]]:
    """``known`` with the recordings of ``new``, and sentences on what could not be used.

    A name replaces its former self. Raises PrintsError when a recording cannot be told from one with another meaning.
    """
    names = {name for name, _, _ in new}
    if len(names) < len(new):
        raise PrintsError("two recordings have the same name")
    recordings: list[Recording] = []
    shapes: list[Floats] = []
    owner: list[int] = []
    at: list[float] = []
    for index, recording in enumerate(known.recordings):
        if recording.name in names:
            continue
        rows = np.flatnonzero(known.owner == index)
        shapes += list(known.shapes[rows])
        at += [float(value) for value in known.at[rows]]
        owner += [len(recordings)] * len(rows)
        recordings.append(recording)
    for name, what, signal in new:
        if what not in TEACHABLE:
            raise PrintsError(f"{name}: {what.value} cannot be taught; expected {', '.join(TEACHABLE)}")
        for second, one in parts_of(signal):
            shapes.append(one)
            at.append(second)
            owner.append(len(recordings))
        recordings.append(Recording(name, what, round(len(signal) / RATE, 2), 0))
    table = np.asarray(shapes, np.float32).reshape(-1, WINDOW * BANDS)
    return _tell_apart(recordings, table, np.asarray(owner, np.int32), np.asarray(at, np.float32), settings)


def _tell_apart(
    recordings: list[Recording], shapes: Floats, owner: NDArray[np.int32], at: Floats, settings: MatchSettings
) -> tuple[Prints, list[str]]:
    meanings = np.asarray([recordings[index].what.value for index in owner])
    alike = shapes @ shapes.T
    alike[meanings[:, None] == meanings[None, :]] = 0.0
    keep = alike.max(axis=1, initial=0.0) < settings.shared
    faults: list[str] = []
    kept: list[Recording] = []
    for index, recording in reversed(list(enumerate(recordings))):  # the new ones are to blame
        mine = owner == index
        times = at[mine & keep]
        if not len(times) or float(times.max() - times.min()) < settings.apart_s:
            worst = int(owner[int(alike[mine].max(axis=0).argmax())]) if mine.any() and alike[mine].max() > 0 else index
            why = (
                f"sounds like {recordings[worst].name}, which means {recordings[worst].what.value}"
                if worst != index and mine.any() and not keep[mine].all()
                else f"has less than {WINDOW_S + settings.apart_s:.1f} s of words"
            )
            raise PrintsError(f"{recording.name}: {why}: it cannot be recognised with certainty")
        if dropped := int((mine & ~keep).sum()):
            of = int(mine.sum())
            faults.append(f"{recording.name}: {dropped} of {of} parts are also in recordings of other meaning")
        kept.append(Recording(recording.name, recording.what, recording.seconds, int((mine & keep).sum())))
    return Prints(tuple(reversed(kept)), shapes[keep], owner[keep], at[keep]), faults[::-1]
