"""Sheets as people see them: which one is the list, which rows are hidden, and what is not as it seems."""

from __future__ import annotations

from typing import Any

import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font

from rvm.spreadsheets import workbooks
from rvm.spreadsheets.dialect import Dialect
from rvm.spreadsheets.ooxml.sheets import Noticed
from rvm.spreadsheets.preview import examine, preview
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import open_rows
from rvm.spreadsheets.workbook_notices import notices_of, other_sheets
from tests.rvm.spreadsheets.books import (
    MAIN,
    book,
    looked_at,
    noticed_in,
    parts,
    raw,
    refusal_of,
    rewritten,
    root,
    rows_of,
    zipped,
)

PEOPLE = [
    ["Name", "Cell"],
    ["Ana Lopez", "(415) 555-0101"],
    ["Ben Fern", "(415) 555-0102"],
    ["Cora Kapok", "(415) 555-0103"],
]
OTHERS = [["Name", "Cell"], ["Dev Pine", "(415) 555-0104"], ["Eva Oak", "(415) 555-0105"]]
COVER = [["Recall list of the clinic"], ["Printed by: jsmith"]]


def named(*names: str, hidden: tuple[str, ...] = (), very_hidden: tuple[str, ...] = (), active: int = 0) -> Any:
    def change(made: Any) -> None:
        for sheet, name in zip(made.worksheets, names, strict=True):
            sheet.title = name
            sheet.sheet_state = "hidden" if name in hidden else "veryHidden" if name in very_hidden else "visible"
        made.active = active

    return change


def hiding(*rows: int, columns: str = "") -> Any:
    def change(made: Any) -> None:
        for row in rows:
            made.worksheets[0].row_dimensions[row].hidden = True
        for column in columns:
            made.worksheets[0].column_dimensions[column].hidden = True

    return change


CHOSEN = {
    "the only one": (book(PEOPLE, change=named("Recall")), "Recall"),
    "the first of two lists": (book(PEOPLE, OTHERS, change=named("North", "South")), "North"),
    "the active one of two": (book(PEOPLE, OTHERS, change=named("North", "South", active=1)), "South"),
    "behind a cover": (book(COVER, PEOPLE, change=named("Cover", "Recall")), "Recall"),
    "behind a cover that is active": (book(PEOPLE, COVER, change=named("Recall", "Cover", active=1)), "Recall"),
    "behind a blank one": (book([], PEOPLE, change=named("Blank", "Recall")), "Recall"),
    "behind a hidden one": (book(OTHERS, PEOPLE, change=named("Old", "Recall", hidden=("Old",), active=1)), "Recall"),
    "behind one that is well hidden": (
        book(OTHERS, PEOPLE, change=named("Old", "Recall", very_hidden=("Old",), active=1)),
        "Recall",
    ),
    "although a hidden one is active": (book(OTHERS, PEOPLE, change=named("Old", "Recall", hidden=("Old",))), "Recall"),
    "no list, so the active one": (book(COVER, COVER, change=named("One", "Two", active=1)), "Two"),
}


@pytest.mark.parametrize(("content", "name"), CHOSEN.values(), ids=CHOSEN)
def test_the_list_is_the_active_or_first_sheet_that_is_shown_and_has_phones(content: bytes, name: str) -> None:
    dialect, seen = examine(lambda: [content])
    assert (dialect.sheet, seen.sheet) == (name, name)
    assert [cells for _, cells in open_rows([content], dialect)] == [cells for _, cells in seen.rows]


def test_the_other_sheets_are_named() -> None:
    content = book(
        PEOPLE, OTHERS, COVER, [], OTHERS, change=named("North", "South", "Notes", "Blank", "2019", hidden=("2019",))
    )
    _, seen = examine(lambda: [content])
    sheets = [{"name": sheet.name, "visibility": sheet.visibility, "has_rows": sheet.has_rows} for sheet in seen.sheets]
    assert [(sheet["name"], sheet["visibility"], sheet["has_rows"]) for sheet in sheets] == [
        ("North", "visible", True),
        ("South", "visible", True),
        ("Notes", "visible", True),
        ("Blank", "visible", False),
        ("2019", "hidden", True),
    ]
    assert other_sheets(sheets, "North") == [
        "Only the sheet “North” is read. There are rows in “South” and “Notes” as well.",
        "Hidden in the workbook and not read: “2019”.",
    ]
    assert other_sheets(sheets[:1], "North") == []
    others = [{"name": name, "visibility": "visible", "has_rows": True} for name in ("North", "DNC", "Deceased")]
    assert other_sheets(others, "North")[0] == (
        "“DNC” and “Deceased” are named like lists of people who must not be reached, and not read. Upload them first, as a list of "
        "opt-outs or of canceled appointments."
    )


