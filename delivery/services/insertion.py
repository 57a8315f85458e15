"""Set-wise insertion of queued voicemails and their counts.

A thousand voicemails of an API call are one statement with nine arrays, not thirty thousand parameters. Voicemails of an uploaded
list come from its staging table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from delivery.identifiers import REFERENCE_ENTRY, record_number_entry
from delivery.models import Lane, Recording, Voicemail
from delivery.models.voicemail import RECIPIENT, RECORD_NUMBER
from delivery.recordings.removal import note_use_sql, require_sound
from delivery.selectors.last_sender import last_sender_sql
from delivery.services.lanes import widen_id_range
from delivery.services.references import RESERVE_REFERENCES
from rvm.platform.database import sql
from rvm.platform.database.ids import clock_at, counted_id_sql
from rvm.platform.encryption.crypto import blind_index
from usecases.selectors import sender_numbers
from usecases.suppressions import suppressed_sql

# Inserts those voicemails of one call whose people are not suppressed and whose references are free, their identifiers and their
# count, notes the use of their recording and makes their lane active; nothing if the sound was removed. Returns when it was, how many
# were inserted, and a row for each person who is suppressed, or last saw another sender than the given one. As one statement it is a
# transaction by itself.
# Values that all rows of a call share are single parameters; columns that are not named have the defaults of the table. In
# subqueries, the arrays are as unknown to a plan for these values as to one for all, so that PostgreSQL keeps the latter.
_INSERT_QUEUED = (
    """
WITH used AS MATERIALIZED (
  SELECT delivery_use_recording(%(recording)s) AS removed_at
), given AS MATERIALIZED (
  SELECT r.*, {suppressed} AS suppressed, last.sender AS last_sender
    FROM used
   CROSS JOIN unnest((SELECT %(ids)s::uuid[]), (SELECT %(recipients)s::bytea[]), (SELECT %(indexes)s::bytea[]),
                     (SELECT %(older)s::text[]), (SELECT %(last4)s::text[]), (SELECT %(senders)s::text[]),
                     (SELECT %(references)s::text[]), (SELECT %(metadata)s::text[]), (SELECT %(record_numbers)s::bytea[]),
                     (SELECT %(record_entries)s::bigint[]))
      AS r(id, recipient, index, older, last4, sender, reference, metadata, record_number, record_entry)
    LEFT JOIN LATERAL ({last_sender}) last ON true
   WHERE used.removed_at IS NULL
), reserved AS (
  {reserve_references}
), r AS MATERIALIZED (
  SELECT * FROM given
   WHERE NOT suppressed AND (reference = '' OR id IN (SELECT voicemail_id FROM reserved))
), written AS (
  INSERT INTO delivery_voicemail
    (id, recipient, recipient_index, last4, sender, reference, metadata, record_number,
     workspace_id, use_case_id, setup_id, lane_id, recording_id, live, index_key, status, not_before, expires_at, created_at,
     updated_at, reason, carrier_code, carrier_text, attempts)
  SELECT r.id, r.recipient, r.index, r.last4, coalesce(r.last_sender, r.sender), r.reference, nullif(r.metadata, '')::jsonb,
         r.record_number, %(workspace)s, %(use_case)s, %(setup)s, %(lane)s, %(recording)s, %(live)s, %(index_key)s, %(status)s,
         %(not_before)s, %(expires_at)s, %(created_at)s, %(updated_at)s, '', '', '', 0
    FROM r
  RETURNING lane_id, status
), named AS (
  INSERT INTO delivery_voicemailidentifier (voicemail_id, record_number, reference)
  SELECT id, record_entry, {reference_entry} FROM r WHERE record_entry IS NOT NULL OR reference <> ''
), counted AS (
  INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
  SELECT lane_id, status, '', count(*) FROM written GROUP BY lane_id, status
  RETURNING delta
), active AS (
  UPDATE delivery_lane SET idle = false WHERE id = %(lane)s AND idle
), noted AS (
  {note_use}
)
SELECT used.removed_at, coalesce((SELECT delta FROM counted), 0), other.id, other.suppressed, other.last_sender
  FROM used LEFT JOIN (SELECT * FROM given WHERE suppressed OR last_sender <> sender) other ON true
