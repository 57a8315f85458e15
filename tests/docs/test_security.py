"""The threat model and the table of HIPAA name tests; each of them exists."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.docs.pages import DOCS, PROJECT, table

SECURITY = DOCS / "operate" / "security.md"
NAMED = sorted(set(re.findall(r"`(test_\w+)`", SECURITY.read_text())))
PARAGRAPHS = ("(a)(1)", "(a)(2)(i)", "(a)(2)(ii)", "(a)(2)(iii)", "(a)(2)(iv)", "(b)", "(c)(1)", "(c)(2)", "(d)")
OF_TRANSMISSION = ("(e)(1)", "(e)(2)(i)", "(e)(2)(ii)")


@cache
def known() -> frozenset[str]:
    return frozenset(
        name
        for module in (PROJECT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", module.read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_the_page_names_exists(name: str) -> None:
    assert name in known()


def test_every_paragraph_of_the_technical_safeguards_is_answered_and_shown() -> None:
    rows = table(SECURITY, "paragraph")
    assert {row[0] for row in rows} == {*PARAGRAPHS, *OF_TRANSMISSION}
    assert [row[0] for row in rows if not row[2] or "`test_" not in row[3]] == []
