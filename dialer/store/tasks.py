"""One-shot jobs of the store for the daemon, each in a process of its own: `python -m dialer.store.tasks JOB`.

Owns the small protocol: a JSON request on standard input, JSON lines out (``progress`` lines, then one ``done`` or
``error``). SQLAlchemy and long imports stay out of the daemon's process, whose hub they would block.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dialer.leads.errors import LeadsError
from dialer.leads.files import RowFault
from dialer.store import desk_jobs, imports, queries
from dialer.store.database import parse_url
from dialer.store.errors import StoreError, StoreUrlError
from dialer.store.migrations import upgrade

UNFINISHED: Final = "unfinished"
FAULTS_TOLD: Final = 20
"""Faults of a lead file that are told one by one at a start."""


def prepare(request: Mapping[str, Any]) -> dict[str, Any]:
    """Migrate, then fill empty lists and the do-not-call list from their files.

    ``lists``: [{name, file, region}], ``do_not_call``: [file], ``fresh``: forget leads and attempts first.
    """
    url = request["url"]
    upgrade(url)
    if request.get("fresh"):
        queries.wipe(url)
    reports = []
    for entry in request["lists"]:
        queries.ensure_list(url, entry["name"])
        if entry["file"] and _wants_import(url, entry["name"]):
            reports.append(_import(url, entry["name"], Path(entry["file"]), entry["region"]))
    blocked = sum(imports.import_do_not_call(url, Path(file)).imported for file in request["do_not_call"])
    return {"lists": reports, "do_not_call": blocked}


def _wants_import(url: str, name: str) -> bool:
    """An empty list, or one whose first import was cut short: what is in it already is found to be there."""
    return queries.list_size(url, name) == 0 or queries.noted(url, _mark(name)) == UNFINISHED


def _import(url: str, name: str, file: Path, region: str | None) -> dict[str, Any]:
    told = 0

    def tell(fault: RowFault) -> None:
        nonlocal told
        told += 1
        if told <= FAULTS_TOLD:
            _say("progress", str(fault))

    _say("progress", f"importing {file} into list {name}")
    queries.note(url, _mark(name), UNFINISHED)
    report = imports.import_leads(url, name, file, region=region, on_fault=tell)
    queries.note(url, _mark(name), "done")
    if told > FAULTS_TOLD:
        more = f"… and {told - FAULTS_TOLD} more faults: dialer leads import {file} --list {name} --dry-run shows them"
        _say("progress", more)
    return {"list": name, "imported": report.imported, "rejected": report.broken, "duplicates": report.duplicates}


def _mark(name: str) -> str:
    return f"first_import/{name}"


def summary(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the store knows of this ``owner``'s attempts since ``since`` (UTC seconds) and of all leads."""
    return queries.summary(request["url"], since=request["since"], owner=request["owner"])


JOBS = {"prepare": prepare, "summary": summary, **desk_jobs.JOBS}


def _say(kind: str, value: object) -> None:
    print(json.dumps({kind: value}), flush=True)


def main(arguments: list[str]) -> int:
    """Run one job; exit code 0 when it is done, 1 when it failed, 2 for a wrong call."""
    if len(arguments) != 1 or arguments[0] not in JOBS:
        print(f"usage: python -m dialer.store.tasks {'|'.join(JOBS)}", file=sys.stderr)
        return 2
    request = json.load(sys.stdin)
    try:
        _say("done", JOBS[arguments[0]](request))
    except StoreUrlError as error:
        _say("error", str(error))
        return 1
    except StoreError as error:
        _say("error", f"database {parse_url(request['url']).render_as_string(hide_password=True)}: {error}")
        return 1
    except (LeadsError, OSError) as error:
        _say("error", str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
