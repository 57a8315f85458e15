"""Files as people really upload them: what they are guessed to be, and what is refused with which advice."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.spreadsheets.dialect import DELIMITERS, HEAD_BYTES, Dialect, guess
from rvm.spreadsheets.preview import examine
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import all_rows, open_rows

LIST = "Name,Phone\r\nAnn,2025550142\r\nJosé,2025550143\r\n"


def listed(encoding: str = "utf-8", delimiter: str = ",", header_row: int = 1) -> Dialect:
    return Dialect("csv", encoding, delimiter, header_row)


def found(content: bytes) -> Dialect:
    return examine(lambda: [content])[0]


FILES = {
    "plain": (b"Name,Phone\nAnn,2025550142\n", listed()),
    "days in words between tabs": (
        b"Name\tAsked\tCell\tHome\n" + b"Ann\tJan 5, 2026\t(202) 555-0142 (cell)\t2025550143 (home)\n" * 3,
        listed(delimiter="\t"),
    ),
    "no line end": (b"Name,Phone\nAnn,2025550142", listed()),
    "old Macintosh line ends": (b"Name,Phone\rAnn,2025550142\r", listed()),
    "UTF-8": (LIST.encode(), listed()),
    "UTF-8 with a mark": (LIST.encode("utf-8-sig"), listed("utf-8-sig")),
    "UTF-16 little endian with a mark": (codecs.BOM_UTF16_LE + LIST.encode("utf-16-le"), listed("utf-16")),
    "UTF-16 big endian with a mark": (codecs.BOM_UTF16_BE + LIST.encode("utf-16-be"), listed("utf-16")),
    "UTF-16 little endian": (LIST.encode("utf-16-le"), listed("utf-16-le")),
    "UTF-16 big endian": (LIST.encode("utf-16-be"), listed("utf-16-be")),
    "UTF-16 of another script": (
        "姓名,电话\n王小明同志,2025550142\n".encode("utf-16-le"),
        listed("utf-16-le", header_row=0),
    ),
    "Windows": (LIST.encode("cp1252"), listed("cp1252")),
    "Windows with typographic quotes": (
        "Name,Phone\nAnn “Annie” O’Neil,2025550142\n".encode("cp1252"),
        listed("cp1252"),
    ),
    "UTF-8 with one broken byte": (
        LIST.encode() + "Žofie Ångström,2025550144\n".encode() + b"No\xfcl,2025550145\n",
        listed(),
    ),
    "semicolons": (b"Name;Phone\nAnn;2025550142\nBob;2025550143\n", listed(delimiter=";")),
    "semicolons and names with commas": (
        b"Walker, Ann;2025550142\nHill, Bob;2025550143\n",
        listed(delimiter=";", header_row=0),
    ),
    "commas and notes with semicolons": (b"note,phone\na;b;c,2025550142\nd;e;f,2025550143\n", listed()),
    "tabs": (b"Name\tPhone\nAnn\t2025550142\n", listed(delimiter="\t")),
    "vertical bars": (b"Name|Phone\nAnn|2025550142\n", listed(delimiter="|")),
    "one column with a header": (b"phone\n2025550142\n2025550143\n", listed()),
    "one column without": (b"2025550142\n2025550143\n", listed(header_row=0)),
    "one number": (b"2025550142", listed(header_row=0)),
    "one column of typed numbers": (b"(202) 555-0142\n+1 202 555 0143\n", listed(header_row=0)),
    "one column, named in an unknown language": ("电话\n2025550142\n".encode(), listed()),
    "no header": (b"Ann,2025550142\nBob,2025550143\n", listed(header_row=0)),
    "no header, damaged numbers": (b"Ann,4.15555E+09\nBob,4.15555E+09\n", listed(header_row=0)),
    "no header, first number missing": (b"Ann,7,\nBob,8,2025550143\n", listed(header_row=0)),
    "header only": (b"Name,Phone\n", listed()),
    "header of unknown words over figures": (b"Kolumna,Kontakt,Data\nAnn,2025550142,2026-01-02\n", listed()),
    "a person without a number first": (b"Ann Walker,unlisted\nBob Hill,2025550142\n", listed(header_row=0)),
    "words that may name a person first": (b"Kolumna,Kontakt\nAnn,2025550142\n", listed(header_row=0)),
    "quoted": (b'"Name","Phone"\n"Walker, Ann","2025550142"\n', listed()),
    "quoted line breaks": (
        b'Name,Address,Phone\nAnn,"1 Main St\nApt 2; left",2025550142\nBob,"2 Oak\n\nSt",2025550143\n',
        listed(),
    ),
    "trailing delimiter": (b"Name;Phone;\nAnn;2025550142;\n", listed(delimiter=";")),
    "ragged": (b"Name,Phone,Zip\nAnn,2025550142\nBob,2025550143,20001,x\nEve,2025550144,20001\n", listed()),
    "repeated names": (b"Phone,Phone\n2025550142,2025550143\n", listed()),
    "blank rows first": (b"\n\n,\nName,Phone\nAnn,2025550142\n", listed(header_row=4)),
    "delimiter said": (b"sep=;\r\nName;Phone\r\nAnn;2025550142\r\n", listed(delimiter=";")),
    "delimiter said, one column": (b"sep=|\nPhone\n2025550142\n", listed(delimiter="|")),
    "ends with Control-Z": (b"Name,Phone\nAnn,2025550142\n\x1a", listed()),
    "decimal commas": (b"Name;Phone;Due\nAnn;2025550142;1,50\nBob;2025550143;2,50\n", listed(delimiter=";")),
}


@pytest.mark.parametrize(("content", "dialect"), FILES.values(), ids=FILES)
def test_what_people_upload_is_guessed(content: bytes, dialect: Dialect) -> None:
    assert found(content) == dialect


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
NOT_LISTS = {
    "nothing": (b"", "empty"),
    "a mark only": (codecs.BOM_UTF8, "empty"),
    "blank lines": (b"\r\n\r\n   \r\n", "empty"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "pdf"),
    "old workbook": (OLE, "xls"),
    "workbook with a password": (OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
    "zip of a list": (zipped("patients.csv"), "archive"),
    "empty zip": (zipped(), "archive"),
    "OpenDocument": (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "document"),
    "Word": (zipped("word/document.xml"), "document"),
    "gzip": (b"\x1f\x8b\x08\x00", "archive"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0", "media"),
    "recording": (b"ID3\x04\0\0", "media"),
    "RTF": (b"{\\rtf1\\ansi", "document"),
    "web page": (b"\xef\xbb\xbf\r\n<HTML><body><table>", "markup"),
    "XML workbook": (b'<?xml version="1.0"?><Workbook>', "markup"),
    "JSON": (b'[\n {"phone": "2025550142"}]', "json"),
    "contacts": (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "contacts"),
    "random bytes": (bytes(range(256)) * 8, "binary"),
    "NULs in text": (b"Name,Phone\nAnn,2025550142\0\0\0\n", "binary"),
    "UTF-32": ("Name,Phone\n".encode("utf-32"), "binary"),
}


@pytest.mark.parametrize(("content", "code"), NOT_LISTS.values(), ids=NOT_LISTS)
def test_what_is_no_list_is_refused_with_what_it_is_and_what_to_do(content: bytes, code: str) -> None:
    with pytest.raises(SheetInvalid) as refusal:
        guess(content, whole=True)
    assert refusal.value.code == code
    assert any(word in refusal.value.message for word in ("CSV", "export", "unpack"))


def test_an_old_workbook_may_be_a_protected_one_unless_its_first_bytes_say_what_it_is() -> None:
    for inside, message in (
        (b"", ", or one that is protected by a password;"),
        ("Workbook".encode("utf-16-le"), "(.xls);"),
    ):
        with pytest.raises(SheetInvalid) as refusal:
            guess(OLE + inside, whole=False)
        assert refusal.value.code == "xls"
        assert message in refusal.value.message


def test_a_workbook_is_one_by_its_parts() -> None:
    assert guess(zipped("[Content_Types].xml", "xl/workbook.xml"), whole=True).format == "xlsx"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("cut", range(1, 9))
def test_a_character_that_the_end_of_the_head_cuts_is_no_error(encoding: str, cut: int) -> None:
    content = ("Name,Phone\nAnn,2025550142\n" + "Žofie €,2025550143\n" * 3).encode(encoding)
    assert guess(content[:-cut], whole=False) == listed(encoding, header_row=0)


def test_the_row_that_the_end_of_the_head_cuts_says_nothing_of_the_delimiter() -> None:
    row = b'Ann;2025550142;"1 Main St, Apt 2, left, behind"\n'
    content = b"Name;Phone;Address\n" + row * 3 + b'Ann;2025550142;"1, 2, 3, 4, 5'
    assert guess(content, whole=False).delimiter == ";"


def test_a_head_of_full_length_is_guessed_by_its_first_rows() -> None:
    content = (b"Name\tPhone\n" + b"Ann\t2025550142\n" * 20_000)[:HEAD_BYTES]
    assert guess(content, whole=False).delimiter == "\t"


NAMES = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\ufeff\ufffd"),
    min_size=1,
    max_size=12,
)
WESTERN = st.text(alphabet="abcdefghij KLMNOP éèüñßàçôÆœ'-.", min_size=1, max_size=12)
NUMBERS = st.builds("+1202555{:04}".format, st.integers(100, 199))
NOTES = st.sampled_from(["", "a, b", "c; d", "e|f", 'say "aah"', "two\nlines", "two\r\nlines", " padded "])


def written(rows: list[list[str]], delimiter: str, encoding: str, quoting: int) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


@given(
    st.data(),
    st.sampled_from(sorted(DELIMITERS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
    st.integers(1, 4096),
)
def test_every_table_that_is_written_is_guessed_and_read_back(
    data: st.DataObject, delimiter: str, encoding: str, quoting: int, headed: bool, size: int
) -> None:
    names = WESTERN if encoding == "cp1252" else NAMES
    table = data.draw(st.lists(st.tuples(NUMBERS, names, NOTES).map(list), min_size=2, max_size=12))
    rows = [["Phone", "Name", "Note"], *table] if headed else table
    content = written(rows, delimiter, encoding, quoting)
    guessed = found(content)
    assert (guessed.delimiter, guessed.header_row) == (delimiter, int(headed))
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    assert [cells for _, cells in all_rows(chunks, guessed)] == rows
    assert [cells for _, cells in open_rows(chunks, guessed)] == table
