"""Lead files: CSV in any common encoding, read row by row into leads, with every fault named.

Owns the column contract (``phone`` required, ``phone2``…, ``name``, ``timezone``, ``language``, ``priority``,
``tags``, ``person_id``; any other column is kept as a field), the limits on sizes, and the duplicates within one
file. What the database already has is the importer's business. A broken row costs itself only.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from dialer.leads.encodings import detect
from dialer.leads.errors import LeadFileError, NumberError
from dialer.leads.numbers import normalise, zones_for_lead
from dialer.leads.windows import find_zone

MAX_FIELD_CHARS: Final = 4_000
MAX_ROW_CHARS: Final = 64_000
MAX_ROW_LINES: Final = 20
"""A quoted value that runs over more lines than this is a quote that nobody closed."""
_CUT_AT: Final = 2 * MAX_ROW_CHARS
MAX_COLUMNS: Final = 200
MAX_COLUMN_NAME_CHARS: Final = 64
MAX_PERSON_CHARS: Final = 200
MAX_PRIORITY: Final = 1_000_000
DELIMITERS: Final = ",;\t|"

_PHONE: Final = re.compile(r"phone([2-9])?")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_OWN: Final = frozenset({"name", "timezone", "language", "priority", "tags", "person_id"})
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing wrong with one row: ``file:line: column: found: expected``.

    ``kind`` is ``broken`` (the row is not imported), ``number`` (one number is left out), ``duplicate`` (the row is
    not imported) or ``note`` (imported; worth knowing). ``text`` holds no whole phone number.
    """

    file: str
    line: int
    column: str
    text: str
    kind: str = "broken"

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.column}: {self.text}"
            if self.column
            else (f"{self.file}:{self.line}: {self.text}")
        )


