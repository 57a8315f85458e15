"""What people and programs make of a phone number in a cell, and what we read."""

from __future__ import annotations

import timeit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rvm.spreadsheets.cells.cell_values import phone
from rvm.spreadsheets.cells.phones import looks_like_phone
from rvm.spreadsheets.refusals import CellInvalid
from tests.campaigns.imports.grammar import several

THE_NUMBER = "+12025550142"
SPELLINGS = [
    "2025550142",
    "12025550142",
    "+12025550142",
    "(202) 555-0142",
    "(202)555-0142",
    "(202)-555-0142",
    "( 202 ) 555 - 0142",
    "202-555-0142",
    "202.555.0142",
    "202 555 0142",
    "202 5550142",
    "202/555-0142",
    "1-202-555-0142",
    "1.202.555.0142",
    "1 (202) 555-0142",
    "+1 (202) 555-0142",
    "(+1) 202 555 0142",
    "+1.202.555.0142",
    "001 202 555 0142",
    "0012025550142",
    "011 1 202 555 0142",
    "  2025550142  ",
    "\t2025550142\n",
    "2025550142\r\n",
    # spaces and marks that nobody sees
    "202\u00a0555\u00a00142",
    "\u200b2025550142\u200b",
    "\ufeff2025550142",
    "202\u2009555\u202f0142",
    "\u202a+1 202 555 0142\u202c",
    "\u200e+1\u00a0(202)\u00a0555\u20110142",
    "202\u2013555\u20130142",
    "202\u2212555\u22120142",
    "202\u3000555\u30000142",
    "202\u00ad5550142",
    # spreadsheet programs
    "'2025550142",
    "'+12025550142",
    "' 2025550142",
    '="2025550142"',
    '="+1 (202) 555-0142"',
    "=2025550142",
    '"2025550142"',
    "2025550142.0",
    "12025550142.00",
    "2025550142,0",
    "2,025,550,142",
    "2.025.550.142",
    "2.025550142E+09",
    "2.025550142e9",
    "2,025550142E+09",
    "1.2025550142E+10",
    "2.0255501420000E+09",
    # links
    "tel:2025550142",
    "tel:+1-202-555-0142",
    "TEL: +12025550142",
    "tel://2025550142",
    "callto:+12025550142",
    "tel:%2B12025550142",
    "tel:202-555-0142;phone-context=+1",
    "tel:555-0142;phone-context=+1-202",
    "tel:+12025550142;isub=1",
    # digits of other scripts
    "２０２５５５０１４２",
    "（２０２）５５５－０１４２",
    "＋１２０２５５５０１４２",
    "٢٠٢٥٥٥٠١٤٢",
    "۲۰۲۵۵۵۰۱۴۲",
    "२०२५५५०१४२",
]


@pytest.mark.parametrize("cell", SPELLINGS)
def test_every_spelling_of_a_number_is_read_as_that_number(cell: str) -> None:
    assert phone(cell) == THE_NUMBER
    assert looks_like_phone(cell)


TYPED = several(
    """
    H: 202-555-0142|H: (202) 555-0142|202-555-0142 Cell|Home 202-555-0142|(202) 555-0142 (mobile)|cel 202 555 0142|202-555-0142 h
    C:2025550142|(H) 202-555-0142|[cell] 202-555-0142|202-555-0142 (c)|202-555-0142/cell|202-555-0142, cell|202-555-0142 - home
    Cell# 202-555-0142|Cell #: 202-555-0142|Tel. 202-555-0142|Tel: +1 202 555 0142|Ph 2025550142|Phone: 202-555-0142
    Home phone 202-555-0142
    202-555-0142 (home phone)|2025550142 mobile|Mobile - 202.555.0142|Casa: 202-555-0142|Celular 202 555 0142|202 555 0142 (celular)
    Móvil: 202 555 0142|Trabajo 202-555-0142|202-555-0142 trabajo|202-555-0142 (work)|Work: 202-555-0142|202-555-0142 primary
    Pt's cell: 202-555-0142|202-555-0142 (self)|CELL 1-202-555-0142|202-555-0142 CELL PHONE|202-555-0142 preferred|202-555-0142(C)
    Teléfono: 202 555 0142|Tel. casa 202 555 0142|202-555-0142 H.
    """
)


@pytest.mark.parametrize("cell", TYPED)
def test_which_of_the_persons_phones_a_number_is_may_stand_beside_it(cell: str) -> None:
    assert phone(cell) == THE_NUMBER
    assert looks_like_phone(cell)


