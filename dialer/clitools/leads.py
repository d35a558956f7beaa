"""The commands around lead lists: importing a file, adding to the do-not-call list.

Owns the progress bar, the report and the exit codes; the store does the work, in this process, beside a running
service or without one. Prints no whole phone number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_FAILURE, EXIT_USAGE, CliError, no_campaign
from dialer.clitools.output import complain, console, say
from dialer.masking import mask_number

if TYPE_CHECKING:
    from dialer.leads.files import RowFault
    from dialer.store.imports import ImportReport

_LIST_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")
_REGION: Final = re.compile(r"[A-Z]{2}")


def import_file(
    where: running.Where, file: Path, list_name: str, region: str | None, encoding: str | None, *, dry_run: bool
) -> int:
    """``dialer leads import``: 1 when no lead was imported, 0 otherwise, with the rejected rows listed."""
    if not _LIST_NAME.fullmatch(list_name):
        raise CliError("--list: expected 1 to 64 letters, digits, dots, dashes or underscores", EXIT_USAGE)
    region = _region(region)
    loaded = running.load(where)
    known = {each.name: each for each in loaded.config.lists}
    if region is None and list_name in known:
        region = known[list_name].region
    if not any(list_name in campaign.lists for campaign in loaded.config.campaigns):
        complain(f"warning: no campaign dials list {list_name}")
    from dialer.store import imports

    faults: list[RowFault] = []
    reached = 0

    def work(url: str, progress: Callable[[float, int], None]) -> ImportReport:
        return imports.import_leads(
            url,
            list_name,
            file,
            region=region,
            encoding=encoding,
            dry_run=dry_run,
            on_fault=lambda fault: faults.append(fault) if len(faults) < imports.FAULTS_KEPT else None,
            progress=lambda share, rows: show(progress, share, rows),
        )

    def show(progress: Callable[[float, int], None], share: float, rows: int) -> None:
        nonlocal reached
        reached = rows
        progress(share, rows)

    try:
        with database(loaded, dry_run=dry_run) as url, _progress(file.name) as progress:
            report = work(url, progress)
    except CliError as error:
        _tell_faults(faults)
        raise CliError(f"{error}{_stopped(reached) if not dry_run else ''}") from error
    _tell_faults(faults)
    more = report.broken + report.duplicates + report.numbers_left_out - len(faults)
    if more > 0:
        say(f"… and {more:,} more faults")
    say(_result(report, dry_run=dry_run))
    return 0 if report.imported else EXIT_FAILURE


def add_do_not_call(where: running.Where, number: str, campaign: str | None, region: str | None) -> int:
    """``dialer leads dnc add``: from the next attempt on, this number is not dialed."""
    region = _region(region)
    loaded = running.load(where)
    names = [each.name for each in loaded.config.campaigns]
    if campaign is not None and campaign not in names:
        raise CliError(f"--campaign: {no_campaign(campaign, names)}", EXIT_USAGE)
    from dialer.leads.errors import NumberError
    from dialer.store import imports

    try:
        entry = imports.parse_dnc(number, region, campaign=campaign or "", reason="command line")
    except NumberError as error:
        raise CliError(f"{mask_number(number)}: {error}") from error
    with database(loaded, dry_run=False) as url:
        imports.add_do_not_call(url, [entry])
    what = f"{entry.value}*" if entry.by_prefix else mask_number(entry.value)
    say(f"{what}: not called again {f'by campaign {campaign}' if campaign else 'by any campaign'}")
    return 0


def _region(text: str | None) -> str | None:
    if text is not None and not _REGION.fullmatch(text):
        raise CliError("--region: expected a country's two capital letters, such as DE", EXIT_USAGE)
    return text


@contextmanager
def _progress(name: str) -> Iterator[Callable[[float, int], None]]:
    """A bar on stderr; nothing where that is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=console(error=True),
        transient=True,
    )
    bar.disable = not bar.console.is_terminal
    with bar:
        task = bar.add_task(name, total=1.0, rows=0)
        yield lambda share, rows: bar.update(task, completed=share, rows=rows)


def _tell_faults(faults: list[RowFault]) -> None:
    for fault in faults:
        say(fault)


def _stopped(rows: int) -> str:
    if not rows:
        return ""
    return f"; stopped after {rows:,} rows: their leads are in, importing again reports them as duplicates"


def _result(report: ImportReport, *, dry_run: bool) -> str:
    verb = "would be imported" if dry_run else "imported"
    parts = [
        f"{report.imported:,} {verb} into list {report.list_name}",
        f"{report.broken:,} broken",
        f"{report.duplicates:,} duplicate{'' if report.duplicates == 1 else 's'}",
    ]
    if report.numbers_left_out:
        parts.append(f"{report.numbers_left_out:,} numbers left out")
    if report.in_other_lists:
        parts.append(f"{report.in_other_lists:,} also in other lists")
    return f"{report.path}: {report.rows:,} rows ({report.encoding}): {', '.join(parts)}"
