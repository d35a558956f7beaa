"""The token bucket under any clock."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pacing.limits import TokenBucket

steps = st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=50)


@given(st.floats(0.01, 500), st.floats(1, 50), steps)
@example(1.0, 1.999999999999993, [0.0])
@example(1.0, 1.9999999999999998, [0.0])
@example(1.0, 1.9999999995, [0.0])
def test_no_burst_above_the_bucket_after_any_jump_of_the_clock(rate: float, burst: float, jumps: list[float]) -> None:
    now = 0.0
    bucket = TokenBucket(rate, burst, now)
    for jump in jumps:
        now += jump
        there = bucket.available(now)
        assert 0 <= there <= burst
        bucket.take(there, now)
        assert bucket.available(now) == 0


@given(st.floats(0.1, 200), st.floats(1, 20), st.lists(st.floats(0, 5), max_size=60))
def test_over_any_time_no_more_than_rate_and_bucket_allow(rate: float, burst: float, steps: list[float]) -> None:
    now, taken = 0.0, 0
    bucket = TokenBucket(rate, burst, now)
    for step in steps:
        now += step
        count = bucket.available(now)
        bucket.take(count, now)
        taken += count
        assert taken <= burst + rate * now + 1e-6


@given(st.floats(0.1, 200), st.floats(0, 10) | st.floats(1.6e9, 2.5e9))
def test_waiting_as_long_as_told_brings_a_token(rate: float, at: float) -> None:
    bucket = TokenBucket(rate, 1.0, at)
    bucket.take(1, at)
    for later in (0.0, 0.1, 0.1, 3.3):
        at += later
        bucket.take(bucket.available(at), at)
        wait = bucket.wait_s(at)
        assert 0.0 <= wait <= 1.0 / rate + 1e-6
        at += wait
        assert bucket.available(at) == 1
