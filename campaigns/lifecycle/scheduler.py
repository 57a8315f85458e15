"""Time-driven steps of campaigns, run by the tick: start, open lanes, judge canaries, retry, reopen, complete,
cancel, measure.

Each step is bounded, idempotent, and decides under the campaign's lock, so any number of ticks may run at once: a campaign that
another tick has locked is skipped.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.lifecycle import canaries, copies, retries
from campaigns.lifecycle.service import begin
from campaigns.lifecycle.transitions import change_campaign, is_importing, reopen
from campaigns.models import Campaign, CampaignRetry, Canary, RecipientImport
from campaigns.scripts import RecordingResolver
from campaigns.states import CampaignState, CanaryState, RetryState
from delivery.lane_totals import LANES_WITH, counts_of
from delivery.lifecycle.status import OPEN_ENDED, UNDER_WAY, VoicemailStatus
from delivery.models import Lane
from delivery.recordings.storage import TEMPORARY
from delivery.runtime.wakeups import wake_on_commit
from delivery.services.lanes import assign_recording, assign_recordings, cancel_queued, id_before_first
from rvm.platform.database import sql
from rvm.platform.errors import ServiceError
from rvm.platform.health.failed_work import reason_of, record

log = structlog.get_logger(__name__)


# Per tick and step. 5,000 voicemails take about half a second, because each of their indexes is written.
MAX_CAMPAIGNS = 50
MAX_VOICEMAILS = 5_000
MAX_ASSEMBLED = 2_000
# Retries take at most this much of a tick, but at least one batch.
RETRY_SECONDS = 0.5
# The same for copies of campaigns.
COPY_SECONDS = 0.5
# Joining a new combination of clips is slow, and the tick has other steps.
ASSEMBLE_SECONDS = 0.5

MEASURE_EVERY = timedelta(seconds=5)
# Time constant of the exponential smoothing of the rate.
SMOOTHING = timedelta(seconds=15)

_IMPORT_UNDER_WAY = Exists(RecipientImport.objects.under_way().filter(campaign=OuterRef("pk")))
_RETRY_UNDER_WAY = Exists(CampaignRetry.objects.filter(campaign=OuterRef("pk"), state=RetryState.RUNNING))


def start_due(now: datetime) -> None:
    """scheduled -> running at `starts_at`; a campaign with an import under way waits until it ends."""
    due = Campaign.objects.filter(~_IMPORT_UNDER_WAY, state=CampaignState.SCHEDULED, starts_at__lte=now).order_by(
        "starts_at"
    )
    _each(due, Q(state=CampaignState.SCHEDULED, starts_at__lte=now), lambda row: _begin(row, now))


def _begin(row: Campaign, now: datetime) -> None:
    if not _has_import_under_way(row):  # a list may have been confirmed since the query
        begin(row, None, now)


def set_recordings(now: datetime) -> None:
    """Bring a batch of the voicemails of each running campaign in line with what was changed after the import or while it was paused:
    each gets its recording, and is due. The lane opens after the last batch."""
    unset = Q(state=CampaignState.RUNNING, recordings_set=False)
    _each(Campaign.objects.filter(unset), unset, lambda row: _set_recordings(row, now))


def _set_recordings(row: Campaign, now: datetime) -> None:
    if is_importing(row):
        return
    row.recordings_set_to = _assign_batch(row, row.recordings_set_to or id_before_first(row.lane), now)
    row.recordings_set = row.recordings_set_to is None
    row.save(update_fields=["recordings_set", "recordings_set_to"])
    if row.recordings_set:
        Lane.objects.filter(pk=row.pk).update(held=False)
        wake_on_commit("dispatch")


def _assign_batch(row: Campaign, after: UUID, now: datetime) -> UUID | None:
    if row.recording_id is not None:
        return assign_recording(row.pk, row.recording_id, after=after, limit=MAX_VOICEMAILS, now=now)
    resolver = RecordingResolver(row)

    def choose(merge_fields: Any) -> UUID | None:
        try:
            return resolver.recording_for(merge_fields).pk
        except ServiceError as refused:
            if refused.code in TEMPORARY:
                raise  # temporary: no voicemail fails, the next tick tries again
            return None

    return assign_recordings(row.pk, choose, after=after, limit=MAX_ASSEMBLED, seconds=ASSEMBLE_SECONDS, now=now)


def judge_canaries(now: datetime) -> None:
    """Let running campaigns go on, or pause them, by the reports about the people whom they try first."""
    running = Q(state=CampaignState.RUNNING)
    waiting = Campaign.objects.filter(
        running, pk__in=Canary.objects.filter(state=CanaryState.UNDER_WAY).values("campaign")
    )
    _each(waiting, running, lambda row: canaries.watch(row, now))


# Two indexes: queued voicemails are found by lane, open ones by use case and status, because few are open at a time.
_HAS_OPEN_VOICEMAIL = f"""
SELECT EXISTS (SELECT 1 FROM delivery_voicemail WHERE lane_id = %s AND status = 'queued' ORDER BY failover, not_before)
    OR EXISTS (SELECT 1 FROM delivery_voicemail
                WHERE use_case_id = %s AND status IN {sql.literals(UNDER_WAY)} AND lane_id = %s)
