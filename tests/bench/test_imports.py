"""The bench of imports runs to its end on a small list; what it measures is for `make bench-import` on a quiet machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import imports
from bench.imports import Sizes, make_list


@pytest.mark.timeout(300)
def test_it_imports_a_list_and_says_how_fast_beside_what() -> None:
    told: list[str] = []
    figures = imports.run(Sizes(rows=400, naive=100), told.append)
    assert {"rows_per_second", "ratio_naive", "share_of_copy", "peak_mb", "seconds", "ratio_record_numbers"} <= set(
        figures
    )
    assert (
        all(figure >= 0 for figure in figures.values()) and figures["rows_per_second"] > 0 and figures["peak_mb"] > 30
    )
    assert [line.split("  ")[0] for line in told[1:]] == [
        "raw COPY into a bare table",
        "naive 100 1000",
        "naive 100 5000",
        "ours",
        "ours",
    ]


def test_the_list_is_the_same_every_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    make_list(one, 300)
    make_list(other, 300)
    assert one.read_bytes() == other.read_bytes()
    lines = one.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 301 and lines[0] == imports.HEADER
