"""Verdicts: whether a row permits reaching its person, by the columns that decide and by a refusal anywhere else in it. Pure.

An empty cell is not a yes. An unclear answer is a no until a user clarifies it, and binds the number as a no does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import lru_cache
from operator import itemgetter

from campaigns.imports.layout import Layout
from campaigns.imports.row_errors import CODES
from rvm.spreadsheets.cells.answers import Answer, Standing, answer, canceled, consented, died, standing
from rvm.spreadsheets.cells.name_remarks import remarks_no
from rvm.spreadsheets.cells.objections import (
    TELLTALE_WORDS,
    answers_plainly,
    answers_something,
    denies,
    objects,
    objects_in,
    words_of,
)
from rvm.spreadsheets.cells.phones import CROSSED_OUT
from rvm.spreadsheets.cells.report_lines import line_of_report_for
from rvm.spreadsheets.columns.kinds import DECIDING, NAMES
from rvm.spreadsheets.columns.names import names_another_way, names_types
from rvm.spreadsheets.columns.reading import Watch
from rvm.spreadsheets.trimming import folded

Row = Sequence[str]


class Consent(IntEnum):
    """The combined answer of a row's consent columns, all of which must be yes."""

    NOT_ASKED = 0  # the list has no consent column
    YES = 1
    NOTHING = 2
    UNCLEAR = 3
    NO = 4


# If several codes apply to a row, the first of them is reported.
ORDER = (
    "consent_refused",
    "opted_out",
    "deceased",
    "consent_unclear",
    "opt_out_unclear",
    "deceased_unclear",
    "status_unclear",
    "appointment_canceled",
    "consent_blank",
)
_RANK = {code: rank for rank, code in enumerate(ORDER)}
WATCHED = frozenset({"says_no", "column_unclear"})
# The columns that say which person and appointment a row is about. If a cell of them is crossed out, the row is rejected.
_MEANT = frozenset({*NAMES, "record_number", "reference", "appointment_day", "appointment_time"})
# The code of a row that is about no person, such as a total.
REPORT_LINE = "report_line"
# These codes bind the numbers of the row: no other row may reach them. The exceptions: a person may have another appointment that is
# not canceled, and consent that is missing in one row may be in another.
BINDING = (frozenset(ORDER) | WATCHED | {"under_heading", "under_another_header"}) - {
    "appointment_canceled",
    "consent_blank",
}

_MESSAGES = frozenset(code.message for code in CODES.values())
_CONSENT: dict[str, Consent] = {
    "": Consent.YES,
    "consent_blank": Consent.NOTHING,
    "consent_unclear": Consent.UNCLEAR,
    "consent_refused": Consent.NO,
}
_A = Answer
_ANSWERED: dict[str, dict[Answer, str]] = {
    "consent": {
        **dict.fromkeys((_A.YES, _A.PERMITS, _A.DATE), ""),
        **dict.fromkeys((_A.NO, _A.FORBIDS, _A.CROSS), "consent_refused"),
        _A.BLANK: "consent_blank",
        _A.UNCLEAR: "consent_unclear",
    },
    "opt_out": {
        **dict.fromkeys((_A.NO, _A.PERMITS, _A.BLANK), ""),
        **dict.fromkeys((_A.YES, _A.FORBIDS, _A.DATE), "opted_out"),
        **dict.fromkeys((_A.UNCLEAR, _A.CROSS), "opt_out_unclear"),
    },
    "deceased": {
        **dict.fromkeys((_A.NO, _A.BLANK), ""),
        **dict.fromkeys((_A.YES, _A.DATE), "deceased"),
        **dict.fromkeys((_A.UNCLEAR, _A.PERMITS, _A.FORBIDS, _A.CROSS), "deceased_unclear"),
    },
    "canceled": {
        **dict.fromkeys((_A.NO, _A.BLANK), ""),
        **dict.fromkeys((_A.YES, _A.DATE), "appointment_canceled"),
        **dict.fromkeys((_A.UNCLEAR, _A.PERMITS, _A.FORBIDS, _A.CROSS), "status_unclear"),
    },
}
_STOOD: dict[Standing, str] = {
    Standing.STANDS: "",
    Standing.BLANK: "",
    Standing.CANCELED: "appointment_canceled",
    Standing.DECEASED: "deceased",
    Standing.FORBIDS: "opted_out",
    Standing.UNCLEAR: "status_unclear",
}
_READ: dict[str, Callable[[str], str]] = {
    "consent": lambda cell: _ANSWERED["consent"][consented(cell)],
    "opt_out": lambda cell: _ANSWERED["opt_out"][answer(cell)],
    "deceased": lambda cell: _ANSWERED["deceased"][died(cell)],
    "canceled": lambda cell: _ANSWERED["canceled"][canceled(cell)],
    "appointment_status": lambda cell: _STOOD[standing(cell)],
}


