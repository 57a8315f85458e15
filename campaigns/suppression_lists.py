"""A list of numbers that must not be reached, put on a workspace's suppression list: one pass over the file, whatever its size.

It is read as campaigns' lists are. A number that cannot be reached may be on it; a row that cannot be read stops no other.
What is on the list stays there when the pass breaks off: nobody is reached because of a bad byte, and the file can be sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from campaigns.importing.staging import MOST_ROWS
from campaigns.services.uploaded_lists import MOST_BYTES
from campaigns.spreadsheets import cells
from campaigns.spreadsheets.columns.kinds import PHONES
from campaigns.spreadsheets.columns.reading import read_columns
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
    """What became of `rows` rows: of each number in them, and of the rows in which none could be read.

    `column` is what was read as the numbers, `unreadable` goes by code, `broke_off` says why the rows below were not read, if so.
    """

    column: str
    rows: int = 0
    added: int = 0
    already_listed: int = 0
    repeated: int = 0
    unreadable: dict[str, Unreadable] = field(default_factory=dict)
    broke_off: str = ""

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
    phones, reason_at = _phones(seen)
    audit.record("suppression_list.began", workspace, actor=actor, workspace=workspace)
    listing = _Listing(workspace, phones, reason_at, seen)
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


def _phones(seen: Preview) -> tuple[list[int], int | None]:
    """The places of the columns with the numbers of the people on the list, and of their reason, if there is one."""
    header = seen.header.names if seen.header.sure else None
    columns = [column.kind for column in read_columns(header, [cells for _, cells in seen.rows], of_opt_outs=True)]
    phones = [columns.index(kind) for kind in PHONES if kind in columns]
    if not phones:
        raise Refused(
            "phone_column_missing",
            "No column of the list looks like phone numbers of the people on it; name the one with them “Phone” in its first row.",
            field="list",
        )
    return phones, columns.index("reason") if "reason" in columns else None


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

    def __init__(self, workspace: Workspace, phones: Sequence[int], reason_at: int | None, seen: Preview) -> None:
        self._workspace = workspace
        self._phones = phones
        self._reason_at = reason_at
        self._seen: set[int] = set()
        names = seen.header.names
        self.listed = Listed(
            " and ".join((names[at] if at < len(names) else "") or f"number {at + 1}" for at in phones)
        )

    def take(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        fresh: dict[str, str] = {}
        for row_number, row in rows:
            self.listed.rows += 1
            try:
                numbers = self._numbers(row)
            except CellRefused as refused:
                self._leave_out(row_number, refused)
                continue
            for number in numbers:
                if int(number) in self._seen:
                    self.listed.repeated += 1
                else:
                    self._seen.add(int(number))
                    fresh[number] = self._reason(row)
        self._suppress(fresh)

    def _numbers(self, row: Sequence[str]) -> list[str]:
        """All of the row; raises CellRefused where there is none, with why the first that is written cannot be read."""
        # Bytes that are no text may stand in any column; a number beside them can be read.
        if isinstance(row, DamagedRow) and row.code != "undecodable":
            raise CellRefused(row.code, row.sentence)
        found: list[str] = []
        why: CellRefused | None = None
        for at in self._phones:
            try:
                found.append(cells.phone(_cell(row, at)))
            except CellRefused as refused:
                if why is None or why.code == "phone_missing":
                    why = refused
        if not found and why is not None:
            raise why
        return list(dict.fromkeys(found))

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
