"""Whatever comes: no exception, one verdict, within its time."""

from __future__ import annotations

from hearing_kit import joined, noise, quiet, tone, words
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.domain.hearing import Heard, ListenKind, Verdict
from dialer.hearing.cadence import Cadence, CadenceSettings
from dialer.hearing.listener import BEHIND_S, HearingSettings, Listener
from dialer.hearing.sound import FRAME_S, Ear, Sound
from dialer.hearing.wavefile import frames

PARTS = st.one_of(
    st.floats(0.02, 1.5).map(quiet),
    st.tuples(st.floats(0.05, 3.0), st.floats(0.005, 1.0), st.floats(80, 300)).map(lambda a: words(*a)),
    st.tuples(st.floats(100, 3500), st.floats(0.05, 2.0), st.floats(0.01, 1.0)).map(lambda a: tone(*a)),
    st.tuples(st.floats(0.05, 2.0), st.floats(0.0005, 0.5)).map(lambda a: noise(*a)),
)
LINES = st.lists(PARTS, min_size=1, max_size=6).map(lambda parts: joined(*parts))
SETTINGS = st.builds(
    CadenceSettings,
    decide_within_s=st.floats(0.5, 6.0),
    human_pause_s=st.floats(0.1, 1.0),
    human_greeting_s=st.floats(0.5, 2.0),
    machine_greeting_s=st.floats(2.0, 4.0),
)


@given(st.lists(st.binary(max_size=700), max_size=60))
def test_any_bytes_are_sound(pieces: list[bytes]) -> None:
    ear = Ear()
    for piece in pieces:
        sound = ear.hear(piece)
        assert -96.0 <= sound.level <= 0.5
        assert 0.0 <= sound.purity <= sound.purity2 + 1e-6 <= 1.001
        assert 0.0 <= sound.flatness <= 1.001


@settings(max_examples=60, deadline=None)
@given(LINES, SETTINGS)
def test_one_verdict_within_the_bound(signal, thresholds) -> None:  # type: ignore[no-untyped-def]
    cadence, ear = Cadence(thresholds), Ear()
    verdicts = []
    for number, piece in enumerate(frames(joined(signal, quiet(7.0)))):
        verdict = cadence.feed(ear.hear(piece), (number + 1) * FRAME_S)
        if verdict is not None:
            verdicts.append(verdict)
    (verdict,) = verdicts
    assert 0 < verdict.at <= thresholds.decide_within_s + FRAME_S
    assert verdict.reason.startswith(f"{verdict.verdict.value}: ")
    assert verdict.greeting_end is None or 0 <= verdict.greeting_end <= verdict.at + 1e-6
    if verdict.verdict is Verdict.HUMAN:
        assert verdict.greeting_end is not None


@settings(max_examples=40, deadline=None)
@given(LINES)
def test_the_same_sound_gives_the_same_verdict(signal) -> None:  # type: ignore[no-untyped-def]
    def run() -> list[object]:
        cadence, ear = Cadence(CadenceSettings()), Ear()
        return [cadence.feed(ear.hear(piece), n * FRAME_S) for n, piece in enumerate(frames(signal))]

    assert run() == run()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ListenKind),
    st.floats(-1.0, 5.0),
    st.lists(st.tuples(st.floats(0.0, 0.8), st.binary(max_size=4000)), max_size=40),
)
def test_a_listener_keeps_its_bound_whatever_the_tap_does(
    kind: ListenKind, late: float, chunks: list[tuple[float, bytes]]
) -> None:
    listener = Listener("leg", kind, 50.0, 50.0 + late, HearingSettings())
    now = 50.0 + late
    events = []
    for wait, data in chunks:
        now += wait
        events += [(event, now) for event in listener.packet(data, now) + listener.tick(now)]
    end = max(now, 50.0) + 6.0
    while now < end:
        now += 0.01
        events += [(event, now) for event in listener.tick(now)]
    heard = [(event, told) for event, told in events if isinstance(event, Heard)]
    assert len(heard) == (kind is ListenKind.ANSWERED)
    for event, told in heard:
        bound = max(50.0, 50.0 + late) + 4.0 + BEHIND_S + 0.9
        assert event.at <= bound
        assert told <= bound or told - event.at <= 0.8 + BEHIND_S + 0.02  # a standstill of the test itself


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False, width=32)] * 6), max_size=80))
def test_any_measures_are_judged(rows: list[tuple[float, ...]]) -> None:
    cadence = Cadence(CadenceSettings())
    for number, row in enumerate(rows):
        cadence.feed(Sound(*row), (number + 1) * FRAME_S)
