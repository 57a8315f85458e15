"""Staging of a list: one pass over the file fills an unlogged table of the import, one row per row of the list.

A staged row has the values that a voicemail stores, in the same form, or the code of its rejection. The table is dropped when the
import ends. If PostgreSQL crashes, it empties the table; the number of rows shows this, and the table is filled again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import islice
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from campaigns.imports.layout import Layout, layout_of
from campaigns.imports.row_validation import RowInvalid, compared_of, judge_for, rules_of
from campaigns.lifecycle.transitions import Superseded
from campaigns.models import RecipientImport, UploadedList
from delivery.identifiers import record_number_entry
from delivery.models.voicemail import MERGE_FIELDS, RECIPIENT, RECORD_NUMBER
from delivery.runtime import shutdown
from rvm.platform.database.grants import SCRATCH
from rvm.platform.database.ids import second_half
from rvm.platform.encryption.crypto import OVERHEAD_BYTES, blind_index, cipher
from rvm.spreadsheets.dialect import Dialect
from rvm.spreadsheets.preview import open_list
from rvm.spreadsheets.refusals import SheetInvalid
from rvm.spreadsheets.rows import Rows

MAX_ROWS = 2_000_000
# Rows per transaction, and per message to PostgreSQL.
SEGMENT = 50_000
BLOCK = 500

# `place` counts the rows from 1; `number` is the row number in a spreadsheet program. The types are those of delivery_voicemail.
# `half` is the second half of the voicemail's id, to which the row's ciphertexts are bound; the first half is the time of insertion.
# `index` is the blind index under the current key, `older` are those under older keys. `binds` are the indexes of the numbers that a
# rejected row binds, `consent` is its answer about consent, `nth` says which of the person's phones is used, and `prints` are hashes
# that tell people with one number apart.
_CREATE_TABLE = """
CREATE UNLOGGED TABLE {table} (place integer, number integer, half bigint, code text, recipient bytea, index bytea, older bytea[],
  last4 varchar(4), reference varchar(100), zones varchar(64)[], merge_fields bytea, recording_id uuid,
  binds bytea[], consent smallint, nth smallint, prints bytea, record_number bytea, record_entry bigint)
"""


class Stopping(Exception):
    """The process was asked to stop."""


def table_of(recipient_import: RecipientImport) -> str:
    return f"{SCRATCH}.campaigns_staged_{recipient_import.pk.hex}"


def is_staged(recipient_import: RecipientImport) -> bool:
    """Whether the table exists, has all rows, was classified, and was made with the current keys, script and rules."""
    table = table_of(recipient_import)
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regclass(%s))", [table])
        if cursor.fetchone() != (_made_from(recipient_import),):
            return False
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - the name is ours
        return bool(cursor.fetchone() == (recipient_import.rows_read,))


def stage(recipient_import: RecipientImport) -> list[int]:
    """Fill the table from the stored file, in segments that are committed with their progress.

    Returns the positions of the columns in which two people with one number may differ, in the order of `prints`. Raises
    SheetInvalid, FileNotFoundError, Undecryptable, Superseded, Stopping.
    """
    table = table_of(recipient_import)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(_CREATE_TABLE.format(table=table))
    notices: list[str] = []
    layout, rows = open_import(recipient_import, notices)
    with closing(rows):
        place = _fill(table, recipient_import, rows, encoder_for(recipient_import, layout))
    if not place:
        raise SheetInvalid("empty", "The list has no rows below its header; export it again with the people in it.")
    RecipientImport.objects.under_way().filter(pk=recipient_import.pk).update(notices=notices)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX ON {table} USING brin (place) WITH (pages_per_range = 16)")
        # The columns by which rows are selected and joined; the others are long and have no two equal values.
        cursor.execute(f"ANALYZE {table} (place, number, code, index, binds)")
    return compared_of(layout)


def _fill(
    table: str, recipient_import: RecipientImport, rows: Rows, encode: Callable[[int, int, Sequence[str]], bytes]
) -> int:
    """Copy all rows into the table and return their number."""
    place = 0
    while True:
        blocks = _blocks(islice(rows, SEGMENT), place, encode)
        if recipient_import.campaign.script is not None:
            # Joining clips queries the database, whose connection a COPY occupies, and takes locks, which a long transaction must not
            # hold. So the segment is encoded completely before its transaction.
            blocks = iter(list(blocks))
        with transaction.atomic():
            count = _copy(table, blocks)
            place += count
            _progress(recipient_import, place)
        if count < SEGMENT:
            return place
        if place >= MAX_ROWS and next(rows, None) is not None:
            raise too_many_rows()
        if shutdown.requested.is_set():
            raise Stopping


def too_many_rows() -> SheetInvalid:
    return SheetInvalid(
        "too_many_rows", f"The list has more than {MAX_ROWS:,} rows, the most that one import takes; split it."
    )


def mark_staged(recipient_import: RecipientImport) -> None:
    """Mark the table as complete. Call it in the transaction that classifies its rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE {table_of(recipient_import)} IS '{_made_from(recipient_import)}'")


def unstage(recipient_import: RecipientImport) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table_of(recipient_import)}")


def open_import(recipient_import: RecipientImport, notices: list[str]) -> tuple[Layout, Rows]:
    """The layout of the list, and its rows by its current reading; `notices` as in `open_rows`.

    Raises SheetInvalid, FileNotFoundError, Undecryptable.
    """
    dialect = dialect_of(recipient_import)
    seen, rows = open_list(recipient_import.content(), dialect, notices)
    said = recipient_import.columns_said
    return layout_of(recipient_import.columns, said, seen, ragged=dialect.format == "xlsx"), rows


