"""A scenario as the production engine's settings: one switch, one trunk, one campaign, nailed-up agents.

Owns the translation of scenario keys into engine and pacing settings, and the choice of the policy. What the engine
would do by itself in real life and a scenario does by chance (wrap-up, rings that nobody answers) is set so long that
the engine's own timers never come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from dialer.domain.settings import (
    AgentSettings,
    CallWindows,
    CampaignSettings,
    EngineSettings,
    Mode,
    SeatMode,
    SeatSettings,
    TrunkSettings,
)
from dialer.simulate.scenario import DAY_S, Abandon, Predictive, Ratio, Scenario
from dialer.simulate.scenario_file import Plan
from pacing.settings import CampaignPacing
from pacing.snapshot import Counts, Decision, Policy
from pacing.windows import AbandonWindow

NODE, TRUNK, CAMPAIGN, LIST = "planner", "carrier", "planned", "list"
NEVER_S = 1e9
ANY_TIME = CallWindows(days=(((0, 1440),),) * 7, default_zone="UTC")
NO_CAP = 1_000_000
HOPPER = 200
HOPPER_PER_AGENT = 8
MODES: Final[Mapping[str, Mode]] = MappingProxyType(
    {"predictive": Mode.PREDICTIVE, "progressive": Mode.PROGRESSIVE, "ratio": Mode.RATIO}
)
"""The baselines are no mode of production: they are handed to the engine, see ``baseline``."""


def most_agents(scenario: Scenario) -> int:
    """How many agents are logged in at the same time at most."""
    return max([scenario.agents, *(c.agents for c in scenario.changes if c.agents is not None)])


def agent_names(count: int) -> list[str]:
    """The agents' names, in the order in which they come; the last ones leave first."""
    return [f"a{number:04d}" for number in range(1, count + 1)]


def engine_settings(plan: Plan, starts_at: float) -> EngineSettings:
    """Settings of the engine for this plan; the shift begins at ``starts_at`` (engine clock)."""
    scenario = plan.scenario
    names = agent_names(most_agents(scenario))
    seats = {f"s-{name}": SeatSettings(f"s-{name}", f"user/{name}", SeatMode.NAILED_UP) for name in names}
    agents = {name: AgentSettings(name, name, f"s-{name}", frozenset({CAMPAIGN}), False) for name in names}
    lines = scenario.lines or NO_CAP
    trunk = TrunkSettings(TRUNK, TRUNK, lines, scenario.cps or float(NO_CAP), "+10000000000")
    return EngineSettings(
        epoch="planner",
        nodes={NODE: 2 * NO_CAP},
        trunks={TRUNK: trunk},
        seats=seats,
        agents=agents,
        campaigns={CAMPAIGN: campaign(plan, starts_at)},
        resync_interval_s=NEVER_S,
        ends_at=starts_at + scenario.shift_hours * 3600.0,
    )


def campaign(plan: Plan, starts_at: float) -> CampaignSettings:
    """The one campaign. Each lead is dialed once, and no ring outlives the scenario's own."""
    scenario, options = plan.scenario, plan.options
    longest = max(scenario.ring_to_answer.max_s, scenario.ring_no_answer_s[1], _slowest_failure(scenario))
    lines = options.lines if isinstance(options, Ratio) and options.lines is not None else 1.0
    return CampaignSettings(
        name=CAMPAIGN,
        mode=MODES.get(scenario.policy, Mode.PROGRESSIVE),
        lists=(LIST,),
        trunk=TRUNK,
        message="message.wav",
        windows=ANY_TIME,
        lines_per_agent=lines,
        ring_timeout_s=longest + 30.0,
        min_ring_s=scenario.min_ring_s,
        wait_limit_s=scenario.patience_s,
        wrap_up_s=NEVER_S,
        max_attempts=1,
        hopper_size=max(HOPPER, HOPPER_PER_AGENT * scenario.agents),
        lease_s=NEVER_S,
        autostart=False,
        pacing=pacing(plan, starts_at),
    )


def pacing(plan: Plan, starts_at: float) -> CampaignPacing:
    """What the predictive rule is told; the options that were written replace its own defaults."""
    scenario, options = plan.scenario, plan.options
    written = options.model_dump(exclude={"known_leads"}, exclude_none=True) if isinstance(options, Predictive) else {}
    return CampaignPacing(
        campaign=CAMPAIGN,
        wait_limit_s=scenario.patience_s,
        min_ring_s=scenario.min_ring_s,
        ring_timeout_s=scenario.ring_no_answer_s[1],
        windows=(window(scenario.abandon, starts_at),),
        **written,
    )


def window(abandon: Abandon, starts_at: float) -> AbandonWindow:
    """The window that a scenario names."""
    if abandon.window == "30d":
        return AbandonWindow(abandon.limit, "period", 30 * DAY_S, starts_at)
    if abandon.window == "24h":
        return AbandonWindow(abandon.limit, "trailing", DAY_S)
    return AbandonWindow(abandon.limit, abandon.window, starts_at=starts_at)


def baseline(plan: Plan, ends_at: float) -> Policy | None:
    """The published rule that the scenario names, or None: then the engine's own mode decides.

    ``ends_at`` (engine clock) is when the shift closes, which VICIdial's tapering looks at.
    """
    scenario, options = plan.scenario, plan.options
    written = options.model_dump(exclude_none=True)
    if scenario.policy == "vicidial":
        from pacing.vicidial import Vicidial

        return _Closing(Vicidial(**{"limit": scenario.abandon.limit, **written}), ends_at)
    if scenario.policy == "mean_matching":
        from pacing.mean_matching import MeanMatching

        return _Closing(MeanMatching(**written), ends_at)
    return None


class _Closing:
    """A rule that is told when the shift ends."""

    def __init__(self, rule: Policy, ends_at: float) -> None:
        self._rule = rule
        self._ends_at = ends_at

    def decide(self, counts: Counts) -> Decision:
        """See ``pacing.snapshot.Policy``."""
        return self._rule.decide(replace(counts, closing_at=self._ends_at))


def _slowest_failure(scenario: Scenario) -> float:
    spans = [scenario.fast_failure.seconds, *(c.fast_failure.seconds for c in scenario.changes if c.fast_failure)]
    return max((span[1] for span in spans if span is not None), default=3.0)
