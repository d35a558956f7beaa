"""What Prometheus sees of lines out.

Owns names, help texts and labels: trunk, whose, why, state, pool; never a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from dialer.domain.status import ShownView, TrunkView
from routing.caller_ids import Standing
from routing.causes import Blame
from routing.health import Condition
from routing.trunks import Why

_GAUGES: Final[tuple[tuple[str, str, Callable[[TrunkView], float]], ...]] = (
    ("dialer_trunk_legs", "Channels of the trunk that are in use, callers' among them.", lambda t: t.in_use),
    ("dialer_trunk_callers", "Of those the callers'.", lambda t: t.callers),
    ("dialer_trunk_channels", "Channels of the trunk.", lambda t: t.channels),
    ("dialer_trunk_reserved_channels", "Channels kept for callers.", lambda t: t.reserved_inbound),
    ("dialer_trunk_rests_seconds", "How long a sick trunk is left alone still.", lambda t: t.rests_s),
)
_COUNTERS: Final[tuple[tuple[str, str, Callable[[TrunkView], float]], ...]] = (
    ("dialer_trunk_calls", "Calls that were given to the trunk.", lambda t: t.chosen),
    ("dialer_trunk_gone_on", "Calls that failed there and went on on another one.", lambda t: t.gone_on),
)


def families(trunks: tuple[TrunkView, ...], shown: tuple[ShownView, ...]) -> Iterator[Metric]:
    """All families, from one status."""
    for name, text, read in _GAUGES:
        gauge = GaugeMetricFamily(name, text, labels=["trunk"])
        for trunk in trunks:
            gauge.add_metric([trunk.trunk], read(trunk))
        yield gauge
    for name, text, read in _COUNTERS:
        counter = CounterMetricFamily(name, text, labels=["trunk"])
        for trunk in trunks:
            counter.add_metric([trunk.trunk], read(trunk))
        yield counter
    state = GaugeMetricFamily("dialer_trunk_state", "1 for the state it is in.", labels=["trunk", "state"])
    for trunk in trunks:
        for condition in Condition:
            state.add_metric([trunk.trunk, condition.value], float(condition.value == trunk.condition))
    yield state
    ended = CounterMetricFamily("dialer_trunk_ended", "Ended calls, by whose doing.", labels=["trunk", "whose"])
    passed = CounterMetricFamily("dialer_trunk_passed", "Choices that did not fall on it.", labels=["trunk", "why"])
    for trunk in trunks:
        _counts(ended, trunk.trunk, {whose.value: 0 for whose in Blame} | dict(trunk.ends))
        _counts(passed, trunk.trunk, {why.value: 0 for why in Why} | dict(trunk.passed))
    yield from (ended, passed)
    numbers = GaugeMetricFamily("dialer_shown_numbers", "Numbers of a pool by standing.", labels=["pool", "standing"])
    today = GaugeMetricFamily("dialer_shown_today", "Calls that showed a number of the pool today.", labels=["pool"])
    for pool in dict.fromkeys(number.pool for number in shown):
        members = [number for number in shown if number.pool == pool]
        for standing in Standing:
            numbers.add_metric([pool, standing.value], sum(number.standing == standing.value for number in members))
        today.add_metric([pool], sum(number.today for number in members))
    yield from (numbers, today)


def _counts(family: CounterMetricFamily, trunk: str, counts: Mapping[str, int]) -> None:
    for label, count in counts.items():
        family.add_metric([trunk, label], float(count))
