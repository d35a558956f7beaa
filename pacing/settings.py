"""What pacing needs to know of a campaign before the first call: limits, priors and the knobs an operator may turn.

Owns the frozen settings and their defaults. Holds no file format: ``config.schema`` reads one, ``dialer.settings``
builds these. Durations are seconds, shares and rates 0–1.
"""

from __future__ import annotations

from dataclasses import dataclass

from pacing.windows import AbandonWindow

DAY_S = 86_400.0

DEFAULT_WINDOWS = (
    AbandonWindow(limit=0.03, kind="period", length_s=30 * DAY_S),
    AbandonWindow(limit=0.03, kind="trailing", length_s=DAY_S),
)
"""3 % in successive 30-day periods (US TSR) and over the last 24 hours (UK Ofcom): the stricter one rules."""


@dataclass(frozen=True, slots=True)
class CampaignPacing:
    """One campaign's pacing.

    ``aim`` is the share of each limit that is aimed at (2.95 of 3.00 %). ``min_agents``: with fewer logged in it
    dials one call for each free agent. ``hang_up_over`` is the chance that the next answers find nobody above which
    overdue rings are hung up, ``hang_up_share`` the largest share of dials that may end so. ``max_theta`` caps the
    launch threshold. ``weight`` is the campaign's share of agents that several campaigns want. ``spare_list``: a list
    that ends before the shift does even at 1:1 is dialed 1:1. The priors say what is believed of a campaign without
    history; they are given up within some dozens of calls.
    """

    campaign: str
    wait_limit_s: float = 2.0
    min_ring_s: float = 15.0
    ring_timeout_s: float = 30.0
    windows: tuple[AbandonWindow, ...] = DEFAULT_WINDOWS
    aim: float = 0.9833
    min_agents: int = 3
    hang_up_over: float = 0.20
    hang_up_share: float = 0.25
    max_theta: float = 0.30
    weight: float = 1.0
    spare_list: bool = True
    amd_false_positive: float = 0.0
    prior_answer: float = 0.25
    prior_talk_s: float = 150.0
    prior_wrap_s: float = 30.0