@pytest.mark.parametrize("name", ["South", "Old"])
def test_any_sheet_can_be_chosen_by_name_even_a_hidden_one(name: str) -> None:
    content = book(PEOPLE, OTHERS, change=named("North", name, hidden=("Old",)))
    dialect = Dialect("xlsx", "", "", header_row=1, sheet=name)
    assert [cells for _, cells in preview([content], dialect).rows] == OTHERS[1:]
    assert [cells for _, cells in open_rows([content], dialect)] == OTHERS[1:]


def test_a_sheet_that_there_is_not_is_refused() -> None:
    dialect = Dialect("xlsx", "", "", header_row=1, sheet="East")
    for read in (lambda: preview([book(PEOPLE)], dialect), lambda: list(open_rows([book(PEOPLE)], dialect))):
        with pytest.raises(SheetInvalid) as refusal:
            read()
        assert refusal.value.code == "sheet_unknown"


def test_a_workbook_with_rows_in_hidden_sheets_only_is_refused_with_their_names() -> None:
    content = book([], PEOPLE, change=named("Blank", "Recall", hidden=("Recall",)))
    with pytest.raises(SheetInvalid) as refusal:
        examine(lambda: [content])
    assert refusal.value.code == "empty"
    assert "“Recall”" in refusal.value.message
    assert refusal_of(content) == "empty"


def test_a_sheet_that_cannot_be_read_is_no_obstacle_where_another_one_is_the_list() -> None:
    wide = book([["x"] * 501], PEOPLE, change=named("Rota", "Recall"))
    assert examine(lambda: [wide])[0].sheet == "Recall"
    assert [sheet.get("refused", [""])[0] for sheet in looked_at(wide)] == ["too_many_columns", ""]
    with pytest.raises(SheetInvalid) as refusal:
        preview([wide], Dialect("xlsx", "", "", header_row=1, sheet="Rota"))
    assert refusal.value.code == "too_many_columns"


def test_neither_is_a_sheet_whose_relations_are_damaged() -> None:
    made = parts(*(["<sheetData>" + "<row><c><v>4155550101</v></c></row>" * 2 + "</sheetData>"] * 2))
    made["xl/worksheets/_rels/sheet1.xml.rels"] = b"<Relationships"
    assert [sheet.get("refused", [""])[0] for sheet in looked_at(zipped(made))] == ["xlsx_damaged", ""]


def test_names_of_sheets_are_shown_without_a_number_and_are_told_apart() -> None:
    made = parts("", "", "", root('<row><c t="inlineStr"><is><t>Ana</t></is></c></row>'))
    tabs = made["xl/workbook.xml"]
    for at, name in enumerate(("Ana 415-555-0101", "Ben 415-555-0102", "a\nb", "a b"), 1):
        tabs = tabs.replace(f'name="Sheet{at}"'.encode(), f'name="{name}"'.replace("\n", "&#10;").encode())
    content = zipped(made | {"xl/workbook.xml": tabs})
    assert [sheet["name"] for sheet in looked_at(content)] == ["Ana [number]", "Ben [number]", "a b", "a b (2)"]
    assert rows_of(content, "a b (2)") == [(1, ["Ana"])]


def test_rows_that_a_filter_or_a_person_hides_are_left_out_and_counted() -> None:
    content = book([*PEOPLE, [], [None, " "], *OTHERS[1:]], change=hiding(3, 5, 6, 8))
    assert [number for number, _ in rows_of(content)] == [1, 2, 4, 7]
    assert noticed_in(content) == {"hidden_rows": 2}
    assert looked_at(content)[0]["noticed"]["hidden_rows"] == 2


