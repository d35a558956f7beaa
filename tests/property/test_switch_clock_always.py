"""The time of an event, whatever the clocks do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.switch.clock import AS_READ_S, SwitchClock

T = 1_800_000_000.0
TICK_S = 0.02
stamps = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(T - 50, T + 50).map(lambda at: str(round(at * 1e6))),
)


@given(st.lists(st.tuples(stamps, st.floats(0, 10)), max_size=40), st.sets(st.integers(0, 40)))
def test_never_after_its_reading_nor_before_its_connection(
    events: list[tuple[str | None, float]], restarts: set[int]
) -> None:
    clock, now, began = SwitchClock(), T, T
    for number, (stamp, passed) in enumerate(events):
        now += passed
        if number in restarts:
            clock.restart()
            began = now
        assert began <= clock.happened_at(stamp, now) <= now


@given(
    apart_s=st.floats(-1e9, 1e9),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    delays=st.lists(st.floats(0, 0.04), min_size=60, max_size=60),
    standstills=st.lists(st.tuples(st.floats(1, 100), st.floats(0, 60)), max_size=3),
)
def test_standstills_do_not_change_when_it_happened(
    apart_s: float, gaps: list[float], delays: list[float], standstills: list[tuple[float, float]]
) -> None:
    """Events of a switch whose clock ticks, ``apart_s`` from ours, each read shortly after, but in no standstill."""
    clock, happened, read = SwitchClock(), 0.0, 0.0
    clock.happened_at(str(round((T + apart_s) // TICK_S * TICK_S * 1e6)), T)
    for gap, delay in zip(gaps, delays, strict=False):
        happened += gap
        read = max(read, happened + delay)
        for begin, length in standstills:
            if begin <= read < begin + length:
                read = begin + length
        stamped = (T + happened + apart_s) // TICK_S * TICK_S
        told = clock.happened_at(str(round(stamped * 1e6)), T + read) - T
        assert happened - 2 * TICK_S <= told <= min(read + 1e-6, happened + AS_READ_S + 0.04 + 2 * TICK_S)
