"""Writes new voicemails and their count in one statement: a thousand rows are seven arrays, not thirty thousand parameters."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from django.db import connection

from delivery.models import Voicemail
from rvm.platform.crypto import vault

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
_PURPOSE: bytes = Voicemail._meta.get_field("recipient").purpose


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
                [vault().encrypt(row.recipient.encode(), _PURPOSE) for row in rows],
                [row.recipient_index for row in rows],
                [row.last4 for row in rows],
                [row.sender for row in rows],
                [row.reference for row in rows],
                [None if row.metadata is None else orjson.dumps(row.metadata).decode() for row in rows],
            ],
        )
