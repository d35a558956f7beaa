"""Who answered: the cadence of a greeting, judged frame by frame.

Owns voice activity, bursts and pauses, the one verdict on a call, and the instant at which the greeting ends. People
say little and wait; machines go on. Whatever is doubtful is ``unsure``, which is treated as a person. Pure:
frames and their time in, at most one ``Judgement`` out, constant time for each frame.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from dialer.domain.hearing import Verdict
from dialer.hearing.sound import FRAME_S, Sound
from dialer.hearing.tones import Tone, ToneSettings, ToneTracker, is_beep, is_fax, is_progress

_EPS: Final = 1e-6
_HISTORY: Final = 400
_LOUDEST: Final = 8
"""So many of the loudest frames make the loudness of somebody who may have said but one word."""


@dataclass(frozen=True, slots=True)
class CadenceSettings:
    """Thresholds. Seconds count from the answer where nothing else is said; levels in dB."""

    decide_within_s: float = 4.0
    silence_s: float = 1.8  # nobody says anything for so long: an agent speaks first, within the strictest clock
    human_pause_s: float = 0.36  # so much quiet after words, and the greeting is over
    human_greeting_s: float = 1.8  # a greeting up to this is a person's …
    machine_greeting_s: float = 2.8  # … and one that goes on without a pause to here a machine's
    machine_at_bound_s: float = 2.3  # the same when the time is over
    tone_guard_s: float = 0.3  # tones that began before this are the network's
    fax_least_s: float = 0.5
    # voice activity
    floor_margin_db: float = 9.0
    floor_below_db: float = 22.0  # words without a gap lift the floor no higher than this below their peak
    below_peak_db: float = 18.0
    least_level_db: float = -50.0
    near_loud_db: float = 10.0  # what the loudest words are compared with, before anybody is called a machine
    again_share: float = 0.25
    again_less_s: float = 0.6
    again_quiet_s: float = 0.2
    contrast_db: float = 12.0  # words must stand out so far from the floor before anybody is called a machine
    burst_least_s: float = 0.08
    doubt_s: float = 0.16  # how long a sound may take to show that it is a word
    voiced_least: int = 3  # frames of a burst with a spectrum like a voice's
    voiced_flatness: float = 0.35
    swing_db: float = 3.5  # a burst steadier than this is a hum or a hiss
    tones: ToneSettings = field(default_factory=ToneSettings)

    def __post_init__(self) -> None:
        if not 0 < self.human_greeting_s <= self.machine_greeting_s:
            raise ValueError("human_greeting_s must be above 0 and not above machine_greeting_s")
        if not FRAME_S <= self.human_pause_s <= 2.0:
            raise ValueError(f"human_pause_s must be from {FRAME_S:g} to 2")
        if not 0.5 <= self.decide_within_s <= 30.0:
            raise ValueError("decide_within_s must be from 0.5 to 30")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict at ``at``; both times in seconds after the answer.

    ``greeting_end`` of a person; who still speaks at the time bound has ended no earlier than ``at``. None: no words.
    """

    verdict: Verdict
    reason: str
    at: float
    greeting_end: float | None = None


class Activity:
    """Voice activity: which frames stand out from the noise and are loud enough to be the callee.

    The floor is the least level of the last 1.6 s, so that words never raise it and steady noise soon does; what is
    far quieter than the callee's own words (others in the room, a television) is no activity either.
    """

    __slots__ = (
        "_active",
        "_highest",
        "_least",
        "_noise",
        "_nothing",
        "_parts",
        "_peak",
        "_recent",
        "_settings",
        "_ticks",
        "floor",
    )

    _PART: Final = 10  # frames
    _PARTS: Final = 8
    _LOWEST: Final = -68.0
    _EARLY: Final = -40.0  # what the floor may be at most in the first second: words may fill it from the start …
    _EARLY_FRAMES: Final = 50
    _STEADY_DB: Final = 3.5  # … unless it is as steady as no words are
    _LOST_DB: Final = -85.0
    _LOST_FRAMES: Final = 4

    def __init__(self, settings: CadenceSettings) -> None:
        self._settings = settings
        self._parts: deque[float] = deque(maxlen=self._PARTS)
        self._least, self._highest = 0.0, -96.0
        self._recent = (-96.0, -96.0)
        self._ticks = self._nothing = 0
        self._noise = -96.0  # the last steady sound
        self._peak = -96.0
        self._active = False
        self.floor = self._LOWEST

    def _follow(self, level: float) -> None:
        """Keep the floor. A few frames without any sound are lost packets and say nothing about the noise."""
        before, last = self._recent
        smooth = (before + last + level) / 3.0 if self._ticks > 2 else level
        self._recent = (last, level)
        self._least, self._highest = min(self._least, smooth), max(self._highest, smooth)
        self._ticks += 1
        if self._ticks % self._PART == 0:
            if self._highest - self._least <= self._STEADY_DB:
                while self._EARLY in self._parts:
                    self._parts.remove(self._EARLY)  # what was a guess is known now
                self._parts.append(self._least)
                self._noise = self._least
            else:
                top = self._EARLY if self._ticks <= self._EARLY_FRAMES else self._peak - self._settings.floor_below_db
                self._parts.append(min(self._least, max(top, self._EARLY, self._noise)))
            self._least, self._highest = 0.0, -96.0
        self.floor = max(self._LOWEST, min(self._least, min(self._parts, default=self._EARLY)))

    @property
    def peak(self) -> float:
        """The loudness of what was active lately."""
        return self._peak

    def feed(self, level: float) -> bool:
        """Whether this frame is active."""
        self._nothing = self._nothing + 1 if level <= self._LOST_DB else 0
        if not 0 < self._nothing <= self._LOST_FRAMES:
            self._follow(level)
        settings = self._settings
        threshold = max(
            self.floor + settings.floor_margin_db, self._peak - settings.below_peak_db, settings.least_level_db
        )
        self._active = level > threshold - (2.0 if self._active else 0.0)
        if self._active:
            # Slowly up, so that a click is no loudness; slowly down, for somebody who walks away.
            self._peak += (level - self._peak) * 0.35 if level > self._peak else -0.05
        return self._active


