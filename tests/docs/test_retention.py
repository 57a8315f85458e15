"""The documented days are those of the code."""

from __future__ import annotations

from rvm.platform.retention_kinds import TERMS
from tests.docs.pages import DOCS, table


def test_the_days_of_each_kind_are_documented() -> None:
    documented = [
        (cells[0].strip("`"), cells[1].split(" ")[0].replace(",", ""), *(cell.replace(",", "") for cell in cells[2:4]))
        for cells in table(DOCS / "administer" / "retention.md", "kind")
    ]
    assert documented == [
        (kind.value, "for" if term.days is None else str(term.days), str(term.least or ""), str(term.most or ""))
        for kind, term in TERMS.items()
    ]
