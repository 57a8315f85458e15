"""A list of numbers that must not be reached, put on a workspace's suppression list: one pass over the file, whatever its size.

It is read as campaigns' lists are. A number that cannot be reached may be on it; a row that cannot be read stops no other.
What is on the list stays there when the pass breaks off: nobody is reached because of a bad byte, and the file can be sent again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from campaigns.importing.staging import MOST_ROWS
from campaigns.services.imports import MOST_BYTES
from campaigns.spreadsheets import cells
from campaigns.spreadsheets.columns import guess_columns
from campaigns.spreadsheets.preview import Preview, examine
from campaigns.spreadsheets.refusals import CellRefused, SheetRefused
from campaigns.spreadsheets.rows import DamagedRow, open_rows
from rvm.platform import audit
from rvm.platform.crypto import blind_index
from rvm.platform.masking import mask_numbers
from rvm.platform.models import User, Workspace
from usecases.errors import Refused
from usecases.models import Suppression
from usecases.suppressions import suppress_all

BATCH = 1000
# Rows that are named of those that cannot be read for the same reason.
NAMED = 20
LONGEST_REASON: int = Suppression._meta.get_field("reason").max_length or 0
# Of a campaign's list such a column is not the number to reach; here every number is about that.
_OPT_OUT = re.compile(r"opt(?:ed)?[\W_]*out|do[\W_]*not[\W_]*(?:call|contact)|dnc", re.IGNORECASE)
# What campaigns' sentences advise about reaching somebody does not help here.
_SENTENCES = {
    "has_extension": "This number has an extension; write the number alone if nobody behind it shall be reached.",
    "two_numbers": "There is more than one number in this cell; give each of them a row of its own.",
}


@dataclass
class Unreadable:
    """`rows` are the first ones, as a spreadsheet program numbers them; `count` is how many there are."""

    sentence: str
    count: int = 0
    rows: list[int] = field(default_factory=list)


@dataclass
class Listed:
    """What became of the rows; each is counted once.

    `column` is what was read as the numbers, `unreadable` goes by code, `broke_off` says why the rows below were not read, if so.
    """

    column: str
    added: int = 0
    already_listed: int = 0
    repeated: int = 0
    unreadable: dict[str, Unreadable] = field(default_factory=dict)
    broke_off: str = ""

    @property
    def rows(self) -> int:
        return self.added + self.already_listed + self.repeated + self.unreadable_count

    @property
    def unreadable_count(self) -> int:
        return sum(kind.count for kind in self.unreadable.values())


def suppress_list(
    *, workspace: Workspace, read: Callable[[], Iterable[bytes]], size_bytes: int, actor: User | None
) -> Listed:
    """`read` opens the file from its start, each time anew. Batches are committed one by one, and bind every claim from then on.

    Raises Refused before anything is listed: list_too_large, list_unreadable, phone_column_missing, list_empty.
    """
    if size_bytes > MOST_BYTES:
        raise Refused(
            "list_too_large",
            f"The list has more than {MOST_BYTES // 1_000_000} MB, the most that is taken at a time; split it.",
            field="list",
        )
    try:
        dialect, seen = examine(read)
    except SheetRefused as refused:
        raise Refused("list_unreadable", refused.sentence, field="list", why=refused.code) from None
    if not seen.rows:
        raise Refused("list_empty", "The list has no rows; export it again with the numbers in it.", field="list")
    columns = _columns(seen)
    audit.record("suppression_list.began", workspace, actor=actor, workspace=workspace)
    listing = _Listing(workspace, columns, seen)
    try:
        # Who is hidden by a filter has opted out all the same.
        rows = open_rows(read(), replace(dialect, hidden_rows=True))
        while batch := list(islice(rows, min(BATCH, MOST_ROWS - listing.listed.rows))):
            listing.take(batch)
        if next(rows, None) is not None:
            listing.listed.broke_off = f"Only the first {MOST_ROWS:,} rows were read, the most that one list takes."
    except SheetRefused as refused:
        listing.listed.broke_off = refused.sentence
    finally:
        _record(listing.listed, workspace, actor)
    return listing.listed


def _columns(seen: Preview) -> list[str | None]:
    header = None if seen.header is None else [_OPT_OUT.sub(" ", name) for name in seen.header]
    columns = guess_columns(header, [cells for _, cells in seen.rows])
    if "phone" not in columns:
        raise Refused(
            "phone_column_missing",
            "No column of the list looks like phone numbers; name the column that holds them “Phone” in its first row.",
            field="list",
        )
    return columns


def _record(listed: Listed, workspace: Workspace, actor: User | None) -> None:
    audit.record(
        "suppression_list.imported",
        workspace,
        actor=actor,
        workspace=workspace,
        added=listed.added,
        already_listed=listed.already_listed,
        repeated=listed.repeated,
        unreadable={code: kind.count for code, kind in listed.unreadable.items()},
        whole=not listed.broke_off,
    )


class _Listing:
    """One pass. It remembers every number that it has seen, as an integer: two million of them are some 130 MB."""

    def __init__(self, workspace: Workspace, columns: Sequence[str | None], seen: Preview) -> None:
        self._workspace = workspace
        self._phone_at = columns.index("phone")
        self._reason_at = columns.index("reason") if "reason" in columns else None
        self._seen: set[int] = set()
        header = seen.header or []
        name = header[self._phone_at] if self._phone_at < len(header) else ""
        self.listed = Listed(name or f"number {self._phone_at + 1}")

    def take(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        fresh: dict[str, str] = {}
        for row_number, row in rows:
            try:
                number = self._number(row)
            except CellRefused as refused:
                self._leave_out(row_number, refused)
                continue
            if int(number) in self._seen:
                self.listed.repeated += 1
            else:
                self._seen.add(int(number))
                fresh[number] = self._reason(row)
        self._suppress(fresh)

    def _number(self, row: Sequence[str]) -> str:
        # Bytes that are no text may stand in any column; a number beside them can be read.
        if isinstance(row, DamagedRow) and row.code != "undecodable":
            raise CellRefused(row.code, row.sentence)
        return cells.phone(_cell(row, self._phone_at))

    def _reason(self, row: Sequence[str]) -> str:
        """On one line, and without a number: it is stored in clear."""
        said = cells.text(_cell(row, self._reason_at)) if self._reason_at is not None else ""
        shown = "".join(char if char.isprintable() else " " for char in mask_numbers(said))
        return " ".join(shown.split())[:LONGEST_REASON].rstrip()

    def _leave_out(self, row_number: int, refused: CellRefused) -> None:
        sentence = _SENTENCES.get(refused.code, refused.sentence)
        kind = self.listed.unreadable.setdefault(refused.code, Unreadable(sentence))
        kind.count += 1
        if len(kind.rows) < NAMED:
            kind.rows.append(row_number)

    def _suppress(self, fresh: dict[str, str]) -> None:
        """Of numbers that two put on the list at once each is one's only."""
        known = self._known(fresh)
        entries = [(self._workspace.pk, number, reason) for number, reason in fresh.items() if number not in known]
        added = suppress_all(entries, Suppression.Source.IMPORT)
        self.listed.added += added
        self.listed.already_listed += len(fresh) - added

    def _known(self, numbers: Iterable[str]) -> set[str]:
        """Those on the list already, under whichever index key."""
        number_of = {index: number for number in numbers for index in blind_index().all_of(self._workspace.pk, number)}
        found = Suppression.objects.filter(workspace=self._workspace, number_index__in=list(number_of))
        return {number_of[bytes(index)] for index in found.values_list("number_index", flat=True)}


def _cell(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""
