"""A file's bytes as rows: streaming, at the speed of the csv module, and past every damaged row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaigns.spreadsheets.dialect import Dialect


class DamagedRow(list[str]):
    """The cells of a row as far as they can be shown; the row is invalid by `code`, and `sentence` says why."""

    def __init__(self, cells: Iterable[str], code: str, sentence: str) -> None:
        super().__init__(cells)
        self.code = code
        self.sentence = sentence


def open_rows(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield every row below the header that is not blank, as (number, cells). Raises SheetRefused.

    `number` is what a spreadsheet program shows beside the row: the first row of the file is 1, blank rows count. Rows may be
    ragged. A row that cannot be read is a DamagedRow (`undecodable`, `cell_too_long`, `quote_open`) and the next one is read.
    """
    raise NotImplementedError
