"""Tones on the line: when one begins and ends, and which known one it is.

Owns the tracking of steady tones over frames and the tables of known ones: beeps, fax, call progress (ringback, busy,
congestion), special information tones, keypad digits. Judges no call: what a tone means for a call is ``cadence``'s and
``announcements``'.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from dialer.hearing.sound import FRAME_S, Sound

TWO_PARTIALS: Final = 0.12
"""A second partial counts when it holds this share of the power: keypad digits may be twisted by 8 dB."""


@dataclass(frozen=True, slots=True)
class ToneSettings:
    """What counts as a tone, and which tones are beeps."""

    purity: float = 0.85  # share of the power in one or two partials
    level_db: float = -42.0
    least_s: float = 0.06
    beep_low_hz: float = 400.0
    beep_high_hz: float = 2000.0
    beep_least_s: float = 0.15
    beep_most_s: float = 2.5
    low_beep_least_s: float = 0.24  # below 620 Hz, where a sung vowel is nearly as pure

    def __post_init__(self) -> None:
        if not 0 < self.beep_least_s <= self.low_beep_least_s <= self.beep_most_s:
            raise ValueError("beep lengths must be 0 < beep_least_s <= low_beep_least_s <= beep_most_s")
        if not 0.5 <= self.purity < 1.0:
            raise ValueError("purity of a tone must be from 0.5 to below 1")


class Tone(NamedTuple):
    """A tone from ``start`` to ``end``; ``hz2`` is 0 for a single one, else the higher of two."""

    hz: float
    hz2: float
    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start

    def __str__(self) -> str:
        pair = f" + {self.hz2:.0f}" if self.hz2 else ""
        return f"{self.hz:.0f}{pair} Hz for {self.length:.2f} s"


class ToneTracker:
    """Frames in, tones out when they end. ``now`` is the tone that sounds at the moment, if one does."""

    __slots__ = ("_bad", "_frames", "_hz", "_hz2", "_last", "_pairs", "_settings", "_start")

    def __init__(self, settings: ToneSettings) -> None:
        self._settings = settings
        self._start = self._last = 0.0
        self._hz = self._hz2 = 0.0
        self._frames = self._pairs = self._bad = 0

    @property
    def now(self) -> Tone | None:
        """The tone that sounds, once it is long enough to be one."""
        if not self._frames or self._last - self._start < self._settings.least_s - 1e-6:
            return None
        # A frame in which one tone follows another holds both: only what most frames say is a pair.
        return Tone(self._hz, self._hz2 if 2 * self._pairs >= self._frames else 0.0, self._start, self._last)

    def feed(self, sound: Sound, at: float) -> Tone | None:
        """Take the frame that ends at ``at``; returns a tone that is over now."""
        pure = sound.purity2 >= self._settings.purity and sound.level >= self._settings.level_db
        if not pure:
            if not self._frames:
                return None
            self._bad += 1
            return self._end() if self._bad > 1 else None  # one torn frame does not end a tone
        low, high = sound.hz, 0.0
        if sound.purity2 - sound.purity >= TWO_PARTIALS:
            low, high = sorted((sound.hz, sound.hz2))
        if self._frames and _same(low, self._hz) and (_same(high, self._hz2) or not (high and self._hz2)):
            self._frames += 1
            self._bad = 0
            self._last = at
            share = 1.0 / min(self._frames, 8)
            self._hz += (low - self._hz) * share
            if high:
                self._pairs += 1
                self._hz2 = high if not self._hz2 else self._hz2 + (high - self._hz2) * share
            return None
        ended = self._end() if self._frames else None
        self._start, self._last = at - FRAME_S, at
        self._hz, self._hz2 = low, high
        self._frames, self._pairs, self._bad = 1, int(high > 0), 0
        return ended

    def _end(self) -> Tone | None:
        tone = self.now
        self._frames = self._pairs = self._bad = 0
        return tone


def _same(one: float, other: float) -> bool:
    # Two tones 40 Hz apart (American ringback) look like one that wavers between them.
    return abs(one - other) <= (32.0 if one < 520.0 else 14.0)


# ---- known tones -------------------------------------------------------------------------------------------

_KEYS_LOW: Final = (697.0, 770.0, 852.0, 941.0)
_KEYS_HIGH: Final = (1209.0, 1336.0, 1477.0, 1633.0)
_PROGRESS_LOW: Final = ((390.0, 485.0),)
"""Ringback, busy and congestion of nearly every country lie here: 400, 425, 440 + 480, 450 Hz …"""
_PROGRESS_PAIRS: Final = ((350.0, 440.0), (440.0, 480.0), (480.0, 620.0), (400.0, 450.0))
FAX_HZ: Final = (1100.0, 2100.0)


def is_key(tone: Tone) -> bool:
    """Whether the tone is a keypad digit."""
    return (
        tone.hz2 > 0
        and any(abs(tone.hz - hz) < 20 for hz in _KEYS_LOW)
        and any(abs(tone.hz2 - hz) < 30 for hz in _KEYS_HIGH)
    )


def is_progress(tone: Tone) -> bool:
    """Whether the tone may be a network's ringback, busy or congestion tone."""
    if tone.hz2 == 0:
        return any(low <= tone.hz <= high for low, high in _PROGRESS_LOW)
    return any(abs(tone.hz - one) < 25 and abs(tone.hz2 - two) < 25 for one, two in _PROGRESS_PAIRS)


