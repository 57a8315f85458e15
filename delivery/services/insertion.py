"""Writes new voicemails and their count: a thousand of the API's are seven arrays, not thirty thousand parameters, and a list's come
from the table in which they were prepared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from delivery.identifiers import REFERENCE_ENTRY, encrypt_record_number, record_number_entry
from delivery.models import Lane, Voicemail
from delivery.models.voicemail import RECIPIENT_PURPOSE
from delivery.services.last_sender import last_sender_sql
from rvm.platform.database.ids import first_id_at
from rvm.platform.encryption.crypto import blind_index, cipher

# Writes the voicemails of one call, what they are found by, and their count.
# What the rows of one call share comes once; the other columns have the defaults of their table.
_INSERT_QUEUED = """
WITH r AS MATERIALIZED (
  SELECT * FROM unnest(%(ids)s::uuid[], %(recipients)s::bytea[], %(indexes)s::bytea[], %(last4)s::text[], %(senders)s::text[],
                       %(references)s::text[], %(metadata)s::text[], %(record_numbers)s::bytea[], %(record_entries)s::bigint[])
    AS r(id, recipient, index, last4, sender, reference, metadata, record_number, record_entry)
), written AS (
  INSERT INTO delivery_voicemail
    (id, recipient, recipient_index, last4, sender, reference, metadata, record_number,
     workspace_id, use_case_id, setup_id, lane_id, recording_id, live, index_key, status, not_before, expires_at, created_at,
     updated_at, reason, carrier_code, carrier_text, attempts)
  SELECT r.id, r.recipient, r.index, r.last4, r.sender, r.reference, r.metadata::jsonb, r.record_number,
         %(workspace)s, %(use_case)s, %(setup)s, %(lane)s, %(recording)s, %(live)s, %(index_key)s, %(status)s, %(not_before)s,
         %(expires_at)s, %(created_at)s, %(updated_at)s, '', '', '', 0
    FROM r
  RETURNING lane_id, status
), named AS (
  INSERT INTO delivery_voicemailidentifier (voicemail_id, record_number, reference)
  SELECT id, record_entry, {reference_entry} FROM r WHERE record_entry IS NOT NULL OR reference <> ''
)
INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
SELECT lane_id, status, '', count(*) FROM written GROUP BY lane_id, status
""".replace("{reference_entry}", REFERENCE_ENTRY)


def insert_voicemails(rows: Sequence[Voicemail]) -> None:
    """Write rows that differ in nothing but id, person, sender, reference and metadata."""
    if not rows:
        return
    shared = rows[0]
    workspace_id = shared.workspace_id
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_QUEUED,
            {
                "workspace": workspace_id,
                "use_case": shared.use_case_id,
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
                "ids": [row.pk for row in rows],
                "recipients": [cipher().encrypt(row.recipient.encode(), RECIPIENT_PURPOSE) for row in rows],
                "indexes": [row.recipient_index for row in rows],
                "last4": [row.last4 for row in rows],
                "senders": [row.sender for row in rows],
                "references": [row.reference for row in rows],
                "metadata": [None if row.metadata is None else orjson.dumps(row.metadata).decode() for row in rows],
                "record_numbers": [
                    encrypt_record_number(row.record_number) if row.record_number else None for row in rows
                ],
                "record_entries": [
                    record_number_entry(workspace_id, row.record_number) if row.record_number else None for row in rows
                ],
            },
        )


# Gives each staged row its id and its sender.
# The first half of a UUIDv7 counts on from the moment of the call (rvm.platform.database.ids), so that the rows keep the order in
# which they were chosen; the second half is random. Whether the last sender is still assigned is asked when the voicemail is claimed.
_PREPARE_STAGED = """
SELECT encode(overlay(uuid_send(gen_random_uuid()) placing
              int8send((clock >> 12 << 16) | x'7000'::bigint | (clock & 4095)) from 1 for 8), 'hex')::uuid AS id,
       recipient, index, last4, coalesce(sender, '') AS sender, reference, record_number, record_entry, merge_fields, zones,
       coalesce(recording_id, %(recording)s) AS recording_id
  FROM (SELECT s.*, last.sender, %(clock)s + row_number() OVER () AS clock
          FROM ({staged}) s
          LEFT JOIN LATERAL ({last_sender}) last ON true) numbered
""".replace("{last_sender}", last_sender_sql(matches="{sought}", use_case="%(use_case)s", live="%(live)s"))
# Writes what was prepared as queued voicemails.
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
# The same where some of them can be found by what the customer calls them. In the order of the index that has none by itself.
_INSERT_IDENTIFIERS = f"""
INSERT INTO delivery_voicemailidentifier (voicemail_id, record_number, reference)
SELECT id, record_entry, {REFERENCE_ENTRY} FROM prepared
 WHERE record_entry IS NOT NULL OR reference <> '' ORDER BY record_entry
"""  # noqa: S608 - ours
_INSERT_IDENTIFIED = (
    f"WITH prepared AS MATERIALIZED ({_PREPARE_STAGED}), named AS ({_INSERT_IDENTIFIERS})"
    + _INSERT_PREPARED.replace("{prepared}", "prepared")
)
# Appends the count of what was written.
_COUNT_QUEUED = "INSERT INTO delivery_lanedelta (lane_id, status, reason, delta) VALUES (%s, 'queued', '', %s)"
# Has the lane know between which ids its voicemails lie, and looks for work read it.
_WIDEN_ID_RANGE = """
UPDATE delivery_lane SET first_id = least(first_id, %s), last_id = greatest(last_id, %s), idle = false WHERE id = %s
"""


def insert_staged(
    lane: Lane,
    staged: str,
    arguments: dict[str, Any],
    *,
    recording_id: UUID | None,
    identified: bool = False,
    now: datetime,
) -> int:
    """Queue in a lane what the query `staged` yields, and say how many.

    Its columns, of the types of delivery_voicemail: recipient, index, older, last4, reference, record_number, record_entry (of
    VoicemailIdentifier), merge_fields, zones, recording_id. `identified` says that there may be references or record numbers.
    `index` is under the current index key, `older` holds those under the others, if any; `recording_id` is for rows that name none.
    `arguments` are the query's own. Call it in a transaction.
    """
    sought = blind_index().match_sql("s.index", "s.older")
    shared: dict[str, Any] = {
        "workspace": lane.workspace_id,
        "use_case": lane.use_case_id,
        "setup": lane.use_case.setup_id,
        "lane": lane.pk,
        "live": lane.live,
        "recording": recording_id,
        "index_key": blind_index().current,
        "now": now,
        "clock": int(now.timestamp() * 1000) << 12,
    }
    with connection.cursor() as cursor:
        statement = _INSERT_IDENTIFIED if identified else _INSERT_STAGED
        cursor.execute(statement.format(staged=staged, sought=sought), {**arguments, **shared})
        count: int = cursor.rowcount
        if count:
            cursor.execute(_COUNT_QUEUED, [lane.pk, count])
            until = now + timedelta(milliseconds=count // 4096 + 2)
            cursor.execute(_WIDEN_ID_RANGE, [first_id_at(now), first_id_at(until), lane.pk])
    return count