@dataclass(frozen=True, slots=True)
class FileLead:
    """One good row. ``numbers`` are E.164 in order, each with the zones that bind a call to it."""

    line: int
    numbers: tuple[tuple[str, tuple[str, ...]], ...]
    person: str
    name: str = ""
    timezone: str = ""
    language: str = ""
    priority: int = 0
    tags: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class LeadFile:
    """A lead file, opened: encoding and delimiter found, header read.

    Iterating yields a FileLead for each good row and a RowFault for each thing wrong, in the order of the file.
    Raises LeadFileError when the file as a whole cannot be read, OSError when it is not there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        region: str | None,
        test_ranges: Sequence[str] = (),
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.region = region
        self.test_ranges = tuple(test_ranges)
        self.encoding = detect(self.path, encoding)
        self.size_bytes = self.path.stat().st_size
        self.rows_read = 0
        self.chars_read = 0
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise LeadFileError(str(self.path), f"delimiter {delimiter!r}: expected one character, as in , ; tab or |")
        line, header = next(self._records(_Header(delimiter)), (1, None))
        if header is None:
            raise LeadFileError(str(self.path), "the file is empty; expected a header line with a column 'phone'")
        if isinstance(header, RowFault):
            raise LeadFileError(str(self.path), header.text, line=line)
        self.delimiter, names = header[0], header[1:]
        self.columns = self._columns(names)
        self.unnamed = tuple(n for n, name in enumerate(self.columns, 1) if not name)

    def __iter__(self) -> Iterator[FileLead | RowFault]:
        seen: dict[str, int] = {}
        records = self._records(_Values(self.delimiter))
        next(records, None)
        for line, values in records:
            if isinstance(values, RowFault):
                self.rows_read += 1
                yield values
            elif any(value.strip() for value in values):
                self.rows_read += 1
                yield from self._row(line, values, seen)

    # ---- records -------------------------------------------------------------------------------------------

    def _records(self, parse: _Header | _Values) -> Iterator[tuple[int, list[str] | RowFault]]:
        """Each record with the line that it starts on.

        A record is parsed by itself, so that a quote which is never closed costs its own line and not the rest
        of the file: the lines that it swallowed are read again.
        """
        with self.path.open(encoding=self.encoding, newline="") as file:
            lines = _Lines(file)
            while (text := lines.next()) is not None:
                self.chars_read = lines.chars
                start, taken = lines.number, [text]
                values: list[str] = []
                problem = ""
                while True:
                    try:
                        values = parse(taken)
                        problem = _too_big(values)
                        break
                    except csv.Error as error:
                        problem = f"not CSV: {error}"
                        unfinished = "unexpected end of data" in str(error)
                    room = len(taken) < MAX_ROW_LINES and sum(map(len, taken)) < MAX_ROW_CHARS
                    more = lines.next() if unfinished and room else None
                    if more is None:
                        if unfinished or len(taken) > 1:
                            problem = 'a quote (") is opened and not closed'
                        lines.give_back(taken[1:])
                        break
                    taken.append(more)
                yield start, RowFault(str(self.path), start, "", problem) if problem else values

    def _columns(self, names: Iterable[str]) -> tuple[str, ...]:
        columns = tuple(_SPACES.sub(" ", _clean(name)[0]).strip().lower() for name in names)
        path = str(self.path)
        if len(columns) > MAX_COLUMNS:
            raise LeadFileError(path, f"{len(columns)} columns; expected at most {MAX_COLUMNS}", line=1)
        if long := [name for name in columns if len(name) > MAX_COLUMN_NAME_CHARS]:
            raise LeadFileError(
                path, f"a column name of {len(long[0])} characters; expected at most {MAX_COLUMN_NAME_CHARS}", line=1
            )
        if twice := [name for name in columns if name and columns.count(name) > 1]:
            raise LeadFileError(path, f"column {twice[0]!r} is there twice", line=1)
        if "phone" not in columns:
            found = ", ".join(repr(name) for name in columns[:12])
            raise LeadFileError(path, f"no column 'phone' in the header; found {found}", line=1)
        return columns

    # ---- one row -------------------------------------------------------------------------------------------

    def _row(self, line: int, values: list[str], seen: dict[str, int]) -> Iterator[FileLead | RowFault]:
        path = str(self.path)
        surplus = values[len(self.columns) :]
        if len(values) < len(self.columns) or any(value.strip() for value in surplus):
            yield RowFault(path, line, "", f"{len(values)} values; expected {len(self.columns)}, as in the header")
            return
        row: dict[str, str] = {}
        for name, value in zip(self.columns, values, strict=False):
            row[name], removed = _clean(value)
            if removed:
                yield RowFault(path, line, name, "control characters were taken out", "note")
        row.pop("", None)
        faults = list(self._faults(line, row))
        yield from faults
        if faults:
            return
        zone = row.get("timezone", "")
        numbers: list[tuple[str, tuple[str, ...]]] = []
        for name in sorted((n for n in row if _PHONE.fullmatch(n)), key=_phone_order):
            if not row[name]:
                continue
            try:
                e164 = normalise(row[name], self.region, self.test_ranges)
            except NumberError as error:
                yield RowFault(path, line, name, str(error), "number")
                continue
            if any(e164 == other for other, _ in numbers):
                yield RowFault(path, line, name, "the same number as in a column before", "note")
                continue
            numbers.append((e164, zones_for_lead(e164, zone or None)))
        if not numbers:
            yield RowFault(path, line, "phone", "no valid number in this row; expected at least one")
            return
        first = numbers[0][0]
        if first in seen:
            yield RowFault(path, line, "phone", f"the same number as in line {seen[first]}", "duplicate")
            return
        own: list[tuple[str, tuple[str, ...]]] = []
        for e164, zones in numbers:
            if e164 in seen:
                yield RowFault(path, line, "phone2", f"left out: a number of line {seen[e164]} too", "number")
                continue
            seen[e164] = line
            own.append((e164, zones))
        yield FileLead(
            line=line,
            numbers=tuple(own),
            person=row.get("person_id") or first,
            name=row.get("name", ""),
            timezone=zone,
            language=row.get("language", ""),
            priority=int(row.get("priority") or 0),
            tags=",".join(_tags(row.get("tags", ""))),
            fields={n: v for n, v in row.items() if n not in _OWN and not _PHONE.fullmatch(n) and v},
        )

    def _faults(self, line: int, row: Mapping[str, str]) -> Iterator[RowFault]:
        """What makes a whole row unusable."""
        path = str(self.path)
        zone = row.get("timezone", "")
        if zone and find_zone(zone) is None:
            yield RowFault(path, line, "timezone", f"{zone[:40]!r}: expected an IANA name, as in Europe/Berlin")
        language = row.get("language", "")
        if language and not _LANGUAGE.fullmatch(language):
            yield RowFault(path, line, "language", f"{language[:40]!r}: expected a language tag, as in en or zh-CN")
        if len(row.get("person_id", "")) > MAX_PERSON_CHARS:
            yield RowFault(path, line, "person_id", f"expected at most {MAX_PERSON_CHARS} characters")
        priority = row.get("priority", "")
        if priority and not _is_priority(priority):
            yield RowFault(
                path, line, "priority", f"{priority[:40]!r}: expected a whole number, at most ±{MAX_PRIORITY:,}"
            )


class _Values:
    """Parses one record; csv.Error when it is not one, with "unexpected end of data" for an open quote."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter

    def __call__(self, lines: list[str]) -> list[str]:
        rows = list(csv.reader(lines, delimiter=self.delimiter, strict=True))
        if len(rows) > 1:
            raise csv.Error("more than one record in what should be one")
        return rows[0] if rows else []


