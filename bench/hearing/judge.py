"""Runs the production listener over a corpus and counts what comes out.

Owns the scores: confusion, how long after a greeting's end a person's verdict comes, beeps, taught and strange
announcements, time for each frame. Judges nothing itself.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.hearing import texts
from bench.hearing.acoustics import RATE, Signal, line_for, tone
from bench.hearing.corpus import Case
from bench.hearing.voices import Voice, speak
from dialer.domain.hearing import Announcement, AnnouncementHeard, BeepHeard, Heard, ListenKind, Verdict
from dialer.hearing.listener import HearingSettings, Listener
from dialer.hearing.prints import EMPTY, MatchSettings, Prints, learn
from dialer.hearing.sound import FRAME_S
from dialer.hearing.wavefile import frames

BEEP_WITHIN_S = 0.15


@dataclass(slots=True)
class Score:
    """What one run came to."""

    table: Counter[tuple[bool, str]] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    by_noise: Counter[tuple[str, bool, str]] = field(default_factory=Counter)
    quick_by_noise: Counter[tuple[str, bool]] = field(default_factory=Counter)
    beeps: Counter[str] = field(default_factory=Counter)
    latest: float = 0.0
    examples: list[str] = field(default_factory=list)

    def share(self, machine: bool, verdict: str) -> float:
        total = sum(count for (is_machine, _), count in self.table.items() if is_machine is machine)
        return self.table[machine, verdict] / total if total else 0.0


def judge(cases: Iterable[Case], settings: Mapping[str, HearingSettings]) -> dict[str, Score]:
    """Every case under every setting."""
    scores = {name: Score() for name in settings}
    for case in cases:
        pieces = frames(case.take.signal)
        for name, setting in settings.items():
            _one(case, pieces, setting, scores[name])
    return scores


def _one(case: Case, pieces: list[bytes], settings: HearingSettings, score: Score) -> None:
    listener = Listener("lab", ListenKind.ANSWERED, 0.0, 0.0, settings)
    heard: Heard | None = None
    beeps: list[float] = []
    now = 0.0
    for piece in pieces:
        now += FRAME_S
        for event in listener.packet(piece, now):
            if isinstance(event, Heard):
                heard = event
            elif isinstance(event, BeepHeard):
                beeps.append(event.at)
        if listener.done:
            break
    if heard is None:
        raise AssertionError(f"no verdict within {now:.1f} s: {case}")
    verdict = heard.verdict.value
    score.table[case.machine, verdict] += 1
    score.by_noise[case.take.noise, case.machine, verdict] += 1
    score.latest = max(score.latest, heard.at)
    if not case.machine:
        delay = heard.at - case.take.ends
        score.delays.append(delay)
        score.quick_by_noise[case.take.noise, delay <= 0.4] += 1
        if heard.verdict is Verdict.MACHINE:
            take = case.take
            score.examples.append(f"{case.voice}: “{case.text}” ({take.noise}, {take.codec}): {heard.reason}")
    elif heard.verdict is Verdict.MACHINE and case.take.beep is not None:
        hit = any(abs(at - case.take.beep[2]) <= BEEP_WITHIN_S for at in beeps)
        score.beeps["heard" if hit else "missed"] += 1
        score.beeps["elsewhere"] += sum(abs(at - case.take.beep[2]) > BEEP_WITHIN_S for at in beeps)


def upper_bound(hits: int, total: int, z: float = 1.96) -> float:
    """The upper end of Wilson's 95 % interval."""
    share = hits / total
    middle = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle + half) / (1 + z * z / total)


# ---- early media -------------------------------------------------------------------------------------------

_SPEAKERS = {"cmn": Voice("espeak", "cmn+f2", "cmn", 165), "en-us": Voice("espeak", "en-us+f4", "en", 160)}


