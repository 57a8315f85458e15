"""Copies of voicemails into another lane: each goes on where one that has ended without a delivery stopped.

A copy keeps the second half of the id, to which the ciphertexts are bound, so nothing is decrypted for it; only the first half, the
time, is its own. By the number's index and that half the two find each other, so a voicemail is copied once, and what was copied is
not retried as well.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from delivery.lifecycle.attempts import MAY_HAVE_LEFT_SQL
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import DROP_TAKEN, DROP_UNDER_WAY, TAKEN, VoicemailStatus
from delivery.lifecycle.successors import HALF_SQL, HAS_SUCCESSOR_SQL
from delivery.models import Lane
from delivery.services.lanes import id_range, widen_id_range
from rvm.platform.database import sql
from rvm.platform.database.ids import clock_at, counted_id_sql

# The statuses in which a voicemail has ended and was not delivered.
UNREACHED = (VoicemailStatus.FAILED, VoicemailStatus.SKIPPED, VoicemailStatus.EXPIRED, VoicemailStatus.CANCELED)

# Each status is one range of an index; all are sorted by id, the order of all locks on voicemails.
_OF_STATUS = """
  (SELECT id FROM delivery_voicemail
    WHERE workspace_id = %(workspace)s AND status = '{status}' AND lane_id = %(lane)s AND id > %(after)s AND id <= %(last)s
      AND reason = ANY(%(reasons)s) AND ended_at <= %(since)s AND recipient IS NOT NULL
    ORDER BY id LIMIT %(limit)s)
"""
_FIND_UNREACHED = (
    f"SELECT id FROM ({' UNION ALL '.join(_OF_STATUS.format(status=status.value) for status in UNREACHED)}) found"  # noqa: S608
    " ORDER BY id LIMIT %(limit)s"
)
_LOCK = "SELECT id FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_SUCCEEDED = f"SELECT v.id FROM delivery_voicemail v WHERE v.id = ANY(%s::uuid[]) AND {HAS_SUCCESSOR_SQL}"  # noqa: S608
# Of the row `v`: an attempt is with the carrier or was left, whatever became of the voicemail, which may have been queued again and
# canceled since; or an attempt may have been left. OFFSET 0 restricts the planner to the index of drops by voicemail.
_IS_WITH_CARRIER = f"""EXISTS (
  SELECT FROM delivery_drop d WHERE d.voicemail_id = v.id AND d.status IN {sql.literals(DROP_UNDER_WAY | DROP_TAKEN)}
  OFFSET 0)
"""
_MAY_HAVE_REACHED = f"""EXISTS (
  SELECT FROM delivery_drop d WHERE d.voicemail_id = v.id AND {MAY_HAVE_LEFT_SQL}
  OFFSET 0)