""".replace("{reserve_references}", RESERVE_REFERENCES.format(rows="(SELECT * FROM given WHERE NOT suppressed) free"))
    .replace("{reference_entry}", REFERENCE_ENTRY)
    .replace(
        "{note_use}",
        note_use_sql(
            "delivery_recording",
            ids="ARRAY(SELECT %(recording)s::uuid FROM counted)",
            now="%(created_at)s::timestamptz",
        ),
    )
    .replace(
        "{suppressed}",
        suppressed_sql(
            workspace="%(workspace)s", purpose="%(purpose)s", confidential="%(confidential)s", matches="{sought}"
        ),
    )
    .replace(
        "{last_sender}",
        last_sender_sql(
            indexes="{indexes}",
            use_case="%(use_case)s",
            live="%(live)s",
            senders="ARRAY(SELECT unnest(%(assigned)s::text[]))",
        ),
    )
)


def insert_voicemails(rows: Sequence[Voicemail], assigned: Collection[str]) -> tuple[int, set[UUID]]:
    """Insert those rows whose people are not suppressed and whose references are free; return how many these are, and the ids of the
    rows of suppressed people. A person who last saw one of the `assigned` senders gets it in place of the row's.

    All rows share everything except id, recipient, sender, reference, record number and metadata. Raises ServiceError if the sound of
    their recording was removed."""
    if not rows:
        return 0, set()
    shared, index = rows[0], blind_index()
    workspace_id, use_case = shared.workspace_id, shared.use_case
    recorded = [(row.id, row.record_number) for row in rows]
    answer = sql.run(
        _INSERT_QUEUED.format(
            sought=index.match_sql("r.index", "r.older::bytea[]"),
            indexes=index.array_sql("r.index", "r.older::bytea[]"),
        ),
        {
            "workspace": workspace_id,
            "use_case": use_case.pk,
            "purpose": use_case.purpose,
            "confidential": use_case.to_confidential,
            "setup": shared.setup_id,
            "lane": shared.lane_id,
            "recording": shared.recording_id,
            "live": shared.live,
            "index_key": shared.index_key,
            "status": shared.status,
            "not_before": shared.not_before,
            "expires_at": shared.expires_at,
            "created_at": shared.created_at,
            "updated_at": shared.updated_at,
            "assigned": sql.texts(assigned),
            "ids": sql.ids(row.id for row in rows),
            "recipients": sql.binaries(RECIPIENT.encrypt(row.recipient, workspace_id, row.id) for row in rows),
            "indexes": sql.binaries(bytes(row.recipient_index) for row in rows),
            "older": sql.texts(_older_indexes(row) for row in rows) if index.rotating else "{}",
            "last4": sql.texts(row.last4 for row in rows),
            "senders": sql.texts(row.sender for row in rows),
            "references": sql.texts(row.reference for row in rows),
            "metadata": sql.texts("" if row.metadata is None else orjson.dumps(row.metadata).decode() for row in rows),
            "record_numbers": sql.binaries(
                RECORD_NUMBER.encrypt(number, workspace_id, row_id) if number else None for row_id, number in recorded
            ),
            "record_entries": sql.numbers(
                record_number_entry(workspace_id, number) if number else None for _, number in recorded
            ),
        },
    )
    removed_at, count, *_ = answer[0]
    if removed_at is not None:
        require_sound(Recording(sound_removed_at=removed_at), field="recording_id")
    last_senders = {row_id: sender for _, _, row_id, suppressed, sender in answer if not suppressed}
    for row in rows:
        row.sender = last_senders.get(row.id, row.sender)
    return int(count), {row_id for _, _, row_id, suppressed, _ in answer if suppressed}


def _older_indexes(row: Voicemail) -> str:
    """The blind indexes of the recipient under older keys, as a `bytea[]` literal."""
    index = blind_index()
    return sql.binaries(index.of(row.workspace_id, str(row.recipient), key_id) for key_id in index.older_key_ids)


# Gives each staged row its id and its sender.
# The first half of each UUIDv7 counts up from the time of the call (rvm.platform.database.ids), so that ids follow the order of the
# staged rows; the second half is the staged row's own, to which its ciphertexts are bound. The claim checks whether the last sender
# is still assigned.
_PREPARE_STAGED = """
SELECT {id} AS id, recipient, index, last4, coalesce(sender, '') AS sender, reference, record_number, record_entry, merge_fields,
       zones, coalesce(recording_id, %(recording)s) AS recording_id
  FROM (SELECT s.*, last.sender, %(clock)s + row_number() OVER () AS clock
          FROM ({staged}) s
          LEFT JOIN LATERAL ({last_sender}) last ON true) numbered
