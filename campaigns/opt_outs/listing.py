"""Passes over an opt-out list: the check, which counts, the import, which adds suppressions, and the undo, which removes them.

Batches are committed together with their progress, so a worker that continues after a killed one adds and counts nothing twice. A
suppression applies to every claim from its commit on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import F

from campaigns.imports.layout import Layout, layout_of
from campaigns.imports.staging import MAX_ROWS, Stopping, dialect_of, too_many_rows
from campaigns.lifecycle.transitions import write_if_still
from campaigns.models import OptOutImport
from campaigns.opt_outs.columns import PERMISSION, read_opt_outs
from campaigns.opt_outs.rows import Entry, entry_for, note_of
from campaigns.states import CANCELABLE
from delivery.runtime import shutdown
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import Workspace
from rvm.platform.organisations import held_members
from rvm.spreadsheets.preview import Preview, open_list
from rvm.spreadsheets.refusals import CellInvalid, SheetInvalid
from usecases.models import Suppression
from usecases.suppression_kinds import SuppressionKind, SuppressionScope
from usecases.suppressions import Removed, Statement, lift_list, suppress_all, suppressed_among, take_back

BATCH = 1000
# Suppressions that one transaction adds, over all workspaces of the organisation.
MAX_ADDED_AT_ONCE = 5000
TAKEN_BACK_AT_ONCE = 5000
# Row numbers that are kept per code of rows without a readable number.
NAMED = 20

# Blind indexes that have a queued voicemail in a campaign that has not ended. Blind indexes contain the workspace. LATERAL looks each
# of them up; PostgreSQL would plan a join as if each list were as long as the table.
_FIND_WAITING = f"""
SELECT sought.index FROM unnest(%s::bytea[]) AS sought(index) CROSS JOIN LATERAL (
  SELECT FROM delivery_voicemail v JOIN campaigns_campaign c ON c.lane_id = v.lane_id
   WHERE v.recipient_index = sought.index AND v.status = 'queued' AND v.live = %s
     AND c.state IN {sql.literals(CANCELABLE)} LIMIT 1) waiting
"""  # noqa: S608 - of constants
# Voicemails of these blind indexes, which contain the workspace, that a suppression has ended.
_COUNT_ENDED = """
SELECT count(*) FROM delivery_voicemail
 WHERE recipient_index = ANY(%s::bytea[]) AND status = 'skipped' AND reason = 'suppressed'
