"""Rows of an opt-out list: all numbers of a row's person, the reason, and whether the person has opted out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from campaigns.imports.layout import Layout
from campaigns.imports.row_errors import CODES
from campaigns.imports.row_validation import column_beside, extension_of, joining_for
from campaigns.opt_outs.call_logs import numbers_of_many
from campaigns.opt_outs.columns import REASON, SAYING
from campaigns.opt_outs.endings import all_out, is_out
from campaigns.opt_outs.returns import comes_back, permits_below
from campaigns.opt_outs.verdicts import Says, says
from rvm.platform.observability.masking import mask_numbers
from rvm.platform.observability.representation import hides
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.phones import SAYS_NONE, numbers_in
from rvm.spreadsheets.cells.report_lines import line_of_report_for, names_a_clinic_alone
from rvm.spreadsheets.columns.headers import names_other_columns
from rvm.spreadsheets.columns.headings import heading_at
from rvm.spreadsheets.columns.kinds import PHONE_TYPE, PHONES
from rvm.spreadsheets.columns.names import meaning_of
from rvm.spreadsheets.columns.words import words_of
from rvm.spreadsheets.phone_owners import Found, is_anothers, numbers_of_cell
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.rows import DamagedRow
from rvm.spreadsheets.trimming import trimmed
from usecases.models import Suppression

MAX_REASON_LENGTH: int = Suppression._meta.get_field("reason").max_length or 0
_NAMES = ("name", "first_name", "last_name")
_MAIL = frozenset({"email", "emails", "mail", "newsletter", "correo", "correos"})
# A cell of at most this many characters has no room for a phone number and words.
_MIN_LENGTH = 10
_MIN_DIGITS = 10
# The messages of CODES for these codes advise how to reach the person, which does not help on an opt-out list.
_MESSAGES = {
    "has_extension": "This number has an extension; write the number alone if nobody behind it shall be reached.",
    "two_numbers": "There is more than one number in this cell; give each of them a row of its own.",
    "phone_of_another": "This number is not the person's own, as its type says; if its owner must not be reached, write it alone "
    "into a list of its own.",
    "opt_out_unclear": "It is not clear whether this person has opted out; write yes or no.",
    "came_back": "A cell of this row says that the person may be reached again; if that is not so, take those words out.",
    "under_permission": "A row above this one says, as a heading over those below it does, that people may be reached; if they must "
    "not be, take that row out.",
    "number_of_many": "The number of this row stands in nearly every row, as a clinic's own does in a log of its calls; if its owner "
    "must not be reached, write it alone into a list of its own.",
}
# Notes about rows that are listed, but not with all their numbers.
_NOTES = {
    "missed": "{rows} a number is not listed beside another one that is, because it cannot be read or is somebody else's. Where it "
    "is the person's own, write it into a row of its own.",
    "in_words": "{rows} a number stands among words in a column that is not read as phones, and is not listed. If its owner must "
    "not be reached, write it into a row of its own.",
    "number_of_many": "{rows} one and the same number stands beside the person's, as a clinic's own does in a log of its calls, and "
    "is not listed.",
}

Row = Sequence[str]


@hides("numbers", "reason", "noted")
class Entry(NamedTuple):
    """A readable row. `numbers` are all numbers of the person in E.164, or none if the person is not `meant`, has not opted out.

    `permits` says whether a column says that the person may be reached. `noted` are the kinds of numbers that are not listed, for
    `note_of`.
    """

    numbers: list[str]
    reason: str
    meant: bool
    permits: bool
    noted: Collection[str] = ()


def message_of(code: str) -> str:
    """The message for a row whose numbers are not listed, by the code of the CellInvalid."""
    return _MESSAGES.get(code) or CODES[code].message


def note_of(kind: str, count: int, rows: Sequence[int]) -> str:
    """The sentence about `count` rows that are listed without some of their numbers; `rows` are the first row numbers."""
    shown = ", ".join(map(str, rows)) + (", …" if count > len(rows) else "")
    return _NOTES[kind].format(rows=f"In row {shown}" if count == 1 else f"In {count:,} rows ({shown})")


def entry_for(
    layout: Layout, said: Collection[int], permissions: Collection[int], first: Sequence[Row] = ()
) -> Callable[[Row], Entry]:
    """A function that reads the rows of one list, in their order; it raises CellInvalid for a row that cannot be listed.

    If no phone of a row can be read, the code is that of the first phone that is not empty. A row may depend on headings above it.

    `said` are the positions of the columns whose kind a user has set, `permissions` those of the columns whose yes says that the
    person may be reached. `first` are the first rows: they show which numbers belong to no person on the list.
    """
    read = _reader_for(layout, said, permissions, first)
    below = ""

    def entry(row: Row) -> Entry:
        nonlocal below
        try:
            found = read(row)
        except CellInvalid:
            # A heading has no number and is refused anyway, so only refused rows can be headings.
            if names_other_columns(row, layout.header):
                below = "under_another_header"
            elif permits_below(row):
                below = below or "under_permission"
            elif below == "under_permission" and heading_at(row) is not None:
                below = ""
            raise
        if below:
            raise _refused(below)
        return found

    return entry


def _reader_for(
    layout: Layout, said: Collection[int], permissions: Collection[int], first: Sequence[Row]
) -> Callable[[Row], Entry]:
    """A function that reads one row without regard to headings above it; it raises CellInvalid."""
    columns = list(layout.columns)
    of_many = numbers_of_many(first, [at for at, kind in enumerate(columns) if kind in PHONES])
    joined, numbers_of, meant_by = joining_for(layout), _numbers_for(columns, of_many), _meaning_for(columns, said)
    ends = [at for at in all_out(layout.header, first) if at < len(columns) and not columns[at] and at not in said]
    reason_at = columns.index(REASON) if REASON in columns else -1
    others = [
        at
        for at, kind in enumerate(columns)
        if kind in ("", REASON) and at not in said and not _says_nothing_of_calls(layout.header, at)
    ]
    is_line_of_report = line_of_report_for(layout.titles, _names_at(layout.header))

    def read(row: Row) -> Entry:
        _require_whole(row, layout.width)
        row = joined(row)
        if is_line_of_report(list(map(trimmed, row)), "\x1f".join(row)) or names_a_clinic_alone(row):
            raise _refused("report_line")
        if any(comes_back(_cell(row, at)) for at in others):
            raise _refused("came_back")
        if not all(is_out(_cell(row, at)) for at in ends):
            raise _refused("opt_out_unclear")
        permits = any(says("consent", _cell(row, at)) is Says.IN for at in permissions)
        if not meant_by(row):
            return Entry([], "", False, permits)
        numbers, noted = numbers_of(row)
        if any(_has_number_in_words(_cell(row, at), numbers) for at in others):
            noted.add("in_words")
        return Entry(numbers, _reason(_cell(row, reason_at)), True, permits, noted)

    return read


def _meaning_for(columns: Sequence[str], said: Collection[int]) -> Callable[[Row], bool]:
    """A function that returns whether a row's person has opted out, by the columns of SAYING. Without such a column, all people have.

    It raises CellInvalid if that is unclear.
    """
    saying = [(at, kind, at in said) for at, kind in enumerate(columns) if kind in SAYING]

    def meant_by(row: Row) -> bool:
        told = [says(kind, _cell(row, at)) for at, kind, _ in saying]
        if not saying or any(_means(each, kind, sure) for each, (_, kind, sure) in zip(told, saying, strict=True)):
            return True
        if Says.UNCLEAR in told:
            raise _refused("opt_out_unclear")
        return False

    return meant_by


def _numbers_for(columns: list[str], of_many: Collection[str]) -> Callable[[Row], tuple[list[str], set[str]]]:
    """A function that returns the numbers of a row's person and the kinds of notes; it raises CellInvalid if there is no number."""
    phones = [columns.index(kind) for kind in PHONES if kind in columns]
    beside = [(at, extension_of(at, columns, phones), column_beside(at, PHONE_TYPE, columns, phones)) for at in phones]
    region_of = _region_for(columns)

    def numbers_in_cell(row: Row, at: int, extension_at: int | None, type_at: int | None) -> Found:
        if type_at is not None and is_anothers(_cell(row, type_at)):
            raise _refused("phone_of_another")
        found = numbers_of_cell(_cell(row, at), region_of(row, _cell(row, at)))
        if extension_at is not None and _is_said(_cell(row, extension_at)):
            raise _refused("has_extension")
        return found

    def numbers_of(row: Row) -> tuple[list[str], set[str]]:
        met: list[str] = []
        missed: list[str] = []
        why: CellInvalid | None = None
        for each in beside:
            try:
                found = numbers_in_cell(row, *each)
            except CellInvalid as refused:
                missed.append(refused.code)
                why = refused if why is None or why.code == "phone_missing" else why
            else:
                met += found.numbers
                missed.append(found.missed)
        if not met:
            raise why or AssertionError("a list has a phone column")
        numbers = [number for number in dict.fromkeys(met) if number not in of_many]
        if not numbers:
            raise _refused("number_of_many")
        noted = {"missed"} if not _PASSED_OVER.issuperset(missed) else set[str]()
        return numbers, noted | ({"number_of_many"} if not set(met) <= {*numbers} else set())

    return numbers_of