ABROAD = [
    ("+44 20 7946 0018", "US", "+442079460018"),
    ("+44 (0)20 7946 0018", "US", "+442079460018"),
    ("011 44 20 7946 0018", "US", "+442079460018"),
    ("0044 20 7946 0018", "US", "+442079460018"),
    ("020 7946 0018", "GB", "+442079460018"),
    ("(020) 7946 0018", "GB", "+442079460018"),
    ("07700 900123", "GB", "+447700900123"),
    ("+1 202 555 0142", "GB", "+12025550142"),
    ("00 1 202 555 0142", "DE", "+12025550142"),
    ("2045550142", "CA", "+12045550142"),
    ("787-555-0142", "PR", "+17875550142"),
]


@pytest.mark.parametrize(("cell", "region", "number"), ABROAD)
def test_numbers_of_other_countries_are_read_by_their_rules(cell: str, region: str, number: str) -> None:
    assert phone(cell, region) == number


def test_numbers_of_the_sandbox_are_read_like_any_other() -> None:
    assert phone("(555) 001-0142") == "+15550010142"
    assert looks_like_phone("5550010142")


REFUSED = [
    ("", "phone_missing"),
    ("   ", "phone_missing"),
    ("\u200b\u00a0", "phone_missing"),
    ("'", "phone_missing"),
    ('=""', "phone_missing"),
    ("n/a", "phone_missing"),
    ("None", "phone_missing"),
    ("-", "phone_missing"),
    ("4.15555E+09", "excel_damaged"),
    ("4.15555e+9", "excel_damaged"),
    ("4,15555E+09", "excel_damaged"),
    ("1.41556E+10", "excel_damaged"),
    ("4E+09", "excel_damaged"),
    ("'4.15555E+09", "excel_damaged"),
    ("2.02555014E+09", "excel_damaged"),  # nine digits of ten
    ("1.20255501423E+10E", "has_letters"),
    ("2.0255501423E+09", "excel_damaged"),  # a fraction is left: never was a number
    ("##########", "excel_damaged"),
    ("#REF!", "excel_damaged"),
    ("#N/A", "excel_damaged"),
    ("#NAME?", "excel_damaged"),
    ("202-555-0142 x123", "has_extension"),
    ("202-555-0142x123", "has_extension"),
    ("202-555-0142 ext. 4", "has_extension"),
    ("202-555-0142 Ext 4", "has_extension"),
    ("(202) 555-0142, ext 4", "has_extension"),
    ("202-555-0142 extension 4", "has_extension"),
    ("202-555-0142 #4", "has_extension"),
    ("2025550142,,123", "has_extension"),
    ("2025550142;123", "has_extension"),
    ("2025550142p123", "has_extension"),
    ("tel:+12025550142;ext=4", "has_extension"),
    ("２０２５５５０１４２ ｘ１２", "has_extension"),
    ("202-555-0142 / 202-555-0143", "two_numbers"),
    ("202-555-0142, 202-555-0143", "two_numbers"),
    ("202-555-0142;202-555-0143", "two_numbers"),
    ("2025550142 2025550143", "two_numbers"),
    ("202-555-0142 or 202-555-0143", "two_numbers"),
    ("202-555-0142\n202-555-0143", "two_numbers"),
    ("H: 202-555-0142 C: 202-555-0143", "two_numbers"),
    ("+12025550142+12025550143", "two_numbers"),
    ("2025550142/43", "two_numbers"),
    ("020 7946 0018 / 020 7946 0019", "two_numbers"),
    ("1-800-FLOWERS", "has_letters"),
    ("202-555-O142", "has_letters"),
    ("202-555-0142 (wife)", "has_letters"),
    ("202-555-0142 daughter", "has_letters"),
    ("202-555-0142 work (do not use)", "has_letters"),
    ("202-555-0142 disconnected", "has_letters"),
    ("202-555-0142 w", "has_letters"),  # work, or a wife
    ("M: 202-555-0142", "has_letters"),  # mobile, or a mother
    ("202-555-0142 old cell", "has_letters"),
    ("Mom 202-555-0142", "has_letters"),
    ("mother cell 202-555-0142", "has_letters"),
    ("202-555-0142 cell (wife)", "has_letters"),
    ("202-555-0142 (cell) DNC", "has_letters"),
    ("202-555-0142 cell no vm", "has_letters"),
    ("202-555-0142 h (deceased)", "has_letters"),
    ("Fax: 202-555-0142", "has_letters"),
    ("Emergency: 202-555-0142", "has_letters"),
    ("esposa 202-555-0142", "has_letters"),
    ("clinic phone 202-555-0142", "has_letters"),
    ("202-555-0142 mobile home park", "has_letters"),
    ("p 202-555-0142", "has_letters"),
    ("Home 202-555-0142 x12", "has_extension"),
    ("cell", "has_letters"),
    ("Cell: 555-0142", "not_a_phone"),
    ("202-555-0142 [crossed out]", "crossed_out"),
    ("ann@example.org", "has_letters"),
    ("call after five", "has_letters"),
    ("=HYPERLINK(A1)", "has_letters"),
    ("555-0142", "not_a_phone"),
    ("20255501", "not_a_phone"),
    ("442079460018", "not_a_phone"),  # the + is lost: twelve digits may as well be a slip
    ("22025550142", "not_a_phone"),
    ("2025-55-0142-0", "not_a_phone"),
    ("1961-02-03", "not_a_phone"),
    ("02/03/1961", "not_a_phone"),
    ("$20.25", "not_a_phone"),
    ("-2025550142", "not_a_phone"),
    ("202+5550142", "not_a_phone"),
    ("4111 1111 1111 1111", "not_a_phone"),
    ("+", "not_a_phone"),
    ("+0 202 555 0142", "not_a_phone"),
    ("+999 1234567", "not_a_phone"),
    ("2" * 5_000, "not_a_phone"),
    ("\ud800", "phone_missing"),
]


