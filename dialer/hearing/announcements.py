"""What the network says instead of a callee, while it rings with early media.

Owns the one judgement on a ringing call: coded intercept tones, busy and congestion rhythms, learnt announcements. A
dead number is never dialed again, so only what is certain says so: unknown words, music and ringback say nothing.
Pure, constant time for each frame.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from dialer.domain.hearing import Announcement
from dialer.hearing import tones
from dialer.hearing.prints import EMPTY, Matcher, MatchSettings, Prints
from dialer.hearing.sound import FRAME_BYTES, FRAME_S, Sound
from dialer.hearing.tones import Rhythm, Tone, ToneSettings, ToneTracker, is_progress, sit_of

_WORDS_DB: Final = -45.0


@dataclass(frozen=True, slots=True)
class EarlySettings:
    """``generic_sit`` is what the special information tone of ITU-T E.180 means, which says only that words follow.

    An operator whose carrier sends it before nothing but dead-number announcements may set dead_number.
    ``unknown_after_s`` of unknown sound are told as UNKNOWN, so that they can be recorded and taught.
    """

    generic_sit: Announcement = Announcement.UNKNOWN
    unknown_after_s: float = 12.0
    tones: ToneSettings = field(default_factory=ToneSettings)
    match: MatchSettings = field(default_factory=MatchSettings)

    def __post_init__(self) -> None:
        if self.unknown_after_s < 2.0:
            raise ValueError("unknown_after_s must be at least 2")


@dataclass(frozen=True, slots=True)
class EarlyJudgement:
    """What was announced, ``at`` seconds after the first ring."""

    what: Announcement
    reason: str
    at: float


_SIT_MEANS: Final = {
    tones.INTERCEPT: Announcement.DEAD_NUMBER,
    tones.VACANT: Announcement.DEAD_NUMBER,
    tones.REORDER: Announcement.CONGESTION,
    tones.NO_CIRCUIT: Announcement.CONGESTION,
}


class EarlyMedia:
    """Judges one ringing call, once."""

    __slots__ = ("_half", "_matcher", "_rhythm", "_settings", "_sit", "_tones", "_tracker", "_words", "judgement")

    def __init__(self, settings: EarlySettings, prints: Prints = EMPTY) -> None:
        self._settings = settings
        self._tracker = ToneTracker(settings.tones)
        self._tones: deque[Tone] = deque(maxlen=3)
        self._rhythm = Rhythm()
        self._matcher = Matcher(prints, settings.match)
        self._half = b""
        self._words = 0.0
        self._sit = ""
        self.judgement: EarlyJudgement | None = None

    def feed(self, sound: Sound, frame: bytes, at: float) -> EarlyJudgement | None:
        """Take the frame that ends at ``at``; returns the judgement in its moment."""
        if self.judgement is not None:
            return None
        self.judgement = self._tone(self._tracker.feed(sound, at), at) or self._match(frame, at)
        sounding = self._tracker.now
        if sound.level > _WORDS_DB and (sounding is None or not is_progress(sounding)):
            self._words += FRAME_S
        if self.judgement is None and self._words >= self._settings.unknown_after_s:
            after = f" after the tones of {self._sit}" if self._sit else ""
            reason = f"{self._words:.0f} s of sound that nobody has taught{after}"
            self.judgement = EarlyJudgement(Announcement.UNKNOWN, reason, at)
        return self.judgement

    def _tone(self, tone: Tone | None, at: float) -> EarlyJudgement | None:
        if tone is None:
            return None
        self._tones.append(tone)
        sit = sit_of(self._tones)
        if sit is not None:
            self._sit = sit
            means = _SIT_MEANS.get(sit, self._settings.generic_sit)
            if means is not Announcement.UNKNOWN:
                heard = ", ".join(f"{tone.hz:.0f}" for tone in self._tones)
                return EarlyJudgement(means, f"the tones of {sit}: {heard} Hz", at)
        rhythm = self._rhythm.feed(tone)
        if rhythm is None:
            return None
        what = Announcement.BUSY if rhythm == tones.BUSY else Announcement.CONGESTION
        return EarlyJudgement(what, f"the rhythm of a {rhythm} tone: {tone}, again and again", at)

    def _match(self, frame: bytes, at: float) -> EarlyJudgement | None:
        if not self._half:
            self._half = frame[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
            return None
        both, self._half = self._half + frame, b""
        found = self._matcher.feed(both)
        return None if found is None else EarlyJudgement(found[0].what, found[1], at)
