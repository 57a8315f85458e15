"""Requeues the failed voicemails of a campaign in batches: the request does the first batch, the tick the others.

Each batch is one transaction under the campaign's lock; it commits the position of the pass and its counts too. A process killed
between batches leaves nothing half done, and other transactions wait for at most one batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from campaigns.lifecycle.transitions import change_state, future_end, reopen
from campaigns.models import Campaign, CampaignRetry
from campaigns.states import CampaignState, RetryState
from delivery.lane_totals import reasons_of
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.runtime.wakeups import wake_on_commit
from delivery.services.lanes import id_before_first
from delivery.services.retries import requeue_failed, retryable_reasons
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.selectors import require_usable

# Voicemails per batch. A batch takes about 0.2 seconds, the longest that another transaction waits for one of its rows.
BATCH = 2000


def begin(
    row: Campaign, *, accept_duplicate_risk: bool, reasons: Collection[str], actor: User | None, now: datetime
) -> CampaignRetry:
    """Create the retry and requeue its first batch; a small campaign is then complete. The caller holds the campaign's lock.
    Raises ServiceError."""
    if earlier := under_way(row):
        raise ServiceError(
            "retry_under_way",
            f"The failed of this campaign are being queued again already, {earlier.looked_at:,} of {earlier.matching:,} so far. Wait "
            "until that is done, or stop it.",
        )
    require_usable(row.use_case, row.live)
    retry = CampaignRetry.objects.create(
        campaign=row,
        reasons=sorted(set(reasons)),
        accept_duplicate_risk=accept_duplicate_risk,
        asked_by=actor,
        asked_at=database_now(),
        matching=matching(row, reasons=reasons, accept_duplicate_risk=accept_duplicate_risk),
    )
    _record("campaign.retry_began", row, retry, actor)
    requeue_batch(row, retry, now)
    return retry


def under_way(row: Campaign) -> CampaignRetry | None:
    return CampaignRetry.objects.filter(campaign=row, state=RetryState.RUNNING).select_related("asked_by").first()


def requeue_batch(row: Campaign, retry: CampaignRetry, now: datetime) -> None:
    """Requeue the next batch. The caller holds the campaign's lock.

    The guards of a retry apply to each batch anew: recipients suppressed meanwhile are left out, and the pass stops once the use
    case cannot send any more."""
    try:
        require_usable(row.use_case, row.live)
    except ServiceError as refused:
        stop(row, retry, None, refused.message)
        return
    ends_with_lane = future_end(row, now) is not None
    found = requeue_failed(
        row.lane,
        retryable_reasons(retry.reasons, retry.accept_duplicate_risk),
        since=retry.asked_at,
        after=retry.up_to or id_before_first(row.lane),
        expires_at=None if ends_with_lane else now + timedelta(hours=row.use_case.expires_after_hours),
        limit=BATCH,
        now=now,
    )
    retry.queued += found.queued
    retry.left_out = dict(Counter(retry.left_out) + found.left_out)
    retry.up_to = found.last
    if found.queued:
        if row.state == CampaignState.COMPLETED:
            reopen(row, retry.asked_by)
        wake_on_commit("dispatch")
    if found.last is None:
        change_state(retry, RetryState.COMPLETED, ended_at=database_now())
        _record("campaign.retried", row, retry, retry.asked_by)
    else:
        retry.save()


def stop(row: Campaign, retry: CampaignRetry, actor: User | None, because: str) -> None:
    """Stop the pass; voicemails that it has not reached stay as they are. The caller holds the campaign's lock."""
    change_state(retry, RetryState.STOPPED, ended_at=database_now(), stopped_because=because[:300])
    _record("campaign.retry_stopped", row, retry, actor, because=because)


def matching(row: Campaign, *, reasons: Collection[str], accept_duplicate_risk: bool) -> int:
    """How many voicemails a retry for these reasons matches now, by the counters. Raises ServiceError."""
    chosen = retryable_reasons(reasons, accept_duplicate_risk)
    wanted = {(VoicemailStatus.FAILED.value, reason.value) for reason in chosen}
    if Reason.UNCONFIRMED in chosen:
        wanted.add((VoicemailStatus.UNCERTAIN.value, ""))
    return sum(
        count for status_and_reason, count in reasons_of([row.pk])[row.pk].items() if status_and_reason in wanted
    )


def _record(action: str, row: Campaign, retry: CampaignRetry, actor: User | None, **details: str) -> None:
    audit.record(
        action,
        row,
        actor=actor,
        workspace=row.workspace,
        retry_id=str(retry.pk),
        reasons=retry.reasons,
        duplicate_risk_accepted=retry.accept_duplicate_risk,
        matching=retry.matching,
        count=retry.queued,
        left_out=retry.left_out,
        **details,
    )
