"""The checked configuration of campaigns → the engine's settings: windows, pacing, screening, recording, recycling.

Owns the translation only: names, defaults and limits are ``config.schema``'s, the engine's own settings are
``dialer.domain.settings``'s. No clock and no randomness here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from config.callbacks_schema import CallbacksConfig
from config.campaign_schema import CallWindowConfig, CampaignConfig
from config.hearing_schema import RECORD_SHARE, machines_unrecorded
from config.pacing_schema import AbandonConfig
from config.recording_schema import RecordingConfig
from config.schema import Config
from config.values import expand_days
from dialer.agentless_settings import agentless_settings
from dialer.domain.callbacks import Away, CallbackSettings
from dialer.domain.hearing import Clock, MachinePolicy, ScreeningSettings
from dialer.domain.outcomes import Outcome
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.domain.settings import (
    CallWindows,
    CampaignSettings,
    Mode,
    RecycleRule,
)
from dialer.voice import configured_prompts
from freeswitch.sounds import safe_harbour_path
from freeswitch.sounds.catalog import PromptError
from pacing import windows as kinds
from pacing.settings import DAY_S, CampaignPacing
from pacing.windows import AbandonWindow

SCREENING_MARGIN_S = 0.4
USUAL_VERDICT_S = 1.6
"""After an answer: most persons have said their word by then, and those who have not go to an agent."""
_SHORTEST_WRAP_S = 0.5


class SettingsError(Exception):
    """A checked configuration names something that cannot be used; the text says what, where, and what was
    expected.
    """


def campaigns(config: Config) -> dict[str, CampaignSettings]:
    """Raises SettingsError for a sound that is not there."""
    found = {campaign.name: _campaign(campaign) for campaign in config.campaigns}
    for campaign in config.campaigns:
        if campaign.agentless is not None:
            try:
                told = agentless_settings(campaign, config, configured_prompts(config))
            except PromptError as error:
                raise SettingsError(f"campaigns.{campaign.name}.agentless: {error}") from None
            # The abandon clock of such a campaign is that of the customers who asked for an agent.
            waits = campaign.agentless.wait_s
            found[campaign.name] = replace(found[campaign.name], agentless=told, wait_limit_s=waits)
    return found


def _campaign(campaign: CampaignConfig) -> CampaignSettings:
    first, *others = campaign.lines
    return CampaignSettings(
        name=campaign.name,
        mode=Mode(campaign.mode),
        lists=campaign.lists,
        trunk=first,
        further_trunks=tuple(others),
        message=campaign.message or str(safe_harbour_path()),
        windows=call_windows(campaign.call_window),
        caller_id=campaign.caller_id or "",
        lines_per_agent=campaign.lines_per_agent or 1.0,
        ring_timeout_s=campaign.ring_timeout_s,
        min_ring_s=campaign.min_ring_s,
        wait_limit_s=campaign.wait_limit_s,
        wrap_up_s=campaign.wrap_up_s,
        preview_timeout_s=campaign.preview.timeout_s,
        preview_on_timeout=campaign.preview.on_timeout,
        preview_misses=campaign.preview.misses,
        preview_rings=campaign.preview.ring == "shown",
        max_attempts=campaign.max_attempts,
        hopper_size=campaign.hopper_size,
        lease_s=campaign.lease_s,
        autostart=campaign.autostart,
        recycle=_recycle(campaign),
        dispositions=campaign.dispositions,
        machine_dispositions=campaign.machine_dispositions,
        pacing=campaign_pacing(campaign),
        shift_ends=campaign.pacing.shift_ends,
        recording=recording_policy(campaign.recording),
        whisper=tuple(campaign.whisper),
        callbacks=_callbacks(campaign.callbacks),
        screening=screening(campaign),
        ledger_days=max(2.0, *(1.0 + _days(window) for window in campaign.pacing.abandon)),
    )


def _callbacks(section: CallbacksConfig) -> CallbackSettings | None:
    if not section.dial:
        return None
    return CallbackSettings(
        own=section.promised_to == "agent",
        own_s=section.own_agent_s,
        team_s=section.team_s,
        away=Away(section.then),
        later_s=section.later_s,
        share=section.share,
        ahead_s=section.ahead_s,
        tries=section.tries,
        retry_s=section.retry_after_s,
        expires_s=section.expires_s,
    )


def screening(campaign: CampaignConfig) -> ScreeningSettings:
    """What is made of who answers. The margin is what finding an agent and the bridge need of the limit."""
    machines, limit_s = campaign.answering_machines, campaign.wait_limit_s
    share = RECORD_SHARE if machines.record_share is None else machines.record_share
    return ScreeningSettings(
        policy=MachinePolicy(machines.policy),
        clock=Clock(machines.clock),
        limit_s=limit_s,
        margin_s=min(SCREENING_MARGIN_S, limit_s / 2),
        decide_within_s=machines.decide_within_s,
        beep_within_s=machines.beep_within_s,
        message=machines.message or "",
        message_after_quiet=machines.message_after_quiet,
        dead_numbers=campaign.dead_numbers,
        record_share=0.0 if machines_unrecorded(machines, campaign.recording) else share,
    )


def recording_policy(recording: RecordingConfig) -> RecordingPolicy:
    """How a campaign's calls are recorded."""
    directory = recording.directory or ""
    return RecordingPolicy(
        mode=RecordingMode(recording.mode),
        share=1.0 if recording.share is None else recording.share,
        directory=directory,
        switch_directory=recording.switch_directory or directory,
        name=recording.name,
        retention_days=recording.retention_days,
        consent=recording.consent_prompt or "",
        upload=recording.upload_command or "",
    )