def test_a_list_of_which_all_rows_are_hidden_is_one_all_the_same() -> None:
    content = book(PEOPLE[1:], change=hiding(1, 2, 3))
    _, seen = examine(lambda: [content])
    assert (seen.sheet, seen.rows) == ("Sheet", [])
    assert seen.notices[0].startswith("3 rows are hidden in the workbook")
    with pytest.raises(SheetInvalid) as refusal:
        list(workbooks.rows_of([content]))
    assert (refusal.value.code, "hidden" in refusal.value.message) == ("empty", True)


def test_hidden_rows_are_read_where_somebody_says_so() -> None:
    content = book(PEOPLE, change=hiding(3))
    assert [number for number, _ in rows_of(content, hidden_rows=True)] == [1, 2, 3, 4]
    assert noticed_in(content, hidden_rows=True) == {}
    dialect = Dialect("xlsx", "", "", header_row=1, hidden_rows=True)
    assert [number for number, _ in preview([content], dialect).rows] == [2, 3, 4]


@pytest.mark.parametrize("attribute", ['hidden="1"', 'hidden="true"', 'ht="0" customHeight="1"', 'ht="0.0"'])
def test_a_row_is_hidden_in_more_than_one_way(attribute: str) -> None:
    row = '<row r="{}" {}><c t="str"><v>4155550101</v></c></row>'
    content = raw(row.format(1, "") + row.format(2, attribute) + row.format(3, 'hidden="0" ht="15"'))
    assert [number for number, _ in rows_of(content)] == [1, 3]


def test_a_hidden_row_of_headings_is_read_because_it_may_name_what_says_no() -> None:
    headed = [["Name", "Cell", "Do not call"], ["Ana", "(415) 555-0101", "X"], ["Ben", "(415) 555-0102", ""]]
    assert [number for number, _ in rows_of(book(headed, change=hiding(1)))] == [1, 2, 3]
    assert noticed_in(book(headed, change=hiding(1))) == {}
    # A person's row is none, and headings stand above the first row that is shown.
    assert [number for number, _ in rows_of(book(headed[1:], change=hiding(1)))] == [2]
    assert [number for number, _ in rows_of(book([*headed, ["Fay"]], change=hiding(4)))] == [1, 2, 3]


def test_no_more_than_a_few_hidden_rows_are_headings() -> None:
    assert len(rows_of(book([["Ana"]] * 20 + [["Ben"]], change=hiding(*range(1, 21))))) == 6


def test_hidden_columns_are_read_and_said() -> None:
    content = book([["Name", "Cell", "OK to call"], ["Ana", "(415) 555-0101", "No"]], change=hiding(columns="CX"))
    assert rows_of(content)[1] == (2, ["Ana", "(415) 555-0101", "No"])
    assert noticed_in(content) == {"hidden_columns": ["C"]}


def crossed_out(*cells: str) -> Any:
    def change(made: Any) -> None:
        for cell in cells:
            made.worksheets[0][cell].font = Font(strike=True)

    return change


def test_rows_that_are_crossed_out_are_left_out_and_counted() -> None:
    content = book(PEOPLE, change=crossed_out("A3", "B3", "B4"))
    assert [number for number, _ in rows_of(content)] == [1, 2, 4]
    assert noticed_in(content) == {"crossed_out_rows": 1, "crossed_out": {"B": 1}}
    assert [number for number, _ in rows_of(content, hidden_rows=True)] == [1, 2, 3, 4]


RUNS = {
    "a part": ("<r><rPr><strike/></rPr><t>415</t></r><r><t> 555 0101</t></r>", True),
    "its end": ("<r><t>415 555 </t></r><r><rPr><b/><strike/><sz val='11'/></rPr><t>0101</t></r>", True),
    "all of it": ("<r><rPr><strike val='true'/></rPr><t>415 555 0101</t></r>", True),
    "a line": ("<r><rPr><strike/></rPr><t>415 555 0101\n</t></r><r><t> </t></r>", True),
    "a blank": ("<r><t>415 555 0101</t></r><r><rPr><strike/></rPr><t xml:space='preserve'> </t></r>", False),
    "not after all": ("<r><rPr><strike val='0'/></rPr><t>415 555 0101</t></r>", False),
    "how it is spoken": ("<t>415 555 0101</t><rPh><r><rPr><strike/></rPr></r><t>x</t></rPh>", False),
    "nothing": ("<r><rPr><b/></rPr><t>415 555 0101</t></r>", False),
}


