"""Recent drops to each number, across the workspaces of an organisation: read before a claim decides, and written if it may send.

The decision is made on rows that are read without a lock. They are written at the end of the claim, in the order of their indexes,
and only where they are still as they were read: if another transaction has counted a drop to the number meanwhile, this claim leaves
its voicemail for the next one. So no two transactions together exceed a cap, at any isolation level. A transaction that waits for a
row here holds none with a later index, and waits for nothing else while it holds one.

The index is that of the organisation under the current index key. While several keys are configured, a number may have a row under
each. All of them are read, and transactions that count drops to a number take turns, so that two with different current keys see each
other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from delivery.lifecycle.attempts import MAY_HAVE_LEFT_SQL
from delivery.lifecycle.status import DropStatus
from delivery.models import RecentDrops as Row
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from usecases.caps import WEEK

# Longer than the longest cap, because clocks differ and a day of one zone begins earlier than another's.
KEPT = WEEK + timedelta(days=1)
# What was proved unsent is tried again every few minutes; it is forgotten sooner, so that the row stays short.
UNSENT_KEPT = timedelta(hours=1)
# Some 30,000 numbers; taken once a minute, this comes round a table of 40 million in a day.
PURGED_PAGES = 500
# While index keys rotate, numbers share this many locks: each has its place in the memory of the server.
STRIPES = 256
_LOCKS = 0x43415053  # "CAPS", so that the locks are no other's

_TABLE = Row._meta.db_table
# Each row's drops with their statuses. Looked up one by one, so that no statistics make the planner read all drops.
_READ = f"""
SELECT r.number_index, e.drop_id, e.at,
       (SELECT CASE WHEN {MAY_HAVE_LEFT_SQL} THEN 'guess' ELSE d.status END FROM delivery_drop d WHERE d.id = e.drop_id)
  FROM {_TABLE} r CROSS JOIN LATERAL unnest(r.drops, r.at) WITH ORDINALITY AS e(drop_id, at, place)
 WHERE r.number_index = ANY(%s::uuid[]) ORDER BY r.number_index, e.place
"""  # noqa: S608 - of constants
# Writes the rows whose latest drop is known to the writer. A row that has vanished meanwhile was too old to count.
_WRITE = f"""
INSERT INTO {_TABLE} AS r (number_index, drops, at)
SELECT a.number_index, a.drops::uuid[], a.at::timestamptz[]
  FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS a(number_index, drops, at)
 ORDER BY a.number_index
ON CONFLICT (number_index) DO UPDATE SET drops = excluded.drops, at = excluded.at
 WHERE r.drops[cardinality(r.drops)] = ANY(excluded.drops) AND r.at[cardinality(r.at)] = ANY(excluded.at)