def announcements(rounds: int, seed: int = 3) -> Counter[tuple[str, str]]:
    """(what was played, what was heard): taught announcements, strangers, tones and music over random lines."""
    rng = np.random.default_rng(seed)
    spoken = speak([(_SPEAKERS[language], words) for language, _, words in texts.ANNOUNCEMENTS])
    strange = speak([(_SPEAKERS[language], words) for language, words in texts.STRANGERS])
    prints = taught()
    played: list[tuple[str, Signal]] = [
        *((what, spoken[_SPEAKERS[language], words]) for language, what, words in texts.ANNOUNCEMENTS),
        *(("another announcement", strange[_SPEAKERS[language], words]) for language, words in texts.STRANGERS),
        *_tones(),
    ]
    table: Counter[tuple[str, str]] = Counter()
    for _ in range(rounds):
        for what, signal in played:
            table[what, _early(line_for(signal, rng), prints)] += 1
    return table


def taught() -> Prints:
    """The announcements that the lab teaches."""
    spoken = speak([(_SPEAKERS[language], words) for language, _, words in texts.ANNOUNCEMENTS])
    new = [
        (f"{number} {what}", Announcement(what), spoken[_SPEAKERS[language], words])
        for number, (language, what, words) in enumerate(texts.ANNOUNCEMENTS)
    ]
    return learn(EMPTY, new, MatchSettings())[0]


def _early(signal: Signal, prints: Prints) -> str:
    listener = Listener("lab", ListenKind.EARLY, 0.0, 0.0, HearingSettings(), prints)
    now = 0.0
    for piece in frames(signal):
        now += FRAME_S
        for event in listener.packet(piece, now):
            if isinstance(event, AnnouncementHeard):
                return event.what.value
    return "nothing"


def _tones() -> Iterator[tuple[str, Signal]]:
    def beats(signal: Signal, off_s: float, count: int) -> Signal:
        return np.tile(np.concatenate([signal, np.zeros(int(off_s * RATE), np.float32)]), count)

    def sit(*parts: tuple[float, float]) -> Signal:
        return np.concatenate([*(tone(hz, seconds) for hz, seconds in parts), np.zeros(4000, np.float32)])

    yield "intercept tones", sit((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.38))
    yield "vacant-code tones", sit((985.2, 0.38), (1370.6, 0.274), (1776.7, 0.38))
    yield "no-circuit tones", sit((985.2, 0.38), (1428.5, 0.38), (1776.7, 0.38))
    yield "special information tones (ITU)", sit((950, 0.33), (1400, 0.33), (1800, 0.33))
    yield "ringback 425 Hz", beats(tone(425, 1.0), 4.0, 3)
    yield "ringback 440 + 480 Hz", beats(tone(440, 2.0, 0.1) + tone(480, 2.0, 0.1), 4.0, 3)
    yield "busy tone 425 Hz", beats(tone(425, 0.5), 0.5, 8)
    yield "busy tone 480 + 620 Hz", beats(tone(480, 0.5, 0.1) + tone(620, 0.5, 0.1), 0.5, 8)
    yield "busy tone 450 Hz (China)", beats(tone(450, 0.35), 0.35, 8)
    yield "congestion tone 425 Hz", beats(tone(425, 0.25), 0.25, 12)


# ---- cost --------------------------------------------------------------------------------------------------


def cost(case_signals: list[Signal]) -> dict[str, float]:
    """Microseconds for each frame, the whole way through a listener; the best of three passes."""
    pieces = [frames(signal) for signal in case_signals]
    count = sum(len(one) for one in pieces)
    prints = taught()
    costs: dict[str, float] = {}
    for name, kind, known in (
        ("answered", ListenKind.ANSWERED, EMPTY),
        ("ringing, nothing taught", ListenKind.EARLY, EMPTY),
        (f"ringing, {len(prints)} announcements taught", ListenKind.EARLY, prints),
    ):
        best = math.inf
        for _ in range(3):
            began = time.perf_counter()
            for one in pieces:
                listener = Listener("lab", kind, 0.0, 0.0, HearingSettings(), known)
                now = 0.0
                for piece in one:
                    now += FRAME_S
                    listener.packet(piece, now)
            best = min(best, time.perf_counter() - began)
        costs[name] = best / count * 1e6
    return costs
