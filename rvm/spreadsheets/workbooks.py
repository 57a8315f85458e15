"""Excel workbooks, which a child process reads, with notices about the reading.

The reading follows what a user sees: hidden rows and sheets are left out and counted, and cells are shown by their formats. A hostile
file can harm only the child process, which is limited in memory and time and has no keys.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rvm.platform.isolation.calls import ChildEnded, Limits, isolated
from rvm.spreadsheets.ooxml.refusals import damaged, too_large
from rvm.spreadsheets.ooxml.rows import COLUMNS
from rvm.spreadsheets.ooxml.sheets import Noticed
from rvm.spreadsheets.ooxml.tasks import look as look_in_child
from rvm.spreadsheets.ooxml.tasks import read as read_in_child
from rvm.spreadsheets.refusals import SheetInvalid, empty_workbook, sheet_unknown
from rvm.spreadsheets.workbook_notices import notices_of, quoted

MAX_BYTES = 50 * 1024 * 1024
_MEMORY_BYTES = 512 * 1024 * 1024
# A user waits for a look; all rows, up to a million, are read in the background.
LOOK = Limits(memory_bytes=_MEMORY_BYTES, cpu_seconds=20, wait_seconds=60.0)
READ = Limits(memory_bytes=_MEMORY_BYTES, cpu_seconds=600, wait_seconds=1200.0)

Rows = Sequence[tuple[int, list[str]]]


@dataclass(frozen=True)
class Sheet:
    """A sheet after a look. `rows` are its first rows, as (number, cells); `whole` says whether `noticed` is about all its rows.
    `refusal` says why the sheet cannot be read, or is None."""

    name: str
    visibility: Literal["visible", "hidden", "very_hidden"]
    active: bool
    rows: Rows
    whole: bool
    noticed: Noticed
    refusal: SheetInvalid | None = None

    @property
    def notices(self) -> list[str]:
        return notices_of(self.noticed, whole=self.whole)

    @property
    def marked(self) -> list[int]:
        """The positions of the columns in which the cells of some people have a colour of their own."""
        return sorted(COLUMNS[letters] for letters in self.noticed.coloured)

    @property
    def has_rows(self) -> bool:
        return bool(self.rows or self.refusal or self.noticed.leaves_out)

    @property
    def holds_rows(self) -> bool:
        """Whether the sheet has more than a row of column names."""
        return self.has_rows and (len(self.rows) != 1 or not self.whole or any(map(_has_digit, self.rows[0][1])))


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def look(chunks: Iterable[bytes], count: int, *, hidden_rows: bool = False) -> list[Sheet]:
    """The sheets in the order of their tabs, each with its first `count` rows. Raises SheetInvalid."""
    found = list[Sheet]()
    for said in _asked(look_in_child, chunks, LOOK, rows=count, hidden_rows=hidden_rows):
        refused, rows = said.get("refused"), said.get("rows", [])
        found.append(
            Sheet(
                said["name"],
                said["visibility"],
                said["active"],
                [(number, cells) for number, cells in rows],
                said.get("whole", False),
                Noticed(**said["noticed"]),
                SheetInvalid(*refused) if refused else None,
            )
        )
    return found


def chosen(sheets: Sequence[Sheet], name: str, is_list: Callable[[Rows], bool]) -> Sheet:
    """The sheet of that name. Without a name, it is the first visible sheet that is a list, or else the first visible one with rows,
    where the active sheet comes before all others. Raises SheetInvalid.
    """
    if name:
        sheet = next((sheet for sheet in sheets if sheet.name == name), None)
        if sheet is None:
            raise sheet_unknown(name)
    else:
        sheet = _proposed(sheets, is_list)
    if sheet.refusal is not None:
        raise sheet.refusal
    return sheet


def _proposed(sheets: Sequence[Sheet], is_list: Callable[[Rows], bool]) -> Sheet:
    shown = [sheet for sheet in sheets if sheet.visibility == "visible" and sheet.has_rows]
    shown.sort(key=lambda sheet: not sheet.active)
    found = next((sheet for sheet in shown if sheet.rows and is_list(sheet.rows)), None)
    found = found or next((sheet for sheet in shown if sheet.rows), None) or next(iter(shown), None)
    if found is None:
        raise _empty(sheets)
    return found


def _empty(sheets: Sequence[Sheet]) -> SheetInvalid:
    hidden = [sheet.name for sheet in sheets if sheet.has_rows]
    if not hidden:
        return empty_workbook()
    return SheetInvalid(
        "empty",
        f"There is nothing in the sheets of this workbook that are shown, only in hidden ones ({quoted(hidden)}). "
        "Show the sheet that is the list, save the workbook, and upload it again.",
    )


def rows_of(
    chunks: Iterable[bytes], sheet: str = "", *, hidden_rows: bool = False, notices: list[str] | None = None
) -> Generator[tuple[int, list[str]], None, None]:
    """Yield (number, cells) of each row that is not blank; after the last, `notices` has those of the sheet. Raises SheetInvalid."""
    for said in _asked(read_in_child, chunks, READ, sheet=sheet, hidden_rows=hidden_rows):
        if isinstance(said, dict):
            if notices is not None:
                notices[:] = notices_of(Noticed(**said), whole=True)
        else:
            yield from map(tuple, said)


def _asked(
    task: Callable[..., Iterator[Any]], chunks: Iterable[bytes], limits: Limits, **arguments: Any
) -> Iterator[Any]:
    try:
        yield from isolated(task, _bounded(chunks), limits=limits, refusal=SheetInvalid, **arguments)
    except ChildEnded as ended:
        if ended.why in ("time", "memory"):
            raise too_large() from None
        if ended.why == "fault":
            raise damaged() from None
        raise SheetInvalid(
            "xlsx_interrupted",
            "The reading of this workbook was stopped before its end; try it once more, or save the list as CSV (UTF-8) and "
            "upload that.",
        ) from None


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise too_large()
        yield chunk
