"""The first look at a list: how it is written and what its first rows say, for a person to agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from campaigns.spreadsheets.dialect import Dialect

PREVIEW_ROWS = 20


@dataclass(frozen=True)
class Preview:
    """`header` is None where the list has none; `rows` are (number, cells) as `open_rows` yields them; `columns` is a guessed mapping
    and `samples` the first cell of each column, among `rows`, that is not empty. Both are as wide as the widest of the rows."""

    header: list[str] | None
    rows: list[tuple[int, list[str]]]
    columns: list[str | None]
    samples: list[str]


def examine(read: Callable[[], Iterable[bytes]]) -> tuple[Dialect, Preview]:
    """Guess a file's dialect and preview it by that; `read` opens the file from its start, each time anew. Raises SheetRefused."""
    raise NotImplementedError


def preview(chunks: Iterable[bytes], dialect: Dialect) -> Preview:
    """The header and the first PREVIEW_ROWS rows, read by the given dialect. Raises SheetRefused."""
    raise NotImplementedError