@pytest.mark.parametrize(("runs", "crossed_out"), RUNS.values(), ids=RUNS)
def test_a_cell_that_is_crossed_out_in_part_says_so(runs: str, crossed_out: bool) -> None:
    other = "<si><t>Ana</t></si>"
    shared = raw(
        '<row r="1"><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row r="2"><c t="s"><v>0</v></c><c t="s"><v>2</v></c></row>',
        texts=f"{other}<si>{runs}</si><si><t>4155550102</t></si>",
    )
    inline = raw(
        f'<row r="1"><c t="s"><v>0</v></c><c t="inlineStr"><is>{runs}</is></c></row>'
        '<row r="2"><c t="s"><v>0</v></c><c t="inlineStr"><is><t>4155550102</t></is></c></row>',
        texts=other,
    )
    for content in (shared, inline):
        (_, first), second = rows_of(content)
        assert first[1].endswith(" [crossed out]") is crossed_out
        assert second == (2, ["Ana", "4155550102"])
        assert noticed_in(content) == ({"crossed_out": {"B": 1}} if crossed_out else {})
        assert not rows_of(content, hidden_rows=True)[0][1][1].endswith("]")


COMMENTS = {
    "a no, as Excel writes a note": ("Front desk:\nDO NOT CALL", "[comment: DO NOT CALL]"),
    "a no in a conversation": (
        "[Threaded comment]\n\nYour version of Excel allows you to read this threaded comment.\n\nComment:\n    Pt declined",
        "[comment: do not call: Pt declined]",
    ),
    "a death": ("deceased 3/2", "[comment: deceased 3/2]"),
}


@pytest.mark.parametrize(("text", "said"), COMMENTS.values(), ids=COMMENTS)
def test_a_comment_that_says_no_stands_in_its_cell(text: str, said: str) -> None:
    def comment(made: Any) -> None:
        made.worksheets[0]["B3"].comment = Comment(text, "Front desk")
        made.worksheets[0]["C4"].comment = Comment(text, "Front desk")

    plain, rows = dict(rows_of(book(PEOPLE))), dict(rows_of(book(PEOPLE, change=comment)))
    assert rows[3][1] == f"{plain[3][1]} {said}"
    assert rows[4][2] == said if len(plain[4]) < 3 else rows[4][2] == f"{plain[4][2]} {said}"
    assert rows[2] == plain[2]


def test_other_comments_are_counted() -> None:
    def comment(made: Any) -> None:
        made.worksheets[0]["B3"].comment = Comment("called back on Monday", "Front desk")

    content = book(PEOPLE, change=comment)
    assert dict(rows_of(content)) == dict(rows_of(book(PEOPLE)))
    assert noticed_in(content) == {"comments": {"B": 1}}


def test_cells_that_are_merged_downwards_say_the_same_in_each_row() -> None:
    def merge(made: Any) -> None:
        sheet = made.worksheets[0]
        for cells in ("C2:C4", "A5:B5", "D2:D3"):
            sheet.merge_cells(cells)

    rows = [
        ["Name", "Cell", "Do not call"],
        ["Ana", "1", "X"],
        ["Ben", "2"],
        ["Eva", "3"],
        ["Total", None, "n"],
        ["Fay", "4"],
    ]
    assert [cells for _, cells in rows_of(book(rows, change=merge))] == [
        ["Name", "Cell", "Do not call"],
        ["Ana", "1", "X"],
        ["Ben", "2", "X"],
        ["Eva", "3", "X"],
        ["Total", "", "n"],
        ["Fay", "4"],
    ]


def test_a_blank_row_stays_one_though_a_merged_cell_reaches_into_it() -> None:
    merged = root(
        '<sheetData><row r="1"><c t="str"><v>Recall</v></c></row><row r="2"><c s="0"/></row></sheetData>'
        '<mergeCells count="1"><mergeCell ref="A1:A2"/></mergeCells>'
    )
    assert rows_of(raw(merged)) == [(1, ["Recall"])]


FORMULAS = {
    "no value": ("<f>1+1</f>", "#N/A"),
    "an empty value": ("<f>1+1</f><v/>", "#N/A"),
    "a number": ("<f>1+1</f><v>2</v>", "2"),
    "a nought": ("<f>1+1</f><v>0</v>", "0"),
    "of others": ('<f t="shared" si="0"/>', "#N/A"),
}