def is_fax(tone: Tone, least_s: float) -> bool:
    """Whether a fax or modem calls or answers."""
    return tone.hz2 == 0 and tone.length >= least_s - 1e-6 and any(abs(tone.hz - hz) < 16 for hz in FAX_HZ)


def is_beep(tone: Tone, settings: ToneSettings) -> bool:
    """Whether an ended tone is one with which a machine begins to record."""
    least = settings.low_beep_least_s if tone.hz < 620.0 else settings.beep_least_s
    if not least - 1e-6 <= tone.length <= settings.beep_most_s + 1e-6 or is_key(tone):
        return False
    if tone.hz2 and is_progress(tone):
        return False
    high = tone.hz2 or tone.hz
    return settings.beep_low_hz <= tone.hz and high <= settings.beep_high_hz * (1.75 if tone.hz2 else 1.0)


# ---- special information tones -----------------------------------------------------------------------------

_SHORT, _LONG = (0.18, 0.33), (0.33, 0.49)  # wide at their ends: sound may be torn while a leg rings
_ANY = (0.18, 0.49)


class Sit(NamedTuple):
    """Three rising tones and what they say."""

    name: str
    hz: tuple[float, float, float]
    length: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


INTERCEPT: Final = "intercept"
VACANT: Final = "vacant code"
REORDER: Final = "reorder"
NO_CIRCUIT: Final = "no circuit"
GENERIC: Final = "special information"

SITS: Final[tuple[Sit, ...]] = (
    Sit(INTERCEPT, (913.8, 1370.6, 1776.7), (_SHORT, _SHORT, _LONG)),
    Sit(VACANT, (985.2, 1370.6, 1776.7), (_LONG, _SHORT, _LONG)),
    Sit(REORDER, (913.8, 1428.5, 1776.7), (_SHORT, _LONG, _LONG)),
    Sit(REORDER, (985.2, 1370.6, 1776.7), (_SHORT, _LONG, _LONG)),
    Sit(NO_CIRCUIT, (985.2, 1428.5, 1776.7), (_LONG, _LONG, _LONG)),
    Sit(NO_CIRCUIT, (913.8, 1370.6, 1776.7), (_LONG, _LONG, _LONG)),
    Sit(GENERIC, (950.0, 1400.0, 1800.0), (_ANY, _ANY, _ANY)),
)
"""North America's coded tones, and the one of ITU-T E.180, which says nothing but that an announcement follows."""
_SIT_TOLERANCE_HZ: Final = 17.0
_SIT_GAP_S: Final = 0.07


def sit_of(tones: Sequence[Tone]) -> str | None:
    """Which special information tone the last three ``tones`` are."""
    if len(tones) < 3:
        return None
    three = tuple(tones)[-3:]
    if any(tone.hz2 for tone in three):
        return None
    if any(after.start - before.end > _SIT_GAP_S for before, after in pairwise(three)):
        return None
    for sit in SITS:
        if all(
            abs(tone.hz - hz) <= _SIT_TOLERANCE_HZ and low <= tone.length <= high
            for tone, hz, (low, high) in zip(three, sit.hz, sit.length, strict=True)
        ):
            return sit.name
    return None


# ---- tones in a rhythm -------------------------------------------------------------------------------------

BUSY: Final = "busy"
CONGESTION: Final = "congestion"
_BEATS: Final = 4
"""Beats of a busy or congestion tone that are asked for, before it is believed."""


class Rhythm:
    """Call-progress tones in, ``busy`` or ``congestion`` out once their rhythm is certain."""

    __slots__ = ("_tones",)

    def __init__(self) -> None:
        self._tones: deque[Tone] = deque(maxlen=_BEATS)

    def feed(self, tone: Tone) -> str | None:
        """Take an ended tone."""
        if not is_progress(tone) or not 0.15 <= tone.length <= 0.85:
            self._tones.clear()
            return None
        self._tones.append(tone)
        if len(self._tones) < _BEATS:
            return None
        tones = list(self._tones)
        on = sum(tone.length for tone in tones) / _BEATS
        gaps = [after.start - before.end for before, after in pairwise(tones)]
        even = all(abs(tone.length - on) <= 0.05 for tone in tones)
        if not even or any(not 0.6 * on - 0.03 <= gap <= 1.5 * on + 0.03 for gap in gaps):
            return None
        return BUSY if 0.3 <= on <= 0.6 else CONGESTION