def campaign_pacing(campaign: CampaignConfig) -> CampaignPacing:
    """What the pacing works from. A shift begins when the engine does, so its window is left without a start."""
    pacing = campaign.pacing
    wrap_s = campaign.wrap_up_s if pacing.expect.wrap_up_s is None else pacing.expect.wrap_up_s
    return CampaignPacing(
        campaign=campaign.name,
        wait_limit_s=_wait_left_s(campaign),
        min_ring_s=campaign.min_ring_s,
        ring_timeout_s=campaign.ring_timeout_s,
        windows=tuple(_abandon_window(window, campaign.call_window.zone) for window in pacing.abandon),
        aim=pacing.aim,
        min_agents=pacing.min_agents,
        hang_up_over=pacing.hang_up_over,
        hang_up_share=pacing.hang_up_share,
        max_theta=pacing.max_theta,
        weight=pacing.weight,
        spare_list=pacing.spare_list,
        amd_false_positive=pacing.amd_false_positive,
        prior_answer=pacing.expect.answer_probability,
        prior_talk_s=pacing.expect.talk_s,
        prior_wrap_s=max(_SHORTEST_WRAP_S, wrap_s),
    )


def _wait_left_s(campaign: CampaignConfig) -> float:
    """How long somebody who was listened to first can still wait for an agent."""
    if not screening(campaign).screens:
        return campaign.wait_limit_s
    gone_s = USUAL_VERDICT_S if campaign.answering_machines.clock == "answer" else SCREENING_MARGIN_S
    return max(0.0, campaign.wait_limit_s - gone_s)


def _abandon_window(window: AbandonConfig, zone: str) -> AbandonWindow:
    zone = window.zone or zone
    if window.trailing is not None:
        return AbandonWindow(window.limit, kinds.TRAILING, window.trailing)
    if not isinstance(window.period, float):
        return AbandonWindow(window.limit, window.period or kinds.DAY, zone=zone)
    since = window.since
    start = 0.0 if since is None else datetime(since.year, since.month, since.day, tzinfo=ZoneInfo(zone)).timestamp()
    return AbandonWindow(window.limit, kinds.PERIOD, window.period, start, zone)


def _days(window: AbandonConfig) -> float:
    """How far back the answers of a window can lie."""
    if window.trailing is not None:
        return window.trailing / DAY_S
    if isinstance(window.period, float):
        return window.period / DAY_S
    return {kinds.MONTH: 31.0, kinds.DAY: 1.0}.get(window.period or "", 0.0)


def _recycle(campaign: CampaignConfig) -> dict[Outcome, RecycleRule]:
    """A rule for every outcome: what the configuration cannot name (``connected``) is done."""
    rules = {}
    for outcome in Outcome:
        rule = getattr(campaign.recycle, outcome.value, None)
        if rule is None:
            rules[outcome] = RecycleRule(after_s=None)
        elif rule.max is None:
            rules[outcome] = RecycleRule(after_s=rule.after)
        else:
            rules[outcome] = RecycleRule(after_s=rule.after, max_times=rule.max)
    return rules


def call_windows(window: CallWindowConfig) -> CallWindows:
    """Seven days, Monday first, spans in order; a day that is not named has none."""
    days: list[tuple[tuple[int, int], ...]] = [()] * 7
    for key, spans in window.days.items():
        for day in expand_days(key):
            days[day] = tuple(sorted(spans))
    return CallWindows(days=tuple(days), default_zone=window.zone)
