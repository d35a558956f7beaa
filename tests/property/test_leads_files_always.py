"""Lead files of any bytes: an error or rows, never anything else; and what is written is read."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.leads.errors import LeadFileError, NumberError
from dialer.leads.files import FileLead, LeadFile, RowFault
from dialer.leads.numbers import normalise

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=20)


def rows_of(content: bytes) -> list[FileLead | RowFault]:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        return list(LeadFile(Path(file.name), region="US"))


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda tail: b"phone,name\n" + tail)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_rows_or_one_error(content: bytes) -> None:
    try:
        rows = rows_of(content)
    except LeadFileError:
        return
    lines = [row.line for row in rows]
    assert lines == sorted(lines) and all(line >= 2 for line in lines)


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "2125550100", "a", "\0", "é", ";"]), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_order_of_quotes_and_line_ends_comes_to_an_end(parts: list[str]) -> None:
    rows_of(("phone,name\n" + "".join(parts)).encode())


@given(
    st.lists(st.tuples(text, st.integers(-1000, 1000), text), max_size=20),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
@settings(max_examples=150, deadline=None)
def test_what_a_csv_writer_writes_is_read_back(
    rows: list[tuple[str, int, str]], delimiter: str, codec: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["phone", "name", "priority", "extra"])
    for n, (name, priority, extra) in enumerate(rows):
        writer.writerow([f"+1212555{n:04d}", name, priority, extra])
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(out.getvalue().encode(codec))
        file.flush()
        read = [row for row in LeadFile(file.name, region=None, encoding=codec) if isinstance(row, FileLead)]
    def kept(value: str) -> str:
        return value.replace("\ufeff", "")

    assert [(lead.name, lead.priority, lead.fields.get("extra", "")) for lead in read] == [
        (kept(name), priority, kept(extra)) for name, priority, extra in rows
    ]


@given(st.text(max_size=40), st.sampled_from(["US", "CN", "DE", None]))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_number_or_an_error_and_numbers_stay_what_they_are(raw: str, region: str | None) -> None:
    try:
        number = normalise(raw, region)
    except NumberError:
        return
    assert number[0] == "+" and number[1:].isascii() and number[1:].isdigit() and len(number) <= 16
    assert normalise(number, None) == number
