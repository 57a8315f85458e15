"""Lists of recipients to take out of a campaign: pasted lines, or a file that is read like a list of recipients.

A line identifies a recipient by record number, reference or phone number. If a file has columns for several of these, all that match
a recipient must match the same one. If a file has a column for the status of appointments, only its canceled ones are withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from campaigns.imports.verdicts import cell_verdict
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.services.screening import MAX_REFERENCE_LENGTH
from rvm.platform.errors import ServiceError
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.phones import numbers_in
from rvm.spreadsheets.columns.kinds import PHONES
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.reading import read_columns
from rvm.spreadsheets.preview import Preview, examine
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import DamagedRow, all_rows, open_rows
from rvm.spreadsheets.trimming import trimmed

MAX_LINES = 10_000
MAX_BYTES = 10_000_000
_STATUS = ("canceled", "appointment_status")
_CANCELED = "appointment_canceled"
# What a column may be asked about that says whose appointment stands.
_OF_STATUS = (Question.STATUS, Question.YES_OR_NO, Question.UNKNOWN)
_MAX_TEXT = max(MAX_RECORD_NUMBER, MAX_REFERENCE_LENGTH)


@dataclass(frozen=True, slots=True)
class Line:
    """The identifiers in one line, by kind. A line has none if its appointment is not canceled (`stands`) or it is `damaged`.

    `number` is the position of a pasted line, from 1, or the row number in a spreadsheet program. `phones` are E.164.
    """

    number: int
    record_numbers: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
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
        kinds = [column.kind for column in seen.columns]
        _check_status_columns(seen)
        reader = _reader(kinds, alone=len(seen.columns) == 1)
        # Where no column has a name that says what it is, its first row may be somebody's.
        rows = open_rows(read(), dialect) if _names_somebody(kinds) else all_rows(read(), dialect)
        lines = [reader(number, row) for number, row in islice(rows, MAX_LINES + 1) if any(map(trimmed, row))]
        rows.close()
    except SheetInvalid as refused:
        raise ServiceError("list_unreadable", refused.message, field="file", why=refused.code) from None
    return _bounded(lines, "file")


def _check_status_columns(seen: Preview) -> None:
    """A column that could say whose appointment still stands is understood, or the whole list would be taken out."""
    unclear = [
        name for name, column in zip(seen.header.names, seen.columns, strict=False) if column.question in _OF_STATUS
    ]
    if unclear:
        names = ", ".join(f"“{trimmed(name)}”" for name in unclear)
        raise ServiceError(
            "status_column_unclear",
            f"It is not known here which words in {names} say that an appointment was canceled. Leave only those people in the list "
            "who are to be taken out, remove the column, and upload the list again.",
            field="file",
        )


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


def _reader(kinds: Sequence[str], *, alone: bool) -> Callable[[int, Sequence[str]], Line]:
    record_at = [at for at, kind in enumerate(kinds) if kind == "record_number"]
    reference_at = [at for at, kind in enumerate(kinds) if kind == "reference"]
    phones_at = [at for at, kind in enumerate(kinds) if kind in PHONES]
    status_at = [(at, kind) for at, kind in enumerate(kinds) if kind in _STATUS]
    named = _names_somebody(kinds)
    if not named and not alone:
        raise ServiceError(
            "identifier_column_missing",
            "No column of the list looks like record numbers, references or phone numbers; name the one with them “MRN”, “Reference” "
            "or “Phone” in its first row.",
            field="file",
        )

    def read(number: int, row: Sequence[str]) -> Line:
        if isinstance(row, DamagedRow):
            return Line(number, damaged=True)
        if not named:
            return _of_any_kind(number, row[0])
        verdicts = [cell_verdict(kind, _cell(row, at)) for at, kind in status_at]
        if verdicts and _CANCELED not in verdicts:
            return Line(number, stands=not any(verdicts), damaged=any(verdicts))
        return Line(
            number,
            tuple(filter(None, (_name(_cell(row, at)) for at in record_at))),
            tuple(filter(None, (_name(_cell(row, at)) for at in reference_at))),
            tuple(phone for at in phones_at for phone in numbers_in(_cell(row, at))),
        )

    return read


def _names_somebody(kinds: Sequence[str]) -> bool:
    return not {"record_number", "reference", *PHONES}.isdisjoint(kinds)


def _of_any_kind(number: int, text: str) -> Line:
    name = _name(text)
    return Line(number, (name,), (name,), tuple(numbers_in(text)), any_kind=True) if name else Line(number)


def _name(text: str) -> str:
    """The identifier without outer spaces and invisible characters; empty if it is longer than stored identifiers can be."""
    name = cell_values.text(text)
    return name if len(name) <= _MAX_TEXT else ""


def _cell(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""
