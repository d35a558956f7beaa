from __future__ import annotations

from pathlib import Path

import pytest

from dialer.leads import encodings
from dialer.leads.encodings import detect
from dialer.leads.errors import LeadFileError
from dialer.leads.files import MAX_FIELD_CHARS, FileLead, LeadFile, RowFault

CHINESE = "phone,name,城市\n13812345678,王小明,北京\n13912345678,李华,上海市浦东新区\n"
WESTERN = "phone;name;city\n2125550100;José;Zürich\n2125550101;Renée Müller;Besançon – à côté\n"


class Read:
    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "leads.csv"

    def __call__(self, content: str | bytes, region: str | None = "US", **options: object) -> list[FileLead | RowFault]:
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.file = LeadFile(self.path, region=region, **options)  # type: ignore[arg-type]
        return list(self.file)

    def leads(self, content: str | bytes, **options: object) -> list[FileLead]:
        return [row for row in self(content, **options) if isinstance(row, FileLead)]  # type: ignore[arg-type]

    def faults(self, content: str | bytes, **options: object) -> list[tuple[int, str, str]]:
        rows = self(content, **options)  # type: ignore[arg-type]
        return [(row.line, row.column, row.kind) for row in rows if isinstance(row, RowFault)]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)


# ---- columns -----------------------------------------------------------------------------------------------


def test_every_column_of_the_contract(read: Read) -> None:
    (lead,) = read.leads(
        "Phone, phone2 ,NAME,timezone,language,priority,tags,person_id,City\n"
        '2125550100,+44 20 7946 0000,Ann,America/Chicago,en-US,7,"vip; new,vip",c-17,Boston\n'
    )
    assert lead == FileLead(
        line=2,
        numbers=(("+12125550100", ("America/Chicago",)), ("+442079460000", ("America/Chicago",))),
        person="c-17",
        name="Ann",
        timezone="America/Chicago",
        language="en-US",
        priority=7,
        tags="vip,new",
        fields={"city": "Boston"},
    )


def test_the_first_valid_number_is_the_person(read: Read) -> None:
    (lead,) = read.leads("phone,phone2\n123,2125550101\n")
    assert lead.person == "+12125550101"
    assert lead.numbers == (("+12125550101", ("America/New_York",)),)
    assert read.faults("phone,phone2\n123,2125550101\n") == [(2, "phone", "number")]