"""  # noqa: S608 - of constants


def complete(now: datetime) -> None:
    """running or paused -> completed once every voicemail has ended. Counters select the candidates; the rows decide."""
    under_way = Q(state__in=[CampaignState.RUNNING, CampaignState.PAUSED])
    ids = Campaign.objects.filter(~_IMPORT_UNDER_WAY, ~_RETRY_UNDER_WAY, under_way).values_list("pk", flat=True)
    ended = [lane_id for lane_id, counts in counts_of(list(ids)).items() if counts and not _open_ended(counts)]
    _each(Campaign.objects.filter(under_way, pk__in=ended), under_way, lambda row: _complete(row, now))


def _complete(row: Campaign, now: datetime) -> None:
    if _has_import_under_way(row) or retries.under_way(row) or _has_open_row(row):
        return
    if row.state == CampaignState.RUNNING and not row.recordings_set:
        return  # its lane is opened first: one that is held when it completes was paused (`reopen`)
    canaries.end(row)
    Lane.objects.filter(pk=row.pk).update(idle=True)
    change_campaign(
        row, CampaignState.COMPLETED, "campaign.completed", None, ended_at=now, measured_at=None, rate_per_second=None
    )


def _has_import_under_way(row: Campaign) -> bool:
    return RecipientImport.objects.under_way().filter(campaign=row).exists()


def _open_ended(counts: Counter[str]) -> int:
    return sum(counts[status] for status in OPEN_ENDED)


def _has_open_row(row: Campaign) -> bool:
    [(found,)] = sql.run(_HAS_OPEN_VOICEMAIL, [row.pk, row.lane.use_case_id, row.pk])
    return bool(found)


# Campaigns of a state whose lanes have voicemails in one of the statuses; few lanes have any.
_CAMPAIGNS_WITH_STATUS = """
SELECT id FROM campaigns_campaign WHERE id = ANY(ARRAY({lanes})) AND state = %s ORDER BY id LIMIT %s
"""


def _campaigns_with(state: CampaignState, statuses: Iterable[VoicemailStatus]) -> list[UUID]:
    """Ids of at most MAX_CAMPAIGNS campaigns in `state` that have, by the counters, voicemails in one of `statuses`."""
    names = sql.texts(sorted(status.value for status in statuses))
    statement = _CAMPAIGNS_WITH_STATUS.format(lanes=LANES_WITH)
    return [row[0] for row in sql.run(statement, [names, state.value, MAX_CAMPAIGNS])]


def continue_copies(now: datetime) -> None:
    """Add batches of people who were not reached elsewhere to drafts that are copies, for up to COPY_SECONDS."""
    enough = time.monotonic() + COPY_SECONDS
    copying = Q(copying_since__isnull=False)
    more = True
    while more and time.monotonic() < enough:
        more = False

        def add_next(row: Campaign) -> None:
            nonlocal more
            copies.add_batch(row, now)
            more |= row.is_copying

        _each(Campaign.objects.filter(copying).order_by("updated_at"), copying, add_next)


def reopen_retried(now: datetime) -> None:
    """completed -> running or paused where a voicemail is open again, after a retry or a late report."""
    found = Campaign.objects.filter(pk__in=_campaigns_with(CampaignState.COMPLETED, OPEN_ENDED))
    _each(found, Q(state=CampaignState.COMPLETED), _reopen)


def _reopen(row: Campaign) -> None:
    if _has_open_row(row):
        reopen(row, None)
        wake_on_commit("dispatch")


def continue_retries(now: datetime) -> None:
    """Requeue batches of running retries for up to RETRY_SECONDS; the least recently served retry comes first."""
    enough = time.monotonic() + RETRY_SECONDS
    served: list[UUID] = []

    def requeue_next(row: Campaign) -> None:
        retry = retries.under_way(row)
        if retry is not None and (not served or time.monotonic() < enough):
            retries.requeue_batch(row, retry, now)
            served.append(row.pk)

    waiting = Campaign.objects.filter(retries__state=RetryState.RUNNING).order_by("retries__updated_at")
    before = -1
    while before < len(served) and (not served or time.monotonic() < enough):
        before = len(served)
        _each(waiting, Q(), requeue_next)


def cancel_remaining(now: datetime) -> None:
    """Cancel up to MAX_VOICEMAILS queued voicemails of canceled campaigns, also those that return to the queue unsent."""
    left = MAX_VOICEMAILS
    for lane_id in _campaigns_with(CampaignState.CANCELED, [VoicemailStatus.QUEUED]):
        left -= cancel_queued(lane_id, left, now)
        if left <= 0:
            return


def measure(now: datetime) -> None:
    """Update the recent rate of running campaigns, in voicemails per second, from the counters every MEASURE_EVERY."""
    rows = Campaign.objects.filter(
        Q(measured_at=None) | Q(measured_at__lte=now - MEASURE_EVERY), state=CampaignState.RUNNING
    ).order_by("pk")[: 20 * MAX_CAMPAIGNS]
    counts = counts_of([row.pk for row in rows]) if rows else {}
    for row in rows:
        sent = _sent(counts[row.pk])
        rate = None if row.measured_at is None else _smoothed(row, sent, (now - row.measured_at).total_seconds())
        # The condition on `measured_at` lets one of two concurrent ticks write.
        Campaign.objects.filter(pk=row.pk, measured_at=row.measured_at, state=CampaignState.RUNNING).update(
            measured_at=now, measured_sent=sent, rate_per_second=rate
        )


def _smoothed(row: Campaign, sent: int, seconds: float) -> float:
    rate = max(0, sent - row.measured_sent) / seconds
    if row.rate_per_second is None:
        return rate
    weight = 1 - math.exp(-seconds / SMOOTHING.total_seconds())
    return row.rate_per_second + weight * (rate - row.rate_per_second)


def _sent(counts: Counter[str]) -> int:
    return sum(
        counts[status]
        for status in (
            VoicemailStatus.ACCEPTED,
            VoicemailStatus.DELIVERED,
            VoicemailStatus.FAILED,
            VoicemailStatus.UNCERTAIN,
        )
    )


def _each(found: QuerySet[Campaign], still: Q, act: Callable[[Campaign], object]) -> None:
    """Call `act` for each campaign under its lock, in a transaction of its own, if it is not locked and still matches `still`.

    A failure is logged and the campaign tried again at the next tick; the others go on. Raises OperationalError."""
    for pk in list(found.values_list("pk", flat=True)[:MAX_CAMPAIGNS]):
        try:
            with transaction.atomic():
                rows = Campaign.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
                row = rows.select_related("workspace", "lane__use_case").filter(still, pk=pk).first()
                if row is not None:
                    act(row)
        except OperationalError:
            raise  # the database is gone: the tick reconnects
        except Exception as error:
            log.exception("campaign_step_failed", campaign_id=str(pk))
            _record(pk, error)


def _record(campaign_id: UUID, error: Exception) -> None:
    row = Campaign.objects.only("name", "workspace_id").filter(pk=campaign_id).first()
    if row is not None:
        reason = reason_of(error)
        record("campaign_step", str(campaign_id), name=row.name, workspace_id=row.workspace_id, reason=reason)


STEPS = (
    start_due,
    set_recordings,
    judge_canaries,
    continue_copies,
    continue_retries,
    reopen_retried,
    complete,
    cancel_remaining,
    measure,
)