"""


@dataclass
class Counts:
    """Counts of a check. Of all `rows`, some are `unreadable` or `not_opted_out`; each number of the others is `to_add`,
    `already_listed` or `repeated` in the list. `waiting` counts the numbers with a queued voicemail in an open campaign, `permitted`
    the rows in which another column says that the person may be reached."""

    rows: int = 0
    to_add: int = 0
    already_listed: int = 0
    repeated: int = 0
    unreadable: int = 0
    not_opted_out: int = 0
    waiting: int = 0
    permitted: int = 0


@dataclass
class Batch:
    """A batch of rows. `rows_read` counts the rows up to its end; `fresh` has its numbers that no earlier row has, with their
    reasons."""

    rows_read: int
    fresh: dict[str, str] = field(repr=False)


@dataclass
class Listing:
    """One pass over a list. It remembers all numbers that it has seen, as integers: about 130 MB for two million numbers."""

    row: OptOutImport
    size: int = BATCH
    counts: Counts = field(default_factory=Counts)
    unreadable: dict[str, dict[str, object]] = field(default_factory=dict, repr=False)
    notices: list[str] = field(default_factory=list, repr=False)

    def batches(self) -> Iterator[Batch]:
        """All rows in batches; `counts` and `unreadable` grow with each. Raises SheetInvalid, FileNotFoundError, Undecryptable,
        Stopping."""
        dialect, said = dialect_of(self.row), self.row.columns_said
        seen, rows = open_list(self.row.content(), dialect, self.notices, read_opt_outs)
        layout = layout_of(self.row.columns, said, seen, ragged=dialect.format == "xlsx")
        read, met, noted = reader_of(layout, said, seen), set[int](), Noted()
        with closing(rows):
            while batch := list(islice(rows, self.size)):
                if shutdown.requested.is_set():
                    raise Stopping
                if self.counts.rows + len(batch) > MAX_ROWS:
                    raise too_many_rows()
                fresh: dict[str, str] = {}
                for number, cells in batch:
                    self.counts.rows += 1
                    try:
                        entry = read(cells)
                    except CellInvalid as refused:
                        self._leave_out(number, refused.code)
                        continue
                    noted.take(number, entry)
                    self.counts.not_opted_out += not entry.meant
                    self.counts.permitted += entry.meant and entry.permits
                    for phone in entry.numbers:
                        if int(phone) in met:
                            self.counts.repeated += 1
                        else:
                            met.add(int(phone))
                            fresh[phone] = entry.reason
                yield Batch(self.counts.rows, fresh)
        self.notices += noted.messages()

    def _leave_out(self, number: int, code: str) -> None:
        self.counts.unreadable += 1
        kind = self.unreadable.setdefault(code, {"count": 0, "rows": []})
        kind["count"] = int(str(kind["count"])) + 1
        rows = kind["rows"]
        if isinstance(rows, list) and len(rows) < NAMED:
            rows.append(number)


class Noted:
    """The numbers of listed rows that are not listed with them: how many rows have some of each kind, and the first of these rows."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._rows: dict[str, list[int]] = {}

    def take(self, number: int, entry: Entry) -> None:
        for kind in entry.noted:
            self._counts[kind] += 1
            rows = self._rows.setdefault(kind, [])
            if len(rows) < NAMED:
                rows.append(number)

    def messages(self) -> list[str]:
        return [note_of(kind, count, self._rows[kind]) for kind, count in sorted(self._counts.items())]


def reader_of(layout: Layout, said: Collection[int], seen: Preview) -> Callable[[Sequence[str]], Entry]:
    return entry_for(layout, said, _permissions(seen), [cells for _, cells in seen.rows])


def _permissions(seen: Preview) -> list[int]:
    return [at for at, column in enumerate(seen.columns) if column.kind == "consent" or column.question is PERMISSION]


def check(row: OptOutImport) -> Mapping[str, object]:
    """Read and count all rows, without adding suppressions. Returns the fields of `row` to save. Raises SheetInvalid, Superseded and
    the other exceptions of `Listing.batches`."""
    listing = Listing(row)
    for batch in listing.batches():
        numbers = _indexes(row.workspace_id, batch.fresh)
        known = {numbers[index] for index in suppressed_among(row.workspace_id, list(numbers))}
        listing.counts.already_listed += len(known)
        listing.counts.to_add += len(batch.fresh) - len(known)
        waiting = sql.run(_FIND_WAITING, [list(numbers), row.live])
        listing.counts.waiting += len({numbers[bytes(index)] for (index,) in waiting})
        write_if_still(row, rows_read=batch.rows_read)
    if not listing.counts.rows:
        raise SheetInvalid("empty", "The list has no rows below its header; export it again with the numbers in it.")
    return {"counts": asdict(listing.counts), "unreadable": listing.unreadable, "notices": listing.notices}


def put_on_list(row: OptOutImport) -> None:
    """Add suppressions of its numbers in batches, after the last batch that was committed. Raises Superseded and the exceptions of
    `Listing.batches`."""
    for batch in Listing(row, size=_rows_at_once(row)).batches():
        if batch.rows_read <= row.rows_imported:
            continue
        statements = _statements(row, batch.fresh) if row.live else []
        settled = _settled(row, batch.fresh) if row.live else frozenset()
        scope = SuppressionScope(row.scope)
        with transaction.atomic():
            added = suppress_all(statements, Suppression.Source.IMPORT, scope=scope, import_id=row.pk, settled=settled)
            write_if_still(row, rows_imported=batch.rows_read, added=F("added") + added)
        row.rows_imported = batch.rows_read