def test_numbers_keep_their_order_up_to_nine(read: Read) -> None:
    header = "phone10,phone9,phone3,phone\n"
    (lead,) = read.leads(header + "2125550110,2125550109,2125550103,2125550101\n")
    assert [number for number, _ in lead.numbers] == ["+12125550101", "+12125550103", "+12125550109"]
    assert lead.fields == {"phone10": "2125550110"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(read: Read, delimiter: str) -> None:
    rows = [["name", "phone", "a,b;c"], ["Ann", "2125550100", "x"]]
    content = "\n".join(delimiter.join(f'"{value}"' for value in row) for row in rows)
    (lead,) = read.leads(content)
    assert lead.name == "Ann" and lead.fields == {"a,b;c": "x"}
    assert read.file.delimiter == delimiter


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends(read: Read, end: str) -> None:
    leads = read.leads(end.join(["phone,name", "2125550100,Ann", "", '2125550101,"Bo', 'Jr"', "2125550102,Cy"]))
    assert [(lead.line, lead.name) for lead in leads] == [(2, "Ann"), (4, "Bo Jr"), (6, "Cy")]


# ---- broken rows -------------------------------------------------------------------------------------------


def test_each_broken_row_is_told_with_line_and_column_and_the_good_ones_stay(read: Read) -> None:
    content = (
        "phone,name,timezone,language,priority\n"
        "2125550100,good,,,\n"
        "212555,short,,,\n"
        "2125550101,zone,Mars/Phobos,,\n"
        "2125550102,language,,english please,\n"
        "2125550103,priority,,,high\n"
        "2125550104,too,few\n"
        "2125550105,too,,,1,many\n"
        ",nothing,,,\n"
        "2125550106,two faults,Mars/Phobos,,high\n"
        "2125550107,good too,,,\n"
    )
    assert [lead.name for lead in read.leads(content)] == ["good", "good too"]
    assert read.faults(content) == [
        (3, "phone", "number"),
        (3, "phone", "broken"),
        (4, "timezone", "broken"),
        (5, "language", "broken"),
        (6, "priority", "broken"),
        (7, "", "broken"),
        (8, "", "broken"),
        (9, "phone", "broken"),
        (10, "timezone", "broken"),
        (10, "priority", "broken"),
    ]


def test_a_fault_reads_like_a_compilers(read: Read) -> None:
    (fault,) = read("phone,priority\n2125550100,high\n")
    assert str(fault) == f"{read.path}:2: priority: 'high': expected a whole number, at most ±1,000,000"


def test_a_quote_that_is_never_closed_costs_its_own_line_only(read: Read) -> None:
    rest = "".join(f"212555{n:04d},row\n" for n in range(101, 200))
    content = 'phone,name\n2125550100,"open\n' + rest
    assert len(read.leads(content)) == 99
    assert read.faults(content) == [(2, "", "broken")]
    assert [lead.line for lead in read.leads(content)] == list(range(3, 102))


def test_an_open_quote_that_meets_another_one_is_found_too(read: Read) -> None:
    content = 'phone,name\n2125550100,"open\n2125550101,good\n2125550102,"good, too"\n'
    assert [lead.name for lead in read.leads(content)] == ["good", "good, too"]
    assert read.faults(content) == [(2, "", "broken")]


def test_duplicates_within_the_file(read: Read) -> None:
    content = (
        "phone,phone2,name\n"
        "2125550100,,first\n"
        "+1 (212) 555-0100,,the same\n"
        "2125550101,2125550100,second number is taken\n"
        "2125550102,2125550102,twice in a row\n"
    )
    assert [lead.name for lead in read.leads(content)] == ["first", "second number is taken", "twice in a row"]
    assert read.faults(content) == [(3, "phone", "duplicate"), (4, "phone2", "number"), (5, "phone2", "note")]


def test_control_characters_are_taken_out_and_told(read: Read) -> None:
    content = "phone,name\n2125550100,\x1b[31mAnn\x00\x07\n"
    (lead,) = read.leads(content)
    assert lead.name == "[31mAnn"
    assert read.faults(content) == [(2, "name", "note")]
    (lead,) = read.leads('phone,name\n2125550100,"Ann\tB\nC"\n')
    assert lead.name == "Ann B C"


def test_limits_on_sizes(read: Read) -> None:
    long = "x" * (MAX_FIELD_CHARS + 1)
    content = f"phone,name\n2125550100,{long}\n2125550101,{'y' * 5_000_000}\n2125550102,good\n"
    assert [lead.name for lead in read.leads(content)] == ["good"]
    assert read.faults(content) == [(2, "", "broken"), (3, "", "broken")]
    many = ",".join(["phone", *(f"c{n}" for n in range(300))])
    with pytest.raises(LeadFileError, match="301 columns"):
        read(many + "\n")
    with pytest.raises(LeadFileError, match="column name"):
        read("phone," + "n" * 65 + "\n")
    assert read.faults("phone,person_id\n2125550100," + "p" * 201 + "\n") == [(2, "person_id", "broken")]


def test_a_spreadsheet_formula_is_just_text(read: Read) -> None:
    (lead,) = read.leads("phone,name\n2125550100,=HYPERLINK(1)\n")
    assert lead.name == "=HYPERLINK(1)"


# ---- whole files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"name,city\nAnn,Boston\n", "no column 'phone' in the header; found 'name', 'city'"),
        (b"phone,Phone\n1,2\n", "'phone' is there twice"),
        (b'phone,"name\n', "quote"),
    ],
)
def test_files_that_are_no_lead_lists(read: Read, content: bytes, words: str) -> None:
    with pytest.raises(LeadFileError, match=words):
        read(content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LeadFile(tmp_path / "nothing.csv", region=None)


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_a_delimiter_must_be_one_character(read: Read, delimiter: str) -> None:
    with pytest.raises(LeadFileError, match="delimiter"):
        read("phone\n1\n", delimiter=delimiter)


def test_columns_without_a_name_are_left_out(read: Read) -> None:
    (lead,) = read.leads("phone,,name,\n2125550100,x,Ann,\n")
    assert lead.name == "Ann" and lead.fields == {}
    assert read.file.unnamed == (2, 4)


# ---- encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "codec", "found"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "utf-16", "utf-16"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (WESTERN, "utf-8", "utf-8"),
        (WESTERN, "cp1252", "cp1252"),
        (WESTERN, "utf-16-le", "utf-16-le"),
        (WESTERN, "utf-16-be", "utf-16-be"),
        ("phone\n2125550100\n", "ascii", "utf-8"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, content: str, codec: str, found: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(content.encode(codec))
    assert detect(path) == found
    file = LeadFile(path, region="CN" if content is CHINESE else "US")
    leads = [row for row in file if isinstance(row, FileLead)]
    assert len(leads) == content.count("\n") - 1
    if content is CHINESE:
        assert leads[0].name == "王小明" and leads[0].fields == {"城市": "北京"}
    if content is WESTERN:
        assert leads[1].name == "Renée Müller" and leads[1].fields == {"city": "Besançon – à côté"}


@pytest.mark.parametrize(
    ("content", "given", "line", "byte"),
    [
        (b"phone\nabc\n12\xe9x\n", "utf-8", 3, 12),
        (b"phone\n" + b"x\n" * 9 + b"\xff", "utf-8", 11, 24),
        (b"phone\nab\x81c\n", "cp1252", 2, 8),
        ("phone\nJosé\n".encode("cp1252"), "ascii", 2, 9),
        (b"phone\nabc\xff", "gb18030", 2, 9),
    ],
)
def test_a_wrong_encoding_names_line_and_byte(tmp_path: Path, content: bytes, given: str, line: int, byte: int) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(LeadFileError) as caught:
        detect(path, given)
    assert (caught.value.line, caught.value.byte) == (line, byte)
    assert f"leads.csv:{line}: byte {byte} (0x" in str(caught.value)


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 1 << 20])
def test_a_wrong_byte_is_named_wherever_the_pieces_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(encodings, "PIECE_BYTES", piece)
    good = "phone\n王小明\n李\n".encode()
    path = tmp_path / "leads.csv"
    path.write_bytes(good + b"a\xe7\x8eb\n")
    with pytest.raises(LeadFileError) as caught:
        detect(path, "utf-8")
    assert (caught.value.line, caught.value.byte) == (4, len(good) + 1)


def test_one_bad_byte_in_a_utf8_file_is_an_error_and_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(CHINESE.encode() + b"13812345679,\xff,x\n")
    with pytest.raises(LeadFileError, match="looks like UTF-8") as caught:
        detect(path)
    assert caught.value.line == 4


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"phone\n")
    with pytest.raises(LeadFileError, match="'klingon'"):
        detect(path, "klingon")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"phone\n\x81\xff\x8d\xfe\xff\n")
    with pytest.raises(LeadFileError, match="name the encoding"):
        detect(path)
