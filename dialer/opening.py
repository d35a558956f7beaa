"""Before a run and at its end: the directory that is ours alone, the store made ready, what is left on the switches.

Owns these steps for ``dialer.app``, which says when. Must keep nothing.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import gevent

from dialer.domain.campaign import CampaignState
from dialer.domain.settings import CampaignSettings
from dialer.oneshot import run_task
from dialer.settings import Settings
from dialer.switch.resync import SnapshotError, parse
from esl.client import Client
from esl.commands import ShowChannelsJson
from esl.errors import ESLError

CHANNELS_GONE_S = 5.0


class StartError(Exception):
    """The service cannot start; the text says why and what was expected."""


def own_directory(run_dir: Path, data_dir: Path) -> TextIO:
    """Make the run's directory ours until the handle is closed: a second dialer would drive the same agents.

    Raises StartError.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"data_dir: {run_dir}: {error.strerror}; expected a directory we may write"
        raise StartError(text) from error
    path = run_dir / "lock"
    try:
        handle = path.open("a")
    except OSError as error:
        raise StartError(f"data_dir: {path}: {error.strerror}; expected a directory of our own") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise StartError(f"data_dir: {data_dir}: another dialer runs on it ({path} is locked)") from error
    return handle


def prepare_store(wanted: Settings, fresh: bool, log: Any) -> None:
    """Bring the database up to date, import lists that are new. Raises TaskFailed."""
    done = run_task(
        "prepare",
        {
            "url": wanted.database_url,
            "fresh": fresh,
            "lists": [
                {"name": each.name, "file": str(each.file) if each.file else None, "region": each.region}
                for each in wanted.lists
            ],
            "do_not_call": [str(file) for file in wanted.do_not_call_files],
        },
        lambda text: log.info("prepare", text=text),
    )
    log.info("store_ready", **done)


def tell_campaigns(campaigns: Mapping[str, CampaignSettings], kept: Mapping[str, str], log: Any) -> None:
    """A campaign that will not dial, and why: an operator's order outlives a restart."""
    for name, campaign in campaigns.items():
        state = kept.get(name)
        why = "by an operator's order before this start"
        if state is None:
            state = CampaignState.RUNNING if campaign.autostart else CampaignState.STOPPED
            why = "by its autostart: false"
        if state != CampaignState.RUNNING:
            text = f"campaign {name} is {state} {why}; it dials after: dialer campaigns start {name}"
            log.warning("campaign_not_dialing", text=text)


def channels_left(clients: Iterable[Client], mark: str, clock: Callable[[], float], log: Any) -> int | None:
    """Legs of ours still on the switches, None when one cannot say; waits a little for the last hangups."""
    known, deadline = list(clients), clock() + CHANNELS_GONE_S
    while True:
        left, unknown = 0, False
        for client in known:
            try:
                ours, _ = parse(client.api(ShowChannelsJson()))
                left += sum(1 for channel in ours if channel.uuid.startswith(mark))
            except (ESLError, SnapshotError) as error:
                unknown = True
                log.warning("channels_unknown", switch=client.name, text=str(error))
        if unknown:
            return None
        if left == 0 or clock() > deadline:
            return left
        gevent.sleep(0.2)