@pytest.mark.parametrize(("cell", "shown"), FORMULAS.values(), ids=FORMULAS)
def test_a_formula_shows_its_result_or_that_there_is_none(cell: str, shown: str) -> None:
    content = raw(f'<row r="2"><c r="B2">{cell}</c></row>')
    assert rows_of(content) == [(2, ["", shown])]
    assert noticed_in(content) == ({"formulas": {"B": 1}} if shown == "#N/A" else {})


def test_a_formula_may_result_in_an_empty_text() -> None:
    content = raw('<row><c t="str"><f>""</f><v></v></c><c><v>1</v></c></row>')
    assert rows_of(content) == [(1, ["", "1"])]
    assert noticed_in(content) == {}


def test_a_nought_is_no_result_where_the_workbook_is_to_be_calculated_when_it_is_opened() -> None:
    content = raw("<row><c><f>A1</f><v>0</v></c><c><v>0</v></c></row>", workbook='<calcPr fullCalcOnLoad="1"/>')
    assert rows_of(content) == [(1, ["#N/A", "0"])]


def test_errors_of_formulas_are_shown_and_noticed() -> None:
    content = raw('<row><c t="e"><f>1/0</f><v>#DIV/0!</v></c></row>')
    assert (rows_of(content), noticed_in(content)) == ([(1, ["#DIV/0!"])], {"errors": {"A": 1}})


TEXTS = {
    "plain": ("<t>Ana</t>", "Ana"),
    "spaces": ('<t xml:space="preserve"> Ana </t>', " Ana "),
    "runs": ("<r><rPr><b/></rPr><t>(415) </t></r><r><t>555-0101</t></r>", "(415) 555-0101"),
    "phonetic": ('<t>山田</t><rPh sb="0" eb="1"><t>ヤマダ</t></rPh><phoneticPr fontId="1"/>', "山田"),
    "runs and phonetic": ("<r><t>山</t></r><rPh><t>ヤマ</t></rPh><r><t>田</t></r>", "山田"),
    "escaped": ("<t>555-0101_x000D_</t>", "555-0101\r"),
    "escaped twice": ("<t>a_x005F_x000D_b</t>", "a_x000D_b"),
    "halves of a character": ("<t>_xD83D__xDE00_</t>", "\N{GRINNING FACE}"),
    "half a character": ("<t>a_xD83D_b</t>", "a\N{REPLACEMENT CHARACTER}b"),
    "not escaped": ("<t>_xyz_ _x00_</t>", "_xyz_ _x00_"),
    "CDATA": ("<t><![CDATA[<Ana>]]></t>", "<Ana>"),
    "entities": ("<t>A&amp;B &#233;</t>", "A&B é"),
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.values(), ids=TEXTS)
def test_a_text_is_read_as_it_was_typed_wherever_it_stands(text: str, shown: str) -> None:
    end = "<c><v>1</v></c></row>"
    assert rows_of(raw(f'<row><c t="inlineStr"><is>{text}</is></c>{end}')) == [(1, [shown, "1"])]
    shared = raw(f'<row><c t="s"><v>1</v></c>{end}', texts=f"<si><t>no</t></si><si>{text}</si>")
    assert rows_of(shared) == [(1, [shown, "1"])]


def test_the_child_which_can_load_nothing_more_reads_every_text() -> None:
    cells = "".join(f'<row><c t="inlineStr"><is>{text}</is></c></row>' for text, _ in TEXTS.values())
    assert [row for _, row in workbooks.rows_of([raw(cells)])] == [[shown] for _, shown in TEXTS.values()]


def test_spaces_between_the_elements_say_nothing() -> None:
    row = '<row r="1">\n  <c r="A1">\n   <f>1+1</f>\n   <v>4155550101</v>\n  </c>\n '
    row += '<c r="B1" t="inlineStr"> <is> <t>Ana</t> </is> </c></row>'
    assert rows_of(raw(row)) == [(1, ["4155550101", "Ana"])]


STRICT = {
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": b"http://purl.oclc.org/ooxml/officeDocument/relationships",
}


def test_the_strict_vocabulary_says_the_same() -> None:
    made = parts('<row><c t="s"><v>0</v></c><c><v>4155550101</v></c></row>', texts="<si><t>Ana</t></si>")
    for old, new in STRICT.items():
        made = {name: part.replace(old, new) for name, part in made.items()}
    assert rows_of(zipped(made)) == [(1, ["Ana", "4155550101"])]