@dataclass(slots=True)
class _Burst:
    """Words without a pause of their own."""

    start: float
    end: float
    frames: int = 0
    voiced: int = 0
    low: float = 0.0
    high: float = -96.0


class Cadence:
    """Judges one answered call."""

    __slots__ = (
        "_activity",
        "_bursts",
        "_current",
        "_end",
        "_levels",
        "_pause",
        "_settings",
        "_start",
        "_tracker",
        "beep",
        "judgement",
        "quiet_since",
    )

    def __init__(self, settings: CadenceSettings) -> None:
        self._settings = settings
        self._activity = Activity(settings)
        self._tracker = ToneTracker(settings.tones)
        self._levels: deque[float] = deque(maxlen=_HISTORY)
        self._current: _Burst | None = None
        self._start: float | None = None  # of the greeting
        self._end = 0.0
        self._bursts = 0
        self._pause = 0.0  # the longest inside the greeting
        self.judgement: Judgement | None = None
        self.beep: Tone | None = None
        """A beep that ended with the last frame."""
        self.quiet_since = 0.0
        """Since when there were neither words nor tones."""

    def feed(self, sound: Sound, at: float) -> Judgement | None:
        """Take the frame that ends at ``at`` (seconds after the answer); returns the verdict in its moment."""
        tone = self._tracker.feed(sound, at)
        self.beep = tone if tone is not None and self._counts(tone) and is_beep(tone, self._settings.tones) else None
        sounding = self._tracker.now
        active = self._activity.feed(sound.level)
        self._levels.append(sound.level)
        if sounding is not None:
            self._drop(sounding)
        self._burst(sound, at, active and sounding is None)
        if active:
            self.quiet_since = at
        if self.judgement is not None:
            return None
        self.judgement = self._judge(at, sounding)
        return self.judgement

    @property
    def speaking(self) -> bool:
        """Whether words are being said at this moment, as far as can be told."""
        return self._current is not None and self._is_speech(self._current)

    # ---- bursts --------------------------------------------------------------------------------------------

    def _burst(self, sound: Sound, at: float, active: bool) -> None:
        burst = self._current
        if not active:
            if burst is not None and at - burst.end > 0.05:
                self._close(burst)
            return
        if burst is None:
            burst = self._current = _Burst(at - FRAME_S, at, low=sound.level)
        burst.end = at
        burst.frames += 1
        burst.voiced += sound.flatness < self._settings.voiced_flatness
        burst.low = min(burst.low, sound.level)
        burst.high = max(burst.high, sound.level)

    def _drop(self, tone: Tone) -> None:
        """What was a tone from its beginning on is no word."""
        if self._current is not None and self._current.start >= tone.start - 2 * FRAME_S - _EPS:
            self._current = None

    def _is_speech(self, burst: _Burst) -> bool:
        settings = self._settings
        return (
            burst.frames * FRAME_S >= settings.burst_least_s - _EPS
            and burst.voiced >= settings.voiced_least
            and burst.high - burst.low >= settings.swing_db
        )

    def _maybe(self, burst: _Burst | None, at: float) -> bool:
        """Whether something has begun of which nobody can say yet if it is a word."""
        current = self._current
        return current is not None and current is not burst and at - current.start <= self._settings.doubt_s

    def _close(self, burst: _Burst) -> None:
        self._current = None
        if not self._is_speech(burst):
            return
        if self._start is None:
            self._start = burst.start
        else:
            self._pause = max(self._pause, burst.start - self._end)
        self._end = burst.end
        self._bursts += 1

    # ---- the verdict ---------------------------------------------------------------------------------------

    def _counts(self, tone: Tone) -> bool:
        """A ringback that goes on for a moment after the answer is the network's."""
        return tone.start >= self._settings.tone_guard_s or not is_progress(tone)

    def _judge(self, at: float, sounding: Tone | None) -> Judgement | None:
        settings = self._settings
        if sounding is not None and is_fax(sounding, settings.fax_least_s):
            return Judgement(Verdict.MACHINE, f"machine: a fax or modem answers: {sounding}", at)
        if self.beep is not None and not is_progress(self.beep) and self.beep.start >= settings.tone_guard_s:
            return Judgement(Verdict.MACHINE, f"machine: a beep: {self.beep}", at)
        burst = self._current if self._current is not None and self._is_speech(self._current) else None
        start = self._start if self._start is not None else (burst.start if burst is not None else None)
        if start is not None:
            end = burst.end if burst is not None else self._end
            said, quiet = end - start, at - end
            if not self._maybe(burst, at) and (decided := self._after(at, said, quiet, end)) is not None:
                return decided
        if at >= settings.decide_within_s - _EPS:
            return self._at_bound(at, start, burst)
        if start is None and self._current is None and at >= settings.silence_s - _EPS:
            return Judgement(Verdict.UNSURE, f"unsure: no words in {at:.1f} s", at)
        return None

    def _after(self, at: float, said: float, quiet: float, end: float) -> Judgement | None:
        """A greeting that is over, or that goes on for too long to be a person's."""
        settings = self._settings
        if quiet >= settings.human_pause_s - _EPS:
            words = f"{said:.1f} s, then {quiet:.2f} s of quiet"
            if said <= settings.human_greeting_s + _EPS:
                return Judgement(Verdict.HUMAN, f"human: greeting {words}", at, end)
            return Judgement(Verdict.UNSURE, f"unsure: greeting {words}: long for a person", at, end)
        if said < settings.machine_greeting_s - _EPS:
            return None
        return self._again(at, said)

    def _again(self, at: float, said: float) -> Judgement | None:
        """Before anybody is called a machine, look again, by the loudness that is known by now.

        It may be one word before, or after, a noisy room: then what is much quieter than the loudest words is no
        greeting, a person's word remains, and its time runs from its own end.
        """
        settings = self._settings
        levels = list(self._levels)[-round((said + 0.2) / FRAME_S) :]
        loud = sum(sorted(levels)[-_LOUDEST:]) / _LOUDEST
        begin = at - len(levels) * FRAME_S
        near = [begin + n * FRAME_S for n, level in enumerate(levels) if level >= loud - settings.near_loud_db]
        first, last = near[0], near[-1] + FRAME_S
        for one, two in pairwise(near):
            if two - one >= settings.human_pause_s + 0.1:
                first = two
        quiet = at - last
        goes_on = last - first >= said - settings.again_less_s and quiet <= settings.again_quiet_s
        if goes_on and len(near) >= settings.again_share * len(levels):
            if loud - self._activity.floor >= settings.contrast_db:
                return Judgement(Verdict.MACHINE, self._machine(said), at)
            reason = f"unsure: {said:.1f} s of sound only {loud - self._activity.floor:.0f} dB over the noise"
            return Judgement(Verdict.UNSURE, reason, at)
        if quiet < settings.human_pause_s - _EPS:
            return None
        words = f"greeting {last - first:.1f} s, then {quiet:.2f} s of much quieter sound"
        verdict = Verdict.HUMAN if last - first <= settings.human_greeting_s + _EPS else Verdict.UNSURE
        return Judgement(verdict, f"{verdict.value}: {words}", at, last)

    def _machine(self, said: float) -> str:
        count, pause = self._bursts, self._pause
        if self._current is not None:
            count += 1
            pause = max(pause, self._current.start - self._end) if self._bursts else pause
        return f"machine: greeting {said:.1f} s in {count} burst{'s' * (count != 1)}, no pause over {pause:.1f} s"

    def _at_bound(self, at: float, start: float | None, burst: _Burst | None) -> Judgement:
        if start is None:
            return Judgement(Verdict.UNSURE, f"unsure: no words in {at:.1f} s", at)
        said = (burst.end if burst is not None else self._end) - start
        if said >= self._settings.machine_at_bound_s - _EPS and (decided := self._again(at, said)) is not None:
            return replace(decided, reason=f"{decided.reason}, at the time bound")
        return Judgement(Verdict.UNSURE, f"unsure: only {said:.1f} s of words when the time was over", at, at)