""".replace("{id}", counted_id_sql("clock", "int8send(half)")).replace(
    "{last_sender}",
    last_sender_sql(indexes="{indexes}", use_case="%(use_case)s", live="%(live)s", senders="%(senders)s::text[]"),
)
_INSERT_PREPARED = """
INSERT INTO delivery_voicemail
  (id, recipient, recipient_index, last4, sender, reference, record_number, merge_fields, zones, recording_id,
   workspace_id, use_case_id, setup_id, lane_id, live, index_key, status, not_before, created_at, updated_at,
   reason, carrier_code, carrier_text, attempts)
SELECT id, recipient, index, last4, sender, reference, record_number, merge_fields, zones, recording_id,
       %(workspace)s, %(use_case)s, %(setup)s, %(lane)s, %(live)s, %(index_key)s, 'queued', %(now)s, %(now)s, %(now)s,
       '', '', '', 0
  FROM {prepared} p
"""
_INSERT_STAGED = _INSERT_PREPARED.replace("{prepared}", f"({_PREPARE_STAGED})")
# Inserts the identifiers of rows that have a reference or a record number. Sorted by record number, because
# inserts into that index are cheaper in its own order.
_INSERT_IDENTIFIERS = f"""
INSERT INTO delivery_voicemailidentifier (voicemail_id, record_number, reference)
SELECT id, record_entry, {REFERENCE_ENTRY} FROM prepared
 WHERE record_entry IS NOT NULL OR reference <> '' ORDER BY record_entry
"""  # noqa: S608 - ours
_INSERT_IDENTIFIED = (
    f"WITH prepared AS MATERIALIZED ({_PREPARE_STAGED}), named AS ({_INSERT_IDENTIFIERS})"
    + _INSERT_PREPARED.replace("{prepared}", "prepared")
)
_COUNT_QUEUED = "INSERT INTO delivery_lanedelta (lane_id, status, reason, delta) VALUES (%s, 'queued', '', %s)"


def insert_staged(
    lane: Lane,
    staged: str,
    arguments: dict[str, Any],
    *,
    recording_id: UUID | None,
    identified: bool = False,
    now: datetime,
) -> int:
    """Queue the rows of the query `staged` in a lane and return how many. Call it in a transaction.

    Columns of `staged`, with the types of delivery_voicemail: half (a bigint, the second half of the id), recipient, index, older,
    last4, reference, record_number, record_entry (of VoicemailIdentifier), merge_fields, zones, recording_id. `index` is the blind
    index under the current key, `older` has those under other keys, if any. `arguments` are the parameters of `staged`. The argument
    `recording_id` is the default for rows without one. `identified` must be true if a row may have a reference or a record number.
    """
    indexes = blind_index().array_sql("s.index", "s.older")
    shared: dict[str, Any] = {
        "workspace": lane.workspace_id,
        "use_case": lane.use_case_id,
        "setup": lane.use_case.setup_id,
        "lane": lane.pk,
        "live": lane.live,
        "senders": sql.texts(sender_numbers(lane.use_case, live=lane.live)),
        "recording": recording_id,
        "index_key": blind_index().current,
        "now": now,
        "clock": clock_at(now),
    }
    with connection.cursor() as cursor:
        statement = _INSERT_IDENTIFIED if identified else _INSERT_STAGED
        cursor.execute(statement.format(staged=staged, indexes=indexes), {**arguments, **shared})
        count: int = cursor.rowcount
        if count:
            cursor.execute(_COUNT_QUEUED, [lane.pk, count])
            widen_id_range(lane, count, now)
    return count
