"""Lists of recipients to take out of a campaign: pasted lines, or a file that is read like a list of recipients.

A line identifies a recipient by record number, reference or phone number. If a file has columns for several of these, all that match
a recipient must match the same one. If a file has a column for the status of appointments, only its canceled ones are withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from campaigns.imports.layout import Layout, layout_of
from campaigns.imports.row_validation import column_beside, joining_for
from campaigns.imports.verdicts import cell_verdict
from campaigns.withdrawals.standing import cancels_all, cancels_some, keeps, under_headings
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.services.screening import MAX_REFERENCE_LENGTH
from rvm.platform.errors import ServiceError
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.answers import Standing
from rvm.spreadsheets.cells.countries import HERE
from rvm.spreadsheets.cells.phones import numbers_in
from rvm.spreadsheets.cells.report_lines import line_of_report_for, names_a_clinic_alone
from rvm.spreadsheets.columns.headers import names_other_columns
from rvm.spreadsheets.columns.kinds import KINDS, PHONE_TYPE, PHONES, UNCLEAR
from rvm.spreadsheets.columns.names import Sense, meaning_of
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.reading import Column, read_columns
from rvm.spreadsheets.phone_owners import is_anothers, numbers_of_cell
from rvm.spreadsheets.preview import Preview, examine
from rvm.spreadsheets.refusals import CellInvalid, SheetInvalid
from rvm.spreadsheets.rows import DamagedRow, all_rows, open_rows
from rvm.spreadsheets.trimming import trimmed

MAX_LINES = 10_000
MAX_BYTES = 10_000_000
_STATUS = ("canceled", "appointment_status")
_CANCELED = "appointment_canceled"
_NAMES = ("name", "first_name", "last_name")
# The questions about a column that may say whose appointments stand.
_OF_STATUS = (Question.STATUS, Question.YES_OR_NO, Question.UNKNOWN)
_MAX_TEXT = max(MAX_RECORD_NUMBER, MAX_REFERENCE_LENGTH)


@dataclass(frozen=True, slots=True)
class Line:
    """The identifiers in one line, by kind. A line has none if its appointment is not canceled (`stands`) or it is `damaged`.

    `number` is the position of a pasted line, from 1, or the row number in a spreadsheet program. `phones` are E.164.
    """

    number: int
    record_numbers: tuple[str, ...] = field(default=(), repr=False)
    references: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    # Whether the identifiers are one text of unknown kind, as in a pasted line, which is tried as each kind.
    any_kind: bool = False
    stands: bool = False
    damaged: bool = False


def pasted_lines(texts: Iterable[str]) -> list[Line]:
    """The lines of the texts that are not blank, each of unknown kind. Raises ServiceError: withdrawal_empty, too_many_lines."""
    lines = [_of_any_kind(number, text) for number, text in enumerate(texts, 1) if trimmed(text)]
    return _bounded(lines, "items")


def listed_lines(read: Callable[[], Iterable[bytes]], size_bytes: int) -> list[Line]:
    """The lines of a file's rows that are not blank. `read` returns the file's bytes from its start, at each call.

    Raises ServiceError: list_too_large, list_unreadable, identifier_column_missing, status_column_unclear, withdrawal_empty,
    too_many_lines.
    """
    if size_bytes > MAX_BYTES:
        raise ServiceError(
            "list_too_large",
            f"The list has more than {MAX_BYTES // 1_000_000} MB, the most that is taken at a time; split it.",
            field="file",
        )
    try:
        dialect, seen = examine(read, columns=read_columns)
        layout = layout_of(_kinds_of(seen), (), seen, ragged=dialect.format == "xlsx")
        # If no column is known as identifiers, the row that was taken for the header may be a person's.
        opened = open_rows(read(), dialect) if _names_somebody(layout.columns) else all_rows(read(), dialect)
        rows = [(number, row) for number, row in islice(opened, MAX_LINES + 1) if any(map(trimmed, row))]
        opened.close()
        _check_status_columns(seen, [row for _, row in rows])
        reader = _reader(layout, seen.sheet)
        lines = [reader(number, row) for number, row in rows]
    except SheetInvalid as refused:
        raise ServiceError("list_unreadable", refused.message, field="file", why=refused.code) from None
    return _bounded(lines, "file")


def _kinds_of(seen: Preview) -> list[str]:
    """The kinds of the columns. A column that may be the types of the phones beside it is read as such, without a question."""
    return [PHONE_TYPE if column.question is Question.PHONE_TYPE else column.kind for column in seen.columns]


def _check_status_columns(seen: Preview, rows: Sequence[Sequence[str]]) -> None:
    """Raises ServiceError, status_column_unclear, if a column that may say whose appointments stand is not understood.

    Without this check, all people on the list would be withdrawn.
    """
    cells = [[_cell(row, at) for row in rows] for at in range(len(seen.columns))]
    unclear = [
        name
        for name, column, said in zip(seen.header.names, seen.columns, cells, strict=False)
        if (column.question in _OF_STATUS and not cancels_all(said)) or (_is_other(name, column) and cancels_some(said))
    ]
    if unclear:
        names = ", ".join(f"“{trimmed(name)}”" for name in unclear)
        raise ServiceError(
            "status_column_unclear",
            f"It is not known here which words in {names} say that an appointment was canceled. Leave only those people in the list "
            "who are to be taken out, remove the column, and upload the list again.",
            field="file",
        )


def _is_other(name: str, column: Column) -> bool:
    """Whether a column has no known kind and is not one of free notes."""
    return column.kind not in KINDS and column.kind != UNCLEAR and meaning_of(name).sense is not Sense.NOTES


def _bounded(lines: list[Line], field: str) -> list[Line]:
    if not lines:
        raise ServiceError(
            "withdrawal_empty",
            "The list names nobody; give it a record number, a reference or a phone number for each person.",
            field=field,
        )
    if len(lines) > MAX_LINES:
        raise ServiceError(
            "too_many_lines",
            f"The list has more than {MAX_LINES:,} lines, the most that are taken at a time; split it.",
            field=field,
        )
    return lines


def _reader(layout: Layout, sheet: str) -> Callable[[int, Sequence[str]], Line]:
    """A function that turns the rows of a list, in their order, into lines. Raises ServiceError: identifier_column_missing."""
    kinds = layout.columns
    named = _names_somebody(kinds)
    if not named:
        if len(kinds) == 1:
            return lambda number, row: (
                Line(number, damaged=True) if isinstance(row, DamagedRow) else _of_any_kind(number, row[0])
            )
        raise ServiceError(
            "identifier_column_missing",
            "No column of the list looks like record numbers, references or phone numbers; name the one with them “MRN”, “Reference” "
            "or “Phone” in its first row.",
            field="file",
        )
    record_at = [at for at, kind in enumerate(kinds) if kind == "record_number"]
    reference_at = [at for at, kind in enumerate(kinds) if kind == "reference"]
    phones_of, joined, verdict = _phones_for(kinds), joining_for(layout), _verdict_for(layout, sheet)

    def read(number: int, row: Sequence[str]) -> Line:
        if (stands := verdict(row)) is not Standing.CANCELED:
            return Line(number, stands=stands is Standing.STANDS, damaged=stands is not Standing.STANDS)
        return Line(
            number,
            tuple(filter(None, (_name(_cell(row, at)) for at in record_at))),
            tuple(filter(None, (_name(_cell(row, at)) for at in reference_at))),
            phones_of(joined(row)),
        )

    return read


def _verdict_for(layout: Layout, sheet: str) -> Callable[[Sequence[str]], Standing]:
    """A function that takes the rows in their order and returns for each the standing of its appointment: CANCELED, STANDS or
    UNCLEAR."""
    kinds = layout.columns
    status_at = [(at, kind) for at, kind in enumerate(kinds) if kind in _STATUS]
    naming = [at for at, kind in enumerate(kinds) if kind in (*PHONES, "reference", "record_number")]
    texts = [at for at, kind in enumerate(kinds) if at not in naming and kind not in _NAMES]
    name_at = next((at for at, kind in enumerate(kinds) if kind in ("name", "last_name")), None)
    is_line_of_report = line_of_report_for(layout.titles, name_at)
    titles = [sheet, *(cell for title in layout.titles for cell in title)]
    heading_over = under_headings(titles)
    under_another = False

    def verdict(row: Sequence[str]) -> Standing:
        nonlocal under_another
        if isinstance(row, DamagedRow) or (layout.width and any(map(str.strip, row[layout.width :]))):
            return Standing.UNCLEAR
        under_another = under_another or names_other_columns(row, layout.header)
        over = heading_over(row)
        if under_another or is_line_of_report(list(map(trimmed, row)), "\x1f".join(row)) or names_a_clinic_alone(row):
            return Standing.UNCLEAR
        if keeps(_cell(row, at) for at in texts):
            return Standing.UNCLEAR
        verdicts = [cell_verdict(kind, _cell(row, at)) for at, kind in status_at]
        if not status_at:
            return Standing.STANDS if over is Standing.STANDS else Standing.CANCELED
        if _CANCELED in verdicts:
            return Standing.CANCELED
        return Standing.UNCLEAR if any(verdicts) else Standing.STANDS

    return verdict


def _phones_for(kinds: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """A function that returns the numbers (E.164) of a row's person. A number of another person is left out, because it may be that
    of someone else in the campaign."""
    phones = [at for at, kind in enumerate(kinds) if kind in PHONES]
    beside = [(at, column_beside(at, PHONE_TYPE, kinds, phones)) for at in phones]
    country_at = kinds.index("country") if "country" in kinds else -1

    def phones_of(row: Sequence[str]) -> tuple[str, ...]:
        region = _region(_cell(row, country_at)) if country_at >= 0 else HERE
        own = [at for at, type_at in beside if type_at is None or not is_anothers(_cell(row, type_at))]
        return tuple(number for at in own for number in _numbers_in(_cell(row, at), region))

    return phones_of


def _numbers_in(cell: str, region: str = HERE) -> list[str]:
    try:
        return numbers_of_cell(cell, region).numbers
    except CellInvalid as refused:
        return [] if refused.code == "phone_of_another" else numbers_in(cell, region)


def _region(cell: str) -> str:
    try:
        return cell_values.country(cell)
    except CellInvalid:
        return HERE


def _names_somebody(kinds: Sequence[str]) -> bool:
    return not {"record_number", "reference", *PHONES}.isdisjoint(kinds)


def _of_any_kind(number: int, text: str) -> Line:
    name = _name(text)
    return Line(number, (name,), (name,), tuple(_numbers_in(text)), any_kind=True) if name else Line(number)


def _name(text: str) -> str:
    """The identifier without outer spaces and invisible characters; empty if it is longer than stored identifiers can be."""
    name = cell_values.text(text)
    return name if len(name) <= _MAX_TEXT else ""


def _cell(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""