def test_names_may_have_a_prefix() -> None:
    row = '<x:row r="1"><x:c r="A1"><x:v>5</x:v></x:c></x:row>'
    sheet = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{row}</x:sheetData></x:worksheet>'
    assert rows_of(raw(sheet)) == [(1, ["5"])]
    texts = f'<x:sst xmlns:x="{MAIN}"><x:si><x:t>Ana</x:t></x:si></x:sst>'.encode()
    made = parts('<row><c t="s"><v>0</v></c></row>', texts="-") | {"xl/sharedStrings.xml": texts}
    assert rows_of(zipped(made)) == [(1, ["Ana"])]


def test_a_part_may_be_in_utf_16() -> None:
    sheet = root('<row><c t="str"><v>José</v></c></row>')
    content = rewritten(raw(""), {"xl/worksheets/sheet1.xml": sheet.encode("utf-16")})
    assert list(workbooks.rows_of([content])) == [(1, ["José"])]


DISORDER = {
    "a row's number twice": '<row r="1"/><row r="2"><c><v>1</v></c></row><row r="2"><c><v>2</v></c></row>',
    "rows out of order": '<row r="3"><c><v>1</v></c></row><row r="2"><c><v>2</v></c></row>',
    "a number that is not counted up to": '<row r="5"><c><v>1</v></c></row><row><c><v>2</v></c></row><row r="6"><c/></row>',
    "a row in a row": '<row r="1"><row r="2"><c><v>1</v></c></row></row>',
    "a cell twice": '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
    "cells out of order": '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
    "a cell of another row": '<row r="1"><c r="A1"><v>1</v></c><c r="B2"><v>2</v></c></row>',
    "a cell of no row": '<row r="1"><c r="A"><v>1</v></c><c r="1"><v>2</v></c></row>',
    "a column that there is not": '<row r="1"><c r="XFE1"><v>1</v></c></row>',
    "a cell behind the last": '<row r="1"><c r="XFD1"/><c><v>1</v></c></row>',
}


@pytest.mark.parametrize("rows", DISORDER.values(), ids=DISORDER)
def test_rows_and_cells_twice_or_out_of_order_refuse_the_list(rows: str) -> None:
    assert refusal_of(raw(rows)) == "rows_disordered"


NONSENSE = {
    "a row's number": '<row r="-1"><c><v>1</v></c></row>',
    "a row's number with a point": '<row r="1.0"/>',
    "a cell outside of rows": "<c><v>1</v></c>",
    "a cell in a cell": "<row><c><c><v>1</v></c></c></row>",
    "two values": "<row><c><v>1</v><v>2</v></c></row>",
    "a kind of cell": '<row><c t="x"><v>1</v></c></row>',
    "a number": "<row><c><v>4155550101 (cell)</v></c></row>",
    "a number's digits": "<row><c><v>1_000</v></c></row>",
    "not a number": "<row><c><v>NaN</v></c></row>",
    "yes or no": '<row><c t="b"><v>2</v></c></row>',
    "a date": '<row><c t="d"><v>5 January</v></c></row>',
    "a text that there is not": '<row><c t="s"><v>1</v></c></row>',
    "a text in front of the first": '<row><c t="s"><v>-1</v></c></row>',
    "a text without a place": '<row><c t="s"><v>Ana</v></c></row>',
    "a style that there is not": '<row><c s="9"><v>1</v></c></row>',
    "a style without a place": '<row><c s="-1"><v>1</v></c></row>',
    "rows twice": "<sheetData/><sheetData/>",
    "a column's number": '<cols><col min="x" max="2" hidden="1"/></cols><sheetData/>',
}


@pytest.mark.parametrize("inside", NONSENSE.values(), ids=NONSENSE)
def test_what_says_nothing_sure_is_damage(inside: str) -> None:
    content = raw(inside, texts="<si><t>Ana</t></si>", styles='<cellXfs count="1"><xf numFmtId="0"/></cellXfs>')
    assert refusal_of(content) == "xlsx_damaged"


