"""The bench of neighbours runs to its end; what it measures is for `make bench-neighbours` on a quiet machine."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bench import neighbours
from bench.neighbours import QUICK, Sizes, make_workbook, missed
from rvm.spreadsheets import workbooks
from rvm.spreadsheets.ooxml.archive import MAX_RATIO, MAX_UNPACKED_BYTES


@pytest.mark.timeout(300)
def test_all_callbacks_are_answered_beside_a_neighbour_who_asks_for_everything() -> None:
    told: list[str] = []
    figures = neighbours.run(QUICK, told.append)
    assert figures["callbacks_failed"] == 0
    assert figures["callbacks_quiet"] > 0 and figures["callbacks_beside"] > 0
    assert {"ratio", "exports_ended", "previews_ended", "checks_ended", "told_429_or_503"} <= figures.keys()
    assert [line.split()[0] for line in told[1:]] == ["quiet", "beside", "the"]


def test_the_workbook_is_within_all_bounds_at_its_whole_size(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    rows = 600
    make_workbook(path, rows)
    assert sum(1 for _ in workbooks.rows_of([path.read_bytes()])) == rows + 1
    with zipfile.ZipFile(path) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    scale = Sizes().workbook / rows
    assert MAX_UNPACKED_BYTES / 2 < sheet.file_size * scale < MAX_UNPACKED_BYTES
    assert path.stat().st_size * scale < workbooks.MAX_BYTES
    assert sheet.file_size / sheet.compress_size < MAX_RATIO


@pytest.mark.parametrize(("failed", "ratio", "why"), [(0, 0.5, ""), (0, 0.49, "0.49 of"), (1, 1.0, "1 callbacks were")])
def test_it_says_what_falls_short(failed: int, ratio: float, why: str) -> None:
    said = missed({"callbacks_failed": failed, "ratio": ratio})
    assert why in said and bool(said) == bool(why)
