"""One tapped leg: the clock of its sound, silence where there is none, what follows a machine's verdict."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hearing_kit import Signal, everything, joined, played, quiet, tone, without_words, words

from dialer.domain.hearing import (
    Announcement,
    AnnouncementHeard,
    BeepHeard,
    Heard,
    ListenKind,
    QuietHeard,
    Verdict,
    WordsHeard,
)
from dialer.hearing.listener import BEHIND_S, STARTS_WITHIN_S, HearingSettings, Listener
from dialer.hearing.sound import FRAME_S
from dialer.hearing.wavefile import frames

GREETING = joined(quiet(0.5), words(4.0), quiet(0.5))


def listener(since: float = 100.0, now: float = 100.0) -> Listener:
    return Listener("leg", ListenKind.ANSWERED, since, now, HearingSettings())


def test_times_are_on_the_callers_clock() -> None:
    (event,) = played(listener(), joined(quiet(0.6), words(0.5), quiet(1.0)), start=100.0)
    assert isinstance(event, Heard) and event.verdict is Verdict.HUMAN and event.call == "leg"
    assert event.greeting_end_at == pytest.approx(101.1, abs=0.1)
    assert event.at - 101.1 <= 0.4


def test_the_bound_holds_without_any_sound() -> None:
    one = listener()
    events = []
    now = 100.0
    while not events:
        now += 0.01
        events = one.tick(now)
    assert isinstance(events[0], Heard) and events[0].verdict is Verdict.UNSURE
    assert now <= 100.0 + 1.8 + BEHIND_S + 0.05
    assert one.done and one.tick(now + 60.0) == []


def as_the_switch_writes(signal: Signal) -> list[tuple[float, bytes]]:
    """One frame at once, nothing for 0.53 s, then all of it, then frame by frame: measured."""
    pieces = frames(signal)
    held = b"".join(pieces[1:28])
    return [
        (FRAME_S, pieces[0]),
        (0.56, held),
        *(((number + 1) * FRAME_S, piece) for number, piece in enumerate(pieces) if number >= 28),
    ]


@pytest.mark.parametrize("late", [0.0, 0.06, 0.2])
def test_what_the_switch_holds_back_at_first_is_not_missed(late: float) -> None:
    one = listener()
    events = []
    coming = [(100.0 + late + at, data) for at, data in as_the_switch_writes(joined(words(0.4), quiet(2.0)))]
    now = 100.0
    while coming:
        now += 0.01
        while coming and coming[0][0] <= now:
            events += one.packet(coming.pop(0)[1], now)
        events += one.tick(now)
    (event,) = without_words(events)
    assert isinstance(event, Heard) and event.verdict is Verdict.HUMAN
    assert event.greeting_end_at == pytest.approx(100.4 + late, abs=0.1)


def test_a_standstill_loses_nothing() -> None:
    one = listener()
    pieces = frames(joined(quiet(0.8), words(0.5), quiet(2.0)))
    events = []
    now = 100.0
    for piece in pieces[:40]:
        now += FRAME_S
        events += one.packet(piece, now) + one.tick(now)
    now += 1.0  # this process stood still; the file went on
    events += one.packet(b"".join(pieces[40:90]), now) + one.tick(now)
    (event,) = without_words(events)
    assert isinstance(event, Heard) and event.verdict is Verdict.HUMAN
    assert event.greeting_end_at == pytest.approx(101.3, abs=0.1)


def test_sound_that_silence_has_replaced_is_left_out() -> None:
    one = listener()
    one.tick(103.0)
    before = one.frames
    one.packet(bytes(320 * 100), 103.0)
    assert one.frames - before <= 15


def test_sound_in_odd_pieces_is_the_same_sound() -> None:
    whole = b"".join(frames(joined(quiet(0.3), words(0.5), quiet(1.0))))
    one = listener()
    events = []
    at = 0
    for number in range(1, len(whole) // 100):
        events += one.packet(whole[at : at + 100], 100.0 + number * 100 / 16000)
        at += 100
    assert [event.verdict for event in events if isinstance(event, Heard)] == [Verdict.HUMAN]


def test_after_a_machine_comes_its_beep() -> None:
    events = played(listener(), joined(GREETING, tone(1000, 0.4), quiet(1.0)), start=100.0)
    heard, beep = events
    assert isinstance(heard, Heard) and heard.verdict is Verdict.MACHINE
    assert isinstance(beep, BeepHeard) and "1000 Hz" in beep.reason
    assert beep.at == pytest.approx(105.4, abs=0.1)


def test_after_a_machine_without_a_beep_comes_quiet() -> None:
    heard, quiet_heard = played(listener(), joined(GREETING, quiet(4.0)), start=100.0)
    assert isinstance(heard, Heard) and isinstance(quiet_heard, QuietHeard)
    assert quiet_heard.at == pytest.approx(100.0 + 4.5 + 3.0, abs=0.15)
    assert quiet_heard.reason.startswith("quiet for 3.0 s")


def test_that_somebody_speaks_still_is_told_until_it_is_judged() -> None:
    events = everything(listener(), joined(GREETING, tone(1000, 0.4), quiet(1.0)), start=100.0)
    spoken = [event.at for event in events if isinstance(event, WordsHeard)]
    judged = next(event.at for event in events if isinstance(event, Heard))
    assert 5 <= len(spoken) <= 9 and spoken == sorted(spoken)
    assert 100.5 < spoken[0] < 100.8 and spoken[-1] <= judged
    assert max(later - sooner for sooner, later in pairwise(spoken)) <= 0.6
    silent = everything(listener(), joined(quiet(0.5), words(0.2), quiet(2.0)), start=100.0)
    assert len(silent) <= 2 and isinstance(silent[-1], Heard)


def test_a_tap_that_gives_crumbs_is_bounded_too() -> None:
    one, now = listener(), 100.0
    events: list[object] = []
    while not events and now < 110.0:
        now += 0.5
        events += one.packet(b"\0", now) + one.tick(now)
    assert now <= 103.0


def test_a_person_is_listened_to_no_longer() -> None:
    one = listener()
    played(one, joined(quiet(0.3), words(0.4), quiet(1.0)), start=100.0)
    assert one.done


def test_a_tap_that_begins_late_is_bounded_by_the_answer() -> None:
    one = listener(since=100.0, now=103.5)
    events = played(one, words(5.0), start=103.5)
    assert isinstance(events[0], Heard) and events[0].at <= 104.1


def test_the_start_is_waited_for_but_not_for_ever() -> None:
    one = listener()
    one.packet(bytes(320), 100.02)
    assert one.tick(100.02 + STARTS_WITHIN_S - 0.1) == []
    assert one.tick(102.0) != []


VACANT = [(985.2, 0.38), (1370.6, 0.276), (1776.7, 0.38)]


def torn(signal: Signal, first: int = 0) -> Signal:
    """As a real switch records a leg that rings: four frames, and then two without any sound."""
    pieces = signal[: len(signal) // 160 * 160].reshape(-1, 160).copy()
    for number in range(len(pieces)):
        if (number + first) % 6 >= 4:
            pieces[number] = 0.0
    return pieces.reshape(-1)


@pytest.mark.parametrize("first", range(6))
@pytest.mark.parametrize("lead_s", [0.4, 0.41])
def test_what_a_switch_loses_while_it_rings_does_not_hide_tones(first: int, lead_s: float) -> None:
    one = Listener("leg", ListenKind.EARLY, 100.0, 100.0, HearingSettings())
    sound = joined(quiet(lead_s), *[tone(hz, seconds) for hz, seconds in VACANT], quiet(1.0))
    (event,) = played(one, torn(sound, first), start=100.0)
    assert isinstance(event, AnnouncementHeard) and event.what is Announcement.DEAD_NUMBER
    assert "vacant code" in event.reason


def test_a_busy_tone_in_pieces_is_still_one() -> None:
    one = Listener("leg", ListenKind.EARLY, 100.0, 100.0, HearingSettings())
    sound = joined(*[joined(tone(425, 0.5), quiet(0.5))] * 8)
    (event,) = played(one, torn(sound), start=100.0)
    assert isinstance(event, AnnouncementHeard) and event.what is Announcement.BUSY
