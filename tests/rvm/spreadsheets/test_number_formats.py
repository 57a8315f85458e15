"""Number formats: what a spreadsheet program shows, where that says more than the cell, and the cell itself where it does not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.spreadsheets.ooxml.number_formats import BUILT_IN, plain, shown_by
from tests.rvm.spreadsheets.books import noticed_in, raw, rows_of

MONDAY = "46027"  # 5 January 2026
SHOWN = [
    # General, and formats that only group, round, colour or align
    ("General", "4155550101", "4155550101"),
    ("General", "4155550101.0", "4155550101"),
    ("General", "4.1555501010000002E9", "4155550101"),
    ("General", "0.30000000000000004", "0.3"),
    ("General", "007", "7"),
    ("0", "4155550101", "4155550101"),
    ("#,##0", "4155550101", "4155550101"),
    ("#,##0.00", "4155550101", "4155550101"),
    ("0.00E+00", "4155550101", "4155550101"),
    ("0,", "4155550101", "4155550101"),
    ("[Red]0", "5", "5"),
    ("_(* #,##0_);_(* \\(#,##0\\)", "4155550101", "4155550101"),
    ("@", "4155550101", "4155550101"),
    (";;;", "5", "5"),  # what is hidden is heard
    ("0;-0;;@", "0", "0"),
    # leading noughts
    ("0000000", "12345", "0012345"),
    ("0000000", "12345678", "12345678"),
    ("00000", "2139", "02139"),
    ("00000", "2139.0", "02139"),
    ("00000", "0", "00000"),
    ("0#######", "12345", "00012345"),
    ("[Blue]0000", "5", "0005"),
    ("000.00", "1.5", "001.50"),
    # signs and words of the format
    ('"+1 "0', "4155550101", "+1 4155550101"),
    ('"+1 "General', "4155550101", "+1 4155550101"),
    ('"+1 "@', "4155550101", "+1 4155550101"),
    ("\\+0", "14155550101", "+14155550101"),
    ("+0", "14155550101", "+14155550101"),
    ("(000) 000-0000", "4155550101", "(415) 555-0101"),
    ("000\\-000\\-0000", "4155550101", "415-555-0101"),
    ("###\\.###\\.####", "4155550101", "415.555.0101"),
    ("(000) 000-0000", "14155550101", "(1415) 555-0101"),
    ("[<=9999999]###-####;(###) ###-####", "4155550101", "(415) 555-0101"),
    ("[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "5550101", "555-0101"),
    ("00000-0000", "752011234", "75201-1234"),
    ("000-00-0000", "12345678", "012-34-5678"),
    ('"MRN-"000000', "4711", "MRN-004711"),
    ('0" yrs"', "41", "41 yrs"),
    ('0" yrs"', "-5", "-5 yrs"),
    ('"$"#,##0.00', "1234.5", "$1,234.50"),
    ("[$€-2] #,##0.00", "1234567.891", "€ 1,234,567.89"),
    (BUILT_IN[44], "1234.5", "$1,234.50"),
    (BUILT_IN[37], "-5", "(5)"),
    ("0000;(0000)", "-5", "(0005)"),
    ('"Yes";"Yes";"No"', "1", "Yes"),
    ('"Yes";"Yes";"No"', "0", "No"),
    ('[=1]"Yes";[=0]"No";General', "1", "Yes"),
    ('[=1]"Yes";[=0]"No";General', "0", "No"),
    ('[=1]"Yes";[=0]"No";General', "7", "7"),
    ('[>100]"many";"few"', "99", "few"),
    ("0%", "0.5", "50%"),
    ("0.0%", "0.125", "12.5%"),
    ("0%", "0.125", "13%"),
    # weekdays and months
    ("dddd", MONDAY, "Monday"),
    ("ddd", MONDAY, "Mon"),
    ("mmmm", MONDAY, "January"),
    ("mmm", MONDAY, "Jan"),
    ("mmmmm", MONDAY, "J"),
    ("dddd, mmmm d, yyyy", MONDAY, "Monday, January 5, 2026"),
    ("[$-409]dddd\\,\\ mmmm\\ d", MONDAY, "Monday, January 5"),
    ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", MONDAY, "Monday, January 05, 2026"),
    ("[$-C0A]dddd", MONDAY, "lunes"),
    ('[$-80A]d "de" mmmm', MONDAY, "5 de enero"),
    ("[$-es-MX,8]dddd", "46029", "miércoles"),
    ("[$-en-US]ddd", MONDAY, "Mon"),
    ("d-mmm-yy", MONDAY, "5-Jan-26"),
    ('"Appt "dddd', MONDAY, "Appt Monday"),
    ("ddd h:mm AM/PM", MONDAY + ".5625", "Mon 1:30 PM"),
    # parts of a date
    ("d", MONDAY, "5"),
    ("m/d", MONDAY, "1/5"),
    ("yyyy", MONDAY, "2026"),
    ("yy", MONDAY, "26"),
    # dates and times in digits are unlike wherever one lives
    ("m/d/yyyy", MONDAY, "2026-01-05"),
    ("dd/mm/yy", MONDAY, "2026-01-05"),
    ("[$-407]dd\\.mm\\.yyyy", MONDAY, "2026-01-05"),
    ("[$-409]m/d/yy;@", MONDAY, "2026-01-05"),
    ("m/d/yyyy", MONDAY + ".4", "2026-01-05"),
    ("m/d/yyyy h:mm", MONDAY + ".4", "2026-01-05 09:36"),
    ("m/d/yy h:mm AM/PM", MONDAY + ".75", "2026-01-05 18:00"),
    ("yyyy\\-mm\\-dd\\ hh:mm:ss", MONDAY + ".4", "2026-01-05 09:36:00"),
    ("yyyy-mm-dd hh:mm:ss", MONDAY, "2026-01-05"),
    ("h:mm:ss", "0.5625", "13:30:00"),
    ("h:mm", "0.5625", "13:30"),
    ("h:mm AM/PM", "0.5625", "1:30 PM"),
    ("h:mm AM/PM", "0.0208333333333333", "12:30 AM"),
    ("hh:mm A/P", "0.5", "12:00 P"),
    ("mm:ss", "0.0123", "17:43"),
    ("mm:ss.0", "0.0123", "17:42.7"),
    ("[h]:mm:ss", "1.5", "36:00:00"),
    ("[mm]", "0.5", "720"),
    ("yyyy-mm-dd", "1", "1900-01-01"),
    ("yyyy-mm-dd", "60", "1900-02-29"),  # a day that spreadsheet programs have
    ("yyyy-mm-dd", "61", "1900-03-01"),
    ("yyyy-mm-dd", "2958465", "9999-12-31"),
    ("yyyy-mm-dd", "2958466", "#VALUE!"),
    ("yyyy-mm-dd", "99999550142", "#VALUE!"),
    ("yyyy-mm-dd", "-1", "#VALUE!"),
]


def shown(code: str, number: str, *, from_1904: bool = False) -> str:
    return (shown_by(code, from_1904=from_1904).number or plain)(number)


@pytest.mark.parametrize(("code", "number", "seen"), SHOWN)
def test_a_number_is_shown_by_its_format(code: str, number: str, seen: str) -> None:
    assert shown(code, number) == seen
    assert shown_by(code, from_1904=False).understood


NOT_UNDERSTOOD = [
    ("# ?/?", "1.5", "1.5"),
    ("[DBNum1]0000", "5", "5"),
    ('[$-411]ggge"年"m"月"d"日"', MONDAY, "2026-01-05"),
    ("[$-42A]dddd", MONDAY, "2026-01-05"),  # a language whose days are not known here
    ("[$-2010401]m/d/yyyy", MONDAY, "2026-01-05"),  # another language's digits
    ("0" * 300, "5", "5"),
]


@pytest.mark.parametrize(("code", "number", "seen"), NOT_UNDERSTOOD)
def test_a_format_that_is_not_understood_leaves_a_number_and_makes_a_date_of_digits(
    code: str, number: str, seen: str
) -> None:
    assert not shown_by(code, from_1904=False).understood
    assert shown(code, number) == seen


def test_dates_may_count_from_1904() -> None:
    assert shown("yyyy-mm-dd", "0", from_1904=True) == "1904-01-01"
    assert shown("dddd", "44565", from_1904=True) == "Monday"
    assert shown("yyyy-mm-dd", "44565", from_1904=True) == "2026-01-05"


@pytest.mark.parametrize("number", ["", "x", "1_000", "nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("code", ["General", "0000", "yyyy-mm-dd", '"+1 "0'])
def test_what_is_no_number_is_none(code: str, number: str) -> None:
    with pytest.raises(ValueError):
        shown(code, number)


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ('"+1 "@', "+1 call back"),
        ('General;General;General;"Note: "@', "Note: call back"),
        ("@", "call back"),
        ("0000", "call back"),
        (";;;", "call back"),
    ],
)
def test_a_text_gains_what_its_format_adds(code: str, seen: str) -> None:
    assert (shown_by(code, from_1904=False).text or str)("call back") == seen


@given(st.integers(min_value=61, max_value=2_958_465), st.integers(min_value=0, max_value=86_399))
def test_a_date_in_digits_is_the_moment_that_the_number_counts_to(day: int, second: int) -> None:
    moment = datetime(1899, 12, 30) + timedelta(days=day, seconds=second)  # noqa: DTZ001
    seen = shown("m/d/yyyy h:mm:ss", repr(day + second / 86_400))
    assert seen == (moment.date().isoformat() if not second else moment.isoformat(sep=" "))


@given(
    st.text(alphabet='0#?.,%/@;"\\_*[]dmyhsaAMPEGeneral+-()$<>=19 ', max_size=40),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_a_format_says_a_number_is_shown_somehow(code: str, number: float) -> None:
    assert isinstance(shown(code, repr(number)), str)


@given(
    st.integers(min_value=10**9, max_value=10**15 - 1),
    st.sampled_from(["0", "#,##0", "@", "General", "0.00", '"+"0', "000-0000"]),
)
def test_no_format_takes_a_digit_from_a_phone_number(number: int, code: str) -> None:
    assert "".join(filter(str.isdigit, shown(code, str(number)))) == str(number)


STYLES = (
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="0000000"/><numFmt numFmtId="165" formatCode="# ?/?"/></numFmts>'
    '<fonts><font/></fonts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0" fontId="0"/><xf numFmtId="164"/><xf numFmtId="14"/><xf numFmtId="165"/></cellXfs>'
)


def test_cells_have_the_formats_of_their_styles() -> None:
    row = (
        '<row r="1"><c r="A1" s="1"><v>12345</v></c><c r="B1" s="2"><v>46027</v></c><c r="C1" s="0"><v>5</v></c></row>'
    )
    assert rows_of(raw(row, styles=STYLES)) == [(1, ["0012345", "2026-01-05", "5"])]


def test_a_workbook_may_count_from_1904() -> None:
    row = '<row r="1"><c r="A1" s="2"><v>44565</v></c></row>'
    assert rows_of(raw(row, styles=STYLES, workbook='<workbookPr date1904="1"/>')) == [(1, ["2026-01-05"])]


def test_a_date_may_be_written_as_one() -> None:
    row = '<row r="1"><c r="A1" t="d" s="2"><v>2026-01-05T00:00:00</v></c><c r="B1" t="d"><v>2026-01-05T09:30:00Z</v></c></row>'
    for workbook in ("", '<workbookPr date1904="1"/>'):
        content = raw(row, styles=STYLES, workbook=workbook)
        assert rows_of(content) == [(1, ["2026-01-05", "2026-01-05 09:30:00"])]


def test_formats_that_are_not_applied_are_noticed_by_column() -> None:
    row = '<row r="{0}"><c r="A{0}" s="3"><v>1.5</v></c><c r="B{0}" s="1"><v>1</v></c></row>'
    assert noticed_in(raw(row.format(1) + row.format(2), styles=STYLES)) == {"formats": {"A": 2}}
