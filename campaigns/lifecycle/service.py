"""Actions of users on a campaign. Each decides under the campaign's lock, so concurrent calls run one after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from campaigns.lifecycle import approvals, canaries, copies, retries, validation
from campaigns.lifecycle.approvals import ApprovalNeeded
from campaigns.lifecycle.transitions import (
    already_launched,
    change_campaign,
    is_importing,
    locked,
    require,
    require_as_seen,
)
from campaigns.models import Campaign, CampaignRetry, LaunchApproval, RecipientImport
from campaigns.models.campaign import CANARY_SETTINGS, MAX_NAME_LENGTH
from campaigns.planning.plan import end_of, plan_of
from campaigns.planning.preview import Preview, preview
from campaigns.scripts.attestations import unattested_script
from campaigns.scripts.usage import clips_of, note_launch
from campaigns.states import (
    ALWAYS_EDITABLE,
    CANCELABLE,
    EDITABLE,
    LAUNCHABLE,
    OF_CANARY,
    RETRYABLE,
    ApprovalKind,
    CampaignState,
    is_editable,
)
from delivery.engine import lane_holds
from delivery.models import Clip, Lane, Recording, Voicemail
from delivery.models.lane import LANE_SETTINGS
from delivery.recordings.attestations import require_attested
from delivery.recordings.shelf import require_offered
from delivery.runtime.wakeups import wake_on_commit
from delivery.services.voicemails import require_carrier
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from rvm.platform.versions import ChangedMeanwhile
from usecases.attestations.requirements import require_statements
from usecases.models import UseCase
from usecases.selectors import require_usable
from usecases.services.persistence import audit_changes

STOPPED_ON_REQUEST = "A person or a program stopped it."


@transaction.atomic
def create(
    *,
    workspace: Workspace,
    use_case: UseCase,
    live: bool,
    name: str,
    actor: User | None,
    now: datetime | None = None,
    campaign_id: UUID | None = None,
    **fields: Any,
) -> Campaign:
    """Create a draft and its held lane, with this id if one is given.

    `fields`: recording, script, time_zone, starts_at, ends_at, window_start, window_end, days, pace_per_second, priority,
    max_attempts, retry_minutes, canary_size, canary_max_failed_percent, canary_wait_minutes. `starts_at` and `ends_at` without an
    offset are read in `time_zone`. Raises ServiceError.
    """
    lane = Lane(
        **({"id": campaign_id} if campaign_id else {}), workspace=workspace, use_case=use_case, live=live, held=True
    )
    campaign = Campaign(id=lane.pk, workspace=workspace, lane=lane, created_by=actor)
    validation.apply(campaign, {"name": name, "use_case": use_case, **fields}, now or database_now())
    lane.save(force_insert=True)
    campaign.save(force_insert=True)
    audit.record("campaign.created", campaign, actor=actor, workspace=workspace, name=campaign.name, live=live)
    return campaign


@transaction.atomic
def copy(
    campaign: Campaign,
    *,
    name: str = "",
    reasons: Collection[str] = (),
    accept_duplicate_risk: bool = False,
    actor: User | None,
    now: datetime,
    campaign_id: UUID | None = None,
) -> Campaign:
    """A draft with the same settings, without start and end. With `reasons`, the tick adds those who were not reached for them; they
    are judged anew at its launch.

    Of two calls with the same `campaign_id` the second gets the draft of the first. Raises ServiceError."""
    source = locked(campaign)
    if campaign_id and (made := Campaign.objects.filter(pk=campaign_id, copied_from=source).first()):
        return made
    copies.check(reasons, accept_duplicate_risk)
    lane = source.lane
    draft = create(
        workspace=source.workspace,
        use_case=source.use_case,
        live=source.live,
        name=name or f"Copy of {source.name}"[:MAX_NAME_LENGTH],
        actor=actor,
        now=now,
        campaign_id=campaign_id,
        time_zone=source.time_zone,
        **({"script": source.script} if source.script else {"recording": source.recording}),
        **{setting: getattr(lane, setting) for setting in LANE_SETTINGS},
        **{setting: getattr(source, setting) for setting in CANARY_SETTINGS},
    )
    draft.copied_from = source
    if reasons:
        draft.copying_since, draft.copied_reasons = database_now(), sorted(set(reasons))
        draft.copied_with_risk = accept_duplicate_risk
    draft.save()
    audit.record(
        "campaign.copied", draft, actor=actor, workspace=draft.workspace, source=str(source.pk), reasons=sorted(reasons)
    )
    return draft


@transaction.atomic
def edit(campaign: Campaign, changes: Mapping[str, Any], *, actor: User | None, now: datetime) -> Campaign:
    """Change only the fields in `changes`: `name`, `use_case` and the `fields` of `create`. Raises ServiceError."""
    row = locked(campaign)
    require_as_seen(campaign, row)
    if not all(is_editable(name, row.state) for name in changes):
        raise already_launched(row)
    changed = validation.apply(row, changes, now)
    if not changed:
        return row
    if row.state == CampaignState.PAUSED:
        _revise(row, changed.keys(), now)
    has_recipients = _has_recipients(row)
    if "use_case" in changed and (has_recipients or is_importing(row)):
        raise ServiceError(
            "campaign_has_recipients",
            "The use case stays once the campaign has recipients: they were judged by its policy. Make another campaign for another "
            "use case.",
            field="use_case_id",
        )
    if {"recording", "script"} & changed.keys() and row.state in EDITABLE:
        row.recordings_set, row.recordings_set_to = not has_recipients and not is_importing(row), None
    if row.state == CampaignState.SCHEDULED and (row.starts_at is None or not (row.recording or row.script)):
        raise ServiceError(
            "campaign_scheduled",
            "A scheduled campaign keeps a start and a recording; unschedule it to take one of them away.",
            field="starts_at" if row.starts_at is None else "recording_id",
        )
    row.save()
    followed = {"recording", "expires_at"} if row.state == CampaignState.PAUSED else set()
    row.lane.save(update_fields=(changed.keys() & validation.OF_LANE) | followed)
    audit.record("campaign.updated", row, actor=actor, workspace=row.workspace, changes=audit_changes(changed))
    if bound := sorted(changed.keys() - ALWAYS_EDITABLE):
        approvals.take_back_if_changed(row, actor, f"What would be sent was changed: {', '.join(bound)}.")
    if {"pace_per_second", "priority"} & changed.keys():
        wake_on_commit("dispatch")
    return row


def _revise(row: Campaign, changed: Collection[str], now: datetime) -> None:
    """Make a paused campaign's changes hold for those who wait, unsaved. Raises ServiceError.

    No claim from the held lane is under way, so whoever is claimed later is sent by the new settings: also those who are with the
    carrier now and are queued again. The tick brings the voicemails that wait in line before the lane opens."""
    if "recording" in changed:
        if row.recording is None:
            raise ServiceError(
                "recording_missing",
                "Those who wait have to hear something; choose another recording.",
                field="recording_id",
            )
        require_offered(row.recording, field="recording_id")
        _require_playable(row.recording)
        require_attested(row.recording, row.use_case, row.live)
        note_launch(row, now)
        row.lane.recording = row.recording
        canaries.begin(row)
    elif "canary_size" in changed:
        canaries.resize(row)
    if "ends_at" in changed:
        row.ends_at = end_of(row, row.launched_at or now)
        if row.ends_at <= now:
            raise ServiceError(
                "too_early",
                "As long after its start as the use case says is past already; give it an end.",
                field="ends_at",
            )
        row.lane.expires_at = row.ends_at
    if set(changed) - ALWAYS_EDITABLE - OF_CANARY:
        row.revised, row.recordings_set, row.recordings_set_to = True, False, None


def launch(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """draft -> running, or -> scheduled if `starts_at` is in the future. Raises ServiceError; ApprovalNeeded once the request for
    approval is kept."""
    with transaction.atomic():
        row = locked(campaign)
        require(row, LAUNCHABLE, "launched")
        if campaign.seen is not None and campaign.seen != approvals.version_of(row):
            raise ChangedMeanwhile(
                "What would be sent was changed while you had this page open, so it was not launched. Look at it again first."
            )
        people = _check_launch(row, now).total
        if not approvals.needed(row, people):
            approvals.fall(row, actor, "It was launched, and needed no approval any more.")
            return _launch(row, actor, actor, now)
        approval = approvals.ask(row, ApprovalKind.LAUNCH, people, actor)
    raise ApprovalNeeded(approval)


def _launch(row: Campaign, actor: User | None, launched_by: User | None, now: datetime) -> Campaign:
    row.launched_by = launched_by
    note_launch(row, now)
    if row.starts_at is not None and row.starts_at > now:
        return change_campaign(row, CampaignState.SCHEDULED, "campaign.scheduled", actor)
    return begin(row, actor, now)


def approve(approval: LaunchApproval, *, actor: User, now: datetime) -> Campaign:
    """Approve a waiting request of somebody else, and do at once what was asked for. Raises ServiceError, also where what would be
    sent is not what was asked for any more; the request has then fallen."""
    with transaction.atomic():
        row, asked = _decided(approval)
        approvals.require_waiting(asked)
        fallen = _fallen(row, asked)
        if fallen:
            approvals.fall(row, None, fallen)
        else:
            approvals.approve(row, asked, actor)
            return _let_out(row, asked, actor, now)
    raise ServiceError("approval_ended", f"{fallen} It has to be asked for again.")


def decline(approval: LaunchApproval, *, reason: str, actor: User) -> None:
    """Decline a waiting request of somebody else. Raises ServiceError."""
    with transaction.atomic():
        approvals.decline(*_decided(approval), actor, reason)


def withdraw_request(approval: LaunchApproval, *, actor: User | None) -> LaunchApproval:
    """Withdraw a waiting request. Raises ServiceError."""
    with transaction.atomic():
        row, asked = _decided(approval)
        approvals.withdraw(row, asked, actor)
        return asked


def _decided(approval: LaunchApproval) -> tuple[Campaign, LaunchApproval]:
    """The locked campaign and the request as it is now."""
    row = locked(approval.campaign)
    return row, LaunchApproval.objects.select_related("asked_by").get(pk=approval.pk)


def _fallen(row: Campaign, asked: LaunchApproval) -> str:
    """Why the request is not for what would be sent now; empty if it is."""
    if bytes(asked.version) != approvals.version_of(row):
        return "What would be sent has changed since it was asked for."
    people = (
        retries.matching(row, reasons=asked.reasons, accept_duplicate_risk=asked.accept_duplicate_risk)
        if asked.kind == ApprovalKind.RETRY
        else approvals.people_waiting(row)
    )
    if people > asked.people:
        return f"It reaches {people:,} people by now, and was asked for {asked.people:,}."
    return ""


def _let_out(row: Campaign, asked: LaunchApproval, actor: User, now: datetime) -> Campaign:
    if asked.kind == ApprovalKind.RETRY:
        _require_retryable(row)
        risk = asked.accept_duplicate_risk
        retries.begin(row, accept_duplicate_risk=risk, reasons=asked.reasons, actor=asked.asked_by, now=now)
        return row
    if asked.kind == ApprovalKind.RESUME:
        require(row, {CampaignState.PAUSED}, "resumed")
        _check_revised(row, now)
        return _resume(row, actor)
    require(row, LAUNCHABLE, "launched")
    _check_launch(row, now)
    return _launch(row, actor, asked.asked_by, now)


def begin(row: Campaign, actor: User | None, now: datetime) -> Campaign:
    """draft or scheduled -> running. The caller holds the campaign's lock."""
    change_campaign(row, CampaignState.RUNNING, "campaign.launched", actor, launched_at=now, ends_at=end_of(row, now))
    copies.leave_out_reached(row, now)
    canaries.begin(row)
    # If the recording changed after the import, the tick opens the lane once every voicemail has the new one.
    Lane.objects.filter(pk=row.pk).update(held=not row.recordings_set, expires_at=row.ends_at)
    wake_on_commit("dispatch")
    return row


