"""Writes new voicemails and their count: a thousand of the API's are seven arrays, not thirty thousand parameters, and a list's come
from the table in which they were prepared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from delivery.models import Lane, Voicemail
from delivery.recipients import PURPOSE
from rvm.platform.crypto import blind_index, vault
from rvm.platform.ids import first_id_at

# What the rows of one call share comes once; the other columns have the defaults of their table.
_INSERT = """
WITH written AS (
  INSERT INTO delivery_voicemail
    (id, recipient, recipient_index, last4, sender, reference, metadata,
     workspace_id, use_case_id, setup_id, lane_id, recording_id, live, index_key, status, not_before, expires_at, created_at,
     updated_at, reason, carrier_code, carrier_text, attempts)
  SELECT r.id, r.recipient, r.index, r.last4, r.sender, r.reference, r.metadata::jsonb,
         %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '', '', 0
    FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[])
      AS r(id, recipient, index, last4, sender, reference, metadata)
  RETURNING lane_id, status
)
INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
SELECT lane_id, status, '', count(*) FROM written GROUP BY lane_id, status
"""


def insert_voicemails(rows: Sequence[Voicemail]) -> None:
    """Write rows that differ in nothing but id, person, sender, reference and metadata."""
    if not rows:
        return
    shared = rows[0]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                shared.workspace_id,
                shared.use_case_id,
                shared.setup_id,
                shared.lane_id,
                shared.recording_id,
                shared.live,
                shared.index_key,
                shared.status,
                shared.not_before,
                shared.expires_at,
                shared.created_at,
                shared.updated_at,
                [row.pk for row in rows],
                [vault().encrypt(row.recipient.encode(), PURPOSE) for row in rows],
                [row.recipient_index for row in rows],
                [row.last4 for row in rows],
                [row.sender for row in rows],
                [row.reference for row in rows],
                [None if row.metadata is None else orjson.dumps(row.metadata).decode() for row in rows],
            ],
        )


# The first half of a UUIDv7 counts on from the moment of the call (rvm.platform.ids), so that the rows keep the order in which they
# were chosen; the second half is random. `sender` is what the person saw last under this use case, found with one probe of an index:
# OFFSET 0 keeps the planner from the other indexes. It does not know yet how many rows a new use case has, took its index for as
# good, and read all of them for each person. Whether that number is still assigned is asked when the voicemail is claimed.
_INSERT_STAGED = """
INSERT INTO delivery_voicemail
  (id, recipient, recipient_index, last4, sender, reference, merge_fields, zones, recording_id,
   workspace_id, use_case_id, setup_id, lane_id, live, index_key, status, not_before, created_at, updated_at,
   reason, carrier_code, carrier_text, attempts)
SELECT encode(overlay(uuid_send(gen_random_uuid()) placing
              int8send((clock >> 12 << 16) | x'7000'::bigint | (clock & 4095)) from 1 for 8), 'hex')::uuid,
       recipient, index, last4, coalesce(sender, ''), reference, merge_fields, zones, coalesce(recording_id, %(recording)s),
       %(workspace)s, %(use_case)s, %(setup)s, %(lane)s, %(live)s, %(index_key)s, 'queued', %(now)s, %(now)s, %(now)s,
       '', '', '', 0
  FROM (SELECT s.*, last.sender, %(clock)s + row_number() OVER () AS clock
          FROM ({staged}) s
          LEFT JOIN LATERAL (SELECT sender FROM (SELECT id, sender, use_case_id, live FROM delivery_voicemail v
                                                  WHERE v.recipient_index {sought} OFFSET 0) earlier
                              WHERE use_case_id = %(use_case)s AND live = %(live)s ORDER BY id DESC LIMIT 1) last ON true) prepared
"""
_COUNT = "INSERT INTO delivery_lanedelta (lane_id, status, reason, delta) VALUES (%s, 'queued', '', %s)"
_STRETCH = """
UPDATE delivery_lane SET first_id = least(first_id, %s), last_id = greatest(last_id, %s), idle = false WHERE id = %s
"""


def insert_staged(
    lane: Lane, staged: str, arguments: dict[str, Any], *, recording_id: UUID | None, now: datetime
) -> int:
    """Queue in a lane what the query `staged` yields, and say how many.

    Its columns, of the types of delivery_voicemail: recipient, index, older, last4, reference, merge_fields, zones, recording_id.
    `index` is under the current index key, `older` holds those under the others, if any; `recording_id` is for rows that name none.
    `arguments` are the query's own. Call it in a transaction.
    """
    sought = "= s.index" if len(settings.RVM_INDEX_KEYS.keys) == 1 else "= ANY(s.older || s.index)"
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
        cursor.execute(_INSERT_STAGED.format(staged=staged, sought=sought), {**arguments, **shared})
        count: int = cursor.rowcount
        if count:
            cursor.execute(_COUNT, [lane.pk, count])
            until = now + timedelta(milliseconds=count // 4096 + 2)
            cursor.execute(_STRETCH, [first_id_at(now), first_id_at(until), lane.pk])
    return count