def dialect_of(row: UploadedList) -> Dialect:
    return Dialect(
        "xlsx" if row.format == "xlsx" else "csv",
        row.encoding,
        row.delimiter,
        row.header_row,
        row.sheet,
        row.hidden_rows,
    )


def _made_from(recipient_import: RecipientImport) -> str:
    campaign = recipient_import.campaign
    keys = [settings.RVM_ENCRYPTION_KEYS.current, list(blind_index().key_ids)]
    made_from = [keys, campaign.script, rules_of(campaign)]
    return hashlib.sha256(orjson.dumps(made_from, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _progress(recipient_import: RecipientImport, rows_read: int) -> None:
    rows = RecipientImport.objects.under_way().filter(pk=recipient_import.pk)
    if not rows.update(rows_read=rows_read, updated_at=Now()):
        raise Superseded
    recipient_import.rows_read = rows_read


def _blocks(
    rows: Iterator[tuple[int, list[str]]], place: int, encode: Callable[[int, int, Sequence[str]], bytes]
) -> Iterator[tuple[int, bytes]]:
    """Blocks of up to BLOCK rows: their number, and their bytes in COPY's binary format."""
    while block := list(islice(rows, BLOCK)):
        yield len(block), b"".join([encode(place + at, *row) for at, row in enumerate(block, 1)])
        place += len(block)


def _copy(table: str, blocks: Iterator[tuple[int, bytes]]) -> int:
    """Copy the blocks into the table and return the number of rows. The format is COPY's binary one:
    https://www.postgresql.org/docs/current/sql-copy.html"""
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for rows, encoded in blocks:
            copy.write(encoded)
            count += rows
        copy.write(b"\xff\xff")
    return count


_NULL = b"\xff\xff\xff\xff"
_NO_TIME = bytes(8)
_COLUMNS = 18
_START = struct.Struct("!h ii ii")
# The columns up to `last4` of the usual row in one call: one index key, and a number of 11 digits.
_USUAL_BYTES = 12 + OVERHEAD_BYTES
_USUAL = struct.Struct(f"!h ii ii i8s i i{_USUAL_BYTES}s i32s i i4s").pack
_HALF = struct.Struct("!i8s").pack
_LENGTH = struct.Struct("!i").pack
_SMALL = struct.Struct("!ih").pack
# The columns from `binds`, which is NULL, to the length of `prints`.
_ANSWERED = struct.Struct("!i ih ih i").pack
_ENTRY = struct.Struct("!iq").pack


def encoder_for(recipient_import: RecipientImport, layout: Layout) -> Callable[[int, int, Sequence[str]], bytes]:
    """A function that turns (place, number, cells) into a row of the table in COPY's binary format."""
    campaign = recipient_import.campaign
    judge = judge_for(campaign, layout)
    encrypt, index, workspace_id = cipher().encrypt, blind_index(), campaign.workspace_id
    older_keys = index.older_key_ids

    def refusal(place: int, number: int, refused: RowInvalid) -> bytes:
        bound = [index.of(workspace_id, each) for each in refused.binds]
        binds = _array(17, bound) if bound else _NULL
        row = _START.pack(_COLUMNS, 4, place, 4, number) + _NULL + _value(refused.code.encode()) + _NULL * 8
        return b"".join((row, binds, _SMALL(2, refused.consent), _NULL * 4))

    def identified(record_number: str, voicemail_id: UUID) -> bytes:
        encrypted = RECORD_NUMBER.encrypt(record_number, workspace_id, voicemail_id)
        return _value(encrypted) + _ENTRY(8, record_number_entry(workspace_id, record_number))

    def encode(place: int, number: int, cells: Sequence[str]) -> bytes:
        try:
            e164, reference, record_number, places, fields, recording_id, consent, nth, prints = judge(cells)
        except RowInvalid as refused:
            return refusal(place, number, refused)
        half = second_half()
        voicemail_id = UUID(bytes=_NO_TIME + half)
        encrypted = RECIPIENT.encrypt(e164, workspace_id, voicemail_id)
        indexed, last4 = index.of(workspace_id, e164), e164[-4:].encode()
        if len(encrypted) == _USUAL_BYTES and not older_keys:
            start = _USUAL(
                _COLUMNS, 4, place, 4, number, 8, half, -1, _USUAL_BYTES, encrypted, 32, indexed, -1, 4, last4
            )
        else:
            older = [index.of(workspace_id, e164, key) for key in older_keys]
            parts = (
                _HALF(8, half),
                _NULL,
                _value(encrypted),
                _value(indexed),
                _array(17, older) if older else _NULL,
                _value(last4),
            )
            start = _START.pack(_COLUMNS, 4, place, 4, number) + b"".join(parts)
        return b"".join(
            (
                start,
                _value(reference.encode()),
                _places(places),
                _NULL
                if fields is None
                else _value(encrypt(fields, MERGE_FIELDS.associated_data(workspace_id, voicemail_id))),
                _NULL if recording_id is None else _value(recording_id.bytes),
                _ANSWERED(-1, 2, consent, 2, nth, len(prints)),
                prints,
                identified(record_number, voicemail_id) if record_number else _NULL * 2,
            )
        )

    return encode


def _value(content: bytes) -> bytes:
    return _LENGTH(len(content)) + content


def _array(element: int, contents: Sequence[bytes]) -> bytes:
    """A one-dimensional array without NULLs; `element` is the OID of the elements' type."""
    return _value(struct.pack("!iiiii", 1, 0, element, len(contents), 1) + b"".join(map(_value, contents)))


@lru_cache(maxsize=4096)
def _places(places: tuple[str, ...]) -> bytes:
    return _array(1043, [place.encode() for place in places]) if places else _NULL
