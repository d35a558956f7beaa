"""``dialer recordings``: listing, indexing, checking and pruning what the switch recorded.

Owns what is printed and the exit codes, and the order of table and disk: a file is deleted first, then noted. The
table is ``dialer.store.recordings``'s, the disk ``dialer.soundfiles``'s.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_FAILURE, EXIT_USAGE, CliError
from dialer.clitools.output import complain, duration, say, stamp, table
from dialer.masking import mask_record

if TYPE_CHECKING:
    from config.loader import LoadedConfig
    from dialer.domain.recordings import RecordingPolicy
    from dialer.store.recordings import StoredRecording

EXPECTED_WITHIN_S: Final = 3600.0
"""An upload may take so long before its file is called missing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recordings to list. ``since_s`` looks back from now."""

    campaign: str | None = None
    agent: str | None = None
    state: str | None = None
    since_s: float | None = None
    limit: int = 100


def show_list(where: running.Where, wanted: Wanted, *, as_json: bool) -> None:
    """A line for each recording. Raises CliError."""
    from dialer.store import recordings as stored

    if wanted.state is not None and wanted.state not in stored.STATES:
        raise CliError(f"--state: expected one of {', '.join(stored.STATES)}", EXIT_USAGE)
    since = None if wanted.since_s is None else time.time() - wanted.since_s
    with database(running.load(where)) as url:
        found = stored.find(
            url,
            campaign=wanted.campaign,
            agent=wanted.agent,
            state=wanted.state,
            since=since,
            limit=wanted.limit,
        )
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    columns = [
        ("id", "right"),
        ("started", "left"),
        ("campaign", "left"),
        ("agent", "left"),
        ("length", "right"),
        ("state", "left"),
        ("path", "left"),
    ]
    table(columns, [_row(each) for each in found])


def _row(each: StoredRecording) -> list[object]:
    length = duration(each.duration_s)
    return [each.id, stamp(each.started_at), each.campaign, each.agent, length, each.state, each.path]


def _plain(each: StoredRecording) -> dict[str, object]:
    made: dict[str, object] = mask_record(asdict(each))
    return made


def show(where: running.Where, which: str, *, as_json: bool) -> None:
    """All that is known of one recording, or of an attempt's. Raises CliError."""
    from dialer.store import recordings as stored

    with database(running.load(where)) as url:
        by_id = stored.one(url, int(which)) if which.isascii() and which.isdigit() and len(which) < 16 else None
        found = [by_id] if by_id is not None else stored.find(url, attempt=which[:64])
    if not found:
        raise CliError(f"no recording {which[:64]}: expected an id of `dialer recordings list`, or an attempt's id")
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    for each in found:
        for name, value in _plain(each).items():
            shown = stamp(getattr(each, name)) if name.endswith("_at") else value
            say(f"{name + ':':<14}{'' if shown is None else shown}")


# ---- the disk ----------------------------------------------------------------------------------------------


def index(where: running.Where) -> int:
    """Look at every file that nobody has looked at, or that was missing; 1 when one of them is not sound."""
    from dialer import soundfiles
    from dialer.domain.desk_records import TO_UPLOAD
    from dialer.store import recordings as stored

    loaded = running.load(where)
    policies, now = _policies(loaded), time.time()
    counts = dict.fromkeys((stored.INDEXED, stored.DAMAGED, stored.MISSING), 0)
    waiting = 0
    with database(loaded) as url:
        for each in stored.in_states(url, stored.UNSEEN):
            path = _ours(policies, each)
            try:
                file = soundfiles.inspect(path, each.duration_s)
            except OSError as error:
                state, problem = stored.DAMAGED, f"cannot be read: {error.strerror or error}"
                stored.note(url, each.id, state, problem=problem)
            else:
                uploading = each.state == TO_UPLOAD
                if file is None and (uploading or now - each.started_at - each.duration_s < EXPECTED_WITHIN_S):
                    waiting += 1
                    continue
                if file is None:
                    state, problem = stored.MISSING, "the file is not there"
                    stored.note(url, each.id, state, problem=problem)
                else:
                    state, problem = stored.DAMAGED if file.problem else stored.INDEXED, file.problem
                    stored.note(
                        url, each.id, state, size=file.size, sha256=file.sha256, seconds=file.seconds, problem=problem
                    )
            counts[state] += 1
            if problem:
                complain(f"recording {each.id}: {path}: {problem}")
    said = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    say(f"{said}{f', {waiting:,} not there yet' if waiting else ''}")
    return EXIT_FAILURE if counts[stored.DAMAGED] or counts[stored.MISSING] else 0