"""
# Copies the locked rows that are still unreached and have no copy yet, with their identifiers. A recording of the target takes the
# place of their own.
_COPY = f"""
WITH source AS MATERIALIZED (
  SELECT v.*, {counted_id_sql("clock", HALF_SQL.format(row="v"))} AS new_id
    FROM (SELECT *, %(clock)s + row_number() OVER (ORDER BY id) AS clock FROM delivery_voicemail WHERE id = ANY(%(ids)s::uuid[])) v
   WHERE v.status = ANY(%(statuses)s) AND v.recipient IS NOT NULL AND NOT {HAS_SUCCESSOR_SQL} AND NOT {_IS_WITH_CARRIER}
     AND (%(risk)s OR NOT {_MAY_HAVE_REACHED})
), named AS (
  INSERT INTO delivery_voicemailidentifier (voicemail_id, record_number, reference)
  SELECT s.new_id, i.record_number, i.reference FROM source s JOIN delivery_voicemailidentifier i ON i.voicemail_id = s.id
), written AS (
  INSERT INTO delivery_voicemail
    (id, recipient, recipient_index, index_key, last4, sender, reference, record_number, metadata, merge_fields, zones, recording_id,
     workspace_id, use_case_id, setup_id, lane_id, live, status, not_before, created_at, updated_at,
     reason, carrier_code, carrier_text, attempts)
  SELECT new_id, recipient, recipient_index, index_key, last4, sender, reference, record_number, metadata, merge_fields, zones,
         coalesce(%(recording)s, recording_id), workspace_id, %(use_case)s, %(setup)s, %(lane)s, live, 'queued', %(now)s, %(now)s,
         %(now)s, '', '', '', 0
    FROM source
  RETURNING 1
), counted AS (
  INSERT INTO delivery_lanedelta (lane_id, status, reason, delta)
  SELECT %(lane)s, 'queued', '', count(*) FROM written HAVING count(*) > 0
)
SELECT count(*) FROM written
"""  # noqa: S608 - of constants
# Queued copies in a lane whose originals have been reached after all, by a report that came late. Where the voicemail has ended for
# good, only its drop tells of it.
_REACHED_SINCE = f"""
SELECT n.id FROM delivery_voicemail n
 CROSS JOIN LATERAL (SELECT id, lane_id, status FROM delivery_voicemail WHERE recipient_index = n.recipient_index OFFSET 0) v
 WHERE n.lane_id = %s AND n.id BETWEEN %s AND %s AND n.status = 'queued'
   AND v.lane_id = %s AND {HALF_SQL.format(row="n")} = {HALF_SQL.format(row="v")}
   AND (v.status IN {sql.literals(TAKEN)} OR {_IS_WITH_CARRIER})
"""  # noqa: S608 - of constants


class Copied(NamedTuple):
    """Result of one batch. `last` is the last id of the batch, or None when no more are left."""

    people: int
    last: UUID | None


def copy_unreached(
    source: Lane,
    target: Lane,
    reasons: Collection[str],
    *,
    accept_duplicate_risk: bool,
    recording_id: UUID | None,
    since: datetime,
    after: UUID,
    limit: int,
    now: datetime,
) -> Copied:
    """Queue in `target` the next `limit` voicemails of `source` that had ended by `since` for one of the reasons and were not
    delivered, by id from `after` (exclusive). They hear `recording_id`, or what they had. Call it in a transaction.

    Who may have been reached by any of their attempts is left out unless `accept_duplicate_risk`, and always while the carrier has
    an attempt that has not failed.

    Waits for a concurrent retry: either it commits and the voicemail is not copied, or the retry finds the copy."""
    asked = {
        "workspace": source.workspace_id,
        "lane": source.pk,
        "after": after,
        "last": id_range(source)[1],
        "reasons": sql.texts(sorted(reasons)),
        "since": since,
        "limit": limit,
    }
    found = [row[0] for row in sql.run(_FIND_UNREACHED, asked)]
    sql.run(_LOCK, [sql.ids(found)])
    [(count,)] = sql.run(
        _COPY,
        {
            "ids": sql.ids(found),
            "statuses": sql.texts(status.value for status in UNREACHED),
            "clock": clock_at(now),
            "risk": accept_duplicate_risk,
            "recording": recording_id,
            "use_case": target.use_case_id,
            "setup": target.use_case.setup_id,
            "lane": target.pk,
            "now": now,
        },
    )
    if count:
        widen_id_range(target, len(found), now)
    return Copied(count, found[-1] if len(found) == limit else None)


def copied_among(voicemail_ids: Collection[UUID]) -> set[UUID]:
    """The ids of the voicemails that were copied into another lane. Call it when their rows are locked."""
    return {row[0] for row in sql.run(_SUCCEEDED, [sql.ids(voicemail_ids)])}


def reached_since(source: Lane, target: Lane) -> list[UUID]:
    """Queued copies in `target` whose originals in `source` were reported as taken or delivered after the copying."""
    return [row[0] for row in sql.run(_REACHED_SINCE, [target.pk, *id_range(target), source.pk])]


def is_copyable(reason: str) -> bool:
    """Whether voicemails that ended for the reason may be copied: all but those of people who were taken out, or must not be reached
    by what the carrier said."""
    try:
        facts = REASONS[Reason(reason)]
    except ValueError:
        return False
    return reason != Reason.WITHDRAWN and facts.suppresses is None