def test_a_row_may_be_as_wide_as_columns_can_be_named_and_blank_beyond() -> None:
    wide = raw(
        '<row r="1"><c r="A1"><v>1</v></c><c r="SF1"><v>500</v></c><c r="SG1" s="0"/><c r="XFD1" t="str"><v> </v></c></row>'
    )
    ((_, cells),) = rows_of(wide)
    assert (len(cells), cells[0], cells[-1]) == (500, "1", "500")
    assert refusal_of(raw('<row r="1"><c r="SG1"><v>1</v></c></row>')) == "too_many_columns"
    assert (
        refusal_of(raw('<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="XFD2"><v>1</v></c></row>'))
        == "too_many_columns"
    )


def test_what_the_size_of_a_sheet_says_is_not_believed() -> None:
    row = "<row><c><v>1</v></c><c><v>2</v></c></row>"
    lying = f'<worksheet xmlns="{MAIN}"><dimension ref="A1"/><sheetData>{row}</sheetData></worksheet>'
    assert rows_of(raw(lying)) == [(1, ["1", "2"])]


def test_a_part_that_is_no_sheet_is_damage() -> None:
    assert refusal_of(raw('<worksheet xmlns="http://example.org/other"><sheetData/></worksheet>')) == "xlsx_damaged"
    assert refusal_of(raw(f'<chartsheet xmlns="{MAIN}"/>')) == "xlsx_damaged"


NOTICES = [
    (Noticed(), []),
    (
        Noticed(hidden_rows=1),
        ["1 row is hidden in the workbook and left out. If these people are meant too, have hidden rows read."],
    ),
    (
        Noticed(hidden_rows=1200, crossed_out_rows=2),
        [
            "1,200 rows are hidden in the workbook and left out. If these people are meant too, have hidden rows read.",
            "2 rows are crossed out in the workbook and left out. If these people are meant too, have hidden rows read.",
        ],
    ),
    (Noticed(hidden_columns=["C"]), ["Column C is hidden in the workbook, and read all the same."]),
    (
        Noticed(hidden_columns=["C", "D", "F"]),
        ["Columns C, D and F are hidden in the workbook, and read all the same."],
    ),
    (
        Noticed(formulas={"D": 6}),
        [
            "6 cells of column D hold formulas whose results are not saved in the workbook (#N/A). Open it in Excel, save it, and "
            "upload it again."
        ],
    ),
    (
        Noticed(errors={"B": 1}),
        ["1 cell of column B holds errors of formulas. Correct them in Excel, save it, and upload it again."],
    ),
    (
        Noticed(formats={"B": 1, "C": 3}),
        ["4 cells of columns B and C hold a number format that is not applied here; they are read as they are stored."],
    ),
    (
        Noticed(comments={"B": 2}),
        ["2 cells of column B hold a comment, which is not read unless it says that somebody must not be reached."],
    ),
    (
        Noticed(coloured={"A": 3}),
        [
            "3 cells of column A hold a colour that other people's do not have. Colours are not read; take out whom they say not to "
            "call."
        ],
    ),
    (
        Noticed(crossed_out=dict.fromkeys("ABCDEFGHIJK", 1)),
        [
            "11 cells of 11 columns hold text that is crossed out, in whole or in part. Such a number is not reached, and nobody "
            "whose name, appointment or answer it is, unless hidden rows are read."
        ],
    ),
]


@pytest.mark.parametrize(("noticed", "sentences"), NOTICES)
def test_what_is_noticed_is_said_once_with_counts(noticed: Noticed, sentences: list[str]) -> None:
    assert notices_of(noticed, whole=True) == sentences


def test_a_first_look_counts_no_further_than_it_has_read() -> None:
    said = notices_of(Noticed(hidden_rows=12), whole=False)
    assert said[0].startswith("At least 12 rows are hidden")
    row = '<row r="{}" hidden="{}"><c><v>4155550101</v></c></row>'
    long = raw("".join(row.format(number, number % 2) for number in range(2, 60_002)))
    (sheet,) = workbooks.look([long], 21)
    assert (len(sheet.rows), sheet.whole) == (21, False)
    assert 1_000 < sheet.noticed.hidden_rows < 30_000
    notices: list[str] = []
    assert sum(1 for _ in workbooks.rows_of([long], notices=notices)) == 30_000
    assert notices == [
        "30,000 rows are hidden in the workbook and left out. If these people are meant too, have hidden rows read."
    ]