class _Header:
    """Finds the delimiter: the one that makes the header hold a column ``phone``. Yields it before the names."""

    def __init__(self, delimiter: str | None) -> None:
        self.candidates = DELIMITERS if delimiter is None else delimiter

    def __call__(self, lines: list[str]) -> list[str]:
        best: list[str] = []
        wrong: csv.Error | None = None
        for delimiter in self.candidates:
            try:
                names = _Values(delimiter)(lines)
            except csv.Error as error:
                wrong = wrong or error
                continue
            if any(_clean(name)[0].lower() == "phone" for name in names):
                return [delimiter, *names]
            if len(names) >= len(best):
                best = [delimiter, *names]
        if wrong is not None:
            raise wrong
        return best


class _Lines:
    """Lines of a file, counted, which can be given back. A line longer than any row may be is cut, and so refused."""

    def __init__(self, file: TextIO) -> None:
        self.number = 0
        self.chars = 0
        self._file = file
        self._again: deque[str] = deque()

    def next(self) -> str | None:
        """The next line with its end, or None."""
        if self._again:
            self.number += 1
            return self._again.popleft()
        text = self._file.readline(_CUT_AT)
        if not text:
            return None
        self.number += 1
        self.chars += len(text)
        rest = text
        while len(rest) == _CUT_AT and not rest.endswith(("\n", "\r")):
            rest = self._file.readline(_CUT_AT)
            self.chars += len(rest)
        return text

    def give_back(self, lines: Sequence[str]) -> None:
        """Put the last lines back, in their order."""
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)


def _too_big(values: Sequence[str]) -> str:
    if sum(map(len, values)) > MAX_ROW_CHARS:
        return f"a row of more than {MAX_ROW_CHARS:,} characters"
    for number, value in enumerate(values, 1):
        if len(value) > MAX_FIELD_CHARS:
            return f"value {number} has {len(value):,} characters; expected at most {MAX_FIELD_CHARS:,}"
    return ""


def _clean(value: str) -> tuple[str, bool]:
    """``value`` without control characters and outer spaces, and whether any other than white space was there."""
    if value.isascii() and value.isprintable():
        return value.strip(), False
    spaced = "".join(" " if c in "\t\r\n\v\f\u0085\u2028\u2029" else c for c in value.replace("\r\n", " "))
    kept = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs") and c != "\ufeff")
    return kept.strip(), len(kept) != len(spaced.replace("\ufeff", ""))


def _phone_order(name: str) -> int:
    return int(name[5:] or 1)


def _is_priority(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,9}", text) is not None and abs(int(text)) <= MAX_PRIORITY


def _tags(text: str) -> list[str]:
    tags = (tag.strip() for tag in re.split(r"[,;|]", text))
    return list(dict.fromkeys(tag for tag in tags if tag))
