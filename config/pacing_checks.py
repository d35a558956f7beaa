"""What must fit together in a campaign's pacing: windows of one kind each, and nothing that contradicts.

Owns the rules between the keys of ``pacing`` and of ``machine_dispositions``; ``config.checks`` gives each fault its
file and line. Of the world it asks only what day it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from config.campaign_schema import CampaignConfig
from config.pacing_schema import AbandonConfig

PacingFault = tuple[tuple[str | int, ...], object, str]
"""Path under the campaign, the value at fault, what was expected."""


def pacing_faults(campaign: CampaignConfig) -> Iterator[PacingFault]:
    """Every fault of one campaign's pacing."""
    windows = campaign.pacing.abandon
    if not windows:
        yield ("pacing", "abandon"), "(empty)", "at least one window, such as {limit: 3%, period: 30d}"
    seen: dict[tuple[object, ...], int] = {}
    for index, window in enumerate(windows):
        here: tuple[str | int, ...] = ("pacing", "abandon", index)
        yield from _window(here, window)
        key = (window.period, window.trailing)
        if key != (None, None) and seen.setdefault(key, index) != index:
            yield here, _words(window), f"each window once; number {seen[key] + 1} of this list is the same"
    if campaign.dispositions:
        for index, code in enumerate(campaign.machine_dispositions):
            if "machine_dispositions" in campaign.model_fields_set and code not in campaign.dispositions:
                expected = f"one of the campaign's dispositions: {', '.join(campaign.dispositions)}"
                yield ("machine_dispositions", index), code, expected


def _window(here: tuple[str | int, ...], window: AbandonConfig) -> Iterator[PacingFault]:
    if window.period is None and window.trailing is None:
        yield here, "(no length)", "either period (30d, month, day, shift) or trailing (24h)"
        return
    if window.period is not None and window.trailing is not None:
        yield (*here, "trailing"), f"{window.trailing:g}", "either period or trailing, not both: write two windows"
        return
    counted = isinstance(window.period, float)
    if window.since is not None:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
        if not counted:
            expected = f"no such key with {_words(window)}: only a length is counted from a day"
            yield (*here, "since"), window.since, expected
        elif window.since > tomorrow:
            yield (*here, "since"), window.since, "a day that has come: periods are counted from it"
    if window.zone is not None and (window.trailing is not None or window.period == "shift"):
        yield (*here, "zone"), window.zone, f"no such key with {_words(window)}, which knows no calendar"


def _words(window: AbandonConfig) -> str:
    if window.trailing is not None:
        return f"trailing: {window.trailing / 3600:g}h"
    return f"period: {window.period / 86400:g}d" if isinstance(window.period, float) else f"period: {window.period}"
