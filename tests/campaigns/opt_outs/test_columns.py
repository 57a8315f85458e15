"""What the columns of a list of opt-outs are taken for: every own number is meant, and who has not opted out is asked about."""

from __future__ import annotations

import pytest

from campaigns.opt_outs.columns import QUESTION_TEXTS, check_opt_out_columns, read_opt_outs
from campaigns.opt_outs.verdicts import Says, says
from rvm.spreadsheets.columns.kinds import PHONES, UNCLEAR
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.refusals import ColumnsInvalid

CELL, HOME = "2025550142", "(202) 555-0143"


def kinds(header: str, *rows: str) -> list[str]:
    return [column.kind for column in read_opt_outs(header.split(","), [row.split(",") for row in rows])]


@pytest.mark.parametrize(
    ("header", "rows", "read"),
    [
        ("Name,Cell,Home Phone,Reason", [f"Ann,{CELL},{HOME},asked"], ["", "phone", "phone_2", "reason"]),
        ("Name,Phone,Emergency Phone", [f"Ann,{CELL},{HOME}"], ["", "phone", ""]),
        ("Phone,Emergency contact,Emer Phone", [f"{CELL},Bob,{HOME}"], ["phone", "", ""]),
        ("Do Not Call,Name", [f"{CELL},Ann"], ["phone", ""]),
        ("Phone,Do not call", [f"{CELL},Y", f"{HOME},x"], ["phone", "opt_out"]),
        ("Phone,Opt-out date", [f"{CELL},2026-01-05", f"{HOME},2026-02-07"], ["phone", "opt_out"]),
        ("Phone,OK to call", [f"{CELL},N", f"{HOME},No"], ["phone", "consent"]),
        ("Phone,Deceased", [f"{CELL},N", f"{HOME},"], ["phone", ""]),
        ("Phone,MRN,First Name", [f"{CELL},104412,Ann"], ["phone", "", ""]),
        ("Phone,Country", [f"{CELL},US"], ["phone", "country"]),
        ("Phone,Reason,Added", [f"{CELL},asked,3/2/2026", f"{HOME},STOP,3/3/2026"], ["phone", "reason", ""]),
        ("Phone,Opt-out reason", [f"{CELL},DNC", f"{HOME},"], ["phone", "reason"]),
        ("Phone,Motivo", [f"{CELL},no llamar", f"{HOME},falleció"], ["phone", "reason"]),
        ("Phone,Last Text", [f"{CELL},STOP", f"{HOME},unsubscribe"], ["phone", ""]),
        ("Phone,Phone Type", [f"{CELL},Cell", f"{HOME},Home"], ["phone", "phone_type"]),
        ("Phone,Type", [f"{CELL},STOP", f"{HOME},Wrong number"], ["phone", ""]),
        ("Area Code,Phone", ["202,5550142", "202,555-0143"], ["area_code", "phone"]),
        ("Area Code,Phone", [f"202,{CELL}", f"202,{HOME}"], ["", "phone"]),
    ],
)
def test_what_is_understood_is_not_asked_about(header: str, rows: list[str], read: list[str]) -> None:
    assert kinds(header, *rows) == read


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("OK to call", ["Y", "N"]),
        ("OK to call", ["Yes", "Yes"]),
        ("Consent", ["Y", ""]),
        ("Voicemail OK", ["x", ""]),
        ("Do not call", ["Y", "N"]),
        ("Do not call", ["x", ""]),
        ("Opted out", ["", "2026-01-05"]),
        ("Deceased", ["Y", "N"]),
        ("Appt Status", ["Scheduled", "Do not call"]),
        ("Flag", ["Y", "N"]),
        ("Opted out", ["✗", "✓"]),
        ("Reason", ["STOP", "Yes"]),
        ("Last Text", ["STOP", ""]),
        ("Last Text", ["STOP", "YES"]),
    ],
)
def test_a_column_by_which_some_have_not_opted_out_is_a_question(header: str, cells: list[str]) -> None:
    columns = read_opt_outs(["Phone", header], [[CELL, cells[0]], [HOME, cells[1]]])
    assert columns[0].kind == "phone"
    assert columns[1].kind == UNCLEAR and QUESTION_TEXTS[columns[1].question]


def test_a_list_of_patients_is_asked_about_as_such() -> None:
    columns = read_opt_outs(["Phone", "OK to call"], [[CELL, "Y"], [HOME, "N"]])
    assert columns[1].question is Question.WHAT_FOR
    assert "list of patients" in QUESTION_TEXTS[columns[1].question]


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        ("opt_out", "Y", Says.OUT),
        ("opt_out", "do not call", Says.OUT),
        ("opt_out", "1/5/2026", Says.OUT),
        ("opt_out", "deceased", Says.OUT),
        ("opt_out", "no", Says.IN),
        ("opt_out", "", Says.NOTHING),
        ("opt_out", "mornings", Says.UNCLEAR),
        ("consent", "Y", Says.IN),
        ("consent", "no", Says.OUT),
        ("consent", "declined", Says.OUT),
        ("consent", "", Says.NOTHING),
    ],
)
def test_what_a_cell_says(kind: str, cell: str, said: Says) -> None:
    assert says(kind, cell) is said


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (["first_name", "phone"], "invalid_choice"),
        (["phone", "phone"], "column_twice"),
        (["reason", None], "phone_column_missing"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(columns: list[str | None], code: str) -> None:
    with pytest.raises(ColumnsInvalid) as refused:
        check_opt_out_columns(columns)
    assert refused.value.code == code


@pytest.mark.parametrize("columns", [["phone_2"], ["opt_out", "opt_out", "phone"], [UNCLEAR], [*PHONES]])
def test_other_mappings_make_sense(columns: list[str]) -> None:
    check_opt_out_columns(columns)