# A cell with one of these codes beside a listed number has no further number of the person, so there is nothing to note.
_PASSED_OVER = frozenset({"", "phone_missing", "phone_of_another"})


def _refused(code: str) -> CellInvalid:
    return CellInvalid(code, message_of(code))


def _names_at(header: Sequence[str]) -> int | None:
    """The position of the column with the names of people, or None."""
    return next((at for at, name in enumerate(header) if meaning_of(name).kind in ("name", "last_name")), None)


def _says_nothing_of_calls(header: Sequence[str], at: int) -> bool:
    """Whether a column has names of people or is about mail, for example newsletters, which do not permit calls."""
    if at >= len(header):
        return False
    return meaning_of(header[at]).kind in _NAMES or not _MAIL.isdisjoint(words_of(header[at]))


def _has_number_in_words(cell: str, listed: Collection[str]) -> bool:
    """Whether a text with words has a number that is not listed. A number without words is ignored: by its column's name, it is
    another person's."""
    if len(cell) <= _MIN_LENGTH or sum(map(str.isdigit, cell)) < _MIN_DIGITS or not any(map(str.isalpha, cell)):
        return False
    return not set(numbers_in(cell)) <= set(listed)


def _region_for(columns: Sequence[str]) -> Callable[[Row, str], str]:
    """A function that returns the country (two letters) from which the number of a row's cell is dialled.

    It raises CellInvalid if the country of the row is unknown, unless the cell has a number with + or no number.
    """
    if "country" not in columns:
        return lambda row, cell: "US"
    at = columns.index("country")

    def region_of(row: Row, cell: str) -> str:
        try:
            return cell_values.country(_cell(row, at))
        except CellInvalid:
            if "+" in cell or cell_values.text(cell).casefold() in SAYS_NONE:
                return "US"
            raise

    return region_of