# Words in a column of consent sources that mean no source, and no source yet.
_NO_SOURCE = frozenset(
    {"n a", "na", "nd", "unknown", "unk", "not known", "null", "nan", "missing", "not recorded", "no source", "tbd"}
)
_NO_SOURCE_YET = frozenset(
    {"pending", "requested", "awaiting", "needed", "required", "to do", "todo", "in progress", "attempted", "pendiente"}
)


def _sourced(cell: str) -> str:
    """The verdict of a consent source alone: a named source is a consent, “N/A” or a blank cell is none, and “None” is a refusal."""
    word = folded(cell)
    if not word or word in _NO_SOURCE:
        return "consent_blank"
    if word in _NO_SOURCE_YET:
        return "consent_unclear"
    refused = consented(cell) in (Answer.NO, Answer.FORBIDS, Answer.CROSS) and not names_another_way(cell)
    return "consent_refused" if refused or denies(cell) else ""


def _sourced_beside(cell: str) -> str:
    """The verdict of a source beside another column about consent: it may be missing; a refused or pending one is unclear."""
    code = _sourced(cell)
    return "consent_unclear" if code in ("consent_refused", "consent_unclear") else ""


def cell_verdict(kind: str, cell: str) -> str:
    """The code by which a cell of a deciding column forbids reaching its person, or "" if it does not."""
    return _READ[kind](cell)


def row_verdict_for(layout: Layout) -> Callable[[Row, Row], tuple[str, Consent]]:
    """A function that returns the code of a row's rejection, or "", and the answer of its consent columns. It takes the cells as they
    are and trimmed."""
    decide, look = _deciding_for(layout), _looking_for(layout)
    if look is None:
        return decide

    def verdict(row: Row, texts: Row) -> tuple[str, Consent]:
        code, consent = decide(row, texts)
        return (code, consent) if code in BINDING else (look(row, texts) or code, consent)

    return verdict


def _deciding_for(layout: Layout) -> Callable[[Row, Row], tuple[str, Consent]]:
    """A function as that of `row_verdict_for`, but by the deciding columns only.

    If a list has no consent column, the date of consent is the answer, and if it has no date either, the source of consent.
    """
    columns = list(layout.columns)
    reads = dict(_READ)
    if "consent" not in columns and "consent_date" in columns:
        columns[columns.index("consent_date")] = "consent"
    if "consent_source" in columns:
        reads["consent_source"] = _sourced if _is_alone(columns) else _sourced_beside
    # Verdicts are cached because lists repeat a few words.
    deciding = [
        (at, lru_cache(maxsize=4096)(reads[kind]), kind in ("consent", "consent_source"))
        for at, kind in enumerate(columns)
        if kind in reads
    ]

    def decide(row: Row, _: Row) -> tuple[str, Consent]:
        worst, consent = "", Consent.NOT_ASKED
        for at, read, asks in deciding:
            code = read(row[at])
            if asks and _CONSENT[code] > consent:
                consent = _CONSENT[code]
            if code and (not worst or _RANK[code] < _RANK[worst]):
                worst = code
        return worst, consent

    return decide


