"""When an event happened, by the switch's own clock."""

from __future__ import annotations

import pytest

from dialer.switch.clock import HEADER, WINDOW_SECONDS, SwitchClock
from dialer.switch.translate import Translator

T = 1_800_000_000.0


def stamp(at: float) -> str:
    return str(round(at * 1e6))


def ages(apart_s: float, *events: tuple[float, float]) -> list[float]:
    """How old each event (happened, read) is thought to be, on a switch whose clock is ``apart_s`` from ours."""
    clock = SwitchClock()
    return [round(T + read - clock.happened_at(stamp(T + at + apart_s), T + read), 3) for at, read in events]


BUSY = [(n / 10, n / 10 + 0.01) for n in range(100)]


@pytest.mark.parametrize("apart_s", [0.0, -3.7, 86_400.0, -1_700_000_000.0])
def test_what_happened_in_a_standstill_happened_then_whatever_time_the_switch_has(apart_s: float) -> None:
    burst = [(10.0 + n, 30.0) for n in range(20)]
    told = ages(apart_s, *BUSY, *burst, (30.5, 30.51))
    assert told[:100] == [0.0] * 100 and told[-1] == 0.0
    assert told[100:120] == pytest.approx([30.0 - at for at, _ in burst], abs=0.011)


def test_the_usual_delay_is_no_age() -> None:
    assert ages(0.0, (0.0, 0.3), (1.0, 1.34), (2.0, 2.3)) == [0.0, 0.0, 0.0]


def test_a_heartbeat_is_enough_to_know_the_clock_by() -> None:
    assert ages(5.0, (0.0, 0.01), (20.0, 20.01), (25.0, 40.01))[-1] == pytest.approx(15.0)


def test_events_out_of_order_by_a_tick_have_their_own_times() -> None:
    assert ages(0.0, (0.0, 0.0), (10.02, 20.0), (10.0, 20.0)) == [0.0, 9.98, 10.0]


@pytest.mark.parametrize("step_s", [-2.0, -30.0, -86_400.0, 2.0, 86_400.0])
def test_a_clock_that_is_set_on_a_busy_line_makes_nothing_old(step_s: float) -> None:
    clock = SwitchClock()
    for n in range(200):
        read = T + n / 10
        told = clock.happened_at(stamp(read + (step_s if n >= 100 else 0.0)), read)
        assert told == read
    assert clock.steps == (step_s < 0)


def test_a_clock_that_lost_time_while_nothing_came_is_found_out_within_seconds() -> None:
    events = [(0.0, 0.0)] + [(20.0 + n / 2 - 4.0, 20.0 + n / 2) for n in range(2 * WINDOW_SECONDS + 2)]
    told = ages(0.0, *events)
    assert told[1] == 4.0 and told[-1] == 0.0
    assert max(told) == 4.0


@pytest.mark.parametrize("text", [None, "", "0", "-5", "nan", "1e9", "1.5", "٣", "9" * 18, "soon"])
def test_without_a_timestamp_it_happened_when_it_was_read(text: str | None) -> None:
    clock = SwitchClock()
    clock.happened_at(stamp(T), T)
    assert clock.happened_at(text, T + 9.0) == T + 9.0
    assert clock.unstamped == 1
    assert clock.happened_at(stamp(T + 5.0), T + 9.0) == pytest.approx(T + 5.0), "what is known stays"


def test_one_absurd_timestamp_is_forgotten_with_the_next_event() -> None:
    clock = SwitchClock()
    clock.happened_at(stamp(T), T)
    assert clock.happened_at("9" * 17, T + 1.0) == T + 1.0
    assert clock.happened_at(stamp(T + 2.0), T + 2.0) == T + 2.0
    assert clock.happened_at(stamp(T + 3.0), T + 13.0) == pytest.approx(T + 3.0)


def test_nothing_is_older_than_its_connection() -> None:
    clock = SwitchClock()
    clock.happened_at(stamp(T), T)
    clock.restart()
    assert clock.happened_at(stamp(T - 60.0), T + 60.0) == T + 60.0
    assert clock.happened_at(stamp(T - 60.9), T + 60.5) == T + 60.0


class Fake:
    """An event of any headers."""

    def __init__(self, name: str, at: float, **headers: str) -> None:
        self.name = name
        self._headers = {HEADER: stamp(at)} | {key.replace("_", "-"): value for key, value in headers.items()}

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._headers.get(name, default)


def test_the_translation_tells_when_it_happened_and_when_an_answer_was_read() -> None:
    translator = Translator("fs1")
    assert translator.read(Fake("HEARTBEAT", T), T + 0.01) is None
    got = translator.read(Fake("CHANNEL_ANSWER", T + 1.0, Unique_ID="u"), T + 16.0)
    assert got is not None and got.at == pytest.approx(T + 1.01) and got.read_at == T + 16.0  # type: ignore[union-attr]
