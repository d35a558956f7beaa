"""The shape of a campaign's ``pacing``: abandon windows, the knobs of mode ``predictive``, what to expect at first.

Owns keys and limits, like ``config.schema``, of which it is a part; what holds when nothing is said is
``pacing.settings``'s, what must fit together ``config.pacing_checks``'s. Shares are 0–1 once read, durations seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from config.section import DAY, HOUR, Section
from config.values import Date, Flag, Share, TimeOfDay, Zone, duration, number, refuse, seconds_of, share, whole
from pacing.settings import CampaignPacing

OWN = CampaignPacing("")
"""The defaults."""

_CALENDAR = ("month", "day", "shift")


def _period(value: object) -> object:
    if value in _CALENDAR:
        return value
    seconds = seconds_of(value)
    if seconds is None or not DAY <= seconds <= 366 * DAY:
        raise refuse("a length such as 30d, from 1d to 366d, or one of month, day, shift")
    return seconds


class AbandonConfig(Section):
    """A window in which at most ``limit`` of the calls answered by a person may be abandoned.

    Either ``period``: one period after the other, each with a budget: a length such as ``30d``, counted from
    ``since`` (else from 1970-01-01), or a calendar ``month`` or ``day``, or the ``shift`` (since the service's
    start). Or ``trailing``: the last 24 h, say, at any moment. ``zone``: where days begin (default: the call
    window's zone).
    """

    limit: Annotated[float, share(0, 1, inside=True)]
    period: Annotated[float | Literal["month", "day", "shift"], BeforeValidator(_period)] | None = None
    trailing: Annotated[float, duration(600, 366 * DAY)] | None = None
    since: Date | None = None
    zone: Zone | None = None


class ExpectConfig(Section):
    """What is believed of a campaign without history; given up within some dozens of calls.

    ``wrap_up_s`` defaults to the campaign's own.
    """

    answer_probability: Annotated[float, share(0.005, 0.995)] = OWN.prior_answer
    talk_s: Annotated[float, duration(1, HOUR)] = OWN.prior_talk_s
    wrap_up_s: Annotated[float, duration(0, HOUR)] | None = None


class PacingConfig(Section):
    """How mode ``predictive`` dials, and the abandon windows that it keeps.

    ``aim`` is the share of each limit that is aimed at. With fewer than ``min_agents`` it dials one call for each
    free agent. ``hang_up_over``: rings that are past the minimum ring are hung up while the next answers would find
    nobody with a higher probability than this, at most ``hang_up_share`` of all dials. ``max_theta`` caps the
    probability of finding nobody at which a call is still started. ``weight`` is the campaign's share of agents
    that several campaigns want. ``shift_ends``: when the agents go home, in the call window's zone; what is planned is
    planned to that moment, and with ``spare_list`` a list that ends before it even at one call for each free agent is
    dialed so. ``amd_false_positive`` is the share of people whom answering-machine detection
    takes for machines.
    """

    abandon: tuple[AbandonConfig, ...] = (
        AbandonConfig(limit=0.03, period=30 * DAY),
        AbandonConfig(limit=0.03, trailing=DAY),
    )
    amd_false_positive: Annotated[float, share(0, 0.5)] = OWN.amd_false_positive
    aim: Annotated[float, share(0.1, 1)] = OWN.aim
    min_agents: Annotated[int, whole(1, 10_000)] = OWN.min_agents
    hang_up_over: Annotated[float, share(0.001, 1)] = OWN.hang_up_over
    hang_up_share: Share = OWN.hang_up_share
    max_theta: Annotated[float, share(0.005, 1)] = OWN.max_theta
    weight: Annotated[float, number(0.01, 100)] = OWN.weight
    shift_ends: TimeOfDay | None = None
    spare_list: Flag = OWN.spare_list
    expect: ExpectConfig = ExpectConfig()