def _is_alone(columns: Sequence[str]) -> bool:
    """Whether no column but that of the consent source can tell the consent."""
    return "consent" not in columns and "consent_date" not in columns


def last_deciding(layout: Layout) -> int:
    """The minimum number of cells of a row that has all deciding columns."""
    kinds = (*DECIDING, "consent_date") if "consent" not in layout.columns else DECIDING
    kinds = (*kinds, "consent_source") if _is_alone(layout.columns) else kinds
    return max((at + 1 for at, kind in enumerate(layout.columns) if kind in kinds), default=0)


def _looking_for(layout: Layout) -> Callable[[Row, Row], str] | None:
    """A function that searches the columns that decide nothing for a refusal, such as “DO NOT CALL” in a note or a mark in a column
    of unknown meaning. It returns a code, or "". None if no column is watched."""
    watched = [(at, watch) for at, watch in enumerate(layout.watches) if watch is not None]
    if not watched:
        return None
    places = [at for at, watch in watched if watch is not Watch.REPORTED]
    said = itemgetter(*places) if len(places) > 1 else lambda row: [row[at] for at in places]
    # Columns in which more than an explicit refusal rejects the row.
    closely = [(at, _CLOSELY[watch]) for at, watch in watched if watch in _CLOSELY]
    figures = [at for at, watch in watched if watch in (Watch.FIGURES, Watch.DAYS)]
    name_at = next((at for at, kind in enumerate(layout.columns) if kind in ("name", "last_name")), None)
    is_line_of_report = line_of_report_for(layout.titles, name_at)
    # Only workbooks have crossed-out cells, and only their layouts have no width.
    meant = [at for at, kind in enumerate(layout.columns) if kind in _MEANT and not layout.width]

    def look(row: Row, texts: Row) -> str:
        cells = "\x1f".join(said(row))
        low, words = words_of(cells)
        telling = not _TELLING.isdisjoint(words) or not low.isascii()
        if telling and objects_in(low, words):
            return "says_no"
        if is_line_of_report(texts, cells):
            return REPORT_LINE
        if meant and CROSSED_OUT in cells and any(row[at].endswith(CROSSED_OUT) for at in meant):
            return "crossed_out"
        for at, (stops, code) in closely:
            if (cell := row[at]) and stops(cell):
                return code
        # A column of figures or days may have a note that says no.
        return (
            "says_no" if telling and not _INSTEAD.isdisjoint(words) and any(denies(row[at]) for at in figures) else ""
        )

    return look


def _answers_in_words(cell: str) -> bool:
    return len(cell.strip()) > 1 and answers_plainly(cell)


def _prefers_otherwise(cell: str) -> bool:
    return not names_types(cell) and (names_another_way(cell) or answers_something(cell))


def _says_more(cell: str) -> bool:
    """Whether a cell of an uploaded error report has an answer that is none of our own codes and messages."""
    return cell not in CODES and cell not in _MESSAGES and (objects(cell) or answers_something(cell))


# Each note that says no has one of these words, so rows without one need no further look.
_INSTEAD = frozenset(
    b"moved moving relocated hospice expired exp inactive refused refuses refuse declined declines withdrawn withdrew revoked "
    b"rejected said says patient pt px client died dead passed cancelled canceled cxl cx transferred fired terminated dismissed "
    b"incarcerated jail prison deported hold disconnected disc number phone left practice clinic no not never stop remove".split()
)
# ASCII texts without one of these words have no refusal, so most rows need no further search.
_TELLING = _INSTEAD | TELLTALE_WORDS
_CLOSELY: dict[Watch, tuple[Callable[[str], bool], str]] = {
    Watch.NOTES: (denies, "says_no"),
    Watch.NAMES: (remarks_no, "says_no"),
    Watch.PREFERENCE: (_prefers_otherwise, "column_unclear"),
    Watch.REPORTED: (_says_more, "says_no"),
    Watch.ANSWERS: (answers_something, "column_unclear"),
    **dict.fromkeys((Watch.CODES, Watch.DAYS), (_answers_in_words, "column_unclear")),
}