@transaction.atomic
def unschedule(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """scheduled -> draft. Raises ServiceError."""
    row = locked(campaign)
    require(row, {CampaignState.SCHEDULED}, "unscheduled")
    return change_campaign(row, CampaignState.DRAFT, "campaign.unscheduled", actor, launched_by=None)


@transaction.atomic
def pause(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """running -> paused: nothing new is sent; drops that were claimed continue. Raises ServiceError."""
    row = locked(campaign)
    require(row, {CampaignState.RUNNING}, "paused")
    lane_holds.hold(row.pk)
    return change_campaign(row, CampaignState.PAUSED, "campaign.paused", actor, measured_at=None, rate_per_second=None)


def resume(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """paused -> running. One that its canary has stopped goes on with everybody, one that stalled with its first people; one that was
    changed meanwhile needs what a launch needs. Raises ServiceError; ApprovalNeeded once the request for approval is kept."""
    with transaction.atomic():
        row = locked(campaign)
        require(row, {CampaignState.PAUSED}, "resumed")
        people = _check_revised(row, now)
        if not approvals.needed(row, people):
            approvals.fall(row, actor, "It was resumed, and needed no approval any more.")
            return _resume(row, actor)
        approval = approvals.ask(row, ApprovalKind.RESUME, people, actor)
    raise ApprovalNeeded(approval)


def _check_revised(row: Campaign, now: datetime) -> int:
    """How many people would be sent to by settings that nobody has let out yet. Raises ServiceError if they may not be."""
    return _check_launch(row, now).total if row.revised and _has_recipients(row) else 0


def _resume(row: Campaign, actor: User | None) -> Campaign:
    """The running campaign. Its lane opens at once, or by the tick once every voicemail has what was changed (`recordings_set`)."""
    because = canaries.overrule(row)
    Lane.objects.filter(pk=row.pk).update(held=not row.recordings_set)
    wake_on_commit("dispatch")
    return change_campaign(row, CampaignState.RUNNING, "campaign.resumed", actor, because=because, revised=False)


@transaction.atomic
def cancel(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """draft, scheduled, running or paused -> canceled: nothing new is sent; drops that were claimed continue. The tick cancels the
    queued voicemails. Raises ServiceError."""
    row = locked(campaign)
    require(row, CANCELABLE, "canceled")
    # Before any other change of the lane: a claim may wait for its row, and the hold waits for the claim.
    lane_holds.hold(row.pk)
    Lane.objects.filter(pk=row.pk).update(expires_at=None)
    if retry := retries.under_way(row):
        retries.stop(row, retry, actor, "The campaign was canceled.")
    canaries.end(row)
    approvals.fall(row, actor, "The campaign was canceled.")
    return change_campaign(
        row, CampaignState.CANCELED, "campaign.canceled", actor, ended_at=now, measured_at=None, rate_per_second=None
    )


def retry_failed(
    campaign: Campaign,
    *,
    accept_duplicate_risk: bool,
    reasons: Collection[str],
    actor: User | None,
    now: datetime,
) -> CampaignRetry:
    """Requeue failed voicemails that a retry can help: the first batch now, the others by the tick. Empty `reasons` mean all.

    Voicemails that may have reached the person are left out unless `accept_duplicate_risk`. Raises ServiceError, also while an
    earlier retry runs; ApprovalNeeded once the request for approval is kept."""
    risk = accept_duplicate_risk
    with transaction.atomic():
        row = locked(campaign)
        _require_retryable(row)
        people = retries.matching(row, reasons=reasons, accept_duplicate_risk=risk)
        if retries.under_way(row) or not approvals.needed(row, people):
            approvals.fall(row, actor, "It was retried, and needed no approval any more.")
            return retries.begin(row, accept_duplicate_risk=risk, reasons=reasons, actor=actor, now=now)
        approval = approvals.ask(
            row, ApprovalKind.RETRY, people, actor, reasons=list(reasons), accept_duplicate_risk=risk
        )
    raise ApprovalNeeded(approval)


def _require_retryable(row: Campaign) -> None:
    require(row, RETRYABLE, "retried")


@transaction.atomic
def stop_retry(campaign: Campaign, *, actor: User | None) -> CampaignRetry:
    """Stop the running retry; failed voicemails that it has not requeued stay failed. Raises ServiceError if none runs."""
    row = locked(campaign)
    retry = retries.under_way(row)
    if retry is None:
        raise ServiceError(
            "retry_not_under_way", "Nobody of this campaign is being queued again now, so there is nothing to stop."
        )
    retries.stop(row, retry, actor, STOPPED_ON_REQUEST)
    return retry


def _check_launch(row: Campaign, now: datetime) -> Preview:
    """What a launch does. Raises ServiceError if it may not be."""
    require_usable(row.use_case, row.live)
    require_statements(row.use_case, row.live)
    require_carrier(row.use_case, row.live)
    if row.recording is None and row.script is None:
        raise ServiceError(
            "recording_missing", "The campaign has no recording; choose what people will hear.", field="recording_id"
        )
    for sound in [row.recording] if row.recording else Clip.objects.filter(pk__in=clips_of(row)).order_by("name", "id"):
        require_offered(sound, field="recording_id" if row.recording else "script")
    if row.recording is not None:
        _require_playable(row.recording)
    if row.is_copying:
        raise ServiceError(
            "import_under_way",
            "People of another campaign are still being added to this one; launch it when that is done.",
        )
    if RecipientImport.objects.under_way().filter(campaign=row).exists():
        raise ServiceError(
            "import_under_way",
            "A list is being imported into this campaign; launch it when that is done, or discard the list.",
        )
    if not _has_recipients(row):
        raise ServiceError("no_recipients", "The campaign has no recipients; import a list first.")
    if row.recording is not None:
        require_attested(row.recording, row.use_case, row.live)
    elif missing := unattested_script(row.lane):
        raise ServiceError("recording_not_attested", missing, field="script")
    expected = preview(plan_of(row, now), now)
    if not expected.now and not expected.later:
        raise ServiceError("nothing_to_send", _why_nothing(expected))
    return expected


def _require_playable(recording: Recording) -> None:
    if not default_storage.exists(recording.storage_name):
        raise ServiceError(
            "recording_missing",
            f"The file of the recording “{recording.name}” is gone from the media storage; upload it again.",
            field="recording_id",
        )


def _why_nothing(expected: Preview) -> str:
    people = "1 recipient" if expected.total == 1 else f"{expected.total:,} recipients"
    why = [f"{count:,} skipped ({reason})" for reason, count in expected.skipped.items()]
    if expected.expiring:
        enough = " or their number may get another message" if expected.capped else ""
        why.append(f"{expected.expiring:,} out of time before their calling window opens{enough}")
    return f"Of {people} nobody could be reached before the campaign's end: {', '.join(why)}. See its preview."


def _has_recipients(row: Campaign) -> bool:
    # Ordered as the index, so that the planner does not choose a scan of the whole table. (`exists` would drop the order.)
    queued = Voicemail.objects.filter(lane_id=row.pk, status="queued").order_by("lane", "failover", "not_before")
    return queued.values_list("pk").first() is not None
