"""Whether a line is sick, from what becomes of its calls: a sequential test, a cool-down, a probe.

Owns the test (Page's CUSUM on the likelihood ratio "a sick line" to "a healthy line"). Only faults of the carrier speak
for sickness; whatever proves that the carrier did its work (answered, busy, no such number) speaks against it, so no
run of busy numbers can. A healthy line is taken for sick once in at least ``false_alarm_calls`` calls (Lorden's bound:
the mean time to a false alarm is at least e to the threshold); one that fails half of its calls is found within about
eleven. Faults of one and the same number count once: carriers answer some numbers they cannot reach as if they were
out of order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from routing.causes import Blame

REMEMBERED_NUMBERS: Final = 32


class Condition(StrEnum):
    """How a line is."""

    HEALTHY = "healthy"
    COOLING = "cooling"
    """Sick: nothing is dialed on it until the cool-down is over."""
    PROBING = "probing"
    """One call at a time, until enough have worked."""


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """``usual``: the share of calls a healthy line fails at most; ``sick``: the share a sick one fails at least."""

    usual: float = 0.03
    sick: float = 0.30
    false_alarm_calls: float = 20_000.0
    cool_down_s: float = 60.0
    longest_cool_down_s: float = 900.0
    probes: int = 3
    steady_calls: int = 100
    """After so many good calls in a row a line is as good as one that was never sick."""

    @property
    def threshold(self) -> float:
        """The evidence at which a line is taken for sick, in nats."""
        return math.log(self.false_alarm_calls)

    def weight(self, failed: bool) -> float:
        """What one call says."""
        return math.log(self.sick / self.usual) if failed else math.log((1.0 - self.sick) / (1.0 - self.usual))


@dataclass(frozen=True, slots=True)
class Health:
    """A line's condition. ``relapses``: how often in a row a cool-down did not help."""

    condition: Condition = Condition.HEALTHY
    evidence: float = 0.0
    until: float = 0.0
    relapses: int = 0
    probe_out: bool = False
    good: int = 0
    """Good calls in a row, as a probe or since."""
    failed_numbers: tuple[str, ...] = ()
    reason: str = "no calls yet"


NEW: Final = Health()


def may_dial(health: Health, now: float) -> str | None:
    """Why nothing may be dialed on the line now; None when something may."""
    if health.condition is Condition.COOLING and now < health.until:
        return f"{health.reason}; cools down for {health.until - now:.0f} s more"
    if health.condition is not Condition.HEALTHY and health.probe_out:
        return f"{health.reason}; a probe is out"
    return None


def dialed(health: Health, now: float) -> Health:
    """A call goes out on the line: after a cool-down it is the probe."""
    if health.condition is Condition.HEALTHY or may_dial(health, now) is not None:
        return health
    return replace(health, condition=Condition.PROBING, probe_out=True)


def ended(health: Health, whose: Blame, number: str, started: float, now: float, policy: HealthPolicy) -> Health:
    """A call that ``started`` then on the line has come to something."""
    if health.condition is not Condition.HEALTHY and (health.condition is Condition.COOLING or started < health.until):
        return health  # of a call from before
    if whose in (Blame.OURS, Blame.UNKNOWN):
        return replace(health, probe_out=False)
    failed = whose is Blame.CARRIER
    if health.condition is Condition.PROBING:
        return _probed(health, failed, now, policy)
    if failed:
        if number and number in health.failed_numbers:
            return health
        numbers = (*health.failed_numbers, number)[-REMEMBERED_NUMBERS:]
        evidence = health.evidence + policy.weight(True)
        told = f"evidence {evidence:.1f} of {policy.threshold:.1f}"
        health = replace(health, evidence=evidence, failed_numbers=numbers, good=0, reason=told)
        return _cool(health, "fails too many calls", now, policy) if evidence >= policy.threshold else health
    evidence = max(0.0, health.evidence + policy.weight(False))
    good = health.good + 1
    return replace(
        health,
        evidence=evidence,
        good=good,
        failed_numbers=health.failed_numbers if evidence > 0 else (),
        relapses=0 if good >= policy.steady_calls else health.relapses,
        reason=f"evidence {evidence:.1f} of {policy.threshold:.1f}" if evidence > 0 else "works",
    )


def _probed(health: Health, failed: bool, now: float, policy: HealthPolicy) -> Health:
    if failed:
        return _cool(health, "the probe failed too", now, policy)
    good = health.good + 1
    if good >= policy.probes:
        return Health(relapses=health.relapses, reason=f"{good} probes in a row worked")
    return replace(health, probe_out=False, good=good, reason=f"{good} of {policy.probes} probes worked")


def _cool(health: Health, why: str, now: float, policy: HealthPolicy) -> Health:
    length = min(policy.cool_down_s * 2.0 ** min(health.relapses, 30), policy.longest_cool_down_s)
    return Health(Condition.COOLING, 0.0, now + length, health.relapses + 1, reason=why)
