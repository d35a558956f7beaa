"""Customers by tier and direction, as metrics: offered, connected and lost since the start; rates are PromQL's.

Owns names and help texts. What the words mean is ``dialer.domain.tiers``'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from dialer.domain.status import Status
from dialer.domain.tiers import TierCount, called_in, dialed
from dialer.masking import mask_text


def counts(status: Status) -> list[TierCount]:
    """Every tier in each direction in which it was met."""
    words: dict[str, Counter[str]] = {}
    for queue in status.queues:
        for tier, by_word in queue.by_tier.items():
            words.setdefault(tier, Counter()).update(by_word)
    found = [dialed(tier, outcomes) for tier, outcomes in status.tiers.items()]
    found += [called_in(tier, by_word) for tier, by_word in words.items()]
    return sorted(found, key=lambda each: (each.tier, each.direction))


def collect(status: Status) -> Iterator[Metric]:
    """The three families."""
    labels = ["tier", "direction"]
    offered = CounterMetricFamily("dialer_tier_offered", "Customers on the line who wanted an agent.", labels=labels)
    connected = CounterMetricFamily("dialer_tier_connected", "Those of them who spoke with an agent.", labels=labels)
    lost = CounterMetricFamily("dialer_tier_lost", "Those of them who were gone without.", labels=labels)
    for count in counts(status):
        where = [mask_text(count.tier), count.direction]
        offered.add_metric(where, count.offered)
        connected.add_metric(where, count.connected)
        lost.add_metric(where, count.lost)
    yield from (offered, connected, lost)
