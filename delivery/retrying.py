"""Queues failed voicemails again where their use case's policy says so, in the transaction that failed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import random
from uuid import UUID

from delivery import moves, sql
from delivery.moves import Move
from delivery.reasons import Reason
from delivery.retries import RetryPolicy, after_failure
from delivery.status import VoicemailStatus

# Only what its lane or use case lets be tried more than once is looked at; for most there is nothing to decide. What has no time of
# its own and is in a lane without one has outlived its campaign: whether it is tried again is for a person to say.
_FAILED = """
SELECT v.id, v.reason, v.failover, coalesce(v.expires_at, l.expires_at), coalesce(l.max_attempts, u.max_attempts),
       coalesce(l.retry_minutes, u.retry_minutes), u.failover_setup_id IS NOT NULL AND v.live,
       u.failover_reasons::text[],
       (SELECT count(*) FROM delivery_drop d WHERE d.voicemail_id = v.id AND d.status <> 'not_sent')
  FROM delivery_voicemail v JOIN usecases_usecase u ON u.id = v.use_case_id JOIN delivery_lane l ON l.id = v.lane_id
 WHERE v.id = ANY(%s::uuid[]) AND v.status = 'failed' AND coalesce(l.max_attempts, u.max_attempts) > 1
   AND coalesce(v.expires_at, l.expires_at) IS NOT NULL
"""


def retry_failed(voicemail_ids: Sequence[UUID], now: datetime) -> None:
    """failed -> queued for those that may be tried again."""
    if not voicemail_ids:
        return
    again: list[Move] = []
    for row in sql.run(_FAILED, [sql.ids(voicemail_ids)]):
        policy = RetryPolicy(row[4], timedelta(minutes=row[5]), row[6], [Reason(name) for name in row[7]])
        retry = after_failure(
            Reason(row[1]),
            now,
            policy,
            attempts=row[8],
            failover=row[2],
            expires_at=row[3],
            jitter=random(),  # noqa: S311 - spreads load
        )
        if retry is not None:
            again.append(
                Move(
                    row[0],
                    VoicemailStatus.FAILED,
                    VoicemailStatus.QUEUED,
                    was_reason=row[1],
                    not_before=retry.at,
                    failover=retry.failover,
                )
            )
    moves.apply(again, now)
