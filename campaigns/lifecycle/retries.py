"""A campaign's failed voicemails, queued again batch by batch: the request does the first, the tick the others.

Each batch is a transaction of its own under the campaign's lock, committed together with how far the pass has come and with its
counts. So whoever is killed in between leaves nothing half done, and nobody waits for more rows than a batch has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from campaigns.lifecycle.transitions import change_state, end_ahead, reopen
from campaigns.models import Campaign, CampaignRetry
from campaigns.states import CampaignState, RetryState
from delivery.engine.dispatcher import database_now
from delivery.lane_totals import reasons_of
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.runtime.wakeups import wake_on_commit
from delivery.services.lanes import id_before_first
from delivery.services.retries import requeue_failed, retryable_reasons
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.selectors import require_usable

# So many take about a fifth of a second; whoever wants one of these rows waits no longer.
BATCH = 2000


def begin(
    row: Campaign, *, accept_duplicate_risk: bool, reasons: Collection[str], actor: User | None, now: datetime
) -> CampaignRetry:
    """The retry with its first batch done, which is all of it where the campaign is small. The caller holds the campaign's lock.
    Raises ServiceError."""
    chosen = retryable_reasons(reasons, accept_duplicate_risk)
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
        matching=_matching(row, chosen),
    )
    _record("campaign.retry_began", row, retry, actor)
    go_on(row, retry, now)
    return retry


def under_way(row: Campaign) -> CampaignRetry | None:
    return CampaignRetry.objects.filter(campaign=row, state=RetryState.RUNNING).select_related("asked_by").first()


def go_on(row: Campaign, retry: CampaignRetry, now: datetime) -> None:
    """Queue the next batch again. The caller holds the campaign's lock.

    The guards of a retry hold for each batch as it comes: who was suppressed meanwhile is left out, and where nothing can be sent any
    more the pass stops."""
    try:
        require_usable(row.use_case, row.live)
    except ServiceError as refused:
        stop(row, retry, None, refused.sentence)
        return
    ends_with_lane = end_ahead(row, now) is not None
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
    """Leave those who were not looked at yet as they are. The caller holds the campaign's lock."""
    change_state(retry, RetryState.STOPPED, ended_at=database_now(), stopped_because=because[:300])
    _record("campaign.retry_stopped", row, retry, actor, because=because)


def _matching(row: Campaign, reasons: Collection[Reason]) -> int:
    wanted = {(VoicemailStatus.FAILED.value, reason.value) for reason in reasons}
    if Reason.UNCONFIRMED in reasons:
        wanted.add((VoicemailStatus.UNCERTAIN.value, ""))
    return sum(count for standing, count in reasons_of([row.pk])[row.pk].items() if standing in wanted)


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