def _rows_at_once(row: OptOutImport) -> int:
    """Rows of a batch, fewer where each number is written to many workspaces. A run may have other batches than the one before: what
    is there already is neither added nor counted again."""
    workspaces = 1
    if row.scope == SuppressionScope.ORGANISATION:
        workspaces = Workspace.objects.filter(organisation_id=row.workspace.organisation_id).count()
    return max(1, min(BATCH, MAX_ADDED_AT_ONCE // workspaces))


def undo(row: OptOutImport) -> bool:
    """Remove its suppressions in batches; with a reason, lift them instead, so that they stay as history. Returns whether all are
    done; other transactions may hold locks on the rest.

    Numbers that another source has named stay suppressed by that. Voicemails that ended because of them stay ended, and are counted.
    Raises Superseded, Stopping.
    """
    while not shutdown.requested.is_set():
        with transaction.atomic():
            # Nothing is being copied to a workspace that joins meanwhile.
            held_members([row.workspace_id])
            ended_rows = _lift(row) if row.lift_reason else take_back(row.pk, TAKEN_BACK_AT_ONCE)
            indexes = [index for workspace_id, index in ended_rows if workspace_id == row.workspace_id]
            freed = set(indexes) - suppressed_among(row.workspace_id, indexes)
            [(ended,)] = sql.run(_COUNT_ENDED, [list(freed)])
            write_if_still(
                row,
                taken_back=F("taken_back") + len(freed),
                ended_meanwhile=F("ended_meanwhile") + ended,
            )
        if not ended_rows:
            return not Suppression.objects.filter(import_id=row.pk).exists()
    raise Stopping


def _lift(row: OptOutImport) -> list[Removed]:
    now = database_now()
    return lift_list(row.pk, TAKEN_BACK_AT_ONCE, reason=row.lift_reason, actor=row.undone_by, now=now)


def _statements(row: OptOutImport, fresh: Mapping[str, str]) -> list[Statement]:
    return [Statement(row.workspace_id, number, reason, SuppressionKind.IMPORTED) for number, reason in fresh.items()]


def _settled(row: OptOutImport, fresh: Iterable[str]) -> frozenset[tuple[UUID, str]]:
    """The workspaces and numbers that need no row.

    During a rotation, a number that a list has named under an older index key gets none, because the insert would not conflict with
    its row. If another list has added that row, the row stays for good: undoing that list no longer removes it.
    """
    settled = set[tuple[UUID, str]]()
    if not blind_index().rotating:
        return frozenset()
    workspaces = [row.workspace_id]
    if row.scope == SuppressionScope.ORGANISATION:
        same = Workspace.objects.filter(organisation_id=row.workspace.organisation_id)
        workspaces = list(same.values_list("pk", flat=True))
    for workspace_id in workspaces:
        numbers = _indexes(workspace_id, fresh)
        for index, suppression_id, import_id in _listed_under_older_keys(list(numbers), row.scope):
            # Each update is a transaction of its own: one that holds no other row lock cannot be part of a deadlock.
            if import_id not in (None, row.pk):
                Suppression.objects.filter(pk=suppression_id).update(import_id=None)
            settled.add((workspace_id, numbers[index]))
    return frozenset(settled)


def _indexes(workspace_id: UUID, numbers: Iterable[str]) -> dict[bytes, str]:
    """The numbers by their blind indexes under all keys."""
    return {index: number for number in numbers for index in blind_index().all_of(workspace_id, number)}


def _listed_under_older_keys(indexes: list[bytes], scope: str) -> list[tuple[bytes, UUID, UUID | None]]:
    found = (
        Suppression.objects.active()
        .filter(number_index__in=indexes, source=Suppression.Source.IMPORT, scope=scope)
        .exclude(index_key=blind_index().current)
    )
    return [
        (bytes(index), pk, import_id) for index, pk, import_id in found.values_list("number_index", "pk", "import_id")
    ]