def _require_whole(row: Row, width: int) -> None:
    # Undecodable bytes may be in any column, and the number in another column of the row can still be read.
    if isinstance(row, DamagedRow):
        if row.code != "undecodable":
            raise CellInvalid(row.code, row.message)
    elif width and any(map(str.strip, row[width:])):
        raise CellInvalid("row_wide", CODES["row_wide"].message)


def _means(said: Says, kind: str, sure: bool) -> bool:
    """Whether a column's answer says that its person has opted out. An empty or unclear cell says so too, except in an `opt_out`
    column whose kind a user has set (`sure`): there, only a yes counts."""
    if kind == "opt_out" and sure:
        return said is Says.OUT
    return said in (Says.OUT, Says.UNCLEAR, Says.NOTHING)


def _is_said(cell: str) -> bool:
    return cell_values.text(cell).casefold() not in SAYS_NONE


def _reason(cell: str) -> str:
    """The reason on one line. Phone numbers in it are masked, because it is stored unencrypted."""
    shown = "".join(char if char.isprintable() else " " for char in mask_numbers(cell_values.text(cell)))
    return " ".join(shown.split())[:MAX_REASON_LENGTH].rstrip()


def _cell(row: Row, at: int) -> str:
    return row[at] if 0 <= at < len(row) else ""