RETURNING r.number_index
"""  # noqa: S608
# Deletes the rows of a stretch of the table's pages that no cap asks for any more. By place, so that no index is written with each
# claim only to find them. Passes over what is locked.
_PURGE = f"""
DELETE FROM {_TABLE} WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM {_TABLE} WHERE ctid >= %s::tid AND ctid < %s::tid AND at[cardinality(at)] < %s FOR UPDATE SKIP LOCKED))
"""  # noqa: S608
_COUNT_PAGES = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
_TAKE_TURNS = "SELECT pg_advisory_xact_lock(%s, stripe) FROM unnest(%s::int[]) AS stripe"

# Statuses of drops that provably left nothing.
_LEFT_NOTHING = (DropStatus.NOT_SENT.value, DropStatus.FAILED.value)


@dataclass(frozen=True, slots=True)
class _Entry:
    drop_id: UUID
    at: datetime
    status: str | None  # None if there is no such drop

    @property
    def counts(self) -> bool:
        """Whether the drop may have been left: all but one that failed for sure, was not sent, or was never begun."""
        return self.status is not None and self.status not in _LEFT_NOTHING

    def keeps(self, now: datetime) -> bool:
        return now - self.at < (UNSENT_KEPT if self.status in (DropStatus.NOT_SENT, None) else KEPT)


class RecentDrops:
    """What one transaction knows about the recent drops to numbers of one organisation, and the drops that it adds."""

    def __init__(self, organisation_id: UUID, now: datetime) -> None:
        self._organisation_id, self._now = organisation_id, now
        self._index = blind_index()
        self._indexes: dict[str, tuple[UUID, ...]] = {}  # of each number, the current key's first
        self._rows: dict[UUID, list[_Entry]] = {}
        self._added: dict[str, list[UUID]] = {}

    def look(self, numbers: Iterable[str]) -> Self:
        """Read the rows of numbers that are not read yet, in one statement."""
        new = [number for number in dict.fromkeys(numbers) if number not in self._indexes]
        self._indexes |= {number: self._indexes_of(number) for number in new}
        self._rows |= _read([index for number in new for index in self._indexes[number]])
        return self

    def reached(self, number: str, *, without: UUID | None = None) -> tuple[datetime, ...]:
        """The times of the drops to a number that count, in order, those added here included; but for the drop `without`."""
        times: dict[UUID, datetime] = {}
        for index in self._indexes[number]:
            for entry in self._rows.get(index, ()):
                if entry.counts and entry.drop_id != without:
                    times[entry.drop_id] = max(entry.at, times.get(entry.drop_id, entry.at))
        added = dict.fromkeys(self._added.get(number, ()), self._now)
        if not times and not added:
            return ()
        return tuple(sorted(at for at in (times | added).values() if self._now - at < WEEK))

    def add(self, number: str, drop_id: UUID) -> None:
        """Count a drop to the number, from now on here, and everywhere once `write` is committed."""
        self._added.setdefault(number, []).append(drop_id)

    def forget(self, drop_ids: Collection[UUID]) -> None:
        """Undo `add`."""
        gone = set(drop_ids)
        self._added = {
            number: left
            for number, added in self._added.items()
            if (left := [each for each in added if each not in gone])
        }

    def write(self) -> set[UUID]:
        """Write the drops that were added and return the ids of those that may be sent; the numbers of the others have changed since
        they were read. Call it once, at the end of the transaction that begins the drops."""
        if not self._added:
            return set()
        changed = self._changed_under_other_keys() if self._index.rotating else set()
        rows = {self._indexes[number][0]: number for number in self._added if number not in changed}
        entries = {index: self._to_write(index, self._added[number]) for index, number in rows.items()}
        written = sql.run(_WRITE, as_arrays(entries))
        return {drop_id for (index,) in written for drop_id in self._added[rows[index]]}

    def _indexes_of(self, number: str) -> tuple[UUID, ...]:
        keys = (self._index.current, *self._index.older_key_ids)
        return tuple(_half(self._index.of(self._organisation_id, number, key)) for key in keys)

    def _to_write(self, index: UUID, added: Sequence[UUID]) -> list[tuple[UUID, datetime]]:
        """The row's entries with those added. The last one that was read stays, because the statement compares it."""
        read = self._rows.get(index, [])
        latest = {entry.drop_id: entry for entry in read}
        kept = [
            (entry.drop_id, entry.at)
            for entry in read
            if entry is read[-1] or (entry.keeps(self._now) and latest[entry.drop_id] is entry)
        ]
        return [*kept, *((drop_id, self._now) for drop_id in added)]

    def _changed_under_other_keys(self) -> set[str]:
        """The numbers to which a process with another current key has counted a drop since their rows were read."""
        oldest = min(self._index.key_ids)
        stripes = {
            int.from_bytes(self._index.of(self._organisation_id, number, oldest)[:4]) % STRIPES
            for number in self._added
        }
        sql.run(_TAKE_TURNS, [_LOCKS, sql.numbers(sorted(stripes))])
        now = _read([index for number in self._added for index in self._indexes[number]])
        return {
            number
            for number in self._added
            if any(_last(now.get(index)) != _last(self._rows.get(index)) for index in self._indexes[number])
        }


@dataclass(slots=True)
class _Walk:
    """The page at which this process goes on to purge."""

    page: int = 0


_walk = _Walk()


def purge(now: datetime) -> None:
    """Delete rows that no cap asks for any more, in the next PURGED_PAGES of the table. A step of the tick."""
    [(pages,)] = sql.run(_COUNT_PAGES, [_TABLE])
    first = _walk.page if _walk.page < pages else 0
    _walk.page = first + PURGED_PAGES
    sql.run(_PURGE, [f"({first},0)", f"({_walk.page},0)", now - KEPT])


def reached(organisation_id: UUID, number: str, now: datetime) -> tuple[datetime, ...]:
    """The times of the organisation's recent drops to an E.164 number that may have been left, in order."""
    return RecentDrops(organisation_id, now).look([number]).reached(number)


def index_of(organisation_id: UUID, number: str) -> UUID:
    """The key of a number's row under the current index key."""
    return _half(blind_index().of(organisation_id, number))


def as_arrays(rows: Mapping[UUID, Sequence[tuple[UUID, datetime]]]) -> list[str]:
    """Three array literals: keys of rows, and of each row the drops and their times, each again as an array in text, since arrays of
    one array have one length."""
    drops = [sql.ids(drop_id for drop_id, _ in entries) for entries in rows.values()]
    times = [sql.times(at for _, at in entries) for entries in rows.values()]
    return [sql.ids(rows), sql.texts(drops), sql.texts(times)]


def _read(indexes: Sequence[UUID]) -> dict[UUID, list[_Entry]]:
    rows: dict[UUID, list[_Entry]] = {}
    if indexes:
        for index, drop_id, at, status in sql.run(_READ, [sql.ids(indexes)]):
            rows.setdefault(index, []).append(_Entry(drop_id, at, status))
    return rows


def _last(entries: Sequence[_Entry] | None) -> tuple[UUID, datetime] | None:
    return (entries[-1].drop_id, entries[-1].at) if entries else None


def _half(index: bytes) -> UUID:
    return UUID(bytes=index[:16])
