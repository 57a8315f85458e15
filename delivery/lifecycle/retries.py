"""Automatic retries: failed voicemails are queued again, if the retry policy allows it, in the transaction that failed them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from uuid import UUID

from delivery.lifecycle import transitions
from delivery.lifecycle.attempts import COUNT_SQL
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.retry_policy import Retry, RetryPolicy, after_failure
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.successors import HAS_SUCCESSOR_SQL
from delivery.lifecycle.transitions import Transition
from rvm.platform.database import sql
from usecases.effective_settings import effective_sql
from usecases.selectors import can_send_sql


def _find_retryable() -> str:
    """The voicemails whose lane or use case allows more than one attempt; most allow one. One without an expiry, in a lane without
    one, has outlived its campaign: only a user may retry it. One that was copied goes on in its copy: whoever copies has locked the
    voicemail too, so one of the two finds what the other did. The failover setup takes over if it can send, unless it has failed
    already in place of a first setup that drains."""
    return f"""
SELECT v.id, v.status, v.reason, v.failover, coalesce(v.expires_at, l.expires_at), {effective_sql("max_attempts")},
       {effective_sql("retry_minutes")},
       v.live AND u.failover_setup_id IS DISTINCT FROM (SELECT setup_id FROM delivery_drop WHERE id = v.drop_id)
       AND {can_send_sql("u.failover_setup_id")},
       u.failover_reasons::text[],
       {COUNT_SQL}
  FROM delivery_voicemail v JOIN usecases_usecase u ON u.id = v.use_case_id JOIN delivery_lane l ON l.id = v.lane_id
 WHERE v.id = ANY(%s::uuid[]) AND v.recipient IS NOT NULL AND {effective_sql("max_attempts")} > 1
   AND coalesce(v.expires_at, l.expires_at) IS NOT NULL AND NOT {HAS_SUCCESSOR_SQL}
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Retryable:
    """Facts that decide whether a failed voicemail is retried. `attempts` counts its drops that were not proved unsent."""

    voicemail_id: UUID
    status: str
    reason: str
    failover: bool
    policy: RetryPolicy
    attempts: int
    expires_at: datetime

    def after(self, reason: Reason, now: datetime, *, failover: bool) -> Retry | None:
        """The retry after a failure for `reason`, or None. `failover`: the failed drop went through the failover setup."""
        return after_failure(
            reason,
            now,
            self.policy,
            attempts=self.attempts,
            failover=failover,
            expires_at=self.expires_at,
            jitter=random(),  # noqa: S311 - spreads load
        )


def retryable(voicemail_ids: Iterable[UUID]) -> dict[UUID, Retryable]:
    """The voicemails that may be tried more than once, by id. Call it when their rows are locked."""
    found = {}
    for row in sql.run(_find_retryable(), [sql.ids(voicemail_ids)]):
        policy = RetryPolicy(row[5], timedelta(minutes=row[6]), row[7], [Reason(name) for name in row[8]])
        found[row[0]] = Retryable(row[0], row[1], row[2], row[3], policy, row[9], row[4])
    return found


def retry_transition(voicemail_id: UUID, reason: str, retry: Retry) -> Transition:
    """The transition from failed to queued for a retry."""
    failed, queued = VoicemailStatus.FAILED, VoicemailStatus.QUEUED
    return Transition(voicemail_id, failed, queued, from_reason=reason, not_before=retry.at, failover=retry.failover)


def retry_failed(voicemail_ids: Sequence[UUID], now: datetime) -> None:
    """Queue again those of the voicemails that failed and that their policy retries."""
    if not voicemail_ids:
        return
    again = []
    for each in retryable(voicemail_ids).values():
        if each.status == VoicemailStatus.FAILED:
            retry = each.after(Reason(each.reason), now, failover=each.failover)
            if retry is not None:
                again.append(retry_transition(each.voicemail_id, each.reason, retry))
    transitions.apply(again, now)
