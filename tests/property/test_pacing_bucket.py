"""The token bucket under any clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pacing.limits import TokenBucket

steps = st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=50)


@given(st.floats(0.01, 500), st.floats(1, 50), steps)
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


@given(st.floats(0.1, 200), st.floats(0, 10))
def test_waiting_as_long_as_told_brings_a_token(rate: float, at: float) -> None:
    bucket = TokenBucket(rate, 1.0, 0.0)
    bucket.take(1, 0.0)
    bucket.take(bucket.available(at), at)
    assert bucket.available(at + bucket.wait_s(at)) == 1
