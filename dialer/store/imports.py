"""Bringing leads and do-not-call entries in: from files into tables, in short transactions.

Owns what the database already has: duplicates within the list are refused, those in other lists told. Runs in the
command line's own process while the daemon works; a batch holds the write lock for milliseconds only. What a file
holds is ``leads.files``'s.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, or_, select
from sqlalchemy.exc import DBAPIError

from dialer.domain.lead import LeadState
from dialer.leads.encodings import detect
from dialer.leads.errors import LeadFileError, NumberError
from dialer.leads.files import FileLead, LeadFile, RowFault
from dialer.leads.numbers import line_type, normalise
from dialer.store.database import make_engine, read_only
from dialer.store.errors import StoreUnavailable
from dialer.store.gate import plain
from dialer.store.schema import NUMBER, PREFIX
from dialer.store.statements import DNC, LEADS, LISTS, NEW_LEAD, NEW_NUMBER, NUMBERS, ZONES, Statements

BATCH: Final = 1000
BUSY_TIMEOUT_S: Final = 30.0
FAULTS_KEPT: Final = 10_000
MAX_LIST_NAME: Final = 100

_KNOWN: Final = (
    select(NUMBERS.c.e164, LISTS.c.id, LISTS.c.name)
    .join(LEADS, LEADS.c.id == NUMBERS.c.lead_id)
    .join(LISTS, LISTS.c.id == LEADS.c.list_id)
    .where(NUMBERS.c.e164.in_(bindparam("p_numbers", expanding=True)))
)


@dataclass(slots=True)
class ImportReport:
    """What became of a file. ``faults`` holds the first FAULTS_KEPT; the counts are of all.

    ``rows`` = ``imported`` + ``broken`` + ``duplicates``; a row with one bad number of several is imported.
    """

    list_name: str
    path: str
    encoding: str = ""
    delimiter: str = ""
    rows: int = 0
    imported: int = 0
    broken: int = 0
    duplicates: int = 0
    numbers_left_out: int = 0
    in_other_lists: int = 0
    faults: list[RowFault] = field(default_factory=list)

    @property
    def rejected(self) -> list[RowFault]:
        """The faults that cost a row."""
        return [fault for fault in self.faults if fault.kind in ("broken", "duplicate")]

    def add(self, fault: RowFault) -> None:
        """Count a fault and keep it, up to a limit."""
        self.broken += fault.kind == "broken"
        self.duplicates += fault.kind == "duplicate"
        self.numbers_left_out += fault.kind == "number"
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(fault)


def import_leads(
    url: str,
    list_name: str,
    path: str | Path,
    *,
    region: str | None,
    test_ranges: Sequence[str] = (),
    encoding: str | None = None,
    delimiter: str | None = None,
    dry_run: bool = False,
    on_fault: Callable[[RowFault], None] | None = None,
    progress: Callable[[float, int], None] | None = None,
    now: float | None = None,
) -> ImportReport:
    """Import a lead file into a list, which is made when it is new. The database must have the schema.

    ``progress`` receives the share of the file that is read (0–1) and the rows so far. ``dry_run`` writes nothing.
    Raises LeadFileError, OSError (the file), StoreUnavailable, StoreUrlError (the database).
    """
    file = LeadFile(path, region=region, test_ranges=test_ranges, encoding=encoding, delimiter=delimiter)
    report = ImportReport(list_name, str(path), file.encoding, file.delimiter)
    at = time.time() if now is None else now

    def tell(fault: RowFault) -> None:
        report.add(fault)
        if on_fault is not None:
            on_fault(fault)

    for number in file.unnamed:
        tell(RowFault(str(path), 1, "", f"column {number} has no name and is left out", "note"))
    engine = make_engine(url, busy_timeout_s=BUSY_TIMEOUT_S)
    try:
        writer = _ListWriter(engine, list_name, at, tell, dry_run=dry_run)
        rows = iter(file)
        while batch := list(islice(rows, BATCH)):
            leads = []
            for row in batch:
                if isinstance(row, RowFault):
                    tell(row)
                else:
                    leads.append(row)
            report.imported += writer.write(leads, str(path))
            report.rows = file.rows_read
            if progress is not None:
                progress(min(1.0, file.chars_read / max(1, file.size_bytes)), file.rows_read)
        report.rows = file.rows_read
        report.in_other_lists = writer.in_other_lists
        if progress is not None:
            progress(1.0, file.rows_read)
    except DBAPIError as error:
        raise StoreUnavailable(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()
    return report


class _ListWriter:
    """Writes leads into one list, a transaction a batch."""

    def __init__(
        self, engine: Engine, list_name: str, now: float, tell: Callable[[RowFault], None], *, dry_run: bool
    ) -> None:
        if not list_name or len(list_name) > MAX_LIST_NAME:
            raise LeadFileError(list_name[:40], f"a list's name has 1 to {MAX_LIST_NAME} characters")
        self._engine = engine
        self._list_name = list_name
        self._now = now
        self._tell = tell
        self._dry_run = dry_run
        self._statements = Statements(engine.dialect.name)
        self._zone_sets: dict[str, int] = {}
        self.in_other_lists = 0

    def write(self, leads: Sequence[FileLead], path: str) -> int:
        """Returns how many are in the database now that were not."""
        if not leads and self._dry_run:
            return 0
        if self._dry_run:
            with self._engine.connect() as conn:
                return len(self._new(read_only(conn), leads, path))
        # Before the transaction: it takes longer than the writing does, and others wait for the lock.
        line_types = {e164: line_type(e164) for lead in leads for e164, _ in lead.numbers}
        with self._engine.begin() as conn:
            list_id = ensure_list_id(conn, self._statements, self._list_name, self._now)
            new = self._new(conn, leads, path)
            if not new:
                return 0
            self._know_zone_sets(conn, new)
            ids = conn.execute(
                NEW_LEAD.returning(LEADS.c.id, sort_by_parameter_order=True),
                [self._lead_row(list_id, lead, numbers) for lead, numbers in new],
            ).scalars()
            conn.execute(
                NEW_NUMBER,
                [
                    {
                        "lead_id": lead_id,
                        "position": position,
                        "e164": e164,
                        "zone_set_id": self._zone_sets["|".join(zones)],
                        "dead_at": None,
                        "line_type": line_types[e164],
                    }
                    for lead_id, (_, numbers) in zip(ids, new, strict=True)
                    for position, (e164, zones) in enumerate(numbers, 1)
                ],
            )
        return len(new)

    def _new(
        self, conn: Connection, leads: Sequence[FileLead], path: str
    ) -> list[tuple[FileLead, list[tuple[str, tuple[str, ...]]]]]:
        """The leads that the list does not have yet, each with the numbers that no lead of the list has."""
        here: set[str] = set()
        elsewhere: dict[str, str] = {}
        wanted = [e164 for lead in leads for e164, _ in lead.numbers]
        if wanted:
            for e164, _, name in conn.execute(_KNOWN, {"p_numbers": wanted}):
                if name == self._list_name:
                    here.add(e164)
                else:
                    elsewhere[e164] = name
        new = []
        for lead in leads:
            first = lead.numbers[0][0]
            if first in here:
                text = f"the number is in list {self._list_name} already"
                self._tell(RowFault(path, lead.line, "phone", text, "duplicate"))
                continue
            if first in elsewhere:
                self.in_other_lists += 1
                self._tell(RowFault(path, lead.line, "phone", f"the number is in list {elsewhere[first]} too", "note"))
            numbers = [entry for entry in lead.numbers if entry[0] not in here]
            if len(numbers) < len(lead.numbers):
                text = f"left out: a number of another lead of list {self._list_name}"
                self._tell(RowFault(path, lead.line, "phone2", text, "number"))
            new.append((lead, numbers))
        return new

    def _know_zone_sets(
        self, conn: Connection, new: Iterable[tuple[FileLead, Sequence[tuple[str, tuple[str, ...]]]]]
    ) -> None:
        wanted = {"|".join(zones) for _, numbers in new for _, zones in numbers} - self._zone_sets.keys()
        if not wanted:
            return
        conn.execute(self._statements.insert_new(ZONES), [{"zones": zones} for zones in sorted(wanted)])
        rows = conn.execute(select(ZONES.c.zones, ZONES.c.id).where(ZONES.c.zones.in_(sorted(wanted))))
        self._zone_sets.update((zones, number) for zones, number in rows)

    def _lead_row(
        self, list_id: int, lead: FileLead, numbers: Sequence[tuple[str, tuple[str, ...]]]
    ) -> dict[str, Any]:
        return {
            "list_id": list_id,
            "person": plain(lead.person, 200),
            "name": plain(lead.name, 4000),
            "timezone": lead.timezone,
            "language": lead.language,
            "priority": lead.priority,
            "tags": plain(lead.tags, 4000),
            "fields": json.dumps(dict(lead.fields), ensure_ascii=False) if lead.fields else "",
            "state": LeadState.READY.value,
            "reason": "",
            "due_at": self._now,
            "attempts": 0,
            "position": 1,
            "zone_set_id": self._zone_sets["|".join(numbers[0][1])],
            "claimed_by": "",
            "claim_epoch": "",
            "claim_campaign": "",
            "lease_until": 0.0,
            "changed_at": self._now,
            "last_outcome": "",
        }


def ensure_list_id(conn: Connection, statements: Statements, name: str, now: float) -> int:
    """The id of the list called ``name``, which is made when it is new."""
    conn.execute(statements.insert_new(LISTS), {"name": name, "created_at": now})
    found: int = conn.execute(select(LISTS.c.id).where(LISTS.c.name == name)).scalar_one()
    return found


# ---- do not call -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DncEntry:
    """``value``: an E.164 number, or a prefix with its plus sign. ``expires_at``: UTC epoch seconds, None for ever."""

    value: str
    by_prefix: bool = False
    campaign: str = ""
    expires_at: float | None = None
    reason: str = ""


@dataclass(slots=True)
class DncReport:
    """``imported`` entries are in the table now, the known ones among them renewed."""

    path: str
    imported: int = 0
    faults: list[RowFault] = field(default_factory=list)


def parse_dnc(
    text: str, region: str | None, test_ranges: Sequence[str] = (), *, campaign: str = "", reason: str = ""
) -> DncEntry:
    """A number, or a prefix written ``+4490*``. Raises NumberError."""
    text = text.strip()
    if text.endswith("*"):
        digits = "".join(text[:-1].split())
        if not digits.startswith("+") or not digits[1:].isascii() or not digits[1:].isdigit() or len(digits) > 16:
            raise NumberError("a prefix that is not + and 1 to 15 digits before the *, as in +4490*")
        return DncEntry(digits, True, campaign, None, reason)
    return DncEntry(normalise(text, region, test_ranges), False, campaign, None, reason)


def add_do_not_call(url: str, entries: Iterable[DncEntry], *, now: float | None = None) -> int:
    """Write entries; one for the same value, kind and campaign is replaced. Effective at the next gate.

    Returns how many were written. Raises StoreUnavailable, StoreUrlError.
    """
    at = time.time() if now is None else now
    rows = [
        {
            "kind": PREFIX if entry.by_prefix else NUMBER,
            "value": entry.value,
            "campaign": entry.campaign,
            "expires_at": entry.expires_at,
            "reason": plain(entry.reason, 1000),
            "created_at": at,
            "source": "",
        }
        for entry in entries
    ]
    engine = make_engine(url, busy_timeout_s=BUSY_TIMEOUT_S)
    made = Statements(engine.dialect.name).dialect_insert(DNC)
    replace = made.on_conflict_do_update(
        index_elements=["value", "kind", "campaign"],
        set_={name: made.excluded[name] for name in ("expires_at", "reason", "created_at")},
        # What a customer said to an agent holds for ever: no file makes it end.
        where=or_(DNC.c.source == "", made.excluded.expires_at.is_(None)),
    )
    try:
        for start in range(0, len(rows), BATCH):
            with engine.begin() as conn:
                conn.execute(replace, rows[start : start + BATCH])
    except DBAPIError as error:
        raise StoreUnavailable(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()
    return len(rows)


def remove_do_not_call(url: str, entry: DncEntry) -> bool:
    """Take an entry away; False when it was not there. Raises StoreUnavailable, StoreUrlError."""
    engine = make_engine(url, busy_timeout_s=BUSY_TIMEOUT_S)
    kind = PREFIX if entry.by_prefix else NUMBER
    try:
        with engine.begin() as conn:
            gone = conn.execute(
                DNC.delete().where(
                    DNC.c.value == entry.value, DNC.c.kind == kind, DNC.c.campaign == entry.campaign
                )
            )
            return gone.rowcount > 0
    except DBAPIError as error:
        raise StoreUnavailable(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()


def import_do_not_call(
    url: str,
    path: str | Path,
    *,
    region: str | None = None,
    test_ranges: Sequence[str] = (),
    campaign: str = "",
    encoding: str | None = None,
    now: float | None = None,
) -> DncReport:
    """Import a file of numbers and prefixes: one a line, or CSV with a header line.

    Columns: ``phone`` (a number, or a prefix written ``+4490*``), and where wanted ``campaign``, ``expires`` (an ISO
    date or time; without a zone it is UTC) and ``reason``. Raises like ``import_leads``.
    """
    path = Path(path)
    report = DncReport(str(path))
    entries: list[DncEntry] = []
    with path.open(encoding=detect(path, encoding), newline="") as file:
        lines = file.read().splitlines()
    header = [name.strip().lower() for name in next(csv.reader(lines[:1]), [])]
    named = "phone" in header
    for number, line in enumerate(lines[1:] if named else lines, 2 if named else 1):
        if not line.strip():
            continue
        try:
            values = next(csv.reader([line], strict=True))
            row = dict(zip(header, values, strict=False)) if named else {"phone": values[0]}
            entries.append(_dnc_row(row, region, test_ranges, campaign))
        except NumberError as error:
            report.faults.append(RowFault(str(path), number, "phone", str(error)))
        except ValueError as error:
            report.faults.append(RowFault(str(path), number, "expires", str(error)))
        except csv.Error as error:
            report.faults.append(RowFault(str(path), number, "", f"not CSV: {error}"))
    report.imported = add_do_not_call(url, entries, now=now)
    return report


def _dnc_row(
    row: Mapping[str, str], region: str | None, test_ranges: Sequence[str], campaign: str
) -> DncEntry:
    entry = parse_dnc(row.get("phone", ""), region, test_ranges)
    expires = row.get("expires", "").strip()
    expires_at: float | None = None
    if expires:
        try:
            when = datetime.fromisoformat(expires)
        except ValueError:
            raise ValueError(f"{expires[:40]!r}: expected a date or time, as in 2027-01-31") from None
        expires_at = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return DncEntry(
        entry.value,
        entry.by_prefix,
        row.get("campaign", "").strip()[:100] or campaign,
        expires_at,
        row.get("reason", "").strip(),
    )
