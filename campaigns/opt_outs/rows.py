"""What one row of a list of opt-outs says: every number of its person, why, and whether the person is meant at all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from campaigns.imports.layout import Layout
from campaigns.imports.row_errors import CODES
from campaigns.imports.row_validation import extension_of
from campaigns.opt_outs.columns import REASON, SAYING, Says, says
from rvm.platform.observability.masking import mask_numbers
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.phones import SAYS_NONE, numbers_in
from rvm.spreadsheets.columns.kinds import PHONES
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.rows import DamagedRow
from usecases.models import Suppression

MAX_REASON_LENGTH: int = Suppression._meta.get_field("reason").max_length or 0
# What campaigns' sentences advise about reaching somebody does not help here.
_SENTENCES = {
    "has_extension": "This number has an extension; write the number alone if nobody behind it shall be reached.",
    "two_numbers": "There is more than one number in this cell; give each of them a row of its own.",
}
# Of what is written in the cell beside a number, or of several of them, every number is meant.
_SEARCHED = frozenset({"two_numbers", "crossed_out", "has_letters", "not_a_phone"})

Row = Sequence[str]


class Entry(NamedTuple):
    """`numbers` are all of a person's, in E.164. `meant` says whether the person has opted out, `permits` whether a column says that
    the person may be reached."""

    numbers: list[str]
    reason: str
    meant: bool
    permits: bool


def sentence_of(code: str) -> str:
    """Why no number of a row could be read."""
    return _SENTENCES.get(code) or CODES[code].sentence


def entry_for(layout: Layout, said: Collection[int], permissions: Collection[int]) -> Callable[[Row], Entry]:
    """A function that reads the rows of one list; it raises CellInvalid where there is no number in one, with why the first that is
    written cannot be read.

    `said` are the places of the columns of which a person has said what they are, `permissions` those of the columns whose yes
    says that the person may be reached.
    """
    columns = list(layout.columns)
    # By their places, so that of one that stands twice nothing is lost.
    phones = [columns.index(kind) for kind in PHONES if kind in columns]
    extensions = {at: extension_of(at, columns, phones) for at in phones}
    country_at = columns.index("country") if "country" in columns else -1
    reason_at = columns.index(REASON) if REASON in columns else -1
    saying = [(at, kind, at in said) for at, kind in enumerate(columns) if kind in SAYING]

    def entry(row: Row) -> Entry:
        _require_whole(row, layout.width)
        meant = not saying or any(_means(says(kind, _cell(row, at)), kind, sure) for at, kind, sure in saying)
        permits = any(says("consent", _cell(row, at)) is Says.IN for at in permissions)
        if not meant:
            return Entry([], "", False, permits)
        return Entry(numbers_of(row), _reason(_cell(row, reason_at)), True, permits)

    def numbers_of(row: Row) -> list[str]:
        region = _region(_cell(row, country_at))
        found: list[str] = []
        why: CellInvalid | None = None
        for at in phones:
            extension_at = extensions[at]
            extended = extension_at is not None and _is_said(_cell(row, extension_at))
            try:
                found += _numbers_in(_cell(row, at), region, extended=extended)
            except CellInvalid as refused:
                if why is None or why.code == "phone_missing":
                    why = refused
        if not found and why is not None:
            raise why
        return list(dict.fromkeys(found))

    return entry


def _require_whole(row: Row, width: int) -> None:
    # Bytes that are no text may stand in any column; a number beside them can be read.
    if isinstance(row, DamagedRow):
        if row.code != "undecodable":
            raise CellInvalid(row.code, row.sentence)
    elif width and any(map(str.strip, row[width:])):
        raise CellInvalid("row_wide", CODES["row_wide"].sentence)


def _means(said: Says, kind: str, sure: bool) -> bool:
    """Whether a column leaves a person on the list. An empty cell takes somebody off it only where a person has said that a yes
    is what counts; what is unclear never does."""
    return said in (Says.OUT, Says.UNCLEAR) or (said is Says.NOTHING and not (kind == "opt_out" and sure))


def _numbers_in(cell: str, region: str, *, extended: bool) -> list[str]:
    try:
        number = cell_values.phone(cell, region)
    except CellInvalid as refused:
        if refused.code in _SEARCHED and (found := numbers_in(cell, region)):
            return found
        raise
    if extended:
        raise CellInvalid("has_extension", sentence_of("has_extension"))
    return [number]


def _region(cell: str) -> str:
    try:
        return cell_values.country(cell) if cell else "US"
    except CellInvalid:
        return "US"


def _is_said(cell: str) -> bool:
    return cell_values.text(cell).casefold() not in SAYS_NONE


def _reason(cell: str) -> str:
    """On one line, and without a number: it is stored in clear."""
    shown = "".join(char if char.isprintable() else " " for char in mask_numbers(cell_values.text(cell)))
    return " ".join(shown.split())[:MAX_REASON_LENGTH].rstrip()


def _cell(row: Row, at: int) -> str:
    return row[at] if 0 <= at < len(row) else ""
