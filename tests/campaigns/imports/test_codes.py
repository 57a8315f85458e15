"""Every code that a row can end with has its outcome and its sentence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings

from campaigns.imports.row_errors import CODES, message_of
from campaigns.imports.verdicts import ORDER, REPORT_LINE, WATCHED

BASE = Path(settings.BASE_DIR)
# What raises a code, and which argument it is.
RAISED = {"CellInvalid": 0, "NumberInvalid": 0, "DamagedRow": 1, "RowInvalid": 0}
SOURCES = [*(BASE / "rvm" / "spreadsheets").rglob("*.py"), *(BASE / "campaigns" / "imports").glob("*.py")]


def raised() -> set[str]:
    found = {*ORDER, *WATCHED, REPORT_LINE}
    for path in [*SOURCES, BASE / "rvm" / "phone_numbers" / "numbers.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                code = node.args[RAISED[node.func.id]]
                found |= {each.value for each in ast.walk(code) if isinstance(each, ast.Constant)}
    return {code for code in found if isinstance(code, str)}


def test_every_code_that_is_raised_is_in_the_table() -> None:
    assert raised() and raised() - set(CODES) == set()


def test_every_code_of_the_table_can_be_raised() -> None:
    of_whole_lists = {"duplicate_in_file", "same_phone", "duplicate_in_campaign", "suppressed", "number_in_doubt"}
    assert set(CODES) - raised() - of_whole_lists == set()


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_sentence_and_fits_its_column(code: str) -> None:
    assert len(code) <= 40
    assert message_of(code).endswith(".") and message_of(code)[0].isupper()