@pytest.mark.parametrize(("cell", "code"), REFUSED)
def test_a_cell_that_is_no_number_is_refused_with_a_code_and_a_sentence(cell: str, code: str) -> None:
    with pytest.raises(CellInvalid) as refusal:
        phone(cell)
    assert refusal.value.code == code
    assert refusal.value.message == str(refusal.value)
    assert refusal.value.message.endswith(".")


@pytest.mark.parametrize(("cell", "code"), [case for case in REFUSED if sum(map(str.isdigit, case[0])) > 4])
def test_a_refusal_never_repeats_the_number(cell: str, code: str) -> None:
    with pytest.raises(CellInvalid) as refusal:
        phone(cell)
    assert cell not in refusal.value.message
    assert "0142" not in refusal.value.message


NANP = st.builds("{}{}{:04}".format, st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999))
FORMATS = [
    "{0}{1}{2}",
    "1{0}{1}{2}",
    "+1{0}{1}{2}",
    "({0}) {1}-{2}",
    "{0}-{1}-{2}",
    "1-{0}-{1}-{2}",
    "+1 ({0}) {1}-{2}",
    "{0}.{1}.{2}",
    "001 {0} {1} {2}",
    "0111{0}{1}{2}",
    "tel:+1-{0}-{1}-{2}",
    "'{0}{1}{2}",
    '="{0}{1}{2}"',
    "{0}{1}{2}.0",
    "\u00a0{0}\u2009{1}\u2011{2}\u200b",
]


@given(NANP, st.sampled_from(FORMATS))
def test_a_number_is_read_back_from_every_format(number: str, form: str) -> None:
    assert phone(form.format(number[:3], number[3:6], number[6:])) == "+1" + number


@given(NANP)
def test_a_number_as_a_spreadsheet_program_shows_it_is_recovered_only_with_all_its_digits(number: str) -> None:
    assert phone(f"{number[0]}.{number[1:]}E+09") == "+1" + number
    with pytest.raises(CellInvalid) as refusal:
        phone(f"{number[0]}.{number[1:6]}E+09")
    assert refusal.value.code == "excel_damaged"


SCRAPS = st.sampled_from([*"0123456789+-.()/,;x#='\"eE \n\u00a0\u200b٣５", "tel:", "ext", ";ext=", "E+09", ".0", "or"])


@given(st.text(max_size=40) | st.lists(SCRAPS, max_size=30).map("".join), st.sampled_from(["US", "GB", "DE", "ZZ"]))
@example("=" * 50, "US")
@example("1" + " " * 99, "US")
@example("\x00", "US")
@example("tel:;phone-context=+", "US")
def test_any_text_is_a_number_in_e164_or_refused(cell: str, region: str) -> None:
    try:
        number = phone(cell, region)
    except CellInvalid:
        return
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert 8 <= len(number) <= 16


@pytest.mark.parametrize(
    "cell", ["1" * 100_000, "=" * 100_000, "(" * 100_000, "1 " * 50_000, "tel:" * 25_000, ";a" * 50_000]
)
def test_a_hostile_cell_takes_no_time(cell: str) -> None:
    assert min(timeit.repeat(lambda: looks_like_phone(cell), number=1, repeat=3)) < 0.5