def check(where: running.Where) -> int:
    """Compare files with their checksums, and name strangers; 1 when anything is wrong."""
    from dialer import soundfiles
    from dialer.domain.recordings import SUFFIX
    from dialer.store import recordings as stored

    loaded = running.load(where)
    policies = _policies(loaded)
    sound = wrong = 0
    with database(loaded) as url:
        for each in stored.in_states(url, (stored.INDEXED, stored.DAMAGED, stored.CHANGED)):
            path = _ours(policies, each)
            state, problem = each.state, each.problem
            try:
                digest, _ = soundfiles.checksum(path)
            except FileNotFoundError:
                state, problem = stored.MISSING, "the file is not there"
            except OSError as error:
                problem = f"cannot be read: {error.strerror or error}"
            else:
                if each.sha256 and digest != each.sha256:
                    state, problem = stored.CHANGED, "other bytes than when it was indexed"
                elif each.state == stored.CHANGED:
                    state, problem = stored.INDEXED, ""
            if (state, problem) != (each.state, each.problem):
                stored.note(url, each.id, state, problem=problem)
            if problem:
                wrong += 1
                complain(f"recording {each.id}: {path}: {problem}")
            else:
                sound += 1
        known = {str(_ours(policies, each)) for each in stored.in_states(url, stored.FILES)}
    strangers = 0
    for directory in sorted({Path(policy.directory) for policy in policies.values() if policy.directory}):
        for path in soundfiles.strangers(directory, known, SUFFIX):
            strangers += 1
            complain(f"{path}: no call of ours; expected a recording that the table knows")
    say(f"{sound:,} as they were, {wrong:,} wrong, {strangers:,} unknown files")
    return EXIT_FAILURE if wrong or strangers else 0


def prune(where: running.Where, *, dry_run: bool) -> int:
    """Delete what is older than its campaign keeps it; 1 when a file could not be deleted."""
    from dialer import soundfiles
    from dialer.store import recordings as stored

    loaded = running.load(where)
    policies, now = _policies(loaded), time.time()
    before = {
        name: now - policy.retention_days * 86_400.0
        for name, policy in policies.items()
        if policy.retention_days is not None
    }
    if not before:
        say("nothing to do: no campaign has recording.retention_days")
        return 0
    for name in before:
        if not os.path.isdir(policies[name].directory):
            raise CliError(
                f"campaigns.{name}.recording.directory: {policies[name].directory}: "
                "expected this directory to be there; is it mounted?"
            )
    gone = left = 0
    size = 0
    with database(loaded, dry_run=dry_run) as url:
        for each in stored.in_states(url, stored.PRUNED, before):
            policy = policies[each.campaign]
            path = policy.ours(each.path)
            if path is None:
                left += 1
                complain(f"recording {each.id}: {each.path}: not below its campaign's directory; left alone")
                continue
            if dry_run:
                say(f"would delete {path} of {stamp(each.started_at)}")
            else:
                try:
                    soundfiles.delete(Path(policy.directory), Path(path))
                except OSError as error:
                    left += 1
                    complain(f"recording {each.id}: {path}: {error.strerror or error}; left alone")
                    continue
                stored.note_deleted(url, [each.id])
            gone += 1
            size += each.bytes or 0
    said = f"{gone:,} recording{'' if gone == 1 else 's'} ({size / 1e6:,.1f} MB)"
    say(f"{said} {'would be deleted' if dry_run else 'deleted'}{f', {left:,} left alone' if left else ''}")
    return EXIT_FAILURE if left else 0


def _policies(loaded: LoadedConfig) -> Mapping[str, RecordingPolicy]:
    from dialer.campaign_settings import recording_policy

    return {campaign.name: recording_policy(campaign.recording) for campaign in loaded.config.campaigns}


def _ours(policies: Mapping[str, RecordingPolicy], each: StoredRecording) -> Path:
    """Where a recording's file is for us; for what no policy knows, where the switch says."""
    policy = policies.get(each.campaign)
    return Path((policy.ours(each.path) if policy is not None else None) or each.path)

